/* `oriel doctor`: what can be seen on this host (base/host_check.h), and what the broker tells of itself, its programs and
 * its hosts (GET /v1/doctor). */
#ifndef ORL_CLI_DOCTOR_H
#define ORL_CLI_DOCTOR_H
#include "cli/args.h"

/* 0: nothing is bad; 1. */
int orl_cli_doctor(const struct orl_cli_call *call);

#endif
