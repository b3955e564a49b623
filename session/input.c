#include "session/input.h"
#include "display/link.h"
#include <string.h>

void orl_session_input_init(struct orl_session_input *in, struct orl_picture *picture)
{
    *in = (struct orl_session_input){.picture = picture};
}

static int send_now(const struct orl_session_input *in, const struct orl_input *input)
{
    const struct orl_link_msg msg = {.type = ORL_LINK_INPUT, .input = *input, .surface_fd = -1};
    int fd = orl_picture_link_fd(in->picture);
    return fd < 0 ? ORL_E_CLOSED : orl_link_send(fd, &msg);
}

static void enqueue(struct orl_session_input *in, const struct orl_input *input)
{
    if (in->count > 0 && orl_input_merge(&in->queue[in->count - 1], input)) {
        return;
    }
    if (in->count == ORL_SESSION_INPUT_MAX) {
        in->count = 0;
        in->has_overflowed = true;
    }
    in->queue[in->count++] = *input;
    orl_picture_want_writable(in->picture, ORL_PICTURE_INPUT, true);
}

static int send_layout(struct orl_session_input *in)
{
    const struct orl_link_msg msg = {
            .type = ORL_LINK_LAYOUT, .layout = in->layout, .surface_fd = -1};
    int fd = orl_picture_link_fd(in->picture);
    int code = fd < 0 ? ORL_E_CLOSED : orl_link_send(fd, &msg);
    in->is_layout_due = code == ORL_E_AGAIN;
    return code;
}

static void want_writable(struct orl_session_input *in)
{
    orl_picture_want_writable(in->picture, ORL_PICTURE_INPUT,
            in->count > 0 || in->has_overflowed || in->is_layout_due);
}

void orl_session_input_layout(struct orl_session_input *in, const struct orl_layout *layout)
{
    if (in->is_view_only) {
        return;
    }
    in->layout = *layout;
    (void)send_layout(in); /* a link that is over tells so itself */
    want_writable(in);
}

void orl_session_input_flush(struct orl_session_input *in)
{
    const struct orl_input release = {.kind = ORL_INPUT_RELEASE_ALL};
    int code = in->is_layout_due ? send_layout(in) : ORL_OK;
    if (code == ORL_OK && in->has_overflowed) {
        code = send_now(in, &release);
        in->has_overflowed = code == ORL_E_AGAIN;
    }
    unsigned sent = 0;
    while (code == ORL_OK && sent < in->count) {
        code = send_now(in, &in->queue[sent]);
        sent += code == ORL_OK ? 1 : 0;
    }
    if (code < 0 && code != ORL_E_AGAIN) {
        orl_session_input_clear(in); /* the link is over; its end comes by itself */
        return;
    }
    in->count -= sent;
    memmove(in->queue, in->queue + sent, in->count * sizeof(in->queue[0]));
    want_writable(in);
}

void orl_session_input_send(struct orl_session_input *in, const struct orl_input *input)
{
    struct orl_input mapped = *input;
    bool is_always = input->kind == ORL_INPUT_RELEASE_ALL;
    if (in->is_view_only || orl_picture_link_fd(in->picture) < 0 ||
            (!is_always && !orl_picture_is_live(in->picture))) {
        return;
    }
    if (input->kind == ORL_INPUT_POINTER) {
        orl_picture_to_source(in->picture, input->x, input->y, &mapped.x, &mapped.y);
    }
    if (!orl_input_is_valid(&mapped)) {
        return;
    }
    if (in->count > 0 || in->has_overflowed || send_now(in, &mapped) == ORL_E_AGAIN) {
        enqueue(in, &mapped);
    }
}

void orl_session_input_clear(struct orl_session_input *in)
{
    in->count = 0;
    in->has_overflowed = false;
    in->is_layout_due = false;
    orl_picture_want_writable(in->picture, ORL_PICTURE_INPUT, false);
}
