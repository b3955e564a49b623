/* Lists by pages: every row once and in order, whatever comes and goes meanwhile. */
#include "store/desktop.h"
#include "store/entitlement.h"
#include "store/page.h"
#include "store/user.h"
#include "tests/store/store_fixture.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { USERS = 25, PAGE = 7 };

struct walk {
    unsigned count;
    char key[ORL_PAGE_KEY_MAX + 1];
    char names[64][ORL_USER_MAX + 1];
};

static void add_user(struct fixture *f, const char *name)
{
    struct orl_user_row row = {0};
    (void)snprintf(row.name, sizeof(row.name), "%s", name);
    (void)snprintf(row.display, sizeof(row.display), "Display of 100%% %s", name);
    assert_ok(f, orl_user_insert(f->store, &row, 1, &f->err));
}

static int see_user(void *ctx, const struct orl_user_row *row)
{
    struct walk *walk = ctx;
    (void)snprintf(walk->names[walk->count++], ORL_USER_MAX + 1, "%s", row->name);
    (void)snprintf(walk->key, sizeof(walk->key), "%s", row->name);
    return 0;
}

static void a_row_that_goes_shifts_no_other(void **state)
{
    struct fixture *f = *state;
    struct walk walk = {0};
    struct orl_page page = {.after = walk.key, .text = "PAGED", .max_count = PAGE};
    char name[16];
    for (unsigned i = 0; i < USERS; i++) {
        (void)snprintf(name, sizeof(name), "paged%02u", i);
        add_user(f, name);
    }
    unsigned before = 0;
    do {
        before = walk.count;
        assert_ok(f, orl_user_list(f->store, &page, see_user, &walk, &f->err));
        assert_true(walk.count - before <= PAGE);
        if (before == 0) {
            assert_ok(f, orl_user_remove(f->store, "paged03", &f->err));
            add_user(f, "paged00a");
        }
    } while (walk.count > before);
    assert_int_equal(walk.count, USERS);
    for (unsigned i = 0; i < USERS; i++) {
        (void)snprintf(name, sizeof(name), "paged%02u", i);
        assert_string_equal(walk.names[i], name);
    }
}

static void what_is_looked_for_is_no_pattern(void **state)
{
    struct fixture *f = *state;
    struct walk walk = {0};
    struct orl_page page = {.text = "100% X"};
    add_user(f, "x1");
    add_user(f, "y1");
    assert_ok(f, orl_user_list(f->store, &page, see_user, &walk, &f->err));
    assert_int_equal(walk.count, 1);
    assert_string_equal(walk.names[0], "x1");
    page.text = "_1";
    assert_ok(f, orl_user_list(f->store, &page, see_user, &walk, &f->err));
    page.text = "\\";
    assert_ok(f, orl_user_list(f->store, &page, see_user, &walk, &f->err));
    assert_int_equal(walk.count, 1);
}

static int see_desktop(void *ctx, const struct orl_desktop_row *row)
{
    struct walk *walk = ctx;
    (void)snprintf(walk->names[walk->count++], ORL_USER_MAX + 1, "%s", row->id);
    (void)snprintf(walk->key, sizeof(walk->key), "%" PRIu64 "/%s", row->created_ms, row->id);
    return 0;
}

static void rows_of_one_moment_come_once_each(void **state)
{
    struct fixture *f = *state;
    struct walk walk = {0};
    struct orl_desktop_row row = {
            .pool = "demo", .lease = ORL_LEASE_FREE, .power = ORL_POWER_ABSENT};
    struct orl_desktop_filter filter = {.page = {.after = walk.key, .max_count = 2}};
    for (unsigned i = 0; i < 5; i++) {
        assert_ok(f, orl_desktop_insert(f->store, &row, "test", 7000 + i / 4, NULL, &f->err));
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_ok(f, orl_desktop_list(f->store, &filter, see_desktop, &walk, &f->err));
    }
    assert_int_equal(walk.count, 5);
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned k = 0; k < i; k++) {
            assert_string_not_equal(walk.names[i], walk.names[k]);
        }
    }
}

static int see_entitlement(void *ctx, const struct orl_entitlement_way *row)
{
    (void)row;
    (*(unsigned *)ctx)++;
    return 0;
}

static void what_is_no_key_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const timed[] = {"x", "12", "-1/x", "12/", "/x", "99999999999999999999/x"};
    static const char *const named[] = {"x", "x/", "/x", "user/x", "person/x/y"};
    unsigned n = 0;
    for (size_t i = 0; i < sizeof(timed) / sizeof(timed[0]); i++) {
        struct orl_desktop_filter filter = {.page.after = timed[i]};
        assert_int_equal(
                orl_desktop_list(f->store, &filter, see_desktop, &n, &f->err), ORL_E_INVAL);
    }
    char endless[ORL_PAGE_KEY_MAX + 1];
    memset(endless, 'x', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    const struct orl_page too_long = {.after = endless};
    assert_int_equal(orl_user_list(f->store, &too_long, see_user, NULL, &f->err), ORL_E_INVAL);
    assert_non_null(strstr(f->err.text, "after"));
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        struct orl_page page = {.after = named[i]};
        assert_int_equal(
                orl_entitlement_list(f->store, &page, see_entitlement, &n, &f->err), ORL_E_INVAL);
    }
    assert_int_equal(n, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(a_row_that_goes_shifts_no_other),
            CASE(what_is_looked_for_is_no_pattern),
            CASE(rows_of_one_moment_come_once_each),
            CASE(what_is_no_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
