/* What the head of a request says: bytes of a peer into bounded fields. */
#include "base/secret.h"
#include "base/utf8.h"
#include "broker/api.h"
#include "broker/http_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int hex_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* false: cut, a NUL, not UTF-8, or longer than ret_size. */
static bool unescape(const char *text, size_t len, char *ret, size_t ret_size)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            int high = i + 2 < len ? hex_of(text[i + 1]) : -1;
            int low = high >= 0 ? hex_of(text[i + 2]) : -1;
            if (low < 0) {
                return false;
            }
            c = high << 4 | low;
            i += 2;
        }
        if (c == 0 || used + 1 >= ret_size) {
            return false;
        }
        ret[used++] = (char)c;
    }
    ret[used] = '\0';
    return orl_utf8_is_valid(ret, used);
}

bool orl_http_query_get(
        const struct orl_http_req *req, const char *name, char *ret_value, size_t size)
{
    const char *at = req->query;
    size_t name_len = strlen(name);
    while (*at != '\0') {
        size_t len = strcspn(at, "&");
        if (len > name_len && at[name_len] == '=' && strncmp(at, name, name_len) == 0) {
            return unescape(at + name_len + 1, len - name_len - 1, ret_value, size);
        }
        at += len + (at[len] == '&');
    }
    return false;
}

enum orl_http_method orl_http_method_of(struct lws *wsi)
{
    static const struct {
        enum lws_token_indexes token;
        enum orl_http_method method;
    } methods[] = {{WSI_TOKEN_GET_URI, ORL_HTTP_GET}, {WSI_TOKEN_POST_URI, ORL_HTTP_POST},
            {WSI_TOKEN_PATCH_URI, ORL_HTTP_PATCH}, {WSI_TOKEN_DELETE_URI, ORL_HTTP_DELETE}};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (lws_hdr_total_length(wsi, methods[i].token) > 0) {
            return methods[i].method;
        }
    }
    return (enum orl_http_method)0;
}

/* libwebsockets ends the line at a %0a in its path, and takes what follows for headers. The version then is missing. */
static bool has_version(struct lws *wsi)
{
    char text[16];
    return lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP) > 0 &&
           strncasecmp(text, "HTTP/1.", 7) == 0;
}

bool orl_http_read_path(struct lws *wsi, const char *path, struct orl_http_req *req)
{
    int len = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS);
    int used = 0;
    if (len >= (int)sizeof(req->query) || strlen(path) >= sizeof(req->path) || !has_version(wsi) ||
            !orl_utf8_is_valid(path, strlen(path))) {
        return false;
    }
    memcpy(req->path, path, strlen(path) + 1);
    for (int i = 0; len > 0; i++) {
        int part = lws_hdr_copy_fragment(wsi, req->query + used, (int)sizeof(req->query) - used - 2,
                WSI_TOKEN_HTTP_URI_ARGS, i);
        if (part < 0) {
            break;
        }
        used += part;
        req->query[used++] = '&';
    }
    req->query[used > 0 ? used - 1 : 0] = '\0';
    return orl_utf8_is_valid(req->query, strlen(req->query));
}

long orl_http_content_length(struct lws *wsi)
{
    char text[16] = {0};
    /* A body of unsaid length would be read as the next request. */
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
        return -1;
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0) {
        return 0;
    }
    if (lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0) {
        return -1;
    }
    size_t len = strlen(text);
    return strspn(text, "0123456789") == len && len < 10 ? strtol(text, NULL, 10) : -1;
}

int orl_http_read_client(struct lws *wsi, char ret_client[ORL_ADDR_MAX + 1])
{
    static const char name[] = "x-oriel-client:";
    int len = lws_hdr_custom_length(wsi, name, sizeof(name) - 1);
    if (len < 0) {
        return 0;
    }
    bool is_good =
            len > 0 && len <= ORL_ADDR_MAX &&
            lws_hdr_custom_copy(wsi, ret_client, ORL_ADDR_MAX + 1, name, sizeof(name) - 1) == len;
    for (int i = 0; is_good && i < len; i++) {
        is_good = ret_client[i] > 0x20 && ret_client[i] < 0x7f;
    }
    return is_good ? 1 : ORL_E_PROTO;
}

static void copy_agent(struct lws *wsi, char ret_agent[ORL_WEBLOGIN_AGENT_MAX + 1])
{
    char text[1024];
    if (lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP_USER_AGENT) > 0) {
        size_t used = 0;
        for (const char *at = text; *at != '\0' && used < ORL_WEBLOGIN_AGENT_MAX; at++) {
            ret_agent[used++] = (char)(*at >= 0x20 && *at < 0x7f ? *at : '?');
        }
        ret_agent[used] = '\0';
    }
}

static bool is_json(struct lws *wsi)
{
    static const char json[] = "application/json";
    char text[80];
    return lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP_CONTENT_TYPE) > 0 &&
           strncasecmp(text, json, sizeof(json) - 1) == 0 &&
           strchr("; \t", text[sizeof(json) - 1]) != NULL;
}

static void copy_cookie(struct lws *wsi, struct orl_http_req *req)
{
    char text[ORL_HTTP_HEAD_MAX];
    int len = lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP_COOKIE);
    req->has_cookie = len > 0 && orl_cookie_find(text, (size_t)len, req->token);
    orl_secret_wipe(text, sizeof(text));
}

void orl_http_read_browser(struct lws *wsi, struct orl_http_req *req)
{
    req->is_json = is_json(wsi);
    copy_agent(wsi, req->agent);
    copy_cookie(wsi, req);
}

void orl_http_read_if_match(struct lws *wsi, struct orl_http_req *req)
{
    char text[sizeof(req->if_match)];
    int len = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_IF_MATCH);
    if (len > 0) {
        bool is_good = len == ORL_HTTP_ETAG_LEN &&
                       lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP_IF_MATCH) == len;
        bool is_any = len == 1 &&
                      lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP_IF_MATCH) == 1 &&
                      text[0] == '*';
        orl_msg_text(req->if_match, sizeof(req->if_match), is_good ? text : is_any ? "" : "?");
    }
}

void orl_http_read_bearer(struct lws *wsi, struct orl_http_req *req)
{
    static const char scheme[] = "Bearer ";
    char text[sizeof(scheme) + ORL_BEARER_LEN];
    int len = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
    req->has_bearer = len > 0;
    /* What can be no token of ours stays empty, which is nobody's. */
    if (len == (int)sizeof(text) - 1 &&
            lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP_AUTHORIZATION) == len &&
            strncasecmp(text, scheme, sizeof(scheme) - 1) == 0) {
        memcpy(req->bearer, text + sizeof(scheme) - 1, ORL_BEARER_LEN + 1);
    }
    orl_secret_wipe(text, sizeof(text));
}
