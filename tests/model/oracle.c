#include "tests/model/oracle.h"
#include <math.h>

enum { TILE_PX = 16, TILE_MIN_PX = 64 };

void oracle_open(struct oracle *oracle, uint32_t width, uint32_t height)
{
    *oracle = (struct oracle){.width = width, .height = height, .worst_db = 99};
    oracle->is_lossy = calloc(height, width);
    oracle->is_unreported = calloc(height, width);
    assert_true(oracle->is_lossy != NULL && oracle->is_unreported != NULL);
}

void oracle_close(struct oracle *oracle)
{
    free(oracle->is_lossy);
    free(oracle->is_unreported);
    oracle->is_lossy = NULL;
    oracle->is_unreported = NULL;
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

static void check_op(const struct oracle *oracle, const struct orl_op *op)
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
    for (unsigned i = 0; i < op->regions->count; i++) {
        assert_true(orl_rect_contains(&bounds, &op->regions->rects[i]));
        for (unsigned k = 0; k < i; k++) {
            const struct orl_rect both =
                    orl_rect_intersect(&op->regions->rects[i], &op->regions->rects[k]);
            assert_true(orl_rect_is_empty(&both));
        }
    }
}

void oracle_check_plan(
        const struct oracle *oracle, const struct orl_update *update, const struct desk *desk)
{
    assert_true(update->width_px == oracle->width && update->height_px == oracle->height);
    assert_true(update->op_count >= 1 && update->op_count <= ORL_UPDATE_MAX_OPS);
    for (unsigned i = 0; i < update->op_count; i++) {
        check_op(oracle, &update->ops[i]);
    }
    for (uint32_t y = 0; y < oracle->height; y++) {
        for (uint32_t x = 0; x < oracle->width; x++) {
            if (pixel(update->pixels, update->stride_bytes, x, y) !=
                            pixel(desk->pixels, desk->stride, x, y) &&
                    !oracle->is_unreported[(size_t)y * oracle->width + x]) {
                fail_msg("frame %u is older than the source at %u,%u", update->frame_id, x, y);
            }
        }
    }
}

static void copy_map(struct oracle *oracle, const struct orl_op *op)
{
    const size_t width = (size_t)op->rect.width;
    uint8_t *copy = malloc(width * (size_t)op->rect.height);
    assert_non_null(copy);
    for (int32_t y = 0; y < op->rect.height; y++) {
        memcpy(copy + width * (size_t)y,
                oracle->is_lossy + (size_t)(op->from_y + y) * oracle->width + (size_t)op->from_x,
                width);
    }
    for (int32_t y = 0; y < op->rect.height; y++) {
        memcpy(oracle->is_lossy + (size_t)(op->rect.y + y) * oracle->width + (size_t)op->rect.x,
                copy + width * (size_t)y, width);
    }
    free(copy);
}

void oracle_sent(struct oracle *oracle, const struct orl_update *update)
{
    for (unsigned i = 0; i < update->op_count; i++) {
        const struct orl_op *op = &update->ops[i];
        if (op->kind == ORL_OP_COPY) {
            copy_map(oracle, op);
        } else if (op->kind == ORL_OP_H264) {
            for (unsigned k = 0; k < op->regions->count; k++) {
                set_rect(oracle, oracle->is_lossy, &op->regions->rects[k], 1);
            }
        } else {
            set_rect(oracle, oracle->is_lossy, &op->rect, 0);
        }
    }
    oracle->lossy = 0;
    for (size_t i = 0; i < (size_t)oracle->width * oracle->height; i++) {
        oracle->lossy += oracle->is_lossy[i];
    }
}

static double error_of(uint32_t a, uint32_t b)
{
    double sum = 0;
    for (unsigned shift = 0; shift < 24; shift += 8) {
        const double d = (double)(a >> shift & 0xFF) - (double)(b >> shift & 0xFF);
        sum += d * d;
    }
    return sum;
}

/* One tile: exact where it must be; the rest near enough. */
static void check_tile(struct oracle *oracle, const struct orl_update *update,
        const struct oracle_picture *client, uint32_t left, uint32_t top)
{
    double sum = 0;
    unsigned count = 0;
    for (uint32_t y = top; y < top + TILE_PX && y < oracle->height; y++) {
        for (uint32_t x = left; x < left + TILE_PX && x < oracle->width; x++) {
            const uint32_t plan = pixel(update->pixels, update->stride_bytes, x, y);
            const uint32_t shown = pixel(client->pixels, client->stride, x, y);
            if (oracle->is_lossy[(size_t)y * oracle->width + x]) {
                sum += error_of(plan, shown);
                count++;
            } else if (plan != shown) {
                fail_msg("frame %u: the client shows %06x at %u,%u, planned %06x", update->frame_id,
                        shown, x, y, plan);
            }
        }
    }
    if (count < TILE_MIN_PX || sum == 0) {
        return;
    }
    const double db = 10 * log10(255.0 * 255.0 * 3 * count / sum);
    oracle->worst_db = fmin(oracle->worst_db, db);
    if (db < ORACLE_MIN_DB) {
        fail_msg("frame %u: H.264 is %.1f dB off at %u,%u", update->frame_id, db, left, top);
    }
}

void oracle_check_client(
        struct oracle *oracle, const struct orl_update *update, const struct oracle_picture *client)
{
    assert_true(client->width == oracle->width && client->height == oracle->height);
    for (uint32_t y = 0; y < oracle->height; y += TILE_PX) {
        for (uint32_t x = 0; x < oracle->width; x += TILE_PX) {
            check_tile(oracle, update, client, x, y);
        }
    }
}

void oracle_check_rest(
        const struct oracle *oracle, const struct desk *desk, const struct oracle_picture *client)
{
    assert_true(client->width == oracle->width && client->height == oracle->height);
    for (uint32_t y = 0; y < oracle->height; y++) {
        for (uint32_t x = 0; x < oracle->width; x++) {
            const uint32_t shown = pixel(client->pixels, client->stride, x, y);
            const uint32_t source = pixel(desk->pixels, desk->stride, x, y);
            if (shown != source) {
                fail_msg("at rest the client shows %06x at %u,%u, the source has %06x (%s)", shown,
                        x, y, source,
                        oracle->is_lossy[(size_t)y * oracle->width + x] ? "H.264" : "lossless");
            }
        }
    }
}
