/* What must always hold, after every step; and what must hold when all is at rest. */
#include "broker/gateway_sock.h"
#include "sim.h"
#include "store/home.h"
#include "store/host.h"
#include "vmpool/network_xml.h"
#include "vmpool/reconcile_priv.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORE_CHECK_EVERY = 500 };

static struct orl_store *store_of(struct sim *sim)
{
    return sim->processes[SIM_CHECKER].store;
}

static bool is_given(enum orl_lease lease)
{
    return lease == ORL_LEASE_ASSIGNED || lease == ORL_LEASE_IN_USE ||
           lease == ORL_LEASE_DISCONNECTED;
}

struct sim_seen *sim_seen_of(struct sim *sim, const char *id)
{
    size_t at = orl_name_index_find(&sim->seen_index, ORL_NAME_KEYS(sim->seen, id), id);
    if (at != ORL_NAME_INDEX_NONE) {
        return &sim->seen[at];
    }
    if (sim->seen_count == sim->seen_room) {
        sim->seen_room = sim->seen_room ? 2 * sim->seen_room : 256;
        sim->seen = realloc(sim->seen, sim->seen_room * sizeof *sim->seen);
        if (!sim->seen) {
            abort();
        }
    }
    struct sim_seen *seen = &sim->seen[sim->seen_count];
    *seen = (struct sim_seen){0};
    (void)snprintf(seen->id, sizeof seen->id, "%s", id);
    if (!orl_name_index_add(&sim->seen_index, ORL_NAME_KEYS(sim->seen, id), sim->seen_count++)) {
        abort();
    }
    return seen;
}

/* A living vmpool touches a machine. */
void sim_check_touch(void *ctx, const char *what, const char *uuid)
{
    struct sim *sim = ctx;
    const struct fake_vm *vm = fake_find(&sim->fake, uuid);
    bool is_end = strcmp(what, "remove") == 0 || strcmp(what, "clone") == 0;
    if (vm && strcmp(vm->vm.meta.installation, sim->fake.installation) != 0) {
        sim_fail(sim, "%s of %s, which is another installation's", what, vm->vm.name);
    }
    if (vm && is_end && vm->vm.meta.kind == ORL_VM_DEDICATED && vm->guest.disk[0] &&
            !sim_seen_of(sim, vm->vm.meta.desktop)->may_go) {
        sim_fail(sim, "%s of %s, which has what %s left on it", what, vm->vm.name, vm->guest.disk);
    }
    const struct orl_desktop_row *row =
            sim->fake.installation == sim->ours.installation ? sim_view_uuid(sim, uuid) : NULL;
    if (!row) {
        return; /* the sweep's */
    }
    if (is_end && is_given(row->lease)) {
        sim_fail(sim, "%s of %.12s, which is %s by %s", what, row->id, orl_lease_name(row->lease),
                row->user);
    }
    if (strcmp(what, "suspend") == 0 && is_given(row->lease)) {
        sim_fail(sim, "suspend of %.12s, which is %s by %s", row->id, orl_lease_name(row->lease),
                row->user);
    }
    if (strcmp(what, "kill") == 0 && is_given(row->lease) && row->want != ORL_WANT_STOP &&
            row->power != ORL_POWER_FAILED && row->power != ORL_POWER_STOPPING) {
        sim_fail(sim, "kill of %.12s, which is %s", row->id, orl_lease_name(row->lease));
    }
}

void sim_check_console(struct sim *sim, const struct sim_conn *mine)
{
    for (size_t g = 0; g < SIM_GATEWAYS; g++) {
        for (size_t i = 0; i < SIM_CONNS; i++) {
            const struct sim_conn *other = &sim->gateways[g].conns[i];
            if (other->state != SIM_CONN_FREE && other->person != mine->person &&
                    strcmp(other->console, mine->console) == 0) {
                sim_fail(sim, "u%u and u%u see the screen of %s at once", mine->person,
                        other->person, mine->console);
            }
        }
    }
}

/* An old connection of the session was closed; the one it has now goes on. */
void sim_check_late_close(struct sim *sim, const char *session)
{
    struct orl_session_row row;
    if (orl_session_get(store_of(sim), session, &row, NULL) == 0 &&
            row.state == ORL_SESSION_DISCONNECTED && row.reason == ORL_REASON_CLIENT_CLOSED &&
            row.lease_until_ms >= sim_wall_ms(sim)) {
        sim_fail(sim, "the late close of an old connection of %s's disconnects session %.12s",
                row.user, row.id);
    }
}

struct checking {
    struct sim *sim;
    struct sim_waiting waiting[SIM_GATEWAYS * SIM_CONNS];
    size_t waiting_count;
    struct orl_session_row bound[SIM_GATEWAYS * SIM_CONNS];
    size_t bound_count;
};

static void check_row(struct sim *sim, const struct orl_desktop_row *row)
{
    struct sim_seen *seen = sim_seen_of(sim, row->id);
    if (is_given(row->lease)) {
        if (seen->user[0] && strcmp(seen->user, row->user) != 0 && row->kind != ORL_POOL_STATIC) {
            sim_fail(sim, "desktop %.12s was %s's and is given to %s", row->id, seen->user,
                    row->user);
        }
        sim->given += !seen->user[0];
        (void)snprintf(seen->user, sizeof seen->user, "%.15s", row->user);
    }
    if (row->kind == ORL_POOL_FLOATING) {
        if (seen->has_ended && row->lease != ORL_LEASE_ENDING) {
            sim_fail(sim, "desktop %.12s had ended and is %s", row->id, orl_lease_name(row->lease));
        }
        if (row->lease == ORL_LEASE_ENDING && !seen->has_ended) {
            seen->has_ended = true;
            sim->recycled += seen->user[0] != '\0';
        }
    }
}

static int see_session(void *ctx, const struct orl_session_row *row)
{
    struct checking *c = ctx;
    struct sim *sim = c->sim;
    size_t room = sizeof c->bound / sizeof c->bound[0];
    if (row->desktop[0] && c->bound_count < room) {
        c->bound[c->bound_count++] = *row;
    }
    const struct orl_conn *conn =
            sim->has_broker ? orl_conn_find_session(sim->broker.gateways, row->id) : NULL;
    if (!row->desktop[0] && conn && conn->state == ORL_CONN_WAITING && c->waiting_count < room) {
        struct sim_waiting *w = &c->waiting[c->waiting_count++];
        w->started_ms = row->started_ms;
        memcpy(w->session, row->id, sizeof w->session);
        (void)snprintf(w->pool, sizeof w->pool, "%.15s", row->pool);
    }
    return 0;
}

/* At the last look; or NULL. */
static const struct sim_waiting *waited(const struct sim *sim, const char *session)
{
    for (size_t i = 0; i < sim->waiting_count; i++) {
        if (strcmp(sim->waiting[i].session, session) == 0) {
            return &sim->waiting[i];
        }
    }
    return NULL;
}

/* Who got a desktop since the last look did not wait less than somebody who still waits. By what was written then: when
 * the clock was set since, who still waits has another beginning. */
static void check_queue(struct sim *sim, const struct checking *c)
{
    for (size_t b = 0; b < c->bound_count; b++) {
        const struct orl_session_row *row = &c->bound[b];
        const struct sim_waiting *served = waited(sim, row->id);
        if (!served || strcmp(row->pool, sim_pool_names[SIM_DEDICATED]) == 0) {
            continue;
        }
        for (size_t i = 0; i < c->waiting_count; i++) {
            const struct sim_waiting *w = waited(sim, c->waiting[i].session);
            if (w && strcmp(w->pool, row->pool) == 0 && w->started_ms < served->started_ms) {
                sim_fail(sim, "session %.12s was served before %.12s, which waited longer", row->id,
                        w->session);
            }
        }
    }
}

static void check_sessions(struct sim *sim)
{
    static struct checking c; /* large */
    const struct orl_session_filter live = {.is_live = true};
    c.sim = sim;
    c.waiting_count = c.bound_count = 0;
    if (orl_session_list(store_of(sim), &live, see_session, &c, NULL) < 0) {
        sim_fail(sim, "sessions can't be listed");
    }
    if (sim->failed_step != sim->step) {
        check_queue(sim, &c);
    }
    memcpy(sim->waiting, c.waiting, sizeof sim->waiting);
    sim->waiting_count = c.waiting_count;
}

static bool is_known(struct sim *sim, const struct fake_vm *vm)
{
    return vm->vm.meta.kind == ORL_VM_GOLDEN ? sim_view_golden(sim, vm->vm.meta.desktop) != NULL
                                             : sim_view_uuid(sim, vm->vm.uuid) != NULL;
}

static const struct fake_vm *image_of(const struct sim *sim, const char *id)
{
    for (size_t i = 0; i < sim->fake.count; i++) {
        const struct fake_vm *vm = &sim->fake.vms[i];
        if (vm->vm.meta.kind == ORL_VM_GOLDEN && vm->is_frozen &&
                strcmp(vm->vm.meta.desktop, id) == 0) {
            return vm;
        }
    }
    return NULL;
}

/* What it lies on is there, and is the version that its row says. */
static void check_base(struct sim *sim, const struct fake_vm *vm, const struct orl_desktop_row *row)
{
    static const char folder[] = "/golden/";
    const char *golden = strstr(vm->base, folder);
    const char *base = vm->base;
    if (golden) {
        char id[ORL_ID_LEN + 1];
        (void)snprintf(id, sizeof id, "%.*s", ORL_ID_LEN, golden + sizeof folder - 1);
        const struct fake_vm *image = image_of(sim, id);
        if (!image && !vm->has_run) {
            return; /* it is made again, of another */
        }
        if (!image) {
            sim_fail(sim, "the golden image under %s is gone", vm->vm.name);
            return;
        }
        base = image->base;
    }
    const struct sim_version *version = sim_view_version(sim, row->template_version);
    if (version && strcmp(version->path, base) != 0) {
        sim_fail(sim, "%s, of version %u, lies on %s", vm->vm.name, row->template_version, base);
    }
}

static void check_machines(struct sim *sim)
{
    if (sim->fake.resumed_again > 0) {
        sim_fail(sim, "a copy was begun again on a disk that was written to");
    }
    if (sim->fake.resumed_astray > 0) {
        sim_fail(sim, "a copy was begun on a disk that is not its image's");
    }
    for (size_t i = 0; i < sim->fake.count; i++) {
        const struct fake_vm *vm = &sim->fake.vms[i];
        if (!vm->is_late && !vm->vm.meta.is_quarantined &&
                strcmp(vm->vm.meta.installation, sim->ours.installation) == 0) {
            const struct orl_desktop_row *row = sim_view_uuid(sim, vm->vm.uuid);
            if (!is_known(sim, vm)) {
                sim_fail(sim, "machine %s has leaked: no row knows it", vm->vm.name);
            } else if (row && row->lease != ORL_LEASE_ENDING && row->template_version > 0) {
                check_base(sim, vm, row);
            }
        }
    }
}

void sim_check(struct sim *sim)
{
    struct orl_err err = {0};
    bool is_new = sim->view.is_stale;
    const struct sim_view *view = sim_view(sim);
    for (size_t i = 0; i < view->count && is_new && !sim->is_blind; i++) {
        check_row(sim, &view->rows[i]);
    }
    if (is_new || sim->must_check) {
        check_sessions(sim);
    }
    sim->must_check = false;
    check_machines(sim);
    sim_check_homes(sim);
    if (sim->step % STORE_CHECK_EVERY == 0 && !sim->is_store_weak &&
            orl_store_check(store_of(sim), &err) < 0) {
        sim_fail(sim, "store: %s", err.text);
    }
}

struct rest {
    struct sim *sim;
    bool is_empty;
    unsigned spares[SIM_POOLS], asleep[SIM_POOLS], kept[SIM_POOLS];
    uint32_t version; /* the newest that is good */
    size_t rows;
    char *text;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static void odd(struct rest *rest, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (!rest->text[0]) {
        (void)vsnprintf(rest->text, rest->size, fmt, args);
    }
    va_end(args);
}

static const struct sim_conn *conn_of(struct sim *sim, const char *session)
{
    for (size_t g = 0; g < SIM_GATEWAYS; g++) {
        for (size_t i = 0; i < SIM_CONNS; i++) {
            const struct sim_conn *conn = &sim->gateways[g].conns[i];
            if (conn->state == SIM_CONN_LIVE && strcmp(conn->session, session) == 0) {
                return conn;
            }
        }
    }
    return NULL;
}

static int rest_session(void *ctx, const struct orl_session_row *row)
{
    struct rest *rest = ctx;
    const struct sim_conn *conn = conn_of(rest->sim, row->id);
    if (rest->is_empty || row->state != ORL_SESSION_ACTIVE || !conn || !conn->console[0]) {
        odd(rest, "session %.12s of %s in %s is %s, desktop %.12s, console %.12s", row->id,
                row->user, row->pool, orl_session_state_name(row->state), row->desktop,
                conn ? conn->console : "-");
    }
    return 0;
}

static int rest_desktop(void *ctx, const struct orl_desktop_row *row)
{
    struct rest *rest = ctx;
    unsigned pool = SIM_STATIC;
    while (strcmp(sim_pool_names[pool], row->pool) != 0) {
        pool--;
    }
    const struct fake_vm *vm = fake_find(&rest->sim->fake, row->uuid);
    bool is_up = row->power == ORL_POWER_RUNNING && row->is_ready;
    bool is_asleep = row->lease == ORL_LEASE_FREE && row->power == ORL_POWER_SUSPENDED;
    bool is_spare = row->lease == ORL_LEASE_FREE && (is_up || is_asleep);
    bool is_old =
            is_spare && row->kind != ORL_POOL_STATIC && row->template_version != rest->version;
    bool is_used = row->lease == ORL_LEASE_IN_USE && is_up;
    bool is_kept = row->lease == ORL_LEASE_ASSIGNED && row->kind == ORL_POOL_DEDICATED &&
                   row->power == ORL_POWER_STOPPED;
    /* Deleted after the backup was made: the row says so, and waits for the administrator. */
    bool is_lost = rest->sim->restores > 0 && row->power == ORL_POWER_FAILED &&
                   (!vm || !vm->is_defined) && row->lease == ORL_LEASE_ASSIGNED &&
                   row->reason != ORL_REASON_NONE;
    if (is_lost) {
        rest->kept[pool]++;
        return 0;
    }
    bool has_machine = row->kind == ORL_POOL_STATIC || (vm && vm->is_defined && vm->has_overlay);
    rest->spares[pool] += is_spare && !is_asleep;
    rest->asleep[pool] += is_asleep;
    rest->kept[pool] += is_used || is_kept;
    rest->rows++;
    if (is_old) {
        odd(rest, "spare %.12s of %s lies on version %u, not %u", row->id, row->pool,
                row->template_version, rest->version);
    }
    if (!has_machine || (!is_spare && !is_used && !is_kept)) {
        odd(rest, "%s %.12s is %s %s ready %d want %s attempts %u retry in %lld ms, %s: %s",
                orl_pool_kind_name(row->kind), row->id, orl_lease_name(row->lease),
                orl_power_name(row->power), row->is_ready, orl_want_name(row->want), row->attempts,
                (long long)row->retry_ms - (long long)sim_wall_ms(rest->sim),
                has_machine ? "has a machine" : "has no machine", row->reason_text);
    }
    return 0;
}

static int rest_pool(void *ctx, const struct orl_pool_row *row)
{
    struct rest *rest = ctx;
    if (row->problem != ORL_REASON_NONE) {
        odd(rest, "pool %s has a problem: %s %s", row->name, orl_reason_code(row->problem),
                row->problem_text);
    }
    return 0;
}

static int is_in_quarantine(void *ctx, const struct orl_quarantine_row *row)
{
    return strcmp(row->domain, ctx) == 0;
}

static void rest_machines(struct rest *rest)
{
    struct sim *sim = rest->sim;
    for (size_t i = 0; i < sim->fake.count; i++) {
        struct fake_vm *vm = &sim->fake.vms[i];
        if (strcmp(vm->vm.meta.installation, sim->ours.installation) == 0 &&
                orl_quarantine_list(store_of(sim), NULL, is_in_quarantine, vm->vm.name, NULL) ==
                        0 &&
                !is_known(sim, vm)) {
            odd(rest, "machine %s (%s) is nobody's and still there", vm->vm.name,
                    vm->is_defined ? "defined" : "an overlay alone");
        }
    }
}

static int rest_home(void *ctx, const struct orl_home_row *row)
{
    struct rest *rest = ctx;
    struct orl_desktop_row desktop;
    bool is_held = row->desktop[0] &&
                   orl_desktop_get(store_of(rest->sim), row->desktop, &desktop, NULL) == 0;
    if (row->desktop[0] && (!is_held || rest->is_empty)) {
        odd(rest, "the home of %s is still on desktop %.12s", row->user, row->desktop);
    }
    return 0;
}

/* A person's machine that is gone since the backup: its row, and so its card, waits for the administrator. */
static bool is_card_of_lost(const struct sim *sim, const char *mac)
{
    for (size_t i = 0; i < sim->view.count && sim->restores > 0; i++) {
        char own[18];
        const struct orl_desktop_row *row = &sim->view.rows[i];
        orl_network_mac(own, row->id, row->version);
        if (row->power == ORL_POWER_FAILED && row->reason == ORL_REASON_DESKTOP_LOST &&
                strcmp(own, mac) == 0) {
            return true;
        }
    }
    return false;
}

static void rest_cards(struct rest *rest)
{
    const struct fake *fake = &rest->sim->fake;
    for (size_t c = 0; c < fake->card_count; c++) {
        bool has_machine = strcmp(fake->cards[c].installation, rest->sim->ours.installation) != 0;
        for (size_t i = 0; i < fake->count && !has_machine; i++) {
            char mac[18];
            orl_network_mac(mac, fake->vms[i].vm.meta.desktop, fake->vms[i].vm.meta.version);
            has_machine = strcmp(mac, fake->cards[c].kept.mac) == 0;
        }
        if (!has_machine && !is_card_of_lost(rest->sim, fake->cards[c].kept.mac)) {
            odd(rest, "an address is kept for card %s, which nobody has", fake->cards[c].kept.mac);
        }
    }
}

/* What vmpool thinks of it, for whoever must find out why nothing happens. */
static void tell_memo(struct rest *rest)
{
    const struct orl_reconcile *r = rest->sim->ours.reconcile;
    size_t at = strlen(rest->text);
    for (size_t i = 0; r && at > 0 && i < r->memo_count; i++) {
        const struct orl_memo *m = &r->memos[i];
        if (m->is_busy && at < rest->size) {
            at += (size_t)snprintf(rest->text + at, rest->size - at, "; %.12s busy since %lld ms",
                    m->key, (long long)sim_wall_ms(rest->sim) - (long long)m->busy_since_ms);
        }
    }
    if (r && at > 0 && at < rest->size) {
        (void)snprintf(rest->text + at, rest->size - at, "; %s, %zu jobs, observing %d",
                r->is_up ? "up" : "down", rest->sim->job_count, r->is_observing);
    }
}

static uint32_t newest_good(struct sim *sim)
{
    const struct sim_view *view = sim_view(sim);
    uint32_t newest = 0;
    for (size_t i = 0; i < view->version_count; i++) {
        const struct sim_version *v = &view->versions[i];
        newest = v->is_ready && v->version > newest ? v->version : newest;
    }
    return newest;
}

void sim_judge_rest(struct sim *sim, bool is_empty, char *ret_text, size_t size)
{
    const struct orl_session_filter live = {.is_live = true};
    const struct orl_desktop_filter all = {0};
    struct rest rest = {.sim = sim, .is_empty = is_empty, .text = ret_text, .size = size};
    ret_text[0] = '\0';
    rest.version = newest_good(sim);
    if (orl_session_list(store_of(sim), &live, rest_session, &rest, NULL) < 0 ||
            orl_desktop_list(store_of(sim), &all, rest_desktop, &rest, NULL) < 0 ||
            orl_pool_list(store_of(sim), NULL, rest_pool, &rest, NULL) < 0) {
        odd(&rest, "the store can't be read");
    }
    rest_machines(&rest);
    rest_cards(&rest);
    (void)!orl_home_list(store_of(sim), NULL, rest_home, &rest, NULL);
    for (unsigned p = 0; p < SIM_STATIC; p++) {
        struct orl_pool_row pool = {0};
        if (orl_pool_get(store_of(sim), sim_pool_names[p], &pool, NULL) < 0) {
            odd(&rest, "pool %s is gone", sim_pool_names[p]);
            continue;
        }
        unsigned room = pool.max_desktops > rest.kept[p] ? pool.max_desktops - rest.kept[p] : 0;
        /* One that is deleted is there as long as somebody's desktop is. */
        room = pool.is_deleted ? 0 : room;
        unsigned wanted = pool.spares < room ? pool.spares : room;
        unsigned beside = room - wanted;
        unsigned asleep = pool.spares_suspended < beside ? pool.spares_suspended : beside;
        if (rest.spares[p] != wanted || rest.asleep[p] != asleep) {
            odd(&rest,
                    "pool %s has %u spares and %u asleep, wants %u and %u; %u others of %u, retry "
                    "in "
                    "%lld ms",
                    sim_pool_names[p], rest.spares[p], rest.asleep[p], wanted, asleep, rest.kept[p],
                    pool.max_desktops, (long long)pool.retry_ms - (long long)sim_wall_ms(sim));
        }
    }
    tell_memo(&rest);
}
