/* A processor without such a counter, or whose guests are not emulated with it. */
#include "vmpool/tsc.h"

uint32_t orl_tsc_khz(void)
{
    return 0;
}
