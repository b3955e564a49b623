/* Rows of sessions: a person's stay on a desktop of one pool, over any number of connections.
 * A session is a lease: who does not renew it becomes disconnected, never stuck. Whatever a session
 * does to its desktop happens in the same transaction. */
#ifndef ORL_STORE_SESSION_H
#define ORL_STORE_SESSION_H
#include "store/desktop.h"
#include "store/page.h"
#include "store/store.h"

enum orl_session_state {
    ORL_SESSION_NONE = 0,
    ORL_SESSION_WAITING, /* wants a desktop, or has one that is not running yet */
    ORL_SESSION_ACTIVE,
    ORL_SESSION_DISCONNECTED,
    ORL_SESSION_ENDED,
    ORL_SESSION_STATE_COUNT
};
struct orl_session_row {
    char id[ORL_ID_LEN + 1];
    char user[ORL_USER_MAX + 1];
    char pool[ORL_NAME_MAX + 1];
    char desktop[ORL_ID_LEN + 1]; /* empty until bound */
    uint64_t desktop_version;
    enum orl_session_state state;
    enum orl_protocol protocol;
    char client[ORL_ADDR_MAX + 1];
    char client_name[ORL_NAME_MAX + 1];
    char ticket[ORL_STORE_CODE_MAX + 1]; /* id of the ticket that opened it, or empty */
    char gateway[ORL_NAME_MAX + 1];
    uint32_t conn; /* the gateway's number; 0: no connection, or told that it has ended */
    uint64_t started_ms;
    uint64_t lease_until_ms;
    uint64_t disconnected_ms;
    uint64_t ended_ms;
    enum orl_reason reason;             /* of the last disconnect or of the end */
    char stats[ORL_STORE_JSON_MAX + 1]; /* JSON of the last STATS */
    uint32_t slot;                    /* which of the person's desktops in the pool, from 1; 0: 1 */
    char locale[ORL_NAME_MAX + 1];    /* of the client: "de_DE.UTF-8"; empty: not known, as below */
    char timezone[ORL_NAME_MAX + 1];  /* "Europe/Berlin" */
    char keyboard[ORL_NAME_MAX + 1];  /* XKB layout(variant): "de", "us(intl)" */
    uint64_t queue_ms;                /* its place in the pool's queue: since when; 0: in none */
    enum orl_guest_state guest_state; /* of the desktop, while it is this session's; read only */
};
typedef int (*orl_session_fn)(void *ctx, const struct orl_session_row *row);

/* A new session, waiting, from user, pool and the connection's fields of *row; an empty id is made.
 * ORL_E_EXISTS: the person has a live session in this pool (find it with orl_session_find()). */
ORL_NODISCARD int orl_session_insert(struct orl_store *store, const struct orl_session_row *row,
        uint64_t lease_until_ms, uint64_t now_ms, struct orl_id *ret_id, struct orl_err *err);
ORL_NODISCARD int orl_session_get(struct orl_store *store, const char *id,
        struct orl_session_row *ret_row, struct orl_err *err);
/* The live one. ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_session_find(struct orl_store *store, const char *user, const char *pool,
        struct orl_session_row *ret_row, struct orl_err *err);
/* The same of a slot, from 1; orl_session_find() is the first's. */
ORL_NODISCARD int orl_session_find_slot(struct orl_store *store, const char *user, const char *pool,
        uint32_t slot, struct orl_session_row *ret_row, struct orl_err *err);
/* How many a person has, of all pools, or negative. */
ORL_NODISCARD int orl_session_count_of(
        struct orl_store *store, const char *user, struct orl_err *err);
/* The live one of a connection. ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_session_find_conn(struct orl_store *store, const char *gateway, uint32_t conn,
        struct orl_session_row *ret_row, struct orl_err *err);
struct orl_session_filter {
    const char *user, *pool, *gateway, *desktop; /* NULL: any */
    const char *binding;                         /* of the ticket that opened its last connection */
    enum orl_session_state state;
    bool is_live;         /* only those not ended */
    struct orl_page page; /* newest first; its user and pool are not looked at */
};
ORL_NODISCARD int orl_session_list(struct orl_store *store, const struct orl_session_filter *filter,
        orl_session_fn fn, void *ctx, struct orl_err *err);

/* The person connects (again): takes gateway, conn, protocol, client, client_name, ticket of *row,
 * found by row->id. State stays; the connection that was there before is the caller's to close.
 * ORL_E_CONFLICT: it has ended. */
ORL_NODISCARD int orl_session_attach(struct orl_store *store, const struct orl_session_row *row,
        uint64_t lease_until_ms, struct orl_err *err);
/* Claims a desktop for a waiting session and binds both. ORL_E_NOTFOUND: none now (still waiting,
 * see orl_session_line()). ORL_E_CONFLICT: not waiting, or bound. */
ORL_NODISCARD int orl_session_claim(struct orl_store *store, const char *id, uint64_t now_ms,
        struct orl_desktop_row *ret_desktop, struct orl_err *err);
/* Waiting or disconnected becomes active, its desktop in use. The desktop must be bound, still at
 * the session's version and running or rebooting or migrating. ORL_E_CONFLICT: it is not; end the
 * session or wait. Active: nothing changes. */
ORL_NODISCARD int orl_session_activate(struct orl_store *store, const char *id,
        uint64_t lease_until_ms, uint64_t now_ms, struct orl_err *err);
/* stats: NULL keeps. ORL_E_CONFLICT: not waiting or active any more. */
ORL_NODISCARD int orl_session_renew(struct orl_store *store, const char *id,
        uint64_t lease_until_ms, const char *stats, struct orl_err *err);
#define ORL_SESSION_RENEWALS_MAX 128
struct orl_session_renewal {
    const char *id;
    const char *stats; /* empty keeps */
    bool is_lost;      /* out: not waiting or active any more */
};
/* All of them, in one statement: so many are renewed at once that a statement each is what costs. */
ORL_NODISCARD int orl_session_renew_all(struct orl_store *store,
        struct orl_session_renewal *renewals, size_t count, uint64_t lease_until_ms,
        struct orl_err *err);
/* The connection is gone: disconnected, its desktop too. Without a desktop: ended. conn: only if it
 * is still this one's (0: any), else ORL_E_CONFLICT, so that a late close of an old connection
 * changes nothing. Already disconnected or ended: nothing changes. */
ORL_NODISCARD int orl_session_disconnect(struct orl_store *store, const char *id, uint32_t conn,
        enum orl_reason reason, uint64_t now_ms, struct orl_err *err);
/* Over for good. Its desktop: floating is ending and wanted deleted; dedicated is ending and wanted
 * stopped; static is free. Its tickets are revoked. Already ended: nothing changes. */
ORL_NODISCARD int orl_session_end(struct orl_store *store, const char *id, enum orl_reason reason,
        const char *actor, uint64_t now_ms, struct orl_err *err);
/* The wall clock was set by so much: leases, waits, tickets, logins and wishes to restart move with it. Not what
 * was written in the last seconds before now_ms, by the new clock. */
ORL_NODISCARD int orl_session_shift(
        struct orl_store *store, int64_t by_ms, uint64_t now_ms, struct orl_err *err);
/* Nobody has noticed that the clock was set, or the store is an older one: no lease is longer than until lease_until_ms,
 * nobody left after now_ms. */
ORL_NODISCARD int orl_session_clamp(
        struct orl_store *store, uint64_t lease_until_ms, uint64_t now_ms, struct orl_err *err);
/* The connection that it ended with was told so. Another's, or not ended: nothing changes. */
ORL_NODISCARD int orl_session_told(struct orl_store *store, const char *id, const char *gateway,
        uint32_t conn, struct orl_err *err);
/* 1: a session of somebody else on a desktop of the pool has ended since since_ms, and its connection may not know it. */
ORL_NODISCARD int orl_session_is_untold(struct orl_store *store, const char *pool, const char *user,
        uint64_t since_ms, struct orl_err *err);
/* Disconnects up to max_count sessions whose lease has run out; returns how many. */
ORL_NODISCARD int orl_session_expire(
        struct orl_store *store, unsigned max_count, uint64_t now_ms, struct orl_err *err);
/* Ends up to max_count sessions disconnected for longer than their pool allows, and those whose
 * desktop is gone or not theirs any more; returns how many. */
ORL_NODISCARD int orl_session_reap(
        struct orl_store *store, unsigned max_count, uint64_t now_ms, struct orl_err *err);
/* Who waits for a desktop that is nobody's: by pool, and there in the order of the queue. Cheap, for thousands of them.
 * Who has one of their own in the pool (it is ending, or under maintenance) waits for that, in no queue. */
struct orl_session_waiter {
    char id[ORL_ID_LEN + 1];
    char pool[ORL_NAME_MAX + 1];
};
typedef int (*orl_session_waiter_fn)(void *ctx, const struct orl_session_waiter *waiter);
ORL_NODISCARD int orl_session_line(
        struct orl_store *store, orl_session_waiter_fn fn, void *ctx, struct orl_err *err);
/* How many with a living lease wait in the queue before this one, or negative. */
ORL_NODISCARD int orl_session_count_ahead(struct orl_store *store,
        const struct orl_session_row *session, uint64_t now_ms, struct orl_err *err);
/* Who waits for a desktop of their own that runs, is ready and knows its person by now, or that can be claimed by them
 * again; at most max_count. */
ORL_NODISCARD int orl_session_startable(struct orl_store *store, unsigned max_count,
        orl_session_waiter_fn fn, void *ctx, struct orl_err *err);
/* Active or disconnected, on a machine that is off, gone or failed; at most max_count. */
ORL_NODISCARD int orl_session_stranded(struct orl_store *store, unsigned max_count,
        orl_session_waiter_fn fn, void *ctx, struct orl_err *err);
/* Disconnected ones of a pool that began at before_ms or earlier; at most max_count. */
ORL_NODISCARD int orl_session_disconnected_of(struct orl_store *store, const char *pool,
        uint64_t before_ms, unsigned max_count, orl_session_waiter_fn fn, void *ctx,
        struct orl_err *err);
/* All that have not ended. */
ORL_NODISCARD int orl_session_live(
        struct orl_store *store, orl_session_waiter_fn fn, void *ctx, struct orl_err *err);
/* How many wait without a desktop, or negative. */
ORL_NODISCARD int orl_session_count_waiting(
        struct orl_store *store, const char *pool, struct orl_err *err);
/* Deletes what ended before before_ms, at most max_count; returns how many. */
ORL_NODISCARD int orl_session_prune(
        struct orl_store *store, uint64_t before_ms, unsigned max_count, struct orl_err *err);
const char *orl_session_state_name(enum orl_session_state state);
bool orl_session_state_parse(const char *text, enum orl_session_state *ret_state);

#endif
