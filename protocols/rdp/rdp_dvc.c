#include "protocols/rdp/rdp_priv.h"
#include <freerdp/channels/drdynvc.h>
#include <freerdp/channels/wtsvc.h>
#include <stdio.h>
#include <string.h>
#include <winpr/wtsapi.h>

enum {
    CHANNEL_FIRST = 0x01, /* MS-RDPBCGR 2.2.6.1.1 */
    DVC_DATA_FIRST = 2,   /* MS-RDPEDYC 2.2.3.1 */
    DVC_DATA = 3,         /* 2.2.3.2 */
    DVC_PDU_BYTES = 1600, /* 2.2.3 */
};

/* The length that a DATA_FIRST PDU announces (MS-RDPEDYC 2.2.3.1), or 0. */
static uint32_t dvc_announced(const BYTE *data, size_t size)
{
    if (size < 1 || data[0] >> 4 != DVC_DATA_FIRST) {
        return 0;
    }
    const unsigned id_bytes = (data[0] & 3) == 0 ? 1 : (data[0] & 3) == 1 ? 2 : 4;
    const unsigned len_code = data[0] >> 2 & 3;
    const unsigned len_bytes = len_code == 0 ? 1 : len_code == 1 ? 2 : 4;
    if (size < 1 + id_bytes + len_bytes) {
        return 0;
    }
    uint32_t length = 0;
    for (unsigned i = 0; i < len_bytes; i++) {
        length |= (uint32_t)data[1 + id_bytes + i] << (8 * i);
    }
    return length;
}

/* FreeRDP grows its buffer by whatever arrives until the last chunk, and to whatever length a dynamic channel's first
 * PDU announces. */
static BOOL on_channel_data(freerdp_peer *peer, UINT16 channel, const BYTE *data, size_t size,
        UINT32 flags, size_t total)
{
    struct orl_viewer *v = orl_rdp_of(peer->context);
    if (v->clipboard.svc.id != 0 && channel == v->clipboard.svc.id) {
        return orl_rdp_clipboard_receive(v, data, size, flags) == ORL_OK;
    }
    if (v->sound.svc.id != 0 && channel == v->sound.svc.id) {
        return orl_rdp_sound_receive(v, data, size, flags) == ORL_OK;
    }
    if (size > total || total > ORL_RDP_CHANNEL_MAX_BYTES) {
        return FALSE;
    }
    v->channel_bytes = (flags & CHANNEL_FIRST) != 0 ? size : v->channel_bytes + size;
    if (v->channel_bytes > 2 * (size_t)ORL_RDP_CHANNEL_MAX_BYTES) {
        return FALSE;
    }
    if ((flags & CHANNEL_FIRST) != 0 && dvc_announced(data, size) > ORL_RDP_CHANNEL_MAX_BYTES) {
        return FALSE;
    }
    return v->receive_channel(peer, channel, data, size, flags, total);
}

void orl_rdp_dvc_guard(struct orl_viewer *v)
{
    v->receive_channel = v->peer->ReceiveChannelData;
    v->peer->ReceiveChannelData = on_channel_data;
}

bool orl_rdp_dvc_open(struct orl_viewer *v, struct orl_rdp_dvc *dvc, const char *name)
{
    LPSTR data = NULL;
    DWORD size = 0;
    if (!WTSQuerySessionInformationA(v->vcm, WTS_CURRENT_SESSION, WTSSessionId, &data, &size)) {
        return false;
    }
    DWORD session = 0;
    memcpy(&session, data, sizeof(session) < size ? sizeof(session) : size);
    WTSFreeMemory(data);
    char copy[64]; /* the prototype wants a writable string */
    (void)snprintf(copy, sizeof(copy), "%s", name);
    dvc->channel = WTSVirtualChannelOpenEx(session, copy, WTS_CHANNEL_OPTION_DYNAMIC);
    dvc->is_ready = false;
    return dvc->channel != NULL;
}

void orl_rdp_dvc_name(struct orl_viewer *v)
{
    struct orl_rdp_dvc *all[] = {&v->gfx.dvc, &v->disp};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        all[i]->id = all[i]->channel != NULL ? WTSChannelGetIdByHandle(all[i]->channel) : 0;
    }
    v->dvc_carrier = WTSChannelGetId(v->peer, DRDYNVC_SVC_CHANNEL_NAME);
}

/* Returns bytes written; *ret_code: how many, as the first byte of a PDU says it. */
static size_t put_uint(uint8_t *at, uint32_t value, unsigned *ret_code)
{
    const size_t bytes = value <= UINT8_MAX ? 1 : value <= UINT16_MAX ? 2 : 4;
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
    *ret_code = (unsigned)bytes / 2;
    return bytes;
}

/* FreeRDP's own way queues each PDU for another thread; here all is on the loop. */
bool orl_rdp_dvc_write(
        struct orl_viewer *v, const struct orl_rdp_dvc *dvc, const uint8_t *data, size_t len)
{
    if (dvc->channel == NULL || len > INT32_MAX) {
        return false;
    }
    uint8_t pdu[DVC_PDU_BYTES];
    size_t done = 0;
    while (done < len) {
        unsigned id_code = 0;
        unsigned len_code = 0;
        size_t head = 1 + put_uint(pdu + 1, dvc->id, &id_code);
        unsigned kind = DVC_DATA;
        if (done == 0 && len > sizeof(pdu) - head) {
            kind = DVC_DATA_FIRST;
            head += put_uint(pdu + head, (uint32_t)len, &len_code);
        }
        pdu[0] = (uint8_t)(kind << 4 | len_code << 2 | id_code);
        const size_t left = len - done;
        const size_t size = left < sizeof(pdu) - head ? left : sizeof(pdu) - head;
        memcpy(pdu + head, data + done, size);
        if (!v->peer->SendChannelData(v->peer, v->dvc_carrier, pdu, head + size)) {
            return false;
        }
        done += size;
    }
    return true;
}

int orl_rdp_dvc_read(struct orl_rdp_dvc *dvc, struct orl_buf *buf)
{
    if (dvc->channel == NULL) {
        return 0;
    }
    if (!dvc->is_ready) {
        void *data = NULL;
        DWORD size = 0;
        if (!WTSVirtualChannelQuery(dvc->channel, WTSVirtualChannelReady, &data, &size)) {
            return 0; /* not answered yet, or refused */
        }
        BOOL is_ready = FALSE;
        memcpy(&is_ready, data, sizeof(is_ready) < size ? sizeof(is_ready) : size);
        WTSFreeMemory(data);
        dvc->is_ready = is_ready;
        if (!is_ready) {
            return 0;
        }
    }
    ULONG length = 0;
    if (!WTSVirtualChannelRead(dvc->channel, 0, NULL, 0, &length)) {
        return 0;
    }
    orl_buf_reset(buf);
    /* An empty message would stay in FreeRDP's queue for ever. */
    uint8_t *at =
            length > 0 && length <= ORL_RDP_CHANNEL_MAX_BYTES ? orl_buf_extend(buf, length) : NULL;
    if (at == NULL || !WTSVirtualChannelRead(dvc->channel, 0, (PCHAR)at, length, &length)) {
        return ORL_E_PROTO;
    }
    return 1;
}

void orl_rdp_dvc_close(struct orl_rdp_dvc *dvc)
{
    if (dvc->channel != NULL) {
        (void)WTSVirtualChannelClose(dvc->channel);
        dvc->channel = NULL;
    }
}
