#include "broker/api.h"
#include "broker/http_priv.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { SERVICE_BYTES = 4096 };

static enum orl_http_class class_of(const struct orl_http *http, uid_t uid)
{
    bool is_admin = uid == 0 || uid == geteuid();
    for (unsigned i = 0; i < http->admin_count; i++) {
        is_admin = is_admin || uid == http->admins[i];
    }
    return is_admin               ? ORL_HTTP_CLASS_ADMIN
           : uid == http->web_uid ? ORL_HTTP_CLASS_WEB
                                  : ORL_HTTP_CLASS_NOBODY;
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

/* Each class has a room of its own, so that nobody's flood keeps the administrator out. Those who may
 * not call anything get their 403 while there is plenty, no more. */
static bool has_room(const struct orl_http *http, enum orl_http_class class)
{
    const unsigned *counts = http->connections;
    unsigned max = (unsigned)http->broker->cfg->max_api_connections;
    unsigned max_web = (unsigned)http->broker->cfg->max_web_connections;
    switch (class) {
    case ORL_HTTP_CLASS_NOBODY:
        return counts[class] < max / 4;
    case ORL_HTTP_CLASS_WEB:
        return counts[class] < max_web;
    case ORL_HTTP_CLASS_FRESH:
        return counts[class] + counts[ORL_HTTP_CLASS_ADMIN] + counts[ORL_HTTP_CLASS_WEB] <
               max + max_web;
    default:
        return counts[class] < max;
    }
}

/* Before its first request. */
static enum orl_http_class first_class_of(const struct orl_http *http, uid_t uid)
{
    enum orl_http_class class = class_of(http, uid);
    return class == ORL_HTTP_CLASS_ADMIN ? ORL_HTTP_CLASS_FRESH : class;
}

static bool may_connect(const struct orl_http *http, int fd)
{
    uid_t uid = 0;
    return uid_of(fd, &uid) == 0 && has_room(http, first_class_of(http, uid));
}

/* libwebsockets keeps it for us. */
static enum orl_http_class counted_as(const struct lws *wsi)
{
    return (enum orl_http_class)(uintptr_t)lws_get_opaque_user_data(wsi);
}

static void set_class(struct orl_http *http, struct lws *wsi, enum orl_http_class class)
{
    enum orl_http_class old = counted_as(wsi);
    if (old != class) {
        http->connections[old] -= old != ORL_HTTP_CLASS_NONE;
        http->connections[class] += class != ORL_HTTP_CLASS_NONE;
        lws_set_opaque_user_data(wsi, (void *)(uintptr_t) class);
    }
}

static void on_connection(struct orl_http *http, struct lws *wsi)
{
    uid_t uid = 0;
    if (uid_of(lws_get_socket_fd(wsi), &uid) == 0) {
        set_class(http, wsi, first_class_of(http, uid));
    }
}

/* What oriel-web brings has no right but its cookie's, whatever uid oriel-web has: where all programs run as one
 * user, the header alone tells. false: it says nothing of where it comes from. */
static bool read_web(struct orl_http *http, struct lws *wsi, struct orl_http_req *req)
{
    enum orl_http_class class = class_of(http, req->uid);
    orl_http_read_bearer(wsi, req);
    int has_client = orl_http_read_client(wsi, req->client);
    if (class == ORL_HTTP_CLASS_ADMIN && has_client != 0) {
        class = ORL_HTTP_CLASS_WEB;
    }
    if (counted_as(wsi) != class && !has_room(http, class)) {
        return false;
    }
    set_class(http, wsi, class);
    if (class != ORL_HTTP_CLASS_WEB) {
        req->client[0] = '\0';
        bool is_admin = class == ORL_HTTP_CLASS_ADMIN;
        req->role = is_admin ? ORL_HTTP_ADMIN : ORL_HTTP_NOBODY;
        req->by = is_admin ? ORL_HTTP_BY_UID : ORL_HTTP_BY_NOTHING;
        if (req->has_bearer) { /* it says who asks, to whoever may connect */
            req->role = ORL_HTTP_WEB;
            req->by = ORL_HTTP_BY_NOTHING;
            req->is_json = true;
        }
        return true;
    }
    req->role = ORL_HTTP_WEB;
    orl_http_read_browser(wsi, req);
    return has_client == 1;
}

/* It has come in time; how long the answer takes is our own affair. */
static void dispatch(struct orl_http_req *req)
{
    lws_set_timeout(req->wsi, NO_PENDING_TIMEOUT, 0);
    orl_api_dispatch(req);
}

/* A whole site is long; before it is read it must be an administrator who sends it. false: it has been answered. */
static bool may_be_long(struct orl_http_req *req, long length)
{
    const bool is_site = orl_api_takes_site(req);
    const long max =
            req->by == ORL_HTTP_BY_UID || is_site ? ORL_HTTP_ADMIN_BODY_MAX : ORL_HTTP_BODY_MAX;
    if (length < 0 || length > max) {
        orl_api_refuse(req, length > max ? 413 : 400, "bad_request",
                length > max ? "the body is too large" : "not a request for this");
        return false;
    }
    if (length > ORL_HTTP_BODY_MAX && !orl_api_is_admin(req)) {
        orl_api_dispatch(req); /* says why, without the body */
        return false;
    }
    return true;
}

static int on_request(
        struct orl_http *http, struct lws *wsi, struct orl_http_peer *peer, const char *path)
{
    struct orl_http_req *req = calloc(1, sizeof(*req));
    long length = orl_http_content_length(wsi);
    orl_http_reset_peer(peer);
    if (req == NULL || uid_of(lws_get_socket_fd(wsi), &req->uid) < 0) {
        free(req);
        return -1;
    }
    req->broker = http->broker;
    req->wsi = wsi;
    bool is_known = read_web(http, wsi, req);
    peer->is_last = length != 0;
    orl_http_read_if_match(wsi, req);
    req->method = orl_http_method_of(wsi);
    peer->req = req;
    http->broker->counters.api_requests++;
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, (int)http->broker->cfg->api_request_s);
    if (!is_known) {
        orl_api_refuse(req, 503, "busy", "not from oriel-web as it is meant, or too many of them");
        return 0;
    }
    if (req->method == 0) {
        orl_api_refuse(req, 405, "method_not_allowed", "GET, POST, PATCH and DELETE are known");
        return 0;
    }
    if (!orl_http_read_path(wsi, path, req)) {
        orl_api_refuse(req, 400, "bad_request", "not a request for this");
        return 0;
    }
    if (!may_be_long(req, length)) {
        return 0;
    }
    peer->is_last = false;
    if (length > 0) {
        peer->is_reading = true;
        orl_buf_init(&peer->body, (size_t)length + 1);
        return 0;
    }
    dispatch(req);
    return 0;
}

static int on_body_end(struct orl_http_peer *peer)
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
    dispatch(req);
    return 0;
}

static void on_closed(struct orl_http_peer *peer)
{
    if (peer->req != NULL && peer->is_reading) {
        orl_http_free_req(peer->req);
    } else if (peer->req != NULL) {
        peer->req->wsi = NULL; /* whoever answers it frees it */
    }
    orl_http_reset_peer(peer);
}

static int on_event(
        struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct orl_http *http = lws_context_user(lws_get_context(wsi));
    struct orl_http_peer *peer = user;
    switch ((int)reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        return may_connect(http, (int)(intptr_t)in) ? 0 : 1;
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        on_connection(http, wsi);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        set_class(http, wsi, ORL_HTTP_CLASS_NONE);
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
        return orl_http_write(http, wsi, peer);
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
        {.name = "http",
                .callback = on_event,
                .per_session_data_size = sizeof(struct orl_http_peer)},
        {.name = NULL},
};

static int read_admins(struct orl_http *http, char **texts, struct orl_err *err)
{
    for (char **at = texts; at != NULL && *at != NULL; at++) {
        char *end = NULL;
        errno = 0;
        unsigned long uid = strtoul(*at, &end, 10);
        if (errno != 0 || end == *at || *end != '\0' || uid >= UINT32_MAX ||
                http->admin_count == ORL_HTTP_MAX_ADMINS) {
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
    const struct passwd *web =
            broker->cfg->web_user[0] != '\0' ? getpwnam(broker->cfg->web_user) : NULL;
    http->web_uid = web != NULL ? web->pw_uid : (uid_t)-1;
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
            .max_http_header_data2 = ORL_HTTP_HEAD_MAX,
            .max_http_header_pool2 =
                    (unsigned)(broker->cfg->max_api_connections + broker->cfg->max_web_connections),
            .pt_serv_buf_size = SERVICE_BYTES,
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
