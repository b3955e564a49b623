#include "vmpool/domain_xml.h"
#include "vmpool/network_xml.h"
#include "vmpool/vm_meta.h"
#include "vmpool/xml_text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MACHINE_PREFIX "pc-q35-"

enum {
    MEMORY_MIN_MIB = 64,
    MEMORY_MAX_MIB = 1024 * 1024,
    VCPUS_MAX = 128,
    DISPLAY_MAX_PX = 8192,
    KIB_PER_MIB = 1024,
    VERSION_MAX = 1000,
};

static bool is_path_or_empty(const char *path)
{
    return path[0] == '\0' || (path[0] == '/' && !strstr(path, "/../"));
}

static int check(const struct orl_vm_spec *spec, struct orl_err *err)
{
    if (!orl_vm_name_is_ours(spec->name) || !orl_uuid_is_valid(spec->uuid)) {
        return orl_err_set(err, ORL_E_INVAL, "not a name or UUID of ours: '%s'", spec->name);
    }
    if (!is_path_or_empty(spec->overlay) || !is_path_or_empty(spec->kernel) ||
            !is_path_or_empty(spec->initrd)) {
        return orl_err_set(err, ORL_E_INVAL, "a path of '%s' is not absolute", spec->name);
    }
    if (!spec->overlay[0] && !spec->kernel[0]) {
        return orl_err_set(err, ORL_E_INVAL, "'%s' has neither a disk nor a kernel", spec->name);
    }
    if (spec->memory_mib < MEMORY_MIN_MIB || spec->memory_mib > MEMORY_MAX_MIB || spec->vcpus < 1 ||
            spec->vcpus > VCPUS_MAX) {
        return orl_err_set(err, ORL_E_INVAL, "'%s': %u MiB and %u CPUs are out of range",
                spec->name, spec->memory_mib, spec->vcpus);
    }
    if (strncmp(spec->machine, MACHINE_PREFIX, strlen(MACHINE_PREFIX)) != 0) {
        return orl_err_set(err, ORL_E_INVAL, "QEMU offers no pc-q35 machine type");
    }
    if (spec->width_px > DISPLAY_MAX_PX || spec->height_px > DISPLAY_MAX_PX) {
        return orl_err_set(err, ORL_E_INVAL, "'%s': display of %u x %u is out of range", spec->name,
                spec->width_px, spec->height_px);
    }
    return 0;
}

static void put_os(struct orl_buf *out, const struct orl_vm_spec *spec)
{
    orl_xml_putf(out, "  <os>\n    <type arch='x86_64'");
    orl_xml_attr(out, "machine", spec->machine);
    orl_xml_putf(out, ">hvm</type>\n");
    if (spec->kernel[0]) {
        orl_xml_putf(out, "    ");
        orl_xml_element(out, "kernel", spec->kernel);
        if (spec->initrd[0]) {
            orl_xml_element(out, "initrd", spec->initrd);
        }
        if (spec->cmdline[0]) {
            orl_xml_element(out, "cmdline", spec->cmdline);
        }
        orl_xml_putf(out, "\n");
    } else {
        orl_xml_putf(out, "    <boot dev='hd'/>\n");
    }
    orl_xml_putf(out, "  </os>\n");
}

static void put_disk(struct orl_buf *out, const struct orl_vm_spec *spec)
{
    if (!spec->overlay[0]) {
        return;
    }
    orl_xml_putf(out,
            "    <disk type='file' device='disk'>\n"
            "      <driver name='qemu' type='qcow2' cache='%s' discard='unmap'/>\n"
            "      <source",
            spec->is_buffered ? "writeback" : "none");
    orl_xml_attr(out, "file", spec->overlay);
    orl_xml_putf(out, "/>\n      <target dev='vda' bus='virtio'/>\n    </disk>\n");
}

static void put_network(struct orl_buf *out, const struct orl_vm_spec *spec)
{
    char mac[18];
    if (!spec->network.name[0]) {
        return;
    }
    orl_network_mac(mac, spec->meta.desktop, spec->meta.version);
    orl_xml_putf(out, "    <interface type='network'>\n      <mac");
    orl_xml_attr(out, "address", mac);
    orl_xml_putf(out, "/>\n      <source");
    orl_xml_attr(out, "network", spec->network.name);
    orl_xml_putf(out, "/>\n      <model type='virtio'/>\n");
    if (spec->network.filter[0]) {
        orl_xml_putf(out, "      <filterref");
        orl_xml_attr(out, "filter", spec->network.filter);
        orl_xml_putf(out, "/>\n");
    }
    orl_xml_putf(out, "      <port isolated='yes'/>\n    </interface>\n");
}

/* The device is played to nobody, and VNC listens in; or to the D-Bus display, in a format that the consoles take, and
 * VNC listens in as well. */
static void put_sound(struct orl_buf *out, bool is_dbus)
{
    orl_xml_putf(out, "    <sound model='ich9'><codec type='output'/><audio id='1'/></sound>\n");
    if (is_dbus) {
        orl_xml_putf(out,
                "    <audio id='1' type='dbus'>"
                "<output mixingEngine='yes' fixedSettings='yes'>"
                "<settings frequency='48000' channels='2' format='s16'/></output></audio>\n");
    } else {
        orl_xml_putf(out, "    <audio id='1' type='none'/>\n");
    }
}

/* A card that the D-Bus display plays leaves volume to who listens, and QEMU says it to nobody who comes later: so the
 * card has none, and guests make sound as loud as it shall be. */
static void put_override(struct orl_buf *out)
{
    orl_xml_putf(out, "  <qemu:override xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
                      "<qemu:device alias='sound0-codec0'><qemu:frontend>"
                      "<qemu:property name='mixer' type='bool' value='false'/>"
                      "</qemu:frontend></qemu:device></qemu:override>\n");
}

/* The other half of the guest's spice-vdagent, in QEMU; VNC and D-Bus display speak to it. The pointer stays with
 * the tablet. */
static void put_clipboard(struct orl_buf *out)
{
    orl_xml_putf(out, "    <channel type='qemu-vdagent'><source><clipboard copypaste='yes'/>"
                      "<mouse mode='server'/></source>"
                      "<target type='virtio' name='com.redhat.spice.0'/></channel>\n");
}

/* text is "MAJOR.MINOR" and what follows it. */
static bool parse_version(
        const char *text, unsigned long *ret_major, unsigned long *ret_minor, const char **ret_end)
{
    char *end = NULL;
    if (*text < '0' || *text > '9') {
        return false;
    }
    *ret_major = strtoul(text, &end, 10);
    if (*end != '.' || end[1] < '0' || end[1] > '9') {
        return false;
    }
    *ret_minor = strtoul(end + 1, &end, 10);
    *ret_end = end;
    return *ret_major < VERSION_MAX && *ret_minor < VERSION_MAX;
}

/* QEMU 7.2 dies of a D-Bus listener for sound. A machine type of 9.2 is one that no older QEMU starts. */
static bool has_dbus_sound(const struct orl_vm_spec *spec)
{
    unsigned long major = 0;
    unsigned long minor = 0;
    const char *end = NULL;
    return spec->has_sound && spec->has_dbus_display &&
           parse_version(spec->machine + strlen(MACHINE_PREFIX), &major, &minor, &end) &&
           (major > 9 || (major == 9 && minor >= 2));
}

/* The display listens nowhere: only virDomainOpenGraphicsFD() reaches it. VNC is the first <graphics>,
 * D-Bus the second: the index that OpenGraphicsFD counts by. */
static void put_display(
        struct orl_buf *out, const struct orl_vm_spec *spec, enum orl_domain_xml_type type)
{
    if (type == ORL_DOMAIN_XML_TEST) {
        orl_xml_putf(out, "    <graphics type='vnc'/>\n");
    } else {
        orl_xml_putf(out, "    <graphics type='vnc'><listen type='none'/>%s</graphics>\n",
                spec->has_sound ? "<audio id='1'/>" : "");
    }
    if (spec->has_dbus_display) {
        orl_xml_putf(out, "    <graphics type='dbus' p2p='yes'>%s</graphics>\n",
                has_dbus_sound(spec) ? "<audio id='1'/>" : "");
    }
    orl_xml_putf(out, "    <video><model type='virtio' heads='2' primary='yes'>");
    if (spec->width_px && spec->height_px) {
        orl_xml_putf(out, "<resolution x='%u' y='%u'/>", spec->width_px, spec->height_px);
    }
    orl_xml_putf(out, "</model></video>\n");
}

/* The keyboard: virtio has room for twice the keys that USB has, and is not polled; guests without its driver have
 * the machine's PS/2. The tablet is USB: every guest has that one, and without it the pointer is not absolute. */
static void put_devices(
        struct orl_buf *out, const struct orl_vm_spec *spec, enum orl_domain_xml_type type)
{
    orl_xml_putf(out, "  <devices>\n");
    put_disk(out, spec);
    orl_xml_putf(out,
            "    <controller type='usb' model='qemu-xhci'/>\n"
            "    <controller type='virtio-serial'/>\n"
            "    <serial type='pty'/>\n"
            "    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/>"
            "</channel>\n"
            "    <input type='tablet' bus='usb'/>\n"
            "    <input type='keyboard' bus='virtio'/>\n");
    put_network(out, spec);
    put_display(out, spec, type);
    if (spec->has_clipboard && type != ORL_DOMAIN_XML_TEST) {
        put_clipboard(out);
    }
    if (spec->has_sound && type != ORL_DOMAIN_XML_TEST) {
        put_sound(out, has_dbus_sound(spec));
    }
    orl_xml_putf(out,
            "    <memballoon model='virtio' freePageReporting='on'>"
            "<stats period='2'/></memballoon>\n"
            "    <panic model='isa'/>\n"
            "    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>\n"
            "  </devices>\n");
}

int orl_domain_xml_build(const struct orl_vm_spec *spec, enum orl_domain_xml_type type,
        struct orl_buf *out, struct orl_err *err)
{
    int r = check(spec, err);
    if (r < 0) {
        return r;
    }
    const char *driver = type == ORL_DOMAIN_XML_TEST       ? "test"
                         : spec->accel == ORL_VM_ACCEL_KVM ? "kvm"
                                                           : "qemu";
    orl_xml_putf(out, "<domain type='%s'>\n  ", driver);
    orl_xml_element(out, "name", spec->name);
    orl_xml_element(out, "uuid", spec->uuid);
    orl_xml_putf(out, "\n  <metadata>");
    orl_vm_meta_put(out, &spec->meta, true);
    orl_xml_putf(out, "</metadata>\n  <memory unit='KiB'>%llu</memory><vcpu>%u</vcpu>\n",
            (unsigned long long)spec->memory_mib * KIB_PER_MIB, spec->vcpus);
    put_os(out, spec);
    orl_xml_putf(out,
            "  <features><acpi/></features>\n  <cpu mode='%s'/>\n"
            "  <clock offset='utc'/>\n  <on_poweroff>destroy</on_poweroff>\n"
            "  <on_reboot>restart</on_reboot>\n  <on_crash>destroy</on_crash>\n",
            spec->accel == ORL_VM_ACCEL_KVM ? "host-passthrough" : "maximum");
    put_devices(out, spec, type);
    if (type != ORL_DOMAIN_XML_TEST && has_dbus_sound(spec)) {
        put_override(out);
    }
    orl_xml_putf(out, "</domain>\n");
    orl_buf_put_u8(out, 0);
    return out->is_failed ? orl_err_set(err, ORL_E_LIMIT, "the XML of '%s' is too long", spec->name)
                          : 0;
}

bool orl_domain_xml_machine(const char *capabilities, char ret_machine[ORL_VM_NAME_MAX + 1])
{
    unsigned long best_major = 0;
    unsigned long best_minor = 0;
    for (const char *at = strstr(capabilities, MACHINE_PREFIX); at;
            at = strstr(at + 1, MACHINE_PREFIX)) {
        unsigned long major = 0;
        unsigned long minor = 0;
        const char *end = NULL;
        /* A canonical name's patch level is not wanted. */
        if (parse_version(at + strlen(MACHINE_PREFIX), &major, &minor, &end) && *end == '<' &&
                (major > best_major || (major == best_major && minor > best_minor))) {
            best_major = major;
            best_minor = minor;
        }
    }
    if (best_major > 0) {
        (void)snprintf(
                ret_machine, ORL_VM_NAME_MAX + 1, MACHINE_PREFIX "%lu.%lu", best_major, best_minor);
    }
    return best_major > 0;
}
