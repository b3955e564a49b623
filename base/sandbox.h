/* What a process that reads a hostile peer may still do: landlock, then seccomp (default: kill),
 * no capability, no_new_privs, not dumpable, rlimits. Enter after libraries, keys and fonts are loaded and before
 * the first thread and the first byte of the peer.
 * Built twice, chosen by CMake: sandbox_seccomp.c, and sandbox_sanitized.c for sanitizer builds, in
 * which AddressSanitizer needs calls that the filter kills. */
#ifndef ORL_BASE_SANDBOX_H
#define ORL_BASE_SANDBOX_H
#include "base/err.h"
#include <stdbool.h>

enum orl_sandbox_profile {
    ORL_SANDBOX_SESSION = 1, /* poll, read, write, send, recvmsg, mmap, futex, threads; no more */
    ORL_SANDBOX_CONSOLE,     /* the same, a new surface by memfd_create, sent by sendmsg */
    ORL_SANDBOX_WEB, /* no threads; accepts, and connects to Unix sockets that it still sees */
};
struct orl_sandbox_report {
    bool has_seccomp;
    bool has_landlock; /* false: the kernel has none; doctor and a metric say so */
    int landlock_abi;
};
/* Closes nothing: the caller has only the fds it needs. Fails when seccomp is not to be had. */
ORL_NODISCARD int orl_sandbox_enter(enum orl_sandbox_profile profile,
        struct orl_sandbox_report *ret_report, struct orl_err *err);
/* Always, and first in main(): not dumpable, no core, no_new_privs, umask 077, SIGPIPE ignored. */
void orl_sandbox_harden(void);

#endif
