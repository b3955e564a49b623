/* What a certificate says: how long it is good, for which names, whether its chain hangs together.
 * Not here: whom its readers trust; pairs and new ones (base/cert.h). */
#ifndef ORL_BASE_CERT_LOOK_H
#define ORL_BASE_CERT_LOOK_H
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_CERT_NAMES_MAX 399
#define ORL_CERT_ISSUER_MAX 199

struct orl_cert_facts {
    uint64_t from_ms, until_ms;
    unsigned count;                       /* certificates in it, the server's first */
    bool is_self_signed;                  /* the server's: no browser knows it */
    bool is_chain;                        /* each is signed by the next */
    char issuer[ORL_CERT_ISSUER_MAX + 1]; /* "CN=Example CA, O=Example", cut */
    char names[ORL_CERT_NAMES_MAX + 1];   /* "desktops.example.org 10.0.0.1", cut */
    char fingerprint[64 + 1];             /* SHA-256 of the server's, hex */
};
/* ORL_E_INVAL: no PEM certificate at the beginning, or one that can't be read. */
ORL_NODISCARD int orl_cert_look(
        const void *pem, size_t len, struct orl_cert_facts *ret_facts, struct orl_err *err);
/* A client that asks for this name would take it: also by *.example.org, and by address. */
bool orl_cert_is_for(const void *pem, size_t len, const char *name);

#endif
