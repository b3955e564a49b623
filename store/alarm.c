#include "store/alarm.h"

#include "store/audit.h"
#include "store/store_priv.h"

/* What is raised every few seconds is written once a minute. */
enum { REFRESH_MS = 60000 };

static int audit(struct orl_store *store, const char *action, enum orl_reason reason,
        const char *object, const char *text, uint64_t now_ms, struct orl_err *err)
{
    const struct orl_audit_event event = {
            .actor = "oriel", .action = action, .reason = reason, .object = object, .detail = text};
    return orl_audit_append(store, &event, now_ms, NULL, err);
}

static int find(struct orl_store *store, const char *code, const char *object,
        uint64_t *ret_seen_ms, struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, "SELECT seen_ms FROM alarm WHERE reason = $1 AND object = $2");
    orl_db_put_text(&q, code);
    orl_db_put_text(&q, object);
    int rc = orl_db_step(&q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    *ret_seen_ms = orl_db_get_u64(&q);
    return orl_db_row_done(&q, err);
}

static int write_row(struct orl_store *store, const char *code, const char *object,
        const char *text, uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "INSERT INTO alarm (reason, object, text, since_ms, seen_ms, event_count)"
            " VALUES ($1, $2, $3, $4, $4, 1) ON CONFLICT (reason, object) DO UPDATE SET"
            " text = excluded.text, seen_ms = excluded.seen_ms,"
            " event_count = alarm.event_count + 1");
    orl_db_put_text(&q, code);
    orl_db_put_text(&q, object);
    orl_db_put_text(&q, text);
    orl_db_put_u64(&q, now_ms);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

int orl_alarm_raise(struct orl_store *store, enum orl_reason reason, const char *object,
        const char *text, uint64_t now_ms, struct orl_err *err)
{
    char name[ORL_TEXT_MAX + 1];
    char cut[ORL_TEXT_MAX + 1];
    const char *code = orl_reason_code(reason);
    uint64_t seen_ms = 0;
    orl_msg_text(name, sizeof(name), object);
    orl_msg_text(cut, sizeof(cut), text != NULL ? text : "");
    int found = find(store, code, name, &seen_ms, err);
    if (found < 0 && found != ORL_E_NOTFOUND) {
        return found;
    }
    /* A clock that was set back must not silence it. */
    if (found == 0 && now_ms >= seen_ms && now_ms < seen_ms + REFRESH_MS) {
        return 0;
    }
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : write_row(store, code, name, cut, now_ms, err);
    if (rc == 0 && found == ORL_E_NOTFOUND) {
        rc = audit(store, "alarm.raise", reason, name, cut, now_ms, err);
    }
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

int orl_alarm_clear(struct orl_store *store, enum orl_reason reason, const char *object,
        uint64_t now_ms, struct orl_err *err)
{
    char name[ORL_TEXT_MAX + 1];
    orl_msg_text(name, sizeof(name), object);
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    if (rc < 0) {
        return rc;
    }
    {
        ORL_DB_AUTO q = orl_db_query(
                store->db, "DELETE FROM alarm WHERE object = $1 AND (reason = $2 OR $2 = '')");
        orl_db_put_text(&q, name);
        orl_store_put_reason(&q, reason);
        rc = orl_db_run(&q, err);
    }
    if (rc > 0) {
        rc = audit(store, "alarm.clear", reason, name, NULL, now_ms, err);
    }
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

static int read_one(struct orl_db_query *q, struct orl_alarm_row *ret_row, struct orl_err *err)
{
    int rc = orl_db_step(q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    ret_row->reason = orl_store_get_reason(q);
    orl_db_get_text(q, ret_row->object, sizeof(ret_row->object));
    orl_db_get_text(q, ret_row->text, sizeof(ret_row->text));
    ret_row->since_ms = orl_db_get_u64(q);
    ret_row->seen_ms = orl_db_get_u64(q);
    ret_row->count = orl_db_get_u64(q);
    return orl_db_row_done(q, err);
}

int orl_alarm_list(struct orl_store *store, const struct orl_page *page, orl_alarm_fn fn, void *ctx,
        struct orl_err *err)
{
    struct orl_page_key key;
    int bad = orl_page_key_timed(page, false, 2, &key, err);
    if (bad < 0) {
        return bad;
    }
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT reason, object, text, since_ms, seen_ms, event_count FROM alarm"
            " WHERE (since_ms, reason, object) > ($1, $2, $3)"
            " AND lower(object) LIKE ('' || $4) ESCAPE '\\' ORDER BY since_ms, reason, object "
            "LIMIT $5");
    orl_db_put_u64(&q, key.number);
    orl_db_put_text(&q, key.part[0]);
    orl_db_put_text(&q, key.part[1]);
    orl_page_put_like(&q, page);
    orl_page_put_max(&q, page);
    for (;;) {
        struct orl_alarm_row row = {0};
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
