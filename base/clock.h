/* Monotonic and wall time. Logic takes now_us as a parameter; only loops and main ask the clock. */
#ifndef ORL_BASE_CLOCK_H
#define ORL_BASE_CLOCK_H
#include <stdint.h>

#define ORL_US_PER_MS UINT64_C(1000)
#define ORL_US_PER_S UINT64_C(1000000)

uint64_t orl_clock_now_us(void);  /* CLOCK_MONOTONIC: for deadlines inside one process */
uint64_t orl_clock_wall_ms(void); /* CLOCK_REALTIME, ms since 1970: for what is stored */

#endif
