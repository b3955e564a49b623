#include "vmpool/pool_plan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { MAX = 16, NOW_MS = 1000000 };

struct rig {
    struct orl_plan_pool pools[2];
    struct orl_plan_desktop desktops[MAX];
    struct orl_plan_input in;
    struct orl_plan plan;
    struct orl_plan_verdict verdicts[2];
};

static void open_rig(struct rig *rig, uint32_t spares, uint32_t max)
{
    memset(rig, 0, sizeof *rig);
    rig->pools[0] = (struct orl_plan_pool){.kind = ORL_POOL_FLOATING,
            .spares = spares,
            .max_desktops = max,
            .memory_mib = 512,
            .has_template = true};
    rig->in = (struct orl_plan_input){.pools = rig->pools,
            .pool_count = 1,
            .desktops = rig->desktops,
            .limits = {.max_in_flight = 2,
                    .max_attempts = 3,
                    .look_period_ms = 1000,
                    .static_period_ms = 10000,
                    .ready_timeout_ms = 60000,
                    .stop_timeout_ms = 20000,
                    .reserve_memory_mib = 512,
                    .reserve_disk_mib = 100},
            .free_memory_mib = 16384,
            .free_disk_mib = 10000,
            .now_ms = NOW_MS};
}

static struct orl_plan_desktop *add(struct rig *rig, enum orl_lease lease, enum orl_power power)
{
    struct orl_plan_desktop *d = &rig->desktops[rig->in.desktop_count++];
    *d = (struct orl_plan_desktop){.lease = lease,
            .power = power,
            .want = ORL_WANT_RUN,
            .is_tainted = lease != ORL_LEASE_FREE,
            .is_here = power != ORL_POWER_ABSENT,
            .is_alive = power == ORL_POWER_RUNNING,
            .is_ready = power == ORL_POWER_RUNNING,
            .changed_ms = NOW_MS,
            .created_ms = rig->in.desktop_count};
    return d;
}

static unsigned count(struct rig *rig, enum orl_plan_kind kind)
{
    unsigned found = 0;
    orl_pool_plan(&rig->in, &rig->plan, rig->verdicts);
    for (size_t i = 0; i < rig->plan.count; i++) {
        found += rig->plan.actions[i].kind == kind;
    }
    return found;
}

static void expect_only(struct rig *rig, enum orl_plan_kind kind)
{
    assert_int_equal(count(rig, kind), 1);
    assert_int_equal(rig->plan.count, 1);
}

static void spares_are_made_within_what_may_be_in_flight(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 5, 10);
    assert_int_equal(count(&rig, ORL_PLAN_INSERT), 2);
}

static void the_maximum_counts_what_is_ending_too(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 2, 2);
    add(&rig, ORL_LEASE_IN_USE, ORL_POWER_RUNNING);
    add(&rig, ORL_LEASE_ENDING, ORL_POWER_STOPPING)->is_busy = true;
    assert_int_equal(count(&rig, ORL_PLAN_INSERT), 0);
}

static void who_waits_at_the_maximum_learns_why(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 0, 1);
    rig.pools[0].waiting = 1;
    add(&rig, ORL_LEASE_IN_USE, ORL_POWER_RUNNING);
    assert_int_equal(count(&rig, ORL_PLAN_INSERT), 0);
    assert_int_equal(rig.verdicts[0].problem, ORL_REASON_POOL_FULL);
}

static void a_full_host_makes_nothing_and_says_so(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 1, 4);
    rig.in.free_memory_mib = 600;
    assert_int_equal(count(&rig, ORL_PLAN_INSERT), 0);
    assert_int_equal(rig.verdicts[0].problem, ORL_REASON_HOST_FULL);
    rig.in.free_memory_mib = 16384;
    rig.in.free_disk_mib = 50;
    assert_int_equal(count(&rig, ORL_PLAN_INSERT), 0);
    assert_int_equal(rig.verdicts[0].problem, ORL_REASON_HOST_FULL);
}

static void memory_that_a_boot_will_take_is_not_given_twice(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 2, 4);
    rig.in.limits.max_in_flight = 4;
    rig.in.free_memory_mib = 512 + 512 + 100;
    add(&rig, ORL_LEASE_FREE, ORL_POWER_STARTING)->is_busy = true;
    assert_int_equal(count(&rig, ORL_PLAN_INSERT), 0);
}

static void a_bad_template_is_the_pools_problem(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 1, 4);
    rig.pools[0].has_template = false;
    rig.pools[0].template_reason = ORL_REASON_TEMPLATE_CORRUPT;
    assert_int_equal(count(&rig, ORL_PLAN_INSERT), 0);
    assert_int_equal(rig.verdicts[0].problem, ORL_REASON_TEMPLATE_CORRUPT);
}

static void a_given_desktop_is_destroyed_never_reused(void **state)
{
    (void)state;
    static const enum orl_power powers[] = {
            ORL_POWER_RUNNING, ORL_POWER_STOPPED, ORL_POWER_FAILED, ORL_POWER_SUSPENDED};
    for (size_t i = 0; i < sizeof powers / sizeof powers[0]; i++) {
        struct rig rig;
        open_rig(&rig, 0, 4);
        add(&rig, ORL_LEASE_ENDING, powers[i])->want = ORL_WANT_DELETE;
        expect_only(&rig, ORL_PLAN_DELETE);
    }
}

static void a_row_goes_only_when_nothing_is_left(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 0, 4);
    struct orl_plan_desktop *d = add(&rig, ORL_LEASE_ENDING, ORL_POWER_ABSENT);
    d->is_here = true;
    expect_only(&rig, ORL_PLAN_DELETE);
    d->is_here = false;
    expect_only(&rig, ORL_PLAN_FORGET);
}

static void a_dedicated_desktop_is_stopped_and_kept(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 0, 4);
    rig.pools[0].kind = ORL_POOL_DEDICATED;
    struct orl_plan_desktop *d = add(&rig, ORL_LEASE_ENDING, ORL_POWER_RUNNING);
    d->want = ORL_WANT_STOP;
    expect_only(&rig, ORL_PLAN_STOP);
    d->power = ORL_POWER_STOPPING;
    assert_int_equal(count(&rig, ORL_PLAN_KILL), 0);
    d->changed_ms = NOW_MS - 20000;
    expect_only(&rig, ORL_PLAN_KILL);
    d->power = ORL_POWER_STOPPED;
    d->is_alive = false;
    expect_only(&rig, ORL_PLAN_RELEASE);
    d->lease = ORL_LEASE_ASSIGNED;
    assert_int_equal(count(&rig, ORL_PLAN_START), 0);
    d->want = ORL_WANT_RUN; /* its person is back */
    expect_only(&rig, ORL_PLAN_START);
}

static void who_switches_a_guest_off_keeps_it_off(void **state)
{
    (void)state;
    for (int kind = ORL_POOL_FLOATING; kind <= ORL_POOL_DEDICATED; kind++) {
        struct rig rig;
        open_rig(&rig, 0, 4);
        rig.pools[0].kind = (enum orl_pool_kind)kind;
        add(&rig, ORL_LEASE_IN_USE, ORL_POWER_STOPPED);
        assert_int_equal(count(&rig, ORL_PLAN_START), 0);
    }
}

static void a_crashed_guest_is_started_for_its_person(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 0, 4);
    struct orl_plan_desktop *d = add(&rig, ORL_LEASE_IN_USE, ORL_POWER_REBOOTING);
    expect_only(&rig, ORL_PLAN_START);
    d->power = ORL_POWER_FAILED;
    assert_int_equal(count(&rig, ORL_PLAN_START), 0);
}

static void a_guest_that_restarts_itself_is_looked_at_and_left_alone(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 0, 4);
    struct orl_plan_desktop *d = add(&rig, ORL_LEASE_IN_USE, ORL_POWER_REBOOTING);
    d->is_alive = true;
    d->is_here = true;
    d->changed_ms = NOW_MS;
    expect_only(&rig, ORL_PLAN_LOOK);
    d->changed_ms = 0;
    expect_only(&rig, ORL_PLAN_EXPIRE);
    d->want = ORL_WANT_STOP;
    expect_only(&rig, ORL_PLAN_STOP);
}

static void nothing_is_tried_before_its_time(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 1, 4);
    struct orl_plan_desktop *d = add(&rig, ORL_LEASE_FREE, ORL_POWER_ABSENT);
    d->attempts = 1;
    d->retry_ms = NOW_MS + 1;
    assert_int_equal(count(&rig, ORL_PLAN_CLONE), 0);
    d->retry_ms = NOW_MS;
    expect_only(&rig, ORL_PLAN_CLONE);
    d->attempts = 3;
    expect_only(&rig, ORL_PLAN_RETIRE);
    rig.in.desktop_count = 0;
    rig.pools[0].retry_ms = NOW_MS + 1;
    assert_int_equal(count(&rig, ORL_PLAN_INSERT), 0);
    assert_int_equal(orl_plan_backoff_ms(1), 1000);
    assert_int_equal(orl_plan_backoff_ms(4), 8000);
    assert_int_equal(orl_plan_backoff_ms(1000), 600000);
}

static void a_boot_is_watched_until_its_deadline(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 1, 4);
    struct orl_plan_desktop *d = add(&rig, ORL_LEASE_FREE, ORL_POWER_RUNNING);
    d->is_ready = false;
    expect_only(&rig, ORL_PLAN_LOOK);
    d->looked_ms = NOW_MS - 1;
    assert_int_equal(count(&rig, ORL_PLAN_LOOK), 0);
    d->changed_ms = NOW_MS - 60000;
    expect_only(&rig, ORL_PLAN_EXPIRE);
}

static void too_many_spares_are_retired_the_youngest_first(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 1, 4);
    add(&rig, ORL_LEASE_FREE, ORL_POWER_RUNNING);
    add(&rig, ORL_LEASE_FREE, ORL_POWER_RUNNING);
    expect_only(&rig, ORL_PLAN_RETIRE);
    assert_int_equal(rig.plan.actions[0].subject, 1);
}

static void an_end_does_not_wait_for_boots(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 2, 8);
    add(&rig, ORL_LEASE_FREE, ORL_POWER_RUNNING)->is_ready = false;
    add(&rig, ORL_LEASE_FREE, ORL_POWER_RUNNING)->is_ready = false;
    add(&rig, ORL_LEASE_ENDING, ORL_POWER_RUNNING)->want = ORL_WANT_DELETE;
    assert_int_equal(count(&rig, ORL_PLAN_DELETE), 1);
}

static void a_busy_desktop_is_left_alone(void **state)
{
    (void)state;
    for (int power = ORL_POWER_ABSENT; power < ORL_POWER_COUNT; power++) {
        struct rig rig;
        open_rig(&rig, 0, 1);
        add(&rig, ORL_LEASE_ENDING, (enum orl_power)power)->is_busy = true;
        orl_pool_plan(&rig.in, &rig.plan, rig.verdicts);
        assert_int_equal(rig.plan.count, 0);
    }
}

static void a_deleted_pool_drains(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 2, 4);
    rig.pools[0].is_deleted = true;
    add(&rig, ORL_LEASE_FREE, ORL_POWER_RUNNING);
    add(&rig, ORL_LEASE_IN_USE, ORL_POWER_RUNNING);
    expect_only(&rig, ORL_PLAN_RETIRE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(spares_are_made_within_what_may_be_in_flight),
            cmocka_unit_test(the_maximum_counts_what_is_ending_too),
            cmocka_unit_test(who_waits_at_the_maximum_learns_why),
            cmocka_unit_test(a_full_host_makes_nothing_and_says_so),
            cmocka_unit_test(memory_that_a_boot_will_take_is_not_given_twice),
            cmocka_unit_test(a_bad_template_is_the_pools_problem),
            cmocka_unit_test(a_given_desktop_is_destroyed_never_reused),
            cmocka_unit_test(a_row_goes_only_when_nothing_is_left),
            cmocka_unit_test(a_dedicated_desktop_is_stopped_and_kept),
            cmocka_unit_test(who_switches_a_guest_off_keeps_it_off),
            cmocka_unit_test(a_crashed_guest_is_started_for_its_person),
            cmocka_unit_test(a_guest_that_restarts_itself_is_looked_at_and_left_alone),
            cmocka_unit_test(nothing_is_tried_before_its_time),
            cmocka_unit_test(a_boot_is_watched_until_its_deadline),
            cmocka_unit_test(too_many_spares_are_retired_the_youngest_first),
            cmocka_unit_test(an_end_does_not_wait_for_boots),
            cmocka_unit_test(a_busy_desktop_is_left_alone),
            cmocka_unit_test(a_deleted_pool_drains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
