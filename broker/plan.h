/* What would change if a document (broker/site_doc.h) were applied, and for whom; and doing it, whole or nothing.
 * What the document does not name stays, unless it is to be pruned: then lists that it has are complete. */
#ifndef ORL_BROKER_PLAN_H
#define ORL_BROKER_PLAN_H
#include "base/sha256.h"
#include "broker/site_doc.h"

#define ORL_PLAN_FIELD_MAX 160

struct orl_plan {
    struct orl_broker *broker;
    json_t *wanted;  /* borrowed */
    json_t *current; /* owned */
    json_t *changes; /* owned; [{op, kind, name, field, from, to, affects?}] */
    json_t *places;  /* owned; of each, where in the list it is wanted; -1: nowhere */
    char hash[ORL_SHA256_HEX_LEN +
              1]; /* of the changes, not of whom they touch: that comes and goes */
    char fault_field[ORL_PLAN_FIELD_MAX + 1]; /* where an error is: "/pools/3/max", or empty */
};
/* ORL_E_INVAL: not such a document. fini in any case. */
ORL_NODISCARD int orl_plan_make(struct orl_broker *broker, json_t *wanted, bool is_pruning,
        struct orl_plan *ret_plan, struct orl_err *err);
/* Whom each change touches; before it is written. */
ORL_NODISCARD int orl_plan_put_affects(struct orl_plan *plan, struct orl_err *err);
void orl_plan_fini(struct orl_plan *plan);

/* plan_write.c: into the store, inside the caller's transaction, which ends in nothing where it fails. Nothing else is
 * done: nobody is disconnected. */
ORL_NODISCARD int orl_plan_write(struct orl_plan *plan, struct orl_err *err);
/* Then: audits each change, takes away what people may not have any more. Same transaction. */
ORL_NODISCARD int orl_plan_carry_out(struct orl_plan *plan, const char *actor, struct orl_err *err);

#endif
