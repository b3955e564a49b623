/* FreeRDP's input callbacks to ours. Nothing that a client sends here is out of range afterwards. */
#include "protocols/rdp/rdp_priv.h"
#include <freerdp/input.h>

enum {
    SCANCODE_CTRL = 0x1D,
    SCANCODE_NUM_LOCK = 0x45,
    KEYSYM_UNICODE = 0x01000000, /* X11: keysyms of characters beyond Latin-1 */
};

static void emit(struct orl_viewer *v, enum orl_input_kind kind, uint32_t code, bool is_down,
        int32_t x, int32_t y)
{
    if (v->state != ORL_RDP_READY) {
        return;
    }
    const struct orl_input input = {.kind = kind, .code = code, .is_down = is_down, .x = x, .y = y};
    if (orl_input_is_valid(&input)) {
        v->events->on_input(v->ctx, &input);
    }
}

/* MS-RDPBCGR 2.2.8.1.1.3.1.1.5: a synchronise event also means that no key is down. */
static BOOL on_synchronize(rdpInput *input, UINT32 flags)
{
    struct orl_viewer *v = orl_rdp_of(input->context);
    v->input.is_pause_down = false;
    v->input.is_pause_up = false;
    emit(v, ORL_INPUT_RELEASE_ALL, 0, false, 0, 0);
    emit(v, ORL_INPUT_LOCKS, flags & (ORL_LOCK_SCROLL | ORL_LOCK_NUM | ORL_LOCK_CAPS), false, 0, 0);
    return TRUE;
}

/* Pause comes as E1 1D, 45, and the same released. True: the event was a part of it. */
static bool take_pause(struct orl_viewer *v, UINT16 flags, UINT8 code)
{
    bool *pending =
            (flags & KBD_FLAGS_RELEASE) != 0 ? &v->input.is_pause_up : &v->input.is_pause_down;
    if ((flags & KBD_FLAGS_EXTENDED1) != 0 && code == SCANCODE_CTRL) {
        *pending = true;
        return true;
    }
    if (*pending && code == SCANCODE_NUM_LOCK && (flags & KBD_FLAGS_EXTENDED) == 0) {
        *pending = false;
        emit(v, ORL_INPUT_KEY, ORL_SCANCODE_PAUSE, (flags & KBD_FLAGS_RELEASE) == 0, 0, 0);
        return true;
    }
    *pending = false;
    return false;
}

static BOOL on_key(rdpInput *input, UINT16 flags, UINT8 code)
{
    struct orl_viewer *v = orl_rdp_of(input->context);
    if (take_pause(v, flags, code) || code == 0 || code > 0x7F) {
        return TRUE;
    }
    const uint32_t extended = (flags & KBD_FLAGS_EXTENDED) != 0 ? ORL_SCANCODE_EXTENDED : 0;
    emit(v, ORL_INPUT_KEY, code | extended, (flags & KBD_FLAGS_RELEASE) == 0, 0, 0);
    return TRUE;
}

static uint32_t keysym_of(uint32_t character)
{
    switch (character) {
    case 0x08:
        return 0xFF08; /* BackSpace */
    case 0x09:
        return 0xFF09; /* Tab */
    case 0x0A:
    case 0x0D:
        return 0xFF0D; /* Return */
    case 0x1B:
        return 0xFF1B; /* Escape */
    case 0x7F:
        return 0xFFFF; /* Delete */
    default:
        break;
    }
    if (character < 0x20 || (character >= 0x80 && character < 0xA0)) {
        return 0;
    }
    return character < 0x100 ? character : KEYSYM_UNICODE | character;
}

static BOOL on_unicode(rdpInput *input, UINT16 flags, UINT16 code)
{
    struct orl_viewer *v = orl_rdp_of(input->context);
    uint32_t character = code;
    if (code >= 0xD800 && code < 0xDC00) {
        v->input.high_surrogate = code;
        return TRUE;
    }
    if (code >= 0xDC00 && code < 0xE000) {
        const uint32_t high = v->input.high_surrogate;
        v->input.high_surrogate = 0;
        if (high == 0) {
            return TRUE;
        }
        character = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00U);
    }
    const uint32_t keysym = keysym_of(character);
    if (keysym != 0) {
        emit(v, ORL_INPUT_KEYSYM, keysym, (flags & KBD_FLAGS_RELEASE) == 0, 0, 0);
    }
    return TRUE;
}

static int32_t clamp(int32_t value, uint32_t size_px)
{
    const int32_t last = size_px > 0 ? (int32_t)size_px - 1 : 0;
    return value < 0 ? 0 : value > last ? last : value;
}

static void move(struct orl_viewer *v, UINT16 x, UINT16 y)
{
    const uint32_t width = v->use_gfx ? v->gfx.width_px : v->bitmap_width_px;
    const uint32_t height = v->use_gfx ? v->gfx.height_px : v->bitmap_height_px;
    v->input.x = clamp(x, width);
    v->input.y = clamp(y, height);
}

static void set_button(struct orl_viewer *v, uint32_t button, bool is_down)
{
    v->input.buttons = is_down ? v->input.buttons | button : v->input.buttons & ~button;
}

/* 9 bits, two's complement (MS-RDPBCGR 2.2.8.1.1.3.1.1.3). */
static int32_t rotation(UINT16 flags)
{
    const int32_t value = flags & WheelRotationMask;
    return (flags & PTR_FLAGS_WHEEL_NEGATIVE) != 0 ? value - (WheelRotationMask + 1) : value;
}

static BOOL on_mouse(rdpInput *input, UINT16 flags, UINT16 x, UINT16 y)
{
    struct orl_viewer *v = orl_rdp_of(input->context);
    if ((flags & PTR_FLAGS_WHEEL) != 0) {
        emit(v, ORL_INPUT_WHEEL, 0, false, 0, rotation(flags)); /* its x and y say nothing */
        return TRUE;
    }
    if ((flags & PTR_FLAGS_HWHEEL) != 0) {
        emit(v, ORL_INPUT_WHEEL, 0, false, rotation(flags), 0);
        return TRUE;
    }
    move(v, x, y);
    const bool is_down = (flags & PTR_FLAGS_DOWN) != 0;
    if ((flags & PTR_FLAGS_BUTTON1) != 0) {
        set_button(v, ORL_BUTTON_LEFT, is_down);
    }
    if ((flags & PTR_FLAGS_BUTTON2) != 0) {
        set_button(v, ORL_BUTTON_RIGHT, is_down);
    }
    if ((flags & PTR_FLAGS_BUTTON3) != 0) {
        set_button(v, ORL_BUTTON_MIDDLE, is_down);
    }
    emit(v, ORL_INPUT_POINTER, v->input.buttons, false, v->input.x, v->input.y);
    return TRUE;
}

static BOOL on_extended_mouse(rdpInput *input, UINT16 flags, UINT16 x, UINT16 y)
{
    struct orl_viewer *v = orl_rdp_of(input->context);
    move(v, x, y);
    const bool is_down = (flags & PTR_XFLAGS_DOWN) != 0;
    if ((flags & PTR_XFLAGS_BUTTON1) != 0) {
        set_button(v, ORL_BUTTON_SIDE, is_down);
    }
    if ((flags & PTR_XFLAGS_BUTTON2) != 0) {
        set_button(v, ORL_BUTTON_EXTRA, is_down);
    }
    emit(v, ORL_INPUT_POINTER, v->input.buttons, false, v->input.x, v->input.y);
    return TRUE;
}

void orl_rdp_input_setup(struct orl_viewer *v)
{
    rdpInput *input = v->peer->context->input;
    input->SynchronizeEvent = on_synchronize;
    input->KeyboardEvent = on_key;
    input->UnicodeKeyboardEvent = on_unicode;
    input->MouseEvent = on_mouse;
    input->ExtendedMouseEvent = on_extended_mouse;
}
