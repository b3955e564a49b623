/* The server's end of one TLS connection (1.2 or later) over a non-blocking socket, by OpenSSL. No loop of its own: the
 * caller waits for what orl_tls_wants_write() says. Certificate, key and library are loaded before a sandbox; the
 * rest works inside. Not here: who the client is; client certificates. */
#ifndef ORL_BASE_TLS_H
#define ORL_BASE_TLS_H
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>

struct orl_tls_keys; /* certificate and key, for any number of connections */
struct orl_tls;

/* PEM texts, borrowed; the chain begins with the leaf. ORL_E_CONFIG: no pair, or not readable. */
ORL_NODISCARD int orl_tls_keys_new(const char *cert_pem, const char *key_pem,
        struct orl_tls_keys **ret_keys, struct orl_err *err);
void orl_tls_keys_free(
        struct orl_tls_keys *keys); /* NULL is fine; connections keep what they need */

/* For a library that makes its own SSL_CTX: each connection that begins shows what *keys is by then. keys is borrowed for
 * the life of ssl_ctx and of all that came from it. */
ORL_NODISCARD int orl_tls_use(void *ssl_ctx, struct orl_tls_keys *const *keys, struct orl_err *err);

/* fd: borrowed for life. */
ORL_NODISCARD int orl_tls_new(
        const struct orl_tls_keys *keys, int fd, struct orl_tls **ret_tls, struct orl_err *err);
/* ORL_OK: done. ORL_E_AGAIN, ORL_E_CLOSED, ORL_E_PROTO: the client and we do not agree. */
ORL_NODISCARD int orl_tls_handshake(struct orl_tls *tls);
/* At most INT_MAX bytes. Returns how many (> 0), ORL_E_AGAIN, ORL_E_CLOSED (also an end without close_notify) or
 * ORL_E_PROTO. Read until AGAIN: what is decrypted and not fetched wakes no loop. */
ORL_NODISCARD int orl_tls_read(struct orl_tls *tls, void *ret_data, size_t len);
/* May take a part. After ORL_E_AGAIN the next call begins with the same bytes. */
ORL_NODISCARD int orl_tls_write(struct orl_tls *tls, const void *data, size_t len);
/* The last call that said AGAIN waits for room in the socket, not for the client's bytes. */
bool orl_tls_wants_write(const struct orl_tls *tls);
void orl_tls_shutdown(struct orl_tls *tls); /* close_notify, if there is room for it */
void orl_tls_free(struct orl_tls *tls);     /* NULL is fine */

#endif
