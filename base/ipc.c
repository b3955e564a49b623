#include "base/ipc.h"

#include "base/secret.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Room in the kernel for a few of the largest messages (the kernel doubles it). */
enum { IPC_SOCKET_BYTES = 8 * ORL_MSG_MAX_BYTES };

void orl_ipc_fds_close(struct orl_ipc_fds *fds)
{
    for (unsigned i = 0; i < fds->count; i++) {
        if (fds->fd[i] >= 0) {
            close(fds->fd[i]);
        }
    }
    fds->count = 0;
}

int orl_ipc_fds_take(struct orl_ipc_fds *fds, unsigned index)
{
    if (index >= fds->count) {
        return -1;
    }
    int fd = fds->fd[index];
    fds->fd[index] = -1;
    return fd;
}

static void set_socket_bytes(int fd)
{
    int bytes = IPC_SOCKET_BYTES;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

int orl_ipc_pair(int ret_fds[2], struct orl_err *err)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0) {
        return orl_err_sys(err, errno, "socket pair");
    }
    set_socket_bytes(fds[0]);
    set_socket_bytes(fds[1]);
    ret_fds[0] = fds[0];
    ret_fds[1] = fds[1];
    return 0;
}

static int open_socket(
        const char *path, struct sockaddr_un *ret_addr, int *ret_fd, struct orl_err *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof(addr.sun_path)) {
        return orl_err_set(err, ORL_E_INVAL, "%s: a socket's path has 1 to %zu bytes", path,
                sizeof(addr.sun_path) - 1);
    }
    memcpy(addr.sun_path, path, len);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return orl_err_sys(err, errno, "%s: socket", path);
    }
    set_socket_bytes(fd);
    *ret_addr = addr;
    *ret_fd = fd;
    return 0;
}

int orl_ipc_connect(const char *path, int *ret_fd, struct orl_err *err)
{
    struct sockaddr_un addr;
    int fd = -1;
    int code = open_socket(path, &addr, &fd, err);
    if (code < 0) {
        return code;
    }
    if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
        code = orl_err_sys(err, errno, "%s: connect", path);
        close(fd);
        return code;
    }
    *ret_fd = fd;
    return 0;
}

/* A socket file that nobody listens on is left over from a process that was killed. */
static int remove_stale(const char *path, struct orl_err *err)
{
    struct stat st;
    if (lstat(path, &st) < 0) {
        return errno == ENOENT ? 0 : orl_err_sys(err, errno, "%s", path);
    }
    if (!S_ISSOCK(st.st_mode)) {
        return orl_err_set(err, ORL_E_EXISTS, "%s: is there and not a socket", path);
    }
    int fd = -1;
    if (orl_ipc_connect(path, &fd, NULL) == 0) {
        close(fd);
        return orl_err_set(err, ORL_E_EXISTS, "%s: another one is listening there", path);
    }
    if (unlink(path) < 0 && errno != ENOENT) {
        return orl_err_sys(err, errno, "%s: remove the stale socket", path);
    }
    return 0;
}

int orl_ipc_listen(const char *path, int backlog, int *ret_fd, struct orl_err *err)
{
    int code = remove_stale(path, err);
    if (code < 0) {
        return code;
    }
    struct sockaddr_un addr;
    int fd = -1;
    code = open_socket(path, &addr, &fd, err);
    if (code < 0) {
        return code;
    }
    mode_t old_mask = umask(0117);
    int bound = bind(fd, (const struct sockaddr *)&addr, sizeof(addr));
    int bind_errno = errno;
    (void)umask(old_mask);
    if (bound < 0) {
        code = orl_err_sys(err, bind_errno, "%s: bind", path);
    } else if (listen(fd, backlog) < 0) {
        code = orl_err_sys(err, errno, "%s: listen", path);
    }
    if (code < 0) {
        close(fd);
        return code;
    }
    *ret_fd = fd;
    return 0;
}

int orl_ipc_peer(int fd, uid_t *ret_uid, pid_t *ret_pid, struct orl_err *err)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
        return orl_err_sys(err, errno, "who is the peer");
    }
    *ret_uid = cred.uid;
    if (ret_pid != NULL) {
        *ret_pid = cred.pid;
    }
    return 0;
}

static ssize_t send_with_fds(int fd, const struct orl_buf *buf, const int *fds, unsigned fd_count)
{
    struct iovec iov = {.iov_base = buf->data, .iov_len = buf->len};
    union {
        char bytes[CMSG_SPACE(sizeof(int) * ORL_MSG_MAX_FDS)];
        struct cmsghdr align;
    } control = {{0}};
    struct msghdr hdr = {.msg_iov = &iov,
            .msg_iovlen = 1,
            .msg_control = control.bytes,
            .msg_controllen = CMSG_SPACE(sizeof(int) * fd_count)};
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&hdr);
    cmsg->cmsg_level = SOL_SOCKET;
    cmsg->cmsg_type = SCM_RIGHTS;
    cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
    memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * fd_count);
    return sendmsg(fd, &hdr, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Without fds by send(2): a session's sandbox has no sendmsg(2). */
static int send_bytes(int fd, const struct orl_buf *buf, const int *fds, unsigned fd_count)
{
    ssize_t sent;
    do {
        sent = fd_count > 0 ? send_with_fds(fd, buf, fds, fd_count)
                            : send(fd, buf->data, buf->len, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) {
        return 0;
    }
    /* ETOOMANYREFS: too many fds in flight; it passes. */
    if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS) {
        return ORL_E_AGAIN;
    }
    return errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN ? ORL_E_CLOSED : ORL_E_SYS;
}

int orl_ipc_send(int fd, const struct orl_msg *msg, const int *fds, unsigned fd_count)
{
    if (fd_count > ORL_MSG_MAX_FDS) {
        return ORL_E_INVAL;
    }
    struct orl_buf buf;
    orl_buf_init(&buf, ORL_MSG_MAX_BYTES);
    int code = orl_msg_encode(msg, &buf);
    if (code == 0) {
        code = send_bytes(fd, &buf, fds, fd_count);
    }
    orl_buf_wipe(&buf);
    orl_buf_fini(&buf);
    return code;
}

static void collect_fds(struct msghdr *hdr, struct orl_ipc_fds *fds)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c != NULL; c = CMSG_NXTHDR(hdr, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count && fds->count < ORL_MSG_MAX_FDS; i++) {
            memcpy(&fds->fd[fds->count++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
        }
    }
}

static int wait_readable(int fd, int timeout_ms)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};
    int ready;
    do {
        ready = poll(&pfd, 1, timeout_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready < 0) {
        return ORL_E_SYS;
    }
    return ready == 0 ? ORL_E_TIMEOUT : 0;
}

int orl_ipc_recv(int fd, int timeout_ms, struct orl_msg *ret_msg, struct orl_ipc_fds *ret_fds)
{
    *ret_fds = (struct orl_ipc_fds){.count = 0};
    if (timeout_ms > 0) {
        int code = wait_readable(fd, timeout_ms);
        if (code < 0) {
            return code;
        }
    }
    uint8_t data[ORL_MSG_MAX_BYTES];
    struct iovec iov = {.iov_base = data, .iov_len = sizeof(data)};
    union {
        char bytes[CMSG_SPACE(sizeof(int) * ORL_MSG_MAX_FDS)];
        struct cmsghdr align;
    } control;
    struct msghdr hdr = {.msg_iov = &iov,
            .msg_iovlen = 1,
            .msg_control = control.bytes,
            .msg_controllen = sizeof(control.bytes)};
    ssize_t got;
    do {
        got = recvmsg(fd, &hdr, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        if (errno == EAGAIN) {
            return ORL_E_AGAIN;
        }
        return errno == ECONNRESET ? ORL_E_CLOSED : ORL_E_SYS;
    }
    struct orl_ipc_fds fds = {.count = 0};
    collect_fds(&hdr, &fds);
    int code;
    if (got == 0) {
        code = ORL_E_CLOSED;
    } else if ((hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        code = ORL_E_PROTO;
    } else {
        code = orl_msg_decode(data, (size_t)got, ret_msg);
    }
    orl_secret_wipe(data, (size_t)got);
    if (code < 0) {
        orl_ipc_fds_close(&fds);
        return code;
    }
    *ret_fds = fds;
    return 0;
}
