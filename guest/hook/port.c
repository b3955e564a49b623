#include "guest/hook/port.h"
#include "guest/hook/text_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    SEND_MS = 2000,
    RETRY_MS = 250,     /* where nothing tells of the host */
    WATCHED_MS = 10000, /* where the kernel does */
};

/* udev's name, or where there is no udev the kernel's. */
static int open_named(void)
{
    int fd = open("/dev/virtio-ports/" ORL_HOOK_PORT, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    DIR *dir = fd < 0 ? opendir("/sys/class/virtio-ports") : NULL;
    for (struct dirent *entry = dir != NULL ? readdir(dir) : NULL; entry != NULL && fd < 0;
            entry = readdir(dir)) {
        char path[300];
        char name[64] = "";
        (void)snprintf(path, sizeof(path), "/sys/class/virtio-ports/%.64s/name", entry->d_name);
        if (orl_text_read(path, name, sizeof(name)) > 0 && strcmp(name, ORL_HOOK_PORT "\n") == 0) {
            (void)snprintf(path, sizeof(path), "/dev/%.64s", entry->d_name);
            fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return fd;
}

bool orl_port_open(struct orl_port *port)
{
    struct epoll_event edges = {.events = EPOLLIN | EPOLLOUT | EPOLLET};
    port->fd = open_named();
    port->watch = port->fd >= 0 ? epoll_create1(EPOLL_CLOEXEC) : -1;
    if (port->watch >= 0 && epoll_ctl(port->watch, EPOLL_CTL_ADD, port->fd, &edges) < 0) {
        close(port->watch);
        port->watch = -1;
    }
    port->has_host = false;
    port->len = 0;
    return port->fd >= 0;
}

static void unplug(struct orl_port *port)
{
    close(port->fd);
    if (port->watch >= 0) {
        close(port->watch);
    }
    port->fd = -1;
    port->watch = -1;
    port->has_host = false;
}

int orl_port_poll_fd(const struct orl_port *port)
{
    return port->has_host ? port->fd : port->watch;
}

int orl_port_patience_ms(const struct orl_port *port)
{
    return port->has_host ? -1 : port->watch >= 0 ? WATCHED_MS : RETRY_MS;
}

static void drop(struct orl_port *port)
{
    explicit_bzero(port->buf, sizeof(port->buf));
    port->len = 0;
}

void orl_port_look(struct orl_port *port)
{
    struct pollfd state = {.fd = port->fd, .events = POLLIN};
    struct epoll_event edge;
    /* What was told is taken first: what comes after this look is told again. */
    if (port->watch >= 0 && !port->has_host) {
        (void)epoll_wait(port->watch, &edge, 1, 0);
    }
    if (port->fd < 0 || poll(&state, 1, 0) < 0) {
        return;
    }
    bool had_host = port->has_host;
    port->has_host = (state.revents & POLLHUP) == 0;
    /* Its first words may be here before the kernel knows that it is: read now, their answer would be lost. */
    if ((state.revents & POLLIN) == 0 || (!had_host && !port->has_host)) {
        return;
    }
    if (port->len == sizeof(port->buf)) {
        drop(port); /* of nothing that could be read: up to the next reset it is lost anyway */
    }
    ssize_t n = read(port->fd, port->buf + port->len, sizeof(port->buf) - port->len);
    if (n > 0) {
        port->len += (size_t)n;
    } else if (n < 0 && errno != EAGAIN && errno != EINTR) { /* unplugged */
        unplug(port);
        drop(port);
    }
}

bool orl_port_next(struct orl_port *port, struct orl_hook_msg *ret_msg)
{
    int used = port->len > 0 ? orl_hook_msg_decode(port->buf, port->len, ret_msg) : 0;
    if (used < 0) {
        drop(port);
        return false;
    }
    if (used == 0) {
        return false;
    }
    memmove(port->buf, port->buf + used, port->len - (size_t)used);
    port->len -= (size_t)used;
    explicit_bzero(port->buf + port->len, (size_t)used);
    return true;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        struct pollfd room = {.fd = fd, .events = POLLOUT};
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        } else if (errno != EINTR && (errno != EAGAIN || poll(&room, 1, SEND_MS) <= 0 ||
                                             (room.revents & POLLHUP) != 0)) {
            return false;
        }
    }
    return true;
}

bool orl_port_send(struct orl_port *port, const struct orl_hook_msg *msg)
{
    char bytes[ORL_HOOK_MSG_MAX + 1];
    int len = orl_hook_msg_encode(msg, bytes + 1);
    if (len < 0 || port->fd < 0) {
        return false;
    }
    /* A hello begins anew, whatever of an earlier message the host may have. */
    bytes[0] = ORL_HOOK_RESET;
    size_t skip = orl_hook_msg_is(msg, "hello") ? 0 : 1;
    return write_all(port->fd, bytes + skip, (size_t)len + 1 - skip);
}
