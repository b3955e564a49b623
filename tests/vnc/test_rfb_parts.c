/* What of an update is not lossless pixels, byte by byte: encoding 50 with its regions, and the cursor's forms. */
#include "protocols/vnc/rfb_enc.h"
#include "tests/display/test_support.h"

#define WIDTH 640
#define HEIGHT 400

static uint8_t pixels[WIDTH * HEIGHT * 4];
static const uint8_t picture_data[] = {0, 0, 0, 1, 0x65, 0xAB, 0xCD};
static const int32_t h264_list[] = {ORL_RFB_H264, ORL_RFB_TIGHT};

static uint32_t u32_at(const struct orl_buf *wire, size_t at)
{
    return (uint32_t)wire->data[at] << 24 | (uint32_t)wire->data[at + 1] << 16 |
           (uint32_t)wire->data[at + 2] << 8 | wire->data[at + 3];
}

static unsigned u16_at(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static struct orl_rfb_enc *enc_new(bool is_web, const int32_t *list, size_t count)
{
    struct orl_rfb_enc *enc;
    assert_int_equal(orl_rfb_enc_new(is_web, &enc), 0);
    orl_rfb_enc_set_encodings(enc, list, count);
    return enc;
}

static void send_one(struct orl_rfb_enc *enc, const struct orl_op *op, struct orl_buf *wire)
{
    const struct orl_update update = {.frame_id = 1,
            .pixels = pixels,
            .stride_bytes = WIDTH * 4,
            .width_px = WIDTH,
            .height_px = HEIGHT,
            .ops = op,
            .op_count = 1};
    orl_buf_reset(wire);
    assert_int_equal(orl_rfb_enc_update(enc, &update, wire), 0);
}

static struct orl_op h264_op(const struct orl_region *regions, bool is_key)
{
    return (struct orl_op){.kind = ORL_OP_H264,
            .rect = regions->rects[0],
            .picture = {32, 16, 320, 201},
            .data = picture_data,
            .data_len = sizeof(picture_data),
            .coded_width_px = 320,
            .coded_height_px = 208,
            .regions = regions,
            .is_key = is_key};
}

static const struct orl_region one_region = {.rects = {{48, 16, 64, 32}}, .count = 1};

static void a_native_client_gets_the_picture_as_it_was_coded(void **state)
{
    (void)state;
    struct orl_buf wire;
    orl_buf_init(&wire, 1 << 16);
    struct orl_rfb_enc *enc = enc_new(false, h264_list, 2);
    const struct orl_op op = h264_op(&one_region, true);
    send_one(enc, &op, &wire);
    static const uint8_t head[] = {0, 0, 0, 1, 0, 32, 0, 16, 1, 64, 0, 201, 0, 0, 0, 50};
    assert_int_equal(wire.len, sizeof(head) + 8 + sizeof(picture_data));
    assert_memory_equal(wire.data, head, sizeof(head));
    assert_int_equal(u32_at(&wire, 16), sizeof(picture_data));
    assert_memory_equal(wire.data + 24, picture_data, sizeof(picture_data));
    orl_rfb_enc_free(enc);
    orl_buf_fini(&wire);
}

static void the_first_key_resets_all_later_ones_their_own(void **state)
{
    (void)state;
    struct orl_buf wire;
    orl_buf_init(&wire, 1 << 16);
    struct orl_rfb_enc *enc = enc_new(false, h264_list, 2);
    const struct orl_op key = h264_op(&one_region, true);
    const struct orl_op next = h264_op(&one_region, false);
    static const uint32_t wanted[] = {2, 0, 1, 0};
    for (unsigned i = 0; i < 4; i++) {
        send_one(enc, i % 2 == 0 ? &key : &next, &wire);
        assert_int_equal(u32_at(&wire, 20), wanted[i]);
    }
    orl_rfb_enc_reset_h264(enc);
    send_one(enc, &key, &wire);
    assert_int_equal(u32_at(&wire, 20), 2);
    orl_rfb_enc_free(enc);
    orl_buf_fini(&wire);
}

/* The user data of the SEI message that begins the access unit. Returns its length. */
static size_t read_sei(const struct orl_buf *wire, uint8_t *ret, size_t *ret_end)
{
    static const uint8_t begin[] = {0, 0, 0, 1, 6, 5};
    assert_memory_equal(wire->data + 24, begin, sizeof(begin));
    size_t at = 24 + sizeof(begin);
    size_t len = 0;
    for (; wire->data[at] == 255; at++) {
        len += 255;
    }
    len += wire->data[at++];
    unsigned zeros = 0;
    for (size_t got = 0; got < len; at++) {
        if (zeros == 2 && wire->data[at] == 3) {
            zeros = 0;
            continue;
        }
        assert_false(zeros == 2 && wire->data[at] < 3); /* no start code */
        zeros = wire->data[at] == 0 ? zeros + 1 : 0;
        ret[got++] = wire->data[at];
    }
    assert_int_equal(wire->data[at], 0x80);
    *ret_end = at + 1;
    return len;
}

static void our_page_gets_the_regions_before_the_picture(void **state)
{
    (void)state;
    static const char uuid[16] = "oriel-regions\0\0\1";
    struct rng rng = rng_new("rfb_parts", 5);
    struct orl_buf wire;
    orl_buf_init(&wire, 1 << 16);
    struct orl_rfb_enc *enc = enc_new(true, h264_list, 2);
    for (unsigned count = 1; count <= ORL_REGION_MAX; count++) {
        struct orl_region regions = {.count = count};
        for (unsigned i = 0; i < count; i++) {
            regions.rects[i] = (struct orl_rect){32 + rng_in(&rng, 0, 2), 16 + rng_in(&rng, 0, 300),
                    rng_in(&rng, 1, 3) * 256, rng_in(&rng, 1, 2)};
        }
        const struct orl_op op = h264_op(&regions, false);
        uint8_t data[ORL_REGION_MAX * 8 + 18];
        size_t end;
        send_one(enc, &op, &wire);
        assert_int_equal(read_sei(&wire, data, &end), 18 + 8 * count);
        assert_memory_equal(data, uuid, 16);
        assert_int_equal(u16_at(data + 16), count);
        for (unsigned i = 0; i < count; i++) {
            assert_int_equal(u16_at(data + 18 + 8 * i), regions.rects[i].x - 32);
            assert_int_equal(u16_at(data + 20 + 8 * i), regions.rects[i].y - 16);
            assert_int_equal(u16_at(data + 22 + 8 * i), regions.rects[i].width);
            assert_int_equal(u16_at(data + 24 + 8 * i), regions.rects[i].height);
        }
        assert_int_equal(wire.len, end + sizeof(picture_data));
        assert_memory_equal(wire.data + end, picture_data, sizeof(picture_data));
        assert_int_equal(u32_at(&wire, 16), wire.len - 24);
    }
    orl_rfb_enc_free(enc);
    orl_buf_fini(&wire);
}

static struct orl_cursor cursor = {.is_visible = true,
        .width_px = 9,
        .height_px = 2,
        .hot_x = 3,
        .hot_y = 1,
        .pixels = {0xFF102030, 0, 0x80FF8040, 0x7F000000}};

static void a_cursor_with_a_mask_has_the_clients_pixels(void **state)
{
    (void)state;
    static const int32_t list[] = {ORL_RFB_CURSOR};
    static const uint8_t head[] = {
            0, 0, 0, 1, 0, 3, 0, 1, 0, 9, 0, 2, 0xFF, 0xFF, 0xFF, 0x11, 0x30, 0x20, 0x10, 0};
    struct orl_buf wire;
    orl_buf_init(&wire, 4096);
    struct orl_rfb_enc *enc = enc_new(false, list, 1);
    assert_int_equal(orl_rfb_enc_cursor(enc, &cursor, &wire), 0);
    assert_int_equal(wire.len, 16 + 18 * 4 + 4);
    assert_memory_equal(wire.data, head, sizeof(head));
    assert_int_equal(wire.data[16 + 18 * 4], 0xA0); /* opaque from one half on */
    assert_int_equal(wire.data[16 + 18 * 4 + 1], 0);
    const struct orl_rfb_format five = {16, 16, true, true, 31, 63, 31, 11, 5, 0};
    assert_int_equal(orl_rfb_enc_set_format(enc, &five, NULL), 0);
    orl_buf_reset(&wire);
    assert_int_equal(orl_rfb_enc_cursor(enc, &cursor, &wire), 0);
    assert_int_equal(wire.len, 16 + 18 * 2 + 4);
    assert_int_equal(u16_at(wire.data + 16), 2 << 11 | 8 << 5 | 6);
    orl_rfb_enc_free(enc);
    orl_buf_fini(&wire);
}

static void a_cursor_with_alpha_keeps_its_shadow(void **state)
{
    (void)state;
    static const int32_t both[] = {ORL_RFB_CURSOR, ORL_RFB_VMWARE_CURSOR, ORL_RFB_CURSOR_ALPHA};
    static const uint8_t vmware[] = {0x57, 0x4d, 0x56, 0x64, 1, 0, 0x10, 0x20, 0x30, 0xFF, 0, 0, 0,
            0, 0xFF, 0x80, 0x40, 0x80};
    static const uint8_t multiplied[] = {0xFF, 0xFF, 0xFE, 0xC6, 0, 0, 0, 0, 0x10, 0x20, 0x30, 0xFF,
            0, 0, 0, 0, 0x80, 0x40, 0x20, 0x80};
    struct orl_buf wire;
    orl_buf_init(&wire, 4096);
    struct orl_rfb_enc *enc = enc_new(true, both, 3);
    assert_int_equal(orl_rfb_enc_cursor(enc, &cursor, &wire), 0);
    assert_int_equal(wire.len, 16 + 2 + 18 * 4);
    assert_memory_equal(wire.data + 12, vmware, sizeof(vmware));
    orl_rfb_enc_set_encodings(enc, both + 2, 1);
    orl_buf_reset(&wire);
    assert_int_equal(orl_rfb_enc_cursor(enc, &cursor, &wire), 0);
    assert_int_equal(wire.len, 16 + 4 + 18 * 4);
    assert_memory_equal(wire.data + 12, multiplied, sizeof(multiplied));
    orl_rfb_enc_free(enc);
    orl_buf_fini(&wire);
}

static void a_hidden_cursor_is_one_transparent_pixel(void **state)
{
    (void)state;
    static const int32_t list[] = {ORL_RFB_VMWARE_CURSOR};
    static const uint8_t wanted[] = {
            0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0x57, 0x4d, 0x56, 0x64, 1, 0, 0, 0, 0, 0};
    struct orl_cursor hidden = cursor;
    struct orl_buf wire;
    hidden.is_visible = false;
    orl_buf_init(&wire, 4096);
    struct orl_rfb_enc *enc = enc_new(true, list, 1);
    assert_int_equal(orl_rfb_enc_cursor(enc, &hidden, &wire), 0);
    assert_int_equal(wire.len, sizeof(wanted));
    assert_memory_equal(wire.data, wanted, sizeof(wanted));
    orl_rfb_enc_set_encodings(enc, NULL, 0);
    orl_buf_reset(&wire);
    assert_int_equal(orl_rfb_enc_cursor(enc, &cursor, &wire), 0);
    assert_int_equal(wire.len, 0); /* it has none of its own */
    orl_rfb_enc_free(enc);
    orl_buf_fini(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_native_client_gets_the_picture_as_it_was_coded),
            cmocka_unit_test(the_first_key_resets_all_later_ones_their_own),
            cmocka_unit_test(our_page_gets_the_regions_before_the_picture),
            cmocka_unit_test(a_cursor_with_a_mask_has_the_clients_pixels),
            cmocka_unit_test(a_cursor_with_alpha_keeps_its_shadow),
            cmocka_unit_test(a_hidden_cursor_is_one_transparent_pixel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
