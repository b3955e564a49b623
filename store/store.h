/* The installation's state: one relational store that broker and vmpool share as two processes.
 * Each handle is one connection: one thread at a time. Times are ms since 1970, passed in.
 * Subjects have their own header: desktop pool template host user entitlement session ticket audit. */
#ifndef ORL_STORE_STORE_H
#define ORL_STORE_STORE_H
#include "base/err.h"
#include "base/id.h"
#include "base/ipc_msgs.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_STORE_PATH_MAX 1023
#define ORL_STORE_CODE_MAX 63     /* actions, actors' kinds, domain names */
#define ORL_STORE_SEALED_MAX 1023 /* text of a secret sealed by a key outside the store */
#define ORL_STORE_JSON_MAX 4095
#define ORL_STORE_SECRET_MAX 255 /* password hashes */

struct orl_store;

/* target: a file, or PostgreSQL's address ("postgresql://...", "service=NAME", KEY=VALUE ...; no
 * password in it: libpq's passfile, or the credential store.password of systemd).
 * Opens or creates the store file (mode 0660, for the common group; its folder must be writable by
 * that group) and brings its schema up to date, each version in one transaction.
 * ORL_E_UNSUPPORTED: made by a newer program. ORL_E_BACKEND: not a store, damaged, disk full.
 * Calls wait up to 10 s for another process's transaction, then ORL_E_TIMEOUT. So they do at once while
 * PostgreSQL is away; the connection is made again by itself, and no call is done twice. */
ORL_NODISCARD int orl_store_open(
        const char *target, struct orl_store **ret_store, struct orl_err *err);
void orl_store_close(struct orl_store *store); /* NULL is fine; open transactions are rolled back */

/* Transactions. Every function of store/ that writes is one by itself; several become one between
 * begin and commit. They nest (an inner rollback undoes the inner part only).
 *     ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
 *     int rc = orl_store_tx_begin(store, &tx, err); ... return orl_store_tx_commit(&tx, err); */
struct orl_store_tx {
    struct orl_store *store; /* NULL: not open */
};
ORL_NODISCARD int orl_store_tx_begin(
        struct orl_store *store, struct orl_store_tx *tx, struct orl_err *err);
ORL_NODISCARD int orl_store_tx_commit(struct orl_store_tx *tx, struct orl_err *err);
void orl_store_tx_end(struct orl_store_tx *tx); /* rolls back what was not committed */
bool orl_store_is_in_tx(const struct orl_store *store);

/* UUID of this installation, made with the store; lives as long as the handle. */
const char *orl_store_installation(const struct orl_store *store);
int orl_store_schema(const struct orl_store *store);
const char *orl_store_kind(const struct orl_store *store); /* "sqlite", "postgresql" */
/* Newest time that was ever written by an insert or move: a store whose stamp is older than what
 * its machines carry was restored from a backup. Never goes back. */
ORL_NODISCARD int orl_store_stamp(struct orl_store *store, uint64_t *ret_ms, struct orl_err *err);
ORL_NODISCARD int orl_store_stamp_set(
        struct orl_store *store, uint64_t now_ms, struct orl_err *err);
/* The database's own clock. ORL_E_UNSUPPORTED: a file has none. */
ORL_NODISCARD int orl_store_clock(struct orl_store *store, uint64_t *ret_ms, struct orl_err *err);
/* Changes when another connection has committed since the last call on this handle. */
ORL_NODISCARD int orl_store_generation(
        struct orl_store *store, uint64_t *ret_generation, struct orl_err *err);
/* Small facts that have no table: key up to 63 bytes. Get: ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_store_meta_get(struct orl_store *store, const char *key, char *ret_value,
        size_t value_size, struct orl_err *err);
ORL_NODISCARD int orl_store_meta_set(
        struct orl_store *store, const char *key, const char *value, struct orl_err *err);
/* Pages, indexes, foreign keys and the invariants between tables. ORL_E_BACKEND: text says what. */
ORL_NODISCARD int orl_store_check(struct orl_store *store, struct orl_err *err);
/* A consistent copy of the whole store in a new file (0600). ORL_E_EXISTS. Opened in the store's place it gives up
 * every desktop that is free in it: somebody may have had it since. */
ORL_NODISCARD int orl_store_backup(struct orl_store *store, const char *path, struct orl_err *err);

#endif
