#include "session/telemetry.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define T0 UINT64_C(1000000)

static struct orl_update update_of(
        uint32_t frame_id, const struct orl_op *ops, unsigned op_count, uint64_t damage_us)
{
    return (struct orl_update){
            .frame_id = frame_id, .ops = ops, .op_count = op_count, .damage_us = damage_us};
}

static void send_pixels(
        struct orl_telemetry *t, uint32_t frame_id, uint64_t damage_us, uint64_t written_us)
{
    const struct orl_op op = {.kind = ORL_OP_LOSSLESS};
    const struct orl_update update = update_of(frame_id, &op, 1, damage_us);
    orl_telemetry_sent(t, &update, 100, written_us);
}

static uint64_t count_of(const struct orl_stats_since *since, enum orl_stats_time kind)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < ORL_HISTOGRAM_BUCKETS; i++) {
        n += since->counts[kind][i];
    }
    return n;
}

static struct orl_stats_since taken(struct orl_telemetry *t, uint64_t now_us)
{
    struct orl_stats_since since;
    orl_telemetry_take(t, now_us, &since);
    return since;
}

static void an_acknowledgement_counts_its_frame_and_all_before_it_once(void **state)
{
    (void)state;
    struct orl_telemetry t;
    orl_telemetry_init(&t, T0);
    send_pixels(&t, 1, T0, T0 + 1000);
    send_pixels(&t, 2, T0 + 500, T0 + 2000);
    send_pixels(&t, 3, T0 + 2500, T0 + 3000);
    orl_telemetry_acked(&t, 2, T0 + 5000);
    orl_telemetry_acked(&t, 2, T0 + 6000);
    orl_telemetry_acked(&t, 77, T0 + 6000);
    struct orl_stats_since since = taken(&t, T0 + 10000);
    assert_int_equal(since.frames, 3);
    assert_int_equal(count_of(&since, ORL_STATS_ENCODE), 3);
    assert_int_equal(since.sums_us[ORL_STATS_ENCODE], 1000 + 1500 + 500);
    assert_int_equal(count_of(&since, ORL_STATS_ACK), 2);
    assert_int_equal(since.sums_us[ORL_STATS_ACK], 4000 + 3000);
    assert_int_equal(since.sums_us[ORL_STATS_TOTAL], 5000 + 4500);
    assert_int_equal(since.elapsed_ms, 10);
}

static void taking_leaves_nothing_but_what_is_in_flight(void **state)
{
    (void)state;
    struct orl_telemetry t;
    orl_telemetry_init(&t, T0);
    send_pixels(&t, 1, T0, T0 + 1000);
    (void)taken(&t, T0 + 2000);
    orl_telemetry_acked(&t, 1, T0 + 3000);
    struct orl_stats_since since = taken(&t, T0 + 4000);
    assert_int_equal(since.frames, 0);
    assert_int_equal(count_of(&since, ORL_STATS_ENCODE), 0);
    assert_int_equal(count_of(&since, ORL_STATS_ACK), 1);
    const struct orl_stats_since nothing = {.elapsed_ms = 1};
    since = taken(&t, T0 + 5000);
    assert_memory_equal(&since, &nothing, sizeof(since));
}

static void a_client_that_acknowledges_nothing_costs_no_memory(void **state)
{
    (void)state;
    struct orl_telemetry t;
    orl_telemetry_init(&t, T0);
    for (uint32_t i = 1; i <= 1000; i++) {
        send_pixels(&t, i, T0, T0);
        assert_true(t.count <= ORL_TELEMETRY_IN_FLIGHT);
    }
    orl_telemetry_acked(&t, 1, T0 + 1);
    orl_telemetry_acked(&t, 1000, T0 + 1);
    struct orl_stats_since since = taken(&t, T0 + 2);
    assert_int_equal(count_of(&since, ORL_STATS_ACK), ORL_TELEMETRY_IN_FLIGHT);
}

static void a_key_is_answered_by_a_frame_of_newer_damage(void **state)
{
    (void)state;
    struct orl_telemetry t;
    orl_telemetry_init(&t, T0);
    orl_telemetry_key(&t, T0);
    orl_telemetry_key(&t, T0 + 100); /* the first one waits already */
    send_pixels(&t, 1, T0 - 10, T0 + 200);
    struct orl_stats_since since = taken(&t, T0 + 300);
    assert_int_equal(count_of(&since, ORL_STATS_KEY), 0);
    send_pixels(&t, 2, T0 + 400, T0 + 500);
    send_pixels(&t, 3, T0 + 600, T0 + 700);
    since = taken(&t, T0 + 800);
    assert_int_equal(count_of(&since, ORL_STATS_KEY), 1);
    assert_int_equal(since.sums_us[ORL_STATS_KEY], 500);
}

static void a_key_that_nothing_answers_is_forgotten(void **state)
{
    (void)state;
    struct orl_telemetry t;
    orl_telemetry_init(&t, T0);
    orl_telemetry_key(&t, T0);
    const uint64_t late_us = T0 + ORL_TELEMETRY_KEY_MAX_US + 1;
    send_pixels(&t, 1, late_us, late_us);
    struct orl_stats_since since = taken(&t, late_us);
    assert_int_equal(count_of(&since, ORL_STATS_KEY), 0);
    orl_telemetry_key(&t, late_us);
    orl_telemetry_key(&t, late_us + ORL_TELEMETRY_KEY_MAX_US + 1);
    assert_int_equal(t.key_us, late_us + ORL_TELEMETRY_KEY_MAX_US + 1);
}

static void bytes_go_to_what_they_were_for_and_add_up(void **state)
{
    (void)state;
    struct orl_telemetry t;
    orl_telemetry_init(&t, T0);
    const struct orl_op ops[] = {{.kind = ORL_OP_COPY}, {.kind = ORL_OP_LOSSLESS},
            {.kind = ORL_OP_H264, .data_len = 700}, {.kind = ORL_OP_H264, .data_len = 100}};
    const struct orl_op refine = {.kind = ORL_OP_LOSSLESS, .is_refine = true};
    struct orl_update update = update_of(1, ops, 4, T0);
    orl_telemetry_sent(&t, &update, 1000, T0);
    update = update_of(2, ops, 1, T0);
    orl_telemetry_sent(&t, &update, 40, T0);
    update = update_of(3, &refine, 1, T0);
    orl_telemetry_sent(&t, &update, 5000, T0);
    update = update_of(4, ops + 2, 1, T0);
    orl_telemetry_sent(&t, &update, 10, T0); /* a socket that took less for now */
    update = update_of(5, ops + 2, 1, T0);
    orl_telemetry_sent(&t, &update, 750, T0);
    struct orl_stats_since since = taken(&t, T0);
    assert_int_equal(since.kind_bytes[ORL_STATS_LOSSLESS], 200);
    assert_int_equal(since.kind_bytes[ORL_STATS_COPY], 40);
    assert_int_equal(since.kind_bytes[ORL_STATS_REFINE], 5000);
    assert_int_equal(since.kind_bytes[ORL_STATS_H264], 800 + 10 + 750);
    assert_int_equal(since.kind_frames[ORL_STATS_COPY], 2);
    assert_int_equal(since.kind_frames[ORL_STATS_LOSSLESS], 1);
    assert_int_equal(since.kind_frames[ORL_STATS_REFINE], 1);
    assert_int_equal(since.kind_frames[ORL_STATS_H264], 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(an_acknowledgement_counts_its_frame_and_all_before_it_once),
            cmocka_unit_test(taking_leaves_nothing_but_what_is_in_flight),
            cmocka_unit_test(a_client_that_acknowledges_nothing_costs_no_memory),
            cmocka_unit_test(a_key_is_answered_by_a_frame_of_newer_damage),
            cmocka_unit_test(a_key_that_nothing_answers_is_forgotten),
            cmocka_unit_test(bytes_go_to_what_they_were_for_and_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
