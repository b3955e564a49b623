/* Component: personal access tokens: what one may, until when, and what it never may. */
#include "broker/http.h"
#include "browser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct broker b;

static int start(void **state)
{
    static const char *const sets[] = {"password_cost=minimal", NULL};
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

/* As a script on the host; the answer is the caller's. */
static json_t *call(
        const char *token, const char *method, const char *path, const char *body, int status)
{
    static char answer[1 << 17];
    char request[2048];
    int len = snprintf(request, sizeof(request),
            "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\n"
            "Content-Length: %zu\r\n\r\n%s",
            method, path, token, strlen(body), body);
    int got = api_exchange(&b, request, (size_t)len, answer, sizeof(answer));
    if (got != status) {
        fail_msg("%s %s: %d, not %d: %s", method, path, got, status, answer);
    }
    json_t *json = json_loads(strstr(answer, "\r\n\r\n") + 4, 0, NULL);
    assert_non_null(json);
    return json;
}

static void check(
        const char *token, const char *method, const char *path, const char *body, int status)
{
    json_decref(call(token, method, path, body, status));
}

/* 429: it is one of many that are unknown by now. */
static void expect_dead(const char *token)
{
    char answer[4096];
    char request[256];
    int len = snprintf(request, sizeof(request),
            "GET /v1/users HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            "Authorization: Bearer %s\r\n\r\n",
            token);
    int status = api_exchange(&b, request, (size_t)len, answer, sizeof(answer));
    assert_true(status == 401 || status == 429);
}

struct made {
    char id[ORL_ID_LEN + 1];
    char token[ORL_BEARER_LEN + 1];
};

static struct made make(const char *user, const char *scope)
{
    struct made made;
    char body[256];
    int status = 0;
    (void)snprintf(body, sizeof(body), "{\"user\":\"%s\",\"label\":\"test\",\"scope\":\"%s\"}",
            user, scope);
    json_t *row = api(&b, "POST", "/v1/tokens", body, &status);
    assert_int_equal(status, 201);
    const char *token = json_string_value(json_object_get(row, "token"));
    assert_int_equal(strlen(token), ORL_BEARER_LEN);
    assert_int_equal(strncmp(token, "ort_", 4), 0);
    (void)snprintf(made.token, sizeof(made.token), "%s", token);
    (void)snprintf(made.id, sizeof(made.id), "%s", json_string_value(json_object_get(row, "id")));
    json_decref(row);
    return made;
}

static void add_person(const char *name, const char *role)
{
    char path[80];
    char body[80];
    add_user(&b, name, NULL);
    (void)snprintf(path, sizeof(path), "/v1/users/%s", name);
    (void)snprintf(body, sizeof(body), "{\"role\":\"%s\"}", role);
    api_ok(&b, "PATCH", path, body, 200);
}

static void a_token_may_the_lesser_of_scope_and_account(void **state)
{
    (void)state;
    add_person("ada", "admin");
    struct made viewer = make("ada", "viewer");
    struct made admin = make("ada", "admin");
    check(viewer.token, "GET", "/v1/users", "", 200);
    check(viewer.token, "POST", "/v1/users", "{\"name\":\"new\"}", 403);
    check(admin.token, "POST", "/v1/users", "{\"name\":\"new\"}", 201);
    api_ok(&b, "PATCH", "/v1/users/ada", "{\"role\":\"viewer\"}", 200);
    expect_dead(admin.token);
    admin = make("ada", "admin");
    check(admin.token, "DELETE", "/v1/users/new", "", 403);
    check(admin.token, "GET", "/v1/users", "", 200);
    api_ok(&b, "PATCH", "/v1/users/ada", "{\"is_disabled\":true}", 200);
    expect_dead(admin.token);
    api_ok(&b, "PATCH", "/v1/users/ada", "{\"is_disabled\":false}", 200);
    expect_dead(admin.token);
}

/* Whoever made a token with what was stolen is out with the rest. */
static void a_token_ends_with_the_password(void **state)
{
    (void)state;
    add_person("uma", "viewer");
    struct made first = make("uma", "viewer");
    api_ok(&b, "PATCH", "/v1/users/uma", "{\"display\":\"Uma\"}", 200);
    check(first.token, "GET", "/v1/users", "", 200);
    api_ok(&b, "PATCH", "/v1/users/uma", "{\"password\":\"password-uma\"}", 200);
    expect_dead(first.token);
    struct made second = make("uma", "viewer");
    struct browser w = browser_at(&b, "10.7.0.2:1");
    browser_login(&w, "uma");
    browse_ok(&w, "POST", "/v1/me/password", "{\"old\":\"password-uma\",\"new\":\"another-uma\"}");
    expect_dead(second.token);
    struct made third = make("uma", "viewer");
    api_ok(&b, "PATCH", "/v1/users/uma", "{\"reset_totp\":true}", 200);
    expect_dead(third.token);
}

/* The newest row with that action. */
static json_t *row_of(const char *action)
{
    char path[80];
    int status = 0;
    (void)snprintf(path, sizeof(path), "/v1/audit?limit=1&action=%s", action);
    json_t *page = api(&b, "GET", path, NULL, &status);
    assert_int_equal(status, 200);
    json_t *row = json_incref(json_array_get(json_object_get(page, "audit"), 0));
    json_decref(page);
    return row;
}

static void expect_row(const char *action, const char *actor, const char *object, const char *user)
{
    json_t *row = row_of(action);
    assert_string_equal(json_string_value(json_object_get(row, "actor")), actor);
    assert_string_equal(json_string_value(json_object_get(row, "object")), object);
    assert_string_equal(json_string_value(json_object_get(row, "user")), user);
    json_decref(row);
}

static void the_audit_says_which_token(void **state)
{
    (void)state;
    char actor[80];
    char path[80];
    char root[32];
    (void)snprintf(root, sizeof(root), "admin:%u", (unsigned)geteuid());
    add_person("ora", "admin");
    struct made made = make("ora", "admin");
    (void)snprintf(actor, sizeof(actor), "token:%s", made.id);
    expect_row("token.add", root, actor, "ora");
    check(made.token, "POST", "/v1/groups", "{\"name\":\"ops\"}", 201);
    expect_row("group.add", actor, "group:ops", "ora");
    (void)snprintf(path, sizeof(path), "/v1/tokens/%s", made.id);
    api_ok(&b, "DELETE", path, NULL, 200);
    expect_row("token.remove", root, actor, "ora");
}

static void a_token_makes_no_other_way_in(void **state)
{
    (void)state;
    add_person("eva", "admin");
    add_static_pool(&b, "office", 1);
    add_user(&b, "otto", "office");
    api_ok(&b, "POST", "/v1/entitlements", "{\"user\":\"eva\",\"pool\":\"office\"}", 201);
    struct made made = make("eva", "admin");
    check(made.token, "POST", "/v1/tickets", "{\"user\":\"otto\"}", 403);
    check(made.token, "POST", "/v1/tickets", "{\"user\":\"eva\"}", 201);
    check(made.token, "POST", "/v1/tokens", "{\"user\":\"otto\",\"label\":\"x\"}", 403);
    check(made.token, "POST", "/v1/me/tokens", "{\"label\":\"x\",\"password\":\"password-eva\"}",
            403);
    check(made.token, "POST", "/v1/users", "{\"name\":\"ivo\",\"password\":\"123456789\"}", 403);
    check(made.token, "POST", "/v1/users", "{\"name\":\"ivo\"}", 201);
    check(made.token, "POST", "/v1/me/password", "{\"old\":\"password-eva\",\"new\":\"12345678\"}",
            403);
    check(made.token, "POST", "/v1/me/totp", "{\"password\":\"password-eva\"}", 403);
    check(made.token, "PATCH", "/v1/users/otto", "{\"password\":\"123456789\"}", 403);
    check(made.token, "PATCH", "/v1/users/otto", "{\"reset_totp\":true}", 403);
    check(made.token, "PATCH", "/v1/users/otto", "{\"display\":\"Otto\"}", 200);
    json_t *me = call(made.token, "GET", "/v1/me", "", 200);
    assert_string_equal(json_string_value(json_object_get(me, "name")), "eva");
    json_decref(me);
}

static void a_person_makes_and_ends_their_own(void **state)
{
    (void)state;
    char path[128];
    add_person("ida", "operator");
    struct browser w = browser_at(&b, "10.7.0.1:1");
    browser_login(&w, "ida");
    browse_error(&w, "POST", "/v1/me/tokens", "{\"label\":\"x\"}", 400, "bad_request");
    browse_error(&w, "POST", "/v1/me/tokens", "{\"label\":\"x\",\"password\":\"wrong\"}", 401,
            "auth_failed");
    json_t *row = browse(&w, "POST", "/v1/me/tokens",
            "{\"label\":\"backup\",\"days\":3,\"password\":\"password-ida\"}", 201);
    assert_string_equal(json_string_value(json_object_get(row, "scope")), "viewer");
    json_int_t life_ms = json_integer_value(json_object_get(row, "expires_ms")) -
                         json_integer_value(json_object_get(row, "created_ms"));
    assert_int_equal(life_ms, 3 * 86400000);
    char token[ORL_BEARER_LEN + 1];
    (void)snprintf(token, sizeof(token), "%s", json_string_value(json_object_get(row, "token")));
    (void)snprintf(
            path, sizeof(path), "/v1/me/tokens/%s", json_string_value(json_object_get(row, "id")));
    json_decref(row);
    browse_error(&w, "POST", "/v1/me/tokens",
            "{\"label\":\"x\",\"days\":367,\"password\":\"password-ida\"}", 400, "bad_request");
    check(token, "GET", "/v1/users", "", 200);
    row = browse(&w, "GET", "/v1/me/tokens", NULL, 200);
    json_t *first = json_array_get(json_object_get(row, "tokens"), 0);
    assert_true(json_integer_value(json_object_get(first, "used_ms")) > 0);
    assert_null(json_object_get(first, "token"));
    assert_null(json_object_get(first, "hash"));
    json_decref(row);
    struct made other = make("eva", "viewer");
    char others[128];
    (void)snprintf(others, sizeof(others), "/v1/me/tokens/%s", other.id);
    browse_error(&w, "DELETE", others, "{}", 404, "not_found");
    browse_ok(&w, "DELETE", path, "{}");
    expect_dead(token);
    (void)snprintf(others, sizeof(others), "/v1/tokens/%s", other.id);
    api_ok(&b, "DELETE", others, NULL, 200);
    expect_dead(other.token);
}

static void who_guesses_waits_and_a_good_one_does_not(void **state)
{
    (void)state;
    struct made good = make("eva", "viewer");
    int status = 401;
    for (unsigned i = 0; i < 20 && status == 401; i++) {
        static char answer[4096];
        static const char request[] =
                "GET /v1/users HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
                "ort_0123456789012345678901234567890123456789\r\n\r\n";
        status = api_exchange(&b, request, sizeof(request) - 1, answer, sizeof(answer));
        assert_true(status != 429 || strstr(answer, "retry-after: ") != NULL);
    }
    assert_int_equal(status, 429);
    check(good.token, "GET", "/v1/users", "", 200);
    check("short", "GET", "/v1/users", "", 429);
    char uid[32];
    (void)snprintf(uid, sizeof(uid), "uid:%u", (unsigned)geteuid());
    json_t *row = row_of("api");
    assert_string_equal(json_string_value(json_object_get(row, "actor")), uid);
    assert_string_equal(json_string_value(json_object_get(row, "client")), uid);
    json_decref(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_token_may_the_lesser_of_scope_and_account),
            cmocka_unit_test(a_token_ends_with_the_password),
            cmocka_unit_test(the_audit_says_which_token),
            cmocka_unit_test(a_token_makes_no_other_way_in),
            cmocka_unit_test(a_person_makes_and_ends_their_own),
            cmocka_unit_test(who_guesses_waits_and_a_good_one_does_not),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
