#include "protocols/rdp/rdp_clear_cut.h"
#include <string.h>

enum {
    GAP_PX = 6,   /* blank columns that cost less than the head of another band */
    TALL_PX = 24, /* may hold more than one line of text */
    SAMPLES = 512,
    TABLE_SLOTS = 128,
};

typedef void (*put_fn)(
        struct orl_clear *clear, const struct orl_clear_box *box, uint32_t background);

static const uint32_t *row_of(const struct orl_clear *clear, uint32_t y)
{
    return clear->pixels + (size_t)y * clear->width_px;
}

uint32_t orl_clear_background(const struct orl_clear *clear, const struct orl_clear_box *box)
{
    struct {
        uint32_t colour;
        uint32_t count;
    } table[TABLE_SLOTS];
    memset(table, 0, sizeof(table));
    const uint32_t width = box->right - box->left;
    const uint32_t area = width * (box->bottom - box->top);
    const uint32_t step = area > SAMPLES ? area / SAMPLES | 1 : 1;
    uint32_t best = row_of(clear, box->top)[box->left];
    uint32_t best_count = 0;
    for (uint32_t i = 0; i < area; i += step) {
        const uint32_t colour = row_of(clear, box->top + i / width)[box->left + i % width];
        const uint32_t first = (colour * UINT32_C(2654435761)) >> 25;
        for (uint32_t probe = 0; probe < 4; probe++) {
            const uint32_t slot = (first + probe) % TABLE_SLOTS;
            if (table[slot].count > 0 && table[slot].colour != colour) {
                continue;
            }
            table[slot].colour = colour;
            if (++table[slot].count > best_count) {
                best_count = table[slot].count;
                best = colour;
            }
            break;
        }
    }
    return best;
}

static void end_run(struct orl_clear *clear)
{
    struct orl_buf *out = &clear->residual;
    if (clear->run_px == 0) {
        return;
    }
    orl_buf_put_u8(out, (uint8_t)clear->run_colour);
    orl_buf_put_u8(out, (uint8_t)(clear->run_colour >> 8));
    orl_buf_put_u8(out, (uint8_t)(clear->run_colour >> 16));
    if (clear->run_px < 0xFF) { /* 2.2.4.1.1.1.1 */
        orl_buf_put_u8(out, (uint8_t)clear->run_px);
    } else {
        orl_buf_put_u8(out, 0xFF);
        orl_buf_put_u16le(out, (uint16_t)(clear->run_px < 0xFFFF ? clear->run_px : 0xFFFF));
        if (clear->run_px >= 0xFFFF) {
            orl_buf_put_u32le(out, clear->run_px);
        }
    }
    clear->run_px = 0;
}

static void add_run(struct orl_clear *clear, uint32_t colour, uint32_t count_px)
{
    if (clear->run_colour != colour) {
        end_run(clear);
    }
    clear->run_colour = colour;
    clear->run_px += count_px;
}

static bool is_plain(const uint32_t *row, uint32_t count)
{
    return memcmp(row, row + 1, (count - 1) * sizeof(*row)) == 0;
}

static bool is_blank(const uint32_t *row, uint32_t count, uint32_t background)
{
    return row[0] == background && is_plain(row, count);
}

/* Marks the columns of the box that differ from the background anywhere. */
static void find_ink(const struct orl_clear *clear, const struct orl_clear_box *box,
        uint32_t background, uint8_t *ink)
{
    const uint32_t width = box->right - box->left;
    memset(ink, 0, width);
    for (uint32_t y = box->top; y < box->bottom; y++) {
        const uint32_t *row = row_of(clear, y) + box->left;
        for (uint32_t x = 0; x < width; x++) {
            ink[x] |= row[x] != background;
        }
    }
}

/* The next stretch of ink from *at on, with gaps of at most GAP_PX in it. */
static bool next_stretch(const uint8_t *ink, uint32_t width, uint32_t *at, uint32_t *ret_begin)
{
    uint32_t x = *at;
    while (x < width && ink[x] == 0) {
        x++;
    }
    if (x == width) {
        return false;
    }
    *ret_begin = x;
    uint32_t end = x;
    for (; x < width && x - end <= GAP_PX; x++) {
        if (ink[x] != 0) {
            end = x + 1;
        }
    }
    *at = end;
    return true;
}

static void put_columns(
        struct orl_clear *clear, const struct orl_clear_box *box, uint32_t background, put_fn put)
{
    uint8_t *ink = clear->ink[1];
    find_ink(clear, box, background, ink);
    uint32_t at = 0;
    uint32_t begin = 0;
    while (next_stretch(ink, box->right - box->left, &at, &begin)) {
        const struct orl_clear_box part = {
                box->left + begin, box->top, box->left + at, box->bottom};
        put(clear, &part, background);
    }
}

/* A stretch of columns: cut at blank rows when it may hold several lines, else only trimmed. */
static void put_stretch(
        struct orl_clear *clear, const struct orl_clear_box *box, uint32_t background, put_fn put)
{
    const uint32_t width = box->right - box->left;
    const bool is_tall = box->bottom - box->top > TALL_PX;
    uint32_t y = box->top;
    while (y < box->bottom) {
        if (is_blank(row_of(clear, y) + box->left, width, background)) {
            y++;
            continue;
        }
        struct orl_clear_box part = {box->left, y, box->right, y};
        for (; y < box->bottom; y++) {
            if (!is_blank(row_of(clear, y) + box->left, width, background)) {
                part.bottom = y + 1;
            } else if (is_tall) {
                break;
            }
        }
        if (is_tall) {
            put_columns(clear, &part, background, put);
        } else {
            put(clear, &part, background);
        }
    }
}

/* Rows none of which is of one colour. */
static void put_rows(struct orl_clear *clear, uint32_t top, uint32_t bottom, put_fn put)
{
    const struct orl_clear_box box = {0, top, clear->width_px, bottom};
    const uint32_t background = orl_clear_background(clear, &box);
    add_run(clear, background, clear->width_px * (bottom - top));
    uint8_t *ink = clear->ink[0];
    find_ink(clear, &box, background, ink);
    uint32_t at = 0;
    uint32_t begin = 0;
    while (next_stretch(ink, clear->width_px, &at, &begin)) {
        const struct orl_clear_box part = {begin, top, at, bottom};
        put_stretch(clear, &part, background, put);
    }
}

void orl_clear_cut(struct orl_clear *clear, put_fn put)
{
    uint32_t y = 0;
    while (y < clear->height_px) {
        const uint32_t top = y;
        while (y < clear->height_px && !is_plain(row_of(clear, y), clear->width_px)) {
            y++;
        }
        if (y > top) {
            put_rows(clear, top, y, put);
        }
        if (y < clear->height_px) {
            add_run(clear, row_of(clear, y)[0], clear->width_px);
            y++;
        }
    }
    end_run(clear);
}
