/* Regional settings of a person, as their client has them: locale "de_DE", time zone "Europe/Berlin", keyboard
 * layout "ch(fr)" in XKB's terms. They come from hostile clients and end in files of a guest: what these functions
 * do not take is not passed on. Used inside guests too: libc only. */
#ifndef ORL_BASE_REGIONAL_H
#define ORL_BASE_REGIONAL_H
#include <stdbool.h>

#define ORL_LOCALE_MAX 7
#define ORL_TIMEZONE_MAX 63
#define ORL_KEYBOARD_MAX 31

struct orl_regional { /* each may be empty: not known */
    char locale[ORL_LOCALE_MAX + 1];
    char timezone[ORL_TIMEZONE_MAX + 1];
    char keyboard[ORL_KEYBOARD_MAX + 1];
};

/* Two or three small letters, an underscore, two capitals. */
bool orl_locale_is_valid(const char *text);
/* A name of the tz database by its characters: "Area/Place", each part begins with a letter. */
bool orl_timezone_is_valid(const char *text);
/* "layout" or "layout(variant)": a-z, 0-9, '_' and '-'. */
bool orl_keyboard_is_valid(const char *text);
/* Empties what is not valid. */
void orl_regional_clean(struct orl_regional *regional);
/* Takes BCP 47 ("de-CH", "zh-Hant-TW", "pt"); a language alone gets its largest country. False: not known. */
bool orl_locale_of_tag(const char *tag, char ret_locale[ORL_LOCALE_MAX + 1]);
/* The keyboard that people with this locale usually have; "us" where nothing is known. */
const char *orl_keyboard_of_locale(const char *locale);

#endif
