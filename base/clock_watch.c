#include "base/clock_watch.h"
#include "base/clock.h"

enum { JUMP_MS = 3000 };

int64_t orl_clock_watch_jump(struct orl_clock_watch *watch, uint64_t wall_ms, uint64_t now_us)
{
    int64_t base_ms = (int64_t)wall_ms - (int64_t)(now_us / ORL_US_PER_MS);
    int64_t by_ms = watch->base_ms != 0 ? base_ms - watch->base_ms : 0;
    watch->base_ms = base_ms;
    return by_ms > JUMP_MS || by_ms < -JUMP_MS ? by_ms : 0;
}

uint64_t orl_clock_shifted(uint64_t at_ms, int64_t by_ms)
{
    if (at_ms == 0) {
        return 0;
    }
    int64_t moved_ms = (int64_t)at_ms + by_ms;
    return moved_ms > 0 ? (uint64_t)moved_ms : 1;
}
