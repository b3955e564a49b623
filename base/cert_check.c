#include "base/cert_check.h"

#include "base/cleanup.h"
#include "base/secret.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* In bits of security: RSA of 2048, elliptic curves of 224, SHA-224 and better reach it (NIST SP 800-57, 5.6.1). */
enum { MAX_CERTS = 10, LEAST_SECURITY = 112 };

struct chain {
    X509 *cert[MAX_CERTS];
    int count;
};

static void free_chain(struct chain *chain)
{
    for (int i = 0; i < chain->count; i++) {
        X509_free(chain->cert[i]);
    }
}

static void free_bio(BIO **bio)
{
    BIO_free(*bio);
}

static void free_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static int fault(struct orl_err *err, const char *text)
{
    ERR_clear_error();
    return orl_err_set(err, ORL_E_INVAL, "%s", text);
}

/* Without this OpenSSL would ask a terminal. */
static int no_passphrase(char *ret, int size, int is_writing, void *ctx)
{
    (void)ret;
    (void)size;
    (void)is_writing;
    (void)ctx;
    return -1;
}

static int read_chain(const char *text, size_t len, struct chain *chain, struct orl_err *err)
{
    if (len > ORL_CERT_TEXT_MAX) {
        return fault(err, "field 'certificate' is too large: 40 KiB at most");
    }
    ORL_AUTO(free_bio) BIO *bio = BIO_new_mem_buf(text, (int)len);
    X509 *next = NULL;
    while (bio != NULL && (next = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
        if (chain->count == MAX_CERTS) {
            X509_free(next);
            return fault(err, "field 'certificate' has more than 10 certificates");
        }
        chain->cert[chain->count++] = next;
    }
    const bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (chain->count == 0 && is_end) {
        return fault(err, "field 'certificate' is not PEM: there is no "
                          "-----BEGIN CERTIFICATE----- in it");
    }
    if (!is_end) {
        return fault(err, "field 'certificate' has a certificate that is damaged or cut off");
    }
    ERR_clear_error();
    return 0;
}

static bool has_text(const char *text, size_t len, const char *word)
{
    return memmem(text, len, word, strlen(word)) != NULL;
}

static int read_key(const char *text, size_t len, EVP_PKEY **ret_key, struct orl_err *err)
{
    if (len > ORL_CERT_KEY_MAX) {
        return fault(err, "field 'key' is too large: 8 KiB at most");
    }
    if (has_text(text, len, "-----BEGIN ENCRYPTED PRIVATE KEY-----") ||
            has_text(text, len, "Proc-Type: 4,ENCRYPTED")) {
        return fault(err, "field 'key' is encrypted: take its passphrase away first "
                          "(openssl pkey -in KEY -out PLAIN)");
    }
    if (!has_text(text, len, "PRIVATE KEY-----")) {
        return fault(err, "field 'key' is not PEM: there is no -----BEGIN PRIVATE KEY----- in it");
    }
    ORL_AUTO(free_bio) BIO *bio = BIO_new_mem_buf(text, (int)len);
    *ret_key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    return *ret_key != NULL ? 0 : fault(err, "field 'key' is damaged, or of no kind that is known");
}

static bool is_signed_by(X509 *cert, X509 *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    return X509_check_issued(issuer, cert) == X509_V_OK && key != NULL &&
           X509_verify(cert, key) == 1;
}

static int check_pair(const struct chain *chain, EVP_PKEY *key, struct orl_err *err)
{
    if (X509_check_private_key(chain->cert[0], key) == 1) {
        return 0;
    }
    for (int i = 1; i < chain->count; i++) {
        if (X509_check_private_key(chain->cert[i], key) == 1) {
            return fault(err, "field 'certificate' is out of order: the server's certificate must "
                              "come first, then who signed it");
        }
    }
    return fault(err, "field 'key' is not the key of this certificate");
}

/* This host's own roots; not where there are none. */
static bool is_issuer_known(X509 *cert)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509 *issuer = NULL;
    bool is_known = store != NULL && ctx != NULL && X509_STORE_set_default_paths(store) == 1 &&
                    X509_STORE_CTX_init(ctx, store, cert, NULL) == 1 &&
                    X509_STORE_CTX_get1_issuer(&issuer, ctx, cert) == 1;
    X509_free(issuer);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return is_known;
}

static int check_order(const struct chain *chain, bool needs_chain, struct orl_err *err)
{
    for (int i = 0; i + 1 < chain->count; i++) {
        if (!is_signed_by(chain->cert[i], chain->cert[i + 1])) {
            return fault(err, "field 'certificate' is out of order or has a gap: each certificate "
                              "must be followed by the one that signed it");
        }
    }
    /* With one at least between it and the end, only a root is missing, which clients have themselves. */
    X509 *leaf = chain->cert[0];
    if (needs_chain && chain->count == 1 && X509_self_signed(leaf, 0) != 1 &&
            !is_issuer_known(leaf)) {
        return fault(err, "field 'certificate' is incomplete: append the certificate of who "
                          "signed it (the CA's intermediate, or your own root)");
    }
    return 0;
}

static int check_dates(const struct chain *chain, uint64_t now_ms, struct orl_err *err)
{
    time_t now = (time_t)(now_ms / 1000);
    for (int i = 0; i < chain->count && now_ms != 0; i++) {
        if (X509_cmp_time(X509_get0_notAfter(chain->cert[i]), &now) <= 0) {
            return fault(err, i == 0 ? "field 'certificate' has expired"
                                     : "field 'certificate' was signed by one that has expired");
        }
        if (X509_cmp_time(X509_get0_notBefore(chain->cert[i]), &now) > 0) {
            return fault(err, "field 'certificate' is not good yet: is this host's clock right?");
        }
    }
    return 0;
}

static int check_strength(const struct chain *chain, bool is_rsa_only, struct orl_err *err)
{
    for (int i = 0; i < chain->count; i++) {
        X509 *cert = chain->cert[i];
        EVP_PKEY *key = X509_get0_pubkey(cert);
        int bits = 0;
        uint32_t flags = 0;
        if (key == NULL || EVP_PKEY_get_security_bits(key) < LEAST_SECURITY) {
            return fault(err, i == 0 ? "field 'key' is too weak: RSA needs 2048 bits, an elliptic "
                                       "curve 256"
                                     : "field 'certificate' was signed by a key that is too weak");
        }
        bool is_known = X509_get_signature_info(cert, NULL, NULL, &bits, &flags) == 1;
        if (X509_self_signed(cert, 0) != 1 && is_known && bits < LEAST_SECURITY) {
            return fault(err, "field 'certificate' is signed with a digest that is too weak: have "
                              "it signed with SHA-256");
        }
    }
    if (is_rsa_only && !EVP_PKEY_is_a(X509_get0_pubkey(chain->cert[0]), "RSA")) {
        return fault(err, "field 'key' is not RSA: many RDP clients know nothing else");
    }
    return 0;
}

static int check_use(X509 *leaf, struct orl_err *err)
{
    if (X509_check_purpose(leaf, X509_PURPOSE_SSL_SERVER, 0) != 1) {
        return fault(err, "field 'certificate' is not for servers: its extended key usage lacks "
                          "serverAuth");
    }
    return 0;
}

static char *copy_of(BIO *pem, size_t *ret_len)
{
    char *data = NULL;
    long len = BIO_get_mem_data(pem, &data);
    char *copy = len > 0 ? calloc(1, (size_t)len + 1) : NULL;
    if (copy != NULL) {
        memcpy(copy, data, (size_t)len);
        *ret_len = (size_t)len;
    }
    return copy;
}

static int write_pair(const struct chain *chain, EVP_PKEY *key, struct orl_cert_pair *ret_pair,
        struct orl_err *err)
{
    ORL_AUTO(free_bio) BIO *key_bio = BIO_new(BIO_s_secmem());
    ORL_AUTO(free_bio) BIO *cert_bio = BIO_new(BIO_s_mem());
    struct orl_cert_pair pair = {0};
    bool is_ok = key_bio != NULL && cert_bio != NULL &&
                 PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    for (int i = 0; i < chain->count && is_ok; i++) {
        is_ok = PEM_write_bio_X509(cert_bio, chain->cert[i]) == 1;
    }
    if (is_ok) {
        pair.key_pem = copy_of(key_bio, &pair.key_len);
        pair.cert_pem = copy_of(cert_bio, &pair.cert_len);
    }
    if (pair.key_pem == NULL || pair.cert_pem == NULL) {
        orl_cert_pair_fini(&pair);
        return orl_err_set(err, ORL_E_NOMEM, "certificate: out of memory");
    }
    if (pair.cert_len > ORL_CERT_CHAIN_MAX || pair.key_len > ORL_CERT_KEY_MAX) {
        orl_cert_pair_fini(&pair);
        return fault(err, "field 'certificate' is too large: 15 KiB at most, its key 8 KiB");
    }
    *ret_pair = pair;
    return 0;
}

int orl_cert_check(const char *chain_pem, size_t chain_len, const char *key_pem, size_t key_len,
        const struct orl_cert_rules *rules, struct orl_cert_pair *ret_pair,
        struct orl_cert_facts *ret_facts, struct orl_err *err)
{
    ORL_AUTO(free_chain) struct chain chain = {.count = 0};
    ORL_AUTO(free_key) EVP_PKEY *key = NULL;
    ERR_clear_error();
    int rc = read_chain(chain_pem, chain_len, &chain, err);
    rc = rc < 0 ? rc : read_key(key_pem, key_len, &key, err);
    rc = rc < 0 ? rc : check_pair(&chain, key, err);
    rc = rc < 0 ? rc : check_dates(&chain, rules->now_ms, err);
    rc = rc < 0 ? rc : check_strength(&chain, rules->is_rsa_only, err);
    rc = rc < 0 ? rc : check_use(chain.cert[0], err);
    rc = rc < 0 ? rc : check_order(&chain, rules->needs_chain, err);
    if (rc == 0 && ret_facts != NULL) {
        rc = orl_cert_look(chain_pem, chain_len, ret_facts, err);
    }
    if (rc == 0 && ret_pair != NULL) {
        rc = write_pair(&chain, key, ret_pair, err);
    }
    ERR_clear_error();
    return rc;
}
