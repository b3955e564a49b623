/* A console's surface and link, a session's picture and stream, the RDP viewer's graphics and a decoding client, on the
 * real loop: consoles come, go and change their size, screens of text lie over them, clients resize, minimise and are
 * slow. After every frame the client shows what was sent; when all is quiet it shows what there is to see. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/ipc.h"
#include "session/stream.h"
#include "tests/model/gfx_server.h"
#include "tests/model/oracle.h"

enum { PHASES = 12, PHASE_STEPS = 25, VIDEO_FRAMES = 15 };
static const uint64_t STEP_US = 5000;
static const uint64_t LOOK_US = 50000;
static const uint64_t QUIET_MAX_US = 60000000; /* an upper bound, never a measure */

struct rig {
    struct rng rng;
    struct orl_loop *loop;
    struct orl_timer *step, *ack;
    struct orl_picture *picture;
    struct orl_stream *stream;
    struct gfx_server server;
    struct oracle oracle;
    int link; /* the console's end */
    struct orl_surface *surface;
    struct desk desk; /* its pixels */
    struct orl_rect video;
    int video_left, steps, phases;
    bool is_visible;
    uint64_t quiet_us; /* since when; 0: things happen */
    unsigned frames;
};

/* ---- viewer ---- */

static struct rig *rig_of(const struct orl_viewer *viewer)
{
    return (struct rig *)(uintptr_t)viewer;
}

static struct oracle_picture shown(const struct rig *rig)
{
    struct oracle_picture picture = {0};
    picture.pixels =
            gfx_client_pixels(rig->server.client, &picture.stride, &picture.width, &picture.height);
    return picture;
}

static bool viewer_can_send(struct orl_viewer *viewer)
{
    return orl_rdp_flight_has_room(&rig_of(viewer)->server.viewer);
}

static int viewer_send(struct orl_viewer *viewer, const struct orl_update *update)
{
    struct rig *rig = rig_of(viewer);
    oracle_check_plan(&rig->oracle, update);
    assert_int_equal(orl_rdp_gfx_send(&rig->server.viewer, update), 0);
    orl_rdp_flight_add(&rig->server.viewer, update->frame_id);
    assert_false(rig->server.is_undecodable);
    assert_int_equal(gfx_client_complaints(), 0);
    assert_int_equal(gfx_client_seen(rig->server.client).torn, 0);
    const struct oracle_picture client = shown(rig);
    oracle_sent(&rig->oracle, update);
    oracle_check_client(&rig->oracle, &client);
    if (!orl_timer_is_active(rig->ack)) {
        orl_timer_start(rig->ack, (uint64_t)rng_in(&rig->rng, 0, 30000), 0);
    }
    rig->frames++;
    return 0;
}

static const struct orl_viewer_ops viewer_ops = {.send = viewer_send, .can_send = viewer_can_send};

static void on_ack_due(void *ctx)
{
    struct rig *rig = ctx;
    uint8_t said[4096];
    const size_t len = rig->server.message.len;
    assert_true(len <= sizeof(said));
    memcpy(said, rig->server.message.data, len);
    orl_buf_reset(&rig->server.message);
    for (size_t at = 0; at < len;) {
        uint32_t part = 0;
        memcpy(&part, said + at, sizeof(part));
        assert_true(gfx_server_deliver(&rig->server, said + at + sizeof(part), part));
        at += sizeof(part) + part;
    }
}

static void on_ack(void *ctx, uint32_t frame_id)
{
    orl_stream_on_ack(((struct rig *)ctx)->stream, frame_id);
}

static void on_ready(void *ctx, const struct orl_viewer_caps *caps)
{
    orl_stream_set_caps(((struct rig *)ctx)->stream, caps);
}

static const struct orl_viewer_events viewer_events = {.on_ready = on_ready, .on_ack = on_ack};

/* ---- session ---- */

static void set_size(struct rig *rig, uint32_t width, uint32_t height)
{
    if (width == rig->oracle.width && height == rig->oracle.height) {
        return;
    }
    assert_int_equal(orl_rdp_gfx_set_size(&rig->server.viewer, width, height), 0);
    oracle_close(&rig->oracle);
    oracle_open(&rig->oracle, width, height);
    oracle_owe_all(&rig->oracle);
    assert_int_equal(orl_picture_set_size(rig->picture, width, height), 0);
    orl_stream_on_size(rig->stream);
}

static void on_damage(void *ctx)
{
    struct rig *rig = ctx;
    if (rig->stream != NULL) {
        orl_stream_on_damage(rig->stream);
    }
}

static void on_cursor(void *ctx, const struct orl_cursor *cursor)
{
    (void)ctx;
    (void)cursor;
}

/* The client follows, or has the picture fitted. */
static void on_source(void *ctx, uint32_t width_px, uint32_t height_px)
{
    struct rig *rig = ctx;
    if (rng_in(&rig->rng, 0, 2) != 0) {
        set_size(rig, width_px, height_px);
    }
    orl_stream_on_damage(rig->stream);
}

static void on_lost(void *ctx, enum orl_reason reason)
{
    (void)ctx;
    (void)reason;
}

static void on_broken(void *ctx)
{
    (void)ctx;
    fail_msg("the console is honest");
}

static void on_failed(void *ctx, enum orl_reason reason, const char *text)
{
    (void)ctx;
    fail_msg("the stream ends: %s %s", orl_reason_code(reason), text);
}

/* ---- console ---- */

static void send_link(const struct rig *rig, uint16_t type, int fd)
{
    const struct orl_link_msg msg = {.type = type, .surface_fd = fd};
    const int rc = orl_link_send(rig->link, &msg);
    assert_true(rc == 0 || rc == ORL_E_AGAIN);
}

static void report(struct rig *rig, const struct orl_rect *r)
{
    orl_surface_damage(rig->surface, r);
    send_link(rig, ORL_LINK_WAKE, -1);
}

static void new_surface(struct rig *rig)
{
    const uint32_t width = (uint32_t)rng_in(&rig->rng, 200, 400);
    const uint32_t height = (uint32_t)rng_in(&rig->rng, 200, 320);
    orl_surface_free(rig->surface);
    assert_int_equal(orl_surface_create(width, height, &rig->surface, NULL), 0);
    rig->desk = (struct desk){.width = width,
            .height = height,
            .stride = orl_surface_stride(rig->surface),
            .pixels = orl_surface_pixels_rw(rig->surface)};
    desk_paint_all(&rig->desk, &rig->rng);
    rig->video_left = 0;
    send_link(rig, ORL_LINK_SURFACE, orl_surface_fd(rig->surface));
}

static void new_console(struct rig *rig)
{
    int pair[2];
    orl_close_fd(&rig->link);
    assert_int_equal(orl_ipc_pair(pair, NULL), 0);
    rig->link = pair[0];
    assert_int_equal(orl_picture_attach(rig->picture, pair[1], NULL), 0);
    new_surface(rig);
}

static void paint(struct rig *rig, int32_t max_side)
{
    const struct orl_rect r = desk_random_rect(&rig->desk, &rig->rng, max_side);
    desk_paint(&rig->desk, &rig->rng, &r, (enum desk_paint)rng_in(&rig->rng, 0, DESK_PAINTS - 1));
    report(rig, &r);
}

static void scroll(struct rig *rig)
{
    const struct orl_rect r = {0, 20, (int32_t)rig->desk.width, (int32_t)rig->desk.height - 20};
    const struct orl_rect changed =
            desk_move(&rig->desk, &rig->rng, &r, 0, -rng_in(&rig->rng, 1, 20));
    report(rig, &changed);
}

static void act(struct rig *rig)
{
    switch (rng_in(&rig->rng, 0, 24)) {
    case 0:
        new_surface(rig);
        break;
    case 1:
        new_console(rig);
        break;
    case 2:
        orl_picture_notice(rig->picture, "Title", "Text", NULL, 0);
        break;
    case 3:
        orl_picture_resume(rig->picture);
        break;
    case 4:
        orl_stream_refresh(rig->stream);
        break;
    case 5:
        rig->is_visible = !rig->is_visible;
        orl_stream_set_visible(rig->stream, rig->is_visible);
        break;
    case 6:
        set_size(rig, (uint32_t)rng_in(&rig->rng, 200, 400), (uint32_t)rng_in(&rig->rng, 200, 320));
        break;
    case 7:
        rig->video = desk_random_rect(&rig->desk, &rig->rng, (int32_t)rig->desk.width);
        rig->video_left = VIDEO_FRAMES;
        break;
    case 8:
    case 9:
    case 10:
        scroll(rig);
        break;
    case 11:
        paint(rig, (int32_t)rig->desk.width);
        break;
    default:
        paint(rig, 14);
        break;
    }
}

/* ---- the run ---- */

/* What the client shows is what there is to see, exactly. */
static bool is_settled(const struct rig *rig)
{
    size_t stride = 0;
    const uint8_t *pixels = orl_picture_pixels(rig->picture, &stride);
    const struct oracle_picture client = shown(rig);
    if (pixels == NULL || client.width != orl_picture_width(rig->picture) ||
            client.height != orl_picture_height(rig->picture)) {
        return false;
    }
    for (uint32_t y = 0; y < client.height; y++) {
        for (uint32_t x = 0; x < client.width; x++) {
            if (memcmp(client.pixels + client.stride * y + (size_t)x * 4,
                        pixels + stride * y + (size_t)x * 4, 3) != 0) {
                return false;
            }
        }
    }
    return true;
}

static void wait_quiet(struct rig *rig)
{
    const uint64_t now_us = orl_clock_now_us();
    if (rig->quiet_us == 0) {
        rig->quiet_us = now_us;
        rig->is_visible = true;
        orl_stream_set_visible(rig->stream, true);
    } else if (is_settled(rig)) {
        rig->quiet_us = 0;
        rig->steps = 0;
        rig->phases++;
    } else if (now_us - rig->quiet_us > QUIET_MAX_US) {
        fail_msg("phase %d: the client never shows the picture", rig->phases);
    }
}

static void on_step(void *ctx)
{
    struct rig *rig = ctx;
    if (rig->video_left > 0) {
        rig->video_left--;
        desk_paint(&rig->desk, &rig->rng, &rig->video, DESK_PHOTO);
        report(rig, &rig->video);
    }
    if (rig->steps++ < PHASE_STEPS) {
        act(rig);
    } else if (rig->video_left == 0) {
        wait_quiet(rig);
    }
    if (rig->phases == PHASES) {
        orl_loop_stop(rig->loop);
    } else {
        orl_timer_start(rig->step, rig->quiet_us == 0 ? STEP_US : LOOK_US, 0);
    }
}

static void open_rig(struct rig *rig, uint64_t seed)
{
    static const struct orl_picture_events events = {.on_damage = on_damage,
            .on_cursor = on_cursor,
            .on_source = on_source,
            .on_lost = on_lost,
            .on_broken = on_broken};
    static const struct orl_stream_events stream_events = {.on_failed = on_failed};
    static const struct gfx_server_opts opts = {.has_clear = true, .has_bulk_compression = true};
    static const struct gfx_client_opts client_opts = {
            .width = 320, .height = 240, .has_h264 = true, .has_v10 = true};
    const struct orl_viewer_handle viewer = {
            .ops = &viewer_ops, .viewer = (struct orl_viewer *)(void *)rig};
    *rig = (struct rig){.rng = {seed * 2 + 1}, .link = -1, .is_visible = true};
    assert_int_equal(orl_loop_new(&rig->loop, NULL), 0);
    assert_int_equal(orl_timer_new(rig->loop, on_step, rig, &rig->step, NULL), 0);
    assert_int_equal(orl_timer_new(rig->loop, on_ack_due, rig, &rig->ack, NULL), 0);
    assert_int_equal(orl_picture_new(rig->loop, &events, rig, &rig->picture, NULL), 0);
    orl_picture_notice(rig->picture, "Title", "Text", NULL, 0);
    assert_int_equal(orl_picture_set_size(rig->picture, 320, 240), 0);
    struct orl_stream *stream = NULL;
    assert_int_equal(
            orl_stream_new(rig->loop, rig->picture, &viewer, 1, &stream_events, rig, &stream, NULL),
            0);
    rig->stream = stream;
    oracle_open(&rig->oracle, 320, 240);
    gfx_server_open(&rig->server, &opts, &client_opts, rig->loop, &viewer_events, rig);
    assert_int_equal(orl_rdp_gfx_set_size(&rig->server.viewer, 320, 240), 0);
    oracle_owe_all(&rig->oracle);
    orl_rdp_report_caps(&rig->server.viewer); /* on_ready() */
    new_console(rig);
}

static void close_rig(struct rig *rig)
{
    orl_stream_free(rig->stream);
    rig->stream = NULL;
    orl_picture_free(rig->picture);
    gfx_server_close(&rig->server);
    oracle_close(&rig->oracle);
    orl_surface_free(rig->surface);
    orl_close_fd(&rig->link);
    orl_timer_free(rig->step);
    orl_timer_free(rig->ack);
    orl_loop_free(rig->loop);
}

static void whatever_a_session_goes_through_the_client_shows_its_picture(void **state)
{
    static struct rig rig;
    const uint64_t seed = rng_new("session", orl_clock_now_us() % 1000000).state / 2;
    (void)state;
    open_rig(&rig, seed);
    orl_timer_start(rig.step, STEP_US, 0);
    orl_loop_run(rig.loop);
    assert_int_equal(rig.phases, PHASES);
    print_message("%u frames\n", rig.frames);
    close_rig(&rig);
}

/* Each answer would wait for a client that reads none. */
static void a_client_that_offers_its_cache_twice_breaks_the_protocol(void **state)
{
    (void)state;
    static const uint8_t offer[] = {0x10, 0, 0, 0, 10, 0, 0, 0, 0, 0};
    static const struct gfx_server_opts opts = {.has_clear = true};
    static const struct gfx_client_opts client_opts = {
            .width = 320, .height = 240, .has_v10 = true};
    static struct gfx_server server;
    struct orl_loop *loop = NULL;
    assert_int_equal(orl_loop_new(&loop, NULL), 0);
    gfx_server_open(&server, &opts, &client_opts, loop, NULL, NULL);
    assert_true(gfx_server_deliver(&server, offer, sizeof(offer)));
    assert_false(gfx_server_deliver(&server, offer, sizeof(offer)));
    gfx_server_close(&server);
    orl_loop_free(loop);
}

static int setup(void **state)
{
    (void)state;
    gfx_server_init_once();
    assert_int_equal(orl_rdp_init(NULL), 0);
    gfx_client_init_once();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(whatever_a_session_goes_through_the_client_shows_its_picture),
            cmocka_unit_test(a_client_that_offers_its_cache_twice_breaks_the_protocol),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
