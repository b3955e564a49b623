#include "vmpool/golden_files.h"
#include "base/cleanup.h"
#include "vmpool/vm_meta.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/acl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum { BYTES_PER_BLOCK = 512, MIB = 1024 * 1024 };

static const char part[] = ".part";
static const char ram_suffix[] = ".ram";

static int join(char ret[ORL_VM_PATH_MAX + 1], const char *dir, const char *name,
        const char *suffix, const char *end, struct orl_err *err)
{
    int len = snprintf(ret, ORL_VM_PATH_MAX + 1, "%s/%s%s%s", dir, name, suffix, end);
    return len < 0 || len > ORL_VM_PATH_MAX
                   ? orl_err_set(err, ORL_E_LIMIT, "a path below %s would be too long", dir)
                   : 0;
}

static int image_dir(
        const struct orl_golden_dirs *dirs, char ret[ORL_VM_PATH_MAX + 1], struct orl_err *err)
{
    return join(
            ret, dirs->images_dir, dirs->installation, "/", orl_vm_kind_name(ORL_VM_GOLDEN), err);
}

static int memory_dir(
        const struct orl_golden_dirs *dirs, char ret[ORL_VM_PATH_MAX + 1], struct orl_err *err)
{
    return join(ret, dirs->memory_dir, "oriel-", dirs->installation, "", err);
}

int orl_golden_paths(const struct orl_golden_dirs *dirs, const char *id,
        struct orl_golden_paths *ret_paths, struct orl_err *err)
{
    char images[ORL_VM_PATH_MAX + 1];
    char memory[ORL_VM_PATH_MAX + 1];
    struct orl_golden_paths *p = ret_paths;
    if (!orl_id_is_valid(id) || strchr(dirs->memory_dir, ',')) {
        return orl_err_set(
                err, ORL_E_INVAL, "golden image '%s', memory in '%s'", id, dirs->memory_dir);
    }
    int r = image_dir(dirs, images, err);
    r = r < 0 ? r : memory_dir(dirs, memory, err);
    r = r < 0 ? r : join(p->dir, images, id, "", "", err);
    r = r < 0 ? r : join(p->dir_part, images, id, part, "", err);
    r = r < 0 ? r : join(p->disk, p->dir, "disk.qcow2", "", "", err);
    r = r < 0 ? r : join(p->disk_part, p->dir_part, "disk.qcow2", "", "", err);
    r = r < 0 ? r : join(p->state, p->dir, "state", "", "", err);
    r = r < 0 ? r : join(p->state_part, p->dir_part, "state", "", "", err);
    r = r < 0 ? r : join(p->ram, memory, id, ram_suffix, "", err);
    return r < 0 ? r : join(p->ram_part, memory, id, ram_suffix, part, err);
}

static int make_dir(const char *path, mode_t mode, struct orl_err *err)
{
    /* The process's umask is 077. */
    if ((mkdir(path, mode) < 0 && errno != EEXIST) || chmod(path, mode) < 0) {
        return orl_err_sys(err, errno, "making %s", path);
    }
    return 0;
}

static int prepare(const struct orl_golden_dirs *dirs, struct orl_err *err)
{
    char path[ORL_VM_PATH_MAX + 1];
    struct stat st;
    int r = image_dir(dirs, path, err);
    r = r < 0 ? r : make_dir(path, 0711, err);
    r = r < 0 ? r : memory_dir(dirs, path, err);
    r = r < 0 ? r : make_dir(path, 0711, err);
    /* Where everybody may make folders, somebody else may have been first. */
    if (r == 0 && (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())) {
        r = orl_err_set(err, ORL_E_DENIED, "%s is not our folder", path);
    }
    return r;
}

/* libvirt gives images to QEMU's user and back to root; what an ACL says stays. Where the file system has none
 * (or QEMU is root), owner and folder must do. */
int orl_golden_share(const struct orl_golden_dirs *dirs, const char *path, struct orl_err *err)
{
    char text[120];
    if (dirs->qemu_uid == (uid_t)-1 && geteuid() == 0) {
        return 0;
    }
    int len = snprintf(text, sizeof text, "u::rw-,g::---,o::---,m::rw-,u:%u:rw-", geteuid());
    if (dirs->qemu_uid != (uid_t)-1 && dirs->qemu_uid != geteuid()) {
        (void)snprintf(text + len, sizeof text - (size_t)len, ",u:%u:rw-", dirs->qemu_uid);
    }
    acl_t acl = acl_from_text(text);
    int rc = acl ? acl_set_file(path, ACL_TYPE_ACCESS, acl) : -1;
    int failed = errno;
    if (acl) {
        (void)acl_free(acl);
    }
    return rc < 0 && failed != ENOTSUP ? orl_err_sys(err, failed, "the rights of %s", path) : 0;
}

static int make_ram(const struct orl_golden_dirs *dirs, const char *path, uint64_t memory_mib,
        struct orl_err *err)
{
    ORL_AUTO(orl_close_auto)
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)(memory_mib * MIB)) < 0) {
        return orl_err_sys(err, errno, "the memory's file %s", path);
    }
    return orl_golden_share(dirs, path, err);
}

int orl_golden_begin(const struct orl_golden_dirs *dirs, const char *id, uint64_t memory_mib,
        struct orl_err *err)
{
    struct orl_golden_paths paths;
    int r = orl_golden_paths(dirs, id, &paths, err);
    r = r < 0 ? r : orl_golden_erase(dirs, id, err);
    r = r < 0 ? r : prepare(dirs, err);
    r = r < 0 ? r : make_dir(paths.dir_part, 0711, err);
    return r < 0 || memory_mib == 0 ? r : make_ram(dirs, paths.ram_part, memory_mib, err);
}

static int sync_path(const char *path, struct orl_err *err)
{
    ORL_AUTO(orl_close_auto) int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? orl_err_sys(err, errno, "syncing %s", path) : 0;
}

static int give_name(const char *from, const char *to, struct orl_err *err)
{
    return rename(from, to) < 0 ? orl_err_sys(err, errno, "rename to %s", to) : 0;
}

/* What libvirt gave to another owner we can't lock; its folder still keeps others out. */
static void lock(const char *path)
{
    (void)chmod(path, 0440);
}

int orl_golden_publish(
        const struct orl_golden_dirs *dirs, const char *id, bool has_memory, struct orl_err *err)
{
    struct orl_golden_paths paths;
    int r = orl_golden_paths(dirs, id, &paths, err);
    if (r < 0) {
        return r;
    }
    lock(paths.disk_part);
    lock(paths.state_part);
    r = sync_path(paths.state_part, err);
    if (r == 0 && has_memory) {
        r = give_name(paths.ram_part, paths.ram, err);
    }
    r = r < 0 ? r : sync_path(paths.dir_part, err);
    return r < 0 ? r : give_name(paths.dir_part, paths.dir, err);
}

static int drop(const char *path, bool is_dir, struct orl_err *err)
{
    int rc = is_dir ? rmdir(path) : unlink(path);
    return rc < 0 && errno != ENOENT ? orl_err_sys(err, errno, "removing %s", path) : 0;
}

int orl_golden_erase(const struct orl_golden_dirs *dirs, const char *id, struct orl_err *err)
{
    struct orl_golden_paths p;
    char memory[ORL_VM_PATH_MAX + 1];
    int r = orl_golden_paths(dirs, id, &p, err);
    if (r < 0) {
        return r;
    }
    /* From here on it is no image, wherever this ends. */
    if (rename(p.dir, p.dir_part) < 0 && errno != ENOENT) {
        return orl_err_sys(err, errno, "taking %s away", p.dir);
    }
    const struct {
        const char *path;
        bool is_dir;
    } all[] = {{p.ram, false}, {p.ram_part, false}, {p.state_part, false}, {p.disk_part, false},
            {p.dir_part, true}};
    for (size_t i = 0; i < sizeof all / sizeof all[0] && r == 0; i++) {
        r = drop(all[i].path, all[i].is_dir, err);
    }
    if (r == 0 && memory_dir(dirs, memory, NULL) == 0) {
        (void)rmdir(memory); /* with its last file */
    }
    return r;
}

static struct orl_vm_image *find_or_add(struct orl_vm_list *list, const char *id)
{
    for (size_t i = 0; i < list->image_count; i++) {
        if (strncmp(list->images[i].id, id, ORL_ID_LEN) == 0) {
            return &list->images[i];
        }
    }
    struct orl_vm_image *grown =
            list->image_count < ORL_VM_LIST_MAX
                    ? realloc(list->images, (list->image_count + 1) * sizeof *grown)
                    : NULL;
    if (!grown) {
        return NULL;
    }
    list->images = grown;
    struct orl_vm_image *image = &grown[list->image_count++];
    *image = (struct orl_vm_image){0};
    memcpy(image->id, id, ORL_ID_LEN);
    return image;
}

static void add_size(struct orl_vm_image *image, const char *path, bool *ret_is_here)
{
    struct stat st;
    *ret_is_here = lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
    if (*ret_is_here) {
        image->bytes += (uint64_t)st.st_blocks * BYTES_PER_BLOCK;
    }
}

static int visit(const struct orl_golden_dirs *dirs, const char *name, struct orl_vm_list *list)
{
    char id[ORL_ID_LEN + 1] = "";
    struct orl_golden_paths paths;
    (void)snprintf(id, sizeof id, "%.*s", ORL_ID_LEN, name);
    if (orl_golden_paths(dirs, id, &paths, NULL) < 0) {
        return 0;
    }
    size_t before = list->image_count;
    struct orl_vm_image *image = find_or_add(list, id);
    if (!image) {
        return ORL_E_NOMEM;
    }
    if (before != list->image_count) {
        bool has_disk = false;
        bool has_state = false;
        add_size(image, paths.disk, &has_disk);
        add_size(image, paths.state, &has_state);
        add_size(image, paths.ram, &image->has_memory);
        image->is_published = has_disk && has_state;
    }
    return 0;
}

static int walk(const struct orl_golden_dirs *dirs, const char *path, struct orl_vm_list *list,
        struct orl_err *err)
{
    DIR *dir = opendir(path);
    int r = 0;
    if (!dir) {
        return errno == ENOENT ? 0 : orl_err_sys(err, errno, "opendir %s", path);
    }
    for (struct dirent *entry = readdir(dir); entry && r == 0; entry = readdir(dir)) {
        r = visit(dirs, entry->d_name, list);
    }
    closedir(dir);
    return r < 0 ? orl_err_set(err, r, "listing golden images: %s", orl_err_name(r)) : 0;
}

int orl_golden_list(
        const struct orl_golden_dirs *dirs, struct orl_vm_list *list, struct orl_err *err)
{
    char path[ORL_VM_PATH_MAX + 1];
    int r = image_dir(dirs, path, err);
    r = r < 0 ? r : walk(dirs, path, list, err);
    r = r < 0 ? r : memory_dir(dirs, path, err);
    return r < 0 ? r : walk(dirs, path, list, err);
}

uint64_t orl_golden_room_mib(const struct orl_golden_dirs *dirs)
{
    struct statvfs st;
    return statvfs(dirs->memory_dir, &st) == 0 ? (uint64_t)st.f_bavail * st.f_frsize / MIB : 0;
}
