/* `oriel session show ID --live`: what a session does, a line each second. */
#ifndef ORL_CLI_LIVE_H
#define ORL_CLI_LIVE_H
#include "cli/args.h"
#include <stdio.h>

/* Asks once a second until the session ends or SIGINT or SIGTERM comes; both are ORL_CLI_EXIT_OK. */
enum orl_cli_exit orl_cli_live(const struct orl_cli_call *call);
void orl_cli_live_head(FILE *out);
/* One line of an answer's sample; what is missing in it counts as none. */
void orl_cli_live_line(const json_t *sample, FILE *out);

#endif
