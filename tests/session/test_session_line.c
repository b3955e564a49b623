/* What the line learns of each frame, and what it makes of it, with a viewer that only counts bytes. */
#include "base/clock.h"
#include "session/line.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS ORL_US_PER_MS

struct counter {
    uint64_t bytes;
    unsigned probes;
};

static struct counter *counter_of(const struct orl_viewer *viewer)
{
    return (struct counter *)(uintptr_t)viewer;
}

static uint64_t bytes_out(const struct orl_viewer *viewer)
{
    return counter_of(viewer)->bytes;
}

static void probe(struct orl_viewer *viewer)
{
    counter_of(viewer)->probes++;
    counter_of(viewer)->bytes += 25;
}

static const struct orl_viewer_ops ops = {.bytes_out = bytes_out, .probe = probe};
static const struct orl_viewer_caps acking = {.has_acks = true, .max_in_flight = 8};

static void begin(struct orl_line *line, struct counter *counter)
{
    *counter = (struct counter){0};
    const struct orl_viewer_handle viewer = {
            .ops = &ops, .viewer = (struct orl_viewer *)(void *)counter};
    orl_line_init(line, &viewer);
    orl_line_set_caps(line, &acking, 0);
}

/* A frame of what moves, or of text. */
static void send(struct orl_line *line, struct counter *counter, uint32_t id, uint64_t bytes,
        bool is_film, uint64_t now_us)
{
    const struct orl_op op = {.kind = is_film ? ORL_OP_H264 : ORL_OP_LOSSLESS,
            .rect = {0, 0, 100, 100},
            .data_len = is_film ? bytes : 0};
    const struct orl_update update = {.frame_id = id, .ops = &op, .op_count = 1};
    orl_line_sending(line, now_us);
    counter->bytes += bytes;
    assert_int_equal(orl_line_sent(line, &update, now_us), bytes);
}

static void small_frames_are_probed_rarely_large_ones_always(void **state)
{
    (void)state;
    struct orl_line line;
    struct counter counter;
    begin(&line, &counter);
    assert_int_equal(counter.probes, 1);
    for (uint32_t i = 1; i <= 100; i++) { /* ten seconds of typing */
        send(&line, &counter, i, 90, false, i * 100 * MS);
    }
    assert_true(counter.probes <= 12);
    const unsigned before = counter.probes;
    for (uint32_t i = 1; i <= 20; i++) {
        send(&line, &counter, 100 + i, 3000, true, 10000 * MS + i * 33 * MS);
    }
    assert_true(counter.probes >= before + 20);
}

/* 1 Mbit/s and 100 ms there and back; each frame is acknowledged just before its arrival is told. */
static void a_slow_line_is_found_though_frames_are_acknowledged_first(void **state)
{
    (void)state;
    struct orl_line line;
    struct counter counter;
    uint64_t now_us = 0;
    uint64_t free_us = 0;
    unsigned held = 0;
    begin(&line, &counter);
    orl_line_arrived(&line, counter.bytes, 100 * MS);
    for (uint32_t i = 1; i <= 60; i++) {
        now_us += 100 * MS;
        now_us = free_us > now_us ? free_us : now_us;
        held += orl_line_can_move(&line, now_us) ? 0 : 1;
        send(&line, &counter, i, 25000, true, now_us); /* 200 ms of the line */
        free_us = now_us + 300 * MS;
        orl_line_acked(&line, i, free_us);
        orl_line_arrived(&line, counter.bytes, free_us);
    }
    assert_true(orl_line_is_slow(&line));
    assert_in_range(orl_rate_kbit_s(&line.rate), 700, 1300);
    assert_int_equal(held, 0); /* all had arrived each time */
    send(&line, &counter, 61, 25000, true, free_us);
    assert_false(orl_line_can_move(&line, free_us));
    assert_true(orl_line_rtt_us(&line) >= 100 * MS);
}

/* After a new size nobody asks for the acknowledgements of the old one's frames. */
static void what_is_forgotten_holds_nothing_back(void **state)
{
    (void)state;
    static const struct orl_viewer_ops no_probe = {.bytes_out = bytes_out};
    struct orl_line line;
    struct counter counter;
    begin(&line, &counter);
    line.viewer.ops = &no_probe;
    for (uint32_t i = 1; i <= 20; i++) { /* each 200 ms late, also alone */
        send(&line, &counter, i, 25000, true, i * 300 * MS);
        orl_line_acked(&line, i, (i * 300 + (i == 1 ? 10 : 210)) * MS);
    }
    assert_true(orl_line_is_slow(&line));
    counter.bytes += 90; /* a cursor */
    orl_line_set_caps(&line, &acking, 6500 * MS);
    assert_true(orl_line_can_move(&line, 6500 * MS));
    send(&line, &counter, 21, 500000, true, 6600 * MS);
    send(&line, &counter, 22, 500000, true, 6700 * MS);
    assert_false(orl_line_can_move(&line, 60000 * MS));
    orl_line_forget(&line);
    assert_true(orl_line_can_move(&line, 60000 * MS));
}

static void who_tells_nothing_is_never_held(void **state)
{
    (void)state;
    static const struct orl_viewer_caps mute = {.max_in_flight = 2};
    struct orl_line line;
    struct counter counter;
    begin(&line, &counter);
    orl_line_set_caps(&line, &mute, 0);
    for (uint32_t i = 1; i <= 100; i++) {
        send(&line, &counter, i, 100000, true, i * 16 * MS);
        assert_true(orl_line_can_move(&line, i * 16 * MS) && orl_line_can_send(&line));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(small_frames_are_probed_rarely_large_ones_always),
            cmocka_unit_test(a_slow_line_is_found_though_frames_are_acknowledged_first),
            cmocka_unit_test(what_is_forgotten_holds_nothing_back),
            cmocka_unit_test(who_tells_nothing_is_never_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
