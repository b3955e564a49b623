/* Secrets at rest: ChaCha20-Poly1305 under a key that lies in a file outside the store, as hex text.
 * Broker (ticket hashes) and vmpool (passwords of static displays) share the key file. */
#ifndef ORL_BASE_SEAL_H
#define ORL_BASE_SEAL_H
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

#define ORL_SEAL_KEY_BYTES 32
#define ORL_SEAL_NONCE_BYTES 12 /* RFC 8439 2.8; random: far fewer than 2^32 secrets per key */
#define ORL_SEAL_TAG_BYTES 16
/* Characters of a sealed secret of len bytes, without the NUL. */
#define ORL_SEAL_TEXT_LEN(len) ((size_t)2 * (ORL_SEAL_NONCE_BYTES + (len) + ORL_SEAL_TAG_BYTES))

struct orl_seal_key {
    uint8_t bytes[ORL_SEAL_KEY_BYTES]; /* wipe with orl_secret_wipe() */
};
/* Reads the key, or makes it (0640, never replaced; two programs that start at once get the same).
 * ORL_E_CONFIG: the file has another size. */
ORL_NODISCARD int orl_seal_key_load(
        const char *path, struct orl_seal_key *ret_key, struct orl_err *err);
/* purpose ("ticket", "vnc:DESKTOP") is authenticated: what was sealed for one opens for no other.
 * ret_text has size bytes, at least ORL_SEAL_TEXT_LEN(len) + 1. */
ORL_NODISCARD int orl_seal(const struct orl_seal_key *key, const char *purpose, const void *secret,
        size_t len, char *ret_text, size_t size);
/* *ret_len: up to size. ORL_E_DENIED: other key or purpose, or changed. */
ORL_NODISCARD int orl_unseal(const struct orl_seal_key *key, const char *purpose, const char *text,
        void *ret_secret, size_t size, size_t *ret_len);

#endif
