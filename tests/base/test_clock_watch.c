#include "base/clock_watch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define DAY_MS INT64_C(86400000)

static void only_a_clock_that_was_set_jumps(void **state)
{
    (void)state;
    struct orl_clock_watch watch = {0};
    uint64_t wall_ms = 1700000000000;
    uint64_t now_us = 5000000;
    assert_int_equal(orl_clock_watch_jump(&watch, wall_ms, now_us), 0);
    /* Long asleep, and a little off. */
    now_us += 7200000000;
    wall_ms += 7200000 + 900;
    assert_int_equal(orl_clock_watch_jump(&watch, wall_ms, now_us), 0);
    static const int64_t jumps_ms[] = {3600000, -3600000, DAY_MS, -DAY_MS, 4000, -4000};
    for (size_t i = 0; i < sizeof jumps_ms / sizeof jumps_ms[0]; i++) {
        wall_ms = (uint64_t)((int64_t)wall_ms + jumps_ms[i]);
        assert_int_equal(orl_clock_watch_jump(&watch, wall_ms, now_us), jumps_ms[i]);
        assert_int_equal(orl_clock_watch_jump(&watch, wall_ms, now_us), 0);
    }
}

static void a_time_moves_and_never_becomes_none(void **state)
{
    (void)state;
    assert_int_equal(orl_clock_shifted(0, DAY_MS), 0);
    assert_int_equal(orl_clock_shifted(5, 10), 15);
    assert_int_equal(orl_clock_shifted(20, -10), 10);
    assert_int_equal(orl_clock_shifted(5, -DAY_MS), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(only_a_clock_that_was_set_jumps),
            cmocka_unit_test(a_time_moves_and_never_becomes_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
