/* Cut text as bytes, and the steps that it makes. */
#include "base/rd.h"
#include "protocols/vnc/vnc_clipboard.h"
#include "protocols/vnc/vnc_sound.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 16, HEAD = 8 };

/* zlib of a length of 5 and "a\r\nb\0", by Python. */
static const uint8_t provided[] = {0x10, 0x00, 0x00, 0x01, 0x78, 0x9C, 0x63, 0x60, 0x60, 0x60, 0x4D,
        0xE4, 0xE5, 0x4A, 0x62, 0x00, 0x00, 0x03, 0x22, 0x00, 0xE0};

static struct orl_vnc_cut *decode(const void *data, size_t len, bool is_extended)
{
    struct orl_vnc_cut *cut = NULL;
    assert_int_equal(orl_vnc_cut_decode(data, len, is_extended, &cut), 0);
    return cut;
}

static void plain_latin1_becomes_utf8(void **state)
{
    (void)state;
    struct orl_vnc_cut *cut = decode("caf\xE9\r\n!", 7, false);
    assert_int_equal(cut->kind, ORL_VNC_CUT_PLAIN);
    assert_int_equal(cut->text.len, 7);
    assert_memory_equal(cut->text.data, "caf\xC3\xA9\n!", 7);
    orl_vnc_cut_free(cut);
}

static void provided_text_loses_cr_and_nul(void **state)
{
    (void)state;
    struct orl_vnc_cut *cut = decode(provided, sizeof(provided), true);
    assert_int_equal(cut->kind, ORL_VNC_CUT_PROVIDE);
    assert_true(cut->has_text);
    assert_int_equal(cut->text.len, 3);
    assert_memory_equal(cut->text.data, "a\nb", 3);
    orl_vnc_cut_free(cut);
}

static void cut_short_and_lying_messages_are_refused_or_empty(void **state)
{
    struct orl_vnc_cut *cut = NULL;
    (void)state;
    for (size_t len = 0; len < sizeof(provided); len++) {
        int rc = orl_vnc_cut_decode(provided, len, true, &cut);
        if (rc == 0) {
            orl_vnc_cut_free(cut);
        } else {
            assert_int_equal(rc, ORL_E_PROTO);
        }
    }
    assert_int_equal(orl_vnc_cut_decode((const uint8_t *)"\0\0\0\1", 4, true, &cut), ORL_E_PROTO);
    cut = decode("a\0b", 3, false); /* ends at the NUL */
    assert_int_equal(cut->text.len, 1);
    orl_vnc_cut_free(cut);
}

static void what_we_provide_is_what_a_peer_reads(void **state)
{
    struct orl_buf buf;
    (void)state;
    for (unsigned is_raw = 0; is_raw < 2; is_raw++) {
        orl_buf_init(&buf, ORL_VNC_CUT_MAX_BYTES + HEAD);
        assert_true(orl_vnc_cut_put_provide(&buf, ORL_VNC_CUT_BY_CLIENT, "x\ny", 3, is_raw != 0));
        struct orl_rd rd;
        orl_rd_init(&rd, buf.data, buf.len);
        assert_int_equal(orl_rd_u32be(&rd), 6U << 24);
        assert_int_equal(0U - orl_rd_u32be(&rd), buf.len - HEAD);
        struct orl_vnc_cut *cut = decode(buf.data + HEAD, buf.len - HEAD, true);
        assert_int_equal(cut->text.len, 3);
        assert_memory_equal(cut->text.data, "x\ny", 3);
        orl_vnc_cut_free(cut);
        orl_buf_fini(&buf);
    }
}

static void text_that_a_server_would_not_take_is_not_put(void **state)
{
    struct orl_buf buf;
    (void)state;
    char *text = malloc(ORL_VNC_CUT_TEXT_MAX);
    assert_non_null(text);
    memset(text, '\n', ORL_VNC_CUT_TEXT_MAX);
    orl_buf_init(&buf, 2 * ORL_VNC_CUT_MAX_BYTES);
    assert_true(
            orl_vnc_cut_put_provide(&buf, ORL_VNC_CUT_BY_CLIENT, text, ORL_VNC_CUT_TEXT_MAX, true));
    assert_in_range(buf.len, ORL_VNC_CUT_TEXT_MAX, ORL_VNC_CUT_MAX_BYTES + HEAD);
    orl_buf_reset(&buf);
    assert_false(orl_vnc_cut_put_provide(
            &buf, ORL_VNC_CUT_BY_CLIENT, text, ORL_VNC_CUT_TEXT_MAX, false));
    assert_int_equal(buf.len, 0);
    orl_buf_fini(&buf);
    free(text);
}

static void plain_text_out_is_latin1_with_marks_for_the_rest(void **state)
{
    struct orl_buf buf;
    (void)state;
    orl_buf_init(&buf, 100);
    orl_vnc_cut_put_plain(&buf, ORL_VNC_CUT_BY_CLIENT, "\xC3\xA9\xE2\x82\xAC!", 6);
    assert_int_equal(buf.len, HEAD + 3);
    assert_memory_equal(buf.data, "\6\0\0\0\0\0\0\3\xE9?!", HEAD + 3);
    orl_buf_fini(&buf);
}

struct rig {
    struct orl_vnc_clipboard clipboard;
    struct orl_clipboard steps[STEPS_MAX];
    unsigned count;
};

static void on_step(void *ctx, const struct orl_clipboard *step)
{
    struct rig *rig = ctx;
    assert_in_range(rig->count, 0, STEPS_MAX - 1);
    rig->steps[rig->count++] = *step;
}

static void hear_server(struct rig *rig, enum orl_vnc_cut_kind kind, const char *text)
{
    struct orl_vnc_cut cut = {.kind = kind, .has_text = text != NULL, .takes_notify = true};
    orl_buf_init(&cut.text, 100);
    orl_buf_put(&cut.text, text, text != NULL ? strlen(text) : 0);
    orl_vnc_clipboard_from_server(&rig->clipboard, &cut);
    orl_buf_fini(&cut.text);
}

static void hear_client(struct rig *rig, enum orl_clipboard_step step, uint32_t serial)
{
    const struct orl_clipboard s = {
            .step = step, .serial = serial, .has_text = true, .text = "mine", .len = 4};
    orl_vnc_clipboard_from_client(&rig->clipboard, &s);
}

static void extended_server_gets_and_gives_on_demand_only(void **state)
{
    struct rig rig = {.count = 0};
    struct orl_buf *out = &rig.clipboard.out;
    (void)state;
    orl_vnc_clipboard_init(&rig.clipboard, on_step, &rig);
    hear_server(&rig, ORL_VNC_CUT_CAPS, "");
    assert_int_equal(out->len, 16);
    hear_server(&rig, ORL_VNC_CUT_CAPS, ""); /* answered once */
    assert_int_equal(out->len, 16);
    orl_buf_reset(out);
    hear_client(&rig, ORL_CLIPBOARD_OFFER, 9);
    assert_memory_equal(out->data, "\6\0\0\0\xFF\xFF\xFF\xFC\x08\0\0\1", 12);
    assert_int_equal(rig.count, 0);
    hear_server(&rig, ORL_VNC_CUT_REQUEST, "");
    assert_int_equal(rig.count, 1);
    assert_int_equal(rig.steps[0].step, ORL_CLIPBOARD_REQUEST);
    assert_int_equal(rig.steps[0].serial, 9);
    orl_buf_reset(out);
    hear_client(&rig, ORL_CLIPBOARD_DATA, 9);
    assert_int_equal(out->data[8], 0x10);
    orl_buf_reset(out);
    hear_server(&rig, ORL_VNC_CUT_NOTIFY, "");
    assert_int_equal(rig.steps[1].step, ORL_CLIPBOARD_OFFER);
    hear_client(&rig, ORL_CLIPBOARD_REQUEST, rig.steps[1].serial);
    assert_memory_equal(out->data, "\6\0\0\0\xFF\xFF\xFF\xFC\x02\0\0\1", 12);
    hear_server(&rig, ORL_VNC_CUT_PROVIDE, "theirs");
    assert_int_equal(rig.count, 3);
    assert_int_equal(rig.steps[2].step, ORL_CLIPBOARD_DATA);
    assert_int_equal(rig.steps[2].len, 6);
    orl_vnc_clipboard_fini(&rig.clipboard);
}

static void plain_server_is_given_the_text_when_it_is_offered(void **state)
{
    struct rig rig = {.count = 0};
    (void)state;
    orl_vnc_clipboard_init(&rig.clipboard, on_step, &rig);
    hear_client(&rig, ORL_CLIPBOARD_OFFER, 1);
    assert_int_equal(rig.steps[0].step, ORL_CLIPBOARD_REQUEST);
    hear_client(&rig, ORL_CLIPBOARD_DATA, 1);
    assert_memory_equal(rig.clipboard.out.data, "\6\0\0\0\0\0\0\4mine", 12);
    orl_vnc_clipboard_fini(&rig.clipboard);
}

static void server_that_reads_nothing_is_sent_no_more(void **state)
{
    struct rig rig = {.count = 0};
    (void)state;
    orl_vnc_clipboard_init(&rig.clipboard, on_step, &rig);
    hear_server(&rig, ORL_VNC_CUT_CAPS, "");
    for (unsigned i = 0; i < 10000; i++) {
        hear_server(&rig, ORL_VNC_CUT_PEEK, "");
    }
    assert_in_range(rig.clipboard.out.len, 1, 4096);
    orl_vnc_clipboard_fini(&rig.clipboard);
}

static void sound_ring_keeps_order_and_drops_what_finds_no_room(void **state)
{
    static struct orl_vnc_sound_ring ring;
    uint8_t in[ORL_VNC_SOUND_RING_BYTES];
    uint8_t out[ORL_VNC_SOUND_RING_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof(in); i++) {
        in[i] = (uint8_t)(i * 7);
    }
    for (unsigned round = 0; round < 5; round++) {
        orl_vnc_sound_put(&ring, in, 12000);
        orl_vnc_sound_put(&ring, in + 12000, 12000);
        orl_vnc_sound_put(&ring, in, 12000); /* does not fit */
        assert_int_equal(orl_vnc_sound_take(&ring, out, 7), 4);
        assert_int_equal(orl_vnc_sound_take(&ring, out + 4, sizeof(out)), 23996);
        assert_memory_equal(out, in, 24000);
        assert_int_equal(orl_vnc_sound_take(&ring, out, sizeof(out)), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(plain_latin1_becomes_utf8),
            cmocka_unit_test(provided_text_loses_cr_and_nul),
            cmocka_unit_test(cut_short_and_lying_messages_are_refused_or_empty),
            cmocka_unit_test(what_we_provide_is_what_a_peer_reads),
            cmocka_unit_test(text_that_a_server_would_not_take_is_not_put),
            cmocka_unit_test(plain_text_out_is_latin1_with_marks_for_the_rest),
            cmocka_unit_test(extended_server_gets_and_gives_on_demand_only),
            cmocka_unit_test(plain_server_is_given_the_text_when_it_is_offered),
            cmocka_unit_test(server_that_reads_nothing_is_sent_no_more),
            cmocka_unit_test(sound_ring_keeps_order_and_drops_what_finds_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
