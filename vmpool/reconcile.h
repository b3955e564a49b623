/* Makes what the hypervisor has equal what the store wants: observe, compare, act, write down what was
 * seen. Level-triggered: it needs no event and keeps nothing that a restart may not lose.
 * Loop thread only; blocking work goes out as jobs. Not here: the loop (vmpool/main.c). */
#ifndef ORL_VMPOOL_RECONCILE_H
#define ORL_VMPOOL_RECONCILE_H
#include "store/store.h"
#include "vmpool/governor.h"
#include "vmpool/host_report.h"
#include "vmpool/job.h"
#include "vmpool/pool_plan.h"

struct orl_rows;
struct orl_pool_row;
struct orl_reconcile_cfg { /* strings and pointers are borrowed for the object's life */
    struct orl_store *store;
    const struct orl_backend *backend;
    const char *host;
    const char *uri;
    const char *images_dir;
    char *const *static_allow;
    struct orl_template_rules template_rules;
    struct orl_plan_limits limits;
    struct orl_governor_cfg governor;
    const char *pressure_dir; /* "/proc/pressure"; NULL: not looked at */
    uint32_t width_px, height_px;
    uint32_t translation_cache_mib;
    uint64_t agent_settle_ms;  /* a guest whose agent answers, but that paints nothing */
    uint64_t golden_settle_ms; /* how long a golden image's desktop may take to come to rest */
    uint64_t stable_ms;        /* ready for so long: earlier failures are forgotten */
    uint64_t sweep_grace_ms;
    orl_pool_plan_fn plan; /* orl_pool_plan; tests wrap it */
    /* The persons in the desktops (vmpool/persons.h); both may be NULL. look: true: look again soon. */
    bool (*look_persons)(void *ctx, const struct orl_rows *rows, uint64_t now_ms);
    bool (*holds_person)(void *ctx, const char *desktop);
    /* A machine that is nobody's and is in use (vmpool/template_jobs.h). May be NULL. */
    bool (*holds_machine)(void *ctx, const char *name);
    /* By how much this host's clock is ahead of the database's; false: nobody knows. May be NULL. */
    bool (*clock_ahead)(void *ctx, int64_t *ret_ms);
    /* Takes job to a worker, later orl_reconcile_done(). Negative: it is still the caller's. */
    int (*submit)(void *ctx, struct orl_job *job);
    void (*on_change)(void *ctx); /* a desktop became ready, ended or failed; may be NULL */
    void *ctx;
};
struct orl_reconcile;
ORL_NODISCARD int orl_reconcile_new(const struct orl_reconcile_cfg *cfg,
        struct orl_reconcile **ret_reconcile, struct orl_err *err);
/* Jobs that are out must not come back. NULL is fine. */
void orl_reconcile_free(struct orl_reconcile *reconcile);
/* Until this, machines are looked after but none is made or started. report: may be NULL. */
void orl_reconcile_set_accel(struct orl_reconcile *reconcile, enum orl_vm_accel accel,
        const char *reason, const struct orl_host_report *report);
/* Looks at everything now, or as soon as the look that is under way ends. */
void orl_reconcile_tick(struct orl_reconcile *reconcile, uint64_t now_ms);
/* The guest of that UUID restarted itself: its person keeps it and is told. */
void orl_reconcile_rebooted(struct orl_reconcile *reconcile, const char *uuid, uint64_t now_ms);
/* Takes job back and frees it. */
void orl_reconcile_done(struct orl_reconcile *reconcile, struct orl_job *job, uint64_t now_ms);
/* The wall clock was set by so much: what is remembered moves with it. */
void orl_reconcile_shift(struct orl_reconcile *reconcile, int64_t by_ms);
/* When the next tick is due without an event. */
uint64_t orl_reconcile_next_ms(const struct orl_reconcile *reconcile, uint64_t now_ms);
/* What a machine of that template would be made from now, with the isolated network's card where there is one; pool:
 * one of its pools, or one of zeros. orl_reconcile_can_make() is true before. */
ORL_NODISCARD int orl_reconcile_template_spec(const struct orl_reconcile *reconcile,
        const struct orl_pool_row *pool, const struct orl_template_row *t,
        struct orl_vm_spec *ret_spec, struct orl_err *err);
bool orl_reconcile_can_make(const struct orl_reconcile *reconcile);
bool orl_reconcile_is_up(const struct orl_reconcile *reconcile); /* the hypervisor answered last */

#endif
