#include "broker/pool_drain.h"

#include "base/clock.h"
#include "store/pool.h"

#include <stdlib.h>

enum { MAX_POOLS = 32, MAX_DESKTOPS = 64 };

int orl_pool_drain_desktop(struct orl_broker *broker, const struct orl_desktop_row *desktop,
        const char *actor, struct orl_err *err)
{
    uint64_t now_ms = orl_clock_wall_ms();
    struct orl_desktop_row row = *desktop;
    if (row.session[0] != '\0') {
        return orl_err_set(err, ORL_E_CONFLICT, "the desktop is in use by %s", row.user);
    }
    int rc = 0;
    if (row.lease != ORL_LEASE_ENDING) {
        struct orl_desktop_move move = {.id = row.id,
                .version = row.version,
                .lease = ORL_LEASE_ENDING,
                .want = ORL_WANT_DELETE,
                .actor = actor};
        rc = orl_desktop_move(broker->store, &move, now_ms, &row, err);
    } else if (row.want != ORL_WANT_DELETE && row.kind != ORL_POOL_STATIC) {
        rc = orl_desktop_set_want(broker->store, row.id, ORL_WANT_DELETE, actor, now_ms, err);
    }
    if (rc == 0 && row.kind == ORL_POOL_STATIC) {
        rc = orl_desktop_remove(broker->store, row.id, row.version, actor, now_ms, err);
    }
    return rc;
}

struct pools {
    char names[MAX_POOLS][ORL_NAME_MAX + 1];
    unsigned count;
};

static int add_deleted(void *ctx, const struct orl_pool_row *row)
{
    struct pools *pools = ctx;
    if (row->is_deleted && pools->count < MAX_POOLS) {
        orl_msg_text(pools->names[pools->count++], ORL_NAME_MAX + 1, row->name);
    }
    return 0;
}

struct desktops {
    struct orl_desktop_row *rows;
    unsigned count;
};

static int add_static(void *ctx, const struct orl_desktop_row *row)
{
    struct desktops *desktops = ctx;
    if (row->kind == ORL_POOL_STATIC && row->session[0] == '\0' && desktops->count < MAX_DESKTOPS) {
        desktops->rows[desktops->count++] = *row;
    }
    return 0;
}

static int drain_pool(struct orl_broker *broker, const char *pool, struct orl_err *err)
{
    struct orl_desktop_filter filter = {.pool = pool};
    struct desktops desktops = {.rows = calloc(MAX_DESKTOPS, sizeof(*desktops.rows))};
    if (desktops.rows == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "out of memory");
    }
    int rc = orl_desktop_list(broker->store, &filter, add_static, &desktops, err);
    for (unsigned i = 0; rc == 0 && i < desktops.count; i++) {
        rc = orl_pool_drain_desktop(broker, &desktops.rows[i], "broker", err);
    }
    free(desktops.rows);
    if (rc == 0) {
        rc = orl_pool_remove(broker->store, pool, err);
    }
    return rc == ORL_E_CONFLICT ? 0 : rc; /* some are left: later */
}

void orl_pool_drain(struct orl_broker *broker)
{
    struct orl_err err = {0};
    struct pools pools = {0};
    int rc = orl_pool_list(broker->store, NULL, add_deleted, &pools, &err);
    for (unsigned i = 0; rc == 0 && i < pools.count; i++) {
        rc = drain_pool(broker, pools.names[i], &err);
    }
    if (rc < 0) {
        orl_broker_log_store(broker, "draining pools", &err);
    }
}
