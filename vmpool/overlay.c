#include "vmpool/overlay.h"
#include "base/cleanup.h"
#include "vmpool/proc.h"
#include "vmpool/vm_meta.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { CREATE_TIMEOUT_MS = 30000, MS_PER_S = 1000, NS_PER_MS = 1000000 };

static const char suffix[] = ".qcow2";

static int make_dir(const char *path, mode_t mode, struct orl_err *err)
{
    if (mkdir(path, mode) < 0 && errno != EEXIST) {
        return orl_err_sys(err, errno, "mkdir %s", path);
    }
    return 0;
}

/* Group and others may pass: QEMU may run as another user, who then gets each file from libvirt
 * (dynamic_ownership). Nobody else can list or read them. */
int orl_overlay_prepare(const char *images_dir, const char *installation, struct orl_err *err)
{
    char path[ORL_VM_PATH_MAX + 1];
    const char *parts[] = {"", "/floating", "/dedicated"};
    int r = make_dir(images_dir, 0711, err);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && r == 0; i++) {
        int len = snprintf(path, sizeof path, "%s/%s%s", images_dir, installation, parts[i]);
        if (len < 0 || (size_t)len >= sizeof path) {
            return orl_err_set(err, ORL_E_LIMIT, "images_dir is too long");
        }
        r = make_dir(path, 0711, err);
        /* The process's umask is 077. */
        if (r == 0 && chmod(path, 0711) < 0) {
            r = orl_err_sys(err, errno, "chmod %s", path);
        }
    }
    return r;
}

int orl_overlay_path(const char *images_dir, const char *installation, enum orl_vm_kind kind,
        const char *name, char ret_path[ORL_VM_PATH_MAX + 1], struct orl_err *err)
{
    int len = snprintf(ret_path, ORL_VM_PATH_MAX + 1, "%s/%s/%s/%s%s", images_dir, installation,
            orl_vm_kind_name(kind), name, suffix);
    if (len < 0 || len > ORL_VM_PATH_MAX) {
        return orl_err_set(err, ORL_E_LIMIT, "the path of %s would be too long", name);
    }
    return 0;
}

int orl_overlay_create(const char *path, const char *base, struct orl_err *err)
{
    int r = orl_overlay_remove(path, err);
    if (r < 0) {
        return r;
    }
    const char *argv[] = {
            "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, path, NULL};
    r = orl_proc_run(argv, CREATE_TIMEOUT_MS, NULL, err);
    if (r < 0) { /* on a full disk its beginning would stay */
        (void)!orl_overlay_remove(path, NULL);
        return orl_err_prefix(err, "overlay on %s", base);
    }
    return 0;
}

bool orl_overlay_has_direct(const char *path)
{
    ORL_AUTO(orl_close_auto) int fd = open(path, O_RDWR | O_CLOEXEC | O_DIRECT);
    return fd >= 0 || errno != EINVAL;
}

bool orl_overlay_nvram(const char *path, char ret_path[ORL_VM_PATH_MAX + 1])
{
    size_t len = strlen(path);
    size_t stem = len > sizeof suffix - 1 ? len - (sizeof suffix - 1) : 0;
    if (stem == 0 || len > ORL_VM_PATH_MAX || strcmp(path + stem, suffix) != 0) {
        return false;
    }
    (void)snprintf(ret_path, ORL_VM_PATH_MAX + 1, "%.*s.fd", (int)stem, path);
    return true;
}

static int unlink_if_there(const char *path, struct orl_err *err)
{
    if (unlink(path) < 0 && errno != ENOENT) {
        return orl_err_sys(err, errno, "unlink %s", path);
    }
    return 0;
}

/* The overlay last: what is listed is tried again. */
int orl_overlay_remove(const char *path, struct orl_err *err)
{
    char nvram[ORL_VM_PATH_MAX + 1];
    int r = orl_overlay_nvram(path, nvram) ? unlink_if_there(nvram, err) : 0;
    return r < 0 ? r : unlink_if_there(path, err);
}

static int append(struct orl_vm_list *list, const struct orl_vm_overlay *overlay)
{
    if (list->overlay_count >= ORL_VM_LIST_MAX) {
        return ORL_E_LIMIT;
    }
    struct orl_vm_overlay *grown =
            realloc(list->overlays, (list->overlay_count + 1) * sizeof *grown);
    if (!grown) {
        return ORL_E_NOMEM;
    }
    grown[list->overlay_count++] = *overlay;
    list->overlays = grown;
    return 0;
}

static int visit(const char *dir, const char *file, enum orl_vm_kind kind, struct orl_vm_list *list)
{
    struct orl_vm_overlay overlay = {.kind = kind};
    size_t len = strlen(file);
    size_t stem = len > sizeof suffix - 1 ? len - (sizeof suffix - 1) : 0;
    if (stem == 0 || stem > ORL_VM_NAME_MAX || strcmp(file + stem, suffix) != 0) {
        return 0;
    }
    memcpy(overlay.name, file, stem);
    int n = snprintf(overlay.path, sizeof overlay.path, "%s/%s", dir, file);
    struct stat st;
    if (!orl_vm_name_is_ours(overlay.name) || n < 0 || (size_t)n >= sizeof overlay.path ||
            lstat(overlay.path, &st) < 0 || !S_ISREG(st.st_mode)) {
        return 0;
    }
    overlay.changed_ms =
            (uint64_t)st.st_mtim.tv_sec * MS_PER_S + (uint64_t)st.st_mtim.tv_nsec / NS_PER_MS;
    return append(list, &overlay);
}

int orl_overlay_list(const char *images_dir, const char *installation, struct orl_vm_list *list,
        struct orl_err *err)
{
    const enum orl_vm_kind kinds[] = {ORL_VM_FLOATING, ORL_VM_DEDICATED};
    int r = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && r == 0; i++) {
        char path[ORL_VM_PATH_MAX + 1];
        int len = snprintf(path, sizeof path, "%s/%s/%s", images_dir, installation,
                orl_vm_kind_name(kinds[i]));
        DIR *dir = len > 0 && (size_t)len < sizeof path ? opendir(path) : NULL;
        if (!dir) {
            return orl_err_sys(err, errno, "opendir %s/%s", images_dir, installation);
        }
        for (struct dirent *entry = readdir(dir); entry && r == 0; entry = readdir(dir)) {
            r = visit(path, entry->d_name, kinds[i], list);
        }
        closedir(dir);
    }
    return r == 0 ? 0 : orl_err_set(err, r, "listing overlays: %s", orl_err_name(r));
}
