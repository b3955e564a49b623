/* A backup that is put in the store's place knows nothing of what happened since: a desktop that is free
 * in it may have had a person meanwhile, whose files are on it. So a backup carries a mark, by whatever
 * means it is copied, and whoever opens it first does what `oriel store restored` does. */
#include "base/clock.h"
#include "store/alarm.h"
#include "store/store_copy.h"
#include "store/store_priv.h"

static const char key[] = "backup_of";

int orl_store_mark_copy(struct orl_store *copy, struct orl_err *err)
{
    return orl_store_meta_set(copy, key, copy->installation, err);
}

static int take_mark(struct orl_store *store, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "DELETE FROM meta WHERE key = 'backup_of'");
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

int orl_store_adopt_copy(struct orl_store *store, struct orl_err *err)
{
    char of[ORL_UUID_LEN + 1];
    struct orl_err none = {0};
    uint64_t now_ms = orl_clock_wall_ms();
    int rc = orl_store_meta_get(store, key, of, sizeof(of), &none);
    if (rc == ORL_E_NOTFOUND) {
        return 0;
    }
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : orl_store_meta_get(store, key, of, sizeof(of), &none);
    if (rc == ORL_E_NOTFOUND) { /* another process was first */
        return 0;
    }
    rc = rc < 0 ? rc : orl_store_restored(store, now_ms, err);
    rc = rc < 0 ? rc
                : orl_alarm_raise(store, ORL_REASON_STORE_RESTORED, "store",
                          "a backup was put in place: what was free in it is given up, look at the "
                          "quarantine",
                          now_ms, err);
    rc = rc < 0 ? rc : take_mark(store, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}
