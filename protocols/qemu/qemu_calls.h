/* A console's input as calls on QEMU's display: the only ones there are. Knows what is down, and when the next may go: QEMU
 * hands a key on at once, but its keyboards have room for few (USB: sixteen, one to the guest every 8 ms), and what
 * finds no room is lost, also a release. */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_CALLS_H
#define ORL_PROTOCOLS_QEMU_QEMU_CALLS_H
#include "base/loop.h"
#include "display/input.h"
#include "display/layout.h"
#include <systemd/sd-bus.h>

#define ORL_QEMU_CONSOLE_PATH "/org/qemu/Display1/Console_0"
#define ORL_QEMU_SECOND_PATH "/org/qemu/Display1/Console_1"
#define ORL_QEMU_AUDIO_PATH "/org/qemu/Display1/Audio"
#define ORL_QEMU_QNUMS 256

struct orl_qemu_calls {
    sd_bus *bus; /* borrowed; running */
    bool is_down[ORL_QEMU_QNUMS];
    uint32_t buttons; /* ORL_BUTTON_* */
    int32_t wheel_x, wheel_y;
    uint32_t wanted_locks;
    unsigned unanswered; /* keys, and questions for the guest's lock keys */
    unsigned unheard;    /* other calls of which no answer says that QEMU has seen them */
    uint64_t asked_us;
    struct orl_timer *gap;
    void (*on_ready)(void *ctx);
    void *ctx;
    uint32_t locks_told; /* as the guest last had its LEDs */
    uint32_t locks;      /* as they should be: a guest is slow with its LEDs, or has none */
};
/* The monitors that are wanted, for the guest to follow. One: the second head goes off, also if another display, or
 * another vmpool, had it on. */
void orl_qemu_calls_layout(struct orl_qemu_calls *calls, const struct orl_layout *layout);
/* on_ready: no longer busy, out of the bus's or the loop's callback. */
ORL_NODISCARD int orl_qemu_calls_init(struct orl_qemu_calls *calls, struct orl_loop *loop,
        sd_bus *bus, void (*on_ready)(void *ctx), void *ctx, struct orl_err *err);
void orl_qemu_calls_fini(
        struct orl_qemu_calls *calls); /* before the bus; also when not initialised */
/* Input is to wait. */
bool orl_qemu_calls_are_busy(const struct orl_qemu_calls *calls);
void orl_qemu_calls_input(struct orl_qemu_calls *calls, const struct orl_input *input);

#endif
