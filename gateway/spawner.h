/* The privileged part: a tiny process that starts sessions and consoles under another user, kills
 * those it started, and reports their ends. It reads nothing but fixed-size requests of the gateway.
 * Not here: who may connect (base/admission.h); what the children say (connection.h). */
#ifndef ORL_GATEWAY_SPAWNER_H
#define ORL_GATEWAY_SPAWNER_H
#include "base/err.h"
#include <stdint.h>
#include <sys/types.h>

#define ORL_SPAWNER_FD 3       /* the gateway's socket in the spawner */
#define ORL_CHILD_CONTROL_FD 3 /* the gateway's socket in a session or console */

enum orl_child_kind {
    ORL_CHILD_NONE = 0,
    ORL_CHILD_SESSION,
    ORL_CHILD_CONSOLE,
    ORL_CHILD_CONSOLE_RDP, /* a program of its own: FreeRDP's libraries are many */
    ORL_CHILD_KIND_COUNT
};
enum orl_spawner_verb { ORL_SPAWNER_SPAWN = 1, ORL_SPAWNER_KILL };
enum orl_spawner_event { ORL_SPAWNER_STARTED = 1, ORL_SPAWNER_FAILED, ORL_SPAWNER_EXITED };

/* One datagram each. SPAWN brings one fd: the child's control socket. */
struct orl_spawner_req {
    uint32_t verb;
    uint32_t kind;
    uint32_t id; /* the gateway's number; unique among living children of a kind */
};
struct orl_spawner_rep {
    uint32_t event;
    uint32_t kind;
    uint32_t id;
    int32_t pid;
    int32_t status; /* EXITED: as of waitpid(2); FAILED: errno */
};

struct orl_spawner_opts {
    const char *session_path;
    const char *console_path;
    const char *console_rdp_path;
    uid_t uid; /* (uid_t)-1: unchanged */
    gid_t gid;
    const char *log_level;
};
/* Execs this same program as the spawner. *ret_fd: the gateway's end, owned by the caller; when it
 * closes, the spawner kills what lives and ends. */
ORL_NODISCARD int orl_spawner_start(const char *self_path, const struct orl_spawner_opts *opts,
        int *ret_fd, pid_t *ret_pid, struct orl_err *err);
/* The spawner's main(): argv as orl_spawner_start() made it. Returns the exit code. */
int orl_spawner_main(int argc, char **argv);

#endif
