/* What reaches the broker by its API: people who log off, administrators who change things. And who has
 * a root shell: kills, the clock, the backup. */
#include "broker/pool_drain.h"
#include "broker/revoke.h"
#include "broker/session_lease.h"
#include "sim.h"
#include "store/alarm.h"
#include "store/entitlement.h"
#include "store/host.h"
#include "store/template.h"
#include "store/user.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLOATING_MAX = 6, DEDICATED_MAX = SIM_PEOPLE + 2, STATIC_DESKTOPS = 2, TIMEOUT_S = 30 };

static void must(int rc, const struct orl_err *err)
{
    if (rc < 0) {
        (void)fprintf(stderr, "sim: %s\n", err->text);
        abort();
    }
}

static void fill_pool(struct orl_pool_row *pool, enum sim_pool which)
{
    (void)snprintf(pool->name, sizeof pool->name, "%s", sim_pool_names[which]);
    pool->kind = sim_pool_kinds[which];
    orl_pool_set_defaults(pool, sim_pool_kinds[which]);
    if (which != SIM_STATIC) {
        (void)snprintf(pool->template_name, sizeof pool->template_name, "t");
    }
    static const uint32_t spares[] = {2, 1, 1, 0};
    static const uint32_t most[] = {FLOATING_MAX, FLOATING_MAX, DEDICATED_MAX, STATIC_DESKTOPS};
    pool->spares = spares[which];
    pool->spares_suspended = which == SIM_INSTANT;
    pool->max_desktops = most[which];
    pool->disconnect_timeout_s = TIMEOUT_S;
    pool->clone_method = which == SIM_INSTANT ? ORL_CLONE_AUTO : ORL_CLONE_COLD;
    pool->is_maintenance = false;
    pool->person.home = which == SIM_INSTANT ? ORL_HOME_VOLUME : ORL_HOME_NONE;
    pool->person.home_size_mib = which == SIM_INSTANT ? 64 : 0;
}

static void fill_people(struct orl_store *store, uint64_t now_ms)
{
    struct orl_err err = {0};
    for (unsigned i = 0; i < SIM_PEOPLE; i++) {
        struct orl_user_row user = {.role = ORL_ROLE_USER, .password_hash = "known"};
        sim_person_name(i, user.name);
        must(orl_user_insert(store, &user, now_ms, &err), &err);
        for (unsigned p = 0; p < SIM_POOLS; p++) {
            must(orl_entitlement_insert(store, user.name, sim_pool_names[p], &err), &err);
        }
    }
    for (unsigned i = 0; i < STATIC_DESKTOPS; i++) {
        struct orl_desktop_row row = {.lease = ORL_LEASE_FREE, .power = ORL_POWER_RUNNING};
        (void)snprintf(row.pool, sizeof row.pool, "%s", sim_pool_names[SIM_STATIC]);
        (void)snprintf(row.vnc_target, sizeof row.vnc_target, "198.51.100.%u:5900", i + 1);
        must(orl_desktop_insert(store, &row, "sim", now_ms, NULL, &err), &err);
    }
}

void sim_fill_store(struct sim *sim, enum sim_who who)
{
    struct orl_err err = {0};
    struct orl_store *store = sim->processes[who].store;
    uint64_t now_ms = sim_wall_ms(sim);
    struct orl_template_row t = {.name = "t",
            .kind = ORL_TEMPLATE_DISK,
            .path = "/fake/template-1.qcow2",
            .memory_mib = 512,
            .vcpus = 1};
    must(orl_template_insert(store, &t, now_ms, &err), &err);
    t.version = 1;
    t.state = ORL_TEMPLATE_READY;
    must(orl_template_observe(store, &t, &err), &err);
    for (unsigned p = 0; p < SIM_POOLS && (who != SIM_STRANGER || p < 1); p++) {
        struct orl_pool_row pool = {0};
        fill_pool(&pool, (enum sim_pool)p);
        must(orl_pool_insert(store, &pool, now_ms, &err), &err);
    }
    if (who == SIM_STRANGER) {
        struct orl_user_row user = {.role = ORL_ROLE_USER, .name = "guest"};
        must(orl_user_insert(store, &user, now_ms, &err), &err);
    } else {
        fill_people(store, now_ms);
    }
}

/* A request of the broker's API: it may die of it. */
static bool enter_api(struct sim *sim, enum sim_who *ret_before)
{
    if (!sim->has_broker || sim->processes[SIM_BROKER].is_running) {
        return false;
    }
    *ret_before = sim_enter(sim, SIM_BROKER);
    return true;
}

static void leave_api(struct sim *sim, enum sim_who before)
{
    if (!sim->processes[SIM_BROKER].is_dying) {
        sim_loop_turn(sim->loop);
    }
    sim_leave(sim, before);
}

void sim_changes_pool(struct sim *sim)
{
    enum sim_who before;
    struct orl_pool_row row;
    unsigned which = sim_pick(sim, SIM_POOLS);
    if (!enter_api(sim, &before)) {
        return;
    }
    if (orl_pool_get(sim->broker.store, sim_pool_names[which], &row, NULL) == 0) {
        row.spares = which == SIM_STATIC ? 0 : sim_pick(sim, 4);
        row.spares_suspended = which == SIM_STATIC ? 0 : sim_pick(sim, 3);
        row.max_desktops = 4 + sim_pick(sim, 5);
        row.is_maintenance = sim_pick(sim, 12) == 0;
        int rc = orl_pool_update(sim->broker.store, &row, NULL);
        sim_note(sim, "pool %s: spares %u max %u%s: %d", row.name, row.spares, row.max_desktops,
                row.is_maintenance ? " maintenance" : "", rc);
    }
    leave_api(sim, before);
}

/* A new version, good or not; or a pool is set to one, which may be older; or one is forgotten. */
void sim_moves_template(struct sim *sim)
{
    enum sim_who before;
    struct orl_template_row t;
    struct orl_pool_row pool;
    unsigned how = sim_pick(sim, 4);
    uint32_t version = sim_pick(sim, SIM_VERSIONS);
    const char *name = sim_pool_names[sim_pick(sim, SIM_STATIC)];
    if (!enter_api(sim, &before)) {
        return;
    }
    struct orl_store *store = sim->broker.store;
    if (how == 0 && orl_template_get(store, "t", 0, &t, NULL) == 0 && t.version < SIM_VERSIONS) {
        (void)snprintf(t.path, sizeof t.path, "/fake/%s-%u.qcow2",
                sim_pick(sim, 4) == 0 ? "bad" : "template", t.version + 1);
        int rc = orl_template_add_version(store, &t, sim_wall_ms(sim), &version, NULL);
        sim_note(sim, "a new version of the template, %s: %d", t.path, rc);
    } else if (how == 1 && version > 0) {
        int rc = orl_template_remove(store, "t", version, NULL);
        sim_note(sim, "version %u of the template is forgotten: %d", version, rc);
    } else if (how > 1 && orl_pool_get(store, name, &pool, NULL) == 0) {
        pool.template_version = version;
        int rc = orl_pool_update(store, &pool, NULL);
        sim_note(sim, "pool %s moves to version %u: %d", pool.name, version, rc);
    }
    leave_api(sim, before);
}

struct picked {
    struct sim *sim;
    unsigned count;
    struct orl_session_row session;
    struct orl_desktop_row desktop;
    struct orl_quarantine_row quarantine;
};

static int pick_session(void *ctx, const struct orl_session_row *row)
{
    struct picked *p = ctx;
    if (sim_pick(p->sim, ++p->count) == 0) {
        p->session = *row;
    }
    return 0;
}

static int pick_desktop(void *ctx, const struct orl_desktop_row *row)
{
    struct picked *p = ctx;
    if (sim_pick(p->sim, ++p->count) == 0) {
        p->desktop = *row;
    }
    return 0;
}

static int pick_quarantine(void *ctx, const struct orl_quarantine_row *row)
{
    struct picked *p = ctx;
    if (sim_pick(p->sim, ++p->count) == 0) {
        p->quarantine = *row;
    }
    return 0;
}

static bool any_session(struct sim *sim, struct picked *p)
{
    const struct orl_session_filter live = {.is_live = true};
    *p = (struct picked){.sim = sim};
    return orl_session_list(sim->broker.store, &live, pick_session, p, NULL) == 0 && p->count > 0;
}

static bool any_desktop(struct sim *sim, struct picked *p)
{
    const struct orl_desktop_filter all = {0};
    *p = (struct picked){.sim = sim};
    return orl_desktop_list(sim->broker.store, &all, pick_desktop, p, NULL) == 0 && p->count > 0;
}

void sim_logs_off(struct sim *sim)
{
    enum sim_who before;
    struct picked p = {0};
    if (!enter_api(sim, &before)) {
        return;
    }
    if (any_session(sim, &p)) {
        int rc = orl_leases_end(
                &sim->broker, p.session.id, ORL_REASON_LOGGED_OFF, p.session.user, NULL);
        sim_note(sim, "%s logs off %.12s: %d", p.session.user, p.session.id, rc);
    }
    leave_api(sim, before);
    if (p.count > 0 && sim_pick(sim, 2) == 0) {
        sim_logs_in_again(sim, p.session.user, p.session.pool);
    }
}

static struct sim_conn *conn_at_home(struct sim *sim)
{
    struct sim_gateway *gateway = &sim->gateways[sim_pick(sim, SIM_GATEWAYS)];
    for (size_t i = 0; i < SIM_CONNS; i++) {
        struct sim_conn *conn = &gateway->conns[i];
        const struct fake_vm *vm = conn->console[0] ? fake_find(&sim->fake, conn->console) : NULL;
        if (conn->pool == SIM_INSTANT && !conn->is_mute && vm && vm->home[0]) {
            return conn;
        }
    }
    return NULL;
}

/* Off, and in again at once: a home has to get from a machine that is not gone yet to the next. */
void sim_changes_machine(struct sim *sim)
{
    enum sim_who before;
    char name[16];
    struct sim_conn *conn = conn_at_home(sim);
    if (!conn || !enter_api(sim, &before)) {
        return;
    }
    sim_use(sim, conn);
    sim_person_name(conn->person, name);
    int rc = orl_leases_end(&sim->broker, conn->session, ORL_REASON_LOGGED_OFF, name, NULL);
    sim_note(sim, "%s wants another machine than %.12s's: %d", name, conn->session, rc);
    leave_api(sim, before);
    sim_logs_in_again(sim, name, sim_pool_names[SIM_INSTANT]);
}

void sim_wants_restart(struct sim *sim)
{
    enum sim_who before;
    struct picked p;
    if (!enter_api(sim, &before)) {
        return;
    }
    if (any_session(sim, &p) && p.session.desktop[0]) {
        int rc = orl_desktop_ask_restart(
                sim->broker.store, p.session.desktop, p.session.user, sim_wall_ms(sim), NULL);
        sim_note(sim, "%s wants a restart of %.12s: %d", p.session.user, p.session.desktop, rc);
    }
    leave_api(sim, before);
}

void sim_ends_session(struct sim *sim)
{
    enum sim_who before;
    struct picked p;
    if (!enter_api(sim, &before)) {
        return;
    }
    if (any_session(sim, &p)) {
        bool is_end = sim_pick(sim, 2) == 0;
        int rc = is_end ? orl_leases_end(&sim->broker, p.session.id, ORL_REASON_CLOSED_BY_ADMIN,
                                  "admin", NULL)
                        : orl_leases_disconnect(
                                  &sim->broker, p.session.id, ORL_REASON_CLOSED_BY_ADMIN, NULL);
        sim_note(sim, "the administrator %s %.12s: %d", is_end ? "ends" : "disconnects",
                p.session.id, rc);
    }
    leave_api(sim, before);
}

void sim_deletes_desktop(struct sim *sim)
{
    enum sim_who before;
    struct picked p;
    if (!enter_api(sim, &before)) {
        return;
    }
    if (any_desktop(sim, &p) && p.desktop.kind != ORL_POOL_STATIC) {
        struct sim_seen *seen = sim_seen_of(sim, p.desktop.id);
        seen->may_go = true; /* also when the answer is lost */
        int rc = orl_pool_drain_desktop(&sim->broker, &p.desktop, "admin", NULL);
        sim_note(sim, "the administrator deletes %.12s: %d", p.desktop.id, rc);
    }
    leave_api(sim, before);
}

void sim_maintains_desktop(struct sim *sim)
{
    enum sim_who before;
    struct picked p;
    if (!enter_api(sim, &before)) {
        return;
    }
    if (any_desktop(sim, &p)) {
        int rc = orl_desktop_set_maintenance(sim->broker.store, p.desktop.id,
                !p.desktop.is_maintenance, "admin", sim_wall_ms(sim), NULL);
        sim_note(sim, "maintenance of %.12s: %d", p.desktop.id, rc);
    }
    leave_api(sim, before);
}

void sim_revokes(struct sim *sim)
{
    enum sim_who before;
    char name[16];
    struct orl_user_row user;
    if (!enter_api(sim, &before)) {
        return;
    }
    sim_person_name(sim_pick(sim, SIM_PEOPLE), name);
    if (orl_user_get(sim->broker.store, name, &user, NULL) == 0) {
        user.is_disabled = !user.is_disabled && sim_pick(sim, 3) == 0;
        int rc = orl_user_update(sim->broker.store, &user, NULL);
        if (rc == 0 && user.is_disabled) {
            rc = orl_revoke_person(&sim->broker, name, NULL, NULL);
        }
        sim_note(sim, "%s is %s: %d", name, user.is_disabled ? "disabled" : "enabled", rc);
    }
    leave_api(sim, before);
}

/* What was found without a row. Gone for good only when the administrator says so. */
void sim_judges(struct sim *sim)
{
    enum sim_who before;
    struct picked p = {.sim = sim};
    if (!enter_api(sim, &before)) {
        return;
    }
    if (orl_quarantine_list(sim->broker.store, NULL, pick_quarantine, &p, NULL) == 0 &&
            p.count > 0) {
        bool is_purge = sim_pick(sim, 3) == 0;
        if (is_purge) {
            sim_seen_of(sim, p.quarantine.id)->may_go = true;
        }
        int rc = orl_quarantine_judge(sim->broker.store, p.quarantine.id,
                is_purge ? ORL_VERDICT_PURGE : ORL_VERDICT_ADOPT, "admin", sim_wall_ms(sim), NULL);
        sim_note(sim, "%s %.12s of %s: %d", is_purge ? "purge" : "adopt", p.quarantine.id,
                p.quarantine.user, rc);
    }
    leave_api(sim, before);
}

/* Its people's sessions end with it; soon it is made anew. */
void sim_deletes_pool(struct sim *sim)
{
    enum sim_who before;
    struct orl_pool_row row = {0};
    if (!enter_api(sim, &before)) {
        return;
    }
    const char *name = sim_pool_names[sim_pick(sim, SIM_DEDICATED)];
    sim_homes_anew(sim);
    bool is_gone = orl_pool_get(sim->broker.store, name, &row, NULL) == ORL_E_NOTFOUND;
    if (!is_gone && sim_pick(sim, 4) == 0) {
        sim_note(sim, "pool %s is deleted: %d", name,
                orl_pool_set_deleted(sim->broker.store, name, NULL));
    }
    leave_api(sim, before);
    if (is_gone) {
        sim_repair(sim);
    }
}

void sim_sets_clock(struct sim *sim)
{
    static const int by_s[] = {-3600, -600, -60, -1, 1, 60, 600, 3600};
    int64_t by_ms = by_s[sim_pick(sim, sizeof by_s / sizeof by_s[0])] * INT64_C(1000);
    sim_fault(sim, "the clock is set by %lld ms", (long long)by_ms);
    sim->wall_ms += by_ms;
    sim->ours.shift_ms += by_ms;
    sim->stranger.shift_ms += by_ms;
    sim->jumps++;
}

void sim_backs_up(struct sim *sim)
{
    if (!sim->has_backup && !sim->processes[SIM_BROKER].is_running) {
        sim_note(sim, "backup");
        sim_take_backup(sim);
    }
}

void sim_restores(struct sim *sim)
{
    if (sim->has_backup && sim->step > sim->backup_step + 400 && !sim->fake.is_down) {
        sim_fault(sim, "the backup of step %llu is restored", (unsigned long long)sim->backup_step);
        sim_restore_backup(sim);
        sim->restores++;
        sim_homes_anew(sim);
        for (size_t i = 0; i < sim->seen_count; i++) { /* the past is another now */
            sim->seen[i].user[0] = '\0';
            sim->seen[i].has_ended = false;
        }
        for (size_t i = 0; i < sim->fake.count; i++) { /* may be nobody's until it is swept */
            sim->fake.vms[i].is_late = true;
        }
    }
}

void sim_kills_broker(struct sim *sim)
{
    sim_fault(sim, "the broker is killed");
    sim_kill(sim, SIM_BROKER);
}

void sim_kills_vmpool(struct sim *sim)
{
    sim_fault(sim, "vmpool is killed");
    sim_kill(sim, SIM_VMPOOL);
}

void sim_kills_stranger(struct sim *sim)
{
    sim_fault(sim, "the other vmpool is killed");
    sim_kill(sim, SIM_STRANGER);
}

static int end_maintenance(void *ctx, const struct orl_desktop_row *row)
{
    struct picked *p = ctx;
    if (row->is_maintenance) {
        p->desktop = *row;
        p->count++;
    }
    return p->count > 0;
}

/* Everything as it was in the beginning, for what is not a fault but somebody's wish. */
void sim_repair(struct sim *sim)
{
    struct orl_store *store = sim->processes[SIM_CHECKER].store;
    struct orl_err err = {0};
    const struct orl_desktop_filter all = {0};
    struct picked p = {.count = 1};
    while (p.count > 0) {
        p.count = 0;
        (void)!orl_desktop_list(store, &all, end_maintenance, &p, NULL);
        if (p.count > 0) {
            must(orl_desktop_set_maintenance(
                         store, p.desktop.id, false, "sim", sim_wall_ms(sim), &err),
                    &err);
        }
    }
    /* Has looked: what nobody knows is left-overs. */
    must(orl_alarm_clear(store, ORL_REASON_SWEEP_STOPPED, "sweep:here", sim_wall_ms(sim), &err),
            &err);
    for (unsigned i = 0; i < SIM_POOLS; i++) {
        struct orl_pool_row pool = {0};
        int rc = orl_pool_get(store, sim_pool_names[i], &pool, NULL);
        fill_pool(&pool, (enum sim_pool)i);
        rc = rc == ORL_E_NOTFOUND ? orl_pool_insert(store, &pool, sim_wall_ms(sim), &err)
                                  : orl_pool_update(store, &pool, &err);
        must(rc, &err);
        for (unsigned u = 0; u < SIM_PEOPLE; u++) {
            struct orl_user_row user;
            char name[16];
            sim_person_name(u, name);
            must(orl_user_get(store, name, &user, &err), &err);
            user.is_disabled = false;
            must(orl_user_update(store, &user, &err), &err);
            if (orl_entitlement_has(store, name, pool.name, &err) == 0 && !pool.is_deleted) {
                must(orl_entitlement_insert(store, name, pool.name, &err), &err);
            }
        }
    }
}
