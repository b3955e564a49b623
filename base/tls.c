#include "base/tls.h"
#include "base/cleanup.h"
#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct orl_tls_keys {
    SSL_CTX *ctx;
};
struct orl_tls {
    SSL *ssl;
    bool wants_write;
};

static void free_bio(BIO **bio)
{
    BIO_free(*bio);
}

static void free_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void free_x509(X509 **x509)
{
    X509_free(*x509);
}

/* Without this OpenSSL would ask a terminal for a passphrase. */
static int no_passphrase(char *ret, int size, int is_writing, void *ctx)
{
    (void)ret;
    (void)size;
    (void)is_writing;
    (void)ctx;
    return -1;
}

static bool use_chain(SSL_CTX *ctx, const char *pem)
{
    ORL_AUTO(free_bio) BIO *bio = BIO_new_mem_buf(pem, -1);
    ORL_AUTO(free_x509) X509 *leaf = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
    if (leaf == NULL || SSL_CTX_use_certificate(ctx, leaf) != 1) {
        return false;
    }
    X509 *next = NULL;
    while ((next = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
        if (SSL_CTX_add0_chain_cert(ctx, next) != 1) {
            X509_free(next);
            return false;
        }
    }
    ERR_clear_error(); /* the end of the text counts as one */
    return true;
}

static bool use_key(SSL_CTX *ctx, const char *pem)
{
    ORL_AUTO(free_bio) BIO *bio = BIO_new_mem_buf(pem, -1);
    ORL_AUTO(free_key) EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    return key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
           SSL_CTX_check_private_key(ctx) == 1;
}

static bool set_up(SSL_CTX *ctx)
{
    /* One connection a process: a ticket would only be a secret more. Renegotiation is work that a client gives. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_num_tickets(ctx, 0) == 1;
}

/* By connection, not by context: that would keep a certificate for each kind of key, and so one of another kind that was
 * there before. */
static int on_certificate(SSL *ssl, void *arg)
{
    const struct orl_tls_keys *keys = *(struct orl_tls_keys *const *)arg;
    STACK_OF(X509) *chain = NULL;
    X509 *leaf = SSL_CTX_get0_certificate(keys->ctx);
    EVP_PKEY *key = SSL_CTX_get0_privatekey(keys->ctx);
    SSL_certs_clear(ssl);
    return SSL_CTX_get0_chain_certs(keys->ctx, &chain) == 1 &&
                           SSL_use_cert_and_key(ssl, leaf, key, chain, 1) == 1
                   ? 1
                   : 0;
}

int orl_tls_use(void *ssl_ctx, struct orl_tls_keys *const *keys, struct orl_err *err)
{
    if (!set_up(ssl_ctx)) {
        return orl_err_set(err, ORL_E_BACKEND, "OpenSSL gives no TLS 1.2");
    }
    SSL_CTX_set_cert_cb(ssl_ctx, on_certificate, (void *)(uintptr_t)keys);
    return ORL_OK;
}

static int load(SSL_CTX *ctx, const char *cert_pem, const char *key_pem, struct orl_err *err)
{
    if (!set_up(ctx)) {
        return orl_err_set(err, ORL_E_BACKEND, "OpenSSL gives no TLS 1.2");
    }
    if (!use_chain(ctx, cert_pem) || !use_key(ctx, key_pem)) {
        ERR_clear_error();
        return orl_err_set(err, ORL_E_CONFIG, "certificate and key are no readable pair");
    }
    return ORL_OK;
}

int orl_tls_keys_new(const char *cert_pem, const char *key_pem, struct orl_tls_keys **ret_keys,
        struct orl_err *err)
{
    struct orl_tls_keys *keys = calloc(1, sizeof(*keys));
    if (keys == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "TLS: out of memory");
    }
    keys->ctx = SSL_CTX_new(TLS_server_method());
    int code = keys->ctx != NULL ? load(keys->ctx, cert_pem, key_pem, err)
                                 : orl_err_set(err, ORL_E_BACKEND, "OpenSSL gives no TLS 1.2");
    if (code < 0) {
        orl_tls_keys_free(keys);
        return code;
    }
    *ret_keys = keys;
    return ORL_OK;
}

void orl_tls_keys_free(struct orl_tls_keys *keys)
{
    if (keys != NULL) {
        SSL_CTX_free(keys->ctx);
        free(keys);
    }
}

int orl_tls_new(
        const struct orl_tls_keys *keys, int fd, struct orl_tls **ret_tls, struct orl_err *err)
{
    struct orl_tls *tls = calloc(1, sizeof(*tls));
    if (tls == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "TLS: out of memory");
    }
    tls->ssl = SSL_new(keys->ctx);
    if (tls->ssl == NULL || SSL_set_fd(tls->ssl, fd) != 1) {
        orl_tls_free(tls);
        return orl_err_set(err, ORL_E_NOMEM, "TLS: out of memory");
    }
    SSL_set_accept_state(tls->ssl);
    *ret_tls = tls;
    return ORL_OK;
}

/* rc <= 0 of an SSL_* call, as one of ours. The error queue was empty before that call. */
static int code_of(struct orl_tls *tls, int rc, int call_errno)
{
    const int what = SSL_get_error(tls->ssl, rc);
    tls->wants_write = what == SSL_ERROR_WANT_WRITE;
    ERR_clear_error();
    switch (what) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return ORL_E_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return ORL_E_CLOSED;
    case SSL_ERROR_SYSCALL:
        return call_errno == EINTR ? ORL_E_AGAIN : ORL_E_CLOSED;
    default:
        return ORL_E_PROTO;
    }
}

static int bounded(size_t len)
{
    return len < INT_MAX ? (int)len : INT_MAX;
}

int orl_tls_handshake(struct orl_tls *tls)
{
    ERR_clear_error();
    const int rc = SSL_do_handshake(tls->ssl);
    return rc == 1 ? ORL_OK : code_of(tls, rc, errno);
}

int orl_tls_read(struct orl_tls *tls, void *ret_data, size_t len)
{
    ERR_clear_error();
    const int rc = SSL_read(tls->ssl, ret_data, bounded(len));
    return rc > 0 ? rc : code_of(tls, rc, errno);
}

int orl_tls_write(struct orl_tls *tls, const void *data, size_t len)
{
    ERR_clear_error();
    const int rc = SSL_write(tls->ssl, data, bounded(len));
    return rc > 0 ? rc : code_of(tls, rc, errno);
}

bool orl_tls_wants_write(const struct orl_tls *tls)
{
    return tls->wants_write;
}

void orl_tls_shutdown(struct orl_tls *tls)
{
    if (SSL_is_init_finished(tls->ssl) == 1) {
        ERR_clear_error();
        (void)SSL_shutdown(tls->ssl);
        ERR_clear_error();
    }
}

void orl_tls_free(struct orl_tls *tls)
{
    if (tls != NULL) {
        SSL_free(tls->ssl);
        free(tls);
    }
}
