/* Component: what must not work. Messages no gateway sends, requests no client sends, other users. */
#include "broker_fixture.h"

#include "base/secret.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct broker b;
enum { STRANGER = 65534, SOMEBODY = 12345 };

static int start(void **state)
{
    static const char *const sets[] = {
            "admin_uids=12345", "max_api_connections=8", "api_request_s=1", "api_idle_s=2", NULL};
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

static bool is_closed(int gw)
{
    struct orl_msg msg;
    struct orl_ipc_fds fds;
    return orl_ipc_recv(gw, 5000, &msg, &fds) == ORL_E_CLOSED;
}

static void broker_lives(void)
{
    api_ok(&b, "GET", "/v1/status", NULL, 200);
}

static void messages_that_no_gateway_sends_close_it(void **state)
{
    static const uint16_t types[] = {ORL_MSG_START, ORL_MSG_HASH, ORL_MSG_PLAN, ORL_MSG_NOTICE,
            ORL_MSG_CONSOLE, ORL_MSG_SURFACE};
    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        int gw = gateway_connect(&b);
        struct orl_msg msg = {.type = types[i], .conn = 1};
        assert_int_equal(orl_ipc_send(gw, &msg, NULL, 0), 0);
        assert_true(is_closed(gw));
        close(gw);
    }
    broker_lives();
}

static void garbage_and_descriptors_close_the_peer(void **state)
{
    (void)state;
    for (size_t len = 1; len < 4000; len = len * 2 + 1) {
        uint8_t bytes[4000];
        int gw = gateway_connect(&b);
        orl_secret_random(bytes, len);
        assert_int_equal(send(gw, bytes, len, MSG_NOSIGNAL), len);
        assert_true(is_closed(gw));
        close(gw);
    }
    int gw = gateway_connect(&b);
    struct orl_msg msg = {.type = ORL_MSG_POKE};
    const int fds[1] = {STDIN_FILENO};
    assert_int_equal(orl_ipc_send(gw, &msg, fds, 1), 0);
    assert_true(is_closed(gw));
    close(gw);
    broker_lives();
}

static void second_login_on_a_connection_ends_it(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    uint32_t conn = send_login(&b, gw, "alice", "password-alice", "", "10.0.1.1:1");
    struct orl_msg_plan plan = expect_plan(gw, conn, true);
    b.next_conn = conn;
    (void)send_login(&b, gw, "alice", "password-alice", "", "10.0.1.1:1");
    struct orl_msg msg = expect(gw, conn, ORL_MSG_CLOSE);
    assert_int_equal(msg.u.close.reason, ORL_REASON_CLIENT_PROTOCOL);
    await_session(&b, plan.session, "disconnected");
    close(gw);
}

static void statistics_of_foreign_sessions_do_nothing(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    uint32_t conn = send_login(&b, gw, "alice", "password-alice", "", "10.0.2.1:1");
    struct orl_msg_plan plan = expect_plan(gw, conn, true);
    int other = gateway_connect(&b);
    send_stats(other, 7777, plan.session);
    struct orl_msg msg = expect(other, 7777, ORL_MSG_CLOSE);
    assert_int_equal(msg.u.close.reason, ORL_REASON_TAKEN_OVER);
    send_stats(other, 7778, "00000000000000000000000000000000");
    msg = expect(other, 7778, ORL_MSG_CLOSE);
    send_stats(gw, conn, "00000000000000000000000000000000");
    send_close(other, conn, ORL_REASON_CLIENT_CLOSED); /* not its connection */
    expect_silence(gw);
    await_session(&b, plan.session, "active");
    close(other);
    close(gw);
}

static void gateway_that_dies_in_a_password_check_harms_nobody(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        int gw = gateway_connect(&b);
        (void)send_login(&b, gw, "alice", "password-alice", "", "10.0.3.1:1");
        close(gw);
    }
    broker_lives();
}

static void flood_of_logins_is_bounded(void **state)
{
    (void)state;
    unsigned answers = 0;
    int gw = gateway_connect(&b);
    for (unsigned i = 0; i < 300; i++) {
        (void)send_login(&b, gw, "nobody", "x", "", "10.0.4.1:1");
    }
    for (; answers < 300; answers++) {
        struct orl_msg msg;
        struct orl_ipc_fds fds;
        assert_int_equal(orl_ipc_recv(gw, 20000, &msg, &fds), 0);
        assert_int_equal(msg.type, ORL_MSG_CLOSE);
        assert_true(msg.u.close.reason == ORL_REASON_AUTH_FAILED ||
                    msg.u.close.reason == ORL_REASON_AUTH_DELAYED);
    }
    close(gw);
    broker_lives();
}

/* A child that is another user finds the door of gateway.sock shut. */
static int gateway_as(uid_t uid)
{
    int status = 0;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/run/gateway.sock", b.dir);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = -1;
        if (setresuid(uid, uid, uid) < 0 || orl_ipc_connect(path, &fd, NULL) < 0) {
            _exit(2);
        }
        _exit(is_closed(fd) ? 7 : 3);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static void other_users_are_refused_on_both_sockets(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(api_status_as(&b, STRANGER), 403);
    assert_int_equal(api_status_as(&b, SOMEBODY), 200);
    assert_int_equal(gateway_as(STRANGER), 7);
    assert_int_equal(gateway_as(SOMEBODY), 7);
    broker_lives();
}

static unsigned count_audit(const char *query)
{
    int status = 0;
    char path[200];
    unsigned count = 0;
    size_t i = 0;
    json_t *row = NULL;
    (void)snprintf(path, sizeof(path), "/v1/audit?limit=1000&%s", query);
    json_t *answer = api(&b, "GET", path, NULL, &status);
    assert_int_equal(status, 200);
    json_array_foreach(json_object_get(answer, "audit"), i, row)
    {
        count += (unsigned)json_integer_value(json_object_get(row, "count"));
    }
    json_decref(answer);
    return count;
}

static void say_over(int gw, uint32_t conn, enum orl_reason reason, const char *text)
{
    struct orl_msg msg = {.type = ORL_MSG_CLOSE, .conn = conn};
    msg.u.close.reason = reason;
    orl_msg_text(msg.u.close.text, sizeof(msg.u.close.text), text);
    assert_int_equal(orl_ipc_send(gw, &msg, NULL, 0), 0);
}

static void connection_that_ends_before_login_has_a_row(void **state)
{
    int status = 0;
    (void)state;
    int gw = gateway_connect(&b);
    say_over(gw, 900, ORL_REASON_CLIENT_PROTOCOL, "client 10.9.1.1:77");
    for (uint32_t i = 0; i < 25; i++) {
        say_over(gw, 901 + i, ORL_REASON_HANDSHAKE_TIMEOUT, "client [2001:db8::7]:5");
    }
    say_over(gw, 990, ORL_REASON_CLIENT_PROTOCOL, "what a session says");
    uint32_t conn = send_login(&b, gw, "alice", "wrong", "", "10.9.2.1:1");
    expect_refusal(&b, gw, conn, ORL_REASON_AUTH_FAILED);
    json_t *answer =
            api(&b, "GET", "/v1/audit?reason=client_protocol&action=connection", NULL, &status);
    json_t *rows = json_object_get(answer, "audit");
    assert_int_equal(json_array_size(rows), 1);
    assert_string_equal(
            json_string_value(json_object_get(json_array_get(rows, 0), "client")), "10.9.1.1:77");
    json_decref(answer);
    answer = api(&b, "GET", "/v1/audit?reason=handshake_timeout", NULL, &status);
    rows = json_object_get(answer, "audit");
    /* Ten rows and a counter; more when the minute changes meanwhile. */
    assert_true(json_array_size(rows) >= 11 && json_array_size(rows) <= 22);
    json_decref(answer);
    assert_int_equal(count_audit("reason=handshake_timeout"), 25);
    close(gw);
}

static void who_leaves_during_the_check_is_on_record(void **state)
{
    (void)state;
    unsigned before = count_audit("reason=auth_failed");
    int gw = gateway_connect(&b);
    uint32_t conn = send_login(&b, gw, "leaver", "wrong", "", "10.9.3.1:1");
    send_close(gw, conn, ORL_REASON_CLIENT_CLOSED);
    for (int i = 0; i < 200 && count_audit("reason=auth_failed") == before; i++) {
        usleep(20000);
    }
    assert_int_equal(count_audit("reason=auth_failed"), before + 1);
    close(gw);
}

static void one_deed_has_one_row(void **state)
{
    char path[200];
    char query[200];
    (void)state;
    int status = 0;
    json_t *added = api(&b, "POST", "/v1/desktops",
            "{\"pool\":\"office\",\"vnc\":\"127.0.0.1:5999\"}", &status);
    assert_int_equal(status, 201);
    const char *id = json_string_value(json_object_get(added, "id"));
    (void)snprintf(query, sizeof(query), "object=desktop:%s", id);
    assert_int_equal(count_audit(query), 1);
    (void)snprintf(
            path, sizeof(path), "/v1/audit/%s", json_string_value(json_object_get(added, "audit")));
    json_t *row = api(&b, "GET", path, NULL, &status);
    assert_string_equal(json_string_value(json_object_get(row, "action")), "desktop.add");
    json_decref(row);
    (void)snprintf(path, sizeof(path), "/v1/desktops/%s/maintenance", id);
    api_ok(&b, "POST", path, NULL, 200);
    assert_int_equal(count_audit(query), 2);
    json_decref(added);
}

/* A typing error must not list everything, and force=0 must not force. */
static void query_that_is_not_understood_is_refused(void **state)
{
    static const char *const paths[] = {"/v1/sessions?usr=alice", "/v1/sessions?all=0",
            "/v1/sessions?user", "/v1/users?x=1",
            ("/v1/desktops?pool="
             "0123456789012345678901234567890123456789012345678901234567890123456789"),
            "/v1/audit?limit=", "/v1/audit?limit=0", "/v1/audit?reason=none_such"};
    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        api_ok(&b, "GET", paths[i], NULL, 400);
    }
    api_ok(&b, "DELETE", "/v1/desktops/00000000000000000000000000000000?force=0", NULL, 400);
    api_ok(&b, "GET", "/v1/sessions?all=1&user=alice", NULL, 200);
}

static int raw(const char *request)
{
    return api_raw(&b, request, strlen(request));
}

static void wrong_framing_and_methods_have_their_codes(void **state)
{
    (void)state;
    assert_int_equal(raw("PUT /v1/users HTTP/1.1\r\nContent-Length: 0\r\nConnection: "
                         "close\r\n\r\n"),
            405);
    assert_int_equal(raw("DELETE /v1/users HTTP/1.1\r\nConnection: close\r\n\r\n"), 405);
    assert_int_equal(raw("POST /v1/users HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
                         "Connection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
            400);
    assert_int_equal(raw("POST /v1/users HTTP/1.1\r\nContent-Length: +2\r\n"
                         "Connection: close\r\n\r\n{}"),
            400);
    assert_int_equal(raw("GET /v1/users/a%2Fb HTTP/1.1\r\nConnection: close\r\n\r\n"), 404);
    broker_lives();
}

/* What is no text is refused before it is written anywhere: the audit stays readable. */
static void a_path_that_is_no_text_is_refused(void **state)
{
    static const char *const paths[] = {
            "/v1/%FF", "/v1/users/%C3", "/v1/audit?user=%FF", "/v1/audit?\xff=1"};
    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char request[160];
        (void)snprintf(
                request, sizeof(request), "GET %s HTTP/1.1\r\nConnection: close\r\n\r\n", paths[i]);
        assert_int_equal(raw(request), 400);
        (void)snprintf(request, sizeof(request),
                "GET %s HTTP/1.1\r\nConnection: close\r\nAuthorization: Bearer x\r\n\r\n",
                paths[i]);
        int status = raw(request);
        assert_true(status == 400 || (status == 401 && strchr(paths[i], '?') != NULL));
    }
    api_ok(&b, "GET", "/v1/audit", NULL, 200);
}

static void http_garbage_is_refused(void **state)
{
    static const char *const requests[] = {"\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
            "PUT /v1/users HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
            "GET /v1/users/%zz HTTP/1.1\r\nConnection: close\r\n\r\n",
            "GET /v1/../../etc/passwd HTTP/1.1\r\nConnection: close\r\n\r\n",
            "POST /v1/users HTTP/1.1\r\nContent-Length: -5\r\nConnection: close\r\n\r\n",
            "POST /v1/users HTTP/1.1\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n",
            "POST /v1/users HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{{{",
            "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"};
    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        if (strstr(requests[i], "close") == NULL) {
            continue; /* those are left open below */
        }
        int status = api_raw(&b, requests[i], strlen(requests[i]));
        assert_true(status == 0 || (status >= 400 && status < 500));
    }
    broker_lives();
}

/* One connection, three requests at once: three answers in their order, and then it is closed. */
static void pipelined_requests_are_answered_in_order(void **state)
{
    static const char requests[] = "GET /v1/users/nobody HTTP/1.1\r\nHost: x\r\n\r\n"
                                   "GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n"
                                   "GET /v1/status HTTP/1.1\r\nHost: x\r\n"
                                   "Connection: close\r\n\r\n";
    static const char *const answers[] = {"no such user", "no such path", "\"installation\""};
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    char buf[8192];
    size_t len = 0;
    ssize_t got = 1;
    (void)state;
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/run/broker.sock", b.dir);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = 10};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(send(fd, requests, sizeof(requests) - 1, MSG_NOSIGNAL), sizeof(requests) - 1);
    while (got > 0 && len < sizeof(buf) - 1) {
        got = read(fd, buf + len, sizeof(buf) - 1 - len);
        len += got > 0 ? (size_t)got : 0;
    }
    buf[len] = '\0';
    assert_int_equal(got, 0);
    const char *at = buf;
    for (size_t i = 0; i < 3; i++) {
        at = strstr(at, answers[i]);
        assert_non_null(at);
    }
    close(fd);
    broker_lives();
}

static void bodies_over_the_limit_are_refused(void **state)
{
    enum {
        TOO_LONG = 4 * 1024 * 1024 + 1,
        ROOM = TOO_LONG + 200
    }; /* for an administrator by uid */
    (void)state;
    char *request = malloc(ROOM);
    assert_non_null(request);
    int head = snprintf(request, 200,
            "POST /v1/users HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", TOO_LONG);
    memset(request + head, 'x', TOO_LONG);
    int status = api_raw(&b, request, (size_t)head + TOO_LONG);
    assert_true(status == 413 || status == 0);
    head = snprintf(request, 200, "GET /");
    memset(request + head, 'x', 100000);
    memcpy(request + head + 100000, " HTTP/1.1\r\n\r\n", 13);
    status = api_raw(&b, request, (size_t)head + 100013);
    assert_true(status == 0 || status >= 400);
    free(request);
    broker_lives();
}

/* Connections that say nothing are bounded in number, and time frees them. */
static void silent_connections_do_not_lock_the_api(void **state)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fds[10];
    int status = 0;
    (void)state;
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/run/broker.sock", b.dir);
    for (int i = 0; i < 10; i++) {
        fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fds[i], (struct sockaddr *)&addr, sizeof(addr));
        (void)send(fds[i], "GET /v1/sta", 11, MSG_NOSIGNAL);
    }
    for (int i = 0; i < 60 && status != 200; i++) {
        static const char request[] =
                "GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        status = api_raw(&b, request, sizeof(request) - 1);
        if (status != 200) {
            sleep(1);
        }
    }
    assert_int_equal(status, 200);
    for (int i = 0; i < 10; i++) {
        close(fds[i]);
    }
    broker_lives();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(messages_that_no_gateway_sends_close_it),
            cmocka_unit_test(garbage_and_descriptors_close_the_peer),
            cmocka_unit_test(second_login_on_a_connection_ends_it),
            cmocka_unit_test(statistics_of_foreign_sessions_do_nothing),
            cmocka_unit_test(gateway_that_dies_in_a_password_check_harms_nobody),
            cmocka_unit_test(flood_of_logins_is_bounded),
            cmocka_unit_test(other_users_are_refused_on_both_sockets),
            cmocka_unit_test(connection_that_ends_before_login_has_a_row),
            cmocka_unit_test(who_leaves_during_the_check_is_on_record),
            cmocka_unit_test(one_deed_has_one_row),
            cmocka_unit_test(query_that_is_not_understood_is_refused),
            cmocka_unit_test(wrong_framing_and_methods_have_their_codes),
            cmocka_unit_test(a_path_that_is_no_text_is_refused),
            cmocka_unit_test(http_garbage_is_refused),
            cmocka_unit_test(pipelined_requests_are_answered_in_order),
            cmocka_unit_test(bodies_over_the_limit_are_refused),
            cmocka_unit_test(silent_connections_do_not_lock_the_api),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
