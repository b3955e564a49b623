/* fork and exec of one session or console with nothing but what it may have. Used by the spawner. */
#ifndef ORL_GATEWAY_CHILD_H
#define ORL_GATEWAY_CHILD_H
#include <sys/types.h>

struct orl_child_opts {
    const char *path;
    const char *name; /* argv[0] */
    int control_fd;   /* borrowed; fd 3 in the child */
    uid_t uid;        /* (uid_t)-1: unchanged */
    gid_t gid;
    const char *log_level; /* ORIEL_LOG of its environment */
};
/* Its pid, or -1 and errno. A child whose exec fails exits with 127. */
pid_t orl_child_start(const struct orl_child_opts *opts);

#endif
