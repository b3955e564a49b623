/* Our end of one listener's socket until its handshake is done: D-Bus authentication as the client, then QEMU's
 * questions for properties. Reads not one byte more than that: the next one is the console's. */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_LISTENER_H
#define ORL_PROTOCOLS_QEMU_QEMU_LISTENER_H
#include "base/clock.h"
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

#define ORL_QEMU_HANDSHAKE_MAX_US (500 * ORL_US_PER_MS) /* QEMU's main loop stands still for it */

enum orl_qemu_listener_kind { ORL_QEMU_LISTENER_PICTURE = 0, ORL_QEMU_LISTENER_SOUND };
enum orl_qemu_listener_state {
    ORL_QEMU_LISTENER_AUTH = 0,
    ORL_QEMU_LISTENER_FDS, /* may they be sent? */
    ORL_QEMU_LISTENER_QUESTION,
    ORL_QEMU_LISTENER_DONE /* a QEMU that shares memory has another question, and says nothing where it has none */
};
struct orl_qemu_listener {
    int fd; /* ours; not blocking */
    enum orl_qemu_listener_kind kind;
    enum orl_qemu_listener_state state;
    int room_bytes; /* of QEMU's send buffer, as the kernel counts */
    bool takes_fds;
    bool is_over;     /* nothing is asked any more */
    uint32_t serial;  /* of our last answer */
    bool is_heard;    /* QEMU has begun: its main loop waits for us */
    int unread_bytes; /* of the stream, at the last orl_qemu_listener_stall() */
    unsigned stalled_ticks, full_ticks;
};
/* A pair, for pictures with room for two of them where we may, and our side of the authentication already in it.
 * *ret_qemu_fd is the caller's. */
ORL_NODISCARD int orl_qemu_listener_open(struct orl_qemu_listener *listener,
        enum orl_qemu_listener_kind kind, int *ret_qemu_fd, struct orl_err *err);
/* The fd is readable. ORL_E_AGAIN: more may come, also when the state is DONE, until QEMU's main loop is known to have gone
 * on; ORL_OK: the console's part has begun. */
ORL_NODISCARD int orl_qemu_listener_step(struct orl_qemu_listener *listener);

/* It is QEMU 9.2 or later: it asked who takes shared memory. Known when the state is DONE and its main loop went on. */
bool orl_qemu_listener_is_recent(const struct orl_qemu_listener *listener);

/* Each 100 ms once the stream was handed out. Why it must end, or NULL: a reader that lives empties the socket again and
 * again; one that does not lets it fill, and QEMU's memory after it. */
const char *orl_qemu_listener_stall(struct orl_qemu_listener *listener);

#endif
