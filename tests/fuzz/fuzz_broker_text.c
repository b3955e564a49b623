/* What clients and API callers write: login names, display targets, JSON bodies, queries, paths,
 * addresses, NTLM names, cookies, codes. */
#include "base/cookie.h"
#include "broker/api.h"
#include "broker/display_target.h"
#include "broker/names.h"
#include "broker/ntlm_verify.h"
#include "broker/totp.h"

#include <stdlib.h>
#include <string.h>

struct out {
    char name[32];
    uint32_t count;
    bool is_on;
};
static const struct orl_api_field fields[] = {
        {"name", ORL_API_STR, offsetof(struct out, name), 32, 0, true, NULL},
        {"count", ORL_API_U32, offsetof(struct out, count), 0, 100, false, NULL},
        {"on", ORL_API_BOOL, offsetof(struct out, is_on), 0, 0, false, NULL},
        {0},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_names(const char *text)
{
    struct orl_names names;
    const char *colon = strchr(text, ':');
    const char *rest = colon != NULL ? colon + 1 : "";
    if (orl_names_parse(text, rest, rest, &names)) {
        orl_assert(names.is_ticket ? orl_names_ticket_is_valid(names.user)
                                   : orl_names_user_is_valid(names.user));
        orl_assert(names.pool[0] == '\0' || orl_name_is_valid(names.pool));
    }
    (void)orl_display_target_is_valid(text);
}

static void try_json(const char *text, size_t len)
{
    struct out out = {0};
    uint64_t seen = 0;
    json_t *root = orl_api_parse(text, len, NULL);
    if (root != NULL && orl_api_fields_read(root, fields, &out, &seen, NULL) == 0) {
        orl_assert(strlen(out.name) < sizeof(out.name) && out.count <= 100);
    }
    json_decref(root);
}

static void try_query(const char *text)
{
    static const char *const names[] = {"user", "pool", "a", ""};
    struct orl_http_req req = {0};
    struct orl_api_args args = {0};
    char value[16];
    orl_msg_text(req.query, sizeof(req.query), text);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (orl_http_query_get(&req, names[i], value, sizeof(value))) {
            orl_assert(strlen(value) < sizeof(value));
        }
    }
    for (const struct orl_api_route *route = orl_api_routes; route->pattern != NULL; route++) {
        if (orl_api_path_matches(route->pattern, text, &args)) {
            orl_assert(strlen(args.arg[0]) <= ORL_API_SEGMENT_MAX);
        }
    }
}

static void try_address(const char *text)
{
    char prefix[ORL_ADDR_MAX + 1];
    orl_audit_prefix(text, prefix);
    orl_assert(strlen(prefix) <= ORL_ADDR_MAX);
}

static void try_code(const char *text)
{
    char code[ORL_TOTP_DIGITS + 1] = "";
    char uri[ORL_TOTP_URI_MAX + 1];
    static const char secret[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    if (orl_totp_parse(text, code)) {
        orl_assert(
                strlen(code) == ORL_TOTP_DIGITS && strspn(code, "0123456789") == ORL_TOTP_DIGITS);
    }
    orl_totp_uri(text, text, secret, uri);
    orl_assert(strncmp(uri, "otpauth://totp/", 15) == 0 && strchr(uri, ' ') == NULL);
}

static void try_cookie(const uint8_t *data, size_t size)
{
    char token[ORL_COOKIE_TOKEN_LEN + 1];
    char binding[ORL_COOKIE_BINDING_LEN + 1];
    if (orl_cookie_find((const char *)data, size, token)) {
        orl_assert(orl_cookie_token_is_valid(token, strlen(token)));
        orl_cookie_binding(token, binding);
        orl_assert(orl_cookie_binding_is_valid(binding));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct orl_ntlm *ntlm;
    uint8_t hash[ORL_NTLM_HASH_LEN] = {0};
    char *text = malloc(size + 1);
    if (text == NULL || (ntlm == NULL && orl_ntlm_new(&ntlm, NULL) < 0)) {
        abort();
    }
    memcpy(text, data, size);
    text[size] = '\0';
    try_names(text);
    try_json(text, size);
    try_query(text);
    try_address(text);
    try_cookie(data, size);
    try_code(text);
    (void)!orl_ntlm_ntowfv2(ntlm, hash, "user", text, hash);
    free(text);
    return 0;
}
