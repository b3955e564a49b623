/* The fake line keeps its rate, delay and bound, whatever is put into it when. */
#include "tests/fakes/relay_link.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000U

static const struct relay_line slow = {
        .rate_kbit_s = 1000, .delay_us = 50 * MS, .buffer_bytes = 12500};

/* Puts as much as it takes of len bytes that count up from *at. */
static size_t put(struct relay_link *link, size_t len, uint8_t *at, uint64_t now_us)
{
    size_t done = 0;
    while (done < len) {
        size_t room = 0;
        uint8_t *to = relay_link_room(link, &room);
        room = room < len - done ? room : len - done;
        if (room == 0) {
            break;
        }
        for (size_t i = 0; i < room; i++) {
            to[i] = (*at)++;
        }
        relay_link_put(link, room, now_us);
        done += room;
    }
    return done;
}

/* Takes all that is due and compares it with the bytes that were put. */
static size_t take(struct relay_link *link, uint8_t *at, uint64_t now_us)
{
    size_t done = 0;
    size_t len = 0;
    for (const uint8_t *p = relay_link_due(link, now_us, &len); len > 0;
            p = relay_link_due(link, now_us, &len)) {
        len = len < 700 ? len : 700; /* a socket may take less than is due */
        for (size_t i = 0; i < len; i++) {
            assert_int_equal(p[i], (*at)++);
        }
        relay_link_take(link, len);
        done += len;
    }
    return done;
}

static void a_segment_comes_after_its_own_length_and_the_delay(void **state)
{
    (void)state;
    struct relay_link link;
    uint8_t in = 0;
    uint8_t out = 0;
    assert_true(relay_link_init(&link, &slow));
    assert_int_equal(put(&link, 1000, &in, 5000), 1000); /* 8 ms of the line */
    assert_int_equal(relay_link_next_us(&link), 5000 + 58 * MS);
    assert_int_equal(take(&link, &out, 5000 + 58 * MS - 1), 0);
    assert_int_equal(take(&link, &out, 5000 + 58 * MS), 1000);
    assert_true(relay_link_is_empty(&link));
    assert_int_equal(relay_link_next_us(&link), 0);
    relay_link_fini(&link);
}

static void what_it_carries_is_its_rate_and_what_waits_is_bounded(void **state)
{
    (void)state;
    struct relay_link link;
    uint8_t in = 0;
    uint8_t out = 0;
    size_t total = 0;
    assert_true(relay_link_init(&link, &slow));
    for (uint64_t now_us = 1; now_us < 10000 * MS; now_us += 7 * MS) {
        total += take(&link, &out, now_us);
        (void)put(&link, 100000, &in, now_us);
        assert_true(link.queued <= slow.buffer_bytes);
    }
    assert_true(link.peak_bytes <= slow.buffer_bytes + RELAY_SEGMENT_BYTES);
    const size_t ideal = (10000 - 50) * 125; /* bytes in all that time but the delay */
    assert_true(total <= ideal + RELAY_SEGMENT_BYTES && total + 4 * RELAY_SEGMENT_BYTES >= ideal);
    relay_link_fini(&link);
}

static void idle_time_is_not_saved_up(void **state)
{
    (void)state;
    struct relay_link link;
    uint8_t in = 0;
    uint8_t out = 0;
    assert_true(relay_link_init(&link, &slow));
    assert_int_equal(put(&link, 1400, &in, 1), 1400);
    assert_int_equal(take(&link, &out, 1000 * MS), 1400);
    assert_int_equal(put(&link, 12500, &in, 5000 * MS), 12500);
    assert_int_equal(take(&link, &out, 5000 * MS + 50 * MS + 99 * MS), 8 * 1400);
    assert_int_equal(take(&link, &out, 5000 * MS + 50 * MS + 101 * MS), 12500 - 8 * 1400);
    relay_link_fini(&link);
}

static void stopped_it_moves_nothing_and_then_goes_on(void **state)
{
    (void)state;
    struct relay_link link;
    struct relay_line stopped = slow;
    uint8_t in = 0;
    uint8_t out = 0;
    stopped.is_stopped = true;
    assert_true(relay_link_init(&link, &slow));
    assert_int_equal(put(&link, 5000, &in, 1), 5000);
    relay_link_set(&link, &stopped, 2);
    assert_int_equal(put(&link, 5000, &in, 1000 * MS), 0);
    assert_int_equal(take(&link, &out, 3000 * MS), 0);
    assert_int_equal(relay_link_next_us(&link), 0);
    relay_link_set(&link, &slow, 3000 * MS);
    assert_int_equal(take(&link, &out, 3000 * MS), 1400); /* was on the line */
    assert_int_equal(take(&link, &out, 3000 * MS + 50 * MS + 11 * MS), 0);
    assert_int_equal(take(&link, &out, 3000 * MS + 50 * MS + 29 * MS), 3600);
    relay_link_fini(&link);
}

static void without_a_rate_only_the_delay_is_left_and_order_is_kept(void **state)
{
    (void)state;
    struct relay_link link;
    uint8_t in = 0;
    uint8_t out = 0;
    assert_true(relay_link_init(&link, &slow));
    assert_int_equal(put(&link, 10000, &in, 1), 10000);
    link.line.rate_kbit_s = 0;
    link.line.buffer_bytes = 256 * 1024;
    assert_int_equal(put(&link, 200000, &in, 100 * MS), 200000);
    link.line.delay_us = 0;
    assert_int_equal(take(&link, &out, 300 * MS), 210000);
    assert_int_equal(put(&link, 1000, &in, 300 * MS), 1000);
    assert_int_equal(take(&link, &out, 300 * MS), 1000);
    relay_link_fini(&link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_segment_comes_after_its_own_length_and_the_delay),
            cmocka_unit_test(what_it_carries_is_its_rate_and_what_waits_is_bounded),
            cmocka_unit_test(idle_time_is_not_saved_up),
            cmocka_unit_test(stopped_it_moves_nothing_and_then_goes_on),
            cmocka_unit_test(without_a_rate_only_the_delay_is_left_and_order_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
