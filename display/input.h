/* What a person does, on its way from a viewer to a source. */
#ifndef ORL_DISPLAY_INPUT_H
#define ORL_DISPLAY_INPUT_H
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

enum orl_input_kind {
    ORL_INPUT_NONE = 0,
    ORL_INPUT_KEY,      /* scancode, is_down */
    ORL_INPUT_KEYSYM,   /* keysym (X11), is_down: a client that has no scancode (Unicode events) */
    ORL_INPUT_POINTER,  /* x, y, buttons: absolute, state of all buttons */
    ORL_INPUT_RELATIVE, /* dx, dy, buttons */
    ORL_INPUT_WHEEL,    /* dx, dy in 1/120 of a notch; dy > 0: away from the person */
    ORL_INPUT_LOCKS,    /* locks: what the client's lock keys are now */
    ORL_INPUT_RELEASE_ALL, /* the client lost the focus or is gone: no key stays down */
    ORL_INPUT_KIND_COUNT
};
enum {
    ORL_BUTTON_LEFT = 1,
    ORL_BUTTON_MIDDLE = 2,
    ORL_BUTTON_RIGHT = 4,
    ORL_BUTTON_SIDE = 8,
    ORL_BUTTON_EXTRA = 16
};
enum {
    ORL_LOCK_SCROLL = 1,
    ORL_LOCK_NUM = 2,
    ORL_LOCK_CAPS = 4
}; /* as TS_SYNC_*, MS-RDPBCGR 2.2.8.1.1.3.1.1.5, and QEMU's LED states */
#define ORL_LOCKS_ALL (ORL_LOCK_SCROLL | ORL_LOCK_NUM | ORL_LOCK_CAPS)

/* PC/AT scancodes, set 1: 0x01 .. 0x7F, with this bit for E0-prefixed keys (right Ctrl = 0x11D). */
#define ORL_SCANCODE_EXTENDED 0x100
#define ORL_SCANCODE_PAUSE 0x200 /* E1 1D 45, the one key that has it */

struct orl_input {
    uint32_t kind; /* enum orl_input_kind */
    uint32_t code; /* scancode, keysym, buttons or locks */
    uint32_t is_down;
    int32_t x, y; /* or dx, dy */
};
/* In range for its kind; what comes from another process must pass it. */
bool orl_input_is_valid(const struct orl_input *input);
/* Whether a person did something: a key, a button, a wheel, or a pointer that moved; not what a client says by itself
 * (a pointer that is where it was, lock keys, a lost focus). last: the pointer so far, zero at first; kept up here. */
ORL_NODISCARD bool orl_input_is_deed(struct orl_input *last, const struct orl_input *input);
/* For queues. True: *last now stands for both: of a row of moves only the last matters, wheels add up. Keys and
 * buttons are never merged. */
ORL_NODISCARD bool orl_input_merge(struct orl_input *last, const struct orl_input *input);

#endif
