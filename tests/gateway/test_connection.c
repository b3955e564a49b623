/* A connection with hostile and honest sessions, and a broker and consoles that only take notes. */
#include "base/clock.h"
#include "gateway/connection.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct notes {
    unsigned to_session[ORL_MSG_TYPE_COUNT];
    unsigned to_broker[ORL_MSG_TYPE_COUNT];
    struct orl_msg last_to_session, last_to_broker, last_to_web;
    unsigned to_web;
    unsigned wants, drops, kills, logins;
    uint64_t deadline_us;
    bool has_no_broker;
    struct orl_conn conn;
};

static void to_session(void *ctx, struct orl_conn *conn, const struct orl_msg *msg, int fd)
{
    struct notes *notes = ctx;
    (void)conn;
    (void)fd;
    notes->to_session[msg->type]++;
    notes->last_to_session = *msg;
}

static bool to_broker(void *ctx, const struct orl_msg *msg)
{
    struct notes *notes = ctx;
    if (notes->has_no_broker) {
        return false;
    }
    notes->to_broker[msg->type]++;
    notes->last_to_broker = *msg;
    return true;
}

static void want_console(void *ctx, struct orl_conn *conn)
{
    (void)conn;
    ((struct notes *)ctx)->wants++;
}

static void drop_console(void *ctx, struct orl_conn *conn)
{
    (void)conn;
    ((struct notes *)ctx)->drops++;
}

static void logged_in(void *ctx, struct orl_conn *conn)
{
    (void)conn;
    ((struct notes *)ctx)->logins++;
}

static void set_deadline(void *ctx, struct orl_conn *conn, uint64_t in_us)
{
    (void)conn;
    ((struct notes *)ctx)->deadline_us = in_us;
}

static void kill_session(void *ctx, struct orl_conn *conn)
{
    (void)conn;
    ((struct notes *)ctx)->kills++;
}

static void to_web(void *ctx, struct orl_conn *conn, const struct orl_msg *close)
{
    struct notes *notes = ctx;
    (void)conn;
    notes->to_web++;
    notes->last_to_web = *close;
}

static const struct orl_conn_ops ops = {.to_session = to_session,
        .to_broker = to_broker,
        .want_console = want_console,
        .drop_console = drop_console,
        .logged_in = logged_in,
        .set_deadline = set_deadline,
        .kill = kill_session,
        .to_web = to_web};

static void begin(struct notes *notes)
{
    const struct orl_prefix prefix = {.family = 4};
    *notes = (struct notes){.deadline_us = 1};
    orl_conn_init(&notes->conn, 42, "203.0.113.7:4711", &prefix, &ops, notes);
    orl_conn_on_started(&notes->conn);
}

static int send_type(struct notes *notes, unsigned type)
{
    struct orl_msg msg = {.type = (uint16_t)type};
    return orl_conn_on_session_msg(&notes->conn, &msg, 0);
}

static void broker_plan(struct notes *notes, bool is_ready, uint64_t version)
{
    struct orl_msg msg = {.type = ORL_MSG_PLAN, .conn = 42};
    msg.u.plan.is_ready = is_ready;
    (void)snprintf(msg.u.plan.session, sizeof(msg.u.plan.session), "the-session");
    (void)snprintf(msg.u.plan.desktop, sizeof(msg.u.plan.desktop), "the-desktop");
    msg.u.plan.version = version;
    orl_conn_on_broker_msg(&notes->conn, &msg);
}

static void broker_says(struct notes *notes, unsigned type)
{
    struct orl_msg msg = {.type = (uint16_t)type, .conn = 42};
    msg.u.close.reason = type == ORL_MSG_CLOSE ? ORL_REASON_AUTH_FAILED : 0;
    orl_conn_on_broker_msg(&notes->conn, &msg);
}

/* Brings a fresh connection to a state in the honest way. */
static void bring_to(struct notes *notes, enum orl_conn_state state)
{
    begin(notes);
    if (state >= ORL_CONN_LOGIN) {
        assert_int_equal(send_type(notes, ORL_MSG_LOGIN), 0);
    }
    if (state == ORL_CONN_WAITING) {
        broker_plan(notes, false, 0);
    }
    if (state >= ORL_CONN_ATTACHING) {
        broker_plan(notes, true, 1);
    }
    if (state == ORL_CONN_STREAMING) {
        orl_conn_on_link(&notes->conn, 1, 0);
    }
    if (state == ORL_CONN_CLOSING) {
        orl_conn_close(&notes->conn, ORL_REASON_SHUTDOWN, NULL, NULL);
    }
    assert_int_equal(notes->conn.state, state);
}

static void what_the_table_does_not_permit_kills(void **state)
{
    (void)state;
    for (int at = ORL_CONN_HANDSHAKE; at < ORL_CONN_STATE_COUNT; at++) {
        for (unsigned type = 0; type < ORL_MSG_TYPE_COUNT; type++) {
            struct notes notes;
            bring_to(&notes, (enum orl_conn_state)at);
            bool is_permitted = orl_request_is_permitted(
                    (enum orl_conn_state)at, type, 0, notes.conn.asked_with != 0);
            unsigned wants = notes.wants;
            notes.conn.thumbs_asked = 1; /* else it is not wanted, though permitted */
            notes.conn.consents_asked = 1;
            int code = send_type(&notes, type);
            assert_int_equal(code == 0, is_permitted);
            assert_int_equal(notes.kills, is_permitted ? 0 : 1);
            assert_int_equal(notes.wants, wants);
            assert_true(is_permitted || notes.conn.state == ORL_CONN_CLOSING);
            assert_int_equal(notes.to_session[ORL_MSG_HASH], 0);
        }
    }
}

static void only_the_broker_brings_hash_plan_and_console(void **state)
{
    (void)state;
    struct notes notes;
    begin(&notes);
    /* Before anything was asked, not even the broker's word leads anywhere. */
    broker_plan(&notes, true, 1);
    broker_says(&notes, ORL_MSG_HASH);
    assert_int_equal(notes.conn.state, ORL_CONN_HANDSHAKE);
    assert_int_equal(notes.wants, 0);
    assert_int_equal(notes.to_session[ORL_MSG_PLAN], 0);
    assert_int_equal(notes.to_session[ORL_MSG_HASH], 0);
}

static void a_login_never_gets_a_hash(void **state)
{
    (void)state;
    struct notes notes;
    bring_to(&notes, ORL_CONN_LOGIN);
    broker_says(&notes, ORL_MSG_HASH);
    assert_int_equal(notes.to_session[ORL_MSG_HASH], 0);
}

static void a_proof_gets_its_hash_once_and_no_plan_before(void **state)
{
    (void)state;
    struct notes notes;
    begin(&notes);
    assert_int_equal(send_type(&notes, ORL_MSG_PROOF), 0);
    broker_plan(&notes, true, 1);
    assert_int_equal(notes.wants, 0);
    assert_int_equal(notes.logins, 0);
    broker_says(&notes, ORL_MSG_HASH);
    broker_says(&notes, ORL_MSG_HASH);
    assert_int_equal(notes.to_session[ORL_MSG_HASH], 1);
    broker_plan(&notes, true, 1);
    assert_int_equal(notes.wants, 1);
    assert_int_equal(notes.logins, 1);
}

static void a_refused_proof_gets_nothing_but_the_reason(void **state)
{
    (void)state;
    struct notes notes;
    begin(&notes);
    assert_int_equal(send_type(&notes, ORL_MSG_PROOF), 0);
    broker_says(&notes, ORL_MSG_CLOSE);
    broker_says(&notes, ORL_MSG_HASH);
    broker_plan(&notes, true, 1);
    assert_int_equal(notes.to_session[ORL_MSG_HASH], 0);
    assert_int_equal(notes.to_session[ORL_MSG_PLAN], 0);
    assert_int_equal(notes.wants, 0);
    assert_int_equal(notes.last_to_session.u.close.reason, ORL_REASON_AUTH_FAILED);
    assert_int_equal(notes.to_broker[ORL_MSG_CLOSE], 0); /* it knows */
}

static void the_gateway_writes_who_the_client_is(void **state)
{
    (void)state;
    struct notes notes;
    struct orl_msg msg = {.type = ORL_MSG_LOGIN, .conn = 7};
    (void)snprintf(msg.u.login.client, sizeof(msg.u.login.client), "10.9.9.9:1");
    begin(&notes);
    assert_int_equal(orl_conn_on_session_msg(&notes.conn, &msg, 0), 0);
    assert_int_equal(notes.last_to_broker.conn, 42);
    assert_string_equal(notes.last_to_broker.u.login.client, "203.0.113.7:4711");

    struct orl_msg stats = {.type = ORL_MSG_STATS, .conn = 7};
    (void)snprintf(stats.u.stats.session, sizeof(stats.u.stats.session), "somebody-elses");
    broker_plan(&notes, true, 1);
    assert_int_equal(orl_conn_on_session_msg(&notes.conn, &stats, 0), 0);
    assert_int_equal(notes.last_to_broker.conn, 42);
    assert_string_equal(notes.last_to_broker.u.stats.session, "the-session");
}

static void the_deadline_ends_with_the_first_statistics(void **state)
{
    (void)state;
    struct notes notes;
    bring_to(&notes, ORL_CONN_STREAMING);
    assert_true(notes.deadline_us != 0);
    assert_int_equal(send_type(&notes, ORL_MSG_STATS), 0);
    assert_int_equal(notes.deadline_us, 0);
}

/* A queue for passwords is not the client's fault; after the answer it is its turn again. */
static void who_waits_for_the_broker_has_more_time(void **state)
{
    (void)state;
    struct notes notes;
    begin(&notes);
    assert_int_equal(send_type(&notes, ORL_MSG_LOGIN), 0);
    const uint64_t waiting_us = notes.deadline_us;
    assert_true(waiting_us > notes.conn.picture_us);
    broker_plan(&notes, false, 0);
    assert_int_equal(notes.deadline_us, notes.conn.picture_us);
}

static void a_flood_of_statistics_kills_before_it_fills_the_brokers_queue(void **state)
{
    (void)state;
    struct notes notes;
    bring_to(&notes, ORL_CONN_STREAMING);
    int code = 0;
    unsigned sent = 0;
    while (code == 0 && sent < 1000) {
        code = send_type(&notes, ORL_MSG_STATS);
        sent++;
    }
    assert_int_equal(code, ORL_E_PROTO);
    assert_int_equal(notes.kills, 1);
    assert_in_range(notes.to_broker[ORL_MSG_STATS], 1, 30);
    assert_int_equal(notes.conn.reason, ORL_REASON_SESSION_CRASHED);
}

static void what_was_counted_goes_to_the_broker_once(void **state)
{
    (void)state;
    struct notes notes;
    bring_to(&notes, ORL_CONN_STREAMING);
    struct orl_msg stats = {.type = ORL_MSG_STATS};
    stats.u.stats.frames = 7;
    stats.u.stats.since.frames = 7;
    stats.u.stats.since.counts[ORL_STATS_ACK][3] = 7;
    assert_int_equal(orl_conn_on_session_msg(&notes.conn, &stats, 0), 0);
    assert_int_equal(notes.last_to_broker.u.stats.since.counts[ORL_STATS_ACK][3], 7);
    orl_conn_announce(&notes.conn);
    assert_int_equal(notes.last_to_broker.u.stats.frames, 7);
    assert_int_equal(notes.last_to_broker.u.stats.since.frames, 0);
    assert_int_equal(notes.last_to_broker.u.stats.since.counts[ORL_STATS_ACK][3], 0);
}

static void a_look_at_the_statistics_reaches_the_session_once_it_is_logged_in(void **state)
{
    (void)state;
    struct notes notes;
    struct orl_msg watch = {.type = ORL_MSG_WATCH, .conn = 7};
    bring_to(&notes, ORL_CONN_LOGIN);
    orl_conn_on_broker_msg(&notes.conn, &watch);
    assert_int_equal(notes.to_session[ORL_MSG_WATCH], 0);
    bring_to(&notes, ORL_CONN_STREAMING);
    orl_conn_on_broker_msg(&notes.conn, &watch);
    assert_int_equal(notes.to_session[ORL_MSG_WATCH], 1);
    assert_int_equal(notes.last_to_session.conn, 0);
}

static void a_thumbnail_is_the_brokers_question_and_the_plans_session(void **state)
{
    (void)state;
    struct notes notes;
    struct orl_msg question = {.type = ORL_MSG_THUMB, .conn = 7};
    struct orl_msg answer = {.type = ORL_MSG_THUMB, .conn = 7, .u.thumb.data_len = 2};
    (void)snprintf(answer.u.thumb.session, sizeof(answer.u.thumb.session), "somebody-elses");
    bring_to(&notes, ORL_CONN_LOGIN);
    orl_conn_on_broker_msg(&notes.conn, &question);
    assert_int_equal(notes.to_session[ORL_MSG_THUMB], 0);
    bring_to(&notes, ORL_CONN_STREAMING);
    for (unsigned i = 0; i < 100; i++) { /* a notice is shown: no answer */
        orl_conn_on_broker_msg(&notes.conn, &question);
    }
    assert_int_equal(notes.to_session[ORL_MSG_THUMB], 100);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(orl_conn_on_session_msg(&notes.conn, &answer, 0), 0);
        assert_string_equal(notes.last_to_broker.u.thumb.session, "the-session");
        assert_int_equal(notes.last_to_broker.conn, 42);
    }
    assert_int_equal(orl_conn_on_session_msg(&notes.conn, &answer, 0), ORL_E_PROTO);
    assert_int_equal(notes.to_broker[ORL_MSG_THUMB], 4);
    assert_int_equal(notes.kills, 1);
}

static void a_consent_is_the_brokers_question_and_answered_as_often(void **state)
{
    (void)state;
    struct notes notes;
    struct orl_msg question = {.type = ORL_MSG_CONSENT, .conn = 7};
    struct orl_msg answer = {.type = ORL_MSG_CONSENT, .conn = 7, .u.consent.text = "more words"};
    bring_to(&notes, ORL_CONN_LOGIN);
    orl_conn_on_broker_msg(&notes.conn, &question);
    assert_int_equal(notes.to_session[ORL_MSG_CONSENT], 0);
    bring_to(&notes, ORL_CONN_STREAMING);
    orl_conn_on_broker_msg(&notes.conn, &question);
    assert_int_equal(notes.to_session[ORL_MSG_CONSENT], 1);
    assert_int_equal(orl_conn_on_session_msg(&notes.conn, &answer, 0), 0);
    assert_int_equal(notes.last_to_broker.conn, 42);
    assert_string_equal(notes.last_to_broker.u.consent.text, "");
    assert_int_equal(orl_conn_on_session_msg(&notes.conn, &answer, 0), ORL_E_PROTO);
    assert_int_equal(notes.to_broker[ORL_MSG_CONSENT], 1);
    assert_int_equal(notes.kills, 1);
}

/* Who goes on without a broker is at their own desktop. */
static void looking_ends_with_the_broker(void **state)
{
    (void)state;
    struct notes notes;
    bring_to(&notes, ORL_CONN_STREAMING);
    orl_conn_on_broker_down(&notes.conn);
    assert_int_equal(notes.conn.state, ORL_CONN_STREAMING);
    bring_to(&notes, ORL_CONN_STREAMING);
    notes.conn.plan.permit.is_view_only = 1;
    orl_conn_on_broker_down(&notes.conn);
    assert_int_equal(notes.conn.state, ORL_CONN_CLOSING);
    assert_int_equal(notes.conn.reason, ORL_REASON_BROKER_DOWN);
}

static void who_does_nothing_for_too_long_is_disconnected(void **state)
{
    (void)state;
    struct notes notes;
    bring_to(&notes, ORL_CONN_STREAMING);
    notes.conn.plan.max_idle_s = 60;
    assert_int_equal(send_type(&notes, ORL_MSG_STATS), 0);
    assert_int_equal(notes.conn.state, ORL_CONN_STREAMING);
    notes.conn.active_since_ms -= 61000;
    struct orl_msg busy = {.type = ORL_MSG_STATS};
    busy.u.stats.last_input_ms = orl_clock_wall_ms();
    assert_int_equal(orl_conn_on_session_msg(&notes.conn, &busy, 0), 0);
    assert_int_equal(notes.conn.state, ORL_CONN_STREAMING);
    assert_int_equal(send_type(&notes, ORL_MSG_STATS), 0);
    assert_int_equal(notes.conn.state, ORL_CONN_CLOSING);
    assert_int_equal(notes.conn.reason, ORL_REASON_DISCONNECT_TIMEOUT);
}

static void a_deadline_kills_and_tells_the_broker_once(void **state)
{
    (void)state;
    struct notes notes;
    bring_to(&notes, ORL_CONN_STREAMING);
    orl_conn_on_deadline(&notes.conn);
    orl_conn_on_exit(&notes.conn, false);
    assert_int_equal(notes.kills, 1);
    assert_int_equal(notes.drops, 1);
    assert_int_equal(notes.to_broker[ORL_MSG_CLOSE], 1);
    assert_int_equal(notes.last_to_broker.u.close.reason, ORL_REASON_HANDSHAKE_TIMEOUT);
}

static void a_crash_is_told_and_drops_the_console(void **state)
{
    (void)state;
    struct notes notes;
    bring_to(&notes, ORL_CONN_STREAMING);
    orl_conn_on_exit(&notes.conn, false);
    assert_int_equal(notes.drops, 1);
    assert_int_equal(notes.to_broker[ORL_MSG_CLOSE], 1);
    assert_int_equal(notes.last_to_broker.u.close.reason, ORL_REASON_SESSION_CRASHED);
}

static void without_a_broker_a_login_is_refused_and_others_go_on(void **state)
{
    (void)state;
    struct notes notes;
    begin(&notes);
    notes.has_no_broker = true;
    assert_int_equal(send_type(&notes, ORL_MSG_LOGIN), 0);
    assert_int_equal(notes.last_to_session.u.close.reason, ORL_REASON_BROKER_DOWN);

    bring_to(&notes, ORL_CONN_LOGIN);
    orl_conn_on_broker_down(&notes.conn);
    assert_int_equal(notes.conn.state, ORL_CONN_CLOSING);

    bring_to(&notes, ORL_CONN_STREAMING);
    orl_conn_on_broker_down(&notes.conn);
    assert_int_equal(notes.conn.state, ORL_CONN_STREAMING);
    orl_conn_announce(&notes.conn);
    assert_int_equal(notes.to_broker[ORL_MSG_STATS], 1);
    assert_string_equal(notes.last_to_broker.u.stats.session, "the-session");
}

static void another_desktop_drops_the_first_console(void **state)
{
    (void)state;
    struct notes notes;
    bring_to(&notes, ORL_CONN_STREAMING);
    broker_plan(&notes, true, 1);
    assert_int_equal(notes.wants, 1); /* the same one: nothing to do */
    broker_plan(&notes, true, 2);
    assert_int_equal(notes.drops, 1);
    assert_int_equal(notes.wants, 2);
    broker_plan(&notes, false, 0);
    assert_int_equal(notes.drops, 2);
    assert_int_equal(notes.conn.state, ORL_CONN_WAITING);
}

static void a_lost_console_becomes_a_notice_and_a_new_link_streams_again(void **state)
{
    (void)state;
    struct notes notes;
    bring_to(&notes, ORL_CONN_STREAMING);
    orl_conn_on_console_notice(&notes.conn, ORL_REASON_CONSOLE_LOST, "");
    assert_int_equal(notes.conn.state, ORL_CONN_ATTACHING);
    assert_int_equal(notes.last_to_session.u.notice.reason, ORL_REASON_CONSOLE_LOST);
    assert_true(notes.last_to_session.u.notice.text[0] != '\0');
    orl_conn_on_link(&notes.conn, 2, 0);
    assert_int_equal(notes.conn.state, ORL_CONN_STREAMING);
    assert_int_equal(notes.last_to_session.type, ORL_MSG_SURFACE);
}

static const struct orl_msg_web ticket = {.client = "203.0.113.7:4711",
        .ticket = "t-0123456789abcdef",
        .password = "ticketspassword2",
        .binding = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};

static void who_a_browser_is_the_gateway_says_and_not_its_session(void **state)
{
    (void)state;
    struct notes notes;
    struct orl_msg msg = {.type = ORL_MSG_LOGIN};
    begin(&notes);
    orl_conn_set_web(&notes.conn, &ticket);
    msg.u.login.protocol = ORL_PROTOCOL_RDP;
    orl_msg_text(msg.u.login.user, sizeof(msg.u.login.user), "root");
    orl_msg_text(msg.u.login.domain, sizeof(msg.u.login.domain), "elsewhere");
    orl_msg_text(msg.u.login.pool, sizeof(msg.u.login.pool), "other");
    orl_msg_text(msg.u.login.password, sizeof(msg.u.login.password), "guess");
    assert_int_equal(orl_conn_on_session_msg(&notes.conn, &msg, 0), 0);
    const struct orl_msg_login *login = &notes.last_to_broker.u.login;
    assert_int_equal(login->protocol, ORL_PROTOCOL_VNC);
    assert_string_equal(login->user, ticket.ticket);
    assert_string_equal(login->password, ticket.password);
    assert_string_equal(login->binding, ticket.binding);
    assert_string_equal(login->client, "203.0.113.7:4711");
    assert_string_equal(login->domain, "");
    assert_string_equal(login->pool, "");
    assert_string_equal(notes.conn.web.password, ""); /* wiped */
}

static void no_other_client_can_claim_a_binding(void **state)
{
    (void)state;
    struct notes notes;
    struct orl_msg msg = {.type = ORL_MSG_LOGIN};
    begin(&notes);
    orl_msg_text(msg.u.login.binding, sizeof(msg.u.login.binding), ticket.binding);
    assert_int_equal(orl_conn_on_session_msg(&notes.conn, &msg, 0), 0);
    assert_string_equal(notes.last_to_broker.u.login.binding, "");
}

static void a_browsers_session_may_send_no_proof(void **state)
{
    (void)state;
    struct notes notes;
    begin(&notes);
    orl_conn_set_web(&notes.conn, &ticket);
    assert_true(send_type(&notes, ORL_MSG_PROOF) < 0);
    assert_int_equal(notes.to_broker[ORL_MSG_PROOF], 0);
    assert_int_equal(notes.kills, 1);
}

static void a_browser_hears_why_it_is_over_once(void **state)
{
    (void)state;
    struct notes notes;
    struct orl_msg msg = {.type = ORL_MSG_CLOSE, .conn = 42};
    begin(&notes);
    orl_conn_set_web(&notes.conn, &ticket);
    assert_int_equal(send_type(&notes, ORL_MSG_LOGIN), 0);
    msg.u.close.reason = ORL_REASON_ACCESS_REVOKED;
    orl_msg_text(msg.u.close.audit, sizeof(msg.u.close.audit), "00112233445566778899aabbccddeeff");
    orl_conn_on_broker_msg(&notes.conn, &msg);
    orl_conn_on_exit(&notes.conn, true);
    assert_int_equal(notes.to_web, 1);
    assert_int_equal(notes.last_to_web.u.close.reason, ORL_REASON_ACCESS_REVOKED);
    assert_string_equal(notes.last_to_web.u.close.audit, "00112233445566778899aabbccddeeff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_the_table_does_not_permit_kills),
            cmocka_unit_test(only_the_broker_brings_hash_plan_and_console),
            cmocka_unit_test(a_login_never_gets_a_hash),
            cmocka_unit_test(a_proof_gets_its_hash_once_and_no_plan_before),
            cmocka_unit_test(a_refused_proof_gets_nothing_but_the_reason),
            cmocka_unit_test(the_gateway_writes_who_the_client_is),
            cmocka_unit_test(the_deadline_ends_with_the_first_statistics),
            cmocka_unit_test(who_waits_for_the_broker_has_more_time),
            cmocka_unit_test(a_flood_of_statistics_kills_before_it_fills_the_brokers_queue),
            cmocka_unit_test(what_was_counted_goes_to_the_broker_once),
            cmocka_unit_test(a_look_at_the_statistics_reaches_the_session_once_it_is_logged_in),
            cmocka_unit_test(a_thumbnail_is_the_brokers_question_and_the_plans_session),
            cmocka_unit_test(a_consent_is_the_brokers_question_and_answered_as_often),
            cmocka_unit_test(looking_ends_with_the_broker),
            cmocka_unit_test(who_does_nothing_for_too_long_is_disconnected),
            cmocka_unit_test(a_deadline_kills_and_tells_the_broker_once),
            cmocka_unit_test(a_crash_is_told_and_drops_the_console),
            cmocka_unit_test(without_a_broker_a_login_is_refused_and_others_go_on),
            cmocka_unit_test(another_desktop_drops_the_first_console),
            cmocka_unit_test(a_lost_console_becomes_a_notice_and_a_new_link_streams_again),
            cmocka_unit_test(who_a_browser_is_the_gateway_says_and_not_its_session),
            cmocka_unit_test(no_other_client_can_claim_a_binding),
            cmocka_unit_test(a_browsers_session_may_send_no_proof),
            cmocka_unit_test(a_browser_hears_why_it_is_over_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
