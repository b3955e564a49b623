#include "protocols/vnc/vnc_sound.h"
#include <string.h>

enum {
    MSG_QEMU = 255,
    SUB_AUDIO = 1,
    OP_ENABLE = 0,
    OP_DISABLE = 1,
    OP_FORMAT = 2,
    FORMAT_S16 = 3
};

static void put_op(struct orl_buf *buf, uint16_t op)
{
    orl_buf_put_u8(buf, MSG_QEMU);
    orl_buf_put_u8(buf, SUB_AUDIO);
    orl_buf_put_u16be(buf, op);
}

void orl_vnc_sound_put_on(struct orl_buf *buf, bool is_on)
{
    if (!is_on) {
        put_op(buf, OP_DISABLE);
        return;
    }
    put_op(buf, OP_FORMAT);
    orl_buf_put_u8(buf, FORMAT_S16);
    orl_buf_put_u8(buf, ORL_VNC_SOUND_CHANNELS);
    orl_buf_put_u32be(buf, ORL_VNC_SOUND_RATE_HZ);
    put_op(buf, OP_ENABLE);
}

void orl_vnc_sound_put(struct orl_vnc_sound_ring *ring, const uint8_t *samples, size_t len)
{
    size_t written = atomic_load(&ring->written);
    size_t used = written - atomic_load(&ring->taken);
    if (len > ORL_VNC_SOUND_RING_BYTES - used) {
        return;
    }
    size_t at = written % ORL_VNC_SOUND_RING_BYTES;
    size_t first = ORL_VNC_SOUND_RING_BYTES - at < len ? ORL_VNC_SOUND_RING_BYTES - at : len;
    memcpy(ring->data + at, samples, first);
    memcpy(ring->data, samples + first, len - first);
    atomic_store(&ring->written, written + len);
}

size_t orl_vnc_sound_take(struct orl_vnc_sound_ring *ring, uint8_t *ret_samples, size_t max_len)
{
    size_t taken = atomic_load(&ring->taken);
    size_t len = atomic_load(&ring->written) - taken;
    len = len < max_len ? len : max_len;
    len -= len % ORL_VNC_SOUND_FRAME_BYTES;
    size_t at = taken % ORL_VNC_SOUND_RING_BYTES;
    size_t first = ORL_VNC_SOUND_RING_BYTES - at < len ? ORL_VNC_SOUND_RING_BYTES - at : len;
    memcpy(ret_samples, ring->data + at, first);
    memcpy(ret_samples + first, ring->data, len - first);
    atomic_store(&ring->taken, taken + len);
    return len;
}
