/* Rows of homes: what a person keeps in a pool whose desktops come and go. A home is on one desktop at a time; the row
 * says so before the disk is there, and until its machine is gone. Not here: the files (vmpool/home_disk.h). */
#ifndef ORL_STORE_HOME_H
#define ORL_STORE_HOME_H
#include "store/page.h"
#include "store/pool.h"
#include "store/store.h"

struct orl_home_row {
    char id[ORL_ID_LEN + 1];
    char user[ORL_USER_MAX + 1];
    char pool[ORL_NAME_MAX + 1];
    enum orl_home_kind kind;
    char path[ORL_STORE_PATH_MAX + 1]; /* volume: the qcow2; nfs: SERVER:/PATH */
    uint64_t size_mib;
    char desktop[ORL_ID_LEN + 1]; /* empty: on none */
    uint64_t version;             /* of that desktop when it was taken */
    uint64_t created_ms;
    uint64_t used_ms; /* in a guest last; 0: never, and its file may be missing */
};
typedef int (*orl_home_fn)(void *ctx, const struct orl_home_row *row);

struct orl_home_want {
    const char *user, *pool;
    enum orl_home_kind kind;
    const char *folder; /* volume: where its file is, should it be new */
    const char *target; /* nfs */
    uint64_t size_mib;
    const char *desktop;
    uint64_t version;
};
/* Made if it is the first time; larger where want says more than it had. ORL_E_CONFLICT: it is on another desktop. Taken by this one already: the row. */
ORL_NODISCARD int orl_home_take(struct orl_store *store, const struct orl_home_want *want,
        uint64_t now_ms, struct orl_home_row *ret_row, struct orl_err *err);
/* The guest of the desktop that has it, has it now. */
ORL_NODISCARD int orl_home_set_used(struct orl_store *store, const char *id, const char *desktop,
        uint64_t now_ms, struct orl_err *err);
/* What is on desktops whose machine is gone or off is on none. Returns how many there were. */
ORL_NODISCARD int orl_home_release_gone(
        struct orl_store *store, uint64_t now_ms, struct orl_err *err);
/* user, pool NULL: any; by user. */
ORL_NODISCARD int orl_home_list(struct orl_store *store, const struct orl_page *page,
        orl_home_fn fn, void *ctx, struct orl_err *err);
ORL_NODISCARD int orl_home_get(
        struct orl_store *store, const char *id, struct orl_home_row *ret_row, struct orl_err *err);
/* The row only. ORL_E_CONFLICT: in use. */
ORL_NODISCARD int orl_home_remove(struct orl_store *store, const char *id, const char *actor,
        uint64_t now_ms, struct orl_err *err);

#endif
