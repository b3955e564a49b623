/* The people in the guests: what a guest's hook answers, late or never, and the homes that are plugged into machines.
 * In place of vmpool/hook_link.c. */
#include "sim.h"
#include "store/home.h"
#include "vmpool/hook_link.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASKED = 4, FD_FIRST = 1 << 20, LOST_ONE_IN = 25, FAILS_ONE_IN = 25 };

struct question {
    char verb[16];
    char user[16];
    uint64_t serial;
    uint64_t due_ms;
    bool is_lost; /* no answer comes */
};
struct orl_hook_link {
    struct orl_hook_link_cfg cfg;
    char uuid[ORL_UUID_LEN + 1];
    unsigned boots; /* of the guest, when its port was opened */
    struct question asked[ASKED];
    unsigned count;
};

static bool is_plugged(const struct fake_vm *vm)
{
    return vm->home[0] && (vm->vm.state == ORL_VM_RUNNING || vm->vm.state == ORL_VM_PAUSED);
}

static bool is_booted(const struct fake_vm *vm)
{
    return vm && vm->vm.state == ORL_VM_RUNNING && vm->boot_left == 0;
}

static bool has_bad_luck(struct sim *sim, unsigned one_in, const char *what)
{
    if (sim->is_calm || !sim_one_in(sim, one_in)) {
        return false;
    }
    sim_fault(sim, "%s", what);
    return true;
}

/* ---- the hypervisor's part ---- */

int sim_hook_open(void *self, const char *uuid, int *ret_fd, struct orl_err *err)
{
    struct sim *sim = sim_the;
    (void)self;
    if (sim->fake.is_down || !is_booted(fake_find(&sim->fake, uuid)) ||
            has_bad_luck(sim, LOST_ONE_IN, "a hook's port is not opened")) {
        return orl_err_set(err, ORL_E_BACKEND, "nobody has the port open");
    }
    unsigned port = sim->next_port++ % SIM_PORTS;
    memcpy(sim->ports[port], uuid, sizeof sim->ports[port]);
    *ret_fd = FD_FIRST + (int)port;
    return 0;
}

struct wanted {
    const char *path;
    struct orl_home_row row;
    bool is_found;
};

static int match_path(void *ctx, const struct orl_home_row *row)
{
    struct wanted *wanted = ctx;
    if (strcmp(row->path, wanted->path) == 0) {
        wanted->row = *row;
        wanted->is_found = true;
    }
    return 0;
}

static unsigned person_of(const char *user)
{
    return (unsigned)strtoul(user + 1, NULL, 10) % SIM_PEOPLE;
}

static struct wanted row_of(struct sim *sim, const char *path)
{
    struct wanted wanted = {.path = path};
    enum sim_who caller = sim->current;
    sim->current = SIM_CHECKER; /* whose calls don't fail */
    (void)!orl_home_list(sim->processes[SIM_CHECKER].store, NULL, match_path, &wanted, NULL);
    sim->current = caller;
    return wanted;
}

/* Under the fence: the row says that it is this desktop's and this person's, before the disk is there. */
static void check_fence(struct sim *sim, const struct fake_vm *vm, struct sim_home *home)
{
    struct wanted wanted = row_of(sim, home->path);
    const struct orl_desktop_row *row = sim_view_uuid(sim, vm->vm.uuid);
    if (!wanted.is_found || strcmp(wanted.row.desktop, vm->vm.meta.desktop) != 0) {
        sim_fail(sim, "home %s is plugged into %s, its row says desktop '%.12s'", home->path,
                vm->vm.name, wanted.is_found ? wanted.row.desktop : "none");
        return;
    }
    if (row && strcmp(row->user, wanted.row.user) != 0) {
        sim_fail(sim, "the home of %s is plugged into %s of %s", wanted.row.user, vm->vm.name,
                row->user);
    }
    (void)snprintf(home->user, sizeof home->user, "%.15s", wanted.row.user);
    unsigned person = person_of(wanted.row.user);
    if (home->writes != sim->home_writes[person] && !sim->is_home_anew[person]) {
        sim_fail(sim, "u%u left %u things at home, and finds %u", person, sim->home_writes[person],
                home->writes);
    }
    sim->home_writes[person] = home->writes;
    sim->is_home_anew[person] = false;
}

static struct sim_home *home_at(struct sim *sim, const char *path)
{
    for (size_t i = 0; i < sim->home_count; i++) {
        if (strcmp(sim->homes[i].path, path) == 0) {
            return &sim->homes[i];
        }
    }
    return NULL;
}

static struct sim_home *make_home(struct sim *sim, const struct orl_vm_home *want)
{
    struct sim_home *home = home_at(sim, want->path);
    if (home) {
        return home;
    }
    if (want->is_used || sim->home_count == SIM_HOMES) {
        sim_fail(sim, "home %s has been in use, and its file is not there", want->path);
        return NULL;
    }
    home = &sim->homes[sim->home_count++];
    (void)snprintf(home->path, sizeof home->path, "%s", want->path);
    return home;
}

/* QEMU locks what it has open. Only a machine that a lost store does not know may stand in the way. */
static bool is_elsewhere(struct sim *sim, const struct fake_vm *mine, const char *path)
{
    for (size_t i = 0; i < sim->fake.count; i++) {
        const struct fake_vm *vm = &sim->fake.vms[i];
        if (vm != mine && is_plugged(vm) && strcmp(vm->home, path) == 0) {
            if (!vm->is_late && !mine->is_late) {
                sim_fail(sim, "home %s for %s is in %s", path, mine->vm.name, vm->vm.name);
            }
            return true;
        }
    }
    return false;
}

/* A machine has one home, and keeps it. A store from yesterday alone may offer it another: its person's, who were at
 * home first after the backup was made. */
static void check_other(struct sim *sim, const struct fake_vm *vm, const char *path)
{
    const struct sim_home *home = home_at(sim, vm->home);
    struct wanted offered = row_of(sim, path);
    bool is_forgotten = sim->restores > 0 && !row_of(sim, vm->home).is_found;
    if (!is_forgotten || !offered.is_found || !home || strcmp(home->user, offered.row.user) != 0) {
        sim_fail(sim, "%s has home %s of %s, and is to get %s of %s", vm->vm.name, vm->home,
                home ? home->user : "nobody", path, offered.is_found ? offered.row.user : "nobody");
    }
}

int sim_home_attach(
        void *self, const char *uuid, const struct orl_vm_home *want, struct orl_err *err)
{
    struct sim *sim = sim_the;
    struct fake_vm *vm = fake_find(&sim->fake, uuid);
    (void)self;
    if (sim->processes[SIM_VMPOOL].is_dying || sim->fake.is_down || !vm ||
            vm->vm.state != ORL_VM_RUNNING ||
            has_bad_luck(sim, LOST_ONE_IN, "a home is not plugged in")) {
        return orl_err_set(err, ORL_E_BACKEND, "no such machine runs");
    }
    if (vm->home[0] && strcmp(vm->home, want->path) != 0) {
        check_other(sim, vm, want->path);
        return orl_err_set(err, ORL_E_CONFLICT, "another home is attached");
    }
    if (is_elsewhere(sim, vm, want->path)) {
        return orl_err_set(err, ORL_E_BACKEND, "another process has it locked");
    }
    struct sim_home *home = make_home(sim, want);
    if (!home) {
        return orl_err_set(err, ORL_E_NOTFOUND, "its file is missing");
    }
    if (!vm->home[0]) {
        check_fence(sim, vm, home);
    }
    (void)snprintf(vm->home, sizeof vm->home, "%s", home->path);
    return has_bad_luck(sim, FAILS_ONE_IN, "a home is plugged in, and the answer lost")
                   ? orl_err_set(err, ORL_E_BACKEND, "the answer was lost")
                   : 0;
}

/* ---- the hook ---- */

int orl_hook_link_new(
        const struct orl_hook_link_cfg *cfg, struct orl_hook_link **ret_link, struct orl_err *err)
{
    struct sim *sim = sim_the;
    struct orl_hook_link *link = sim->link_count < SIM_LINKS ? calloc(1, sizeof *link) : NULL;
    if (!link) {
        return orl_err_set(err, ORL_E_LIMIT, "no more links");
    }
    link->cfg = *cfg;
    memcpy(link->uuid, sim->ports[cfg->fd - FD_FIRST], sizeof link->uuid);
    const struct fake_vm *vm = fake_find(&sim->fake, link->uuid);
    link->boots = vm ? vm->boots : 0;
    sim->links[sim->link_count++] = link;
    *ret_link = link;
    return 0;
}

void orl_hook_link_free(struct orl_hook_link *link)
{
    struct sim *sim = sim_the;
    for (size_t i = 0; link && i < sim->link_count; i++) {
        if (sim->links[i] == link) {
            sim->links[i] = sim->links[--sim->link_count];
            break;
        }
    }
    free(link);
}

void orl_hook_link_ask(
        struct orl_hook_link *link, const struct orl_hook_msg *msg, uint64_t timeout_ms)
{
    struct sim *sim = sim_the;
    if (link->count == ASKED) {
        sim_fail(sim, "a hook is asked too much at once");
        return;
    }
    struct question *q = &link->asked[link->count++];
    *q = (struct question){.serial = msg->serial, .due_ms = sim->now_ms + timeout_ms};
    (void)snprintf(q->verb, sizeof q->verb, "%.15s", msg->verb);
    (void)snprintf(q->user, sizeof q->user, "%.15s", orl_hook_msg_get(msg, "user"));
    q->is_lost = has_bad_luck(sim, LOST_ONE_IN, "a guest's hook does not answer");
}

static void let_in(struct sim *sim, struct fake_vm *vm, const char *user)
{
    struct sim_home *home = home_at(sim, vm->home);
    if (vm->person[0] && strcmp(vm->person, user) != 0) {
        sim_fail(sim, "%s is let into %s, where %s is", user, vm->vm.name, vm->person);
    }
    if (is_plugged(vm) && home && home->owner[0] && strcmp(home->owner, user) != 0) {
        sim_fail(sim, "%s is let into %s with the home of %s", user, vm->vm.name, home->owner);
    }
    (void)snprintf(vm->person, sizeof vm->person, "%s", user);
    sim->let_in++;
}

/* What the guest does, and says. */
static void answer(
        struct sim *sim, struct fake_vm *vm, const struct question *q, struct orl_hook_msg *ret_msg)
{
    if (strcmp(q->verb, "hello") == 0) {
        enum orl_guest_state state = vm->person[0]  ? ORL_GUEST_LOGGED_ON
                                     : vm->was_used ? ORL_GUEST_LOGGED_OFF
                                                    : ORL_GUEST_UNKNOWN;
        orl_hook_msg_init(ret_msg, "hello", q->serial);
        orl_hook_msg_put(ret_msg, "state", orl_guest_state_name(state));
        return;
    }
    if (has_bad_luck(sim, FAILS_ONE_IN, "a guest's hook fails")) {
        orl_hook_msg_init(ret_msg, "failed", q->serial);
        orl_hook_msg_put(ret_msg, "code", "account");
        return;
    }
    if (strcmp(q->verb, "assign") == 0) {
        let_in(sim, vm, q->user);
        vm->was_used = true;
    } else {
        vm->person[0] = '\0';
    }
    orl_hook_msg_init(ret_msg, "done", q->serial);
}

static void say(struct sim *sim, struct orl_hook_link *link, const struct orl_hook_msg *msg)
{
    enum sim_who before = sim_enter(sim, SIM_VMPOOL);
    link->cfg.on_message(link->cfg.ctx, msg); /* which may free it */
    sim_loop_turn(sim->ours.loop);
    sim_leave(sim, before);
}

static void end(struct sim *sim, struct orl_hook_link *link, int code)
{
    enum sim_who before = sim_enter(sim, SIM_VMPOOL);
    link->count = 0;
    link->cfg.on_end(link->cfg.ctx, code, "injected");
    sim_loop_turn(sim->ours.loop);
    sim_leave(sim, before);
}

static bool may_speak(const struct sim *sim)
{
    return sim->ours.persons && !sim->processes[SIM_VMPOOL].is_running;
}

static struct orl_hook_link *any_link(struct sim *sim)
{
    return sim->link_count > 0 && may_speak(sim)
                   ? sim->links[sim_pick(sim, (unsigned)sim->link_count)]
                   : NULL;
}

static void link_turn(struct sim *sim, struct orl_hook_link *link)
{
    static struct orl_hook_msg msg; /* large */
    struct fake_vm *vm = fake_find(&sim->fake, link->uuid);
    if (!is_booted(vm) || vm->boots != link->boots) {
        end(sim, link, ORL_E_CLOSED);
        return;
    }
    struct question q = link->asked[0];
    if (link->count > 0 && sim->now_ms >= q.due_ms) {
        end(sim, link, ORL_E_TIMEOUT);
    } else if (link->count > 0 && !q.is_lost) {
        memmove(link->asked, link->asked + 1, --link->count * sizeof q);
        answer(sim, vm, &q, &msg);
        say(sim, link, &msg);
    }
}

/* Guests don't wait for each other. */
void sim_guests_turn(struct sim *sim)
{
    for (size_t i = 0; i < sim->link_count && may_speak(sim); i++) {
        if (sim_pick(sim, 2) == 0) {
            link_turn(sim, sim->links[i]);
        }
    }
}

/* All of them, when nothing is to be left to chance. */
void sim_guests_all(struct sim *sim)
{
    for (size_t i = 0; i < sim->link_count && may_speak(sim); i++) {
        link_turn(sim, sim->links[i]);
    }
}

void sim_logs_off_inside(struct sim *sim)
{
    static struct orl_hook_msg msg;
    struct orl_hook_link *link = any_link(sim);
    struct fake_vm *vm = link ? fake_find(&sim->fake, link->uuid) : NULL;
    if (is_booted(vm) && vm->person[0] && vm->boots == link->boots) {
        sim_note(sim, "%s logs off inside %s", vm->person, vm->vm.name);
        vm->person[0] = '\0';
        orl_hook_msg_init(&msg, "event", 0);
        orl_hook_msg_put(&msg, "name", "logged_off");
        say(sim, link, &msg);
    }
}

/* Somebody looks around in a guest: it is theirs, so is the home, and nothing of it is missing. */
void sim_use_home(struct sim *sim, struct fake_vm *vm, unsigned person)
{
    char name[16];
    sim_person_name(person, name);
    if (vm->person[0] && strcmp(vm->person, name) != 0) {
        sim_fail(sim, "%s sees %s, where %s is logged in", name, vm->vm.name, vm->person);
    }
    struct sim_home *home = is_plugged(vm) ? home_at(sim, vm->home) : NULL;
    if (home && home->owner[0] && strcmp(home->owner, name) != 0) {
        sim_fail(sim, "%s finds the home of %s in %s", name, home->owner, vm->vm.name);
    }
    if (home && vm->person[0]) {
        (void)snprintf(home->owner, sizeof home->owner, "%s", name);
        sim->home_writes[person] = ++home->writes;
        sim->home_uses++;
    }
}

/* A pool that was deleted, or a store from yesterday: who has which home is said anew. No file is lost by that. */
void sim_homes_anew(struct sim *sim)
{
    for (unsigned i = 0; i < SIM_PEOPLE; i++) {
        sim->is_home_anew[i] = true;
    }
}

void sim_check_homes(struct sim *sim)
{
    for (size_t i = 0; i < sim->fake.count; i++) {
        const struct fake_vm *vm = &sim->fake.vms[i];
        for (size_t k = 0; k < i && is_plugged(vm); k++) {
            const struct fake_vm *other = &sim->fake.vms[k];
            if (is_plugged(other) && strcmp(vm->home, other->home) == 0) {
                sim_fail(sim, "home %s is in %s and in %s", vm->home, vm->vm.name, other->vm.name);
            }
        }
    }
}
