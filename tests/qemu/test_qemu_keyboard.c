#include "protocols/qemu/qemu_keyboard.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct orl_qemu_keyboard kb;

static int setup(void **state)
{
    (void)state;
    memset(&kb, 0, sizeof kb);
    return 0;
}

static void give(enum orl_input_kind kind, uint32_t code, bool is_down, const char *expected)
{
    const struct orl_input input = {.kind = kind, .code = code, .is_down = is_down ? 1 : 0};
    struct orl_qemu_keys keys;
    char text[128] = "";
    orl_qemu_keyboard_input(&kb, &input, &keys);
    assert_true(keys.count <= ORL_QEMU_KEYS_MAX);
    for (unsigned i = 0; i < keys.count; i++) {
        const struct orl_input *in = &keys.input[i];
        size_t at = strlen(text);
        if (in->kind == ORL_INPUT_KEY) {
            (void)snprintf(text + at, sizeof text - at, "%s%x ", in->is_down ? "+" : "-", in->code);
        } else {
            (void)snprintf(text + at, sizeof text - at, "%s ",
                    in->kind == ORL_INPUT_LOCKS ? "locks" : "release");
        }
        assert_true(orl_input_is_valid(in));
    }
    assert_string_equal(text, expected);
}

static void type(uint32_t keysym, const char *pressed, const char *released)
{
    give(ORL_INPUT_KEYSYM, keysym, true, pressed);
    give(ORL_INPUT_KEYSYM, keysym, false, released);
}

static void characters_are_typed_on_a_us_keyboard(void **state)
{
    (void)state;
    type('a', "+1e ", "-1e ");
    type('A', "+2a +1e -2a ", "-1e ");
    type('!', "+2a +2 -2a ", "-2 ");
    type(0xFF0D, "+1c ", "-1c ");
    type(0xFF51, "+14b ", "-14b ");
    type(0x20AC, "", ""); /* no such key */
}

static void a_shift_that_is_held_comes_back(void **state)
{
    (void)state;
    give(ORL_INPUT_KEY, 0x36, true, "+36 ");
    type('a', "-36 +1e +36 ", "-1e ");
    type('A', "+1e ", "-1e ");
    give(ORL_INPUT_KEY, 0x36, false, "-36 ");
    type('a', "+1e ", "-1e ");
    give(ORL_INPUT_KEYSYM, 0xFFE1, true, "+2a "); /* Shift_L */
    type('A', "+1e ", "-1e ");
    give(ORL_INPUT_KEYSYM, 0xFFE1, false, "-2a ");
}

static void caps_lock_is_made_up_for(void **state)
{
    (void)state;
    give(ORL_INPUT_LOCKS, ORL_LOCK_CAPS, false, "locks ");
    type('a', "+2a +1e -2a ", "-1e ");
    type('A', "+1e ", "-1e ");
    give(ORL_INPUT_KEY, 0x3A, true, "+3a ");
    give(ORL_INPUT_KEY, 0x3A, false, "-3a ");
    type('a', "+1e ", "-1e ");
}

static void a_key_twice_without_a_release_is_typed_twice(void **state)
{
    (void)state;
    give(ORL_INPUT_KEYSYM, 'l', true, "+26 ");
    give(ORL_INPUT_KEYSYM, 'l', true, "-26 +26 ");
    give(ORL_INPUT_KEYSYM, 'L', true, "+2a -26 +26 -2a ");
    give(ORL_INPUT_KEYSYM, 'l', false, "-26 ");
    give(ORL_INPUT_KEYSYM, 'L', false, "");
    give(ORL_INPUT_KEYSYM, 'x', false, "");
}

static void nothing_is_down_after_release_all(void **state)
{
    (void)state;
    for (uint32_t keysym = 'a'; keysym <= 'z'; keysym++) { /* more than are remembered */
        const struct orl_input input = {.kind = ORL_INPUT_KEYSYM, .code = keysym, .is_down = 1};
        struct orl_qemu_keys keys;
        orl_qemu_keyboard_input(&kb, &input, &keys);
        assert_int_equal(keys.count, keysym - 'a' < ORL_QEMU_SYMS_DOWN ? 1 : 0);
    }
    give(ORL_INPUT_RELEASE_ALL, 0, false, "release ");
    give(ORL_INPUT_KEYSYM, 'a', false, "");
    type('a', "+1e ", "-1e ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup(characters_are_typed_on_a_us_keyboard, setup),
            cmocka_unit_test_setup(a_shift_that_is_held_comes_back, setup),
            cmocka_unit_test_setup(caps_lock_is_made_up_for, setup),
            cmocka_unit_test_setup(a_key_twice_without_a_release_is_typed_twice, setup),
            cmocka_unit_test_setup(nothing_is_down_after_release_all, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
