#include "display/enc_opus.h"
#include <opus/opus.h>

enum { CHANNELS = 2, BITS_A_SECOND = 128000, COMPLEXITY = 5 };

/* An OpusEncoder under a name of ours: nothing but the library's state is in it. */
static OpusEncoder *of(struct orl_enc_opus *enc)
{
    return (OpusEncoder *)(void *)enc;
}

int orl_enc_opus_new(struct orl_enc_opus **ret_enc, struct orl_err *err)
{
    int code = OPUS_OK;
    OpusEncoder *opus =
            opus_encoder_create(ORL_ENC_OPUS_RATE_HZ, CHANNELS, OPUS_APPLICATION_AUDIO, &code);
    if (opus == NULL) {
        return orl_err_set(err, ORL_E_BACKEND, "Opus: %s", opus_strerror(code));
    }
    if (opus_encoder_ctl(opus, OPUS_SET_BITRATE(BITS_A_SECOND)) != OPUS_OK ||
            opus_encoder_ctl(opus, OPUS_SET_COMPLEXITY(COMPLEXITY)) != OPUS_OK) {
        opus_encoder_destroy(opus);
        return orl_err_set(err, ORL_E_BACKEND, "Opus takes no settings");
    }
    *ret_enc = (struct orl_enc_opus *)(void *)opus;
    return ORL_OK;
}

int orl_enc_opus_encode(struct orl_enc_opus *enc, const int16_t *frames,
        uint8_t ret_packet[ORL_ENC_OPUS_PACKET_MAX])
{
    int len =
            opus_encode(of(enc), frames, ORL_ENC_OPUS_FRAMES, ret_packet, ORL_ENC_OPUS_PACKET_MAX);
    return len < 0 ? ORL_E_BACKEND : len;
}

void orl_enc_opus_free(struct orl_enc_opus *enc)
{
    if (enc != NULL) {
        opus_encoder_destroy(of(enc));
    }
}
