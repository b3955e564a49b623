#include "display/clipboard.h"
#include "protocols/rdp/rdp_clipboard_wire.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { CAP = 4096 };

static struct orl_clip_pdu parse(const struct orl_buf *buf)
{
    struct orl_clip_pdu pdu;
    assert_int_equal(orl_clip_parse(buf->data, buf->len, &pdu), 0);
    return pdu;
}

/* Through a response and back; max_bytes is the cap of the text that comes back. */
static int go_round(uint32_t format, const char *text, size_t max_bytes, struct orl_buf *ret_text)
{
    struct orl_buf msg;
    orl_buf_init(&msg, orl_clip_response_max(CAP));
    orl_clip_put_text(&msg, format, text, strlen(text));
    assert_false(msg.is_failed);
    const struct orl_clip_pdu pdu = parse(&msg);
    assert_int_equal(pdu.type, ORL_CLIP_DATA_RESPONSE);
    assert_int_equal(pdu.flags, ORL_CLIP_OK);
    orl_buf_init(ret_text, max_bytes);
    int rc = orl_clip_text_of(&pdu, format, ret_text);
    orl_buf_fini(&msg);
    return rc;
}

static void check_text(uint32_t format, const char *text, const char *expected)
{
    struct orl_buf back;
    assert_int_equal(go_round(format, text, CAP, &back), 0);
    assert_int_equal(back.len, strlen(expected));
    assert_true(back.len == 0 || memcmp(back.data, expected, back.len) == 0);
    orl_buf_fini(&back);
}

static void every_character_comes_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "a",
            ("Gr\xC3\xBC\xC3\x9F"
             "e"),
            "\xE2\x82\xAC \xEF\xBF\xBD", "\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF\xF0\x90\x80\x80",
            "one\ntwo\n\nfour\n", "\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        check_text(ORL_CLIP_UNICODE_TEXT, texts[i], texts[i]);
    }
}

static void old_clients_get_latin1(void **state)
{
    (void)state;
    check_text(ORL_CLIP_TEXT,
            "Gr\xC3\xBC\xC3\x9F"
            "e\n",
            "Gr\xC3\xBC\xC3\x9F"
            "e\n");
    check_text(ORL_CLIP_TEXT, "\xE2\x82\xAC\xF0\x9F\x98\x80", "??");
}

static void line_ends_are_crlf_and_the_text_ends_with_nul(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
            5, 0, 1, 0, 10, 0, 0, 0, 'a', 0, '\r', 0, '\n', 0, 'b', 0, 0, 0};
    struct orl_buf msg;
    orl_buf_init(&msg, CAP);
    orl_clip_put_text(&msg, ORL_CLIP_UNICODE_TEXT, "a\nb", 3);
    assert_int_equal(msg.len, sizeof(expected));
    assert_memory_equal(msg.data, expected, sizeof(expected));
    orl_buf_fini(&msg);
}

static void decode_units(const uint16_t *units, size_t count, const char *expected)
{
    struct orl_buf text;
    const struct orl_clip_pdu pdu = {.type = ORL_CLIP_DATA_RESPONSE,
            .flags = ORL_CLIP_OK,
            .body = (const uint8_t *)units,
            .len = count * sizeof(units[0])};
    orl_buf_init(&text, CAP);
    assert_int_equal(orl_clip_text_of(&pdu, ORL_CLIP_UNICODE_TEXT, &text), 0);
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.data, expected, text.len);
    orl_buf_fini(&text);
}

static void half_a_pair_becomes_a_replacement(void **state)
{
    (void)state;
    static const uint16_t high[] = {'a', 0xD83D, 'b', 0};
    static const uint16_t low[] = {0xDE00, 'b', 0};
    static const uint16_t last[] = {'a', 0xD83D};
    static const uint16_t two[] = {0xD83D, 0xD83D, 0xDE00, 0};
    decode_units(high, 4,
            "a\xEF\xBF\xBD"
            "b");
    decode_units(low, 3,
            "\xEF\xBF\xBD"
            "b");
    decode_units(last, 2, "a\xEF\xBF\xBD");
    decode_units(two, 4, "\xEF\xBF\xBD\xF0\x9F\x98\x80");
}

static void what_follows_nul_is_not_text(void **state)
{
    (void)state;
    static const uint16_t units[] = {'a', 0, 'b', 0};
    static const uint16_t without[] = {'a', '\r', '\n', '\r', 'b'};
    decode_units(units, 4, "a");
    decode_units(without, 5, "a\n\nb");
}

static void the_cap_counts_what_the_guest_gets(void **state)
{
    (void)state;
    struct orl_buf back;
    assert_int_equal(go_round(ORL_CLIP_UNICODE_TEXT, "\n\n\n\n", 4, &back), 0);
    assert_int_equal(back.len, 4);
    orl_buf_fini(&back);
    assert_int_equal(go_round(ORL_CLIP_UNICODE_TEXT, "\n\n\n\n\n", 4, &back), ORL_E_LIMIT);
    orl_buf_fini(&back);
    assert_int_equal(go_round(ORL_CLIP_UNICODE_TEXT, "\xC3\xBC\xC3\xBC", 3, &back), ORL_E_LIMIT);
    orl_buf_fini(&back);
    /* The longest response is the longest text's. */
    char lines[101];
    memset(lines, '\n', sizeof(lines) - 1);
    lines[sizeof(lines) - 1] = '\0';
    struct orl_buf msg;
    orl_buf_init(&msg, orl_clip_response_max(sizeof(lines) - 1));
    orl_clip_put_text(&msg, ORL_CLIP_UNICODE_TEXT, lines, sizeof(lines) - 1);
    assert_false(msg.is_failed);
    assert_int_equal(msg.len, orl_clip_response_max(sizeof(lines) - 1));
    orl_buf_fini(&msg);
}

static void lists_are_read_with_long_and_short_names(void **state)
{
    (void)state;
    for (unsigned is_long = 0; is_long < 2; is_long++) {
        struct orl_buf msg;
        orl_buf_init(&msg, CAP);
        orl_clip_put_list(&msg, true, is_long);
        struct orl_clip_pdu pdu = parse(&msg);
        assert_int_equal(pdu.type, ORL_CLIP_FORMAT_LIST);
        assert_int_equal(orl_clip_listed_text(&pdu, is_long), ORL_CLIP_UNICODE_TEXT);
        orl_buf_reset(&msg);
        orl_clip_put_list(&msg, false, is_long);
        pdu = parse(&msg);
        assert_int_equal(orl_clip_listed_text(&pdu, is_long), ORL_CLIP_NO_FORMAT);
        orl_buf_fini(&msg);
    }
    /* "HTML Format" first, then plain text; then a list that ends in a name. */
    static const uint8_t named[] = {0x0A, 0xC1, 0, 0, 'H', 0, 'T', 0, 0, 0, 1, 0, 0, 0, 0, 0};
    struct orl_clip_pdu pdu = {.body = named, .len = sizeof(named)};
    assert_int_equal(orl_clip_listed_text(&pdu, true), ORL_CLIP_TEXT);
    pdu.len = 8;
    assert_int_equal(orl_clip_listed_text(&pdu, true), ORL_CLIP_NO_FORMAT);
}

static void capabilities_say_whether_names_are_long(void **state)
{
    (void)state;
    struct orl_buf msg;
    orl_buf_init(&msg, CAP);
    orl_clip_put_caps(&msg);
    struct orl_clip_pdu pdu = parse(&msg);
    assert_true(orl_clip_has_long_names(&pdu));
    msg.data[20] = 0;
    assert_false(orl_clip_has_long_names(&pdu));
    pdu.len = 10;
    assert_false(orl_clip_has_long_names(&pdu));
    orl_buf_fini(&msg);
}

static void a_length_beyond_the_message_is_refused(void **state)
{
    (void)state;
    struct orl_buf msg;
    struct orl_clip_pdu pdu;
    uint32_t format = 0;
    orl_buf_init(&msg, CAP);
    orl_clip_put_request(&msg, ORL_CLIP_UNICODE_TEXT);
    pdu = parse(&msg);
    assert_int_equal(orl_clip_requested(&pdu, &format), 0);
    assert_int_equal(format, ORL_CLIP_UNICODE_TEXT);
    for (size_t len = 0; len < msg.len; len++) {
        assert_int_equal(orl_clip_parse(msg.data, len, &pdu), ORL_E_PROTO);
    }
    orl_buf_put_u32le(&msg, 0); /* padding, as FreeRDP's clients send it */
    assert_int_equal(parse(&msg).len, 4);
    orl_buf_fini(&msg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_character_comes_back),
            cmocka_unit_test(old_clients_get_latin1),
            cmocka_unit_test(line_ends_are_crlf_and_the_text_ends_with_nul),
            cmocka_unit_test(half_a_pair_becomes_a_replacement),
            cmocka_unit_test(what_follows_nul_is_not_text),
            cmocka_unit_test(the_cap_counts_what_the_guest_gets),
            cmocka_unit_test(lists_are_read_with_long_and_short_names),
            cmocka_unit_test(capabilities_say_whether_names_are_long),
            cmocka_unit_test(a_length_beyond_the_message_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
