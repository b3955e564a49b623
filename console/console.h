/* One open desktop: a source on one side, the sessions' links on the other, the gateway's control
 * socket beside them. Ends when the source closes, when the gateway says so, or when gateway and links are
 * gone. */
#ifndef ORL_CONSOLE_CONSOLE_H
#define ORL_CONSOLE_CONSOLE_H
#include "base/ipc.h"

struct orl_console;
/* Takes control_fd and what is in display (one fd; two of a QEMU display), also on failure. start: borrowed. The source's thread begins here:
 * the sandbox must be entered. On failure the gateway was told why; err: not NULL. The loop is stopped when the console is over. */
ORL_NODISCARD int orl_console_new(struct orl_loop *loop, int control_fd,
        struct orl_ipc_fds *display, const struct orl_msg_start *start,
        struct orl_console **ret_console, struct orl_err *err);
/* CLOSE to the gateway, without waiting. */
void orl_console_tell_end(int control_fd, enum orl_reason reason, const char *text);
void orl_console_free(struct orl_console *console);

#endif
