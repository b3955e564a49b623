#include "display/surface.h"
#include "display/surface_priv.h"
#include "test_support.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

struct pair {
    struct orl_surface *writer, *reader;
};

static void pair_open(struct pair *p, uint32_t width, uint32_t height)
{
    assert_int_equal(orl_surface_create(width, height, &p->writer, NULL), 0);
    int fd = dup(orl_surface_fd(p->writer));
    assert_true(fd >= 0);
    assert_int_equal(orl_surface_open(fd, &p->reader, NULL), 0);
}

static void pair_close(struct pair *p)
{
    orl_surface_free(p->writer);
    orl_surface_free(p->reader);
}

static struct orl_surface_header *header_of(struct pair *p)
{
    return (struct orl_surface_header *)(void *)(orl_surface_pixels_rw(p->writer) -
                                                 ORL_SURFACE_HEADER_BYTES);
}

static void take(struct pair *p, struct orl_region *region)
{
    orl_region_clear(region);
    orl_surface_take_damage(p->reader, region);
}

static bool is_all(const struct pair *p, const struct orl_region *region)
{
    return region->count == 1 && region->rects[0].x == 0 && region->rects[0].y == 0 &&
           region->rects[0].width == (int32_t)orl_surface_width(p->reader) &&
           region->rects[0].height == (int32_t)orl_surface_height(p->reader);
}

static void reader_sees_pixels_and_geometry(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, 100, 50);
    assert_int_equal(orl_surface_width(p.reader), 100);
    assert_int_equal(orl_surface_height(p.reader), 50);
    assert_int_equal(orl_surface_stride(p.reader), 448);
    uint8_t *px = orl_surface_pixels_rw(p.writer);
    assert_int_equal(px[0], 0);
    px[448 * 49 + 399] = 77;
    assert_int_equal(orl_surface_pixels(p.reader)[448 * 49 + 399], 77);
    pair_close(&p);
}

static void sizes_out_of_range_are_refused(void **state)
{
    (void)state;
    struct orl_surface *s = NULL;
    static const uint32_t bad[][2] = {{15, 100}, {100, 15}, {8193, 100}, {100, 8193}, {8192, 8192},
            {0, 0}, {UINT32_MAX, UINT32_MAX}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(orl_surface_create(bad[i][0], bad[i][1], &s, NULL), ORL_E_INVAL);
    }
    assert_null(s);
    orl_surface_free(NULL);
}

static void damage_arrives_once_clipped_and_in_full_at_first(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, 640, 480);
    struct orl_region region;
    take(&p, &region);
    assert_true(is_all(&p, &region));
    take(&p, &region);
    assert_true(orl_region_is_empty(&region));
    const struct orl_rect r = {630, -5, 100, 20};
    orl_surface_damage(p.writer, &r);
    take(&p, &region);
    assert_int_equal(region.count, 1);
    const struct orl_rect clipped = {630, 0, 10, 15};
    assert_memory_equal(&region.rects[0], &clipped, sizeof(clipped));
    const struct orl_rect outside = {700, 0, 10, 10};
    orl_surface_damage(p.writer, &outside);
    take(&p, &region);
    assert_true(orl_region_is_empty(&region));
    pair_close(&p);
}

static void reader_that_fell_behind_sees_everything_damaged(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, 640, 480);
    struct orl_region region;
    take(&p, &region);
    const struct orl_rect r = {1, 1, 1, 1};
    for (unsigned i = 0; i < ORL_SURFACE_RING - 1; i++) {
        orl_surface_damage(p.writer, &r);
    }
    take(&p, &region);
    assert_int_equal(region.count, 1);
    assert_false(is_all(&p, &region));
    for (unsigned i = 0; i < ORL_SURFACE_RING + 1; i++) {
        orl_surface_damage(p.writer, &r);
    }
    take(&p, &region);
    assert_true(is_all(&p, &region));
    take(&p, &region);
    assert_true(orl_region_is_empty(&region));
    pair_close(&p);
}

/* Few are kept apart, however many there are the region covers each; of very many, the box around them. */
static void scattered_damage_is_covered_and_very_much_of_it_is_one_box(void **state)
{
    (void)state;
    static const unsigned counts[] = {40, 90, 200};
    static const struct orl_rect around = {8, 16, 8 + 49 * 12, 3 * 40 + 8};
    for (unsigned k = 0; k < 3; k++) {
        struct pair p;
        struct orl_region region;
        pair_open(&p, 640, 480);
        take(&p, &region);
        for (unsigned i = 0; i < counts[k]; i++) {
            const struct orl_rect r = {
                    8 + (int32_t)(i % 50) * 12, 16 + (int32_t)(i / 50) * 40, 8, 8};
            orl_surface_damage(p.writer, &r);
        }
        take(&p, &region);
        for (unsigned i = 0; i < counts[k]; i++) {
            const struct orl_rect r = {
                    8 + (int32_t)(i % 50) * 12, 16 + (int32_t)(i / 50) * 40, 8, 8};
            unsigned in = 0;
            for (unsigned n = 0; n < region.count; n++) {
                in += orl_rect_contains(&region.rects[n], &r);
            }
            assert_true(in > 0);
        }
        assert_int_equal(region.count, k == 0 ? 40 : k == 1 ? ORL_REGION_MAX : 1);
        assert_true(k < 2 || orl_rect_contains(&around, &region.rects[0]));
        pair_close(&p);
    }
}

static void hostile_heads_and_rectangles_stay_inside(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, 640, 480);
    struct orl_region region;
    take(&p, &region);
    struct rng rng = rng_new("surface", 1);
    const struct orl_rect picture = {0, 0, 640, 480};
    for (int i = 0; i < 2000; i++) {
        uint64_t head = atomic_load(&header_of(&p)->damage_head);
        uint64_t jump =
                rng_u32(&rng) % 3 == 0 ? (uint64_t)rng_u32(&rng) << 32 : rng_u32(&rng) % 300;
        for (unsigned k = 0; k < ORL_SURFACE_RING; k++) {
            atomic_store(&header_of(&p)->ring[k], (uint64_t)rng_u32(&rng) << 32 | rng_u32(&rng));
        }
        atomic_store(&header_of(&p)->damage_head, head + jump);
        take(&p, &region);
        for (unsigned k = 0; k < region.count; k++) {
            assert_true(orl_rect_contains(&picture, &region.rects[k]));
        }
    }
    header_of(&p)->width_px = 8192; /* geometry was read once */
    header_of(&p)->height_px = 5000;
    header_of(&p)->stride_bytes = 1;
    assert_int_equal(orl_surface_width(p.reader), 640);
    assert_int_equal(orl_surface_stride(p.reader), 2560);
    pair_close(&p);
}

static void cursor_arrives_once_and_bad_ones_never(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, 64, 64);
    static struct orl_cursor c;
    static struct orl_cursor got;
    assert_false(orl_surface_take_cursor(p.reader, &got));
    c = (struct orl_cursor){.is_visible = true, .width_px = 3, .height_px = 2, .hot_x = 2};
    c.pixels[5] = 0x80FF0102;
    orl_surface_set_cursor(p.writer, &c);
    assert_true(orl_surface_take_cursor(p.reader, &got));
    assert_int_equal(got.width_px, 3);
    assert_int_equal(got.hot_x, 2);
    assert_int_equal(got.pixels[5], 0x80FF0102);
    assert_true(got.is_visible);
    assert_false(orl_surface_take_cursor(p.reader, &got));
    c.hot_x = 3;
    orl_surface_set_cursor(p.writer, &c);
    assert_false(orl_surface_take_cursor(p.reader, &got));
    c.hot_x = 0;
    orl_surface_set_cursor(p.writer, &c);
    atomic_store(&header_of(&p)->cursor_width_px, 129);
    assert_false(orl_surface_take_cursor(p.reader, &got));
    atomic_store(&header_of(&p)->cursor_width_px, 3);
    atomic_fetch_add(&header_of(&p)->cursor_seq, 1); /* a writer that died half-way */
    assert_false(orl_surface_take_cursor(p.reader, &got));
    pair_close(&p);
}

static void unsealed_short_or_false_files_are_refused(void **state)
{
    (void)state;
    struct orl_surface *s = NULL;
    assert_int_equal(
            orl_surface_open(open("/dev/null", O_RDONLY | O_CLOEXEC), &s, NULL), ORL_E_PROTO);
    assert_int_equal(orl_surface_open(-1, &s, NULL), ORL_E_PROTO);
    const off_t bytes = ORL_SURFACE_HEADER_BYTES + 448 * 50;
    for (int step = 0; step < 5; step++) {
        int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, step == 1 ? ORL_SURFACE_HEADER_BYTES : bytes), 0);
        const struct orl_surface_header good = {.magic = ORL_SURFACE_MAGIC,
                .version = ORL_SURFACE_VERSION,
                .width_px = 100,
                .height_px = step == 3 ? 51 : 50,
                .stride_bytes = step == 4 ? 400 : 448};
        if (step != 2) {
            assert_int_equal(pwrite(fd, &good, 24, 0), 24);
        }
        if (step != 0) {
            assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
        }
        struct orl_err err;
        assert_int_equal(orl_surface_open(dup(fd), &s, &err), ORL_E_PROTO);
        assert_null(s);
        close(fd);
    }
}

static void who_has_the_fd_can_neither_write_nor_resize(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, 64, 64);
    int fd = orl_surface_fd(p.writer);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(pwrite(fd, "x", 1, 0), -1);
    void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_equal(map, MAP_FAILED);
    map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    assert_int_equal(mprotect(map, 4096, PROT_READ | PROT_WRITE), -1);
    munmap(map, 4096);
    pair_close(&p);
}

#define RACE_RECTS 200000

struct race {
    struct orl_surface *writer;
    atomic_bool is_done;
};

static struct orl_rect race_rect(uint64_t i)
{
    uint32_t at = (uint32_t)(i * 7919 % (640 * 480));
    return (struct orl_rect){(int32_t)(at % 640), (int32_t)(at / 640), 1, 1};
}

static void *write_damage(void *arg)
{
    struct race *race = arg;
    for (uint64_t i = 0; i < RACE_RECTS; i++) {
        const struct orl_rect r = race_rect(i);
        orl_surface_damage(race->writer, &r);
        if (i % 100 == 99) { /* bursts that overtake a reader in the middle of the ring */
            usleep(50);
        }
    }
    atomic_store(&race->is_done, true);
    return NULL;
}

/* What was published before a call is in that call's region or in the one before. */
static void racing_reader_misses_no_damage(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, 640, 480);
    struct orl_region regions[2];
    take(&p, &regions[0]);
    orl_region_clear(&regions[0]);
    struct race race = {.writer = p.writer};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_damage, &race), 0);
    uint64_t checked = 0;
    for (unsigned n = 1; checked < RACE_RECTS; n++) {
        uint64_t head = atomic_load(&header_of(&p)->damage_head);
        take(&p, &regions[n % 2]);
        for (; checked < head; checked++) {
            const struct orl_rect r = race_rect(checked);
            assert_true(orl_region_intersects(&regions[0], &r) ||
                        orl_region_intersects(&regions[1], &r));
        }
    }
    pthread_join(thread, NULL);
    assert_true(atomic_load(&race.is_done));
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(reader_sees_pixels_and_geometry),
            cmocka_unit_test(sizes_out_of_range_are_refused),
            cmocka_unit_test(damage_arrives_once_clipped_and_in_full_at_first),
            cmocka_unit_test(reader_that_fell_behind_sees_everything_damaged),
            cmocka_unit_test(scattered_damage_is_covered_and_very_much_of_it_is_one_box),
            cmocka_unit_test(hostile_heads_and_rectangles_stay_inside),
            cmocka_unit_test(cursor_arrives_once_and_bad_ones_never),
            cmocka_unit_test(unsealed_short_or_false_files_are_refused),
            cmocka_unit_test(who_has_the_fd_can_neither_write_nor_resize),
            cmocka_unit_test(racing_reader_misses_no_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
