#include "vmpool/observed.h"

static bool is_given(enum orl_lease lease)
{
    return lease != ORL_LEASE_FREE && lease != ORL_LEASE_ENDING;
}

static bool is_up(enum orl_power power)
{
    return power == ORL_POWER_STARTING || power == ORL_POWER_RUNNING ||
           power == ORL_POWER_SUSPENDED || power == ORL_POWER_MIGRATING;
}

static struct orl_observed died(enum orl_power power, enum orl_lease lease, uint32_t attempts)
{
    struct orl_observed seen = {.power = ORL_POWER_STOPPED, .has_died = true};
    if (is_given(lease)) {
        bool can_reboot = power == ORL_POWER_RUNNING && attempts == 0;
        seen.power = can_reboot ? ORL_POWER_REBOOTING : ORL_POWER_FAILED;
    }
    return seen;
}

static enum orl_power when_running(enum orl_power power)
{
    switch (power) {
    case ORL_POWER_STARTING:
    case ORL_POWER_SUSPENDED:
    case ORL_POWER_MIGRATING:
    case ORL_POWER_STOPPED:
        return ORL_POWER_RUNNING; /* rebooting stays until it is ready */
    case ORL_POWER_CLONING:
        return ORL_POWER_STARTING;
    default:
        return power;
    }
}

static enum orl_power when_off(enum orl_power power, enum orl_lease lease)
{
    switch (power) {
    case ORL_POWER_REBOOTING: /* its restart is waited for only while somebody has it */
        return is_given(lease) ? power : ORL_POWER_STOPPED;
    case ORL_POWER_CLONING: /* of which try it is, and of which image, nobody knows: made again */
        return ORL_POWER_ABSENT;
    case ORL_POWER_STARTING:
    case ORL_POWER_RUNNING:
    case ORL_POWER_SUSPENDED:
    case ORL_POWER_MIGRATING:
    case ORL_POWER_STOPPING:
        return ORL_POWER_STOPPED;
    default:
        return power;
    }
}

static struct orl_observed when_absent(enum orl_power power, enum orl_lease lease)
{
    if (power == ORL_POWER_ABSENT) {
        return (struct orl_observed){.power = power};
    }
    if (is_given(lease)) {
        return (struct orl_observed){.power = ORL_POWER_FAILED, .has_died = is_up(power)};
    }
    switch (power) {
    case ORL_POWER_CLONING:
    case ORL_POWER_STOPPING:
    case ORL_POWER_STOPPED:
    case ORL_POWER_FAILED:
        return (struct orl_observed){.power = ORL_POWER_ABSENT};
    default:
        return (struct orl_observed){.power = ORL_POWER_STOPPED, .has_died = is_up(power)};
    }
}

/* Nobody's is not worth waiting for. Of the others a restart that stuck ran until then. */
static struct orl_observed stuck(enum orl_power power, enum orl_lease lease, uint32_t attempts)
{
    if (lease == ORL_LEASE_FREE) {
        return is_up(power) ? died(power, lease, attempts)
                            : (struct orl_observed){.power = when_off(power, lease)};
    }
    if (power == ORL_POWER_RUNNING || power == ORL_POWER_SUSPENDED) {
        return (struct orl_observed){.power = ORL_POWER_SUSPENDED};
    }
    return (struct orl_observed){
            .power = power == ORL_POWER_REBOOTING ? ORL_POWER_RUNNING : when_running(power)};
}

struct orl_observed orl_observed(
        enum orl_power power, enum orl_lease lease, uint32_t attempts, enum orl_vm_state state)
{
    switch (state) {
    case ORL_VM_RUNNING:
        return (struct orl_observed){.power = when_running(power)};
    case ORL_VM_STUCK:
        return stuck(power, lease, attempts);
    case ORL_VM_PAUSED:
        if (power == ORL_POWER_RUNNING) {
            return (struct orl_observed){.power = ORL_POWER_SUSPENDED};
        }
        return (struct orl_observed){
                .power = power == ORL_POWER_STARTING ? ORL_POWER_RUNNING : power};
    case ORL_VM_CRASHED:
        return is_up(power) ? died(power, lease, attempts)
                            : (struct orl_observed){.power = when_off(power, lease)};
    case ORL_VM_OFF:
        return (struct orl_observed){.power = when_off(power, lease)};
    case ORL_VM_ABSENT:
        return when_absent(power, lease);
    }
    return (struct orl_observed){.power = power};
}
