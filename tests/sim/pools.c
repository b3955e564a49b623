/* Both vmpools, the hypervisor they share, and what guests do by themselves. */
#include "base/loop.h"
#include "base/work.h"
#include "sim.h"
#include "vmpool/console_grants.h"
#include "vmpool/reconcile_priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IN_FLIGHT = 4, LATE_MS = 2000, HANG_MAX_MS = 90000 };

static enum sim_who owners[SIM_WHO_COUNT] = {SIM_CHECKER, SIM_BROKER, SIM_VMPOOL, SIM_STRANGER};

static struct sim_vmpool *vmpool_of(struct sim *sim, enum sim_who who)
{
    return who == SIM_VMPOOL ? &sim->ours : &sim->stranger;
}

static int submit(void *ctx, struct orl_job *job)
{
    struct sim *sim = sim_the;
    enum sim_who who = *(const enum sim_who *)ctx;
    if (!sim_may_send(sim, orl_job_name(job->kind)) || sim->job_count == SIM_JOBS) {
        return ORL_E_LIMIT;
    }
    struct sim_job *sent = &sim->jobs[sim->job_count++];
    *sent = (struct sim_job){.job = job, .owner = who};
    if (sim_one_in(sim, sim->rates.hang)) {
        unsigned ms = 1000 + sim_pick(sim, HANG_MAX_MS);
        sim_fault(sim, "%s hangs for %u ms", orl_job_name(job->kind), ms);
        sent->not_until = sim->now_ms + ms;
    }
    return 0;
}

static void on_change(void *ctx)
{
    (void)ctx; /* the broker looks at the store by itself, too */
}

static bool look_persons(void *ctx, const struct orl_rows *rows, uint64_t now_ms)
{
    (void)ctx;
    return orl_persons_look(sim_the->ours.persons, rows, now_ms);
}

static bool holds_person(void *ctx, const char *desktop)
{
    (void)ctx;
    return orl_persons_holds(sim_the->ours.persons, desktop);
}

static void poke(void *ctx)
{
    (void)ctx;
    sim_the->ours.is_poked = true;
}

static void open_persons(struct sim_vmpool *v, struct orl_store *store)
{
    int rc = orl_loop_new(&v->loop, NULL);
    rc = rc < 0 ? rc : orl_work_new(v->loop, 1, SIM_JOBS, &v->work, NULL);
    const struct orl_persons_cfg cfg = {.loop = v->loop,
            .work = v->work,
            .store = store,
            .backend = &v->backend,
            .images_dir = "/fake",
            .on_change = on_change,
            .kick = poke};
    if (rc < 0 || orl_persons_new(&cfg, &v->persons, NULL) < 0) {
        abort();
    }
}

void sim_start_vmpool(struct sim *sim, enum sim_who who)
{
    struct sim_vmpool *v = vmpool_of(sim, who);
    enum sim_who before = sim_enter(sim, who);
    sim_open_store(sim, who);
    if (!sim->processes[who].store) {
        sim->processes[who].is_dying = true;
        sim_leave(sim, before);
        return;
    }
    const struct orl_reconcile_cfg cfg = {.store = sim->processes[who].store,
            .backend = &v->backend,
            .host = "here",
            .uri = "fake:///",
            .images_dir = "/fake",
            .limits = fake_limits(IN_FLIGHT),
            .governor = {.starts_per_minute = 600, .burst = 10},
            .agent_settle_ms = 10000,
            .golden_settle_ms = 30000,
            .stable_ms = 100000,
            .sweep_grace_ms = 60000,
            .plan = orl_pool_plan,
            .look_persons = who == SIM_VMPOOL ? look_persons : NULL,
            .holds_person = who == SIM_VMPOOL ? holds_person : NULL,
            .submit = submit,
            .on_change = on_change,
            .ctx = &owners[who]};
    if (orl_reconcile_new(&cfg, &v->reconcile, NULL) < 0 ||
            orl_console_grants_new(&v->grants) < 0) {
        abort();
    }
    if (who == SIM_VMPOOL) {
        open_persons(v, cfg.store);
    }
    orl_reconcile_set_accel(v->reconcile, ORL_VM_ACCEL_QEMU, "fake", NULL);
    sim_note(sim, "starts");
    sim_leave(sim, before);
}

/* Calls that have reached the hypervisor may still be carried out, for a moment. */
void sim_bury_vmpool(struct sim *sim, enum sim_who who)
{
    struct sim_vmpool *v = vmpool_of(sim, who);
    size_t kept = 0;
    for (size_t i = 0; i < sim->job_count; i++) {
        struct sim_job job = sim->jobs[i];
        if (job.owner == who && !job.is_late) {
            if (job.has_run || sim_pick(sim, 2) == 0) {
                orl_job_free(job.job);
                continue;
            }
            job.is_late = true;
            job.not_until = sim->now_ms + LATE_MS;
        }
        sim->jobs[kept++] = job;
    }
    sim->job_count = kept;
    orl_reconcile_free(v->reconcile);
    if (who == SIM_VMPOOL) {
        sim_vmpool_is_gone(sim);
    }
    orl_work_free(v->work);
    orl_persons_free(v->persons);
    orl_loop_free(v->loop);
    v->work = NULL;
    v->persons = NULL;
    v->loop = NULL;
    orl_console_grants_free(v->grants);
    v->grants = NULL;
    v->reconcile = NULL;
    v->shift_ms = 0;
}

/* As vmpool does before it looks at anything: what it remembers moves with the clock. */
static uint64_t now_of(struct sim *sim, struct sim_vmpool *v)
{
    if (v->shift_ms != 0) {
        orl_reconcile_shift(v->reconcile, v->shift_ms);
        v->shift_ms = 0;
    }
    return sim_wall_ms(sim);
}

static void turn_loop(struct sim_vmpool *v)
{
    if (v->loop) {
        sim_loop_turn(v->loop);
    }
}

static void turn(struct sim *sim, enum sim_who who)
{
    struct sim_vmpool *v = vmpool_of(sim, who);
    if (sim->processes[who].is_running) {
        return;
    }
    if (!v->reconcile) {
        sim_start_vmpool(sim, who);
        return;
    }
    enum sim_who before = sim_enter(sim, who);
    uint64_t now_ms = now_of(sim, v);
    if (v->is_poked || now_ms >= orl_reconcile_next_ms(v->reconcile, now_ms)) {
        v->is_poked = false;
        orl_reconcile_tick(v->reconcile, now_ms);
    }
    turn_loop(v);
    sim_leave(sim, before);
}

void sim_vmpool_turn(struct sim *sim)
{
    turn(sim, SIM_VMPOOL);
}

void sim_stranger_turn(struct sim *sim)
{
    turn(sim, SIM_STRANGER);
}

static void forget(struct sim *sim, size_t index)
{
    sim->jobs[index] = sim->jobs[--sim->job_count];
}

/* vmpool waits for it no longer. */
static bool is_given_up(struct sim *sim, const struct sim_job *sent)
{
    const struct orl_reconcile *r = vmpool_of(sim, sent->owner)->reconcile;
    const struct orl_job *job = sent->job;
    size_t at = orl_name_index_find(&r->memo_index, ORL_NAME_KEYS(r->memos, key),
            orl_job_is_sweep(job->kind) ? job->spec.name : job->id);
    return at != ORL_NAME_INDEX_NONE && r->memos[at].job_tick != job->tick;
}

/* The hypervisor does it. Some answers are lost, some calls done twice: fake_backend.c. */
static void run_job(struct sim *sim, struct sim_job *sent)
{
    struct orl_job *job = sent->job;
    if (job->kind == ORL_JOB_TEMPLATE) {
        bool is_bad = strstr(job->template_row.path, "bad") != NULL;
        job->template_row.state = is_bad ? ORL_TEMPLATE_CORRUPT : ORL_TEMPLATE_READY;
        job->template_row.reason = is_bad ? ORL_REASON_TEMPLATE_CORRUPT : ORL_REASON_NONE;
    } else if (job->kind == ORL_JOB_REACH) {
        job->result = 0;
    } else {
        unsigned faults = sim->fake.injected;
        sim->fake.is_late = sent->is_late || is_given_up(sim, sent);
        sim->fake.installation = vmpool_of(sim, sent->owner)->installation;
        orl_job_run(job);
        /* Of a copy that runs its disk is not what it was copied from: a second time is another one. */
        bool may_repeat = job->kind != ORL_JOB_OBSERVE && job->kind != ORL_JOB_RESUME;
        if (may_repeat && !sim->is_calm && fake_random(&sim->fake, 100) < sim->fake.faults.twice) {
            sim_fault(sim, "%s is carried out twice", orl_job_name(job->kind));
            orl_job_run(job);
        }
        for (; faults < sim->fake.injected; faults++) {
            sim_fault(sim, "%s %.12s: %s", orl_job_name(job->kind), job->id, job->err.text);
        }
        sim->fake.is_late = false;
        sim->fake.installation = NULL;
    }
    sent->has_run = true;
    if (job->kind != ORL_JOB_OBSERVE && job->kind != ORL_JOB_LOOK && job->kind != ORL_JOB_REACH &&
            job->kind != ORL_JOB_TEMPLATE) {
        sim_note(sim, "%s%s %s %.12s %.12s: %d", sim->processes[sent->owner].name,
                sent->is_late ? " (dead)" : "", orl_job_name(job->kind), job->id, job->spec.uuid,
                job->result);
    }
}

void sim_job_turn(struct sim *sim)
{
    if (sim->job_count == 0) {
        return;
    }
    size_t index = sim_pick(sim, (unsigned)sim->job_count);
    struct sim_job *sent = &sim->jobs[index];
    enum sim_who owner = sent->owner;
    if (sent->is_late) {
        if (sim->now_ms <= sent->not_until) {
            run_job(sim, sent);
        }
        orl_job_free(sent->job);
        forget(sim, index);
        return;
    }
    if (sim->processes[owner].is_running || sim->now_ms < sent->not_until) {
        return;
    }
    if (!sent->has_run) {
        run_job(sim, sent);
        return;
    }
    struct orl_job *done = sent->job;
    forget(sim, index);
    enum sim_who before = sim_enter(sim, owner);
    struct sim_vmpool *v = vmpool_of(sim, owner);
    orl_reconcile_done(v->reconcile, done, now_of(sim, v));
    turn_loop(v);
    sim_leave(sim, before);
}

void sim_libvirt_goes_or_comes(struct sim *sim)
{
    if (sim->fake.is_down || sim_pick(sim, 4) == 0) {
        sim->fake.is_down = !sim->fake.is_down;
        sim_fault(sim, "libvirt is %s", sim->fake.is_down ? "down" : "back");
    }
}

static struct fake_vm *any_running(struct sim *sim)
{
    if (sim->fake.count == 0) {
        return NULL;
    }
    struct fake_vm *vm = &sim->fake.vms[sim_pick(sim, (unsigned)sim->fake.count)];
    return vm->is_defined && vm->vm.state == ORL_VM_RUNNING ? vm : NULL;
}

void sim_guest_dies(struct sim *sim)
{
    struct fake_vm *vm = any_running(sim);
    if (vm) {
        vm->vm.state = sim_pick(sim, 2) == 0 ? ORL_VM_CRASHED : ORL_VM_OFF;
        sim_fault(sim, "machine %s %s", vm->vm.name,
                vm->vm.state == ORL_VM_OFF ? "switches itself off" : "dies");
    }
}

/* The event comes, is lost, or comes twice. */
void sim_guest_reboots(struct sim *sim)
{
    struct fake_vm *vm = any_running(sim);
    if (!vm || !sim->ours.reconcile || sim->processes[SIM_VMPOOL].is_running) {
        return;
    }
    char uuid[ORL_UUID_LEN + 1];
    unsigned events = sim_pick(sim, 3);
    memcpy(uuid, vm->vm.uuid, sizeof uuid);
    fake_reboot(vm);
    sim_fault(sim, "machine %s reboots, %u events", vm->vm.name, events);
    for (unsigned i = 0; i < events && sim->ours.reconcile; i++) {
        enum sim_who before = sim_enter(sim, SIM_VMPOOL);
        orl_reconcile_rebooted(sim->ours.reconcile, uuid, now_of(sim, &sim->ours));
        sim_leave(sim, before);
    }
}

/* Another installation on the same libvirt: somebody comes and goes there, too. */
void sim_stranger_works(struct sim *sim)
{
    struct orl_session_row row = {.protocol = ORL_PROTOCOL_RDP, .conn = 1, .user = "guest"};
    struct orl_desktop_row desktop;
    struct orl_id id;
    uint64_t now_ms = sim_wall_ms(sim);
    enum sim_who before = sim_enter(sim, SIM_STRANGER);
    struct orl_store *store = sim->processes[SIM_STRANGER].store;
    (void)snprintf(row.pool, sizeof row.pool, "%s", sim_pool_names[SIM_FLOATING]);
    if (store && orl_session_find(store, row.user, row.pool, &row, NULL) == 0) {
        (void)!orl_session_end(store, row.id, ORL_REASON_LOGGED_OFF, "stranger", now_ms, NULL);
    } else if (store && orl_session_insert(store, &row, now_ms, now_ms, &id, NULL) == 0) {
        (void)!orl_session_claim(store, id.text, now_ms, &desktop, NULL);
    }
    sim_leave(sim, before);
}
