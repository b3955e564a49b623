#include "base/cookie.h"

#include "base/sha256.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool orl_cookie_token_is_valid(const char *token, size_t len)
{
    if (len != ORL_COOKIE_TOKEN_LEN) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (memchr(alphabet, token[i], sizeof(alphabet) - 1) == NULL) {
            return false;
        }
    }
    return true;
}

bool orl_cookie_find(const char *header, size_t len, char ret_token[ORL_COOKIE_TOKEN_LEN + 1])
{
    static const char name[] = ORL_COOKIE_NAME "=";
    const char *end = header + len;
    const char *found = NULL;
    size_t found_len = 0;
    for (const char *at = header; at < end;) {
        const char *stop = memchr(at, ';', (size_t)(end - at));
        const char *next = stop != NULL ? stop + 1 : end;
        stop = stop != NULL ? stop : end;
        while (at < stop && (*at == ' ' || *at == '\t')) {
            at++;
        }
        while (stop > at && (stop[-1] == ' ' || stop[-1] == '\t')) {
            stop--;
        }
        if ((size_t)(stop - at) >= sizeof(name) - 1 && memcmp(at, name, sizeof(name) - 1) == 0) {
            if (found != NULL) {
                return false; /* somebody planted one beside it */
            }
            found = at + sizeof(name) - 1;
            found_len = (size_t)(stop - found);
        }
        at = next;
    }
    if (found == NULL || !orl_cookie_token_is_valid(found, found_len)) {
        return false;
    }
    memcpy(ret_token, found, found_len);
    ret_token[found_len] = '\0';
    return true;
}

void orl_cookie_binding(
        const char token[ORL_COOKIE_TOKEN_LEN + 1], char ret_binding[ORL_COOKIE_BINDING_LEN + 1])
{
    orl_sha256(token, ORL_COOKIE_TOKEN_LEN, ret_binding);
}

bool orl_cookie_binding_is_valid(const char *binding)
{
    return strlen(binding) == ORL_COOKIE_BINDING_LEN &&
           strspn(binding, "0123456789abcdef") == ORL_COOKIE_BINDING_LEN;
}
