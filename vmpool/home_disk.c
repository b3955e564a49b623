#include "vmpool/home_disk.h"
#include "vmpool/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CREATE_TIMEOUT_MS = 30000, MIB = 1024 * 1024 };

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

static int run(const char *const *argv)
{
    return orl_proc_run(argv, CREATE_TIMEOUT_MS, NULL, NULL);
}

/* With a file system, as an emulated guest takes seconds to make one. Features that an older guest mounts, too; the
 * file is one hole, so nothing of it needs writing. False: this host can't; the guest makes it on a blank disk. */
static bool make_formatted(const char *fresh, uint64_t size_mib)
{
    char raw[ORL_VM_PATH_MAX + 24];
    (void)snprintf(raw, sizeof raw, "%s.raw", fresh);
    const char *const format[] = {"mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-L", "oriel-home",
            "-O", "^orphan_file,^metadata_csum_seed", "-E", "assume_storage_prezeroed=1", raw,
            NULL};
    const char *const convert[] = {
            "qemu-img", "convert", "-q", "-f", "raw", "-O", "qcow2", raw, fresh, NULL};
    int fd = open(raw, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool is_good = fd >= 0 && ftruncate(fd, (off_t)(size_mib * MIB)) == 0;
    if (fd >= 0) {
        close(fd);
    }
    is_good = is_good && run(format) == 0 && run(convert) == 0;
    (void)unlink(raw);
    return is_good;
}

static int make_image(const char *fresh, uint64_t size_mib, struct orl_err *err)
{
    char size[32];
    const char *argv[] = {"qemu-img", "create", "-q", "-f", "qcow2", fresh, size, NULL};
    if (make_formatted(fresh, size_mib)) {
        return 0;
    }
    (void)snprintf(size, sizeof size, "%" PRIu64 "M", size_mib);
    return orl_proc_run(argv, CREATE_TIMEOUT_MS, NULL, err);
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
    int r = make_folder(path, err);
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    r = r < 0 ? r : make_image(fresh, home->size_mib, err);
    /* Whole, or not there: link() does not replace what somebody else made meanwhile. */
    if (r == 0 && link(fresh, path) < 0 && errno != EEXIST) {
        r = orl_err_sys(err, errno, "link %s", path);
    }
    (void)unlink(fresh);
    return r < 0 ? orl_err_prefix(err, "a home's disk") : 0;
}
