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
                    .wake_timeout_ms = 20000,
                    .stop_timeout_ms = 20000,
                    .reserve_memory_mib = 512,
                    .reserve_disk_mib = 100},
            .free_memory_mib = 16384,
            .free_disk_mib = 10000,
            .starts = {.all = 8, .spares = 8},
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

static struct orl_plan_desktop *add_asleep(struct rig *rig)
{
    struct orl_plan_desktop *d = add(rig, ORL_LEASE_FREE, ORL_POWER_SUSPENDED);
    d->is_alive = true;
    return d;
}

static void who_waits_wakes_one_that_sleeps(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 0, 8);
    rig.pools[0].spares_suspended = 2;
    rig.pools[0].waiting = 1;
    add(&rig, ORL_LEASE_FREE, ORL_POWER_STARTING)->is_busy = true; /* takes too long for that */
    struct orl_plan_desktop *d = add_asleep(&rig);
    add_asleep(&rig);
    expect_only(&rig, ORL_PLAN_WAKE);
    d->is_busy = true;
    d->is_woken = true;
    assert_int_equal(count(&rig, ORL_PLAN_WAKE), 0);
    d->is_busy = false;
    d->power = ORL_POWER_RUNNING;
    expect_only(&rig, ORL_PLAN_LOOK);
    rig.pools[0].waiting = 0; /* has got it, or has gone */
    d->is_ready = true;
    assert_int_equal(count(&rig, ORL_PLAN_WAKE), 0);
}

static void a_persons_own_is_woken_but_in_maintenance(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 0, 8);
    struct orl_plan_desktop *d = add(&rig, ORL_LEASE_IN_USE, ORL_POWER_SUSPENDED);
    d->is_alive = true;
    expect_only(&rig, ORL_PLAN_WAKE);
    d->want = ORL_WANT_STOP; /* only one that is awake can be asked to */
    expect_only(&rig, ORL_PLAN_WAKE);
    d->retry_ms = NOW_MS + 1;
    assert_int_equal(count(&rig, ORL_PLAN_WAKE), 0);
    d->retry_ms = 0;
    d->is_maintenance = true;
    assert_int_equal(count(&rig, ORL_PLAN_WAKE), 0);
}

static void one_that_does_not_wake_is_given_up_soon(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 1, 4);
    struct orl_plan_desktop *d = add(&rig, ORL_LEASE_FREE, ORL_POWER_RUNNING);
    d->is_ready = false;
    d->changed_ms = NOW_MS - 20000;
    d->looked_ms = NOW_MS;
    assert_int_equal(count(&rig, ORL_PLAN_EXPIRE), 0);
    d->is_woken = true;
    expect_only(&rig, ORL_PLAN_EXPIRE);
}

static void spares_sleep_as_many_as_shall(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 1, 8);
    rig.pools[0].spares_suspended = 2;
    add(&rig, ORL_LEASE_FREE, ORL_POWER_RUNNING);
    add(&rig, ORL_LEASE_FREE, ORL_POWER_RUNNING);
    add(&rig, ORL_LEASE_FREE, ORL_POWER_RUNNING);
    assert_int_equal(count(&rig, ORL_PLAN_SUSPEND), 2);
    assert_int_equal(count(&rig, ORL_PLAN_RETIRE), 0);
    rig.desktops[1].power = ORL_POWER_SUSPENDED;
    rig.desktops[1].is_ready = false;
    rig.desktops[2] = rig.desktops[1];
    assert_int_equal(count(&rig, ORL_PLAN_SUSPEND), 0);
    assert_int_equal(rig.plan.count, 0);
    rig.desktops[0].lease = ORL_LEASE_IN_USE; /* the running one went: one wakes, one is made */
    assert_int_equal(count(&rig, ORL_PLAN_WAKE), 1);
    assert_int_equal(count(&rig, ORL_PLAN_INSERT), 1);
    rig.pools[0].spares = 0;
    rig.pools[0].spares_suspended = 0;
    assert_int_equal(count(&rig, ORL_PLAN_RETIRE), 2);
    assert_int_equal(count(&rig, ORL_PLAN_WAKE), 0);
}

static void a_pool_in_maintenance_makes_and_wakes_nothing(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 3, 8);
    rig.pools[0].is_maintenance = true;
    rig.pools[0].spares_suspended = 1;
    add_asleep(&rig);
    add(&rig, ORL_LEASE_FREE, ORL_POWER_RUNNING)->is_old = true;
    orl_pool_plan(&rig.in, &rig.plan, rig.verdicts);
    assert_int_equal(rig.plan.count, 0);
}

static void an_old_spare_goes_when_its_replacement_is_ready(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 2, 8);
    add(&rig, ORL_LEASE_FREE, ORL_POWER_RUNNING)->is_old = true;
    add(&rig, ORL_LEASE_FREE, ORL_POWER_RUNNING)->is_old = true;
    expect_only(&rig, ORL_PLAN_INSERT); /* one by one */
    struct orl_plan_desktop *d = add(&rig, ORL_LEASE_FREE, ORL_POWER_ABSENT);
    expect_only(&rig, ORL_PLAN_CLONE);
    d->power = ORL_POWER_RUNNING;
    expect_only(&rig, ORL_PLAN_LOOK);
    d->is_ready = true;
    rig.pools[0].waiting = 1; /* somebody takes it first */
    assert_int_equal(count(&rig, ORL_PLAN_RETIRE), 0);
    rig.pools[0].waiting = 0;
    assert_int_equal(count(&rig, ORL_PLAN_RETIRE), 1);
    assert_int_equal(rig.plan.actions[0].subject, 1);
    assert_int_equal(count(&rig, ORL_PLAN_INSERT), 1); /* the next one's replacement */
    assert_int_equal(rig.plan.count, 2);
    rig.desktops[1].lease = ORL_LEASE_ENDING;
    rig.desktops[1].is_busy = true;
    expect_only(&rig, ORL_PLAN_INSERT);
}

static void nobodys_session_is_touched_by_a_new_version(void **state)
{
    (void)state;
    for (int lease = ORL_LEASE_ASSIGNED; lease <= ORL_LEASE_DISCONNECTED; lease++) {
        for (int kind = ORL_POOL_FLOATING; kind <= ORL_POOL_DEDICATED; kind++) {
            struct rig rig;
            open_rig(&rig, 0, 8);
            rig.pools[0].kind = (enum orl_pool_kind)kind;
            rig.pools[0].spare_max_age_ms = 1;
            add(&rig, (enum orl_lease)lease, ORL_POWER_RUNNING)->is_old = true;
            orl_pool_plan(&rig.in, &rig.plan, rig.verdicts);
            assert_int_equal(rig.plan.count, 0);
        }
    }
}

static void a_spare_has_an_age(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 1, 8);
    rig.pools[0].spare_max_age_ms = 1000;
    struct orl_plan_desktop *d = add(&rig, ORL_LEASE_FREE, ORL_POWER_RUNNING);
    d->created_ms = NOW_MS - 999;
    assert_int_equal(count(&rig, ORL_PLAN_INSERT), 0);
    d->created_ms = NOW_MS - 1000;
    expect_only(&rig, ORL_PLAN_INSERT);
    add(&rig, ORL_LEASE_FREE, ORL_POWER_RUNNING)->created_ms = NOW_MS;
    expect_only(&rig, ORL_PLAN_RETIRE);
    assert_int_equal(rig.plan.actions[0].subject, 0);
}

/* There is no place for a replacement beside it. */
static void in_a_full_pool_an_old_spare_goes_first(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 2, 2);
    add(&rig, ORL_LEASE_FREE, ORL_POWER_RUNNING)->is_old = true;
    struct orl_plan_desktop *d = add(&rig, ORL_LEASE_FREE, ORL_POWER_RUNNING);
    d->is_old = true;
    rig.pools[0].waiting = 1;
    assert_int_equal(count(&rig, ORL_PLAN_RETIRE), 0);
    rig.pools[0].waiting = 0;
    expect_only(&rig, ORL_PLAN_RETIRE);
    d->is_old = false;
    d->is_ready = false; /* the last replacement is not there yet */
    d->looked_ms = NOW_MS;
    assert_int_equal(count(&rig, ORL_PLAN_RETIRE), 0);
}

static void without_a_good_template_spares_stay_as_they_are(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 1, 8);
    rig.pools[0].has_template = false;
    add(&rig, ORL_LEASE_FREE, ORL_POWER_RUNNING)->is_old = true;
    orl_pool_plan(&rig.in, &rig.plan, rig.verdicts);
    assert_int_equal(rig.plan.count, 0);
}

static void a_crowd_at_one_pool_does_not_starve_the_other(void **state)
{
    (void)state;
    struct rig rig;
    unsigned made[2] = {0};
    open_rig(&rig, 0, 5000);
    rig.pools[1] = rig.pools[0];
    rig.in.pool_count = 2;
    rig.pools[0].waiting = 1000;
    rig.pools[1].waiting = 3;
    rig.in.limits.max_in_flight = 1;
    for (unsigned i = 0; i < 6; i++) {
        expect_only(&rig, ORL_PLAN_INSERT);
        made[rig.plan.actions[0].subject]++;
        rig.in.turn = rig.plan.turn;
    }
    assert_int_equal(made[0], 3);
    assert_int_equal(made[1], 3);
}

static void people_come_before_spares(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 6, 20);
    rig.pools[1] = rig.pools[0];
    rig.pools[1].spares = 0;
    rig.pools[1].waiting = 2;
    rig.in.pool_count = 2;
    assert_int_equal(count(&rig, ORL_PLAN_INSERT), 2);
    assert_int_equal(rig.plan.actions[0].subject, 1);
    assert_int_equal(rig.plan.actions[1].subject, 1);
    add(&rig, ORL_LEASE_FREE, ORL_POWER_STOPPED);
    add(&rig, ORL_LEASE_FREE, ORL_POWER_STOPPED)->pool = 1;
    rig.in.starts = (struct orl_plan_starts){.all = 1, .spares = 1};
    assert_int_equal(count(&rig, ORL_PLAN_START), 1);
    assert_int_equal(rig.plan.actions[0].subject, 1);
    assert_int_equal(rig.plan.used.all, 1);
    assert_int_equal(rig.plan.used.spares, 0);
}

static void a_pressed_host_starts_only_for_people(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, 2, 8);
    rig.in.starts.spares = 0;
    add(&rig, ORL_LEASE_FREE, ORL_POWER_STOPPED);
    orl_pool_plan(&rig.in, &rig.plan, rig.verdicts);
    assert_int_equal(rig.plan.count, 0);
    assert_int_equal(rig.verdicts[0].problem, ORL_REASON_NONE);
    rig.pools[0].waiting = 1;
    expect_only(&rig, ORL_PLAN_START);
    rig.in.starts.all = 0;
    assert_int_equal(count(&rig, ORL_PLAN_START), 0);
}

/* Whatever a pool has, what is planned keeps to its numbers. */
static void no_plan_goes_over_what_is_allowed(void **state)
{
    (void)state;
    uint32_t seed = 12345;
    for (unsigned round = 0; round < 20000; round++) {
        struct rig rig;
        uint32_t r[12];
        for (size_t i = 0; i < 12; i++) {
            seed = seed * 1664525 + 1013904223;
            r[i] = seed >> 16;
        }
        open_rig(&rig, r[0] % 4, 1 + r[1] % 8);
        rig.pools[0].spares_suspended = r[2] % 3;
        rig.pools[0].waiting = r[3] % 3;
        rig.pools[0].spare_max_age_ms = r[4] % 2 * 10;
        rig.in.starts = (struct orl_plan_starts){.all = r[5] % 3, .spares = r[5] % 2};
        for (unsigned i = 0; i < r[6] % 9; i++) {
            uint32_t bits = r[7 + i % 5] >> (i / 5 * 8);
            struct orl_plan_desktop *d = add(&rig, ORL_LEASE_FREE,
                    bits % 3 == 0   ? ORL_POWER_SUSPENDED
                    : bits % 3 == 1 ? ORL_POWER_RUNNING
                                    : ORL_POWER_STOPPED);
            d->is_old = (bits & 4U) != 0;
            d->is_ready = d->power == ORL_POWER_RUNNING && (bits & 8U) != 0;
            d->is_busy = (bits & 48U) == 0;
        }
        unsigned good = 0;
        for (size_t i = 0; i < rig.in.desktop_count; i++) {
            const struct orl_plan_desktop *d = &rig.desktops[i];
            good += d->is_ready || d->power == ORL_POWER_SUSPENDED;
        }
        uint32_t wanted =
                rig.pools[0].spares + rig.pools[0].spares_suspended + rig.pools[0].waiting;
        unsigned inserts = count(&rig, ORL_PLAN_INSERT);
        unsigned lost = 0;
        unsigned taken[MAX] = {0};
        for (size_t i = 0; i < rig.plan.count; i++) {
            const struct orl_plan_action *a = &rig.plan.actions[i];
            const struct orl_plan_desktop *d = &rig.desktops[a->subject];
            if (a->kind == ORL_PLAN_INSERT) {
                continue;
            }
            assert_false(d->is_busy);
            assert_int_equal(taken[a->subject]++, 0);
            lost += a->kind == ORL_PLAN_RETIRE && (d->is_ready || d->power == ORL_POWER_SUSPENDED);
        }
        assert_true(rig.in.desktop_count + inserts <= rig.pools[0].max_desktops || inserts == 0);
        assert_true(rig.plan.used.all + rig.plan.used.spares <= rig.in.starts.all);
        assert_true(rig.plan.used.spares <= rig.in.starts.spares);
        /* What is good goes only when enough stays, or where the pool is over its maximum or cramped. */
        bool has_room = rig.in.desktop_count < rig.pools[0].max_desktops;
        assert_true(lost == 0 || good - lost >= wanted || !has_room);
        assert_true(good - lost >= rig.pools[0].waiting || lost == 0 ||
                    rig.in.desktop_count > rig.pools[0].max_desktops);
    }
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
            cmocka_unit_test(who_waits_wakes_one_that_sleeps),
            cmocka_unit_test(a_persons_own_is_woken_but_in_maintenance),
            cmocka_unit_test(one_that_does_not_wake_is_given_up_soon),
            cmocka_unit_test(spares_sleep_as_many_as_shall),
            cmocka_unit_test(a_pool_in_maintenance_makes_and_wakes_nothing),
            cmocka_unit_test(an_old_spare_goes_when_its_replacement_is_ready),
            cmocka_unit_test(nobodys_session_is_touched_by_a_new_version),
            cmocka_unit_test(a_spare_has_an_age),
            cmocka_unit_test(in_a_full_pool_an_old_spare_goes_first),
            cmocka_unit_test(without_a_good_template_spares_stay_as_they_are),
            cmocka_unit_test(a_crowd_at_one_pool_does_not_starve_the_other),
            cmocka_unit_test(people_come_before_spares),
            cmocka_unit_test(a_pressed_host_starts_only_for_people),
            cmocka_unit_test(no_plan_goes_over_what_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
