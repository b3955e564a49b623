/* Rows of desktops: inserted as an intent, claimed by one conditional update, moved only by the
 * table of store/desktop_state.h. A row is one machine: it is never used for a second clone.
 * version is the fence: it grows when the desktop changes hands (claim, end), not with power or with
 * a reconnect of the same person, so a plan's version is good for as long as the session. */
#ifndef ORL_STORE_DESKTOP_H
#define ORL_STORE_DESKTOP_H
#include "store/desktop_state.h"
#include "store/page.h"
#include "store/store.h"

/* The person inside the guest: made known to it by its hook. */
enum orl_person {
    ORL_PERSON_NONE = 0, /* nobody is, or the guest has no hook */
    ORL_PERSON_WANTED,   /* given; vmpool is to tell the guest */
    ORL_PERSON_READY,
    ORL_PERSON_FAILED,
};
/* What the guest's hook says of its person's session. */
enum orl_guest_state {
    ORL_GUEST_UNKNOWN = 0,
    ORL_GUEST_LOGGED_ON,
    ORL_GUEST_LOCKED,
    ORL_GUEST_LOGGED_OFF,
};

struct orl_desktop_row {
    char id[ORL_ID_LEN + 1];
    char pool[ORL_NAME_MAX + 1];
    char host[ORL_NAME_MAX + 1]; /* libvirt host; empty for static */
    uint64_t version;
    enum orl_pool_kind kind; /* the pool's */
    enum orl_lease lease;
    enum orl_power power;
    enum orl_want want;
    bool is_tainted;
    bool is_ready; /* guest answers, display opens */
    bool is_maintenance;
    char user[ORL_USER_MAX + 1];  /* empty: nobody's */
    char session[ORL_ID_LEN + 1]; /* its live session, or empty */
    char uuid[ORL_UUID_LEN + 1];
    char domain[ORL_STORE_CODE_MAX + 1];
    char overlay[ORL_STORE_PATH_MAX + 1];
    char vnc_target[ORL_TEXT_MAX + 1]; /* static: "host:port", "unix:P", "domain:", "rdp:" */
    char vnc_password[ORL_STORE_SEALED_MAX + 1]; /* sealed, or empty */
    enum orl_reason reason;                      /* why it failed or waits; 0: fine */
    char reason_text[ORL_TEXT_MAX + 1];
    uint32_t attempts; /* since the last success */
    uint64_t retry_ms; /* not before; 0: now */
    uint64_t created_ms, changed_ms, ready_ms;
    uint64_t restart_ms; /* its person asked for a restart then; 0: not, or it has begun */
    char template_name[ORL_NAME_MAX + 1]; /* what it was cloned of; static: empty, 0 */
    uint32_t template_version;
    uint32_t slot; /* which of its person's desktops in the pool, from 1; 0: 1 */
    enum orl_person person;
    enum orl_guest_state guest_state;
    bool has_hook;   /* the guest's hook had its port open when the desktop became ready */
    bool is_instant; /* resumed from a golden image, and somebody of its own since */
    char golden[ORL_ID_LEN +
                1]; /* the image that it is, or shall be, a copy of (store/golden.h); or empty */
    char made_text[ORL_TEXT_MAX +
                   1]; /* why it was made the way it was; empty: as the pool wants it */
};
const char *orl_person_name(enum orl_person person); /* "none", "wanted", "ready", "failed" */
const char *orl_guest_state_name(enum orl_guest_state state); /* "", "logged_on", ... */
bool orl_guest_state_parse(const char *text, enum orl_guest_state *ret_state);

/* A new row, not tainted: lease free or (dedicated, with user) assigned; any power (static:
 * running). version is set to 1, kind to the pool's, times to now_ms; want NONE means run. An empty
 * id is made here; *ret_id (may be NULL) is the row's. ORL_E_EXISTS, ORL_E_NOTFOUND (no such pool). */
ORL_NODISCARD int orl_desktop_insert(struct orl_store *store, const struct orl_desktop_row *row,
        const char *actor, uint64_t now_ms, struct orl_id *ret_id, struct orl_err *err);
ORL_NODISCARD int orl_desktop_get(struct orl_store *store, const char *id,
        struct orl_desktop_row *ret_row, struct orl_err *err);

struct orl_desktop_filter { /* all that are set must hold; all zero: every desktop */
    const char *pool;
    const char *user;
    const char *host;
    enum orl_lease lease;
    enum orl_power power;
    struct orl_page page; /* its user and pool are not looked at */
    bool has_any_order;   /* not sorted: what looks at all of them has no use for that */
};
/* Not 0 ends the list and is what the list returns. row is borrowed; fn may read the store and must
 * not write to it. Oldest first, if not otherwise asked. */
typedef int (*orl_desktop_fn)(void *ctx, const struct orl_desktop_row *row);
ORL_NODISCARD int orl_desktop_list(struct orl_store *store, const struct orl_desktop_filter *filter,
        orl_desktop_fn fn, void *ctx, struct orl_err *err);
/* The person's desktop in the pool, not ending. ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_desktop_find(struct orl_store *store, const char *pool, const char *user,
        struct orl_desktop_row *ret_row, struct orl_err *err);

/* The same of a slot, from 1; orl_desktop_find() is the first's. */
ORL_NODISCARD int orl_desktop_find_slot(struct orl_store *store, const char *pool, const char *user,
        uint32_t slot, struct orl_desktop_row *ret_row, struct orl_err *err);

struct orl_desktop_claim {
    const char *pool;
    const char *user;
    uint32_t slot;     /* which of the person's in the pool; 0: 1 */
    const char *actor; /* for the audit row; NULL: "broker" */
};
/* Gives one free, running, ready desktop without maintenance, the oldest, to the person: assigned,
 * tainted, version + 1. One that is the person's already (dedicated) is given again, whatever its
 * power (want becomes run). ORL_E_NOTFOUND: none now. For people use orl_session_claim(), which
 * binds desktop and session. */
ORL_NODISCARD int orl_desktop_claim(struct orl_store *store, const struct orl_desktop_claim *claim,
        uint64_t now_ms, struct orl_desktop_row *ret_row, struct orl_err *err);

struct orl_desktop_move {
    const char *id;
    uint64_t version;     /* must be the row's; 0: any (observations only, never a lease move) */
    enum orl_lease lease; /* to; NONE keeps */
    enum orl_power power; /* to; NONE keeps */
    enum orl_want want; /* NONE keeps; ending sets it by itself: floating delete, dedicated stop */
    enum orl_reason reason;
    const char *actor;  /* "broker", "vmpool", "user:NAME" */
    const char *detail; /* NULL or text for the audit row */
};
/* One legal step: row, version and audit row in one transaction. Leaving running clears is_ready;
 * ending forgets the session, free also the person; ending sets want (floating: delete, dedicated:
 * stop). ORL_E_CONFLICT: version is not the row's. ORL_E_DENIED: no legal move from where the row
 * is, or a lease while a session is on it (session.h moves that). ORL_E_NOTFOUND. ret_row (may be
 * NULL) is the row after the move. */
ORL_NODISCARD int orl_desktop_move(struct orl_store *store, const struct orl_desktop_move *move,
        uint64_t now_ms, struct orl_desktop_row *ret_row, struct orl_err *err);

/* What vmpool has seen of a machine. Written only where it differs; a change of power obeys the
 * table and is audited. Fails as orl_desktop_move(). */
struct orl_desktop_seen {
    const char *id;
    uint64_t version;     /* 0: any */
    enum orl_power power; /* NONE keeps */
    bool is_ready;        /* only with power running; first time sets ready_ms */
    bool has_hook;
    const char *host; /* NULL keeps, as below */
    const char *uuid;
    const char *domain;
    const char *overlay;
    enum orl_reason reason;
    const char *reason_text;
    uint32_t attempts;
    uint64_t retry_ms;
};
ORL_NODISCARD int orl_desktop_observe(struct orl_store *store, const struct orl_desktop_seen *seen,
        uint64_t now_ms, struct orl_err *err);

ORL_NODISCARD int orl_desktop_set_want(struct orl_store *store, const char *id, enum orl_want want,
        const char *actor, uint64_t now_ms, struct orl_err *err);
/* Its person wants it restarted; vmpool does it, and the wish is over when it leaves running.
 * ORL_E_CONFLICT: it does not run, or is nobody's. ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_desktop_ask_restart(struct orl_store *store, const char *id,
        const char *actor, uint64_t now_ms, struct orl_err *err);
/* The same without asking its guest. */
ORL_NODISCARD int orl_desktop_ask_reset(struct orl_store *store, const char *id, const char *actor,
        uint64_t now_ms, struct orl_err *err);
ORL_NODISCARD int orl_desktop_set_maintenance(struct orl_store *store, const char *id,
        bool is_maintenance, const char *actor, uint64_t now_ms, struct orl_err *err);
/* Deletes the row of a machine that is gone: ending and absent (static: ending), version as in
 * move, no live session. ORL_E_DENIED, ORL_E_CONFLICT, ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_desktop_remove(struct orl_store *store, const char *id, uint64_t version,
        const char *actor, uint64_t now_ms, struct orl_err *err);

struct orl_desktop_version {
    char template_name[ORL_NAME_MAX + 1];
    uint32_t template_version;
    uint32_t desktops;
};
typedef int (*orl_desktop_version_fn)(void *ctx, const struct orl_desktop_version *count);
/* How many desktops lie on which version of a template. pool NULL: of all pools. Ends as a list. */
ORL_NODISCARD int orl_desktop_versions(struct orl_store *store, const char *pool,
        orl_desktop_version_fn fn, void *ctx, struct orl_err *err);

struct orl_desktop_counts {
    uint32_t total;
    uint32_t ready; /* can be claimed now */
    uint32_t given; /* assigned, in use, disconnected */
    uint32_t by[ORL_LEASE_COUNT][ORL_POWER_COUNT];
};
ORL_NODISCARD int orl_desktop_count(struct orl_store *store, const char *pool,
        struct orl_desktop_counts *ret_counts, struct orl_err *err);

enum { ORL_PACE_MAKING_MAX = 64, ORL_PACE_TOOK_MAX = 15 };
/* How fast a pool gets new desktops: those in the making, longest first, and how long the last ones took, shortest
 * first. */
struct orl_desktop_pace {
    uint64_t making_since_ms[ORL_PACE_MAKING_MAX];
    unsigned making;
    uint64_t took_ms[ORL_PACE_TOOK_MAX];
    unsigned took;
};
ORL_NODISCARD int orl_desktop_pace(struct orl_store *store, const char *pool,
        struct orl_desktop_pace *ret_pace, struct orl_err *err);

#endif
