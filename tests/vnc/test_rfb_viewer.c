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

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(browser_logs_in_without_a_name_and_gets_a_picture),
            cmocka_unit_test(refusal_says_why_with_its_code),
            cmocka_unit_test(without_continuous_updates_each_frame_takes_a_request),
            cmocka_unit_test(fences_acknowledge_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
