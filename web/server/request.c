#include "web/server/request.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Every segment but the last has a character, none is "." or "..". */
static bool has_plain_segments(const char *path)
{
    while (*path == '/') {
        const char *segment = path + 1;
        size_t len = strcspn(segment, "/");
        bool is_last = segment[len] == '\0';
        if ((len == 0 && !is_last) || (len == 1 && segment[0] == '.') ||
                (len == 2 && memcmp(segment, "..", 2) == 0)) {
            return false;
        }
        path = segment + len;
    }
    return *path == '\0';
}

static bool has_plain_bytes(const char *path)
{
    for (const char *at = path; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c < 0x20 || c == 0x7f || c == '\\' || c == '%') {
            return false;
        }
    }
    return true;
}

enum orl_route orl_request_route(const char *path)
{
    if (path[0] != '/' || strlen(path) > ORL_REQUEST_PATH_MAX || !has_plain_bytes(path) ||
            !has_plain_segments(path)) {
        return ORL_ROUTE_NONE;
    }
    if (strcmp(path, "/ws/desktop") == 0) {
        return ORL_ROUTE_DESKTOP;
    }
    if (strcmp(path, "/ws/aux") == 0) {
        return ORL_ROUTE_AUX;
    }
    if (strncmp(path, "/upload/", 8) == 0) {
        return path[8] != '\0' && strchr(path + 8, '/') == NULL ? ORL_ROUTE_UPLOAD : ORL_ROUTE_NONE;
    }
    if (strcmp(path, "/api") == 0 || strncmp(path, "/api/", 5) == 0) {
        return strncmp(path, "/api/v1/", 8) == 0 && path[8] != '\0' ? ORL_ROUTE_API
                                                                    : ORL_ROUTE_NONE;
    }
    return ORL_ROUTE_PAGE;
}

static bool escape(const char *text, const char *plain, char *ret, size_t size)
{
    size_t used = 0;
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (used + 4 > size) {
            return false;
        }
        if (c < 0x80 && (isalnum(c) != 0 || strchr(plain, c) != NULL)) {
            ret[used++] = (char)c;
        } else {
            used += (size_t)snprintf(ret + used, size - used, "%%%02X", (unsigned)c);
        }
    }
    if (used >= size) {
        return false;
    }
    ret[used] = '\0';
    return true;
}

bool orl_request_escape(const char *path, char *ret, size_t size)
{
    return escape(path, "-._~/!$&'()*+,;=:@", ret, size); /* RFC 3986 3.3 */
}

bool orl_request_broker_path(const char *path, char *ret, size_t size)
{
    return orl_request_route(path) == ORL_ROUTE_API && orl_request_escape(path + 4, ret, size);
}

bool orl_request_add_query(char *path, size_t size, const char *piece, bool is_first)
{
    size_t used = strlen(path);
    size_t name_len = strcspn(piece, "=");
    char name[ORL_REQUEST_PATH_MAX + 1];
    if (used + 2 >= size || name_len >= sizeof(name)) {
        return false;
    }
    memcpy(name, piece, name_len);
    name[name_len] = '\0';
    path[used++] = is_first ? '?' : '&';
    if (!escape(name, "-._~", path + used, size - used)) {
        return false;
    }
    used += strlen(path + used);
    if (piece[name_len] == '\0') {
        return true;
    }
    if (used + 2 >= size) {
        return false;
    }
    path[used++] = '=';
    return escape(piece + name_len + 1, "-._~", path + used, size - used);
}

bool orl_request_origin_is_valid(const char *text)
{
    static const char scheme[] = "https://";
    const char *host = text + sizeof(scheme) - 1;
    return strncmp(text, scheme, sizeof(scheme) - 1) == 0 && *host != '\0' &&
           strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-.:[]") == strlen(host);
}

bool orl_request_origin_may(const char *const *list, const char *origin, const char *host)
{
    if (!orl_request_origin_is_valid(origin) || strcmp(origin + strlen("https://"), host) != 0) {
        return false;
    }
    for (; list != NULL && *list != NULL; list++) {
        if (strcmp(*list, origin) == 0) {
            return true;
        }
    }
    return false;
}

bool orl_offer_parse(const char *header, struct orl_offer *ret_offer)
{
    static const char head[] = "binary, oriel.";
    static const char short_head[] = "binary,oriel.";
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    const char *at = header;
    if (strncmp(at, head, sizeof(head) - 1) == 0) {
        at += sizeof(head) - 1;
    } else if (strncmp(at, short_head, sizeof(short_head) - 1) == 0) {
        at += sizeof(short_head) - 1;
    } else {
        return false;
    }
    if (strlen(at) != ORL_OFFER_TICKET_LEN + 1 + ORL_OFFER_PASSWORD_LEN ||
            at[ORL_OFFER_TICKET_LEN] != '.' || strncmp(at, "t-", 2) != 0 ||
            strspn(at + 2, "0123456789abcdef") != ORL_OFFER_TICKET_LEN - 2 ||
            strspn(at + ORL_OFFER_TICKET_LEN + 1, letters) != ORL_OFFER_PASSWORD_LEN) {
        return false;
    }
    memcpy(ret_offer->ticket, at, ORL_OFFER_TICKET_LEN);
    ret_offer->ticket[ORL_OFFER_TICKET_LEN] = '\0';
    memcpy(ret_offer->password, at + ORL_OFFER_TICKET_LEN + 1, ORL_OFFER_PASSWORD_LEN + 1);
    return true;
}
