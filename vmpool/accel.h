/* Which accelerator guests get. That /dev/kvm opens proves nothing: the tiny guest is booted under KVM
 * once per kernel and QEMU version, and the verdict is remembered. Blocks: on workers only. */
#ifndef ORL_VMPOOL_ACCEL_H
#define ORL_VMPOOL_ACCEL_H
#include "vmpool/backend.h"

enum orl_accel_mode { ORL_ACCEL_AUTO = 0, ORL_ACCEL_KVM, ORL_ACCEL_QEMU };
struct orl_accel_cfg { /* borrowed */
    enum orl_accel_mode mode;
    const char *state_dir; /* where the verdict is kept */
    const char *tiny_dir;  /* has vmlinux and initrd; empty: none */
    const char *installation;
    unsigned timeout_ms;
};
struct orl_accel {
    enum orl_vm_accel kind;
    bool is_proven; /* by a boot, now or remembered */
    char reason[240];
};
#define ORL_ACCEL_MARKER "oriel-tiny: painted"

/* Always decides; libvirt that does not answer is an error and nothing is remembered. */
ORL_NODISCARD int orl_accel_decide(const struct orl_accel_cfg *cfg,
        const struct orl_backend *backend, const struct orl_vm_host *host,
        struct orl_accel *ret_accel, struct orl_err *err);

#endif
