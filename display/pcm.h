/* What the guest plays as stereo at the client's rate, in blocks of 20 ms; tells silence. */
#ifndef ORL_DISPLAY_PCM_H
#define ORL_DISPLAY_PCM_H
#include "display/sound.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_PCM_BLOCKS_A_SECOND 50
#define ORL_PCM_FRAMES_MAX (ORL_SOUND_RATE_MAX_HZ / ORL_PCM_BLOCKS_A_SECOND)

struct orl_pcm {
    uint32_t in_hz, out_hz, channels;
    uint32_t at;     /* between the last frame and the next one, in parts of out_hz */
    int16_t last[2]; /* the frame before */
    int16_t block[ORL_PCM_FRAMES_MAX][2];
    size_t count;    /* frames in it */
    bool is_audible; /* one of them is not 0 */
};
void orl_pcm_init(struct orl_pcm *pcm, uint32_t in_hz, uint32_t channels, uint32_t out_hz);
size_t orl_pcm_block_frames(const struct orl_pcm *pcm);
/* Takes frames from the sound, from *at on, until a block is full: true, and the caller uses it before the next
 * call. False: all was taken. Where the rates differ, it interpolates linearly. */
bool orl_pcm_next(struct orl_pcm *pcm, const struct orl_sound *sound, size_t *at);

#endif
