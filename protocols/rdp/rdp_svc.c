/* Static virtual channels (MS-RDPBCGR 2.2.6.1), put together and cut up here: FreeRDP would buffer whatever a client
 * sends, and its channel servers run threads of their own. */
#include "protocols/rdp/rdp_priv.h"
#include <freerdp/channels/wtsvc.h>
#include <string.h>

enum {
    CHANNEL_FIRST = 0x01,
    CHANNEL_LAST = 0x02,
    CHANNEL_SHOW_PROTOCOL = 0x10,
    OPTION_SHOW_PROTOCOL = 0x00200000, /* 2.2.1.3.4.1 */
    CHUNK_BYTES = 1600,                /* a client need not take more (2.2.7.1.10) */
    CHUNKS_PER_FLUSH = 16,             /* then frames and keys have their turn */
    LENGTH_BYTES = 4
};

bool orl_rdp_svc_is_joined(const struct orl_viewer *v, const char *name)
{
    return WTSIsChannelJoinedByName(v->peer, name);
}

void orl_rdp_svc_open(struct orl_viewer *v, struct orl_rdp_svc *svc, const char *name,
        size_t max_in_bytes, size_t max_out_bytes)
{
    svc->id = WTSChannelGetId(v->peer, name);
    svc->flags = (WTSChannelGetOptions(v->peer, svc->id) & OPTION_SHOW_PROTOCOL) != 0
                         ? CHANNEL_SHOW_PROTOCOL
                         : 0;
    orl_buf_init(&svc->in, max_in_bytes);
    orl_buf_init(&svc->out, max_out_bytes);
}

bool orl_rdp_svc_receive(struct orl_rdp_svc *svc, const uint8_t *data, size_t len, uint32_t flags)
{
    if ((flags & CHANNEL_FIRST) != 0) {
        orl_buf_reset(&svc->in);
    }
    orl_buf_put(&svc->in, data, len);
    return (flags & CHANNEL_LAST) != 0;
}

bool orl_rdp_svc_put(struct orl_rdp_svc *svc, const struct orl_buf *msg)
{
    struct orl_buf *out = &svc->out;
    if (msg->is_failed || msg->len > UINT32_MAX ||
            out->max_len - out->len < LENGTH_BYTES + msg->len) {
        return false;
    }
    orl_buf_put_u32le(out, (uint32_t)msg->len);
    orl_buf_put(out, msg->data, msg->len);
    return !out->is_failed;
}

bool orl_rdp_svc_has_more(const struct orl_rdp_svc *svc)
{
    return svc->out.len > 0;
}

static uint32_t first_len(const struct orl_rdp_svc *svc)
{
    uint32_t len = 0;
    for (unsigned i = 0; i < LENGTH_BYTES; i++) {
        len |= (uint32_t)svc->out.data[i] << (8 * i);
    }
    return len;
}

static void drop_first(struct orl_rdp_svc *svc, size_t len)
{
    orl_buf_consume(&svc->out, LENGTH_BYTES + len);
    svc->sent = 0;
    if (svc->out.len == 0) {
        orl_buf_wipe(&svc->out); /* and give up what a long text needed */
        orl_buf_fini(&svc->out);
    }
}

bool orl_rdp_svc_flush(struct orl_viewer *v, struct orl_rdp_svc *svc)
{
    for (unsigned i = 0; i < CHUNKS_PER_FLUSH && svc->out.len > 0 && !orl_rdp_is_blocked(v); i++) {
        const size_t len = first_len(svc);
        const size_t left = len - svc->sent;
        const size_t size = left < CHUNK_BYTES ? left : CHUNK_BYTES;
        const uint32_t flags = svc->flags | (svc->sent == 0 ? CHANNEL_FIRST : 0U) |
                               (size == left ? CHANNEL_LAST : 0U);
        if (!v->peer->SendChannelPacket(
                    v->peer, svc->id, len, flags, svc->out.data + LENGTH_BYTES + svc->sent, size)) {
            return false;
        }
        svc->sent += size;
        if (svc->sent == len) {
            drop_first(svc, len);
        }
    }
    return true;
}

void orl_rdp_svc_close(struct orl_rdp_svc *svc)
{
    orl_buf_wipe(&svc->in);
    orl_buf_wipe(&svc->out);
    orl_buf_fini(&svc->in);
    orl_buf_fini(&svc->out);
    svc->id = 0;
}
