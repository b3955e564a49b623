/* Answers for people. */
#ifndef ORL_CLI_OUTPUT_H
#define ORL_CLI_OUTPUT_H
#include "cli/args.h"
#include <stdio.h>

/* A table, an object or a sentence, as the command wants; a generated password at the end. Control
 * characters that the broker let through do not reach the terminal. */
void orl_cli_print(const struct orl_cli_call *call, const json_t *answer, FILE *out);
/* A text that somebody else wrote; NULL is fine. */
void orl_cli_print_text(const char *text, FILE *out);
/* "refused: TEXT (code CODE, audit ID)" from a problem (RFC 9457). */
void orl_cli_print_refusal(const json_t *answer, long status, FILE *out);

#endif
