/* oriel template import, build, seal: sends a file in pieces, says how far it is, and waits for the job. */
#ifndef ORL_CLI_IMPORT_H
#define ORL_CLI_IMPORT_H
#include "cli/args.h"

enum orl_cli_exit orl_cli_import(const struct orl_cli_call *call);

#endif
