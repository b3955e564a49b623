/* gateway.sock: where gateways connect (logins, proofs, statistics, closes) and vmpool pokes.
 * Who may connect is decided by the peer's uid, what each may say by a table. Keeps the live
 * connections of all gateways; what they mean is decided in login.c, assign.c and session_lease.c. */
#ifndef ORL_BROKER_GATEWAY_SOCK_H
#define ORL_BROKER_GATEWAY_SOCK_H
#include "broker/broker.h"
#include "store/session.h"

enum orl_conn_state {
    ORL_CONN_NONE = 0,
    ORL_CONN_CHECKING, /* a password is being checked */
    ORL_CONN_DECIDING, /* who it is is known; what it gets is not */
    ORL_CONN_WAITING,  /* has a session, waits for its desktop until deadline_us */
    ORL_CONN_LIVE,     /* has a session that is active */
    ORL_CONN_WATCHING, /* has none, and looks at somebody else's (broker/watching.h) */
};
/* What a connection is found by: broker/conn_table.h. */
enum orl_conn_key {
    ORL_CONN_BY_NUMBER = 0,
    ORL_CONN_BY_SERIAL,
    ORL_CONN_BY_SESSION,
    ORL_CONN_KEYS
};
struct orl_conn_place {
    struct orl_conn *next, **prev;
};
/* Its place in its pool's queue, and what it was told of it: broker/queue.h. */
struct orl_conn_wait {
    unsigned position, length; /* 0: in none */
    uint32_t eta_s;            /* 0: not known */
    uint64_t since_ms;         /* wall clock */
    uint64_t since_us;
    uint64_t told_us;
    char told[ORL_TEXT_MAX + 1];
};
struct orl_gateway;
struct orl_conn {
    struct orl_gateway *gateway;
    uint32_t number; /* the gateway's */
    uint64_t serial; /* ours; never used twice */
    enum orl_conn_state state;
    uint32_t protocol;
    char client[ORL_ADDR_MAX + 1];
    char client_name[ORL_NAME_MAX + 1];
    struct orl_regional regional;      /* as the client says, checked; empty: not known */
    char user[ORL_USER_MAX + 1];       /* once it is proven */
    char session[ORL_ID_LEN + 1];      /* WAITING, LIVE; written by orl_conn_set_session() */
    char binding[ORL_BINDING_LEN + 1]; /* of a browser: its login at the portal */
    uint64_t deadline_us;              /* WAITING */
    uint64_t renewed_us;               /* WAITING: when we last renewed the lease */
    struct orl_conn_wait wait;         /* WAITING */
    char pool[ORL_NAME_MAX + 1];       /* of its session */
    uint64_t started_ms;               /* its session */
    uint64_t input_ms;                 /* LIVE: the last input that we know of; wall clock */
    char warned[ORL_TEXT_MAX + 1];     /* LIVE: the band that it shows */
    uint64_t message_us;               /* LIVE: when it was last sent a message; 0: never */
    uint64_t asked_us;                 /* LIVE: when somebody last asked to look; 0: never */
    bool is_message_due;               /* LIVE: it gets the one to many that is being sent */
    struct orl_frame_sample sample;    /* LIVE */
    uint32_t live_round; /* session_lease.c's: when its session was seen in the store */
    uint64_t watched_us; /* when we last asked for faster ones */
    struct orl_conn_place in[ORL_CONN_KEYS];
    struct orl_conn *next, **prev;
};

ORL_NODISCARD int orl_gateways_new(
        struct orl_broker *broker, struct orl_gateways **ret_gateways, struct orl_err *err);
void orl_gateways_free(struct orl_gateways *gateways); /* NULL is fine */

/* NULL: it is gone. */
struct orl_conn *orl_conn_find(struct orl_gateways *gateways, uint64_t serial);
struct orl_conn *orl_conn_find_session(struct orl_gateways *gateways, const char *session);
void orl_conn_set_session(struct orl_conn *conn, const char *session); /* "": none */
/* The name under which the store knows the gateway of conn. */
const char *orl_conn_gateway_name(const struct orl_conn *conn);
/* fn may end the connection it is given. */
typedef void (*orl_conn_fn)(void *ctx, struct orl_conn *conn);
void orl_conn_each(struct orl_gateways *gateways, orl_conn_fn fn, void *ctx);
unsigned orl_conn_count(const struct orl_gateways *gateways, enum orl_conn_state state);
unsigned orl_gateway_count(const struct orl_gateways *gateways);
/* To every program of this kind; how many there are. */
unsigned orl_gateways_send_certificate(
        struct orl_gateways *gateways, enum orl_service service, const struct orl_msg *msg);

/* Somebody looks: its session tells its statistics every second for a while. As often as wanted. */
void orl_conn_watch(struct orl_conn *conn);
/* Asks its session for a small picture. */
void orl_conn_send_thumb(struct orl_conn *conn);
void orl_conn_send_hash(struct orl_conn *conn, const uint8_t ntowfv2[ORL_NTLM_HASH_LEN]);
void orl_conn_send_plan(
        struct orl_conn *conn, const struct orl_session_row *session, bool is_ready);
/* To see session's desktop as user, and nothing else. */
void orl_conn_send_view_plan(
        struct orl_conn *conn, const struct orl_session_row *session, const char *user);
void orl_conn_send_consent(struct orl_conn *conn, const struct orl_msg_consent *consent);
/* A text over all of the picture, until a plan is ready; since_ms 0: without elapsed time. */
void orl_conn_send_notice(
        struct orl_conn *conn, const char *title, const char *text, uint64_t since_ms);
/* A band over the desktop, which stays to be used; "" takes it away. for_idle: any input does, too. */
void orl_conn_send_band(struct orl_conn *conn, const char *text, bool for_idle);
/* An administrator's words, over the desktop until they are read. */
void orl_conn_send_message(struct orl_conn *conn, const char *text);
/* text: NULL or "" for the reason's own. Frees conn. */
void orl_conn_close(
        struct orl_conn *conn, enum orl_reason reason, const char *audit, const char *text);

#endif
