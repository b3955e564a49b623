/* The sweep's actions and alarms, and what the administrator decided about the quarantine. */
#include "base/cleanup.h"
#include "store/audit.h"
#include "store/host.h"
#include "vmpool/golden_reconcile.h"
#include "vmpool/reconcile_priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct known {
    const struct orl_reconcile *r;
    const struct orl_rows *rows;
};

static bool is_known(const void *ctx, const char *name)
{
    const struct known *known = ctx;
    const struct orl_reconcile_cfg *cfg = &known->r->cfg;
    return orl_rows_domain(known->rows, name) != NULL || orl_golden_knows(known->rows, name) ||
           (cfg->holds_machine && cfg->holds_machine(cfg->ctx, name));
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

/* A dedicated disk whose machine is gone: its file's name has the beginning of the desktop's id. */
static void name_disk(struct orl_quarantine_row *row, const struct orl_vm_overlay *overlay)
{
    size_t len = strspn(overlay->name + strlen("oriel-"), "0123456789abcdef");
    memset(row->id, '0', ORL_ID_LEN);
    memcpy(row->id, overlay->name + strlen("oriel-"), len < ORL_ID_LEN ? len : ORL_ID_LEN);
    orl_msg_text(row->domain, sizeof row->domain, overlay->name);
    orl_msg_text(row->overlay, sizeof row->overlay, overlay->path);
    orl_msg_text(row->reason_text, sizeof row->reason_text, "a disk whose machine is gone");
}

static void put_quarantine(
        struct orl_reconcile *r, const struct orl_sweep_action *action, uint64_t now_ms)
{
    struct orl_quarantine_row row = {0};
    struct orl_err err = {0};
    if (!action->vm) {
        name_disk(&row, action->overlay);
        orl_msg_text(row.host, sizeof row.host, r->cfg.host);
        if (orl_quarantine_put(r->cfg.store, &row, now_ms, &err) < 0) {
            orl_log_warn(&r->log, "quarantine's row not written", "domain", row.domain, "error",
                    err.text);
        }
        return;
    }
    orl_msg_text(row.id, sizeof row.id, action->vm->meta.desktop);
    orl_msg_text(row.host, sizeof row.host, r->cfg.host);
    orl_msg_text(row.pool, sizeof row.pool, action->vm->meta.pool);
    orl_msg_text(row.user, sizeof row.user, action->vm->meta.user);
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
    if (is_kept && !action->vm) { /* nothing runs that could be stopped */
        put_quarantine(r, action, now_ms);
        audit(r, "sweep.quarantine", name, "a disk whose machine is gone", now_ms);
        return;
    }
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
    (void)orl_reconcile_submit(r, job, name, now_ms);
}

struct verdicts {
    struct orl_quarantine_row rows[ORL_SWEEP_MAX_ACTIONS];
    size_t count;
    const char *host;
};

static int on_quarantine(void *ctx, const struct orl_quarantine_row *row)
{
    struct verdicts *verdicts = ctx;
    if (row->verdict != ORL_VERDICT_NONE && strcmp(row->host, verdicts->host) == 0 &&
            verdicts->count < ORL_SWEEP_MAX_ACTIONS) {
        verdicts->rows[verdicts->count++] = *row;
    }
    return 0;
}

/* The administrator said so; the row goes when the machine has gone. One that is a desktop again is not in quarantine,
 * whatever is left of that. */
static int purge(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_quarantine_row *row, const struct orl_vm_list *list, uint64_t now_ms,
        struct orl_err *err)
{
    if (orl_rows_domain(rows, row->domain)) {
        orl_log_warn(&r->log, "not purged: it is a desktop again", "domain", row->domain);
        return orl_quarantine_remove(r->cfg.store, row->id, err);
    }
    struct orl_memo *memo = orl_memo_get(r, row->domain);
    bool is_here = orl_vm_list_find(list, row->uuid) != NULL;
    for (size_t i = 0; i < list->overlay_count && !is_here; i++) {
        is_here = strcmp(list->overlays[i].path, row->overlay) == 0;
    }
    if (!is_here) {
        return orl_quarantine_remove(r->cfg.store, row->id, err);
    }
    struct orl_job *job =
            memo && !memo->is_busy ? orl_job_new(ORL_JOB_SWEEP, r->cfg.backend) : NULL;
    if (job) {
        (void)snprintf(job->spec.name, sizeof job->spec.name, "%s", row->domain);
        (void)snprintf(job->spec.uuid, sizeof job->spec.uuid, "%s", row->uuid);
        (void)snprintf(job->spec.overlay, sizeof job->spec.overlay, "%.511s", row->overlay);
        return orl_reconcile_submit(r, job, row->domain, now_ms);
    }
    return 0;
}

static int is_there(void *ctx, const struct orl_desktop_row *row)
{
    (void)ctx;
    (void)row;
    return 1;
}

/* Back to its person. Without a known person it would be a spare with somebody's files on it. */
static int adopt(struct orl_reconcile *r, const struct orl_quarantine_row *row, uint64_t now_ms,
        struct orl_err *err)
{
    const struct orl_desktop_filter theirs = {.pool = row->pool, .user = row->user};
    const struct orl_memo *memo = orl_memo_get(r, row->domain);
    if (!memo || memo->is_busy || orl_hung_is(memo)) {
        return 0; /* its removal is under way: another verdict comes too late for that */
    }
    if (row->user[0] == '\0') {
        return orl_err_set(err, ORL_E_INVAL, "whose desktop it was is not known");
    }
    /* Also one that is just ending: it comes back to them. */
    int rc = orl_desktop_list(r->cfg.store, &theirs, is_there, NULL, err);
    if (rc != 0) {
        return rc < 0 ? rc
                      : orl_err_set(err, ORL_E_EXISTS,
                                "%s has another desktop in pool %s: delete that one first",
                                row->user, row->pool);
    }
    struct orl_desktop_row desktop = {
            .lease = ORL_LEASE_ASSIGNED, .power = ORL_POWER_STOPPED, .want = ORL_WANT_STOP};
    orl_msg_text(desktop.id, sizeof desktop.id, row->id);
    orl_msg_text(desktop.pool, sizeof desktop.pool, row->pool);
    orl_msg_text(desktop.host, sizeof desktop.host, row->host);
    orl_msg_text(desktop.user, sizeof desktop.user, row->user);
    orl_msg_text(desktop.uuid, sizeof desktop.uuid, row->uuid);
    orl_msg_text(desktop.domain, sizeof desktop.domain, row->domain);
    orl_msg_text(desktop.overlay, sizeof desktop.overlay, row->overlay);
    /* Which version it lies on is not known: none of them can be removed. */
    struct orl_pool_row pool;
    rc = orl_pool_get(r->cfg.store, row->pool, &pool, err);
    if (rc < 0) {
        return rc;
    }
    orl_msg_text(desktop.template_name, sizeof desktop.template_name, pool.template_name);
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    rc = orl_store_tx_begin(r->cfg.store, &tx, err);
    rc = rc < 0 ? rc : orl_desktop_insert(r->cfg.store, &desktop, "vmpool", now_ms, NULL, err);
    rc = rc < 0 ? rc : orl_quarantine_remove(r->cfg.store, row->id, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

static void carry_out_verdicts(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_vm_list *list, uint64_t now_ms)
{
    struct verdicts verdicts = {.host = r->cfg.host};
    struct orl_err err = {0};
    if (orl_quarantine_list(r->cfg.store, NULL, on_quarantine, &verdicts, &err) < 0) {
        orl_log_warn(&r->log, "quarantine not read", "error", err.text);
        return;
    }
    for (size_t i = 0; i < verdicts.count; i++) {
        const struct orl_quarantine_row *row = &verdicts.rows[i];
        int rc = row->verdict == ORL_VERDICT_PURGE ? purge(r, rows, row, list, now_ms, &err)
                                                   : adopt(r, row, now_ms, &err);
        if (rc < 0 && strcmp(row->reason_text, err.text) != 0) {
            struct orl_quarantine_row told = *row;
            orl_msg_text(told.reason_text, sizeof told.reason_text, err.text);
            orl_log_warn(
                    &r->log, "verdict not carried out", "domain", row->domain, "error", err.text);
            (void)!orl_quarantine_put(r->cfg.store, &told, now_ms, NULL);
        }
    }
}

/* A person's own machine says whose it is, so that it can be given back when its row is lost. */
static void mark_owners(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_vm_list *list, uint64_t now_ms)
{
    unsigned sent = 0;
    for (size_t i = 0; i < rows->desktop_count && sent < ORL_SWEEP_MAX_ACTIONS; i++) {
        const struct orl_desktop_row *row = &rows->desktops[i];
        bool is_owned = row->kind == ORL_POOL_DEDICATED && row->user[0];
        const struct orl_vm *vm = is_owned ? orl_vm_list_find(list, row->uuid) : NULL;
        bool is_said = vm && strcmp(vm->meta.user, row->user) == 0 && !vm->meta.is_quarantined;
        struct orl_memo *memo = vm && !is_said && strpbrk(row->user, "&<>'\"") == NULL
                                        ? orl_memo_get(r, row->id)
                                        : NULL;
        struct orl_job *job =
                memo && !memo->is_busy ? orl_job_new(ORL_JOB_MARK, r->cfg.backend) : NULL;
        if (job) {
            orl_msg_text(job->id, sizeof job->id, row->id);
            orl_msg_text(job->spec.uuid, sizeof job->spec.uuid, row->uuid);
            orl_msg_text(job->spec.meta.user, sizeof job->spec.meta.user, row->user);
            (void)orl_reconcile_submit(r, job, row->id, now_ms);
            sent++;
        }
    }
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

/* Every row of a desktop began with one in the audit, and both are in a backup or neither: a machine of which there is
 * none is from after this store's time, whatever was written to it since. 1, 0, or negative. */
static int is_forgotten(
        struct orl_reconcile *r, const struct orl_rows *rows, const struct orl_vm *vm)
{
    const struct known known = {.r = r, .rows = rows};
    bool is_desktop = vm->meta.kind == ORL_VM_FLOATING || vm->meta.kind == ORL_VM_DEDICATED;
    if (!is_desktop || vm->meta.is_quarantined || is_known(&known, vm->name)) {
        return 0;
    }
    struct orl_memo *memo = orl_memo_get(r, vm->name);
    if (!memo || memo->is_remembered) {
        return 0;
    }
    char object[ORL_USER_MAX + 1];
    (void)snprintf(object, sizeof object, "desktop:%s", vm->meta.desktop);
    int rc = orl_audit_misses(r->cfg.store, object, vm->meta.stamp_ms, NULL);
    memo->is_remembered = rc == 0;
    return rc;
}

static int find_forgotten(
        struct orl_reconcile *r, const struct orl_rows *rows, const struct orl_vm_list *list)
{
    int rc = 0;
    for (size_t i = 0; i < list->vm_count && rc == 0; i++) {
        rc = is_forgotten(r, rows, &list->vms[i]);
    }
    return rc;
}

void orl_reconcile_sweep(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_vm_list *list, uint64_t now_ms)
{
    struct orl_sweep_action actions[ORL_SWEEP_MAX_ACTIONS];
    enum orl_sweep_alarm alarm = ORL_SWEEP_NO_ALARM;
    const struct known known = {.r = r, .rows = rows};
    int forgotten = find_forgotten(r, rows, list);
    if (forgotten < 0 || orl_reconcile_recall_sweep(r) < 0) {
        return;
    }
    const struct orl_sweep_input input = {.list = list,
            .is_known = is_known,
            .ctx = &known,
            .known_count = count_machines(rows),
            .has_forgotten = forgotten > 0,
            .is_accepted = r->is_sweep_accepted,
            .standing = r->alarm,
            .store_stamp_ms = rows->stamp_ms,
            .grace_ms = r->cfg.sweep_grace_ms,
            .now_ms = now_ms};
    size_t count = orl_sweep_plan(&r->sweep, &input, actions, &alarm);
    raise_alarm(r, alarm, now_ms);
    for (size_t i = 0; i < count; i++) {
        carry_out(r, &actions[i], now_ms);
    }
    carry_out_verdicts(r, rows, list, now_ms);
    mark_owners(r, rows, list, now_ms);
}
