#include "broker/plan_affects.h"

#include "broker/plan_priv.h"
#include "store/desktop.h"
#include "store/entitlement.h"
#include "store/session.h"

#include <stdio.h>
#include <string.h>

#define PAIR_MAX (ORL_USER_MAX + ORL_NAME_MAX + 2)

/* Settings that count for sessions that run now, or for who wants to begin one. */
static const char *const session_fields[] = {"idle_timeout_s", "max_session_s", "allowed_hours",
        "allowed_from", "max_per_user", "disconnect_timeout_s", "clipboard", "clipboard_max_bytes",
        "sound", "maintenance", "display", NULL};
/* Settings that say what a desktop is made of: those that are there keep theirs until they are made anew. */
static const char *const machine_fields[] = {"template", "template_version", "memory_mib", "vcpus",
        "cpu_shares", "cpu_cap_percent", "disk_iops", "disk_mib_s", "balloon_min_mib", "firmware",
        "secure_boot", "tpm", "network", "network_name", "clone_method", "person", "home", "max",
        NULL};
static const char *const spare_fields[] = {"spares", "spares_suspended", "spare_max_age_s",
        "schedule", "template", "template_version", NULL};

static bool is_in(const char *const *list, const char *name)
{
    for (; *list != NULL; list++) {
        if (strcmp(*list, name) == 0) {
            return true;
        }
    }
    return false;
}

struct tally {
    unsigned count;
    json_t *names;
};

static int count_name(struct tally *tally, const char *name)
{
    tally->count++;
    return tally->count <= ORL_PLAN_NAMES_MAX &&
                           json_array_append_new(tally->names, json_string(name)) < 0
                   ? ORL_E_NOMEM
                   : 0;
}

static int count_session(void *ctx, const struct orl_session_row *row)
{
    return count_name(ctx, row->user);
}

static void put(json_t *affects, const char *what, const struct tally *tally)
{
    if (tally->count > 0) {
        (void)json_array_append_new(affects, json_pack("{s:s, s:i, s:O}", "what", what, "count",
                                                     (int)tally->count, "names", tally->names));
    }
}

static int put_sessions(struct orl_broker *broker, const char *user, const char *pool,
        json_t *affects, struct orl_err *err)
{
    const struct orl_session_filter filter = {.is_live = true, .user = user, .pool = pool};
    struct tally tally = {.names = json_array()};
    int rc = orl_session_list(broker->store, &filter, count_session, &tally, err);
    put(affects, "sessions", &tally);
    json_decref(tally.names);
    return rc;
}

struct lost {
    struct tally people;
    struct tally sessions;
    json_t *pairs; /* person and pool */
    char user[ORL_USER_MAX + 1];
};

static void pair_of(const char *user, const char *pool, char ret_pair[PAIR_MAX])
{
    (void)snprintf(ret_pair, PAIR_MAX, "%s/%s", user, pool);
}

static int count_lost(void *ctx, const struct orl_entitlement_way *way)
{
    struct lost *lost = ctx;
    char pair[PAIR_MAX];
    pair_of(way->user, way->pool, pair);
    if (json_object_set_new(lost->pairs, pair, json_true()) < 0) {
        return ORL_E_NOMEM;
    }
    if (strcmp(way->user, lost->user) == 0) {
        return 0;
    }
    memcpy(lost->user, way->user, sizeof(lost->user));
    return count_name(&lost->people, way->user);
}

static int count_lost_session(void *ctx, const struct orl_session_row *row)
{
    struct lost *lost = ctx;
    char pair[PAIR_MAX];
    pair_of(row->user, row->pool, pair);
    return json_object_get(lost->pairs, pair) != NULL ? count_name(&lost->sessions, row->user) : 0;
}

/* People who could not use a pool any more, and the sessions that they have of it. */
static int put_lost(struct orl_broker *broker, const struct orl_entitlement_cut *cut,
        json_t *affects, struct orl_err *err)
{
    const struct orl_session_filter filter = {
            .is_live = true, .user = cut->user, .pool = cut->pool};
    struct lost lost = {
            .people.names = json_array(), .sessions.names = json_array(), .pairs = json_object()};
    int rc = orl_entitlement_cut_off(broker->store, cut, count_lost, &lost, err);
    if (rc == 0 && lost.people.count > 0) {
        rc = orl_session_list(broker->store, &filter, count_lost_session, &lost, err);
    }
    put(affects, "sessions", &lost.sessions);
    put(affects, "people", &lost.people);
    json_decref(lost.people.names);
    json_decref(lost.sessions.names);
    json_decref(lost.pairs);
    return rc;
}

static int put_people(
        struct orl_broker *broker, const char *pool, json_t *affects, struct orl_err *err)
{
    const struct orl_entitlement_cut cut = {.pool = pool};
    struct lost lost = {.people.names = json_array(), .pairs = json_object()};
    int rc = orl_entitlement_cut_off(broker->store, &cut, count_lost, &lost, err);
    put(affects, "people", &lost.people);
    json_decref(lost.people.names);
    json_decref(lost.pairs);
    return rc;
}

static int put_desktops(struct orl_broker *broker, const char *pool, bool has_all, bool has_spares,
        json_t *affects, struct orl_err *err)
{
    struct orl_desktop_counts counts = {0};
    json_t *none = json_array();
    int rc = orl_desktop_count(broker->store, pool, &counts, err);
    const struct tally all = {.count = has_all ? counts.total : 0, .names = none};
    const struct tally spares = {.count = has_spares ? counts.ready : 0, .names = none};
    put(affects, "spares", &spares);
    put(affects, "desktops", &all);
    json_decref(none);
    return rc;
}

static int of_pool(struct orl_broker *broker, const char *op, const char *pool, const char *field,
        json_t *affects, struct orl_err *err)
{
    bool is_removed = strcmp(op, "remove") == 0;
    bool has_sessions = is_removed || is_in(session_fields, field);
    bool has_desktops = is_removed || is_in(machine_fields, field);
    int rc = has_sessions ? put_sessions(broker, NULL, pool, affects, err) : 0;
    rc = rc < 0 ? rc
                : put_desktops(broker, pool, has_desktops, is_removed || is_in(spare_fields, field),
                          affects, err);
    return rc < 0 || !is_removed ? rc : put_people(broker, pool, affects, err);
}

static int of_user(struct orl_broker *broker, const char *op, const char *user, const char *field,
        json_t *affects, struct orl_err *err)
{
    bool is_touched = strcmp(op, "remove") == 0 || strcmp(field, "is_disabled") == 0 ||
                      strcmp(field, "role") == 0;
    return is_touched ? put_sessions(broker, user, NULL, affects, err) : 0;
}

static int of_entitlement(struct orl_broker *broker, const char *op, const char *name,
        json_t *affects, struct orl_err *err)
{
    char user[ORL_USER_MAX + 1];
    char pool[ORL_USER_MAX + 1];
    const struct orl_entitlement_cut cut = {.user = user, .pool = pool, .is_own = true};
    orl_plan_split(name, user, pool);
    return strcmp(op, "remove") == 0 ? put_lost(broker, &cut, affects, err) : 0;
}

/* "group", "group user", "group child", "group entitlement". */
static int of_group(struct orl_broker *broker, const char *op, const char *kind, const char *name,
        json_t *affects, struct orl_err *err)
{
    char first[ORL_USER_MAX + 1];
    char second[ORL_USER_MAX + 1];
    struct orl_entitlement_cut cut = {0};
    orl_plan_split(name, first, second);
    if (strcmp(op, "remove") != 0) {
        return 0;
    }
    if (strcmp(kind, "group") == 0) {
        cut.either = name;
    } else if (strcmp(kind, "group user") == 0) {
        cut.member = first;
        cut.user = second;
    } else if (strcmp(kind, "group child") == 0) {
        cut.group = first;
        cut.member = second;
    } else {
        cut.group = first;
        cut.pool = second;
    }
    return put_lost(broker, &cut, affects, err);
}

int orl_plan_affects(struct orl_broker *broker, const char *op, const char *kind, const char *name,
        const char *field, json_t **ret_affects, struct orl_err *err)
{
    json_t *affects = json_array();
    int rc = 0;
    if (strcmp(op, "add") == 0) {
        rc = 0; /* nobody has it yet */
    } else if (strcmp(kind, "pool") == 0) {
        rc = of_pool(broker, op, name, field, affects, err);
    } else if (strcmp(kind, "user") == 0) {
        rc = of_user(broker, op, name, field, affects, err);
    } else if (strcmp(kind, "entitlement") == 0) {
        rc = of_entitlement(broker, op, name, affects, err);
    } else if (strncmp(kind, "group", strlen("group")) == 0) {
        rc = of_group(broker, op, kind, name, affects, err);
    }
    if (rc < 0) {
        json_decref(affects);
        return rc;
    }
    *ret_affects = affects;
    return 0;
}
