#include "session/telemetry.h"
#include <string.h>

static void count(
        struct orl_telemetry *telemetry, enum orl_stats_time kind, uint64_t from_us, uint64_t to_us)
{
    const uint64_t time_us = to_us > from_us ? to_us - from_us : 0;
    struct orl_histogram one = {0};
    orl_histogram_add(&one, time_us);
    for (unsigned i = 0; i < ORL_HISTOGRAM_BUCKETS; i++) {
        telemetry->since.counts[kind][i] += (uint32_t)one.counts[i];
    }
    telemetry->since.sums_us[kind] += time_us;
}

void orl_telemetry_init(struct orl_telemetry *telemetry, uint64_t now_us)
{
    *telemetry = (struct orl_telemetry){.taken_us = now_us};
}

void orl_telemetry_key(struct orl_telemetry *telemetry, uint64_t now_us)
{
    if (telemetry->key_us == 0 || now_us - telemetry->key_us > ORL_TELEMETRY_KEY_MAX_US) {
        telemetry->key_us = now_us;
    }
}

static enum orl_stats_kind kind_of(const struct orl_op *op)
{
    switch (op->kind) {
    case ORL_OP_H264:
        return ORL_STATS_H264;
    case ORL_OP_PHOTO:
    case ORL_OP_LOSSLESS:
        return op->is_refine ? ORL_STATS_REFINE : ORL_STATS_LOSSLESS;
    case ORL_OP_COPY:
    case ORL_OP_FILL:
    case ORL_OP_NONE:
        break;
    }
    return ORL_STATS_COPY;
}

static void count_kinds(
        struct orl_stats_since *since, const struct orl_update *update, uint64_t bytes)
{
    static const enum orl_stats_kind dearest_first[] = {
            ORL_STATS_LOSSLESS, ORL_STATS_REFINE, ORL_STATS_COPY, ORL_STATS_H264};
    bool has[ORL_STATS_KIND_COUNT] = {false};
    uint64_t video = 0;
    for (unsigned i = 0; i < update->op_count; i++) {
        const enum orl_stats_kind kind = kind_of(&update->ops[i]);
        has[kind] = true;
        video += kind == ORL_STATS_H264 ? update->ops[i].data_len : 0;
    }
    video = video < bytes ? video : bytes;
    since->kind_bytes[ORL_STATS_H264] += video;
    bool is_rest_counted = false;
    for (unsigned i = 0; i < ORL_STATS_KIND_COUNT; i++) {
        const enum orl_stats_kind kind = dearest_first[i];
        if (has[kind]) {
            since->kind_frames[kind]++;
            since->kind_bytes[kind] += is_rest_counted ? 0 : bytes - video;
            is_rest_counted = true;
        }
    }
}

static void forget_oldest(struct orl_telemetry *telemetry, unsigned n)
{
    telemetry->count -= n;
    memmove(telemetry->in_flight, telemetry->in_flight + n,
            telemetry->count * sizeof(telemetry->in_flight[0]));
}

void orl_telemetry_sent(struct orl_telemetry *telemetry, const struct orl_update *update,
        uint64_t bytes, uint64_t written_us)
{
    telemetry->since.frames++;
    count(telemetry, ORL_STATS_ENCODE, update->damage_us, written_us);
    count_kinds(&telemetry->since, update, bytes);
    if (telemetry->key_us != 0 && update->damage_us >= telemetry->key_us) {
        if (written_us - telemetry->key_us <= ORL_TELEMETRY_KEY_MAX_US) {
            count(telemetry, ORL_STATS_KEY, telemetry->key_us, written_us);
        }
        telemetry->key_us = 0;
    }
    if (telemetry->count == ORL_TELEMETRY_IN_FLIGHT) {
        forget_oldest(telemetry, 1);
    }
    telemetry->in_flight[telemetry->count++] =
            (struct orl_telemetry_flight){update->frame_id, update->damage_us, written_us};
}

void orl_telemetry_acked(struct orl_telemetry *telemetry, uint32_t frame_id, uint64_t now_us)
{
    unsigned done = 0;
    for (unsigned i = 0; i < telemetry->count; i++) {
        done = telemetry->in_flight[i].frame_id == frame_id ? i + 1 : done;
    }
    for (unsigned i = 0; i < done; i++) {
        const struct orl_telemetry_flight *frame = &telemetry->in_flight[i];
        count(telemetry, ORL_STATS_ACK, frame->written_us, now_us);
        count(telemetry, ORL_STATS_TOTAL, frame->damage_us, now_us);
    }
    forget_oldest(telemetry, done);
}

void orl_telemetry_take(
        struct orl_telemetry *telemetry, uint64_t now_us, struct orl_stats_since *ret_since)
{
    const uint64_t elapsed_ms =
            now_us > telemetry->taken_us ? (now_us - telemetry->taken_us) / 1000 : 0;
    *ret_since = telemetry->since;
    ret_since->elapsed_ms = elapsed_ms < UINT32_MAX ? (uint32_t)elapsed_ms : UINT32_MAX;
    telemetry->since = (struct orl_stats_since){0};
    telemetry->taken_us = now_us;
}
