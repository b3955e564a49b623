#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "display/equal.h"
#include <stdlib.h>
#include <string.h>

#define MAX_PX 70

/* Of exactly these sizes, so that the sanitizer sees a read beyond them. */
static uint8_t *copy_of(const uint32_t *px, size_t count)
{
    uint8_t *copy = malloc(count > 0 ? count * 4 : 1);
    assert_non_null(copy);
    memcpy(copy, px, count * 4);
    return copy;
}

static void every_length_and_place_of_a_difference_is_told(void **state)
{
    (void)state;
    uint32_t px[MAX_PX];
    for (size_t i = 0; i < MAX_PX; i++) {
        px[i] = (uint32_t)(i * 2654435761U);
    }
    for (size_t count = 0; count <= MAX_PX; count++) {
        uint8_t *a = copy_of(px, count);
        uint8_t *b = copy_of(px, count);
        assert_int_equal(orl_equal_px(a, b, count), count);
        assert_int_equal(orl_equal_px_back(a + count * 4, b + count * 4, count), count);
        for (size_t at = 0; at < count; at++) {
            b[at * 4 + at % 4] ^= (uint8_t)(1U << at % 8);
            assert_int_equal(orl_equal_px(a, b, count), at);
            assert_int_equal(
                    orl_equal_px_back(a + count * 4, b + count * 4, count), count - 1 - at);
            b[at * 4 + at % 4] = a[at * 4 + at % 4];
        }
        free(a);
        free(b);
    }
}

static void nearest_of_several_differences_counts(void **state)
{
    (void)state;
    uint32_t a[MAX_PX] = {0};
    uint32_t b[MAX_PX] = {0};
    b[20] = 1;
    b[21] = 1;
    b[50] = 1;
    assert_int_equal(orl_equal_px((uint8_t *)a, (uint8_t *)b, MAX_PX), 20);
    assert_int_equal(
            orl_equal_px_back((uint8_t *)(a + MAX_PX), (uint8_t *)(b + MAX_PX), MAX_PX), 19);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_length_and_place_of_a_difference_is_told),
            cmocka_unit_test(nearest_of_several_differences_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
