/* Host report (fake roots), accelerator (fake hypervisor), template check, JSON. */
#include "fake_backend.h"
#include "vmpool/accel.h"
#include "vmpool/host_load.h"
#include "vmpool/host_report.h"
#include "vmpool/json_top.h"
#include "vmpool/proc.h"
#include "vmpool/qcow2_head.h"
#include "vmpool/template_check.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];

static int make_root(void **state)
{
    (void)state;
    (void)snprintf(root, sizeof root, "/tmp/oriel-host-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int drop_root(void **state)
{
    (void)state;
    const char *argv[] = {"rm", "-rf", "--", root, NULL};
    return orl_proc_run(argv, 10000, NULL, NULL);
}

/* Makes the folders on the way. */
static void put(const char *path, const char *text)
{
    char full[256];
    (void)snprintf(full, sizeof full, "%s%s", root, path);
    for (char *at = full + strlen(root) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        (void)mkdir(full, 0755);
        *at = '/';
    }
    FILE *out = fopen(full, "w");
    assert_non_null(out);
    (void)fputs(text, out);
    (void)fclose(out);
}

static void load_is_what_changed_between_two_looks(void **state)
{
    (void)state;
    struct orl_host_load_meter meter = {0};
    struct orl_host_load load;
    const struct orl_pressure pressure = {.is_known = true, .cpu_centi = 7};
    put("/proc/stat", "cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1\ncpu1 1\nintr 5\n");
    put("/proc/loadavg", "1.25 0.50 0.10 1/200 999\n");
    orl_host_load_read(&meter, root, &pressure, &load);
    assert_int_equal(load.cpus, 2);
    assert_int_equal(load.cpu_permille, 0); /* nothing to compare with */
    assert_int_equal(load.load_centi, 125);
    assert_int_equal(load.pressure_cpu_centi, 7);
    put("/proc/stat", "cpu  150 0 125 800 125 0 0 0 75 0\ncpu0 1\ncpu1 1\n");
    orl_host_load_read(&meter, root, &pressure, &load);
    assert_int_equal(load.cpu_permille, 375);        /* 75 of 200; guests' time is in user's */
    put("/proc/stat", "cpu  1 0 1 1 1 0 0 0 0 0\n"); /* it began anew */
    orl_host_load_read(&meter, root, &pressure, &load);
    assert_int_equal(load.cpu_permille, 0);
    put("/proc/stat", "garbage");
    orl_host_load_read(&meter, root, &pressure, &load);
    assert_int_equal(load.cpus, 0);
}

static void a_good_host_is_reported_as_good(void **state)
{
    (void)state;
    struct orl_host_report report;
    put("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vmx ept\n");
    put("/sys/module/kvm_intel/parameters/ept", "Y\n");
    put("/sys/module/kvm_intel/parameters/nested", "N\n");
    put("/sys/kernel/iommu_groups/0/x", "");
    put("/dev/kvm", "");
    orl_host_report_read(root, &report);
    assert_int_equal(report.line[ORL_HOST_CPU_VIRT].state, ORL_ABILITY_YES);
    assert_int_equal(report.line[ORL_HOST_SLAT].state, ORL_ABILITY_YES);
    assert_int_equal(report.line[ORL_HOST_IOMMU].state, ORL_ABILITY_YES);
    assert_int_equal(report.line[ORL_HOST_DEV_KVM].state, ORL_ABILITY_YES);
    assert_int_equal(report.line[ORL_HOST_NESTED].state, ORL_ABILITY_NO);
}

static void a_guest_without_vmx_says_what_to_do(void **state)
{
    (void)state;
    struct orl_host_report report;
    put("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu hypervisor notvmx vmxfoo\n");
    put("/sys/module/kvm_pvm/x", "");
    put("/dev/kvm", "");
    orl_host_report_read(root, &report);
    assert_int_equal(report.line[ORL_HOST_CPU_VIRT].state, ORL_ABILITY_NO);
    assert_non_null(strstr(report.line[ORL_HOST_CPU_VIRT].remedy, "nested virtualization"));
    assert_int_equal(report.line[ORL_HOST_SLAT].state, ORL_ABILITY_UNKNOWN);
    assert_int_equal(report.line[ORL_HOST_DEV_KVM].state, ORL_ABILITY_PARTLY);
    assert_int_equal(report.line[ORL_HOST_IOMMU].state, ORL_ABILITY_NO);
}

static void limits_and_page_sharing_are_told(void **state)
{
    (void)state;
    struct orl_host_report report;
    orl_host_report_read(root, &report);
    assert_int_equal(report.line[ORL_HOST_CPU_LIMITS].state, ORL_ABILITY_NO);
    put("/sys/fs/cgroup/cgroup.controllers", "cpuset io memory\n");
    orl_host_report_read(root, &report);
    assert_int_equal(report.line[ORL_HOST_CPU_LIMITS].state, ORL_ABILITY_NO);
    put("/sys/fs/cgroup/cgroup.controllers", "cpuset io cpu\n");
    put("/sys/kernel/mm/ksm/run", "0\n");
    orl_host_report_read(root, &report);
    assert_int_equal(report.line[ORL_HOST_CPU_LIMITS].state, ORL_ABILITY_YES);
    assert_int_equal(report.line[ORL_HOST_KSM].state, ORL_ABILITY_NO);
    assert_non_null(strstr(report.line[ORL_HOST_KSM].remedy, "/sys/kernel/mm/ksm/run"));
    put("/sys/kernel/mm/ksm/run", "1\n");
    put("/sys/kernel/mm/ksm/pages_sharing", "143043\n");
    orl_host_report_read(root, &report);
    assert_int_equal(report.line[ORL_HOST_KSM].state, ORL_ABILITY_YES);
    assert_non_null(strstr(report.line[ORL_HOST_KSM].reason, "143043"));
}

static void firmware_and_tpm_are_told(void **state)
{
    (void)state;
    struct orl_host_report report;
    orl_host_report_read(root, &report);
    assert_int_equal(report.line[ORL_HOST_UEFI].state, ORL_ABILITY_UNKNOWN);
    orl_host_report_firmware(&report, false, false, false);
    assert_int_equal(report.line[ORL_HOST_UEFI].state, ORL_ABILITY_NO);
    assert_non_null(strstr(report.line[ORL_HOST_UEFI].remedy, "ovmf"));
    assert_int_equal(report.line[ORL_HOST_TPM].state, ORL_ABILITY_NO);
    assert_non_null(strstr(report.line[ORL_HOST_TPM].remedy, "swtpm-tools"));
    orl_host_report_firmware(&report, true, false, true);
    assert_int_equal(report.line[ORL_HOST_UEFI].state, ORL_ABILITY_PARTLY);
    orl_host_report_firmware(&report, true, true, true);
    assert_int_equal(report.line[ORL_HOST_UEFI].state, ORL_ABILITY_YES);
    assert_int_equal(report.line[ORL_HOST_TPM].state, ORL_ABILITY_YES);
    assert_string_equal(orl_host_item_name(ORL_HOST_TPM), "tpm");
}

static void an_empty_root_gives_answers_too(void **state)
{
    (void)state;
    struct orl_host_report report;
    struct orl_buf json;
    orl_host_report_read(root, &report);
    snprintf(report.line[0].reason, sizeof report.line[0].reason, "a \"quote\"\nand a line");
    orl_buf_init(&json, 4096);
    orl_host_report_json(&report, &json);
    orl_buf_put_u8(&json, 0);
    assert_false(json.is_failed);
    assert_non_null(strstr((const char *)json.data, "a \\\"quote\\\" and a line"));
    assert_null(strchr((const char *)json.data, '\n'));
    orl_buf_fini(&json);
}

struct accel_rig {
    struct fake fake;
    struct orl_backend backend;
    struct orl_accel_cfg cfg;
    struct orl_vm_host host;
    struct orl_accel accel;
};

static void accel_open(struct accel_rig *rig)
{
    fake_init(&rig->fake, 1);
    rig->backend = fake_backend(&rig->fake);
    rig->cfg = (struct orl_accel_cfg){.state_dir = root,
            .tiny_dir = root,
            .installation = "11111111-2222-4333-8444-555555555555",
            .timeout_ms = 1000};
    rig->host =
            (struct orl_vm_host){.qemu_version = 7002022, .has_kvm = true, .machine = "pc-q35-7.2"};
}

static void decide(struct accel_rig *rig)
{
    assert_int_equal(orl_accel_decide(&rig->cfg, &rig->backend, &rig->host, &rig->accel, NULL), 0);
}

static void kvm_is_used_when_a_boot_proves_it_and_that_is_remembered(void **state)
{
    (void)state;
    struct accel_rig rig;
    accel_open(&rig);
    put("/vmlinux", "x");
    put("/initrd", "x");
    decide(&rig);
    assert_int_equal(rig.accel.kind, ORL_VM_ACCEL_KVM);
    decide(&rig);
    assert_int_equal(rig.accel.kind, ORL_VM_ACCEL_KVM);
    assert_int_equal(rig.fake.boot_tests, 1);
    rig.host.qemu_version++; /* another QEMU is tried anew */
    decide(&rig);
    assert_int_equal(rig.fake.boot_tests, 2);
}

static void kvm_that_does_not_boot_is_not_used(void **state)
{
    (void)state;
    struct accel_rig rig;
    accel_open(&rig);
    put("/vmlinux", "x");
    put("/initrd", "x");
    rig.fake.boot_test_result = ORL_E_TIMEOUT;
    decide(&rig);
    assert_int_equal(rig.accel.kind, ORL_VM_ACCEL_QEMU);
    assert_true(rig.accel.is_proven);
    rig.fake.boot_test_result = 0;
    decide(&rig);
    assert_int_equal(rig.accel.kind, ORL_VM_ACCEL_QEMU);
    assert_int_equal(rig.fake.boot_tests, 1);
}

static void without_a_tiny_guest_the_reason_says_what_to_do(void **state)
{
    (void)state;
    struct accel_rig rig;
    accel_open(&rig);
    decide(&rig);
    assert_int_equal(rig.accel.kind, ORL_VM_ACCEL_QEMU);
    assert_false(rig.accel.is_proven);
    assert_non_null(strstr(rig.accel.reason, "tiny_dir"));
    assert_int_equal(rig.fake.boot_tests, 0);
}

static void a_libvirt_that_dies_meanwhile_proves_nothing(void **state)
{
    (void)state;
    struct accel_rig rig;
    accel_open(&rig);
    put("/vmlinux", "x");
    put("/initrd", "x");
    rig.fake.boot_test_result = ORL_E_BACKEND;
    rig.fake.is_down = true;
    assert_true(orl_accel_decide(&rig.cfg, &rig.backend, &rig.host, &rig.accel, NULL) < 0);
    rig.fake.is_down = false;
    rig.fake.boot_test_result = 0;
    decide(&rig);
    assert_int_equal(rig.accel.kind, ORL_VM_ACCEL_KVM);
}

static void a_file_that_is_no_verdict_is_not_believed(void **state)
{
    (void)state;
    struct accel_rig rig;
    accel_open(&rig);
    put("/vmlinux", "x");
    put("/initrd", "x");
    put("/accel", "rubbish");
    decide(&rig);
    assert_int_equal(rig.fake.boot_tests, 1);
}

static const struct orl_template_rules rules = {.max_virtual_mib = 1024};

static void template_info_is_judged(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum orl_template_state state;
    } cases[] = {
            {"{\"virtual-size\": 16777216, \"format\": \"qcow2\", \"format-specific\": "
             "{\"data\": {\"corrupt\": false}}}",
                    ORL_TEMPLATE_READY},
            {"{\"virtual-size\": 16777216, \"format\": \"raw\"}", ORL_TEMPLATE_CORRUPT},
            {"{\"children\": [{\"format\": \"qcow2\"}], \"virtual-size\": 16777216, "
             "\"format\": \"vmdk\"}",
                    ORL_TEMPLATE_CORRUPT},
            {"{\"virtual-size\": 16777216, \"format\": \"qcow2\", \"backing-filename\": "
             "\"/etc/shadow\"}",
                    ORL_TEMPLATE_CORRUPT},
            {"{\"virtual-size\": 16777216, \"format\": \"qcow2\", \"format-specific\": "
             "{\"data\": {\"data-file\": \"/dev/sda\"}}}",
                    ORL_TEMPLATE_CORRUPT},
            {"{\"virtual-size\": 16777216, \"format\": \"qcow2\", \"format-specific\": "
             "{\"data\": {\"corrupt\": true}}}",
                    ORL_TEMPLATE_CORRUPT},
            {"{\"virtual-size\": 99999999999999, \"format\": \"qcow2\"}", ORL_TEMPLATE_CORRUPT},
            {"{\"virtual-size\": 0, \"format\": \"qcow2\"}", ORL_TEMPLATE_CORRUPT},
            {"", ORL_TEMPLATE_CORRUPT},
            {"{\"format\": \"qcow2", ORL_TEMPLATE_CORRUPT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct orl_template_row row = {.path = "/t.qcow2", .kind = ORL_TEMPLATE_DISK};
        orl_template_judge(&rules, cases[i].json, &row);
        assert_int_equal(row.state, cases[i].state);
        assert_int_equal(row.reason == ORL_REASON_NONE, row.state == ORL_TEMPLATE_READY);
    }
}

static void real_files_are_checked(void **state)
{
    (void)state;
    struct orl_template_stamp stamp = {0};
    struct orl_template_row row = {.kind = ORL_TEMPLATE_DISK, .state = ORL_TEMPLATE_CHECKING};
    (void)snprintf(row.path, sizeof row.path, "%s/none.qcow2", root);
    orl_template_check(&rules, &stamp, &row);
    assert_int_equal(row.state, ORL_TEMPLATE_MISSING);
    put("/bad.qcow2", "this is no image");
    (void)snprintf(row.path, sizeof row.path, "%s/bad.qcow2", root);
    orl_template_check(&rules, &stamp, &row);
    assert_int_equal(row.state, ORL_TEMPLATE_CORRUPT);
    (void)snprintf(row.path, sizeof row.path, "%s/good.qcow2", root);
    const char *argv[] = {"qemu-img", "create", "-q", "-f", "qcow2", row.path, "16M", NULL};
    assert_int_equal(orl_proc_run(argv, 20000, NULL, NULL), 0);
    orl_template_check(&rules, &stamp, &row);
    assert_int_equal(row.state, ORL_TEMPLATE_READY);
    assert_int_equal(row.virtual_bytes, 16777216);
    assert_string_equal(row.disk_format, "qcow2");
    (void)snprintf(row.kernel, sizeof row.kernel, "%s/no-kernel", root);
    orl_template_check(&rules, &stamp, &row);
    assert_int_equal(row.state, ORL_TEMPLATE_MISSING);
}

static void a_template_that_changes_under_its_clones_is_corrupt(void **state)
{
    (void)state;
    struct orl_template_stamp stamp = {0};
    struct orl_template_row row = {.kind = ORL_TEMPLATE_DISK, .state = ORL_TEMPLATE_CHECKING};
    (void)snprintf(row.path, sizeof row.path, "%s/t.qcow2", root);
    const char *argv[] = {"qemu-img", "create", "-q", "-f", "qcow2", row.path, "16M", NULL};
    const char *grow[] = {"qemu-img", "resize", "-q", row.path, "32M", NULL};
    const char *shrink[] = {"qemu-img", "resize", "-q", "--shrink", row.path, "16M", NULL};
    assert_int_equal(orl_proc_run(argv, 20000, NULL, NULL), 0);
    orl_template_check(&rules, &stamp, &row);
    assert_int_equal(row.state, ORL_TEMPLATE_READY);
    assert_int_equal(strlen(row.sha256), 64);
    orl_template_check(&rules, &stamp, &row);
    assert_int_equal(row.state, ORL_TEMPLATE_READY);
    assert_int_equal(orl_proc_run(grow, 20000, NULL, NULL), 0);
    for (int i = 0; i < 2; i++) {
        orl_template_check(&rules, &stamp, &row);
        assert_int_equal(row.state, ORL_TEMPLATE_CORRUPT);
        assert_int_equal(row.reason, ORL_REASON_TEMPLATE_CORRUPT);
        assert_non_null(strstr(row.reason_text, "was changed"));
    }
    struct orl_template_stamp none = {0}; /* after a restart */
    orl_template_check(&rules, &none, &row);
    assert_int_equal(row.state, ORL_TEMPLATE_CORRUPT);
    assert_int_equal(orl_proc_run(shrink, 20000, NULL, NULL), 0);
    row.state = ORL_TEMPLATE_CHECKING; /* registered anew */
    orl_template_check(&rules, &stamp, &row);
    assert_int_equal(row.state, ORL_TEMPLATE_READY);
    assert_string_equal(row.sha256, stamp.sha256);
}

/* qcow2 version 3 with what a hostile one may say. */
static void an_image_that_names_other_files_is_not_opened(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
        const char *fault;
    } cases[] = {{0, 'Q', NULL}, {0, 'R', "is not qcow2"}, {7, 4, "is not qcow2"},
            {15, 104, "needs another file"}, {23, 8, "tables"}, {23, 22, "tables"},
            {35, 1, "encrypted"}, {36, 1, "tables"}, {79, 2, "corrupt"}, {79, 4, "another file"},
            {72, 1, "features"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t head[ORL_QCOW2_HEAD_LEN] = {'Q', 'F', 'I', 0xfb, 0, 0, 0, 3};
        head[23] = 16;
        head[cases[i].at] = cases[i].value;
        const char *fault = orl_qcow2_fault(head, sizeof head, false);
        assert_int_equal(fault == NULL, cases[i].fault == NULL);
        if (fault) {
            assert_non_null(strstr(fault, cases[i].fault));
        }
        for (size_t len = 0; len < 80; len++) {
            assert_non_null(orl_qcow2_fault(head, len, true));
        }
    }
}

static void a_program_has_a_deadline_and_a_bound(void **state)
{
    (void)state;
    struct orl_err err = {0};
    struct orl_buf out;
    const char *sleeper[] = {"sleep", "60", NULL};
    const char *talker[] = {"yes", NULL};
    const char *failing[] = {"ls", "/no/such/place", NULL};
    const char *missing[] = {"oriel-no-such-program", NULL};
    assert_int_equal(orl_proc_run(sleeper, 100, NULL, &err), ORL_E_TIMEOUT);
    orl_buf_init(&out, 10000);
    assert_int_equal(orl_proc_run(talker, 10000, &out, &err), ORL_E_LIMIT);
    orl_buf_fini(&out);
    assert_int_equal(orl_proc_run(failing, 10000, NULL, &err), ORL_E_BACKEND);
    assert_non_null(strstr(err.text, "/no/such/place"));
    assert_true(orl_proc_run(missing, 10000, NULL, &err) < 0);
}

static void json_keys_are_read_at_the_top_only(void **state)
{
    (void)state;
    char text[8];
    uint64_t number = 0;
    const char *json =
            "{\"a\": {\"b\": \"inner\"}, \"s\\\"\": 1, \"b\" : \"top\", \"n\": 42, \"f\": 1.5, "
            "\"e\": \"a\\n\", \"long\": \"123456789\"}";
    assert_true(orl_json_top_text(json, "b", text, sizeof text));
    assert_string_equal(text, "top");
    assert_true(orl_json_top_u64(json, "n", &number));
    assert_int_equal(number, 42);
    assert_false(orl_json_top_u64(json, "f", &number));
    assert_false(orl_json_top_u64(json, "b", &number));
    assert_false(orl_json_top_text(json, "n", text, sizeof text));
    assert_false(orl_json_top_text(json, "e", text, sizeof text));
    assert_false(orl_json_top_text(json, "long", text, sizeof text));
    assert_false(orl_json_top_has(json, "inner"));
    assert_false(orl_json_top_has("\"b", "b"));
}

#define WITH_ROOT(fn) cmocka_unit_test_setup_teardown(fn, make_root, drop_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WITH_ROOT(load_is_what_changed_between_two_looks),
            WITH_ROOT(a_good_host_is_reported_as_good),
            WITH_ROOT(a_guest_without_vmx_says_what_to_do),
            WITH_ROOT(limits_and_page_sharing_are_told),
            WITH_ROOT(firmware_and_tpm_are_told),
            WITH_ROOT(an_empty_root_gives_answers_too),
            WITH_ROOT(kvm_is_used_when_a_boot_proves_it_and_that_is_remembered),
            WITH_ROOT(kvm_that_does_not_boot_is_not_used),
            WITH_ROOT(without_a_tiny_guest_the_reason_says_what_to_do),
            WITH_ROOT(a_libvirt_that_dies_meanwhile_proves_nothing),
            WITH_ROOT(a_file_that_is_no_verdict_is_not_believed),
            cmocka_unit_test(template_info_is_judged),
            WITH_ROOT(real_files_are_checked),
            WITH_ROOT(a_template_that_changes_under_its_clones_is_corrupt),
            WITH_ROOT(an_image_that_names_other_files_is_not_opened),
            cmocka_unit_test(a_program_has_a_deadline_and_a_bound),
            cmocka_unit_test(json_keys_are_read_at_the_top_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
