/* Logins at the portal, the second factor, and tickets that are bound to a login. */
#include "store/ticket.h"
#include "store/user.h"
#include "store/weblogin.h"
#include "tests/store/store_fixture.h"

#include <stdio.h>
#include <string.h>

enum { MANY = 20 };

static void hash_of(unsigned number, char ret_hash[ORL_COOKIE_BINDING_LEN + 1])
{
    (void)snprintf(ret_hash, ORL_COOKIE_BINDING_LEN + 1, "%064x", number);
}

static struct orl_id add(struct fixture *f, const char *user, unsigned number)
{
    struct orl_id id;
    struct orl_weblogin_row row = {.idle_until_ms = f->now_ms + 100,
            .expires_ms = f->now_ms + 1000,
            .client = "192.0.2.1:5",
            .agent = "a browser"};
    orl_msg_text(row.user, sizeof(row.user), user);
    hash_of(number, row.token_hash);
    assert_ok(f, orl_weblogin_insert(f->store, &row, MANY, f->now_ms, &id, &f->err));
    return id;
}

static int find(struct fixture *f, unsigned number, uint64_t now_ms)
{
    char hash[ORL_COOKIE_BINDING_LEN + 1];
    struct orl_weblogin_row row;
    hash_of(number, hash);
    return orl_weblogin_find(f->store, hash, now_ms, &row, &f->err);
}

static int touch(struct fixture *f, unsigned number, uint64_t now_ms)
{
    char hash[ORL_COOKIE_BINDING_LEN + 1];
    hash_of(number, hash);
    return orl_weblogin_touch(f->store, hash, now_ms, now_ms + 100, &f->err);
}

static void a_login_lives_while_it_is_used_but_not_for_ever(void **state)
{
    struct fixture *f = *state;
    uint64_t now_ms = f->now_ms;
    (void)add(f, "alice", 1);
    assert_int_equal(find(f, 1, now_ms + 100), 0);
    assert_int_equal(find(f, 1, now_ms + 101), ORL_E_NOTFOUND);
    for (uint64_t at_ms = 0; at_ms <= 1000; at_ms += 50) {
        assert_ok(f, touch(f, 1, now_ms + at_ms));
    }
    assert_int_equal(find(f, 1, now_ms + 1000), 0);
    assert_int_equal(find(f, 1, now_ms + 1001), ORL_E_NOTFOUND);
    assert_int_equal(touch(f, 1, now_ms + 1001), ORL_E_NOTFOUND);
    assert_int_equal(orl_weblogin_prune(f->store, now_ms + 1001, &f->err), 1);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM weblogin"), 0);
}

static void a_hash_and_a_person_belong_to_one_login(void **state)
{
    struct fixture *f = *state;
    struct orl_weblogin_row row = {.user = "alice", .expires_ms = 9};
    (void)add(f, "alice", 1);
    hash_of(1, row.token_hash);
    assert_int_equal(
            orl_weblogin_insert(f->store, &row, MANY, f->now_ms, NULL, &f->err), ORL_E_EXISTS);
    hash_of(2, row.token_hash);
    orl_msg_text(row.user, sizeof(row.user), "nobody");
    assert_int_equal(
            orl_weblogin_insert(f->store, &row, MANY, f->now_ms, NULL, &f->err), ORL_E_NOTFOUND);
    row.token_hash[0] = '\0';
    assert_int_equal(
            orl_weblogin_insert(f->store, &row, MANY, f->now_ms, NULL, &f->err), ORL_E_INVAL);
}

static void the_database_keeps_a_login_as_it_was_made(void **state)
{
    struct fixture *f = *state;
    (void)add(f, "alice", 1);
    static const char *const changes[] = {"UPDATE weblogin SET user_name = 'bob'",
            "UPDATE weblogin SET token_hash = '1' || substr(token_hash, 2)",
            "UPDATE weblogin SET expires_ms = expires_ms + 1",
            "UPDATE weblogin SET idle_until_ms = expires_ms + 1"};
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        assert_int_equal(orl_db_exec(f->store->db, changes[i], &f->err), ORL_E_DENIED);
    }
}

static int count_row(void *ctx, const struct orl_weblogin_row *row)
{
    assert_string_equal(row->agent, "a browser");
    ++*(unsigned *)ctx;
    return 0;
}

static unsigned count(struct fixture *f, const char *user)
{
    unsigned rows = 0;
    assert_ok(f, orl_weblogin_list(f->store, user, f->now_ms, count_row, &rows, &f->err));
    return rows;
}

static void ends_are_one_others_or_all(void **state)
{
    struct fixture *f = *state;
    struct orl_id first = add(f, "alice", 1);
    struct orl_id second = add(f, "alice", 2);
    (void)add(f, "alice", 3);
    (void)add(f, "bob", 4);
    assert_int_equal(
            orl_weblogin_end(f->store, first.text, "bob", f->now_ms, &f->err), ORL_E_NOTFOUND);
    assert_ok(f, orl_weblogin_end(f->store, first.text, "alice", f->now_ms, &f->err));
    assert_int_equal(count(f, "alice"), 2);
    assert_int_equal(orl_weblogin_end_user(f->store, "alice", second.text, f->now_ms, &f->err), 1);
    assert_int_equal(find(f, 2, f->now_ms), 0);
    assert_int_equal(orl_weblogin_end_user(f->store, "alice", NULL, f->now_ms, &f->err), 1);
    assert_int_equal(count(f, NULL), 1);
    assert_int_equal(find(f, 4, f->now_ms), 0);
}

static void the_oldest_makes_room(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < MANY + 5; i++) {
        f->now_ms++;
        (void)add(f, "alice", i);
    }
    assert_int_equal(count(f, "alice"), MANY);
    assert_int_equal(find(f, 4, f->now_ms), ORL_E_NOTFOUND);
    assert_int_equal(find(f, 5, f->now_ms), 0);
    assert_int_equal(find(f, MANY + 4, f->now_ms), 0);
}

static void a_code_counts_once(void **state)
{
    struct fixture *f = *state;
    struct orl_user_row user;
    assert_ok(f, orl_user_set_totp(f->store, "alice", "sealed", 100, &f->err));
    assert_int_equal(orl_user_use_totp(f->store, "alice", "sealed", 100, &f->err), ORL_E_DENIED);
    assert_ok(f, orl_user_use_totp(f->store, "alice", "sealed", 101, &f->err));
    assert_int_equal(orl_user_use_totp(f->store, "alice", "sealed", 101, &f->err), ORL_E_DENIED);
    assert_int_equal(orl_user_use_totp(f->store, "alice", "other", 102, &f->err), ORL_E_DENIED);
    assert_int_equal(orl_db_exec(f->store->db, "UPDATE account SET totp_last_step = 5", &f->err),
            ORL_E_DENIED);
    assert_ok(f, orl_user_get(f->store, "alice", &user, &f->err));
    assert_ok(f, orl_user_update(f->store, &user, &f->err));
    assert_ok(f, orl_user_get(f->store, "alice", &user, &f->err));
    assert_string_equal(user.totp_secret, "sealed");
    assert_int_equal(user.totp_last_step, 101);
    assert_ok(f, orl_user_set_totp(f->store, "alice", "", 0, &f->err));
    assert_int_equal(orl_user_use_totp(f->store, "alice", "", 999, &f->err), ORL_E_DENIED);
}

static void make_ticket(struct fixture *f, const char *id, unsigned number)
{
    struct orl_ticket_row ticket = {
            .user = "alice", .pool = "demo", .first_use_by_ms = f->now_ms + 500};
    orl_msg_text(ticket.id, sizeof(ticket.id), id);
    hash_of(number, ticket.binding);
    assert_ok(f, orl_ticket_insert(f->store, &ticket, f->now_ms, &f->err));
}

static void a_bound_ticket_is_used_once_while_its_login_lives(void **state)
{
    struct fixture *f = *state;
    struct orl_id session = fixture_active(f, "alice", "demo");
    struct orl_id login = add(f, "alice", 1);
    make_ticket(f, "t-0000000000000001", 1);
    make_ticket(f, "t-0000000000000002", 1);
    make_ticket(f, "t-0000000000000003", 7);
    assert_int_equal(orl_ticket_count_unused(f->store, "alice", f->now_ms, &f->err), 3);
    assert_ok(f, orl_ticket_use(f->store, "t-0000000000000001", session.text, f->now_ms, &f->err));
    assert_int_equal(
            orl_ticket_use(f->store, "t-0000000000000001", session.text, f->now_ms, &f->err),
            ORL_E_DENIED);
    assert_int_equal(
            orl_ticket_use(f->store, "t-0000000000000002", session.text, f->now_ms + 101, &f->err),
            ORL_E_DENIED);
    assert_int_equal(/* no such login */
            orl_ticket_use(f->store, "t-0000000000000003", session.text, f->now_ms, &f->err),
            ORL_E_DENIED);
    assert_ok(f, orl_weblogin_end(f->store, login.text, NULL, f->now_ms, &f->err));
    assert_int_equal(
            orl_ticket_use(f->store, "t-0000000000000002", session.text, f->now_ms, &f->err),
            ORL_E_DENIED);
    struct orl_ticket_row ticket;
    assert_ok(f, orl_ticket_get(f->store, "t-0000000000000002", &ticket, &f->err));
    assert_int_equal(ticket.revoked_ms, f->now_ms);
    assert_int_equal(
            orl_db_exec(f->store->db, "UPDATE ticket SET revoked_ms = 0", &f->err), ORL_E_DENIED);
    assert_int_equal(
            orl_db_exec(f->store->db, "UPDATE ticket SET binding = ''", &f->err), ORL_E_DENIED);
}

static void a_persons_tickets_go_together(void **state)
{
    struct fixture *f = *state;
    make_ticket(f, "t-0000000000000001", 1);
    assert_ok(f, orl_ticket_revoke_user(f->store, "alice", "home", f->now_ms, &f->err));
    assert_int_equal(orl_ticket_count_unused(f->store, "alice", f->now_ms, &f->err), 1);
    assert_ok(f, orl_ticket_revoke_user(f->store, "bob", NULL, f->now_ms, &f->err));
    assert_int_equal(orl_ticket_count_unused(f->store, "alice", f->now_ms, &f->err), 1);
    assert_ok(f, orl_ticket_revoke_user(f->store, "alice", "demo", f->now_ms, &f->err));
    assert_int_equal(orl_ticket_count_unused(f->store, "alice", f->now_ms, &f->err), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(a_login_lives_while_it_is_used_but_not_for_ever),
            CASE(a_hash_and_a_person_belong_to_one_login),
            CASE(the_database_keeps_a_login_as_it_was_made), CASE(ends_are_one_others_or_all),
            CASE(the_oldest_makes_room), CASE(a_code_counts_once),
            CASE(a_bound_ticket_is_used_once_while_its_login_lives),
            CASE(a_persons_tickets_go_together)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
