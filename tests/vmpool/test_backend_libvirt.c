/* The libvirt backend against libvirt's own test driver: define, start, list, stop, quarantine, remove. */
#include "base/clock.h"
#include "vmpool/backend_libvirt.h"
#include "vmpool/backend_libvirt_priv.h"
#include "vmpool/home_disk.h"
#include "vmpool/overlay.h"
#include "vmpool/proc.h"
#include "vmpool/vm_meta.h"
#include <errno.h>
#include <libvirt/libvirt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define INSTALLATION "11111111-2222-4333-8444-555555555555"
#define ID "0123456789abcdef0123456789abcdef"

static struct orl_backend backend;
static char dir[64];
static char base[96];

static int open_backend(void **state)
{
    (void)state;
    struct orl_err err = {0};
    (void)snprintf(dir, sizeof dir, "/tmp/oriel-lv-XXXXXX");
    if (!mkdtemp(dir)) {
        return -1;
    }
    (void)snprintf(base, sizeof base, "%s/base.qcow2", dir);
    const char *argv[] = {"qemu-img", "create", "-q", "-f", "qcow2", base, "16M", NULL};
    const struct orl_backend_libvirt_cfg cfg = {.uri = "test:///default",
            .images_dir = dir,
            .installation = INSTALLATION,
            .network = ""};
    int r = orl_proc_run(argv, 20000, NULL, &err);
    r = r < 0 ? r : orl_backend_libvirt_new(&cfg, &backend, &err);
    if (r < 0) {
        print_message("%s\n", err.text);
    }
    return r;
}

static int close_backend(void **state)
{
    (void)state;
    const char *argv[] = {"rm", "-rf", "--", dir, NULL};
    orl_backend_libvirt_free(&backend);
    return orl_proc_run(argv, 10000, NULL, NULL);
}

static struct orl_vm_spec spec_of(const char *installation, enum orl_vm_kind kind)
{
    struct orl_vm_spec spec = {
            .machine = "pc-q35-7.2", .memory_mib = 128, .vcpus = 1, .meta = {.kind = kind}};
    (void)snprintf(spec.meta.installation, sizeof spec.meta.installation, "%s", installation);
    (void)snprintf(spec.meta.pool, sizeof spec.meta.pool, "p");
    (void)snprintf(spec.meta.desktop, sizeof spec.meta.desktop, ID);
    spec.meta.version = 1;
    spec.meta.stamp_ms = 5;
    orl_vm_name(spec.name, ID, 1);
    orl_uuid_new(spec.uuid);
    (void)snprintf(spec.base, sizeof spec.base, "%s", base);
    assert_int_equal(orl_overlay_path(dir, INSTALLATION, kind, spec.name, spec.overlay, NULL), 0);
    return spec;
}

static void good(int r, const struct orl_err *err)
{
    if (r < 0) {
        print_message("%s\n", err->text);
    }
    assert_int_equal(r, 0);
}

static enum orl_vm_state state_of(const char *uuid)
{
    struct orl_vm_list list = {0};
    struct orl_err err = {0};
    good(backend.ops->list(backend.self, &list, &err), &err);
    good(orl_vm_list_index(&list, &err), &err);
    const struct orl_vm *vm = orl_vm_list_find(&list, uuid);
    enum orl_vm_state state = vm ? vm->state : ORL_VM_ABSENT;
    orl_vm_list_fini(&list);
    return state;
}

static void a_machine_lives_and_goes(void **state)
{
    (void)state;
    struct orl_err err = {0};
    struct orl_vm_spec spec = spec_of(INSTALLATION, ORL_VM_FLOATING);
    good(backend.ops->clone(backend.self, &spec, &err), &err);
    assert_int_equal(state_of(spec.uuid), ORL_VM_OFF);
    assert_int_equal(access(spec.overlay, R_OK), 0);
    good(backend.ops->clone(backend.self, &spec, &err), &err); /* after a crash */
    good(backend.ops->start(backend.self, spec.uuid, &err), &err);
    good(backend.ops->start(backend.self, spec.uuid, &err), &err);
    assert_int_equal(state_of(spec.uuid), ORL_VM_RUNNING);
    for (int twice = 0; twice < 2; twice++) {
        good(backend.ops->suspend(backend.self, spec.uuid, &err), &err);
        assert_int_equal(state_of(spec.uuid), ORL_VM_PAUSED);
    }
    for (int twice = 0; twice < 2; twice++) {
        good(backend.ops->wake(backend.self, spec.uuid, &err), &err);
        assert_int_equal(state_of(spec.uuid), ORL_VM_RUNNING);
    }
    good(backend.ops->stop(backend.self, spec.uuid, ORL_VM_STOP_KILL, &err), &err);
    good(backend.ops->stop(backend.self, spec.uuid, ORL_VM_STOP_KILL, &err), &err);
    assert_int_equal(state_of(spec.uuid), ORL_VM_OFF);
    assert_true(backend.ops->suspend(backend.self, spec.uuid, &err) < 0);
    assert_true(backend.ops->wake(backend.self, spec.uuid, &err) < 0);
    good(backend.ops->start(backend.self, spec.uuid, &err), &err);
    good(backend.ops->remove(backend.self, spec.uuid, spec.overlay, &err), &err);
    good(backend.ops->remove(backend.self, spec.uuid, spec.overlay, &err), &err);
    assert_int_equal(state_of(spec.uuid), ORL_VM_ABSENT);
    assert_int_not_equal(access(spec.overlay, F_OK), 0);
}

static void a_machine_that_was_stopped_for_its_disk_has_not_crashed(void **state)
{
    (void)state;
    assert_int_equal(orl_bl_state(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_IOERROR), ORL_VM_STUCK);
    assert_int_equal(orl_bl_state(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_CRASHED), ORL_VM_CRASHED);
    assert_int_equal(orl_bl_state(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER), ORL_VM_PAUSED);
}

static void what_is_not_ours_is_neither_listed_nor_touched(void **state)
{
    (void)state;
    struct orl_err err = {0};
    struct orl_vm_list list = {0};
    good(backend.ops->list(backend.self, &list, &err), &err);
    assert_int_equal(list.vm_count, 0); /* the test driver has a machine of its own */
    orl_vm_list_fini(&list);
    struct orl_vm_spec spec = spec_of("99999999-2222-4333-8444-555555555555", ORL_VM_FLOATING);
    good(backend.ops->clone(backend.self, &spec, &err), &err);
    assert_int_equal(state_of(spec.uuid), ORL_VM_ABSENT);
    assert_int_equal(backend.ops->start(backend.self, spec.uuid, &err), ORL_E_DENIED);
    assert_int_equal(
            backend.ops->stop(backend.self, spec.uuid, ORL_VM_STOP_KILL, &err), ORL_E_DENIED);
    assert_int_equal(
            backend.ops->remove(backend.self, spec.uuid, spec.overlay, &err), ORL_E_DENIED);
    assert_int_equal(access(spec.overlay, F_OK), 0);
}

static int show_static(const char *name, struct orl_err *err)
{
    struct orl_vm_static_display found;
    char target[ORL_VM_NAME_MAX + 16];
    (void)snprintf(target, sizeof target, "domain:%s", name);
    const struct orl_vm_static want = {.target = target, .is_look = true};
    return backend.ops->static_display(backend.self, &want, &found, err);
}

static void no_machine_of_any_oriel_is_shown_as_somebodys_static_desktop(void **state)
{
    (void)state;
    struct orl_err err = {0};
    struct orl_vm_spec other = spec_of("99999999-2222-4333-8444-555555555555", ORL_VM_DEDICATED);
    struct orl_vm_spec own = spec_of(INSTALLATION, ORL_VM_DEDICATED);
    good(backend.ops->clone(backend.self, &other, &err), &err);
    assert_int_equal(show_static(other.name, &err), ORL_E_DENIED);
    assert_non_null(strstr(err.text, "another Oriel's"));
    assert_int_equal(show_static(other.uuid, &err), ORL_E_DENIED);
    virConnectPtr conn = virConnectOpen("test:///default");
    virDomainPtr domain = virDomainLookupByUUIDString(conn, other.uuid);
    assert_int_equal(virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, NULL, NULL,
                             ORL_VM_META_URI, VIR_DOMAIN_AFFECT_CONFIG),
            0);
    assert_int_equal(show_static(other.name, &err), ORL_E_DENIED); /* by its name */
    assert_int_equal(virDomainUndefine(domain), 0);
    (void)virDomainFree(domain);
    (void)virConnectClose(conn);
    good(backend.ops->clone(backend.self, &own, &err), &err);
    assert_int_equal(show_static(own.name, &err), ORL_E_DENIED);
    assert_int_equal(show_static("test", &err), ORL_E_UNSUPPORTED); /* it has no display */
}

static void a_quarantined_machine_says_so(void **state)
{
    (void)state;
    struct orl_err err = {0};
    struct orl_vm_list list = {0};
    struct orl_vm_spec spec = spec_of(INSTALLATION, ORL_VM_DEDICATED);
    good(backend.ops->clone(backend.self, &spec, &err), &err);
    good(backend.ops->quarantine(backend.self, spec.uuid, &err), &err);
    good(backend.ops->list(backend.self, &list, &err), &err);
    good(orl_vm_list_index(&list, &err), &err);
    const struct orl_vm *vm = orl_vm_list_find(&list, spec.uuid);
    assert_non_null(vm);
    assert_true(vm->meta.is_quarantined);
    assert_int_equal(vm->meta.kind, ORL_VM_DEDICATED);
    assert_int_equal(list.overlay_count, 1);
    assert_int_equal(list.overlays[0].kind, ORL_VM_DEDICATED);
    orl_vm_list_fini(&list);
}

static void the_host_has_a_size(void **state)
{
    (void)state;
    struct orl_err err = {0};
    struct orl_vm_host host;
    good(backend.ops->host(backend.self, &host, &err), &err);
    assert_true(host.memory_mib > 0 && host.free_disk_mib > 0 && host.cpus > 0);
}

static void a_template_that_vanished_is_an_error(void **state)
{
    (void)state;
    struct orl_err err = {0};
    struct orl_vm_spec spec = spec_of(INSTALLATION, ORL_VM_FLOATING);
    (void)snprintf(spec.base, sizeof spec.base, "%s/none.qcow2", dir);
    assert_true(backend.ops->clone(backend.self, &spec, &err) < 0);
    assert_non_null(strstr(err.text, "none.qcow2"));
    assert_int_equal(state_of(spec.uuid), ORL_VM_ABSENT);
}

/* virsh define, of a machine that somebody made by hand. */
static void define_by_hand(const char *name, const char *devices, char ret_uuid[ORL_UUID_LEN + 1])
{
    char xml[1400];
    orl_uuid_new(ret_uuid);
    (void)snprintf(xml, sizeof xml,
            "<domain type='test'><name>%s</name><uuid>%s</uuid><memory>65536</memory>"
            "<os><type>hvm</type></os><devices>%s</devices></domain>",
            name, ret_uuid, devices);
    virConnectPtr conn = virConnectOpen("test:///default");
    assert_non_null(conn);
    virDomainPtr domain = virDomainDefineXML(conn, xml);
    assert_non_null(domain);
    (void)virDomainFree(domain);
    (void)virConnectClose(conn);
}

static void another_machine_of_our_name_is_an_error_that_names_it(void **state)
{
    (void)state;
    struct orl_err err = {0};
    struct orl_vm_spec spec = spec_of(INSTALLATION, ORL_VM_FLOATING);
    struct orl_vm_list list = {0};
    assert_int_equal(state_of(spec.uuid),
            ORL_VM_ABSENT); /* connected: the driver forgets with its last one */
    char uuid[ORL_UUID_LEN + 1];
    define_by_hand(spec.name, "", uuid);
    for (int twice = 0; twice < 2; twice++) {
        assert_true(backend.ops->clone(backend.self, &spec, &err) < 0);
        assert_non_null(strstr(err.text, "already exists"));
    }
    assert_int_equal(state_of(spec.uuid), ORL_VM_ABSENT);
    good(backend.ops->remove(backend.self, spec.uuid, spec.overlay, &err), &err);
    assert_int_not_equal(access(spec.overlay, F_OK), 0);
    good(backend.ops->list(backend.self, &list, &err), &err);
    assert_int_equal(list.vm_count, 0); /* nor is it ours */
    orl_vm_list_fini(&list);
    (void)snprintf(spec.name, sizeof spec.name, "oriel-0123456789ab-2"); /* its next row's */
    orl_uuid_new(spec.uuid);
    good(backend.ops->clone(backend.self, &spec, &err), &err);
}

/* A store that was restored can offer a second one. */
static void a_machine_that_has_a_home_gets_no_other(void **state)
{
    (void)state;
    struct orl_err err = {0};
    char disk[1000];
    char uuid[ORL_UUID_LEN + 1];
    struct orl_vm_home mine = {.size_mib = 1};
    struct orl_vm_home other = {.size_mib = 1};
    (void)snprintf(mine.path, sizeof mine.path, "%s/homes/%s.qcow2", dir, ID);
    (void)snprintf(other.path, sizeof other.path, "%s/homes/%s.qcow2", dir, &ID[1]);
    (void)snprintf(disk, sizeof disk,
            "<disk type='file' device='disk'><source file='%s'/>"
            "<target dev='vdz' bus='virtio'/><serial>" ORL_HOME_SERIAL "</serial></disk>",
            mine.path);
    assert_int_equal(state_of(ID), ORL_VM_ABSENT); /* connected, as above */
    define_by_hand("has-a-home", disk, uuid);
    for (int twice = 0; twice < 2; twice++) {
        good(backend.ops->home_attach(backend.self, uuid, &mine, &err), &err);
        assert_int_equal(
                backend.ops->home_attach(backend.self, uuid, &other, &err), ORL_E_CONFLICT);
        assert_string_equal(err.text, "another home is attached");
    }
    assert_int_not_equal(access(other.path, F_OK), 0); /* nor is it made */
}

/* A file system of 64 KiB: too small, then read-only. */
static void a_full_or_readonly_disk_leaves_nothing_behind(void **state)
{
    (void)state;
    struct orl_err err = {0};
    char path[128];
    char mount_point[96];
    (void)snprintf(mount_point, sizeof mount_point, "%s/small", dir);
    (void)snprintf(path, sizeof path, "%s/oriel-0123456789ab-1.qcow2", mount_point);
    assert_int_equal(mkdir(mount_point, 0700), 0);
    if (mount("oriel", mount_point, "tmpfs", 0, "size=64k") < 0) {
        print_message("no mounts here: %s\n", strerror(errno));
        skip();
    }
    int full = orl_overlay_create(path, base, &err);
    bool was_left = access(path, F_OK) == 0;
    char text[sizeof err.text];
    (void)snprintf(text, sizeof text, "%s", err.text);
    int remounted = mount("oriel", mount_point, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL);
    err = (struct orl_err){0};
    int readonly = orl_overlay_create(path, base, &err);
    assert_int_equal(umount(mount_point), 0);
    assert_true(full < 0);
    assert_non_null(strstr(text, "No space left"));
    assert_false(was_left);
    assert_int_equal(remounted, 0);
    assert_true(readonly < 0);
    assert_non_null(strstr(err.text, "Read-only"));
    good(orl_overlay_create(path, base, &err), &err);
}

#define WITH_BACKEND(fn) cmocka_unit_test_setup_teardown(fn, open_backend, close_backend)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WITH_BACKEND(a_machine_lives_and_goes),
            cmocka_unit_test(a_machine_that_was_stopped_for_its_disk_has_not_crashed),
            WITH_BACKEND(what_is_not_ours_is_neither_listed_nor_touched),
            WITH_BACKEND(no_machine_of_any_oriel_is_shown_as_somebodys_static_desktop),
            WITH_BACKEND(a_quarantined_machine_says_so),
            WITH_BACKEND(the_host_has_a_size),
            WITH_BACKEND(a_template_that_vanished_is_an_error),
            WITH_BACKEND(another_machine_of_our_name_is_an_error_that_names_it),
            WITH_BACKEND(a_machine_that_has_a_home_gets_no_other),
            WITH_BACKEND(a_full_or_readonly_disk_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
