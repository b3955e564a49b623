#include "session/thumb.h"
#include <stdlib.h>
#include <string.h>

#define PX_BYTES 4

static const int qualities[] = {80, 60, 40, 20, 5};

struct size {
    size_t width, height;
};

static struct size fitting(size_t width, size_t height)
{
    struct size s = {width, height};
    if (s.width > ORL_THUMB_WIDTH_PX) {
        s = (struct size){ORL_THUMB_WIDTH_PX, height * ORL_THUMB_WIDTH_PX / width};
    }
    if (s.height > ORL_THUMB_HEIGHT_PX) {
        s = (struct size){width * ORL_THUMB_HEIGHT_PX / height, ORL_THUMB_HEIGHT_PX};
    }
    s.width += s.width == 0;
    s.height += s.height == 0;
    return s;
}

/* The mean of the block of pixels that one of the small picture stands for: text stays grey lines. */
static void put_mean(const struct orl_jpeg_picture *picture, const struct size *small, size_t x,
        size_t y, uint8_t *ret)
{
    const size_t x0 = x * picture->width_px / small->width;
    const size_t x1 = (x + 1) * picture->width_px / small->width;
    const size_t y0 = y * picture->height_px / small->height;
    const size_t y1 = (y + 1) * picture->height_px / small->height;
    const size_t count = (x1 - x0) * (y1 - y0);
    uint64_t sums[3] = {0};
    orl_assert(count > 0); /* it is never larger than the picture */
    for (size_t row = y0; row < y1; row++) {
        const uint8_t *px = picture->bgrx + picture->stride_bytes * row + PX_BYTES * x0;
        for (size_t i = x0; i < x1; i++, px += PX_BYTES) {
            sums[0] += px[0];
            sums[1] += px[1];
            sums[2] += px[2];
        }
    }
    for (size_t c = 0; c < 3; c++) {
        ret[c] = (uint8_t)(sums[c] / count);
    }
    ret[3] = 0;
}

static int compress(const struct orl_jpeg_picture *small, struct orl_msg_thumb *ret_thumb)
{
    struct orl_jpeg *jpeg = NULL;
    int rc = orl_jpeg_new(&jpeg);
    size_t len = SIZE_MAX;
    for (size_t i = 0; rc == ORL_OK && len > ORL_THUMB_MAX; i++) {
        const uint8_t *data;
        if (i == sizeof(qualities) / sizeof(qualities[0])) {
            rc = ORL_E_LIMIT;
            break;
        }
        rc = orl_jpeg_encode(jpeg, small, qualities[i], false, &data, &len);
        if (rc == ORL_OK && len <= ORL_THUMB_MAX) {
            memcpy(ret_thumb->data, data, len);
            ret_thumb->data_len = (uint32_t)len;
        }
    }
    orl_jpeg_free(jpeg);
    return rc;
}

int orl_thumb_make(const struct orl_jpeg_picture *picture, struct orl_msg_thumb *ret_thumb)
{
    const struct size s = fitting(picture->width_px, picture->height_px);
    uint8_t *pixels = malloc(s.width * s.height * PX_BYTES);
    if (pixels == NULL) {
        return ORL_E_NOMEM;
    }
    for (size_t y = 0; y < s.height; y++) {
        for (size_t x = 0; x < s.width; x++) {
            put_mean(picture, &s, x, y, pixels + PX_BYTES * (s.width * y + x));
        }
    }
    const struct orl_jpeg_picture small = {
            pixels, s.width * PX_BYTES, (uint32_t)s.width, (uint32_t)s.height};
    const int rc = compress(&small, ret_thumb);
    free(pixels);
    return rc;
}
