/* SOCK_SEQPACKET sockets that carry base/ipc_msgs.h and file descriptors. */
#ifndef ORL_BASE_IPC_H
#define ORL_BASE_IPC_H
#include "base/ipc_msgs.h"
#include "base/loop.h"
#include <sys/types.h>

/* What came with a message; what is not taken with orl_ipc_take_fd() must be closed by the owner. */
struct orl_ipc_fds {
    int fd[ORL_MSG_MAX_FDS];
    unsigned count;
};
void orl_ipc_fds_close(struct orl_ipc_fds *fds);
int orl_ipc_fds_take(
        struct orl_ipc_fds *fds, unsigned index); /* the fd, or -1; the caller owns it */

/* A connected pair, CLOEXEC, not blocking. */
ORL_NODISCARD int orl_ipc_pair(int ret_fds[2], struct orl_err *err);
/* Listens at path (0660; an old socket file is replaced only if nobody answers there). */
ORL_NODISCARD int orl_ipc_listen(const char *path, int backlog, int *ret_fd, struct orl_err *err);
ORL_NODISCARD int orl_ipc_connect(const char *path, int *ret_fd, struct orl_err *err);
ORL_NODISCARD int orl_ipc_peer(int fd, uid_t *ret_uid, pid_t *ret_pid, struct orl_err *err);

/* One datagram, without queueing. fds are borrowed (duplicated by the kernel).
 * ORL_E_AGAIN: the socket is full. ORL_E_CLOSED: no peer. */
ORL_NODISCARD int orl_ipc_send(
        int fd, const struct orl_msg *msg, const int *fds, unsigned fd_count);
/* Waits up to timeout_ms (0: does not wait). *ret_fds is always written (count 0 on failure).
 * ORL_E_AGAIN, ORL_E_TIMEOUT, ORL_E_CLOSED, ORL_E_PROTO. */
ORL_NODISCARD int orl_ipc_recv(
        int fd, int timeout_ms, struct orl_msg *ret_msg, struct orl_ipc_fds *ret_fds);

/* A peer on the loop: receives, queues sends up to a bound, closes once. */
struct orl_ipc;
struct orl_ipc_events {
    /* msg and fds are borrowed; take fds you keep. Negative closes the peer with that code. */
    int (*on_msg)(void *ctx, struct orl_ipc *ipc, struct orl_msg *msg, struct orl_ipc_fds *fds);
    /* Once, for any reason but orl_ipc_free(). code: why. Free it here or later. */
    void (*on_closed)(void *ctx, struct orl_ipc *ipc, int code);
};
/* Takes fd. max_queued: messages waiting to be sent; one more closes the peer with ORL_E_LIMIT. */
ORL_NODISCARD int orl_ipc_new(struct orl_loop *loop, int fd, unsigned max_queued,
        const struct orl_ipc_events *events, void *ctx, struct orl_ipc **ret_ipc,
        struct orl_err *err);
/* Sends or queues; fds are duplicated. Errors come by on_closed, later in the same wake. */
void orl_ipc_post(
        struct orl_ipc *ipc, const struct orl_msg *msg, const int *fds, unsigned fd_count);
bool orl_ipc_is_sent(
        const struct orl_ipc *ipc); /* all that was posted; what the peer can read is sent */
int orl_ipc_fd(const struct orl_ipc *ipc);
void orl_ipc_free(struct orl_ipc *ipc); /* NULL is fine; also inside its own callbacks */

#endif
