#include "guest/hook/local.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const struct sockaddr_un address = {
        .sun_family = AF_UNIX, .sun_path = "/run/oriel/hook.sock"};

int orl_local_open(void)
{
    int on = 1;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)unlink(address.sun_path);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
            chmod(address.sun_path, 0666) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0) {
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    return fd;
}

bool orl_local_receive(int fd, char *ret_name, size_t size, bool *ret_is_root)
{
    struct iovec part = {.iov_base = ret_name, .iov_len = size - 1};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct msghdr msg = {.msg_iov = &part,
            .msg_iovlen = 1,
            .msg_control = &control,
            .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    if (n <= 0 || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        return false;
    }
    ret_name[n] = '\0';
    struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
    struct ucred from = {.uid = (uid_t)-1};
    if (head != NULL && head->cmsg_type == SCM_CREDENTIALS) {
        memcpy(&from, CMSG_DATA(head), sizeof(from));
    }
    *ret_is_root = from.uid == 0;
    return true;
}

bool orl_local_send(const char *name)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool is_sent = fd >= 0 && sendto(fd, name, strlen(name), 0, (const struct sockaddr *)&address,
                                      sizeof(address)) == (ssize_t)strlen(name);
    if (fd >= 0) {
        close(fd);
    }
    return is_sent;
}
