/* Stories of spares on the calm world of pool_world.h: new versions, sleep, schedule, forecast. */
#include "base/log.h"
#include "pool_world.h"
#include "store/forecast.h"
#include "store/pool.h"
#include "store/template.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { SETTLED_S = 60, LEASE_MS = 99999999 };

static struct orl_pool_row pool_of(struct world *w, const char *name)
{
    struct orl_pool_row pool;
    assert_int_equal(orl_pool_get(w->store, name, &pool, NULL), 0);
    return pool;
}

static void set(struct world *w, const struct orl_pool_row *pool)
{
    struct orl_err err = {0};
    if (orl_pool_update(w->store, pool, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

struct census {
    const char *pool;
    uint32_t of[8], asleep, ready; /* of: free ones by version */
};

static int take_census(void *ctx, const struct orl_desktop_row *row)
{
    struct census *census = ctx;
    if (strcmp(row->pool, census->pool) == 0 && row->lease == ORL_LEASE_FREE) {
        census->of[row->template_version]++;
        census->asleep += row->power == ORL_POWER_SUSPENDED;
        census->ready += row->is_ready;
    }
    return 0;
}

static struct census census_of(struct world *w, const char *pool)
{
    const struct orl_desktop_filter all = {0};
    struct census census = {.pool = pool};
    assert_int_equal(orl_desktop_list(w->store, &all, take_census, &census, NULL), 0);
    return census;
}

static void begin(
        struct world *w, const char *pool, const char *user, struct orl_desktop_row *ret_desktop)
{
    struct orl_session_row session = {.conn = 1, .protocol = ORL_PROTOCOL_RDP};
    struct orl_id id;
    (void)snprintf(session.pool, sizeof session.pool, "%s", pool);
    (void)snprintf(session.user, sizeof session.user, "%s", user);
    assert_int_equal(
            orl_session_insert(w->store, &session, w->now_ms + LEASE_MS, w->now_ms, &id, NULL), 0);
    if (ret_desktop) {
        assert_int_equal(orl_session_claim(w->store, id.text, w->now_ms, ret_desktop, NULL), 0);
        assert_int_equal(
                orl_session_activate(w->store, id.text, w->now_ms + LEASE_MS, w->now_ms, NULL), 0);
        assert_int_equal(orl_desktop_get(w->store, ret_desktop->id, ret_desktop, NULL), 0);
    }
}

static void expect_same(struct world *w, const struct orl_desktop_row *before)
{
    struct orl_desktop_row now;
    assert_int_equal(orl_desktop_get(w->store, before->id, &now, NULL), 0);
    assert_int_equal(now.lease, before->lease);
    assert_int_equal(now.version, before->version);
    assert_int_equal(now.template_version, before->template_version);
    assert_string_equal(now.session, before->session);
    assert_string_equal(now.uuid, before->uuid);
    assert_int_equal(fake_find(&w->fake, now.uuid)->vm.state, ORL_VM_RUNNING);
}

/* A new version while two people work: nobody notices, and at no moment is there less to claim. */
static void a_pool_moves_to_a_new_version_under_its_people(void **state)
{
    struct world *w = *state;
    struct orl_desktop_row ann;
    struct orl_desktop_row ben;
    struct orl_template_row t;
    uint32_t version = 0;
    begin(w, "floating", "ann", &ann);
    begin(w, "dedicated", "ben", &ben);
    world_calm(w, SETTLED_S);
    assert_int_equal(census_of(w, "floating").of[2], 2);
    assert_int_equal(orl_template_get(w->store, "t", 0, &t, NULL), 0);
    assert_int_equal(orl_template_add_version(w->store, &t, w->now_ms, &version, NULL), 0);
    assert_int_equal(version, 3);
    for (unsigned i = 0; i < 2 * SETTLED_S; i++) {
        world_calm(w, 1);
        assert_true(census_of(w, "floating").ready >= 2);
        assert_true(census_of(w, "dedicated").ready >= 1);
        expect_same(w, &ann);
        expect_same(w, &ben);
    }
    assert_int_equal(census_of(w, "floating").of[2], 0);
    assert_int_equal(census_of(w, "floating").of[3], 2);
    assert_int_equal(census_of(w, "dedicated").of[3], 1);
    struct orl_err err = {0};
    assert_int_equal(orl_template_remove(w->store, "t", 2, &err), ORL_E_CONFLICT);
    /* Ann leaves: hers goes with its version. Ben comes back to his, for good. */
    assert_int_equal(
            orl_session_end(w->store, ann.session, ORL_REASON_LOGGED_OFF, "test", w->now_ms, NULL),
            0);
    assert_int_equal(
            orl_session_end(w->store, ben.session, ORL_REASON_LOGGED_OFF, "test", w->now_ms, NULL),
            0);
    world_calm(w, SETTLED_S);
    assert_int_equal(orl_desktop_get(w->store, ann.id, &ann, NULL), ORL_E_NOTFOUND);
    assert_int_equal(orl_desktop_get(w->store, ben.id, &ben, NULL), 0);
    assert_int_equal(ben.template_version, 2);
    assert_int_equal(ben.lease, ORL_LEASE_ASSIGNED);
    assert_int_equal(orl_template_remove(w->store, "t", 2, &err), ORL_E_CONFLICT);
    assert_non_null(strstr(err.text, ben.id));
    /* Back again. */
    struct orl_pool_row pool = pool_of(w, "floating");
    pool.template_version = 2;
    set(w, &pool);
    world_calm(w, 2 * SETTLED_S);
    assert_int_equal(census_of(w, "floating").of[2], 2);
    assert_int_equal(census_of(w, "floating").of[3], 0);
    assert_string_equal(w->fault, "");
}

static void a_version_that_is_no_good_moves_nobody(void **state)
{
    struct world *w = *state;
    struct orl_template_row t;
    uint32_t version = 0;
    unsigned clones = w->fake.clones;
    assert_int_equal(orl_template_get(w->store, "t", 0, &t, NULL), 0);
    assert_int_equal(orl_template_add_version(w->store, &t, w->now_ms, &version, NULL), 0);
    t.version = version;
    t.state = ORL_TEMPLATE_CORRUPT;
    t.reason = ORL_REASON_TEMPLATE_CORRUPT;
    for (unsigned i = 0; i < SETTLED_S; i++) { /* the world's checks find everything well */
        assert_int_equal(orl_template_observe(w->store, &t, NULL), 0);
        orl_reconcile_tick(w->reconcile, w->now_ms);
    }
    assert_int_equal(census_of(w, "floating").of[2], 2);
    assert_int_equal(w->fake.clones, clones);
    assert_int_equal(pool_of(w, "floating").problem, ORL_REASON_NONE);
}

static void who_comes_when_none_is_awake_has_one_woken(void **state)
{
    struct world *w = *state;
    struct orl_pool_row pool = pool_of(w, "floating");
    struct orl_desktop_row desktop;
    pool.spares = 0;
    pool.spares_suspended = 2;
    set(w, &pool);
    world_calm(w, SETTLED_S);
    assert_int_equal(census_of(w, "floating").asleep, 2);
    assert_int_equal(w->fake.suspends, 2);
    struct orl_session_row session = {
            .user = "ann", .pool = "floating", .conn = 1, .protocol = ORL_PROTOCOL_RDP};
    struct orl_id id;
    assert_int_equal(
            orl_session_insert(w->store, &session, w->now_ms + LEASE_MS, w->now_ms, &id, NULL), 0);
    assert_int_equal(
            orl_session_claim(w->store, id.text, w->now_ms, &desktop, NULL), ORL_E_NOTFOUND);
    world_calm(w, 3);
    assert_int_equal(orl_session_claim(w->store, id.text, w->now_ms, &desktop, NULL), 0);
    assert_int_equal(w->fake.wakes, 1);
    assert_int_equal(fake_find(&w->fake, desktop.uuid)->vm.state, ORL_VM_RUNNING);
    world_calm(w, SETTLED_S); /* another one takes its place and falls asleep */
    assert_int_equal(census_of(w, "floating").asleep, 2);
    assert_int_equal(w->fake.suspends, 3);
    assert_string_equal(w->fault, "");
}

static void one_that_does_not_wake_is_replaced(void **state)
{
    struct world *w = *state;
    struct orl_pool_row pool = pool_of(w, "floating");
    pool.spares = 0;
    pool.spares_suspended = 1;
    set(w, &pool);
    world_calm(w, SETTLED_S);
    for (size_t i = 0; i < w->fake.count; i++) {
        if (w->fake.vms[i].vm.state == ORL_VM_PAUSED) {
            w->fake.vms[i].boot_left = 100000; /* dark from now on */
        }
    }
    begin(w, "floating", "ann", NULL);
    world_calm(w, 2 * SETTLED_S);
    assert_int_equal(w->fake.wakes, 1);
    assert_true(census_of(w, "floating").ready >= 1);
    assert_string_equal(w->fault, "");
}

static void spares_grow_old_one_by_one(void **state)
{
    struct world *w = *state;
    struct orl_pool_row pool = pool_of(w, "floating");
    unsigned clones = w->fake.clones;
    pool.spare_max_age_s = 600;
    set(w, &pool);
    for (unsigned i = 0; i < 700; i++) {
        world_calm(w, 1);
        assert_true(census_of(w, "floating").ready >= 2);
    }
    assert_true(w->fake.clones >= clones + 2);
    assert_true(w->fake.clones <= clones + 4);
    assert_string_equal(w->fault, "");
}

/* The world's clock begins in January 1970, on a Thursday. */
static void spares_follow_the_schedule(void **state)
{
    struct world *w = *state;
    struct orl_pool_row pool = pool_of(w, "floating");
    (void)snprintf(pool.schedule, sizeof pool.schedule,
            "thu 01:00-02:00 spares=4 suspended=1; daily 02:00-03:00 spares=0");
    set(w, &pool);
    static const struct {
        uint64_t minute;
        uint32_t ready, asleep;
    } at[] = {{40, 2, 0}, {62, 4, 1}, {90, 4, 1}, {125, 0, 0}, {185, 2, 0}};
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        int64_t jump_ms = (int64_t)(at[i].minute * 60000) - (int64_t)w->now_ms;
        w->now_ms = at[i].minute * 60000;
        orl_reconcile_shift(w->reconcile, jump_ms);
        world_calm(w, SETTLED_S);
        struct census census = census_of(w, "floating");
        assert_int_equal(census.ready, at[i].ready);
        assert_int_equal(census.asleep, at[i].asleep);
    }
    assert_string_equal(w->fault, "");
}

static void spares_are_there_before_the_people_of_last_week(void **state)
{
    struct world *w = *state;
    struct orl_pool_row pool = pool_of(w, "floating");
    const uint64_t slot_ms = ORL_FORECAST_SLOT_MS;
    w->now_ms = 4 * slot_ms + 5 * 60000;
    for (unsigned i = 0; i < 4; i++) { /* four come in the fifth quarter of that Thursday */
        char user[8];
        (void)snprintf(user, sizeof user, "v%u", i);
        begin(w, "dedicated", user, NULL);
        begin(w, "floating", user, NULL);
    }
    assert_int_equal(
            orl_forecast_sample(w->store, orl_forecast_slot(w->now_ms), 4 * slot_ms, NULL), 0);
    struct orl_session_row row;
    for (unsigned i = 0; i < 4; i++) {
        char user[8];
        (void)snprintf(user, sizeof user, "v%u", i);
        static const char *const pools[] = {"dedicated", "floating"};
        for (unsigned p = 0; p < 2; p++) {
            assert_int_equal(orl_session_find(w->store, user, pools[p], &row, NULL), 0);
            assert_int_equal(orl_session_end(w->store, row.id, ORL_REASON_LOGGED_OFF, "test",
                                     w->now_ms, NULL),
                    0);
        }
    }
    pool.has_forecast = true;
    set(w, &pool);
    uint64_t week_ms = 7 * 96 * slot_ms;
    uint64_t quarter_before_ms = week_ms + 3 * slot_ms;
    orl_reconcile_shift(w->reconcile, (int64_t)(quarter_before_ms - w->now_ms));
    w->now_ms = quarter_before_ms;
    world_calm(w, SETTLED_S);
    assert_int_equal(census_of(w, "floating").ready, 2);
    world_calm(w, (unsigned)(slot_ms / 1000) - 2 * SETTLED_S); /* still a minute to go */
    assert_int_equal(census_of(w, "floating").ready, 4);
    assert_string_equal(w->fault, "");
}

#define WITH_WORLD(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WITH_WORLD(a_pool_moves_to_a_new_version_under_its_people),
            WITH_WORLD(a_version_that_is_no_good_moves_nobody),
            WITH_WORLD(who_comes_when_none_is_awake_has_one_woken),
            WITH_WORLD(one_that_does_not_wake_is_replaced),
            WITH_WORLD(spares_grow_old_one_by_one),
            WITH_WORLD(spares_follow_the_schedule),
            WITH_WORLD(spares_are_there_before_the_people_of_last_week),
    };
    if (setenv("TZ", "UTC0", 1) < 0) {
        return EXIT_FAILURE;
    }
    orl_log_set_level(ORL_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
