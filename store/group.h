/* Groups of people, nested once: a group has people and other groups, and those have people only. What a group is
 * entitled to (store/entitlement.h) all of them may use. */
#ifndef ORL_STORE_GROUP_H
#define ORL_STORE_GROUP_H
#include "store/page.h"
#include "store/store.h"

struct orl_group_row {
    char name[ORL_NAME_MAX + 1];
    char display[ORL_TEXT_MAX + 1];
    uint64_t created_ms;
    uint32_t user_count, group_count, pool_count; /* its own; not written */
};
typedef int (*orl_group_fn)(void *ctx, const struct orl_group_row *row);

/* ORL_E_EXISTS: also when only the case of ASCII letters differs. */
ORL_NODISCARD int orl_group_insert(struct orl_store *store, const struct orl_group_row *row,
        uint64_t now_ms, struct orl_err *err);
/* Finds without regard to the case of ASCII letters; row->name is as stored. */
ORL_NODISCARD int orl_group_get(struct orl_store *store, const char *name,
        struct orl_group_row *ret_row, struct orl_err *err);
ORL_NODISCARD int orl_group_list(struct orl_store *store, const struct orl_page *page,
        orl_group_fn fn, void *ctx, struct orl_err *err);
/* Writes display. */
ORL_NODISCARD int orl_group_update(
        struct orl_store *store, const struct orl_group_row *row, struct orl_err *err);
/* With its memberships and entitlements. */
ORL_NODISCARD int orl_group_remove(struct orl_store *store, const char *name, struct orl_err *err);

struct orl_group_member {
    char group[ORL_NAME_MAX + 1];
    char name[ORL_USER_MAX + 1];
    bool is_group;
};
typedef int (*orl_group_member_fn)(void *ctx, const struct orl_group_member *member);
/* Names as stored. ORL_E_EXISTS; ORL_E_NOTFOUND: no such group or member. ORL_E_CONFLICT: groups would be nested
 * twice. */
ORL_NODISCARD int orl_group_add(
        struct orl_store *store, const struct orl_group_member *member, struct orl_err *err);
ORL_NODISCARD int orl_group_drop(
        struct orl_store *store, const struct orl_group_member *member, struct orl_err *err);
/* Groups first, each by name. */
ORL_NODISCARD int orl_group_members(struct orl_store *store, const char *group,
        orl_group_member_fn fn, void *ctx, struct orl_err *err);
/* The groups that this one is in. member->name is the group's. */
ORL_NODISCARD int orl_group_parents(struct orl_store *store, const char *group,
        orl_group_member_fn fn, void *ctx, struct orl_err *err);
struct orl_group_of {
    char group[ORL_NAME_MAX + 1];
    char via[ORL_NAME_MAX +
             1]; /* the group in it that the person is in; empty: they are in it themselves */
};
typedef int (*orl_group_of_fn)(void *ctx, const struct orl_group_of *of);
/* Every group that a person is in, by name. */
ORL_NODISCARD int orl_group_of_user(struct orl_store *store, const char *user, orl_group_of_fn fn,
        void *ctx, struct orl_err *err);

#endif
