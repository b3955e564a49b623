#include "broker/frame_stats.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define S UINT64_C(1000000)

static struct orl_msg_stats plausible(void)
{
    struct orl_msg_stats msg = {.frames = 30, .bytes_out = 5000};
    msg.since.elapsed_ms = 1000;
    msg.since.frames = 30;
    msg.since.counts[ORL_STATS_ENCODE][2] = 30;
    msg.since.sums_us[ORL_STATS_ENCODE] = 21000;
    msg.since.kind_frames[ORL_STATS_LOSSLESS] = 30;
    msg.since.kind_bytes[ORL_STATS_LOSSLESS] = 4000;
    return msg;
}

static void words_add_up_by_protocol(void **state)
{
    (void)state;
    struct orl_frame_stats stats = {0};
    struct orl_frame_sample a = {0};
    struct orl_frame_sample b = {0};
    struct orl_msg_stats msg = plausible();
    assert_true(orl_frame_stats_add(&stats, ORL_PROTOCOL_RDP, &a, &msg, 10 * S, 1));
    assert_true(orl_frame_stats_add(&stats, ORL_PROTOCOL_RDP, &b, &msg, 10 * S, 1));
    msg.bytes_out = 6000;
    assert_true(orl_frame_stats_add(&stats, ORL_PROTOCOL_RDP, &a, &msg, 11 * S, 2));
    assert_true(orl_frame_stats_add(&stats, ORL_PROTOCOL_VNC, &b, &msg, 11 * S, 2));
    assert_int_equal(stats.rdp.frames, 90);
    assert_int_equal(stats.vnc.frames, 30);
    assert_int_equal(orl_histogram_count(&stats.rdp.times[ORL_STATS_ENCODE]), 90);
    assert_int_equal(stats.rdp.kind_bytes[ORL_STATS_LOSSLESS], 12000);
    assert_int_equal(a.seq, 2);
    assert_int_equal(a.bytes_more, 1000);
    assert_int_equal(a.at_ms, 2);
    const struct orl_histogram times = orl_frame_sample_times(&a, ORL_STATS_ENCODE);
    assert_int_equal(times.counts[2], 30);
}

static void assert_refused(const struct orl_msg_stats *msg)
{
    const struct orl_frame_sums nothing = {0};
    struct orl_frame_stats stats = {0};
    struct orl_frame_sample sample = {0};
    assert_false(orl_frame_stats_add(&stats, ORL_PROTOCOL_RDP, &sample, msg, 10 * S, 1));
    assert_memory_equal(&stats.rdp, &nothing, sizeof(nothing));
    assert_int_equal(stats.refused, 1);
    assert_int_equal(sample.seq, 1);
    assert_int_equal(sample.stats.since.frames, 0);
    assert_int_equal(sample.stats.since.kind_bytes[ORL_STATS_LOSSLESS], 0);
}

static void what_cannot_be_true_is_not_counted(void **state)
{
    (void)state;
    struct orl_msg_stats msg = plausible();
    msg.since.frames = UINT32_MAX;
    assert_refused(&msg);
    msg = plausible();
    msg.since.counts[ORL_STATS_KEY][13] = UINT32_MAX;
    assert_refused(&msg);
    msg = plausible();
    msg.since.sums_us[ORL_STATS_ENCODE] = UINT64_MAX;
    assert_refused(&msg);
    msg = plausible();
    msg.since.sums_us[ORL_STATS_ACK] = 1; /* of no frame at all */
    assert_refused(&msg);
    msg = plausible();
    msg.since.kind_bytes[ORL_STATS_REFINE] = UINT64_MAX;
    assert_refused(&msg);
    msg = plausible();
    msg.since.kind_frames[ORL_STATS_COPY] = UINT32_MAX;
    assert_refused(&msg);
}

static void bytes_that_go_back_or_leap_stay_in_bounds(void **state)
{
    (void)state;
    struct orl_frame_stats stats = {0};
    struct orl_frame_sample sample = {0};
    struct orl_msg_stats msg = plausible();
    (void)orl_frame_stats_add(&stats, ORL_PROTOCOL_RDP, &sample, &msg, 10 * S, 1);
    msg.bytes_out = 10;
    (void)orl_frame_stats_add(&stats, ORL_PROTOCOL_RDP, &sample, &msg, 11 * S, 2);
    assert_int_equal(sample.bytes_more, 0);
    msg.bytes_out = UINT64_MAX;
    (void)orl_frame_stats_add(&stats, ORL_PROTOCOL_RDP, &sample, &msg, 12 * S, 3);
    assert_true(sample.bytes_more < (UINT64_C(1) << 40));
    (void)orl_frame_stats_add(
            &stats, ORL_PROTOCOL_RDP, &sample, &msg, 5 * S, 4); /* a clock's leap */
    assert_int_equal(sample.bytes_more, 0);
}

static void a_liar_never_makes_a_sum_wrap(void **state)
{
    (void)state;
    struct orl_frame_stats stats = {0};
    struct orl_frame_sample sample = {0};
    stats.rdp.frames = UINT64_MAX - 3;
    stats.rdp.kind_bytes[ORL_STATS_LOSSLESS] = UINT64_MAX - 3;
    struct orl_msg_stats msg = plausible();
    assert_true(orl_frame_stats_add(&stats, ORL_PROTOCOL_RDP, &sample, &msg, 10 * S, 1));
    assert_true(stats.rdp.frames == UINT64_MAX);
    assert_true(stats.rdp.kind_bytes[ORL_STATS_LOSSLESS] == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(words_add_up_by_protocol),
            cmocka_unit_test(what_cannot_be_true_is_not_counted),
            cmocka_unit_test(bytes_that_go_back_or_leap_stay_in_bounds),
            cmocka_unit_test(a_liar_never_makes_a_sum_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
