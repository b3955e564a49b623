/* A program of ours dies at a call that it makes: from then on nothing it does has an effect; when it has
 * unwound, its memory is thrown away and its store handle closed, which is what the kernel would do.
 * Calls to the database go through here (--wrap). */
#include "sim.h"
#include "store/store_copy.h"
#include "store/store_db.h"
#include "store/store_priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum verdict { CALL = 0, FAIL_BEFORE, FAIL_AFTER };
enum { PREEMPT_ONE_IN = 25, RESTORE_TRIES = 250 };

int __real_orl_db_step(struct orl_db_query *q, struct orl_err *err);
int __wrap_orl_db_step(struct orl_db_query *q, struct orl_err *err);
int __real_orl_db_run(struct orl_db_query *q, struct orl_err *err);
int __wrap_orl_db_run(struct orl_db_query *q, struct orl_err *err);
int __real_orl_db_exec(struct orl_db *db, const char *script, struct orl_err *err);
int __wrap_orl_db_exec(struct orl_db *db, const char *script, struct orl_err *err);
int __real_orl_db_begin(struct orl_db *db, unsigned depth, struct orl_err *err);
int __wrap_orl_db_begin(struct orl_db *db, unsigned depth, struct orl_err *err);
int __real_orl_db_commit(struct orl_db *db, unsigned depth, struct orl_err *err);
int __wrap_orl_db_commit(struct orl_db *db, unsigned depth, struct orl_err *err);
int __real_orl_store_tx_begin(
        struct orl_store *store, struct orl_store_tx *tx, struct orl_err *err);
int __wrap_orl_store_tx_begin(
        struct orl_store *store, struct orl_store_tx *tx, struct orl_err *err);
int __real_orl_store_open(const char *path, struct orl_store **ret_store, struct orl_err *err);
int __wrap_orl_store_open(const char *path, struct orl_store **ret_store, struct orl_err *err);

/* An error after a commit: the answer was lost with the connection, and nobody knows. What is nested in a transaction
 * is undone with it: there is no after. */
static enum verdict judge(const char *what, bool is_commit, bool is_nested)
{
    struct sim *sim = sim_the;
    struct sim_process *p = &sim->processes[sim->current];
    if (sim->current == SIM_CHECKER) {
        return CALL;
    }
    if (p->is_dying) {
        return FAIL_BEFORE;
    }
    if (sim_one_in(sim, sim->rates.store_kill)) {
        bool is_done = sim_pick(sim, 2) == 0 && !is_nested;
        sim_fault(sim, "is killed %s %s", is_done ? "after" : "before", what);
        p->is_dying = true;
        return is_done ? FAIL_AFTER : FAIL_BEFORE;
    }
    if (sim_one_in(sim, sim->rates.store_error)) {
        sim_fault(sim, "the store fails: %s", what);
        sim->failed_step = sim->step;
        return is_commit && sim_pick(sim, 2) == 0 ? FAIL_AFTER : FAIL_BEFORE;
    }
    return CALL;
}

static int failed(struct orl_err *err)
{
    return sim_pick(sim_the, 2) == 0 ? orl_err_set(err, ORL_E_TIMEOUT, "injected: locked")
                                     : orl_err_set(err, ORL_E_BACKEND, "injected: disk full");
}

int __wrap_orl_db_step(struct orl_db_query *q, struct orl_err *err)
{
    enum verdict v = judge("a read", false, false);
    int rc = v == FAIL_BEFORE ? 0 : __real_orl_db_step(q, err);
    return v == CALL ? rc : failed(err);
}

int __wrap_orl_db_run(struct orl_db_query *q, struct orl_err *err)
{
    enum verdict v = judge("a write", false, false);
    int rc = v == FAIL_BEFORE ? 0 : __real_orl_db_run(q, err);
    sim_the->view.is_stale = true;
    return v == CALL ? rc : failed(err);
}

int __wrap_orl_db_exec(struct orl_db *db, const char *script, struct orl_err *err)
{
    enum verdict v = judge("a script", false, false);
    int rc = v == FAIL_BEFORE ? 0 : __real_orl_db_exec(db, script, err);
    sim_the->view.is_stale = true;
    return v == CALL ? rc : failed(err);
}

/* What was begun for a dead program is undone with its handle. */
int __wrap_orl_db_begin(struct orl_db *db, unsigned depth, struct orl_err *err)
{
    enum verdict v = judge("a begin", false, false);
    return v == CALL ? __real_orl_db_begin(db, depth, err) : failed(err);
}

int __wrap_orl_db_commit(struct orl_db *db, unsigned depth, struct orl_err *err)
{
    enum verdict v = judge("a commit", depth == 0, depth > 0);
    int rc = v == FAIL_BEFORE ? 0 : __real_orl_db_commit(db, depth, err);
    sim_the->view.is_stale = true;
    return v == CALL ? rc : failed(err);
}

/* Before a transaction begins anybody else may do something. */
static void let_others_run(struct sim *sim)
{
    enum sim_who other = sim->current == SIM_BROKER ? SIM_VMPOOL : SIM_BROKER;
    if (sim->current == SIM_CHECKER || sim->current == SIM_STRANGER ||
            sim->processes[sim->current].is_dying || sim->processes[other].is_running ||
            sim_pick(sim, PREEMPT_ONE_IN) != 0) {
        return;
    }
    sim->preempted++;
    if (other == SIM_BROKER) {
        sim_broker_hears(sim);
    } else if (sim_pick(sim, 2) == 0) {
        sim_vmpool_turn(sim);
    } else {
        sim_job_turn(sim);
    }
}

int __wrap_orl_store_tx_begin(struct orl_store *store, struct orl_store_tx *tx, struct orl_err *err)
{
    if (store->tx_depth == 0) {
        let_others_run(sim_the);
    }
    return __real_orl_store_tx_begin(store, tx, err);
}

bool sim_may_send(struct sim *sim, const char *what)
{
    struct sim_process *p = &sim->processes[sim->current];
    if (p->is_dying) {
        return false;
    }
    if (sim->current != SIM_CHECKER && sim_one_in(sim, sim->rates.send_kill)) {
        bool is_sent = sim_pick(sim, 2) == 0;
        sim_fault(sim, "is killed %s it sends %s", is_sent ? "after" : "before", what);
        p->is_dying = true;
        return is_sent;
    }
    return true;
}

enum sim_who sim_enter(struct sim *sim, enum sim_who who)
{
    enum sim_who before = sim->current;
    sim->current = who;
    sim->must_check = sim->must_check || who == SIM_BROKER;
    sim->processes[who].is_running = true;
    return before;
}

static void bury(struct sim *sim, enum sim_who who)
{
    struct sim_process *p = &sim->processes[who];
    p->is_dying = true; /* nothing of what follows has an effect */
    sim->view.is_stale = true;
    if (who == SIM_BROKER) {
        sim_bury_broker(sim);
    } else {
        sim_bury_vmpool(sim, who);
    }
    orl_store_close(p->store);
    p->store = NULL;
    p->is_dying = false;
    p->kills++;
}

void sim_leave(struct sim *sim, enum sim_who before)
{
    enum sim_who who = sim->current;
    if (sim->processes[who].is_dying) {
        bury(sim, who);
    }
    sim->processes[who].is_running = false;
    sim->current = before;
}

void sim_kill(struct sim *sim, enum sim_who who)
{
    enum sim_who before = sim_enter(sim, who);
    sim->processes[who].is_dying = true;
    sim_leave(sim, before);
}

const char *sim_store_path(const struct sim *sim, enum sim_who who)
{
    return sim->places[who == SIM_STRANGER];
}

static const char backup_path[] = "./oriel.db.backup";

/* Whoever looks for a bug behind the schema's constraints takes them away. */
static const char weaken[] = "PRAGMA ignore_check_constraints = ON;"
                             "DROP TRIGGER IF EXISTS desktop_stays_tainted;"
                             "DROP TRIGGER IF EXISTS desktop_ends_once;"
                             "DROP TRIGGER IF EXISTS desktop_keeps_its_person;"
                             "DROP INDEX IF EXISTS session_one_per_desktop;"
                             "DROP TRIGGER IF EXISTS home_is_on_one_desktop";

/* Where a PostgreSQL of the tests is, and our schema in it, is called otherwise every time. */
static void take_place_out(const char *place, struct orl_err *err)
{
    char *at = err && store_place_is_postgres() ? strstr(err->text, place) : NULL;
    if (at) {
        const char *rest = at + strlen(place);
        memmove(at, rest, strlen(rest) + 1);
    }
}

int __wrap_orl_store_open(const char *path, struct orl_store **ret_store, struct orl_err *err)
{
    int rc = __real_orl_store_open(path, ret_store, err);
    if (rc < 0) {
        take_place_out(path, err);
    }
    if (rc == 0 && sim_the->is_store_weak &&
            __real_orl_db_exec((*ret_store)->db, weaken, err) < 0) {
        abort();
    }
    return rc;
}

void sim_open_store(struct sim *sim, enum sim_who who)
{
    struct orl_err err = {0};
    struct sim_process *p = &sim->processes[who];
    if (orl_store_open(sim_store_path(sim, who), &p->store, &err) < 0) {
        sim_note(sim, "cannot open the store: %s", err.text);
        p->store = NULL;
        if (who == SIM_CHECKER) {
            abort();
        }
    }
}

void sim_take_backup(struct sim *sim)
{
    struct orl_err err = {0};
    (void)unlink(backup_path);
    if (orl_store_backup(sim->processes[SIM_CHECKER].store, backup_path, &err) < 0) {
        (void)fprintf(stderr, "sim: %s\n", err.text);
        abort();
    }
    sim->has_backup = true;
    sim->backup_step = sim->step;
}

/* As an administrator may do it: put back in the store's place. */
static void put_file(const char *from, const char *to)
{
    static const char *const left[] = {"-wal", "-shm", ""};
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%.100s%s", to, left[i]);
        (void)unlink(path);
    }
    if (rename(from, to) < 0) {
        abort();
    }
}

/* A server notices a moment later that who was connected is gone. */
static void put_copy(const char *from, const char *to)
{
    const struct timespec moment = {.tv_nsec = 20000000};
    struct orl_err err = {0};
    int rc = ORL_E_CONFLICT;
    for (int i = 0; i < RESTORE_TRIES && rc == ORL_E_CONFLICT; i++) {
        rc = orl_store_restore(from, to, NULL, &err);
        (void)nanosleep(&moment, NULL);
    }
    if (rc < 0) {
        (void)fprintf(stderr, "sim: %s\n", err.text);
        abort();
    }
}

/* Everything is stopped, as the manual says. */
void sim_restore_backup(struct sim *sim)
{
    struct sim_process *checker = &sim->processes[SIM_CHECKER];
    const char *to = sim_store_path(sim, SIM_BROKER);
    sim_kill(sim, SIM_BROKER);
    sim_kill(sim, SIM_VMPOOL);
    orl_store_close(checker->store);
    checker->store = NULL;
    if (!store_place_is_postgres()) {
        put_file(backup_path, to);
    } else {
        sim_kill(sim, SIM_STRANGER); /* its store is in the same database here */
        put_copy(backup_path, to);
    }
    sim->has_backup = false;
    sim->view.is_stale = true;
    sim_open_store(sim, SIM_CHECKER);
}
