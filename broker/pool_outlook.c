#include "broker/pool_outlook.h"

#include "base/clock.h"
#include "broker/session_lease.h"
#include "store/host.h"
#include "store/session.h"

/* Free ones that will be running: what a problem of making new ones does not touch. */
static uint32_t count_in_making(const struct orl_desktop_counts *counts)
{
    const uint32_t *by = counts->by[ORL_LEASE_FREE];
    return by[ORL_POWER_STARTING] + by[ORL_POWER_RUNNING] + by[ORL_POWER_REBOOTING] +
           by[ORL_POWER_SUSPENDED];
}

enum orl_reason orl_outlook_judge(const struct orl_pool_row *pool,
        const struct orl_desktop_counts *counts, unsigned waiting, bool has_host)
{
    if (pool->is_deleted) {
        return ORL_REASON_NO_SUCH_POOL;
    }
    if (pool->kind == ORL_POOL_STATIC) {
        uint32_t all = counts->total;
        return counts->given < all && counts->ready == 0 ? ORL_REASON_CONSOLE_UNREACHABLE
                                                         : ORL_REASON_POOL_FULL;
    }
    if (counts->given + waiting > pool->max_desktops) {
        return ORL_REASON_POOL_FULL;
    }
    if (!has_host) {
        return ORL_REASON_VMPOOL_DOWN;
    }
    if (pool->problem != ORL_REASON_NONE && count_in_making(counts) == 0) {
        return pool->problem;
    }
    return ORL_REASON_NONE;
}

struct hosts {
    uint64_t alive_since_ms;
    bool has_one;
};

static int see_host(void *ctx, const struct orl_host_row *row)
{
    struct hosts *hosts = ctx;
    /* A host that says it is down is heard: its reason is in the pool's problem. */
    hosts->has_one = hosts->has_one || row->heartbeat_ms >= hosts->alive_since_ms;
    return 0;
}

int orl_pool_outlook(struct orl_broker *broker, const char *pool_name, uint64_t now_ms,
        struct orl_outlook *ret_outlook, struct orl_err *err)
{
    struct orl_pool_row pool = {0};
    struct orl_desktop_counts counts = {0};
    uint64_t silent_us = (uint64_t)broker->cfg->vmpool_silent_s * ORL_US_PER_S;
    uint64_t silent_ms = silent_us / ORL_US_PER_MS + orl_leases_gap_ms(broker->leases, silent_us);
    struct hosts hosts = {.alive_since_ms = now_ms > silent_ms ? now_ms - silent_ms : 0};
    *ret_outlook = (struct orl_outlook){0};
    int rc = orl_pool_get(broker->store, pool_name, &pool, err);
    if (rc == 0) {
        rc = orl_desktop_count(broker->store, pool_name, &counts, err);
    }
    if (rc == 0) {
        rc = orl_host_list(broker->store, NULL, see_host, &hosts, err);
    }
    int waiting = rc < 0 ? rc : orl_session_count_waiting(broker->store, pool_name, err);
    if (waiting < 0) {
        return waiting;
    }
    ret_outlook->ready = counts.ready;
    ret_outlook->reason = orl_outlook_judge(&pool, &counts, (unsigned)waiting, hosts.has_one);
    if (ret_outlook->reason == pool.problem && pool.problem != ORL_REASON_NONE) {
        orl_msg_text(ret_outlook->text, sizeof(ret_outlook->text), pool.problem_text);
    }
    return 0;
}
