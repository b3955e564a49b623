#include "cli/home_copy.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int orl_home_copy(const char *from, const char *to, struct orl_err *err)
{
    char source[PATH_MAX];
    char fresh[PATH_MAX];
    (void)snprintf(source, sizeof(source), "%s", from);
    int len = snprintf(fresh, sizeof(fresh), "%s.part", to);
    if (len < 0 || (size_t)len >= sizeof(fresh) || to[0] == '-') {
        return orl_err_set(err, ORL_E_INVAL, "not a file's name: %s", to);
    }
    if (access(to, F_OK) == 0) {
        return orl_err_set(err, ORL_E_EXISTS, "%s is there already", to);
    }
    char *argv[] = {(char[]){"qemu-img"}, (char[]){"convert"}, (char[]){"-O"}, (char[]){"qcow2"},
            source, fresh, NULL};
    pid_t pid = 0;
    int status = 0;
    int code = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
    if (code != 0) {
        return orl_err_sys(err, code, "qemu-img");
    }
    if (waitpid(pid, &status, 0) < 0 || status != 0) {
        (void)unlink(fresh);
        return orl_err_set(err, ORL_E_BACKEND, "qemu-img could not copy %s", from);
    }
    return rename(fresh, to) < 0 ? orl_err_sys(err, errno, "rename %s", to) : 0;
}
