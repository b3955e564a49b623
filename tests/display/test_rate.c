/* The estimator against simulated lines: a video of frames as large as it allows, 30 a second, over a queue, a rate
 * and a delay; arrivals told after the way back. */
#include "display/rate.h"
#include "test_support.h"

#define MS 1000U
#define FPS 30U
#define TICK_US 1000U
#define SIM_FRAMES 4096
#define WANT_KBIT_S 20000 /* what the video would take where nothing limits it */

struct sim_frame {
    uint64_t total, arrives_us, answered_us;
};
struct sim {
    struct orl_rate rate;
    uint64_t now_us, next_us, free_us, total;
    uint64_t line_kbit_s, delay_us; /* one way */
    uint64_t jitter_us,
            decoder_us; /* most that an arrival is late by; what a frame takes to decode */
    uint64_t decoded_us;
    bool is_acked;   /* by frames, not by marks */
    bool is_browser; /* TCP ends before it */
    bool is_busy;    /* marks wait for the decoder, too; TCP has room */
    struct sim_frame frames[SIM_FRAMES];
    unsigned sent, answered;
    uint64_t wait_us; /* most that waited before the line, of late */
    unsigned seed;
};

static uint64_t jitter(struct sim *sim)
{
    sim->seed = sim->seed * 1103515245U + 12345U;
    return sim->jitter_us == 0 ? 0 : (sim->seed >> 8) % sim->jitter_us;
}

static void send(struct sim *sim, uint64_t bytes)
{
    assert_true(sim->sent < SIM_FRAMES);
    struct sim_frame *frame = &sim->frames[sim->sent++];
    sim->free_us = sim->free_us > sim->now_us ? sim->free_us : sim->now_us;
    const uint64_t wait_us = sim->free_us - sim->now_us;
    sim->wait_us = wait_us > sim->wait_us ? wait_us : sim->wait_us;
    sim->free_us += bytes * 8000 / sim->line_kbit_s;
    uint64_t at_us = sim->free_us + sim->delay_us + jitter(sim);
    if (sim->sent > 1 && at_us < frame[-1].arrives_us) {
        at_us = frame[-1].arrives_us; /* TCP keeps the order */
    }
    sim->decoded_us = (sim->decoded_us > at_us ? sim->decoded_us : at_us) + sim->decoder_us;
    sim->total += bytes;
    *frame = (struct sim_frame){sim->total, at_us,
            (sim->is_acked || sim->is_busy ? sim->decoded_us : at_us) + sim->delay_us};
    orl_rate_sent(&sim->rate, sim->total, sim->now_us);
}

static void answer(struct sim *sim)
{
    while (sim->answered < sim->sent && sim->frames[sim->answered].answered_us <= sim->now_us) {
        const struct sim_frame *frame = &sim->frames[sim->answered++];
        const bool is_told = (sim->is_acked && !sim->is_browser) ||
                             sim->is_busy; /* TCP of a line that has room */
        orl_rate_socket(
                &sim->rate, is_told ? 2 * sim->delay_us + 500 : 0, is_told ? 2 * sim->delay_us : 0);
        if (sim->is_acked) {
            orl_rate_acked(&sim->rate, frame->total, sim->now_us);
        } else {
            orl_rate_arrived(&sim->rate, frame->total, sim->now_us);
        }
    }
}

/* As a session begins: something small. */
static void greet(struct sim *sim)
{
    send(sim, 50);
    sim->now_us = sim->frames[0].answered_us;
    answer(sim);
}

/* Bytes that were sent in that time. */
static uint64_t play(struct sim *sim, uint64_t time_us)
{
    const uint64_t end_us = sim->now_us + time_us;
    const uint64_t before = sim->total;
    for (; sim->now_us < end_us; sim->now_us += TICK_US) {
        answer(sim);
        if (sim->now_us < sim->next_us || !orl_rate_can_move(&sim->rate, sim->now_us)) {
            continue;
        }
        const uint64_t limit = orl_rate_kbit_s(&sim->rate);
        const uint64_t kbit_s = limit == 0 || limit > WANT_KBIT_S ? WANT_KBIT_S : limit;
        const uint64_t bytes = kbit_s * 1000 / 8 / FPS;
        send(sim, bytes);
        orl_rate_frame(&sim->rate, bytes);
        sim->next_us = sim->now_us + 1000 * MS / FPS;
    }
    return sim->total - before;
}

static void begin(struct sim *sim, uint64_t kbit_s, uint64_t delay_us)
{
    memset(sim, 0, sizeof(*sim));
    orl_rate_init(&sim->rate);
    sim->now_us = 1000 * MS;
    sim->line_kbit_s = kbit_s;
    sim->delay_us = delay_us;
    sim->seed = 7;
    greet(sim);
}

/* A video in that state uses the line well and lets little wait. */
static void assert_steady(struct sim *sim, uint64_t time_us)
{
    sim->wait_us = 0;
    const uint64_t bytes = play(sim, time_us);
    const uint64_t line_bytes = sim->line_kbit_s * time_us / 8000;
    assert_in_range(bytes * 100 / line_bytes, 70, 105);
    assert_in_range(sim->wait_us, 0, 2 * ORL_RATE_QUEUE_US);
    assert_in_range(
            orl_rate_kbit_s(&sim->rate), sim->line_kbit_s * 7 / 10, sim->line_kbit_s * 14 / 10);
}

static void a_steady_slow_line_is_filled_and_does_not_queue(void **state)
{
    (void)state;
    static const uint64_t delays_us[] = {1 * MS, 50 * MS, 150 * MS};
    for (unsigned i = 0; i < 3; i++) {
        struct sim sim;
        begin(&sim, 1000, delays_us[i]);
        (void)play(&sim, 4000 * MS);
        assert_steady(&sim, 20000 * MS);
    }
}

static void a_fast_line_has_no_limit(void **state)
{
    (void)state;
    struct sim sim;
    begin(&sim, 100000, 1 * MS);
    (void)play(&sim, 5000 * MS);
    assert_int_equal(orl_rate_kbit_s(&sim.rate), 0);
    assert_true(orl_rate_bytes(&sim.rate, 1000) == SIZE_MAX);
    assert_int_equal(orl_rate_frames(&sim.rate, 16666, 8), 2);
    begin(&sim, 100000, 50 * MS);
    (void)play(&sim, 5000 * MS);
    assert_int_equal(orl_rate_kbit_s(&sim.rate), 0);
    assert_true(orl_rate_frames(&sim.rate, 16666, 8) > 6);
}

static void a_sudden_drop_is_followed(void **state)
{
    (void)state;
    struct sim sim;
    begin(&sim, 50000, 50 * MS);
    (void)play(&sim, 3000 * MS);
    sim.line_kbit_s = 1000;
    (void)play(&sim, 6000 * MS);
    assert_steady(&sim, 5000 * MS);
    sim.line_kbit_s = 300;
    (void)play(&sim, 4000 * MS);
    assert_steady(&sim, 5000 * MS);
}

static void two_seconds_after_the_line_recovers_so_has_the_rate(void **state)
{
    (void)state;
    struct sim sim;
    begin(&sim, 1000, 50 * MS);
    (void)play(&sim, 5000 * MS);
    sim.line_kbit_s = 50000;
    (void)play(&sim, 2000 * MS);
    const uint64_t limit = orl_rate_kbit_s(&sim.rate);
    assert_true(limit == 0 || limit >= WANT_KBIT_S);
}

/* Each frame has arrived before the next is sent. */
static void a_short_line_recovers_as_well(void **state)
{
    (void)state;
    struct sim sim;
    begin(&sim, 1000, 1 * MS);
    (void)play(&sim, 5000 * MS);
    sim.line_kbit_s = 50000;
    (void)play(&sim, 2000 * MS);
    const uint64_t limit = orl_rate_kbit_s(&sim.rate);
    assert_true(limit == 0 || limit >= WANT_KBIT_S);
}

static void a_line_that_stood_still_is_used_again_at_once(void **state)
{
    (void)state;
    struct sim sim;
    begin(&sim, 1000, 50 * MS);
    (void)play(&sim, 4000 * MS);
    sim.free_us = sim.now_us + 3000 * MS; /* it carries nothing for so long */
    sim.frames[sim.sent - 1].answered_us = sim.free_us + 100 * MS;
    const uint64_t stopped = play(&sim, 3000 * MS);
    assert_true(stopped * 8 < 1000 * 1000); /* less than a second of the line waits behind it */
    (void)play(&sim, 2000 * MS);
    assert_steady(&sim, 5000 * MS);
}

static void jitter_is_no_limit(void **state)
{
    (void)state;
    struct sim sim;
    begin(&sim, 100000, 20 * MS);
    sim.jitter_us = 30 * MS;
    (void)play(&sim, 20000 * MS);
    const uint64_t limit = orl_rate_kbit_s(&sim.rate);
    assert_true(limit == 0 || limit >= WANT_KBIT_S / 2);
}

static void a_slow_decoder_is_no_slow_line(void **state)
{
    (void)state;
    struct sim sim;
    begin(&sim, 100000, 10 * MS);
    sim.decoder_us = 60 * MS; /* marks are answered before it */
    (void)play(&sim, 5000 * MS);
    assert_int_equal(orl_rate_kbit_s(&sim.rate), 0);
    begin(&sim, 100000, 10 * MS);
    sim.decoder_us = 30 * MS;
    sim.is_acked = true; /* no marks, but TCP has a word */
    (void)play(&sim, 5000 * MS);
    assert_int_equal(orl_rate_kbit_s(&sim.rate), 0);
    begin(&sim, 100000, 10 * MS);
    sim.decoder_us = 60 * MS; /* a client that does one thing after the other */
    sim.is_busy = true;
    (void)play(&sim, 5000 * MS);
    assert_int_equal(orl_rate_kbit_s(&sim.rate), 0);
}

static void a_browser_that_paints_is_no_slow_line_and_one_that_is_slow_is(void **state)
{
    (void)state;
    struct sim sim;
    begin(&sim, 100000, 5 * MS);
    sim.is_acked = sim.is_browser = true;
    sim.decoder_us = 31 * MS;
    sim.jitter_us = 30 * MS;
    (void)play(&sim, 5000 * MS);
    assert_int_equal(orl_rate_kbit_s(&sim.rate), 0);
    begin(&sim, 3000, 20 * MS);
    sim.is_acked = sim.is_browser = true;
    sim.decoder_us = 5 * MS;
    (void)play(&sim, 5000 * MS);
    assert_in_range(orl_rate_kbit_s(&sim.rate), 1500, 4000);
}

static void small_things_go_while_what_moves_waits(void **state)
{
    (void)state;
    struct sim sim;
    unsigned held = 0;
    begin(&sim, 1000, 50 * MS);
    (void)play(&sim, 4000 * MS);
    for (unsigned i = 0; i < 100; i++) {
        (void)play(&sim, 10 * MS);
        held += orl_rate_can_move(&sim.rate, sim.now_us) ? 0 : 1;
        assert_true(orl_rate_can_send(&sim.rate));
    }
    assert_true(held > 10);
    for (unsigned i = 0; i < 100; i++) { /* but not without end */
        send(&sim, 1000);
    }
    assert_false(orl_rate_can_send(&sim.rate));
}

static void lies_of_a_client_do_no_harm(void **state)
{
    (void)state;
    struct sim sim;
    begin(&sim, 1000, 50 * MS);
    orl_rate_arrived(&sim.rate, UINT64_MAX, 5);
    send(&sim, 5000);
    orl_rate_arrived(&sim.rate, UINT64_MAX, sim.now_us); /* the very moment */
    orl_rate_arrived(&sim.rate, UINT64_MAX, sim.now_us);
    orl_rate_arrived(&sim.rate, 1, sim.now_us);
    for (unsigned i = 0; i < 200; i++) { /* more than can be remembered */
        send(&sim, 5000);
    }
    orl_rate_arrived(&sim.rate, sim.total, sim.now_us + 1);
    assert_true(sim.rate.arrived_bytes == sim.rate.sent_bytes);
    assert_true(orl_rate_can_move(&sim.rate, sim.now_us + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_steady_slow_line_is_filled_and_does_not_queue),
            cmocka_unit_test(a_fast_line_has_no_limit),
            cmocka_unit_test(a_sudden_drop_is_followed),
            cmocka_unit_test(two_seconds_after_the_line_recovers_so_has_the_rate),
            cmocka_unit_test(a_short_line_recovers_as_well),
            cmocka_unit_test(a_line_that_stood_still_is_used_again_at_once),
            cmocka_unit_test(jitter_is_no_limit),
            cmocka_unit_test(a_slow_decoder_is_no_slow_line),
            cmocka_unit_test(a_browser_that_paints_is_no_slow_line_and_one_that_is_slow_is),
            cmocka_unit_test(small_things_go_while_what_moves_waits),
            cmocka_unit_test(lies_of_a_client_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
