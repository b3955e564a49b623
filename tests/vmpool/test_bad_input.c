/* What goes wrong outside of us is a reason and an alarm, and over when its cause is: docs/operations.md, Repair. */
#include "base/log.h"
#include "pool_world.h"
#include "store/alarm.h"
#include "store/pool.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SETTLED_S = 60, GRACE_S = 70, STRAYS = 12 };

static int open_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    world_open(w, 1, WORLD_SOUND);
    world_calm(w, SETTLED_S);
    *state = w;
    return w->fault[0] ? -1 : 0;
}

static int close_world(void **state)
{
    world_close(*state);
    free(*state);
    return 0;
}

struct wanted {
    enum orl_reason reason;
    const char *object;
};

static int is_wanted(void *ctx, const struct orl_alarm_row *row)
{
    const struct wanted *wanted = ctx;
    return row->reason == wanted->reason && strcmp(row->object, wanted->object) == 0;
}

static bool has_alarm(struct world *w, enum orl_reason reason, const char *object)
{
    struct wanted wanted = {.reason = reason, .object = object};
    return orl_alarm_list(w->store, is_wanted, &wanted, NULL) == 1;
}

static void a_hypervisor_that_is_away_is_an_alarm_of_its_host(void **state)
{
    struct world *w = *state;
    w->fake.is_down = true;
    world_calm(w, 5);
    assert_true(has_alarm(w, ORL_REASON_HYPERVISOR_DOWN, "host:here"));
    assert_false(has_alarm(w, ORL_REASON_HYPERVISOR_DOWN, "pool:floating"));
    w->fake.is_down = false;
    world_calm(w, 5);
    assert_false(has_alarm(w, ORL_REASON_HYPERVISOR_DOWN, "host:here"));
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
    assert_true(has_alarm(w, ORL_REASON_GUEST_START_FAILED, "pool:floating"));
    w->fake.half_clones = false;
    world_calm(w, 20 * SETTLED_S); /* its waiting grew */
    assert_false(has_alarm(w, ORL_REASON_GUEST_START_FAILED, "pool:floating"));
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
    assert_true(has_alarm(w, ORL_REASON_SWEEP_STOPPED, "sweep:here"));
    assert_int_equal(w->fake.count, before + STRAYS);
    assert_int_equal(
            orl_alarm_clear(w->store, ORL_REASON_SWEEP_STOPPED, "sweep:here", w->now_ms, NULL), 0);
    world_calm(w, GRACE_S);
    assert_int_equal(w->fake.count, before);
    assert_false(has_alarm(w, ORL_REASON_SWEEP_STOPPED, "sweep:here"));
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
    assert_true(has_alarm(w, ORL_REASON_DESKTOP_LOST, object));
    kept.vm.state = ORL_VM_OFF;
    w->fake.vms[w->fake.count++] = kept;
    world_calm(w, SETTLED_S);
    assert_int_equal(orl_desktop_get(w->store, desktop.id, &desktop, NULL), 0);
    assert_string_equal(desktop.user, "ann");
    assert_true(desktop.is_ready);
    assert_false(has_alarm(w, ORL_REASON_DESKTOP_LOST, object));
}

#define WITH_WORLD(fn) cmocka_unit_test_setup_teardown(fn, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WITH_WORLD(a_hypervisor_that_is_away_is_an_alarm_of_its_host),
            WITH_WORLD(clones_that_fail_are_an_alarm_of_their_pool),
            WITH_WORLD(a_sweep_that_stops_goes_on_when_its_alarm_is_cleared),
            WITH_WORLD(a_persons_machine_that_vanished_is_an_alarm_until_it_is_back),
    };
    orl_log_set_level(ORL_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
