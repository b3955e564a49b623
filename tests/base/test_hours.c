#include "base/hours.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct orl_hours hours_of(const char *text)
{
    struct orl_hours hours;
    struct orl_err err = {0};
    if (orl_hours_parse(text, &hours, &err) < 0) {
        fail_msg("%s: %s", text, err.text);
    }
    return hours;
}

/* A day of November 2026, which begins on a Sunday. */
static uint64_t at(int day, int hour, int minute)
{
    struct tm tm = {.tm_year = 126,
            .tm_mon = 10,
            .tm_mday = day,
            .tm_hour = hour,
            .tm_min = minute,
            .tm_isdst = -1};
    return (uint64_t)mktime(&tm) * 1000;
}

static void a_window_has_its_first_minute_and_not_its_last(void **state)
{
    (void)state;
    const struct orl_hours hours = hours_of("mon-fri 08:00-18:00; sat 09:00-12:00");
    assert_false(orl_hours_has(&hours, at(2, 7, 59)));
    assert_true(orl_hours_has(&hours, at(2, 8, 0)));
    assert_true(orl_hours_has(&hours, at(6, 17, 59)));
    assert_false(orl_hours_has(&hours, at(6, 18, 0)));
    assert_true(orl_hours_has(&hours, at(7, 9, 0)));
    assert_false(orl_hours_has(&hours, at(7, 12, 0)));
    assert_false(orl_hours_has(&hours, at(8, 10, 0))); /* Sunday */
}

static void a_window_may_go_past_midnight_and_past_the_week(void **state)
{
    (void)state;
    const struct orl_hours hours = hours_of("sun 22:00-06:00");
    assert_true(orl_hours_has(&hours, at(1, 23, 0)));
    assert_true(orl_hours_has(&hours, at(2, 5, 59)));
    assert_false(orl_hours_has(&hours, at(2, 6, 0)));
    const struct orl_hours week = hours_of("fri-mon 00:00-24:00");
    assert_true(orl_hours_has(&week, at(2, 23, 59)));
    assert_false(orl_hours_has(&week, at(3, 0, 0)));
    assert_true(orl_hours_has(&week, at(6, 0, 0)));
    const struct orl_hours list = hours_of("mon,wed-thu 10:00-11:00");
    assert_true(orl_hours_has(&list, at(5, 10, 30)));
    assert_false(orl_hours_has(&list, at(3, 10, 30)));
}

static void what_is_left_ends_with_the_window(void **state)
{
    (void)state;
    const struct orl_hours hours = hours_of("mon 08:00-18:00");
    assert_int_equal(orl_hours_left_s(&hours, at(2, 17, 55), 3600), 300);
    assert_int_equal(orl_hours_left_s(&hours, at(2, 17, 59) + 30000, 3600), 30);
    assert_int_equal(orl_hours_left_s(&hours, at(2, 9, 0), 3600), 3600);
    assert_int_equal(orl_hours_left_s(&hours, at(2, 18, 0), 3600), 0);
    const struct orl_hours always = hours_of("daily 00:00-24:00");
    assert_int_equal(orl_hours_left_s(&always, at(1, 23, 59), 3600), 3600);
}

/* The clock's own words count, on the night it is put back (25 October 2026) and forward (29 March). */
static void a_changed_clock_keeps_the_hours_of_the_wall(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
    tzset();
    const struct orl_hours hours = hours_of("sun 02:00-04:00");
    const uint64_t two_ms = UINT64_C(1792886400000); /* 2026-10-25 00:00 UTC is 02:00 in summer */
    assert_true(orl_hours_has(&hours, two_ms));
    assert_true(orl_hours_has(&hours, two_ms + UINT64_C(3600000))); /* 02:00 again */
    assert_int_equal(orl_hours_left_s(&hours, two_ms, 36000), 3 * 3600);
    const uint64_t spring_ms = UINT64_C(1774746000000);     /* 2026-03-29 01:00 UTC: 03:00 */
    assert_false(orl_hours_has(&hours, spring_ms - 60000)); /* 01:59 */
    assert_true(orl_hours_has(&hours, spring_ms));
    assert_int_equal(orl_hours_left_s(&hours, spring_ms, 36000), 3600);
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
}

static void other_text_is_no_hours(void **state)
{
    const char *texts[] = {"mon", "mon 08:00", "mon 08:00-", "mon 8:00-9:00", "mon 08:00-24:01",
            "mon 24:00-08:00", "mon 08:60-09:00", "mo 08:00-09:00", "mon- 08:00-09:00",
            "mon, 08:00-09:00", "mon08:00-09:00", "mon 08:00-09:00 x", "; mon 08:00-09:00",
            "mon 08:00-09:00;;", "mon -8:00-09:00", " "};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct orl_hours hours;
        if (orl_hours_parse(texts[i], &hours, NULL) != ORL_E_INVAL) {
            fail_msg("\"%s\" is taken", texts[i]);
        }
    }
    static const char with_rest[] = "mon 08:00-09:00  spares=2";
    struct orl_hours hours = {{0}};
    size_t used = 0;
    assert_int_equal(orl_hours_add(&hours, with_rest, sizeof(with_rest) - 1, &used, NULL), 0);
    assert_string_equal(with_rest + used, "spares=2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_window_has_its_first_minute_and_not_its_last),
            cmocka_unit_test(a_window_may_go_past_midnight_and_past_the_week),
            cmocka_unit_test(what_is_left_ends_with_the_window),
            cmocka_unit_test(a_changed_clock_keeps_the_hours_of_the_wall),
            cmocka_unit_test(other_text_is_no_hours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
