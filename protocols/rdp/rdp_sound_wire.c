#include "protocols/rdp/rdp_sound_wire.h"
#include "base/rd.h"

enum {
    SND_CLOSE = 0x01, /* 2.2.1 */
    SND_WAVE = 0x02,
    SND_WAVE_CONFIRM = 0x05,
    SND_TRAINING = 0x06,
    SND_FORMATS = 0x07,
    SND_WAVE2 = 0x0D,
    TAG_PCM = 0x0001,
    TAG_OPUS = 0x704F,
    CHANNELS = 2,
    BITS = 16,
    FRAME_BYTES = CHANNELS * BITS / 8,
    FORMATS_MAX = 256, /* of a client; the rest is not looked at */
    WAVE_HEAD_BYTES = 12,
    INFO_DATA_BYTES = 4 /* the first of a block, in WaveInfo (2.2.3.3) */
};

static const struct {
    uint16_t tag;
    uint32_t rate_hz;
} formats[ORL_SND_FORMAT_COUNT] = {
        [ORL_SND_OPUS_48000] = {TAG_OPUS, 48000},
        [ORL_SND_PCM_48000] = {TAG_PCM, 48000},
        [ORL_SND_PCM_44100] = {TAG_PCM, 44100},
        [ORL_SND_PCM_32000] = {TAG_PCM, 32000},
        [ORL_SND_PCM_22050] = {TAG_PCM, 22050},
        [ORL_SND_PCM_16000] = {TAG_PCM, 16000},
        [ORL_SND_PCM_11025] = {TAG_PCM, 11025},
        [ORL_SND_PCM_8000] = {TAG_PCM, 8000},
};

uint32_t orl_snd_rate_hz(enum orl_snd_format format)
{
    return formats[format].rate_hz;
}

/* AUDIO_FORMAT (2.2.2.1.1). */
static void parse_format(struct orl_rd *rd, int16_t number, struct orl_snd_client_pdu *pdu)
{
    const uint16_t tag = orl_rd_u16le(rd);
    const uint16_t channels = orl_rd_u16le(rd);
    const uint32_t rate_hz = orl_rd_u32le(rd);
    orl_rd_skip(rd, 4 + 2); /* bytes a second, block */
    const uint16_t bits = orl_rd_u16le(rd);
    orl_rd_skip(rd, orl_rd_u16le(rd));
    for (unsigned i = 0; i < ORL_SND_FORMAT_COUNT && !rd->is_failed; i++) {
        if (formats[i].tag == tag && formats[i].rate_hz == rate_hz && channels == CHANNELS &&
                bits == BITS && pdu->numbers[i] < 0) {
            pdu->numbers[i] = number;
        }
    }
}

static void parse_formats(struct orl_rd *rd, struct orl_snd_client_pdu *pdu)
{
    orl_rd_skip(rd, 4 + 4 + 4 + 2); /* flags, volume, pitch, UDP port */
    const unsigned count = orl_rd_u16le(rd);
    orl_rd_skip(rd, 1);
    pdu->version = orl_rd_u16le(rd);
    orl_rd_skip(rd, 1);
    for (unsigned i = 0; i < ORL_SND_FORMAT_COUNT; i++) {
        pdu->numbers[i] = -1;
    }
    for (unsigned i = 0; i < count && i < FORMATS_MAX && !rd->is_failed; i++) {
        parse_format(rd, (int16_t)i, pdu);
    }
}

int orl_snd_parse(const uint8_t *data, size_t len, struct orl_snd_client_pdu *ret_pdu)
{
    struct orl_snd_client_pdu pdu = {.kind = ORL_SND_CLIENT_OTHER};
    struct orl_rd rd;
    orl_rd_init(&rd, data, len);
    const uint8_t type = orl_rd_u8(&rd);
    orl_rd_skip(&rd, 1 + 2); /* the size of the body is not always right in old clients */
    switch (type) {
    case SND_FORMATS:
        pdu.kind = ORL_SND_CLIENT_FORMATS;
        parse_formats(&rd, &pdu);
        break;
    case SND_TRAINING:
        pdu.kind = ORL_SND_CLIENT_TRAINED;
        break;
    case SND_WAVE_CONFIRM:
        pdu.kind = ORL_SND_CLIENT_CONFIRM;
        orl_rd_skip(&rd, 2);
        pdu.block = orl_rd_u8(&rd);
        break;
    default:
        break;
    }
    if (rd.is_failed) {
        return ORL_E_PROTO;
    }
    *ret_pdu = pdu;
    return ORL_OK;
}

static void put_header(struct orl_buf *buf, uint8_t type, size_t body_bytes)
{
    orl_buf_put_u8(buf, type);
    orl_buf_put_u8(buf, 0);
    orl_buf_put_u16le(buf, (uint16_t)body_bytes);
}

void orl_snd_put_formats(struct orl_buf *buf)
{
    enum { HEAD_BYTES = 20, FORMAT_BYTES = 18 };
    static const uint32_t opus_bytes_a_second = 16000;
    put_header(buf, SND_FORMATS, HEAD_BYTES + ORL_SND_FORMAT_COUNT * FORMAT_BYTES);
    orl_buf_put_u32le(buf, 0); /* flags, volume and pitch are the client's (2.2.2.1) */
    orl_buf_put_u32le(buf, 0);
    orl_buf_put_u32le(buf, 0);
    orl_buf_put_u16le(buf, 0);
    orl_buf_put_u16le(buf, ORL_SND_FORMAT_COUNT);
    orl_buf_put_u8(buf, 0);
    orl_buf_put_u16le(buf, ORL_SND_VERSION_WAVE2);
    orl_buf_put_u8(buf, 0);
    for (unsigned i = 0; i < ORL_SND_FORMAT_COUNT; i++) {
        orl_buf_put_u16le(buf, formats[i].tag);
        orl_buf_put_u16le(buf, CHANNELS);
        orl_buf_put_u32le(buf, formats[i].rate_hz);
        orl_buf_put_u32le(buf, formats[i].tag == TAG_OPUS ? opus_bytes_a_second
                                                          : formats[i].rate_hz * FRAME_BYTES);
        orl_buf_put_u16le(buf, FRAME_BYTES);
        orl_buf_put_u16le(buf, BITS);
        orl_buf_put_u16le(buf, 0);
    }
}

void orl_snd_put_training(struct orl_buf *buf, uint16_t stamp_ms)
{
    put_header(buf, SND_TRAINING, 4);
    orl_buf_put_u16le(buf, stamp_ms);
    orl_buf_put_u16le(buf, 0); /* no data: it measures the round trip */
}

void orl_snd_put_close(struct orl_buf *buf)
{
    put_header(buf, SND_CLOSE, 0);
}

static void put_wave_head(struct orl_buf *buf, const struct orl_snd_wave *wave)
{
    orl_buf_put_u16le(buf, (uint16_t)wave->stamp_ms);
    orl_buf_put_u16le(buf, wave->number);
    orl_buf_put_u32le(buf, wave->block); /* and three bytes of padding */
}

void orl_snd_put_wave2(struct orl_buf *buf, const struct orl_snd_wave *wave)
{
    put_header(buf, SND_WAVE2, WAVE_HEAD_BYTES + wave->len);
    put_wave_head(buf, wave);
    orl_buf_put_u32le(buf, wave->stamp_ms);
    orl_buf_put(buf, wave->data, wave->len);
}

void orl_snd_put_wave_info(struct orl_buf *buf, const struct orl_snd_wave *wave)
{
    put_header(buf, SND_WAVE, WAVE_HEAD_BYTES - INFO_DATA_BYTES + wave->len);
    put_wave_head(buf, wave);
    orl_buf_put(buf, wave->data, INFO_DATA_BYTES);
}

void orl_snd_put_wave_rest(struct orl_buf *buf, const struct orl_snd_wave *wave)
{
    orl_buf_put_u32le(buf, 0);
    orl_buf_put(buf, wave->data + INFO_DATA_BYTES, wave->len - INFO_DATA_BYTES);
}
