#include "guest/hook/home.h"
#include "guest/hook/idmap.h"
#include "guest/hook/run.h"
#include "guest/hook/text_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    HEAD_BYTES = 65536,
    MAGIC_AT = 0x438, /* of ext2, ext3 and ext4, in the superblock at 1024 */
    STEP_MS = 20,
    MKFS_MS = 60000,
    GROW_MS = 60000,
    GROW_BYTES = 1024 * 1024, /* less than a block group is nothing to grow by */
    NFS_PAUSE_MS = 500,
    NFS_SETTLE_MS = 10000,
    SUPER_AT = 1024,
    BLOCKS_AT = 0x4,
    BLOCK_SHIFT_AT = 0x18,
    BLOCK_SHIFT_MAX = 6,
    INCOMPAT_AT = 0x60,
    INCOMPAT_64BIT = 0x80,
    BLOCKS_HIGH_AT = 0x150,
};

bool orl_home_is_blank(const unsigned char *head, unsigned len, bool *ret_is_ext4)
{
    *ret_is_ext4 = len > MAGIC_AT + 1 && head[MAGIC_AT] == 0x53 && head[MAGIC_AT + 1] == 0xEF;
    for (unsigned i = 0; i < len; i++) {
        if (head[i] != 0) {
            return false;
        }
    }
    return len > 0;
}

/* "/dev/vdb" of the disk with that serial; false: none (yet). */
static bool find_disk(const char *serial, char *ret_path, size_t size)
{
    DIR *dir = opendir("/sys/block");
    bool is_found = false;
    for (struct dirent *entry = dir != NULL ? readdir(dir) : NULL; entry != NULL && !is_found;
            entry = readdir(dir)) {
        char path[300];
        char text[64] = "";
        (void)snprintf(path, sizeof(path), "/sys/block/%.64s/serial", entry->d_name);
        if (strncmp(entry->d_name, "vd", 2) == 0 && orl_text_read(path, text, sizeof(text)) > 0) {
            text[strcspn(text, "\n")] = '\0';
            (void)snprintf(ret_path, size, "/dev/%.64s", entry->d_name);
            is_found = strcmp(text, serial) == 0 && access(ret_path, R_OK) == 0;
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return is_found;
}

/* Line of /proc/self/mounts for target: what is mounted there. */
static bool is_mounted(const char *target)
{
    FILE *file = fopen("/proc/self/mounts", "re");
    char line[4096];
    bool is_found = false;
    while (file != NULL && !is_found && fgets(line, sizeof(line), file) != NULL) {
        char *at = strchr(line, ' ');
        size_t len = strlen(target);
        is_found = at != NULL && strncmp(at + 1, target, len) == 0 && at[1 + len] == ' ';
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return is_found;
}

static const char unreadable[] = "the home's disk cannot be read";

static uint64_t number_at(const unsigned char *head, unsigned at)
{
    return head[at] | (uint64_t)head[at + 1] << 8 | (uint64_t)head[at + 2] << 16 |
           (uint64_t)head[at + 3] << 24;
}

uint64_t orl_home_ext4_bytes(const unsigned char head[ORL_HOME_HEAD_MIN])
{
    const unsigned char *super = head + SUPER_AT;
    uint64_t shift = number_at(super, BLOCK_SHIFT_AT);
    bool is_64 = (number_at(super, INCOMPAT_AT) & INCOMPAT_64BIT) != 0;
    uint64_t blocks =
            number_at(super, BLOCKS_AT) | (is_64 ? number_at(super, BLOCKS_HIGH_AT) << 32 : 0);
    return shift <= BLOCK_SHIFT_MAX ? blocks << (10 + shift) : 0;
}

/* Its quota has grown; a guest without the program keeps the old size. */
static void grow(char *disk, bool is_grown)
{
    if (is_grown) {
        (void)orl_run((char *[]){(char *)"resize2fs", disk, NULL}, NULL, GROW_MS);
    }
}

/* A file system where there is none; never over something else. is_grown: the disk is larger than what is on it. */
static const char *make_ready(char *disk, bool *ret_is_grown)
{
    unsigned char *head = malloc(HEAD_BYTES);
    int fd = open(disk, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 && head != NULL ? pread(fd, head, HEAD_BYTES, 0) : -1;
    bool is_ext4 = false;
    bool is_blank = len > 0 && orl_home_is_blank(head, (unsigned)len, &is_ext4);
    uint64_t disk_bytes = 0;
    *ret_is_grown = is_ext4 && len >= ORL_HOME_HEAD_MIN &&
                    ioctl(fd, BLKGETSIZE64, &disk_bytes) == 0 &&
                    disk_bytes >= orl_home_ext4_bytes(head) + GROW_BYTES;
    if (fd >= 0) {
        close(fd);
    }
    free(head);
    if (len <= 0) {
        return unreadable;
    }
    if (is_blank) {
        int status = orl_run((char *[]){(char *)"mke2fs", (char *)"-q", (char *)"-F", (char *)"-t",
                                     (char *)"ext4", (char *)"-m", (char *)"0", (char *)"-L",
                                     (char *)"oriel-home", disk, NULL},
                NULL, MKFS_MS);
        return status == 0 ? NULL : "mke2fs failed on the home's disk";
    }
    return is_ext4 ? NULL : "the home's disk has something else than a home";
}

/* Private: what is mounted over the folder is not to be mounted here, too. */
static void keep_nobodys(const char *folder)
{
    if (!is_mounted(ORL_HOME_NOBODY_DIR)) {
        (void)mkdir(ORL_HOME_NOBODY_DIR, 0755);
        if (mount(folder, ORL_HOME_NOBODY_DIR, NULL, MS_BIND, NULL) == 0) {
            (void)mount(NULL, ORL_HOME_NOBODY_DIR, NULL, MS_PRIVATE, NULL);
        }
    }
}

static bool mount_ext4(const char *disk, const struct orl_account *account)
{
    if (account->uid != account->number) {
        keep_nobodys(account->home);
        return orl_idmap_mount(disk, account->home, account->number, account->uid);
    }
    return mount(disk, account->home, "ext4", MS_NODEV | MS_NOSUID | MS_NOATIME, "") == 0;
}

static const char *mount_disk(
        const struct orl_account *account, const char *serial, unsigned timeout_ms)
{
    char disk[80];
    uint64_t end_ms = orl_run_now_ms() + timeout_ms;
    const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};
    while (!find_disk(serial, disk, sizeof(disk))) {
        if (orl_run_now_ms() >= end_ms) {
            return "the home's disk does not appear";
        }
        (void)nanosleep(&step, NULL);
    }
    bool is_grown = false;
    const char *why = make_ready(disk, &is_grown);
    /* Its name is there before it can be opened. */
    while (why == unreadable && orl_run_now_ms() < end_ms) {
        (void)nanosleep(&step, NULL);
        why = make_ready(disk, &is_grown);
    }
    if (why != NULL) {
        return why;
    }
    /* ENODEV: a guest that has just started may not have loaded its file system yet. */
    while (!mount_ext4(disk, account)) {
        if (errno != ENODEV || orl_run_now_ms() >= end_ms) {
            return "the home's disk cannot be mounted";
        }
        (void)nanosleep(&step, NULL);
    }
    grow(disk, is_grown);
    return NULL;
}

/* A guest that has just woken up may have no address yet: tried again for a while. Not soft: what a server that is
 * away did not take is written when it is back. */
static const char *mount_nfs(
        const struct orl_account *account, const char *nfs, unsigned timeout_ms)
{
    char source[512];
    char target[sizeof(account->home)];
    const struct timespec pause = {.tv_nsec = NFS_PAUSE_MS * 1000000L};
    uint64_t begin_ms = orl_run_now_ms();
    int n = snprintf(source, sizeof(source), "%s/%s", nfs, account->name);
    (void)snprintf(target, sizeof(target), "%s", account->home);
    if (n < 0 || (size_t)n >= sizeof(source) || nfs[0] == '-') {
        return "the home's address is too long";
    }
    for (uint64_t spent_ms = 0; spent_ms < timeout_ms; spent_ms = orl_run_now_ms() - begin_ms) {
        int status = orl_run((char *[]){(char *)"mount", (char *)"-t", (char *)"nfs", (char *)"-o",
                                     (char *)"nodev,nosuid,retry=0", source, target, NULL},
                NULL, timeout_ms - (unsigned)spent_ms);
        if (status == 0) {
            return NULL;
        }
        if (orl_run_now_ms() - begin_ms >= NFS_SETTLE_MS) {
            break;
        }
        (void)nanosleep(&pause, NULL);
    }
    return orl_run_now_ms() - begin_ms >= timeout_ms ? "the home's NFS server does not answer"
                                                     : "the home's NFS folder cannot be mounted";
}

const char *orl_home_mount(
        const struct orl_account *account, const char *serial, const char *nfs, unsigned timeout_ms)
{
    if ((serial[0] == '\0' && nfs[0] == '\0') || is_mounted(account->home)) {
        return NULL;
    }
    (void)mkdir("/home", 0755);
    (void)mkdir(account->home, 0700);
    return serial[0] != '\0' ? mount_disk(account, serial, timeout_ms)
                             : mount_nfs(account, nfs, timeout_ms);
}

bool orl_home_unmount(const struct orl_account *account)
{
    sync();
    if (!is_mounted(account->home) || umount(account->home) == 0) {
        return true;
    }
    /* Read-only is as good: nothing is lost when the disk is pulled. */
    return mount(NULL, account->home, NULL, MS_REMOUNT | MS_RDONLY | MS_NODEV | MS_NOSUID, NULL) ==
           0;
}
