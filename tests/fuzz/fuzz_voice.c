/* A hostile QEMU against a console's ears: any stream of bytes, in pieces of any size, ends in sound as it may be or in a
 * refusal. The first byte: the pieces' size. */
#include "protocols/qemu/qemu_voice.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void on_sound(void *ctx, const struct orl_sound *sound)
{
    uint8_t *last = ctx;
    orl_assert(orl_sound_is_valid(sound));
    if (sound->len > 0) {
        *last ^= sound->samples[0] ^ sound->samples[sound->len - 1];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t last = 0;
    struct orl_qemu_voice voice;
    if (len < 1) {
        return 0;
    }
    const size_t step = 1U + data[0];
    int rc = ORL_OK;
    orl_qemu_voice_init(&voice, on_sound, &last);
    for (size_t at = 1; rc == ORL_OK && at < len;) {
        size_t room = 0;
        uint8_t *to = orl_qemu_voice_room(&voice, &room);
        size_t part = room < step ? room : step;
        part = part < len - at ? part : len - at;
        orl_assert(room > 0 && to >= voice.data && to + room <= voice.data + sizeof(voice.data));
        memcpy(to, data + at, part);
        at += part;
        voice.is_late = (data[at - 1] & 1) != 0;
        rc = orl_qemu_voice_got(&voice, part);
    }
    orl_qemu_voice_stop(&voice);
    return 0;
}
