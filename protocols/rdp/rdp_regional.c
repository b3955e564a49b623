#include "protocols/rdp/rdp_regional.h"

#include <stdio.h>
#include <string.h>

enum { LANGUAGE_MASK = 0xFFFF, HOUR_MIN = 60, BIAS_MAX_H = 14 };

/* By KLID; the first row of a language is also for its variants that are not here. */
static const struct {
    uint32_t klid;
    const char *keyboard, *locale;
} keyboards[] = {{0x0401, "ara", "ar_SA"}, {0x0402, "bg", "bg_BG"}, {0x0404, "tw", "zh_TW"},
        {0x0405, "cz", "cs_CZ"}, {0x10405, "cz(qwerty)", "cs_CZ"}, {0x0406, "dk", "da_DK"},
        {0x0407, "de", "de_DE"}, {0x0408, "gr", "el_GR"}, {0x0409, "us", "en_US"},
        {0x10409, "us(dvorak)", "en_US"}, {0x20409, "us(intl)", "en_US"}, {0x040A, "es", "es_ES"},
        {0x040B, "fi", "fi_FI"}, {0x040C, "fr", "fr_FR"}, {0x040D, "il", "he_IL"},
        {0x040E, "hu", "hu_HU"}, {0x040F, "is", "is_IS"}, {0x0410, "it", "it_IT"},
        {0x0411, "jp", "ja_JP"}, {0x0412, "kr", "ko_KR"}, {0x0413, "nl", "nl_NL"},
        {0x0414, "no", "nb_NO"}, {0x0415, "pl", "pl_PL"}, {0x0416, "br", "pt_BR"},
        {0x0418, "ro", "ro_RO"}, {0x0419, "ru", "ru_RU"}, {0x041A, "hr", "hr_HR"},
        {0x041B, "sk", "sk_SK"}, {0x041C, "al", "sq_AL"}, {0x041D, "se", "sv_SE"},
        {0x041E, "th", "th_TH"}, {0x041F, "tr", "tr_TR"}, {0x1041F, "tr(f)", "tr_TR"},
        {0x0422, "ua", "uk_UA"}, {0x0423, "by", "be_BY"}, {0x0424, "si", "sl_SI"},
        {0x0425, "ee", "et_EE"}, {0x0426, "lv", "lv_LV"}, {0x0427, "lt", "lt_LT"},
        {0x0429, "ir", "fa_IR"}, {0x042A, "vn", "vi_VN"}, {0x042F, "mk", "mk_MK"},
        {0x0439, "in", "hi_IN"}, {0x0804, "cn", "zh_CN"}, {0x0807, "ch", "de_CH"},
        {0x0809, "gb", "en_GB"}, {0x080A, "latam", "es_MX"}, {0x080C, "be", "fr_BE"},
        {0x0813, "be", "nl_BE"}, {0x0814, "no", "nn_NO"}, {0x0816, "pt", "pt_PT"},
        {0x081A, "rs(latin)", "sr_RS"}, {0x0C07, "at", "de_AT"}, {0x0C09, "us", "en_AU"},
        {0x0C0A, "es", "es_ES"}, {0x0C0C, "ca", "fr_CA"}, {0x0C1A, "rs", "sr_RS"},
        {0x1009, "ca(multix)", "en_CA"}, {0x100C, "ch(fr)", "fr_CH"}, {0x1409, "us", "en_NZ"},
        {0x1809, "ie", "en_IE"}};

/* Windows' zones as the Unicode CLDR maps them (windowsZones, territory 001). */
static const struct {
    const char *key, *zone;
} zones[] = {{"AUS Central Standard Time", "Australia/Darwin"},
        {"AUS Eastern Standard Time", "Australia/Sydney"},
        {"Afghanistan Standard Time", "Asia/Kabul"}, {"Alaskan Standard Time", "America/Anchorage"},
        {"Arab Standard Time", "Asia/Riyadh"}, {"Arabian Standard Time", "Asia/Dubai"},
        {"Arabic Standard Time", "Asia/Baghdad"},
        {"Argentina Standard Time", "America/Argentina/Buenos_Aires"},
        {"Atlantic Standard Time", "America/Halifax"}, {"Azerbaijan Standard Time", "Asia/Baku"},
        {"Azores Standard Time", "Atlantic/Azores"}, {"Bangladesh Standard Time", "Asia/Dhaka"},
        {"Belarus Standard Time", "Europe/Minsk"},
        {"Canada Central Standard Time", "America/Regina"},
        {"Caucasus Standard Time", "Asia/Yerevan"},
        {"Cen. Australia Standard Time", "Australia/Adelaide"},
        {"Central America Standard Time", "America/Guatemala"},
        {"Central Asia Standard Time", "Asia/Almaty"},
        {"Central Brazilian Standard Time", "America/Cuiaba"},
        {"Central Europe Standard Time", "Europe/Budapest"},
        {"Central European Standard Time", "Europe/Warsaw"},
        {"Central Pacific Standard Time", "Pacific/Guadalcanal"},
        {"Central Standard Time", "America/Chicago"},
        {"Central Standard Time (Mexico)", "America/Mexico_City"},
        {"China Standard Time", "Asia/Shanghai"}, {"Dateline Standard Time", "Etc/GMT+12"},
        {"E. Africa Standard Time", "Africa/Nairobi"},
        {"E. Australia Standard Time", "Australia/Brisbane"},
        {"E. Europe Standard Time", "Europe/Chisinau"},
        {"E. South America Standard Time", "America/Sao_Paulo"},
        {"Eastern Standard Time", "America/New_York"},
        {"Eastern Standard Time (Mexico)", "America/Cancun"},
        {"Egypt Standard Time", "Africa/Cairo"},
        {"Ekaterinburg Standard Time", "Asia/Yekaterinburg"}, {"FLE Standard Time", "Europe/Kiev"},
        {"Fiji Standard Time", "Pacific/Fiji"}, {"GMT Standard Time", "Europe/London"},
        {"GTB Standard Time", "Europe/Bucharest"}, {"Georgian Standard Time", "Asia/Tbilisi"},
        {"Greenland Standard Time", "America/Godthab"},
        {"Greenwich Standard Time", "Atlantic/Reykjavik"},
        {"Hawaiian Standard Time", "Pacific/Honolulu"}, {"India Standard Time", "Asia/Calcutta"},
        {"Iran Standard Time", "Asia/Tehran"}, {"Israel Standard Time", "Asia/Jerusalem"},
        {"Jordan Standard Time", "Asia/Amman"}, {"Kaliningrad Standard Time", "Europe/Kaliningrad"},
        {"Korea Standard Time", "Asia/Seoul"}, {"Libya Standard Time", "Africa/Tripoli"},
        {"Mauritius Standard Time", "Indian/Mauritius"},
        {"Middle East Standard Time", "Asia/Beirut"},
        {"Montevideo Standard Time", "America/Montevideo"},
        {"Morocco Standard Time", "Africa/Casablanca"},
        {"Mountain Standard Time", "America/Denver"}, {"Myanmar Standard Time", "Asia/Rangoon"},
        {"N. Central Asia Standard Time", "Asia/Novosibirsk"},
        {"Namibia Standard Time", "Africa/Windhoek"}, {"Nepal Standard Time", "Asia/Katmandu"},
        {"New Zealand Standard Time", "Pacific/Auckland"},
        {"Newfoundland Standard Time", "America/St_Johns"},
        {"North Asia East Standard Time", "Asia/Irkutsk"},
        {"North Asia Standard Time", "Asia/Krasnoyarsk"},
        {"Pacific SA Standard Time", "America/Santiago"},
        {"Pacific Standard Time", "America/Los_Angeles"},
        {"Pacific Standard Time (Mexico)", "America/Tijuana"},
        {"Pakistan Standard Time", "Asia/Karachi"}, {"Paraguay Standard Time", "America/Asuncion"},
        {"Romance Standard Time", "Europe/Paris"}, {"Russia Time Zone 3", "Europe/Samara"},
        {"Russian Standard Time", "Europe/Moscow"}, {"SA Eastern Standard Time", "America/Cayenne"},
        {"SA Pacific Standard Time", "America/Bogota"},
        {"SA Western Standard Time", "America/La_Paz"}, {"SE Asia Standard Time", "Asia/Bangkok"},
        {"Samoa Standard Time", "Pacific/Apia"}, {"Singapore Standard Time", "Asia/Singapore"},
        {"South Africa Standard Time", "Africa/Johannesburg"},
        {"Sri Lanka Standard Time", "Asia/Colombo"}, {"Syria Standard Time", "Asia/Damascus"},
        {"Taipei Standard Time", "Asia/Taipei"}, {"Tasmania Standard Time", "Australia/Hobart"},
        {"Tokyo Standard Time", "Asia/Tokyo"}, {"Tonga Standard Time", "Pacific/Tongatapu"},
        {"Turkey Standard Time", "Europe/Istanbul"},
        {"US Eastern Standard Time", "America/Indianapolis"},
        {"US Mountain Standard Time", "America/Phoenix"}, {"UTC", "Etc/UTC"},
        {"Coordinated Universal Time", "Etc/UTC"},
        {"Ulaanbaatar Standard Time", "Asia/Ulaanbaatar"},
        {"Venezuela Standard Time", "America/Caracas"},
        {"Vladivostok Standard Time", "Asia/Vladivostok"},
        {"W. Australia Standard Time", "Australia/Perth"},
        {"W. Central Africa Standard Time", "Africa/Lagos"},
        {"W. Europe Standard Time", "Europe/Berlin"}, {"West Asia Standard Time", "Asia/Tashkent"},
        {"West Bank Standard Time", "Asia/Hebron"},
        {"West Pacific Standard Time", "Pacific/Port_Moresby"},
        {"Yakutsk Standard Time", "Asia/Yakutsk"}};

static void take_keyboard(uint32_t klid, struct orl_regional *r)
{
    size_t count = sizeof(keyboards) / sizeof(keyboards[0]);
    size_t found = count;
    for (size_t i = 0; i < count; i++) {
        if (keyboards[i].klid == klid) {
            found = i;
            break;
        }
        if (found == count && keyboards[i].klid == (klid & LANGUAGE_MASK)) {
            found = i;
        }
    }
    if (found < count) {
        (void)snprintf(r->keyboard, sizeof(r->keyboard), "%s", keyboards[found].keyboard);
        (void)snprintf(r->locale, sizeof(r->locale), "%s", keyboards[found].locale);
    }
}

/* Whole hours have zones of their own, without summer time; the sign of their names is the bias's. */
static void take_bias(int32_t bias_min, struct orl_regional *r)
{
    int32_t hours = bias_min / HOUR_MIN;
    if (bias_min % HOUR_MIN != 0 || hours > BIAS_MAX_H || hours < -BIAS_MAX_H || hours > 12) {
        return;
    }
    if (hours == 0) {
        (void)snprintf(r->timezone, sizeof(r->timezone), "Etc/UTC");
    } else {
        (void)snprintf(r->timezone, sizeof(r->timezone), "Etc/GMT%+d", (int)hours);
    }
}

void orl_rdp_regional(
        uint32_t keyboard_layout, const char *zone_key, int32_t bias_min, struct orl_regional *ret)
{
    *ret = (struct orl_regional){0};
    take_keyboard(keyboard_layout, ret);
    for (size_t i = 0; zone_key != NULL && i < sizeof(zones) / sizeof(zones[0]); i++) {
        if (strcmp(zones[i].key, zone_key) == 0) {
            (void)snprintf(ret->timezone, sizeof(ret->timezone), "%s", zones[i].zone);
            return;
        }
    }
    /* Clients elsewhere than on Windows may say the name that we want. */
    if (zone_key != NULL && strchr(zone_key, '/') != NULL && orl_timezone_is_valid(zone_key)) {
        (void)snprintf(ret->timezone, sizeof(ret->timezone), "%.*s", ORL_TIMEZONE_MAX, zone_key);
        return;
    }
    take_bias(bias_min, ret);
}
