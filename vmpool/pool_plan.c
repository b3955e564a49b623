#include "vmpool/pool_plan.h"
#include <string.h>

enum { BACKOFF_FIRST_MS = 1000, BACKOFF_MAX_MS = 600000, BACKOFF_MAX_SHIFT = 10 };

/* What one pass has given away already. */
struct budget {
    uint32_t heavy; /* actions left for the hypervisor */
    uint64_t memory_mib;
    bool has_disk;
};
struct tally {
    uint32_t total; /* rows, ending ones too: each may still hold a machine */
    uint32_t free;  /* to be had now or soon */
};
struct pass {
    const struct orl_plan_input *in;
    struct orl_plan *plan;
    struct orl_plan_verdict *verdicts;
    struct budget budget;
};

bool orl_plan_is_heavy(enum orl_plan_kind kind)
{
    return kind == ORL_PLAN_CLONE || kind == ORL_PLAN_START || kind == ORL_PLAN_STOP ||
           kind == ORL_PLAN_KILL || kind == ORL_PLAN_REBOOT || kind == ORL_PLAN_RESET ||
           kind == ORL_PLAN_DELETE;
}

const char *orl_plan_name(enum orl_plan_kind kind)
{
    static const char *const names[] = {"none", "insert", "clone", "start", "look", "expire",
            "stop", "kill", "reboot", "reset", "retire", "delete", "forget", "release"};
    return (unsigned)kind < ORL_PLAN_KIND_COUNT ? names[kind] : "?";
}

uint64_t orl_plan_backoff_ms(uint32_t attempts)
{
    uint32_t shift = attempts > 0 ? attempts - 1 : 0;
    uint64_t ms = (uint64_t)BACKOFF_FIRST_MS
                  << (shift < BACKOFF_MAX_SHIFT ? shift : BACKOFF_MAX_SHIFT);
    return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

static bool add(struct pass *pass, enum orl_plan_kind kind, size_t subject)
{
    if (pass->plan->count >= ORL_PLAN_MAX_ACTIONS) {
        return false;
    }
    if (orl_plan_is_heavy(kind)) {
        if (pass->budget.heavy == 0) {
            return false;
        }
        pass->budget.heavy--;
    }
    pass->plan->actions[pass->plan->count++] =
            (struct orl_plan_action){.kind = kind, .subject = subject};
    return true;
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

static void open_budget(struct pass *pass)
{
    const struct orl_plan_input *in = pass->in;
    uint32_t used = 0;
    for (size_t i = 0; i < in->desktop_count; i++) {
        used += in->desktops[i].is_busy || is_booting(&in->desktops[i]);
    }
    uint64_t taken = in->limits.reserve_memory_mib + promised_mib(in);
    pass->budget.heavy = in->limits.max_in_flight > used ? in->limits.max_in_flight - used : 0;
    pass->budget.memory_mib = in->free_memory_mib > taken ? in->free_memory_mib - taken : 0;
    pass->budget.has_disk = in->free_disk_mib >= in->limits.reserve_disk_mib;
}

/* A person's desktop and the end of a machine don't wait for spares to boot, only for room. */
static void add_urgent(struct pass *pass, enum orl_plan_kind kind, size_t subject)
{
    if (pass->budget.heavy == 0) {
        uint32_t busy = 0;
        for (size_t i = 0; i < pass->in->desktop_count; i++) {
            busy += pass->in->desktops[i].is_busy;
        }
        uint32_t planned = 0;
        for (size_t i = 0; i < pass->plan->count; i++) {
            planned += orl_plan_is_heavy(pass->plan->actions[i].kind);
        }
        if (busy + planned >= pass->in->limits.max_in_flight) {
            return;
        }
        pass->budget.heavy = 1;
    }
    (void)add(pass, kind, subject);
}

static void plan_stop(struct pass *pass, size_t index)
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

static void plan_ending(struct pass *pass, size_t index)
{
    const struct orl_plan_desktop *d = &pass->in->desktops[index];
    enum orl_pool_kind kind = pass->in->pools[d->pool].kind;
    if (kind == ORL_POOL_STATIC) {
        (void)add(pass, ORL_PLAN_FORGET, index);
    } else if (is_removing(pass->in, d) || !d->is_tainted) {
        if (d->is_here || d->power != ORL_POWER_ABSENT) {
            if (pass->in->now_ms >= d->retry_ms) {
                add_urgent(pass, ORL_PLAN_DELETE, index);
            }
        } else {
            (void)add(pass, ORL_PLAN_FORGET, index);
        }
    } else if (d->is_alive) {
        plan_stop(pass, index);
    } else if (d->power == ORL_POWER_STOPPED || d->power == ORL_POWER_FAILED) {
        (void)add(pass, ORL_PLAN_RELEASE, index);
    }
}

/* A running desktop that is not ready: look, or give up. */
static void plan_boot(struct pass *pass, size_t index)
{
    const struct orl_plan_desktop *d = &pass->in->desktops[index];
    const struct orl_plan_limits *limits = &pass->in->limits;
    if (pass->in->now_ms >= d->changed_ms + limits->ready_timeout_ms) {
        (void)add(pass, ORL_PLAN_EXPIRE, index);
    } else if (pass->in->now_ms >= d->looked_ms + limits->look_period_ms) {
        (void)add(pass, ORL_PLAN_LOOK, index);
    }
}

static bool take_memory(struct pass *pass, size_t pool)
{
    uint64_t need = pass->in->pools[pool].memory_mib;
    if (pass->budget.memory_mib < need) {
        pass->verdicts[pool].problem = ORL_REASON_HOST_FULL;
        return false;
    }
    pass->budget.memory_mib -= need;
    return true;
}

static void plan_start(struct pass *pass, size_t index)
{
    const struct orl_plan_desktop *d = &pass->in->desktops[index];
    if (pass->in->now_ms < d->retry_ms || !take_memory(pass, d->pool)) {
        return;
    }
    if (is_given(d)) {
        add_urgent(pass, ORL_PLAN_START, index);
    } else {
        (void)add(pass, ORL_PLAN_START, index);
    }
}

/* Down, and somebody's or to become somebody's. */
static void plan_down(struct pass *pass, size_t index)
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

static void plan_free(struct pass *pass, size_t index)
{
    const struct orl_plan_desktop *d = &pass->in->desktops[index];
    const struct orl_plan_pool *pool = &pass->in->pools[d->pool];
    if (d->want == ORL_WANT_DELETE || pool->is_deleted || d->power == ORL_POWER_FAILED ||
            d->power == ORL_POWER_SUSPENDED ||
            (d->attempts >= pass->in->limits.max_attempts && d->power != ORL_POWER_RUNNING)) {
        (void)add(pass, ORL_PLAN_RETIRE, index);
    } else if (d->power == ORL_POWER_ABSENT) {
        if (pool->has_template && pass->in->now_ms >= d->retry_ms &&
                pass->in->now_ms >= pool->retry_ms) {
            (void)add(pass, ORL_PLAN_CLONE, index);
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
static void plan_restart(struct pass *pass, size_t index)
{
    const struct orl_plan_desktop *d = &pass->in->desktops[index];
    if (d->rebooted_ms < d->restart_ms) {
        add_urgent(pass, ORL_PLAN_REBOOT, index);
    } else if (pass->in->now_ms >= d->rebooted_ms + pass->in->limits.stop_timeout_ms) {
        add_urgent(pass, ORL_PLAN_RESET, index);
    }
}

static void plan_given(struct pass *pass, size_t index)
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

static void plan_desktop(struct pass *pass, size_t index)
{
    const struct orl_plan_desktop *d = &pass->in->desktops[index];
    bool is_static = pass->in->pools[d->pool].kind == ORL_POOL_STATIC;
    if (d->is_busy) {
        return;
    }
    if (d->lease == ORL_LEASE_ENDING) {
        plan_ending(pass, index);
    } else if (is_static) {
        if (d->lease == ORL_LEASE_FREE &&
                (d->want == ORL_WANT_DELETE || pass->in->pools[d->pool].is_deleted)) {
            (void)add(pass, ORL_PLAN_RETIRE, index);
        } else if (pass->in->now_ms >= d->looked_ms + static_period(pass->in, d)) {
            (void)add(pass, ORL_PLAN_LOOK, index);
        }
    } else if (d->lease == ORL_LEASE_FREE) {
        plan_free(pass, index);
    } else {
        plan_given(pass, index);
    }
}

static struct tally count_of(const struct orl_plan_input *in, size_t pool)
{
    struct tally tally = {0};
    for (size_t i = 0; i < in->desktop_count; i++) {
        const struct orl_plan_desktop *d = &in->desktops[i];
        if (d->pool == pool) {
            tally.total++;
            tally.free += d->lease == ORL_LEASE_FREE && !d->is_maintenance &&
                          d->want == ORL_WANT_RUN && d->power != ORL_POWER_FAILED;
        }
    }
    return tally;
}

static bool is_planned(const struct pass *pass, size_t index)
{
    for (size_t i = 0; i < pass->plan->count; i++) {
        const struct orl_plan_action *a = &pass->plan->actions[i];
        if (a->kind != ORL_PLAN_INSERT && a->subject == index) {
            return true;
        }
    }
    return false;
}

/* Too many free: the least useful goes first, the youngest of equals. */
static bool retire_one(struct pass *pass, size_t pool)
{
    const struct orl_plan_input *in = pass->in;
    size_t best = in->desktop_count;
    for (size_t i = 0; i < in->desktop_count; i++) {
        const struct orl_plan_desktop *d = &in->desktops[i];
        if (d->pool != pool || d->lease != ORL_LEASE_FREE || d->is_maintenance || d->is_busy ||
                d->want != ORL_WANT_RUN || is_planned(pass, i)) {
            continue;
        }
        const struct orl_plan_desktop *b = best < in->desktop_count ? &in->desktops[best] : NULL;
        if (!b || d->is_ready < b->is_ready ||
                (d->is_ready == b->is_ready && d->created_ms > b->created_ms)) {
            best = i;
        }
    }
    return best < in->desktop_count && add(pass, ORL_PLAN_RETIRE, best);
}

static void plan_surplus(struct pass *pass, size_t index, const struct tally *tally)
{
    const struct orl_plan_pool *pool = &pass->in->pools[index];
    uint32_t wanted = pool->spares + pool->waiting;
    uint32_t surplus = tally->free > wanted ? tally->free - wanted : 0;
    uint32_t over = tally->total > pool->max_desktops ? tally->total - pool->max_desktops : 0;
    uint32_t drop = over > surplus ? over : surplus;
    for (uint32_t i = 0; i < drop && retire_one(pass, index); i++) {
    }
}

static void plan_inserts(struct pass *pass, size_t index, const struct tally *tally)
{
    const struct orl_plan_pool *pool = &pass->in->pools[index];
    uint32_t wanted = pool->spares + pool->waiting;
    uint32_t lack = wanted > tally->free ? wanted - tally->free : 0;
    uint32_t room = pool->max_desktops > tally->total ? pool->max_desktops - tally->total : 0;
    if (lack == 0) {
        return;
    }
    if (!pool->has_template) {
        pass->verdicts[index].problem = pool->template_reason;
        return;
    }
    if (lack > room && pool->waiting > tally->free + room) {
        pass->verdicts[index].problem = ORL_REASON_POOL_FULL;
    }
    if (pool->retry_ms > pass->in->now_ms) {
        return;
    }
    for (uint32_t i = 0; i < lack && i < room && pass->budget.heavy > 0; i++) {
        if (!pass->budget.has_disk || !take_memory(pass, index)) {
            pass->verdicts[index].problem = ORL_REASON_HOST_FULL;
            return;
        }
        if (!add(pass, ORL_PLAN_INSERT, index)) {
            return;
        }
        pass->budget.heavy--; /* its clone follows at once */
    }
}

void orl_pool_plan(const struct orl_plan_input *input, struct orl_plan *ret_plan,
        struct orl_plan_verdict *ret_verdicts)
{
    struct pass pass = {.in = input, .plan = ret_plan, .verdicts = ret_verdicts};
    memset(ret_plan, 0, sizeof *ret_plan);
    memset(ret_verdicts, 0, input->pool_count * sizeof *ret_verdicts);
    open_budget(&pass);
    /* Persons first, then what gives memory back, then what is not anybody's yet. */
    for (size_t i = 0; i < input->desktop_count; i++) {
        if (is_given(&input->desktops[i])) {
            plan_desktop(&pass, i);
        }
    }
    for (size_t i = 0; i < input->desktop_count; i++) {
        if (input->desktops[i].lease == ORL_LEASE_ENDING) {
            plan_desktop(&pass, i);
        }
    }
    for (size_t i = 0; i < input->desktop_count; i++) {
        if (input->desktops[i].lease == ORL_LEASE_FREE) {
            plan_desktop(&pass, i);
        }
    }
    for (size_t i = 0; i < input->pool_count; i++) {
        const struct orl_plan_pool *pool = &input->pools[i];
        if (pool->kind == ORL_POOL_STATIC || pool->is_deleted) {
            continue;
        }
        struct tally tally = count_of(input, i);
        plan_surplus(&pass, i, &tally);
        if (!pool->is_maintenance) {
            plan_inserts(&pass, i, &tally);
        }
    }
}
