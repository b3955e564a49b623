/* Component: the site's own words, where people are refused; a real broker, this test as gateway. */
#include "base/clock.h"
#include "broker_fixture.h"
#include "store/alarm.h"
#include "store/host.h"

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
    static const char *const sets[] = {"lease_s=30", "vmpool_silent_s=3600", NULL};
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

static void expect_words(const char *name, const char *words)
{
    struct orl_msg msg;
    int gw = gateway_connect(&b);
    uint32_t conn = send_login(&b, gw, name, "password-none", "", "10.3.0.1:1");
    msg = expect(gw, conn, ORL_MSG_CLOSE);
    assert_int_equal(msg.u.close.reason, ORL_REASON_AUTH_FAILED);
    assert_string_equal(msg.u.close.text, words);
    close(gw);
}

static void a_refusal_has_the_sites_text_and_whom_to_call(void **state)
{
    (void)state;
    expect_words("a", orl_reason_text(ORL_REASON_AUTH_FAILED));
    api_ok(&b, "PATCH", "/v1/site", "{\"contact\":\"Help desk: 4711\"}", 200);
    expect_words("b", "The user name or the password is wrong. Help desk: 4711");
    api_ok(&b, "PATCH", "/v1/reasons/auth_failed", "{\"text\":\"Pr\\u00fcfen Sie das Kennwort.\"}",
            200);
    expect_words("c", "Pr\xc3\xbc"
                      "fen Sie das Kennwort. Help desk: 4711");
    broker_kill(&b, SIGKILL);
    broker_restart(&b);
    expect_words("d", "Pr\xc3\xbc"
                      "fen Sie das Kennwort. Help desk: 4711");
    api_ok(&b, "DELETE", "/v1/reasons/auth_failed", NULL, 200);
    api_ok(&b, "PATCH", "/v1/site", "{\"contact\":\"\"}", 200);
    expect_words("e", orl_reason_text(ORL_REASON_AUTH_FAILED));
}

static void words_that_cannot_be_shown_are_refused(void **state)
{
    char longest[300] = "{\"text\":\"";
    (void)state;
    memset(longest + 9, 'x', 140);
    memcpy(longest + 9 + 140, "\"}", 3);
    api_ok(&b, "PATCH", "/v1/reasons/pool_full", longest, 400);
    api_ok(&b, "PATCH", "/v1/reasons/pool_full", "{\"text\":\"a\\tb\"}", 400);
    api_ok(&b, "PATCH", "/v1/reasons/pool_full", "{}", 400);
    api_ok(&b, "PATCH", "/v1/reasons/no_such", "{\"text\":\"a\"}", 404);
    api_ok(&b, "PATCH", "/v1/site", "{\"notice\":\"\\u2067turned\"}", 400);
    api_ok(&b, "PATCH", "/v1/site", "{\"phone\":\"1\"}", 400);
    longest[8] = '"';
    char contact[300];
    (void)snprintf(contact, sizeof(contact), "{\"contact\":%.102s\"}", longest + 8);
    api_ok(&b, "PATCH", "/v1/site", contact, 400);
}

static void the_longest_words_arrive_whole(void **state)
{
    char text[160] = "";
    char body[300];
    struct orl_msg msg;
    (void)state;
    memset(text, 'x', 139);
    (void)snprintf(body, sizeof(body), "{\"text\":\"%s\"}", text);
    api_ok(&b, "PATCH", "/v1/reasons/auth_failed", body, 200);
    text[99] = '\0';
    (void)snprintf(body, sizeof(body), "{\"contact\":\"%s\"}", text);
    api_ok(&b, "PATCH", "/v1/site", body, 200);
    int gw = gateway_connect(&b);
    uint32_t conn = send_login(&b, gw, "f", "password-none", "", "10.3.0.2:1");
    msg = expect(gw, conn, ORL_MSG_CLOSE);
    assert_int_equal(strlen(msg.u.close.text), 139 + 1 + 99);
    close(gw);
    api_ok(&b, "DELETE", "/v1/reasons/auth_failed", NULL, 200);
    api_ok(&b, "PATCH", "/v1/site", "{\"contact\":\"\"}", 200);
}

static const char *gateway_state(json_t **ret_answer)
{
    int status = 0;
    size_t i;
    json_t *check;
    *ret_answer = api(&b, "GET", "/v1/doctor", NULL, &status);
    assert_int_equal(status, 200);
    json_array_foreach(json_object_get(*ret_answer, "checks"), i, check)
    {
        if (strcmp(json_string_value(json_object_get(check, "object")), "gateway") == 0) {
            return json_string_value(json_object_get(check, "state"));
        }
    }
    fail_msg("no word of the gateway");
    return "";
}

static void doctor_sees_who_is_connected(void **state)
{
    json_t *answer = NULL;
    (void)state;
    assert_string_equal(gateway_state(&answer), "bad");
    json_decref(answer);
    int gw = gateway_connect(&b);
    assert_string_equal(gateway_state(&answer), "ok");
    json_decref(answer);
    close(gw);
}

/* state and text of the doctor's word on that host's clock */
static void assert_clock(const char *state, const char *text)
{
    int status = 0;
    size_t i;
    json_t *check;
    json_t *answer = api(&b, "GET", "/v1/doctor", NULL, &status);
    bool is_said = false;
    json_array_foreach(json_object_get(answer, "checks"), i, check)
    {
        if (strcmp(json_string_value(json_object_get(check, "area")), "clock") == 0 &&
                strcmp(json_string_value(json_object_get(check, "object")), "cellar") == 0) {
            assert_string_equal(json_string_value(json_object_get(check, "state")), state);
            assert_string_equal(json_string_value(json_object_get(check, "text")), text);
            is_said = true;
        }
    }
    assert_true(is_said);
    json_decref(answer);
}

static void put_host(uint64_t heartbeat_ms)
{
    const struct orl_host_row host = {
            .name = "cellar", .state = ORL_HOST_UP, .heartbeat_ms = heartbeat_ms};
    assert_int_equal(orl_host_put(b.store, &host, NULL), 0);
}

static void doctor_sees_a_clock_that_is_ahead_or_behind(void **state)
{
    uint64_t now_ms = orl_clock_wall_ms();
    (void)state;
    put_host(now_ms);
    assert_clock("ok", "as ours");
    put_host(now_ms + 600000);
    assert_clock("bad", "its clock is ahead of ours");
    put_host(now_ms - 600000); /* it looks silent */
    assert_int_equal(orl_alarm_raise(b.store, ORL_REASON_CLOCK_OFF, "host:cellar",
                             "its clock is 600 s behind the database's", now_ms, NULL),
            0);
    assert_clock("bad", "its clock is 600 s behind the database's");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_refusal_has_the_sites_text_and_whom_to_call),
            cmocka_unit_test(words_that_cannot_be_shown_are_refused),
            cmocka_unit_test(the_longest_words_arrive_whole),
            cmocka_unit_test(doctor_sees_who_is_connected),
            cmocka_unit_test(doctor_sees_a_clock_that_is_ahead_or_behind),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
