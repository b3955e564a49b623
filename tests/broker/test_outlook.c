#include "broker/pool_outlook.h"
#include "broker/session_lease.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct orl_pool_row pool_of(enum orl_pool_kind kind, uint32_t max)
{
    return (struct orl_pool_row){.kind = kind, .max_desktops = max};
}

static void pool_below_its_maximum_is_worth_waiting_for(void **state)
{
    struct orl_pool_row pool = pool_of(ORL_POOL_FLOATING, 3);
    struct orl_desktop_counts counts = {.total = 3, .given = 2};
    (void)state;
    assert_int_equal(orl_outlook_judge(&pool, &counts, 1, true), ORL_REASON_NONE);
    assert_int_equal(orl_outlook_judge(&pool, &counts, 2, true), ORL_REASON_POOL_FULL);
    counts.given = 3;
    assert_int_equal(orl_outlook_judge(&pool, &counts, 1, true), ORL_REASON_POOL_FULL);
}

static void problem_refuses_only_when_nothing_is_in_the_making(void **state)
{
    struct orl_pool_row pool = pool_of(ORL_POOL_FLOATING, 3);
    struct orl_desktop_counts counts = {0};
    (void)state;
    pool.problem = ORL_REASON_TEMPLATE_MISSING;
    assert_int_equal(orl_outlook_judge(&pool, &counts, 1, true), ORL_REASON_TEMPLATE_MISSING);
    counts.by[ORL_LEASE_FREE][ORL_POWER_STARTING] = 1;
    assert_int_equal(orl_outlook_judge(&pool, &counts, 1, true), ORL_REASON_NONE);
}

static void silent_vmpool_is_said_and_static_pools_need_none(void **state)
{
    struct orl_pool_row pool = pool_of(ORL_POOL_DEDICATED, 3);
    struct orl_desktop_counts counts = {0};
    (void)state;
    assert_int_equal(orl_outlook_judge(&pool, &counts, 1, false), ORL_REASON_VMPOOL_DOWN);
    pool.kind = ORL_POOL_STATIC;
    assert_int_equal(orl_outlook_judge(&pool, &counts, 1, false), ORL_REASON_POOL_FULL);
    counts.total = 1;
    assert_int_equal(orl_outlook_judge(&pool, &counts, 1, false), ORL_REASON_CONSOLE_UNREACHABLE);
    counts.given = 1;
    assert_int_equal(orl_outlook_judge(&pool, &counts, 1, false), ORL_REASON_POOL_FULL);
    pool.is_deleted = true;
    assert_int_equal(orl_outlook_judge(&pool, &counts, 1, false), ORL_REASON_NO_SUCH_POOL);
}

static void session_ends_with_its_machine_but_waits_for_it_to_start(void **state)
{
    struct orl_session_row session = {.state = ORL_SESSION_ACTIVE};
    struct orl_desktop_row desktop = {.power = ORL_POWER_STOPPED};
    (void)state;
    assert_int_equal(orl_leases_end_of(&session, &desktop), ORL_REASON_LOGGED_OFF);
    session.state = ORL_SESSION_DISCONNECTED;
    desktop.power = ORL_POWER_ABSENT;
    assert_int_equal(orl_leases_end_of(&session, &desktop), ORL_REASON_LOGGED_OFF);
    desktop.power = ORL_POWER_FAILED;
    assert_int_equal(orl_leases_end_of(&session, &desktop), ORL_REASON_GUEST_DIED);
    desktop.power = ORL_POWER_REBOOTING;
    assert_int_equal(orl_leases_end_of(&session, &desktop), ORL_REASON_NONE);
    session.state = ORL_SESSION_WAITING;
    desktop.power = ORL_POWER_STOPPED;
    assert_int_equal(orl_leases_end_of(&session, &desktop), ORL_REASON_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(pool_below_its_maximum_is_worth_waiting_for),
            cmocka_unit_test(problem_refuses_only_when_nothing_is_in_the_making),
            cmocka_unit_test(silent_vmpool_is_said_and_static_pools_need_none),
            cmocka_unit_test(session_ends_with_its_machine_but_waits_for_it_to_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
