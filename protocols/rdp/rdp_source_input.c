/* What people do, in RDP's terms (MS-RDPBCGR 2.2.8.1.1.3.1.1): scancodes as they are, characters without one as Unicode
 * events, lock keys by synchronize. */
#include "display/keysym.h"
#include "protocols/rdp/rdp_source_priv.h"
#include <freerdp/input.h>
#include <freerdp/scancode.h>

enum {
    CODE_CTRL = 0x1D,
    CODE_ALT = 0x38,
    CODE_META_L = 0x5B | ORL_SCANCODE_EXTENDED,
    CODE_META_R = 0x5C | ORL_SCANCODE_EXTENDED,
    WHEEL_EVENT_MAX = 120, /* of the nine bits with a sign */
    WHEEL_EVENTS_MAX = 20
};
#define KEYSYM_UNICODE 0x01000000U

static rdpInput *input_of(const struct orl_source *s)
{
    return s->instance->context->input;
}

static void key(struct orl_source *s, uint32_t code, bool is_down)
{
    struct orl_rdp_source_keys *keys = &s->keys;
    if (code == ORL_SCANCODE_PAUSE) {
        if (is_down) {
            (void)freerdp_input_send_keyboard_pause_event(input_of(s));
        }
        return;
    }
    if (code >= sizeof(keys->is_down) || (!is_down && !keys->is_down[code])) {
        return;
    }
    const bool is_repeat = is_down && keys->is_down[code];
    keys->is_down[code] = is_down;
    (void)freerdp_input_send_keyboard_event_ex(input_of(s), is_down, is_repeat,
            MAKE_RDP_SCANCODE(code & 0xFF, (code & ORL_SCANCODE_EXTENDED) != 0));
}

/* 0: no character. */
static uint32_t character_of(uint32_t keysym)
{
    const bool is_latin1 = (keysym >= 0x20 && keysym < 0x7F) || (keysym >= 0xA0 && keysym <= 0xFF);
    const uint32_t c = is_latin1                        ? keysym
                       : (keysym & KEYSYM_UNICODE) != 0 ? keysym & ~KEYSYM_UNICODE
                                                        : 0;
    const bool is_one = c >= 0x20 && c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
    return is_one ? c : 0;
}

static bool is_shortcut(const struct orl_rdp_source_keys *keys)
{
    return keys->is_down[CODE_CTRL] || keys->is_down[CODE_CTRL | ORL_SCANCODE_EXTENDED] ||
           keys->is_down[CODE_ALT] || keys->is_down[CODE_META_L] || keys->is_down[CODE_META_R];
}

static void character(struct orl_source *s, uint32_t c, bool is_down)
{
    const UINT16 flags = is_down ? 0 : KBD_FLAGS_RELEASE;
    if (c > UINT16_MAX) {
        c -= 0x10000;
        (void)freerdp_input_send_unicode_keyboard_event(
                input_of(s), flags, (UINT16)(0xD800 | c >> 10));
        c = 0xDC00 | (c & 0x3FF);
    }
    (void)freerdp_input_send_unicode_keyboard_event(input_of(s), flags, (UINT16)c);
}

static uint32_t *sym_slot(struct orl_rdp_source_keys *keys, uint32_t keysym, bool is_down)
{
    uint32_t *free_slot = NULL;
    for (unsigned i = 0; i < ORL_RDP_SOURCE_SYMS; i++) {
        if (keys->syms[i] == keysym) {
            return &keys->syms[i];
        }
        if (keys->syms[i] == 0 && free_slot == NULL) {
            free_slot = &keys->syms[i];
        }
    }
    return is_down ? free_slot : NULL;
}

/* With Ctrl or Alt it is a key that was meant, on this keyboard; a character else. */
static void keysym(struct orl_source *s, uint32_t sym, bool is_down)
{
    struct orl_rdp_source_keys *keys = &s->keys;
    const struct orl_keysym_state state = {.is_num = true};
    uint32_t code = 0;
    bool is_shift = false;
    const uint32_t c = character_of(sym);
    uint32_t *slot = c != 0 ? sym_slot(keys, sym, is_down) : NULL;
    const bool is_sent = slot != NULL && *slot == sym; /* its press went as a character */
    if (c != 0 && slot != NULL && (is_sent || !is_shortcut(keys))) {
        *slot = is_down ? sym : 0;
        character(s, c, is_down);
    } else if (orl_keysym_to_scancode(sym, state, &code, &is_shift)) {
        key(s, code, is_down);
    }
}

static void pointer_event(struct orl_source *s, unsigned flags)
{
    const struct orl_rdp_source_keys *keys = &s->keys;
    (void)freerdp_input_send_mouse_event(
            input_of(s), (UINT16)flags, (UINT16)keys->x, (UINT16)keys->y);
}

static void buttons(struct orl_source *s, uint32_t now)
{
    static const struct {
        uint32_t ours;
        UINT16 flag;
        bool is_extended;
    } all[] = {{ORL_BUTTON_LEFT, PTR_FLAGS_BUTTON1, false},
            {ORL_BUTTON_RIGHT, PTR_FLAGS_BUTTON2, false},
            {ORL_BUTTON_MIDDLE, PTR_FLAGS_BUTTON3, false},
            {ORL_BUTTON_SIDE, PTR_XFLAGS_BUTTON1, true},
            {ORL_BUTTON_EXTRA, PTR_XFLAGS_BUTTON2, true}};
    struct orl_rdp_source_keys *keys = &s->keys;
    const uint32_t changed = keys->buttons ^ now;
    keys->buttons = now;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const bool is_down = (now & all[i].ours) != 0;
        if ((changed & all[i].ours) == 0) {
            continue;
        }
        if (all[i].is_extended) {
            (void)freerdp_input_send_extended_mouse_event(input_of(s),
                    (UINT16)(all[i].flag | (is_down ? PTR_XFLAGS_DOWN : 0)), (UINT16)keys->x,
                    (UINT16)keys->y);
        } else {
            pointer_event(s, all[i].flag | (is_down ? (unsigned)PTR_FLAGS_DOWN : 0U));
        }
    }
}

static int32_t within(int32_t v, const struct orl_surface *surface, bool is_x)
{
    const uint32_t size = is_x ? orl_surface_width(surface) : orl_surface_height(surface);
    return v < (int32_t)size ? v : (int32_t)size - 1;
}

static void pointer(struct orl_source *s, const struct orl_input *input)
{
    struct orl_rdp_source_keys *keys = &s->keys;
    if (input->kind == ORL_INPUT_POINTER) {
        keys->x = within(input->x, s->screen.surface, true);
        keys->y = within(input->y, s->screen.surface, false);
        keys->is_move_due = true;
    }
    if (keys->buttons == input->code && s->wire.out.len > 0) {
        return; /* only the last place counts */
    }
    if (keys->is_move_due) {
        keys->is_move_due = false;
        pointer_event(s, PTR_FLAGS_MOVE);
    }
    buttons(s, input->code);
}

/* MS-RDPBCGR 2.2.8.1.1.3.1.1.3: rotation in nine bits, two's complement. */
static void wheel(struct orl_source *s, int32_t by, unsigned kind)
{
    for (unsigned i = 0; by != 0 && i < WHEEL_EVENTS_MAX; i++) {
        const int32_t limited = by > WHEEL_EVENT_MAX    ? WHEEL_EVENT_MAX
                                : by < -WHEEL_EVENT_MAX ? -WHEEL_EVENT_MAX
                                                        : by;
        by -= limited;
        pointer_event(
                s, kind | ((unsigned)limited & (PTR_FLAGS_WHEEL_NEGATIVE | WheelRotationMask)));
    }
}

static void release_all(struct orl_source *s)
{
    struct orl_rdp_source_keys *keys = &s->keys;
    for (uint32_t code = 0; code < sizeof(keys->is_down); code++) {
        key(s, code, false);
    }
    for (unsigned i = 0; i < ORL_RDP_SOURCE_SYMS; i++) {
        if (keys->syms[i] != 0) {
            keysym(s, keys->syms[i], false);
        }
    }
    buttons(s, 0);
}

void orl_rdp_source_input(struct orl_source *s, const struct orl_input *input)
{
    struct orl_rdp_source_keys *keys = &s->keys;
    const bool is_full = s->wire.out.len >= ORL_RDP_SOURCE_OUT_FULL;
    if (is_full && input->kind != ORL_INPUT_RELEASE_ALL) {
        return;
    }
    if (keys->is_move_due && input->kind != ORL_INPUT_POINTER) {
        keys->is_move_due = false;
        pointer_event(s, PTR_FLAGS_MOVE); /* before what comes after it */
    }
    switch (input->kind) {
    case ORL_INPUT_KEY:
        key(s, input->code, input->is_down != 0);
        break;
    case ORL_INPUT_KEYSYM:
        keysym(s, input->code, input->is_down != 0);
        break;
    case ORL_INPUT_POINTER:
    case ORL_INPUT_RELATIVE: /* the buttons only */
        pointer(s, input);
        break;
    case ORL_INPUT_WHEEL:
        wheel(s, input->y, PTR_FLAGS_WHEEL);
        wheel(s, input->x, PTR_FLAGS_HWHEEL);
        break;
    case ORL_INPUT_LOCKS:
        (void)freerdp_input_send_synchronize_event(input_of(s), input->code & ORL_LOCKS_ALL);
        break;
    case ORL_INPUT_RELEASE_ALL:
        release_all(s);
        break;
    default:
        break;
    }
}

void orl_rdp_source_move_due(struct orl_source *s)
{
    if (s->keys.is_move_due && s->wire.out.len == 0) {
        s->keys.is_move_due = false;
        pointer_event(s, PTR_FLAGS_MOVE);
    }
}
