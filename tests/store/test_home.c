/* Homes and numbers of people. */
#include "store/home.h"
#include "store/person.h"
#include "store_fixture.h"

#include <string.h>

static struct orl_home_want want_of(const char *user, const char *desktop, uint64_t version)
{
    return (struct orl_home_want){.user = user,
            .pool = "office",
            .kind = ORL_HOME_VOLUME,
            .folder = "/images/homes",
            .size_mib = 64,
            .desktop = desktop,
            .version = version};
}

static void home_is_on_one_desktop_until_its_machine_is_gone(void **state)
{
    struct fixture *f = *state;
    struct orl_id first = fixture_ready_desktop(f, "demo");
    struct orl_id second = fixture_ready_desktop(f, "demo");
    struct orl_home_want one = want_of("ann", first.text, 2);
    struct orl_home_want other = want_of("ann", second.text, 2);
    struct orl_home_row row, again;
    assert_ok(f, orl_home_take(f->store, &one, f->now_ms, &row, &f->err));
    assert_string_equal(row.desktop, first.text);
    assert_non_null(strstr(row.path, row.id));
    assert_ok(f, orl_home_take(f->store, &one, f->now_ms, &again, &f->err));
    assert_string_equal(again.id, row.id);
    assert_true(again.used_ms == 0); /* taken is not yet used */
    assert_int_equal(
            orl_home_set_used(f->store, row.id, second.text, f->now_ms, &f->err), ORL_E_NOTFOUND);
    assert_ok(f, orl_home_set_used(f->store, row.id, first.text, f->now_ms, &f->err));
    assert_ok(f, orl_home_take(f->store, &one, ++f->now_ms, &again, &f->err));
    assert_true(again.used_ms == f->now_ms - 1);
    assert_int_equal(orl_home_take(f->store, &other, f->now_ms, &again, &f->err), ORL_E_CONFLICT);
    assert_int_equal(orl_home_release_gone(f->store, f->now_ms, &f->err), 0);
    assert_int_equal(
            orl_home_remove(f->store, row.id, "admin", f->now_ms, &f->err), ORL_E_CONFLICT);

    fixture_power(f, first.text, ORL_POWER_STOPPING);
    assert_int_equal(orl_home_release_gone(f->store, f->now_ms, &f->err), 0);
    fixture_power(f, first.text, ORL_POWER_STOPPED);
    assert_int_equal(orl_home_release_gone(f->store, f->now_ms, &f->err), 1);
    other.size_mib = 96; /* the pool's has grown; a smaller one takes nothing away */
    assert_ok(f, orl_home_take(f->store, &other, f->now_ms, &again, &f->err));
    other.size_mib = 32;
    assert_ok(f, orl_home_take(f->store, &other, f->now_ms, &again, &f->err));
    assert_int_equal(again.size_mib, 96);
    assert_string_equal(again.id, row.id);
    assert_string_equal(again.path, row.path);
}

static void home_of_a_desktop_that_is_no_more_is_free(void **state)
{
    struct fixture *f = *state;
    struct orl_home_want want = want_of("bob", "0123456789abcdef0123456789abcdef", 2);
    struct orl_home_row row;
    assert_ok(f, orl_home_take(f->store, &want, f->now_ms, &row, &f->err));
    assert_int_equal(orl_home_release_gone(f->store, f->now_ms, &f->err), 1);
    assert_int_equal(orl_home_release_gone(f->store, f->now_ms, &f->err), 0);
    assert_ok(f, orl_home_remove(f->store, row.id, "admin", f->now_ms, &f->err));
    assert_int_equal(orl_home_get(f->store, row.id, &row, &f->err), ORL_E_NOTFOUND);
}

static void everybody_has_their_own_home_and_number(void **state)
{
    struct fixture *f = *state;
    struct orl_id desktop = fixture_ready_desktop(f, "demo");
    struct orl_home_want ann = want_of("ann", desktop.text, 2);
    struct orl_home_want bob = want_of("bob", desktop.text, 2);
    struct orl_home_row a, b;
    uint32_t first = 0, second = 0, again = 0;
    assert_ok(f, orl_home_take(f->store, &ann, f->now_ms, &a, &f->err));
    assert_ok(f, orl_home_take(f->store, &bob, f->now_ms, &b, &f->err));
    assert_string_not_equal(a.path, b.path);
    assert_ok(f, orl_person_uid(f->store, "ann", &first, &f->err));
    assert_ok(f, orl_person_uid(f->store, "bob", &second, &f->err));
    assert_ok(f, orl_person_uid(f->store, "ann", &again, &f->err));
    assert_true(first >= 10000 && first != second && first == again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(home_is_on_one_desktop_until_its_machine_is_gone,
                    fixture_set_up, fixture_tear_down),
            cmocka_unit_test_setup_teardown(
                    home_of_a_desktop_that_is_no_more_is_free, fixture_set_up, fixture_tear_down),
            cmocka_unit_test_setup_teardown(
                    everybody_has_their_own_home_and_number, fixture_set_up, fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
