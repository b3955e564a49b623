/* The session that a template keeps running for nobody, under an account of nobody's: the first person's account and
 * home become what those were, so that its processes can stay. docs/guest.md */
#ifndef ORL_GUEST_HOOK_PREPARED_H
#define ORL_GUEST_HOOK_PREPARED_H
#include "guest/hook/unix_name.h"
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define ORL_PREPARED_FILE "/etc/oriel/prepared" /* "NAME UID": the account */
#define ORL_PREPARED_PID_FILE                                                                      \
    "/run/oriel/prepared" /* while that session is there and untouched: its process */

struct orl_prepared {
    char name[ORL_UNIX_NAME_MAX + 1];
    uint32_t uid; /* and gid */
};

/* False: this template has none. */
bool orl_prepared_read(const char *path, struct orl_prepared *ret_prepared);
/* The session's first process; 0: it has ended, is not painted yet, or was somebody's already. */
pid_t orl_prepared_pid(const char *path);
/* The account is called name from now on, wherever etc's files name it. Half done, it is done again. */
bool orl_prepared_rename(const char *etc, const struct orl_prepared *prepared, const char *name);
/* Its home is the new name's, and is found under the old path too, which its processes know. base: "/home". */
const char *orl_prepared_move_home(
        const char *base, const struct orl_prepared *prepared, const char *name);

#endif
