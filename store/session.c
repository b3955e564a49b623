#include "store/session.h"

#include "base/buf.h"
#include "base/ipc_msgs.h"
#include "store/session_priv.h"
#include <stdio.h>
#include <string.h>

enum { RENEW_SQL_MAX = 4096 };

#define GUEST                                                                                      \
    "COALESCE((SELECT d.guest_state FROM desktop d WHERE d.id = session.desktop"                   \
    " AND d.version = session.desktop_version), '')"
#define SELECT "SELECT " ORL_SESSION_COLUMNS ", " GUEST " FROM session "

static const char *const state_names[ORL_SESSION_STATE_COUNT] = {
        NULL, "waiting", "active", "disconnected", "ended"};

const char *orl_session_state_name(enum orl_session_state state)
{
    return state > ORL_SESSION_NONE && state < ORL_SESSION_STATE_COUNT ? state_names[state] : "?";
}

bool orl_session_state_parse(const char *text, enum orl_session_state *ret_state)
{
    for (unsigned i = 1; i < ORL_SESSION_STATE_COUNT; i++) {
        if (strcmp(state_names[i], text) == 0) {
            *ret_state = (enum orl_session_state)i;
            return true;
        }
    }
    return false;
}

static void read_row(struct orl_db_query *q, struct orl_session_row *row)
{
    *row = (struct orl_session_row){0};
    orl_db_get_text(q, row->id, sizeof(row->id));
    orl_db_get_text(q, row->user, sizeof(row->user));
    orl_db_get_text(q, row->pool, sizeof(row->pool));
    orl_db_get_text(q, row->desktop, sizeof(row->desktop));
    row->desktop_version = orl_db_get_u64(q);
    if (!orl_session_state_parse(orl_db_get_peek(q), &row->state)) {
        orl_db_fail(q, "a session is in no known state");
    }
    row->protocol = (enum orl_protocol)orl_db_get_u32(q);
    orl_db_get_text(q, row->client, sizeof(row->client));
    orl_db_get_text(q, row->client_name, sizeof(row->client_name));
    orl_db_get_text(q, row->ticket, sizeof(row->ticket));
    orl_db_get_text(q, row->gateway, sizeof(row->gateway));
    row->conn = orl_db_get_u32(q);
    row->started_ms = orl_db_get_u64(q);
    row->lease_until_ms = orl_db_get_u64(q);
    row->disconnected_ms = orl_db_get_u64(q);
    row->ended_ms = orl_db_get_u64(q);
    row->reason = orl_store_get_reason(q);
    orl_db_get_text(q, row->stats, sizeof(row->stats));
    row->slot = orl_db_get_u32(q);
    orl_db_get_text(q, row->locale, sizeof(row->locale));
    orl_db_get_text(q, row->timezone, sizeof(row->timezone));
    orl_db_get_text(q, row->keyboard, sizeof(row->keyboard));
    row->queue_ms = orl_db_get_u64(q);
    if (!orl_guest_state_parse(orl_db_get_peek(q), &row->guest_state)) {
        orl_db_fail(q, "a session's guest is in no known state");
    }
}

int orl_session_read_one(
        struct orl_db_query *q, struct orl_session_row *ret_row, struct orl_err *err)
{
    int rc = orl_db_step(q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    struct orl_session_row row;
    read_row(q, &row);
    rc = orl_db_row_done(q, err);
    if (rc == 0) {
        *ret_row = row;
    }
    return rc;
}

int orl_session_read_all(struct orl_db_query *q, orl_session_fn fn, void *ctx, struct orl_err *err)
{
    for (;;) {
        struct orl_session_row row;
        int rc = orl_session_read_one(q, &row, err);
        if (rc < 0) {
            return rc == ORL_E_NOTFOUND ? 0 : rc;
        }
        rc = fn(ctx, &row);
        if (rc != 0) {
            return rc;
        }
    }
}

int orl_session_insert(struct orl_store *store, const struct orl_session_row *row,
        uint64_t lease_until_ms, uint64_t now_ms, struct orl_id *ret_id, struct orl_err *err)
{
    struct orl_id id;
    orl_id_new(&id);
    if (row->id[0] != '\0') {
        orl_msg_text(id.text, sizeof(id.text), row->id);
    }
    ORL_DB_AUTO q = orl_db_query(store->db,
            "INSERT INTO session (" ORL_SESSION_COLUMNS ") VALUES ($1, $2, $3, '', 0, 'waiting',"
            " $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, '', '', $12, $13, $14, $15, $16)");
    orl_db_put_text(&q, id.text);
    orl_db_put_text(&q, row->user);
    orl_db_put_text(&q, row->pool);
    orl_db_put_u64(&q, (uint64_t)row->protocol);
    orl_db_put_text(&q, row->client);
    orl_db_put_text(&q, row->client_name);
    orl_db_put_text(&q, row->ticket);
    orl_db_put_text(&q, row->gateway);
    orl_db_put_u64(&q, row->conn);
    orl_db_put_u64(&q, now_ms);
    orl_db_put_u64(&q, lease_until_ms);
    orl_db_put_u64(&q, row->slot > 0 ? row->slot : 1);
    orl_db_put_text(&q, row->locale);
    orl_db_put_text(&q, row->timezone);
    orl_db_put_text(&q, row->keyboard);
    orl_db_put_u64(&q, row->queue_ms > 0 ? row->queue_ms : now_ms);
    int rc = orl_db_run(&q, err);
    if (rc == ORL_E_EXISTS) {
        return orl_err_set(err, rc, "%s has a session in pool %s", row->user, row->pool);
    }
    if (rc < 0) {
        return rc;
    }
    if (ret_id != NULL) {
        *ret_id = id;
    }
    return 0;
}

int orl_session_get(struct orl_store *store, const char *id, struct orl_session_row *ret_row,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, SELECT "WHERE id = $1");
    orl_db_put_text(&q, id);
    int rc = orl_session_read_one(&q, ret_row, err);
    return rc == ORL_E_NOTFOUND ? orl_store_no_such("session", id, err) : rc;
}

int orl_session_find_slot(struct orl_store *store, const char *user, const char *pool,
        uint32_t slot, struct orl_session_row *ret_row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            SELECT "WHERE user_name = $1 AND pool = $2 AND slot = $3 AND state <> 'ended'");
    orl_db_put_text(&q, user);
    orl_db_put_text(&q, pool);
    orl_db_put_u64(&q, slot);
    int rc = orl_session_read_one(&q, ret_row, err);
    return rc == ORL_E_NOTFOUND ? orl_store_no_such("session of", user, err) : rc;
}

int orl_session_find(struct orl_store *store, const char *user, const char *pool,
        struct orl_session_row *ret_row, struct orl_err *err)
{
    return orl_session_find_slot(store, user, pool, 1, ret_row, err);
}

int orl_session_count_of(struct orl_store *store, const char *user, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(
            store->db, "SELECT count(*) FROM session WHERE user_name = $1 AND state <> 'ended'");
    orl_db_put_text(&q, user);
    int rc = orl_db_step(&q, err);
    uint32_t count = rc < 0 ? 0 : orl_db_get_u32(&q);
    rc = rc < 0 ? rc : orl_db_row_done(&q, err);
    return rc < 0 ? rc : (int)count;
}

int orl_session_find_conn(struct orl_store *store, const char *gateway, uint32_t conn,
        struct orl_session_row *ret_row, struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, SELECT "WHERE gateway = $1 AND conn = $2 AND state <> 'ended'");
    orl_db_put_text(&q, gateway);
    orl_db_put_u64(&q, conn);
    int rc = orl_session_read_one(&q, ret_row, err);
    return rc == ORL_E_NOTFOUND ? orl_store_no_such("session on gateway", gateway, err) : rc;
}

/* The parts of a list. Those that live are few whatever number has ended, and have an index of their own; so have a
 * person's and a desktop's. */
#define LISTED                                                                                     \
    "WHERE ($1 = '' OR user_name = $1) AND ($2 = '' OR pool = $2)"                                 \
    " AND ($3 = '' OR gateway = $3) AND ($4 = '' OR desktop = $4) AND ($5 = '' OR state = $5)"     \
    " AND ($6 = '' OR ticket IN (SELECT t.id FROM ticket t WHERE t.binding = $6))"
#define NEWEST                                                                                     \
    " AND (started_ms, id) < ($7, $8) AND (lower(user_name) LIKE ('' || $9) ESCAPE '\\'"           \
    " OR lower(client_name) LIKE ('' || $9) ESCAPE '\\' OR client LIKE ('' || $9) ESCAPE '\\')"    \
    " ORDER BY started_ms DESC, id DESC LIMIT $10"
#define LIVE LISTED " AND state <> 'ended'"

static const char *list_sql(const struct orl_session_filter *f)
{
    if (f->is_live && f->desktop != NULL && f->desktop[0] != '\0') {
        return SELECT LIVE " AND desktop = $4 AND desktop <> ''" NEWEST;
    }
    if (f->user != NULL && f->user[0] != '\0') {
        return f->is_live ? SELECT LIVE " AND user_name = $1" NEWEST
                          : SELECT LISTED " AND user_name = $1" NEWEST;
    }
    return f->is_live ? SELECT LIVE NEWEST : SELECT LISTED NEWEST;
}

int orl_session_list(struct orl_store *store, const struct orl_session_filter *filter,
        orl_session_fn fn, void *ctx, struct orl_err *err)
{
    static const struct orl_session_filter everything;
    const struct orl_session_filter *f = filter != NULL ? filter : &everything;
    struct orl_page_key key;
    int bad = orl_page_key_timed(&f->page, true, 1, &key, err);
    if (bad < 0) {
        return bad;
    }
    ORL_DB_AUTO q = orl_db_query(store->db, list_sql(f));
    orl_db_put_text(&q, f->user);
    orl_db_put_text(&q, f->pool);
    orl_db_put_text(&q, f->gateway);
    orl_db_put_text(&q, f->desktop);
    orl_db_put_text(&q, f->state == ORL_SESSION_NONE ? "" : orl_session_state_name(f->state));
    orl_db_put_text(&q, f->binding);
    orl_db_put_u64(&q, key.number);
    orl_db_put_text(&q, key.part[0]);
    orl_page_put_like(&q, &f->page);
    orl_page_put_max(&q, &f->page);
    return orl_session_read_all(&q, fn, ctx, err);
}

int orl_session_count_waiting(struct orl_store *store, const char *pool, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT count(*) FROM session WHERE state = 'waiting' AND desktop = '' AND pool = $1");
    orl_db_put_text(&q, pool);
    int rc = orl_db_step(&q, err);
    if (rc < 0) {
        return rc;
    }
    uint32_t count = orl_db_get_u32(&q);
    rc = orl_db_row_done(&q, err);
    return rc < 0 ? rc : (int)count;
}

static int ended(const char *id, struct orl_err *err)
{
    return orl_err_set(err, ORL_E_CONFLICT, "session %s is not live, or moved meanwhile", id);
}

int orl_session_attach(struct orl_store *store, const struct orl_session_row *row,
        uint64_t lease_until_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE session SET protocol = $1, client = $2, client_name = $3, ticket = $4,"
            " gateway = $5, conn = $6, lease_until_ms = $7 WHERE id = $8 AND state <> 'ended'");
    orl_db_put_u64(&q, (uint64_t)row->protocol);
    orl_db_put_text(&q, row->client);
    orl_db_put_text(&q, row->client_name);
    orl_db_put_text(&q, row->ticket);
    orl_db_put_text(&q, row->gateway);
    orl_db_put_u64(&q, row->conn);
    orl_db_put_u64(&q, lease_until_ms);
    orl_db_put_text(&q, row->id);
    int rc = orl_db_run(&q, err);
    return rc == 0 ? ended(row->id, err) : rc < 0 ? rc : 0;
}

int orl_session_renew(struct orl_store *store, const char *id, uint64_t lease_until_ms,
        const char *stats, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE session SET lease_until_ms = $1, stats = CASE WHEN $2 = '' THEN stats ELSE $2"
            " END WHERE id = $3 AND (state IN ('waiting', 'active')"
            " OR (state = 'disconnected' AND conn <> 0))");
    orl_db_put_u64(&q, lease_until_ms);
    orl_db_put_text(&q, stats);
    orl_db_put_text(&q, id);
    int rc = orl_db_run(&q, err);
    return rc == 0 ? ended(id, err) : rc < 0 ? rc : 0;
}

static void note_renewed(struct orl_session_renewal *renewals, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(renewals[i].id, id) == 0) {
            renewals[i].is_lost = false;
        }
    }
}

static void put(struct orl_buf *sql, const char *text)
{
    orl_buf_put(sql, text, strlen(text));
}

/* Both stores name the columns of VALUES column1 and column2. */
static void put_renewals(struct orl_buf *sql, size_t count)
{
    char row[32];
    put(sql, "UPDATE session SET lease_until_ms = $1,"
             " stats = CASE WHEN v.column2 = '' THEN stats ELSE v.column2 END FROM (VALUES ");
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(row, sizeof row, "%s($%zu, $%zu)", i ? ", " : "", 2 * i + 2, 2 * i + 3);
        put(sql, row);
    }
    put(sql, ") AS v WHERE id = v.column1 AND (state IN ('waiting', 'active')"
             " OR (state = 'disconnected' AND conn <> 0)) RETURNING id");
    orl_buf_put_u8(sql, 0);
}

int orl_session_renew_all(struct orl_store *store, struct orl_session_renewal *renewals,
        size_t count, uint64_t lease_until_ms, struct orl_err *err)
{
    if (count == 0 || count > ORL_SESSION_RENEWALS_MAX) {
        return count == 0 ? 0 : orl_err_set(err, ORL_E_LIMIT, "%zu leases at once", count);
    }
    ORL_AUTO(orl_buf_fini) struct orl_buf sql;
    orl_buf_init(&sql, RENEW_SQL_MAX);
    put_renewals(&sql, count);
    if (sql.is_failed) {
        return orl_err_set(err, ORL_E_NOMEM, "renewing leases");
    }
    ORL_DB_AUTO q = orl_db_query_once(store->db, (const char *)sql.data);
    orl_db_put_u64(&q, lease_until_ms);
    for (size_t i = 0; i < count; i++) {
        renewals[i].is_lost = true;
        orl_db_put_text(&q, renewals[i].id);
        orl_db_put_text(&q, renewals[i].stats);
    }
    int rc;
    while ((rc = orl_db_step(&q, err)) > 0) {
        note_renewed(renewals, count, orl_db_get_peek(&q));
        rc = orl_db_row_done(&q, err);
        if (rc < 0) {
            return rc;
        }
    }
    return rc;
}

int orl_session_prune(
        struct orl_store *store, uint64_t before_ms, unsigned max_count, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE state = 'ended'"
            " AND ended_ms < $1 LIMIT $2)");
    orl_db_put_u64(&q, before_ms);
    orl_db_put_u64(&q, max_count);
    return orl_db_run(&q, err);
}
