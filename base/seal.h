/* Secrets that must be read back (ticket hashes, passwords of displays), sealed by a key that lives
 * in a file beside the store, never in it. ChaCha20-Poly1305 (RFC 8439); the label ties a sealed
 * text to its row, so that texts can't be swapped between rows. */
#ifndef ORL_BASE_SEAL_H
#define ORL_BASE_SEAL_H
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ORL_SEAL_KEY_LEN 32
#define ORL_SEAL_PLAIN_MAX 480

struct orl_seal_key {
    uint8_t bytes[ORL_SEAL_KEY_LEN];
};

/* Reads the key file, or makes it with mode (0600, or 0640 for two programs of one group). Two
 * programs that make it at once end with the same key. A file that others can read, or of another
 * length, is ORL_E_DENIED or ORL_E_INVAL. The caller wipes the key. */
ORL_NODISCARD int orl_seal_key_load(
        const char *path, mode_t mode, struct orl_seal_key *ret_key, struct orl_err *err);
/* Seals plain_len (0 .. ORL_SEAL_PLAIN_MAX) bytes as hex text. ORL_E_LIMIT: ret_size is too small,
 * which 2 * plain_len + 59 never is. */
ORL_NODISCARD int orl_seal(const struct orl_seal_key *key, const char *label, const void *plain,
        size_t plain_len, char *ret_text, size_t ret_size);
/* Gives the length, at most ret_size. ORL_E_DENIED: another key or label, or not the text that was
 * sealed. */
ORL_NODISCARD int orl_seal_open(const struct orl_seal_key *key, const char *label, const char *text,
        void *ret_plain, size_t ret_size);

#endif
