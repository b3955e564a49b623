#include "store/audit.h"
#include "store/store_copy.h"
#include "store/store_priv.h"

static int run_timed(struct orl_store *store, const char *sql, uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query_once(store->db, sql);
    orl_db_put_u64(&q, now_ms);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

static int distrust(struct orl_store *store, uint64_t now_ms, struct orl_err *err)
{
    /* A row goes when its machine is gone: as far as this store knows, it is. */
    static const char *const steps[] = {
            "UPDATE desktop SET lease = 'ending', want = 'delete', version = version + 1,"
            " changed_ms = $1 WHERE lease = 'free' AND kind = 'floating'",
            "UPDATE desktop SET lease = 'ending', power = 'absent', is_ready = 0,"
            " version = version + 1, changed_ms = $1 WHERE lease = 'free' AND kind = 'dedicated'",
            "DELETE FROM desktop WHERE lease = 'ending' AND power = 'absent' AND kind = 'dedicated'"
            " AND is_tainted = 0 AND changed_ms = $1",
            "UPDATE ticket SET revoked_ms = $1 WHERE revoked_ms = 0",
            "DELETE FROM weblogin WHERE created_ms <= $1"};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(steps) / sizeof(steps[0]); i++) {
        rc = run_timed(store, steps[i], now_ms, err);
    }
    return rc;
}

int orl_store_restored(struct orl_store *store, uint64_t now_ms, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : distrust(store, now_ms, err);
    struct orl_audit_event event = {
            .actor = "admin", .action = "store.restored", .object = "store"};
    rc = rc < 0 ? rc : orl_audit_append(store, &event, now_ms, NULL, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}
