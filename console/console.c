#include "console/console.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "console/exchange.h"
#include "console/links.h"
#include "console/sources.h"
#include "console/typing.h"
#include "display/link.h"
#include "display/source.h"

#define CONTROL_QUEUE_MAX 8

struct orl_console {
    struct orl_loop *loop;
    struct orl_ipc *control; /* NULL: the gateway is gone */
    struct orl_links *links;
    struct orl_exchange exchange;
    struct orl_typing typing;
    struct orl_source_handle source;
    bool has_keys_only; /* QEMU's display: a character without a key has to be pasted */
    bool is_over;
};

static const struct orl_log_ctx log_ctx = {.name = "console"};

static void end(struct orl_console *c)
{
    c->is_over = true;
    orl_loop_stop(c->loop);
}

void orl_console_tell_end(int control_fd, enum orl_reason reason, const char *text)
{
    struct orl_msg msg = {.type = ORL_MSG_CLOSE};
    msg.u.close.reason = reason;
    orl_msg_text(msg.u.close.text, sizeof(msg.u.close.text), text);
    /* Not queued: no loop runs after it. Full: the gateway sees the socket close. */
    if (orl_ipc_send(control_fd, &msg, NULL, 0) < 0) {
        orl_log_debug(&log_ctx, "the gateway was not told");
    }
}

/* Both sides hear why; then this process ends. */
static void end_with(struct orl_console *c, enum orl_reason reason, const char *text)
{
    if (c->is_over) {
        return;
    }
    orl_log_info(&log_ctx, "console over", "reason", orl_reason_code(reason), "text", text);
    orl_links_close_all(c->links, reason);
    if (c->control != NULL) {
        orl_console_tell_end(orl_ipc_fd(c->control), reason, text);
    }
    end(c);
}

static void on_surface(void *ctx, struct orl_surface *surface)
{
    struct orl_console *c = ctx;
    orl_links_set_surface(c->links, surface);
}

static void on_damage(void *ctx)
{
    struct orl_console *c = ctx;
    orl_links_wake(c->links);
}

static void on_source_clipboard(void *ctx, const struct orl_clipboard *step)
{
    struct orl_console *c = ctx;
    orl_exchange_from_source(&c->exchange, step);
}

static void on_sound(void *ctx, const struct orl_sound *sound)
{
    struct orl_console *c = ctx;
    orl_links_sound(c->links, sound);
}

static void on_locks(void *ctx, uint32_t locks)
{
    struct orl_console *c = ctx;
    orl_links_locks(c->links, locks);
}

static void on_source_closed(void *ctx, enum orl_reason reason, const char *text)
{
    end_with(ctx, reason, text);
}

static void to_source(void *ctx, const struct orl_clipboard *step)
{
    struct orl_console *c = ctx;
    if (!c->is_over && c->source.ops->clipboard != NULL) {
        c->source.ops->clipboard(c->source.source, step);
    }
}

static void to_link(void *ctx, unsigned link, const struct orl_clipboard *step)
{
    struct orl_console *c = ctx;
    if (link == ORL_EXCHANGE_TYPING) {
        orl_typing_clipboard(&c->typing, step);
    } else {
        orl_links_clipboard(c->links, link, step);
    }
}

static void from_typing(void *ctx, const struct orl_clipboard *step)
{
    struct orl_console *c = ctx;
    orl_exchange_from_link(&c->exchange, ORL_EXCHANGE_TYPING, step);
}

static void give_back(void *ctx)
{
    struct orl_console *c = ctx;
    orl_exchange_give_back(&c->exchange);
}

static void on_want(void *ctx, unsigned link, uint32_t wants)
{
    struct orl_console *c = ctx;
    if (c->is_over) {
        return;
    }
    const struct orl_permit *permit = orl_links_permit(c->links, link);
    if ((wants & ORL_WANT_CLIPBOARD) != 0) {
        orl_exchange_join(&c->exchange, link, (permit->clipboard & ORL_CLIPBOARD_TO_GUEST) != 0,
                (permit->clipboard & ORL_CLIPBOARD_TO_CLIENT) != 0);
    } else {
        orl_exchange_leave(&c->exchange, link);
    }
    uint32_t all = orl_links_wants(c->links);
    orl_typing_set_possible(&c->typing, c->has_keys_only && (all & ORL_WANT_CLIPBOARD) != 0);
    if (c->source.ops->set_wanted != NULL) {
        c->source.ops->set_wanted(c->source.source, all);
    }
}

static void on_link_clipboard(void *ctx, unsigned link, const struct orl_clipboard *step)
{
    struct orl_console *c = ctx;
    orl_exchange_from_link(&c->exchange, link, step);
}

static bool is_typing_ours(void *ctx)
{
    struct orl_console *c = ctx;
    return orl_exchange_owns(&c->exchange, ORL_EXCHANGE_TYPING);
}

static void to_source_input(void *ctx, const struct orl_input *input)
{
    struct orl_console *c = ctx;
    if (!c->is_over) {
        c->source.ops->input(c->source.source, input);
    }
}

static void on_input(void *ctx, const struct orl_input *input)
{
    struct orl_console *c = ctx;
    orl_typing_input(&c->typing, input);
}

static void on_layout(void *ctx, const struct orl_layout *layout)
{
    struct orl_console *c = ctx;
    c->source.ops->set_layout(c->source.source, layout);
}

static void on_count(void *ctx, unsigned count)
{
    struct orl_console *c = ctx;
    if (c->is_over) {
        return;
    }
    if (count == 0) {
        static const struct orl_input release = {.kind = ORL_INPUT_RELEASE_ALL};
        on_input(c, &release);
    }
    c->source.ops->set_viewed(c->source.source, count > 0);
    if (count == 0 && c->control == NULL) {
        end(c);
    }
}

static int on_control(void *ctx, struct orl_ipc *ipc, struct orl_msg *msg, struct orl_ipc_fds *fds)
{
    struct orl_console *c = ctx;
    (void)ipc;
    if (msg->type == ORL_MSG_CLOSE && fds->count == 0) {
        end_with(c, orl_reason_from_u32(msg->u.close.reason), msg->u.close.text);
        return ORL_OK;
    }
    if (msg->type != ORL_MSG_SURFACE || fds->count != 1) {
        return ORL_E_PROTO;
    }
    struct orl_err err = {0};
    if (orl_links_add(c->links, orl_ipc_fds_take(fds, 0), &msg->u.surface.permit, &err) < 0) {
        orl_log_warn(&log_ctx, "link refused", "error", err.text);
    }
    return ORL_OK;
}

static void on_control_closed(void *ctx, struct orl_ipc *ipc, int code)
{
    struct orl_console *c = ctx;
    (void)code;
    orl_ipc_free(ipc);
    c->control = NULL;
    if (orl_links_count(c->links) == 0) {
        end(c);
    }
}

static const struct orl_source_events source_events = {.on_surface = on_surface,
        .on_damage = on_damage,
        .on_clipboard = on_source_clipboard,
        .on_sound = on_sound,
        .on_locks = on_locks,
        .on_closed = on_source_closed};
static const struct orl_links_events links_events = {.on_input = on_input,
        .on_layout = on_layout,
        .on_count = on_count,
        .on_want = on_want,
        .on_clipboard = on_link_clipboard};
static const struct orl_exchange_events exchange_events = {
        .to_source = to_source, .to_link = to_link};
static const struct orl_typing_events typing_events = {.to_source = to_source_input,
        .to_exchange = from_typing,
        .give_back = give_back,
        .is_ours = is_typing_ours};
static const struct orl_ipc_events control_events = {
        .on_msg = on_control, .on_closed = on_control_closed};

static int open_parts(struct orl_console *c, int control_fd, struct orl_ipc_fds *display,
        const struct orl_msg_start *start, struct orl_err *err)
{
    int rc = orl_ipc_new(
            c->loop, control_fd, CONTROL_QUEUE_MAX, &control_events, c, &c->control, err);
    if (rc == ORL_OK) {
        rc = orl_links_new(c->loop, &links_events, c, &c->links, err);
    }
    if (rc == ORL_OK) {
        rc = orl_typing_init(&c->typing, c->loop, &typing_events, c, err);
    }
    return rc == ORL_OK ? orl_console_open_source(
                                  c->loop, display, start, &source_events, c, &c->source, err)
                        : rc;
}

int orl_console_new(struct orl_loop *loop, int control_fd, struct orl_ipc_fds *display,
        const struct orl_msg_start *start, struct orl_console **ret_console, struct orl_err *err)
{
    struct orl_console *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        close(control_fd);
        orl_ipc_fds_close(display);
        return orl_err_set(err, ORL_E_NOMEM, "console");
    }
    c->loop = loop;
    c->has_keys_only = start->source == ORL_SOURCE_QEMU;
    orl_exchange_init(&c->exchange, &exchange_events, c);
    orl_exchange_join(&c->exchange, ORL_EXCHANGE_TYPING, true, true);
    int rc = open_parts(c, control_fd, display, start, err);
    orl_ipc_fds_close(display);
    if (rc < 0) {
        if (c->control != NULL) {
            orl_console_tell_end(orl_ipc_fd(c->control), ORL_REASON_INTERNAL, err->text);
        }
        orl_console_free(c);
        return rc;
    }
    *ret_console = c;
    return ORL_OK;
}

void orl_console_free(struct orl_console *console)
{
    if (console == NULL) {
        return;
    }
    console->is_over = true;
    if (console->source.ops != NULL) {
        console->source.ops->free(console->source.source);
    }
    orl_links_free(console->links);
    orl_typing_fini(&console->typing);
    orl_ipc_free(console->control);
    free(console);
}
