#include "web/server/gateway_link.h"
#include "base/clock.h"
#include "base/log.h"
#include <stdlib.h>
#include <unistd.h>

enum { MAX_QUEUED = 256 };

struct orl_gateway_link {
    struct orl_loop *loop;
    struct orl_gateway_link_opts opts;
    struct orl_ipc *ipc; /* NULL while down */
    struct orl_log_limit down_limit;
};

static const struct orl_log_ctx log_ctx = {.name = "gateway link"};

static int on_msg(void *ctx, struct orl_ipc *ipc, struct orl_msg *msg, struct orl_ipc_fds *fds)
{
    struct orl_gateway_link *link = ctx;
    (void)ipc;
    if (msg->type != ORL_MSG_CLOSE || fds->count != 0) {
        return ORL_E_PROTO;
    }
    link->opts.on_close(link->opts.ctx, msg->conn, &msg->u.close);
    return ORL_OK;
}

static void on_closed(void *ctx, struct orl_ipc *ipc, int code)
{
    struct orl_gateway_link *link = ctx;
    orl_log_info(&log_ctx, "the gateway left", "why", orl_err_name(code));
    orl_ipc_free(ipc);
    link->ipc = NULL;
}

static int connect_now(struct orl_gateway_link *link, struct orl_err *err)
{
    static const struct orl_ipc_events events = {.on_msg = on_msg, .on_closed = on_closed};
    uid_t uid = 0;
    int fd = -1;
    int code = orl_ipc_connect(link->opts.path, &fd, err);
    if (code < 0) {
        return code;
    }
    code = orl_ipc_peer(fd, &uid, NULL, err);
    if (code == ORL_OK && uid != 0 && uid != geteuid() && uid != link->opts.gateway_uid) {
        code = orl_err_set(err, ORL_E_DENIED, "somebody else listens at web.sock");
    }
    if (code < 0) {
        close(fd);
        return code;
    }
    return orl_ipc_new(link->loop, fd, MAX_QUEUED, &events, link, &link->ipc, err);
}

int orl_gateway_link_new(struct orl_loop *loop, const struct orl_gateway_link_opts *opts,
        struct orl_gateway_link **ret_link, struct orl_err *err)
{
    struct orl_gateway_link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "web.sock: out of memory");
    }
    link->loop = loop;
    link->opts = *opts;
    link->down_limit = (struct orl_log_limit){.period_us = 60 * ORL_US_PER_S, .burst = 3};
    *ret_link = link;
    return ORL_OK;
}

int orl_gateway_link_open(struct orl_gateway_link *link, uint32_t number,
        const struct orl_msg_web *web, int stream_fd, int aux_fd)
{
    struct orl_err err = {0};
    unsigned dropped = 0;
    int code = link->ipc != NULL ? ORL_OK : connect_now(link, &err);
    if (code < 0) {
        if (orl_log_limit_pass(&link->down_limit, orl_clock_now_us(), &dropped)) {
            orl_log_warn(&log_ctx, "no gateway", "why", err.text, "unlogged", ORL_LOG_NUM(dropped));
        }
        return code;
    }
    const int fds[] = {stream_fd, aux_fd};
    struct orl_msg msg = {.type = ORL_MSG_WEB, .conn = number};
    msg.u.web = *web;
    orl_ipc_post(link->ipc, &msg, fds, 2);
    orl_msg_wipe(&msg);
    return ORL_OK;
}

void orl_gateway_link_free(struct orl_gateway_link *link)
{
    if (link != NULL) {
        orl_ipc_free(link->ipc);
        free(link);
    }
}
