/* Rows of people who may log in. Not here: checking a password (broker). */
#ifndef ORL_STORE_USER_H
#define ORL_STORE_USER_H
#include "store/page.h"
#include "store/store.h"

/* Each may what those before it may. From VIEWER on the console is open to them. */
enum orl_role {
    ORL_ROLE_NONE = 0,
    ORL_ROLE_USER,
    ORL_ROLE_VIEWER,
    ORL_ROLE_OPERATOR,
    ORL_ROLE_ADMIN
};
struct orl_user_row {
    char name[ORL_USER_MAX + 1];
    char display[ORL_TEXT_MAX + 1];
    char password_hash[ORL_STORE_SECRET_MAX + 1]; /* argon2id, or empty: no password login */
    enum orl_role role;
    bool is_disabled;
    uint32_t max_desktops; /* of all pools, at once; 0: no limit */
    bool may_break_glass;  /* may look at a desktop without asking, with a written reason */
    uint64_t created_ms;
    char totp_secret[ORL_STORE_SECRET_MAX + 1]; /* second factor, sealed; empty: none */
    uint64_t totp_last_step;                    /* of the last code that was used */
};
typedef int (*orl_user_fn)(void *ctx, const struct orl_user_row *row);

/* ORL_E_INVAL: empty name. ORL_E_EXISTS: also when only the case of ASCII letters
 * differs. */
ORL_NODISCARD int orl_user_insert(struct orl_store *store, const struct orl_user_row *row,
        uint64_t now_ms, struct orl_err *err);
/* Finds without regard to the case of ASCII letters; row->name is as stored. */
ORL_NODISCARD int orl_user_get(struct orl_store *store, const char *name,
        struct orl_user_row *ret_row, struct orl_err *err);
ORL_NODISCARD int orl_user_list(struct orl_store *store, const struct orl_page *page,
        orl_user_fn fn, void *ctx, struct orl_err *err);
/* Writes display, password_hash, role, is_disabled, max_desktops, may_break_glass; not the second factor. */
ORL_NODISCARD int orl_user_update(
        struct orl_store *store, const struct orl_user_row *row, struct orl_err *err);
/* Sets (sealed, with the step of the code that proved it) or takes away ("") the second factor. */
ORL_NODISCARD int orl_user_set_totp(struct orl_store *store, const char *name, const char *sealed,
        uint64_t step, struct orl_err *err);
/* The code of this step was shown. ORL_E_DENIED: it, or a later one, was used before, or the second
 * factor is not `sealed` any more. */
ORL_NODISCARD int orl_user_use_totp(struct orl_store *store, const char *name, const char *sealed,
        uint64_t step, struct orl_err *err);
/* With entitlements, tickets and logins. ORL_E_CONFLICT: a live session or a dedicated desktop is left. */
ORL_NODISCARD int orl_user_remove(struct orl_store *store, const char *name, struct orl_err *err);
/* Administrators who can log in: not disabled, with a password. */
ORL_NODISCARD int orl_user_count_admins(struct orl_store *store, struct orl_err *err);
const char *orl_role_name(enum orl_role role); /* "user", "viewer", "operator", "admin" */
bool orl_role_parse(const char *text, enum orl_role *ret_role);

#endif
