/* The picture in memory that a peer shares: exact pixels whatever strides and offsets, and every way to share the wrong thing. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "frames.h"
#include "protocols/qemu/qemu_stream.h"
#include "tests/base/open_files.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cmocka.h>

#define WAIT_US (100 * ORL_US_PER_S) /* an upper bound, never a measure */
#define OFFSET 4096U
#define ANSWER_RETURN 2
#define ANSWER_ERROR 3

static const char not_memory[] = "the display shares no memory, or less than its picture needs";
static const char broken[] = "the display broke its protocol";

struct rig {
    struct orl_loop *loop;
    struct orl_timer *limit;
    struct orl_qemu_stream *stream;
    struct orl_io *answers;
    int peer;
    unsigned open_files;
    struct orl_buf out;
    const struct orl_surface *surface;
    unsigned surfaces, damages, returns, turns;
    struct orl_rect box;
    char why[96];
};

static void on_surface(void *ctx, struct orl_surface *surface)
{
    struct rig *rig = ctx;
    rig->surface = surface;
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
    (void)ctx;
    (void)cursor;
}

static void on_closed(void *ctx, enum orl_reason reason, const char *text)
{
    struct rig *rig = ctx;
    assert_int_equal(reason, ORL_REASON_CONSOLE_PROTOCOL);
    (void)snprintf(rig->why, sizeof rig->why, "%s", text);
    orl_loop_stop(rig->loop);
}

static void on_limit(void *ctx)
{
    (void)ctx;
    fail_msg("nothing comes");
}

/* An error answers what settle() asks: all before it was read. */
static void on_answer(void *ctx, unsigned events)
{
    struct rig *rig = ctx;
    uint8_t head[16];
    uint8_t rest[256];
    (void)events;
    assert_int_equal(recv(rig->peer, head, sizeof head, MSG_WAITALL), sizeof head);
    size_t len = (size_t)head[4] + (size_t)((head[12] + 7) & ~7);
    assert_true(len <= sizeof rest);
    assert_int_equal(recv(rig->peer, rest, len, MSG_WAITALL), len);
    if (head[1] == ANSWER_RETURN) {
        rig->returns++;
    } else {
        assert_int_equal(head[1], ANSWER_ERROR);
        orl_loop_stop(rig->loop);
    }
}

static const struct orl_qemu_reader_events events = {
        .on_surface = on_surface, .on_damage = on_damage, .on_cursor = on_cursor};

static void begin(struct rig *rig)
{
    int pair[2];
    *rig = (struct rig){.open_files = count_open_files()};
    orl_buf_init(&rig->out, 1U << 20);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    rig->peer = pair[1];
    assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(orl_loop_new(&rig->loop, NULL), 0);
    assert_int_equal(orl_timer_new(rig->loop, on_limit, rig, &rig->limit, NULL), 0);
    assert_int_equal(
            orl_qemu_stream_new(rig->loop, pair[0], &events, on_closed, rig, &rig->stream, NULL),
            0);
    assert_int_equal(
            orl_io_open(rig->loop, pair[1], ORL_IO_READ, on_answer, rig, &rig->answers, NULL), 0);
}

/* Every fd that was sent is closed again, whatever became of it. */
static void end(struct rig *rig)
{
    orl_qemu_stream_free(rig->stream);
    orl_io_close(rig->answers);
    orl_timer_free(rig->limit);
    orl_loop_free(rig->loop);
    close(rig->peer);
    orl_buf_fini(&rig->out);
    assert_int_equal(count_open_files(), rig->open_files);
}

/* What was written, with fds at its first byte. */
static void send_out(struct rig *rig, const int *fds, unsigned count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(4 * sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    assert_false(rig->out.is_failed);
    struct iovec iov = {rig->out.data, rig->out.len};
    struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};
    if (count > 0) {
        hdr.msg_control = control.bytes;
        hdr.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&hdr);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(cmsg), fds, count * sizeof(int));
    }
    assert_int_equal(sendmsg(rig->peer, &hdr, MSG_NOSIGNAL), iov.iov_len);
    orl_buf_reset(&rig->out);
}

/* Until all that was sent is read, or the stream is over. */
static void settle(struct rig *rig)
{
    size_t from = rig->out.len;
    frames_put_header(&rig->out, "Nonsense", "", 0);
    rig->out.data[from + 2] = 0;
    send_out(rig, NULL, 0);
    orl_timer_start(rig->limit, WAIT_US, 0);
    orl_loop_run(rig->loop);
    orl_timer_stop(rig->limit);
}

static uint32_t colour_at(uint32_t seed, uint32_t x, uint32_t y)
{
    return (seed << 16 | y << 8 | x) & 0xFFFFFF;
}

/* A memory file with a picture whose pixels tell their place. */
static int make_memory(const struct frames_map *map, uint32_t seed)
{
    int fd = memfd_create("picture", MFD_CLOEXEC);
    assert_true(fd >= 0);
    off_t end = (off_t)map->offset + (off_t)map->stride * (map->height - 1) + (off_t)map->width * 4;
    assert_int_equal(ftruncate(fd, end), 0);
    for (uint32_t y = 0; y < map->height; y++) {
        for (uint32_t x = 0; x < map->width; x++) {
            uint32_t v = colour_at(seed, x, y);
            off_t at = (off_t)map->offset + (off_t)map->stride * y + (off_t)x * 4;
            assert_int_equal(pwrite(fd, &v, sizeof v, at), sizeof v);
        }
    }
    return fd;
}

static void put_colour(int fd, const struct frames_map *map, uint32_t x, uint32_t y, uint32_t v)
{
    off_t at = (off_t)map->offset + (off_t)map->stride * y + (off_t)x * 4;
    assert_int_equal(pwrite(fd, &v, sizeof v, at), sizeof v);
}

static uint32_t pixel(const struct rig *rig, uint32_t x, uint32_t y)
{
    uint32_t v = 0;
    memcpy(&v, orl_surface_pixels(rig->surface) + y * orl_surface_stride(rig->surface) + x * 4U, 4);
    return v;
}

static void expect_picture(const struct rig *rig, const struct frames_map *map, uint32_t seed)
{
    assert_non_null(rig->surface);
    assert_int_equal(orl_surface_width(rig->surface), map->width);
    assert_int_equal(orl_surface_height(rig->surface), map->height);
    for (uint32_t y = 0; y < map->height; y++) {
        for (uint32_t x = 0; x < map->width; x++) {
            assert_int_equal(pixel(rig, x, y), colour_at(seed, x, y));
        }
    }
}

static void share(struct rig *rig, const struct frames_map *map, int fd)
{
    frames_put_scanout_map(&rig->out, map);
    send_out(rig, &fd, 1);
}

static struct frames_map map_of(uint32_t width, uint32_t height)
{
    return (struct frames_map){.offset = OFFSET,
            .width = width,
            .height = height,
            .stride = width * 4 + 64,
            .format = FRAMES_XRGB,
            .fds = 1};
}

static void what_is_shared_is_the_picture(void **state)
{
    (void)state;
    const struct frames_map maps[] = {
            map_of(50, 40),
            {.width = 64, .height = 33, .stride = 256, .format = FRAMES_XRGB, .fds = 1},
            /* The right half of a wider picture, whose end is the file's. */
            {.offset = 256,
                    .width = 64,
                    .height = 20,
                    .stride = 512,
                    .format = FRAMES_XRGB,
                    .fds = 1},
    };
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        struct rig rig;
        begin(&rig);
        ORL_AUTO(orl_close_auto) int fd = make_memory(&maps[i], 7);
        rig.open_files++;
        share(&rig, &maps[i], fd);
        settle(&rig);
        assert_int_equal(rig.returns, 1);
        frames_put_update_map(&rig.out, 3, 2, 1, 1);
        settle(&rig);
        assert_int_equal(rig.surfaces, 1);
        assert_int_equal(rig.damages, 0);
        expect_picture(&rig, &maps[i], 7);
        assert_string_equal(rig.why, "");
        end(&rig);
    }
}

static void a_change_is_read_and_nothing_else(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    const struct frames_map map = map_of(50, 40);
    ORL_AUTO(orl_close_auto) int fd = make_memory(&map, 1);
    rig.open_files++;
    share(&rig, &map, fd);
    frames_put_update_map(&rig.out, 0, 0, 50, 40);
    settle(&rig);
    put_colour(fd, &map, 10, 20, 0xABCDEF);
    put_colour(fd, &map, 16, 24, 0x123456);
    put_colour(fd, &map, 17, 24, 0xFFFFFF); /* of which QEMU has not told yet */
    frames_put_update_map(&rig.out, 10, 20, 7, 5);
    frames_put_update_map(&rig.out, 10, 20, 0, 5);
    settle(&rig);
    assert_int_equal(rig.surfaces, 1);
    assert_int_equal(rig.damages, 1);
    assert_int_equal(rig.box.x, 10);
    assert_int_equal(rig.box.y, 20);
    assert_int_equal(rig.box.width, 7);
    assert_int_equal(rig.box.height, 5);
    assert_int_equal(pixel(&rig, 10, 20), 0xABCDEF);
    assert_int_equal(pixel(&rig, 16, 24), 0x123456);
    assert_int_equal(pixel(&rig, 17, 24), colour_at(1, 17, 24));
    end(&rig);
}

/* As a guest flips pages, and as QEMU goes from its firmware's picture to the guest's and back. */
static void maps_and_copies_follow_each_other(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    const struct frames_map map = map_of(50, 40);
    const struct frames_map other = map_of(64, 48);
    ORL_AUTO(orl_close_auto) int one = make_memory(&map, 1);
    ORL_AUTO(orl_close_auto) int two = make_memory(&map, 2);
    ORL_AUTO(orl_close_auto) int larger = make_memory(&other, 3);
    rig.open_files += 3;
    share(&rig, &map, one);
    frames_put_update_map(&rig.out, 0, 0, 1, 1);
    settle(&rig);
    share(&rig, &map, two);
    frames_put_update_map(&rig.out, 5, 5, 1, 1); /* all of it is new */
    settle(&rig);
    assert_int_equal(rig.surfaces, 1);
    assert_int_equal(rig.damages, 1);
    assert_int_equal(rig.box.width * rig.box.height, 50 * 40);
    expect_picture(&rig, &map, 2);
    unsigned with_map = count_open_files();
    frames_put_scanout(&rig.out, 50, 40, 0x778899);
    settle(&rig);
    assert_int_equal(pixel(&rig, 49, 39), 0x778899);
    assert_int_equal(count_open_files(), with_map - 1);
    share(&rig, &other, larger);
    frames_put_update_map(&rig.out, 0, 0, 64, 48);
    settle(&rig);
    assert_int_equal(rig.surfaces, 2);
    expect_picture(&rig, &other, 3);
    frames_put_header(&rig.out, "Disable", "", 0);
    settle(&rig);
    assert_int_equal(pixel(&rig, 63, 47), 0);
    assert_string_equal(rig.why, "");
    frames_put_update_map(&rig.out, 0, 0, 64, 48);
    settle(&rig);
    assert_string_equal(rig.why, broken); /* no map is left */
    end(&rig);
}

static void wrong_words_end_the_stream(void **state)
{
    (void)state;
    static const struct {
        struct frames_map map;
        const char *why;
    } lies[] = {
            {{0, 4096, 50, 40, 264, 0x10020565, 1},
                    "the display has a pixel format of another kind"},
            {{1, 4096, 50, 40, 264, FRAMES_XRGB, 1}, broken},     /* the handle of another fd */
            {{0, 4096, 0, 40, 264, FRAMES_XRGB, 1}, broken},      /* no picture */
            {{0, 4096, 50, 20000, 264, FRAMES_XRGB, 1}, broken},  /* too high */
            {{0, 4096, 50, 40, 196, FRAMES_XRGB, 1}, broken},     /* rows overlap */
            {{0, 4096, 50, 40, 264, FRAMES_XRGB, 0}, broken},     /* says that none comes */
            {{0, 4096, 50, 40, 264, FRAMES_XRGB, 2}, broken},     /* says that two come */
            {{0, 4100, 50, 40, 264, FRAMES_XRGB, 1}, not_memory}, /* ends four bytes too early */
            {{0, 4096, 51, 40, 264, FRAMES_XRGB, 1}, not_memory}, /* the same */
            {{0, 4096, 50, 41, 264, FRAMES_XRGB, 1}, not_memory}, /* a row */
            {{0, 4096, 50, 40, 0xFFFFFFFC, FRAMES_XRGB, 1}, not_memory},
            {{0, 0xFFFFFFFF, 50, 40, 264, FRAMES_XRGB, 1}, not_memory},
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct rig rig;
        begin(&rig);
        const struct frames_map map = map_of(50, 40);
        ORL_AUTO(orl_close_auto) int fd = make_memory(&map, 1);
        rig.open_files++;
        share(&rig, &lies[i].map, fd);
        settle(&rig);
        assert_string_equal(rig.why, lies[i].why);
        assert_int_equal(rig.returns + rig.surfaces + rig.damages, 0);
        end(&rig);
    }
}

static void what_is_no_memory_is_refused(void **state)
{
    (void)state;
    static const char *const paths[] = {"/dev/zero", "/proc/self/exe", "/proc/self/maps", "/tmp"};
    for (size_t i = 0; i <= sizeof paths / sizeof paths[0]; i++) {
        struct rig rig;
        int others[2];
        begin(&rig);
        const struct frames_map map = map_of(16, 16);
        assert_int_equal(pipe2(others, O_CLOEXEC), 0);
        int fd = i > 0 ? open(paths[i - 1], O_RDONLY | O_CLOEXEC) : dup(others[0]);
        assert_true(fd >= 0);
        share(&rig, &map, fd);
        close(fd);
        close(others[0]);
        close(others[1]);
        settle(&rig);
        assert_string_equal(rig.why, not_memory);
        end(&rig);
    }
}

static void an_fd_where_none_belongs_ends_the_stream(void **state)
{
    (void)state;
    const struct frames_map map = map_of(50, 40);
    for (unsigned i = 0; i < 5; i++) {
        struct rig rig;
        begin(&rig);
        int fd = make_memory(&map, 1);
        const int fds[] = {fd, fd, fd, fd};
        if (i < 2) {
            frames_put_scanout_map(&rig.out, &map);
            send_out(&rig, fds, i == 0 ? 2 : 4); /* the kernel has room for two */
        } else if (i == 2) {
            frames_put_scanout(&rig.out, 50, 40, 1);
            send_out(&rig, fds, 1);
        } else if (i == 3) {
            frames_put_header(&rig.out, "ScanoutDMABUF", "huuuutb", 0);
            send_out(&rig, fds, 1);
        } else {
            frames_put_scanout_map(&rig.out, &map); /* behind its first half */
            size_t len = rig.out.len;
            rig.out.len = len / 2;
            send_out(&rig, fds, 1);
            frames_put_scanout_map(&rig.out, &map);
            orl_buf_consume(&rig.out, len / 2);
            send_out(&rig, fds, 1);
        }
        close(fd);
        settle(&rig);
        assert_string_equal(rig.why, broken);
        assert_int_equal(rig.surfaces, 0);
        end(&rig);
    }
}

static void an_fd_that_is_missing_ends_the_stream(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    const struct frames_map map = map_of(50, 40);
    frames_put_scanout_map(&rig.out, &map);
    send_out(&rig, NULL, 0);
    settle(&rig);
    assert_string_equal(rig.why, broken);
    end(&rig);
}

static void a_place_outside_of_the_map_ends_the_stream(void **state)
{
    (void)state;
    static const uint32_t boxes[][4] = {{0, 0, 51, 40}, {1, 0, 50, 40}, {0, 1, 50, 40},
            {0xFFFFFFFF, 0, 2, 2}, {0, 0, 0xFFFFFFFF, 1}, {50, 0, 1, 1}, {0x7FFFFFFF, 0, 1, 1}};
    for (size_t i = 0; i < sizeof boxes / sizeof boxes[0]; i++) {
        struct rig rig;
        begin(&rig);
        const struct frames_map map = map_of(50, 40);
        int fd = make_memory(&map, 1);
        share(&rig, &map, fd);
        close(fd);
        frames_put_update_map(&rig.out, 0, 0, 50, 40);
        frames_put_update_map(&rig.out, boxes[i][0], boxes[i][1], boxes[i][2], boxes[i][3]);
        settle(&rig);
        assert_string_equal(rig.why, broken);
        assert_int_equal(rig.damages, 0);
        end(&rig);
    }
}

/* A mapping would end us by SIGBUS here. */
static void memory_that_shrinks_ends_the_stream(void **state)
{
    (void)state;
    for (unsigned is_new = 0; is_new < 2; is_new++) {
        struct rig rig;
        begin(&rig);
        const struct frames_map map = map_of(50, 40);
        ORL_AUTO(orl_close_auto) int fd = make_memory(&map, 1);
        rig.open_files++;
        share(&rig, &map, fd);
        if (is_new == 0) {
            frames_put_update_map(&rig.out, 0, 0, 50, 40);
        }
        settle(&rig);
        assert_string_equal(rig.why, "");
        assert_int_equal(ftruncate(fd, is_new == 0 ? OFFSET : 0), 0);
        frames_put_update_map(&rig.out, 0, 0, 50, 40);
        settle(&rig);
        assert_string_equal(rig.why, not_memory);
        end(&rig);
    }
}

static void on_turn(void *ctx)
{
    struct rig *rig = ctx;
    rig->turns++;
}

/* A hundred bytes can ask for a copy of megabytes: others get their turns in between. */
static void a_flood_of_changes_leaves_the_loop_its_turns(void **state)
{
    (void)state;
    enum { CHANGES = 60 };
    struct rig rig;
    begin(&rig);
    struct orl_timer *turn = NULL;
    const struct frames_map map = {
            .width = 2048, .height = 1024, .stride = 8192, .format = FRAMES_XRGB, .fds = 1};
    int fd = memfd_create("picture", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, 8 << 20), 0);
    share(&rig, &map, fd);
    close(fd);
    settle(&rig);
    for (unsigned i = 0; i < CHANGES; i++) {
        frames_put_update_map(&rig.out, 0, 0, 2048, 1024);
    }
    assert_int_equal(orl_timer_new(rig.loop, on_turn, &rig, &turn, NULL), 0);
    orl_timer_start(turn, 0, 1);
    settle(&rig);
    assert_int_equal(rig.surfaces + rig.damages, CHANGES);
    assert_in_range(rig.turns, CHANGES / 4, UINT32_MAX);
    orl_timer_free(turn);
    end(&rig);
}

/* What the first loop of a process opens stays open. */
static int open_a_loop(void **state)
{
    struct orl_loop *loop = NULL;
    (void)state;
    int rc = orl_loop_new(&loop, NULL);
    orl_loop_free(loop);
    return rc;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_is_shared_is_the_picture),
            cmocka_unit_test(a_change_is_read_and_nothing_else),
            cmocka_unit_test(maps_and_copies_follow_each_other),
            cmocka_unit_test(wrong_words_end_the_stream),
            cmocka_unit_test(what_is_no_memory_is_refused),
            cmocka_unit_test(an_fd_where_none_belongs_ends_the_stream),
            cmocka_unit_test(an_fd_that_is_missing_ends_the_stream),
            cmocka_unit_test(a_place_outside_of_the_map_ends_the_stream),
            cmocka_unit_test(memory_that_shrinks_ends_the_stream),
            cmocka_unit_test(a_flood_of_changes_leaves_the_loop_its_turns),
    };
    return cmocka_run_group_tests(tests, open_a_loop, NULL);
}
