#include "protocols/vnc/vnc_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct orl_buf buf;

static int setup(void **state)
{
    (void)state;
    orl_buf_init(&buf, 4096);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    orl_buf_fini(&buf);
    return 0;
}

static void assert_sent(const uint8_t *expected, size_t len)
{
    assert_false(buf.is_failed);
    assert_int_equal(buf.len, len);
    assert_memory_equal(buf.data, expected, len);
}

static void pixel_format_is_bgrx_little_endian(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
            0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0};
    orl_rfb_put_pixel_format(&buf);
    assert_sent(expected, sizeof(expected));
}

static void encodings_prefer_raw_and_count_is_what_follows(void **state)
{
    (void)state;
    orl_rfb_put_encodings(&buf, false);
    unsigned without = buf.data[3];
    assert_int_equal(buf.len, 4 + 4 * without);
    assert_int_equal(buf.data[7], 0);
    orl_buf_reset(&buf);
    orl_rfb_put_encodings(&buf, true);
    assert_int_equal(buf.data[3], without + 2);
    assert_int_equal(buf.len, 4 + 4 * (without + 2));
}

static void update_request_covers_the_desktop(void **state)
{
    (void)state;
    static const uint8_t expected[] = {3, 1, 0, 0, 0, 0, 0x05, 0x00, 0x03, 0x20};
    orl_rfb_put_update_request(&buf, true, 1280, 800);
    assert_sent(expected, sizeof(expected));
}

static void key_is_eight_bytes(void **state)
{
    (void)state;
    static const uint8_t expected[] = {4, 1, 0, 0, 0, 0, 0xFF, 0xE1};
    orl_rfb_put_key(&buf, 0xFFE1, true);
    assert_sent(expected, sizeof(expected));
}

static void qemu_key_carries_keysym_and_scancode(void **state)
{
    (void)state;
    static const uint8_t expected[] = {255, 0, 0, 1, 0, 0, 0xFF, 0x52, 0, 0, 0, 0xC8};
    orl_rfb_put_qemu_key(&buf, 0xFF52, 0xC8, true);
    assert_sent(expected, sizeof(expected));
}

static void button_nine_needs_the_extension(void **state)
{
    (void)state;
    static const uint8_t with[] = {5, 0x81, 0, 10, 0, 20, 0x02};
    orl_rfb_put_pointer(&buf, 10, 20, 0x101, true);
    assert_sent(with, sizeof(with));
    orl_buf_reset(&buf);
    static const uint8_t without[] = {5, 0x81, 0, 10, 0, 20};
    orl_rfb_put_pointer(&buf, 10, 20, 0x181, false); /* button 8 is bit 7 there */
    assert_sent(without, sizeof(without));
}

static void pointer_without_side_buttons_is_plain_with_the_extension_too(void **state)
{
    (void)state;
    static const uint8_t expected[] = {5, 0x05, 0x1F, 0xFF, 0, 1};
    orl_rfb_put_pointer(&buf, 8191, 1, 5, true);
    assert_sent(expected, sizeof(expected));
}

static void desktop_size_has_one_screen_of_that_size(void **state)
{
    (void)state;
    static const uint8_t expected[] = {251, 0, 0x04, 0x00, 0x03, 0x00, 1, 0, 0, 0, 0, 7, 0, 0, 0, 0,
            0x04, 0x00, 0x03, 0x00, 0, 0, 0, 9};
    const struct orl_rfb_screen screen = {.id = 7, .flags = 9};
    orl_rfb_put_desktop_size(&buf, 1024, 768, &screen);
    assert_sent(expected, sizeof(expected));
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
            CASE(pixel_format_is_bgrx_little_endian),
            CASE(encodings_prefer_raw_and_count_is_what_follows),
            CASE(update_request_covers_the_desktop),
            CASE(key_is_eight_bytes),
            CASE(qemu_key_carries_keysym_and_scancode),
            CASE(button_nine_needs_the_extension),
            CASE(pointer_without_side_buttons_is_plain_with_the_extension_too),
            CASE(desktop_size_has_one_screen_of_that_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
