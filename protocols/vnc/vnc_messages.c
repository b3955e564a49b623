#include "protocols/vnc/vnc_messages.h"
#include "base/rd.h"
#include "base/secret.h"
#include "display/clipboard.h"

#define CHUNK_BYTES 8192U /* whole frames of sound */
#define CUT_HEAD_BYTES 8
#define SUB_AUDIO 1

int orl_vnc_peek_type(rfbClient *client)
{
    char type = 0;
    if (!ReadFromRFBServer(client, &type, 1)) {
        return -1;
    }
    /* So short a read always comes out of the buffer, from just before bufoutptr. */
    client->bufoutptr--;
    client->buffered++;
    return (uint8_t)type;
}

static bool read_body(rfbClient *client, uint32_t len, struct orl_buf *keep)
{
    char chunk[CHUNK_BYTES];
    bool is_ok = true;
    while (is_ok && len > 0) {
        uint32_t n = len < CHUNK_BYTES ? len : CHUNK_BYTES;
        is_ok = ReadFromRFBServer(client, chunk, n);
        if (is_ok && keep != NULL) {
            orl_buf_put(keep, chunk, n);
        }
        len -= n;
    }
    orl_secret_wipe(chunk, sizeof(chunk));
    return is_ok;
}

bool orl_vnc_read_cut(rfbClient *client, struct orl_vnc_cut **ret_cut)
{
    char head[CUT_HEAD_BYTES];
    *ret_cut = NULL;
    if (!ReadFromRFBServer(client, head, sizeof(head))) {
        return false;
    }
    struct orl_rd rd;
    orl_rd_init(&rd, head, sizeof(head));
    orl_rd_skip(&rd, 4);
    uint32_t length = orl_rd_u32be(&rd);
    bool is_extended = length > INT32_MAX;
    length = is_extended ? 0U - length : length;
    struct orl_buf body;
    orl_buf_init(&body, ORL_CLIPBOARD_MAX_BYTES);
    bool is_kept = length <= ORL_CLIPBOARD_MAX_BYTES;
    bool is_ok = read_body(client, length, is_kept ? &body : NULL);
    if (is_ok && is_kept && !body.is_failed) {
        is_ok = orl_vnc_cut_decode(body.data, body.len, is_extended, ret_cut) == ORL_OK;
    }
    orl_buf_wipe(&body);
    orl_buf_fini(&body);
    return is_ok;
}

static bool read_samples(rfbClient *client, struct orl_vnc_sound_ring *ring)
{
    uint8_t chunk[CHUNK_BYTES];
    uint8_t head[4];
    if (!ReadFromRFBServer(client, (char *)head, sizeof(head))) {
        return false;
    }
    struct orl_rd rd;
    orl_rd_init(&rd, head, sizeof(head));
    for (uint32_t left = orl_rd_u32be(&rd); left > 0;) {
        uint32_t n = left < CHUNK_BYTES ? left : CHUNK_BYTES;
        if (!ReadFromRFBServer(client, (char *)chunk, n)) {
            return false;
        }
        orl_vnc_sound_put(ring, chunk, n - n % ORL_VNC_SOUND_FRAME_BYTES);
        left -= n;
    }
    return true;
}

bool orl_vnc_read_sound(
        rfbClient *client, struct orl_vnc_sound_ring *ring, enum orl_vnc_sound_op *ret_op)
{
    uint8_t head[3];
    if (!ReadFromRFBServer(client, (char *)head, sizeof(head)) || head[0] != SUB_AUDIO ||
            head[1] != 0 || head[2] > ORL_VNC_SOUND_DATA) {
        return false;
    }
    *ret_op = (enum orl_vnc_sound_op)head[2];
    return *ret_op != ORL_VNC_SOUND_DATA || read_samples(client, ring);
}
