#include "vmpool/home_disk.h"
#include "vmpool/proc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CREATE_TIMEOUT_MS = 30000 };

int orl_home_disk_path(const char *images_dir, const char *id, char ret_path[ORL_VM_PATH_MAX + 1],
        struct orl_err *err)
{
    int len = snprintf(ret_path, ORL_VM_PATH_MAX + 1, "%s/homes/%s.qcow2", images_dir, id);
    return len > 0 && len <= ORL_VM_PATH_MAX
                   ? 0
                   : orl_err_set(err, ORL_E_LIMIT, "images_dir is too long");
}

/* QEMU may run as another user, who gets each file from libvirt: others may pass, not look. */
static int make_folder(const char *path, struct orl_err *err)
{
    char folder[ORL_VM_PATH_MAX + 1];
    (void)snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash) {
        return orl_err_set(err, ORL_E_INVAL, "a home's path is not absolute");
    }
    *slash = '\0';
    if ((mkdir(folder, 0711) < 0 && errno != EEXIST) || chmod(folder, 0711) < 0) {
        return orl_err_sys(err, errno, "mkdir %s", folder);
    }
    return 0;
}

int orl_home_disk_make(const struct orl_vm_home *home, struct orl_err *err)
{
    const char *path = home->path;
    struct stat st;
    if (stat(path, &st) == 0) {
        return 0;
    }
    if (errno != ENOENT) {
        return orl_err_sys(err, errno, "%s", path);
    }
    if (home->is_used) {
        return orl_err_set(err, ORL_E_NOTFOUND, "%s was there and is missing", path);
    }
    char fresh[ORL_VM_PATH_MAX + 16];
    char size[32];
    int r = make_folder(path, err);
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    (void)snprintf(size, sizeof size, "%" PRIu64 "M", home->size_mib);
    const char *argv[] = {"qemu-img", "create", "-q", "-f", "qcow2", fresh, size, NULL};
    r = r < 0 ? r : orl_proc_run(argv, CREATE_TIMEOUT_MS, NULL, err);
    /* Whole, or not there: link() does not replace what somebody else made meanwhile. */
    if (r == 0 && link(fresh, path) < 0 && errno != EEXIST) {
        r = orl_err_sys(err, errno, "link %s", path);
    }
    (void)unlink(fresh);
    return r < 0 ? orl_err_prefix(err, "a home's disk") : 0;
}
