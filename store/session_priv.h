/* What session.c and session_life.c share. */
#ifndef ORL_STORE_SESSION_PRIV_H
#define ORL_STORE_SESSION_PRIV_H
#include "store/session.h"
#include "store/store_priv.h"

/* In the order that orl_session_read_one() reads, before the guest's state. */
#define ORL_SESSION_COLUMNS                                                                        \
    "id, user_name, pool, desktop, desktop_version, state, protocol, client, client_name, ticket," \
    " gateway, conn, started_ms, lease_until_ms, disconnected_ms, ended_ms, reason, stats,"        \
    " slot, locale, timezone, keyboard, queue_ms"

/* Step, read: 0, or ORL_E_NOTFOUND without a text of its own. */
ORL_NODISCARD int orl_session_read_one(
        struct orl_db_query *q, struct orl_session_row *ret_row, struct orl_err *err);
/* Calls fn for every row of the query. */
ORL_NODISCARD int orl_session_read_all(
        struct orl_db_query *q, orl_session_fn fn, void *ctx, struct orl_err *err);

#endif
