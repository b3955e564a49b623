/* The keyboard as QEMU has it, which takes scancodes only: which keys are down, and which ones a keysym is, on a
 * US keyboard. Not here: when they go (qemu_input.h). */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_KEYBOARD_H
#define ORL_PROTOCOLS_QEMU_QEMU_KEYBOARD_H
#include "display/input.h"

#define ORL_QEMU_KEY_CODES 0x201 /* display/input.h: 0x01 .. 0x17F, and Pause */
#define ORL_QEMU_SYMS_DOWN 16
#define ORL_QEMU_KEYS_MAX 6 /* both shifts up, the key up and down, both shifts down */

struct orl_qemu_keyboard {
    bool is_down[ORL_QEMU_KEY_CODES];
    struct {
        uint32_t keysym, code;
    } syms_down[ORL_QEMU_SYMS_DOWN]; /* from clients without scancodes; 0: free */
    unsigned locks;                  /* ORL_LOCK_*: of the client, 0 until it says */
};
struct orl_qemu_keys {
    struct orl_input input[ORL_QEMU_KEYS_MAX];
    unsigned count;
};
/* What goes to QEMU for this input, of whatever kind; no KEYSYM is among it. */
void orl_qemu_keyboard_input(struct orl_qemu_keyboard *keyboard, const struct orl_input *input,
        struct orl_qemu_keys *ret_keys);

#endif
