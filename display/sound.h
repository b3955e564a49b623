/* What the guest plays: interleaved signed 16-bit little-endian PCM, in pieces. */
#ifndef ORL_DISPLAY_SOUND_H
#define ORL_DISPLAY_SOUND_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_SOUND_RATE_MIN_HZ 8000
#define ORL_SOUND_RATE_MAX_HZ 48000
#define ORL_SOUND_CHANNELS_MAX 2
#define ORL_SOUND_MAX_BYTES 7680 /* 40 ms of 48 kHz stereo */

struct orl_sound {
    uint32_t rate_hz;       /* ORL_SOUND_RATE_MIN_HZ .. MAX */
    uint32_t channels;      /* 1 .. ORL_SOUND_CHANNELS_MAX */
    const uint8_t *samples; /* borrowed for the call; NULL with len 0: the guest stopped playing */
    size_t len;             /* bytes, whole frames, <= ORL_SOUND_MAX_BYTES */
};
/* What comes from another process must pass it. */
bool orl_sound_is_valid(const struct orl_sound *sound);

#endif
