/* What a machine may use of its host, and what it has of its own: said by a pool, asked of the broker, given
 * to libvirt. Here, so that all of them refuse the same nonsense. */
#ifndef ORL_BASE_VM_RES_H
#define ORL_BASE_VM_RES_H
#include <stdbool.h>
#include <stdint.h>

#define ORL_VM_SHARES_MAX 10000  /* of the kernel's cgroup v2 */
#define ORL_VM_CAP_MIN_PERCENT 5 /* with less a guest does not come up */
#define ORL_VM_CAP_MAX_PERCENT 12800
#define ORL_VM_IOPS_MIN 10
#define ORL_VM_IOPS_MAX 10000000
#define ORL_VM_DISK_MIB_S_MAX 1000000
#define ORL_VM_BALLOON_MIN_MIB 64

/* 0: no limit, or the default. */
struct orl_vm_res {
    uint32_t cpu_shares;      /* its weight against other machines; 1024 is what others have */
    uint32_t cpu_cap_percent; /* of one CPU, for the whole machine */
    uint32_t disk_iops, disk_mib_s;
    uint32_t
            balloon_min_mib; /* what it starts with of its memory; it gets the rest when it runs out */
    bool has_uefi;
    bool has_tpm, has_secure_boot; /* with has_uefi only */
    bool has_autostart;            /* with its host */
};
/* What is wrong with it, or NULL. memory_mib: of the machine; 0: not known here. */
const char *orl_vm_res_fault(const struct orl_vm_res *res, uint32_t memory_mib);

#endif
