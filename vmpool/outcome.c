/* What jobs brought: written down as observations, whatever version the row has by now. */
#include "vmpool/golden_reconcile.h"
#include "vmpool/reconcile_priv.h"
#include <stdio.h>
#include <string.h>

enum { PAINTED_PERCENT = 25 }; /* a login screen or a desktop, not a few lines of boot messages */

void orl_reconcile_pool_failed(struct orl_reconcile *r, const char *pool, enum orl_reason reason,
        const char *text, uint64_t now_ms)
{
    struct orl_pool_memo *memo = orl_pool_memo_get(r, pool);
    if (!memo) {
        return;
    }
    memo->failures++;
    orl_log_warn(&r->log, "a desktop could not be made", "pool", pool, "failures",
            ORL_LOG_NUM(memo->failures), "error", text);
    struct orl_err err = {0};
    if (orl_pool_set_problem(r->cfg.store, pool, reason, text,
                now_ms + orl_plan_backoff_ms(memo->failures), &err) < 0) {
        orl_log_warn(&r->log, "pool's row not written", "pool", pool, "error", err.text);
    }
    orl_reconcile_changed(r);
}

static void note(struct orl_desktop_row *row, enum orl_reason reason, const char *text)
{
    row->reason = reason;
    orl_msg_text(row->reason_text, sizeof row->reason_text, text);
}

static void count_failure(struct orl_desktop_row *row, uint64_t now_ms)
{
    row->attempts++;
    row->retry_ms = now_ms + orl_plan_backoff_ms(row->attempts);
}

static bool is_given(const struct orl_desktop_row *row)
{
    return row->lease != ORL_LEASE_FREE && row->lease != ORL_LEASE_ENDING;
}

static void on_cloned(struct orl_reconcile *r, const struct orl_job *job,
        struct orl_desktop_row *row, uint64_t now_ms)
{
    if (job->result == 0) {
        row->power = ORL_POWER_STOPPED;
    } else {
        row->power = ORL_POWER_ABSENT;
        count_failure(row, now_ms);
        note(row, ORL_REASON_GUEST_START_FAILED, job->err.text);
        orl_reconcile_pool_failed(
                r, row->pool, ORL_REASON_GUEST_START_FAILED, job->err.text, now_ms);
    }
    (void)orl_reconcile_write(r, row, false, now_ms);
}

static void on_started(struct orl_reconcile *r, const struct orl_job *job,
        struct orl_desktop_row *row, uint64_t now_ms)
{
    if (row->power != ORL_POWER_STARTING && row->power != ORL_POWER_REBOOTING) {
        return;
    }
    if (job->result == 0) {
        row->power = ORL_POWER_RUNNING;
        row->retry_ms = 0;
    } else {
        bool was_up = row->power == ORL_POWER_REBOOTING;
        /* A copy that ran for a moment has written to its disk, and the image's memory does not know of that:
         * it is never begun again, another takes its place. */
        bool is_spoilt = job->kind == ORL_JOB_RESUME;
        row->power = is_given(row) || is_spoilt ? ORL_POWER_FAILED : ORL_POWER_STOPPED;
        count_failure(row, now_ms);
        note(row, was_up ? ORL_REASON_GUEST_DIED : ORL_REASON_GUEST_START_FAILED, job->err.text);
        if (!is_given(row)) {
            orl_reconcile_pool_failed(r, row->pool, row->reason, job->err.text, now_ms);
        }
    }
    (void)orl_reconcile_write(r, row, false, now_ms);
    orl_reconcile_changed(r);
}

/* It runs and goes on doing so: the next look finds that out. */
static void on_suspended(struct orl_reconcile *r, const struct orl_job *job,
        struct orl_desktop_row *row, uint64_t now_ms)
{
    if (job->result < 0 && row->power == ORL_POWER_SUSPENDED) {
        row->power = ORL_POWER_RUNNING;
        count_failure(row, now_ms);
        (void)orl_reconcile_write(r, row, false, now_ms);
    }
}

static void on_woken(struct orl_reconcile *r, const struct orl_job *job, struct orl_memo *memo,
        struct orl_desktop_row *row, uint64_t now_ms)
{
    bool is_stall = orl_stall_is(row);
    if (row->power != ORL_POWER_SUSPENDED && !(is_stall && row->power == ORL_POWER_STOPPING)) {
        return;
    }
    if (is_stall) {
        orl_stall_woken(r, job, memo, row, now_ms);
    }
    if (job->result == 0 && row->power == ORL_POWER_SUSPENDED) {
        row->power = ORL_POWER_RUNNING;
        row->is_ready = is_given(row) && row->ready_ms != 0; /* a person goes on where they were */
        row->retry_ms = 0;
    } else if (!is_stall) {
        count_failure(row, now_ms);
        note(row, ORL_REASON_GUEST_START_FAILED, job->err.text);
    }
    if (orl_reconcile_write(r, row, false, now_ms) == 0 && row->is_ready) {
        orl_reconcile_changed(r);
    }
}

static bool is_well(const struct orl_reconcile *r, const struct orl_job *job, struct orl_memo *memo,
        uint64_t now_ms)
{
    if (job->result < 0 || !job->look.is_running || !job->look.has_picture) {
        return false;
    }
    if (job->look.has_agent && memo->agent_since_ms == 0) {
        memo->agent_since_ms = now_ms;
    }
    return job->look.painted_percent >= PAINTED_PERCENT ||
           (job->look.has_agent && now_ms >= memo->agent_since_ms + r->cfg.agent_settle_ms);
}

static void on_looked(struct orl_reconcile *r, const struct orl_job *job, struct orl_memo *memo,
        struct orl_desktop_row *row, uint64_t now_ms)
{
    /* Still who it was copied from, as far as anybody knows. */
    bool is_nobody = row->golden[0] && !row->is_instant;
    bool is_booting = row->power == ORL_POWER_RUNNING || row->power == ORL_POWER_REBOOTING;
    if (!is_booting || is_nobody || row->is_ready || !is_well(r, job, memo, now_ms)) {
        return;
    }
    bool is_first = row->ready_ms == 0;
    row->power = ORL_POWER_RUNNING;
    row->is_ready = true;
    row->has_hook = job->look.has_hook;
    row->retry_ms = 0;
    note(row, ORL_REASON_NONE, "");
    if (orl_reconcile_write(r, row, false, now_ms) == 0) {
        memo->is_woken = false;
        if (is_first) {
            orl_plan_input_lead(r, row, now_ms);
        }
        struct orl_pool_memo *pool = orl_pool_memo_get(r, row->pool);
        if (pool) {
            pool->failures = 0;
        }
        orl_log_info(&r->log, "ready", "desktop", row->id, "pool", row->pool, "agent",
                job->look.has_agent ? "yes" : "no");
        orl_reconcile_changed(r);
    }
}

/* Somebody of its own, and painted as it was frozen: ready at once. */
static void on_resumed(struct orl_reconcile *r, const struct orl_job *job, struct orl_memo *memo,
        struct orl_desktop_row *row, uint64_t now_ms)
{
    struct orl_err err = {0};
    orl_golden_note_resume(r, job, now_ms);
    if (job->result == 0 && orl_desktop_set_instant(r->cfg.store, row->id, &err) < 0) {
        orl_log_warn(&r->log, "desktop's row not written", "desktop", row->id, "error", err.text);
        return; /* what was not written down is done again, with another */
    }
    row->is_instant = job->result == 0;
    on_started(r, job, row, now_ms);
    if (row->power == ORL_POWER_RUNNING) {
        on_looked(r, job, memo, row, now_ms);
    }
}

static void on_reached(struct orl_reconcile *r, const struct orl_job *job,
        struct orl_desktop_row *row, uint64_t now_ms)
{
    bool was_ready = row->is_ready;
    row->is_ready = job->result == 0;
    note(row, row->is_ready ? ORL_REASON_NONE : ORL_REASON_CONSOLE_UNREACHABLE,
            row->is_ready ? "" : job->err.text);
    (void)orl_reconcile_write(r, row, false, now_ms);
    if (was_ready != row->is_ready) {
        orl_reconcile_changed(r);
    }
}

static void on_deleted(struct orl_reconcile *r, const struct orl_job *job,
        struct orl_desktop_row *row, uint64_t now_ms)
{
    if (job->result < 0) {
        count_failure(row, now_ms);
        note(row, ORL_REASON_NOT_REMOVED, job->err.text);
    } else if (row->power == ORL_POWER_STOPPING || row->power == ORL_POWER_STOPPED) {
        row->power = ORL_POWER_ABSENT;
    }
    (void)orl_reconcile_write(r, row, false, now_ms);
}

static void on_template(struct orl_reconcile *r, const struct orl_job *job, struct orl_memo *memo)
{
    struct orl_err err = {0};
    struct orl_template_row now;
    const struct orl_template_row *t = &job->template_row;
    if (orl_template_get(r->cfg.store, t->name, t->version, &now, &err) < 0 ||
            strcmp(now.path, t->path) != 0 || strcmp(now.kernel, t->kernel) != 0) {
        return; /* forgotten, and another one of its name by now */
    }
    if (memo) {
        memo->stamp = job->template_stamp;
    }
    if (orl_template_observe(r->cfg.store, t, &err) < 0) {
        orl_log_warn(&r->log, "template's row not written", "template", t->name, "error", err.text);
    }
    if (t->state != ORL_TEMPLATE_READY) {
        orl_log_warn(&r->log, "template can't be used", "template", t->name, "reason",
                orl_reason_code(t->reason), "text", t->reason_text);
    }
}

struct by_uuid {
    const char *uuid;
    struct orl_desktop_row row;
};

static int match_uuid(void *ctx, const struct orl_desktop_row *row)
{
    struct by_uuid *by = ctx;
    if (strcmp(row->uuid, by->uuid) != 0) {
        return 0;
    }
    by->row = *row;
    return 1;
}

/* A given desktop's guest starts again: the wish for that is over. */
static void begin_again(struct orl_reconcile *r, struct orl_desktop_row *row, uint64_t now_ms)
{
    row->is_ready = false;
    if (row->lease != ORL_LEASE_FREE) {
        row->power = ORL_POWER_REBOOTING;
        note(row, ORL_REASON_GUEST_REBOOTING, "");
    }
    struct orl_memo *memo = orl_memo_get(r, row->id);
    if (memo) { /* its time to become ready begins now */
        memo->power = row->power;
        memo->power_since_ms = now_ms;
        memo->agent_since_ms = 0;
    }
    orl_log_info(&r->log, "the guest restarts", "desktop", row->id);
    (void)orl_reconcile_write(r, row, false, now_ms);
    orl_reconcile_changed(r);
}

/* Its event may be lost, or come while it was not ready: that it was made to is enough. */
static void on_reset(struct orl_reconcile *r, const struct orl_job *job,
        struct orl_desktop_row *row, uint64_t now_ms)
{
    if (job->result == 0 && row->power == ORL_POWER_RUNNING && is_given(row)) {
        begin_again(r, row, now_ms);
    }
}

/* Its machine runs all the while, so no look at it would tell. While it boots for the first time it may
 * restart as it likes, unless its person wanted that. */
void orl_reconcile_rebooted(struct orl_reconcile *r, const char *uuid, uint64_t now_ms)
{
    const struct orl_desktop_filter here = {.host = r->cfg.host, .power = ORL_POWER_RUNNING};
    struct by_uuid by = {.uuid = uuid};
    if (orl_desktop_list(r->cfg.store, &here, match_uuid, &by, NULL) == 1 &&
            (by.row.is_ready || by.row.restart_ms != 0) && by.row.lease != ORL_LEASE_ENDING) {
        begin_again(r, &by.row, now_ms);
    }
}

void orl_reconcile_outcome(struct orl_reconcile *r, struct orl_job *job, uint64_t now_ms)
{
    char key[ORL_MEMO_KEY_MAX + 1];
    bool is_swept = orl_job_is_sweep(job->kind);
    if (job->kind == ORL_JOB_TEMPLATE) {
        orl_memo_template_key(key, &job->template_row);
    } else {
        (void)snprintf(key, sizeof key, "%s", is_swept ? job->spec.name : job->id);
    }
    struct orl_memo *memo = orl_memo_get(r, key);
    if (memo && job->tick != memo->job_tick) {
        orl_hung_note_late(memo, job);
        return; /* given up meanwhile */
    }
    if (memo) {
        memo->is_busy = false;
        memo->out = NULL;
        memo->done_tick = r->tick;
    }
    if (job->result < 0 && job->kind != ORL_JOB_REACH) {
        orl_log_warn(&r->log, "job failed", "job", orl_job_name(job->kind), "subject", key, "error",
                job->err.text);
    }
    struct orl_desktop_row row;
    if (job->kind == ORL_JOB_TEMPLATE) {
        on_template(r, job, memo);
        return;
    }
    if (job->kind == ORL_JOB_GOLDEN_BOOT || job->kind == ORL_JOB_GOLDEN_LOOK ||
            job->kind == ORL_JOB_GOLDEN_FREEZE || job->kind == ORL_JOB_GOLDEN_ERASE) {
        orl_golden_outcome(r, job, memo, now_ms);
        return;
    }
    if (is_swept || !memo || orl_desktop_get(r->cfg.store, job->id, &row, NULL) < 0) {
        return;
    }
    switch (job->kind) {
    case ORL_JOB_RESUME:
        on_resumed(r, job, memo, &row, now_ms);
        break;
    case ORL_JOB_CLONE:
        on_cloned(r, job, &row, now_ms);
        break;
    case ORL_JOB_START:
        on_started(r, job, &row, now_ms);
        break;
    case ORL_JOB_SUSPEND:
        on_suspended(r, job, &row, now_ms);
        break;
    case ORL_JOB_WAKE:
        on_woken(r, job, memo, &row, now_ms);
        break;
    case ORL_JOB_RESET:
        on_reset(r, job, &row, now_ms);
        break;
    case ORL_JOB_LOOK:
        on_looked(r, job, memo, &row, now_ms);
        break;
    case ORL_JOB_REACH:
        on_reached(r, job, &row, now_ms);
        break;
    case ORL_JOB_DELETE:
        on_deleted(r, job, &row, now_ms);
        break;
    default:
        break;
    }
}
