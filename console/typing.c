#include "console/typing.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "display/keysym.h"
#include <string.h>

#define COLLECT_US (80 * ORL_US_PER_MS) /* from character to character */
#define FETCH_MAX_US (500 * ORL_US_PER_MS)
/* The guest's agent takes the clipboard over before the key comes: they travel by different ways, and nothing says when it
 * has. So a slow guest, known by how late it asks, is given more time. */
#define SETTLE_MIN_US (150 * ORL_US_PER_MS)
#define SETTLE_MAX_US (1000 * ORL_US_PER_MS)
#define SETTLE_FIRST_US (500 * ORL_US_PER_MS)
#define ASKED_US (400 * ORL_US_PER_MS) /* it asked: the program has the text soon */
#define UNASKED_US (2500 * ORL_US_PER_MS)

#define SCANCODE_CTRL 0x1D
#define SCANCODE_V 0x2F

enum {
    KEYSYM_UNICODE = 0x01000000, /* X11: keysyms of characters beyond Latin-1 */
    KEYSYM_UNICODE_LAST = 0x0110FFFF,
    KEYSYM_EURO = 0x20AC /* it has one of its own beside */
};

/* 0: it is no character. */
static uint32_t character_of(const struct orl_input *input)
{
    uint32_t sym = input->code;
    if (input->kind != ORL_INPUT_KEYSYM) {
        return 0;
    }
    if ((sym >= 0x20 && sym <= 0x7E) || (sym >= 0xA0 && sym <= 0xFF) || sym == KEYSYM_EURO) {
        return sym;
    }
    bool is_unicode = sym > KEYSYM_UNICODE + 0xFFU && sym <= KEYSYM_UNICODE_LAST;
    bool is_surrogate = sym >= KEYSYM_UNICODE + 0xD800U && sym <= KEYSYM_UNICODE + 0xDFFFU;
    return is_unicode && !is_surrogate ? sym - KEYSYM_UNICODE : 0;
}

static bool has_key(uint32_t keysym)
{
    uint32_t code;
    bool is_shift;
    return orl_keysym_to_scancode(
            keysym, (struct orl_keysym_state){.is_shift = false}, &code, &is_shift);
}

static void put_character(struct orl_buf *buf, uint32_t c)
{
    uint8_t bytes[4];
    size_t len = 0;
    if (c < 0x80) {
        bytes[len++] = (uint8_t)c;
    } else if (c < 0x800) {
        bytes[len++] = (uint8_t)(0xC0U | c >> 6);
    } else if (c < 0x10000) {
        bytes[len++] = (uint8_t)(0xE0U | c >> 12);
        bytes[len++] = (uint8_t)(0x80U | (c >> 6 & 0x3FU));
    } else {
        bytes[len++] = (uint8_t)(0xF0U | c >> 18);
        bytes[len++] = (uint8_t)(0x80U | (c >> 12 & 0x3FU));
        bytes[len++] = (uint8_t)(0x80U | (c >> 6 & 0x3FU));
    }
    if (c >= 0x80) {
        bytes[len++] = (uint8_t)(0x80U | (c & 0x3FU));
    }
    orl_buf_put(buf, bytes, len);
}

static void pass(struct orl_typing *t, const struct orl_input *input)
{
    if (input->kind == ORL_INPUT_KEY && input->code < sizeof(t->is_down)) {
        t->is_down[input->code] = input->is_down != 0;
    } else if (input->kind == ORL_INPUT_RELEASE_ALL) {
        memset(t->is_down, 0, sizeof(t->is_down));
    }
    t->events->to_source(t->ctx, input);
}

static void key(struct orl_typing *t, uint32_t code, bool is_down)
{
    const struct orl_input input = {.kind = ORL_INPUT_KEY, .code = code, .is_down = is_down};
    t->events->to_source(t->ctx, &input);
}

/* Whatever is held down would change what the key means. */
static void press_paste(struct orl_typing *t)
{
    for (uint32_t code = 0; code < sizeof(t->is_down); code++) {
        if (t->is_down[code]) {
            t->is_down[code] = false;
            key(t, code, false);
        }
    }
    key(t, SCANCODE_CTRL, true);
    key(t, SCANCODE_V, true);
    key(t, SCANCODE_V, false);
    key(t, SCANCODE_CTRL, false);
}

static void wipe(struct orl_buf *buf, size_t max_bytes)
{
    orl_buf_wipe(buf);
    orl_buf_fini(buf);
    orl_buf_init(buf, max_bytes);
}

static void offer(struct orl_typing *t)
{
    const struct orl_clipboard step = {
            .step = ORL_CLIPBOARD_OFFER, .serial = ++t->serial, .has_text = true};
    t->was_asked = false;
    t->events->to_exchange(t->ctx, &step);
}

static void learn(struct orl_typing *t, uint64_t us)
{
    t->settle_us = us < SETTLE_MIN_US ? SETTLE_MIN_US : us > SETTLE_MAX_US ? SETTLE_MAX_US : us;
}

static void offer_text(struct orl_typing *t)
{
    t->state = ORL_TYPING_OFFERED;
    t->is_offering_saved = false;
    offer(t);
    orl_timer_start(t->timer, t->settle_us, 0);
}

static void fetch(struct orl_typing *t)
{
    const struct orl_clipboard ask = {.step = ORL_CLIPBOARD_REQUEST, .serial = t->guest_serial};
    t->state = ORL_TYPING_FETCHING;
    wipe(&t->saved, ORL_CLIPBOARD_MAX_BYTES);
    orl_timer_start(t->timer, t->has_guest_text ? FETCH_MAX_US : 0, 0);
    if (t->has_guest_text) {
        t->events->to_exchange(t->ctx, &ask);
    }
}

static void replay(struct orl_typing *t)
{
    struct orl_input held[ORL_TYPING_HELD_MAX];
    unsigned count = t->held_count;
    memcpy(held, t->held, count * sizeof(held[0]));
    t->held_count = t->downs_held = 0;
    for (unsigned i = 0; i < count; i++) {
        orl_typing_input(t, &held[i]);
    }
}

static void finish(struct orl_typing *t)
{
    t->state = ORL_TYPING_IDLE;
    if (!t->was_asked) {
        learn(t, SETTLE_MAX_US);
    }
    wipe(&t->text, ORL_TYPING_MAX_BYTES);
    t->is_offering_saved = t->saved.len > 0;
    if (t->is_offering_saved) {
        offer(t);
    } else {
        t->events->give_back(t->ctx);
    }
    replay(t);
}

static void on_timer(void *ctx)
{
    struct orl_typing *t = ctx;
    switch (t->state) {
    case ORL_TYPING_COLLECTING:
        if (t->is_offering_saved && t->events->is_ours(t->ctx)) {
            offer_text(t); /* what the guest has copied is what is saved */
        } else {
            fetch(t);
        }
        break;
    case ORL_TYPING_FETCHING:
        offer_text(t);
        break;
    case ORL_TYPING_OFFERED:
        t->state = ORL_TYPING_PASTED;
        t->pasted_us = orl_clock_now_us();
        press_paste(t);
        orl_timer_start(t->timer, t->was_asked ? ASKED_US : UNASKED_US, 0);
        break;
    case ORL_TYPING_PASTED:
        finish(t);
        break;
    default:
        break;
    }
}

/* The last that is held of this key is its press. */
static bool is_held_down(const struct orl_typing *t, const struct orl_input *up)
{
    for (unsigned i = t->held_count; i > 0; i--) {
        if (t->held[i - 1].kind == up->kind && t->held[i - 1].code == up->code) {
            return t->held[i - 1].is_down != 0;
        }
    }
    return false;
}

/* While a paste is under way. A release of what was pressed before it goes on; the rest waits its turn. Half of the
 * room is for releases: each press that is held has one. */
static void hold(struct orl_typing *t, const struct orl_input *input)
{
    bool is_key = input->kind == ORL_INPUT_KEY || input->kind == ORL_INPUT_KEYSYM;
    if (!is_key || (input->is_down == 0 && !is_held_down(t, input))) {
        pass(t, input);
    } else if (input->is_down == 0 || t->downs_held < ORL_TYPING_HELD_MAX / 2) {
        t->downs_held += input->is_down != 0;
        t->held[t->held_count++] = *input;
    }
}

/* False: it is not for the paste. */
static bool collect(struct orl_typing *t, const struct orl_input *input)
{
    uint32_t c = character_of(input);
    if (c == 0 || input->is_down == 0 || t->text.len + 4 > ORL_TYPING_MAX_BYTES) {
        return false;
    }
    put_character(&t->text, c);
    t->state = ORL_TYPING_COLLECTING;
    orl_timer_start(t->timer, COLLECT_US, 0);
    return true;
}

void orl_typing_input(struct orl_typing *typing, const struct orl_input *input)
{
    uint32_t c = character_of(input);
    bool is_press = c != 0 && input->is_down != 0;
    if (typing->state == ORL_TYPING_IDLE) {
        if (is_press && typing->is_possible && !has_key(input->code) && collect(typing, input)) {
            return;
        }
        pass(typing, input);
    } else if (typing->state != ORL_TYPING_COLLECTING || typing->held_count > 0 ||
               !collect(typing, input)) {
        hold(typing, input);
    }
}

void orl_typing_clipboard(struct orl_typing *typing, const struct orl_clipboard *step)
{
    const struct orl_buf *own = typing->is_offering_saved ? &typing->saved : &typing->text;
    if (step->step == ORL_CLIPBOARD_OFFER) {
        typing->has_guest_text = step->has_text;
        typing->guest_serial = step->serial;
        typing->is_offering_saved = false;
    } else if (step->step == ORL_CLIPBOARD_REQUEST) {
        const struct orl_clipboard data = {.step = ORL_CLIPBOARD_DATA,
                .serial = step->serial,
                .has_text = step->serial == typing->serial && own->len > 0,
                .text = (const char *)own->data,
                .len = own->len};
        typing->was_asked = true;
        if (typing->state == ORL_TYPING_PASTED) {
            learn(typing, 2 * (orl_clock_now_us() - typing->pasted_us));
            orl_timer_start(typing->timer, ASKED_US, 0);
        }
        typing->events->to_exchange(typing->ctx, &data);
    } else if (typing->state == ORL_TYPING_FETCHING && step->serial == typing->guest_serial) {
        if (step->has_text) {
            orl_buf_put(&typing->saved, step->text, step->len);
        }
        orl_timer_start(typing->timer, 0, 0);
    }
}

void orl_typing_set_possible(struct orl_typing *typing, bool is_possible)
{
    typing->is_possible = is_possible;
}

int orl_typing_init(struct orl_typing *typing, struct orl_loop *loop,
        const struct orl_typing_events *events, void *ctx, struct orl_err *err)
{
    *typing = (struct orl_typing){.events = events, .ctx = ctx, .settle_us = SETTLE_FIRST_US};
    orl_buf_init(&typing->text, ORL_TYPING_MAX_BYTES);
    orl_buf_init(&typing->saved, ORL_CLIPBOARD_MAX_BYTES);
    return orl_timer_new(loop, on_timer, typing, &typing->timer, err);
}

void orl_typing_fini(struct orl_typing *typing)
{
    orl_timer_free(typing->timer);
    wipe(&typing->text, 0);
    wipe(&typing->saved, 0);
}
