/* WebSockets: /ws/desktop carries a session's bytes, /ws/aux its datagrams, each message one of them. */
#include "base/clock.h"
#include "base/cookie.h"
#include "base/secret.h"
#include "web/server/web_priv.h"
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum { CLOSE_TYPE = 1003, CLOSE_TOO_BIG = 1009, CLOSE_WHY = 4000, COOKIE_BYTES = 4096 };
#define CLOSE_US (3 * ORL_US_PER_S)

static bool read_cookie(struct orl_web_conn *conn)
{
    char header[COOKIE_BYTES];
    char token[ORL_COOKIE_TOKEN_LEN + 1];
    int len = orl_web_header(conn->wsi, WSI_TOKEN_HTTP_COOKIE, header, sizeof(header));
    bool is_found = len > 0 && orl_cookie_find(header, (size_t)len, token);
    if (is_found) {
        orl_cookie_binding(token, conn->binding);
        orl_secret_wipe(token, sizeof(token));
    }
    orl_secret_wipe(header, sizeof(header));
    return is_found;
}

static bool read_offer(struct orl_web_conn *conn)
{
    char header[128];
    int len = orl_web_header(conn->wsi, WSI_TOKEN_PROTOCOL, header, sizeof(header));
    bool is_good = len > 0 && orl_offer_parse(header, &conn->offer);
    orl_secret_wipe(header, sizeof(header));
    return is_good;
}

unsigned orl_ws_check(struct orl_web_conn *conn, enum orl_route route)
{
    char origin[256];
    char version[8];
    if (route != ORL_ROUTE_DESKTOP && route != ORL_ROUTE_AUX) {
        return 404;
    }
    if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_GET_URI) <= 0 ||
            lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0 ||
            lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0 ||
            orl_web_header(conn->wsi, WSI_TOKEN_VERSION, version, sizeof(version)) <= 0 ||
            strcmp(version, "13") != 0) {
        return 400;
    }
    /* Here the header itself: no browser leaves it out. */
    if (orl_web_header(conn->wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin)) <= 0 ||
            !orl_web_is_same_origin(conn) || !read_offer(conn)) {
        return 403;
    }
    if (!read_cookie(conn)) {
        return 401;
    }
    conn->is_aux = route == ORL_ROUTE_AUX;
    if (conn->is_aux && !orl_desktop_has_aux(conn->web->desktops, &conn->offer, conn->binding)) {
        return 403;
    }
    return 0;
}

static void on_news(void *ctx)
{
    struct orl_web_conn *conn = ctx;
    if (conn->wsi == NULL) {
        return;
    }
    const char *why = orl_desktop_why(conn->end);
    if (why != NULL) {
        orl_ws_close(conn, CLOSE_WHY, why);
        return;
    }
    if (!orl_desktop_is_full(conn->end)) {
        (void)lws_rx_flow_control(conn->wsi, 1);
    }
    orl_web_want_write(conn);
}

static void open_stream(struct orl_web_conn *conn)
{
    struct orl_msg_web web = {0};
    orl_msg_text(web.client, sizeof(web.client), conn->client);
    orl_msg_text(web.ticket, sizeof(web.ticket), conn->offer.ticket);
    orl_msg_text(web.password, sizeof(web.password), conn->offer.password);
    orl_msg_text(web.binding, sizeof(web.binding), conn->binding);
    if (orl_desktop_open(conn->web->desktops, &web, on_news, conn, &conn->end) < 0) {
        conn->end = NULL;
        orl_ws_close(conn, CLOSE_WHY, orl_reason_code(ORL_REASON_SHUTDOWN));
    }
    orl_secret_wipe(&web, sizeof(web));
}

static int on_established(struct orl_web_conn *conn)
{
    conn->phase = ORL_WEB_SOCKET;
    conn->heard_us = orl_clock_now_us();
    if (conn->is_aux) {
        orl_buf_init(&conn->message, ORL_DESKTOP_DATAGRAM);
        conn->end = orl_desktop_attach_aux(
                conn->web->desktops, &conn->offer, conn->binding, on_news, conn);
        if (conn->end == NULL) {
            orl_ws_close(conn, CLOSE_WHY, orl_reason_code(ORL_REASON_CLIENT_CLOSED));
        }
    } else {
        open_stream(conn);
    }
    orl_secret_wipe(&conn->offer, sizeof(conn->offer));
    return 0;
}

static void give_aux(struct orl_web_conn *conn, const void *data, size_t len)
{
    if (lws_is_first_fragment(conn->wsi) != 0) {
        orl_buf_reset(&conn->message);
    }
    orl_buf_put(&conn->message, data, len);
    if (conn->message.is_failed) {
        orl_ws_close(conn, CLOSE_TOO_BIG, "");
    } else if (lws_is_final_fragment(conn->wsi) != 0) {
        if (conn->message.len > 0) {
            (void)!orl_desktop_give(conn->end, conn->message.data, conn->message.len);
        }
        orl_buf_reset(&conn->message);
    }
}

static int on_receive(struct orl_web_conn *conn, const void *data, size_t len)
{
    conn->heard_us = orl_clock_now_us();
    conn->is_ping_open = false;
    if (conn->close_code != 0 || conn->end == NULL) {
        return 0;
    }
    if (lws_frame_is_binary(conn->wsi) == 0) {
        orl_ws_close(conn, CLOSE_TYPE, "");
    } else if (conn->is_aux) {
        give_aux(conn, data, len);
    } else if (len > 0 && orl_desktop_give(conn->end, data, len) == 0 &&
               orl_desktop_is_full(conn->end)) {
        (void)lws_rx_flow_control(conn->wsi, 0);
    }
    return 0;
}

/* Not by lws_close_reason(): Debian's libwebsockets, built with _DEBUG, closes twice on libuv, and the second time
 * it does not wait for the frame. So this is RFC 6455 5.5.1 in bytes; the browser's own close frame, or our
 * deadline, then ends the connection. */
static int write_close(struct orl_web_conn *conn)
{
    uint8_t room[LWS_PRE + 4 + ORL_DESKTOP_WHY_MAX + 1];
    uint8_t *bytes = room + LWS_PRE;
    size_t len = strlen(conn->close_text);
    if (conn->is_close_sent) {
        return 0;
    }
    conn->is_close_sent = true;
    bytes[0] = 0x88;
    bytes[1] = (uint8_t)(2 + len);
    bytes[2] = (uint8_t)(conn->close_code >> 8);
    bytes[3] = (uint8_t)conn->close_code;
    memcpy(bytes + 4, conn->close_text, len);
    return lws_write(conn->wsi, bytes, 4 + len, LWS_WRITE_HTTP) < 0 ? -1 : 0;
}

static int on_writable(struct orl_web_conn *conn)
{
    uint8_t room[LWS_PRE + ORL_DESKTOP_DATAGRAM];
    uint8_t *bytes = room + LWS_PRE;
    conn->wants_write_us = 0;
    if (conn->close_code != 0) {
        return write_close(conn);
    }
    if (conn->wants_ping) {
        conn->wants_ping = false;
        conn->is_ping_open = true;
        orl_web_want_write(conn);
        bytes[0] = 'o'; /* libwebsockets does not tell of an empty pong */
        return lws_write(conn->wsi, bytes, 1, LWS_WRITE_PING) < 0 ? -1 : 0;
    }
    size_t len = conn->end != NULL ? orl_desktop_take(conn->end, bytes) : 0;
    if (len == 0) {
        return 0;
    }
    if (lws_write(conn->wsi, bytes, len, LWS_WRITE_BINARY) < (int)len) {
        return -1;
    }
    orl_web_want_write(conn);
    return 0;
}

void orl_ws_close(struct orl_web_conn *conn, uint16_t code, const char *text)
{
    if (conn->close_code != 0 || conn->wsi == NULL) {
        return;
    }
    conn->close_code = code;
    (void)snprintf(conn->close_text, sizeof(conn->close_text), "%s", text);
    conn->deadline_us = orl_clock_now_us() + CLOSE_US;
    orl_web_want_write(conn);
}

/* Who does not answer a ping is not there; who does not take his frames is not, either. */
void orl_ws_sweep(struct orl_web_conn *conn, uint64_t now_us)
{
    uint64_t ping_us = (uint64_t)conn->web->cfg->ping_s * ORL_US_PER_S;
    if (conn->close_code != 0) {
        if (now_us > conn->deadline_us) {
            orl_web_conn_kill(conn);
        }
        return;
    }
    if (now_us - conn->heard_us > 2 * ping_us) {
        orl_ws_close(conn, CLOSE_WHY, orl_reason_code(ORL_REASON_CLIENT_STALLED));
    } else if (now_us - conn->heard_us > ping_us && !conn->wants_ping && !conn->is_ping_open) {
        conn->wants_ping = true;
        orl_web_want_write(conn);
    }
}

void orl_ws_release(struct orl_web_conn *conn)
{
    struct orl_desktop_end *end = conn->end;
    conn->end = NULL;
    orl_buf_fini(&conn->message);
    orl_secret_wipe(&conn->offer, sizeof(conn->offer));
    if (end != NULL) {
        orl_desktop_release(end);
    }
}

static void on_closed(struct orl_web_conn *conn)
{
    conn->phase = ORL_WEB_GONE;
    conn->wsi = NULL;
    orl_ws_release(conn);
}

int orl_web_on_ws_event(
        struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct orl_web_conn *conn = lws_get_opaque_user_data(wsi);
    if (conn == NULL) {
        return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
    switch ((int)reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return conn->is_upgrade_good ? 0 : -1;
    case LWS_CALLBACK_ESTABLISHED:
        conn->wsi = wsi;
        return on_established(conn);
    case LWS_CALLBACK_RECEIVE:
        return on_receive(conn, in, len);
    case LWS_CALLBACK_RECEIVE_PONG:
        conn->heard_us = orl_clock_now_us();
        conn->is_ping_open = false;
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return on_writable(conn);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        /* The answer to ours: a second close frame would be a fault, and hide the reason of the first. */
        return conn->is_close_sent ? -1 : 0;
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLOSED_HTTP:
        on_closed(conn);
        return 0;
    default:
        return 0;
    }
}
