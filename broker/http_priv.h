/* What the files of broker.sock's server share: http.c (connections, requests), http_head.c (what a request's head
 * says), http_reply.c (answers and streams). */
#ifndef ORL_BROKER_HTTP_PRIV_H
#define ORL_BROKER_HTTP_PRIV_H
#include "base/buf.h"
#include "broker/http.h"

#include <libwebsockets.h>

enum { ORL_HTTP_HEAD_MAX = 8192, ORL_HTTP_MAX_ADMINS = 64 };

/* As which a connection is counted. */
enum orl_http_class {
    ORL_HTTP_CLASS_NONE = 0,
    ORL_HTTP_CLASS_NOBODY,
    ORL_HTTP_CLASS_FRESH, /* its uid may be the administrator's or oriel-web's; it has not said which */
    ORL_HTTP_CLASS_WEB,
    ORL_HTTP_CLASS_ADMIN,
    ORL_HTTP_CLASSES
};

struct orl_http {
    struct orl_broker *broker;
    struct lws_context *context;
    void *loops[1];
    uid_t admins[ORL_HTTP_MAX_ADMINS];
    unsigned admin_count;
    uid_t web_uid; /* (uid_t)-1: no such user */
    unsigned connections[ORL_HTTP_CLASSES];
    bool is_stopped;
};

struct orl_http_stream {
    struct lws *wsi;
    const struct orl_http_stream_ops *ops;
    void *ctx;
    bool is_last; /* what is being sent is the last */
};

/* What libwebsockets keeps per connection; zeroed by it. */
struct orl_http_peer {
    struct orl_http_req *req; /* being read or answered */
    struct orl_http_stream *stream;
    struct orl_buf body;
    char *out; /* the answer, after LWS_PRE bytes of room */
    size_t out_len;
    size_t out_at;
    bool is_reading;
    bool is_last; /* the body was not read: nothing more can be understood */
};

void orl_http_free_req(struct orl_http_req *req);
void orl_http_reset_peer(struct orl_http_peer *peer);
/* Not 0: close it. */
int orl_http_write(struct orl_http *http, struct lws *wsi, struct orl_http_peer *peer);

/* 0: none that we know. */
enum orl_http_method orl_http_method_of(struct lws *wsi);
/* Negative: not a number, or of unsaid length. */
long orl_http_content_length(struct lws *wsi);
/* Path (decoded by libwebsockets, which cut the query off) and query. false: too long. */
bool orl_http_read_path(struct lws *wsi, const char *path, struct orl_http_req *req);
/* x-oriel-client: 1: read; 0: there is none; negative: it can't be one. */
int orl_http_read_client(struct lws *wsi, char ret_client[ORL_ADDR_MAX + 1]);
/* Authorization: Bearer. */
void orl_http_read_bearer(struct lws *wsi, struct orl_http_req *req);
/* What If-Match has. */
void orl_http_read_if_match(struct lws *wsi, struct orl_http_req *req);
/* Cookie, user agent, content type. */
void orl_http_read_browser(struct lws *wsi, struct orl_http_req *req);

#endif
