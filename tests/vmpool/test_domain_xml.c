/* Golden files in golden/: made once, then compared byte for byte; ctest also validates them against
 * libvirt's schema where virt-xml-validate is there. */
#include "vmpool/domain_xml.h"
#include "vmpool/guest_address.h"
#include "vmpool/tsc.h"
#include "vmpool/vm_meta.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID "0123456789abcdef0123456789abcdef"

static struct orl_vm_spec spec_of(void)
{
    struct orl_vm_spec spec = {.name = "oriel-0123456789ab-1",
            .uuid = "6b1f0f3c-50a6-4e5a-9d0e-3f1f2a3b4c5d",
            .overlay = "/var/lib/oriel/images/x/floating/oriel-0123456789ab-1.qcow2",
            .base = "/templates/desktop.qcow2",
            .machine = "pc-q35-7.2",
            .memory_mib = 1024,
            .vcpus = 2,
            .width_px = 1280,
            .height_px = 800,
            .meta = {.installation = "11111111-2222-4333-8444-555555555555",
                    .pool = "demo",
                    .desktop = ID,
                    .version = 1,
                    .stamp_ms = 1700000000000}};
    return spec;
}

static void build(
        const struct orl_vm_spec *spec, enum orl_domain_xml_type type, struct orl_buf *out)
{
    struct orl_err err = {0};
    orl_buf_init(out, ORL_DOMAIN_XML_MAX);
    int r = orl_domain_xml_build(spec, type, out, &err);
    if (r < 0) {
        print_message("%s\n", err.text);
    }
    assert_int_equal(r, 0);
}

static void compare(const char *name, const struct orl_vm_spec *spec, enum orl_domain_xml_type type)
{
    char path[512];
    char golden[ORL_DOMAIN_XML_MAX];
    struct orl_buf xml;
    build(spec, type, &xml);
    (void)snprintf(path, sizeof path, "%s/%s.xml", GOLDEN_DIR, name);
    if (getenv("ORIEL_UPDATE_GOLDEN")) {
        FILE *out = fopen(path, "w");
        assert_non_null(out);
        (void)fputs((const char *)xml.data, out);
        (void)fclose(out);
    }
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    size_t len = fread(golden, 1, sizeof golden - 1, in);
    (void)fclose(in);
    golden[len] = '\0';
    assert_string_equal((const char *)xml.data, golden);
    orl_buf_fini(&xml);
}

static void a_clone_of_a_disk_under_emulation(void **state)
{
    (void)state;
    struct orl_vm_spec spec = spec_of();
    spec.has_dbus_display = true;
    spec.has_clipboard = true;
    spec.has_sound = true;
    compare("disk_qemu", &spec, ORL_DOMAIN_XML_QEMU);
}

static bool has(const struct orl_vm_spec *spec, enum orl_domain_xml_type type, const char *text)
{
    struct orl_buf xml;
    build(spec, type, &xml);
    bool found = strstr((const char *)xml.data, text) != NULL;
    orl_buf_fini(&xml);
    return found;
}

/* An older QEMU dies of a listener there, and starts no machine of these types. */
static void the_dbus_display_has_sound_from_qemu_9_2_on(void **state)
{
    (void)state;
    static const struct {
        const char *machine;
        bool has_sound;
    } cases[] = {{"pc-q35-7.2", false}, {"pc-q35-9.1", false}, {"pc-q35-9.2", true},
            {"pc-q35-10.0", true}, {"pc-q35-noble", false}, {"pc-q35-", false}};
    struct orl_vm_spec spec = spec_of();
    spec.has_dbus_display = true;
    spec.has_sound = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(spec.machine, sizeof spec.machine, "%s", cases[i].machine);
        bool is_new = cases[i].has_sound;
        assert_int_equal(has(&spec, ORL_DOMAIN_XML_QEMU, "<audio id='1' type='dbus'>"), is_new);
        assert_int_equal(has(&spec, ORL_DOMAIN_XML_QEMU,
                                 "<graphics type='dbus' p2p='yes'><audio id='1'/></graphics>"),
                is_new);
        assert_int_equal(has(&spec, ORL_DOMAIN_XML_QEMU, "<qemu:override"), is_new);
        assert_int_equal(has(&spec, ORL_DOMAIN_XML_QEMU, "<audio id='1' type='none'/>"), !is_new);
    }
    (void)snprintf(spec.machine, sizeof spec.machine, "pc-q35-10.0");
    compare("disk_qemu10", &spec, ORL_DOMAIN_XML_QEMU);
    assert_false(has(&spec, ORL_DOMAIN_XML_TEST, "qemu:override"));
    spec.has_sound = false;
    assert_false(has(&spec, ORL_DOMAIN_XML_QEMU, "<audio"));
    spec.has_sound = true;
    spec.has_dbus_display = false;
    assert_false(has(&spec, ORL_DOMAIN_XML_QEMU, "type='dbus'"));
}

static void a_kernel_guest_under_kvm_on_an_isolated_network(void **state)
{
    (void)state;
    struct orl_vm_spec spec = spec_of();
    spec.accel = ORL_VM_ACCEL_KVM;
    spec.meta.kind = ORL_VM_DEDICATED;
    (void)snprintf(spec.kernel, sizeof spec.kernel, "/t/vmlinux");
    (void)snprintf(spec.initrd, sizeof spec.initrd, "/t/initrd");
    (void)snprintf(spec.cmdline, sizeof spec.cmdline, "console=ttyS0 quiet");
    (void)snprintf(spec.network.name, sizeof spec.network.name, "isolated");
    (void)snprintf(spec.network.filter, sizeof spec.network.filter, "oriel-isolated-11111111");
    spec.overlay[0] = '\0';
    compare("kernel_kvm", &spec, ORL_DOMAIN_XML_QEMU);
}

static void an_emulated_kernel_is_told_how_fast_its_counter_runs(void **state)
{
    (void)state;
    struct orl_vm_spec spec = spec_of();
    struct orl_err err = {0};
    struct orl_buf out;
    orl_buf_init(&out, 64U << 10);
    (void)snprintf(spec.kernel, sizeof spec.kernel, "/t/vmlinux");
    (void)snprintf(spec.cmdline, sizeof spec.cmdline, "quiet");
    spec.tsc_khz = 2445431;
    assert_int_equal(orl_domain_xml_build(&spec, ORL_DOMAIN_XML_QEMU, &out, &err), 0);
    orl_buf_put_u8(&out, 0);
    assert_non_null(
            strstr((const char *)out.data, "<cmdline>quiet tsc_early_khz=2445431</cmdline>"));
    orl_buf_fini(&out);
}

/* As the machine's own kernel has it, which measured for longer. */
static void the_hosts_counter_is_measured_well(void **state)
{
    (void)state;
    const uint32_t khz = orl_tsc_khz();
    if (khz == 0) {
        print_message("this host's kernel does not trust its counter\n");
        skip();
    }
    assert_in_range(khz, 500000, 10000000);
    assert_int_equal(orl_tsc_khz(), khz);
}

static void a_card_with_an_address_of_its_own(void **state)
{
    (void)state;
    struct orl_vm_spec spec = spec_of();
    spec.network = (struct orl_vm_network){.mode = ORL_NETWORK_NAT,
            .name = "oriel-nat-11111111",
            .filter = "oriel-nat-11111111",
            .has_addresses = true,
            .has_v6 = true};
    assert_int_equal(orl_guest_net_parse("fd12:3456:789a:1::/64", true, &spec.network.v6, NULL), 0);
    (void)snprintf(spec.address, sizeof spec.address, "10.77.160.16");
    compare("nat", &spec, ORL_DOMAIN_XML_QEMU);
    spec.network = (struct orl_vm_network){.mode = ORL_NETWORK_BRIDGED,
            .name = "br0",
            .is_bridge = true,
            .filter = "oriel-bridged-11111111"};
    compare("bridged", &spec, ORL_DOMAIN_XML_QEMU);
}

static void limits_and_firmware_as_the_pool_wants_them(void **state)
{
    (void)state;
    struct orl_vm_spec spec = spec_of();
    spec.res = (struct orl_vm_res){.cpu_shares = 512,
            .cpu_cap_percent = 150,
            .disk_iops = 500,
            .disk_mib_s = 40,
            .balloon_min_mib = 256,
            .has_tpm = true,
            .has_uefi = true,
            .has_secure_boot = true};
    compare("limits", &spec, ORL_DOMAIN_XML_QEMU);
    spec.accel = ORL_VM_ACCEL_KVM;
    spec.is_windows = true;
    compare("windows", &spec, ORL_DOMAIN_XML_QEMU);
}

static void limits_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const struct orl_vm_res bad[] = {{.cpu_shares = 1},
            {.cpu_shares = ORL_VM_SHARES_MAX + 1}, {.cpu_cap_percent = 1},
            {.cpu_cap_percent = UINT32_MAX}, {.disk_iops = 1}, {.disk_iops = UINT32_MAX},
            {.disk_mib_s = UINT32_MAX}, {.balloon_min_mib = 1}, {.balloon_min_mib = 1025},
            {.has_secure_boot = true}, {.has_tpm = true}};
    struct orl_buf out;
    orl_buf_init(&out, ORL_DOMAIN_XML_MAX);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct orl_vm_spec spec = spec_of();
        spec.res = bad[i];
        struct orl_err err = {0};
        assert_int_equal(orl_domain_xml_build(&spec, ORL_DOMAIN_XML_QEMU, &out, &err), ORL_E_INVAL);
        assert_int_not_equal(err.text[0], 0);
    }
    assert_int_equal(out.len, 0);
    orl_buf_fini(&out);
}

static void everything_from_the_store_is_escaped(void **state)
{
    (void)state;
    struct orl_vm_spec spec = spec_of();
    (void)snprintf(spec.cmdline, sizeof spec.cmdline, "a</cmdline><x y='1'>&\"\x01");
    (void)snprintf(spec.kernel, sizeof spec.kernel, "/t/<kernel>&'");
    (void)snprintf(spec.meta.pool, sizeof spec.meta.pool, "a'/><evil b='");
    (void)snprintf(spec.overlay, sizeof spec.overlay, "/t/'/><source file='/etc/shadow");
    compare("escaped", &spec, ORL_DOMAIN_XML_QEMU);
}

static void what_is_out_of_range_is_refused(void **state)
{
    (void)state;
    struct orl_buf out;
    orl_buf_init(&out, ORL_DOMAIN_XML_MAX);
    struct orl_vm_spec bad[8];
    for (size_t i = 0; i < 8; i++) {
        bad[i] = spec_of();
    }
    (void)snprintf(bad[0].name, sizeof bad[0].name, "not-ours");
    (void)snprintf(bad[1].uuid, sizeof bad[1].uuid, "x");
    (void)snprintf(bad[2].overlay, sizeof bad[2].overlay, "relative.qcow2");
    (void)snprintf(bad[3].overlay, sizeof bad[3].overlay, "/a/../etc/shadow");
    bad[4].memory_mib = 1;
    bad[5].vcpus = 0;
    bad[6].machine[0] = '\0';
    bad[7].overlay[0] = '\0';
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(
                orl_domain_xml_build(&bad[i], ORL_DOMAIN_XML_QEMU, &out, NULL), ORL_E_INVAL);
    }
    assert_int_equal(out.len, 0);
    orl_buf_fini(&out);
}

static void the_newest_machine_type_is_chosen(void **state)
{
    (void)state;
    char machine[ORL_VM_NAME_MAX + 1];
    assert_true(orl_domain_xml_machine("<machine maxCpus='1'>pc-q35-5.2</machine>"
                                       "<machine>pc-q35-10.0</machine><machine>pc-q35-7.2</machine>"
                                       "<machine>pc-q35-4.0.1</machine>",
            machine));
    assert_string_equal(machine, "pc-q35-10.0");
    assert_false(orl_domain_xml_machine("<machine>pc-i440fx-7.2</machine>", machine));
}

/* As libvirt 9.0 writes them, shortened. */
static void what_a_host_lacks_is_read_from_its_capabilities(void **state)
{
    (void)state;
    static const char all[] =
            "<os supported='yes'><enum name='firmware'><value>bios</value><value>efi</value></enum>"
            "<loader supported='yes'><enum name='secure'><value>yes</value><value>no</value></enum>"
            "</loader></os><devices><tpm supported='yes'><enum name='backendModel'>"
            "<value>passthrough</value><value>emulator</value></enum></tpm></devices>";
    static const char some[] =
            "<os supported='yes'><enum name='firmware'><value>efi</value></enum>"
            "<loader supported='yes'><enum name='secure'><value>no</value></enum></loader></os>"
            "<devices><tpm supported='yes'><enum name='model'/><enum name='backendModel'>"
            "<value>passthrough</value></enum></tpm><crypto supported='yes'>"
            "<enum name='backendModel'><value>emulator</value></enum></crypto></devices>";
    static const char none[] = "<os supported='yes'><enum name='firmware'/><loader supported='no'/>"
                               "</os><devices><tpm supported='no'/></devices>";
    struct orl_vm_host host = {0};
    orl_domain_xml_lacks(all, &host);
    assert_false(host.lacks_uefi || host.lacks_secure_boot || host.lacks_tpm);
    orl_domain_xml_lacks(some, &host);
    assert_false(host.lacks_uefi);
    assert_true(host.lacks_secure_boot && host.lacks_tpm);
    orl_domain_xml_lacks(none, &host);
    assert_true(host.lacks_uefi && host.lacks_secure_boot && host.lacks_tpm);
    orl_domain_xml_lacks("", &host);
    assert_true(host.lacks_uefi && host.lacks_secure_boot && host.lacks_tpm);
}

static void metadata_comes_back_as_it_was_written(void **state)
{
    (void)state;
    struct orl_vm_spec spec = spec_of();
    struct orl_vm_meta meta;
    struct orl_buf xml;
    spec.meta.kind = ORL_VM_DEDICATED;
    spec.meta.is_quarantined = true;
    orl_buf_init(&xml, 1024);
    orl_vm_meta_put(&xml, &spec.meta, false);
    orl_buf_put_u8(&xml, 0);
    assert_int_equal(orl_vm_meta_parse((const char *)xml.data, &meta), 0);
    assert_string_equal(meta.installation, spec.meta.installation);
    assert_string_equal(meta.pool, "demo");
    assert_string_equal(meta.desktop, ID);
    assert_int_equal(meta.kind, ORL_VM_DEDICATED);
    assert_int_equal(meta.version, 1);
    assert_int_equal(meta.stamp_ms, 1700000000000);
    assert_true(meta.is_quarantined);
    orl_buf_fini(&xml);
}

static void foreign_metadata_is_not_ours(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "<machine/>",
            "<machine installation='x' pool='p' kind='floating' desktop='" ID
            "' version='1' stamp='1'/>",
            "<machine installation='11111111-2222-4333-8444-555555555555' pool='p' kind='other' "
            "desktop='" ID "' version='1' stamp='1'/>",
            "<machine installation='11111111-2222-4333-8444-555555555555' pool='p' kind='floating' "
            "desktop='" ID "' version='-1' stamp='1'/>",
            "<machine installation='11111111-2222-4333-8444-555555555555' pool='p' kind='floating' "
            "desktop='" ID};
    struct orl_vm_meta meta;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(orl_vm_meta_parse(bad[i], &meta), ORL_E_PROTO);
    }
}

static void only_our_names_are_ours(void **state)
{
    (void)state;
    char name[ORL_VM_NAME_MAX + 1];
    orl_vm_name(name, ID, 42);
    assert_string_equal(name, "oriel-0123456789ab-42");
    assert_true(orl_vm_name_is_ours(name));
    assert_false(orl_vm_name_is_ours("oriel-0123456789ab-"));
    assert_false(orl_vm_name_is_ours("oriel-0123456789ab-1/../x"));
    assert_false(orl_vm_name_is_ours("oriel-0123456789AB-1"));
    assert_false(orl_vm_name_is_ours("web01"));
}

/* What is frozen and what begins as its copy must have the same devices; a balloon in a copy would cut holes into
 * everybody's memory. */
static void a_golden_images_machines_have_no_card_and_no_balloon(void **state)
{
    (void)state;
    struct orl_vm_spec spec = spec_of();
    (void)snprintf(spec.network.name, sizeof spec.network.name, "isolated");
    spec.has_dbus_display = true;
    spec.has_clipboard = true;
    spec.golden = (struct orl_vm_golden){
            .role = ORL_VM_GOLDEN_MAKE, .id = ID, .is_shared = true, .ram = "/dev/shm/x.ram"};
    compare("golden_made", &spec, ORL_DOMAIN_XML_QEMU);
    spec.translation_cache_mib = 32;
    assert_false(has(&spec, ORL_DOMAIN_XML_QEMU, "<tcg>"));
    spec.golden.role = ORL_VM_GOLDEN_RESUME;
    compare("golden_resumed", &spec, ORL_DOMAIN_XML_QEMU);
    assert_false(has(&spec, ORL_DOMAIN_XML_QEMU, "<interface"));
    assert_true(has(&spec, ORL_DOMAIN_XML_QEMU, "<memballoon model='none'/>"));
    assert_true(has(&spec, ORL_DOMAIN_XML_QEMU, ",share=off'"));
    spec.accel = ORL_VM_ACCEL_KVM;
    assert_false(has(&spec, ORL_DOMAIN_XML_QEMU, "<tcg>"));
    spec.accel = ORL_VM_ACCEL_QEMU;
    spec.translation_cache_mib = 0;
    assert_false(has(&spec, ORL_DOMAIN_XML_QEMU, "<tcg>"));
    spec.golden.is_readonly = true;
    assert_true(has(&spec, ORL_DOMAIN_XML_QEMU, ",share=off,readonly=on,rom=off'"));
    spec.golden.is_shared = false;
    assert_false(has(&spec, ORL_DOMAIN_XML_QEMU, "memory-backend"));
    assert_true(has(&spec, ORL_DOMAIN_XML_QEMU, "<qemu:arg value='defer'/>"));
    assert_true(
            has(&spec, ORL_DOMAIN_XML_QEMU, "<qemu:del capability='cpu-unavailable-features'/>"));
    assert_true(has(&spec, ORL_DOMAIN_XML_QEMU, "<memballoon model='virtio'"));
    spec.golden.role = ORL_VM_GOLDEN_NONE;
    assert_false(has(&spec, ORL_DOMAIN_XML_QEMU, "qemu:commandline"));
    assert_false(has(&spec, ORL_DOMAIN_XML_QEMU, "qemu:capabilities"));
    assert_true(has(&spec, ORL_DOMAIN_XML_QEMU, "<interface"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_clone_of_a_disk_under_emulation),
            cmocka_unit_test(the_dbus_display_has_sound_from_qemu_9_2_on),
            cmocka_unit_test(a_kernel_guest_under_kvm_on_an_isolated_network),
            cmocka_unit_test(an_emulated_kernel_is_told_how_fast_its_counter_runs),
            cmocka_unit_test(the_hosts_counter_is_measured_well),
            cmocka_unit_test(a_card_with_an_address_of_its_own),
            cmocka_unit_test(limits_and_firmware_as_the_pool_wants_them),
            cmocka_unit_test(limits_that_make_no_sense_are_refused),
            cmocka_unit_test(a_golden_images_machines_have_no_card_and_no_balloon),
            cmocka_unit_test(everything_from_the_store_is_escaped),
            cmocka_unit_test(what_is_out_of_range_is_refused),
            cmocka_unit_test(the_newest_machine_type_is_chosen),
            cmocka_unit_test(what_a_host_lacks_is_read_from_its_capabilities),
            cmocka_unit_test(metadata_comes_back_as_it_was_written),
            cmocka_unit_test(foreign_metadata_is_not_ours),
            cmocka_unit_test(only_our_names_are_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
