/* One page of a list: what comes after the last row that was seen, by the row's key and not by its number, so that rows
 * which come and go meanwhile neither shift nor repeat the others. */
#ifndef ORL_STORE_PAGE_H
#define ORL_STORE_PAGE_H
#include "base/err.h"
#include "base/ipc_msgs.h"

#include <stdint.h>

#define ORL_PAGE_KEY_MAX 639 /* three names and what is between them */

/* All zero, or NULL where a list takes one: every row. A list that has no such column ignores the filter. */
struct orl_page {
    const char *after; /* key of the last row that was seen; NULL or "": from the first */
    const char *text;  /* must be in a name, case of ASCII letters aside; NULL: anything */
    const char *user;
    const char *group;
    const char *pool;
    unsigned max_count; /* 0: all */
};
/* A key in its parts. Lists by time have a number before a '/'. */
struct orl_page_key {
    uint64_t number;
    char part[3][ORL_USER_MAX + 1];
};

struct orl_db;
struct orl_db_query;
/* A list by a name: sql takes as $1 the key's one name, as $2 the text (orl_page_put_like()), as $3 the most rows. What
 * is no such key makes the first step fail. */
struct orl_db_query orl_page_query(struct orl_db *db, const char *sql, const struct orl_page *page);
/* count names (1 to 3) with '/' between them; the last may hold more of them. ORL_E_INVAL: it is no such key. */
ORL_NODISCARD int orl_page_key_names(const struct orl_page *page, unsigned count,
        struct orl_page_key *ret_key, struct orl_err *err);
/* ORL_E_INVAL, for a list that asks more of a key. */
int orl_page_key_refuse(struct orl_err *err);
/* A number, then count names (1 or 2). Without a key the number is the first one's: 0, or of a list that begins with the
 * newest the greatest. */
ORL_NODISCARD int orl_page_key_timed(const struct orl_page *page, bool is_newest_first,
        unsigned count, struct orl_page_key *ret_key, struct orl_err *err);
/* Binds what `lower(name) LIKE ('' || $n) ESCAPE '\'` wants. Not $n alone: SQLite would parse the statement anew for each text. */
void orl_page_put_like(struct orl_db_query *q, const struct orl_page *page);
/* Binds what LIMIT wants. */
void orl_page_put_max(struct orl_db_query *q, const struct orl_page *page);

#endif
