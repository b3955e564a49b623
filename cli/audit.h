/* `oriel audit verify` and `oriel audit export`: the audit as a whole, a page after the other. */
#ifndef ORL_CLI_AUDIT_H
#define ORL_CLI_AUDIT_H
#include "cli/args.h"

/* The exit code; what is wrong is on stderr. libcurl is ready. */
int orl_cli_audit(const struct orl_cli_call *call);

#endif
