/* Streams of static desktops that were handed out, each for one session. Such a machine runs on when its desktop goes
 * from one person to the next: whoever is given it must be the only one who sees it, whatever a gateway that hangs or
 * has not heard of it yet still holds. Cloned machines need none: they end with their person. */
#ifndef ORL_VMPOOL_CONSOLE_GRANTS_H
#define ORL_VMPOOL_CONSOLE_GRANTS_H
#include "base/err.h"

struct orl_console_grants;
ORL_NODISCARD int orl_console_grants_new(struct orl_console_grants **ret_grants);
void orl_console_grants_free(struct orl_console_grants *grants); /* NULL is fine; streams go on */
/* Shuts down what other sessions have of this desktop, then remembers fd (borrowed, duplicated).
 * ORL_E_LIMIT: too many are open; then nobody gets it. */
ORL_NODISCARD int orl_console_grants_give(
        struct orl_console_grants *grants, const char *desktop, const char *session, int fd);

#endif
