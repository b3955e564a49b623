/* What a QEMU display plays: the calls of org.qemu.Display1.AudioOutListener, from bytes that come in pieces of any size.
 * Hostile input; no I/O, no allocation. Of several voices the first that can be is heard: QEMU mixes what cards play into one. The
 * calls' volume is of no use, as QEMU tells a listener that comes later none: our machines' cards have none. */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_VOICE_H
#define ORL_PROTOCOLS_QEMU_QEMU_VOICE_H
#include "base/err.h"
#include "display/sound.h"
#include "protocols/qemu/qemu_wire.h"

enum orl_qemu_voice_state {
    ORL_QEMU_VOICE_FIXED = 0,
    ORL_QEMU_VOICE_FIELDS,
    ORL_QEMU_VOICE_ARGS,
    ORL_QEMU_VOICE_SAMPLES,
    ORL_QEMU_VOICE_SKIP
};
struct orl_qemu_voice {
    void (*on_sound)(void *ctx, const struct orl_sound *sound);
    void *ctx;
    enum orl_qemu_voice_state state;
    struct orl_qemu_header header;
    bool is_late; /* the caller's: samples are thrown away */
    bool has_id, is_heard,
            is_playing; /* heard: in a format of ours; playing: no end was told yet */
    uint64_t id;
    uint32_t rate_hz, channels;
    size_t left;     /* SAMPLES, SKIP: of the message */
    size_t len, end; /* what is in data, and of FIXED, FIELDS and ARGS what must be */
    uint8_t data[ORL_SOUND_MAX_BYTES];
};
void orl_qemu_voice_init(struct orl_qemu_voice *voice,
        void (*on_sound)(void *ctx, const struct orl_sound *sound), void *ctx);
/* Where the next bytes go, at least one. */
uint8_t *orl_qemu_voice_room(struct orl_qemu_voice *voice, size_t *ret_len);
/* len bytes are there, at most the room. ORL_E_PROTO: the stream is over. */
ORL_NODISCARD int orl_qemu_voice_got(struct orl_qemu_voice *voice, size_t len);
/* No more will come: who listens is told the end, if it was not yet. */
void orl_qemu_voice_stop(struct orl_qemu_voice *voice);

#endif
