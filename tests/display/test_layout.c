#include "display/layout.h"
#include "test_support.h"

static void one_head_is_the_whole_picture(void **state)
{
    (void)state;
    uint32_t width;
    uint32_t height;
    const struct orl_layout one = orl_layout_one(1024, 768);
    assert_true(orl_layout_is_valid(&one));
    orl_layout_bounds(&one, &width, &height);
    assert_int_equal(width, 1024);
    assert_int_equal(height, 768);
}

static void bounds_hold_both_heads(void **state)
{
    (void)state;
    uint32_t width;
    uint32_t height;
    const struct orl_layout two = {
            .count = 2, .heads = {{1280, 0, 1920, 1080}, {0, 100, 1280, 1024}}};
    assert_true(orl_layout_is_valid(&two));
    orl_layout_bounds(&two, &width, &height);
    assert_int_equal(width, 3200);
    assert_int_equal(height, 1124);
    struct orl_layout other = two;
    assert_true(orl_layout_is_equal(&two, &other));
    other.heads[1].y = 0;
    assert_false(orl_layout_is_equal(&two, &other));
}

static void what_no_desktop_has_is_refused(void **state)
{
    (void)state;
    static const struct orl_layout bad[] = {{0}, {.count = 3, .heads = {{0, 0, 100, 100}}},
            {.count = 1, .heads = {{0, 0, 15, 100}}}, {.count = 1, .heads = {{0, 0, 100, 8193}}},
            {.count = 1, .heads = {{1, 0, 100, 100}}}, {.count = 1, .heads = {{0, -1, 100, 100}}},
            {.count = 1, .heads = {{0, 0, 8192, 8192}}},
            {.count = 2, .heads = {{0, 0, 100, 100}, {99, 99, 100, 100}}},
            {.count = 2, .heads = {{0, 0, 100, 100}, {8192, 0, 100, 100}}},
            {.count = 2, .heads = {{0, 0, 100, 100}, {INT32_MAX, 0, 100, 100}}},
            {.count = 2, .heads = {{10, 0, 100, 100}, {200, 5, 100, 100}}},
            {.count = 2, .heads = {{0, 0, 100, 100}, {100, 0, INT32_MIN, 100}}}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(orl_layout_is_valid(&bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(one_head_is_the_whole_picture),
            cmocka_unit_test(bounds_hold_both_heads),
            cmocka_unit_test(what_no_desktop_has_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
