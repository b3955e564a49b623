/* The thin layer between subjects and the database: prepared statements with bound parameters, in
 * SQL that SQLite and PostgreSQL both read. Parameters are $1, $2, ... in the order of first use.
 * A query is sticky: put and step may be chained, the first error is what the last step returns. */
#ifndef ORL_STORE_STORE_DB_H
#define ORL_STORE_STORE_DB_H
#include "base/cleanup.h"
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct orl_db;
enum orl_db_kind { ORL_DB_SQLITE = 0, ORL_DB_POSTGRES };

/* target: a file of SQLite, or what libpq connects to ("postgresql://...", "service=NAME").
 * A password in it is refused. busy_ms: how long a call waits for another one's transaction. */
ORL_NODISCARD int orl_db_open(
        const char *target, unsigned busy_ms, struct orl_db **ret_db, struct orl_err *err);
enum orl_db_kind orl_db_kind_of(const char *target);
enum orl_db_kind orl_db_kind(const struct orl_db *db);
void orl_db_close(struct orl_db *db); /* NULL is fine; no query may be open */
/* A script of statements without parameters. */
ORL_NODISCARD int orl_db_exec(struct orl_db *db, const char *script, struct orl_err *err);
/* depth 0: a transaction, the only one that may write until its end; deeper: a savepoint in it.
 * Rollback of what the database has given up by itself is fine. */
ORL_NODISCARD int orl_db_begin(struct orl_db *db, unsigned depth, struct orl_err *err);
ORL_NODISCARD int orl_db_commit(struct orl_db *db, unsigned depth, struct orl_err *err);
void orl_db_rollback(struct orl_db *db, unsigned depth);
/* One consistent view of everything, for reading only; it stops nobody. Ended by a rollback. */
ORL_NODISCARD int orl_db_begin_snapshot(struct orl_db *db, struct orl_err *err);
/* This handle is the only one of the store until it is closed. ORL_E_CONFLICT: programs run on it. */
ORL_NODISCARD int orl_db_lock_out(struct orl_db *db, struct orl_err *err);
/* Version of the schema; 0 for a new file. */
ORL_NODISCARD int orl_db_schema(struct orl_db *db, int *ret_version, struct orl_err *err);
ORL_NODISCARD int orl_db_schema_set(struct orl_db *db, int version, struct orl_err *err);
ORL_NODISCARD int orl_db_generation(
        struct orl_db *db, uint64_t *ret_generation, struct orl_err *err);
/* Damage on disk and dangling references. */
ORL_NODISCARD int orl_db_check(struct orl_db *db, struct orl_err *err);
/* Statements that were run on this handle, for the benchmark. */
uint64_t orl_db_query_count(const struct orl_db *db);

struct orl_db_query {
    struct orl_db *db;
    void *statement; /* the database's */
    bool *is_busy;   /* of a cached statement of SQLite; NULL: not cached */
    int next_param;
    int next_column;
    struct orl_err failed; /* code 0: fine so far */
};
/* sql is a literal: statements are cached by it. Always to be ended, as ORL_DB_AUTO does:
 *     ORL_DB_AUTO q = orl_db_query(db, "SELECT ..."); */
struct orl_db_query orl_db_query(struct orl_db *db, const char *sql);
/* For SQL that was made: not cached; sql is borrowed until the query's end. */
struct orl_db_query orl_db_query_once(struct orl_db *db, const char *sql);
void orl_db_query_end(struct orl_db_query *q);
#define ORL_DB_AUTO ORL_AUTO(orl_db_query_end) struct orl_db_query

/* Each binds the next parameter. Text is copied; NULL is ''. */
void orl_db_put_text(struct orl_db_query *q, const char *text);
void orl_db_put_u64(struct orl_db_query *q, uint64_t v);
void orl_db_put_bool(struct orl_db_query *q, bool v);

/* 1: a row; 0: no more; or ORL_E_TIMEOUT (locked, or PostgreSQL is away), ORL_E_EXISTS (unique), ORL_E_NOTFOUND (foreign
 * key), ORL_E_DENIED (check or trigger), ORL_E_NOMEM, ORL_E_BACKEND. */
ORL_NODISCARD int orl_db_step(struct orl_db_query *q, struct orl_err *err);
/* To the end. The number of rows that were changed, or as orl_db_step(). */
ORL_NODISCARD int orl_db_run(struct orl_db_query *q, struct orl_err *err);

/* Each reads the next column of the row. Text that does not fit makes the query fail. */
void orl_db_get_text(struct orl_db_query *q, char *ret, size_t ret_size);
uint64_t orl_db_get_u64(struct orl_db_query *q);
/* For what people may have written by hand: the nearest that fits. */
uint32_t orl_db_get_u32_near(struct orl_db_query *q);
uint32_t orl_db_get_u32(struct orl_db_query *q);
bool orl_db_get_bool(struct orl_db_query *q);
/* Borrowed until the next step; never NULL. */
const char *orl_db_get_peek(struct orl_db_query *q);
/* Makes the query fail: a column held what its subject does not know. */
void orl_db_fail(struct orl_db_query *q, const char *what);
/* After a row was read: 0, or what failed. */
ORL_NODISCARD int orl_db_row_done(struct orl_db_query *q, struct orl_err *err);

#endif
