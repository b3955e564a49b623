#include "base/regional.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static const char *locale_of(const char *tag)
{
    static char locale[ORL_LOCALE_MAX + 1];
    return orl_locale_of_tag(tag, locale) ? locale : "none";
}

static void names_that_could_be_more_than_names_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "/", "..", "../../etc/passwd", "Europe/../UTC",
            "Europe//Berlin", "Europe/Berlin/", "/Europe/Berlin", "Europe/Berlin\n",
            "Europe/Berlin;reboot", "$(reboot)", "Europe Berlin", "Europe/-Berlin", "posix\t",
            "Euro\xC3\xBC"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(orl_timezone_is_valid(bad[i]));
        assert_false(orl_locale_is_valid(bad[i]));
        assert_false(orl_keyboard_is_valid(bad[i]));
    }
    static const char *const bad_keyboards[] = {"de(", "de()", "de(x", "de(x)y", "-de", "de(-x)",
            "DE", "de,us", "de -option x", "abcdefghijklmnopqrstuvwxyz0123456"};
    for (size_t i = 0; i < sizeof(bad_keyboards) / sizeof(bad_keyboards[0]); i++) {
        assert_false(orl_keyboard_is_valid(bad_keyboards[i]));
    }
    static const char *const bad_locales[] = {
            "de", "de_de", "DE_DE", "de-DE", "de_DE.UTF-8", "de_DEU", "d_DE", "dede_DE"};
    for (size_t i = 0; i < sizeof(bad_locales) / sizeof(bad_locales[0]); i++) {
        assert_false(orl_locale_is_valid(bad_locales[i]));
    }
    char large[ORL_TIMEZONE_MAX + 2];
    memset(large, 'a', sizeof(large));
    large[sizeof(large) - 1] = '\0';
    assert_false(orl_timezone_is_valid(large));
}

static void real_names_are_taken(void **state)
{
    (void)state;
    static const char *const zones[] = {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires",
            "Etc/GMT+5", "America/Port-au-Prince", "EST5EDT"};
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        assert_true(orl_timezone_is_valid(zones[i]));
    }
    assert_true(orl_locale_is_valid("de_DE") && orl_locale_is_valid("gsw_CH"));
    assert_true(orl_keyboard_is_valid("de") && orl_keyboard_is_valid("ch(fr)") &&
                orl_keyboard_is_valid("us(dvorak-intl)"));
}

static void what_is_wrong_goes_and_the_rest_stays(void **state)
{
    (void)state;
    struct orl_regional r = {.locale = "de_DE", .timezone = "../UTC", .keyboard = "de"};
    orl_regional_clean(&r);
    assert_string_equal(r.locale, "de_DE");
    assert_string_equal(r.timezone, "");
    assert_string_equal(r.keyboard, "de");
}

static void a_language_tag_names_a_locale(void **state)
{
    (void)state;
    assert_string_equal(locale_of("de-CH"), "de_CH");
    assert_string_equal(locale_of("DE-ch"), "de_CH");
    assert_string_equal(locale_of("zh-Hant-TW"), "zh_TW");
    assert_string_equal(locale_of("pt"), "pt_BR");
    assert_string_equal(locale_of("en-US-u-hc-h12"), "en_US");
    assert_string_equal(locale_of("es-419"), "es_ES");
    assert_string_equal(locale_of("xx"), "none");
    assert_string_equal(locale_of(""), "none");
    assert_string_equal(locale_of("d"), "none");
    assert_string_equal(locale_of("german"), "none");
    assert_string_equal(locale_of("de;DE"), "none");
    assert_string_equal(orl_keyboard_of_locale("de_DE"), "de");
    assert_string_equal(orl_keyboard_of_locale("fr_CH"), "ch(fr)");
    assert_string_equal(orl_keyboard_of_locale("xx_XX"), "us");
    assert_string_equal(orl_keyboard_of_locale(""), "us");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(names_that_could_be_more_than_names_are_refused),
            cmocka_unit_test(real_names_are_taken),
            cmocka_unit_test(what_is_wrong_goes_and_the_rest_stays),
            cmocka_unit_test(a_language_tag_names_a_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
