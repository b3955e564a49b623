/* The keyboard as the server sees it: which keys are down, the lock keys, and the RFB messages that
 * a key makes, with scancodes where the server takes them (QEMU Extended Key Event). */
#ifndef ORL_PROTOCOLS_VNC_VNC_KEYBOARD_H
#define ORL_PROTOCOLS_VNC_VNC_KEYBOARD_H
#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>

#define ORL_VNC_KEY_CODES 0x201 /* display/input.h: 0x01 .. 0x17F, and Pause */
#define ORL_VNC_SYMS_DOWN 16

struct orl_vnc_keyboard {
    bool has_scancodes; /* the server takes QEMU Extended Key Events */
    bool is_down[ORL_VNC_KEY_CODES];
    uint32_t sent_sym[ORL_VNC_KEY_CODES];  /* released as what it was pressed as */
    uint32_t syms_down[ORL_VNC_SYMS_DOWN]; /* from clients without scancodes; 0: free */
    unsigned locks;                        /* ORL_LOCK_*: of the client, 0 until it says */
};

void orl_vnc_keyboard_key(
        struct orl_vnc_keyboard *kb, uint32_t code, bool is_down, struct orl_buf *buf);
void orl_vnc_keyboard_sym(
        struct orl_vnc_keyboard *kb, uint32_t keysym, bool is_down, struct orl_buf *buf);
void orl_vnc_keyboard_release_all(struct orl_vnc_keyboard *kb, struct orl_buf *buf);
/* The client's lock keys are now `locks`; where the guest's are known (guest_locks >= 0) and differ, presses
 * them. Returns what the guest's are after that, or -1. */
int orl_vnc_keyboard_set_locks(
        struct orl_vnc_keyboard *kb, unsigned locks, int guest_locks, struct orl_buf *buf);

#endif
