/* What to do next for all pools of one host: desired and observed in, a short bounded list of actions
 * out. Pure: no clock, no store, no libvirt; tests/vmpool/test_pool_property.c leans on that.
 * Not here: carrying it out (vmpool/reconcile.h), what observations mean (vmpool/observed.h). */
#ifndef ORL_VMPOOL_POOL_PLAN_H
#define ORL_VMPOOL_POOL_PLAN_H
#include "base/reason.h"
#include "store/desktop_state.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_PLAN_MAX_ACTIONS 64

/* Desktops are counted in three ways: total (rows), free (nobody's, and good: to be had now or soon), and
 * of these ready (running and ready) and suspended. */

struct orl_plan_pool {
    enum orl_pool_kind kind;
    uint32_t spares;           /* to be ready: schedule and forecast have been asked */
    uint32_t spares_suspended; /* beside those */
    uint64_t spare_max_age_ms; /* then one is replaced; 0: never */
    uint32_t max_desktops;
    uint32_t memory_mib; /* of one desktop */
    uint32_t waiting;    /* sessions that wait for a desktop */
    bool is_maintenance;
    bool is_deleted;
    bool has_template;               /* what new desktops are to be cloned of is checked and good */
    enum orl_reason template_reason; /* why not */
    uint64_t retry_ms;               /* no new desktop before; 0: now */
};
struct orl_plan_desktop {
    size_t pool; /* index */
    enum orl_lease lease;
    enum orl_power power; /* after vmpool/observed.h had its say */
    enum orl_want want;
    bool is_tainted;
    bool is_ready;
    bool is_maintenance;
    bool is_busy;  /* an action is in flight, or its observation is older than the last one */
    bool is_here;  /* a machine exists under its UUID, or an overlay */
    bool is_alive; /* that machine runs, or is paused */
    bool is_stuck; /* ... for its disk, with something in it that is to be kept: it is only ever woken */
    bool is_old;   /* cloned of another version of the template than new ones are */
    bool is_woken; /* its way to ready began in suspension */
    uint32_t attempts;
    uint64_t retry_ms;
    uint64_t changed_ms; /* of power */
    uint64_t created_ms;
    uint64_t looked_ms;   /* when it was last looked at; 0: never */
    uint64_t restart_ms;  /* when its person asked for a restart; 0: not */
    uint64_t rebooted_ms; /* when we last asked or made the guest restart; 0: never */
};
struct orl_plan_limits {
    uint32_t max_in_flight; /* machines being cloned, started, booting, stopped, deleted */
    uint32_t max_attempts;  /* of a free desktop, then it is retired */
    uint64_t look_period_ms;
    uint64_t static_period_ms; /* as look_period_ms, of static desktops that answer */
    uint64_t ready_timeout_ms;
    uint64_t wake_timeout_ms; /* as ready_timeout_ms, of one that was suspended */
    uint64_t stop_timeout_ms; /* from asking to pulling the plug */
    uint64_t reserve_memory_mib;
    uint64_t reserve_disk_mib;
};
/* How many machines may be started in this pass (vmpool/governor.h). */
struct orl_plan_starts {
    uint32_t all;    /* for people, and for spares within them */
    uint32_t spares; /* for what nobody waits for; 0: none is cloned for that, either */
};
struct orl_plan_input {
    const struct orl_plan_pool *pools;
    size_t pool_count;
    const struct orl_plan_desktop *desktops;
    size_t desktop_count;
    struct orl_plan_limits limits;
    uint64_t free_memory_mib;
    uint64_t free_disk_mib;
    struct orl_plan_starts starts;
    size_t turn; /* the pool whose turn it is to get a desktop made: the last plan's turn */
    uint64_t now_ms;
};

enum orl_plan_kind {
    ORL_PLAN_NONE = 0,
    ORL_PLAN_INSERT, /* a new desktop's row; subject: pool */
    ORL_PLAN_CLONE,
    ORL_PLAN_START,
    ORL_PLAN_SUSPEND, /* a spare: its processors stop, its memory stays */
    ORL_PLAN_WAKE,
    ORL_PLAN_LOOK,   /* is it ready? */
    ORL_PLAN_EXPIRE, /* did not become ready in time */
    ORL_PLAN_STOP,
    ORL_PLAN_KILL,
    ORL_PLAN_REBOOT,  /* its person asked: the guest is asked, too */
    ORL_PLAN_RESET,   /* the guest did not listen */
    ORL_PLAN_RETIRE,  /* free to ending */
    ORL_PLAN_DELETE,  /* machine and overlay */
    ORL_PLAN_FORGET,  /* the row; nothing else is left */
    ORL_PLAN_RELEASE, /* dedicated, stopped: ending to assigned, until its person comes back */
    ORL_PLAN_KIND_COUNT
};
struct orl_plan_action {
    enum orl_plan_kind kind;
    size_t subject; /* index of a desktop; INSERT: of a pool */
};
struct orl_plan {
    struct orl_plan_action actions[ORL_PLAN_MAX_ACTIONS];
    size_t count;
    size_t turn;                 /* for the next input */
    struct orl_plan_starts used; /* spares are not among all */
};
/* What keeps a pool from having what it wants, for its row and its users. */
struct orl_plan_verdict {
    enum orl_reason problem;
};

typedef void (*orl_pool_plan_fn)(const struct orl_plan_input *input, struct orl_plan *ret_plan,
        struct orl_plan_verdict *ret_verdicts);
/* ret_verdicts: one for each pool. At most one action per desktop. Takes time in proportion to desktops and
 * pools. When memory runs out it plans nothing. */
void orl_pool_plan(const struct orl_plan_input *input, struct orl_plan *ret_plan,
        struct orl_plan_verdict *ret_verdicts);

/* Whether an action is work for a hypervisor that counts against max_in_flight. */
bool orl_plan_is_heavy(enum orl_plan_kind kind);
const char *orl_plan_name(enum orl_plan_kind kind); /* "clone", ... */
/* 1 s, 2 s, 4 s, ... up to 10 min, for the attempts-th failure (from 1). */
uint64_t orl_plan_backoff_ms(uint32_t attempts);

#endif
