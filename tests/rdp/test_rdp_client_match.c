#include "protocols/rdp/rdp_client_match.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void names_and_builds_are_matched(void **state)
{
    (void)state;
    assert_true(orl_rdp_client_matches("thin-*", "THIN-042", 7601));
    assert_true(orl_rdp_client_matches("a, b , build:76??", "x", 7601));
    assert_true(orl_rdp_client_matches(" lab ", "lab", 1));
    assert_true(orl_rdp_client_matches("*", NULL, 0));
    assert_false(orl_rdp_client_matches("build:76??", "x", 76010));
    assert_false(orl_rdp_client_matches("thin", "thin-042", 7601));
}

static void an_empty_list_means_nobody(void **state)
{
    (void)state;
    assert_false(orl_rdp_client_matches("", "", 0));
    assert_false(orl_rdp_client_matches(" , ,, ", "", 0));
    assert_false(orl_rdp_client_matches("x", NULL, 0));
}

static void a_clients_name_is_no_pattern(void **state)
{
    (void)state;
    assert_false(orl_rdp_client_matches("thin-*", "*", 0));
    assert_false(orl_rdp_client_matches("build:1", "build:*", 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_and_builds_are_matched),
            cmocka_unit_test(an_empty_list_means_nobody),
            cmocka_unit_test(a_clients_name_is_no_pattern)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
