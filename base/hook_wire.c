#include "base/hook_wire.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Characters that stand for themselves in a value; all others are %XX. */
static bool is_plain(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~/:+@,;=()*!", c) != NULL);
}

static bool is_name(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool is_letter = text[i] >= 'a' && text[i] <= 'z';
        bool is_more = (text[i] >= '0' && text[i] <= '9') || text[i] == '_';
        if (!is_letter && (i == 0 || !is_more)) {
            return false;
        }
    }
    return len > 0 && len <= ORL_HOOK_NAME_MAX;
}

static bool read_u64(const char *text, size_t len, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (len == 0 || len > 20 || (text[0] == '0' && len > 1)) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (text[i] < '0' || text[i] > '9' || value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *ret_value = value;
    return true;
}

static const char *find(const struct orl_hook_msg *msg, const char *key)
{
    for (size_t i = 0; i < msg->count; i++) {
        if (strcmp(msg->text + msg->pairs[i].key, key) == 0) {
            return msg->text + msg->pairs[i].value;
        }
    }
    return NULL;
}

/* Copies key and a value that has already been checked; false: no room, or the key is there. */
static bool add(struct orl_hook_msg *msg, const char *key, const char *value)
{
    size_t key_len = strlen(key) + 1;
    size_t value_len = strlen(value) + 1;
    if (msg->count == ORL_HOOK_KEYS_MAX || find(msg, key) != NULL ||
            key_len + value_len > sizeof(msg->text) - msg->text_len) {
        return false;
    }
    msg->pairs[msg->count].key = (uint16_t)msg->text_len;
    msg->pairs[msg->count].value = (uint16_t)(msg->text_len + key_len);
    memcpy(msg->text + msg->text_len, key, key_len);
    memcpy(msg->text + msg->text_len + key_len, value, value_len);
    msg->text_len += key_len + value_len;
    msg->count++;
    return true;
}

void orl_hook_msg_init(struct orl_hook_msg *msg, const char *verb, uint64_t serial)
{
    memset(msg, 0, sizeof(*msg));
    msg->serial = serial;
    size_t len = strlen(verb);
    msg->is_failed = !is_name(verb, len);
    if (!msg->is_failed) {
        memcpy(msg->verb, verb, len + 1);
    }
}

void orl_hook_msg_put(struct orl_hook_msg *msg, const char *key, const char *value)
{
    const char *text = value != NULL ? value : "";
    if (!is_name(key, strlen(key)) || !orl_utf8_is_valid(text, strlen(text)) ||
            !add(msg, key, text)) {
        msg->is_failed = true;
    }
}

void orl_hook_msg_put_u64(struct orl_hook_msg *msg, const char *key, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    orl_hook_msg_put(msg, key, text);
}

const char *orl_hook_msg_get(const struct orl_hook_msg *msg, const char *key)
{
    const char *value = find(msg, key);
    return value != NULL ? value : "";
}

bool orl_hook_msg_is(const struct orl_hook_msg *msg, const char *verb)
{
    return strcmp(msg->verb, verb) == 0;
}

bool orl_hook_msg_get_u64(const struct orl_hook_msg *msg, const char *key, uint64_t *ret_value)
{
    const char *value = orl_hook_msg_get(msg, key);
    return read_u64(value, strlen(value), ret_value);
}

/* A message that is being written; is_failed when it is over ORL_HOOK_MSG_MAX. */
struct out {
    char *buf;
    size_t len;
    bool is_failed;
};

static void put(struct out *out, const char *bytes, size_t len)
{
    if (out->is_failed || len > ORL_HOOK_MSG_MAX - out->len) {
        out->is_failed = true;
        return;
    }
    memcpy(out->buf + out->len, bytes, len);
    out->len += len;
}

static void put_value(struct out *out, const char *value)
{
    static const char digits[] = "0123456789ABCDEF";
    for (const char *at = value; *at != '\0'; at++) {
        uint8_t c = (uint8_t)*at;
        const char code[3] = {'%', digits[c >> 4], digits[c & 15U]};
        put(out, is_plain(c) ? at : code, is_plain(c) ? 1 : sizeof(code));
    }
}

int orl_hook_msg_encode(const struct orl_hook_msg *msg, char *buf)
{
    if (msg->is_failed) {
        return ORL_E_INVAL;
    }
    struct out out = {.buf = buf};
    char serial[24];
    int serial_len = snprintf(serial, sizeof(serial), " %" PRIu64 "\n", msg->serial);
    put(&out, msg->verb, strlen(msg->verb));
    put(&out, serial, (size_t)serial_len);
    for (size_t i = 0; i < msg->count; i++) {
        const char *key = msg->text + msg->pairs[i].key;
        put(&out, key, strlen(key));
        put(&out, " ", 1);
        put_value(&out, msg->text + msg->pairs[i].value);
        put(&out, "\n", 1);
    }
    put(&out, ".\n", 2);
    return out.is_failed ? ORL_E_LIMIT : (int)out.len;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Into to, which has room for len + 1; false where it is not what put_value() writes. */
static bool read_value(const char *from, size_t len, char *to)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++, used++) {
        if (is_plain((uint8_t)from[i])) {
            to[used] = from[i];
            continue;
        }
        int high = from[i] == '%' && len - i > 2 ? hex_digit(from[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(from[i + 2]) : -1;
        if (low < 0) {
            return false;
        }
        to[used] = (char)(high << 4 | low);
        i += 2;
    }
    to[used] = '\0';
    return orl_utf8_is_valid(to, used);
}

static bool read_first(struct orl_hook_msg *msg, const char *line, size_t len)
{
    const char *space = memchr(line, ' ', len);
    size_t verb_len = space != NULL ? (size_t)(space - line) : 0;
    if (space == NULL || !is_name(line, verb_len)) {
        return false;
    }
    memcpy(msg->verb, line, verb_len);
    msg->verb[verb_len] = '\0';
    return read_u64(space + 1, len - verb_len - 1, &msg->serial);
}

static bool read_pair(struct orl_hook_msg *msg, const char *line, size_t len)
{
    const char *space = memchr(line, ' ', len);
    size_t key_len = space != NULL ? (size_t)(space - line) : 0;
    if (space == NULL || !is_name(line, key_len)) {
        return false;
    }
    char key[ORL_HOOK_NAME_MAX + 1];
    char value[ORL_HOOK_MSG_MAX];
    memcpy(key, line, key_len);
    key[key_len] = '\0';
    return read_value(space + 1, len - key_len - 1, value) && add(msg, key, value);
}

static int decode(const char *text, size_t len, struct orl_hook_msg *msg)
{
    /* What a broken message before it left, and no more than that. */
    memset(msg->verb, 0, sizeof(msg->verb));
    memset(msg->pairs, 0, msg->count * sizeof(msg->pairs[0]));
    memset(msg->text, 0, msg->text_len);
    msg->serial = 0;
    msg->count = msg->text_len = 0;
    size_t at = 0;
    size_t bound = len < ORL_HOOK_MSG_MAX ? len : ORL_HOOK_MSG_MAX;
    for (bool is_first = true;; is_first = false) {
        const char *line = text + at;
        const char *end = memchr(line, '\n', bound - at);
        if (end == NULL) {
            return len >= ORL_HOOK_MSG_MAX ? ORL_E_PROTO : 0;
        }
        size_t line_len = (size_t)(end - line);
        at += line_len + 1;
        if (!is_first && line_len == 1 && line[0] == '.') {
            return (int)at;
        }
        if (is_first ? !read_first(msg, line, line_len) : !read_pair(msg, line, line_len)) {
            return ORL_E_PROTO;
        }
    }
}

int orl_hook_msg_decode(const void *data, size_t len, struct orl_hook_msg *ret_msg)
{
    const char *at = data;
    const char *end = at + len;
    /* Cleared and wiped once, however many resets a peer sends. */
    struct orl_hook_msg msg = {.serial = 0};
    for (;;) {
        const char *reset = at < end ? memchr(at, ORL_HOOK_RESET, (size_t)(end - at)) : NULL;
        int used = decode(at, (size_t)((reset != NULL ? reset : end) - at), &msg);
        if (used > 0) {
            *ret_msg = msg;
            used += (int)(at - (const char *)data);
        }
        if (used > 0 || reset == NULL) {
            orl_hook_msg_wipe(&msg);
            return used;
        }
        at = reset + 1;
    }
}

void orl_hook_msg_wipe(struct orl_hook_msg *msg)
{
    volatile char *p = (volatile char *)msg;
    for (size_t i = 0; i < sizeof(*msg); i++) {
        p[i] = 0;
    }
}
