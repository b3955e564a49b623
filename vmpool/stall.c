/* Machines that QEMU stopped because a disk of theirs took a write no more: it is full, or its storage does not work.
 * Nothing in them is lost as long as nobody ends them: they are kept, told of, and let go on until they do. */
#include "vmpool/reconcile_priv.h"
#include <stdio.h>

enum {
    ROOM_MIB = 256,       /* with less where the overlays are, a disk there counts as full */
    RETRY_MAX_MS = 60000, /* where the room is not known to lack: a disk of another storage */
    PERSONS_MAX = 60
};

bool orl_stall_is(const struct orl_desktop_row *row)
{
    return row->reason == ORL_REASON_GUEST_NO_SPACE || row->reason == ORL_REASON_GUEST_DISK_FAILED;
}

static bool has_room(const struct orl_reconcile *r)
{
    return r->host.free_disk_mib >= ROOM_MIB;
}

static uint64_t retry_ms(
        const struct orl_reconcile *r, const struct orl_memo *memo, uint64_t now_ms)
{
    uint64_t wait_ms = orl_plan_backoff_ms(memo->stalls);
    return now_ms + (has_room(r) && wait_ms > RETRY_MAX_MS ? RETRY_MAX_MS : wait_ms);
}

static const char *text_of(enum orl_reason reason)
{
    return reason == ORL_REASON_GUEST_NO_SPACE
                   ? "it stands still and goes on when there is room: its disk is full"
                   : "it stands still and goes on when its disk works: a write failed";
}

void orl_stall_begin(const struct orl_reconcile *r, struct orl_desktop_row *row,
        struct orl_memo *memo, uint64_t now_ms)
{
    row->reason = memo->stall_reason != ORL_REASON_NONE ? memo->stall_reason
                  : has_room(r)                         ? ORL_REASON_GUEST_DISK_FAILED
                                                        : ORL_REASON_GUEST_NO_SPACE;
    orl_msg_text(row->reason_text, sizeof row->reason_text, text_of(row->reason));
    /* At once for the first time: what it says then is why. */
    row->retry_ms = memo->stalls > 0 ? retry_ms(r, memo, now_ms) : 0;
    memo->stalls++;
}

void orl_stall_woken(const struct orl_reconcile *r, const struct orl_job *job,
        struct orl_memo *memo, struct orl_desktop_row *row, uint64_t now_ms)
{
    if (job->result == 0) {
        row->reason = ORL_REASON_NONE;
        row->reason_text[0] = '\0';
        row->retry_ms = 0;
        return;
    }
    if (job->result == ORL_E_LIMIT || job->result == ORL_E_SYS) {
        memo->stall_reason = job->result == ORL_E_LIMIT ? ORL_REASON_GUEST_NO_SPACE
                                                        : ORL_REASON_GUEST_DISK_FAILED;
        row->reason = memo->stall_reason;
    }
    (void)snprintf(row->reason_text, sizeof row->reason_text, "%s; %.150s", text_of(row->reason),
            job->err.text);
    row->retry_ms = retry_ms(r, memo, now_ms);
    memo->stalls++;
}

void orl_stall_follow(const struct orl_reconcile *r, const struct orl_desktop_row *row,
        struct orl_memo *memo, bool is_stuck, uint64_t now_ms)
{
    if (is_stuck) {
        memo->power_since_ms = now_ms; /* no deadline of its power runs meanwhile */
        memo->is_room_back = memo->is_room_back || (has_room(r) && memo->was_full);
        memo->was_full = !has_room(r);
        return;
    }
    memo->is_room_back = memo->was_full = false;
    if (row->power == ORL_POWER_RUNNING && now_ms >= memo->power_since_ms + r->cfg.stable_ms) {
        memo->stalls = 0;
        memo->stall_reason = ORL_REASON_NONE;
    }
}

enum orl_reason orl_stall_alarm(const struct orl_rows *rows, char ret_text[ORL_TEXT_MAX + 1])
{
    const struct orl_desktop_row *first = NULL;
    unsigned count = 0;
    for (size_t i = 0; i < rows->desktop_count; i++) {
        const struct orl_desktop_row *row = &rows->desktops[i];
        /* Until one try has failed, nobody knows why, or whether it lasts. */
        if (!orl_stall_is(row) || row->retry_ms == 0) {
            continue;
        }
        bool is_full = row->reason == ORL_REASON_GUEST_NO_SPACE;
        if (!first || (is_full && first->reason != ORL_REASON_GUEST_NO_SPACE)) {
            first = row;
        }
        count++;
    }
    if (!first) {
        ret_text[0] = '\0';
        return ORL_REASON_NONE;
    }
    (void)snprintf(ret_text, ORL_TEXT_MAX + 1, "%u desktop%s, %s of '%.*s': %.100s", count,
            count == 1 ? "" : "s, the first", first->id, PERSONS_MAX, first->user,
            first->reason_text);
    return first->reason;
}
