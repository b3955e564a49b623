/* Clipboard and sound of a VNC server, through a real console to a session's link. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "tests/console/rig.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENOUGH_SOUND_BYTES = 48000, TRIES = 40, TRY_US = 500 * ORL_US_PER_MS };

struct fixture {
    struct rig_vncd vncd;
    struct rig_console console;
    struct rig_link link;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->console.control = f->link.fd = -1;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    rig_link_close(&f->link);
    rig_console_kill(&f->console);
    rig_vncd_stop(&f->vncd);
    free(f);
    return 0;
}

static void begin(struct fixture *f, const char *const *args)
{
    rig_vncd_start(&f->vncd, args);
    rig_console_start(&f->console, rig_vncd_connect(&f->vncd), "");
    rig_link_open(&f->link, &f->console);
    assert_true(rig_link_wait_surface(&f->link, 804, 603));
    rig_link_want(&f->link, ORL_WANT_CLIPBOARD);
}

/* The console asks for the clipboard a moment after it has the picture. */
static void copy_until_offered(struct fixture *f, const char *text)
{
    for (unsigned i = 0; i < TRIES; i++) {
        uint64_t end_us = orl_clock_now_us() + TRY_US;
        rig_vncd_copy(&f->vncd, text);
        while (f->link.steps == 0 && orl_clock_now_us() < end_us) {
            (void)rig_link_pump(&f->link, 20);
        }
        if (f->link.steps > 0) {
            return;
        }
    }
    fail_msg("the copied text was never offered");
}

static void ask(struct fixture *f, uint32_t serial)
{
    const struct orl_clipboard step = {.step = ORL_CLIPBOARD_REQUEST, .serial = serial};
    rig_link_clipboard(&f->link, &step);
    assert_true(rig_link_wait_step(&f->link, ORL_CLIPBOARD_DATA));
    assert_int_equal(f->link.step.serial, serial);
}

static void extended_text_comes_when_it_is_asked_for(void **state)
{
    static const char *const args[] = {"--size", "804x603", "--clipboard", RIG_CUT_FILE, NULL};
    struct fixture *f = *state;
    begin(f, args);
    copy_until_offered(f, "Gr\xC3\xBC\xC3\x9F"
                          "e\r\n\xE2\x82\xAC \xF0\x9F\x90\xA6\n");
    assert_int_equal(f->link.step.step, ORL_CLIPBOARD_OFFER);
    assert_true(f->link.step.has_text);
    uint32_t serial = f->link.step.serial;
    ask(f, serial + 1);
    assert_false(f->link.step.has_text);
    ask(f, serial);
    assert_true(f->link.step.has_text);
    assert_string_equal(f->link.text, "Gr\xC3\xBC\xC3\x9F"
                                      "e\n\xE2\x82\xAC \xF0\x9F\x90\xA6\n");
}

static void plain_text_is_latin1(void **state)
{
    static const char *const args[] = {
            "--size", "804x603", "--clipboard-latin1", RIG_CUT_FILE, NULL};
    struct fixture *f = *state;
    begin(f, args);
    copy_until_offered(f, "caf\xE9");
    ask(f, f->link.step.serial);
    assert_string_equal(f->link.text, "caf\xC3\xA9");
}

static void clients_text_reaches_the_server_in_its_line_ends(void **state)
{
    static const char *const args[] = {"--size", "804x603", "--clipboard", RIG_CUT_FILE, NULL};
    struct fixture *f = *state;
    const struct orl_clipboard offer = {.step = ORL_CLIPBOARD_OFFER, .serial = 3, .has_text = true};
    struct orl_clipboard data = {.step = ORL_CLIPBOARD_DATA,
            .serial = 3,
            .has_text = true,
            .text = "\xC3\xA4\nb",
            .len = 4};
    begin(f, args);
    copy_until_offered(f, "so it is extended");
    rig_link_clipboard(&f->link, &offer);
    assert_true(rig_link_wait_step(&f->link, ORL_CLIPBOARD_REQUEST));
    assert_int_equal(f->link.step.serial, 3);
    rig_link_clipboard(&f->link, &data);
    assert_true(rig_vncd_logged(&f->vncd, "cut utf8 len=6 text=\xC3\xA4\\x0d\\x0ab\\x00\n"));
}

static void sound_is_asked_for_while_somebody_wants_it(void **state)
{
    static const char *const args[] = {"--size", "804x603", "--sine", "440", NULL};
    struct fixture *f = *state;
    begin(f, args);
    rig_link_want(&f->link, ORL_WANT_SOUND);
    assert_true(rig_vncd_logged(&f->vncd, "sound format=3 channels=2 rate=48000\nsound on\n"));
    uint64_t end_us = orl_clock_now_us() + RIG_WAIT_MS * ORL_US_PER_MS;
    while (f->link.sound_bytes < ENOUGH_SOUND_BYTES && orl_clock_now_us() < end_us) {
        (void)rig_link_pump(&f->link, 20);
    }
    assert_in_range(f->link.sound_bytes, ENOUGH_SOUND_BYTES, UINT32_MAX);
    assert_int_equal(f->link.sound_rate_hz, 48000);
    assert_int_equal(f->link.sound_channels, 2);
    /* A sine of height 16383 is above 8000 two thirds of its time. */
    uint64_t samples = f->link.sound_bytes / 2;
    assert_in_range(f->link.loud_samples, samples / 2, samples * 4 / 5);
    rig_link_want(&f->link, 0);
    assert_true(rig_vncd_logged(&f->vncd, "sound off\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(
                    extended_text_comes_when_it_is_asked_for, setup, teardown),
            cmocka_unit_test_setup_teardown(plain_text_is_latin1, setup, teardown),
            cmocka_unit_test_setup_teardown(
                    clients_text_reaches_the_server_in_its_line_ends, setup, teardown),
            cmocka_unit_test_setup_teardown(
                    sound_is_asked_for_while_somebody_wants_it, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
