#include "broker/line_text.h"

#include "base/utf8.h"

#include <string.h>

/* C0, DEL, C1; LINE and PARAGRAPH SEPARATOR; marks, embeddings, overrides and isolates of direction (UAX #9). */
static bool is_shown(uint32_t c)
{
    bool is_control = c < 0x20 || (c >= 0x7F && c < 0xA0);
    bool is_break = c == 0x2028 || c == 0x2029;
    bool is_direction = (c >= 0x200E && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
                        (c >= 0x2066 && c <= 0x2069) || c == 0x61C;
    return !is_control && !is_break && !is_direction;
}

int orl_line_check(const char *field, const char *text, size_t max, struct orl_err *err)
{
    const size_t len = strlen(text);
    if (len > max || !orl_utf8_is_valid(text, len)) {
        return orl_err_set(err, ORL_E_INVAL, "%s: at most %u bytes of UTF-8", field, (unsigned)max);
    }
    for (size_t at = 0; at < len;) {
        uint32_t c = 0;
        at += orl_utf8_next((const uint8_t *)text + at, len - at, &c);
        if (!is_shown(c)) {
            return orl_err_set(err, ORL_E_INVAL,
                    "%s: the character U+%04X is not shown; it must be one line", field,
                    (unsigned)c);
        }
    }
    return len > 0 && strspn(text, " ") == len
                   ? orl_err_set(err, ORL_E_INVAL, "%s: blanks are no text", field)
                   : 0;
}
