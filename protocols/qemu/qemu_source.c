#include "protocols/qemu/qemu_source.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "display/link.h"
#include "protocols/qemu/qemu_input.h"
#include "protocols/qemu/qemu_reader.h"
#include <errno.h>
#include <sys/socket.h>

#define BYTES_PER_WAKE (16U << 20) /* two frames of 1080p */
#define WATCH_US (1 * ORL_US_PER_S)
#define FIRST_PICTURE_MAX_US (10 * ORL_US_PER_S)
#define MESSAGE_MAX_US (30 * ORL_US_PER_S)

struct orl_source {
    const struct orl_source_events *events;
    void *ctx;
    int stream_fd, input_fd;
    struct orl_io *stream, *input;
    struct orl_timer *watch;
    struct orl_qemu_reader *reader;
    struct orl_qemu_input *typed;
    struct orl_layout layout; /* the last one, as long as vmpool did not read it */
    bool is_layout_due, is_input_blocked;
    uint64_t started_us, heard_us;
    bool is_closed;
};

/* Last in every caller: the owner may free us. */
static void close_now(struct orl_source *s, enum orl_reason reason, const char *text)
{
    if (!s->is_closed) {
        s->is_closed = true;
        orl_timer_stop(s->watch);
        orl_io_set(s->stream, 0);
        orl_io_set(s->input, 0);
        s->events->on_closed(s->ctx, reason, text);
    }
}

static void on_surface(void *ctx, struct orl_surface *surface)
{
    const struct orl_source *s = ctx;
    s->events->on_surface(s->ctx, surface);
}

static void on_damage(void *ctx)
{
    const struct orl_source *s = ctx;
    s->events->on_damage(s->ctx);
}

static const struct orl_qemu_reader_events reader_events = {
        .on_surface = on_surface, .on_damage = on_damage};

static void send_answers(struct orl_source *s)
{
    struct orl_buf *out = orl_qemu_reader_answers(s->reader);
    ssize_t n =
            out->len > 0 ? send(s->stream_fd, out->data, out->len, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    if (n > 0) {
        orl_buf_consume(out, (size_t)n);
    } /* a broken socket is told by the next read */
    orl_io_set(s->stream, ORL_IO_READ | (out->len > 0 ? (unsigned)ORL_IO_WRITE : 0U));
}

/* ORL_E_AGAIN: nothing more now. */
static int read_some(struct orl_source *s, size_t *ret_len)
{
    struct iovec iov[ORL_QEMU_IOV_MAX];
    unsigned count = orl_qemu_reader_room(s->reader, iov);
    ssize_t n = readv(s->stream_fd, iov, (int)count);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return ORL_E_AGAIN;
    }
    if (n <= 0) {
        return ORL_E_CLOSED;
    }
    *ret_len = (size_t)n;
    return orl_qemu_reader_got(s->reader, (size_t)n);
}

static void on_stream(void *ctx, unsigned events)
{
    struct orl_source *s = ctx;
    (void)events;
    int rc = ORL_OK;
    for (size_t done = 0; rc == ORL_OK && done < BYTES_PER_WAKE;) {
        size_t len = 0;
        rc = read_some(s, &len);
        done += len;
    }
    s->heard_us = orl_clock_now_us();
    if (rc == ORL_OK || rc == ORL_E_AGAIN) {
        send_answers(s);
    } else if (rc == ORL_E_CLOSED) {
        close_now(s, ORL_REASON_CONSOLE_LOST, "the display closed");
    } else if (rc == ORL_E_UNSUPPORTED) {
        close_now(s, ORL_REASON_CONSOLE_PROTOCOL, "the display has a pixel format of another kind");
    } else {
        close_now(s, ORL_REASON_CONSOLE_PROTOCOL, "the display broke its protocol");
    }
}

static void on_watch(void *ctx)
{
    struct orl_source *s = ctx;
    uint64_t now_us = orl_clock_now_us();
    if (orl_qemu_reader_surface(s->reader) == NULL &&
            now_us - s->started_us > FIRST_PICTURE_MAX_US) {
        close_now(s, ORL_REASON_CONSOLE_PROTOCOL, "the display sent no picture in time");
    } else if (orl_qemu_reader_is_inside(s->reader) && now_us - s->heard_us > MESSAGE_MAX_US) {
        close_now(s, ORL_REASON_CONSOLE_PROTOCOL, "the display stopped in the middle of a message");
    }
}

static void watch_input(const struct orl_source *s)
{
    bool is_due = s->is_input_blocked || s->is_layout_due;
    if (!s->is_closed) {
        orl_io_set(s->input, ORL_IO_HANGUP | (is_due ? (unsigned)ORL_IO_WRITE : 0U));
    }
}

static void put_layout(struct orl_source *s)
{
    const struct orl_link_msg msg = {
            .type = ORL_LINK_LAYOUT, .layout = s->layout, .surface_fd = -1};
    if (s->is_layout_due) {
        s->is_layout_due = orl_link_send(s->input_fd, &msg) == ORL_E_AGAIN;
        watch_input(s);
    }
}

static void on_blocked(void *ctx, bool is_blocked)
{
    struct orl_source *s = ctx;
    s->is_input_blocked = is_blocked;
    watch_input(s);
}

static void on_input_socket(void *ctx, unsigned events)
{
    struct orl_source *s = ctx;
    if ((events & ORL_IO_HANGUP) != 0) {
        close_now(s, ORL_REASON_CONSOLE_LOST, "the display's keeper is gone");
    } else {
        put_layout(s);
        orl_qemu_input_flush(s->typed);
    }
}

/* QEMU refuses a place that is not on its screen. */
static struct orl_input on_screen(struct orl_source *s, const struct orl_input *input)
{
    struct orl_input placed = *input;
    const struct orl_surface *surface = orl_qemu_reader_surface(s->reader);
    if (input->kind == ORL_INPUT_POINTER && surface != NULL) {
        int32_t max_x = (int32_t)orl_surface_width(surface) - 1;
        int32_t max_y = (int32_t)orl_surface_height(surface) - 1;
        placed.x = placed.x < max_x ? placed.x : max_x;
        placed.y = placed.y < max_y ? placed.y : max_y;
    }
    return placed;
}

static void source_input(struct orl_source *s, const struct orl_input *input)
{
    struct orl_input placed = on_screen(s, input);
    if (!s->is_closed) {
        orl_qemu_input_put(s->typed, &placed);
    }
}

static void source_set_layout(struct orl_source *s, const struct orl_layout *layout)
{
    s->layout = *layout;
    s->is_layout_due = true;
    if (!s->is_closed) {
        put_layout(s);
    }
}

static void source_set_viewed(struct orl_source *s, bool is_viewed)
{
    (void)s; /* QEMU sends what changes, whether or not somebody looks */
    (void)is_viewed;
}

static void source_free(struct orl_source *s)
{
    if (s == NULL) {
        return;
    }
    orl_io_close(s->stream);
    orl_io_close(s->input);
    orl_timer_free(s->watch);
    orl_qemu_input_free(s->typed);
    orl_qemu_reader_free(s->reader);
    orl_close_fd(&s->stream_fd);
    orl_close_fd(&s->input_fd); /* vmpool then releases the keys that are down */
    free(s);
}

static const struct orl_source_ops ops = {.input = source_input,
        .set_layout = source_set_layout,
        .set_viewed = source_set_viewed,
        .free = source_free};

static int start(struct orl_source *s, struct orl_loop *loop, struct orl_err *err)
{
    s->typed = orl_qemu_input_new(s->input_fd, on_blocked, s);
    if (s->typed == NULL || orl_qemu_reader_new(&reader_events, s, &s->reader) < 0) {
        return orl_err_set(err, ORL_E_NOMEM, "QEMU source");
    }
    int rc = orl_io_open(loop, s->stream_fd, ORL_IO_READ, on_stream, s, &s->stream, err);
    if (rc == ORL_OK) {
        rc = orl_io_open(loop, s->input_fd, ORL_IO_HANGUP, on_input_socket, s, &s->input, err);
    }
    return rc < 0 ? rc : orl_timer_new(loop, on_watch, s, &s->watch, err);
}

int orl_qemu_source_new(struct orl_loop *loop, int stream_fd, int input_fd,
        const struct orl_source_events *events, void *ctx, struct orl_source_handle *ret_handle,
        struct orl_err *err)
{
    struct orl_source *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        close(stream_fd);
        close(input_fd);
        return orl_err_set(err, ORL_E_NOMEM, "QEMU source");
    }
    s->stream_fd = stream_fd;
    s->input_fd = input_fd;
    s->events = events;
    s->ctx = ctx;
    s->started_us = s->heard_us = orl_clock_now_us();
    int rc = start(s, loop, err);
    if (rc < 0) {
        source_free(s);
        return rc;
    }
    orl_timer_start(s->watch, WATCH_US, WATCH_US);
    ret_handle->ops = &ops;
    ret_handle->source = s;
    return ORL_OK;
}
