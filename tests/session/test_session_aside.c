/* Clipboard and sound between a viewer that takes notes and a real link, of which the test holds the console's end. */
#include "base/ipc.h"
#include "display/link.h"
#include "session/aside.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { CAP = 100000, NOTES_MAX = 32 };

struct note {
    enum orl_clipboard_step step;
    uint32_t serial;
    bool has_text;
    size_t len;
};
struct orl_viewer {
    struct note notes[NOTES_MAX];
    unsigned count, sounds;
    struct orl_permit permit;
};
struct rig {
    struct orl_loop *loop;
    struct orl_picture *picture;
    struct orl_aside aside;
    struct orl_viewer viewer;
    int console; /* the other end of the link */
    struct orl_clipboard_in in;
    struct note heard[NOTES_MAX]; /* by the console */
    unsigned heard_count, wants_count;
    uint32_t wants;
};

static void op_permit(struct orl_viewer *v, const struct orl_permit *permit)
{
    v->permit = *permit;
}

static void op_clipboard(struct orl_viewer *v, const struct orl_clipboard *step)
{
    assert_true(v->count < NOTES_MAX);
    v->notes[v->count++] = (struct note){step->step, step->serial, step->has_text, step->len};
}

static void op_sound(struct orl_viewer *v, const struct orl_sound *sound)
{
    (void)sound;
    v->sounds++;
}

static const struct orl_viewer_ops viewer_ops = {
        .permit = op_permit, .clipboard = op_clipboard, .sound = op_sound};

static void on_damage(void *ctx)
{
    (void)ctx;
}

static void on_writable(void *ctx)
{
    struct rig *rig = ctx;
    orl_aside_flush(&rig->aside);
}

static int on_aside(void *ctx, const struct orl_link_msg *msg)
{
    struct rig *rig = ctx;
    return orl_aside_on_link(&rig->aside, msg);
}

static void on_stop(void *ctx)
{
    orl_loop_stop(((struct rig *)ctx)->loop);
}

/* Lets the loop handle what is there. */
static void turn(struct rig *rig)
{
    struct orl_timer *timer = NULL;
    assert_int_equal(orl_timer_new(rig->loop, on_stop, rig, &timer, NULL), 0);
    orl_timer_start(timer, 2000, 0);
    orl_loop_run(rig->loop);
    orl_timer_free(timer);
}

/* What the console gets, as far as it is there. */
static void hear(struct rig *rig)
{
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg msg;
    while (orl_link_recv(rig->console, buf, &msg) == ORL_OK) {
        struct orl_clipboard step;
        if (msg.type == ORL_LINK_WANT) {
            rig->wants = msg.wants;
            rig->wants_count++;
            continue;
        }
        assert_int_equal(msg.type, ORL_LINK_CLIPBOARD);
        if (orl_clipboard_in_add(&rig->in, &msg.clipboard, &step, NULL) == 1) {
            assert_true(rig->heard_count < NOTES_MAX);
            rig->heard[rig->heard_count++] =
                    (struct note){step.step, step.serial, step.has_text, step.len};
        }
    }
}

static void attach(struct rig *rig)
{
    int fds[2];
    assert_int_equal(orl_ipc_pair(fds, NULL), 0);
    if (rig->console >= 0) {
        close(rig->console);
    }
    assert_int_equal(orl_picture_attach(rig->picture, fds[0], NULL), 0);
    rig->console = fds[1];
    orl_aside_attached(&rig->aside);
}

static void permit(struct rig *rig, uint32_t directions, bool has_sound)
{
    const struct orl_viewer_handle viewer = {.ops = &viewer_ops, .viewer = &rig->viewer};
    const struct orl_viewer_caps caps = {.has_clipboard = true, .has_sound = true};
    const struct orl_permit allowed = {
            .clipboard = directions, .clipboard_max_bytes = CAP, .has_sound = has_sound ? 1 : 0};
    orl_aside_set(&rig->aside, &viewer, &caps, &allowed);
    hear(rig);
}

static void begin(struct rig *rig, uint32_t directions)
{
    static const struct orl_picture_events events = {
            .on_damage = on_damage, .on_writable = on_writable, .on_aside = on_aside};
    *rig = (struct rig){.console = -1};
    orl_clipboard_in_init(&rig->in, ORL_CLIPBOARD_MAX_BYTES);
    assert_int_equal(orl_loop_new(&rig->loop, NULL), 0);
    assert_int_equal(orl_picture_new(rig->loop, &events, rig, &rig->picture, NULL), 0);
    assert_int_equal(orl_aside_init(&rig->aside, rig->loop, rig->picture, NULL), 0);
    attach(rig);
    permit(rig, directions, true);
}

static void finish(struct rig *rig)
{
    orl_aside_fini(&rig->aside);
    orl_picture_free(rig->picture);
    orl_loop_free(rig->loop);
    orl_clipboard_in_fini(&rig->in);
    close(rig->console);
}

static void from_guest(struct rig *rig, enum orl_clipboard_step step, uint32_t serial,
        bool has_text, const char *text)
{
    struct orl_link_msg msg = {.type = ORL_LINK_CLIPBOARD,
            .surface_fd = -1,
            .clipboard = {.step = step, .serial = serial, .has_text = has_text}};
    if (text != NULL) {
        msg.clipboard.data = (const uint8_t *)text;
        msg.clipboard.len = strlen(text);
        msg.clipboard.total = (uint32_t)strlen(text);
    }
    assert_int_equal(orl_link_send(rig->console, &msg), 0);
    turn(rig);
    hear(rig);
}

static void from_client(struct rig *rig, enum orl_clipboard_step step, uint32_t serial,
        bool has_text, const char *text)
{
    const struct orl_clipboard said = {.step = step,
            .serial = serial,
            .has_text = has_text,
            .text = text,
            .len = text != NULL ? strlen(text) : 0};
    orl_aside_on_client(&rig->aside, &said);
    hear(rig);
}

static void assert_client_told(
        struct rig *rig, enum orl_clipboard_step step, uint32_t serial, bool has_text)
{
    assert_true(rig->viewer.count > 0);
    const struct note *last = &rig->viewer.notes[rig->viewer.count - 1];
    assert_int_equal(last->step, step);
    assert_int_equal(last->serial, serial);
    assert_int_equal(last->has_text, has_text);
}

static void assert_guest_told(
        struct rig *rig, enum orl_clipboard_step step, uint32_t serial, bool has_text)
{
    assert_true(rig->heard_count > 0);
    const struct note *last = &rig->heard[rig->heard_count - 1];
    assert_int_equal(last->step, step);
    assert_int_equal(last->serial, serial);
    assert_int_equal(last->has_text, has_text);
}

static void a_text_passes_only_when_it_was_asked_for(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, ORL_CLIPBOARD_BOTH);
    assert_int_equal(rig.wants, ORL_WANT_CLIPBOARD | ORL_WANT_SOUND);
    from_guest(&rig, ORL_CLIPBOARD_OFFER, 5, true, NULL);
    assert_client_told(&rig, ORL_CLIPBOARD_OFFER, 5, true);
    from_guest(&rig, ORL_CLIPBOARD_DATA, 5, true, "unasked");
    assert_int_equal(rig.viewer.count, 1);
    from_client(&rig, ORL_CLIPBOARD_REQUEST, 5, false, NULL);
    assert_guest_told(&rig, ORL_CLIPBOARD_REQUEST, 5, false);
    from_guest(&rig, ORL_CLIPBOARD_DATA, 5, true, "asked");
    assert_client_told(&rig, ORL_CLIPBOARD_DATA, 5, true);
    assert_int_equal(rig.viewer.notes[1].len, 5);
    assert_null(rig.aside.in.text.data); /* no copy of it is kept */
    from_guest(&rig, ORL_CLIPBOARD_DATA, 5, true, "twice");
    assert_int_equal(rig.viewer.count, 2);
    finish(&rig);
}

static void the_client_is_asked_only_for_what_it_offers(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, ORL_CLIPBOARD_BOTH);
    from_guest(&rig, ORL_CLIPBOARD_REQUEST, 1, false, NULL);
    assert_guest_told(&rig, ORL_CLIPBOARD_DATA, 1, false);
    from_client(&rig, ORL_CLIPBOARD_OFFER, 2, true, NULL);
    assert_guest_told(&rig, ORL_CLIPBOARD_OFFER, 2, true);
    from_client(&rig, ORL_CLIPBOARD_DATA, 2, true, "unasked");
    from_guest(&rig, ORL_CLIPBOARD_REQUEST, 1, false, NULL); /* of one before */
    assert_guest_told(&rig, ORL_CLIPBOARD_DATA, 1, false);
    assert_int_equal(rig.viewer.count, 0);
    from_guest(&rig, ORL_CLIPBOARD_REQUEST, 2, false, NULL);
    assert_client_told(&rig, ORL_CLIPBOARD_REQUEST, 2, false);
    from_client(&rig, ORL_CLIPBOARD_DATA, 2, true, "text");
    assert_guest_told(&rig, ORL_CLIPBOARD_DATA, 2, true);
    finish(&rig);
}

static void policy_closes_a_direction(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, ORL_CLIPBOARD_TO_GUEST);
    from_guest(&rig, ORL_CLIPBOARD_OFFER, 1, true, NULL);
    assert_int_equal(rig.viewer.count, 0);
    from_client(&rig, ORL_CLIPBOARD_REQUEST, 1, false, NULL); /* a client that guesses */
    assert_client_told(&rig, ORL_CLIPBOARD_DATA, 1, false);
    assert_int_equal(rig.heard_count, 0);
    finish(&rig);
    begin(&rig, ORL_CLIPBOARD_TO_CLIENT);
    from_client(&rig, ORL_CLIPBOARD_OFFER, 1, true, NULL);
    assert_int_equal(rig.heard_count, 0);
    from_guest(&rig, ORL_CLIPBOARD_REQUEST, 1, false, NULL); /* a guest that guesses */
    assert_guest_told(&rig, ORL_CLIPBOARD_DATA, 1, false);
    assert_int_equal(rig.viewer.count, 0);
    finish(&rig);
    begin(&rig, 0);
    assert_int_equal(rig.wants, ORL_WANT_SOUND);
    finish(&rig);
}

static void a_new_console_hears_what_is_wanted_and_offered(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, ORL_CLIPBOARD_BOTH);
    from_client(&rig, ORL_CLIPBOARD_OFFER, 3, true, NULL);
    from_guest(&rig, ORL_CLIPBOARD_OFFER, 9, true, NULL);
    from_client(&rig, ORL_CLIPBOARD_REQUEST, 9, false, NULL);
    const unsigned told = rig.viewer.count;
    rig.wants = 0;
    orl_clipboard_in_fini(&rig.in);
    attach(&rig);
    hear(&rig);
    assert_int_equal(rig.wants, ORL_WANT_CLIPBOARD | ORL_WANT_SOUND);
    assert_guest_told(&rig, ORL_CLIPBOARD_OFFER, 3, true);
    /* What the client asked the old one cannot be had, nor is it offered any more. */
    assert_int_equal(rig.viewer.count, told + 2);
    assert_int_equal(rig.viewer.notes[told].step, ORL_CLIPBOARD_DATA);
    assert_false(rig.viewer.notes[told].has_text);
    assert_client_told(&rig, ORL_CLIPBOARD_OFFER, 9, false);
    finish(&rig);
}

static void a_long_text_waits_for_a_console_that_reads(void **state)
{
    (void)state;
    static char text[CAP + 1];
    struct rig rig;
    memset(text, 'x', CAP);
    begin(&rig, ORL_CLIPBOARD_BOTH);
    from_client(&rig, ORL_CLIPBOARD_OFFER, 1, true, NULL);
    from_guest(&rig, ORL_CLIPBOARD_REQUEST, 1, false, NULL);
    const struct orl_clipboard said = {
            .step = ORL_CLIPBOARD_DATA, .serial = 1, .has_text = true, .text = text, .len = CAP};
    orl_aside_on_client(&rig.aside, &said);
    for (unsigned i = 0; i < 100 && rig.heard[rig.heard_count - 1].step != ORL_CLIPBOARD_DATA;
            i++) {
        hear(&rig);
        turn(&rig);
    }
    assert_guest_told(&rig, ORL_CLIPBOARD_DATA, 1, true);
    assert_int_equal(rig.heard[rig.heard_count - 1].len, CAP);
    finish(&rig);
}

static void sound_is_passed_on_as_far_as_policy_lets_it(void **state)
{
    (void)state;
    static const uint8_t samples[400];
    const struct orl_link_msg msg = {.type = ORL_LINK_SOUND,
            .surface_fd = -1,
            .sound = {.rate_hz = 48000, .channels = 2, .samples = samples, .len = sizeof(samples)}};
    struct rig rig;
    begin(&rig, ORL_CLIPBOARD_BOTH);
    assert_int_equal(orl_link_send(rig.console, &msg), 0);
    turn(&rig);
    assert_int_equal(rig.viewer.sounds, 1);
    permit(&rig, ORL_CLIPBOARD_BOTH, false);
    assert_int_equal(rig.wants, ORL_WANT_CLIPBOARD);
    assert_int_equal(orl_link_send(rig.console, &msg), 0);
    turn(&rig);
    assert_int_equal(rig.viewer.sounds, 1);
    finish(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_text_passes_only_when_it_was_asked_for),
            cmocka_unit_test(the_client_is_asked_only_for_what_it_offers),
            cmocka_unit_test(policy_closes_a_direction),
            cmocka_unit_test(a_new_console_hears_what_is_wanted_and_offered),
            cmocka_unit_test(a_long_text_waits_for_a_console_that_reads),
            cmocka_unit_test(sound_is_passed_on_as_far_as_policy_lets_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
