/* What the subjects' files share inside store/. */
#ifndef ORL_STORE_STORE_PRIV_H
#define ORL_STORE_STORE_PRIV_H
#include "base/cleanup.h"
#include "store/store.h"
#include "store/store_db.h"

struct orl_store {
    struct orl_db *db;
    unsigned tx_depth;
    int schema;
    char installation[ORL_UUID_LEN + 1];
    struct orl_id last_audit;
};

struct orl_store_migration {
    const char *sqlite; /* NUL-terminated; a folder of SQL files, embedded when built */
    const char *postgres;
};
extern const struct orl_store_migration orl_store_migrations[];
extern const int orl_store_migration_count;

/* Reasons as codes in text columns; '' for none. */
void orl_store_put_reason(struct orl_db_query *q, enum orl_reason reason);
enum orl_reason orl_store_get_reason(struct orl_db_query *q);
/* Rows changed must be exactly one: 0, or ORL_E_NOTFOUND "no such THING NAME". */
ORL_NODISCARD int orl_store_run_one(
        struct orl_db_query *q, const char *thing, const char *name, struct orl_err *err);
ORL_NODISCARD int orl_store_no_such(const char *thing, const char *name, struct orl_err *err);
/* store_adopt.c: the mark of a backup, and what whoever opens it first does about it. */
ORL_NODISCARD int orl_store_mark_copy(struct orl_store *copy, struct orl_err *err);
ORL_NODISCARD int orl_store_adopt_copy(struct orl_store *store, struct orl_err *err);
/* As orl_store_stamp_set(), inside a transaction of the caller. */
ORL_NODISCARD int orl_store_stamp_raise(
        struct orl_store *store, uint64_t now_ms, struct orl_err *err);

#endif
