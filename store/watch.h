/* Rows of who looks, or asked to look, at another person's desktop. Each step is one conditional update and its audit
 * row. A row that is open belongs to the broker that runs: what a former life left open has ended.
 * Not here: asking the person, tickets, connections (broker/watching.h). */
#ifndef ORL_STORE_WATCH_H
#define ORL_STORE_WATCH_H
#include "store/page.h"
#include "store/store.h"

#define ORL_WATCH_WHY_MAX 200 /* bytes; ORL_TEXT_MAX has room for what stands beside it */

enum orl_watch_state {
    ORL_WATCH_NONE = 0,
    ORL_WATCH_ASKED,   /* the person has not answered yet */
    ORL_WATCH_GRANTED, /* by the person, or by nobody (break-glass); nobody looks yet */
    ORL_WATCH_REFUSED,
    ORL_WATCH_ACTIVE,
    ORL_WATCH_ENDED,
    ORL_WATCH_STATE_COUNT
};
struct orl_watch_row {
    char id[ORL_ID_LEN + 1];
    char session[ORL_ID_LEN + 1];
    char user[ORL_USER_MAX + 1]; /* whose session */
    char pool[ORL_NAME_MAX + 1];
    char watcher[ORL_USER_MAX + 1];
    bool is_break_glass; /* the person is told, not asked */
    char why[ORL_WATCH_WHY_MAX + 1];
    enum orl_watch_state state;
    enum orl_reason reason;                               /* REFUSED, ENDED */
    uint64_t created_ms, answered_ms, begun_ms, ended_ms; /* 0: not yet */
};
typedef int (*orl_watch_fn)(void *ctx, const struct orl_watch_row *row);
struct orl_watch_by { /* who did it, for the audit */
    const char *actor, *client;
};

/* A new one of session, user, pool, watcher, is_break_glass and why: asked, or granted at once; the rest of *row is
 * filled in. Audited (watch.ask, watch.break_glass). ORL_E_EXISTS: this watcher has one open of this session. */
ORL_NODISCARD int orl_watch_add(struct orl_store *store, struct orl_watch_row *row,
        const struct orl_watch_by *by, uint64_t now_ms, struct orl_err *err);
/* Asked becomes granted or refused, granted active; asked becomes refused, granted and active ended. Audited
 * (watch.grant, watch.refuse, watch.begin, watch.end). ORL_E_CONFLICT: not from where it is; ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_watch_move(struct orl_store *store, const char *id, enum orl_watch_state to,
        enum orl_reason reason, const struct orl_watch_by *by, uint64_t now_ms,
        struct orl_err *err);
/* Every one that is open is over (refused or ended). Returns how many. */
ORL_NODISCARD int orl_watch_close_open(struct orl_store *store, enum orl_reason reason,
        const struct orl_watch_by *by, uint64_t now_ms, struct orl_err *err);
ORL_NODISCARD int orl_watch_get(struct orl_store *store, const char *id,
        struct orl_watch_row *ret_row, struct orl_err *err);
struct orl_watch_filter {
    const char *session;  /* NULL: any */
    bool is_open;         /* asked, granted or active */
    struct orl_page page; /* newest first; its user: the watcher or the watched */
};
ORL_NODISCARD int orl_watch_list(struct orl_store *store, const struct orl_watch_filter *filter,
        orl_watch_fn fn, void *ctx, struct orl_err *err);
/* Deletes those that ended before; returns how many. */
ORL_NODISCARD int orl_watch_prune(struct orl_store *store, uint64_t before_ms, struct orl_err *err);
const char *orl_watch_state_name(enum orl_watch_state state);

#endif
