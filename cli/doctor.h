/* `oriel doctor`: what the broker tells of itself and its hosts (GET /v1/doctor), and what only root on this host sees:
 * users, sockets, ports, certificates, sandbox, clock. */
#ifndef ORL_CLI_DOCTOR_H
#define ORL_CLI_DOCTOR_H
#include "cli/args.h"

/* Appends this host's checks, of the files below root ("": this machine). */
void orl_cli_doctor_host(const char *root, const char *run_dir, json_t *checks);
/* 0: nothing is bad; 1. */
int orl_cli_doctor(const struct orl_cli_call *call);

#endif
