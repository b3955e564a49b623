/* What a desktop costs broker, vmpool and database while nothing changes, with few and with many:
 *     oriel-bench-scale [SECONDS [DESKTOPS ...]]
 * The real broker on its real clock, with a gateway that reports each session every ten seconds; the real reconciler on
 * a hypervisor whose machines all run, once a second. With ORIEL_TEST_PG the store is PostgreSQL's
 * (tests/store/with_postgres). Half of the desktops are in use, half wait. */
#include "base/clock.h"
#include "base/ipc.h"
#include "base/log.h"
#include "broker/broker.h"
#include "broker/gateway_sock.h"
#include "store/desktop.h"
#include "store/pool.h"
#include "store/session.h"
#include "store/store_priv.h"
#include "store/template.h"
#include "vmpool/reconcile.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PER_POOL = 100, REPORT_S = 10, SLICES_PER_S = 10, SIZES_MAX = 8, PATIENCE_S = 300 };

struct cost {
    double broker_ms, vmpool_ms, database_ms;
    double broker_queries, vmpool_queries;
};
struct bench {
    unsigned desktops;
    unsigned seconds;
    char dir[64];
    char target[300];
    struct orl_store *store; /* vmpool's */
    struct orl_vm *vms;
    struct orl_vm_overlay *overlays;
    char (*sessions)[ORL_ID_LEN + 1];
    struct orl_job *job;
    double list_ms; /* the fake hypervisor's own */
    struct orl_loop *loop;
    struct orl_timer *timer;
    int gateway;
    struct orl_broker *broker;
    unsigned next, slices, end_slice;
    struct cost cost;
};

static void must(int rc, const struct orl_err *err)
{
    if (rc < 0) {
        (void)fprintf(stderr, "oriel-bench-scale: %s\n", err->text);
        _exit(1);
    }
}

static double cpu_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* utime and stime of one process whose parent is `parent`; 0 for another. */
static double child_ms(const char *pid, long parent)
{
    char path[300];
    char line[1024] = "";
    (void)snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    (void)!fgets(line, sizeof(line), file);
    (void)fclose(file);
    const char *after = strrchr(line, ')');
    long ppid = 0;
    unsigned long user = 0;
    unsigned long system = 0;
    if (after == NULL ||
            sscanf(after + 1, " %*c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &ppid, &user,
                    &system) != 3 ||
            ppid != parent) {
        return 0;
    }
    return (double)(user + system) * 1000.0 / (double)sysconf(_SC_CLK_TCK);
}

static double database_ms(void)
{
    const char *folder = getenv("ORIEL_TEST_PG_FOLDER");
    char path[300];
    char line[32] = "";
    double sum = 0;
    if (folder == NULL) {
        return 0;
    }
    (void)snprintf(path, sizeof(path), "%s/data/postmaster.pid", folder);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    (void)!fgets(line, sizeof(line), file);
    (void)fclose(file);
    long server = strtol(line, NULL, 10);
    DIR *proc = opendir("/proc");
    for (struct dirent *e = proc ? readdir(proc) : NULL; e != NULL; e = readdir(proc)) {
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9') {
            sum += child_ms(e->d_name, server);
        }
    }
    if (proc != NULL) {
        (void)closedir(proc);
    }
    return sum;
}

static void fill_pool(struct bench *b, unsigned number, uint64_t now_ms)
{
    struct orl_err err = {0};
    struct orl_pool_row pool = {0};
    orl_pool_set_defaults(&pool, ORL_POOL_FLOATING);
    pool.kind = ORL_POOL_FLOATING;
    (void)snprintf(pool.template_name, sizeof(pool.template_name), "t");
    pool.spares = PER_POOL / 2;
    pool.max_desktops = PER_POOL;
    (void)snprintf(pool.name, sizeof(pool.name), "pool-%u", number);
    must(orl_pool_insert(b->store, &pool, now_ms, &err), &err);
}

static void fill_desktop(struct bench *b, unsigned i, uint64_t now_ms)
{
    struct orl_err err = {0};
    struct orl_id id;
    struct orl_desktop_row row = {.lease = ORL_LEASE_FREE,
            .power = ORL_POWER_RUNNING,
            .is_ready = true,
            .host = "here",
            .template_version = 1};
    struct orl_vm *vm = &b->vms[i];
    orl_id_new(&id);
    memcpy(row.id, id.text, sizeof(row.id));
    (void)snprintf(row.template_name, sizeof(row.template_name), "t");
    (void)snprintf(row.pool, sizeof(row.pool), "pool-%u", i / PER_POOL);
    orl_uuid_new(row.uuid);
    (void)snprintf(row.domain, sizeof(row.domain), "oriel-%s-1", row.id);
    (void)snprintf(row.overlay, sizeof(row.overlay), "/fake/%s-1.qcow2", row.id);
    must(orl_desktop_insert(b->store, &row, "vmpool", now_ms, NULL, &err), &err);
    (void)snprintf(vm->name, sizeof(vm->name), "%s", row.domain);
    memcpy(vm->uuid, row.uuid, sizeof(vm->uuid));
    vm->state = ORL_VM_RUNNING;
    memcpy(vm->meta.desktop, row.id, sizeof(vm->meta.desktop));
    (void)snprintf(vm->meta.pool, sizeof(vm->meta.pool), "%s", row.pool);
    (void)snprintf(vm->meta.installation, sizeof(vm->meta.installation), "%s",
            orl_store_installation(b->store));
    vm->meta.kind = ORL_VM_FLOATING;
    vm->meta.version = 1;
    vm->meta.stamp_ms = now_ms;
    orl_msg_text(b->overlays[i].path, sizeof(b->overlays[i].path), row.overlay);
    orl_msg_text(b->overlays[i].name, sizeof(b->overlays[i].name), row.domain);
    b->overlays[i].kind = ORL_VM_FLOATING;
    b->overlays[i].changed_ms = now_ms;
}

static void fill_session(struct bench *b, unsigned i, uint64_t now_ms)
{
    struct orl_err err = {0};
    struct orl_id id;
    struct orl_desktop_row desktop;
    struct orl_session_row row = {.protocol = ORL_PROTOCOL_RDP, .conn = i + 1};
    uint64_t until_ms = now_ms + 3600000;
    (void)snprintf(row.user, sizeof(row.user), "person-%u", i);
    (void)snprintf(row.pool, sizeof(row.pool), "pool-%u", i / (PER_POOL / 2));
    (void)snprintf(row.client, sizeof(row.client), "192.0.2.7:%u", i % 60000 + 1);
    (void)snprintf(row.gateway, sizeof(row.gateway), "gw-%u-%d", (unsigned)getuid(), (int)getpid());
    must(orl_session_insert(b->store, &row, until_ms, now_ms, &id, &err), &err);
    must(orl_session_claim(b->store, id.text, now_ms, &desktop, &err), &err);
    must(orl_session_activate(b->store, id.text, until_ms, now_ms, &err), &err);
    memcpy(b->sessions[i], id.text, sizeof(b->sessions[i]));
}

/* What the broker changed is what vmpool knows by a mark on the machine. */
static int note_user(void *ctx, const struct orl_desktop_row *row)
{
    struct bench *b = ctx;
    for (unsigned i = 0; row->user[0] != '\0' && i < b->desktops; i++) {
        if (strcmp(b->vms[i].meta.desktop, row->id) == 0) {
            (void)snprintf(b->vms[i].meta.user, sizeof(b->vms[i].meta.user), "%s", row->user);
            return 0;
        }
    }
    return 0;
}

/* In bites, with what a day's autovacuum would know by then. */
static void fill_many(struct bench *b, unsigned count,
        void (*fill_one)(struct bench *b, unsigned i, uint64_t now_ms), uint64_t now_ms)
{
    struct orl_err err = {0};
    for (unsigned i = 0; i < count;) {
        struct orl_store_tx tx = {0};
        must(orl_store_tx_begin(b->store, &tx, &err), &err);
        for (unsigned end = i + PER_POOL < count ? i + PER_POOL : count; i < end; i++) {
            fill_one(b, i, now_ms);
        }
        must(orl_store_tx_commit(&tx, &err), &err);
        if (orl_db_kind(b->store->db) == ORL_DB_POSTGRES && i % (10 * PER_POOL) == PER_POOL) {
            must(orl_db_exec(b->store->db, "ANALYZE desktop, session, ticket, audit", &err), &err);
        }
    }
}

static void fill(struct bench *b)
{
    struct orl_err err = {0};
    uint64_t now_ms = orl_clock_wall_ms();
    struct orl_template_row t = {.name = "t",
            .kind = ORL_TEMPLATE_DISK,
            .path = "/fake/template.qcow2",
            .memory_mib = 512,
            .vcpus = 1};
    must(orl_template_insert(b->store, &t, now_ms, &err), &err);
    t.version = 1;
    t.state = ORL_TEMPLATE_READY;
    must(orl_template_observe(b->store, &t, &err), &err);
    for (unsigned i = 0; i < b->desktops / PER_POOL; i++) {
        fill_pool(b, i, now_ms);
    }
    fill_many(b, b->desktops, fill_desktop, now_ms);
    fill_many(b, b->desktops / 2, fill_session, now_ms);
    must(orl_desktop_list(b->store, NULL, note_user, b, &err), &err);
}

static int list_all(void *self, struct orl_vm_list *ret_list, struct orl_err *err)
{
    struct bench *b = self;
    double before_ms = cpu_ms();
    (void)err;
    *ret_list = (struct orl_vm_list){.vms = calloc(b->desktops, sizeof(*b->vms)),
            .vm_count = b->desktops,
            .overlays = calloc(b->desktops, sizeof(*b->overlays)),
            .overlay_count = b->desktops};
    if (ret_list->vms == NULL || ret_list->overlays == NULL) {
        return ORL_E_NOMEM;
    }
    memcpy(ret_list->vms, b->vms, b->desktops * sizeof(*b->vms));
    memcpy(ret_list->overlays, b->overlays, b->desktops * sizeof(*b->overlays));
    b->list_ms += cpu_ms() - before_ms;
    return 0;
}

static int host(void *self, struct orl_vm_host *ret_host, struct orl_err *err)
{
    (void)self;
    (void)err;
    *ret_host = (struct orl_vm_host){.memory_mib = 1U << 24,
            .free_memory_mib = 1U << 23,
            .free_disk_mib = 1U << 24,
            .cpus = 64,
            .qemu_version = 7002022,
            .machine = "pc-q35-7.2"};
    return 0;
}

static int network(void *self, enum orl_network_mode mode, const char *name,
        struct orl_vm_network *ret_network, struct orl_err *err)
{
    (void)self;
    (void)mode;
    (void)name;
    (void)err;
    memset(ret_network, 0, sizeof(*ret_network));
    return 0;
}

/* Nothing else is due while nothing changes. */
static int submit(void *ctx, struct orl_job *job)
{
    struct bench *b = ctx;
    if (b->job != NULL || (job->kind != ORL_JOB_OBSERVE && job->kind != ORL_JOB_TEMPLATE)) {
        (void)fprintf(
                stderr, "oriel-bench-scale: vmpool does something: %s\n", orl_job_name(job->kind));
        return ORL_E_LIMIT;
    }
    b->job = job;
    return 0;
}

static void measure_vmpool(struct bench *b)
{
    static const struct orl_backend_ops ops = {.list = list_all, .host = host, .network = network};
    const struct orl_backend backend = {.ops = &ops, .self = b};
    struct orl_reconcile *reconcile = NULL;
    struct orl_err err = {0};
    const struct orl_reconcile_cfg cfg = {.store = b->store,
            .backend = &backend,
            .host = "here",
            .uri = "fake:///",
            .images_dir = "/fake",
            .limits = {.max_in_flight = 2,
                    .max_attempts = 3,
                    .look_period_ms = 1000,
                    .static_period_ms = 15000,
                    .ready_timeout_ms = 300000,
                    .stop_timeout_ms = 90000},
            .agent_settle_ms = 120000,
            .stable_ms = 600000,
            .sweep_grace_ms = 120000,
            .plan = orl_pool_plan,
            .submit = submit,
            .ctx = b};
    must(orl_reconcile_new(&cfg, &reconcile, &err), &err);
    orl_reconcile_set_accel(reconcile, ORL_VM_ACCEL_QEMU, "fake", NULL);
    uint64_t now_ms = orl_clock_wall_ms();
    double begin_ms = 0;
    double begin_database_ms = 0;
    uint64_t begin_queries = 0;
    for (unsigned i = 0; i < b->seconds + 3; i++) { /* the first ones get to know everything */
        if (i == 3) {
            begin_ms = cpu_ms();
            begin_database_ms = database_ms();
            begin_queries = orl_db_query_count(b->store->db);
            b->list_ms = 0;
        }
        now_ms += 1000;
        orl_reconcile_tick(reconcile, now_ms);
        while (b->job != NULL) {
            struct orl_job *job = b->job;
            b->job = NULL;
            if (job->kind == ORL_JOB_TEMPLATE) {
                job->template_row.state = ORL_TEMPLATE_READY;
            } else {
                orl_job_run(job);
            }
            orl_reconcile_done(reconcile, job, now_ms);
        }
    }
    b->cost.vmpool_ms = cpu_ms() - begin_ms - b->list_ms;
    b->cost.database_ms = database_ms() - begin_database_ms;
    b->cost.vmpool_queries = (double)(orl_db_query_count(b->store->db) - begin_queries);
    orl_reconcile_free(reconcile);
}

static void drain(int fd)
{
    struct orl_msg msg;
    struct orl_ipc_fds fds;
    while (orl_ipc_recv(fd, 0, &msg, &fds) == 0) {
        orl_ipc_fds_close(&fds);
    }
}

/* Each session's report, spread over ten seconds. */
static void on_slice(void *ctx)
{
    struct bench *b = ctx;
    unsigned sessions = b->desktops / 2;
    unsigned until = (unsigned)((uint64_t)sessions * (b->slices % (REPORT_S * SLICES_PER_S) + 1) /
                                (REPORT_S * SLICES_PER_S));
    drain(b->gateway);
    for (; b->next < until; b->next++) {
        struct orl_msg msg = {.type = ORL_MSG_STATS, .conn = b->next + 1};
        memcpy(msg.u.stats.session, b->sessions[b->next], sizeof(msg.u.stats.session));
        msg.u.stats.width_px = 1280;
        msg.u.stats.height_px = 800;
        if (orl_ipc_send(b->gateway, &msg, NULL, 0) < 0) {
            break; /* full: the broker reads on, and the next slice goes on */
        }
    }
    b->slices++;
    if (b->slices % (REPORT_S * SLICES_PER_S) == 0) {
        b->next = 0;
    }
    unsigned live = orl_conn_count(b->broker->gateways, ORL_CONN_LIVE);
    if (b->end_slice == 0 && live == sessions && b->slices >= REPORT_S * SLICES_PER_S) {
        b->end_slice = b->slices + b->seconds * SLICES_PER_S;
        orl_loop_stop(b->loop);
    } else if (b->end_slice != 0 && b->slices >= b->end_slice) {
        orl_loop_stop(b->loop);
    } else if (b->slices > PATIENCE_S * SLICES_PER_S) {
        (void)fprintf(stderr, "oriel-bench-scale: only %u sessions are live\n", live);
        _exit(1);
    }
}

static void measure_broker(struct bench *b)
{
    static struct orl_broker broker;
    struct orl_broker_cfg cfg = {0};
    struct orl_err err = {0};
    char path[128];
    must(orl_cfg_load("", true, orl_broker_keys, &cfg, &err), &err);
    must(orl_cfg_set(orl_broker_keys, &cfg, "run_dir", b->dir, &err), &err);
    must(orl_cfg_set(orl_broker_keys, &cfg, "state_dir", b->dir, &err), &err);
    must(orl_cfg_set(orl_broker_keys, &cfg, "store", b->target, &err), &err);
    must(orl_cfg_set(orl_broker_keys, &cfg, "password_cost", "minimal", &err), &err);
    must(orl_cfg_set(orl_broker_keys, &cfg, "max_connections", "65536", &err), &err);
    must(orl_loop_new(&b->loop, &err), &err);
    must(orl_broker_init(&broker, &cfg, b->loop, &err), &err);
    must(orl_gateways_new(&broker, &broker.gateways, &err), &err);
    (void)snprintf(path, sizeof(path), "%s/gateway.sock", b->dir);
    must(orl_ipc_connect(path, &b->gateway, &err), &err);
    must(orl_timer_new(b->loop, on_slice, b, &b->timer, &err), &err);
    orl_timer_start(b->timer, 0, ORL_US_PER_S / SLICES_PER_S);
    b->broker = &broker;
    orl_loop_run(b->loop);
    double begin_ms = cpu_ms();
    double begin_database_ms = database_ms();
    uint64_t begin_queries = orl_db_query_count(broker.store->db);
    orl_loop_run(b->loop);
    b->cost.broker_ms = cpu_ms() - begin_ms;
    b->cost.database_ms += database_ms() - begin_database_ms;
    b->cost.broker_queries = (double)(orl_db_query_count(broker.store->db) - begin_queries);
    orl_timer_free(b->timer);
    close(b->gateway);
    orl_broker_stop(&broker);
    orl_broker_fini(&broker);
    orl_loop_free(b->loop);
    orl_cfg_fini(orl_broker_keys, &cfg);
}

static void open_store(struct bench *b)
{
    struct orl_err err = {0};
    const char *server = getenv("ORIEL_TEST_PG");
    if (server == NULL) {
        (void)snprintf(b->target, sizeof(b->target), "%s/oriel.db", b->dir);
    } else {
        char script[120];
        struct orl_db *db = NULL;
        (void)snprintf(script, sizeof(script), "CREATE SCHEMA n%u", b->desktops);
        must(orl_db_open(server, 10000, &db, &err), &err);
        must(orl_db_exec(db, script, &err), &err);
        orl_db_close(db);
        (void)snprintf(
                b->target, sizeof(b->target), "%s options=-csearch_path=n%u", server, b->desktops);
    }
    must(orl_store_open(b->target, &b->store, &err), &err);
}

static void remove_dir(const char *dir)
{
    DIR *folder = opendir(dir);
    for (struct dirent *e = folder ? readdir(folder) : NULL; e != NULL; e = readdir(folder)) {
        char path[400];
        (void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        (void)unlink(path);
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    (void)rmdir(dir);
}

static struct cost measure(unsigned desktops, unsigned seconds)
{
    struct bench b = {.desktops = desktops, .seconds = seconds};
    (void)snprintf(b.dir, sizeof(b.dir), "%s/oriel-scale-XXXXXX",
            access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    b.vms = calloc(desktops, sizeof(*b.vms));
    b.overlays = calloc(desktops, sizeof(*b.overlays));
    b.sessions = calloc(desktops, sizeof(*b.sessions));
    if (mkdtemp(b.dir) == NULL || b.vms == NULL || b.overlays == NULL || b.sessions == NULL) {
        _exit(1);
    }
    open_store(&b);
    fill(&b);
    measure_vmpool(&b);
    measure_broker(&b);
    orl_store_close(b.store);
    remove_dir(b.dir);
    free(b.vms);
    free(b.overlays);
    free(b.sessions);
    return b.cost;
}

static double per_minute(double value, unsigned desktops, unsigned seconds)
{
    return value * 60.0 / seconds / desktops;
}

int main(int argc, char **argv)
{
    unsigned sizes[SIZES_MAX] = {100, 1000, 10000};
    unsigned count = 3;
    unsigned seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20;
    if (argc > 2) {
        count = 0;
        for (int i = 2; i < argc && count < SIZES_MAX; i++) {
            sizes[count++] = (unsigned)strtoul(argv[i], NULL, 10) / PER_POOL * PER_POOL;
        }
    }
    orl_log_set_level(ORL_LOG_ERROR);
    (void)printf(
            "Per desktop and minute; %s\n\n", getenv("ORIEL_TEST_PG") ? "PostgreSQL" : "SQLite");
    (void)printf(
            "| desktops | broker CPU ms | vmpool CPU ms | database CPU ms | all CPU ms | broker "
            "queries | vmpool queries |\n|---|---|---|---|---|---|---|\n");
    double first_cpu = 0;
    double first_queries = 0;
    for (unsigned i = 0; i < count; i++) {
        struct cost c = measure(sizes[i], seconds);
        double cpu = c.broker_ms + c.vmpool_ms + c.database_ms;
        double queries = c.broker_queries + c.vmpool_queries;
        (void)printf("| %u | %.3f | %.3f | %.3f | %.3f | %.2f | %.2f |\n", sizes[i],
                per_minute(c.broker_ms, sizes[i], seconds),
                per_minute(c.vmpool_ms, sizes[i], seconds),
                per_minute(c.database_ms, sizes[i], seconds), per_minute(cpu, sizes[i], seconds),
                per_minute(c.broker_queries, sizes[i], seconds),
                per_minute(c.vmpool_queries, sizes[i], seconds));
        (void)fflush(stdout);
        double own_cpu = per_minute(cpu, sizes[i], seconds);
        double own_queries = per_minute(queries, sizes[i], seconds);
        if (i == 0) {
            first_cpu = own_cpu;
            first_queries = own_queries;
        } else if (i + 1 == count) {
            (void)printf("\n%u against %u: CPU %.2f, queries %.2f times as much a desktop\n",
                    sizes[i], sizes[0], own_cpu / first_cpu, own_queries / first_queries);
        }
    }
    return 0;
}
