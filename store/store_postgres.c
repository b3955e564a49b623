/* store/store_db.h on PostgreSQL. One writer at a time, as with SQLite: what writes holds one
 * advisory lock until its commit, so a rule that was proven there holds here, and no serialization
 * failure reaches a caller that can't begin again. Readers wait for nobody. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "store/store_postgres_priv.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOCK "SELECT pg_advisory_xact_lock(" ORL_PG_WRITER ")"

enum {
    PARAMS_MAX = 260, /* a statement of orl_session_renew_all() */
    TEXTS_MAX = 1 << 20,
    TRIES = 3,
    OPEN_WAIT_MS = 10000,
    LOCK_OUT_WAIT_MS = 3000,
    RECONNECT_WAIT_MS = 200
};
enum { OID_INT8 = 20, OID_TEXT = 25 };

/* A statement under way. */
struct run {
    const char *sql;
    bool is_kept;
    bool is_write;
    int param_count;
    Oid types[PARAMS_MAX];
    size_t starts
            [PARAMS_MAX]; /* of each in texts, which are one after the other, each with its NUL */
    struct orl_buf texts;
    PGresult *result; /* NULL: not sent yet */
    int row;
};

static struct orl_pg *own(struct orl_db *db)
{
    return (struct orl_pg *)(void *)db;
}

static void close_db(struct orl_db *db)
{
    orl_pg_free(own(db));
}

static int exec(struct orl_db *db, const char *script, struct orl_err *err)
{
    int rc = orl_pg_ready(own(db), RECONNECT_WAIT_MS, err);
    return rc < 0 ? rc : orl_pg_script(own(db), script, NULL, err);
}

/* Nothing was written yet: whatever failed may be tried again. */
static int begin_outer(struct orl_pg *pg, struct orl_err *err)
{
    int rc = ORL_E_TIMEOUT;
    for (int i = 0; i < TRIES; i++) {
        rc = orl_pg_ready(pg, RECONNECT_WAIT_MS, err);
        rc = rc < 0 ? rc : orl_pg_script(pg, "BEGIN; " LOCK, NULL, err);
        if (rc == 0) {
            pg->is_in_tx = true;
            return 0;
        }
        if (pg->is_up) { /* the lock is another one's */
            if (orl_pg_script(pg, "ROLLBACK", NULL, NULL) < 0 && pg->is_up) {
                orl_pg_drop(pg, "its transaction can't be ended");
            }
            return rc;
        }
    }
    return rc;
}

static int begin(struct orl_db *db, unsigned depth, struct orl_err *err)
{
    struct orl_pg *pg = own(db);
    if (depth == 0) {
        return begin_outer(pg, err);
    }
    char script[32];
    (void)snprintf(script, sizeof(script), "SAVEPOINT s%u", depth);
    return exec(db, script, err);
}

static int commit(struct orl_db *db, unsigned depth, struct orl_err *err)
{
    struct orl_pg *pg = own(db);
    char script[32] = "COMMIT";
    char tag[16] = "";
    if (depth > 0) {
        (void)snprintf(script, sizeof(script), "RELEASE s%u", depth);
        return exec(db, script, err);
    }
    int rc = orl_pg_ready(pg, 0, err);
    rc = rc < 0 ? rc : orl_pg_script(pg, script, tag, err);
    if (rc == 0 && strcmp(tag, "COMMIT") != 0) {
        rc = orl_err_set(err, ORL_E_BACKEND, "store: the transaction had failed");
    }
    pg->is_in_tx = pg->is_tx_lost = false;
    return rc;
}

static void rollback(struct orl_db *db, unsigned depth)
{
    struct orl_pg *pg = own(db);
    if (pg->is_in_tx && !pg->is_tx_lost) {
        char script[48] = "ROLLBACK";
        if (depth > 0) {
            (void)snprintf(script, sizeof(script), "ROLLBACK TO s%u; RELEASE s%u", depth, depth);
        }
        if (orl_pg_script(pg, script, NULL, NULL) < 0 && pg->is_up) {
            orl_pg_drop(pg, "its transaction can't be ended");
        }
    }
    if (depth == 0) {
        pg->is_in_tx = pg->is_tx_lost = false;
    }
}

static int begin_snapshot(struct orl_db *db, struct orl_err *err)
{
    int rc = exec(db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);
    own(db)->is_in_tx = rc == 0;
    return rc;
}

static void prepare(struct orl_db_query *q, const char *sql, bool is_kept)
{
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        (void)orl_err_set(&q->failed, ORL_E_NOMEM, "out of memory");
        return;
    }
    run->sql = sql;
    run->is_kept = is_kept;
    run->is_write = strncmp(sql, "SELECT", 6) != 0;
    run->row = -1;
    orl_buf_init(&run->texts, TEXTS_MAX);
    q->statement = run;
}

static void end(struct orl_db_query *q)
{
    struct run *run = q->statement;
    PQclear(run->result);
    orl_buf_wipe(&run->texts); /* hashes and sealed secrets pass here */
    orl_buf_fini(&run->texts);
    free(run);
}

/* Where it lies, to be put right; NULL: it was too much. */
static char *put(struct orl_db_query *q, Oid type, const char *text)
{
    struct run *run = q->statement;
    size_t start = run->texts.len;
    if (run->param_count < PARAMS_MAX) {
        orl_buf_put(&run->texts, text, strlen(text) + 1);
    }
    if (run->texts.len == start) {
        orl_db_fail(q, "too many parameters, or no memory");
        return NULL;
    }
    run->types[run->param_count] = type;
    run->starts[run->param_count++] = start;
    return (char *)run->texts.data + start;
}

static void put_text(struct orl_db_query *q, const char *text)
{
    char *copy = put(q, OID_TEXT, text);
    /* A client's name may be any bytes, and PostgreSQL takes text only. */
    if (copy != NULL) {
        orl_utf8_clean(copy);
    }
}

static void put_number(struct orl_db_query *q, int64_t v)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%lld", (long long)v);
    (void)put(q, OID_INT8, text);
}

/* Its name, when it is prepared here; NULL: to be sent as it is. */
static int find_prepared(
        struct orl_pg *pg, const struct run *run, char ret_name[16], struct orl_err *err)
{
    unsigned i = 0;
    ret_name[0] = '\0';
    while (i < pg->kept_count && pg->kept[i] != run->sql) {
        i++;
    }
    if (!run->is_kept || i == ORL_PG_STATEMENTS) {
        return 0;
    }
    (void)snprintf(ret_name, 16, "s%u", i);
    if (i < pg->kept_count) {
        return 0;
    }
    PGresult *result = NULL;
    if (PQsendPrepare(pg->conn, ret_name, run->sql, run->param_count, run->types) != 1) {
        return orl_pg_lost(pg, err);
    }
    int rc = orl_pg_collect(pg, 0, false, &result, err);
    if (rc < 0) {
        return rc;
    }
    PQclear(result);
    pg->kept[pg->kept_count++] = run->sql;
    return 0;
}

static int send_it(struct orl_pg *pg, const struct run *run, const char *name)
{
    const char *values[PARAMS_MAX];
    for (int i = 0; i < run->param_count; i++) {
        values[i] = (const char *)run->texts.data + run->starts[i];
    }
    return name[0] != '\0'
                   ? PQsendQueryPrepared(pg->conn, name, run->param_count, values, NULL, NULL, 0)
                   : PQsendQueryParams(pg->conn, run->sql, run->param_count, run->types, values,
                             NULL, NULL, 0);
}

static int send_plain(struct orl_pg *pg, const char *sql)
{
    return PQsendQueryParams(pg->conn, sql, 0, NULL, NULL, NULL, NULL, 0);
}

/* In one message: outside of a transaction the lock and the statement, which commit together; inside
 * of one the statement under a savepoint, since a refused statement must not cost the whole. */
static int run_write(struct orl_pg *pg, struct run *run, const char *name, struct orl_err *err)
{
    bool is_inner = pg->is_in_tx;
    bool is_sent = PQenterPipelineMode(pg->conn) == 1 &&
                   send_plain(pg, is_inner ? "SAVEPOINT o" : LOCK) == 1 &&
                   send_it(pg, run, name) == 1 && (!is_inner || send_plain(pg, "RELEASE o") == 1) &&
                   PQpipelineSync(pg->conn) == 1;
    if (!is_sent) {
        return orl_pg_lost(pg, err);
    }
    int rc = orl_pg_collect(pg, 1, true, &run->result, err);
    if (pg->is_up && PQexitPipelineMode(pg->conn) != 1) {
        orl_pg_drop(pg, PQerrorMessage(pg->conn));
    }
    if (rc < 0 && is_inner && pg->is_up &&
            orl_pg_script(pg, "ROLLBACK TO o; RELEASE o", NULL, NULL) < 0 && pg->is_up) {
        orl_pg_drop(pg, "a statement can't be undone");
    }
    return rc;
}

static int run_once(struct orl_pg *pg, struct run *run, bool *ret_is_sent, struct orl_err *err)
{
    char name[16];
    int rc = orl_pg_ready(pg, RECONNECT_WAIT_MS, err);
    rc = rc < 0 ? rc : find_prepared(pg, run, name, err);
    if (rc < 0) {
        return rc;
    }
    *ret_is_sent = true;
    if (run->is_write) {
        return run_write(pg, run, name, err);
    }
    return send_it(pg, run, name) == 1 ? orl_pg_collect(pg, 0, false, &run->result, err)
                                       : orl_pg_lost(pg, err);
}

/* Again where that is safe: a connection that went before anything was sent or under a reader. What
 * a lost write did is unknown, and a transaction's beginning is its caller's. */
static void run_it(struct orl_db_query *q, struct run *run)
{
    struct orl_pg *pg = own(q->db);
    for (int i = 0; i < TRIES; i++) {
        bool is_sent = false;
        int rc = run_once(pg, run, &is_sent, &q->failed);
        bool may_repeat = !pg->is_up && !pg->is_in_tx && (!is_sent || !run->is_write);
        if (rc == 0) {
            q->failed = (struct orl_err){0};
            return;
        }
        if (!may_repeat) {
            return;
        }
    }
}

static bool step(struct orl_db_query *q)
{
    struct run *run = q->statement;
    if (run->result == NULL) {
        run_it(q, run);
    }
    if (q->failed.code != 0 || run->row + 1 >= PQntuples(run->result)) {
        return false;
    }
    run->row++;
    return true;
}

static int changes(struct orl_db_query *q)
{
    struct run *run = q->statement;
    return (int)strtol(PQcmdTuples(run->result), NULL, 10);
}

static const char *get_text(struct orl_db_query *q, int column)
{
    const struct run *run = q->statement;
    return PQgetvalue(run->result, run->row, column);
}

static int64_t get_number(struct orl_db_query *q, int column)
{
    const char *text = get_text(q, column);
    return text[0] == 't' ? 1 : strtoll(text, NULL, 10);
}

/* Asks the catalog's rows: a name that was not there stays so for a transaction, whoever makes it. */
static int schema(struct orl_db *db, int *ret_version, struct orl_err *err)
{
    {
        ORL_DB_AUTO q =
                orl_db_query(db, "SELECT count(*) FROM pg_class WHERE relname = 'schema_version'"
                                 " AND relnamespace = current_schema()::regnamespace");
        int rc = orl_db_step(&q, err);
        if (rc < 0) {
            return rc;
        }
        if (!orl_db_get_bool(&q)) {
            *ret_version = 0;
            return 0;
        }
    }
    ORL_DB_AUTO q = orl_db_query(db, "SELECT version FROM schema_version");
    int rc = orl_db_step(&q, err);
    if (rc < 0) {
        return rc;
    }
    *ret_version = rc == 1 ? (int)orl_db_get_u32(&q) : 0;
    return orl_db_row_done(&q, err);
}

static int schema_set(struct orl_db *db, int version, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(db, "UPDATE schema_version SET version = $1");
    orl_db_put_u64(&q, (uint64_t)version);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

/* Every handle shares the lock; who has it alone is alone. */
static int try_lock_out(struct orl_db *db, bool *ret_is_alone, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query_once(db, "SELECT pg_try_advisory_lock(" ORL_PG_PRESENCE ")");
    int rc = orl_db_step(&q, err);
    if (rc < 0) {
        return rc;
    }
    *ret_is_alone = orl_db_get_bool(&q);
    return orl_db_row_done(&q, err);
}

/* Of a program that has just ended the server may not know yet. */
static int lock_out(struct orl_db *db, struct orl_err *err)
{
    uint64_t until_us = orl_clock_now_us() + LOCK_OUT_WAIT_MS * ORL_US_PER_MS;
    bool is_alone = false;
    int rc = try_lock_out(db, &is_alone, err);
    while (rc == 0 && !is_alone && orl_clock_now_us() < until_us && poll(NULL, 0, 50) == 0) {
        rc = try_lock_out(db, &is_alone, err);
    }
    return rc < 0 || is_alone ? rc
                              : orl_err_set(err, ORL_E_CONFLICT, "programs run on it: stop them");
}

/* Notices of others' commits come with the answer to anything. */
static int generation(struct orl_db *db, uint64_t *ret_generation, struct orl_err *err)
{
    int rc = exec(db, "", err);
    if (rc == 0) {
        *ret_generation = own(db)->generation;
    }
    return rc;
}

/* Its constraints are always on, its pages have checksums of their own: what is left is an index
 * that differs from its table, which needs pg_amcheck and an administrator. */
static int check(struct orl_db *db, struct orl_err *err)
{
    return exec(db, "SELECT count(*) FROM desktop; SELECT count(*) FROM session", err);
}

/* lower() and ORDER BY must do what they do in SQLite. */
static int check_database(struct orl_db *db, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query_once(db,
            "SELECT CASE WHEN current_setting('server_encoding') = 'UTF8'"
            " AND lower(chr(196)) = chr(196) AND 'a' > 'B' THEN 1 ELSE 0 END");
    int rc = orl_db_step(&q, err);
    if (rc < 0) {
        return rc;
    }
    return orl_db_get_bool(&q) ? 0
                               : orl_err_set(err, ORL_E_CONFIG,
                                         "the database needs encoding UTF8 and locale C: createdb "
                                         "--template template0 --encoding UTF8 --locale C");
}

static const struct orl_db_ops ops = {.kind = ORL_DB_POSTGRES,
        .close = close_db,
        .exec = exec,
        .begin = begin,
        .commit = commit,
        .rollback = rollback,
        .begin_snapshot = begin_snapshot,
        .lock_out = lock_out,
        .schema = schema,
        .schema_set = schema_set,
        .generation = generation,
        .check = check,
        .prepare = prepare,
        .put_text = put_text,
        .put_number = put_number,
        .step = step,
        .changes = changes,
        .text = get_text,
        .number = get_number,
        .end = end};

int orl_postgres_open(
        const char *target, unsigned busy_ms, struct orl_db **ret_db, struct orl_err *err)
{
    struct orl_pg *pg = NULL;
    int rc = orl_pg_new(target, busy_ms, &pg, err);
    if (rc < 0) {
        return rc;
    }
    pg->base.ops = &ops;
    /* After a power cut the two may start together. */
    uint64_t until_us = orl_clock_now_us() + OPEN_WAIT_MS * ORL_US_PER_MS;
    do {
        rc = orl_pg_ready(pg, OPEN_WAIT_MS, err);
    } while (rc == ORL_E_TIMEOUT && orl_clock_now_us() < until_us && poll(NULL, 0, 50) == 0);
    rc = rc < 0 ? rc : check_database(&pg->base, err);
    if (rc < 0) {
        orl_pg_free(pg);
        return rc;
    }
    *ret_db = &pg->base;
    return 0;
}
