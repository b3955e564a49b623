#include "vmpool/home_disk.h"
#include "base/cleanup.h"
#include "vmpool/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CREATE_TIMEOUT_MS = 30000, SIZE_AT = 24, HEAD_LEN = 32, MIB = 1024 * 1024 };

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

/* As its header says, at offset 24; 0: no qcow2. */
static uint64_t size_of(const char *path)
{
    uint8_t head[HEAD_LEN];
    uint64_t size = 0;
    ORL_AUTO(orl_close_auto) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, head, sizeof head) != HEAD_LEN || memcmp(head, "QFI\xfb", 4) != 0) {
        return 0;
    }
    for (size_t i = SIZE_AT; i < HEAD_LEN; i++) {
        size = size << 8 | head[i];
    }
    return size;
}

/* Never smaller. Its file system follows in the guest. QEMU's lock keeps this from a disk that is in one. */
static int grow(const struct orl_vm_home *home, struct orl_err *err)
{
    char size[32];
    uint64_t bytes = size_of(home->path);
    if (bytes == 0 || bytes >= home->size_mib * MIB) {
        return 0;
    }
    (void)snprintf(size, sizeof size, "%" PRIu64 "M", home->size_mib);
    const char *argv[] = {"qemu-img", "resize", "-q", "-f", "qcow2", home->path, size, NULL};
    int r = orl_proc_run(argv, CREATE_TIMEOUT_MS, NULL, err);
    return r < 0 ? orl_err_prefix(err, "a home's new size") : 0;
}

int orl_home_disk_make(const struct orl_vm_home *home, struct orl_err *err)
{
    const char *path = home->path;
    struct stat st;
    if (stat(path, &st) == 0) {
        return grow(home, err);
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
