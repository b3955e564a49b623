#include "protocols/rdp/rdp_gfx_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void put_u32(uint8_t *at, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(v >> (8 * i));
    }
}

/* CAPS_ADVERTISE with count sets of 4 bytes of data each: version, flags. */
static size_t advertise(uint8_t *out, const uint32_t (*sets)[2], unsigned count)
{
    const size_t len = 10 + count * 12;
    memset(out, 0, len);
    out[0] = 0x12;
    put_u32(out + 4, (uint32_t)len);
    out[8] = (uint8_t)count;
    for (unsigned i = 0; i < count; i++) {
        put_u32(out + 10 + i * 12, sets[i][0]);
        put_u32(out + 14 + i * 12, 4);
        put_u32(out + 18 + i * 12, sets[i][1]);
    }
    return len;
}

static struct orl_gfx_client_pdu parse_caps(const uint32_t (*sets)[2], unsigned count)
{
    uint8_t data[256];
    struct orl_gfx_client_pdu pdu;
    const size_t len = advertise(data, sets, count);
    assert_int_equal(orl_gfx_parse_client(data, len, &pdu), len);
    assert_int_equal(pdu.kind, ORL_GFX_CLIENT_CAPS);
    return pdu;
}

static void the_newest_known_version_is_chosen(void **state)
{
    (void)state;
    const uint32_t sets[][2] = {{ORL_GFX_V8, 0}, {ORL_GFX_V107, 0}, {0x00FF0000, 0},
            {ORL_GFX_V81, ORL_GFX_FLAG_AVC420}};
    const struct orl_gfx_client_pdu pdu = parse_caps(sets, 4);
    assert_int_equal(pdu.caps.version, ORL_GFX_V107);
    assert_true(pdu.has_avc);
}

static void avc_follows_each_versions_flag(void **state)
{
    (void)state;
    static const struct {
        uint32_t set[1][2];
        bool has_avc;
    } cases[] = {
            {{{ORL_GFX_V8, 0xFF}}, false},
            {{{ORL_GFX_V81, 0}}, false},
            {{{ORL_GFX_V81, ORL_GFX_FLAG_AVC420}}, true},
            {{{ORL_GFX_V10, ORL_GFX_FLAG_AVC_DISABLED}}, false},
            {{{ORL_GFX_V10, 0}}, true},
            {{{ORL_GFX_V101, ORL_GFX_FLAG_AVC_DISABLED}}, true},
            {{{ORL_GFX_V107, ORL_GFX_FLAG_AVC_DISABLED}}, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse_caps(cases[i].set, 1).has_avc, cases[i].has_avc);
    }
}

static void unknown_versions_leave_none(void **state)
{
    (void)state;
    const uint32_t sets[][2] = {{0x12345678, 0}};
    assert_int_equal(parse_caps(sets, 1).caps.version, 0);
}

static void acknowledgement_is_read(void **state)
{
    (void)state;
    uint8_t data[20] = {0x0D, 0, 0, 0, 20};
    struct orl_gfx_client_pdu pdu;
    put_u32(data + 8, ORL_GFX_ACKS_SUSPENDED);
    put_u32(data + 12, 7);
    assert_int_equal(orl_gfx_parse_client(data, sizeof(data), &pdu), 20);
    assert_int_equal(pdu.kind, ORL_GFX_CLIENT_ACK);
    assert_int_equal(pdu.queue_depth, ORL_GFX_ACKS_SUSPENDED);
    assert_int_equal(pdu.frame_id, 7);
}

static void lengths_that_lie_are_refused(void **state)
{
    (void)state;
    const uint32_t sets[][2] = {{ORL_GFX_V8, 0}};
    uint8_t data[64];
    struct orl_gfx_client_pdu pdu;
    const size_t len = advertise(data, sets, 1);
    for (size_t cut = 0; cut < len; cut++) {
        assert_int_equal(orl_gfx_parse_client(data, cut, &pdu), ORL_E_PROTO);
    }
    put_u32(data + 4, 7); /* below the header */
    assert_int_equal(orl_gfx_parse_client(data, len, &pdu), ORL_E_PROTO);
    (void)advertise(data, sets, 1);
    put_u32(data + 14, 0xFFFFFFF0); /* of the set */
    assert_int_equal(orl_gfx_parse_client(data, len, &pdu), ORL_E_PROTO);
    (void)advertise(data, sets, 1);
    data[9] = 0xFF; /* sets */
    assert_int_equal(orl_gfx_parse_client(data, len, &pdu), ORL_E_PROTO);
    data[0] = 0x01; /* a PDU of the server's */
    assert_int_equal(orl_gfx_parse_client(data, len, &pdu), ORL_E_PROTO);
}

static void reset_has_its_fixed_length(void **state)
{
    (void)state;
    struct orl_buf buf;
    orl_buf_init(&buf, 1024);
    const struct orl_layout one = orl_layout_one(640, 480);
    orl_gfx_put_reset(&buf, &one);
    assert_false(buf.is_failed);
    assert_int_equal(buf.len, 340);
    const uint8_t head[] = {0x0E, 0, 0, 0, 0x54, 1, 0, 0, 0x80, 2, 0, 0, 0xE0, 1, 0, 0, 1, 0, 0, 0};
    assert_memory_equal(buf.data, head, sizeof(head));
    const uint8_t monitor[] = {
            0x7F, 2, 0, 0, 0xDF, 1, 0, 0, 1, 0, 0, 0}; /* right, bottom: inclusive */
    assert_memory_equal(buf.data + 28, monitor, sizeof(monitor));
    orl_buf_fini(&buf);
}

static void fill_and_copy_match_the_specification(void **state)
{
    (void)state;
    struct orl_buf buf;
    const struct orl_rect rect = {1, 2, 3, 4};
    orl_buf_init(&buf, 1024);
    orl_gfx_put_fill(&buf, 5, 0x00112233, &rect);
    const uint8_t fill[] = {
            4, 0, 0, 0, 24, 0, 0, 0, 5, 0, 0x33, 0x22, 0x11, 0, 1, 0, 1, 0, 2, 0, 4, 0, 6, 0};
    assert_int_equal(buf.len, sizeof(fill));
    assert_memory_equal(buf.data, fill, sizeof(fill));
    orl_buf_reset(&buf);
    orl_gfx_put_copy(&buf, 5, 5, &rect, 7, 8);
    const uint8_t copy[] = {
            5, 0, 0, 0, 26, 0, 0, 0, 5, 0, 5, 0, 7, 0, 8, 0, 10, 0, 12, 0, 1, 0, 1, 0, 2, 0};
    assert_int_equal(buf.len, sizeof(copy));
    assert_memory_equal(buf.data, copy, sizeof(copy));
    orl_buf_fini(&buf);
}

static void avc_regions_are_clipped_to_the_surface(void **state)
{
    (void)state;
    struct orl_buf buf;
    struct orl_region region = {.count = 2, .rects = {{0, 0, 16, 16}, {90, 40, 32, 32}}};
    const struct orl_rect all = {0, 0, 100, 50};
    orl_buf_init(&buf, 1024);
    orl_gfx_put_avc420(&buf, 1, &all, &region, 20, (const uint8_t *)"abcd", 4);
    assert_int_equal(buf.len, 8 + 17 + 4 + 2 * 10 + 4);
    const uint8_t body[] = {28, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 16, 0, 16, 0, 90, 0, 40, 0, 100, 0,
            50, 0, 20, 80, 20, 80, 'a', 'b', 'c', 'd'};
    assert_memory_equal(buf.data + 21, body, sizeof(body));
    orl_buf_fini(&buf);
}

static void long_messages_are_segmented(void **state)
{
    (void)state;
    static uint8_t data[65536];
    struct orl_buf buf;
    orl_buf_init(&buf, 70000);
    orl_gfx_wrap(&buf, data, 65535);
    assert_int_equal(buf.len, 65537);
    assert_int_equal(buf.data[0], 0xE0);
    orl_buf_reset(&buf);
    orl_gfx_wrap(&buf, data, 65536);
    const uint8_t head[] = {0xE1, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 4};
    assert_memory_equal(buf.data, head, sizeof(head));
    assert_int_equal(buf.len, 7 + 5 + 65535 + 5 + 1);
    orl_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_newest_known_version_is_chosen),
            cmocka_unit_test(avc_follows_each_versions_flag),
            cmocka_unit_test(unknown_versions_leave_none),
            cmocka_unit_test(acknowledgement_is_read),
            cmocka_unit_test(lengths_that_lie_are_refused),
            cmocka_unit_test(reset_has_its_fixed_length),
            cmocka_unit_test(fill_and_copy_match_the_specification),
            cmocka_unit_test(avc_regions_are_clipped_to_the_surface),
            cmocka_unit_test(long_messages_are_segmented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
