/* The metadata element of our machines: text out, text in. Pure. */
#ifndef ORL_VMPOOL_VM_META_H
#define ORL_VMPOOL_VM_META_H
#include "base/buf.h"
#include "vmpool/backend.h"

#define ORL_VM_META_URI "https://oriel.invalid/xmlns/machine/1"
#define ORL_VM_META_PREFIX "oriel"

const char *orl_vm_kind_name(
        enum orl_vm_kind kind); /* "floating", "dedicated", "probe", "golden" */
/* Appends the element, with its namespace when with_namespace is set (as a domain's XML wants it;
 * virDomainSetMetadata() adds it by itself). */
void orl_vm_meta_put(struct orl_buf *out, const struct orl_vm_meta *meta, bool with_namespace);
/* ORL_E_PROTO: an attribute is missing or not what we write. */
ORL_NODISCARD int orl_vm_meta_parse(const char *xml, struct orl_vm_meta *ret_meta);
/* Whether a machine is that installation's: several share one libvirt and leave each other alone. */
bool orl_vm_meta_is_of(const struct orl_vm_meta *meta, const char *installation);
/* "oriel-<12 of the desktop's id>-<version>": also the overlay's file name. */
void orl_vm_name(char ret_name[ORL_VM_NAME_MAX + 1], const char *desktop, uint64_t version);
/* Whether name is of that form. */
bool orl_vm_name_is_ours(const char *name);

#endif
