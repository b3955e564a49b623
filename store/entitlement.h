/* Who may use which pool: a person, or everybody in a group. */
#ifndef ORL_STORE_ENTITLEMENT_H
#define ORL_STORE_ENTITLEMENT_H
#include "store/page.h"
#include "store/store.h"

struct orl_entitlement_way {
    char user[ORL_USER_MAX + 1];  /* empty: not of one person */
    char group[ORL_NAME_MAX + 1]; /* that has the entitlement; empty: the person has it */
    char pool[ORL_NAME_MAX + 1];
};
typedef int (*orl_entitlement_way_fn)(void *ctx, const struct orl_entitlement_way *way);

/* ORL_E_EXISTS; ORL_E_NOTFOUND: no such user or pool. */
ORL_NODISCARD int orl_entitlement_insert(
        struct orl_store *store, const char *user, const char *pool, struct orl_err *err);
ORL_NODISCARD int orl_entitlement_remove(
        struct orl_store *store, const char *user, const char *pool, struct orl_err *err);
/* 1, 0 or negative: by themselves or by any of their groups. A pool that is being deleted counts as not entitled. */
ORL_NODISCARD int orl_entitlement_has(
        struct orl_store *store, const char *user, const char *pool, struct orl_err *err);
/* Of groups by group and pool, then of people by person and pool; a filter by one leaves the other out. Pools being
 * deleted are left out. A row's key is "group/GROUP/POOL" or "user/USER/POOL". */
ORL_NODISCARD int orl_entitlement_list(struct orl_store *store, const struct orl_page *page,
        orl_entitlement_way_fn fn, void *ctx, struct orl_err *err);

/* The same of a group (store/group.h); names as stored. */
ORL_NODISCARD int orl_entitlement_insert_group(
        struct orl_store *store, const char *group, const char *pool, struct orl_err *err);
ORL_NODISCARD int orl_entitlement_remove_group(
        struct orl_store *store, const char *group, const char *pool, struct orl_err *err);
/* Every pool that a person may use, as often as there are reasons why, by pool. */
ORL_NODISCARD int orl_entitlement_ways(struct orl_store *store, const char *user,
        orl_entitlement_way_fn fn, void *ctx, struct orl_err *err);
ORL_NODISCARD int orl_entitlement_of_group(struct orl_store *store, const char *group,
        orl_entitlement_way_fn fn, void *ctx, struct orl_err *err);
/* What a removal takes away; NULL: whatever it is. */
struct orl_entitlement_cut {
    const char *user, *pool;
    const char *group;  /* that has the entitlement */
    const char *member; /* that the person is in: the same, or one in it */
    const char *either; /* of the two */
    bool is_own;        /* the person's own entitlement, not by a group */
};
/* Who has no way to a pool then any more, by person, each once. */
ORL_NODISCARD int orl_entitlement_cut_off(struct orl_store *store,
        const struct orl_entitlement_cut *cut, orl_entitlement_way_fn fn, void *ctx,
        struct orl_err *err);
/* Who has a session or a ticket of a pool that they may not use any more. */
ORL_NODISCARD int orl_entitlement_lost(
        struct orl_store *store, orl_entitlement_way_fn fn, void *ctx, struct orl_err *err);

#endif
