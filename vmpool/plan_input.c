/* What the plan is told of pools and desktops: rows, what was seen, schedule and forecast. */
#include "store/forecast.h"
#include "store/pool_schedule.h"
#include "store/session.h"
#include "vmpool/golden_reconcile.h"
#include "vmpool/reconcile_priv.h"
#include <string.h>

enum {
    MS_PER_S = 1000,
    FORECAST_KEPT_MS = 10000,
    /* How long a desktop takes to become ready, as long as none was seen, and what is believed. */
    LEAD_FIRST_MS = 300000,
    LEAD_MIN_MS = 300000,
    LEAD_MAX_MS = 1800000,
    LEAD_TIMES = 2, /* they are not all made at once */
    FORECAST_SLOTS_AHEAD = 4
};
#define SAMPLED_BACK_MS (UINT64_C(7) * 86400 * MS_PER_S)

/* Written before the clock was set back. */
static uint64_t sane_retry(uint64_t retry_ms, uint64_t now_ms)
{
    return retry_ms > now_ms + orl_plan_backoff_ms(UINT32_MAX) ? 0 : retry_ms;
}

static bool is_old(const struct orl_rows *rows, const struct orl_pool_row *pool,
        const struct orl_desktop_row *row)
{
    const struct orl_template_row *t = pool ? orl_rows_wanted(rows, pool) : NULL;
    return t && (t->version != row->template_version || strcmp(t->name, row->template_name) != 0);
}

/* Of a floating one that ends, only what has not come to its home yet. */
static bool holds_work(const struct orl_desktop_row *row, const struct orl_pool_row *pool)
{
    bool is_ending = row->lease == ORL_LEASE_ENDING;
    bool has_home = pool && pool->person.home != ORL_HOME_NONE;
    return row->lease != ORL_LEASE_FREE &&
           (!is_ending || has_home ||
                   (row->kind == ORL_POOL_DEDICATED && row->want != ORL_WANT_DELETE));
}

struct orl_plan_desktop orl_plan_input_desktop(const struct orl_rows *rows,
        const struct orl_desktop_row *row, const struct orl_vm_list *list,
        const struct orl_memo *memo, uint64_t now_ms)
{
    const struct orl_pool_row *pool = orl_rows_pool(rows, row->pool);
    const struct orl_vm *vm = list ? orl_vm_list_find(list, row->uuid) : NULL;
    return (struct orl_plan_desktop){.pool = pool ? (size_t)(pool - rows->pools) : 0,
            .lease = row->lease,
            .power = row->power,
            .want = row->want,
            .is_tainted = row->is_tainted,
            .is_ready = row->is_ready,
            .is_maintenance = row->is_maintenance,
            .is_here = vm || (list && orl_vm_list_overlay(list, row->domain)),
            .is_stuck = vm && vm->state == ORL_VM_STUCK && holds_work(row, pool),
            .is_alive = vm && vm->state != ORL_VM_OFF && vm->state != ORL_VM_CRASHED,
            .is_old = row->lease == ORL_LEASE_FREE && is_old(rows, pool, row),
            .is_woken = memo->is_woken,
            .attempts = row->attempts,
            .retry_ms = memo->is_room_back ? 0 : sane_retry(row->retry_ms, now_ms),
            .changed_ms = memo->power_since_ms,
            .created_ms = row->created_ms,
            .looked_ms = memo->looked_ms,
            .restart_ms = row->restart_ms,
            .rebooted_ms = memo->rebooted_ms};
}

static uint32_t forecast_of(
        struct orl_reconcile *r, const char *pool, uint64_t lead_ms, uint64_t now_ms)
{
    uint32_t mean_milli[FORECAST_SLOTS_AHEAD] = {0};
    for (unsigned i = 0; i < FORECAST_SLOTS_AHEAD; i++) {
        unsigned slot = orl_forecast_slot(now_ms + (uint64_t)i * ORL_FORECAST_SLOT_MS);
        if (orl_forecast_mean(r->cfg.store, pool, slot, &mean_milli[i], NULL) < 0) {
            return 0;
        }
    }
    return orl_forecast_need(
            mean_milli, FORECAST_SLOTS_AHEAD, now_ms % ORL_FORECAST_SLOT_MS, lead_ms);
}

static uint32_t forecast(struct orl_reconcile *r, const struct orl_pool_row *row, uint64_t now_ms)
{
    struct orl_pool_memo *memo = row->has_forecast ? orl_pool_memo_get(r, row->name) : NULL;
    if (!memo) {
        return 0;
    }
    if (now_ms >= memo->forecast_until_ms) {
        uint64_t lead_ms = LEAD_TIMES * (memo->lead_ms ? memo->lead_ms : LEAD_FIRST_MS);
        lead_ms = lead_ms > LEAD_MIN_MS ? lead_ms : LEAD_MIN_MS;
        memo->forecast_spares =
                forecast_of(r, row->name, lead_ms < LEAD_MAX_MS ? lead_ms : LEAD_MAX_MS, now_ms);
        memo->forecast_until_ms = now_ms + FORECAST_KEPT_MS;
    }
    return memo->forecast_spares;
}

/* The broker takes no text that can't be read: somebody else wrote it. Said once. */
static void note_schedule(
        struct orl_reconcile *r, const char *pool, bool is_bad, const struct orl_err *err)
{
    struct orl_pool_memo *memo = orl_pool_memo_get(r, pool);
    if (memo && is_bad && !memo->schedule_fault[0]) {
        orl_log_warn(&r->log, "pool's schedule can't be read", "pool", pool, "error", err->text);
    }
    if (memo) {
        orl_msg_text(memo->schedule_fault, sizeof memo->schedule_fault, is_bad ? err->text : "");
    }
}

static struct orl_spares spares_of(
        struct orl_reconcile *r, const struct orl_pool_row *row, uint64_t now_ms)
{
    struct orl_spares spares = {.running = row->spares, .suspended = row->spares_suspended};
    struct orl_err err = {0};
    int rc = row->schedule[0] ? orl_schedule_spares(row->schedule, now_ms, spares, &spares, &err)
                              : 0;
    note_schedule(r, row->name, rc < 0, &err);
    uint32_t expected = forecast(r, row, now_ms);
    spares.running = expected > spares.running ? expected : spares.running;
    /* More than the pool may have is no use: those that run come first. */
    uint32_t max = row->max_desktops;
    spares.running = spares.running < max ? spares.running : max;
    uint32_t rest = max - spares.running;
    spares.suspended = spares.suspended < rest ? spares.suspended : rest;
    return spares;
}

struct orl_plan_pool orl_plan_input_pool(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_pool_row *row, uint64_t now_ms)
{
    struct orl_spares spares = spares_of(r, row, now_ms);
    struct orl_plan_pool pool = {.kind = row->kind,
            .spares = spares.running,
            .spares_suspended = spares.suspended,
            .spare_max_age_ms = (uint64_t)row->spare_max_age_s * MS_PER_S,
            .max_desktops = row->max_desktops,
            .memory_mib = row->memory_mib,
            .is_maintenance = row->is_maintenance,
            .is_deleted = row->is_deleted,
            .template_reason = ORL_REASON_TEMPLATE_MISSING,
            .retry_ms = sane_retry(row->retry_ms, now_ms)};
    const struct orl_template_row *t = orl_rows_wanted(rows, row);
    if (t && t->state == ORL_TEMPLATE_READY && orl_golden_holds(rows, row)) {
        pool.template_reason = ORL_REASON_NONE; /* soon */
    } else if (t) {
        pool.has_template = t->state == ORL_TEMPLATE_READY;
        pool.template_reason = t->state == ORL_TEMPLATE_CHECKING ? ORL_REASON_NONE
                               : t->reason != ORL_REASON_NONE    ? t->reason
                                                                 : ORL_REASON_TEMPLATE_MISSING;
    }
    if (t) {
        pool.memory_mib = row->memory_mib ? row->memory_mib : t->memory_mib;
    }
    int waiting = orl_session_count_waiting(r->cfg.store, row->name, NULL);
    pool.waiting = waiting > 0 ? (uint32_t)waiting : 0;
    if (rows->is_draining) { /* what would be made here, nobody would be given */
        pool.spares = pool.spares_suspended = pool.waiting = 0;
    }
    return pool;
}

/* One quarter of an hour that is over, in each pass that finds one. */
void orl_plan_input_sample(struct orl_reconcile *r, uint64_t now_ms)
{
    struct orl_err err = {0};
    uint64_t begun_ms = now_ms - now_ms % ORL_FORECAST_SLOT_MS;
    if (r->sampled_ms == 0) {
        uint64_t first_ms = begun_ms > SAMPLED_BACK_MS ? begun_ms - SAMPLED_BACK_MS : 0;
        if (orl_forecast_newest(r->cfg.store, &r->sampled_ms, &err) < 0) {
            orl_log_warn(&r->log, "forecast not read", "error", err.text);
            return;
        }
        bool is_sane = r->sampled_ms >= first_ms && r->sampled_ms < begun_ms;
        r->sampled_ms = is_sane ? r->sampled_ms : begun_ms - 2 * ORL_FORECAST_SLOT_MS;
    }
    uint64_t next_ms = r->sampled_ms + ORL_FORECAST_SLOT_MS;
    if (next_ms + ORL_FORECAST_SLOT_MS > begun_ms) {
        return;
    }
    if (orl_forecast_sample(r->cfg.store, orl_forecast_slot(next_ms), next_ms, &err) < 0) {
        orl_log_warn(&r->log, "forecast not written", "error", err.text);
        return;
    }
    r->sampled_ms = next_ms;
}

void orl_plan_input_lead(
        struct orl_reconcile *r, const struct orl_desktop_row *row, uint64_t now_ms)
{
    struct orl_pool_memo *memo = orl_pool_memo_get(r, row->pool);
    if (memo && now_ms > row->created_ms) {
        uint64_t took_ms = now_ms - row->created_ms;
        memo->lead_ms = memo->lead_ms ? (memo->lead_ms * 3 + took_ms) / 4 : took_ms;
    }
}
