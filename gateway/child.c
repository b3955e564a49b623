#include "gateway/child.h"
#include "gateway/spawner.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    CHILD_EXEC_FAILED = 127,
    CHILD_MAX_FDS = 128,
    /* Private writable memory: 1080p H.264 needs 100 MiB, 8K needs 900. Sanitizers map terabytes. */
    CHILD_DATA_MIB = ORL_CHILD_DATA_MIB,
};

static void set_limit(__rlimit_resource_t what, rlim_t value)
{
    struct rlimit limit;
    if (getrlimit(what, &limit) == 0) {
        rlim_t allowed = value < limit.rlim_max ? value : limit.rlim_max;
        limit = (struct rlimit){.rlim_cur = allowed, .rlim_max = allowed};
        (void)setrlimit(what, &limit);
    }
}

static void limit_resources(void)
{
    set_limit(RLIMIT_CORE, 0);
    set_limit(RLIMIT_NOFILE, CHILD_MAX_FDS);
    set_limit(RLIMIT_MEMLOCK, 0);
    set_limit(RLIMIT_MSGQUEUE, 0);
    if (CHILD_DATA_MIB > 0) {
        set_limit(RLIMIT_DATA, (rlim_t)CHILD_DATA_MIB << 20);
    }
}

static int drop_user(const struct orl_child_opts *opts)
{
    if (opts->uid == (uid_t)-1) {
        return 0;
    }
    if (setgroups(0, NULL) < 0 || setresgid(opts->gid, opts->gid, opts->gid) < 0 ||
            setresuid(opts->uid, opts->uid, opts->uid) < 0) {
        return -1;
    }
    return setuid(0) == 0 ? -1 : 0; /* a way back means that it did not work */
}

static void reset_signals(void)
{
    sigset_t none;
    (void)sigemptyset(&none);
    for (int signum = 1; signum < NSIG; signum++) {
        (void)signal(signum, SIG_DFL);
    }
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Standard input and output are nothing; errors go where the gateway's go. */
static int set_fds(int control_fd)
{
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0) {
        return -1;
    }
    if (control_fd == ORL_CHILD_CONTROL_FD) {
        if (fcntl(control_fd, F_SETFD, 0) < 0) {
            return -1;
        }
    } else if (dup2(control_fd, ORL_CHILD_CONTROL_FD) < 0) {
        return -1;
    }
    return close_range(ORL_CHILD_CONTROL_FD + 1, ~0U, 0);
}

static void become(const struct orl_child_opts *opts, pid_t parent)
{
    char log_level[32];
    (void)snprintf(log_level, sizeof(log_level), "ORIEL_LOG=%s", opts->log_level);
    const char *argv[] = {opts->name, NULL};
    const char *env[] = {"PATH=/usr/bin:/bin", "HOME=/", "LANG=C.UTF-8", "TZ=UTC", log_level, NULL};

    reset_signals();
    /* fd 3 of the spawner is its own socket: the copy over it ends our access to it. */
    if (setpgid(0, 0) < 0 || set_fds(opts->control_fd) < 0 || chdir("/") < 0) {
        _exit(CHILD_EXEC_FAILED);
    }
    limit_resources();
    if (drop_user(opts) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        _exit(CHILD_EXEC_FAILED);
    }
    /* After the change of user, which clears it; then look if the parent went in between. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent) {
        _exit(CHILD_EXEC_FAILED);
    }
    (void)execve(opts->path, (char *const *)argv, (char *const *)env);
    _exit(CHILD_EXEC_FAILED);
}

pid_t orl_child_start(const struct orl_child_opts *opts)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become(opts, parent);
    }
    return pid;
}
