#include "display/pacer.h"
#include "test_support.h"

static void two_may_be_in_flight_and_no_third(void **state)
{
    (void)state;
    struct orl_pacer p;
    orl_pacer_init(&p, 2, 1000, true);
    assert_true(orl_pacer_can_send(&p, 0));
    orl_pacer_sent(&p, 1, 10000);
    assert_true(orl_pacer_can_send(&p, 11000));
    orl_pacer_sent(&p, 2, 11000);
    assert_false(orl_pacer_can_send(&p, 99999));
    assert_true(orl_pacer_due_us(&p) == 0);
    assert_true(orl_pacer_oldest_us(&p) == 10000);
    assert_true(orl_pacer_acked(&p, 1, 20000));
    assert_true(orl_pacer_can_send(&p, 20000));
    assert_int_equal(orl_pacer_in_flight(&p), 1);
}

static void interval_is_kept_on_average(void **state)
{
    (void)state;
    struct orl_pacer p;
    orl_pacer_init(&p, 2, ORL_PACER_INTERVAL_US, false);
    const uint64_t start_us = 10000;
    uint64_t now_us = start_us;
    for (uint32_t id = 1; id <= 100; id++) {
        orl_pacer_sent(&p, id, now_us);
        if (!orl_pacer_can_send(&p, now_us)) {
            const uint64_t due_us = orl_pacer_due_us(&p);
            assert_true(due_us > now_us && !orl_pacer_can_send(&p, due_us - 1));
            assert_true(orl_pacer_can_send(&p, due_us));
            now_us = due_us;
        }
    }
    assert_true(now_us - start_us == (UINT64_C(100) - ORL_PACER_EARLY) * ORL_PACER_INTERVAL_US);
}

/* A guest's sixty a second, each some milliseconds early or late, and acknowledged before the next: none has to wait. */
static void sixty_a_second_that_come_unevenly_all_go(void **state)
{
    static const uint64_t late_us[] = {0, 7000, 1000, 9000, 3000, 0, 8000, 12000};
    (void)state;
    struct orl_pacer p;
    orl_pacer_init(&p, 2, ORL_PACER_INTERVAL_US, true);
    for (uint32_t i = 0; i < 600; i++) {
        const uint64_t now_us = 1000000 + i * UINT64_C(1000000) / 60 + late_us[i % 8];
        assert_true(orl_pacer_can_send(&p, now_us));
        orl_pacer_sent(&p, i + 1, now_us);
        assert_true(orl_pacer_acked(&p, i + 1, now_us + 3000));
    }
}

static void after_a_pause_a_few_frames_follow_at_once(void **state)
{
    (void)state;
    struct orl_pacer p;
    orl_pacer_init(&p, 2, ORL_PACER_INTERVAL_US, false);
    for (uint64_t now_us = 10000; now_us < 100000000; now_us += 10 * ORL_PACER_INTERVAL_US) {
        for (uint32_t i = 0; i <= ORL_PACER_EARLY; i++) {
            assert_true(orl_pacer_can_send(&p, now_us));
            orl_pacer_sent(&p, i, now_us);
        }
        assert_false(orl_pacer_can_send(&p, now_us));
    }
}

static void one_acknowledgement_covers_all_before_it(void **state)
{
    (void)state;
    struct orl_pacer p;
    orl_pacer_init(&p, 8, 0, true);
    for (uint32_t id = UINT32_MAX - 3; id != 4; id++) { /* ids wrap around */
        orl_pacer_sent(&p, id, 100);
    }
    assert_true(orl_pacer_acked(&p, 0, 200));
    assert_int_equal(orl_pacer_in_flight(&p), 3);
    assert_true(orl_pacer_acked(&p, 3, 200));
    assert_int_equal(orl_pacer_in_flight(&p), 0);
}

static void unknown_future_and_repeated_acknowledgements_change_nothing(void **state)
{
    (void)state;
    struct orl_pacer p;
    orl_pacer_init(&p, 2, 0, true);
    assert_false(orl_pacer_acked(&p, 1, 5));
    orl_pacer_sent(&p, 10, 100);
    orl_pacer_sent(&p, 11, 100);
    static const uint32_t bad[] = {0, 9, 12, 1000, UINT32_MAX};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(orl_pacer_acked(&p, bad[i], 200));
        assert_int_equal(orl_pacer_in_flight(&p), 2);
        assert_false(orl_pacer_can_send(&p, 300));
    }
    assert_true(orl_pacer_acked(&p, 10, 200));
    assert_false(orl_pacer_acked(&p, 10, 200));
    assert_int_equal(orl_pacer_in_flight(&p), 1);
}

static void latency_is_a_running_mean(void **state)
{
    (void)state;
    struct orl_pacer p;
    orl_pacer_init(&p, 2, 0, true);
    for (uint32_t id = 1; id < 100; id++) {
        orl_pacer_sent(&p, id, id * UINT64_C(100000));
        assert_true(orl_pacer_acked(&p, id, id * UINT64_C(100000) + 8000));
    }
    assert_true(p.mean_latency_us == 8000 && p.last_latency_us == 8000);
    orl_pacer_sent(&p, 100, 99999999);
    assert_true(orl_pacer_acked(&p, 100, 5)); /* a clock that went back gives 0 */
    assert_true(p.last_latency_us == 0);
}

static void suspended_acknowledgements_leave_it_to_the_socket(void **state)
{
    (void)state;
    struct orl_pacer p;
    orl_pacer_init(&p, 2, 10, true);
    orl_pacer_sent(&p, 1, 100);
    orl_pacer_sent(&p, 2, 200);
    assert_false(orl_pacer_can_send(&p, 300));
    orl_pacer_set_acks(&p, false);
    for (uint32_t id = 3; id < 100; id++) {
        assert_true(orl_pacer_can_send(&p, id * UINT64_C(1000)));
        orl_pacer_sent(&p, id, id * UINT64_C(1000));
    }
    assert_int_equal(orl_pacer_in_flight(&p), 0);
    orl_pacer_set_acks(&p, true);
    orl_pacer_sent(&p, 100, 200000);
    orl_pacer_sent(&p, 101, 200010);
    assert_false(orl_pacer_can_send(&p, 300000));
}

static void bounds_are_clamped_and_the_ring_never_overflows(void **state)
{
    (void)state;
    struct orl_pacer p;
    orl_pacer_init(&p, 0, 0, true);
    assert_int_equal(p.max_in_flight, 1);
    orl_pacer_init(&p, 1000, 0, true);
    assert_int_equal(p.max_in_flight, ORL_PACER_MAX_IN_FLIGHT);
    for (uint32_t id = 1; id < 50; id++) {
        orl_pacer_sent(&p, id, id);
    }
    assert_int_equal(orl_pacer_in_flight(&p), ORL_PACER_MAX_IN_FLIGHT);
    assert_true(orl_pacer_acked(&p, 49, 100));
    assert_int_equal(orl_pacer_in_flight(&p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(two_may_be_in_flight_and_no_third),
            cmocka_unit_test(interval_is_kept_on_average),
            cmocka_unit_test(sixty_a_second_that_come_unevenly_all_go),
            cmocka_unit_test(after_a_pause_a_few_frames_follow_at_once),
            cmocka_unit_test(one_acknowledgement_covers_all_before_it),
            cmocka_unit_test(unknown_future_and_repeated_acknowledgements_change_nothing),
            cmocka_unit_test(latency_is_a_running_mean),
            cmocka_unit_test(suspended_acknowledgements_leave_it_to_the_socket),
            cmocka_unit_test(bounds_are_clamped_and_the_ring_never_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
