/* What goes wrong outside of us is a reason and an alarm, and over when its cause is: docs/operations.md, Repair. */
#include "bad_world.h"
#include "base/log.h"
#include "store/alarm.h"
#include "store/host.h"
#include "store/pool.h"
#include "store/template.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SETTLED_S = 60, GRACE_S = 70, STRAYS = 12 };

#define STRAY_UUID "6b1f0f3c-50a6-4e5a-9d0e-3f1f2a3b4c5d"

static void a_hypervisor_that_is_away_is_an_alarm_of_its_host(void **state)
{
    struct world *w = *state;
    w->fake.is_down = true;
    world_calm(w, 5);
    assert_true(bad_has_alarm(w, ORL_REASON_HYPERVISOR_DOWN, "host:here"));
    assert_false(bad_has_alarm(w, ORL_REASON_HYPERVISOR_DOWN, "pool:floating"));
    w->fake.is_down = false;
    world_calm(w, 5);
    assert_false(bad_has_alarm(w, ORL_REASON_HYPERVISOR_DOWN, "host:here"));
}

/* Not "vmpool is down": it says itself that libvirt is, when that has been silent for longer than a call may take. */
static void a_slow_hypervisor_does_not_silence_vmpool(void **state)
{
    struct world *w = *state;
    struct orl_host_row host;
    world_calm(w, 5);
    w->parks = ORL_JOB_OBSERVE;
    world_calm(w, 40);
    assert_int_equal(orl_host_get(w->store, "here", &host, NULL), 0);
    assert_int_equal(host.state, ORL_HOST_UP);
    assert_true(host.heartbeat_ms + 10000 > w->now_ms);
    world_calm(w, 20);
    assert_int_equal(orl_host_get(w->store, "here", &host, NULL), 0);
    assert_int_equal(host.state, ORL_HOST_DOWN);
    assert_int_equal(host.reason, ORL_REASON_HYPERVISOR_DOWN);
    assert_true(host.heartbeat_ms + 10000 > w->now_ms);
    w->parks = ORL_JOB_NONE;
    world_calm(w, 5);
    assert_int_equal(orl_host_get(w->store, "here", &host, NULL), 0);
    assert_int_equal(host.state, ORL_HOST_UP);
}

/* As on a full or read-only disk: each clone ends half-way. */
static void clones_that_fail_are_an_alarm_of_their_pool(void **state)
{
    struct world *w = *state;
    struct orl_pool_row pool;
    struct orl_desktop_counts counts;
    assert_int_equal(orl_pool_get(w->store, "floating", &pool, NULL), 0);
    pool.spares = 4;
    assert_int_equal(orl_pool_update(w->store, &pool, NULL), 0);
    w->fake.half_clones = true;
    world_calm(w, SETTLED_S);
    assert_true(bad_has_alarm(w, ORL_REASON_GUEST_START_FAILED, "pool:floating"));
    w->fake.half_clones = false;
    world_calm(w, 20 * SETTLED_S); /* its waiting grew */
    assert_false(bad_has_alarm(w, ORL_REASON_GUEST_START_FAILED, "pool:floating"));
    assert_int_equal(orl_desktop_count(w->store, "floating", &counts, NULL), 0);
    assert_int_equal(counts.ready, 4);
    assert_int_equal(counts.total, 4);
}

static void a_sweep_that_stops_goes_on_when_its_alarm_is_cleared(void **state)
{
    struct world *w = *state;
    size_t before = w->fake.count;
    for (unsigned i = 0; i < STRAYS; i++) {
        struct fake_vm *vm = &w->fake.vms[w->fake.count++];
        memset(vm, 0, sizeof *vm);
        vm->is_defined = vm->has_overlay = vm->is_late = true;
        vm->vm.meta.stamp_ms = 1;
        (void)snprintf(vm->vm.meta.desktop, sizeof vm->vm.meta.desktop, "%032x", i);
        (void)snprintf(vm->vm.uuid, sizeof vm->vm.uuid, "6b1f0f3c-50a6-4e5a-9d0e-%012x", i);
        (void)snprintf(vm->vm.name, sizeof vm->vm.name, "oriel-aaaaaaaaaaaa-%u", i + 1);
    }
    world_calm(w, 2 * GRACE_S);
    assert_true(bad_has_alarm(w, ORL_REASON_SWEEP_STOPPED, "sweep:here"));
    assert_int_equal(w->fake.count, before + STRAYS);
    assert_int_equal(
            orl_alarm_clear(w->store, ORL_REASON_SWEEP_STOPPED, "sweep:here", w->now_ms, NULL), 0);
    world_calm(w, GRACE_S);
    assert_int_equal(w->fake.count, before);
    assert_false(bad_has_alarm(w, ORL_REASON_SWEEP_STOPPED, "sweep:here"));
}

static void give_to(struct world *w, const char *user)
{
    struct orl_session_row session = {.pool = "floating", .conn = 1, .protocol = ORL_PROTOCOL_RDP};
    struct orl_desktop_row desktop;
    struct orl_id id;
    (void)snprintf(session.user, sizeof session.user, "%s", user);
    assert_int_equal(
            orl_session_insert(w->store, &session, w->now_ms + 9999999, w->now_ms, &id, NULL), 0);
    assert_int_equal(orl_session_claim(w->store, id.text, w->now_ms, &desktop, NULL), 0);
}

/* The store that lost its newest rows goes on writing, and is soon newer than all machines. */
static void a_store_that_is_too_old_stops_the_sweep_until_somebody_has_looked(void **state)
{
    struct world *w = *state;
    struct fake_vm *vm = &w->fake.vms[w->fake.count++];
    memset(vm, 0, sizeof *vm);
    vm->is_defined = vm->has_overlay = vm->is_late = true;
    vm->vm.meta.stamp_ms = w->now_ms + 3000;
    (void)snprintf(vm->vm.meta.desktop, sizeof vm->vm.meta.desktop, "%032x", 1U);
    (void)snprintf(vm->vm.uuid, sizeof vm->vm.uuid, STRAY_UUID);
    (void)snprintf(vm->vm.name, sizeof vm->vm.name, "oriel-aaaaaaaaaaaa-1");
    world_calm(w, 5);
    assert_true(bad_has_alarm(w, ORL_REASON_SWEEP_STOPPED, "sweep:here"));
    give_to(w, "ann");
    world_calm(w, 2 * GRACE_S);
    assert_true(bad_has_alarm(w, ORL_REASON_SWEEP_STOPPED, "sweep:here"));
    assert_non_null(fake_find(&w->fake, STRAY_UUID));
    world_restart(w);
    world_calm(w, 2 * GRACE_S);
    assert_true(bad_has_alarm(w, ORL_REASON_SWEEP_STOPPED, "sweep:here"));
    assert_non_null(fake_find(&w->fake, STRAY_UUID));
    assert_int_equal(
            orl_alarm_clear(w->store, ORL_REASON_SWEEP_STOPPED, "sweep:here", w->now_ms, NULL), 0);
    world_calm(w, GRACE_S);
    assert_null(fake_find(&w->fake, STRAY_UUID));
    assert_false(bad_has_alarm(w, ORL_REASON_SWEEP_STOPPED, "sweep:here"));
}

/* The broker was first, and has written: no machine is newer than the store, but of one it never heard. */
static void a_store_that_is_too_old_is_seen_also_when_it_was_written_to(void **state)
{
    struct world *w = *state;
    give_to(w, "ann");
    w->now_ms += 1000;
    struct fake_vm *vm = &w->fake.vms[w->fake.count++];
    memset(vm, 0, sizeof *vm);
    vm->is_defined = vm->has_overlay = vm->is_late = true;
    vm->vm.meta.stamp_ms = w->now_ms;
    (void)snprintf(vm->vm.meta.desktop, sizeof vm->vm.meta.desktop, "%032x", 1U);
    (void)snprintf(vm->vm.uuid, sizeof vm->vm.uuid, STRAY_UUID);
    (void)snprintf(vm->vm.name, sizeof vm->vm.name, "oriel-aaaaaaaaaaaa-1");
    w->now_ms += 1000;
    give_to(w, "bob");
    world_restart(w);
    world_calm(w, 2 * GRACE_S);
    assert_true(bad_has_alarm(w, ORL_REASON_SWEEP_STOPPED, "sweep:here"));
    assert_non_null(fake_find(&w->fake, STRAY_UUID));
    assert_int_equal(
            orl_alarm_clear(w->store, ORL_REASON_SWEEP_STOPPED, "sweep:here", w->now_ms, NULL), 0);
    world_calm(w, GRACE_S);
    assert_null(fake_find(&w->fake, STRAY_UUID));
    assert_false(bad_has_alarm(w, ORL_REASON_SWEEP_STOPPED, "sweep:here"));
}

/* Somebody undefined it by hand: its row says so, and nothing is made in its place. */
static void a_persons_machine_that_vanished_is_an_alarm_until_it_is_back(void **state)
{
    struct world *w = *state;
    struct orl_session_row session = {
            .user = "ann", .pool = "dedicated", .conn = 1, .protocol = ORL_PROTOCOL_RDP};
    struct orl_desktop_row desktop;
    struct orl_id id;
    char object[64];
    assert_int_equal(
            orl_session_insert(w->store, &session, w->now_ms + 9999999, w->now_ms, &id, NULL), 0);
    assert_int_equal(orl_session_claim(w->store, id.text, w->now_ms, &desktop, NULL), 0);
    (void)snprintf(object, sizeof object, "desktop:%s", desktop.id);
    world_calm(w, 5);
    struct fake_vm *vm = fake_find(&w->fake, desktop.uuid);
    assert_non_null(vm);
    struct fake_vm kept = *vm;
    *vm = w->fake.vms[--w->fake.count];
    world_calm(w, 15);
    assert_int_equal(orl_desktop_get(w->store, desktop.id, &desktop, NULL), 0);
    assert_int_equal(desktop.power, ORL_POWER_FAILED);
    assert_int_equal(desktop.reason, ORL_REASON_DESKTOP_LOST);
    assert_true(bad_has_alarm(w, ORL_REASON_DESKTOP_LOST, object));
    kept.vm.state = ORL_VM_OFF;
    w->fake.vms[w->fake.count++] = kept;
    world_calm(w, SETTLED_S);
    assert_int_equal(orl_desktop_get(w->store, desktop.id, &desktop, NULL), 0);
    assert_string_equal(desktop.user, "ann");
    assert_true(desktop.is_ready);
    assert_false(bad_has_alarm(w, ORL_REASON_DESKTOP_LOST, object));
}

enum { TRIES_IN_20_MINUTES = 30 }; /* one a minute, and the first few */

/* Somebody wrote into the template's file, or moved it away. */
static void a_template_that_changed_under_its_pool_is_an_alarm_and_nobody_loses_theirs(void **state)
{
    struct world *w = *state;
    struct orl_desktop_row ann = bad_give(w, "floating", "ann");
    world_calm(w, SETTLED_S);
    w->templates[2] = ORL_TEMPLATE_CORRUPT;
    w->templates[1] = ORL_TEMPLATE_MISSING;
    world_calm(w, SETTLED_S);
    assert_true(bad_has_alarm(w, ORL_REASON_TEMPLATE_CORRUPT, "template:t/2"));
    assert_true(bad_has_alarm(w, ORL_REASON_TEMPLATE_MISSING, "template:t/1"));
    assert_int_equal(bad_count_ready(w, "floating"), 2); /* those that run, do */
    struct orl_desktop_row bob = bad_give(w, "floating", "bob");
    unsigned calls = w->fake.clone_calls;
    world_calm(w, SETTLED_S);
    assert_true(bad_has_alarm(w, ORL_REASON_TEMPLATE_CORRUPT, "pool:floating"));
    assert_int_equal(w->fake.clone_calls, calls);
    w->templates[1] = w->templates[2] = ORL_TEMPLATE_UNKNOWN; /* put back */
    world_calm(w, SETTLED_S);
    assert_int_equal(bad_count_alarms(w), 0);
    assert_int_equal(bad_count_ready(w, "floating"), 2);
    assert_int_equal(bad_row(w, ann.id).lease, ORL_LEASE_IN_USE);
    assert_int_equal(bad_row(w, bob.id).lease, ORL_LEASE_IN_USE);
    assert_string_equal(w->fault, "");
}

static void an_older_version_takes_the_place_of_one_that_changed(void **state)
{
    struct world *w = *state;
    w->templates[2] = ORL_TEMPLATE_CORRUPT;
    bad_minutes(w, 3);
    assert_true(bad_has_alarm(w, ORL_REASON_TEMPLATE_CORRUPT, "template:t/2"));
    struct orl_desktop_row ann = bad_give(w, "floating", "ann");
    assert_int_equal(ann.template_version, 1);
    assert_int_equal(bad_count_alarms(w), 1);
}

/* The store refuses to forget it; somebody deleted the rows by hand. */
static void a_template_that_is_deleted_under_its_pool_takes_nobodys_desktop(void **state)
{
    struct world *w = *state;
    struct orl_desktop_row ann = bad_give(w, "floating", "ann");
    struct orl_template_row t;
    world_calm(w, SETTLED_S);
    assert_int_equal(orl_template_get(w->store, "t", 2, &t, NULL), 0);
    assert_int_equal(orl_template_remove(w->store, "t", 0, NULL), ORL_E_CONFLICT);
    assert_int_equal(bad_try_edit(w, "DELETE FROM template_version"), 2);
    world_calm(w, SETTLED_S);
    assert_int_equal(bad_count_ready(w, "floating"), 2);
    struct orl_desktop_row bob = bad_give(w, "floating", "bob");
    unsigned calls = w->fake.clone_calls;
    world_calm(w, SETTLED_S);
    assert_true(bad_has_alarm(w, ORL_REASON_TEMPLATE_MISSING, "pool:floating"));
    assert_int_equal(w->fake.clone_calls, calls);
    assert_int_equal(orl_template_add_version(w->store, &t, w->now_ms, &t.version, NULL), 0);
    bad_minutes(w, 5);
    assert_int_equal(bad_count_ready(w, "floating"), 2);
    assert_int_equal(bad_count_alarms(w), 0);
    assert_int_equal(bad_row(w, ann.id).lease, ORL_LEASE_IN_USE);
    assert_int_equal(bad_row(w, bob.id).lease, ORL_LEASE_IN_USE);
    assert_string_equal(w->fault, "");
}

/* What overlays lie on is gone: none of them starts. */
static void a_persons_machine_that_can_not_start_is_an_alarm_until_it_does(void **state)
{
    struct world *w = *state;
    struct orl_desktop_row ann = bad_give(w, "dedicated", "ann");
    world_calm(w, SETTLED_S);
    w->fake.start_fault = "Could not open backing file: No such file or directory";
    struct fake_vm *vm = fake_find(&w->fake, ann.uuid);
    vm->vm.state = ORL_VM_CRASHED;
    unsigned calls = w->fake.start_calls;
    bad_minutes(w, 20);
    assert_true(w->fake.start_calls - calls < TRIES_IN_20_MINUTES);
    ann = bad_row(w, ann.id);
    assert_int_equal(ann.power, ORL_POWER_FAILED);
    assert_non_null(strstr(ann.reason_text, "backing file"));
    assert_true(bad_has_desktop_alarm(w, ann.reason, ann.id));
    w->fake.start_fault = NULL;
    bad_minutes(w, 20);
    ann = bad_row(w, ann.id);
    assert_true(ann.is_ready);
    assert_string_equal(ann.user, "ann");
    assert_int_equal(bad_count_alarms(w), 0);
    assert_string_equal(w->fault, "");
}

static void end_session(struct world *w, const char *user, const char *pool)
{
    struct orl_session_row session;
    assert_int_equal(orl_session_find(w->store, user, pool, &session, NULL), 0);
    assert_int_equal(
            orl_session_end(w->store, session.id, ORL_REASON_LOGGED_OFF, "test", w->now_ms, NULL),
            0);
}

static void assert_stands(struct world *w, const char *id, enum orl_reason reason)
{
    struct orl_desktop_row row = bad_row(w, id);
    assert_int_equal(row.lease, ORL_LEASE_IN_USE);
    assert_int_equal(row.power, ORL_POWER_SUSPENDED);
    assert_int_equal(row.reason, reason);
    assert_non_null(strstr(row.reason_text, "stands still"));
    assert_int_equal(fake_find(&w->fake, row.uuid)->vm.state, ORL_VM_STUCK);
}

static void assert_goes_on(struct world *w, const char *id, unsigned boots)
{
    struct orl_desktop_row row = bad_row(w, id);
    assert_int_equal(row.lease, ORL_LEASE_IN_USE);
    assert_true(row.is_ready);
    assert_int_equal(row.reason, ORL_REASON_NONE);
    assert_int_equal(fake_find(&w->fake, row.uuid)->boots, boots);
}

/* What they have not saved is in machines that stand still: nobody ends those. */
static void people_on_a_disk_that_takes_no_write_go_on_when_it_does(void **state)
{
    static const struct {
        int fault;
        enum orl_reason reason;
    } cases[] = {
            {ORL_E_LIMIT, ORL_REASON_GUEST_NO_SPACE}, {ORL_E_SYS, ORL_REASON_GUEST_DISK_FAILED}};
    struct world *w = *state;
    struct orl_desktop_row ann = bad_give(w, "floating", "ann");
    struct orl_desktop_row bob = bad_give(w, "dedicated", "bob");
    bad_minutes(w, 2);
    unsigned boots[] = {fake_find(&w->fake, ann.uuid)->boots, fake_find(&w->fake, bob.uuid)->boots};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        w->fake.disk_fault = cases[i].fault;
        unsigned calls = w->fake.wake_calls;
        bad_minutes(w, 10);
        assert_stands(w, ann.id, cases[i].reason);
        assert_stands(w, bob.id, cases[i].reason);
        assert_true(bad_has_alarm(w, cases[i].reason, "host:here"));
        world_restart(w);
        bad_minutes(w, 10);
        assert_stands(w, ann.id, cases[i].reason);
        assert_true(bad_has_alarm(w, cases[i].reason, "host:here"));
        assert_true(w->fake.wake_calls - calls > 4);
        assert_true(w->fake.wake_calls - calls < 4 * TRIES_IN_20_MINUTES);
        w->fake.disk_fault = 0;
        bad_minutes(w, 2);
        assert_goes_on(w, ann.id, boots[0]);
        assert_goes_on(w, bob.id, boots[1]);
        bad_minutes(w, 20);
        assert_int_equal(bad_count_alarms(w), 0);
        assert_int_equal(bad_count_ready(w, "floating"), 2);
    }
    assert_string_equal(w->fault, "");
}

/* They have gone, and what they wrote has not reached the disk yet. */
static void a_persons_machine_that_is_to_stop_waits_for_its_disk(void **state)
{
    struct world *w = *state;
    struct orl_desktop_row bob = bad_give(w, "dedicated", "bob");
    bad_minutes(w, 2);
    w->fake.disk_fault = ORL_E_LIMIT;
    world_calm(w, 10);
    end_session(w, "bob", "dedicated");
    bad_minutes(w, 20);
    assert_int_equal(bad_row(w, bob.id).lease, ORL_LEASE_ENDING);
    assert_int_equal(fake_find(&w->fake, bob.uuid)->vm.state, ORL_VM_STUCK);
    assert_true(bad_has_alarm(w, ORL_REASON_GUEST_NO_SPACE, "host:here"));
    w->fake.disk_fault = 0;
    bad_minutes(w, 20);
    assert_int_equal(bad_row(w, bob.id).lease, ORL_LEASE_ASSIGNED);
    assert_int_equal(fake_find(&w->fake, bob.uuid)->vm.state, ORL_VM_OFF);
    assert_int_equal(bad_count_alarms(w), 0);
    assert_string_equal(w->fault, "");
}

/* As on a storage that hangs: a machine that sleeps would be ended for that. */
static void a_machine_that_stands_still_is_not_ended_for_a_call_that_hangs(void **state)
{
    struct world *w = *state;
    struct orl_desktop_row bob = bad_give(w, "dedicated", "bob");
    bad_minutes(w, 2);
    unsigned boots = fake_find(&w->fake, bob.uuid)->boots;
    w->hangs = ORL_JOB_WAKE;
    w->hang_max = WORLD_JOBS;
    w->fake.disk_fault = ORL_E_SYS;
    bad_minutes(w, 60);
    assert_stands(w, bob.id, ORL_REASON_GUEST_DISK_FAILED);
    assert_true(bad_has_desktop_alarm(w, ORL_REASON_HYPERVISOR_DOWN, bob.id));
    w->fake.disk_fault = 0;
    w->hangs = ORL_JOB_NONE;
    bad_minutes(w, 20);
    assert_goes_on(w, bob.id, boots);
    assert_int_equal(bad_count_alarms(w), 0);
}

static void spares_that_can_not_start_are_their_pools_alarm_and_are_replaced(void **state)
{
    struct world *w = *state;
    struct orl_pool_row pool = bad_pool(w, "floating");
    pool.spares = 4;
    bad_set(w, &pool);
    w->fake.start_fault = "Could not open backing file: No such file or directory";
    unsigned calls = w->fake.start_calls + w->fake.clone_calls;
    bad_minutes(w, 20);
    assert_true(w->fake.start_calls + w->fake.clone_calls - calls < 2 * TRIES_IN_20_MINUTES);
    assert_true(bad_has_alarm(w, ORL_REASON_GUEST_START_FAILED, "pool:floating"));
    w->fake.start_fault = NULL;
    bad_minutes(w, 20);
    assert_int_equal(bad_count_ready(w, "floating"), 4);
    assert_int_equal(bad_count_alarms(w), 0);
    assert_string_equal(w->fault, "");
}

static void on_a_disk_that_is_read_only_nothing_is_lost_and_all_is_said(void **state)
{
    struct world *w = *state;
    struct orl_desktop_row ann = bad_give(w, "floating", "ann");
    w->fake.is_readonly = true;
    world_calm(w, SETTLED_S);
    assert_true(bad_has_alarm(w, ORL_REASON_GUEST_START_FAILED, "pool:floating"));
    end_session(w, "ann", "floating");
    unsigned calls = w->fake.clone_calls + w->fake.remove_calls;
    bad_minutes(w, 20);
    assert_true(w->fake.clone_calls + w->fake.remove_calls - calls < 3 * TRIES_IN_20_MINUTES);
    assert_int_equal(bad_row(w, ann.id).reason, ORL_REASON_NOT_REMOVED);
    assert_true(bad_has_desktop_alarm(w, ORL_REASON_NOT_REMOVED, ann.id));
    w->fake.is_readonly = false;
    bad_minutes(w, 20);
    assert_int_equal(orl_desktop_get(w->store, ann.id, &ann, NULL), ORL_E_NOTFOUND);
    assert_int_equal(bad_count_ready(w, "floating"), 2);
    assert_int_equal(bad_count_alarms(w), 0);
    assert_string_equal(w->fault, "");
}

static bool has_strangers(const struct world *w)
{
    for (size_t i = 0; i < w->fake.count; i++) {
        if (w->fake.vms[i].is_late) {
            return true;
        }
    }
    return false;
}

/* virsh undefine, and define again without its uuid. */
static void another_machine_in_the_place_of_ours_is_outlived(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < w->fake.count; i++) {
        struct fake_vm *vm = &w->fake.vms[i];
        if (vm->vm.meta.kind == ORL_VM_FLOATING) {
            vm->vm.uuid[0] = vm->vm.uuid[0] == 'f' ? 'e' : 'f';
            vm->vm.state = ORL_VM_OFF;
            vm->is_late = true; /* ours no more */
        }
    }
    unsigned calls = w->fake.clone_calls + w->fake.start_calls;
    bad_minutes(w, 20);
    assert_true(w->fake.clone_calls + w->fake.start_calls - calls < TRIES_IN_20_MINUTES);
    assert_int_equal(bad_count_ready(w, "floating"), 2);
    assert_int_equal(bad_count_alarms(w), 0);
    assert_false(has_strangers(w));
    assert_string_equal(w->fault, "");
}

static void a_name_that_somebody_has_taken_is_told_and_outlived(void **state)
{
    struct world *w = *state;
    struct orl_pool_row pool = bad_pool(w, "floating");
    bool is_told = false;
    pool.spares = 3;
    bad_set(w, &pool);
    w->fake.squats = 1;
    for (unsigned second = 0; second < SETTLED_S && !is_told; second++) {
        world_calm(w, 1);
        is_told = bad_has_alarm(w, ORL_REASON_GUEST_START_FAILED, "pool:floating");
    }
    assert_true(is_told);
    assert_non_null(strstr(bad_pool(w, "floating").problem_text, "already exists"));
    assert_true(has_strangers(w));
    bad_minutes(w, 20);
    assert_int_equal(bad_count_ready(w, "floating"), 3);
    assert_int_equal(bad_count_alarms(w), 0);
    assert_false(has_strangers(w));
    assert_string_equal(w->fault, "");
}

static void take_and_leave(struct world *w, const char *user)
{
    (void)bad_give(w, "floating", user);
    end_session(w, user, "floating");
}

static const enum orl_job_kind calls_that_hang[] = {
        ORL_JOB_CLONE, ORL_JOB_START, ORL_JOB_DELETE, ORL_JOB_LOOK};

static void a_call_that_does_not_come_back_is_an_alarm_and_the_others_go_on(void **state)
{
    struct world *w = *state;
    for (size_t k = 0; k < sizeof calls_that_hang / sizeof calls_that_hang[0]; k++) {
        w->hangs = calls_that_hang[k];
        w->hang_max = 1;
        take_and_leave(w, "ann");
        bad_minutes(w, 20);
        assert_int_equal(w->job_count, 1);
        assert_int_equal(bad_count_ready(w, "floating"), 2);
        assert_true(bad_has_desktop_alarm(w, ORL_REASON_HYPERVISOR_DOWN, w->jobs[0].job->id));
        assert_int_equal(bad_count_alarms(w), 1);
        w->hangs = ORL_JOB_NONE;
        bad_minutes(w, 5);
        assert_int_equal(bad_count_alarms(w), 0);
    }
    assert_string_equal(w->fault, "");
}

/* All workers are busy for longer than a call may take; no call of theirs hangs. */
static void what_waits_for_a_worker_does_not_hang(void **state)
{
    struct world *w = *state;
    w->parks = ORL_JOB_DELETE;
    take_and_leave(w, "ann");
    bad_minutes(w, 20);
    assert_int_equal(w->job_count, 1);
    assert_int_equal(bad_count_alarms(w), 0);
    w->parks = ORL_JOB_NONE;
    bad_minutes(w, 5);
    assert_int_equal(bad_count_alarms(w), 0);
    assert_int_equal(bad_count_ready(w, "floating"), 2);
    assert_string_equal(w->fault, "");
}

/* A person's machine that sleeps and can't be woken: tried twice, with an alarm, then ended. */
static void a_persons_machine_that_does_not_wake_is_ended(void **state)
{
    struct world *w = *state;
    struct orl_desktop_row desktop = bad_give(w, "dedicated", "ann");
    bad_minutes(w, 2);
    struct fake_vm *vm = fake_find(&w->fake, desktop.uuid);
    unsigned starts = w->fake.starts;
    assert_non_null(vm);
    vm->vm.state = ORL_VM_PAUSED;
    w->hangs = ORL_JOB_WAKE;
    w->hang_max = WORLD_JOBS;
    bad_minutes(w, 8);
    assert_true(bad_has_desktop_alarm(w, ORL_REASON_HYPERVISOR_DOWN, desktop.id));
    assert_int_equal(orl_desktop_get(w->store, desktop.id, &desktop, NULL), 0);
    assert_int_equal(desktop.reason, ORL_REASON_HYPERVISOR_DOWN);
    assert_int_equal(fake_find(&w->fake, desktop.uuid)->vm.state, ORL_VM_PAUSED);
    bad_minutes(w, 20);
    assert_int_equal(orl_desktop_get(w->store, desktop.id, &desktop, NULL), 0);
    assert_string_equal(desktop.user, "ann");
    assert_int_equal(desktop.power, ORL_POWER_RUNNING); /* begun again, with their disk */
    assert_true(desktop.is_ready);
    assert_true(w->fake.starts > starts);
    w->hangs = ORL_JOB_NONE;
    bad_minutes(w, 5);
    assert_int_equal(bad_count_alarms(w), 0);
    assert_string_equal(w->fault, "");
}

/* Until somebody starts libvirt again: then each call comes back. */
static void when_none_comes_back_no_more_are_sent_and_the_host_has_the_alarm(void **state)
{
    struct world *w = *state;
    for (size_t k = 0; k < 3; k++) {
        w->hangs = calls_that_hang[k];
        w->hang_max = WORLD_JOBS;
        take_and_leave(w, "ann");
        take_and_leave(w, "bob");
        bad_minutes(w, 30);
        struct orl_pool_row pool = bad_pool(w, "floating");
        pool.spares = 4;
        bad_set(w, &pool);
        bad_minutes(w, 60);
        pool.spares = 2;
        bad_set(w, &pool);
        assert_true(w->job_count >= 2 && w->job_count <= 5);
        assert_true(bad_count_alarms(w) > 0);
        w->hangs = ORL_JOB_NONE;
        bad_minutes(w, 30);
        assert_int_equal(bad_count_ready(w, "floating"), 2);
        assert_int_equal(bad_count_alarms(w), 0);
    }
    assert_string_equal(w->fault, "");
}

/* The pool's desktops boot meanwhile. */
static void a_golden_image_whose_making_hangs_holds_no_pool(void **state)
{
    static const enum orl_job_kind kinds[] = {
            ORL_JOB_GOLDEN_BOOT, ORL_JOB_GOLDEN_LOOK, ORL_JOB_GOLDEN_FREEZE};
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct world *w = calloc(1, sizeof *w);
        world_open_golden(w, 1);
        w->hangs = kinds[k];
        w->hang_max = 1;
        bad_minutes(w, 60);
        assert_int_equal(bad_count_ready(w, "floating"), 2);
        assert_int_equal(w->job_count, 1);
        assert_true(bad_count_alarms(w) >= 1);
        w->hangs = ORL_JOB_NONE;
        bad_minutes(w, 20);
        assert_int_equal(bad_count_ready(w, "floating"), 2);
        assert_int_equal(bad_count_alarms(w), 0);
        assert_string_equal(w->fault, "");
        world_close(w);
        free(w);
    }
}

static void a_golden_image_that_fails_is_an_alarm_until_one_serves(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    (void)state;
    world_open_golden(w, 1);
    w->fake.golden_fault = "the guest's agent";
    bad_minutes(w, 3);
    for (unsigned minute = 0; minute < 20; minute++) { /* also while another try goes on */
        assert_true(bad_has_alarm(w, ORL_REASON_GOLDEN_FAILED, "pool:floating"));
        assert_int_equal(bad_count_alarms(w), 1);
        bad_minutes(w, 1);
    }
    assert_int_equal(bad_count_ready(w, "floating"), 2); /* they boot */
    assert_int_equal(w->fake.resumes, 0);
    orl_reconcile_free(w->reconcile); /* another vmpool, which remembers nothing */
    w->job_count = 0;
    world_start(w);
    world_calm(w, 5);
    assert_true(bad_has_alarm(w, ORL_REASON_GOLDEN_FAILED, "pool:floating"));
    w->fake.golden_fault = NULL;
    bad_minutes(w, 60);
    assert_int_equal(bad_count_alarms(w), 0);
    (void)bad_give(w, "floating", "ann");
    bad_minutes(w, 5);
    assert_true(w->fake.resumes > 0);
    assert_int_equal(bad_count_ready(w, "floating"), 2);
    assert_string_equal(w->fault, "");
    world_close(w);
    free(w);
}

static void a_clock_that_differs_is_an_alarm_in_both_directions(void **state)
{
    static const int64_t ahead_ms[] = {30000, -30000};
    struct world *w = *state;
    for (size_t i = 0; i < sizeof ahead_ms / sizeof ahead_ms[0]; i++) {
        w->clock_ahead_ms = ahead_ms[i];
        bad_minutes(w, 2);
        assert_true(bad_has_alarm(w, ORL_REASON_CLOCK_OFF, "host:here"));
        w->fake.is_down = true; /* beside what else that host has */
        bad_minutes(w, 1);
        assert_true(bad_has_alarm(w, ORL_REASON_HYPERVISOR_DOWN, "host:here"));
        assert_true(bad_has_alarm(w, ORL_REASON_CLOCK_OFF, "host:here"));
        w->fake.is_down = false;
        w->clock_ahead_ms = 2000;
        bad_minutes(w, 2);
        assert_int_equal(bad_count_alarms(w), 0);
    }
}

static void a_clock_that_was_set_is_an_alarm_for_an_hour(void **state)
{
    static const int64_t by_ms[] = {7200000, -7200000};
    struct world *w = *state;
    for (size_t i = 0; i < sizeof by_ms / sizeof by_ms[0]; i++) {
        w->now_ms = (uint64_t)((int64_t)w->now_ms + by_ms[i]);
        orl_reconcile_shift(w->reconcile, by_ms[i]);
        bad_minutes(w, 50);
        assert_true(bad_has_alarm(w, ORL_REASON_CLOCK_OFF, "host:here"));
        bad_minutes(w, 15);
        assert_int_equal(bad_count_alarms(w), 0);
    }
}

static void an_alarm_of_before_our_start_goes_with_its_cause(void **state)
{
    struct world *w = *state;
    static const char *const gone[] = {"desktop:0123456789abcdef0123456789abcdef",
            "golden:0123456789abcdef0123456789abcdef", "domain:oriel-aaaaaaaaaaaa-1",
            "card:52:54:00:aa:bb:cc", "host:here"};
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
        assert_int_equal(
                orl_alarm_raise(w->store, ORL_REASON_HYPERVISOR_DOWN, gone[i], "", w->now_ms, NULL),
                0);
    }
    assert_int_equal(
            orl_alarm_raise(w->store, ORL_REASON_STORE_RESTORED, "store", "", w->now_ms, NULL), 0);
    orl_reconcile_free(w->reconcile);
    w->job_count = 0;
    world_start(w);
    world_calm(w, 5);
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
        assert_false(bad_has_alarm(w, ORL_REASON_HYPERVISOR_DOWN, gone[i]));
    }
    assert_true(bad_has_alarm(w, ORL_REASON_STORE_RESTORED, "store")); /* an administrator's */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            WITH_WORLD(a_hypervisor_that_is_away_is_an_alarm_of_its_host),
            WITH_WORLD(a_slow_hypervisor_does_not_silence_vmpool),
            WITH_WORLD(clones_that_fail_are_an_alarm_of_their_pool),
            WITH_WORLD(a_sweep_that_stops_goes_on_when_its_alarm_is_cleared),
            WITH_WORLD(a_store_that_is_too_old_stops_the_sweep_until_somebody_has_looked),
            WITH_WORLD(a_store_that_is_too_old_is_seen_also_when_it_was_written_to),
            WITH_WORLD(a_persons_machine_that_vanished_is_an_alarm_until_it_is_back),
            WITH_WORLD(a_template_that_changed_under_its_pool_is_an_alarm_and_nobody_loses_theirs),
            WITH_WORLD(an_older_version_takes_the_place_of_one_that_changed),
            WITH_WORLD(a_template_that_is_deleted_under_its_pool_takes_nobodys_desktop),
            cmocka_unit_test(a_golden_image_whose_making_hangs_holds_no_pool),
            cmocka_unit_test(a_golden_image_that_fails_is_an_alarm_until_one_serves),
            WITH_WORLD(a_persons_machine_that_can_not_start_is_an_alarm_until_it_does),
            WITH_WORLD(people_on_a_disk_that_takes_no_write_go_on_when_it_does),
            WITH_WORLD(a_persons_machine_that_is_to_stop_waits_for_its_disk),
            WITH_WORLD(a_machine_that_stands_still_is_not_ended_for_a_call_that_hangs),
            WITH_WORLD(spares_that_can_not_start_are_their_pools_alarm_and_are_replaced),
            WITH_WORLD(on_a_disk_that_is_read_only_nothing_is_lost_and_all_is_said),
            WITH_WORLD(another_machine_in_the_place_of_ours_is_outlived),
            WITH_WORLD(a_name_that_somebody_has_taken_is_told_and_outlived),
            WITH_WORLD(a_call_that_does_not_come_back_is_an_alarm_and_the_others_go_on),
            WITH_WORLD(what_waits_for_a_worker_does_not_hang),
            WITH_WORLD(a_persons_machine_that_does_not_wake_is_ended),
            WITH_WORLD(when_none_comes_back_no_more_are_sent_and_the_host_has_the_alarm),
            WITH_WORLD(a_clock_that_differs_is_an_alarm_in_both_directions),
            WITH_WORLD(a_clock_that_was_set_is_an_alarm_for_an_hour),
            WITH_WORLD(an_alarm_of_before_our_start_goes_with_its_cause),
    };
    orl_log_set_level(ORL_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
