/* One request over the broker's socket. */
#ifndef ORL_CLI_HTTP_H
#define ORL_CLI_HTTP_H
#include "base/buf.h"
#include "cli/args.h"

#define ORL_CLI_ANSWER_MAX ((size_t)16 * 1024 * 1024)

struct orl_cli_answer {
    long status;
    char etag[40];       /* without its quotes; empty: none */
    struct orl_buf body; /* fini by the caller, also after a failure */
};
/* ORL_E_CLOSED: nobody answers there. */
ORL_NODISCARD int orl_cli_request(
        const struct orl_cli_call *call, struct orl_cli_answer *ret_answer, struct orl_err *err);

#endif
