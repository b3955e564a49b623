#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "tests/console/rig.h"
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct fixture {
    struct rig_vncd vncd;
    struct rig_console console;
    struct rig_link link;
};

static void begin(struct fixture *f, const char *const *args, const char *password)
{
    rig_vncd_start(&f->vncd, args);
    rig_console_start(&f->console, rig_vncd_connect(&f->vncd), password);
    rig_link_open(&f->link, &f->console);
}

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

static const char *const plain_args[] = {"--size", "804x603", NULL};

static void surface_shows_the_servers_picture_pixel_by_pixel(void **state)
{
    struct fixture *f = *state;
    begin(f, plain_args, "");
    assert_true(rig_link_wait_surface(&f->link, 804, 603));
    bool is_right = rig_link_wait_scene(&f->link, "pattern");
    const char *path = getenv("ORL_TEST_DUMP");
    if (path != NULL) {
        rig_surface_dump(f->link.surface, path);
    }
    assert_true(is_right);
    assert_true(rig_link_wait_woken(&f->link));
}

static void cursor_shape_has_the_servers_hot_spot_and_colour(void **state)
{
    struct fixture *f = *state;
    begin(f, plain_args, "");
    assert_true(rig_link_wait_surface(&f->link, 804, 603));
    ORL_AUTO(orl_free_auto) struct orl_cursor *cursor = calloc(1, sizeof(*cursor));
    for (int i = 0; i < 500 && !cursor->is_visible; i++) {
        (void)orl_surface_take_cursor(f->link.surface, cursor);
        (void)poll(NULL, 0, 20);
    }
    assert_true(cursor->is_visible);
    assert_int_equal(cursor->width_px, 12);
    assert_int_equal(cursor->hot_x, 1);
    assert_int_equal(cursor->hot_y, 2);
    assert_int_equal(cursor->pixels[0], 0xFFFF8000); /* vncd's arrow */
    assert_int_equal(cursor->pixels[11], 0);         /* outside the mask */
}

static void keys_arrive_with_scancodes_in_order(void **state)
{
    struct fixture *f = *state;
    begin(f, plain_args, "");
    assert_true(rig_link_wait_surface(&f->link, 804, 603));
    assert_true(
            rig_link_wait_scene(&f->link, "pattern")); /* by now the server said what it takes */
    static const uint32_t codes[] = {0x1E, 0x2A, 0x148, ORL_SCANCODE_PAUSE, 0x137};
    for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        rig_link_key(&f->link, codes[i], true);
        rig_link_key(&f->link, codes[i], false);
    }
    assert_true(rig_vncd_logged(&f->vncd, "key down=0 sym=0xff61 code=0x54"));
    assert_true(rig_vncd_logged(&f->vncd,
            "key down=1 sym=0x0061 code=0x1e\nkey down=0 sym=0x0061 code=0x1e\n"
            "key down=1 sym=0xffe1 code=0x2a\nkey down=0 sym=0xffe1 code=0x2a\n"
            "key down=1 sym=0xff52 code=0xc8\nkey down=0 sym=0xff52 code=0xc8\n"
            "key down=1 sym=0xff13 code=0xc6\n"));
}

static void server_without_scancodes_gets_us_keysyms(void **state)
{
    static const char *const args[] = {"--no-ext-keys", NULL};
    struct fixture *f = *state;
    begin(f, args, "");
    assert_true(rig_link_wait_surface(&f->link, 1280, 800));
    rig_link_key(&f->link, 0x2A, true);
    rig_link_key(&f->link, 0x03, true);
    rig_link_key(&f->link, 0x2A, false);
    rig_link_key(&f->link, 0x03, false);
    struct orl_input euro = {.kind = ORL_INPUT_KEYSYM, .code = 0x20AC, .is_down = 1};
    rig_link_input(&f->link, &euro);
    assert_true(rig_vncd_logged(&f->vncd,
            "key down=1 sym=0xffe1 code=0x00\nkey down=1 sym=0x0040 code=0x00\n"
            "key down=0 sym=0xffe1 code=0x00\nkey down=0 sym=0x0040 code=0x00\n"
            "key down=1 sym=0x20ac code=0x00\n"));
}

static void pointer_wheel_and_buttons_arrive(void **state)
{
    struct fixture *f = *state;
    begin(f, plain_args, "");
    assert_true(rig_link_wait_surface(&f->link, 804, 603));
    struct orl_input input = {.kind = ORL_INPUT_POINTER, .x = 17, .y = 42};
    rig_link_input(&f->link, &input);
    assert_true(rig_vncd_logged(&f->vncd, "pointer x=17 y=42 buttons=0x00"));
    input.code = ORL_BUTTON_LEFT | ORL_BUTTON_RIGHT;
    rig_link_input(&f->link, &input);
    assert_true(rig_vncd_logged(&f->vncd, "pointer x=17 y=42 buttons=0x05"));
    input = (struct orl_input){.kind = ORL_INPUT_WHEEL, .y = -240};
    rig_link_input(&f->link, &input);
    assert_true(rig_vncd_logged(&f->vncd, "pointer x=17 y=42 buttons=0x15"));
    input = (struct orl_input){.kind = ORL_INPUT_POINTER, .x = 8000, .y = 8000};
    rig_link_input(&f->link, &input);
    assert_true(rig_vncd_logged(&f->vncd, "pointer x=803 y=602 buttons=0x00"));
    assert_int_equal(rig_vncd_count(&f->vncd, "buttons=0x15"), 2);
}

static void wanted_size_gives_a_new_surface_with_the_picture(void **state)
{
    struct fixture *f = *state;
    begin(f, plain_args, "");
    assert_true(rig_link_wait_surface(&f->link, 804, 603));
    assert_true(rig_link_wait_scene(&f->link, "pattern"));
    struct orl_layout layout = orl_layout_one(1000, 700);
    rig_link_layout(&f->link, &layout);
    assert_true(rig_link_wait_surface(&f->link, 1000, 700));
    assert_true(rig_link_wait_scene(&f->link, "pattern"));
    layout = orl_layout_one(640, 480);
    rig_link_layout(&f->link, &layout);
    assert_true(rig_link_wait_surface(&f->link, 640, 480));
    assert_true(rig_link_wait_scene(&f->link, "pattern"));
}

static void refused_size_keeps_the_desktop(void **state)
{
    static const char *const args[] = {"--size", "804x603", "--refuse-resize", "--echo", NULL};
    struct fixture *f = *state;
    begin(f, args, "");
    assert_true(rig_link_wait_surface(&f->link, 804, 603));
    assert_true(rig_link_wait_scene(&f->link, "pattern"));
    struct orl_layout layout = orl_layout_one(1000, 700);
    rig_link_layout(&f->link, &layout);
    assert_true(rig_vncd_logged(&f->vncd, "size 1000x700 refused"));
    rig_link_key(&f->link, 0x1E, true); /* --echo: paints the corner red */
    assert_true(rig_vncd_logged(&f->vncd, "stamp"));
    const uint8_t *pixel = orl_surface_pixels(f->link.surface) + 4;
    for (int i = 0; i < 500 && !(pixel[2] == 0xFF && pixel[1] == 0); i++) {
        (void)poll(NULL, 0, 20);
    }
    assert_int_equal(pixel[2], 0xFF);
    assert_int_equal(orl_surface_width(f->link.surface), 804);
}

static void lock_keys_follow_the_client_where_the_server_says_its_own(void **state)
{
    struct fixture *f = *state;
    begin(f, plain_args, "");
    assert_true(rig_link_wait_surface(&f->link, 804, 603));
    assert_true(rig_link_wait_scene(&f->link, "pattern"));
    struct orl_input locks = {.kind = ORL_INPUT_LOCKS, .code = ORL_LOCK_NUM};
    rig_link_input(&f->link, &locks);
    assert_true(rig_vncd_logged(&f->vncd, "key down=0 sym=0xff7f code=0x45"));
    rig_link_input(&f->link, &locks); /* the same again presses nothing */
    rig_link_key(&f->link, 0x47, true);
    assert_true(rig_vncd_logged(&f->vncd, "key down=1 sym=0xffb7 code=0x47")); /* KP_7 */
    assert_int_equal(rig_vncd_count(&f->vncd, "code=0x45"), 2);
    /* And the session hears what the server's are. */
    while (!f->link.has_locks || f->link.locks != ORL_LOCK_NUM) {
        assert_true(rig_link_pump(&f->link, RIG_WAIT_MS));
    }
}

static void password_opens_the_display(void **state)
{
    static const char *const args[] = {"--password", "geheim12", NULL};
    struct fixture *f = *state;
    begin(f, args, "geheim12");
    assert_true(rig_link_wait_surface(&f->link, 1280, 800));
    assert_true(rig_link_wait_scene(&f->link, "pattern"));
}

static void wrong_password_ends_with_its_reason(void **state)
{
    static const char *const args[] = {"--password", "geheim12", NULL};
    struct fixture *f = *state;
    begin(f, args, "falsch");
    assert_int_equal(rig_console_reason(&f->console, RIG_WAIT_MS), ORL_REASON_CONSOLE_AUTH);
    assert_int_equal(rig_console_wait(&f->console), 0);
}

static void server_that_goes_away_is_told_to_gateway_and_session(void **state)
{
    struct fixture *f = *state;
    begin(f, plain_args, "");
    assert_true(rig_link_wait_surface(&f->link, 804, 603));
    rig_stop(&f->vncd.pid);
    assert_int_equal(rig_console_reason(&f->console, RIG_WAIT_MS), ORL_REASON_CONSOLE_LOST);
    while (rig_link_pump(&f->link, RIG_WAIT_MS) && f->link.closed == ORL_REASON_NONE) {
    }
    assert_int_equal(f->link.closed, ORL_REASON_CONSOLE_LOST);
    assert_int_equal(rig_console_wait(&f->console), 0);
}

static void garbage_on_one_link_ends_only_that_link(void **state)
{
    struct fixture *f = *state;
    begin(f, plain_args, "");
    struct rig_link bad;
    rig_link_open(&bad, &f->console);
    assert_true(rig_link_wait_surface(&f->link, 804, 603));
    assert_true(rig_link_wait_surface(&bad, 804, 603));
    assert_int_equal(send(bad.fd, "\377\377garbage", 9, 0), 9);
    while (rig_link_pump(&bad, RIG_WAIT_MS)) {
    }
    assert_int_equal(bad.closed, ORL_REASON_INTERNAL); /* the socket's end */
    rig_link_close(&bad);
    rig_link_key(&f->link, 0x1E, true);
    assert_true(rig_vncd_logged(&f->vncd, "sym=0x0061"));
    assert_int_equal(f->link.closed, ORL_REASON_NONE);
}

static void last_link_that_goes_releases_the_keys(void **state)
{
    struct fixture *f = *state;
    begin(f, plain_args, "");
    assert_true(rig_link_wait_surface(&f->link, 804, 603));
    rig_link_key(&f->link, 0x1D, true);
    assert_true(rig_vncd_logged(&f->vncd, "key down=1 sym=0xffe3"));
    rig_link_close(&f->link);
    assert_true(rig_vncd_logged(&f->vncd, "key down=0 sym=0xffe3"));
    /* It stays, and serves the one that comes back at once. */
    rig_link_open(&f->link, &f->console);
    assert_true(rig_link_wait_surface(&f->link, 804, 603));
    assert_true(rig_link_wait_scene(&f->link, "pattern"));
}

static void without_gateway_and_link_it_ends(void **state)
{
    struct fixture *f = *state;
    begin(f, plain_args, "");
    assert_true(rig_link_wait_surface(&f->link, 804, 603));
    orl_close_fd(&f->console.control);
    rig_link_key(&f->link, 0x1E, true); /* the session still works */
    assert_true(rig_vncd_logged(&f->vncd, "sym=0x0061"));
    rig_link_close(&f->link);
    assert_int_equal(rig_console_wait(&f->console), 0);
}

static void gateway_that_goes_early_ends_it(void **state)
{
    struct fixture *f = *state;
    rig_vncd_start(&f->vncd, NULL);
    rig_console_start(&f->console, rig_vncd_connect(&f->vncd), "");
    orl_close_fd(&f->console.control);
    assert_int_equal(rig_console_wait(&f->console), 0);
}

static void ninth_link_is_refused_and_the_eight_stay(void **state)
{
    struct fixture *f = *state;
    begin(f, plain_args, "");
    struct rig_link more[8];
    for (unsigned i = 0; i < 8; i++) {
        rig_link_open(&more[i], &f->console);
    }
    while (rig_link_pump(&more[7], RIG_WAIT_MS)) {
    }
    assert_int_equal(more[7].closed, ORL_REASON_INTERNAL);
    for (unsigned i = 0; i < 7; i++) {
        assert_true(rig_link_wait_surface(&more[i], 804, 603));
        rig_link_close(&more[i]);
    }
    rig_link_close(&more[7]);
    assert_true(rig_link_wait_surface(&f->link, 804, 603));
}

static void console_that_can_not_begin_says_so(void **state)
{
    struct fixture *f = *state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    rig_console_start_as(&f->console, pair[0], "", 77); /* a kind of source that there is not */
    assert_int_equal(rig_console_reason(&f->console, RIG_WAIT_MS), ORL_REASON_INTERNAL);
    assert_int_equal(rig_console_wait(&f->console), 1);
    close(pair[1]);
}

static void flood_of_input_does_not_starve_the_other_link(void **state)
{
    struct fixture *f = *state;
    begin(f, plain_args, "");
    struct rig_link flood;
    rig_link_open(&flood, &f->console);
    assert_true(rig_link_wait_surface(&f->link, 804, 603));
    assert_true(rig_link_wait_surface(&flood, 804, 603));
    struct orl_link_msg msg = {
            .type = ORL_LINK_INPUT, .input = {.kind = ORL_INPUT_POINTER}, .surface_fd = -1};
    bool was_full = false;
    for (int i = 0; i < 20000; i++) {
        msg.input.x = i % 800;
        was_full |= orl_link_send(flood.fd, &msg) == ORL_E_AGAIN;
    }
    rig_link_key(&f->link, 0x10, true);
    assert_true(rig_vncd_logged(&f->vncd, "sym=0x0071"));
    assert_true(was_full); /* the console did not read as fast as the flood came */
    assert_int_equal(f->link.closed, ORL_REASON_NONE);
    rig_link_close(&flood);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
            CASE(surface_shows_the_servers_picture_pixel_by_pixel),
            CASE(cursor_shape_has_the_servers_hot_spot_and_colour),
            CASE(keys_arrive_with_scancodes_in_order),
            CASE(server_without_scancodes_gets_us_keysyms),
            CASE(pointer_wheel_and_buttons_arrive),
            CASE(wanted_size_gives_a_new_surface_with_the_picture),
            CASE(refused_size_keeps_the_desktop),
            CASE(lock_keys_follow_the_client_where_the_server_says_its_own),
            CASE(password_opens_the_display),
            CASE(wrong_password_ends_with_its_reason),
            CASE(server_that_goes_away_is_told_to_gateway_and_session),
            CASE(garbage_on_one_link_ends_only_that_link),
            CASE(last_link_that_goes_releases_the_keys),
            CASE(without_gateway_and_link_it_ends),
            CASE(gateway_that_goes_early_ends_it),
            CASE(ninth_link_is_refused_and_the_eight_stay),
            CASE(console_that_can_not_begin_says_so),
            CASE(flood_of_input_does_not_starve_the_other_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
