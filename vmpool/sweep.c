#include "vmpool/sweep.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNKNOWN_FEW = 5 };

void orl_sweep_fini(struct orl_sweep *sweep)
{
    free(sweep->seen);
    memset(sweep, 0, sizeof *sweep);
}

const char *orl_sweep_alarm_text(enum orl_sweep_alarm alarm)
{
    switch (alarm) {
    case ORL_SWEEP_TOO_MANY:
        return "too many machines of ours are unknown to the store; nothing is removed until this "
               "alarm is cleared";
    case ORL_SWEEP_OLD_STORE:
        return "a machine is newer than the store, as after restoring a backup; nothing is removed "
               "until this alarm is cleared";
    default:
        return "";
    }
}

/* Since when, and remembered from now on. */
static uint64_t unknown_since(struct orl_sweep *sweep, const char *name, uint64_t now_ms)
{
    for (size_t i = 0; i < sweep->seen_count; i++) {
        if (strcmp(sweep->seen[i].name, name) == 0) {
            sweep->seen[i].is_here = true;
            return sweep->seen[i].since_ms;
        }
    }
    if (sweep->seen_count >= ORL_SWEEP_MAX_TRACKED) {
        return now_ms;
    }
    struct orl_sweep_seen *grown =
            realloc(sweep->seen, (sweep->seen_count + 1) * sizeof *sweep->seen);
    if (grown) {
        sweep->seen = grown;
        struct orl_sweep_seen *seen = &grown[sweep->seen_count++];
        *seen = (struct orl_sweep_seen){.since_ms = now_ms, .is_here = true};
        (void)snprintf(seen->name, sizeof seen->name, "%s", name);
    }
    return now_ms;
}

/* The first time: what is in quarantine stays where it is. */
static bool is_news(struct orl_sweep *sweep, const char *name)
{
    for (size_t i = 0; i < sweep->seen_count; i++) {
        if (strcmp(sweep->seen[i].name, name) == 0) {
            bool was_told = sweep->seen[i].is_told;
            sweep->seen[i].is_told = true;
            return !was_told;
        }
    }
    return false;
}

static void forget_gone(struct orl_sweep *sweep)
{
    size_t kept = 0;
    for (size_t i = 0; i < sweep->seen_count; i++) {
        if (sweep->seen[i].is_here) {
            sweep->seen[kept] = sweep->seen[i];
            sweep->seen[kept++].is_here = false;
        }
    }
    sweep->seen_count = kept;
}

static bool is_known(const struct orl_sweep_input *in, const char *name)
{
    return in->is_known(in->ctx, name);
}

static enum orl_sweep_alarm alarm_of(const struct orl_sweep_input *in)
{
    size_t unknown = 0;
    if (in->has_forgotten) {
        return ORL_SWEEP_OLD_STORE;
    }
    for (size_t i = 0; i < in->list->vm_count; i++) {
        const struct orl_vm *vm = &in->list->vms[i];
        /* Those are nobody's: made anew any time. */
        bool is_ours_alone = vm->meta.kind == ORL_VM_PROBE || vm->meta.kind == ORL_VM_GOLDEN;
        if (vm->meta.stamp_ms > in->store_stamp_ms && !is_ours_alone) {
            return ORL_SWEEP_OLD_STORE;
        }
        unknown += !is_ours_alone && !vm->meta.is_quarantined && !is_known(in, vm->name);
    }
    return unknown > UNKNOWN_FEW && unknown > in->known_count ? ORL_SWEEP_TOO_MANY
                                                              : ORL_SWEEP_NO_ALARM;
}

size_t orl_sweep_plan(struct orl_sweep *sweep, const struct orl_sweep_input *in,
        struct orl_sweep_action ret_actions[ORL_SWEEP_MAX_ACTIONS], enum orl_sweep_alarm *ret_alarm)
{
    size_t count = 0;
    *ret_alarm = alarm_of(in);
    if (*ret_alarm == ORL_SWEEP_NO_ALARM && !in->is_accepted) {
        *ret_alarm = in->standing; /* the store's stamp goes on, what it lost does not come back */
    }
    bool is_stopped = *ret_alarm != ORL_SWEEP_NO_ALARM && !in->is_accepted;
    for (size_t i = 0; i < in->list->vm_count; i++) {
        const struct orl_vm *vm = &in->list->vms[i];
        if (is_known(in, vm->name)) {
            continue;
        }
        uint64_t since_ms = unknown_since(sweep, vm->name, in->now_ms);
        /* Once for each start of ours: its row may have been lost with a store. */
        if (vm->meta.is_quarantined &&
                (is_stopped || count == ORL_SWEEP_MAX_ACTIONS ||
                        in->now_ms < since_ms + in->grace_ms || !is_news(sweep, vm->name))) {
            continue;
        }
        if (!is_stopped && count < ORL_SWEEP_MAX_ACTIONS && in->now_ms >= since_ms + in->grace_ms) {
            bool is_kept = vm->meta.kind == ORL_VM_DEDICATED;
            (void)is_news(sweep, vm->name);
            ret_actions[count++] = (struct orl_sweep_action){
                    .kind = is_kept ? ORL_SWEEP_QUARANTINE : ORL_SWEEP_REMOVE,
                    .vm = vm,
                    .overlay = orl_vm_list_overlay(in->list, vm->name)};
        }
    }
    for (size_t i = 0; i < in->list->overlay_count; i++) {
        const struct orl_vm_overlay *overlay = &in->list->overlays[i];
        if (is_known(in, overlay->name) || orl_vm_list_named(in->list, overlay->name)) {
            continue;
        }
        uint64_t since_ms = unknown_since(sweep, overlay->name, in->now_ms);
        bool is_due = !is_stopped && count < ORL_SWEEP_MAX_ACTIONS &&
                      in->now_ms >= since_ms + in->grace_ms;
        if (is_due && overlay->kind == ORL_VM_FLOATING) {
            ret_actions[count++] =
                    (struct orl_sweep_action){.kind = ORL_SWEEP_REMOVE, .overlay = overlay};
        } else if (is_due && overlay->kind == ORL_VM_DEDICATED && is_news(sweep, overlay->name)) {
            ret_actions[count++] =
                    (struct orl_sweep_action){.kind = ORL_SWEEP_QUARANTINE, .overlay = overlay};
        }
    }
    forget_gone(sweep);
    return count;
}
