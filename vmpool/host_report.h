/* What this host can do for virtual machines: each ability with its state, the reason and what to do
 * about it. Reads /proc, /sys and /dev below a root that tests replace. */
#ifndef ORL_VMPOOL_HOST_REPORT_H
#define ORL_VMPOOL_HOST_REPORT_H
#include "base/buf.h"
#include <stdbool.h>

enum orl_ability { ORL_ABILITY_UNKNOWN = 0, ORL_ABILITY_YES, ORL_ABILITY_NO, ORL_ABILITY_PARTLY };
enum orl_host_item {
    ORL_HOST_CPU_VIRT = 0, /* VT-x or AMD-V */
    ORL_HOST_SLAT,         /* EPT or NPT */
    ORL_HOST_IOMMU,
    ORL_HOST_DEV_KVM,
    ORL_HOST_NESTED,
    ORL_HOST_ACCEL,      /* KVM proven by a boot; filled by the caller */
    ORL_HOST_NETWORK,    /* orl_host_report_network() */
    ORL_HOST_CPU_LIMITS, /* a cgroup for shares and caps */
    ORL_HOST_KSM,
    ORL_HOST_PRESSURE, /* /proc/pressure */
    ORL_HOST_UEFI,     /* orl_host_report_firmware() */
    ORL_HOST_TPM,
    ORL_HOST_ITEM_COUNT
};
struct orl_host_line {
    enum orl_ability state;
    char reason[160];
    char remedy[200]; /* empty when there is nothing to do */
};
struct orl_host_report {
    struct orl_host_line line[ORL_HOST_ITEM_COUNT];
};

/* root: "" for this machine. */
void orl_host_report_read(const char *root, struct orl_host_report *ret_report);
/* name: the guests' isolated network; empty: they get no card, fault says why (empty: none is wanted). */
void orl_host_report_network(struct orl_host_report *report, const char *name, const char *fault);
/* As libvirt finds firmware and swtpm; has_secure_boot: with UEFI only. */
void orl_host_report_firmware(
        struct orl_host_report *report, bool has_uefi, bool has_secure_boot, bool has_tpm);
const char *orl_host_item_name(enum orl_host_item item); /* "cpu_virtualization", ... */
const char *orl_ability_name(enum orl_ability state);
/* Appends {"items":[{"name":...,"state":...,"reason":...,"remedy":...}]} without a NUL. */
void orl_host_report_json(const struct orl_host_report *report, struct orl_buf *out);

#endif
