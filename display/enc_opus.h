/* Sound to Opus packets (RFC 6716): 48 kHz, stereo, 20 ms each. */
#ifndef ORL_DISPLAY_ENC_OPUS_H
#define ORL_DISPLAY_ENC_OPUS_H
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

#define ORL_ENC_OPUS_RATE_HZ 48000
#define ORL_ENC_OPUS_FRAMES 960 /* of two samples, in one packet */
#define ORL_ENC_OPUS_PACKET_MAX 1275

struct orl_enc_opus;
ORL_NODISCARD int orl_enc_opus_new(struct orl_enc_opus **ret_enc, struct orl_err *err);
/* frames: ORL_ENC_OPUS_FRAMES of them. Returns the packet's bytes, or negative. */
ORL_NODISCARD int orl_enc_opus_encode(struct orl_enc_opus *enc, const int16_t *frames,
        uint8_t ret_packet[ORL_ENC_OPUS_PACKET_MAX]);
void orl_enc_opus_free(struct orl_enc_opus *enc); /* NULL is fine */

#endif
