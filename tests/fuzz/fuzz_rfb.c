/* A hostile RFB client: its bytes to the parsers, and to a whole viewer on a socket pair, with what a session does to it
 * in between. */
#include "protocols/vnc/rfb_auth.h"
#include "protocols/vnc/rfb_aux_wire.h"
#include "protocols/vnc/rfb_viewer.h"
#include "protocols/vnc/rfb_wire.h"
#include "tests/fuzz/script.h"
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { CUT_MAX = 65536, SIZE_PX = 64, CHUNK_BYTES = 255 };

static void parse_all(const uint8_t *data, size_t len)
{
    const struct orl_rfb_wire wire = {.has_ext_buttons = len % 2 == 1, .cut_max = CUT_MAX};
    struct orl_rfb_msg msg;
    struct orl_aux_msg aux;
    int used = 1;
    for (size_t at = 0; at < len && used > 0; at += (size_t)used) {
        used = orl_rfb_parse(&wire, data + at, len - at, &msg);
        orl_assert(used < 0 || (size_t)used <= len - at);
        orl_assert(used <= 0 || msg.type != ORL_RFB_MSG_NONE);
    }
    if (orl_aux_parse(data, len, &aux) == ORL_OK) {
        orl_assert(aux.type != ORL_AUX_TEXT || aux.u.text.len < len);
    }
}

static void shake_hands(const uint8_t *data, size_t len)
{
    struct orl_rfb_auth auth;
    struct orl_buf out;
    orl_buf_init(&out, 4096);
    orl_rfb_auth_begin(&auth, len % 2 == 1, &out);
    int used = 1;
    for (size_t at = 0; at < len && used > 0; at += (size_t)used) {
        used = orl_rfb_auth_step(&auth, data + at, len - at, &out);
        orl_assert(used < 0 || (size_t)used <= len - at);
        if (auth.state == ORL_RFB_AUTH_TLS) {
            orl_rfb_auth_secured(&auth);
        } else if (auth.state == ORL_RFB_AUTH_LOGIN) {
            orl_rfb_auth_answer(&auth, data[at] % 2 == 0 ? NULL : "no", &out);
        }
    }
    orl_assert(!out.is_failed);
    orl_rfb_auth_fini(&auth);
    orl_buf_fini(&out);
}

struct session {
    struct orl_viewer_handle viewer;
    struct orl_loop *loop;
    struct orl_viewer_caps caps;
    uint32_t offer, frame_id;
    uint8_t *pixels;
};

static void on_login(void *ctx, struct orl_msg_login *login, struct orl_viewer_login_answer *ret)
{
    (void)ctx;
    (void)login;
    ret->is_accepted = true;
}

static void on_ready(void *ctx, const struct orl_viewer_caps *caps)
{
    ((struct session *)ctx)->caps = *caps;
}

static void on_input(void *ctx, const struct orl_input *input)
{
    (void)ctx;
    orl_assert(orl_input_is_valid(input));
}

static void on_layout(void *ctx, const struct orl_layout *layout)
{
    (void)ctx;
    orl_assert(orl_layout_is_valid(layout));
}

static void on_ack(void *ctx, uint32_t frame_id)
{
    orl_assert(frame_id > 0 && frame_id <= ((struct session *)ctx)->frame_id);
}

static void on_writable(void *ctx)
{
    (void)ctx;
}

static void on_visible(void *ctx, bool is_visible)
{
    (void)ctx;
    (void)is_visible;
}

static void on_refresh(void *ctx, const struct orl_rect *r)
{
    (void)ctx;
    (void)r;
}

static void on_clipboard(void *ctx, const struct orl_clipboard *step)
{
    struct session *session = ctx;
    session->offer = step->step == ORL_CLIPBOARD_OFFER ? step->serial : session->offer;
    orl_assert(step->len <= CUT_MAX);
}

static void on_closed(void *ctx, enum orl_reason reason, const char *text)
{
    struct session *session = ctx;
    (void)reason;
    (void)text;
    session->viewer.ops->free(session->viewer.viewer);
    session->viewer.ops = NULL;
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

static void send_frame(struct session *session)
{
    const int32_t width =
            session->caps.width_px < SIZE_PX ? (int32_t)session->caps.width_px : SIZE_PX;
    const struct orl_op op = {.kind = ORL_OP_LOSSLESS, .rect = {0, 0, width, 1}};
    const struct orl_update update = {.frame_id = session->frame_id + 1,
            .pixels = session->pixels,
            .stride_bytes = (size_t)SIZE_PX * 4,
            .width_px = session->caps.width_px,
            .height_px = session->caps.height_px,
            .ops = &op,
            .op_count = 1};
    if (session->viewer.ops->send(session->viewer.viewer, &update) == ORL_OK) {
        session->frame_id++;
    }
}

static void act(struct session *session, uint8_t what)
{
    static const struct orl_permit permit = {
            .clipboard = ORL_CLIPBOARD_BOTH, .clipboard_max_bytes = CUT_MAX, .has_sound = 1};
    struct orl_clipboard step = {
            .step = ORL_CLIPBOARD_OFFER, .serial = 1, .has_text = true, .text = "t", .len = 1};
    const struct orl_viewer_ops *ops = session->viewer.ops;
    struct orl_viewer *v = session->viewer.viewer;
    switch (what % 6) {
    case 0:
        send_frame(session);
        break;
    case 1:
        ops->permit(v, &permit);
        break;
    case 2:
        step.step = what % 12 == 2 ? ORL_CLIPBOARD_OFFER : ORL_CLIPBOARD_DATA;
        ops->clipboard(v, &step);
        break;
    case 3:
        step = (struct orl_clipboard){.step = ORL_CLIPBOARD_REQUEST, .serial = session->offer};
        ops->clipboard(v, &step);
        break;
    case 4:
        if (ops->set_size(v, SIZE_PX, what) == ORL_OK) {
            session->caps.width_px = SIZE_PX;
            session->caps.height_px = what;
        }
        break;
    default:
        break;
    }
}

static void stop(void *ctx)
{
    orl_loop_stop(ctx);
}

/* Each chunk, and after it something that the session does. What the viewer writes is read, or not. */
static void play(struct session *session, struct orl_timer *timer, int fd, struct script *script)
{
    static const char hello[] = "RFB 003.008\n\x01\x01";
    const bool reads = script_u8(script) % 4 != 0;
    uint8_t waste[4096];
    (void)!write(fd, hello, sizeof(hello) - 1);
    while (!script_is_over(script) && session->viewer.ops != NULL) {
        size_t len = 0;
        const uint8_t what = script_u8(script);
        const uint8_t *bytes = script_bytes(script, CHUNK_BYTES, &len);
        (void)!send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        script_turn(session->loop, timer);
        while (reads && recv(fd, waste, sizeof(waste), MSG_DONTWAIT) > 0) {
        }
        if (session->viewer.ops != NULL && session->caps.width_px != 0) {
            act(session, what);
        }
    }
}

static void serve(const uint8_t *data, size_t len)
{
    int pair[2];
    struct session session = {.pixels = calloc((size_t)SIZE_PX * 256, 4)};
    struct orl_timer *timer = NULL;
    struct script script = {.data = data, .len = len};
    if (session.pixels == NULL || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) {
        abort();
    }
    orl_assert(orl_loop_new(&session.loop, NULL) == ORL_OK);
    orl_assert(orl_timer_new(session.loop, stop, session.loop, &timer, NULL) == ORL_OK);
    const struct orl_rfb_opts opts = {.fd = pair[1], .aux_fd = -1};
    orl_assert(orl_rfb_viewer_new(session.loop, &opts, &events, &session, &session.viewer, NULL) ==
               ORL_OK);
    orl_assert(orl_rfb_viewer_start(session.viewer.viewer, NULL) == ORL_OK);
    play(&session, timer, pair[0], &script);
    if (session.viewer.ops != NULL) {
        session.viewer.ops->free(session.viewer.viewer);
    }
    close(pair[0]);
    orl_timer_free(timer);
    orl_loop_free(session.loop);
    free(session.pixels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    parse_all(data, len);
    shake_hands(data, len);
    serve(data, len);
    return 0;
}
