/* Component: logging in at the portal, the cookie, where one is logged in, and how that ends. */
#include "base/clock.h"
#include "broker/password.h"
#include "browser.h"
#include "store/user.h"
#include "store/weblogin.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { CROWD = 500 };

static struct broker b;

static int start(void **state)
{
    static const char *const sets[] = {"max_web_connections=1000", NULL};
    (void)state;
    broker_start(&b, sets);
    add_static_pool(&b, "office", 3);
    add_user(&b, "alice", "office");
    add_user(&b, "bob", "office");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    broker_stop(&b);
    return 0;
}

static void a_login_sets_a_cookie_that_only_we_can_read(void **state)
{
    struct browser w = browser_at(&b, "10.1.0.1:1");
    (void)state;
    browse_error(&w, "GET", "/v1/me", NULL, 401, "not_logged_in");
    json_t *me = browse(
            &w, "POST", "/v1/login", "{\"user\":\"ALICE\",\"password\":\"password-alice\"}", 200);
    assert_string_equal(json_string_value(json_object_get(me, "name")), "alice");
    json_decref(me);
    static const char *const parts[] = {
            "__Host-oriel=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        assert_non_null(strstr(w.set_cookie, parts[i]));
    }
    assert_null(strstr(w.set_cookie, "Domain"));
    me = browse(&w, "GET", "/v1/me", NULL, 200);
    assert_string_equal(json_string_value(json_object_get(me, "role")), "user");
    assert_true(json_is_false(json_object_get(me, "has_totp")));
    assert_string_equal(w.set_cookie, "");
    json_decref(me);
}

static void the_store_has_only_the_hash_of_a_cookie(void **state)
{
    struct browser w = browser_at(&b, "10.1.0.2:1");
    struct orl_weblogin_row row;
    (void)state;
    browser_login(&w, "alice");
    assert_int_equal(orl_weblogin_find(b.store, w.binding, orl_clock_wall_ms(), &row, NULL), 0);
    assert_string_equal(row.user, "alice");
    assert_string_equal(row.client, "10.1.0.2:1");
    assert_string_equal(row.agent, "a browser");
    assert_int_equal(orl_weblogin_find(b.store, w.cookie, 0, &row, NULL), ORL_E_NOTFOUND);
    assert_int_equal(row.expires_ms - row.created_ms, 43200 * 1000);
}

static void each_login_has_a_new_cookie_and_ends_the_one_before(void **state)
{
    struct browser w = browser_at(&b, "10.1.0.3:1");
    (void)state;
    browser_login(&w, "alice");
    struct browser before = w;
    browser_login(&w, "alice");
    assert_string_not_equal(w.cookie, before.cookie);
    browse_error(&before, "GET", "/v1/me", NULL, 401, "not_logged_in");
    /* A cookie that somebody planted is never taken up. */
    struct browser planted = browser_at(&b, "10.1.0.3:2");
    memset(planted.cookie, 'A', ORL_COOKIE_TOKEN_LEN);
    char sent[sizeof(planted.cookie)];
    memcpy(sent, planted.cookie, sizeof(sent));
    browse_error(&planted, "GET", "/v1/me", NULL, 401, "not_logged_in");
    browser_login(&planted, "bob");
    assert_string_not_equal(planted.cookie, sent);
    browse_ok(&w, "POST", "/v1/logout", NULL);
    assert_non_null(strstr(w.set_cookie, "Max-Age=0"));
    assert_string_equal(w.cookie, "");
    browse_ok(&w, "POST", "/v1/logout", NULL);
}

static void refusals_do_not_tell_who_exists(void **state)
{
    struct browser w = browser_at(&b, "10.1.0.4:1");
    (void)state;
    browse_error(&w, "POST", "/v1/login", "{\"user\":\"alice\",\"password\":\"wrong\"}", 401,
            "auth_failed");
    browse_error(&w, "POST", "/v1/login", "{\"user\":\"nobody\",\"password\":\"wrong\"}", 401,
            "auth_failed");
    browse_error(&w, "POST", "/v1/login", "{\"user\":\"\\u0001\",\"password\":\"x\"}", 400,
            "bad_request");
    browse_error(
            &w, "POST", "/v1/login", "{\"user\":\"a@b c\",\"password\":\"x\"}", 401, "auth_failed");
    assert_string_equal(w.cookie, "");
    add_user(&b, "gone", NULL);
    api_ok(&b, "PATCH", "/v1/users/gone", "{\"is_disabled\":true}", 200);
    browse_error(&w, "POST", "/v1/login", "{\"user\":\"gone\",\"password\":\"wrong\"}", 401,
            "auth_failed");
    browse_error(&w, "POST", "/v1/login", "{\"user\":\"gone\",\"password\":\"password-gone\"}", 403,
            "account_disabled");
}

static const char *login_of(struct browser *w, bool is_current, char ret_id[ORL_ID_LEN + 1])
{
    json_t *answer = browse(w, "GET", "/v1/me/logins", NULL, 200);
    json_t *item;
    size_t i;
    ret_id[0] = '\0';
    json_array_foreach(json_object_get(answer, "logins"), i, item)
    {
        if (json_is_true(json_object_get(item, "is_current")) == is_current) {
            (void)snprintf(
                    ret_id, ORL_ID_LEN + 1, "%s", json_string_value(json_object_get(item, "id")));
        }
    }
    json_decref(answer);
    return ret_id;
}

static void one_sees_and_ends_ones_logins_and_nobody_elses(void **state)
{
    struct browser here = browser_at(&b, "10.1.0.5:1");
    struct browser there = browser_at(&b, "10.1.0.6:1");
    struct browser bob = browser_at(&b, "10.1.0.7:1");
    char id[ORL_ID_LEN + 1];
    char path[80];
    (void)state;
    api_ok(&b, "PATCH", "/v1/users/alice", "{\"password\":\"password-alice\"}", 200);
    browser_login(&here, "alice");
    browser_login(&there, "alice");
    browser_login(&bob, "bob");
    (void)snprintf(path, sizeof(path), "/v1/me/logins/%s", login_of(&bob, true, id));
    browse_error(&here, "DELETE", path, NULL, 404, "not_found");
    browse_ok(&bob, "GET", "/v1/me", NULL);
    (void)snprintf(path, sizeof(path), "/v1/me/logins/%s", login_of(&here, false, id));
    browse_ok(&here, "DELETE", path, NULL);
    assert_string_equal(here.set_cookie, "");
    browse_error(&there, "GET", "/v1/me", NULL, 401, "not_logged_in");
    (void)snprintf(path, sizeof(path), "/v1/me/logins/%s", login_of(&here, true, id));
    browse_ok(&here, "DELETE", path, NULL);
    assert_string_equal(here.cookie, "");
    (void)snprintf(path, sizeof(path), "/v1/logins/%s", login_of(&bob, true, id));
    api_ok(&b, "DELETE", path, NULL, 200);
    browse_error(&bob, "GET", "/v1/me", NULL, 401, "not_logged_in");
}

static void a_new_password_puts_out_everybody_but_who_set_it(void **state)
{
    struct browser here = browser_at(&b, "10.1.0.8:1");
    struct browser there = browser_at(&b, "10.1.0.9:1");
    (void)state;
    add_user(&b, "carol", "office");
    browser_login(&here, "carol");
    browser_login(&there, "carol");
    int gw = gateway_connect(&b);
    struct ticket ticket = make_ticket(&b, "carol", "office");
    uint32_t conn = send_login(&b, gw, "carol", "password-carol", "", "10.1.0.10:1");
    (void)expect_plan(gw, conn, true);
    browse_error(&here, "POST", "/v1/me/password",
            "{\"old\":\"wrong\",\"new\":\"another-password\"}", 401, "auth_failed");
    browse_error(&here, "POST", "/v1/me/password", "{\"old\":\"password-carol\",\"new\":\"short\"}",
            400, "bad_request");
    browse_ok(&here, "POST", "/v1/me/password",
            "{\"old\":\"password-carol\",\"new\":\"another-password\"}");
    expect_refusal(&b, gw, conn, ORL_REASON_ACCESS_REVOKED);
    browse_ok(&here, "GET", "/v1/me", NULL);
    browse_error(&there, "GET", "/v1/me", NULL, 401, "not_logged_in");
    conn = send_proof(&b, gw, &ticket, "10.1.0.10:2");
    expect_refusal(&b, gw, conn, ORL_REASON_TICKET_INVALID);
    browse_error(&there, "POST", "/v1/login",
            "{\"user\":\"carol\",\"password\":\"password-carol\"}", 401, "auth_failed");
    browse_ok(
            &there, "POST", "/v1/login", "{\"user\":\"carol\",\"password\":\"another-password\"}");
    api_ok(&b, "PATCH", "/v1/users/carol", "{\"is_disabled\":true}", 200);
    browse_error(&here, "GET", "/v1/me", NULL, 401, "not_logged_in");
    browse_error(&there, "GET", "/v1/me", NULL, 401, "not_logged_in");
    close(gw);
}

/* Whoever has the cookie and the old password must not undo what the administrator does against it. */
static void an_administrators_new_password_is_the_last_word(void **state)
{
    struct browser thief = browser_at(&b, "10.1.0.11:1");
    char text[2048] = "";
    (void)state;
    add_user(&b, "dora", NULL);
    browser_login(&thief, "dora");
    int fd = browser_send(&thief, "POST", "/v1/me/password",
            "{\"old\":\"password-dora\",\"new\":\"the-thiefs-own\"}");
    api_ok(&b, "PATCH", "/v1/users/dora", "{\"password\":\"set-by-admin\"}", 200);
    (void)browser_reads(fd, "\r\n\r\n", text, sizeof(text));
    close(fd);
    browse_error(&thief, "POST", "/v1/login", "{\"user\":\"dora\",\"password\":\"the-thiefs-own\"}",
            401, "auth_failed");
    browse_ok(&thief, "POST", "/v1/login", "{\"user\":\"dora\",\"password\":\"set-by-admin\"}");
}

static void one_person_has_only_so_many_open_pages(void **state)
{
    enum { LOGINS = 5, PER_LOGIN = 4, MAX = 16 };
    struct browser w[LOGINS];
    int fds[LOGINS * PER_LOGIN];
    unsigned open = 0;
    (void)state;
    for (unsigned i = 0; i < LOGINS * PER_LOGIN; i++) {
        char text[4096] = "";
        if (i % PER_LOGIN == 0) {
            w[i / PER_LOGIN] = browser_at(&b, "10.1.0.12:1");
            browser_login(&w[i / PER_LOGIN], "bob");
        }
        fds[i] = browser_send(&w[i / PER_LOGIN], "GET", "/v1/me/events", NULL);
        assert_true(browser_reads(fds[i], "\r\n\r\n", text, sizeof(text)));
        open += strstr(text, " 200 ") != NULL;
    }
    assert_int_equal(open, MAX);
    for (unsigned i = 0; i < LOGINS * PER_LOGIN; i++) {
        close(fds[i]);
    }
}

static void a_guesser_waits_and_nobody_else_does(void **state)
{
    struct browser bad = browser_at(&b, "10.1.1.1:1");
    struct browser good = browser_at(&b, "10.1.1.2:1");
    (void)state;
    for (int i = 0; i < 4; i++) {
        browse_error(&bad, "POST", "/v1/login", "{\"user\":\"bob\",\"password\":\"guess\"}", 401,
                "auth_failed");
    }
    browse_error(&bad, "POST", "/v1/login", "{\"user\":\"bob\",\"password\":\"password-bob\"}", 429,
            "auth_delayed");
    assert_true(bad.retry_s >= 1 && bad.retry_s <= 300);
    browser_login(&good, "bob");
    /* The same policy for every way in: RDP from there has to wait, too. */
    int gw = gateway_connect(&b);
    uint32_t conn = send_login(&b, gw, "bob", "password-bob", "", "10.1.1.1:2");
    expect_refusal(&b, gw, conn, ORL_REASON_AUTH_DELAYED);
    close(gw);
}

/* Straight into the store: what is tested is not how they were made. */
static void add_crowd(void)
{
    struct orl_user_row user = {.role = ORL_ROLE_USER};
    struct orl_store_tx tx = {0};
    assert_int_equal(orl_password_init(NULL), 0);
    assert_int_equal(
            orl_password_hash("password-crowd", ORL_PASSWORD_MINIMAL, user.password_hash), 0);
    assert_int_equal(orl_store_tx_begin(b.store, &tx, NULL), 0);
    for (unsigned i = 0; i < CROWD; i++) {
        (void)snprintf(user.name, sizeof(user.name), "crowd%u", i);
        assert_int_equal(orl_user_insert(b.store, &user, orl_clock_wall_ms(), NULL), 0);
    }
    assert_int_equal(orl_store_tx_commit(&tx, NULL), 0);
}

static int send_crowd(const struct browser *w, unsigned number, const char *password)
{
    char body[128];
    (void)snprintf(
            body, sizeof(body), "{\"user\":\"crowd%u\",\"password\":\"%s\"}", number, password);
    return browser_send(w, "POST", "/v1/login", body);
}

static bool is_answered(int fd, const char *status)
{
    char text[1024] = "";
    (void)browser_reads(fd, "\r\n\r\n", text, sizeof(text));
    close(fd);
    if (strstr(text, status) == NULL) {
        print_error("not%s: '%s'\n", status, text);
        return false;
    }
    return true;
}

static void a_crowd_behind_one_address_logs_in_while_somebody_there_sprays(void **state)
{
    static int fds[CROWD];
    struct browser crowd = browser_at(&b, "10.1.2.1:1");
    (void)state;
    add_crowd();
    for (unsigned i = 0; i < 60; i++) { /* one guess at each of many */
        fds[i] = send_crowd(&crowd, i, "Summer2026!");
    }
    for (unsigned i = 0; i < 60; i++) {
        assert_true(is_answered(fds[i], " 401 "));
    }
    /* Somebody goes on at the first one, from everywhere. */
    for (unsigned i = 0; i < 60; i++) {
        struct browser far = browser_at(&b, "");
        (void)snprintf(far.client, sizeof(far.client), "10.2.%u.1:1", i);
        fds[i] = send_crowd(&far, 0, "Summer2026!");
    }
    for (unsigned i = 0; i < 60; i++) {
        assert_true(is_answered(fds[i], " 401 "));
    }
    for (unsigned i = 0; i < CROWD; i++) {
        fds[i] = send_crowd(&crowd, i, "password-crowd");
    }
    for (unsigned i = 0; i < CROWD; i++) {
        assert_true(is_answered(fds[i], " 200 "));
    }
}

static void logins_survive_a_restart_of_the_broker(void **state)
{
    struct browser w = browser_at(&b, "10.1.3.1:1");
    (void)state;
    browser_login(&w, "alice");
    broker_kill(&b, SIGKILL);
    broker_restart(&b);
    browse_ok(&w, "GET", "/v1/me", NULL);
}

static int status_of(struct broker *broker, struct browser *w, const char *path)
{
    static char answer[65536];
    char request[1024];
    size_t len = browser_request(w, "GET", path, NULL, request, sizeof(request));
    return api_exchange(broker, request, len, answer, sizeof(answer));
}

static void logins_end_by_themselves(void **state)
{
    static const char *const sets[] = {"web_idle_s=2", "web_max_s=5", NULL};
    static struct broker other;
    (void)state;
    broker_start(&other, sets);
    add_user(&other, "alice", NULL);
    struct browser idle = browser_at(&other, "10.1.4.1:1");
    struct browser used = browser_at(&other, "10.1.4.2:1");
    browser_login(&idle, "alice");
    browser_login(&used, "alice");
    /* What an open page asks by itself keeps nobody logged in. */
    bool outlived = false;
    while (status_of(&other, &used, "/v1/me") == 200) {
        outlived = outlived || status_of(&other, &idle, "/v1/me/desktops") == 401;
        usleep(200000);
    }
    assert_true(outlived);
    browse_error(&used, "GET", "/v1/me", NULL, 401, "not_logged_in");
    broker_stop(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_login_sets_a_cookie_that_only_we_can_read),
            cmocka_unit_test(the_store_has_only_the_hash_of_a_cookie),
            cmocka_unit_test(each_login_has_a_new_cookie_and_ends_the_one_before),
            cmocka_unit_test(refusals_do_not_tell_who_exists),
            cmocka_unit_test(one_sees_and_ends_ones_logins_and_nobody_elses),
            cmocka_unit_test(a_new_password_puts_out_everybody_but_who_set_it),
            cmocka_unit_test(an_administrators_new_password_is_the_last_word),
            cmocka_unit_test(one_person_has_only_so_many_open_pages),
            cmocka_unit_test(a_guesser_waits_and_nobody_else_does),
            cmocka_unit_test(a_crowd_behind_one_address_logs_in_while_somebody_there_sprays),
            cmocka_unit_test(logins_survive_a_restart_of_the_broker),
            cmocka_unit_test(logins_end_by_themselves),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
