/* What jobs about golden images brought. */
#include "vmpool/golden_reconcile.h"
#include <stdio.h>
#include <string.h>

enum {
    PAINTED_PERCENT = 25, /* as outcome.c has it */
    AGENT_WAIT_MS = 60000,
    REST_PERCENT = 25, /* of one processor */
    REST_LOOKS = 2,
    RESUMES_MAX = 3, /* failed in a row: the image is to blame */
    USUAL_MS = 60000,
    PERCENT_BOOTED = 60,
    PERCENT_ANSWERS = 65,
    PERCENT_PAINTED = 75,
    PERCENT_RESTS = 85,
    PERCENT = 100,
};

struct by_id {
    const char *id;
    struct orl_golden_row row;
};

static int match_id(void *ctx, const struct orl_golden_row *row)
{
    struct by_id *by = ctx;
    if (strcmp(row->id, by->id) != 0) {
        return 0;
    }
    by->row = *row;
    return 1;
}

static bool get(const struct orl_reconcile *r, const char *id, struct orl_golden_row *ret_row)
{
    struct by_id by = {.id = id};
    bool is_found = orl_golden_rows(r->cfg.store, r->cfg.host, NULL, match_id, &by, NULL) == 1;
    if (is_found) {
        *ret_row = by.row;
    }
    return is_found;
}

/* Nothing else says how far a boot is: its time does, against the usual one. */
static uint32_t booted_percent(const struct orl_memo *memo, uint64_t now_ms)
{
    uint64_t since_ms = now_ms > memo->power_since_ms ? now_ms - memo->power_since_ms : 0;
    return since_ms < USUAL_MS ? (uint32_t)(1 + since_ms * (PERCENT_BOOTED - 1) / USUAL_MS)
                               : PERCENT_BOOTED;
}

/* Once it is painted and answers, it is quiet in some looks one after the other, or it had its time. */
static bool has_rested(const struct orl_reconcile *r, const struct orl_job *job,
        struct orl_memo *memo, uint64_t now_ms)
{
    uint64_t spent_ms = job->look.cpu_ms - memo->cpu_ms;
    uint64_t wall_ms = now_ms - memo->cpu_since_ms;
    bool is_quiet = memo->cpu_since_ms > 0 && job->look.cpu_ms >= memo->cpu_ms &&
                    spent_ms * PERCENT <= wall_ms * REST_PERCENT;
    memo->cpu_ms = job->look.cpu_ms;
    memo->cpu_since_ms = now_ms;
    memo->rest_looks = is_quiet ? memo->rest_looks + 1 : 0;
    return memo->rest_looks >= REST_LOOKS || now_ms >= memo->painted_ms + r->cfg.golden_settle_ms;
}

static void on_looked(struct orl_reconcile *r, const struct orl_job *job, struct orl_memo *memo,
        struct orl_golden_row *row, uint64_t now_ms)
{
    bool is_painted = job->look.has_picture && job->look.painted_percent >= PAINTED_PERCENT;
    if (job->result < 0 || row->state != ORL_GOLDEN_BUILDING || !job->look.is_running) {
        return;
    }
    if (!is_painted) {
        memo->painted_ms = 0;
        orl_golden_write_row(r, row, row->state,
                job->look.has_agent ? PERCENT_ANSWERS : booted_percent(memo, now_ms),
                job->look.has_agent ? "its desktop starts" : "boots", now_ms);
        return;
    }
    memo->painted_ms = memo->painted_ms ? memo->painted_ms : now_ms;
    if (!job->look.has_agent) {
        if (now_ms >= memo->painted_ms + AGENT_WAIT_MS) {
            memo->fault = "its guest has no agent that could give copies an identity";
        }
        orl_golden_write_row(
                r, row, row->state, PERCENT_PAINTED, "painted; its agent is awaited", now_ms);
        return;
    }
    memo->has_rested = has_rested(r, job, memo, now_ms);
    orl_golden_write_row(r, row, row->state, PERCENT_RESTS, "comes to rest", now_ms);
}

static void on_frozen(struct orl_reconcile *r, const struct orl_job *job, struct orl_memo *memo,
        struct orl_golden_row *row, uint64_t now_ms)
{
    memo->has_rested = false;
    memo->rest_looks = 0;
    if (row->state != ORL_GOLDEN_BUILDING) {
        return;
    }
    if (job->result < 0) {
        orl_golden_write_row(r, row, ORL_GOLDEN_FAILED, row->percent, job->err.text, now_ms);
    } else {
        orl_golden_write_row(r, row, ORL_GOLDEN_READY, PERCENT, "", now_ms);
    }
}

void orl_golden_outcome(
        struct orl_reconcile *r, const struct orl_job *job, struct orl_memo *memo, uint64_t now_ms)
{
    struct orl_golden_row row;
    if (!memo || !get(r, job->id, &row)) {
        return;
    }
    switch (job->kind) {
    case ORL_JOB_GOLDEN_BOOT:
        if (job->result < 0 && row.state == ORL_GOLDEN_BUILDING) {
            orl_golden_write_row(r, &row, ORL_GOLDEN_FAILED, row.percent, job->err.text, now_ms);
        }
        break;
    case ORL_JOB_GOLDEN_LOOK:
        on_looked(r, job, memo, &row, now_ms);
        break;
    case ORL_JOB_GOLDEN_FREEZE:
        on_frozen(r, job, memo, &row, now_ms);
        break;
    default:
        break;
    }
}

void orl_golden_note_resume(struct orl_reconcile *r, const struct orl_job *job, uint64_t now_ms)
{
    struct orl_golden_row row;
    struct orl_memo *memo = orl_memo_get(r, job->spec.golden.id);
    char text[ORL_TEXT_MAX + 1];
    if (!memo || !get(r, job->spec.golden.id, &row)) {
        return;
    }
    memo->resumes_failed = job->result < 0 ? memo->resumes_failed + 1 : 0;
    if (memo->resumes_failed >= RESUMES_MAX && row.state == ORL_GOLDEN_READY) {
        (void)snprintf(text, sizeof text, "copies don't start: %.200s", job->err.text);
        orl_golden_write_row(r, &row, ORL_GOLDEN_FAILED, PERCENT, text, now_ms);
    }
}
