/* GET /metrics: what Prometheus scrapes. No label names a person, a session or a desktop. */
#include "base/buf.h"
#include "broker/api_handlers.h"
#include "broker/certificates.h"
#include "broker/console.h"
#include "broker/events.h"
#include "broker/gateway_sock.h"
#include "broker/hashing.h"
#include "store/desktop.h"
#include "store/pool.h"

#include <stdarg.h>
#include <stdio.h>

enum { METRICS_BYTES = 1 << 20 };

static void put(struct orl_buf *buf, const char *fmt, ...) ORL_PRINTF(2, 3);
static void put(struct orl_buf *buf, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    if (len > 0 && (size_t)len < sizeof(line)) {
        orl_buf_put(buf, line, (size_t)len);
    }
}

static void put_head(struct orl_buf *buf, const char *name, const char *type, const char *help)
{
    put(buf, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_reasons(
        struct orl_buf *buf, const char *name, const char *help, const uint64_t *counts)
{
    put_head(buf, name, "counter", help);
    for (unsigned i = 0; i < ORL_REASON_COUNT; i++) {
        if (counts[i] > 0) {
            put(buf, "%s{reason=\"%s\"} %llu\n", name, orl_reason_code((enum orl_reason)i),
                    (unsigned long long)counts[i]);
        }
    }
}

static double seconds(uint64_t us)
{
    return (double)us / 1e6;
}

static void put_histogram(struct orl_buf *buf, const char *name, const char *protocol,
        const struct orl_histogram *histogram)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < ORL_HISTOGRAM_BOUNDS; i++) {
        count += histogram->counts[i];
        put(buf, "%s_bucket{protocol=\"%s\",le=\"%g\"} %llu\n", name, protocol,
                seconds(orl_histogram_bounds_us[i]), (unsigned long long)count);
    }
    count = orl_histogram_count(histogram);
    put(buf, "%s_bucket{protocol=\"%s\",le=\"+Inf\"} %llu\n", name, protocol,
            (unsigned long long)count);
    put(buf, "%s_sum{protocol=\"%s\"} %.6f\n", name, protocol, seconds(histogram->sum_us));
    put(buf, "%s_count{protocol=\"%s\"} %llu\n", name, protocol, (unsigned long long)count);
}

static const struct {
    const char *name, *help;
} time_metrics[ORL_STATS_TIME_COUNT] = {
        {"oriel_frame_encode_seconds", "Damage seen until its frame was written to the client."},
        {"oriel_frame_ack_seconds", "Frame written until the client acknowledged it."},
        {"oriel_frame_total_seconds", "Damage seen until the client acknowledged its frame."},
        {"oriel_key_to_frame_seconds", "Key pressed until the next newer frame was written."},
};

static void put_frames(struct orl_buf *buf, const struct orl_frame_stats *stats)
{
    const struct {
        const char *name;
        const struct orl_frame_sums *sums;
    } protocols[] = {{"rdp", &stats->rdp}, {"vnc", &stats->vnc}};
    for (unsigned t = 0; t < ORL_STATS_TIME_COUNT; t++) {
        put_head(buf, time_metrics[t].name, "histogram", time_metrics[t].help);
        for (unsigned p = 0; p < 2; p++) {
            put_histogram(
                    buf, time_metrics[t].name, protocols[p].name, &protocols[p].sums->times[t]);
        }
    }
    put_head(buf, "oriel_frames_total", "counter", "Frames sent to clients.");
    for (unsigned p = 0; p < 2; p++) {
        put(buf, "oriel_frames_total{protocol=\"%s\"} %llu\n", protocols[p].name,
                (unsigned long long)protocols[p].sums->frames);
    }
    put_head(buf, "oriel_frame_bytes_total", "counter", "Bytes of frames, by what they were for.");
    for (unsigned i = 0; i < 2 * ORL_STATS_KIND_COUNT; i++) {
        const unsigned p = i / ORL_STATS_KIND_COUNT;
        const unsigned kind = i % ORL_STATS_KIND_COUNT;
        put(buf, "oriel_frame_bytes_total{protocol=\"%s\",kind=\"%s\"} %llu\n", protocols[p].name,
                orl_stats_kind_name((enum orl_stats_kind)kind),
                (unsigned long long)protocols[p].sums->kind_bytes[kind]);
    }
    put_head(buf, "oriel_frame_stats_refused_total", "counter",
            "Statistics of sessions that cannot be true.");
    put(buf, "oriel_frame_stats_refused_total %llu\n", (unsigned long long)stats->refused);
}

struct metrics {
    struct orl_broker *broker;
    struct orl_buf *buf;
};

static int put_pool(void *ctx, const struct orl_pool_row *row)
{
    struct metrics *metrics = ctx;
    struct orl_desktop_counts counts = {0};
    if (orl_desktop_count(metrics->broker->store, row->name, &counts, NULL) == 0) {
        put(metrics->buf, "oriel_pool_desktops{pool=\"%s\",state=\"total\"} %u\n", row->name,
                counts.total);
        put(metrics->buf, "oriel_pool_desktops{pool=\"%s\",state=\"ready\"} %u\n", row->name,
                counts.ready);
        put(metrics->buf, "oriel_pool_desktops{pool=\"%s\",state=\"given\"} %u\n", row->name,
                counts.given);
    }
    return 0;
}

static void put_logins(struct orl_buf *buf, const struct orl_broker *broker)
{
    static const unsigned permilles[] = {500, 900, 990};
    static const char name[] = "oriel_login_seconds";
    struct orl_hashing_stats hashing;
    put_head(buf, name, "summary", "How long logins took, part by part.");
    for (unsigned i = 0; i < ORL_LOGIN_PARTS; i++) {
        const enum orl_login_part part = (enum orl_login_part)i;
        const struct orl_login_times *times = &broker->login_times;
        for (unsigned q = 0; q < sizeof(permilles) / sizeof(permilles[0]); q++) {
            put(buf, "%s{part=\"%s\",quantile=\"%.2f\"} %.6f\n", name, orl_login_part_name(part),
                    permilles[q] / 1000.0,
                    seconds(orl_login_times_quantile_us(times, part, permilles[q])));
        }
        put(buf, "%s_sum{part=\"%s\"} %.6f\n", name, orl_login_part_name(part),
                seconds(times->sums_us[part]));
        put(buf, "%s_count{part=\"%s\"} %llu\n", name, orl_login_part_name(part),
                (unsigned long long)orl_login_times_count(times, part));
    }
    orl_hashing_stats(broker->hashing, &hashing);
    put_head(buf, "oriel_password_checks", "gauge", "Passwords that are checked, or wait for it.");
    put(buf, "oriel_password_checks{state=\"running\"} %u\n", hashing.running);
    put(buf, "oriel_password_checks{state=\"waiting\"} %u\n", hashing.waiting);
    put_head(buf, "oriel_password_checks_total", "counter", "Passwords checked or turned away.");
    put(buf, "oriel_password_checks_total{result=\"checked\"} %llu\n",
            (unsigned long long)hashing.done);
    put(buf, "oriel_password_checks_total{result=\"busy\"} %llu\n",
            (unsigned long long)hashing.refused);
}

/* No row of a program that has not said yet what it shows. */
static void put_certificates(struct orl_buf *buf, const struct orl_broker *broker)
{
    put_head(buf, "oriel_certificate_expiry_seconds", "gauge",
            "When the certificate that is shown is no good any more, in seconds since 1970.");
    for (unsigned i = ORL_SERVICE_RDP; i <= ORL_SERVICE_WEB; i++) {
        bool is_up = false;
        const struct orl_msg_service *said =
                orl_certificates_get(broker->certificates, (enum orl_service)i, &is_up);
        if (said != NULL) {
            put(buf, "oriel_certificate_expiry_seconds{service=\"%s\"} %llu\n",
                    orl_service_name((enum orl_service)i),
                    (unsigned long long)(said->until_ms / 1000));
        }
    }
}

void orl_api_metrics(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct orl_broker *broker = req->broker;
    const struct orl_broker_counters *c = &broker->counters;
    struct orl_buf buf;
    struct metrics metrics = {.broker = broker, .buf = &buf};
    orl_buf_init(&buf, METRICS_BYTES);
    put_head(&buf, "oriel_logins_total", "counter", "Logins that got or wait for a desktop.");
    put(&buf, "oriel_logins_total %llu\n", (unsigned long long)c->logins);
    put_reasons(&buf, "oriel_refusals_total", "Refused logins and requests.", c->refusals);
    put_reasons(&buf, "oriel_session_ends_total", "Sessions that ended.", c->session_ends);
    put_head(&buf, "oriel_connections", "gauge", "Client connections by state.");
    put(&buf, "oriel_connections{state=\"checking\"} %u\n",
            orl_conn_count(broker->gateways, ORL_CONN_CHECKING));
    put(&buf, "oriel_connections{state=\"waiting\"} %u\n",
            orl_conn_count(broker->gateways, ORL_CONN_WAITING));
    put(&buf, "oriel_connections{state=\"live\"} %u\n",
            orl_conn_count(broker->gateways, ORL_CONN_LIVE));
    put_head(&buf, "oriel_portal_pages", "gauge", "Open pages of the portal.");
    put(&buf, "oriel_portal_pages %u\n", orl_events_count(broker->events));
    put_head(&buf, "oriel_consoles", "gauge", "Open consoles of administrators.");
    put(&buf, "oriel_consoles %u\n", orl_console_count(broker->console));
    put_head(&buf, "oriel_gateways", "gauge", "Connected gateways.");
    put(&buf, "oriel_gateways %u\n", orl_gateway_count(broker->gateways));
    put_head(&buf, "oriel_gateway_faults_total", "counter", "Messages no gateway may send.");
    put(&buf, "oriel_gateway_faults_total %llu\n", (unsigned long long)c->gateway_faults);
    put_head(&buf, "oriel_api_requests_total", "counter", "Requests to the API.");
    put(&buf, "oriel_api_requests_total %llu\n", (unsigned long long)c->api_requests);
    put_certificates(&buf, broker);
    put_logins(&buf, broker);
    put_frames(&buf, &broker->frames);
    put_head(&buf, "oriel_pool_desktops", "gauge", "Desktops by pool.");
    int rc = orl_pool_list(broker->store, NULL, put_pool, &metrics, &err);
    if (rc < 0 || buf.is_failed) {
        orl_buf_fini(&buf);
        err.code = rc < 0 ? rc : ORL_E_LIMIT;
        orl_api_fail(req, &err);
        return;
    }
    orl_http_reply_text(req, 200, "text/plain; version=0.0.4", (char *)buf.data, buf.len);
}
