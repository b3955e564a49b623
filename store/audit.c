#include "store/audit.h"

#include "store/store_priv.h"
#include <stdio.h>
#include <string.h>

#define MS_PER_MINUTE 60000
#define LIST_DEFAULT 100
#define LIST_MAX 1000

struct flood {
    char prefix[ORL_ADDR_MAX + 1]; /* empty: never counted */
    uint64_t minute;
};

static int count_rows(struct orl_store *store, const struct flood *flood, enum orl_reason reason,
        uint32_t *ret_count, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT count(*) FROM audit WHERE flood_minute = $1 AND flood_prefix = $2"
            " AND flood_prefix <> '' AND reason = $3 AND is_counter = 0");
    orl_db_put_u64(&q, flood->minute);
    orl_db_put_text(&q, flood->prefix);
    orl_store_put_reason(&q, reason);
    int rc = orl_db_step(&q, err);
    if (rc < 0) {
        return rc;
    }
    *ret_count = orl_db_get_u32(&q);
    return orl_db_row_done(&q, err);
}

static void put_cut(struct orl_db_query *q, const char *text, size_t max_len)
{
    char cut[ORL_STORE_PATH_MAX + 1];
    orl_assert(max_len < sizeof(cut));
    orl_msg_text(cut, max_len + 1, text != NULL ? text : "");
    orl_db_put_text(q, cut);
}

static void put_object(struct orl_db_query *q, const struct orl_audit_event *event)
{
    char object[ORL_USER_MAX + 1];
    if (event->kind == NULL || event->object == NULL) {
        put_cut(q, event->object, ORL_USER_MAX);
        return;
    }
    (void)snprintf(
            object, sizeof(object), "%.32s:%.*s", event->kind, ORL_USER_MAX - 33, event->object);
    orl_db_put_text(q, object);
}

static int write_row(struct orl_store *store, const struct orl_audit_event *event,
        const struct flood *flood, uint64_t now_ms, struct orl_id *ret_id, struct orl_err *err)
{
    struct orl_id id;
    orl_id_new(&id);
    ORL_DB_AUTO q = orl_db_query(store->db,
            "INSERT INTO audit (id, time_ms, actor, action, reason, object, user_name, client,"
            " detail, event_count, flood_prefix, flood_minute, is_counter)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $11, 0)");
    orl_db_put_text(&q, id.text);
    orl_db_put_u64(&q, now_ms);
    put_cut(&q, event->actor, ORL_USER_MAX);
    put_cut(&q, event->action, ORL_STORE_CODE_MAX);
    orl_store_put_reason(&q, event->reason);
    put_object(&q, event);
    put_cut(&q, event->user, ORL_USER_MAX);
    put_cut(&q, event->client, ORL_ADDR_MAX);
    put_cut(&q, event->detail, ORL_STORE_PATH_MAX);
    orl_db_put_text(&q, flood->prefix);
    orl_db_put_u64(&q, flood->minute);
    int rc = orl_db_run(&q, err);
    if (rc < 0) {
        return rc;
    }
    *ret_id = id;
    return 0;
}

/* The counter is made at its first event and increased by the others. */
static int count_event(struct orl_store *store, const struct orl_audit_event *event,
        const struct flood *flood, uint64_t now_ms, struct orl_id *ret_id, struct orl_err *err)
{
    struct orl_id id;
    orl_id_new(&id);
    ORL_DB_AUTO q = orl_db_query(store->db,
            "INSERT INTO audit (id, time_ms, actor, action, reason, object, user_name, client,"
            " detail, event_count, flood_prefix, flood_minute, is_counter)"
            " VALUES ($1, $2, $3, $4, $5, '', '', $6, 'more of the same', 1, $6, $7, 1)"
            " ON CONFLICT (flood_minute, flood_prefix, reason) WHERE is_counter = 1"
            " DO UPDATE SET event_count = audit.event_count + 1 RETURNING id");
    orl_db_put_text(&q, id.text);
    orl_db_put_u64(&q, now_ms);
    put_cut(&q, event->actor, ORL_USER_MAX);
    put_cut(&q, event->action, ORL_STORE_CODE_MAX);
    orl_store_put_reason(&q, event->reason);
    orl_db_put_text(&q, flood->prefix);
    orl_db_put_u64(&q, flood->minute);
    int rc = orl_db_step(&q, err);
    if (rc < 0) {
        return rc;
    }
    orl_db_get_text(&q, ret_id->text, sizeof(ret_id->text));
    rc = orl_db_step(&q, err);
    return rc < 0 ? rc : orl_db_row_done(&q, err);
}

int orl_audit_append(struct orl_store *store, const struct orl_audit_event *event, uint64_t now_ms,
        struct orl_id *ret_id, struct orl_err *err)
{
    struct flood flood = {.minute = now_ms / MS_PER_MINUTE};
    if (event->reason != ORL_REASON_NONE && event->client != NULL) {
        orl_audit_prefix(event->client, flood.prefix);
    }
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    uint32_t rows = 0;
    struct orl_id id;
    int rc = orl_store_tx_begin(store, &tx, err);
    if (rc == 0 && flood.prefix[0] != '\0') {
        rc = count_rows(store, &flood, event->reason, &rows, err);
    }
    if (rc == 0) {
        rc = rows < ORL_AUDIT_ROWS_PER_MINUTE ? write_row(store, event, &flood, now_ms, &id, err)
                                              : count_event(store, event, &flood, now_ms, &id, err);
    }
    rc = rc < 0 ? rc : orl_store_tx_commit(&tx, err);
    if (rc == 0) {
        store->last_audit = id;
    }
    if (rc == 0 && ret_id != NULL) {
        *ret_id = id;
    }
    return rc;
}

const char *orl_audit_last_id(const struct orl_store *store)
{
    return store->last_audit.text;
}

#define SELECT                                                                                     \
    "SELECT seq, id, time_ms, actor, action, reason, object, user_name, client, detail,"           \
    " event_count FROM audit "

static int read_one(struct orl_db_query *q, struct orl_audit_row *ret_row, struct orl_err *err)
{
    int rc = orl_db_step(q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    struct orl_audit_row row = {.seq = orl_db_get_u64(q)};
    orl_db_get_text(q, row.id, sizeof(row.id));
    row.time_ms = orl_db_get_u64(q);
    orl_db_get_text(q, row.actor, sizeof(row.actor));
    orl_db_get_text(q, row.action, sizeof(row.action));
    row.reason = orl_store_get_reason(q);
    orl_db_get_text(q, row.object, sizeof(row.object));
    orl_db_get_text(q, row.user, sizeof(row.user));
    orl_db_get_text(q, row.client, sizeof(row.client));
    orl_db_get_text(q, row.detail, sizeof(row.detail));
    row.count = orl_db_get_u64(q);
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

int orl_audit_misses(
        struct orl_store *store, const char *object, uint64_t time_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT count(*), (SELECT count(*) FROM audit WHERE time_ms = $1 AND object = $2)"
            " FROM (SELECT 1 FROM audit WHERE time_ms < $1 LIMIT 1) AS older");
    orl_db_put_u64(&q, time_ms);
    orl_db_put_text(&q, object);
    int rc = orl_db_step(&q, err);
    if (rc < 1) {
        return rc;
    }
    bool goes_back = orl_db_get_u64(&q) > 0;
    bool has_it = orl_db_get_u64(&q) > 0;
    rc = orl_db_row_done(&q, err);
    return rc < 0 ? rc : goes_back && !has_it;
}

int orl_audit_prune(
        struct orl_store *store, uint64_t before_ms, unsigned max_count, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "DELETE FROM audit WHERE seq IN (SELECT seq FROM audit WHERE time_ms < $1"
            " ORDER BY time_ms LIMIT $2)");
    orl_db_put_u64(&q, before_ms);
    orl_db_put_u64(&q, max_count);
    return orl_db_run(&q, err);
}
