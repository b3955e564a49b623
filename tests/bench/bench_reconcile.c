/* What a pass of the reconciler costs while nothing happens: CPU and store queries, by how many desktops there are.
 *     oriel-bench-reconcile [PASSES]
 * The store is SQLite, in memory where there is /dev/shm; a hypervisor that only lists stands in for libvirt. Ends
 * with an error where queries grow with the number of desktops. */
#include "base/cleanup.h"
#include "store/desktop.h"
#include "store/pool.h"
#include "store/template.h"
#include "vmpool/reconcile.h"
#include "vmpool/vm_meta.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { POOLS = 10, START_MS = 1000000000, STEP_MS = 10000, FILES = 3 };

struct world {
    struct orl_store *store;
    struct orl_reconcile *reconcile;
    struct orl_backend backend;
    struct orl_vm_list model; /* what there is */
    struct orl_job *jobs[64];
    size_t job_count;
    uint64_t now_ms;
};
struct cost {
    double cpu_us; /* of a pass */
    double queries;
};

static uint64_t queries;

/* By the linker: every query of the store goes through here. */
struct orl_db_query;
void __real_orl_db_query_end(struct orl_db_query *q);
void __wrap_orl_db_query_end(struct orl_db_query *q);

void __wrap_orl_db_query_end(struct orl_db_query *q)
{
    queries++;
    __real_orl_db_query_end(q);
}

static void must(int r, const struct orl_err *err)
{
    if (r < 0) {
        (void)fprintf(stderr, "bench: %s\n", err->text[0] ? err->text : orl_err_name(r));
        abort();
    }
}

static double cpu_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int bench_list(void *self, struct orl_vm_list *ret_list, struct orl_err *err)
{
    const struct orl_vm_list *model = self;
    struct orl_vm_list list = {.vm_count = model->vm_count, .overlay_count = model->overlay_count};
    list.vms = malloc((list.vm_count + 1) * sizeof *list.vms);
    list.overlays = malloc((list.overlay_count + 1) * sizeof *list.overlays);
    if (!list.vms || !list.overlays) {
        return orl_err_set(err, ORL_E_NOMEM, "bench");
    }
    memcpy(list.vms, model->vms, list.vm_count * sizeof *list.vms);
    memcpy(list.overlays, model->overlays, list.overlay_count * sizeof *list.overlays);
    *ret_list = list;
    return 0;
}

static int bench_host(void *self, struct orl_vm_host *ret_host, struct orl_err *err)
{
    (void)self;
    (void)err;
    *ret_host = (struct orl_vm_host){
            .memory_mib = 1 << 20, .free_memory_mib = 1 << 19, .free_disk_mib = 1 << 20};
    return 0;
}

static int bench_network(void *self, enum orl_network_mode mode, const char *name,
        struct orl_vm_network *ret_network, struct orl_err *err)
{
    (void)self;
    (void)mode;
    (void)name;
    (void)err;
    memset(ret_network, 0, sizeof *ret_network);
    return 0;
}

static int submit(void *ctx, struct orl_job *job)
{
    struct world *w = ctx;
    if (w->job_count == sizeof w->jobs / sizeof w->jobs[0]) {
        return ORL_E_LIMIT;
    }
    w->jobs[w->job_count++] = job;
    return 0;
}

static void add_machine(struct world *w, const struct orl_desktop_row *row)
{
    struct orl_vm *vm = &w->model.vms[w->model.vm_count++];
    struct orl_vm_overlay *overlay = &w->model.overlays[w->model.overlay_count++];
    vm->state = ORL_VM_RUNNING;
    vm->meta.stamp_ms = 1;
    vm->meta.kind = row->kind == ORL_POOL_DEDICATED ? ORL_VM_DEDICATED : ORL_VM_FLOATING;
    (void)snprintf(vm->name, sizeof vm->name, "%s", row->domain);
    (void)snprintf(vm->uuid, sizeof vm->uuid, "%s", row->uuid);
    (void)snprintf(vm->meta.user, sizeof vm->meta.user, "%s", row->user);
    (void)snprintf(overlay->name, sizeof overlay->name, "%s", row->domain);
}

/* Every second pool is of people's own desktops; all of them run and are ready. */
static void add_desktop(struct world *w, unsigned number, struct orl_err *err)
{
    struct orl_id id;
    struct orl_desktop_row row = {.kind = number % 2 ? ORL_POOL_DEDICATED : ORL_POOL_FLOATING,
            .lease = number % 2 ? ORL_LEASE_ASSIGNED : ORL_LEASE_FREE,
            .power = ORL_POWER_RUNNING,
            .template_name = "t",
            .template_version = 1};
    orl_id_new(&id);
    orl_uuid_new(row.uuid);
    memcpy(row.id, id.text, sizeof id.text);
    (void)snprintf(row.pool, sizeof row.pool, "p%u", number % POOLS);
    (void)snprintf(row.host, sizeof row.host, "here");
    if (number % 2 != 0) {
        (void)snprintf(row.user, sizeof row.user, "u%u", number);
    }
    orl_vm_name(row.domain, row.id, 1);
    (void)snprintf(row.overlay, sizeof row.overlay, "/bench/%s.qcow2", row.domain);
    must(orl_desktop_insert(w->store, &row, "bench", START_MS, NULL, err), err);
    const struct orl_desktop_seen seen = {
            .id = row.id, .power = ORL_POWER_RUNNING, .is_ready = true};
    must(orl_desktop_observe(w->store, &seen, START_MS, err), err);
    add_machine(w, &row);
}

static void fill_store(struct world *w, unsigned count)
{
    struct orl_err err = {0};
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    struct orl_template_row t = {.name = "t",
            .version = 1,
            .kind = ORL_TEMPLATE_DISK,
            .path = "/bench/t",
            .memory_mib = 16,
            .vcpus = 1,
            .state = ORL_TEMPLATE_READY};
    must(orl_store_tx_begin(w->store, &tx, &err), &err);
    must(orl_template_insert(w->store, &t, START_MS, &err), &err);
    must(orl_template_observe(w->store, &t, &err), &err);
    for (unsigned i = 0; i < POOLS; i++) {
        struct orl_pool_row pool = {0};
        orl_pool_set_defaults(&pool, i % 2 ? ORL_POOL_DEDICATED : ORL_POOL_FLOATING);
        pool.kind = i % 2 ? ORL_POOL_DEDICATED : ORL_POOL_FLOATING;
        pool.spares = i % 2 ? 0 : count / POOLS;
        pool.max_desktops = count;
        (void)snprintf(pool.name, sizeof pool.name, "p%u", i);
        (void)snprintf(pool.template_name, sizeof pool.template_name, "t");
        must(orl_pool_insert(w->store, &pool, START_MS, &err), &err);
    }
    for (unsigned i = 0; i < count; i++) {
        add_desktop(w, i, &err);
    }
    must(orl_store_tx_commit(&tx, &err), &err);
}

/* One look at everything, and what it asks for; template checks find all as it was. */
static void pass(struct world *w)
{
    w->now_ms += STEP_MS;
    orl_reconcile_tick(w->reconcile, w->now_ms);
    while (w->job_count > 0) {
        struct orl_job *job = w->jobs[--w->job_count];
        if (job->kind == ORL_JOB_OBSERVE) {
            orl_job_run(job);
        } else if (job->kind != ORL_JOB_TEMPLATE) {
            (void)fprintf(stderr, "bench: not at rest: %s\n", orl_job_name(job->kind));
            abort();
        }
        orl_reconcile_done(w->reconcile, job, w->now_ms);
    }
}

static struct cost measure(const char *path, unsigned count, unsigned passes)
{
    static const struct orl_backend_ops ops = {
            .list = bench_list, .host = bench_host, .network = bench_network};
    static struct world w;
    struct orl_err err = {0};
    memset(&w, 0, sizeof w);
    w.now_ms = START_MS;
    w.model.vms = calloc(count + 1, sizeof *w.model.vms);
    w.model.overlays = calloc(count + 1, sizeof *w.model.overlays);
    w.backend = (struct orl_backend){.ops = &ops, .self = &w.model};
    must(w.model.vms && w.model.overlays ? 0 : ORL_E_NOMEM, &err);
    must(orl_store_open(path, &w.store, &err), &err);
    fill_store(&w, count);
    const struct orl_reconcile_cfg cfg = {.store = w.store,
            .backend = &w.backend,
            .host = "here",
            .uri = "bench:///",
            .images_dir = "/bench",
            .limits = {.max_in_flight = 4,
                    .max_attempts = 3,
                    .look_period_ms = 1000,
                    .ready_timeout_ms = 60000},
            .governor = {.starts_per_minute = 60, .burst = 1},
            .stable_ms = 1,
            .sweep_grace_ms = 60000,
            .plan = orl_pool_plan,
            .submit = submit,
            .ctx = &w};
    must(orl_reconcile_new(&cfg, &w.reconcile, &err), &err);
    orl_reconcile_set_accel(w.reconcile, ORL_VM_ACCEL_QEMU, "bench", NULL);
    pass(&w);
    uint64_t queries_before = queries;
    double before_us = cpu_us();
    for (unsigned i = 0; i < passes; i++) {
        pass(&w);
    }
    struct cost cost = {.cpu_us = (cpu_us() - before_us) / passes,
            .queries = (double)(queries - queries_before) / passes};
    orl_reconcile_free(w.reconcile);
    orl_store_close(w.store);
    orl_vm_list_fini(&w.model);
    return cost;
}

static struct cost measure_file(unsigned count, unsigned passes)
{
    static const char *const names[FILES] = {"oriel.db", "oriel.db-wal", "oriel.db-shm"};
    char dir[64];
    char path[96];
    (void)snprintf(dir, sizeof dir, "%s/oriel-bench-XXXXXX",
            access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(dir)) {
        abort();
    }
    (void)snprintf(path, sizeof path, "%s/%s", dir, names[0]);
    struct cost cost = measure(path, count, passes);
    for (size_t i = 0; i < FILES; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
    return cost;
}

int main(int argc, char **argv)
{
    static const unsigned counts[] = {100, 1000, 10000};
    enum { COUNTS = sizeof counts / sizeof counts[0] };
    struct cost costs[COUNTS];
    unsigned passes = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20;
    passes = passes > 0 ? passes : 1;
    (void)printf("| desktops | CPU of a pass, ms | per 1,000 desktops, ms | queries of a pass |\n"
                 "|---|---|---|---|\n");
    for (unsigned i = 0; i < COUNTS; i++) {
        /* The same number of desktops is looked at in each row. */
        costs[i] = measure_file(counts[i], passes * counts[COUNTS - 1] / counts[i]);
        (void)printf("| %u | %.2f | %.2f | %.1f |\n", counts[i], costs[i].cpu_us / 1e3,
                costs[i].cpu_us / counts[i], costs[i].queries);
        (void)fflush(stdout);
    }
    double ratio = costs[COUNTS - 1].cpu_us / counts[COUNTS - 1] / (costs[0].cpu_us / counts[0]);
    (void)printf("\nCPU per desktop at %u: %.2f times that at %u.\n", counts[COUNTS - 1], ratio,
            counts[0]);
    return costs[COUNTS - 1].queries > costs[0].queries + 0.5 ? EXIT_FAILURE : EXIT_SUCCESS;
}
