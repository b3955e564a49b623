/* Scancodes as X keysyms on a US keyboard, for servers that know no scancodes. */
#ifndef ORL_PROTOCOLS_VNC_VNC_KEYSYM_H
#define ORL_PROTOCOLS_VNC_VNC_KEYSYM_H
#include <stdbool.h>
#include <stdint.h>

/* code as in display/input.h; 0: this keyboard has no such key. */
uint32_t orl_vnc_keysym(uint32_t code, bool is_shift, bool is_caps, bool is_num);

#endif
