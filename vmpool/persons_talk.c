/* What is said to a guest's hook, and what its words are taken for: its own state, nothing else. */
#include "base/clock.h"
#include "base/regional.h"
#include "base/secret.h"
#include "store/alarm.h"
#include "store/session.h"
#include "store/template.h"
#include "vmpool/home_disk.h"
#include "vmpool/hook.h"
#include "vmpool/persons_priv.h"
#include <stdio.h>
#include <string.h>

enum {
    HELLO_MS = 5000,
    STILL_THERE_MS = 20000, /* to say so, at most: nobody waits for it */
    SILENT_MS = 15000,      /* until one that did not is tried again */
    SLACK_MS = 10000,
    CUT_MS = 60000,
    RETRY_MS = 1000,
};

/* What new desktops of its template can be expected to have. */
static void note_hook(struct orl_person_memo *memo)
{
    struct orl_err err = {0};
    if (memo->is_hook_noted) {
        return;
    }
    int rc = orl_template_set_hook(
            memo->persons->cfg.store, memo->template_name, memo->template_version, true, &err);
    if (rc < 0 && rc != ORL_E_NOTFOUND) {
        orl_log_warn(&memo->persons->log, "template's row not written", "template",
                memo->template_name, "error", err.text);
    }
    memo->is_hook_noted = true;
}

static void on_hello(struct orl_person_memo *memo, const struct orl_hook_msg *msg, uint64_t now_ms)
{
    enum orl_guest_state state;
    if (!orl_guest_state_parse(orl_hook_msg_get(msg, "state"), &state)) {
        return;
    }
    /* Unasked: the guest, or its hook, has just started. What was asked before is lost. */
    if (msg->serial == 0) {
        memo->asked = 0;
        memo->has_assigned = false;
    }
    memo->is_greeted = true;
    note_hook(memo);
    orl_person_set_state(memo, state, now_ms);
    orl_person_advance(memo, now_ms);
}

static void on_event(struct orl_person_memo *memo, const char *name, uint64_t now_ms)
{
    static const struct {
        const char *name;
        enum orl_guest_state state;
    } events[] = {{"logged_on", ORL_GUEST_LOGGED_ON}, {"locked", ORL_GUEST_LOCKED},
            {"unlocked", ORL_GUEST_LOGGED_ON}, {"logged_off", ORL_GUEST_LOGGED_OFF}};
    bool is_in = memo->state == ORL_GUEST_LOGGED_ON || memo->state == ORL_GUEST_LOCKED;
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (strcmp(events[i].name, name) != 0) {
            continue;
        }
        if (is_in && events[i].state != memo->state) {
            orl_person_set_state(memo, events[i].state, now_ms);
        }
        return;
    }
    if (strcmp(name, "rebooting") == 0 || strcmp(name, "shutdown") == 0) {
        orl_log_info(&memo->persons->log, "the guest says", "desktop", memo->id, "event", name);
    }
}

static void on_failed(struct orl_person_memo *memo, const struct orl_hook_msg *msg, uint64_t now_ms)
{
    struct orl_err err = {0};
    bool is_home = strcmp(orl_hook_msg_get(msg, "code"), "home") == 0;
    (void)orl_hook_failure(msg, &err);
    if (memo->goal == ORL_GOAL_OFF && memo->is_logoff_out) {
        orl_person_is_off(memo, "failed");
    } else if (memo->goal == ORL_GOAL_OFF) {
        orl_person_advance(memo, now_ms); /* some of it may have been done */
    } else if (memo->goal == ORL_GOAL_ON) {
        orl_person_fail(memo, is_home ? ORL_REASON_HOME_UNAVAILABLE : ORL_REASON_PERSON_FAILED,
                err.text, now_ms);
    }
}

static void on_assigned(
        struct orl_person_memo *memo, const struct orl_hook_msg *msg, uint64_t now_ms)
{
    struct orl_err why = {0};
    if (memo->is_rdp && memo->goal == ORL_GOAL_ON && !orl_person_note_rdp(memo, msg, &why)) {
        orl_person_fail(memo, ORL_REASON_PERSON_FAILED, why.text, now_ms);
        return;
    }
    orl_person_set_state(memo, ORL_GUEST_LOGGED_ON, now_ms);
    orl_person_ready(memo, now_ms);
}

static void on_done(struct orl_person_memo *memo, const struct orl_hook_msg *msg, uint64_t now_ms)
{
    if (memo->goal != ORL_GOAL_OFF) {
        on_assigned(memo, msg, now_ms);
    } else if (memo->is_logoff_out) {
        orl_person_is_off(memo, "logged off");
    } else { /* their lease ended while they were let in: now they are to be seen off */
        orl_person_set_state(memo, ORL_GUEST_LOGGED_ON, now_ms);
        orl_person_advance(memo, now_ms);
    }
}

static void on_message(void *ctx, const struct orl_hook_msg *msg)
{
    struct orl_person_memo *memo = ctx;
    uint64_t now_ms = orl_clock_wall_ms();
    bool is_answer = memo->asked != 0 && msg->serial == memo->asked;
    if (orl_hook_msg_is(msg, "hello")) {
        on_hello(memo, msg, now_ms);
    } else if (orl_hook_msg_is(msg, "event")) {
        on_event(memo, orl_hook_msg_get(msg, "name"), now_ms);
    } else if (is_answer && orl_hook_msg_is(msg, "failed")) {
        memo->asked = 0;
        on_failed(memo, msg, now_ms);
    } else if (is_answer && orl_hook_msg_is(msg, "done")) {
        memo->asked = 0;
        on_done(memo, msg, now_ms);
    }
}

static void alarm_object(const struct orl_person_memo *memo, char ret_object[ORL_TEXT_MAX + 1])
{
    (void)snprintf(ret_object, ORL_TEXT_MAX + 1, "desktop:%s", memo->id);
}

void orl_person_clear_alarm(struct orl_person_memo *memo, uint64_t now_ms)
{
    struct orl_err err = {0};
    char object[ORL_TEXT_MAX + 1];
    alarm_object(memo, object);
    if (memo->was_cut && orl_alarm_clear(memo->persons->cfg.store, ORL_REASON_GUEST_HOOK_BROKEN,
                                 object, now_ms, &err) < 0) {
        orl_log_warn(&memo->persons->log, "alarm not cleared", "error", err.text);
    }
}

static void raise_alarm(struct orl_person_memo *memo, const char *why, uint64_t now_ms)
{
    struct orl_err err = {0};
    char object[ORL_TEXT_MAX + 1];
    alarm_object(memo, object);
    if (orl_alarm_raise(memo->persons->cfg.store, ORL_REASON_GUEST_HOOK_BROKEN, object, why, now_ms,
                &err) < 0) {
        orl_log_warn(&memo->persons->log, "alarm not raised", "error", err.text);
    }
}

static void on_end(void *ctx, int code, const char *why)
{
    struct orl_person_memo *memo = ctx;
    uint64_t now_ms = orl_clock_wall_ms();
    bool was_assigning = memo->asked != 0 && memo->goal == ORL_GOAL_ON;
    bool is_silent = code == ORL_E_TIMEOUT && memo->goal == ORL_GOAL_NONE;
    memo->was_cut = memo->was_cut || code == ORL_E_PROTO;
    orl_person_wait(memo, code == ORL_E_PROTO ? CUT_MS : is_silent ? SILENT_MS : RETRY_MS);
    if (memo->is_greeted || !is_silent) {
        orl_log_warn(&memo->persons->log, "the guest's hook is not heard any more", "desktop",
                memo->id, "error", why);
    }
    if (code == ORL_E_PROTO) {
        raise_alarm(memo, why, now_ms);
    }
    orl_person_hang_up(memo);
    if (memo->goal == ORL_GOAL_OFF && code == ORL_E_PROTO) {
        orl_person_is_off(memo, "cut off");
    } else if (memo->goal == ORL_GOAL_ON &&
               (code == ORL_E_PROTO || (was_assigning && code == ORL_E_TIMEOUT)) &&
               memo->person == ORL_PERSON_WANTED) {
        orl_person_fail(memo, ORL_REASON_PERSON_FAILED, why, now_ms);
    }
}

void orl_person_greet(struct orl_person_memo *memo, int fd)
{
    struct orl_err err = {0};
    const struct orl_hook_link_cfg cfg = {.loop = memo->persons->cfg.loop,
            .fd = fd,
            .on_message = on_message,
            .on_end = on_end,
            .ctx = memo};
    orl_person_hang_up(memo);
    if (orl_hook_link_new(&cfg, &memo->link, &err) < 0) {
        orl_log_warn(&memo->persons->log, "no link to a guest's hook", "error", err.text);
        return;
    }
    orl_person_ask_hello(memo);
}

void orl_person_ask_hello(struct orl_person_memo *memo)
{
    struct orl_hook_msg msg;
    uint64_t period_ms = memo->persons->cfg.hello_ms;
    uint64_t known_ms = period_ms < STILL_THERE_MS ? period_ms : STILL_THERE_MS;
    memo->hello_ms = orl_persons_clock_ms(memo->persons);
    orl_hook_msg_init(&msg, "hello", ++memo->serial);
    orl_hook_msg_put_u64(&msg, "version", ORL_HOOK_VERSION);
    orl_hook_link_ask(memo->link, &msg, memo->is_greeted ? known_ms : HELLO_MS);
}

/* The newest: as the client has it now. */
static int take_regional(void *ctx, const struct orl_session_row *row)
{
    struct orl_regional *r = ctx;
    if (strlen(row->locale) <= ORL_LOCALE_MAX) {
        (void)snprintf(r->locale, sizeof r->locale, "%.*s", ORL_LOCALE_MAX, row->locale);
    }
    if (strlen(row->keyboard) <= ORL_KEYBOARD_MAX) {
        (void)snprintf(r->keyboard, sizeof r->keyboard, "%.*s", ORL_KEYBOARD_MAX, row->keyboard);
    }
    orl_msg_text(r->timezone, sizeof r->timezone, row->timezone);
    return 1;
}

static void put_regional(struct orl_person_memo *memo, struct orl_hook_msg *msg)
{
    struct orl_regional r = {0};
    const struct orl_session_filter filter = {
            .desktop = memo->id, .is_live = true, .page.max_count = 1};
    (void)!orl_session_list(memo->persons->cfg.store, &filter, take_regional, &r, NULL);
    orl_regional_clean(&r);
    orl_hook_msg_put(msg, "locale", r.locale);
    orl_hook_msg_put(msg, "timezone", r.timezone);
    orl_hook_msg_put(msg, "keyboard", r.keyboard);
}

void orl_person_ask_assign(struct orl_person_memo *memo, uint64_t now_ms)
{
    struct orl_err err = {0};
    uint32_t uid = 0;
    if (orl_person_uid(memo->persons->cfg.store, memo->user, &uid, &err) < 0) {
        orl_person_fail(memo, ORL_REASON_PERSON_FAILED, err.text, now_ms);
        return;
    }
    struct orl_hook_msg msg;
    /* Nobody is sent to its RDP server with what a former answer said. */
    if (memo->is_rdp && !orl_person_note_rdp(memo, NULL, &err)) {
        orl_person_wait(memo, RETRY_MS);
        return;
    }
    orl_secret_text(memo->secret, ORL_PERSON_SECRET_LEN);
    orl_hook_msg_init(&msg, "assign", ++memo->serial);
    orl_hook_msg_put(&msg, "display", memo->is_rdp ? "rdp" : "");
    orl_hook_msg_put(&msg, "user", memo->user);
    orl_hook_msg_put_u64(&msg, "uid", uid);
    orl_hook_msg_put(&msg, "secret", memo->secret);
    orl_hook_msg_put_u64(&msg, "deadline_s", memo->pool.hook_deadline_s);
    orl_hook_msg_put(&msg, "on_assign", memo->pool.on_assign);
    orl_hook_msg_put(&msg, "on_logoff", memo->pool.on_logoff);
    orl_hook_msg_put(
            &msg, "home_device", memo->pool.home == ORL_HOME_VOLUME ? ORL_HOME_SERIAL : "");
    orl_hook_msg_put(&msg, "home_nfs", memo->pool.home == ORL_HOME_NFS ? memo->home_nfs : "");
    put_regional(memo, &msg);
    memo->asked = memo->serial;
    memo->is_logoff_out = false;
    memo->has_assigned = true;
    /* on_assign and the session's start each may take the pool's deadline; ours is beside both. */
    orl_hook_link_ask(memo->link, &msg, orl_person_left_ms(memo) + SLACK_MS);
    if (!memo->is_rdp) {
        orl_secret_wipe(memo->secret, sizeof memo->secret);
    }
    orl_hook_msg_wipe(&msg);
}

void orl_person_ask_logoff(struct orl_person_memo *memo)
{
    struct orl_hook_msg msg;
    orl_hook_msg_init(&msg, "logoff", ++memo->serial);
    memo->asked = memo->serial;
    memo->is_logoff_out = true;
    orl_hook_link_ask(memo->link, &msg, orl_person_left_ms(memo));
}
