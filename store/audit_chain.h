/* The audit's chain: each row carries SHA-256 over the chain of the row before it and over all of its own that never
 * changes, so that a row which was changed, removed or moved afterwards is found. Two rows of audit_chain hold its
 * ends: 'anchor' is the last row that is not there any more (pruned, or from before there was a chain), 'head' the last
 * one written. A flood counter's number is covered by a row of its own once its minute is over. Whoever can write
 * everything can make a chain anew: against that, heads are kept elsewhere (the log). */
#ifndef ORL_STORE_AUDIT_CHAIN_H
#define ORL_STORE_AUDIT_CHAIN_H
#include "base/sha256.h"
#include "store/audit.h"

#define ORL_AUDIT_CHAIN_LEN ORL_SHA256_HEX_LEN

struct orl_audit_link {
    uint64_t seq;
    char chain[ORL_AUDIT_CHAIN_LEN + 1]; /* empty: nothing was chained yet */
};
/* The last row that was written. */
ORL_NODISCARD int orl_audit_head(
        struct orl_store *store, struct orl_audit_link *ret_head, struct orl_err *err);

/* A walk along the chain, from the oldest row to the newest. All zero at first. */
struct orl_audit_walk {
    struct orl_audit_link at; /* what was seen to be good */
    uint64_t rows;            /* so many, in all calls */
    uint64_t
            old_rows; /* from before there was a chain: nothing is known of them; counted in the first call */
    uint64_t open_counters; /* whose minute is not closed yet: their numbers are not covered */
    char want[ORL_AUDIT_CHAIN_LEN + 1]; /* a head that somebody kept; empty: none */
    uint64_t want_seq;                  /* its row; 0: not said */
    bool has_want;                      /* it was met: nothing up to there was changed */
    bool is_want_old; /* it was not, and its row may be one of those that are kept no longer */
    bool is_done;
    /* The first fault, with which it is done: */
    uint64_t bad_seq; /* 0: none */
    char bad_id[ORL_ID_LEN + 1];
    char bad_text[ORL_TEXT_MAX + 1];
};
#define ORL_AUDIT_WANT_MAX (ORL_AUDIT_CHAIN_LEN + 21)
/* "SEQ:HASH", or "HASH" alone, as the log has them; false: neither. */
bool orl_audit_walk_want(struct orl_audit_walk *walk, const char *text);
/* Goes on by at most max_rows. Others may write meanwhile. Not inside a transaction. */
ORL_NODISCARD int orl_audit_walk(struct orl_store *store, unsigned max_rows,
        struct orl_audit_walk *walk, struct orl_err *err);

#endif
