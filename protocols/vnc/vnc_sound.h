/* QEMU's audio extension of RFB (pseudo-encoding -259): what the client says, as bytes, and the samples on their way
 * from the thread that reads to the loop. */
#ifndef ORL_PROTOCOLS_VNC_VNC_SOUND_H
#define ORL_PROTOCOLS_VNC_VNC_SOUND_H
#include "base/buf.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_RFB_ENCODING_QEMU_AUDIO (-259)
#define ORL_VNC_SOUND_RATE_HZ 48000
#define ORL_VNC_SOUND_CHANNELS 2
#define ORL_VNC_SOUND_FRAME_BYTES 4U    /* S16, two channels */
#define ORL_VNC_SOUND_RING_BYTES 32768U /* 170 ms; a power of two */

/* Server to client, after type 255 and submessage 1. */
enum orl_vnc_sound_op { ORL_VNC_SOUND_END = 0, ORL_VNC_SOUND_BEGIN = 1, ORL_VNC_SOUND_DATA = 2 };

/* Format, then on; or off. */
void orl_vnc_sound_put_on(struct orl_buf *buf, bool is_on);

/* One writer, one reader. */
struct orl_vnc_sound_ring {
    _Atomic size_t written, taken; /* bytes since the beginning */
    uint8_t data[ORL_VNC_SOUND_RING_BYTES];
};
/* Whole frames; all of it, or nothing when there is no room. */
void orl_vnc_sound_put(struct orl_vnc_sound_ring *ring, const uint8_t *samples, size_t len);
size_t orl_vnc_sound_take(struct orl_vnc_sound_ring *ring, uint8_t *ret_samples, size_t max_len);

#endif
