#include "broker/ntlm_verify.h"

#include "base/digest.h"
#include "base/secret.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    PASSWORD_MAX = 127,
    USER_MAX = 255,
    DOMAIN_MAX = 255,
    PROOF_MIN = 8 + 28, /* ServerChallenge and temp without AV pairs, 2.2.2.7 */
};

struct orl_ntlm {
    struct orl_digest *digest;
};

int orl_ntlm_new(struct orl_ntlm **ret_ntlm, struct orl_err *err)
{
    struct orl_ntlm *ntlm = calloc(1, sizeof(*ntlm));
    if (ntlm == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "NTLM: out of memory");
    }
    int rc = orl_digest_new(&ntlm->digest, err);
    if (rc < 0) {
        free(ntlm);
        return rc;
    }
    *ret_ntlm = ntlm;
    return 0;
}

void orl_ntlm_free(struct orl_ntlm *ntlm)
{
    if (ntlm != NULL) {
        orl_digest_free(ntlm->digest);
        free(ntlm);
    }
}

/* Puts ASCII text as UTF-16LE; false when it is not ASCII or too long. */
static bool put_ascii(
        const char *text, size_t max_len, bool is_upper, uint8_t *ret, size_t *ret_len)
{
    size_t len = strlen(text);
    if (len > max_len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x80) {
            return false;
        }
        if (is_upper && c >= 'a' && c <= 'z') {
            c = (unsigned char)(c - 'a' + 'A');
        }
        ret[2 * i] = c;
        ret[2 * i + 1] = 0;
    }
    *ret_len = 2 * len;
    return true;
}

/* One code point of UTF-8; gives the bytes it took, or 0: overlong, surrogate or cut. */
static size_t get_utf8(const unsigned char *at, uint32_t *ret_code)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (at[0] < 0x80) {
        *ret_code = at[0];
        return 1;
    }
    size_t len = (at[0] & 0xe0U) == 0xc0U ? 2 : (at[0] & 0xf0U) == 0xe0U ? 3 : 4;
    if (at[0] < 0xc2 || at[0] > 0xf4) {
        return 0;
    }
    uint32_t code = at[0] & (0xffU >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0U) != 0x80U) { /* also at the NUL of a cut text */
            return 0;
        }
        code = code << 6 | (at[i] & 0x3fU);
    }
    if (code < smallest[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        return 0;
    }
    *ret_code = code;
    return len;
}

static size_t put_unit(uint8_t *ret, uint32_t unit)
{
    ret[0] = (uint8_t)(unit & 0xffU);
    ret[1] = (uint8_t)(unit >> 8 & 0xffU);
    return 2;
}

/* ret has room for 2 bytes per byte of text, which is enough for any UTF-8. */
static bool put_utf8(const char *text, uint8_t *ret, size_t *ret_len)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t len = 0;
    while (*at != 0) {
        uint32_t code;
        size_t used = get_utf8(at, &code);
        if (used == 0) {
            return false;
        }
        at += used;
        if (code >= 0x10000) {
            len += put_unit(ret + len, 0xd800 + ((code - 0x10000) >> 10));
            code = 0xdc00 + ((code - 0x10000) & 0x3ffU);
        }
        len += put_unit(ret + len, code);
    }
    *ret_len = len;
    return true;
}

static bool hmac_md5(struct orl_ntlm *ntlm, const uint8_t key[ORL_NTLM_HASH_LEN],
        const uint8_t *data, size_t len, uint8_t ret_mac[ORL_NTLM_HASH_LEN])
{
    return orl_digest_hmac_md5(ntlm->digest, key, data, len, ret_mac) == 0;
}

int orl_ntlm_nt_hash(
        struct orl_ntlm *ntlm, const char *password, uint8_t ret_hash[ORL_NTLM_HASH_LEN])
{
    uint8_t wide[2 * PASSWORD_MAX];
    size_t len;
    if (!put_ascii(password, PASSWORD_MAX, false, wide, &len)) {
        return ORL_E_INVAL;
    }
    int rc = orl_digest_md4(ntlm->digest, wide, len, ret_hash);
    orl_secret_wipe(wide, sizeof(wide));
    return rc;
}

int orl_ntlm_ntowfv2(struct orl_ntlm *ntlm, const uint8_t nt_hash[ORL_NTLM_HASH_LEN],
        const char *user, const char *domain, uint8_t ret_ntowfv2[ORL_NTLM_HASH_LEN])
{
    uint8_t wide[2 * USER_MAX + 2 * DOMAIN_MAX];
    size_t user_len;
    size_t domain_len;
    if (!put_ascii(user, USER_MAX, true, wide, &user_len) || strlen(domain) > DOMAIN_MAX ||
            !put_utf8(domain, wide + user_len, &domain_len)) {
        return ORL_E_INVAL;
    }
    return hmac_md5(ntlm, nt_hash, wide, user_len + domain_len, ret_ntowfv2) ? 0 : ORL_E_BACKEND;
}

int orl_ntlm_verify(struct orl_ntlm *ntlm, const uint8_t nt_hash[ORL_NTLM_HASH_LEN],
        const struct orl_ntlm_proof *proof, uint8_t ret_ntowfv2[ORL_NTLM_HASH_LEN])
{
    struct {
        uint8_t ntowfv2[ORL_NTLM_HASH_LEN];
        uint8_t nt_proof[ORL_NTLM_HASH_LEN];
        uint8_t base_key[ORL_NTLM_HASH_LEN];
        uint8_t exported_key[ORL_NTLM_HASH_LEN];
        uint8_t mic[ORL_NTLM_HASH_LEN];
    } k;
    if (proof->proof_len < PROOF_MIN || proof->messages_len == 0) {
        return ORL_E_INVAL;
    }
    int rc = orl_ntlm_ntowfv2(ntlm, nt_hash, proof->user, proof->domain, k.ntowfv2);
    if (rc == 0) {
        bool is_done =
                hmac_md5(ntlm, k.ntowfv2, proof->proof, proof->proof_len, k.nt_proof) &&
                hmac_md5(ntlm, k.ntowfv2, k.nt_proof, sizeof(k.nt_proof), k.base_key) &&
                orl_digest_rc4(ntlm->digest, k.base_key, proof->session_key, k.exported_key) == 0 &&
                hmac_md5(ntlm, k.exported_key, proof->messages, proof->messages_len, k.mic);
        rc = is_done ? 0 : ORL_E_BACKEND;
    }
    if (rc == 0) {
        rc = orl_secret_is_equal(k.mic, proof->mic, sizeof(k.mic)) ? 0 : ORL_E_DENIED;
    }
    if (rc == 0) {
        memcpy(ret_ntowfv2, k.ntowfv2, sizeof(k.ntowfv2));
    }
    orl_secret_wipe(&k, sizeof(k));
    return rc;
}
