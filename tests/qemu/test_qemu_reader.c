/* QEMU's frame stream: bytes as a real QEMU 7.2 sent them, any cut of the stream, and lies. */
#include "frames.h"
#include "protocols/qemu/qemu_reader.h"
#include "protocols/qemu/qemu_wire.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ALL_BYTES (8U << 20)

struct rig {
    struct orl_qemu_reader *reader;
    struct orl_buf out;
    unsigned surfaces, damages;
    struct orl_rect box;
    struct orl_cursor cursor;
};

static void on_surface(void *ctx, struct orl_surface *surface)
{
    struct rig *rig = ctx;
    assert_non_null(surface);
    rig->surfaces++;
}

static void on_damage(void *ctx, const struct orl_rect *box)
{
    struct rig *rig = ctx;
    rig->damages++;
    rig->box = *box;
}

static void on_cursor(void *ctx, const struct orl_cursor *cursor)
{
    struct rig *rig = ctx;
    rig->damages++;
    rig->cursor = *cursor;
}

static const struct orl_qemu_reader_events events = {
        .on_surface = on_surface, .on_damage = on_damage, .on_cursor = on_cursor};

static void begin(struct rig *rig)
{
    *rig = (struct rig){0};
    orl_buf_init(&rig->out, ALL_BYTES);
    assert_int_equal(orl_qemu_reader_new(&events, rig, &rig->reader), 0);
}

static void end(struct rig *rig)
{
    orl_qemu_reader_free(rig->reader);
    orl_buf_fini(&rig->out);
}

/* Feeds what was written, at most step bytes at a time. */
static int feed(struct rig *rig, size_t step)
{
    int rc = 0;
    assert_false(rig->out.is_failed);
    for (size_t at = 0; rc == 0 && at < rig->out.len;) {
        struct iovec iov[ORL_QEMU_IOV_MAX];
        unsigned count = orl_qemu_reader_room(rig->reader, iov);
        size_t left = rig->out.len - at < step ? rig->out.len - at : step;
        size_t got = 0;
        for (unsigned i = 0; i < count && left > 0; i++) {
            size_t part = iov[i].iov_len < left ? iov[i].iov_len : left;
            memcpy(iov[i].iov_base, rig->out.data + at + got, part);
            got += part;
            left -= part;
        }
        at += got;
        rc = orl_qemu_reader_got(rig->reader, got);
    }
    orl_buf_reset(&rig->out);
    return rc;
}

static uint32_t pixel(const struct rig *rig, uint32_t x, uint32_t y)
{
    const struct orl_surface *s = orl_qemu_reader_surface(rig->reader);
    uint32_t v = 0;
    memcpy(&v, orl_surface_pixels(s) + y * orl_surface_stride(s) + x * 4U, 4);
    return v;
}

/* Recorded: QEMU 7.2.22, virtio-vga. */
static const char golden_scanout[] =
        "6c01010114c01200020000007000000001016f001b0000002f6f72672f71656d752f446973706c6179312f4c69"
        "73"
        "74656e65720000000000020173001a0000006f72672e71656d752e446973706c6179312e4c697374656e657200"
        "00"
        "000000000801670006757575756179000000000003017300070000005363616e6f757400";
static const char golden_update[] =
        "6c0101011cb40000030000006f00000001016f001b0000002f6f72672f71656d752f446973706c6179312f4c69"
        "73"
        "74656e65720000000000020173001a0000006f72672e71656d752e446973706c6179312e4c697374656e657200"
        "00"
        "000000000801670008696969697575617900000003017300060000005570646174650000";

static size_t from_hex(const char *hex, uint8_t *ret)
{
    size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len; i++) {
        unsigned v = 0;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
        ret[i] = (uint8_t)v;
    }
    return len;
}

static void headers_of_a_real_qemu_are_read(void **state)
{
    (void)state;
    uint8_t data[256];
    struct orl_qemu_header header;
    size_t len = from_hex(golden_scanout, data);
    assert_int_equal(orl_qemu_wire_header(data, len, &header), 0);
    assert_int_equal(header.call, ORL_QEMU_SCANOUT);
    assert_int_equal(header.body_len, 640 * 480 * 4 + 20);
    assert_int_equal(header.serial, 2);
    assert_false(header.wants_reply);
    len = from_hex(golden_update, data);
    assert_int_equal(orl_qemu_wire_header(data, len, &header), 0);
    assert_int_equal(header.call, ORL_QEMU_UPDATE);
    for (size_t cut = 0; cut < len; cut++) {
        assert_int_equal(orl_qemu_wire_header(data, cut, &header), ORL_E_PROTO);
    }
}

static void a_picture_arrives_by_any_cut(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 3, 16, 61, 4096, ALL_BYTES};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct rig rig;
        begin(&rig);
        frames_put_scanout(&rig.out, 50, 40, 0x112233);
        frames_put_update(&rig.out, 10, 20, 7, 5, 0x445566);
        assert_int_equal(feed(&rig, steps[i]), 0);
        assert_int_equal(rig.surfaces, 1);
        assert_int_equal(rig.damages, 1);
        for (uint32_t y = 0; y < 40; y++) {
            for (uint32_t x = 0; x < 50; x++) {
                bool is_in = x >= 10 && x < 17 && y >= 20 && y < 25;
                assert_int_equal(pixel(&rig, x, y), is_in ? 0x445566 : 0x112233);
            }
        }
        assert_false(orl_qemu_reader_is_inside(rig.reader));
        end(&rig);
    }
}

static void a_new_size_is_a_new_surface_and_the_same_size_is_not(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    frames_put_scanout(&rig.out, 50, 40, 1);
    frames_put_scanout(&rig.out, 50, 40, 2);
    assert_int_equal(feed(&rig, ALL_BYTES), 0);
    assert_int_equal(rig.surfaces, 1);
    assert_int_equal(rig.damages, 1);
    frames_put_scanout(&rig.out, 64, 16, 3);
    assert_int_equal(feed(&rig, ALL_BYTES), 0);
    assert_int_equal(rig.surfaces, 2);
    assert_int_equal(pixel(&rig, 63, 15), 3);
    end(&rig);
}

static void a_change_outside_of_the_picture_makes_it_larger(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    frames_put_scanout(&rig.out, 50, 40, 1);
    frames_put_update(&rig.out, 0, 0, 60, 16, 2);
    assert_int_equal(feed(&rig, 100), 0);
    assert_int_equal(rig.surfaces, 2);
    assert_int_equal(pixel(&rig, 59, 15), 2);
    assert_int_equal(pixel(&rig, 0, 16), 1);
    assert_int_equal(pixel(&rig, 59, 39), 0);
    end(&rig);
}

static void a_cursor_has_alpha_and_its_bounds(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    frames_put_cursor(&rig.out, 200, 8, 0x80400000); /* before the first picture */
    frames_put_scanout(&rig.out, 50, 40, 1);
    assert_int_equal(feed(&rig, 1000), 0);
    const struct orl_cursor *cursor = &rig.cursor;
    assert_true(cursor->is_visible);
    assert_int_equal(cursor->width_px, ORL_CURSOR_MAX_PX);
    assert_int_equal(cursor->height_px, 8);
    assert_int_equal(cursor->hot_x, 1);
    assert_int_equal(cursor->hot_y, 7);
    assert_int_equal(cursor->pixels[0], 0x80800000); /* divided by its alpha */
    frames_put_mouse(&rig.out, false);
    assert_int_equal(feed(&rig, 5), 0);
    assert_false(cursor->is_visible);
    end(&rig);
}

/* As QEMU 7.2 tells a head that is off. */
static void nothing_is_no_picture(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    frames_put_update(&rig.out, 0, 0, 0, 0, 0);
    frames_put_scanout(&rig.out, 0, 0, 0);
    assert_int_equal(feed(&rig, 7), 0);
    assert_int_equal(rig.surfaces + rig.damages, 0);
    assert_false(orl_qemu_reader_is_inside(rig.reader));
    end(&rig);
}

static void a_dark_display_is_black(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    frames_put_scanout(&rig.out, 50, 40, 7);
    frames_put_header(&rig.out, "Disable", "", 0);
    assert_int_equal(feed(&rig, 77), 0);
    assert_int_equal(pixel(&rig, 49, 39), 0);
    end(&rig);
}

static void what_wants_an_answer_gets_one(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    frames_put_header(&rig.out, "Nonsense", "s", 3);
    rig.out.data[2] = 0; /* an answer is wanted */
    orl_buf_put(&rig.out, "abc", 3);
    frames_put_scanout(&rig.out, 50, 40, 7);
    assert_int_equal(feed(&rig, 9), 0);
    struct orl_buf *out = orl_qemu_reader_answers(rig.reader);
    size_t header_len = 0;
    assert_int_equal(orl_qemu_wire_measure(out->data, &header_len), 0);
    assert_int_equal(header_len, out->len);
    assert_int_equal(out->data[1], 3); /* an error */
    assert_int_equal(rig.surfaces, 1);
    end(&rig);
}

/* Each is a right picture with one byte, or word, of another value. */
static void lies_end_the_stream(void **state)
{
    (void)state;
    static const struct {
        size_t at; /* from the start; beyond 128: in the body */
        uint32_t value;
        int rc;
    } lies[] = {
            {0, 0x01010142, ORL_E_PROTO},       /* big endian */
            {0, 0x0201016c, ORL_E_PROTO},       /* version */
            {4, 0xffffffff, ORL_E_PROTO},       /* body */
            {4, 19, ORL_E_PROTO},               /* body without its arguments */
            {12, 0xffff, ORL_E_PROTO},          /* fields */
            {12, 3, ORL_E_PROTO},               /* fields cut */
            {20, 0xffffffff, ORL_E_PROTO},      /* a text beyond the header */
            {128 + 0, 0, ORL_E_PROTO},          /* width */
            {128 + 0, 100000, ORL_E_PROTO},     /* width */
            {128 + 4, 0x40000000, ORL_E_PROTO}, /* height */
            {128 + 8, 199, ORL_E_PROTO},        /* stride below a row */
            {128 + 8, 0xfffffffc, ORL_E_PROTO}, /* stride */
            {128 + 12, 0x10020565, ORL_E_UNSUPPORTED},
            {128 + 16, 8001, ORL_E_PROTO}, /* the array's length */
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct rig rig;
        begin(&rig);
        frames_put_scanout(&rig.out, 50, 40, 0);
        for (unsigned b = 0; b < 4; b++) {
            rig.out.data[lies[i].at + b] = (uint8_t)(lies[i].value >> (8 * b));
        }
        assert_int_equal(feed(&rig, ALL_BYTES), lies[i].rc);
        assert_int_equal(rig.surfaces, 0);
        end(&rig);
    }
}

static void a_place_out_of_bounds_ends_the_stream(void **state)
{
    (void)state;
    static const uint32_t places[][2] = {{0x80000000, 0}, {0, 0xffffffff}, {8192, 0}, {8191, 8191}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct rig rig;
        begin(&rig);
        frames_put_scanout(&rig.out, 50, 40, 0);
        frames_put_update(&rig.out, places[i][0], places[i][1], 2, 2, 0);
        assert_true(feed(&rig, ALL_BYTES) < 0);
        end(&rig);
    }
}

static void another_signature_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    frames_put_header(&rig.out, "Scanout", "uuuay", 16);
    assert_int_equal(feed(&rig, ALL_BYTES), ORL_E_PROTO);
    end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(headers_of_a_real_qemu_are_read),
            cmocka_unit_test(a_picture_arrives_by_any_cut),
            cmocka_unit_test(a_new_size_is_a_new_surface_and_the_same_size_is_not),
            cmocka_unit_test(a_change_outside_of_the_picture_makes_it_larger),
            cmocka_unit_test(a_cursor_has_alpha_and_its_bounds),
            cmocka_unit_test(nothing_is_no_picture),
            cmocka_unit_test(a_dark_display_is_black),
            cmocka_unit_test(what_wants_an_answer_gets_one),
            cmocka_unit_test(lies_end_the_stream),
            cmocka_unit_test(a_place_out_of_bounds_ends_the_stream),
            cmocka_unit_test(another_signature_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
