#include "vmpool/user_watch.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/person.h"
#include "store/session.h"
#include "vmpool/call_watch.h"
#include "vmpool/reconcile_priv.h"
#include <stdlib.h>
#include <string.h>

enum {
    PERIOD_MS = 15000,
    SILENT_TIMES = 4, /* as long until one that did not answer is asked again */
    EMPTY_TIMES = 3,  /* a guest that shuts down has nobody in it either, but not for so long */
    WATCHED_MAX = 4096,
    LOGIN_MS =
            120000, /* as long as a person may take to log in, a machine's boot before it included */
};

static const struct orl_log_ctx root_log = {.name = "vmpool"};

struct watched {
    char id[ORL_ID_LEN + 1];
    char uuid[ORL_UUID_LEN + 1];
    uint64_t version;
    uint64_t pass;    /* in which it was looked at last */
    uint64_t next_ms; /* monotonic */
    uint64_t ready_ms;
    bool was_in; /* somebody whose login belongs to the lease */
    unsigned empty_times;
};
struct orl_user_watch {
    struct orl_user_watch_cfg cfg;
    struct orl_log_ctx log;
    struct watched *watched;
    size_t count;
    uint64_t pass;
    bool is_job_out; /* one that hangs is not waited for */
    struct orl_call_watch calls;
};
struct job {
    struct orl_call call;
    const struct orl_backend *backend;
    char id[ORL_ID_LEN + 1];
    char uuid[ORL_UUID_LEN + 1];
    uint64_t version;
    uint64_t login_end_ms; /* who logged in later is not whom the lease is for: a terminal, ssh */
    int result;
    struct orl_vm_users users;
};

int orl_user_watch_new(const struct orl_user_watch_cfg *cfg, struct orl_user_watch **ret_watch,
        struct orl_err *err)
{
    struct orl_user_watch *w = calloc(1, sizeof *w);
    if (!w) {
        return orl_err_set(err, ORL_E_NOMEM, "user watch");
    }
    w->cfg = *cfg;
    w->cfg.period_ms = cfg->period_ms > 0 ? cfg->period_ms : PERIOD_MS;
    w->log = (struct orl_log_ctx){.parent = &root_log, .name = "users"};
    w->calls = (struct orl_call_watch){
            .work = cfg->work, .store = cfg->store, .longest_ms = cfg->call_ms, .log = &w->log};
    *ret_watch = w;
    return 0;
}

void orl_user_watch_free(struct orl_user_watch *watch)
{
    if (watch) {
        free(watch->watched);
        free(watch);
    }
}

static struct watched *find(const struct orl_user_watch *w, const char *id)
{
    for (size_t i = 0; i < w->count; i++) {
        if (strcmp(w->watched[i].id, id) == 0) {
            return &w->watched[i];
        }
    }
    return NULL;
}

static uint64_t clock_ms(const struct orl_user_watch *w)
{
    return orl_loop_now_us(w->cfg.loop) / ORL_US_PER_MS;
}

static void say_logged_off(struct orl_user_watch *w, const struct job *job)
{
    struct orl_err err = {0};
    int r = orl_desktop_set_guest_state(
            w->cfg.store, job->id, job->version, ORL_GUEST_LOGGED_OFF, orl_clock_wall_ms(), &err);
    if (r < 0) {
        /* CONFLICT: the lease is over. Else it is found again by the next answer. */
        orl_log_debug(&w->log, "log-off not written", "desktop", job->id, "error", err.text);
        return;
    }
    orl_log_info(&w->log, "nobody is logged in any more", "desktop", job->id, "how", "agent");
    w->cfg.on_change(w->cfg.ctx);
}

static void run(void *job_)
{
    struct job *job = job_;
    const struct orl_backend *b = job->backend;
    struct orl_err err = {0};
    orl_call_run(&job->call);
    job->result = b->ops->users ? b->ops->users(b->self, job->uuid, &job->users, &err)
                                : ORL_E_UNSUPPORTED;
}

static void note_login(struct orl_user_watch *w, struct watched *one, const struct job *job)
{
    if (!one->was_in && job->result == 0 && job->users.count > 0 &&
            job->users.first_login_ms <= job->login_end_ms) {
        one->was_in = true;
        orl_log_debug(&w->log, "somebody is logged in", "desktop", job->id, "how", "agent");
    }
}

static void on_done(void *job_, void *ctx)
{
    struct job *job = job_;
    struct orl_user_watch *w = ctx;
    struct watched *one = find(w, job->id);
    w->is_job_out = w->is_job_out && job->call.is_hung;
    orl_call_end(&w->calls, &job->call, orl_clock_wall_ms());
    if (one && one->version == job->version && strcmp(one->uuid, job->uuid) == 0) {
        bool is_empty = job->result == 0 && job->users.count == 0;
        one->next_ms = clock_ms(w) + w->cfg.period_ms * (job->result < 0 ? SILENT_TIMES : 1);
        note_login(w, one, job);
        one->empty_times = is_empty && one->was_in ? one->empty_times + 1 : 0;
        if (one->empty_times >= EMPTY_TIMES) {
            say_logged_off(w, job);
        }
    }
    free(job);
}

static int take_start(void *ctx, const struct orl_session_row *row)
{
    *(uint64_t *)ctx = row->started_ms;
    return 1;
}

/* 0: nobody's login counts, for want of a session. */
static uint64_t login_end_ms(const struct orl_user_watch *w, const struct watched *one)
{
    uint64_t began_ms = 0;
    const struct orl_session_filter filter = {
            .desktop = one->id, .is_live = true, .page.max_count = 1};
    (void)!orl_session_list(w->cfg.store, &filter, take_start, &began_ms, NULL);
    if (began_ms == 0) {
        return 0;
    }
    return (began_ms > one->ready_ms ? began_ms : one->ready_ms) + LOGIN_MS;
}

static void ask(struct orl_user_watch *w, const struct watched *one)
{
    struct job *job = calloc(1, sizeof *job);
    if (!job) {
        return;
    }
    job->backend = w->cfg.backend;
    job->version = one->version;
    job->login_end_ms = one->was_in ? 0 : login_end_ms(w, one);
    memcpy(job->id, one->id, sizeof job->id);
    memcpy(job->uuid, one->uuid, sizeof job->uuid);
    orl_call_begin(&w->calls, &job->call, job->id, "users");
    if (orl_work_submit(w->cfg.work, run, on_done, job, w) < 0) {
        orl_call_end(&w->calls, &job->call, 0);
        free(job);
        return;
    }
    w->is_job_out = true;
}

static bool is_ours(const struct orl_user_watch *w, const struct orl_desktop_row *row)
{
    bool is_given = row->lease == ORL_LEASE_IN_USE || row->lease == ORL_LEASE_DISCONNECTED;
    return is_given && row->power == ORL_POWER_RUNNING && row->is_ready &&
           row->kind != ORL_POOL_STATIC && row->guest_state != ORL_GUEST_LOGGED_OFF &&
           !w->cfg.is_heard(w->cfg.ctx, row->id);
}

static void note(struct orl_user_watch *w, const struct orl_desktop_row *row)
{
    struct watched *one = find(w, row->id);
    if (!one && w->count < WATCHED_MAX) {
        struct watched *grown = realloc(w->watched, (w->count + 1) * sizeof *grown);
        if (grown) {
            w->watched = grown;
            one = &grown[w->count++];
            *one = (struct watched){0};
            memcpy(one->id, row->id, sizeof one->id);
        }
    }
    if (!one) {
        return;
    }
    if (one->version != row->version || strcmp(one->uuid, row->uuid) != 0) {
        one->was_in = false; /* who was in it was somebody else */
        one->empty_times = 0;
        one->version = row->version;
        memcpy(one->uuid, row->uuid, sizeof one->uuid);
    }
    one->ready_ms = row->ready_ms;
    one->pass = w->pass;
}

void orl_user_watch_look(struct orl_user_watch *w, const struct orl_rows *rows)
{
    size_t kept = 0;
    const struct watched *due = NULL;
    w->pass++;
    if (orl_call_watch_look(&w->calls, clock_ms(w), orl_clock_wall_ms())) {
        w->is_job_out = false;
    }
    for (size_t i = 0; i < rows->desktop_count; i++) {
        if (is_ours(w, &rows->desktops[i])) {
            note(w, &rows->desktops[i]);
        }
    }
    for (size_t i = 0; i < w->count; i++) {
        if (w->watched[i].pass == w->pass) {
            w->watched[kept++] = w->watched[i];
        }
    }
    w->count = kept;
    for (size_t i = 0; i < w->count; i++) {
        const struct watched *one = &w->watched[i];
        bool is_first = !due || one->next_ms < due->next_ms;
        due = is_first && !orl_call_is_hung(&w->calls, one->id) ? one : due;
    }
    if (due && !w->is_job_out && due->next_ms <= clock_ms(w)) {
        ask(w, due);
    }
}
