#include "store/store.h"

#include "base/clock.h"
#include "tests/store/store_fixture.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777U;
}

static void files_are_for_owner_and_group(void **state)
{
    struct fixture *f = *state;
    if (f->is_postgres) {
        skip();
    }
    char path[100];
    assert_int_equal(mode_of(f->file), 0660);
    (void)snprintf(path, sizeof(path), "%s-wal", f->file);
    assert_int_equal(mode_of(path), 0660);
    (void)snprintf(path, sizeof(path), "%s-shm", f->file);
    assert_int_equal(mode_of(path), 0660);
}

static void the_installation_outlives_the_handle(void **state)
{
    struct fixture *f = *state;
    char first[ORL_UUID_LEN + 1];
    memcpy(first, orl_store_installation(f->store), sizeof(first));
    assert_true(orl_uuid_is_valid(first));
    orl_store_close(f->store);
    f->store = NULL;
    assert_ok(f, orl_store_open(f->path, &f->store, &f->err));
    assert_string_equal(orl_store_installation(f->store), first);
    assert_int_equal(orl_store_schema(f->store), orl_store_migration_count);
}

static void a_newer_schema_is_refused_and_left_alone(void **state)
{
    struct fixture *f = *state;
    int newer = orl_store_migration_count + 1;
    assert_ok(f, orl_db_schema_set(f->store->db, newer, &f->err));
    struct orl_store *other = NULL;
    assert_int_equal(orl_store_open(f->path, &other, &f->err), ORL_E_UNSUPPORTED);
    assert_null(other);
    assert_non_null(strstr(f->err.text, "newer"));
    int version = 0;
    assert_ok(f, orl_db_schema(f->store->db, &version, &f->err));
    assert_int_equal(version, newer);
}

static void a_failed_migration_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    char path[100];
    (void)snprintf(path, sizeof(path), "%s.copy", f->file);
    struct orl_db *db = NULL;
    assert_ok(f, orl_db_open(path, 100, &db, &f->err));
    /* In the way of the script, late: everything before it must be undone. */
    assert_ok(f, orl_db_exec(db, "CREATE TABLE audit (x INTEGER)", &f->err));
    struct orl_store *store = NULL;
    assert_int_equal(orl_store_open(path, &store, &f->err), ORL_E_BACKEND);
    assert_non_null(strstr(f->err.text, "migration 1"));
    int version = -1;
    assert_ok(f, orl_db_schema(db, &version, &f->err));
    assert_int_equal(version, 0);
    {
        ORL_DB_AUTO q = orl_db_query(db, "SELECT count(*) FROM sqlite_schema WHERE type = 'table'");
        assert_int_equal(orl_db_step(&q, &f->err), 1);
        assert_int_equal(orl_db_get_u64(&q), 1);
    }
    orl_db_close(db);
}

static void what_is_no_store_is_refused(void **state)
{
    struct fixture *f = *state;
    char path[100];
    (void)snprintf(path, sizeof(path), "%s.copy", f->file);
    FILE *file = fopen(path, "wx");
    assert_non_null(file);
    for (int i = 0; i < 300; i++) {
        assert_true(fputs("this is a letter, not a store\n", file) >= 0);
    }
    assert_int_equal(fclose(file), 0);
    struct orl_store *store = NULL;
    assert_int_equal(orl_store_open(path, &store, &f->err), ORL_E_BACKEND);
    assert_null(store);
    assert_int_equal(orl_store_open("/nonexistent/store.db", &store, &f->err), ORL_E_SYS);
}

static void transactions_nest(void **state)
{
    struct fixture *f = *state;
    struct orl_store_tx outer = {0};
    struct orl_store_tx inner = {0};
    assert_ok(f, orl_store_tx_begin(f->store, &outer, &f->err));
    assert_ok(f, orl_store_meta_set(f->store, "a", "1", &f->err));
    assert_ok(f, orl_store_tx_begin(f->store, &inner, &f->err));
    assert_ok(f, orl_store_meta_set(f->store, "b", "1", &f->err));
    orl_store_tx_end(&inner);
    assert_ok(f, orl_store_tx_begin(f->store, &inner, &f->err));
    assert_ok(f, orl_store_meta_set(f->store, "c", "1", &f->err));
    assert_ok(f, orl_store_tx_commit(&inner, &f->err));
    assert_ok(f, orl_store_tx_commit(&outer, &f->err));
    orl_store_tx_end(&outer);
    char value[8];
    assert_ok(f, orl_store_meta_get(f->store, "a", value, sizeof(value), &f->err));
    assert_ok(f, orl_store_meta_get(f->store, "c", value, sizeof(value), &f->err));
    assert_int_equal(
            orl_store_meta_get(f->store, "b", value, sizeof(value), &f->err), ORL_E_NOTFOUND);
}

static void an_outer_rollback_undoes_inner_commits(void **state)
{
    struct fixture *f = *state;
    struct orl_store_tx outer = {0};
    struct orl_store_tx inner = {0};
    assert_ok(f, orl_store_tx_begin(f->store, &outer, &f->err));
    assert_ok(f, orl_store_tx_begin(f->store, &inner, &f->err));
    assert_ok(f, orl_store_meta_set(f->store, "a", "1", &f->err));
    assert_ok(f, orl_store_tx_commit(&inner, &f->err));
    orl_store_tx_end(&outer);
    char value[8];
    assert_int_equal(
            orl_store_meta_get(f->store, "a", value, sizeof(value), &f->err), ORL_E_NOTFOUND);
}

static void the_stamp_never_goes_back(void **state)
{
    struct fixture *f = *state;
    uint64_t ms = 0;
    assert_ok(f, orl_store_stamp_set(f->store, 5000, &f->err));
    assert_ok(f, orl_store_stamp_set(f->store, 900, &f->err));
    assert_ok(f, orl_store_stamp(f->store, &ms, &f->err));
    assert_int_equal(ms, 5000);
    (void)fixture_ready_desktop(f, "demo");
    assert_ok(f, orl_store_stamp(f->store, &ms, &f->err));
    assert_int_equal(ms, f->now_ms);
}

static void the_generation_shows_another_ones_commit(void **state)
{
    struct fixture *f = *state;
    struct orl_store *other = NULL;
    assert_ok(f, orl_store_open(f->path, &other, &f->err));
    uint64_t a = 0;
    uint64_t b = 0;
    assert_ok(f, orl_store_generation(f->store, &a, &f->err));
    assert_ok(f, orl_store_generation(f->store, &b, &f->err));
    assert_int_equal(a, b);
    assert_ok(f, orl_store_meta_set(other, "a", "1", &f->err));
    assert_ok(f, orl_store_generation(f->store, &b, &f->err));
    assert_true(a != b);
    orl_store_close(other);
}

static void a_database_has_a_clock_and_a_file_has_none(void **state)
{
    struct fixture *f = *state;
    uint64_t ms = 0;
    int rc = orl_store_clock(f->store, &ms, &f->err);
    if (!f->is_postgres) {
        assert_int_equal(rc, ORL_E_UNSUPPORTED);
        return;
    }
    assert_ok(f, rc);
    uint64_t ours_ms = orl_clock_wall_ms(); /* of the same machine */
    assert_true(ms <= ours_ms + 60000 && ours_ms <= ms + 60000);
}

static void a_backup_is_a_store_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_ready_desktop(f, "demo");
    char path[100];
    (void)snprintf(path, sizeof(path), "%s.copy", f->file);
    assert_ok(f, orl_store_backup(f->store, path, &f->err));
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(orl_store_backup(f->store, path, &f->err), ORL_E_EXISTS);
    struct orl_store *copy = NULL;
    assert_ok(f, orl_store_open(path, &copy, &f->err));
    struct orl_desktop_row row;
    assert_ok(f, orl_desktop_get(copy, id.text, &row, &f->err));
    assert_ok(f, orl_store_check(copy, &f->err));
    orl_store_close(copy);
}

static void the_check_finds_what_no_row_shows(void **state)
{
    struct fixture *f = *state;
    struct orl_id session = fixture_active(f, "alice", "demo");
    assert_ok(f, orl_store_check(f->store, &f->err));
    assert_ok(f, orl_db_exec(f->store->db, "UPDATE session SET state = 'disconnected'", &f->err));
    assert_int_equal(orl_store_check(f->store, &f->err), ORL_E_BACKEND);
    assert_non_null(strstr(f->err.text, fixture_session(f, session.text).desktop));
}

static void texts_are_bound_never_spliced(void **state)
{
    struct fixture *f = *state;
    static const char evil[] = "x'); DELETE FROM meta; --";
    char value[sizeof(evil)];
    assert_ok(f, orl_store_meta_set(f->store, "evil", evil, &f->err));
    assert_ok(f, orl_store_meta_get(f->store, "evil", value, sizeof(value), &f->err));
    assert_string_equal(value, evil);
    char small[4];
    assert_int_equal(
            orl_store_meta_get(f->store, "evil", small, sizeof(small), &f->err), ORL_E_BACKEND);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(files_are_for_owner_and_group),
            CASE(the_installation_outlives_the_handle),
            CASE(a_newer_schema_is_refused_and_left_alone),
            CASE(a_failed_migration_leaves_nothing),
            CASE(what_is_no_store_is_refused),
            CASE(transactions_nest),
            CASE(an_outer_rollback_undoes_inner_commits),
            CASE(the_stamp_never_goes_back),
            CASE(the_generation_shows_another_ones_commit),
            CASE(a_database_has_a_clock_and_a_file_has_none),
            CASE(a_backup_is_a_store_of_its_own),
            CASE(the_check_finds_what_no_row_shows),
            CASE(texts_are_bound_never_spliced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
