/* The sweep's actions and alarms, and what the administrator decided about the quarantine. */
#include "store/audit.h"
#include "store/host.h"
#include "vmpool/reconcile_priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_known(const void *ctx, const char *name)
{
    const struct orl_rows *rows = ctx;
    for (size_t i = 0; i < rows->desktop_count; i++) {
        if (strcmp(rows->desktops[i].domain, name) == 0) {
            return true;
        }
    }
    return false;
}

static void audit(struct orl_reconcile *r, const char *action, const char *object,
        const char *detail, uint64_t now_ms)
{
    const struct orl_audit_event event = {
            .actor = "vmpool", .action = action, .object = object, .detail = detail};
    struct orl_err err = {0};
    if (orl_audit_append(r->cfg.store, &event, now_ms, NULL, &err) < 0) {
        orl_log_warn(&r->log, "audit row not written", "action", action, "error", err.text);
    }
}

static void put_quarantine(
        struct orl_reconcile *r, const struct orl_sweep_action *action, uint64_t now_ms)
{
    struct orl_quarantine_row row = {0};
    struct orl_err err = {0};
    orl_msg_text(row.id, sizeof row.id, action->vm->meta.desktop);
    orl_msg_text(row.host, sizeof row.host, r->cfg.host);
    orl_msg_text(row.pool, sizeof row.pool, action->vm->meta.pool);
    orl_msg_text(row.uuid, sizeof row.uuid, action->vm->uuid);
    orl_msg_text(row.domain, sizeof row.domain, action->vm->name);
    orl_msg_text(row.overlay, sizeof row.overlay, action->overlay ? action->overlay->path : "");
    orl_msg_text(row.reason_text, sizeof row.reason_text, "no desktop's row knows this machine");
    if (orl_quarantine_put(r->cfg.store, &row, now_ms, &err) < 0) {
        orl_log_warn(
                &r->log, "quarantine's row not written", "domain", row.domain, "error", err.text);
    }
}

static void carry_out(
        struct orl_reconcile *r, const struct orl_sweep_action *action, uint64_t now_ms)
{
    const char *name = action->vm ? action->vm->name : action->overlay->name;
    struct orl_memo *memo = orl_memo_get(r, name);
    if (!memo || memo->is_busy) {
        return;
    }
    bool is_kept = action->kind == ORL_SWEEP_QUARANTINE;
    struct orl_job *job = orl_job_new(is_kept ? ORL_JOB_QUARANTINE : ORL_JOB_SWEEP, r->cfg.backend);
    if (!job) {
        return;
    }
    (void)snprintf(job->spec.name, sizeof job->spec.name, "%s", name);
    if (action->vm) {
        (void)snprintf(job->spec.uuid, sizeof job->spec.uuid, "%s", action->vm->uuid);
    }
    if (action->overlay && !is_kept) {
        (void)snprintf(job->spec.overlay, sizeof job->spec.overlay, "%s", action->overlay->path);
    }
    if (is_kept) {
        put_quarantine(r, action, now_ms);
    }
    orl_log_warn(&r->log, is_kept ? "unknown machine put in quarantine" : "unknown machine removed",
            "domain", name);
    audit(r, is_kept ? "sweep.quarantine" : "sweep.remove", name, "no row knows it", now_ms);
    (void)orl_reconcile_submit(r, job, name);
}

static size_t count_machines(const struct orl_rows *rows)
{
    size_t count = 0;
    for (size_t i = 0; i < rows->desktop_count; i++) {
        count += rows->desktops[i].kind != ORL_POOL_STATIC;
    }
    return count;
}

static void raise_alarm(struct orl_reconcile *r, enum orl_sweep_alarm alarm, uint64_t now_ms)
{
    if (alarm != r->alarm && alarm != ORL_SWEEP_NO_ALARM) {
        orl_log_error(&r->log, "sweep stopped", "why", orl_sweep_alarm_text(alarm));
        audit(r, "sweep.alarm", r->cfg.host, orl_sweep_alarm_text(alarm), now_ms);
    } else if (alarm != r->alarm) {
        orl_log_info(&r->log, "sweep goes on");
    }
    if (alarm != r->alarm) {
        r->heartbeat_ms = 0; /* the host's row says it */
    }
    r->alarm = alarm;
}

void orl_reconcile_sweep(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_vm_list *list, uint64_t now_ms)
{
    struct orl_sweep_action actions[ORL_SWEEP_MAX_ACTIONS];
    enum orl_sweep_alarm alarm = ORL_SWEEP_NO_ALARM;
    uint64_t stamp_ms = 0;
    if (orl_store_stamp(r->cfg.store, &stamp_ms, NULL) < 0) {
        return;
    }
    const struct orl_sweep_input input = {.list = list,
            .is_known = is_known,
            .ctx = rows,
            .known_count = count_machines(rows),
            .store_stamp_ms = stamp_ms,
            .grace_ms = r->cfg.sweep_grace_ms,
            .now_ms = now_ms};
    size_t count = orl_sweep_plan(&r->sweep, &input, actions, &alarm);
    raise_alarm(r, alarm, now_ms);
    for (size_t i = 0; i < count; i++) {
        carry_out(r, &actions[i], now_ms);
    }
}
