/* store/host.h: machines that no row knows. */
#include "store/audit.h"
#include "store/host.h"
#include "store/store_priv.h"
#include <string.h>

#define COLUMNS "id, host, pool, user_name, uuid, domain, overlay, reason_text, verdict, seen_ms"

const char *orl_verdict_name(enum orl_verdict verdict)
{
    switch (verdict) {
    case ORL_VERDICT_ADOPT:
        return "adopt";
    case ORL_VERDICT_PURGE:
        return "purge";
    case ORL_VERDICT_NONE:
    default:
        return "";
    }
}

static enum orl_verdict verdict_of(const char *text)
{
    return strcmp(text, "adopt") == 0   ? ORL_VERDICT_ADOPT
           : strcmp(text, "purge") == 0 ? ORL_VERDICT_PURGE
                                        : ORL_VERDICT_NONE;
}

static int read_one(struct orl_db_query *q, struct orl_quarantine_row *ret_row, struct orl_err *err)
{
    int rc = orl_db_step(q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    struct orl_quarantine_row row = {0};
    orl_db_get_text(q, row.id, sizeof(row.id));
    orl_db_get_text(q, row.host, sizeof(row.host));
    orl_db_get_text(q, row.pool, sizeof(row.pool));
    orl_db_get_text(q, row.user, sizeof(row.user));
    orl_db_get_text(q, row.uuid, sizeof(row.uuid));
    orl_db_get_text(q, row.domain, sizeof(row.domain));
    orl_db_get_text(q, row.overlay, sizeof(row.overlay));
    orl_db_get_text(q, row.reason_text, sizeof(row.reason_text));
    row.verdict = verdict_of(orl_db_get_peek(q));
    row.seen_ms = orl_db_get_u64(q);
    rc = orl_db_row_done(q, err);
    if (rc == 0) {
        *ret_row = row;
    }
    return rc;
}

int orl_quarantine_put(struct orl_store *store, const struct orl_quarantine_row *row,
        uint64_t now_ms, struct orl_err *err)
{
    if (!orl_id_is_valid(row->id)) {
        return orl_err_set(err, ORL_E_INVAL, "not a desktop's id: %s", row->id);
    }
    ORL_DB_AUTO q = orl_db_query(store->db,
            "INSERT INTO quarantine (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', $9)"
            " ON CONFLICT (id) DO UPDATE SET host = excluded.host, pool = excluded.pool,"
            " user_name = excluded.user_name, uuid = excluded.uuid, domain = excluded.domain,"
            " overlay = excluded.overlay, reason_text = excluded.reason_text,"
            " seen_ms = excluded.seen_ms");
    orl_db_put_text(&q, row->id);
    orl_db_put_text(&q, row->host);
    orl_db_put_text(&q, row->pool);
    orl_db_put_text(&q, row->user);
    orl_db_put_text(&q, row->uuid);
    orl_db_put_text(&q, row->domain);
    orl_db_put_text(&q, row->overlay);
    orl_db_put_text(&q, row->reason_text);
    orl_db_put_u64(&q, now_ms);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

int orl_quarantine_get(struct orl_store *store, const char *id, struct orl_quarantine_row *ret_row,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT " COLUMNS " FROM quarantine WHERE id = $1");
    orl_db_put_text(&q, id);
    int rc = read_one(&q, ret_row, err);
    return rc == ORL_E_NOTFOUND ? orl_store_no_such("quarantined desktop", id, err) : rc;
}

int orl_quarantine_list(struct orl_store *store, const struct orl_page *page, orl_quarantine_fn fn,
        void *ctx, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_page_query(store->db,
            "SELECT " COLUMNS " FROM quarantine WHERE id > $1 AND"
            " lower(domain) LIKE ('' || $2) ESCAPE '\\'"
            " ORDER BY id LIMIT $3",
            page);
    for (;;) {
        struct orl_quarantine_row row;
        int rc = read_one(&q, &row, err);
        if (rc < 0) {
            return rc == ORL_E_NOTFOUND ? 0 : rc;
        }
        rc = fn(ctx, &row);
        if (rc != 0) {
            return rc;
        }
    }
}

int orl_quarantine_judge(struct orl_store *store, const char *id, enum orl_verdict verdict,
        const char *actor, uint64_t now_ms, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    if (rc < 0) {
        return rc;
    }
    {
        ORL_DB_AUTO q = orl_db_query(store->db, "UPDATE quarantine SET verdict = $1 WHERE id = $2");
        orl_db_put_text(&q, orl_verdict_name(verdict));
        orl_db_put_text(&q, id);
        rc = orl_store_run_one(&q, "quarantined desktop", id, err);
    }
    struct orl_audit_event event = {.actor = actor,
            .action = "desktop.judge",
            .kind = "desktop",
            .object = id,
            .detail = orl_verdict_name(verdict)};
    rc = rc < 0 ? rc : orl_audit_append(store, &event, now_ms, NULL, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

int orl_quarantine_remove(struct orl_store *store, const char *id, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "DELETE FROM quarantine WHERE id = $1");
    orl_db_put_text(&q, id);
    return orl_store_run_one(&q, "quarantined desktop", id, err);
}
