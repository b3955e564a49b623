/* Scancodes and X keysyms on a US keyboard: for servers that know no scancodes, and for clients that send none. */
#ifndef ORL_DISPLAY_KEYSYM_H
#define ORL_DISPLAY_KEYSYM_H
#include <stdbool.h>
#include <stdint.h>

struct orl_keysym_state {
    bool is_shift, is_caps, is_num;
};
/* code as in display/input.h; 0: this keyboard has no such key. */
uint32_t orl_keysym_of_scancode(uint32_t code, struct orl_keysym_state state);
/* The key that is keysym; *ret_is_shift: with shift pressed, or not. Where both do, it is as state has it.
 * False: this keyboard has no such key. */
bool orl_keysym_to_scancode(
        uint32_t keysym, struct orl_keysym_state state, uint32_t *ret_code, bool *ret_is_shift);

#endif
