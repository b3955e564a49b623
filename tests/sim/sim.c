/* The world, and the table of all that may happen in it. */
#include "sim.h"
#include "base/log.h"
#include "broker/session_lease.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WILDEST = 4, STEP_MS = 700, REST_STEPS = 4000, REST_LOOK_EVERY = 25 };

struct sim *sim_the;

/* How often, of their sum. */
static const struct {
    unsigned weight;
    void (*happens)(struct sim *sim);
} happenings[] = {
        {840, sim_job_turn},
        {140, sim_broker_hears},
        {120, sim_guests_turn},
        {100, sim_gateways_turn},
        {100, sim_vmpool_turn},
        {20, sim_stranger_turn},
        {4, sim_stranger_works},
        {45, sim_logs_in},
        {140, sim_uses},
        {14, sim_leaves},
        {12, sim_comes_back},
        {5, sim_logs_off},
        {25, sim_changes_machine},
        {4, sim_logs_off_inside},
        {4, sim_powers_off},
        {3, sim_vanishes},
        {2, sim_wants_restart},
        {2, sim_changes_pool},
        {2, sim_moves_template},
        {3, sim_ends_session},
        {2, sim_deletes_desktop},
        {2, sim_maintains_desktop},
        {2, sim_revokes},
        {4, sim_judges},
        {1, sim_deletes_pool},
        {3, sim_guest_dies},
        {3, sim_guest_reboots},
        {3, sim_gateway_dies},
        {4, sim_kills_broker},
        {4, sim_kills_vmpool},
        {1, sim_kills_stranger},
        {4, sim_libvirt_goes_or_comes},
        {1, sim_sets_clock},
        {1, sim_backs_up},
        {1, sim_restores},
};

uint64_t sim_wall_ms(const struct sim *sim)
{
    return (uint64_t)((int64_t)sim->now_ms + sim->wall_ms);
}

static void set(struct sim *sim, const char *key, const char *value)
{
    struct orl_err err = {0};
    if (orl_cfg_set(orl_broker_keys, &sim->broker_cfg, key, value, &err) < 0) {
        (void)fprintf(stderr, "sim: %s\n", err.text);
        abort();
    }
}

static void configure(struct sim *sim)
{
    struct orl_err err = {0};
    if (orl_cfg_load("", true, orl_broker_keys, &sim->broker_cfg, &err) < 0) {
        (void)fprintf(stderr, "sim: %s\n", err.text);
        abort();
    }
    set(sim, "run_dir", ".");
    set(sim, "state_dir", ".");
    set(sim, "lease_s", "20");
    set(sim, "wait_timeout_s", "120");
    set(sim, "password_threads", "2"); /* not as many as this machine has cores; nor its users */
    set(sim, "gateway_user", "");
    set(sim, "vmpool_user", "");
    set(sim, "web_user", "");
    unsigned wild = 1 + (unsigned)(sim->seed % WILDEST);
    sim->rates = (struct sim_rates){.store_error = 2500 / wild,
            .store_kill = 4000 / wild,
            .send_kill = 400 / wild,
            .hang = 60 / wild,
            .backend = {.fail_before = 4 * wild,
                    .fail_after = 4 * wild,
                    .half = 3 * wild,
                    .twice = 4 * wild,
                    .no_boot = 3 * wild}};
    sim->fake.faults = sim->rates.backend;
}

static void find_places(struct sim *sim)
{
    static const char *const names[] = {"oriel", "stranger"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char file[128];
        (void)snprintf(file, sizeof file, "./%s.db", names[i]);
        store_place(file, sim->places[i]);
    }
    if (store_place_is_postgres()) {
        set(sim, "store", sim->places[0]);
    }
}

void sim_open(struct sim *sim, uint64_t seed, bool is_store_weak)
{
    static const char *const names[] = {"", "broker", "vmpool", "stranger"};
    memset(sim, 0, sizeof *sim);
    sim_the = sim;
    sim->seed = sim->rng = seed;
    sim->hash = UINT64_C(0xcbf29ce484222325);
    sim->now_ms = 1000000;
    sim->wall_ms = INT64_C(1700000000000);
    sim->is_store_weak = is_store_weak;
    sim->accepting = -1;
    for (int i = 0; i < SIM_WHO_COUNT; i++) {
        sim->processes[i].name = names[i];
    }
    (void)snprintf(sim->dir, sizeof sim->dir, "%s/oriel-sim-XXXXXX",
            access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    /* What it is called is another one every time, and stands in texts of errors: from here on it is ".". */
    if (!mkdtemp(sim->dir) || chdir(sim->dir) < 0) {
        abort();
    }
    sim->view.is_stale = true;
    fake_init(&sim->fake, seed);
    sim->fake.on_touch = sim_check_touch;
    sim->fake.ctx = sim;
    configure(sim);
    static struct orl_backend_ops ops;
    sim->ours.backend = sim->stranger.backend = fake_backend(&sim->fake);
    ops = *sim->ours.backend.ops;
    ops.hook_open = sim_hook_open;
    ops.home_attach = sim_home_attach;
    sim->ours.backend.ops = &ops;
    for (size_t i = 0; i < SIM_GATEWAYS; i++) {
        sim->gateways[i].pid = ++sim->next_pid;
    }
    find_places(sim);
    sim_open_store(sim, SIM_CHECKER);
    sim_fill_store(sim, SIM_CHECKER);
    orl_msg_text(sim->ours.installation, sizeof sim->ours.installation,
            orl_store_installation(sim->processes[SIM_CHECKER].store));
    sim_open_store(sim, SIM_STRANGER);
    sim_fill_store(sim, SIM_STRANGER);
    orl_msg_text(sim->stranger.installation, sizeof sim->stranger.installation,
            orl_store_installation(sim->processes[SIM_STRANGER].store));
    orl_store_close(sim->processes[SIM_STRANGER].store);
    sim->processes[SIM_STRANGER].store = NULL;
}

static void remove_files(const struct sim *sim)
{
    static const char *const files[] = {"oriel.db", "oriel.db-wal", "oriel.db-shm",
            "oriel.db.backup", "stranger.db", "stranger.db-wal", "stranger.db-shm", "ticket.key",
            "totp.key", "console.key", "gateway.sock"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)unlink(files[i]);
    }
    if (chdir("/") < 0 || rmdir(sim->dir) < 0) {
        (void)fprintf(stderr, "sim: %s is not removed\n", sim->dir);
    }
}

static void drop_where(struct sim *sim, bool is_all)
{
    for (size_t g = 0; g < SIM_GATEWAYS; g++) {
        for (size_t i = 0; i < SIM_CONNS; i++) {
            struct sim_conn *conn = &sim->gateways[g].conns[i];
            if (conn->state != SIM_CONN_FREE && (is_all || conn->is_mute)) {
                sim_drop_conn(sim, &sim->gateways[g], conn, ORL_REASON_CLIENT_STALLED);
            }
        }
    }
}

void sim_close(struct sim *sim)
{
    sim_kill(sim, SIM_BROKER);
    sim_kill(sim, SIM_VMPOOL);
    sim_kill(sim, SIM_STRANGER);
    for (size_t i = 0; i < sim->job_count; i++) {
        orl_job_free(sim->jobs[i].job);
    }
    drop_where(sim, true);
    orl_store_close(sim->processes[SIM_CHECKER].store);
    orl_cfg_fini(orl_broker_keys, &sim->broker_cfg);
    store_place_remove(sim->places[0]);
    store_place_remove(sim->places[1]);
    free(sim->seen);
    free(sim->view.rows);
    orl_name_index_fini(&sim->seen_index);
    remove_files(sim);
}

bool sim_step(struct sim *sim)
{
    unsigned sum = 0;
    size_t at = 0;
    for (size_t i = 0; i < sizeof happenings / sizeof happenings[0]; i++) {
        sum += happenings[i].weight;
    }
    unsigned what = sim_pick(sim, sum);
    while (what >= happenings[at].weight) {
        what -= happenings[at++].weight;
    }
    sim->step++;
    sim->now_ms += sim_pick(sim, STEP_MS);
    happenings[at].happens(sim);
    sim_check(sim);
    return sim->fault[0] == '\0';
}

static void calm_turn(struct sim *sim)
{
    sim->now_ms += 1000;
    sim->step++;
    for (int i = 0; i < 4; i++) {
        sim_broker_hears(sim);
        sim_job_turn(sim);
        sim_job_turn(sim);
        sim_guests_all(sim);
    }
    for (size_t g = 0; g < SIM_GATEWAYS; g++) {
        sim_gateway_turn(sim, &sim->gateways[g]);
    }
    sim_vmpool_turn(sim);
    sim_stranger_turn(sim);
    sim_check(sim);
}

static bool comes_to_rest(struct sim *sim, bool is_empty)
{
    char text[300] = "";
    for (unsigned i = 1; i <= REST_STEPS && !sim->fault[0]; i++) {
        calm_turn(sim);
        if (i % REST_LOOK_EVERY == 0) {
            sim_repair(sim); /* a pool that was just being deleted */
            sim_judge_rest(sim, is_empty, text, sizeof text);
            if (!text[0]) {
                return sim->fault[0] == '\0';
            }
        }
    }
    sim_fail(sim, "does not come to rest%s: %s", is_empty ? " when all have left" : "", text);
    return false;
}

static void use_all(struct sim *sim)
{
    for (size_t g = 0; g < SIM_GATEWAYS; g++) {
        for (size_t i = 0; i < SIM_CONNS; i++) {
            if (sim->gateways[g].conns[i].console[0]) {
                sim_use(sim, &sim->gateways[g].conns[i]);
            }
        }
    }
}

bool sim_settle(struct sim *sim)
{
    struct sim_rates rates = sim->rates;
    sim->is_calm = true;
    sim->rates = (struct sim_rates){0};
    sim->fake.faults = (struct fake_faults){0};
    sim->fake.is_down = false;
    for (size_t i = 0; i < sim->job_count; i++) {
        sim->jobs[i].not_until = sim->now_ms;
    }
    for (size_t i = 0; i < sim->fake.count; i++) { /* what never boots boots at last */
        sim->fake.vms[i].boot_left =
                sim->fake.vms[i].boot_left > 3 ? 3 : sim->fake.vms[i].boot_left;
    }
    sim_note(sim, "calm");
    drop_where(sim, false);
    sim_repair(sim);
    bool is_good = comes_to_rest(sim, false);
    use_all(sim);
    sim_note(sim, "all leave");
    drop_where(sim, true);
    is_good = is_good && comes_to_rest(sim, true);
    sim->is_calm = false;
    sim->rates = rates;
    sim->fake.faults = rates.backend;
    return is_good && sim->fault[0] == '\0';
}
