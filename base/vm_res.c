#include "base/vm_res.h"
#include <stddef.h>

static bool is_out(uint32_t value, uint32_t min, uint32_t max)
{
    return value != 0 && (value < min || value > max);
}

const char *orl_vm_res_fault(const struct orl_vm_res *res, uint32_t memory_mib)
{
    if (is_out(res->cpu_shares, 2, ORL_VM_SHARES_MAX)) {
        return "cpu_shares must be 0 or from 2 to 10000";
    }
    if (is_out(res->cpu_cap_percent, ORL_VM_CAP_MIN_PERCENT, ORL_VM_CAP_MAX_PERCENT)) {
        return "cpu_cap_percent must be 0 or from 5 to 12800";
    }
    if (is_out(res->disk_iops, ORL_VM_IOPS_MIN, ORL_VM_IOPS_MAX)) {
        return "disk_iops must be 0 or from 10 to 10000000";
    }
    if (is_out(res->disk_mib_s, 1, ORL_VM_DISK_MIB_S_MAX)) {
        return "disk_mib_s must be 0 or from 1 to 1000000";
    }
    if (is_out(res->balloon_min_mib, ORL_VM_BALLOON_MIN_MIB, UINT32_MAX)) {
        return "balloon_min_mib must be 0 or at least 64";
    }
    if (memory_mib > 0 && res->balloon_min_mib > memory_mib) {
        return "balloon_min_mib is more than the machine's memory";
    }
    if (res->has_tpm &&
            !res->has_uefi) { /* SeaBIOS with one leaves a kernel booted directly without ACPI */
        return "tpm needs firmware uefi";
    }
    return res->has_secure_boot && !res->has_uefi ? "secure_boot needs firmware uefi" : NULL;
}
