/* The whole store moved: store/store_copy.h. With ORIEL_TEST_PG the fixture's store is PostgreSQL's. */
#include "store/audit.h"
#include "store/store_copy.h"
#include "store/user.h"
#include "tests/store/store_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void copy_name(const struct fixture *f, char ret_path[100])
{
    (void)snprintf(ret_path, 100, "%s.copy", f->file);
}

static void a_backup_has_every_row(void **state)
{
    struct fixture *f = *state;
    struct orl_id session = fixture_active(f, "alice", "demo");
    (void)fixture_active(f, "bob", "own");
    char path[100];
    copy_name(f, path);
    assert_ok(f, orl_store_backup(f->store, path, &f->err));
    struct orl_store *copy = NULL;
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777U, 0600);
    assert_ok(f, orl_store_open(path, &copy, &f->err));
    assert_ok(f, orl_store_check(copy, &f->err));
    assert_string_equal(orl_store_installation(copy), orl_store_installation(f->store));
    struct orl_session_row row;
    assert_ok(f, orl_session_get(copy, session.text, &row, &f->err));
    assert_string_equal(row.desktop, fixture_session(f, session.text).desktop);
    orl_store_close(copy);
}

static void a_restore_brings_the_old_state_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    struct orl_id before = fixture_ready_desktop(f, "demo");
    char installation[ORL_UUID_LEN + 1];
    memcpy(installation, orl_store_installation(f->store), sizeof(installation));
    uint64_t stamp_ms = 0;
    assert_ok(f, orl_store_stamp(f->store, &stamp_ms, &f->err));
    char path[100];
    copy_name(f, path);
    assert_ok(f, orl_store_backup(f->store, path, &f->err));
    struct orl_id after = fixture_ready_desktop(f, "demo");
    orl_store_close(f->store);
    f->store = NULL;

    struct orl_store_copied copied = {0};
    assert_ok(f, orl_store_restore(path, f->path, &copied, &f->err));
    assert_true(copied.tables > 10 && copied.rows > 10);
    assert_ok(f, orl_store_open(f->path, &f->store, &f->err));
    struct orl_desktop_row row;
    assert_ok(f, orl_desktop_get(f->store, before.text, &row, &f->err));
    assert_int_equal(orl_desktop_get(f->store, after.text, &row, &f->err), ORL_E_NOTFOUND);
    assert_string_equal(orl_store_installation(f->store), installation);
    /* By its stamp vmpool knows that it is older than its machines. */
    uint64_t restored_ms = 0;
    assert_ok(f, orl_store_stamp(f->store, &restored_ms, &f->err));
    assert_int_equal(restored_ms, stamp_ms);
    /* The audit counts on, and the rules are as before. */
    (void)fixture_active(f, "carol", "demo");
    assert_ok(f, orl_store_check(f->store, &f->err));
    assert_int_equal(
            orl_db_exec(f->store->db, "UPDATE desktop SET version = 1", &f->err), ORL_E_DENIED);
}

static void nothing_is_replaced_while_programs_run(void **state)
{
    struct fixture *f = *state;
    char path[100];
    copy_name(f, path);
    assert_ok(f, orl_store_backup(f->store, path, &f->err));
    struct orl_id id = fixture_ready_desktop(f, "demo");
    assert_int_equal(orl_store_restore(path, f->path, NULL, &f->err), ORL_E_CONFLICT);
    struct orl_desktop_row row;
    assert_ok(f, orl_desktop_get(f->store, id.text, &row, &f->err));
}

static void what_is_no_backup_replaces_nothing(void **state)
{
    struct fixture *f = *state;
    char path[100];
    copy_name(f, path);
    FILE *file = fopen(path, "wxe");
    assert_non_null(file);
    assert_true(fputs("this is a letter", file) >= 0);
    assert_int_equal(fclose(file), 0);
    struct orl_id id = fixture_ready_desktop(f, "demo");
    orl_store_close(f->store);
    f->store = NULL;
    assert_true(orl_store_restore(path, f->path, NULL, &f->err) < 0);
    assert_ok(f, orl_store_open(f->path, &f->store, &f->err));
    struct orl_desktop_row row;
    assert_ok(f, orl_desktop_get(f->store, id.text, &row, &f->err));
}

/* SQLite to PostgreSQL and back, or SQLite to SQLite: nothing is lost on the way. */
static void a_migration_there_and_back_is_the_same(void **state)
{
    struct fixture *f = *state;
    struct orl_id session = fixture_active(f, "alice", "demo");
    uint64_t rows = fixture_number(f, "SELECT count(*) FROM audit");
    char path[100];
    copy_name(f, path);
    assert_int_equal(orl_store_migrate(f->path, path, NULL, &f->err), ORL_E_CONFLICT);
    orl_store_close(f->store);
    f->store = NULL;
    struct orl_store_copied there = {0};
    struct orl_store_copied back = {0};
    assert_ok(f, orl_store_migrate(f->path, path, &there, &f->err));
    assert_int_equal(orl_store_migrate(f->path, path, NULL, &f->err), ORL_E_EXISTS);
    fixture_empty(f);
    assert_ok(f, orl_store_migrate(path, f->path, &back, &f->err));
    assert_int_equal(there.rows, back.rows);
    assert_int_equal(there.tables, back.tables);
    assert_ok(f, orl_store_open(f->path, &f->store, &f->err));
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM audit"), rows);
    assert_int_equal(fixture_session(f, session.text).state, ORL_SESSION_ACTIVE);
    assert_ok(f, orl_session_end(
                         f->store, session.text, ORL_REASON_LOGGED_OFF, "t", ++f->now_ms, &f->err));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(a_backup_has_every_row),
            CASE(a_restore_brings_the_old_state_and_nothing_else),
            CASE(nothing_is_replaced_while_programs_run),
            CASE(what_is_no_backup_replaces_nothing),
            CASE(a_migration_there_and_back_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
