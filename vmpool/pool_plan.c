#include "vmpool/pool_plan_priv.h"
#include <stdlib.h>
#include <string.h>

enum { BACKOFF_FIRST_MS = 1000, BACKOFF_MAX_MS = 600000, BACKOFF_MAX_SHIFT = 10 };

bool orl_plan_is_heavy(enum orl_plan_kind kind)
{
    return kind == ORL_PLAN_CLONE || kind == ORL_PLAN_START || kind == ORL_PLAN_SUSPEND ||
           kind == ORL_PLAN_WAKE || kind == ORL_PLAN_STOP || kind == ORL_PLAN_KILL ||
           kind == ORL_PLAN_REBOOT || kind == ORL_PLAN_RESET || kind == ORL_PLAN_DELETE;
}

const char *orl_plan_name(enum orl_plan_kind kind)
{
    static const char *const names[] = {"none", "insert", "clone", "start", "suspend", "wake",
            "look", "expire", "stop", "kill", "reboot", "reset", "retire", "delete", "forget",
            "release"};
    return (unsigned)kind < ORL_PLAN_KIND_COUNT ? names[kind] : "?";
}

uint64_t orl_plan_backoff_ms(uint32_t attempts)
{
    uint32_t shift = attempts > 0 ? attempts - 1 : 0;
    uint64_t ms = (uint64_t)BACKOFF_FIRST_MS
                  << (shift < BACKOFF_MAX_SHIFT ? shift : BACKOFF_MAX_SHIFT);
    return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

static bool put(struct orl_plan_pass *pass, enum orl_plan_kind kind, size_t subject)
{
    if (pass->plan->count >= ORL_PLAN_MAX_ACTIONS) {
        return false;
    }
    pass->plan->actions[pass->plan->count++] =
            (struct orl_plan_action){.kind = kind, .subject = subject};
    if (kind != ORL_PLAN_INSERT) {
        pass->has_action[subject] = true;
    }
    return true;
}

static void take_heavy(struct orl_plan_budget *budget)
{
    budget->heavy -= budget->heavy > 0;
    budget->urgent -= budget->urgent > 0;
}

bool orl_plan_add(struct orl_plan_pass *pass, enum orl_plan_kind kind, size_t subject)
{
    bool is_heavy = orl_plan_is_heavy(kind);
    if ((is_heavy && pass->budget.heavy == 0) || !put(pass, kind, subject)) {
        return false;
    }
    if (is_heavy) {
        take_heavy(&pass->budget);
    }
    return true;
}

bool orl_plan_add_urgent(struct orl_plan_pass *pass, enum orl_plan_kind kind, size_t subject)
{
    if (pass->budget.urgent == 0 || !put(pass, kind, subject)) {
        return false;
    }
    take_heavy(&pass->budget);
    return true;
}

static void add(struct orl_plan_pass *pass, enum orl_plan_kind kind, size_t subject)
{
    (void)orl_plan_add(pass, kind, subject);
}

static void add_urgent(struct orl_plan_pass *pass, enum orl_plan_kind kind, size_t subject)
{
    (void)orl_plan_add_urgent(pass, kind, subject);
}

static bool is_booting(const struct orl_plan_desktop *d)
{
    return d->power == ORL_POWER_STARTING || (d->power == ORL_POWER_REBOOTING && d->is_alive) ||
           (d->power == ORL_POWER_RUNNING && !d->is_ready && d->lease != ORL_LEASE_ENDING);
}

static bool is_given(const struct orl_plan_desktop *d)
{
    return d->lease == ORL_LEASE_ASSIGNED || d->lease == ORL_LEASE_IN_USE ||
           d->lease == ORL_LEASE_DISCONNECTED;
}

/* Memory that a boot on its way will still take. */
static uint64_t promised_mib(const struct orl_plan_input *in)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < in->desktop_count; i++) {
        const struct orl_plan_desktop *d = &in->desktops[i];
        if (d->lease != ORL_LEASE_ENDING && (is_booting(d) || d->power == ORL_POWER_CLONING)) {
            sum += in->pools[d->pool].memory_mib;
        }
    }
    return sum;
}

static void open_budget(struct orl_plan_pass *pass)
{
    const struct orl_plan_input *in = pass->in;
    uint32_t max = in->limits.max_in_flight;
    uint32_t busy = 0;
    uint32_t used = 0;
    for (size_t i = 0; i < in->desktop_count; i++) {
        busy += in->desktops[i].is_busy;
        used += in->desktops[i].is_busy || is_booting(&in->desktops[i]);
    }
    uint64_t taken = in->limits.reserve_memory_mib + promised_mib(in);
    pass->budget = (struct orl_plan_budget){.heavy = max > used ? max - used : 0,
            .urgent = max > busy ? max - busy : 0,
            .memory_mib = in->free_memory_mib > taken ? in->free_memory_mib - taken : 0,
            .has_disk = in->free_disk_mib >= in->limits.reserve_disk_mib,
            .starts = in->starts};
}

static void plan_stuck(struct orl_plan_pass *pass, size_t index)
{
    if (pass->in->now_ms >= pass->in->desktops[index].retry_ms) {
        add_urgent(pass, ORL_PLAN_WAKE, index);
    }
}

static void plan_stop(struct orl_plan_pass *pass, size_t index)
{
    const struct orl_plan_desktop *d = &pass->in->desktops[index];
    if (d->power == ORL_POWER_STOPPING) {
        if (pass->in->now_ms >= d->changed_ms + pass->in->limits.stop_timeout_ms) {
            add_urgent(pass, ORL_PLAN_KILL, index);
        }
    } else if (d->is_alive || d->power == ORL_POWER_RUNNING) {
        add_urgent(pass, ORL_PLAN_STOP, index);
    }
}

static bool is_removing(const struct orl_plan_input *in, const struct orl_plan_desktop *d)
{
    return d->want == ORL_WANT_DELETE || in->pools[d->pool].kind == ORL_POOL_FLOATING;
}

static void plan_ending(struct orl_plan_pass *pass, size_t index)
{
    const struct orl_plan_desktop *d = &pass->in->desktops[index];
    enum orl_pool_kind kind = pass->in->pools[d->pool].kind;
    if (kind == ORL_POOL_STATIC) {
        add(pass, ORL_PLAN_FORGET, index);
    } else if (is_removing(pass->in, d) || !d->is_tainted) {
        if (d->is_here || d->power != ORL_POWER_ABSENT) {
            if (pass->in->now_ms >= d->retry_ms) {
                add_urgent(pass, ORL_PLAN_DELETE, index);
            }
        } else {
            add(pass, ORL_PLAN_FORGET, index);
        }
    } else if (d->is_alive) {
        plan_stop(pass, index);
    } else if (d->power == ORL_POWER_STOPPED || d->power == ORL_POWER_FAILED) {
        add(pass, ORL_PLAN_RELEASE, index);
    }
}

/* A running desktop that is not ready: look, or give up. */
static void plan_boot(struct orl_plan_pass *pass, size_t index)
{
    const struct orl_plan_desktop *d = &pass->in->desktops[index];
    const struct orl_plan_limits *limits = &pass->in->limits;
    uint64_t timeout_ms = d->is_woken ? limits->wake_timeout_ms : limits->ready_timeout_ms;
    if (pass->in->now_ms >= d->changed_ms + timeout_ms) {
        add(pass, ORL_PLAN_EXPIRE, index);
    } else if (pass->in->now_ms >= d->looked_ms + limits->look_period_ms) {
        add(pass, ORL_PLAN_LOOK, index);
    }
}

bool orl_plan_take_memory(struct orl_plan_pass *pass, size_t pool)
{
    uint64_t need = pass->in->pools[pool].memory_mib;
    if (pass->budget.memory_mib < need) {
        return false;
    }
    pass->budget.memory_mib -= need;
    return true;
}

static void plan_start(struct orl_plan_pass *pass, size_t index)
{
    const struct orl_plan_desktop *d = &pass->in->desktops[index];
    struct orl_plan_starts *left = &pass->budget.starts;
    struct orl_plan_starts *used = &pass->plan->used;
    bool is_wanted = is_given(d) || orl_spare_plan_unmet(pass, d->pool) > 0;
    if (pass->in->now_ms < d->retry_ms || left->all == 0 || (!is_wanted && left->spares == 0)) {
        return;
    }
    if (!orl_plan_take_memory(pass, d->pool)) {
        pass->verdicts[d->pool].problem = ORL_REASON_HOST_FULL;
        return;
    }
    bool is_added = is_given(d) ? orl_plan_add_urgent(pass, ORL_PLAN_START, index)
                                : orl_plan_add(pass, ORL_PLAN_START, index);
    if (!is_added) {
        return;
    }
    left->all--;
    if (is_wanted) {
        used->all++;
    } else {
        left->spares--;
        used->spares++;
    }
    pass->tallies[d->pool].coming += d->lease == ORL_LEASE_FREE;
}

/* Down, and somebody's or to become somebody's. */
static void plan_down(struct orl_plan_pass *pass, size_t index)
{
    const struct orl_plan_desktop *d = &pass->in->desktops[index];
    bool is_dedicated = pass->in->pools[d->pool].kind == ORL_POOL_DEDICATED;
    if (d->want == ORL_WANT_STOP) {
        return;
    }
    /* Somebody was on it and switched it off: the broker ends the session. */
    if (is_given(d) && !(is_dedicated && d->lease == ORL_LEASE_ASSIGNED)) {
        return;
    }
    plan_start(pass, index);
}

bool orl_plan_is_old(const struct orl_plan_input *in, const struct orl_plan_desktop *d)
{
    const struct orl_plan_pool *pool = &in->pools[d->pool];
    return (d->is_old && pool->has_template) ||
           (pool->spare_max_age_ms > 0 && in->now_ms >= d->created_ms + pool->spare_max_age_ms);
}

/* Nobody's, and no good any more. What is of an old version and does not run yet never shall. */
static bool is_lost(const struct orl_plan_pass *pass, const struct orl_plan_desktop *d)
{
    const struct orl_plan_pool *pool = &pass->in->pools[d->pool];
    bool is_up = d->power == ORL_POWER_RUNNING;
    bool is_down = d->power == ORL_POWER_ABSENT || d->power == ORL_POWER_STOPPED;
    return d->want == ORL_WANT_DELETE || pool->is_deleted || d->power == ORL_POWER_FAILED ||
           (d->attempts >= pass->in->limits.max_attempts && !is_up) ||
           (is_down && d->is_old && pool->has_template);
}

static void plan_free(struct orl_plan_pass *pass, size_t index)
{
    const struct orl_plan_desktop *d = &pass->in->desktops[index];
    const struct orl_plan_pool *pool = &pass->in->pools[d->pool];
    if (is_lost(pass, d)) {
        add(pass, ORL_PLAN_RETIRE, index);
    } else if (d->power == ORL_POWER_ABSENT) {
        if (pool->has_template && pass->in->now_ms >= d->retry_ms &&
                pass->in->now_ms >= pool->retry_ms) {
            add(pass, ORL_PLAN_CLONE, index);
        }
    } else if (d->power == ORL_POWER_STOPPED) {
        plan_down(pass, index);
    } else if (d->power == ORL_POWER_STOPPING ||
               (d->power == ORL_POWER_RUNNING && d->want == ORL_WANT_STOP)) {
        plan_stop(pass, index);
    } else if (d->power == ORL_POWER_RUNNING && !d->is_ready) {
        plan_boot(pass, index);
    }
}

/* The wish is over when the machine leaves running: until then the guest is asked once, then made to. */
static void plan_restart(struct orl_plan_pass *pass, size_t index)
{
    const struct orl_plan_desktop *d = &pass->in->desktops[index];
    bool is_reset = d->restart_ms == ORL_RESTART_AT_ONCE;
    if (d->rebooted_ms < d->restart_ms) {
        add_urgent(pass, is_reset ? ORL_PLAN_RESET : ORL_PLAN_REBOOT, index);
    } else if (pass->in->now_ms >= d->rebooted_ms + pass->in->limits.stop_timeout_ms) {
        add_urgent(pass, ORL_PLAN_RESET, index);
    }
}

static void plan_given(struct orl_plan_pass *pass, size_t index)
{
    const struct orl_plan_desktop *d = &pass->in->desktops[index];
    bool is_dedicated = pass->in->pools[d->pool].kind == ORL_POOL_DEDICATED;
    switch (d->power) {
    case ORL_POWER_RUNNING:
        if (d->want == ORL_WANT_STOP) {
            plan_stop(pass, index);
        } else if (d->restart_ms != 0) {
            plan_restart(pass, index);
        } else if (!d->is_ready) {
            plan_boot(pass, index);
        }
        break;
    case ORL_POWER_REBOOTING:
        if (d->want == ORL_WANT_STOP) {
            plan_stop(pass, index);
        } else if (d->is_alive) { /* it restarts itself */
            plan_boot(pass, index);
        } else {
            plan_start(pass, index);
        }
        break;
    case ORL_POWER_SUSPENDED:
        /* Not by us: its guest went to sleep, or somebody at libvirt paused it. */
        if (!d->is_maintenance && pass->in->now_ms >= d->retry_ms) {
            add_urgent(pass, ORL_PLAN_WAKE, index);
        }
        break;
    case ORL_POWER_STOPPING:
        plan_stop(pass, index);
        break;
    case ORL_POWER_STOPPED:
        plan_down(pass, index);
        break;
    case ORL_POWER_FAILED:
        /* A person's own disk: tried again for as long as it is wanted. */
        if (d->is_alive) {
            add_urgent(pass, ORL_PLAN_KILL, index);
        } else if (is_dedicated && d->want == ORL_WANT_RUN && d->is_here) {
            plan_start(pass, index);
        }
        break;
    default:
        break;
    }
}

/* Somebody else's machine: seldom while it answers. */
static uint64_t static_period(const struct orl_plan_input *in, const struct orl_plan_desktop *d)
{
    return d->is_ready ? in->limits.static_period_ms : in->limits.look_period_ms;
}

static void plan_desktop(struct orl_plan_pass *pass, size_t index)
{
    const struct orl_plan_desktop *d = &pass->in->desktops[index];
    bool is_static = pass->in->pools[d->pool].kind == ORL_POOL_STATIC;
    if (d->is_busy) {
        return;
    }
    if (d->is_stuck && d->power != ORL_POWER_FAILED) {
        plan_stuck(pass, index);
    } else if (d->lease == ORL_LEASE_ENDING) {
        plan_ending(pass, index);
    } else if (is_static) {
        if (d->lease == ORL_LEASE_FREE &&
                (d->want == ORL_WANT_DELETE || pass->in->pools[d->pool].is_deleted)) {
            add(pass, ORL_PLAN_RETIRE, index);
        } else if (pass->in->now_ms >= d->looked_ms + static_period(pass->in, d)) {
            add(pass, ORL_PLAN_LOOK, index);
        }
    } else if (d->lease == ORL_LEASE_FREE) {
        plan_free(pass, index);
    } else {
        plan_given(pass, index);
    }
}

bool orl_plan_is_spare(const struct orl_plan_desktop *d)
{
    return d->lease == ORL_LEASE_FREE && !d->is_maintenance && d->want == ORL_WANT_RUN &&
           d->power != ORL_POWER_FAILED;
}

/* Persons first, then what gives memory back, then what somebody waits for, then the others. */
static void plan_desktops(struct orl_plan_pass *pass)
{
    const struct orl_plan_input *in = pass->in;
    for (size_t i = 0; i < in->desktop_count; i++) {
        if (is_given(&in->desktops[i])) {
            plan_desktop(pass, i);
        }
    }
    for (size_t i = 0; i < in->desktop_count; i++) {
        if (in->desktops[i].lease == ORL_LEASE_ENDING) {
            plan_desktop(pass, i);
        }
    }
    for (size_t i = 0; i < in->desktop_count; i++) {
        const struct orl_plan_desktop *d = &in->desktops[i];
        if (d->lease == ORL_LEASE_FREE && orl_spare_plan_unmet(pass, d->pool) > 0) {
            plan_desktop(pass, i);
        }
    }
    orl_spare_plan_insert(pass, false);
    for (size_t i = 0; i < in->desktop_count; i++) {
        if (in->desktops[i].lease == ORL_LEASE_FREE && !pass->has_action[i]) {
            plan_desktop(pass, i);
        }
    }
}

void orl_pool_plan(const struct orl_plan_input *input, struct orl_plan *ret_plan,
        struct orl_plan_verdict *ret_verdicts)
{
    struct orl_plan_pass pass = {.in = input, .plan = ret_plan, .verdicts = ret_verdicts};
    memset(ret_plan, 0, sizeof *ret_plan);
    memset(ret_verdicts, 0, input->pool_count * sizeof *ret_verdicts);
    ret_plan->turn = input->turn;
    pass.tallies = calloc(input->pool_count + 1, sizeof *pass.tallies);
    pass.next = calloc(input->desktop_count + 1, sizeof *pass.next);
    pass.has_action = calloc(input->desktop_count + 1, sizeof *pass.has_action);
    if (pass.tallies && pass.next && pass.has_action) {
        open_budget(&pass);
        orl_spare_plan_count(&pass);
        for (size_t i = 0; i < input->pool_count; i++) {
            orl_spare_plan_wake(&pass, i);
        }
        plan_desktops(&pass);
        for (size_t i = 0; i < input->pool_count; i++) {
            orl_spare_plan_shape(&pass, i);
        }
        orl_spare_plan_insert(&pass, true);
    }
    free(pass.tallies);
    free(pass.next);
    free(pass.has_action);
}
