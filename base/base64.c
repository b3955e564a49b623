#include "base/base64.h"
#include <stdint.h>
#include <string.h>

long orl_base64_decode(const char *text, size_t len, void *ret, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t *out = ret;
    uint32_t bits = 0;
    unsigned bit_count = 0;
    size_t used = 0;
    if (len % 4 != 0) {
        return -1;
    }
    while (len > 0 && text[len - 1] == '=' && len % 4 != 2) {
        len--;
    }
    for (size_t i = 0; i < len; i++) {
        const char *digit = text[i] != '\0' ? strchr(digits, text[i]) : NULL;
        if (digit == NULL) {
            return -1;
        }
        bits = bits << 6 | (uint32_t)(digit - digits);
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            if (used == size) {
                return -1;
            }
            out[used++] = (uint8_t)(bits >> bit_count);
        }
    }
    return (long)used;
}
