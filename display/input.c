/* Range checks of input events: between processes, and before a source acts on them. */
#include "display/input.h"
#include "display/surface.h"

#define BUTTONS_ALL                                                                                \
    (ORL_BUTTON_LEFT | ORL_BUTTON_MIDDLE | ORL_BUTTON_RIGHT | ORL_BUTTON_SIDE | ORL_BUTTON_EXTRA)
#define MOVE_MAX 32767        /* what one RDP or RFB event can carry */
#define KEYSYM_MAX 0x1FFFFFFF /* X protocol, appendix A: the top three bits are zero */

static bool is_scancode(uint32_t code)
{
    if (code == ORL_SCANCODE_PAUSE) {
        return true;
    }
    uint32_t base = code & ~(uint32_t)ORL_SCANCODE_EXTENDED;
    return base >= 0x01 && base <= 0x7F;
}

static bool is_within(int32_t v, int32_t low, int32_t high)
{
    return v >= low && v <= high;
}

static bool is_move(const struct orl_input *input)
{
    return is_within(input->x, -MOVE_MAX, MOVE_MAX) && is_within(input->y, -MOVE_MAX, MOVE_MAX);
}

static bool has_no_bits_but(uint32_t v, uint32_t allowed)
{
    return (v & ~allowed) == 0;
}

bool orl_input_is_valid(const struct orl_input *input)
{
    if (input->is_down > 1) {
        return false;
    }
    switch (input->kind) {
    case ORL_INPUT_KEY:
        return is_scancode(input->code);
    case ORL_INPUT_KEYSYM:
        return input->code != 0 && input->code <= KEYSYM_MAX;
    case ORL_INPUT_POINTER:
        return has_no_bits_but(input->code, BUTTONS_ALL) &&
               is_within(input->x, 0, ORL_SURFACE_MAX_PX - 1) &&
               is_within(input->y, 0, ORL_SURFACE_MAX_PX - 1);
    case ORL_INPUT_RELATIVE:
        return has_no_bits_but(input->code, BUTTONS_ALL) && is_move(input);
    case ORL_INPUT_WHEEL:
        return is_move(input);
    case ORL_INPUT_LOCKS:
        return has_no_bits_but(input->code, ORL_LOCKS_ALL);
    case ORL_INPUT_RELEASE_ALL:
        return true;
    default:
        return false;
    }
}

bool orl_input_is_deed(struct orl_input *last, const struct orl_input *input)
{
    bool is_deed = false;
    switch (input->kind) {
    case ORL_INPUT_KEY:
    case ORL_INPUT_KEYSYM:
        return true;
    case ORL_INPUT_WHEEL:
        return input->x != 0 || input->y != 0;
    case ORL_INPUT_POINTER:
        is_deed = last->kind != ORL_INPUT_POINTER || last->code != input->code ||
                  last->x != input->x || last->y != input->y;
        *last = *input;
        return is_deed;
    case ORL_INPUT_RELATIVE:
        is_deed = input->x != 0 || input->y != 0 || last->code != input->code;
        last->code = input->code;
        return is_deed;
    default:
        return false;
    }
}

bool orl_input_merge(struct orl_input *last, const struct orl_input *input)
{
    if (last->kind != input->kind) {
        return false;
    }
    switch (input->kind) {
    case ORL_INPUT_POINTER:
        if (last->code != input->code) {
            return false;
        }
        last->x = input->x;
        last->y = input->y;
        return true;
    case ORL_INPUT_RELATIVE:
    case ORL_INPUT_WHEEL: {
        struct orl_input sum = *last;
        sum.x += input->x;
        sum.y += input->y;
        if (last->code != input->code || !orl_input_is_valid(&sum)) {
            return false;
        }
        *last = sum;
        return true;
    }
    case ORL_INPUT_LOCKS:
    case ORL_INPUT_RELEASE_ALL:
        *last = *input;
        return true;
    default:
        return false;
    }
}
