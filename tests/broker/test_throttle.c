#include "base/clock.h"
#include "broker/throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define MINUTE (60 * ORL_US_PER_S)

static int set_up(void **state)
{
    return orl_throttle_new(1024, (struct orl_throttle **)state, NULL);
}

static int tear_down(void **state)
{
    orl_throttle_free(*state);
    return 0;
}

static void fail_times(
        struct orl_throttle *t, const char *account, const char *client, int times, uint64_t now_us)
{
    for (int i = 0; i < times; i++) {
        orl_throttle_begin(t, account, client, now_us);
        orl_throttle_fail(t, account, client, now_us);
    }
}

static uint64_t wait_of(
        struct orl_throttle *t, const char *account, const char *client, uint64_t now_us)
{
    return orl_throttle_check(t, account, client, now_us).wait_us;
}

static uint64_t hold_of(
        struct orl_throttle *t, const char *account, const char *client, uint64_t now_us)
{
    return orl_throttle_check(t, account, client, now_us).hold_us;
}

static void three_failures_are_free_then_the_delay_grows(void **state)
{
    struct orl_throttle *t = *state;
    uint64_t last = 0;
    fail_times(t, "alice", "10.0.0.1:1", 3, 1);
    assert_int_equal(wait_of(t, "alice", "10.0.0.1:2", 1), 0);
    for (int i = 0; i < 12; i++) {
        fail_times(t, "alice", "10.0.0.1:3", 1, 1);
        uint64_t wait = wait_of(t, "alice", "10.0.0.1:4", 1);
        assert_true(wait > last || wait == 300 * ORL_US_PER_S);
        last = wait;
    }
    assert_int_equal(last, 300 * ORL_US_PER_S);
    assert_int_equal(wait_of(t, "alice", "10.0.0.1:4", 1 + last), 0);
}

static void neighbours_of_a_guesser_are_never_locked_out(void **state)
{
    struct orl_throttle *t = *state;
    char name[16];
    orl_throttle_begin(t, "carol", "10.0.7.1:1", 1);
    orl_throttle_forgive(t, "carol", "10.0.7.1:1");
    for (int i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof(name), "guess%d", i);
        fail_times(t, name, "10.0.7.1:1", 1, 1);
    }
    assert_int_equal(wait_of(t, "newcomer", "10.0.7.1:2", 1), 0);
    assert_true(hold_of(t, "newcomer", "10.0.7.1:2", 1) > 0);
    assert_int_equal(wait_of(t, "carol", "10.0.7.1:2", 1), 0);
    assert_int_equal(hold_of(t, "carol", "10.0.7.1:2", 1), 0);
    assert_int_equal(wait_of(t, "t-0123456789abcdef", "10.0.7.1:2", 1), 0);
    assert_int_equal(hold_of(t, "t-0123456789abcdef", "10.0.7.1:2", 1), 0);
    fail_times(t, "t-0123456789abcdef", "10.0.7.9:2", 100, 1);
    assert_int_equal(wait_of(t, "newcomer", "10.0.7.9:2", 1), 0);
    assert_true(wait_of(t, "t-0123456789abcdef", "10.0.7.9:2", 1) > 0);
    fail_times(t, "carol", "10.0.7.1:3", 5, 1);
    assert_true(wait_of(t, "carol", "10.0.7.1:2", 1) > 0);
}

static void other_networks_and_other_accounts_are_not_refused(void **state)
{
    struct orl_throttle *t = *state;
    fail_times(t, "alice", "10.0.0.1:1", 15, 1);
    assert_true(wait_of(t, "ALICE", "10.0.0.1:1", 1) > 0);
    assert_int_equal(wait_of(t, "alice", "10.0.0.2:1", 1), 0);
    assert_int_equal(wait_of(t, "bob", "10.0.0.1:1", 1), 0);
}

static void nobody_can_be_locked_out_by_a_thousand_networks(void **state)
{
    struct orl_throttle *t = *state;
    for (unsigned i = 0; i < 1000; i++) {
        char client[40];
        (void)snprintf(client, sizeof(client), "10.1.%u.%u:1", i / 250, i % 250);
        fail_times(t, "alice", client, 30, 1);
    }
    struct orl_throttle_verdict verdict = orl_throttle_check(t, "alice", "192.0.2.1:1", 1);
    assert_int_equal(verdict.wait_us, 0);
    assert_true(verdict.hold_us > 0 && verdict.hold_us <= 2 * ORL_US_PER_S);
    assert_int_equal(orl_throttle_check(t, "bob", "192.0.2.1:1", 1).hold_us, 0);
}

static void many_accounts_from_one_prefix_are_slowed_down(void **state)
{
    struct orl_throttle *t = *state;
    for (unsigned i = 0; i < 40; i++) {
        char account[16];
        char client[40];
        (void)snprintf(account, sizeof(account), "user%u", i);
        (void)snprintf(client, sizeof(client), "[2001:db8:0:1::%x]:9", i);
        fail_times(t, account, client, 1, 1);
    }
    assert_int_equal(hold_of(t, "somebody", "[2001:db8:0:1:ffff::1]:1", 1), 4 * ORL_US_PER_S);
    assert_int_equal(wait_of(t, "somebody", "[2001:db8:0:1:ffff::1]:1", 1), 0);
    assert_int_equal(hold_of(t, "somebody", "[2001:db8:0:2::1]:1", 1), 0);
}

static void mapped_addresses_are_ipv4(void **state)
{
    struct orl_throttle *t = *state;
    fail_times(t, "alice", "[::ffff:10.0.0.9]:1", 10, 1);
    assert_true(wait_of(t, "alice", "10.0.0.9:5", 1) > 0);
    assert_int_equal(wait_of(t, "alice", "[::ffff:10.0.0.8]:1", 1), 0);
}

static void success_forgives_and_time_forgets(void **state)
{
    struct orl_throttle *t = *state;
    fail_times(t, "alice", "10.0.0.1:1", 10, 1);
    orl_throttle_forgive(t, "alice", "10.0.0.1:2");
    assert_int_equal(wait_of(t, "alice", "10.0.0.1:1", 1), 0);
    fail_times(t, "bob", "10.0.0.1:1", 10, 1);
    assert_int_equal(wait_of(t, "bob", "10.0.0.1:1", 1 + 16 * MINUTE), 0);
    fail_times(t, "bob", "10.0.0.1:1", 3, 1 + 16 * MINUTE);
    assert_int_equal(wait_of(t, "bob", "10.0.0.1:1", 1 + 16 * MINUTE), 0);
}

static void a_try_that_is_taken_back_neither_counts_nor_forgives(void **state)
{
    struct orl_throttle *t = *state;
    fail_times(t, "alice", "10.0.0.1:1", 3, 1);
    for (int i = 0; i < 20; i++) {
        orl_throttle_begin(t, "alice", "10.0.0.1:1", 1);
        orl_throttle_undo(t, "alice", "10.0.0.1:1");
    }
    assert_int_equal(wait_of(t, "alice", "10.0.0.1:1", 1), 0);
    fail_times(t, "alice", "10.0.0.1:1", 1, 1);
    assert_true(wait_of(t, "alice", "10.0.0.1:1", 1) > 0);
}

/* Behind one address, all with the right password, checked one after the other. */
static void a_thousand_honest_people_at_once_are_not_held(void **state)
{
    struct orl_throttle *t = *state;
    char account[16];
    for (unsigned i = 0; i < 1000; i++) {
        (void)snprintf(account, sizeof(account), "user%u", i);
        orl_throttle_begin(t, account, "10.8.0.1:1", 1);
    }
    for (unsigned i = 0; i < 1000; i++) {
        (void)snprintf(account, sizeof(account), "user%u", i);
        assert_int_equal(hold_of(t, account, "10.8.0.1:1", 2), 0);
        orl_throttle_forgive(t, account, "10.8.0.1:1");
    }
    for (unsigned i = 0; i < 4; i++) { /* many at once of one account are guesses */
        orl_throttle_begin(t, "dave", "10.8.0.1:1", 3);
    }
    assert_true(wait_of(t, "dave", "10.8.0.1:1", 3) > 0);
}

static void table_stays_bounded_and_keeps_the_newest(void **state)
{
    struct orl_throttle *t = *state;
    for (unsigned i = 0; i < 100000; i++) {
        char account[16];
        (void)snprintf(account, sizeof(account), "u%u", i);
        fail_times(t, account, "10.9.9.9:1", 1, 1 + i);
    }
    assert_true(hold_of(t, "fresh", "10.9.9.9:1", 100001) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(
                    neighbours_of_a_guesser_are_never_locked_out, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    a_try_that_is_taken_back_neither_counts_nor_forgives, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    three_failures_are_free_then_the_delay_grows, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    neighbours_of_a_guesser_are_never_locked_out, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    other_networks_and_other_accounts_are_not_refused, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    nobody_can_be_locked_out_by_a_thousand_networks, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    many_accounts_from_one_prefix_are_slowed_down, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    a_thousand_honest_people_at_once_are_not_held, set_up, tear_down),
            cmocka_unit_test_setup_teardown(mapped_addresses_are_ipv4, set_up, tear_down),
            cmocka_unit_test_setup_teardown(success_forgives_and_time_forgets, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    table_stays_bounded_and_keeps_the_newest, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
