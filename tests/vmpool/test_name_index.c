#include "vmpool/name_index.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MANY = 20000 };
struct thing {
    int number;
    char name[16];
};

static void every_name_is_found_and_no_other(void **state)
{
    (void)state;
    struct thing *things = calloc(MANY, sizeof *things);
    struct orl_name_index index = {0};
    assert_non_null(things);
    assert_int_equal(
            orl_name_index_find(&index, ORL_NAME_KEYS(things, name), "t1"), ORL_NAME_INDEX_NONE);
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(things[i].name, sizeof things[i].name, "t%zu", i);
        if (i >= MANY / 2) {
            continue;
        }
        assert_true(orl_name_index_add(&index, ORL_NAME_KEYS(things, name), i));
    }
    for (size_t i = 0; i < MANY; i++) {
        size_t at = orl_name_index_find(&index, ORL_NAME_KEYS(things, name), things[i].name);
        assert_true(i < MANY / 2 ? at == i : at == ORL_NAME_INDEX_NONE);
    }
    assert_true(orl_name_index_build(&index, ORL_NAME_KEYS(things, name), 10));
    assert_int_equal(orl_name_index_find(&index, ORL_NAME_KEYS(things, name), "t9"), 9);
    assert_int_equal(
            orl_name_index_find(&index, ORL_NAME_KEYS(things, name), "t10"), ORL_NAME_INDEX_NONE);
    orl_name_index_fini(&index);
    free(things);
}

static void empty_names_are_nobodys_and_the_first_of_two_is_found(void **state)
{
    (void)state;
    struct thing things[] = {{1, ""}, {2, "a"}, {3, "a"}, {4, ""}};
    struct orl_name_index index = {0};
    assert_true(orl_name_index_build(&index, ORL_NAME_KEYS(things, name), 4));
    assert_int_equal(orl_name_index_find(&index, ORL_NAME_KEYS(things, name), "a"), 1);
    assert_int_equal(
            orl_name_index_find(&index, ORL_NAME_KEYS(things, name), ""), ORL_NAME_INDEX_NONE);
    orl_name_index_fini(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_name_is_found_and_no_other),
            cmocka_unit_test(empty_names_are_nobodys_and_the_first_of_two_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
