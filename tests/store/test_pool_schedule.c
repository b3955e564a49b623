/* A pool's schedule as text, and spares from a forecast: the pure parts. */
#include "store/forecast.h"
#include "store/pool_schedule.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct orl_spares own = {.running = 2, .suspended = 1};

/* 2026-11-22 is a Sunday; the test runs in UTC. */
static uint64_t wall_ms(unsigned wday, unsigned minute)
{
    return (UINT64_C(1795305600) + wday * UINT64_C(86400) + minute * UINT64_C(60)) * 1000;
}

static struct orl_spares at(const char *text, unsigned wday, unsigned minute)
{
    struct orl_spares spares = {0};
    assert_int_equal(orl_schedule_spares(text, wall_ms(wday, minute), own, &spares, NULL), 0);
    return spares;
}

static void the_first_entry_that_holds_counts(void **state)
{
    (void)state;
    static const char text[] = "mon-fri 07:00-19:00 spares=20 suspended=5; daily 22:00-06:00 "
                               "spares=0; mon 05:00-20:00 suspended=9";
    assert_int_equal(at(text, 1, 420).running, 20);
    assert_int_equal(at(text, 1, 420).suspended, 5);
    assert_int_equal(at(text, 1, 419).running, 2); /* Monday's own entry names no running ones */
    assert_int_equal(at(text, 1, 419).suspended, 9);
    assert_int_equal(at(text, 1, 330).running, 0); /* Sunday's night */
    assert_int_equal(at(text, 1, 330).suspended, 1);
    assert_int_equal(at(text, 0, 720).running, 2);
    assert_int_equal(at("", 0, 720).running, 2);
}

static void a_fault_names_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *place;
    } cases[] = {
            {"man 07:00-19:00 spares=1", "character 1: hours"},
            {"mon 07:00-19:00", "character 16: spares=N"},
            {"mon 07:00-19:00 spares", "character 17: spares=N"},
            {"mon 07:00-19:00 spares=", "character 24: a number up to 10000"},
            {"mon 07:00-19:00 spares=10001", "character 24: a number up to 10000"},
            {"mon 07:00-19:00 spares=99999999999", "character 24: a number up to 10000"},
            {"mon 07:00-19:00 spares=-1", "character 24: a number up to 10000"},
            {"mon 07:00-19:00 spares=1 spares=2", "character 26: spares=N"},
            {"mon 07:00-19:00 spares=1x", "character 25: a blank or ';'"},
            {"mon 07:00-19:00 spares=1; tue", "character 27: hours"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct orl_err err = {0};
        assert_int_equal(orl_schedule_check(cases[i].text, own, 20000, &err), ORL_E_INVAL);
        if (!strstr(err.text, cases[i].place)) {
            print_message("%s: %s\n", cases[i].text, err.text);
            fail();
        }
    }
}

static void a_forecast_covers_those_who_come_before_a_new_one_is_ready(void **state)
{
    (void)state;
    const uint32_t mean[] = {9000, 20000, 3000};
    const uint64_t minute_ms = 60000;
    assert_int_equal(orl_forecast_need(mean, 3, 0, minute_ms), 1);
    assert_int_equal(orl_forecast_need(mean, 3, 0, 15 * minute_ms), 9);
    /* The next quarter counts whole as soon as it begins before a desktop that is begun now is ready. */
    assert_int_equal(orl_forecast_need(mean, 3, 14 * minute_ms, minute_ms), 1);
    assert_int_equal(orl_forecast_need(mean, 3, 14 * minute_ms, 2 * minute_ms), 21);
    assert_int_equal(orl_forecast_need(mean, 3, 14 * minute_ms, 17 * minute_ms), 24);
    assert_int_equal(orl_forecast_need(mean, 1, 14 * minute_ms, 17 * minute_ms), 1);
    assert_int_equal(orl_forecast_need(mean, 0, 0, minute_ms), 0);
    assert_int_equal(orl_forecast_slot(wall_ms(6, 1439)), ORL_FORECAST_SLOTS - 1);
    assert_int_equal(orl_forecast_slot(wall_ms(0, 0)), 0);
}

static void a_schedule_keeps_to_the_maximum(void **state)
{
    (void)state;
    static const char text[] = "mon 08:00-09:00 spares=5 suspended=2; tue 08:00-09:00 spares=7";
    struct orl_err err = {0};
    assert_int_equal(orl_schedule_check(text, own, 8, NULL), 0);
    assert_int_equal(orl_schedule_check(text, own, 7, &err), ORL_E_INVAL);
    assert_non_null(strstr(err.text, "entry 2 wants 7 and 1 spares"));
    assert_int_equal(orl_schedule_check("", own, 0, NULL), 0);
}

static void a_schedule_has_a_bound(void **state)
{
    (void)state;
    char text[1000] = "";
    for (int i = 0; i < ORL_SCHEDULE_MAX_ENTRIES; i++) {
        strncat(text, "mon 08:00-09:00 spares=1;", sizeof text - strlen(text) - 1);
    }
    assert_int_equal(orl_schedule_check(text, own, 20, NULL), 0);
    strncat(text, "mon 08:00-09:00 spares=1", sizeof text - strlen(text) - 1);
    assert_int_equal(orl_schedule_check(text, own, 20, NULL), ORL_E_INVAL);
}

static void a_longer_window_never_needs_less(void **state)
{
    (void)state;
    uint32_t mean[4];
    for (uint32_t round = 1; round < 500; round++) {
        for (uint32_t i = 0; i < 4; i++) {
            mean[i] = (round * 7919 + i * 104729) % 50000;
        }
        uint64_t into_ms = round * 1801 % ORL_FORECAST_SLOT_MS;
        uint32_t before = 0;
        for (uint64_t window_ms = 0; window_ms < 3000000; window_ms += 60000) {
            uint32_t need = orl_forecast_need(mean, 4, into_ms, window_ms);
            assert_true(need >= before);
            before = need;
        }
    }
}

int main(void)
{
    if (setenv("TZ", "UTC0", 1) < 0) {
        return EXIT_FAILURE;
    }
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_first_entry_that_holds_counts),
            cmocka_unit_test(a_fault_names_its_place),
            cmocka_unit_test(a_schedule_keeps_to_the_maximum),
            cmocka_unit_test(a_schedule_has_a_bound),
            cmocka_unit_test(a_forecast_covers_those_who_come_before_a_new_one_is_ready),
            cmocka_unit_test(a_longer_window_never_needs_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
