/* Component: a thousand people log in at once, with passwords, by a real broker. */
#include "storm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void a_thousand_logins_none_lost_none_double_none_overtaken(void **state)
{
    static struct storm_result result;
    const struct storm_opts opts = {
            .people = 1000, .networks = 40, .at_once = 20, .password_cost = "minimal"};
    (void)state;
    storm_run(&opts, &result);
    assert_true(result.waited > 0);
    assert_true(result.noticed > 0);
    assert_true(
            storm_metric(&result, "oriel_login_seconds_count{part=\"authentication\"} ") == 1000);
    assert_true(storm_metric(&result, "oriel_login_seconds_count{part=\"decision\"} ") == 1000);
    assert_true(storm_metric(&result, "oriel_login_seconds_count{part=\"queue\"} ") == 1000);
    assert_true(storm_metric(&result, "oriel_password_checks_total{result=\"checked\"} ") == 1000);
    print_message("%.1f s, %u waited, %u texts\n", result.seconds, result.waited, result.noticed);
}

/* Twenty-five passwords for each network: more than the failures that would make answers late. */
static void nobody_is_held_for_the_number_of_neighbours(void **state)
{
    static struct storm_result result;
    const struct storm_opts opts = {
            .people = 150, .networks = 1, .at_once = 150, .password_cost = "minimal"};
    (void)state;
    storm_run(&opts, &result);
    assert_true(storm_metric(&result, "oriel_refusals_total{reason=\"auth_delayed\"} ") <= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_thousand_logins_none_lost_none_double_none_overtaken),
            cmocka_unit_test(nobody_is_held_for_the_number_of_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
