/* What can be seen on a host without asking anybody: users, sockets, QEMU, the kernel's sandboxes, memory, clock;
 * each good, worth a look or bad, and what to do. The command line runs it, and the broker. Not here: what the programs
 * say of themselves (broker/doctor.h). */
#ifndef ORL_BASE_HOST_CHECK_H
#define ORL_BASE_HOST_CHECK_H
#include <stdbool.h>

enum orl_check_state { ORL_CHECK_OK = 0, ORL_CHECK_WARN, ORL_CHECK_BAD };
struct orl_check { /* borrowed for the call */
    enum orl_check_state state;
    const char *area, *object, *text;
    const char *remedy; /* "" where it is good */
};
typedef void (*orl_check_fn)(void *ctx, const struct orl_check *check);
struct orl_host_check_opts {
    const char *root;    /* "": this machine; else a folder with such files, of a test */
    const char *run_dir; /* where the sockets are */
    bool is_confined;    /* a service, which does not see /dev: nothing is said of it */
};
void orl_host_check(const struct orl_host_check_opts *opts, orl_check_fn say, void *ctx);
const char *orl_check_state_name(enum orl_check_state state); /* "ok", "warn", "bad" */

#endif
