#include "display/clipboard.h"
#include "test_support.h"

/* Everything that waits in out, through the parts, into in. Returns the number of whole steps. */
static unsigned carry(
        struct orl_clipboard_out *out, struct orl_clipboard_in *in, struct orl_clipboard *ret_last)
{
    struct orl_clipboard_part part;
    unsigned whole = 0;
    while (orl_clipboard_out_next(out, &part)) {
        assert_true(orl_clipboard_part_is_valid(&part));
        int rc = orl_clipboard_in_add(in, &part, ret_last, NULL);
        assert_true(rc >= 0);
        whole += rc == 1 ? 1 : 0;
        orl_clipboard_out_sent(out, &part);
    }
    return whole;
}

static void add_text(struct orl_clipboard_out *out, uint32_t serial, const char *text, size_t len)
{
    const struct orl_clipboard data = {.step = ORL_CLIPBOARD_DATA,
            .serial = serial,
            .has_text = true,
            .text = text,
            .len = len};
    assert_int_equal(orl_clipboard_out_add(out, &data, NULL), 0);
}

static void a_text_of_any_length_arrives_whole(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, ORL_CLIPBOARD_PART_MAX - 1, ORL_CLIPBOARD_PART_MAX,
            ORL_CLIPBOARD_PART_MAX + 1, 3 * ORL_CLIPBOARD_PART_MAX, 900000};
    struct orl_clipboard_out out;
    struct orl_clipboard_in in;
    orl_clipboard_out_init(&out);
    orl_clipboard_in_init(&in, 900000);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        char *text = malloc(lengths[i] + 1);
        assert_non_null(text);
        for (size_t at = 0; at < lengths[i]; at++) {
            text[at] = (char)('a' + at % 26);
        }
        struct orl_clipboard got = {0};
        add_text(&out, (uint32_t)i, text, lengths[i]);
        assert_int_equal(carry(&out, &in, &got), 1);
        assert_int_equal(got.step, ORL_CLIPBOARD_DATA);
        assert_int_equal(got.serial, i);
        assert_true(got.has_text);
        assert_int_equal(got.len, lengths[i]);
        assert_true(lengths[i] == 0 || memcmp(got.text, text, lengths[i]) == 0);
        free(text);
    }
    orl_clipboard_out_fini(&out);
    orl_clipboard_in_fini(&in);
}

static void a_text_over_the_cap_cannot_be_had_and_the_next_one_can(void **state)
{
    (void)state;
    char text[20000];
    memset(text, 'x', sizeof(text));
    struct orl_clipboard_out out;
    struct orl_clipboard_in in;
    struct orl_clipboard got = {0};
    orl_clipboard_out_init(&out);
    orl_clipboard_in_init(&in, 10000);
    add_text(&out, 1, text, sizeof(text));
    assert_int_equal(carry(&out, &in, &got), 1);
    assert_false(got.has_text);
    assert_int_equal(got.serial, 1);
    assert_true(in.text.capacity <= 10000);
    add_text(&out, 2, text, 10000);
    assert_int_equal(carry(&out, &in, &got), 1);
    assert_true(got.has_text);
    assert_int_equal(got.len, 10000);
    orl_clipboard_out_fini(&out);
    orl_clipboard_in_fini(&in);
}

static void offers_and_requests_go_before_a_text(void **state)
{
    (void)state;
    struct orl_clipboard_out out;
    struct orl_clipboard_part part;
    orl_clipboard_out_init(&out);
    add_text(&out, 1, "text", 4);
    const struct orl_clipboard request = {.step = ORL_CLIPBOARD_REQUEST, .serial = 7};
    const struct orl_clipboard offer = {.step = ORL_CLIPBOARD_OFFER, .serial = 3, .has_text = true};
    assert_int_equal(orl_clipboard_out_add(&out, &request, NULL), 0);
    assert_int_equal(orl_clipboard_out_add(&out, &offer, NULL), 0);
    static const unsigned order[] = {
            ORL_CLIPBOARD_OFFER, ORL_CLIPBOARD_REQUEST, ORL_CLIPBOARD_DATA};
    for (unsigned i = 0; i < 3; i++) {
        assert_true(orl_clipboard_out_next(&out, &part));
        assert_int_equal(part.step, order[i]);
        orl_clipboard_out_sent(&out, &part);
    }
    assert_false(orl_clipboard_out_next(&out, &part));
    orl_clipboard_out_fini(&out);
}

static void a_later_step_replaces_the_one_that_waits(void **state)
{
    (void)state;
    struct orl_clipboard_out out;
    struct orl_clipboard_in in;
    struct orl_clipboard got = {0};
    orl_clipboard_out_init(&out);
    orl_clipboard_in_init(&in, 100000);
    for (uint32_t serial = 1; serial <= 1000; serial++) {
        const struct orl_clipboard offer = {
                .step = ORL_CLIPBOARD_OFFER, .serial = serial, .has_text = true};
        assert_int_equal(orl_clipboard_out_add(&out, &offer, NULL), 0);
    }
    assert_int_equal(carry(&out, &in, &got), 1);
    assert_int_equal(got.serial, 1000);
    /* A text half sent is given up for the next one, and its receiver takes it so. */
    char text[30000];
    memset(text, 'y', sizeof(text));
    struct orl_clipboard_part part;
    add_text(&out, 1, text, sizeof(text));
    assert_true(orl_clipboard_out_next(&out, &part));
    assert_int_equal(orl_clipboard_in_add(&in, &part, &got, NULL), 0);
    orl_clipboard_out_sent(&out, &part);
    add_text(&out, 2, "new", 3);
    assert_int_equal(carry(&out, &in, &got), 1);
    assert_int_equal(got.serial, 2);
    assert_int_equal(got.len, 3);
    assert_memory_equal(got.text, "new", 3);
    orl_clipboard_out_fini(&out);
    orl_clipboard_in_fini(&in);
}

static struct orl_clipboard_part part_of(
        uint32_t serial, uint32_t total, uint32_t at, const char *text)
{
    return (struct orl_clipboard_part){.step = ORL_CLIPBOARD_DATA,
            .serial = serial,
            .has_text = 1,
            .total = total,
            .at = at,
            .data = (const uint8_t *)text,
            .len = strlen(text)};
}

static void parts_that_do_not_fit_break_the_rules(void **state)
{
    (void)state;
    const struct {
        struct orl_clipboard_part first, second;
    } cases[] = {
            {part_of(1, 8, 0, "abcd"), part_of(2, 8, 4, "efgh")}, /* another text's */
            {part_of(1, 8, 0, "abcd"), part_of(1, 9, 4, "efgh")}, /* another length */
            {part_of(1, 8, 0, "abcd"), part_of(1, 8, 3, "efgh")}, /* twice */
            {part_of(1, 8, 0, "abcd"), part_of(1, 8, 5, "efg")},  /* a hole */
            {part_of(1, 4, 0, "abcd"), part_of(1, 4, 4, "")},     /* after its end */
            {part_of(1, 4, 0, "abcd"), part_of(1, 4, 0, "ab\xFFz")},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct orl_clipboard_in in;
        struct orl_clipboard got;
        orl_clipboard_in_init(&in, 100);
        assert_true(orl_clipboard_in_add(&in, &cases[i].first, &got, NULL) >= 0);
        assert_int_equal(orl_clipboard_in_add(&in, &cases[i].second, &got, NULL), ORL_E_PROTO);
        orl_clipboard_in_fini(&in);
    }
}

static void a_text_with_nul_or_no_utf8_breaks_the_rules(void **state)
{
    (void)state;
    static const char *const texts[] = {"a\0b", "a\xC0\x80", "a\xED\xA0\x80", "a\xC3("};
    for (size_t i = 0; i < 4; i++) {
        struct orl_clipboard_in in;
        struct orl_clipboard got;
        orl_clipboard_in_init(&in, 100);
        const struct orl_clipboard_part part = {.step = ORL_CLIPBOARD_DATA,
                .has_text = 1,
                .total = 3,
                .data = (const uint8_t *)texts[i],
                .len = 3};
        assert_int_equal(orl_clipboard_in_add(&in, &part, &got, NULL), ORL_E_PROTO);
        orl_clipboard_in_fini(&in);
    }
}

static void check_lf(const char *from, const char *to)
{
    char text[64];
    size_t len = strlen(from);
    memcpy(text, from, len);
    assert_int_equal(orl_clipboard_from_crlf(text, len), strlen(to));
    assert_memory_equal(text, to, strlen(to));
}

static void every_kind_of_line_end_becomes_lf(void **state)
{
    (void)state;
    check_lf("", "");
    check_lf("one\r\ntwo\rthree\nfour", "one\ntwo\nthree\nfour");
    check_lf("\r\n\r\n\r", "\n\n\n");
    check_lf("\r\r\n", "\n\n");
    check_lf("\n\r", "\n\n");
}

static void lf_becomes_crlf_and_back(void **state)
{
    (void)state;
    struct rng rng = rng_new("clipboard line ends", 1);
    for (unsigned round = 0; round < 2000; round++) {
        char text[40];
        size_t len = rng_u32(&rng) % sizeof(text);
        for (size_t i = 0; i < len; i++) {
            text[i] = "ab\n"[rng_u32(&rng) % 3];
        }
        struct orl_buf crlf;
        orl_buf_init(&crlf, 2 * sizeof(text));
        assert_int_equal(orl_clipboard_to_crlf(text, len, &crlf), 0);
        for (size_t i = 0; i < crlf.len; i++) {
            assert_true(crlf.data[i] != '\n' || (i > 0 && crlf.data[i - 1] == '\r'));
        }
        assert_int_equal(orl_clipboard_from_crlf((char *)crlf.data, crlf.len), len);
        assert_true(len == 0 || memcmp(crlf.data, text, len) == 0);
        orl_buf_fini(&crlf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_text_of_any_length_arrives_whole),
            cmocka_unit_test(a_text_over_the_cap_cannot_be_had_and_the_next_one_can),
            cmocka_unit_test(offers_and_requests_go_before_a_text),
            cmocka_unit_test(a_later_step_replaces_the_one_that_waits),
            cmocka_unit_test(parts_that_do_not_fit_break_the_rules),
            cmocka_unit_test(a_text_with_nul_or_no_utf8_breaks_the_rules),
            cmocka_unit_test(every_kind_of_line_end_becomes_lf),
            cmocka_unit_test(lf_becomes_crlf_and_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
