/* Component: every route by everybody: who may less than it asks for is refused, from the route table itself. And
 * what a role is: the account's now, whoever brings the request. */
#include "broker/api.h"
#include "browser.h"
#include "store/user.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct broker b;
static struct browser who[ORL_HTTP_ADMIN + 1]; /* by role; WEB has no cookie */

static void set_role(const char *name, const char *role)
{
    char path[80];
    char body[80];
    (void)snprintf(path, sizeof(path), "/v1/users/%s", name);
    (void)snprintf(body, sizeof(body), "{\"role\":\"%s\"}", role);
    api_ok(&b, "PATCH", path, body, 200);
}

static struct browser somebody(const char *name, const char *role, const char *client)
{
    struct browser w = browser_at(&b, client);
    add_user(&b, name, NULL);
    set_role(name, role);
    browser_login(&w, name);
    return w;
}

static int start(void **state)
{
    static const char *const sets[] = {"password_cost=minimal", NULL};
    (void)state;
    broker_start(&b, sets);
    who[ORL_HTTP_WEB] = browser_at(&b, "10.6.0.1:1");
    for (enum orl_http_role role = ORL_HTTP_USER; role <= ORL_HTTP_ADMIN; role++) {
        char name[32];
        char client[32];
        (void)snprintf(name, sizeof(name), "the-%s", orl_api_role_name(role));
        (void)snprintf(client, sizeof(client), "10.6.%u.1:1", (unsigned)role);
        who[role] = somebody(name, orl_api_role_name(role), client);
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    broker_stop(&b);
    return 0;
}

/* "/v1/users/NAME" to "/v1/users/x": nothing of that name is there. */
static void path_of(const struct orl_api_route *route, char *ret, size_t size)
{
    size_t used = 0;
    for (const char *at = route->pattern; *at != '\0' && used + 1 < size; at++) {
        bool is_word = isupper((unsigned char)*at) != 0;
        ret[used++] = (char)(is_word ? 'x' : *at);
        at += is_word ? strcspn(at, "/") - 1 : 0;
    }
    ret[used] = '\0';
}

static int ask(struct browser *w, const struct orl_api_route *route, char *ret_answer, size_t size)
{
    char path[160];
    char request[4096];
    path_of(route, path, sizeof(path));
    bool is_get = route->method == ORL_HTTP_GET;
    size_t len = browser_request(w, orl_api_method_name(route->method), path,
            is_get ? NULL : "{\"no_such_field\":1}", request, sizeof(request));
    memset(ret_answer, 0, size);
    return api_exchange(w->b, request, len, ret_answer, size);
}

static bool is_stream(const struct orl_api_route *route)
{
    return strstr(route->pattern, "/events") != NULL;
}

static void nobody_may_more_than_their_role(void **state)
{
    static char answer[1 << 16];
    unsigned refused = 0;
    (void)state;
    for (const struct orl_api_route *route = orl_api_routes; route->pattern != NULL; route++) {
        for (enum orl_http_role role = ORL_HTTP_WEB; role < route->role; role++) {
            int status = ask(&who[role], route, answer, sizeof(answer));
            int want = role == ORL_HTTP_WEB ? 401 : 403;
            const char *code = role == ORL_HTTP_WEB ? "not_logged_in" : "not_allowed";
            if (status != want || strstr(answer, code) == NULL) {
                fail_msg("%s %s by %s: %d %s", orl_api_method_name(route->method), route->pattern,
                        orl_api_role_name(role), status, answer);
            }
            const char *needed = orl_api_role_name(route->role);
            assert_true(role == ORL_HTTP_WEB || strstr(answer, needed) != NULL);
            refused++;
        }
    }
    assert_true(refused > 100);
}

static void whoever_may_is_let_in(void **state)
{
    static char answer[1 << 16];
    (void)state;
    for (const struct orl_api_route *route = orl_api_routes; route->pattern != NULL; route++) {
        bool ends_the_login = strcmp(route->pattern, "/v1/logout") == 0;
        for (enum orl_http_role role = route->role; role <= ORL_HTTP_ADMIN; role++) {
            int status = ends_the_login || is_stream(route)
                                 ? 200
                                 : ask(&who[role], route, answer, sizeof(answer));
            bool is_refused = status == 403 && strstr(answer, "not_allowed") != NULL;
            if (status == 401 || is_refused || status >= 500) {
                fail_msg("%s %s by %s: %d %s", orl_api_method_name(route->method), route->pattern,
                        orl_api_role_name(role), status, answer);
            }
        }
    }
}

/* Of an administrator: the scope is what counts. */
static void no_token_may_more_than_its_scope(void **state)
{
    static char answer[1 << 16];
    (void)state;
    for (enum orl_http_role scope = ORL_HTTP_VIEWER; scope <= ORL_HTTP_OPERATOR; scope++) {
        char body[160];
        char token[80];
        int status = 0;
        (void)snprintf(body, sizeof(body),
                "{\"user\":\"the-admin\",\"label\":\"all\",\"scope\":\"%s\"}",
                orl_api_role_name(scope));
        json_t *made = api(&b, "POST", "/v1/tokens", body, &status);
        assert_int_equal(status, 201);
        (void)snprintf(
                token, sizeof(token), "%s", json_string_value(json_object_get(made, "token")));
        json_decref(made);
        for (const struct orl_api_route *route = orl_api_routes; route->pattern != NULL; route++) {
            char path[160];
            char request[1024];
            path_of(route, path, sizeof(path));
            int len = snprintf(request, sizeof(request),
                    "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
                    "%s\r\nContent-Length: 0\r\n\r\n",
                    orl_api_method_name(route->method), path, token);
            if (route->role > scope) {
                memset(answer, 0, sizeof(answer));
                assert_int_equal(
                        api_exchange(&b, request, (size_t)len, answer, sizeof(answer)), 403);
                assert_non_null(strstr(answer, "not_allowed"));
            }
        }
    }
}

static void the_refusal_is_in_the_audit(void **state)
{
    (void)state;
    struct browser w = somebody("nosy", "user", "10.6.9.1:1");
    browse_error(&w, "GET", "/v1/users", NULL, 403, "not_allowed");
    int status = 0;
    json_t *answer = api(&b, "GET", "/v1/audit?reason=not_allowed&user=nosy", NULL, &status);
    const json_t *row = json_array_get(json_object_get(answer, "audit"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "actor")), "user:nosy");
    assert_string_equal(json_string_value(json_object_get(row, "detail")), "/v1/users");
    json_decref(answer);
}

static void what_a_console_does_is_done_in_its_persons_name(void **state)
{
    struct browser *w = &who[ORL_HTTP_ADMIN];
    (void)state;
    json_decref(browse(w, "POST", "/v1/users", "{\"name\":\"made\",\"role\":\"viewer\"}", 201));
    int status = 0;
    json_t *answer = api(&b, "GET", "/v1/audit?action=user.add&user=made", NULL, &status);
    const json_t *row = json_array_get(json_object_get(answer, "audit"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "actor")), "user:the-admin");
    json_decref(answer);
    answer = browse(w, "GET", "/v1/users/made", NULL, 200);
    assert_string_equal(json_string_value(json_object_get(answer, "role")), "viewer");
    json_decref(answer);
    json_decref(browse(w, "DELETE", "/v1/users/made", NULL, 200));
}

static void another_role_ends_the_logins(void **state)
{
    (void)state;
    struct browser w = somebody("risen", "user", "10.6.10.1:1");
    set_role("risen", "operator");
    browse_error(&w, "GET", "/v1/me", NULL, 401, "not_logged_in");
    browser_login(&w, "risen");
    browse_ok(&w, "GET", "/v1/hosts", NULL);
    json_t *me = browse(&w, "GET", "/v1/me", NULL, 200);
    assert_string_equal(json_string_value(json_object_get(me, "role")), "operator");
    json_decref(me);
    set_role("risen", "operator"); /* no change */
    browse_ok(&w, "GET", "/v1/hosts", NULL);
    set_role("risen", "user");
    browse_error(&w, "GET", "/v1/hosts", NULL, 401, "not_logged_in");
}

static void the_store_says_what_a_role_is_now(void **state)
{
    struct orl_err err = {0};
    struct orl_user_row row;
    (void)state;
    struct browser w = somebody("fallen", "admin", "10.6.11.1:1");
    browse_ok(&w, "GET", "/v1/users", NULL);
    /* By another broker of the same store: the login is still there. */
    assert_int_equal(orl_user_get(b.store, "fallen", &row, &err), 0);
    row.role = ORL_ROLE_USER;
    assert_int_equal(orl_user_update(b.store, &row, &err), 0);
    browse_error(&w, "GET", "/v1/users", NULL, 403, "not_allowed");
    browse_ok(&w, "GET", "/v1/me", NULL);
}

static void the_last_administrator_stays(void **state)
{
    struct browser *w = &who[ORL_HTTP_ADMIN];
    (void)state;
    browse_error(w, "PATCH", "/v1/users/the-admin", "{\"role\":\"operator\"}", 409, "conflict");
    browse_error(w, "PATCH", "/v1/users/the-admin", "{\"is_disabled\":true}", 409, "conflict");
    browse_error(w, "DELETE", "/v1/users/the-admin", NULL, 409, "conflict");
    browse_ok(w, "GET", "/v1/users/the-admin", NULL);
    struct browser other = somebody("second", "admin", "10.6.12.1:1");
    json_decref(browse(w, "PATCH", "/v1/users/second", "{\"is_disabled\":true}", 200));
    browse_error(&other, "GET", "/v1/users", NULL, 401, "not_logged_in");
    browse_error(w, "DELETE", "/v1/users/the-admin", NULL, 409, "conflict");
    /* Who has root can always make another. */
    api_ok(&b, "PATCH", "/v1/users/the-admin", "{\"role\":\"user\"}", 200);
    browse_error(w, "GET", "/v1/users", NULL, 401, "not_logged_in");
    set_role("the-admin", "admin");
    browser_login(w, "the-admin");
}

/* All that a role may read of sessions and of the audit, as text. */
static char *read_all(enum orl_http_role role)
{
    json_t *both = json_pack("[o, o]", browse(&who[role], "GET", "/v1/sessions?all=1", NULL, 200),
            browse(&who[role], "GET", "/v1/audit?limit=1000", NULL, 200));
    char *text = json_dumps(both, JSON_COMPACT);
    json_decref(both);
    assert_non_null(text);
    return text;
}

static void ids_of_tickets_are_for_administrators(void **state)
{
    (void)state;
    add_static_pool(&b, "lab", 1);
    api_ok(&b, "POST", "/v1/entitlements", "{\"user\":\"the-user\",\"pool\":\"lab\"}", 201);
    struct ticket ticket = make_ticket(&b, "the-user", "lab");
    int gw = gateway_connect(&b);
    uint32_t conn = send_proof(&b, gw, &ticket, "10.6.14.1:1");
    expect_hash(gw, conn, &ticket);
    (void)expect_plan(gw, conn, true);
    for (enum orl_http_role role = ORL_HTTP_VIEWER; role <= ORL_HTTP_ADMIN; role++) {
        char *text = read_all(role);
        bool is_admin = role == ORL_HTTP_ADMIN;
        assert_true((strstr(text, ticket.id) != NULL) == is_admin);
        assert_true((strstr(text, "ticket#") != NULL) == !is_admin);
        free(text);
    }
    close(gw);
}

static void a_change_is_said_to_be_json(void **state)
{
    static char answer[1 << 16];
    char request[1024];
    (void)state;
    int len = snprintf(request, sizeof(request),
            "POST /v1/users HTTP/1.1\r\nHost: x\r\nX-Oriel-Client: "
            "10.6.0.1:1\r\nCookie: " ORL_COOKIE_NAME
            "=%s\r\nContent-Type: text/plain\r\nContent-Length: 14\r\nConnection: close\r\n\r\n"
            "{\"name\":\"evil\"}",
            who[ORL_HTTP_ADMIN].cookie);
    assert_int_equal(api_exchange(&b, request, (size_t)len, answer, sizeof(answer)), 415);
    api_ok(&b, "GET", "/v1/users/evil", NULL, 404);
}

static void a_console_may_want_a_second_factor(void **state)
{
    static const char *const sets[] = {"password_cost=minimal", "console_needs_totp=true", NULL};
    struct broker all = b;
    (void)state;
    broker_start(&b, sets);
    struct browser w = somebody("carla", "admin", "10.6.13.1:1");
    browse_error(&w, "GET", "/v1/users", NULL, 403, "second_factor");
    json_t *me = browse(&w, "GET", "/v1/me", NULL, 200);
    assert_true(json_is_true(json_object_get(me, "must_enrol")));
    assert_string_equal(json_string_value(json_object_get(me, "role")), "user");
    json_decref(me);
    browse_error(&w, "POST", "/v1/me/tokens", "{\"label\":\"x\",\"password\":\"password-carla\"}",
            403, "second_factor");
    struct browser plain = somebody("paul", "user", "10.6.13.2:1");
    me = browse(&plain, "GET", "/v1/me", NULL, 200);
    assert_true(json_is_false(json_object_get(me, "must_enrol")));
    json_decref(me);
    broker_stop(&b);
    b = all;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(nobody_may_more_than_their_role),
            cmocka_unit_test(whoever_may_is_let_in),
            cmocka_unit_test(no_token_may_more_than_its_scope),
            cmocka_unit_test(the_refusal_is_in_the_audit),
            cmocka_unit_test(what_a_console_does_is_done_in_its_persons_name),
            cmocka_unit_test(another_role_ends_the_logins),
            cmocka_unit_test(the_store_says_what_a_role_is_now),
            cmocka_unit_test(the_last_administrator_stays),
            cmocka_unit_test(ids_of_tickets_are_for_administrators),
            cmocka_unit_test(a_change_is_said_to_be_json),
            cmocka_unit_test(a_console_may_want_a_second_factor),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
