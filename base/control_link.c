#include "base/control_link.h"
#include "base/clock.h"
#include <stdlib.h>
#include <unistd.h>

#define RETRY_MIN_US (200 * ORL_US_PER_MS)
#define RETRY_MAX_US (2 * ORL_US_PER_S)
enum { MAX_QUEUED = 4096 };

struct orl_control_link {
    struct orl_loop *loop;
    struct orl_control_link_opts opts;
    struct orl_control_link_events events;
    void *ctx;
    struct orl_log_ctx log;
    struct orl_ipc *ipc; /* NULL while down */
    struct orl_timer *retry;
    uint64_t retry_us;
    bool is_down_logged;
};

static void retry_later(struct orl_control_link *link, const char *why)
{
    if (!link->is_down_logged) {
        link->is_down_logged = true;
        orl_log_warn(&link->log, "not connected: trying again until it is", "why", why, "path",
                link->opts.path);
    }
    orl_timer_start(link->retry, link->retry_us, 0);
    link->retry_us = link->retry_us * 2 < RETRY_MAX_US ? link->retry_us * 2 : RETRY_MAX_US;
}

static bool is_believed(const struct orl_control_link *link, int fd)
{
    uid_t uid = 0;
    if (orl_ipc_peer(fd, &uid, NULL, NULL) < 0) {
        return false;
    }
    return uid == 0 || uid == geteuid() || uid == link->opts.uid;
}

static int on_msg(void *ctx, struct orl_ipc *ipc, struct orl_msg *msg, struct orl_ipc_fds *fds)
{
    struct orl_control_link *link = ctx;
    (void)ipc;
    link->events.on_msg(link->ctx, msg, fds);
    return ORL_OK;
}

static void on_closed(void *ctx, struct orl_ipc *ipc, int code)
{
    struct orl_control_link *link = ctx;
    orl_ipc_free(ipc);
    link->ipc = NULL;
    link->retry_us = RETRY_MIN_US;
    retry_later(link, orl_err_name(code));
    link->events.on_down(link->ctx);
}

static void try_connect(void *ctx)
{
    static const struct orl_ipc_events ipc_events = {.on_msg = on_msg, .on_closed = on_closed};
    struct orl_control_link *link = ctx;
    struct orl_err err = {0};
    int fd = -1;
    if (orl_ipc_connect(link->opts.path, &fd, &err) < 0) {
        retry_later(link, err.text);
        return;
    }
    if (!is_believed(link, fd)) {
        close(fd);
        retry_later(link, "somebody else listens there");
        return;
    }
    if (orl_ipc_new(link->loop, fd, MAX_QUEUED, &ipc_events, link, &link->ipc, &err) < 0) {
        retry_later(link, err.text);
        return;
    }
    link->retry_us = RETRY_MIN_US;
    link->is_down_logged = false;
    orl_log_info(&link->log, "connected");
    link->events.on_up(link->ctx);
}

int orl_control_link_new(struct orl_loop *loop, const struct orl_control_link_opts *opts,
        const struct orl_control_link_events *events, void *ctx, struct orl_control_link **ret_link,
        struct orl_err *err)
{
    struct orl_control_link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "%s: out of memory", opts->name);
    }
    *link = (struct orl_control_link){.loop = loop,
            .opts = *opts,
            .events = *events,
            .ctx = ctx,
            .log = {.name = opts->name},
            .retry_us = RETRY_MIN_US};
    int code = orl_timer_new(loop, try_connect, link, &link->retry, err);
    if (code < 0) {
        free(link);
        return code;
    }
    orl_timer_start(link->retry, 0, 0);
    *ret_link = link;
    return ORL_OK;
}

bool orl_control_link_post(struct orl_control_link *link, const struct orl_msg *msg)
{
    if (link->ipc == NULL) {
        return false;
    }
    orl_ipc_post(link->ipc, msg, NULL, 0);
    return true;
}

bool orl_control_link_is_up(const struct orl_control_link *link)
{
    return link->ipc != NULL;
}

void orl_control_link_free(struct orl_control_link *link)
{
    if (link != NULL) {
        orl_timer_free(link->retry);
        orl_ipc_free(link->ipc);
        free(link);
    }
}
