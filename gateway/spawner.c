#include "gateway/spawner.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "gateway/cgroup.h"
#include "gateway/child.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_CHILDREN = 8192, SPAWNER_ARGC = 8, REQUEST_MAX_FDS = 4 };

struct running {
    pid_t pid; /* 0: free place */
    uint32_t kind;
    uint32_t id;
};
struct spawner {
    struct orl_spawner_opts opts;
    struct orl_cgroup cgroup;
    struct running children[MAX_CHILDREN];
    unsigned used; /* children[0 .. used) were ever taken */
};

static const struct orl_log_ctx log_ctx = {.name = "spawner"};

static struct running *find(struct spawner *spawner, uint32_t kind, uint32_t id)
{
    for (unsigned i = 0; i < spawner->used; i++) {
        struct running *child = &spawner->children[i];
        if (child->pid != 0 && child->kind == kind && child->id == id) {
            return child;
        }
    }
    return NULL;
}

static struct running *take_place(struct spawner *spawner)
{
    for (unsigned i = 0; i < spawner->used; i++) {
        if (spawner->children[i].pid == 0) {
            return &spawner->children[i];
        }
    }
    return spawner->used < MAX_CHILDREN ? &spawner->children[spawner->used++] : NULL;
}

/* The gateway reads its replies always; if it does not, waiting for it is right. */
static void report(enum orl_spawner_event event, uint32_t kind, uint32_t id, pid_t pid, int status)
{
    struct orl_spawner_rep rep = {
            .event = event, .kind = kind, .id = id, .pid = pid, .status = status};
    while (send(ORL_SPAWNER_FD, &rep, sizeof(rep), MSG_NOSIGNAL) < 0 && errno == EINTR) {
    }
}

struct program {
    const char *path, *name;
};

static struct program program_of(const struct spawner *spawner, uint32_t kind)
{
    switch (kind) {
    case ORL_CHILD_CONSOLE:
        return (struct program){spawner->opts.console_path, "oriel-console"};
    case ORL_CHILD_CONSOLE_RDP:
        return (struct program){spawner->opts.console_rdp_path, "oriel-console-rdp"};
    default:
        return (struct program){spawner->opts.session_path, "oriel-session"};
    }
}

static void spawn(struct spawner *spawner, const struct orl_spawner_req *req, int control_fd)
{
    const struct program program = program_of(spawner, req->kind);
    if (find(spawner, req->kind, req->id) != NULL) {
        report(ORL_SPAWNER_FAILED, req->kind, req->id, 0, EINVAL);
        return;
    }
    struct running *child = take_place(spawner);
    if (child == NULL) {
        report(ORL_SPAWNER_FAILED, req->kind, req->id, 0, EAGAIN);
        return;
    }
    struct orl_child_opts opts = {
            .path = program.path,
            .name = program.name,
            .control_fd = control_fd,
            .uid = spawner->opts.uid,
            .gid = spawner->opts.gid,
            .log_level = spawner->opts.log_level,
    };
    pid_t pid = orl_child_start(&opts);
    if (pid < 0) {
        report(ORL_SPAWNER_FAILED, req->kind, req->id, 0, errno);
        return;
    }
    *child = (struct running){.pid = pid, .kind = req->kind, .id = req->id};
    orl_cgroup_add(&spawner->cgroup, pid);
    report(ORL_SPAWNER_STARTED, req->kind, req->id, pid, 0);
}

/* Only children not yet reaped are in the table, so the number can't belong to a stranger. */
static void kill_child(const struct running *child)
{
    (void)kill(-child->pid, SIGKILL);
    (void)kill(child->pid, SIGKILL);
}

static void reap(struct spawner *spawner)
{
    int status = 0;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (unsigned i = 0; i < spawner->used; i++) {
            struct running *child = &spawner->children[i];
            if (child->pid == pid) {
                struct running gone = *child;
                *child = (struct running){0};
                orl_cgroup_remove(&spawner->cgroup, pid);
                report(ORL_SPAWNER_EXITED, gone.kind, gone.id, pid, status);
                break;
            }
        }
    }
}

/* Gives the only one; of more than one all are closed. */
static unsigned take_fds(struct msghdr *hdr, int *ret_fd)
{
    int fds[REQUEST_MAX_FDS];
    unsigned count = 0;
    const struct cmsghdr *cmsg = CMSG_FIRSTHDR(hdr);
    if (cmsg != NULL && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS) {
        size_t bytes = cmsg->cmsg_len - CMSG_LEN(0);
        count = bytes < sizeof(fds) ? (unsigned)(bytes / sizeof(int)) : REQUEST_MAX_FDS;
        memcpy(fds, CMSG_DATA(cmsg), count * sizeof(int));
    }
    if (count == 1) {
        *ret_fd = fds[0];
        return count;
    }
    for (unsigned i = 0; i < count; i++) {
        close(fds[i]);
    }
    return count;
}

static bool is_request(const struct orl_spawner_req *req, unsigned fd_count)
{
    bool is_kind = req->kind > ORL_CHILD_NONE && req->kind < ORL_CHILD_KIND_COUNT;
    return is_kind && ((req->verb == ORL_SPAWNER_SPAWN && fd_count == 1) ||
                              (req->verb == ORL_SPAWNER_KILL && fd_count == 0));
}

/* 1: go on; 0: the gateway is gone. */
static int on_request(struct spawner *spawner)
{
    struct orl_spawner_req req;
    struct iovec iov = {.iov_base = &req, .iov_len = sizeof(req)};
    union {
        char bytes[CMSG_SPACE(REQUEST_MAX_FDS * sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct msghdr hdr = {.msg_iov = &iov,
            .msg_iovlen = 1,
            .msg_control = control.bytes,
            .msg_controllen = sizeof(control.bytes)};
    ssize_t got = recvmsg(ORL_SPAWNER_FD, &hdr, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0) {
        return errno == EAGAIN || errno == EINTR ? 1 : 0;
    }
    ORL_AUTO(orl_close_auto) int fd = -1;
    unsigned fd_count = take_fds(&hdr, &fd);
    if (got == 0) {
        return 0;
    }
    if ((size_t)got != sizeof(req) || (hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
            !is_request(&req, fd_count)) {
        orl_log_error(&log_ctx, "no request of a gateway: ending");
        return 0;
    }
    if (req.verb == ORL_SPAWNER_SPAWN) {
        spawn(spawner, &req, fd);
    } else {
        const struct running *child = find(spawner, req.kind, req.id);
        if (child != NULL) {
            kill_child(child);
        }
    }
    return 1;
}

static void run(struct spawner *spawner, int signal_fd)
{
    struct pollfd polls[2] = {
            {.fd = ORL_SPAWNER_FD, .events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};
    bool is_running = true;
    while (is_running) {
        if (poll(polls, 2, -1) < 0 && errno != EINTR) {
            return;
        }
        if (polls[1].revents != 0) {
            struct signalfd_siginfo info;
            while (read(signal_fd, &info, sizeof(info)) > 0) {
            }
            reap(spawner);
        }
        if (polls[0].revents != 0) {
            is_running = on_request(spawner) > 0;
        }
    }
}

static void kill_all(struct spawner *spawner)
{
    for (unsigned i = 0; i < spawner->used; i++) {
        if (spawner->children[i].pid != 0) {
            kill_child(&spawner->children[i]);
        }
    }
    for (unsigned i = 0; i < spawner->used; i++) {
        if (spawner->children[i].pid != 0) {
            (void)waitpid(spawner->children[i].pid, NULL, 0);
            orl_cgroup_remove(&spawner->cgroup, spawner->children[i].pid);
        }
    }
}

/* Of root's rights it keeps what it is there for: to change a child's user, and to kill that child. */
static int limit_rights(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    const uint32_t kept = geteuid() == 0 ? 1U << CAP_SETUID | 1U << CAP_SETGID | 1U << CAP_KILL : 0;
    if (syscall(SYS_capget, &head, data) < 0) {
        return -1;
    }
    for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
        if (cap >= 32 || (kept & 1U << cap) == 0) {
            /* An ordinary user can't, and has none to lose: no_new_privs is set. */
            (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
        }
    }
    data[0].permitted &= kept;
    data[0].effective = data[0].permitted;
    data[0].inheritable = 0;
    data[1] = (struct __user_cap_data_struct){0};
    return syscall(SYS_capset, &head, data) < 0 ? -1 : 0;
}

/* argv: program, --spawner, paths of session, console and RDP console, uid, gid, log level. */
int orl_spawner_main(int argc, char **argv)
{
    struct stat st;
    if (argc != SPAWNER_ARGC || fstat(ORL_SPAWNER_FD, &st) < 0 || !S_ISSOCK(st.st_mode)) {
        (void)fprintf(stderr, "--spawner is for the gateway itself\n");
        return EXIT_FAILURE;
    }
    orl_sandbox_harden();
    (void)prctl(PR_SET_NAME, "oriel-spawner");
    if (limit_rights() < 0) {
        (void)fprintf(stderr, "the spawner can't give up the rights that it does not need\n");
        return EXIT_FAILURE;
    }
    struct spawner *spawner = calloc(1, sizeof(*spawner));
    if (spawner == NULL) {
        return EXIT_FAILURE;
    }
    spawner->opts = (struct orl_spawner_opts){.session_path = argv[2],
            .console_path = argv[3],
            .console_rdp_path = argv[4],
            .uid = (uid_t)strtoul(argv[5], NULL, 10),
            .gid = (gid_t)strtoul(argv[6], NULL, 10),
            .log_level = argv[7]};
    orl_cgroup_init(&spawner->cgroup);
    sigset_t mask;
    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGCHLD);
    /* The terminal's Ctrl-C reaches the whole group: the gateway ends us by closing its socket. */
    (void)sigaddset(&mask, SIGINT);
    (void)sigaddset(&mask, SIGTERM);
    (void)sigaddset(&mask, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &mask, NULL);
    int signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signal_fd >= 0) {
        run(spawner, signal_fd);
        close(signal_fd);
    }
    kill_all(spawner);
    orl_cgroup_fini(&spawner->cgroup);
    free(spawner);
    return EXIT_SUCCESS;
}

static void exec_spawner(int fd, const char *self_path, const struct orl_spawner_opts *opts)
{
    char uid[16];
    char gid[16];
    (void)snprintf(uid, sizeof(uid), "%u", (unsigned)opts->uid);
    (void)snprintf(gid, sizeof(gid), "%u", (unsigned)opts->gid);
    const char *argv[] = {"oriel-gateway", "--spawner", opts->session_path, opts->console_path,
            opts->console_rdp_path, uid, gid, opts->log_level, NULL};
    if (fd == ORL_SPAWNER_FD) {
        (void)fcntl(fd, F_SETFD, 0);
    } else if (dup2(fd, ORL_SPAWNER_FD) < 0) {
        _exit(EXIT_FAILURE);
    }
    (void)close_range(ORL_SPAWNER_FD + 1, ~0U, 0);
    (void)execv(self_path, (char *const *)argv);
    _exit(EXIT_FAILURE);
}

int orl_spawner_start(const char *self_path, const struct orl_spawner_opts *opts, int *ret_fd,
        pid_t *ret_pid, struct orl_err *err)
{
    const char *paths[] = {opts->session_path, opts->console_path};
    for (unsigned i = 0; i < 2; i++) {
        if (access(paths[i], X_OK) < 0) {
            return orl_err_sys(err, errno, "%s: can't be started (see libexec_dir)", paths[i]);
        }
    }
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
        return orl_err_sys(err, errno, "socket pair for the spawner");
    }
    /* Room for a request to kill every child at once. */
    int bytes = 4 * 1024 * 1024;
    (void)setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    pid_t pid = fork();
    if (pid < 0) {
        int code = orl_err_sys(err, errno, "fork the spawner");
        close(fds[0]);
        close(fds[1]);
        return code;
    }
    if (pid == 0) {
        exec_spawner(fds[1], self_path, opts);
    }
    close(fds[1]);
    *ret_fd = fds[0];
    *ret_pid = pid;
    return ORL_OK;
}
