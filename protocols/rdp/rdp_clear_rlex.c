/* Subcodec regions (MS-RDPEGFX 2.2.4.1.1.3): RLEX, runs and ascending suites of palette entries; and raw pixels. */
#include "protocols/rdp/rdp_clear_priv.h"
#include <stdlib.h>
#include <string.h>

enum {
    SUBCODEC_RAW = 0,
    SUBCODEC_RLEX = 2,
    REGION_HEADER_BYTES = 13,
    TABLE_SLOTS = 512,
    NO_ENTRY = 0xFF,
};

struct palette {
    uint32_t colours[ORL_CLEAR_PALETTE_MAX];
    unsigned count;
    uint32_t keys[TABLE_SLOTS];
    uint8_t entries[TABLE_SLOTS]; /* NO_ENTRY: free */
};

static unsigned slot_of(const struct palette *palette, uint32_t colour)
{
    unsigned slot = (colour * UINT32_C(2654435761)) >> 23;
    while (palette->entries[slot] != NO_ENTRY && palette->keys[slot] != colour) {
        slot = (slot + 1) % TABLE_SLOTS;
    }
    return slot;
}

static bool add_colour(struct palette *palette, uint32_t colour)
{
    const unsigned slot = slot_of(palette, colour);
    if (palette->entries[slot] != NO_ENTRY) {
        return true;
    }
    if (palette->count == ORL_CLEAR_PALETTE_MAX) {
        return false;
    }
    palette->keys[slot] = colour;
    palette->entries[slot] = (uint8_t)palette->count;
    palette->colours[palette->count++] = colour;
    return true;
}

static int luminance(uint32_t colour)
{
    return (int)(2 * (colour >> 16 & 0xFF) + 4 * (colour >> 8 & 0xFF) + (colour & 0xFF));
}

/* Neighbours in brightness become neighbours in the palette, so edges of letters become suites. */
static int by_luminance(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;
    const int difference = luminance(x) - luminance(y);
    return difference != 0 ? difference : (x > y) - (x < y);
}

static const uint32_t *row_of(
        const struct orl_clear *clear, const struct orl_clear_box *box, uint32_t y)
{
    return clear->pixels + (size_t)y * clear->width_px + box->left;
}

static bool collect(
        const struct orl_clear *clear, const struct orl_clear_box *box, struct palette *palette)
{
    palette->count = 0;
    memset(palette->entries, NO_ENTRY, sizeof(palette->entries));
    const uint32_t width = box->right - box->left;
    uint32_t last = ~row_of(clear, box, box->top)[0];
    for (uint32_t y = box->top; y < box->bottom; y++) {
        const uint32_t *row = row_of(clear, box, y);
        for (uint32_t x = 0; x < width; x++) {
            if (row[x] != last && !add_colour(palette, row[x])) {
                return false;
            }
            last = row[x];
        }
    }
    qsort(palette->colours, palette->count, sizeof(palette->colours[0]), by_luminance);
    for (unsigned i = 0; i < palette->count; i++) {
        palette->entries[slot_of(palette, palette->colours[i])] = (uint8_t)i;
    }
    return true;
}

static void put_region(
        struct orl_buf *out, const struct orl_clear_box *box, uint32_t bytes, uint8_t subcodec)
{
    orl_buf_put_u16le(out, (uint16_t)box->left);
    orl_buf_put_u16le(out, (uint16_t)box->top);
    orl_buf_put_u16le(out, (uint16_t)(box->right - box->left));
    orl_buf_put_u16le(out, (uint16_t)(box->bottom - box->top));
    orl_buf_put_u32le(out, bytes);
    orl_buf_put_u8(out, subcodec);
}

/* One segment (2.2.4.1.1.3.1.1.1): run + 1 pixels of the entry `stop - depth`, then the depth entries after it. */
static void put_segment(
        struct orl_buf *out, unsigned bits, unsigned stop, unsigned depth, uint32_t run)
{
    orl_buf_put_u8(out, (uint8_t)(depth << bits | stop));
    if (run < 0xFF) {
        orl_buf_put_u8(out, (uint8_t)run);
        return;
    }
    orl_buf_put_u8(out, 0xFF);
    orl_buf_put_u16le(out, (uint16_t)(run < 0xFFFF ? run : 0xFFFF));
    if (run >= 0xFFFF) {
        orl_buf_put_u32le(out, run);
    }
}

struct segment {
    unsigned start, depth;
    uint32_t run; /* pixels of start; 0: no segment yet */
};

static void end_segment(struct orl_buf *out, unsigned bits, const struct segment *segment)
{
    if (segment->run > 0) {
        put_segment(out, bits, segment->start + segment->depth, segment->depth, segment->run - 1);
    }
}

static void put_entries(const struct orl_clear *clear, const struct orl_clear_box *box,
        const struct palette *palette, struct orl_buf *out, size_t max_len)
{
    unsigned bits = 1;
    while ((1U << bits) < palette->count) {
        bits++;
    }
    const unsigned max_depth = (1U << (8 - bits)) - 1;
    struct segment segment = {0};
    uint32_t last = 0;
    unsigned entry = 0;
    for (uint32_t y = box->top; y < box->bottom && out->len <= max_len; y++) {
        const uint32_t *row = row_of(clear, box, y);
        for (uint32_t x = 0; x < box->right - box->left; x++) {
            if (segment.run == 0 || row[x] != last) {
                last = row[x];
                entry = palette->entries[slot_of(palette, last)];
            }
            if (segment.run > 0 && segment.depth == 0 && entry == segment.start) {
                segment.run++;
            } else if (segment.run > 0 && segment.depth < max_depth &&
                       entry == segment.start + segment.depth + 1) {
                segment.depth++;
            } else {
                end_segment(out, bits, &segment);
                segment = (struct segment){.start = entry, .run = 1};
            }
        }
    }
    end_segment(out, bits, &segment);
}

bool orl_clear_put_rlex(struct orl_clear *clear, const struct orl_clear_box *box, size_t max_bytes)
{
    struct palette palette;
    struct orl_buf *out = &clear->subcodecs;
    const size_t begin = out->len;
    /* Decoders differ about how many bits index a palette of one. */
    if (!collect(clear, box, &palette) || palette.count < 2) {
        return false;
    }
    put_region(out, box, 0, SUBCODEC_RLEX);
    orl_buf_put_u8(out, (uint8_t)palette.count);
    for (unsigned i = 0; i < palette.count; i++) {
        orl_buf_put_u8(out, (uint8_t)palette.colours[i]);
        orl_buf_put_u8(out, (uint8_t)(palette.colours[i] >> 8));
        orl_buf_put_u8(out, (uint8_t)(palette.colours[i] >> 16));
    }
    put_entries(clear, box, &palette, out, begin + max_bytes);
    const size_t bytes = out->len - begin;
    if (out->is_failed || bytes > max_bytes) {
        out->len = begin;
        return false;
    }
    const uint32_t body = (uint32_t)(bytes - REGION_HEADER_BYTES);
    for (unsigned i = 0; i < 4; i++) {
        out->data[begin + 8 + i] = (uint8_t)(body >> (8 * i));
    }
    return true;
}

void orl_clear_put_raw(struct orl_clear *clear, const struct orl_clear_box *box)
{
    struct orl_buf *out = &clear->subcodecs;
    const uint32_t width = box->right - box->left;
    const uint32_t bytes = 3 * width * (box->bottom - box->top);
    put_region(out, box, bytes, SUBCODEC_RAW);
    uint8_t *at = orl_buf_extend(out, bytes);
    for (uint32_t y = box->top; y < box->bottom && at != NULL; y++) {
        const uint32_t *row = row_of(clear, box, y);
        for (uint32_t x = 0; x < width; x++, at += 3) {
            at[0] = (uint8_t)row[x];
            at[1] = (uint8_t)(row[x] >> 8);
            at[2] = (uint8_t)(row[x] >> 16);
        }
    }
}
