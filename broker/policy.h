/* The one policy function: may this person have a desktop of this pool? Every way in asks it after
 * the person has proven who it is; so the reasons may be plain. */
#ifndef ORL_BROKER_POLICY_H
#define ORL_BROKER_POLICY_H
#include "store/pool.h"
#include "store/user.h"

struct orl_policy_ask { /* borrowed */
    const char *user;
    const char *pool;   /* what was chosen, or empty: then the only one that the person may use */
    uint32_t slot;      /* which of their desktops there; 0: 1 */
    const char *client; /* ADDR:PORT; NULL: an administrator asks, from anywhere and at any hour */
    uint64_t now_ms;
};
struct orl_policy {
    enum orl_reason reason;      /* 0: yes, and both rows are filled */
    char text[ORL_TEXT_MAX + 1]; /* for the person; empty: the reason's own */
    uint32_t slot;
    struct orl_user_row user;
    struct orl_pool_row pool;
};
/* A pool under
 * maintenance is no refusal here: the person may return to a session (broker/assign.h).
 * Negative only when the store fails. */
ORL_NODISCARD int orl_policy_decide(struct orl_store *store, const struct orl_policy_ask *ask,
        struct orl_policy *ret_policy, struct orl_err *err);

#endif
