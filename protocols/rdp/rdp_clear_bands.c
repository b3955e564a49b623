/* A band: columns of at most 52 pixels, each sent as a reference to a whole bar, to a bar without the background
 * above and below, or as pixels (MS-RDPEGFX 2.2.4.1.1.2). */
#include "protocols/rdp/rdp_clear_priv.h"

enum {
    BAR_HIT = 0x8000,       /* 2.2.4.1.1.2.1.1 */
    SHORT_BAR_HIT = 0x4000, /* 2.2.4.1.1.2.1.2 */
};

static void put_short(struct orl_clear *clear, const uint32_t *pixels, uint32_t on, uint32_t off)
{
    struct orl_buf *out = &clear->bands;
    const uint32_t count = off - on;
    const int slot = orl_clear_cache_find(&clear->shorts, pixels + on, count);
    if (slot >= 0) {
        orl_buf_put_u16le(out, (uint16_t)(SHORT_BAR_HIT | slot));
        orl_buf_put_u8(out, (uint8_t)on);
        return;
    }
    uint8_t *at = orl_buf_extend(out, 2 + 3 * (size_t)count);
    if (at == NULL) {
        return;
    }
    at[0] = (uint8_t)on;
    at[1] = (uint8_t)off; /* at most 52: the two high bits are the kind */
    at += 2;
    for (uint32_t i = on; i < off; i++, at += 3) {
        at[0] = (uint8_t)pixels[i];
        at[1] = (uint8_t)(pixels[i] >> 8);
        at[2] = (uint8_t)(pixels[i] >> 16);
    }
    orl_clear_cache_add(&clear->shorts, pixels + on, count);
    clear->shorts_added++;
}

static void put_bar(
        struct orl_clear *clear, const uint32_t *pixels, uint32_t count, uint32_t background)
{
    const int slot = orl_clear_cache_find(&clear->bars, pixels, count);
    if (slot >= 0) {
        orl_buf_put_u16le(&clear->bands, (uint16_t)(BAR_HIT | slot));
        return;
    }
    uint32_t on = 0;
    uint32_t off = count;
    while (on < off - 1 && pixels[on] == background) { /* never empty: one pixel stays */
        on++;
    }
    while (off > on + 1 && pixels[off - 1] == background) {
        off--;
    }
    put_short(clear, pixels, on, off);
    orl_clear_cache_add(&clear->bars, pixels, count);
    clear->bars_added++;
}

void orl_clear_put_band(
        struct orl_clear *clear, const struct orl_clear_box *box, uint32_t background)
{
    struct orl_buf *out = &clear->bands;
    const uint32_t count = box->bottom - box->top;
    orl_assert(count >= 1 && count <= ORL_CLEAR_BAR_MAX_PX);
    orl_buf_put_u16le(out, (uint16_t)box->left);
    orl_buf_put_u16le(out, (uint16_t)(box->right - 1));
    orl_buf_put_u16le(out, (uint16_t)box->top);
    orl_buf_put_u16le(out, (uint16_t)(box->bottom - 1));
    orl_buf_put_u8(out, (uint8_t)background);
    orl_buf_put_u8(out, (uint8_t)(background >> 8));
    orl_buf_put_u8(out, (uint8_t)(background >> 16));
    for (uint32_t x = box->left; x < box->right; x++) {
        uint32_t pixels[ORL_CLEAR_BAR_MAX_PX];
        const uint32_t *from = clear->pixels + (size_t)box->top * clear->width_px + x;
        for (uint32_t y = 0; y < count; y++) {
            pixels[y] = from[(size_t)y * clear->width_px];
        }
        put_bar(clear, pixels, count, background);
    }
}
