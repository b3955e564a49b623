/* Calls to the hypervisor that do not come back. libvirt's have no deadline, and a frozen QEMU can hold one for
 * ever: it is given up, its desktop goes on as after a crash of ours, and an alarm stays until it is back. */
#include "vmpool/reconcile_priv.h"
#include <stdio.h>

enum {
    LOOK_MS = 45000,    /* longer than libvirt's keepalive takes to give a dead daemon up */
    CALL_MS = 300000,   /* longer than any disk takes to read a machine's memory */
    GOLDEN_MS = 900000, /* ... and to write it */
    HELD_MAX = 2,       /* workers that may be given up with their calls: the others must go on */
    MS_PER_S = 1000
};

/* 0: it has a deadline of its own, or may take as long as it likes. */
static uint64_t longest_ms(enum orl_job_kind kind)
{
    switch (kind) {
    case ORL_JOB_LOOK:
    case ORL_JOB_GOLDEN_LOOK:
    case ORL_JOB_STOP:
        return LOOK_MS;
    case ORL_JOB_GOLDEN_BOOT:
    case ORL_JOB_GOLDEN_FREEZE:
    case ORL_JOB_GOLDEN_ERASE:
        return GOLDEN_MS;
    case ORL_JOB_TEMPLATE:
    case ORL_JOB_REACH:
        return 0;
    default:
        return CALL_MS;
    }
}

static size_t count_out(const struct orl_memo *memo)
{
    size_t count = 0;
    for (size_t i = 0; i < ORL_MEMO_HUNG_MAX; i++) {
        count += memo->hung_ticks[i] != 0;
    }
    return count;
}

bool orl_hung_is(const struct orl_memo *memo)
{
    return count_out(memo) > 0;
}

/* Ending the machine frees those: each is given up, or nobody would end it. */
static bool is_look(enum orl_job_kind kind)
{
    return longest_ms(kind) == LOOK_MS;
}

/* Nobody can do more for a person's machine than to wake it once again; then it is ended, which frees both calls. */
static bool is_second_wake(const struct orl_memo *memo)
{
    return memo->job == ORL_JOB_WAKE && count_out(memo) > 0;
}

static bool may_give_up(const struct orl_reconcile *r, const struct orl_memo *memo)
{
    size_t held = 0;
    if (is_second_wake(memo)) {
        return true;
    }
    for (size_t i = 0; i < r->memo_count; i++) {
        held += is_look(r->memos[i].hung) ? 0 : count_out(&r->memos[i]);
    }
    return is_look(memo->job) || held < HELD_MAX;
}

static void give_up(struct orl_reconcile *r, struct orl_memo *memo, uint64_t now_ms)
{
    orl_log_warn(&r->log, "a call to the hypervisor does not come back", "subject", memo->key,
            "call", orl_job_name(memo->job));
    for (size_t i = 0; i < ORL_MEMO_HUNG_MAX; i++) {
        if (memo->hung_ticks[i] == 0) {
            memo->hung_ticks[i] = memo->job_tick;
            break;
        }
    }
    memo->hung = memo->job;
    memo->hung_pass = r->pass;
    memo->is_busy = false;
    memo->out = NULL;
    memo->job_tick = 0;
    memo->done_tick = ++r->tick;
    memo->looked_ms = now_ms + longest_ms(ORL_JOB_LOOK); /* not at once again */
}

/* What waits for a worker behind calls that hang does not hang itself. */
static void note_begin(struct orl_memo *memo, uint64_t now_ms)
{
    if (memo->out && memo->begun_ms == 0 && atomic_load(&memo->out->has_begun)) {
        memo->begun_ms = now_ms;
    }
}

void orl_hung_look(struct orl_reconcile *r, uint64_t now_ms)
{
    r->hung_text[0] = '\0';
    for (size_t i = 0; i < r->memo_count; i++) {
        struct orl_memo *memo = &r->memos[i];
        uint64_t longest = memo->is_busy ? longest_ms(memo->job) : 0;
        note_begin(memo, now_ms);
        if (longest == 0 || memo->begun_ms == 0 || now_ms < memo->begun_ms + longest) {
            continue;
        }
        if (may_give_up(r, memo)) {
            give_up(r, memo, now_ms);
        } else {
            (void)snprintf(r->hung_text, sizeof r->hung_text,
                    "several calls to libvirt do not come back, the last '%s'",
                    orl_job_name(memo->job));
        }
    }
}

void orl_hung_note_late(struct orl_memo *memo, const struct orl_job *job)
{
    for (size_t i = 0; i < ORL_MEMO_HUNG_MAX; i++) {
        if (memo->hung_ticks[i] == job->tick) {
            memo->hung_ticks[i] = 0;
        }
    }
}

bool orl_hung_fail(struct orl_reconcile *r, struct orl_desktop_row *row, struct orl_memo *memo,
        uint64_t now_ms)
{
    bool is_start = memo->hung == ORL_JOB_CLONE || memo->hung == ORL_JOB_START ||
                    memo->hung == ORL_JOB_RESUME;
    /* With these the machine is ended, which frees the call: a spare's, or its person asked for that, or it does not
     * wake for its person. */
    bool is_ended =
            memo->hung == ORL_JOB_SUSPEND || memo->hung == ORL_JOB_RESET ||
            (memo->hung == ORL_JOB_WAKE && (row->lease == ORL_LEASE_FREE || count_out(memo) > 1));
    if (memo->hung == ORL_JOB_WAKE && orl_stall_is(row)) {
        return false; /* nor is it ended for that */
    }
    if (memo->hung_pass != r->pass || (!is_start && !is_ended && memo->hung != ORL_JOB_DELETE &&
                                              memo->hung != ORL_JOB_WAKE)) {
        return false;
    }
    char text[ORL_TEXT_MAX + 1];
    orl_hung_text(memo, text);
    row->attempts++;
    row->retry_ms = now_ms + orl_plan_backoff_ms(row->attempts);
    row->reason = ORL_REASON_HYPERVISOR_DOWN;
    orl_msg_text(row->reason_text, sizeof row->reason_text, text);
    if (is_start || is_ended) {
        row->power = ORL_POWER_FAILED;
        row->is_ready = false;
    }
    (void)orl_reconcile_write(r, row, false, now_ms);
    if (is_start && row->lease == ORL_LEASE_FREE) {
        orl_reconcile_pool_failed(r, row->pool, ORL_REASON_GUEST_START_FAILED, text, now_ms);
    }
    return true;
}

void orl_hung_text(const struct orl_memo *memo, char ret_text[ORL_TEXT_MAX + 1])
{
    (void)snprintf(ret_text, ORL_TEXT_MAX + 1, "libvirt has not answered '%s' for %u s",
            orl_job_name(memo->hung), (unsigned)(longest_ms(memo->hung) / MS_PER_S));
}

void orl_hung_object(const struct orl_memo *memo, char ret_object[ORL_TEXT_MAX + 1])
{
    const char *kind = "desktop";
    if (orl_job_is_sweep(memo->hung)) {
        kind = memo->hung == ORL_JOB_UNRESERVE ? "card" : "domain";
    } else if (memo->hung >= ORL_JOB_GOLDEN_BOOT && memo->hung <= ORL_JOB_GOLDEN_ERASE) {
        kind = "golden";
    }
    (void)snprintf(ret_object, ORL_TEXT_MAX + 1, "%s:%s", kind, memo->key);
}
