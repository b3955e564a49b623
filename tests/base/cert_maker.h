/* Certificates and keys for tests, made by OpenSSL, good and bad ones. */
#ifndef ORL_TESTS_CERT_MAKER_H
#define ORL_TESTS_CERT_MAKER_H
#include <openssl/x509.h>
#include <stdbool.h>

struct made {
    EVP_PKEY *key;
    X509 *x509;
    char cert[4096]; /* PEM */
    char secret[4096];
};
struct wish {
    const char *name;          /* of its subject, and of the host it is for */
    const struct made *issuer; /* NULL: itself */
    const char *kind;          /* "RSA" (default), "EC" */
    unsigned bits;             /* of RSA; 0: 2048 */
    int from_days, until_days; /* both 0: since yesterday, for a year */
    const char *use;           /* extended key usage; NULL: serverAuth */
    bool is_ca;
    bool is_sha1;
};
/* Fails the test when OpenSSL refuses. */
void make(const struct wish *wish, struct made *ret);
void made_fini(struct made *made);
/* The key as PEM, with a passphrase. */
void made_encrypted(const struct made *made, char *ret, size_t size);

#endif
