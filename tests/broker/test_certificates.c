/* Component: a certificate from the API to the program that shows it; a real broker, this test as gateway and portal. */
#include "base/clock.h"
#include "broker_fixture.h"
#include "tests/base/cert_maker.h"

#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY_MS UINT64_C(86400000)
#define PRINT "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
static struct broker b;
static char asked[200]; /* the last one: answers are read one by one */
static struct made root, leaf, other;

static int start(void **state)
{
    static const char *const sets[] = {
            "lease_s=30", "vmpool_silent_s=3600", "web_user=nobody", NULL};
    (void)state;
    broker_start(&b, sets);
    make(&(struct wish){.name = "Own Root", .is_ca = true}, &root);
    make(&(struct wish){.name = "desktops.test", .issuer = &root}, &leaf);
    make(&(struct wish){.name = "desktops.test", .issuer = &root}, &other);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    made_fini(&root);
    made_fini(&leaf);
    made_fini(&other);
    broker_stop(&b);
    return 0;
}

static struct orl_msg said(enum orl_service service, enum orl_cert_source source, unsigned days)
{
    struct orl_msg msg = {.type = ORL_MSG_SERVICE};
    msg.u.service = (struct orl_msg_service){.service = service,
            .source = source,
            .port = 3389,
            .count = 2,
            .until_ms = orl_clock_wall_ms() + days * DAY_MS + DAY_MS / 2,
            .issuer = "CN=Own Root",
            .names = "desktops.test 127.0.0.1",
            .fingerprint = PRINT};
    return msg;
}

static void say(int fd, const struct orl_msg *msg)
{
    assert_int_equal(orl_ipc_send(fd, msg, NULL, 0), 0);
}

static void say_and_be_heard(int fd, const struct orl_msg *msg)
{
    char path[60];
    (void)snprintf(path, sizeof(path), "/v1/certificates/%s",
            msg->u.service.service == ORL_SERVICE_RDP ? "rdp" : "web");
    say(fd, msg);
    for (int i = 0; i < 600; i++) {
        int status = 0;
        json_t *now = api(&b, "GET", path, NULL, &status);
        bool is_known = json_integer_value(json_object_get(now, "until_ms")) ==
                                (json_int_t)msg->u.service.until_ms &&
                        json_is_true(json_object_get(now, "is_connected"));
        json_decref(now);
        if (is_known) {
            return;
        }
        usleep(50000);
    }
    fail_msg("the broker did not hear what is shown");
}

/* Connected, and known to the broker. */
static int come(const struct orl_msg *msg)
{
    int fd = gateway_connect(&b);
    say_and_be_heard(fd, msg);
    return fd;
}

/* Sends the request on a connection of its own, which is given. */
static int ask(const char *method, const char *path, const json_t *body)
{
    static char text[65536];
    char *json = body != NULL ? json_dumps(body, JSON_COMPACT) : strdup("");
    int len = snprintf(text, sizeof(text),
            "%s %s HTTP/1.1\r\nHost: oriel\r\nConnection: close\r\n"
            "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
            method, path, strlen(json), json);
    assert_true(len > 0 && (size_t)len < sizeof(text));
    free(json);
    (void)snprintf(asked, sizeof(asked), "%s %s", method, path);
    int fd = api_connect(&b);
    for (int at = 0; at < len;) {
        ssize_t wrote = write(fd, text + at, (size_t)(len - at));
        assert_true(wrote > 0);
        at += (int)wrote;
    }
    return fd;
}

/* The answer's status; its body. Closes fd. */
static int answer(int fd, json_t **ret_body)
{
    static char text[32768];
    size_t len = 0;
    ssize_t got = 1;
    while (got > 0 && len < sizeof(text) - 1) {
        got = read(fd, text + len, sizeof(text) - 1 - len);
        len += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    text[len] = '\0';
    const char *body = strstr(text, "\r\n\r\n");
    assert_non_null(body);
    assert_null(strstr(text, "PRIVATE"));
    *ret_body = json_loads(body + 4, 0, NULL);
    int status = (int)strtol(text + 9, NULL, 10);
    api_trace(asked, strlen(asked), status, text);
    return status;
}

static json_t *pair_of(const char *chain, const char *key)
{
    return json_pack("{s:s, s:s}", "certificate", chain, "key", key);
}

static const char *whole(void)
{
    static char chain[9000];
    (void)snprintf(chain, sizeof(chain), "%s%s", leaf.cert, root.cert);
    return chain;
}

static void refused(const char *path, json_t *body, int status, const char *word)
{
    json_t *got = NULL;
    int was = answer(ask("PATCH", path, body), &got);
    const char *detail = json_string_value(json_object_get(got, "detail"));
    assert_non_null(detail);
    if (was != status || strstr(detail, word) == NULL) {
        fail_msg("%d '%s' instead of %d '%s'", was, detail, status, word);
    }
    json_decref(got);
    json_decref(body);
}

static void no_key_anywhere(void)
{
    int status = 0;
    char path[120];
    json_t *audit = api(&b, "GET", "/v1/audit?limit=1000", NULL, &status);
    char *text = json_dumps(audit, 0);
    assert_null(strstr(text, "PRIVATE"));
    free(text);
    json_decref(audit);
    (void)snprintf(path, sizeof(path), "grep -rlaq 'PRIVATE KEY' %s", b.dir);
    FILE *found = popen(path, "re");
    assert_non_null(found);
    assert_int_equal(WEXITSTATUS(pclose(found)), 1);
}

static void one_goes_to_its_program_and_its_word_is_the_answer(void **state)
{
    struct orl_msg msg = said(ORL_SERVICE_RDP, ORL_CERT_OWN, 3000);
    struct orl_msg web = said(ORL_SERVICE_WEB, ORL_CERT_OWN, 3000);
    json_t *body = pair_of(whole(), leaf.secret);
    json_t *got = NULL;
    (void)state;
    int portal = come(&web);
    int gw = come(&msg);
    int fd = ask("PATCH", "/v1/certificates/rdp", body);
    struct orl_msg sent = expect(gw, 0, ORL_MSG_CERTIFICATE);
    expect_silence(portal);
    assert_true(sent.u.certificate.key_len > 1000 && sent.u.certificate.chain_len > 1000);
    assert_memory_equal(sent.u.certificate.chain, leaf.cert, strlen(leaf.cert));
    refused("/v1/certificates/rdp", pair_of(whole(), leaf.secret), 503, "on its way");
    msg = said(ORL_SERVICE_RDP, ORL_CERT_UPLOADED, 300);
    msg.u.service.serial = sent.u.certificate.serial;
    assert_int_equal(orl_ipc_send(gw, &msg, NULL, 0), 0);
    assert_int_equal(answer(fd, &got), 200);
    assert_string_equal(json_string_value(json_object_get(got, "source")), "uploaded");
    assert_string_equal(json_string_value(json_object_get(got, "fingerprint")),
            "sha256:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:"
            "aa:bb:cc:dd:ee:ff");
    assert_non_null(json_object_get(got, "audit"));
    json_decref(got);
    json_decref(body);

    /* And its "no" is one. */
    body = pair_of(whole(), leaf.secret);
    fd = ask("PATCH", "/v1/certificates/rdp", body);
    sent = expect(gw, 0, ORL_MSG_CERTIFICATE);
    msg.u.service.serial = sent.u.certificate.serial;
    msg.u.service.is_refused = 1;
    orl_msg_text(msg.u.service.why, sizeof(msg.u.service.why), "field 'key' displeases");
    assert_int_equal(orl_ipc_send(gw, &msg, NULL, 0), 0);
    assert_int_equal(answer(fd, &got), 400);
    assert_string_equal(json_string_value(json_object_get(got, "code")), "certificate.refused");
    json_t *fault = json_array_get(json_object_get(got, "errors"), 0);
    assert_string_equal(json_string_value(json_object_get(fault, "field")), "key");
    json_decref(got);

    /* It goes in the middle. */
    fd = ask("PATCH", "/v1/certificates/rdp", body);
    (void)expect(gw, 0, ORL_MSG_CERTIFICATE);
    close(gw);
    assert_int_equal(answer(fd, &got), 503);
    json_decref(got);
    json_decref(body);
    fd = ask("DELETE", "/v1/certificates/web", NULL);
    sent = expect(portal, 0, ORL_MSG_CERTIFICATE);
    assert_int_equal(sent.u.certificate.chain_len + sent.u.certificate.key_len, 0);
    web.u.service.serial = sent.u.certificate.serial;
    assert_int_equal(orl_ipc_send(portal, &web, NULL, 0), 0);
    assert_int_equal(answer(fd, &got), 200);
    json_decref(got);
    close(portal);
    no_key_anywhere();
}

static void what_is_no_good_goes_nowhere(void **state)
{
    static char large[50000];
    struct orl_msg msg = said(ORL_SERVICE_WEB, ORL_CERT_OWN, 3000);
    (void)state;
    refused("/v1/certificates/rdp", pair_of(whole(), leaf.secret), 503, "not connected");
    int portal = come(&msg);
    memset(large, 'x', sizeof(large) - 1);
    refused("/v1/certificates/web", pair_of(whole(), other.secret), 400, "not the key");
    refused("/v1/certificates/web", pair_of(leaf.cert, leaf.secret), 400, "incomplete");
    refused("/v1/certificates/web", pair_of("nonsense", leaf.secret), 400, "not PEM");
    refused("/v1/certificates/web", pair_of(large, leaf.secret), 400, "certificate");
    refused("/v1/certificates/web", json_pack("{s:s}", "key", leaf.secret), 400, "certificate");
    refused("/v1/certificates/smtp", pair_of(whole(), leaf.secret), 404, "rdp and web");
    expect_silence(portal);
    close(portal);
    msg = said(ORL_SERVICE_WEB, ORL_CERT_SETTING, 4000);
    portal = come(&msg);
    refused("/v1/certificates/web", pair_of(whole(), leaf.secret), 409, "settings");
    expect_silence(portal);
    close(portal);
    no_key_anywhere();
}

/* The alarm's text for the object; the caller frees it. NULL: there is none. */
static char *alarm_of(const char *object, const char *reason)
{
    int status = 0;
    char *text = NULL;
    size_t i;
    json_t *row;
    json_t *alarms = api(&b, "GET", "/v1/alarms", NULL, &status);
    json_array_foreach(json_object_get(alarms, "alarms"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "object")), object) == 0 &&
                strcmp(json_string_value(json_object_get(row, "reason")), reason) == 0) {
            text = strdup(json_string_value(json_object_get(row, "text")));
        }
    }
    json_decref(alarms);
    return text;
}

static void expect_alarm(unsigned days, const char *problem, const char *expiring)
{
    struct orl_msg msg = said(ORL_SERVICE_RDP, ORL_CERT_UPLOADED, days);
    orl_msg_text(msg.u.service.problem, sizeof(msg.u.service.problem), problem);
    int gw = come(&msg);
    char *text = alarm_of("certificate:rdp", "certificate.expiring");
    char *broken = alarm_of("certificate:rdp", "certificate.broken");
    assert_int_equal(text != NULL, expiring != NULL);
    if (expiring != NULL) {
        assert_non_null(strstr(text, expiring));
    }
    assert_int_equal(broken != NULL, problem[0] != '\0');
    free(text);
    free(broken);
    close(gw);
}

static void its_end_is_told_at_thirty_days_and_at_seven(void **state)
{
    char metrics[65536];
    (void)state;
    expect_alarm(60, "", NULL);
    expect_alarm(29, "", "less than 30 days");
    api_metrics(&b, metrics, sizeof(metrics));
    assert_non_null(strstr(metrics, "oriel_certificate_expiry_seconds{service=\"rdp\"} "));
    expect_alarm(6, "", "less than 7 days");
    expect_alarm(200, "the uploaded one is no good", NULL);
    expect_alarm(201, "", NULL);
}

static void a_program_that_says_another_thing_each_time_fills_no_audit(void **state)
{
    struct orl_msg msg = said(ORL_SERVICE_WEB, ORL_CERT_OWN, 5000);
    int status = 0;
    (void)state;
    int portal = come(&msg);
    for (unsigned i = 0; i < 80; i++) {
        orl_msg_text(msg.u.service.problem, sizeof(msg.u.service.problem), i % 2 ? "" : "it is");
        say(portal, &msg);
    }
    msg = said(ORL_SERVICE_WEB, ORL_CERT_OWN, 5001);
    say_and_be_heard(portal, &msg);
    json_t *rows =
            api(&b, "GET", "/v1/audit?action=alarm.raise&object=certificate:web", NULL, &status);
    assert_int_equal(status, 200);
    assert_in_range(json_array_size(json_object_get(rows, "audit")), 1, 20);
    json_decref(rows);
    close(portal);
}

static void a_check_with_a_long_text_is_cut_and_there(void **state)
{
    struct orl_msg msg = said(ORL_SERVICE_WEB, ORL_CERT_OWN, 6000);
    int status = 0;
    bool is_there = false;
    size_t i;
    json_t *row;
    (void)state;
    orl_msg_text(msg.u.service.issuer, sizeof(msg.u.service.issuer), "CN=Long");
    for (i = 0; i + 2 < sizeof(msg.u.service.names); i += 2) {
        memcpy(msg.u.service.names + i, "\xC3\xA4", 3);
    }
    for (unsigned odd = 0; odd < 2; odd++) {
        int portal = come(&msg);
        json_t *checks = api(&b, "GET", "/v1/doctor", NULL, &status);
        assert_int_equal(status, 200);
        is_there = false;
        json_array_foreach(json_object_get(checks, "checks"), i, row)
        {
            const char *text = json_string_value(json_object_get(row, "text"));
            is_there = is_there || strncmp(text, "CN=Long", 7) == 0;
        }
        assert_true(is_there);
        json_decref(checks);
        close(portal);
        orl_msg_text(msg.u.service.issuer, sizeof(msg.u.service.issuer), "CN=Longe");
        msg.u.service.until_ms += DAY_MS;
    }
}

static void a_fingerprint_is_hex_or_nothing(void **state)
{
    struct orl_msg msg = said(ORL_SERVICE_WEB, ORL_CERT_OWN, 7000);
    int status = 0;
    (void)state;
    orl_msg_text(msg.u.service.fingerprint, sizeof(msg.u.service.fingerprint),
            "00ff$(reboot)a\xC3\xA4\xC3\xA4");
    int portal = come(&msg);
    json_t *one = api(&b, "GET", "/v1/certificates/web", NULL, &status);
    assert_string_equal(json_string_value(json_object_get(one, "fingerprint")), "sha256:00:ff");
    json_decref(one);
    close(portal);
}

/* As the portal's user: 0 when the broker takes at most some of many connections, and not none. */
static int crowd_as(uid_t uid)
{
    enum { MANY = 40 };
    int fd[MANY];
    unsigned closed = 0;
    char byte;
    if (setresuid(uid, uid, uid) < 0) {
        return 2;
    }
    for (unsigned i = 0; i < MANY; i++) {
        fd[i] = gateway_connect(&b);
    }
    for (unsigned i = 0; i < 3000 && closed == 0; i++) {
        usleep(10000);
        closed = 0;
        for (unsigned k = 0; k < MANY; k++) {
            closed += recv(fd[k], &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
        }
    }
    return closed > 0 && recv(fd[0], &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 ? 0 : 1;
}

static void a_portal_with_many_connections_leaves_room_for_others(void **state)
{
    const struct passwd *nobody = getpwnam("nobody");
    int status = 0;
    (void)state;
    if (geteuid() != 0 || nobody == NULL) {
        skip();
    }
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(crowd_as(nobody->pw_uid));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(one_goes_to_its_program_and_its_word_is_the_answer),
            cmocka_unit_test(what_is_no_good_goes_nowhere),
            cmocka_unit_test(its_end_is_told_at_thirty_days_and_at_seven),
            cmocka_unit_test(a_check_with_a_long_text_is_cut_and_there),
            cmocka_unit_test(a_fingerprint_is_hex_or_nothing),
            cmocka_unit_test(a_portal_with_many_connections_leaves_room_for_others),
            cmocka_unit_test(a_program_that_says_another_thing_each_time_fills_no_audit),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
