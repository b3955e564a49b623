/* The D-Bus displays of our machines that consoles have open: at most one of a machine. Loop thread only.
 * Not here: who may have one (vmpool/console_sock.h). */
#ifndef ORL_VMPOOL_CONSOLE_DISPLAYS_H
#define ORL_VMPOOL_CONSOLE_DISPLAYS_H
#include "base/id.h"
#include "base/loop.h"
#include <stdbool.h>

#define ORL_CONSOLE_DISPLAYS_MAX 256

struct orl_console_displays;
struct orl_console_display_open {
    int stream_fd, input_fd; /* the callee's */
    bool has_sound;
};
/* Once for each open: open, or NULL and why not. */
typedef void (*orl_console_display_fn)(
        void *ctx, void *job, const struct orl_console_display_open *open, const char *why);
ORL_NODISCARD int orl_console_displays_new(struct orl_loop *loop, orl_console_display_fn fn,
        void *ctx, struct orl_console_displays **ret_displays);
/* Takes fd. The one of that machine that was open before ends: QEMU has one client. fn may come from here. */
void orl_console_displays_open(
        struct orl_console_displays *displays, const char *uuid, int fd, void *job);
/* The machine's displays ended soon, again and again: it is better looked at by other means for a while. */
bool orl_console_displays_are_failing(
        const struct orl_console_displays *displays, const char *uuid, uint64_t now_us);
/* fn is called for what was not open yet. NULL is fine. */
void orl_console_displays_free(struct orl_console_displays *displays);

#endif
