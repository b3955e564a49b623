#include "gateway/certificate.h"
#include "base/cleanup.h"
#include "base/secret.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PEM_MAX_BYTES = 256 * 1024, VALID_S = 10 * 365 * 86400, RSA_BITS = 2048 };

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

static int read_file(const char *path, uint8_t *ret_data, size_t *ret_len, struct orl_err *err)
{
    ORL_AUTO(orl_close_auto) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return orl_err_sys(err, errno, "%s", path);
    }
    size_t len = 0;
    while (len <= PEM_MAX_BYTES) {
        ssize_t got = read(fd, ret_data + len, PEM_MAX_BYTES + 1 - len);
        if (got < 0) {
            return orl_err_sys(err, errno, "%s: read", path);
        }
        if (got == 0) {
            *ret_len = len;
            return ORL_OK;
        }
        len += (size_t)got;
    }
    return orl_err_set(err, ORL_E_LIMIT, "%s: larger than %d bytes", path, PEM_MAX_BYTES);
}

static int write_all(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len > 0) {
        ssize_t wrote = write(fd, at, len);
        if (wrote < 0) {
            return -1;
        }
        at += wrote;
        len -= (size_t)wrote;
    }
    return 0;
}

static int to_memory(
        const char *name, const void *data, size_t len, int *ret_fd, struct orl_err *err)
{
    ORL_AUTO(orl_close_auto) int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || write_all(fd, data, len) < 0 ||
            fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
        return orl_err_sys(err, errno, "memory file for the certificate");
    }
    *ret_fd = orl_steal_fd(&fd);
    return ORL_OK;
}

static int check_pair(const void *cert, size_t cert_len, const void *key, size_t key_len)
{
    ORL_AUTO(free_bio) BIO *cert_bio = BIO_new_mem_buf(cert, (int)cert_len);
    ORL_AUTO(free_bio) BIO *key_bio = BIO_new_mem_buf(key, (int)key_len);
    ORL_AUTO(free_x509) X509 *x509 = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL);
    ORL_AUTO(free_key) EVP_PKEY *pkey = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
    return x509 != NULL && pkey != NULL && X509_check_private_key(x509, pkey) == 1 ? 0 : -1;
}

static int load_into(const char *cert_path, const char *key_path, uint8_t *cert, uint8_t *key,
        struct orl_certificate *ret_certificate, struct orl_err *err)
{
    size_t cert_len = 0;
    size_t key_len = 0;
    struct orl_certificate certificate = {.cert_fd = -1, .key_fd = -1};
    int code = read_file(cert_path, cert, &cert_len, err);
    if (code == ORL_OK) {
        code = read_file(key_path, key, &key_len, err);
    }
    if (code == ORL_OK && check_pair(cert, cert_len, key, key_len) < 0) {
        code = orl_err_set(err, ORL_E_CONFIG, "%s and %s: not a certificate and its key in PEM",
                cert_path, key_path);
    }
    if (code == ORL_OK) {
        code = to_memory("oriel-certificate", cert, cert_len, &certificate.cert_fd, err);
    }
    if (code == ORL_OK) {
        code = to_memory("oriel-key", key, key_len, &certificate.key_fd, err);
    }
    if (code < 0) {
        orl_certificate_fini(&certificate);
        return code;
    }
    *ret_certificate = certificate;
    return ORL_OK;
}

int orl_certificate_load(const char *cert_path, const char *key_path,
        struct orl_certificate *ret_certificate, struct orl_err *err)
{
    uint8_t *data = malloc(2 * (PEM_MAX_BYTES + 1));
    if (data == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "certificate: out of memory");
    }
    int code = load_into(cert_path, key_path, data, data + PEM_MAX_BYTES + 1, ret_certificate, err);
    orl_secret_wipe(data, 2 * (PEM_MAX_BYTES + 1));
    free(data);
    return code;
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

static int put_file(const char *path, BIO *pem, uid_t uid, struct orl_err *err)
{
    char draft[512];
    char *data = NULL;
    long len = BIO_get_mem_data(pem, &data);
    (void)snprintf(draft, sizeof(draft), "%s.new", path);
    (void)unlink(draft);
    ORL_AUTO(orl_close_auto)
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || write_all(fd, data, (size_t)len) < 0 || fsync(fd) < 0 ||
            (uid != (uid_t)-1 && fchown(fd, uid, (gid_t)-1) < 0) || rename(draft, path) < 0) {
        return orl_err_sys(err, errno, "%s: write", path);
    }
    return ORL_OK;
}

int orl_certificate_ensure(
        const char *cert_path, const char *key_path, uid_t uid, struct orl_err *err)
{
    if (access(cert_path, F_OK) == 0 && access(key_path, F_OK) == 0) {
        return ORL_OK;
    }
    ORL_AUTO(free_key) EVP_PKEY *key = EVP_RSA_gen(RSA_BITS);
    ORL_AUTO(free_x509) X509 *x509 = key != NULL ? make_x509(key) : NULL;
    ORL_AUTO(free_bio) BIO *key_bio = BIO_new(BIO_s_mem());
    ORL_AUTO(free_bio) BIO *cert_bio = BIO_new(BIO_s_mem());
    if (x509 == NULL || key_bio == NULL || cert_bio == NULL ||
            PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) != 1 ||
            PEM_write_bio_X509(cert_bio, x509) != 1) {
        return orl_err_set(err, ORL_E_BACKEND, "OpenSSL made no certificate");
    }
    int code = put_file(key_path, key_bio, uid, err);
    return code < 0 ? code : put_file(cert_path, cert_bio, uid, err);
}

void orl_certificate_fini(struct orl_certificate *certificate)
{
    orl_close_fd(&certificate->cert_fd);
    orl_close_fd(&certificate->key_fd);
}
