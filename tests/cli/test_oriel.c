/* The program itself against a broker of one answer: exit codes, bytes on the wire, --json.
 *     test_oriel PATH-OF-ORIEL PATH-OF-MANUAL */
#include "tests/cli/cli_test.h"
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MAX 65536

static const char *program;
static const char *manual;

struct fixture {
    char folder[40];
    char socket[60];
    int listener;
    pid_t broker;
    int request_fd; /* the broker writes here what it got */
    char out[TEXT_MAX];
    char err[TEXT_MAX];
    char request[TEXT_MAX];
};

static void read_all(int fd, char *ret)
{
    size_t len = 0;
    ssize_t got = 0;
    while (len + 1 < TEXT_MAX && (got = read(fd, ret + len, TEXT_MAX - 1 - len)) > 0) {
        len += (size_t)got;
    }
    ret[len] = '\0';
    close(fd);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        return -1;
    }
    *state = f;
    f->request_fd = -1;
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/oriel-cli-XXXXXX");
    if (mkdtemp(f->folder) == NULL) {
        return -1;
    }
    (void)snprintf(f->socket, sizeof(f->socket), "%s/broker.sock", f->folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", f->socket);
    f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind(f->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
                           listen(f->listener, 4) < 0
                   ? -1
                   : 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->broker > 0) {
        (void)kill(f->broker, SIGKILL);
        (void)waitpid(f->broker, NULL, 0);
    }
    if (f->request_fd >= 0) {
        close(f->request_fd);
    }
    close(f->listener);
    (void)unlink(f->socket);
    (void)rmdir(f->folder);
    free(f);
    return 0;
}

static bool is_whole(const char *request)
{
    const char *body = strstr(request, "\r\n\r\n");
    const char *length = strstr(request, "Content-Length: ");
    return body != NULL && (length == NULL || strlen(body + 4) >= strtoul(length + 16, NULL, 10));
}

/* In the child: one connection, one request, one answer. */
static void serve(int listener, int request_fd, const char *answer)
{
    static char request[TEXT_MAX];
    size_t len = 0;
    int fd = accept(listener, NULL, NULL);
    while (fd >= 0 && !is_whole(request)) {
        ssize_t got = read(fd, request + len, sizeof(request) - 1 - len);
        if (got <= 0) {
            _exit(1);
        }
        len += (size_t)got;
    }
    bool is_ok = write(request_fd, request, len) == (ssize_t)len &&
                 write(fd, answer, strlen(answer)) == (ssize_t)strlen(answer);
    _exit(is_ok ? 0 : 1);
}

static void start_broker(struct fixture *f, const char *status, const char *body)
{
    static char answer[TEXT_MAX];
    (void)snprintf(answer, sizeof(answer),
            "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
            "Connection: close\r\n\r\n%s",
            status, strlen(body), body);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    f->broker = fork();
    assert_true(f->broker >= 0);
    if (f->broker == 0) {
        close(fds[0]);
        serve(f->listener, fds[1], answer);
    }
    close(fds[1]);
    f->request_fd = fds[0];
}

/* argv ends with NULL; --socket is added. The exit code. */
static int run(struct fixture *f, const char *const *words)
{
    const char *argv[24] = {program, "--socket", f->socket};
    int argc = 3;
    for (; *words != NULL; words++) {
        argv[argc++] = *words;
    }
    int out[2];
    int err[2];
    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(err), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(out[1], STDOUT_FILENO);
        (void)dup2(err[1], STDERR_FILENO);
        close(out[0]);
        close(err[0]);
        (void)execv(program, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(out[1]);
    close(err[1]);
    read_all(out[0], f->out);
    read_all(err[0], f->err);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (f->request_fd >= 0) {
        read_all(f->request_fd, f->request);
        f->request_fd = -1;
    }
    return WEXITSTATUS(status);
}
#define RUN(f, ...) run(f, (const char *const[]){__VA_ARGS__, NULL})

static void a_list_is_a_table(void **state)
{
    struct fixture *f = *state;
    start_broker(f, "200 OK", "{\"entitlements\":[{\"user\":\"bob\",\"pool\":\"demo\"}]}");
    assert_int_equal(RUN(f, "entitlement", "list", "--user", "b b"), 0);
    assert_string_equal(f->out, "USER  GROUP  POOL\nbob   -      demo\n");
    assert_string_equal(f->err, "");
    assert_int_equal(strncmp(f->request, "GET /v1/entitlements?user=b%20b HTTP/1.1\r\n", 42), 0);
}

static void json_is_the_brokers_own(void **state)
{
    struct fixture *f = *state;
    static const char body[] = "{ \"entitlements\" : [ ],\"z\":1,   \"a\":2}";
    start_broker(f, "200 OK", body);
    assert_int_equal(RUN(f, "entitlement", "list", "--json"), 0);
    assert_int_equal(strncmp(f->out, body, strlen(body)), 0);
    assert_string_equal(f->out + strlen(body), "\n");
}

static void a_body_is_sent_as_json(void **state)
{
    struct fixture *f = *state;
    start_broker(f, "201 Created", "{\"name\":\"bob\"}");
    assert_int_equal(RUN(f, "user", "add", "bob", "--generate-password", "--json"), 0);
    assert_int_equal(strncmp(f->request, "POST /v1/users HTTP/1.1\r\n", 25), 0);
    assert_non_null(strstr(f->request, "Content-Type: application/json\r\n"));
    const char *sent = strstr(f->request, "\"password\":\"");
    const char *shown = strstr(f->out, "\"password\":\"");
    assert_non_null(sent);
    assert_non_null(shown);
    assert_int_equal(strncmp(sent, shown, 12 + 20 + 1), 0);
}

static void a_refusal_is_exit_code_1(void **state)
{
    struct fixture *f = *state;
    start_broker(f, "409 Conflict",
            "{\"code\":\"conflict\",\"detail\":\"bob has a desktop\",\"audit\":\"0a\"}");
    assert_int_equal(RUN(f, "user", "remove", "bob"), 1);
    assert_string_equal(f->err, "oriel: refused: bob has a desktop (conflict, audit 0a)\n");
    assert_string_equal(f->out, "");
    assert_int_equal(strncmp(f->request, "DELETE /v1/users/bob HTTP/1.1\r\n", 31), 0);
}

static void a_refusal_in_json_is_on_both(void **state)
{
    struct fixture *f = *state;
    start_broker(f, "404 Not Found", "{\"code\":\"not_found\",\"detail\":\"no\"}");
    assert_int_equal(RUN(f, "user", "show", "bob", "--json"), 1);
    assert_string_equal(f->out, "{\"code\":\"not_found\",\"detail\":\"no\"}\n");
    assert_non_null(strstr(f->err, "refused"));
}

static void a_live_look_is_a_line_until_the_session_ends(void **state)
{
    struct fixture *f = *state;
    static const char ended[] =
            "{\"id\":\"5e\",\"state\":\"ended\",\"reason\":\"logged_off\",\"sample\":{\"seq\":3,"
            "\"fps\":29.5,\"kbit_s\":120.5,\"rtt_us\":0,\"width_px\":1920,\"height_px\":1080,"
            "\"encode\":{\"count\":30,\"p50_us\":400,\"p95_us\":3000},"
            "\"kinds\":{\"copy\":{\"frames\":1,\"bytes\":100},\"h264\":{\"frames\":9,\"bytes\":300}"
            "}}}";
    start_broker(f, "200 OK", ended);
    assert_int_equal(RUN(f, "session", "show", "5e", "--live"), 0);
    assert_int_equal(strncmp(f->request, "GET /v1/sessions/5e/live HTTP/1.1\r\n", 35), 0);
    assert_non_null(strstr(f->out, "FPS"));
    assert_non_null(strstr(f->out, "29.5     120.5       -    0.40    3.00"));
    assert_non_null(strstr(f->out, "1920x1080  h264 75% copy 25%\n"));
    assert_non_null(strstr(f->err, "the session has ended: logged_off"));
    start_broker(f, "200 OK", ended);
    assert_int_equal(RUN(f, "session", "show", "5e", "--live", "--json"), 0);
    assert_int_equal(strncmp(f->out, "{\"seq\":3,\"fps\":29.5,", 20), 0);
    assert_string_equal(strchr(f->out, '\n'), "\n");
    start_broker(f, "404 Not Found", "{\"code\":\"not_found\",\"detail\":\"no\"}");
    assert_int_equal(RUN(f, "session", "show", "5e", "--live"), 1);
    start_broker(f, "200 OK", "[1]");
    assert_int_equal(RUN(f, "session", "show", "5e", "--live"), 2);
    assert_string_equal(f->out, "");
}

static void nobody_there_is_exit_code_2(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(unlink(f->socket), 0);
    assert_int_equal(RUN(f, "user", "list"), 2);
    assert_non_null(strstr(f->err, f->socket));
}

static void a_stranger_there_is_exit_code_2(void **state)
{
    struct fixture *f = *state;
    start_broker(f, "200 OK", "<html>");
    assert_int_equal(RUN(f, "user", "list"), 2);
    assert_string_equal(f->out, "");
}

static void the_portal_is_asked_where_one_is_named(void **state)
{
    struct fixture *f = *state;
    static const char needs[] = "--url needs --token";
    assert_int_not_equal(RUN(f, "--url", "https://[::1]:1", "user", "list"), 0);
    assert_non_null(strstr(f->err, needs));
    assert_int_not_equal(RUN(f, "--url", "https://[::1]:1", "export"), 0);
    assert_non_null(strstr(f->err, needs));
    assert_int_not_equal(RUN(f, "--url", "https://[::1]:1", "audit", "verify"), 0);
    assert_non_null(strstr(f->err, needs));
}

/* What is said of another machine has nothing of this one in it. */
static void a_doctor_for_elsewhere_does_not_look_here(void **state)
{
    struct fixture *f = *state;
    start_broker(f, "200 OK",
            "{\"checks\":[{\"area\":\"a\",\"object\":\"o\",\"state\":\"ok\",\"text\":\"t\","
            "\"remedy\":\"\"}]}");
    assert_int_equal(RUN(f, "doctor", "--host", "far one"), 0);
    assert_int_equal(strncmp(f->request, "GET /v1/hosts/far%20one/doctor HTTP/1.1\r\n", 41), 0);
    assert_string_equal(f->out, "ok   a  o: t\n1 checks: 0 bad, 0 to look at\n");
    /* Nobody is there; the socket, where somebody is, is not asked instead. */
    assert_int_equal(RUN(f, "--url", "https://[::1]:1", "--token", "/dev/null", "doctor"), 1);
    assert_non_null(strstr(f->out, "https://[::1]:1"));
    assert_non_null(strstr(f->out, "1 checks: 1 bad"));
}

static void a_wrong_line_is_exit_code_64_and_asks_nobody(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(RUN(f, "user", "list", "--bogus"), 64);
    assert_non_null(strstr(f->err, "--bogus"));
    assert_non_null(strstr(f->err, "Try: oriel user list --help"));
    assert_int_equal(RUN(f, "user", "add", "bob", "--password", "x"), 64);
}

static void the_manual_is_what_the_table_says(void **state)
{
    struct fixture *f = *state;
    static char file[TEXT_MAX];
    assert_int_equal(RUN(f, "--man"), 0);
    FILE *in = fopen(manual, "r");
    assert_non_null(in);
    size_t len = fread(file, 1, sizeof(file) - 1, in);
    file[len] = '\0';
    assert_int_equal(fclose(in), 0);
    /* When this fails: oriel --man > docs/oriel.1 */
    assert_string_equal(f->out, file);
}

static void help_and_completion_name_every_command(void **state)
{
    struct fixture *f = *state;
    static const char *const nouns[] = {"status", "user", "pool", "template", "entitlement",
            "desktop", "session", "ticket", "audit", "host"};
    assert_int_equal(RUN(f, "--help"), 0);
    for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++) {
        assert_non_null(strstr(f->out, nouns[i]));
    }
    assert_int_equal(RUN(f, "completion", "bash"), 0);
    for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++) {
        assert_non_null(strstr(f->out, nouns[i]));
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    if (argc != 3) {
        return 64;
    }
    program = argv[1];
    manual = argv[2];
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
            CASE(a_list_is_a_table),
            CASE(json_is_the_brokers_own),
            CASE(a_body_is_sent_as_json),
            CASE(a_refusal_is_exit_code_1),
            CASE(a_refusal_in_json_is_on_both),
            CASE(a_live_look_is_a_line_until_the_session_ends),
            CASE(nobody_there_is_exit_code_2),
            CASE(a_stranger_there_is_exit_code_2),
            CASE(the_portal_is_asked_where_one_is_named),
            CASE(a_doctor_for_elsewhere_does_not_look_here),
            CASE(a_wrong_line_is_exit_code_64_and_asks_nobody),
            CASE(the_manual_is_what_the_table_says),
            CASE(help_and_completion_name_every_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
