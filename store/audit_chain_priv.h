/* How a row is chained: for audit.c, which writes rows, and audit_chain.c, which looks at them. */
#ifndef ORL_STORE_AUDIT_CHAIN_PRIV_H
#define ORL_STORE_AUDIT_CHAIN_PRIV_H
#include "store/audit_chain.h"
#include "store/store_priv.h"

/* What is hashed, in this order, numbers in decimal; the count of a counter is not ("" stands for it). */
enum orl_audit_field {
    ORL_AUDIT_SEQ = 0,
    ORL_AUDIT_ID,
    ORL_AUDIT_TIME,
    ORL_AUDIT_ACTOR,
    ORL_AUDIT_ACTION,
    ORL_AUDIT_REASON,
    ORL_AUDIT_OBJECT,
    ORL_AUDIT_USER,
    ORL_AUDIT_CLIENT,
    ORL_AUDIT_DETAIL,
    ORL_AUDIT_COUNT,
    ORL_AUDIT_FLOOD_PREFIX,
    ORL_AUDIT_FLOOD_MINUTE,
    ORL_AUDIT_IS_COUNTER,
    ORL_AUDIT_FIELDS
};
#define ORL_AUDIT_CLOSES "audit.count" /* action of the row that covers a counter's number */

ORL_NODISCARD int orl_audit_chain_hash(const char *chain,
        const char *const fields[ORL_AUDIT_FIELDS], char ret_chain[ORL_AUDIT_CHAIN_LEN + 1],
        struct orl_err *err);
/* key: "head" or "anchor". ORL_E_NOTFOUND: nothing was chained yet. */
ORL_NODISCARD int orl_audit_chain_get(struct orl_store *store, const char *key,
        struct orl_audit_link *ret_link, struct orl_err *err);
ORL_NODISCARD int orl_audit_chain_set(struct orl_store *store, const char *key,
        const struct orl_audit_link *link, struct orl_err *err);
/* The head, and where there is none yet: after what is there. Inside a transaction. */
ORL_NODISCARD int orl_audit_chain_begin(
        struct orl_store *store, struct orl_audit_link *ret_head, struct orl_err *err);

#endif
