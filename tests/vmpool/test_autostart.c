/* Machines of persons that are kept running: a pool with autostart. */
#include "bad_world.h"
#include "base/log.h"
#include "store/pool.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { SETTLED_S = 60 };

static void log_off(struct world *w, const char *user)
{
    struct orl_session_row session;
    assert_int_equal(orl_session_find(w->store, user, "dedicated", &session, NULL), 0);
    assert_int_equal(
            orl_session_end(w->store, session.id, ORL_REASON_LOGGED_OFF, "test", w->now_ms, NULL),
            0);
    world_calm(w, 2 * SETTLED_S);
}

static void assert_own(struct world *w, const char *id, enum orl_power power)
{
    struct orl_desktop_row row;
    assert_int_equal(orl_desktop_get(w->store, id, &row, NULL), 0);
    assert_int_equal(row.lease, ORL_LEASE_ASSIGNED);
    assert_int_equal(row.power, power);
    assert_int_equal(fake_find(&w->fake, row.uuid)->vm.state,
            power == ORL_POWER_RUNNING ? ORL_VM_RUNNING : ORL_VM_OFF);
}

static void with_autostart_a_persons_machine_is_up_without_them(void **state)
{
    struct world *w = *state;
    struct orl_desktop_row own;
    struct orl_pool_row pool;
    own = bad_give(w, "dedicated", "ann");
    world_calm(w, SETTLED_S);
    log_off(w, "ann");
    assert_own(w, own.id, ORL_POWER_STOPPED);
    assert_int_equal(orl_pool_get(w->store, "dedicated", &pool, NULL), 0);
    pool.res.has_autostart = true;
    assert_int_equal(orl_pool_update(w->store, &pool, NULL), 0);
    world_calm(w, 2 * SETTLED_S);
    assert_own(w, own.id, ORL_POWER_RUNNING);
    unsigned boots = fake_find(&w->fake, own.uuid)->boots;
    own = bad_give(w, "dedicated", "ann");
    log_off(w, "ann"); /* nothing of the session runs on */
    assert_own(w, own.id, ORL_POWER_RUNNING);
    assert_int_equal(fake_find(&w->fake, own.uuid)->boots, boots + 1);
    fake_find(&w->fake, own.uuid)->vm.state = ORL_VM_OFF; /* with its host */
    world_restart(w);
    world_calm(w, 2 * SETTLED_S);
    assert_own(w, own.id, ORL_POWER_RUNNING);
    assert_int_equal(
            orl_desktop_set_want(w->store, own.id, ORL_WANT_STOP, "admin", w->now_ms, NULL), 0);
    world_calm(w, 2 * SETTLED_S);
    assert_int_equal(orl_pool_update(w->store, &pool, NULL), 0); /* of something else */
    world_calm(w, 2 * SETTLED_S);
    assert_own(w, own.id, ORL_POWER_STOPPED);
    assert_string_equal(w->fault, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            WITH_WORLD(with_autostart_a_persons_machine_is_up_without_them),
    };
    orl_log_set_level(ORL_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
