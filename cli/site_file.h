/* `oriel export` and `oriel apply`: all that an administrator decides as a YAML file. */
#ifndef ORL_CLI_SITE_FILE_H
#define ORL_CLI_SITE_FILE_H
#include "cli/args.h"

/* 0: done, or nothing to do; ORL_CLI_EXIT_CHANGES: --dry-run, and there is something to do; else 1, and why on stderr. */
int orl_cli_site_file(const struct orl_cli_call *call);

#endif
