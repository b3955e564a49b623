/* The displays of a machine, its sound and its clipboard; and what of it depends on QEMU's version. */
#include "vmpool/domain_xml.h"
#include "vmpool/domain_xml_priv.h"
#include "vmpool/xml_text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION_MAX = 1000 };

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
           parse_version(spec->machine + strlen(ORL_DOMAIN_XML_MACHINE), &major, &minor, &end) &&
           (major > 9 || (major == 9 && minor >= 2));
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
void orl_domain_xml_put_override(struct orl_buf *out, const struct orl_vm_spec *spec)
{
    if (!has_dbus_sound(spec)) {
        return;
    }
    orl_xml_putf(out, "  <qemu:override xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
                      "<qemu:device alias='sound0-codec0'><qemu:frontend>"
                      "<qemu:property name='mixer' type='bool' value='false'/>"
                      "</qemu:frontend></qemu:device></qemu:override>\n");
}

/* The other half of the guest's spice-vdagent, in QEMU; VNC and D-Bus display speak to it. The pointer stays with
 * the tablet. */
static void put_clipboard(struct orl_buf *out, const struct orl_vm_spec *spec)
{
    if (spec->golden.role == ORL_VM_GOLDEN_MAKE) {
        /* QEMU 7.2 writes no state with that in it. The guest sees the port only, and it is the same. */
        orl_xml_putf(out, "    <channel type='unix'>"
                          "<target type='virtio' name='com.redhat.spice.0'/></channel>\n");
        return;
    }
    orl_xml_putf(out, "    <channel type='qemu-vdagent'><source><clipboard copypaste='yes'/>"
                      "<mouse mode='server'/></source>"
                      "<target type='virtio' name='com.redhat.spice.0'/></channel>\n");
}

/* The display listens nowhere: only virDomainOpenGraphicsFD() reaches it. VNC is the first <graphics>,
 * D-Bus the second: the index that OpenGraphicsFD counts by. */
static void put_graphics(
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

void orl_domain_xml_put_display(
        struct orl_buf *out, const struct orl_vm_spec *spec, enum orl_domain_xml_type type)
{
    put_graphics(out, spec, type);
    if (spec->has_clipboard && type != ORL_DOMAIN_XML_TEST) {
        put_clipboard(out, spec);
    }
    if (spec->has_sound && type != ORL_DOMAIN_XML_TEST) {
        put_sound(out, has_dbus_sound(spec));
    }
}

bool orl_domain_xml_machine(const char *capabilities, char ret_machine[ORL_VM_NAME_MAX + 1])
{
    unsigned long best_major = 0;
    unsigned long best_minor = 0;
    for (const char *at = strstr(capabilities, ORL_DOMAIN_XML_MACHINE); at;
            at = strstr(at + 1, ORL_DOMAIN_XML_MACHINE)) {
        unsigned long major = 0;
        unsigned long minor = 0;
        const char *end = NULL;
        /* A canonical name's patch level is not wanted. */
        if (parse_version(at + strlen(ORL_DOMAIN_XML_MACHINE), &major, &minor, &end) &&
                *end == '<' &&
                (major > best_major || (major == best_major && minor > best_minor))) {
            best_major = major;
            best_minor = minor;
        }
    }
    if (best_major > 0) {
        (void)snprintf(ret_machine, ORL_VM_NAME_MAX + 1, ORL_DOMAIN_XML_MACHINE "%lu.%lu",
                best_major, best_minor);
    }
    return best_major > 0;
}
