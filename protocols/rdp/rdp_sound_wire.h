/* Sound out (MS-RDPEA 2.2), bytes to structs and back. No I/O, no policy. */
#ifndef ORL_PROTOCOLS_RDP_RDP_SOUND_WIRE_H
#define ORL_PROTOCOLS_RDP_RDP_SOUND_WIRE_H
#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What we offer, stereo, 16 bit: Opus first, then PCM at these rates. */
enum orl_snd_format {
    ORL_SND_OPUS_48000 = 0,
    ORL_SND_PCM_48000,
    ORL_SND_PCM_44100,
    ORL_SND_PCM_32000,
    ORL_SND_PCM_22050,
    ORL_SND_PCM_16000,
    ORL_SND_PCM_11025,
    ORL_SND_PCM_8000,
    ORL_SND_FORMAT_COUNT
};
uint32_t orl_snd_rate_hz(enum orl_snd_format format);

enum orl_snd_client_kind {
    ORL_SND_CLIENT_OTHER = 0, /* nothing that we need */
    ORL_SND_CLIENT_FORMATS,
    ORL_SND_CLIENT_TRAINED,
    ORL_SND_CLIENT_CONFIRM
};
struct orl_snd_client_pdu {
    enum orl_snd_client_kind kind;
    uint16_t version;                      /* FORMATS */
    int16_t numbers[ORL_SND_FORMAT_COUNT]; /* FORMATS: what the client calls each; -1: it has not */
    uint8_t block;                         /* CONFIRM */
};
ORL_NODISCARD int orl_snd_parse(
        const uint8_t *data, size_t len, struct orl_snd_client_pdu *ret_pdu);

/* A message each. */
void orl_snd_put_formats(struct orl_buf *buf);
void orl_snd_put_training(struct orl_buf *buf, uint16_t stamp_ms);
void orl_snd_put_close(struct orl_buf *buf);
struct orl_snd_wave {
    uint32_t stamp_ms;
    uint16_t number; /* of the format, the client's */
    uint8_t block;
    const uint8_t *data; /* len >= 4 */
    size_t len;
};
/* One message for clients of version 8, two for older ones. */
void orl_snd_put_wave2(struct orl_buf *buf, const struct orl_snd_wave *wave);
void orl_snd_put_wave_info(struct orl_buf *buf, const struct orl_snd_wave *wave);
void orl_snd_put_wave_rest(struct orl_buf *buf, const struct orl_snd_wave *wave);

enum { ORL_SND_VERSION_WAVE2 = 8 };

#endif
