/* The wall clock was set: what live rows measure against it goes on as if it had not been. */
#include "store/session.h"
#include "store/store_priv.h"

/* Written since, by the new clock. */
#define FRESH_MS 3000

/* $1 forward, $2 back; $3, $4: what is fresh. A time of 0 is none, and none gets below 1. */
#define MOVED(column)                                                                              \
    column " = CASE WHEN " column " = 0 THEN 0 WHEN " column " + $1 <= $2 THEN 1 ELSE " column     \
           " + $1 - $2 END"
#define FRESH(column) " NOT (" column " >= $3 AND " column " <= $4)"

#define BEGUN FRESH("started_ms")

static const char *const steps[] = {
        "UPDATE session SET " MOVED("started_ms") ", " MOVED("lease_until_ms") ", " MOVED(
                "disconnected_ms") ", " MOVED("queue_ms") " WHERE state <> 'ended' AND" BEGUN,
        "UPDATE ticket SET " MOVED("created_ms") ", " MOVED(
                "first_use_by_ms") " WHERE used_ms = 0 AND revoked_ms = 0 AND" FRESH("created_ms"),
        "UPDATE weblogin SET " MOVED("created_ms") ", " MOVED("seen_ms") ", " MOVED(
                "idle_until_ms") ", " MOVED("expires_ms") " WHERE" FRESH("created_ms"),
        "UPDATE desktop SET " MOVED("restart_ms") " WHERE restart_ms > 0 AND" FRESH("restart_ms"),
};

int orl_session_shift(struct orl_store *store, int64_t by_ms, uint64_t now_ms, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && rc >= 0; i++) {
        ORL_DB_AUTO q = orl_db_query(store->db, steps[i]);
        orl_db_put_u64(&q, by_ms > 0 ? (uint64_t)by_ms : 0);
        orl_db_put_u64(&q, by_ms < 0 ? (uint64_t)-by_ms : 0);
        orl_db_put_u64(&q, now_ms > FRESH_MS ? now_ms - FRESH_MS : 0);
        orl_db_put_u64(&q, now_ms);
        rc = orl_db_run(&q, err);
    }
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

int orl_session_clamp(
        struct orl_store *store, uint64_t lease_until_ms, uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE session SET"
            " lease_until_ms = CASE WHEN lease_until_ms > $1 THEN $1 ELSE lease_until_ms END,"
            " disconnected_ms = CASE WHEN disconnected_ms > $2 THEN $2 ELSE disconnected_ms END"
            " WHERE state <> 'ended' AND (lease_until_ms > $1 OR disconnected_ms > $2)");
    orl_db_put_u64(&q, lease_until_ms);
    orl_db_put_u64(&q, now_ms);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}
