#include "rfb_bed.h"
#include "base/clock.h"
#include "protocols/vnc/rfb_encoding.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_S = 20, QUIET_TURNS = 5, HEX_MAX = 512 };

static void on_login(void *ctx, struct orl_msg_login *login, struct orl_viewer_login_answer *ret)
{
    struct bed *bed = ctx;
    bed->logins++;
    bed->login = *login;
    ret->is_accepted = bed->accepts;
    ret->reason = ORL_REASON_AUTH_FAILED;
}

static void on_ready(void *ctx, const struct orl_viewer_caps *caps)
{
    struct bed *bed = ctx;
    bed->readies++;
    bed->caps = *caps;
}

static void on_input(void *ctx, const struct orl_input *input)
{
    struct bed *bed = ctx;
    if (bed->input_count < BED_INPUTS) {
        bed->inputs[bed->input_count++] = *input;
    }
}

static void on_layout(void *ctx, const struct orl_layout *layout)
{
    struct bed *bed = ctx;
    bed->layouts++;
    bed->layout = *layout;
}

static void on_ack(void *ctx, uint32_t frame_id)
{
    struct bed *bed = ctx;
    bed->acks++;
    bed->acked = frame_id;
}

static void on_writable(void *ctx)
{
    ((struct bed *)ctx)->writables++;
}

static void on_visible(void *ctx, bool is_visible)
{
    struct bed *bed = ctx;
    bed->shown += is_visible ? 1 : 0;
    bed->hidden += is_visible ? 0 : 1;
}

static void on_refresh(void *ctx, const struct orl_rect *r)
{
    (void)r;
    ((struct bed *)ctx)->refreshes++;
}

static void on_clipboard(void *ctx, const struct orl_clipboard *step)
{
    struct bed *bed = ctx;
    assert_true(bed->step_count < BED_STEPS);
    struct orl_clipboard *kept = &bed->steps[bed->step_count];
    *kept = *step;
    if (step->len > 0 && step->len < BED_TEXT) {
        memcpy(bed->texts[bed->step_count], step->text, step->len);
    }
    kept->text = bed->texts[bed->step_count++];
}

static void on_closed(void *ctx, enum orl_reason reason, const char *text)
{
    struct bed *bed = ctx;
    bed->closes++;
    bed->reason = reason;
    orl_msg_text(bed->text, sizeof(bed->text), text);
    bed->viewer.ops->free(bed->viewer.viewer);
    bed->viewer.ops = NULL;
}

static const struct orl_viewer_events events = {.on_login = on_login,
        .on_ready = on_ready,
        .on_input = on_input,
        .on_layout = on_layout,
        .on_ack = on_ack,
        .on_writable = on_writable,
        .on_visible = on_visible,
        .on_refresh = on_refresh,
        .on_clipboard = on_clipboard,
        .on_closed = on_closed};

static void stop(void *ctx)
{
    orl_loop_stop(((struct bed *)ctx)->loop);
}

void bed_turn(struct bed *bed)
{
    orl_timer_start(bed->timer, 1000, 0);
    orl_loop_run(bed->loop);
}

void bed_open(struct bed *bed, const struct orl_tls_keys *keys)
{
    int pair[2];
    int aux[2] = {-1, -1};
    *bed = (struct bed){.accepts = true};
    assert_int_equal(orl_loop_new(&bed->loop, NULL), 0);
    assert_int_equal(orl_timer_new(bed->loop, stop, bed, &bed->timer, NULL), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    if (keys == NULL) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, aux), 0);
    }
    bed->fd = pair[0];
    bed->aux_fd = aux[0];
    const struct orl_rfb_opts opts = {.fd = pair[1], .aux_fd = aux[1], .keys = keys};
    assert_int_equal(orl_rfb_viewer_new(bed->loop, &opts, &events, bed, &bed->viewer, NULL), 0);
    assert_int_equal(orl_rfb_viewer_start(bed->viewer.viewer, NULL), 0);
}

void bed_close(struct bed *bed)
{
    if (bed->viewer.ops != NULL) {
        bed->viewer.ops->free(bed->viewer.viewer);
    }
    if (bed->fd >= 0) {
        close(bed->fd);
    }
    if (bed->aux_fd >= 0) {
        close(bed->aux_fd);
    }
    orl_timer_free(bed->timer);
    orl_loop_free(bed->loop);
}

void bed_send(struct bed *bed, const void *data, size_t len)
{
    const uint8_t *at = data;
    const uint64_t until_us = orl_clock_now_us() + PATIENCE_S * ORL_US_PER_S;
    while (len > 0) {
        const ssize_t sent = send(bed->fd, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            at += sent;
            len -= (size_t)sent;
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return; /* the viewer had enough; what it says about it is what the test looks at */
        } else {
            assert_int_equal(errno, EAGAIN);
            assert_true(orl_clock_now_us() < until_us);
        }
        bed_turn(bed);
    }
    bed_turn(bed);
}

static size_t from_hex(const char *hex, uint8_t ret[HEX_MAX])
{
    size_t len = 0;
    char *end = NULL;
    for (const char *at = hex; *at != '\0'; at = end) {
        const unsigned long value = strtoul(at, &end, 16);
        if (end == at) {
            break;
        }
        assert_true(len < HEX_MAX && value <= 0xFF);
        ret[len++] = (uint8_t)value;
    }
    return len;
}

void bed_send_text(struct bed *bed, const char *hex)
{
    uint8_t data[HEX_MAX];
    bed_send(bed, data, from_hex(hex, data));
}

void bed_read(struct bed *bed, void *ret_data, size_t len)
{
    uint8_t *at = ret_data;
    const uint64_t until_us = orl_clock_now_us() + PATIENCE_S * ORL_US_PER_S;
    while (len > 0) {
        const ssize_t got = recv(bed->fd, at, len, MSG_DONTWAIT);
        if (got > 0) {
            at += got;
            len -= (size_t)got;
            continue;
        }
        assert_true(got < 0 && errno == EAGAIN);
        assert_true(orl_clock_now_us() < until_us);
        bed_turn(bed);
    }
}

void bed_expect(struct bed *bed, const char *hex)
{
    uint8_t wanted[HEX_MAX];
    uint8_t got[HEX_MAX];
    const size_t len = from_hex(hex, wanted);
    bed_read(bed, got, len);
    assert_memory_equal(got, wanted, len);
}

bool bed_is_over(struct bed *bed)
{
    uint8_t waste[4096];
    const uint64_t until_us = orl_clock_now_us() + PATIENCE_S * ORL_US_PER_S;
    ssize_t got = 1;
    while ((bed->closes == 0 || got > 0) && orl_clock_now_us() < until_us) {
        got = recv(bed->fd, waste, sizeof(waste), MSG_DONTWAIT);
        if (got == 0) {
            (void)shutdown(bed->fd, SHUT_WR);
        }
        bed_turn(bed);
    }
    return bed->closes == 1;
}

bool bed_is_quiet(struct bed *bed)
{
    uint8_t byte;
    for (int i = 0; i < QUIET_TURNS; i++) {
        bed_turn(bed);
    }
    return recv(bed->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

void bed_shake_hands(struct bed *bed)
{
    uint8_t init[24];
    char name[BED_TEXT];
    bed_expect(bed, "52 46 42 20 30 30 33 2e 30 30 38 0a");
    bed_send(bed, "RFB 003.008\n", 12);
    bed_expect(bed, "01 01");
    bed_send_text(bed, "01");
    bed_expect(bed, "00 00 00 00");
    bed_send_text(bed, "01");
    bed_read(bed, init, sizeof(init));
    assert_true(init[20] == 0 && init[21] == 0 && init[22] < sizeof(name) / 256);
    bed_read(bed, name, (size_t)init[22] << 8 | init[23]);
}

void bed_encodings(struct bed *bed, const int32_t *encodings)
{
    uint8_t msg[4 + 4 * 64] = {2};
    unsigned count = 0;
    do {
        const uint32_t value = (uint32_t)encodings[count];
        for (unsigned i = 0; i < 4; i++) {
            msg[4 + count * 4 + i] = (uint8_t)(value >> (24 - 8 * i));
        }
    } while (encodings[count++] != ORL_RFB_RAW);
    msg[3] = (uint8_t)count;
    bed_send(bed, msg, 4 + (size_t)count * 4);
}

void bed_request(struct bed *bed, bool is_incremental)
{
    bed_send_text(bed,
            is_incremental ? "03 01 00 00 00 00 04 00 03 00" : "03 00 00 00 00 00 04 00 03 00");
}

void bed_ready(struct bed *bed, const int32_t *encodings)
{
    bed_shake_hands(bed);
    bed_encodings(bed, encodings);
    bed_request(bed, false);
    assert_int_equal(bed->readies, 1);
}

int bed_frame(struct bed *bed, uint32_t frame_id, int32_t width, int32_t height, uint32_t colour)
{
    const size_t count = (size_t)bed->caps.width_px * bed->caps.height_px;
    uint32_t *pixels = malloc(count * sizeof(*pixels));
    assert_non_null(pixels);
    for (size_t i = 0; i < count; i++) {
        pixels[i] = colour;
    }
    const struct orl_op op = {.kind = ORL_OP_LOSSLESS, .rect = {0, 0, width, height}};
    const struct orl_update update = {.frame_id = frame_id,
            .pixels = (const uint8_t *)pixels,
            .stride_bytes = (size_t)bed->caps.width_px * sizeof(*pixels),
            .width_px = bed->caps.width_px,
            .height_px = bed->caps.height_px,
            .ops = &op,
            .op_count = 1};
    const int code = bed->viewer.ops->send(bed->viewer.viewer, &update);
    free(pixels);
    return code;
}
