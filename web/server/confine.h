/* Root's rights given up but one, which puts the process where it sees nothing but the sockets it needs; the
 * sandbox (base/sandbox.h) then takes that one, too. */
#ifndef ORL_WEB_CONFINE_H
#define ORL_WEB_CONFINE_H
#include "base/err.h"
#include <stdbool.h>

/* Becomes the user; an ordinary user stays what it is. Empty: no change. */
ORL_NODISCARD int orl_confine_become(const char *user, struct orl_err *err);
/* *ret_is_rooted: dir is "/" from now on; else there is no right to do so, and all paths stay as they are. */
ORL_NODISCARD int orl_confine_root(const char *dir, bool *ret_is_rooted, struct orl_err *err);

#endif
