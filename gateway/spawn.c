#include "gateway/spawn.h"
#include "base/cleanup.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { REPLIES_PER_WAKE = 64 };

struct orl_spawn {
    int fd;
    struct orl_io *io;
    struct orl_spawn_events events;
    void *ctx;
};

static void lose(struct orl_spawn *spawn)
{
    if (spawn->io != NULL) {
        orl_io_close(spawn->io);
        spawn->io = NULL;
        spawn->events.on_lost(spawn->ctx);
    }
}

static void on_readable(void *ctx, unsigned events)
{
    struct orl_spawn *spawn = ctx;
    (void)events;
    for (unsigned i = 0; i < REPLIES_PER_WAKE; i++) {
        struct orl_spawner_rep rep;
        ssize_t got = recv(spawn->fd, &rep, sizeof(rep), MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (got != (ssize_t)sizeof(rep)) {
            lose(spawn);
            return;
        }
        spawn->events.on_child(spawn->ctx, &rep);
    }
}

int orl_spawn_new(struct orl_loop *loop, int fd, const struct orl_spawn_events *events, void *ctx,
        struct orl_spawn **ret_spawn, struct orl_err *err)
{
    struct orl_spawn *spawn = calloc(1, sizeof(*spawn));
    if (spawn == NULL) {
        close(fd);
        return orl_err_set(err, ORL_E_NOMEM, "spawner: out of memory");
    }
    *spawn = (struct orl_spawn){.fd = fd, .events = *events, .ctx = ctx};
    int code = orl_io_open(loop, fd, ORL_IO_READ, on_readable, spawn, &spawn->io, err);
    if (code < 0) {
        orl_spawn_free(spawn);
        return code;
    }
    *ret_spawn = spawn;
    return ORL_OK;
}

static int request(struct orl_spawn *spawn, const struct orl_spawner_req *req, int fd)
{
    struct iovec iov = {.iov_base = (void *)(uintptr_t)req, .iov_len = sizeof(*req)};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd >= 0) {
        hdr.msg_control = control.bytes;
        hdr.msg_controllen = sizeof(control.bytes);
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&hdr);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
    }
    /* Requests are rare and small and the spawner is quick; a full socket is a flood. */
    ssize_t sent;
    do {
        sent = sendmsg(spawn->fd, &hdr, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        return errno == EAGAIN ? ORL_E_AGAIN : ORL_E_SYS;
    }
    return ORL_OK;
}

int orl_spawn_start(struct orl_spawn *spawn, enum orl_child_kind kind, uint32_t id, int control_fd)
{
    struct orl_spawner_req req = {.verb = ORL_SPAWNER_SPAWN, .kind = kind, .id = id};
    return request(spawn, &req, control_fd);
}

void orl_spawn_kill(struct orl_spawn *spawn, enum orl_child_kind kind, uint32_t id)
{
    struct orl_spawner_req req = {.verb = ORL_SPAWNER_KILL, .kind = kind, .id = id};
    if (request(spawn, &req, -1) < 0) {
        lose(spawn); /* a child that can't be killed is worse than a restart */
    }
}

void orl_spawn_free(struct orl_spawn *spawn)
{
    if (spawn != NULL) {
        orl_io_close(spawn->io);
        close(spawn->fd);
        free(spawn);
    }
}
