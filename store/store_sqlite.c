/* store/store_db.h on SQLite: the only file that knows it. */
#include "base/clock.h"
#include "store/store_db_priv.h"
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* As many as the subjects have: none is parsed twice. */
#define STATEMENT_CACHE 256
/* Below SQLite's default of 1000 pages: a checkpoint then never holds a caller long. */
#define WAL_PAGES 500

struct cached {
    const char *sql;
    sqlite3_stmt *statement;
    bool is_busy;
};
struct sqlite_db {
    struct orl_db base;
    sqlite3 *sqlite;
    struct cached cache[STATEMENT_CACHE];
    unsigned cached;
};

static struct sqlite_db *own(struct orl_db *db)
{
    return (struct sqlite_db *)(void *)db;
}

static int code_of(int sqlite_code)
{
    switch (sqlite_code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return ORL_E_EXISTS;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return ORL_E_NOTFOUND;
    default:
        break;
    }
    switch (sqlite_code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return ORL_OK;
    case SQLITE_CONSTRAINT:
        return ORL_E_DENIED;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ORL_E_TIMEOUT;
    case SQLITE_NOMEM:
        return ORL_E_NOMEM;
    default:
        return ORL_E_BACKEND;
    }
}

static int fail(struct sqlite_db *db, int sqlite_code, const char *what, struct orl_err *err)
{
    return orl_err_set(err, code_of(sqlite_code), "%s: %s", what,
            db->sqlite != NULL ? sqlite3_errmsg(db->sqlite) : sqlite3_errstr(sqlite_code));
}

/* SQLite gives -wal and -shm the mode of the file itself. */
static int make_file(const char *path, struct orl_err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0660);
    if (fd < 0 && errno == EEXIST) {
        return 0;
    }
    if (fd < 0) {
        return orl_err_sys(err, errno, "store %s", path);
    }
    int rc = fchmod(fd, 0660) == 0 ? 0 : orl_err_sys(err, errno, "store %s", path);
    close(fd);
    return rc;
}

static int run_script(struct sqlite_db *db, const char *script, struct orl_err *err)
{
    int sqlite_code = sqlite3_exec(db->sqlite, script, NULL, NULL, NULL);
    return sqlite_code == SQLITE_OK ? 0 : fail(db, sqlite_code, "store", err);
}

static int set_up(struct sqlite_db *db, unsigned busy_ms, struct orl_err *err)
{
    sqlite3_extended_result_codes(db->sqlite, 1);
    sqlite3_busy_timeout(db->sqlite, (int)busy_ms);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    char script[200];
    (void)snprintf(script, sizeof(script),
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
            "PRAGMA wal_autocheckpoint = %d;",
            WAL_PAGES);
    /* Two processes that open a new file at once: the change to WAL is not covered by the busy
     * handler. */
    int rc = ORL_E_TIMEOUT;
    for (uint64_t until_us = orl_clock_now_us() + busy_ms * ORL_US_PER_MS;;) {
        rc = run_script(db, script, err);
        if (rc != ORL_E_TIMEOUT || orl_clock_now_us() >= until_us) {
            return rc;
        }
        sqlite3_sleep(10);
    }
}

static void close_db(struct orl_db *handle)
{
    struct sqlite_db *db = own(handle);
    for (unsigned i = 0; i < db->cached; i++) {
        orl_assert(!db->cache[i].is_busy);
        sqlite3_finalize(db->cache[i].statement);
    }
    sqlite3_close(db->sqlite);
    free(db);
}

static int exec(struct orl_db *db, const char *script, struct orl_err *err)
{
    return run_script(own(db), script, err);
}

static int begin(struct orl_db *db, unsigned depth, struct orl_err *err)
{
    char script[32] = "BEGIN IMMEDIATE";
    if (depth > 0) {
        (void)snprintf(script, sizeof(script), "SAVEPOINT s%u", depth);
    }
    return run_script(own(db), script, err);
}

static int commit(struct orl_db *db, unsigned depth, struct orl_err *err)
{
    char script[32] = "COMMIT";
    if (depth > 0) {
        (void)snprintf(script, sizeof(script), "RELEASE s%u", depth);
    }
    return run_script(own(db), script, err);
}

static void rollback(struct orl_db *db, unsigned depth)
{
    /* A full disk makes SQLite roll back the whole transaction by itself. */
    if (sqlite3_get_autocommit(own(db)->sqlite) != 0) {
        return;
    }
    char script[48] = "ROLLBACK";
    if (depth > 0) {
        (void)snprintf(script, sizeof(script), "ROLLBACK TO s%u; RELEASE s%u", depth, depth);
    }
    int rc = run_script(own(db), script, NULL);
    orl_assert(rc == 0 || sqlite3_get_autocommit(own(db)->sqlite) != 0);
}

static int begin_snapshot(struct orl_db *db, struct orl_err *err)
{
    return run_script(own(db), "BEGIN; SELECT count(*) FROM sqlite_schema", err);
}

/* The journal changes only for the one who is alone; then nobody else gets in. */
static int lock_out(struct orl_db *db, struct orl_err *err)
{
    int rc = run_script(own(db), "PRAGMA journal_mode = DELETE", err);
    rc = rc < 0 ? rc : run_script(own(db), "PRAGMA locking_mode = EXCLUSIVE", err);
    rc = rc < 0 ? rc : run_script(own(db), "BEGIN EXCLUSIVE; COMMIT", err);
    return rc == ORL_E_TIMEOUT ? orl_err_set(err, ORL_E_CONFLICT, "programs run on it: stop them")
                               : rc;
}

static int read_number(struct orl_db *db, const char *sql, uint64_t *ret, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(db, sql);
    int rc = orl_db_step(&q, err);
    if (rc == 1) {
        *ret = orl_db_get_u64(&q);
        rc = orl_db_row_done(&q, err);
    }
    return rc;
}

static int schema(struct orl_db *db, int *ret_version, struct orl_err *err)
{
    uint64_t v = 0;
    int rc = read_number(db, "PRAGMA user_version", &v, err);
    if (rc == 0) {
        *ret_version = (int)v;
    }
    return rc;
}

static int schema_set(struct orl_db *db, int version, struct orl_err *err)
{
    char script[48];
    (void)snprintf(script, sizeof(script), "PRAGMA user_version = %d", version);
    return run_script(own(db), script, err);
}

static int generation(struct orl_db *db, uint64_t *ret_generation, struct orl_err *err)
{
    return read_number(db, "PRAGMA data_version", ret_generation, err);
}

static int check(struct orl_db *db, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(db, "PRAGMA integrity_check(1)");
    int rc = orl_db_step(&q, err);
    if (rc < 0) {
        return rc;
    }
    const char *found = rc == 1 ? orl_db_get_peek(&q) : "no answer";
    if (strcmp(found, "ok") != 0) {
        return orl_err_set(err, ORL_E_BACKEND, "store is damaged: %s", found);
    }
    ORL_DB_AUTO fk = orl_db_query(db, "PRAGMA foreign_key_check");
    rc = orl_db_step(&fk, err);
    return rc == 1 ? orl_err_set(err, ORL_E_BACKEND, "store: a row of %s refers to nothing",
                             orl_db_get_peek(&fk))
                   : rc;
}

static struct cached *find_cached(struct sqlite_db *db, const char *sql)
{
    for (unsigned i = 0; i < db->cached; i++) {
        if (db->cache[i].sql == sql) {
            return &db->cache[i];
        }
    }
    return NULL;
}

/* $1, $2, ... are names to SQLite, numbered by first appearance: the two must agree. */
static void check_params(sqlite3_stmt *statement)
{
    for (int i = 1; i <= sqlite3_bind_parameter_count(statement); i++) {
        const char *name = sqlite3_bind_parameter_name(statement, i);
        orl_assert(name != NULL && name[0] == '$' && strtol(name + 1, NULL, 10) == i);
    }
}

static void prepare(struct orl_db_query *q, const char *sql, bool may_keep)
{
    struct sqlite_db *db = own(q->db);
    struct cached *hit = may_keep ? find_cached(db, sql) : NULL;
    if (hit != NULL && !hit->is_busy) {
        hit->is_busy = true;
        q->statement = hit->statement;
        q->is_busy = &hit->is_busy;
        return;
    }
    sqlite3_stmt *statement = NULL;
    bool is_kept = may_keep && hit == NULL && db->cached < STATEMENT_CACHE;
    int sqlite_code = sqlite3_prepare_v3(
            db->sqlite, sql, -1, is_kept ? SQLITE_PREPARE_PERSISTENT : 0, &statement, NULL);
    if (sqlite_code != SQLITE_OK || statement == NULL) {
        (void)fail(db, sqlite_code == SQLITE_OK ? SQLITE_MISUSE : sqlite_code, "store", &q->failed);
        return;
    }
    check_params(statement);
    q->statement = statement;
    if (is_kept) {
        struct cached *slot = &db->cache[db->cached++];
        *slot = (struct cached){.sql = sql, .statement = statement, .is_busy = true};
        q->is_busy = &slot->is_busy;
    }
}

static void end(struct orl_db_query *q)
{
    if (q->is_busy == NULL) {
        sqlite3_finalize(q->statement);
    } else {
        sqlite3_reset(q->statement);
        sqlite3_clear_bindings(q->statement);
        *q->is_busy = false;
    }
}

static void note(struct orl_db_query *q, int sqlite_code)
{
    if (sqlite_code != SQLITE_OK && q->failed.code == 0) {
        (void)fail(own(q->db), sqlite_code, "store", &q->failed);
    }
}

static void put_text(struct orl_db_query *q, const char *text)
{
    note(q, sqlite3_bind_text(q->statement, q->next_param++, text, -1, SQLITE_TRANSIENT));
}

static void put_number(struct orl_db_query *q, int64_t v)
{
    note(q, sqlite3_bind_int64(q->statement, q->next_param++, v));
}

static bool step(struct orl_db_query *q)
{
    int sqlite_code = sqlite3_step(q->statement);
    if (sqlite_code != SQLITE_ROW && sqlite_code != SQLITE_DONE) {
        note(q, sqlite_code);
    }
    return sqlite_code == SQLITE_ROW;
}

static int changes(struct orl_db_query *q)
{
    return sqlite3_changes(own(q->db)->sqlite);
}

static int64_t get_number(struct orl_db_query *q, int column)
{
    return sqlite3_column_int64(q->statement, column);
}

static const char *get_text(struct orl_db_query *q, int column)
{
    const unsigned char *text = sqlite3_column_text(q->statement, column);
    return text != NULL ? (const char *)text : "";
}

static const struct orl_db_ops ops = {.kind = ORL_DB_SQLITE,
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

int orl_sqlite_open(const char *path, unsigned busy_ms, struct orl_db **ret_db, struct orl_err *err)
{
    int rc = make_file(path, err);
    if (rc < 0) {
        return rc;
    }
    struct sqlite_db *db = calloc(1, sizeof(*db));
    if (db == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "out of memory");
    }
    db->base.ops = &ops;
    int sqlite_code = sqlite3_open_v2(path, &db->sqlite,
            SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);
    rc = sqlite_code == SQLITE_OK ? set_up(db, busy_ms, err) : fail(db, sqlite_code, "open", err);
    if (rc < 0) {
        orl_err_prefix(err, "store %s", path);
        close_db(&db->base);
        return rc;
    }
    *ret_db = &db->base;
    return 0;
}

int orl_sqlite_copy(struct orl_db *db, const char *path, struct orl_err *err)
{
    /* VACUUM INTO writes into an empty file that is there; made here, so that its mode is ours. */
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return errno == EEXIST ? orl_err_set(err, ORL_E_EXISTS, "%s is there already", path)
                               : orl_err_sys(err, errno, "backup %s", path);
    }
    close(fd);
    ORL_DB_AUTO q = orl_db_query(db, "VACUUM INTO $1");
    orl_db_put_text(&q, path);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}
