#include "display/input.h"
#include "display/keysym.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct orl_keysym_state plain, shift = {.is_shift = true}, caps = {.is_caps = true},
                                            num = {.is_num = true};

static void caps_lock_and_shift_undo_each_other_on_letters(void **state)
{
    (void)state;
    const struct orl_keysym_state both = {.is_shift = true, .is_caps = true};
    assert_int_equal(orl_keysym_of_scancode(0x1E, plain), 'a');
    assert_int_equal(orl_keysym_of_scancode(0x1E, shift), 'A');
    assert_int_equal(orl_keysym_of_scancode(0x1E, caps), 'A');
    assert_int_equal(orl_keysym_of_scancode(0x1E, both), 'a');
    assert_int_equal(orl_keysym_of_scancode(0x02, caps), '1'); /* not on digits */
}

static void keypad_follows_num_lock(void **state)
{
    (void)state;
    assert_int_equal(orl_keysym_of_scancode(0x47, num), 0xFFB7);
    assert_int_equal(orl_keysym_of_scancode(0x47, plain), 0xFF95);
    assert_int_equal(orl_keysym_of_scancode(0x53, num), 0xFFAE);
    assert_int_equal(orl_keysym_of_scancode(0x4E, plain), 0xFFAB);
}

static struct orl_keysym_state state_of(unsigned mods)
{
    return (struct orl_keysym_state){
            .is_shift = (mods & 1) != 0, .is_caps = (mods & 2) != 0, .is_num = (mods & 4) != 0};
}

static void every_code_is_answered_within_the_tables(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= ORL_SCANCODE_PAUSE; code++) {
        for (unsigned mods = 0; mods < 8; mods++) {
            assert_true(orl_keysym_of_scancode(code, state_of(mods)) <= 0xFFFF);
        }
    }
}

static void what_a_keysym_is_found_at_types_it(void **state)
{
    (void)state;
    unsigned found = 0;
    for (uint32_t keysym = 0; keysym <= 0xFFFF; keysym++) {
        for (unsigned mods = 0; mods < 8; mods++) {
            struct orl_keysym_state at = state_of(mods);
            uint32_t code = 0;
            bool aliases = keysym == 0xFE20 || (keysym >= 0xFFE7 && keysym <= 0xFFEA);
            if (orl_keysym_to_scancode(keysym, at, &code, &at.is_shift)) {
                found++;
                assert_true(code >= 1 && code <= ORL_SCANCODE_PAUSE);
                assert_true(aliases || orl_keysym_of_scancode(code, at) == keysym);
            } else {
                assert_false(keysym >= ' ' && keysym <= '~');
            }
        }
    }
    assert_true(found > 95 * 8);
}

static void shift_stays_as_it_is_where_it_does_not_matter(void **state)
{
    (void)state;
    uint32_t code = 0;
    bool is_shift = false;
    assert_true(orl_keysym_to_scancode(0xFF0D, shift, &code, &is_shift));
    assert_true(code == 0x1C && is_shift);
    assert_true(orl_keysym_to_scancode(0xFF0D, plain, &code, &is_shift));
    assert_true(code == 0x1C && !is_shift);
    assert_true(orl_keysym_to_scancode('<', plain, &code, &is_shift)); /* not the 102nd key */
    assert_true(code == 0x33 && is_shift);
    assert_true(orl_keysym_to_scancode('a', caps, &code, &is_shift));
    assert_true(code == 0x1E && is_shift);
    assert_false(orl_keysym_to_scancode(0xE9, plain, &code, &is_shift));
    assert_false(orl_keysym_to_scancode(0, plain, &code, &is_shift));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(caps_lock_and_shift_undo_each_other_on_letters),
            cmocka_unit_test(keypad_follows_num_lock),
            cmocka_unit_test(every_code_is_answered_within_the_tables),
            cmocka_unit_test(what_a_keysym_is_found_at_types_it),
            cmocka_unit_test(shift_stays_as_it_is_where_it_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
