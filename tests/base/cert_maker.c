#include "tests/base/cert_maker.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void extend(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void put_text(BIO *bio, char *ret, size_t size)
{
    int len = BIO_read(bio, ret, (int)size - 1);
    assert_true(len > 0);
    ret[len] = '\0';
    BIO_free(bio);
}

void make(const struct wish *wish, struct made *ret)
{
    const bool is_ec = wish->kind != NULL && strcmp(wish->kind, "EC") == 0;
    static long serial = 1;
    char names[200];
    memset(ret, 0, sizeof(*ret));
    ret->key = is_ec ? EVP_EC_gen("P-256") : EVP_RSA_gen(wish->bits != 0 ? wish->bits : 2048);
    ret->x509 = X509_new();
    assert_non_null(ret->key);
    X509 *x509 = ret->x509;
    X509 *issuer = wish->issuer != NULL ? wish->issuer->x509 : x509;
    const bool has_days = wish->from_days != 0 || wish->until_days != 0;
    assert_int_equal(X509_set_version(x509, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(x509), 86400L * (has_days ? wish->from_days : -1));
    (void)X509_gmtime_adj(X509_getm_notAfter(x509), 86400L * (has_days ? wish->until_days : 365));
    assert_int_equal(X509_set_pubkey(x509, ret->key), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                             (const unsigned char *)wish->name, -1, -1, 0),
            1);
    assert_int_equal(X509_set_issuer_name(x509, X509_get_subject_name(issuer)), 1);
    if (wish->is_ca) {
        extend(x509, issuer, NID_basic_constraints, "critical,CA:TRUE");
    } else {
        (void)snprintf(names, sizeof(names), "DNS:%s", wish->name);
        extend(x509, issuer, NID_subject_alt_name, names);
        extend(x509, issuer, NID_ext_key_usage, wish->use != NULL ? wish->use : "serverAuth");
    }
    EVP_PKEY *by = wish->issuer != NULL ? wish->issuer->key : ret->key;
    assert_true(X509_sign(x509, by, wish->is_sha1 ? EVP_sha1() : EVP_sha256()) > 0);
    BIO *cert = BIO_new(BIO_s_mem());
    BIO *secret = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(cert, x509), 1);
    assert_int_equal(PEM_write_bio_PrivateKey(secret, ret->key, NULL, NULL, 0, NULL, NULL), 1);
    put_text(cert, ret->cert, sizeof(ret->cert));
    put_text(secret, ret->secret, sizeof(ret->secret));
}

void made_encrypted(const struct made *made, char *ret, size_t size)
{
    BIO *secret = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(secret, made->key, EVP_aes_128_cbc(),
                             (const unsigned char *)"secret", 6, NULL, NULL),
            1);
    put_text(secret, ret, size);
}

void made_fini(struct made *made)
{
    EVP_PKEY_free(made->key);
    X509_free(made->x509);
}
