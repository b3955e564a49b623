/* Component: what browsers, and whoever poses as oriel-web, must not get: rights, other people's, our memory, the
 * administrator's place. */
#include "browser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WEB = 65534, STRANGER = 12346, MAX_WEB = 20 };

static struct broker b;

static int start(void **state)
{
    static const char *const sets[] = {"web_user=nobody", "max_api_connections=8",
            "max_web_connections=20", "api_request_s=1", NULL};
    (void)state;
    broker_start(&b, sets);
    add_static_pool(&b, "office", 2);
    add_user(&b, "alice", "office");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    broker_stop(&b);
    return 0;
}

static int raw(const char *head, const char *body)
{
    static char answer[65536];
    char request[16384];
    int len = snprintf(request, sizeof(request),
            "%s\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", head,
            strlen(body), body);
    assert_true(len > 0 && (size_t)len < sizeof(request));
    return api_exchange(&b, request, (size_t)len, answer, sizeof(answer));
}

/* The same by a child of another user; -1: closed. */
static int raw_as(uid_t uid, const char *head, const char *body)
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (setresuid(uid, uid, uid) < 0) {
            _exit(99);
        }
        _exit(raw(head, body) / 10); /* 20, 40, 50: enough */
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

#define CLIENT "\r\nX-Oriel-Client: 10.5.0.1:1"
#define JSON "\r\nContent-Type: application/json"
static const char right[] = "{\"user\":\"alice\",\"password\":\"password-alice\"}";

static void oriel_web_has_no_right_of_its_own(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(raw_as(WEB, "GET /v1/users HTTP/1.1" CLIENT, ""), 40);
    assert_int_equal(raw_as(WEB, "GET /v1/status HTTP/1.1" CLIENT, ""), 40);
    assert_int_equal(raw_as(WEB, "GET /v1/users HTTP/1.1", ""), 50); /* says not for whom */
    assert_int_equal(raw_as(WEB, "GET /v1/reasons HTTP/1.1" CLIENT, ""), 20);
    assert_int_equal(raw_as(WEB, "POST /v1/login HTTP/1.1" CLIENT JSON, right), 20);
    assert_int_equal(raw_as(STRANGER, "POST /v1/login HTTP/1.1" CLIENT JSON, right), 40);
    assert_int_equal(raw_as(STRANGER, "GET /v1/reasons HTTP/1.1" CLIENT, ""), 40);
}

static void a_browsers_request_never_has_the_administrators_rights(void **state)
{
    (void)state;
    assert_int_equal(raw("GET /v1/users HTTP/1.1", ""), 200); /* this test is the administrator */
    assert_int_equal(raw("GET /v1/users HTTP/1.1" CLIENT, ""), 401);
    assert_int_equal(raw("GET /metrics HTTP/1.1" CLIENT, ""), 401);
    assert_int_equal(raw("POST /v1/tickets HTTP/1.1" CLIENT JSON, "{\"user\":\"alice\"}"), 401);
    assert_int_equal(raw("GET /v1/nothing HTTP/1.1" CLIENT, ""), 404);
    assert_int_equal(raw("GET /v1/users HTTP/1.1\r\nx-oriel-client:", ""), 503);
    assert_int_equal(raw("GET /v1/users HTTP/1.1\r\nX-ORIEL-CLIENT: 1234567890123456789012345678901"
                         "23456789012345678901234567890123456789",
                             ""),
            503);
    assert_int_equal(raw("GET /v1/reasons HTTP/1.1\r\nX-Oriel-Client: a\xff", ""), 503);
    assert_int_equal(raw("GET /v1/me HTTP/1.1", ""), 403);
    assert_int_equal(raw("POST /v1/login HTTP/1.1" JSON, right), 403);
}

static void requests_that_are_none_are_refused(void **state)
{
    static const char *const bodies[] = {"", "null", "[]", "{", "{\"user\":\"alice\"}",
            "{\"user\":1,\"password\":\"x\"}", "{\"user\":\"a\",\"user\":\"b\",\"password\":\"x\"}",
            "{\"user\":\"a\",\"password\":\"x\",\"role\":\"admin\"}",
            "{\"user\":\"a\\u0000b\",\"password\":\"x\"}", "{\"user\":\"\xff\",\"password\":\"x\"}",
            "{\"user\":\"a\",\"password\":\"x\",\"code\":\"1234567890123456\"}"};
    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(raw("POST /v1/login HTTP/1.1" CLIENT JSON, bodies[i]), 400);
    }
    assert_int_equal(raw("POST /v1/login HTTP/1.1" CLIENT, right), 415);
    assert_int_equal(
            raw("POST /v1/login HTTP/1.1" CLIENT "\r\nContent-Type: text/plain", right), 415);
    assert_int_equal(
            raw("POST /v1/login HTTP/1.1" CLIENT "\r\nContent-Type: application/jsonx", right),
            415);
    assert_int_equal(raw("POST /v1/login HTTP/1.1" CLIENT
                         "\r\nContent-Type: Application/JSON; charset=utf-8",
                             right),
            200);
    assert_int_equal(raw("PUT /v1/login HTTP/1.1" CLIENT JSON, right), 405);
    assert_int_equal(raw("GET /v1/login HTTP/1.1" CLIENT, ""), 404);
    assert_int_equal(raw("GET /v1/me/../users HTTP/1.1" CLIENT, ""), 401);
    assert_int_equal(raw("GET /v1/me?user=bob HTTP/1.1" CLIENT, ""), 401);
    /* A header in a path. */
    assert_int_equal(raw("GET /v1/reasons HTTP/1.1" CLIENT, ""), 200);
    assert_int_equal(raw("GET /v1/reasons%0aAccept:z HTTP/1.1" CLIENT, ""), 400);
    assert_int_equal(raw("GET /v1/reasons?a=%0aAccept:z HTTP/1.1" CLIENT, ""), 400);
}

static void a_body_of_many_brackets_or_bytes_is_refused(void **state)
{
    static char body[15000];
    static char big[70000];
    static char answer[4096];
    (void)state;
    memset(body, '[', sizeof(body) - 1);
    assert_int_equal(raw("POST /v1/login HTTP/1.1" CLIENT JSON, body), 400);
    int len = snprintf(big, sizeof(big),
            "POST /v1/login HTTP/1.1\r\nHost: x" CLIENT JSON "\r\nContent-Length: 66000\r\n\r\n");
    memset(big + len, ' ', 66000);
    assert_int_equal(api_exchange(&b, big, (size_t)len + 66000, answer, sizeof(answer)), 413);
    memset(body, 'c', sizeof(body) - 1);
    assert_true(raw(body, "") != 200);
    api_ok(&b, "GET", "/v1/status", NULL, 200);
}

static void cookies_that_are_not_ours_are_nobodys(void **state)
{
    struct browser w = browser_at(&b, "10.5.1.1:1");
    char head[1024];
    (void)state;
    browser_login(&w, "alice");
    (void)snprintf(head, sizeof(head), "GET /v1/me HTTP/1.1" CLIENT "\r\nCookie: __Host-oriel=%s",
            w.cookie);
    assert_int_equal(raw(head, ""), 200);
    (void)snprintf(head, sizeof(head),
            "GET /v1/me HTTP/1.1" CLIENT "\r\nCookie: __Host-oriel=%s; __Host-oriel=%s", w.cookie,
            w.cookie);
    assert_int_equal(raw(head, ""), 401);
    (void)snprintf(
            head, sizeof(head), "GET /v1/me HTTP/1.1" CLIENT "\r\nCookie: oriel=%s", w.cookie);
    assert_int_equal(raw(head, ""), 401);
    (void)snprintf(head, sizeof(head), "GET /v1/me HTTP/1.1" CLIENT "\r\nCookie: __Host-oriel=%s",
            w.binding); /* its hash */
    assert_int_equal(raw(head, ""), 401);
    (void)snprintf(
            head, sizeof(head), "GET /v1/me HTTP/1.1\r\nAuthorization: Bearer %s" CLIENT, w.cookie);
    assert_int_equal(raw(head, ""), 401);
}

static void open_pages_are_bounded_and_never_keep_the_administrator_out(void **state)
{
    struct browser w[MAX_WEB];
    int fds[MAX_WEB];
    unsigned open = 0;
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        w[i] = browser_at(&b, "10.5.2.1:1");
        browser_login(&w[i], "alice");
    }
    for (unsigned i = 0; i < 3 * 4; i++) {
        char text[4096] = "";
        fds[open] = browser_send(&w[i / 4], "GET", "/v1/me/events", NULL);
        assert_true(browser_reads(fds[open], "\r\n\r\n", text, sizeof(text)));
        if (strstr(text, " 200 ") == NULL) {
            assert_non_null(strstr(text, " 429 "));
            close(fds[open]);
            break;
        }
        open++;
    }
    assert_int_equal(open, MAX_WEB / 2); /* half of all; 4 of one login */
    browse_error(&w[0], "GET", "/v1/me/events", NULL, 429, "busy");
    /* The rest is taken by those who say nothing. */
    unsigned idle = 0;
    int silent[64];
    for (; idle < 64; idle++) {
        silent[idle] = api_connect(&b);
        if (silent[idle] < 0) {
            break;
        }
    }
    while (idle > 0) {
        close(silent[--idle]);
    }
    /* They are gone when the broker has read so. */
    int status = 0;
    for (unsigned tries = 0; tries < 200 && status != 200; tries++) {
        json_decref(api(&b, "GET", "/v1/status", NULL, &status));
        usleep(status != 200 ? 20000 : 0);
    }
    assert_int_equal(status, 200);
    for (unsigned i = 0; i < open; i++) {
        close(fds[i]);
    }
    browse_ok(&w[0], "GET", "/v1/me", NULL);
}

static void who_leaves_before_the_answer_leaves_nothing(void **state)
{
    struct browser w = browser_at(&b, "10.5.3.1:1");
    (void)state;
    for (int i = 0; i < 100; i++) {
        int fd = browser_send(&w, "POST", "/v1/login", "{\"user\":\"nobody\",\"password\":\"x\"}");
        close(fd);
        fd = browser_send(&w, "GET", "/v1/me/desktops", NULL);
        close(fd);
    }
    struct browser other = browser_at(&b, "10.5.3.2:1");
    for (int i = 0; i < 100; i++) {
        char answer[2048];
        char request[1024];
        size_t len = browser_request(&other, "GET", "/v1/reasons", NULL, request, sizeof(request));
        if (api_exchange(&b, request, len, answer, sizeof(answer)) == 200) {
            break;
        }
        usleep(20000);
    }
    browser_login(&other, "alice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(oriel_web_has_no_right_of_its_own),
            cmocka_unit_test(a_browsers_request_never_has_the_administrators_rights),
            cmocka_unit_test(requests_that_are_none_are_refused),
            cmocka_unit_test(a_body_of_many_brackets_or_bytes_is_refused),
            cmocka_unit_test(cookies_that_are_not_ours_are_nobodys),
            cmocka_unit_test(open_pages_are_bounded_and_never_keep_the_administrator_out),
            cmocka_unit_test(who_leaves_before_the_answer_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
