/* The plan's parts, for each other: each desktop's next step (pool_plan.c), how many a pool has and gets
 * (spare_plan.c). */
#ifndef ORL_VMPOOL_POOL_PLAN_PRIV_H
#define ORL_VMPOOL_POOL_PLAN_PRIV_H
#include "vmpool/pool_plan.h"

#define ORL_PLAN_NOBODY SIZE_MAX

/* What one pass has given away already. */
struct orl_plan_budget {
    uint32_t heavy;  /* actions left for the hypervisor */
    uint32_t urgent; /* the same for those that don't wait for boots */
    uint64_t memory_mib;
    bool has_disk;
    struct orl_plan_starts starts;
};
/* Of one pool, as the pass goes on. */
struct orl_plan_tally {
    uint32_t total;     /* rows, ending ones too: each may still hold a machine */
    uint32_t free;      /* to be had now or soon */
    uint32_t ready;     /* of these */
    uint32_t suspended; /* of these */
    uint32_t waking;    /* of these */
    uint32_t old;       /* of these: of another version, or too old */
    uint32_t ending;
    uint32_t coming; /* free ones that boot, or wake */
    size_t first;    /* its desktops: a chain */
};
struct orl_plan_pass {
    const struct orl_plan_input *in;
    struct orl_plan *plan;
    struct orl_plan_verdict *verdicts;
    struct orl_plan_budget budget;
    struct orl_plan_tally *tallies; /* by pool */
    size_t *next;                   /* by desktop: the next of its pool */
    bool *has_action;               /* by desktop */
};

/* false: no room for it. */
bool orl_plan_add(struct orl_plan_pass *pass, enum orl_plan_kind kind, size_t subject);
/* A person's desktop and the end of a machine don't wait for spares to boot, only for room. */
bool orl_plan_add_urgent(struct orl_plan_pass *pass, enum orl_plan_kind kind, size_t subject);
/* false: the host has not enough. */
bool orl_plan_take_memory(struct orl_plan_pass *pass, size_t pool);
bool orl_plan_is_old(const struct orl_plan_input *in, const struct orl_plan_desktop *desktop);
bool orl_plan_is_spare(const struct orl_plan_desktop *desktop); /* counts as free */

void orl_spare_plan_count(struct orl_plan_pass *pass);
/* People who wait and for whom nothing that boots will do. */
uint32_t orl_spare_plan_unmet(const struct orl_plan_pass *pass, size_t pool);
/* Suspended ones, for those who wait and for what shall run. */
void orl_spare_plan_wake(struct orl_plan_pass *pass, size_t pool);
/* Retires what is too many or too old, suspends what is too much awake. */
void orl_spare_plan_shape(struct orl_plan_pass *pass, size_t pool);
/* New rows, a pool after the other: for people, then (is_for_spares) for spares. */
void orl_spare_plan_insert(struct orl_plan_pass *pass, bool is_for_spares);

#endif
