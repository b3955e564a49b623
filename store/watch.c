#include "store/watch.h"

#include "base/cleanup.h"
#include "store/audit.h"
#include "store/store_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS                                                                                    \
    "id, session, user_name, pool, watcher, mode, why, state, reason, created_ms, answered_ms,"    \
    " begun_ms, ended_ms"
#define SELECT "SELECT " COLUMNS " FROM watch "
#define OPEN "state IN ('asked', 'granted', 'active')"

static const char *const state_names[ORL_WATCH_STATE_COUNT] = {
        NULL, "asked", "granted", "refused", "active", "ended"};

const char *orl_watch_state_name(enum orl_watch_state state)
{
    return state > ORL_WATCH_NONE && state < ORL_WATCH_STATE_COUNT ? state_names[state] : "?";
}

static enum orl_watch_state parse_state(const char *text)
{
    unsigned state = ORL_WATCH_STATE_COUNT - 1;
    while (state > ORL_WATCH_NONE && strcmp(state_names[state], text) != 0) {
        state--;
    }
    return (enum orl_watch_state)state;
}

/* ORL_E_NOTFOUND: no more rows. */
static int read_one(struct orl_db_query *q, struct orl_watch_row *ret_row, struct orl_err *err)
{
    int rc = orl_db_step(q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    struct orl_watch_row row = {0};
    char mode[16];
    orl_db_get_text(q, row.id, sizeof(row.id));
    orl_db_get_text(q, row.session, sizeof(row.session));
    orl_db_get_text(q, row.user, sizeof(row.user));
    orl_db_get_text(q, row.pool, sizeof(row.pool));
    orl_db_get_text(q, row.watcher, sizeof(row.watcher));
    orl_db_get_text(q, mode, sizeof(mode));
    row.is_break_glass = strcmp(mode, "break_glass") == 0;
    orl_db_get_text(q, row.why, sizeof(row.why));
    row.state = parse_state(orl_db_get_peek(q));
    if (row.state == ORL_WATCH_NONE) {
        orl_db_fail(q, "a watch is in no known state");
    }
    row.reason = orl_store_get_reason(q);
    row.created_ms = orl_db_get_u64(q);
    row.answered_ms = orl_db_get_u64(q);
    row.begun_ms = orl_db_get_u64(q);
    row.ended_ms = orl_db_get_u64(q);
    rc = orl_db_row_done(q, err);
    if (rc == 0) {
        *ret_row = row;
    }
    return rc;
}

static int audit(struct orl_store *store, const char *action, const struct orl_watch_row *row,
        const struct orl_watch_by *by, uint64_t now_ms, struct orl_err *err)
{
    char detail[ORL_USER_MAX + ORL_WATCH_WHY_MAX + ORL_ID_LEN + 16];
    (void)snprintf(detail, sizeof(detail), "watch %s by %s: %s", row->id, row->watcher, row->why);
    const struct orl_audit_event event = {.actor = by->actor,
            .action = action,
            .reason = row->reason,
            .kind = "session",
            .object = row->session,
            .user = row->user,
            .client = by->client,
            .detail = detail};
    return orl_audit_append(store, &event, now_ms, NULL, err);
}

static int insert(struct orl_store *store, const struct orl_watch_row *row, struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, "INSERT INTO watch (" COLUMNS
                                    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', $9, $10, 0, 0)");
    orl_db_put_text(&q, row->id);
    orl_db_put_text(&q, row->session);
    orl_db_put_text(&q, row->user);
    orl_db_put_text(&q, row->pool);
    orl_db_put_text(&q, row->watcher);
    orl_db_put_text(&q, row->is_break_glass ? "break_glass" : "consent");
    orl_db_put_text(&q, row->why);
    orl_db_put_text(&q, orl_watch_state_name(row->state));
    orl_db_put_u64(&q, row->created_ms);
    orl_db_put_u64(&q, row->answered_ms);
    int rc = orl_db_run(&q, err);
    if (rc == ORL_E_EXISTS) {
        return orl_err_set(err, rc, "%s looks at this desktop, or has asked to", row->watcher);
    }
    return rc < 0 ? rc : 0;
}

int orl_watch_add(struct orl_store *store, struct orl_watch_row *row, const struct orl_watch_by *by,
        uint64_t now_ms, struct orl_err *err)
{
    struct orl_watch_row added = *row;
    struct orl_id id;
    orl_id_new(&id);
    memcpy(added.id, id.text, sizeof(added.id));
    added.state = row->is_break_glass ? ORL_WATCH_GRANTED : ORL_WATCH_ASKED;
    added.reason = ORL_REASON_NONE;
    added.created_ms = now_ms;
    added.answered_ms = row->is_break_glass ? now_ms : 0;
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : insert(store, &added, err);
    rc = rc < 0 ? rc
                : audit(store, row->is_break_glass ? "watch.break_glass" : "watch.ask", &added, by,
                          now_ms, err);
    rc = rc < 0 ? rc : orl_store_tx_commit(&tx, err);
    if (rc == 0) {
        *row = added;
    }
    return rc;
}

static const struct step {
    const char *sql;
    const char *action;
} steps[ORL_WATCH_STATE_COUNT] = {
        [ORL_WATCH_GRANTED] = {"UPDATE watch SET state = 'granted', reason = $1, answered_ms = $2"
                               " WHERE id = $3 AND state = 'asked'",
                "watch.grant"},
        [ORL_WATCH_REFUSED] = {"UPDATE watch SET state = 'refused', reason = $1, answered_ms = $2,"
                               " ended_ms = $2 WHERE id = $3 AND state = 'asked'",
                "watch.refuse"},
        [ORL_WATCH_ACTIVE] = {"UPDATE watch SET state = 'active', reason = $1, begun_ms = $2"
                              " WHERE id = $3 AND state = 'granted'",
                "watch.begin"},
        [ORL_WATCH_ENDED] = {"UPDATE watch SET state = 'ended', reason = $1, ended_ms = $2"
                             " WHERE id = $3 AND state IN ('granted', 'active')",
                "watch.end"},
};

static int update(struct orl_store *store, const char *sql, const char *id, enum orl_reason reason,
        uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, sql);
    orl_store_put_reason(&q, reason);
    orl_db_put_u64(&q, now_ms);
    orl_db_put_text(&q, id);
    return orl_db_run(&q, err);
}

int orl_watch_move(struct orl_store *store, const char *id, enum orl_watch_state to,
        enum orl_reason reason, const struct orl_watch_by *by, uint64_t now_ms, struct orl_err *err)
{
    const struct step *step = &steps[to];
    struct orl_watch_row row;
    if (step->sql == NULL) {
        return orl_err_set(err, ORL_E_INVAL, "nothing becomes %s", orl_watch_state_name(to));
    }
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    int moved = rc < 0 ? rc : update(store, step->sql, id, reason, now_ms, err);
    rc = moved < 0 ? moved : orl_watch_get(store, id, &row, err);
    if (rc == 0 && moved == 0) {
        return orl_err_set(
                err, ORL_E_CONFLICT, "this watch is %s", orl_watch_state_name(row.state));
    }
    rc = rc < 0 ? rc : audit(store, step->action, &row, by, now_ms, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

struct open_rows {
    struct {
        char id[ORL_ID_LEN + 1];
        enum orl_watch_state state;
    } list[64];
    unsigned count;
};

static int add_open(void *ctx, const struct orl_watch_row *row)
{
    struct open_rows *rows = ctx;
    memcpy(rows->list[rows->count].id, row->id, sizeof(row->id));
    rows->list[rows->count++].state = row->state;
    return rows->count == sizeof(rows->list) / sizeof(rows->list[0]) ? 1 : 0;
}

int orl_watch_close_open(struct orl_store *store, enum orl_reason reason,
        const struct orl_watch_by *by, uint64_t now_ms, struct orl_err *err)
{
    const struct orl_watch_filter filter = {.is_open = true};
    int closed = 0;
    for (;;) {
        struct open_rows rows = {.count = 0};
        int rc = orl_watch_list(store, &filter, add_open, &rows, err);
        for (unsigned i = 0; rc >= 0 && i < rows.count; i++) {
            enum orl_watch_state to =
                    rows.list[i].state == ORL_WATCH_ASKED ? ORL_WATCH_REFUSED : ORL_WATCH_ENDED;
            rc = orl_watch_move(store, rows.list[i].id, to, reason, by, now_ms, err);
            closed += rc == 0 ? 1 : 0;
        }
        if (rc < 0 || rows.count == 0) {
            return rc < 0 ? rc : closed;
        }
    }
}

int orl_watch_get(
        struct orl_store *store, const char *id, struct orl_watch_row *ret_row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, SELECT "WHERE id = $1");
    orl_db_put_text(&q, id);
    int rc = read_one(&q, ret_row, err);
    return rc == ORL_E_NOTFOUND ? orl_store_no_such("watch", id, err) : rc;
}

int orl_watch_list(struct orl_store *store, const struct orl_watch_filter *filter, orl_watch_fn fn,
        void *ctx, struct orl_err *err)
{
    const struct orl_page *page = &filter->page;
    struct orl_page_key key;
    int bad = orl_page_key_timed(page, true, 1, &key, err);
    if (bad < 0) {
        return bad;
    }
    ORL_DB_AUTO q = orl_db_query(store->db,
            SELECT "WHERE ($1 = '' OR session = $1) AND ($2 = '' OR watcher = $2 OR user_name = $2)"
                   " AND ($3 = 0 OR " OPEN ") AND (created_ms, id) < ($4, $5)"
                   " AND (lower(watcher) LIKE ('' || $6) ESCAPE '\\'"
                   " OR lower(user_name) LIKE ('' || $6) ESCAPE '\\')"
                   " ORDER BY created_ms DESC, id DESC LIMIT $7");
    orl_db_put_text(&q, filter->session);
    orl_db_put_text(&q, page->user);
    orl_db_put_u64(&q, filter->is_open);
    orl_db_put_u64(&q, key.number);
    orl_db_put_text(&q, key.part[0]);
    orl_page_put_like(&q, page);
    orl_page_put_max(&q, page);
    for (;;) {
        struct orl_watch_row row;
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

int orl_watch_prune(struct orl_store *store, uint64_t before_ms, struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, "DELETE FROM watch WHERE ended_ms > 0 AND ended_ms < $1");
    orl_db_put_u64(&q, before_ms);
    return orl_db_run(&q, err);
}
