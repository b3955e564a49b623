/* A template from an installation's ISO: an empty disk and a machine of its own that boots the ISO until the disk can be
 * booted. Who installs sees it as a static desktop (broker/build.h). Sealed, it is shut down and its disk becomes a file
 * of ours. Blocks for hours: on a worker of its own. */
#ifndef ORL_VMPOOL_IMAGE_BUILD_H
#define ORL_VMPOOL_IMAGE_BUILD_H
#include "base/reason.h"
#include "vmpool/backend.h"
#include "vmpool/import_files.h"
#include <stdatomic.h>

#define ORL_IMAGE_BUILD_POOL "template-build" /* in the machine's metadata */
#define ORL_IMAGE_BUILD_VERSION 1

enum orl_image_build_step {
    ORL_BUILD_MAKES = 0,
    ORL_BUILD_RUNS,
    ORL_BUILD_IS_OFF,     /* by the guest itself: to be sealed */
    ORL_BUILD_SHUTS_DOWN, /* sealed; waits for the guest */
    ORL_BUILD_COPIES,
};
struct orl_image_build {
    const struct orl_backend *backend;
    struct orl_vm_spec spec; /* overlay: the disk, made; removed in the end */
    const struct orl_import_files *files;
    uint64_t disk_mib, reserve_bytes;
    char to[ORL_VM_PATH_MAX + 1]; /* made; not there after a failure */
    enum orl_reason reason;       /* of a failure */
    /* Read and written while it runs. */
    atomic_uint step;
    atomic_bool is_cancelled, is_seal_wanted;
    atomic_bool is_left; /* with is_cancelled: the machine stays for who comes after us */
    bool is_adopted;     /* by us: the machine is there */
};
/* ORL_E_CLOSED: cancelled. The machine and its disk are gone afterwards. ORL_E_AGAIN: it was left, and both are there. */
ORL_NODISCARD int orl_image_build(struct orl_image_build *build, struct orl_err *err);

#endif
