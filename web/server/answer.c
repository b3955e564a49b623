/* Answers: a head, then nothing, bytes, a page, or what the broker sends. One lws_write() for each time the
 * browser can take something. */
#include "base/clock.h"
#include "base/secret.h"
#include "web/server/web_priv.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_BYTES = 8192, CHUNK_FRAME = 16 };

static const char security_headers[] =
        "strict-transport-security: max-age=31536000\r\n"
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; media-src 'self' blob:; "
        "worker-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'self'\r\n"
        "x-content-type-options: nosniff\r\n"
        "x-frame-options: DENY\r\n"
        "referrer-policy: no-referrer\r\n"
        "cross-origin-opener-policy: same-origin\r\n"
        "cross-origin-resource-policy: same-origin\r\n"
        "permissions-policy: camera=(), geolocation=(), microphone=(), payment=(), usb=()\r\n";

static const char *status_text(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } texts[] = {{200, "OK"}, {201, "Created"}, {202, "Accepted"}, {204, "No Content"},
            {304, "Not Modified"}, {308, "Permanent Redirect"}, {400, "Bad Request"},
            {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"},
            {405, "Method Not Allowed"}, {409, "Conflict"}, {411, "Length Required"},
            {412, "Precondition Failed"}, {413, "Content Too Large"},
            {415, "Unsupported Media Type"}, {426, "Upgrade Required"}, {408, "Request Timeout"},
            {410, "Gone"}, {429, "Too Many Requests"}, {507, "Insufficient Storage"},
            {500, "Internal Server Error"}, {503, "Service Unavailable"}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].status == status) {
            return texts[i].text;
        }
    }
    return "Answer";
}

static void put(struct orl_buf *buf, const char *fmt, ...) ORL_PRINTF(2, 3);
static void put(struct orl_buf *buf, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(text)) {
        buf->is_failed = true;
    } else {
        orl_buf_put(buf, text, (size_t)len);
    }
}

static void begin_head(struct orl_web_conn *conn, unsigned status)
{
    conn->phase = ORL_WEB_ANSWER;
    orl_buf_fini(&conn->out);
    orl_buf_init(&conn->out, HEAD_BYTES);
    conn->out_at = 0;
    put(&conn->out, "HTTP/1.1 %u %s\r\n", status, status_text(status));
    orl_buf_put(&conn->out, security_headers, sizeof(security_headers) - 1);
    if (conn->must_close) {
        put(&conn->out, "connection: close\r\n");
    }
}

static void end_head(struct orl_web_conn *conn)
{
    put(&conn->out, "\r\n");
    orl_web_want_write(conn);
}

void orl_answer_page(
        struct orl_web_conn *conn, const struct orl_asset *asset, bool is_head, bool takes_gzip)
{
    bool is_gz = takes_gzip && asset->gz != NULL;
    size_t len = is_gz ? asset->gz_len : asset->len;
    begin_head(conn, 200);
    put(&conn->out, "content-type: %s\r\ncontent-length: %zu\r\netag: %s\r\n", asset->type, len,
            asset->etag);
    put(&conn->out, "cache-control: %s\r\n",
            asset->is_immutable ? "public, max-age=31536000, immutable" : "no-cache");
    if (asset->gz != NULL) {
        put(&conn->out, "vary: accept-encoding\r\n");
    }
    if (is_gz) {
        put(&conn->out, "content-encoding: gzip\r\n");
    }
    if (!is_head) {
        conn->page = is_gz ? asset->gz : asset->data;
        conn->page_left = len;
    }
    end_head(conn);
}

void orl_answer_not_modified(struct orl_web_conn *conn, const struct orl_asset *asset)
{
    begin_head(conn, 304);
    put(&conn->out, "etag: %s\r\ncache-control: %s\r\n", asset->etag,
            asset->is_immutable ? "public, max-age=31536000, immutable" : "no-cache");
    end_head(conn);
}

void orl_answer_text(struct orl_web_conn *conn, unsigned status, bool is_head)
{
    char body[256];
    int len = snprintf(body, sizeof(body),
            "<!doctype html>\n<html lang=\"en\"><head><title>%s</title></head><body><h1>%s</h1>"
            "<p><a href=\"/\">To the portal</a></p></body></html>\n",
            status_text(status), status_text(status));
    begin_head(conn, status);
    put(&conn->out,
            "content-type: text/html; charset=utf-8\r\ncontent-length: %d\r\n"
            "cache-control: no-store\r\n",
            len);
    if (status == 405) {
        put(&conn->out, "allow: GET, HEAD\r\n");
    }
    end_head(conn);
    if (!is_head) {
        orl_buf_put(&conn->out, body, (size_t)len);
    }
}

void orl_answer_error(
        struct orl_web_conn *conn, unsigned status, const char *code, const char *text)
{
    char body[512];
    int len = snprintf(body, sizeof(body),
            "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,\"detail\":\"%s\","
            "\"code\":\"%s\"}",
            status_text(status), status, text, code);
    begin_head(conn, status);
    put(&conn->out,
            "content-type: application/problem+json\r\ncontent-length: %d\r\n"
            "cache-control: no-store\r\n",
            len);
    if (status == 503) {
        put(&conn->out, "retry-after: 5\r\n");
    }
    end_head(conn);
    orl_buf_put(&conn->out, body, (size_t)len);
}

void orl_answer_redirect(struct orl_web_conn *conn, const char *location)
{
    conn->must_close = true;
    begin_head(conn, 308);
    orl_buf_put(&conn->out, "location: ", 10);
    orl_buf_put(&conn->out, location, strlen(location));
    put(&conn->out, "\r\ncontent-length: 0\r\ncache-control: no-store\r\n");
    end_head(conn);
}

void orl_answer_refuse_upgrade(struct orl_web_conn *conn, unsigned status)
{
    uint8_t bytes[LWS_PRE + 2048];
    int len = snprintf((char *)bytes + LWS_PRE, sizeof(bytes) - LWS_PRE,
            "HTTP/1.1 %u %s\r\n%scontent-length: 0\r\ncache-control: no-store\r\n"
            "connection: close\r\n\r\n",
            status, status_text(status), security_headers);
    (void)lws_write(conn->wsi, bytes + LWS_PRE, (size_t)len, LWS_WRITE_HTTP_HEADERS);
}

void orl_answer_on_relay_news(void *ctx)
{
    orl_web_want_write(ctx);
}

/* Bytes that come now are of no request yet: libwebsockets would neither read them nor stop looking. But it
 * does not write, either, while it is told not to read. */
static void wait_for_broker(struct orl_web_conn *conn)
{
    if (!conn->is_deaf) {
        conn->is_deaf = true;
        (void)lws_rx_flow_control(conn->wsi, 0);
    }
}

static void put_relay_head(struct orl_web_conn *conn)
{
    const struct orl_relay *relay = conn->relay;
    unsigned status = orl_relay_status(relay);
    const char *headers = orl_relay_headers(relay);
    bool has_body = status != 204 && status != 304;
    conn->relay_left = has_body ? orl_relay_length(relay) : 0;
    conn->is_chunked = conn->relay_left < 0;
    conn->is_head_sent = true;
    begin_head(conn, status);
    orl_buf_put(&conn->out, headers, strlen(headers));
    if (strcasestr(headers, "cache-control:") == NULL) {
        put(&conn->out, "cache-control: no-store\r\n");
    }
    if (conn->is_chunked) {
        put(&conn->out, "transfer-encoding: chunked\r\n");
    } else if (has_body) {
        put(&conn->out, "content-length: %lld\r\n", (long long)conn->relay_left);
    }
    put(&conn->out, "\r\n");
}

void orl_answer_relay(struct orl_web_conn *conn)
{
    conn->phase = ORL_WEB_ANSWER;
    wait_for_broker(conn);
}

void orl_answer_relay_silent(struct orl_web_conn *conn)
{
    orl_relay_free(conn->relay);
    conn->relay = NULL;
    orl_answer_error(conn, 503, orl_reason_code(ORL_REASON_BROKER_DOWN),
            orl_reason_text(ORL_REASON_BROKER_DOWN));
}

void orl_answer_upload(struct orl_web_conn *conn)
{
    conn->phase = ORL_WEB_ANSWER;
    wait_for_broker(conn);
}

void orl_answer_upload_silent(struct orl_web_conn *conn)
{
    orl_upload_free(conn->upload);
    conn->upload = NULL;
    orl_answer_error(conn, 503, orl_reason_code(ORL_REASON_VMPOOL_DOWN),
            orl_reason_text(ORL_REASON_VMPOOL_DOWN));
}

static void put_upload_answer(struct orl_web_conn *conn)
{
    char body[700];
    unsigned status = 0;
    if (orl_upload_state(conn->upload) == ORL_UPLOAD_FAILED ||
            !orl_upload_answer_json(orl_upload_line(conn->upload), &status, body, sizeof(body))) {
        orl_answer_upload_silent(conn);
        return;
    }
    orl_upload_free(conn->upload);
    conn->upload = NULL;
    begin_head(conn, status);
    put(&conn->out, "content-type: %s\r\ncontent-length: %zu\r\ncache-control: no-store\r\n",
            status == 200 ? "application/json" : "application/problem+json", strlen(body));
    if (status == 503) {
        put(&conn->out, "retry-after: 1\r\n");
    }
    end_head(conn);
    orl_buf_put(&conn->out, body, strlen(body));
}

void orl_answer_reset(struct orl_web_conn *conn)
{
    orl_buf_wipe(&conn->out);
    orl_buf_fini(&conn->out);
    orl_buf_wipe(&conn->request_body);
    orl_buf_fini(&conn->request_body);
    orl_relay_free(conn->relay);
    conn->relay = NULL;
    orl_upload_free(conn->upload);
    conn->upload = NULL;
    conn->is_site = false;
    conn->is_upload = false;
    conn->is_asked = false;
    conn->is_body_whole = false;
    conn->is_placeless = false;
    orl_secret_wipe(&conn->upload_to, sizeof(conn->upload_to));
    conn->out_at = 0;
    conn->page = NULL;
    conn->page_left = 0;
    conn->is_head_sent = false;
    conn->is_chunked = false;
    conn->relay_left = 0;
    conn->wants_write_us = 0;
}

static int write_bytes(struct orl_web_conn *conn, uint8_t *bytes, size_t len)
{
    int sent = lws_write(conn->wsi, bytes, len, LWS_WRITE_HTTP);
    return sent < (int)len ? -1 : 0;
}

/* The next request may come, if the connection may be kept. */
static int finish(struct orl_web_conn *conn)
{
    bool must_close = conn->must_close;
    orl_answer_reset(conn);
    if (must_close) {
        return -1;
    }
    conn->phase = ORL_WEB_IDLE;
    conn->deadline_us = orl_clock_now_us() + (uint64_t)conn->web->cfg->idle_s * ORL_US_PER_S;
    return lws_http_transaction_completed(conn->wsi) != 0 ? -1 : 0;
}

static bool is_relay_over(const struct orl_web_conn *conn)
{
    return orl_relay_state(conn->relay) == ORL_RELAY_DONE && !orl_relay_has_bytes(conn->relay);
}

/* bytes has LWS_PRE of room before it. Its length; 0: nothing to write now; -1: broken off. */
static int next_of_relay(struct orl_web_conn *conn, uint8_t *bytes)
{
    if (!conn->is_chunked) {
        size_t len = orl_relay_take(conn->relay, bytes, ORL_WEB_WRITE_BYTES);
        conn->relay_left -= (int64_t)len;
        return conn->relay_left < 0 ? -1 : (int)len;
    }
    size_t len =
            orl_relay_take(conn->relay, bytes + CHUNK_FRAME, ORL_WEB_WRITE_BYTES - 2 * CHUNK_FRAME);
    if (len == 0) {
        return 0;
    }
    char frame[CHUNK_FRAME]; /* RFC 9112 7.1 */
    int head = snprintf(frame, sizeof(frame), "%zx\r\n", len);
    memmove(bytes + head, bytes + CHUNK_FRAME, len);
    for (int i = 0; i < head; i++) {
        bytes[i] = (uint8_t)frame[i];
    }
    bytes[(size_t)head + len] = '\r';
    bytes[(size_t)head + len + 1] = '\n';
    return head + (int)len + 2;
}

static int write_relay(struct orl_web_conn *conn, uint8_t *bytes)
{
    enum orl_relay_state state = orl_relay_state(conn->relay);
    if (state == ORL_RELAY_FAILED) {
        if (conn->is_head_sent) {
            return -1;
        }
        orl_answer_relay_silent(conn);
        return 0;
    }
    if (state == ORL_RELAY_WAITING) {
        wait_for_broker(conn);
        return 0;
    }
    if (!conn->is_head_sent) {
        put_relay_head(conn);
        orl_web_want_write(conn);
        return conn->out.is_failed ? -1 : 0;
    }
    int len = next_of_relay(conn, bytes);
    if (len < 0 || (len > 0 && write_bytes(conn, bytes, (size_t)len) < 0)) {
        return -1;
    }
    if (!is_relay_over(conn)) {
        if (orl_relay_has_bytes(conn->relay)) {
            orl_web_want_write(conn);
        } else {
            wait_for_broker(conn);
        }
        return 0;
    }
    if (len > 0) {
        orl_web_want_write(conn); /* one write a turn: the end is the next */
        return 0;
    }
    if (conn->is_chunked) {
        memcpy(bytes, "0\r\n\r\n", 5);
        return write_bytes(conn, bytes, 5) < 0 ? -1 : finish(conn);
    }
    return conn->relay_left != 0 ? -1 : finish(conn);
}

int orl_answer_on_writable(struct orl_web_conn *conn)
{
    uint8_t room[LWS_PRE + ORL_WEB_WRITE_BYTES];
    uint8_t *bytes = room + LWS_PRE;
    conn->wants_write_us = 0;
    if (conn->phase != ORL_WEB_ANSWER) {
        return 0;
    }
    if (conn->out.is_failed) {
        return -1;
    }
    size_t left = conn->out.len - conn->out_at;
    size_t len = left < ORL_WEB_WRITE_BYTES ? left : ORL_WEB_WRITE_BYTES;
    if (len > 0) {
        memcpy(bytes, conn->out.data + conn->out_at, len);
        conn->out_at += len;
    } else if (conn->relay != NULL) {
        return write_relay(conn, bytes);
    } else if (conn->upload != NULL) {
        if (orl_upload_state(conn->upload) != ORL_UPLOAD_WAITING) {
            put_upload_answer(conn);
        } else {
            wait_for_broker(conn);
        }
        return 0;
    } else if (conn->page_left > 0) {
        len = conn->page_left < ORL_WEB_WRITE_BYTES ? conn->page_left : ORL_WEB_WRITE_BYTES;
        memcpy(bytes, conn->page, len);
        conn->page += len;
        conn->page_left -= len;
    }
    if (len > 0 && write_bytes(conn, bytes, len) < 0) {
        return -1;
    }
    if (conn->out_at == conn->out.len && conn->page_left == 0 && conn->relay == NULL) {
        return finish(conn);
    }
    orl_web_want_write(conn);
    return 0;
}
