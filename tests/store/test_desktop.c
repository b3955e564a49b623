#include "store/desktop.h"

#include "store/audit.h"
#include "store/pool.h"
#include "tests/store/store_fixture.h"
#include <string.h>

static int claim(
        struct fixture *f, const char *pool, const char *user, struct orl_desktop_row *ret_row)
{
    struct orl_desktop_claim c = {.pool = pool, .user = user};
    return orl_desktop_claim(f->store, &c, ++f->now_ms, ret_row, &f->err);
}

static int move(struct fixture *f, const struct orl_desktop_row *row, enum orl_lease lease,
        enum orl_power power)
{
    struct orl_desktop_move m = {
            .id = row->id, .version = row->version, .lease = lease, .power = power};
    return orl_desktop_move(f->store, &m, ++f->now_ms, NULL, &f->err);
}

static void a_new_row_is_an_intent(void **state)
{
    struct fixture *f = *state;
    struct orl_desktop_row row = {.pool = "demo",
            .lease = ORL_LEASE_FREE,
            .power = ORL_POWER_ABSENT,
            .host = "here",
            .domain = "oriel-x",
            .overlay = "/var/lib/oriel/x.qcow2"};
    struct orl_id id;
    assert_ok(f, orl_desktop_insert(f->store, &row, "vmpool", f->now_ms, &id, &f->err));
    row = fixture_desktop(f, id.text);
    assert_int_equal(row.version, 1);
    assert_int_equal(row.kind, ORL_POOL_FLOATING);
    assert_int_equal(row.want, ORL_WANT_RUN);
    assert_false(row.is_tainted);
    assert_string_equal(row.domain, "oriel-x");
    assert_int_equal(row.created_ms, f->now_ms);
    assert_int_equal(
            orl_desktop_insert(f->store, &row, "vmpool", f->now_ms, NULL, &f->err), ORL_E_EXISTS);
    (void)memset(row.id, 0, sizeof(row.id));
    (void)memcpy(row.pool, "none", 5);
    assert_int_equal(
            orl_desktop_insert(f->store, &row, "vmpool", f->now_ms, NULL, &f->err), ORL_E_NOTFOUND);
}

static void no_row_starts_in_use(void **state)
{
    struct fixture *f = *state;
    struct orl_desktop_row row = {
            .pool = "demo", .lease = ORL_LEASE_IN_USE, .power = ORL_POWER_RUNNING, .user = "bob"};
    assert_int_equal(
            orl_desktop_insert(f->store, &row, "vmpool", f->now_ms, NULL, &f->err), ORL_E_INVAL);
    row.lease = ORL_LEASE_ASSIGNED;
    assert_int_equal(
            orl_desktop_insert(f->store, &row, "vmpool", f->now_ms, NULL, &f->err), ORL_E_INVAL);
    (void)memcpy(row.pool, "own", 4);
    row.power = ORL_POWER_STOPPED;
    struct orl_id id;
    assert_ok(f, orl_desktop_insert(f->store, &row, "vmpool", f->now_ms, &id, &f->err));
    assert_true(fixture_desktop(f, id.text).is_tainted);
}

static void a_claim_takes_the_oldest_ready_one_once(void **state)
{
    struct fixture *f = *state;
    struct orl_id first = fixture_ready_desktop(f, "demo");
    struct orl_id second = fixture_ready_desktop(f, "demo");
    struct orl_desktop_row row;
    assert_ok(f, claim(f, "demo", "alice", &row));
    assert_string_equal(row.id, first.text);
    assert_int_equal(row.version, 2);
    assert_int_equal(row.lease, ORL_LEASE_ASSIGNED);
    assert_true(row.is_tainted);
    assert_string_equal(row.user, "alice");
    assert_ok(f, claim(f, "demo", "bob", &row));
    assert_string_equal(row.id, second.text);
    assert_int_equal(claim(f, "demo", "carol", &row), ORL_E_NOTFOUND);
    assert_int_equal(claim(f, "demo", "", &row), ORL_E_INVAL);
}

static void guest_without_a_hook_gets_no_person_unless_they_have_a_home(void **state)
{
    struct fixture *f = *state;
    struct orl_desktop_row row;
    struct orl_pool_row pool;
    fixture_ready_desktop(f, "demo");
    fixture_ready_desktop(f, "demo");
    assert_ok(f, claim(f, "demo", "alice", &row));
    assert_int_equal(row.person, ORL_PERSON_NONE);
    assert_ok(f, orl_pool_get(f->store, "demo", &pool, &f->err));
    pool.person.home = ORL_HOME_VOLUME;
    pool.person.home_size_mib = 64;
    assert_ok(f, orl_pool_update(f->store, &pool, &f->err));
    assert_ok(f, claim(f, "demo", "bob", &row));
    assert_int_equal(row.person, ORL_PERSON_WANTED);
}

static void what_is_not_ready_is_not_claimed(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_ready_desktop(f, "demo");
    struct orl_desktop_row row;
    assert_ok(f, orl_desktop_set_maintenance(f->store, id.text, true, "admin", 1, &f->err));
    assert_int_equal(claim(f, "demo", "alice", &row), ORL_E_NOTFOUND);
    assert_ok(f, orl_desktop_set_maintenance(f->store, id.text, false, "admin", 1, &f->err));
    assert_ok(f, orl_desktop_set_want(f->store, id.text, ORL_WANT_DELETE, "admin", 1, &f->err));
    assert_int_equal(claim(f, "demo", "alice", &row), ORL_E_NOTFOUND);
    assert_ok(f, orl_desktop_set_want(f->store, id.text, ORL_WANT_RUN, "admin", 1, &f->err));
    fixture_power(f, id.text, ORL_POWER_REBOOTING);
    assert_false(fixture_desktop(f, id.text).is_ready);
    fixture_power(f, id.text, ORL_POWER_RUNNING);
    assert_int_equal(claim(f, "demo", "alice", &row), ORL_E_NOTFOUND);
    struct orl_desktop_seen seen = {.id = id.text, .is_ready = true};
    assert_ok(f, orl_desktop_observe(f->store, &seen, 1, &f->err));
    assert_ok(f, orl_pool_set_deleted(f->store, "demo", &f->err));
    assert_int_equal(claim(f, "demo", "alice", &row), ORL_E_NOTFOUND);
}

static void a_dedicated_desktop_comes_back_to_its_person(void **state)
{
    struct fixture *f = *state;
    (void)fixture_ready_desktop(f, "own");
    (void)fixture_ready_desktop(f, "own");
    struct orl_desktop_row row;
    assert_ok(f, claim(f, "own", "alice", &row));
    struct orl_id id;
    (void)memcpy(id.text, row.id, sizeof(id.text));
    assert_ok(f, move(f, &row, ORL_LEASE_ENDING, ORL_POWER_NONE));
    row = fixture_desktop(f, id.text);
    assert_int_equal(row.want, ORL_WANT_STOP);
    /* While it stops she waits for it: the other one is not hers. */
    struct orl_desktop_row other;
    assert_int_equal(claim(f, "own", "alice", &other), ORL_E_NOTFOUND);
    assert_int_equal(move(f, &row, ORL_LEASE_ASSIGNED, ORL_POWER_NONE), ORL_E_DENIED);
    fixture_power(f, id.text, ORL_POWER_STOPPING);
    assert_ok(f, move(f, &row, ORL_LEASE_ASSIGNED, ORL_POWER_STOPPED));
    assert_ok(f, claim(f, "own", "alice", &row));
    assert_string_equal(row.id, id.text);
    assert_int_equal(row.want, ORL_WANT_RUN);
    assert_int_equal(row.power, ORL_POWER_STOPPED);
}

static void a_stale_version_moves_nothing(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_ready_desktop(f, "demo");
    struct orl_desktop_row spare = fixture_desktop(f, id.text);
    struct orl_desktop_row given;
    assert_ok(f, claim(f, "demo", "alice", &given));
    uint64_t rows = fixture_number(f, "SELECT count(*) FROM audit");
    /* vmpool wanted to retire the spare that it had read. */
    assert_int_equal(move(f, &spare, ORL_LEASE_ENDING, ORL_POWER_NONE), ORL_E_CONFLICT);
    assert_int_equal(fixture_desktop(f, id.text).lease, ORL_LEASE_ASSIGNED);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM audit"), rows);
    spare.version = 0;
    assert_int_equal(move(f, &spare, ORL_LEASE_ENDING, ORL_POWER_NONE), ORL_E_INVAL);
}

static void a_given_floating_desktop_only_goes(void **state)
{
    struct fixture *f = *state;
    (void)fixture_ready_desktop(f, "demo");
    struct orl_desktop_row row;
    assert_ok(f, claim(f, "demo", "alice", &row));
    assert_int_equal(move(f, &row, ORL_LEASE_FREE, ORL_POWER_NONE), ORL_E_DENIED);
    assert_ok(f, move(f, &row, ORL_LEASE_ENDING, ORL_POWER_NONE));
    row = fixture_desktop(f, row.id);
    assert_int_equal(row.version, 3);
    assert_int_equal(row.want, ORL_WANT_DELETE);
    assert_int_equal(move(f, &row, ORL_LEASE_FREE, ORL_POWER_NONE), ORL_E_DENIED);
    assert_int_equal(move(f, &row, ORL_LEASE_ASSIGNED, ORL_POWER_STOPPED), ORL_E_DENIED);
    assert_int_equal(
            orl_desktop_remove(f->store, row.id, row.version, "vmpool", 1, &f->err), ORL_E_DENIED);
    fixture_power(f, row.id, ORL_POWER_STOPPING);
    fixture_power(f, row.id, ORL_POWER_ABSENT);
    assert_int_equal(orl_desktop_remove(f->store, row.id, 2, "vmpool", 1, &f->err), ORL_E_CONFLICT);
    assert_ok(f, orl_desktop_remove(f->store, row.id, 3, "vmpool", 1, &f->err));
    assert_int_equal(orl_desktop_get(f->store, row.id, &row, &f->err), ORL_E_NOTFOUND);
}

static int note_last(void *ctx, const struct orl_audit_row *row)
{
    *(struct orl_audit_row *)ctx = *row;
    return 1;
}

static void every_move_is_in_the_audit(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_ready_desktop(f, "demo");
    struct orl_desktop_move m = {.id = id.text,
            .power = ORL_POWER_FAILED,
            .reason = ORL_REASON_GUEST_DIED,
            .actor = "vmpool",
            .detail = "panic"};
    assert_ok(f, orl_desktop_move(f->store, &m, ++f->now_ms, NULL, &f->err));
    struct orl_audit_row last;
    assert_int_equal(orl_audit_list(f->store, NULL, note_last, &last, &f->err), 1);
    assert_int_equal(strncmp(last.object, "desktop:", 8), 0);
    assert_string_equal(last.object + 8, id.text);
    assert_string_equal(last.actor, "vmpool");
    assert_int_equal(last.reason, ORL_REASON_GUEST_DIED);
    assert_non_null(strstr(last.detail, "panic"));
    assert_non_null(strstr(last.detail, "free,running to free,failed"));
    assert_int_equal(fixture_desktop(f, id.text).reason, ORL_REASON_GUEST_DIED);
}

static void an_observation_writes_what_differs(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_ready_desktop(f, "demo");
    struct orl_desktop_row before = fixture_desktop(f, id.text);
    struct orl_desktop_seen seen = {.id = id.text, .power = ORL_POWER_RUNNING, .is_ready = true};
    assert_ok(f, orl_desktop_observe(f->store, &seen, f->now_ms + 5, &f->err));
    assert_int_equal(fixture_desktop(f, id.text).changed_ms, before.changed_ms);
    seen.host = "here";
    seen.attempts = 2;
    seen.retry_ms = 77;
    assert_ok(f, orl_desktop_observe(f->store, &seen, f->now_ms + 5, &f->err));
    struct orl_desktop_row after = fixture_desktop(f, id.text);
    assert_string_equal(after.host, "here");
    assert_int_equal(after.attempts, 2);
    assert_int_equal(after.retry_ms, 77);
    assert_true(after.is_ready);
    assert_int_equal(after.version, before.version);
    seen.power = ORL_POWER_CLONING;
    assert_int_equal(orl_desktop_observe(f->store, &seen, 1, &f->err), ORL_E_DENIED);
    seen.version = 9;
    assert_int_equal(orl_desktop_observe(f->store, &seen, 1, &f->err), ORL_E_CONFLICT);
}

static int count_row(void *ctx, const struct orl_desktop_row *row)
{
    (void)row;
    ++*(unsigned *)ctx;
    return 0;
}

static int stop_at_first(void *ctx, const struct orl_desktop_row *row)
{
    (void)ctx;
    (void)row;
    return 42;
}

static void lists_and_counts_agree(void **state)
{
    struct fixture *f = *state;
    (void)fixture_ready_desktop(f, "demo");
    (void)fixture_ready_desktop(f, "demo");
    (void)fixture_ready_desktop(f, "own");
    struct orl_desktop_row row;
    assert_ok(f, claim(f, "demo", "alice", &row));
    unsigned n = 0;
    assert_ok(f, orl_desktop_list(f->store, NULL, count_row, &n, &f->err));
    assert_int_equal(n, 3);
    struct orl_desktop_filter filter = {.pool = "demo", .lease = ORL_LEASE_ASSIGNED};
    n = 0;
    assert_ok(f, orl_desktop_list(f->store, &filter, count_row, &n, &f->err));
    assert_int_equal(n, 1);
    assert_int_equal(orl_desktop_list(f->store, NULL, stop_at_first, NULL, &f->err), 42);
    struct orl_desktop_counts counts;
    assert_ok(f, orl_desktop_count(f->store, "demo", &counts, &f->err));
    assert_int_equal(counts.total, 2);
    assert_int_equal(counts.ready, 1);
    assert_int_equal(counts.given, 1);
    assert_int_equal(counts.by[ORL_LEASE_ASSIGNED][ORL_POWER_RUNNING], 1);
    assert_ok(f, orl_desktop_find(f->store, "demo", "alice", &row, &f->err));
    assert_int_equal(orl_desktop_find(f->store, "demo", "bob", &row, &f->err), ORL_E_NOTFOUND);
}

static void only_a_persons_running_desktop_is_restarted(void **state)
{
    struct fixture *f = *state;
    struct orl_id free_one = fixture_ready_desktop(f, "demo");
    assert_int_equal(orl_desktop_ask_restart(f->store, free_one.text, "user:alice", 5, &f->err),
            ORL_E_CONFLICT);
    struct orl_id session = fixture_active(f, "alice", "demo");
    struct orl_session_row row = fixture_session(f, session.text);
    assert_ok(f, orl_desktop_ask_restart(f->store, row.desktop, "user:alice", 5, &f->err));
    assert_int_equal(fixture_desktop(f, row.desktop).restart_ms, 5);
    assert_ok(f, orl_session_disconnect(
                         f->store, session.text, 0, ORL_REASON_CLIENT_CLOSED, f->now_ms, &f->err));
    assert_int_equal(fixture_desktop(f, row.desktop).restart_ms, 5);
    fixture_power(f, row.desktop, ORL_POWER_REBOOTING);
    assert_int_equal(fixture_desktop(f, row.desktop).restart_ms, 0);
    assert_int_equal(orl_desktop_ask_restart(f->store, row.desktop, "user:alice", 5, &f->err),
            ORL_E_CONFLICT);
    assert_int_equal(
            orl_db_exec(f->store->db, "UPDATE desktop SET restart_ms = 7", &f->err), ORL_E_DENIED);
    assert_int_equal(orl_desktop_ask_restart(f->store, session.text, "user:alice", 5, &f->err),
            ORL_E_NOTFOUND);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(only_a_persons_running_desktop_is_restarted),
            CASE(a_new_row_is_an_intent),
            CASE(no_row_starts_in_use),
            CASE(a_claim_takes_the_oldest_ready_one_once),
            CASE(guest_without_a_hook_gets_no_person_unless_they_have_a_home),
            CASE(what_is_not_ready_is_not_claimed),
            CASE(a_dedicated_desktop_comes_back_to_its_person),
            CASE(a_stale_version_moves_nothing),
            CASE(a_given_floating_desktop_only_goes),
            CASE(every_move_is_in_the_audit),
            CASE(an_observation_writes_what_differs),
            CASE(lists_and_counts_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
