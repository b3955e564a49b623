#include "vmpool/reconcile.h"
#include "base/clock_watch.h"
#include "store/host.h"
#include "store/session.h"
#include "vmpool/golden_reconcile.h"
#include "vmpool/observed.h"
#include "vmpool/reconcile_priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEARTBEAT_MS = 5000,
    RESYNC_BUSY_MS = 1000,
    RESYNC_IDLE_MS = 10000,
    RECONNECT_MAX_MS = 30000,
    TEMPLATES_MS = 5000, /* a stat() each while nothing changed */
};

/* Longer than libvirt's keepalive takes to give a dead daemon up. */
enum { HUNG_MS = 45000 };

static const struct orl_log_ctx root_log = {.name = "vmpool"};

int orl_reconcile_new(const struct orl_reconcile_cfg *cfg, struct orl_reconcile **ret_reconcile,
        struct orl_err *err)
{
    struct orl_reconcile *r = calloc(1, sizeof *r);
    if (!r) {
        return orl_err_set(err, ORL_E_NOMEM, "reconciler");
    }
    r->cfg = *cfg;
    r->net_count = 1;
    r->log = (struct orl_log_ctx){.parent = &root_log, .name = "reconcile"};
    orl_governor_init(&r->governor, &cfg->governor);
    *ret_reconcile = r;
    return 0;
}

void orl_reconcile_free(struct orl_reconcile *r)
{
    if (r) {
        orl_sweep_fini(&r->sweep);
        orl_memo_fini(r);
        orl_rows_fini(&r->rows);
        free(r);
    }
}

bool orl_reconcile_is_up(const struct orl_reconcile *r)
{
    return r->is_up;
}

void orl_reconcile_set_accel(struct orl_reconcile *r, enum orl_vm_accel accel, const char *reason,
        const struct orl_host_report *report)
{
    r->accel = accel;
    r->has_accel = true;
    orl_msg_text(r->accel_reason, sizeof r->accel_reason, reason);
    r->has_report = report != NULL;
    if (report) {
        r->report = *report;
    }
    r->heartbeat_ms = 0;
}

void orl_reconcile_changed(struct orl_reconcile *r)
{
    if (r->cfg.on_change) {
        r->cfg.on_change(r->cfg.ctx);
    }
}

int orl_reconcile_submit(
        struct orl_reconcile *r, struct orl_job *job, const char *key, uint64_t now_ms)
{
    struct orl_memo *memo = key ? orl_memo_get(r, key) : NULL;
    int rc = key && !memo ? ORL_E_NOMEM : 0;
    uint64_t tick = ++r->tick;
    enum orl_job_kind kind = job->kind;
    job->tick = tick;
    rc = rc < 0 ? rc : r->cfg.submit(r->cfg.ctx, job);
    if (rc < 0) {
        orl_job_free(job);
        return rc;
    }
    if (memo) {
        memo->is_busy = true;
        memo->out = job;
        memo->begun_ms = 0;
        memo->job = kind;
        memo->job_tick = tick;
        memo->busy_since_ms = now_ms;
    }
    return 0;
}

static void declare_hung(struct orl_reconcile *r, uint64_t now_ms);
static void write_host(struct orl_reconcile *r, bool was_up, uint64_t now_ms);

void orl_reconcile_tick(struct orl_reconcile *r, uint64_t now_ms)
{
    if (r->is_observing) {
        r->must_repeat = true;
        if (r->is_up && now_ms >= r->observing_since_ms + HUNG_MS) {
            declare_hung(r, now_ms);
        } else if (r->was_asked) {
            write_host(r, r->is_up, now_ms); /* libvirt is slow, this process is not gone */
        }
        return;
    }
    r->observing_since_ms = now_ms;
    struct orl_job *job = orl_job_new(ORL_JOB_OBSERVE, r->cfg.backend);
    r->must_repeat = false;
    if (job) {
        job->pressure_dir = r->cfg.pressure_dir;
        orl_networks_ask(r, job);
    }
    r->is_observing = job && orl_reconcile_submit(r, job, NULL, now_ms) == 0;
}

uint64_t orl_reconcile_next_ms(const struct orl_reconcile *r, uint64_t now_ms)
{
    uint64_t period_ms = r->is_settled ? RESYNC_IDLE_MS : RESYNC_BUSY_MS;
    if (r->was_asked && !r->is_up) {
        period_ms = orl_plan_backoff_ms(r->failures);
        period_ms = period_ms < RECONNECT_MAX_MS ? period_ms : RECONNECT_MAX_MS;
    }
    /* A clock that was set back must not silence it. */
    return now_ms < r->last_pass_ms ? now_ms : r->last_pass_ms + period_ms;
}

int orl_reconcile_write(
        struct orl_reconcile *r, const struct orl_desktop_row *row, bool is_fenced, uint64_t now_ms)
{
    struct orl_err err = {0};
    const struct orl_desktop_seen seen = {.id = row->id,
            .version = is_fenced ? row->version : 0,
            .power = row->power,
            .is_ready = row->is_ready && row->power == ORL_POWER_RUNNING,
            .has_hook = row->has_hook,
            .reason = row->reason,
            .reason_text = row->reason_text,
            .attempts = row->attempts,
            .retry_ms = row->retry_ms};
    int rc = orl_desktop_observe(r->cfg.store, &seen, now_ms, &err);
    if (rc < 0 && rc != ORL_E_CONFLICT && rc != ORL_E_NOTFOUND) {
        orl_log_warn(&r->log, "desktop's row not written", "desktop", row->id, "error", err.text);
    }
    return rc;
}

/* A guest that dies again while it restarts has died as any that runs. */
static enum orl_power power_before(
        const struct orl_desktop_row *row, const struct orl_vm *vm, struct orl_memo *memo)
{
    bool has_died_anew = memo->was_alive && vm && vm->state == ORL_VM_CRASHED;
    memo->was_alive = vm && (vm->state == ORL_VM_RUNNING || vm->state == ORL_VM_PAUSED ||
                                    vm->state == ORL_VM_STUCK);
    return has_died_anew && row->power == ORL_POWER_REBOOTING ? ORL_POWER_RUNNING : row->power;
}

/* What the list says about one row: adopts it in memory and in the store. */
static void adopt(struct orl_reconcile *r, struct orl_desktop_row *row,
        const struct orl_vm_list *list, struct orl_memo *memo, uint64_t now_ms)
{
    const struct orl_vm *vm = orl_vm_list_find(list, row->uuid);
    /* A person's own machine that has vanished has failed, also when its session just ends: only an
     * administrator forgets it. */
    bool is_missed = !vm && row->kind == ORL_POOL_DEDICATED && row->is_tainted &&
                     row->want != ORL_WANT_DELETE;
    struct orl_observed seen =
            orl_observed(power_before(row, vm, memo), is_missed ? ORL_LEASE_ASSIGNED : row->lease,
                    row->attempts, vm ? vm->state : ORL_VM_ABSENT);
    bool is_stable = row->is_ready && row->attempts > 0 && memo->ready_since_ms > 0 &&
                     now_ms >= memo->ready_since_ms + r->cfg.stable_ms;
    bool is_stuck = vm && vm->state == ORL_VM_STUCK && row->lease != ORL_LEASE_FREE;
    bool begins = is_stuck && !orl_stall_is(row) && seen.power != ORL_POWER_RUNNING &&
                  seen.power != ORL_POWER_FAILED;
    bool ends = !is_stuck && orl_stall_is(row);
    if (seen.power == row->power && !seen.has_died && !is_stable && !begins && !ends) {
        return;
    }
    enum orl_power before = row->power;
    row->power = seen.power;
    row->is_ready = row->is_ready && row->power == ORL_POWER_RUNNING;
    if (is_stable) {
        row->attempts = 0;
    }
    if (ends) {
        row->reason = ORL_REASON_NONE;
        row->reason_text[0] = '\0';
        row->retry_ms = 0;
    }
    if (begins) {
        orl_stall_begin(r, row, memo, now_ms);
    }
    if (seen.has_died) {
        row->attempts++;
        row->reason = ORL_REASON_GUEST_DIED;
        row->retry_ms = now_ms + (row->attempts > 1 ? orl_plan_backoff_ms(row->attempts) : 0);
        (void)snprintf(row->reason_text, sizeof row->reason_text, "%s",
                vm ? "the guest ended by itself" : "the machine has vanished");
    } else if (row->power == ORL_POWER_STOPPED && before == ORL_POWER_RUNNING) {
        row->reason = ORL_REASON_NONE;
        row->reason_text[0] = '\0';
    }
    if (is_missed && row->power == ORL_POWER_FAILED) {
        row->reason = ORL_REASON_DESKTOP_LOST;
        orl_msg_text(row->reason_text, sizeof row->reason_text, "the machine has vanished");
    }
    if (orl_reconcile_write(r, row, false, now_ms) == 0 && before != row->power) {
        orl_log_info(&r->log, "power", "desktop", row->id, "from", orl_power_name(before), "to",
                orl_power_name(row->power));
        orl_reconcile_changed(r);
    }
}

/* Its start as a copy was cut short, and nobody knows how far it came: it may still be who it was copied from. */
static bool is_half_a_copy(const struct orl_desktop_row *row)
{
    return row->golden[0] && !row->is_instant && row->lease == ORL_LEASE_FREE &&
           (row->power == ORL_POWER_STARTING || row->power == ORL_POWER_RUNNING);
}

static void drop_half(struct orl_reconcile *r, struct orl_desktop_row *row, uint64_t now_ms)
{
    row->power = ORL_POWER_FAILED;
    row->is_ready = false;
    row->reason = ORL_REASON_GUEST_START_FAILED;
    (void)snprintf(row->reason_text, sizeof row->reason_text, "its start as a copy was cut short");
    (void)orl_reconcile_write(r, row, false, now_ms);
}

/* A memo's clocks follow the row's power. */
static void follow(const struct orl_reconcile *r, struct orl_memo *memo,
        const struct orl_desktop_row *row, const struct orl_vm_list *list, uint64_t now_ms)
{
    const struct orl_vm *vm = list ? orl_vm_list_find(list, row->uuid) : NULL;
    if (memo->power != row->power) {
        memo->power = row->power;
        memo->power_since_ms = now_ms;
        memo->agent_since_ms = 0;
    }
    if (!row->is_ready) {
        memo->ready_since_ms = 0;
    } else if (memo->ready_since_ms == 0) {
        memo->ready_since_ms = now_ms;
    }
    if (list) {
        orl_stall_follow(r, row, memo, vm && vm->state == ORL_VM_STUCK, now_ms);
    }
}

static bool is_at_rest(const struct orl_desktop_row *row)
{
    bool is_kept = row->power == ORL_POWER_STOPPED && row->lease != ORL_LEASE_FREE;
    return (row->is_ready || is_kept || row->power == ORL_POWER_SUSPENDED) && row->restart_ms == 0;
}

/* list NULL: the hypervisor does not answer; only static desktops can be looked after.
 * tick: when that list was asked for. */
static bool fill(struct orl_reconcile *r, struct orl_rows *rows, const struct orl_vm_list *list,
        uint64_t tick, struct orl_plan_desktop *desktops, uint64_t now_ms)
{
    bool is_settled = true;
    for (size_t i = 0; i < rows->desktop_count; i++) {
        struct orl_desktop_row *row = &rows->desktops[i];
        struct orl_memo *memo = orl_memo_get(r, row->id);
        if (!memo) {
            return false;
        }
        bool is_static = row->kind == ORL_POOL_STATIC;
        bool has_hung = orl_hung_fail(r, row, memo, now_ms);
        bool is_stale = memo->is_busy || (!is_static && !has_hung && memo->done_tick > tick);
        if (has_hung) {
            /* what the list says of it is no news */
        } else if (list && !is_stale && is_half_a_copy(row)) {
            drop_half(r, row, now_ms);
        } else if (list && !is_static && !is_stale) {
            adopt(r, row, list, memo, now_ms);
        }
        follow(r, memo, row, list, now_ms);
        desktops[i] = orl_plan_input_desktop(rows, row, list, memo, now_ms);
        desktops[i].is_busy = is_stale || (!is_static && !list);
        is_settled = is_settled && !desktops[i].is_busy && is_at_rest(row);
    }
    if (list && r->cfg.look_persons) {
        is_settled = !r->cfg.look_persons(r->cfg.ctx, rows, now_ms) && is_settled;
        for (size_t i = 0; i < rows->desktop_count; i++) {
            desktops[i].is_busy =
                    desktops[i].is_busy || r->cfg.holds_person(r->cfg.ctx, rows->desktops[i].id);
        }
    }
    r->is_settled = is_settled;
    return true;
}

/* What somebody wrote into the row that the broker would not have taken: read as far as it can be, and said. */
static enum orl_reason nonsense(const struct orl_pool_row *pool, const struct orl_pool_memo *memo,
        char ret_text[ORL_TEXT_MAX + 1])
{
    if (memo && memo->schedule_fault[0]) {
        (void)snprintf(ret_text, ORL_TEXT_MAX + 1, "schedule: %.200s", memo->schedule_fault);
        return ORL_REASON_POOL_LIMITS;
    }
    uint64_t spares = (uint64_t)pool->spares + pool->spares_suspended;
    if (pool->kind != ORL_POOL_STATIC && spares > pool->max_desktops) {
        (void)snprintf(ret_text, ORL_TEXT_MAX + 1, "%llu spares are more than its maximum, %u",
                (unsigned long long)spares, pool->max_desktops);
        return ORL_REASON_POOL_LIMITS;
    }
    return ORL_REASON_NONE;
}

static uint64_t count_spares(const struct orl_rows *rows, const char *pool)
{
    uint64_t count = 0;
    for (size_t i = 0; i < rows->desktop_count; i++) {
        const struct orl_desktop_row *row = &rows->desktops[i];
        count += row->lease == ORL_LEASE_FREE && strcmp(row->pool, pool) == 0 &&
                 (row->is_ready || row->power == ORL_POWER_SUSPENDED);
    }
    return count;
}

/* What orl_reconcile_pool_failed() wrote holds until one is ready. Where no spare lacks only until its time is over:
 * nothing is made there but for who waits, and nobody may wait at a pool that has a problem. Nor is anything made where
 * a pool is only drained. */
static bool holds_failure(const struct orl_rows *rows, const struct orl_pool_row *pool,
        const struct orl_plan_pool *plan, uint64_t now_ms)
{
    uint64_t wanted = pool->is_deleted ? 0 : (uint64_t)plan->spares + plan->spares_suspended;
    return pool->problem != ORL_REASON_HYPERVISOR_DOWN &&
           (pool->retry_ms > now_ms || count_spares(rows, pool->name) < wanted);
}

static void write_problems(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_plan_pool *pools, const struct orl_plan_verdict *verdicts, uint64_t now_ms)
{
    for (size_t i = 0; i < rows->pool_count; i++) {
        const struct orl_pool_row *pool = &rows->pools[i];
        const struct orl_pool_memo *memo = orl_pool_memo_get(r, pool->name);
        enum orl_reason problem = pool->kind == ORL_POOL_STATIC ? ORL_REASON_NONE
                                  : !r->is_up                   ? ORL_REASON_HYPERVISOR_DOWN
                                                                : verdicts[i].problem;
        const struct orl_template_row *t = orl_rows_wanted(rows, pool);
        const char *text = problem == ORL_REASON_HYPERVISOR_DOWN    ? r->down_text
                           : t && problem == t->reason && t->reason ? t->reason_text
                                                                    : "";
        uint64_t retry_ms = pool->retry_ms;
        char why[ORL_TEXT_MAX + 1];
        if (problem == ORL_REASON_NONE && memo && memo->failures > 0 &&
                holds_failure(rows, pool, &pools[i], now_ms)) {
            continue;
        }
        if (problem == ORL_REASON_NONE) {
            problem = nonsense(pool, memo, why);
            text = problem == ORL_REASON_NONE ? text : why;
        }
        if (problem == ORL_REASON_NONE && retry_ms <= now_ms) {
            retry_ms = 0;
        }
        if (orl_pool_set_problem(r->cfg.store, pool->name, problem, text, retry_ms, NULL) == 0 &&
                problem != pool->problem) {
            orl_log_info(&r->log, "pool's problem", "pool", pool->name, "problem",
                    orl_reason_code(problem), "text", text);
            orl_reconcile_changed(r);
        }
    }
}

static void put_report(struct orl_reconcile *r, char *ret_json, size_t size)
{
    if (!r->has_report) {
        return;
    }
    struct orl_buf json;
    orl_buf_init(&json, size - 1);
    orl_host_report_network(&r->report, r->nets[0].network.name, r->nets[0].fault);
    if (r->host.machine[0]) { /* it has been asked */
        orl_host_report_firmware(
                &r->report, !r->host.lacks_uefi, !r->host.lacks_secure_boot, !r->host.lacks_tpm);
    }
    orl_host_report_json(&r->report, &json);
    if (!json.is_failed) {
        memcpy(ret_json, json.data, json.len);
        ret_json[json.len] = '\0';
    }
    orl_buf_fini(&json);
}

static void write_host(struct orl_reconcile *r, bool was_up, uint64_t now_ms)
{
    if (was_up == r->is_up && r->heartbeat_ms > 0 && now_ms < r->heartbeat_ms + HEARTBEAT_MS) {
        return;
    }
    struct orl_host_row row = {.memory_mib = r->host.memory_mib,
            .free_memory_mib = r->host.free_memory_mib,
            .free_disk_mib = r->host.free_disk_mib,
            .state = r->is_up ? ORL_HOST_UP : ORL_HOST_DOWN,
            .reason = r->is_up ? ORL_REASON_NONE : ORL_REASON_HYPERVISOR_DOWN,
            .heartbeat_ms = now_ms};
    orl_msg_text(row.name, sizeof row.name, r->cfg.host);
    orl_msg_text(row.uri, sizeof row.uri, r->cfg.uri);
    orl_msg_text(row.accel, sizeof row.accel,
            !r->has_accel                  ? ""
            : r->accel == ORL_VM_ACCEL_KVM ? "kvm"
                                           : "qemu");
    orl_msg_text(row.accel_reason, sizeof row.accel_reason, r->accel_reason);
    put_report(r, row.report, sizeof row.report);
    orl_host_load_read(&r->load_meter, "", &r->pressure, &row.load);
    orl_msg_text(row.reason_text, sizeof row.reason_text,
            r->is_up ? orl_sweep_alarm_text(r->alarm) : r->down_text);
    struct orl_err err = {0};
    if (orl_host_put(r->cfg.store, &row, &err) < 0) {
        orl_log_warn(&r->log, "host's row not written", "error", err.text);
        return;
    }
    r->heartbeat_ms = now_ms;
}

static void check_templates(struct orl_reconcile *r, const struct orl_rows *rows, uint64_t now_ms)
{
    bool is_due = now_ms >= r->templates_ms + TEMPLATES_MS;
    for (size_t i = 0; i < rows->template_count; i++) {
        const struct orl_template_row *t = &rows->templates[i];
        bool is_wanted =
                t->state == ORL_TEMPLATE_CHECKING || t->state == ORL_TEMPLATE_UNKNOWN || is_due;
        char key[ORL_MEMO_KEY_MAX + 1];
        orl_memo_template_key(key, t);
        struct orl_memo *memo = orl_memo_get(r, key);
        struct orl_job *job = is_wanted && memo && !memo->is_busy
                                      ? orl_job_new(ORL_JOB_TEMPLATE, r->cfg.backend)
                                      : NULL;
        if (job) {
            job->template_row = *t;
            job->template_rules = r->cfg.template_rules;
            job->template_stamp = memo->stamp;
            (void)orl_reconcile_submit(r, job, key, now_ms);
        }
    }
    if (is_due) {
        r->templates_ms = now_ms;
    }
}

static void drop_deleted_pools(struct orl_reconcile *r, const struct orl_rows *rows)
{
    for (size_t i = 0; i < rows->pool_count; i++) {
        struct orl_err err = {0};
        const char *name = rows->pools[i].name;
        int rc = rows->pools[i].is_deleted ? orl_pool_remove(r->cfg.store, name, &err) : 0;
        if (rc < 0 && rc != ORL_E_CONFLICT && rc != ORL_E_NOTFOUND) {
            orl_log_warn(&r->log, "pool's row not removed", "pool", name, "error", err.text);
        }
    }
}

static void plan_and_act(struct orl_reconcile *r, struct orl_rows *rows,
        const struct orl_vm_list *list, const struct orl_plan_input *input,
        struct orl_plan_verdict *verdicts, uint64_t now_ms)
{
    struct orl_plan plan;
    r->cfg.plan(input, &plan, verdicts);
    r->turn = plan.turn;
    orl_governor_use(&r->governor, &plan.used, now_ms);
    for (size_t i = 0; i < plan.count; i++) {
        orl_log_debug(&r->log, "action", "kind", orl_plan_name(plan.actions[i].kind));
        orl_reconcile_act(r, rows, &plan.actions[i], now_ms);
        r->is_settled = false;
        r->must_repeat = r->must_repeat || plan.actions[i].kind == ORL_PLAN_INSERT ||
                         plan.actions[i].kind == ORL_PLAN_RETIRE ||
                         plan.actions[i].kind == ORL_PLAN_EXPIRE;
    }
    if (list) {
        orl_reconcile_sweep(r, rows, list, now_ms);
        orl_reservations_sweep(r, rows, list, now_ms);
    }
}

static struct orl_plan_input input_of(
        struct orl_reconcile *r, const struct orl_vm_list *list, uint64_t now_ms)
{
    struct orl_plan_input input = {.pool_count = r->rows.pool_count,
            .desktop_count = r->rows.desktop_count,
            .limits = r->cfg.limits,
            .free_memory_mib = r->host.free_memory_mib,
            .free_disk_mib = r->host.free_disk_mib,
            .starts = orl_governor_ask(&r->governor, &r->pressure, now_ms),
            .turn = r->turn,
            .now_ms = now_ms};
    if (!r->has_accel || !list) {
        input.limits.max_in_flight = 0;
    }
    return input;
}

static void pass(
        struct orl_reconcile *r, const struct orl_vm_list *list, uint64_t tick, uint64_t now_ms)
{
    struct orl_rows *rows = &r->rows;
    struct orl_err err = {0};
    r->pass++;
    if (orl_rows_read(r->cfg.store, r->cfg.host, rows, &err) < 0) {
        orl_log_error(&r->log, "the store can't be read", "error", err.text);
        return;
    }
    orl_hung_look(r, now_ms);
    orl_networks_want(r, rows);
    bool is_resting = orl_golden_pass(r, rows, list, tick, now_ms);
    struct orl_plan_pool *pools = calloc(rows->pool_count + 1, sizeof *pools);
    struct orl_plan_verdict *verdicts = calloc(rows->pool_count + 1, sizeof *verdicts);
    struct orl_plan_desktop *desktops = calloc(rows->desktop_count + 1, sizeof *desktops);
    if (pools && verdicts && desktops && fill(r, rows, list, tick, desktops, now_ms)) {
        r->is_settled = r->is_settled && is_resting;
        for (size_t i = 0; i < rows->pool_count; i++) {
            pools[i] = orl_plan_input_pool(r, rows, &rows->pools[i], now_ms);
        }
        struct orl_plan_input input = input_of(r, list, now_ms);
        input.pools = pools;
        input.desktops = desktops;
        plan_and_act(r, rows, list, &input, verdicts, now_ms);
        write_problems(r, rows, pools, verdicts, now_ms);
        orl_reconcile_alarms(r, rows, now_ms);
        check_templates(r, rows, now_ms);
        drop_deleted_pools(r, rows);
        orl_plan_input_sample(r, now_ms);
    }
    free(pools);
    free(verdicts);
    free(desktops);
    orl_memo_forget_unused(r);
}

static void on_observed(struct orl_reconcile *r, struct orl_job *job, uint64_t now_ms)
{
    bool was_up = r->is_up;
    r->is_observing = false;
    r->is_up = job->result == 0;
    r->last_pass_ms = now_ms;
    if (r->is_up) {
        r->host = job->host;
        r->pressure = job->pressure;
        orl_networks_note(r, job);
        r->failures = 0;
    } else {
        r->failures++;
        orl_msg_text(r->down_text, sizeof r->down_text, job->err.text);
    }
    if (!r->is_up && (was_up || !r->was_asked)) {
        orl_log_error(&r->log, "the hypervisor does not answer", "error", job->err.text);
    } else if (r->is_up && !was_up && r->was_asked) {
        orl_log_info(&r->log, "the hypervisor answers again");
    }
    r->was_asked = true;
    pass(r, r->is_up ? &job->list : NULL, job->tick, now_ms);
    write_host(r, was_up, now_ms);
}

/* Its answer may still come; then it is up again. */
static void declare_hung(struct orl_reconcile *r, uint64_t now_ms)
{
    r->is_up = false;
    (void)snprintf(
            r->down_text, sizeof r->down_text, "libvirt has not answered for %d s", HUNG_MS / 1000);
    orl_log_error(&r->log, "the hypervisor does not answer", "error", r->down_text);
    pass(r, NULL, r->tick, now_ms);
    write_host(r, true, now_ms);
    orl_reconcile_changed(r);
}

void orl_reconcile_shift(struct orl_reconcile *r, int64_t by_ms)
{
    uint64_t *const clocks[] = {&r->last_pass_ms, &r->observing_since_ms, &r->heartbeat_ms,
            &r->templates_ms, &r->governor.filled_ms, &r->governor.spare_ms};
    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        *clocks[i] = orl_clock_shifted(*clocks[i], by_ms);
    }
    for (size_t i = 0; i < r->memo_count; i++) {
        struct orl_memo *memo = &r->memos[i];
        uint64_t *const times[] = {&memo->busy_since_ms, &memo->begun_ms, &memo->power_since_ms,
                &memo->looked_ms, &memo->agent_since_ms, &memo->ready_since_ms, &memo->rebooted_ms,
                &memo->painted_ms, &memo->cpu_since_ms, &memo->stray_since_ms};
        for (size_t j = 0; j < sizeof times / sizeof times[0]; j++) {
            *times[j] = orl_clock_shifted(*times[j], by_ms);
        }
    }
    for (size_t i = 0; i < r->sweep.seen_count; i++) {
        uint64_t *since_ms = &r->sweep.seen[i].since_ms;
        *since_ms = orl_clock_shifted(*since_ms, by_ms);
    }
    for (size_t i = 0; i < r->pool_memo_count; i++) {
        r->pool_memos[i].forecast_until_ms = 0;
    }
    r->sampled_ms = 0;
    r->clock_by_ms = by_ms;
    r->clock_set_ms = r->clock_asked_ms = 0;
}

void orl_reconcile_done(struct orl_reconcile *r, struct orl_job *job, uint64_t now_ms)
{
    r->tick++;
    if (job->kind == ORL_JOB_OBSERVE) {
        on_observed(r, job, now_ms);
    } else {
        orl_reconcile_outcome(r, job, now_ms);
        r->must_repeat = true;
    }
    orl_job_free(job);
    if (r->must_repeat && r->is_up && !r->is_observing) {
        orl_reconcile_tick(r, now_ms);
    }
}
