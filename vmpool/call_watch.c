#include "vmpool/call_watch.h"
#include "store/alarm.h"
#include <stdio.h>
#include <string.h>

enum { LONGEST_MS = 45000, MS_PER_S = 1000 }; /* as the reconciler's looks */

static uint64_t longest_ms(const struct orl_call_watch *watch)
{
    return watch->longest_ms > 0 ? watch->longest_ms : LONGEST_MS;
}

static void alarm_object(const struct orl_call *call, char ret_object[ORL_TEXT_MAX + 1])
{
    (void)snprintf(ret_object, ORL_TEXT_MAX + 1, "desktop:%s", call->desktop);
}

static void raise_alarm(
        const struct orl_call_watch *watch, const struct orl_call *call, uint64_t now_ms)
{
    struct orl_err err = {0};
    char object[ORL_TEXT_MAX + 1];
    char text[ORL_TEXT_MAX + 1];
    alarm_object(call, object);
    (void)snprintf(text, sizeof text, "libvirt has not answered '%s' for %u s", call->what,
            (unsigned)(longest_ms(watch) / MS_PER_S));
    if (orl_alarm_raise(watch->store, ORL_REASON_HYPERVISOR_DOWN, object, text, now_ms, &err) < 0) {
        orl_log_warn(watch->log, "alarm not raised", "object", object, "error", err.text);
    }
}

void orl_call_begin(
        struct orl_call_watch *watch, struct orl_call *call, const char *desktop, const char *what)
{
    (void)snprintf(call->desktop, sizeof call->desktop, "%s", desktop);
    call->what = what;
    call->begun_ms = 0;
    call->is_hung = false;
    call->next = watch->first;
    watch->first = call;
}

void orl_call_run(struct orl_call *call)
{
    atomic_store(&call->has_begun, true);
}

bool orl_call_is_hung(const struct orl_call_watch *watch, const char *desktop)
{
    for (const struct orl_call *call = watch->first; call; call = call->next) {
        if (call->is_hung && strcmp(call->desktop, desktop) == 0) {
            return true;
        }
    }
    return false;
}

void orl_call_end(struct orl_call_watch *watch, struct orl_call *call, uint64_t now_ms)
{
    struct orl_call **at = &watch->first;
    while (*at && *at != call) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = call->next;
    }
    if (call->is_hung && !orl_call_is_hung(watch, call->desktop)) {
        struct orl_err err = {0};
        char object[ORL_TEXT_MAX + 1];
        alarm_object(call, object);
        if (orl_alarm_clear(watch->store, ORL_REASON_HYPERVISOR_DOWN, object, now_ms, &err) < 0) {
            orl_log_warn(watch->log, "alarm not cleared", "object", object, "error", err.text);
        }
    }
}

bool orl_call_watch_look(struct orl_call_watch *watch, uint64_t clock_ms, uint64_t now_ms)
{
    bool has_found = false;
    for (struct orl_call *call = watch->first; call; call = call->next) {
        if (call->begun_ms == 0 && atomic_load(&call->has_begun)) {
            call->begun_ms = clock_ms;
        }
        bool is_late = call->begun_ms > 0 && clock_ms >= call->begun_ms + longest_ms(watch);
        if (is_late && !call->is_hung) {
            call->is_hung = has_found = true;
            orl_log_warn(watch->log, "a call to the hypervisor does not come back", "desktop",
                    call->desktop, "call", call->what);
            if (orl_work_grow(watch->work) < 0) {
                orl_log_warn(watch->log, "too many calls hang: those behind them wait");
            }
        }
        if (call->is_hung) {
            raise_alarm(watch, call, now_ms);
        }
    }
    return has_found;
}
