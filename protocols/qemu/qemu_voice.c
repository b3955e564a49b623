#include "protocols/qemu/qemu_voice.h"
#include "base/rd.h"

#define BITS 16
#define SAMPLE_BYTES 2U
#define WRITE_ARGS_BYTES 12U /* the voice's number and the array's length */

_Static_assert(ORL_QEMU_HEADER_MAX <= ORL_SOUND_MAX_BYTES, "a header fits where samples do");
_Static_assert(ORL_SOUND_MAX_BYTES % (SAMPLE_BYTES * ORL_SOUND_CHANNELS_MAX) == 0, "whole frames");

static void expect_message(struct orl_qemu_voice *v)
{
    v->state = ORL_QEMU_VOICE_FIXED;
    v->len = 0;
    v->end = ORL_QEMU_FIXED_BYTES;
}

static void expect_bytes(struct orl_qemu_voice *v, enum orl_qemu_voice_state state, size_t bytes)
{
    expect_message(v);
    if (bytes > 0) {
        v->state = state;
        v->left = bytes;
    }
}

void orl_qemu_voice_init(struct orl_qemu_voice *voice,
        void (*on_sound)(void *ctx, const struct orl_sound *sound), void *ctx)
{
    *voice = (struct orl_qemu_voice){.on_sound = on_sound, .ctx = ctx};
    expect_message(voice);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

uint8_t *orl_qemu_voice_room(struct orl_qemu_voice *voice, size_t *ret_len)
{
    if (voice->state == ORL_QEMU_VOICE_SKIP) {
        *ret_len = least(voice->left, sizeof(voice->data));
        return voice->data;
    }
    *ret_len = voice->state == ORL_QEMU_VOICE_SAMPLES
                       ? least(voice->left, sizeof(voice->data) - voice->len)
                       : voice->end - voice->len;
    return voice->data + voice->len;
}

static void tell(struct orl_qemu_voice *v, size_t len)
{
    const struct orl_sound sound = {.rate_hz = v->rate_hz,
            .channels = v->channels,
            .samples = len > 0 ? v->data : NULL,
            .len = len};
    if (len > 0 || v->is_playing) {
        v->is_playing = len > 0;
        v->on_sound(v->ctx, &sound);
    }
}

void orl_qemu_voice_stop(struct orl_qemu_voice *voice)
{
    tell(voice, 0);
}

static void take_init(struct orl_qemu_voice *v, struct orl_rd *rd)
{
    uint8_t bits = orl_rd_u8(rd);
    orl_rd_skip(rd, 3);
    bool is_signed = orl_rd_u32le(rd) != 0;
    bool is_float = orl_rd_u32le(rd) != 0;
    v->rate_hz = orl_rd_u32le(rd);
    v->channels = orl_rd_u8(rd);
    orl_rd_skip(rd, 3 + 4 + 4); /* and bytes of a frame, bytes of a second */
    bool is_big_endian = orl_rd_u32le(rd) != 0;
    v->is_heard = bits == BITS && is_signed && !is_float && !is_big_endian &&
                  v->rate_hz >= ORL_SOUND_RATE_MIN_HZ && v->rate_hz <= ORL_SOUND_RATE_MAX_HZ &&
                  v->channels >= 1 && v->channels <= ORL_SOUND_CHANNELS_MAX;
}

static int take_write(struct orl_qemu_voice *v, bool is_ours, uint32_t len)
{
    if (v->header.body_len != WRITE_ARGS_BYTES + (uint64_t)len) {
        return ORL_E_PROTO;
    }
    bool is_kept = is_ours && v->is_heard && !v->is_late;
    if (is_kept && len % (SAMPLE_BYTES * v->channels) != 0) {
        return ORL_E_PROTO;
    }
    expect_bytes(v, is_kept ? ORL_QEMU_VOICE_SAMPLES : ORL_QEMU_VOICE_SKIP, len);
    return ORL_OK;
}

/* Of one voice: a number that QEMU has for it. */
static int take_call(struct orl_qemu_voice *v)
{
    struct orl_rd rd;
    orl_rd_init(&rd, v->data, v->len);
    uint64_t id = orl_rd_u64le(&rd);
    bool is_ours = v->has_id && v->id == id;
    if (v->header.call == ORL_QEMU_VOICE_WRITE) {
        return take_write(v, is_ours, orl_rd_u32le(&rd));
    }
    if (v->header.call == ORL_QEMU_VOICE_INIT && (is_ours || !v->is_heard)) {
        tell(v, 0);
        v->has_id = true;
        v->id = id;
        take_init(v, &rd);
    } else if (v->header.call == ORL_QEMU_VOICE_FINI && is_ours) {
        tell(v, 0);
        v->has_id = v->is_heard = false;
    } else if (v->header.call == ORL_QEMU_VOICE_ENABLE && is_ours && orl_rd_u32le(&rd) == 0) {
        tell(v, 0);
    }
    expect_message(v);
    return rd.is_failed ? ORL_E_PROTO : ORL_OK;
}

static size_t args_len(enum orl_qemu_call call)
{
    switch (call) {
    case ORL_QEMU_VOICE_INIT:
        return 40;
    case ORL_QEMU_VOICE_FINI:
        return 8;
    case ORL_QEMU_VOICE_ENABLE:
        return 12;
    case ORL_QEMU_VOICE_WRITE:
        return WRITE_ARGS_BYTES;
    default:
        return 0;
    }
}

/* What QEMU wants an answer to is asked in the handshake, which is over. */
static int take_header(struct orl_qemu_voice *v)
{
    int rc = orl_qemu_wire_header(v->data, v->len, &v->header);
    size_t want = rc < 0 ? 0 : args_len(v->header.call);
    if (rc < 0 || v->header.wants_reply || v->header.fds > 0) {
        return ORL_E_PROTO;
    }
    if (want == 0) {
        expect_bytes(v, ORL_QEMU_VOICE_SKIP, v->header.body_len);
        return ORL_OK;
    }
    v->state = ORL_QEMU_VOICE_ARGS;
    v->len = 0;
    v->end = want;
    bool is_whole = v->header.call == ORL_QEMU_VOICE_WRITE ? v->header.body_len >= want
                                                           : v->header.body_len == want;
    return is_whole ? ORL_OK : ORL_E_PROTO;
}

static int got_head(struct orl_qemu_voice *v)
{
    if (v->len < v->end) {
        return ORL_OK;
    }
    if (v->state == ORL_QEMU_VOICE_FIXED) {
        v->state = ORL_QEMU_VOICE_FIELDS;
        int rc = orl_qemu_wire_measure(v->data, &v->end);
        return rc < 0 || v->len < v->end ? rc : take_header(v);
    }
    return v->state == ORL_QEMU_VOICE_FIELDS ? take_header(v) : take_call(v);
}

int orl_qemu_voice_got(struct orl_qemu_voice *voice, size_t len)
{
    switch (voice->state) {
    case ORL_QEMU_VOICE_SAMPLES:
        voice->len += len;
        voice->left -= len;
        if (voice->left == 0 || voice->len == sizeof(voice->data)) {
            tell(voice, voice->len);
            voice->len = 0;
        }
        break;
    case ORL_QEMU_VOICE_SKIP:
        voice->left -= len;
        break;
    default:
        voice->len += len;
        return got_head(voice);
    }
    if (voice->left == 0) {
        expect_message(voice);
    }
    return ORL_OK;
}
