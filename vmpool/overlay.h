/* The disk files of clones: IMAGES/<installation>/{floating,dedicated}/<machine name>.qcow2, each an
 * overlay on its template. Paths are made here and nowhere else. Blocks: on workers only. */
#ifndef ORL_VMPOOL_OVERLAY_H
#define ORL_VMPOOL_OVERLAY_H
#include "vmpool/backend.h"

/* Makes IMAGES/<installation>/... that are missing. images_dir is absolute. */
ORL_NODISCARD int orl_overlay_prepare(
        const char *images_dir, const char *installation, struct orl_err *err);
/* ORL_E_LIMIT: the path would be too long. */
ORL_NODISCARD int orl_overlay_path(const char *images_dir, const char *installation,
        enum orl_vm_kind kind, const char *name, char ret_path[ORL_VM_PATH_MAX + 1],
        struct orl_err *err);
/* An overlay on base; one that is there already (left by a crash before its machine was defined) is
 * made anew. */
ORL_NODISCARD int orl_overlay_create(const char *path, const char *base, struct orl_err *err);
/* Whether QEMU can open it past the page cache; tmpfs, for one, can't. */
bool orl_overlay_has_direct(const char *path);
/* The firmware's variables of the machine with that overlay, beside it; false: it has no such place. */
bool orl_overlay_nvram(const char *path, char ret_path[ORL_VM_PATH_MAX + 1]);
/* With the firmware's variables. Absent is success. */
ORL_NODISCARD int orl_overlay_remove(const char *path, struct orl_err *err);
/* Appends at most ORL_VM_LIST_MAX to *list. */
ORL_NODISCARD int orl_overlay_list(const char *images_dir, const char *installation,
        struct orl_vm_list *list, struct orl_err *err);

#endif
