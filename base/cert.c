#include "base/cert.h"

#include "base/cleanup.h"
#include "base/secret.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VALID_S = 10 * 365 * 86400, RSA_BITS = 2048 };

static void free_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void free_x509(X509 **x509)
{
    X509_free(*x509);
}

static void free_bio(BIO **bio)
{
    BIO_free(*bio);
}

bool orl_cert_is_pair(const void *cert, size_t cert_len, const void *key, size_t key_len)
{
    ORL_AUTO(free_bio) BIO *cert_bio = BIO_new_mem_buf(cert, (int)cert_len);
    ORL_AUTO(free_bio) BIO *key_bio = BIO_new_mem_buf(key, (int)key_len);
    ORL_AUTO(free_x509) X509 *x509 = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL);
    ORL_AUTO(free_key) EVP_PKEY *pkey = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
    return x509 != NULL && pkey != NULL && X509_check_private_key(x509, pkey) == 1;
}

static int add_extension(X509 *x509, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, x509, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    int is_added = extension != NULL ? X509_add_ext(x509, extension, -1) : 0;
    X509_EXTENSION_free(extension);
    return is_added;
}

/* RSA: old RDP clients know nothing else, and CredSSP binds to the key either way. */
static X509 *make_x509(EVP_PKEY *key)
{
    ORL_AUTO(free_x509) X509 *x509 = X509_new();
    char host[65] = "oriel";
    char names[80];
    (void)gethostname(host, sizeof(host) - 1);
    (void)snprintf(names, sizeof(names), "DNS:%s", host);
    if (x509 == NULL || X509_set_version(x509, 2) != 1) {
        return NULL;
    }
    uint64_t serial = 0;
    orl_secret_random(&serial, sizeof(serial));
    X509_NAME *subject = X509_get_subject_name(x509);
    bool is_ok = ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial >> 1) == 1 &&
                 X509_gmtime_adj(X509_getm_notBefore(x509), -86400) != NULL &&
                 X509_gmtime_adj(X509_getm_notAfter(x509), VALID_S) != NULL &&
                 X509_set_pubkey(x509, key) == 1 &&
                 X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                         (const unsigned char *)host, -1, -1, 0) == 1 &&
                 X509_set_issuer_name(x509, subject) == 1 &&
                 add_extension(x509, NID_subject_alt_name, names) == 1 &&
                 add_extension(x509, NID_ext_key_usage, "serverAuth") == 1 &&
                 add_extension(x509, NID_basic_constraints, "critical,CA:FALSE") == 1 &&
                 X509_sign(x509, key, EVP_sha256()) > 0;
    return is_ok ? orl_steal(x509) : NULL;
}

static char *copy_of(BIO *pem, size_t *ret_len)
{
    char *data = NULL;
    long len = BIO_get_mem_data(pem, &data);
    char *copy = len > 0 ? malloc((size_t)len) : NULL;
    if (copy != NULL) {
        memcpy(copy, data, (size_t)len);
        *ret_len = (size_t)len;
    }
    return copy;
}

int orl_cert_make(struct orl_cert_pair *ret_pair, struct orl_err *err)
{
    ORL_AUTO(free_key) EVP_PKEY *key = EVP_RSA_gen(RSA_BITS);
    ORL_AUTO(free_x509) X509 *x509 = key != NULL ? make_x509(key) : NULL;
    /* Secure-heap BIO: its memory is wiped when it is freed. */
    ORL_AUTO(free_bio) BIO *key_bio = BIO_new(BIO_s_secmem());
    ORL_AUTO(free_bio) BIO *cert_bio = BIO_new(BIO_s_mem());
    if (x509 == NULL || key_bio == NULL || cert_bio == NULL ||
            PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) != 1 ||
            PEM_write_bio_X509(cert_bio, x509) != 1) {
        return orl_err_set(err, ORL_E_BACKEND, "OpenSSL made no certificate");
    }
    struct orl_cert_pair pair = {0};
    pair.key_pem = copy_of(key_bio, &pair.key_len);
    pair.cert_pem = copy_of(cert_bio, &pair.cert_len);
    if (pair.key_pem == NULL || pair.cert_pem == NULL) {
        orl_cert_pair_fini(&pair);
        return orl_err_set(err, ORL_E_NOMEM, "certificate: out of memory");
    }
    *ret_pair = pair;
    return ORL_OK;
}

void orl_cert_pair_fini(struct orl_cert_pair *pair)
{
    if (pair->key_pem != NULL) {
        orl_secret_wipe(pair->key_pem, pair->key_len);
    }
    free(pair->key_pem);
    free(pair->cert_pem);
    *pair = (struct orl_cert_pair){0};
}
