/* What reports of damage are made of: a scene changes nothing outside of what it says. */
#include "tests/fakes/scene.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WIDTH_PX 640
#define HEIGHT_PX 400
#define PIXELS ((size_t)WIDTH_PX * HEIGHT_PX)
#define ROUND_FRAMES 620 /* of the mixed scene, and a few of the next round */
#define FRAMES 12

struct painted {
    struct orl_scene scene;
    uint32_t *before;
};

static void start(struct painted *p, enum orl_scene_kind kind, uint32_t first_frame)
{
    p->scene = (struct orl_scene){.kind = kind,
            .pixels = calloc(PIXELS, sizeof(uint32_t)),
            .width_px = WIDTH_PX,
            .height_px = HEIGHT_PX,
            .first_frame = first_frame};
    p->before = calloc(PIXELS, sizeof(uint32_t));
    assert_non_null(p->scene.pixels);
    assert_non_null(p->before);
    orl_scene_start(&p->scene);
}

static void end(struct painted *p)
{
    free(p->scene.pixels);
    free(p->before);
    orl_scene_fini(&p->scene);
}

/* The rest of the picture is as it was before. */
static void assert_same_outside(const struct painted *p, const struct orl_rect *r)
{
    for (int32_t y = 0; y < HEIGHT_PX; y++) {
        const size_t row = (size_t)y * WIDTH_PX;
        const bool is_in = y >= r->y && y < r->y + r->height && r->width > 0;
        const int32_t left = is_in && r->x > 0 ? r->x : is_in ? 0 : WIDTH_PX;
        const int32_t right = is_in && r->x + r->width < WIDTH_PX ? r->x + r->width : WIDTH_PX;
        assert_memory_equal(
                p->scene.pixels + row, p->before + row, (size_t)left * sizeof(uint32_t));
        assert_memory_equal(p->scene.pixels + row + right, p->before + row + right,
                (size_t)(WIDTH_PX - right) * sizeof(uint32_t));
    }
}

static void step_all(enum orl_scene_kind kind, uint32_t first_frame, unsigned frames)
{
    struct painted p;
    start(&p, kind, first_frame);
    for (unsigned i = 0; i < frames; i++) {
        memcpy(p.before, p.scene.pixels, PIXELS * sizeof(uint32_t));
        const struct orl_rect r =
                i == frames / 2 ? orl_scene_stamp(&p.scene, 0xFF0000) : orl_scene_step(&p.scene);
        assert_same_outside(&p, &r);
    }
    end(&p);
}

static void every_scene_paints_only_where_it_says(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < ORL_SCENE_COUNT; kind++) {
        step_all((enum orl_scene_kind)kind, 0, kind == ORL_SCENE_MIXED ? ROUND_FRAMES : FRAMES);
    }
}

static void a_scene_may_begin_in_the_middle(void **state)
{
    (void)state;
    step_all(ORL_SCENE_MIXED, 330, 60);
    step_all(ORL_SCENE_MIXED, 400, 60);
}

/* Letters and lines that came after the first picture come back with the rest. */
static void what_a_window_covered_comes_back(void **state)
{
    (void)state;
    struct painted p;
    start(&p, ORL_SCENE_MIXED, 0);
    while (p.scene.frame < 299) {
        (void)orl_scene_step(&p.scene);
    }
    memcpy(p.before, p.scene.pixels, PIXELS * sizeof(uint32_t));
    while (p.scene.frame < 460) {
        (void)orl_scene_step(&p.scene);
    }
    const struct orl_rect none = {0, 0, 0, 0};
    assert_same_outside(&p, &none);
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_scene_paints_only_where_it_says),
            cmocka_unit_test(a_scene_may_begin_in_the_middle),
            cmocka_unit_test(what_a_window_covered_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
