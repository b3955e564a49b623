#include "vmpool/json_top.h"
#include <stdlib.h>
#include <string.h>

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* at is on a quote; returns what follows the closing one, or NULL. */
static const char *skip_string(const char *at)
{
    for (at++; *at && *at != '"'; at++) {
        if (*at == '\\' && !*++at) {
            return NULL;
        }
    }
    return *at ? at + 1 : NULL;
}

/* The value of key in the outermost object, or NULL. */
static const char *find(const char *json, const char *key)
{
    size_t key_len = strlen(key);
    unsigned depth = 0;
    for (const char *at = json; at && *at;) {
        if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']') {
            depth -= depth > 0;
        }
        if (*at != '"') {
            at++;
            continue;
        }
        const char *start = at + 1;
        at = skip_string(at);
        const char *after = at ? skip_space(at) : NULL;
        if (depth == 1 && after && *after == ':' && (size_t)(at - 1 - start) == key_len &&
                memcmp(start, key, key_len) == 0) {
            return skip_space(after + 1);
        }
    }
    return NULL;
}

bool orl_json_top_text(const char *json, const char *key, char *ret, size_t size)
{
    const char *value = find(json, key);
    if (!value || *value != '"') {
        return false;
    }
    size_t len = strcspn(value + 1, "\"\\");
    if (value[1 + len] != '"' || len >= size) {
        return false;
    }
    memcpy(ret, value + 1, len);
    ret[len] = '\0';
    return true;
}

bool orl_json_top_u64(const char *json, const char *key, uint64_t *ret)
{
    const char *value = find(json, key);
    if (!value || *value < '0' || *value > '9') {
        return false;
    }
    char *end = NULL;
    unsigned long long number = strtoull(value, &end, 10);
    if (*end == '.' || *end == 'e' || *end == 'E') {
        return false;
    }
    *ret = number;
    return true;
}

bool orl_json_top_has(const char *json, const char *key)
{
    return find(json, key) != NULL;
}
