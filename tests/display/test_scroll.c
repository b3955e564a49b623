/* What is found as moved, and that all of it is exact: what the moves leave is the source, or still DAMAGED. */
#include "display/damage.h"
#include "display/scroll.h"
#include "test_support.h"

#define WIDTH 1000
#define HEIGHT 700
#define STRIDE (WIDTH * 4)

struct stage {
    uint32_t src[HEIGHT][WIDTH];
    uint32_t old[HEIGHT][WIDTH];
    uint32_t picture[HEIGHT][WIDTH];
    struct orl_tiles tiles;
    struct orl_move moves[ORL_SCROLL_MAX_MOVES];
    unsigned count;
    int32_t guess_dx, guess_dy;
    struct rng rng;
};

static struct stage *stage_new(uint64_t seed)
{
    struct stage *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    assert_int_equal(orl_tiles_init(&s->tiles, WIDTH, HEIGHT), 0);
    s->rng = rng_new("scroll", seed);
    return s;
}

static void stage_free(struct stage *s)
{
    orl_tiles_fini(&s->tiles);
    free(s);
}

static void fill(struct stage *s, struct orl_rect r, uint32_t colour)
{
    for (int32_t y = r.y; y < r.y + r.height; y++) {
        for (int32_t x = r.x; x < r.x + r.width; x++) {
            s->src[y][x] = colour;
        }
    }
}

static void noise(struct stage *s, struct orl_rect r)
{
    for (int32_t y = r.y; y < r.y + r.height; y++) {
        for (int32_t x = r.x; x < r.x + r.width; x++) {
            s->src[y][x] = rng_u32(&s->rng);
        }
    }
}

/* Lines of words in two colours, 18 px apart, with a margin to the right. */
static void text(struct stage *s, struct orl_rect r)
{
    fill(s, r, 0xFFFFFF);
    for (int32_t y = r.y; y + 12 <= r.y + r.height; y += 18) {
        const int32_t end = r.x + r.width / 3 + rng_in(&s->rng, 0, r.width / 2);
        for (int32_t x = r.x + 4; x + 7 <= end; x += 8) {
            const uint32_t glyph = rng_u32(&s->rng) % 40 * 2654435761U;
            for (int32_t i = 0; i < 12 * 6 && glyph % 7 != 0; i++) {
                s->src[y + i / 6][x + i % 6] =
                        (glyph >> (i * 5 % 31) & 1) != 0 ? 0x202020 : 0xFFFFFF;
            }
        }
    }
}

/* Rows and columns of src where r lies take what was dx, dy before them. */
static void shift(struct stage *s, struct orl_rect r, int32_t dx, int32_t dy)
{
    for (int32_t y = r.y; y < r.y + r.height; y++) {
        for (int32_t x = r.x; x < r.x + r.width; x++) {
            s->src[y][x] = s->old[y - dy][x - dx];
        }
    }
}

static void show(struct stage *s)
{
    memcpy(s->picture, s->src, sizeof(s->src));
    memcpy(s->old, s->src, sizeof(s->src));
}

static void find(struct stage *s, struct orl_rect damage)
{
    orl_tiles_clear_all(&s->tiles, 0xFF);
    orl_tiles_set(&s->tiles, &damage, ORL_TILE_DAMAGED);
    const struct orl_scroll_view view = {(const uint8_t *)s->src, STRIDE, (uint8_t *)s->picture,
            STRIDE, &s->tiles, s->guess_dx, s->guess_dy};
    s->count = orl_scroll_take(&view, s->moves);
    assert_int_equal(orl_tiles_count(&s->tiles, ORL_TILE_PICK), 0);
    for (size_t i = 0; i < s->tiles.count; i++) {
        const struct orl_rect t = orl_tiles_rect(&s->tiles, i);
        for (int32_t y = t.y; y < t.y + t.height; y++) {
            bool is_same = memcmp(&s->src[y][t.x], &s->picture[y][t.x], (size_t)t.width * 4) == 0;
            assert_true(is_same || (s->tiles.flags[i] & ORL_TILE_DAMAGED) != 0);
        }
    }
}

/* Pixels of the source that the moves did not bring. */
static size_t count_rest(const struct stage *s)
{
    size_t rest = 0;
    for (int32_t y = 0; y < HEIGHT; y++) {
        for (int32_t x = 0; x < WIDTH; x++) {
            rest += s->src[y][x] != s->picture[y][x];
        }
    }
    return rest;
}

static const struct orl_rect all = {0, 0, WIDTH, HEIGHT};

static void text_scrolled_by_any_lines_is_one_move(void **state)
{
    (void)state;
    struct stage *s = stage_new(1);
    const int32_t by[] = {1, 2, 3, 5, 12, 17, 18, 36, 54, 90, 180, 360, 500};
    for (unsigned i = 0; i < 2 * sizeof(by) / sizeof(by[0]); i++) {
        const int32_t dy = i % 2 == 0 ? -by[i / 2] : by[i / 2];
        const int32_t size = abs(dy);
        text(s, all);
        show(s);
        const struct orl_rect to = {0, dy > 0 ? dy : 0, WIDTH, HEIGHT - size};
        const struct orl_rect fresh = {0, dy > 0 ? 0 : HEIGHT - size, WIDTH, size};
        shift(s, to, 0, dy);
        text(s, fresh);
        find(s, all);
        assert_true(s->count >= 1);
        assert_true(s->moves[0].dx == 0 && s->moves[0].dy == dy);
        assert_true(count_rest(s) <= (size_t)size * WIDTH);
    }
    stage_free(s);
}

static void text_scrolled_sideways_is_found(void **state)
{
    (void)state;
    struct stage *s = stage_new(2);
    for (int32_t by = 1; by < 700; by = by * 2 + 1) {
        text(s, all);
        show(s);
        const struct orl_rect to = {0, 0, WIDTH - by, HEIGHT};
        const struct orl_rect fresh = {WIDTH - by, 0, by, HEIGHT};
        shift(s, to, -by, 0);
        noise(s, fresh);
        find(s, all);
        assert_true(s->count >= 1);
        assert_true(s->moves[0].dx == -by && s->moves[0].dy == 0);
        assert_true(count_rest(s) <= (size_t)by * HEIGHT);
    }
    stage_free(s);
}

/* Right, wrong, and one that leads outside. */
static void guess_spares_the_search_or_changes_nothing(void **state)
{
    (void)state;
    struct stage *s = stage_new(9);
    const int32_t guesses[][2] = {
            {0, -18}, {0, 18}, {-5, 3}, {WIDTH, -HEIGHT}, {1 << 30, -(1 << 30)}};
    for (unsigned i = 0; i < sizeof(guesses) / sizeof(guesses[0]); i++) {
        s->guess_dx = guesses[i][0];
        s->guess_dy = guesses[i][1];
        text(s, all);
        show(s);
        const struct orl_rect to = {0, 0, WIDTH, HEIGHT - 18};
        const struct orl_rect fresh = {0, HEIGHT - 18, WIDTH, 18};
        shift(s, to, 0, -18);
        text(s, fresh);
        find(s, all);
        assert_true(s->count >= 1);
        assert_true(s->moves[0].dx == 0 && s->moves[0].dy == -18);
        assert_true(count_rest(s) <= (size_t)18 * WIDTH);
    }
    stage_free(s);
}

/* The guess moves one pane, the search the other. */
static void guess_that_is_half_right_is_followed_by_a_search(void **state)
{
    (void)state;
    struct stage *s = stage_new(10);
    const struct orl_rect upper = {0, 0, WIDTH, HEIGHT / 12 * 11 - 20};
    const struct orl_rect lower = {0, HEIGHT / 12 * 11, WIDTH, HEIGHT / 12 - 20};
    text(s, all);
    show(s);
    shift(s, upper, 0, -18);
    shift(s, lower, 0, -2);
    s->guess_dy = -18;
    find(s, all);
    assert_true(s->count >= 1 && s->moves[0].dy == -18);
    assert_true(count_rest(s) <= (size_t)WIDTH * (HEIGHT / 12 + 40));
    stage_free(s);
}

/* What the window leaves is drawn again from `under`. */
static void window_dragged_in_two_dimensions_is_one_exact_move(void **state)
{
    (void)state;
    struct stage *s = stage_new(3);
    uint32_t(*under)[WIDTH] = malloc(sizeof(s->src));
    assert_non_null(under);
    for (int i = 0; i < 40; i++) {
        const struct orl_rect window = {
                rng_in(&s->rng, 110, 400), rng_in(&s->rng, 110, 300), 301, 203};
        const int32_t dx = rng_in(&s->rng, -90, 90);
        const int32_t dy = rng_in(&s->rng, -90, 90);
        noise(s, all);
        memcpy(under, s->src, sizeof(s->src));
        text(s, window);
        show(s);
        memcpy(s->src, under, sizeof(s->src));
        const struct orl_rect to = {window.x + dx, window.y + dy, window.width, window.height};
        shift(s, to, dx, dy);
        find(s, orl_rect_union(&window, &to));
        if (dx != 0 || dy != 0) {
            assert_true(s->count >= 1);
            assert_true(s->moves[0].dx == dx && s->moves[0].dy == dy);
            const struct orl_rect both = orl_rect_intersect(&window, &to);
            assert_true((int64_t)count_rest(s) <=
                        orl_rect_area(&window) - orl_rect_area(&both) + 16 * 600);
        }
    }
    free(under);
    stage_free(s);
}

static void two_panes_that_scroll_apart_are_two_moves(void **state)
{
    (void)state;
    struct stage *s = stage_new(4);
    const struct orl_rect left = {0, 100, 480, 600};
    const struct orl_rect right = {500, 100, 500, 600};
    text(s, left);
    text(s, right);
    show(s);
    shift(s, (struct orl_rect){0, 100, 480, 582}, 0, -18);
    shift(s, (struct orl_rect){500, 131, 500, 569}, 0, 31);
    find(s, all);
    assert_int_equal(s->count, 2);
    assert_true(s->moves[0].dy + s->moves[1].dy == 13);
    assert_true(count_rest(s) == 0);
    stage_free(s);
}

/* A block that does not scroll with the page costs a second move, not the page. */
static void what_stands_still_in_a_scrolled_page_is_left_out(void **state)
{
    (void)state;
    struct stage *s = stage_new(5);
    const struct orl_rect fixed = {0, 0, 32, 32};
    text(s, all);
    fill(s, fixed, 0xFF0000);
    show(s);
    shift(s, (struct orl_rect){0, 0, WIDTH, HEIGHT - 16}, 0, -16);
    fill(s, fixed, 0xFF0000);
    find(s, all);
    assert_in_range(s->count, 1, 3);
    assert_true(count_rest(s) <= 64 * 64);
    stage_free(s);
}

static void noise_has_no_moves(void **state)
{
    (void)state;
    struct stage *s = stage_new(6);
    for (int i = 0; i < 10; i++) {
        noise(s, all);
        show(s);
        noise(s, all);
        find(s, all);
        assert_int_equal(s->count, 0);
    }
    stage_free(s);
}

/* Many offsets fit, some nearly: find() compares every pixel. */
static void periodic_patterns_are_exact(void **state)
{
    (void)state;
    struct stage *s = stage_new(7);
    for (int i = 0; i < 60; i++) {
        const int32_t px = rng_in(&s->rng, 2, 40);
        const int32_t py = rng_in(&s->rng, 2, 40);
        const int32_t dx = rng_in(&s->rng, -30, 30);
        const int32_t dy = rng_in(&s->rng, -30, 30);
        for (int32_t y = 0; y < HEIGHT; y++) {
            for (int32_t x = 0; x < WIDTH; x++) {
                s->src[y][x] = (uint32_t)((x % px) * 7 + (y % py) * 1000);
            }
        }
        for (int k = 0; k < 30; k++) {
            s->src[rng_in(&s->rng, 0, HEIGHT - 1)][rng_in(&s->rng, 0, WIDTH - 1)] =
                    rng_u32(&s->rng);
        }
        show(s);
        shift(s, (struct orl_rect){100, 100, 700, 500}, dx, dy);
        find(s, all);
    }
    stage_free(s);
}

static void small_damage_and_still_pictures_have_no_moves(void **state)
{
    (void)state;
    struct stage *s = stage_new(8);
    text(s, all);
    show(s);
    find(s, all);
    assert_int_equal(s->count, 0);
    assert_int_equal(orl_tiles_count(&s->tiles, ORL_TILE_PICK), 0);
    shift(s, (struct orl_rect){32, 32, 100, 60}, 0, 18);
    find(s, (struct orl_rect){32, 32, 100, 60});
    assert_int_equal(s->count, 0);
    stage_free(s);
}

/* Every tile and every pixel against what was there before. */
static void check_move(struct stage *s, int32_t dx, int32_t dy)
{
    noise(s, all);
    show(s);
    orl_tiles_clear_all(&s->tiles, 0xFF);
    const struct orl_rect lossy = {160, 160, 32, 32};
    const struct orl_rect lossy_before = {320, 320, 64, 64};
    orl_tiles_set(&s->tiles, &lossy, ORL_TILE_LOSSY);
    orl_tiles_set(&s->tiles, &lossy_before, ORL_TILE_LOSSY | ORL_TILE_DAMAGED);
    const struct orl_move move = {{80 + dx, 96 + dy, 320, 272}, dx, dy};
    orl_move_apply(&move, &s->tiles, (uint8_t *)s->picture, STRIDE);
    for (size_t i = 0; i < s->tiles.count; i++) {
        const struct orl_rect t = orl_tiles_rect(&s->tiles, i);
        const struct orl_rect part = orl_rect_intersect(&t, &move.to);
        const struct orl_rect from = {part.x - dx, part.y - dy, part.width, part.height};
        const struct orl_rect from_lossy = orl_rect_intersect(&from, &lossy);
        const struct orl_rect from_before = orl_rect_intersect(&from, &lossy_before);
        const bool was_lossy =
                orl_rect_contains(&lossy, &t) || orl_rect_contains(&lossy_before, &t);
        const bool is_whole = orl_rect_contains(&move.to, &t);
        const bool comes_lossy =
                !orl_rect_is_empty(&from_lossy) || !orl_rect_is_empty(&from_before);
        const uint8_t flags = s->tiles.flags[i];
        assert_int_equal((flags & ORL_TILE_LOSSY) != 0, comes_lossy || (was_lossy && !is_whole));
        assert_int_equal((flags & ORL_TILE_STALE) != 0, !orl_rect_is_empty(&part));
        if (!orl_rect_is_empty(&part)) {
            assert_int_equal((flags & ORL_TILE_DAMAGED) != 0, !is_whole);
        }
    }
    for (int32_t y = 0; y < HEIGHT; y++) {
        for (int32_t x = 0; x < WIDTH; x++) {
            bool is_in = x >= 80 + dx && x < 400 + dx && y >= 96 + dy && y < 368 + dy;
            assert_true(s->picture[y][x] == (is_in ? s->old[y - dy][x - dx] : s->old[y][x]));
        }
    }
}

static void move_takes_lossy_along_and_makes_all_stale(void **state)
{
    (void)state;
    struct stage *s = stage_new(9);
    const int32_t by[] = {-40, -12, -5, 0, 3, 16, 25};
    for (unsigned i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
        for (unsigned k = 0; k < sizeof(by) / sizeof(by[0]); k++) {
            check_move(s, by[i], by[k]);
        }
    }
    stage_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(text_scrolled_by_any_lines_is_one_move),
            cmocka_unit_test(text_scrolled_sideways_is_found),
            cmocka_unit_test(guess_spares_the_search_or_changes_nothing),
            cmocka_unit_test(guess_that_is_half_right_is_followed_by_a_search),
            cmocka_unit_test(window_dragged_in_two_dimensions_is_one_exact_move),
            cmocka_unit_test(two_panes_that_scroll_apart_are_two_moves),
            cmocka_unit_test(what_stands_still_in_a_scrolled_page_is_left_out),
            cmocka_unit_test(noise_has_no_moves),
            cmocka_unit_test(periodic_patterns_are_exact),
            cmocka_unit_test(small_damage_and_still_pictures_have_no_moves),
            cmocka_unit_test(move_takes_lossy_along_and_makes_all_stale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
