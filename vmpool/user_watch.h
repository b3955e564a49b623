/* Who is logged in, where no hook says so: the guest agent's list of users, now and then. A list that had somebody whose
 * login belongs to the lease, and is empty again and again, is a log-off; silence, an error and any other list are not.
 * Loop thread only; what blocks goes to a worker, one at a time. Not here: guests whose hook is heard (vmpool/persons.h). */
#ifndef ORL_VMPOOL_USER_WATCH_H
#define ORL_VMPOOL_USER_WATCH_H
#include "base/loop.h"
#include "base/work.h"
#include "store/store.h"
#include "vmpool/backend.h"

struct orl_rows;
struct orl_user_watch_cfg { /* pointers are borrowed for the object's life */
    struct orl_loop *loop;
    struct orl_work *work;
    struct orl_store *store;
    const struct orl_backend *backend;
    bool (*is_heard)(void *ctx, const char *desktop); /* its hook is */
    void (*on_change)(void *ctx);                     /* a row changed: the broker's business */
    void *ctx;
    uint64_t call_ms;   /* as long as a call may take until it counts as hanging; 0: the usual */
    uint64_t period_ms; /* from one answer of a guest to the next question; 0: the usual one */
};
struct orl_user_watch;
ORL_NODISCARD int orl_user_watch_new(const struct orl_user_watch_cfg *cfg,
        struct orl_user_watch **ret_watch, struct orl_err *err);
/* work must have given its jobs back. NULL is fine. */
void orl_user_watch_free(struct orl_user_watch *watch);
/* A pass over all desktops of this host. */
void orl_user_watch_look(struct orl_user_watch *watch, const struct orl_rows *rows);

#endif
