/* The files of golden images, made here and nowhere else:
 *     IMAGES/<installation>/golden/<id>/{disk.qcow2,state}     and     MEMORY/oriel-<installation>/<id>.ram
 * While an image is made its names end in ".part"; the folder's last rename makes it whole, so that a crash at any
 * instruction leaves either an image or something to sweep. Blocks: on workers only. */
#ifndef ORL_VMPOOL_GOLDEN_FILES_H
#define ORL_VMPOOL_GOLDEN_FILES_H
#include "vmpool/backend.h"
#include <sys/types.h>

struct orl_golden_dirs {
    char images_dir[ORL_VM_PATH_MAX + 1];
    char memory_dir[ORL_VM_PATH_MAX + 1];
    char installation[ORL_UUID_LEN + 1];
    uid_t qemu_uid; /* who else may open the files; (uid_t)-1: root only */
};
struct orl_golden_paths {
    char dir[ORL_VM_PATH_MAX + 1], dir_part[ORL_VM_PATH_MAX + 1];
    char disk[ORL_VM_PATH_MAX + 1], disk_part[ORL_VM_PATH_MAX + 1];
    char state[ORL_VM_PATH_MAX + 1], state_part[ORL_VM_PATH_MAX + 1];
    char ram[ORL_VM_PATH_MAX + 1], ram_part[ORL_VM_PATH_MAX + 1];
};
/* ORL_E_LIMIT: too long. ORL_E_INVAL: id is none, or QEMU could not be told the memory's path. */
ORL_NODISCARD int orl_golden_paths(const struct orl_golden_dirs *dirs, const char *id,
        struct orl_golden_paths *ret_paths, struct orl_err *err);
/* Removes what is left of an earlier try and makes the folder and, for memory_mib > 0, the memory's file. */
ORL_NODISCARD int orl_golden_begin(const struct orl_golden_dirs *dirs, const char *id,
        uint64_t memory_mib, struct orl_err *err);
/* QEMU's user may read and write that file of ours, and nobody else but us. */
ORL_NODISCARD int orl_golden_share(
        const struct orl_golden_dirs *dirs, const char *path, struct orl_err *err);
/* Nothing is written to the files from now on, and they get their names. */
ORL_NODISCARD int orl_golden_publish(
        const struct orl_golden_dirs *dirs, const char *id, bool has_memory, struct orl_err *err);
/* Absent is success. Memory that machines still have open goes with the last of them. */
ORL_NODISCARD int orl_golden_erase(
        const struct orl_golden_dirs *dirs, const char *id, struct orl_err *err);
/* Appends at most ORL_VM_LIST_MAX to *list. */
ORL_NODISCARD int orl_golden_list(
        const struct orl_golden_dirs *dirs, struct orl_vm_list *list, struct orl_err *err);
/* MiB that the memory's folder has room for. */
uint64_t orl_golden_room_mib(const struct orl_golden_dirs *dirs);

#endif
