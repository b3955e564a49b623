#include "protocols/qemu/qemu_input.h"
#include "base/clock.h"
#include "display/link.h"
#include "protocols/qemu/qemu_keyboard.h"
#include <stdlib.h>

#define KEY_US (10 * ORL_US_PER_MS) /* as QEMU's own VNC server */
#define QUEUE_MAX 1024              /* ten seconds of keys */

struct orl_qemu_input {
    int fd;
    void (*on_blocked)(void *ctx, bool is_blocked);
    void *ctx;
    struct orl_timer *timer;
    struct orl_qemu_keyboard keyboard;
    struct orl_input queue[QUEUE_MAX]; /* a ring */
    unsigned first, count;
    bool has_overflowed; /* keys were lost: all are released before anything else goes */
    uint64_t next_key_us;
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
        uint64_t now_us = orl_clock_now_us();
        bool is_key = next->kind == ORL_INPUT_KEY;
        if (is_key && now_us < in->next_key_us) {
            orl_timer_start(in->timer, in->next_key_us - now_us, 0);
            break;
        }
        rc = send_now(in, next);
        if (rc != ORL_E_AGAIN) { /* a socket that is closed says so to its reader */
            in->next_key_us = is_key ? now_us + KEY_US : in->next_key_us;
            drop_next(in);
        }
        next = next_input(in);
    }
    in->on_blocked(in->ctx, rc == ORL_E_AGAIN);
}

static void on_timer(void *ctx)
{
    orl_qemu_input_flush(ctx);
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

int orl_qemu_input_new(struct orl_loop *loop, int fd,
        void (*on_blocked)(void *ctx, bool is_blocked), void *ctx,
        struct orl_qemu_input **ret_input, struct orl_err *err)
{
    struct orl_qemu_input *in = calloc(1, sizeof(*in));
    if (in == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "QEMU input");
    }
    in->fd = fd;
    in->on_blocked = on_blocked;
    in->ctx = ctx;
    int rc = orl_timer_new(loop, on_timer, in, &in->timer, err);
    if (rc < 0) {
        free(in);
        return rc;
    }
    *ret_input = in;
    return ORL_OK;
}

void orl_qemu_input_free(struct orl_qemu_input *in)
{
    if (in != NULL) {
        orl_timer_free(in->timer);
        free(in);
    }
}
