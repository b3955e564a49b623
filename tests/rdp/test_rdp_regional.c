#include "protocols/rdp/rdp_regional.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void what_windows_says_has_a_name_elsewhere(void **state)
{
    struct orl_regional r;
    (void)state;
    orl_rdp_regional(0x00000407, "W. Europe Standard Time", -60, &r);
    assert_string_equal(r.keyboard, "de");
    assert_string_equal(r.locale, "de_DE");
    assert_string_equal(r.timezone, "Europe/Berlin");
    orl_rdp_regional(0x00020409, "Eastern Standard Time", 300, &r);
    assert_string_equal(r.keyboard, "us(intl)");
    assert_string_equal(r.locale, "en_US");
    assert_string_equal(r.timezone, "America/New_York");
    orl_rdp_regional(
            0x0001100C, "Europe/Zurich", -60, &r); /* a variant that is not known: its language's */
    assert_string_equal(r.keyboard, "ch(fr)");
    assert_string_equal(r.timezone, "Europe/Zurich");
}

static void an_unknown_zone_is_its_hours(void **state)
{
    struct orl_regional r;
    (void)state;
    orl_rdp_regional(0, "Mitteleurop\xC3\xA4ische Zeit", -60, &r);
    assert_string_equal(r.timezone, "Etc/GMT-1");
    assert_string_equal(r.keyboard, "");
    assert_string_equal(r.locale, "");
    orl_rdp_regional(0, NULL, 0, &r);
    assert_string_equal(r.timezone, "Etc/UTC");
    orl_rdp_regional(0, "", 480, &r);
    assert_string_equal(r.timezone, "Etc/GMT+8");
}

static void nonsense_says_nothing(void **state)
{
    static const int32_t biases[] = {INT32_MIN, INT32_MAX, 61, -90, 13 * 60, -15 * 60};
    struct orl_regional r;
    (void)state;
    for (size_t i = 0; i < sizeof(biases) / sizeof(biases[0]); i++) {
        orl_rdp_regional(UINT32_MAX, "../../etc/passwd", biases[i], &r);
        assert_string_equal(r.timezone, "");
        assert_string_equal(r.keyboard, "");
    }
}

static void every_name_of_the_tables_is_valid(void **state)
{
    (void)state;
    for (uint32_t klid = 0; klid < 0x2000; klid++) {
        struct orl_regional r, clean;
        orl_rdp_regional(klid, "Line Islands Standard Time", -14 * 60, &r);
        clean = r;
        orl_regional_clean(&clean);
        assert_memory_equal(&clean, &r, sizeof(r));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_windows_says_has_a_name_elsewhere),
            cmocka_unit_test(an_unknown_zone_is_its_hours),
            cmocka_unit_test(nonsense_says_nothing),
            cmocka_unit_test(every_name_of_the_tables_is_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
