/* Paths, TCP addresses, abstract sockets and signals out of a process's reach, as far as its kernel knows how.
 * Not here: system calls (base/sandbox.h, base/sandbox_program.h). */
#ifndef ORL_BASE_LANDLOCK_H
#define ORL_BASE_LANDLOCK_H
#include <stdbool.h>
#include <stdint.h>

#define ORL_LANDLOCK_EXECUTE (UINT64_C(1) << 0)
#define ORL_LANDLOCK_READ ((UINT64_C(1) << 2) | (UINT64_C(1) << 3)) /* files, lists of folders */
#define ORL_LANDLOCK_WRITE                                                                         \
    ((UINT64_C(1) << 1) | (UINT64_C(1) << 2) | (UINT64_C(1) << 14)) /* and cut; not make */

/* A ruleset without a rule, which is CLOEXEC, and what of it the kernel knows; -1: it knows nothing. */
int orl_landlock_new(int *ret_abi);
/* What lies at path, and below it, may be used so. A path that is not there needs no rule. false: it failed. */
bool orl_landlock_allow(int ruleset, int abi, const char *path, uint64_t rights);
/* From now on, for this thread and what it starts; needs no_new_privs. One system call. */
bool orl_landlock_enter(int ruleset);

#endif
