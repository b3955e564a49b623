/* Ten thousand random steps through store, reconciler and a faulty hypervisor; and the proof that the
 * test would see a bug: seven of them, put in on purpose, are each caught.
 * ORIEL_TEST_SEED and ORIEL_TEST_STEPS repeat or lengthen a run. */
#include "base/clock.h"
#include "base/log.h"
#include "pool_world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { AGAIN_MAX = 8, STEPS = 10000, BUG_STEPS = 6000, SETTLE_EVERY = 2500 };

static uint64_t number_from(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : fallback;
}

static bool run(struct world *w, unsigned steps)
{
    struct fake_faults faults = w->fake.faults;
    for (unsigned i = 1; i <= steps; i++) {
        if (!world_step(w)) {
            return false;
        }
        if (i % SETTLE_EVERY == 0) {
            if (!world_settle(w)) {
                return false;
            }
            w->fake.faults = faults;
        }
    }
    return true;
}

static void random_faults_and_kills_break_nothing(void **state)
{
    (void)state;
    uint64_t seed = number_from("ORIEL_TEST_SEED", orl_clock_now_us() % 1000000);
    unsigned steps = (unsigned)number_from("ORIEL_TEST_STEPS", STEPS);
    static struct world w;
    world_open(&w, seed, WORLD_SOUND);
    bool is_good = run(&w, steps) && world_settle(&w);
    print_message("seed %llu: %u steps, %u given, %u recycled, %u kills, %u clones, %u removals\n",
            (unsigned long long)seed, w.step, w.given, w.recycled, w.kills, w.fake.clones,
            w.fake.removals);
    if (!is_good) {
        print_message(
                "ORIEL_TEST_SEED=%llu, step %u: %s\n", (unsigned long long)seed, w.step, w.fault);
    }
    unsigned given = w.given;
    unsigned recycled = w.recycled;
    world_close(&w);
    assert_true(is_good);
    assert_true(given > steps / 1000);
    assert_true(recycled > 0);
}

/* Copies of golden images that are made, frozen and rebuilt meanwhile; and none is ready before it is somebody. */
static void the_same_with_golden_images(void **state)
{
    (void)state;
    uint64_t seed = number_from("ORIEL_TEST_SEED", orl_clock_now_us() % 1000000);
    unsigned steps = (unsigned)number_from("ORIEL_TEST_STEPS", STEPS / 4);
    static struct world w;
    world_open_golden(&w, seed);
    bool is_good = run(&w, steps) && world_settle(&w);
    for (int i = 0; i < AGAIN_MAX && is_good && w.fake.resumes == 0; i++) { /* killed each time */
        is_good = run(&w, steps) && world_settle(&w);
    }
    print_message("seed %llu: %u steps, %u given, %u kills, %u copies\n", (unsigned long long)seed,
            w.step, w.given, w.kills, w.fake.resumes);
    if (!is_good) {
        print_message(
                "ORIEL_TEST_SEED=%llu, step %u: %s\n", (unsigned long long)seed, w.step, w.fault);
    }
    unsigned resumes = w.fake.resumes;
    world_close(&w);
    assert_true(is_good);
    assert_true(resumes > 0);
}

static void every_seeded_bug_is_caught(void **state)
{
    (void)state;
    static const char *const names[] = {
            "sound", "over the maximum", "leak", "reuse", "robbery", "flood", "impatient", "stuck"};
    static struct world w;
    for (int bug = 1; bug < WORLD_BUG_COUNT; bug++) {
        bool is_caught = false;
        for (uint64_t seed = 1; seed <= 3 && !is_caught; seed++) {
            world_open(&w, seed, (enum world_bug)bug);
            is_caught = !(run(&w, BUG_STEPS) && world_settle(&w));
            print_message("%s: %s at step %u: %s\n", names[bug], is_caught ? "caught" : "missed",
                    w.step, w.fault);
            world_close(&w);
        }
        assert_true(is_caught);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(random_faults_and_kills_break_nothing),
            cmocka_unit_test(the_same_with_golden_images),
            cmocka_unit_test(every_seeded_bug_is_caught),
    };
    orl_log_set_level(ORL_LOG_ERROR);
    /* A hypervisor that comes and goes is logged each time. */
    if (!getenv("ORIEL_TEST_VERBOSE") && !freopen("/dev/null", "w", stderr)) {
        return EXIT_FAILURE;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
