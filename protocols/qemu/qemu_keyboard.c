#include "protocols/qemu/qemu_keyboard.h"
#include "display/keysym.h"
#include <string.h>

#define CODE_SHIFT_L 0x2A
#define CODE_SHIFT_R 0x36
#define CODE_CAPS 0x3A
#define CODE_NUM 0x45

static void put(
        struct orl_qemu_keyboard *kb, struct orl_qemu_keys *out, uint32_t code, bool is_down)
{
    if (is_down && !kb->is_down[code]) {
        kb->locks ^= code == CODE_CAPS ? ORL_LOCK_CAPS : code == CODE_NUM ? ORL_LOCK_NUM : 0U;
    }
    kb->is_down[code] = is_down;
    out->input[out->count++] =
            (struct orl_input){.kind = ORL_INPUT_KEY, .code = code, .is_down = is_down ? 1 : 0};
}

/* Shifts are changed for one press only: each that is down comes back. */
static void press_with_shift(
        struct orl_qemu_keyboard *kb, struct orl_qemu_keys *out, uint32_t code, bool is_shift)
{
    static const uint32_t shifts[] = {CODE_SHIFT_L, CODE_SHIFT_R};
    bool was_down[2] = {kb->is_down[CODE_SHIFT_L], kb->is_down[CODE_SHIFT_R]};
    bool is_right = is_shift == (was_down[0] || was_down[1]);
    for (unsigned i = 0; !is_right && i < 2; i++) {
        if (was_down[i] || (is_shift && i == 0)) {
            put(kb, out, shifts[i], is_shift);
        }
    }
    if (kb->is_down[code]) {
        put(kb, out, code, false); /* else it is a repetition, which guests drop */
    }
    put(kb, out, code, true);
    for (unsigned i = 0; !is_right && i < 2; i++) {
        if (was_down[i] || (is_shift && i == 0)) {
            put(kb, out, shifts[i], !is_shift);
        }
    }
}

static void press_sym(struct orl_qemu_keyboard *kb, uint32_t keysym, struct orl_qemu_keys *out)
{
    const struct orl_keysym_state state = {
            .is_shift = kb->is_down[CODE_SHIFT_L] || kb->is_down[CODE_SHIFT_R],
            .is_caps = (kb->locks & ORL_LOCK_CAPS) != 0,
            .is_num = (kb->locks & ORL_LOCK_NUM) != 0};
    uint32_t code = 0;
    bool is_shift = false;
    unsigned slot = ORL_QEMU_SYMS_DOWN;
    for (unsigned i = 0; i < ORL_QEMU_SYMS_DOWN; i++) {
        bool is_free = kb->syms_down[i].keysym == 0 && slot == ORL_QEMU_SYMS_DOWN;
        slot = is_free || kb->syms_down[i].keysym == keysym ? i : slot;
    }
    if (slot < ORL_QEMU_SYMS_DOWN && orl_keysym_to_scancode(keysym, state, &code, &is_shift)) {
        kb->syms_down[slot].keysym = keysym;
        kb->syms_down[slot].code = code;
        press_with_shift(kb, out, code, is_shift);
    }
}

static void release_sym(struct orl_qemu_keyboard *kb, uint32_t keysym, struct orl_qemu_keys *out)
{
    for (unsigned i = 0; i < ORL_QEMU_SYMS_DOWN; i++) {
        uint32_t code = kb->syms_down[i].code;
        if (kb->syms_down[i].keysym == keysym) {
            kb->syms_down[i].keysym = 0;
            if (kb->is_down[code]) {
                put(kb, out, code, false);
            }
            return;
        }
    }
}

void orl_qemu_keyboard_input(struct orl_qemu_keyboard *keyboard, const struct orl_input *input,
        struct orl_qemu_keys *ret_keys)
{
    unsigned locks = keyboard->locks;
    ret_keys->count = 0;
    switch (input->kind) {
    case ORL_INPUT_KEY:
        put(keyboard, ret_keys, input->code, input->is_down != 0);
        return;
    case ORL_INPUT_KEYSYM:
        if (input->is_down != 0) {
            press_sym(keyboard, input->code, ret_keys);
        } else {
            release_sym(keyboard, input->code, ret_keys);
        }
        return;
    case ORL_INPUT_RELEASE_ALL:
        memset(keyboard, 0, sizeof(*keyboard));
        keyboard->locks = locks;
        break;
    case ORL_INPUT_LOCKS:
        keyboard->locks = input->code;
        break;
    default:
        break;
    }
    ret_keys->input[ret_keys->count++] = *input;
}
