/* A job that a command began: how far it is on standard error, how it ended on standard output. */
#ifndef ORL_CLI_WAIT_H
#define ORL_CLI_WAIT_H
#include "cli/http.h"

/* answer: {"job": ID}. ORL_CLI_EXIT_REFUSED: it failed, or what it found is bad. SIGINT ends the waiting, not the job. */
enum orl_cli_exit orl_cli_wait(
        const struct orl_cli_call *call, const struct orl_cli_answer *answer);

#endif
