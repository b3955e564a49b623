#include "gateway/web_clients.h"
#include "base/addr.h"
#include "base/clock.h"
#include "base/listener.h"
#include "base/log.h"
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETRY_US ORL_US_PER_S
/* Links: one, and while it is started anew its successor. */
enum { BACKLOG = 8, MAX_LINKS = 8, MAX_QUEUED = 4096 };

struct orl_web_link {
    struct orl_web_clients *clients;
    struct orl_ipc *ipc;
    struct orl_web_link *next;
};
struct orl_web_clients {
    struct orl_loop *loop;
    struct orl_web_clients_opts opts;
    struct orl_web_clients_events events;
    void *ctx;
    struct orl_listener *listener; /* NULL until the folder is there */
    struct orl_timer *retry;
    struct orl_web_link *links;
    unsigned link_count;
    bool is_failure_logged;
};

static const struct orl_log_ctx log_ctx = {.name = "web.sock"};

static bool is_believed(const struct orl_web_clients *clients, int fd)
{
    uid_t uid = 0;
    if (orl_ipc_peer(fd, &uid, NULL, NULL) < 0) {
        return false;
    }
    const struct passwd *user = getpwnam(clients->opts.user);
    return uid == 0 || uid == geteuid() || (user != NULL && user->pw_uid == uid);
}

static bool is_binding(const char *text)
{
    return strlen(text) == ORL_BINDING_LEN && strspn(text, "0123456789abcdef") == ORL_BINDING_LEN;
}

static int on_msg(void *ctx, struct orl_ipc *ipc, struct orl_msg *msg, struct orl_ipc_fds *fds)
{
    struct orl_web_link *link = ctx;
    struct orl_web_desktop desktop = {.conn = msg->conn, .web = &msg->u.web};
    (void)ipc;
    if (msg->type != ORL_MSG_WEB || fds->count != 2 || !is_binding(msg->u.web.binding) ||
            !orl_addr_parse(msg->u.web.client, &desktop.addr, &desktop.addr_len)) {
        orl_log_warn(&log_ctx, "oriel-web sent what it may not: disconnected", "message",
                orl_msg_name(msg->type));
        return ORL_E_PROTO;
    }
    desktop.stream_fd = orl_ipc_fds_take(fds, 0);
    desktop.aux_fd = orl_ipc_fds_take(fds, 1);
    link->clients->events.on_desktop(link->clients->ctx, link, &desktop);
    return ORL_OK;
}

static void on_closed(void *ctx, struct orl_ipc *ipc, int code)
{
    struct orl_web_link *link = ctx;
    struct orl_web_clients *clients = link->clients;
    struct orl_web_link **at = &clients->links;
    while (*at != link) {
        at = &(*at)->next;
    }
    *at = link->next;
    clients->link_count--;
    clients->events.on_gone(clients->ctx, link);
    orl_ipc_free(ipc);
    free(link);
    orl_log_info(&log_ctx, "oriel-web left", "why", orl_err_name(code));
}

static void on_accepted(void *ctx, int fd, const struct sockaddr *addr, socklen_t len)
{
    static const struct orl_ipc_events events = {.on_msg = on_msg, .on_closed = on_closed};
    struct orl_web_clients *clients = ctx;
    struct orl_err err = {0};
    (void)addr;
    (void)len;
    struct orl_web_link *link = clients->link_count < MAX_LINKS && is_believed(clients, fd)
                                        ? calloc(1, sizeof(*link))
                                        : NULL;
    if (link == NULL) {
        close(fd);
        return;
    }
    link->clients = clients;
    if (orl_ipc_new(clients->loop, fd, MAX_QUEUED, &events, link, &link->ipc, &err) < 0) {
        orl_log_warn(&log_ctx, "oriel-web is turned away", "why", err.text);
        free(link);
        return;
    }
    link->next = clients->links;
    clients->links = link;
    clients->link_count++;
    orl_log_info(&log_ctx, "oriel-web came");
}

static void try_listen(void *ctx)
{
    struct orl_web_clients *clients = ctx;
    struct orl_err err = {0};
    int fd = -1;
    int code = orl_ipc_listen(clients->opts.path, BACKLOG, &fd, &err);
    if (code == ORL_OK) {
        code = orl_listener_new(clients->loop, fd, on_accepted, clients, &clients->listener, &err);
    }
    if (code < 0) {
        if (!clients->is_failure_logged) {
            orl_log_warn(&log_ctx, "can't listen: trying again until it works", "why", err.text);
        }
        clients->is_failure_logged = true;
        orl_timer_start(clients->retry, RETRY_US, 0);
    }
}

int orl_web_clients_new(struct orl_loop *loop, const struct orl_web_clients_opts *opts,
        const struct orl_web_clients_events *events, void *ctx,
        struct orl_web_clients **ret_clients, struct orl_err *err)
{
    struct orl_web_clients *clients = calloc(1, sizeof(*clients));
    if (clients == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "web.sock: out of memory");
    }
    *clients = (struct orl_web_clients){.loop = loop, .opts = *opts, .events = *events, .ctx = ctx};
    int code = orl_timer_new(loop, try_listen, clients, &clients->retry, err);
    if (code < 0) {
        free(clients);
        return code;
    }
    try_listen(clients);
    *ret_clients = clients;
    return ORL_OK;
}

void orl_web_clients_tell(struct orl_web_link *link, const struct orl_msg *msg)
{
    orl_ipc_post(link->ipc, msg, NULL, 0);
}

void orl_web_clients_free(struct orl_web_clients *clients)
{
    if (clients == NULL) {
        return;
    }
    orl_timer_free(clients->retry);
    orl_listener_free(clients->listener);
    while (clients->links != NULL) {
        struct orl_web_link *link = clients->links;
        clients->links = link->next;
        orl_ipc_free(link->ipc);
        free(link);
    }
    free(clients);
}
