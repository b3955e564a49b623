/* Rows that somebody wrote by hand, past the broker's checks: read as far as they can be, said, and repaired with
 * one command. */
#include "bad_world.h"
#include "base/log.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SETTLED_S = 60 };

#define SET(what) "UPDATE pool SET " what " WHERE name = 'floating'"

/* With each the pool says so, the other pool goes on, and setting what it was before is enough. */
static void nonsense_in_a_pools_row_is_its_alarm_and_only_its(void **state)
{
    static const struct {
        const char *sql;
        enum orl_reason reason; /* NONE: it can be lived with */
    } rows[] = {
            {SET("max_desktops = 0"), ORL_REASON_POOL_LIMITS},
            {SET("max_desktops = -1"), ORL_REASON_POOL_LIMITS},
            {SET("spares = 99999999999"), ORL_REASON_POOL_LIMITS},
            {SET("spares_suspended = 4294967295"), ORL_REASON_POOL_LIMITS},
            {SET("schedule = 'every day from nine to five'"), ORL_REASON_POOL_LIMITS},
            {SET("schedule = 'mon-fri 25:00-99:00 spares=4'"), ORL_REASON_POOL_LIMITS},
            {SET("spare_max_age_s = -5"), ORL_REASON_NONE},
            {SET("hook_deadline_s = 99999999999"), ORL_REASON_NONE},
            {SET("disconnect_timeout_s = -7200"), ORL_REASON_NONE},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct orl_pool_row before = bad_pool(w, "floating");
        bad_edit(w, rows[i].sql);
        world_calm(w, SETTLED_S);
        struct orl_pool_row now = bad_pool(w, "floating");
        if (now.problem != rows[i].reason) {
            fail_msg("%s: %s %s", rows[i].sql, orl_reason_code(now.problem), now.problem_text);
        }
        assert_int_equal(bad_count_ready(w, "dedicated"), 1);
        assert_int_equal(bad_has_alarm(w, ORL_REASON_POOL_LIMITS, "pool:floating"),
                rows[i].reason == ORL_REASON_POOL_LIMITS);
        assert_true(w->fake.count < 60);
        now.problem = ORL_REASON_NONE;
        bad_set(w, &before); /* oriel pool set */
        bad_minutes(w, 5);
        assert_int_equal(bad_count_ready(w, "floating"), 2);
        assert_int_equal(bad_pool(w, "floating").problem, ORL_REASON_NONE);
        assert_int_equal(bad_count_alarms(w), 0);
        w->fault[0] = '\0'; /* it counts by the maximum that it knows */
    }
}

/* Said when somebody wants one: those that run go on. */
static void memory_or_a_network_that_nobody_has_is_the_pools_alarm(void **state)
{
    static const struct {
        const char *sql;
        enum orl_reason reason;
    } rows[] = {
            {SET("memory_mib = 4000000000"), ORL_REASON_HOST_FULL},
            {SET("cpu_cap_percent = 4000000000"), ORL_REASON_POOL_LIMITS},
            {SET("disk_iops = 1"), ORL_REASON_POOL_LIMITS},
            {SET("template = 'none'"), ORL_REASON_TEMPLATE_MISSING},
            {SET("template_version = 77"), ORL_REASON_TEMPLATE_MISSING},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char user[8];
        struct orl_pool_row before = bad_pool(w, "floating");
        (void)snprintf(user, sizeof user, "u%zu", i);
        bad_edit(w, rows[i].sql);
        struct orl_desktop_row row = bad_give(w, "floating", user);
        unsigned calls = w->fake.clone_calls;
        bad_minutes(w, 5);
        struct orl_pool_row now = bad_pool(w, "floating");
        if (now.problem != rows[i].reason) {
            fail_msg("%s: %s %s", rows[i].sql, orl_reason_code(now.problem), now.problem_text);
        }
        assert_true(bad_has_alarm(w, rows[i].reason, "pool:floating"));
        assert_int_equal(w->fake.clone_calls, calls);
        assert_int_equal(bad_row(w, row.id).lease, ORL_LEASE_IN_USE);
        assert_int_equal(bad_count_ready(w, "dedicated"), 1);
        bad_set(w, &before);
        struct orl_session_row session;
        assert_int_equal(orl_session_find(w->store, user, "floating", &session, NULL), 0);
        assert_int_equal(orl_session_end(w->store, session.id, ORL_REASON_LOGGED_OFF, "test",
                                 w->now_ms, NULL),
                0);
        bad_minutes(w, 20);
        assert_int_equal(bad_count_ready(w, "floating"), 2);
        assert_int_equal(bad_count_alarms(w), 0);
    }
    assert_string_equal(w->fault, "");
}

/* The store's own checks: such a row can't be written at all. */
static void what_the_store_does_not_know_it_does_not_take(void **state)
{
    static const char *const edits[] = {
            "UPDATE pool SET network = 'internet' WHERE name = 'floating'",
            "UPDATE pool SET clone_method = 'magic' WHERE name = 'floating'",
            "UPDATE pool SET kind = 'none' WHERE name = 'floating'",
            "UPDATE pool SET max_per_user = 0 WHERE name = 'floating'",
            "UPDATE desktop SET power = 'cloned'",
            "UPDATE desktop SET lease = 'in_use'",
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        assert_int_equal(bad_try_edit(w, edits[i]), ORL_E_DENIED);
    }
}

/* Names before and after "floating". */
static void as_many_pools_as_a_site_may_have_are_served(void **state)
{
    struct world *w = *state;
    struct orl_pool_row pool = {.kind = ORL_POOL_STATIC};
    struct orl_store_tx tx = {0};
    assert_int_equal(orl_store_tx_begin(w->store, &tx, NULL), 0);
    for (unsigned i = 0; i < ORL_POOLS_MAX - 10; i++) {
        (void)snprintf(pool.name, sizeof pool.name, "%c-%u", i % 2 == 0 ? 'a' : 'z', i);
        assert_int_equal(orl_pool_insert(w->store, &pool, 1, NULL), 0);
    }
    assert_int_equal(orl_store_tx_commit(&tx, NULL), 0);
    struct orl_pool_row floating;
    assert_int_equal(orl_pool_get(w->store, "floating", &floating, NULL), 0);
    floating.spares = 3;
    floating.max_desktops = 5;
    assert_int_equal(orl_pool_update(w->store, &floating, NULL), 0);
    world_calm(w, 2 * SETTLED_S);
    struct orl_desktop_counts counts;
    assert_int_equal(orl_desktop_count(w->store, "floating", &counts, NULL), 0);
    assert_int_equal(counts.ready, 3);
    (void)snprintf(floating.name, sizeof floating.name, "zz");
    floating.spares = 0;
    assert_int_equal(orl_pool_insert(w->store, &floating, w->now_ms, NULL), 0);
    bad_edit(w, "UPDATE pool SET schedule = 'never' WHERE name = 'zz'");
    world_calm(w, SETTLED_S);
    assert_true(bad_has_alarm(w, ORL_REASON_POOL_LIMITS, "pool:zz"));
    assert_string_equal(w->fault, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            WITH_WORLD(nonsense_in_a_pools_row_is_its_alarm_and_only_its),
            WITH_WORLD(memory_or_a_network_that_nobody_has_is_the_pools_alarm),
            WITH_WORLD(what_the_store_does_not_know_it_does_not_take),
            WITH_WORLD(as_many_pools_as_a_site_may_have_are_served),
    };
    orl_log_set_level(ORL_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
