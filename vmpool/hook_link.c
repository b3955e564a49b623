#include "vmpool/hook_link.h"
#include "base/clock.h"
#include "base/secret.h"
#include "vmpool/hook.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READS_PER_WAKE = 4 };

struct orl_hook_link {
    struct orl_hook_link_cfg cfg;
    struct orl_io *io;
    struct orl_timer *deadline;
    uint64_t asked; /* serial of the question; 0: none */
    uint64_t period_us;
    unsigned messages; /* in this period */
    size_t bytes;      /* ... garbage included */
    bool *was_freed;   /* of the callback that is under way */
    int end_code;
    const char *end_why;
    size_t len;
    char buf[ORL_HOOK_BUF_MAX];
};

static void on_ended(void *ctx)
{
    struct orl_hook_link *link = ctx;
    link->cfg.on_end(link->cfg.ctx, link->end_code, link->end_why);
}

/* Told from the loop, not from within a call of the owner's. */
static void end(struct orl_hook_link *link, int code, const char *why)
{
    if (link->end_code == 0) {
        link->end_code = code;
        link->end_why = why;
        orl_io_set(link->io, 0);
        orl_timer_start(link->deadline, 0, 0);
    }
}

static void on_deadline(void *ctx)
{
    struct orl_hook_link *link = ctx;
    if (link->end_code == 0) {
        link->end_code = ORL_E_TIMEOUT;
        link->end_why = "the guest's hook does not answer in time";
        orl_io_set(link->io, 0);
    }
    on_ended(link);
}

static bool is_flood(struct orl_hook_link *link, size_t bytes)
{
    uint64_t now_us = orl_loop_now_us(link->cfg.loop);
    if (now_us >= link->period_us + ORL_HOOK_LINK_PERIOD_MS * ORL_US_PER_MS) {
        link->period_us = now_us;
        link->messages = 0;
        link->bytes = 0;
    }
    link->bytes += bytes;
    return link->bytes > ORL_HOOK_LINK_BYTES;
}

/* Hands on what is whole. False: freed meanwhile, or over. */
static bool deliver(struct orl_hook_link *link)
{
    struct orl_hook_msg msg;
    int used;
    while ((used = orl_hook_msg_decode(link->buf, link->len, &msg)) > 0) {
        link->len -= (size_t)used;
        memmove(link->buf, link->buf + used, link->len);
        if (++link->messages > ORL_HOOK_LINK_MESSAGES) {
            end(link, ORL_E_PROTO, "the guest's hook says too much");
            return false;
        }
        if (orl_hook_is_answer(&msg, link->asked)) {
            link->asked = 0;
            orl_timer_stop(link->deadline);
        }
        bool was_freed = false;
        link->was_freed = &was_freed;
        link->cfg.on_message(link->cfg.ctx, &msg);
        if (was_freed) {
            return false;
        }
        link->was_freed = NULL;
    }
    if (used < 0 || link->len == sizeof link->buf) {
        end(link, ORL_E_PROTO, "the guest's hook talks nonsense");
        return false;
    }
    return link->end_code == 0;
}

static void on_readable(void *ctx, unsigned events)
{
    struct orl_hook_link *link = ctx;
    (void)events;
    for (int i = 0; i < READS_PER_WAKE; i++) {
        ssize_t n = recv(link->cfg.fd, link->buf + link->len, sizeof link->buf - link->len, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (n <= 0) {
            end(link, ORL_E_CLOSED, "the guest's port was closed");
            return;
        }
        bool has_line = memchr(link->buf + link->len, '\n', (size_t)n) != NULL;
        link->len += (size_t)n;
        if (is_flood(link, (size_t)n)) {
            end(link, ORL_E_PROTO, "the guest's hook says too much");
            return;
        }
        /* Only a line's end can end a message; a guest that sends single bytes is not read anew for each. */
        if ((has_line || link->len >= ORL_HOOK_MSG_MAX) && !deliver(link)) {
            return;
        }
    }
}

int orl_hook_link_new(
        const struct orl_hook_link_cfg *cfg, struct orl_hook_link **ret_link, struct orl_err *err)
{
    struct orl_hook_link *link = calloc(1, sizeof *link);
    if (!link) {
        close(cfg->fd);
        return orl_err_set(err, ORL_E_NOMEM, "a guest's hook");
    }
    link->cfg = *cfg;
    int r = orl_io_open(cfg->loop, cfg->fd, ORL_IO_READ, on_readable, link, &link->io, err);
    r = r < 0 ? r : orl_timer_new(cfg->loop, on_deadline, link, &link->deadline, err);
    if (r < 0) {
        orl_hook_link_free(link);
        return r;
    }
    *ret_link = link;
    return 0;
}

void orl_hook_link_free(struct orl_hook_link *link)
{
    if (!link) {
        return;
    }
    if (link->was_freed) {
        *link->was_freed = true;
    }
    orl_io_close(link->io);
    orl_timer_free(link->deadline);
    close(link->cfg.fd);
    free(link);
}

void orl_hook_link_ask(
        struct orl_hook_link *link, const struct orl_hook_msg *msg, uint64_t timeout_ms)
{
    char bytes[ORL_HOOK_MSG_MAX + 1];
    int len = orl_hook_bytes(msg, bytes);
    if (link->end_code != 0) {
        return;
    }
    ssize_t n = len > 0 ? send(link->cfg.fd, bytes, (size_t)len, MSG_NOSIGNAL) : -1;
    orl_secret_wipe(bytes, sizeof bytes);
    if (n != len) { /* the buffer is many messages large: nobody reads */
        end(link, ORL_E_CLOSED, "the guest's hook does not read");
        return;
    }
    link->asked = msg->serial;
    orl_timer_start(link->deadline, timeout_ms * ORL_US_PER_MS, 0);
}
