/* Keys and pointer of an RFB client as display/input.h has them. */
#include "display/input.h"
#include "protocols/vnc/rfb_priv.h"

/* RFC 6143 7.5.5: buttons 4 to 7 are the wheel; 8 and 9, back and forward (Extended Mouse Buttons). */
enum {
    BUTTON_WHEEL_UP = 1 << 3,
    BUTTON_WHEEL_DOWN = 1 << 4,
    BUTTON_WHEEL_LEFT = 1 << 5,
    BUTTON_WHEEL_RIGHT = 1 << 6,
    BUTTON_BACK = 1 << 7,
    BUTTON_FORWARD = 1 << 8,
    NOTCH = 120
};
/* QEMU's key numbers are scancodes of set 1 with E0 as bit 7, but for these. */
enum { QNUM_E0 = 0x80, QNUM_PRINT = 0x54, QNUM_PAUSE = 0xC6, CODE_PRINT = 0x137 };

static uint32_t scancode_of(uint32_t keycode)
{
    switch (keycode) {
    case QNUM_PAUSE:
        return ORL_SCANCODE_PAUSE;
    case QNUM_PRINT:
        return CODE_PRINT;
    default:
        return keycode > 0xFF ? 0
                              : (keycode & (QNUM_E0 - 1)) |
                                        ((keycode & QNUM_E0) != 0 ? ORL_SCANCODE_EXTENDED : 0U);
    }
}

static void tell(struct orl_viewer *v, const struct orl_input *input)
{
    if (v->state == ORL_RFB_READY && !v->wants_close && orl_input_is_valid(input)) {
        v->events->on_input(v->ctx, input);
    }
}

void orl_rfb_on_key(struct orl_viewer *v, const struct orl_rfb_msg *msg)
{
    struct orl_input input = {.kind = ORL_INPUT_KEY,
            .code = scancode_of(msg->u.key.keycode),
            .is_down = msg->u.key.is_down ? 1 : 0};
    if (input.code == 0) {
        input.kind = ORL_INPUT_KEYSYM;
        input.code = msg->u.key.keysym;
    }
    tell(v, &input);
}

static uint32_t buttons_of(uint32_t rfb)
{
    return (rfb & (ORL_BUTTON_LEFT | ORL_BUTTON_MIDDLE | ORL_BUTTON_RIGHT)) |
           ((rfb & BUTTON_BACK) != 0 ? (uint32_t)ORL_BUTTON_SIDE : 0U) |
           ((rfb & BUTTON_FORWARD) != 0 ? (uint32_t)ORL_BUTTON_EXTRA : 0U);
}

static void turn(struct orl_viewer *v, uint32_t pressed, uint32_t button, int32_t dx, int32_t dy)
{
    if ((pressed & button) != 0) {
        const struct orl_input input = {.kind = ORL_INPUT_WHEEL, .x = dx, .y = dy};
        tell(v, &input);
    }
}

static int32_t clip(uint16_t value, uint32_t size_px)
{
    return (int32_t)(value < size_px ? value : size_px - 1);
}

void orl_rfb_on_pointer(struct orl_viewer *v, const struct orl_rfb_msg *msg)
{
    const uint32_t buttons = msg->u.pointer.buttons;
    const uint32_t pressed = buttons & ~v->input.buttons;
    const struct orl_input input = {.kind = ORL_INPUT_POINTER,
            .code = buttons_of(buttons),
            .x = clip(msg->u.pointer.x, v->width_px),
            .y = clip(msg->u.pointer.y, v->height_px)};
    if (input.x != v->input.x || input.y != v->input.y ||
            input.code != buttons_of(v->input.buttons)) {
        tell(v, &input);
    }
    v->input = (struct orl_rfb_input){.buttons = buttons, .x = input.x, .y = input.y};
    turn(v, pressed, BUTTON_WHEEL_UP, 0, NOTCH);
    turn(v, pressed, BUTTON_WHEEL_DOWN, 0, -NOTCH);
    turn(v, pressed, BUTTON_WHEEL_LEFT, -NOTCH, 0);
    turn(v, pressed, BUTTON_WHEEL_RIGHT, NOTCH, 0);
}
