#include "web/server/web.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/tls.h"
#include "web/server/web_priv.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The broker answers each question but the stream of events, in which it says something all 15 seconds. */
#define RELAY_US (120 * ORL_US_PER_S) /* a crowd that logs in at once waits for its passwords */
#define EVENTS_US (60 * ORL_US_PER_S)
enum { HEADER_BYTES = 8192, LWS_TIMEOUT_S = 60 };

void orl_web_want_write(struct orl_web_conn *conn)
{
    if (conn->wsi != NULL) {
        if (conn->is_deaf) {
            conn->is_deaf = false;
            (void)lws_rx_flow_control(conn->wsi, 1);
        }
        conn->wants_write_us =
                conn->wants_write_us != 0 ? conn->wants_write_us : orl_clock_now_us();
        (void)lws_callback_on_writable(conn->wsi);
    }
}

void orl_web_conn_kill(struct orl_web_conn *conn)
{
    if (conn->wsi != NULL) {
        lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    }
}

void orl_web_conn_free(struct orl_web_conn *conn)
{
    struct orl_web *web = conn->web;
    orl_answer_reset(conn);
    orl_ws_release(conn);
    orl_admission_leave(web->admission, &conn->prefix, true);
    if (conn->prev != NULL) {
        conn->prev->next = conn->next;
    } else {
        web->conns = conn->next;
    }
    if (conn->next != NULL) {
        conn->next->prev = conn->prev;
    }
    if (web->conns == NULL && web->sweep != NULL) {
        orl_timer_stop(web->sweep);
    }
    free(conn);
}

/* Nobody reads while an answer is on its way: the tab may be closed. A browser sends nothing then, and who sends
 * would have us look at it without end. */
static bool has_left(const struct orl_web_conn *conn)
{
    struct pollfd look = {.fd = lws_get_socket_fd(conn->wsi), .events = POLLIN | POLLRDHUP};
    return poll(&look, 1, 0) == 1;
}

static void sweep_relay(struct orl_web_conn *conn, uint64_t now_us)
{
    uint64_t silent_us = now_us - orl_relay_heard_us(conn->relay);
    bool is_waiting = orl_relay_state(conn->relay) == ORL_RELAY_WAITING;
    if (is_waiting && silent_us > RELAY_US) {
        orl_answer_relay_silent(conn);
    } else if (!is_waiting && conn->wants_write_us == 0 &&
               silent_us > (orl_relay_is_events(conn->relay) ? EVENTS_US : RELAY_US)) {
        orl_web_conn_kill(conn);
    }
}

static void sweep_conn(struct orl_web_conn *conn, uint64_t now_us)
{
    uint64_t stall_us = (uint64_t)conn->web->cfg->stall_s * ORL_US_PER_S;
    if (conn->wsi == NULL) {
        return;
    }
    bool is_answering = conn->phase == ORL_WEB_ANSWER;
    bool is_waiting = conn->phase == ORL_WEB_IDLE || conn->phase == ORL_WEB_BODY;
    bool is_stalled = conn->wants_write_us != 0 && now_us - conn->wants_write_us > stall_us;
    if (is_stalled || (is_answering && has_left(conn)) ||
            (is_waiting && now_us > conn->deadline_us)) {
        orl_web_conn_kill(conn);
    } else if (conn->phase == ORL_WEB_SOCKET) {
        orl_ws_sweep(conn, now_us);
    } else if (is_answering && conn->relay != NULL) {
        sweep_relay(conn, now_us);
    } else if (is_answering && conn->upload != NULL &&
               now_us - orl_upload_begun_us(conn->upload) > RELAY_US) {
        orl_answer_upload_silent(conn);
    }
}

static void on_sweep(void *ctx)
{
    const struct orl_web *web = ctx;
    uint64_t now_us = orl_clock_now_us();
    for (struct orl_web_conn *conn = web->conns; conn != NULL; conn = conn->next) {
        sweep_conn(conn, now_us); /* closes later, never here */
    }
    /* On a loop that is not its own libwebsockets looks at its timers only after an event of its own. */
    lws_cancel_service(web->lws);
}

static void on_desktop_close(void *ctx, uint32_t number, const struct orl_msg_close *close)
{
    struct orl_web *web = ctx;
    orl_desktops_on_close(web->desktops, number, close);
}

static int use_certificate(struct lws *wsi, void *ssl_ctx)
{
    struct orl_web *web = lws_context_user(lws_get_context(wsi));
    struct orl_err err = {0};
    int code = orl_web_use_certificate(web, &err);
    code = code < 0 ? code : orl_tls_use(ssl_ctx, &web->keys, &err);
    if (code < 0) {
        orl_log_error(&web->log, "certificate", "why", err.text);
    }
    return code < 0 ? 1 : 0;
}

static int on_http(
        struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS) {
        return use_certificate(wsi, user);
    }
    if (reason == LWS_CALLBACK_WSI_CREATE) { /* it has no data yet */
        struct orl_web *web = lws_context_user(lws_get_context(wsi));
        if (web != NULL && web->adopting != NULL) {
            web->adopting->has_wsi = true;
        }
        return 0;
    }
    /* Those of no connection have no connection's data. */
    if (reason == LWS_CALLBACK_PROTOCOL_INIT || reason == LWS_CALLBACK_PROTOCOL_DESTROY) {
        return 0;
    }
    return orl_web_on_http_event(wsi, reason, user, in, len);
}

static int on_ws(
        struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    if (reason == LWS_CALLBACK_PROTOCOL_INIT || reason == LWS_CALLBACK_PROTOCOL_DESTROY) {
        return 0;
    }
    return orl_web_on_ws_event(wsi, reason, user, in, len);
}

static const struct lws_protocols protocols[] = {
        {.name = "http", .callback = on_http, .rx_buffer_size = ORL_WEB_WRITE_BYTES},
        {.name = "binary", .callback = on_ws, .rx_buffer_size = ORL_WEB_WRITE_BYTES},
        {.name = NULL},
};

static void drop_log(int level, const char *line)
{
    (void)level;
    (void)line;
}

/* Of what libwebsockets answers by itself to requests that are none; ours have theirs (answer.c). */
static const struct lws_protocol_vhost_options own_headers[] = {
        {.next = &own_headers[1],
                .name = "content-security-policy:",
                .value = "default-src 'none'; frame-ancestors 'none'"},
        {.next = &own_headers[2],
                .name = "strict-transport-security:",
                .value = "max-age=31536000"},
        {.next = &own_headers[3], .name = "x-content-type-options:", .value = "nosniff"},
        {.name = "cache-control:", .value = "no-store"},
};

static int make_lws(struct orl_web *web, struct orl_err *err)
{
    web->loops[0] = orl_loop_uv(web->loop);
    lws_set_log_level(LLL_ERR, drop_log);
    const struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN_SERVER,
            .protocols = protocols,
            .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                       LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX,
            .alpn = "http/1.1",
            .headers = own_headers,
            .foreign_loops = web->loops,
            .user = web,
            .pcontext = &web->lws,
            .gid = -1,
            .uid = -1,
            .timeout_secs = LWS_TIMEOUT_S,
            .timeout_secs_ah_idle = LWS_TIMEOUT_S,
            .keepalive_timeout = 0,
            .max_http_header_data2 = HEADER_BYTES,
            .max_http_header_pool2 = (unsigned)web->cfg->max_connections,
            .pt_serv_buf_size = 16384,
            .vhost_name = "oriel"};
    web->lws = lws_create_context(&info);
    web->vhost = web->lws != NULL ? lws_get_vhost_by_name(web->lws, "oriel") : NULL;
    return web->vhost != NULL
                   ? ORL_OK
                   : orl_err_set(err, ORL_E_BACKEND,
                             "libwebsockets does not start (is libwebsockets-evlib-uv installed?)");
}

static char *make_origin(const char *host, uint16_t port)
{
    char text[200];
    (void)snprintf(
            text, sizeof(text), port == 443 ? "https://%s" : "https://%s:%u", host, (unsigned)port);
    return strdup(text);
}

static int set_origins(struct orl_web *web, struct orl_err *err)
{
    char host[65] = "localhost";
    char **given = web->cfg->origins;
    unsigned count = 0;
    while (given != NULL && given[count] != NULL) {
        if (!orl_request_origin_is_valid(given[count])) {
            return orl_err_set(err, ORL_E_CONFIG,
                    "origins: '%s' is not like https://desktops.example.org", given[count]);
        }
        count++;
    }
    web->origins = calloc(count + 4, sizeof(*web->origins));
    if (web->origins == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "origins: out of memory");
    }
    for (unsigned i = 0; i < count; i++) {
        web->origins[i] = strdup(given[i]);
    }
    if (count == 0) {
        (void)gethostname(host, sizeof(host) - 1);
        web->origins[0] = make_origin(host, web->https_port);
        web->origins[1] = make_origin("localhost", web->https_port);
        web->origins[2] = make_origin("127.0.0.1", web->https_port);
    }
    return ORL_OK;
}

static int set_trusted(struct orl_web *web, struct orl_err *err)
{
    char **given = web->cfg->proxy_trust;
    unsigned count = 0;
    while (given != NULL && given[count] != NULL) {
        count++;
    }
    web->trusted = calloc(count + 1, sizeof(*web->trusted));
    if (web->trusted == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "proxy_trust: out of memory");
    }
    for (; web->trusted_count < count; web->trusted_count++) {
        if (!orl_addr_net_parse(given[web->trusted_count], &web->trusted[web->trusted_count])) {
            return orl_err_set(err, ORL_E_CONFIG, "proxy_trust: '%s' is no address or network",
                    given[web->trusted_count]);
        }
    }
    return ORL_OK;
}

static int load_pages(struct orl_web *web, struct orl_err *err)
{
    const char *dir = web->cfg->web_dir[0] != '\0' ? web->cfg->web_dir : ORIEL_WEB_DIR;
    int code = orl_assets_load(dir, &web->assets, err);
    if (code == ORL_E_NOTFOUND) {
        orl_log_warn(&web->log, "there are no pages: only /api and desktops", "why", err->text);
        return ORL_OK;
    }
    return code;
}

static int make_parts(struct orl_web *web, const struct orl_web_opts *opts, struct orl_err *err)
{
    const struct orl_web_cfg *cfg = web->cfg;
    const struct orl_admission_limits limits = {.max_total = (unsigned)cfg->max_connections,
            .max_half_open = (unsigned)cfg->max_connections,
            .max_half_open_per_prefix = (unsigned)cfg->max_connections_per_address,
            .max_rate_per_prefix = (unsigned)cfg->max_rate_per_address,
            .leaves_room = true};
    const struct orl_relays_opts relays = {.socket_path = opts->broker_path,
            .broker_uid = opts->broker_uid,
            .max_open = (unsigned)cfg->max_relayed};
    const struct orl_gateway_link_opts link = {.path = opts->gateway_path,
            .gateway_uid = opts->gateway_uid,
            .on_close = on_desktop_close,
            .ctx = web};
    int code = orl_timer_new(web->loop, on_sweep, web, &web->sweep, err);
    if (code == ORL_OK && orl_admission_new(&limits, &web->admission) < 0) {
        code = orl_err_set(err, ORL_E_NOMEM, "out of memory");
    }
    if (code == ORL_OK) {
        code = orl_relays_new(web->loop, &relays, &web->relays, err);
    }
    if (code == ORL_OK) {
        code = orl_gateway_link_new(web->loop, &link, &web->link, err);
    }
    if (code == ORL_OK) {
        code = orl_desktops_new(web->loop, web->link, &web->desktops, err);
    }
    return code;
}

int orl_web_new(struct orl_loop *loop, const struct orl_web_opts *opts, struct orl_web **ret_web,
        struct orl_err *err)
{
    struct orl_web *web = calloc(1, sizeof(*web));
    if (web == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "out of memory");
    }
    *web = (struct orl_web){.loop = loop,
            .cfg = opts->cfg,
            .log = {.name = "web"},
            .https_fd = opts->https_fd,
            .http_fd = opts->http_fd,
            .https_port = opts->https_port,
            .http_port = opts->http_port,
            .shown = opts->shown,
            .upload = {.path = opts->upload_path, .uid = opts->vmpool_uid},
            .refused_limit = {.period_us = 60 * ORL_US_PER_S, .burst = 10}};
    int code = set_origins(web, err);
    if (code == ORL_OK) {
        code = set_trusted(web, err);
    }
    if (code == ORL_OK) {
        code = load_pages(web, err);
    }
    if (code == ORL_OK) {
        code = make_parts(web, opts, err);
    }
    if (code == ORL_OK) {
        code = make_lws(web, err);
    }
    if (code == ORL_OK) {
        code = orl_web_open_broker(web, opts, err);
    }
    if (code < 0) {
        orl_web_free(web);
        return code;
    }
    *ret_web = web;
    return ORL_OK;
}

int orl_web_open(struct orl_web *web, struct orl_err *err)
{
    int code = orl_listener_new(
            web->loop, orl_steal_fd(&web->https_fd), orl_web_on_https, web, &web->https, err);
    if (code == ORL_OK && web->http_fd >= 0) {
        code = orl_listener_new(
                web->loop, orl_steal_fd(&web->http_fd), orl_web_on_http, web, &web->http, err);
    }
    return code;
}

bool orl_web_stop(struct orl_web *web)
{
    bool is_heard = false;
    if (web->is_stopped) {
        return false;
    }
    web->is_stopped = true;
    orl_listener_free(web->https);
    orl_listener_free(web->http);
    web->https = NULL;
    web->http = NULL;
    orl_web_close_doors(web);
    for (struct orl_web_conn *conn = web->conns; conn != NULL; conn = conn->next) {
        if (conn->phase == ORL_WEB_SOCKET) {
            is_heard = true;
            orl_ws_close(conn, 4000, orl_reason_code(ORL_REASON_SHUTDOWN));
        }
    }
    return is_heard;
}

/* libwebsockets' code for our loop is a plugin that its second destroy unloads: by then the loop must have closed
 * what the first one gave it. */
void orl_web_close(struct orl_web *web)
{
    if (!web->is_closed) {
        web->is_closed = true;
        lws_context_destroy(web->lws);
    }
}

void orl_web_free(struct orl_web *web)
{
    if (web == NULL) {
        return;
    }
    orl_listener_free(web->https);
    orl_listener_free(web->http);
    orl_web_close_doors(web);
    orl_close_fd(&web->https_fd);
    orl_close_fd(&web->http_fd);
    if (web->lws != NULL) { /* it clears the pointer when it is done */
        lws_context_destroy(web->lws);
    }
    while (web->conns != NULL) {
        orl_web_conn_free(web->conns);
    }
    orl_desktops_free(web->desktops);
    orl_gateway_link_free(web->link);
    orl_control_link_free(web->broker);
    orl_relays_free(web->relays);
    orl_timer_free(web->sweep);
    orl_admission_free(web->admission);
    orl_assets_free(web->assets);
    for (char **at = web->origins; at != NULL && *at != NULL; at++) {
        free(*at);
    }
    free(web->origins);
    free(web->trusted);
    orl_tls_keys_free(web->keys);
    free(web);
}
