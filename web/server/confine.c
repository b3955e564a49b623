#include "web/server/confine.h"
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A root without it, as in some containers, keeps none. */
static int keep_only(unsigned capability)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
            {.effective = 1U << capability, .permitted = 1U << capability}};
    int code = (int)syscall(SYS_capset, &head, data);
    if (code < 0 && errno == EPERM) {
        data[0] = (struct __user_cap_data_struct){0};
        code = (int)syscall(SYS_capset, &head, data);
    }
    return code;
}

int orl_confine_become(const char *user, struct orl_err *err)
{
    if (geteuid() != 0 || user[0] == '\0') {
        return ORL_OK;
    }
    const struct passwd *found = getpwnam(user);
    if (found == NULL || found->pw_uid == 0) {
        return orl_err_set(err, ORL_E_CONFIG,
                "user: there is no ordinary user '%s' (make one, or set user to '')", user);
    }
    uid_t uid = found->pw_uid;
    gid_t gid = found->pw_gid;
    /* Its supplementary groups are how it reaches the gateway's socket. */
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || initgroups(user, gid) < 0 ||
            setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0) {
        return orl_err_sys(err, errno, "become user %s", user);
    }
    if (keep_only(CAP_SYS_CHROOT) < 0) {
        return orl_err_sys(err, errno, "give up root's rights");
    }
    return setuid(0) == 0 ? orl_err_set(err, ORL_E_DENIED, "root's rights did not go") : ORL_OK;
}

int orl_confine_root(const char *dir, bool *ret_is_rooted, struct orl_err *err)
{
    bool is_rooted = chroot(dir) == 0;
    if (!is_rooted && errno != EPERM) {
        return orl_err_sys(err, errno, "%s: make it the root", dir);
    }
    if (is_rooted && chdir("/") < 0) {
        return orl_err_sys(err, errno, "%s: go to the root", dir);
    }
    *ret_is_rooted = is_rooted;
    return ORL_OK;
}
