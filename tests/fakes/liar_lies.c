#include "tests/fakes/liar.h"
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WIDTH 640
#define HEIGHT 480
#define FLOOD_BYTES 65536

struct liar {
    int fd;
    bool is_gone;
};

static void put(struct liar *l, const void *data, size_t len)
{
    const char *at = data;
    while (len > 0 && !l->is_gone) {
        ssize_t n = send(l->fd, at, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            l->is_gone = true;
            return;
        }
        at += n;
        len -= (size_t)n;
    }
}

static void put_u8(struct liar *l, unsigned v)
{
    uint8_t b = (uint8_t)v;
    put(l, &b, 1);
}

static void put_u16(struct liar *l, unsigned v)
{
    uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};
    put(l, b, sizeof(b));
}

static void put_u32(struct liar *l, uint32_t v)
{
    uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    put(l, b, sizeof(b));
}

static void get(struct liar *l, size_t len)
{
    char bytes[64];
    while (len > 0 && !l->is_gone) {
        ssize_t n = recv(l->fd, bytes, len < sizeof(bytes) ? len : sizeof(bytes), 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            l->is_gone = true;
            return;
        }
        len -= (size_t)n;
    }
}

/* Reads what comes until the client is gone. */
static void hold(struct liar *l)
{
    while (!l->is_gone) {
        get(l, 1);
    }
}

static void banner(struct liar *l)
{
    put(l, "RFB 003.008\n", 12);
    get(l, 12);
}

static void no_auth(struct liar *l)
{
    banner(l);
    put(l, "\1\1", 2); /* one type: none */
    get(l, 1);
    put_u32(l, 0);
    get(l, 1); /* ClientInit */
}

static void server_init(struct liar *l, unsigned width, unsigned height, uint32_t name_len)
{
    static const uint8_t format[16] = {32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0};
    put_u16(l, width);
    put_u16(l, height);
    put(l, format, sizeof(format));
    put_u32(l, name_len);
    put(l, "liar", 4);
}

/* As an honest server, up to and with the client's first requests. */
static void up(struct liar *l)
{
    no_auth(l);
    server_init(l, WIDTH, HEIGHT, 4);
    get(l, 20);
}

static void rect(struct liar *l, unsigned x, unsigned y, unsigned w, unsigned h, int32_t encoding)
{
    put_u8(l, 0);
    put_u8(l, 0);
    put_u16(l, 1);
    put_u16(l, x);
    put_u16(l, y);
    put_u16(l, w);
    put_u16(l, h);
    put_u32(l, (uint32_t)encoding);
}

static void pixels(struct liar *l, size_t count)
{
    static const uint8_t zero[4096];
    for (size_t left = count * 4; left > 0 && !l->is_gone;) {
        size_t n = left < sizeof(zero) ? left : sizeof(zero);
        put(l, zero, n);
        left -= n;
    }
}

static void flood(struct liar *l, int byte)
{
    char *bytes = malloc(FLOOD_BYTES);
    if (bytes == NULL) {
        return;
    }
    memset(bytes, byte, FLOOD_BYTES);
    while (!l->is_gone) {
        put(l, bytes, FLOOD_BYTES);
    }
    free(bytes);
}

static void garbage_banner(struct liar *l)
{
    put(l, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    hold(l);
}

static void endless_banner(struct liar *l)
{
    flood(l, 'A');
}

static void silent(struct liar *l)
{
    hold(l);
}

static void half_handshake(struct liar *l)
{
    banner(l);
    put(l, "\2\1", 2); /* two types, one of them sent */
    hold(l);
}

static void old_version(struct liar *l)
{
    put(l, "RFB 003.003\n", 12);
    put_u32(l, 18); /* TLS, chosen by the server */
    hold(l);
}

static void unknown_auth(struct liar *l)
{
    banner(l);
    put(l, "\2\22\23", 3); /* TLS and VeNCrypt only */
    hold(l);
}

static void bad_password(struct liar *l)
{
    banner(l);
    put(l, "\1\2", 2);
    get(l, 1);
    put(l, "0123456789abcdef", 16);
    get(l, 16);
    put_u32(l, 1);
    put_u32(l, 5);
    put(l, "wrong", 5);
    hold(l);
}

static void endless_reason(struct liar *l)
{
    banner(l);
    put_u8(l, 0); /* no types: a reason follows */
    put_u32(l, 0xFFFFFFFFU);
    flood(l, 'r');
}

static void huge_desktop(struct liar *l)
{
    no_auth(l);
    server_init(l, 65535, 65535, 4);
    hold(l);
}

static void empty_desktop(struct liar *l)
{
    no_auth(l);
    server_init(l, 0, 0, 4);
    hold(l);
}

static void endless_name(struct liar *l)
{
    no_auth(l);
    server_init(l, WIDTH, HEIGHT, 0xFFFFFFF0U);
    flood(l, 'n');
}

static void rect_outside(struct liar *l)
{
    up(l);
    rect(l, 600, 400, 100, 100, 0);
    pixels(l, 100UL * 100);
    hold(l);
}

static void rect_far_outside(struct liar *l)
{
    up(l);
    rect(l, 65535, 65535, 65535, 65535, 0);
    pixels(l, 65536);
    hold(l);
}

static void copy_outside(struct liar *l)
{
    up(l);
    rect(l, 0, 0, 100, 100, 1);
    put_u16(l, 600);
    put_u16(l, 400);
    hold(l);
}

static void copy_negative(struct liar *l)
{
    up(l);
    rect(l, 0, 0, 100, 100, 1);
    put_u16(l, 0xFFFF);
    put_u16(l, 0xFFF0);
    hold(l);
}

static void wrong_length(struct liar *l)
{
    up(l);
    rect(l, 0, 0, 10, 10, 0);
    pixels(l, 101); /* the last four bytes are read as messages */
    flood(l, 0xEE);
}

static void stall(struct liar *l)
{
    up(l);
    rect(l, 0, 0, 100, 100, 0);
    pixels(l, 50);
    hold(l);
}

static void close_mid_rect(struct liar *l)
{
    up(l);
    rect(l, 0, 0, 100, 100, 0);
    pixels(l, 50);
}

static void unknown_encoding(struct liar *l)
{
    up(l);
    rect(l, 0, 0, 100, 100, 0x12345678);
    hold(l);
}

static void zrle_garbage(struct liar *l)
{
    up(l);
    rect(l, 0, 0, 100, 100, 16);
    put_u32(l, 4096);
    flood(l, 0x78);
}

static void tight_garbage(struct liar *l)
{
    up(l);
    rect(l, 0, 0, 600, 400, 7);
    flood(l, 0x5A);
}

static void huge_cursor(struct liar *l)
{
    up(l);
    rect(l, 0, 0, 65535, 65535, -239);
    hold(l);
}

static void large_cursor(
        struct liar *l) /* larger than a surface takes, hot spot outside: cut, no end */
{
    up(l);
    rect(l, 999, 999, 300, 300, -239);
    pixels(l, 300UL * 300);
    for (int i = 0; i < 300 * 38; i++) {
        put_u8(l, 0xFF);
    }
    rect(l, 0, 0, 16, 16, 0);
    pixels(l, 256);
    rect_outside(l);
}

static void text_flood(struct liar *l)
{
    up(l);
    char *text = calloc(1, 1 << 20);
    while (text != NULL && !l->is_gone) {
        put_u8(l, 3);
        put(l, "\0\0", 3);
        put_u32(l, 4096);
        put(l, text, 4096);
    }
    free(text);
}

static void endless_text(struct liar *l)
{
    up(l);
    put_u8(l, 3);
    put(l, "\0\0", 3);
    put_u32(l, 0xFFFFFFFFU);
    flood(l, 't');
}

static void bell_flood(struct liar *l)
{
    up(l);
    flood(l, 2);
}

static void resize_storm(struct liar *l)
{
    up(l);
    for (unsigned i = 0; !l->is_gone; i++) {
        rect(l, 0, 0, WIDTH + i % 100, HEIGHT, -223);
    }
}

static void resize_huge(struct liar *l)
{
    up(l);
    rect(l, 0, 0, 65535, 65535, -223);
    hold(l);
}

static void unknown_message(struct liar *l)
{
    up(l);
    flood(l, 0xEE);
}

static void never_reads(struct liar *l)
{
    no_auth(l);
    server_init(l, WIDTH, HEIGHT, 4);
    while (!l->is_gone) {
        struct pollfd pfd = {.fd = l->fd, .events = POLLRDHUP};
        l->is_gone = poll(&pfd, 1, -1) > 0;
    }
}

static const struct {
    const char *name;
    void (*tell)(struct liar *l);
} lies[] = {
        {"garbage-banner", garbage_banner},
        {"endless-banner", endless_banner},
        {"silent", silent},
        {"half-handshake", half_handshake},
        {"old-version", old_version},
        {"unknown-auth", unknown_auth},
        {"bad-password", bad_password},
        {"endless-reason", endless_reason},
        {"huge-desktop", huge_desktop},
        {"empty-desktop", empty_desktop},
        {"endless-name", endless_name},
        {"rect-outside", rect_outside},
        {"rect-far-outside", rect_far_outside},
        {"copy-outside", copy_outside},
        {"copy-negative", copy_negative},
        {"wrong-length", wrong_length},
        {"stall", stall},
        {"close-mid-rect", close_mid_rect},
        {"unknown-encoding", unknown_encoding},
        {"zrle-garbage", zrle_garbage},
        {"tight-garbage", tight_garbage},
        {"huge-cursor", huge_cursor},
        {"large-cursor", large_cursor},
        {"text-flood", text_flood},
        {"endless-text", endless_text},
        {"bell-flood", bell_flood},
        {"resize-storm", resize_storm},
        {"resize-huge", resize_huge},
        {"unknown-message", unknown_message},
        {"never-reads", never_reads},
};

bool liar_serve(const char *lie, int fd)
{
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        if (strcmp(lies[i].name, lie) == 0) {
            struct liar l = {.fd = fd};
            lies[i].tell(&l);
            return true;
        }
    }
    return false;
}

void liar_list(void)
{
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        (void)puts(lies[i].name);
    }
}
