/* Component: what a pool allows, at the door and while a session runs; a real broker, this test as gateway and vmpool. */
#include "base/clock.h"
#include "broker_fixture.h"
#include "store/pool.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct broker b;

static int start(void **state)
{
    static const char *const sets[] = {
            "lease_s=30", "wait_timeout_s=10", "vmpool_silent_s=3600", NULL};
    (void)state;
    broker_start(&b, sets);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    broker_stop(&b);
    return 0;
}

static void set_pool(const char *pool, const char *body)
{
    char path[80];
    (void)snprintf(path, sizeof(path), "/v1/pools/%s", pool);
    api_ok(&b, "PATCH", path, body, 200);
}

/* A pool and a person of the same name; the pool has desktops that are ready. */
static void add_pool(const char *name, unsigned ready)
{
    char id[ORL_ID_LEN + 1];
    add_floating_pool(&b, name, 8, 3600);
    add_user(&b, name, name);
    for (unsigned i = 0; i < ready; i++) {
        make_ready_desktop(&b, name, id);
    }
}

static uint32_t ask(int gw, const char *user, const char *as, const char *client)
{
    char password[64];
    (void)snprintf(password, sizeof(password), "password-%s", user);
    return send_login(&b, gw, as, password, "", client);
}

static void send_input(int gw, uint32_t conn, const char *session)
{
    struct orl_msg msg = {.type = ORL_MSG_STATS, .conn = conn};
    orl_msg_text(msg.u.stats.session, sizeof(msg.u.stats.session), session);
    msg.u.stats.last_input_ms = orl_clock_wall_ms();
    assert_int_equal(orl_ipc_send(gw, &msg, NULL, 0), 0);
}

/* The next band, past other messages that come by themselves. */
static struct orl_msg_notice expect_band(int gw, uint32_t conn)
{
    struct orl_msg msg;
    do {
        struct orl_ipc_fds fds;
        assert_int_equal(orl_ipc_recv(gw, 10000, &msg, &fds), 0);
    } while (msg.type == ORL_MSG_WATCH);
    assert_string_equal(orl_msg_name(msg.type), "notice");
    assert_int_equal(msg.conn, conn);
    return msg.u.notice;
}

static void expect_end(int gw, uint32_t conn, enum orl_reason reason)
{
    struct orl_msg msg;
    do {
        struct orl_ipc_fds fds;
        assert_int_equal(orl_ipc_recv(gw, 10000, &msg, &fds), 0);
    } while (msg.type == ORL_MSG_WATCH || msg.type == ORL_MSG_NOTICE);
    assert_string_equal(orl_msg_name(msg.type), "close");
    assert_int_equal(msg.conn, conn);
    assert_string_equal(
            orl_reason_code(orl_reason_from_u32(msg.u.close.reason)), orl_reason_code(reason));
    assert_true(orl_id_is_valid(msg.u.close.audit));
}

static void who_is_idle_is_warned_stays_by_input_and_is_disconnected(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    add_pool("idle", 1);
    set_pool("idle", "{\"idle_timeout_s\":4,\"warn_first_s\":2,\"warn_last_s\":1}");
    uint32_t conn = ask(gw, "idle", "idle", "10.1.0.1:1");
    struct orl_msg_plan plan = expect_plan(gw, conn, true);
    struct orl_msg_notice band = expect_band(gw, conn);
    assert_int_equal(band.kind, ORL_NOTICE_BAND_INPUT);
    assert_non_null(strstr(band.text, "Press a key"));
    send_input(gw, conn, plan.session);
    do { /* a countdown that was on its way */
        band = expect_band(gw, conn);
    } while (band.text[0] != '\0');
    band = expect_band(gw, conn); /* a new warning, after a while without input */
    assert_non_null(strstr(band.text, "Press a key"));
    expect_end(gw, conn, ORL_REASON_IDLE_TIMEOUT);
    await_session(&b, plan.session, "disconnected"); /* it is kept: the person may come back */
    conn = ask(gw, "idle", "idle", "10.1.0.1:2");
    assert_string_equal(expect_plan(gw, conn, true).session, plan.session);
    close(gw);
}

enum { MANY_POOLS = 300 };

static void the_rules_of_the_last_of_many_pools_are_kept(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    struct orl_pool_row row = {.kind = ORL_POOL_STATIC, .policy.max_session_s = 3600};
    for (unsigned i = 0; i < MANY_POOLS; i++) {
        (void)snprintf(row.name, sizeof(row.name), "before-%03u", i);
        assert_int_equal(orl_pool_insert(b.store, &row, orl_clock_wall_ms(), NULL), 0);
    }
    add_pool("zulu", 1);
    set_pool("zulu", "{\"max_session_s\":2,\"warn_first_s\":1,\"warn_last_s\":1}");
    uint32_t conn = ask(gw, "zulu", "zulu", "10.1.9.1:1");
    (void)expect_plan(gw, conn, true);
    expect_end(gw, conn, ORL_REASON_MAX_SESSION);
    for (unsigned i = 0; i < MANY_POOLS; i++) {
        (void)snprintf(row.name, sizeof(row.name), "before-%03u", i);
        assert_int_equal(orl_pool_remove(b.store, row.name, NULL), 0);
    }
    close(gw);
}

static void the_longest_time_ends_a_session_also_one_that_nobody_is_at(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    add_pool("longest", 2);
    add_user(&b, "gone", "longest");
    uint32_t conn = ask(gw, "longest", "longest", "10.1.1.1:1");
    struct orl_msg_plan plan = expect_plan(gw, conn, true);
    uint32_t gone = ask(gw, "gone", "gone", "10.1.1.2:1");
    struct orl_msg_plan away = expect_plan(gw, gone, true);
    send_close(gw, gone, ORL_REASON_CLIENT_CLOSED);
    await_session(&b, away.session, "disconnected");
    /* Changed while it runs: counts within a look. */
    set_pool("longest", "{\"max_session_s\":4,\"warn_first_s\":3,\"warn_last_s\":1}");
    struct orl_msg_notice band = expect_band(gw, conn);
    assert_int_equal(band.kind, ORL_NOTICE_BAND);
    assert_non_null(strstr(band.text, "save your work"));
    expect_end(gw, conn, ORL_REASON_MAX_SESSION);
    await_session(&b, plan.session, "ended");
    await_session(&b, away.session, "ended");
    close(gw);
}

/* Hours that are over now, and hours that are not, whatever the time of this test. */
static void hours_around(char ret_closed[80], char ret_open[80])
{
    time_t now = time(NULL);
    struct tm local;
    assert_non_null(localtime_r(&now, &local));
    int closed = (local.tm_hour + 12) % 24;
    (void)snprintf(ret_closed, 80, "{\"allowed_hours\":\"daily %02d:00-%02d:30\"}", closed, closed);
    (void)snprintf(ret_open, 80, "{\"allowed_hours\":\"daily 00:00-24:00\"}");
}

static void a_pool_that_closes_ends_its_sessions_and_lets_nobody_in(void **state)
{
    char closed[80];
    char open[80];
    (void)state;
    int gw = gateway_connect(&b);
    hours_around(closed, open);
    add_pool("hours", 2);
    set_pool("hours", open);
    uint32_t conn = ask(gw, "hours", "hours", "10.1.2.1:1");
    struct orl_msg_plan plan = expect_plan(gw, conn, true);
    set_pool("hours", closed);
    expect_end(gw, conn, ORL_REASON_OUTSIDE_HOURS);
    await_session(&b, plan.session, "ended");
    conn = ask(gw, "hours", "hours", "10.1.2.1:2");
    expect_refusal(&b, gw, conn, ORL_REASON_OUTSIDE_HOURS);
    set_pool("hours", open);
    conn = ask(gw, "hours", "hours", "10.1.2.1:3");
    (void)expect_plan(gw, conn, true);
    api_ok(&b, "PATCH", "/v1/pools/hours", "{\"allowed_hours\":\"always\"}", 400);
    close(gw);
}

static void a_pool_may_be_for_some_networks_only(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    add_pool("nets", 1);
    set_pool("nets", "{\"allowed_from\":\"10.7.0.0/16, 2001:db8::/32\"}");
    uint32_t conn = ask(gw, "nets", "nets", "10.8.0.1:1");
    expect_refusal(&b, gw, conn, ORL_REASON_ADDRESS_NOT_ALLOWED);
    conn = ask(gw, "nets", "nets", "[2001:db9::1]:1");
    expect_refusal(&b, gw, conn, ORL_REASON_ADDRESS_NOT_ALLOWED);
    conn = ask(gw, "nets", "nets", "[2001:db8::1]:1");
    (void)expect_plan(gw, conn, true);
    api_ok(&b, "PATCH", "/v1/pools/nets", "{\"allowed_from\":\"here\"}", 400);
    close(gw);
}

static void a_person_has_as_many_desktops_as_are_allowed(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    add_pool("several", 4);
    uint32_t conn = ask(gw, "several", "several@several:2", "10.1.4.1:1");
    expect_refusal(&b, gw, conn, ORL_REASON_POOL_QUOTA);
    set_pool("several", "{\"max_per_user\":3}");
    uint32_t first = ask(gw, "several", "several", "10.1.4.1:2");
    struct orl_msg_plan one = expect_plan(gw, first, true);
    uint32_t second = ask(gw, "several", "several@several:2", "10.1.4.1:3");
    struct orl_msg_plan two = expect_plan(gw, second, true);
    assert_string_not_equal(one.session, two.session);
    assert_string_not_equal(one.desktop, two.desktop);
    api_ok(&b, "PATCH", "/v1/users/several", "{\"max_desktops\":2}", 200);
    conn = ask(gw, "several", "several@several:3", "10.1.4.1:4");
    expect_refusal(&b, gw, conn, ORL_REASON_USER_QUOTA);
    /* Fewer are allowed by now: who has one may come back to it. */
    set_pool("several", "{\"max_per_user\":1}");
    send_close(gw, second, ORL_REASON_CLIENT_CLOSED);
    await_session(&b, two.session, "disconnected");
    second = ask(gw, "several", "several:2\\several", "10.1.4.1:5");
    assert_string_equal(expect_plan(gw, second, true).desktop, two.desktop);
    close(gw);
}

static void who_waits_learns_their_place(void **state)
{
    char id[ORL_ID_LEN + 1];
    (void)state;
    int gw = gateway_connect(&b);
    add_pool("line", 0);
    add_user(&b, "second", "line");
    uint32_t conn = ask(gw, "line", "line", "10.1.5.1:1");
    (void)expect_plan(gw, conn, false);
    struct orl_msg_notice notice = expect_band(gw, conn);
    assert_int_equal(notice.kind, ORL_NOTICE_SCREEN);
    assert_non_null(strstr(notice.text, "You are the next"));
    uint32_t behind = ask(gw, "second", "second", "10.1.5.2:1");
    (void)expect_plan(gw, behind, false);
    notice = expect_band(gw, behind);
    assert_non_null(strstr(notice.text, "number 2 of 2"));
    make_ready_desktop(&b, "line", id);
    poke(gw);
    (void)expect_plan(gw, conn, true);
    notice = expect_band(gw, behind); /* by itself, when it changes */
    assert_non_null(strstr(notice.text, "You are the next"));
    close(gw);
}

static void restart(void)
{
    broker_kill(&b, SIGKILL);
    broker_restart(&b);
}

static void the_queue_and_its_order_survive_a_broker_that_dies(void **state)
{
    static const char *const names[] = {"third", "first", "fourth"}; /* not in their order */
    char id[ORL_ID_LEN + 1];
    uint32_t conns[3];
    struct orl_msg_plan plans[3];
    (void)state;
    int gw = gateway_connect(&b);
    add_pool("survives", 0);
    for (unsigned i = 0; i < 3; i++) {
        char client[32];
        (void)snprintf(client, sizeof(client), "10.1.6.%u:1", i);
        add_user(&b, names[i], "survives");
        conns[i] = ask(gw, names[i], names[i], client);
        plans[i] = expect_plan(gw, conns[i], false);
    }
    close(gw);
    restart();
    gw = gateway_connect(&b);
    for (unsigned i = 3; i-- > 0;) { /* they say that they are there, in any order */
        send_stats(gw, conns[i], plans[i].session);
        (void)expect_plan(gw, conns[i], false);
    }
    for (unsigned i = 0; i < 3; i++) {
        make_ready_desktop(&b, "survives", id);
        poke(gw);
        struct orl_msg_plan plan = expect_plan(gw, conns[i], true);
        assert_string_equal(plan.session, plans[i].session);
        assert_string_equal(plan.desktop, id);
    }
    close(gw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(who_is_idle_is_warned_stays_by_input_and_is_disconnected),
            cmocka_unit_test(the_rules_of_the_last_of_many_pools_are_kept),
            cmocka_unit_test(the_longest_time_ends_a_session_also_one_that_nobody_is_at),
            cmocka_unit_test(a_pool_that_closes_ends_its_sessions_and_lets_nobody_in),
            cmocka_unit_test(a_pool_may_be_for_some_networks_only),
            cmocka_unit_test(a_person_has_as_many_desktops_as_are_allowed),
            cmocka_unit_test(who_waits_learns_their_place),
            cmocka_unit_test(the_queue_and_its_order_survive_a_broker_that_dies),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
