/* Personal access tokens, for scripts: of a person, with a scope and an end. The store has only the SHA-256. */
#ifndef ORL_STORE_TOKEN_H
#define ORL_STORE_TOKEN_H
#include "store/page.h"
#include "store/store.h"
#include "store/user.h"

#define ORL_TOKEN_HASH_LEN 64
#define ORL_TOKEN_MAX_PER_USER 50

struct orl_token_row {
    char id[ORL_ID_LEN + 1];
    char user[ORL_USER_MAX + 1];
    char label[ORL_TEXT_MAX + 1];
    char hash[ORL_TOKEN_HASH_LEN + 1]; /* SHA-256 of the whole token, in hex */
    enum orl_role scope;               /* viewer, operator or admin */
    uint64_t created_ms;
    uint64_t expires_ms;
    uint64_t used_ms; /* about when; 0: never */
};
typedef int (*orl_token_fn)(void *ctx, const struct orl_token_row *row);

/* The id is made here, into *ret_id. ORL_E_NOTFOUND: no such user. ORL_E_CONFLICT: the person has
 * ORL_TOKEN_MAX_PER_USER that live. Those that are over go meanwhile. */
ORL_NODISCARD int orl_token_insert(struct orl_store *store, const struct orl_token_row *row,
        uint64_t now_ms, struct orl_id *ret_id, struct orl_err *err);
/* One that lives. ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_token_find(struct orl_store *store, const char *hash, uint64_t now_ms,
        struct orl_token_row *ret_row, struct orl_err *err);
ORL_NODISCARD int orl_token_touch(
        struct orl_store *store, const char *id, uint64_t now_ms, struct orl_err *err);
/* Those that live, by page->user; newest first. */
ORL_NODISCARD int orl_token_list(struct orl_store *store, const struct orl_page *page,
        uint64_t now_ms, orl_token_fn fn, void *ctx, struct orl_err *err);
/* Also one that is over. ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_token_get(struct orl_store *store, const char *id,
        struct orl_token_row *ret_row, struct orl_err *err);
/* All of the person's. */
ORL_NODISCARD int orl_token_remove_user(
        struct orl_store *store, const char *user, struct orl_err *err);
/* user NULL: whosever it is. ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_token_remove(
        struct orl_store *store, const char *id, const char *user, struct orl_err *err);

#endif
