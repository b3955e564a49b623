#include "store/store_copy.h"

#include "base/clock.h"
#include "store/store_db_priv.h"
#include "store/store_priv.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TABLES_MAX = 64, COLUMNS_MAX = 96, NAME_BYTES = 64, SQL_BYTES = 8192 };

struct column {
    char name[NAME_BYTES];
    bool is_number;
};
struct table {
    char name[NAME_BYTES];
    struct column columns[COLUMNS_MAX];
    unsigned column_count;
};
static void free_text(char **text)
{
    free(*text);
}

static void free_table(struct table **table)
{
    free(*table);
}

static void close_auto(struct orl_store **store)
{
    orl_store_close(*store);
}

/* Of all rows, whatever their order. */
struct digest {
    uint64_t rows;
    uint64_t sum;
};

static uint64_t mix(uint64_t hash, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        hash = (hash ^ (uint8_t)*p) * UINT64_C(1099511628211);
    }
    return (hash ^ 0xFFU) * UINT64_C(1099511628211);
}

static int read_columns(struct orl_db *sqlite, struct table *table, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(sqlite, "SELECT name, type FROM pragma_table_info($1)");
    orl_db_put_text(&q, table->name);
    int rc = 0;
    while ((rc = orl_db_step(&q, err)) == 1) {
        if (table->column_count == COLUMNS_MAX) {
            return orl_err_set(err, ORL_E_LIMIT, "%s has too many columns", table->name);
        }
        struct column *column = &table->columns[table->column_count++];
        orl_db_get_text(&q, column->name, sizeof(column->name));
        column->is_number = strcmp(orl_db_get_peek(&q), "INTEGER") == 0;
    }
    return rc < 0 ? rc : orl_db_row_done(&q, err);
}

/* In the order of their making: what is referred to comes first. */
static int list_tables(struct orl_db *sqlite, char names[TABLES_MAX][NAME_BYTES],
        unsigned *ret_count, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(sqlite, "SELECT name FROM sqlite_schema WHERE type = 'table'"
                                         " AND substr(name, 1, 7) <> 'sqlite_' ORDER BY rowid");
    unsigned count = 0;
    int rc = 0;
    while (count < TABLES_MAX && (rc = orl_db_step(&q, err)) == 1) {
        orl_db_get_text(&q, names[count++], NAME_BYTES);
    }
    *ret_count = count;
    return rc < 0 ? rc : orl_db_row_done(&q, err);
}

/* "INSERT INTO t (a, b) VALUES ($1, $2)" or "SELECT a, b FROM t", to be freed. */
static char *make_sql(const struct table *table, bool is_insert)
{
    char *sql = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&sql, &size);
    orl_assert(out != NULL);
    if (is_insert) {
        (void)fprintf(out, "INSERT INTO %s (", table->name);
    } else {
        (void)fputs("SELECT ", out);
    }
    for (unsigned i = 0; i < table->column_count; i++) {
        (void)fprintf(out, "%s%s", i > 0 ? ", " : "", table->columns[i].name);
    }
    if (is_insert) {
        (void)fputs(") VALUES (", out);
        for (unsigned i = 0; i < table->column_count; i++) {
            (void)fprintf(out, "%s$%u", i > 0 ? ", " : "", i + 1);
        }
        (void)fputc(')', out);
    } else {
        (void)fprintf(out, " FROM %s", table->name);
    }
    orl_assert(fclose(out) == 0);
    return sql;
}

struct sink {
    struct orl_db *to; /* NULL: only counted */
    const char *insert;
    struct digest digest;
};

static int take_row(
        struct sink *sink, const struct table *table, struct orl_db_query *row, struct orl_err *err)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    ORL_DB_AUTO q = {0};
    if (sink->to != NULL) {
        q = orl_db_query_once(sink->to, sink->insert);
    }
    for (unsigned i = 0; i < table->column_count; i++) {
        const char *text = orl_db_get_peek(row);
        hash = mix(hash, text);
        if (sink->to != NULL && table->columns[i].is_number) {
            orl_db_put_u64(&q, strtoull(text, NULL, 10));
        } else if (sink->to != NULL) {
            orl_db_put_text(&q, text);
        }
    }
    sink->digest.rows++;
    sink->digest.sum += hash;
    int rc = sink->to != NULL ? orl_db_run(&q, err) : 0;
    return rc < 0 ? rc : 0;
}

static int take_rows(struct orl_db *db, const char *sql, const struct table *table,
        struct sink *sink, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query_once(db, sql);
    int rc = 0;
    int count = 0;
    while ((rc = orl_db_step(&q, err)) == 1) {
        rc = take_row(sink, table, &q, err);
        if (rc < 0) {
            return rc;
        }
        count++;
    }
    return rc < 0 ? rc : count;
}

/* PostgreSQL's answers are whole: a table comes in pieces. */
static int each_row(
        struct orl_db *db, const struct table *table, struct sink *sink, struct orl_err *err)
{
    ORL_AUTO(free_text) char *sql = make_sql(table, false);
    if (orl_db_kind(db) == ORL_DB_SQLITE) {
        int rc = take_rows(db, sql, table, sink, err);
        return rc < 0 ? rc : 0;
    }
    char script[SQL_BYTES];
    (void)snprintf(script, sizeof(script), "DECLARE copied CURSOR FOR %s", sql);
    int rc = orl_db_exec(db, script, err);
    if (rc == 0) {
        rc = 1;
    }
    while (rc > 0) {
        rc = take_rows(db, "FETCH 1000 FROM copied", table, sink, err);
    }
    return rc < 0 ? rc : orl_db_exec(db, "CLOSE copied", err);
}

static int copy_table(struct orl_store *from, struct orl_store *to, const struct table *table,
        struct orl_store_copied *copied, struct orl_err *err)
{
    ORL_AUTO(free_text) char *insert = make_sql(table, true);
    struct sink written = {.to = to->db, .insert = insert};
    struct sink found = {0};
    int rc = each_row(from->db, table, &written, err);
    rc = rc < 0 ? rc : each_row(to->db, table, &found, err);
    if (rc == 0 &&
            (written.digest.rows != found.digest.rows || written.digest.sum != found.digest.sum)) {
        rc = orl_err_set(err, ORL_E_BACKEND, "it differs: %llu rows read, %llu written",
                (unsigned long long)written.digest.rows, (unsigned long long)found.digest.rows);
    }
    if (rc < 0) {
        return orl_err_prefix(err, "table %s", table->name);
    }
    copied->tables++;
    copied->rows += written.digest.rows;
    return 0;
}

/* PostgreSQL's counter does not see numbers that are written: the next one comes after them. */
static int count_on(struct orl_db *db, const struct table *table, struct orl_err *err)
{
    char column[NAME_BYTES];
    {
        ORL_DB_AUTO q = orl_db_query(db,
                "SELECT column_name FROM information_schema.columns WHERE is_identity = 'YES'"
                " AND table_schema = current_schema() AND table_name = $1");
        orl_db_put_text(&q, table->name);
        int rc = orl_db_step(&q, err);
        if (rc <= 0) {
            return rc;
        }
        orl_db_get_text(&q, column, sizeof(column));
    }
    char sql[400];
    (void)snprintf(sql, sizeof(sql),
            "SELECT setval(pg_get_serial_sequence('%s', '%s'), (SELECT coalesce(max(%s), 0) + 1"
            " FROM %s), false)",
            table->name, column, column, table->name);
    return orl_db_exec(db, sql, err);
}

/* Only what a new store has by itself may be in the way. */
static int check_new(struct orl_db *db, const char *name, struct orl_err *err)
{
    char sql[200];
    if (strcmp(name, "meta") == 0) {
        return orl_db_exec(db, "DELETE FROM meta", err);
    }
    (void)snprintf(sql, sizeof(sql), "SELECT 1 FROM %.63s LIMIT 1", name);
    ORL_DB_AUTO q = orl_db_query_once(db, sql);
    int rc = orl_db_step(&q, err);
    return rc == 1 ? orl_err_set(err, ORL_E_EXISTS, "it is not empty: there are rows in %s", name)
                   : rc;
}

static int copy_all(struct orl_store *from, struct orl_store *to, struct orl_store_copied *copied,
        struct orl_err *err)
{
    char names[TABLES_MAX][NAME_BYTES];
    unsigned count = 0;
    bool is_from_file = orl_db_kind(from->db) == ORL_DB_SQLITE;
    int rc = list_tables(is_from_file ? from->db : to->db, names, &count, err);
    for (unsigned i = 0; rc == 0 && i < count; i++) {
        rc = check_new(to->db, names[i], err);
    }
    for (unsigned i = 0; rc == 0 && i < count; i++) {
        ORL_AUTO(free_table) struct table *table = calloc(1, sizeof(*table));
        if (table == NULL) {
            return orl_err_set(err, ORL_E_NOMEM, "out of memory");
        }
        memcpy(table->name, names[i], NAME_BYTES);
        rc = read_columns(is_from_file ? from->db : to->db, table, err);
        rc = rc < 0 ? rc : copy_table(from, to, table, copied, err);
        if (rc == 0 && orl_db_kind(to->db) == ORL_DB_POSTGRES) {
            rc = count_on(to->db, table, err);
        }
    }
    return rc;
}

int orl_store_copy(struct orl_store *from, struct orl_store *to,
        struct orl_store_copied *ret_copied, struct orl_err *err)
{
    struct orl_store_copied copied = {0};
    if (orl_db_kind(from->db) == ORL_DB_POSTGRES && orl_db_kind(to->db) == ORL_DB_POSTGRES) {
        return orl_err_set(err, ORL_E_UNSUPPORTED, "from PostgreSQL to PostgreSQL: by a backup");
    }
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(to, &tx, err);
    rc = rc < 0 ? rc : orl_db_begin_snapshot(from->db, err);
    if (rc < 0) {
        return rc;
    }
    rc = copy_all(from, to, &copied, err);
    orl_db_rollback(from->db, 0);
    rc = rc < 0 ? rc : orl_store_check(to, err);
    rc = rc < 0 ? rc : orl_store_tx_commit(&tx, err);
    if (rc == 0 && ret_copied != NULL) {
        *ret_copied = copied;
    }
    return rc;
}

/* Before SQLite opens it, which would let the store's group in. */
static int make_private(const char *path, struct orl_err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return orl_err_sys(err, errno, "backup %s", path);
    }
    close(fd);
    return 0;
}

int orl_store_backup(struct orl_store *store, const char *path, struct orl_err *err)
{
    char part[ORL_STORE_PATH_MAX + 16];
    struct orl_store *to = NULL;
    int len = snprintf(part, sizeof(part), "%s.part", path);
    if (len < 0 || (size_t)len >= sizeof(part)) {
        return orl_err_set(err, ORL_E_INVAL, "the path is too long");
    }
    if (access(path, F_OK) == 0) {
        return orl_err_set(err, ORL_E_EXISTS, "%s is there already", path);
    }
    (void)unlink(part);
    bool is_file = orl_db_kind(store->db) == ORL_DB_SQLITE;
    int rc = is_file ? orl_sqlite_copy(store->db, part, err) : make_private(part, err);
    rc = rc < 0 ? rc : orl_store_open(part, &to, err);
    rc = rc < 0 || is_file ? rc : orl_store_copy(store, to, NULL, err);
    rc = rc < 0 ? rc : orl_store_mark_copy(to, err);
    rc = rc < 0 ? rc : orl_db_lock_out(to->db, err); /* one file, without its journal */
    orl_store_close(to);
    if (rc == 0 && rename(part, path) < 0) {
        rc = orl_err_sys(err, errno, "%s", path);
    }
    if (rc < 0) {
        (void)unlink(part);
    }
    return rc;
}

static int open_alone(const char *target, struct orl_store **ret_store, struct orl_err *err)
{
    int rc = orl_store_open(target, ret_store, err);
    rc = rc < 0 ? rc : orl_db_lock_out((*ret_store)->db, err);
    return rc < 0 ? orl_err_prefix(err, "%s", target) : 0;
}

int orl_store_migrate(
        const char *from, const char *to, struct orl_store_copied *ret_copied, struct orl_err *err)
{
    ORL_AUTO(close_auto) struct orl_store *source = NULL;
    ORL_AUTO(close_auto) struct orl_store *target = NULL;
    if (orl_db_kind_of(from) == ORL_DB_SQLITE && access(from, F_OK) != 0) {
        return orl_err_sys(err, errno, "%s", from);
    }
    int rc = open_alone(from, &source, err);
    rc = rc < 0 ? rc : open_alone(to, &target, err);
    if (rc == 0 && strcmp(orl_store_installation(source), orl_store_installation(target)) == 0) {
        rc = orl_err_set(err, ORL_E_EXISTS, "both are the same store");
    }
    return rc < 0 ? rc : orl_store_copy(source, target, ret_copied, err);
}

/* TRUNCATE asks no row: the rules are about what programs do, not about a whole that is replaced. */
static int empty_postgres(struct orl_db *db, struct orl_db *names, struct orl_err *err)
{
    char table[TABLES_MAX][NAME_BYTES];
    unsigned count = 0;
    int rc = list_tables(names, table, &count, err);
    for (unsigned i = 0; rc == 0 && i < count; i++) {
        char sql[120];
        (void)snprintf(sql, sizeof(sql), "TRUNCATE %.63s CASCADE", table[i]);
        rc = orl_db_exec(db, sql, err);
    }
    return rc;
}

static int restore_postgres(struct orl_store *from, const char *to,
        struct orl_store_copied *ret_copied, struct orl_err *err)
{
    ORL_AUTO(close_auto) struct orl_store *target = NULL;
    int rc = open_alone(to, &target, err);
    if (rc < 0) {
        return rc;
    }
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    rc = orl_store_tx_begin(target, &tx, err);
    rc = rc < 0 ? rc : empty_postgres(target->db, from->db, err);
    rc = rc < 0 ? rc : orl_store_copy(from, target, ret_copied, err);
    rc = rc < 0 ? rc : orl_store_restored(target, orl_clock_wall_ms(), err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

/* Owner and mode are the old one's; where there is none, the owner is its folder's. */
static int like_old(const char *old, const char *made, struct orl_err *err)
{
    struct stat st;
    char folder[ORL_STORE_PATH_MAX + 16];
    if (stat(old, &st) < 0) {
        const char *slash = strrchr(old, '/');
        (void)snprintf(folder, sizeof(folder), "%.*s/.", slash != NULL ? (int)(slash - old) : 0,
                slash != NULL ? old : "");
        if (errno != ENOENT || stat(slash != NULL ? folder : ".", &st) < 0) {
            return orl_err_sys(err, errno, "%s", old);
        }
        st.st_mode = 0660;
    }
    if (chown(made, st.st_uid, st.st_gid) < 0 || chmod(made, st.st_mode & 07777U) < 0) {
        return orl_err_sys(err, errno, "%s", made);
    }
    return 0;
}

static int replace_file(const char *to, const char *made, struct orl_err *err)
{
    char before[ORL_STORE_PATH_MAX + 16];
    (void)snprintf(before, sizeof(before), "%s.before", to);
    int rc = like_old(to, made, err);
    if (rc < 0) {
        return rc;
    }
    (void)unlink(before);
    if (link(to, before) < 0 && errno != ENOENT) {
        return orl_err_sys(err, errno, "%s", before);
    }
    return rename(made, to) < 0 ? orl_err_sys(err, errno, "%s", to) : 0;
}

static int restore_file(struct orl_store *from, const char *to, struct orl_store_copied *ret_copied,
        struct orl_err *err)
{
    ORL_AUTO(close_auto) struct orl_store *old = NULL;
    ORL_AUTO(close_auto) struct orl_store *made = NULL;
    char path[ORL_STORE_PATH_MAX + 16];
    (void)snprintf(path, sizeof(path), "%s.restoring", to);
    int rc = access(to, F_OK) == 0 ? open_alone(to, &old, err) : 0;
    if (rc < 0) {
        return rc;
    }
    if (unlink(path) < 0 && errno != ENOENT) {
        return orl_err_sys(err, errno, "%s", path);
    }
    rc = orl_store_open(path, &made, err);
    rc = rc < 0 ? rc : orl_store_copy(from, made, ret_copied, err);
    rc = rc < 0 ? rc : orl_store_restored(made, orl_clock_wall_ms(), err);
    rc = rc < 0 ? rc : orl_db_lock_out(made->db, err);
    rc = rc < 0 ? rc : replace_file(to, path, err);
    if (rc < 0) {
        (void)unlink(path);
    }
    return rc;
}

int orl_store_restore(
        const char *file, const char *to, struct orl_store_copied *ret_copied, struct orl_err *err)
{
    ORL_AUTO(close_auto) struct orl_store *from = NULL;
    if (access(file, F_OK) != 0) {
        return orl_err_sys(err, errno, "%s", file);
    }
    int rc = open_alone(file, &from, err);
    rc = rc < 0 ? rc : orl_store_check(from, err);
    if (rc < 0) {
        return rc;
    }
    return orl_db_kind_of(to) == ORL_DB_POSTGRES ? restore_postgres(from, to, ret_copied, err)
                                                 : restore_file(from, to, ret_copied, err);
}
