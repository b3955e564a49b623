#include "base/cert_look.h"

#include "base/cleanup.h"
#include "base/utf8.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MAX_CERTS = 10 };

static void free_x509(X509 **x509)
{
    X509_free(*x509);
}

static void free_bio(BIO **bio)
{
    BIO_free(*bio);
}

static uint64_t ms_of(const ASN1_TIME *time)
{
    struct tm tm = {0};
    time_t seconds = ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm) : 0;
    return seconds > 0 ? (uint64_t)seconds * 1000 : 0;
}

static void add_name(struct orl_cert_facts *facts, const char *name, size_t name_len)
{
    size_t len = strlen(facts->names);
    for (size_t i = 0; i < name_len; i++) {
        if ((unsigned char)name[i] <= 0x20 || (unsigned char)name[i] >= 0x7F) {
            return; /* no name of a host */
        }
    }
    if (name_len > 0 && len + 1 + name_len <= ORL_CERT_NAMES_MAX) {
        (void)snprintf(facts->names + len, sizeof(facts->names) - len, "%s%.*s", len > 0 ? " " : "",
                (int)name_len, name);
    }
}

static void add_address(struct orl_cert_facts *facts, const ASN1_OCTET_STRING *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    const int len = ASN1_STRING_length(address);
    const int family = len == 4 ? AF_INET : AF_INET6;
    if ((len == 4 || len == 16) &&
            inet_ntop(family, ASN1_STRING_get0_data(address), text, sizeof(text)) != NULL) {
        add_name(facts, text, strlen(text));
    }
}

static void read_names(X509 *x509, struct orl_cert_facts *facts)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS) {
            add_name(facts, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
                    (size_t)ASN1_STRING_length(name->d.dNSName));
        } else if (name->type == GEN_IPADD) {
            add_address(facts, name->d.iPAddress);
        }
    }
    GENERAL_NAMES_free(names);
}

/* One line of UTF-8 without control characters, whatever is in it. */
static void read_issuer(X509 *x509, struct orl_cert_facts *facts)
{
    ORL_AUTO(free_bio) BIO *bio = BIO_new(BIO_s_mem());
    const unsigned long how =
            (XN_FLAG_ONELINE & ~(unsigned long)(ASN1_STRFLGS_ESC_MSB | XN_FLAG_SPC_EQ)) |
            XN_FLAG_DN_REV;
    if (bio != NULL && X509_NAME_print_ex(bio, X509_get_issuer_name(x509), 0, how) >= 0) {
        int got = BIO_read(bio, facts->issuer, ORL_CERT_ISSUER_MAX);
        facts->issuer[got > 0 ? got : 0] = '\0';
        orl_utf8_clean(facts->issuer);
    }
}

static void read_first(X509 *x509, struct orl_cert_facts *facts)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    facts->from_ms = ms_of(X509_get0_notBefore(x509));
    facts->until_ms = ms_of(X509_get0_notAfter(x509));
    facts->is_self_signed = X509_self_signed(x509, 0) == 1;
    facts->is_chain = true;
    read_names(x509, facts);
    read_issuer(x509, facts);
    if (X509_digest(x509, EVP_sha256(), digest, &len) == 1 && len == 32) {
        for (unsigned i = 0; i < len; i++) {
            (void)snprintf(facts->fingerprint + (size_t)i * 2, 3, "%02x", digest[i]);
        }
    }
}

static bool is_signed_by(X509 *x509, X509 *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    return X509_check_issued(issuer, x509) == X509_V_OK && key != NULL &&
           X509_verify(x509, key) == 1;
}

int orl_cert_look(
        const void *pem, size_t len, struct orl_cert_facts *ret_facts, struct orl_err *err)
{
    ORL_AUTO(free_bio) BIO *bio = BIO_new_mem_buf(pem, (int)len);
    ORL_AUTO(free_x509) X509 *last = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    struct orl_cert_facts facts = {.count = 1};
    if (last == NULL) {
        ERR_clear_error();
        return orl_err_set(err, ORL_E_INVAL, "certificate: not one in PEM");
    }
    read_first(last, &facts);
    for (; facts.count < MAX_CERTS; facts.count++) {
        X509 *next = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (next == NULL) {
            break;
        }
        facts.is_chain = facts.is_chain && is_signed_by(last, next);
        X509_free(last);
        last = next;
    }
    ERR_clear_error();
    *ret_facts = facts;
    return 0;
}

bool orl_cert_is_for(const void *pem, size_t len, const char *name)
{
    ORL_AUTO(free_bio) BIO *bio = BIO_new_mem_buf(pem, (int)len);
    ORL_AUTO(free_x509) X509 *x509 = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    bool is_for = x509 != NULL && (X509_check_host(x509, name, strlen(name), 0, NULL) == 1 ||
                                          X509_check_ip_asc(x509, name, 0) == 1);
    ERR_clear_error();
    return is_for;
}
