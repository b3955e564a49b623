/* Commands that need no broker and work on the store itself: backup, restore, migrate, create. */
#ifndef ORL_CLI_LOCAL_H
#define ORL_CLI_LOCAL_H
#include "cli/args.h"

/* The exit code. Says on standard output what was done. */
enum orl_cli_exit orl_cli_local(const struct orl_cli_call *call, struct orl_err *err);

#endif
