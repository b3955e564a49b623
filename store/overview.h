/* How the whole installation is, in numbers; and which kinds of things have changed since somebody looked. */
#ifndef ORL_STORE_OVERVIEW_H
#define ORL_STORE_OVERVIEW_H
#include "store/store.h"

struct orl_overview {
    struct {
        uint32_t up, down, draining, cpus;
        uint32_t cpu_permille; /* of all processors of those that are up */
        uint64_t memory_mib, free_memory_mib;
    } hosts; /* one that is silent is down */
    struct {
        uint32_t total, ready, given, suspended, failed;
    } desktops;
    struct {
        uint32_t active, disconnected, waiting;
    } sessions;
    uint32_t pools, alarms, quarantined, jobs;
};
/* A few sums: cheap also with ten thousand desktops. */
ORL_NODISCARD int orl_overview_read(struct orl_store *store, uint64_t now_ms,
        struct orl_overview *ret_overview, struct orl_err *err);

enum orl_kind {
    ORL_KIND_DESKTOPS = 0,
    ORL_KIND_SESSIONS,
    ORL_KIND_HOSTS,
    ORL_KIND_ALARMS,
    ORL_KIND_QUARANTINE,
    ORL_KIND_JOBS,
    ORL_KIND_TEMPLATES,
    ORL_KIND_AUDIT,
    /* These change only by deeds that the audit has. */
    ORL_KIND_POOLS,
    ORL_KIND_USERS,
    ORL_KIND_GROUPS,
    ORL_KIND_ENTITLEMENTS,
    ORL_KIND_TOKENS,
    ORL_KIND_SITE,
    ORL_KIND_COUNT
};
const char *orl_kind_name(enum orl_kind kind); /* "desktops" */

struct orl_marks {
    uint64_t marks[ORL_KIND_AUDIT + 1]; /* what the rows add up to */
    bool is_known;
};
/* Looks, compares with the look before and keeps it. *ret_changed: bit 1 << kind; the first look changes nothing. */
ORL_NODISCARD int orl_marks_look(struct orl_store *store, struct orl_marks *marks,
        uint32_t *ret_changed, struct orl_err *err);

#endif
