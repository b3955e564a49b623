/* Who may use which pool. */
#ifndef ORL_STORE_ENTITLEMENT_H
#define ORL_STORE_ENTITLEMENT_H
#include "store/store.h"

struct orl_entitlement_row {
    char user[ORL_USER_MAX + 1];
    char pool[ORL_NAME_MAX + 1];
};
typedef int (*orl_entitlement_fn)(void *ctx, const struct orl_entitlement_row *row);

/* ORL_E_EXISTS; ORL_E_NOTFOUND: no such user or pool. */
ORL_NODISCARD int orl_entitlement_insert(
        struct orl_store *store, const char *user, const char *pool, struct orl_err *err);
ORL_NODISCARD int orl_entitlement_remove(
        struct orl_store *store, const char *user, const char *pool, struct orl_err *err);
/* 1, 0 or negative. A pool that is being deleted counts as not entitled. */
ORL_NODISCARD int orl_entitlement_has(
        struct orl_store *store, const char *user, const char *pool, struct orl_err *err);
/* user, pool: NULL for all. By user, then pool. Pools being deleted are left out. */
ORL_NODISCARD int orl_entitlement_list(struct orl_store *store, const char *user, const char *pool,
        orl_entitlement_fn fn, void *ctx, struct orl_err *err);

#endif
