/* Component: a real broker; what people who log in get, and what they are refused with. */
#include "broker_fixture.h"
#include "store/entitlement.h"

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
    static const char *const sets[] = {"ticket_max_failures=3", NULL};
    (void)state;
    broker_start(&b, sets);
    add_static_pool(&b, "office", 3);
    add_static_pool(&b, "lab", 1);
    add_user(&b, "alice", "office");
    add_user(&b, "bob", "office");
    add_user(&b, "carol", NULL);
    add_user(&b, "dave", "office");
    api_ok(&b, "POST", "/v1/entitlements", "{\"user\":\"dave\",\"pool\":\"lab\"}", 201);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    broker_stop(&b);
    return 0;
}

static void right_password_gets_a_desktop_and_returns_to_it(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    uint32_t conn = send_login(&b, gw, "alice", "password-alice", "", "10.0.1.1:1");
    struct orl_msg_plan first = expect_plan(gw, conn, true);
    assert_string_equal(first.user, "alice");
    assert_string_equal(first.pool, "office");
    assert_int_equal(first.permit.clipboard, ORL_CLIPBOARD_BOTH);
    assert_int_equal(first.permit.clipboard_max_bytes, 1 << 20);
    assert_int_equal(first.permit.has_sound, 1);
    api_ok(&b, "PATCH", "/v1/pools/office", "{\"clipboard\":\"to_guest\",\"sound\":false}", 200);
    await_session(&b, first.session, "active");
    send_close(gw, conn, ORL_REASON_CLIENT_CLOSED);
    await_session(&b, first.session, "disconnected");
    conn = send_login(&b, gw, "ALICE@office", "password-alice", "", "10.0.1.2:1");
    struct orl_msg_plan second = expect_plan(gw, conn, true);
    assert_string_equal(second.session, first.session);
    assert_string_equal(second.desktop, first.desktop);
    assert_int_equal(second.version, first.version);
    assert_int_equal(
            second.permit.clipboard, ORL_CLIPBOARD_TO_GUEST); /* from the next connection on */
    assert_int_equal(second.permit.has_sound, 0);
    char path[80];
    (void)snprintf(path, sizeof(path), "/v1/sessions/%s/logoff", first.session);
    api_ok(&b, "POST", path, NULL, 200);
    struct orl_msg msg = expect(gw, conn, ORL_MSG_CLOSE);
    assert_int_equal(msg.u.close.reason, ORL_REASON_LOGGED_OFF);
    close(gw);
}

static void refusals_say_why_and_are_audited(void **state)
{
    static const struct {
        const char *user, *password;
        enum orl_reason reason;
    } cases[] = {
            {"alice", "wrong", ORL_REASON_AUTH_FAILED},
            {"alice", "", ORL_REASON_AUTH_FAILED},
            {"nobody", "password-alice", ORL_REASON_AUTH_FAILED},
            {"not a name", "x", ORL_REASON_AUTH_FAILED},
            {"carol", "password-carol", ORL_REASON_NOT_ENTITLED},
            {"carol@office", "password-carol", ORL_REASON_NOT_ENTITLED},
            {"alice@lab", "password-alice", ORL_REASON_NOT_ENTITLED},
            {"alice@nowhere", "password-alice", ORL_REASON_NO_SUCH_POOL},
            {"nowhere\\alice", "password-alice", ORL_REASON_NO_SUCH_POOL},
            {"dave", "password-dave", ORL_REASON_POOL_AMBIGUOUS},
            {"alice@nowhere", "wrong", ORL_REASON_AUTH_FAILED},
            {"t-0000000000000000", "x", ORL_REASON_TICKET_INVALID},
    };
    (void)state;
    int gw = gateway_connect(&b);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char client[32];
        (void)snprintf(client, sizeof(client), "10.%zu.0.1:1", 20 + i);
        uint32_t conn = send_login(&b, gw, cases[i].user, cases[i].password, "", client);
        expect_refusal(&b, gw, conn, cases[i].reason);
    }
    close(gw);
}

static void disabled_account_is_put_out_and_refused(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    uint32_t conn = send_login(&b, gw, "bob", "password-bob", "", "10.0.2.1:1");
    (void)expect_plan(gw, conn, true);
    api_ok(&b, "PATCH", "/v1/users/bob", "{\"is_disabled\":true}", 200);
    struct orl_msg msg = expect(gw, conn, ORL_MSG_CLOSE);
    assert_int_equal(msg.u.close.reason, ORL_REASON_ACCESS_REVOKED);
    conn = send_login(&b, gw, "bob", "password-bob", "", "10.0.2.1:1");
    expect_refusal(&b, gw, conn, ORL_REASON_ACCOUNT_DISABLED);
    api_ok(&b, "PATCH", "/v1/users/bob", "{\"is_disabled\":false}", 200);
    close(gw);
}

static void second_connection_takes_the_session_over(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    int other = gateway_connect(&b);
    uint32_t old = send_login(&b, gw, "dave", "password-dave", "lab", "10.0.3.1:1");
    struct orl_msg_plan first = expect_plan(gw, old, true);
    uint32_t new = send_login(&b, other, "dave@lab", "password-dave", "", "10.0.3.2:1");
    struct orl_msg_plan second = expect_plan(other, new, true);
    expect_refusal(&b, gw, old, ORL_REASON_TAKEN_OVER);
    assert_string_equal(second.session, first.session);
    assert_string_equal(second.desktop, first.desktop);
    /* The gateway's late word about the old connection changes nothing. */
    send_close(gw, old, ORL_REASON_CLIENT_CLOSED);
    send_stats(other, new, second.session);
    await_session(&b, second.session, "active");
    expect_silence(other);
    close(gw);
    close(other);
}

static void full_and_maintained_pools_refuse_new_sessions_only(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    api_ok(&b, "POST", "/v1/entitlements", "{\"user\":\"carol\",\"pool\":\"lab\"}", 201);
    uint32_t conn = send_login(&b, gw, "carol", "password-carol", "", "10.0.4.1:1");
    expect_refusal(&b, gw, conn, ORL_REASON_POOL_FULL); /* dave has the only desktop */
    api_ok(&b, "PATCH", "/v1/pools/lab", "{\"maintenance\":true}", 200);
    conn = send_login(&b, gw, "carol", "password-carol", "", "10.0.4.1:1");
    expect_refusal(&b, gw, conn, ORL_REASON_POOL_MAINTENANCE);
    conn = send_login(&b, gw, "dave@lab", "password-dave", "", "10.0.4.2:1");
    (void)expect_plan(gw, conn, true);
    api_ok(&b, "PATCH", "/v1/pools/lab", "{\"maintenance\":false}", 200);
    api_ok(&b, "DELETE", "/v1/entitlements/carol/lab", NULL, 200);
    close(gw);
}

static void ticket_is_proven_used_once_and_bound(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    struct ticket ticket = make_ticket(&b, "alice", "office");
    uint32_t conn = send_proof(&b, gw, &ticket, "10.0.5.1:1");
    expect_hash(gw, conn, &ticket);
    struct orl_msg_plan first = expect_plan(gw, conn, true);
    /* Automatic reconnect: the same ticket, the same session, by proof and by password. */
    send_close(gw, conn, ORL_REASON_CLIENT_CLOSED);
    await_session(&b, first.session, "disconnected");
    conn = send_proof(&b, gw, &ticket, "10.0.5.1:2");
    expect_hash(gw, conn, &ticket);
    assert_string_equal(expect_plan(gw, conn, true).session, first.session);
    send_close(gw, conn, ORL_REASON_CLIENT_CLOSED);
    conn = send_login(&b, gw, ticket.id, ticket.password, "", "10.0.5.1:3");
    assert_string_equal(expect_plan(gw, conn, true).session, first.session);
    /* Over is over: also when its person has a new session. */
    char path[80];
    (void)snprintf(path, sizeof(path), "/v1/sessions/%s/logoff", first.session);
    api_ok(&b, "POST", path, NULL, 200);
    (void)expect(gw, conn, ORL_MSG_CLOSE);
    conn = send_proof(&b, gw, &ticket, "10.0.5.1:4");
    expect_refusal(&b, gw, conn, ORL_REASON_TICKET_INVALID);
    conn = send_login(&b, gw, "alice", "password-alice", "", "10.0.5.1:5");
    struct orl_msg_plan other = expect_plan(gw, conn, true);
    assert_string_not_equal(other.session, first.session);
    uint32_t again = send_login(&b, gw, ticket.id, ticket.password, "", "10.0.5.1:6");
    expect_refusal(&b, gw, again, ORL_REASON_TICKET_INVALID);
    expect_silence(gw); /* and the session that is alive was not touched */
    (void)snprintf(path, sizeof(path), "/v1/sessions/%s/logoff", other.session);
    api_ok(&b, "POST", path, NULL, 200);
    close(gw);
}

static void wrong_proofs_give_no_hash_and_burn_the_ticket(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    struct ticket ticket = make_ticket(&b, "alice", "office");
    struct ticket wrong = ticket;
    wrong.password[0] = wrong.password[0] == 'a' ? 'b' : 'a';
    for (int i = 0; i < 3; i++) {
        uint32_t conn = send_proof(&b, gw, &wrong, i == 2 ? "10.0.6.2:1" : "10.0.6.1:1");
        expect_refusal(&b, gw, conn, ORL_REASON_TICKET_INVALID);
    }
    uint32_t conn = send_proof(&b, gw, &ticket, "10.0.6.3:1");
    expect_refusal(&b, gw, conn, ORL_REASON_TICKET_INVALID); /* burnt */
    expect_silence(gw);
    close(gw);
}

static void revoked_ticket_and_foreign_names_are_refused(void **state)
{
    (void)state;
    char path[80];
    int gw = gateway_connect(&b);
    struct ticket ticket = make_ticket(&b, "alice", "office");
    (void)snprintf(path, sizeof(path), "/v1/tickets/%s", ticket.id);
    api_ok(&b, "DELETE", path, NULL, 200);
    uint32_t conn = send_proof(&b, gw, &ticket, "10.0.7.1:1");
    expect_refusal(&b, gw, conn, ORL_REASON_TICKET_INVALID);
    /* NTLM by an account that is no ticket: there is nothing to prove against. */
    struct ticket person = {.id = "alice", .password = "password-alice"};
    conn = send_proof(&b, gw, &person, "10.0.7.2:1");
    expect_refusal(&b, gw, conn, ORL_REASON_TICKET_INVALID);
    close(gw);
}

static void ticket_of_one_who_lost_the_right_is_refused_after_the_proof(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    api_ok(&b, "POST", "/v1/entitlements", "{\"user\":\"carol\",\"pool\":\"office\"}", 201);
    struct ticket ticket = make_ticket(&b, "carol", "office");
    /* Behind the API's back: it would revoke the ticket, too. */
    assert_int_equal(orl_entitlement_remove(b.store, "carol", "office", NULL), 0);
    uint32_t conn = send_proof(&b, gw, &ticket, "10.0.8.1:1");
    expect_hash(gw, conn, &ticket);
    expect_refusal(&b, gw, conn, ORL_REASON_NOT_ENTITLED);
    close(gw);
}

static void guessing_is_slowed_down_for_the_guesser_only(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    for (int i = 0; i < 4; i++) {
        uint32_t conn = send_login(&b, gw, "alice", "wrong", "", "10.0.9.1:1");
        expect_refusal(&b, gw, conn, ORL_REASON_AUTH_FAILED);
    }
    uint32_t conn = send_login(&b, gw, "alice", "password-alice", "", "10.0.9.1:2");
    expect_refusal(&b, gw, conn, ORL_REASON_AUTH_DELAYED);
    conn = send_login(&b, gw, "alice", "password-alice", "", "10.0.9.2:1");
    struct orl_msg_plan plan = expect_plan(gw, conn, true);
    char path[80];
    (void)snprintf(path, sizeof(path), "/v1/sessions/%s/logoff", plan.session);
    api_ok(&b, "POST", path, NULL, 200);
    close(gw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(right_password_gets_a_desktop_and_returns_to_it),
            cmocka_unit_test(refusals_say_why_and_are_audited),
            cmocka_unit_test(disabled_account_is_put_out_and_refused),
            cmocka_unit_test(second_connection_takes_the_session_over),
            cmocka_unit_test(full_and_maintained_pools_refuse_new_sessions_only),
            cmocka_unit_test(ticket_is_proven_used_once_and_bound),
            cmocka_unit_test(wrong_proofs_give_no_hash_and_burn_the_ticket),
            cmocka_unit_test(revoked_ticket_and_foreign_names_are_refused),
            cmocka_unit_test(ticket_of_one_who_lost_the_right_is_refused_after_the_proof),
            cmocka_unit_test(guessing_is_slowed_down_for_the_guesser_only),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
