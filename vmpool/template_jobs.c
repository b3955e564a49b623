#include "vmpool/template_jobs.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/job.h"
#include "vmpool/json_top.h"
#include "vmpool/overlay.h"
#include "vmpool/template_inspect.h"
#include "vmpool/vm_meta.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECT_PREFIX "template:"

enum { PERIOD_MS = 2000, PRUNE_MS = 3600000 };

struct run {
    struct orl_job_row job;
    struct orl_template_inspect inspect;
    int result;
    struct orl_err err;
    bool is_over; /* only its row is still to be written */
};
struct orl_template_jobs {
    struct orl_template_jobs_cfg cfg;
    struct orl_log_ctx log;
    struct run *run; /* under way; NULL: none */
    uint64_t looked_ms, pruned_ms;
    bool is_begun; /* what a former life left is ended */
    bool is_stopping;
};

int orl_template_jobs_new(const struct orl_template_jobs_cfg *cfg,
        struct orl_template_jobs **ret_jobs, struct orl_err *err)
{
    static const struct orl_log_ctx root = {.name = "vmpool"};
    struct orl_template_jobs *jobs = calloc(1, sizeof *jobs);
    if (!jobs) {
        return orl_err_set(err, ORL_E_NOMEM, "template jobs");
    }
    jobs->cfg = *cfg;
    jobs->log = (struct orl_log_ctx){.parent = &root, .name = "jobs"};
    *ret_jobs = jobs;
    return 0;
}

void orl_template_jobs_stop(struct orl_template_jobs *jobs)
{
    if (jobs) {
        jobs->is_stopping = true;
        if (jobs->run) {
            atomic_store(&jobs->run->inspect.is_cancelled, true);
        }
    }
}

void orl_template_jobs_free(struct orl_template_jobs *jobs)
{
    if (jobs) {
        free(jobs->run);
        free(jobs);
    }
}

bool orl_template_jobs_is_begun(const struct orl_template_jobs *jobs)
{
    return jobs->is_begun;
}

bool orl_template_jobs_holds(const struct orl_template_jobs *jobs, const char *name)
{
    return jobs && jobs->run && !jobs->run->is_over &&
           strcmp(jobs->run->inspect.spec.name, name) == 0;
}

static void warn(const struct orl_template_jobs *jobs, const char *what, const struct orl_err *err)
{
    orl_log_warn(&jobs->log, "job's row not written", "what", what, "error", err->text);
}

/* Kept until the store has its end: else it would run for ever. */
static void write_end(struct orl_template_jobs *jobs, struct run *run)
{
    struct orl_err err = {0};
    int r = orl_job_end(jobs->cfg.store, &run->job, orl_clock_wall_ms(), &err);
    run->is_over = true;
    jobs->run = run;
    if (r < 0) {
        warn(jobs, "end", &err);
    }
    if (r == 0 || r == ORL_E_CONFLICT) {
        jobs->run = NULL;
        free(run);
    }
}

static void end(struct orl_template_jobs *jobs, struct run *run, enum orl_job_state state,
        enum orl_reason reason, const char *text)
{
    struct orl_job_row *job = &run->job;
    job->state = state;
    job->reason = reason;
    orl_msg_text(job->reason_text, sizeof job->reason_text, text);
    orl_log_info(&jobs->log, "job ended", "job", job->id, "kind", job->kind, "is",
            orl_job_state_name(state), "text", text);
    write_end(jobs, run);
}

static void put_findings(struct run *run)
{
    struct orl_template_item items[ORL_TEMPLATE_ITEMS_MAX];
    struct orl_buf json;
    size_t count = orl_template_judge_seen(&run->inspect.wants, &run->inspect.seen, items);
    orl_buf_init(&json, sizeof run->job.result);
    orl_template_items_json(items, count, &json);
    if (!json.is_failed) {
        memcpy(run->job.result, json.data, json.len);
    }
    orl_buf_fini(&json);
}

static void do_run(void *run_)
{
    struct run *run = run_;
    run->result = orl_template_inspect(&run->inspect, &run->err);
}

static void on_done(void *run_, void *ctx)
{
    struct orl_template_jobs *jobs = ctx;
    struct run *run = run_;
    bool is_cancelled = atomic_load(&run->inspect.is_cancelled);
    if (run->result == 0) {
        put_findings(run);
        end(jobs, run, ORL_JOB_DONE, ORL_REASON_NONE, "");
    } else if (is_cancelled && !jobs->is_stopping) {
        end(jobs, run, ORL_JOB_CANCELLED, ORL_REASON_NONE, "");
    } else {
        end(jobs, run, ORL_JOB_FAILED,
                jobs->is_stopping ? ORL_REASON_VMPOOL_DOWN : ORL_REASON_GUEST_START_FAILED,
                run->err.text);
    }
}

/* The pool of the template that asks most of it; what any of them asks is wanted. */
struct choice {
    const char *template_name;
    struct orl_pool_row pool;
    struct orl_template_wants *wants;
    unsigned count;
};

static int choose(void *ctx, const struct orl_pool_row *row)
{
    struct choice *c = ctx;
    if (row->is_deleted || strcmp(row->template_name, c->template_name) != 0) {
        return 0;
    }
    struct orl_vm_res res = orl_pool_vm_res(row);
    bool asks_more = res.has_tpm + res.has_secure_boot + res.has_uefi >
                     c->wants->res.has_tpm + c->wants->res.has_secure_boot + c->wants->res.has_uefi;
    if (c->count++ == 0 || asks_more) {
        c->pool = *row;
        c->wants->res = res;
    }
    c->wants->has_person = c->wants->has_person || row->person.mode == ORL_PERSON_AUTO;
    c->wants->has_rdp = c->wants->has_rdp || row->display == ORL_POOL_DISPLAY_RDP;
    return 0;
}

static int make_spec(struct orl_template_jobs *jobs, struct run *run,
        const struct orl_template_row *t, struct orl_err *err)
{
    struct orl_vm_spec *spec = &run->inspect.spec;
    struct choice c = {.template_name = t->name, .wants = &run->inspect.wants};
    struct orl_id id;
    orl_pool_set_defaults(&c.pool, ORL_POOL_FLOATING);
    run->inspect.wants.is_windows = t->is_windows;
    run->inspect.wants.deadline_s = jobs->cfg.deadline_s;
    int r = orl_pool_list(jobs->cfg.store, NULL, choose, &c, err);
    if (r == 0 && c.count == 0) { /* none has it yet */
        run->inspect.wants.has_person = c.pool.person.mode == ORL_PERSON_AUTO;
    }
    r = r < 0 ? r : jobs->cfg.make_spec(jobs->cfg.ctx, &c.pool, t, spec, err);
    if (r < 0) {
        return r;
    }
    orl_id_new(&id);
    orl_uuid_new(spec->uuid);
    spec->meta.kind = ORL_VM_PROBE;
    spec->meta.version = 1;
    spec->meta.stamp_ms = orl_clock_wall_ms();
    orl_msg_text(spec->meta.pool, sizeof spec->meta.pool, "template-check");
    orl_msg_text(spec->meta.desktop, sizeof spec->meta.desktop, id.text);
    orl_vm_name(spec->name, id.text, spec->meta.version);
    run->inspect.wants.has_card = spec->network.name[0] != '\0';
    spec->overlay[0] = '\0';
    return t->path[0]
                   ? orl_overlay_path(jobs->cfg.images_dir, orl_store_installation(jobs->cfg.store),
                             ORL_VM_FLOATING, spec->name, spec->overlay, err)
                   : 0;
}

static int prepare(struct orl_template_jobs *jobs, struct run *run, struct orl_err *err)
{
    struct orl_template_row t;
    uint64_t version = 0;
    const char *object = run->job.object;
    if (strncmp(object, OBJECT_PREFIX, strlen(OBJECT_PREFIX)) != 0) {
        return orl_err_set(err, ORL_E_UNSUPPORTED, "only templates are checked");
    }
    (void)orl_json_top_u64(run->job.parameters, "version", &version);
    int r = orl_template_get(
            jobs->cfg.store, object + strlen(OBJECT_PREFIX), (uint32_t)version, &t, err);
    if (r == 0 && t.state != ORL_TEMPLATE_READY) {
        return orl_err_set(err, ORL_E_INVAL, "version %u of it can't be cloned: %.120s", t.version,
                t.reason_text[0] ? t.reason_text : orl_template_state_name(t.state));
    }
    return r < 0 ? r : make_spec(jobs, run, &t, err);
}

static void begin(struct orl_template_jobs *jobs, uint64_t now_ms)
{
    struct orl_err err = {0};
    struct run *run = calloc(1, sizeof *run);
    int r = run ? orl_job_take(jobs->cfg.store, jobs->cfg.host, "template.check", now_ms, &run->job,
                          &err)
                : ORL_E_NOMEM;
    if (r < 0) {
        if (r != ORL_E_NOTFOUND) {
            orl_log_warn(&jobs->log, "no job was taken", "error", err.text);
        }
        free(run);
        return;
    }
    run->inspect.backend = jobs->cfg.backend;
    r = prepare(jobs, run, &err);
    r = r < 0 ? r : orl_work_submit(jobs->cfg.work, do_run, on_done, run, jobs);
    if (r < 0) {
        end(jobs, run, ORL_JOB_FAILED, ORL_REASON_TEMPLATE_MISSING, err.text);
        return;
    }
    orl_log_info(&jobs->log, "job begun", "job", run->job.id, "kind", run->job.kind, "of",
            run->job.object);
    jobs->run = run;
}

static void tell(struct orl_template_jobs *jobs, uint64_t now_ms)
{
    struct orl_err err = {0};
    struct run *run = jobs->run;
    struct orl_job_wish wish = {0};
    unsigned percent = atomic_load(&run->inspect.percent);
    const char *text = percent < 10   ? "makes a machine of it"
                       : percent < 60 ? "waits until it paints"
                       : percent < 80 ? "waits for the programs inside"
                                      : "asks them";
    int r = orl_job_progress(jobs->cfg.store, &run->job, percent, text, now_ms, &wish, &err);
    if (r < 0) {
        warn(jobs, "progress", &err);
    }
    if (wish.is_cancel || r == ORL_E_CONFLICT) { /* ended by others: nobody could call it off now */
        atomic_store(&run->inspect.is_cancelled, true);
    }
}

void orl_template_jobs_tick(struct orl_template_jobs *jobs, uint64_t now_ms)
{
    struct orl_err err = {0};
    bool is_early = now_ms >= jobs->looked_ms && now_ms < jobs->looked_ms + PERIOD_MS;
    if (jobs->is_stopping || is_early) {
        return;
    }
    jobs->looked_ms = now_ms;
    if (!jobs->is_begun) {
        jobs->is_begun = orl_job_fail_lost(jobs->cfg.store, jobs->cfg.host, now_ms, &err) == 0;
    } else if (jobs->run && jobs->run->is_over) {
        write_end(jobs, jobs->run);
    } else if (jobs->run) {
        tell(jobs, now_ms);
    } else if (jobs->cfg.is_ready(jobs->cfg.ctx)) {
        begin(jobs, now_ms);
    }
    if (now_ms >= jobs->pruned_ms + PRUNE_MS) {
        jobs->pruned_ms = now_ms;
        (void)!orl_job_prune(jobs->cfg.store, now_ms, &err);
    }
}
