#include "base/reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_reason_has_a_code_and_a_sentence(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ORL_REASON_COUNT; i++) {
        enum orl_reason back;
        assert_true(orl_reason_parse(orl_reason_code((enum orl_reason)i), &back));
        assert_int_equal(back, i); /* no two share a code */
        assert_non_null(orl_reason_text((enum orl_reason)i));
    }
}

static void a_number_from_a_peer_is_never_an_index(void **state)
{
    (void)state;
    assert_int_equal(orl_reason_from_u32(ORL_REASON_COUNT), ORL_REASON_INTERNAL);
    assert_int_equal(orl_reason_from_u32(UINT32_MAX), ORL_REASON_INTERNAL);
    assert_string_equal(orl_reason_code((enum orl_reason)9999), "internal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_reason_has_a_code_and_a_sentence),
            cmocka_unit_test(a_number_from_a_peer_is_never_an_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
