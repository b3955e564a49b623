/* A pool's schedule: how many spares when, as text that the administrator writes and vmpool reads:
 *     mon-fri 07:00-19:00 spares=20 suspended=5; daily 22:00-06:00 spares=0
 * The first entry that holds counts; what it does not name, and all other times, have the pool's own
 * numbers. Pure. Not here: what a time is (base/hours.h). */
#ifndef ORL_STORE_POOL_SCHEDULE_H
#define ORL_STORE_POOL_SCHEDULE_H
#include "base/err.h"
#include <stdint.h>

#define ORL_SCHEDULE_MAX_ENTRIES 32
#define ORL_SCHEDULE_MAX_SPARES 10000

struct orl_spares {
    uint32_t running, suspended;
};
/* What holds at wall_ms; own: outside of every entry. ORL_E_INVAL: "character 12: ...". */
ORL_NODISCARD int orl_schedule_spares(const char *text, uint64_t wall_ms, struct orl_spares own,
        struct orl_spares *ret_spares, struct orl_err *err);
/* Whether it can be read, and never asks for more than max in all. ORL_E_INVAL. */
ORL_NODISCARD int orl_schedule_check(
        const char *text, struct orl_spares own, uint32_t max, struct orl_err *err);

#endif
