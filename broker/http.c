#include "broker/http.h"

#include "base/buf.h"
#include "base/secret.h"
#include "broker/api.h"

#include <errno.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { WRITE_BYTES = 16000, HEADER_BYTES = 4096, MAX_ADMINS = 64 };

struct orl_http {
    struct orl_broker *broker;
    struct lws_context *context;
    void *loops[1];
    uid_t admins[MAX_ADMINS];
    unsigned admin_count;
    unsigned connections;
    bool is_stopped;
};

/* What libwebsockets keeps per connection; zeroed by it. */
struct peer {
    struct orl_http_req *req; /* being read or answered */
    struct orl_buf body;
    char *out; /* the answer, after LWS_PRE bytes of room */
    size_t out_len;
    size_t out_at;
    bool is_reading;
};

static enum orl_http_role role_of(const struct orl_http *http, uid_t uid)
{
    bool is_admin = uid == 0 || uid == geteuid();
    for (unsigned i = 0; i < http->admin_count; i++) {
        is_admin = is_admin || uid == http->admins[i];
    }
    return is_admin ? ORL_HTTP_ADMIN : ORL_HTTP_NOBODY;
}

static int uid_of(int fd, uid_t *ret_uid)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
        return ORL_E_SYS;
    }
    *ret_uid = cred.uid;
    return 0;
}

/* Those who may not call anything get their 403 while there is plenty of room, no more. */
static bool may_connect(const struct orl_http *http, int fd)
{
    unsigned max = (unsigned)http->broker->cfg->max_api_connections;
    uid_t uid = 0;
    if (uid_of(fd, &uid) < 0) {
        return false;
    }
    return http->connections < (role_of(http, uid) == ORL_HTTP_NOBODY ? max / 4 : max);
}

static void free_req(struct orl_http_req *req)
{
    if (req != NULL) {
        orl_store_tx_end(&req->tx);
        if (req->body != NULL) {
            orl_secret_wipe(req->body, req->body_len);
        }
        free(req->body);
        free(req);
    }
}

static void reset_peer(struct peer *peer)
{
    orl_buf_wipe(&peer->body);
    orl_buf_fini(&peer->body);
    if (peer->out != NULL) {
        orl_secret_wipe(peer->out, LWS_PRE + peer->out_len);
    }
    free(peer->out);
    *peer = (struct peer){0};
}

void orl_http_reply_text(
        struct orl_http_req *req, unsigned status, const char *type, char *text, size_t len)
{
    struct lws *wsi = req->wsi;
    uint8_t headers[LWS_PRE + 512];
    uint8_t *at = headers + LWS_PRE;
    uint8_t *end = headers + sizeof(headers) - 1;
    bool is_sent = false;
    if (wsi != NULL) {
        struct peer *peer = lws_wsi_user(wsi);
        peer->req = NULL;
        peer->out = malloc(LWS_PRE + len + 1);
        peer->out_len = len;
        peer->out_at = 0;
        if (peer->out != NULL && text != NULL) {
            memcpy(peer->out + LWS_PRE, text, len);
            is_sent = lws_add_http_common_headers(wsi, status, type, len, &at, end) == 0 &&
                      lws_add_http_header_by_name(wsi,
                              (const uint8_t *)"cache-control:", (const uint8_t *)"no-store", 8,
                              &at, end) == 0 &&
                      lws_finalize_write_http_header(wsi, headers + LWS_PRE, &at, end) == 0;
        }
        if (is_sent) {
            lws_callback_on_writable(wsi);
        } else {
            peer->out_len = 0;
            lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
        }
    }
    orl_secret_wipe(text, len);
    free(text);
    free_req(req);
}

void orl_http_reply(struct orl_http_req *req, unsigned status, json_t *body)
{
    char *text = json_dumps(body != NULL ? body : json_null(), JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(body);
    if (text == NULL) {
        status = 500;
        text = calloc(1, 1);
    }
    orl_http_reply_text(req, status, "application/json", text, text != NULL ? strlen(text) : 0);
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* false: cut, a NUL, or longer than ret_size. */
static bool unescape(const char *text, size_t len, char *ret, size_t ret_size)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            int high = i + 2 < len ? hex_of(text[i + 1]) : -1;
            int low = high >= 0 ? hex_of(text[i + 2]) : -1;
            if (low < 0) {
                return false;
            }
            c = high << 4 | low;
            i += 2;
        }
        if (c == 0 || used + 1 >= ret_size) {
            return false;
        }
        ret[used++] = (char)c;
    }
    ret[used] = '\0';
    return true;
}

bool orl_http_query_get(
        const struct orl_http_req *req, const char *name, char *ret_value, size_t size)
{
    const char *at = req->query;
    size_t name_len = strlen(name);
    while (*at != '\0') {
        size_t len = strcspn(at, "&");
        if (len > name_len && at[name_len] == '=' && strncmp(at, name, name_len) == 0) {
            return unescape(at + name_len + 1, len - name_len - 1, ret_value, size);
        }
        at += len + (at[len] == '&');
    }
    return false;
}

static enum orl_http_method method_of(struct lws *wsi)
{
    static const struct {
        enum lws_token_indexes token;
        enum orl_http_method method;
    } methods[] = {{WSI_TOKEN_GET_URI, ORL_HTTP_GET}, {WSI_TOKEN_POST_URI, ORL_HTTP_POST},
            {WSI_TOKEN_PATCH_URI, ORL_HTTP_PATCH}, {WSI_TOKEN_DELETE_URI, ORL_HTTP_DELETE}};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (lws_hdr_total_length(wsi, methods[i].token) > 0) {
            return methods[i].method;
        }
    }
    return (enum orl_http_method)0;
}

/* libwebsockets has decoded the path and cut the query off. */
static bool read_head(struct lws *wsi, const char *path, struct orl_http_req *req)
{
    int len = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS);
    int used = 0;
    if (len >= (int)sizeof(req->query) || strlen(path) >= sizeof(req->path)) {
        return false;
    }
    memcpy(req->path, path, strlen(path) + 1);
    for (int i = 0; len > 0; i++) {
        int part = lws_hdr_copy_fragment(wsi, req->query + used, (int)sizeof(req->query) - used - 2,
                WSI_TOKEN_HTTP_URI_ARGS, i);
        if (part < 0) {
            break;
        }
        used += part;
        req->query[used++] = '&';
    }
    req->query[used > 0 ? used - 1 : 0] = '\0';
    return true;
}

static long content_length(struct lws *wsi)
{
    char text[16] = {0};
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0) {
        return 0;
    }
    if (lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0) {
        return -1;
    }
    size_t len = strlen(text);
    return strspn(text, "0123456789") == len && len < 10 ? strtol(text, NULL, 10) : -1;
}

static int on_request(struct orl_http *http, struct lws *wsi, struct peer *peer, const char *path)
{
    struct orl_http_req *req = calloc(1, sizeof(*req));
    long length = content_length(wsi);
    reset_peer(peer);
    if (req == NULL || uid_of(lws_get_socket_fd(wsi), &req->uid) < 0) {
        free(req);
        return -1;
    }
    req->broker = http->broker;
    req->wsi = wsi;
    req->role = role_of(http, req->uid);
    req->method = method_of(wsi);
    peer->req = req;
    http->broker->counters.api_requests++;
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, (int)http->broker->cfg->api_request_s);
    if (req->method == 0) {
        orl_api_refuse(req, 405, "method_not_allowed", "GET, POST, PATCH and DELETE are known");
        return 0;
    }
    /* A body of unsaid length would be read as the next request. */
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
        length = -1;
    }
    if (length < 0 || length > ORL_HTTP_BODY_MAX || !read_head(wsi, path, req)) {
        orl_api_refuse(req, length > ORL_HTTP_BODY_MAX ? 413 : 400, "bad_request",
                length > ORL_HTTP_BODY_MAX ? "the body is over 64 KiB" : "not a request for this");
        return 0;
    }
    if (length > 0) {
        peer->is_reading = true;
        orl_buf_init(&peer->body, ORL_HTTP_BODY_MAX + 1);
        return 0;
    }
    orl_api_dispatch(req);
    return 0;
}

static int on_body_end(struct peer *peer)
{
    struct orl_http_req *req = peer->req;
    if (!peer->is_reading || req == NULL) {
        return 0;
    }
    peer->is_reading = false;
    orl_buf_put_u8(&peer->body, 0);
    if (peer->body.is_failed) {
        return -1;
    }
    req->body = (char *)peer->body.data;
    req->body_len = peer->body.len - 1;
    peer->body = (struct orl_buf){0};
    orl_api_dispatch(req);
    return 0;
}

static int on_writable(struct lws *wsi, struct peer *peer)
{
    if (peer->out == NULL) {
        return 0;
    }
    size_t left = peer->out_len - peer->out_at;
    size_t len = left < WRITE_BYTES ? left : WRITE_BYTES;
    bool is_last = len == left;
    /* The bytes before out_at are sent: they are the room that lws_write() wants. */
    int sent = lws_write(wsi, (uint8_t *)peer->out + LWS_PRE + peer->out_at, len,
            is_last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP);
    if (sent < (int)len) {
        return -1;
    }
    peer->out_at += len;
    if (!is_last) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    reset_peer(peer);
    return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
}

static void on_closed(struct peer *peer)
{
    if (peer->req != NULL && peer->is_reading) {
        free_req(peer->req);
    } else if (peer->req != NULL) {
        peer->req->wsi = NULL; /* whoever answers it frees it */
    }
    reset_peer(peer);
}

static int on_event(
        struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct orl_http *http = lws_context_user(lws_get_context(wsi));
    struct peer *peer = user;
    switch ((int)reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        return may_connect(http, (int)(intptr_t)in) ? 0 : 1;
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        http->connections++;
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        http->connections -= http->connections > 0;
        return 0;
    case LWS_CALLBACK_HTTP:
        return on_request(http, wsi, peer, in);
    case LWS_CALLBACK_HTTP_BODY:
        if (peer->is_reading) {
            orl_buf_put(&peer->body, in, len);
            return peer->body.is_failed ? -1 : 0;
        }
        return 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return on_body_end(peer);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return on_writable(wsi, peer);
    case LWS_CALLBACK_CLOSED_HTTP:
        if (peer != NULL) {
            on_closed(peer);
        }
        return 0;
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
}

static const struct lws_protocols protocols[] = {
        {.name = "http", .callback = on_event, .per_session_data_size = sizeof(struct peer)},
        {.name = NULL},
};

static int read_admins(struct orl_http *http, char **texts, struct orl_err *err)
{
    for (char **at = texts; at != NULL && *at != NULL; at++) {
        char *end = NULL;
        errno = 0;
        unsigned long uid = strtoul(*at, &end, 10);
        if (errno != 0 || end == *at || *end != '\0' || uid >= UINT32_MAX ||
                http->admin_count == MAX_ADMINS) {
            return orl_err_set(
                    err, ORL_E_CONFIG, "admin_uids: '%s' is no uid, or one too many", *at);
        }
        http->admins[http->admin_count++] = (uid_t)uid;
    }
    return 0;
}

static void drop_log(int level, const char *line)
{
    (void)level;
    (void)line;
}

int orl_http_new(struct orl_broker *broker, struct orl_http **ret_http, struct orl_err *err)
{
    char path[200];
    struct orl_http *http = calloc(1, sizeof(*http));
    if (http == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "broker.sock: out of memory");
    }
    http->broker = broker;
    http->loops[0] = orl_loop_uv(broker->loop);
    int rc = read_admins(http, broker->cfg->admin_uids, err);
    if (rc < 0) {
        free(http);
        return rc;
    }
    (void)snprintf(path, sizeof(path), "%s/broker.sock", broker->cfg->run_dir);
    lws_set_log_level(LLL_ERR, drop_log);
    struct lws_context_creation_info info = {.iface = path,
            .protocols = protocols,
            .options = LWS_SERVER_OPTION_UNIX_SOCK | LWS_SERVER_OPTION_LIBUV,
            .foreign_loops = http->loops,
            .user = http,
            .pcontext = &http->context,
            .gid = -1,
            .uid = -1,
            .timeout_secs = (unsigned)broker->cfg->api_request_s,
            .timeout_secs_ah_idle = (unsigned)broker->cfg->api_request_s,
            .keepalive_timeout = (int)broker->cfg->api_idle_s,
            .max_http_header_data2 = HEADER_BYTES,
            .max_http_header_pool2 = (unsigned)broker->cfg->max_api_connections,
            .pt_serv_buf_size = HEADER_BYTES,
            .vhost_name = "broker"};
    http->context = lws_create_context(&info);
    /* Not the file's mode but the peer's uid decides, at each request. */
    if (http->context == NULL || chmod(path, 0666) < 0) {
        rc = orl_err_set(err, ORL_E_BACKEND,
                "%s: libwebsockets can't listen there (is libwebsockets-evlib-uv installed?)",
                path);
        orl_http_free(http);
        return rc;
    }
    *ret_http = http;
    return 0;
}

void orl_http_stop(struct orl_http *http)
{
    if (http != NULL && !http->is_stopped) {
        http->is_stopped = true;
        lws_context_destroy(http->context);
    }
}

bool orl_http_is_stopped(const struct orl_http *http)
{
    return http == NULL || http->is_stopped;
}

void orl_http_free(struct orl_http *http)
{
    if (http == NULL) {
        return;
    }
    orl_http_stop(http);
    if (http->context != NULL) { /* its second half; it clears the pointer when it was the last */
        lws_context_destroy(http->context);
    }
    free(http);
}
