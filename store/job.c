#include "store/job.h"

#include "store/audit.h"
#include "store/store_priv.h"
#include <string.h>

#define COLUMNS                                                                                    \
    "id, kind, object, host, actor, parameters, state, is_cancel_wanted, is_seal_wanted, "         \
    "progress_percent,"                                                                            \
    " progress_text, result, reason, reason_text, created_ms, changed_ms"

static const char *const state_names[ORL_JOB_STATE_COUNT] = {
        NULL, "waiting", "queued", "running", "done", "failed", "cancelled"};

const char *orl_job_state_name(enum orl_job_state state)
{
    return state > ORL_JOB_UNKNOWN && state < ORL_JOB_STATE_COUNT ? state_names[state] : "?";
}

bool orl_job_state_parse(const char *text, enum orl_job_state *ret_state)
{
    for (unsigned i = 1; i < ORL_JOB_STATE_COUNT; i++) {
        if (strcmp(state_names[i], text) == 0) {
            *ret_state = (enum orl_job_state)i;
            return true;
        }
    }
    return false;
}

static int audit(struct orl_store *store, const char *action, const char *actor,
        const struct orl_job_row *row, uint64_t now_ms, struct orl_err *err)
{
    const struct orl_audit_event event = {.actor = actor,
            .action = action,
            .reason = row->reason,
            .kind = "job",
            .object = row->id,
            .detail = row->kind};
    return orl_audit_append(store, &event, now_ms, NULL, err);
}

static int check_room(struct orl_store *store, const char *host, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT COUNT(*) FROM job WHERE host = $1 AND state IN "
                                            "('waiting', 'queued', 'running')");
    orl_db_put_text(&q, host);
    int rc = orl_db_step(&q, err);
    uint64_t count = rc == 1 ? orl_db_get_u64(&q) : 0;
    rc = rc < 0 ? rc : orl_db_row_done(&q, err);
    return rc == 0 && count >= ORL_JOBS_QUEUED_MAX
                   ? orl_err_set(err, ORL_E_LIMIT, "%u jobs are waiting already",
                             (unsigned)ORL_JOBS_QUEUED_MAX)
                   : rc;
}

static int insert(struct orl_store *store, const struct orl_job_row *row, uint64_t now_ms,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "INSERT INTO job (id, kind, object, host, actor, parameters, state, created_ms,"
            " changed_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)");
    orl_db_put_text(&q, row->id);
    orl_db_put_text(&q, row->kind);
    orl_db_put_text(&q, row->object);
    orl_db_put_text(&q, row->host);
    orl_db_put_text(&q, row->actor);
    orl_db_put_text(&q, row->parameters);
    orl_db_put_text(&q,
            orl_job_state_name(row->state == ORL_JOB_WAITING ? ORL_JOB_WAITING : ORL_JOB_QUEUED));
    orl_db_put_u64(&q, now_ms);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

int orl_job_add(struct orl_store *store, const struct orl_job_row *row, uint64_t now_ms,
        struct orl_id *ret_id, struct orl_err *err)
{
    struct orl_job_row added = *row;
    struct orl_id id;
    orl_id_new(&id);
    memcpy(added.id, id.text, sizeof(added.id));
    added.reason = ORL_REASON_NONE;
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : check_room(store, row->host, err);
    rc = rc < 0 ? rc : insert(store, &added, now_ms, err);
    rc = rc < 0 ? rc : audit(store, "job.add", row->actor, &added, now_ms, err);
    rc = rc < 0 ? rc : orl_store_tx_commit(&tx, err);
    if (rc == 0) {
        *ret_id = id;
    }
    return rc;
}

/* ORL_E_NOTFOUND: no more rows. */
static int read_row(struct orl_db_query *q, struct orl_job_row *ret_row, struct orl_err *err)
{
    int rc = orl_db_step(q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    struct orl_job_row *row = ret_row;
    orl_db_get_text(q, row->id, sizeof(row->id));
    orl_db_get_text(q, row->kind, sizeof(row->kind));
    orl_db_get_text(q, row->object, sizeof(row->object));
    orl_db_get_text(q, row->host, sizeof(row->host));
    orl_db_get_text(q, row->actor, sizeof(row->actor));
    orl_db_get_text(q, row->parameters, sizeof(row->parameters));
    if (!orl_job_state_parse(orl_db_get_peek(q), &row->state)) {
        orl_db_fail(q, "a job is in no known state");
    }
    row->is_cancel_wanted = orl_db_get_bool(q);
    row->is_seal_wanted = orl_db_get_bool(q);
    row->percent = orl_db_get_u32(q);
    orl_db_get_text(q, row->progress, sizeof(row->progress));
    orl_db_get_text(q, row->result, sizeof(row->result));
    row->reason = orl_store_get_reason(q);
    orl_db_get_text(q, row->reason_text, sizeof(row->reason_text));
    row->created_ms = orl_db_get_u64(q);
    row->changed_ms = orl_db_get_u64(q);
    return orl_db_row_done(q, err);
}

int orl_job_get(
        struct orl_store *store, const char *id, struct orl_job_row *ret_row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT " COLUMNS " FROM job WHERE id = $1");
    orl_db_put_text(&q, id);
    int rc = read_row(&q, ret_row, err);
    return rc == ORL_E_NOTFOUND ? orl_store_no_such("job", id, err) : rc;
}

int orl_job_list(struct orl_store *store, const struct orl_job_filter *filter, orl_job_row_fn fn,
        void *ctx, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT " COLUMNS " FROM job WHERE ($1 = '' OR kind = $1) AND ($2 = '' OR object = $2)"
            " AND ($3 = 0 OR state IN ('waiting', 'queued', 'running'))"
            " AND ($4 = '' OR (created_ms, id) < (SELECT a.created_ms, a.id FROM job a"
            " WHERE a.id = $4)) ORDER BY created_ms DESC, id DESC LIMIT $5");
    orl_db_put_text(&q, filter->kind);
    orl_db_put_text(&q, filter->object);
    orl_db_put_u64(&q, filter->is_live);
    orl_db_put_text(&q, filter->after);
    orl_db_put_u64(&q, filter->max_count);
    for (;;) {
        struct orl_job_row row;
        int rc = read_row(&q, &row, err);
        if (rc < 0) {
            return rc == ORL_E_NOTFOUND ? 0 : rc;
        }
        rc = fn(ctx, &row);
        if (rc != 0) {
            return rc;
        }
    }
}

int orl_job_take(struct orl_store *store, const char *host, const char *kind, uint64_t now_ms,
        struct orl_job_row *ret_row, struct orl_err *err)
{
    /* Of two that choose the same, the second changes nothing, and looks again. */
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE job SET state = 'running', host = $1, changed_ms = $2 WHERE state = 'queued'"
            " AND id = (SELECT j.id FROM job j WHERE j.state = 'queued' AND j.host IN ('', $1)"
            " AND j.kind = $3 ORDER BY j.created_ms, j.id LIMIT 1) RETURNING " COLUMNS);
    orl_db_put_text(&q, host);
    orl_db_put_u64(&q, now_ms);
    orl_db_put_text(&q, kind);
    return read_row(&q, ret_row, err);
}

int orl_job_take_waiting(struct orl_store *store, const char *id, const char *host, uint64_t now_ms,
        struct orl_job_row *ret_row, struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, "UPDATE job SET state = 'running', host = $1, changed_ms = $2"
                                    " WHERE id = $3 AND state = 'waiting' RETURNING " COLUMNS);
    orl_db_put_text(&q, host);
    orl_db_put_u64(&q, now_ms);
    orl_db_put_text(&q, id);
    return read_row(&q, ret_row, err);
}

int orl_job_progress(struct orl_store *store, const struct orl_job_row *row, uint32_t percent,
        const char *text, uint64_t now_ms, struct orl_job_wish *ret_wish, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE job SET progress_percent = $1, progress_text = $2, changed_ms = $3"
            " WHERE id = $4 AND host = $5 AND state = 'running' RETURNING is_cancel_wanted, "
            "is_seal_wanted");
    orl_db_put_u64(&q, percent);
    orl_db_put_text(&q, text);
    orl_db_put_u64(&q, now_ms);
    orl_db_put_text(&q, row->id);
    orl_db_put_text(&q, row->host);
    int rc = orl_db_step(&q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : orl_err_set(err, ORL_E_CONFLICT, "the job is not this host's");
    }
    ret_wish->is_cancel = orl_db_get_bool(&q);
    ret_wish->is_seal = orl_db_get_bool(&q);
    return orl_db_row_done(&q, err);
}

static int write_end(struct orl_store *store, const struct orl_job_row *row, uint64_t now_ms,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE job SET state = $1, result = $2, reason = $3, reason_text = $4,"
            " changed_ms = $5, progress_percent = CASE WHEN $1 = 'done' THEN 100"
            " ELSE progress_percent END WHERE id = $6 AND host = $7 AND state = 'running'");
    orl_db_put_text(&q, orl_job_state_name(row->state));
    orl_db_put_text(&q, row->result);
    orl_store_put_reason(&q, row->reason);
    orl_db_put_text(&q, row->reason_text);
    orl_db_put_u64(&q, now_ms);
    orl_db_put_text(&q, row->id);
    orl_db_put_text(&q, row->host);
    int rc = orl_db_run(&q, err);
    return rc == 0 ? orl_err_set(err, ORL_E_CONFLICT, "the job is not this host's") : rc;
}

int orl_job_end(struct orl_store *store, const struct orl_job_row *row, uint64_t now_ms,
        struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : write_end(store, row, now_ms, err);
    rc = rc < 0 ? rc : audit(store, "job.end", "vmpool", row, now_ms, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

/* What somebody wants of a job: its row says so, and who does it looks there. */
struct wish {
    const char *sql; /* $1: number, $2: the job */
    uint64_t number;
    const char *action;
    const char *refusal; /* it changed no row */
};

static int make_wish(struct orl_store *store, const char *id, const struct wish *wish,
        const char *actor, uint64_t now_ms, struct orl_err *err)
{
    struct orl_job_row row;
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : orl_job_get(store, id, &row, err);
    if (rc < 0) {
        return rc;
    }
    {
        ORL_DB_AUTO q = orl_db_query(store->db, wish->sql);
        orl_db_put_u64(&q, wish->number);
        orl_db_put_text(&q, id);
        rc = orl_db_run(&q, err);
    }
    if (rc == 0) {
        return orl_err_set(err, ORL_E_CONFLICT, "%s", wish->refusal);
    }
    rc = rc < 0 ? rc : audit(store, wish->action, actor, &row, now_ms, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

int orl_job_cancel(struct orl_store *store, const char *id, const char *actor, uint64_t now_ms,
        struct orl_err *err)
{
    const struct wish cancel = {"UPDATE job SET is_cancel_wanted = 1, changed_ms = $1,"
                                " state = CASE state WHEN 'running' THEN state ELSE 'cancelled' END"
                                " WHERE id = $2 AND state IN ('waiting', 'queued', 'running')",
            now_ms, "job.cancel", "the job has ended"};
    return make_wish(store, id, &cancel, actor, now_ms, err);
}

int orl_job_seal(struct orl_store *store, const char *id, const char *actor, uint64_t now_ms,
        struct orl_err *err)
{
    const struct wish seal = {"UPDATE job SET is_seal_wanted = 1 WHERE progress_percent >= $1"
                              " AND id = $2 AND state = 'running' AND kind = 'template.build'"
                              " AND is_cancel_wanted = 0",
            ORL_JOB_SEAL_PERCENT, "job.seal", "nothing is being installed by this job"};
    return make_wish(store, id, &seal, actor, now_ms, err);
}

bool orl_job_outlives(const struct orl_job_row *row, const char *host)
{
    return row->state == ORL_JOB_RUNNING && strcmp(row->kind, "template.build") == 0 &&
           strcmp(row->host, host) == 0 && row->percent >= ORL_JOB_SEAL_PERCENT;
}

struct fault {
    const char *state, *host; /* of those that fail; host "": any */
    bool spares_builds;       /* orl_job_outlives() */
    uint64_t before_ms;       /* said nothing since */
    enum orl_reason reason;
    const char *text;
};

static int next_failed(struct orl_store *store, const struct fault *fault, uint64_t now_ms,
        struct orl_job_row *ret_row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE job SET state = 'failed', reason = $1, reason_text = $2, changed_ms = $3"
            " WHERE id = (SELECT j.id FROM job j WHERE j.state = $4 AND j.changed_ms < $5"
            " AND ($6 = '' OR j.host = $6) AND ($7 = 0 OR j.kind <> 'template.build'"
            " OR j.progress_percent < $8) ORDER BY j.id LIMIT 1) RETURNING " COLUMNS);
    orl_store_put_reason(&q, fault->reason);
    orl_db_put_text(&q, fault->text);
    orl_db_put_u64(&q, now_ms);
    orl_db_put_text(&q, fault->state);
    orl_db_put_u64(&q, fault->before_ms);
    orl_db_put_text(&q, fault->host);
    orl_db_put_u64(&q, fault->spares_builds);
    orl_db_put_u64(&q, ORL_JOB_SEAL_PERCENT);
    return read_row(&q, ret_row, err);
}

static int fail_all(struct orl_store *store, const struct fault *fault, const char *actor,
        uint64_t now_ms, struct orl_err *err)
{
    struct orl_job_row row;
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    while (rc == 0) {
        rc = next_failed(store, fault, now_ms, &row, err);
        rc = rc < 0 ? rc : audit(store, "job.end", actor, &row, now_ms, err);
    }
    return rc == ORL_E_NOTFOUND ? orl_store_tx_commit(&tx, err) : rc;
}

int orl_job_fail_lost(
        struct orl_store *store, const char *host, uint64_t now_ms, struct orl_err *err)
{
    const struct fault lost = {.state = "running",
            .host = host,
            .spares_builds = true,
            .before_ms = INT64_MAX,
            .reason = ORL_REASON_VMPOOL_DOWN,
            .text = "the vmpool that was at it has ended"};
    return fail_all(store, &lost, "vmpool", now_ms, err);
}

static uint64_t ago(uint64_t now_ms, uint64_t by_ms)
{
    return now_ms > by_ms ? now_ms - by_ms : 0;
}

int orl_job_fail_silent(struct orl_store *store, uint64_t now_ms, struct orl_err *err)
{
    const struct fault silent = {.state = "running",
            .host = "",
            .before_ms = ago(now_ms, ORL_JOB_SILENT_MS),
            .reason = ORL_REASON_VMPOOL_DOWN,
            .text = "nobody said anything of it for hours"};
    const struct fault unsent = {.state = "waiting",
            .host = "",
            .before_ms = ago(now_ms, ORL_JOB_WAIT_MS),
            .reason = ORL_REASON_UPLOAD_STOPPED,
            .text = "its file was never sent"};
    int rc = fail_all(store, &silent, "broker", now_ms, err);
    return rc < 0 ? rc : fail_all(store, &unsent, "broker", now_ms, err);
}

int orl_job_prune(struct orl_store *store, uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "DELETE FROM job WHERE changed_ms < $1 AND state NOT "
                                            "IN ('waiting', 'queued', 'running')");
    orl_db_put_u64(&q, now_ms > ORL_JOB_KEEP_MS ? now_ms - ORL_JOB_KEEP_MS : 0);
    return orl_db_run(&q, err);
}
