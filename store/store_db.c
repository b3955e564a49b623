#include "store/store_db.h"

#include "store/store_db_priv.h"
#include <string.h>

enum orl_db_kind orl_db_kind_of(const char *target)
{
    size_t word = strspn(target, "abcdefghijklmnopqrstuvwxyz_");
    bool is_uri =
            strncmp(target, "postgresql://", 13) == 0 || strncmp(target, "postgres://", 11) == 0;
    return is_uri || (word > 0 && target[word] == '=') ? ORL_DB_POSTGRES : ORL_DB_SQLITE;
}

int orl_db_open(const char *target, unsigned busy_ms, struct orl_db **ret_db, struct orl_err *err)
{
    return orl_db_kind_of(target) == ORL_DB_POSTGRES
                   ? orl_postgres_open(target, busy_ms, ret_db, err)
                   : orl_sqlite_open(target, busy_ms, ret_db, err);
}

enum orl_db_kind orl_db_kind(const struct orl_db *db)
{
    return db->ops->kind;
}

void orl_db_close(struct orl_db *db)
{
    if (db != NULL) {
        db->ops->close(db);
    }
}

int orl_db_exec(struct orl_db *db, const char *script, struct orl_err *err)
{
    db->query_count++;
    return db->ops->exec(db, script, err);
}

int orl_db_begin(struct orl_db *db, unsigned depth, struct orl_err *err)
{
    db->query_count++;
    return db->ops->begin(db, depth, err);
}

int orl_db_commit(struct orl_db *db, unsigned depth, struct orl_err *err)
{
    db->query_count++;
    return db->ops->commit(db, depth, err);
}

void orl_db_rollback(struct orl_db *db, unsigned depth)
{
    db->query_count++;
    db->ops->rollback(db, depth);
}

int orl_db_begin_snapshot(struct orl_db *db, struct orl_err *err)
{
    db->query_count++;
    return db->ops->begin_snapshot(db, err);
}

int orl_db_lock_out(struct orl_db *db, struct orl_err *err)
{
    return db->ops->lock_out(db, err);
}

int orl_db_schema(struct orl_db *db, int *ret_version, struct orl_err *err)
{
    return db->ops->schema(db, ret_version, err);
}

int orl_db_schema_set(struct orl_db *db, int version, struct orl_err *err)
{
    return db->ops->schema_set(db, version, err);
}

int orl_db_generation(struct orl_db *db, uint64_t *ret_generation, struct orl_err *err)
{
    db->query_count++;
    return db->ops->generation(db, ret_generation, err);
}

int orl_db_check(struct orl_db *db, struct orl_err *err)
{
    return db->ops->check(db, err);
}

uint64_t orl_db_query_count(const struct orl_db *db)
{
    return db->query_count;
}

static struct orl_db_query begin_query(struct orl_db *db, const char *sql, bool is_kept)
{
    struct orl_db_query q = {.db = db, .next_param = 1};
    db->query_count++;
    db->ops->prepare(&q, sql, is_kept);
    return q;
}

struct orl_db_query orl_db_query(struct orl_db *db, const char *sql)
{
    return begin_query(db, sql, true);
}

struct orl_db_query orl_db_query_once(struct orl_db *db, const char *sql)
{
    return begin_query(db, sql, false);
}

void orl_db_query_end(struct orl_db_query *q)
{
    if (q->statement != NULL) {
        q->db->ops->end(q);
        q->statement = NULL;
    }
}

void orl_db_put_text(struct orl_db_query *q, const char *text)
{
    if (q->statement != NULL) {
        q->db->ops->put_text(q, text != NULL ? text : "");
    }
}

void orl_db_put_u64(struct orl_db_query *q, uint64_t v)
{
    if (v > INT64_MAX) {
        orl_db_fail(q, "number out of range");
    } else if (q->statement != NULL) {
        q->db->ops->put_number(q, (int64_t)v);
    }
}

void orl_db_put_bool(struct orl_db_query *q, bool v)
{
    orl_db_put_u64(q, v ? 1 : 0);
}

int orl_db_give_failed(const struct orl_db_query *q, struct orl_err *err)
{
    if (err != NULL) {
        *err = q->failed;
    }
    return q->failed.code;
}

int orl_db_step(struct orl_db_query *q, struct orl_err *err)
{
    q->next_column = 0;
    if (q->failed.code == 0 && q->db->ops->step(q)) {
        return 1;
    }
    return q->failed.code == 0 ? 0 : orl_db_give_failed(q, err);
}

int orl_db_run(struct orl_db_query *q, struct orl_err *err)
{
    int rc = 1;
    while (rc == 1) {
        rc = orl_db_step(q, err);
    }
    return rc < 0 ? rc : q->db->ops->changes(q);
}

void orl_db_get_text(struct orl_db_query *q, char *ret, size_t ret_size)
{
    const char *text = orl_db_get_peek(q);
    size_t len = strlen(text);
    if (len >= ret_size) {
        orl_db_fail(q, "a text is longer than its field");
        len = 0;
    }
    memcpy(ret, text, len);
    ret[len] = '\0';
}

uint64_t orl_db_get_u64(struct orl_db_query *q)
{
    int64_t v = q->db->ops->number(q, q->next_column++);
    if (v < 0) {
        orl_db_fail(q, "a number is negative");
        return 0;
    }
    return (uint64_t)v;
}

uint32_t orl_db_get_u32_near(struct orl_db_query *q)
{
    int64_t v = q->db->ops->number(q, q->next_column++);
    return v < 0 ? 0 : v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

uint32_t orl_db_get_u32(struct orl_db_query *q)
{
    uint64_t v = orl_db_get_u64(q);
    if (v > UINT32_MAX) {
        orl_db_fail(q, "a number is too large");
        return 0;
    }
    return (uint32_t)v;
}

bool orl_db_get_bool(struct orl_db_query *q)
{
    return orl_db_get_u64(q) != 0;
}

const char *orl_db_get_peek(struct orl_db_query *q)
{
    return q->db->ops->text(q, q->next_column++);
}

void orl_db_fail(struct orl_db_query *q, const char *what)
{
    if (q->failed.code == 0) {
        (void)orl_err_set(&q->failed, ORL_E_BACKEND, "store: %s", what);
    }
}

int orl_db_row_done(struct orl_db_query *q, struct orl_err *err)
{
    return q->failed.code == 0 ? 0 : orl_db_give_failed(q, err);
}
