#include "vmpool/observed.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const enum orl_pool_kind kinds[] = {ORL_POOL_FLOATING, ORL_POOL_DEDICATED};

/* For every legal row and every state of its machine. */
static void what_is_observed_is_a_legal_move(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (size_t k = 0; k < 2; k++) {
        for (int lease = ORL_LEASE_FREE; lease < ORL_LEASE_COUNT; lease++) {
            for (int power = ORL_POWER_ABSENT; power < ORL_POWER_COUNT; power++) {
                struct orl_desktop_state from = {.kind = kinds[k],
                        .lease = (enum orl_lease)lease,
                        .power = (enum orl_power)power,
                        .is_tainted = lease != ORL_LEASE_FREE};
                for (int vm = ORL_VM_ABSENT; vm <= ORL_VM_STUCK; vm++) {
                    if (!orl_desktop_state_is_legal(&from)) {
                        continue;
                    }
                    struct orl_observed to =
                            orl_observed(from.power, from.lease, 0, (enum orl_vm_state)vm);
                    struct orl_desktop_state next = from;
                    next.power = to.power;
                    assert_true(orl_desktop_move_is_legal(&from, &next));
                    seen++;
                }
            }
        }
    }
    assert_true(seen > 300);
}

static void a_crash_restarts_a_person_once(void **state)
{
    (void)state;
    struct orl_observed first =
            orl_observed(ORL_POWER_RUNNING, ORL_LEASE_IN_USE, 0, ORL_VM_CRASHED);
    assert_int_equal(first.power, ORL_POWER_REBOOTING);
    assert_true(first.has_died);
    struct orl_observed second =
            orl_observed(ORL_POWER_RUNNING, ORL_LEASE_IN_USE, 1, ORL_VM_CRASHED);
    assert_int_equal(second.power, ORL_POWER_FAILED);
    assert_true(second.has_died);
}

static void a_crash_counts_once(void **state)
{
    (void)state;
    struct orl_observed again =
            orl_observed(ORL_POWER_REBOOTING, ORL_LEASE_IN_USE, 1, ORL_VM_CRASHED);
    assert_int_equal(again.power, ORL_POWER_REBOOTING);
    assert_false(again.has_died);
}

static void a_restart_that_nobody_waits_for_is_over(void **state)
{
    (void)state;
    assert_int_equal(orl_observed(ORL_POWER_REBOOTING, ORL_LEASE_ENDING, 1, ORL_VM_OFF).power,
            ORL_POWER_STOPPED);
    assert_int_equal(orl_observed(ORL_POWER_REBOOTING, ORL_LEASE_ENDING, 1, ORL_VM_CRASHED).power,
            ORL_POWER_STOPPED);
}

static void a_guest_that_switches_itself_off_has_not_died(void **state)
{
    (void)state;
    struct orl_observed seen = orl_observed(ORL_POWER_RUNNING, ORL_LEASE_IN_USE, 0, ORL_VM_OFF);
    assert_int_equal(seen.power, ORL_POWER_STOPPED);
    assert_false(seen.has_died);
}

static void what_was_under_way_is_found_out(void **state)
{
    (void)state;
    assert_int_equal(orl_observed(ORL_POWER_CLONING, ORL_LEASE_FREE, 0, ORL_VM_ABSENT).power,
            ORL_POWER_ABSENT);
    assert_int_equal(
            orl_observed(ORL_POWER_CLONING, ORL_LEASE_FREE, 0, ORL_VM_OFF).power, ORL_POWER_ABSENT);
    assert_int_equal(orl_observed(ORL_POWER_STARTING, ORL_LEASE_FREE, 0, ORL_VM_RUNNING).power,
            ORL_POWER_RUNNING);
    assert_int_equal(orl_observed(ORL_POWER_STOPPING, ORL_LEASE_ENDING, 0, ORL_VM_ABSENT).power,
            ORL_POWER_ABSENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_is_observed_is_a_legal_move),
            cmocka_unit_test(a_crash_restarts_a_person_once),
            cmocka_unit_test(a_crash_counts_once),
            cmocka_unit_test(a_restart_that_nobody_waits_for_is_over),
            cmocka_unit_test(a_guest_that_switches_itself_off_has_not_died),
            cmocka_unit_test(what_was_under_way_is_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
