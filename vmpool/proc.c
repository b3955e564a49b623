#include "vmpool/proc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STDERR_MAX = 4096, READ_CHUNK = 4096, PATIENCE_MS = 20, LOOK_MS = 500 };

struct child {
    pid_t pid;
    int out_fd;
    int err_fd;
    struct orl_buf stderr_text;
    const atomic_bool *is_cancelled; /* NULL: it can't be */
};

/* LC_ALL: what it prints is parsed and shown. */
static char path_text[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
static char locale_text[] = "LC_ALL=C.UTF-8";
static char *const env[] = {path_text, locale_text, NULL};

static int spawn_with(
        const char *const *argv, int out_fd, int err_fd, pid_t *ret_pid, struct orl_err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t all_default;
    sigset_t none_blocked;
    (void)sigfillset(&all_default);
    (void)sigemptyset(&none_blocked);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigdefault(&attr, &all_default);
    posix_spawnattr_setsigmask(&attr, &none_blocked);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err_fd, STDERR_FILENO);
    /* posix_spawnp() does not write to argv. */
    int r = posix_spawnp(ret_pid, argv[0], &actions, &attr, (char *const *)(uintptr_t)argv, env);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return r == 0 ? 0 : orl_err_sys(err, r, "%s", argv[0]);
}

/* In the child, where other threads held locks: system calls only. */
_Noreturn static void become(
        const char *const *argv, const struct orl_sandbox_program *sandbox, const int fds[3])
{
    static const char failed[] = "it could not be confined\n";
    sigset_t none_blocked;
    (void)sigemptyset(&none_blocked);
    for (int number = 1; number < NSIG; number++) {
        (void)signal(number, SIG_DFL);
    }
    bool is_good = sigprocmask(SIG_SETMASK, &none_blocked, NULL) == 0;
    for (int i = 0; i < 3; i++) {
        is_good = is_good && dup2(fds[i], i) == i;
    }
    if (is_good && orl_sandbox_program_enter(sandbox)) {
        (void)execve(argv[0], (char *const *)(uintptr_t)argv, env);
    }
    (void)!write(STDERR_FILENO, failed, sizeof failed - 1);
    _exit(127);
}

/* posix_spawn() has no place for a sandbox. No signal of ours may be handled in the child. */
static int fork_confined(const char *const *argv, const struct orl_sandbox_program *sandbox,
        int out_fd, int err_fd, pid_t *ret_pid, struct orl_err *err)
{
    sigset_t all;
    sigset_t before;
    ORL_AUTO(orl_close_auto) int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int fds[] = {null_fd, out_fd, err_fd};
    (void)sigfillset(&all);
    if (null_fd < 0 || pthread_sigmask(SIG_SETMASK, &all, &before) != 0) {
        return orl_err_sys(err, errno, "%s", argv[0]);
    }
    pid_t pid = fork();
    if (pid == 0) {
        become(argv, sandbox, fds);
    }
    int error = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) {
        return orl_err_sys(err, error, "%s", argv[0]);
    }
    *ret_pid = pid;
    return 0;
}

/* Moves what is there from *fd; closes it at its end. */
static int drain(int *fd, struct orl_buf *to, bool is_bounded)
{
    uint8_t chunk[READ_CHUNK];
    ssize_t n = read(*fd, chunk, sizeof chunk);
    if (n < 0) {
        return errno == EINTR || errno == EAGAIN ? 0 : ORL_E_SYS;
    }
    if (n == 0) {
        orl_close_fd(fd);
        return 0;
    }
    if (to) {
        orl_buf_put(to, chunk, (size_t)n);
        if (to->is_failed && is_bounded) {
            return ORL_E_LIMIT;
        }
    }
    return 0;
}

static int read_all(struct child *child, uint64_t deadline_us, struct orl_buf *out)
{
    while (child->out_fd >= 0 || child->err_fd >= 0) {
        uint64_t now_us = orl_clock_now_us();
        if (now_us >= deadline_us) {
            return ORL_E_TIMEOUT;
        }
        if (child->is_cancelled && atomic_load(child->is_cancelled)) {
            return ORL_E_CLOSED;
        }
        struct pollfd fds[2] = {
                {.fd = child->out_fd, .events = POLLIN}, {.fd = child->err_fd, .events = POLLIN}};
        int left_ms = (int)((deadline_us - now_us) / ORL_US_PER_MS) + 1;
        int r = poll(fds, 2, child->is_cancelled && left_ms > LOOK_MS ? LOOK_MS : left_ms);
        if (r < 0 && errno != EINTR) {
            return ORL_E_SYS;
        }
        if (r > 0 && fds[0].revents) {
            r = drain(&child->out_fd, out, true);
        }
        if (r >= 0 && fds[1].revents) {
            r = drain(&child->err_fd, &child->stderr_text, false);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* Its pipes are closed or its time is over: reaps it in any case. */
static int reap(pid_t pid, uint64_t deadline_us, bool must_die, int *ret_status)
{
    bool is_killed = false;
    for (;;) {
        if (!is_killed && (must_die || orl_clock_now_us() >= deadline_us)) {
            (void)kill(pid, SIGKILL);
            is_killed = true;
        }
        pid_t got = waitpid(pid, ret_status, is_killed ? 0 : WNOHANG);
        if (got == pid) {
            return is_killed && !must_die ? ORL_E_TIMEOUT : 0;
        }
        if (got < 0 && errno != EINTR) {
            return ORL_E_SYS;
        }
        if (got == 0) {
            (void)poll(NULL, 0, PATIENCE_MS);
        }
    }
}

static int explain(const char *program, struct orl_buf *text, struct orl_err *err)
{
    orl_buf_put_u8(text, 0);
    char *line = text->is_failed || !text->data ? NULL : (char *)text->data;
    size_t len = line ? strlen(line) : 0;
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == ' ')) {
        line[--len] = '\0';
    }
    char *last = line ? strrchr(line, '\n') : NULL;
    return orl_err_set(err, ORL_E_BACKEND, "%s failed: %s", program,
            last ? last + 1 : (len ? line : "it said nothing"));
}

static int open_pipes(int out[2], int errors[2], struct orl_err *err)
{
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(errors, O_CLOEXEC) < 0) {
        return orl_err_sys(err, errno, "pipe");
    }
    return 0;
}

int orl_proc_run_with(const char *const *argv, const struct orl_proc_opts *opts,
        struct orl_buf *out, struct orl_err *err)
{
    uint64_t deadline_us = orl_clock_now_us() + opts->timeout_ms * ORL_US_PER_MS;
    int out_pipe[2] = {-1, -1};
    int err_pipe[2] = {-1, -1};
    struct child child = {.pid = -1, .is_cancelled = opts->is_cancelled};
    orl_buf_init(&child.stderr_text, STDERR_MAX);
    int r = open_pipes(out_pipe, err_pipe, err);
    if (r == 0) {
        r = opts->sandbox
                    ? fork_confined(argv, opts->sandbox, out_pipe[1], err_pipe[1], &child.pid, err)
                    : spawn_with(argv, out_pipe[1], err_pipe[1], &child.pid, err);
    }
    orl_close_fd(&out_pipe[1]);
    orl_close_fd(&err_pipe[1]);
    child.out_fd = out_pipe[0];
    child.err_fd = err_pipe[0];
    if (r == 0) {
        int status = 0;
        r = read_all(&child, deadline_us, out);
        int reaped = reap(child.pid, deadline_us, r < 0, &status);
        r = r < 0 ? r : reaped;
        if (r < 0) {
            (void)orl_err_set(err, r, "%s: %s", argv[0], orl_err_name(r));
        } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            r = explain(argv[0], &child.stderr_text, err);
        }
    }
    orl_close_fd(&child.out_fd);
    orl_close_fd(&child.err_fd);
    orl_buf_fini(&child.stderr_text);
    return r;
}

int orl_proc_run(
        const char *const *argv, unsigned timeout_ms, struct orl_buf *out, struct orl_err *err)
{
    const struct orl_proc_opts opts = {.timeout_ms = timeout_ms};
    return orl_proc_run_with(argv, &opts, out, err);
}
