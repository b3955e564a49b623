/* Rows of logins at the portal: each is the cookie of one browser, of which only a hash is kept. It ends when nobody
 * used it for a while, at its last hour whatever happens, or when somebody ends it. Its tickets end with it.
 * Not here: making the cookie, checking the password (broker/weblogin.h). */
#ifndef ORL_STORE_WEBLOGIN_H
#define ORL_STORE_WEBLOGIN_H
#include "base/cookie.h"
#include "store/page.h"
#include "store/store.h"

#define ORL_WEBLOGIN_AGENT_MAX 160

struct orl_weblogin_row {
    char id[ORL_ID_LEN + 1]; /* no secret: what lists show */
    char token_hash[ORL_COOKIE_BINDING_LEN + 1];
    char user[ORL_USER_MAX + 1];
    uint64_t created_ms;
    uint64_t seen_ms;
    uint64_t idle_until_ms; /* over then, if nobody comes */
    uint64_t expires_ms;    /* over then */
    char client[ORL_ADDR_MAX + 1];
    char agent[ORL_WEBLOGIN_AGENT_MAX + 1];
    char totp_pending[ORL_STORE_SECRET_MAX + 1]; /* sealed; a second factor not confirmed yet */
};
typedef int (*orl_weblogin_fn)(void *ctx, const struct orl_weblogin_row *row);

/* An empty id is made; *ret_id (may be NULL) is the row's. Those of the person beyond the max_count last used end.
 * ORL_E_NOTFOUND: no such user. ORL_E_EXISTS: that hash. */
ORL_NODISCARD int orl_weblogin_insert(struct orl_store *store, const struct orl_weblogin_row *row,
        unsigned max_count, uint64_t now_ms, struct orl_id *ret_id, struct orl_err *err);
/* The one that lives at now_ms. ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_weblogin_find(struct orl_store *store, const char *token_hash,
        uint64_t now_ms, struct orl_weblogin_row *ret_row, struct orl_err *err);
/* Those that live at now_ms, last used first. user NULL: all. */
ORL_NODISCARD int orl_weblogin_list(struct orl_store *store, const char *user, uint64_t now_ms,
        orl_weblogin_fn fn, void *ctx, struct orl_err *err);
/* A page of them in an order that stays: those that began last first. */
ORL_NODISCARD int orl_weblogin_page(struct orl_store *store, const struct orl_page *page,
        uint64_t now_ms, orl_weblogin_fn fn, void *ctx, struct orl_err *err);
/* Somebody used it: it lives until idle_until_ms, at most until its end. ORL_E_NOTFOUND: it is over. */
ORL_NODISCARD int orl_weblogin_touch(struct orl_store *store, const char *token_hash,
        uint64_t now_ms, uint64_t idle_until_ms, struct orl_err *err);
ORL_NODISCARD int orl_weblogin_set_pending(
        struct orl_store *store, const char *id, const char *sealed, struct orl_err *err);
/* Ends one of the person's (user NULL: whosever it is), with its tickets. ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_weblogin_end(struct orl_store *store, const char *id, const char *user,
        uint64_t now_ms, struct orl_err *err);
/* Ends all of the person's but keep_id (NULL: none is kept); returns how many. */
ORL_NODISCARD int orl_weblogin_end_user(struct orl_store *store, const char *user,
        const char *keep_id, uint64_t now_ms, struct orl_err *err);
/* Deletes those that are over; returns how many. */
ORL_NODISCARD int orl_weblogin_prune(struct orl_store *store, uint64_t now_ms, struct orl_err *err);

#endif
