/* The portal's cookie: what is one, what is not, and what stands for it. */
#include "base/cookie.h"
#include "base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOKEN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn-_9"

static bool finds(const char *header)
{
    char token[ORL_COOKIE_TOKEN_LEN + 1] = "";
    bool is_found = orl_cookie_find(header, strlen(header), token);
    assert_true(!is_found || strcmp(token, TOKEN) == 0);
    return is_found;
}

static void token_is_found_among_others(void **state)
{
    (void)state;
    assert_true(finds("__Host-oriel=" TOKEN));
    assert_true(finds("a=b; __Host-oriel=" TOKEN "; c=d"));
    assert_true(finds("a=b;__Host-oriel=" TOKEN " ;;"));
    assert_true(finds("\t__Host-oriel=" TOKEN));
}

static void what_is_not_ours_is_not_found(void **state)
{
    static const char *const headers[] = {"", ";", "; ;", "__Host-oriel",
            "__Host-oriel=", "__Host-oriel=short", "__Host-oriel=" TOKEN "x",
            "__Host-oriel=\"" TOKEN "\"", "__host-oriel=" TOKEN, "x__Host-oriel=" TOKEN,
            "a=__Host-oriel=" TOKEN, "__Host-oriel =" TOKEN,
            "__Host-oriel=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn-_+"};
    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        assert_false(finds(headers[i]));
    }
}

static void two_of_them_are_none(void **state)
{
    (void)state;
    assert_false(finds("__Host-oriel=" TOKEN "; __Host-oriel=" TOKEN));
    assert_false(finds("__Host-oriel=planted; __Host-oriel=" TOKEN));
}

static void header_need_not_be_terminated(void **state)
{
    char token[ORL_COOKIE_TOKEN_LEN + 1];
    static const char header[] = "__Host-oriel=" TOKEN;
    (void)state;
    for (size_t len = 0; len < sizeof(header) - 1; len++) {
        char *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, header, len);
        assert_false(orl_cookie_find(copy, len, token));
        free(copy);
    }
}

static void binding_is_the_hash_in_hex(void **state)
{
    char hex[ORL_SHA256_HEX_LEN + 1];
    char binding[ORL_COOKIE_BINDING_LEN + 1];
    (void)state;
    orl_sha256("abc", 3, hex); /* FIPS 180-2, B.1 */
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    orl_sha256(TOKEN, ORL_COOKIE_TOKEN_LEN, hex);
    orl_cookie_binding(TOKEN, binding);
    assert_string_equal(binding, hex);
    assert_true(orl_cookie_binding_is_valid(binding));
    assert_false(orl_cookie_binding_is_valid(""));
    binding[5] = 'A';
    assert_false(orl_cookie_binding_is_valid(binding));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(token_is_found_among_others),
            cmocka_unit_test(what_is_not_ours_is_not_found), cmocka_unit_test(two_of_them_are_none),
            cmocka_unit_test(header_need_not_be_terminated),
            cmocka_unit_test(binding_is_the_hash_in_hex)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
