#include "base/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void new_ids_are_valid_and_differ(void **state)
{
    (void)state;
    struct orl_id a;
    struct orl_id b;
    orl_id_new(&a);
    orl_id_new(&b);
    assert_true(orl_id_is_valid(a.text));
    assert_string_not_equal(a.text, b.text);
    char uuid[ORL_UUID_LEN + 1];
    orl_uuid_new(uuid);
    assert_true(orl_uuid_is_valid(uuid));
    assert_int_equal(uuid[14], '4');
}

static void what_is_not_an_id_is_refused(void **state)
{
    (void)state;
    assert_false(orl_id_is_valid(""));
    assert_false(orl_id_is_valid("0123456789abcdef0123456789abcde"));
    assert_false(orl_id_is_valid("0123456789abcdef0123456789abcdef0"));
    assert_false(orl_id_is_valid("0123456789ABCDEF0123456789ABCDEF"));
    assert_false(orl_uuid_is_valid("00000000-0000-0000-0000-00000000000"));
    assert_false(orl_uuid_is_valid("00000000+0000-0000-0000-000000000000"));
}

static void names_cannot_be_paths_or_options(void **state)
{
    (void)state;
    assert_true(orl_name_is_valid("demo"));
    assert_true(orl_name_is_valid("win-11"));
    assert_false(orl_name_is_valid(""));
    assert_false(orl_name_is_valid("-x"));
    assert_false(orl_name_is_valid("a/b"));
    assert_false(orl_name_is_valid("A"));
    assert_false(orl_name_is_valid("a b"));
    char longest[65];
    memset(longest, 'a', sizeof(longest));
    longest[63] = '\0';
    assert_true(orl_name_is_valid(longest));
    longest[63] = 'a';
    longest[64] = '\0';
    assert_false(orl_name_is_valid(longest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(new_ids_are_valid_and_differ),
            cmocka_unit_test(what_is_not_an_id_is_refused),
            cmocka_unit_test(names_cannot_be_paths_or_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
