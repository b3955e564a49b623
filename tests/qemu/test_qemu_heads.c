/* Two heads as one picture: when they become one, where each lies, what is copied. */
#include "protocols/qemu/qemu_heads.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct rig {
    struct orl_qemu_heads *heads;
    struct orl_surface *seen; /* the last one told; not to be used after the next */
    unsigned surfaces, damages;
};

static void on_surface(void *ctx, struct orl_surface *surface)
{
    struct rig *rig = ctx;
    rig->seen = surface;
    rig->surfaces++;
}

static void on_damage(void *ctx)
{
    ((struct rig *)ctx)->damages++;
}

static void on_failed(void *ctx)
{
    (void)ctx;
    fail();
}

static const struct orl_qemu_heads_events events = {
        .on_surface = on_surface, .on_damage = on_damage, .on_failed = on_failed};

/* The second monitor is left of the first, and lower. */
static const struct orl_layout two = {.count = 2, .heads = {{100, 0, 200, 150}, {0, 20, 100, 80}}};

static struct orl_surface *make(uint32_t width, uint32_t height, uint8_t colour)
{
    struct orl_surface *surface = NULL;
    assert_int_equal(orl_surface_create(width, height, &surface, NULL), 0);
    memset(orl_surface_pixels_rw(surface), colour, orl_surface_stride(surface) * height);
    return surface;
}

static uint8_t colour_at(const struct orl_surface *surface, uint32_t x, uint32_t y)
{
    return orl_surface_pixels(surface)[y * orl_surface_stride(surface) + x * 4];
}

static void begin(struct rig *rig)
{
    *rig = (struct rig){0};
    assert_int_equal(orl_qemu_heads_new(&events, rig, &rig->heads), 0);
}

static void one_head_is_its_own_surface(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    struct orl_surface *first = make(200, 150, 1);
    struct orl_surface *second = make(640, 480, 2);
    orl_qemu_heads_set_surface(rig.heads, 1, second); /* before the first, and nobody asked */
    assert_int_equal(rig.surfaces, 0);
    orl_qemu_heads_set_surface(rig.heads, 0, first);
    assert_ptr_equal(rig.seen, first);
    const struct orl_rect box = {5, 5, 10, 10};
    orl_qemu_heads_damage(rig.heads, 1, &box);
    assert_int_equal(rig.damages, 0);
    orl_qemu_heads_damage(rig.heads, 0, &box);
    assert_int_equal(rig.damages, 1);
    int32_t x = 150;
    int32_t y = 20;
    orl_qemu_heads_to_first(rig.heads, &x, &y);
    assert_int_equal(x, 150);
    assert_int_equal(y, 20);
    orl_qemu_heads_free(rig.heads);
    orl_surface_free(first);
    orl_surface_free(second);
}

static void both_are_one_when_the_guest_has_followed(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    struct orl_surface *first = make(200, 150, 1);
    struct orl_surface *early = make(640, 480, 9); /* QEMU's own, until the guest follows */
    struct orl_surface *second = make(100, 80, 2);
    orl_qemu_heads_set_surface(rig.heads, 0, first);
    orl_qemu_heads_set_surface(rig.heads, 1, early);
    orl_qemu_heads_set_layout(rig.heads, &two);
    assert_ptr_equal(rig.seen, first);
    orl_qemu_heads_set_surface(rig.heads, 1, second);
    assert_int_equal(orl_surface_width(rig.seen), 300);
    assert_int_equal(orl_surface_height(rig.seen), 150);
    assert_int_equal(colour_at(rig.seen, 100, 0), 1);
    assert_int_equal(colour_at(rig.seen, 299, 149), 1);
    assert_int_equal(colour_at(rig.seen, 0, 20), 2);
    assert_int_equal(colour_at(rig.seen, 99, 99), 2);
    assert_int_equal(colour_at(rig.seen, 0, 19), 0); /* no monitor is there */
    memset(orl_surface_pixels_rw(second), 7, orl_surface_stride(second) * 80);
    const struct orl_rect box = {10, 10, 20, 5};
    orl_qemu_heads_damage(rig.heads, 1, &box);
    assert_int_equal(colour_at(rig.seen, 10, 30), 7);
    assert_int_equal(colour_at(rig.seen, 29, 34), 7);
    assert_int_equal(colour_at(rig.seen, 30, 30), 2);
    assert_int_equal(colour_at(rig.seen, 10, 35), 2);
    const struct orl_layout one = orl_layout_one(200, 150);
    orl_qemu_heads_set_layout(rig.heads, &one);
    assert_ptr_equal(rig.seen, first);
    orl_qemu_heads_free(rig.heads);
    orl_surface_free(first);
    orl_surface_free(early);
    orl_surface_free(second);
}

static void a_head_of_another_size_is_left_out_again(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    struct orl_surface *first = make(200, 150, 1);
    struct orl_surface *second = make(100, 80, 2);
    struct orl_surface *other = make(320, 200, 3);
    orl_qemu_heads_set_layout(rig.heads, &two);
    orl_qemu_heads_set_surface(rig.heads, 0, first);
    orl_qemu_heads_set_surface(rig.heads, 1, second);
    assert_int_equal(orl_surface_width(rig.seen), 300);
    orl_qemu_heads_set_surface(rig.heads, 0, other);
    assert_ptr_equal(rig.seen, other);
    orl_qemu_heads_free(rig.heads);
    orl_surface_free(first);
    orl_surface_free(second);
    orl_surface_free(other);
}

static void the_cursor_goes_with_what_is_seen(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    struct orl_cursor *cursor = calloc(1, sizeof(*cursor));
    struct orl_surface *reader = NULL;
    *cursor = (struct orl_cursor){.is_visible = true, .width_px = 2, .height_px = 2};
    cursor->pixels[3] = 0xFF123456;
    struct orl_surface *first = make(200, 150, 1);
    struct orl_surface *second = make(100, 80, 2);
    orl_qemu_heads_set_cursor(rig.heads, cursor); /* before any picture */
    orl_qemu_heads_set_layout(rig.heads, &two);
    orl_qemu_heads_set_surface(rig.heads, 0, first);
    orl_qemu_heads_set_surface(rig.heads, 1, second);
    memset(cursor, 0, sizeof(*cursor));
    assert_int_equal(orl_surface_open(dup(orl_surface_fd(rig.seen)), &reader, NULL), 0);
    assert_true(orl_surface_take_cursor(reader, cursor));
    assert_int_equal(cursor->pixels[3], 0xFF123456);
    orl_surface_free(reader);
    free(cursor);
    orl_qemu_heads_free(rig.heads);
    orl_surface_free(first);
    orl_surface_free(second);
}

static void places_are_those_of_the_guests_desktop(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    struct orl_surface *first = make(200, 150, 1);
    struct orl_surface *second = make(100, 80, 2);
    orl_qemu_heads_set_layout(rig.heads, &two);
    orl_qemu_heads_set_surface(rig.heads, 0, first);
    orl_qemu_heads_set_surface(rig.heads, 1, second);
    static const struct {
        int32_t x, y, guest_x, guest_y;
    } places[] = {{100, 0, 0, 0}, {299, 149, 199, 149}, {0, 20, 200, 0}, {99, 99, 299, 79},
            {0, 0, 0, 0} /* beside both */, {50, 149, 0, 149}};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        int32_t x = places[i].x;
        int32_t y = places[i].y;
        orl_qemu_heads_to_first(rig.heads, &x, &y);
        assert_int_equal(x, places[i].guest_x * 200 / 300);
        assert_int_equal(y, places[i].guest_y);
    }
    orl_qemu_heads_free(rig.heads);
    orl_surface_free(first);
    orl_surface_free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(one_head_is_its_own_surface),
            cmocka_unit_test(both_are_one_when_the_guest_has_followed),
            cmocka_unit_test(a_head_of_another_size_is_left_out_again),
            cmocka_unit_test(the_cursor_goes_with_what_is_seen),
            cmocka_unit_test(places_are_those_of_the_guests_desktop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
