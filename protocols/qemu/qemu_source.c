#include "protocols/qemu/qemu_source.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "display/link.h"
#include "protocols/qemu/qemu_copy.h"
#include "protocols/qemu/qemu_heads.h"
#include "protocols/qemu/qemu_input.h"
#include "protocols/qemu/qemu_speaker.h"
#include "protocols/qemu/qemu_stream.h"
#include <stdlib.h>
#include <unistd.h>

#define FIRST_PICTURE_MAX_US (10 * ORL_US_PER_S)

struct head {
    struct orl_source *source;
    unsigned number;
    struct orl_qemu_stream
            *stream; /* NULL: the machine has no such head, or nobody asked for it yet */
};
struct orl_source {
    struct orl_loop *loop;
    const struct orl_source_events *events;
    void *ctx;
    struct head heads[ORL_HEADS_MAX];
    struct orl_qemu_heads *whole;
    int input_fd;
    struct orl_io *input;
    struct orl_timer *first; /* the first picture must come before it */
    struct orl_qemu_input *typed;
    struct orl_qemu_copy copy;
    struct orl_qemu_speaker *speaker; /* NULL: nobody listens, or the machine has no sound */
    bool is_sound_wanted;
    struct orl_layout layout; /* the last one, as long as vmpool did not read it */
    bool is_layout_due, is_input_blocked;
    bool is_closed;
};

/* Last in every caller: the owner may free us. */
static void close_now(struct orl_source *s, enum orl_reason reason, const char *text)
{
    if (!s->is_closed) {
        s->is_closed = true;
        orl_timer_stop(s->first);
        for (unsigned i = 0; i < ORL_HEADS_MAX; i++) {
            orl_qemu_stream_stop(s->heads[i].stream);
        }
        orl_io_set(s->input, 0);
        s->events->on_closed(s->ctx, reason, text);
    }
}

static void on_whole_surface(void *ctx, struct orl_surface *surface)
{
    const struct orl_source *s = ctx;
    s->events->on_surface(s->ctx, surface);
}

static void on_whole_damage(void *ctx)
{
    const struct orl_source *s = ctx;
    s->events->on_damage(s->ctx);
}

static void on_whole_failed(void *ctx)
{
    close_now(ctx, ORL_REASON_INTERNAL, "no memory for the picture");
}

static const struct orl_qemu_heads_events heads_events = {
        .on_surface = on_whole_surface, .on_damage = on_whole_damage, .on_failed = on_whole_failed};

static void on_surface(void *ctx, struct orl_surface *surface)
{
    const struct head *head = ctx;
    orl_qemu_heads_set_surface(head->source->whole, head->number, surface);
}

static void on_damage(void *ctx, const struct orl_rect *box)
{
    const struct head *head = ctx;
    orl_qemu_heads_damage(head->source->whole, head->number, box);
}

static void on_cursor(void *ctx, const struct orl_cursor *cursor)
{
    const struct head *head = ctx;
    orl_qemu_heads_set_cursor(head->source->whole, cursor);
}

static void on_stream_closed(void *ctx, enum orl_reason reason, const char *text)
{
    const struct head *head = ctx;
    close_now(head->source, reason, text);
}

static const struct orl_qemu_reader_events reader_events = {
        .on_surface = on_surface, .on_damage = on_damage, .on_cursor = on_cursor};

static void on_no_picture(void *ctx)
{
    struct orl_source *s = ctx;
    if (orl_qemu_heads_surface(s->whole) == NULL) {
        close_now(s, ORL_REASON_CONSOLE_PROTOCOL, "the display sent no picture in time");
    }
}

/* Takes fd, also on failure. */
static int open_head(struct orl_source *s, unsigned number, int fd, struct orl_err *err)
{
    struct head *head = &s->heads[number];
    head->source = s;
    head->number = number;
    return orl_qemu_stream_new(
            s->loop, fd, &reader_events, on_stream_closed, head, &head->stream, err);
}

static void watch_input(const struct orl_source *s)
{
    bool is_due = s->is_input_blocked || s->is_layout_due || orl_qemu_copy_is_due(&s->copy);
    if (!s->is_closed) {
        orl_io_set(s->input, ORL_IO_READ | ORL_IO_HANGUP | (is_due ? (unsigned)ORL_IO_WRITE : 0U));
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

static int take_step(struct orl_source *s, const struct orl_clipboard_part *part)
{
    struct orl_clipboard step;
    int rc = orl_clipboard_in_add(&s->copy.in, part, &step, NULL);
    if (rc > 0) {
        s->events->on_clipboard(s->ctx, &step);
    }
    return rc < 0 ? rc : ORL_OK;
}

static void on_sound(void *ctx, const struct orl_sound *sound)
{
    const struct orl_source *s = ctx;
    if (s->is_sound_wanted) {
        s->events->on_sound(s->ctx, sound);
    }
}

static void on_speaker_closed(void *ctx, bool is_broken)
{
    struct orl_source *s = ctx;
    orl_qemu_speaker_free(s->speaker);
    s->speaker = NULL;
    if (is_broken) {
        close_now(s, ORL_REASON_CONSOLE_PROTOCOL, "the display broke its protocol for sound");
    }
}

static const struct orl_qemu_speaker_events speaker_events = {
        .on_sound = on_sound, .on_closed = on_speaker_closed};

/* Takes fd. Where there is one already, nobody reads its end any more. */
static int open_speaker(struct orl_source *s, int fd)
{
    orl_qemu_speaker_free(s->speaker);
    s->speaker = NULL;
    return orl_qemu_speaker_new(s->loop, fd, &speaker_events, s, &s->speaker, NULL);
}

/* What vmpool sends: the streams of the second head and of the sound, the guest's clipboard and lock keys. */
static void take_msg(struct orl_source *s)
{
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg msg;
    int rc = orl_link_recv(s->input_fd, buf, &msg);
    if (rc == ORL_E_AGAIN) {
        return;
    }
    if (rc == ORL_OK && msg.type == ORL_LINK_HEAD && s->heads[1].stream == NULL) {
        rc = open_head(s, 1, msg.surface_fd, NULL);
    } else if (rc == ORL_OK && msg.type == ORL_LINK_SPEAKER) {
        rc = open_speaker(s, msg.surface_fd);
    } else if (rc == ORL_OK && msg.type == ORL_LINK_LOCKS) {
        if (s->events->on_locks != NULL) {
            s->events->on_locks(s->ctx, msg.locks);
        }
    } else if (rc == ORL_OK && msg.type == ORL_LINK_CLIPBOARD) {
        rc = take_step(s, &msg.clipboard);
    } else if (rc == ORL_OK) {
        orl_close_fd(&msg.surface_fd);
        rc = ORL_E_PROTO;
    }
    if (rc < 0) {
        close_now(s, ORL_REASON_CONSOLE_LOST, "the display's keeper broke the link");
    }
}

static void on_input_socket(void *ctx, unsigned events)
{
    struct orl_source *s = ctx;
    if ((events & ORL_IO_HANGUP) != 0) {
        close_now(s, ORL_REASON_CONSOLE_LOST, "the display's keeper is gone");
        return;
    }
    if ((events & ORL_IO_READ) != 0) {
        take_msg(s);
    }
    if (!s->is_closed) {
        put_layout(s);
        orl_qemu_copy_flush(&s->copy);
        orl_qemu_input_flush(s->typed);
        watch_input(s);
    }
}

/* QEMU refuses a place that is not on its screen. */
static struct orl_input on_screen(struct orl_source *s, const struct orl_input *input)
{
    struct orl_input placed = *input;
    const struct orl_surface *surface = orl_qemu_heads_surface(s->whole);
    if (input->kind == ORL_INPUT_POINTER && surface != NULL) {
        int32_t max_x = (int32_t)orl_surface_width(surface) - 1;
        int32_t max_y = (int32_t)orl_surface_height(surface) - 1;
        placed.x = placed.x < max_x ? placed.x : max_x;
        placed.y = placed.y < max_y ? placed.y : max_y;
        orl_qemu_heads_to_first(s->whole, &placed.x, &placed.y);
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
        orl_qemu_heads_set_layout(s->whole, layout);
    }
}

static void source_set_viewed(struct orl_source *s, bool is_viewed)
{
    (void)s; /* QEMU sends what changes, whether or not somebody looks */
    (void)is_viewed;
}

static void source_clipboard(struct orl_source *s, const struct orl_clipboard *step)
{
    if (!s->is_closed) {
        orl_qemu_copy_put(&s->copy, step);
        watch_input(s);
    }
}

static void source_set_wanted(struct orl_source *s, uint32_t wants)
{
    s->is_sound_wanted = (wants & ORL_WANT_SOUND) != 0;
    if (!s->is_closed) {
        orl_qemu_copy_want(&s->copy, wants);
        watch_input(s);
    }
}

static void source_free(struct orl_source *s)
{
    if (s == NULL) {
        return;
    }
    orl_io_close(s->input);
    orl_timer_free(s->first);
    orl_qemu_input_free(s->typed);
    orl_qemu_copy_fini(&s->copy);
    orl_qemu_heads_free(s->whole);
    orl_qemu_speaker_free(s->speaker);
    for (unsigned i = 0; i < ORL_HEADS_MAX; i++) {
        orl_qemu_stream_free(s->heads[i].stream);
    }
    orl_close_fd(&s->input_fd); /* vmpool then releases the keys that are down */
    free(s);
}

static const struct orl_source_ops ops = {.input = source_input,
        .set_layout = source_set_layout,
        .set_viewed = source_set_viewed,
        .clipboard = source_clipboard,
        .set_wanted = source_set_wanted,
        .free = source_free};

static int start(struct orl_source *s, int stream_fd, struct orl_err *err)
{
    int rc = open_head(s, 0, stream_fd, err);
    s->typed = orl_qemu_input_new(s->input_fd, on_blocked, s);
    if (rc == ORL_OK && (s->typed == NULL || orl_qemu_heads_new(&heads_events, s, &s->whole) < 0)) {
        rc = orl_err_set(err, ORL_E_NOMEM, "QEMU source");
    }
    if (rc == ORL_OK) {
        rc = orl_io_open(s->loop, s->input_fd, ORL_IO_READ | ORL_IO_HANGUP, on_input_socket, s,
                &s->input, err);
    }
    return rc < 0 ? rc : orl_timer_new(s->loop, on_no_picture, s, &s->first, err);
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
    s->loop = loop;
    s->input_fd = input_fd;
    orl_qemu_copy_init(&s->copy, input_fd);
    s->events = events;
    s->ctx = ctx;
    int rc = start(s, stream_fd, err);
    if (rc < 0) {
        source_free(s);
        return rc;
    }
    orl_timer_start(s->first, FIRST_PICTURE_MAX_US, 0);
    ret_handle->ops = &ops;
    ret_handle->source = s;
    return ORL_OK;
}
