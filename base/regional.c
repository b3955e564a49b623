#include "base/regional.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static bool is_small(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool orl_locale_is_valid(const char *text)
{
    size_t letters = 0;
    while (letters < 3 && is_small(text[letters])) {
        letters++;
    }
    const char *rest = text + letters;
    return letters >= 2 && rest[0] == '_' && is_capital(rest[1]) && is_capital(rest[2]) &&
           rest[3] == '\0';
}

bool orl_timezone_is_valid(const char *text)
{
    if (strnlen(text, ORL_TIMEZONE_MAX + 1) > ORL_TIMEZONE_MAX) {
        return false;
    }
    for (size_t i = 0; text[i] != '\0'; i++) {
        bool is_letter = is_small(text[i]) || is_capital(text[i]);
        bool is_more = is_digit(text[i]) || strchr("/_+-", text[i]) != NULL;
        bool is_start = i == 0 || text[i - 1] == '/';
        if (!is_letter && (is_start || !is_more)) {
            return false;
        }
    }
    return text[0] != '\0' && text[strlen(text) - 1] != '/';
}

static size_t name_len(const char *text)
{
    size_t len = 0;
    while (is_small(text[len]) || is_digit(text[len]) ||
            (len > 0 && strchr("_-", text[len]) != NULL && text[len] != '\0')) {
        len++;
    }
    return len;
}

bool orl_keyboard_is_valid(const char *text)
{
    if (strnlen(text, ORL_KEYBOARD_MAX + 1) > ORL_KEYBOARD_MAX) {
        return false;
    }
    size_t layout = name_len(text);
    const char *rest = text + layout;
    if (layout == 0 || rest[0] == '\0') {
        return layout > 0;
    }
    size_t variant = rest[0] == '(' ? name_len(rest + 1) : 0;
    return variant > 0 && strcmp(rest + 1 + variant, ")") == 0;
}

void orl_regional_clean(struct orl_regional *regional)
{
    if (!orl_locale_is_valid(regional->locale)) {
        regional->locale[0] = '\0';
    }
    if (!orl_timezone_is_valid(regional->timezone)) {
        regional->timezone[0] = '\0';
    }
    if (!orl_keyboard_is_valid(regional->keyboard)) {
        regional->keyboard[0] = '\0';
    }
}

/* Languages and the country that is meant where none is said. */
static const char *const countries[] = {"ar_EG", "bg_BG", "bs_BA", "ca_ES", "cs_CZ", "da_DK",
        "de_DE", "el_GR", "en_US", "es_ES", "et_EE", "fa_IR", "fi_FI", "fr_FR", "he_IL", "hi_IN",
        "hr_HR", "hu_HU", "id_ID", "is_IS", "it_IT", "ja_JP", "ko_KR", "lt_LT", "lv_LV", "mk_MK",
        "nb_NO", "nl_NL", "nn_NO", "pl_PL", "pt_BR", "ro_RO", "ru_RU", "sk_SK", "sl_SI", "sq_AL",
        "sr_RS", "sv_SE", "th_TH", "tr_TR", "uk_UA", "vi_VN", "zh_CN"};

/* The language of tag, in small letters; 0: none. */
static size_t language_of(const char *tag, char ret_language[4])
{
    size_t len = 0;
    for (; len < 4 && (is_small(tag[len]) || is_capital(tag[len])); len++) {
        if (len < 3) {
            ret_language[len] = is_small(tag[len]) ? tag[len] : (char)(tag[len] - 'A' + 'a');
        }
    }
    if (len < 2 || len > 3 || (tag[len] != '\0' && tag[len] != '-' && tag[len] != '_')) {
        return 0;
    }
    ret_language[len] = '\0';
    return len;
}

/* The first part of exactly two letters after the language: scripts have four, variants more. */
static bool region_of(const char *at, char ret_region[3])
{
    while (at[0] == '-' || at[0] == '_') {
        at++;
        size_t len = strcspn(at, "-_");
        bool is_region = len == 2;
        for (size_t i = 0; is_region && i < 2; i++) {
            is_region = is_small(at[i]) || is_capital(at[i]);
            ret_region[i] = is_small(at[i]) ? (char)(at[i] - 'a' + 'A') : at[i];
        }
        if (is_region) {
            ret_region[2] = '\0';
            return true;
        }
        at += len;
    }
    return false;
}

bool orl_locale_of_tag(const char *tag, char ret_locale[ORL_LOCALE_MAX + 1])
{
    char language[4] = "";
    char region[3] = "";
    size_t len = language_of(tag, language);
    if (len == 0) {
        return false;
    }
    if (region_of(tag + len, region)) {
        (void)snprintf(ret_locale, ORL_LOCALE_MAX + 1, "%s_%s", language, region);
        return true;
    }
    for (size_t i = 0; i < sizeof(countries) / sizeof(countries[0]); i++) {
        if (strncmp(countries[i], language, len) == 0 && countries[i][len] == '_') {
            (void)snprintf(ret_locale, ORL_LOCALE_MAX + 1, "%s", countries[i]);
            return true;
        }
    }
    return false;
}

const char *orl_keyboard_of_locale(const char *locale)
{
    static const struct {
        const char *locale, *keyboard; /* a whole one before its language */
    } table[] = {{"bg", "bg"}, {"bs", "ba"}, {"ca", "es(cat)"}, {"cs", "cz"}, {"da", "dk"},
            {"de_AT", "at"}, {"de_CH", "ch"}, {"de_LI", "ch"}, {"de", "de"}, {"el", "gr"},
            {"en_GB", "gb"}, {"en_IE", "ie"}, {"es_ES", "es"}, {"es", "latam"}, {"et", "ee"},
            {"fa", "ir"}, {"fi", "fi"}, {"fr_BE", "be"}, {"fr_CA", "ca"}, {"fr_CH", "ch(fr)"},
            {"fr", "fr"}, {"he", "il"}, {"hr", "hr"}, {"hu", "hu"}, {"is", "is"}, {"it_CH", "ch"},
            {"it", "it"}, {"ja", "jp"}, {"ko", "kr"}, {"lt", "lt"}, {"lv", "lv"}, {"mk", "mk"},
            {"nb", "no"}, {"nl_BE", "be"}, {"nl", "us(intl)"}, {"nn", "no"}, {"pl", "pl"},
            {"pt_BR", "br"}, {"pt", "pt"}, {"ro", "ro"}, {"ru", "ru"}, {"sk", "sk"}, {"sl", "si"},
            {"sq", "al"}, {"sr", "rs"}, {"sv", "se"}, {"th", "th"}, {"tr", "tr"}, {"uk", "ua"},
            {"vi", "vn"}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        size_t len = strlen(table[i].locale);
        if (strncmp(locale, table[i].locale, len) == 0 &&
                (locale[len] == '\0' || locale[len] == '_')) {
            return table[i].keyboard;
        }
    }
    return "us";
}
