#include "display/keysym.h"
#include "display/input.h"

#define KEYPAD_FIRST 0x47
#define KEYPAD_LAST 0x53
#define CODE_102ND 0x56 /* beside the left shift; US keyboards do without it */

/* Scancode set 1; X11/keysymdef.h. Letters stand once, their capital follows from shift and caps. */
static const uint16_t plain[0x59] = {
        [0x01] = 0xFF1B, /* Escape */
        [0x02] = '1',
        [0x03] = '2',
        [0x04] = '3',
        [0x05] = '4',
        [0x06] = '5',
        [0x07] = '6',
        [0x08] = '7',
        [0x09] = '8',
        [0x0A] = '9',
        [0x0B] = '0',
        [0x0C] = '-',
        [0x0D] = '=',
        [0x0E] = 0xFF08, /* BackSpace */
        [0x0F] = 0xFF09, /* Tab */
        [0x10] = 'q',
        [0x11] = 'w',
        [0x12] = 'e',
        [0x13] = 'r',
        [0x14] = 't',
        [0x15] = 'y',
        [0x16] = 'u',
        [0x17] = 'i',
        [0x18] = 'o',
        [0x19] = 'p',
        [0x1A] = '[',
        [0x1B] = ']',
        [0x1C] = 0xFF0D, /* Return */
        [0x1D] = 0xFFE3, /* Control_L */
        [0x1E] = 'a',
        [0x1F] = 's',
        [0x20] = 'd',
        [0x21] = 'f',
        [0x22] = 'g',
        [0x23] = 'h',
        [0x24] = 'j',
        [0x25] = 'k',
        [0x26] = 'l',
        [0x27] = ';',
        [0x28] = '\'',
        [0x29] = '`',
        [0x2A] = 0xFFE1, /* Shift_L */
        [0x2B] = '\\',
        [0x2C] = 'z',
        [0x2D] = 'x',
        [0x2E] = 'c',
        [0x2F] = 'v',
        [0x30] = 'b',
        [0x31] = 'n',
        [0x32] = 'm',
        [0x33] = ',',
        [0x34] = '.',
        [0x35] = '/',
        [0x36] = 0xFFE2, /* Shift_R */
        [0x37] = 0xFFAA, /* KP_Multiply */
        [0x38] = 0xFFE9, /* Alt_L */
        [0x39] = ' ',
        [0x3A] = 0xFFE5, /* Caps_Lock */
        [0x3B] = 0xFFBE,
        [0x3C] = 0xFFBF,
        [0x3D] = 0xFFC0,
        [0x3E] = 0xFFC1,
        [0x3F] = 0xFFC2,
        [0x40] = 0xFFC3,
        [0x41] = 0xFFC4,
        [0x42] = 0xFFC5,
        [0x43] = 0xFFC6,
        [0x44] = 0xFFC7,
        [0x45] = 0xFF7F, /* Num_Lock */
        [0x46] = 0xFF14, /* Scroll_Lock */
        [0x4A] = 0xFFAD, /* KP_Subtract */
        [0x4E] = 0xFFAB, /* KP_Add */
        [0x54] = 0xFF15, /* Sys_Req */
        [0x56] = '<',    /* the 102nd key */
        [0x57] = 0xFFC8,
        [0x58] = 0xFFC9, /* F11, F12 */
};
static const uint16_t extended[0x80] = {
        [0x1C] = 0xFF8D, /* KP_Enter */
        [0x1D] = 0xFFE4, /* Control_R */
        [0x35] = 0xFFAF, /* KP_Divide */
        [0x37] = 0xFF61, /* Print */
        [0x38] = 0xFE03, /* ISO_Level3_Shift: right Alt types what its layout has there */
        [0x46] = 0xFF6B, /* Break */
        [0x47] = 0xFF50, /* Home */
        [0x48] = 0xFF52, /* Up */
        [0x49] = 0xFF55, /* Prior */
        [0x4B] = 0xFF51, /* Left */
        [0x4D] = 0xFF53, /* Right */
        [0x4F] = 0xFF57, /* End */
        [0x50] = 0xFF54, /* Down */
        [0x51] = 0xFF56, /* Next */
        [0x52] = 0xFF63, /* Insert */
        [0x53] = 0xFFFF, /* Delete */
        [0x5B] = 0xFFEB, /* Super_L */
        [0x5C] = 0xFFEC, /* Super_R */
        [0x5D] = 0xFF67, /* Menu */
};
/* 0x47 .. 0x53 with and without Num Lock. */
static const uint16_t keypad_num[] = {0xFFB7, 0xFFB8, 0xFFB9, 0xFFAD, 0xFFB4, 0xFFB5, 0xFFB6,
        0xFFAB, 0xFFB1, 0xFFB2, 0xFFB3, 0xFFB0, 0xFFAE};
static const uint16_t keypad_move[] = {0xFF95, 0xFF97, 0xFF9A, 0xFFAD, 0xFF96, 0xFF9D, 0xFF98,
        0xFFAB, 0xFF9C, 0xFF99, 0xFF9B, 0xFF9E, 0xFF9F};
/* What shift makes of the keys that are no letters. */
static const char shift_from[] = "1234567890-=[];'`\\,./<";
static const char shift_to[] = "!@#$%^&*()_+{}:\"~|<>?>";

static uint32_t shifted(uint32_t keysym)
{
    for (unsigned i = 0; shift_from[i] != '\0'; i++) {
        if (keysym == (unsigned char)shift_from[i]) {
            return (unsigned char)shift_to[i];
        }
    }
    return keysym;
}

uint32_t orl_keysym_of_scancode(uint32_t code, struct orl_keysym_state state)
{
    if (code == ORL_SCANCODE_PAUSE) {
        return 0xFF13;
    }
    if ((code & ORL_SCANCODE_EXTENDED) != 0) {
        return extended[code & 0x7F];
    }
    if (code >= KEYPAD_FIRST && code <= KEYPAD_LAST) {
        return state.is_num != state.is_shift ? keypad_num[code - KEYPAD_FIRST]
                                              : keypad_move[code - KEYPAD_FIRST];
    }
    uint32_t keysym = code < sizeof(plain) / sizeof(plain[0]) ? plain[code] : 0;
    if (keysym >= 'a' && keysym <= 'z') {
        return state.is_shift != state.is_caps ? keysym - 'a' + 'A' : keysym;
    }
    return state.is_shift ? shifted(keysym) : keysym;
}

/* Keysyms that name the same keys. */
static const struct {
    uint16_t keysym, code;
} others[] = {
        {0xFE20, 0x0F},  /* ISO_Left_Tab */
        {0xFFE7, 0x15B}, /* Meta_L */
        {0xFFE8, 0x15C}, /* Meta_R */
        {0xFFEA, 0x138}, /* Alt_R */
};

static bool is_typed_by(uint32_t code, uint32_t keysym, struct orl_keysym_state state)
{
    return code != CODE_102ND && orl_keysym_of_scancode(code, state) == keysym;
}

bool orl_keysym_to_scancode(
        uint32_t keysym, struct orl_keysym_state state, uint32_t *ret_code, bool *ret_is_shift)
{
    *ret_is_shift = state.is_shift;
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (others[i].keysym == keysym) {
            *ret_code = others[i].code;
            return true;
        }
    }
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t code = 1; keysym != 0 && code <= ORL_SCANCODE_PAUSE; code++) {
            if (is_typed_by(code, keysym, state)) {
                *ret_code = code;
                *ret_is_shift = state.is_shift;
                return true;
            }
        }
        state.is_shift = !state.is_shift;
    }
    return false;
}
