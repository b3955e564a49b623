/* What a desktop can be, and what it can become: two columns, one table. Pure: no store.
 * The schema's CHECKs say the same about pairs; a test compares the two. */
#ifndef ORL_STORE_DESKTOP_STATE_H
#define ORL_STORE_DESKTOP_STATE_H
#include <stdbool.h>

/* In place of the moment at which a restart was asked for: the guest is not asked. */
#define ORL_RESTART_AT_ONCE 1

enum orl_pool_kind {
    ORL_POOL_NONE = 0,
    ORL_POOL_FLOATING,  /* cloned, given once, destroyed */
    ORL_POOL_DEDICATED, /* cloned, given to one person for good */
    ORL_POOL_STATIC,    /* a machine of somebody else, reached by its display */
    ORL_POOL_KIND_COUNT
};
/* Written by the broker; vmpool only retires (free to ending) and ends (ending to assigned). */
enum orl_lease {
    ORL_LEASE_NONE = 0,
    ORL_LEASE_FREE,     /* nobody's; may be claimed when running and ready */
    ORL_LEASE_ASSIGNED, /* a person's, who is not on it yet (dedicated: between sessions) */
    ORL_LEASE_IN_USE,
    ORL_LEASE_DISCONNECTED, /* its session waits for its person to come back */
    ORL_LEASE_ENDING,       /* nobody gets it any more; floating: to be destroyed */
    ORL_LEASE_COUNT
};
/* Written by vmpool. */
enum orl_power {
    ORL_POWER_NONE = 0,
    ORL_POWER_ABSENT, /* no domain, no overlay */
    ORL_POWER_CLONING,
    ORL_POWER_STARTING,
    ORL_POWER_RUNNING,
    ORL_POWER_SUSPENDED,
    ORL_POWER_REBOOTING,
    ORL_POWER_MIGRATING,
    ORL_POWER_STOPPING,
    ORL_POWER_STOPPED,
    ORL_POWER_FAILED,
    ORL_POWER_COUNT
};
/* What the broker wants of the machine. */
enum orl_want { ORL_WANT_NONE = 0, ORL_WANT_RUN, ORL_WANT_STOP, ORL_WANT_DELETE, ORL_WANT_COUNT };

struct orl_desktop_state {
    enum orl_pool_kind kind;
    enum orl_lease lease;
    enum orl_power power;
    bool is_tainted; /* has been given to a person; never becomes false */
};

/* A row may hold this. Floating and dedicated: tainted is never free. */
bool orl_desktop_state_is_legal(const struct orl_desktop_state *state);
/* A row may go from one to the other in one step, both columns at once; standing still is legal.
 * kind never changes. */
bool orl_desktop_move_is_legal(
        const struct orl_desktop_state *from, const struct orl_desktop_state *to);
/* The fencing version grows with this move: the desktop changes hands, late commands find nothing. */
bool orl_desktop_move_is_fenced(enum orl_lease from, enum orl_lease to);
/* A row in this state may be deleted. */
bool orl_desktop_state_is_removable(const struct orl_desktop_state *state);

/* "free", "cloning", "floating", "run"; "?" outside the enum. Parse: false for anything else. */
const char *orl_lease_name(enum orl_lease lease);
const char *orl_power_name(enum orl_power power);
const char *orl_pool_kind_name(enum orl_pool_kind kind);
const char *orl_want_name(enum orl_want want);
bool orl_lease_parse(const char *text, enum orl_lease *ret_lease);
bool orl_power_parse(const char *text, enum orl_power *ret_power);
bool orl_pool_kind_parse(const char *text, enum orl_pool_kind *ret_kind);
bool orl_want_parse(const char *text, enum orl_want *ret_want);

#endif
