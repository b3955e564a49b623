/* Component: a real broker with short times, this test in the place of gateway and vmpool. */
#include "base/clock.h"
#include "broker_fixture.h"
#include "store/person.h"
#include "store/pool.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct broker b;

static int start(void **state)
{
    static const char *const sets[] = {
            "lease_s=2", "wait_timeout_s=2", "ticket_first_use_s=1", "vmpool_silent_s=3600", NULL};
    (void)state;
    broker_start(&b, sets);
    add_floating_pool(&b, "demo", 3, 1);
    add_floating_pool(&b, "keep", 5, 3600);
    add_user(&b, "alice", "demo");
    add_user(&b, "bob", "demo");
    add_user(&b, "carol", "keep");
    add_user(&b, "dave", "keep");
    add_user(&b, "erin", "keep");
    add_floating_pool(&b, "people", 3, 60);
    add_user(&b, "pauline", "people");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    broker_stop(&b);
    return 0;
}

static struct orl_desktop_row desktop_of(const char *id)
{
    struct orl_desktop_row row = {0};
    struct orl_err err = {0};
    if (orl_desktop_get(b.store, id, &row, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return row;
}

static void waiting_ends_with_a_desktop_in_the_order_of_coming(void **state)
{
    char first_id[ORL_ID_LEN + 1];
    char second_id[ORL_ID_LEN + 1];
    (void)state;
    int gw = gateway_connect(&b);
    uint32_t alice = send_login(&b, gw, "alice", "password-alice", "", "10.0.1.1:1");
    struct orl_msg_plan waiting = expect_plan(gw, alice, false);
    assert_true(waiting.waiting_since_ms > 0);
    await_session(&b, waiting.session, "waiting");
    uint32_t bob = send_login(&b, gw, "bob", "password-bob", "", "10.0.1.2:1");
    (void)expect_plan(gw, bob, false);
    make_ready_desktop(&b, "demo", first_id);
    poke(gw);
    struct orl_msg_plan ready = expect_plan(gw, alice, true);
    assert_string_equal(ready.session, waiting.session);
    assert_string_equal(ready.desktop, first_id);
    make_ready_desktop(&b, "demo", second_id); /* without a poke: seen by the next tick */
    ready = expect_plan(gw, bob, true);
    assert_string_equal(ready.desktop, second_id);
    send_close(gw, alice, ORL_REASON_CLIENT_CLOSED);
    send_close(gw, bob, ORL_REASON_CLIENT_CLOSED);
    await_session(&b, waiting.session, "ended"); /* after the pool's second */
    assert_int_equal(desktop_of(first_id).lease, ORL_LEASE_ENDING);
    assert_int_equal(desktop_of(first_id).want, ORL_WANT_DELETE);
    await_session(&b, ready.session, "ended");
    close(gw);
}

static void waiting_in_vain_says_so(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    uint32_t conn = send_login(&b, gw, "carol", "password-carol", "", "10.0.2.1:1");
    struct orl_msg_plan plan = expect_plan(gw, conn, false);
    expect_refusal(&b, gw, conn, ORL_REASON_WAIT_TIMEOUT);
    await_session(&b, plan.session, "ended");
    close(gw);
}

static void who_gives_up_waiting_leaves_nothing(void **state)
{
    char id[ORL_ID_LEN + 1];
    (void)state;
    int gw = gateway_connect(&b);
    uint32_t conn = send_login(&b, gw, "carol", "password-carol", "", "10.0.2.2:1");
    struct orl_msg_plan plan = expect_plan(gw, conn, false);
    send_close(gw, conn, ORL_REASON_CLIENT_CLOSED);
    await_session(&b, plan.session, "ended");
    make_ready_desktop(&b, "keep", id);
    poke(gw);
    expect_silence(gw);
    assert_int_equal(desktop_of(id).lease, ORL_LEASE_FREE);
    close(gw);
}

static void problem_of_the_pool_is_the_reason(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    add_floating_pool(&b, "broken", 2, 60);
    add_user(&b, "frank", "broken");
    uint32_t conn = send_login(&b, gw, "frank", "password-frank", "", "10.0.3.1:1");
    (void)expect_plan(gw, conn, false);
    assert_int_equal(orl_pool_set_problem(b.store, "broken", ORL_REASON_TEMPLATE_MISSING,
                             "no such file", 0, NULL),
            0);
    poke(gw);
    expect_refusal(&b, gw, conn, ORL_REASON_TEMPLATE_MISSING); /* while waiting */
    conn = send_login(&b, gw, "frank", "password-frank", "", "10.0.3.1:2");
    struct orl_msg msg = expect(gw, conn, ORL_MSG_CLOSE); /* and at once */
    assert_int_equal(msg.u.close.reason, ORL_REASON_TEMPLATE_MISSING);
    assert_string_equal(msg.u.close.text, "no such file");
    close(gw);
}

static struct orl_msg_plan log_in(int gw, const char *user, const char *client, uint32_t *ret_conn)
{
    char password[64];
    (void)snprintf(password, sizeof(password), "password-%s", user);
    *ret_conn = send_login(&b, gw, user, password, "", client);
    struct orl_msg_plan plan = expect_plan(gw, *ret_conn, true);
    return plan;
}

static void silent_session_loses_its_lease_and_statistics_keep_it(void **state)
{
    char id[ORL_ID_LEN + 1];
    uint32_t carol = 0;
    uint32_t dave = 0;
    (void)state;
    int gw = gateway_connect(&b);
    make_ready_desktop(&b, "keep", id); /* one is left from before */
    struct orl_msg_plan silent = log_in(gw, "carol", "10.0.4.1:1", &carol);
    struct orl_msg_plan busy = log_in(gw, "dave", "10.0.4.2:1", &dave);
    for (int i = 0; i < 6; i++) {
        send_stats(gw, dave, busy.session);
        usleep(500000);
    }
    await_session(&b, silent.session, "disconnected");
    await_session(&b, busy.session, "active");
    assert_int_equal(desktop_of(silent.desktop).lease, ORL_LEASE_DISCONNECTED);
    send_stats(gw, carol, silent.session); /* it only hung: the same connection goes on */
    await_session(&b, silent.session, "active");
    close(gw);
}

static void restart_of_the_broker_is_survived(void **state)
{
    uint32_t conn = 0;
    (void)state;
    int gw = gateway_connect(&b);
    struct orl_msg_plan plan = log_in(gw, "carol", "10.0.5.1:1", &conn);
    broker_kill(&b, SIGKILL);
    close(gw);
    broker_restart(&b);
    gw = gateway_connect(&b);
    send_stats(gw, conn, plan.session);
    struct orl_msg_plan again = expect_plan(gw, conn, true); /* it may not have had the first */
    assert_string_equal(again.desktop, plan.desktop);
    send_stats(gw, conn, plan.session);
    await_session(&b, plan.session, "active");
    /* Adopted: what is closed reaches it. */
    char path[80];
    (void)snprintf(path, sizeof(path), "/v1/sessions/%s/close", plan.session);
    api_ok(&b, "POST", path, NULL, 200);
    struct orl_msg msg = expect(gw, conn, ORL_MSG_CLOSE);
    assert_int_equal(msg.u.close.reason, ORL_REASON_CLOSED_BY_ADMIN);
    await_session(&b, plan.session, "disconnected");
    /* Another connection's number, or another's session, is not believed. */
    send_stats(gw, conn + 1000, plan.session);
    msg = expect(gw, conn + 1000, ORL_MSG_CLOSE);
    assert_int_equal(msg.u.close.reason, ORL_REASON_CLOSED_BY_ADMIN);
    await_session(&b, plan.session, "disconnected");
    plan = log_in(gw, "carol", "10.0.5.1:2", &conn);
    send_stats(gw, conn + 1000, plan.session);
    msg = expect(gw, conn + 1000, ORL_MSG_CLOSE);
    assert_int_equal(msg.u.close.reason, ORL_REASON_TAKEN_OVER);
    await_session(&b, plan.session, "active");
    /* Disconnected by the broker, which died before it said so: told why, and not let in again. */
    broker_kill(&b, SIGKILL);
    assert_int_equal(orl_session_disconnect(b.store, plan.session, 0, ORL_REASON_IDLE_TIMEOUT,
                             orl_clock_wall_ms(), NULL),
            0);
    close(gw);
    broker_restart(&b);
    gw = gateway_connect(&b);
    send_stats(gw, conn, plan.session);
    msg = expect(gw, conn, ORL_MSG_CLOSE);
    assert_int_equal(msg.u.close.reason, ORL_REASON_IDLE_TIMEOUT);
    await_session(&b, plan.session, "disconnected");
    close(gw);
}

static void who_waits_is_still_waiting_after_a_restart(void **state)
{
    char id[ORL_ID_LEN + 1];
    (void)state;
    add_floating_pool(&b, "later", 2, 60);
    add_user(&b, "hugo", "later");
    int gw = gateway_connect(&b);
    uint32_t conn = send_login(&b, gw, "hugo", "password-hugo", "", "10.0.5.2:1");
    struct orl_msg_plan waiting = expect_plan(gw, conn, false);
    broker_kill(&b, SIGKILL);
    close(gw);
    broker_restart(&b);
    gw = gateway_connect(&b);
    send_stats(gw, conn, waiting.session);
    (void)expect_plan(gw, conn, false);
    make_ready_desktop(&b, "later", id);
    poke(gw);
    struct orl_msg_plan ready = expect_plan(gw, conn, true);
    assert_string_equal(ready.session, waiting.session);
    assert_string_equal(ready.desktop, id);
    send_close(gw, conn, ORL_REASON_CLIENT_CLOSED);
    await_session(&b, ready.session, "disconnected");
    close(gw);
}

static void close_of_a_connection_from_before_the_restart_counts(void **state)
{
    uint32_t conn = 0;
    (void)state;
    int gw = gateway_connect(&b);
    struct orl_msg_plan plan = log_in(gw, "hugo", "10.0.5.3:1", &conn);
    broker_kill(&b, SIGKILL);
    close(gw);
    broker_restart(&b);
    gw = gateway_connect(&b);
    send_close(gw, conn, ORL_REASON_CLIENT_CLOSED);
    await_session(&b, plan.session, "disconnected");
    close(gw);
}

static void taken_entitlement_and_account_put_out(void **state)
{
    uint32_t conn = 0;
    (void)state;
    int gw = gateway_connect(&b);
    struct orl_msg_plan plan = log_in(gw, "hugo", "10.0.5.4:1", &conn);
    api_ok(&b, "DELETE", "/v1/entitlements/HUGO/later", NULL, 200);
    expect_refusal(&b, gw, conn, ORL_REASON_ACCESS_REVOKED);
    await_session(&b, plan.session, "disconnected");
    conn = send_login(&b, gw, "hugo", "password-hugo", "later", "10.0.5.4:2");
    expect_refusal(&b, gw, conn, ORL_REASON_NOT_ENTITLED);
    api_ok(&b, "POST", "/v1/entitlements", "{\"user\":\"hugo\",\"pool\":\"later\"}", 201);
    struct orl_msg_plan back = log_in(gw, "hugo", "10.0.5.4:3", &conn);
    assert_string_equal(back.desktop, plan.desktop);
    api_ok(&b, "PATCH", "/v1/users/hugo", "{\"is_disabled\":true}", 200);
    expect_refusal(&b, gw, conn, ORL_REASON_ACCESS_REVOKED);
    await_session(&b, plan.session, "disconnected");
    close(gw);
}

static void who_leaves_a_group_leaves_its_pools(void **state)
{
    uint32_t conn = 0;
    char id[ORL_ID_LEN + 1];
    (void)state;
    int gw = gateway_connect(&b);
    add_user(&b, "mia", NULL);
    make_ready_desktop(&b, "later", id);
    api_ok(&b, "POST", "/v1/groups", "{\"name\":\"staff\"}", 201);
    api_ok(&b, "POST", "/v1/groups", "{\"name\":\"lab\"}", 201);
    api_ok(&b, "POST", "/v1/groups/staff/members", "{\"group\":\"Lab\"}", 201);
    api_ok(&b, "POST", "/v1/groups/lab/members", "{\"user\":\"MIA\"}", 201);
    conn = send_login(&b, gw, "mia", "password-mia", "later", "10.0.5.5:1");
    expect_refusal(&b, gw, conn, ORL_REASON_NOT_ENTITLED);
    api_ok(&b, "POST", "/v1/entitlements", "{\"group\":\"staff\",\"pool\":\"later\"}", 201);
    struct orl_msg_plan plan = log_in(gw, "mia", "10.0.5.5:2", &conn);
    /* Not by her own right as well: taking that away leaves the group's. */
    api_ok(&b, "POST", "/v1/entitlements", "{\"user\":\"mia\",\"pool\":\"later\"}", 201);
    api_ok(&b, "DELETE", "/v1/entitlements/mia/later", NULL, 200);
    expect_silence(gw);
    api_ok(&b, "DELETE", "/v1/groups/staff/groups/lab", NULL, 200);
    expect_refusal(&b, gw, conn, ORL_REASON_ACCESS_REVOKED);
    await_session(&b, plan.session, "disconnected");
    api_ok(&b, "POST", "/v1/groups/staff/members", "{\"user\":\"mia\"}", 201);
    (void)log_in(gw, "mia", "10.0.5.5:3", &conn);
    api_ok(&b, "DELETE", "/v1/groups/staff", NULL, 200);
    expect_refusal(&b, gw, conn, ORL_REASON_ACCESS_REVOKED);
    close(gw);
}

static void machine_that_is_switched_off_ends_the_session(void **state)
{
    uint32_t conn = 0;
    (void)state;
    int gw = gateway_connect(&b);
    struct orl_msg_plan plan = log_in(gw, "carol", "10.0.6.1:1", &conn);
    set_power(&b, plan.desktop, ORL_POWER_REBOOTING, false);
    poke(gw);
    expect_silence(gw); /* a restart is no logoff */
    set_power(&b, plan.desktop, ORL_POWER_RUNNING, true);
    set_power(&b, plan.desktop, ORL_POWER_STOPPED, false);
    poke(gw);
    expect_refusal(&b, gw, conn, ORL_REASON_LOGGED_OFF);
    await_session(&b, plan.session, "ended");
    assert_int_equal(desktop_of(plan.desktop).lease, ORL_LEASE_ENDING);
    close(gw);
}

/* A desktop of pool "people" whose guest has a hook. */
static void make_hooked_desktop(char ret_id[ORL_ID_LEN + 1])
{
    struct orl_err err = {0};
    make_ready_desktop(&b, "people", ret_id);
    struct orl_desktop_seen seen = {
            .id = ret_id, .power = ORL_POWER_RUNNING, .is_ready = true, .has_hook = true};
    assert_int_equal(orl_desktop_observe(b.store, &seen, orl_clock_wall_ms(), &err), 0);
}

/* As an administrator is told. */
static void expect_guest(const char *what, const char *id, const char *state)
{
    char path[128];
    int status = 0;
    (void)snprintf(path, sizeof(path), "/v1/%s/%s", what, id);
    json_t *row = api(&b, "GET", path, NULL, &status);
    assert_int_equal(status, 200);
    assert_string_equal(json_string_value(json_object_get(row, "guest_state")), state);
    json_decref(row);
}

static void guest_must_know_its_person_before_they_see_it(void **state)
{
    char id[ORL_ID_LEN + 1];
    (void)state;
    int gw = gateway_connect(&b);
    make_hooked_desktop(id);
    uint32_t conn = send_login(&b, gw, "pauline", "password-pauline", "", "10.0.8.1:1");
    struct orl_msg_plan waiting = expect_plan(gw, conn, false);
    struct orl_desktop_row row = desktop_of(id);
    assert_int_equal(row.person, ORL_PERSON_WANTED);
    assert_int_equal(orl_desktop_set_person(b.store, id, row.version - 1, ORL_PERSON_READY,
                             ORL_REASON_NONE, "", orl_clock_wall_ms(), NULL),
            ORL_E_CONFLICT);
    assert_int_equal(orl_desktop_set_person(b.store, id, row.version, ORL_PERSON_READY,
                             ORL_REASON_NONE, "", orl_clock_wall_ms(), NULL),
            0);
    poke(gw);
    struct orl_msg_plan plan = expect_plan(gw, conn, true);
    assert_string_equal(plan.session, waiting.session);
    /* Locked is no log-off; what the hook has seen end is. */
    assert_int_equal(orl_desktop_set_guest_state(
                             b.store, id, row.version, ORL_GUEST_LOCKED, orl_clock_wall_ms(), NULL),
            0);
    poke(gw);
    expect_silence(gw);
    expect_guest("desktops", id, "locked");
    expect_guest("sessions", plan.session, "locked");
    assert_int_equal(orl_desktop_set_guest_state(b.store, id, row.version, ORL_GUEST_LOGGED_OFF,
                             orl_clock_wall_ms(), NULL),
            0);
    poke(gw);
    expect_refusal(&b, gw, conn, ORL_REASON_LOGGED_OFF);
    await_session(&b, plan.session, "ended");
    expect_guest("sessions", plan.session, ""); /* what comes there now is not theirs */
    assert_int_equal(desktop_of(id).lease, ORL_LEASE_ENDING);
    close(gw);
}

static void guest_that_does_not_take_its_person_is_nobodys(void **state)
{
    char id[ORL_ID_LEN + 1];
    (void)state;
    int gw = gateway_connect(&b);
    make_hooked_desktop(id);
    uint32_t conn = send_login(&b, gw, "pauline", "password-pauline", "", "10.0.8.1:2");
    struct orl_msg_plan waiting = expect_plan(gw, conn, false);
    struct orl_desktop_row row = desktop_of(id);
    assert_int_equal(orl_desktop_set_person(b.store, id, row.version, ORL_PERSON_FAILED,
                             ORL_REASON_HOME_IN_USE, "on another", orl_clock_wall_ms(), NULL),
            0);
    poke(gw);
    expect_refusal(&b, gw, conn, ORL_REASON_HOME_IN_USE);
    await_session(&b, waiting.session, "ended");
    assert_int_equal(desktop_of(id).lease, ORL_LEASE_ENDING);
    close(gw);
}

static void machine_that_dies_says_so(void **state)
{
    uint32_t conn = 0;
    (void)state;
    int gw = gateway_connect(&b);
    struct orl_msg_plan plan = log_in(gw, "dave", "10.0.7.1:1", &conn);
    set_power(&b, plan.desktop, ORL_POWER_FAILED, false);
    poke(gw);
    expect_refusal(&b, gw, conn, ORL_REASON_GUEST_DIED);
    close(gw);
}

static void ticket_that_is_late_is_refused(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    struct ticket ticket = make_ticket(&b, "erin", "keep");
    sleep(2);
    uint32_t conn = send_proof(&b, gw, &ticket, "10.0.8.1:1");
    expect_refusal(&b, gw, conn, ORL_REASON_TICKET_INVALID);
    close(gw);
}

static void refused_first_use_leaves_the_ticket_good(void **state)
{
    char id[ORL_ID_LEN + 1];
    (void)state;
    int gw = gateway_connect(&b);
    struct ticket ticket = make_ticket(&b, "erin", "keep");
    api_ok(&b, "PATCH", "/v1/pools/keep", "{\"maintenance\":true}", 200);
    uint32_t conn = send_proof(&b, gw, &ticket, "10.0.8.2:1");
    expect_hash(gw, conn, &ticket);
    expect_refusal(&b, gw, conn, ORL_REASON_POOL_MAINTENANCE);
    api_ok(&b, "PATCH", "/v1/pools/keep", "{\"maintenance\":false}", 200);
    make_ready_desktop(&b, "keep", id);
    conn = send_proof(&b, gw, &ticket, "10.0.8.2:2");
    expect_hash(gw, conn, &ticket);
    (void)expect_plan(gw, conn, true);
    close(gw);
}

/* What vmpool does with a dedicated desktop whose session is over. */
static void put_to_rest(const char *id)
{
    struct orl_err err = {0};
    set_power(&b, id, ORL_POWER_STOPPING, false);
    set_power(&b, id, ORL_POWER_STOPPED, false);
    struct orl_desktop_move move = {.id = id,
            .version = desktop_of(id).version,
            .lease = ORL_LEASE_ASSIGNED,
            .actor = "vmpool"};
    if (orl_desktop_move(b.store, &move, 1, NULL, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

static void dedicated_desktop_is_started_for_its_person(void **state)
{
    char id[ORL_ID_LEN + 1];
    char path[80];
    uint32_t conn = 0;
    (void)state;
    int gw = gateway_connect(&b);
    api_ok(&b, "POST", "/v1/pools",
            "{\"name\":\"own\",\"kind\":\"dedicated\",\"template\":\"tiny\",\"spares\":0}", 201);
    add_user(&b, "gina", "own");
    make_ready_desktop(&b, "own", id);
    struct orl_msg_plan first = log_in(gw, "gina", "10.0.9.1:1", &conn);
    (void)snprintf(path, sizeof(path), "/v1/sessions/%s/logoff", first.session);
    api_ok(&b, "POST", path, NULL, 200);
    (void)expect(gw, conn, ORL_MSG_CLOSE);
    put_to_rest(id);
    conn = send_login(&b, gw, "gina", "password-gina", "", "10.0.9.1:2");
    (void)expect_plan(gw, conn, false);
    assert_int_equal(desktop_of(id).want, ORL_WANT_RUN);
    set_power(&b, id, ORL_POWER_STARTING, false);
    set_power(&b, id, ORL_POWER_RUNNING, false);
    poke(gw);
    expect_silence(gw); /* runs, but does not answer yet */
    set_power(&b, id, ORL_POWER_RUNNING, true);
    poke(gw);
    struct orl_msg_plan second = expect_plan(gw, conn, true);
    assert_string_equal(second.desktop, id);
    assert_true(second.version > first.version);
    close(gw);
}

static void who_waits_for_their_own_gets_it_and_holds_nobody_up(void **state)
{
    char own[ORL_ID_LEN + 1];
    char spare[ORL_ID_LEN + 1];
    char path[80];
    uint32_t conn = 0;
    uint32_t hans = 0;
    uint32_t ines = 0;
    (void)state;
    int gw = gateway_connect(&b);
    api_ok(&b, "POST", "/v1/pools",
            "{\"name\":\"theirs\",\"kind\":\"dedicated\",\"template\":\"tiny\",\"spares\":0,"
            "\"max\":2}",
            201);
    add_user(&b, "hans", "theirs");
    add_user(&b, "ines", "theirs");
    make_ready_desktop(&b, "theirs", own);
    struct orl_msg_plan first = log_in(gw, "hans", "10.0.10.1:1", &conn);
    (void)snprintf(path, sizeof(path), "/v1/sessions/%s/logoff", first.session);
    api_ok(&b, "POST", path, NULL, 200);
    (void)expect(gw, conn, ORL_MSG_CLOSE);
    hans = send_login(&b, gw, "hans", "password-hans", "", "10.0.10.1:2"); /* his is ending */
    struct orl_msg_plan waiting = expect_plan(gw, hans, false);
    make_ready_desktop(&b, "theirs", spare);
    struct orl_msg_plan other = log_in(gw, "ines", "10.0.10.2:1", &ines);
    assert_string_equal(other.desktop, spare);
    put_to_rest(own); /* and no spare is free any more */
    poke(gw);
    for (int i = 0; i < 100 && desktop_of(own).want != ORL_WANT_RUN; i++) {
        usleep(20000);
    }
    set_power(&b, own, ORL_POWER_STARTING, false);
    set_power(&b, own, ORL_POWER_RUNNING, true);
    poke(gw);
    struct orl_msg_plan again = expect_plan(gw, hans, true);
    assert_string_equal(again.session, waiting.session);
    assert_string_equal(again.desktop, own);
    close(gw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(waiting_ends_with_a_desktop_in_the_order_of_coming),
            cmocka_unit_test(waiting_in_vain_says_so),
            cmocka_unit_test(who_gives_up_waiting_leaves_nothing),
            cmocka_unit_test(problem_of_the_pool_is_the_reason),
            cmocka_unit_test(silent_session_loses_its_lease_and_statistics_keep_it),
            cmocka_unit_test(restart_of_the_broker_is_survived),
            cmocka_unit_test(who_waits_is_still_waiting_after_a_restart),
            cmocka_unit_test(close_of_a_connection_from_before_the_restart_counts),
            cmocka_unit_test(taken_entitlement_and_account_put_out),
            cmocka_unit_test(who_leaves_a_group_leaves_its_pools),
            cmocka_unit_test(machine_that_is_switched_off_ends_the_session),
            cmocka_unit_test(guest_must_know_its_person_before_they_see_it),
            cmocka_unit_test(guest_that_does_not_take_its_person_is_nobodys),
            cmocka_unit_test(machine_that_dies_says_so),
            cmocka_unit_test(ticket_that_is_late_is_refused),
            cmocka_unit_test(refused_first_use_leaves_the_ticket_good),
            cmocka_unit_test(dedicated_desktop_is_started_for_its_person),
            cmocka_unit_test(who_waits_for_their_own_gets_it_and_holds_nobody_up),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
