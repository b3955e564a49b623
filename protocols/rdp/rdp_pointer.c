/* The guest's pointer as the client's own. */
#include "protocols/rdp/rdp_priv.h"
#include <freerdp/pointer.h>
#include <freerdp/update.h>

enum {
    SMALL_PX = 32,  /* every client; MS-RDPBCGR 2.2.9.1.1.4.4 */
    MEDIUM_PX = 96, /* LARGE_POINTER_FLAG_96x96, 2.2.7.2.7 */
    HEADERS_BYTES = 64
};

struct shape {
    uint32_t width, height, hot_x, hot_y;
    uint32_t xor_bytes, and_bytes;
    uint8_t *data; /* XOR mask, then AND mask; both bottom-up */
};

static uint32_t bytes_of(uint32_t side_px)
{
    return side_px * side_px * 4 + (side_px + 15) / 16 * 2 * side_px + HEADERS_BYTES;
}

/* The largest side that this client takes. */
static uint32_t limit_of(const struct orl_viewer *v)
{
    const rdpSettings *settings = orl_rdp_settings(v);
    const uint32_t flags = freerdp_settings_get_uint32(settings, FreeRDP_LargePointerFlag);
    const uint32_t room = freerdp_settings_get_uint32(settings, FreeRDP_MultifragMaxRequestSize);
    if ((flags & LARGE_POINTER_FLAG_384x384) != 0 && room >= bytes_of(ORL_CURSOR_MAX_PX)) {
        return ORL_CURSOR_MAX_PX;
    }
    if (flags != 0 && room >= bytes_of(MEDIUM_PX)) {
        return MEDIUM_PX;
    }
    return SMALL_PX;
}

/* Takes every step-th pixel. Pixels without any opacity are "screen" by both masks, for clients that
 * do not know the alpha channel. */
static bool make_shape(const struct orl_cursor *cursor, uint32_t step, struct shape *ret_shape)
{
    struct shape s = {.width = (cursor->width_px + step - 1) / step,
            .height = (cursor->height_px + step - 1) / step,
            .hot_x = cursor->hot_x / step,
            .hot_y = cursor->hot_y / step};
    const uint32_t and_stride = (s.width + 15) / 16 * 2;
    s.xor_bytes = s.width * s.height * 4;
    s.and_bytes = and_stride * s.height;
    s.data = calloc(1, s.xor_bytes + s.and_bytes);
    if (s.data == NULL) {
        return false;
    }
    for (uint32_t y = 0; y < s.height; y++) {
        const uint32_t *from = cursor->pixels + (size_t)y * step * cursor->width_px;
        uint8_t *to = s.data + (size_t)(s.height - 1 - y) * s.width * 4;
        uint8_t *and_row = s.data + s.xor_bytes + (size_t)(s.height - 1 - y) * and_stride;
        for (uint32_t x = 0; x < s.width; x++) {
            const uint32_t argb = from[(size_t)x * step];
            if (argb >> 24 == 0) {
                and_row[x / 8] = (uint8_t)(and_row[x / 8] | 0x80U >> (x % 8));
                continue;
            }
            uint8_t *pixel = to + (size_t)x * 4;
            pixel[0] = (uint8_t)argb;
            pixel[1] = (uint8_t)(argb >> 8);
            pixel[2] = (uint8_t)(argb >> 16);
            pixel[3] = (uint8_t)(argb >> 24);
        }
    }
    *ret_shape = s;
    return true;
}

static void send_new(rdpContext *context, const struct shape *s)
{
    const POINTER_NEW_UPDATE pointer = {.xorBpp = 32,
            .colorPtrAttr = {.cacheIndex = 0,
                    .hotSpotX = (UINT16)s->hot_x,
                    .hotSpotY = (UINT16)s->hot_y,
                    .width = (UINT16)s->width,
                    .height = (UINT16)s->height,
                    .lengthAndMask = (UINT16)s->and_bytes,
                    .lengthXorMask = (UINT16)s->xor_bytes,
                    .xorMaskData = s->data,
                    .andMaskData = s->data + s->xor_bytes}};
    (void)context->update->pointer->PointerNew(context, &pointer);
}

static void send_large(rdpContext *context, const struct shape *s)
{
    const POINTER_LARGE_UPDATE pointer = {.xorBpp = 32,
            .cacheIndex = 0,
            .hotSpotX = (UINT16)s->hot_x,
            .hotSpotY = (UINT16)s->hot_y,
            .width = (UINT16)s->width,
            .height = (UINT16)s->height,
            .lengthAndMask = s->and_bytes,
            .lengthXorMask = s->xor_bytes,
            .xorMaskData = s->data,
            .andMaskData = s->data + s->xor_bytes};
    (void)context->update->pointer->PointerLarge(context, &pointer);
}

void orl_rdp_pointer_send(struct orl_viewer *v, const struct orl_cursor *cursor)
{
    rdpContext *context = v->peer->context;
    if (!cursor->is_visible || cursor->width_px == 0 || cursor->height_px == 0) {
        const POINTER_SYSTEM_UPDATE hidden = {.type = SYSPTR_NULL};
        (void)context->update->pointer->PointerSystem(context, &hidden);
        return;
    }
    const uint32_t limit = limit_of(v);
    const uint32_t side =
            cursor->width_px > cursor->height_px ? cursor->width_px : cursor->height_px;
    struct shape s;
    if (!make_shape(cursor, (side + limit - 1) / limit, &s)) {
        return;
    }
    if (s.width > MEDIUM_PX || s.height > MEDIUM_PX) {
        send_large(context, &s);
    } else {
        send_new(context, &s);
    }
    free(s.data);
}
