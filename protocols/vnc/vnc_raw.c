/* It works on libvncclient's own buffer: what is in there and is not ours stays in there. */
#include "protocols/vnc/vnc_raw.h"
#include "base/rd.h"
#include "protocols/vnc/vnc_sound.h"
#include "protocols/vnc/vnc_wire.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

enum {
    UPDATE_BYTES = 4, /* type, padding, number of rectangles */
    RECT_BYTES = 12,
    GEOMETRY_BYTES = 8, /* of RECT_BYTES */
    SCREENS_BYTES = 4,  /* number of screens, padding */
    SCREEN_BYTES = 16,
    SCREEN_ID_BYTES = 4,
    BYTES_PER_PX = 4,
    MAX_ROWS = 64, /* of one read */
    LITTLE_BYTES = 65536,
    SOON_MS = 200,
    GATHER_NS = 50000,
    GATHER_BYTES = 96 * 1024,       /* less came: the server is slow */
    GATHER_FROM_BYTES = 256 * 1024, /* with less to come, the end would be late */
};

struct rect {
    struct orl_rect at;
    int32_t encoding;
};

/* Little comes at once, as a rule: only if it does not, somebody must keep time. */
static void expect(rfbClient *client, size_t bytes, void (*on_wait)(rfbClient *client))
{
    struct pollfd pfd = {.fd = client->sock, .events = POLLIN};
    if (bytes > LITTLE_BYTES || poll(&pfd, 1, SOON_MS) == 0) {
        on_wait(client);
    }
}

/* Reads until `want` bytes are buffered; false: the socket's end. */
static bool fill(rfbClient *client, unsigned want, void (*on_wait)(rfbClient *client))
{
    if (client->buffered < want) {
        if (on_wait != NULL) {
            expect(client, want - client->buffered, on_wait);
        }
        memmove(client->buf, client->bufoutptr, client->buffered);
        client->bufoutptr = client->buf;
    }
    while (client->buffered < want) {
        const ssize_t n =
                read(client->sock, client->buf + client->buffered, RFB_BUF_SIZE - client->buffered);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        client->buffered += (unsigned)n;
    }
    return true;
}

static void drop(rfbClient *client, size_t bytes)
{
    client->bufoutptr += bytes;
    client->buffered -= (unsigned)bytes;
}

/* The next rectangle, as an update of its own. libvncclient reads on from wherever bufoutptr is: its own buffer may be
 * full to the last byte but one. */
static void give_back(rfbClient *client, struct orl_vnc_update *update)
{
    const uint8_t head[UPDATE_BYTES] = {0, 0, 0, 1};
    orl_assert(client->buffered <= sizeof(update->held) - UPDATE_BYTES);
    memmove(update->held + UPDATE_BYTES, client->bufoutptr, client->buffered);
    memcpy(update->held, head, UPDATE_BYTES);
    client->bufoutptr = update->held;
    client->buffered += UPDATE_BYTES;
    update->left--;
}

static struct rect peek_rect(const char *at)
{
    struct orl_rd rd;
    struct rect r;
    orl_rd_init(&rd, at, RECT_BYTES);
    r.at.x = orl_rd_u16be(&rd);
    r.at.y = orl_rd_u16be(&rd);
    r.at.width = orl_rd_u16be(&rd);
    r.at.height = orl_rd_u16be(&rd);
    r.encoding = (int32_t)orl_rd_u32be(&rd);
    return r;
}

/* These say what the server can do, and their geometry nothing. QEMU fills in its screen, also one that it announces
 * after them: libvncclient takes that for a rectangle outside. */
static bool has_no_geometry(int32_t encoding)
{
    return encoding == ORL_RFB_ENCODING_QEMU_KEY || encoding == ORL_RFB_ENCODING_QEMU_LED ||
           encoding == ORL_RFB_ENCODING_QEMU_AUDIO || encoding == ORL_RFB_ENCODING_EXT_BUTTONS;
}

static bool is_inside(const struct orl_surface *surface, const struct orl_rect *r)
{
    return (uint32_t)(r->x + r->width) <= orl_surface_width(surface) &&
           (uint32_t)(r->y + r->height) <= orl_surface_height(surface);
}

/* Where bytes at..end of the rectangle go, as far as one read takes them. */
static int aim(struct orl_surface *surface, const struct orl_rect *r, size_t at, size_t end,
        struct iovec iov[MAX_ROWS])
{
    const size_t stride = orl_surface_stride(surface);
    const size_t row_bytes = (size_t)r->width * BYTES_PER_PX;
    uint8_t *first =
            orl_surface_pixels_rw(surface) + (size_t)r->y * stride + (size_t)r->x * BYTES_PER_PX;
    int count = 0;
    while (at < end && count < MAX_ROWS) {
        const size_t in_row = at % row_bytes;
        const size_t left = row_bytes == stride ? end - at : row_bytes - in_row;
        const size_t bytes = left < end - at ? left : end - at;
        iov[count].iov_base = first + at / row_bytes * stride + in_row;
        iov[count++].iov_len = bytes;
        at += bytes;
    }
    return count;
}

/* The first bytes may be buffered. */
static size_t take_buffered(
        rfbClient *client, struct orl_surface *surface, const struct orl_rect *r, size_t bytes)
{
    const size_t end = client->buffered < bytes ? client->buffered : bytes;
    struct iovec iov[MAX_ROWS];
    size_t at = 0;
    while (at < end) {
        const int count = aim(surface, r, at, end, iov);
        for (int i = 0; i < count; i++) {
            memcpy(iov[i].iov_base, client->bufoutptr, iov[i].iov_len);
            drop(client, iov[i].iov_len);
            at += iov[i].iov_len;
        }
    }
    return at;
}

/* Of a large rectangle from a server that is slower than we are, each piece would wake us up, which costs as much as
 * its copy. */
static void gather(void)
{
    const struct timespec moment = {.tv_nsec = GATHER_NS};
    (void)nanosleep(&moment, NULL);
}

/* False: the socket's end. */
static bool take_pixels(rfbClient *client, struct orl_surface *surface, const struct orl_rect *r,
        void (*on_wait)(rfbClient *client))
{
    const size_t bytes = (size_t)r->width * (size_t)r->height * BYTES_PER_PX;
    size_t at = take_buffered(client, surface, r, bytes);
    if (at < bytes) {
        expect(client, bytes - at, on_wait);
    }
    while (at < bytes) {
        struct iovec iov[MAX_ROWS];
        const ssize_t n = readv(client->sock, iov, aim(surface, r, at, bytes, iov));
        if (n <= 0 && !(n < 0 && errno == EINTR)) {
            return false;
        }
        at += n > 0 ? (size_t)n : 0;
        if (n < GATHER_BYTES && bytes - at > GATHER_FROM_BYTES) {
            gather();
        }
    }
    return true;
}

/* False: the socket's end. */
static bool name_screens(rfbClient *client, void (*on_wait)(rfbClient *client))
{
    if (!fill(client, RECT_BYTES + SCREENS_BYTES, on_wait)) {
        return false;
    }
    const unsigned count = (uint8_t)client->bufoutptr[RECT_BYTES];
    if (!fill(client, RECT_BYTES + SCREENS_BYTES + count * SCREEN_BYTES, on_wait)) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        static const uint8_t zero[SCREEN_ID_BYTES];
        char *id = client->bufoutptr + RECT_BYTES + SCREENS_BYTES + (size_t)i * SCREEN_BYTES;
        if (memcmp(id, zero, SCREEN_ID_BYTES) == 0) {
            const uint32_t screen_0 = ORL_VNC_RAW_SCREEN_0; /* the same in both orders */
            memcpy(id, &screen_0, SCREEN_ID_BYTES);
        }
    }
    return true;
}

static void put_right(rfbClient *client, int32_t encoding, void (*on_wait)(rfbClient *client))
{
    if (has_no_geometry(encoding)) {
        memset(client->bufoutptr, 0, GEOMETRY_BYTES);
    } else if (encoding == ORL_RFB_ENCODING_EXT_DESKTOP_SIZE) {
        (void)name_screens(client, on_wait); /* libvncclient sees the socket's end, too */
    }
}

static bool begin_update(
        rfbClient *client, struct orl_vnc_update *update, void (*on_wait)(rfbClient *client))
{
    /* The first bytes are there: somebody polled. */
    if (!fill(client, 1, NULL) || client->bufoutptr[0] != rfbFramebufferUpdate ||
            !fill(client, UPDATE_BYTES, on_wait)) {
        return false;
    }
    const uint8_t *head = (const uint8_t *)client->bufoutptr;
    update->left = (unsigned)head[2] << 8 | head[3];
    drop(client, UPDATE_BYTES);
    return true;
}

enum orl_vnc_raw orl_vnc_raw_take(rfbClient *client, struct orl_surface *surface,
        struct orl_region *damage, struct orl_vnc_update *update,
        void (*on_wait)(rfbClient *client))
{
    if (update->left == 0 && !begin_update(client, update, on_wait)) {
        return ORL_VNC_RAW_REST;
    }
    for (; update->left > 0; update->left--) {
        if (!fill(client, RECT_BYTES, on_wait)) {
            return ORL_VNC_RAW_REST;
        }
        const struct rect r = peek_rect(client->bufoutptr);
        if (r.encoding != ORL_RFB_ENCODING_RAW) {
            put_right(client, r.encoding, on_wait);
            give_back(client, update);
            return ORL_VNC_RAW_REST;
        }
        if (!is_inside(surface, &r.at)) {
            return ORL_VNC_RAW_LIE;
        }
        drop(client, RECT_BYTES);
        if (!take_pixels(client, surface, &r.at, on_wait)) {
            return ORL_VNC_RAW_REST;
        }
        orl_region_add(damage, &r.at);
    }
    return ORL_VNC_RAW_DONE;
}

/* What is buffered, as an update of raw rectangles. */
static enum orl_vnc_look judge(const rfbClient *client, const struct orl_surface *surface)
{
    const uint8_t *head = (const uint8_t *)client->buf;
    size_t end = UPDATE_BYTES;
    if (head[0] != rfbFramebufferUpdate) {
        return ORL_VNC_LOOK_REST;
    }
    if (client->buffered < end) {
        return ORL_VNC_LOOK_PART;
    }
    for (unsigned left = (unsigned)head[2] << 8 | head[3]; left > 0; left--) {
        if (client->buffered < end + RECT_BYTES) {
            return end + RECT_BYTES <= RFB_BUF_SIZE ? ORL_VNC_LOOK_PART : ORL_VNC_LOOK_REST;
        }
        const struct rect r = peek_rect(client->buf + end);
        end += RECT_BYTES + (size_t)r.at.width * (size_t)r.at.height * BYTES_PER_PX;
        if (r.encoding != ORL_RFB_ENCODING_RAW || !is_inside(surface, &r.at) ||
                end > RFB_BUF_SIZE) {
            return ORL_VNC_LOOK_REST;
        }
    }
    if (client->buffered < end) {
        return ORL_VNC_LOOK_PART;
    }
    return client->buffered == end ? ORL_VNC_LOOK_WHOLE : ORL_VNC_LOOK_REST;
}

enum orl_vnc_look orl_vnc_raw_look(rfbClient *client, const struct orl_surface *surface)
{
    client->bufoutptr = client->buf;
    const ssize_t n = recv(client->sock, client->buf + client->buffered,
            RFB_BUF_SIZE - client->buffered, MSG_DONTWAIT);
    if (n <= 0) {
        return ORL_VNC_LOOK_REST;
    }
    client->buffered += (unsigned)n;
    return judge(client, surface);
}
