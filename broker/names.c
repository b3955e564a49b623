#include "broker/names.h"

#include "store/pool_settings.h"
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { TICKET_DIGITS = 16 };

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

/* ":2", ":16" at the end of text; *len is what is left of it. 0: it is none. */
static uint32_t cut_slot(const char *text, size_t *len)
{
    const char *colon = memchr(text, ':', *len);
    size_t digits = colon != NULL ? (size_t)(text + *len - colon) - 1 : 0;
    uint32_t slot = 0;
    if (digits < 1 || digits > 2 || colon[1] == '0') {
        return 0;
    }
    for (size_t i = 1; i <= digits; i++) {
        if (colon[i] < '0' || colon[i] > '9') {
            return 0;
        }
        slot = slot * 10 + (uint32_t)(colon[i] - '0');
    }
    *len = (size_t)(colon - text);
    return slot <= ORL_POOL_MAX_PER_USER ? slot : 0;
}

/* Copies in lower case. */
bool orl_names_pool_parse(
        const char *text, size_t len, char ret_pool[ORL_NAME_MAX + 1], uint32_t *ret_slot)
{
    char pool[ORL_NAME_MAX + 1] = {0};
    bool has_slot = memchr(text, ':', len) != NULL;
    uint32_t slot = cut_slot(text, &len);
    if (has_slot && slot == 0) {
        return false;
    }
    if (len > ORL_NAME_MAX) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        pool[i] = lower(text[i]);
    }
    if (!orl_name_is_valid(pool)) {
        return false;
    }
    memcpy(ret_pool, pool, sizeof(pool));
    *ret_slot = slot;
    return true;
}

bool orl_names_ticket_is_valid(const char *text)
{
    if (strlen(text) != 2 + TICKET_DIGITS || text[0] != 't' || text[1] != '-') {
        return false;
    }
    return strspn(text + 2, "0123456789abcdef") == TICKET_DIGITS;
}

bool orl_names_user_is_valid(const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len > ORL_LOGIN_NAME_MAX || !is_alnum(text[0])) {
        return false;
    }
    char folded[ORL_LOGIN_NAME_MAX + 1] = {0};
    for (size_t i = 0; i < len; i++) {
        if (!is_alnum(text[i]) && strchr("._-", text[i]) == NULL) {
            return false;
        }
        folded[i] = lower(text[i]);
    }
    return !orl_names_ticket_is_valid(folded);
}

bool orl_names_parse(
        const char *user, const char *domain, const char *cookie, struct orl_names *ret_names)
{
    struct orl_names names = {0};
    const char *back = strchr(user, '\\');
    const char *at = strrchr(user, '@');
    const char *begin = back != NULL ? back + 1 : user;
    const char *end = back == NULL && at != NULL ? at : user + strlen(user);
    if (begin == end || (size_t)(end - begin) > ORL_LOGIN_NAME_MAX) {
        return false;
    }
    for (const char *p = begin; p < end; p++) {
        names.user[p - begin] = *p;
    }
    if (back != NULL && back != user && strncmp(user, ".\\", 2) != 0) {
        if (!orl_names_pool_parse(user, (size_t)(back - user), names.pool, &names.slot)) {
            return false;
        }
    } else if (end == at &&
               !orl_names_pool_parse(at + 1, strlen(at + 1), names.pool, &names.slot)) {
        return false;
    }
    if (names.pool[0] == '\0' &&
            !orl_names_pool_parse(cookie, strlen(cookie), names.pool, &names.slot)) {
        (void)orl_names_pool_parse(domain, strlen(domain), names.pool, &names.slot);
    }
    char folded[ORL_LOGIN_NAME_MAX + 1] = {0};
    for (size_t i = 0; names.user[i] != '\0'; i++) {
        folded[i] = lower(names.user[i]);
    }
    names.is_ticket = orl_names_ticket_is_valid(folded);
    if (names.is_ticket) {
        memcpy(names.user, folded, sizeof(folded));
    } else if (!orl_names_user_is_valid(names.user)) {
        return false;
    }
    *ret_names = names;
    return true;
}

const char *orl_names_without_ticket(const char *text, char ret_hash[24])
{
    const char *id = text != NULL ? text : "";
    for (const char *at = id; *at != '\0'; at++) {
        id = *at == ':' || *at == '/' ? at + 1 : id;
    }
    if (!orl_names_ticket_is_valid(id)) {
        return text != NULL ? text : "";
    }
    uint8_t hash[crypto_generichash_BYTES_MIN];
    (void)crypto_generichash(hash, sizeof(hash), (const uint8_t *)id, strlen(id), NULL, 0);
    (void)snprintf(ret_hash, 24, "ticket#%02x%02x%02x%02x", hash[0], hash[1], hash[2], hash[3]);
    return ret_hash;
}
