#include "base/id.h"

#include "base/secret.h"

#include <stdint.h>
#include <string.h>

static const char hex[] = "0123456789abcdef";

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

void orl_id_new(struct orl_id *ret_id)
{
    uint8_t bytes[ORL_ID_LEN / 2];
    orl_secret_random(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        ret_id->text[2 * i] = hex[bytes[i] >> 4];
        ret_id->text[2 * i + 1] = hex[bytes[i] & 15U];
    }
    ret_id->text[ORL_ID_LEN] = '\0';
}

bool orl_id_is_valid(const char *text)
{
    size_t len = strnlen(text, ORL_ID_LEN + 1);
    for (size_t i = 0; i < len; i++) {
        if (!is_hex(text[i])) {
            return false;
        }
    }
    return len == ORL_ID_LEN;
}

static bool is_uuid_dash(size_t at)
{
    return at == 8 || at == 13 || at == 18 || at == 23;
}

void orl_uuid_new(char ret_text[ORL_UUID_LEN + 1])
{
    uint8_t bytes[16];
    orl_secret_random(bytes, sizeof(bytes));
    bytes[6] = (uint8_t)((bytes[6] & 0x0FU) | 0x40U); /* RFC 4122 4.1.3: version 4 */
    bytes[8] = (uint8_t)((bytes[8] & 0x3FU) | 0x80U); /* RFC 4122 4.1.1: variant */
    size_t at = 0;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (is_uuid_dash(at)) {
            ret_text[at++] = '-';
        }
        ret_text[at++] = hex[bytes[i] >> 4];
        ret_text[at++] = hex[bytes[i] & 15U];
    }
    ret_text[at] = '\0';
}

bool orl_uuid_is_valid(const char *text)
{
    size_t len = strnlen(text, ORL_UUID_LEN + 1);
    for (size_t i = 0; i < len; i++) {
        if (is_uuid_dash(i) ? text[i] != '-' : !is_hex(text[i])) {
            return false;
        }
    }
    return len == ORL_UUID_LEN;
}

bool orl_name_is_valid(const char *text)
{
    size_t len = strnlen(text, 64);
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!is_alnum && (c != '-' || i == 0)) {
            return false;
        }
    }
    return len >= 1 && len <= 63;
}
