/* Who looks at whose desktop: each step once, from where it may, with its audit row. */
#include "store/audit.h"
#include "store/watch.h"
#include "tests/store/store_fixture.h"

#include <string.h>

#define SESSION "a0000000000000000000000000000001"
static const struct orl_watch_by by = {.actor = "user:olga", .client = "192.0.2.1:7"};

static struct orl_watch_row add(struct fixture *f, const char *watcher, bool is_break_glass)
{
    struct orl_watch_row row = {.session = SESSION,
            .user = "anna",
            .pool = "desks",
            .is_break_glass = is_break_glass,
            .why = "because"};
    orl_msg_text(row.watcher, sizeof(row.watcher), watcher);
    assert_int_equal(orl_watch_add(f->store, &row, &by, 1000, NULL), 0);
    return row;
}

static int move(struct fixture *f, const struct orl_watch_row *row, enum orl_watch_state to)
{
    return orl_watch_move(f->store, row->id, to, ORL_REASON_NONE, &by, 2000, NULL);
}

static void steps_are_taken_once_and_in_their_order(void **state)
{
    struct fixture *f = *state;
    struct orl_watch_row row = add(f, "olga", false);
    struct orl_watch_row read;
    assert_int_equal(row.state, ORL_WATCH_ASKED);
    assert_int_equal(move(f, &row, ORL_WATCH_ACTIVE), ORL_E_CONFLICT);
    assert_int_equal(move(f, &row, ORL_WATCH_ENDED), ORL_E_CONFLICT);
    assert_int_equal(move(f, &row, ORL_WATCH_ASKED), ORL_E_INVAL);
    assert_int_equal(move(f, &row, ORL_WATCH_GRANTED), 0);
    assert_int_equal(move(f, &row, ORL_WATCH_GRANTED), ORL_E_CONFLICT);
    assert_int_equal(move(f, &row, ORL_WATCH_REFUSED), ORL_E_CONFLICT);
    assert_int_equal(move(f, &row, ORL_WATCH_ACTIVE), 0);
    assert_int_equal(orl_watch_move(f->store, row.id, ORL_WATCH_ENDED, ORL_REASON_WATCH_ENDED, &by,
                             3000, NULL),
            0);
    assert_int_equal(move(f, &row, ORL_WATCH_ENDED), ORL_E_CONFLICT);
    assert_int_equal(orl_watch_get(f->store, row.id, &read, NULL), 0);
    assert_int_equal(read.state, ORL_WATCH_ENDED);
    assert_int_equal(read.reason, ORL_REASON_WATCH_ENDED);
    assert_int_equal(read.answered_ms, 2000);
    assert_int_equal(read.begun_ms, 2000);
    assert_int_equal(read.ended_ms, 3000);
    assert_string_equal(read.user, "anna");
    assert_string_equal(read.watcher, "olga");
    row.id[0] = row.id[0] == 'f' ? 'e' : 'f';
    assert_int_equal(move(f, &row, ORL_WATCH_GRANTED), ORL_E_NOTFOUND);
}

static int count(void *ctx, const struct orl_watch_row *row)
{
    (void)row;
    ++*(unsigned *)ctx;
    return 0;
}

static unsigned list(struct fixture *f, const struct orl_watch_filter *filter)
{
    unsigned rows = 0;
    assert_int_equal(orl_watch_list(f->store, filter, count, &rows, NULL), 0);
    return rows;
}

static void one_watcher_has_one_open_and_a_restart_leaves_none(void **state)
{
    struct fixture *f = *state;
    struct orl_watch_row asked = add(f, "olga", false);
    struct orl_watch_row granted = add(f, "adam", true);
    struct orl_watch_row again = asked;
    const struct orl_watch_filter open = {.is_open = true};
    const struct orl_watch_filter olgas = {.page.user = "olga"};
    const struct orl_watch_filter annas = {.session = SESSION, .page.user = "anna"};
    assert_int_equal(granted.state, ORL_WATCH_GRANTED);
    assert_int_equal(orl_watch_add(f->store, &again, &by, 1000, NULL), ORL_E_EXISTS);
    assert_int_equal(list(f, &open), 2);
    assert_int_equal(list(f, &olgas), 1);
    assert_int_equal(list(f, &annas), 2);
    assert_int_equal(orl_watch_close_open(f->store, ORL_REASON_BROKER_DOWN, &by, 5000, NULL), 2);
    assert_int_equal(list(f, &open), 0);
    assert_int_equal(orl_watch_get(f->store, asked.id, &asked, NULL), 0);
    assert_int_equal(asked.state, ORL_WATCH_REFUSED);
    assert_int_equal(orl_watch_get(f->store, granted.id, &granted, NULL), 0);
    assert_int_equal(granted.state, ORL_WATCH_ENDED);
    (void)add(f, "olga", false); /* that one is over */
    assert_int_equal(orl_watch_prune(f->store, 5000, NULL), 0);
    assert_int_equal(orl_watch_prune(f->store, 5001, NULL), 2);
    assert_int_equal(list(f, &annas), 1);
}

static int count_audit(void *ctx, const struct orl_audit_row *row)
{
    assert_string_equal(row->actor, "user:olga");
    assert_string_equal(row->client, "192.0.2.1:7");
    assert_non_null(strstr(row->detail, "by olga: because"));
    ++*(unsigned *)ctx;
    return 0;
}

static void each_step_has_its_audit_row(void **state)
{
    struct fixture *f = *state;
    unsigned rows = 0;
    struct orl_watch_row row = add(f, "olga", true);
    const struct orl_audit_filter filter = {.object = "session:" SESSION, .user = "anna"};
    assert_int_equal(move(f, &row, ORL_WATCH_ACTIVE), 0);
    assert_int_equal(move(f, &row, ORL_WATCH_ENDED), 0);
    assert_int_equal(move(f, &row, ORL_WATCH_ENDED), ORL_E_CONFLICT); /* and no row of that */
    assert_int_equal(orl_audit_list(f->store, &filter, count_audit, &rows, NULL), 0);
    assert_int_equal(rows, 3);
}

#define WITH_STORE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_STORE(steps_are_taken_once_and_in_their_order),
            WITH_STORE(one_watcher_has_one_open_and_a_restart_leaves_none),
            WITH_STORE(each_step_has_its_audit_row)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
