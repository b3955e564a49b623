/* Random sessions against a decoding client: after every frame it shows what was planned, the plan is as new as the
 * source, and at rest it is exactly the source.
 * test_pixel_model [--seed N [--seeds COUNT]] [--steps N] [--record FILE]; without a seed: a few fixed ones and one of
 * the clock. */
#include "base/clock.h"
#include "display/notice.h"
#include "tests/model/record.h"
#include "tests/model/world.h"
#include <pthread.h>
#include <stdatomic.h>

enum { STEPS_DEFAULT = 200, FIXED_SEEDS = 3, REST_EVERY = 60, VIDEOS = 3, RACE_FRAMES = 150 };

struct play {
    struct world world;
    struct video {
        struct orl_rect rect;
        int32_t frames_left;
        enum desk_paint kind;
    } videos[VIDEOS];
    struct orl_rect unreported;
};
static unsigned long steps = STEPS_DEFAULT;

static enum desk_paint any_paint(struct world *w)
{
    return (enum desk_paint)rng_in(&w->rng, 0, DESK_PAINTS - 1);
}

/* Now and then more is reported than was changed, also beyond the picture. */
static void report(struct world *w, const struct orl_rect *r)
{
    struct orl_rect told = *r;
    if (rng_in(&w->rng, 0, 3) == 0) {
        told.x -= rng_in(&w->rng, 0, 40);
        told.y -= rng_in(&w->rng, 0, 40);
        told.width += rng_in(&w->rng, 40, 100000);
        told.height += rng_in(&w->rng, 40, 300);
    }
    world_report(w, &told);
}

static void type_glyph(struct play *p)
{
    struct world *w = &p->world;
    struct orl_rect r = desk_random_rect(&w->desk, &w->rng, 1);
    r.width = 8;
    r.height = 14;
    desk_paint(&w->desk, &w->rng, &r, DESK_TEXT);
    report(w, &r);
}

static void scroll(struct play *p)
{
    struct world *w = &p->world;
    const struct orl_rect r = desk_random_rect(&w->desk, &w->rng, (int32_t)w->desk.width * 2);
    struct orl_rect changed = {0};
    const bool is_down = rng_in(&w->rng, 0, 3) == 0;
    const int32_t by = rng_in(&w->rng, 1, 60);
    const int32_t times = rng_in(&w->rng, 1, 4);
    for (int32_t i = 0; i < times; i++) {
        const struct orl_rect moved =
                is_down ? (struct orl_rect){r.x, r.y, r.width, r.height - by}
                        : (struct orl_rect){r.x, r.y + by, r.width, r.height - by};
        if (moved.height < 1) {
            return;
        }
        changed = desk_move(&w->desk, &w->rng, &moved, 0, is_down ? by : -by);
        report(w, &changed);
        world_run(w, (uint64_t)rng_in(&w->rng, 0, 40000));
    }
}

static void drag(struct play *p)
{
    struct world *w = &p->world;
    struct orl_rect window = desk_random_rect(&w->desk, &w->rng, (int32_t)w->desk.width);
    const int32_t times = rng_in(&w->rng, 1, 5);
    desk_paint(&w->desk, &w->rng, &window, any_paint(w));
    report(w, &window);
    for (int32_t i = 0; i < times; i++) {
        const int32_t dx = rng_in(&w->rng, -40, 40);
        const int32_t dy = rng_in(&w->rng, -40, 40);
        world_run(w, (uint64_t)rng_in(&w->rng, 0, 40000));
        const struct orl_rect changed = desk_move(&w->desk, &w->rng, &window, dx, dy);
        report(w, &changed);
        window.x += dx;
        window.y += dy;
        const struct orl_rect bounds = desk_bounds(&w->desk);
        window = orl_rect_intersect(&window, &bounds);
        if (orl_rect_is_empty(&window)) {
            return;
        }
    }
}

static void start_video(struct play *p)
{
    struct world *w = &p->world;
    struct video *video = &p->videos[rng_in(&w->rng, 0, VIDEOS - 1)];
    const bool is_large = rng_in(&w->rng, 0, 2) == 0;
    video->rect = desk_random_rect(&w->desk, &w->rng, (int32_t)w->desk.width / (is_large ? 1 : 3));
    video->frames_left = rng_in(&w->rng, 5, 60);
    video->kind = rng_in(&w->rng, 0, 3) == 0 ? DESK_NOISE : DESK_PHOTO;
}

static void paint_rect(struct play *p)
{
    struct world *w = &p->world;
    const struct orl_rect r = desk_random_rect(&w->desk, &w->rng, (int32_t)w->desk.width);
    desk_paint(&w->desk, &w->rng, &r, any_paint(w));
    report(w, &r);
}

static void change_all(struct play *p)
{
    struct world *w = &p->world;
    const struct orl_rect all = desk_bounds(&w->desk);
    desk_paint_all(&w->desk, &w->rng);
    report(w, &all);
}

static void show_notice(struct play *p)
{
    struct world *w = &p->world;
    const struct orl_notice notice = {.title = "Your desktop restarts",
            .text = "The picture comes back in a moment.",
            .elapsed_s = rng_in(&w->rng, -1, 100)};
    const struct orl_rect all = desk_bounds(&w->desk);
    (void)orl_notice_draw(
            &notice, w->desk.pixels, w->desk.stride, w->desk.width, w->desk.height, false);
    world_report(w, &all);
}

static void scatter(struct play *p)
{
    struct world *w = &p->world;
    const int32_t count = rng_in(&w->rng, 10, 120);
    for (int32_t i = 0; i < count; i++) {
        const struct orl_rect r = desk_random_rect(&w->desk, &w->rng, 9);
        desk_paint(&w->desk, &w->rng, &r, any_paint(w));
        world_report(w, &r);
    }
}

static void tell_nothing_changed(struct play *p)
{
    struct world *w = &p->world;
    const struct orl_rect outside = {rng_in(&w->rng, -500, 9000), rng_in(&w->rng, -500, 9000),
            rng_in(&w->rng, -5, 9000), rng_in(&w->rng, -5, 9000)};
    world_report(w, &outside);
}

static void change_now_tell_later(struct play *p)
{
    struct world *w = &p->world;
    if (!orl_rect_is_empty(&p->unreported)) {
        world_report(w, &p->unreported);
    }
    p->unreported = desk_random_rect(&w->desk, &w->rng, (int32_t)w->desk.width / 2);
    desk_paint(&w->desk, &w->rng, &p->unreported, any_paint(w));
    oracle_report(&w->oracle, &p->unreported, false);
}

static void tell_what_changed(struct play *p)
{
    if (!orl_rect_is_empty(&p->unreported)) {
        world_report(&p->world, &p->unreported);
        p->unreported = (struct orl_rect){0};
    }
}

static void resize(struct play *p)
{
    struct world *w = &p->world;
    memset(p->videos, 0, sizeof(p->videos));
    p->unreported = (struct orl_rect){0};
    world_resize(w, (uint32_t)rng_in(&w->rng, 200, 420), (uint32_t)rng_in(&w->rng, 200, 330));
}

static void reconnect(struct play *p)
{
    world_reconnect(&p->world);
}

static uint32_t any_rate(struct world *w)
{
    static const uint32_t rates[] = {0, 0, 0, 0, 300, 2000, 20000};
    return rates[rng_in(&w->rng, 0, 6)];
}

static void change_policy(struct play *p)
{
    struct world *w = &p->world;
    world_set_policy(w, rng_in(&w->rng, 0, 4) != 0, rng_in(&w->rng, 0, 4) != 0, any_rate(w));
}

static void change_rate(struct play *p)
{
    world_set_rate(&p->world, any_rate(&p->world));
}

static void change_line(struct play *p)
{
    static const int64_t bounds[] = {INT64_MAX, INT64_MAX, 1, 4096, 20000};
    struct world *w = &p->world;
    world_set_lossless(w, bounds[rng_in(&w->rng, 0, 4)]);
    world_hold(w, rng_in(&w->rng, 0, 1) == 0);
}

static void change_acks(struct play *p)
{
    struct world *w = &p->world;
    w->loses_acks = rng_in(&w->rng, 0, 2) == 0;
    w->ack_max_us = (uint64_t)rng_in(&w->rng, 1, 250000);
    if (rng_in(&w->rng, 0, 2) == 0) {
        world_suspend_acks(w, rng_in(&w->rng, 0, 1) == 0);
    }
}

static void refresh(struct play *p)
{
    world_refresh(&p->world);
}

static void minimise_or_restore(struct play *p)
{
    world_set_visible(&p->world, !p->world.is_visible);
}

static void wait_long(struct play *p)
{
    world_run(&p->world, (uint64_t)rng_in(&p->world.rng, 0, 1) == 0 ? 300000 : 61000000);
}

static void nothing(struct play *p)
{
    (void)p;
}

static void do_something(struct play *p)
{
    static const struct {
        void (*act)(struct play *p);
        int32_t weight;
    } acts[] = {{nothing, 20}, {type_glyph, 25}, {scroll, 12}, {drag, 10}, {start_video, 8},
            {paint_rect, 8}, {change_all, 3}, {show_notice, 2}, {scatter, 4},
            {tell_nothing_changed, 4}, {change_now_tell_later, 4}, {tell_what_changed, 6},
            {resize, 2}, {reconnect, 1}, {change_policy, 2}, {change_rate, 3}, {change_line, 4},
            {change_acks, 4}, {refresh, 2}, {minimise_or_restore, 2}, {wait_long, 2}};
    int32_t sum = 0;
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        sum += acts[i].weight;
    }
    int32_t at = rng_in(&p->world.rng, 0, sum - 1);
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        at -= acts[i].weight;
        if (at < 0) {
            acts[i].act(p);
            return;
        }
    }
}

/* Hard times are short, else little would happen in them. */
static void recover(struct world *w)
{
    if (w->loses_acks && rng_in(&w->rng, 0, 9) == 0) {
        world_find_acks(w);
    }
    if (w->is_suspended && rng_in(&w->rng, 0, 29) == 0) {
        world_suspend_acks(w, false);
    }
    if (w->is_held && rng_in(&w->rng, 0, 3) == 0) {
        world_hold(w, false);
    }
    if (!w->is_visible && rng_in(&w->rng, 0, 5) == 0) {
        world_set_visible(w, true);
    }
}

static bool play_videos(struct play *p)
{
    struct world *w = &p->world;
    bool has_motion = false;
    for (unsigned i = 0; i < VIDEOS; i++) {
        struct video *video = &p->videos[i];
        if (video->frames_left > 0) {
            video->frames_left--;
            has_motion = true;
            desk_paint(&w->desk, &w->rng, &video->rect, video->kind);
            report(w, &video->rect);
        }
    }
    return has_motion;
}

static void step(struct play *p)
{
    struct world *w = &p->world;
    recover(w);
    const bool has_motion = play_videos(p);
    if (!has_motion || rng_in(&w->rng, 0, 2) == 0) {
        do_something(p);
    }
    world_run(w, (uint64_t)rng_in(&w->rng, 0, 40000));
}

static void run_seed(uint64_t seed)
{
    static struct play play;
    const uint64_t begin_us = orl_clock_now_us();
    print_message("seed %" PRIu64 ": ", seed);
    (void)fflush(stdout);
    memset(&play, 0, sizeof(play));
    struct world *w = &play.world;
    world_open(w, seed, 352, 288);
    for (unsigned long i = 0; i < steps; i++) {
        step(&play);
        if (i % REST_EVERY == REST_EVERY - 1 || i + 1 == steps) {
            tell_what_changed(&play);
            memset(play.videos, 0, sizeof(play.videos));
            world_rest(w);
        }
    }
    print_message("%" PRIu64 " frames, %" PRIu64 " given back, H.264 at worst %.1f dB, %.1f s\n",
            w->frames, w->given_back, w->worst_db,
            (double)(orl_clock_now_us() - begin_us) / ORL_US_PER_S);
    world_close(w);
}

static void every_frame_is_as_planned_and_rest_is_exact(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= FIXED_SEEDS; seed++) {
        run_seed(seed);
    }
    run_seed(orl_clock_now_us() % 1000000);
}

struct painter {
    struct desk *desk;
    struct rng rng;
    struct orl_rect where;
    atomic_bool is_over;
};

static void *paint_on(void *ctx)
{
    struct painter *painter = ctx;
    while (!atomic_load(&painter->is_over)) {
        const enum desk_paint how = (enum desk_paint)rng_in(&painter->rng, 0, DESK_PAINTS - 1);
        const int32_t by = rng_in(&painter->rng, 1, 30);
        desk_paint(painter->desk, &painter->rng, &painter->where, how);
        for (int32_t i = 0; i < 3; i++) {
            (void)desk_move(painter->desk, &painter->rng, &painter->where, 0, -by);
        }
    }
    return NULL;
}

/* Torn reads: what is planned and shown must be the same all the time, and the source's in the end. */
static void a_source_may_change_while_it_is_read(void **state)
{
    static struct world world;
    pthread_t thread;
    (void)state;
    world_open(&world, orl_clock_now_us() % 1000000, 352, 288);
    world.has_racing_source = true;
    struct painter painter = {.desk = &world.desk, .where = {40, 30, 240, 200}};
    painter.rng.state = world.rng.state;
    assert_int_equal(pthread_create(&thread, NULL, paint_on, &painter), 0);
    for (int i = 0; i < RACE_FRAMES; i++) {
        world_report(&world, &painter.where);
        world_run(&world, 20000);
    }
    atomic_store(&painter.is_over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    world.has_racing_source = false;
    const struct orl_rect all = desk_bounds(&world.desk);
    world_report(&world, &all);
    world_rest(&world);
    world_close(&world);
}

static const char *text_after(int argc, char **argv, const char *name)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return argv[i + 1];
        }
    }
    return NULL;
}

static uint64_t number_after(int argc, char **argv, const char *name, uint64_t fallback)
{
    const char *text = text_after(argc, argv, name);
    return text == NULL ? fallback : strtoull(text, NULL, 10);
}

static uint64_t first_seed, seed_count;

static void these_seeds_hold(void **state)
{
    (void)state;
    for (uint64_t seed = first_seed; seed < first_seed + seed_count; seed++) {
        run_seed(seed);
    }
}

static int setup(void **state)
{
    (void)state;
    world_init_once();
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest fixed[] = {
            cmocka_unit_test(every_frame_is_as_planned_and_rest_is_exact),
            cmocka_unit_test(a_source_may_change_while_it_is_read),
    };
    const struct CMUnitTest chosen[] = {cmocka_unit_test(these_seeds_hold)};
    steps = number_after(argc, argv, "--steps", STEPS_DEFAULT);
    first_seed = number_after(argc, argv, "--seed", 0);
    seed_count = number_after(argc, argv, "--seeds", 1);
    const char *record = text_after(argc, argv, "--record");
    if (record != NULL) {
        record_open(record);
    }
    const int rc = first_seed == 0 ? cmocka_run_group_tests(fixed, setup, NULL)
                                   : cmocka_run_group_tests(chosen, setup, NULL);
    record_close();
    return rc;
}
