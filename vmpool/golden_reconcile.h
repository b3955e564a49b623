/* The reconciler's part about golden images: a pass's view of them, the jobs, what came of these. Loop thread only. */
#ifndef ORL_VMPOOL_GOLDEN_RECONCILE_H
#define ORL_VMPOOL_GOLDEN_RECONCILE_H
#include "vmpool/golden_plan.h"
#include "vmpool/reconcile_priv.h"

/* One pass's view; part of struct orl_rows. */
struct orl_golden_view {
    struct orl_golden_row rows[ORL_GOLDEN_MAX];
    size_t count;
    struct orl_golden_want wants[ORL_GOLDEN_MAX];
    size_t want_count;
    bool is_older[ORL_POOLS_MAX]; /* of each pool: rows->wanted is what serves meanwhile */
};

/* Before desktops are planned: reads, plans, sends jobs, reads again. list: what was observed, asked for at tick; NULL:
 * the hypervisor does not answer. true: nothing is under way. */
bool orl_golden_pass(struct orl_reconcile *r, struct orl_rows *rows, const struct orl_vm_list *list,
        uint64_t tick, uint64_t now_ms);
/* Its new desktops are better not begun now: what they shall be copies of is being made. */
bool orl_golden_holds(const struct orl_rows *rows, const struct orl_pool_row *pool);
/* Why the pool's desktops boot, though it wants an image and has tried: what failed, or is being made again. NULL: one
 * serves, none is wanted, or the first is not made yet. */
const struct orl_golden_row *orl_golden_trouble(
        const struct orl_rows *rows, const struct orl_pool_row *pool);
/* Chooses what the desktop of *spec shall be a copy of, writes that into its row, and makes *spec so. */
ORL_NODISCARD int orl_golden_choose(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_desktop_row *row, struct orl_vm_spec *spec, struct orl_err *err);
/* *spec becomes that of a copy of row's image. ORL_E_NOTFOUND: the image serves no more. */
ORL_NODISCARD int orl_golden_follow(const struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_desktop_row *row, struct orl_vm_spec *spec, struct orl_err *err);
/* Whether a machine of that name makes an image that a row knows. */
bool orl_golden_knows(const struct orl_rows *rows, const char *domain);
/* Where it differs from *before; a change of state is logged. */
void orl_golden_write_row(struct orl_reconcile *r, const struct orl_golden_row *before,
        enum orl_golden_state state, uint32_t percent, const char *text, uint64_t now_ms);
/* What a job about an image brought. */
void orl_golden_outcome(
        struct orl_reconcile *r, const struct orl_job *job, struct orl_memo *memo, uint64_t now_ms);
/* How a start as a copy went. */
void orl_golden_note_resume(struct orl_reconcile *r, const struct orl_job *job, uint64_t now_ms);

#endif
