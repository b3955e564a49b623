/* How fast the time stamp counter of this host runs. An emulated machine has the host's, and a kernel that boots on a
 * busy host may measure it wrongly: its clock then runs many times too fast, and that of every copy of it. */
#ifndef ORL_VMPOOL_TSC_H
#define ORL_VMPOOL_TSC_H
#include <stdint.h>

/* kHz; 0: this host's own kernel does not trust it. Measured once (20 ms); any thread. */
uint32_t orl_tsc_khz(void);

#endif
