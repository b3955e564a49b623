/* Several processes on one store: claims at the same moment, opening a new store at the same moment. */
#include "tests/store/store_fixture.h"

#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 4
#define DESKTOPS 24
#define FIRST_UID 61000U
#define SHARED_GID 61100U

/* The parent's handle is closed before forking: SQLite handles do not cross a fork. */
static void close_store(struct fixture *f)
{
    orl_store_close(f->store);
    f->store = NULL;
}

static void reopen(struct fixture *f)
{
    assert_ok(f, orl_store_open(f->path, &f->store, &f->err));
}

static int claim_all(const char *path, unsigned number)
{
    struct orl_store *store = NULL;
    if (orl_store_open(path, &store, NULL) < 0) {
        return 2;
    }
    int rc = 0;
    for (unsigned i = 0; rc == 0; i++) {
        struct orl_session_row row = {.pool = "demo"};
        (void)snprintf(row.user, sizeof(row.user), "user-%u-%u", number, i);
        struct orl_id id;
        struct orl_desktop_row desktop;
        rc = orl_session_insert(store, &row, 1, 1, &id, NULL);
        rc = rc < 0 ? rc : orl_session_claim(store, id.text, 1, &desktop, NULL);
    }
    orl_store_close(store);
    return rc == ORL_E_NOTFOUND ? 0 : 1;
}

static int open_one(const char *path, unsigned number)
{
    (void)number;
    struct orl_store *store = NULL;
    int rc = orl_store_open(path, &store, NULL);
    orl_store_close(store);
    return rc < 0 ? 1 : 0;
}

/* All children start together, when the parent closes its end. */
static void run_together(struct fixture *f, int (*fn)(const char *path, unsigned number))
{
    int gate[2];
    assert_int_equal(pipe(gate), 0);
    pid_t pids[PROCESSES];
    for (unsigned i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            char byte;
            close(gate[1]);
            _exit(read(gate[0], &byte, 1) < 0 ? 3 : fn(f->path, i));
        }
    }
    close(gate[0]);
    close(gate[1]);
    for (unsigned i = 0; i < PROCESSES; i++) {
        int status = 0;
        assert_true(pids[i] > 0);
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
}

static void no_desktop_is_given_twice(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < DESKTOPS; i++) {
        (void)fixture_ready_desktop(f, "demo");
    }
    close_store(f);
    run_together(f, claim_all);
    reopen(f);
    assert_ok(f, orl_store_check(f->store, &f->err));
    assert_int_equal(
            fixture_number(f, "SELECT count(*) FROM desktop WHERE lease = 'assigned'"), DESKTOPS);
    assert_int_equal(fixture_number(f, "SELECT count(DISTINCT user_name) FROM desktop"), DESKTOPS);
    assert_int_equal(fixture_number(f, "SELECT count(DISTINCT desktop) FROM session"
                                       " WHERE desktop <> ''"),
            DESKTOPS);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM audit"
                                       " WHERE action = 'desktop.claim'"),
            DESKTOPS);
    assert_int_equal(fixture_number(f, "SELECT max(version) FROM desktop"), 2);
}

static void a_new_store_is_made_once(void **state)
{
    struct fixture *f = *state;
    close_store(f);
    for (unsigned round = 0; round < 5; round++) {
        fixture_empty(f);
        run_together(f, open_one);
        reopen(f);
        assert_int_equal(
                fixture_number(f, "SELECT count(*) FROM meta WHERE key = 'installation'"), 1);
        close_store(f);
    }
}

static int open_as(const char *path, unsigned number)
{
    /* Processes 0 and 1 have the group, 2 and 3 do not. */
    gid_t groups[] = {SHARED_GID};
    if (setgroups(number < 2 ? 1 : 0, groups) < 0 || setgid(FIRST_UID + number) < 0 ||
            setuid(FIRST_UID + number) < 0) {
        return 4;
    }
    struct orl_store *store = NULL;
    int rc = orl_store_open(path, &store, NULL);
    rc = rc < 0 ? rc : orl_store_stamp_set(store, number, NULL);
    orl_store_close(store);
    return (rc == 0) == (number < 2) ? 0 : 5;
}

static void users_of_one_group_share_it_and_nobody_else(void **state)
{
    struct fixture *f = *state;
    if (geteuid() != 0 || f->is_postgres) {
        skip();
    }
    close_store(f);
    fixture_remove(f);
    assert_int_equal(mkdir(f->folder, 0700), 0);
    assert_int_equal(chown(f->folder, 0, SHARED_GID), 0);
    assert_int_equal(chmod(f->folder, 02771), 0);
    run_together(f, open_as);
    reopen(f);
    assert_ok(f, orl_store_check(f->store, &f->err));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(no_desktop_is_given_twice),
            CASE(a_new_store_is_made_once),
            CASE(users_of_one_group_share_it_and_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
