#include "store/lease_address.h"
#include "store/store_priv.h"

static int find_own(struct orl_store *store, const struct orl_lease_address *want,
        uint32_t *ret_slot, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT slot FROM lease_address WHERE host = $1 AND network = $2 AND mac = $3"
            " AND desktop = $4 AND slot < $5");
    orl_db_put_text(&q, want->host);
    orl_db_put_text(&q, want->network);
    orl_db_put_text(&q, want->mac);
    orl_db_put_text(&q, want->desktop);
    orl_db_put_u64(&q, want->slots);
    int rc = orl_db_step(&q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    *ret_slot = orl_db_get_u32(&q);
    return orl_db_row_done(&q, err);
}

/* Slots are used one after the other before any is used again: what still speaks to an address finds nobody,
 * rather than somebody else. */
static int find_free(struct orl_store *store, const struct orl_lease_address *want,
        uint32_t *ret_slot, struct orl_err *err)
{
    ORL_DB_AUTO next = orl_db_query(store->db, "SELECT coalesce(max(slot) + 1, 0) FROM "
                                               "lease_address WHERE host = $1 AND network = $2");
    orl_db_put_text(&next, want->host);
    orl_db_put_text(&next, want->network);
    int rc = orl_db_step(&next, err);
    uint32_t slot = rc == 1 ? orl_db_get_u32(&next) : 0;
    rc = rc < 0 ? rc : orl_db_row_done(&next, err);
    if (rc < 0 || slot < want->slots) {
        *ret_slot = slot;
        return rc;
    }
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT a.slot FROM lease_address a WHERE a.host = $1 AND a.network = $2 AND a.slot < "
            "$3"
            " AND NOT EXISTS (SELECT 1 FROM desktop d WHERE d.id = a.desktop)"
            " AND NOT EXISTS (SELECT 1 FROM quarantine k WHERE k.id = a.desktop)"
            " ORDER BY a.since_ms, a.slot LIMIT 1");
    orl_db_put_text(&q, want->host);
    orl_db_put_text(&q, want->network);
    orl_db_put_u64(&q, want->slots);
    rc = orl_db_step(&q, err);
    if (rc == 1) {
        *ret_slot = orl_db_get_u32(&q);
        rc = orl_db_row_done(&q, err);
    } else if (rc == 0) {
        rc = orl_err_set(err, ORL_E_LIMIT, "network '%s' has no address left of %u", want->network,
                want->slots);
    }
    return rc;
}

static int drop_mac(
        struct orl_store *store, const struct orl_lease_address *want, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(
            store->db, "DELETE FROM lease_address WHERE host = $1 AND network = $2 AND mac = $3");
    orl_db_put_text(&q, want->host);
    orl_db_put_text(&q, want->network);
    orl_db_put_text(&q, want->mac);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

static int write_slot(struct orl_store *store, const struct orl_lease_address *want, uint32_t slot,
        uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "INSERT INTO lease_address (host, network, slot, mac, desktop, since_ms)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (host, network, slot) DO UPDATE SET"
            " mac = excluded.mac, desktop = excluded.desktop, since_ms = excluded.since_ms");
    orl_db_put_text(&q, want->host);
    orl_db_put_text(&q, want->network);
    orl_db_put_u64(&q, slot);
    orl_db_put_text(&q, want->mac);
    orl_db_put_text(&q, want->desktop);
    orl_db_put_u64(&q, now_ms);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

int orl_lease_address_take(struct orl_store *store, const struct orl_lease_address *want,
        uint64_t now_ms, uint32_t *ret_slot, struct orl_err *err)
{
    uint32_t slot = 0;
    int rc = find_own(store, want, &slot, err);
    if (rc != ORL_E_NOTFOUND) {
        *ret_slot = rc == 0 ? slot : *ret_slot;
        return rc;
    }
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : drop_mac(store, want, err);
    rc = rc < 0 ? rc : find_free(store, want, &slot, err);
    rc = rc < 0 ? rc : write_slot(store, want, slot, now_ms, err);
    rc = rc < 0 ? rc : orl_store_tx_commit(&tx, err);
    if (rc == 0) {
        *ret_slot = slot;
    }
    return rc;
}
