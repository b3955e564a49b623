/* A bounded pool of threads for calls that block (libvirt, password hashing). */
#ifndef ORL_BASE_WORK_H
#define ORL_BASE_WORK_H
#include "base/loop.h"

struct orl_work;
typedef void (*orl_work_fn)(void *job);                 /* on a worker thread */
typedef void (*orl_work_done_fn)(void *job, void *ctx); /* on the loop; job is the caller's again */

/* threads: 1 .. 16; max_queued: jobs waiting, beyond it orl_work_submit() gives ORL_E_LIMIT. */
ORL_NODISCARD int orl_work_new(struct orl_loop *loop, unsigned threads, unsigned max_queued,
        struct orl_work **ret_work, struct orl_err *err);
/* job (copies only, no pointers into loop objects) is owned by the pool until done. */
ORL_NODISCARD int orl_work_submit(
        struct orl_work *work, orl_work_fn run, orl_work_done_fn done, void *job, void *ctx);
/* One thread more, for one that a job holds for good. ORL_E_LIMIT: there are as many as may be. Loop thread. */
ORL_NODISCARD int orl_work_grow(struct orl_work *work);
/* Waits for running jobs; calls done for every submitted job, then frees. NULL is fine. */
void orl_work_free(struct orl_work *work);

#endif
