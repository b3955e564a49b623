/* Groups nested once, and what people may use by them. */
#include "store/entitlement.h"
#include "store/group.h"
#include "store/user.h"
#include "store_fixture.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES = 400 };

static void add_group(struct fixture *f, const char *name)
{
    struct orl_group_row row = {0};
    orl_msg_text(row.name, sizeof(row.name), name);
    assert_ok(f, orl_group_insert(f->store, &row, f->now_ms, &f->err));
}

static struct orl_group_member member_of(const char *group, const char *name, bool is_group)
{
    struct orl_group_member member = {.is_group = is_group};
    orl_msg_text(member.group, sizeof(member.group), group);
    orl_msg_text(member.name, sizeof(member.name), name);
    return member;
}

static int join(struct fixture *f, const char *group, const char *name, bool is_group)
{
    struct orl_group_member member = member_of(group, name, is_group);
    return orl_group_add(f->store, &member, &f->err);
}

static int leave(struct fixture *f, const char *group, const char *name, bool is_group)
{
    struct orl_group_member member = member_of(group, name, is_group);
    return orl_group_drop(f->store, &member, &f->err);
}

static int add_way(void *ctx, const struct orl_entitlement_way *way)
{
    char *text = ctx;
    size_t len = strlen(text);
    (void)snprintf(text + len, TEXT_BYTES - len, "%s:%s ", way->pool, way->group);
    return 0;
}

static void assert_ways(struct fixture *f, const char *user, const char *want)
{
    char text[TEXT_BYTES] = "";
    assert_ok(f, orl_entitlement_ways(f->store, user, add_way, text, &f->err));
    assert_string_equal(text, want);
}

/* Alice, and bob by the lab in it, may use pool demo. */
static void add_staff(struct fixture *f)
{
    add_group(f, "staff");
    add_group(f, "lab");
    assert_ok(f, join(f, "staff", "alice", false));
    assert_ok(f, join(f, "lab", "bob", false));
    assert_ok(f, join(f, "staff", "lab", true));
    assert_ok(f, orl_entitlement_insert_group(f->store, "staff", "demo", &f->err));
}

static void people_may_what_their_groups_may(void **state)
{
    struct fixture *f = *state;
    add_staff(f);
    assert_ok(f, orl_entitlement_insert_group(f->store, "lab", "own", &f->err));
    assert_ok(f, orl_entitlement_insert(f->store, "bob", "demo", &f->err));
    assert_ways(f, "alice", "demo:staff ");
    assert_ways(f, "bob", "demo: demo:staff own:lab ");
    assert_ways(f, "carol", "");
    assert_int_equal(orl_entitlement_has(f->store, "bob", "own", &f->err), 1);
    assert_int_equal(orl_entitlement_has(f->store, "alice", "own", &f->err), 0);
    /* Twice in it, by two ways: the pool comes once for each group that has it. */
    assert_ok(f, join(f, "staff", "bob", false));
    assert_ways(f, "bob", "demo: demo:staff own:lab ");
    assert_ok(f, leave(f, "staff", "lab", true));
    assert_ok(f, leave(f, "staff", "bob", false));
    assert_ok(f, orl_entitlement_remove(f->store, "bob", "demo", &f->err));
    assert_ways(f, "bob", "own:lab ");
    assert_ok(f, orl_group_remove(f->store, "lab", &f->err));
    assert_ways(f, "bob", "");
    assert_ways(f, "alice", "demo:staff ");
    assert_ok(f, orl_user_remove(f->store, "alice", &f->err));
    struct orl_group_row row;
    assert_ok(f, orl_group_get(f->store, "STAFF", &row, &f->err));
    assert_int_equal(row.user_count, 0);
    assert_int_equal(row.pool_count, 1);
}

static void groups_are_nested_once(void **state)
{
    struct fixture *f = *state;
    add_group(f, "a");
    add_group(f, "b");
    add_group(f, "c");
    assert_int_equal(join(f, "a", "a", true), ORL_E_CONFLICT);
    assert_ok(f, join(f, "a", "b", true));
    assert_int_equal(join(f, "a", "b", true), ORL_E_EXISTS);
    assert_int_equal(join(f, "b", "c", true), ORL_E_CONFLICT);
    assert_int_equal(join(f, "c", "a", true), ORL_E_CONFLICT);
    assert_int_equal(join(f, "b", "a", true), ORL_E_CONFLICT);
    assert_ok(f, join(f, "c", "b", true));
    assert_int_equal(join(f, "a", "nobody", true), ORL_E_NOTFOUND);
    assert_int_equal(join(f, "a", "nobody", false), ORL_E_NOTFOUND);
    assert_int_equal(leave(f, "a", "alice", false), ORL_E_NOTFOUND);
    struct orl_group_row other = {.name = "A"};
    assert_int_equal(orl_group_insert(f->store, &other, f->now_ms, &f->err), ORL_E_EXISTS);
    assert_int_equal(
            orl_entitlement_insert_group(f->store, "a", "nothing", &f->err), ORL_E_NOTFOUND);
}

static int count_way(void *ctx, const struct orl_entitlement_way *way)
{
    (void)way;
    ++*(unsigned *)ctx;
    return 0;
}

static void a_session_without_a_right_is_found(void **state)
{
    struct fixture *f = *state;
    unsigned count = 0;
    add_group(f, "staff");
    assert_ok(f, join(f, "staff", "alice", false));
    assert_ok(f, orl_entitlement_insert_group(f->store, "staff", "demo", &f->err));
    (void)fixture_active(f, "alice", "demo");
    assert_ok(f, orl_entitlement_lost(f->store, count_way, &count, &f->err));
    assert_int_equal(count, 0);
    assert_ok(f, leave(f, "staff", "alice", false));
    assert_ok(f, orl_entitlement_lost(f->store, count_way, &count, &f->err));
    assert_int_equal(count, 1);
}

static void assert_cut_off(
        struct fixture *f, const struct orl_entitlement_cut *cut, unsigned expected)
{
    unsigned count = 0;
    assert_ok(f, orl_entitlement_cut_off(f->store, cut, count_way, &count, &f->err));
    assert_int_equal(count, expected);
}

static void only_who_has_no_other_way_is_cut_off(void **state)
{
    struct fixture *f = *state;
    add_staff(f);
    assert_ok(f, orl_entitlement_insert(f->store, "alice", "demo", &f->err));
    assert_ok(f, orl_entitlement_insert(f->store, "carol", "demo", &f->err));
    assert_cut_off(
            f, &(struct orl_entitlement_cut){.user = "alice", .pool = "demo", .is_own = true}, 0);
    assert_cut_off(
            f, &(struct orl_entitlement_cut){.user = "carol", .pool = "demo", .is_own = true}, 1);
    assert_cut_off(f, &(struct orl_entitlement_cut){.member = "staff", .user = "alice"}, 0);
    assert_cut_off(f, &(struct orl_entitlement_cut){.member = "lab", .user = "bob"}, 1);
    assert_cut_off(f, &(struct orl_entitlement_cut){.group = "staff", .member = "lab"}, 1);
    assert_cut_off(
            f, &(struct orl_entitlement_cut){.either = "staff"}, 1); /* bob; alice has her own */
    assert_cut_off(f, &(struct orl_entitlement_cut){.pool = "demo"}, 3);
    assert_cut_off(f, &(struct orl_entitlement_cut){.pool = "demo", .is_own = true}, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
            TEST(people_may_what_their_groups_may),
            TEST(groups_are_nested_once),
            TEST(a_session_without_a_right_is_found),
            TEST(only_who_has_no_other_way_is_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
