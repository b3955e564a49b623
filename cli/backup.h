/* A backup's cover: the store's file, encrypted and authenticated in pieces by libsodium's
 * secretstream. Not here: what is in it (store/store_copy.h). */
#ifndef ORL_CLI_BACKUP_H
#define ORL_CLI_BACKUP_H
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

#define ORL_BACKUP_KEY_BYTES 32
#define ORL_BACKUP_KEY "/etc/oriel/backup.key"

/* The key of path, 64 hex digits, nobody else's to read. can_make: where there is none it is made,
 * and *ret_is_new says so. */
ORL_NODISCARD int orl_backup_key_load(const char *path, bool can_make,
        uint8_t ret_key[ORL_BACKUP_KEY_BYTES], bool *ret_is_new, struct orl_err *err);
/* plain's bytes into sealed, a new file (0600). ORL_E_EXISTS. */
ORL_NODISCARD int orl_backup_seal(const char *plain, const char *sealed,
        const uint8_t key[ORL_BACKUP_KEY_BYTES], struct orl_err *err);
/* And back. ORL_E_DENIED: another key, or not all of it is there. */
ORL_NODISCARD int orl_backup_open(const char *sealed, const char *plain,
        const uint8_t key[ORL_BACKUP_KEY_BYTES], struct orl_err *err);
/* Negative: it can't be read. */
ORL_NODISCARD int orl_backup_is_sealed(const char *path, bool *ret_is_sealed, struct orl_err *err);

#endif
