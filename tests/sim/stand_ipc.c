/* In place of base/ipc.c and broker/password.c: gateways are queues that sim drains, everybody knows their
 * password, and proving it takes no time. */
#include "base/ipc.h"
#include "broker/password.h"
#include "sim.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct orl_ipc {
    struct orl_ipc_events events;
    void *ctx;
    int fd;
    struct sim_gateway *gateway;
};

int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);

void orl_ipc_fds_close(struct orl_ipc_fds *fds)
{
    fds->count = 0;
}

int orl_ipc_fds_take(struct orl_ipc_fds *fds, unsigned index)
{
    (void)fds;
    (void)index;
    return -1;
}

int orl_ipc_pair(int ret_fds[2], struct orl_err *err)
{
    (void)ret_fds;
    return orl_err_set(err, ORL_E_UNSUPPORTED, "no sockets here");
}

int orl_ipc_listen(const char *path, int backlog, int *ret_fd, struct orl_err *err)
{
    (void)backlog;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return orl_err_sys(err, errno, "%s", path);
    }
    *ret_fd = fd;
    return 0;
}

/* Who pokes vmpool connects; that is all vmpool needs to know. */
int orl_ipc_connect(const char *path, int *ret_fd, struct orl_err *err)
{
    (void)path;
    *ret_fd = -1;
    if (sim_may_send(sim_the, "poke") && sim_pick(sim_the, 8) != 0) {
        sim_the->ours.is_poked = true;
    }
    return orl_err_set(err, ORL_E_CLOSED, "said already");
}

int orl_ipc_peer(int fd, uid_t *ret_uid, pid_t *ret_pid, struct orl_err *err)
{
    (void)fd;
    (void)err;
    *ret_uid = geteuid();
    *ret_pid = (pid_t)sim_the->gateways[sim_the->accepting].pid;
    return 0;
}

int orl_ipc_send(int fd, const struct orl_msg *msg, const int *fds, unsigned fd_count)
{
    (void)fd;
    (void)msg;
    (void)fds;
    (void)fd_count;
    return ORL_E_CLOSED;
}

int orl_ipc_recv(int fd, int timeout_ms, struct orl_msg *ret_msg, struct orl_ipc_fds *ret_fds)
{
    (void)fd;
    (void)timeout_ms;
    (void)ret_msg;
    ret_fds->count = 0;
    return ORL_E_CLOSED;
}

int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    (void)fd;
    (void)addr;
    (void)len;
    (void)flags;
    if (sim_the->accepting < 0) {
        errno = EAGAIN;
        return -1;
    }
    return open("/dev/null", O_RDWR | O_CLOEXEC);
}

int orl_ipc_new(struct orl_loop *loop, int fd, unsigned max_queued,
        const struct orl_ipc_events *events, void *ctx, struct orl_ipc **ret_ipc,
        struct orl_err *err)
{
    (void)loop;
    (void)max_queued;
    struct orl_ipc *ipc = calloc(1, sizeof *ipc);
    if (!ipc) {
        return orl_err_set(err, ORL_E_NOMEM, "out of memory");
    }
    *ipc = (struct orl_ipc){.events = *events,
            .ctx = ctx,
            .fd = fd,
            .gateway = &sim_the->gateways[sim_the->accepting]};
    ipc->gateway->ipc = ipc;
    sim_the->accepting = -1;
    *ret_ipc = ipc;
    return 0;
}

static void put_plan(const struct orl_msg *msg, struct sim_msg *ret)
{
    const struct orl_msg_plan *plan = &msg->u.plan;
    ret->is_ready = plan->is_ready != 0;
    ret->version = plan->version;
    orl_msg_text(ret->session, sizeof ret->session, plan->session);
    orl_msg_text(ret->desktop, sizeof ret->desktop, plan->desktop);
    orl_msg_text(ret->text, sizeof ret->text, plan->user);
    orl_msg_text(ret->pool, sizeof ret->pool, plan->pool);
}

void orl_ipc_post(struct orl_ipc *ipc, const struct orl_msg *msg, const int *fds, unsigned fd_count)
{
    struct sim_msg small = {.type = msg->type, .conn = msg->conn};
    (void)fds;
    (void)fd_count;
    if (!sim_may_send(sim_the, orl_msg_name(msg->type))) {
        return;
    }
    if (msg->type == ORL_MSG_PLAN) {
        put_plan(msg, &small);
    } else if (msg->type == ORL_MSG_CLOSE) {
        small.reason = msg->u.close.reason;
        orl_msg_text(small.text, sizeof small.text, msg->u.close.audit);
    }
    struct sim_queue *q = &ipc->gateway->to_gateway;
    if (q->count < SIM_QUEUE) {
        q->items[(q->head + q->count++) % SIM_QUEUE] = small;
    }
}

bool orl_ipc_is_sent(const struct orl_ipc *ipc)
{
    (void)ipc;
    return true;
}

int orl_ipc_fd(const struct orl_ipc *ipc)
{
    return ipc->fd;
}

void orl_ipc_free(struct orl_ipc *ipc)
{
    if (ipc) {
        if (ipc->gateway->ipc == ipc) {
            ipc->gateway->ipc = NULL;
        }
        close(ipc->fd);
        free(ipc);
    }
}

void sim_ipc_hang_up(struct orl_ipc *ipc)
{
    ipc->events.on_closed(ipc->ctx, ipc, ORL_E_CLOSED);
}

void sim_ipc_deliver(struct orl_ipc *ipc, const struct sim_msg *small)
{
    static struct orl_msg msg; /* large; one at a time */
    struct orl_ipc_fds none = {.count = 0};
    memset(&msg, 0, sizeof msg);
    msg.type = small->type;
    msg.conn = small->conn;
    if (small->type == ORL_MSG_LOGIN) {
        struct orl_msg_login *login = &msg.u.login;
        login->protocol = ORL_PROTOCOL_RDP;
        orl_msg_text(login->user, sizeof login->user, small->text);
        orl_msg_text(login->pool, sizeof login->pool, small->pool);
        orl_msg_text(login->password, sizeof login->password, "known");
        (void)snprintf(login->client, sizeof login->client, "10.%s.0.1:%u", small->text + 1,
                1000 + small->conn % 50000);
    } else if (small->type == ORL_MSG_STATS) {
        orl_msg_text(msg.u.stats.session, sizeof msg.u.stats.session, small->session);
    } else if (small->type == ORL_MSG_CLOSE) {
        msg.u.close.reason = small->reason;
    }
    int rc = ipc->events.on_msg(ipc->ctx, ipc, &msg, &none);
    if (rc < 0) {
        ipc->events.on_closed(ipc->ctx, ipc, rc);
    }
}

int orl_password_init(struct orl_err *err)
{
    (void)err;
    return 0;
}

int orl_password_hash(
        const char *password, enum orl_password_cost cost, char ret_hash[ORL_PASSWORD_HASH_MAX + 1])
{
    (void)cost;
    (void)snprintf(ret_hash, ORL_PASSWORD_HASH_MAX + 1, "%.100s", password);
    return 0;
}

bool orl_password_verify(const char *hash, const char *password)
{
    return strcmp(hash, password) == 0;
}

bool orl_password_is_stale(const char *hash, enum orl_password_cost cost)
{
    (void)hash;
    (void)cost;
    return false;
}
