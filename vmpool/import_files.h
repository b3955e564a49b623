/* Files of templates that we made ourselves, IMAGES/<installation>/templates/NAME-<job>.qcow2, and what is on the way to
 * become one: <job id>.part (sent or copied), <job id>.qcow2 and .fd (being installed), and .qcow2.new.
 * Paths are made here and nowhere else. Not here: what is in them (vmpool/image_convert.h). */
#ifndef ORL_VMPOOL_IMPORT_FILES_H
#define ORL_VMPOOL_IMPORT_FILES_H
#include "store/store.h"
#include "vmpool/backend.h"

#define ORL_IMPORT_NEW ".new"
#define ORL_STAT_BLOCK 512 /* stat.st_blocks counts in these */

struct orl_import_files {
    char dir[ORL_VM_PATH_MAX + 1];
};
/* Makes the folder. Others may pass, not look: QEMU may run as another user. */
ORL_NODISCARD int orl_import_files_init(struct orl_import_files *files, const char *images_dir,
        const char *installation, struct orl_err *err);
/* At the start, before anything is made: removes what a former life left; a finished one that a template names gets
 * its name. What has its name stays: desktops may lie on it; and what belongs to an installation of this host that goes on. */
ORL_NODISCARD int orl_import_files_tidy(const struct orl_import_files *files,
        struct orl_store *store, const char *host, struct orl_err *err);
/* suffix: ".part", ".qcow2" */
ORL_NODISCARD int orl_import_files_of_job(const struct orl_import_files *files, const char *job,
        const char *suffix, char ret_path[ORL_VM_PATH_MAX + 1], struct orl_err *err);
ORL_NODISCARD int orl_import_files_of_template(const struct orl_import_files *files,
        const char *name, const char *job, char ret_path[ORL_VM_PATH_MAX + 1], struct orl_err *err);
/* What can be written there, less reserve. */
uint64_t orl_import_files_room(const struct orl_import_files *files, uint64_t reserve_bytes);
/* Opens path, relative to root and not leading out of it, also not by a link; a file that is no device. */
ORL_NODISCARD int orl_import_open_below(
        const char *root, const char *path, int *ret_fd, uint64_t *ret_size, struct orl_err *err);

#endif
