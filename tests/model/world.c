#include "tests/model/world.h"
#include "tests/model/record.h"

enum { WAKES_MAX = 5000, CMD_FRAME_ACK = 0x0D, DEPTH_AT = 8 };
static const uint64_t START_US = 10000000;

static void pump(struct world *w);

static bool chance(struct world *w, int32_t one_of)
{
    return !w->is_calm && rng_in(&w->rng, 1, one_of) == 1;
}

/* ---- the viewer's events, as session.c and stream.c take them ---- */

static void new_planner(struct world *w)
{
    const struct orl_planner_opts opts = {.width_px = w->desk.width,
            .height_px = w->desk.height,
            .has_h264 = w->caps.has_h264 && w->has_h264,
            .has_copy = w->caps.has_copy && w->has_copy,
            .colours = w->caps.h264_colours,
            .threads = 1,
            .max_kbit_s = w->max_kbit_s};
    orl_planner_free(w->planner);
    w->planner = NULL;
    assert_int_equal(orl_planner_new(&opts, &w->planner, NULL), 0);
    orl_pacer_init(&w->pacer, w->caps.max_in_flight, ORL_PACER_INTERVAL_US, w->caps.has_acks);
    w->is_held = false;
    w->lossless_max_px = INT64_MAX;
    orl_region_clear(&w->damage);
    const struct orl_rect all = desk_bounds(&w->desk);
    oracle_report(&w->oracle, &all, true); /* it looks at everything */
    oracle_owe_all(&w->oracle);
    w->oracle.is_rate_bound = w->max_kbit_s != 0;
    memset(w->oracle.slots, 0, sizeof(w->oracle.slots));
    w->is_blocked = false;
    pump(w);
}

static void on_ready(void *ctx, const struct orl_viewer_caps *caps)
{
    struct world *w = ctx;
    w->caps = *caps;
    new_planner(w);
}

static void on_ack(void *ctx, uint32_t frame_id)
{
    struct world *w = ctx;
    (void)orl_pacer_acked(&w->pacer, frame_id, w->now_us);
    w->is_blocked = false;
    pump(w);
}

static const struct orl_viewer_events events = {.on_ready = on_ready, .on_ack = on_ack};

/* ---- what the client said, on its way ---- */

static void deliver(struct world *w, const struct world_ack *ack)
{
    assert_true(gfx_server_deliver(&w->server, ack->data, ack->len));
}

/* Acknowledgements come in order, each after a while; a lost one is made good by the next. */
static void post_ack(struct world *w, const uint8_t *data, size_t len)
{
    struct world_ack ack = {.len = len};
    assert_true(len <= sizeof(ack.data));
    memcpy(ack.data, data, len);
    w->last_ack = ack;
    if (w->is_suspended || (!w->is_calm && w->loses_acks)) {
        return;
    }
    const uint64_t max_us = w->is_calm ? 2000 : w->ack_max_us;
    ack.due_us = w->now_us + (uint64_t)rng_in(&w->rng, 0, (int32_t)max_us);
    if (w->ack_count > 0 && w->acks[w->ack_count - 1].due_us > ack.due_us) {
        ack.due_us = w->acks[w->ack_count - 1].due_us;
    }
    assert_true(w->ack_count < WORLD_ACKS_MAX);
    w->acks[w->ack_count++] = ack;
}

static void collect_acks(struct world *w)
{
    struct orl_buf *said = &w->server.message;
    while (said->len > 0) {
        uint32_t len = 0;
        memcpy(&len, said->data, sizeof(len));
        assert_int_equal(said->data[sizeof(len)], CMD_FRAME_ACK);
        post_ack(w, said->data + sizeof(len), len);
        orl_buf_consume(said, sizeof(len) + len);
    }
}

static void take_ack(struct world *w)
{
    const struct world_ack ack = w->acks[0];
    w->ack_count--;
    memmove(w->acks, w->acks + 1, w->ack_count * sizeof(ack));
    deliver(w, &ack);
}

/* ---- frames ---- */

static struct oracle_picture shown(const struct world *w)
{
    struct oracle_picture picture = {0};
    picture.pixels =
            gfx_client_pixels(w->server.client, &picture.stride, &picture.width, &picture.height);
    return picture;
}

static void block(struct world *w, uint64_t writable_us)
{
    w->is_blocked = true;
    w->writable_us = writable_us;
}

/* The client has it: as a whole, without a complaint, and as planned. */
static void check_sent(struct world *w, const struct orl_update *update)
{
    const struct gfx_client_seen seen = gfx_client_seen(w->server.client);
    assert_false(w->server.is_undecodable);
    assert_int_equal(gfx_client_complaints(), 0);
    assert_int_equal(seen.torn, 0);
    assert_int_equal(seen.started, seen.ended);
    assert_int_equal(seen.frame_id, update->frame_id);
    const struct oracle_picture client = shown(w);
    oracle_sent(&w->oracle, update);
    oracle_check_client(&w->oracle, &client);
    if (!w->has_racing_source && !w->is_held && w->lossless_max_px == INT64_MAX) {
        oracle_check_fresh(&w->oracle, &w->desk);
    }
    w->worst_db = w->oracle.worst_db < w->worst_db ? w->oracle.worst_db : w->worst_db;
}

static int send_one(struct world *w)
{
    struct orl_update update;
    if (!orl_rdp_flight_has_room(&w->server.viewer)) {
        block(w, 0);
        return 0;
    }
    if (chance(w, 40)) {
        block(w, w->now_us + (uint64_t)rng_in(&w->rng, 0, 60000));
        return 0;
    }
    const int code =
            orl_planner_next(w->planner, w->desk.pixels, w->desk.stride, w->now_us, &update, NULL);
    assert_true(code >= 0);
    if (code == 0) {
        return 0;
    }
    w->planned++;
    oracle_check_plan(&w->oracle, &update);
    if (chance(w, 25)) {
        w->given_back++;
        orl_planner_unsent(w->planner);
        block(w, w->now_us + (uint64_t)rng_in(&w->rng, 0, 60000));
        return 0;
    }
    assert_int_equal(orl_rdp_gfx_send(&w->server.viewer, &update), 0);
    orl_rdp_flight_add(&w->server.viewer, update.frame_id);
    check_sent(w, &update);
    collect_acks(w);
    w->frames++;
    orl_pacer_sent(&w->pacer, update.frame_id, w->now_us);
    return 1;
}

static void pump(struct world *w)
{
    w->due_us = 0;
    if (!w->is_visible) {
        return;
    }
    orl_planner_damage(w->planner, &w->damage, w->now_us);
    orl_region_clear(&w->damage);
    const bool may_send = orl_pacer_can_send(&w->pacer, w->now_us);
    int sent = 0;
    if (may_send && !w->is_blocked) {
        sent = send_one(w);
    }
    if (!w->is_blocked && (!w->is_held || !may_send || sent > 0)) {
        w->due_us = !may_send || sent > 0 ? orl_pacer_due_us(&w->pacer)
                                          : orl_planner_due_us(w->planner);
    }
}

static uint64_t earlier(uint64_t a_us, uint64_t b_us)
{
    return a_us == 0 || (b_us != 0 && b_us < a_us) ? b_us : a_us;
}

/* What is due next happens; 0: nothing is until then. */
static int wake(struct world *w, uint64_t until_us)
{
    uint64_t next_us = w->ack_count > 0 ? w->acks[0].due_us : 0;
    next_us = earlier(next_us, w->due_us);
    next_us = earlier(next_us, w->is_blocked ? w->writable_us : 0);
    if (next_us == 0 || next_us > until_us) {
        return 0;
    }
    w->now_us = next_us > w->now_us ? next_us : w->now_us;
    if (w->ack_count > 0 && w->acks[0].due_us <= w->now_us) {
        take_ack(w);
        return 1;
    }
    if (w->is_blocked && w->writable_us != 0 && w->writable_us <= w->now_us) {
        w->is_blocked = false;
    }
    pump(w);
    return 1;
}

void world_run(struct world *w, uint64_t for_us)
{
    const uint64_t until_us = w->now_us + for_us;
    unsigned wakes = 0;
    while (wake(w, until_us) > 0) {
        assert_true(
                ++wakes < WAKES_MAX); /* the planner asks for a call and then has nothing to do */
    }
    w->now_us = until_us;
}

void world_find_acks(struct world *w)
{
    w->loses_acks = false;
    w->ack_count = 0;
    if (w->last_ack.len > 0 && !w->is_suspended) {
        deliver(w, &w->last_ack);
    }
}

void world_rest(struct world *w)
{
    w->is_calm = true;
    w->is_blocked = false;
    world_find_acks(w);
    world_hold(w, false);
    world_set_lossless(w, INT64_MAX);
    world_set_visible(w, true);
    pump(w);
    world_run(w, WORLD_REST_US);
    const struct oracle_picture client = shown(w);
    oracle_check_rest(&w->oracle, &w->desk, &client);
    record_picture(client.pixels, client.stride, client.width, client.height);
    const uint64_t frames = w->frames;
    world_run(w, WORLD_REST_US * 10);
    assert_int_equal(w->frames, frames);
    w->is_calm = false;
}

/* ---- what happens to a session ---- */

static void connect_client(struct world *w)
{
    const struct gfx_server_opts opts = {.has_clear = rng_in(&w->rng, 0, 3) != 0,
            .has_bulk_compression = rng_in(&w->rng, 0, 3) != 0};
    const struct gfx_client_opts client_opts = {.width = w->desk.width,
            .height = w->desk.height,
            .has_h264 = rng_in(&w->rng, 0, 4) != 0,
            .has_v10 = rng_in(&w->rng, 0, 1) != 0,
            .suspends_acks = rng_in(&w->rng, 0, 7) == 0};
    w->ack_count = 0;
    w->last_ack.len = 0;
    w->is_suspended = false;
    w->client_suspends = client_opts.suspends_acks;
    gfx_server_open(&w->server, &opts, &client_opts, w->loop, &events, w);
    assert_int_equal(orl_rdp_gfx_set_size(&w->server.viewer, w->desk.width, w->desk.height), 0);
    orl_rdp_report_caps(&w->server.viewer); /* on_ready() */
}

void world_init_once(void)
{
    gfx_server_init_once();
    assert_int_equal(orl_rdp_init(NULL), 0);
    gfx_client_init_once();
}

void world_open(struct world *w, uint64_t seed, uint32_t width, uint32_t height)
{
    memset(w, 0, sizeof(*w));
    w->rng.state = seed * 2 + 1;
    w->now_us = START_US;
    w->is_visible = true;
    w->has_h264 = w->has_copy = true;
    w->ack_max_us = 20000;
    w->worst_db = 99;
    assert_int_equal(orl_loop_new(&w->loop, NULL), 0);
    desk_open(&w->desk, &w->rng, width, height);
    oracle_open(&w->oracle, width, height);
    connect_client(w);
}

void world_close(struct world *w)
{
    orl_planner_free(w->planner);
    gfx_server_close(&w->server);
    oracle_close(&w->oracle);
    desk_close(&w->desk);
    orl_loop_free(w->loop);
}

void world_report(struct world *w, const struct orl_rect *r)
{
    oracle_report(&w->oracle, r, true);
    orl_region_add(&w->damage, r);
    pump(w);
}

void world_reconnect(struct world *w)
{
    gfx_server_close(&w->server);
    oracle_forget_client(&w->oracle);
    connect_client(w);
}

void world_resize(struct world *w, uint32_t width, uint32_t height)
{
    desk_close(&w->desk);
    desk_open(&w->desk, &w->rng, width, height);
    oracle_close(&w->oracle);
    oracle_open(&w->oracle, width, height);
    assert_int_equal(orl_rdp_gfx_set_size(&w->server.viewer, width, height), 0);
    w->caps.width_px = width;
    w->caps.height_px = height;
    new_planner(w);
}

void world_set_policy(struct world *w, bool has_h264, bool has_copy, uint32_t max_kbit_s)
{
    w->has_h264 = has_h264;
    w->has_copy = has_copy;
    w->max_kbit_s = max_kbit_s;
    new_planner(w);
}

void world_set_rate(struct world *w, uint32_t max_kbit_s)
{
    w->oracle.is_rate_bound = w->oracle.is_rate_bound || max_kbit_s != 0;
    orl_planner_set_rate(w->planner, max_kbit_s);
}

void world_hold(struct world *w, bool is_held)
{
    w->is_held = is_held;
    orl_planner_hold(w->planner, is_held);
    pump(w);
}

void world_set_lossless(struct world *w, int64_t max_px)
{
    w->lossless_max_px = max_px;
    orl_planner_set_lossless(w->planner, max_px, max_px);
    pump(w);
}

void world_refresh(struct world *w)
{
    const struct orl_rect all = desk_bounds(&w->desk);
    oracle_report(&w->oracle, &all, true);
    oracle_owe_all(&w->oracle);
    orl_planner_reset(w->planner, w->now_us);
    pump(w);
}

void world_set_visible(struct world *w, bool is_visible)
{
    const bool was_visible = w->is_visible;
    w->is_visible = is_visible;
    if (is_visible && !was_visible) {
        world_refresh(w);
    }
}

void world_suspend_acks(struct world *w, bool is_suspended)
{
    if (w->last_ack.len == 0 || w->client_suspends) {
        return;
    }
    struct world_ack ack = w->last_ack;
    memset(ack.data + DEPTH_AT, is_suspended ? 0xFF : 0, sizeof(uint32_t));
    w->ack_count = 0; /* those before it no longer count */
    w->is_suspended = is_suspended;
    deliver(w, &ack);
}
