/* The thread that reads a VNC server: handshake and messages by libvncclient, pixels straight into the
 * surface. After the handshake it never writes to the socket; the loop does (vnc_source.c). While updates are small
 * the loop reads them, too, which saves waking the thread: it is lent the socket's reading end and gives it back.
 * Everything else between the two is atomic; a surface is handed over by exchange, never shared for freeing. */
#ifndef ORL_PROTOCOLS_VNC_VNC_READER_H
#define ORL_PROTOCOLS_VNC_VNC_READER_H
#include "base/loop.h"
#include "base/reason.h"
#include "display/surface.h"
#include "protocols/vnc/vnc_cut.h"
#include "protocols/vnc/vnc_sound.h"
#include <stdint.h>

struct orl_vnc_reader;

/* What happened since the loop asked last. */
enum {
    ORL_VNC_UP = 1,      /* the handshake is over: the loop may write */
    ORL_VNC_UPDATED = 2, /* an update is in the surface: the request was answered */
    ORL_VNC_CURSOR = 4,
    ORL_VNC_EXT_KEYS = 8, /* the server takes scancodes */
    ORL_VNC_EXT_BUTTONS = 16,
    ORL_VNC_EXT_SIZE = 32, /* the server takes SetDesktopSize */
    ORL_VNC_DONE = 128,    /* the thread is over: orl_vnc_reader_result() */
    ORL_VNC_IS_QEMU = 256,
    ORL_VNC_EXT_SOUND = 512, /* the server takes QEMU's audio messages */
    ORL_VNC_CUT = 1024,      /* orl_vnc_reader_take_cut() */
    ORL_VNC_SOUND = 2048,    /* samples are in the ring */
    ORL_VNC_SOUND_OVER = 4096,
    ORL_VNC_LENT = 8192,   /* until orl_vnc_reader_take_small() says NONE */
    ORL_VNC_WAITS = 16384, /* for the rest of a message: orl_vnc_reader_busy_since_us() */
};
enum orl_vnc_small {
    ORL_VNC_SMALL_NONE = 0, /* what came is not for the loop: the thread has it again */
    ORL_VNC_SMALL_PART,     /* as ORL_VNC_WAITS */
    ORL_VNC_SMALL_UPDATED,  /* as ORL_VNC_UPDATED */
};
struct orl_vnc_result {
    enum orl_reason reason;
    char text[128];
};

/* Starts the thread. Borrows fd (a connected stream socket) until orl_vnc_reader_free(). wake is sent on
 * everything above. password: NULL or what the server may ask for. */
ORL_NODISCARD int orl_vnc_reader_new(int fd, const char *password, struct orl_wake *wake,
        struct orl_vnc_reader **ret_reader, struct orl_err *err);
/* Shuts the socket down, waits for the thread. NULL is fine. */
void orl_vnc_reader_free(struct orl_vnc_reader *reader);

unsigned orl_vnc_reader_take_flags(struct orl_vnc_reader *reader);
/* After ORL_VNC_LENT, when the socket is readable. */
enum orl_vnc_small orl_vnc_reader_take_small(struct orl_vnc_reader *reader);
/* A new surface, now the caller's, or NULL. The reader goes on writing into it until it has made the
 * next one, and the caller keeps it until it has taken that. */
struct orl_surface *orl_vnc_reader_take_surface(struct orl_vnc_reader *reader);
/* The newest of that kind, now the caller's, or NULL. */
struct orl_vnc_cut *orl_vnc_reader_take_cut(
        struct orl_vnc_reader *reader, enum orl_vnc_cut_kind kind);
struct orl_vnc_sound_ring *orl_vnc_reader_sound(struct orl_vnc_reader *reader); /* to take from */
/* Since when it has been in the middle of something, on orl_clock_now_us(); 0: it waits for a message. */
uint64_t orl_vnc_reader_busy_since_us(const struct orl_vnc_reader *reader);
int orl_vnc_reader_leds(const struct orl_vnc_reader *reader);        /* ORL_LOCK_* or -1 */
uint64_t orl_vnc_reader_screen(const struct orl_vnc_reader *reader); /* id << 32 | flags */
/* After ORL_VNC_DONE. */
const struct orl_vnc_result *orl_vnc_reader_result(const struct orl_vnc_reader *reader);

#endif
