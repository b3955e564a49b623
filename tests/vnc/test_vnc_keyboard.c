#include "protocols/vnc/vnc_keyboard.h"

#include "display/input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static struct orl_buf buf;
static struct orl_vnc_keyboard kb;

static int setup(void **state)
{
    (void)state;
    orl_buf_init(&buf, 65536);
    memset(&kb, 0, sizeof(kb));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    orl_buf_fini(&buf);
    return 0;
}

static uint32_t be32(size_t at)
{
    const uint8_t *p = buf.data + at;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The nth 8-byte key event since the last reset. */
static void assert_key(unsigned n, uint32_t keysym, bool is_down)
{
    assert_true(buf.len >= (size_t)(n + 1) * 8);
    assert_int_equal(buf.data[n * 8], 4);
    assert_int_equal(buf.data[n * 8 + 1], is_down);
    assert_int_equal(be32(n * 8 + 4), keysym);
}

static void shifted_key_is_released_as_what_it_was_pressed_as(void **state)
{
    (void)state;
    orl_vnc_keyboard_key(&kb, 0x2A, true, &buf);
    orl_vnc_keyboard_key(&kb, 0x03, true, &buf);
    orl_vnc_keyboard_key(&kb, 0x2A, false, &buf);
    orl_vnc_keyboard_key(&kb, 0x03, false, &buf);
    assert_key(0, 0xFFE1, true);
    assert_key(1, '@', true);
    assert_key(2, 0xFFE1, false);
    assert_key(3, '@', false);
    assert_int_equal(buf.len, 32);
}

static void release_of_a_key_that_is_up_sends_nothing(void **state)
{
    (void)state;
    orl_vnc_keyboard_key(&kb, 0x1E, false, &buf);
    orl_vnc_keyboard_sym(&kb, 0x20AC, false, &buf);
    assert_int_equal(buf.len, 0);
}

static void release_all_releases_each_key_once(void **state)
{
    (void)state;
    orl_vnc_keyboard_key(&kb, 0x1D, true, &buf);
    orl_vnc_keyboard_key(&kb, 0x153, true, &buf);
    orl_vnc_keyboard_sym(&kb, 0x20AC, true, &buf);
    orl_buf_reset(&buf);
    orl_vnc_keyboard_release_all(&kb, &buf);
    assert_key(0, 0xFFE3, false);
    assert_key(1, 0xFFFF, false);
    assert_key(2, 0x20AC, false);
    assert_int_equal(buf.len, 24);
    orl_buf_reset(&buf);
    orl_vnc_keyboard_release_all(&kb, &buf);
    assert_int_equal(buf.len, 0);
}

static void every_key_down_at_once_is_bounded(void **state)
{
    (void)state;
    kb.has_scancodes = true;
    for (uint32_t code = 1; code < ORL_VNC_KEY_CODES; code++) {
        orl_vnc_keyboard_key(&kb, code, true, &buf);
    }
    for (uint32_t i = 0; i < 100; i++) {
        orl_vnc_keyboard_sym(&kb, 0x100 + i, true, &buf);
    }
    orl_buf_reset(&buf);
    orl_vnc_keyboard_release_all(&kb, &buf);
    assert_false(buf.is_failed);
    assert_int_equal(buf.len, (ORL_VNC_KEY_CODES - 1) * 12 + ORL_VNC_SYMS_DOWN * 8);
    orl_vnc_keyboard_key(&kb, 0xFFFFFFFF, true, &buf); /* no such key */
    assert_int_equal(buf.len, (ORL_VNC_KEY_CODES - 1) * 12 + ORL_VNC_SYMS_DOWN * 8);
}

static void scancodes_go_as_xt_codes(void **state)
{
    (void)state;
    static const struct {
        uint32_t code, keycode;
    } keys[] = {
            {0x1E, 0x1E}, {0x11D, 0x9D}, {0x148, 0xC8}, {0x137, 0x54}, {ORL_SCANCODE_PAUSE, 0xC6}};
    kb.has_scancodes = true;
    for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        orl_buf_reset(&buf);
        orl_vnc_keyboard_key(&kb, keys[i].code, true, &buf);
        assert_int_equal(buf.len, 12);
        assert_int_equal(be32(8), keys[i].keycode);
    }
}

static void locks_are_pressed_only_where_known_and_different(void **state)
{
    (void)state;
    assert_int_equal(orl_vnc_keyboard_set_locks(&kb, ORL_LOCK_CAPS, -1, &buf), -1);
    assert_int_equal(buf.len, 0);
    int locks = orl_vnc_keyboard_set_locks(&kb, ORL_LOCK_NUM, ORL_LOCK_CAPS, &buf);
    assert_int_equal(locks, ORL_LOCK_NUM);
    assert_key(0, 0xFFE5, true);
    assert_key(1, 0xFFE5, false);
    assert_key(2, 0xFF7F, true);
    assert_key(3, 0xFF7F, false);
    assert_int_equal(buf.len, 32);
    orl_buf_reset(&buf);
    (void)orl_vnc_keyboard_set_locks(&kb, ORL_LOCK_NUM, locks, &buf);
    assert_int_equal(buf.len, 0);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
            CASE(shifted_key_is_released_as_what_it_was_pressed_as),
            CASE(release_of_a_key_that_is_up_sends_nothing),
            CASE(release_all_releases_each_key_once),
            CASE(every_key_down_at_once_is_bounded),
            CASE(scancodes_go_as_xt_codes),
            CASE(locks_are_pressed_only_where_known_and_different),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
