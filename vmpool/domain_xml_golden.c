/* The machines of golden images: the one that is frozen and those that begin as its copies. libvirt has no
 * element for memory that is a file of ours, so QEMU is told directly. */
#include "vmpool/domain_xml_priv.h"
#include "vmpool/xml_text.h"

/* libvirt's own need eight at most; a card and disks come later. */
enum { ROOT_PORTS = 14 };

void orl_domain_xml_put_slots(struct orl_buf *out)
{
    orl_xml_putf(out, "    <controller type='pci' index='0' model='pcie-root'/>\n");
    for (int i = 1; i <= ROOT_PORTS; i++) {
        orl_xml_putf(out, "    <controller type='pci' index='%d' model='pcie-root-port'/>\n", i);
    }
}

/* A balloon that shrinks by itself when the guest runs out; pages that it freed go back to the host.
 * A guest gives pages back through it, and QEMU then cuts them out of the file that they come from, also where it
 * only has a private copy: another's memory. So who has memory from a shared file has no balloon. */
void orl_domain_xml_put_balloon(struct orl_buf *out, const struct orl_vm_spec *spec)
{
    if (spec->golden.role != ORL_VM_GOLDEN_NONE && spec->golden.is_shared) {
        orl_xml_putf(out, "    <memballoon model='none'/>\n");
        return;
    }
    orl_xml_putf(out,
            "    <memballoon model='virtio'%s freePageReporting='on'>"
            "<stats period='2'/></memballoon>\n",
            spec->res.balloon_min_mib > 0 ? " autodeflate='on'" : "");
}

/* A guest's kernel that sees another one has been copied, and makes its random numbers anew. */
void orl_domain_xml_put_genid(struct orl_buf *out, const struct orl_vm_spec *spec)
{
    if (spec->golden.role != ORL_VM_GOLDEN_NONE) {
        orl_xml_element(out, "genid", spec->uuid);
    }
}

static void put_arg(struct orl_buf *out, const char *value)
{
    orl_xml_putf(out, "<qemu:arg");
    orl_xml_attr(out, "value", value);
    orl_xml_putf(out, "/>");
}

/* The second memory-backend replaces libvirt's, whose memory is never touched. */
static void put_memory(struct orl_buf *out, const struct orl_vm_spec *spec)
{
    const char *how = spec->golden.role == ORL_VM_GOLDEN_MAKE ? "share=on"
                      : spec->golden.is_readonly              ? "share=off,readonly=on,rom=off"
                                                              : "share=off";
    put_arg(out, "-object");
    orl_xml_putf(out, "<qemu:arg value='memory-backend-file,id=oriel.golden,size=%uM,mem-path=",
            spec->memory_mib);
    orl_xml_text(out, spec->golden.ram);
    orl_xml_putf(out, ",x-use-canonical-path-for-ramblock-id=off,%s'/>", how);
    put_arg(out, "-machine");
    put_arg(out, "memory-backend=oriel.golden");
}

/* libvirt asks QEMU at each start which features its processor has: 400 questions, one after the other, half of the time
 * that a copy takes to be there. It is for models with a list of them, which ours are not; without what it takes this QEMU
 * to be able to, there are three. */
static void put_no_questions(struct orl_buf *out)
{
    orl_xml_putf(out,
            "  <qemu:capabilities xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
            "<qemu:del capability='cpu-unavailable-features'/></qemu:capabilities>\n");
}

void orl_domain_xml_put_golden(struct orl_buf *out, const struct orl_vm_spec *spec)
{
    bool is_resumed = spec->golden.role == ORL_VM_GOLDEN_RESUME;
    if (!is_resumed && !(spec->golden.role == ORL_VM_GOLDEN_MAKE && spec->golden.is_shared)) {
        return;
    }
    orl_xml_putf(
            out, "  <qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>");
    if (spec->golden.is_shared) {
        put_memory(out, spec);
    }
    if (is_resumed) {
        put_arg(out, "-incoming");
        put_arg(out, "defer");
    }
    orl_xml_putf(out, "</qemu:commandline>\n");
    if (is_resumed) {
        put_no_questions(out);
    }
}
