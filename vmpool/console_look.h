/* Whether a desktop's display answers, and whether something is painted on it: a few rows of pixels by
 * RFB, on a stream of its own. Not here: showing it to anybody (protocols/vnc). */
#ifndef ORL_VMPOOL_CONSOLE_LOOK_H
#define ORL_VMPOOL_CONSOLE_LOOK_H
#include "base/err.h"
#include <stdbool.h>

/* Waits for an RFB server's first bytes on fd (borrowed, any blocking mode). */
ORL_NODISCARD int orl_console_answers(int fd, unsigned timeout_ms, struct orl_err *err);
/* Handshake without authentication, then samples rows. *ret_is_painted: a quarter of the sampled
 * pixels is not black. ORL_E_TIMEOUT, ORL_E_PROTO, ORL_E_CLOSED. */
ORL_NODISCARD int orl_console_look(
        int fd, unsigned timeout_ms, bool *ret_is_painted, struct orl_err *err);

#endif
