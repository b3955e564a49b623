#include "vmpool/sweep.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { GRACE_MS = 1000, STAMP_MS = 5000, MANY = 8 };

struct rig {
    struct orl_sweep sweep;
    struct orl_vm vms[MANY];
    struct orl_vm_overlay overlays[MANY];
    struct orl_vm_list list;
    struct orl_sweep_action actions[ORL_SWEEP_MAX_ACTIONS];
    enum orl_sweep_alarm alarm;
    size_t known;
    bool is_accepted;
};

static bool is_known(const void *ctx, const char *name)
{
    (void)ctx;
    return strncmp(name, "known", 5) == 0;
}

static void add_vm(struct rig *rig, const char *name, enum orl_vm_kind kind)
{
    struct orl_vm *vm = &rig->vms[rig->list.vm_count++];
    (void)snprintf(vm->name, sizeof vm->name, "%s", name);
    vm->meta.kind = kind;
    vm->meta.stamp_ms = STAMP_MS;
    rig->list.vms = rig->vms;
}

static void add_overlay(struct rig *rig, const char *name, enum orl_vm_kind kind)
{
    struct orl_vm_overlay *overlay = &rig->overlays[rig->list.overlay_count++];
    (void)snprintf(overlay->name, sizeof overlay->name, "%s", name);
    overlay->kind = kind;
    rig->list.overlays = rig->overlays;
}

static size_t plan(struct rig *rig, uint64_t now_ms)
{
    const struct orl_sweep_input input = {.list = &rig->list,
            .is_known = is_known,
            .is_accepted = rig->is_accepted,
            .known_count = rig->known,
            .store_stamp_ms = STAMP_MS,
            .grace_ms = GRACE_MS,
            .now_ms = now_ms};
    assert_int_equal(orl_vm_list_index(&rig->list, NULL), 0);
    size_t count = orl_sweep_plan(&rig->sweep, &input, rig->actions, &rig->alarm);
    orl_name_index_fini(&rig->list.by_uuid);
    orl_name_index_fini(&rig->list.by_name);
    orl_name_index_fini(&rig->list.by_overlay);
    return count;
}

static void an_unknown_floating_clone_goes_after_its_grace(void **state)
{
    (void)state;
    struct rig rig = {0};
    add_vm(&rig, "stray", ORL_VM_FLOATING);
    add_overlay(&rig, "stray", ORL_VM_FLOATING);
    add_vm(&rig, "known-1", ORL_VM_FLOATING);
    assert_int_equal(plan(&rig, 100), 0);
    assert_int_equal(plan(&rig, 100 + GRACE_MS - 1), 0);
    assert_int_equal(plan(&rig, 100 + GRACE_MS), 1);
    assert_int_equal(rig.actions[0].kind, ORL_SWEEP_REMOVE);
    assert_string_equal(rig.actions[0].vm->name, "stray");
    assert_string_equal(rig.actions[0].overlay->name, "stray");
    orl_sweep_fini(&rig.sweep);
}

static void one_that_becomes_known_starts_anew(void **state)
{
    (void)state;
    struct rig rig = {0};
    add_vm(&rig, "stray", ORL_VM_FLOATING);
    assert_int_equal(plan(&rig, 100), 0);
    (void)snprintf(rig.vms[0].name, sizeof rig.vms[0].name, "known-2");
    assert_int_equal(plan(&rig, 5000), 0);
    (void)snprintf(rig.vms[0].name, sizeof rig.vms[0].name, "stray");
    assert_int_equal(plan(&rig, 6000), 0);
    orl_sweep_fini(&rig.sweep);
}

static void a_dedicated_one_is_never_removed(void **state)
{
    (void)state;
    struct rig rig = {0};
    add_vm(&rig, "ann", ORL_VM_DEDICATED);
    add_overlay(&rig, "bob", ORL_VM_DEDICATED);
    assert_int_equal(plan(&rig, 100), 0);
    assert_int_equal(plan(&rig, 100000), 2);
    assert_int_equal(rig.actions[0].kind, ORL_SWEEP_QUARANTINE);
    assert_int_equal(rig.actions[1].kind, ORL_SWEEP_QUARANTINE);
    assert_null(rig.actions[1].vm); /* the disk alone: said once */
    rig.vms[0].meta.is_quarantined = true;
    assert_int_equal(plan(&rig, 200000), 0);
    orl_sweep_fini(
            &rig.sweep); /* vmpool starts again, perhaps on a restored store: both are said again */
    assert_int_equal(plan(&rig, 300000), 0);
    assert_int_equal(plan(&rig, 400000), 2);
    assert_int_equal(plan(&rig, 500000), 0);
    orl_sweep_fini(&rig.sweep);
}

static void too_many_at_once_stop_the_sweep(void **state)
{
    (void)state;
    struct rig rig = {.known = 2};
    for (int i = 0; i < MANY; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "s%d", i);
        add_vm(&rig, name, ORL_VM_FLOATING);
    }
    assert_int_equal(plan(&rig, 100), 0);
    assert_int_equal(plan(&rig, 100000), 0);
    assert_int_equal(rig.alarm, ORL_SWEEP_TOO_MANY);
    rig.is_accepted = true; /* an administrator cleared the alarm */
    assert_int_equal(plan(&rig, 100000), ORL_SWEEP_MAX_ACTIONS);
    assert_int_equal(rig.alarm, ORL_SWEEP_TOO_MANY);
    rig.is_accepted = false;
    rig.known = MANY; /* a big installation with a few strays is no alarm */
    assert_int_equal(plan(&rig, 100001), ORL_SWEEP_MAX_ACTIONS);
    assert_int_equal(rig.alarm, ORL_SWEEP_NO_ALARM);
    orl_sweep_fini(&rig.sweep);
}

static void a_store_older_than_a_machine_stops_the_sweep(void **state)
{
    (void)state;
    struct rig rig = {0};
    add_vm(&rig, "stray", ORL_VM_FLOATING);
    add_vm(&rig, "known-1", ORL_VM_FLOATING);
    rig.vms[1].meta.stamp_ms = STAMP_MS + 1;
    assert_int_equal(plan(&rig, 100), 0);
    assert_int_equal(plan(&rig, 100000), 0);
    assert_int_equal(rig.alarm, ORL_SWEEP_OLD_STORE);
    orl_sweep_fini(&rig.sweep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(an_unknown_floating_clone_goes_after_its_grace),
            cmocka_unit_test(one_that_becomes_known_starts_anew),
            cmocka_unit_test(a_dedicated_one_is_never_removed),
            cmocka_unit_test(too_many_at_once_stop_the_sweep),
            cmocka_unit_test(a_store_older_than_a_machine_stops_the_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
