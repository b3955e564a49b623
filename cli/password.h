/* Passwords from a terminal, standard input or a file; never from the command line. */
#ifndef ORL_CLI_PASSWORD_H
#define ORL_CLI_PASSWORD_H
#include "base/err.h"
#include <stddef.h>

/* The first line of the file; "-": of standard input. ORL_E_INVAL: empty, too long, no such file. */
ORL_NODISCARD int orl_cli_password_read(
        const char *path, char *ret, size_t size, struct orl_err *err);
/* Asks twice on the terminal, without echo. ORL_E_INVAL: no terminal, or the two differ. */
ORL_NODISCARD int orl_cli_password_ask(
        const char *prompt, char *ret, size_t size, struct orl_err *err);

#endif
