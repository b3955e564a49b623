/* How many machines may be started on this host now: so many a minute with a few at once, fewer for spares
 * while the kernel says that work waits for processors, memory or disks. People come before spares; neither
 * ever waits for good. Pure. Not here: who is started (vmpool/pool_plan.h). */
#ifndef ORL_VMPOOL_GOVERNOR_H
#define ORL_VMPOOL_GOVERNOR_H
#include "vmpool/pool_plan.h"
#include "vmpool/pressure.h"

struct orl_governor_cfg {
    uint32_t starts_per_minute; /* at least 1 */
    uint32_t burst;             /* at least 1 */
    /* Per cent of the last 10 s in which something waited; above it spares hold back. 0: not looked at. */
    uint32_t cpu_percent, memory_percent, io_percent;
};
struct orl_governor {
    struct orl_governor_cfg cfg;
    uint64_t micro_tokens;
    uint64_t filled_ms; /* 0: not asked yet */
    uint64_t spare_ms;  /* when a spare was last started; 0: never */
};
void orl_governor_init(struct orl_governor *governor, const struct orl_governor_cfg *cfg);
bool orl_governor_is_pressed(
        const struct orl_governor *governor, const struct orl_pressure *pressure);
struct orl_plan_starts orl_governor_ask(
        struct orl_governor *governor, const struct orl_pressure *pressure, uint64_t now_ms);
/* What the plan made of it. */
void orl_governor_use(
        struct orl_governor *governor, const struct orl_plan_starts *used, uint64_t now_ms);

#endif
