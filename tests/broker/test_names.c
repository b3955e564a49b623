#include "broker/display_target.h"
#include "broker/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void every_way_to_choose_a_pool(void **state)
{
    static const struct {
        const char *user, *domain, *cookie, *want_user, *want_pool;
    } cases[] = {
            {"alice", "", "", "alice", ""},
            {"alice@demo", "", "", "alice", "demo"},
            {"alice@Demo", "", "", "alice", "demo"},
            {"demo\\alice", "", "", "alice", "demo"},
            {".\\alice", "", "", "alice", ""},
            {"\\alice", "", "", "alice", ""},
            {"alice", "demo", "", "alice", "demo"},
            {"alice", "DEMO", "", "alice", "demo"},
            {"alice", ".", "", "alice", ""},
            {"alice", "corp.example", "", "alice", ""},
            {"alice", "", "demo", "alice", "demo"},
            {"alice", "other", "demo", "alice", "demo"},
            {"alice", "demo", "Cookie: x", "alice", "demo"},
            {"alice@demo", "other", "third", "alice", "demo"},
            {"A.b_c-9", "", "", "A.b_c-9", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct orl_names names;
        assert_true(orl_names_parse(cases[i].user, cases[i].domain, cases[i].cookie, &names));
        assert_string_equal(names.user, cases[i].want_user);
        assert_string_equal(names.pool, cases[i].want_pool);
        assert_false(names.is_ticket);
    }
}

static void names_that_nobody_has_are_refused(void **state)
{
    static const char *const bad[] = {"", "@demo", "alice@", "alice@de mo", "alice@-demo", "demo\\",
            "de mo\\alice", "al ice", "\xc3\xa4", "-alice", "a@b@demo", "a\\b\\c", "alice\n",
            "t-00000000000000001",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]) - 2; i++) {
        struct orl_names names;
        assert_false(orl_names_parse(bad[i], "", "", &names));
    }
    struct orl_names names;
    assert_false(orl_names_parse(bad[14], "", "", &names));
    assert_true(orl_names_parse(bad[13], "", "", &names)); /* one digit over: an ordinary name */
    assert_false(names.is_ticket);
}

static void a_slot_says_which_desktop_of_the_pool(void **state)
{
    static const struct {
        const char *user, *cookie, *pool;
        uint32_t slot;
    } cases[] = {{"alice@demo:2", "", "demo", 2}, {"demo:16\\alice", "", "demo", 16},
            {"alice", "demo:3", "demo", 3}, {"alice@demo", "", "demo", 0}};
    static const char *const bad[] = {"alice@demo:0", "alice@demo:17",
            "alice@demo:", "alice@demo:02", "alice@demo:2:3", "alice@:2", "alice@demo:x",
            "alice@demo:100", ":2\\alice"};
    struct orl_names names;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(orl_names_parse(cases[i].user, "", cases[i].cookie, &names));
        assert_string_equal(names.pool, cases[i].pool);
        assert_int_equal(names.slot, cases[i].slot);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(orl_names_parse(bad[i], "", "", &names));
    }
}

static void ticket_is_recognised_in_either_case(void **state)
{
    struct orl_names names;
    (void)state;
    assert_true(orl_names_parse("t-0123456789abcdef", "", "", &names));
    assert_true(names.is_ticket);
    assert_true(orl_names_parse("T-0123456789ABCDEF@demo", "", "", &names));
    assert_true(names.is_ticket);
    assert_string_equal(names.user, "t-0123456789abcdef");
    assert_false(orl_names_user_is_valid("t-0123456789abcdef"));
    assert_false(orl_names_user_is_valid("T-0123456789ABCDEF"));
    assert_false(orl_names_ticket_is_valid("t-0123456789abcdeg"));
    assert_false(orl_names_ticket_is_valid("t-0123456789abcde"));
    char hash[24];
    char again[24];
    const char *bare = orl_names_without_ticket("t-0123456789abcdef", hash);
    assert_int_equal(strncmp(bare, "ticket#", 7), 0);
    assert_string_equal(orl_names_without_ticket("ticket:t-0123456789abcdef", again), bare);
    assert_string_equal(orl_names_without_ticket("/v1/tickets/t-0123456789abcdef", again), bare);
    assert_string_equal(orl_names_without_ticket("user:t-0", again), "user:t-0");
    assert_string_equal(orl_names_without_ticket(NULL, again), "");
}

static void display_targets(void **state)
{
    static const char *const good[] = {"host:5900", "10.0.0.1:1", "[2001:db8::1]:65535",
            "unix:/run/x.sock", "a_b.example:5901"};
    static const char *const bad[] = {"", "host", "host:", ":5900", "host:0", "host:65536",
            "host:590a", "-h:1", "unix:", "unix:rel", "unix:/a/../b", "[::1:5900", "[]:1",
            "ho st:1", "2001:db8::1:5900", "host:000001"};
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(orl_display_target_is_valid(good[i]));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(orl_display_target_is_valid(bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_way_to_choose_a_pool),
            cmocka_unit_test(names_that_nobody_has_are_refused),
            cmocka_unit_test(a_slot_says_which_desktop_of_the_pool),
            cmocka_unit_test(ticket_is_recognised_in_either_case),
            cmocka_unit_test(display_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
