#include "broker/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void right_password_holds_and_others_do_not(void **state)
{
    char hash[ORL_PASSWORD_HASH_MAX + 1];
    char again[ORL_PASSWORD_HASH_MAX + 1];
    (void)state;
    assert_int_equal(orl_password_init(NULL), 0);
    assert_int_equal(orl_password_hash("correct horse", ORL_PASSWORD_MINIMAL, hash), 0);
    assert_int_equal(orl_password_hash("correct horse", ORL_PASSWORD_MINIMAL, again), 0);
    assert_string_not_equal(hash, again); /* salted */
    assert_int_equal(strncmp(hash, "$argon2id$", 10), 0);
    assert_true(orl_password_verify(hash, "correct horse"));
    assert_false(orl_password_verify(hash, "correct horsE"));
    assert_false(orl_password_verify(hash, ""));
    assert_false(orl_password_verify("", "correct horse"));
    assert_false(orl_password_verify("!", "correct horse"));
}

static void cost_is_in_the_hash(void **state)
{
    char hash[ORL_PASSWORD_HASH_MAX + 1];
    (void)state;
    assert_int_equal(orl_password_hash("x", ORL_PASSWORD_INTERACTIVE, hash), 0);
    assert_false(orl_password_is_stale(hash, ORL_PASSWORD_INTERACTIVE));
    assert_true(orl_password_is_stale(hash, ORL_PASSWORD_MODERATE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(right_password_holds_and_others_do_not),
            cmocka_unit_test(cost_is_in_the_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
