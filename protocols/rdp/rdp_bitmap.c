/* Clients without the graphics pipeline: Bitmap Updates (MS-RDPBCGR 2.2.9.1.1.3.1.2), planar at 32 bits
 * per pixel, raw below (FreeRDP's interleaved encoder makes wrong pixels of text). */
#include "protocols/rdp/rdp_priv.h"
#include <freerdp/codec/color.h>
#include <freerdp/update.h>
#include <string.h>

enum {
    TILE_WIDTH = 64,
    TILE_HEIGHT = 56, /* 64 x 56 x 4 bytes: less than one fast-path packet */
    PACKET_BYTES =
            15000, /* of tiles in one update: below 0x3F80, which every client takes unfragmented */
    TILE_HEADER_BYTES = 26, /* TS_BITMAP_DATA */
    TILES_MAX = 64,
    TILE_COMPRESSED = 0x0001, /* flags, MS-RDPBCGR 2.2.9.1.1.3.1.2.2 */
    TILE_NO_HEADER = 0x0400,
};

struct packet {
    BITMAP_DATA tiles[TILES_MAX];
    unsigned count;
    size_t bytes;
};

bool orl_rdp_bitmap_has_acks(const struct orl_viewer *v)
{
    const rdpSettings *settings = orl_rdp_settings(v);
    return freerdp_settings_get_bool(settings, FreeRDP_SurfaceFrameMarkerEnabled) &&
           freerdp_settings_get_uint32(settings, FreeRDP_FrameAcknowledge) > 0;
}

int orl_rdp_bitmap_set_size(struct orl_viewer *v, uint32_t width_px, uint32_t height_px)
{
    rdpSettings *settings = orl_rdp_settings(v);
    if (width_px == v->bitmap_width_px && height_px == v->bitmap_height_px) {
        return 0;
    }
    if (!freerdp_settings_get_bool(settings, FreeRDP_DesktopResize)) {
        return ORL_E_UNSUPPORTED;
    }
    if (!freerdp_settings_set_uint32(settings, FreeRDP_DesktopWidth, width_px) ||
            !freerdp_settings_set_uint32(settings, FreeRDP_DesktopHeight, height_px)) {
        return ORL_E_NOMEM;
    }
    v->bitmap_width_px = width_px;
    v->bitmap_height_px = height_px;
    v->is_activated = false; /* until the client has confirmed; send() gives ORL_E_AGAIN */
    v->flight.count = 0;
    v->wants_writable = true;
    rdpContext *context = v->peer->context;
    return context->update->DesktopResize(context) ? 0 : ORL_E_CLOSED;
}

static void free_tiles(struct packet *packet)
{
    for (unsigned i = 0; i < packet->count; i++) {
        free(packet->tiles[i].bitmapDataStream);
    }
    packet->count = 0;
    packet->bytes = 0;
}

static int send_packet(struct orl_viewer *v, struct packet *packet)
{
    rdpContext *context = v->peer->context;
    const BITMAP_UPDATE update = {
            .number = packet->count, .rectangles = packet->tiles, .skipCompression = TRUE};
    const bool ok = packet->count == 0 || context->update->BitmapUpdate(context, &update);
    free_tiles(packet);
    return ok ? 0 : ORL_E_CLOSED;
}

static uint32_t format_of(uint32_t depth)
{
    switch (depth) {
    case 15:
        return PIXEL_FORMAT_RGB15;
    case 16:
        return PIXEL_FORMAT_RGB16;
    case 24:
        return PIXEL_FORMAT_BGR24;
    default:
        return PIXEL_FORMAT_BGRX32;
    }
}

/* The tile's pixels, bottom-up, rows of padded_px pixels; malloc'd. */
static uint8_t *raw_tile(const struct orl_update *update, const struct orl_rect *rect,
        uint32_t padded_px, uint32_t depth, uint32_t *ret_len)
{
    const uint32_t format = format_of(depth);
    const uint32_t pixel_bytes = FreeRDPGetBytesPerPixel(format);
    const uint32_t row_bytes = padded_px * pixel_bytes;
    uint8_t *data = calloc((size_t)rect->height, row_bytes);
    if (data == NULL) {
        return NULL;
    }
    for (int32_t y = 0; y < rect->height; y++) {
        const uint8_t *from =
                update->pixels + (size_t)(rect->y + y) * update->stride_bytes + (size_t)rect->x * 4;
        uint8_t *to = data + (size_t)(rect->height - 1 - y) * row_bytes;
        for (int32_t x = 0; x < rect->width; x++, from += 4, to += pixel_bytes) {
            (void)FreeRDPWriteColor(
                    to, format, FreeRDPGetColor(format, from[2], from[1], from[0], 0xFF));
        }
    }
    *ret_len = row_bytes * (uint32_t)rect->height;
    return data;
}

/* Set by us: FreeRDP would put the second one on raw tiles too, which rdesktop then decompresses. */
static UINT32 compressed_flags(const struct orl_viewer *v)
{
    return freerdp_settings_get_bool(orl_rdp_settings(v), FreeRDP_NoBitmapCompressionHeader)
                   ? TILE_COMPRESSED | TILE_NO_HEADER
                   : TILE_COMPRESSED;
}

static int add_tile(struct orl_viewer *v, const struct orl_update *update,
        const struct orl_rect *rect, struct packet *packet)
{
    const uint32_t depth = freerdp_settings_get_uint32(orl_rdp_settings(v), FreeRDP_ColorDepth);
    const uint32_t padded_px = ((uint32_t)rect->width + 3) & ~3U;
    uint32_t length = 0;
    uint8_t *data = NULL;
    bool is_planar = false;
    if (depth == 32 && padded_px == (uint32_t)rect->width) {
        /* Only a client that asked for it takes streams without alpha (MS-RDPBCGR 2.2.7.1.2). */
        const bool skips_alpha =
                freerdp_settings_get_bool(orl_rdp_settings(v), FreeRDP_DrawAllowSkipAlpha);
        data = orl_rdp_planar_encode(&v->planar,
                update->pixels + (size_t)rect->y * update->stride_bytes + (size_t)rect->x * 4,
                update->stride_bytes, padded_px, (uint32_t)rect->height, false, skips_alpha,
                &length);
        is_planar = data != NULL;
    }
    if (data == NULL) {
        data = raw_tile(update, rect, padded_px, depth, &length);
    }
    if (data == NULL) {
        return ORL_E_NOMEM;
    }
    if (packet->count == TILES_MAX ||
            (packet->count > 0 && packet->bytes + length + TILE_HEADER_BYTES > PACKET_BYTES)) {
        const int code = send_packet(v, packet);
        if (code < 0) {
            free(data);
            return code;
        }
    }
    BITMAP_DATA *tile = &packet->tiles[packet->count++];
    *tile = (BITMAP_DATA){.destLeft = (UINT32)rect->x,
            .destTop = (UINT32)rect->y,
            .destRight = (UINT32)(rect->x + rect->width - 1), /* inclusive */
            .destBottom = (UINT32)(rect->y + rect->height - 1),
            .width = padded_px,
            .height = (UINT32)rect->height,
            .bitsPerPixel = depth,
            .bitmapLength = length,
            .flags = is_planar ? compressed_flags(v) : 0U,
            .cbCompMainBodySize = length,
            .cbScanWidth = padded_px * 4,
            .cbUncompressedSize = padded_px * 4 * (UINT32)rect->height,
            .bitmapDataStream = data,
            .compressed = is_planar};
    packet->bytes += length + TILE_HEADER_BYTES;
    return 0;
}

/* Tiles whose width is a multiple of 4 pixels compress: widen to the left and right inside the picture. */
static int add_rect(struct orl_viewer *v, const struct orl_update *update,
        const struct orl_rect *rect, struct packet *packet)
{
    const int32_t left = rect->x & ~3;
    int32_t right = (rect->x + rect->width + 3) & ~3;
    if (right > (int32_t)update->width_px) {
        right = (int32_t)update->width_px;
    }
    for (int32_t y = rect->y; y < rect->y + rect->height; y += TILE_HEIGHT) {
        for (int32_t x = left; x < right; x += TILE_WIDTH) {
            struct orl_rect tile = {x, y, right - x, rect->y + rect->height - y};
            tile.width = tile.width < TILE_WIDTH ? tile.width : TILE_WIDTH;
            tile.height = tile.height < TILE_HEIGHT ? tile.height : TILE_HEIGHT;
            const int code = add_tile(v, update, &tile, packet);
            if (code < 0) {
                return code;
            }
        }
    }
    return 0;
}

static int mark_frame(struct orl_viewer *v, uint32_t action, uint32_t frame_id)
{
    rdpContext *context = v->peer->context;
    const SURFACE_FRAME_MARKER marker = {.frameAction = action, .frameId = frame_id};
    if (!freerdp_settings_get_bool(context->settings, FreeRDP_SurfaceFrameMarkerEnabled)) {
        return 0;
    }
    return context->update->SurfaceFrameMarker(context, &marker) ? 0 : ORL_E_CLOSED;
}

int orl_rdp_bitmap_send(struct orl_viewer *v, const struct orl_update *update)
{
    const struct orl_rect all = {0, 0, (int32_t)update->width_px, (int32_t)update->height_px};
    if (update->width_px != v->bitmap_width_px || update->height_px != v->bitmap_height_px) {
        return ORL_E_INVAL;
    }
    struct packet packet = {.count = 0};
    int code = mark_frame(v, SURFACECMD_FRAMEACTION_BEGIN, update->frame_id);
    for (unsigned i = 0; i < update->op_count && code == 0; i++) {
        const struct orl_op *op = &update->ops[i];
        /* The caps say neither copy nor fill nor h264; pixels do for any of them. */
        const struct orl_rect rect = orl_rect_intersect(&op->rect, &all);
        if (op->kind != ORL_OP_NONE && !orl_rect_is_empty(&rect)) {
            code = add_rect(v, update, &rect, &packet);
        }
    }
    if (code == 0) {
        code = send_packet(v, &packet);
    }
    free_tiles(&packet);
    if (code == 0) {
        code = mark_frame(v, SURFACECMD_FRAMEACTION_END, update->frame_id);
    }
    return code;
}
