#include "vmpool/domain_xml.h"
#include "base/hook_wire.h"
#include "vmpool/domain_xml_priv.h"
#include "vmpool/vm_meta.h"
#include "vmpool/xml_text.h"
#include <string.h>

enum {
    MEMORY_MIN_MIB = 64,
    MEMORY_MAX_MIB = 1024 * 1024,
    VCPUS_MAX = 128,
    DISPLAY_MAX_PX = 8192,
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
            !is_path_or_empty(spec->initrd) || !is_path_or_empty(spec->iso) ||
            !is_path_or_empty(spec->golden.ram)) {
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
    if (strncmp(spec->machine, ORL_DOMAIN_XML_MACHINE, strlen(ORL_DOMAIN_XML_MACHINE)) != 0) {
        return orl_err_set(err, ORL_E_INVAL, "QEMU offers no pc-q35 machine type");
    }
    if (spec->width_px > DISPLAY_MAX_PX || spec->height_px > DISPLAY_MAX_PX) {
        return orl_err_set(err, ORL_E_INVAL, "'%s': display of %u x %u is out of range", spec->name,
                spec->width_px, spec->height_px);
    }
    const char *fault = orl_vm_res_fault(&spec->res, spec->memory_mib);
    return fault ? orl_err_set(err, ORL_E_INVAL, "'%s': %s", spec->name, fault) : 0;
}

/* The keyboard: virtio has room for twice the keys that USB has, and is not polled; guests without its driver have
 * the machine's PS/2. The tablet is USB: every guest has that one, and without it the pointer is not absolute. */
static void put_devices(
        struct orl_buf *out, const struct orl_vm_spec *spec, enum orl_domain_xml_type type)
{
    orl_xml_putf(out, "  <devices>\n");
    orl_domain_xml_put_disk(out, spec);
    if (type != ORL_DOMAIN_XML_TEST) {
        orl_domain_xml_put_slots(out);
    }
    orl_xml_putf(out,
            "    <controller type='usb' model='qemu-xhci'/>\n"
            "    <controller type='virtio-serial'/>\n"
            "    <serial type='pty'/>\n"
            "    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/>"
            "</channel>\n"
            "    <channel type='unix'><target type='virtio' name='" ORL_HOOK_PORT "'/></channel>\n"
            "    <input type='tablet' bus='usb'/>\n"
            "    <input type='keyboard' bus='virtio'/>\n");
    if (spec->golden.role ==
            ORL_VM_GOLDEN_NONE) { /* else it is plugged in later: vmpool/domain_xml_golden.c */
        orl_domain_xml_interface(out, spec, true);
    }
    orl_domain_xml_put_display(out, spec, type);
    orl_domain_xml_put_rest(out, spec);
    orl_xml_putf(out, "  </devices>\n");
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
    orl_domain_xml_put_genid(out, spec);
    orl_xml_putf(out, "\n  <metadata>");
    orl_vm_meta_put(out, &spec->meta, true);
    orl_xml_putf(out, "</metadata>\n");
    orl_domain_xml_put_size(out, spec);
    orl_domain_xml_put_os(out, spec);
    orl_domain_xml_put_cpu(out, spec, type);
    orl_xml_putf(out, "  <on_poweroff>destroy</on_poweroff>\n"
                      "  <on_reboot>restart</on_reboot>\n  <on_crash>destroy</on_crash>\n");
    /* A guest that sleeps can be reached by nobody; its processors cost nothing when it idles. */
    orl_xml_putf(out, "  <pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='no'/></pm>\n");
    put_devices(out, spec, type);
    if (type != ORL_DOMAIN_XML_TEST) {
        orl_domain_xml_put_override(out, spec);
        orl_domain_xml_put_golden(out, spec);
    }
    orl_xml_putf(out, "</domain>\n");
    orl_buf_put_u8(out, 0);
    return out->is_failed ? orl_err_set(err, ORL_E_LIMIT, "the XML of '%s' is too long", spec->name)
                          : 0;
}
