/* oriel-sim [--faults N] [--seed N] [--world N] [--lines N] [--history FILE] [--weak] [--blind] [--verbose]: runs until N
 * faults were injected or something does not hold, a new world with the next seed after so many faults in one. Exit code
 * 0: all holds; 1: it does not, and the last steps are printed, and how to see it again. The whole history goes to FILE:
 * of one seed it is the same every time, alone or after others, so that two can be compared. */
#include "base/log.h"
#include "sim.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETTLE_EVERY = 1500, WORLD_FAULTS = 5000 };

struct options {
    uint64_t faults, seed, world;
    unsigned lines;
    const char *history;
    bool is_weak, is_blind, is_verbose;
};

static bool parse(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--weak") == 0) {
            o->is_weak = true;
        } else if (strcmp(argv[i], "--blind") == 0) {
            o->is_blind = true;
        } else if (strcmp(argv[i], "--verbose") == 0) {
            o->is_verbose = true;
        } else if (strcmp(argv[i], "--faults") == 0 && value) {
            o->faults = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0 && value) {
            o->seed = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--history") == 0 && value) {
            o->history = argv[++i];
        } else if (strcmp(argv[i], "--world") == 0 && value) {
            o->world = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--lines") == 0 && value) {
            o->lines = (unsigned)strtoul(argv[++i], NULL, 10);
        } else {
            return false;
        }
    }
    return true;
}

/* One world: until enough faults were seen, with rests in between. (Whether it comes to rest is history, too.) */
static bool run_world(struct sim *sim, uint64_t faults)
{
    while (sim->faults < faults) {
        bool is_rest_due = sim->step % SETTLE_EVERY == 0 && !sim->is_blind;
        if (!sim_step(sim) || (is_rest_due && !sim_settle(sim))) {
            return false;
        }
    }
    return sim->is_blind || sim_settle(sim);
}

static void report(const struct sim *sim, const struct options *o, uint64_t faults, bool is_good)
{
    (void)printf("seed %" PRIu64 ": %u steps, %" PRIu64 " faults, history %016" PRIx64
                 "; %u logins, %u desktops given, %u recycled, %u looked through, %u refused, "
                 "%u taken over, kills %u+%u+%u, %u restores, %u clock jumps, %u preemptions, %u "
                 "copies begun, %u put to sleep, %u woken, %u let in, %u times at home\n",
            sim->seed, sim->step, sim->faults, sim->hash, sim->logins, sim->given, sim->recycled,
            sim->uses, sim->refusals, sim->takeovers, sim->processes[SIM_BROKER].kills,
            sim->processes[SIM_VMPOOL].kills, sim->processes[SIM_STRANGER].kills, sim->restores,
            sim->jumps, sim->preempted, sim->fake.resumes, sim->fake.suspends, sim->fake.wakes,
            sim->let_in, sim->home_uses);
    if (!is_good || o->is_verbose) {
        sim_print(sim, o->lines);
    }
    if (!is_good) {
        (void)printf("seed %" PRIu64 ", step %u, after %" PRIu64 " faults: %s\n", sim->seed,
                sim->step, sim->faults, sim->fault);
        (void)printf("again: --seed %" PRIu64 " --faults %" PRIu64 " --world %" PRIu64 "%s%s\n",
                sim->seed, faults, faults, o->is_weak ? " --weak" : "",
                o->is_blind ? " --blind" : "");
    }
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct sim sim;
    struct options o = {.faults = WORLD_FAULTS, .seed = 1, .world = WORLD_FAULTS, .lines = 60};
    if (!parse(argc, argv, &o) || o.world == 0) {
        (void)fprintf(stderr, "usage: oriel-sim [--faults N] [--seed N] [--world N] [--lines N] "
                              "[--history FILE] [--weak] [--blind] [--verbose]\n");
        return 2;
    }
    FILE *history = o.history ? fopen(o.history, "we") : NULL;
    if (o.history && !history) {
        (void)fprintf(stderr, "%s cannot be written\n", o.history);
        return 2;
    }
    sim_machine_init();
    orl_log_set_level(o.is_verbose ? ORL_LOG_WARN : ORL_LOG_ERROR);
    if (!o.is_verbose && !freopen("/dev/null", "w", stderr)) {
        return 2;
    }
    uint64_t done = 0;
    uint64_t left =
            o.faults; /* to be asked for: that a world had one more makes no other shorter */
    bool is_good = true;
    for (uint64_t seed = o.seed; is_good && left > 0; seed++) {
        uint64_t faults = left < o.world ? left : o.world;
        sim_open(&sim, seed, o.is_weak);
        sim.is_blind = o.is_blind;
        sim.out = history;
        is_good = run_world(&sim, faults);
        report(&sim, &o, faults, is_good);
        done += sim.faults;
        left -= faults;
        sim_close(&sim);
    }
    (void)printf(
            "%" PRIu64 " faults: %s\n", done, is_good ? "all holds" : "something does not hold");
    if (history && fclose(history) != 0) {
        (void)printf("%s is not whole\n", o.history);
        return 2;
    }
    return is_good ? 0 : 1;
}
