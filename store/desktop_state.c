#include "store/desktop_state.h"

#include <stddef.h>
#include <string.h>

#define BIT(x) (1U << (unsigned)(x))
#define LIVE                                                                                       \
    (BIT(ORL_POWER_STARTING) | BIT(ORL_POWER_RUNNING) | BIT(ORL_POWER_SUSPENDED) |                 \
            BIT(ORL_POWER_REBOOTING) | BIT(ORL_POWER_MIGRATING) | BIT(ORL_POWER_STOPPING) |        \
            BIT(ORL_POWER_STOPPED) | BIT(ORL_POWER_FAILED))
#define ANY (LIVE | BIT(ORL_POWER_ABSENT) | BIT(ORL_POWER_CLONING))

/* THE table. A person's machine exists: only nobody's may be absent or in the making. */
static const struct {
    unsigned powers; /* pairs */
    unsigned leases; /* moves */
} lease_rules[ORL_LEASE_COUNT] = {
        [ORL_LEASE_FREE] = {ANY, BIT(ORL_LEASE_ASSIGNED) | BIT(ORL_LEASE_ENDING)},
        [ORL_LEASE_ASSIGNED] = {LIVE,
                BIT(ORL_LEASE_IN_USE) | BIT(ORL_LEASE_DISCONNECTED) | BIT(ORL_LEASE_ENDING)},
        [ORL_LEASE_IN_USE] = {LIVE, BIT(ORL_LEASE_DISCONNECTED) | BIT(ORL_LEASE_ENDING)},
        [ORL_LEASE_DISCONNECTED] = {LIVE, BIT(ORL_LEASE_IN_USE) | BIT(ORL_LEASE_ENDING)},
        [ORL_LEASE_ENDING] = {ANY, BIT(ORL_LEASE_ASSIGNED) | BIT(ORL_LEASE_FREE)},
};
static const unsigned power_moves[ORL_POWER_COUNT] = {
        [ORL_POWER_ABSENT] = BIT(ORL_POWER_CLONING) | BIT(ORL_POWER_FAILED),
        [ORL_POWER_CLONING] = BIT(ORL_POWER_ABSENT) | BIT(ORL_POWER_STARTING) |
                              BIT(ORL_POWER_STOPPING) | BIT(ORL_POWER_STOPPED) |
                              BIT(ORL_POWER_FAILED),
        [ORL_POWER_STARTING] = BIT(ORL_POWER_RUNNING) | BIT(ORL_POWER_STOPPING) |
                               BIT(ORL_POWER_STOPPED) | BIT(ORL_POWER_FAILED),
        [ORL_POWER_RUNNING] = BIT(ORL_POWER_SUSPENDED) | BIT(ORL_POWER_REBOOTING) |
                              BIT(ORL_POWER_MIGRATING) | BIT(ORL_POWER_STOPPING) |
                              BIT(ORL_POWER_STOPPED) | BIT(ORL_POWER_FAILED),
        [ORL_POWER_SUSPENDED] = BIT(ORL_POWER_STARTING) | BIT(ORL_POWER_RUNNING) |
                                BIT(ORL_POWER_STOPPING) | BIT(ORL_POWER_STOPPED) |
                                BIT(ORL_POWER_FAILED),
        [ORL_POWER_REBOOTING] = BIT(ORL_POWER_RUNNING) | BIT(ORL_POWER_STOPPING) |
                                BIT(ORL_POWER_STOPPED) | BIT(ORL_POWER_FAILED),
        [ORL_POWER_MIGRATING] = BIT(ORL_POWER_RUNNING) | BIT(ORL_POWER_STOPPING) |
                                BIT(ORL_POWER_STOPPED) | BIT(ORL_POWER_FAILED),
        [ORL_POWER_STOPPING] =
                BIT(ORL_POWER_ABSENT) | BIT(ORL_POWER_STOPPED) | BIT(ORL_POWER_FAILED),
        /* To running: somebody started it outside of Oriel, or it was not dead after all. */
        [ORL_POWER_STOPPED] = BIT(ORL_POWER_ABSENT) | BIT(ORL_POWER_STARTING) |
                              BIT(ORL_POWER_RUNNING) | BIT(ORL_POWER_STOPPING) |
                              BIT(ORL_POWER_FAILED),
        [ORL_POWER_FAILED] = BIT(ORL_POWER_ABSENT) | BIT(ORL_POWER_CLONING) |
                             BIT(ORL_POWER_STARTING) | BIT(ORL_POWER_RUNNING) |
                             BIT(ORL_POWER_STOPPING) | BIT(ORL_POWER_STOPPED),
};

static bool is_given(enum orl_lease lease)
{
    return lease == ORL_LEASE_ASSIGNED || lease == ORL_LEASE_IN_USE ||
           lease == ORL_LEASE_DISCONNECTED;
}

static bool is_known(const struct orl_desktop_state *state)
{
    return state->kind > ORL_POOL_NONE && state->kind < ORL_POOL_KIND_COUNT &&
           state->lease > ORL_LEASE_NONE && state->lease < ORL_LEASE_COUNT &&
           state->power > ORL_POWER_NONE && state->power < ORL_POWER_COUNT;
}

bool orl_desktop_state_is_legal(const struct orl_desktop_state *state)
{
    if (!is_known(state) || (lease_rules[state->lease].powers & BIT(state->power)) == 0) {
        return false;
    }
    if (is_given(state->lease) && !state->is_tainted) {
        return false;
    }
    return state->lease != ORL_LEASE_FREE || !state->is_tainted || state->kind == ORL_POOL_STATIC;
}

static bool is_lease_move_legal(
        const struct orl_desktop_state *from, const struct orl_desktop_state *to)
{
    if (from->lease == to->lease) {
        return true;
    }
    if ((lease_rules[from->lease].leases & BIT(to->lease)) == 0) {
        return false;
    }
    if (from->lease == ORL_LEASE_FREE && to->lease == ORL_LEASE_ASSIGNED) {
        return from->power == ORL_POWER_RUNNING && to->power == ORL_POWER_RUNNING;
    }
    if (from->lease == ORL_LEASE_ENDING && to->lease == ORL_LEASE_ASSIGNED) {
        return from->kind == ORL_POOL_DEDICATED && from->is_tainted &&
               to->power == ORL_POWER_STOPPED;
    }
    if (from->lease == ORL_LEASE_ENDING && to->lease == ORL_LEASE_FREE) {
        return from->kind == ORL_POOL_STATIC;
    }
    return true;
}

bool orl_desktop_move_is_legal(
        const struct orl_desktop_state *from, const struct orl_desktop_state *to)
{
    if (!orl_desktop_state_is_legal(from) || !orl_desktop_state_is_legal(to) ||
            from->kind != to->kind || (from->is_tainted && !to->is_tainted)) {
        return false;
    }
    return is_lease_move_legal(from, to) &&
           (from->power == to->power || (power_moves[from->power] & BIT(to->power)) != 0);
}

bool orl_desktop_move_is_fenced(enum orl_lease from, enum orl_lease to)
{
    return (from == ORL_LEASE_FREE) != (to == ORL_LEASE_FREE) ||
           (from == ORL_LEASE_ENDING) != (to == ORL_LEASE_ENDING);
}

bool orl_desktop_state_is_removable(const struct orl_desktop_state *state)
{
    return state->lease == ORL_LEASE_ENDING &&
           (state->power == ORL_POWER_ABSENT || state->kind == ORL_POOL_STATIC);
}

static const char *const lease_names[ORL_LEASE_COUNT] = {
        NULL, "free", "assigned", "in_use", "disconnected", "ending"};
static const char *const power_names[ORL_POWER_COUNT] = {NULL, "absent", "cloning", "starting",
        "running", "suspended", "rebooting", "migrating", "stopping", "stopped", "failed"};
static const char *const kind_names[ORL_POOL_KIND_COUNT] = {
        NULL, "floating", "dedicated", "static"};
static const char *const want_names[ORL_WANT_COUNT] = {NULL, "run", "stop", "delete"};

static const char *name_of(const char *const *names, unsigned count, unsigned value)
{
    return value > 0 && value < count ? names[value] : "?";
}

static unsigned value_of(const char *const *names, unsigned count, const char *text)
{
    for (unsigned i = 1; i < count; i++) {
        if (strcmp(names[i], text) == 0) {
            return i;
        }
    }
    return 0;
}

const char *orl_lease_name(enum orl_lease lease)
{
    return name_of(lease_names, ORL_LEASE_COUNT, lease);
}

const char *orl_power_name(enum orl_power power)
{
    return name_of(power_names, ORL_POWER_COUNT, power);
}

const char *orl_pool_kind_name(enum orl_pool_kind kind)
{
    return name_of(kind_names, ORL_POOL_KIND_COUNT, kind);
}

const char *orl_want_name(enum orl_want want)
{
    return name_of(want_names, ORL_WANT_COUNT, want);
}

bool orl_lease_parse(const char *text, enum orl_lease *ret_lease)
{
    unsigned v = value_of(lease_names, ORL_LEASE_COUNT, text);
    if (v != 0) {
        *ret_lease = (enum orl_lease)v;
    }
    return v != 0;
}

bool orl_power_parse(const char *text, enum orl_power *ret_power)
{
    unsigned v = value_of(power_names, ORL_POWER_COUNT, text);
    if (v != 0) {
        *ret_power = (enum orl_power)v;
    }
    return v != 0;
}

bool orl_pool_kind_parse(const char *text, enum orl_pool_kind *ret_kind)
{
    unsigned v = value_of(kind_names, ORL_POOL_KIND_COUNT, text);
    if (v != 0) {
        *ret_kind = (enum orl_pool_kind)v;
    }
    return v != 0;
}

bool orl_want_parse(const char *text, enum orl_want *ret_want)
{
    unsigned v = value_of(want_names, ORL_WANT_COUNT, text);
    if (v != 0) {
        *ret_want = (enum orl_want)v;
    }
    return v != 0;
}
