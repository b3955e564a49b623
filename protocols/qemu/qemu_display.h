/* The trusted side of QEMU's D-Bus display: holds the display socket, registers a listener and does its handshake (QEMU's
 * main loop stands still meanwhile), hands its stream out, turns a console's input into a fixed set of calls, and shuts
 * the listener down when nobody drains it (QEMU queues without bound). Loop thread only; never waits.
 * Not here: pixels (qemu_source.h). */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_DISPLAY_H
#define ORL_PROTOCOLS_QEMU_QEMU_DISPLAY_H
#include "base/loop.h"

struct orl_qemu_display;
struct orl_qemu_display_events {
    /* Once: both fds for one console, which the callee owns. has_sound: it can hear the machine by them. */
    void (*on_open)(void *ctx, int stream_fd, int input_fd, bool has_sound);
    /* Once, before or after on_open: it is over; free it, also here. */
    void (*on_closed)(void *ctx, const char *why);
};
/* Takes fd, a socket that QEMU took as a D-Bus display's client, also on failure. */
ORL_NODISCARD int orl_qemu_display_new(struct orl_loop *loop, int fd,
        const struct orl_qemu_display_events *events, void *ctx,
        struct orl_qemu_display **ret_display, struct orl_err *err);
/* Releases what is pressed, and ends the stream of whoever has it. NULL is fine. */
void orl_qemu_display_free(struct orl_qemu_display *display);

#endif
