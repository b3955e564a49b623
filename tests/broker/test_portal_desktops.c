/* Component: desktops at the portal: tickets for one browser, what the person sees, pictures, events, and that all of
 * it ends when it is taken away. */
#include "base/clock.h"
#include "browser.h"
#include "store/weblogin.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct broker b;

static int start(void **state)
{
    static const char *const sets[] = {"rdp_address_public=vdi.example:3390",
            "rdp_fingerprint=sha256:ab:cd", "ticket_first_use_s=6", NULL};
    (void)state;
    broker_start(&b, sets);
    add_static_pool(&b, "office", 4);
    add_static_pool(&b, "lab", 2);
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

/* The one row of the pool. */
static json_t *row_of(struct browser *w, const char *pool)
{
    json_t *answer = browse(w, "GET", "/v1/me/desktops", NULL, 200);
    json_t *item;
    json_t *found = NULL;
    size_t i;
    json_array_foreach(json_object_get(answer, "desktops"), i, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "pool")), pool) == 0) {
            found = json_incref(item);
        }
    }
    json_decref(answer);
    return found;
}

static void expect_row(struct browser *w, const char *pool, const char *state, const char *protocol)
{
    json_t *row = row_of(w, pool);
    assert_non_null(row);
    assert_string_equal(json_string_value(json_object_get(row, "state")), state);
    assert_string_equal(json_string_value(json_object_get(row, "protocol")), protocol);
    json_decref(row);
}

static void a_ticket_opens_once_and_only_for_its_browser(void **state)
{
    struct browser w = browser_at(&b, "10.4.0.1:1");
    struct browser thief = browser_at(&b, "10.4.0.2:1");
    (void)state;
    browser_login(&w, "alice");
    browser_login(&thief, "bob");
    expect_row(&w, "office", "none", "");
    int gw = gateway_connect(&b);
    struct opened opened = browser_open(&w, "office");
    uint32_t conn = browser_connect(&thief, gw, &opened); /* another cookie */
    expect_refusal(&b, gw, conn, ORL_REASON_TICKET_INVALID);
    conn = send_login(&b, gw, opened.ticket, opened.password, "", "10.4.0.1:2"); /* no browser */
    expect_refusal(&b, gw, conn, ORL_REASON_TICKET_INVALID);
    struct ticket nla = {{0}, {0}};
    memcpy(nla.id, opened.ticket, sizeof(opened.ticket));
    memcpy(nla.password, opened.password, sizeof(opened.password));
    conn = send_proof(&b, gw, &nla, "10.4.0.1:3");
    expect_refusal(&b, gw, conn, ORL_REASON_TICKET_INVALID);
    conn = browser_connect(&w, gw, &opened);
    struct orl_msg_plan plan = expect_plan(gw, conn, true);
    expect_row(&w, "office", "active", "web");
    uint32_t again = browser_connect(&w, gw, &opened); /* replayed */
    expect_refusal(&b, gw, again, ORL_REASON_TICKET_INVALID);
    expect_silence(gw);
    opened = browser_open(&w, "office"); /* a new one takes the session over */
    again = browser_connect(&w, gw, &opened);
    struct orl_msg msg = expect(gw, conn, ORL_MSG_CLOSE);
    assert_int_equal(msg.u.close.reason, ORL_REASON_TAKEN_OVER);
    assert_string_equal(expect_plan(gw, again, true).session, plan.session);
    browse_ok(&w, "POST", "/v1/me/desktops/office/logoff", NULL);
    expect_refusal(&b, gw, again, ORL_REASON_LOGGED_OFF);
    expect_row(&w, "office", "none", "");
    close(gw);
}

static void a_ticket_that_nobody_used_in_time_is_void(void **state)
{
    struct browser w = browser_at(&b, "10.4.1.1:1");
    (void)state;
    browser_login(&w, "alice");
    struct opened opened = browser_open(&w, "office");
    sleep(7);
    int gw = gateway_connect(&b);
    uint32_t conn = browser_connect(&w, gw, &opened);
    expect_refusal(&b, gw, conn, ORL_REASON_TICKET_INVALID);
    for (int i = 0; i < 32; i++) {
        (void)browser_open(&w, "office");
    }
    browse_error(&w, "POST", "/v1/me/desktops/office/open", NULL, 429, "busy");
    assert_true(w.retry_s > 0);
    sleep(7);
    (void)browser_open(&w, "office");
    close(gw);
}

static void what_one_may_not_have_is_refused(void **state)
{
    struct browser w = browser_at(&b, "10.4.2.1:1");
    (void)state;
    browser_login(&w, "alice");
    static const char *const deeds[] = {"open", "rdp"};
    for (unsigned i = 0; i < 2; i++) {
        char path[80];
        (void)snprintf(path, sizeof(path), "/v1/me/desktops/lab/%s", deeds[i]);
        browse_error(&w, "POST", path, NULL, 403, "not_entitled");
        (void)snprintf(path, sizeof(path), "/v1/me/desktops/nowhere/%s", deeds[i]);
        browse_error(&w, "POST", path, NULL, 404, "no_such_pool");
    }
    browse_error(&w, "POST", "/v1/me/desktops/lab/restart", NULL, 403, "not_entitled");
    browse_error(&w, "POST", "/v1/me/desktops/office/restart", NULL, 404, "not_found");
    browse_error(&w, "POST", "/v1/me/desktops/office/logoff", NULL, 404, "not_found");
    browse_error(&w, "GET", "/v1/me/desktops/office/thumbnail", NULL, 404, "not_found");
    assert_null(row_of(&w, "lab"));
}

static void an_rdp_file_has_no_password_and_its_command_works(void **state)
{
    struct browser w = browser_at(&b, "10.4.3.1:1");
    char part[200];
    (void)state;
    browser_login(&w, "bob");
    json_t *rdp = browse(&w, "POST", "/v1/me/desktops/office/rdp", NULL, 200);
    const char *user = json_string_value(json_object_get(rdp, "user"));
    const char *password = json_string_value(json_object_get(rdp, "password"));
    const char *file = json_string_value(json_object_get(rdp, "file"));
    const char *command = json_string_value(json_object_get(rdp, "command"));
    assert_string_equal(json_string_value(json_object_get(rdp, "filename")), "office.rdp");
    assert_null(strstr(file, password));
    assert_non_null(strstr(file, "full address:s:vdi.example:3390\r\n"));
    assert_non_null(strstr(file, "enablecredsspsupport:i:1\r\n"));
    (void)snprintf(part, sizeof(part), "username:s:%s\r\n", user);
    assert_non_null(strstr(file, part));
    (void)snprintf(part, sizeof(part),
            "/v:vdi.example:3390 /u:%s /p:%s /cert:fingerprint:sha256:ab:cd", user, password);
    assert_non_null(strstr(command, part));
    struct ticket ticket;
    (void)snprintf(ticket.id, sizeof(ticket.id), "%s", user);
    (void)snprintf(ticket.password, sizeof(ticket.password), "%s", password);
    json_decref(rdp);
    int gw = gateway_connect(&b);
    uint32_t conn = send_proof(&b, gw, &ticket, "10.4.3.2:1");
    expect_hash(gw, conn, &ticket);
    (void)expect_plan(gw, conn, true);
    expect_row(&w, "office", "active", "rdp");
    browse_ok(&w, "POST", "/v1/me/desktops/office/logoff", NULL);
    close(gw);
}

static void signing_out_closes_what_that_browser_has_open(void **state)
{
    struct browser w = browser_at(&b, "10.4.4.1:1");
    (void)state;
    browser_login(&w, "alice");
    int gw = gateway_connect(&b);
    struct opened first = browser_open(&w, "office");
    struct opened second = browser_open(&w, "office");
    uint32_t conn = browser_connect(&w, gw, &first);
    struct orl_msg_plan plan = expect_plan(gw, conn, true);
    struct browser before = w;
    browse_ok(&w, "POST", "/v1/logout", NULL);
    expect_refusal(&b, gw, conn, ORL_REASON_ACCESS_REVOKED);
    conn = browser_connect(&before, gw, &second);
    expect_refusal(&b, gw, conn, ORL_REASON_TICKET_INVALID);
    await_session(&b, plan.session, "disconnected");
    browser_login(&w, "alice");
    struct opened third = browser_open(&w, "office");
    conn = browser_connect(&w, gw, &third);
    assert_string_equal(expect_plan(gw, conn, true).session, plan.session);
    browse_ok(&w, "POST", "/v1/me/desktops/office/logoff", NULL);
    close(gw);
}

static uint32_t connect_new(struct browser *w, int gw)
{
    struct opened opened = browser_open(w, "office");
    uint32_t conn = browser_connect(w, gw, &opened);
    (void)expect_plan(gw, conn, true);
    return conn;
}

/* However a login ends, nothing that it opened stays open for who sits there next. */
static void a_login_leaves_no_desktop_behind(void **state)
{
    static const char *const sets[] = {"web_idle_s=2", NULL};
    static struct broker other;
    struct browser w = browser_at(&b, "10.4.10.1:1");
    (void)state;
    int gw = gateway_connect(&b);
    browser_login(&w, "alice");
    uint32_t conn = connect_new(&w, gw);
    browser_login(&w, "bob"); /* in the same browser */
    expect_refusal(&b, gw, conn, ORL_REASON_ACCESS_REVOKED);
    struct browser first = browser_at(&b, "10.4.10.2:1");
    browser_login(&first, "alice");
    conn = connect_new(&first, gw);
    struct browser more = browser_at(&b, "10.4.10.3:1");
    for (unsigned i = 0; i < 20; i++) { /* one more than are kept */
        more = browser_at(&b, "10.4.10.3:1");
        browser_login(&more, "alice");
    }
    expect_refusal(&b, gw, conn, ORL_REASON_ACCESS_REVOKED);
    browse_ok(&more, "POST", "/v1/me/desktops/office/logoff", NULL);
    close(gw);
    broker_start(&other, sets);
    add_static_pool(&other, "office", 1);
    add_user(&other, "alice", "office");
    gw = gateway_connect(&other);
    struct browser idle = browser_at(&other, "10.4.10.4:1");
    browser_login(&idle, "alice");
    conn = connect_new(&idle, gw);
    int page = browser_send(&idle, "GET", "/v1/me/events", NULL);
    (void)expect(gw, conn, ORL_MSG_THUMB); /* an open page wants a picture */
    sleep(3);                              /* it ran out; the desktop is still there */
    static char text[16384];
    assert_true(browser_reads(page, "{\"code\":\"not_logged_in\"}", text, sizeof(text)));
    close(page);
    browse_error(&idle, "GET", "/v1/me", NULL, 401, "not_logged_in");
    expect_silence(gw);
    browse_ok(&idle, "POST", "/v1/logout", NULL);
    expect_refusal(&other, gw, conn, ORL_REASON_ACCESS_REVOKED);
    close(gw);
    broker_stop(&other);
}

static void what_is_taken_away_ends_at_once_also_after_a_restart(void **state)
{
    struct browser w = browser_at(&b, "10.4.5.1:1");
    (void)state;
    add_user(&b, "eve", "lab");
    browser_login(&w, "eve");
    int gw = gateway_connect(&b);
    struct opened opened = browser_open(&w, "lab");
    uint32_t conn = browser_connect(&w, gw, &opened);
    struct orl_msg_plan plan = expect_plan(gw, conn, true);
    broker_kill(&b, SIGKILL);
    close(gw);
    broker_restart(&b);
    gw = gateway_connect(&b);
    send_stats(gw, conn, plan.session);
    (void)expect_plan(gw, conn, true); /* it goes on, and is known as this browser's */
    expect_row(&w, "lab", "active", "web");
    struct opened unused = browser_open(&w, "lab");
    uint64_t before_ms = orl_clock_wall_ms();
    api_ok(&b, "DELETE", "/v1/entitlements/eve/lab", NULL, 200);
    expect_refusal(&b, gw, conn, ORL_REASON_ACCESS_REVOKED);
    assert_true(orl_clock_wall_ms() - before_ms < 5000); /* the promise, not a measurement */
    conn = browser_connect(&w, gw, &unused);
    expect_refusal(&b, gw, conn, ORL_REASON_TICKET_INVALID);
    browse_ok(&w, "GET", "/v1/me", NULL);
    close(gw);
}

static void events_tell_of_changes_and_of_the_end(void **state)
{
    struct browser w = browser_at(&b, "10.4.6.1:1");
    static char text[16384];
    static const uint8_t jpeg[] = {0xFF, 0xD8, 0xFF, 0xE0, 0xFF, 0xD9};
    (void)state;
    browser_login(&w, "alice");
    int fd = browser_send(&w, "GET", "/v1/me/events", NULL);
    text[0] = '\0';
    assert_true(browser_reads(fd, "\"state\":\"none\"", text, sizeof(text)));
    assert_non_null(strstr(text, "content-type: text/event-stream"));
    assert_non_null(strstr(text, "event: desktops\ndata: {\"desktops\":["));
    int gw = gateway_connect(&b);
    struct opened opened = browser_open(&w, "office");
    uint32_t conn = browser_connect(&w, gw, &opened);
    struct orl_msg_plan plan = expect_plan(gw, conn, true);
    assert_true(browser_reads(fd, "\"state\":\"active\"", text, sizeof(text)));
    /* An open page wants a first picture by itself. */
    (void)expect(gw, conn, ORL_MSG_THUMB);
    send_thumb(gw, conn, plan.session, jpeg, sizeof(jpeg));
    assert_true(browser_reads(fd, "\"has_thumbnail\":true", text, sizeof(text)));
    send_close(gw, conn, ORL_REASON_CLIENT_CLOSED);
    assert_true(browser_reads(fd, "\"state\":\"disconnected\"", text, sizeof(text)));
    api_ok(&b, "PATCH", "/v1/users/alice", "{\"password\":\"password-alice\"}", 200);
    assert_true(browser_reads(
            fd, "event: ended\ndata: {\"code\":\"access.revoked\"}", text, sizeof(text)));
    assert_false(browser_reads(fd, "more", text, sizeof(text))); /* and closed */
    browser_login(&w, "alice");
    browse_ok(&w, "POST", "/v1/me/desktops/office/logoff", NULL);
    close(fd);
    close(gw);
}

static void a_picture_is_asked_for_kept_and_shown_to_its_person_only(void **state)
{
    struct browser w = browser_at(&b, "10.4.7.1:1");
    struct browser other = browser_at(&b, "10.4.7.2:1");
    static const uint8_t jpeg[] = {0xFF, 0xD8, 0xFF, 0xE0, 'p', 'i', 'c', 0xFF, 0xD9};
    static char answer[4096];
    char request[1024];
    (void)state;
    browser_login(&w, "alice");
    browser_login(&other, "bob");
    int gw = gateway_connect(&b);
    struct opened opened = browser_open(&w, "office");
    uint32_t conn = browser_connect(&w, gw, &opened);
    struct orl_msg_plan plan = expect_plan(gw, conn, true);
    send_thumb(gw, conn, plan.session, jpeg, sizeof(jpeg)); /* nobody asked */
    browse_error(&w, "GET", "/v1/me/desktops/office/thumbnail", NULL, 404, "not_found");
    (void)expect(gw, conn, ORL_MSG_THUMB);
    browse_error(&w, "GET", "/v1/me/desktops/office/thumbnail", NULL, 404, "not_found");
    expect_silence(gw);                              /* not so soon again */
    send_thumb(gw, conn, plan.session, "<html>", 6); /* no picture */
    send_thumb(gw, conn, "0123456789abcdef0123456789abcdef", jpeg, sizeof(jpeg));
    send_thumb(gw, conn, plan.session, jpeg, sizeof(jpeg));
    for (int i = 0; i < 100; i++) {
        json_t *row = row_of(&w, "office");
        bool has = json_is_true(json_object_get(row, "has_thumbnail"));
        json_decref(row);
        if (has) {
            break;
        }
        usleep(20000);
    }
    size_t len = browser_request(
            &w, "GET", "/v1/me/desktops/office/thumbnail?n=3", NULL, request, sizeof(request));
    assert_int_equal(api_exchange(&b, request, len, answer, sizeof(answer)), 200);
    assert_non_null(strstr(answer, "content-type: image/jpeg"));
    assert_non_null(strstr(answer, "cache-control: no-store"));
    assert_memory_equal(strstr(answer, "\r\n\r\n") + 4, jpeg, sizeof(jpeg));
    browse_error(&other, "GET", "/v1/me/desktops/office/thumbnail", NULL, 404, "not_found");
    browse_ok(&w, "POST", "/v1/me/desktops/office/logoff", NULL);
    browse_error(&w, "GET", "/v1/me/desktops/office/thumbnail", NULL, 404, "not_found");
    close(gw);
}

static void a_machine_is_restarted_by_its_person_and_keeps_its_session(void **state)
{
    struct browser w = browser_at(&b, "10.4.8.1:1");
    char id[ORL_ID_LEN + 1];
    struct orl_desktop_row desktop;
    (void)state;
    add_floating_pool(&b, "float", 2, 3600);
    make_ready_desktop(&b, "float", id);
    add_user(&b, "fay", "float");
    browser_login(&w, "fay");
    int gw = gateway_connect(&b);
    struct opened opened = browser_open(&w, "float");
    uint32_t conn = browser_connect(&w, gw, &opened);
    struct orl_msg_plan plan = expect_plan(gw, conn, true);
    assert_string_equal(plan.desktop, id);
    json_decref(browse(&w, "POST", "/v1/me/desktops/float/restart", NULL, 202));
    assert_int_equal(orl_desktop_get(b.store, id, &desktop, NULL), 0);
    assert_true(desktop.restart_ms > 0);
    set_power(&b, id, ORL_POWER_REBOOTING, false); /* vmpool saw it */
    set_power(&b, id, ORL_POWER_RUNNING, true);
    await_session(&b, plan.session, "active");
    expect_silence(gw);
    close(gw);
}

/* The broker dies between the end of a session and its CLOSE: who is still on the desktop goes before the next comes,
 * and nobody waits where everybody knows. */
static void a_static_desktop_has_one_person_also_after_a_restart(void **state)
{
    (void)state;
    add_static_pool(&b, "shift", 1);
    add_user(&b, "ann", "shift");
    add_user(&b, "ben", "shift");
    int gw = gateway_connect(&b);
    uint32_t ann = send_login(&b, gw, "ann", "password-ann", "", "10.4.9.1:1");
    struct orl_msg_plan plan = expect_plan(gw, ann, true);
    broker_kill(&b, SIGKILL);
    assert_int_equal(orl_session_end(b.store, plan.session, ORL_REASON_MAX_SESSION, "broker",
                             orl_clock_wall_ms(), NULL),
            0);
    close(gw);
    broker_restart(&b);
    gw = gateway_connect(&b);
    uint32_t ben = send_login(&b, gw, "ben", "password-ben", "", "10.4.9.2:1");
    (void)expect_plan(gw, ben, false);
    send_stats(gw, ann, plan.session);
    struct orl_msg msg = expect(gw, ann, ORL_MSG_CLOSE);
    assert_int_equal(msg.u.close.reason, ORL_REASON_MAX_SESSION);
    struct orl_msg_plan next = expect_plan(gw, ben, true);
    assert_string_equal(next.desktop, plan.desktop);
    char path[80];
    (void)snprintf(path, sizeof(path), "/v1/sessions/%s/logoff", next.session);
    api_ok(&b, "POST", path, NULL, 200);
    expect_refusal(&b, gw, ben, ORL_REASON_LOGGED_OFF);
    broker_kill(&b, SIGKILL);
    close(gw);
    broker_restart(&b);
    gw = gateway_connect(&b);
    ann = send_login(&b, gw, "ann", "password-ann", "", "10.4.9.1:2");
    (void)expect_plan(gw, ann, true);
    close(gw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_ticket_opens_once_and_only_for_its_browser),
            cmocka_unit_test(a_ticket_that_nobody_used_in_time_is_void),
            cmocka_unit_test(what_one_may_not_have_is_refused),
            cmocka_unit_test(an_rdp_file_has_no_password_and_its_command_works),
            cmocka_unit_test(signing_out_closes_what_that_browser_has_open),
            cmocka_unit_test(a_login_leaves_no_desktop_behind),
            cmocka_unit_test(what_is_taken_away_ends_at_once_also_after_a_restart),
            cmocka_unit_test(events_tell_of_changes_and_of_the_end),
            cmocka_unit_test(a_picture_is_asked_for_kept_and_shown_to_its_person_only),
            cmocka_unit_test(a_machine_is_restarted_by_its_person_and_keeps_its_session),
            cmocka_unit_test(a_static_desktop_has_one_person_also_after_a_restart),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
