/* What a database does for store/store_db.h. */
#ifndef ORL_STORE_STORE_DB_PRIV_H
#define ORL_STORE_STORE_DB_PRIV_H
#include "store/store_db.h"

struct orl_db_ops {
    enum orl_db_kind kind;
    void (*close)(struct orl_db *db);
    int (*exec)(struct orl_db *db, const char *script, struct orl_err *err);
    int (*begin)(struct orl_db *db, unsigned depth, struct orl_err *err);
    int (*commit)(struct orl_db *db, unsigned depth, struct orl_err *err);
    void (*rollback)(struct orl_db *db, unsigned depth);
    int (*begin_snapshot)(struct orl_db *db, struct orl_err *err);
    int (*lock_out)(struct orl_db *db, struct orl_err *err);
    int (*schema)(struct orl_db *db, int *ret_version, struct orl_err *err);
    int (*schema_set)(struct orl_db *db, int version, struct orl_err *err);
    int (*generation)(struct orl_db *db, uint64_t *ret_generation, struct orl_err *err);
    int (*check)(struct orl_db *db, struct orl_err *err);
    /* The next four note what fails in q->failed. */
    void (*prepare)(struct orl_db_query *q, const char *sql, bool is_kept);
    void (*put_text)(struct orl_db_query *q, const char *text);
    void (*put_number)(struct orl_db_query *q, int64_t v);
    bool (*step)(struct orl_db_query *q); /* true: a row */
    int (*changes)(struct orl_db_query *q);
    const char *(*text)(struct orl_db_query *q, int column);
    int64_t (*number)(struct orl_db_query *q, int column);
    void (*end)(struct orl_db_query *q);
};
/* The first member of each database's own. */
struct orl_db {
    const struct orl_db_ops *ops;
    uint64_t query_count;
};

ORL_NODISCARD int orl_sqlite_open(
        const char *path, unsigned busy_ms, struct orl_db **ret_db, struct orl_err *err);
ORL_NODISCARD int orl_postgres_open(
        const char *target, unsigned busy_ms, struct orl_db **ret_db, struct orl_err *err);
/* A consistent copy of a SQLite store in a new file. */
ORL_NODISCARD int orl_sqlite_copy(struct orl_db *db, const char *path, struct orl_err *err);
int orl_db_give_failed(const struct orl_db_query *q, struct orl_err *err);

#endif
