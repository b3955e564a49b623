/* A machine's libvirt XML from its specification. Pure: nothing of a caller gets in unescaped.
 * Not here: what libvirt makes of it (vmpool/backend_libvirt.c). */
#ifndef ORL_VMPOOL_DOMAIN_XML_H
#define ORL_VMPOOL_DOMAIN_XML_H
#include "base/buf.h"
#include "vmpool/backend.h"

#define ORL_DOMAIN_XML_MAX 32768

/* How much of a hypervisor is there: libvirt's test driver takes less. */
enum orl_domain_xml_type { ORL_DOMAIN_XML_QEMU = 0, ORL_DOMAIN_XML_TEST = 1 };

/* Appends a NUL-terminated document. ORL_E_INVAL: the specification is out of range (name, UUID, paths
 * not absolute, memory, CPUs, no machine type). */
ORL_NODISCARD int orl_domain_xml_build(const struct orl_vm_spec *spec,
        enum orl_domain_xml_type type, struct orl_buf *out, struct orl_err *err);
/* Appends its <interface>, without a NUL: the one in the document, or for one that gets its card while it runs
 * (virDomainAttachDevice()). Nothing where the machine gets no card. Without a link it is a card whose cable is out. */
void orl_domain_xml_interface(struct orl_buf *out, const struct orl_vm_spec *spec, bool has_link);
/* The newest pc-q35-N.M that a capabilities document names; false if there is none. */
bool orl_domain_xml_machine(const char *capabilities, char ret_machine[ORL_VM_NAME_MAX + 1]);
/* Sets what such a document does not have: lacks_uefi, lacks_secure_boot, lacks_tpm. */
void orl_domain_xml_lacks(const char *capabilities, struct orl_vm_host *host);

#endif
