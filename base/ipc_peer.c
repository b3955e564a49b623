/* struct orl_ipc: a peer on the loop. One datagram at a time; the queue holds what the socket did
 * not take yet. */
#include "base/ipc.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { IPC_MSGS_PER_WAKE = 16 };

struct queued {
    struct orl_msg msg;
    struct orl_ipc_fds fds;
    struct queued *next;
};

struct orl_ipc {
    struct orl_loop *loop;
    int fd;
    struct orl_io *io;
    struct orl_ipc_events events;
    void *ctx;
    struct queued *first;
    struct queued **last;
    unsigned queued_count;
    unsigned max_queued;
    int close_code; /* not 0: on_closed is due or was told */
    bool is_dispatching;
    bool is_freed;     /* freed by its own callback; the memory goes when that returns */
    bool has_deferred; /* the deferred close still holds this object */
};

static void drop_first(struct orl_ipc *ipc)
{
    struct queued *item = ipc->first;
    ipc->first = item->next;
    if (ipc->first == NULL) {
        ipc->last = &ipc->first;
    }
    ipc->queued_count--;
    orl_ipc_fds_close(&item->fds);
    orl_msg_wipe(&item->msg);
    free(item);
}

static void release_if_unused(struct orl_ipc *ipc)
{
    if (ipc->is_freed && !ipc->is_dispatching && !ipc->has_deferred) {
        free(ipc);
    }
}

static void tell_closed(void *arg)
{
    struct orl_ipc *ipc = arg;
    ipc->has_deferred = false;
    if (!ipc->is_freed) {
        ipc->events.on_closed(ipc->ctx, ipc, ipc->close_code); /* may free ipc */
        return;
    }
    release_if_unused(ipc);
}

static void fail(struct orl_ipc *ipc, int code)
{
    if (ipc->close_code != 0 || ipc->is_freed) {
        return;
    }
    ipc->close_code = code;
    orl_io_close(ipc->io);
    ipc->io = NULL;
    ipc->has_deferred = true;
    orl_loop_defer(ipc->loop, tell_closed, ipc);
}

static void flush_queue(struct orl_ipc *ipc)
{
    while (ipc->first != NULL) {
        int code =
                orl_ipc_send(ipc->fd, &ipc->first->msg, ipc->first->fds.fd, ipc->first->fds.count);
        if (code == ORL_E_AGAIN) {
            return;
        }
        if (code < 0) {
            fail(ipc, code);
            return;
        }
        drop_first(ipc);
    }
    orl_io_set(ipc->io, ORL_IO_READ);
}

static void receive(struct orl_ipc *ipc)
{
    for (unsigned i = 0; i < IPC_MSGS_PER_WAKE; i++) {
        struct orl_msg msg;
        struct orl_ipc_fds fds;
        int code = orl_ipc_recv(ipc->fd, 0, &msg, &fds);
        if (code == ORL_E_AGAIN) {
            return;
        }
        if (code == 0) {
            code = ipc->events.on_msg(ipc->ctx, ipc, &msg, &fds);
            orl_ipc_fds_close(&fds);
            orl_msg_wipe(&msg);
        }
        if (ipc->is_freed || ipc->close_code != 0) {
            return;
        }
        if (code < 0) {
            fail(ipc, code);
            return;
        }
    }
}

static void on_io(void *ctx, unsigned events)
{
    struct orl_ipc *ipc = ctx;
    ipc->is_dispatching = true;
    if ((events & ORL_IO_WRITE) != 0) {
        flush_queue(ipc);
    }
    if ((events & (ORL_IO_READ | ORL_IO_HANGUP)) != 0 && ipc->close_code == 0) {
        receive(ipc);
    }
    ipc->is_dispatching = false;
    release_if_unused(ipc);
}

int orl_ipc_new(struct orl_loop *loop, int fd, unsigned max_queued,
        const struct orl_ipc_events *events, void *ctx, struct orl_ipc **ret_ipc,
        struct orl_err *err)
{
    struct orl_ipc *ipc = calloc(1, sizeof(*ipc));
    if (ipc == NULL) {
        close(fd);
        return orl_err_set(err, ORL_E_NOMEM, "peer: out of memory");
    }
    ipc->loop = loop;
    ipc->fd = fd;
    ipc->events = *events;
    ipc->ctx = ctx;
    ipc->last = &ipc->first;
    ipc->max_queued = max_queued;
    int code = orl_io_open(loop, fd, ORL_IO_READ, on_io, ipc, &ipc->io, err);
    if (code < 0) {
        close(fd);
        free(ipc);
        return code;
    }
    *ret_ipc = ipc;
    return 0;
}

static int enqueue(
        struct orl_ipc *ipc, const struct orl_msg *msg, const int *fds, unsigned fd_count)
{
    if (ipc->queued_count >= ipc->max_queued || fd_count > ORL_MSG_MAX_FDS) {
        return ORL_E_LIMIT;
    }
    struct queued *item = calloc(1, sizeof(*item));
    if (item == NULL) {
        return ORL_E_NOMEM;
    }
    item->msg = *msg;
    for (unsigned i = 0; i < fd_count; i++) {
        int copy = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
        if (copy < 0) {
            orl_ipc_fds_close(&item->fds);
            free(item);
            return ORL_E_SYS;
        }
        item->fds.fd[item->fds.count++] = copy;
    }
    *ipc->last = item;
    ipc->last = &item->next;
    ipc->queued_count++;
    orl_io_set(ipc->io, ORL_IO_READ | ORL_IO_WRITE);
    return 0;
}

void orl_ipc_post(struct orl_ipc *ipc, const struct orl_msg *msg, const int *fds, unsigned fd_count)
{
    if (ipc->close_code != 0 || ipc->is_freed) {
        return;
    }
    int code = ORL_E_AGAIN;
    if (ipc->first == NULL) {
        code = orl_ipc_send(ipc->fd, msg, fds, fd_count);
    }
    if (code == ORL_E_AGAIN) {
        code = enqueue(ipc, msg, fds, fd_count);
    }
    if (code < 0) {
        fail(ipc, code);
    }
}

bool orl_ipc_is_sent(const struct orl_ipc *ipc)
{
    return ipc->close_code == 0 && !ipc->is_freed && ipc->first == NULL;
}

int orl_ipc_fd(const struct orl_ipc *ipc)
{
    return ipc->fd;
}

void orl_ipc_free(struct orl_ipc *ipc)
{
    if (ipc == NULL || ipc->is_freed) {
        return;
    }
    if (ipc->io != NULL) {
        if (ipc->first != NULL) {
            flush_queue(ipc); /* a last word gets its chance, without waiting */
        }
        orl_io_close(ipc->io);
        ipc->io = NULL;
    }
    while (ipc->first != NULL) {
        drop_first(ipc);
    }
    close(ipc->fd);
    ipc->fd = -1;
    ipc->is_freed = true;
    release_if_unused(ipc);
}
