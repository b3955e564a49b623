/* Lists, a page after the other, into one answer. */
#ifndef ORL_CLI_PAGES_H
#define ORL_CLI_PAGES_H
#include "cli/http.h"
#include <jansson.h>

/* Adds what comes after a first page (root, the answer to call) to it, and takes `next` away. A page that is refused
 * stays in *answer, and *ret_refusal is its body (NULL: none was), the caller's. */
ORL_NODISCARD int orl_cli_pages(const struct orl_cli_call *call, json_t *root,
        struct orl_cli_answer *answer, json_t **ret_refusal, struct orl_err *err);

#endif
