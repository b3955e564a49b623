/* Sound's PDUs, the blocks of 20 ms, and Opus held to FreeRDP's decoder. */
#include "base/rd.h"
#include "display/enc_opus.h"
#include "protocols/rdp/rdp_priv.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <freerdp/codec/dsp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void a_client_that_repeats_our_formats_has_them_all(void **state)
{
    (void)state;
    struct orl_buf buf;
    struct orl_snd_client_pdu pdu;
    orl_buf_init(&buf, 4096);
    orl_snd_put_formats(&buf);
    assert_int_equal(orl_snd_parse(buf.data, buf.len, &pdu), 0);
    assert_int_equal(pdu.kind, ORL_SND_CLIENT_FORMATS);
    assert_int_equal(pdu.version, ORL_SND_VERSION_WAVE2);
    for (int i = 0; i < ORL_SND_FORMAT_COUNT; i++) {
        assert_int_equal(pdu.numbers[i], i);
    }
    for (size_t len = 0; len < buf.len; len++) {
        assert_int_equal(orl_snd_parse(buf.data, len, &pdu), ORL_E_PROTO);
    }
    orl_buf_fini(&buf);
}

static void formats_are_found_by_what_they_are(void **state)
{
    (void)state;
    /* Two formats: ADPCM with two bytes more, PCM 44100 stereo. */
    static const uint8_t reply[] = {7, 0, 60, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0,
            6, 0, 0, 0x11, 0, 2, 0, 0x44, 0xAC, 0, 0, 0, 0, 0, 0, 4, 0, 4, 0, 2, 0, 9, 9, 1, 0, 2,
            0, 0x44, 0xAC, 0, 0, 0, 0, 0, 0, 4, 0, 16, 0, 0, 0};
    struct orl_snd_client_pdu pdu;
    assert_int_equal(orl_snd_parse(reply, sizeof(reply), &pdu), 0);
    assert_int_equal(pdu.version, 6);
    for (int i = 0; i < ORL_SND_FORMAT_COUNT; i++) {
        assert_int_equal(pdu.numbers[i], i == ORL_SND_PCM_44100 ? 1 : -1);
    }
}

static void a_block_goes_in_one_message_or_two(void **state)
{
    (void)state;
    static const uint8_t samples[] = {1, 2, 3, 4, 5, 6, 7, 8};
    const struct orl_snd_wave wave = {.stamp_ms = 0x12345678,
            .number = 3,
            .block = 7,
            .data = samples,
            .len = sizeof(samples)};
    static const uint8_t wave2[] = {13, 0, 20, 0, 0x78, 0x56, 3, 0, 7, 0, 0, 0, 0x78, 0x56, 0x34,
            0x12, 1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t info[] = {2, 0, 16, 0, 0x78, 0x56, 3, 0, 7, 0, 0, 0, 1, 2, 3, 4};
    static const uint8_t rest[] = {0, 0, 0, 0, 5, 6, 7, 8};
    struct orl_buf buf;
    orl_buf_init(&buf, 256);
    orl_snd_put_wave2(&buf, &wave);
    assert_int_equal(buf.len, sizeof(wave2));
    assert_memory_equal(buf.data, wave2, sizeof(wave2));
    orl_buf_reset(&buf);
    orl_snd_put_wave_info(&buf, &wave);
    assert_int_equal(buf.len, sizeof(info));
    assert_memory_equal(buf.data, info, sizeof(info));
    orl_buf_reset(&buf);
    orl_snd_put_wave_rest(&buf, &wave);
    assert_int_equal(buf.len, sizeof(rest));
    assert_memory_equal(buf.data, rest, sizeof(rest));
    orl_buf_fini(&buf);
}

/* Plays a sine in pieces of odd sizes; returns the blocks' frames, left channel. */
static size_t play(struct orl_pcm *pcm, double hz, double seconds, int16_t *ret_left, size_t max)
{
    const size_t frames = (size_t)(seconds * pcm->in_hz);
    const size_t frame_bytes = pcm->channels * sizeof(int16_t);
    uint8_t *bytes = calloc(frames, frame_bytes);
    size_t count = 0;
    assert_non_null(bytes);
    for (size_t i = 0; i < frames; i++) {
        const int16_t value =
                (int16_t)(10000 * sin(2 * 3.14159265358979 * hz * (double)i / pcm->in_hz));
        for (unsigned c = 0; c < pcm->channels; c++) {
            memcpy(bytes + i * frame_bytes + c * sizeof(value), &value, sizeof(value));
        }
    }
    for (size_t from = 0; from < frames;) {
        const size_t size = frames - from < 333 ? frames - from : 333;
        const struct orl_sound piece = {.rate_hz = pcm->in_hz,
                .channels = pcm->channels,
                .samples = bytes + from * frame_bytes,
                .len = size * frame_bytes};
        size_t at = 0;
        while (orl_pcm_next(pcm, &piece, &at)) {
            assert_int_equal(pcm->count, orl_pcm_block_frames(pcm));
            for (size_t i = 0; i < pcm->count && count < max; i++) {
                assert_int_equal(pcm->block[i][0], pcm->block[i][1]);
                ret_left[count++] = pcm->block[i][0];
            }
        }
        assert_int_equal(at, piece.len);
        from += size;
    }
    free(bytes);
    return count;
}

static void samples_at_the_same_rate_are_unchanged(void **state)
{
    (void)state;
    for (unsigned channels = 1; channels <= 2; channels++) {
        static int16_t left[48000];
        struct orl_pcm pcm;
        orl_pcm_init(&pcm, 48000, channels, 48000);
        const size_t count = play(&pcm, 440, 0.5, left, 48000);
        assert_true(count >= 24000 - 960 && count <= 24000);
        for (size_t i = 1; i < count; i++) { /* one frame later */
            const int16_t expected =
                    (int16_t)(10000 * sin(2 * 3.14159265358979 * 440 * (double)(i - 1) / 48000));
            assert_int_equal(left[i], expected);
        }
    }
}

static void another_rate_keeps_pitch_and_length(void **state)
{
    (void)state;
    static const uint32_t rates[] = {8000, 11025, 22050, 44100};
    for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
        static int16_t left[48000];
        struct orl_pcm pcm;
        unsigned crossings = 0;
        orl_pcm_init(&pcm, rates[r], 2, 48000);
        const size_t count = play(&pcm, 500, 0.9, left, 48000);
        assert_true(count > 43200 - 2 * 960 && count <= 43200);
        for (size_t i = 1; i < count; i++) {
            crossings += left[i - 1] < 0 && left[i] >= 0;
        }
        const unsigned expected = (unsigned)(500 * count / 48000);
        assert_true(crossings + 2 >= expected && crossings <= expected + 2);
    }
}

static void silence_is_told(void **state)
{
    (void)state;
    static const uint8_t zeros[3840];
    const struct orl_sound silence = {
            .rate_hz = 48000, .channels = 2, .samples = zeros, .len = sizeof(zeros)};
    static int16_t left[48000];
    struct orl_pcm pcm;
    size_t at = 0;
    orl_pcm_init(&pcm, 48000, 2, 48000);
    assert_true(orl_pcm_next(&pcm, &silence, &at));
    assert_false(pcm.is_audible);
    (void)play(&pcm, 440, 0.1, left, 48000);
    at = 0;
    assert_true(orl_pcm_next(&pcm, &silence, &at));
}

static void opus_is_decoded_by_the_clients_decoder(void **state)
{
    (void)state;
    const AUDIO_FORMAT opus = {.wFormatTag = WAVE_FORMAT_OPUS,
            .nChannels = 2,
            .nSamplesPerSec = 48000,
            .nAvgBytesPerSec = 16000,
            .nBlockAlign = 4,
            .wBitsPerSample = 16};
    if (!freerdp_dsp_supports_format(&opus, FALSE)) {
        skip();
    }
    struct orl_enc_opus *enc = NULL;
    FREERDP_DSP_CONTEXT *dsp = freerdp_dsp_context_new(FALSE);
    wStream *out = Stream_New(NULL, 65536);
    assert_int_equal(orl_enc_opus_new(&enc, NULL), 0);
    assert_true(freerdp_dsp_context_reset(dsp, &opus, 0));
    unsigned crossings = 0;
    size_t bytes = 0;
    size_t frames = 0;
    for (unsigned block = 0; block < 50; block++) {
        int16_t pcm[ORL_ENC_OPUS_FRAMES][2];
        uint8_t packet[ORL_ENC_OPUS_PACKET_MAX];
        for (unsigned i = 0; i < ORL_ENC_OPUS_FRAMES; i++) {
            const double at = (double)(block * ORL_ENC_OPUS_FRAMES + i) / ORL_ENC_OPUS_RATE_HZ;
            pcm[i][0] = pcm[i][1] = (int16_t)(10000 * sin(2 * 3.14159265358979 * 440 * at));
        }
        const int len = orl_enc_opus_encode(enc, pcm[0], packet);
        assert_true(len > 0);
        bytes += (size_t)len;
        Stream_SetPosition(out, 0);
        assert_true(freerdp_dsp_decode(dsp, &opus, packet, (size_t)len, out));
        const int16_t *got = (const int16_t *)(const void *)Stream_Buffer(out);
        const size_t count = Stream_GetPosition(out) / 4;
        for (size_t i = 1; i < count && block >= 5; i++) {
            crossings += got[2 * (i - 1)] < 0 && got[2 * i] >= 0;
        }
        frames += block >= 5 ? count : 0;
    }
    assert_int_equal(frames, 45 * ORL_ENC_OPUS_FRAMES);
    assert_true(crossings >= 350 &&
                crossings <= 400); /* 0.9 s of 440 Hz, less what lies between blocks */
    assert_true(bytes < 50 * ORL_ENC_OPUS_FRAMES * 4 / 8);
    Stream_Free(out, TRUE);
    freerdp_dsp_context_free(dsp);
    orl_enc_opus_free(enc);
}

/* A client before version 8, which the server of this test never writes to: of what waits, each WaveInfo has its Wave. */
static void a_client_that_reads_nothing_is_owed_whole_blocks_and_few(void **state)
{
    (void)state;
    enum { PIECE_BYTES = 7056, VERSION_AT = 21, WAVE_INFO = 2, BOUND = 48 * 1024 };
    static struct orl_viewer v;
    static uint8_t samples[PIECE_BYTES]; /* 40 ms */
    struct orl_rdp_svc *svc = &v.sound.svc;
    struct orl_buf formats;
    memset(samples, 0x11, sizeof(samples));
    orl_buf_init(&svc->in, 16 * 1024);
    orl_buf_init(&svc->out, 64 * 1024);
    orl_buf_init(&formats, 4096);
    orl_snd_put_formats(&formats);
    formats.data[VERSION_AT] = 6;
    assert_int_equal(orl_rdp_sound_receive(&v, formats.data, formats.len, 3), 0);
    v.is_activated = true;
    const struct orl_sound played = {
            .rate_hz = 44100, .channels = 2, .samples = samples, .len = sizeof(samples)};
    for (unsigned i = 0; i < 100; i++) {
        orl_rdp_sound_play(&v, &played);
    }
    assert_true(svc->out.len > PIECE_BYTES && svc->out.len <= BOUND);
    struct orl_rd rd;
    orl_rd_init(&rd, svc->out.data, svc->out.len);
    orl_rd_skip(&rd, orl_rd_u32le(&rd)); /* training */
    while (orl_rd_left(&rd) > 0) {
        const uint32_t info_len = orl_rd_u32le(&rd);
        const uint8_t *info = orl_rd_bytes(&rd, info_len);
        assert_true(info != NULL && info_len == 16 && info[0] == WAVE_INFO);
        assert_int_equal(orl_rd_u32le(&rd), PIECE_BYTES / 2);
        orl_rd_skip(&rd, PIECE_BYTES / 2);
        assert_false(rd.is_failed);
    }
    orl_buf_fini(&formats);
    orl_rdp_sound_close(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_client_that_repeats_our_formats_has_them_all),
            cmocka_unit_test(formats_are_found_by_what_they_are),
            cmocka_unit_test(a_block_goes_in_one_message_or_two),
            cmocka_unit_test(samples_at_the_same_rate_are_unchanged),
            cmocka_unit_test(another_rate_keeps_pitch_and_length),
            cmocka_unit_test(silence_is_told),
            cmocka_unit_test(opus_is_decoded_by_the_clients_decoder),
            cmocka_unit_test(a_client_that_reads_nothing_is_owed_whole_blocks_and_few)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
