#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void put_writes_little_and_big_endian(void **state)
{
    (void)state;
    struct orl_buf buf;
    orl_buf_init(&buf, 64);
    orl_buf_put_u8(&buf, 0x01);
    orl_buf_put_u16le(&buf, 0x0203);
    orl_buf_put_u16be(&buf, 0x0203);
    orl_buf_put_u32le(&buf, 0x04050607);
    orl_buf_put_u32be(&buf, 0x04050607);
    orl_buf_put_u64le(&buf, UINT64_C(0x0102030405060708));
    static const uint8_t wanted[] = {1, 3, 2, 2, 3, 7, 6, 5, 4, 4, 5, 6, 7, 8, 7, 6, 5, 4, 3, 2, 1};
    assert_false(buf.is_failed);
    assert_int_equal(buf.len, sizeof(wanted));
    assert_memory_equal(buf.data, wanted, sizeof(wanted));
    orl_buf_fini(&buf);
}

static void put_beyond_the_cap_fails_and_sticks(void **state)
{
    (void)state;
    struct orl_buf buf;
    orl_buf_init(&buf, 5);
    orl_buf_put(&buf, "abcd", 4);
    orl_buf_put(&buf, "ef", 2);
    assert_true(buf.is_failed);
    orl_buf_put_u8(&buf, 'e'); /* would fit, but the message is broken already */
    assert_int_equal(buf.len, 4);
    orl_buf_reset(&buf);
    orl_buf_put(&buf, "12345", 5);
    assert_false(buf.is_failed);
    orl_buf_fini(&buf);
}

static void grows_to_exactly_its_cap(void **state)
{
    (void)state;
    struct orl_buf buf;
    orl_buf_init(&buf, 1000);
    for (int i = 0; i < 1000; i++) {
        orl_buf_put_u8(&buf, (uint8_t)i);
    }
    assert_false(buf.is_failed);
    assert_true(buf.capacity <= 1000);
    assert_int_equal(buf.data[999], (uint8_t)999);
    orl_buf_fini(&buf);
}

static void wipe_leaves_no_byte_of_a_secret(void **state)
{
    (void)state;
    struct orl_buf buf;
    orl_buf_init(&buf, 64);
    orl_buf_put(&buf, "secret", 6);
    orl_buf_wipe(&buf);
    for (size_t i = 0; i < buf.capacity; i++) {
        assert_int_equal(buf.data[i], 0);
    }
    orl_buf_fini(&buf);
}

static void consume_keeps_the_rest(void **state)
{
    (void)state;
    struct orl_buf buf;
    orl_buf_init(&buf, 64);
    orl_buf_put(&buf, "abcdef", 6);
    orl_buf_consume(&buf, 2);
    assert_int_equal(buf.len, 4);
    assert_memory_equal(buf.data, "cdef", 4);
    orl_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(put_writes_little_and_big_endian),
            cmocka_unit_test(put_beyond_the_cap_fails_and_sticks),
            cmocka_unit_test(grows_to_exactly_its_cap),
            cmocka_unit_test(wipe_leaves_no_byte_of_a_secret),
            cmocka_unit_test(consume_keeps_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
