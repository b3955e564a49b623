/* How many desktops a pool has, and what it gets: waking, suspending, retiring, replacing, new rows. */
#include "vmpool/pool_plan_priv.h"

enum { RANK_UNFIT = 4, RANK_OLD = 2, RANK_KIND = 1 };

static bool is_ready(const struct orl_plan_desktop *d)
{
    return d->power == ORL_POWER_RUNNING && d->is_ready;
}

/* Asleep, and to stay so for now. */
static bool is_asleep(const struct orl_plan_desktop *d)
{
    return d->power == ORL_POWER_SUSPENDED && !(d->is_busy && d->is_woken);
}

static bool is_coming(const struct orl_plan_desktop *d)
{
    return d->power == ORL_POWER_STARTING || (d->power == ORL_POWER_RUNNING && !d->is_ready) ||
           d->power == ORL_POWER_REBOOTING || (d->power == ORL_POWER_SUSPENDED && !is_asleep(d));
}

void orl_spare_plan_count(struct orl_plan_pass *pass)
{
    const struct orl_plan_input *in = pass->in;
    for (size_t i = 0; i < in->pool_count; i++) {
        pass->tallies[i].first = ORL_PLAN_NOBODY;
    }
    for (size_t i = in->desktop_count; i-- > 0;) {
        const struct orl_plan_desktop *d = &in->desktops[i];
        struct orl_plan_tally *tally = &pass->tallies[d->pool];
        bool is_spare = orl_plan_is_spare(d);
        pass->next[i] = tally->first;
        tally->first = i;
        tally->total++;
        tally->ending += d->lease == ORL_LEASE_ENDING;
        tally->free += is_spare;
        tally->ready += is_spare && is_ready(d);
        tally->suspended += is_spare && is_asleep(d);
        tally->coming += is_spare && is_coming(d);
        tally->waking += is_spare && is_coming(d) && d->is_woken;
        tally->old += is_spare && orl_plan_is_old(in, d);
    }
}

uint32_t orl_spare_plan_unmet(const struct orl_plan_pass *pass, size_t pool)
{
    const struct orl_plan_tally *tally = &pass->tallies[pool];
    uint32_t waiting = pass->in->pools[pool].waiting;
    uint32_t met = tally->ready + tally->coming;
    return waiting > met ? waiting - met : 0;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static uint64_t min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool is_settled(const struct orl_plan_pass *pass, size_t i)
{
    const struct orl_plan_desktop *d = &pass->in->desktops[i];
    return orl_plan_is_spare(d) && !d->is_busy && !pass->has_action[i];
}

static uint64_t wake(struct orl_plan_pass *pass, size_t pool, uint64_t count, bool is_old)
{
    const struct orl_plan_input *in = pass->in;
    struct orl_plan_tally *tally = &pass->tallies[pool];
    for (size_t i = tally->first; i != ORL_PLAN_NOBODY && count > 0; i = pass->next[i]) {
        const struct orl_plan_desktop *d = &in->desktops[i];
        if (!is_settled(pass, i) || !is_asleep(d) || in->now_ms < d->retry_ms ||
                orl_plan_is_old(in, d) != is_old) {
            continue;
        }
        if (!orl_plan_add_urgent(pass, ORL_PLAN_WAKE, i)) {
            return 0;
        }
        count--;
        tally->suspended--;
        tally->coming++;
        tally->waking++;
    }
    return count;
}

void orl_spare_plan_wake(struct orl_plan_pass *pass, size_t index)
{
    const struct orl_plan_pool *pool = &pass->in->pools[index];
    const struct orl_plan_tally *tally = &pass->tallies[index];
    if (tally->suspended == 0 || pool->is_deleted || pool->kind == ORL_POOL_STATIC) {
        return;
    }
    /* Who waits does not wait for a boot while there is one that only sleeps. */
    uint64_t people = less(pool->waiting, (uint64_t)tally->ready + tally->waking);
    uint64_t run = (uint64_t)pool->spares + pool->waiting;
    uint64_t spares = pool->is_maintenance ? 0 : less(run, (uint64_t)tally->ready + tally->coming);
    uint64_t left = wake(pass, index, people > spares ? people : spares, false);
    (void)wake(pass, index, left, true);
}

struct choice {
    size_t index;
    unsigned rank;
};

/* Whether a goes before b: the least useful first, the youngest of equals. */
static bool is_worse(
        const struct orl_plan_input *in, const struct choice *a, const struct choice *b)
{
    return a->rank != b->rank
                   ? a->rank > b->rank
                   : in->desktops[a->index].created_ms > in->desktops[b->index].created_ms;
}

static unsigned rank_of(
        const struct orl_plan_input *in, const struct orl_plan_desktop *d, bool prefers_asleep)
{
    bool is_fit = is_ready(d) || is_asleep(d);
    return (is_fit ? 0U : RANK_UNFIT) + (orl_plan_is_old(in, d) ? RANK_OLD : 0U) +
           (is_asleep(d) == prefers_asleep ? RANK_KIND : 0U);
}

/* Up to count of them, in order. */
static size_t choose(const struct orl_plan_pass *pass, size_t pool, bool is_old_only,
        struct choice *ret_best, size_t count)
{
    const struct orl_plan_input *in = pass->in;
    const struct orl_plan_tally *tally = &pass->tallies[pool];
    bool prefers_asleep = tally->suspended > in->pools[pool].spares_suspended;
    size_t found = 0;
    for (size_t i = tally->first; i != ORL_PLAN_NOBODY && count > 0; i = pass->next[i]) {
        const struct orl_plan_desktop *d = &in->desktops[i];
        if (!is_settled(pass, i) || (is_old_only && !orl_plan_is_old(in, d))) {
            continue;
        }
        struct choice one = {.index = i, .rank = rank_of(in, d, prefers_asleep)};
        if (found == count && !is_worse(in, &one, &ret_best[found - 1])) {
            continue;
        }
        found += found < count;
        size_t at = found - 1;
        for (; at > 0 && is_worse(in, &one, &ret_best[at - 1]); at--) {
            ret_best[at] = ret_best[at - 1];
        }
        ret_best[at] = one;
    }
    return found;
}

/* keep: so many that are fit stay, whatever else is still on its way. */
static void retire(
        struct orl_plan_pass *pass, size_t pool, uint64_t count, bool is_old_only, uint64_t keep)
{
    struct choice best[ORL_PLAN_MAX_ACTIONS];
    struct orl_plan_tally *tally = &pass->tallies[pool];
    size_t room = ORL_PLAN_MAX_ACTIONS - pass->plan->count;
    size_t found = choose(pass, pool, is_old_only, best, (size_t)min(count, room));
    for (size_t i = 0; i < found; i++) {
        const struct orl_plan_desktop *d = &pass->in->desktops[best[i].index];
        bool is_fit = is_ready(d) || is_asleep(d);
        if ((is_fit && (uint64_t)tally->ready + tally->suspended <= keep) ||
                !orl_plan_add(pass, ORL_PLAN_RETIRE, best[i].index)) {
            return;
        }
        tally->free--;
        tally->ready -= is_ready(d);
        tally->suspended -= is_asleep(d);
        tally->old -= orl_plan_is_old(pass->in, d);
        tally->ending++;
    }
}

static uint64_t wanted_of(const struct orl_plan_pool *pool)
{
    return (uint64_t)pool->spares + pool->spares_suspended + pool->waiting;
}

/* One more than is wanted, so that an old one can go when it is ready. */
static bool has_surge(const struct orl_plan_pool *pool, const struct orl_plan_tally *tally)
{
    return tally->old > 0 && pool->has_template && !pool->is_maintenance;
}

/* There is no room for a replacement beside the old one: it goes first, when nobody waits and all others
 * are well. */
static bool is_cramped(const struct orl_plan_pass *pass, size_t index)
{
    const struct orl_plan_pool *pool = &pass->in->pools[index];
    const struct orl_plan_tally *tally = &pass->tallies[index];
    bool is_full = tally->total >= pool->max_desktops || !pass->budget.has_disk ||
                   pass->budget.memory_mib < pool->memory_mib;
    return is_full && pool->waiting == 0 && tally->ending == 0 &&
           tally->ready + tally->suspended == tally->free;
}

static void suspend(struct orl_plan_pass *pass, size_t index)
{
    const struct orl_plan_input *in = pass->in;
    const struct orl_plan_pool *pool = &in->pools[index];
    struct orl_plan_tally *tally = &pass->tallies[index];
    uint64_t count = min(less(tally->ready, (uint64_t)pool->spares + pool->waiting),
            less(pool->spares_suspended, tally->suspended));
    for (size_t i = tally->first; i != ORL_PLAN_NOBODY && count > 0; i = pass->next[i]) {
        const struct orl_plan_desktop *d = &in->desktops[i];
        bool may = is_settled(pass, i) && is_ready(d) && !orl_plan_is_old(in, d) &&
                   in->now_ms >= d->retry_ms && d->attempts < in->limits.max_attempts;
        if (!may) {
            continue;
        }
        if (!orl_plan_add(pass, ORL_PLAN_SUSPEND, i)) {
            return;
        }
        count--;
        tally->ready--;
        tally->suspended++;
    }
}

void orl_spare_plan_shape(struct orl_plan_pass *pass, size_t index)
{
    const struct orl_plan_pool *pool = &pass->in->pools[index];
    const struct orl_plan_tally *tally = &pass->tallies[index];
    if (pool->kind == ORL_POOL_STATIC || pool->is_deleted) {
        return;
    }
    uint64_t wanted = wanted_of(pool);
    retire(pass, index, less(tally->total - tally->ending, pool->max_desktops), false, 0);
    retire(pass, index, less(tally->free, wanted + has_surge(pool, tally)), false, wanted);
    if (has_surge(pool, tally)) {
        uint64_t ripe = less((uint64_t)tally->ready + tally->suspended, wanted);
        bool is_first = ripe == 0 && is_cramped(pass, index);
        retire(pass, index, is_first ? 1 : ripe, true, is_first ? 0 : wanted);
    }
    suspend(pass, index);
}

static bool may_insert(
        struct orl_plan_pass *pass, size_t index, uint64_t wanted, bool is_for_spares)
{
    const struct orl_plan_pool *pool = &pass->in->pools[index];
    const struct orl_plan_tally *tally = &pass->tallies[index];
    uint64_t lack = less(wanted, tally->free);
    uint64_t room = less(pool->max_desktops, tally->total);
    if (pool->kind == ORL_POOL_STATIC || pool->is_deleted || pool->is_maintenance || lack == 0) {
        return false;
    }
    if (!pool->has_template) {
        pass->verdicts[index].problem = pool->template_reason;
        return false;
    }
    if (lack > room && pool->waiting > tally->free + room) {
        pass->verdicts[index].problem = ORL_REASON_POOL_FULL;
    }
    return room > 0 && pool->retry_ms <= pass->in->now_ms && pass->budget.heavy > 0 &&
           (!is_for_spares || pass->budget.starts.spares > 0);
}

static bool insert_one(struct orl_plan_pass *pass, size_t index, bool is_for_spares)
{
    const struct orl_plan_pool *pool = &pass->in->pools[index];
    struct orl_plan_tally *tally = &pass->tallies[index];
    uint64_t wanted = is_for_spares ? wanted_of(pool) : pool->waiting;
    bool is_surge = is_for_spares && tally->free >= wanted && has_surge(pool, tally);
    if (!may_insert(pass, index, wanted + is_surge, is_for_spares)) {
        return false;
    }
    if (!pass->budget.has_disk || !orl_plan_take_memory(pass, index)) {
        pass->verdicts[index].problem =
                is_surge ? pass->verdicts[index].problem : ORL_REASON_HOST_FULL;
        return false;
    }
    if (!orl_plan_add(pass, ORL_PLAN_INSERT, index)) {
        return false;
    }
    pass->budget.heavy--; /* its clone follows at once */
    tally->free++;
    tally->total++;
    return true;
}

void orl_spare_plan_insert(struct orl_plan_pass *pass, bool is_for_spares)
{
    size_t count = pass->in->pool_count;
    for (bool has_more = count > 0; has_more;) {
        size_t first = pass->plan->turn;
        has_more = false;
        for (size_t i = 0; i < count; i++) {
            size_t pool = (first + i) % count;
            if (insert_one(pass, pool, is_for_spares)) {
                pass->plan->turn = (pool + 1) % count;
                has_more = true;
            }
        }
    }
}
