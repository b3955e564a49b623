/* What an administrator must look at, as alarms: made of what the rows say, raised while it is so, cleared
 * when it is over. */
#include "store/alarm.h"
#include "vmpool/golden_reconcile.h"
#include "vmpool/job.h"
#include "vmpool/reconcile_priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFRESH_MS = 60000 };
/* A host has an alarm for each; what else there is has one. */
enum topic { ALL = 0, HYPERVISOR, DISKS, CLOCK };
enum {
    CLOCK_ASK_MS = 60000,
    CLOCK_OFF_MS = 5000, /* leases and waits are none the worse for less */
    MS_PER_S = 1000,
    CLOCK_TOLD_MS = 3600000 /* that it was set is news for so long */
};

static struct orl_alarm_memo *memo_of(struct orl_reconcile *r, const char *object, enum topic topic)
{
    struct orl_alarm_memo *room = NULL;
    for (size_t i = 0; i < ORL_RECONCILE_MAX_ALARMS; i++) {
        struct orl_alarm_memo *memo = &r->alarms[i];
        if (memo->topic == topic && strcmp(memo->object, object) == 0) {
            return memo;
        }
        if (!room && memo->object[0] == '\0') {
            room = memo;
        }
    }
    if (room) {
        *room = (struct orl_alarm_memo){.topic = topic};
        (void)snprintf(room->object, sizeof room->object, "%s", object);
    }
    return room;
}

/* The one alarm of an object's topic; reason NONE: it has none. More than we can remember are not raised: by then
 * nobody reads them. */
static void set_topic(struct orl_reconcile *r, const char *object, enum topic topic,
        enum orl_reason reason, const char *text, uint64_t now_ms)
{
    struct orl_alarm_memo *memo = memo_of(r, object, topic);
    struct orl_err err = {0};
    if (!memo) {
        return;
    }
    memo->used_pass = r->pass;
    bool is_same = memo->is_written && memo->reason == reason;
    bool is_fresh = reason == ORL_REASON_NONE ||
                    (now_ms >= memo->written_ms && now_ms < memo->written_ms + REFRESH_MS);
    if (is_same && is_fresh) {
        return;
    }
    int rc = 0;
    /* After a start whatever was left of it; a host's were remembered. */
    if (!is_same && (topic == ALL || memo->reason != ORL_REASON_NONE)) {
        rc = orl_alarm_clear(r->cfg.store, memo->reason, object, now_ms, &err);
    }
    if (rc == 0 && reason != ORL_REASON_NONE) {
        rc = orl_alarm_raise(r->cfg.store, reason, object, text, now_ms, &err);
    }
    memo->is_written = rc == 0;
    memo->reason = reason;
    memo->written_ms = now_ms;
    if (rc < 0) {
        orl_log_warn(&r->log, "alarm not written", "object", object, "error", err.text);
    }
}

static void set(struct orl_reconcile *r, const char *object, enum orl_reason reason,
        const char *text, uint64_t now_ms)
{
    set_topic(r, object, ALL, reason, text, now_ms);
}

static void set_of(struct orl_reconcile *r, const char *kind, const char *name,
        enum orl_reason reason, const char *text, uint64_t now_ms)
{
    char object[ORL_TEXT_MAX + 1];
    (void)snprintf(object, sizeof object, "%s:%.200s", kind, name);
    set(r, object, reason, text, now_ms);
}

/* What is gone has no alarm. */
static void clear_unused(struct orl_reconcile *r, uint64_t now_ms)
{
    for (size_t i = 0; i < ORL_RECONCILE_MAX_ALARMS; i++) {
        struct orl_alarm_memo *memo = &r->alarms[i];
        if (memo->object[0] == '\0' || memo->used_pass == r->pass) {
            continue;
        }
        if (memo->reason != ORL_REASON_NONE) {
            set_topic(r, memo->object, memo->topic, ORL_REASON_NONE, "", now_ms);
        }
        if (memo->is_written || memo->reason == ORL_REASON_NONE) {
            memo->object[0] = '\0';
        }
    }
}

/* It stays, with the cause that it was raised with. */
static bool keep(struct orl_reconcile *r, const char *object, enum orl_reason reason)
{
    struct orl_alarm_memo *memo = memo_of(r, object, ALL);
    bool is_raised = memo && memo->is_written && memo->reason == reason;
    if (is_raised) {
        memo->used_pass = r->pass;
    }
    return is_raised;
}

static void set_pool(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_pool_row *pool, uint64_t now_ms)
{
    const struct orl_golden_row *image = orl_golden_trouble(rows, pool);
    char object[ORL_TEXT_MAX + 1];
    char text[ORL_TEXT_MAX + 1];
    (void)snprintf(object, sizeof object, "pool:%.200s", pool->name);
    if (pool->problem == ORL_REASON_NONE && image) {
        /* While it is made again its row says how far that is, not what went wrong. */
        if (image->state == ORL_GOLDEN_FAILED || !keep(r, object, ORL_REASON_GOLDEN_FAILED)) {
            (void)snprintf(
                    text, sizeof text, "no golden image, its desktops boot: %.180s", image->text);
            set(r, object, ORL_REASON_GOLDEN_FAILED, text, now_ms);
        }
        return;
    }
    /* The host's own alarm says that better than one of each pool. */
    bool is_own = pool->problem != ORL_REASON_HYPERVISOR_DOWN;
    set(r, object, is_own ? pool->problem : ORL_REASON_NONE, pool->problem_text, now_ms);
}

static void set_templates(struct orl_reconcile *r, const struct orl_rows *rows, uint64_t now_ms)
{
    for (size_t i = 0; i < rows->template_count; i++) {
        const struct orl_template_row *t = &rows->templates[i];
        char name[ORL_NAME_MAX + 16];
        (void)snprintf(name, sizeof name, "%s/%u", t->name, t->version);
        bool is_bad = t->state == ORL_TEMPLATE_MISSING || t->state == ORL_TEMPLATE_CORRUPT;
        set_of(r, "template", name, is_bad ? t->reason : ORL_REASON_NONE, t->reason_text, now_ms);
    }
}

enum { OBJECT_MAX = ORL_NAME_MAX + 7 };

struct sweep_alarm {
    char object[OBJECT_MAX + 1];
    enum orl_sweep_alarm kind;
};

static int see_sweep_alarm(void *ctx, const struct orl_alarm_row *row)
{
    struct sweep_alarm *alarm = ctx;
    if (row->reason != ORL_REASON_SWEEP_STOPPED || strcmp(row->object, alarm->object) != 0) {
        return 0;
    }
    bool is_many = strcmp(row->text, orl_sweep_alarm_text(ORL_SWEEP_TOO_MANY)) == 0;
    alarm->kind = is_many ? ORL_SWEEP_TOO_MANY : ORL_SWEEP_OLD_STORE;
    return 1;
}

static void sweep_object(const struct orl_reconcile *r, char ret_object[OBJECT_MAX + 1])
{
    (void)snprintf(ret_object, OBJECT_MAX + 1, "sweep:%s", r->cfg.host);
}

/* 1: it is in the store. */
static int find_sweep_alarm(const struct orl_reconcile *r, struct sweep_alarm *ret_alarm)
{
    *ret_alarm = (struct sweep_alarm){.kind = ORL_SWEEP_NO_ALARM};
    sweep_object(r, ret_alarm->object);
    return orl_alarm_list(r->cfg.store, NULL, see_sweep_alarm, ret_alarm, NULL);
}

int orl_reconcile_recall_sweep(struct orl_reconcile *r)
{
    struct sweep_alarm alarm;
    int rc = r->is_alarm_recalled ? 0 : find_sweep_alarm(r, &alarm);
    if (rc >= 0 && !r->is_alarm_recalled) {
        r->is_alarm_recalled = true;
        r->alarm = alarm.kind;
    }
    return rc < 0 ? rc : 0;
}

static void set_sweep(struct orl_reconcile *r, uint64_t now_ms)
{
    char object[OBJECT_MAX + 1];
    struct sweep_alarm seen;
    bool is_on = r->alarm != ORL_SWEEP_NO_ALARM;
    sweep_object(r, object);
    const struct orl_alarm_memo *memo = memo_of(r, object, ALL);
    bool was_raised = memo && memo->is_written && memo->reason != ORL_REASON_NONE;
    r->is_sweep_accepted = r->is_sweep_accepted && is_on;
    if (is_on && was_raised && find_sweep_alarm(r, &seen) == 0) {
        orl_log_warn(&r->log, "sweep goes on: its alarm was cleared by an administrator");
        r->is_sweep_accepted = true;
    }
    bool is_raised = is_on && !r->is_sweep_accepted;
    set(r, object, is_raised ? ORL_REASON_SWEEP_STOPPED : ORL_REASON_NONE,
            orl_sweep_alarm_text(r->alarm), now_ms);
}

/* A person's own machine that does not come up, and what can't be removed: each is tried again for ever. */
static enum orl_reason trouble_of(const struct orl_desktop_row *row)
{
    bool is_down = row->kind == ORL_POOL_DEDICATED && row->is_tainted &&
                   row->lease != ORL_LEASE_ENDING && row->power == ORL_POWER_FAILED;
    bool has_repeated = row->attempts > 1 && row->reason != ORL_REASON_NONE;
    if (row->reason == ORL_REASON_DESKTOP_LOST || (is_down && has_repeated)) {
        return row->reason;
    }
    return row->reason == ORL_REASON_NOT_REMOVED && has_repeated ? row->reason : ORL_REASON_NONE;
}

static void set_desktops(struct orl_reconcile *r, const struct orl_rows *rows, uint64_t now_ms)
{
    for (size_t i = 0; i < rows->desktop_count; i++) {
        const struct orl_desktop_row *row = &rows->desktops[i];
        enum orl_reason reason = trouble_of(row);
        const struct orl_memo *memo = reason != ORL_REASON_NONE ? orl_memo_get(r, row->id) : NULL;
        if (memo && !orl_hung_is(memo)) {
            set_of(r, "desktop", row->id, reason, row->reason_text, now_ms);
        }
    }
    for (size_t i = 0; i < r->memo_count; i++) {
        if (orl_hung_is(&r->memos[i])) {
            char object[ORL_TEXT_MAX + 1];
            char text[ORL_TEXT_MAX + 1];
            orl_hung_object(&r->memos[i], object);
            orl_hung_text(&r->memos[i], text);
            set(r, object, ORL_REASON_HYPERVISOR_DOWN, text, now_ms);
        }
    }
}

static bool is_host(const struct orl_reconcile *r, const char *object)
{
    return strncmp(object, "host:", strlen("host:")) == 0 &&
           strcmp(object + strlen("host:"), r->cfg.host) == 0;
}

static enum topic topic_of(enum orl_reason reason)
{
    switch (reason) {
    case ORL_REASON_GUEST_NO_SPACE:
    case ORL_REASON_GUEST_DISK_FAILED:
        return DISKS;
    case ORL_REASON_CLOCK_OFF:
        return CLOCK;
    default:
        return HYPERVISOR;
    }
}

/* One that was raised before our start. Clearing it is then as for any other: its object has to be well, or gone.
 * A guest's hook is heard, or not, by those who talk to it. */
static int remember(void *ctx, const struct orl_alarm_row *row)
{
    struct orl_reconcile *r = ctx;
    bool is_ours = strncmp(row->object, "desktop:", strlen("desktop:")) == 0 ||
                   strncmp(row->object, "template:", strlen("template:")) == 0 ||
                   strncmp(row->object, "pool:", strlen("pool:")) == 0 ||
                   strncmp(row->object, "golden:", strlen("golden:")) == 0 ||
                   strncmp(row->object, "domain:", strlen("domain:")) == 0 ||
                   strncmp(row->object, "card:", strlen("card:")) == 0;
    bool is_our_host = is_host(r, row->object);
    struct orl_alarm_memo *memo =
            is_ours || is_our_host
                    ? memo_of(r, row->object, is_our_host ? topic_of(row->reason) : ALL)
                    : NULL;
    if (memo) {
        memo->reason = row->reason;
        memo->is_written = true;
        memo->used_pass = r->pass - 1;
    }
    return 0;
}

static void remember_all(struct orl_reconcile *r)
{
    struct orl_err err = {0};
    if (orl_alarm_list(r->cfg.store, NULL, remember, r, &err) < 0) {
        orl_log_warn(&r->log, "alarms not read", "error", err.text);
        return;
    }
    r->has_read_alarms = true;
}

static void ask_clock(struct orl_reconcile *r, uint64_t now_ms)
{
    bool is_due = r->clock_asked_ms == 0 || now_ms >= r->clock_asked_ms + CLOCK_ASK_MS;
    if (is_due && r->cfg.clock_ahead) {
        int64_t ahead_ms = 0;
        r->clock_ahead_ms = r->cfg.clock_ahead(r->cfg.ctx, &ahead_ms) ? ahead_ms : 0;
        r->clock_asked_ms = now_ms;
    }
    if (r->clock_by_ms != 0 && r->clock_set_ms == 0) {
        r->clock_set_ms = now_ms;
    }
    if (now_ms >= r->clock_set_ms + CLOCK_TOLD_MS) {
        r->clock_by_ms = 0;
    }
}

/* Whether it is right nobody here can tell; that it differs, and that it was set, is for somebody to look at. */
static void set_clock(struct orl_reconcile *r, const char *object, uint64_t now_ms)
{
    char text[ORL_TEXT_MAX + 1] = "";
    ask_clock(r, now_ms);
    bool is_off = r->clock_ahead_ms > CLOCK_OFF_MS || r->clock_ahead_ms < -CLOCK_OFF_MS;
    if (is_off) {
        (void)snprintf(text, sizeof text, "its clock is %lld s %s the database's",
                llabs(r->clock_ahead_ms) / MS_PER_S, r->clock_ahead_ms > 0 ? "ahead of" : "behind");
    } else if (r->clock_by_ms != 0) {
        (void)snprintf(text, sizeof text, "its clock was set %s by %lld s",
                r->clock_by_ms > 0 ? "forward" : "back", llabs(r->clock_by_ms) / MS_PER_S);
    }
    set_topic(r, object, CLOCK, text[0] ? ORL_REASON_CLOCK_OFF : ORL_REASON_NONE, text, now_ms);
}

static void set_host(struct orl_reconcile *r, const struct orl_rows *rows, uint64_t now_ms)
{
    char object[ORL_TEXT_MAX + 1];
    char text[ORL_TEXT_MAX + 1];
    bool is_well = r->is_up && r->hung_text[0] == '\0';
    (void)snprintf(object, sizeof object, "host:%s", r->cfg.host);
    set_topic(r, object, HYPERVISOR, is_well ? ORL_REASON_NONE : ORL_REASON_HYPERVISOR_DOWN,
            r->is_up ? r->hung_text : r->down_text, now_ms);
    enum orl_reason stall = orl_stall_alarm(rows, text);
    set_topic(r, object, DISKS, stall, text, now_ms);
    set_clock(r, object, now_ms);
}

void orl_reconcile_alarms(struct orl_reconcile *r, const struct orl_rows *rows, uint64_t now_ms)
{
    if (!r->has_read_alarms) {
        remember_all(r);
    }
    set_host(r, rows, now_ms);
    for (size_t i = 0; i < rows->pool_count; i++) {
        set_pool(r, rows, &rows->pools[i], now_ms);
    }
    set_templates(r, rows, now_ms);
    set_desktops(r, rows, now_ms);
    set_sweep(r, now_ms);
    clear_unused(r, now_ms);
}
