#include "protocols/rdp/rdp_x224_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* MS-RDPBCGR 4.1.1, as printed there. */
static const uint8_t spec_example[] = {0x03, 0x00, 0x00, 0x2c, 0x27, 0xe0, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x43, 0x6f, 0x6f, 0x6b, 0x69, 0x65, 0x3a, 0x20, 0x6d, 0x73, 0x74, 0x73, 0x68, 0x61,
        0x73, 0x68, 0x3d, 0x65, 0x6c, 0x74, 0x6f, 0x6e, 0x73, 0x0d, 0x0a, 0x01, 0x00, 0x08, 0x00,
        0x00, 0x00, 0x00, 0x00};

/* A request around variable (text and nego); returns its length. */
static size_t make(uint8_t *out, const void *variable, size_t len)
{
    const uint8_t head[] = {3, 0, (uint8_t)((11 + len) >> 8), (uint8_t)(11 + len),
            (uint8_t)(6 + len), 0xE0, 0, 0, 0, 0, 0};
    memcpy(out, head, sizeof(head));
    memcpy(out + sizeof(head), variable, len);
    return sizeof(head) + len;
}

static void specification_example_is_read(void **state)
{
    (void)state;
    struct orl_x224_request request;
    assert_int_equal(orl_x224_parse_request(spec_example, sizeof(spec_example), &request), 44);
    assert_string_equal(request.user, "eltons");
    assert_string_equal(request.route, "");
    assert_true(request.has_nego);
    assert_int_equal(request.protocols, 0);
}

static void every_prefix_needs_more(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(spec_example); len++) {
        struct orl_x224_request request;
        uint8_t *copy = malloc(len + 1); /* so that a sanitizer sees a read beyond */
        assert_non_null(copy);
        memcpy(copy, spec_example, len);
        assert_int_equal(orl_x224_parse_request(copy, len, &request), 0);
        free(copy);
    }
}

static void routing_token_is_not_a_user(void **state)
{
    (void)state;
    static const char text[] = "Cookie: msts=3640205228.15629.0000\r\n\x01\x00\x08\x00\x0B\0\0";
    uint8_t data[ORL_X224_REQUEST_MAX];
    struct orl_x224_request request;
    const size_t len = make(data, text, sizeof(text));
    assert_int_equal(orl_x224_parse_request(data, len, &request), len);
    assert_string_equal(request.user, "");
    assert_string_equal(request.route, "Cookie: msts=3640205228.15629.0000");
    assert_int_equal(request.protocols,
            ORL_X224_PROTOCOL_SSL | ORL_X224_PROTOCOL_HYBRID | ORL_X224_PROTOCOL_HYBRID_EX);
}

static void load_balance_text_is_a_route(void **state)
{
    (void)state;
    static const char text[] = "tsv://MS Terminal Services Plugin.1.demo\r\n";
    uint8_t data[ORL_X224_REQUEST_MAX];
    struct orl_x224_request request;
    const size_t len = make(data, text, sizeof(text) - 1);
    assert_int_equal(orl_x224_parse_request(data, len, &request), len);
    assert_string_equal(request.route, "tsv://MS Terminal Services Plugin.1.demo");
    assert_false(request.has_nego);
}

static void correlation_info_is_skipped(void **state)
{
    (void)state;
    uint8_t variable[8 + 36] = {1, 8, 8, 0, 3, 0, 0, 0, 6, 0, 36, 0};
    uint8_t data[ORL_X224_REQUEST_MAX];
    struct orl_x224_request request;
    const size_t len = make(data, variable, sizeof(variable));
    assert_int_equal(orl_x224_parse_request(data, len, &request), len);
    assert_int_equal(request.flags, 8);
    assert_int_equal(request.protocols, 3);
}

static void a_request_without_any_option_is_whole(void **state)
{
    (void)state;
    uint8_t data[ORL_X224_REQUEST_MAX];
    struct orl_x224_request request;
    const size_t len = make(data, "", 0);
    assert_int_equal(orl_x224_parse_request(data, len, &request), 11);
    assert_false(request.has_nego);
}

static void the_longest_user_fits(void **state)
{
    (void)state;
    char text[248];
    memset(text, 'u', sizeof(text));
    memcpy(text, "Cookie: mstshash=", 17);
    memcpy(text + sizeof(text) - 2, "\r\n", 2);
    uint8_t data[ORL_X224_REQUEST_MAX];
    struct orl_x224_request request;
    assert_int_equal(make(data, text, sizeof(text)), ORL_X224_REQUEST_MAX);
    assert_int_equal(orl_x224_parse_request(data, sizeof(data), &request), ORL_X224_REQUEST_MAX);
    assert_int_equal(strlen(request.user), sizeof(text) - 19);
}

static void foreign_protocols_fail_at_their_first_byte(void **state)
{
    (void)state;
    struct orl_x224_request request;
    assert_int_equal(orl_x224_parse_request("G", 1, &request), ORL_E_PROTO);
    assert_int_equal(orl_x224_parse_request("\x16", 1, &request), ORL_E_PROTO);
}

static void broken_requests_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
    } faults[] = {
            {2, 0xFF},            /* longer than any request */
            {3, 0x0A},            /* shorter than any */
            {3, 0x2B},            /* not what the length indicator says */
            {4, 0x26}, {5, 0xD0}, /* Connection Confirm */
            {10, 0x40},           /* class 4 */
            {30, 0x00},           /* NUL in the name */
            {30, 0xC3},           /* not ASCII */
            {36, 0x02},           /* RDP_NEG_RSP */
            {38, 0x09},           /* its length */
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        uint8_t data[sizeof(spec_example)];
        struct orl_x224_request request;
        memcpy(data, spec_example, sizeof(data));
        data[faults[i].at] = faults[i].value;
        assert_int_equal(orl_x224_parse_request(data, sizeof(data), &request), ORL_E_PROTO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(specification_example_is_read),
            cmocka_unit_test(every_prefix_needs_more),
            cmocka_unit_test(routing_token_is_not_a_user),
            cmocka_unit_test(load_balance_text_is_a_route),
            cmocka_unit_test(correlation_info_is_skipped),
            cmocka_unit_test(a_request_without_any_option_is_whole),
            cmocka_unit_test(the_longest_user_fits),
            cmocka_unit_test(foreign_protocols_fail_at_their_first_byte),
            cmocka_unit_test(broken_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
