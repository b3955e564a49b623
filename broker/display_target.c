#include "broker/display_target.h"
#include "store/rdp_login.h"

#include <stddef.h>
#include <string.h>

enum { UNIX_PATH_MAX_LEN = 107 }; /* sun_path without its NUL, unix(7) */

static bool is_port(const char *text)
{
    size_t len = strlen(text);
    unsigned value = 0;
    if (len == 0 || len > 5 || strspn(text, "0123456789") != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    return value >= 1 && value <= 65535;
}

/* "NAME" or "NAME@URI". */
static bool is_domain(const char *text)
{
    static const char uri[] =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_+:/?=&@%[]~";
    size_t len = strcspn(text, "@");
    const char *at = text[len] != '\0' ? text + len + 1 : "";
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == '/' || text[i] == 0x7f) {
            return false;
        }
    }
    /* What the store puts after a name that is shown by RDP is no part of one. */
    return len > 0 && strstr(text, ORL_RDP_TARGET_BESIDE) == NULL &&
           (text[len] == '\0' || (strspn(at, uri) == strlen(at) && strstr(at, "://") != NULL));
}

bool orl_display_target_is_valid(const char *text)
{
    static const char names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    if (strncmp(text, "domain:", 7) == 0) {
        return is_domain(text + 7);
    }
    if (strncmp(text, "unix:", 5) == 0) {
        const char *path = text + 5;
        return path[0] == '/' && strlen(path) <= UNIX_PATH_MAX_LEN && strstr(path, "/../") == NULL;
    }
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text || !is_port(colon + 1)) {
        return false;
    }
    size_t len = (size_t)(colon - text);
    if (text[0] == '[') {
        return len > 2 && text[len - 1] == ']' &&
               strspn(text + 1, "0123456789abcdefABCDEF:.%") == len - 2;
    }
    return strspn(text, names) == len && text[0] != '-';
}
