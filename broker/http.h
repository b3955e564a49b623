/* broker.sock: HTTP/1.1 on a Unix socket, by libwebsockets on our loop. Knows sizes, deadlines, who the
 * peer is and whose request oriel-web brings; nothing of routes (broker/api.h). */
#ifndef ORL_BROKER_HTTP_H
#define ORL_BROKER_HTTP_H
#include "broker/broker.h"
#include "store/weblogin.h"
#include <jansson.h>
#include <sys/types.h>

#define ORL_HTTP_BODY_MAX 65536
#define ORL_HTTP_ADMIN_BODY_MAX                                                                    \
    (4 * 1024 * 1024) /* of who is an administrator by uid; a whole site of any administrator */
#define ORL_HTTP_PATH_MAX 1023
#define ORL_BEARER_LEN 44    /* "ort_" and 160 bits in hex */
#define ORL_HTTP_ETAG_LEN 18 /* 16 hex digits in quotation marks */

/* Each may what those before it may; a route names the least. */
enum orl_http_role {
    ORL_HTTP_NOBODY = 0,
    ORL_HTTP_WEB,    /* a browser's request, of nobody who is logged in */
    ORL_HTTP_USER,   /* a person, for what is their own */
    ORL_HTTP_VIEWER, /* sees what there is: no pixels, no tickets, no secrets */
    ORL_HTTP_OPERATOR,
    ORL_HTTP_ADMIN
};
/* What a role is believed by. */
enum orl_http_by {
    ORL_HTTP_BY_NOTHING = 0,
    ORL_HTTP_BY_UID,    /* of the peer: always ADMIN, and no person */
    ORL_HTTP_BY_TOKEN,  /* req->login.user: at most what the token is for */
    ORL_HTTP_BY_COOKIE, /* req->login: as much as its person's account may now */
};
enum orl_http_method { ORL_HTTP_GET = 1, ORL_HTTP_POST, ORL_HTTP_PATCH, ORL_HTTP_DELETE };

/* One request. Lives until it is answered, also when the client has gone by then. */
struct orl_http_req {
    struct orl_broker *broker;
    enum orl_http_method method;
    enum orl_http_role role;
    enum orl_http_by by;
    enum orl_http_role least; /* what the route asks for */
    uid_t uid;
    char path[ORL_HTTP_PATH_MAX + 1];  /* percent-decoded, without the query */
    char query[ORL_HTTP_PATH_MAX + 1]; /* "a=b&c=d", each value still percent-encoded */
    struct orl_store_tx tx;            /* api.c's: the deed and its audit row */
    char *body;                        /* NUL-terminated; NULL: none */
    size_t body_len;
    bool is_json;                         /* the body is said to be */
    char if_match[ORL_HTTP_ETAG_LEN + 1]; /* empty: none; what can be no ETag of ours is "?" */
    /* Of a browser, as oriel-web tells it. */
    char client[ORL_ADDR_MAX + 1];
    char agent[ORL_WEBLOGIN_AGENT_MAX + 1];
    bool has_bearer;                 /* then the cookie is not looked at */
    char bearer[ORL_BEARER_LEN + 1]; /* has_bearer: what was sent, good or not */
    bool has_cookie;
    char token[ORL_COOKIE_TOKEN_LEN + 1]; /* has_cookie: what the browser sent, good or not */
    struct orl_weblogin_row login;        /* BY_COOKIE; BY_TOKEN: id, user, and end of the token */
    bool lacks_factor;                    /* the account may more, but only with a second factor */
    const char *deed;                     /* the audit row's detail; borrowed; NULL: none */
    /* Of the answer. */
    char set_cookie[160];             /* empty: none */
    unsigned retry_s;                 /* 0: none */
    char etag[ORL_HTTP_ETAG_LEN + 1]; /* empty: none */
    struct lws *wsi;                  /* http.c's; NULL: the client has gone */
};

ORL_NODISCARD int orl_http_new(
        struct orl_broker *broker, struct orl_http **ret_http, struct orl_err *err);
void orl_http_stop(struct orl_http *http); /* begins to close; the loop must still run */
bool orl_http_is_stopped(const struct orl_http *http);
void orl_http_free(struct orl_http *http); /* NULL is fine */

/* Answers and frees req. Exactly once per request; takes body (NULL: an empty one). */
void orl_http_reply(struct orl_http_req *req, unsigned status, json_t *body);
void orl_http_reply_text(struct orl_http_req *req, unsigned status, const char *type, char *text,
        size_t len); /* takes text */

/* Answers with a stream of server-sent events, and frees req. Nothing is queued: next is asked for more only when the
 * client has taken what it got; one that takes nothing for api_request_s is closed. */
struct orl_http_stream;
struct orl_http_stream_ops {
    /* What to send now, one or more whole events, on the heap; NULL: nothing. *ret_is_last: it ends with that. */
    char *(*next)(void *ctx, bool *ret_is_last);
    /* Once, at its end; no call comes after it. */
    void (*closed)(void *ctx);
};
/* ctx is the stream's until closed. NULL: the client has gone, and closed was called. */
struct orl_http_stream *orl_http_reply_stream(
        struct orl_http_req *req, const struct orl_http_stream_ops *ops, void *ctx);
/* next has something. */
void orl_http_stream_wake(struct orl_http_stream *stream);

#endif
