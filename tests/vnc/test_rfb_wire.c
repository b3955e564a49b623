/* An RFB client's messages as bytes, and the handshake's. */
#include "protocols/vnc/rfb_auth.h"
#include "protocols/vnc/rfb_aux_wire.h"
#include "protocols/vnc/rfb_put.h"
#include "protocols/vnc/rfb_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static const struct orl_rfb_wire wire = {.has_ext_buttons = true, .cut_max = ORL_RFB_SMALL_MAX};

/* Takes exactly len bytes, and no fewer. */
static struct orl_rfb_msg parse(const void *data, size_t len)
{
    struct orl_rfb_msg msg = {.type = ORL_RFB_MSG_NONE};
    for (size_t part = 0; part < len; part++) {
        assert_int_equal(orl_rfb_parse(&wire, data, part, &msg), 0);
    }
    assert_int_equal(orl_rfb_parse(&wire, data, len, &msg), (int)len);
    return msg;
}

static void formats_and_encodings_are_read(void **state)
{
    static const uint8_t format[] = {
            0, 0, 0, 0, 16, 15, 1, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0, 0, 0, 0};
    static const uint8_t encodings[] = {2, 0, 0, 2, 0, 0, 0, 50, 0xFF, 0xFF, 0xFE, 0xC8};
    (void)state;
    const struct orl_rfb_msg f = parse(format, sizeof(format));
    assert_int_equal(f.type, ORL_RFB_MSG_PIXEL_FORMAT);
    assert_int_equal(f.u.format.bits_per_pixel, 16);
    assert_int_equal(f.u.format.depth, 15);
    assert_true(f.u.format.is_big_endian && f.u.format.is_true_colour);
    assert_int_equal(f.u.format.green_max, 63);
    assert_int_equal(f.u.format.red_shift, 11);
    const struct orl_rfb_msg e = parse(encodings, sizeof(encodings));
    assert_int_equal(e.type, ORL_RFB_MSG_ENCODINGS);
    assert_int_equal(e.u.encodings.count, 2);
    assert_int_equal(e.u.encodings.values[0], 50);
    assert_int_equal(e.u.encodings.values[1], -312);
}

static void more_encodings_than_we_keep_are_passed_over(void **state)
{
    static uint8_t many[4 + 1024 * 4] = {2, 0, 4, 0};
    struct orl_rfb_msg msg;
    (void)state;
    const struct orl_rfb_msg kept = parse(many, sizeof(many));
    assert_int_equal(kept.u.encodings.count, ORL_RFB_ENCODINGS_MAX);
    many[3] = 1; /* 1025 */
    assert_int_equal(orl_rfb_parse(&wire, many, sizeof(many), &msg), ORL_E_PROTO);
}

static void requests_and_input_are_read(void **state)
{
    static const uint8_t request[] = {3, 1, 0, 1, 0, 2, 4, 0, 3, 0};
    static const uint8_t key[] = {4, 1, 0, 0, 0, 0, 0xFF, 0x0D};
    static const uint8_t qemu[] = {255, 0, 0, 1, 0, 0, 0, 'a', 0, 0, 0, 0x1E};
    static const uint8_t pointer[] = {5, 0x81, 0, 10, 0, 20, 0x02};
    (void)state;
    const struct orl_rfb_msg r = parse(request, sizeof(request));
    assert_true(r.type == ORL_RFB_MSG_UPDATE_REQUEST && r.u.area.is_on);
    assert_int_equal(r.u.area.width, 1024);
    const struct orl_rfb_msg k = parse(key, sizeof(key));
    assert_true(k.type == ORL_RFB_MSG_KEY && k.u.key.is_down);
    assert_int_equal(k.u.key.keysym, 0xFF0D);
    assert_int_equal(k.u.key.keycode, 0);
    const struct orl_rfb_msg q = parse(qemu, sizeof(qemu));
    assert_int_equal(q.u.key.keycode, 0x1E);
    const struct orl_rfb_msg p = parse(pointer, sizeof(pointer));
    assert_int_equal(p.u.pointer.buttons, 1 | 1 << 8);
    assert_int_equal(p.u.pointer.y, 20);
}

static void without_the_extension_a_pointer_has_one_mask(void **state)
{
    static const uint8_t pointer[] = {5, 0x81, 0, 10, 0, 20};
    const struct orl_rfb_wire plain = {.cut_max = ORL_RFB_SMALL_MAX};
    struct orl_rfb_msg msg;
    (void)state;
    assert_int_equal(orl_rfb_parse(&plain, pointer, sizeof(pointer), &msg), (int)sizeof(pointer));
    assert_int_equal(msg.u.pointer.buttons, 0x81);
}

static void extensions_are_read(void **state)
{
    static const uint8_t fence[] = {248, 0, 0, 0, 0x80, 0, 0, 1, 2, 'x', 'y'};
    static const uint8_t continuous[] = {150, 1, 0, 0, 0, 0, 4, 0, 3, 0};
    static const uint8_t xvp[] = {250, 0, 1, 2};
    static const uint8_t size[] = {
            251, 0, 5, 0x56, 3, 1, 1, 0, 0, 0, 0, 9, 0, 0, 0, 0, 5, 0x56, 3, 1, 0, 0, 0, 7};
    (void)state;
    const struct orl_rfb_msg f = parse(fence, sizeof(fence));
    assert_int_equal(f.type, ORL_RFB_MSG_FENCE);
    assert_int_equal(f.u.fence.flags, 0x80000001);
    assert_memory_equal(f.u.fence.payload, "xy", 2);
    assert_int_equal(parse(continuous, sizeof(continuous)).type, ORL_RFB_MSG_CONTINUOUS);
    assert_int_equal(parse(xvp, sizeof(xvp)).u.xvp.code, 2);
    const struct orl_rfb_msg s = parse(size, sizeof(size));
    assert_int_equal(s.type, ORL_RFB_MSG_DESKTOP_SIZE);
    assert_int_equal(s.u.desktop.screens[0].id, 9);
    assert_int_equal(s.u.desktop.screens[0].height, 769);
    assert_int_equal(s.u.desktop.screens[0].flags, 7);
}

static void cut_texts_have_a_limit(void **state)
{
    static const uint8_t plain[] = {6, 0, 0, 0, 0, 0, 0, 2, 'h', 'i'};
    static const uint8_t extended[] = {6, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFC, 8, 0, 0, 1};
    static const uint8_t endless[] = {6, 0, 0, 0, 0x80, 0, 0, 0};
    (void)state;
    const struct orl_rfb_msg p = parse(plain, sizeof(plain));
    assert_true(p.type == ORL_RFB_MSG_CUT_TEXT && !p.u.cut.is_extended);
    assert_memory_equal(p.u.cut.data, "hi", 2);
    const struct orl_rfb_msg e = parse(extended, sizeof(extended));
    assert_true(e.u.cut.is_extended && e.u.cut.len == 4);
    const struct orl_rfb_msg s = parse(endless, sizeof(endless));
    assert_int_equal(s.type, ORL_RFB_MSG_SKIP);
    assert_int_equal(s.u.skip_bytes, 0x80000000);
}

static void what_is_no_message_is_refused(void **state)
{
    static const uint8_t fence[] = {248, 0, 0, 0, 0, 0, 0, 0, 65};
    static const uint8_t screens[] = {251, 0, 1, 0, 1, 0, 17, 0};
    static const uint8_t audio[] = {255, 1, 0, 0};
    static const uint8_t types[] = {1, 7, 50, 149, 249, 254};
    struct orl_rfb_msg msg;
    (void)state;
    assert_int_equal(orl_rfb_parse(&wire, fence, sizeof(fence), &msg), ORL_E_PROTO);
    assert_int_equal(orl_rfb_parse(&wire, screens, sizeof(screens), &msg), ORL_E_PROTO);
    assert_int_equal(orl_rfb_parse(&wire, audio, sizeof(audio), &msg), ORL_E_PROTO);
    for (size_t i = 0; i < sizeof(types); i++) {
        assert_int_equal(orl_rfb_parse(&wire, types + i, 1, &msg), ORL_E_PROTO);
    }
}

/* ---- handshake ---- */

struct talk {
    struct orl_rfb_auth auth;
    struct orl_buf out;
};

static void begin(struct talk *talk, bool is_secure_pair)
{
    orl_buf_init(&talk->out, 4096);
    orl_rfb_auth_begin(&talk->auth, is_secure_pair, &talk->out);
    assert_memory_equal(talk->out.data, "RFB 003.008\n", 12);
    orl_buf_reset(&talk->out);
}

static int say(struct talk *talk, const void *data, size_t len)
{
    orl_buf_reset(&talk->out);
    return orl_rfb_auth_step(&talk->auth, data, len, &talk->out);
}

static void end(struct talk *talk)
{
    orl_rfb_auth_fini(&talk->auth);
    orl_buf_fini(&talk->out);
}

static void plain_comes_only_after_tls(void **state)
{
    struct talk talk;
    (void)state;
    begin(&talk, false);
    assert_int_equal(say(&talk, "RFB 003.008\n", 12), 12);
    assert_memory_equal(talk.out.data, "\x01\x13", 2);
    assert_int_equal(say(&talk, "\x13", 1), 1);
    assert_memory_equal(talk.out.data, "\x00\x02", 2);
    assert_int_equal(say(&talk, "\x00\x02", 2), 2);
    assert_memory_equal(talk.out.data, "\x00\x01\x00\x00\x01\x06", 6);
    assert_int_equal(say(&talk, "\x00\x00\x01\x06", 4), 4);
    assert_memory_equal(talk.out.data, "\x01", 1);
    assert_int_equal(talk.auth.state, ORL_RFB_AUTH_TLS);
    static const uint8_t plain[] = {0, 0, 0, 2, 0, 0, 0, 3, 'm', 'e', 'p', 'w', 'd'};
    assert_int_equal(say(&talk, plain, sizeof(plain)), 0); /* not in the clear */
    assert_int_equal(talk.auth.state, ORL_RFB_AUTH_TLS);
    orl_rfb_auth_secured(&talk.auth);
    assert_int_equal(say(&talk, plain, sizeof(plain) - 1), 0);
    assert_int_equal(say(&talk, plain, sizeof(plain)), (int)sizeof(plain));
    assert_string_equal(talk.auth.user, "me");
    assert_string_equal(talk.auth.password, "pwd");
    orl_rfb_auth_answer(&talk.auth, NULL, &talk.out);
    assert_memory_equal(talk.out.data, "\x00\x00\x00\x00", 4);
    assert_string_equal(talk.auth.password, "");
    assert_int_equal(say(&talk, "\x00", 1), 1);
    assert_int_equal(talk.auth.state, ORL_RFB_AUTH_DONE);
    end(&talk);
}

static void network_offers_nothing_else(void **state)
{
    static const uint8_t others[] = {0, 1, 2, 5, 16, 18, 20, 255};
    static const uint32_t subtypes[] = {0, 256, 257, 258, 259, 260, 261, 263};
    struct talk talk;
    (void)state;
    for (size_t i = 0; i < sizeof(others); i++) {
        begin(&talk, false);
        assert_int_equal(say(&talk, "RFB 003.008\n", 12), 12);
        assert_int_equal(say(&talk, others + i, 1), ORL_E_PROTO);
        end(&talk);
    }
    for (size_t i = 0; i < sizeof(subtypes) / sizeof(subtypes[0]); i++) {
        const uint8_t subtype[] = {0, 0, (uint8_t)(subtypes[i] >> 8), (uint8_t)subtypes[i]};
        begin(&talk, false);
        talk.auth.state = ORL_RFB_AUTH_SUBTYPE;
        assert_int_equal(say(&talk, subtype, sizeof(subtype)), ORL_E_UNSUPPORTED);
        assert_memory_equal(talk.out.data, "\x00", 1);
        assert_int_equal(talk.auth.state, ORL_RFB_AUTH_REFUSED);
        end(&talk);
    }
}

static void old_versions_are_told_what_we_need(void **state)
{
    struct talk talk;
    (void)state;
    begin(&talk, false);
    assert_int_equal(say(&talk, "RFB 003.003\n", 12), ORL_E_UNSUPPORTED);
    assert_memory_equal(talk.out.data, "\x00\x00\x00\x00\x00\x00\x00", 7);
    assert_non_null(memmem(talk.out.data, talk.out.len, "VeNCrypt", 8));
    end(&talk);
    begin(&talk, true);
    assert_int_equal(say(&talk, "RFB 003.003\n", 12), 12);
    assert_memory_equal(talk.out.data, "\x00\x00\x00\x01", 4); /* None */
    orl_buf_reset(&talk.out);
    orl_rfb_auth_answer(&talk.auth, NULL, &talk.out);
    assert_int_equal(talk.out.len, 0); /* 7.2.1: no result */
    end(&talk);
}

static void what_is_no_handshake_is_refused(void **state)
{
    static const char *const versions[] = {"RFB 002.008\n", "RFB 003x008\n", "RFB 00a.008\n",
            "GET / HTTP/1", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00"};
    static const uint8_t long_user[] = {0, 0, 1, 0, 0, 0, 0, 0};
    static const uint8_t long_password[] = {0, 0, 0, 0, 0, 0, 2, 0};
    static const uint8_t no_text[] = {0, 0, 0, 2, 0, 0, 0, 0, 0xC3, 0x28};
    struct talk talk;
    (void)state;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        begin(&talk, false);
        assert_int_equal(say(&talk, versions[i], 12), ORL_E_PROTO);
        end(&talk);
    }
    begin(&talk, false);
    talk.auth.state = ORL_RFB_AUTH_PLAIN;
    assert_int_equal(say(&talk, long_user, sizeof(long_user)), ORL_E_PROTO);
    assert_int_equal(say(&talk, long_password, sizeof(long_password)), ORL_E_PROTO);
    assert_int_equal(say(&talk, no_text, sizeof(no_text)), (int)sizeof(no_text));
    assert_string_equal(talk.auth.user, ""); /* nobody */
    end(&talk);
}

/* ---- aux ---- */

static void page_datagrams_are_read_or_refused(void **state)
{
    struct orl_aux_msg msg;
    (void)state;
    assert_int_equal(orl_aux_parse((const uint8_t *)"\x01\x01\x0f", 3, &msg), 0);
    assert_true(msg.type == ORL_AUX_HELLO && msg.u.codecs == 3);
    assert_int_equal(orl_aux_parse((const uint8_t *)"\x02hi", 3, &msg), 0);
    assert_true(msg.type == ORL_AUX_TEXT && msg.u.text.len == 2);
    assert_int_equal(orl_aux_parse((const uint8_t *)"\x03\x02", 2, &msg), 0);
    assert_int_equal(msg.u.quality, ORL_AUX_QUALITY_SAVING);
    static const struct {
        const char *data;
        size_t len;
    } bad[] = {{"", 0}, {"\x00", 1}, {"\x01\x02\x01", 3}, {"\x01\x01", 2}, {"\x01\x01\x01\x01", 4},
            {"\x02", 1}, {"\x02\xff", 2}, {"\x02\x00", 2}, {"\x03\x03", 2}, {"\x04", 1},
            {"\x05\x01", 2}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(
                orl_aux_parse((const uint8_t *)bad[i].data, bad[i].len, &msg), ORL_E_PROTO);
    }
}

static void a_notice_is_its_kind_and_its_words(void **state)
{
    (void)state;
    struct orl_buf buf;
    orl_buf_init(&buf, ORL_AUX_MAX_BYTES);
    orl_aux_put_notice(&buf, "Ends soon.");
    assert_int_equal(buf.len, 11);
    assert_memory_equal(buf.data, "\4Ends soon.", 11);
    orl_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_notice_is_its_kind_and_its_words),
            cmocka_unit_test(formats_and_encodings_are_read),
            cmocka_unit_test(more_encodings_than_we_keep_are_passed_over),
            cmocka_unit_test(requests_and_input_are_read),
            cmocka_unit_test(without_the_extension_a_pointer_has_one_mask),
            cmocka_unit_test(extensions_are_read),
            cmocka_unit_test(cut_texts_have_a_limit),
            cmocka_unit_test(what_is_no_message_is_refused),
            cmocka_unit_test(plain_comes_only_after_tls),
            cmocka_unit_test(network_offers_nothing_else),
            cmocka_unit_test(old_versions_are_told_what_we_need),
            cmocka_unit_test(what_is_no_handshake_is_refused),
            cmocka_unit_test(page_datagrams_are_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
