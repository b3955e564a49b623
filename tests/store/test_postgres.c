/* What only PostgreSQL does: it is away, it comes back, it is the same schema. tests/store/with_postgres. */
#include "store/pool.h"
#include "store/store_postgres_priv.h"
#include "tests/store/store_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void pause_ms(long ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

/* All rows of one text column, a line each; to be freed. */
static char *lines_of(struct fixture *f, struct orl_db *db, const char *sql)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ORL_DB_AUTO q = orl_db_query_once(db, sql);
    int rc = 0;
    while ((rc = orl_db_step(&q, &f->err)) == 1) {
        (void)fprintf(out, "%s\n", orl_db_get_peek(&q));
    }
    assert_ok(f, rc);
    assert_int_equal(fclose(out), 0);
    assert_true(size > 0);
    return text;
}

static void assert_same_lines(
        struct fixture *f, struct orl_db *sqlite, const char *one, const char *other)
{
    char *a = lines_of(f, sqlite, one);
    char *b = lines_of(f, f->store->db, other);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

static void both_schemas_have_the_same(void **state)
{
    struct fixture *f = *state;
    struct orl_store *file = NULL;
    assert_ok(f, orl_store_open(f->file, &file, &f->err));
    assert_int_equal(orl_store_schema(file), orl_store_schema(f->store));
    assert_same_lines(f, file->db,
            "SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' '"
            " || coalesce(c.dflt_value, '-') FROM sqlite_schema m, pragma_table_info(m.name) c"
            " WHERE m.type = 'table' AND substr(m.name, 1, 7) <> 'sqlite_' AND c.pk = 0"
            " ORDER BY m.name, c.cid",
            "SELECT c.table_name || '.' || c.column_name || ' '"
            " || CASE c.data_type WHEN 'bigint' THEN 'INTEGER' WHEN 'text' THEN 'TEXT'"
            " ELSE c.data_type END || ' ' || CASE c.is_nullable WHEN 'NO' THEN 1 ELSE 0 END || ' '"
            " || coalesce(replace(c.column_default, '::text', ''), '-')"
            " FROM information_schema.columns c WHERE c.table_schema = current_schema()"
            " AND c.table_name <> 'schema_version' AND c.table_name NOT IN (SELECT v.table_name"
            " FROM information_schema.views v WHERE v.table_schema = c.table_schema)"
            " AND NOT EXISTS (SELECT 1"
            " FROM information_schema.key_column_usage k JOIN information_schema.table_constraints "
            "t"
            " USING (constraint_schema, constraint_name) WHERE t.constraint_type = 'PRIMARY KEY'"
            " AND k.table_schema = c.table_schema AND k.table_name = c.table_name"
            " AND k.column_name = c.column_name) ORDER BY c.table_name, c.ordinal_position");
    assert_same_lines(f, file->db,
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name",
            "SELECT DISTINCT trigger_name::text FROM information_schema.triggers"
            " WHERE trigger_schema = current_schema() AND trigger_name <> 'tells_others'"
            " ORDER BY 1");
    assert_same_lines(f, file->db,
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name",
            "SELECT indexname::text FROM pg_indexes i WHERE schemaname = current_schema()"
            " AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)"
            " ORDER BY 1");
    orl_store_close(file);
}

/* How many CHECKs, foreign keys and unique ones each table has: SQLite's are counted in its text. */
static void both_schemas_refuse_as_much(void **state)
{
    struct fixture *f = *state;
    struct orl_store *file = NULL;
    assert_ok(f, orl_store_open(f->file, &file, &f->err));
    assert_same_lines(f, file->db,
            "SELECT name || ' ' || ((length(sql) - length(replace(sql, 'CHECK (', ''))) / 7) || ' '"
            " || ((length(sql) - length(replace(sql, 'REFERENCES ', ''))) / 11)"
            " FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'"
            " ORDER BY name",
            "SELECT c.relname || ' ' || (SELECT count(*) FROM pg_constraint k"
            " WHERE k.conrelid = c.oid AND k.contype = 'c') || ' ' || (SELECT count(*)"
            " FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f') FROM pg_class c"
            " WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
            " AND c.relname <> 'schema_version' ORDER BY c.relname::text");
    orl_store_close(file);
}

static void end_connections(struct fixture *f)
{
    struct orl_db *db = NULL;
    assert_ok(f, orl_db_open(getenv("ORIEL_TEST_PG"), 10000, &db, &f->err));
    assert_ok(f, orl_db_exec(db,
                         "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                         " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
                         &f->err));
    orl_db_close(db);
}

static void a_lost_connection_is_made_again(void **state)
{
    struct fixture *f = *state;
    struct orl_pool_row pool;
    for (unsigned i = 0; i < 3; i++) {
        end_connections(f);
        assert_ok(f, orl_pool_get(f->store, "demo", &pool, &f->err));
        end_connections(f);
        assert_ok(f, orl_store_meta_set(f->store, "a", "1", &f->err));
        end_connections(f);
        (void)fixture_ready_desktop(f, "demo");
    }
    assert_ok(f, orl_store_check(f->store, &f->err));
}

static void a_transaction_is_lost_with_its_connection(void **state)
{
    struct fixture *f = *state;
    char value[8];
    {
        ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
        assert_ok(f, orl_store_tx_begin(f->store, &tx, &f->err));
        assert_ok(f, orl_store_meta_set(f->store, "a", "1", &f->err));
        end_connections(f);
        assert_int_equal(orl_store_meta_set(f->store, "b", "1", &f->err), ORL_E_TIMEOUT);
        /* Nothing sneaks in behind the transaction. */
        assert_int_equal(orl_store_meta_set(f->store, "c", "1", &f->err), ORL_E_TIMEOUT);
        assert_int_equal(orl_store_tx_commit(&tx, &f->err), ORL_E_TIMEOUT);
    }
    assert_int_equal(
            orl_store_meta_get(f->store, "a", value, sizeof(value), &f->err), ORL_E_NOTFOUND);
    assert_int_equal(
            orl_store_meta_get(f->store, "c", value, sizeof(value), &f->err), ORL_E_NOTFOUND);
}

/* Its end, seen from here: the socket is shut. */
static void end_own_connection(struct fixture *f)
{
    (void)shutdown(PQsocket(((struct orl_pg *)(void *)f->store->db)->conn), SHUT_RDWR);
}

static pid_t server_pid(void)
{
    char path[200];
    char line[32] = "";
    (void)snprintf(path, sizeof(path), "%s/data/postmaster.pid", getenv("ORIEL_TEST_PG_FOLDER"));
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    (void)!fgets(line, sizeof(line), file);
    (void)fclose(file);
    return (pid_t)strtol(line, NULL, 10);
}

static void the_server_may_die(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_active(f, "alice", "demo");
    pid_t pid = server_pid();
    assert_true(pid > 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    /* What it did before it died is unknown, and repeating an end is safe. */
    unsigned away = 0;
    while (server_pid() == pid || server_pid() == 0 ||
            orl_session_end(f->store, id.text, ORL_REASON_LOGGED_OFF, "t", f->now_ms, &f->err) <
                    0) {
        if (away++ == 1200) {
            fail_msg("%s", f->err.text);
        }
        pause_ms(50);
    }
    assert_int_equal(fixture_session(f, id.text).state, ORL_SESSION_ENDED);
    assert_int_equal(
            fixture_number(f, "SELECT count(*) FROM audit WHERE action = 'session.end'"), 1);
    assert_ok(f, orl_store_check(f->store, &f->err));
}

static void while_it_is_away_every_call_says_so_at_once(void **state)
{
    struct fixture *f = *state;
    struct orl_pool_row pool;
    pid_t pid = server_pid();
    assert_int_equal(kill(pid, SIGSTOP), 0); /* takes no connection */
    end_own_connection(f);
    unsigned refused = 0;
    for (unsigned i = 0; i < 3; i++) {
        refused += orl_pool_get(f->store, "demo", &pool, &f->err) == ORL_E_TIMEOUT;
        assert_non_null(strstr(f->err.text, "away"));
    }
    assert_int_equal(kill(pid, SIGCONT), 0);
    assert_int_equal(refused, 3);
    unsigned away = 0;
    while (orl_pool_get(f->store, "demo", &pool, &f->err) < 0) {
        assert_true(away++ < 600);
        pause_ms(20);
    }
}

static void who_waits_too_long_for_the_writer_is_told(void **state)
{
    struct fixture *f = *state;
    struct orl_db *other = NULL;
    assert_ok(f, orl_db_open(f->path, 200, &other, &f->err));
    {
        ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
        assert_ok(f, orl_store_tx_begin(f->store, &tx, &f->err));
        assert_int_equal(orl_db_begin(other, 0, &f->err), ORL_E_TIMEOUT);
        ORL_DB_AUTO q = orl_db_query(other, "UPDATE meta SET value = '1' WHERE key = 'x'");
        assert_int_equal(orl_db_run(&q, &f->err), ORL_E_TIMEOUT);
        /* Who only reads waits for nobody. */
        ORL_DB_AUTO reader = orl_db_query(other, "SELECT 1 FROM meta WHERE key = 'stamp'");
        assert_int_equal(orl_db_step(&reader, &f->err), 1);
    }
    assert_ok(f, orl_db_begin(other, 0, &f->err));
    orl_db_rollback(other, 0);
    orl_db_close(other);
}

static void a_claim_does_not_wait_for_a_row_that_is_held(void **state)
{
    struct fixture *f = *state;
    struct orl_id held = fixture_ready_desktop(f, "demo");
    struct orl_id next = fixture_ready_desktop(f, "demo");
    struct orl_db *admin = NULL;
    char script[120];
    (void)snprintf(script, sizeof(script),
            "BEGIN; SELECT 1 FROM desktop WHERE id = '%s' FOR UPDATE", held.text);
    assert_ok(f, orl_db_open(f->path, 200, &admin, &f->err));
    assert_ok(f, orl_db_exec(admin, script, &f->err));
    struct orl_id session = fixture_wait(f, "alice", "demo", 7);
    struct orl_desktop_row row;
    assert_ok(f, orl_session_claim(f->store, session.text, ++f->now_ms, &row, &f->err));
    assert_string_equal(row.id, next.text);
    assert_ok(f, orl_db_exec(admin, "ROLLBACK", &f->err));
    orl_db_close(admin);
}

static void a_refused_statement_does_not_cost_the_transaction(void **state)
{
    struct fixture *f = *state;
    char value[8];
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    assert_ok(f, orl_store_tx_begin(f->store, &tx, &f->err));
    assert_ok(f, orl_store_meta_set(f->store, "a", "1", &f->err));
    {
        ORL_DB_AUTO q = orl_db_query(f->store->db, "INSERT INTO meta VALUES ('a', '2')");
        assert_int_equal(orl_db_run(&q, &f->err), ORL_E_EXISTS);
    }
    assert_ok(f, orl_store_tx_commit(&tx, &f->err));
    assert_ok(f, orl_store_meta_get(f->store, "a", value, sizeof(value), &f->err));
    assert_string_equal(value, "1");
}

static void a_password_in_the_address_is_refused_and_not_repeated(void **state)
{
    struct fixture *f = *state;
    static const char *const addresses[] = {"postgresql://oriel:hush@127.0.0.1/oriel",
            "host=/nonexistent password=hush", "postgresql://127.0.0.1/oriel?password=hush"};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        struct orl_store *store = NULL;
        assert_int_equal(orl_store_open(addresses[i], &store, &f->err), ORL_E_CONFIG);
        assert_null(strstr(f->err.text, "hush"));
    }
}

static void any_bytes_become_text(void **state)
{
    struct fixture *f = *state;
    char value[32];
    assert_ok(f, orl_store_meta_set(f->store, "bytes", "a\xff\xc3(\xf0\x9f\x99\x82z", &f->err));
    assert_ok(f, orl_store_meta_get(f->store, "bytes", value, sizeof(value), &f->err));
    assert_string_equal(value, "a?"
                               "?(\xf0\x9f\x99\x82z");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    if (getenv("ORIEL_TEST_PG") == NULL) {
        (void)fprintf(stderr, "run by tests/store/with_postgres\n");
        return 1;
    }
    const struct CMUnitTest tests[] = {
            CASE(both_schemas_have_the_same),
            CASE(both_schemas_refuse_as_much),
            CASE(a_lost_connection_is_made_again),
            CASE(a_transaction_is_lost_with_its_connection),
            CASE(the_server_may_die),
            CASE(while_it_is_away_every_call_says_so_at_once),
            CASE(who_waits_too_long_for_the_writer_is_told),
            CASE(a_claim_does_not_wait_for_a_row_that_is_held),
            CASE(a_refused_statement_does_not_cost_the_transaction),
            CASE(a_password_in_the_address_is_refused_and_not_repeated),
            CASE(any_bytes_become_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
