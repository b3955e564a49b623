#include "broker/session_end.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define START_MS UINT64_C(1000000000)

static struct orl_pool_policy policy_of(uint32_t idle_s, uint32_t max_s)
{
    return (struct orl_pool_policy){.idle_timeout_s = idle_s,
            .max_session_s = max_s,
            .warn_first_s = 300,
            .warn_last_s = 60};
}

static struct orl_session_end after(
        const struct orl_pool_policy *policy, uint32_t session_s, uint32_t input_s)
{
    const struct orl_session_facts facts = {.now_ms = START_MS + (uint64_t)session_s * 1000,
            .started_ms = START_MS,
            .last_input_ms = START_MS + (uint64_t)input_s * 1000,
            .hours_left_s = ORL_END_NEVER,
            .is_connected = true};
    return orl_session_end_next(policy, &facts);
}

static void nothing_ends_without_a_rule(void **state)
{
    (void)state;
    const struct orl_pool_policy policy = policy_of(0, 0);
    const struct orl_session_end end = after(&policy, 1000000, 0);
    assert_int_equal(end.stage, ORL_END_FAR);
    assert_int_equal(end.left_s, ORL_END_NEVER);
}

static void two_warnings_come_before_an_end(void **state)
{
    (void)state;
    const struct orl_pool_policy policy = policy_of(0, 3600);
    assert_int_equal(after(&policy, 3299, 0).stage, ORL_END_FAR);
    assert_int_equal(after(&policy, 3300, 0).stage, ORL_END_FIRST_WARNING);
    assert_int_equal(after(&policy, 3300, 3300).reason, ORL_REASON_MAX_SESSION);
    assert_int_equal(after(&policy, 3540, 0).stage, ORL_END_LAST_WARNING);
    assert_int_equal(after(&policy, 3599, 0).left_s, 1);
    assert_int_equal(after(&policy, 3600, 3600).stage, ORL_END_NOW);
}

static void input_puts_the_idle_end_off_and_no_other(void **state)
{
    (void)state;
    const struct orl_pool_policy policy = policy_of(1800, 7200);
    assert_int_equal(after(&policy, 1600, 0).reason, ORL_REASON_IDLE_TIMEOUT);
    assert_int_equal(after(&policy, 1600, 1599).stage, ORL_END_FAR);
    assert_int_equal(after(&policy, 1800, 0).stage, ORL_END_NOW);
    assert_int_equal(after(&policy, 7000, 6999).reason, ORL_REASON_MAX_SESSION);
}

static void the_end_that_comes_first_counts(void **state)
{
    (void)state;
    struct orl_session_facts facts = {.now_ms = START_MS + 100000,
            .started_ms = START_MS,
            .last_input_ms = START_MS + 100000,
            .hours_left_s = 50,
            .is_connected = true};
    const struct orl_pool_policy policy = policy_of(3600, 200);
    assert_int_equal(orl_session_end_next(&policy, &facts).reason, ORL_REASON_OUTSIDE_HOURS);
    facts.hours_left_s = 150;
    assert_int_equal(orl_session_end_next(&policy, &facts).reason, ORL_REASON_MAX_SESSION);
    facts.hours_left_s = 0;
    assert_int_equal(orl_session_end_next(&policy, &facts).stage, ORL_END_NOW);
}

/* A clock that was put back makes nothing end, and nothing last for ever. */
static void a_clock_that_steps_ends_nothing(void **state)
{
    (void)state;
    const struct orl_pool_policy policy = policy_of(600, 3600);
    const struct orl_session_facts facts = {.now_ms = START_MS - 500000,
            .started_ms = START_MS,
            .last_input_ms = START_MS,
            .hours_left_s = ORL_END_NEVER,
            .is_connected = true};
    assert_int_equal(orl_session_end_next(&policy, &facts).stage, ORL_END_FAR);
}

static void a_short_time_is_not_one_long_warning(void **state)
{
    (void)state;
    const struct orl_pool_policy policy = policy_of(60, 0);
    assert_int_equal(after(&policy, 29, 0).stage, ORL_END_FAR);
    assert_int_not_equal(after(&policy, 31, 0).stage, ORL_END_FAR);
}

static void who_is_away_has_no_input_to_miss(void **state)
{
    (void)state;
    const struct orl_pool_policy policy = policy_of(60, 0);
    const struct orl_session_facts facts = {.now_ms = START_MS + 100000,
            .started_ms = START_MS,
            .last_input_ms = START_MS,
            .hours_left_s = ORL_END_NEVER};
    assert_int_equal(orl_session_end_next(&policy, &facts).stage, ORL_END_FAR);
}

static void a_text_says_when_and_what_to_do(void **state)
{
    (void)state;
    char text[ORL_TEXT_MAX + 1];
    struct orl_session_end end = {.stage = ORL_END_FAR};
    orl_session_end_text(&end, text);
    assert_string_equal(text, "");
    end = (struct orl_session_end){ORL_END_FIRST_WARNING, ORL_REASON_IDLE_TIMEOUT, 241};
    orl_session_end_text(&end, text);
    assert_non_null(strstr(text, "in 5 minutes"));
    assert_non_null(strstr(text, "Press a key"));
    end = (struct orl_session_end){ORL_END_LAST_WARNING, ORL_REASON_MAX_SESSION, 41};
    orl_session_end_text(&end, text);
    assert_non_null(strstr(text, "in 50 seconds"));
    assert_non_null(strstr(text, "save your work"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(nothing_ends_without_a_rule),
            cmocka_unit_test(two_warnings_come_before_an_end),
            cmocka_unit_test(input_puts_the_idle_end_off_and_no_other),
            cmocka_unit_test(the_end_that_comes_first_counts),
            cmocka_unit_test(a_clock_that_steps_ends_nothing),
            cmocka_unit_test(a_short_time_is_not_one_long_warning),
            cmocka_unit_test(who_is_away_has_no_input_to_miss),
            cmocka_unit_test(a_text_says_when_and_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
