/* A session between a gateway and a console that the test plays, and a viewer that takes notes. */
#include "base/clock.h"
#include "base/ipc.h"
#include "display/link.h"
#include "display/notice.h"
#include "display/surface.h"
#include "session/consent.h"
#include "session/session.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { CLIENT_WIDTH = 640, CLIENT_HEIGHT = 480, SOURCE_WIDTH = 400, SOURCE_HEIGHT = 300 };

struct rig {
    struct orl_loop *loop;
    struct orl_timer *timer;
    struct orl_session *session;
    int gateway, console; /* the test's ends */
    unsigned frames;
    uint32_t cursor_width_px;
    unsigned cursors;
    uint32_t width_px, height_px; /* that the client was told to have */
    unsigned band_pixels;         /* of the colour of a band, as the client has it now */
    bool is_closed;
};

static struct rig *rig_of(const struct orl_viewer *viewer)
{
    return (struct rig *)(uintptr_t)viewer;
}

static int op_set_size(struct orl_viewer *viewer, uint32_t width_px, uint32_t height_px)
{
    rig_of(viewer)->width_px = width_px;
    rig_of(viewer)->height_px = height_px;
    orl_loop_stop(rig_of(viewer)->loop);
    return 0;
}

static int op_send(struct orl_viewer *viewer, const struct orl_update *update)
{
    struct rig *rig = rig_of(viewer);
    rig->frames++;
    rig->band_pixels = 0;
    for (uint32_t y = 0; y < update->height_px; y++) {
        for (uint32_t x = 0; x < update->width_px; x++) {
            uint32_t pixel;
            memcpy(&pixel, update->pixels + update->stride_bytes * y + (size_t)x * 4, 4);
            rig->band_pixels += (pixel & 0xFFFFFF) == 0xFFF4CE;
        }
    }
    return 0;
}

static void op_set_cursor(struct orl_viewer *viewer, const struct orl_cursor *cursor)
{
    rig_of(viewer)->cursors++;
    rig_of(viewer)->cursor_width_px = cursor->width_px;
}

static void op_close(struct orl_viewer *viewer, enum orl_reason reason, const char *text)
{
    (void)reason;
    (void)text;
    rig_of(viewer)->is_closed = true;
}

static uint64_t op_bytes_out(const struct orl_viewer *viewer)
{
    (void)viewer;
    return 0;
}

static void op_free(struct orl_viewer *viewer)
{
    (void)viewer;
}

static const struct orl_viewer_ops viewer_ops = {.set_size = op_set_size,
        .send = op_send,
        .set_cursor = op_set_cursor,
        .close = op_close,
        .bytes_out = op_bytes_out,
        .free = op_free};

static void on_stop(void *ctx)
{
    orl_loop_stop(((struct rig *)ctx)->loop);
}

/* Until something stops the loop, or that long. */
static void run_for_ms(struct rig *rig, uint64_t ms)
{
    orl_timer_start(rig->timer, ms * 1000, 0);
    orl_loop_run(rig->loop);
    orl_timer_stop(rig->timer);
}

static void from_gateway(struct rig *rig, const struct orl_msg *msg, const int *fd)
{
    assert_int_equal(orl_ipc_send(rig->gateway, msg, fd, fd != NULL ? 1 : 0), 0);
    run_for_ms(rig, 20);
}

static void show_size(struct rig *rig, uint32_t width_px, uint32_t height_px)
{
    struct orl_surface *surface = NULL;
    assert_int_equal(orl_surface_create(width_px, height_px, &surface, NULL), 0);
    static const struct orl_cursor cursor = {.is_visible = true, .width_px = 12, .height_px = 8};
    orl_surface_set_cursor(surface, &cursor);
    const struct orl_link_msg msg = {
            .type = ORL_LINK_SURFACE, .surface_fd = orl_surface_fd(surface)};
    assert_int_equal(orl_link_send(rig->console, &msg), 0);
    orl_surface_free(surface);
    run_for_ms(rig, 20);
}

static void show_desktop(struct rig *rig)
{
    int fds[2];
    const struct orl_msg link = {.type = ORL_MSG_SURFACE, .u.surface.link = 1};
    assert_int_equal(orl_ipc_pair(fds, NULL), 0);
    from_gateway(rig, &link, &fds[0]);
    close(fds[0]);
    rig->console = fds[1];
    show_size(rig, SOURCE_WIDTH, SOURCE_HEIGHT);
}

static void client_is_ready(struct rig *rig)
{
    static const struct orl_viewer_caps caps = {.has_resize = true,
            .width_px = CLIENT_WIDTH,
            .height_px = CLIENT_HEIGHT,
            .layout = {.count = 1, .heads = {{0, 0, CLIENT_WIDTH, CLIENT_HEIGHT}}},
            .max_in_flight = 1};
    orl_session_viewer_events()->on_ready(rig->session, &caps);
}

static void begin(struct rig *rig)
{
    const struct orl_viewer_handle viewer = {
            .ops = &viewer_ops, .viewer = (struct orl_viewer *)(void *)rig};
    struct orl_msg plan = {.type = ORL_MSG_PLAN, .u.plan.is_ready = 1};
    int fds[2];
    *rig = (struct rig){.console = -1};
    assert_int_equal(orl_loop_new(&rig->loop, NULL), 0);
    assert_int_equal(orl_timer_new(rig->loop, on_stop, rig, &rig->timer, NULL), 0);
    assert_int_equal(orl_ipc_pair(fds, NULL), 0);
    rig->gateway = fds[1];
    const struct orl_session_opts opts = {.control_fd = fds[0], .threads = 1};
    assert_int_equal(orl_session_new(rig->loop, &opts, &rig->session, NULL), 0);
    assert_int_equal(orl_session_set_viewer(rig->session, &viewer, NULL), 0);
    orl_msg_text(
            plan.u.plan.session, sizeof(plan.u.plan.session), "a0000000000000000000000000000001");
    from_gateway(rig, &plan, NULL);
}

static void begin_shown(struct rig *rig)
{
    begin(rig);
    client_is_ready(rig);
    show_desktop(rig);
}

static void finish(struct rig *rig)
{
    orl_session_free(rig->session);
    orl_timer_free(rig->timer);
    orl_loop_free(rig->loop);
    close(rig->gateway);
    close(rig->console);
}

static void notice(struct rig *rig)
{
    struct orl_msg msg = {.type = ORL_MSG_NOTICE};
    orl_msg_text(msg.u.notice.title, sizeof(msg.u.notice.title), "Title");
    orl_msg_text(msg.u.notice.text, sizeof(msg.u.notice.text), "Text");
    from_gateway(rig, &msg, NULL);
}

/* The last input that the console got; kind 0: none. */
static struct orl_input last_input(struct rig *rig)
{
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg msg;
    struct orl_input input = {0};
    while (orl_link_recv(rig->console, buf, &msg) == ORL_OK) {
        input = msg.type == ORL_LINK_INPUT ? msg.input : input;
    }
    return input;
}

/* Below a text screen the guest would not hear that a key goes up, and repeat it. */
static void a_text_over_the_desktop_lets_go_of_what_is_held(void **state)
{
    (void)state;
    struct rig rig;
    begin_shown(&rig);
    const struct orl_input down = {.kind = ORL_INPUT_KEY, .code = 0x1E, .is_down = 1};
    orl_session_viewer_events()->on_input(rig.session, &down);
    assert_int_equal(last_input(&rig).kind, ORL_INPUT_KEY);
    notice(&rig);
    assert_int_equal(last_input(&rig).kind, ORL_INPUT_RELEASE_ALL);
    finish(&rig);
}

static void a_last_word_lets_go_of_what_is_held(void **state)
{
    (void)state;
    struct rig rig;
    struct orl_msg msg = {.type = ORL_MSG_CLOSE, .u.close.reason = ORL_REASON_GUEST_DIED};
    begin_shown(&rig);
    const struct orl_input down = {.kind = ORL_INPUT_KEY, .code = 0x1E, .is_down = 1};
    orl_session_viewer_events()->on_input(rig.session, &down);
    assert_int_equal(last_input(&rig).kind, ORL_INPUT_KEY);
    from_gateway(&rig, &msg, NULL);
    assert_int_equal(last_input(&rig).kind, ORL_INPUT_RELEASE_ALL);
    finish(&rig);
}

static bool is_closed_at_once(enum orl_reason reason)
{
    struct rig rig;
    struct orl_msg msg = {.type = ORL_MSG_CLOSE, .u.close.reason = reason};
    begin_shown(&rig);
    unsigned frames = rig.frames;
    from_gateway(&rig, &msg, NULL);
    run_for_ms(&rig, 200);
    bool is_closed = rig.is_closed;
    assert_true(is_closed || rig.frames > frames);
    finish(&rig);
    return is_closed;
}

static void whoever_cannot_know_why_is_shown_it_before_the_end(void **state)
{
    (void)state;
    static const enum orl_reason shown[] = {ORL_REASON_GUEST_DIED, ORL_REASON_ACCESS_REVOKED,
            ORL_REASON_IDLE_TIMEOUT, ORL_REASON_POOL_NETWORK, ORL_REASON_PERSON_FAILED,
            ORL_REASON_HOME_IN_USE, ORL_REASON_DESKTOP_LOST, ORL_REASON_STORE_DOWN};
    static const enum orl_reason known[] = {ORL_REASON_LOGGED_OFF, ORL_REASON_TAKEN_OVER,
            ORL_REASON_CLIENT_CLOSED, ORL_REASON_WATCH_ENDED};
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        assert_false(is_closed_at_once(shown[i]));
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        assert_true(is_closed_at_once(known[i]));
    }
}

static void a_source_that_does_not_follow_is_followed_also_below_a_text(void **state)
{
    (void)state;
    struct rig rig;
    begin_shown(&rig);
    assert_int_equal(rig.width_px, 0); /* it is asked a few times first */
    notice(&rig);
    run_for_ms(&rig, 4000);
    assert_int_equal(rig.width_px, SOURCE_WIDTH);
    assert_int_equal(rig.height_px, SOURCE_HEIGHT);
    finish(&rig);
}

/* The width that the console was last asked for; 0: it was not. */
static uint32_t last_wish(struct rig *rig)
{
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg msg;
    uint32_t width = 0;
    uint32_t height = 0;
    while (orl_link_recv(rig->console, buf, &msg) == ORL_OK) {
        if (msg.type == ORL_LINK_LAYOUT) {
            orl_layout_bounds(&msg.layout, &width, &height);
        }
    }
    return width;
}

static void says(struct rig *rig, uint32_t width_px, uint32_t height_px)
{
    const struct orl_layout layout = orl_layout_one(width_px, height_px);
    orl_session_viewer_events()->on_layout(rig->session, &layout);
}

/* A window that follows the desktop says its new size as if a person had made it. The guest, late or for a moment of another
 * size, is not held to that. */
static void what_a_client_was_told_is_no_wish_of_its_own(void **state)
{
    (void)state;
    struct rig rig;
    begin_shown(&rig);
    run_for_ms(&rig, 4000);
    assert_int_equal(rig.width_px, SOURCE_WIDTH);
    assert_int_equal(last_wish(&rig), CLIENT_WIDTH);
    says(&rig, SOURCE_WIDTH, SOURCE_HEIGHT);
    assert_int_equal(last_wish(&rig), 0);
    show_size(&rig, 1024, 700);
    assert_int_equal(rig.width_px, 1024);
    show_size(&rig, CLIENT_WIDTH, CLIENT_HEIGHT); /* at last it follows */
    assert_int_equal(rig.width_px, CLIENT_WIDTH);
    says(&rig, 1024, 700); /* only now */
    assert_int_equal(last_wish(&rig), 0);
    says(&rig, 500, 400);
    assert_int_equal(last_wish(&rig), 500);
    finish(&rig);
}

/* A desktop that runs has its cursor before the client is through its log-in. */
static void a_cursor_from_before_the_client_is_ready_is_not_lost(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    show_desktop(&rig);
    client_is_ready(&rig);
    assert_int_equal(rig.cursor_width_px, 12);
    finish(&rig);
}

static void a_cursor_goes_once_however_often_the_surface_is_new(void **state)
{
    (void)state;
    struct rig rig;
    begin_shown(&rig);
    show_size(&rig, SOURCE_WIDTH + 100, SOURCE_HEIGHT);
    show_size(&rig, SOURCE_WIDTH, SOURCE_HEIGHT);
    assert_int_equal(rig.cursor_width_px, 12);
    assert_int_equal(rig.cursors, 1);
    finish(&rig);
}

/* How many thumbnails the gateway got; each is a JPEG. */
static unsigned thumbs(struct rig *rig)
{
    struct orl_msg msg;
    struct orl_ipc_fds fds;
    unsigned count = 0;
    while (orl_ipc_recv(rig->gateway, 0, &msg, &fds) == ORL_OK) {
        if (msg.type == ORL_MSG_THUMB) {
            assert_in_range(msg.u.thumb.data_len, 100, ORL_THUMB_MAX);
            assert_memory_equal(msg.u.thumb.data, "\xFF\xD8\xFF", 3);
            count++;
        }
    }
    return count;
}

static void a_thumbnail_is_of_the_desktop_and_of_nothing_else(void **state)
{
    (void)state;
    static const struct orl_msg question = {.type = ORL_MSG_THUMB};
    struct rig rig;
    begin(&rig);
    from_gateway(&rig, &question, NULL); /* the client is not through its log-in */
    client_is_ready(&rig);
    from_gateway(&rig, &question, NULL); /* "connecting" */
    assert_int_equal(thumbs(&rig), 0);
    show_desktop(&rig);
    from_gateway(&rig, &question, NULL);
    from_gateway(&rig, &question, NULL); /* within the same second */
    assert_int_equal(thumbs(&rig), 1);
    run_for_ms(&rig, 1000);
    notice(&rig);
    from_gateway(&rig, &question, NULL);
    assert_int_equal(thumbs(&rig), 0);
    finish(&rig);
}

static void band(struct rig *rig, enum orl_notice_kind kind, const char *text)
{
    struct orl_msg msg = {.type = ORL_MSG_NOTICE, .u.notice.kind = kind};
    orl_msg_text(msg.u.notice.text, sizeof(msg.u.notice.text), text);
    from_gateway(rig, &msg, NULL);
    run_for_ms(rig, 100);
}

/* How many STATS the gateway got, and whether the last one has news of input. */
static unsigned stats_since(struct rig *rig, uint64_t since_ms, bool *ret_has_input)
{
    struct orl_msg msg;
    struct orl_ipc_fds fds;
    unsigned count = 0;
    while (orl_ipc_recv(rig->gateway, 0, &msg, &fds) == ORL_OK) {
        if (msg.type == ORL_MSG_STATS) {
            *ret_has_input = msg.u.stats.last_input_ms >= since_ms;
            count++;
        }
    }
    return count;
}

/* A band is a part of the picture; what is below it goes on, and input goes through. */
static void a_band_is_seen_and_does_not_stop_work(void **state)
{
    (void)state;
    struct rig rig;
    begin_shown(&rig);
    run_for_ms(&rig, 4000); /* the client has the desktop's size */
    assert_int_equal(rig.band_pixels, 0);
    band(&rig, ORL_NOTICE_BAND, "Ends soon.");
    assert_true(rig.band_pixels > 100);
    const struct orl_input down = {.kind = ORL_INPUT_KEY, .code = 0x1E, .is_down = 1};
    orl_session_viewer_events()->on_input(rig.session, &down);
    assert_int_equal(last_input(&rig).kind, ORL_INPUT_KEY);
    unsigned frames = rig.frames;
    band(&rig, ORL_NOTICE_BAND, "");
    assert_true(rig.frames > frames); /* what it covered is sent again */
    assert_int_equal(rig.band_pixels, 0);
    finish(&rig);
}

static void input_takes_an_idle_band_away_and_is_told_at_once(void **state)
{
    (void)state;
    struct rig rig;
    bool has_input = false;
    begin_shown(&rig);
    run_for_ms(&rig, 4000);
    band(&rig, ORL_NOTICE_BAND_INPUT, "Press a key.");
    assert_true(rig.band_pixels > 100);
    (void)stats_since(&rig, 0, &has_input);
    const uint64_t now_ms = orl_clock_wall_ms();
    const struct orl_input down = {.kind = ORL_INPUT_KEY, .code = 0x1E, .is_down = 1};
    unsigned frames = rig.frames;
    orl_session_viewer_events()->on_input(rig.session, &down);
    run_for_ms(&rig, 100);
    assert_int_equal(stats_since(&rig, now_ms, &has_input), 1);
    assert_true(has_input);
    assert_true(rig.frames > frames);
    orl_session_viewer_events()->on_input(rig.session, &down);
    run_for_ms(&rig, 20);
    assert_int_equal(stats_since(&rig, now_ms, &has_input), 0);
    finish(&rig);
}

static void a_pointer_that_rests_keeps_nobody_there(void **state)
{
    (void)state;
    struct rig rig;
    bool has_input = false;
    begin_shown(&rig);
    run_for_ms(&rig, 4000);
    struct orl_input at = {.kind = ORL_INPUT_POINTER, .x = 10, .y = 10};
    orl_session_viewer_events()->on_input(rig.session, &at);
    band(&rig, ORL_NOTICE_BAND_INPUT, "Move the mouse.");
    assert_true(rig.band_pixels > 100);
    (void)stats_since(&rig, 0, &has_input);
    const uint64_t now_ms = orl_clock_wall_ms();
    orl_session_viewer_events()->on_input(rig.session, &at);
    run_for_ms(&rig, 100);
    assert_int_equal(stats_since(&rig, now_ms, &has_input), 0);
    at.x++;
    orl_session_viewer_events()->on_input(rig.session, &at);
    run_for_ms(&rig, 100);
    assert_int_equal(stats_since(&rig, now_ms, &has_input), 1);
    assert_true(has_input);
    finish(&rig);
}

/* Typing that was on its way is no answer to it; the warning below it is there again afterwards. */
static void a_message_stands_over_a_warning_until_it_can_have_been_read(void **state)
{
    (void)state;
    struct rig rig;
    const struct orl_input down = {.kind = ORL_INPUT_KEY, .code = 0x1E, .is_down = 1};
    begin_shown(&rig);
    run_for_ms(&rig, 4000);
    band(&rig, ORL_NOTICE_BAND, "Ends.");
    const unsigned narrow = rig.band_pixels;
    band(&rig, ORL_NOTICE_MESSAGE, "Message from your administrator: the printer is back.");
    const unsigned wide = rig.band_pixels;
    assert_true(wide > narrow && narrow > 100);
    orl_session_viewer_events()->on_input(rig.session, &down);
    run_for_ms(&rig, 100);
    assert_int_equal(last_input(&rig).kind, ORL_INPUT_KEY); /* the guest gets it all the same */
    assert_int_equal(rig.band_pixels, wide);
    run_for_ms(&rig, ORL_BAND_READ_US / 1000);
    const struct orl_input moved = {.kind = ORL_INPUT_POINTER, .x = 5, .y = 5};
    orl_session_viewer_events()->on_input(rig.session, &moved);
    run_for_ms(&rig, 100);
    assert_int_equal(rig.band_pixels, wide);
    orl_session_viewer_events()->on_input(rig.session, &down);
    run_for_ms(&rig, 100);
    assert_int_equal(rig.band_pixels, narrow);
    finish(&rig);
}

#define ASKS "Olga asks to see your desktop."
#define WHY "the printer"
#define QUESTION ASKS "\nReason: " WHY "\n[ Allow: Ctrl+Shift+F9 ]  [ Refuse: Ctrl+Shift+F10 ]"

static void consent(struct rig *rig, enum orl_consent_kind kind, const char *watch)
{
    struct orl_msg msg = {.type = ORL_MSG_CONSENT, .u.consent.kind = kind};
    orl_msg_text(msg.u.consent.watch, sizeof(msg.u.consent.watch), watch);
    if (kind != ORL_CONSENT_NONE) {
        orl_msg_text(msg.u.consent.text, sizeof(msg.u.consent.text), ASKS);
        orl_msg_text(msg.u.consent.why, sizeof(msg.u.consent.why), WHY);
    }
    from_gateway(rig, &msg, NULL);
    run_for_ms(rig, 100);
}

/* What the gateway was told last; kind 0: nothing. */
static struct orl_msg_consent last_answer(struct rig *rig)
{
    struct orl_msg msg;
    struct orl_ipc_fds fds;
    struct orl_msg_consent answer = {.kind = ORL_CONSENT_NONE};
    run_for_ms(rig, 20);
    while (orl_ipc_recv(rig->gateway, 0, &msg, &fds) == ORL_OK) {
        answer = msg.type == ORL_MSG_CONSENT ? msg.u.consent : answer;
    }
    return answer;
}

static void key(struct rig *rig, uint32_t code, bool is_down)
{
    const struct orl_input input = {
            .kind = ORL_INPUT_KEY, .code = code, .is_down = is_down ? 1 : 0};
    orl_session_viewer_events()->on_input(rig->session, &input);
}

static void a_question_is_answered_by_keys_that_the_guest_does_not_get(void **state)
{
    enum { CTRL = 0x1D, SHIFT = 0x36, F9 = 0x43, F10 = 0x44 };
    struct rig rig;
    (void)state;
    begin_shown(&rig);
    run_for_ms(&rig, 4000);
    consent(&rig, ORL_CONSENT_ASK, "a0000000000000000000000000000002");
    assert_true(rig.band_pixels > 100);
    key(&rig, F9, true);
    key(&rig, F9, false);
    assert_int_equal(last_input(&rig).code, F9); /* alone it is the guest's */
    key(&rig, CTRL, true);
    key(&rig, SHIFT, true);
    assert_int_equal(last_input(&rig).code, SHIFT);
    key(&rig, F9, true);
    key(&rig, F9, false);
    assert_int_equal(last_answer(&rig).kind, ORL_CONSENT_NONE); /* nobody has read it yet */
    run_for_ms(&rig, ORL_CONSENT_READ_US / 1000 + 100);
    key(&rig, F9, true);
    key(&rig, F9, true); /* it repeats */
    key(&rig, F9, false);
    assert_int_equal(last_input(&rig).kind, ORL_INPUT_NONE);
    struct orl_msg_consent answer = last_answer(&rig);
    assert_int_equal(answer.kind, ORL_CONSENT_ALLOW);
    assert_string_equal(answer.watch, "a0000000000000000000000000000002");
    key(&rig, F9, true); /* one answer to one question */
    assert_int_equal(last_input(&rig).code, F9);
    assert_int_equal(last_answer(&rig).kind, ORL_CONSENT_NONE);
    consent(&rig, ORL_CONSENT_LOOKS, "");
    assert_true(rig.band_pixels > 100);
    key(&rig, F10, true);
    key(&rig, F10, false);
    assert_int_equal(last_answer(&rig).kind, ORL_CONSENT_REFUSE);
    run_for_ms(&rig, 100);
    assert_true(rig.band_pixels > 100); /* they may still look until the broker says otherwise */
    key(&rig, F10, true);
    assert_int_equal(last_answer(&rig).kind, ORL_CONSENT_NONE);
    consent(&rig, ORL_CONSENT_NONE, "");
    assert_int_equal(rig.band_pixels, 0);
    finish(&rig);
}

/* Presses and lets go where this character of the question is. */
static void click(struct rig *rig, const char *label)
{
    const int wanted = (int)(strstr(QUESTION, label) - QUESTION) + 3;
    for (int32_t y = 0; y < SOURCE_HEIGHT; y += 2) {
        for (int32_t x = 0; x < SOURCE_WIDTH; x += 2) {
            if (orl_notice_band_hit(QUESTION, SOURCE_WIDTH, SOURCE_HEIGHT, x, y) == wanted) {
                struct orl_input input = {
                        .kind = ORL_INPUT_POINTER, .code = ORL_BUTTON_LEFT, .x = x, .y = y};
                orl_session_viewer_events()->on_input(rig->session, &input);
                input.code = 0;
                orl_session_viewer_events()->on_input(rig->session, &input);
                return;
            }
        }
    }
    fail_msg("%s is not there", label);
}

static void a_question_is_answered_by_a_click(void **state)
{
    struct rig rig;
    (void)state;
    begin_shown(&rig);
    run_for_ms(&rig, 4000);
    (void)last_input(&rig);
    consent(&rig, ORL_CONSENT_ASK, "a0000000000000000000000000000002");
    click(&rig, "Olga");
    assert_int_equal(last_input(&rig).kind, ORL_INPUT_POINTER); /* words are no button */
    run_for_ms(&rig, ORL_CONSENT_READ_US / 1000 + 100);
    click(&rig, "Refuse");
    assert_int_equal(last_answer(&rig).kind, ORL_CONSENT_REFUSE);
    consent(&rig, ORL_CONSENT_ASK, "a0000000000000000000000000000003");
    click(&rig, "Allow");
    assert_int_equal(last_answer(&rig).kind, ORL_CONSENT_NONE); /* another question, not read */
    run_for_ms(&rig, ORL_CONSENT_READ_US / 1000 + 100);
    click(&rig, "Allow");
    assert_int_equal(last_answer(&rig).kind, ORL_CONSENT_ALLOW);
    assert_int_equal(last_input(&rig).kind, ORL_INPUT_NONE);
    finish(&rig);
}

static void who_only_looks_gives_the_guest_nothing(void **state)
{
    struct rig rig;
    const struct orl_input moved = {.kind = ORL_INPUT_POINTER, .code = 1, .x = 5, .y = 5};
    const struct orl_layout layout = {.count = 1, .heads = {{0, 0, 800, 600}}};
    struct orl_msg plan = {.type = ORL_MSG_PLAN, .u.plan.is_ready = 1};
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg got;
    (void)state;
    begin_shown(&rig);
    run_for_ms(&rig, 4000);
    plan.u.plan.permit.is_view_only = 1;
    from_gateway(&rig, &plan, NULL);
    while (orl_link_recv(rig.console, buf, &got) == ORL_OK) {
    }
    key(&rig, 0x1E, true);
    orl_session_viewer_events()->on_input(rig.session, &moved);
    orl_session_viewer_events()->on_layout(rig.session, &layout);
    run_for_ms(&rig, 1000);
    assert_int_equal(orl_link_recv(rig.console, buf, &got), ORL_E_AGAIN);
    finish(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_text_over_the_desktop_lets_go_of_what_is_held),
            cmocka_unit_test(a_last_word_lets_go_of_what_is_held),
            cmocka_unit_test(whoever_cannot_know_why_is_shown_it_before_the_end),
            cmocka_unit_test(a_cursor_from_before_the_client_is_ready_is_not_lost),
            cmocka_unit_test(a_cursor_goes_once_however_often_the_surface_is_new),
            cmocka_unit_test(a_thumbnail_is_of_the_desktop_and_of_nothing_else),
            cmocka_unit_test(a_source_that_does_not_follow_is_followed_also_below_a_text),
            cmocka_unit_test(what_a_client_was_told_is_no_wish_of_its_own),
            cmocka_unit_test(a_band_is_seen_and_does_not_stop_work),
            cmocka_unit_test(input_takes_an_idle_band_away_and_is_told_at_once),
            cmocka_unit_test(a_pointer_that_rests_keeps_nobody_there),
            cmocka_unit_test(a_message_stands_over_a_warning_until_it_can_have_been_read),
            cmocka_unit_test(a_question_is_answered_by_keys_that_the_guest_does_not_get),
            cmocka_unit_test(a_question_is_answered_by_a_click),
            cmocka_unit_test(who_only_looks_gives_the_guest_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
