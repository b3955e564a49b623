#include "broker/ntlm_verify.h"

#include "base/secret.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
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
    OSSL_LIB_CTX *lib;
    OSSL_PROVIDER *legacy;
    OSSL_PROVIDER *normal;
    EVP_MD *md4;
    EVP_CIPHER *rc4;
    EVP_MAC *hmac;
};

int orl_ntlm_new(struct orl_ntlm **ret_ntlm, struct orl_err *err)
{
    struct orl_ntlm *ntlm = calloc(1, sizeof(*ntlm));
    if (ntlm == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "NTLM: out of memory");
    }
    ntlm->lib = OSSL_LIB_CTX_new();
    if (ntlm->lib != NULL) {
        ntlm->legacy = OSSL_PROVIDER_load(ntlm->lib, "legacy");
        ntlm->normal = OSSL_PROVIDER_load(ntlm->lib, "default");
        ntlm->md4 = EVP_MD_fetch(ntlm->lib, "MD4", NULL);
        ntlm->rc4 = EVP_CIPHER_fetch(ntlm->lib, "RC4", NULL);
        ntlm->hmac = EVP_MAC_fetch(ntlm->lib, "HMAC", NULL);
    }
    if (ntlm->md4 == NULL || ntlm->rc4 == NULL || ntlm->hmac == NULL) {
        orl_ntlm_free(ntlm);
        return orl_err_set(err, ORL_E_UNSUPPORTED,
                "OpenSSL has no legacy provider (legacy.so, package libssl3), which tickets need");
    }
    *ret_ntlm = ntlm;
    return 0;
}

void orl_ntlm_free(struct orl_ntlm *ntlm)
{
    if (ntlm == NULL) {
        return;
    }
    EVP_MAC_free(ntlm->hmac);
    EVP_CIPHER_free(ntlm->rc4);
    EVP_MD_free(ntlm->md4);
    if (ntlm->normal != NULL) {
        (void)OSSL_PROVIDER_unload(ntlm->normal);
    }
    if (ntlm->legacy != NULL) {
        (void)OSSL_PROVIDER_unload(ntlm->legacy);
    }
    OSSL_LIB_CTX_free(ntlm->lib);
    free(ntlm);
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
    char digest[] = "MD5";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
            OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(ntlm->hmac);
    size_t mac_len = 0;
    bool is_done = ctx != NULL && EVP_MAC_init(ctx, key, ORL_NTLM_HASH_LEN, params) == 1 &&
                   EVP_MAC_update(ctx, data, len) == 1 &&
                   EVP_MAC_final(ctx, ret_mac, &mac_len, ORL_NTLM_HASH_LEN) == 1;
    EVP_MAC_CTX_free(ctx);
    return is_done && mac_len == ORL_NTLM_HASH_LEN;
}

static bool rc4(struct orl_ntlm *ntlm, const uint8_t key[ORL_NTLM_HASH_LEN], const uint8_t *in,
        uint8_t ret_out[ORL_NTLM_HASH_LEN])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0;
    bool is_done = ctx != NULL && EVP_DecryptInit_ex2(ctx, ntlm->rc4, key, NULL, NULL) == 1 &&
                   EVP_DecryptUpdate(ctx, ret_out, &len, in, ORL_NTLM_HASH_LEN) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return is_done && len == ORL_NTLM_HASH_LEN;
}

int orl_ntlm_nt_hash(
        struct orl_ntlm *ntlm, const char *password, uint8_t ret_hash[ORL_NTLM_HASH_LEN])
{
    uint8_t wide[2 * PASSWORD_MAX];
    size_t len;
    if (!put_ascii(password, PASSWORD_MAX, false, wide, &len)) {
        return ORL_E_INVAL;
    }
    int done = EVP_Digest(wide, len, ret_hash, NULL, ntlm->md4, NULL);
    orl_secret_wipe(wide, sizeof(wide));
    return done == 1 ? 0 : ORL_E_BACKEND;
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
        bool is_done = hmac_md5(ntlm, k.ntowfv2, proof->proof, proof->proof_len, k.nt_proof) &&
                       hmac_md5(ntlm, k.ntowfv2, k.nt_proof, sizeof(k.nt_proof), k.base_key) &&
                       rc4(ntlm, k.base_key, proof->session_key, k.exported_key) &&
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
