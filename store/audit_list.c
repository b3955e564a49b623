/* Rows of the audit for those who read them. */
#include "store/audit.h"

#include "base/utf8.h"
#include "store/store_priv.h"

#define LIST_DEFAULT 100
#define LIST_MAX 1000

#define SELECT                                                                                     \
    "SELECT seq, id, time_ms, actor, action, reason, object, user_name, client, detail,"           \
    " event_count, chain FROM audit "

/* Rows of before texts were cleaned must not keep others from being read. */
static void get_text(struct orl_db_query *q, char *ret_text, size_t size)
{
    orl_db_get_text(q, ret_text, size);
    orl_utf8_clean(ret_text);
}

static int read_one(struct orl_db_query *q, struct orl_audit_row *ret_row, struct orl_err *err)
{
    int rc = orl_db_step(q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    struct orl_audit_row row = {.seq = orl_db_get_u64(q)};
    orl_db_get_text(q, row.id, sizeof(row.id));
    row.time_ms = orl_db_get_u64(q);
    get_text(q, row.actor, sizeof(row.actor));
    get_text(q, row.action, sizeof(row.action));
    row.reason = orl_store_get_reason(q);
    get_text(q, row.object, sizeof(row.object));
    get_text(q, row.user, sizeof(row.user));
    get_text(q, row.client, sizeof(row.client));
    get_text(q, row.detail, sizeof(row.detail));
    row.count = orl_db_get_u64(q);
    orl_db_get_text(q, row.chain, sizeof(row.chain));
    rc = orl_db_row_done(q, err);
    if (rc == 0) {
        *ret_row = row;
    }
    return rc;
}

int orl_audit_get(
        struct orl_store *store, const char *id, struct orl_audit_row *ret_row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, SELECT "WHERE id = $1");
    orl_db_put_text(&q, id);
    int rc = read_one(&q, ret_row, err);
    return rc == ORL_E_NOTFOUND ? orl_store_no_such("audit row", id, err) : rc;
}

static void put_filter(struct orl_db_query *q, const struct orl_audit_filter *filter)
{
    orl_db_put_u64(q, filter->since_ms);
    orl_db_put_u64(q, filter->until_ms);
    orl_db_put_u64(q, filter->before_seq);
    orl_store_put_reason(q, filter->reason);
    orl_db_put_bool(q, filter->is_refusal);
    orl_db_put_text(q, filter->user);
    orl_db_put_text(q, filter->action);
    orl_db_put_text(q, filter->object);
    unsigned max = filter->max_count == 0 ? LIST_DEFAULT : filter->max_count;
    orl_db_put_u64(q, max > LIST_MAX ? LIST_MAX : max);
}

int orl_audit_list(struct orl_store *store, const struct orl_audit_filter *filter, orl_audit_fn fn,
        void *ctx, struct orl_err *err)
{
    static const struct orl_audit_filter everything;
    ORL_DB_AUTO q = orl_db_query(store->db,
            SELECT "WHERE time_ms >= $1 AND ($2 = 0 OR time_ms < $2) AND ($3 = 0 OR seq < $3)"
                   " AND ($4 = '' OR reason = $4) AND ($5 = 0 OR reason <> '')"
                   " AND ($6 = '' OR user_name = $6) AND ($7 = '' OR action = $7)"
                   " AND ($8 = '' OR object = $8) ORDER BY seq DESC LIMIT $9");
    put_filter(&q, filter != NULL ? filter : &everything);
    for (;;) {
        struct orl_audit_row row;
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
