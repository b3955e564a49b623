/* The consoles' processes and sockets, for the console table. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "gateway/gateway_priv.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { CONSOLE_MAX_QUEUED = 64 };
#define GRACE_US (2 * ORL_US_PER_S) /* to release pressed keys and say goodbye to the display */

static struct orl_console_proc *find(struct orl_gateway *gateway, uint32_t number)
{
    struct orl_console_proc *proc = gateway->procs;
    while (proc != NULL && proc->number != number) {
        proc = proc->next;
    }
    return proc;
}

static void free_proc(struct orl_console_proc *proc)
{
    orl_timer_free(proc->grace);
    orl_ipc_free(proc->ipc);
    if (proc->display >= 0) { /* also for who holds another copy of it, as vmpool does */
        (void)shutdown(proc->display, SHUT_RDWR);
        close(proc->display);
    }
    free(proc);
}

static void release_if_gone(struct orl_console_proc *proc)
{
    if (proc->ipc != NULL || proc->is_process_alive) {
        return;
    }
    struct orl_console_proc **at = &proc->gateway->procs;
    while (*at != proc) {
        at = &(*at)->next;
    }
    *at = proc->next;
    free_proc(proc);
}

static void kill_now(void *ctx)
{
    struct orl_console_proc *proc = ctx;
    if (proc->is_process_alive) {
        orl_spawn_kill(proc->gateway->spawn, proc->kind, proc->number);
    }
}

/* Tells the table once; whatever is left of the process ends by itself or is killed. */
static void lose(struct orl_console_proc *proc, enum orl_reason reason, const char *text)
{
    if (!proc->is_ending) {
        proc->is_ending = true;
        orl_timer_start(proc->grace, GRACE_US, 0);
        orl_console_table_on_gone(
                proc->gateway->consoles, proc->number, reason, text, orl_clock_now_us());
    }
}

static int on_console_msg(
        void *ctx, struct orl_ipc *ipc, struct orl_msg *msg, struct orl_ipc_fds *fds)
{
    struct orl_console_proc *proc = ctx;
    (void)ipc;
    if (msg->type != ORL_MSG_CLOSE || fds->count != 0) {
        orl_log_warn(&proc->gateway->log, "a console sent what it may not: killed", "message",
                orl_msg_name(msg->type));
        return ORL_E_PROTO;
    }
    lose(proc, orl_request_console_reason(msg->u.close.reason), msg->u.close.text);
    return ORL_OK;
}

static void on_console_closed(void *ctx, struct orl_ipc *ipc, int code)
{
    struct orl_console_proc *proc = ctx;
    orl_ipc_free(ipc);
    proc->ipc = NULL;
    if (code != ORL_E_CLOSED) {
        kill_now(proc);
    }
    lose(proc, ORL_REASON_CONSOLE_LOST, "");
    release_if_gone(proc);
}

void orl_gateway_cut_displays(struct orl_gateway *gateway)
{
    for (struct orl_console_proc *proc = gateway->procs; proc != NULL; proc = proc->next) {
        if (proc->display >= 0) {
            (void)shutdown(proc->display, SHUT_RDWR);
        }
    }
}

void orl_gateway_on_console_child(struct orl_gateway *gateway, const struct orl_spawner_rep *rep)
{
    struct orl_console_proc *proc = find(gateway, rep->id);
    if (proc == NULL || rep->event == ORL_SPAWNER_STARTED) {
        return;
    }
    proc->is_process_alive = false;
    bool is_clean = rep->event == ORL_SPAWNER_EXITED && WIFEXITED(rep->status) &&
                    WEXITSTATUS(rep->status) == 0;
    if (!is_clean && !proc->is_ending) {
        orl_log_warn(&gateway->log, "a console ended badly", "signal",
                ORL_LOG_NUM(WIFSIGNALED(rep->status) ? WTERMSIG(rep->status) : 0), "status",
                ORL_LOG_NUM(WIFEXITED(rep->status) ? WEXITSTATUS(rep->status) : 0));
    }
    if (proc->ipc == NULL) {
        release_if_gone(proc);
    } /* else its last words come first, then the end of its socket */
}

static int start(
        void *ctx, uint32_t number, const struct orl_msg *msg, const struct orl_ipc_fds *display)
{
    static const struct orl_ipc_events events = {
            .on_msg = on_console_msg, .on_closed = on_console_closed};
    struct orl_gateway *gateway = ctx;
    int pair[2] = {-1, -1};
    struct orl_err err = {0};
    struct orl_console_proc *proc = calloc(1, sizeof(*proc));
    if (proc == NULL) {
        return ORL_E_NOMEM;
    }
    proc->number = number;
    proc->gateway = gateway;
    proc->kind = msg->u.start.source == ORL_SOURCE_RDP ? ORL_CHILD_CONSOLE_RDP : ORL_CHILD_CONSOLE;
    proc->display = display->count == 1 ? fcntl(display->fd[0], F_DUPFD_CLOEXEC, 0) : -1;
    int code = orl_timer_new(gateway->loop, kill_now, proc, &proc->grace, &err);
    if (code == ORL_OK) {
        code = orl_ipc_pair(pair, &err);
    }
    if (code < 0) {
        free_proc(proc);
        return code;
    }
    ORL_AUTO(orl_close_auto) int console_end = pair[1];
    code = orl_ipc_new(gateway->loop, pair[0], CONSOLE_MAX_QUEUED, &events, proc, &proc->ipc, &err);
    if (code == ORL_OK) {
        orl_ipc_post(proc->ipc, msg, display->fd, display->count);
        code = orl_spawn_start(gateway->spawn, proc->kind, number, console_end);
    }
    if (code < 0) {
        free_proc(proc);
        return code;
    }
    proc->is_process_alive = true;
    proc->next = gateway->procs;
    gateway->procs = proc;
    return ORL_OK;
}

static void post(void *ctx, uint32_t number, const struct orl_msg *msg, int fd)
{
    const struct orl_console_proc *proc = find(ctx, number);
    if (proc != NULL && proc->ipc != NULL) {
        orl_ipc_post(proc->ipc, msg, &fd, 1);
    }
}

static void end_console(void *ctx, uint32_t number)
{
    struct orl_console_proc *proc = find(ctx, number);
    if (proc == NULL) {
        return;
    }
    proc->is_ending = true;
    if (proc->ipc != NULL) {
        struct orl_msg msg = {.type = ORL_MSG_CLOSE};
        msg.u.close.reason = ORL_REASON_DISCONNECT_TIMEOUT;
        orl_ipc_post(proc->ipc, &msg, NULL, 0);
    }
    orl_timer_start(proc->grace, GRACE_US, 0);
}

static bool ask(void *ctx, const struct orl_msg *msg)
{
    struct orl_gateway *gateway = ctx;
    return orl_control_link_post(gateway->vmpool, msg);
}

static void arm(void *ctx, uint64_t due_us)
{
    struct orl_gateway *gateway = ctx;
    uint64_t now_us = orl_clock_now_us();
    if (due_us == 0) {
        orl_timer_stop(gateway->console_timer);
    } else {
        orl_timer_start(gateway->console_timer, due_us > now_us ? due_us - now_us : 0, 0);
    }
}

static void on_link(void *ctx, uint32_t conn, uint32_t link, int fd)
{
    struct orl_peer *peer = orl_gateway_find(ctx, conn);
    if (peer != NULL) {
        orl_conn_on_link(&peer->conn, link, fd);
    }
}

static void on_notice(void *ctx, uint32_t conn, enum orl_reason reason, const char *text)
{
    struct orl_peer *peer = orl_gateway_find(ctx, conn);
    if (peer != NULL) {
        orl_conn_on_console_notice(&peer->conn, reason, text);
    }
}

static void on_final(void *ctx, uint32_t conn, enum orl_reason reason, const char *text)
{
    struct orl_peer *peer = orl_gateway_find(ctx, conn);
    if (peer != NULL) {
        orl_conn_close(&peer->conn, reason, text, NULL);
    }
}

const struct orl_console_ops orl_gateway_console_ops = {
        .ask = ask,
        .start = start,
        .post = post,
        .kill = end_console,
        .arm = arm,
        .on_link = on_link,
        .on_notice = on_notice,
        .on_final = on_final,
};

void orl_gateway_free_procs(struct orl_gateway *gateway)
{
    while (gateway->procs != NULL) {
        struct orl_console_proc *proc = gateway->procs;
        gateway->procs = proc->next;
        free_proc(proc);
    }
}
