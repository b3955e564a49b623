/* Which displays a console program reads. Each of the two has a .c of its own, chosen in CMake: FreeRDP's libraries take
 * memory that the many consoles of QEMU's displays need not pay for. */
#ifndef ORL_CONSOLE_SOURCES_H
#define ORL_CONSOLE_SOURCES_H
#include "base/ipc.h"
#include "display/source.h"

/* Before the sandbox: what the sources' libraries must load or open. */
ORL_NODISCARD int orl_console_prepare_sources(struct orl_err *err);
/* Takes the display's fds. ORL_E_UNSUPPORTED: a kind that this program does not read. */
ORL_NODISCARD int orl_console_open_source(struct orl_loop *loop, struct orl_ipc_fds *display,
        const struct orl_msg_start *start, const struct orl_source_events *events, void *ctx,
        struct orl_source_handle *ret_handle, struct orl_err *err);

#endif
