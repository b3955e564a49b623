/* Component: every route of the API does what docs/api.md says, and every route is in there. */
#include "broker/api.h"
#include "broker_fixture.h"
#include "store/host.h"
#include "store/store_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct broker b;

static int start(void **state)
{
    static const char *const sets[] = {NULL};
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

static json_t *ask(const char *method, const char *path, const char *body, int status)
{
    int got = 0;
    json_t *answer = api(&b, method, path, body, &got);
    if (got != status) {
        fail_msg("%s %s: %d, not %d: %s", method, path, got, status,
                json_dumps(answer, JSON_ENCODE_ANY));
    }
    return answer;
}

static void assert_text(json_t *object, const char *key, const char *text)
{
    const char *got = json_string_value(json_object_get(object, key));
    assert_non_null(got);
    assert_string_equal(got, text);
}

static void assert_error(const char *method, const char *path, const char *body, int status,
        const char *code, const char *says)
{
    json_t *answer = ask(method, path, body, status);
    assert_text(answer, "code", code);
    assert_non_null(strstr(json_string_value(json_object_get(answer, "detail")), says));
    json_decref(answer);
}

static void users(void **state)
{
    (void)state;
    json_t *row = ask("POST", "/v1/users",
            "{\"name\":\"alice\",\"password\":\"12345678\",\"display\":\"Alice \\u00c4\"}", 201);
    assert_text(row, "name", "alice");
    assert_text(row, "role", "user");
    assert_true(json_is_true(json_object_get(row, "has_password")));
    assert_null(json_object_get(row, "password_hash"));
    assert_non_null(json_object_get(row, "audit"));
    json_decref(row);
    assert_error("POST", "/v1/users", "{\"name\":\"ALICE\"}", 409, "exists", "");
    assert_error("POST", "/v1/users", "{\"name\":\"bob\",\"password\":\"short\"}", 400,
            "bad_request", "password");
    assert_error("POST", "/v1/users", "{\"name\":\"a b\"}", 400, "bad_request", "name");
    assert_error("POST", "/v1/users", "{\"name\":\"t-0123456789abcdef\"}", 400, "bad_request", "");
    assert_error("POST", "/v1/users", "{\"name\":\"bob\",\"role\":\"root\"}", 400, "bad_request",
            "role");
    assert_error("POST", "/v1/users", "{\"nmae\":\"bob\"}", 400, "bad_request", "nmae");
    row = ask("PATCH", "/v1/users/alice", "{\"role\":\"admin\"}", 200);
    assert_text(row, "role", "admin");
    assert_text(row, "display", "Alice \xc3\x84");
    json_decref(row);
    assert_error("PATCH", "/v1/users/nobody", "{\"role\":\"admin\"}", 404, "not_found", "");
    row = ask("GET", "/v1/users", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(row, "users")), 1);
    json_decref(row);
    api_ok(&b, "DELETE", "/v1/users/alice", NULL, 200);
    assert_error("GET", "/v1/users/alice", NULL, 404, "not_found", "");
}

static void problems(void **state)
{
    char answer[4096];
    static const char request[] = "POST /v1/users HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                  "Content-Length: 24\r\n\r\n{\"name\":\"al\",\"role\":\"x\"}";
    (void)state;
    assert_int_equal(api_exchange(&b, request, sizeof(request) - 1, answer, sizeof(answer)), 400);
    assert_non_null(strstr(answer, "content-type: application/problem+json\r\n"));
    json_t *problem = json_loads(strstr(answer, "\r\n\r\n") + 4, 0, NULL);
    assert_text(problem, "type", "about:blank");
    assert_text(problem, "title", "The request is not good.");
    assert_text(problem, "code", "bad_request");
    assert_int_equal(json_integer_value(json_object_get(problem, "status")), 400);
    json_t *fault = json_array_get(json_object_get(problem, "errors"), 0);
    assert_text(fault, "field", "role");
    assert_text(fault, "text", json_string_value(json_object_get(problem, "detail")));
    json_decref(problem);
    problem = ask("GET", "/v1/users/nobody", NULL, 404);
    assert_null(json_object_get(problem, "errors"));
    json_decref(problem);
}

static void lists_come_in_pages(void **state)
{
    char path[512];
    char next[256] = "";
    unsigned seen = 0;
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        (void)snprintf(path, sizeof(path), "{\"name\":\"page%u\"}", i);
        api_ok(&b, "POST", "/v1/users", path, 201);
    }
    do {
        (void)snprintf(path, sizeof(path), "/v1/users?limit=2&q=PAGE%s%s",
                next[0] != '\0' ? "&after=" : "", next);
        json_t *answer = ask("GET", path, NULL, 200);
        const json_t *rows = json_object_get(answer, "users");
        const char *more = json_string_value(json_object_get(answer, "next"));
        assert_true(json_array_size(rows) <= 2);
        seen += (unsigned)json_array_size(rows);
        (void)snprintf(next, sizeof(next), "%s", more != NULL ? more : "");
        json_decref(answer);
    } while (next[0] != '\0');
    assert_int_equal(seen, 5);
    assert_error("GET", "/v1/users?limit=0", NULL, 400, "bad_request", "limit");
    assert_error("GET", "/v1/users?limit=1001", NULL, 400, "bad_request", "limit");
    assert_error("GET", "/v1/sessions?after=x", NULL, 400, "bad_request", "after");
    assert_error("GET", "/v1/sessions?state=x", NULL, 400, "bad_request", "state");
    assert_error("GET", "/v1/desktops?power=x", NULL, 400, "bad_request", "power");
    assert_error("GET", "/v1/audit?after=x", NULL, 400, "bad_request", "after");
    for (unsigned i = 0; i < 5; i++) {
        (void)snprintf(path, sizeof(path), "/v1/users/page%u", i);
        api_ok(&b, "DELETE", path, NULL, 200);
    }
}

/* Asks with If-Match (NULL: none); ret_etag (NULL: not wanted) is the answer's. */
static int ask_if(const char *method, const char *path, const char *match, const char *body,
        char ret_etag[32], json_t **ret_answer)
{
    static char answer[1 << 16];
    char request[1024];
    int len = snprintf(request, sizeof(request),
            "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s%sContent-Length: %zu\r\n\r\n%s",
            method, path, match != NULL ? "If-Match: " : "", match != NULL ? match : "",
            match != NULL ? "\r\n" : "", strlen(body), body);
    int status = api_exchange(&b, request, (size_t)len, answer, sizeof(answer));
    const char *etag = strstr(answer, "etag: ");
    if (ret_etag != NULL) {
        assert_non_null(etag);
        (void)snprintf(ret_etag, 32, "%.18s", etag + 6);
    }
    *ret_answer = json_loads(strstr(answer, "\r\n\r\n") + 4, 0, NULL);
    return status;
}

static void the_second_of_two_is_told_what_changed(void **state)
{
    static const char *const things[][3] = {
            {"/v1/users/twice", "{\"display\":\"one\"}", "{\"display\":\"two\"}"},
            {"/v1/pools/twice", "{\"max_per_user\":2}", "{\"max_per_user\":3}"},
            {"/v1/templates/twice", "{\"vcpus\":2}", "{\"vcpus\":3}"},
            {"/v1/groups/twice", "{\"display\":\"one\"}", "{\"display\":\"two\"}"}};
    (void)state;
    api_ok(&b, "POST", "/v1/users", "{\"name\":\"twice\"}", 201);
    api_ok(&b, "POST", "/v1/pools", "{\"name\":\"twice\",\"kind\":\"static\"}", 201);
    api_ok(&b, "POST", "/v1/templates", "{\"name\":\"twice\",\"kernel\":\"/k\"}", 201);
    api_ok(&b, "POST", "/v1/groups", "{\"name\":\"twice\"}", 201);
    for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
        char first[32];
        char second[32];
        json_t *answer = NULL;
        assert_int_equal(ask_if("GET", things[i][0], NULL, "", first, &answer), 200);
        json_decref(answer);
        assert_int_equal(ask_if("PATCH", things[i][0], first, things[i][1], second, &answer), 200);
        json_decref(answer);
        assert_string_not_equal(first, second);
        assert_int_equal(ask_if("PATCH", things[i][0], first, things[i][2], NULL, &answer), 412);
        assert_text(answer, "code", "changed");
        assert_text(json_object_get(answer, "current"), "name", "twice");
        json_decref(answer);
        assert_int_equal(ask_if("DELETE", things[i][0], first, "", NULL, &answer), 412);
        json_decref(answer);
        assert_int_equal(ask_if("PATCH", things[i][0], "\"0\"", things[i][2], NULL, &answer), 412);
        json_decref(answer);
        assert_int_equal(ask_if("PATCH", things[i][0], second, things[i][2], NULL, &answer), 200);
        json_decref(answer);
        int status = ask_if("DELETE", things[i][0], NULL, "", NULL, &answer);
        assert_true(status == 200 || status == 202);
        json_decref(answer);
    }
}

static void templates_and_pools(void **state)
{
    (void)state;
    assert_error("POST", "/v1/pools", "{\"name\":\"demo\",\"kind\":\"floating\"}", 400,
            "bad_request", "template");
    assert_error("POST", "/v1/pools",
            "{\"name\":\"demo\",\"kind\":\"floating\",\"template\":\"none\"}", 404, "not_found",
            "");
    assert_error("POST", "/v1/templates", "{\"name\":\"tiny\",\"kind\":\"disk\",\"path\":\"rel\"}",
            400, "bad_request", "path");
    json_t *row = ask("POST", "/v1/templates",
            "{\"name\":\"tiny\",\"kind\":\"kernel\",\"kernel\":\"/boot/k\",\"initrd\":\"/boot/i\","
            "\"memory_mib\":128}",
            201);
    assert_text(row, "state", "checking");
    json_decref(row);
    row = ask("POST", "/v1/pools",
            "{\"name\":\"demo\",\"kind\":\"floating\",\"template\":\"tiny\",\"max\":4}", 201);
    assert_int_equal(json_integer_value(json_object_get(row, "max")), 4);
    assert_int_equal(json_integer_value(json_object_get(row, "spares")), 1);
    json_decref(row);
    assert_error("PATCH", "/v1/pools/demo", "{\"spares\":5}", 400, "bad_request", "spares");
    assert_error("PATCH", "/v1/pools/demo", "{\"kind\":\"static\"}", 400, "bad_request", "kind");
    row = ask("PATCH", "/v1/pools/demo", "{\"spares\":2,\"disconnect_timeout_s\":0}", 200);
    assert_int_equal(json_integer_value(json_object_get(row, "spares")), 2);
    assert_int_equal(json_integer_value(json_object_get(row, "max")), 4);
    json_decref(row);
    row = ask("GET", "/v1/pools/demo", NULL, 200);
    assert_text(row, "clipboard", "both");
    assert_int_equal(json_integer_value(json_object_get(row, "clipboard_max_bytes")), 1 << 20);
    assert_true(json_is_true(json_object_get(row, "sound")));
    json_decref(row);
    assert_error(
            "PATCH", "/v1/pools/demo", "{\"clipboard\":\"in\"}", 400, "bad_request", "clipboard");
    assert_error("PATCH", "/v1/pools/demo", "{\"clipboard_max_bytes\":16777217}", 400,
            "bad_request", "clipboard_max_bytes");
    row = ask("PATCH", "/v1/pools/demo",
            "{\"clipboard\":\"to_client\",\"clipboard_max_bytes\":9,\"sound\":false}", 200);
    assert_text(row, "clipboard", "to_client");
    assert_int_equal(json_integer_value(json_object_get(row, "clipboard_max_bytes")), 9);
    assert_true(json_is_false(json_object_get(row, "sound")));
    assert_int_equal(json_integer_value(json_object_get(row, "spares")), 2);
    json_decref(row);
    row = ask("PATCH", "/v1/templates/tiny", "{\"vcpus\":2}", 200);
    assert_text(row, "kernel", "/boot/k");
    assert_int_equal(json_integer_value(json_object_get(row, "version")), 1);
    json_decref(row);
    assert_error("DELETE", "/v1/templates/tiny", NULL, 409, "conflict", "pool demo");
    assert_error("PATCH", "/v1/templates/tiny", "{\"kernel\":\"/boot/k2\"}", 400, "bad_request",
            "version");
    row = ask("POST", "/v1/templates/tiny/versions", "{\"kernel\":\"/boot/k2\"}", 201);
    assert_int_equal(json_integer_value(json_object_get(row, "version")), 2);
    assert_text(row, "kernel", "/boot/k2");
    assert_text(row, "initrd", "/boot/i");
    assert_int_equal(json_array_size(json_object_get(row, "versions")), 2);
    json_decref(row);
    row = ask("GET", "/v1/templates", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(row, "templates")), 1);
    json_decref(row);
    assert_error("PATCH", "/v1/pools/demo", "{\"template_version\":3}", 404, "not_found", "3");
    row = ask("PATCH", "/v1/pools/demo", "{\"template_version\":1}", 200);
    assert_int_equal(json_array_size(json_object_get(row, "desktops_by_version")), 0);
    json_decref(row);
    assert_error("DELETE", "/v1/templates/tiny/versions/1", NULL, 409, "conflict", "pool demo");
    assert_error("DELETE", "/v1/templates/tiny/versions/3", NULL, 404, "not_found", "3");
    assert_error("DELETE", "/v1/templates/tiny/versions/x", NULL, 404, "not_found", "");
    api_ok(&b, "DELETE", "/v1/templates/tiny/versions/2", NULL, 200);
    assert_error("PATCH", "/v1/pools/demo", "{\"schedule\":\"mon 07:00-19:00 spare=1\"}", 400,
            "bad_request", "character 17");
    assert_error("PATCH", "/v1/pools/demo",
            "{\"schedule\":\"mon 07:00-19:00 spares=3 suspended=2\"}", 400, "bad_request", "max");
    row = ask("PATCH", "/v1/pools/demo",
            "{\"schedule\":\"mon-fri 07:00-19:00 spares=3 suspended=1\"}", 200);
    json_decref(row);
    row = ask("PATCH", "/v1/pools/demo",
            "{\"schedule\":\"daily 00:00-24:00 spares=2 suspended=1\",\"forecast\":true}", 200);
    const json_t *now = json_object_get(row, "now");
    assert_int_equal(json_integer_value(json_object_get(now, "spares")), 2);
    assert_int_equal(json_integer_value(json_object_get(now, "suspended")), 1);
    assert_true(json_is_real(json_object_get(now, "people_expected")));
    json_decref(row);
    api_ok(&b, "DELETE", "/v1/pools/demo", NULL, 202);
    assert_error("GET", "/v1/pools/demo", NULL, 404, "not_found", ""); /* it was empty */
    api_ok(&b, "DELETE", "/v1/templates/tiny", NULL, 200);
}

#define FINGERPRINT                                                                                \
    "8c:6d:62:8a:35:aa:f1:52:cf:7b:2d:0f:81:d9:12:cf:ed:b7:b2:4b:fb:ae:97:0b:1a:d7:79:54:c4:e1:"   \
    "03:18"

/* Libvirt has its power, an RDP server its display. */
static void machine_by_rdp(void)
{
    static const char *const bad[] = {
            "{\"pool\":\"office\",\"machine\":\"m\",\"vnc\":\"h:1\",\"rdp\":\"h:2\"}",
            "{\"pool\":\"office\",\"vnc\":\"domain:m\",\"rdp\":\"h:2\"}",
            "{\"pool\":\"office\",\"rdp\":\"domain:m\"}",
            "{\"pool\":\"office\",\"machine\":\"m\",\"rdp\":\"h\"}",
            "{\"pool\":\"office\",\"machine\":\"m rdp:x:1\"}",
            "{\"pool\":\"office\",\"machine\":\"m\",\"user\":\"u\"}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_error("POST", "/v1/desktops", bad[i], 400, "bad_request", "");
    }
    json_t *row = ask("POST", "/v1/desktops",
            "{\"pool\":\"office\",\"machine\":\"win 11\",\"uri\":\"test:///default\","
            "\"rdp\":\"h:3389\",\"user\":\"u\"}",
            201);
    struct orl_desktop_row stored;
    assert_int_equal(
            orl_desktop_get(b.store, json_string_value(json_object_get(row, "id")), &stored, NULL),
            0);
    assert_string_equal(stored.vnc_target, "domain:win 11@test:///default rdp:h:3389");
    assert_text(row, "rdp", "h:3389");
    assert_text(row, "vnc", "");
    assert_text(row, "machine", "win 11@test:///default");
    assert_text(row, "rdp_user", "u");
    json_decref(row);
}

static void static_desktops(void **state)
{
    (void)state;
    api_ok(&b, "POST", "/v1/pools", "{\"name\":\"office\",\"kind\":\"static\"}", 201);
    assert_error("POST", "/v1/desktops", "{\"pool\":\"office\",\"vnc\":\"file:///x\"}", 400,
            "bad_request", "vnc");
    json_t *row = ask("POST", "/v1/desktops",
            "{\"pool\":\"office\",\"vnc\":\"unix:/run/vnc.sock\",\"password\":\"secret-word\"}",
            201);
    assert_text(row, "lease", "free");
    assert_true(json_is_false(json_object_get(row, "is_ready"))); /* nobody has looked yet */
    assert_true(json_is_true(json_object_get(row, "has_password")));
    char *text = json_dumps(row, 0);
    assert_null(strstr(text, "secret-word"));
    free(text);
    char path[128];
    char id[ORL_ID_LEN + 1];
    (void)snprintf(id, sizeof(id), "%s", json_string_value(json_object_get(row, "id")));
    json_decref(row);
    struct orl_desktop_row stored;
    assert_int_equal(orl_desktop_get(b.store, id, &stored, NULL), 0);
    assert_null(strstr(stored.vnc_password, "secret-word"));
    (void)snprintf(path, sizeof(path), "/v1/desktops/%s/maintenance", id);
    row = ask("POST", path, NULL, 200);
    assert_true(json_is_true(json_object_get(row, "maintenance")));
    json_decref(row);
    api_ok(&b, "POST", path, "{\"on\":false}", 200);
    (void)snprintf(path, sizeof(path), "/v1/desktops/%s/start", id);
    assert_error("POST", path, NULL, 400, "bad_request", "static");
    (void)snprintf(path, sizeof(path), "/v1/desktops/%s", id);
    api_ok(&b, "DELETE", path, NULL, 200);
    api_ok(&b, "GET", path, NULL, 404);
    assert_error("POST", "/v1/desktops", "{\"pool\":\"office\"}", 400, "bad_request", "rdp");
    assert_error("POST", "/v1/desktops", "{\"pool\":\"office\",\"vnc\":\"h:1\",\"rdp\":\"h:2\"}",
            400, "bad_request", "one of");
    assert_error("POST", "/v1/desktops", "{\"pool\":\"office\",\"vnc\":\"h:1\",\"user\":\"u\"}",
            400, "bad_request", "by RDP");
    assert_error("POST", "/v1/desktops",
            "{\"pool\":\"office\",\"rdp\":\"h:3389\",\"fingerprint\":\"12:34\"}", 400,
            "bad_request", "SHA-256");
    row = ask("POST", "/v1/desktops",
            "{\"pool\":\"office\",\"rdp\":\"h:3389\",\"user\":\"u\",\"domain\":\"D\","
            "\"password\":\"secret-word\",\"fingerprint\":\"" FINGERPRINT "\"}",
            201);
    assert_text(row, "rdp", "h:3389");
    assert_text(row, "vnc", "");
    assert_text(row, "rdp_user", "u");
    assert_text(row, "rdp_domain", "D");
    assert_text(row, "rdp_fingerprint", FINGERPRINT);
    assert_true(json_is_true(json_object_get(row, "has_password")));
    assert_text(row, "machine", "");
    json_decref(row);
    api_ok(&b, "POST", "/v1/desktops", "{\"pool\":\"office\",\"vnc\":\"h:1\"}", 201);
    machine_by_rdp();
    api_ok(&b, "DELETE", "/v1/pools/office", NULL, 202);
    api_ok(&b, "GET", "/v1/pools/office", NULL, 404);
}

static void desktop_in_use_is_removed_only_by_force(void **state)
{
    (void)state;
    char path[128];
    add_static_pool(&b, "busy", 1);
    add_user(&b, "bea", "busy");
    int gw = gateway_connect(&b);
    uint32_t conn = send_login(&b, gw, "bea", "password-bea", "", "10.0.1.1:1");
    struct orl_msg_plan plan = expect_plan(gw, conn, true);
    assert_error("DELETE", "/v1/users/bea", NULL, 409, "conflict", "");
    (void)snprintf(path, sizeof(path), "/v1/desktops/%s", plan.desktop);
    assert_error("DELETE", path, NULL, 409, "conflict", "bea");
    (void)snprintf(path, sizeof(path), "/v1/desktops/%s?force=1", plan.desktop);
    api_ok(&b, "DELETE", path, NULL, 200);
    struct orl_msg msg = expect(gw, conn, ORL_MSG_CLOSE);
    assert_int_equal(msg.u.close.reason, ORL_REASON_CLOSED_BY_ADMIN);
    await_session(&b, plan.session, "ended");
    close(gw);
}

static void clones_are_wanted_not_touched(void **state)
{
    (void)state;
    char id[ORL_ID_LEN + 1];
    char path[128];
    struct orl_desktop_row row;
    add_floating_pool(&b, "clones", 3, 60);
    make_ready_desktop(&b, "clones", id);
    (void)snprintf(path, sizeof(path), "/v1/desktops/%s/stop", id);
    api_ok(&b, "POST", path, NULL, 202);
    assert_int_equal(orl_desktop_get(b.store, id, &row, NULL), 0);
    assert_int_equal(row.want, ORL_WANT_STOP);
    (void)snprintf(path, sizeof(path), "/v1/desktops/%s/start", id);
    api_ok(&b, "POST", path, NULL, 202);
    (void)snprintf(path, sizeof(path), "/v1/desktops/%s/delete", id);
    api_ok(&b, "POST", path, NULL, 202);
    assert_int_equal(orl_desktop_get(b.store, id, &row, NULL), 0);
    assert_int_equal(row.want, ORL_WANT_DELETE);
    assert_int_equal(row.lease, ORL_LEASE_ENDING);
    (void)snprintf(path, sizeof(path), "/v1/desktops/%s/start", id);
    assert_error("POST", path, NULL, 409, "conflict", "ending");
}

static void quarantine_is_judged(void **state)
{
    (void)state;
    struct orl_quarantine_row row = {.id = "0123456789abcdef0123456789abcdef", .host = "host1"};
    assert_int_equal(orl_quarantine_put(b.store, &row, 1, NULL), 0);
    json_t *list = ask("GET", "/v1/quarantine", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(list, "quarantine")), 1);
    json_decref(list);
    api_ok(&b, "POST", "/v1/desktops/0123456789abcdef0123456789abcdef/purge", NULL, 202);
    assert_int_equal(orl_quarantine_get(b.store, row.id, &row, NULL), 0);
    assert_int_equal(row.verdict, ORL_VERDICT_PURGE);
    assert_error("POST", "/v1/desktops/00000000000000000000000000000000/adopt", NULL, 404,
            "not_found", "");
}

static void tickets_obey_the_policy(void **state)
{
    (void)state;
    add_static_pool(&b, "desk", 1);
    add_user(&b, "tina", "desk");
    assert_error("POST", "/v1/tickets", "{\"user\":\"nobody\"}", 404, "auth_failed", "user");
    assert_error("POST", "/v1/tickets", "{\"user\":\"tina\",\"pool\":\"clones\"}", 403,
            "not_entitled", "");
    json_t *row = ask("POST", "/v1/tickets", "{\"user\":\"tina\"}", 201);
    assert_text(row, "pool", "desk");
    assert_text(row, "for", "tina");
    assert_int_equal(strlen(json_string_value(json_object_get(row, "password"))), 16);
    assert_int_equal(strlen(json_string_value(json_object_get(row, "user"))), 18);
    json_decref(row);
    row = ask("GET", "/v1/tickets?user=tina", NULL, 200);
    json_t *list = json_object_get(row, "tickets");
    assert_int_equal(json_array_size(list), 1);
    assert_null(json_object_get(json_array_get(list, 0), "password"));
    assert_null(json_object_get(json_array_get(list, 0), "secret"));
    json_decref(row);
}

static void audit_is_filtered(void **state)
{
    (void)state;
    json_t *rows = ask("GET", "/v1/audit?action=user.add&limit=2", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(rows, "audit")), 2);
    assert_text(json_array_get(json_object_get(rows, "audit"), 0), "object", "user:tina");
    json_decref(rows);
    rows = ask("GET", "/v1/audit?reason=not_entitled", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(rows, "audit")), 1);
    json_decref(rows);
    assert_error("GET", "/v1/audit?reason=nonsense", NULL, 400, "bad_request", "reason");
    assert_error("GET", "/v1/audit?limit=0", NULL, 400, "bad_request", "limit");
    assert_error("GET", "/v1/audit?since_ms=-1", NULL, 400, "bad_request", "since_ms");
    api_ok(&b, "GET", "/v1/audit/00000000000000000000000000000000", NULL, 404);
}

static void audit_is_verified(void **state)
{
    char path[120];
    (void)state;
    json_t *good = ask("GET", "/v1/audit/verify", NULL, 200);
    assert_true(json_is_true(json_object_get(good, "is_good")));
    assert_true(json_integer_value(json_object_get(good, "rows")) > 10);
    (void)snprintf(path, sizeof(path), "/v1/audit/verify?head=%s",
            json_string_value(json_object_get(good, "head")));
    json_decref(good);
    api_ok(&b, "POST", "/v1/users", "{\"name\":\"later\"}", 201);
    good = ask("GET", path, NULL, 200);
    assert_true(json_is_true(json_object_get(good, "is_good")));
    assert_true(json_is_true(json_object_get(good, "has_head")));
    json_decref(good);
    assert_error("GET", "/v1/audit/verify?head=x", NULL, 400, "bad_request", "head");
    assert_error("GET", "/v1/audit/verify?after=1.x.0", NULL, 400, "bad_request", "after");
    assert_int_equal(orl_db_exec(b.store->db,
                             "UPDATE audit_chain SET seq = seq + 1 WHERE key = 'head'", NULL),
            0);
    json_t *bad = ask("GET", "/v1/audit/verify", NULL, 200);
    assert_true(json_is_false(json_object_get(bad, "is_good")));
    assert_non_null(strstr(
            json_string_value(json_object_get(json_object_get(bad, "fault"), "text")), "missing"));
    json_decref(bad);
    assert_int_equal(orl_db_exec(b.store->db,
                             "UPDATE audit_chain SET seq = seq - 1 WHERE key = 'head'", NULL),
            0);
}

static void of_two_who_write_the_sites_words_too(void **state)
{
    char etag[32];
    json_t *answer = NULL;
    (void)state;
    assert_int_equal(ask_if("GET", "/v1/site", NULL, "", etag, &answer), 200);
    json_decref(answer);
    api_ok(&b, "PATCH", "/v1/site", "{\"contact\":\"4711\"}", 200);
    assert_int_equal(ask_if("PATCH", "/v1/site", etag, "{\"notice\":\"x\"}", etag, &answer), 412);
    assert_text(json_object_get(answer, "current"), "contact", "4711");
    json_decref(answer);
    assert_int_equal(ask_if("PATCH", "/v1/site", etag, "{\"contact\":\"\"}", NULL, &answer), 200);
    json_decref(answer);
}

/* "user:alice group: " of each row on each page of one row. */
static void list_ways(const char *query, char *ret_text, size_t size)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "/v1/entitlements?limit=1&%s", query);
    ret_text[0] = '\0';
    for (bool is_last = false; !is_last;) {
        int status = 0;
        json_t *answer = api(&b, "GET", path, NULL, &status);
        assert_int_equal(status, 200);
        const json_t *row = json_array_get(json_object_get(answer, "entitlements"), 0);
        const char *next = json_string_value(json_object_get(answer, "next"));
        size_t len = strlen(ret_text);
        (void)snprintf(ret_text + len, size - len, "%s/%s ",
                json_string_value(json_object_get(row, "user")),
                json_string_value(json_object_get(row, "group")));
        (void)snprintf(path, sizeof(path), "/v1/entitlements?limit=1&%s&after=%s", query,
                next != NULL ? next : "");
        is_last = next == NULL;
        json_decref(answer);
    }
}

static void entitlements_are_of_groups_and_of_people(void **state)
{
    char text[256];
    (void)state;
    api_ok(&b, "POST", "/v1/pools", "{\"name\":\"ways\",\"kind\":\"static\"}", 201);
    api_ok(&b, "POST", "/v1/users", "{\"name\":\"way-a\"}", 201);
    api_ok(&b, "POST", "/v1/users", "{\"name\":\"way-b\"}", 201);
    api_ok(&b, "POST", "/v1/groups", "{\"name\":\"way-g\"}", 201);
    api_ok(&b, "POST", "/v1/groups", "{\"name\":\"way-h\"}", 201);
    api_ok(&b, "POST", "/v1/entitlements", "{\"user\":\"way-b\",\"pool\":\"ways\"}", 201);
    api_ok(&b, "POST", "/v1/entitlements", "{\"user\":\"way-a\",\"pool\":\"ways\"}", 201);
    api_ok(&b, "POST", "/v1/entitlements", "{\"group\":\"way-h\",\"pool\":\"ways\"}", 201);
    api_ok(&b, "POST", "/v1/entitlements", "{\"group\":\"way-g\",\"pool\":\"ways\"}", 201);
    list_ways("pool=ways", text, sizeof(text));
    assert_string_equal(text, "/way-g /way-h way-a/ way-b/ ");
    list_ways("group=way-h", text, sizeof(text));
    assert_string_equal(text, "/way-h ");
    list_ways("user=way-a", text, sizeof(text));
    assert_string_equal(text, "way-a/ ");
    list_ways("q=WAY-H", text, sizeof(text));
    assert_string_equal(text, "/way-h ");
}

static void the_rest_answers(void **state)
{
    (void)state;
    api_ok(&b, "GET", "/v1/hosts", NULL, 200);
    api_ok(&b, "GET", "/v1/sessions?all=1&user=bea", NULL, 200);
    api_ok(&b, "GET", "/v1/entitlements?user=tina", NULL, 200);
    api_ok(&b, "GET", "/metrics", NULL, 200);
    api_ok(&b, "GET", "/v1/nothing", NULL, 404);
    api_ok(&b, "GET", "/v1/users/", NULL, 404);
    api_ok(&b, "DELETE", "/v1/status", NULL, 405);
}

static void every_route_is_documented(void **state)
{
    static char text[1 << 17];
    (void)state;
    FILE *file = fopen(ORIEL_SOURCE_DIR "/docs/api.md", "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    for (const struct orl_api_route *route = orl_api_routes; route->pattern != NULL; route++) {
        char line[128];
        (void)snprintf(line, sizeof(line), "| `%s %s` |", orl_api_method_name(route->method),
                route->pattern);
        if (strstr(text, line) == NULL) {
            fail_msg("docs/api.md has no row %s", line);
        }
        bool is_for_people =
                strcmp(route->pattern, "/v1/me") == 0 || strncmp(route->pattern, "/v1/me/", 7) == 0;
        assert_true((route->role == ORL_HTTP_USER) == is_for_people);
        /* Who only looks changes nothing. */
        assert_true(route->role != ORL_HTTP_VIEWER || route->method == ORL_HTTP_GET);
        assert_true(route->role != ORL_HTTP_NOBODY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(users),
            cmocka_unit_test(problems),
            cmocka_unit_test(lists_come_in_pages),
            cmocka_unit_test(the_second_of_two_is_told_what_changed),
            cmocka_unit_test(of_two_who_write_the_sites_words_too),
            cmocka_unit_test(entitlements_are_of_groups_and_of_people),
            cmocka_unit_test(templates_and_pools),
            cmocka_unit_test(static_desktops),
            cmocka_unit_test(desktop_in_use_is_removed_only_by_force),
            cmocka_unit_test(clones_are_wanted_not_touched),
            cmocka_unit_test(quarantine_is_judged),
            cmocka_unit_test(tickets_obey_the_policy),
            cmocka_unit_test(audit_is_filtered),
            cmocka_unit_test(audit_is_verified),
            cmocka_unit_test(the_rest_answers),
            cmocka_unit_test(every_route_is_documented),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
