#include "base/digest.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stdbool.h>
#include <stdlib.h>

struct orl_digest {
    OSSL_LIB_CTX *lib;
    OSSL_PROVIDER *legacy;
    OSSL_PROVIDER *normal;
    EVP_MD *md4;
    EVP_CIPHER *rc4;
    EVP_MAC *hmac;
};

int orl_digest_new(struct orl_digest **ret_digest, struct orl_err *err)
{
    struct orl_digest *digest = calloc(1, sizeof(*digest));
    if (digest == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "digests: out of memory");
    }
    digest->lib = OSSL_LIB_CTX_new();
    if (digest->lib != NULL) {
        digest->legacy = OSSL_PROVIDER_load(digest->lib, "legacy");
        digest->normal = OSSL_PROVIDER_load(digest->lib, "default");
        digest->md4 = EVP_MD_fetch(digest->lib, "MD4", NULL);
        digest->rc4 = EVP_CIPHER_fetch(digest->lib, "RC4", NULL);
        digest->hmac = EVP_MAC_fetch(digest->lib, "HMAC", NULL);
    }
    if (digest->md4 == NULL || digest->rc4 == NULL || digest->hmac == NULL) {
        orl_digest_free(digest);
        return orl_err_set(err, ORL_E_UNSUPPORTED,
                "OpenSSL has no legacy provider (legacy.so, package libssl3), which tickets need");
    }
    *ret_digest = digest;
    return 0;
}

void orl_digest_free(struct orl_digest *digest)
{
    if (digest == NULL) {
        return;
    }
    EVP_MAC_free(digest->hmac);
    EVP_CIPHER_free(digest->rc4);
    EVP_MD_free(digest->md4);
    if (digest->normal != NULL) {
        (void)OSSL_PROVIDER_unload(digest->normal);
    }
    if (digest->legacy != NULL) {
        (void)OSSL_PROVIDER_unload(digest->legacy);
    }
    OSSL_LIB_CTX_free(digest->lib);
    free(digest);
}

int orl_digest_md4(const struct orl_digest *digest, const void *data, size_t len,
        uint8_t ret_hash[ORL_DIGEST_LEN])
{
    return EVP_Digest(data, len, ret_hash, NULL, digest->md4, NULL) == 1 ? 0 : ORL_E_BACKEND;
}

int orl_digest_hmac_md5(const struct orl_digest *digest, const uint8_t key[ORL_DIGEST_LEN],
        const void *data, size_t len, uint8_t ret_mac[ORL_DIGEST_LEN])
{
    char name[] = "MD5";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
            OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(digest->hmac);
    size_t mac_len = 0;
    bool is_done = ctx != NULL && EVP_MAC_init(ctx, key, ORL_DIGEST_LEN, params) == 1 &&
                   EVP_MAC_update(ctx, data, len) == 1 &&
                   EVP_MAC_final(ctx, ret_mac, &mac_len, ORL_DIGEST_LEN) == 1;
    EVP_MAC_CTX_free(ctx);
    return is_done && mac_len == ORL_DIGEST_LEN ? 0 : ORL_E_BACKEND;
}

int orl_digest_rc4(const struct orl_digest *digest, const uint8_t key[ORL_DIGEST_LEN],
        const uint8_t in[ORL_DIGEST_LEN], uint8_t ret_out[ORL_DIGEST_LEN])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0;
    bool is_done = ctx != NULL && EVP_DecryptInit_ex2(ctx, digest->rc4, key, NULL, NULL) == 1 &&
                   EVP_DecryptUpdate(ctx, ret_out, &len, in, ORL_DIGEST_LEN) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return is_done && len == ORL_DIGEST_LEN ? 0 : ORL_E_BACKEND;
}
