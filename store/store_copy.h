/* The whole store moved: backup, restore, and from one kind of database to the other.
 * A backup is a SQLite store in a file. Not here: its encryption (cli/backup.h). */
#ifndef ORL_STORE_STORE_COPY_H
#define ORL_STORE_STORE_COPY_H
#include "store/store.h"

struct orl_store_copied {
    unsigned tables;
    uint64_t rows;
};
/* Every row of one into the other, which must be new (ORL_E_EXISTS), in one transaction; then read
 * back and compared, and checked. One of the two is SQLite's. While programs run: reading does not
 * mind them. ret_copied may be NULL. */
ORL_NODISCARD int orl_store_copy(struct orl_store *from, struct orl_store *to,
        struct orl_store_copied *ret_copied, struct orl_err *err);
/* All of the store at `to` becomes what the file has, or nothing changes: a SQLite file is replaced
 * (the old one stays as TO.before), PostgreSQL's tables are filled anew in one transaction.
 * ORL_E_CONFLICT: programs run on it. */
ORL_NODISCARD int orl_store_restore(
        const char *file, const char *to, struct orl_store_copied *ret_copied, struct orl_err *err);
/* To be called when the store went back to an older state, by whatever means (orl_store_restore() does
 * it). What it takes for free may have been given since: floating desktops are made anew, dedicated
 * ones become unknown machines, which vmpool quarantines. Logins at the portal and tickets end. */
ORL_NODISCARD int orl_store_restored(struct orl_store *store, uint64_t now_ms, struct orl_err *err);
/* From one store to another that is new. ORL_E_CONFLICT: programs run on one of them. */
ORL_NODISCARD int orl_store_migrate(
        const char *from, const char *to, struct orl_store_copied *ret_copied, struct orl_err *err);
/* What the programs' roles of PostgreSQL may do; NULL: not this one. The store's owner asks. */
ORL_NODISCARD int orl_store_grant(
        struct orl_store *store, const char *broker, const char *vmpool, struct orl_err *err);

#endif
