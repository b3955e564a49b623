/* The planner with a client that decodes: what it shows is always near the picture. H.264 regions that
 * reached over older content would show here. */
#include "display/planner.h"
#include "test_support.h"
#include <freerdp/codec/color.h>
#include <freerdp/codec/h264.h>

#define WIDTH 400
#define HEIGHT 304
#define STRIDE (WIDTH * 4)

struct stage {
    uint8_t src[HEIGHT * STRIDE];
    uint8_t shown[HEIGHT * STRIDE]; /* the client's surface */
    uint8_t before[HEIGHT * STRIDE];
    uint8_t decoded[HEIGHT * STRIDE];
    struct orl_planner *planner;
    H264_CONTEXT *decoders[ORL_H264_SLOTS];
    struct orl_rect pictures[ORL_H264_SLOTS]; /* of the decoders; empty: none */
    unsigned h264_ops, copies, parts, pictures_seen;
};

/* Colours with slow slopes and a little grain: H.264 keeps them within a few steps. */
static void paint(struct stage *s, const struct orl_rect *r, uint32_t base)
{
    for (int32_t y = r->y; y < r->y + r->height; y++) {
        for (int32_t x = r->x; x < r->x + r->width; x++) {
            uint8_t *px = s->src + STRIDE * y + x * 4;
            for (unsigned c = 0; c < 3; c++) {
                px[c] = (uint8_t)((base >> (8 * c) & 0x7F) + 64U + (uint32_t)(x + y) / 16U +
                                  (((uint32_t)(x + y * WIDTH) * 2654435761U) >> 30));
            }
        }
    }
}

static void copy_rect(uint8_t *dst, const uint8_t *src, size_t src_stride, const struct orl_rect *r)
{
    for (int32_t y = r->y; y < r->y + r->height; y++) {
        memcpy(dst + STRIDE * y + r->x * 4, src + src_stride * (size_t)y + (size_t)r->x * 4,
                (size_t)r->width * 4);
    }
}

static void apply_copy(struct stage *s, const struct orl_op *op)
{
    const uint8_t *from = s->before + STRIDE * op->from_y + op->from_x * 4;
    memcpy(s->before, s->shown, sizeof(s->shown));
    for (int32_t y = 0; y < op->rect.height; y++) {
        memcpy(s->shown + STRIDE * (op->rect.y + y) + op->rect.x * 4, from + STRIDE * y,
                (size_t)op->rect.width * 4);
    }
    s->copies++;
}

static bool is_same(const struct orl_rect *a, const struct orl_rect *b)
{
    return orl_rect_contains(a, b) && orl_rect_contains(b, a);
}

/* A slot whose picture is another one has a new decoder, as a client has with a new surface. */
static void follow_slot(struct stage *s, const struct orl_op *op)
{
    struct orl_rect *picture = &s->pictures[op->slot];
    if (!is_same(picture, &op->picture)) {
        assert_true(op->is_key);
        h264_context_free(s->decoders[op->slot]);
        s->decoders[op->slot] = h264_context_new(FALSE);
        assert_true(
                h264_context_reset(s->decoders[op->slot], op->coded_width_px, op->coded_height_px));
        *picture = op->picture;
        s->pictures_seen++;
    }
    s->parts += op->picture.width < WIDTH || op->picture.height < HEIGHT;
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        const struct orl_rect both = orl_rect_intersect(picture, &s->pictures[i]);
        assert_true(i == op->slot || orl_rect_is_empty(&both));
    }
}

static void apply_h264(struct stage *s, const struct orl_op *op)
{
    const RECTANGLE_16 all = {0, 0, (UINT16)op->coded_width_px, (UINT16)op->coded_height_px};
    follow_slot(s, op);
    s->h264_ops++;
    assert_true(avc420_decompress(s->decoders[op->slot], op->data, (UINT32)op->data_len, s->decoded,
                        PIXEL_FORMAT_BGRX32, STRIDE, op->coded_width_px, op->coded_height_px, &all,
                        1) >= 0);
    for (unsigned k = 0; k < op->regions->count; k++) {
        const struct orl_rect *r = &op->regions->rects[k];
        assert_true(orl_rect_contains(&op->picture, r));
        copy_rect(s->shown, s->decoded - (ptrdiff_t)STRIDE * op->picture.y - op->picture.x * 4,
                STRIDE, r);
    }
}

static void apply(struct stage *s, const struct orl_update *u)
{
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        if ((u->h264_slots >> i & 1U) == 0) {
            s->pictures[i] = (struct orl_rect){0, 0, 0, 0};
        }
    }
    for (unsigned i = 0; i < u->op_count; i++) {
        const struct orl_op *op = &u->ops[i];
        if (op->kind == ORL_OP_COPY) {
            apply_copy(s, op);
        } else if (op->kind == ORL_OP_H264) {
            apply_h264(s, op);
        } else {
            copy_rect(s->shown, u->pixels, u->stride_bytes, &op->rect);
        }
    }
}

/* Mean difference over 8 x 8 blocks: edges within a block may ring, a stale block is far off. */
static void assert_blocks_near(const struct stage *s, int frame)
{
    for (int32_t y = 0; y < HEIGHT; y += 8) {
        for (int32_t x = 0; x < WIDTH; x += 8) {
            int sum = 0;
            for (int32_t i = 0; i < 64 * 3; i++) {
                int32_t at = STRIDE * (y + i / 3 / 8) + (x + i / 3 % 8) * 4 + i % 3;
                sum += abs(s->src[at] - s->shown[at]);
            }
            if (sum / 192 > 14) {
                fail_msg("frame %d: block %d,%d is off by %d", frame, x, y, sum / 192);
            }
        }
    }
}

static struct orl_rect random_rect(struct rng *rng)
{
    struct orl_rect r = {0, 0, rng_in(rng, 2, 12) * 16, rng_in(rng, 2, 12) * 16};
    r.x = rng_in(rng, 0, (WIDTH - r.width) / 16) * 16;
    r.y = rng_in(rng, 0, (HEIGHT - r.height) / 16) * 16;
    return r;
}

/* Moves what lies in one of them to the other; returns what changed. */
static struct orl_rect shift(struct stage *s, const struct orl_rect *r, int32_t dx, int32_t dy)
{
    const struct orl_rect all = {0, 0, WIDTH, HEIGHT};
    struct orl_rect to = {r->x + dx, r->y + dy, r->width, r->height};
    to = orl_rect_intersect(&to, &all);
    memcpy(s->before, s->src, sizeof(s->src));
    for (int32_t y = to.y; y < to.y + to.height; y++) {
        memcpy(s->src + STRIDE * y + to.x * 4, s->before + STRIDE * (y - dy) + (to.x - dx) * 4,
                (size_t)to.width * 4);
    }
    return to;
}

static void shown_picture_is_always_near_and_at_rest_exact(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner_h264", 1);
    struct stage *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    const struct orl_planner_opts opts = {.width_px = WIDTH,
            .height_px = HEIGHT,
            .has_h264 = true,
            .has_copy = true,
            .colours = ORL_COLOURS_709_FULL,
            .threads = 1};
    assert_int_equal(orl_planner_new(&opts, &s->planner, NULL), 0);
    const struct orl_rect all = {0, 0, WIDTH, HEIGHT};
    paint(s, &all, 0);
    uint64_t now_us = 1000000;
    struct orl_update u;
    for (int i = 0; i < 400; i++) {
        now_us += (uint64_t)rng_in(&rng, 5, 80) * 1000;
        struct orl_rect r = random_rect(&rng);
        if (i % 3 == 2) {
            r = shift(s, &r, rng_in(&rng, -5, 5) * 8, rng_in(&rng, 1, 5) * 8);
        } else {
            paint(s, &r, rng_u32(&rng));
        }
        struct orl_region region = {.rects = {r}, .count = 1};
        orl_planner_damage(s->planner, &region, now_us);
        assert_int_equal(orl_planner_next(s->planner, s->src, STRIDE, now_us, &u, NULL), 1);
        if (rng_u32(&rng) % 6 == 0) {
            orl_planner_unsent(s->planner);
            assert_int_equal(orl_planner_next(s->planner, s->src, STRIDE, now_us, &u, NULL), 1);
        }
        apply(s, &u);
        assert_blocks_near(s, i);
    }
    assert_true(s->h264_ops > 100);
    assert_true(s->copies > 20);
    for (uint64_t due_us = orl_planner_due_us(s->planner); due_us < now_us + 2000000;
            due_us = orl_planner_due_us(s->planner)) {
        now_us = due_us > now_us ? due_us : now_us;
        assert_int_equal(orl_planner_next(s->planner, s->src, STRIDE, now_us, &u, NULL), 1);
        apply(s, &u);
    }
    assert_memory_equal(s->shown, s->src, sizeof(s->src));
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        h264_context_free(s->decoders[i]);
    }
    orl_planner_free(s->planner);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(shown_picture_is_always_near_and_at_rest_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
