/* Answers: bodies in pieces, and streams that wait for their reader. */
#include "base/secret.h"
#include "broker/closing.h"
#include "broker/http_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WRITE_BYTES = 16000 };

void orl_http_free_req(struct orl_http_req *req)
{
    if (req != NULL) {
        if (req->tx.store != NULL) {
            orl_store_tx_end(&req->tx);
            orl_closings_drop(req->broker);
        }
        if (req->body != NULL) {
            orl_secret_wipe(req->body, req->body_len);
        }
        free(req->body);
        orl_secret_wipe(req, sizeof(*req));
        free(req);
    }
}

static void end_stream(struct orl_http_stream *stream)
{
    if (stream != NULL) {
        stream->ops->closed(stream->ctx);
        free(stream);
    }
}

void orl_http_reset_peer(struct orl_http_peer *peer)
{
    end_stream(peer->stream);
    orl_buf_wipe(&peer->body);
    orl_buf_fini(&peer->body);
    if (peer->out != NULL) {
        orl_secret_wipe(peer->out, LWS_PRE + peer->out_len);
    }
    free(peer->out);
    *peer = (struct orl_http_peer){0};
}

struct headers {
    uint8_t bytes[LWS_PRE + 1024];
    uint8_t *at, *end;
};

static bool put_header(
        struct lws *wsi, struct headers *headers, const char *name, const char *value)
{
    return lws_add_http_header_by_name(wsi, (const uint8_t *)name, (const uint8_t *)value,
                   (int)strlen(value), &headers->at, headers->end) == 0;
}

static bool send_head(
        struct orl_http_req *req, unsigned status, const char *type, lws_filepos_t len)
{
    char retry[16];
    struct lws *wsi = req->wsi;
    struct headers headers = {.at = NULL};
    headers.at = headers.bytes + LWS_PRE;
    headers.end = headers.bytes + sizeof(headers.bytes) - 1;
    (void)snprintf(retry, sizeof(retry), "%u", req->retry_s);
    bool is_sent =
            lws_add_http_common_headers(wsi, status, type, len, &headers.at, headers.end) == 0 &&
            put_header(wsi, &headers, "cache-control:", "no-store") &&
            (req->etag[0] == '\0' || put_header(wsi, &headers, "etag:", req->etag)) &&
            (req->retry_s == 0 || put_header(wsi, &headers, "retry-after:", retry)) &&
            (req->set_cookie[0] == '\0' ||
                    put_header(wsi, &headers, "set-cookie:", req->set_cookie)) &&
            lws_finalize_write_http_header(
                    wsi, headers.bytes + LWS_PRE, &headers.at, headers.end) == 0;
    orl_secret_wipe(&headers, sizeof(headers));
    return is_sent;
}

static void kill_soon(struct lws *wsi)
{
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

void orl_http_reply_text(
        struct orl_http_req *req, unsigned status, const char *type, char *text, size_t len)
{
    struct lws *wsi = req->wsi;
    if (wsi != NULL) {
        struct orl_http_peer *peer = lws_wsi_user(wsi);
        peer->req = NULL;
        peer->out = malloc(LWS_PRE + len + 1);
        peer->out_len = len;
        peer->out_at = 0;
        bool is_sent = peer->out != NULL && text != NULL;
        if (is_sent) {
            memcpy(peer->out + LWS_PRE, text, len);
            is_sent = send_head(req, status, type, len);
        }
        if (is_sent) {
            int limit_s = (int)req->broker->cfg->api_request_s;
            lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, limit_s);
            lws_callback_on_writable(wsi);
        } else {
            peer->out_len = 0;
            kill_soon(wsi);
        }
    }
    orl_secret_wipe(text, len);
    free(text);
    orl_http_free_req(req);
}

struct orl_http_stream *orl_http_reply_stream(
        struct orl_http_req *req, const struct orl_http_stream_ops *ops, void *ctx)
{
    struct lws *wsi = req->wsi;
    struct orl_http_stream *stream = wsi != NULL ? calloc(1, sizeof(*stream)) : NULL;
    if (stream == NULL) {
        ops->closed(ctx);
        orl_http_reply_text(req, 503, "text/plain", calloc(1, 1), 0);
        return NULL;
    }
    *stream = (struct orl_http_stream){.wsi = wsi, .ops = ops, .ctx = ctx};
    struct orl_http_peer *peer = lws_wsi_user(wsi);
    peer->req = NULL;
    peer->stream = stream;
    if (send_head(req, 200, "text/event-stream", LWS_ILLEGAL_HTTP_CONTENT_LEN)) {
        /* Its headers' place is for others to use. */
        (void)lws_http_mark_sse(wsi);
        lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
    } else {
        kill_soon(wsi);
    }
    orl_http_free_req(req);
    return stream;
}

void orl_http_stream_wake(struct orl_http_stream *stream)
{
    const struct orl_http_peer *peer = lws_wsi_user(stream->wsi);
    if (peer->out == NULL) {
        lws_callback_on_writable(stream->wsi);
    }
}

void orl_http_reply(struct orl_http_req *req, unsigned status, json_t *body)
{
    char *text = json_dumps(body != NULL ? body : json_null(), JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(body);
    if (text == NULL) {
        status = 500;
        text = calloc(1, 1);
    }
    const char *type = status >= 400 ? "application/problem+json" : "application/json";
    orl_http_reply_text(req, status, type, text, text != NULL ? strlen(text) : 0);
}

/* Takes the next events from the stream's source. */
static bool fill_stream(struct orl_http_peer *peer)
{
    struct orl_http_stream *stream = peer->stream;
    if (stream->is_last) {
        return false;
    }
    char *text = stream->ops->next(stream->ctx, &stream->is_last);
    if (text == NULL) {
        return true;
    }
    peer->out_len = strlen(text);
    peer->out_at = 0;
    peer->out = malloc(LWS_PRE + peer->out_len + 1);
    if (peer->out != NULL) {
        memcpy(peer->out + LWS_PRE, text, peer->out_len);
    }
    free(text);
    return peer->out != NULL;
}

static void drop_out(struct orl_http_peer *peer)
{
    orl_secret_wipe(peer->out, LWS_PRE + peer->out_len);
    free(peer->out);
    peer->out = NULL;
}

/* A stream is asked for more only when what it gave has left; false: it is over. */
static bool next_of_stream(struct orl_http *http, struct lws *wsi, struct orl_http_peer *peer)
{
    if (peer->out != NULL && peer->out_at == peer->out_len) {
        drop_out(peer);
        lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
    }
    if (peer->out != NULL) {
        return true;
    }
    if (!fill_stream(peer)) {
        return false;
    }
    if (peer->out != NULL) {
        int limit_s = (int)http->broker->cfg->api_request_s;
        lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, limit_s);
    }
    return true;
}

int orl_http_write(struct orl_http *http, struct lws *wsi, struct orl_http_peer *peer)
{
    if (peer->stream != NULL && !next_of_stream(http, wsi, peer)) {
        return -1;
    }
    if (peer->out == NULL) {
        return 0;
    }
    size_t left = peer->out_len - peer->out_at;
    size_t len = left < WRITE_BYTES ? left : WRITE_BYTES;
    bool is_last = len == left;
    /* The bytes before out_at are sent: they are the room that lws_write() wants. */
    int sent = lws_write(wsi, (uint8_t *)peer->out + LWS_PRE + peer->out_at, len,
            is_last && peer->stream == NULL ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP);
    if (sent < (int)len) {
        return -1;
    }
    peer->out_at += len;
    if (!is_last || peer->stream != NULL) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    bool is_end = peer->is_last;
    orl_http_reset_peer(peer);
    return is_end || lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
}
