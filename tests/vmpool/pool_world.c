#include "pool_world.h"
#include "base/cleanup.h"
#include "store/pool.h"
#include "store/store_copy.h"
#include "store/template.h"
#include "tests/store/store_place.h"
#include "vmpool/pool_plan.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IN_FLIGHT = 3, GRACE_MS = 60000, SETTLE_STEPS = 6000, LEASE_MS = 3600000, NEWEST = 2 };

static const char *const pool_names[WORLD_POOLS] = {"floating", "dedicated"};
/* The plan's signature has no context; one world runs at a time. */
static enum world_bug plan_bug;

__attribute__((format(printf, 2, 3))) static void fail(struct world *w, const char *fmt, ...)
{
    if (w->fault[0]) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(w->fault, sizeof w->fault, fmt, args);
    va_end(args);
}

static bool is_given(enum orl_lease lease)
{
    return lease == ORL_LEASE_ASSIGNED || lease == ORL_LEASE_IN_USE ||
           lease == ORL_LEASE_DISCONNECTED;
}

static void mutate(
        struct orl_plan_input *in, struct orl_plan_pool *pools, struct orl_plan_desktop *desktops)
{
    for (size_t i = 0; i < in->pool_count && plan_bug == WORLD_BUG_OVER_MAX; i++) {
        pools[i].max_desktops += 2;
        pools[i].spares += 4;
    }
    for (size_t i = 0; i < in->pool_count && plan_bug == WORLD_BUG_IMPATIENT; i++) {
        pools[i].retry_ms = 0;
    }
    for (size_t i = 0; i < in->desktop_count; i++) {
        struct orl_plan_desktop *d = &desktops[i];
        if (plan_bug == WORLD_BUG_REUSE && d->lease == ORL_LEASE_ENDING &&
                d->power == ORL_POWER_STOPPED) {
            d->lease = ORL_LEASE_FREE;
            d->want = ORL_WANT_RUN;
        } else if (plan_bug == WORLD_BUG_ROBBERY && is_given(d->lease)) {
            d->lease = ORL_LEASE_ENDING;
        } else if (plan_bug == WORLD_BUG_IMPATIENT) {
            d->retry_ms = 0;
        }
    }
    if (plan_bug == WORLD_BUG_FLOOD) {
        in->limits.max_in_flight = 100;
    }
}

static void buggy_plan(const struct orl_plan_input *input, struct orl_plan *ret_plan,
        struct orl_plan_verdict *ret_verdicts)
{
    struct orl_plan_input in = *input;
    struct orl_plan_pool *pools = calloc(in.pool_count + 1, sizeof *pools);
    struct orl_plan_desktop *desktops = calloc(in.desktop_count + 1, sizeof *desktops);
    memcpy(pools, in.pools, in.pool_count * sizeof *pools);
    memcpy(desktops, in.desktops, in.desktop_count * sizeof *desktops);
    in.pools = pools;
    in.desktops = desktops;
    mutate(&in, pools, desktops);
    orl_pool_plan(&in, ret_plan, ret_verdicts);
    size_t kept = 0;
    for (size_t i = 0; i < ret_plan->count; i++) {
        const struct orl_plan_action *a = &ret_plan->actions[i];
        bool is_dropped = plan_bug == WORLD_BUG_STUCK && a->kind != ORL_PLAN_INSERT &&
                          desktops[a->subject].attempts > 0;
        if (!is_dropped) {
            ret_plan->actions[kept++] = *a;
        }
    }
    ret_plan->count = kept;
    free(pools);
    free(desktops);
}

/* A start is judged when it is sent: its desktop may end while it is under way. */
static void check_start(struct world *w, const struct orl_job *job)
{
    struct orl_desktop_row row;
    if (orl_desktop_get(w->store, job->id, &row, NULL) < 0) {
        fail(w, "start of %s, which no row knows", job->id);
    } else if (row.lease == ORL_LEASE_ENDING) {
        fail(w, "start of %s, which has ended", row.id);
    } else if (row.retry_ms > w->now_ms) {
        fail(w, "start of %s before its back-off is over", row.id);
    }
}

static int submit(void *ctx, struct orl_job *job)
{
    struct world *w = ctx;
    if (w->job_count == WORLD_JOBS) {
        return ORL_E_LIMIT;
    }
    if (job->kind == ORL_JOB_START) {
        check_start(w, job);
    }
    w->jobs[w->job_count++] = (struct world_job){.job = job};
    return 0;
}

struct by_uuid {
    const char *uuid;
    struct orl_desktop_row row;
    bool is_found;
};

static int match_uuid(void *ctx, const struct orl_desktop_row *row)
{
    struct by_uuid *by = ctx;
    if (strcmp(row->uuid, by->uuid) == 0) {
        by->row = *row;
        by->is_found = true;
    }
    return 0;
}

static bool row_of(struct world *w, const char *uuid, struct orl_desktop_row *ret_row)
{
    const struct orl_desktop_filter all = {0};
    struct by_uuid by = {.uuid = uuid};
    int r = orl_desktop_list(w->store, &all, match_uuid, &by, NULL);
    if (r == 0 && by.is_found) {
        *ret_row = by.row;
    }
    return r == 0 && by.is_found;
}

/* What a living vmpool may do to a machine, by its desktop's row. */
static void on_touch(void *ctx, const char *what, const char *uuid)
{
    struct world *w = ctx;
    struct orl_desktop_row row;
    if (!row_of(w, uuid, &row)) {
        return; /* the sweep's */
    }
    bool is_removal = strcmp(what, "remove") == 0 || strcmp(what, "clone") == 0;
    if (is_removal && is_given(row.lease)) {
        fail(w, "%s of %s, which is %s by %s", what, row.id, orl_lease_name(row.lease), row.user);
    }
    if (is_removal && row.kind == ORL_POOL_DEDICATED && row.is_tainted) {
        fail(w, "%s of a person's own desktop %s", what, row.id);
    }
    if (strcmp(what, "kill") == 0 && is_given(row.lease) && row.want != ORL_WANT_STOP &&
            row.power != ORL_POWER_FAILED && row.power != ORL_POWER_STOPPING) {
        fail(w, "kill of %s, which is %s", row.id, orl_lease_name(row.lease));
    }
}

static bool clock_ahead(void *ctx, int64_t *ret_ms)
{
    *ret_ms = ((const struct world *)ctx)->clock_ahead_ms;
    return true;
}

void world_start(struct world *w)
{
    const struct orl_reconcile_cfg cfg = {.store = w->store,
            .backend = &w->backend,
            .host = "here",
            .uri = "fake:///",
            .images_dir = "/fake",
            .limits = fake_limits(IN_FLIGHT),
            .governor = {.starts_per_minute = 60, .burst = 4},
            .agent_settle_ms = 10000,
            .golden_settle_ms = 600000,
            .stable_ms = 100000,
            .sweep_grace_ms = GRACE_MS,
            .plan = buggy_plan,
            .clock_ahead = clock_ahead,
            .submit = submit,
            .ctx = w};
    if (orl_reconcile_new(&cfg, &w->reconcile, NULL) < 0) {
        abort();
    }
    orl_reconcile_set_accel(w->reconcile, ORL_VM_ACCEL_QEMU, "fake", NULL);
}

static void must(int r, const struct orl_err *err)
{
    if (r < 0) {
        (void)fprintf(stderr, "world: %s\n", err ? err->text : "the store does not answer");
        abort();
    }
}

static void fill_store(struct world *w)
{
    struct orl_err err = {0};
    struct orl_template_row t = {.name = "t",
            .kind = ORL_TEMPLATE_DISK,
            .path = "/fake/template.qcow2",
            .memory_mib = 512,
            .vcpus = 1};
    must(orl_template_insert(w->store, &t, w->now_ms, &err), &err);
    t.version = 1;
    t.state = ORL_TEMPLATE_READY;
    must(orl_template_observe(w->store, &t, &err), &err);
    must(orl_template_add_version(w->store, &t, w->now_ms, &t.version, &err), &err);
    must(orl_template_observe(w->store, &t, &err), &err);
    for (size_t i = 0; i < WORLD_POOLS; i++) {
        w->max[i] = i == 0 ? 5 : 4;
        struct orl_pool_row pool = {.kind = i == 0 ? ORL_POOL_FLOATING : ORL_POOL_DEDICATED,
                .template_name = "t",
                .spares = i == 0 ? 2 : 1,
                .max_desktops = w->max[i],
                .clone_method = w->has_golden && i == 0 ? ORL_CLONE_AUTO : ORL_CLONE_COLD,
                .disconnect_timeout_s = 30};
        (void)snprintf(pool.name, sizeof pool.name, "%s", pool_names[i]);
        must(orl_pool_insert(w->store, &pool, w->now_ms, &err), &err);
    }
}

static void open_world(struct world *w, uint64_t seed, enum world_bug bug, bool has_golden)
{
    struct orl_err err = {0};
    char path[96];
    memset(w, 0, sizeof *w);
    w->seed = seed;
    w->bug = bug;
    w->has_golden = has_golden;
    plan_bug = bug;
    w->now_ms = 1000000;
    w->seen = calloc(WORLD_SEEN, sizeof *w->seen);
    fake_init(&w->fake, seed);
    w->fake.faults = (struct fake_faults){
            .fail_before = 6, .fail_after = 4, .half = 4, .twice = 4, .no_boot = 4};
    w->fake.swallows_removal = bug == WORLD_BUG_LEAK;
    w->fake.on_touch = on_touch;
    w->fake.ctx = w;
    w->backend = fake_backend(&w->fake);
    (void)snprintf(w->dir, sizeof w->dir, "%s/oriel-world-XXXXXX",
            access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(w->dir) || !w->seen) {
        abort();
    }
    (void)snprintf(path, sizeof path, "%s/oriel.db", w->dir);
    store_place(path, w->target);
    must(orl_store_open(w->target, &w->store, &err), &err);
    fill_store(w);
    world_start(w);
}

void world_open(struct world *w, uint64_t seed, enum world_bug bug)
{
    open_world(w, seed, bug, false);
}

void world_open_golden(struct world *w, uint64_t seed)
{
    open_world(w, seed, WORLD_SOUND, true);
}

static void drop_jobs(struct world *w)
{
    for (size_t i = 0; i < w->job_count; i++) {
        orl_job_free(w->jobs[i].job);
    }
    w->job_count = 0;
}

void world_close(struct world *w)
{
    static const char *const files[] = {
            "oriel.db", "oriel.db-wal", "oriel.db-shm", "oriel.db.before"};
    drop_jobs(w);
    orl_reconcile_free(w->reconcile);
    orl_store_close(w->store);
    store_place_remove(w->target);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[96];
        (void)snprintf(path, sizeof path, "%s/%s", w->dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(w->dir);
    free(w->seen);
}

void world_restart(struct world *w)
{
    drop_jobs(w);
    orl_reconcile_free(w->reconcile);
    world_start(w);
}

void world_restore(struct world *w, const char *file)
{
    struct orl_err err = {0};
    drop_jobs(w);
    orl_reconcile_free(w->reconcile);
    orl_store_close(w->store);
    must(orl_store_restore(file, w->target, NULL, &err), &err);
    must(orl_store_open(w->target, &w->store, &err), &err);
    world_start(w);
}

static unsigned pick(struct world *w, unsigned below)
{
    return fake_random(&w->fake, below);
}

static void judge_template(const struct world *w, struct orl_template_row *t)
{
    t->state = w->templates[t->version] ? w->templates[t->version] : ORL_TEMPLATE_READY;
    t->reason = t->state == ORL_TEMPLATE_READY     ? ORL_REASON_NONE
                : t->state == ORL_TEMPLATE_MISSING ? ORL_REASON_TEMPLATE_MISSING
                                                   : ORL_REASON_TEMPLATE_CORRUPT;
    (void)snprintf(t->reason_text, sizeof t->reason_text, "%s",
            t->reason ? "its file is not what it was" : "");
}

static void run_job(struct world *w, struct world_job *job)
{
    if (job->job->kind == ORL_JOB_TEMPLATE) {
        judge_template(w, &job->job->template_row);
    } else {
        w->fake.is_late = job->is_late || job->is_hung;
        orl_job_run(job->job);
        /* A call that is carried out twice, as after a lost answer. */
        if (job->job->kind != ORL_JOB_OBSERVE && job->job->kind != ORL_JOB_RESUME &&
                pick(w, 100) < w->fake.faults.twice) {
            orl_job_run(job->job);
        }
        w->fake.is_late = false;
    }
    job->has_run = true;
}

static void forget_job(struct world *w, size_t index)
{
    w->jobs[index] = w->jobs[--w->job_count];
}

static void advance_job(struct world *w)
{
    if (w->job_count == 0) {
        return;
    }
    size_t index = pick(w, (unsigned)w->job_count);
    struct world_job *job = &w->jobs[index];
    if (w->parks == job->job->kind && !job->has_run) {
        return;
    }
    if (w->hangs == job->job->kind && (job->is_hung || w->hang_max > 0)) {
        w->hang_max -= !job->is_hung;
        job->is_hung = true;
        atomic_store(&job->job->has_begun, true);
        return;
    }
    if (!job->has_run) {
        run_job(w, job);
        if (job->is_late) {
            orl_job_free(job->job);
            forget_job(w, index);
        }
        return;
    }
    struct orl_job *done = job->job;
    forget_job(w, index);
    orl_reconcile_done(w->reconcile, done, w->now_ms);
}

/* SIGKILL: what it knew is gone; calls that reached the hypervisor may still be carried out. */
static void kill_vmpool(struct world *w)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->job_count; i++) {
        struct world_job job = w->jobs[i];
        if (job.has_run || pick(w, 2) == 0) {
            orl_job_free(job.job);
        } else {
            job.is_late = true;
            w->jobs[kept++] = job;
        }
    }
    w->job_count = kept;
    orl_reconcile_free(w->reconcile);
    world_start(w);
    w->kills++;
}

static void guest_event(struct world *w)
{
    if (w->fake.count == 0) {
        return;
    }
    struct fake_vm *vm = &w->fake.vms[pick(w, (unsigned)w->fake.count)];
    if (vm->is_defined && vm->vm.state == ORL_VM_RUNNING) {
        unsigned what = pick(w, 3);
        if (what == 2) {
            fake_reboot(vm);
            orl_reconcile_rebooted(w->reconcile, vm->vm.uuid, w->now_ms);
        } else {
            vm->vm.state = what == 0 ? ORL_VM_OFF : ORL_VM_CRASHED;
        }
    }
}

static void admin_event(struct world *w)
{
    size_t pool = pick(w, WORLD_POOLS);
    struct orl_pool_row row;
    if (orl_pool_get(w->store, pool_names[pool], &row, NULL) < 0) {
        return;
    }
    row.spares = pick(w, 4);
    row.spares_suspended = pick(w, 3);
    row.template_version = pick(w, NEWEST + 1);
    row.max_desktops = 3 + pick(w, 4);
    row.is_maintenance = pick(w, 5) == 0;
    if (orl_pool_update(w->store, &row, NULL) == 0) {
        w->max[pool] = row.max_desktops;
    }
}

static void user_begins(struct world *w, size_t pool, size_t user)
{
    struct orl_session_row row = {.protocol = ORL_PROTOCOL_RDP, .conn = 1};
    struct orl_id id;
    (void)snprintf(row.user, sizeof row.user, "u%zu", user);
    (void)snprintf(row.pool, sizeof row.pool, "%s", pool_names[pool]);
    if (orl_session_insert(w->store, &row, w->now_ms + LEASE_MS, w->now_ms, &id, NULL) == 0) {
        memcpy(w->sessions[pool][user], id.text, sizeof id.text);
    }
}

static void user_goes_on(struct world *w, size_t pool, size_t user, bool is_leaving)
{
    char *id = w->sessions[pool][user];
    struct orl_session_row row;
    struct orl_desktop_row desktop;
    int r = orl_session_get(w->store, id, &row, NULL);
    if (r < 0 || row.state == ORL_SESSION_ENDED) {
        id[0] = '\0';
        return;
    }
    if (is_leaving) {
        r = orl_session_end(w->store, id, ORL_REASON_LOGGED_OFF, "test", w->now_ms, NULL);
    } else if (row.desktop[0] == '\0') {
        r = orl_session_claim(w->store, id, w->now_ms, &desktop, NULL);
        w->given += r == 0;
    } else if (row.state != ORL_SESSION_ACTIVE) {
        r = orl_session_activate(w->store, id, w->now_ms + LEASE_MS, w->now_ms, NULL);
    } else if (pick(w, 3) == 0) {
        r = orl_session_disconnect(w->store, id, 0, ORL_REASON_CLIENT_CLOSED, w->now_ms, NULL);
    }
    if (r < 0 && r != ORL_E_NOTFOUND && r != ORL_E_CONFLICT) {
        fail(w, "a session's step failed: %s", orl_err_name(r));
    }
}

static void user_event(struct world *w)
{
    size_t pool = pick(w, WORLD_POOLS);
    size_t user = pick(w, WORLD_USERS);
    if (w->sessions[pool][user][0] == '\0') {
        user_begins(w, pool, user);
    } else {
        user_goes_on(w, pool, user, pick(w, 5) == 0);
    }
}

/* What the broker does when it looks: a machine that is off ends its session. */
static void broker_looks(struct world *w)
{
    if (orl_session_reap(w->store, 10, w->now_ms, NULL) < 0) {
        fail(w, "reap failed");
    }
    for (size_t p = 0; p < WORLD_POOLS; p++) {
        for (size_t u = 0; u < WORLD_USERS; u++) {
            struct orl_session_row row;
            struct orl_desktop_row desktop;
            if (w->sessions[p][u][0] &&
                    orl_session_get(w->store, w->sessions[p][u], &row, NULL) == 0 &&
                    row.desktop[0] && row.state != ORL_SESSION_ENDED &&
                    orl_desktop_get(w->store, row.desktop, &desktop, NULL) == 0 &&
                    (desktop.power == ORL_POWER_FAILED ||
                            (desktop.power == ORL_POWER_STOPPED &&
                                    row.state != ORL_SESSION_WAITING))) {
                user_goes_on(w, p, u, true);
            }
        }
    }
}

static struct world_seen *seen_of(struct world *w, const char *id)
{
    for (size_t i = w->seen_count; i-- > 0;) {
        if (strcmp(w->seen[i].id, id) == 0) {
            return &w->seen[i];
        }
    }
    if (w->seen_count == WORLD_SEEN) {
        abort();
    }
    struct world_seen *seen = &w->seen[w->seen_count++];
    memset(seen, 0, sizeof *seen);
    (void)snprintf(seen->id, sizeof seen->id, "%s", id);
    return seen;
}

struct checking {
    struct world *w;
    uint32_t rows[WORLD_POOLS];
};

static int check_row(void *ctx, const struct orl_desktop_row *row)
{
    struct checking *checking = ctx;
    struct world *w = checking->w;
    struct world_seen *seen = seen_of(w, row->id);
    checking->rows[row->kind == ORL_POOL_FLOATING ? 0 : 1]++;
    if (is_given(row->lease)) {
        if (seen->user[0] && strcmp(seen->user, row->user) != 0) {
            fail(w, "desktop %s was %s's and is given to %s", row->id, seen->user, row->user);
        }
        (void)snprintf(seen->user, sizeof seen->user, "%.15s", row->user);
    }
    if (row->golden[0] && row->is_ready && !row->is_instant) {
        fail(w, "desktop %s is ready as what it was copied from", row->id);
    }
    if (row->kind == ORL_POOL_FLOATING) {
        if (seen->has_ended && row->lease != ORL_LEASE_ENDING) {
            fail(w, "desktop %s had ended and is %s", row->id, orl_lease_name(row->lease));
        }
        if (row->lease == ORL_LEASE_ENDING && !seen->has_ended) {
            seen->has_ended = true;
            w->recycled += seen->user[0] != '\0';
        }
    }
    return 0;
}

static int match_golden(void *ctx, const struct orl_golden_row *row)
{
    return strcmp(row->id, ctx) == 0;
}

static void check_golden(struct world *w, struct fake_vm *vm)
{
    char id[ORL_ID_LEN + 1];
    (void)snprintf(id, sizeof id, "%s", vm->vm.meta.desktop);
    if (!vm->is_late && orl_golden_rows(w->store, NULL, NULL, match_golden, id, NULL) != 1) {
        fail(w, "golden image %s has leaked: no row knows it", id);
    }
}

static void check(struct world *w)
{
    const struct orl_desktop_filter all = {0};
    struct checking checking = {.w = w};
    struct orl_desktop_row row;
    if (orl_desktop_list(w->store, &all, check_row, &checking, NULL) < 0) {
        fail(w, "the store can't be listed");
    }
    for (size_t i = 0; i < WORLD_POOLS; i++) {
        if (checking.rows[i] > w->rows[i] && checking.rows[i] > w->max[i]) {
            fail(w, "pool %s grew to %u, its maximum is %u", pool_names[i], checking.rows[i],
                    w->max[i]);
        }
        w->rows[i] = checking.rows[i];
    }
    for (size_t i = 0; i < w->fake.count; i++) {
        if (w->fake.vms[i].vm.meta.kind == ORL_VM_GOLDEN) {
            check_golden(w, &w->fake.vms[i]);
        } else if (!w->fake.vms[i].is_late && !row_of(w, w->fake.vms[i].vm.uuid, &row)) {
            fail(w, "machine %s has leaked: no row knows it", w->fake.vms[i].vm.name);
        }
    }
    if (w->fake.resumed_again > 0) {
        fail(w, "a copy was begun again on a disk that was written to");
    }
    unsigned heavy = 0;
    for (size_t i = 0; i < w->job_count; i++) {
        enum orl_job_kind kind = w->jobs[i].job->kind;
        heavy += !w->jobs[i].is_late && !w->jobs[i].is_hung &&
                 (kind == ORL_JOB_CLONE || kind == ORL_JOB_START || kind == ORL_JOB_STOP ||
                         kind == ORL_JOB_KILL || kind == ORL_JOB_DELETE);
    }
    if (heavy > IN_FLIGHT) {
        fail(w, "%u actions are in flight, the limit is %d", heavy, IN_FLIGHT);
    }
}

bool world_step(struct world *w)
{
    unsigned what = pick(w, 100);
    w->step++;
    w->now_ms += pick(w, 1500);
    if (what < 25) {
        orl_reconcile_tick(w->reconcile, w->now_ms);
    } else if (what < 75) {
        advance_job(w);
    } else if (what < 92) {
        user_event(w);
    } else if (what < 94) {
        guest_event(w);
    } else if (what < 97) {
        broker_looks(w);
    } else if (what < 98) {
        kill_vmpool(w);
    } else if (what < 99) {
        w->fake.is_down = !w->fake.is_down && pick(w, 3) == 0;
    } else {
        admin_event(w);
    }
    check(w);
    return w->fault[0] == '\0';
}

struct settled {
    struct world *w;
    uint32_t version[WORLD_POOLS];
    uint32_t ready[WORLD_POOLS], asleep[WORLD_POOLS], given[WORLD_POOLS], other[WORLD_POOLS];
};

static int count_row(void *ctx, const struct orl_desktop_row *row)
{
    struct settled *settled = ctx;
    size_t pool = row->kind == ORL_POOL_FLOATING ? 0 : 1;
    bool is_current =
            row->lease == ORL_LEASE_FREE && row->template_version == settled->version[pool];
    bool is_spare = is_current && row->power == ORL_POWER_RUNNING && row->is_ready;
    bool is_asleep = is_current && row->power == ORL_POWER_SUSPENDED;
    bool is_kept = row->lease == ORL_LEASE_ASSIGNED && row->kind == ORL_POOL_DEDICATED &&
                   row->power == ORL_POWER_STOPPED;
    settled->ready[pool] += is_spare;
    settled->asleep[pool] += is_asleep;
    settled->given[pool] += is_kept;
    settled->other[pool] += !is_spare && !is_asleep && !is_kept;
    if (!is_spare && !is_asleep && !is_kept) {
        (void)snprintf(settled->w->odd, sizeof settled->w->odd,
                "%.12s %s %s v%u want %s attempts %u ready %d retry in %lld ms", row->id,
                orl_lease_name(row->lease), orl_power_name(row->power), row->template_version,
                orl_want_name(row->want), row->attempts, row->is_ready,
                (long long)row->retry_ms - (long long)settled->w->now_ms);
    }
    return 0;
}

/* Empty when all is as the administrator wants it; else the first thing that is not. */
static void judge(struct world *w, char *ret_text, size_t size)
{
    const struct orl_desktop_filter all = {0};
    struct settled s = {.w = w};
    uint32_t rows = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < WORLD_POOLS; i++) {
        struct orl_pool_row pool = {0};
        must(orl_pool_get(w->store, pool_names[i], &pool, NULL), NULL);
        s.version[i] = pool.template_version ? pool.template_version : NEWEST;
    }
    if (orl_desktop_list(w->store, &all, count_row, &s, NULL) < 0) {
        (void)snprintf(ret_text, size, "the store can't be listed");
    }
    for (size_t i = 0; i < WORLD_POOLS; i++) {
        struct orl_pool_row pool;
        if (orl_pool_get(w->store, pool_names[i], &pool, NULL) < 0) {
            continue;
        }
        uint32_t room = pool.max_desktops > s.given[i] ? pool.max_desktops - s.given[i] : 0;
        uint32_t wanted = pool.spares < room ? pool.spares : room;
        room -= wanted;
        uint32_t asleep = pool.spares_suspended < room ? pool.spares_suspended : room;
        if (s.other[i] > 0 || s.ready[i] != wanted || s.asleep[i] != asleep) {
            (void)snprintf(ret_text, size,
                    "pool %s: %u ready of %u, %u asleep of %u, %u kept, %u others", pool_names[i],
                    s.ready[i], wanted, s.asleep[i], asleep, s.given[i], s.other[i]);
        }
        rows += s.given[i] + s.ready[i] + s.asleep[i];
    }
    uint32_t machines = 0;
    for (size_t i = 0; i < w->fake.count; i++) {
        machines += w->fake.vms[i].vm.meta.kind != ORL_VM_GOLDEN;
    }
    if (!ret_text[0] && machines != rows) {
        (void)snprintf(ret_text, size, "%u machines for %u rows", machines, rows);
    }
}

static void everybody_leaves(struct world *w)
{
    for (size_t p = 0; p < WORLD_POOLS; p++) {
        struct orl_pool_row row;
        for (size_t u = 0; u < WORLD_USERS; u++) {
            if (w->sessions[p][u][0]) {
                user_goes_on(w, p, u, true);
            }
        }
        if (orl_pool_get(w->store, pool_names[p], &row, NULL) == 0 && row.is_maintenance) {
            row.is_maintenance = false;
            if (orl_pool_update(w->store, &row, NULL) < 0) {
                fail(w, "the pool can't be updated");
            }
        }
    }
}

bool world_settle(struct world *w)
{
    char text[200] = "";
    w->fake.faults = (struct fake_faults){0};
    w->fake.is_down = false;
    for (unsigned i = 0; i < SETTLE_STEPS && !w->fault[0]; i++) {
        w->now_ms += 1000;
        if (i % 4 == 0) {
            everybody_leaves(w);
            orl_reconcile_tick(w->reconcile, w->now_ms);
        }
        advance_job(w);
        check(w);
        if (i % 50 == 49) {
            judge(w, text, sizeof text);
            if (!text[0] && !w->fault[0]) {
                return true;
            }
        }
    }
    fail(w, "does not settle: %s (%s)", text, w->odd);
    return false;
}

void world_calm(struct world *w, unsigned seconds)
{
    world_calm_in_steps(w, seconds, 1000);
}

void world_calm_in_steps(struct world *w, unsigned steps, unsigned step_ms)
{
    w->fake.faults = (struct fake_faults){0};
    for (unsigned i = 0; i < steps; i++) {
        w->now_ms += step_ms;
        orl_reconcile_tick(w->reconcile, w->now_ms);
        for (unsigned turn = 0; turn < 2 * WORLD_JOBS && w->job_count > 0; turn++) {
            advance_job(w);
        }
        check(w);
    }
}

int world_give(struct world *w, const char *user, struct orl_desktop_row *ret_desktop)
{
    struct orl_session_row session = {.pool = "floating", .conn = 1};
    struct orl_id id;
    session.protocol = ORL_PROTOCOL_RDP;
    (void)snprintf(session.user, sizeof session.user, "%s", user);
    uint64_t until_ms = w->now_ms + 9999999;
    int r = orl_session_insert(w->store, &session, until_ms, w->now_ms, &id, NULL);
    r = r < 0 ? r : orl_session_claim(w->store, id.text, w->now_ms, ret_desktop, NULL);
    return r < 0 ? r : orl_session_activate(w->store, id.text, until_ms, w->now_ms, NULL);
}

int world_setup(void **state)
{
    enum { SETTLED_S = 60 };
    struct world *w = calloc(1, sizeof *w);
    if (!w) {
        return -1;
    }
    world_open(w, 1, WORLD_SOUND);
    world_calm(w, SETTLED_S);
    *state = w;
    return w->fault[0] ? -1 : 0;
}

int world_teardown(void **state)
{
    world_close(*state);
    free(*state);
    return 0;
}
