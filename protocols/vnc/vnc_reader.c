#include "protocols/vnc/vnc_reader.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/secret.h"
#include "display/input.h"
#include "protocols/vnc/vnc_messages.h"
#include "protocols/vnc/vnc_raw.h"
#include "protocols/vnc/vnc_source.h"
#include "protocols/vnc/vnc_wire.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <rfb/rfbclient.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define PASSWORD_BYTES 8 /* RFC 6143 7.2.2: the rest is never used */
#define STORM_WINDOW_US (1 * ORL_US_PER_S)
#define STORM_MAX_RESIZES 30 /* per window; a person's dragging makes a few */
#define STORM_MAX_OTHERS 500 /* messages that are no updates, per window */
#define SMALL_PX (RFB_BUF_SIZE / 4)
#define BANNER_LEN 12
#define MSG_QEMU 255
#define QEMU_NAME "QEMU" /* its desktops are "QEMU", "QEMU (name)" */

struct orl_vnc_reader {
    int fd; /* borrowed */
    char password[PASSWORD_BYTES + 1];
    struct orl_wake *wake; /* borrowed */
    pthread_t thread;
    rfbClient *client;

    /* the thread's own, or the loop's while it is lent */
    struct orl_surface *current; /* what is written into; owned by whoever took it, see below */
    struct orl_region damage;
    struct orl_vnc_update update; /* that is being read */
    struct orl_cursor cursor;
    bool has_cursor;
    bool is_password_asked;
    bool has_update;   /* this message held one */
    bool is_small;     /* and that was a small one */
    bool is_wait_told; /* of this message */
    const char *lie;   /* what the server broke, or NULL */
    uint64_t storm_start_us;
    unsigned resizes, others;

    /* between thread and loop */
    _Atomic(struct orl_surface *) fresh;
    atomic_uint flags;
    atomic_int leds;
    _Atomic uint64_t screen;
    _Atomic uint64_t busy_since_us;
    _Atomic(struct orl_vnc_cut *) cuts[ORL_VNC_CUT_KIND_COUNT];
    struct orl_vnc_sound_ring sound;
    sem_t returned; /* what was lent */
    atomic_bool is_stopping;
    struct orl_vnc_result result; /* written before ORL_VNC_DONE, read after */
};

/* Exported by libvncclient, in no header of its own. */
extern void rfbClientEncryptBytes(unsigned char *bytes, char *passwd);

static char reader_tag; /* its address is the key; never read or written */

static struct orl_vnc_reader *reader_of(rfbClient *client)
{
    return rfbClientGetClientData(client, &reader_tag);
}

static void raise_flags(struct orl_vnc_reader *r, unsigned flags)
{
    atomic_fetch_or(&r->flags, flags);
    orl_wake_send(r->wake);
}

static void quiet(const char *format, ...)
{
    (void)format; /* what a server says about itself is not for our log */
}

/* Pseudo-encodings that libvncclient does not know. */
static rfbBool on_encoding(rfbClient *client, rfbFramebufferUpdateRectHeader *rect)
{
    struct orl_vnc_reader *r = reader_of(client);
    if (r == NULL) {
        return FALSE;
    }
    switch ((int32_t)rect->encoding) {
    case ORL_RFB_ENCODING_QEMU_LED: {
        char leds = 0;
        if (!ReadFromRFBServer(client, &leds, 1)) {
            return FALSE;
        }
        /* QEMU's bits are ORL_LOCK_*'s. */
        atomic_store(&r->leds, (int)(leds & (ORL_LOCK_SCROLL | ORL_LOCK_NUM | ORL_LOCK_CAPS)));
        rect->r.w = rect->r.h = 0; /* no damage */
        return TRUE;
    }
    case ORL_RFB_ENCODING_EXT_BUTTONS:
        atomic_fetch_or(&r->flags, ORL_VNC_EXT_BUTTONS);
        rect->r.w = rect->r.h = 0;
        return TRUE;
    case ORL_RFB_ENCODING_QEMU_AUDIO:
        atomic_fetch_or(&r->flags, ORL_VNC_EXT_SOUND);
        rect->r.w = rect->r.h = 0;
        return TRUE;
    default:
        return FALSE;
    }
}

/* Messages that libvncclient does not know. */
static rfbBool on_message(rfbClient *client, rfbServerToClientMsg *msg)
{
    struct orl_vnc_reader *r = reader_of(client);
    enum orl_vnc_sound_op op = ORL_VNC_SOUND_BEGIN;
    if (r == NULL || msg->type != MSG_QEMU || !orl_vnc_read_sound(client, &r->sound, &op)) {
        return FALSE;
    }
    atomic_fetch_or(&r->flags, op == ORL_VNC_SOUND_END    ? ORL_VNC_SOUND_OVER
                               : op == ORL_VNC_SOUND_DATA ? ORL_VNC_SOUND
                                                          : 0);
    return TRUE;
}

static bool take_cut(struct orl_vnc_reader *r)
{
    struct orl_vnc_cut *cut = NULL;
    if (!orl_vnc_read_cut(r->client, &cut)) {
        return false;
    }
    if (cut != NULL) {
        orl_vnc_cut_free(atomic_exchange(&r->cuts[cut->kind], cut));
        atomic_fetch_or(&r->flags, ORL_VNC_CUT);
    }
    return true;
}

void orl_vnc_prepare(void)
{
    static rfbClientProtocolExtension extension = {
            .handleEncoding = on_encoding, .handleMessage = on_message};
    static bool is_done;
    if (is_done) {
        return;
    }
    is_done = true;
    rfbClientLog = quiet;
    rfbClientErr = quiet;
    rfbClientRegisterExtension(&extension);
    /* Lets libgcrypt read its files and start its generator now. */
    unsigned char challenge[16] = {0};
    char password[PASSWORD_BYTES + 1] = "prepare";
    rfbClientEncryptBytes(challenge, password);
}

static char *on_password(rfbClient *client)
{
    struct orl_vnc_reader *r = reader_of(client);
    r->is_password_asked = true;
    return strdup(r->password);
}

static bool is_inside(const rfbClient *client, int x, int y, int width, int height)
{
    return x >= 0 && y >= 0 && width >= 0 && height >= 0 && x + width <= client->width &&
           y + height <= client->height;
}

static void tell_lie(struct orl_vnc_reader *r, const char *what)
{
    if (r->lie == NULL) {
        r->lie = what;
    }
}

static rfbBool on_size(rfbClient *client)
{
    struct orl_vnc_reader *r = reader_of(client);
    struct orl_surface *surface = NULL;
    if (++r->resizes > STORM_MAX_RESIZES) {
        tell_lie(r, "the display changes its size without end");
        return FALSE;
    }
    if (client->width <= 0 || client->height <= 0 ||
            orl_surface_create((uint32_t)client->width, (uint32_t)client->height, &surface, NULL) <
                    0) {
        tell_lie(r, "the display has an impossible size");
        return FALSE;
    }
    if (r->has_cursor) {
        orl_surface_set_cursor(surface, &r->cursor);
    }
    orl_region_clear(&r->damage);
    r->current = surface;
    /* A lying server may send an encoding that libvncclient decodes into this, by rows of width * 4:
     * never beyond the surface, whose rows are at least that long. */
    client->frameBuffer = orl_surface_pixels_rw(surface);
    /* What the loop has not taken is nobody's: only this thread ever saw it. */
    orl_surface_free(atomic_exchange(&r->fresh, surface));
    orl_wake_send(r->wake);
    return TRUE;
}

static uint8_t *row_at(struct orl_surface *surface, int x, int y)
{
    return orl_surface_pixels_rw(surface) + (size_t)y * orl_surface_stride(surface) + (size_t)x * 4;
}

static void on_bitmap(rfbClient *client, const uint8_t *data, int x, int y, int width, int height)
{
    struct orl_vnc_reader *r = reader_of(client);
    if (!is_inside(client, x, y, width, height)) {
        tell_lie(r, "the display sent a rectangle outside itself");
        return;
    }
    size_t bytes = (size_t)width * 4;
    for (int i = 0; i < height; i++) {
        memcpy(row_at(r->current, x, y + i), data + (size_t)i * bytes, bytes);
    }
}

static void on_fill(rfbClient *client, int x, int y, int width, int height, uint32_t colour)
{
    struct orl_vnc_reader *r = reader_of(client);
    if (!is_inside(client, x, y, width, height)) {
        tell_lie(r, "the display sent a rectangle outside itself");
        return;
    }
    for (int i = 0; i < height; i++) {
        uint8_t *row = row_at(r->current, x, y + i);
        for (int j = 0; j < width; j++) {
            memcpy(row + (size_t)j * 4, &colour, sizeof(colour));
        }
    }
}

static void on_copy(rfbClient *client, int from_x, int from_y, int width, int height, int x, int y)
{
    struct orl_vnc_reader *r = reader_of(client);
    if (!is_inside(client, from_x, from_y, width, height) ||
            !is_inside(client, x, y, width, height)) {
        tell_lie(r, "the display copied a rectangle outside itself");
        return;
    }
    size_t bytes = (size_t)width * 4;
    for (int i = 0; i < height; i++) {
        int line = from_y < y ? height - 1 - i : i; /* moved down: from the bottom */
        memmove(row_at(r->current, x, y + line), row_at(r->current, from_x, from_y + line), bytes);
    }
}

static void on_rect(rfbClient *client, int x, int y, int width, int height)
{
    struct orl_rect rect = {x, y, width, height};
    orl_region_add(&reader_of(client)->damage, &rect);
}

static void on_update_end(rfbClient *client)
{
    struct orl_vnc_reader *r = reader_of(client);
    if (r->update.left > 0) {
        return;
    }
    r->is_small = orl_region_area(&r->damage) <= SMALL_PX;
    for (unsigned i = 0; i < r->damage.count; i++) {
        orl_surface_damage(r->current, &r->damage.rects[i]);
    }
    orl_region_clear(&r->damage);
    r->has_update = true;
}

static uint32_t limit(int value, uint32_t max)
{
    return value < 0 ? 0 : (uint32_t)value < max ? (uint32_t)value : max;
}

static void on_cursor(rfbClient *client, int hot_x, int hot_y, int width, int height, int bytes)
{
    struct orl_vnc_reader *r = reader_of(client);
    struct orl_cursor *cursor = &r->cursor;
    if (bytes == 4 && width > 0 && height > 0) {
        /* A larger shape is cut: no client takes it. */
        cursor->is_visible = true;
        cursor->width_px = limit(width, ORL_CURSOR_MAX_PX);
        cursor->height_px = limit(height, ORL_CURSOR_MAX_PX);
        cursor->hot_x = limit(hot_x, cursor->width_px - 1);
        cursor->hot_y = limit(hot_y, cursor->height_px - 1);
        for (uint32_t y = 0; y < cursor->height_px; y++) {
            for (uint32_t x = 0; x < cursor->width_px; x++) {
                size_t at = (size_t)y * (size_t)width + x;
                uint32_t pixel = 0;
                memcpy(&pixel, client->rcSource + at * 4, sizeof(pixel));
                cursor->pixels[y * cursor->width_px + x] =
                        client->rcMask[at] != 0 ? 0xFF000000U | pixel : 0;
            }
        }
        r->has_cursor = true;
        orl_surface_set_cursor(r->current, cursor);
        raise_flags(r, ORL_VNC_CURSOR);
    }
    free(client->rcMask); /* libvncclient 0.9.14 allocates another one for each shape */
    client->rcMask = NULL;
}

static void set_busy(struct orl_vnc_reader *r, bool is_busy)
{
    atomic_store(&r->busy_since_us, is_busy ? orl_clock_now_us() : 0);
}

static void finish(struct orl_vnc_reader *r, enum orl_reason reason, const char *text)
{
    r->result.reason = reason;
    (void)snprintf(r->result.text, sizeof(r->result.text), "%s", text);
}

/* Nothing more will come: the peer closed, or the connection broke. */
static bool is_peer_gone(int fd)
{
    char byte = 0;
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* Three digits, or -1. */
static int read_digits(const char *text)
{
    int value = 0;
    for (int i = 0; i < 3; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* Below 3.7 the server chooses the authentication, out of all that libvncclient has: TLS, SASL, ...
 * Servers that old are not met any more; UltraVNC's 3.14 and 3.16 mean 3.4 and 3.6. */
static bool is_banner_ok(const struct orl_vnc_reader *r)
{
    char banner[BANNER_LEN]; /* "RFB 003.008\n" */
    ssize_t n = recv(r->fd, banner, BANNER_LEN, MSG_PEEK | MSG_WAITALL);
    if (n != BANNER_LEN || memcmp(banner, "RFB ", 4) != 0 || banner[7] != '.' ||
            banner[11] != '\n') {
        return false;
    }
    int major = read_digits(banner + 4);
    int minor = read_digits(banner + 8);
    return minor >= 0 && (major > 3 || (major == 3 && minor >= 7 && minor != 14 && minor != 16));
}

static bool handshake(struct orl_vnc_reader *r)
{
    static const uint32_t schemes[] = {rfbNoAuth, rfbVncAuth};
    if (!is_banner_ok(r)) {
        bool is_gone = is_peer_gone(r->fd);
        finish(r, is_gone ? ORL_REASON_CONSOLE_LOST : ORL_REASON_CONSOLE_PROTOCOL,
                is_gone ? "the display closed the connection"
                        : "the display is no VNC server (RFB 3.7 or later)");
        return false;
    }
    SetClientAuthSchemes(r->client, schemes, (int)(sizeof(schemes) / sizeof(schemes[0])));
    bool is_ok = InitialiseRFBConnection(r->client) && r->client->tlsSession == NULL;
    orl_secret_wipe(r->password, sizeof(r->password));
    if (!is_ok) {
        if (r->is_password_asked && r->client->desktopName == NULL &&
                r->client->si.framebufferWidth == 0) {
            finish(r, ORL_REASON_CONSOLE_AUTH, "the display refused the password");
        } else if (is_peer_gone(r->fd)) {
            finish(r, ORL_REASON_CONSOLE_LOST, "the display closed during the handshake");
        } else {
            finish(r, ORL_REASON_CONSOLE_PROTOCOL,
                    "the display's handshake is wrong, or wants an authentication other than none "
                    "or VNC");
        }
        return false;
    }
    r->client->width = r->client->si.framebufferWidth;
    r->client->height = r->client->si.framebufferHeight;
    if (!on_size(r->client)) {
        finish(r, ORL_REASON_CONSOLE_PROTOCOL, r->lie);
        return false;
    }
    const char *name = r->client->desktopName;
    bool is_qemu = name != NULL && strncmp(name, QEMU_NAME, strlen(QEMU_NAME)) == 0;
    raise_flags(r, ORL_VNC_UP | (is_qemu ? (unsigned)ORL_VNC_IS_QEMU : 0U));
    return true;
}

static bool is_storm(struct orl_vnc_reader *r)
{
    uint64_t now_us = orl_clock_now_us();
    if (now_us - r->storm_start_us > STORM_WINDOW_US) {
        r->storm_start_us = now_us;
        r->resizes = 0;
        r->others = 0;
    }
    if (!r->has_update && r->update.left == 0 && ++r->others > STORM_MAX_OTHERS) {
        tell_lie(r, "the display sends messages without end");
    }
    return r->lie != NULL;
}

/* libvncclient clears requestedResize on every ExtendedDesktopSize. */
static unsigned desktop_size_flags(struct orl_vnc_reader *r)
{
    rfbClient *client = r->client;
    if (client->requestedResize) {
        return 0;
    }
    if (client->screen.id != 0) { /* 0: libvncclient found none */
        const uint32_t id = rfbClientSwap32IfLE(client->screen.id);
        atomic_store(&r->screen, (uint64_t)(id == ORL_VNC_RAW_SCREEN_0 ? 0 : id) << 32 |
                                         rfbClientSwap32IfLE(client->screen.flags));
    }
    return ORL_VNC_EXT_SIZE;
}

/* The server owes the rest of a message: somebody must keep time. */
static void on_wait(rfbClient *client)
{
    struct orl_vnc_reader *r = reader_of(client);
    if (!r->is_wait_told) {
        r->is_wait_told = true;
        raise_flags(r, ORL_VNC_WAITS);
    }
}

static bool read_message(struct orl_vnc_reader *r)
{
    r->is_wait_told = false;
    switch (orl_vnc_raw_take(r->client, r->current, &r->damage, &r->update, on_wait)) {
    case ORL_VNC_RAW_DONE:
        on_update_end(r->client);
        return true;
    case ORL_VNC_RAW_LIE:
        tell_lie(r, "the display sent a rectangle outside itself");
        return false;
    case ORL_VNC_RAW_REST:
        break;
    }
    on_wait(r->client);
    return orl_vnc_peek_type(r->client) == rfbServerCutText ? take_cut(r)
                                                            : HandleRFBServerMessage(r->client);
}

static bool can_lend(const struct orl_vnc_reader *r)
{
    return r->has_update && r->is_small && r->update.left == 0 && r->client->buffered == 0;
}

/* Sets *ret_is_lent: the loop may have the socket by now. */
static bool handle_message(struct orl_vnc_reader *r, bool *ret_is_lent)
{
    rfbClient *client = r->client;
    r->has_update = false;
    /* The loop asks for updates; libvncclient would too, from this thread. */
    client->supportedMessages.client2server[rfbFramebufferUpdateRequest / 8] &=
            (uint8_t) ~(1U << (rfbFramebufferUpdateRequest % 8));
    client->requestedResize = TRUE; /* to see it cleared: desktop_size_flags() */
    memset(&client->screen, 0, sizeof(client->screen));
    bool is_ok = read_message(r);
    if (is_storm(r)) {
        finish(r, ORL_REASON_CONSOLE_PROTOCOL, r->lie);
        return false;
    }
    if (!is_ok) {
        bool is_gone = is_peer_gone(r->fd);
        finish(r, is_gone ? ORL_REASON_CONSOLE_LOST : ORL_REASON_CONSOLE_PROTOCOL,
                is_gone ? "the display closed the connection"
                        : "the display sent something that is not RFB");
        return false;
    }
    unsigned flags = desktop_size_flags(r);
    if (SupportsClient2Server(client, rfbQemuEvent)) {
        flags |= ORL_VNC_EXT_KEYS;
    }
    flags |= r->has_update ? ORL_VNC_UPDATED : 0U;
    *ret_is_lent = can_lend(r);
    if (*ret_is_lent) {
        set_busy(r, false);
        flags |= ORL_VNC_LENT;
    }
    raise_flags(r, flags);
    return true;
}

static void await_return(struct orl_vnc_reader *r)
{
    while (sem_wait(&r->returned) < 0 && errno == EINTR) {
    }
}

static void *reader_main(void *arg)
{
    struct orl_vnc_reader *r = arg;
    bool is_up = handshake(r);
    while (is_up && !atomic_load(&r->is_stopping)) {
        bool is_new = r->update.left == 0; /* else the update's time goes on */
        if (is_new && r->client->buffered == 0) {
            set_busy(r, false);
            struct pollfd pfd = {.fd = r->fd, .events = POLLIN};
            if (poll(&pfd, 1, -1) < 0 && errno != EINTR) {
                finish(r, ORL_REASON_CONSOLE_LOST, "the display's socket failed");
                break;
            }
        }
        if (is_new) {
            set_busy(r, true);
        }
        bool is_lent = false;
        is_up = handle_message(r, &is_lent);
        if (is_lent) {
            await_return(r);
        }
    }
    set_busy(r, false);
    raise_flags(r, ORL_VNC_DONE);
    return NULL;
}

static rfbClient *new_client(struct orl_vnc_reader *r)
{
    rfbClient *client = rfbGetClient(8, 3, 4);
    if (client == NULL) {
        return NULL;
    }
    rfbClientSetClientData(client, &reader_tag, r);
    client->sock = r->fd;
    client->listenSpecified = TRUE; /* the connection is there: it must make none */
    client->format.redShift = 16;   /* BGRX, as orl_rfb_put_pixel_format() asks for */
    client->format.greenShift = 8;
    client->format.blueShift = 0;
    client->canHandleNewFBSize = TRUE;
    client->GetPassword = on_password;
    client->MallocFrameBuffer = on_size;
    client->GotBitmap = on_bitmap;
    client->GotFillRect = on_fill;
    client->GotCopyRect = on_copy;
    client->GotFrameBufferUpdate = on_rect;
    client->FinishedFrameBufferUpdate = on_update_end;
    client->GotCursorShape = on_cursor;
    return client;
}

static void free_client(rfbClient *client)
{
    if (client == NULL) {
        return;
    }
    client->sock = RFB_INVALID_SOCKET; /* ours */
    client->frameBuffer = NULL;
    free(client->rcSource);
    free(client->rcMask);
    rfbClientCleanup(client);
}

int orl_vnc_reader_new(int fd, const char *password, struct orl_wake *wake,
        struct orl_vnc_reader **ret_reader, struct orl_err *err)
{
    struct orl_vnc_reader *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "VNC reader");
    }
    r->fd = fd;
    r->wake = wake;
    (void)snprintf(r->password, sizeof(r->password), "%.*s", PASSWORD_BYTES,
            password != NULL ? password : "");
    atomic_init(&r->leds, -1);
    (void)sem_init(&r->returned, 0, 0); /* cannot fail with a value of 0 */
    orl_region_clear(&r->damage);
    set_busy(r, true);
    r->client = new_client(r);
    int rc = r->client == NULL ? ENOMEM : pthread_create(&r->thread, NULL, reader_main, r);
    if (rc != 0) {
        free_client(r->client);
        free(r);
        return orl_err_sys(err, rc, "VNC reader thread");
    }
    *ret_reader = r;
    return ORL_OK;
}

void orl_vnc_reader_free(struct orl_vnc_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    atomic_store(&reader->is_stopping, true);
    (void)shutdown(reader->fd, SHUT_RDWR);
    (void)sem_post(&reader->returned);
    (void)pthread_join(reader->thread, NULL);
    (void)sem_destroy(&reader->returned);
    free_client(reader->client);
    orl_surface_free(atomic_exchange(&reader->fresh, NULL));
    for (unsigned i = 0; i < ORL_VNC_CUT_KIND_COUNT; i++) {
        orl_vnc_cut_free(atomic_exchange(&reader->cuts[i], NULL));
    }
    orl_secret_wipe(reader->password, sizeof(reader->password));
    free(reader);
}

enum orl_vnc_small orl_vnc_reader_take_small(struct orl_vnc_reader *reader)
{
    const enum orl_vnc_look look = orl_vnc_raw_look(reader->client, reader->current);
    if (look == ORL_VNC_LOOK_PART) {
        if (orl_vnc_reader_busy_since_us(reader) == 0) {
            set_busy(reader, true);
        }
        return ORL_VNC_SMALL_PART;
    }
    if (look == ORL_VNC_LOOK_REST) {
        (void)sem_post(&reader->returned);
        return ORL_VNC_SMALL_NONE;
    }
    const enum orl_vnc_raw taken = orl_vnc_raw_take(
            reader->client, reader->current, &reader->damage, &reader->update, on_wait);
    orl_assert(taken == ORL_VNC_RAW_DONE);
    on_update_end(reader->client);
    set_busy(reader, false);
    return ORL_VNC_SMALL_UPDATED;
}

unsigned orl_vnc_reader_take_flags(struct orl_vnc_reader *reader)
{
    return atomic_exchange(&reader->flags, 0);
}

struct orl_surface *orl_vnc_reader_take_surface(struct orl_vnc_reader *reader)
{
    return atomic_exchange(&reader->fresh, NULL);
}

struct orl_vnc_cut *orl_vnc_reader_take_cut(
        struct orl_vnc_reader *reader, enum orl_vnc_cut_kind kind)
{
    return atomic_exchange(&reader->cuts[kind], NULL);
}

struct orl_vnc_sound_ring *orl_vnc_reader_sound(struct orl_vnc_reader *reader)
{
    return &reader->sound;
}

uint64_t orl_vnc_reader_busy_since_us(const struct orl_vnc_reader *reader)
{
    return atomic_load(&reader->busy_since_us);
}

int orl_vnc_reader_leds(const struct orl_vnc_reader *reader)
{
    return atomic_load(&reader->leds);
}

uint64_t orl_vnc_reader_screen(const struct orl_vnc_reader *reader)
{
    return atomic_load(&reader->screen);
}

const struct orl_vnc_result *orl_vnc_reader_result(const struct orl_vnc_reader *reader)
{
    return &reader->result;
}
