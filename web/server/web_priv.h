/* Shared by web.c, door.c, http.c, answer.c and ws.c. */
#ifndef ORL_WEB_WEB_PRIV_H
#define ORL_WEB_WEB_PRIV_H
#include "base/admission.h"
#include "base/buf.h"
#include "base/control_link.h"
#include "base/ipc_msgs.h"
#include "base/listener.h"
#include "base/log.h"
#include "web/server/assets.h"
#include "web/server/desktop.h"
#include "web/server/relay.h"
#include "web/server/request.h"
#include "web/server/upload.h"
#include "web/server/web.h"
#include <libwebsockets.h>

#define ORL_WEB_BODY_MAX 65536
#define ORL_WEB_SITE_BODY_MAX (4 * 1024 * 1024) /* of a whole site: as much as the broker takes */
#define ORL_WEB_SITES_MAX 8
#define ORL_WEB_SITES_PER_PREFIX 2
#define ORL_WEB_WRITE_BYTES 16000 /* of one lws_write() */
#define ORL_WEB_UPLOADS_MAX 32    /* pieces of files at once, of who has a ticket */
#define ORL_WEB_UPLOADS_PER_PREFIX 4
#define ORL_WEB_UPLOAD_S 60
#define ORL_WEB_TICKETS_MAX 32 /* of pieces, being asked about: vmpool's answer takes a moment */
#define ORL_WEB_TICKETS_PER_PREFIX 4
#define ORL_WEB_TICKET_S 5
#define ORL_WEB_SWEEP_US UINT64_C(500000)

enum orl_web_phase {
    ORL_WEB_IDLE = 0, /* a request is to come, from the TLS handshake on */
    ORL_WEB_BODY,     /* its body is to come */
    ORL_WEB_ANSWER,
    ORL_WEB_SOCKET, /* a WebSocket */
    ORL_WEB_GONE,
};

/* One TCP connection. Made before libwebsockets has it, freed when libwebsockets has let go of it. */
struct orl_web_conn {
    struct orl_web *web;
    struct lws *wsi; /* NULL: not yet, or no more */
    struct orl_prefix prefix;
    char client[ORL_ADDR_MAX + 1];
    bool is_plain; /* without TLS: redirected */
    bool is_adopting, has_wsi, is_destroyed;
    enum orl_web_phase phase;
    uint64_t deadline_us;    /* idle, body */
    uint64_t wants_write_us; /* since when; 0: it does not */
    /* the request */
    char api_path[3 * ORL_REQUEST_PATH_MAX + 1];
    const char *method;
    struct orl_buf request_body;
    bool is_site;       /* its body is long, and counts until it is answered */
    bool is_upload;     /* its body is a piece of a file, for upload_to, and the ticket is good */
    bool is_asked;      /* the same, but vmpool has not said yet whether it is; conn->upload asks */
    bool is_body_whole; /* before vmpool has */
    bool is_placeless;  /* the ticket is good, but all places are taken: dropped, and then told */
    struct orl_upload_to upload_to;
    /* the answer: out, then page or relay */
    struct orl_buf out;
    size_t out_at;
    const uint8_t *page;
    size_t page_left;
    struct orl_relay *relay;
    struct orl_upload *upload;
    bool is_head_sent; /* of the relay's answer */
    bool is_chunked;
    int64_t relay_left; /* of a body whose length is known */
    bool must_close;
    bool is_deaf; /* it waits for the broker, and libwebsockets for nobody */
    /* WebSocket */
    bool is_upgrade_good;
    bool is_aux;
    struct orl_offer offer; /* wiped once the desktop is open */
    char binding[ORL_BINDING_LEN + 1];
    struct orl_desktop_end *end;
    struct orl_buf message; /* of aux: a datagram in the making */
    uint64_t heard_us;      /* when the browser last said something */
    bool wants_ping;
    bool is_ping_open;
    uint16_t close_code; /* not 0: to be closed with it */
    bool is_close_sent;
    char close_text[ORL_DESKTOP_WHY_MAX + 1];
    struct orl_web_conn *next, *prev;
};

struct orl_web {
    struct orl_loop *loop;
    const struct orl_web_cfg *cfg;
    struct orl_log_ctx log;
    struct lws_context *lws;
    struct lws_vhost *vhost;
    struct orl_shown_cert *shown;
    struct orl_tls_keys *keys;       /* of shown */
    struct orl_control_link *broker; /* gateway.sock */
    void *loops[1];
    int https_fd, http_fd;
    uint16_t https_port, http_port;
    struct orl_upload_opts upload;
    struct orl_listener *https;
    struct orl_listener *http;
    struct orl_door *doors; /* load balancers that have not said who their client is */
    unsigned door_count;
    struct orl_addr_net *trusted;
    unsigned trusted_count;
    char **origins;            /* ended by NULL */
    struct orl_assets *assets; /* NULL: there are no pages */
    struct orl_relays *relays;
    struct orl_gateway_link *link;
    struct orl_desktops *desktops;
    struct orl_admission *admission;
    struct orl_timer *sweep;
    struct orl_web_conn *conns;
    struct orl_web_conn *adopting; /* whose wsi is being made */
    struct orl_log_limit refused_limit;
    bool is_stopped, is_closed;
};

/* door.c */
void orl_web_on_https(void *ctx, int fd, const struct sockaddr *addr, socklen_t len);
void orl_web_on_http(void *ctx, int fd, const struct sockaddr *addr, socklen_t len);
void orl_web_close_doors(struct orl_web *web);

/* certificate.c */
/* Connections that begin have what is shown now. */
ORL_NODISCARD int orl_web_use_certificate(struct orl_web *web, struct orl_err *err);
/* Tells the broker, now and later, and hears from it. */
ORL_NODISCARD int orl_web_open_broker(
        struct orl_web *web, const struct orl_web_opts *opts, struct orl_err *err);

/* web.c */
void orl_web_conn_free(struct orl_web_conn *conn);
/* Lets libwebsockets close it, later in this wake. */
void orl_web_conn_kill(struct orl_web_conn *conn);
void orl_web_want_write(struct orl_web_conn *conn);

/* answer.c: what goes to the browser. Each begins the one answer of a request. */
void orl_answer_page(
        struct orl_web_conn *conn, const struct orl_asset *asset, bool is_head, bool takes_gzip);
void orl_answer_not_modified(struct orl_web_conn *conn, const struct orl_asset *asset);
void orl_answer_text(struct orl_web_conn *conn, unsigned status, bool is_head);
void orl_answer_error(struct orl_web_conn *conn, unsigned status, const char *code,
        const char *text); /* of /api */
void orl_answer_redirect(struct orl_web_conn *conn, const char *location);
void orl_answer_relay(struct orl_web_conn *conn);  /* conn->relay is there */
void orl_answer_upload(struct orl_web_conn *conn); /* conn->upload is there */
void orl_answer_upload_silent(struct orl_web_conn *conn);
void orl_answer_on_relay_news(void *ctx); /* the relay's; ctx: the connection */
void orl_answer_relay_silent(struct orl_web_conn *conn);
/* libwebsockets' word: not 0 closes. */
int orl_answer_on_writable(struct orl_web_conn *conn);
/* Without a state of its own: a request to become a WebSocket is refused, and the connection then closed. */
void orl_answer_refuse_upgrade(struct orl_web_conn *conn, unsigned status);
void orl_answer_reset(struct orl_web_conn *conn);

/* http.c */
int orl_web_on_http_event(
        struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);
/* What a header says, cut at size; its whole length, or -1: too long. */
int orl_web_header(struct lws *wsi, enum lws_token_indexes token, char *ret_value, size_t size);
bool orl_web_is_same_origin(struct orl_web_conn *conn);

/* ws.c */
int orl_web_on_ws_event(
        struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);
/* May this request become a WebSocket? 0, or the status of the refusal. */
unsigned orl_ws_check(struct orl_web_conn *conn, enum orl_route route);
void orl_ws_sweep(struct orl_web_conn *conn, uint64_t now_us);
void orl_ws_close(struct orl_web_conn *conn, uint16_t code, const char *text);
void orl_ws_release(struct orl_web_conn *conn);

#endif
