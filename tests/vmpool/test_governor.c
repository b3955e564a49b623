/* How many machines may start, and what the kernel's pressure files say. */
#include "vmpool/governor.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { NOW_MS = 1000000 };

static const struct orl_governor_cfg cfg = {.starts_per_minute = 60,
        .burst = 4,
        .cpu_percent = 80,
        .memory_percent = 20,
        .io_percent = 60};
static const struct orl_pressure calm = {.is_known = true};
static const struct orl_pressure pressed = {.is_known = true, .memory_centi = 2001};

static uint32_t take(struct orl_governor *g, const struct orl_pressure *p, uint64_t now_ms,
        uint32_t people, uint32_t spares)
{
    struct orl_plan_starts may = orl_governor_ask(g, p, now_ms);
    struct orl_plan_starts used = {.all = people < may.all ? people : may.all};
    uint32_t left = may.all - used.all < may.spares ? may.all - used.all : may.spares;
    used.spares = spares < left ? spares : left;
    orl_governor_use(g, &used, now_ms);
    return used.all + used.spares;
}

static void a_burst_and_then_the_rate(void **state)
{
    (void)state;
    struct orl_governor g;
    orl_governor_init(&g, &cfg);
    assert_int_equal(take(&g, &calm, NOW_MS, 9, 0), 4);
    assert_int_equal(take(&g, &calm, NOW_MS + 999, 9, 0), 0);
    assert_int_equal(take(&g, &calm, NOW_MS + 1000, 9, 0), 1);
    assert_int_equal(take(&g, &calm, NOW_MS + 61000, 0, 9), 4);
    uint32_t sum = 0;
    for (uint64_t i = 1; i <= 600; i++) { /* a minute, in tenths of a second */
        sum += take(&g, &calm, NOW_MS + 61000 + i * 100, 1, 1);
    }
    assert_int_equal(sum, 60);
}

static void a_clock_that_is_set_back_gives_nothing_away_and_stops_nothing(void **state)
{
    (void)state;
    struct orl_governor g;
    orl_governor_init(&g, &cfg);
    assert_int_equal(take(&g, &calm, NOW_MS, 9, 0), 4);
    assert_int_equal(take(&g, &calm, NOW_MS - 500000, 9, 0), 0);
    assert_int_equal(take(&g, &calm, NOW_MS - 499000, 9, 0), 1);
    assert_int_equal(take(&g, &pressed, NOW_MS - 498000, 0, 9), 1);
}

static void pressure_holds_spares_back_but_never_for_good(void **state)
{
    (void)state;
    struct orl_governor g;
    uint32_t sum = 0;
    orl_governor_init(&g, &cfg);
    for (uint64_t i = 0; i < 60; i++) {
        sum += take(&g, &pressed, NOW_MS + i * 1000, 0, 9);
    }
    assert_int_equal(sum, 6);
    assert_int_equal(take(&g, &pressed, NOW_MS + 60000, 3, 0), 3); /* people don't notice */
}

static void each_threshold_counts_and_zero_is_none(void **state)
{
    (void)state;
    struct orl_governor g;
    orl_governor_init(&g, &cfg);
    const struct orl_pressure at[] = {
            {.is_known = true, .cpu_centi = 8000, .memory_centi = 2000, .io_centi = 6000},
            {.is_known = true, .cpu_centi = 8001}, {.is_known = true, .memory_centi = 2001},
            {.is_known = true, .io_centi = 6001},
            {.is_known = false, .cpu_centi = 10000, .memory_centi = 10000, .io_centi = 10000}};
    static const bool is_pressed[] = {false, true, true, true, false};
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        assert_int_equal(orl_governor_is_pressed(&g, &at[i]), is_pressed[i]);
    }
    memset(&g.cfg.cpu_percent, 0, sizeof g.cfg.cpu_percent);
    assert_false(orl_governor_is_pressed(&g, &at[1]));
}

static void pressure_is_read_as_the_kernel_writes_it(void **state)
{
    (void)state;
    uint32_t centi = 7;
    assert_true(orl_pressure_parse("some avg10=1.23 avg60=0.00 avg300=0.00 total=1\n", &centi));
    assert_int_equal(centi, 123);
    assert_true(orl_pressure_parse("some avg10=100.00 avg60", &centi));
    assert_int_equal(centi, 10000);
    static const char *const wrong[] = {"", "full avg10=1.23 ", "some avg10=", "some avg10=1",
            "some avg10=1.2 ", "some avg10=.20 ", "some avg10=101.00 ",
            "some avg10=99999999999.00 ", "some avg10=-1.00 "};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(orl_pressure_parse(wrong[i], &centi));
    }
    struct orl_pressure none = {.is_known = true};
    orl_pressure_read("/nonexistent", &none);
    assert_false(none.is_known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_burst_and_then_the_rate),
            cmocka_unit_test(a_clock_that_is_set_back_gives_nothing_away_and_stops_nothing),
            cmocka_unit_test(pressure_holds_spares_back_but_never_for_good),
            cmocka_unit_test(each_threshold_counts_and_zero_is_none),
            cmocka_unit_test(pressure_is_read_as_the_kernel_writes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
