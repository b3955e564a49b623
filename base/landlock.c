#include "base/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/landlock.h of Debian 12 ends with ABI 3. */
#define FS_RIGHTS_ABI1 ((UINT64_C(1) << 13) - 1) /* EXECUTE .. MAKE_SYM */
#define FS_RIGHT_REFER (UINT64_C(1) << 13)       /* ABI 2 */
#define FS_RIGHT_TRUNCATE (UINT64_C(1) << 14)    /* ABI 3 */
#define FS_RIGHT_IOCTL_DEV (UINT64_C(1) << 15)   /* ABI 5 */
#define FS_RIGHTS_OF_FILES (UINT64_C(7) | FS_RIGHT_TRUNCATE | FS_RIGHT_IOCTL_DEV)
#define NET_RIGHTS UINT64_C(3) /* ABI 4: bind and connect by TCP */
#define SCOPES UINT64_C(3)     /* ABI 6: abstract sockets, signals */

struct ruleset_attr {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

static uint64_t fs_rights(long abi)
{
    return FS_RIGHTS_ABI1 | (abi >= 2 ? FS_RIGHT_REFER : 0) | (abi >= 3 ? FS_RIGHT_TRUNCATE : 0) |
           (abi >= 5 ? FS_RIGHT_IOCTL_DEV : 0);
}

int orl_landlock_new(int *ret_abi)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    *ret_abi = 0;
    if (abi < 1) {
        return -1;
    }
    const struct ruleset_attr attr = {.handled_access_fs = fs_rights(abi),
            .handled_access_net = abi >= 4 ? NET_RIGHTS : 0,
            .scoped = abi >= 6 ? SCOPES : 0};
    size_t size = abi >= 6 ? sizeof(attr) : abi >= 4 ? 16 : 8;
    long fd = syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    *ret_abi = fd >= 0 ? (int)abi : 0;
    return (int)fd;
}

bool orl_landlock_allow(int ruleset, int abi, const char *path, uint64_t rights)
{
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT;
    }
    struct landlock_path_beneath_attr rule = {
            .allowed_access = rights & fs_rights(abi), .parent_fd = fd};
    bool is_good = fstat(fd, &st) == 0;
    if (is_good && !S_ISDIR(st.st_mode)) {
        rule.allowed_access &= FS_RIGHTS_OF_FILES;
    }
    is_good = is_good &&
              syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    close(fd);
    return is_good;
}

bool orl_landlock_enter(int ruleset)
{
    return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
}
