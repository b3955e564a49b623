/* PDUs of the graphics channel (MS-RDPEGFX 2.2): structs to bytes and back. Every put appends one PDU;
 * orl_gfx_wrap() makes a channel message of them. No I/O, no policy. */
#ifndef ORL_PROTOCOLS_RDP_RDP_GFX_WIRE_H
#define ORL_PROTOCOLS_RDP_RDP_GFX_WIRE_H
#include "base/buf.h"
#include "display/layout.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ORL_GFX_CODEC_UNCOMPRESSED = 0x0000,
    ORL_GFX_CODEC_CLEAR = 0x0008,
    ORL_GFX_CODEC_PLANAR = 0x000A,
    ORL_GFX_CODEC_AVC420 = 0x000B
};
enum { /* versions, 2.2.3 */
    ORL_GFX_V8 = 0x00080004,
    ORL_GFX_V81 = 0x00080105,
    ORL_GFX_V10 = 0x000A0002,
    ORL_GFX_V101 = 0x000A0100,
    ORL_GFX_V107 = 0x000A0701
};
enum {                                /* flags of 2.2.3 */
    ORL_GFX_FLAG_AVC420 = 0x10,       /* 8.1 */
    ORL_GFX_FLAG_AVC_DISABLED = 0x20, /* 10 and later, but not 10.1 */
};
#define ORL_GFX_ACKS_SUSPENDED UINT32_C(0xFFFFFFFF) /* queueDepth, 2.2.2.13 */

struct orl_gfx_caps {
    uint32_t version, flags;
    uint32_t length; /* of the data, to be echoed */
};
enum orl_gfx_client_kind {
    ORL_GFX_CLIENT_NONE = 0, /* a PDU that needs no answer */
    ORL_GFX_CLIENT_CAPS,     /* caps: the best set among those advertised */
    ORL_GFX_CLIENT_ACK,
    ORL_GFX_CLIENT_CACHE_OFFER,
};
struct orl_gfx_client_pdu {
    enum orl_gfx_client_kind kind;
    struct orl_gfx_caps caps; /* version 0: none that we know */
    bool has_avc;             /* caps */
    uint32_t queue_depth, frame_id;
};
/* Reads the next PDU of a channel message. Returns bytes used (> 0) or ORL_E_PROTO. */
ORL_NODISCARD int orl_gfx_parse_client(
        const void *data, size_t len, struct orl_gfx_client_pdu *ret_pdu);

void orl_gfx_put_caps_confirm(struct orl_buf *buf, const struct orl_gfx_caps *caps);
void orl_gfx_put_cache_reply(struct orl_buf *buf); /* imports nothing */
void orl_gfx_put_reset(struct orl_buf *buf, const struct orl_layout *monitors);
void orl_gfx_put_create(struct orl_buf *buf, uint16_t id, uint32_t width_px, uint32_t height_px);
void orl_gfx_put_delete(struct orl_buf *buf, uint16_t id);
void orl_gfx_put_map(struct orl_buf *buf, uint16_t id);
void orl_gfx_put_start(struct orl_buf *buf, uint32_t frame_id);
void orl_gfx_put_end(struct orl_buf *buf, uint32_t frame_id);
void orl_gfx_put_fill(struct orl_buf *buf, uint16_t id, uint32_t rgb, const struct orl_rect *rect);
/* Within a surface, or from one to another. */
void orl_gfx_put_copy(struct orl_buf *buf, uint16_t from_id, uint16_t to_id,
        const struct orl_rect *to, int32_t from_x, int32_t from_y);
/* WireToSurface1 with data_len bytes that the caller appends. */
void orl_gfx_put_wire(struct orl_buf *buf, uint16_t id, uint16_t codec, const struct orl_rect *rect,
        size_t data_len);
/* WireToSurface1 with an AVC420 stream: meta block (2.2.4.4) and data. regions: clipped to bounds. */
void orl_gfx_put_avc420(struct orl_buf *buf, uint16_t id, const struct orl_rect *bounds,
        const struct orl_region *regions, uint8_t qp, const uint8_t *data, size_t data_len);

/* RDP_SEGMENTED_DATA (2.2.5.1), uncompressed segments of at most 65535 bytes. */
void orl_gfx_wrap(struct orl_buf *out, const uint8_t *data, size_t len);

#endif
