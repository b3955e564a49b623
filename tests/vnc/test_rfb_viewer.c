/* A whole RFB viewer, played against by a client that is as polite or as rude as the case. */
#include "protocols/vnc/rfb_encoding.h"
#include "rfb_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const int32_t raw_only[] = {ORL_RFB_RAW};
static const int32_t modern[] = {ORL_RFB_FENCE, ORL_RFB_CONTINUOUS_UPDATES,
        ORL_RFB_EXT_DESKTOP_SIZE, ORL_RFB_QEMU_KEY, ORL_RFB_EXT_MOUSE_BUTTONS, ORL_RFB_RAW};

/* FramebufferUpdate of one Raw rectangle of 1 x 1 pixel. */
static const char pixel_head[] = "00 00 00 01 00 00 00 00 00 01 00 01 00 00 00 00";

static void browser_logs_in_without_a_name_and_gets_a_picture(void **state)
{
    struct bed bed;
    (void)state;
    bed_open(&bed, NULL);
    bed_ready(&bed, raw_only);
    assert_int_equal(bed.logins, 1);
    assert_int_equal(bed.login.protocol, ORL_PROTOCOL_VNC);
    assert_string_equal(bed.login.user, "");
    assert_string_equal(bed.login.password, "");
    assert_int_equal(bed.caps.width_px, 1024);
    assert_int_equal(bed.caps.height_px, 768);
    assert_int_equal(bed.caps.layout.count, 0);
    assert_false(bed.caps.has_acks);
    assert_false(bed.caps.has_resize);
    assert_int_equal(bed_frame(&bed, 1, 1, 1, 0x00112233), 0);
    bed_expect(&bed, pixel_head);
    bed_expect(&bed, "33 22 11 00");
    bed_close(&bed);
}

static void refusal_says_why_with_its_code(void **state)
{
    struct bed bed;
    char text[128] = "";
    (void)state;
    bed_open(&bed, NULL);
    bed.accepts = false;
    bed_expect(&bed, "52 46 42 20 30 30 33 2e 30 30 38 0a");
    bed_send(&bed, "RFB 003.008\n", 12);
    bed_expect(&bed, "01 01");
    bed_send_text(&bed, "01");
    bed_expect(&bed, "00 00 00 01 00 00 00 35");
    bed_read(&bed, text, 0x35);
    assert_string_equal(text, "The user name or the password is wrong. (auth_failed)");
    assert_true(bed_is_over(&bed));
    assert_int_equal(bed.reason, ORL_REASON_AUTH_FAILED);
    bed_close(&bed);
}

static void without_continuous_updates_each_frame_takes_a_request(void **state)
{
    struct bed bed;
    (void)state;
    bed_open(&bed, NULL);
    bed_ready(&bed, raw_only);
    assert_int_equal(bed_frame(&bed, 1, 1, 1, 0), 0);
    assert_int_equal(bed_frame(&bed, 2, 1, 1, 0), ORL_E_AGAIN);
    assert_int_equal(bed.writables, 0);
    bed_request(&bed, true);
    assert_int_equal(bed.writables, 1);
    assert_int_equal(bed.refreshes, 0);
    assert_int_equal(bed_frame(&bed, 2, 1, 1, 0), 0);
    bed_request(&bed, false);
    assert_int_equal(bed.refreshes, 1);
    bed_close(&bed);
}

static void fences_acknowledge_frames(void **state)
{
    struct bed bed;
    (void)state;
    bed_open(&bed, NULL);
    bed_shake_hands(&bed);
    bed_encodings(&bed, modern);
    bed_expect(&bed, "f8 00 00 00 80 00 00 00 00"); /* fences are known */
    bed_expect(&bed, "96");                         /* continuous updates are */
    bed_send_text(&bed, "f8 00 00 00 00 00 00 00 00");
    bed_send_text(&bed, "96 01 00 00 00 00 04 00 03 00");
    assert_int_equal(bed.readies, 1);
    assert_true(bed.caps.has_acks && bed.caps.has_resize);
    bed_expect(&bed, "00 00 00 03");
    bed_expect(&bed, "00 00 00 00 00 00 00 00 ff ff fe fe"); /* extended keys */
    bed_expect(&bed, "00 00 00 00 00 00 00 00 ff ff fe c4"); /* extended buttons */
    bed_expect(&bed, "00 00 00 00 04 00 03 00 ff ff fe cc 01 00 00 00");
    bed_expect(&bed, "00 00 00 00 00 00 00 00 04 00 03 00 00 00 00 00");
    for (uint32_t id = 1; id <= 8; id++) {
        assert_int_equal(bed_frame(&bed, id, 1, 1, 0), 0);
    }
    assert_int_equal(bed_frame(&bed, 9, 1, 1, 0), ORL_E_AGAIN);
    bed_expect(&bed, pixel_head);
    bed_expect(&bed, "00 00 00 00");
    bed_expect(&bed, "f8 00 00 00 80 00 00 01 04 00 00 00 01");
    bed_send_text(&bed, "f8 00 00 00 00 00 00 01 04 00 00 00 03");
    assert_int_equal(bed.acks, 1);
    assert_int_equal(bed.acked, 3);
    bed_send_text(&bed, "f8 00 00 00 00 00 00 01 04 00 00 00 63"); /* never sent */
    assert_int_equal(bed.acks, 1);
    assert_int_equal(bed_frame(&bed, 9, 1, 1, 0), 0);
    bed_close(&bed);
}

static const int32_t clipboard[] = {ORL_RFB_EXT_CLIPBOARD, ORL_RFB_RAW};
static const struct orl_permit both = {
        .clipboard = ORL_CLIPBOARD_BOTH, .clipboard_max_bytes = 65536, .has_sound = 1};

static void guest_says(
        struct bed *bed, enum orl_clipboard_step step, uint32_t serial, const char *text)
{
    const struct orl_clipboard said = {.step = step,
            .serial = serial,
            .has_text = text != NULL,
            .text = text,
            .len = text != NULL ? strlen(text) : 0};
    bed->viewer.ops->clipboard(bed->viewer.viewer, &said);
    bed_turn(bed);
}

static void extended_clipboard_goes_when_somebody_pastes(void **state)
{
    struct bed bed;
    uint8_t head[12];
    uint8_t packed[64];
    (void)state;
    bed_open(&bed, NULL);
    bed_ready(&bed, clipboard);
    bed.viewer.ops->permit(bed.viewer.viewer, &both);
    bed_expect(&bed, "03 00 00 00 ff ff ff f8 1f 00 00 01 00 00 00 00"); /* capabilities */
    guest_says(&bed, ORL_CLIPBOARD_OFFER, 7, "");
    bed_expect(&bed, "03 00 00 00 ff ff ff fc 08 00 00 01");    /* notify */
    bed_send_text(&bed, "06 00 00 00 ff ff ff fc 02 00 00 01"); /* request */
    assert_int_equal(bed.step_count, 1);
    assert_int_equal(bed.steps[0].step, ORL_CLIPBOARD_REQUEST);
    assert_int_equal(bed.steps[0].serial, 7);
    guest_says(&bed, ORL_CLIPBOARD_DATA, 7, "h\xC3\xA9");
    bed_read(&bed, head, sizeof(head));
    assert_memory_equal(head, "\x03\x00\x00\x00\xff\xff\xff", 7);
    assert_memory_equal(head + 8, "\x10\x00\x00\x01", 4); /* provide */
    assert_true(head[7] > 0xC0);
    bed_read(&bed, packed, (size_t)(256 - head[7] - 4));

    bed_send_text(&bed, "06 00 00 00 ff ff ff fc 08 00 00 01"); /* the client has text */
    assert_int_equal(bed.steps[1].step, ORL_CLIPBOARD_OFFER);
    assert_true(bed.steps[1].has_text);
    guest_says(&bed, ORL_CLIPBOARD_REQUEST, bed.steps[1].serial, NULL);
    bed_expect(&bed, "03 00 00 00 ff ff ff fc 02 00 00 01");
    bed_send_text(&bed,
            "06 00 00 00 ff ff ff eb 10 00 00 01 78 9c 63 60 60 60 4d e4 e5 4a 62 00 00 "
            "03 22 00 e0"); /* "a CR LF b" */
    assert_int_equal(bed.steps[2].step, ORL_CLIPBOARD_DATA);
    assert_true(bed.steps[2].has_text);
    assert_string_equal(bed.texts[2], "a\nb");
    bed_close(&bed);
}

static void plain_cut_text_goes_when_it_is_copied(void **state)
{
    struct bed bed;
    (void)state;
    bed_open(&bed, NULL);
    bed_ready(&bed, raw_only);
    bed_send_text(&bed, "06 00 00 00 00 00 00 01 61"); /* before there is a policy: nothing */
    assert_int_equal(bed.step_count, 0);
    bed.viewer.ops->permit(bed.viewer.viewer, &both);
    bed_send_text(&bed, "06 00 00 00 00 00 00 02 63 e9");
    assert_int_equal(bed.steps[0].step, ORL_CLIPBOARD_OFFER);
    guest_says(&bed, ORL_CLIPBOARD_REQUEST, bed.steps[0].serial, NULL);
    assert_int_equal(bed.steps[1].step, ORL_CLIPBOARD_DATA);
    assert_string_equal(bed.texts[1], "c\xC3\xA9");
    guest_says(&bed, ORL_CLIPBOARD_OFFER, 3, "");
    assert_int_equal(bed.steps[2].step, ORL_CLIPBOARD_REQUEST);
    guest_says(&bed, ORL_CLIPBOARD_DATA, 3, "\xE2\x82\xAC\xC3\xA9");
    bed_expect(&bed, "03 00 00 00 00 00 00 02 3f e9");
    bed_send_text(&bed, "06 00 00 00 00 00 00 02 3f e9"); /* and here it is again */
    guest_says(&bed, ORL_CLIPBOARD_REQUEST, bed.steps[0].serial, NULL);
    assert_int_equal(bed.steps[3].step, ORL_CLIPBOARD_OFFER);
    bed_close(&bed);
}

static void longer_text_than_policy_allows_is_passed_over(void **state)
{
    static uint8_t waste[200000];
    struct bed bed;
    (void)state;
    bed_open(&bed, NULL);
    bed_ready(&bed, raw_only);
    bed.viewer.ops->permit(bed.viewer.viewer, &both);
    bed_send_text(&bed, "06 00 00 00 00 03 0d 40");
    bed_send(&bed, waste, sizeof(waste));
    assert_int_equal(bed.step_count, 0);
    bed_send_text(&bed, "04 01 00 00 00 00 00 61");
    assert_int_equal(bed.input_count, 1);
    assert_int_equal(bed.inputs[0].kind, ORL_INPUT_KEYSYM);
    assert_int_equal(bed.inputs[0].code, 0x61);
    bed_close(&bed);
}

static void keys_and_wheel_are_the_guests(void **state)
{
    struct bed bed;
    (void)state;
    bed_open(&bed, NULL);
    bed_ready(&bed, modern);
    bed_send_text(&bed, "ff 00 00 01 00 00 ff e4 00 00 00 9d"); /* right Ctrl */
    bed_send_text(&bed, "ff 00 00 00 00 00 ff 13 00 00 00 c6"); /* Pause */
    bed_send_text(&bed, "05 09 00 0a 00 14");                   /* left, and wheel up */
    bed_send_text(&bed, "05 81 00 0a 00 14 01");                /* left, and back */
    bed_send_text(&bed, "05 00 ff ff ff ff");
    assert_int_equal(bed.input_count, 6);
    assert_int_equal(bed.inputs[0].code, 0x11D);
    assert_int_equal(bed.inputs[0].is_down, 1);
    assert_int_equal(bed.inputs[1].code, ORL_SCANCODE_PAUSE);
    assert_int_equal(bed.inputs[2].kind, ORL_INPUT_POINTER);
    assert_int_equal(bed.inputs[2].code, ORL_BUTTON_LEFT);
    assert_int_equal(bed.inputs[2].x, 10);
    assert_int_equal(bed.inputs[3].kind, ORL_INPUT_WHEEL);
    assert_int_equal(bed.inputs[3].y, 120);
    assert_int_equal(bed.inputs[4].code, ORL_BUTTON_LEFT | ORL_BUTTON_SIDE);
    assert_int_equal(bed.inputs[5].x, 1023);
    assert_int_equal(bed.inputs[5].y, 767);
    bed_close(&bed);
}

static void wished_size_is_taken_as_it_is(void **state)
{
    struct bed bed;
    (void)state;
    bed_open(&bed, NULL);
    bed_ready(&bed, modern);
    bed_expect(&bed, "f8 00 00 00 80 00 00 00 00 96 00 00 00 03");
    uint8_t waste[12 * 3 + 20];
    bed_read(&bed, waste, sizeof(waste));
    bed_request(&bed, true);
    bed_send_text(&bed, "fb 00 05 56 03 01 01 00 00 00 00 2a 00 00 00 00 05 56 03 01 00 00 00 07");
    assert_int_equal(bed.layouts, 1);
    assert_int_equal(bed.layout.heads[0].width, 1366);
    assert_int_equal(bed.layout.heads[0].height, 769);
    assert_int_equal(bed.viewer.ops->set_size(bed.viewer.viewer, 1366, 769), 0);
    bed_expect(&bed, "00 00 00 01 00 01 00 00 05 56 03 01 ff ff fe cc 01 00 00 00");
    bed_expect(&bed, "00 00 00 2a 00 00 00 00 05 56 03 01 00 00 00 07");
    bed_request(&bed, true);
    bed_send_text(&bed, "fb 00 00 00 00 00 00 00"); /* no screen at all */
    bed_expect(&bed, "00 00 00 01 00 01 00 03 05 56 03 01 ff ff fe cc 01 00 00 00");
    assert_int_equal(bed.layouts, 1);
    bed_close(&bed);
}

static void lock_keys_and_name_of_the_desktop_are_told(void **state)
{
    static const int32_t wanted[] = {ORL_RFB_QEMU_LED, ORL_RFB_DESKTOP_NAME, ORL_RFB_RAW};
    struct bed bed;
    (void)state;
    bed_open(&bed, NULL);
    bed_ready(&bed, wanted);
    bed_expect(&bed, "00 00 00 01 00 00 00 00 00 00 00 00 ff ff fe cd 00 00 00 05 4f 72 69 65 6c");
    bed_request(&bed, true);
    bed.viewer.ops->set_name(bed.viewer.viewer, "ab");
    bed_expect(&bed, "00 00 00 01 00 00 00 00 00 00 00 00 ff ff fe cd 00 00 00 02 61 62");
    bed_request(&bed, true);
    bed.viewer.ops->set_locks(bed.viewer.viewer, ORL_LOCK_CAPS);
    bed_expect(&bed, "00 00 00 01 00 00 00 00 00 01 00 01 ff ff fe fb 04");
    bed_close(&bed);
}

static void page_types_and_hears(void **state)
{
    struct bed bed;
    uint8_t msg[4096];
    static const uint8_t samples[7680] = {0, 1};
    const struct orl_sound sound = {
            .rate_hz = 48000, .channels = 2, .samples = samples, .len = sizeof(samples)};
    (void)state;
    bed_open(&bed, NULL);
    bed_ready(&bed, raw_only);
    assert_false(bed.caps.has_sound);
    bed.viewer.ops->permit(bed.viewer.viewer, &both);
    assert_int_equal(send(bed.aux_fd, "\x01\x01\x02", 3, 0), 3); /* plays PCM */
    assert_int_equal(send(bed.aux_fd, "\x02\xE2\x82\xAC", 4, 0), 4);
    while (bed.input_count < 2) {
        bed_turn(&bed);
    }
    assert_true(bed.caps.has_sound);
    assert_int_equal(bed.inputs[0].kind, ORL_INPUT_KEYSYM);
    assert_int_equal(bed.inputs[0].code, 0x010020AC);
    bed.viewer.ops->sound(bed.viewer.viewer, &sound);
    assert_int_equal(recv(bed.aux_fd, msg, sizeof(msg), MSG_DONTWAIT), 7);
    assert_memory_equal(msg, "\x01\x02\x02\x80\xbb\x00\x00", 7);
    assert_int_equal(recv(bed.aux_fd, msg, sizeof(msg), MSG_DONTWAIT), 5 + 960 * 4);
    assert_int_equal(msg[0], 2);
    assert_int_equal(send(bed.aux_fd, "\x03\x01", 2, 0), 2); /* nothing that loses */
    assert_int_equal(send(bed.aux_fd, "\x04\x01", 2, 0), 2);
    ssize_t got = -1;
    while ((got = recv(bed.aux_fd, msg, sizeof(msg) - 1, MSG_DONTWAIT)) <= 0 || msg[0] != 3) {
        bed_turn(&bed);
    }
    msg[got] = '\0';
    assert_non_null(strstr((const char *)msg, "\"width\":1024"));
    assert_non_null(strstr((const char *)msg, "\"clipboard\":true"));
    assert_int_equal(send(bed.aux_fd, "\x09", 1, 0), 1);
    assert_true(bed_is_over(&bed));
    assert_int_equal(bed.reason, ORL_REASON_CLIENT_PROTOCOL);
    bed_close(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(browser_logs_in_without_a_name_and_gets_a_picture),
            cmocka_unit_test(refusal_says_why_with_its_code),
            cmocka_unit_test(without_continuous_updates_each_frame_takes_a_request),
            cmocka_unit_test(fences_acknowledge_frames),
            cmocka_unit_test(extended_clipboard_goes_when_somebody_pastes),
            cmocka_unit_test(plain_cut_text_goes_when_it_is_copied),
            cmocka_unit_test(longer_text_than_policy_allows_is_passed_over),
            cmocka_unit_test(keys_and_wheel_are_the_guests),
            cmocka_unit_test(wished_size_is_taken_as_it_is),
            cmocka_unit_test(lock_keys_and_name_of_the_desktop_are_told),
            cmocka_unit_test(page_types_and_hears),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
