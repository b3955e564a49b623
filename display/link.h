/* The socket (SOCK_SEQPACKET) between one console and one session; neither believes the other.
 * Damage and cursor are in the surface; WAKE says that there is something to look at.
 *   console -> session:  SURFACE (fd: surface memfd), WAKE, CLOSED (reason), CLIPBOARD, SOUND, LOCKS
 *   session -> console:  INPUT, LAYOUT, WANT, CLIPBOARD
 * A message on a socket and not a shared eventfd: nobody can make the other side's send block.
 * A message: u16 type, u16 version, then the body, little endian; clipboard text and samples end it. */
#ifndef ORL_DISPLAY_LINK_H
#define ORL_DISPLAY_LINK_H
#include "base/err.h"
#include "base/reason.h"
#include "display/clipboard.h"
#include "display/input.h"
#include "display/layout.h"
#include "display/sound.h"
#include <stddef.h>
#include <stdint.h>

#define ORL_LINK_VERSION 2
#define ORL_LINK_MSG_MAX 7744 /* a header of at most 64 bytes, then text or samples */
enum orl_link_type {
    ORL_LINK_NONE = 0,
    ORL_LINK_SURFACE,
    ORL_LINK_CLOSED,
    ORL_LINK_INPUT,
    ORL_LINK_WAKE,
    ORL_LINK_WANT,      /* what the session takes beside pixels; nothing until it says so */
    ORL_LINK_CLIPBOARD, /* one part */
    ORL_LINK_SOUND,
    ORL_LINK_LAYOUT,  /* the monitors that the client has */
    ORL_LINK_HEAD,    /* vmpool -> console: the stream of a QEMU display's second head (fd) */
    ORL_LINK_SPEAKER, /* vmpool -> console: the stream of what a QEMU display plays (fd); again: it takes the former's place */
    ORL_LINK_LOCKS    /* the guest's lock keys; vmpool -> console, too */
};
enum { ORL_WANT_CLIPBOARD = 1, ORL_WANT_SOUND = 2 };

struct orl_link_msg {
    uint16_t type;
    uint32_t reason;                     /* CLOSED */
    struct orl_input input;              /* INPUT */
    struct orl_layout layout;            /* LAYOUT */
    uint32_t wants;                      /* WANT: ORL_WANT_* */
    uint32_t locks;                      /* LOCKS: ORL_LOCK_* */
    struct orl_clipboard_part clipboard; /* CLIPBOARD; its data lies in the receive buffer */
    struct orl_sound sound;              /* SOUND; its samples too */
    int surface_fd; /* SURFACE, HEAD, SPEAKER; -1 otherwise. Received: the caller owns it */
};
/* Does not wait. ORL_E_AGAIN: the peer does not read; the caller drops, merges or closes. */
ORL_NODISCARD int orl_link_send(int fd, const struct orl_link_msg *msg);
/* ORL_E_AGAIN, ORL_E_CLOSED, ORL_E_PROTO (then nothing is owned by the caller). What ret_msg points to lies in buf. */
ORL_NODISCARD int orl_link_recv(
        int fd, uint8_t buf[ORL_LINK_MSG_MAX], struct orl_link_msg *ret_msg);

/* Bytes to struct and back, without fds: for orl_link_* and their fuzz target. */
size_t orl_link_encode(const struct orl_link_msg *msg, uint8_t ret_data[ORL_LINK_MSG_MAX]);
ORL_NODISCARD int orl_link_decode(const uint8_t *data, size_t len, struct orl_link_msg *ret_msg);

#endif
