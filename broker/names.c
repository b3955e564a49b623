#include "broker/names.h"

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

/* Copies in lower case; false when it is not a pool's name. */
static bool get_pool(const char *text, size_t len, char ret_pool[ORL_NAME_MAX + 1])
{
    char pool[ORL_NAME_MAX + 1] = {0};
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
        if (!get_pool(user, (size_t)(back - user), names.pool)) {
            return false;
        }
    } else if (end == at && !get_pool(at + 1, strlen(at + 1), names.pool)) {
        return false;
    }
    if (names.pool[0] == '\0' && !get_pool(cookie, strlen(cookie), names.pool)) {
        (void)get_pool(domain, strlen(domain), names.pool);
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
