#include "fake_backend.h"
#include "vmpool/guest_address.h"
#include "vmpool/network_xml.h"
#include "vmpool/vm_meta.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct orl_plan_limits fake_limits(uint32_t max_in_flight)
{
    return (struct orl_plan_limits){.max_in_flight = max_in_flight,
            .max_attempts = 3,
            .look_period_ms = 1000,
            .static_period_ms = 10000,
            .ready_timeout_ms = 60000,
            .wake_timeout_ms = 20000,
            .stop_timeout_ms = 20000,
            .reserve_memory_mib = 512,
            .reserve_disk_mib = 1024};
}

enum { BOOT_LOOKS = 3 };

void fake_init(struct fake *fake, uint64_t seed)
{
    memset(fake, 0, sizeof *fake);
    fake->rng = seed * UINT64_C(2654435769) + 1;
    fake->qemu_version = 7002022;
    fake->machine = "pc-q35-7.2";
}

unsigned fake_random(struct fake *fake, unsigned below)
{
    fake->rng ^= fake->rng << 13;
    fake->rng ^= fake->rng >> 7;
    fake->rng ^= fake->rng << 17;
    return (unsigned)((fake->rng >> 16) % below);
}

static bool has_fault(struct fake *fake, unsigned percent)
{
    bool has = percent > 0 && fake_random(fake, 100) < percent;
    fake->injected += has;
    return has;
}

struct fake_vm *fake_find(struct fake *fake, const char *uuid)
{
    for (size_t i = 0; i < fake->count; i++) {
        if (strcmp(fake->vms[i].vm.uuid, uuid) == 0) {
            return &fake->vms[i];
        }
    }
    return NULL;
}

void fake_reboot(struct fake_vm *vm)
{
    vm->boots++;
    vm->person[0] = '\0';
    vm->was_used = false;
    vm->boot_left = BOOT_LOOKS;
}

static size_t find_card(const struct fake *fake, const char *mac)
{
    size_t i = 0;
    while (i < fake->card_count && strcmp(fake->cards[i].kept.mac, mac) != 0) {
        i++;
    }
    return i;
}

bool fake_has_card(const struct fake *fake, const struct orl_vm_meta *meta)
{
    char mac[18];
    orl_network_mac(mac, meta->desktop, meta->version);
    return find_card(fake, mac) < fake->card_count;
}

static void keep_card(struct fake *fake, const struct orl_vm_meta *meta)
{
    struct fake_card card = {.kept.network = "nat"};
    orl_network_mac(card.kept.mac, meta->desktop, meta->version);
    memcpy(card.installation, meta->installation, sizeof card.installation);
    size_t at = find_card(fake, card.kept.mac);
    if (at < FAKE_MAX_VMS) {
        fake->cards[at] = card;
        fake->card_count += at == fake->card_count;
    }
}

static void give_up_card(struct fake *fake, const char *mac)
{
    size_t at = find_card(fake, mac);
    if (at < fake->card_count) {
        fake->cards[at] = fake->cards[--fake->card_count];
    }
}

static void drop(struct fake *fake, struct fake_vm *vm)
{
    *vm = fake->vms[--fake->count];
}

/* Negative: the call ends here. */
static int enter(struct fake *fake, const char *what, const char *uuid, struct orl_err *err)
{
    if (fake->is_down) {
        return orl_err_set(err, ORL_E_BACKEND, "the fake is down");
    }
    if (has_fault(fake, fake->faults.fail_before)) {
        return orl_err_set(err, ORL_E_BACKEND, "injected, before");
    }
    if (uuid && fake->on_touch && !fake->is_late) {
        fake->on_touch(fake->ctx, what, uuid);
    }
    return 0;
}

static int leave(struct fake *fake, struct orl_err *err)
{
    return has_fault(fake, fake->faults.fail_after)
                   ? orl_err_set(err, ORL_E_BACKEND, "injected, after")
                   : 0;
}

/* Somebody was there first. */
static void squat(struct fake *fake, const struct orl_vm_spec *spec)
{
    if (fake->squats == 0 || spec->meta.kind != ORL_VM_FLOATING || fake_find(fake, spec->uuid) ||
            fake->count == FAKE_MAX_VMS) {
        return;
    }
    struct fake_vm *other = &fake->vms[fake->count++];
    memset(other, 0, sizeof *other);
    (void)snprintf(other->vm.name, sizeof other->vm.name, "%s", spec->name);
    (void)snprintf(other->vm.uuid, sizeof other->vm.uuid, "%s", spec->uuid);
    other->vm.uuid[0] = other->vm.uuid[0] == 'f' ? 'e' : 'f';
    other->vm.meta = spec->meta;
    other->vm.state = ORL_VM_OFF;
    other->is_defined = other->has_overlay = other->is_late = true;
    fake->squats--;
}

static int fake_clone(void *self, const struct orl_vm_spec *spec, struct orl_err *err)
{
    struct fake *fake = self;
    int r = enter(fake, "clone", spec->uuid, err);
    fake->clone_calls++;
    if (r < 0 || fake->is_readonly) {
        return r < 0 ? r : orl_err_set(err, ORL_E_BACKEND, "Read-only file system");
    }
    squat(fake, spec);
    for (size_t i = 0; i < fake->count; i++) {
        const struct orl_vm *other = &fake->vms[i].vm;
        if (strcmp(other->name, spec->name) == 0 && strcmp(other->uuid, spec->uuid) != 0) {
            return orl_err_set(err, ORL_E_BACKEND, "domain '%s' already exists with uuid %s",
                    other->name, other->uuid);
        }
    }
    if (spec->meta.kind != ORL_VM_GOLDEN) {
        keep_card(fake, &spec->meta);
    }
    if (has_fault(fake, fake->faults.half)) {
        return orl_err_set(err, ORL_E_BACKEND, "injected, between card and overlay");
    }
    struct fake_vm *vm = fake_find(fake, spec->uuid);
    if (!vm) {
        if (fake->count == FAKE_MAX_VMS) {
            return orl_err_set(err, ORL_E_LIMIT, "the fake is full");
        }
        vm = &fake->vms[fake->count++];
    }
    memset(vm, 0, sizeof *vm);
    (void)snprintf(vm->vm.name, sizeof vm->vm.name, "%s", spec->name);
    (void)snprintf(vm->vm.uuid, sizeof vm->vm.uuid, "%s", spec->uuid);
    vm->vm.meta = spec->meta;
    vm->has_overlay = true;
    vm->has_card = spec->network.name[0] != '\0';
    vm->is_late = fake->is_late;
    (void)snprintf(vm->base, sizeof vm->base, "%s", spec->base);
    if (fake->half_clones || has_fault(fake, fake->faults.half)) {
        return orl_err_set(err, ORL_E_BACKEND, "injected, between overlay and definition");
    }
    vm->vm.state = ORL_VM_OFF;
    vm->is_defined = true;
    fake->clones++;
    return leave(fake, err);
}

static int fake_start(void *self, const char *uuid, struct orl_err *err)
{
    struct fake *fake = self;
    int r = enter(fake, "start", uuid, err);
    struct fake_vm *vm = fake_find(fake, uuid);
    fake->start_calls++;
    if (r < 0 || fake->start_fault) {
        return r < 0 ? r : orl_err_set(err, ORL_E_BACKEND, "%s", fake->start_fault);
    }
    if (!vm || !vm->is_defined) {
        return orl_err_set(err, ORL_E_NOTFOUND, "no such machine");
    }
    if (vm->vm.state != ORL_VM_RUNNING) {
        memset(vm->guest.memory, 0, sizeof vm->guest.memory);
        memset(vm->guest.clipboard, 0, sizeof vm->guest.clipboard);
        vm->vm.state = ORL_VM_RUNNING;
        vm->has_run = true;
        fake_reboot(vm);
        vm->home[0] = '\0';
        vm->boot_left = has_fault(fake, fake->faults.no_boot) ? 1000000 : BOOT_LOOKS;
        fake->starts++;
    }
    return leave(fake, err);
}

static int fake_stop(void *self, const char *uuid, enum orl_vm_stop how, struct orl_err *err)
{
    struct fake *fake = self;
    static const char *const names[] = {"stop", "kill", "reboot", "reset"};
    int r = enter(fake, names[how], uuid, err);
    struct fake_vm *vm = fake_find(fake, uuid);
    if (r < 0) {
        return r;
    }
    if (how == ORL_VM_STOP_REBOOT || how == ORL_VM_STOP_RESET) {
        fake->reboots += how == ORL_VM_STOP_REBOOT;
        fake->resets += how == ORL_VM_STOP_RESET;
        if (vm && how == ORL_VM_STOP_RESET && vm->boot_left < BOOT_LOOKS) {
            fake_reboot(vm);
        }
        return leave(fake, err);
    }
    /* A guest that was asked may not listen. */
    if (vm && vm->is_defined && (how == ORL_VM_STOP_KILL || fake_random(fake, 3) != 0)) {
        vm->vm.state = ORL_VM_OFF;
    }
    return leave(fake, err);
}

static int fake_suspend(void *self, const char *uuid, struct orl_err *err)
{
    struct fake *fake = self;
    int r = enter(fake, "suspend", uuid, err);
    struct fake_vm *vm = fake_find(fake, uuid);
    if (r < 0) {
        return r;
    }
    if (!vm || (vm->vm.state != ORL_VM_RUNNING && vm->vm.state != ORL_VM_PAUSED)) {
        return orl_err_set(err, ORL_E_NOTFOUND, "no such machine runs");
    }
    fake->suspends += vm->vm.state == ORL_VM_RUNNING;
    vm->vm.state = ORL_VM_PAUSED;
    return leave(fake, err);
}

static int fake_wake(void *self, const char *uuid, struct orl_err *err)
{
    struct fake *fake = self;
    int r = enter(fake, "wake", uuid, err);
    struct fake_vm *vm = fake_find(fake, uuid);
    if (r < 0) {
        return r;
    }
    fake->wake_calls++;
    if (!vm || vm->vm.state == ORL_VM_OFF || vm->vm.state == ORL_VM_CRASHED) {
        return orl_err_set(err, ORL_E_NOTFOUND, "no such machine is suspended");
    }
    if (vm->vm.state == ORL_VM_STUCK && fake->disk_fault < 0) {
        return orl_err_set(err, fake->disk_fault, "disk 'vda'");
    }
    fake->wakes += vm->vm.state == ORL_VM_PAUSED;
    vm->vm.state = ORL_VM_RUNNING;
    return leave(fake, err);
}

static int fake_remove(void *self, const char *uuid, const char *overlay, struct orl_err *err)
{
    struct fake *fake = self;
    (void)overlay;
    int r = enter(fake, "remove", uuid[0] ? uuid : NULL, err);
    fake->remove_calls++;
    if (r < 0 || fake->swallows_removal) {
        return r;
    }
    if (fake->is_readonly) {
        return orl_err_set(err, ORL_E_SYS, "unlink: Read-only file system");
    }
    struct fake_vm *vm = uuid[0] ? fake_find(fake, uuid) : NULL;
    for (size_t i = 0; !vm && overlay && i < fake->count; i++) {
        if (strstr(overlay, fake->vms[i].vm.name)) {
            vm = &fake->vms[i];
        }
    }
    if (vm && has_fault(fake, fake->faults.half)) {
        vm->is_defined = false;
        vm->vm.state = ORL_VM_OFF;
        return orl_err_set(err, ORL_E_BACKEND, "injected, between definition and overlay");
    }
    if (vm) {
        char mac[18];
        orl_network_mac(mac, vm->vm.meta.desktop, vm->vm.meta.version);
        if (vm->is_defined) {
            give_up_card(fake, mac);
        }
        drop(fake, vm);
        fake->removals++;
    }
    return leave(fake, err);
}

static int fake_mark(void *self, const char *uuid, const char *user, struct orl_err *err)
{
    struct fake *fake = self;
    int r = enter(fake, "mark", NULL, err);
    struct fake_vm *vm = fake_find(fake, uuid);
    if (r == 0 && vm) {
        (void)snprintf(vm->vm.meta.user, sizeof vm->vm.meta.user, "%s", user);
        vm->vm.meta.is_quarantined = false;
    }
    return r;
}

static int fake_quarantine(void *self, const char *uuid, struct orl_err *err)
{
    struct fake *fake = self;
    int r = enter(fake, "quarantine", NULL, err);
    struct fake_vm *vm = fake_find(fake, uuid);
    if (r == 0 && vm) {
        vm->vm.state = ORL_VM_OFF;
        vm->vm.meta.is_quarantined = true;
    }
    return r;
}

static int fake_unreserve(void *self, const char *network, const char *mac, struct orl_err *err)
{
    struct fake *fake = self;
    int r = enter(fake, "unreserve", NULL, err);
    (void)network;
    if (r == 0 && fake->stuck_cards &&
            strncmp(mac, fake->stuck_cards, strlen(fake->stuck_cards)) == 0) {
        r = orl_err_set(err, ORL_E_BACKEND, "the address stays");
    }
    if (r == 0) {
        give_up_card(fake, mac);
    }
    return r < 0 ? r : leave(fake, err);
}

static void list_cards(const struct fake *fake, struct orl_vm_list *list)
{
    for (size_t i = 0; i < fake->card_count; i++) {
        if (!fake->installation || strcmp(fake->cards[i].installation, fake->installation) == 0) {
            list->reservations[list->reservation_count++] = fake->cards[i].kept;
        }
    }
}

static void write_to_disks(struct fake *fake)
{
    for (size_t i = 0; i < fake->count && fake->disk_fault < 0; i++) {
        struct orl_vm *vm = &fake->vms[i].vm;
        vm->state = vm->state == ORL_VM_RUNNING ? ORL_VM_STUCK : vm->state;
    }
}

static int fake_list(void *self, struct orl_vm_list *ret_list, struct orl_err *err)
{
    struct fake *fake = self;
    int r = enter(fake, "list", NULL, err);
    if (r < 0) {
        return r;
    }
    struct orl_vm_list list = {.vms = calloc(FAKE_MAX_VMS, sizeof *list.vms),
            .overlays = calloc(FAKE_MAX_VMS, sizeof *list.overlays),
            .images = calloc(FAKE_MAX_VMS, sizeof *list.images),
            .reservations = calloc(FAKE_MAX_VMS, sizeof *list.reservations)};
    list_cards(fake, &list);
    write_to_disks(fake);
    for (size_t i = 0; i < fake->count; i++) {
        const struct fake_vm *vm = &fake->vms[i];
        if (fake->installation && !orl_vm_meta_is_of(&vm->vm.meta, fake->installation)) {
            continue;
        }
        if (vm->vm.meta.kind == ORL_VM_GOLDEN) {
            struct orl_vm_image *image = &list.images[list.image_count++];
            (void)snprintf(image->id, sizeof image->id, "%s", vm->vm.meta.desktop);
            image->is_published = image->has_memory = vm->is_frozen;
        }
        if (vm->is_defined) {
            list.vms[list.vm_count++] = vm->vm;
        }
        if (vm->has_overlay) {
            struct orl_vm_overlay *overlay = &list.overlays[list.overlay_count++];
            overlay->kind = vm->vm.meta.kind;
            (void)snprintf(overlay->name, sizeof overlay->name, "%s", vm->vm.name);
            (void)snprintf(overlay->path, sizeof overlay->path, "/fake/%s.qcow2", vm->vm.name);
        }
    }
    *ret_list = list;
    return 0;
}

static int fake_host(void *self, struct orl_vm_host *ret_host, struct orl_err *err)
{
    struct fake *fake = self;
    int r = enter(fake, "host", NULL, err);
    if (r == 0) {
        *ret_host = (struct orl_vm_host){.memory_mib = 65536,
                .free_memory_mib = 32768,
                .free_disk_mib = fake->disk_fault == ORL_E_LIMIT ? 0 : 100000,
                .golden_free_mib = 16384,
                .cpus = 4,
                .qemu_version = fake->qemu_version,
                .has_kvm = true,
                .lacks_uefi = fake->lacks_firmware,
                .lacks_secure_boot = fake->lacks_firmware,
                .lacks_tpm = fake->lacks_firmware || fake->lacks_tpm};
        (void)snprintf(ret_host->machine, sizeof ret_host->machine, "%s", fake->machine);
    }
    return r;
}

static int fake_network(void *self, enum orl_network_mode mode, const char *name,
        struct orl_vm_network *ret_network, struct orl_err *err)
{
    struct fake *fake = self;
    (void)name;
    ret_network->mode = mode;
    if (mode == ORL_NETWORK_NONE) {
        return 0;
    }
    ret_network->has_addresses = mode == ORL_NETWORK_NAT || mode == ORL_NETWORK_ROUTED;
    orl_guest_net_default("11111111", mode == ORL_NETWORK_ROUTED, &ret_network->v4);
    (void)snprintf(ret_network->name, sizeof ret_network->name, "%s",
            fake->has_no_network ? "" : "fake-net");
    return fake->has_no_network ? orl_err_set(err, ORL_E_DENIED, "the fake makes no bridges") : 0;
}

static int fake_look(
        void *self, const char *uuid, struct orl_vm_look *ret_look, struct orl_err *err)
{
    struct fake *fake = self;
    int r = enter(fake, "look", NULL, err);
    struct fake_vm *vm = fake_find(fake, uuid);
    if (r < 0) {
        return r;
    }
    memset(ret_look, 0, sizeof *ret_look);
    if (vm && vm->vm.state == ORL_VM_RUNNING) {
        vm->boot_left -= vm->boot_left > 0;
        ret_look->is_running = true;
        ret_look->has_picture = true;
        ret_look->painted_percent = vm->boot_left == 0 ? 100 : 24;
        ret_look->has_agent = vm->boot_left == 0 && vm->vm.meta.kind == ORL_VM_GOLDEN;
    }
    return 0;
}

static int fake_console(void *self, const char *uuid, int *ret_fd, struct orl_err *err)
{
    struct fake *fake = self;
    int pair[2];
    int r = enter(fake, "console", NULL, err);
    if (r < 0) {
        return r;
    }
    const struct fake_vm *vm = fake_find(fake, uuid);
    if (!vm || vm->vm.state != ORL_VM_RUNNING ||
            socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        return orl_err_set(err, ORL_E_NOTFOUND, "no such machine");
    }
    (void)snprintf(fake->last_console, sizeof fake->last_console, "%s", uuid);
    ssize_t n = write(pair[1], "RFB 003.008\n", 12);
    close(pair[1]);
    *ret_fd = pair[0];
    return n == 12 ? 0 : ORL_E_SYS;
}

static int fake_display(void *self, const char *uuid, int *ret_fd, struct orl_err *err)
{
    struct fake *fake = self;
    int pair[2];
    char byte = 0;
    (void)uuid;
    if (fake->display_gate != 0 && read(fake->display_gate, &byte, 1) != 1) {
        return orl_err_set(err, ORL_E_BACKEND, "the gate is broken");
    }
    if (!fake->has_display || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        return orl_err_set(err, ORL_E_BACKEND, "no such display");
    }
    fake->displays_opened++;
    close(pair[1]);
    *ret_fd = pair[0];
    return 0;
}

static int fake_card(
        void *self, const char *uuid, struct orl_vm_card *ret_card, struct orl_err *err)
{
    struct fake *fake = self;
    if (!fake_find(fake, uuid) || !fake->card.address[0]) {
        return orl_err_set(err, ORL_E_NOTFOUND, "the machine has no address of ours");
    }
    *ret_card = fake->card;
    return 0;
}

static int fake_boot_test(void *self, const struct orl_vm_spec *spec, const char *marker,
        unsigned timeout_ms, struct orl_err *err)
{
    struct fake *fake = self;
    (void)spec;
    (void)marker;
    (void)timeout_ms;
    fake->boot_tests++;
    return fake->boot_test_result < 0
                   ? orl_err_set(err, fake->boot_test_result, "the fake does not boot")
                   : 0;
}

/* Files first, then the machine: a crash between leaves files. */
static int fake_golden_boot(void *self, const struct orl_vm_spec *spec, struct orl_err *err)
{
    struct fake *fake = self;
    int r = fake->golden_fault ? orl_err_set(err, ORL_E_BACKEND, "%s", fake->golden_fault)
                               : fake_clone(self, spec, err);
    struct fake_vm *vm = r < 0 ? NULL : fake_find(fake, spec->uuid);
    if (vm) {
        vm->has_overlay = false;
        vm->vm.state = ORL_VM_RUNNING;
        vm->boot_left = BOOT_LOOKS;
        fake->clones--;
    }
    return r;
}

static int fake_golden_freeze(void *self, const struct orl_vm_spec *spec, struct orl_err *err)
{
    struct fake *fake = self;
    int r = enter(fake, "freeze", NULL, err);
    struct fake_vm *vm = fake_find(fake, spec->uuid);
    if (r < 0 || !vm) {
        return r < 0 ? r : orl_err_set(err, ORL_E_NOTFOUND, "no such machine");
    }
    vm->is_defined = false;
    if (has_fault(fake, fake->faults.half)) {
        return orl_err_set(err, ORL_E_BACKEND, "injected, between the machine's end and the name");
    }
    vm->is_frozen = true;
    return leave(fake, err);
}

static int fake_golden_remove(void *self, const char *id, const char *uuid, struct orl_err *err)
{
    struct fake *fake = self;
    int r = enter(fake, "golden_remove", NULL, err);
    (void)uuid;
    for (size_t i = 0; r == 0 && i < fake->count; i++) {
        if (fake->vms[i].vm.meta.kind == ORL_VM_GOLDEN &&
                strcmp(fake->vms[i].vm.meta.desktop, id) == 0) {
            drop(fake, &fake->vms[i]);
            break;
        }
    }
    return r < 0 ? r : leave(fake, err);
}

static int fake_resume(void *self, const struct orl_vm_spec *spec,
        const struct orl_vm_identity *identity, struct orl_vm_look *ret_look, struct orl_err *err)
{
    struct fake *fake = self;
    struct fake_vm *vm = fake_find(fake, spec->uuid);
    (void)identity;
    if (fake->cannot_resume) {
        return orl_err_set(err, ORL_E_BACKEND, "the fake copies nothing");
    }
    fake->resumed_again += vm && vm->has_run;
    fake->resumed_astray += vm && strcmp(vm->base, spec->base) != 0;
    if (vm) {
        vm->is_nobody = true;
    }
    unsigned starts = fake->starts;
    int r = fake_start(self, spec->uuid, err);
    fake->resumes += fake->starts - starts;
    fake->starts = starts;
    if (r == 0 && fake->is_late && fake_random(fake, 2) == 0) {
        return orl_err_set(err, ORL_E_BACKEND, "its caller died while it became somebody");
    }
    if (r == 0 && fake->resumes_fail_late) {
        r = orl_err_set(err, ORL_E_BACKEND, "the guest's agent");
    }
    if (vm) {
        vm->boot_left = 0;
        vm->is_nobody = r < 0;
        vm->vm.state = r < 0 && vm->is_defined ? ORL_VM_OFF : vm->vm.state;
    }
    return r < 0 ? r : fake_look(self, spec->uuid, ret_look, err);
}

struct orl_backend fake_backend(struct fake *fake)
{
    static const struct orl_backend_ops ops = {.clone = fake_clone,
            .start = fake_start,
            .stop = fake_stop,
            .suspend = fake_suspend,
            .wake = fake_wake,
            .remove = fake_remove,
            .mark = fake_mark,
            .quarantine = fake_quarantine,
            .list = fake_list,
            .host = fake_host,
            .unreserve = fake_unreserve,
            .network = fake_network,
            .look = fake_look,
            .console = fake_console,
            .display = fake_display,
            .card = fake_card,
            .boot_test = fake_boot_test,
            .golden_boot = fake_golden_boot,
            .golden_freeze = fake_golden_freeze,
            .golden_remove = fake_golden_remove,
            .resume = fake_resume};
    return (struct orl_backend){.ops = &ops, .self = fake};
}
