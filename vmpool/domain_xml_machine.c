/* What a machine is made of: firmware, CPU, memory, disk, TPM, and how much of its host it may use. */
#include "vmpool/domain_xml_priv.h"
#include "vmpool/overlay.h"
#include "vmpool/xml_text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    KIB_PER_MIB = 1024,
    PERIOD_US = 100000, /* the kernel's own default */
    PERCENT = 100,
};
#define BYTES_PER_MIB (UINT64_C(1) << 20)

void orl_domain_xml_put_size(struct orl_buf *out, const struct orl_vm_spec *spec)
{
    const struct orl_vm_res *res = &spec->res;
    orl_xml_putf(out, "  <memory unit='KiB'>%" PRIu64 "</memory>",
            (uint64_t)spec->memory_mib * KIB_PER_MIB);
    if (res->balloon_min_mib > 0) {
        orl_xml_putf(out, "<currentMemory unit='KiB'>%" PRIu64 "</currentMemory>",
                (uint64_t)res->balloon_min_mib * KIB_PER_MIB);
    }
    orl_xml_putf(out, "<vcpu>%u</vcpu>\n", spec->vcpus);
    if (res->cpu_shares == 0 && res->cpu_cap_percent == 0) {
        return;
    }
    orl_xml_putf(out, "  <cputune>");
    if (res->cpu_shares > 0) {
        orl_xml_putf(out, "<shares>%u</shares>", res->cpu_shares);
    }
    if (res->cpu_cap_percent > 0) { /* all of QEMU's threads: what emulates counts, too */
        orl_xml_putf(out,
                "<global_period>%d</global_period><global_quota>%" PRIu64 "</global_quota>",
                PERIOD_US, (uint64_t)res->cpu_cap_percent * PERIOD_US / PERCENT);
    }
    orl_xml_putf(out, "</cputune>\n");
}

/* libvirt finds the firmware; its variables lie beside the disk and go with it. */
static void put_firmware(struct orl_buf *out, const struct orl_vm_spec *spec)
{
    char nvram[ORL_VM_PATH_MAX + 1];
    const char *is_secure = spec->res.has_secure_boot ? "yes" : "no";
    orl_xml_putf(out,
            "    <firmware><feature enabled='%s' name='enrolled-keys'/>"
            "<feature enabled='%s' name='secure-boot'/></firmware>\n",
            is_secure, is_secure);
    if (spec->res.has_secure_boot) {
        orl_xml_putf(out, "    <loader secure='yes'/>\n");
    }
    if (orl_overlay_nvram(spec->overlay, nvram)) {
        orl_xml_putf(out, "    ");
        orl_xml_element(out, "nvram", nvram);
        orl_xml_putf(out, "\n");
    }
}

void orl_domain_xml_put_os(struct orl_buf *out, const struct orl_vm_spec *spec)
{
    orl_xml_putf(
            out, "  <os%s>\n    <type arch='x86_64'", spec->res.has_uefi ? " firmware='efi'" : "");
    orl_xml_attr(out, "machine", spec->machine);
    orl_xml_putf(out, ">hvm</type>\n");
    if (spec->res.has_uefi) {
        put_firmware(out, spec);
    }
    if (spec->kernel[0]) {
        orl_xml_putf(out, "    ");
        orl_xml_element(out, "kernel", spec->kernel);
        if (spec->initrd[0]) {
            orl_xml_element(out, "initrd", spec->initrd);
        }
        if (spec->cmdline[0] && spec->tsc_khz > 0) {
            char cmdline[ORL_VM_CMDLINE_MAX + 32];
            (void)snprintf(
                    cmdline, sizeof cmdline, "%s tsc_early_khz=%u", spec->cmdline, spec->tsc_khz);
            orl_xml_element(out, "cmdline", cmdline);
        } else if (spec->cmdline[0]) {
            orl_xml_element(out, "cmdline", spec->cmdline);
        }
        orl_xml_putf(out, "\n");
    } else {
        orl_xml_putf(
                out, "    <boot dev='hd'/>\n%s", spec->iso[0] ? "    <boot dev='cdrom'/>\n" : "");
    }
    orl_xml_putf(out, "  </os>\n");
}

/* Without these Windows polls timers and locks; and it keeps its clock in local time. Under emulation only those
 * that QEMU has there: it refuses to start with the others. */
static void put_windows(struct orl_buf *out, const struct orl_vm_spec *spec)
{
    if (spec->accel == ORL_VM_ACCEL_KVM) {
        orl_xml_putf(out, "<hyperv><relaxed state='on'/><vapic state='on'/>"
                          "<spinlocks state='on' retries='8191'/><vpindex state='on'/>"
                          "<runtime state='on'/><synic state='on'/><stimer state='on'/>"
                          "<frequencies state='on'/></hyperv>");
    }
}

/* Under emulation a page table of five levels is one more to walk for each miss, which is most of the work of many
 * programs, and "fast" string instructions go byte by byte. */
static void put_model(struct orl_buf *out, bool is_kvm)
{
    orl_xml_putf(out, is_kvm ? "  <cpu mode='host-passthrough'/>\n"
                             : "  <cpu mode='maximum'><feature policy='disable' name='la57'/>"
                               "<feature policy='disable' name='erms'/></cpu>\n");
}

void orl_domain_xml_put_cpu(
        struct orl_buf *out, const struct orl_vm_spec *spec, enum orl_domain_xml_type type)
{
    bool is_kvm = spec->accel == ORL_VM_ACCEL_KVM;
    orl_xml_putf(out, "  <features><acpi/>");
    if (spec->is_windows) {
        put_windows(out, spec);
    }
    /* A boot runs much more code than a desktop at work does; a copy has its boot behind it. */
    bool is_copy = spec->golden.role == ORL_VM_GOLDEN_RESUME;
    if (type == ORL_DOMAIN_XML_QEMU && !is_kvm && is_copy && spec->translation_cache_mib > 0) {
        orl_xml_putf(
                out, "<tcg><tb-cache unit='MiB'>%u</tb-cache></tcg>", spec->translation_cache_mib);
    }
    /* Secure boot's variables are safe only in the mode that a guest's kernel can't enter. */
    orl_xml_putf(out, "%s</features>\n", spec->res.has_secure_boot ? "<smm state='on'/>" : "");
    put_model(out, is_kvm);
    if (!spec->is_windows) {
        orl_xml_putf(out, "  <clock offset='utc'/>\n");
        return;
    }
    orl_xml_putf(out,
            "  <clock offset='localtime'><timer name='rtc' tickpolicy='catchup'/>"
            "<timer name='pit' tickpolicy='delay'/><timer name='hpet' present='no'/>%s</clock>\n",
            is_kvm ? "<timer name='hypervclock' present='yes'/>" : "");
}

static void put_iotune(struct orl_buf *out, const struct orl_vm_res *res)
{
    if (res->disk_iops == 0 && res->disk_mib_s == 0) {
        return;
    }
    orl_xml_putf(out, "      <iotune>");
    if (res->disk_mib_s > 0) {
        orl_xml_putf(out, "<total_bytes_sec>%" PRIu64 "</total_bytes_sec>",
                res->disk_mib_s * BYTES_PER_MIB);
    }
    if (res->disk_iops > 0) {
        orl_xml_putf(out, "<total_iops_sec>%u</total_iops_sec>", res->disk_iops);
    }
    orl_xml_putf(out, "</iotune>\n");
}

/* A write that fails stops the machine, not the guest's file system: vmpool/stall.c lets it go on. */
void orl_domain_xml_put_disk(struct orl_buf *out, const struct orl_vm_spec *spec)
{
    if (!spec->overlay[0]) {
        return;
    }
    orl_xml_putf(out,
            "    <disk type='file' device='disk'>\n"
            "      <driver name='qemu' type='qcow2' cache='%s' error_policy='stop'"
            " discard='unmap'/>\n"
            "      <source",
            spec->is_buffered ? "writeback" : "none");
    orl_xml_attr(out, "file", spec->overlay);
    orl_xml_putf(out, "/>\n      <target dev='vda' bus='virtio'/>\n");
    put_iotune(out, &spec->res);
    orl_xml_putf(out, "    </disk>\n");
    if (spec->iso[0]) { /* by SATA: installers have that driver */
        orl_xml_putf(out, "    <disk type='file' device='cdrom'>\n"
                          "      <driver name='qemu' type='raw'/>\n      <source");
        orl_xml_attr(out, "file", spec->iso);
        orl_xml_putf(
                out, "/>\n      <target dev='sda' bus='sata'/>\n      <readonly/>\n    </disk>\n");
    }
}

void orl_domain_xml_put_rest(struct orl_buf *out, const struct orl_vm_spec *spec)
{
    if (spec->res.has_tpm) {
        orl_xml_putf(
                out, "    <tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>\n");
    }
    orl_domain_xml_put_balloon(out, spec);
    orl_xml_putf(out,
            "    <panic model='isa'/>\n"
            "    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>\n");
}

/* Whether <element> has an <enum> of that name with that value. */
static bool has_value(const char *xml, const char *element, const char *name, const char *value)
{
    char open[32];
    char close[32];
    (void)snprintf(open, sizeof open, "<%s supported='yes'", element);
    (void)snprintf(close, sizeof close, "</%s>", element);
    const char *begin = strstr(xml, open);
    const char *end = begin ? strstr(begin, close) : NULL;
    (void)snprintf(open, sizeof open, "<enum name='%s'>", name);
    const char *list = end ? strstr(begin, open) : NULL;
    const char *list_end = list ? strstr(list, "</enum>") : NULL;
    (void)snprintf(open, sizeof open, "<value>%s</value>", value);
    const char *found = list_end && list_end < end ? strstr(list, open) : NULL;
    return found && found < list_end;
}

void orl_domain_xml_lacks(const char *capabilities, struct orl_vm_host *host)
{
    host->lacks_uefi = !has_value(capabilities, "os", "firmware", "efi");
    host->lacks_secure_boot =
            host->lacks_uefi || !has_value(capabilities, "loader", "secure", "yes");
    host->lacks_tpm = !has_value(capabilities, "tpm", "backendModel", "emulator");
}
