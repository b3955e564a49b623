#include "protocols/rdp/rdp_gfx_wire.h"
#include "base/rd.h"

enum { /* RDPGFX_CMDID_*, MS-RDPEGFX 2.2.1.5 */
    CMD_WIRETOSURFACE_1 = 0x01,
    CMD_SOLIDFILL = 0x04,
    CMD_SURFACETOSURFACE = 0x05,
    CMD_CREATESURFACE = 0x09,
    CMD_DELETESURFACE = 0x0A,
    CMD_STARTFRAME = 0x0B,
    CMD_ENDFRAME = 0x0C,
    CMD_FRAMEACKNOWLEDGE = 0x0D,
    CMD_RESETGRAPHICS = 0x0E,
    CMD_MAPSURFACETOOUTPUT = 0x0F,
    CMD_CACHEIMPORTOFFER = 0x10,
    CMD_CACHEIMPORTREPLY = 0x11,
    CMD_CAPSADVERTISE = 0x12,
    CMD_CAPSCONFIRM = 0x13,
    CMD_QOEFRAMEACKNOWLEDGE = 0x16
};
enum {
    HEADER_BYTES = 8,
    RESET_BYTES = 340, /* fixed, 2.2.2.14 */
    PIXEL_XRGB_8888 = 0x20,
    MONITOR_PRIMARY = 1,
    MONITOR_BYTES = 20,
    CAPS_SETS_MAX = 64,
    SEGMENT_MAX = 65535,
    SEGMENT_SINGLE = 0xE0, /* 2.2.5.1 */
    SEGMENT_MULTIPART = 0xE1,
    SEGMENT_RDP8 = 0x04 /* RDP 8 bulk type, PACKET_COMPRESSED not set: 2.2.5.3 */
};

static const uint32_t VERSIONS[] = {/* best first */
        ORL_GFX_V107, 0x000A0600, 0x000A0601, 0x000A0502, 0x000A0400, 0x000A0301, 0x000A0200,
        ORL_GFX_V101, ORL_GFX_V10, ORL_GFX_V81, ORL_GFX_V8};

static unsigned version_rank(uint32_t version)
{
    for (unsigned i = 0; i < sizeof(VERSIONS) / sizeof(VERSIONS[0]); i++) {
        if (VERSIONS[i] == version) {
            return (unsigned)(sizeof(VERSIONS) / sizeof(VERSIONS[0])) - i;
        }
    }
    return 0;
}

static bool caps_have_avc(const struct orl_gfx_caps *caps)
{
    switch (caps->version) {
    case 0:
    case ORL_GFX_V8:
        return false;
    case ORL_GFX_V81:
        return (caps->flags & ORL_GFX_FLAG_AVC420) != 0;
    case ORL_GFX_V101:
        return true; /* 2.2.3.4: has no flags */
    default:
        return (caps->flags & ORL_GFX_FLAG_AVC_DISABLED) == 0;
    }
}

static void parse_caps(struct orl_rd *rd, struct orl_gfx_client_pdu *pdu)
{
    unsigned best = 0;
    const uint16_t count = orl_rd_u16le(rd);
    if (count > CAPS_SETS_MAX) {
        rd->is_failed = true;
    }
    for (unsigned i = 0; i < count && !rd->is_failed; i++) {
        struct orl_gfx_caps caps = {0};
        caps.version = orl_rd_u32le(rd);
        caps.length = orl_rd_u32le(rd);
        const uint8_t *bytes = orl_rd_bytes(rd, caps.length);
        if (rd->is_failed) {
            return;
        }
        struct orl_rd body;
        orl_rd_init(&body, bytes, caps.length);
        caps.flags = caps.length >= 4 ? orl_rd_u32le(&body) : 0;
        const unsigned rank = caps.length <= 16 ? version_rank(caps.version) : 0;
        if (rank > best) {
            best = rank;
            pdu->caps = caps;
        }
    }
    pdu->kind = ORL_GFX_CLIENT_CAPS;
    pdu->has_avc = caps_have_avc(&pdu->caps);
}

int orl_gfx_parse_client(const void *data, size_t len, struct orl_gfx_client_pdu *ret_pdu)
{
    struct orl_rd rd;
    orl_rd_init(&rd, data, len);
    const uint16_t command = orl_rd_u16le(&rd);
    orl_rd_skip(&rd, 2); /* flags */
    const uint32_t length = orl_rd_u32le(&rd);
    if (rd.is_failed || length < HEADER_BYTES || length > len) {
        return ORL_E_PROTO;
    }
    orl_rd_init(&rd, (const uint8_t *)data + HEADER_BYTES, length - HEADER_BYTES);
    struct orl_gfx_client_pdu pdu = {0};
    switch (command) {
    case CMD_CAPSADVERTISE:
        parse_caps(&rd, &pdu);
        break;
    case CMD_FRAMEACKNOWLEDGE:
        pdu.kind = ORL_GFX_CLIENT_ACK;
        pdu.queue_depth = orl_rd_u32le(&rd);
        pdu.frame_id = orl_rd_u32le(&rd);
        orl_rd_skip(&rd, 4); /* totalFramesDecoded */
        break;
    case CMD_CACHEIMPORTOFFER:
        pdu.kind = ORL_GFX_CLIENT_CACHE_OFFER;
        break;
    case CMD_QOEFRAMEACKNOWLEDGE:
        break;
    default:
        return ORL_E_PROTO;
    }
    if (rd.is_failed) {
        return ORL_E_PROTO;
    }
    *ret_pdu = pdu;
    return (int)length;
}

static void put_header(struct orl_buf *buf, uint16_t command, size_t body)
{
    orl_buf_put_u16le(buf, command);
    orl_buf_put_u16le(buf, 0);
    orl_buf_put_u32le(buf, (uint32_t)(HEADER_BYTES + body));
}

/* RDPGFX_RECT16 (2.2.1.2): right and bottom exclusive, as ours. */
static void put_rect(struct orl_buf *buf, const struct orl_rect *rect)
{
    orl_buf_put_u16le(buf, (uint16_t)rect->x);
    orl_buf_put_u16le(buf, (uint16_t)rect->y);
    orl_buf_put_u16le(buf, (uint16_t)(rect->x + rect->width));
    orl_buf_put_u16le(buf, (uint16_t)(rect->y + rect->height));
}

static void put_zeros(struct orl_buf *buf, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        orl_buf_put_u8(buf, 0);
    }
}

void orl_gfx_put_caps_confirm(struct orl_buf *buf, const struct orl_gfx_caps *caps)
{
    put_header(buf, CMD_CAPSCONFIRM, 8 + caps->length);
    orl_buf_put_u32le(buf, caps->version);
    orl_buf_put_u32le(buf, caps->length);
    if (caps->length >= 4) {
        orl_buf_put_u32le(buf, caps->flags);
        put_zeros(buf, caps->length - 4);
    } else {
        put_zeros(buf, caps->length);
    }
}

void orl_gfx_put_cache_reply(struct orl_buf *buf)
{
    put_header(buf, CMD_CACHEIMPORTREPLY, 2);
    orl_buf_put_u16le(buf, 0);
}

void orl_gfx_put_reset(struct orl_buf *buf, const struct orl_layout *monitors)
{
    uint32_t width;
    uint32_t height;
    orl_layout_bounds(monitors, &width, &height);
    put_header(buf, CMD_RESETGRAPHICS, RESET_BYTES - HEADER_BYTES);
    orl_buf_put_u32le(buf, width);
    orl_buf_put_u32le(buf, height);
    orl_buf_put_u32le(buf, monitors->count);
    for (uint32_t i = 0; i < monitors->count; i++) {
        const struct orl_rect *r = &monitors->heads[i];
        orl_buf_put_u32le(buf, (uint32_t)r->x);
        orl_buf_put_u32le(buf, (uint32_t)r->y);
        orl_buf_put_u32le(buf, (uint32_t)(r->x + r->width - 1)); /* TS_MONITOR_DEF: inclusive */
        orl_buf_put_u32le(buf, (uint32_t)(r->y + r->height - 1));
        orl_buf_put_u32le(buf, i == 0 ? MONITOR_PRIMARY : 0);
    }
    put_zeros(buf, RESET_BYTES - HEADER_BYTES - 12 - monitors->count * MONITOR_BYTES);
}

void orl_gfx_put_create(struct orl_buf *buf, uint16_t id, uint32_t width_px, uint32_t height_px)
{
    put_header(buf, CMD_CREATESURFACE, 7);
    orl_buf_put_u16le(buf, id);
    orl_buf_put_u16le(buf, (uint16_t)width_px);
    orl_buf_put_u16le(buf, (uint16_t)height_px);
    orl_buf_put_u8(buf, PIXEL_XRGB_8888);
}

void orl_gfx_put_delete(struct orl_buf *buf, uint16_t id)
{
    put_header(buf, CMD_DELETESURFACE, 2);
    orl_buf_put_u16le(buf, id);
}

void orl_gfx_put_map(struct orl_buf *buf, uint16_t id)
{
    put_header(buf, CMD_MAPSURFACETOOUTPUT, 12);
    orl_buf_put_u16le(buf, id);
    orl_buf_put_u16le(buf, 0);
    orl_buf_put_u32le(buf, 0); /* at 0,0 */
    orl_buf_put_u32le(buf, 0);
}

void orl_gfx_put_start(struct orl_buf *buf, uint32_t frame_id)
{
    put_header(buf, CMD_STARTFRAME, 8);
    orl_buf_put_u32le(buf, 0); /* timestamp: not used */
    orl_buf_put_u32le(buf, frame_id);
}

void orl_gfx_put_end(struct orl_buf *buf, uint32_t frame_id)
{
    put_header(buf, CMD_ENDFRAME, 4);
    orl_buf_put_u32le(buf, frame_id);
}

void orl_gfx_put_fill(struct orl_buf *buf, uint16_t id, uint32_t rgb, const struct orl_rect *rect)
{
    put_header(buf, CMD_SOLIDFILL, 16);
    orl_buf_put_u16le(buf, id);
    orl_buf_put_u32le(buf, rgb & 0xFFFFFF); /* B, G, R, XA */
    orl_buf_put_u16le(buf, 1);
    put_rect(buf, rect);
}

void orl_gfx_put_copy(struct orl_buf *buf, uint16_t from_id, uint16_t to_id,
        const struct orl_rect *to, int32_t from_x, int32_t from_y)
{
    const struct orl_rect from = {from_x, from_y, to->width, to->height};
    put_header(buf, CMD_SURFACETOSURFACE, 18);
    orl_buf_put_u16le(buf, from_id);
    orl_buf_put_u16le(buf, to_id);
    put_rect(buf, &from);
    orl_buf_put_u16le(buf, 1);
    orl_buf_put_u16le(buf, (uint16_t)to->x);
    orl_buf_put_u16le(buf, (uint16_t)to->y);
}

void orl_gfx_put_wire(struct orl_buf *buf, uint16_t id, uint16_t codec, const struct orl_rect *rect,
        size_t data_len)
{
    put_header(buf, CMD_WIRETOSURFACE_1, 17 + data_len);
    orl_buf_put_u16le(buf, id);
    orl_buf_put_u16le(buf, codec);
    orl_buf_put_u8(buf, PIXEL_XRGB_8888);
    put_rect(buf, rect);
    orl_buf_put_u32le(buf, (uint32_t)data_len);
}

void orl_gfx_put_avc420(struct orl_buf *buf, uint16_t id, const struct orl_rect *bounds,
        const struct orl_region *regions, uint8_t qp, const uint8_t *data, size_t data_len)
{
    struct orl_region shown = *regions;
    orl_region_clip(&shown, bounds);
    orl_gfx_put_wire(
            buf, id, ORL_GFX_CODEC_AVC420, bounds, 4 + 10 * (size_t)shown.count + data_len);
    orl_buf_put_u32le(buf, shown.count);
    for (unsigned i = 0; i < shown.count; i++) {
        put_rect(buf, &shown.rects[i]);
    }
    for (unsigned i = 0; i < shown.count; i++) {
        orl_buf_put_u8(buf, (uint8_t)(qp & 0x3F));
        orl_buf_put_u8(buf, (uint8_t)(qp < 100 ? 100 - qp : 0));
    }
    orl_buf_put(buf, data, data_len);
}

void orl_gfx_wrap(struct orl_buf *out, const uint8_t *data, size_t len)
{
    if (len <= SEGMENT_MAX) {
        orl_buf_put_u8(out, SEGMENT_SINGLE);
        orl_buf_put_u8(out, SEGMENT_RDP8);
        orl_buf_put(out, data, len);
        return;
    }
    orl_buf_put_u8(out, SEGMENT_MULTIPART);
    orl_buf_put_u16le(out, (uint16_t)((len + SEGMENT_MAX - 1) / SEGMENT_MAX));
    orl_buf_put_u32le(out, (uint32_t)len);
    for (size_t at = 0; at < len; at += SEGMENT_MAX) {
        const size_t part = len - at < SEGMENT_MAX ? len - at : SEGMENT_MAX;
        orl_buf_put_u32le(out, (uint32_t)part + 1);
        orl_buf_put_u8(out, SEGMENT_RDP8);
        orl_buf_put(out, data + at, part);
    }
}
