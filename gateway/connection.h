/* One client's connection as the gateway sees it: which stage, what its session may ask, what the
 * broker answered, which console it looks at. Sockets and processes are behind orl_conn_ops, so that
 * tests can play the session, the broker and the console.
 * Not here: the network's bytes, which only the session reads. */
#ifndef ORL_GATEWAY_CONNECTION_H
#define ORL_GATEWAY_CONNECTION_H
#include "base/admission.h"
#include "base/ipc_msgs.h"
#include "base/log.h"
#include "gateway/requests.h"

struct orl_conn;
/* What a connection asks of the gateway. None of them calls back into the connection. */
struct orl_conn_ops {
    void (*to_session)(void *ctx, struct orl_conn *conn, const struct orl_msg *msg, int fd);
    bool (*to_broker)(void *ctx, const struct orl_msg *msg); /* false: no broker */
    void (*want_console)(void *ctx, struct orl_conn *conn);  /* of conn->plan */
    void (*drop_console)(void *ctx, struct orl_conn *conn);
    void (*logged_in)(void *ctx, struct orl_conn *conn); /* no longer half-open */
    void (*set_deadline)(void *ctx, struct orl_conn *conn, uint64_t in_us); /* 0: none */
    void (*kill)(void *ctx, struct orl_conn *conn);
    void (*to_web)(void *ctx, struct orl_conn *conn, const struct orl_msg *close); /* is_web only */
};

struct orl_conn {
    uint32_t number;
    enum orl_conn_state state;
    const struct orl_conn_ops *ops;
    void *ctx;
    struct orl_log_ctx log;
    char log_id[12];
    char client[ORL_ADDR_MAX + 1];
    struct orl_prefix prefix;
    enum orl_protocol protocol;
    bool is_web;            /* a browser's: who it is, is in web, and not for its session to say */
    struct orl_msg_web web; /* wiped when the broker was asked */
    uint32_t asked_with;    /* ORL_MSG_LOGIN or ORL_MSG_PROOF; 0: has not asked */
    bool is_hash_sent;
    bool is_logged_in;            /* a plan came */
    bool is_active;               /* the client sees pixels: its session sends statistics */
    bool is_broker_told;          /* that this connection is over */
    bool has_console;             /* want_console() without drop_console() */
    bool has_left;                /* the session's process is gone */
    uint64_t active_since_ms;     /* wall clock */
    uint64_t no_console_since_ms; /* wall clock; 0: never missed one */
    uint64_t picture_us;          /* from the plan to the first picture */
    uint64_t closing_us;          /* how long a session has to go after CLOSE */
    struct orl_msg_plan plan;
    uint64_t stats_window_us; /* when it began */
    unsigned stats_in_window;
    unsigned thumbs_asked;      /* and not answered; what is beyond a few is not counted */
    unsigned consents_asked;    /* the same of questions, and notices that can be ended */
    struct orl_msg_stats stats; /* the last; told again to a broker that came back */
    enum orl_reason reason;
};

void orl_conn_init(struct orl_conn *conn, uint32_t number, const char *client,
        const struct orl_prefix *prefix, const struct orl_conn_ops *ops, void *ctx);
void orl_conn_on_started(struct orl_conn *conn);
/* Right after orl_conn_init(): the client is a browser, with this ticket. */
void orl_conn_set_web(struct orl_conn *conn, const struct orl_msg_web *web);
/* Negative: the session broke the table and is killed. */
ORL_NODISCARD int orl_conn_on_session_msg(
        struct orl_conn *conn, struct orl_msg *msg, unsigned fd_count);
void orl_conn_on_broker_msg(struct orl_conn *conn, const struct orl_msg *msg);
void orl_conn_on_broker_down(struct orl_conn *conn);
/* Tells a broker that came back of this connection, so that its lease goes on. */
void orl_conn_announce(struct orl_conn *conn);
/* The console has a link for this session: passes its end on. Borrows fd. */
void orl_conn_on_link(struct orl_conn *conn, uint32_t link, int fd);
/* The console is gone or not to be had now: the session shows text, another try follows. */
void orl_conn_on_console_notice(struct orl_conn *conn, enum orl_reason reason, const char *text);
void orl_conn_on_deadline(struct orl_conn *conn);
/* The session's process ended, with or without a word. */
void orl_conn_on_exit(struct orl_conn *conn, bool is_clean);
/* Tells session and broker why, once; the session then has closing_us to go. text and audit may be
 * NULL. */
void orl_conn_close(
        struct orl_conn *conn, enum orl_reason reason, const char *text, const char *audit);

#endif
