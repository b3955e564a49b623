#include "protocols/vnc/vnc_keyboard.h"
#include "display/input.h"
#include "display/keysym.h"
#include "protocols/vnc/vnc_wire.h"

#define CODE_SHIFT_L 0x2A
#define CODE_SHIFT_R 0x36
#define CODE_CAPS 0x3A
#define CODE_NUM 0x45
#define CODE_SCROLL 0x46
#define CODE_PRINT (0x37 | ORL_SCANCODE_EXTENDED)

/* QEMU Extended Key Event: E0 is bit 7; Print and Pause as QEMU's key tables number them. */
static uint32_t qemu_keycode(uint32_t code)
{
    if (code == ORL_SCANCODE_PAUSE) {
        return 0xC6;
    }
    if (code == CODE_PRINT) {
        return 0x54;
    }
    return (code & 0x7F) | ((code & ORL_SCANCODE_EXTENDED) != 0 ? 0x80U : 0U);
}

static uint32_t sym_of(const struct orl_vnc_keyboard *kb, uint32_t code)
{
    const struct orl_keysym_state state = {
            .is_shift = kb->is_down[CODE_SHIFT_L] || kb->is_down[CODE_SHIFT_R],
            .is_caps = (kb->locks & ORL_LOCK_CAPS) != 0,
            .is_num = (kb->locks & ORL_LOCK_NUM) != 0};
    return orl_keysym_of_scancode(code, state);
}

static void put(const struct orl_vnc_keyboard *kb, uint32_t code, uint32_t sym, bool is_down,
        struct orl_buf *buf)
{
    if (kb->has_scancodes) {
        /* QEMU turns Num Lock and Caps Lock to what the keysym implies: it must be the right one. */
        orl_rfb_put_qemu_key(buf, sym, qemu_keycode(code), is_down);
    } else if (sym != 0) {
        orl_rfb_put_key(buf, sym, is_down);
    }
}

static unsigned lock_of(uint32_t code)
{
    switch (code) {
    case CODE_CAPS:
        return ORL_LOCK_CAPS;
    case CODE_NUM:
        return ORL_LOCK_NUM;
    case CODE_SCROLL:
        return ORL_LOCK_SCROLL;
    default:
        return 0;
    }
}

void orl_vnc_keyboard_key(
        struct orl_vnc_keyboard *kb, uint32_t code, bool is_down, struct orl_buf *buf)
{
    if (code >= ORL_VNC_KEY_CODES || (!is_down && !kb->is_down[code])) {
        return;
    }
    if (is_down) {
        if (!kb->is_down[code]) {
            kb->sent_sym[code] = sym_of(kb, code);
            kb->locks ^= lock_of(code);
        }
        kb->is_down[code] = true;
    }
    put(kb, code, kb->sent_sym[code], is_down, buf);
    kb->is_down[code] = is_down;
}

void orl_vnc_keyboard_sym(
        struct orl_vnc_keyboard *kb, uint32_t keysym, bool is_down, struct orl_buf *buf)
{
    uint32_t *slot = NULL;
    for (unsigned i = 0; i < ORL_VNC_SYMS_DOWN; i++) {
        if (kb->syms_down[i] == keysym) {
            slot = &kb->syms_down[i];
            break;
        }
        if (kb->syms_down[i] == 0 && is_down && slot == NULL) {
            slot = &kb->syms_down[i];
        }
    }
    if (slot == NULL) {
        return; /* a release of what is not down, or more keys than fingers */
    }
    *slot = is_down ? keysym : 0;
    orl_rfb_put_key(buf, keysym, is_down);
}

void orl_vnc_keyboard_release_all(struct orl_vnc_keyboard *kb, struct orl_buf *buf)
{
    for (uint32_t code = 0; code < ORL_VNC_KEY_CODES; code++) {
        if (kb->is_down[code]) {
            orl_vnc_keyboard_key(kb, code, false, buf);
        }
    }
    for (unsigned i = 0; i < ORL_VNC_SYMS_DOWN; i++) {
        if (kb->syms_down[i] != 0) {
            orl_rfb_put_key(buf, kb->syms_down[i], false);
            kb->syms_down[i] = 0;
        }
    }
}

int orl_vnc_keyboard_set_locks(
        struct orl_vnc_keyboard *kb, unsigned locks, int guest_locks, struct orl_buf *buf)
{
    static const uint32_t codes[] = {CODE_CAPS, CODE_NUM, CODE_SCROLL};
    if (guest_locks < 0) {
        kb->locks = locks;
        return guest_locks;
    }
    unsigned differ = (unsigned)guest_locks ^ locks;
    for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if ((differ & lock_of(codes[i])) != 0 && !kb->is_down[codes[i]]) {
            orl_vnc_keyboard_key(kb, codes[i], true, buf);
            orl_vnc_keyboard_key(kb, codes[i], false, buf);
        }
    }
    kb->locks = locks;
    return (int)locks;
}
