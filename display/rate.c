/* Each arrival says how long its bytes waited behind earlier ones and how long the line took for themselves. The
 * limit falls where all waited, to what the line took; it rises where nothing waited and more would have gone. */
#include "display/rate.h"
#include "base/clock.h"
#include <string.h>

#define WAIT_HIGH_US 20000
#define WAIT_LOW_US 10000
#define LATE_US 40000   /* without a limit: later than that, all of a window, is one */
#define BLIND 2         /* times so long, where only a browser's painting tells of arrivals */
#define LATE_WINDOWS 2  /* in a row: a client that takes long for its first picture is late once */
#define WINDOW_US 60000 /* at least; the base where that is more */
#define BASE_OLD_US 30000000 /* then it is measured anew */
#define DRAIN_US 1000000
#define BURST_BYTES 3000  /* less says nothing about a rate */
#define FIRST_BYTES 65536 /* on the way while nothing is known */
#define LIMIT_NONE_KBIT_S 200000
#define PER_CENT 100

void orl_rate_init(struct orl_rate *rate)
{
    memset(rate, 0, sizeof(*rate));
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t above(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static uint64_t on_the_way(const struct orl_rate *rate)
{
    return above(rate->sent_bytes, rate->arrived_bytes);
}

/* kbit/s are bits per ms. */
static uint64_t bytes_of(uint64_t kbit_s, uint64_t time_us)
{
    return kbit_s * time_us / 8000;
}

void orl_rate_sent(struct orl_rate *rate, uint64_t total_bytes, uint64_t now_us)
{
    if (total_bytes <= rate->sent_bytes) {
        return;
    }
    const struct orl_rate_mark mark = {total_bytes, now_us, on_the_way(rate) == 0};
    rate->sent_bytes = total_bytes;
    if (rate->mark_count == ORL_RATE_MARKS) { /* the last two become one */
        rate->mark_count--;
    }
    rate->marks[rate->mark_count++] = mark;
}

void orl_rate_frame(struct orl_rate *rate, uint64_t bytes)
{
    rate->frame_bytes = rate->frame_bytes == 0 ? bytes : (rate->frame_bytes * 3 + bytes) / 4;
}

/* Takes the marks up to total_bytes; *ret_mark is the last of them. */
static bool take_marks(struct orl_rate *rate, uint64_t total_bytes, struct orl_rate_mark *ret_mark)
{
    unsigned done = 0;
    while (done < rate->mark_count && rate->marks[done].total_bytes <= total_bytes) {
        done++;
    }
    if (done == 0) {
        return false;
    }
    *ret_mark = rate->marks[done - 1];
    ret_mark->is_alone = rate->marks[0].is_alone;
    rate->mark_count -= done;
    memmove(rate->marks, rate->marks + done, rate->mark_count * sizeof(rate->marks[0]));
    return true;
}

/* Delay that the bytes' own length does not explain. */
static void note_base(struct orl_rate *rate, const struct orl_rate_mark *mark, uint64_t bytes,
        uint64_t delay_us, uint64_t now_us)
{
    const uint64_t own_us = rate->limit_kbit_s == 0 ? 0 : bytes * 8000 / rate->limit_kbit_s;
    const bool is_anew = rate->is_draining && mark->is_alone;
    if (is_anew) {
        rate->is_draining = false;
        rate->base_us = larger(above(delay_us, own_us), 1);
        rate->base_at_us = now_us;
    } else if (rate->base_us == 0 || delay_us <= rate->base_us) {
        rate->base_us = larger(delay_us, 1);
        rate->base_at_us = now_us;
    }
}

static void note_arrival(
        struct orl_rate *rate, const struct orl_rate_mark *mark, uint64_t bytes, uint64_t now_us)
{
    struct orl_rate_window *window = &rate->window;
    const uint64_t ideal_us = mark->sent_us + rate->base_us; /* over an empty, endless line */
    const uint64_t begin_us = larger(ideal_us, rate->arrived_us);
    const uint64_t wait_us = begin_us - ideal_us;
    const uint64_t late_us = above(now_us, ideal_us);
    window->wait_us = window->count == 0 ? wait_us : smaller(window->wait_us, wait_us);
    window->late_us = window->count == 0 ? late_us : smaller(window->late_us, late_us);
    window->has_room = rate->has_room && (window->count == 0 || window->has_room);
    window->count++;
    window->bytes += bytes;
    window->busy_us += above(now_us, begin_us);
}

static void set_limit(struct orl_rate *rate, uint64_t kbit_s)
{
    rate->limit_kbit_s =
            kbit_s > LIMIT_NONE_KBIT_S ? 0 : (uint32_t)larger(kbit_s, ORL_RATE_MIN_KBIT_S);
}

/* What the line took these bytes for; none to speak of: it is far from its limit. */
static uint64_t service_kbit_s(const struct orl_rate_window *window)
{
    return window->busy_us < 100 ? LIMIT_NONE_KBIT_S : window->bytes * 8000 / window->busy_us;
}

static void judge(struct orl_rate *rate, uint64_t now_us)
{
    const struct orl_rate_window window = rate->window;
    const uint64_t limit = rate->limit_kbit_s;
    const uint64_t busy_us = above(now_us - rate->window_us, window.idle_us);
    const uint64_t times = rate->is_blind ? BLIND : 1;
    const uint64_t got = window.bytes * 8000 / larger(busy_us, 1000);
    if (window.bytes < BURST_BYTES) {
        return;
    }
    rate->seen_kbit_s = (uint32_t)smaller(
            larger(got, (uint64_t)rate->seen_kbit_s * 98 / PER_CENT), LIMIT_NONE_KBIT_S);
    /* What took long while TCP had room was not the line. */
    const uint64_t service = larger(service_kbit_s(&window), window.has_room ? limit : 0);
    if (limit == 0) {
        rate->late_count =
                window.late_us > LATE_US * times && !window.has_room ? rate->late_count + 1 : 0;
        if (rate->late_count == LATE_WINDOWS) {
            rate->late_count = 0;
            set_limit(rate, service);
        }
    } else if (window.wait_us > WAIT_HIGH_US * times && !window.has_room) {
        set_limit(rate, smaller(service * 90 / PER_CENT, limit));
    } else if ((window.wait_us < WAIT_LOW_US * times || window.has_room) &&
               (rate->is_used || got * 10 > limit * 6)) {
        const uint64_t step = service > limit * 3 ? 200 : 130; /* far from the limit, or near */
        const uint64_t more =
                larger(smaller(service, limit * step / PER_CENT), limit * 105 / PER_CENT);
        set_limit(rate, larger(smaller(more, service * 115 / PER_CENT), limit));
    }
}

static void begin_window(struct orl_rate *rate, uint64_t now_us)
{
    rate->window = (struct orl_rate_window){.count = 0};
    rate->window_us = now_us;
    rate->is_used = false;
    if (rate->limit_kbit_s != 0 && now_us > rate->base_at_us + BASE_OLD_US) {
        rate->is_draining = true;
    }
}

void orl_rate_arrived(struct orl_rate *rate, uint64_t total_bytes, uint64_t now_us)
{
    const uint64_t first_us = rate->marks[0].sent_us;
    struct orl_rate_mark mark;
    if (!take_marks(rate, total_bytes, &mark)) {
        return;
    }
    const uint64_t bytes = mark.total_bytes - rate->arrived_bytes;
    const uint64_t delay_us = above(now_us, mark.sent_us);
    note_base(rate, &mark, bytes, delay_us, now_us);
    if (mark.is_alone) {
        rate->window.idle_us += above(first_us, larger(rate->window_us, rate->arrived_us));
    }
    note_arrival(rate, &mark, bytes, now_us);
    rate->arrived_bytes = mark.total_bytes;
    rate->arrived_us = now_us;
    rate->delay_us = delay_us;
    if (now_us - rate->window_us >= larger(WINDOW_US, rate->base_us)) {
        judge(rate, now_us);
        begin_window(rate, now_us);
    }
}

void orl_rate_done(struct orl_rate *rate, uint64_t total_bytes)
{
    struct orl_rate_mark mark;
    if (take_marks(rate, total_bytes, &mark)) {
        rate->arrived_bytes = mark.total_bytes;
    }
}

/* Where TCP's own delay is the client's, it knows whether the line queues, and a decoder does not matter to it.
 * Where it is far less than any arrival ever took, it ends at a proxy and knows nothing. */
void orl_rate_socket(struct orl_rate *rate, uint64_t rtt_us, uint64_t least_us)
{
    const bool is_direct = rtt_us != 0 && rate->base_us < least_us * 2 + LATE_US;
    rate->socket_us = rtt_us;
    rate->is_blind = rtt_us == 0;
    rate->has_room = is_direct && above(rtt_us, least_us) <= WAIT_HIGH_US;
}

void orl_rate_acked(struct orl_rate *rate, uint64_t total_bytes, uint64_t now_us)
{
    if (!rate->has_room) {
        orl_rate_arrived(rate, total_bytes, now_us);
        return;
    }
    struct orl_rate_mark mark;
    if (take_marks(rate, total_bytes, &mark)) {
        note_base(rate, &mark, 0, above(now_us, mark.sent_us), now_us);
        rate->arrived_bytes = mark.total_bytes;
        rate->arrived_us = now_us;
        rate->delay_us = rate->socket_us;
        if (rate->limit_kbit_s != 0 && rate->is_used) {
            set_limit(rate, (uint64_t)rate->limit_kbit_s * 110 / PER_CENT);
            rate->is_used = false;
        }
    }
}

bool orl_rate_can_move(struct orl_rate *rate, uint64_t now_us)
{
    const uint64_t way = on_the_way(rate);
    if (rate->is_draining && now_us > rate->base_at_us + BASE_OLD_US + DRAIN_US) {
        rate->is_draining = false; /* something small is always on the way; later again */
        rate->base_at_us = now_us;
    }
    if (way == 0) {
        return true;
    }
    bool can = false;
    if (rate->limit_kbit_s == 0) {
        const uint64_t known =
                bytes_of((uint64_t)rate->seen_kbit_s * 2, rate->base_us + ORL_RATE_QUEUE_US);
        can = way < larger(known, FIRST_BYTES);
    } else if (!rate->is_draining) {
        const uint64_t pipe = bytes_of(rate->limit_kbit_s, rate->base_us);
        const uint64_t queue = bytes_of(rate->limit_kbit_s, ORL_RATE_QUEUE_US);
        can = way + rate->frame_bytes <= pipe + queue || way * 10 <= pipe * 8;
    }
    rate->is_used = rate->is_used || !can;
    return can;
}

bool orl_rate_can_send(const struct orl_rate *rate)
{
    return rate->limit_kbit_s == 0 ||
           on_the_way(rate) <=
                   bytes_of(rate->limit_kbit_s, rate->base_us + 4UL * ORL_RATE_QUEUE_US);
}

uint32_t orl_rate_kbit_s(const struct orl_rate *rate)
{
    return rate->limit_kbit_s;
}

size_t orl_rate_bytes(const struct orl_rate *rate, uint64_t time_us)
{
    return rate->limit_kbit_s == 0 ? SIZE_MAX : (size_t)bytes_of(rate->limit_kbit_s, time_us);
}

uint64_t orl_rate_rtt_us(const struct orl_rate *rate)
{
    return rate->delay_us;
}

unsigned orl_rate_frames(const struct orl_rate *rate, uint64_t interval_us, unsigned max)
{
    const uint64_t frames = rate->base_us / larger(interval_us, 1) + 2;
    return frames < max ? (unsigned)frames : max;
}
