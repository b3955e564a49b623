#include "vmpool/persons.h"
#include "base/clock.h"
#include "base/secret.h"
#include "vmpool/home_disk.h"
#include "vmpool/persons_priv.h"
#include "vmpool/reconcile_priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RETRY_MS = 1000,
    STILL_THERE_MS = 60000,   /* as long between two questions whether a hook is */
    HOME_MS = 20000,          /* more time where a disk is plugged in, and perhaps made */
    FAREWELL_MS = 15000,      /* from asking for the log-off, beside the pool's deadline */
    HOME_FAREWELL_MS = 60000, /* more time where all that was written goes back to a home */
    MS_PER_S = 1000,
};

static const struct orl_log_ctx root_log = {.name = "vmpool"};

/* What a worker does for a person: opens the hook's port, or plugs the home in. */
struct job {
    struct orl_call call;
    struct orl_persons *persons;
    const struct orl_backend *backend;
    char id[ORL_ID_LEN + 1];
    char uuid[ORL_UUID_LEN + 1];
    uint64_t version;
    bool is_home;
    struct orl_vm_home home;
    int result;
    int fd;
    struct orl_err err;
};

int orl_persons_new(
        const struct orl_persons_cfg *cfg, struct orl_persons **ret_persons, struct orl_err *err)
{
    struct orl_persons *p = calloc(1, sizeof *p);
    if (!p) {
        return orl_err_set(err, ORL_E_NOMEM, "persons");
    }
    p->cfg = *cfg;
    p->cfg.hello_ms = cfg->hello_ms > 0 ? cfg->hello_ms : STILL_THERE_MS;
    p->log = (struct orl_log_ctx){.parent = &root_log, .name = "persons"};
    p->calls = (struct orl_call_watch){.work = cfg->work, .store = cfg->store, .log = &p->log};
    *ret_persons = p;
    return 0;
}

void orl_person_hang_up(struct orl_person_memo *memo)
{
    orl_hook_link_free(memo->link);
    memo->link = NULL;
    memo->is_greeted = false;
    memo->has_home = false; /* the machine may be another one by then; plugging in twice is once */
    memo->asked = 0;
    orl_secret_wipe(memo->secret, sizeof memo->secret);
}

void orl_persons_free(struct orl_persons *p)
{
    if (!p) {
        return;
    }
    for (size_t i = 0; i < p->count; i++) {
        orl_person_hang_up(p->memos[i]);
        free(p->memos[i]);
    }
    free(p->memos);
    free(p);
}

static struct orl_person_memo *find(const struct orl_persons *p, const char *id)
{
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(p->memos[i]->id, id) == 0) {
            return p->memos[i];
        }
    }
    return NULL;
}

static struct orl_person_memo *get(struct orl_persons *p, const char *id)
{
    struct orl_person_memo *memo = find(p, id);
    if (memo || p->count >= ORL_PERSONS_MAX) {
        return memo;
    }
    struct orl_person_memo **grown = realloc(p->memos, (p->count + 1) * sizeof *grown);
    memo = grown ? calloc(1, sizeof *memo) : NULL;
    p->memos = grown ? grown : p->memos;
    if (memo) {
        memo->persons = p;
        (void)snprintf(memo->id, sizeof memo->id, "%s", id);
        p->memos[p->count++] = memo;
    }
    return memo;
}

uint64_t orl_persons_clock_ms(const struct orl_persons *p)
{
    return orl_loop_now_us(p->cfg.loop) / ORL_US_PER_MS;
}

uint64_t orl_person_left_ms(const struct orl_person_memo *memo)
{
    uint64_t clock_ms = orl_persons_clock_ms(memo->persons);
    return memo->deadline_ms > clock_ms ? memo->deadline_ms - clock_ms : 0;
}

void orl_person_wait(struct orl_person_memo *memo, uint64_t ms)
{
    memo->retry_ms = orl_persons_clock_ms(memo->persons) + ms;
}

static bool is_in(enum orl_guest_state state)
{
    return state == ORL_GUEST_LOGGED_ON || state == ORL_GUEST_LOCKED;
}

static void log_store(const struct orl_person_memo *memo, int rc, const struct orl_err *err)
{
    /* CONFLICT: the lease is over; the next pass sees that. */
    if (rc < 0 && rc != ORL_E_CONFLICT && rc != ORL_E_NOTFOUND) {
        orl_log_warn(&memo->persons->log, "desktop's row not written", "desktop", memo->id, "error",
                err->text);
    }
}

/* What can't be written stays due: a log-off is said once. */
static void write_state(struct orl_person_memo *memo, uint64_t now_ms)
{
    struct orl_err err = {0};
    struct orl_persons *p = memo->persons;
    int rc = orl_desktop_set_guest_state(
            p->cfg.store, memo->id, memo->version, memo->state, now_ms, &err);
    log_store(memo, rc, &err);
    memo->is_state_due = rc < 0 && rc != ORL_E_CONFLICT && rc != ORL_E_NOTFOUND;
    if (rc == 0) {
        memo->written = memo->state;
        p->cfg.on_change(p->cfg.ctx);
    }
}

static void set_person(struct orl_person_memo *memo, enum orl_person person, enum orl_reason reason,
        const char *text, uint64_t now_ms)
{
    struct orl_err err = {0};
    struct orl_persons *p = memo->persons;
    int rc = orl_desktop_set_person(
            p->cfg.store, memo->id, memo->version, person, reason, text, now_ms, &err);
    log_store(memo, rc, &err);
    if (rc == 0) {
        memo->person = person;
        p->cfg.on_change(p->cfg.ctx);
    }
}

void orl_person_fail(
        struct orl_person_memo *memo, enum orl_reason reason, const char *text, uint64_t now_ms)
{
    orl_log_warn(&memo->persons->log, "the guest has not its person", "desktop", memo->id, "reason",
            orl_reason_code(reason), "error", text);
    memo->goal = ORL_GOAL_NONE;
    set_person(memo, ORL_PERSON_FAILED, reason, text, now_ms);
}

void orl_person_ready(struct orl_person_memo *memo, uint64_t now_ms)
{
    memo->goal = ORL_GOAL_NONE;
    if (memo->is_state_due) {
        write_state(memo, now_ms);
    }
    if (memo->person != ORL_PERSON_READY) {
        orl_log_info(&memo->persons->log, "the guest has its person", "desktop", memo->id);
        set_person(memo, ORL_PERSON_READY, ORL_REASON_NONE, "", now_ms);
    }
}

void orl_person_set_state(struct orl_person_memo *memo, enum orl_guest_state state, uint64_t now_ms)
{
    memo->state = state;
    /* In the end the lease is over, and its version is another. */
    memo->is_state_due = state != memo->written && memo->goal != ORL_GOAL_OFF;
    /* A guest may change its mind as fast as it likes: the next look writes what it is then. */
    if (memo->is_state_due && state == ORL_GUEST_LOGGED_OFF) {
        write_state(memo, now_ms);
    }
}

void orl_person_is_off(struct orl_person_memo *memo, const char *how)
{
    if (!memo->is_off) {
        orl_log_info(
                &memo->persons->log, "the person is seen off", "desktop", memo->id, "how", how);
        memo->is_off = true;
        orl_person_hang_up(memo);
        memo->persons->cfg.kick(memo->persons->cfg.ctx);
    }
}

static void run(void *job_)
{
    struct job *job = job_;
    const struct orl_backend *b = job->backend;
    orl_call_run(&job->call);
    job->fd = -1;
    if (job->is_home) {
        job->result = b->ops->home_attach
                              ? b->ops->home_attach(b->self, job->uuid, &job->home, &job->err)
                              : ORL_E_UNSUPPORTED;
    } else {
        job->result = b->ops->hook_open ? b->ops->hook_open(b->self, job->uuid, &job->fd, &job->err)
                                        : ORL_E_UNSUPPORTED;
    }
}

static void on_opened(struct orl_person_memo *memo, struct job *job)
{
    if (job->result == 0) {
        orl_person_greet(memo, job->fd);
    } else {
        orl_person_wait(memo, RETRY_MS);
        orl_log_debug(&memo->persons->log, "the hook's port was not opened", "desktop", memo->id,
                "error", job->err.text);
    }
}

/* From now on its file may not be missing. False: that was not written down; it is plugged in once more then. */
static bool note_home(struct orl_person_memo *memo, uint64_t now_ms)
{
    struct orl_err err = {0};
    int rc = orl_home_set_used(memo->persons->cfg.store, memo->home, memo->id, now_ms, &err);
    if (rc < 0) {
        orl_log_warn(&memo->persons->log, "home's row not written", "desktop", memo->id, "error",
                err.text);
        orl_person_wait(memo, RETRY_MS);
    }
    memo->has_home = rc == 0;
    return memo->has_home;
}

static void on_plugged(struct orl_person_memo *memo, const struct job *job, uint64_t now_ms)
{
    if (job->result == 0) {
        if (note_home(memo, now_ms)) {
            orl_person_advance(memo, now_ms);
        }
    } else if (memo->goal == ORL_GOAL_ON) {
        orl_person_fail(memo, ORL_REASON_HOME_UNAVAILABLE, job->err.text, now_ms);
    }
}

static void on_done(void *job_, void *ctx)
{
    struct job *job = job_;
    struct orl_persons *p = ctx;
    struct orl_person_memo *memo = find(p, job->id);
    uint64_t now_ms = orl_clock_wall_ms();
    orl_call_end(&p->calls, &job->call, now_ms);
    if (!memo || strcmp(memo->uuid, job->uuid) != 0) {
        if (job->fd >= 0) {
            close(job->fd);
        }
    } else {
        memo->is_job_out = false;
        if (job->is_home) {
            on_plugged(memo, job, now_ms);
        } else {
            on_opened(memo, job);
        }
    }
    free(job);
}

static void submit(struct orl_person_memo *memo, const struct orl_vm_home *home)
{
    struct orl_persons *p = memo->persons;
    struct job *job = calloc(1, sizeof *job);
    if (!job) {
        orl_person_wait(memo, RETRY_MS);
        return;
    }
    job->backend = p->cfg.backend;
    job->fd = -1;
    job->is_home = home != NULL;
    job->home = home ? *home : job->home;
    (void)snprintf(job->id, sizeof job->id, "%s", memo->id);
    (void)snprintf(job->uuid, sizeof job->uuid, "%s", memo->uuid);
    orl_call_begin(&p->calls, &job->call, memo->id, job->is_home ? "home_attach" : "hook_open");
    if (orl_work_submit(p->cfg.work, run, on_done, job, p) < 0) {
        orl_call_end(&p->calls, &job->call, 0);
        free(job);
        orl_person_wait(memo, RETRY_MS);
        return;
    }
    memo->is_job_out = true;
}

/* The row says whose it is before the disk is there: whatever dies in between, no other desktop gets it. */
static void take_home(struct orl_person_memo *memo, uint64_t now_ms)
{
    struct orl_persons *p = memo->persons;
    struct orl_err err = {0};
    struct orl_home_row row;
    char folder[ORL_VM_PATH_MAX + 1];
    (void)snprintf(folder, sizeof folder, "%s/homes", p->cfg.images_dir);
    const struct orl_home_want want = {.user = memo->user,
            .pool = memo->pool_name,
            .kind = (enum orl_home_kind)memo->pool.home,
            .folder = folder,
            .target = memo->pool.home_target,
            .size_mib = memo->pool.home_size_mib,
            .desktop = memo->id,
            .version = memo->version};
    int rc = orl_home_take(p->cfg.store, &want, now_ms, &row, &err);
    if (rc == ORL_E_CONFLICT) {
        orl_person_wait(memo, RETRY_MS / 2);
        if (orl_person_left_ms(memo) <= RETRY_MS) {
            orl_person_fail(memo, ORL_REASON_HOME_IN_USE, err.text, now_ms);
        }
        return;
    }
    if (rc < 0) {
        orl_person_fail(memo, ORL_REASON_HOME_UNAVAILABLE, err.text, now_ms);
        return;
    }
    orl_msg_text(memo->home, sizeof memo->home, row.id);
    if (row.kind == ORL_HOME_NFS) {
        orl_msg_text(memo->home_nfs, sizeof memo->home_nfs, row.path);
        if (note_home(memo, now_ms)) {
            orl_person_ask_assign(memo, now_ms);
        }
        return;
    }
    struct orl_vm_home home = {.size_mib = row.size_mib, .is_used = row.used_ms > 0};
    if (snprintf(home.path, sizeof home.path, "%s", row.path) >= (int)sizeof home.path) {
        orl_person_fail(memo, ORL_REASON_HOME_UNAVAILABLE, "its path is too long", now_ms);
        return;
    }
    submit(memo, &home);
}

static void advance_on(struct orl_person_memo *memo, uint64_t now_ms)
{
    /* Who is in by RDP has a secret that only an answer of this guest to us makes known. */
    bool lacks_login = memo->is_rdp && memo->person == ORL_PERSON_WANTED;
    if (is_in(memo->state) && !lacks_login) {
        orl_person_ready(memo, now_ms);
    } else if (memo->pool.home != ORL_HOME_NONE && !memo->has_home) {
        take_home(memo, now_ms);
    } else {
        orl_person_ask_assign(memo, now_ms);
    }
}

static void advance_off(struct orl_person_memo *memo)
{
    if (is_in(memo->state) || memo->has_assigned) {
        orl_person_ask_logoff(memo);
    } else {
        orl_person_is_off(memo, "nobody was in");
    }
}

void orl_person_advance(struct orl_person_memo *memo, uint64_t now_ms)
{
    bool is_waiting = orl_persons_clock_ms(memo->persons) < memo->retry_ms;
    if (memo->is_job_out || memo->asked != 0 || is_waiting || memo->is_off ||
            orl_call_is_hung(&memo->persons->calls, memo->id)) {
        return;
    }
    if (!memo->link) {
        submit(memo, NULL);
    } else if (memo->is_greeted && memo->goal == ORL_GOAL_ON) {
        advance_on(memo, now_ms);
    } else if (memo->is_greeted && memo->goal == ORL_GOAL_OFF) {
        advance_off(memo);
    }
}

static void give_up(struct orl_person_memo *memo, uint64_t now_ms)
{
    if (memo->goal == ORL_GOAL_OFF) {
        orl_log_warn(
                &memo->persons->log, "the guest does not see its person off", "desktop", memo->id);
        orl_person_is_off(memo, "deadline");
    } else if (memo->person == ORL_PERSON_WANTED) {
        orl_person_fail(memo, ORL_REASON_PERSON_FAILED,
                memo->was_cut ? "the guest's hook was cut off"
                              : "the guest's hook does not answer in time",
                now_ms);
    } else {
        memo->goal = ORL_GOAL_NONE; /* after a restart of the guest: its own screen is there */
    }
}

static enum orl_person_goal goal_of(
        const struct orl_person_memo *memo, const struct orl_desktop_row *row)
{
    bool is_up = row->power == ORL_POWER_RUNNING && row->is_ready;
    if (row->lease == ORL_LEASE_ENDING) {
        return ORL_GOAL_OFF;
    }
    bool is_missing =
            memo->is_greeted && !is_in(memo->state) && memo->state != ORL_GUEST_LOGGED_OFF;
    if (row->person == ORL_PERSON_WANTED || (row->person == ORL_PERSON_READY && is_missing)) {
        return is_up ? ORL_GOAL_ON : ORL_GOAL_NONE;
    }
    return ORL_GOAL_NONE;
}

static void set_goal(struct orl_person_memo *memo, enum orl_person_goal goal)
{
    if (memo->goal == goal) {
        return;
    }
    bool has_home = memo->pool.home != ORL_HOME_NONE;
    uint64_t more_ms = goal == ORL_GOAL_OFF ? FAREWELL_MS + (has_home ? HOME_FAREWELL_MS : 0)
                       : has_home           ? HOME_MS
                                            : 0;
    memo->goal = goal;
    memo->deadline_ms = orl_persons_clock_ms(memo->persons) +
                        (uint64_t)memo->pool.hook_deadline_s * MS_PER_S + more_ms;
    memo->retry_ms = memo->was_cut ? memo->retry_ms : 0;
}

/* A given desktop whose guest has a hook, or an ending one whose person may still be in it. */
static bool is_ours(const struct orl_desktop_row *row)
{
    bool is_running = row->power == ORL_POWER_RUNNING || row->power == ORL_POWER_REBOOTING;
    return row->lease != ORL_LEASE_FREE && is_running && row->person != ORL_PERSON_NONE &&
           row->kind != ORL_POOL_STATIC &&
           (row->lease != ORL_LEASE_ENDING || row->person != ORL_PERSON_FAILED);
}

static void write_due_state(struct orl_person_memo *memo, uint64_t now_ms)
{
    /* Somebody is to be let in: that the one before had logged off is no news of theirs. */
    bool is_old = memo->person == ORL_PERSON_WANTED && memo->state == ORL_GUEST_LOGGED_OFF;
    if (is_old || memo->goal == ORL_GOAL_OFF || memo->state == memo->written) {
        memo->is_state_due = false;
    } else if (memo->is_state_due) {
        write_state(memo, now_ms);
    }
}

static void look_at(struct orl_persons *p, const struct orl_desktop_row *row,
        const struct orl_pool_row *pool, uint64_t now_ms)
{
    struct orl_person_memo *memo = get(p, row->id);
    if (!memo) {
        return;
    }
    if (strcmp(memo->uuid, row->uuid) != 0) {
        orl_person_hang_up(memo);
        (void)snprintf(memo->uuid, sizeof memo->uuid, "%s", row->uuid);
    }
    memo->pass = p->pass;
    memo->version = row->version;
    memo->person = row->person;
    memo->written = row->guest_state;
    memo->template_version = row->template_version;
    orl_msg_text(memo->template_name, sizeof memo->template_name, row->template_name);
    memo->pool = pool->person;
    memo->is_rdp = pool->display == ORL_POOL_DISPLAY_RDP;
    orl_msg_text(memo->user, sizeof memo->user, row->user);
    orl_msg_text(memo->pool_name, sizeof memo->pool_name, row->pool);
    enum orl_person_goal goal = goal_of(memo, row);
    if (row->lease == ORL_LEASE_ENDING && row->person == ORL_PERSON_READY) {
        memo->has_assigned = true;
    }
    set_goal(memo, goal);
    write_due_state(memo, now_ms);
    if (memo->goal != ORL_GOAL_NONE && orl_person_left_ms(memo) == 0) {
        give_up(memo, now_ms);
    }
    orl_person_advance(memo, now_ms);
    if (memo->link && memo->is_greeted && memo->goal == ORL_GOAL_NONE && memo->asked == 0 &&
            orl_persons_clock_ms(p) >= memo->hello_ms + p->cfg.hello_ms) {
        orl_person_ask_hello(memo);
    }
}

/* Machines that are off, gone or free again: nobody to talk to. */
static void forget(struct orl_persons *p, uint64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++) {
        struct orl_person_memo *memo = p->memos[i];
        if (memo->pass == p->pass) {
            p->memos[kept++] = memo;
        } else {
            orl_person_hang_up(memo);
            orl_person_clear_alarm(memo, now_ms);
            free(memo);
        }
    }
    p->count = kept;
}

static void release_homes(struct orl_persons *p, uint64_t now_ms)
{
    struct orl_err err = {0};
    int rc = orl_home_release_gone(p->cfg.store, now_ms, &err);
    if (rc < 0) {
        orl_log_warn(&p->log, "homes were not released", "error", err.text);
    }
}

bool orl_persons_look(struct orl_persons *p, const struct orl_rows *rows, uint64_t now_ms)
{
    bool is_busy = false;
    p->pass++;
    (void)orl_call_watch_look(&p->calls, orl_persons_clock_ms(p), now_ms);
    for (size_t i = 0; i < rows->desktop_count; i++) {
        const struct orl_desktop_row *row = &rows->desktops[i];
        const struct orl_pool_row *pool = orl_rows_pool(rows, row->pool);
        if (pool && is_ours(row)) {
            look_at(p, row, pool, now_ms);
        }
    }
    forget(p, now_ms);
    release_homes(p, now_ms);
    for (size_t i = 0; i < p->count; i++) {
        const struct orl_person_memo *memo = p->memos[i];
        is_busy = is_busy || (memo->goal != ORL_GOAL_NONE && !memo->is_off) || !memo->link ||
                  memo->is_state_due;
    }
    return is_busy;
}

bool orl_persons_holds(const struct orl_persons *p, const char *desktop)
{
    const struct orl_person_memo *memo = find(p, desktop);
    return memo && memo->goal == ORL_GOAL_OFF && !memo->is_off;
}

bool orl_persons_hears(const struct orl_persons *p, const char *desktop)
{
    const struct orl_person_memo *memo = find(p, desktop);
    return memo && memo->link && memo->is_greeted;
}
