/* Jobs about templates that this host does, one at a time (store/job.h): template.check. Loop thread only; what takes
 * its time is on a worker of its own, and nothing else waits for it. */
#ifndef ORL_VMPOOL_TEMPLATE_JOBS_H
#define ORL_VMPOOL_TEMPLATE_JOBS_H
#include "base/work.h"
#include "store/pool.h"
#include "store/template.h"
#include "vmpool/backend.h"

struct orl_template_jobs_cfg { /* borrowed for the object's life */
    struct orl_store *store;
    const struct orl_backend *backend;
    struct orl_work *work; /* with one thread */
    const char *host;
    const char *images_dir;
    unsigned deadline_s;         /* to paint */
    bool (*is_ready)(void *ctx); /* machines can be made */
    /* What a machine of that template is made from. pool: one of its pools, or one of zeros: with defaults. */
    int (*make_spec)(void *ctx, const struct orl_pool_row *pool, const struct orl_template_row *t,
            struct orl_vm_spec *spec, struct orl_err *err);
    void *ctx;
};
struct orl_template_jobs;
ORL_NODISCARD int orl_template_jobs_new(const struct orl_template_jobs_cfg *cfg,
        struct orl_template_jobs **ret_jobs, struct orl_err *err);
/* So that work can end: what is under way gives up soon. */
void orl_template_jobs_stop(struct orl_template_jobs *jobs);
/* After orl_work_free(). NULL is fine. */
void orl_template_jobs_free(struct orl_template_jobs *jobs);
/* Takes the next job, tells how far the current one is; now and then. */
void orl_template_jobs_tick(struct orl_template_jobs *jobs, uint64_t now_ms);
/* What a former life of this vmpool ran is ended in the store: new work may be taken. */
bool orl_template_jobs_is_begun(const struct orl_template_jobs *jobs);
/* The machine of that name is in use by one: no leftover. */
bool orl_template_jobs_holds(const struct orl_template_jobs *jobs, const char *name);

#endif
