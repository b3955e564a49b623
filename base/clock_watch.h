/* Tells when somebody sets the wall clock: what was measured against it before must move with it. */
#ifndef ORL_BASE_CLOCK_WATCH_H
#define ORL_BASE_CLOCK_WATCH_H
#include <stdint.h>

struct orl_clock_watch { /* zeroed before the first look */
    int64_t base_ms;     /* wall clock less monotonic */
};
/* By how much it was set since the last look; 0: not, or so little that it does not matter. */
int64_t orl_clock_watch_jump(struct orl_clock_watch *watch, uint64_t wall_ms, uint64_t now_us);
/* at_ms moved along; 0 is "never", and stays. */
uint64_t orl_clock_shifted(uint64_t at_ms, int64_t by_ms);

#endif
