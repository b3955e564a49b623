/* A disk image from anybody becomes a qcow2 of ours: which format it is, by its first bytes; what its header may not say;
 * whether it is whole, by qemu-img with bounds on all that it may take; then every byte is written anew, so that
 * nothing of its tables, snapshots and options remains. Blocks for minutes: on a worker of its own. */
#ifndef ORL_VMPOOL_IMAGE_CONVERT_H
#define ORL_VMPOOL_IMAGE_CONVERT_H
#include "base/reason.h"
#include "vmpool/import_files.h"
#include <stdatomic.h>

#define ORL_IMAGE_HEAD_LEN 512

struct orl_image_convert {
    const struct orl_import_files *files;
    char from[ORL_VM_PATH_MAX + 1];
    char to[ORL_VM_PATH_MAX + 1]; /* made; not there after a failure */
    uint64_t max_virtual_bytes, reserve_bytes;
    enum orl_reason reason; /* of a failure */
    /* Read and written while it runs. */
    atomic_uint percent;
    atomic_bool is_cancelled;
};
/* "qcow2", "vdi" or "vhdx"; else NULL, and *ret_fault says why. Pure. */
const char *orl_image_format(const uint8_t *head, size_t len, const char **ret_fault);
/* What `qemu-img info` and `qemu-img check` printed; NULL: nothing is wrong with it. Pure. */
const char *orl_image_info_fault(const char *json, uint64_t max_virtual_bytes);
const char *orl_image_check_fault(const char *json);
/* ORL_E_CLOSED: cancelled. */
ORL_NODISCARD int orl_image_convert(struct orl_image_convert *convert, struct orl_err *err);

#endif
