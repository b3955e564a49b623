/* The person in each given desktop: told to the guest's hook before their first picture, seen off before the machine
 * goes. Level-triggered as the reconciler is: what it remembers may be lost, the guest says it again.
 * Loop thread only; what blocks goes to workers. Not here: the machine itself (vmpool/reconcile.h). */
#ifndef ORL_VMPOOL_PERSONS_H
#define ORL_VMPOOL_PERSONS_H
#include "base/loop.h"
#include "base/seal.h"
#include "base/work.h"
#include "store/store.h"
#include "vmpool/backend.h"

struct orl_rows;
struct orl_persons_cfg { /* pointers are borrowed for the object's life */
    struct orl_loop *loop;
    struct orl_work *work;
    struct orl_store *store;
    const struct orl_backend *backend;
    const char *images_dir;
    const struct orl_seal_key *key; /* of displays' passwords */
    void (*on_change)(void *ctx);   /* a row changed: the broker's business */
    void (*kick)(void *ctx);        /* ... the reconciler's */
    void *ctx;
    uint64_t hello_ms; /* from one question whether a hook is there to the next; 0: the usual */
};
struct orl_persons;
ORL_NODISCARD int orl_persons_new(
        const struct orl_persons_cfg *cfg, struct orl_persons **ret_persons, struct orl_err *err);
/* work must have given its jobs back. NULL is fine. */
void orl_persons_free(struct orl_persons *persons);
/* A pass over all desktops of this host. True: something is under way, look again soon. */
bool orl_persons_look(struct orl_persons *persons, const struct orl_rows *rows, uint64_t now_ms);
/* Its person is still being seen off: its machine must not be touched yet. */
bool orl_persons_holds(const struct orl_persons *persons, const char *desktop);
/* Its guest's hook speaks with us: what becomes of its person, it says. */
bool orl_persons_hears(const struct orl_persons *persons, const char *desktop);

#endif
