/* A real broker whose PostgreSQL dies, stays away for longer than a lease and than a host may be silent, and comes back:
 * nobody who works notices, nobody who waits loses their place, and who comes meanwhile is told why they can't.
 * tests/store/with_postgres */
#include "browser.h"

#include "base/clock.h"
#include "store/audit.h"
#include "store/host.h"
#include "store/store_priv.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { LEASE_S = 3, SILENT_S = 8, AWAY_S = SILENT_S + 2, PATIENCE_S = 60 };
#define LATER UINT64_C(4000000000000) /* a host that beats for good */

static void path_in_server(const char *name, char ret_path[200])
{
    (void)snprintf(ret_path, 200, "%s/%s", getenv("ORIEL_TEST_PG_FOLDER"), name);
}

static void kill_server(void)
{
    char path[200];
    char line[32] = "";
    path_in_server("data/postmaster.pid", path);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    assert_int_equal(fclose(file), 0);
    path_in_server("hold", path);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(kill((pid_t)strtol(line, NULL, 10), SIGKILL), 0);
}

static void let_it_come_back(void)
{
    char path[200];
    path_in_server("hold", path);
    assert_int_equal(unlink(path), 0);
}

static bool is_up(struct broker *b)
{
    int status = 0;
    json_t *answer = api(b, "GET", "/v1/status", NULL, &status);
    assert_int_equal(status, 200);
    const json_t *store = json_object_get(answer, "store");
    bool is = json_is_true(json_object_get(store, "is_up"));
    if (!is) {
        assert_non_null(strstr(json_string_value(json_object_get(store, "error")), "away"));
    }
    json_decref(answer);
    return is;
}

static void await_store(struct broker *b, bool wanted)
{
    for (unsigned i = 0; is_up(b) != wanted; i++) {
        assert_true(i < PATIENCE_S * 10);
        usleep(100000);
    }
}

static uint64_t count(struct broker *b, const char *sql)
{
    ORL_DB_AUTO q = orl_db_query(b->store->db, sql);
    assert_int_equal(orl_db_step(&q, NULL), 1);
    return orl_db_get_u64(&q);
}

/* As vmpool does; our own connection has to come back, too. */
static void beat(struct broker *b, uint64_t at_ms)
{
    struct orl_host_row host = {.name = "host1",
            .uri = "test:///default",
            .accel = "qemu",
            .state = ORL_HOST_UP,
            .heartbeat_ms = at_ms};
    for (unsigned i = 0; orl_host_put(b->store, &host, NULL) < 0; i++) {
        assert_true(i < PATIENCE_S * 10);
        usleep(100000);
    }
}

/* Texts that may come before it don't matter. */
static void expect_notice(int gw, uint32_t conn, const char *wanted)
{
    for (unsigned i = 0; i < PATIENCE_S; i++) {
        struct orl_msg msg = expect(gw, conn, ORL_MSG_NOTICE);
        if (strstr(msg.u.notice.text, wanted) != NULL) {
            return;
        }
    }
    fail_msg("nobody says: %s", wanted);
}

static void is_said_why(struct broker *b, struct browser *portal)
{
    int status = 0;
    browse_error(portal, "GET", "/v1/me", NULL, 503, "store_down");
    browse_error(portal, "POST", "/v1/login",
            "{\"user\":\"carol\",\"password\":\"password-carol\"}", 503, "store_down");
    json_t *answer = api(b, "GET", "/v1/users", NULL, &status);
    assert_int_equal(status, 503);
    assert_string_equal(json_string_value(json_object_get(answer, "code")), "store_down");
    json_decref(answer);
}

static void a_session_outlives_the_store(void **state)
{
    (void)state;
    static const char *const sets[] = {"lease_s=3", "vmpool_silent_s=8", "wait_timeout_s=15", NULL};
    struct broker b;
    char desktop[ORL_ID_LEN + 1];
    broker_start(&b, sets);
    add_floating_pool(&b, "demo", 4, 60);
    add_user(&b, "alice", "demo");
    add_user(&b, "bob", "demo");
    add_user(&b, "carol", "demo");
    beat(&b, LATER);
    make_ready_desktop(&b, "demo", desktop);
    int gw = gateway_connect(&b);
    uint32_t alice = send_login(&b, gw, "alice", "password-alice", "demo", "192.0.2.1:1");
    struct orl_msg_plan plan = expect_plan(gw, alice, true);
    struct browser portal = browser_at(&b, "192.0.2.4:1");
    browser_login(&portal, "bob");
    int line = gateway_connect(&b);
    uint32_t carol = send_login(&b, line, "carol", "password-carol", "demo", "192.0.2.3:1");
    (void)expect_plan(line, carol, false);
    beat(&b, orl_clock_wall_ms());
    kill_server();
    await_store(&b, false);
    expect_notice(line, carol, "You keep your place");
    is_said_why(&b, &portal);
    int other = gateway_connect(&b); /* one that comes back just now, with somebody who works */
    send_stats(other, alice, plan.session);
    expect_silence(other);
    close(other);
    for (unsigned i = 0; i < AWAY_S * 2; i++) {
        send_stats(gw, alice, plan.session);
        usleep(500000);
    }
    uint32_t bob = send_login(&b, gw, "bob", "password-bob", "demo", "192.0.2.2:1");
    struct orl_msg refused = expect(gw, bob, ORL_MSG_CLOSE);
    assert_int_equal(refused.u.close.reason, ORL_REASON_STORE_DOWN);
    let_it_come_back();
    await_store(&b, true);
    expect_notice(line, carol, "You are the next"); /* though no host has said anything for long */
    beat(&b, LATER);
    browse_ok(&portal, "GET", "/v1/me", NULL); /* nor was anybody logged off by it */
    make_ready_desktop(&b, "demo", desktop);
    struct orl_msg_plan served = expect_plan(line, carol, true);

    for (unsigned i = 0; i < LEASE_S * 2 + 4; i++) {
        send_stats(gw, alice, plan.session);
        send_stats(line, carol, served.session);
        usleep(500000);
    }
    expect_silence(gw);
    await_session(&b, plan.session, "active");
    make_ready_desktop(&b, "demo", desktop);
    bob = send_login(&b, gw, "bob", "password-bob", "demo", "192.0.2.2:2");
    (void)expect_plan(gw, bob, true);
    send_stats(line, carol, served.session);
    assert_int_equal(count(&b, "SELECT count(*) FROM audit WHERE action IN ('session.disconnect',"
                               " 'session.end')"),
            0);
    assert_int_equal(count(&b, "SELECT count(*) FROM session WHERE state = 'active'"), 3);
    assert_int_equal(orl_store_check(b.store, NULL), 0);
    close(line);
    close(gw);
    broker_stop(&b);
}

int main(void)
{
    if (getenv("ORIEL_TEST_PG") == NULL) {
        (void)fprintf(stderr, "run by tests/store/with_postgres\n");
        return 1;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_session_outlives_the_store)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
