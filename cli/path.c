#include "cli/path.h"

#include <string.h>

bool orl_cli_path_escape(char *path, size_t *len, const char *text)
{
    /* Unreserved characters stay (RFC 3986 2.3). */
    static const char keep[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    static const char hex[] = "0123456789ABCDEF";
    for (const char *c = text; *c != '\0'; c++) {
        if (*len + 3 > ORL_CLI_PATH_MAX) {
            return false;
        }
        if (strchr(keep, *c) != NULL) {
            path[(*len)++] = *c;
        } else {
            path[(*len)++] = '%';
            path[(*len)++] = hex[(unsigned char)*c >> 4];
            path[(*len)++] = hex[(unsigned char)*c & 15U];
        }
    }
    path[*len] = '\0';
    return true;
}

bool orl_cli_path_query(char *path, const char *key, const char *value)
{
    size_t len = strlen(path);
    if (len + 2 + strlen(key) > ORL_CLI_PATH_MAX) {
        return false;
    }
    path[len] = strchr(path, '?') == NULL ? '?' : '&';
    path[++len] = '\0';
    bool is_fit = orl_cli_path_escape(path, &len, key) && len < ORL_CLI_PATH_MAX;
    if (is_fit) {
        path[len++] = '=';
        path[len] = '\0';
        is_fit = orl_cli_path_escape(path, &len, value);
    }
    return is_fit;
}
