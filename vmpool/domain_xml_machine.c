/* What a machine is made of: firmware, disk. */
#include "vmpool/domain_xml_priv.h"
#include "vmpool/xml_text.h"

void orl_domain_xml_put_os(struct orl_buf *out, const struct orl_vm_spec *spec)
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

void orl_domain_xml_put_disk(struct orl_buf *out, const struct orl_vm_spec *spec)
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
