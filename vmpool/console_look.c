#include "vmpool/console_look.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/rd.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum {
    BANNER_LEN = 12,
    SERVER_INIT_LEN = 24,
    NAME_MAX_LEN = 4096,
    SIZE_MAX_PX = 8192,
    ROWS = 12,
    BLACK_BELOW = 16, /* sum of the three colours */
    PIXEL_BYTES = 4,
    RECT_HEAD_LEN = 12,
    RECTS_MAX = 4096,
    ENC_DESKTOP_SIZE = -223,
};

struct stream {
    int fd;
    uint64_t deadline_us;
};
struct sample {
    uint64_t pixels;
    uint64_t painted;
};

static int wait_for(struct stream *s, short events)
{
    for (;;) {
        uint64_t now_us = orl_clock_now_us();
        if (now_us >= s->deadline_us) {
            return ORL_E_TIMEOUT;
        }
        struct pollfd p = {.fd = s->fd, .events = events};
        int r = poll(&p, 1, (int)((s->deadline_us - now_us) / ORL_US_PER_MS) + 1);
        if (r > 0) {
            return 0;
        }
        if (r < 0 && errno != EINTR) {
            return ORL_E_SYS;
        }
    }
}

static int get(struct stream *s, void *ret, size_t len)
{
    size_t at = 0;
    while (at < len) {
        int r = wait_for(s, POLLIN);
        if (r < 0) {
            return r;
        }
        ssize_t n = recv(s->fd, (uint8_t *)ret + at, len - at, MSG_DONTWAIT);
        if (n == 0) {
            return ORL_E_CLOSED;
        }
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return ORL_E_CLOSED;
        }
        at += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int put(struct stream *s, const void *data, size_t len)
{
    size_t at = 0;
    while (at < len) {
        int r = wait_for(s, POLLOUT);
        if (r < 0) {
            return r;
        }
        ssize_t n = send(s->fd, (const uint8_t *)data + at, len - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return ORL_E_CLOSED;
        }
        at += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int get_banner(struct stream *s)
{
    char banner[BANNER_LEN];
    int r = get(s, banner, sizeof banner);
    return r < 0 ? r : (memcmp(banner, "RFB 00", 6) == 0 ? 0 : ORL_E_PROTO);
}

/* RFC 6143 7.1: version, security type None (1), SecurityResult, ClientInit shared. */
static int handshake(struct stream *s, uint16_t *ret_width, uint16_t *ret_height)
{
    uint8_t bytes[256];
    int r = get_banner(s);
    r = r < 0 ? r : put(s, "RFB 003.008\n", BANNER_LEN);
    r = r < 0 ? r : get(s, bytes, 1);
    if (r < 0 || bytes[0] == 0) {
        return r < 0 ? r : ORL_E_DENIED;
    }
    size_t count = bytes[0];
    r = get(s, bytes, count);
    if (r < 0 || !memchr(bytes, 1, count)) {
        return r < 0 ? r : ORL_E_DENIED;
    }
    r = put(s, "\x01", 1);
    r = r < 0 ? r : get(s, bytes, 4);
    r = r < 0 ? r : put(s, "\x01", 1);
    r = r < 0 ? r : get(s, bytes, SERVER_INIT_LEN);
    if (r < 0) {
        return r;
    }
    struct orl_rd rd;
    orl_rd_init(&rd, bytes, SERVER_INIT_LEN);
    *ret_width = orl_rd_u16be(&rd);
    *ret_height = orl_rd_u16be(&rd);
    orl_rd_skip(&rd, 16);
    uint32_t name_len = orl_rd_u32be(&rd);
    if (name_len > NAME_MAX_LEN || *ret_width == 0 || *ret_height == 0 ||
            *ret_width > SIZE_MAX_PX || *ret_height > SIZE_MAX_PX) {
        return ORL_E_PROTO;
    }
    for (uint32_t left = name_len; left > 0 && r >= 0;) {
        uint32_t part = left < sizeof bytes ? left : (uint32_t)sizeof bytes;
        r = get(s, bytes, part);
        left -= part;
    }
    return r;
}

/* RFC 6143 7.5.1 and 7.5.2: 32 bits a pixel, true colour, little endian; raw encoding. */
static int choose_format(struct stream *s)
{
    static const uint8_t format[] = {
            0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0};
    static const uint8_t encodings[] = {2, 0, 0, 1, 0, 0, 0, 0};
    int r = put(s, format, sizeof format);
    return r < 0 ? r : put(s, encodings, sizeof encodings);
}

static int count_pixels(struct stream *s, uint32_t width, uint32_t height, struct sample *sample)
{
    uint8_t row[1024 * PIXEL_BYTES];
    uint64_t left = (uint64_t)width * height;
    while (left > 0) {
        size_t part = left < 1024 ? (size_t)left : 1024;
        int r = get(s, row, part * PIXEL_BYTES);
        if (r < 0) {
            return r;
        }
        for (size_t i = 0; i < part; i++) {
            const uint8_t *p = row + i * PIXEL_BYTES;
            sample->painted += p[0] + p[1] + p[2] >= BLACK_BELOW;
        }
        sample->pixels += part;
        left -= part;
    }
    return 0;
}

/* One rectangle of a FramebufferUpdate (RFC 6143 7.6.1). */
static int read_rect(struct stream *s, struct sample *sample)
{
    uint8_t head[RECT_HEAD_LEN];
    int r = get(s, head, sizeof head);
    if (r < 0) {
        return r;
    }
    struct orl_rd rd;
    orl_rd_init(&rd, head, sizeof head);
    orl_rd_skip(&rd, 4);
    uint32_t width = orl_rd_u16be(&rd);
    uint32_t height = orl_rd_u16be(&rd);
    int32_t encoding = (int32_t)orl_rd_u32be(&rd);
    if (width > SIZE_MAX_PX || height > SIZE_MAX_PX) {
        return ORL_E_PROTO;
    }
    if (encoding == ENC_DESKTOP_SIZE) {
        return 0;
    }
    return encoding == 0 ? count_pixels(s, width, height, sample) : ORL_E_PROTO;
}

static int read_update(struct stream *s, struct sample *sample)
{
    uint8_t head[3];
    int r = 0;
    do {
        r = get(s, head, 1);
    } while (r == 0 && head[0] == 2); /* bell */
    if (r < 0 || head[0] != 0) {
        return r < 0 ? r : ORL_E_PROTO;
    }
    r = get(s, head, 3);
    uint32_t rects = r < 0 ? 0 : (uint32_t)(head[1] << 8 | head[2]);
    if (rects > RECTS_MAX) {
        return ORL_E_PROTO;
    }
    for (uint32_t i = 0; i < rects && r >= 0; i++) {
        r = read_rect(s, sample);
    }
    return r;
}

static int look(struct stream *s, struct sample *sample)
{
    uint16_t width = 0;
    uint16_t height = 0;
    int r = handshake(s, &width, &height);
    r = r < 0 ? r : choose_format(s);
    for (unsigned i = 0; i < ROWS && r >= 0; i++) {
        uint16_t y = (uint16_t)((uint32_t)height * (2 * i + 1) / (2 * ROWS));
        uint8_t request[] = {3, 0, 0, 0, (uint8_t)(y >> 8), (uint8_t)y, (uint8_t)(width >> 8),
                (uint8_t)width, 0, 1};
        r = put(s, request, sizeof request);
        r = r < 0 ? r : read_update(s, sample);
    }
    return r;
}

int orl_console_answers(int fd, unsigned timeout_ms, struct orl_err *err)
{
    struct stream s = {.fd = fd, .deadline_us = orl_clock_now_us() + timeout_ms * ORL_US_PER_MS};
    int r = get_banner(&s);
    return r < 0 ? orl_err_set(err, r, "the display does not answer: %s", orl_err_name(r)) : 0;
}

int orl_console_look(int fd, unsigned timeout_ms, bool *ret_is_painted, struct orl_err *err)
{
    struct stream s = {.fd = fd, .deadline_us = orl_clock_now_us() + timeout_ms * ORL_US_PER_MS};
    struct sample sample = {0};
    int r = look(&s, &sample);
    if (r < 0) {
        return orl_err_set(err, r, "looking at the display: %s", orl_err_name(r));
    }
    *ret_is_painted = sample.pixels > 0 && sample.painted * 4 >= sample.pixels;
    return 0;
}
