#include "store/desktop_state.h"

#include "tests/store/store_fixture.h"
#include <stdio.h>
#include <string.h>

static struct orl_desktop_state state_of(
        unsigned kind, unsigned lease, unsigned power, unsigned is_tainted)
{
    return (struct orl_desktop_state){.kind = (enum orl_pool_kind)kind,
            .lease = (enum orl_lease)lease,
            .power = (enum orl_power)power,
            .is_tainted = is_tainted != 0};
}

/* Number i of all states, legal or not. */
#define KINDS ((unsigned)ORL_POOL_KIND_COUNT - 1)
#define LEASES ((unsigned)ORL_LEASE_COUNT - 1)
#define POWERS ((unsigned)ORL_POWER_COUNT - 1)
#define STATES (KINDS * LEASES * POWERS * 2)
static struct orl_desktop_state state_at(unsigned i)
{
    return state_of(1 + i % KINDS, 1 + i / KINDS % LEASES, 1 + i / (KINDS * LEASES) % POWERS,
            i / (KINDS * LEASES * POWERS));
}

static void given_floating_and_dedicated_are_never_free(void **state)
{
    (void)state;
    for (unsigned a = 0; a < STATES; a++) {
        for (unsigned b = 0; b < STATES; b++) {
            struct orl_desktop_state from = state_at(a);
            struct orl_desktop_state to = state_at(b);
            if (!orl_desktop_move_is_legal(&from, &to)) {
                continue;
            }
            assert_int_equal(from.kind, to.kind);
            assert_true(to.is_tainted || !from.is_tainted);
            if (to.is_tainted && to.lease == ORL_LEASE_FREE) {
                assert_int_equal(to.kind, ORL_POOL_STATIC);
            }
        }
    }
}

static void a_given_desktop_is_tainted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < STATES; i++) {
        struct orl_desktop_state s = state_at(i);
        if (orl_desktop_state_is_legal(&s) && s.lease != ORL_LEASE_FREE &&
                s.lease != ORL_LEASE_ENDING) {
            assert_true(s.is_tainted);
            assert_true(s.power != ORL_POWER_ABSENT && s.power != ORL_POWER_CLONING);
        }
    }
}

static void only_a_running_desktop_is_claimed(void **state)
{
    (void)state;
    for (unsigned power = 1; power <= POWERS; power++) {
        struct orl_desktop_state from = state_of(ORL_POOL_FLOATING, ORL_LEASE_FREE, power, 0);
        struct orl_desktop_state to = state_of(ORL_POOL_FLOATING, ORL_LEASE_ASSIGNED, power, 1);
        assert_int_equal(orl_desktop_move_is_legal(&from, &to), power == ORL_POWER_RUNNING);
    }
}

/* true: one legal move leads from state a to one that reaches. */
static bool has_way(unsigned a, const bool *reaches)
{
    struct orl_desktop_state from = state_at(a);
    for (unsigned b = 0; b < STATES; b++) {
        struct orl_desktop_state to = state_at(b);
        if (reaches[b] && orl_desktop_move_is_legal(&from, &to)) {
            return true;
        }
    }
    return false;
}

static void every_state_can_reach_removal(void **state)
{
    (void)state;
    bool reaches[STATES] = {false};
    for (unsigned i = 0; i < STATES; i++) {
        struct orl_desktop_state s = state_at(i);
        reaches[i] = orl_desktop_state_is_legal(&s) && orl_desktop_state_is_removable(&s);
    }
    for (bool has_grown = true; has_grown;) {
        has_grown = false;
        for (unsigned i = 0; i < STATES; i++) {
            if (!reaches[i] && has_way(i, reaches)) {
                reaches[i] = has_grown = true;
            }
        }
    }
    for (unsigned i = 0; i < STATES; i++) {
        struct orl_desktop_state s = state_at(i);
        assert_int_equal(reaches[i], orl_desktop_state_is_legal(&s));
    }
}

static void every_change_of_hands_is_fenced(void **state)
{
    (void)state;
    assert_true(orl_desktop_move_is_fenced(ORL_LEASE_FREE, ORL_LEASE_ASSIGNED));
    assert_true(orl_desktop_move_is_fenced(ORL_LEASE_FREE, ORL_LEASE_ENDING));
    assert_true(orl_desktop_move_is_fenced(ORL_LEASE_DISCONNECTED, ORL_LEASE_ENDING));
    assert_true(orl_desktop_move_is_fenced(ORL_LEASE_ENDING, ORL_LEASE_ASSIGNED));
    assert_false(orl_desktop_move_is_fenced(ORL_LEASE_IN_USE, ORL_LEASE_DISCONNECTED));
    assert_false(orl_desktop_move_is_fenced(ORL_LEASE_DISCONNECTED, ORL_LEASE_IN_USE));
    assert_false(orl_desktop_move_is_fenced(ORL_LEASE_FREE, ORL_LEASE_FREE));
}

static void names_and_parsers_agree(void **state)
{
    (void)state;
    for (unsigned i = 1; i < ORL_LEASE_COUNT; i++) {
        enum orl_lease v = ORL_LEASE_NONE;
        assert_true(orl_lease_parse(orl_lease_name((enum orl_lease)i), &v));
        assert_int_equal(v, i);
    }
    for (unsigned i = 1; i < ORL_POWER_COUNT; i++) {
        enum orl_power v = ORL_POWER_NONE;
        assert_true(orl_power_parse(orl_power_name((enum orl_power)i), &v));
        assert_int_equal(v, i);
    }
    enum orl_want want = ORL_WANT_RUN;
    assert_false(orl_want_parse("?", &want));
    assert_int_equal(want, ORL_WANT_RUN);
    assert_string_equal(orl_pool_kind_name(ORL_POOL_NONE), "?");
}

static const char *pool_of(enum orl_pool_kind kind)
{
    return kind == ORL_POOL_FLOATING ? "demo" : kind == ORL_POOL_DEDICATED ? "own" : "desks";
}

/* Writes the state past every function of ours: what the database says by itself. */
static int force(struct fixture *f, const struct orl_desktop_state *s)
{
    bool is_given = s->lease != ORL_LEASE_FREE && s->lease != ORL_LEASE_ENDING;
    struct orl_id id;
    orl_id_new(&id);
    ORL_DB_AUTO q = orl_db_query(f->store->db,
            "INSERT INTO desktop (id, pool, host, version, kind, lease, power, want, is_tainted,"
            " is_ready, is_maintenance, user_name, session, uuid, domain, overlay, vnc_target,"
            " vnc_password, reason, reason_text, attempts, retry_ms, created_ms, changed_ms,"
            " ready_ms, restart_ms) VALUES ($1, $2, '', 1, $3, $4, $5, 'run', $6, 0, 0, $7, $8, '',"
            " '', '', '', '', '', '', 0, 0, 0, 0, 0, 0)");
    orl_db_put_text(&q, id.text);
    orl_db_put_text(&q, pool_of(s->kind));
    orl_db_put_text(&q, orl_pool_kind_name(s->kind));
    orl_db_put_text(&q, orl_lease_name(s->lease));
    orl_db_put_text(&q, orl_power_name(s->power));
    orl_db_put_bool(&q, s->is_tainted);
    orl_db_put_text(&q, is_given ? id.text : "");
    orl_db_put_text(&q, is_given ? id.text : "");
    return orl_db_run(&q, &f->err);
}

static void the_schema_says_the_same(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < STATES; i++) {
        struct orl_desktop_state s = state_at(i);
        int rc = force(f, &s);
        assert_int_equal(rc, orl_desktop_state_is_legal(&s) ? 1 : ORL_E_DENIED);
    }
}

static int force_lease(struct fixture *f, const char *id, const char *lease, const char *session)
{
    ORL_DB_AUTO q = orl_db_query(f->store->db,
            "UPDATE desktop SET lease = $1, version = version + 1, session = $2,"
            " user_name = CASE WHEN $1 = 'free' THEN '' ELSE user_name END WHERE id = $3");
    orl_db_put_text(&q, lease);
    orl_db_put_text(&q, session);
    orl_db_put_text(&q, id);
    return orl_db_run(&q, &f->err);
}

static void the_database_refuses_what_the_table_refuses(void **state)
{
    struct fixture *f = *state;
    struct orl_id session = fixture_active(f, "alice", "demo");
    struct orl_session_row row = fixture_session(f, session.text);
    struct orl_db *db = f->store->db;
    assert_int_equal(force_lease(f, row.desktop, "free", ""), ORL_E_DENIED);
    assert_int_equal(orl_db_exec(db, "UPDATE desktop SET is_tainted = 0", NULL), ORL_E_DENIED);
    assert_int_equal(orl_db_exec(db, "UPDATE desktop SET user_name = 'bob'", NULL), ORL_E_DENIED);
    assert_int_equal(orl_db_exec(db, "UPDATE desktop SET version = 1", NULL), ORL_E_DENIED);
    assert_int_equal(orl_db_exec(db, "UPDATE desktop SET lease = 'ending', session = ''", NULL),
            ORL_E_DENIED);
    assert_int_equal(orl_db_exec(db, "DELETE FROM desktop", NULL), ORL_E_DENIED);
    assert_int_equal(force_lease(f, row.desktop, "ending", ""), 1);
    assert_int_equal(force_lease(f, row.desktop, "assigned", session.text), ORL_E_DENIED);
    assert_int_equal(orl_db_exec(db, "DELETE FROM desktop", NULL), ORL_E_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(given_floating_and_dedicated_are_never_free),
            cmocka_unit_test(a_given_desktop_is_tainted),
            cmocka_unit_test(only_a_running_desktop_is_claimed),
            cmocka_unit_test(every_state_can_reach_removal),
            cmocka_unit_test(every_change_of_hands_is_fenced),
            cmocka_unit_test(names_and_parsers_agree),
            cmocka_unit_test_setup_teardown(
                    the_schema_says_the_same, fixture_set_up, fixture_tear_down),
            cmocka_unit_test_setup_teardown(
                    the_database_refuses_what_the_table_refuses, fixture_set_up, fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
