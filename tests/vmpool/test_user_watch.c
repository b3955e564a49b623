/* The agent's list of users as a sign of a log-off: what counts as one, and what must not. */
#include "base/clock.h"
#include "tests/store/store_fixture.h"
#include "vmpool/reconcile_priv.h"
#include "vmpool/user_watch.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SILENCE = -1, MINUTE_MS = 60000 };

struct world {
    struct fixture *f;
    struct orl_loop *loop;
    struct orl_timer *timer;
    struct orl_work *work;
    struct orl_backend_ops ops;
    struct orl_backend backend;
    struct orl_user_watch *watch;
    struct orl_rows rows;
    char desktop[ORL_ID_LEN + 1];
    bool is_heard;
    int users;
    uint64_t began_ms; /* the session */
    uint64_t login_ms; /* the first of the guest's list */
    unsigned asked, changes;
};

static int users(void *self, const char *uuid, struct orl_vm_users *ret_users, struct orl_err *err)
{
    struct world *w = self;
    (void)uuid;
    w->asked++;
    if (w->users < 0) {
        return orl_err_set(err, ORL_E_BACKEND, "the agent is silent");
    }
    *ret_users = (struct orl_vm_users){.count = (unsigned)w->users, .first_login_ms = w->login_ms};
    return 0;
}

static bool is_heard(void *ctx, const char *desktop)
{
    (void)desktop;
    return ((struct world *)ctx)->is_heard;
}

static void on_change(void *ctx)
{
    ((struct world *)ctx)->changes++;
}

static void on_time(void *ctx)
{
    orl_loop_stop(((struct world *)ctx)->loop);
}

static void give(struct world *w)
{
    struct fixture *f = w->f;
    struct orl_id id = fixture_active(f, "ann", "demo");
    struct orl_session_row session = fixture_session(f, id.text);
    memcpy(w->desktop, session.desktop, sizeof w->desktop);
    w->began_ms = session.started_ms;
    w->login_ms = session.started_ms + MINUTE_MS;
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    void *fixture = NULL;
    if (w == NULL || fixture_set_up(&fixture) < 0) {
        free(w);
        return -1;
    }
    *state = w;
    w->f = fixture;
    w->ops.users = users;
    w->backend = (struct orl_backend){.self = w, .ops = &w->ops};
    assert_ok(w->f, orl_loop_new(&w->loop, &w->f->err));
    assert_ok(w->f, orl_timer_new(w->loop, on_time, w, &w->timer, &w->f->err));
    assert_ok(w->f, orl_work_new(w->loop, 1, 8, &w->work, &w->f->err));
    const struct orl_user_watch_cfg cfg = {.loop = w->loop,
            .work = w->work,
            .store = w->f->store,
            .backend = &w->backend,
            .is_heard = is_heard,
            .on_change = on_change,
            .ctx = w,
            .period_ms = 1};
    assert_ok(w->f, orl_user_watch_new(&cfg, &w->watch, &w->f->err));
    give(w);
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    void *fixture = w->f;
    orl_work_free(w->work);
    orl_user_watch_free(w->watch);
    orl_timer_free(w->timer);
    orl_loop_free(w->loop);
    orl_rows_fini(&w->rows);
    free(w);
    return fixture_tear_down(&fixture);
}

static void look(struct world *w)
{
    assert_ok(w->f, orl_rows_read(w->f->store, "", &w->rows, &w->f->err));
    orl_user_watch_look(w->watch, &w->rows);
    orl_timer_start(w->timer, 20 * ORL_US_PER_MS, 0);
    orl_loop_run(w->loop);
}

/* The guest answers so until it has been asked that often. */
static void answer(struct world *w, int count, unsigned times)
{
    unsigned end = w->asked + times;
    w->users = count;
    for (unsigned i = 0; w->asked < end && i < 500; i++) {
        look(w);
    }
    assert_int_equal(w->asked, end);
}

static enum orl_guest_state state_of(const struct world *w)
{
    return fixture_desktop(w->f, w->desktop).guest_state;
}

static void list_that_had_somebody_and_stays_empty_is_a_log_off(void **state)
{
    struct world *w = *state;
    answer(w, 2, 1);
    answer(w, 0, 2);
    assert_int_equal(state_of(w), ORL_GUEST_UNKNOWN); /* it may be about to restart */
    answer(w, 0, 1);
    assert_int_equal(state_of(w), ORL_GUEST_LOGGED_OFF);
    assert_int_equal(w->changes, 1);
    unsigned asked = w->asked;
    look(w);
    look(w);
    assert_int_equal(w->asked, asked); /* said once */
}

static void silence_is_no_log_off(void **state)
{
    struct world *w = *state;
    answer(w, 1, 1);
    answer(w, SILENCE, 5);
    answer(w, 0, 2);
    answer(w, SILENCE, 1); /* what was counted before does not count on */
    answer(w, 0, 2);
    assert_int_equal(state_of(w), ORL_GUEST_UNKNOWN);
}

static void list_that_was_always_empty_is_no_log_off(void **state)
{
    struct world *w = *state;
    answer(w, 0, 10);
    assert_int_equal(state_of(w), ORL_GUEST_UNKNOWN);
}

static void somebody_comes_back_in_time(void **state)
{
    struct world *w = *state;
    answer(w, 1, 1);
    answer(w, 0, 2);
    answer(w, INT_MAX, 1);
    answer(w, 0, 2);
    assert_int_equal(state_of(w), ORL_GUEST_UNKNOWN);
}

static void guest_whose_hook_is_heard_is_not_asked(void **state)
{
    struct world *w = *state;
    answer(w, 1, 1);
    answer(w, 0, 2);
    w->is_heard = true;
    look(w);
    look(w);
    assert_int_equal(w->asked, 3);
    w->is_heard = false; /* from then on it begins anew */
    answer(w, 0, 5);
    assert_int_equal(state_of(w), ORL_GUEST_UNKNOWN);
}

static void the_next_persons_desktop_begins_anew(void **state)
{
    struct world *w = *state;
    answer(w, 1, 1);
    assert_ok(w->f,
            orl_db_exec(w->f->store->db, "UPDATE desktop SET version = version + 1", &w->f->err));
    answer(w, 0, 5);
    assert_int_equal(state_of(w), ORL_GUEST_UNKNOWN);
}

static void login_of_later_is_not_the_persons(void **state)
{
    struct world *w = *state;
    w->login_ms = w->began_ms + 10 * MINUTE_MS; /* ssh, while she works in what is not in utmp */
    answer(w, 1, 2);
    answer(w, 0, 5);
    w->login_ms = UINT64_MAX; /* the agent does not say since when */
    answer(w, 1, 1);
    answer(w, 0, 5);
    assert_int_equal(state_of(w), ORL_GUEST_UNKNOWN);
    w->login_ms = w->began_ms - MINUTE_MS; /* her own desktop, in which she still was */
    answer(w, 2, 1);
    w->login_ms = w->began_ms + 10 * MINUTE_MS; /* she has gone; this one keeps it for now */
    answer(w, 1, 2);
    assert_int_equal(state_of(w), ORL_GUEST_UNKNOWN);
    answer(w, 0, 3);
    assert_int_equal(state_of(w), ORL_GUEST_LOGGED_OFF);
}

/* Its session's start, and how long that had to wait for the machine. */
static void login_counts_from_when_the_desktop_was_ready(void **state)
{
    struct world *w = *state;
    char sql[128];
    (void)snprintf(sql, sizeof sql, "UPDATE desktop SET ready_ms = %llu",
            (unsigned long long)w->began_ms + 10 * MINUTE_MS);
    assert_ok(w->f, orl_db_exec(w->f->store->db, sql, &w->f->err));
    w->login_ms = w->began_ms + 11 * MINUTE_MS;
    answer(w, 1, 1);
    answer(w, 0, 3);
    assert_int_equal(state_of(w), ORL_GUEST_LOGGED_OFF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(
                    list_that_had_somebody_and_stays_empty_is_a_log_off, set_up, tear_down),
            cmocka_unit_test_setup_teardown(silence_is_no_log_off, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    list_that_was_always_empty_is_no_log_off, set_up, tear_down),
            cmocka_unit_test_setup_teardown(somebody_comes_back_in_time, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    guest_whose_hook_is_heard_is_not_asked, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    the_next_persons_desktop_begins_anew, set_up, tear_down),
            cmocka_unit_test_setup_teardown(login_of_later_is_not_the_persons, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    login_counts_from_when_the_desktop_was_ready, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
