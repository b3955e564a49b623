/* Reads no byte beyond the terminating NUL: NUL is no continuation byte. */
#include "display/utf8.h"
#include <stdbool.h>

static bool is_scalar(uint32_t v, size_t len)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    return v >= smallest[len] && v <= 0x10FFFF && !(v >= 0xD800 && v <= 0xDFFF);
}

static size_t decode_one(const unsigned char *p, uint32_t *ret_codepoint)
{
    *ret_codepoint = p[0];
    if (p[0] < 0x80) {
        return 1;
    }
    size_t len = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    uint32_t v = p[0] & (0x7FU >> len);
    bool is_valid = p[0] >= 0xC2 && p[0] <= 0xF4;
    for (size_t i = 1; is_valid && i < len; i++) {
        is_valid = (p[i] & 0xC0) == 0x80;
        v = v << 6 | (p[i] & 0x3FU);
    }
    if (!is_valid || !is_scalar(v, len)) {
        *ret_codepoint = ORL_UTF8_REPLACEMENT;
        return 1;
    }
    *ret_codepoint = v;
    return len;
}

size_t orl_utf8_decode(const char *text, uint32_t *ret_codepoints, size_t max)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t count = 0;
    while (*p != 0 && count < max) {
        p += decode_one(p, &ret_codepoints[count++]);
    }
    return count;
}
