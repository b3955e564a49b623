/* The audit: what happened to whom, with the same id that the person was shown. Append only.
 * Floods: per address prefix (IPv4 /24, IPv6 /56), reason and minute the first ten refusals are rows
 * of their own, all others are counted in one more. */
#ifndef ORL_STORE_AUDIT_H
#define ORL_STORE_AUDIT_H
#include "base/sha256.h"
#include "store/store.h"

#define ORL_AUDIT_ROWS_PER_MINUTE 10

struct orl_audit_event {    /* borrowed; NULL is empty; longer than the row's fields is cut */
    const char *actor;      /* "broker", "vmpool", "user:NAME", "admin:UID" */
    const char *action;     /* "login", "desktop.claim", "user.add"; not empty */
    enum orl_reason reason; /* 0: it succeeded */
    const char *kind;       /* "desktop": the row's object is "desktop:OBJECT"; NULL: as it is */
    const char *object;     /* "desktop:ID", "pool:NAME" */
    const char *user;
    const char *client; /* address, as in base/ipc_msgs.h */
    const char *detail; /* text or JSON; never a secret */
};
struct orl_audit_row {
    uint64_t seq; /* order of writing; for paging */
    char id[ORL_ID_LEN + 1];
    uint64_t time_ms; /* of the first, when count > 1 */
    char actor[ORL_USER_MAX + 1];
    char action[ORL_STORE_CODE_MAX + 1];
    enum orl_reason reason;
    char object[ORL_USER_MAX + 1];
    char user[ORL_USER_MAX + 1];
    char client[ORL_ADDR_MAX + 1]; /* the prefix, when it is a counter */
    char detail[ORL_STORE_PATH_MAX + 1];
    uint64_t count;                     /* how many events this row stands for */
    char chain[ORL_SHA256_HEX_LEN + 1]; /* store/audit_chain.h; empty: from before it */
};
typedef int (*orl_audit_fn)(void *ctx, const struct orl_audit_row *row);

/* ret_id may be NULL: the id of the row, which may be a counter. Inside the caller's transaction, if
 * there is one: then row and deed are written together or not at all. */
ORL_NODISCARD int orl_audit_append(struct orl_store *store, const struct orl_audit_event *event,
        uint64_t now_ms, struct orl_id *ret_id, struct orl_err *err);
/* The row that this handle wrote last, as one that moved a desktop did; "" before the first. */
const char *orl_audit_last_id(const struct orl_store *store);
ORL_NODISCARD int orl_audit_get(struct orl_store *store, const char *id,
        struct orl_audit_row *ret_row, struct orl_err *err);
struct orl_audit_filter {        /* all that are set must hold */
    uint64_t since_ms, until_ms; /* until 0: now */
    uint64_t before_seq;         /* next page: the last row's seq; 0: from the newest */
    enum orl_reason reason;
    bool is_refusal; /* any reason but none */
    const char *user, *action, *object;
    unsigned max_count; /* 1 .. 1000; 0: 100 */
};
/* Newest first. */
ORL_NODISCARD int orl_audit_list(struct orl_store *store, const struct orl_audit_filter *filter,
        orl_audit_fn fn, void *ctx, struct orl_err *err);
/* 1: nothing was written about the object at that time, though the audit goes back further. 0: something, or it may have
 * been pruned. */
ORL_NODISCARD int orl_audit_misses(
        struct orl_store *store, const char *object, uint64_t time_ms, struct orl_err *err);
/* Floods whose minute is over get the row that says their number for good, as each append does for some: returns how
 * many did; call again while that is not 0. */
ORL_NODISCARD int orl_audit_close(struct orl_store *store, uint64_t now_ms, struct orl_err *err);
/* Deletes what is older, the oldest first, at most max_count and up to the first row that is not older; rows dated
 * after now_ms go with an old one behind them. Returns how many. */
ORL_NODISCARD int orl_audit_prune(struct orl_store *store, uint64_t before_ms, uint64_t now_ms,
        unsigned max_count, struct orl_err *err);
/* "203.0.113.7:4711" to "203.0.113.0/24", "[2001:db8::1]:99" to "2001:db8::/56"; anything else to
 * itself. */
void orl_audit_prefix(const char *client, char ret_prefix[ORL_ADDR_MAX + 1]);

#endif
