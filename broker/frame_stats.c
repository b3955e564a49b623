#include "broker/frame_stats.h"
#include "base/clock.h"

/* Far beyond what a session can do, near enough that a lie is small. */
#define FRAMES_PER_S 1000
#define BYTES_PER_S UINT64_C(2500000000)
#define TIME_MAX_US (UINT64_C(120) * ORL_US_PER_S)
#define SLACK_S 15 /* since its word before, which may have been lost */
#define SILENCE_MAX_S 3600

const char *orl_stats_time_name(enum orl_stats_time time)
{
    static const char *const names[ORL_STATS_TIME_COUNT] = {"encode", "ack", "total", "key"};
    return names[time];
}

const char *orl_stats_kind_name(enum orl_stats_kind kind)
{
    static const char *const names[ORL_STATS_KIND_COUNT] = {"copy", "lossless", "h264", "refine"};
    return names[kind];
}

static struct orl_histogram times_of(const struct orl_stats_since *since, unsigned time)
{
    struct orl_histogram times = {.sum_us = since->sums_us[time]};
    for (unsigned i = 0; i < ORL_HISTOGRAM_BUCKETS; i++) {
        times.counts[i] = since->counts[time][i];
    }
    return times;
}

static bool is_possible(const struct orl_stats_since *since, uint64_t seconds)
{
    const uint64_t frames_max = FRAMES_PER_S * seconds;
    bool is_good = since->frames <= frames_max;
    for (unsigned i = 0; i < ORL_STATS_TIME_COUNT; i++) {
        const struct orl_histogram times = times_of(since, i);
        const uint64_t count = orl_histogram_count(&times);
        is_good = is_good && count <= frames_max && times.sum_us <= count * TIME_MAX_US;
    }
    uint64_t bytes = 0;
    for (unsigned i = 0; i < ORL_STATS_KIND_COUNT; i++) {
        const uint64_t bytes_max = BYTES_PER_S * seconds;
        is_good = is_good && since->kind_frames[i] <= frames_max &&
                  since->kind_bytes[i] <= bytes_max - bytes;
        bytes += is_good ? since->kind_bytes[i] : 0;
    }
    return is_good;
}

/* Stops at the largest number instead of wrapping. */
static void add(uint64_t *sum, uint64_t more)
{
    *sum = *sum > UINT64_MAX - more ? UINT64_MAX : *sum + more;
}

static void add_all(struct orl_frame_sums *sums, const struct orl_stats_since *since)
{
    add(&sums->frames, since->frames);
    for (unsigned i = 0; i < ORL_STATS_TIME_COUNT; i++) {
        const struct orl_histogram times = times_of(since, i);
        orl_histogram_merge(&sums->times[i], &times);
    }
    for (unsigned i = 0; i < ORL_STATS_KIND_COUNT; i++) {
        add(&sums->kind_frames[i], since->kind_frames[i]);
        add(&sums->kind_bytes[i], since->kind_bytes[i]);
    }
}

static uint64_t seconds_since(const struct orl_frame_sample *sample, uint64_t now_us)
{
    if (sample->seq == 0 || now_us < sample->at_us) {
        return SLACK_S;
    }
    const uint64_t silent_s = (now_us - sample->at_us) / ORL_US_PER_S;
    return SLACK_S + (silent_s < SILENCE_MAX_S ? silent_s : SILENCE_MAX_S);
}

static uint64_t bytes_more(
        const struct orl_frame_sample *sample, uint64_t bytes_out, uint64_t seconds)
{
    const uint64_t before = sample->stats.bytes_out;
    const uint64_t max = BYTES_PER_S * seconds;
    if (sample->seq == 0 || bytes_out < before) {
        return 0;
    }
    return bytes_out - before < max ? bytes_out - before : max;
}

bool orl_frame_stats_add(struct orl_frame_stats *stats, uint32_t protocol,
        struct orl_frame_sample *sample, const struct orl_msg_stats *msg, uint64_t now_us,
        uint64_t now_ms)
{
    const uint64_t seconds = seconds_since(sample, now_us);
    const bool is_good = is_possible(&msg->since, seconds);
    if (is_good) {
        add_all(protocol == ORL_PROTOCOL_VNC ? &stats->vnc : &stats->rdp, &msg->since);
    } else {
        add(&stats->refused, 1);
    }
    sample->bytes_more = bytes_more(sample, msg->bytes_out, seconds);
    sample->stats = *msg;
    if (!is_good) {
        sample->stats.since = (struct orl_stats_since){0};
    }
    sample->at_us = now_us;
    sample->at_ms = now_ms;
    sample->seq = sample->seq < INT32_MAX ? sample->seq + 1 : 1;
    return is_good;
}

struct orl_histogram orl_frame_sample_times(
        const struct orl_frame_sample *sample, enum orl_stats_time time)
{
    return times_of(&sample->stats.since, time);
}
