#include "base/utf8.h"
#include <string.h>

size_t orl_utf8_next(const uint8_t *text, size_t left, uint32_t *ret_codepoint)
{
    static const struct {
        uint8_t mask, value, len;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 1, 1}, {0xE0, 0xC0, 2, 0x80}, {0xF0, 0xE0, 3, 0x800},
            {0xF8, 0xF0, 4, 0x10000}};
    for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
        if ((text[0] & forms[f].mask) != forms[f].value) {
            continue;
        }
        uint32_t point = text[0] & (uint8_t)~forms[f].mask;
        if (left < forms[f].len) {
            return 0;
        }
        for (size_t i = 1; i < forms[f].len; i++) {
            if ((text[i] & 0xC0U) != 0x80U) {
                return 0;
            }
            point = point << 6 | (text[i] & 0x3FU);
        }
        bool is_surrogate = point >= 0xD800 && point <= 0xDFFF;
        *ret_codepoint = point;
        return point >= forms[f].least && point <= 0x10FFFF && !is_surrogate ? forms[f].len : 0;
    }
    return 0;
}

bool orl_utf8_is_valid(const void *text, size_t len)
{
    const uint8_t *p = text;
    for (size_t at = 0; at < len;) {
        uint32_t codepoint;
        size_t step = orl_utf8_next(p + at, len - at, &codepoint);
        if (step == 0) {
            return false;
        }
        at += step;
    }
    return true;
}

void orl_utf8_clean(char *text)
{
    uint8_t *p = (uint8_t *)text;
    for (size_t left = strlen(text); left > 0;) {
        uint32_t codepoint;
        size_t step = orl_utf8_next(p, left, &codepoint);
        if (step == 0) {
            *p = '?';
            step = 1;
        }
        p += step;
        left -= step;
    }
}

size_t orl_utf8_decode(const char *text, uint32_t *ret_codepoints, size_t max)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t left = strlen(text);
    size_t count = 0;
    while (left > 0 && count < max) {
        size_t step = orl_utf8_next(p, left, &ret_codepoints[count]);
        if (step == 0) {
            ret_codepoints[count] = ORL_UTF8_REPLACEMENT;
            step = 1;
        }
        count++;
        p += step;
        left -= step;
    }
    return count;
}
