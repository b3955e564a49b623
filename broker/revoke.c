#include "broker/revoke.h"

#include "base/clock.h"
#include "broker/events.h"
#include "broker/session_lease.h"
#include "broker/weblogin.h"
#include "store/entitlement.h"
#include "store/token.h"
#include "store/weblogin.h"

#include <stdlib.h>
#include <string.h>

struct ids {
    char (*list)[ORL_ID_LEN + 1];
    size_t count;
};

static int add_id(void *ctx, const struct orl_session_row *row)
{
    struct ids *ids = ctx;
    void *more = realloc(ids->list, (ids->count + 1) * sizeof(*ids->list));
    if (more == NULL) {
        return ORL_E_NOMEM;
    }
    ids->list = more;
    orl_msg_text(ids->list[ids->count++], sizeof(*ids->list), row->id);
    return 0;
}

static int disconnect(struct orl_broker *broker, const struct orl_session_filter *filter,
        const char *user, struct orl_err *err)
{
    struct ids ids = {0};
    int rc = orl_session_list(broker->store, filter, add_id, &ids, err);
    for (size_t i = 0; rc == 0 && i < ids.count; i++) {
        rc = orl_leases_disconnect(broker, ids.list[i], ORL_REASON_ACCESS_REVOKED, err);
    }
    free(ids.list);
    orl_events_poke(broker->events, user);
    return rc;
}

int orl_revoke_person(
        struct orl_broker *broker, const char *user, const char *keep_login, struct orl_err *err)
{
    const struct orl_session_filter filter = {.user = user, .is_live = true};
    uint64_t now_ms = orl_clock_wall_ms();
    int rc = orl_weblogin_end_user(broker->store, user, keep_login, now_ms, err);
    rc = rc < 0 ? rc : orl_token_remove_user(broker->store, user, err);
    rc = rc < 0 ? rc : orl_ticket_revoke_user(broker->store, user, NULL, now_ms, err);
    return rc < 0 ? rc : disconnect(broker, &filter, user, err);
}

struct lost {
    struct orl_entitlement_way *list;
    size_t count;
};

static int add_lost(void *ctx, const struct orl_entitlement_way *way)
{
    struct lost *lost = ctx;
    void *more = realloc(lost->list, (lost->count + 1) * sizeof(*lost->list));
    if (more == NULL) {
        return ORL_E_NOMEM;
    }
    lost->list = more;
    lost->list[lost->count++] = *way;
    return 0;
}

static int revoke_pool(
        struct orl_broker *broker, const struct orl_entitlement_way *way, struct orl_err *err)
{
    const struct orl_session_filter filter = {
            .user = way->user, .pool = way->pool, .is_live = true};
    int rc = orl_ticket_revoke_user(broker->store, way->user, way->pool, orl_clock_wall_ms(), err);
    return rc < 0 ? rc : disconnect(broker, &filter, way->user, err);
}

int orl_revoke_lost(struct orl_broker *broker, struct orl_err *err)
{
    struct lost lost = {0};
    int rc = orl_entitlement_lost(broker->store, add_lost, &lost, err);
    for (size_t i = 0; rc == 0 && i < lost.count; i++) {
        rc = revoke_pool(broker, &lost.list[i], err);
    }
    free(lost.list);
    return rc;
}

struct find {
    const char *id;
    struct orl_weblogin_row row;
    bool is_found;
};

static int find_login(void *ctx, const struct orl_weblogin_row *row)
{
    struct find *find = ctx;
    if (strcmp(row->id, find->id) != 0) {
        return 0;
    }
    find->row = *row;
    find->is_found = true;
    return 1;
}

int orl_revoke_login(
        struct orl_broker *broker, const char *id, const char *user, struct orl_err *err)
{
    struct find find = {.id = id};
    uint64_t now_ms = orl_clock_wall_ms();
    int rc = orl_weblogin_list(broker->store, user, now_ms, find_login, &find, err);
    if (rc < 0 || !find.is_found) {
        return rc < 0 ? rc : orl_err_set(err, ORL_E_NOTFOUND, "no such login");
    }
    return orl_revoke_cookie(broker, find.row.token_hash, err);
}

struct bindings {
    char list[ORL_WEBLOGIN_MAX_PER_USER][ORL_COOKIE_BINDING_LEN + 1];
    unsigned count;
};

static int add_binding(void *ctx, const struct orl_weblogin_row *row)
{
    struct bindings *bindings = ctx;
    orl_msg_text(bindings->list[bindings->count++], sizeof(bindings->list[0]), row->token_hash);
    return bindings->count == ORL_WEBLOGIN_MAX_PER_USER ? 1 : 0;
}

int orl_revoke_logins(struct orl_broker *broker, const char *user, struct orl_err *err)
{
    struct bindings bindings = {.count = 0};
    int rc = orl_weblogin_list(
            broker->store, user, orl_clock_wall_ms(), add_binding, &bindings, err);
    rc = rc < 0 ? rc : 0;
    for (unsigned i = 0; rc == 0 && i < bindings.count; i++) {
        rc = orl_revoke_cookie(broker, bindings.list[i], err);
    }
    return rc < 0 ? rc : orl_token_remove_user(broker->store, user, err);
}

int orl_revoke_cookie(struct orl_broker *broker, const char *binding, struct orl_err *err)
{
    const struct orl_session_filter filter = {.binding = binding, .is_live = true};
    struct orl_weblogin_row row;
    int found = orl_weblogin_find(broker->store, binding, 0, &row, err);
    if (found < 0 && found != ORL_E_NOTFOUND) {
        return found;
    }
    int rc = disconnect(broker, &filter, found == 0 ? row.user : NULL, err);
    if (rc < 0 || found < 0) {
        return rc;
    }
    return orl_weblogin_end(broker->store, row.id, row.user, orl_clock_wall_ms(), err);
}
