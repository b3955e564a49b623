/* The topics of a machine's XML, for each other: machine, display, network card (domain_xml.h). */
#ifndef ORL_VMPOOL_DOMAIN_XML_PRIV_H
#define ORL_VMPOOL_DOMAIN_XML_PRIV_H
#include "vmpool/domain_xml.h"

#define ORL_DOMAIN_XML_MACHINE "pc-q35-"

/* Memory, CPUs, and their limits. */
void orl_domain_xml_put_size(struct orl_buf *out, const struct orl_vm_spec *spec);
void orl_domain_xml_put_os(struct orl_buf *out, const struct orl_vm_spec *spec);
/* Features, CPU and clock. */
void orl_domain_xml_put_cpu(
        struct orl_buf *out, const struct orl_vm_spec *spec, enum orl_domain_xml_type type);
void orl_domain_xml_put_disk(struct orl_buf *out, const struct orl_vm_spec *spec);
/* Devices that nobody looks at: TPM, balloon, panic, random numbers. */
void orl_domain_xml_put_rest(struct orl_buf *out, const struct orl_vm_spec *spec);
/* Where devices can still be plugged in while the machine runs. */
void orl_domain_xml_put_slots(struct orl_buf *out);
void orl_domain_xml_put_balloon(struct orl_buf *out, const struct orl_vm_spec *spec);
/* What makes it a golden image's machine; nothing for others. */
void orl_domain_xml_put_genid(struct orl_buf *out, const struct orl_vm_spec *spec);
void orl_domain_xml_put_golden(struct orl_buf *out, const struct orl_vm_spec *spec);
/* Graphics, clipboard and sound. */
void orl_domain_xml_put_display(
        struct orl_buf *out, const struct orl_vm_spec *spec, enum orl_domain_xml_type type);
/* Beside the devices: what libvirt has no element for. */
void orl_domain_xml_put_override(struct orl_buf *out, const struct orl_vm_spec *spec);

#endif
