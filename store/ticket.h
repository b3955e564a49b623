/* Rows of one-time tickets. Not here: issuing and the proof (broker). */
#ifndef ORL_STORE_TICKET_H
#define ORL_STORE_TICKET_H
#include "base/regional.h"
#include "store/page.h"
#include "store/store.h"

#define ORL_TICKET_ID_LEN 18 /* "t-" and 16 hex digits */

struct orl_ticket_row {
    char id[ORL_TICKET_ID_LEN + 1];
    char secret[ORL_STORE_SEALED_MAX + 1]; /* sealed NT hash */
    char user[ORL_USER_MAX + 1];
    char pool[ORL_NAME_MAX + 1];
    char session[ORL_ID_LEN + 1]; /* the only one it re-enters; empty until used */
    uint32_t slot;                /* which of the person's desktops in the pool; 0: 1 */
    uint64_t created_ms;
    uint64_t first_use_by_ms;
    uint64_t used_ms;    /* 0: not yet */
    uint64_t revoked_ms; /* 0: not */
    uint32_t failures;
    char binding[ORL_BINDING_LEN +
                 1];              /* the portal login that alone may use it, once; empty: anybody */
    struct orl_regional regional; /* of the browser that it was made for */
};
typedef int (*orl_ticket_fn)(void *ctx, const struct orl_ticket_row *row);

/* ORL_E_EXISTS; ORL_E_NOTFOUND: no such user or pool. */
ORL_NODISCARD int orl_ticket_insert(struct orl_store *store, const struct orl_ticket_row *row,
        uint64_t now_ms, struct orl_err *err);
ORL_NODISCARD int orl_ticket_get(struct orl_store *store, const char *id,
        struct orl_ticket_row *ret_row, struct orl_err *err);
ORL_NODISCARD int orl_ticket_list(struct orl_store *store, const struct orl_page *page,
        orl_ticket_fn fn, void *ctx, struct orl_err *err);
/* After a proof that held: first use before first_use_by_ms binds it to session; later uses need
 * that same session, still live. One with a binding is used once, while its login lives. One
 * conditional update. ORL_E_DENIED: late, revoked, another session's, or its session has ended.
 * ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_ticket_use(struct orl_store *store, const char *id, const char *session,
        uint64_t now_ms, struct orl_err *err);
/* Counts a proof that failed; max_failures (not 0) of them revoke it. */
ORL_NODISCARD int orl_ticket_fail(struct orl_store *store, const char *id, uint32_t max_failures,
        uint64_t now_ms, uint32_t *ret_failures, struct orl_err *err);
/* ORL_E_NOTFOUND. Revoked before: nothing changes. */
ORL_NODISCARD int orl_ticket_revoke(
        struct orl_store *store, const char *id, uint64_t now_ms, struct orl_err *err);
ORL_NODISCARD int orl_ticket_revoke_session(
        struct orl_store *store, const char *session, uint64_t now_ms, struct orl_err *err);
/* Of a person, in one pool or (NULL) in all. */
ORL_NODISCARD int orl_ticket_revoke_user(struct orl_store *store, const char *user,
        const char *pool, uint64_t now_ms, struct orl_err *err);
/* How many of the person's can still be used for the first time. */
ORL_NODISCARD int orl_ticket_count_unused(
        struct orl_store *store, const char *user, uint64_t now_ms, struct orl_err *err);
/* Deletes those that can't be used since before_ms; returns how many. */
ORL_NODISCARD int orl_ticket_prune(
        struct orl_store *store, uint64_t before_ms, struct orl_err *err);

#endif
