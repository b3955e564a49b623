#include "vmpool/template_inspect.h"
#include "base/clock.h"
#include "vmpool/hook.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PAINTED_PERCENT = 25, /* as outcome.c has it */
    LOOK_MS = 1000,
    INSIDE_MS = 15000, /* for agent and hook, once it has painted; or as long as that took */
    SCRIPT_MS = 120000,
    HOOK_MS = 60000, /* nobody waits: a host that is busy makes no hook a bad one */
    PERCENT_STARTED = 10,
    PERCENT_PAINTED = 60,
    PERCENT_INSIDE = 80,
    MS_PER_S = 1000,
};

/* Printable text only: it goes into JSON and to terminals. */
static void clean(char *ret, size_t size, const char *text)
{
    size_t used = 0;
    for (; *text && used + 1 < size; text++) {
        ret[used++] = *text >= ' ' && *text < 127 && *text != '"' && *text != '\\' ? *text : '?';
    }
    ret[used] = '\0';
}

static uint64_t since_ms(uint64_t begin_us)
{
    return (orl_clock_now_us() - begin_us) / ORL_US_PER_MS;
}

/* Until it has painted and its programs are there, or its time is over. */
static int watch(struct orl_template_inspect *in, struct orl_vm_look *look, struct orl_err *err)
{
    const struct orl_backend *b = in->backend;
    uint64_t begin_us = orl_clock_now_us();
    uint64_t painted_us = 0;
    uint64_t inside_ms = INSIDE_MS;
    uint64_t limit_ms = (uint64_t)in->wants.deadline_s * MS_PER_S;
    for (;;) {
        if (atomic_load(&in->is_cancelled)) {
            return ORL_E_CLOSED;
        }
        int r = b->ops->look(b->self, in->spec.uuid, look, err);
        uint64_t past_ms = since_ms(begin_us);
        if (r == ORL_E_NOTFOUND || (r < 0 && past_ms >= limit_ms)) {
            return r;
        }
        if (r < 0) { /* libvirtd may be away for a moment */
            (void)poll(NULL, 0, LOOK_MS);
            continue;
        }
        if (painted_us == 0 && look->has_picture && look->painted_percent >= PAINTED_PERCENT) {
            painted_us = orl_clock_now_us();
            in->seen.has_painted = true;
            in->seen.painted_s = (unsigned)(past_ms / MS_PER_S);
            inside_ms = past_ms > inside_ms ? past_ms : inside_ms;
            atomic_store(&in->percent, PERCENT_PAINTED);
        } else if (painted_us == 0) {
            uint64_t part = limit_ms ? past_ms * (PERCENT_PAINTED - PERCENT_STARTED) / limit_ms : 0;
            atomic_store(&in->percent, PERCENT_STARTED + (unsigned)part);
        }
        bool is_all = look->has_agent && look->has_hook;
        bool is_waited = painted_us != 0 && since_ms(painted_us) >= inside_ms;
        if (!look->is_running || (painted_us != 0 && (is_all || is_waited)) ||
                (painted_us == 0 && past_ms >= limit_ms)) {
            return 0;
        }
        (void)poll(NULL, 0, LOOK_MS);
    }
}

static void ask_hook(struct orl_template_inspect *in)
{
    const struct orl_backend *b = in->backend;
    struct orl_hook_msg msg;
    struct orl_hook_msg answer;
    int fd = -1;
    if (!b->ops->hook_open || b->ops->hook_open(b->self, in->spec.uuid, &fd, NULL) < 0) {
        return;
    }
    orl_hook_msg_init(&msg, "hello", 1);
    orl_hook_msg_put_u64(&msg, "version", ORL_HOOK_VERSION);
    in->seen.has_hook = orl_hook_call(fd, &msg, HOOK_MS, &answer, NULL) == 0;
    close(fd);
    if (in->seen.has_hook) {
        (void)orl_hook_msg_get_u64(&answer, "version", &in->seen.hook_version);
        clean(in->seen.hook_features, sizeof in->seen.hook_features,
                orl_hook_msg_get(&answer, "features"));
    }
}

static void ask_agent(struct orl_template_inspect *in)
{
    const struct orl_backend *b = in->backend;
    struct orl_vm_answer *answer = &in->seen.answer;
    char seconds[24];
    char agent[sizeof answer->agent];
    uint64_t before_ms = orl_clock_wall_ms();
    if (!b->ops->ask ||
            b->ops->ask(b->self, in->spec.uuid, orl_template_script(in->wants.is_windows),
                    in->wants.is_windows, SCRIPT_MS, &in->is_cancelled, answer, NULL) < 0) {
        return;
    }
    uint64_t after_ms = orl_clock_wall_ms();
    clean(agent, sizeof agent, answer->agent);
    memcpy(answer->agent, agent, sizeof agent);
    if (orl_template_value(answer->text, "time", seconds, sizeof seconds)) {
        in->seen.clock_ms = orl_template_clock_off_ms(
                (uint64_t)strtoul(seconds, NULL, 10), before_ms, after_ms);
    }
}

static int look_at(struct orl_template_inspect *in, struct orl_err *err)
{
    struct orl_vm_look look = {0};
    int r = watch(in, &look, err);
    if (r < 0) {
        return r;
    }
    atomic_store(&in->percent, PERCENT_INSIDE);
    if (look.is_running && look.has_hook) {
        ask_hook(in);
    }
    if (look.is_running && look.has_agent) {
        ask_agent(in);
    }
    return atomic_load(&in->is_cancelled) ? ORL_E_CLOSED : 0;
}

int orl_template_inspect(struct orl_template_inspect *in, struct orl_err *err)
{
    const struct orl_backend *b = in->backend;
    struct orl_err why = {0};
    memset(&in->seen, 0, sizeof in->seen);
    int r = b->ops->clone(b->self, &in->spec, err);
    r = r < 0 ? r : b->ops->start(b->self, in->spec.uuid, err);
    atomic_store(&in->percent, PERCENT_STARTED);
    r = r < 0 ? r : look_at(in, err);
    const char *overlay = in->spec.overlay[0] ? in->spec.overlay : NULL;
    int removed = b->ops->remove(b->self, in->spec.uuid, overlay, &why);
    if (r == 0 && removed < 0) {
        (void)orl_err_set(err, removed, "its machine was not removed: %.120s", why.text);
    }
    return r < 0 ? r : removed;
}
