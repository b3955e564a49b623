/* Component: an administrator's message, from the API to the gateway; a real broker, this test as gateway. */
#include "broker_fixture.h"

#include <setjmp.h>
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

static struct orl_msg_plan enter(int gw, const char *name, const char *pool, uint32_t *ret_conn)
{
    char password[64];
    add_user(&b, name, pool);
    (void)snprintf(password, sizeof(password), "password-%s", name);
    *ret_conn = send_login(&b, gw, name, password, "", "10.2.0.1:1");
    return expect_plan(gw, *ret_conn, true);
}

static void send_to(const char *session, const char *body, int status)
{
    char path[120];
    (void)snprintf(path, sizeof(path), "/v1/sessions/%s/message", session);
    api_ok(&b, "POST", path, body, status);
}

static void a_message_reaches_its_session_and_the_audit(void **state)
{
    uint32_t conn = 0;
    int status = 0;
    (void)state;
    int gw = gateway_connect(&b);
    add_static_pool(&b, "one", 1);
    struct orl_msg_plan plan = enter(gw, "anna", "one", &conn);
    send_to(plan.session, "{\"text\":\"Gr\\u00fc\\u00dfe: the printer is back\"}", 200);
    struct orl_msg msg = expect(gw, conn, ORL_MSG_NOTICE);
    assert_int_equal(msg.u.notice.kind, ORL_NOTICE_MESSAGE);
    assert_string_equal(msg.u.notice.text, "Message from your administrator: Gr\xc3\xbc\xc3\x9f"
                                           "e: the printer is back");
    json_t *audit = api(&b, "GET", "/v1/audit?action=message&user=anna", NULL, &status);
    json_t *row = json_array_get(json_object_get(audit, "audit"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "detail")),
            "Gr\xc3\xbc\xc3\x9f"
            "e: the printer is back");
    json_decref(audit);
    send_to(plan.session, "{\"text\":\"too soon\"}", 429);
    expect_silence(gw);
    send_close(gw, conn, ORL_REASON_CLIENT_CLOSED);
    await_session(&b, plan.session, "disconnected");
    send_to(plan.session, "{\"text\":\"nobody there\"}", 409);
    close(gw);
}

static void what_cannot_be_shown_is_refused(void **state)
{
    static const char *const bad[] = {"{}", "{\"text\":\"\"}", "{\"text\":\"   \"}",
            "{\"text\":\"two\\nlines\"}", "{\"text\":\"\\u202eback\"}", "{\"text\":\"\\u0085\"}",
            "{\"text\":\"a\\u0000b\"}", "{\"text\":7}", "{\"text\":\"a\",\"to\":\"b\"}"};
    char longest[260] = "{\"text\":\"";
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        api_ok(&b, "POST", "/v1/messages", bad[i], 400);
    }
    memset(longest + 9, 'x', 201);
    memcpy(longest + 9 + 201, "\"}", 3);
    api_ok(&b, "POST", "/v1/messages", longest, 400);
    api_ok(&b, "POST", "/v1/messages", "{\"text\":\"a\",\"pool\":\"none\"}", 404);
    api_ok(&b, "POST", "/v1/sessions/none/message", "{\"text\":\"a\"}", 404);
}

static void a_pool_hears_what_others_do_not_and_not_too_often(void **state)
{
    uint32_t in = 0;
    uint32_t out = 0;
    uint32_t told = 0;
    int status = 0;
    (void)state;
    int gw = gateway_connect(&b);
    add_static_pool(&b, "two", 2);
    add_static_pool(&b, "three", 1);
    (void)enter(gw, "berta", "two", &in);
    (void)enter(gw, "carl", "three", &out);
    struct orl_msg_plan plan = enter(gw, "dora", "two", &told);
    send_to(plan.session, "{\"text\":\"yours\"}", 200);
    (void)expect(gw, told, ORL_MSG_NOTICE);
    json_t *answer =
            api(&b, "POST", "/v1/messages", "{\"text\":\"closing\",\"pool\":\"two\"}", &status);
    const json_t *skipped = json_object_get(answer, "skipped_users");
    assert_int_equal(status, 200);
    if (json_array_size(skipped) == 0) { /* it took so long that dora could have another */
        assert_int_equal(json_integer_value(json_object_get(answer, "shown")), 2);
        json_decref(answer);
        close(gw);
        return;
    }
    assert_int_equal(json_integer_value(json_object_get(answer, "shown")), 1);
    assert_int_equal(json_integer_value(json_object_get(answer, "skipped")), 1);
    assert_string_equal(json_string_value(json_array_get(skipped, 0)), "dora");
    json_decref(answer);
    assert_int_equal(expect(gw, in, ORL_MSG_NOTICE).u.notice.kind, ORL_NOTICE_MESSAGE);
    expect_silence(gw);
    api_ok(&b, "POST", "/v1/messages", "{\"text\":\"again\"}", 429);
    close(gw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_message_reaches_its_session_and_the_audit),
            cmocka_unit_test(what_cannot_be_shown_is_refused),
            cmocka_unit_test(a_pool_hears_what_others_do_not_and_not_too_often),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
