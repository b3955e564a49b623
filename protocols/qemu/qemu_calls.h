/* A console's input as calls on QEMU's display: the only ones there are. Knows what is down. */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_CALLS_H
#define ORL_PROTOCOLS_QEMU_QEMU_CALLS_H
#include "display/input.h"
#include "display/layout.h"
#include <systemd/sd-bus.h>

#define ORL_QEMU_CONSOLE_PATH "/org/qemu/Display1/Console_0"
#define ORL_QEMU_QNUMS 256

struct orl_qemu_calls {
    sd_bus *bus; /* borrowed; running */
    bool is_down[ORL_QEMU_QNUMS];
    uint32_t buttons; /* ORL_BUTTON_* */
    int32_t wheel_x, wheel_y;
    uint32_t wanted_locks;
    bool is_asking;      /* for the guest's lock keys: what comes after waits */
    uint32_t locks_told; /* as the guest last had its LEDs */
    uint32_t locks;      /* as they should be: a guest is slow with its LEDs, or has none */
};
/* The monitors that are wanted, for the guest to follow. */
void orl_qemu_calls_layout(struct orl_qemu_calls *calls, const struct orl_layout *layout);
void orl_qemu_calls_input(struct orl_qemu_calls *calls, const struct orl_input *input);

#endif
