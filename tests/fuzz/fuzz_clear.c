/* Pictures that the input draws go through the encoders and FreeRDP's decoders: any difference aborts. */
#include "protocols/rdp/rdp_clear.h"
#include "protocols/rdp/rdp_zgfx.h"
#include <freerdp/codec/clear.h>
#include <freerdp/codec/color.h>
#include <freerdp/codec/zgfx.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_SIDE_PX = 80, HEAD_BYTES = 4 };

struct codecs {
    struct orl_clear *clear;
    CLEAR_CONTEXT *clear_decoder;
    struct orl_zgfx *zgfx;
    ZGFX_CONTEXT *zgfx_decoder;
    struct orl_buf message;
};

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void pass_message(struct codecs *codecs, const uint8_t *data, size_t len)
{
    BYTE *got = NULL;
    UINT32 got_len = 0;
    orl_buf_reset(&codecs->message);
    orl_zgfx_wrap(codecs->zgfx, &codecs->message, data, len, true);
    require(zgfx_decompress(codecs->zgfx_decoder, codecs->message.data, (UINT32)codecs->message.len,
                    &got, &got_len, 0) >= 0);
    require(got_len == len && memcmp(got, data, len) == 0);
    free(got);
}

static void pass_picture(struct codecs *codecs, const uint32_t *pixels, uint32_t width,
        uint32_t height, bool is_kept)
{
    static uint32_t shown[MAX_SIDE_PX * MAX_SIDE_PX];
    const uint8_t *stream = NULL;
    size_t len = 0;
    require(orl_clear_encode(codecs->clear, (const uint8_t *)pixels, (size_t)width * 4, width,
                    height, &stream, &len) == 0);
    if (!is_kept) {
        orl_clear_drop(codecs->clear);
        return;
    }
    pass_message(codecs, stream, len);
    require(clear_decompress(codecs->clear_decoder, stream, (UINT32)len, width, height,
                    (BYTE *)shown, PIXEL_FORMAT_BGRX32, width * 4, 0, 0, width, height, NULL) == 0);
    orl_clear_keep(codecs->clear);
    for (uint32_t i = 0; i < width * height; i++) {
        require(((shown[i] ^ pixels[i]) & 0xFFFFFF) == 0);
    }
}

/* width, height, colours and kind, then bytes that say how the picture goes on. Returns the bytes used. */
static size_t draw(struct codecs *codecs, const uint8_t *data, size_t size)
{
    static uint32_t pixels[MAX_SIDE_PX * MAX_SIDE_PX];
    const uint32_t width = 1 + data[0] % MAX_SIDE_PX;
    const uint32_t height = 1 + data[1] % MAX_SIDE_PX;
    const uint32_t step = 1 + data[2] % 64;
    size_t used = HEAD_BYTES;
    uint32_t colour = 0xFFFFFF;
    for (uint32_t i = 0; i < width * height; i++) {
        if (i % step == 0 && used < size) {
            const uint8_t byte = data[used++];
            colour = (data[3] & 1) != 0 ? byte * UINT32_C(0x030507) : byte % 4 * UINT32_C(0x555555);
        }
        pixels[i] = colour;
    }
    pass_picture(codecs, pixels, width, height, (data[3] & 6) != 0);
    return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct codecs codecs = {0};
    require(orl_clear_new(&codecs.clear) == 0 && orl_zgfx_new(&codecs.zgfx) == 0);
    codecs.clear_decoder = clear_context_new(FALSE);
    codecs.zgfx_decoder = zgfx_context_new(FALSE);
    require(codecs.clear_decoder != NULL && codecs.zgfx_decoder != NULL);
    orl_buf_init(&codecs.message, 1 << 20);
    if (size > 0) {
        pass_message(&codecs, data, size);
    }
    while (size > HEAD_BYTES) {
        const size_t used = draw(&codecs, data, size);
        data += used;
        size -= used;
    }
    orl_buf_fini(&codecs.message);
    orl_clear_free(codecs.clear);
    orl_zgfx_free(codecs.zgfx);
    clear_context_free(codecs.clear_decoder);
    zgfx_context_free(codecs.zgfx_decoder);
    return 0;
}
