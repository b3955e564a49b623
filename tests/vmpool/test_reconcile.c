/* Single stories of the reconciler on the calm world of pool_world.h. */
#include "base/log.h"
#include "pool_world.h"
#include "store/alarm.h"
#include "store/host.h"
#include "store/pool.h"
#include "store/template.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SETTLED_S = 60, GRACE_S = 70 };

#define STRAY "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define STRAY_UUID "6b1f0f3c-50a6-4e5a-9d0e-3f1f2a3b4c5d"

/* Made by a call that outlived its caller, or left by a store that was lost. */
static void add_stray(struct world *w, enum orl_vm_kind kind)
{
    struct fake_vm *vm = &w->fake.vms[w->fake.count++];
    memset(vm, 0, sizeof *vm);
    vm->is_defined = true;
    vm->has_overlay = true;
    vm->is_late = true;
    vm->vm.state = ORL_VM_RUNNING;
    vm->vm.meta.kind = kind;
    vm->vm.meta.stamp_ms = 1;
    (void)snprintf(vm->vm.meta.desktop, sizeof vm->vm.meta.desktop, STRAY);
    (void)snprintf(vm->vm.meta.pool, sizeof vm->vm.meta.pool, "dedicated");
    (void)snprintf(vm->vm.uuid, sizeof vm->vm.uuid, STRAY_UUID);
    (void)snprintf(vm->vm.name, sizeof vm->vm.name, "oriel-aaaaaaaaaaaa-1");
}

static void spares_become_ready_and_stay(void **state)
{
    struct world *w = *state;
    struct orl_desktop_counts counts;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(orl_desktop_count(w->store, "floating", &counts, NULL), 0);
        assert_int_equal(counts.ready, 2);
        assert_int_equal(counts.total, 2);
        world_calm(w, SETTLED_S);
    }
    assert_string_equal(w->fault, "");
}

static void a_stray_floating_machine_goes(void **state)
{
    struct world *w = *state;
    add_stray(w, ORL_VM_FLOATING);
    world_calm(w, 10);
    assert_non_null(fake_find(&w->fake, STRAY_UUID));
    world_calm(w, GRACE_S);
    assert_null(fake_find(&w->fake, STRAY_UUID));
}

static unsigned cards_without_machine(const struct world *w)
{
    unsigned machines = 0;
    for (size_t i = 0; i < w->fake.count; i++) {
        machines += fake_has_card(&w->fake, &w->fake.vms[i].vm.meta);
    }
    return (unsigned)w->fake.card_count - machines;
}

/* A vmpool that ended between the address and the machine, and whose desktop is not wanted any more. */
static void an_address_that_is_kept_for_nobody_is_given_up(void **state)
{
    struct world *w = *state;
    assert_true(w->fake.card_count >= 2);
    assert_int_equal(cards_without_machine(w), 0);
    w->fake.cards[w->fake.card_count++] =
            (struct fake_card){.kept = {.network = "nat", .mac = "02:00:00:00:00:01"}};
    world_calm(w, 30);
    assert_int_equal(cards_without_machine(w), 1);
    world_calm(w, GRACE_S);
    assert_int_equal(cards_without_machine(w), 0);
    assert_true(w->fake.card_count >= 2);
    assert_string_equal(w->fault, "");
}

static void addresses_that_stay_keep_no_other(void **state)
{
    enum { STUCK = 20 };
    struct world *w = *state;
    w->fake.stuck_cards = "02:00:00:00:01";
    for (unsigned i = 0; i <= STUCK; i++) {
        struct fake_card *card = &w->fake.cards[w->fake.card_count++];
        *card = (struct fake_card){.kept.network = "nat"};
        (void)snprintf(
                card->kept.mac, sizeof card->kept.mac, "02:00:00:00:%02x:%02x", i < STUCK, i);
    }
    assert_int_equal(cards_without_machine(w), STUCK + 1);
    world_calm(w, GRACE_S + 120);
    assert_int_equal(cards_without_machine(w), STUCK);
    w->fake.stuck_cards = NULL;
    world_calm(w, GRACE_S + 120);
    assert_int_equal(cards_without_machine(w), 0);
    assert_string_equal(w->fault, "");
}

static void a_stray_dedicated_machine_waits_for_the_administrator(void **state)
{
    struct world *w = *state;
    struct orl_quarantine_row row;
    add_stray(w, ORL_VM_DEDICATED);
    world_calm(w, 2 * GRACE_S);
    const struct fake_vm *vm = fake_find(&w->fake, STRAY_UUID);
    assert_non_null(vm);
    assert_int_equal(vm->vm.state, ORL_VM_OFF);
    assert_true(vm->vm.meta.is_quarantined);
    assert_int_equal(orl_quarantine_get(w->store, STRAY, &row, NULL), 0);
    assert_string_equal(row.uuid, STRAY_UUID);
    /* Nobody knows whose it was: it can't be given back. */
    assert_int_equal(
            orl_quarantine_judge(w->store, STRAY, ORL_VERDICT_ADOPT, "admin", w->now_ms, NULL), 0);
    world_calm(w, 10);
    assert_non_null(fake_find(&w->fake, STRAY_UUID));
    assert_int_equal(
            orl_quarantine_judge(w->store, STRAY, ORL_VERDICT_PURGE, "admin", w->now_ms, NULL), 0);
    world_calm(w, 10);
    assert_null(fake_find(&w->fake, STRAY_UUID));
    assert_int_equal(orl_quarantine_get(w->store, STRAY, &row, NULL), ORL_E_NOTFOUND);
    assert_string_equal(w->fault, "");
}

static void an_adopted_machine_is_its_persons_again(void **state)
{
    struct world *w = *state;
    struct orl_quarantine_row row;
    struct orl_desktop_row desktop;
    add_stray(w, ORL_VM_DEDICATED);
    (void)snprintf(fake_find(&w->fake, STRAY_UUID)->vm.meta.user, ORL_VM_USER_MAX, "ann");
    world_calm(w, GRACE_S);
    assert_int_equal(orl_quarantine_get(w->store, STRAY, &row, NULL), 0);
    assert_string_equal(row.user, "ann");
    assert_int_equal(
            orl_quarantine_judge(w->store, STRAY, ORL_VERDICT_ADOPT, "admin", w->now_ms, NULL), 0);
    world_calm(w, 10);
    assert_int_equal(orl_desktop_get(w->store, STRAY, &desktop, NULL), 0);
    assert_string_equal(desktop.user, "ann");
    assert_int_equal(desktop.lease, ORL_LEASE_ASSIGNED);
    assert_true(desktop.is_tainted);
    assert_string_equal(desktop.template_name, "t"); /* of a version that nobody knows: all stay */
    struct orl_err err = {0};
    assert_int_equal(orl_template_remove(w->store, "t", 1, &err), ORL_E_CONFLICT);
    assert_non_null(strstr(err.text, STRAY));
    assert_int_equal(orl_quarantine_get(w->store, STRAY, &row, NULL), ORL_E_NOTFOUND);
    assert_false(fake_find(&w->fake, STRAY_UUID)->vm.meta.is_quarantined);
}

static void a_persons_own_machine_says_whose_it_is(void **state)
{
    struct world *w = *state;
    struct orl_session_row session = {
            .user = "ann", .pool = "dedicated", .conn = 1, .protocol = ORL_PROTOCOL_RDP};
    struct orl_desktop_row desktop;
    struct orl_id id;
    assert_int_equal(
            orl_session_insert(w->store, &session, w->now_ms + 9999999, w->now_ms, &id, NULL), 0);
    assert_int_equal(orl_session_claim(w->store, id.text, w->now_ms, &desktop, NULL), 0);
    assert_string_equal(fake_find(&w->fake, desktop.uuid)->vm.meta.user, "");
    world_calm(w, 15);
    assert_string_equal(fake_find(&w->fake, desktop.uuid)->vm.meta.user, "ann");
    assert_string_equal(w->fault, "");
}

/* Everything that counts time goes on when somebody sets the clock. */
static void a_clock_that_is_set_changes_nothing(void **state)
{
    struct world *w = *state;
    struct orl_desktop_counts counts;
    const int64_t jumps_ms[] = {3600000, -3600000, 86400000, -80000000};
    for (size_t i = 0; i < sizeof jumps_ms / sizeof jumps_ms[0]; i++) {
        unsigned removals = w->fake.removals;
        w->now_ms = (uint64_t)((int64_t)w->now_ms + jumps_ms[i]);
        orl_reconcile_shift(w->reconcile, jumps_ms[i]);
        world_calm(w, 20);
        assert_int_equal(w->fake.removals, removals);
        assert_int_equal(orl_desktop_count(w->store, "floating", &counts, NULL), 0);
        assert_int_equal(counts.ready, 2);
        struct fake_vm *vm = &w->fake.vms[0]; /* and a crash is still repaired */
        vm->vm.state = ORL_VM_CRASHED;
        world_calm(w, SETTLED_S);
        assert_int_equal(orl_desktop_count(w->store, "floating", &counts, NULL), 0);
        assert_int_equal(counts.ready, 2);
    }
}

static void a_restored_store_stops_the_sweep_and_says_so(void **state)
{
    struct world *w = *state;
    struct orl_host_row host;
    add_stray(w, ORL_VM_FLOATING);
    fake_find(&w->fake, STRAY_UUID)->vm.meta.stamp_ms = w->now_ms * 100;
    world_calm(w, 2 * GRACE_S);
    assert_non_null(fake_find(&w->fake, STRAY_UUID));
    assert_int_equal(orl_host_get(w->store, "here", &host, NULL), 0);
    assert_non_null(strstr(host.reason_text, "newer than the store"));
}

static void give(
        struct world *w, const char *user, const char *pool, struct orl_desktop_row *ret_desktop)
{
    struct orl_session_row session = {.conn = 1};
    struct orl_id id;
    (void)snprintf(session.pool, sizeof session.pool, "%s", pool);
    (void)snprintf(session.user, sizeof session.user, "%s", user);
    assert_int_equal(
            orl_session_insert(w->store, &session, w->now_ms + 9999999, w->now_ms, &id, NULL), 0);
    int rc = ORL_E_NOTFOUND;
    for (unsigned i = 0; rc < 0 && i < 10; i++) {
        rc = orl_session_claim(w->store, id.text, w->now_ms, ret_desktop, NULL);
        world_calm(w, 10);
    }
    assert_int_equal(rc, 0);
}

static unsigned dedicated_machines(const struct world *w)
{
    unsigned count = 0;
    for (size_t i = 0; i < w->fake.count; i++) {
        count += w->fake.vms[i].vm.meta.kind == ORL_VM_DEDICATED;
    }
    return count;
}

#define IMAGE_UUID "6b1f0f3c-50a6-4e5a-9d0e-0000000000aa"

/* It was given back, and what said that it is in quarantine was left. */
static void what_is_a_desktop_again_is_not_purged(void **state)
{
    struct world *w = *state;
    struct orl_desktop_row own = {0};
    struct orl_quarantine_row row = {.reason_text = "left"};
    world_calm(w, SETTLED_S);
    give(w, "ann", "dedicated", &own);
    (void)snprintf(row.id, sizeof row.id, "%s", own.id);
    (void)snprintf(row.host, sizeof row.host, "%s", own.host);
    (void)snprintf(row.pool, sizeof row.pool, "%s", own.pool);
    (void)snprintf(row.user, sizeof row.user, "ann");
    (void)snprintf(row.uuid, sizeof row.uuid, "%s", own.uuid);
    (void)snprintf(row.domain, sizeof row.domain, "%s", own.domain);
    (void)snprintf(row.overlay, sizeof row.overlay, "%s", own.overlay);
    assert_int_equal(orl_quarantine_put(w->store, &row, w->now_ms, NULL), 0);
    assert_int_equal(
            orl_quarantine_judge(w->store, own.id, ORL_VERDICT_PURGE, "admin", w->now_ms, NULL), 0);
    world_calm(w, SETTLED_S);
    assert_non_null(fake_find(&w->fake, own.uuid));
    assert_int_equal(orl_quarantine_get(w->store, own.id, &row, NULL), ORL_E_NOTFOUND);
    assert_string_equal(w->fault, "");
}

/* Given after the backup: the restored store takes them for spares that nobody had. */
static void a_day_old_backup_loses_and_repeats_nothing(void **state)
{
    struct world *w = *state;
    char file[100];
    struct orl_desktop_row own = {0};
    struct orl_desktop_row other = {0};
    struct orl_quarantine_row kept;
    (void)snprintf(file, sizeof file, "%s/backup", w->dir);
    assert_int_equal(orl_store_backup(w->store, file, NULL), 0);
    w->now_ms += 86400000;
    world_calm(w, 5);
    give(w, "ann", "dedicated", &own);
    struct orl_desktop_row floating;
    assert_int_equal(world_give(w, "ann", &floating), 0);
    world_calm(w, SETTLED_S); /* its machine is marked, and other spares are made */
    assert_string_equal(fake_find(&w->fake, own.uuid)->vm.meta.user, "ann");
    unsigned machines = dedicated_machines(w);
    struct fake_vm *image = &w->fake.vms[w->fake.count++]; /* made after the backup, too */
    memset(image, 0, sizeof *image);
    image->is_frozen = image->is_late = true;
    image->vm.meta.kind = ORL_VM_GOLDEN;
    (void)snprintf(image->vm.meta.desktop, sizeof image->vm.meta.desktop, "%032x", 1U);
    (void)snprintf(image->vm.uuid, sizeof image->vm.uuid, IMAGE_UUID);

    world_restore(w, file);
    (void)unlink(file);
    world_calm(w, 3 * GRACE_S);
    assert_true(dedicated_machines(w) >= machines);
    assert_non_null(fake_find(&w->fake, own.uuid));
    assert_int_equal(orl_quarantine_get(w->store, own.id, &kept, NULL), ORL_E_NOTFOUND);
    assert_non_null(fake_find(&w->fake, IMAGE_UUID));
    assert_int_equal(/* an administrator has looked */
            orl_alarm_clear(w->store, ORL_REASON_SWEEP_STOPPED, "sweep:here", w->now_ms, NULL), 0);
    world_calm(w, 3 * GRACE_S);
    assert_int_equal(orl_quarantine_get(w->store, own.id, &kept, NULL), 0);
    assert_string_equal(kept.user, "ann"); /* an administrator gives it back */
    assert_null(fake_find(&w->fake, IMAGE_UUID));
    /* Whoever comes next gets others. */
    give(w, "bob", "dedicated", &other);
    assert_string_not_equal(other.uuid, own.uuid);
    for (unsigned i = 0; i < 3; i++) {
        char user[8];
        (void)snprintf(user, sizeof user, "u%u", i);
        give(w, user, "floating", &other);
        assert_string_not_equal(other.uuid, floating.uuid);
    }
}

static void a_hypervisor_that_is_away_is_in_the_rows_until_it_is_back(void **state)
{
    struct world *w = *state;
    struct orl_host_row host;
    struct orl_pool_row pool;
    w->fake.is_down = true;
    world_calm(w, 5);
    assert_int_equal(orl_host_get(w->store, "here", &host, NULL), 0);
    assert_int_equal(host.state, ORL_HOST_DOWN);
    assert_int_equal(host.reason, ORL_REASON_HYPERVISOR_DOWN);
    assert_int_equal(orl_pool_get(w->store, "floating", &pool, NULL), 0);
    assert_int_equal(pool.problem, ORL_REASON_HYPERVISOR_DOWN);
    w->fake.is_down = false;
    world_calm(w, 5);
    assert_int_equal(orl_host_get(w->store, "here", &host, NULL), 0);
    assert_int_equal(host.state, ORL_HOST_UP);
    assert_int_equal(orl_pool_get(w->store, "floating", &pool, NULL), 0);
    assert_int_equal(pool.problem, ORL_REASON_NONE);
    assert_int_equal(w->fake.removals, 0);
}

static void a_hypervisor_that_hangs_is_down_until_its_answer_comes(void **state)
{
    struct world *w = *state;
    struct orl_host_row host;
    orl_reconcile_tick(w->reconcile, w->now_ms);
    w->now_ms += 44000;
    orl_reconcile_tick(w->reconcile, w->now_ms);
    assert_true(orl_reconcile_is_up(w->reconcile));
    w->now_ms += 2000;
    orl_reconcile_tick(w->reconcile, w->now_ms);
    assert_false(orl_reconcile_is_up(w->reconcile));
    assert_int_equal(orl_host_get(w->store, "here", &host, NULL), 0);
    assert_int_equal(host.state, ORL_HOST_DOWN);
    assert_non_null(strstr(host.reason_text, "has not answered"));
    world_calm(w, 5);
    assert_int_equal(orl_host_get(w->store, "here", &host, NULL), 0);
    assert_int_equal(host.state, ORL_HOST_UP);
    assert_int_equal(w->fake.removals, 0);
    assert_string_equal(w->fault, "");
}

static void a_wish_to_restart_is_asked_once_then_enforced(void **state)
{
    struct world *w = *state;
    world_calm(w, SETTLED_S);
    struct orl_desktop_row desktop;
    assert_int_equal(world_give(w, "ann", &desktop), 0);
    assert_int_equal(orl_desktop_ask_restart(w->store, desktop.id, "user:ann", w->now_ms, NULL), 0);
    world_calm(w, 5);
    assert_int_equal(w->fake.reboots, 1);
    assert_int_equal(w->fake.resets, 0);
    world_calm(w, SETTLED_S); /* the guest does not listen */
    assert_int_equal(w->fake.reboots, 1);
    assert_int_equal(w->fake.resets, 1); /* its event is lost, or late */
    orl_reconcile_rebooted(w->reconcile, desktop.uuid, w->now_ms);
    world_calm(w, SETTLED_S);
    assert_int_equal(orl_desktop_get(w->store, desktop.id, &desktop, NULL), 0);
    assert_int_equal(desktop.power, ORL_POWER_RUNNING);
    assert_int_equal(desktop.lease, ORL_LEASE_IN_USE);
    assert_int_equal(desktop.restart_ms, 0);
    assert_true(desktop.is_ready);
    assert_int_equal(w->fake.reboots, 1);
    assert_int_equal(w->fake.resets, 1);
    assert_string_equal(w->fault, "");
}

/* It boots, and longer than a guest may take to listen: each reset would begin that anew. */
static void a_wish_to_restart_what_is_not_ready_is_fulfilled_once(void **state)
{
    struct world *w = *state;
    world_calm(w, SETTLED_S);
    struct orl_desktop_row desktop;
    assert_int_equal(world_give(w, "ann", &desktop), 0);
    fake_find(&w->fake, desktop.uuid)->boot_left = 100000;
    const struct orl_desktop_seen dark = {.id = desktop.id, .power = ORL_POWER_RUNNING};
    assert_int_equal(orl_desktop_observe(w->store, &dark, w->now_ms, NULL), 0);
    assert_int_equal(orl_desktop_ask_restart(w->store, desktop.id, "user:ann", w->now_ms, NULL), 0);
    world_calm(w, 3 * SETTLED_S);
    assert_true(w->fake.resets <= 1);
    assert_int_equal(orl_desktop_get(w->store, desktop.id, &desktop, NULL), 0);
    assert_int_equal(desktop.restart_ms, 0);
    assert_int_equal(desktop.lease, ORL_LEASE_IN_USE);
    assert_string_equal(w->fault, "");
}

static void a_guest_that_restarts_itself_stays_its_persons(void **state)
{
    struct world *w = *state;
    struct orl_desktop_row desktop;
    assert_int_equal(world_give(w, "ann", &desktop), 0);
    unsigned starts = w->fake.starts;
    fake_reboot(fake_find(&w->fake, desktop.uuid));
    orl_reconcile_rebooted(w->reconcile, desktop.uuid, w->now_ms);
    for (int i = 0; i < 2; i++) { /* a second event changes nothing */
        assert_int_equal(orl_desktop_get(w->store, desktop.id, &desktop, NULL), 0);
        assert_int_equal(desktop.power, ORL_POWER_REBOOTING);
        assert_int_equal(desktop.reason, ORL_REASON_GUEST_REBOOTING);
        assert_int_equal(desktop.lease, ORL_LEASE_IN_USE);
        orl_reconcile_rebooted(w->reconcile, desktop.uuid, w->now_ms);
    }
    world_calm(w, 10);
    assert_int_equal(orl_desktop_get(w->store, desktop.id, &desktop, NULL), 0);
    assert_int_equal(desktop.power, ORL_POWER_RUNNING);
    assert_true(desktop.is_ready);
    assert_int_equal(desktop.reason, ORL_REASON_NONE);
    assert_int_equal(desktop.attempts, 0);
    assert_string_equal(desktop.user, "ann");
    assert_int_equal(w->fake.starts, starts + 1); /* of the spare that took its place */
    fake_find(&w->fake, desktop.uuid)->boot_left =
            100000; /* dark for ever: still nobody kills it */
    orl_reconcile_rebooted(w->reconcile, desktop.uuid, w->now_ms);
    world_calm(w, 2 * SETTLED_S);
    assert_int_equal(orl_desktop_get(w->store, desktop.id, &desktop, NULL), 0);
    assert_int_equal(desktop.power, ORL_POWER_RUNNING);
    assert_int_equal(fake_find(&w->fake, desktop.uuid)->vm.state, ORL_VM_RUNNING);
    assert_string_equal(w->fault, "");
}

static void kill_guest(struct world *w, const struct orl_desktop_row *desktop)
{
    fake_find(&w->fake, desktop->uuid)->vm.state = ORL_VM_CRASHED;
    world_calm(w, 2);
}

static void a_guest_that_dies_while_it_restarts_has_died(void **state)
{
    struct world *w = *state;
    struct orl_desktop_row desktop;
    assert_int_equal(world_give(w, "ann", &desktop), 0);
    fake_find(&w->fake, desktop.uuid)->boot_left = 100000;
    orl_reconcile_rebooted(w->reconcile, desktop.uuid, w->now_ms);
    world_calm(w, 2);
    kill_guest(w, &desktop);
    assert_int_equal(orl_desktop_get(w->store, desktop.id, &desktop, NULL), 0);
    assert_int_equal(desktop.attempts, 1);
    kill_guest(w, &desktop);
    assert_int_equal(orl_desktop_get(w->store, desktop.id, &desktop, NULL), 0);
    assert_int_equal(desktop.power, ORL_POWER_FAILED);
    assert_int_equal(desktop.reason, ORL_REASON_GUEST_DIED);
}

/* By its guest, or by somebody at libvirt. */
static void a_persons_machine_that_is_paused_goes_on(void **state)
{
    struct world *w = *state;
    struct orl_desktop_row desktop;
    assert_int_equal(world_give(w, "ann", &desktop), 0);
    struct fake_vm *vm = fake_find(&w->fake, desktop.uuid);
    vm->vm.state = ORL_VM_PAUSED;
    world_calm(w, 5);
    vm = fake_find(&w->fake, desktop.uuid);
    assert_int_equal(vm->vm.state, ORL_VM_RUNNING);
    assert_int_equal(w->fake.wakes, 1);
    assert_int_equal(orl_desktop_get(w->store, desktop.id, &desktop, NULL), 0);
    assert_int_equal(desktop.power, ORL_POWER_RUNNING);
    assert_true(desktop.is_ready);
    assert_int_equal(desktop.lease, ORL_LEASE_IN_USE);
    assert_string_equal(w->fault, "");
}

static void a_deleted_pool_ends_with_its_row(void **state)
{
    struct world *w = *state;
    struct orl_pool_row pool;
    assert_int_equal(orl_pool_set_deleted(w->store, "floating", NULL), 0);
    world_calm(w, SETTLED_S);
    assert_int_equal(orl_pool_get(w->store, "floating", &pool, NULL), ORL_E_NOTFOUND);
    assert_string_equal(w->fault, "");
}

static int open_golden_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    world_open_golden(w, 1);
    *state = w;
    return 0;
}

/* It ran for a moment: its disk is not the golden image's any more. */
static void a_copy_that_fails_is_never_begun_again(void **state)
{
    struct world *w = *state;
    struct orl_desktop_counts counts;
    w->fake.resumes_fail_late = true;
    for (unsigned i = 0; i < 200 && w->fake.resumes < 2; i++) {
        world_calm(w, 1);
    }
    assert_true(w->fake.resumes >= 2); /* another was made for it, and begun */
    assert_int_equal(w->fake.resumed_again, 0);
    w->fake.resumes_fail_late = false;
    world_calm(w, 3 * SETTLED_S);
    assert_int_equal(orl_desktop_count(w->store, "floating", &counts, NULL), 0);
    assert_int_equal(counts.ready, 2);
    assert_string_equal(w->fault, "");
}

struct images { /* the newest first */
    struct orl_golden_row rows[4];
    unsigned count;
};

static int note_image(void *ctx, const struct orl_golden_row *row)
{
    struct images *images = ctx;
    assert_true(images->count < 4);
    images->rows[images->count++] = *row;
    return 0;
}

static struct images images_of(struct world *w)
{
    struct images images = {0};
    assert_int_equal(orl_golden_rows(w->store, NULL, NULL, note_image, &images, NULL), 0);
    return images;
}

static int note_newest(void *ctx, const struct orl_desktop_row *row)
{
    struct orl_desktop_row *newest = ctx;
    if (row->lease == ORL_LEASE_FREE && row->created_ms >= newest->created_ms) {
        *newest = *row;
    }
    return 0;
}

/* Somebody gets a spare, and another is made for it: a copy of that image. */
static struct orl_desktop_row take(struct world *w, const char *user, const char *image)
{
    const struct orl_desktop_filter filter = {.pool = "floating"};
    struct orl_desktop_row given;
    struct orl_desktop_row newest = {.created_ms = w->now_ms};
    unsigned resumes = w->fake.resumes;
    give(w, user, "floating", &given);
    for (unsigned i = 0; i < SETTLED_S && !newest.is_ready; i++) {
        world_calm(w, 1);
        assert_int_equal(orl_desktop_list(w->store, &filter, note_newest, &newest, NULL), 0);
    }
    assert_true(newest.is_ready && newest.is_instant);
    assert_int_equal(w->fake.resumes, resumes + 1);
    assert_string_equal(newest.golden, image);
    return given;
}

/* Until the newest image is that far. */
static struct images await_image(
        struct world *w, unsigned count, enum orl_golden_state state, uint32_t percent)
{
    struct images images = images_of(w);
    for (unsigned i = 0;
            i < 10 * SETTLED_S && (images.count != count || images.rows[0].state != state ||
                                          images.rows[0].percent < percent);
            i++) {
        world_calm(w, 1);
        images = images_of(w);
    }
    assert_int_equal(images.count, count);
    assert_int_equal(images.rows[0].state, state);
    assert_in_range(images.rows[0].percent, percent, 100);
    return images;
}

static void another_qemu_or_machine_type_is_another_image_and_the_old_serves_meanwhile(void **state)
{
    static const char *const users[] = {"ann", "bob", "cat"};
    struct world *w = *state;
    struct orl_desktop_row given[3];
    for (unsigned change = 0; change < 2; change++) {
        struct images images = await_image(w, 1, ORL_GOLDEN_READY, 100);
        const struct orl_golden_row old = images.rows[0];
        world_calm(w, SETTLED_S);
        w->fake.qemu_version += change == 0 ? 1000000 : 0;
        w->fake.machine = change == 0 ? w->fake.machine : "pc-q35-8.2";
        w->parks = ORL_JOB_GOLDEN_FREEZE;
        images = await_image(w, 2, ORL_GOLDEN_BUILDING, 50); /* how far it is can be seen */
        const struct orl_golden_row *image = &images.rows[0];
        assert_int_equal(image->qemu, w->fake.qemu_version);
        assert_string_equal(image->machine, w->fake.machine);
        assert_true(image->percent < 100 && image->text[0]);
        assert_int_equal(images.rows[1].state, ORL_GOLDEN_READY);
        given[0] = take(w, users[0], old.id);
        images = await_image(w, 2, ORL_GOLDEN_BUILDING, 50);
        assert_string_equal(images.rows[1].id, old.id);
        w->parks = ORL_JOB_NONE;
        images = await_image(w, 2, ORL_GOLDEN_READY, 100);
        /* Who has a copy of the old one keeps it, and it stays until the last of them has gone. */
        given[1] = take(w, users[1], images.rows[0].id);
        given[2] = take(w, users[2], images.rows[0].id);
        images = await_image(w, 2, ORL_GOLDEN_READY, 100);
        assert_int_equal(images.rows[1].state, ORL_GOLDEN_STALE);
        for (unsigned i = 0; i < 3; i++) {
            assert_string_equal(given[i].golden, old.id);
            assert_int_equal(orl_session_end(w->store, given[i].session, ORL_REASON_LOGGED_OFF,
                                     "test", w->now_ms, NULL),
                    0);
        }
    }
    (void)await_image(w, 1, ORL_GOLDEN_READY, 100);
    assert_string_equal(w->fault, "");
}

#define WITH_WORLD(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WITH_WORLD(spares_become_ready_and_stay),
            WITH_WORLD(a_wish_to_restart_is_asked_once_then_enforced),
            WITH_WORLD(a_wish_to_restart_what_is_not_ready_is_fulfilled_once),
            WITH_WORLD(a_stray_floating_machine_goes),
            WITH_WORLD(an_address_that_is_kept_for_nobody_is_given_up),
            WITH_WORLD(addresses_that_stay_keep_no_other),
            WITH_WORLD(a_stray_dedicated_machine_waits_for_the_administrator),
            WITH_WORLD(an_adopted_machine_is_its_persons_again),
            WITH_WORLD(a_persons_own_machine_says_whose_it_is),
            WITH_WORLD(a_clock_that_is_set_changes_nothing),
            WITH_WORLD(a_restored_store_stops_the_sweep_and_says_so),
            WITH_WORLD(what_is_a_desktop_again_is_not_purged),
            WITH_WORLD(a_day_old_backup_loses_and_repeats_nothing),
            WITH_WORLD(a_hypervisor_that_is_away_is_in_the_rows_until_it_is_back),
            WITH_WORLD(a_hypervisor_that_hangs_is_down_until_its_answer_comes),
            WITH_WORLD(a_guest_that_restarts_itself_stays_its_persons),
            WITH_WORLD(a_guest_that_dies_while_it_restarts_has_died),
            WITH_WORLD(a_persons_machine_that_is_paused_goes_on),
            WITH_WORLD(a_deleted_pool_ends_with_its_row),
            cmocka_unit_test_setup_teardown(
                    a_copy_that_fails_is_never_begun_again, open_golden_world, world_teardown),
            cmocka_unit_test_setup_teardown(
                    another_qemu_or_machine_type_is_another_image_and_the_old_serves_meanwhile,
                    open_golden_world, world_teardown),
    };
    orl_log_set_level(ORL_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
