/* What another program that reads a hostile file may still do: landlock with the files it needs, seccomp (calls that are
 * not listed fail), no_new_privs, rlimits. Made ready before the fork; entering is a few system calls, fit for the time
 * between fork and exec. Not here: starting it (vmpool/proc.h); what our own programs may (base/sandbox.h). */
#ifndef ORL_BASE_SANDBOX_PROGRAM_H
#define ORL_BASE_SANDBOX_PROGRAM_H
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct orl_sandbox_program_opts { /* borrowed for the call */
    const char *path;             /* of the program; it may run this and nothing else */
    const char *reads, *writes;   /* a file of each, which is there; NULL: none */
    uint64_t memory_bytes, file_bytes, cpu_s;
};
struct orl_sandbox_program; /* one owner */
/* Fails when seccomp is not to be had. Without landlock the files are those that our user may open. */
ORL_NODISCARD int orl_sandbox_program_new(const struct orl_sandbox_program_opts *opts,
        struct orl_sandbox_program **ret_program, struct orl_err *err);
/* In the child. false: do not run it. */
bool orl_sandbox_program_enter(const struct orl_sandbox_program *program);
void orl_sandbox_program_free(struct orl_sandbox_program *program); /* NULL is fine */

#endif
