#include "protocols/rdp/rdp_monitors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MAX_PX 8192

static void primary_comes_first_and_the_corner_is_zero(void **state)
{
    (void)state;
    static const struct orl_rdp_monitor monitors[] = {
            {-1280, 56, 1280, 1024, false}, {0, 0, 1920, 1080, true}};
    struct orl_layout layout;
    assert_true(orl_rdp_monitors_layout(monitors, 2, MAX_PX, MAX_PX, &layout));
    const struct orl_layout wanted = {
            .count = 2, .heads = {{1280, 0, 1920, 1080}, {0, 56, 1280, 1024}}};
    assert_true(orl_layout_is_equal(&layout, &wanted));
}

static void what_does_not_fit_is_the_primary_alone(void **state)
{
    (void)state;
    static const struct orl_rdp_monitor three[] = {
            {0, 0, 800, 600, false}, {800, 0, 1024, 768, true}, {1824, 0, 640, 480, false}};
    static const struct orl_rdp_monitor over[] = {
            {0, 0, 800, 600, true}, {799, 0, 800, 600, false}};
    static const struct orl_rdp_monitor far[] = {
            {INT32_MIN, 0, 800, 600, false}, {INT32_MAX, 0, 640, 480, true}};
    static const struct orl_rdp_monitor huge[] = {
            {0, 0, 1920, 1080, true}, {1920, 0, UINT32_MAX, 1080, false}};
    struct orl_layout layout;
    assert_true(orl_rdp_monitors_layout(three, 3, MAX_PX, MAX_PX, &layout));
    assert_int_equal(layout.count, 1);
    assert_int_equal(layout.heads[0].width, 1024);
    assert_true(orl_rdp_monitors_layout(over, 2, MAX_PX, MAX_PX, &layout));
    assert_int_equal(layout.count, 1);
    assert_true(orl_rdp_monitors_layout(far, 2, MAX_PX, MAX_PX, &layout));
    assert_int_equal(layout.heads[0].width, 640);
    assert_true(orl_rdp_monitors_layout(huge, 2, MAX_PX, MAX_PX, &layout));
    assert_int_equal(layout.heads[0].width, 1920);
}

static void the_policys_maximum_holds(void **state)
{
    (void)state;
    static const struct orl_rdp_monitor two[] = {
            {0, 0, 1920, 1080, true}, {1920, 0, 1920, 1080, false}};
    static const struct orl_rdp_monitor tiny = {0, 0, 1, 1, true};
    struct orl_layout layout;
    assert_true(orl_rdp_monitors_layout(two, 2, 3840, 1080, &layout));
    assert_int_equal(layout.count, 2);
    assert_true(orl_rdp_monitors_layout(two, 2, 1600, 1200, &layout));
    assert_int_equal(layout.count, 1);
    assert_int_equal(layout.heads[0].width, 1600);
    assert_int_equal(layout.heads[0].height, 1080);
    assert_false(orl_rdp_monitors_layout(&tiny, 1, MAX_PX, MAX_PX, &layout));
}

/* Two monitors, the second one primary. */
static void a_wish_is_read_to_its_last_byte(void **state)
{
    (void)state;
    enum { HEAD = 16, MONITOR = 40, LEN = HEAD + 2 * MONITOR };
    uint8_t pdu[LEN] = {2, 0, 0, 0, LEN, 0, 0, 0, MONITOR, 0, 0, 0, 2, 0, 0, 0};
    static const uint8_t first[] = {0, 0, 0, 0, 0xE0, 0xFC, 0xFF, 0xFF, 0, 0, 0, 0, 0x20, 3, 0, 0,
            0x58, 2, 0, 0}; /* at -800,0: 800x600 */
    static const uint8_t second[] = {
            1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0}; /* 1024x768 */
    struct orl_layout layout;
    memcpy(pdu + HEAD, first, sizeof(first));
    memcpy(pdu + HEAD + MONITOR, second, sizeof(second));
    assert_int_equal(orl_rdp_monitors_parse(pdu, LEN, MAX_PX, MAX_PX, &layout), 0);
    const struct orl_layout wanted = {.count = 2, .heads = {{800, 0, 1024, 768}, {0, 0, 800, 600}}};
    assert_true(orl_layout_is_equal(&layout, &wanted));
    for (size_t len = 0; len < LEN; len++) {
        assert_int_equal(orl_rdp_monitors_parse(pdu, len, MAX_PX, MAX_PX, &layout), ORL_E_PROTO);
    }
    pdu[4] = HEAD; /* what it says of its own length is not what counts */
    for (size_t len = 0; len < LEN; len++) {
        assert_int_equal(orl_rdp_monitors_parse(pdu, len, MAX_PX, MAX_PX, &layout), ORL_E_PROTO);
    }
    pdu[12] = ORL_RDP_MONITORS_MAX + 1;
    assert_int_equal(orl_rdp_monitors_parse(pdu, LEN, MAX_PX, MAX_PX, &layout), ORL_E_PROTO);
    pdu[12] = 0;
    assert_int_equal(orl_rdp_monitors_parse(pdu, LEN, MAX_PX, MAX_PX, &layout), ORL_E_PROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(primary_comes_first_and_the_corner_is_zero),
            cmocka_unit_test(what_does_not_fit_is_the_primary_alone),
            cmocka_unit_test(the_policys_maximum_holds),
            cmocka_unit_test(a_wish_is_read_to_its_last_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
