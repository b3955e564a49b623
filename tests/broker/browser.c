#include "browser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct browser browser_at(struct broker *b, const char *client)
{
    struct browser w = {.b = b};
    (void)snprintf(w.client, sizeof(w.client), "%s", client);
    return w;
}

size_t browser_request(const struct browser *w, const char *method, const char *path,
        const char *body, char *ret_text, size_t size)
{
    char cookie[100] = "";
    if (w->cookie[0] != '\0') {
        (void)snprintf(
                cookie, sizeof(cookie), "Cookie: a=b; " ORL_COOKIE_NAME "=%s\r\n", w->cookie);
    }
    int len = snprintf(ret_text, size,
            "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Oriel-Client: %s\r\n"
            "User-Agent: a browser\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n"
            "\r\n%s",
            method, path, w->client, cookie, body != NULL ? strlen(body) : 0,
            body != NULL ? body : "");
    assert_true(len > 0 && (size_t)len < size);
    return (size_t)len;
}

static void value_of(const char *answer, const char *name, char *ret, size_t size)
{
    const char *end = strstr(answer, "\r\n\r\n");
    ret[0] = '\0';
    for (const char *at = strstr(answer, "\r\n"); at != NULL && at < end;
            at = strstr(at + 2, "\r\n")) {
        if (strncasecmp(at + 2, name, strlen(name)) == 0) {
            const char *value = at + 2 + strlen(name);
            value += strspn(value, " ");
            (void)snprintf(ret, size, "%.*s", (int)strcspn(value, "\r\n"), value);
        }
    }
}

static void keep_cookie(struct browser *w)
{
    if (w->set_cookie[0] == '\0') {
        return;
    }
    const char *value = strchr(w->set_cookie, '=');
    assert_non_null(value);
    (void)snprintf(w->cookie, sizeof(w->cookie), "%.*s", (int)strcspn(value + 1, ";"), value + 1);
    w->binding[0] = '\0';
    if (w->cookie[0] != '\0') {
        assert_int_equal(strlen(w->cookie), ORL_COOKIE_TOKEN_LEN);
        orl_cookie_binding(w->cookie, w->binding);
    }
}

json_t *browse(
        struct browser *w, const char *method, const char *path, const char *body, int status)
{
    static char answer[1 << 18];
    char request[4096];
    char retry[16];
    size_t len = browser_request(w, method, path, body, request, sizeof(request));
    int got = api_exchange(w->b, request, len, answer, sizeof(answer));
    if (got != status) {
        fail_msg("%s %s: %d, not %d: %s", method, path, got, status, answer);
    }
    value_of(answer, "set-cookie:", w->set_cookie, sizeof(w->set_cookie));
    value_of(answer, "retry-after:", retry, sizeof(retry));
    w->retry_s = (unsigned)strtoul(retry, NULL, 10);
    keep_cookie(w);
    const char *at = strstr(answer, "\r\n\r\n");
    json_t *root = at != NULL ? json_loads(at + 4, JSON_DECODE_ANY, NULL) : NULL;
    return root != NULL ? root : json_null();
}

void browse_ok(struct browser *w, const char *method, const char *path, const char *body)
{
    json_decref(browse(w, method, path, body, 200));
}

void browse_error(struct browser *w, const char *method, const char *path, const char *body,
        int status, const char *code)
{
    json_t *answer = browse(w, method, path, body, status);
    assert_string_equal(json_string_value(json_object_get(answer, "code")), code);
    assert_true(json_string_length(json_object_get(answer, "detail")) > 0);
    json_decref(answer);
}

void browser_login(struct browser *w, const char *name)
{
    char body[256];
    (void)snprintf(
            body, sizeof(body), "{\"user\":\"%s\",\"password\":\"password-%s\"}", name, name);
    browse_ok(w, "POST", "/v1/login", body);
    assert_true(w->cookie[0] != '\0');
}

int browser_send(const struct browser *w, const char *method, const char *path, const char *body)
{
    char request[4096];
    size_t len = browser_request(w, method, path, body, request, sizeof(request));
    int fd = api_connect(w->b);
    assert_true(fd >= 0);
    assert_int_equal(send(fd, request, len, MSG_NOSIGNAL), len);
    return fd;
}

bool browser_reads(int fd, const char *text, char *ret_text, size_t size)
{
    size_t len = strlen(ret_text);
    while (strstr(ret_text, text) == NULL && len < size - 1) {
        ssize_t got = read(fd, ret_text + len, size - 1 - len);
        if (got <= 0) {
            return false;
        }
        len += (size_t)got;
        ret_text[len] = '\0';
    }
    return strstr(ret_text, text) != NULL;
}

struct opened browser_open(struct browser *w, const char *pool)
{
    char path[128];
    struct opened opened;
    (void)snprintf(path, sizeof(path), "/v1/me/desktops/%s/open", pool);
    json_t *answer = browse(w, "POST", path, NULL, 200);
    (void)snprintf(opened.ticket, sizeof(opened.ticket), "%s",
            json_string_value(json_object_get(answer, "ticket")));
    (void)snprintf(opened.password, sizeof(opened.password), "%s",
            json_string_value(json_object_get(answer, "password")));
    json_decref(answer);
    return opened;
}

uint32_t browser_connect(struct browser *w, int gw, const struct opened *opened)
{
    return send_bound_login(w->b, gw, opened->ticket, opened->password, w->binding, w->client);
}
