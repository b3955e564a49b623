#include "tests/model/oracle.h"
#include <math.h>

enum {
    TILE_PX = 16,
    BLOCK_PX = 4, /* what 4:2:0 and a coarse quantizer leave right is its mean */
    BLOCK_AREA_PX = 16,
    TILE_MIN_BLOCKS = 4,
};
/* A tile this near is not old, whatever it was before. */
#define FRESH_DB 24.0

void oracle_open(struct oracle *oracle, uint32_t width, uint32_t height)
{
    *oracle = (struct oracle){.width = width, .height = height, .worst_db = 99};
    oracle->is_lossy = calloc(height, width);
    oracle->is_unreported = calloc(height, width);
    oracle->is_owed = calloc(height, width);
    oracle->shown = calloc((size_t)height * width, sizeof(uint32_t));
    oracle->before = calloc((size_t)height * width, sizeof(uint32_t));
    assert_true(oracle->is_lossy != NULL && oracle->is_unreported != NULL &&
                oracle->is_owed != NULL && oracle->shown != NULL && oracle->before != NULL);
}

void oracle_close(struct oracle *oracle)
{
    free(oracle->is_lossy);
    free(oracle->is_unreported);
    free(oracle->is_owed);
    free(oracle->shown);
    free(oracle->before);
    memset(oracle, 0, sizeof(*oracle));
}

void oracle_owe_all(struct oracle *oracle)
{
    memset(oracle->is_owed, 1, (size_t)oracle->width * oracle->height);
}

void oracle_forget_client(struct oracle *oracle)
{
    memset(oracle->is_lossy, 0, (size_t)oracle->width * oracle->height);
    memset(oracle->slots, 0, sizeof(oracle->slots));
    oracle->has_before = false;
    oracle_owe_all(oracle);
}

static struct orl_rect bounds_of(const struct oracle *oracle)
{
    return (struct orl_rect){0, 0, (int32_t)oracle->width, (int32_t)oracle->height};
}

static uint32_t pixel(const uint8_t *pixels, size_t stride, uint32_t x, uint32_t y)
{
    uint32_t v;
    memcpy(&v, pixels + stride * y + (size_t)x * 4, sizeof(v));
    return v & 0xFFFFFF;
}

static void set_rect(
        const struct oracle *oracle, uint8_t *map, const struct orl_rect *r, uint8_t value)
{
    const struct orl_rect bounds = bounds_of(oracle);
    const struct orl_rect part = orl_rect_intersect(r, &bounds);
    for (int32_t y = part.y; y < part.y + part.height; y++) {
        memset(map + (size_t)y * oracle->width + (size_t)part.x, value, (size_t)part.width);
    }
}

void oracle_report(struct oracle *oracle, const struct orl_rect *r, bool is_reported)
{
    set_rect(oracle, oracle->is_unreported, r, !is_reported);
}

/* A decoder sees another picture only with a key frame. */
static void check_slot(struct oracle *oracle, const struct orl_op *op)
{
    assert_in_range(op->slot, 0, ORL_H264_SLOTS - 1);
    assert_true(op->picture.x % TILE_PX == 0 && op->picture.y % TILE_PX == 0);
    assert_true(op->coded_width_px % TILE_PX == 0 && op->coded_height_px % TILE_PX == 0);
    assert_true((int32_t)op->coded_width_px >= op->picture.width &&
                (int32_t)op->coded_height_px >= op->picture.height);
    const struct orl_rect *had = &oracle->slots[op->slot];
    assert_true(op->is_key || memcmp(had, &op->picture, sizeof(*had)) == 0);
    oracle->slots[op->slot] = op->picture;
}

/* What several decoders show does not overlap, once all of an update is there. */
static void check_slots(const struct oracle *oracle)
{
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        for (unsigned k = 0; k < i; k++) {
            const struct orl_rect both = orl_rect_intersect(&oracle->slots[i], &oracle->slots[k]);
            assert_true(orl_rect_is_empty(&both));
        }
    }
}

static void check_op(struct oracle *oracle, const struct orl_op *op)
{
    const struct orl_rect bounds = bounds_of(oracle);
    const struct orl_rect from = {op->from_x, op->from_y, op->rect.width, op->rect.height};
    assert_false(orl_rect_is_empty(&op->rect));
    assert_true(orl_rect_contains(&bounds, &op->rect));
    assert_true(op->kind != ORL_OP_COPY || orl_rect_contains(&bounds, &from));
    if (op->kind != ORL_OP_H264) {
        return;
    }
    assert_true(op->regions->count >= 1 && op->data_len > 4);
    assert_true(orl_rect_contains(&bounds, &op->picture));
    check_slot(oracle, op);
    for (unsigned i = 0; i < op->regions->count; i++) {
        assert_true(orl_rect_contains(&op->picture, &op->regions->rects[i]));
        for (unsigned k = 0; k < i; k++) {
            const struct orl_rect both =
                    orl_rect_intersect(&op->regions->rects[i], &op->regions->rects[k]);
            assert_true(orl_rect_is_empty(&both));
        }
    }
}

void oracle_check_plan(struct oracle *oracle, const struct orl_update *update)
{
    assert_true(update->width_px == oracle->width && update->height_px == oracle->height);
    assert_true(update->op_count >= 1 && update->op_count <= ORL_UPDATE_MAX_OPS);
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        if ((update->h264_slots & 1U << i) == 0) {
            memset(&oracle->slots[i], 0, sizeof(oracle->slots[i]));
        }
    }
    for (unsigned i = 0; i < update->op_count; i++) {
        check_op(oracle, &update->ops[i]);
    }
    check_slots(oracle);
}

void oracle_check_fresh(const struct oracle *oracle, const struct desk *desk)
{
    for (uint32_t y = 0; y < oracle->height; y++) {
        for (uint32_t x = 0; x < oracle->width; x++) {
            const size_t i = (size_t)y * oracle->width + x;
            if (oracle->shown[i] != pixel(desk->pixels, desk->stride, x, y) &&
                    !oracle->is_unreported[i]) {
                fail_msg("what is shown is older than the source at %u,%u", x, y);
            }
        }
    }
}

/* size: of an element of the map. */
static void copy_map(const struct oracle *oracle, void *map, size_t size, const struct orl_op *op)
{
    const size_t row_bytes = (size_t)op->rect.width * size;
    const size_t stride = (size_t)oracle->width * size;
    uint8_t *to = (uint8_t *)map + stride * (size_t)op->rect.y + size * (size_t)op->rect.x;
    const uint8_t *from = (uint8_t *)map + stride * (size_t)op->from_y + size * (size_t)op->from_x;
    uint8_t *copy = malloc(row_bytes * (size_t)op->rect.height);
    assert_non_null(copy);
    for (size_t y = 0; y < (size_t)op->rect.height; y++) {
        memcpy(copy + row_bytes * y, from + stride * y, row_bytes);
    }
    for (size_t y = 0; y < (size_t)op->rect.height; y++) {
        memcpy(to + stride * y, copy + row_bytes * y, row_bytes);
    }
    free(copy);
}

static void show(struct oracle *oracle, const struct orl_update *update, const struct orl_rect *r,
        bool is_lossy)
{
    set_rect(oracle, oracle->is_lossy, r, is_lossy);
    set_rect(oracle, oracle->is_owed, r, 0);
    for (int32_t y = r->y; y < r->y + r->height; y++) {
        for (int32_t x = r->x; x < r->x + r->width; x++) {
            oracle->shown[(size_t)y * oracle->width + (size_t)x] =
                    pixel(update->pixels, update->stride_bytes, (uint32_t)x, (uint32_t)y);
        }
    }
}

void oracle_sent(struct oracle *oracle, const struct orl_update *update)
{
    memcpy(oracle->before, oracle->shown,
            (size_t)oracle->width * oracle->height * sizeof(*oracle->shown));
    for (unsigned i = 0; i < update->op_count; i++) {
        const struct orl_op *op = &update->ops[i];
        if (op->kind == ORL_OP_COPY) {
            copy_map(oracle, oracle->is_lossy, 1, op);
            copy_map(oracle, oracle->is_owed, 1, op);
            copy_map(oracle, oracle->shown, sizeof(*oracle->shown), op);
        } else if (op->kind == ORL_OP_H264) {
            for (unsigned k = 0; k < op->regions->count; k++) {
                show(oracle, update, &op->regions->rects[k], true);
            }
        } else {
            show(oracle, update, &op->rect, false);
        }
    }
}

/* Sums over pixels, by channel. */
struct block {
    int32_t plan[3], before[3], shown[3];
    unsigned count;
};
struct tile_error {
    double to_plan, to_before; /* squares of the blocks' means, summed */
    unsigned count;            /* blocks that came as H.264 */
};

static void add_pixel(struct block *block, uint32_t plan, uint32_t before, uint32_t shown)
{
    for (unsigned i = 0; i < 3; i++) {
        block->plan[i] += (int32_t)(plan >> 8 * i & 0xFF);
        block->before[i] += (int32_t)(before >> 8 * i & 0xFF);
        block->shown[i] += (int32_t)(shown >> 8 * i & 0xFF);
    }
    block->count++;
}

static void add_block(struct tile_error *error, const struct block *block)
{
    for (unsigned i = 0; i < 3 && block->count == BLOCK_AREA_PX; i++) {
        const double to_plan = (double)(block->shown[i] - block->plan[i]) / BLOCK_AREA_PX;
        const double to_before = (double)(block->shown[i] - block->before[i]) / BLOCK_AREA_PX;
        error->to_plan += to_plan * to_plan;
        error->to_before += to_before * to_before;
    }
    error->count += block->count == BLOCK_AREA_PX;
}

static double db_of(double sum, unsigned count)
{
    return sum == 0 ? 99 : 10 * log10(255.0 * 255.0 * 3 * count / sum);
}

static void judge_tile(
        struct oracle *oracle, const struct tile_error *error, uint32_t left, uint32_t top)
{
    if (error->count < TILE_MIN_BLOCKS || oracle->is_rate_bound) {
        return;
    }
    const double db = db_of(error->to_plan, error->count);
    oracle->worst_db = fmin(oracle->worst_db, db);
    if (db < ORACLE_MIN_DB) {
        fail_msg("H.264 is %.1f dB off at %u,%u", db, left, top);
    }
    if (oracle->has_before && db < FRESH_DB && error->to_before * 4 < error->to_plan) {
        fail_msg("H.264 shows the frame before at %u,%u (%.1f dB, %.1f dB)", left, top,
                db_of(error->to_before, error->count), db);
    }
}

/* Exact where it must be. */
static void check_block(const struct oracle *oracle, const struct oracle_picture *client,
        const struct orl_rect *at, struct tile_error *error)
{
    struct block block = {0};
    for (uint32_t y = (uint32_t)at->y; y < (uint32_t)(at->y + at->height); y++) {
        for (uint32_t x = (uint32_t)at->x; x < (uint32_t)(at->x + at->width); x++) {
            const size_t i = (size_t)y * oracle->width + x;
            const uint32_t shown = pixel(client->pixels, client->stride, x, y);
            if (oracle->is_lossy[i]) {
                add_pixel(&block, oracle->shown[i], oracle->before[i], shown);
            } else if (!oracle->is_owed[i] && oracle->shown[i] != shown) {
                fail_msg("the client shows %06x at %u,%u, planned %06x", shown, x, y,
                        oracle->shown[i]);
            }
        }
    }
    add_block(error, &block);
}

/* The rest near enough, and nearer to this plan than to the one before. */
static void check_tile(
        struct oracle *oracle, const struct oracle_picture *client, uint32_t left, uint32_t top)
{
    const struct orl_rect bounds = bounds_of(oracle);
    struct tile_error error = {0};
    for (int32_t y = 0; y < TILE_PX; y += BLOCK_PX) {
        for (int32_t x = 0; x < TILE_PX; x += BLOCK_PX) {
            const struct orl_rect all = {(int32_t)left + x, (int32_t)top + y, BLOCK_PX, BLOCK_PX};
            const struct orl_rect block = orl_rect_intersect(&all, &bounds);
            check_block(oracle, client, &block, &error);
        }
    }
    judge_tile(oracle, &error, left, top);
}

void oracle_check_client(struct oracle *oracle, const struct oracle_picture *client)
{
    assert_true(client->width == oracle->width && client->height == oracle->height);
    for (uint32_t y = 0; y < oracle->height; y += TILE_PX) {
        for (uint32_t x = 0; x < oracle->width; x += TILE_PX) {
            check_tile(oracle, client, x, y);
        }
    }
    oracle->has_before = true;
}

void oracle_check_rest(
        const struct oracle *oracle, const struct desk *desk, const struct oracle_picture *client)
{
    assert_true(client->width == oracle->width && client->height == oracle->height);
    for (uint32_t y = 0; y < oracle->height; y++) {
        for (uint32_t x = 0; x < oracle->width; x++) {
            const uint32_t shown = pixel(client->pixels, client->stride, x, y);
            const uint32_t source = pixel(desk->pixels, desk->stride, x, y);
            if (oracle->is_owed[(size_t)y * oracle->width + x]) {
                fail_msg("what the client asked for was not sent at %u,%u", x, y);
            }
            if (shown != source) {
                fail_msg("at rest the client shows %06x at %u,%u, the source has %06x (%s)", shown,
                        x, y, source,
                        oracle->is_lossy[(size_t)y * oracle->width + x] ? "H.264" : "lossless");
            }
        }
    }
}
