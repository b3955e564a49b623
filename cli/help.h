/* Help, completion and the manual page, from the table of commands. */
#ifndef ORL_CLI_HELP_H
#define ORL_CLI_HELP_H
#include "cli/cmd.h"
#include <stdio.h>

/* cmd NULL: of the noun; noun NULL: of the program. */
void orl_cli_help(const struct orl_cli_cmd *cmd, const char *noun, FILE *out);
void orl_cli_man(FILE *out); /* roff */
void orl_cli_completion_bash(FILE *out);

#endif
