#include "broker/load.h"

#include "base/clock.h"
#include "broker/gateway_sock.h"

#include <stdlib.h>

enum { RTTS_MAX = 4096 };
#define SAMPLE_OLD_US (UINT64_C(120) * ORL_US_PER_S)

struct rtts {
    uint64_t now_us;
    uint32_t count;
    uint32_t us[RTTS_MAX];
};

static void add_rtt(void *ctx, struct orl_conn *conn)
{
    struct rtts *rtts = ctx;
    const struct orl_frame_sample *sample = &conn->sample;
    if (conn->state == ORL_CONN_LIVE && sample->seq > 0 && sample->stats.rtt_us > 0 &&
            rtts->now_us < sample->at_us + SAMPLE_OLD_US && rtts->count < RTTS_MAX) {
        rtts->us[rtts->count++] = sample->stats.rtt_us;
    }
}

static int compare(const void *one, const void *other)
{
    uint32_t a = *(const uint32_t *)one;
    uint32_t b = *(const uint32_t *)other;
    return a < b ? -1 : a > b ? 1 : 0;
}

struct orl_load_latency orl_load_latency_of(uint32_t *rtts_us, uint32_t count)
{
    struct orl_load_latency latency = {.count = count};
    if (count > 0) {
        qsort(rtts_us, count, sizeof(rtts_us[0]), compare);
        latency.p50_us = rtts_us[(count - 1) / 2];
        latency.p95_us = rtts_us[(uint64_t)(count - 1) * 95 / 100];
    }
    return latency;
}

int orl_load_read(struct orl_broker *broker, struct orl_load_now *ret_now, struct orl_err *err)
{
    struct rtts *rtts = calloc(1, sizeof(*rtts));
    if (rtts == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "load: out of memory");
    }
    struct orl_load_now now = {.at_ms = orl_clock_wall_ms()};
    rtts->now_us = orl_clock_now_us();
    orl_conn_each(broker->gateways, add_rtt, rtts);
    now.latency = orl_load_latency_of(rtts->us, rtts->count);
    free(rtts);
    int rc = orl_overview_read(broker->store, now.at_ms, &now.overview, err);
    if (rc == 0) {
        *ret_now = now;
    }
    return rc;
}

json_t *orl_load_now_json(const struct orl_load_now *now)
{
    const struct orl_overview *o = &now->overview;
    return json_pack("{s:I, s:{s:i, s:i, s:i, s:i, s:f, s:I, s:I}, s:{s:i, s:i, s:i, s:i, s:i},"
                     " s:{s:i, s:i, s:i}, s:i, s:i, s:i, s:i, s:{s:i, s:i, s:i}}",
            "at_ms", (json_int_t)now->at_ms, "hosts", "up", (int)o->hosts.up, "down",
            (int)o->hosts.down, "draining", (int)o->hosts.draining, "cpus", (int)o->hosts.cpus,
            "cpu_percent", o->hosts.cpu_permille / 10.0, "memory_mib",
            (json_int_t)o->hosts.memory_mib, "free_memory_mib",
            (json_int_t)o->hosts.free_memory_mib, "desktops", "total", (int)o->desktops.total,
            "ready", (int)o->desktops.ready, "given", (int)o->desktops.given, "suspended",
            (int)o->desktops.suspended, "failed", (int)o->desktops.failed, "sessions", "active",
            (int)o->sessions.active, "disconnected", (int)o->sessions.disconnected, "waiting",
            (int)o->sessions.waiting, "pools", (int)o->pools, "alarms", (int)o->alarms,
            "quarantined", (int)o->quarantined, "jobs", (int)o->jobs, "latency", "count",
            (int)now->latency.count, "p50_us", (int)now->latency.p50_us, "p95_us",
            (int)now->latency.p95_us);
}

void orl_load_keep(struct orl_load_history *history, const struct orl_load_now *now)
{
    const struct orl_overview *o = &now->overview;
    const uint64_t all = o->hosts.memory_mib;
    const uint64_t used = all > o->hosts.free_memory_mib ? all - o->hosts.free_memory_mib : 0;
    history->samples[history->next] = (struct orl_load_sample){.at_ms = now->at_ms,
            .has_hosts = o->hosts.up > 0,
            .cpu_permille = (uint16_t)o->hosts.cpu_permille,
            .memory_permille = (uint16_t)(all > 0 ? used * 1000 / all : 0),
            .sessions = o->sessions.active,
            .waiting = o->sessions.waiting,
            .latency_us = now->latency.p50_us,
            .latency_p95_us = now->latency.p95_us};
    history->next = (history->next + 1) % ORL_LOAD_MINUTES;
    history->count += history->count < ORL_LOAD_MINUTES ? 1 : 0;
}

static json_t *number_or_null(bool is_known, double value)
{
    return is_known ? json_real(value) : json_null();
}

json_t *orl_load_history_json(const struct orl_load_history *history, unsigned minutes)
{
    static const char *const names[] = {"times_ms", "cpu_percent", "memory_percent", "sessions",
            "waiting", "latency_ms", "latency_p95_ms"};
    enum { SERIES = sizeof(names) / sizeof(names[0]) };
    json_t *json = json_object();
    json_t *series[SERIES];
    unsigned count = minutes < history->count ? minutes : history->count;
    (void)json_object_set_new(json, "interval_s", json_integer(60));
    for (unsigned i = 0; i < SERIES; i++) {
        series[i] = json_array();
        (void)json_object_set_new(json, names[i], series[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        const struct orl_load_sample *s =
                &history->samples[(history->next + ORL_LOAD_MINUTES - count + i) %
                                  ORL_LOAD_MINUTES];
        json_t *values[SERIES] = {json_integer((json_int_t)s->at_ms),
                number_or_null(s->has_hosts, s->cpu_permille / 10.0),
                number_or_null(s->has_hosts, s->memory_permille / 10.0), json_integer(s->sessions),
                json_integer(s->waiting), number_or_null(s->latency_us > 0, s->latency_us / 1000.0),
                number_or_null(s->latency_us > 0, s->latency_p95_us / 1000.0)};
        for (unsigned k = 0; k < SERIES; k++) {
            (void)json_array_append_new(series[k], values[k]);
        }
    }
    return json;
}
