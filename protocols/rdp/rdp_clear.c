/* The stream as a whole: glyph, then three layers, each over the one before: residual, bands, subcodecs. */
#include "protocols/rdp/rdp_clear.h"
#include "base/secret.h"
#include "protocols/rdp/rdp_clear_cut.h"
#include "protocols/rdp/rdp_clear_priv.h"
#include <stdlib.h>

enum {
    FLAG_GLYPH_INDEX = 0x01,
    FLAG_GLYPH_HIT = 0x02,
    STREAM_MAX_BYTES = ORL_CLEAR_MAX_AREA_PX << 3,
    RAW_HEADER_BYTES = 13,
    LETTER_PX = 32,
    KEPT_BYTES = 64 * 1024, /* of a buffer, between streams */
};

int orl_clear_new(struct orl_clear **ret_clear)
{
    struct orl_clear *clear = calloc(1, sizeof(*clear));
    if (clear == NULL) {
        return ORL_E_NOMEM;
    }
    uint64_t keys[3];
    orl_secret_random(keys, sizeof(keys));
    clear->glyphs.key = keys[2];
    clear->glyph = -1;
    for (unsigned i = 0; i < 2; i++) {
        clear->ink[i] = malloc(ORL_CLEAR_MAX_SIDE_PX);
    }
    orl_buf_init(&clear->residual, STREAM_MAX_BYTES);
    orl_buf_init(&clear->bands, STREAM_MAX_BYTES);
    orl_buf_init(&clear->subcodecs, STREAM_MAX_BYTES);
    orl_buf_init(&clear->stream, (size_t)3 * STREAM_MAX_BYTES);
    if (clear->ink[0] == NULL || clear->ink[1] == NULL ||
            orl_clear_cache_init(&clear->bars, ORL_CLEAR_BARS, keys[0]) < 0 ||
            orl_clear_cache_init(&clear->shorts, ORL_CLEAR_SHORT_BARS, keys[1]) < 0) {
        orl_clear_free(clear);
        return ORL_E_NOMEM;
    }
    *ret_clear = clear;
    return 0;
}

void orl_clear_free(struct orl_clear *clear)
{
    if (clear == NULL) {
        return;
    }
    orl_clear_cache_fini(&clear->bars);
    orl_clear_cache_fini(&clear->shorts);
    orl_clear_glyphs_fini(&clear->glyphs);
    orl_buf_fini(&clear->residual);
    orl_buf_fini(&clear->bands);
    orl_buf_fini(&clear->subcodecs);
    orl_buf_fini(&clear->stream);
    free(clear->ink[0]);
    free(clear->ink[1]);
    free(clear->pixels);
    free(clear);
}

/* A colour that is rare in the box makes short bars long; then the box's own. */
static uint32_t band_background(
        const struct orl_clear *clear, const struct orl_clear_box *box, uint32_t around)
{
    const uint32_t width = box->right - box->left;
    const uint32_t area = width * (box->bottom - box->top);
    uint32_t count = 0;
    for (uint32_t y = box->top; y < box->bottom; y++) {
        const uint32_t *row = clear->pixels + (size_t)y * clear->width_px + box->left;
        for (uint32_t x = 0; x < width; x++) {
            count += row[x] == around;
        }
    }
    return count >= area / 8 ? around : orl_clear_background(clear, box);
}

/* One box of at most ORL_CLEAR_BAR_MAX_PX rows: as a band unless something else is much shorter, for a band fills the
 * caches, which pays for letters and not for noise. */
static void put_part(struct orl_clear *clear, const struct orl_clear_box *box, uint32_t background)
{
    const uint32_t width = box->right - box->left;
    const size_t area = (size_t)width * (box->bottom - box->top);
    const size_t begin = clear->bands.len;
    const uint32_t bars = clear->bars_added;
    const uint32_t shorts = clear->shorts_added;
    size_t band_bytes = SIZE_MAX / 2;
    if (bars + width <= ORL_CLEAR_ADDED_MAX) {
        orl_clear_put_band(clear, box, band_background(clear, box, background));
        band_bytes = clear->bands.len - begin;
        if (band_bytes < area / 2) {
            return;
        }
    }
    const size_t raw_bytes = RAW_HEADER_BYTES + 3 * area;
    const bool is_letters = width <= LETTER_PX || band_bytes < area + area / 2;
    const size_t enough = is_letters ? band_bytes / 2 : band_bytes / 5 * 4;
    const bool is_rlex = orl_clear_put_rlex(clear, box, enough < raw_bytes ? enough : raw_bytes);
    if (!is_rlex && raw_bytes >= enough) {
        return;
    }
    if (!is_rlex) {
        orl_clear_put_raw(clear, box);
    }
    clear->bands.len = begin;
    orl_clear_cache_undo(&clear->bars, clear->bars_added - bars);
    orl_clear_cache_undo(&clear->shorts, clear->shorts_added - shorts);
    clear->bars_added = bars;
    clear->shorts_added = shorts;
}

static void put_box(struct orl_clear *clear, const struct orl_clear_box *box, uint32_t background)
{
    clear->covered_px += (uint64_t)(box->right - box->left) * (box->bottom - box->top);
    for (uint32_t y = box->top; y < box->bottom; y += ORL_CLEAR_BAR_MAX_PX) {
        struct orl_clear_box part = {box->left, y, box->right, y + ORL_CLEAR_BAR_MAX_PX};
        if (part.bottom > box->bottom) {
            part.bottom = box->bottom;
        }
        put_part(clear, &part, background);
    }
}

static int take_pixels(struct orl_clear *clear, const uint8_t *pixels, size_t stride_bytes,
        uint32_t width_px, uint32_t height_px)
{
    if (width_px == 0 || height_px == 0 || width_px > ORL_CLEAR_MAX_SIDE_PX ||
            height_px > ORL_CLEAR_MAX_SIDE_PX || width_px * height_px > ORL_CLEAR_MAX_AREA_PX) {
        return ORL_E_INVAL;
    }
    const size_t count = (size_t)width_px * height_px;
    if (clear->capacity_px < count) {
        uint32_t *grown = realloc(clear->pixels, count * sizeof(*grown));
        if (grown == NULL) {
            return ORL_E_NOMEM;
        }
        clear->pixels = grown;
        clear->capacity_px = count;
    }
    clear->width_px = width_px;
    clear->height_px = height_px;
    uint32_t *to = clear->pixels;
    for (uint32_t y = 0; y < height_px; y++, to += width_px) {
        const uint8_t *from = pixels + (size_t)y * stride_bytes;
        for (uint32_t x = 0; x < width_px; x++) {
            const uint8_t *bgr = from + (size_t)4 * x;
            to[x] = bgr[0] | (uint32_t)bgr[1] << 8 | (uint32_t)bgr[2] << 16;
        }
    }
    return 0;
}

/* True: the decoder has this picture, and the stream is complete. */
static bool put_head(struct orl_clear *clear)
{
    struct orl_buf *out = &clear->stream;
    const bool is_small = clear->width_px * clear->height_px <= ORL_CLEAR_GLYPH_MAX_PX;
    int slot = 0;
    const int found = is_small ? orl_clear_glyphs_find(&clear->glyphs, clear->pixels,
                                         clear->width_px, clear->height_px, &slot)
                               : -1;
    orl_buf_put_u8(
            out, (uint8_t)((is_small ? FLAG_GLYPH_INDEX : 0) | (found >= 0 ? FLAG_GLYPH_HIT : 0)));
    orl_buf_put_u8(out, clear->sequence);
    if (is_small) {
        orl_buf_put_u16le(out, (uint16_t)(found >= 0 ? found : slot));
    }
    clear->glyph = is_small && found < 0 ? slot : -1;
    return found >= 0;
}

static void put_layers(struct orl_clear *clear)
{
    struct orl_buf *out = &clear->stream;
    orl_clear_cut(clear, put_box);
    if (clear->covered_px == (uint64_t)clear->width_px * clear->height_px) {
        orl_buf_reset(&clear->residual); /* nothing of it would be seen */
    }
    orl_buf_put_u32le(out, (uint32_t)clear->residual.len);
    orl_buf_put_u32le(out, (uint32_t)clear->bands.len);
    orl_buf_put_u32le(out, (uint32_t)clear->subcodecs.len);
    orl_buf_put(out, clear->residual.data, clear->residual.len);
    orl_buf_put(out, clear->bands.data, clear->bands.len);
    orl_buf_put(out, clear->subcodecs.data, clear->subcodecs.len);
}

int orl_clear_encode(struct orl_clear *clear, const uint8_t *pixels, size_t stride_bytes,
        uint32_t width_px, uint32_t height_px, const uint8_t **ret_data, size_t *ret_len)
{
    orl_assert(!clear->is_pending);
    const int code = take_pixels(clear, pixels, stride_bytes, width_px, height_px);
    if (code < 0) {
        return code;
    }
    orl_buf_reset(&clear->residual);
    orl_buf_reset(&clear->bands);
    orl_buf_reset(&clear->subcodecs);
    orl_buf_reset(&clear->stream);
    clear->covered_px = 0;
    clear->run_px = 0;
    clear->bars_added = 0;
    clear->shorts_added = 0;
    clear->is_pending = true;
    if (!put_head(clear)) {
        put_layers(clear);
    }
    if (clear->residual.is_failed || clear->bands.is_failed || clear->subcodecs.is_failed ||
            clear->stream.is_failed) {
        orl_clear_drop(clear);
        return ORL_E_NOMEM;
    }
    *ret_data = clear->stream.data;
    *ret_len = clear->stream.len;
    return 0;
}

/* What a whole picture took is not kept for the keys that follow. */
static void give_back(struct orl_clear *clear)
{
    struct orl_buf *const bufs[] = {
            &clear->residual, &clear->bands, &clear->subcodecs, &clear->stream};
    for (unsigned i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++) {
        if (bufs[i]->capacity > KEPT_BYTES) {
            orl_buf_fini(bufs[i]);
        }
    }
    if (clear->capacity_px * sizeof(*clear->pixels) > KEPT_BYTES) {
        free(clear->pixels);
        clear->pixels = NULL;
        clear->capacity_px = 0;
    }
}

void orl_clear_keep(struct orl_clear *clear)
{
    orl_assert(clear->is_pending);
    clear->is_pending = false;
    clear->sequence++;
    if (clear->glyph >= 0) {
        orl_clear_glyphs_set(
                &clear->glyphs, clear->glyph, clear->pixels, clear->width_px, clear->height_px);
    }
    give_back(clear);
}

void orl_clear_drop(struct orl_clear *clear)
{
    orl_assert(clear->is_pending);
    clear->is_pending = false;
    orl_clear_cache_undo(&clear->bars, clear->bars_added);
    orl_clear_cache_undo(&clear->shorts, clear->shorts_added);
    give_back(clear);
}
