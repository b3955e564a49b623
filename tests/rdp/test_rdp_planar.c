#include "protocols/rdp/rdp_planar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { WIDE_PX = 1024, NARROW_PX = 16, ROWS = 16 };

static uint8_t pixels[WIDE_PX * ROWS * 4];

static void encode(struct orl_rdp_planar *planar, uint32_t width_px)
{
    uint32_t len = 0;
    uint8_t *data = orl_rdp_planar_encode(
            planar, pixels, (size_t)width_px * 4, width_px, ROWS, true, true, &len);
    assert_non_null(data);
    assert_in_range(len, 1, width_px * ROWS);
    free(data);
}

static void what_a_wide_picture_took_is_given_back_while_narrow_ones_come(void **state)
{
    (void)state;
    struct orl_rdp_planar planar = {0};
    memset(pixels, 0x55, sizeof(pixels));
    encode(&planar, WIDE_PX);
    orl_rdp_planar_frame(&planar);
    encode(&planar, NARROW_PX);
    assert_int_equal(planar.width_px, WIDE_PX);
    for (int i = 0; i < 20; i++) {
        orl_rdp_planar_frame(&planar);
        encode(&planar, NARROW_PX);
    }
    assert_int_equal(planar.width_px, NARROW_PX);
    orl_rdp_planar_fini(&planar);
}

static void what_wide_pictures_use_stays(void **state)
{
    (void)state;
    struct orl_rdp_planar planar = {0};
    for (int i = 0; i < 20; i++) {
        encode(&planar, i % 3 == 0 ? WIDE_PX : NARROW_PX);
        orl_rdp_planar_frame(&planar);
        assert_int_equal(planar.width_px, WIDE_PX);
    }
    orl_rdp_planar_fini(&planar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_a_wide_picture_took_is_given_back_while_narrow_ones_come),
            cmocka_unit_test(what_wide_pictures_use_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
