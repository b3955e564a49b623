/* The stream of what a QEMU display plays: the socket under a voice (qemu_voice.h). What lies there too long is not played.
 * Loop thread only. */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_SPEAKER_H
#define ORL_PROTOCOLS_QEMU_QEMU_SPEAKER_H
#include "base/loop.h"
#include "display/sound.h"

struct orl_qemu_speaker;
struct orl_qemu_speaker_events {
    void (*on_sound)(void *ctx, const struct orl_sound *sound);
    /* Once, and last: the callee may free the speaker. is_broken: it was no such stream; else it just ended. */
    void (*on_closed)(void *ctx, bool is_broken);
};
/* Takes fd, also on failure. */
ORL_NODISCARD int orl_qemu_speaker_new(struct orl_loop *loop, int fd,
        const struct orl_qemu_speaker_events *events, void *ctx,
        struct orl_qemu_speaker **ret_speaker, struct orl_err *err);
void orl_qemu_speaker_free(struct orl_qemu_speaker *speaker);

#endif
