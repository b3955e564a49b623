#include "store/audit.h"

#include "tests/store/store_fixture.h"
#include <stdio.h>
#include <string.h>

static struct orl_id append(
        struct fixture *f, enum orl_reason reason, const char *client, uint64_t now_ms)
{
    struct orl_audit_event event = {.actor = "broker",
            .action = "login",
            .reason = reason,
            .user = "mallory",
            .client = client};
    struct orl_id id = {{0}};
    assert_ok(f, orl_audit_append(f->store, &event, now_ms, &id, &f->err));
    return id;
}

static void a_row_has_the_id_that_was_given(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = append(f, ORL_REASON_AUTH_FAILED, "192.0.2.7:1", 60000);
    struct orl_audit_row row;
    assert_ok(f, orl_audit_get(f->store, id.text, &row, &f->err));
    assert_string_equal(row.id, id.text);
    assert_string_equal(row.user, "mallory");
    assert_int_equal(row.reason, ORL_REASON_AUTH_FAILED);
    assert_int_equal(row.count, 1);
    assert_int_equal(row.time_ms, 60000);
    assert_int_equal(orl_audit_get(f->store, "x", &row, &f->err), ORL_E_NOTFOUND);
}

static void a_flood_is_ten_rows_and_a_counter(void **state)
{
    struct fixture *f = *state;
    struct orl_id last = {{0}};
    for (unsigned i = 0; i < 500; i++) {
        char client[32];
        (void)snprintf(client, sizeof(client), "192.0.2.%u:%u", i % 200, 1000 + i);
        last = append(f, ORL_REASON_AUTH_FAILED, client, 60000 + i);
    }
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM audit"), 11);
    struct orl_audit_row row;
    assert_ok(f, orl_audit_get(f->store, last.text, &row, &f->err));
    assert_int_equal(row.count, 490);
    assert_string_equal(row.client, "192.0.2.0/24");
    /* Another prefix, another reason, another minute: rows of their own; and the counter's number is said for good. */
    (void)append(f, ORL_REASON_AUTH_FAILED, "198.51.100.1:1", 60500);
    (void)append(f, ORL_REASON_TICKET_INVALID, "192.0.2.7:1", 60500);
    (void)append(f, ORL_REASON_AUTH_FAILED, "192.0.2.7:1", 120000);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM audit"), 15);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM audit WHERE action = 'audit.count'"
                                       " AND detail = '490'"),
            1);
}

static void successes_are_never_counted(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 30; i++) {
        (void)append(f, ORL_REASON_NONE, "192.0.2.7:1", 60000);
    }
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM audit"), 30);
}

static void nobody_rewrites_the_audit(void **state)
{
    struct fixture *f = *state;
    (void)append(f, ORL_REASON_AUTH_FAILED, "192.0.2.7:1", 60000);
    assert_int_equal(
            orl_db_exec(f->store->db, "UPDATE audit SET user_name = 'x'", NULL), ORL_E_DENIED);
}

static void row_and_deed_are_one(void **state)
{
    struct fixture *f = *state;
    struct orl_store_tx tx = {0};
    assert_ok(f, orl_store_tx_begin(f->store, &tx, &f->err));
    (void)append(f, ORL_REASON_NONE, NULL, 60000);
    orl_store_tx_end(&tx);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM audit"), 0);
}

static void long_texts_are_cut_at_a_character(void **state)
{
    struct fixture *f = *state;
    char detail[3000];
    (void)memset(detail, 'x', sizeof(detail));
    (void)memcpy(detail + ORL_STORE_PATH_MAX - 1, "\xc3\xa4", 2);
    detail[sizeof(detail) - 1] = '\0';
    struct orl_audit_event event = {.action = "a", .detail = detail};
    struct orl_id id;
    assert_ok(f, orl_audit_append(f->store, &event, 1, &id, &f->err));
    struct orl_audit_row row;
    assert_ok(f, orl_audit_get(f->store, id.text, &row, &f->err));
    assert_int_equal(strlen(row.detail), ORL_STORE_PATH_MAX - 1);
    event.action = "";
    assert_int_equal(orl_audit_append(f->store, &event, 1, &id, &f->err), ORL_E_DENIED);
}

struct page {
    unsigned count;
    uint64_t first_seq;
    uint64_t last_seq;
};

static int note_row(void *ctx, const struct orl_audit_row *row)
{
    struct page *page = ctx;
    if (page->count == 0) {
        page->first_seq = row->seq;
    } else {
        assert_true(row->seq < page->last_seq);
    }
    page->last_seq = row->seq;
    page->count++;
    return 0;
}

static void pages_meet_without_gap_or_overlap(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 25; i++) {
        (void)append(f, i % 5 == 0 ? ORL_REASON_POOL_FULL : ORL_REASON_NONE, NULL, 1000 + i);
    }
    struct orl_audit_filter filter = {.max_count = 10};
    unsigned total = 0;
    uint64_t expected = 25;
    for (;;) {
        struct page page = {0};
        assert_ok(f, orl_audit_list(f->store, &filter, note_row, &page, &f->err));
        if (page.count == 0) {
            break;
        }
        assert_int_equal(page.first_seq, expected);
        total += page.count;
        filter.before_seq = page.last_seq;
        expected = page.last_seq - 1;
    }
    assert_int_equal(total, 25);
}

static unsigned count_of(struct fixture *f, const struct orl_audit_filter *filter)
{
    struct page page = {0};
    assert_ok(f, orl_audit_list(f->store, filter, note_row, &page, &f->err));
    return page.count;
}

static void filters_narrow(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 25; i++) {
        (void)append(f, i % 5 == 0 ? ORL_REASON_POOL_FULL : ORL_REASON_NONE, NULL, 1000 + i);
    }
    struct orl_audit_filter by_time = {.since_ms = 1010, .until_ms = 1015};
    assert_int_equal(count_of(f, &by_time), 5);
    struct orl_audit_filter by_reason = {.reason = ORL_REASON_POOL_FULL};
    assert_int_equal(count_of(f, &by_reason), 5);
    struct orl_audit_filter refusals = {.is_refusal = true, .user = "mallory"};
    assert_int_equal(count_of(f, &refusals), 5);
    struct orl_audit_filter nobody = {.user = "alice"};
    assert_int_equal(count_of(f, &nobody), 0);
    assert_int_equal(orl_audit_prune(f->store, 1010, 2000, 4, &f->err), 4);
    assert_int_equal(orl_audit_prune(f->store, 1010, 2000, 100, &f->err), 6);
    assert_int_equal(count_of(f, NULL), 15);
}

static void prefixes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
            {"203.0.113.7:4711", "203.0.113.0/24"},
            {"203.0.113.7", "203.0.113.0/24"},
            {"[2001:db8:1:2345::1]:99", "2001:db8:1:2300::/56"},
            {"2001:db8::1", "2001:db8::/56"},
            {"[::ffff:203.0.113.7]:1", "203.0.113.0/24"},
            {"local", "local"},
            {"[::1", "::/56"},
            {"999.1.1.1:5", "999.1.1.1:5"},
            {"", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char prefix[ORL_ADDR_MAX + 1];
        orl_audit_prefix(cases[i][0], prefix);
        assert_string_equal(prefix, cases[i][1]);
    }
    char longest[300];
    (void)memset(longest, '1', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    char prefix[ORL_ADDR_MAX + 1];
    orl_audit_prefix(longest, prefix);
    assert_int_equal(strlen(prefix), ORL_ADDR_MAX);
}

static void what_is_no_text_becomes_one(void **state)
{
    struct fixture *f = *state;
    char object[ORL_USER_MAX];
    (void)memset(object, 'x', sizeof(object));
    object[sizeof(object) - 1] = '\0';
    memcpy(object + ORL_USER_MAX - 34, "\xc3\xa9", 2);
    const struct orl_audit_event event = {.actor = "a\xff",
            .action = "api",
            .kind = "user",
            .object = object,
            .detail = "/v1/\xc3"};
    struct orl_id id;
    struct orl_audit_row row;
    assert_ok(f, orl_audit_append(f->store, &event, 60000, &id, &f->err));
    assert_ok(f, orl_audit_get(f->store, id.text, &row, &f->err));
    assert_string_equal(row.actor, "a?");
    assert_string_equal(row.detail, "/v1/?");
    assert_int_equal(row.object[strlen(row.object) - 1], '?');
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM audit WHERE detail = '/v1/?'"), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(a_row_has_the_id_that_was_given),
            CASE(a_flood_is_ten_rows_and_a_counter),
            CASE(successes_are_never_counted),
            CASE(nobody_rewrites_the_audit),
            CASE(row_and_deed_are_one),
            CASE(what_is_no_text_becomes_one),
            CASE(long_texts_are_cut_at_a_character),
            CASE(pages_meet_without_gap_or_overlap),
            CASE(filters_narrow),
            cmocka_unit_test(prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
