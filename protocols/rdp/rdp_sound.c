/* Sound out (MS-RDPEA) on its static channel. Nothing waits here: a block goes at once or never. How far the client is
 * behind is the age of the oldest block that it has not confirmed, less the shortest such time seen: the way there and
 * back, and what it buffers of its own accord. */
#include "base/clock.h"
#include "protocols/rdp/rdp_priv.h"
#include "protocols/rdp/rdp_sound_wire.h"
#include <freerdp/channels/rdpsnd.h>
#include <string.h>

enum {
    MESSAGE_BYTES = 8 * 1024, /* a block of 20 ms, and its headers */
    OUT_BYTES = 64 * 1024,
    OUT_BEHIND_BYTES =
            OUT_BYTES / 2, /* LATE_US of the widest format; both messages of a block have room */
    IN_BYTES = 16 * 1024,
    BLOCKS_MAX = 64,    /* unconfirmed; block numbers have 8 bits */
    SILENT_BLOCKS = 25, /* half a second of silence is sent, and no more */
};
static const uint64_t LATE_US = 100 * ORL_US_PER_MS;
static const uint64_t DEAF_US = 5 * ORL_US_PER_S; /* no confirmation for so long: begin anew */
static const uint64_t DRIFT_US = ORL_US_PER_MS;   /* a second, by which the shortest time ages */

static bool post(struct orl_viewer *v, struct orl_buf *msg)
{
    const bool ok = orl_rdp_svc_put(&v->sound.svc, msg);
    orl_buf_fini(msg);
    return ok;
}

/* ---- how far the client is behind ---- */

static unsigned unconfirmed(const struct orl_rdp_sound *sound)
{
    return (uint8_t)(sound->next_block - sound->oldest_block);
}

static bool is_behind(struct orl_rdp_sound *sound, uint64_t now_us)
{
    if (sound->svc.out.len > OUT_BEHIND_BYTES) {
        return true;
    }
    if (unconfirmed(sound) == 0) {
        return false;
    }
    const uint64_t age_us = now_us - sound->sent_us[sound->oldest_block];
    if (age_us > DEAF_US) {
        sound->oldest_block = sound->next_block;
        return false;
    }
    return age_us > sound->base_us + LATE_US || unconfirmed(sound) >= BLOCKS_MAX;
}

static void learn_base(struct orl_rdp_sound *sound, uint64_t took_us, uint64_t now_us)
{
    const uint64_t aged_us =
            sound->base_us + (now_us - sound->base_at_us) * DRIFT_US / ORL_US_PER_S;
    if (!sound->has_base || took_us < aged_us) {
        sound->base_us = took_us;
        sound->base_at_us = now_us;
        sound->has_base = true;
    }
}

static void on_confirm(struct orl_viewer *v, uint8_t block)
{
    struct orl_rdp_sound *sound = &v->sound;
    if ((uint8_t)(block - sound->oldest_block) >= unconfirmed(sound)) {
        return; /* one that was never sent, or confirmed before */
    }
    const uint64_t now_us = orl_clock_now_us();
    learn_base(sound, now_us - sound->sent_us[block], now_us);
    sound->oldest_block = (uint8_t)(block + 1);
}

/* ---- formats ---- */

/* Opus where nothing has to be resampled for it, else the guest's own rate, else the best there is. */
static bool choose(struct orl_rdp_sound *sound, uint32_t rate_hz)
{
    int best = -1;
    if (sound->numbers[ORL_SND_OPUS_48000] >= 0 && sound->opus == NULL &&
            orl_enc_opus_new(&sound->opus, NULL) < 0) {
        sound->numbers[ORL_SND_OPUS_48000] = -1;
    }
    for (int i = ORL_SND_FORMAT_COUNT - 1; i >= 0; i--) {
        const bool has = sound->numbers[i] >= 0;
        const bool fits = orl_snd_rate_hz((enum orl_snd_format)i) == rate_hz;
        const bool best_fits = best >= 0 && orl_snd_rate_hz((enum orl_snd_format)best) == rate_hz;
        if (has && (fits || !best_fits)) {
            best = i;
        }
    }
    sound->format = (enum orl_snd_format)best;
    return best >= 0;
}

static void on_formats(struct orl_viewer *v, const struct orl_snd_client_pdu *pdu)
{
    struct orl_rdp_sound *sound = &v->sound;
    struct orl_buf msg;
    memcpy(sound->numbers, pdu->numbers, sizeof(sound->numbers));
    sound->has_wave2 = pdu->version >= ORL_SND_VERSION_WAVE2;
    sound->is_ready = true;
    sound->pcm.in_hz = 0;
    sound->trained_us = orl_clock_now_us();
    orl_buf_init(&msg, MESSAGE_BYTES);
    orl_snd_put_training(&msg, (uint16_t)(sound->trained_us / ORL_US_PER_MS));
    (void)post(v, &msg);
}

static void on_trained(struct orl_viewer *v)
{
    struct orl_rdp_sound *sound = &v->sound;
    const uint64_t now_us = orl_clock_now_us();
    if (sound->trained_us != 0) {
        learn_base(sound, now_us - sound->trained_us, now_us);
        sound->trained_us = 0;
    }
}

int orl_rdp_sound_receive(struct orl_viewer *v, const uint8_t *data, size_t len, uint32_t flags)
{
    struct orl_snd_client_pdu pdu;
    struct orl_buf *in = &v->sound.svc.in;
    if (!orl_rdp_svc_receive(&v->sound.svc, data, len, flags)) {
        return ORL_OK;
    }
    if (in->is_failed || orl_snd_parse(in->data, in->len, &pdu) < 0) {
        return ORL_E_PROTO;
    }
    switch (pdu.kind) {
    case ORL_SND_CLIENT_FORMATS:
        on_formats(v, &pdu);
        break;
    case ORL_SND_CLIENT_TRAINED:
        on_trained(v);
        break;
    case ORL_SND_CLIENT_CONFIRM:
        on_confirm(v, pdu.block);
        break;
    case ORL_SND_CLIENT_OTHER:
        break;
    }
    return ORL_OK;
}

/* ---- blocks ---- */

static bool post_wave(struct orl_viewer *v, const struct orl_snd_wave *wave)
{
    struct orl_buf msg;
    orl_buf_init(&msg, MESSAGE_BYTES);
    if (v->sound.has_wave2) {
        orl_snd_put_wave2(&msg, wave);
        return post(v, &msg);
    }
    orl_snd_put_wave_info(&msg, wave);
    if (!post(v, &msg)) {
        return false;
    }
    orl_buf_init(&msg, MESSAGE_BYTES);
    orl_snd_put_wave_rest(&msg, wave);
    return post(v, &msg);
}

static void send_block(struct orl_viewer *v, const struct orl_pcm *pcm)
{
    struct orl_rdp_sound *sound = &v->sound;
    const uint64_t now_us = orl_clock_now_us();
    uint8_t packet[ORL_ENC_OPUS_PACKET_MAX];
    struct orl_snd_wave wave = {.stamp_ms = (uint32_t)(now_us / ORL_US_PER_MS),
            .number = (uint16_t)sound->numbers[sound->format],
            .block = sound->next_block,
            .data = (const uint8_t *)
                            pcm->block, /* little endian here, as all this project's hosts */
            .len = pcm->count * sizeof(pcm->block[0])};
    if (sound->format == ORL_SND_OPUS_48000) {
        const int len = orl_enc_opus_encode(sound->opus, pcm->block[0], packet);
        wave.data = packet;
        wave.len = len > 0 ? (size_t)len : 0;
    }
    if (wave.len >= 4 && post_wave(v, &wave)) {
        sound->sent_us[sound->next_block++] = now_us;
    }
}

static void stop(struct orl_viewer *v)
{
    struct orl_buf msg;
    if (v->sound.is_playing) {
        v->sound.is_playing = false;
        orl_buf_init(&msg, MESSAGE_BYTES);
        orl_snd_put_close(&msg);
        (void)post(v, &msg);
    }
}

static void on_block(struct orl_viewer *v)
{
    struct orl_rdp_sound *sound = &v->sound;
    sound->silent = sound->pcm.is_audible ? 0 : sound->silent + 1;
    if (sound->silent > SILENT_BLOCKS) {
        sound->silent = SILENT_BLOCKS;
        stop(v);
        return;
    }
    if (!sound->is_playing && !sound->pcm.is_audible) {
        return; /* it begins with silence */
    }
    if (!is_behind(sound, orl_clock_now_us())) {
        sound->is_playing = true;
        send_block(v, &sound->pcm);
    }
}

void orl_rdp_sound_play(struct orl_viewer *v, const struct orl_sound *played)
{
    struct orl_rdp_sound *sound = &v->sound;
    struct orl_pcm *pcm = &sound->pcm;
    if (!sound->is_ready || !v->is_activated) {
        return;
    }
    if (played->len == 0) {
        stop(v);
        pcm->in_hz = 0;
    } else if (pcm->in_hz != played->rate_hz || pcm->channels != played->channels) {
        if (!choose(sound, played->rate_hz)) {
            return;
        }
        orl_pcm_init(pcm, played->rate_hz, played->channels, orl_snd_rate_hz(sound->format));
    }
    size_t at = 0;
    while (played->len > 0 && orl_pcm_next(pcm, played, &at)) {
        on_block(v);
    }
    orl_rdp_flush(v);
}

void orl_rdp_sound_open(struct orl_viewer *v)
{
    struct orl_rdp_sound *sound = &v->sound;
    if (sound->svc.id != 0 || v->permit.has_sound == 0 ||
            !orl_rdp_svc_is_joined(v, RDPSND_CHANNEL_NAME)) {
        return;
    }
    orl_rdp_svc_open(v, &sound->svc, RDPSND_CHANNEL_NAME, IN_BYTES, OUT_BYTES);
    struct orl_buf msg;
    orl_buf_init(&msg, MESSAGE_BYTES);
    orl_snd_put_formats(&msg);
    (void)post(v, &msg);
}

void orl_rdp_sound_close(struct orl_viewer *v)
{
    orl_enc_opus_free(v->sound.opus);
    orl_rdp_svc_close(&v->sound.svc);
}
