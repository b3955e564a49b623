#include "vmpool/vmpool.h"
#include "base/clock.h"
#include "base/clock_watch.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/work.h"
#include "vmpool/accel.h"
#include "vmpool/backend_libvirt.h"
#include "vmpool/console_sock.h"
#include "vmpool/host_report.h"
#include "vmpool/imports.h"
#include "vmpool/persons.h"
#include "vmpool/reconcile.h"
#include "vmpool/template_jobs.h"
#include "vmpool/user_watch.h"
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WORKERS = 4,
    CONSOLE_WORKERS = 4,
    PERSON_WORKERS = 4,
    QUEUE_MAX = 256,
    TICK_US = 500000,
    LOOK_PERIOD_MS = 1000,
    STATIC_PERIOD_MS = 15000,
    WAKE_TIMEOUT_MS = 30000,
    STABLE_MS = 600000,
    MS_PER_S = 1000,
    MIB_PER_GIB = 1024,
    PATH_BYTES = 400,
    ACCEL_RETRY_US = 3000000,
    REBOOTS_MAX = 64,
    UPLOAD_WORKERS = 2,
    UPLOADS_QUEUED = 16,
};

#define BYTES_PER_GIB (UINT64_C(1) << 30)

static const struct orl_log_ctx log_ctx = {.name = "vmpool"};

struct orl_vmpool {
    const struct orl_vmpool_cfg *cfg;
    struct orl_loop *loop;
    struct orl_store *store;
    struct orl_backend backend;
    /* libvirt's calls have no deadline: what hangs must not hold what would end it, nor a person. */
    struct orl_work *work;         /* makes, starts, stops */
    struct orl_work *end_work;     /* kills and removes: needs no answer of QEMU's */
    struct orl_work *look_work;    /* looks into guests, reaches static desktops */
    struct orl_work *observe_work; /* one at a time */
    struct orl_work *slow_work;    /* templates, the accelerator */
    struct orl_work *console_work;
    struct orl_work *person_work; /* hooks' ports and homes: somebody waits */
    struct orl_work *check_work;  /* a template's machine: minutes */
    struct orl_work *import_work, *build_work, *upload_work;
    struct orl_wake *wake;
    struct orl_timer *timer;
    struct orl_timer *accel_timer;
    struct orl_reconcile *reconcile;
    struct orl_persons *persons;
    struct orl_user_watch *users;
    struct orl_template_jobs *template_jobs;
    struct orl_imports *imports;
    struct orl_upload_sock *upload;
    struct orl_console_sock *console;
    struct orl_seal_key key;
    char images_dir[PATH_BYTES];
    char console_path[PATH_BYTES];
    char upload_path[PATH_BYTES];
    pthread_mutex_t reboots_lock; /* guards the next two */
    char reboots[REBOOTS_MAX][ORL_UUID_LEN + 1];
    size_t reboot_count;
    struct orl_clock_watch clock;
    bool is_poke_due;
    bool is_stopping;
};

struct accel_job {
    struct orl_vmpool *vmpool;
    const struct orl_backend *backend;
    struct orl_accel_cfg cfg;
    struct orl_accel accel;
    struct orl_host_report report;
    int result;
    struct orl_err err;
};

/* Wall clock, as the store has it. When somebody sets it, the reconciler's memory moves along. */
static uint64_t now_ms_of(struct orl_vmpool *v)
{
    uint64_t wall_ms = orl_clock_wall_ms();
    int64_t by_ms = orl_clock_watch_jump(&v->clock, wall_ms, orl_clock_now_us());
    if (by_ms != 0) {
        orl_log_warn(&log_ctx, "the clock was set", "by_s", ORL_LOG_NUM(by_ms / MS_PER_S));
        orl_reconcile_shift(v->reconcile, by_ms);
    }
    return wall_ms;
}

static bool clock_ahead(void *ctx, int64_t *ret_ms)
{
    const struct orl_vmpool *v = ctx;
    uint64_t theirs_ms = 0;
    uint64_t begun_ms = orl_clock_wall_ms();
    uint64_t begun_us = orl_clock_now_us();
    if (orl_store_clock(v->store, &theirs_ms, NULL) < 0) {
        return false;
    }
    uint64_t took_ms = (orl_clock_now_us() - begun_us) / ORL_US_PER_MS;
    *ret_ms = (int64_t)(begun_ms + took_ms / 2) - (int64_t)theirs_ms;
    return took_ms < MS_PER_S;
}

static void on_job_done(void *job, void *ctx)
{
    struct orl_vmpool *v = ctx;
    if (v->is_stopping) {
        orl_job_free(job);
        return;
    }
    orl_reconcile_done(v->reconcile, job, now_ms_of(v));
}

static int submit(void *ctx, struct orl_job *job)
{
    struct orl_vmpool *v = ctx;
    struct orl_work *work = v->work;
    if (job->kind == ORL_JOB_OBSERVE) {
        work = v->observe_work;
    } else if (job->kind == ORL_JOB_LOOK || job->kind == ORL_JOB_GOLDEN_LOOK ||
               job->kind == ORL_JOB_REACH) {
        work = v->look_work;
    } else if (job->kind == ORL_JOB_KILL || job->kind == ORL_JOB_DELETE ||
               job->kind == ORL_JOB_SWEEP || job->kind == ORL_JOB_GOLDEN_ERASE ||
               job->kind == ORL_JOB_UNRESERVE) {
        work = v->end_work;
    } else if (job->kind == ORL_JOB_TEMPLATE) {
        work = v->slow_work;
    }
    return v->is_stopping ? ORL_E_CLOSED : orl_work_submit(work, orl_job_run, on_job_done, job, v);
}

static void poke_broker(void *ctx)
{
    struct orl_vmpool *v = ctx;
    char path[PATH_BYTES];
    int fd = -1;
    v->is_poke_due = false;
    (void)snprintf(path, sizeof path, "%s/gateway.sock", v->cfg->run_dir);
    /* It looks at the store by itself, too: a lost poke costs a moment. */
    if (orl_ipc_connect(path, &fd, NULL) == 0) {
        const struct orl_msg msg = {.type = ORL_MSG_POKE};
        if (orl_ipc_send(fd, &msg, NULL, 0) < 0) {
            orl_log_debug(&log_ctx, "the broker was not woken");
        }
        close(fd);
    }
}

static void on_change(void *ctx)
{
    struct orl_vmpool *v = ctx;
    if (!v->is_poke_due && !v->is_stopping) {
        v->is_poke_due = true;
        orl_loop_defer(v->loop, poke_broker, v);
    }
}

static void kick(void *ctx)
{
    struct orl_vmpool *v = ctx;
    orl_reconcile_tick(v->reconcile, now_ms_of(v));
}

static void on_timer(void *ctx)
{
    struct orl_vmpool *v = ctx;
    uint64_t now_ms = now_ms_of(v);
    if (now_ms >= orl_reconcile_next_ms(v->reconcile, now_ms)) {
        orl_reconcile_tick(v->reconcile, now_ms);
    }
    orl_template_jobs_tick(v->template_jobs, now_ms);
    orl_imports_tick(v->imports, now_ms);
}

/* On libvirt's event thread. One too many is lost: its person sees the guest boot all the same. */
static void on_libvirt_event(void *ctx, const char *rebooted)
{
    struct orl_vmpool *v = ctx;
    if (rebooted) {
        pthread_mutex_lock(&v->reboots_lock);
        if (v->reboot_count < REBOOTS_MAX) {
            (void)snprintf(v->reboots[v->reboot_count++], sizeof v->reboots[0], "%s", rebooted);
        }
        pthread_mutex_unlock(&v->reboots_lock);
    }
    orl_wake_send(v->wake);
}

static void on_wake(void *ctx)
{
    struct orl_vmpool *v = ctx;
    char reboots[REBOOTS_MAX][ORL_UUID_LEN + 1];
    pthread_mutex_lock(&v->reboots_lock);
    size_t count = v->reboot_count;
    memcpy(reboots, v->reboots, sizeof reboots);
    v->reboot_count = 0;
    pthread_mutex_unlock(&v->reboots_lock);
    for (size_t i = 0; i < count; i++) {
        orl_reconcile_rebooted(v->reconcile, reboots[i], now_ms_of(v));
    }
    kick(v);
}

static bool is_up(void *ctx)
{
    const struct orl_vmpool *v = ctx;
    return orl_reconcile_is_up(v->reconcile);
}

static void run_accel(void *job_)
{
    struct accel_job *job = job_;
    struct orl_vm_host host;
    orl_host_report_read("", &job->report);
    job->result = job->backend->ops->host(job->backend->self, &host, &job->err);
    if (job->result == 0) {
        job->result = orl_accel_decide(&job->cfg, job->backend, &host, &job->accel, &job->err);
    }
}

static void report_accel(struct orl_vmpool *v, struct accel_job *job)
{
    struct orl_host_line *line = &job->report.line[ORL_HOST_ACCEL];
    bool is_kvm = job->accel.kind == ORL_VM_ACCEL_KVM;
    line->state = is_kvm                 ? ORL_ABILITY_YES
                  : job->accel.is_proven ? ORL_ABILITY_NO
                                         : ORL_ABILITY_UNKNOWN;
    orl_msg_text(line->reason, sizeof line->reason, job->accel.reason);
    orl_msg_text(line->remedy, sizeof line->remedy,
            is_kvm ? "" : "Guests run in emulation, several times slower: see the items above.");
    orl_log_info(
            &log_ctx, "accelerator", "accel", is_kvm ? "kvm" : "qemu", "why", job->accel.reason);
    orl_reconcile_set_accel(v->reconcile, job->accel.kind, job->accel.reason, &job->report);
}

static void on_accel_done(void *job_, void *ctx)
{
    struct accel_job *job = job_;
    struct orl_vmpool *v = ctx;
    if (!v->is_stopping && job->result == 0) {
        report_accel(v, job);
        orl_reconcile_tick(v->reconcile, now_ms_of(v));
    } else if (!v->is_stopping) {
        orl_timer_start(v->accel_timer, ACCEL_RETRY_US, 0);
    }
    free(job);
}

static void decide_accel(void *ctx)
{
    struct orl_vmpool *v = ctx;
    struct accel_job *job = calloc(1, sizeof *job);
    if (job) {
        job->backend = &v->backend;
        job->cfg = (struct orl_accel_cfg){.mode = (enum orl_accel_mode)v->cfg->accel,
                .state_dir = v->cfg->state_dir,
                .tiny_dir = v->cfg->tiny_dir,
                .installation = orl_store_installation(v->store),
                .timeout_ms = (unsigned)(v->cfg->accel_timeout_s * MS_PER_S)};
    }
    if (!job || orl_work_submit(v->slow_work, run_accel, on_accel_done, job, v) < 0) {
        free(job);
        orl_timer_start(v->accel_timer, ACCEL_RETRY_US, 0);
    }
}

static int open_store(struct orl_vmpool *v, struct orl_err *err)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/console.key", v->cfg->state_dir);
    int r = orl_seal_key_load(path, &v->key, err);
    (void)snprintf(path, sizeof path, "%s/oriel.db", v->cfg->state_dir);
    return r < 0 ? r : orl_store_open(v->cfg->store[0] ? v->cfg->store : path, &v->store, err);
}

static int open_backend(struct orl_vmpool *v, struct orl_err *err)
{
    const struct orl_vmpool_cfg *cfg = v->cfg;
    if (cfg->images_dir[0]) {
        (void)snprintf(v->images_dir, sizeof v->images_dir, "%s", cfg->images_dir);
    } else {
        (void)snprintf(v->images_dir, sizeof v->images_dir, "%s/images", cfg->state_dir);
    }
    const struct orl_backend_libvirt_cfg backend_cfg = {.uri = cfg->libvirt_uri,
            .images_dir = v->images_dir,
            .installation = orl_store_installation(v->store),
            .memory_dir = cfg->golden_memory_dir,
            .qemu_user = cfg->qemu_user,
            .network = cfg->isolated_network,
            .nat_subnet = cfg->nat_subnet,
            .nat_subnet_v6 = cfg->nat_subnet_v6,
            .routed_subnet = cfg->routed_subnet,
            .routed_subnet_v6 = cfg->routed_subnet_v6,
            .guest_block = cfg->guest_block,
            .static_uris = cfg->static_uris,
            .wants_dbus_display = cfg->display != ORL_DISPLAY_VNC,
            .on_event = on_libvirt_event,
            .ctx = v};
    return orl_backend_libvirt_new(&backend_cfg, &v->backend, err);
}

static bool look_persons(void *ctx, const struct orl_rows *rows, uint64_t now_ms)
{
    const struct orl_vmpool *v = ctx;
    bool is_busy = orl_persons_look(v->persons, rows, now_ms);
    orl_user_watch_look(v->users, rows);
    return is_busy;
}

static bool holds_person(void *ctx, const char *desktop)
{
    const struct orl_vmpool *v = ctx;
    return orl_persons_holds(v->persons, desktop);
}

static bool is_heard(void *ctx, const char *desktop)
{
    const struct orl_vmpool *v = ctx;
    return orl_persons_hears(v->persons, desktop);
}

static bool holds_machine(void *ctx, const char *name)
{
    const struct orl_vmpool *v = ctx;
    return orl_template_jobs_holds(v->template_jobs, name) || orl_imports_holds(v->imports, name);
}

static bool can_make(void *ctx)
{
    const struct orl_vmpool *v = ctx;
    return orl_reconcile_can_make(v->reconcile);
}

static int template_spec(void *ctx, const struct orl_pool_row *pool,
        const struct orl_template_row *t, struct orl_vm_spec *spec, struct orl_err *err)
{
    const struct orl_vmpool *v = ctx;
    return orl_reconcile_template_spec(v->reconcile, pool, t, spec, err);
}

static int open_template_jobs(struct orl_vmpool *v, struct orl_err *err)
{
    const struct orl_template_jobs_cfg jobs_cfg = {.store = v->store,
            .backend = &v->backend,
            .work = v->check_work,
            .host = v->cfg->host_name,
            .images_dir = v->images_dir,
            .deadline_s = (unsigned)v->cfg->ready_timeout_s,
            .is_ready = can_make,
            .make_spec = template_spec,
            .ctx = v};
    return orl_template_jobs_new(&jobs_cfg, &v->template_jobs, err);
}

static uid_t uid_of(const char *name)
{
    const struct passwd *user = name[0] ? getpwnam(name) : NULL;
    return user ? user->pw_uid : (uid_t)-1;
}

static bool can_import(void *ctx)
{
    const struct orl_vmpool *v = ctx;
    return can_make(ctx) && orl_template_jobs_is_begun(v->template_jobs);
}

static int open_imports(struct orl_vmpool *v, struct orl_err *err)
{
    const struct orl_vmpool_cfg *cfg = v->cfg;
    const struct orl_imports_cfg imports_cfg = {.store = v->store,
            .backend = &v->backend,
            .work = v->import_work,
            .build_work = v->build_work,
            .host = cfg->host_name,
            .images_dir = v->images_dir,
            .import_dir = cfg->import_dir,
            .max_virtual_bytes = (uint64_t)cfg->max_template_gib * BYTES_PER_GIB,
            .max_file_bytes = (uint64_t)cfg->max_upload_gib * BYTES_PER_GIB,
            .reserve_bytes = (uint64_t)cfg->reserve_disk_mib * (BYTES_PER_GIB / MIB_PER_GIB),
            .is_ready = can_import,
            .make_spec = template_spec,
            .ctx = v};
    return orl_imports_new(&imports_cfg, &v->imports, err);
}

static int open_upload(struct orl_vmpool *v, struct orl_err *err)
{
    (void)snprintf(v->upload_path, sizeof v->upload_path, "%s/upload.sock", v->cfg->run_dir);
    const struct orl_upload_sock_cfg upload_cfg = {.path = v->upload_path,
            .loop = v->loop,
            .work = v->upload_work,
            .web_uid = uid_of(v->cfg->web_user),
            .begin = orl_imports_begin_piece,
            .end = orl_imports_end_piece,
            .ctx = v->imports};
    return orl_upload_sock_new(&upload_cfg, &v->upload, err);
}

static void on_person(void *ctx)
{
    struct orl_vmpool *v = ctx;
    if (!v->is_stopping) {
        kick(v);
    }
}

static int open_persons(struct orl_vmpool *v, struct orl_err *err)
{
    const struct orl_persons_cfg persons_cfg = {.loop = v->loop,
            .work = v->person_work,
            .store = v->store,
            .backend = &v->backend,
            .images_dir = v->images_dir,
            .key = &v->key,
            .on_change = on_change,
            .kick = on_person,
            .ctx = v};
    const struct orl_user_watch_cfg users_cfg = {.loop = v->loop,
            .work = v->person_work,
            .store = v->store,
            .backend = &v->backend,
            .is_heard = is_heard,
            .on_change = on_change,
            .ctx = v};
    int r = orl_persons_new(&persons_cfg, &v->persons, err);
    return r < 0 ? r : orl_user_watch_new(&users_cfg, &v->users, err);
}

static int open_reconcile(struct orl_vmpool *v, struct orl_err *err)
{
    const struct orl_vmpool_cfg *cfg = v->cfg;
    const struct orl_reconcile_cfg reconcile_cfg = {.store = v->store,
            .backend = &v->backend,
            .host = cfg->host_name,
            .uri = cfg->libvirt_uri,
            .images_dir = v->images_dir,
            .static_allow = cfg->static_allow,
            .template_rules = {.allows_backing = cfg->allow_backing,
                    .max_virtual_mib = (uint64_t)cfg->max_template_gib * MIB_PER_GIB},
            .limits = {.max_in_flight = (uint32_t)cfg->max_in_flight,
                    .max_attempts = (uint32_t)cfg->max_attempts,
                    .look_period_ms = LOOK_PERIOD_MS,
                    .static_period_ms = STATIC_PERIOD_MS,
                    .ready_timeout_ms = (uint64_t)cfg->ready_timeout_s * MS_PER_S,
                    .wake_timeout_ms = WAKE_TIMEOUT_MS,
                    .stop_timeout_ms = (uint64_t)cfg->stop_timeout_s * MS_PER_S,
                    .reserve_memory_mib = (uint64_t)cfg->reserve_memory_mib,
                    .reserve_disk_mib = (uint64_t)cfg->reserve_disk_mib},
            .governor = {.starts_per_minute = (uint32_t)cfg->starts_per_minute,
                    .burst = (uint32_t)cfg->start_burst,
                    .cpu_percent = (uint32_t)cfg->pressure_cpu_percent,
                    .memory_percent = (uint32_t)cfg->pressure_memory_percent,
                    .io_percent = (uint32_t)cfg->pressure_io_percent},
            .pressure_dir = "/proc/pressure",
            .width_px = (uint32_t)cfg->width_px,
            .height_px = (uint32_t)cfg->height_px,
            .translation_cache_mib = (uint32_t)cfg->translation_cache_mib,
            .agent_settle_ms = (uint64_t)cfg->agent_settle_s * MS_PER_S,
            .golden_settle_ms = (uint64_t)cfg->golden_settle_s * MS_PER_S,
            .stable_ms = STABLE_MS,
            .sweep_grace_ms = (uint64_t)cfg->sweep_grace_s * MS_PER_S,
            .plan = orl_pool_plan,
            .look_persons = look_persons,
            .holds_person = holds_person,
            .holds_machine = holds_machine,
            .clock_ahead = clock_ahead,
            .submit = submit,
            .on_change = on_change,
            .ctx = v};
    return orl_reconcile_new(&reconcile_cfg, &v->reconcile, err);
}

static int open_console(struct orl_vmpool *v, struct orl_err *err)
{
    (void)snprintf(v->console_path, sizeof v->console_path, "%s/console.sock", v->cfg->run_dir);
    const struct orl_console_sock_cfg console_cfg = {.path = v->console_path,
            .loop = v->loop,
            .work = v->console_work,
            .store = v->store,
            .backend = &v->backend,
            .key = &v->key,
            .static_allow = v->cfg->static_allow,
            .display = (enum orl_display_mode)v->cfg->display,
            .gateway_uid = uid_of(v->cfg->gateway_user),
            .broker_uid = uid_of(v->cfg->broker_user),
            .on_poke = kick,
            .is_up = is_up,
            .ctx = v};
    return orl_console_sock_new(&console_cfg, &v->console, err);
}

static int open_all(struct orl_vmpool *v, struct orl_err *err)
{
    int r = open_store(v, err);
    r = r < 0 ? r : orl_wake_new(v->loop, on_wake, v, &v->wake, err);
    r = r < 0 ? r : open_backend(v, err);
    r = r < 0 ? r : orl_work_new(v->loop, WORKERS, QUEUE_MAX, &v->work, err);
    r = r < 0 ? r : orl_work_new(v->loop, WORKERS, QUEUE_MAX, &v->end_work, err);
    r = r < 0 ? r : orl_work_new(v->loop, WORKERS, QUEUE_MAX, &v->look_work, err);
    r = r < 0 ? r : orl_work_new(v->loop, 1, 1, &v->observe_work, err);
    r = r < 0 ? r : orl_work_new(v->loop, 1, QUEUE_MAX, &v->slow_work, err);
    r = r < 0 ? r : orl_work_new(v->loop, CONSOLE_WORKERS, QUEUE_MAX, &v->console_work, err);
    r = r < 0 ? r : orl_work_new(v->loop, PERSON_WORKERS, QUEUE_MAX, &v->person_work, err);
    r = r < 0 ? r : orl_work_new(v->loop, 1, 1, &v->check_work, err);
    r = r < 0 ? r : orl_work_new(v->loop, 1, ORL_IMPORT_BUILDS_MAX, &v->import_work, err);
    r = r < 0 ? r
              : orl_work_new(
                        v->loop, ORL_IMPORT_BUILDS_MAX, ORL_IMPORT_BUILDS_MAX, &v->build_work, err);
    r = r < 0 ? r : orl_work_new(v->loop, UPLOAD_WORKERS, UPLOADS_QUEUED, &v->upload_work, err);
    r = r < 0 ? r : open_persons(v, err);
    r = r < 0 ? r : open_reconcile(v, err);
    r = r < 0 ? r : open_template_jobs(v, err);
    r = r < 0 ? r : open_imports(v, err);
    r = r < 0 ? r : orl_timer_new(v->loop, on_timer, v, &v->timer, err);
    r = r < 0 ? r : orl_timer_new(v->loop, decide_accel, v, &v->accel_timer, err);
    r = r < 0 ? r : open_console(v, err);
    return r < 0 ? r : open_upload(v, err); /* by now no other vmpool has this folder */
}

int orl_vmpool_new(const struct orl_vmpool_cfg *cfg, struct orl_loop *loop,
        struct orl_vmpool **ret_vmpool, struct orl_err *err)
{
    struct orl_vmpool *v = calloc(1, sizeof *v);
    if (!v) {
        return orl_err_set(err, ORL_E_NOMEM, "vmpool");
    }
    v->cfg = cfg;
    v->loop = loop;
    pthread_mutex_init(&v->reboots_lock, NULL);
    int r = open_all(v, err);
    if (r < 0) {
        orl_vmpool_free(v);
        return r;
    }
    orl_timer_start(v->timer, 0, TICK_US);
    orl_timer_start(v->accel_timer, 0, 0);
    *ret_vmpool = v;
    return 0;
}

void orl_vmpool_free(struct orl_vmpool *v)
{
    if (!v) {
        return;
    }
    v->is_stopping = true;
    orl_timer_free(v->timer);
    orl_timer_free(v->accel_timer);
    orl_template_jobs_stop(v->template_jobs);
    orl_imports_stop(v->imports);
    orl_upload_sock_stop(v->upload);
    orl_work_free(v->upload_work);
    orl_work_free(v->import_work);
    orl_work_free(v->build_work);
    orl_work_free(v->check_work);
    orl_work_free(v->console_work);
    orl_work_free(v->person_work);
    orl_work_free(v->slow_work);
    orl_work_free(v->look_work);
    orl_work_free(v->observe_work);
    orl_work_free(v->end_work);
    orl_work_free(v->work);
    orl_console_sock_free(v->console);
    orl_reconcile_free(v->reconcile);
    orl_user_watch_free(v->users);
    orl_persons_free(v->persons);
    orl_template_jobs_free(v->template_jobs);
    orl_upload_sock_free(v->upload);
    orl_imports_free(v->imports);
    if (v->backend.ops) {
        orl_backend_libvirt_free(&v->backend);
    }
    orl_wake_free(v->wake);
    orl_store_close(v->store);
    orl_secret_wipe(&v->key, sizeof v->key);
    pthread_mutex_destroy(&v->reboots_lock);
    free(v);
}
