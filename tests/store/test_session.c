#include "store/session.h"

#include "store/pool.h"
#include "store/ticket.h"
#include "tests/store/store_fixture.h"
#include <stdio.h>
#include <string.h>

static void one_live_session_per_person_and_pool(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_wait(f, "alice", "demo", 1);
    struct orl_session_row again = {.user = "alice", .pool = "demo"};
    assert_int_equal(orl_session_insert(f->store, &again, 1, 1, NULL, &f->err), ORL_E_EXISTS);
    assert_ok(f, orl_session_end(f->store, id.text, ORL_REASON_LOGGED_OFF, "broker", 2, &f->err));
    (void)fixture_wait(f, "alice", "demo", 2);
    (void)fixture_wait(f, "alice", "own", 3);
}

static void a_claim_binds_both_rows(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_wait(f, "alice", "demo", 1);
    struct orl_desktop_row desktop;
    assert_int_equal(
            orl_session_claim(f->store, id.text, f->now_ms, &desktop, &f->err), ORL_E_NOTFOUND);
    assert_int_equal(orl_session_count_waiting(f->store, "demo", &f->err), 1);
    struct orl_id spare = fixture_ready_desktop(f, "demo");
    assert_ok(f, orl_session_claim(f->store, id.text, f->now_ms, &desktop, &f->err));
    assert_string_equal(desktop.id, spare.text);
    struct orl_session_row row = fixture_session(f, id.text);
    assert_string_equal(row.desktop, spare.text);
    assert_int_equal(row.desktop_version, 2);
    assert_int_equal(row.state, ORL_SESSION_WAITING);
    assert_string_equal(fixture_desktop(f, spare.text).session, id.text);
    assert_int_equal(orl_session_count_waiting(f->store, "demo", &f->err), 0);
    assert_int_equal(
            orl_session_claim(f->store, id.text, f->now_ms, &desktop, &f->err), ORL_E_CONFLICT);
    assert_ok(f, orl_store_check(f->store, &f->err));
}

static void disconnect_and_reconnect_keep_desktop_and_version(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_active(f, "alice", "demo");
    struct orl_session_row before = fixture_session(f, id.text);
    assert_int_equal(fixture_desktop(f, before.desktop).lease, ORL_LEASE_IN_USE);
    assert_ok(f, orl_session_disconnect(
                         f->store, id.text, 7, ORL_REASON_CLIENT_CLOSED, ++f->now_ms, &f->err));
    assert_int_equal(fixture_desktop(f, before.desktop).lease, ORL_LEASE_DISCONNECTED);
    struct orl_session_row found;
    assert_ok(f, orl_session_find(f->store, "alice", "demo", &found, &f->err));
    assert_string_equal(found.id, id.text);
    assert_int_equal(found.conn, 0);
    found.conn = 8;
    assert_ok(f, orl_session_attach(f->store, &found, f->now_ms + 9000, &f->err));
    assert_ok(f, orl_session_activate(f->store, id.text, f->now_ms + 9000, f->now_ms, &f->err));
    struct orl_session_row after = fixture_session(f, id.text);
    assert_string_equal(after.desktop, before.desktop);
    assert_int_equal(after.desktop_version, before.desktop_version);
    assert_int_equal(after.state, ORL_SESSION_ACTIVE);
    assert_ok(f, orl_session_find_conn(f->store, "g", 8, &found, &f->err));
    assert_string_equal(found.id, id.text);
    assert_ok(f, orl_store_check(f->store, &f->err));
}

static void a_late_close_of_an_old_connection_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_active(f, "alice", "demo");
    struct orl_session_row row = fixture_session(f, id.text);
    row.conn = 8;
    assert_ok(f, orl_session_attach(f->store, &row, f->now_ms + 9000, &f->err));
    assert_int_equal(orl_session_disconnect(
                             f->store, id.text, 7, ORL_REASON_CLIENT_CLOSED, f->now_ms, &f->err),
            ORL_E_CONFLICT);
    assert_int_equal(fixture_session(f, id.text).state, ORL_SESSION_ACTIVE);
}

static void the_end_of_a_floating_one_destroys(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_active(f, "alice", "demo");
    struct orl_session_row row = fixture_session(f, id.text);
    assert_ok(f, orl_session_end(
                         f->store, id.text, ORL_REASON_LOGGED_OFF, "broker", f->now_ms, &f->err));
    struct orl_desktop_row desktop = fixture_desktop(f, row.desktop);
    assert_int_equal(desktop.lease, ORL_LEASE_ENDING);
    assert_int_equal(desktop.want, ORL_WANT_DELETE);
    assert_int_equal(desktop.version, row.desktop_version + 1);
    assert_string_equal(desktop.session, "");
    row = fixture_session(f, id.text);
    assert_int_equal(row.state, ORL_SESSION_ENDED);
    assert_int_equal(row.reason, ORL_REASON_LOGGED_OFF);
    uint64_t rows = fixture_number(f, "SELECT count(*) FROM audit");
    assert_ok(f,
            orl_session_end(f->store, id.text, ORL_REASON_INTERNAL, "broker", f->now_ms, &f->err));
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM audit"), rows);
    assert_int_equal(orl_session_prune(f->store, f->now_ms, 9, &f->err), 0);
    assert_int_equal(orl_session_prune(f->store, f->now_ms + 1, 9, &f->err), 1);
    assert_ok(f, orl_store_check(f->store, &f->err));
}

static void the_end_of_a_dedicated_one_stops(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_active(f, "alice", "own");
    struct orl_session_row row = fixture_session(f, id.text);
    assert_ok(f, orl_session_end(
                         f->store, id.text, ORL_REASON_LOGGED_OFF, "broker", f->now_ms, &f->err));
    struct orl_desktop_row desktop = fixture_desktop(f, row.desktop);
    assert_int_equal(desktop.lease, ORL_LEASE_ENDING);
    assert_int_equal(desktop.want, ORL_WANT_STOP);
    assert_string_equal(desktop.user, "alice");
}

static void the_end_of_a_static_one_frees(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_active(f, "alice", "desks");
    struct orl_session_row row = fixture_session(f, id.text);
    assert_ok(f, orl_session_end(
                         f->store, id.text, ORL_REASON_LOGGED_OFF, "broker", f->now_ms, &f->err));
    struct orl_desktop_row desktop = fixture_desktop(f, row.desktop);
    assert_int_equal(desktop.lease, ORL_LEASE_FREE);
    assert_string_equal(desktop.user, "");
    assert_true(desktop.version > row.desktop_version);
    struct orl_id next = fixture_wait(f, "bob", "desks", 9);
    assert_ok(f, orl_session_claim(f->store, next.text, f->now_ms, &desktop, &f->err));
    assert_string_equal(desktop.id, row.desktop);
}

static void an_end_is_untold_until_its_connection_was_told(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_active(f, "alice", "desks");
    uint64_t end_ms = ++f->now_ms;
    assert_int_equal(orl_session_is_untold(f->store, "desks", "bob", 0, &f->err), 0);
    assert_ok(f,
            orl_session_end(f->store, id.text, ORL_REASON_LOGGED_OFF, "broker", end_ms, &f->err));
    struct orl_session_row row = fixture_session(f, id.text);
    assert_int_equal(orl_session_is_untold(f->store, "desks", "bob", end_ms, &f->err), 1);
    assert_int_equal(orl_session_is_untold(f->store, "desks", "alice", 0, &f->err), 0);
    assert_int_equal(orl_session_is_untold(f->store, "own", "bob", 0, &f->err), 0);
    assert_int_equal(orl_session_is_untold(f->store, "desks", "bob", end_ms + 1, &f->err), 0);
    assert_ok(f, orl_session_told(f->store, id.text, row.gateway, row.conn + 1, &f->err));
    assert_ok(f, orl_session_told(f->store, id.text, "another", row.conn, &f->err));
    assert_int_equal(orl_session_is_untold(f->store, "desks", "bob", 0, &f->err), 1);
    assert_ok(f, orl_session_told(f->store, id.text, row.gateway, row.conn, &f->err));
    assert_int_equal(orl_session_is_untold(f->store, "desks", "bob", 0, &f->err), 0);
    /* Who was not there has nobody to tell. */
    id = fixture_active(f, "alice", "desks");
    assert_ok(f, orl_session_disconnect(
                         f->store, id.text, 0, ORL_REASON_CLIENT_CLOSED, ++f->now_ms, &f->err));
    assert_ok(f, orl_session_end(
                         f->store, id.text, ORL_REASON_LOGGED_OFF, "broker", ++f->now_ms, &f->err));
    assert_int_equal(orl_session_is_untold(f->store, "desks", "bob", 0, &f->err), 0);
}

static void a_dedicated_desktop_that_is_off_keeps_its_session_waiting(void **state)
{
    struct fixture *f = *state;
    struct orl_desktop_row off = {.pool = "own",
            .user = "alice",
            .lease = ORL_LEASE_ASSIGNED,
            .power = ORL_POWER_STOPPED};
    struct orl_id desktop_id;
    assert_ok(f, orl_desktop_insert(f->store, &off, "vmpool", 1, &desktop_id, &f->err));
    struct orl_id id = fixture_wait(f, "alice", "own", 1);
    struct orl_desktop_row desktop;
    assert_ok(f, orl_session_claim(f->store, id.text, f->now_ms, &desktop, &f->err));
    assert_int_equal(
            orl_session_activate(f->store, id.text, 1, f->now_ms, &f->err), ORL_E_CONFLICT);
    fixture_power(f, desktop_id.text, ORL_POWER_STARTING);
    fixture_power(f, desktop_id.text, ORL_POWER_RUNNING);
    assert_ok(f, orl_session_activate(f->store, id.text, 1, f->now_ms, &f->err));
    assert_int_equal(fixture_desktop(f, desktop_id.text).lease, ORL_LEASE_IN_USE);
}

static void an_expired_lease_is_a_disconnected_session(void **state)
{
    struct fixture *f = *state;
    struct orl_id active = fixture_active(f, "alice", "demo");
    struct orl_id waiting = fixture_wait(f, "bob", "demo", 9);
    uint64_t lease_ms = fixture_session(f, active.text).lease_until_ms;
    assert_int_equal(orl_session_expire(f->store, 10, lease_ms, &f->err), 0);
    assert_ok(f, orl_session_renew(f->store, active.text, lease_ms + 60000, "{\"a\":1}", &f->err));
    assert_int_equal(orl_session_expire(f->store, 10, lease_ms + 50000, &f->err), 1);
    assert_int_equal(fixture_session(f, waiting.text).state, ORL_SESSION_ENDED);
    assert_int_equal(fixture_session(f, active.text).state, ORL_SESSION_ACTIVE);
    assert_int_equal(orl_session_expire(f->store, 10, lease_ms + 60001, &f->err), 1);
    struct orl_session_row row = fixture_session(f, active.text);
    assert_int_equal(row.state, ORL_SESSION_DISCONNECTED);
    assert_string_equal(row.stats, "{\"a\":1}");
    assert_int_equal(orl_session_renew(f->store, active.text, 1, NULL, &f->err), ORL_E_CONFLICT);
    assert_ok(f, orl_store_check(f->store, &f->err));
}

/* As many as fit into one statement; some of them are over, one is nobody's. */
static void leases_are_renewed_together(void **state)
{
    struct fixture *f = *state;
    struct orl_session_renewal renewals[ORL_SESSION_RENEWALS_MAX];
    struct orl_id ids[ORL_SESSION_RENEWALS_MAX];
    const size_t count = ORL_SESSION_RENEWALS_MAX;
    char user[16];
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(user, sizeof(user), "u%zu", i);
        ids[i] = fixture_wait(f, user, "demo", (uint32_t)i + 1);
        renewals[i] = (struct orl_session_renewal){
                .id = ids[i].text, .stats = i % 2 == 0 ? "{\"a\":1}" : ""};
    }
    uint64_t until_ms = fixture_session(f, ids[0].text).lease_until_ms + 60000;
    assert_ok(f, orl_session_renew(f->store, ids[3].text, 1, "{\"b\":2}", &f->err));
    assert_ok(f, orl_session_end(
                         f->store, ids[5].text, ORL_REASON_LOGGED_OFF, "u5", f->now_ms, &f->err));
    const uint64_t before_ms = fixture_session(f, ids[7].text).lease_until_ms;
    renewals[7].id = "00000000000000000000000000000000";
    assert_ok(f, orl_session_renew_all(f->store, renewals, count, until_ms, &f->err));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(renewals[i].is_lost, i == 5 || i == 7);
    }
    assert_int_equal(fixture_session(f, ids[127].text).lease_until_ms, until_ms);
    assert_int_equal(fixture_session(f, ids[7].text).lease_until_ms, before_ms);
    assert_string_equal(fixture_session(f, ids[2].text).stats, "{\"a\":1}");
    assert_string_equal(fixture_session(f, ids[3].text).stats, "{\"b\":2}");
    assert_ok(f, orl_session_renew_all(f->store, renewals, 0, until_ms, &f->err));
    assert_int_equal(
            orl_session_renew_all(f->store, renewals, count + 1, until_ms, &f->err), ORL_E_LIMIT);
}

static void the_disconnect_timeout_ends(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_active(f, "alice", "demo");
    uint64_t at_ms = ++f->now_ms;
    assert_ok(f,
            orl_session_disconnect(f->store, id.text, 0, ORL_REASON_CLIENT_CLOSED, at_ms, &f->err));
    assert_int_equal(orl_session_reap(f->store, 10, at_ms + 59999, &f->err), 0);
    assert_int_equal(orl_session_reap(f->store, 10, at_ms + 60000, &f->err), 1);
    assert_int_equal(fixture_session(f, id.text).reason, ORL_REASON_DISCONNECT_TIMEOUT);
}

static void a_pool_without_timeout_keeps_them(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_active(f, "alice", "desks");
    assert_ok(f, orl_session_disconnect(
                         f->store, id.text, 0, ORL_REASON_CLIENT_CLOSED, f->now_ms, &f->err));
    assert_int_equal(orl_session_reap(f->store, 10, f->now_ms + 86400000, &f->err), 0);
}

static void a_claim_whose_caller_died_is_recycled(void **state)
{
    struct fixture *f = *state;
    struct orl_id spare = fixture_ready_desktop(f, "demo");
    struct orl_desktop_claim claim = {.pool = "demo", .user = "alice"};
    struct orl_desktop_row desktop;
    assert_ok(f, orl_desktop_claim(f->store, &claim, f->now_ms, &desktop, &f->err));
    assert_int_equal(orl_session_reap(f->store, 10, f->now_ms, &f->err), 0);
    assert_int_equal(fixture_desktop(f, spare.text).lease, ORL_LEASE_ENDING);
}

static void a_lease_moves_only_with_its_session(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_active(f, "alice", "demo");
    struct orl_session_row row = fixture_session(f, id.text);
    struct orl_desktop_move move = {
            .id = row.desktop, .version = row.desktop_version, .lease = ORL_LEASE_ENDING};
    assert_int_equal(orl_desktop_move(f->store, &move, 1, NULL, &f->err), ORL_E_DENIED);
}

struct order {
    char users[4][ORL_ID_LEN + 1]; /* or ids */
    unsigned count;
};

static int note_user(void *ctx, const struct orl_session_row *row)
{
    struct order *order = ctx;
    orl_msg_text(order->users[order->count++], sizeof(order->users[0]), row->user);
    return 0;
}

static int note_waiter(void *ctx, const struct orl_session_waiter *row)
{
    struct order *order = ctx;
    orl_msg_text(order->users[order->count++], sizeof(order->users[0]), row->id);
    return 0;
}

static void the_line_is_in_the_order_of_waiting(void **state)
{
    struct fixture *f = *state;
    struct orl_session_row row;
    struct orl_id carol = fixture_wait(f, "carol", "demo", 1);
    struct orl_id alice = fixture_wait(f, "alice", "demo", 2);
    struct orl_id bob = fixture_wait(f, "bob", "own", 3);
    struct order order = {.count = 0};
    assert_ok(f, orl_session_line(f->store, note_waiter, &order, &f->err));
    assert_int_equal(order.count, 3);
    assert_string_equal(order.users[0], carol.text);
    assert_string_equal(order.users[1], alice.text);
    assert_string_equal(order.users[2], bob.text);
    assert_ok(f, orl_session_get(f->store, alice.text, &row, &f->err));
    assert_int_equal(orl_session_count_ahead(f->store, &row, 0, &f->err), 1);
    assert_int_equal(orl_session_count_ahead(f->store, &row, f->now_ms + 60000, &f->err), 0);
    assert_ok(f, orl_session_get(f->store, bob.text, &row, &f->err));
    assert_int_equal(orl_session_count_ahead(f->store, &row, 0, &f->err), 0);
    order.count = 0;
    assert_ok(f, orl_session_live(f->store, note_waiter, &order, &f->err));
    assert_int_equal(order.count, 3);
    order.count = 0;
    assert_ok(f, orl_session_stranded(f->store, 10, note_waiter, &order, &f->err));
    assert_ok(f, orl_session_startable(f->store, 10, note_waiter, &order, &f->err));
    assert_int_equal(order.count, 0);
    assert_int_equal(orl_session_count_waiting(f->store, "demo", &f->err), 2);
    struct orl_session_filter filter = {.pool = "demo", .is_live = true, .page.max_count = 1};
    order.count = 0;
    assert_ok(f, orl_session_list(f->store, &filter, note_user, &order, &f->err));
    assert_int_equal(order.count, 1);
    assert_string_equal(order.users[0], "alice");
}

/* Theirs is to be theirs again: nobody's place in the queue depends on it, and nothing but it is for them. */
static void who_waits_for_their_own_is_in_no_queue(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_active(f, "alice", "own");
    struct orl_desktop_row desktop = fixture_desktop(f, fixture_session(f, id.text).desktop);
    assert_ok(f, orl_session_end(
                         f->store, id.text, ORL_REASON_LOGGED_OFF, "broker", f->now_ms, &f->err));
    struct orl_id alice = fixture_wait(f, "alice", "own", 1);
    struct orl_id bob = fixture_wait(f, "bob", "own", 2);
    struct orl_session_row row = fixture_session(f, bob.text);
    struct order order = {.count = 0};
    assert_ok(f, orl_session_line(f->store, note_waiter, &order, &f->err));
    assert_int_equal(order.count, 1);
    assert_string_equal(order.users[0], bob.text);
    assert_int_equal(orl_session_count_ahead(f->store, &row, 0, &f->err), 0);
    order.count = 0;
    assert_ok(f, orl_session_startable(f->store, 10, note_waiter, &order, &f->err));
    assert_int_equal(order.count, 0); /* it is still ending */
    fixture_power(f, desktop.id, ORL_POWER_STOPPED);
    struct orl_desktop_move again = {.id = desktop.id,
            .version = fixture_desktop(f, desktop.id).version,
            .lease = ORL_LEASE_ASSIGNED,
            .actor = "vmpool"};
    assert_ok(f, orl_desktop_move(f->store, &again, ++f->now_ms, NULL, &f->err));
    assert_ok(f,
            orl_desktop_set_maintenance(f->store, desktop.id, true, "test", ++f->now_ms, &f->err));
    assert_ok(f, orl_session_startable(f->store, 10, note_waiter, &order, &f->err));
    assert_int_equal(order.count, 0);
    assert_int_equal(orl_session_count_ahead(f->store, &row, 0, &f->err), 0);
    assert_ok(f,
            orl_desktop_set_maintenance(f->store, desktop.id, false, "test", ++f->now_ms, &f->err));
    assert_ok(f, orl_session_startable(f->store, 10, note_waiter, &order, &f->err));
    assert_int_equal(order.count, 1);
    assert_string_equal(order.users[0], alice.text);
    assert_ok(f, orl_session_claim(f->store, alice.text, ++f->now_ms, &desktop, &f->err));
    order.count = 0;
    assert_ok(f, orl_session_startable(f->store, 10, note_waiter, &order, &f->err));
    assert_int_equal(order.count, 0); /* it is off */
}

static void a_ticket_enters_once_and_reenters_its_session(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_active(f, "alice", "demo");
    struct orl_ticket_row ticket = {.id = "t-0123456789abcdef",
            .secret = "sealed",
            .user = "alice",
            .pool = "demo",
            .first_use_by_ms = f->now_ms + 300000};
    assert_ok(f, orl_ticket_insert(f->store, &ticket, f->now_ms, &f->err));
    assert_int_equal(orl_ticket_insert(f->store, &ticket, 1, &f->err), ORL_E_EXISTS);
    struct orl_id other = fixture_wait(f, "bob", "demo", 3);
    assert_int_equal(
            orl_ticket_use(f->store, ticket.id, other.text, f->now_ms, &f->err), ORL_E_DENIED);
    assert_int_equal(orl_ticket_use(f->store, ticket.id, id.text, f->now_ms + 300001, &f->err),
            ORL_E_DENIED);
    assert_ok(f, orl_ticket_use(f->store, ticket.id, id.text, f->now_ms, &f->err));
    /* Long after: automatic reconnect. */
    assert_ok(f, orl_ticket_use(f->store, ticket.id, id.text, f->now_ms + 900000, &f->err));
    assert_int_equal(
            orl_ticket_use(f->store, ticket.id, other.text, f->now_ms, &f->err), ORL_E_DENIED);
    assert_ok(f, orl_session_end(
                         f->store, id.text, ORL_REASON_LOGGED_OFF, "broker", f->now_ms, &f->err));
    assert_int_equal(
            orl_ticket_use(f->store, ticket.id, id.text, f->now_ms, &f->err), ORL_E_DENIED);
    assert_ok(f, orl_ticket_get(f->store, ticket.id, &ticket, &f->err));
    assert_true(ticket.revoked_ms != 0);
    assert_int_equal(orl_ticket_prune(f->store, f->now_ms + 1, &f->err), 1);
    assert_int_equal(
            orl_ticket_use(f->store, ticket.id, id.text, f->now_ms, &f->err), ORL_E_NOTFOUND);
}

static void failures_revoke_a_ticket(void **state)
{
    struct fixture *f = *state;
    struct orl_ticket_row ticket = {.id = "t-0123456789abcdef",
            .user = "alice",
            .pool = "demo",
            .first_use_by_ms = f->now_ms + 300000};
    assert_ok(f, orl_ticket_insert(f->store, &ticket, f->now_ms, &f->err));
    uint32_t failures = 0;
    assert_ok(f, orl_ticket_fail(f->store, ticket.id, 2, f->now_ms, &failures, &f->err));
    assert_int_equal(failures, 1);
    assert_ok(f, orl_ticket_get(f->store, ticket.id, &ticket, &f->err));
    assert_int_equal(ticket.revoked_ms, 0);
    assert_ok(f, orl_ticket_fail(f->store, ticket.id, 2, f->now_ms, &failures, &f->err));
    assert_ok(f, orl_ticket_get(f->store, ticket.id, &ticket, &f->err));
    assert_int_equal(ticket.revoked_ms, f->now_ms);
    assert_ok(f, orl_ticket_revoke(f->store, ticket.id, f->now_ms + 5, &f->err));
    assert_ok(f, orl_ticket_get(f->store, ticket.id, &ticket, &f->err));
    assert_int_equal(ticket.revoked_ms, f->now_ms);
    assert_int_equal(orl_ticket_revoke(f->store, "t-", 1, &f->err), ORL_E_NOTFOUND);
}

/* An hour and a day, there and back: leases, tickets and waits end when they would have. */
static void a_clock_that_is_set_ends_and_keeps_nothing(void **state)
{
    static const int64_t jumps_ms[] = {3600000, -3600000, 86400000, -86400000};
    struct fixture *f = *state;
    f->now_ms += UINT64_C(1700000000000);
    struct orl_id here = fixture_active(f, "alice", "demo");
    struct orl_id away = fixture_active(f, "bob", "demo");
    struct orl_ticket_row ticket = {.id = "t-0123456789abcdef",
            .secret = "s",
            .user = "alice",
            .pool = "demo",
            .first_use_by_ms = f->now_ms + 60000};
    assert_ok(f, orl_ticket_insert(f->store, &ticket, f->now_ms, &f->err));
    assert_ok(f, orl_session_disconnect(
                         f->store, away.text, 7, ORL_REASON_CLIENT_CLOSED, f->now_ms, &f->err));
    struct orl_session_row before = fixture_session(f, here.text);
    for (size_t i = 0; i < sizeof(jumps_ms) / sizeof(jumps_ms[0]); i++) {
        f->now_ms = (uint64_t)((int64_t)f->now_ms + jumps_ms[i] + 1);
        assert_ok(f, orl_session_shift(f->store, jumps_ms[i], f->now_ms, &f->err));
        assert_int_equal(orl_session_expire(f->store, 9, f->now_ms, &f->err), 0);
        assert_int_equal(orl_session_reap(f->store, 9, f->now_ms, &f->err), 0);
        assert_int_equal(orl_ticket_count_unused(f->store, "alice", f->now_ms, &f->err), 1);
        assert_int_equal(orl_ticket_count_unused(f->store, "alice", f->now_ms + 60001, &f->err), 0);
    }
    struct orl_session_row after = fixture_session(f, here.text);
    assert_int_equal(after.lease_until_ms, before.lease_until_ms);
    assert_int_equal(after.started_ms, before.started_ms);
    assert_int_equal(fixture_session(f, here.text).disconnected_ms, 0);
    f->now_ms += 31000;
    assert_int_equal(orl_session_expire(f->store, 9, f->now_ms, &f->err), 1);
    /* What was written after the clock was set is not moved. */
    struct orl_id late = fixture_wait(f, "carol", "demo", 1);
    before = fixture_session(f, late.text);
    assert_ok(f, orl_session_shift(f->store, -3600000, f->now_ms, &f->err));
    assert_int_equal(fixture_session(f, late.text).lease_until_ms, before.lease_until_ms);
    /* Set back while nobody ran, or a backup of before that. */
    f->now_ms -= 7200000;
    assert_ok(f, orl_session_clamp(f->store, f->now_ms + 20000, f->now_ms, &f->err));
    assert_int_equal(fixture_session(f, late.text).lease_until_ms, f->now_ms + 20000);
    assert_int_equal(fixture_session(f, here.text).disconnected_ms, f->now_ms);
    assert_ok(f, orl_store_check(f->store, &f->err));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(one_live_session_per_person_and_pool),
            CASE(a_claim_binds_both_rows),
            CASE(disconnect_and_reconnect_keep_desktop_and_version),
            CASE(a_late_close_of_an_old_connection_changes_nothing),
            CASE(the_end_of_a_floating_one_destroys),
            CASE(the_end_of_a_dedicated_one_stops),
            CASE(the_end_of_a_static_one_frees),
            CASE(an_end_is_untold_until_its_connection_was_told),
            CASE(a_dedicated_desktop_that_is_off_keeps_its_session_waiting),
            CASE(an_expired_lease_is_a_disconnected_session),
            CASE(leases_are_renewed_together),
            CASE(the_disconnect_timeout_ends),
            CASE(a_pool_without_timeout_keeps_them),
            CASE(a_claim_whose_caller_died_is_recycled),
            CASE(a_lease_moves_only_with_its_session),
            CASE(the_line_is_in_the_order_of_waiting),
            CASE(who_waits_for_their_own_is_in_no_queue),
            CASE(a_ticket_enters_once_and_reenters_its_session),
            CASE(failures_revoke_a_ticket),
            CASE(a_clock_that_is_set_ends_and_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
