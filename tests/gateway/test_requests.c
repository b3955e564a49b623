#include "gateway/requests.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Written out a second time, by hand: the table and this must agree in every cell. */
static bool should_permit(enum orl_conn_state state, unsigned type)
{
    bool is_before_login = state == ORL_CONN_ACCEPTED || state == ORL_CONN_HANDSHAKE;
    bool is_after_login = state == ORL_CONN_WAITING || state == ORL_CONN_ATTACHING ||
                          state == ORL_CONN_STREAMING || state == ORL_CONN_CLOSING;
    switch (type) {
    case ORL_MSG_LOGIN:
    case ORL_MSG_PROOF:
        return is_before_login;
    case ORL_MSG_STATS:
    case ORL_MSG_THUMB:
    case ORL_MSG_CONSENT:
        return is_after_login;
    case ORL_MSG_CLOSE:
        return state != ORL_CONN_NONE;
    default:
        return false;
    }
}

static void every_message_at_every_state_is_permitted_or_not(void **state)
{
    (void)state;
    for (int at = 0; at < ORL_CONN_STATE_COUNT; at++) {
        for (unsigned type = 0; type < ORL_MSG_TYPE_COUNT + 3; type++) {
            assert_int_equal(orl_request_is_permitted((enum orl_conn_state)at, type, 0, false),
                    should_permit((enum orl_conn_state)at, type));
        }
    }
}

static void no_message_of_a_session_brings_fds(void **state)
{
    (void)state;
    for (int at = 0; at < ORL_CONN_STATE_COUNT; at++) {
        for (unsigned type = 0; type < ORL_MSG_TYPE_COUNT; type++) {
            assert_false(orl_request_is_permitted((enum orl_conn_state)at, type, 1, false));
        }
    }
}

static void a_session_asks_once(void **state)
{
    (void)state;
    assert_true(orl_request_is_permitted(ORL_CONN_HANDSHAKE, ORL_MSG_LOGIN, 0, false));
    assert_false(orl_request_is_permitted(ORL_CONN_HANDSHAKE, ORL_MSG_LOGIN, 0, true));
    assert_false(orl_request_is_permitted(ORL_CONN_HANDSHAKE, ORL_MSG_PROOF, 0, true));
}

static void closing_is_final_and_reached_from_everywhere(void **state)
{
    (void)state;
    for (int at = ORL_CONN_ACCEPTED; at < ORL_CONN_CLOSING; at++) {
        assert_true(orl_conn_state_may_follow((enum orl_conn_state)at, ORL_CONN_CLOSING));
        assert_false(orl_conn_state_may_follow(ORL_CONN_CLOSING, (enum orl_conn_state)at));
    }
    assert_false(orl_conn_state_may_follow(ORL_CONN_HANDSHAKE, ORL_CONN_ATTACHING));
    assert_false(orl_conn_state_may_follow(ORL_CONN_ACCEPTED, ORL_CONN_STREAMING));
}

static void a_session_can_not_claim_what_others_decide(void **state)
{
    (void)state;
    assert_int_equal(orl_request_close_reason(ORL_REASON_CLIENT_CLOSED), ORL_REASON_CLIENT_CLOSED);
    assert_int_equal(orl_request_close_reason(ORL_REASON_LOGGED_OFF), ORL_REASON_SESSION_CRASHED);
    assert_int_equal(
            orl_request_close_reason(ORL_REASON_CLOSED_BY_ADMIN), ORL_REASON_SESSION_CRASHED);
    assert_int_equal(orl_request_close_reason(UINT32_MAX), ORL_REASON_INTERNAL);
}

static void a_console_can_not_claim_what_others_decide(void **state)
{
    (void)state;
    assert_int_equal(orl_request_console_reason(ORL_REASON_CONSOLE_AUTH), ORL_REASON_CONSOLE_AUTH);
    assert_int_equal(
            orl_request_console_reason(ORL_REASON_CONSOLE_PROTOCOL), ORL_REASON_CONSOLE_PROTOCOL);
    assert_int_equal(
            orl_request_console_reason(ORL_REASON_CONSOLE_ENDED), ORL_REASON_CONSOLE_ENDED);
    assert_int_equal(orl_request_console_reason(ORL_REASON_LOGGED_OFF), ORL_REASON_CONSOLE_LOST);
    assert_int_equal(orl_request_console_reason(UINT32_MAX), ORL_REASON_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_message_at_every_state_is_permitted_or_not),
            cmocka_unit_test(no_message_of_a_session_brings_fds),
            cmocka_unit_test(a_session_asks_once),
            cmocka_unit_test(closing_is_final_and_reached_from_everywhere),
            cmocka_unit_test(a_session_can_not_claim_what_others_decide),
            cmocka_unit_test(a_console_can_not_claim_what_others_decide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
