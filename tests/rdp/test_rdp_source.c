/* Our RDP source looking at our RDP viewer, both on one loop: pixels, input, sizes, clipboard, sound, and the ways in
 * which it must not go on. */
#include "base/clock.h"
#include "base/log.h"
#include "display/link.h"
#include "protocols/rdp/rdp_source.h"
#include "tests/rdp/rdp_testbed.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { WAIT_MS = 20000, STEP_US = 2000, INPUTS_MAX = 64, TEXT_MAX = 256 };

struct rig {
    struct orl_loop *loop;
    struct orl_timer *step;
    bool (*is_reached)(struct rig *rig);
    uint64_t end_us;

    /* the server */
    struct orl_viewer_handle viewer;
    struct orl_viewer_caps caps;
    uint8_t *pixels;
    uint32_t width, height, seed, frame_id;
    bool is_update_due, is_hidden;
    unsigned logins, proofs, readies, server_closes, layouts;
    char user[2 * ORL_USER_MAX + 2];
    struct orl_layout layout;
    struct orl_input inputs[INPUTS_MAX];
    unsigned input_count;
    struct orl_clipboard server_step;
    char server_text[TEXT_MAX];
    unsigned server_steps;

    /* the source */
    struct orl_source_handle source;
    struct orl_surface *reader; /* as a session has it */
    unsigned surfaces, damages, closes;
    enum orl_reason reason;
    char text[200];
    struct orl_clipboard step_in;
    char step_text[TEXT_MAX];
    unsigned steps;
    uint64_t sound_bytes;
    uint32_t sound_rate;
    unsigned loud;
};

static char fingerprint[65];

/* ---- the server ---- */

static void paint(struct rig *rig, uint32_t width, uint32_t height, uint32_t seed)
{
    free(rig->pixels);
    rig->pixels = calloc((size_t)width * height, 4);
    assert_non_null(rig->pixels);
    rig->width = width;
    rig->height = height;
    rig->seed = seed;
    for (uint32_t i = 0; i < width * height; i++) {
        uint8_t *p = rig->pixels + (size_t)i * 4;
        p[0] = (uint8_t)(i * 7 + seed);
        p[1] = (uint8_t)(i / width * 3);
        p[2] = (uint8_t)((i % 97) * seed);
    }
    rig->is_update_due = true;
}

static void send_picture(struct rig *rig)
{
    const struct orl_op op = {
            .kind = ORL_OP_LOSSLESS, .rect = {0, 0, (int32_t)rig->width, (int32_t)rig->height}};
    const struct orl_update update = {.frame_id = rig->frame_id + 1,
            .pixels = rig->pixels,
            .stride_bytes = (size_t)rig->width * 4,
            .width_px = rig->width,
            .height_px = rig->height,
            .ops = &op,
            .op_count = 1};
    if (rig->is_update_due && rig->viewer.viewer != NULL &&
            rig->viewer.ops->send(rig->viewer.viewer, &update) == 0) {
        rig->frame_id++;
        rig->is_update_due = false;
    }
}

static void show(struct rig *rig, uint32_t width, uint32_t height, uint32_t seed)
{
    paint(rig, width, height, seed);
    assert_int_equal(rig->viewer.ops->set_size(rig->viewer.viewer, width, height), 0);
    send_picture(rig);
}

static void on_login(void *ctx, struct orl_msg_login *login, struct orl_viewer_login_answer *answer)
{
    struct rig *rig = ctx;
    rig->logins++;
    (void)snprintf(rig->user, sizeof(rig->user), "%s|%s", login->domain, login->user);
    answer->is_accepted = strcmp(login->password, "secret") == 0;
    answer->reason = ORL_REASON_AUTH_FAILED;
}

static void on_proof(void *ctx, struct orl_msg_proof *proof, struct orl_viewer_login_answer *answer)
{
    struct rig *rig = ctx;
    (void)proof;
    rig->proofs++;
    answer->reason = ORL_REASON_TICKET_INVALID;
}

static void on_ready(void *ctx, const struct orl_viewer_caps *caps)
{
    struct rig *rig = ctx;
    const struct orl_permit permit = {.clipboard = ORL_CLIPBOARD_BOTH,
            .clipboard_max_bytes = ORL_CLIPBOARD_MAX_BYTES,
            .has_sound = 1};
    rig->caps = *caps;
    if (rig->readies++ == 0) {
        rig->viewer.ops->permit(rig->viewer.viewer, &permit);
        show(rig, caps->width_px, caps->height_px, 3);
    }
}

static void on_input(void *ctx, const struct orl_input *input)
{
    struct rig *rig = ctx;
    assert_true(orl_input_is_valid(input));
    if (rig->input_count < INPUTS_MAX) {
        rig->inputs[rig->input_count++] = *input;
    }
}

static void on_layout(void *ctx, const struct orl_layout *layout)
{
    struct rig *rig = ctx;
    uint32_t width = 0;
    uint32_t height = 0;
    rig->layouts++;
    rig->layout = *layout;
    orl_layout_bounds(layout, &width, &height);
    show(rig, width, height, 5);
}

static void on_ack(void *ctx, uint32_t frame_id)
{
    (void)frame_id;
    send_picture(ctx);
}

static void on_arrived(void *ctx, uint64_t bytes_out)
{
    (void)ctx;
    (void)bytes_out;
}

static void on_writable(void *ctx)
{
    send_picture(ctx);
}

static void on_visible(void *ctx, bool is_visible)
{
    struct rig *rig = ctx;
    rig->is_hidden = !is_visible;
}

static void on_refresh(void *ctx, const struct orl_rect *r)
{
    (void)ctx;
    (void)r;
}

static void keep_step(const struct orl_clipboard *step, struct orl_clipboard *ret, char *ret_text)
{
    *ret = *step;
    (void)snprintf(ret_text, TEXT_MAX, "%.*s", (int)step->len, step->len > 0 ? step->text : "");
    ret->text = ret_text;
}

static void on_server_clipboard(void *ctx, const struct orl_clipboard *step)
{
    struct rig *rig = ctx;
    keep_step(step, &rig->server_step, rig->server_text);
    rig->server_steps++;
}

static void on_server_closed(void *ctx, enum orl_reason reason, const char *text)
{
    struct rig *rig = ctx;
    (void)reason;
    (void)text;
    rig->server_closes++;
    rig->viewer.ops->free(rig->viewer.viewer);
    rig->viewer.viewer = NULL;
}

/* ---- the source ---- */

static void on_surface(void *ctx, struct orl_surface *surface)
{
    struct rig *rig = ctx;
    const int fd = dup(orl_surface_fd(surface));
    assert_true(fd >= 0);
    orl_surface_free(rig->reader);
    rig->reader = NULL;
    assert_int_equal(orl_surface_open(fd, &rig->reader, NULL), 0);
    rig->surfaces++;
}

static void on_damage(void *ctx)
{
    struct rig *rig = ctx;
    rig->damages++;
}

static void on_clipboard(void *ctx, const struct orl_clipboard *step)
{
    struct rig *rig = ctx;
    keep_step(step, &rig->step_in, rig->step_text);
    rig->steps++;
}

static void on_sound(void *ctx, const struct orl_sound *sound)
{
    struct rig *rig = ctx;
    assert_true(orl_sound_is_valid(sound));
    rig->sound_bytes += sound->len;
    rig->sound_rate = sound->rate_hz;
    for (size_t i = 0; i + 1 < sound->len; i += 2) {
        const int16_t v = (int16_t)(sound->samples[i] | sound->samples[i + 1] << 8);
        rig->loud += v > 8000 || v < -8000 ? 1 : 0;
    }
}

static void on_closed(void *ctx, enum orl_reason reason, const char *text)
{
    struct rig *rig = ctx;
    rig->closes++;
    rig->reason = reason;
    (void)snprintf(rig->text, sizeof(rig->text), "%s", text);
}

/* ---- the two of them ---- */

static void on_step(void *ctx)
{
    struct rig *rig = ctx;
    if (rig->is_reached(rig) || orl_clock_now_us() > rig->end_us) {
        orl_loop_stop(rig->loop);
    }
}

static bool wait_until(struct rig *rig, bool (*is_reached)(struct rig *rig))
{
    rig->is_reached = is_reached;
    rig->end_us = orl_clock_now_us() + WAIT_MS * ORL_US_PER_MS;
    orl_timer_start(rig->step, STEP_US, STEP_US);
    orl_loop_run(rig->loop);
    orl_timer_stop(rig->step);
    return is_reached(rig);
}

struct how {
    const char *user, *password, *fingerprint;
    bool is_silent; /* nobody serves */
    struct orl_layout layout;
};

static void serve(struct rig *rig, int fd)
{
    static const struct orl_viewer_events events = {.on_login = on_login,
            .on_proof = on_proof,
            .on_ready = on_ready,
            .on_input = on_input,
            .on_layout = on_layout,
            .on_ack = on_ack,
            .on_arrived = on_arrived,
            .on_writable = on_writable,
            .on_visible = on_visible,
            .on_refresh = on_refresh,
            .on_clipboard = on_server_clipboard,
            .on_closed = on_server_closed};
    const struct orl_rdp_opts opts = {.fd = fd,
            .cert_pem = testbed_cert_pem(),
            .key_pem = testbed_key_pem(),
            .threads = 1,
            .client = "test",
            .has_clear = true,
            .has_bulk_compression = true};
    assert_int_equal(orl_rdp_viewer_new(rig->loop, &opts, &events, rig, &rig->viewer, NULL), 0);
    assert_int_equal(orl_rdp_viewer_start(rig->viewer.viewer, NULL), 0);
}

/* Returns the server's end when nobody serves, else -1. */
static int start(struct rig *rig, const struct how *how)
{
    static const struct orl_source_events events = {.on_surface = on_surface,
            .on_damage = on_damage,
            .on_clipboard = on_clipboard,
            .on_sound = on_sound,
            .on_closed = on_closed};
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(orl_loop_new(&rig->loop, NULL), 0);
    assert_int_equal(orl_timer_new(rig->loop, on_step, rig, &rig->step, NULL), 0);
    const struct orl_rdp_source_opts opts = {.fd = fds[1],
            .user = how->user != NULL ? how->user : "person",
            .domain = "HOUSE",
            .password = how->password != NULL ? how->password : "secret",
            .fingerprint = how->fingerprint != NULL ? how->fingerprint : fingerprint};
    assert_int_equal(orl_rdp_source_new(rig->loop, &opts, &events, rig, &rig->source, NULL), 0);
    const struct orl_layout layout = how->layout.count > 0 ? how->layout : orl_layout_one(640, 480);
    rig->source.ops->set_viewed(rig->source.source, true);
    rig->source.ops->set_layout(rig->source.source, &layout);
    if (how->is_silent) {
        return fds[0];
    }
    serve(rig, fds[0]);
    return -1;
}

static void stop(struct rig *rig)
{
    rig->source.ops->free(rig->source.source);
    if (rig->viewer.viewer != NULL) {
        rig->viewer.ops->free(rig->viewer.viewer);
    }
    orl_surface_free(rig->reader);
    orl_timer_free(rig->step);
    orl_loop_free(rig->loop);
    free(rig->pixels);
}

static bool is_same_picture(struct rig *rig)
{
    if (rig->reader == NULL || rig->pixels == NULL || rig->is_update_due ||
            orl_surface_width(rig->reader) != rig->width ||
            orl_surface_height(rig->reader) != rig->height) {
        return false;
    }
    for (size_t y = 0; y < rig->height; y++) {
        const uint8_t *a = orl_surface_pixels(rig->reader) + y * orl_surface_stride(rig->reader);
        const uint8_t *b = rig->pixels + y * rig->width * 4;
        for (size_t x = 0; x < rig->width; x++) {
            if (memcmp(a + x * 4, b + x * 4, 3) != 0) {
                return false;
            }
        }
    }
    return true;
}

static bool is_closed(struct rig *rig)
{
    return rig->closes > 0;
}

static struct rig *up(struct rig *rig)
{
    *rig = (struct rig){.frame_id = 0};
    (void)start(rig, &(struct how){0});
    assert_true(wait_until(rig, is_same_picture));
    return rig;
}

static void the_picture_is_the_servers_to_the_bit(void **state)
{
    (void)state;
    static struct rig rig;
    up(&rig);
    assert_int_equal(rig.logins, 1);
    assert_string_equal(rig.user, "HOUSE|person");
    assert_int_equal(rig.width, 640);
    assert_int_equal(rig.height, 480);
    assert_true(rig.caps.has_copy); /* the graphics pipeline */
    assert_false(rig.caps.has_h264);
    struct orl_region damage;
    orl_region_clear(&damage);
    orl_surface_take_damage(rig.reader, &damage);
    paint(&rig, 640, 480, 11);
    send_picture(&rig);
    assert_true(wait_until(&rig, is_same_picture));
    orl_region_clear(&damage);
    orl_surface_take_damage(rig.reader, &damage);
    assert_false(orl_region_is_empty(&damage));
    stop(&rig);
}

static void send_input(struct rig *rig, struct orl_input input)
{
    assert_true(orl_input_is_valid(&input));
    rig->source.ops->input(rig->source.source, &input);
}

static const struct orl_input *find(const struct rig *rig, struct orl_input wanted)
{
    for (unsigned i = 0; i < rig->input_count; i++) {
        if (memcmp(&rig->inputs[i], &wanted, sizeof(wanted)) == 0) {
            return &rig->inputs[i];
        }
    }
    return NULL;
}

static bool has_end_of_input(struct rig *rig)
{
    return find(rig, (struct orl_input){.kind = ORL_INPUT_KEY, .code = 0x02}) != NULL;
}

static void what_a_person_does_reaches_the_server(void **state)
{
    (void)state;
    static struct rig rig;
    up(&rig);
    const struct orl_input wanted[] = {{.kind = ORL_INPUT_KEY, .code = 0x1E, .is_down = 1},
            {.kind = ORL_INPUT_KEY, .code = 0x1E},
            {.kind = ORL_INPUT_KEY, .code = 0x11D, .is_down = 1},
            {.kind = ORL_INPUT_KEY, .code = 0x11D},
            {.kind = ORL_INPUT_KEYSYM, .code = 0x01000416, .is_down = 1},
            {.kind = ORL_INPUT_KEYSYM, .code = 0x01000416},
            {.kind = ORL_INPUT_POINTER, .x = 100, .y = 90},
            {.kind = ORL_INPUT_POINTER, .x = 100, .y = 90, .code = ORL_BUTTON_LEFT},
            {.kind = ORL_INPUT_POINTER, .x = 100, .y = 90},
            {.kind = ORL_INPUT_POINTER, .x = 100, .y = 90, .code = ORL_BUTTON_EXTRA},
            {.kind = ORL_INPUT_POINTER, .x = 100, .y = 90}, {.kind = ORL_INPUT_WHEEL, .y = 120},
            {.kind = ORL_INPUT_WHEEL, .y = -120}, {.kind = ORL_INPUT_WHEEL, .x = 120},
            {.kind = ORL_INPUT_WHEEL, .x = -60}, {.kind = ORL_INPUT_LOCKS, .code = ORL_LOCK_CAPS},
            {.kind = ORL_INPUT_KEY, .code = 0x02, .is_down = 1}};
    const size_t count = sizeof(wanted) / sizeof(wanted[0]);
    for (size_t i = 0; i < count; i++) {
        send_input(&rig, wanted[i]);
    }
    send_input(&rig, (struct orl_input){.kind = ORL_INPUT_RELEASE_ALL});
    assert_true(wait_until(&rig, has_end_of_input));
    for (size_t i = 0; i < count; i++) {
        print_message("input %zu\n", i);
        assert_non_null(find(&rig, wanted[i]));
    }
    stop(&rig);
}

static bool has_layout(struct rig *rig)
{
    return rig->layouts > 0 && is_same_picture(rig);
}

static void a_wanted_size_becomes_the_desktops(void **state)
{
    (void)state;
    static struct rig rig;
    up(&rig);
    const struct orl_layout layout = orl_layout_one(800, 600);
    rig.source.ops->set_layout(rig.source.source, &layout);
    assert_true(wait_until(&rig, has_layout));
    assert_int_equal(rig.width, 800);
    assert_int_equal(rig.height, 600);
    assert_int_equal(rig.surfaces, 2);
    assert_int_equal(rig.closes, 0);
    stop(&rig);
}

static void two_monitors_are_asked_for_as_two(void **state)
{
    (void)state;
    static struct rig rig;
    up(&rig);
    const struct orl_layout two = {.count = 2, .heads = {{0, 0, 640, 480}, {640, 0, 320, 480}}};
    rig.source.ops->set_layout(rig.source.source, &two);
    assert_true(wait_until(&rig, has_layout));
    assert_true(orl_layout_is_equal(&rig.layout, &two));
    assert_int_equal(rig.width, 960);
    stop(&rig);
}

static void nobody_looks_is_told(void **state)
{
    (void)state;
    static struct rig rig;
    up(&rig);
    rig.source.ops->set_viewed(rig.source.source, false);
    send_input(&rig, (struct orl_input){.kind = ORL_INPUT_KEY, .code = 0x02, .is_down = 1});
    send_input(&rig, (struct orl_input){.kind = ORL_INPUT_KEY, .code = 0x02});
    assert_true(wait_until(&rig, has_end_of_input));
    assert_true(rig.is_hidden);
    stop(&rig);
}

static bool has_server_step(struct rig *rig)
{
    return rig->server_steps > 0;
}

static bool has_step(struct rig *rig)
{
    return rig->steps > 0;
}

static void text_goes_to_the_server_when_it_pastes(void **state)
{
    (void)state;
    static struct rig rig;
    static const char text[] = "gr\xC3\xBC\xC3\x9F\n\xF0\x9F\x98\x80";
    up(&rig);
    rig.source.ops->clipboard(rig.source.source,
            &(struct orl_clipboard){.step = ORL_CLIPBOARD_OFFER, .serial = 7, .has_text = true});
    assert_true(wait_until(&rig, has_server_step));
    assert_int_equal(rig.server_step.step, ORL_CLIPBOARD_OFFER);
    const uint32_t serial = rig.server_step.serial;
    rig.viewer.ops->clipboard(rig.viewer.viewer,
            &(struct orl_clipboard){.step = ORL_CLIPBOARD_REQUEST, .serial = serial});
    assert_true(wait_until(&rig, has_step));
    assert_int_equal(rig.step_in.step, ORL_CLIPBOARD_REQUEST);
    assert_int_equal(rig.step_in.serial, 7);
    rig.server_steps = 0;
    rig.source.ops->clipboard(rig.source.source, &(struct orl_clipboard){.step = ORL_CLIPBOARD_DATA,
                                                         .serial = 7,
                                                         .has_text = true,
                                                         .text = text,
                                                         .len = strlen(text)});
    assert_true(wait_until(&rig, has_server_step));
    assert_int_equal(rig.server_step.step, ORL_CLIPBOARD_DATA);
    assert_string_equal(rig.server_text, text);
    stop(&rig);
}

static void text_comes_from_the_server_when_somebody_pastes(void **state)
{
    (void)state;
    static struct rig rig;
    static const char text[] = "von dort: \xE2\x82\xAC\nzwei";
    up(&rig);
    rig.viewer.ops->clipboard(rig.viewer.viewer,
            &(struct orl_clipboard){.step = ORL_CLIPBOARD_OFFER, .serial = 4, .has_text = true});
    assert_true(wait_until(&rig, has_step));
    assert_int_equal(rig.step_in.step, ORL_CLIPBOARD_OFFER);
    assert_true(rig.step_in.has_text);
    rig.source.ops->clipboard(rig.source.source,
            &(struct orl_clipboard){.step = ORL_CLIPBOARD_REQUEST, .serial = rig.step_in.serial});
    assert_true(wait_until(&rig, has_server_step));
    assert_int_equal(rig.server_step.step, ORL_CLIPBOARD_REQUEST);
    rig.steps = 0;
    rig.viewer.ops->clipboard(rig.viewer.viewer, &(struct orl_clipboard){.step = ORL_CLIPBOARD_DATA,
                                                         .serial = rig.server_step.serial,
                                                         .has_text = true,
                                                         .text = text,
                                                         .len = strlen(text)});
    assert_true(wait_until(&rig, has_step));
    assert_int_equal(rig.step_in.step, ORL_CLIPBOARD_DATA);
    assert_true(rig.step_in.has_text);
    assert_string_equal(rig.step_text, text);
    stop(&rig);
}

/* Sound starts when the client has answered with its formats. */
static bool has_sound(struct rig *rig)
{
    int16_t samples[960] = {0};
    for (size_t i = 0; i < 960; i++) {
        samples[i] = (i / 2) % 48 < 24 ? 12000 : -12000;
    }
    const struct orl_sound sound = {.rate_hz = 48000,
            .channels = 2,
            .samples = (const uint8_t *)samples,
            .len = sizeof(samples)};
    rig->viewer.ops->sound(rig->viewer.viewer, &sound);
    return rig->loud > 5000;
}

static void sound_is_heard_by_who_wants_it(void **state)
{
    (void)state;
    static struct rig rig;
    up(&rig);
    rig.source.ops->set_wanted(rig.source.source, ORL_WANT_SOUND);
    assert_true(wait_until(&rig, has_sound));
    assert_true(rig.sound_rate == 48000 || rig.sound_rate == 44100);
    stop(&rig);
}

static void ends(const struct how *how, enum orl_reason reason)
{
    static struct rig rig;
    rig = (struct rig){.frame_id = 0};
    const int fd = start(&rig, how);
    if (fd >= 0) {
        (void)close(fd);
    }
    assert_true(wait_until(&rig, is_closed));
    print_message("%s: %s\n", orl_reason_code(rig.reason), rig.text);
    assert_int_equal(rig.reason, reason);
    assert_int_equal(rig.closes, 1);
    assert_int_equal(rig.surfaces, 0);
    if (reason == ORL_REASON_CONSOLE_CERTIFICATE) {
        assert_int_equal(rig.logins, 0); /* nobody got the password */
        assert_non_null(strstr(rig.text, "SHA-256"));
    }
    stop(&rig);
}

static void a_wrong_password_is_said(void **state)
{
    (void)state;
    ends(&(struct how){.password = "other"}, ORL_REASON_CONSOLE_AUTH);
}

static void an_unknown_certificate_gets_no_password(void **state)
{
    (void)state;
    char other[65];
    memcpy(other, fingerprint, sizeof(other));
    other[5] = other[5] == '0' ? '1' : '0';
    ends(&(struct how){.fingerprint = other}, ORL_REASON_CONSOLE_CERTIFICATE);
    ends(&(struct how){.fingerprint = ""}, ORL_REASON_CONSOLE_CERTIFICATE);
}

static void who_closes_at_once_is_lost(void **state)
{
    (void)state;
    ends(&(struct how){.is_silent = true}, ORL_REASON_CONSOLE_LOST);
}

static void a_server_that_goes_away_is_lost(void **state)
{
    (void)state;
    static struct rig rig;
    up(&rig);
    rig.viewer.ops->close(rig.viewer.viewer, ORL_REASON_SHUTDOWN, NULL);
    assert_true(wait_until(&rig, is_closed));
    assert_int_equal(rig.reason, ORL_REASON_CONSOLE_LOST);
    assert_int_equal(rig.closes, 1);
    send_input(&rig, (struct orl_input){.kind = ORL_INPUT_KEY, .code = 0x02, .is_down = 1});
    stop(&rig);
}

static bool is_soon(struct rig *rig)
{
    return orl_clock_now_us() + (WAIT_MS - 200) * ORL_US_PER_MS > rig->end_us;
}

/* In the middle of the handshake with a server that says nothing. */
static void it_can_be_freed_at_any_time(void **state)
{
    (void)state;
    static struct rig rig;
    for (unsigned i = 0; i < 2; i++) {
        rig = (struct rig){.frame_id = 0};
        const int fd = start(&rig, &(struct how){.is_silent = true});
        if (i > 0) {
            (void)wait_until(&rig, is_soon);
        }
        stop(&rig);
        (void)close(fd);
    }
}

static void fingerprints_are_compared_as_numbers(void **state)
{
    (void)state;
    char colons[128] = "";
    for (unsigned i = 0; i < 32; i++) {
        (void)snprintf(colons + (size_t)i * 3, 4,
                "%c%c:", fingerprint[i * 2] - ('a' <= fingerprint[i * 2] ? 32 : 0),
                fingerprint[i * 2 + 1]);
    }
    assert_true(orl_rdp_fingerprint_is_equal(fingerprint, colons));
    assert_false(orl_rdp_fingerprint_is_equal("", ""));
    assert_false(orl_rdp_fingerprint_is_equal("ab", "ab"));
    colons[92] = '\0';
    assert_false(orl_rdp_fingerprint_is_equal(fingerprint, colons));
}

static int setup(void **state)
{
    (void)state;
    struct orl_err err = {0};
    uint8_t digest[32];
    unsigned len = sizeof(digest);
    testbed_init_once();
    orl_assert(orl_rdp_source_prepare(&err) == 0);
    BIO *bio = BIO_new_mem_buf(testbed_cert_pem(), -1);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    orl_assert(cert != NULL && X509_digest(cert, EVP_sha256(), digest, &len) == 1);
    for (unsigned i = 0; i < 32; i++) {
        (void)snprintf(fingerprint + (size_t)i * 2, 3, "%02x", digest[i]);
    }
    X509_free(cert);
    BIO_free(bio);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(fingerprints_are_compared_as_numbers),
            cmocka_unit_test(the_picture_is_the_servers_to_the_bit),
            cmocka_unit_test(what_a_person_does_reaches_the_server),
            cmocka_unit_test(a_wanted_size_becomes_the_desktops),
            cmocka_unit_test(two_monitors_are_asked_for_as_two),
            cmocka_unit_test(nobody_looks_is_told),
            cmocka_unit_test(text_goes_to_the_server_when_it_pastes),
            cmocka_unit_test(text_comes_from_the_server_when_somebody_pastes),
            cmocka_unit_test(sound_is_heard_by_who_wants_it),
            cmocka_unit_test(a_wrong_password_is_said),
            cmocka_unit_test(an_unknown_certificate_gets_no_password),
            cmocka_unit_test(who_closes_at_once_is_lost),
            cmocka_unit_test(a_server_that_goes_away_is_lost),
            cmocka_unit_test(it_can_be_freed_at_any_time),
    };
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
        orl_log_set_level(ORL_LOG_DEBUG);
    }
    return cmocka_run_group_tests(tests, setup, NULL);
}
