/* A real broker whose PostgreSQL dies, stays away for longer than a lease, and comes back: nobody who works notices.
 * tests/store/with_postgres */
#include "broker_fixture.h"

#include "base/clock.h"
#include "store/audit.h"
#include "store/store_priv.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { LEASE_S = 3, AWAY_S = 6, PATIENCE_S = 60 };

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

static void a_session_outlives_the_store(void **state)
{
    (void)state;
    static const char *const sets[] = {"lease_s=3", NULL};
    struct broker b;
    char desktop[ORL_ID_LEN + 1];
    broker_start(&b, sets);
    add_floating_pool(&b, "demo", 4, 60);
    add_user(&b, "alice", "demo");
    add_user(&b, "bob", "demo");
    make_ready_desktop(&b, "demo", desktop);
    int gw = gateway_connect(&b);
    uint32_t alice = send_login(&b, gw, "alice", "password-alice", "demo", "192.0.2.1:1");
    struct orl_msg_plan plan = expect_plan(gw, alice, true);

    kill_server();
    await_store(&b, false);
    for (unsigned i = 0; i < AWAY_S * 2; i++) {
        send_stats(gw, alice, plan.session);
        usleep(500000);
    }
    uint32_t bob = send_login(&b, gw, "bob", "password-bob", "demo", "192.0.2.2:1");
    struct orl_msg refused = expect(gw, bob, ORL_MSG_CLOSE);
    assert_int_not_equal(refused.u.close.reason, ORL_REASON_AUTH_FAILED);
    let_it_come_back();
    await_store(&b, true);

    for (unsigned i = 0; i < LEASE_S * 2 + 4; i++) {
        send_stats(gw, alice, plan.session);
        usleep(500000);
    }
    expect_silence(gw);
    await_session(&b, plan.session, "active");
    make_ready_desktop(&b, "demo", desktop);
    bob = send_login(&b, gw, "bob", "password-bob", "demo", "192.0.2.2:2");
    (void)expect_plan(gw, bob, true);
    assert_int_equal(count(&b, "SELECT count(*) FROM audit WHERE action IN ('session.disconnect',"
                               " 'session.end')"),
            0);
    assert_int_equal(count(&b, "SELECT count(*) FROM session WHERE state = 'active'"), 2);
    assert_int_equal(orl_store_check(b.store, NULL), 0);
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
