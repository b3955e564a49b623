/* A person's home as a file: a qcow2 image of its own, never made of another, never deleted by a program. */
#ifndef ORL_VMPOOL_HOME_DISK_H
#define ORL_VMPOOL_HOME_DISK_H
#include "base/err.h"
#include "base/id.h"
#include "vmpool/backend.h"

#define ORL_HOME_SERIAL "orl-home" /* by which the guest knows the disk */

/* images_dir/homes/ID.qcow2 */
ORL_NODISCARD int orl_home_disk_path(const char *images_dir, const char *id,
        char ret_path[ORL_VM_PATH_MAX + 1], struct orl_err *err);
/* Makes folder and image where they are missing; what is there stays as it is. ORL_E_NOTFOUND: they are missing,
 * and is_used. */
ORL_NODISCARD int orl_home_disk_make(const struct orl_vm_home *home, struct orl_err *err);

#endif
