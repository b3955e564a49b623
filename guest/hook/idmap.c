#include "guest/hook/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

/* Only its map is wanted: it says so, and waits to be ended. */
static _Noreturn void be_namespace(int ready_fd)
{
    if (unshare(CLONE_NEWUSER) == 0 && write(ready_fd, "", 1) == 1) {
        (void)pause();
    }
    _exit(1);
}

static bool put_map(pid_t pid, const char *file, uint32_t disk_uid, uint32_t uid)
{
    char path[64];
    char text[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    int len = snprintf(text, sizeof(text), "0 0 1\n%" PRIu32 " %" PRIu32 " 1\n", disk_uid, uid);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool is_good = fd >= 0 && write(fd, text, (size_t)len) == len; /* the kernel takes one write */
    if (fd >= 0) {
        close(fd);
    }
    return is_good;
}

/* A user namespace that says disk_uid is uid; -1: none. */
static int make_map(uint32_t disk_uid, uint32_t uid)
{
    int ready[2];
    int fd = -1;
    char byte;
    if (pipe2(ready, O_CLOEXEC) < 0) {
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        be_namespace(ready[1]);
    }
    close(ready[1]);
    if (pid > 0 && read(ready[0], &byte, 1) == 1 && put_map(pid, "uid_map", disk_uid, uid) &&
            put_map(pid, "gid_map", disk_uid, uid)) {
        char path[64];
        (void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    close(ready[0]);
    if (pid > 0) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
    }
    return fd;
}

static int open_disk(const char *disk)
{
    int fs = fsopen("ext4", FSOPEN_CLOEXEC);
    int fd = -1;
    if (fs >= 0 && fsconfig(fs, FSCONFIG_SET_STRING, "source", disk, 0) == 0 &&
            fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0) {
        fd = fsmount(
                fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOATIME);
    }
    int why = errno;
    if (fs >= 0) {
        close(fs);
    }
    errno = why;
    return fd;
}

bool orl_idmap_mount(const char *disk, const char *target, uint32_t disk_uid, uint32_t uid)
{
    int fd = open_disk(disk);
    if (fd < 0) {
        return false;
    }
    int map = make_map(disk_uid, uid);
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)(unsigned)map};
    bool is_good = map >= 0 && mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0 &&
                   move_mount(fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) == 0;
    int why = errno;
    if (map >= 0) {
        close(map);
    }
    close(fd);
    errno = why;
    return is_good;
}
