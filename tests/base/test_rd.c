#include "base/rd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void reads_both_byte_orders(void **state)
{
    (void)state;
    static const uint8_t data[] = {1, 2, 3, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7, 1, 2, 3, 4, 5, 6, 7, 8};
    struct orl_rd rd;
    orl_rd_init(&rd, data, sizeof(data));
    assert_int_equal(orl_rd_u8(&rd), 1);
    assert_int_equal(orl_rd_u16le(&rd), 0x0302);
    assert_int_equal(orl_rd_u16be(&rd), 0x0203);
    assert_int_equal(orl_rd_u32le(&rd), 0x07060504);
    orl_rd_init(&rd, data + 9, 12);
    assert_int_equal(orl_rd_u32be(&rd), 0x04050607);
    assert_true(orl_rd_u64le(&rd) == UINT64_C(0x0807060504030201));
    assert_false(rd.is_failed);
    assert_int_equal(orl_rd_left(&rd), 0);
}

static void past_the_end_fails_sticks_and_moves_nothing(void **state)
{
    (void)state;
    static const uint8_t data[] = {1, 2, 3};
    struct orl_rd rd;
    orl_rd_init(&rd, data, sizeof(data));
    assert_int_equal(orl_rd_u32le(&rd), 0);
    assert_true(rd.is_failed);
    assert_int_equal(rd.at, 0);
    assert_int_equal(orl_rd_u8(&rd), 0);
    assert_int_equal(orl_rd_left(&rd), 0);
}

static void a_huge_length_does_not_wrap(void **state)
{
    (void)state;
    static const uint8_t data[] = {1, 2, 3};
    struct orl_rd rd;
    orl_rd_init(&rd, data, sizeof(data));
    (void)orl_rd_u8(&rd);
    assert_null(orl_rd_bytes(&rd, SIZE_MAX));
    assert_true(rd.is_failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(reads_both_byte_orders),
            cmocka_unit_test(past_the_end_fails_sticks_and_moves_nothing),
            cmocka_unit_test(a_huge_length_does_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
