#include "planner_scene.h"

void planner_scene_open_as(struct planner_scene *s, const struct orl_planner_opts *opts)
{
    const size_t count = (size_t)opts->width_px * opts->height_px;
    memset(s, 0, sizeof(*s));
    s->width = s->client.width = opts->width_px;
    s->height = s->client.height = opts->height_px;
    s->stride = (size_t)opts->width_px * 4 + 12;
    s->pixels = calloc(opts->height_px, s->stride);
    s->client.pixels = calloc(count, sizeof(uint32_t));
    s->client.is_known = calloc(count, sizeof(bool));
    assert_int_equal(orl_planner_new(opts, &s->planner, NULL), 0);
    s->now_us = 10 * SECOND;
}

void planner_scene_open(struct planner_scene *s, uint32_t width, uint32_t height, bool has_h264)
{
    const struct orl_planner_opts opts = {.width_px = width,
            .height_px = height,
            .has_h264 = has_h264,
            .has_copy = true,
            .colours = ORL_COLOURS_709_FULL,
            .threads = 1};
    planner_scene_open_as(s, &opts);
}

void planner_scene_close(struct planner_scene *s)
{
    orl_planner_free(s->planner);
    free(s->pixels);
    free(s->client.pixels);
    free(s->client.is_known);
}

static uint32_t pixel_at(const uint8_t *pixels, size_t stride, uint32_t x, uint32_t y)
{
    uint32_t v;
    memcpy(&v, pixels + stride * y + (size_t)x * 4, sizeof(v));
    return v & 0xFFFFFF;
}

static void apply_rect(struct planner_client *c, const struct orl_update *u,
        const struct orl_op *op, const struct orl_rect *r)
{
    for (uint32_t y = (uint32_t)r->y; y < (uint32_t)(r->y + r->height); y++) {
        for (uint32_t x = (uint32_t)r->x; x < (uint32_t)(r->x + r->width); x++) {
            size_t i = (size_t)y * c->width + x;
            c->is_known[i] = op->kind == ORL_OP_LOSSLESS || op->kind == ORL_OP_FILL;
            c->pixels[i] = op->kind == ORL_OP_FILL ? op->colour
                                                   : pixel_at(u->pixels, u->stride_bytes, x, y);
        }
    }
}

/* As memmove does; what is only nearly right stays so. */
static void apply_copy(struct planner_client *c, const struct orl_op *op)
{
    const struct orl_rect picture = {0, 0, (int32_t)c->width, (int32_t)c->height};
    const struct orl_rect from = {op->from_x, op->from_y, op->rect.width, op->rect.height};
    assert_true(orl_rect_contains(&picture, &from));
    const size_t count = (size_t)c->width * c->height;
    uint32_t *pixels = malloc(count * sizeof(uint32_t));
    bool *is_known = malloc(count * sizeof(bool));
    memcpy(pixels, c->pixels, count * sizeof(uint32_t));
    memcpy(is_known, c->is_known, count * sizeof(bool));
    for (int32_t y = 0; y < from.height; y++) {
        for (int32_t x = 0; x < from.width; x++) {
            size_t to = (size_t)(op->rect.y + y) * c->width + (size_t)(op->rect.x + x);
            size_t at = (size_t)(from.y + y) * c->width + (size_t)(from.x + x + c->fault);
            c->pixels[to] = pixels[at % count];
            c->is_known[to] = is_known[at % count];
        }
    }
    free(pixels);
    free(is_known);
    c->copies++;
}

static void check_h264(const struct orl_update *u, const struct orl_op *op)
{
    assert_true(op->data_len > 4);
    assert_memory_equal(op->data, "\0\0\0\1", 4);
    const struct orl_rect surface = {0, 0, (int32_t)u->width_px, (int32_t)u->height_px};
    assert_true(op->slot < ORL_H264_SLOTS && (u->h264_slots >> op->slot & 1U) == 1);
    assert_true(orl_rect_contains(&surface, &op->picture));
    assert_true(op->picture.x % 16 == 0 && op->picture.y % 16 == 0);
    assert_int_equal(op->coded_width_px, (op->picture.width + 15) / 16 * 16);
    assert_int_equal(op->coded_height_px, (op->picture.height + 15) / 16 * 16);
    assert_true(op->regions->count >= 1);
    assert_true(op->qp <= 51);
    for (unsigned i = 0; i < op->regions->count; i++) {
        const struct orl_rect *r = &op->regions->rects[i];
        assert_true(orl_rect_contains(&op->rect, r) && orl_rect_contains(&op->picture, r));
        assert_true(r->x % 16 == 0 && r->y % 16 == 0);
        for (unsigned k = 0; k < i; k++) {
            const struct orl_rect both = orl_rect_intersect(r, &op->regions->rects[k]);
            assert_true(orl_rect_is_empty(&both));
        }
    }
}

static void client_apply(struct planner_client *c, const struct orl_update *u)
{
    const struct orl_rect picture = {0, 0, (int32_t)c->width, (int32_t)c->height};
    assert_int_equal(u->width_px, c->width);
    assert_int_equal(u->height_px, c->height);
    assert_in_range(u->op_count, 1, ORL_UPDATE_MAX_OPS);
    for (unsigned i = 0; i < u->op_count; i++) {
        const struct orl_op *op = &u->ops[i];
        assert_true(orl_rect_contains(&picture, &op->rect));
        assert_false(orl_rect_is_empty(&op->rect));
        if (op->kind == ORL_OP_COPY) {
            assert_true(i == 0 || op[-1].kind == ORL_OP_COPY);
            apply_copy(c, op);
            continue;
        }
        if (op->kind != ORL_OP_H264) {
            assert_true(op->kind == ORL_OP_LOSSLESS || op->kind == ORL_OP_FILL ||
                        op->kind == ORL_OP_PHOTO);
            apply_rect(c, u, op, &op->rect);
            continue;
        }
        check_h264(u, op);
        for (unsigned k = 0; k < op->regions->count; k++) {
            assert_true(orl_rect_contains(&picture, &op->regions->rects[k]));
            apply_rect(c, u, op, &op->regions->rects[k]);
        }
    }
}

size_t planner_scene_count_wrong(const struct planner_scene *s, size_t *ret_unknown)
{
    size_t wrong = 0;
    size_t unknown = 0;
    for (uint32_t y = 0; y < s->height; y++) {
        for (uint32_t x = 0; x < s->width; x++) {
            size_t i = (size_t)y * s->width + x;
            unknown += !s->client.is_known[i];
            wrong += s->client.is_known[i] &&
                     s->client.pixels[i] != pixel_at(s->pixels, s->stride, x, y);
        }
    }
    *ret_unknown = unknown;
    return wrong;
}

void planner_scene_paint(
        struct planner_scene *s, struct rng *rng, const struct orl_rect *r, enum paint how)
{
    uint32_t colour = rng_u32(rng);
    for (int32_t y = r->y; y < r->y + r->height; y++) {
        for (int32_t x = r->x; x < r->x + r->width; x++) {
            if (how == PAINT_NOISE) {
                colour = rng_u32(rng);
            }
            if (how != PAINT_SAME) {
                memcpy(s->pixels + s->stride * (size_t)y + (size_t)x * 4, &colour, 4);
            }
        }
    }
}

void planner_scene_report(struct planner_scene *s, const struct orl_rect *r)
{
    struct orl_region region = {.rects = {*r}, .count = 1};
    orl_planner_damage(s->planner, &region, s->now_us);
}

int planner_scene_step(struct planner_scene *s, bool is_sent, struct orl_update *ret_update)
{
    int rc = orl_planner_next(s->planner, s->pixels, s->stride, s->now_us, ret_update, NULL);
    assert_true(rc >= 0);
    if (rc == 0) {
        return 0;
    }
    assert_true(ret_update->frame_id > s->last_id);
    s->last_id = ret_update->frame_id;
    assert_true(ret_update->damage_us <= s->now_us);
    if (!is_sent) {
        orl_planner_unsent(s->planner);
        return -1;
    }
    client_apply(&s->client, ret_update);
    return 1;
}

unsigned planner_scene_settle(struct planner_scene *s)
{
    unsigned updates = 0;
    for (unsigned i = 0; i < 2000; i++) {
        uint64_t due_us = orl_planner_due_us(s->planner);
        if (due_us == 0 || due_us > s->now_us + 10 * SECOND) {
            return updates;
        }
        s->now_us = due_us > s->now_us ? due_us : s->now_us + FRAME_US;
        struct orl_update u;
        updates += planner_scene_step(s, true, &u) == 1;
    }
    fail_msg("the planner never comes to rest");
    return updates;
}

void planner_scene_assert_exact(const struct planner_scene *s)
{
    size_t unknown;
    assert_int_equal(planner_scene_count_wrong(s, &unknown), 0);
    assert_int_equal(unknown, 0);
}

void planner_scene_shift(struct planner_scene *s, const struct orl_rect *r, int32_t dx, int32_t dy)
{
    uint8_t *old = malloc(s->stride * s->height);
    memcpy(old, s->pixels, s->stride * s->height);
    const struct orl_rect picture = {0, 0, (int32_t)s->width, (int32_t)s->height};
    struct orl_rect to = {r->x + dx, r->y + dy, r->width, r->height};
    to = orl_rect_intersect(&to, &picture);
    for (int32_t y = to.y; y < to.y + to.height; y++) {
        memcpy(s->pixels + s->stride * (size_t)y + (size_t)to.x * 4,
                old + s->stride * (size_t)(y - dy) + (size_t)(to.x - dx) * 4, (size_t)to.width * 4);
    }
    free(old);
    const struct orl_rect both = orl_rect_union(r, &to);
    planner_scene_report(s, &both);
}
