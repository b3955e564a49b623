#include "display/pcm.h"
#include <string.h>

void orl_pcm_init(struct orl_pcm *pcm, uint32_t in_hz, uint32_t channels, uint32_t out_hz)
{
    *pcm = (struct orl_pcm){.in_hz = in_hz, .channels = channels, .out_hz = out_hz};
}

size_t orl_pcm_block_frames(const struct orl_pcm *pcm)
{
    return pcm->out_hz / ORL_PCM_BLOCKS_A_SECOND;
}

static int16_t sample_at(const uint8_t *bytes)
{
    return (int16_t)(uint16_t)(bytes[0] | (unsigned)bytes[1] << 8);
}

static void put(struct orl_pcm *pcm, const int16_t next[2])
{
    for (unsigned c = 0; c < 2; c++) {
        const int64_t step = (int64_t)(next[c] - pcm->last[c]) * pcm->at / pcm->out_hz;
        const int16_t value = (int16_t)(pcm->last[c] + step);
        pcm->block[pcm->count][c] = value;
        pcm->is_audible = pcm->is_audible || value != 0;
    }
    pcm->count++;
    pcm->at += pcm->in_hz;
}

bool orl_pcm_next(struct orl_pcm *pcm, const struct orl_sound *sound, size_t *at)
{
    const size_t frame_bytes = pcm->channels * sizeof(int16_t);
    if (pcm->count == orl_pcm_block_frames(pcm)) {
        pcm->count = 0;
        pcm->is_audible = false;
    }
    while (*at + frame_bytes <= sound->len) {
        const uint8_t *bytes = sound->samples + *at;
        const uint8_t *right = pcm->channels == 2 ? bytes + sizeof(int16_t) : bytes;
        const int16_t next[2] = {sample_at(bytes), sample_at(right)};
        while (pcm->at < pcm->out_hz) {
            put(pcm, next);
            if (pcm->count == orl_pcm_block_frames(pcm)) {
                return true;
            }
        }
        pcm->at -= pcm->out_hz;
        memcpy(pcm->last, next, sizeof(pcm->last));
        *at += frame_bytes;
    }
    return false;
}
