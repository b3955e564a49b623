/* Runs one fixed program to its end: no shell, bounded output, a deadline. Blocks: on workers only. */
#ifndef ORL_VMPOOL_PROC_H
#define ORL_VMPOOL_PROC_H
#include "base/buf.h"
#include "base/sandbox_program.h"
#include <stdatomic.h>

/* argv[0] is looked up in PATH; argv ends with NULL. Its standard output is appended to out (NULL:
 * dropped); the last line of its standard error goes into err. ORL_E_TIMEOUT: killed after timeout_ms.
 * ORL_E_LIMIT: more output than out takes. ORL_E_BACKEND: it ended with another status than 0. */
ORL_NODISCARD int orl_proc_run(
        const char *const *argv, unsigned timeout_ms, struct orl_buf *out, struct orl_err *err);
struct orl_proc_opts {
    unsigned timeout_ms;
    const atomic_bool *is_cancelled;           /* NULL: it can't be */
    const struct orl_sandbox_program *sandbox; /* NULL: none; argv[0] is then a path */
};
/* The same; ORL_E_CLOSED: killed, as is_cancelled became true. */
ORL_NODISCARD int orl_proc_run_with(const char *const *argv, const struct orl_proc_opts *opts,
        struct orl_buf *out, struct orl_err *err);

#endif
