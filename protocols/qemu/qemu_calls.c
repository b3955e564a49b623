#include "protocols/qemu/qemu_calls.h"
#include "base/clock.h"
#include <stdarg.h>

#define KEYBOARD "org.qemu.Display1.Keyboard"
#define MOUSE "org.qemu.Display1.Mouse"
#define WHEEL_NOTCH 120
#define WHEEL_MAX_NOTCHES 20
#define ANSWER_MAX_US (2 * ORL_US_PER_S) /* then input goes on without it */
#define GAP_US (16 * ORL_US_PER_MS)      /* between keys: two polls of a USB keyboard */
/* QEMU's D-Bus thread queues all that comes for its main loop: an answer is asked for now and then, and waited for when
 * some are missing. */
#define UNHEARD_STEP 64
#define UNHEARD_MAX (4 * UNHEARD_STEP)

/* QEMU's InputButton, as its D-Bus interface numbers them. */
enum {
    BUTTON_LEFT = 0,
    BUTTON_MIDDLE = 1,
    BUTTON_RIGHT = 2,
    BUTTON_WHEEL_UP = 3,
    BUTTON_WHEEL_DOWN = 4,
    BUTTON_SIDE = 5,
    BUTTON_EXTRA = 6,
    BUTTON_WHEEL_LEFT = 7,
    BUTTON_WHEEL_RIGHT = 8
};
enum {
    QNUM_CAPS = 0x3A,
    QNUM_NUM = 0x45,
    QNUM_SCROLL = 0x46,
    QNUM_PRINT = 0x54,
    QNUM_PAUSE = 0xC6
};

static int on_heard(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    struct orl_qemu_calls *c = ctx;
    (void)m;
    (void)error;
    c->unheard -= UNHEARD_STEP;
    return 0;
}

/* Most go without an answer. What fails is told by the bus itself, which is then over. */
static void send_call(struct orl_qemu_calls *c, sd_bus_message *m)
{
    c->unheard++;
    if (c->unheard % UNHEARD_STEP == 0) {
        (void)sd_bus_call_async(c->bus, NULL, m, on_heard, c, ANSWER_MAX_US);
    } else if (sd_bus_message_set_expect_reply(m, 0) >= 0) {
        (void)sd_bus_send(c->bus, m, NULL);
    }
}

static void call(
        struct orl_qemu_calls *c, const char *interface, const char *member, const char *types, ...)
{
    sd_bus_message *m = NULL;
    va_list args;
    va_start(args, types);
    if (sd_bus_message_new_method_call(
                c->bus, &m, NULL, ORL_QEMU_CONSOLE_PATH, interface, member) >= 0 &&
            sd_bus_message_appendv(m, types, args) >= 0) {
        send_call(c, m);
    }
    va_end(args);
    (void)sd_bus_message_unref(m);
}

/* As far apart as QEMU's main loop was slow: where that waits for a processor, so does the guest. */
static void on_answered(struct orl_qemu_calls *c)
{
    uint64_t took_us = orl_clock_now_us() - c->asked_us;
    c->unanswered--;
    if (c->unanswered == 0) {
        orl_timer_start(c->gap, took_us > GAP_US ? took_us : GAP_US, 0);
    }
}

static int on_key(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    (void)m;
    (void)error;
    on_answered(ctx);
    return 0;
}

static void ask(struct orl_qemu_calls *c, sd_bus_message *m, sd_bus_message_handler_t fn)
{
    if (sd_bus_call_async(c->bus, NULL, m, fn, c, ANSWER_MAX_US) >= 0) {
        c->unanswered++;
        c->asked_us = orl_clock_now_us();
    }
}

/* No size: the head is off. */
static void set_head(struct orl_qemu_calls *c, const char *path, const struct orl_rect *head)
{
    sd_bus_message *m = NULL;
    if (sd_bus_message_new_method_call(
                c->bus, &m, NULL, path, "org.qemu.Display1.Console", "SetUIInfo") >= 0 &&
            sd_bus_message_append(m, "qqiiuu", 0, 0, head->x, head->y, (uint32_t)head->width,
                    (uint32_t)head->height) >= 0) {
        send_call(c, m);
    }
    (void)sd_bus_message_unref(m);
}

/* "qnum": set 1 with E0 as bit 7; Print and Pause as QEMU's key tables number them. */
static uint32_t qnum_of(uint32_t code)
{
    if (code == ORL_SCANCODE_PAUSE) {
        return QNUM_PAUSE;
    }
    if (code == (0x37 | ORL_SCANCODE_EXTENDED)) {
        return QNUM_PRINT;
    }
    return (code & 0x7F) | ((code & ORL_SCANCODE_EXTENDED) != 0 ? 0x80U : 0U);
}

static uint32_t lock_of(uint32_t qnum)
{
    switch (qnum) {
    case QNUM_CAPS:
        return ORL_LOCK_CAPS;
    case QNUM_NUM:
        return ORL_LOCK_NUM;
    case QNUM_SCROLL:
        return ORL_LOCK_SCROLL;
    default:
        return 0;
    }
}

static void key(struct orl_qemu_calls *c, uint32_t qnum, bool is_down)
{
    if (!is_down && !c->is_down[qnum]) {
        return;
    }
    if (is_down && !c->is_down[qnum]) {
        c->locks ^= lock_of(qnum);
    }
    c->is_down[qnum] = is_down;
    sd_bus_message *m = NULL;
    if (sd_bus_message_new_method_call(c->bus, &m, NULL, ORL_QEMU_CONSOLE_PATH, KEYBOARD,
                is_down ? "Press" : "Release") >= 0 &&
            sd_bus_message_append(m, "u", qnum) >= 0) {
        ask(c, m, on_key);
    }
    (void)sd_bus_message_unref(m);
}

static void button(struct orl_qemu_calls *c, uint32_t number, bool is_down)
{
    call(c, MOUSE, is_down ? "Press" : "Release", "u", number);
}

static void set_buttons(struct orl_qemu_calls *c, uint32_t buttons)
{
    static const struct {
        uint32_t bit, number;
    } table[] = {{ORL_BUTTON_LEFT, BUTTON_LEFT}, {ORL_BUTTON_MIDDLE, BUTTON_MIDDLE},
            {ORL_BUTTON_RIGHT, BUTTON_RIGHT}, {ORL_BUTTON_SIDE, BUTTON_SIDE},
            {ORL_BUTTON_EXTRA, BUTTON_EXTRA}};
    uint32_t changed = c->buttons ^ buttons;
    c->buttons = buttons;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if ((changed & table[i].bit) != 0) {
            button(c, table[i].number, (buttons & table[i].bit) != 0);
        }
    }
}

static void turn_wheel(
        struct orl_qemu_calls *c, int32_t *rest, int32_t by, uint32_t more, uint32_t less)
{
    *rest += by;
    int32_t notches = *rest / WHEEL_NOTCH;
    *rest -= notches * WHEEL_NOTCH;
    uint32_t number = notches > 0 ? more : less;
    int32_t count = notches < 0 ? -notches : notches;
    for (int32_t i = 0; i < count && i < WHEEL_MAX_NOTCHES; i++) {
        button(c, number, true);
        button(c, number, false);
    }
}

static void release_all(struct orl_qemu_calls *c)
{
    for (uint32_t qnum = 0; qnum < ORL_QEMU_QNUMS; qnum++) {
        key(c, qnum, false);
    }
    set_buttons(c, 0);
}

/* The guest's LEDs are here: presses the lock keys that differ. */
static int on_modifiers(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    static const uint32_t qnums[] = {QNUM_SCROLL, QNUM_NUM, QNUM_CAPS};
    struct orl_qemu_calls *c = ctx;
    uint32_t told = 0;
    (void)error;
    on_answered(c);
    if (sd_bus_message_is_method_error(m, NULL) != 0 ||
            sd_bus_message_read(m, "v", "u", &told) < 0) {
        return 0;
    }
    c->locks = told != c->locks_told ? told : c->locks;
    c->locks_told = told;
    for (size_t i = 0; i < sizeof(qnums) / sizeof(qnums[0]); i++) {
        if (((c->locks ^ c->wanted_locks) & lock_of(qnums[i])) != 0 && !c->is_down[qnums[i]]) {
            key(c, qnums[i], true);
            key(c, qnums[i], false);
        }
    }
    return 0;
}

static void ask_modifiers(struct orl_qemu_calls *c)
{
    sd_bus_message *m = NULL;
    if (sd_bus_message_new_method_call(c->bus, &m, NULL, ORL_QEMU_CONSOLE_PATH,
                "org.freedesktop.DBus.Properties", "Get") >= 0 &&
            sd_bus_message_append(m, "ss", KEYBOARD, "Modifiers") >= 0) {
        ask(c, m, on_modifiers);
    }
    (void)sd_bus_message_unref(m);
}

static void on_gap(void *ctx)
{
    const struct orl_qemu_calls *c = ctx;
    c->on_ready(c->ctx);
}

int orl_qemu_calls_init(struct orl_qemu_calls *calls, struct orl_loop *loop, sd_bus *bus,
        void (*on_ready)(void *ctx), void *ctx, struct orl_err *err)
{
    *calls = (struct orl_qemu_calls){.bus = bus, .on_ready = on_ready, .ctx = ctx};
    return orl_timer_new(loop, on_gap, calls, &calls->gap, err);
}

void orl_qemu_calls_fini(struct orl_qemu_calls *calls)
{
    orl_timer_free(calls->gap);
    calls->gap = NULL;
}

bool orl_qemu_calls_are_busy(const struct orl_qemu_calls *calls)
{
    return calls->unanswered > 0 || calls->unheard >= UNHEARD_MAX ||
           orl_timer_is_active(calls->gap);
}

void orl_qemu_calls_layout(struct orl_qemu_calls *calls, const struct orl_layout *layout)
{
    const struct orl_rect none = {0};
    set_head(calls, ORL_QEMU_CONSOLE_PATH, &layout->heads[0]);
    set_head(calls, ORL_QEMU_SECOND_PATH, layout->count > 1 ? &layout->heads[1] : &none);
}

void orl_qemu_calls_input(struct orl_qemu_calls *calls, const struct orl_input *input)
{
    switch (input->kind) {
    case ORL_INPUT_KEY:
        key(calls, qnum_of(input->code), input->is_down != 0);
        break;
    case ORL_INPUT_POINTER:
        call(calls, MOUSE, "SetAbsPosition", "uu", (uint32_t)input->x, (uint32_t)input->y);
        set_buttons(calls, input->code);
        break;
    case ORL_INPUT_RELATIVE:
        call(calls, MOUSE, "RelMotion", "ii", input->x, input->y);
        set_buttons(calls, input->code);
        break;
    case ORL_INPUT_WHEEL:
        turn_wheel(calls, &calls->wheel_y, input->y, BUTTON_WHEEL_UP, BUTTON_WHEEL_DOWN);
        turn_wheel(calls, &calls->wheel_x, input->x, BUTTON_WHEEL_RIGHT, BUTTON_WHEEL_LEFT);
        break;
    case ORL_INPUT_LOCKS:
        calls->wanted_locks = input->code;
        ask_modifiers(calls);
        break;
    case ORL_INPUT_RELEASE_ALL:
        release_all(calls);
        break;
    default: /* KEYSYM: consoles make scancodes of them */
        break;
    }
}
