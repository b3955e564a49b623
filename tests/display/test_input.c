#include "display/input.h"
#include "display/surface.h"
#include "test_support.h"

static bool is_valid(uint32_t kind, uint32_t code, uint32_t is_down, int32_t x, int32_t y)
{
    const struct orl_input input = {kind, code, is_down, x, y};
    return orl_input_is_valid(&input);
}

static void scancodes_are_set_one_extended_and_pause(void **state)
{
    (void)state;
    assert_true(is_valid(ORL_INPUT_KEY, 0x1E, 1, 0, 0));
    assert_true(is_valid(ORL_INPUT_KEY, 0x11D, 0, 0, 0));
    assert_true(is_valid(ORL_INPUT_KEY, ORL_SCANCODE_PAUSE, 1, 0, 0));
    assert_false(is_valid(ORL_INPUT_KEY, 0, 1, 0, 0));
    assert_false(is_valid(ORL_INPUT_KEY, 0x80, 1, 0, 0));
    assert_false(is_valid(ORL_INPUT_KEY, 0x100, 1, 0, 0));
    assert_false(is_valid(ORL_INPUT_KEY, 0x245, 1, 0, 0));
    assert_false(is_valid(ORL_INPUT_KEY, 0x1001E, 1, 0, 0));
    assert_false(is_valid(ORL_INPUT_KEY, 0x1E, 2, 0, 0));
}

static void keysyms_fit_29_bits(void **state)
{
    (void)state;
    assert_true(is_valid(ORL_INPUT_KEYSYM, 0x61, 1, 0, 0));
    assert_true(is_valid(ORL_INPUT_KEYSYM, 0x010020AC, 1, 0, 0));
    assert_false(is_valid(ORL_INPUT_KEYSYM, 0, 1, 0, 0));
    assert_false(is_valid(ORL_INPUT_KEYSYM, 0x20000000, 1, 0, 0));
}

static void pointers_lie_within_the_largest_surface(void **state)
{
    (void)state;
    assert_true(is_valid(ORL_INPUT_POINTER, 31, 0, 8191, 0));
    assert_false(is_valid(ORL_INPUT_POINTER, 32, 0, 0, 0));
    assert_false(is_valid(ORL_INPUT_POINTER, 0, 0, -1, 0));
    assert_false(is_valid(ORL_INPUT_POINTER, 0, 0, 0, 8192));
    assert_true(is_valid(ORL_INPUT_RELATIVE, 0, 0, -32767, 32767));
    assert_false(is_valid(ORL_INPUT_RELATIVE, 0, 0, -32768, 0));
    assert_true(is_valid(ORL_INPUT_WHEEL, 0, 0, 0, -120));
    assert_false(is_valid(ORL_INPUT_WHEEL, 0, 0, INT32_MIN, 0));
}

static void locks_and_unknown_kinds(void **state)
{
    (void)state;
    assert_true(is_valid(ORL_INPUT_LOCKS, 7, 0, 0, 0));
    assert_false(is_valid(ORL_INPUT_LOCKS, 8, 0, 0, 0));
    assert_true(is_valid(ORL_INPUT_RELEASE_ALL, 0, 0, 0, 0));
    assert_false(is_valid(ORL_INPUT_NONE, 0, 0, 0, 0));
    assert_false(is_valid(ORL_INPUT_KIND_COUNT, 0, 0, 0, 0));
    assert_false(is_valid(UINT32_MAX, 0, 0, 0, 0));
}

static void what_a_client_says_by_itself_is_no_deed(void **state)
{
    (void)state;
    struct orl_input last = {0};
    const struct orl_input at = {ORL_INPUT_POINTER, 0, 0, 10, 20};
    const struct orl_input moved = {ORL_INPUT_POINTER, 0, 0, 11, 20};
    const struct orl_input pressed = {ORL_INPUT_POINTER, ORL_BUTTON_LEFT, 0, 11, 20};
    const struct orl_input key = {ORL_INPUT_KEY, 0x1E, 1, 0, 0};
    const struct orl_input locks = {ORL_INPUT_LOCKS, ORL_LOCK_NUM, 0, 0, 0};
    const struct orl_input release = {ORL_INPUT_RELEASE_ALL, 0, 0, 0, 0};
    const struct orl_input still = {ORL_INPUT_RELATIVE, ORL_BUTTON_LEFT, 0, 0, 0};
    const struct orl_input let_go = {ORL_INPUT_RELATIVE, 0, 0, 0, 0};
    const struct orl_input wheel = {ORL_INPUT_WHEEL, 0, 0, 0, 120};
    assert_true(orl_input_is_deed(&last, &at));
    assert_false(orl_input_is_deed(&last, &at));
    assert_true(orl_input_is_deed(&last, &moved));
    assert_true(orl_input_is_deed(&last, &pressed));
    assert_false(orl_input_is_deed(&last, &pressed));
    assert_false(orl_input_is_deed(&last, &still));
    assert_true(orl_input_is_deed(&last, &let_go));
    assert_true(orl_input_is_deed(&last, &key));
    assert_true(orl_input_is_deed(&last, &wheel));
    assert_false(orl_input_is_deed(&last, &locks));
    assert_false(orl_input_is_deed(&last, &release));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(scancodes_are_set_one_extended_and_pause),
            cmocka_unit_test(keysyms_fit_29_bits),
            cmocka_unit_test(pointers_lie_within_the_largest_surface),
            cmocka_unit_test(locks_and_unknown_kinds),
            cmocka_unit_test(what_a_client_says_by_itself_is_no_deed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
