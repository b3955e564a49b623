#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "protocols/vnc/vnc_raw.h"
#include "protocols/vnc/vnc_wire.h"
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WIDTH 100
#define HEIGHT 60

struct fixture {
    rfbClient *client;
    struct orl_surface *surface;
    struct orl_region damage;
    struct orl_buf wire;
    struct orl_vnc_update update;
    int server;
    unsigned waits;
};
static struct fixture f;

static int setup(void **state)
{
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    f = (struct fixture){.client = rfbGetClient(8, 3, 4), .server = pair[1]};
    assert_non_null(f.client);
    f.client->sock = pair[0];
    assert_int_equal(orl_surface_create(WIDTH, HEIGHT, &f.surface, NULL), 0);
    orl_buf_init(&f.wire, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (f.server >= 0) {
        close(f.server);
    }
    rfbClientCleanup(f.client); /* and its socket */
    orl_surface_free(f.surface);
    orl_buf_fini(&f.wire);
    return 0;
}

static void put_head(unsigned rects)
{
    orl_buf_put_u16be(&f.wire, 0);
    orl_buf_put_u16be(&f.wire, (uint16_t)rects);
}

static void put_rect(unsigned x, unsigned y, unsigned width, unsigned height, int32_t encoding)
{
    orl_buf_put_u16be(&f.wire, (uint16_t)x);
    orl_buf_put_u16be(&f.wire, (uint16_t)y);
    orl_buf_put_u16be(&f.wire, (uint16_t)width);
    orl_buf_put_u16be(&f.wire, (uint16_t)height);
    orl_buf_put_u32be(&f.wire, (uint32_t)encoding);
}

static uint32_t pixel_of(unsigned x, unsigned y)
{
    return 0x1000000 + x * 1000 + y;
}

static void put_raw(unsigned x, unsigned y, unsigned width, unsigned height)
{
    put_rect(x, y, width, height, ORL_RFB_ENCODING_RAW);
    for (unsigned j = 0; j < height; j++) {
        for (unsigned i = 0; i < width; i++) {
            orl_buf_put_u32le(&f.wire, pixel_of(x + i, y + j));
        }
    }
}

static void send_all(void)
{
    assert_false(f.wire.is_failed);
    assert_int_equal(send(f.server, f.wire.data, f.wire.len, 0), (ssize_t)f.wire.len);
}

static void assert_shows(unsigned x0, unsigned y0, unsigned width, unsigned height)
{
    for (unsigned y = y0; y < y0 + height; y++) {
        for (unsigned x = x0; x < x0 + width; x++) {
            uint32_t pixel = 0;
            memcpy(&pixel,
                    orl_surface_pixels(f.surface) + y * orl_surface_stride(f.surface) + x * 4, 4);
            assert_int_equal(pixel, pixel_of(x, y));
        }
    }
}

static void on_wait(rfbClient *client)
{
    assert_ptr_equal(client, f.client);
    f.waits++;
}

static enum orl_vnc_raw take(void)
{
    f.waits = 0;
    return orl_vnc_raw_take(f.client, f.surface, &f.damage, &f.update, on_wait);
}

/* The whole is longer than libvncclient's buffer, a row shorter than the surface's stride. */
static void raw_update_is_in_place_pixel_by_pixel(void **state)
{
    (void)state;
    put_head(3);
    put_raw(0, 0, WIDTH, HEIGHT);
    put_raw(7, 3, 0, 5);
    put_raw(13, 50, 9, 10);
    orl_buf_put_u8(&f.wire, 2); /* a bell after it */
    send_all();
    assert_int_equal(take(), ORL_VNC_RAW_DONE);
    assert_shows(0, 0, WIDTH, HEIGHT);
    assert_int_equal(f.damage.count, 1);
    assert_int_equal(take(), ORL_VNC_RAW_REST);
    assert_int_equal(f.client->buffered, 1);
    assert_int_equal(f.client->bufoutptr[0], 2);
}

static void each_that_is_not_raw_is_an_update_for_libvncclient(void **state)
{
    (void)state;
    put_head(3);
    put_raw(1, 1, 50, 50);
    const size_t rest = f.wire.len;
    put_rect(5, 6, 7, 8, ORL_RFB_ENCODING_COPY_RECT);
    orl_buf_put_u32be(&f.wire, 0);
    put_raw(2, 2, 3, 3);
    send_all();
    assert_int_equal(take(), ORL_VNC_RAW_REST);
    assert_shows(1, 1, 50, 50);
    const uint8_t head[] = {0, 0, 0, 1};
    assert_true(f.client->buffered >= 20);
    assert_memory_equal(f.client->bufoutptr, head, sizeof(head));
    assert_memory_equal(
            f.client->bufoutptr + sizeof(head), f.wire.data + rest, f.client->buffered - 4);
    assert_int_equal(f.update.left, 1);
    f.client->bufoutptr += 20;
    f.client->buffered -= 20;
    assert_int_equal(take(), ORL_VNC_RAW_DONE);
    assert_shows(2, 2, 3, 3);
    assert_int_equal(f.update.left, 0);
}

static rfbBool on_size(rfbClient *client)
{
    return client == f.client;
}

static void screen_0_has_a_size_too(void **state)
{
    (void)state;
    put_head(2);
    for (unsigned i = 0; i < 2; i++) {
        put_rect(0, 0, 720 + i, 400, ORL_RFB_ENCODING_EXT_DESKTOP_SIZE);
        orl_buf_put_u32be(&f.wire, 1U << 24);
        orl_buf_put_u32be(&f.wire, 0); /* its number */
        orl_buf_put_u32be(&f.wire, 0);
        orl_buf_put_u32be(&f.wire, 720U << 16 | 400);
        orl_buf_put_u32be(&f.wire, 0);
    }
    send_all();
    f.client->MallocFrameBuffer = on_size;
    f.client->supportedMessages.client2server[rfbFramebufferUpdateRequest / 8] = 0;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(take(), ORL_VNC_RAW_REST);
        assert_true(HandleRFBServerMessage(f.client));
        assert_int_equal(f.client->width, 720 + i);
        assert_int_equal(f.client->screen.id, ORL_VNC_RAW_SCREEN_0);
    }
}

/* QEMU: 720x400 already, while the client has the size of ServerInit. */
static void what_the_server_can_do_has_no_geometry(void **state)
{
    (void)state;
    put_head(1);
    put_rect(0, 0, 720, 400, ORL_RFB_ENCODING_QEMU_KEY);
    send_all();
    f.client->width = WIDTH;
    f.client->height = HEIGHT;
    f.client->supportedMessages.client2server[rfbFramebufferUpdateRequest / 8] = 0;
    assert_int_equal(take(), ORL_VNC_RAW_REST);
    assert_true(HandleRFBServerMessage(f.client));
    assert_true(SupportsClient2Server(f.client, rfbQemuEvent));
}

/* A buffer that is full when something must be put before it. */
static void long_rest_is_left_whole(void **state)
{
    (void)state;
    put_head(2);
    put_raw(0, 0, 1, 1);
    const size_t rest = f.wire.len;
    put_rect(0, 0, 64, 64, ORL_RFB_ENCODING_RICH_CURSOR);
    for (unsigned i = 0; i < 5000; i++) {
        orl_buf_put_u32be(&f.wire, i);
    }
    send_all();
    assert_int_equal(take(), ORL_VNC_RAW_REST);
    assert_in_range(f.client->buffered, RFB_BUF_SIZE / 2, RFB_BUF_SIZE + 4);
    assert_memory_equal(f.client->bufoutptr + 4, f.wire.data + rest, f.client->buffered - 4);
}

/* libvncclient read one byte of the rectangle before, and with it all that its buffer has room for. */
static void full_buffer_is_handed_on_whole(void **state)
{
    (void)state;
    put_rect(0, 0, 64, 64, ORL_RFB_ENCODING_RICH_CURSOR);
    while (f.wire.len < RFB_BUF_SIZE - 1) {
        orl_buf_put_u8(&f.wire, (uint8_t)f.wire.len);
    }
    memcpy(f.client->buf + 1, f.wire.data, f.wire.len);
    f.client->bufoutptr = f.client->buf + 1;
    f.client->buffered = (unsigned)f.wire.len;
    f.update.left = 2;
    assert_int_equal(take(), ORL_VNC_RAW_REST);
    const uint8_t head[] = {0, 0, 0, 1};
    assert_int_equal(f.client->buffered, f.wire.len + sizeof(head));
    assert_memory_equal(f.client->bufoutptr, head, sizeof(head));
    assert_memory_equal(f.client->bufoutptr + sizeof(head), f.wire.data, f.wire.len);
    assert_int_equal(f.update.left, 1);
}

/* A key press must not cost another wake-up. */
static void small_update_that_is_all_there_waits_for_nothing(void **state)
{
    (void)state;
    put_head(2);
    put_raw(0, 0, 8, 16);
    put_raw(50, 20, 8, 16);
    send_all();
    assert_int_equal(take(), ORL_VNC_RAW_DONE);
    assert_int_equal(f.waits, 0);
    assert_shows(50, 20, 8, 16);
}

static void on_late(rfbClient *client)
{
    on_wait(client);
    (void)shutdown(f.server, SHUT_WR);
}

static void rest_that_does_not_come_is_told_before_the_wait(void **state)
{
    (void)state;
    put_head(1);
    put_rect(0, 0, 50, 50, ORL_RFB_ENCODING_RAW);
    send_all();
    assert_int_equal(
            orl_vnc_raw_take(f.client, f.surface, &f.damage, &f.update, on_late), ORL_VNC_RAW_REST);
    assert_int_equal(f.waits, 1);
}

static void rectangle_outside_is_a_lie(void **state)
{
    (void)state;
    put_head(1);
    put_raw(WIDTH - 1, 0, 2, 1);
    send_all();
    assert_int_equal(take(), ORL_VNC_RAW_LIE);
}

static void end_of_the_socket_ends_the_wait(void **state)
{
    (void)state;
    put_head(1);
    put_rect(0, 0, 50, 50, ORL_RFB_ENCODING_RAW);
    send_all();
    close(f.server);
    f.server = -1;
    assert_int_equal(take(), ORL_VNC_RAW_REST);
    assert_int_equal(f.damage.count, 0);
}

static void small_update_is_whole_with_its_last_byte(void **state)
{
    (void)state;
    put_head(2);
    put_raw(0, 0, 8, 16);
    put_raw(50, 20, 3, 3);
    for (size_t i = 0; i < f.wire.len; i++) {
        assert_int_equal(send(f.server, f.wire.data + i, 1, 0), 1);
        assert_int_equal(orl_vnc_raw_look(f.client, f.surface),
                i + 1 < f.wire.len ? ORL_VNC_LOOK_PART : ORL_VNC_LOOK_WHOLE);
    }
    assert_int_equal(take(), ORL_VNC_RAW_DONE);
    assert_int_equal(f.waits, 0);
    assert_int_equal(f.client->buffered, 0);
    assert_shows(0, 0, 8, 16);
    assert_shows(50, 20, 3, 3);
}

static void assert_left_to_who_may_block(void)
{
    send_all();
    assert_int_equal(orl_vnc_raw_look(f.client, f.surface), ORL_VNC_LOOK_REST);
    assert_int_equal(f.client->buffered, f.wire.len < RFB_BUF_SIZE ? f.wire.len : RFB_BUF_SIZE);
}

static void longer_update_is_read_on_by_who_may_block(void **state)
{
    (void)state;
    put_head(1);
    put_raw(0, 0, WIDTH, HEIGHT);
    assert_left_to_who_may_block();
    assert_int_equal(take(), ORL_VNC_RAW_DONE);
    assert_shows(0, 0, WIDTH, HEIGHT);
}

static void other_message_is_for_who_may_block(void **state)
{
    (void)state;
    orl_buf_put_u8(&f.wire, 2);
    assert_left_to_who_may_block();
}

static void update_that_is_not_raw_is_for_who_may_block(void **state)
{
    (void)state;
    put_head(2);
    put_raw(0, 0, 8, 16);
    put_rect(0, 0, 8, 16, 1);
    assert_left_to_who_may_block();
}

static void lie_is_for_who_may_block(void **state)
{
    (void)state;
    put_head(1);
    put_raw(WIDTH - 1, 0, 2, 1);
    assert_left_to_who_may_block();
    assert_int_equal(take(), ORL_VNC_RAW_LIE);
}

static void two_messages_at_once_are_for_who_may_block(void **state)
{
    (void)state;
    put_head(1);
    put_raw(0, 0, 8, 16);
    orl_buf_put_u8(&f.wire, 2);
    assert_left_to_who_may_block();
    assert_int_equal(take(), ORL_VNC_RAW_DONE);
    assert_int_equal(f.client->buffered, 1);
}

static void more_rectangles_than_the_buffer_holds_are_for_who_may_block(void **state)
{
    (void)state;
    put_head(1000);
    for (unsigned i = 0; i < 1000; i++) {
        put_rect(0, 0, 0, 0, ORL_RFB_ENCODING_RAW);
    }
    assert_left_to_who_may_block();
    assert_int_equal(take(), ORL_VNC_RAW_DONE);
}

static void end_of_the_socket_is_for_who_may_block(void **state)
{
    (void)state;
    close(f.server);
    f.server = -1;
    assert_int_equal(orl_vnc_raw_look(f.client, f.surface), ORL_VNC_LOOK_REST);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
            CASE(raw_update_is_in_place_pixel_by_pixel),
            CASE(each_that_is_not_raw_is_an_update_for_libvncclient),
            CASE(what_the_server_can_do_has_no_geometry),
            CASE(screen_0_has_a_size_too),
            CASE(long_rest_is_left_whole),
            CASE(full_buffer_is_handed_on_whole),
            CASE(small_update_that_is_all_there_waits_for_nothing),
            CASE(rest_that_does_not_come_is_told_before_the_wait),
            CASE(rectangle_outside_is_a_lie),
            CASE(end_of_the_socket_ends_the_wait),
            CASE(small_update_is_whole_with_its_last_byte),
            CASE(longer_update_is_read_on_by_who_may_block),
            CASE(other_message_is_for_who_may_block),
            CASE(update_that_is_not_raw_is_for_who_may_block),
            CASE(lie_is_for_who_may_block),
            CASE(two_messages_at_once_are_for_who_may_block),
            CASE(more_rectangles_than_the_buffer_holds_are_for_who_may_block),
            CASE(end_of_the_socket_is_for_who_may_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
