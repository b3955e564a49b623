#include "web/server/relay.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* Beyond HIGH bytes untaken the broker waits; curl hands over CURL_MAX_WRITE_SIZE (16 KiB) at a time. */
enum { HIGH_BYTES = 64 * 1024, BUF_BYTES = HIGH_BYTES + 2 * CURL_MAX_WRITE_SIZE, KEPT = 16 };

struct orl_relays {
    struct orl_loop *loop;
    struct orl_relays_opts opts;
    CURLM *multi;
    struct orl_timer *timer;
    unsigned open;
};
struct orl_relay {
    struct orl_relays *relays;
    CURL *easy;
    struct curl_slist *headers;
    orl_loop_fn on_news;
    void *ctx;
    enum orl_relay_state state;
    unsigned status;
    char passed[ORL_RELAY_HEADER_MAX];
    size_t passed_len;
    int64_t length;
    bool is_events;
    bool is_paused;
    bool is_refused; /* its headers are more than we take */
    uint64_t heard_us;
    curl_socket_t opened; /* for this one; CURL_SOCKET_BAD: it goes over one that was there */
    struct orl_buf body;  /* not yet taken */
};

static const struct orl_log_ctx log_ctx = {.name = "relay"};

static void check_done(struct orl_relays *relays)
{
    CURLMsg *msg;
    int left = 0;
    while ((msg = curl_multi_info_read(relays->multi, &left)) != NULL) {
        struct orl_relay *relay = NULL;
        if (msg->msg != CURLMSG_DONE ||
                curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &relay) != CURLE_OK) {
            continue;
        }
        bool is_good = msg->data.result == CURLE_OK && relay->state == ORL_RELAY_BODY;
        if (!is_good) {
            orl_log_debug(&log_ctx, "no answer", "why", curl_easy_strerror(msg->data.result));
        }
        relay->state = is_good ? ORL_RELAY_DONE : ORL_RELAY_FAILED;
        relay->on_news(relay->ctx);
    }
}

static void on_socket(void *ctx, unsigned events);

struct watch {
    struct orl_relays *relays;
    struct orl_io *io;
    curl_socket_t fd;
};

static void on_socket(void *ctx, unsigned events)
{
    const struct watch *watch = ctx;
    struct orl_relays *relays = watch->relays;
    int running = 0;
    int mask = ((events & (ORL_IO_READ | ORL_IO_HANGUP)) != 0 ? CURL_CSELECT_IN : 0) |
               ((events & ORL_IO_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    (void)curl_multi_socket_action(relays->multi, watch->fd, mask, &running);
    check_done(relays);
}

static void free_watch(void *ctx)
{
    free(ctx);
}

static int set_watch(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct orl_relays *relays = ctx;
    struct watch *watch = socket_ctx;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL) {
            orl_io_close(watch->io);
            (void)curl_multi_assign(relays->multi, fd, NULL);
            orl_loop_defer(relays->loop, free_watch, watch); /* its on_socket() may be above us */
        }
        return 0;
    }
    unsigned events = ((what & CURL_POLL_IN) != 0 ? (unsigned)ORL_IO_READ : 0U) |
                      ((what & CURL_POLL_OUT) != 0 ? (unsigned)ORL_IO_WRITE : 0U);
    if (watch != NULL) {
        orl_io_set(watch->io, events);
        return 0;
    }
    watch = calloc(1, sizeof(*watch));
    if (watch == NULL) {
        return -1;
    }
    *watch = (struct watch){.relays = relays, .fd = fd};
    if (orl_io_open(relays->loop, fd, events, on_socket, watch, &watch->io, NULL) < 0) {
        free(watch);
        return -1;
    }
    (void)curl_multi_assign(relays->multi, fd, watch);
    return 0;
}

static void on_timer(void *ctx)
{
    struct orl_relays *relays = ctx;
    int running = 0;
    (void)curl_multi_socket_action(relays->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    check_done(relays);
}

static int set_timer(CURLM *multi, long in_ms, void *ctx)
{
    struct orl_relays *relays = ctx;
    (void)multi;
    if (in_ms < 0) {
        orl_timer_stop(relays->timer);
    } else {
        orl_timer_start(relays->timer, (uint64_t)in_ms * ORL_US_PER_MS, 0);
    }
    return 0;
}

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *addr)
{
    struct orl_relay *relay = ctx;
    (void)purpose;
    relay->opened = socket(addr->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return relay->opened;
}

/* Passwords go there: whoever else listens at that path gets none. */
static int on_connected(void *ctx, char *ip, char *local_ip, int port, int local_port)
{
    const struct orl_relay *relay = ctx;
    struct ucred cred;
    socklen_t len = sizeof(cred);
    (void)ip;
    (void)local_ip;
    (void)port;
    (void)local_port;
    if (relay->opened == CURL_SOCKET_BAD) {
        return CURL_PREREQFUNC_OK;
    }
    if (getsockopt(relay->opened, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
        return CURL_PREREQFUNC_ABORT;
    }
    bool is_believed =
            cred.uid == 0 || cred.uid == geteuid() || cred.uid == relay->relays->opts.broker_uid;
    if (!is_believed) {
        orl_log_error(
                &log_ctx, "somebody else listens at broker.sock", "uid", ORL_LOG_NUM(cred.uid));
    }
    return is_believed ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static bool may_pass(const char *line, size_t len)
{
    static const char *const names[] = {"set-cookie:", "content-type:", "cache-control:", "etag:",
            "retry-after:", "content-disposition:", NULL};
    for (size_t i = 0; names[i] != NULL; i++) {
        if (len > strlen(names[i]) && strncasecmp(line, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_prefix(const char *line, size_t len, const char *prefix)
{
    return len >= strlen(prefix) && strncasecmp(line, prefix, strlen(prefix)) == 0;
}

static void keep_header(struct orl_relay *relay, const char *line, size_t len)
{
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n')) {
        len--;
    }
    for (size_t i = 0; i < len; i++) {
        if (line[i] == '\r' || line[i] == '\n' || line[i] == '\0') {
            relay->is_refused = true;
            return;
        }
    }
    if (relay->passed_len + len + 3 > sizeof(relay->passed)) {
        relay->is_refused = true;
        return;
    }
    memcpy(relay->passed + relay->passed_len, line, len);
    memcpy(relay->passed + relay->passed_len + len, "\r\n", 3);
    relay->passed_len += len + 2;
}

static void on_head_end(struct orl_relay *relay)
{
    long status = 0;
    curl_off_t length = -1;
    (void)curl_easy_getinfo(relay->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(relay->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (status < 200) {
        return;
    }
    relay->status = (unsigned)status;
    relay->length = length;
    relay->state = ORL_RELAY_BODY;
    relay->on_news(relay->ctx);
}

static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
    struct orl_relay *relay = ctx;
    size_t len = size * count;
    relay->heard_us = orl_clock_now_us();
    if (has_prefix(line, len, "HTTP/")) {
        relay->passed_len = 0;
        relay->passed[0] = '\0';
    } else if (len <= 2) {
        on_head_end(relay);
    } else if (may_pass(line, len)) {
        keep_header(relay, line, len);
        relay->is_events =
                relay->is_events || has_prefix(line, len, "content-type: text/event-stream");
    }
    return relay->is_refused ? 0 : len;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct orl_relay *relay = ctx;
    size_t len = size * count;
    relay->heard_us = orl_clock_now_us();
    if (relay->body.len >= HIGH_BYTES) {
        relay->is_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    orl_buf_put(&relay->body, data, len);
    relay->on_news(relay->ctx);
    return relay->body.is_failed ? 0 : len;
}

int orl_relays_new(struct orl_loop *loop, const struct orl_relays_opts *opts,
        struct orl_relays **ret_relays, struct orl_err *err)
{
    struct orl_relays *relays = calloc(1, sizeof(*relays));
    if (relays == NULL || curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK) {
        free(relays);
        return orl_err_set(err, ORL_E_NOMEM, "relay: out of memory");
    }
    relays->loop = loop;
    relays->opts = *opts;
    relays->multi = curl_multi_init();
    int code = orl_timer_new(loop, on_timer, relays, &relays->timer, err);
    if (code < 0 || relays->multi == NULL) {
        orl_relays_free(relays);
        return code < 0 ? code : orl_err_set(err, ORL_E_NOMEM, "relay: out of memory");
    }
    (void)curl_multi_setopt(relays->multi, CURLMOPT_SOCKETFUNCTION, set_watch);
    (void)curl_multi_setopt(relays->multi, CURLMOPT_SOCKETDATA, relays);
    (void)curl_multi_setopt(relays->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    (void)curl_multi_setopt(relays->multi, CURLMOPT_TIMERDATA, relays);
    (void)curl_multi_setopt(relays->multi, CURLMOPT_MAXCONNECTS, (long)KEPT);
    *ret_relays = relays;
    return ORL_OK;
}

void orl_relays_free(struct orl_relays *relays)
{
    if (relays != NULL) {
        (void)curl_multi_cleanup(relays->multi);
        orl_timer_free(relays->timer);
        free(relays);
    }
}

unsigned orl_relays_room(const struct orl_relays *relays)
{
    return relays->opts.max_open > relays->open ? relays->opts.max_open - relays->open : 0;
}

static void set_options(struct orl_relay *relay, const struct orl_relay_req *req, const char *url)
{
    CURL *easy = relay->easy;
    (void)curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, relay->relays->opts.socket_path);
    (void)curl_easy_setopt(easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, relay->headers);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, relay);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, relay);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, relay);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, relay);
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, relay);
    if (req->body != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
        (void)curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, req->body);
    }
    (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, req->method);
}

static bool add_headers(struct orl_relay *relay, const struct orl_relay_req *req)
{
    /* No "Expect: 100-continue", and no type that curl would make up. */
    static const char *const none[] = {"Expect:", "Content-Type:", "Accept:", NULL};
    const char *const *lists[] = {none, req->headers};
    for (size_t i = 0; i < 2; i++) {
        for (const char *const *at = lists[i]; *at != NULL; at++) {
            struct curl_slist *longer = curl_slist_append(relay->headers, *at);
            if (longer == NULL) {
                return false;
            }
            relay->headers = longer;
        }
    }
    return true;
}

int orl_relay_new(struct orl_relays *relays, const struct orl_relay_req *req, orl_loop_fn on_news,
        void *ctx, struct orl_relay **ret_relay)
{
    char url[4200];
    int len = snprintf(url, sizeof(url), "http://broker%s", req->path);
    if (relays->open >= relays->opts.max_open || len < 0 || (size_t)len >= sizeof(url)) {
        return ORL_E_LIMIT;
    }
    struct orl_relay *relay = calloc(1, sizeof(*relay));
    if (relay == NULL) {
        return ORL_E_NOMEM;
    }
    relay->relays = relays;
    relay->on_news = on_news;
    relay->ctx = ctx;
    relay->length = -1;
    relay->opened = CURL_SOCKET_BAD;
    relay->heard_us = orl_clock_now_us();
    relay->easy = curl_easy_init();
    orl_buf_init(&relay->body, BUF_BYTES);
    relays->open++;
    if (relay->easy == NULL || !add_headers(relay, req)) {
        orl_relay_free(relay);
        return ORL_E_NOMEM;
    }
    set_options(relay, req, url);
    if (curl_multi_add_handle(relays->multi, relay->easy) != CURLM_OK) {
        orl_relay_free(relay);
        return ORL_E_BACKEND;
    }
    *ret_relay = relay;
    return ORL_OK;
}

enum orl_relay_state orl_relay_state(const struct orl_relay *relay)
{
    return relay->state;
}

unsigned orl_relay_status(const struct orl_relay *relay)
{
    return relay->status;
}

const char *orl_relay_headers(const struct orl_relay *relay)
{
    return relay->passed;
}

int64_t orl_relay_length(const struct orl_relay *relay)
{
    return relay->length;
}

bool orl_relay_is_events(const struct orl_relay *relay)
{
    return relay->is_events;
}

size_t orl_relay_take(struct orl_relay *relay, void *ret_data, size_t size)
{
    size_t len = relay->body.len < size ? relay->body.len : size;
    if (len > 0) {
        memcpy(ret_data, relay->body.data, len);
        orl_buf_consume(&relay->body, len);
    }
    if (relay->is_paused && relay->body.len < HIGH_BYTES / 2) {
        relay->is_paused = false;
        (void)curl_easy_pause(relay->easy, CURLPAUSE_CONT);
        check_done(relay->relays);
    }
    return len;
}

bool orl_relay_has_bytes(const struct orl_relay *relay)
{
    return relay->body.len > 0;
}

uint64_t orl_relay_heard_us(const struct orl_relay *relay)
{
    return relay->heard_us;
}

void orl_relay_free(struct orl_relay *relay)
{
    if (relay == NULL) {
        return;
    }
    if (relay->easy != NULL) {
        (void)curl_multi_remove_handle(relay->relays->multi, relay->easy);
        curl_easy_cleanup(relay->easy);
    }
    curl_slist_free_all(relay->headers);
    orl_buf_wipe(&relay->body);
    orl_buf_fini(&relay->body);
    relay->relays->open--;
    free(relay);
}
