/* Carries out one action: first what is intended goes into the row, fenced, then the job goes out. */
#include "vmpool/golden_reconcile.h"
#include "vmpool/overlay.h"
#include "vmpool/reconcile_priv.h"
#include "vmpool/vm_meta.h"
#include <stdio.h>
#include <string.h>

enum { DEFAULT_MEMORY_MIB = 1024 };

static enum orl_vm_kind vm_kind(enum orl_pool_kind kind)
{
    return kind == ORL_POOL_DEDICATED ? ORL_VM_DEDICATED : ORL_VM_FLOATING;
}

static bool needs_overlay(const struct orl_template_row *t)
{
    return t->path[0] != '\0';
}

static int insert(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_pool_row *pool, uint64_t now_ms, struct orl_err *err)
{
    struct orl_id id;
    struct orl_desktop_row row = {
            .lease = ORL_LEASE_FREE, .power = ORL_POWER_ABSENT, .want = ORL_WANT_RUN, .version = 1};
    orl_id_new(&id);
    orl_uuid_new(row.uuid);
    char name[ORL_VM_NAME_MAX + 1];
    char overlay[ORL_VM_PATH_MAX + 1] = "";
    orl_vm_name(name, id.text, row.version);
    const struct orl_template_row *t = orl_rows_wanted(rows, pool);
    int rc = t ? 0 : orl_err_set(err, ORL_E_NOTFOUND, "no template %s", pool->template_name);
    if (rc == 0 && needs_overlay(t)) {
        rc = orl_overlay_path(r->cfg.images_dir, orl_store_installation(r->cfg.store),
                vm_kind(pool->kind), name, overlay, err);
    }
    if (rc < 0) {
        return rc;
    }
    memcpy(row.id, id.text, sizeof id.text);
    orl_msg_text(row.pool, sizeof row.pool, pool->name);
    orl_msg_text(row.host, sizeof row.host, r->cfg.host);
    orl_msg_text(row.domain, sizeof row.domain, name);
    orl_msg_text(row.overlay, sizeof row.overlay, overlay);
    orl_msg_text(row.template_name, sizeof row.template_name, t->name);
    row.template_version = t->version;
    return orl_desktop_insert(r->cfg.store, &row, "vmpool", now_ms, NULL, err);
}

static void copy(char *dst, size_t size, const char *src)
{
    orl_msg_text(dst, size, src);
}

/* libvirt starts no machine with CPU limits that it has no cgroup for. */
static struct orl_vm_res res_of(const struct orl_reconcile *r, const struct orl_pool_row *pool)
{
    struct orl_vm_res res = orl_pool_vm_res(pool);
    if (r->has_report && r->report.line[ORL_HOST_CPU_LIMITS].state == ORL_ABILITY_NO) {
        res.cpu_shares = 0;
        res.cpu_cap_percent = 0;
    }
    return res;
}

/* Why a machine of this can't be started on this host, or NULL. */
static const char *firmware_fault(const struct orl_vm_host *host, const struct orl_vm_spec *spec)
{
    const struct orl_vm_res *res = &spec->res;
    if (res->has_uefi && host->lacks_uefi) {
        return "libvirt finds no UEFI firmware on this host: install ovmf";
    }
    if (res->has_secure_boot && host->lacks_secure_boot) {
        return "libvirt finds no firmware with secure boot on this host: install ovmf";
    }
    if (res->has_tpm && host->lacks_tpm) {
        return "libvirt finds no swtpm on this host: install swtpm and swtpm-tools";
    }
    /* What the firmware is handed beside the disk must be signed with a key of its own, not with a distribution's. */
    return res->has_secure_boot && spec->kernel[0] ? "secure_boot needs a template that boots from "
                                                     "its disk, this one names a kernel"
                                                   : NULL;
}

int orl_reconcile_pool_spec(const struct orl_reconcile *r, const struct orl_pool_row *pool,
        const struct orl_template_row *t, struct orl_vm_spec *spec, struct orl_err *err)
{
    if (strlen(t->path) > ORL_VM_PATH_MAX || strlen(t->kernel) > ORL_VM_PATH_MAX ||
            strlen(t->initrd) > ORL_VM_PATH_MAX) {
        return orl_err_set(err, ORL_E_LIMIT, "a path of template '%s' is too long", t->name);
    }
    *spec = (struct orl_vm_spec){.accel = r->accel,
            .res = res_of(r, pool),
            .is_windows = t->is_windows,
            .has_clipboard = pool->permit.clipboard != 0,
            .has_sound = pool->permit.has_sound != 0,
            .memory_mib = pool->memory_mib ? pool->memory_mib
                          : t->memory_mib  ? t->memory_mib
                                           : DEFAULT_MEMORY_MIB,
            .vcpus = pool->vcpus ? pool->vcpus
                     : t->vcpus  ? t->vcpus
                                 : 1,
            .width_px = r->cfg.width_px,
            .height_px = r->cfg.height_px,
            .translation_cache_mib = r->cfg.translation_cache_mib};
    copy(spec->meta.installation, sizeof spec->meta.installation,
            orl_store_installation(r->cfg.store));
    copy(spec->base, sizeof spec->base, t->path);
    copy(spec->kernel, sizeof spec->kernel, t->kernel);
    copy(spec->initrd, sizeof spec->initrd, t->initrd);
    copy(spec->cmdline, sizeof spec->cmdline, t->cmdline);
    copy(spec->machine, sizeof spec->machine, r->host.machine);
    const char *fault = firmware_fault(&r->host, spec);
    return fault ? orl_err_set(err, ORL_E_UNSUPPORTED, "%s", fault) : 0;
}

int orl_reconcile_template_spec(const struct orl_reconcile *r, const struct orl_pool_row *pool,
        const struct orl_template_row *t, struct orl_vm_spec *ret_spec, struct orl_err *err)
{
    const struct orl_job_net *isolated = &r->nets[0];
    int rc = orl_reconcile_pool_spec(r, pool, t, ret_spec, err);
    if (rc == 0 && isolated->is_known && !isolated->fault[0]) {
        ret_spec->network = isolated->network;
    }
    return rc;
}

bool orl_reconcile_can_make(const struct orl_reconcile *r)
{
    return orl_reconcile_is_up(r) && r->has_accel && r->nets[0].is_known && r->host.machine[0];
}

static int make_spec(const struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_desktop_row *row, uint64_t now_ms, struct orl_vm_spec *spec,
        enum orl_reason *ret_reason, struct orl_err *err)
{
    const struct orl_pool_row *pool = orl_rows_pool(rows, row->pool);
    const struct orl_template_row *t =
            orl_rows_template(rows, row->template_name, row->template_version);
    if (!pool || !t) {
        return orl_err_set(err, ORL_E_NOTFOUND, "template '%s', version %u, can't be used",
                row->template_name, row->template_version);
    }
    int rc = orl_reconcile_pool_spec(r, pool, t, spec, err);
    if (rc < 0) {
        *ret_reason = rc == ORL_E_UNSUPPORTED ? ORL_REASON_POOL_LIMITS : *ret_reason;
        return rc;
    }
    spec->meta.kind = vm_kind(row->kind);
    spec->meta.version = row->version;
    spec->meta.stamp_ms = row->created_ms; /* the store's stamp is never older than its rows */
    copy(spec->meta.pool, sizeof spec->meta.pool, row->pool);
    copy(spec->meta.desktop, sizeof spec->meta.desktop, row->id);
    copy(spec->name, sizeof spec->name, row->domain);
    copy(spec->uuid, sizeof spec->uuid, row->uuid);
    copy(spec->overlay, sizeof spec->overlay, row->overlay);
    const char *fault = orl_vm_res_fault(&spec->res, spec->memory_mib);
    *ret_reason = fault ? ORL_REASON_POOL_LIMITS : ORL_REASON_POOL_NETWORK;
    return fault ? orl_err_set(err, ORL_E_INVAL, "pool '%s': %s", row->pool, fault)
                 : orl_networks_give(r, pool, spec, now_ms, err);
}

static int send_job(struct orl_reconcile *r, enum orl_job_kind kind,
        const struct orl_desktop_row *row, const struct orl_vm_spec *spec, uint64_t now_ms)
{
    struct orl_job *job = orl_job_new(kind, r->cfg.backend);
    if (!job) {
        return ORL_E_NOMEM;
    }
    copy(job->id, sizeof job->id, row->id);
    if (spec) {
        job->spec = *spec;
    } else {
        copy(job->spec.uuid, sizeof job->spec.uuid, row->uuid);
        copy(job->spec.overlay, sizeof job->spec.overlay, row->overlay);
    }
    return orl_reconcile_submit(r, job, row->id, now_ms);
}

/* A static desktop's machine is nobody's to start, unless its pool says so. */
static int send_reach(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_desktop_row *row, uint64_t now_ms)
{
    const struct orl_pool_row *pool = orl_rows_pool(rows, row->pool);
    struct orl_job *job = orl_job_new(ORL_JOB_REACH, r->cfg.backend);
    if (!job) {
        return ORL_E_NOMEM;
    }
    copy(job->id, sizeof job->id, row->id);
    copy(job->vnc_target, sizeof job->vnc_target, row->vnc_target);
    job->static_allow = r->cfg.static_allow;
    job->may_start =
            pool && pool->res.has_autostart && !pool->is_maintenance && !row->is_maintenance;
    return orl_reconcile_submit(r, job, row->id, now_ms);
}

/* Writes the new power under the row's version; then, and only then, the job goes out. */
static int intend(struct orl_reconcile *r, const struct orl_desktop_row *row, enum orl_power power,
        enum orl_job_kind kind, const struct orl_vm_spec *spec, uint64_t now_ms)
{
    struct orl_desktop_row next = *row;
    next.power = power;
    int rc = orl_reconcile_write(r, &next, true, now_ms);
    if (rc < 0) {
        return rc;
    }
    struct orl_memo *memo = orl_memo_get(r, row->id);
    if (memo && memo->power != power) {
        memo->power = power;
        memo->power_since_ms = now_ms;
    }
    return send_job(r, kind, row, spec, now_ms);
}

static int move(struct orl_reconcile *r, const struct orl_desktop_row *row, enum orl_lease lease,
        enum orl_power power, enum orl_reason reason, uint64_t now_ms, struct orl_err *err)
{
    const struct orl_desktop_move step = {.id = row->id,
            .version = row->version,
            .lease = lease,
            .power = power,
            .reason = reason,
            .actor = "vmpool"};
    int rc = orl_desktop_move(r->cfg.store, &step, now_ms, NULL, err);
    if (rc == 0) {
        orl_reconcile_changed(r);
    }
    return rc;
}

static int expire(struct orl_reconcile *r, const struct orl_desktop_row *row, uint64_t now_ms,
        struct orl_err *err)
{
    static const char text[] = "the guest did not become ready in time";
    if (row->lease == ORL_LEASE_FREE) {
        orl_reconcile_pool_failed(r, row->pool, ORL_REASON_GUEST_START_FAILED, text, now_ms);
        return move(r, row, ORL_LEASE_ENDING, ORL_POWER_NONE, ORL_REASON_GUEST_START_FAILED, now_ms,
                err);
    }
    struct orl_desktop_row next = *row;
    if (row->power == ORL_POWER_REBOOTING) {
        /* It restarted itself and keeps its screen dark, for a long check of its disk perhaps. Its person
         * can see that and decide; nobody pulls the plug. */
        next.power = ORL_POWER_RUNNING;
        next.is_ready = true;
        next.reason = ORL_REASON_NONE;
        return orl_reconcile_write(r, &next, true, now_ms);
    }
    next.power = ORL_POWER_FAILED;
    next.attempts++;
    next.retry_ms = now_ms + orl_plan_backoff_ms(next.attempts);
    next.reason = row->reason == ORL_REASON_GUEST_DIED ? ORL_REASON_GUEST_DIED
                                                       : ORL_REASON_GUEST_START_FAILED;
    (void)snprintf(next.reason_text, sizeof next.reason_text, "%s", text);
    int rc = orl_reconcile_write(r, &next, true, now_ms);
    orl_reconcile_changed(r);
    return rc;
}

/* A pool that can't have what it asks for: said once in its row and the desktop's, and tried again later. */
static int clone(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_desktop_row *row, uint64_t now_ms, struct orl_err *err)
{
    struct orl_vm_spec spec;
    enum orl_reason reason = ORL_REASON_TEMPLATE_MISSING;
    int rc = make_spec(r, rows, row, now_ms, &spec, &reason, err);
    if (rc == 0) {
        rc = orl_golden_choose(r, rows, row, &spec, err);
        if (rc < 0) {
            return rc;
        }
        return intend(r, row, ORL_POWER_CLONING, ORL_JOB_CLONE, &spec, now_ms);
    }
    if (rc == ORL_E_AGAIN) {
        return 0; /* the next pass knows */
    }
    struct orl_desktop_row next = *row;
    next.attempts++;
    next.retry_ms = now_ms + orl_plan_backoff_ms(next.attempts);
    next.reason = reason;
    copy(next.reason_text, sizeof next.reason_text, err->text);
    (void)orl_reconcile_write(r, &next, true, now_ms);
    orl_reconcile_pool_failed(r, row->pool, reason, err->text, now_ms);
    return rc;
}

/* For the first time: started again it boots from its own disk. */
static bool is_to_resume(const struct orl_desktop_row *row)
{
    return row->golden[0] && !row->is_instant && row->lease == ORL_LEASE_FREE && !row->is_tainted;
}

static int resume(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_desktop_row *row, uint64_t now_ms, struct orl_err *err)
{
    struct orl_vm_spec spec;
    enum orl_reason reason = ORL_REASON_NONE;
    int rc = make_spec(r, rows, row, now_ms, &spec, &reason, err);
    if (rc == ORL_E_AGAIN) {
        return 0; /* the next pass knows */
    }
    rc = rc < 0 ? rc : orl_golden_follow(r, rows, row, &spec, err);
    if (rc == 0) {
        return intend(r, row, ORL_POWER_STARTING, ORL_JOB_RESUME, &spec, now_ms);
    }
    /* It is worth nothing without its image: another takes its place. */
    struct orl_desktop_row next = *row;
    next.power = ORL_POWER_FAILED;
    next.reason = ORL_REASON_GUEST_START_FAILED;
    orl_msg_text(next.reason_text, sizeof next.reason_text, err->text);
    return orl_reconcile_write(r, &next, true, now_ms);
}

static int act_on(struct orl_reconcile *r, const struct orl_rows *rows, enum orl_plan_kind kind,
        const struct orl_desktop_row *row, uint64_t now_ms, struct orl_err *err)
{
    struct orl_memo *memo = orl_memo_get(r, row->id);
    switch (kind) {
    case ORL_PLAN_CLONE:
        return clone(r, rows, row, now_ms, err);
    case ORL_PLAN_START:
        if (is_to_resume(row)) {
            return resume(r, rows, row, now_ms, err);
        }
        if (memo) {
            memo->is_woken = false;
        }
        return intend(r, row, row->power == ORL_POWER_REBOOTING ? row->power : ORL_POWER_STARTING,
                ORL_JOB_START, NULL, now_ms);
    case ORL_PLAN_SUSPEND:
        if (memo) {
            memo->is_woken = false;
        }
        return intend(r, row, ORL_POWER_SUSPENDED, ORL_JOB_SUSPEND, NULL, now_ms);
    case ORL_PLAN_WAKE:
        if (memo && orl_stall_is(row) && orl_hung_is(memo)) {
            return 0; /* ending it would free that call, and lose what is in it */
        }
        if (memo) {
            memo->is_room_back = false;
            memo->is_woken = row->lease == ORL_LEASE_FREE;
        }
        return send_job(r, ORL_JOB_WAKE, row, NULL, now_ms);
    case ORL_PLAN_LOOK:
        if (memo) {
            memo->looked_ms = now_ms;
        }
        return row->kind == ORL_POOL_STATIC ? send_reach(r, rows, row, now_ms)
                                            : send_job(r, ORL_JOB_LOOK, row, NULL, now_ms);
    case ORL_PLAN_EXPIRE:
        return expire(r, row, now_ms, err);
    case ORL_PLAN_STOP:
        return intend(r, row, ORL_POWER_STOPPING, ORL_JOB_STOP, NULL, now_ms);
    case ORL_PLAN_KILL:
        return send_job(r, ORL_JOB_KILL, row, NULL, now_ms);
    case ORL_PLAN_REBOOT:
    case ORL_PLAN_RESET:
        if (memo) {
            memo->rebooted_ms = now_ms > row->restart_ms ? now_ms : row->restart_ms;
        }
        return send_job(
                r, kind == ORL_PLAN_RESET ? ORL_JOB_RESET : ORL_JOB_REBOOT, row, NULL, now_ms);
    case ORL_PLAN_RETIRE:
        return move(r, row, ORL_LEASE_ENDING, ORL_POWER_NONE, row->reason, now_ms, err);
    case ORL_PLAN_DELETE:
        return intend(r, row, row->power == ORL_POWER_ABSENT ? row->power : ORL_POWER_STOPPING,
                ORL_JOB_DELETE, NULL, now_ms);
    case ORL_PLAN_FORGET:
        return orl_desktop_remove(r->cfg.store, row->id, row->version, "vmpool", now_ms, err);
    case ORL_PLAN_RELEASE:
        return move(r, row, ORL_LEASE_ASSIGNED, ORL_POWER_STOPPED, row->reason, now_ms, err);
    default:
        return 0;
    }
}

void orl_reconcile_act(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_plan_action *action, uint64_t now_ms)
{
    struct orl_err err = {0};
    int rc = 0;
    const char *subject = "";
    if (action->kind == ORL_PLAN_INSERT) {
        subject = rows->pools[action->subject].name;
        rc = insert(r, rows, &rows->pools[action->subject], now_ms, &err);
    } else {
        subject = rows->desktops[action->subject].id;
        rc = act_on(r, rows, action->kind, &rows->desktops[action->subject], now_ms, &err);
    }
    /* CONFLICT: the broker gave it away meanwhile; the next pass sees that. */
    if (rc < 0 && rc != ORL_E_CONFLICT && rc != ORL_E_LIMIT) {
        orl_log_warn(&r->log, "action failed", "action", orl_plan_name(action->kind), "subject",
                subject, "error", err.text[0] ? err.text : orl_err_name(rc));
    }
}
