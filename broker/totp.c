#include "broker/totp.h"

#include "base/ipc_msgs.h"
#include "base/secret.h"

#include <liboath/oath.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP_S = 30, WINDOW = 1, PURPOSE_BYTES = ORL_USER_MAX + 8 };

int orl_totp_init(struct orl_err *err)
{
    return oath_init() == OATH_OK ? 0 : orl_err_set(err, ORL_E_BACKEND, "liboath does not start");
}

static void purpose_of(const char *user, char ret_purpose[PURPOSE_BYTES])
{
    (void)snprintf(ret_purpose, PURPOSE_BYTES, "totp:%s", user);
}

static int to_base32(const uint8_t *secret, char ret_text[ORL_TOTP_TEXT_LEN + 1])
{
    char *text = NULL;
    size_t len = 0;
    if (oath_base32_encode((const char *)secret, ORL_TOTP_SECRET_BYTES, &text, &len) != OATH_OK) {
        return ORL_E_NOMEM;
    }
    bool fits = len == ORL_TOTP_TEXT_LEN;
    if (fits) {
        memcpy(ret_text, text, len);
        ret_text[len] = '\0';
    }
    orl_secret_wipe(text, len);
    free(text);
    return fits ? 0 : ORL_E_BACKEND;
}

int orl_totp_new(const struct orl_seal_key *key, const char *user, char *ret_sealed,
        size_t sealed_size, char ret_text[ORL_TOTP_TEXT_LEN + 1])
{
    uint8_t secret[ORL_TOTP_SECRET_BYTES];
    char purpose[PURPOSE_BYTES];
    orl_secret_random(secret, sizeof(secret));
    purpose_of(user, purpose);
    int rc = to_base32(secret, ret_text);
    rc = rc < 0 ? rc : orl_seal(key, purpose, secret, sizeof(secret), ret_sealed, sealed_size);
    orl_secret_wipe(secret, sizeof(secret));
    return rc;
}

static void put_escaped(const char *text, char *ret, size_t size)
{
    size_t used = 0;
    ret[0] = '\0';
    for (; *text != '\0' && used + 4 <= size; text++) {
        unsigned char c = (unsigned char)*text;
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                        (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_';
        int len = snprintf(ret + used, size - used, is_plain ? "%c" : "%%%02X", c);
        used += len > 0 ? (size_t)len : 0;
    }
}

void orl_totp_uri(const char *issuer, const char *user, const char text[ORL_TOTP_TEXT_LEN + 1],
        char ret_uri[ORL_TOTP_URI_MAX + 1])
{
    char who[200];
    char where[100];
    put_escaped(user, who, sizeof(who));
    put_escaped(issuer, where, sizeof(where));
    (void)snprintf(ret_uri, ORL_TOTP_URI_MAX + 1, "otpauth://totp/%s:%s?secret=%s&issuer=%s", where,
            who, text, where);
}

bool orl_totp_parse(const char *text, char ret_code[ORL_TOTP_DIGITS + 1])
{
    unsigned count = 0;
    for (; *text != '\0'; text++) {
        if (*text >= '0' && *text <= '9' && count < ORL_TOTP_DIGITS) {
            ret_code[count++] = *text;
        } else if (*text != ' ') {
            return false;
        }
    }
    ret_code[count] = '\0';
    return count == ORL_TOTP_DIGITS;
}

int orl_totp_check(const struct orl_seal_key *key, const char *user, const char *sealed,
        const char code[ORL_TOTP_DIGITS + 1], uint64_t now_ms, uint64_t *ret_step)
{
    char secret[ORL_TOTP_SECRET_BYTES];
    char purpose[PURPOSE_BYTES];
    size_t len = 0;
    purpose_of(user, purpose);
    if (orl_unseal(key, purpose, sealed, secret, sizeof(secret), &len) < 0) {
        return ORL_E_BACKEND;
    }
    uint64_t step = 0;
    int rc = oath_totp_validate3(
            secret, len, (time_t)(now_ms / 1000), STEP_S, 0, WINDOW, NULL, &step, code);
    orl_secret_wipe(secret, sizeof(secret));
    if (rc < 0) {
        return rc == OATH_INVALID_OTP ? ORL_E_DENIED : ORL_E_BACKEND;
    }
    *ret_step = step;
    return 0;
}
