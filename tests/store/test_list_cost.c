/* What a page of a list costs SQLite, in steps of its machine: as much among many rows as among few. */
#include "store/desktop.h"
#include "store/pool.h"
#include "tests/store/store_fixture.h"
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

enum { FEW = 40, MANY = 4000, OF_POOL = 20, PAGE = 10 };

struct meter {
    struct fixture *f;
    unsigned rows;
    uint64_t steps;
    uint64_t sorts;
};

static sqlite3 *newest; /* the connection that was opened last */

static int on_open(sqlite3 *db, const char **err, const struct sqlite3_api_routines *routines)
{
    (void)err;
    (void)routines;
    newest = db;
    return SQLITE_OK;
}

static int set_up(void **state)
{
    if (sqlite3_auto_extension((void (*)(void))on_open) != SQLITE_OK) {
        return -1;
    }
    return fixture_set_up(state);
}

static int on_profile(unsigned kind, void *ctx, void *statement, void *time)
{
    struct meter *meter = ctx;
    (void)kind;
    (void)time;
    meter->steps += (unsigned)sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
    meter->sorts += (unsigned)sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_SORT, 1);
    return 0;
}

/* As a script of statements: each row of n is one to be made. */
static void insert(struct fixture *f, const char *what, unsigned first, unsigned last)
{
    char sql[2048];
    int len = snprintf(sql, sizeof(sql),
            "WITH RECURSIVE n (i) AS (SELECT %u UNION ALL SELECT i + 1 FROM n WHERE i < %u) %s",
            first, last, what);
    assert_true(len > 0 && (size_t)len < sizeof(sql));
    assert_ok(f, orl_db_exec(f->store->db, sql, &f->err));
}

#define PERSON "'p' || (i / 2)"
#define POOL "'pool' || (i / 20)"

/* Every other desktop is in use; a tenth of the sessions has ended. */
static void fill(struct fixture *f, unsigned first, unsigned last)
{
    struct orl_pool_row pool = {.kind = ORL_POOL_STATIC, .max_desktops = OF_POOL};
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    assert_ok(f, orl_store_tx_begin(f->store, &tx, &f->err));
    for (unsigned i = first / OF_POOL; i <= last / OF_POOL; i++) {
        (void)snprintf(pool.name, sizeof(pool.name), "pool%u", i);
        int rc = orl_pool_insert(f->store, &pool, f->now_ms, &f->err);
        assert_true(rc == 0 || rc == ORL_E_EXISTS);
    }
    insert(f,
            "INSERT INTO desktop (id, pool, host, version, kind, lease, power, want, is_tainted,"
            " is_ready, is_maintenance, user_name, session, uuid, domain, overlay, vnc_target,"
            " vnc_password, reason, reason_text, attempts, retry_ms, created_ms, changed_ms,"
            " ready_ms, template, template_version) SELECT printf('%032x', i), " POOL
            ", '', 1, 'static',"
            " iif(i % 2, 'in_use', 'free'), 'running', 'run', i % 2, 1, 0, iif(i % 2, " PERSON
            ", ''), iif(i % 2, printf('%032x', i), ''), '', 'machine' || i, '', '', '', '', '',"
            " 0, 0, i, i, 0, 'tiny', 1 FROM n",
            first, last);
    insert(f,
            "INSERT INTO session (id, user_name, pool, desktop, desktop_version, state, protocol,"
            " client, client_name, ticket, gateway, conn, started_ms, lease_until_ms,"
            " disconnected_ms, ended_ms, reason, stats) SELECT printf('%032x', i), " PERSON
            ", " POOL ", printf('%032x', i), 1, iif(i % 2, 'active',"
            " 'ended'), 1, '', '', '', '', i, i, 0, 0, 0, '', '' FROM n WHERE i % 2 OR"
            " i % 10 = 0",
            first, last);
    assert_ok(f, orl_store_tx_commit(&tx, &f->err));
}

static int count_desktop(void *ctx, const struct orl_desktop_row *row)
{
    (void)row;
    ((struct meter *)ctx)->rows++;
    return 0;
}

static int count_session(void *ctx, const struct orl_session_row *row)
{
    (void)row;
    ((struct meter *)ctx)->rows++;
    return 0;
}

static void desktops(struct meter *m, struct orl_desktop_filter filter)
{
    filter.page.max_count = PAGE;
    assert_ok(m->f, orl_desktop_list(m->f->store, &filter, count_desktop, m, &m->f->err));
}

static void sessions(struct meter *m, struct orl_session_filter filter)
{
    filter.page.max_count = PAGE;
    assert_ok(m->f, orl_session_list(m->f->store, &filter, count_session, m, &m->f->err));
}

static void desktops_first_page(struct meter *m)
{
    desktops(m, (struct orl_desktop_filter){0});
}

static void desktops_last_page(struct meter *m)
{
    desktops(m, (struct orl_desktop_filter){.page.after = "25/0"});
}

static void desktops_of_a_person(struct meter *m)
{
    desktops(m, (struct orl_desktop_filter){.user = "p10"});
}

static void desktops_of_a_pool(struct meter *m)
{
    desktops(m, (struct orl_desktop_filter){.pool = "pool1"});
}

static void sessions_first_page(struct meter *m)
{
    sessions(m, (struct orl_session_filter){.is_live = true});
}

static void sessions_of_all_times(struct meter *m)
{
    sessions(m, (struct orl_session_filter){0});
}

static void sessions_of_a_person(struct meter *m)
{
    sessions(m, (struct orl_session_filter){.user = "p10", .is_live = true});
}

static void sessions_a_person_had(struct meter *m)
{
    sessions(m, (struct orl_session_filter){.user = "p10"});
}

static void session_of_a_desktop(struct meter *m)
{
    sessions(m, (struct orl_session_filter){
                        .desktop = "00000000000000000000000000000015", .is_live = true});
}

static void counts_of_a_pool(struct meter *m)
{
    struct orl_desktop_counts counts;
    assert_ok(m->f, orl_desktop_count(m->f->store, "pool1", &counts, &m->f->err));
    assert_int_equal(counts.total, OF_POOL);
    assert_int_equal(counts.given, OF_POOL / 2);
    assert_int_equal(counts.ready, OF_POOL / 2);
    m->rows = counts.total;
}

static int count_version(void *ctx, const struct orl_desktop_version *count)
{
    ((struct meter *)ctx)->rows += count->desktops;
    return 0;
}

static void versions_of_a_pool(struct meter *m)
{
    assert_ok(m->f, orl_desktop_versions(m->f->store, "pool1", count_version, m, &m->f->err));
}

static void line_of_a_pool(struct meter *m)
{
    assert_int_equal(orl_session_count_waiting(m->f->store, "pool1", &m->f->err), 0);
    m->rows = 1;
}

static const struct {
    const char *name;
    void (*look)(struct meter *m);
    unsigned rows;
} lists[] = {
        {"desktops", desktops_first_page, PAGE},
        {"desktops, after some", desktops_last_page, PAGE},
        {"desktops of a person", desktops_of_a_person, 1},
        {"desktops of a pool", desktops_of_a_pool, PAGE},
        {"sessions", sessions_first_page, PAGE},
        {"sessions of all times", sessions_of_all_times, PAGE},
        {"sessions of a person", sessions_of_a_person, 1},
        {"sessions a person had", sessions_a_person_had, 2},
        {"session of a desktop", session_of_a_desktop, 1},
        {"counts of a pool", counts_of_a_pool, OF_POOL},
        {"versions of a pool", versions_of_a_pool, OF_POOL},
        {"line of a pool", line_of_a_pool, 1},
};
enum { LISTS = sizeof(lists) / sizeof(lists[0]) };

static struct meter measure(struct fixture *f, unsigned list)
{
    struct meter meter = {.f = f};
    assert_int_equal(sqlite3_trace_v2(newest, SQLITE_TRACE_PROFILE, on_profile, &meter), SQLITE_OK);
    lists[list].look(&meter);
    assert_int_equal(sqlite3_trace_v2(newest, 0, NULL, NULL), SQLITE_OK);
    assert_int_equal(meter.rows, lists[list].rows);
    assert_true(meter.steps > 0);
    return meter;
}

static void a_page_costs_the_same_among_many(void **state)
{
    struct fixture *f = *state;
    if (f->is_postgres) {
        skip();
    }
    struct meter few[LISTS];
    fill(f, 1, FEW);
    for (unsigned i = 0; i < LISTS; i++) {
        few[i] = measure(f, i);
    }
    fill(f, FEW + 1, MANY);
    for (unsigned i = 0; i < LISTS; i++) {
        struct meter many = measure(f, i);
        if (many.steps > 2 * few[i].steps || many.sorts > few[i].sorts) {
            fail_msg("%s: %llu steps and %llu sorts among %u, %llu and %llu among %u",
                    lists[i].name, (unsigned long long)many.steps, (unsigned long long)many.sorts,
                    MANY, (unsigned long long)few[i].steps, (unsigned long long)few[i].sorts, FEW);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(
                    a_page_costs_the_same_among_many, set_up, fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
