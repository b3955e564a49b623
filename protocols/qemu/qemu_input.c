#include "protocols/qemu/qemu_input.h"
#include "display/link.h"
#include "protocols/qemu/qemu_keyboard.h"
#include <stdlib.h>

#define QUEUE_MAX 1024 /* beside what the socket takes: ten seconds of keys */

struct orl_qemu_input {
    int fd;
    void (*on_blocked)(void *ctx, bool is_blocked);
    void *ctx;
    struct orl_qemu_keyboard keyboard;
    struct orl_input queue[QUEUE_MAX]; /* a ring */
    unsigned first, count;
    bool has_overflowed; /* keys were lost: all are released before anything else goes */
};

static int send_now(const struct orl_qemu_input *in, const struct orl_input *input)
{
    const struct orl_link_msg msg = {.type = ORL_LINK_INPUT, .input = *input, .surface_fd = -1};
    return orl_link_send(in->fd, &msg);
}

static const struct orl_input *next_input(const struct orl_qemu_input *in)
{
    static const struct orl_input release = {.kind = ORL_INPUT_RELEASE_ALL};
    if (in->has_overflowed) {
        return &release;
    }
    return in->count > 0 ? &in->queue[in->first] : NULL;
}

static void drop_next(struct orl_qemu_input *in)
{
    if (in->has_overflowed) {
        in->has_overflowed = false;
    } else {
        in->first = (in->first + 1) % QUEUE_MAX;
        in->count--;
    }
}

void orl_qemu_input_flush(struct orl_qemu_input *in)
{
    int rc = ORL_OK;
    const struct orl_input *next = next_input(in);
    while (rc == ORL_OK && next != NULL) {
        rc = send_now(in, next);
        if (rc != ORL_E_AGAIN) { /* a socket that is closed says so to its reader */
            drop_next(in);
        }
        next = next_input(in);
    }
    in->on_blocked(in->ctx, rc == ORL_E_AGAIN);
}

static void enqueue(struct orl_qemu_input *in, const struct orl_input *input)
{
    struct orl_input *last = &in->queue[(in->first + in->count + QUEUE_MAX - 1) % QUEUE_MAX];
    if (in->count > 0 && orl_input_merge(last, input)) {
        return;
    }
    if (in->count == QUEUE_MAX) {
        in->count = 0;
        in->has_overflowed = true;
    }
    in->queue[(in->first + in->count) % QUEUE_MAX] = *input;
    in->count++;
}

void orl_qemu_input_put(struct orl_qemu_input *in, const struct orl_input *input)
{
    struct orl_qemu_keys keys;
    orl_qemu_keyboard_input(&in->keyboard, input, &keys);
    for (unsigned i = 0; i < keys.count; i++) {
        enqueue(in, &keys.input[i]);
    }
    orl_qemu_input_flush(in);
}

struct orl_qemu_input *orl_qemu_input_new(
        int fd, void (*on_blocked)(void *ctx, bool is_blocked), void *ctx)
{
    struct orl_qemu_input *in = calloc(1, sizeof(*in));
    if (in != NULL) {
        in->fd = fd;
        in->on_blocked = on_blocked;
        in->ctx = ctx;
    }
    return in;
}

void orl_qemu_input_free(struct orl_qemu_input *in)
{
    free(in);
}
