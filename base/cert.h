/* Certificates and their keys as PEM text: whether two belong together, and a new self-signed pair.
 * Not here: files (base/cert_files.h); TLS itself, which is the RDP library's. */
#ifndef ORL_BASE_CERT_H
#define ORL_BASE_CERT_H
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>

/* What is sent, in bytes of PEM: both go in one message (base/ipc_msgs.h). */
#define ORL_CERT_CHAIN_MAX 15360
#define ORL_CERT_KEY_MAX 8192

struct orl_cert_pair {
    char *cert_pem; /* owned */
    size_t cert_len;
    char *key_pem; /* owned; wiped by fini */
    size_t key_len;
};
/* True: both are PEM, and the key is the certificate's. Lengths are below 2^31. */
bool orl_cert_is_pair(const void *cert, size_t cert_len, const void *key, size_t key_len);
/* A self-signed one for this host's name. ORL_E_BACKEND: OpenSSL made none. */
ORL_NODISCARD int orl_cert_make(struct orl_cert_pair *ret_pair, struct orl_err *err);
void orl_cert_pair_fini(struct orl_cert_pair *pair);

#endif
