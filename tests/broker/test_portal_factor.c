/* Component: the second factor: setting it up, needing it, never the same code twice, losing it. */
#include "base/clock.h"
#include "browser.h"

#include <liboath/oath.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { STEP_S = 30 };

static struct broker b;
static struct broker strict;

static int start(void **state)
{
    static const char *const sets[] = {"portal_url=https://vdi.example:8443", NULL};
    static const char *const strict_sets[] = {"second_factor=required", NULL};
    (void)state;
    assert_int_equal(oath_init(), OATH_OK);
    broker_start(&b, sets);
    add_static_pool(&b, "office", 3);
    broker_start(&strict, strict_sets);
    add_static_pool(&strict, "office", 1);
    add_user(&strict, "alice", "office");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    broker_stop(&b);
    broker_stop(&strict);
    return 0;
}

struct device {
    char secret[64]; /* base32 */
};

/* {"code":"..."} of the step that is `ahead` from now. */
static const char *code_of(const struct device *device, int ahead)
{
    static char body[64];
    char otp[8];
    char *raw = NULL;
    size_t len = 0;
    time_t now = (time_t)(orl_clock_wall_ms() / 1000) + (time_t)ahead * STEP_S;
    assert_int_equal(
            oath_base32_decode(device->secret, strlen(device->secret), &raw, &len), OATH_OK);
    assert_int_equal(oath_totp_generate(raw, len, now, STEP_S, 0, 6, otp), OATH_OK);
    free(raw);
    (void)snprintf(body, sizeof(body), "{\"code\":\"%s\"}", otp);
    return body;
}

/* Away from the border of two steps, so that "now" stays the same for a test. */
static void settle(void)
{
    uint64_t into_s = orl_clock_wall_ms() / 1000 % STEP_S;
    if (into_s > STEP_S - 8) {
        sleep((unsigned)(STEP_S - into_s));
    }
}

static struct device enrol(struct browser *w, const char *name, int ahead)
{
    struct device device;
    char body[96];
    (void)snprintf(body, sizeof(body), "{\"password\":\"password-%s\"}", name);
    json_t *answer = browse(w, "POST", "/v1/me/totp", body, 200);
    const char *secret = json_string_value(json_object_get(answer, "secret"));
    const char *uri = json_string_value(json_object_get(answer, "uri"));
    assert_int_equal(strlen(secret), 32);
    assert_non_null(strstr(uri, "otpauth://totp/Oriel:"));
    assert_non_null(strstr(uri, secret));
    (void)snprintf(device.secret, sizeof(device.secret), "%s", secret);
    json_decref(answer);
    browse_ok(w, "POST", "/v1/me/totp/confirm", code_of(&device, ahead));
    return device;
}

static void log_in(struct browser *w, const char *name, const char *code, int status)
{
    char body[256];
    char text[32] = "";
    if (code != NULL) {
        (void)snprintf(text, sizeof(text), ",%.*s", (int)strlen(code) - 2, code + 1);
    }
    (void)snprintf(body, sizeof(body), "{\"user\":\"%s\",\"password\":\"password-%s\"%s}", name,
            name, text);
    json_decref(browse(w, "POST", "/v1/login", body, status));
}

static void a_factor_counts_once_it_is_confirmed(void **state)
{
    struct browser w = browser_at(&b, "10.3.0.1:1");
    (void)state;
    settle();
    add_user(&b, "ann", "office");
    browser_login(&w, "ann");
    browse_error(&w, "POST", "/v1/me/totp/confirm", "{\"code\":\"123456\"}", 409, "conflict");
    browse_error(&w, "POST", "/v1/me/totp", NULL, 400, "bad_request");
    browse_error(&w, "POST", "/v1/me/totp", "{\"password\":\"guess\"}", 401, "auth_failed");
    json_decref(browse(&w, "POST", "/v1/me/totp", "{\"password\":\"password-ann\"}", 200));
    browse_error(&w, "POST", "/v1/me/totp/confirm", "{\"code\":\"12345\"}", 401, "auth_failed");
    browser_login(&w, "ann"); /* not confirmed: not needed, and forgotten with its login */
    browse_error(&w, "POST", "/v1/me/totp/confirm", "{\"code\":\"123456\"}", 409, "conflict");
    struct device device = enrol(&w, "ann", 0);
    browse_error(&w, "POST", "/v1/me/totp", "{\"password\":\"password-ann\"}", 409, "conflict");
    json_t *me = browse(&w, "GET", "/v1/me", NULL, 200);
    assert_true(json_is_true(json_object_get(me, "has_totp")));
    json_decref(me);
    browse_error(&w, "POST", "/v1/login", "{\"user\":\"ann\",\"password\":\"password-ann\"}", 401,
            "second_factor");
    log_in(&w, "ann", code_of(&device, 0), 401); /* the code that confirmed it was used with that */
    log_in(&w, "ann", code_of(&device, 1), 200);
    log_in(&w, "ann", code_of(&device, 1), 401);
    log_in(&w, "ann", code_of(&device, 2), 401); /* too far ahead */
}

static void a_password_alone_opens_no_desktop(void **state)
{
    struct browser w = browser_at(&b, "10.3.1.1:1");
    (void)state;
    settle();
    add_user(&b, "ben", "office");
    browser_login(&w, "ben");
    (void)enrol(&w, "ben", 0);
    int gw = gateway_connect(&b);
    uint32_t conn = send_login(&b, gw, "ben", "password-ben", "", "10.3.1.2:1");
    struct orl_msg msg = expect(gw, conn, ORL_MSG_CLOSE);
    assert_int_equal(msg.u.close.reason, ORL_REASON_SECOND_FACTOR);
    assert_non_null(strstr(msg.u.close.text, "https://vdi.example:8443"));
    conn = send_login(&b, gw, "ben", "wrong", "", "10.3.1.2:2");
    expect_refusal(&b, gw, conn, ORL_REASON_AUTH_FAILED);
    /* A ticket of the portal does. */
    json_t *rdp = browse(&w, "POST", "/v1/me/desktops/office/rdp", NULL, 200);
    struct ticket ticket;
    (void)snprintf(
            ticket.id, sizeof(ticket.id), "%s", json_string_value(json_object_get(rdp, "user")));
    (void)snprintf(ticket.password, sizeof(ticket.password), "%s",
            json_string_value(json_object_get(rdp, "password")));
    json_decref(rdp);
    conn = send_proof(&b, gw, &ticket, "10.3.1.2:3");
    expect_hash(gw, conn, &ticket);
    (void)expect_plan(gw, conn, true);
    browse_ok(&w, "POST", "/v1/me/desktops/office/logoff", NULL);
    close(gw);
}

static void codes_are_guessed_as_slowly_as_passwords(void **state)
{
    struct browser w = browser_at(&b, "10.3.2.1:1");
    struct browser other = browser_at(&b, "10.3.2.2:1");
    (void)state;
    settle();
    add_user(&b, "cid", "office");
    browser_login(&other, "cid"); /* who was there before waits for nobody */
    browser_login(&w, "cid");
    struct device device = enrol(&w, "cid", 0);
    /* Who knows the password can't buy tries with it: neither here nor by RDP. */
    int gw = gateway_connect(&b);
    unsigned tried = 0;
    for (; tried < 10; tried++) {
        uint32_t conn = send_login(&b, gw, "cid", "password-cid", "", "10.3.2.3:1");
        enum orl_reason reason = (enum orl_reason)expect(gw, conn, ORL_MSG_CLOSE).u.close.reason;
        if (reason == ORL_REASON_AUTH_DELAYED) {
            break;
        }
        assert_int_equal(reason, ORL_REASON_SECOND_FACTOR);
        struct browser bad = browser_at(&b, "10.3.2.3:2");
        char body[128];
        (void)snprintf(body, sizeof(body),
                "{\"user\":\"cid\",\"password\":\"password-cid\",\"code\":\"00000%u\"}", tried);
        browse_error(&bad, "POST", "/v1/login", body, 401, "auth_failed");
    }
    assert_true(tried <= 4);
    close(gw);
    log_in(&other, "cid", code_of(&device, 1), 200);
}

/* Each address would have some free tries; who has many addresses has not more of them. */
static void wrong_codes_count_wherever_they_come_from(void **state)
{
    struct browser home = browser_at(&b, "10.3.5.1:1");
    (void)state;
    settle();
    add_user(&b, "eve", "office");
    browser_login(&home, "eve");
    struct device device = enrol(&home, "eve", 0);
    unsigned tried = 0;
    for (; tried < 20; tried++) {
        struct browser far = browser_at(&b, "");
        char text[2048] = "";
        (void)snprintf(far.client, sizeof(far.client), "[2001:db8:0:%x::1]:1", tried);
        int fd = browser_send(&far, "POST", "/v1/login",
                "{\"user\":\"eve\",\"password\":\"password-eve\",\"code\":\"000000\"}");
        assert_true(browser_reads(fd, "\"}", text, sizeof(text)));
        close(fd);
        if (strstr(text, "auth_delayed") != NULL) {
            break;
        }
        assert_non_null(strstr(text, "auth_failed"));
    }
    assert_true(tried < 20);
    /* Where she logged in before she need not wait for that. */
    log_in(&home, "eve", code_of(&device, 1), 200);
}

static void a_factor_goes_only_with_a_code_or_by_the_administrator(void **state)
{
    struct browser w = browser_at(&b, "10.3.3.1:1");
    (void)state;
    settle();
    add_user(&b, "dan", "office");
    browser_login(&w, "dan");
    struct device device = enrol(&w, "dan", -1);
    browse_error(&w, "DELETE", "/v1/me/totp", "{\"code\":\"000000\"}", 401, "auth_failed");
    browse_error(&w, "DELETE", "/v1/me/totp", NULL, 400, "bad_request");
    browse_ok(&w, "DELETE", "/v1/me/totp", code_of(&device, 0));
    browser_login(&w, "dan");
    (void)enrol(&w, "dan", 1);
    browse_error(&w, "POST", "/v1/login", "{\"user\":\"dan\",\"password\":\"password-dan\"}", 401,
            "second_factor");
    int gw = gateway_connect(&b);
    struct opened opened = browser_open(&w, "office");
    uint32_t conn = browser_connect(&w, gw, &opened);
    (void)expect_plan(gw, conn, true);
    api_ok(&b, "PATCH", "/v1/users/dan", "{\"reset_totp\":true}", 200);
    expect_refusal(&b, gw, conn, ORL_REASON_ACCESS_REVOKED); /* whoever has the lost device */
    browse_error(&w, "GET", "/v1/me", NULL, 401, "not_logged_in");
    close(gw);
    browser_login(&w, "dan");
}

static void where_a_factor_is_required_it_comes_first(void **state)
{
    struct browser w = browser_at(&strict, "10.3.4.1:1");
    (void)state;
    settle();
    browser_login(&w, "alice");
    json_t *me = browse(&w, "GET", "/v1/me", NULL, 200);
    assert_true(json_is_true(json_object_get(me, "must_enrol")));
    json_decref(me);
    browse_error(&w, "POST", "/v1/me/desktops/office/open", NULL, 403, "second_factor");
    browse_error(&w, "POST", "/v1/me/desktops/office/rdp", NULL, 403, "second_factor");
    int gw = gateway_connect(&strict);
    uint32_t conn = send_login(&strict, gw, "alice", "password-alice", "", "10.3.4.2:1");
    expect_refusal(&strict, gw, conn, ORL_REASON_SECOND_FACTOR);
    struct device device = enrol(&w, "alice", 0);
    struct opened opened = browser_open(&w, "office");
    conn = browser_connect(&w, gw, &opened);
    (void)expect_plan(gw, conn, true);
    browse_error(&w, "DELETE", "/v1/me/totp", code_of(&device, 1), 409, "conflict");
    close(gw);
}

/* Of before, when the password was enough. */
static void a_new_factor_ends_what_was_begun_without(void **state)
{
    (void)state;
    int status = 0;
    add_user(&b, "zoe", NULL);
    struct browser other = browser_at(&b, "10.5.9.2:1");
    struct browser w = browser_at(&b, "10.5.9.1:1");
    browser_login(&other, "zoe");
    browser_login(&w, "zoe");
    json_decref(api(&b, "POST", "/v1/tokens", "{\"user\":\"zoe\",\"label\":\"x\"}", &status));
    assert_int_equal(status, 201);
    (void)enrol(&w, "zoe", 0);
    browse_ok(&w, "GET", "/v1/me", NULL);
    browse_error(&other, "GET", "/v1/me", NULL, 401, "not_logged_in");
    json_t *left = api(&b, "GET", "/v1/tokens?user=zoe", NULL, &status);
    assert_int_equal(json_array_size(json_object_get(left, "tokens")), 0);
    json_decref(left);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_factor_counts_once_it_is_confirmed),
            cmocka_unit_test(a_password_alone_opens_no_desktop),
            cmocka_unit_test(codes_are_guessed_as_slowly_as_passwords),
            cmocka_unit_test(wrong_codes_count_wherever_they_come_from),
            cmocka_unit_test(a_factor_goes_only_with_a_code_or_by_the_administrator),
            cmocka_unit_test(where_a_factor_is_required_it_comes_first),
            cmocka_unit_test(a_new_factor_ends_what_was_begun_without),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
