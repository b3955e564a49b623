/* Component: looking at somebody's desktop, from the API to the gateway; a real broker, this test as gateway. */
#include "broker/watching.h"
#include "browser.h"
#include "store/audit.h"
#include "store/watch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WHY "{\"why\":\"the printer does not print\"}"
#define GLASS "{\"why\":\"incident 4711\",\"break_glass\":true}"

static struct broker b;
static struct browser olga; /* operator */
static struct browser adam; /* operator who may break the glass */
static int gw = -1;
static uint32_t anna; /* her connection */
static struct orl_msg_plan plan;
static char session_path[120];

static void set(const char *name, const char *body)
{
    char path[80];
    (void)snprintf(path, sizeof(path), "/v1/users/%s", name);
    api_ok(&b, "PATCH", path, body, 200);
}

static void enter(void)
{
    anna = send_login(&b, gw, "anna", "password-anna", "", "10.2.0.1:1");
    plan = expect_plan(gw, anna, true);
    assert_int_equal(plan.permit.is_view_only, 0);
    (void)snprintf(session_path, sizeof(session_path), "/v1/sessions/%s/watch", plan.session);
}

static int start(void **state)
{
    static const char *const sets[] = {"lease_s=30", "vmpool_silent_s=3600",
            "password_cost=minimal", "portal_url=https://portal.example", NULL};
    (void)state;
    broker_start(&b, sets);
    gw = gateway_connect(&b);
    add_static_pool(&b, "desk", 1);
    add_user(&b, "anna", "desk");
    add_user(&b, "olga", NULL);
    add_user(&b, "adam", NULL);
    set("olga", "{\"role\":\"operator\",\"display\":\"Olga Operator\"}");
    set("adam", "{\"role\":\"operator\",\"may_break_glass\":true}");
    olga = browser_at(&b, "10.3.0.1:1");
    adam = browser_at(&b, "10.4.0.1:1");
    browser_login(&olga, "olga");
    browser_login(&adam, "adam");
    enter();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    close(gw);
    broker_stop(&b);
    return 0;
}

/* Next time she is asked at once: that is counted by connection. */
static void come_again(void)
{
    send_close(gw, anna, ORL_REASON_CLIENT_CLOSED);
    await_session(&b, plan.session, "disconnected");
    enter();
}

static void ask(struct browser *w, const char *body, char ret_id[ORL_ID_LEN + 1])
{
    json_t *answer = browse(w, "POST", session_path, body, 201);
    orl_msg_text(ret_id, ORL_ID_LEN + 1, json_string_value(json_object_get(answer, "id")));
    json_decref(answer);
}

static struct orl_msg_consent expect_consent(enum orl_consent_kind kind)
{
    struct orl_msg msg = expect(gw, anna, ORL_MSG_CONSENT);
    assert_int_equal(msg.u.consent.kind, kind);
    return msg.u.consent;
}

static void answer(const char *watch, enum orl_consent_kind kind)
{
    struct orl_msg msg = {.type = ORL_MSG_CONSENT, .conn = anna};
    msg.u.consent.kind = kind;
    orl_msg_text(msg.u.consent.watch, sizeof(msg.u.consent.watch), watch);
    assert_int_equal(orl_ipc_send(gw, &msg, NULL, 0), 0);
}

static struct opened open_watch(struct browser *w, const char *id)
{
    struct opened opened;
    char path[80];
    (void)snprintf(path, sizeof(path), "/v1/watches/%s/open", id);
    json_t *ticket = browse(w, "POST", path, "{}", 200);
    orl_msg_text(opened.ticket, sizeof(opened.ticket),
            json_string_value(json_object_get(ticket, "ticket")));
    orl_msg_text(opened.password, sizeof(opened.password),
            json_string_value(json_object_get(ticket, "password")));
    json_decref(ticket);
    return opened;
}

/* Waits for the state, and checks why. */
static void await_watch(const char *id, const char *state, const char *reason)
{
    struct orl_watch_row row = {0};
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(orl_watch_get(b.store, id, &row, NULL), 0);
        if (strcmp(orl_watch_state_name(row.state), state) == 0) {
            break;
        }
        usleep(10000);
    }
    assert_string_equal(orl_watch_state_name(row.state), state);
    assert_string_equal(row.reason != ORL_REASON_NONE ? orl_reason_code(row.reason) : "", reason);
}

static uint32_t begin(struct browser *w, const char *id)
{
    struct opened opened = open_watch(w, id);
    uint32_t conn = browser_connect(w, gw, &opened);
    struct orl_msg_plan seen = expect_plan(gw, conn, true);
    assert_int_equal(seen.permit.is_view_only, 1);
    assert_int_equal(seen.permit.clipboard, 0);
    assert_int_equal(seen.permit.has_sound, 0);
    assert_string_equal(seen.desktop, plan.desktop);
    assert_int_equal(seen.version, plan.version);
    return conn;
}

struct actions {
    char text[400];
};

static int add_action(void *ctx, const struct orl_audit_row *row)
{
    struct actions *actions = ctx;
    size_t len = strlen(actions->text);
    if (strncmp(row->action, "watch.", 6) == 0) {
        (void)snprintf(actions->text + len, sizeof(actions->text) - len, "%s by %s;", row->action,
                row->actor);
    }
    return 0;
}

/* Newest first, of this watch. */
static void assert_audit(const char *id, const char *wanted)
{
    struct actions actions = {.text = ""};
    char object[ORL_ID_LEN + 12];
    (void)snprintf(object, sizeof(object), "session:%s", plan.session);
    const struct orl_audit_filter filter = {.object = object, .max_count = 100};
    (void)id;
    assert_true(orl_audit_list(b.store, &filter, add_action, &actions, NULL) >= 0);
    assert_int_equal(strncmp(actions.text, wanted, strlen(wanted)), 0);
}

static void with_consent_one_looks_and_each_step_is_audited(void **state)
{
    char id[ORL_ID_LEN + 1];
    (void)state;
    ask(&olga, WHY, id);
    struct orl_msg_consent question = expect_consent(ORL_CONSENT_ASK);
    assert_string_equal(question.watch, id);
    assert_string_equal(question.why, "the printer does not print");
    assert_non_null(strstr(question.text, "Olga Operator (olga)"));
    char path[80];
    (void)snprintf(path, sizeof(path), "/v1/watches/%s/open", id);
    browse_error(&olga, "POST", path, "{}", 409, "conflict"); /* nobody has answered */
    answer(id, ORL_CONSENT_ALLOW);
    assert_non_null(strstr(expect_consent(ORL_CONSENT_LOOKS).text, "Olga Operator (olga) looks"));
    uint32_t conn = begin(&olga, id);
    await_watch(id, "active", "");
    send_stats(gw, conn, plan.session); /* keeps no lease, and is no fault */
    expect_silence(gw);
    send_close(gw, conn, ORL_REASON_CLIENT_CLOSED);
    (void)expect_consent(ORL_CONSENT_NONE);
    await_watch(id, "ended", "client_closed");
    assert_audit(id, "watch.end by broker;watch.begin by user:olga;watch.grant by user:anna;"
                     "watch.ask by user:olga;");
    await_session(&b, plan.session, "active"); /* hers goes on */
    int status = 0;
    (void)snprintf(path, sizeof(path), "/v1/watches?session=%s&user=anna", plan.session);
    json_t *list = api(&b, "GET", path, NULL, &status);
    assert_int_equal(status, 200);
    json_t *row = json_array_get(json_object_get(list, "watches"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "id")), id);
    json_decref(list);
    list = api(&b, "GET", "/v1/watches?open=1", NULL, &status);
    assert_int_equal(status, 200);
    assert_int_equal(json_array_size(json_object_get(list, "watches")), 0);
    json_decref(list);
}

static void a_no_is_a_no_and_nobody_is_asked_all_the_time(void **state)
{
    char id[ORL_ID_LEN + 1];
    (void)state;
    come_again();
    ask(&olga, WHY, id);
    (void)expect_consent(ORL_CONSENT_ASK);
    browse_error(&olga, "POST", session_path, WHY, 429, "busy");
    answer(id, ORL_CONSENT_REFUSE);
    (void)expect_consent(ORL_CONSENT_NONE);
    await_watch(id, "refused", "watch.refused");
    assert_audit(id, "watch.refuse by user:anna;watch.ask by user:olga;");
    char path[80];
    (void)snprintf(path, sizeof(path), "/v1/watches/%s/open", id);
    browse_error(&olga, "POST", path, "{}", 410, "watch.refused");
    browse_error(&olga, "POST", session_path, WHY, 429, "busy");
}

static void break_glass_needs_the_right_and_a_reason_and_is_seen(void **state)
{
    static const char *const bad[] = {"{\"break_glass\":true}",
            "{\"break_glass\":true,\"why\":\"\"}", "{\"break_glass\":true,\"why\":\"   \"}",
            "{\"break_glass\":true,\"why\":\"two\\nlines\"}"};
    char longest[300] = "{\"break_glass\":true,\"why\":\"";
    char id[ORL_ID_LEN + 1];
    size_t len = strlen(longest);
    (void)state;
    come_again();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        browse_error(&adam, "POST", session_path, bad[i], 400, "bad_request");
    }
    memset(longest + len, 'x', ORL_WATCH_WHY_MAX + 1);
    memcpy(longest + len + ORL_WATCH_WHY_MAX + 1, "\"}", 3);
    browse_error(&adam, "POST", session_path, longest, 400, "bad_request");
    browse_error(&olga, "POST", session_path, GLASS, 403, "not_allowed");
    expect_silence(gw);
    ask(&adam, GLASS, id);
    struct orl_msg_consent notice = expect_consent(ORL_CONSENT_LOOKS);
    assert_non_null(strstr(notice.text, "adam looks at your desktop, without having asked"));
    assert_string_equal(notice.why, "incident 4711");
    uint32_t conn = begin(&adam, id);
    assert_audit(id, "watch.begin by user:adam;watch.break_glass by user:adam;");
    answer("", ORL_CONSENT_REFUSE); /* the person ends it, too */
    assert_int_equal(expect(gw, conn, ORL_MSG_CLOSE).u.close.reason, ORL_REASON_WATCH_ENDED);
    (void)expect_consent(ORL_CONSENT_NONE);
    await_watch(id, "ended", "watch.ended");
    assert_audit(id, "watch.end by user:anna;");
}

/* What the portal's card says; the text is the caller's to free. */
static json_t *watched_text(struct browser *w)
{
    json_t *list = browse(w, "GET", "/v1/me/desktops", NULL, 200);
    const json_t *first = json_array_get(json_object_get(list, "desktops"), 0);
    json_t *text = json_incref(json_object_get(first, "watched_text"));
    json_decref(list);
    return text;
}

static void who_is_looked_at_ends_it_at_the_portal_too(void **state)
{
    static const char unwatch[] = "/v1/me/desktops/desk/unwatch";
    struct browser w = browser_at(&b, "10.2.0.1:2");
    char id[ORL_ID_LEN + 1];
    (void)state;
    come_again();
    browser_login(&w, "anna");
    json_t *text = watched_text(&w);
    assert_string_equal(json_string_value(text), "");
    json_decref(text);
    ask(&adam, GLASS, id);
    (void)expect_consent(ORL_CONSENT_LOOKS);
    uint32_t conn = begin(&adam, id);
    text = watched_text(&w);
    assert_string_equal(
            json_string_value(text), "adam looks at your desktop, without having asked.");
    json_decref(text);
    browse_error(&olga, "POST", unwatch, "{}", 404, "not_found"); /* hers, not anybody's */
    json_t *ended = browse(&w, "POST", unwatch, "{}", 200);
    assert_int_equal(json_integer_value(json_object_get(ended, "ended")), 1);
    json_decref(ended);
    assert_int_equal(expect(gw, conn, ORL_MSG_CLOSE).u.close.reason, ORL_REASON_WATCH_ENDED);
    (void)expect_consent(ORL_CONSENT_NONE);
    await_watch(id, "ended", "watch.ended");
    assert_audit(id, "watch.end by user:anna;");
    ended = browse(&w, "POST", unwatch, "{}", 200);
    assert_int_equal(json_integer_value(json_object_get(ended, "ended")), 0);
    json_decref(ended);
}

static void who_comes_by_another_gateway_is_told_where_to_go(void **state)
{
    char id[ORL_ID_LEN + 1];
    (void)state;
    come_again();
    ask(&adam, GLASS, id);
    (void)expect_consent(ORL_CONSENT_LOOKS);
    int other = gateway_connect(&b);
    struct opened opened = open_watch(&adam, id);
    uint32_t conn = browser_connect(&adam, other, &opened);
    struct orl_msg msg = expect(other, conn, ORL_MSG_CLOSE);
    assert_int_equal(msg.u.close.reason, ORL_REASON_CONSOLE_UNREACHABLE);
    assert_non_null(strstr(msg.u.close.text, "the gateway where the person works"));
    conn = begin(&adam, id); /* the watch is as good as it was */
    answer("", ORL_CONSENT_REFUSE);
    (void)expect(gw, conn, ORL_MSG_CLOSE);
    (void)expect_consent(ORL_CONSENT_NONE);
    close(other);
}

struct deed {
    char text[200]; /* of the newest */
};

static int add_deed(void *ctx, const struct orl_audit_row *row)
{
    struct deed *deed = ctx;
    orl_msg_text(deed->text, sizeof(deed->text), row->detail);
    return 1;
}

static void assert_deed(const char *object, const char *wanted)
{
    struct deed deed = {.text = ""};
    const struct orl_audit_filter filter = {
            .object = object, .action = "user.change", .max_count = 1};
    assert_true(orl_audit_list(b.store, &filter, add_deed, &deed, NULL) >= 0);
    assert_string_equal(deed.text, wanted);
}

static void as_many_as_look_are_told_of_whatever_their_names(void **state)
{
    char name[65]; /* the longest */
    char id[ORL_ID_LEN + 1];
    char path[80];
    (void)state;
    come_again();
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (unsigned i = 1; i <= ORL_WATCHING_PER_SESSION; i++) {
        char body[200];
        char wanted[80];
        int status = 0;
        name[0] = (char)('a' + i);
        add_user(&b, name, NULL);
        set(name, "{\"role\":\"operator\",\"may_break_glass\":true,\"display\":\"One Who Looks At "
                  "All Of Them\"}");
        (void)snprintf(body, sizeof(body),
                "{\"why\":\"x\",\"break_glass\":true,\"watcher\":\"%s\"}", name);
        json_t *got = api(&b, "POST", session_path, body, &status);
        assert_int_equal(status, 201);
        orl_msg_text(id, sizeof(id), json_string_value(json_object_get(got, "id")));
        json_decref(got);
        struct orl_msg_consent notice = expect_consent(ORL_CONSENT_LOOKS);
        (void)snprintf(wanted, sizeof(wanted), "%u people look at your desktop", i);
        assert_non_null(strstr(notice.text, i < 2 ? "One Who Looks" : wanted));
        assert_non_null(strstr(notice.text, ", without having asked."));
    }
    (void)snprintf(path, sizeof(path), "/v1/watches/%s/end", id);
    api_ok(&b, "POST", path, "{}", 200);
    assert_non_null(strstr(expect_consent(ORL_CONSENT_LOOKS).text, "3 people look"));
    char object[sizeof(name) + 8];
    (void)snprintf(object, sizeof(object), "user:%s", name);
    assert_deed(object, "role=operator may_break_glass=true display");
    answer("", ORL_CONSENT_REFUSE);
    (void)expect_consent(ORL_CONSENT_LOOKS);
    (void)expect_consent(ORL_CONSENT_LOOKS);
    (void)expect_consent(ORL_CONSENT_NONE);
    answer("", ORL_CONSENT_REFUSE); /* nobody looks: that is what is said */
    (void)expect_consent(ORL_CONSENT_NONE);
}

static void a_ticket_is_for_one_browser_and_once(void **state)
{
    char id[ORL_ID_LEN + 1];
    (void)state;
    come_again();
    ask(&adam, GLASS, id);
    (void)expect_consent(ORL_CONSENT_LOOKS);
    char path[80];
    (void)snprintf(path, sizeof(path), "/v1/watches/%s/open", id);
    browse_error(&olga, "POST", path, "{}", 403, "not_allowed");
    api_ok(&b, "POST", path, "{}", 403); /* by uid: no browser */
    struct opened opened = open_watch(&adam, id);
    expect_refusal(&b, gw, browser_connect(&olga, gw, &opened), ORL_REASON_TICKET_INVALID);
    /* That one is burnt, also for whom it was made. */
    expect_refusal(&b, gw, browser_connect(&adam, gw, &opened), ORL_REASON_TICKET_INVALID);
    opened = open_watch(&adam, id);
    uint32_t conn = browser_connect(&adam, gw, &opened);
    (void)expect_plan(gw, conn, true);
    expect_refusal(&b, gw, browser_connect(&adam, gw, &opened), ORL_REASON_TICKET_INVALID);
    browse_error(&adam, "POST", path, "{}", 409, "conflict");
    browse_error(&adam, "POST", session_path, GLASS, 409, "exists");
    (void)snprintf(path, sizeof(path), "/v1/watches/%s/end", id);
    browse_ok(&adam, "POST", path, "{}");
    assert_int_equal(expect(gw, conn, ORL_MSG_CLOSE).u.close.reason, ORL_REASON_WATCH_ENDED);
    (void)expect_consent(ORL_CONSENT_NONE);
    await_watch(id, "ended", "watch.ended");
}

static void it_ends_with_the_persons_connection(void **state)
{
    char first[ORL_ID_LEN + 1];
    char second[ORL_ID_LEN + 1];
    (void)state;
    come_again();
    ask(&olga, WHY, first);
    (void)expect_consent(ORL_CONSENT_ASK);
    ask(&adam, GLASS, second); /* two at once; the question stays */
    assert_non_null(strstr(expect_consent(ORL_CONSENT_ASK).text, "Now: adam looks"));
    uint32_t conn = begin(&adam, second);
    send_close(gw, anna, ORL_REASON_CLIENT_CLOSED);
    assert_int_equal(expect(gw, conn, ORL_MSG_CLOSE).u.close.reason, ORL_REASON_WATCH_OVER);
    await_watch(first, "refused", "watch.session_over");
    await_watch(second, "ended", "watch.session_over");
    browse_error(&adam, "POST", session_path, GLASS, 409, "conflict"); /* nobody is there */
    enter();
}

static void it_ends_with_the_watchers_right_and_login(void **state)
{
    char id[ORL_ID_LEN + 1];
    (void)state;
    come_again();
    ask(&adam, GLASS, id);
    (void)expect_consent(ORL_CONSENT_LOOKS);
    uint32_t conn = begin(&adam, id);
    set("adam", "{\"may_break_glass\":false}");
    assert_int_equal(expect(gw, conn, ORL_MSG_CLOSE).u.close.reason, ORL_REASON_ACCESS_REVOKED);
    (void)expect_consent(ORL_CONSENT_NONE);
    await_watch(id, "ended", "access.revoked");
    set("adam", "{\"may_break_glass\":true}");
    ask(&adam, GLASS, id);
    (void)expect_consent(ORL_CONSENT_LOOKS);
    conn = begin(&adam, id);
    browse_ok(&adam, "POST", "/v1/logout", "{}");
    assert_int_equal(expect(gw, conn, ORL_MSG_CLOSE).u.close.reason, ORL_REASON_ACCESS_REVOKED);
    (void)expect_consent(ORL_CONSENT_NONE);
    await_watch(id, "ended", "access.revoked");
    adam = browser_at(&b, "10.4.0.1:1");
    browser_login(&adam, "adam");
    ask(&adam, GLASS, id);
    (void)expect_consent(ORL_CONSENT_LOOKS);
    conn = begin(&adam, id);
    set("adam", "{\"role\":\"viewer\"}");
    assert_int_equal(expect(gw, conn, ORL_MSG_CLOSE).u.close.reason, ORL_REASON_ACCESS_REVOKED);
    (void)expect_consent(ORL_CONSENT_NONE);
    set("adam", "{\"role\":\"operator\"}");
    adam = browser_at(&b, "10.4.0.1:1");
    browser_login(&adam, "adam");
}

static void who_has_no_browser_names_one_and_a_token_does_not_look(void **state)
{
    char request[1024];
    char answer_text[4096];
    char token[80];
    int status = 0;
    (void)state;
    come_again();
    api_ok(&b, "POST", session_path, WHY, 400); /* who? */
    api_ok(&b, "POST", session_path, "{\"why\":\"x\",\"watcher\":\"anna\"}", 403);
    api_ok(&b, "POST", session_path, "{\"why\":\"x\",\"watcher\":\"olga\",\"break_glass\":true}",
            403);
    browse_error(&olga, "POST", session_path, "{\"why\":\"x\",\"watcher\":\"adam\"}", 403,
            "not_allowed");
    json_t *made = api(&b, "POST", "/v1/tokens",
            "{\"user\":\"adam\",\"label\":\"t\",\"scope\":\"operator\"}", &status);
    assert_int_equal(status, 201);
    (void)snprintf(token, sizeof(token), "%s", json_string_value(json_object_get(made, "token")));
    json_decref(made);
    int len = snprintf(request, sizeof(request),
            "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\n"
            "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
            session_path, token, sizeof(GLASS) - 1, GLASS);
    assert_int_equal(api_exchange(&b, request, (size_t)len, answer_text, sizeof(answer_text)), 403);
    json_t *row = api(&b, "POST", session_path,
            "{\"why\":\"x\",\"watcher\":\"adam\",\"break_glass\":true}", &status);
    assert_int_equal(status, 201);
    const char *id = json_string_value(json_object_get(row, "id"));
    char url[200];
    (void)snprintf(url, sizeof(url), "https://portal.example/desktop/desk#watch=%s", id);
    assert_string_equal(json_string_value(json_object_get(row, "url")), url);
    (void)expect_consent(ORL_CONSENT_LOOKS);
    uint32_t conn = begin(&adam, id);
    send_close(gw, conn, ORL_REASON_CLIENT_CLOSED);
    (void)expect_consent(ORL_CONSENT_NONE);
    json_decref(row);
}

static void a_broker_that_died_leaves_nothing_open(void **state)
{
    char asked[ORL_ID_LEN + 1];
    char active[ORL_ID_LEN + 1];
    (void)state;
    come_again();
    ask(&olga, WHY, asked);
    (void)expect_consent(ORL_CONSENT_ASK);
    ask(&adam, GLASS, active);
    (void)expect_consent(ORL_CONSENT_ASK);
    uint32_t conn = begin(&adam, active);
    broker_kill(&b, SIGKILL);
    close(gw);
    broker_restart(&b);
    await_watch(asked, "refused", "broker_down");
    await_watch(active, "ended", "broker_down");
    gw = gateway_connect(&b);
    send_stats(gw, conn, plan.session); /* who looked would go on */
    (void)expect(gw, conn, ORL_MSG_CLOSE);
}

static void thumbnails_are_taken_where_the_pool_has_them(void **state)
{
    static const uint8_t jpeg[] = {0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3};
    (void)state;
    struct browser w = browser_at(&b, "10.5.0.1:1");
    browser_login(&w, "anna");
    enter();
    browse_error(&w, "GET", "/v1/me/desktops/desk/thumbnail", NULL, 404, "not_found");
    (void)expect(gw, anna, ORL_MSG_THUMB);
    send_thumb(gw, anna, plan.session, jpeg, sizeof(jpeg));
    char request[2048];
    char got[4096];
    int status = 0;
    size_t len = browser_request(
            &w, "GET", "/v1/me/desktops/desk/thumbnail", NULL, request, sizeof(request));
    for (int i = 0; i < 3000 && status != 200; i++) {
        status = api_exchange(&b, request, len, got, sizeof(got));
        usleep(10000);
    }
    assert_int_equal(status, 200);
    api_ok(&b, "PATCH", "/v1/pools/desk", "{\"thumbnails\":false}", 200);
    browse_error(&w, "GET", "/v1/me/desktops/desk/thumbnail", NULL, 404, "not_found");
    json_t *list = browse(&w, "GET", "/v1/me/desktops", NULL, 200);
    json_t *desktop = json_array_get(json_object_get(list, "desktops"), 0);
    assert_true(json_is_false(json_object_get(desktop, "has_thumbnail")));
    json_decref(list);
    /* Long enough for the next question, which does not come: only what was asked before the switch may be there. */
    struct orl_msg msg;
    struct orl_ipc_fds fds;
    for (int i = 0; i < 6; i++) {
        browse_error(&w, "GET", "/v1/me/desktops/desk/thumbnail", NULL, 404, "not_found");
        assert_int_equal(orl_ipc_recv(gw, 1000, &msg, &fds), ORL_E_TIMEOUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(with_consent_one_looks_and_each_step_is_audited),
            cmocka_unit_test(a_no_is_a_no_and_nobody_is_asked_all_the_time),
            cmocka_unit_test(break_glass_needs_the_right_and_a_reason_and_is_seen),
            cmocka_unit_test(who_is_looked_at_ends_it_at_the_portal_too),
            cmocka_unit_test(who_comes_by_another_gateway_is_told_where_to_go),
            cmocka_unit_test(as_many_as_look_are_told_of_whatever_their_names),
            cmocka_unit_test(a_ticket_is_for_one_browser_and_once),
            cmocka_unit_test(it_ends_with_the_persons_connection),
            cmocka_unit_test(it_ends_with_the_watchers_right_and_login),
            cmocka_unit_test(who_has_no_browser_names_one_and_a_token_does_not_look),
            cmocka_unit_test(a_broker_that_died_leaves_nothing_open),
            cmocka_unit_test(thumbnails_are_taken_where_the_pool_has_them),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
