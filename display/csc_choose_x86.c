/* Which rows function: on x86-64, by what the processor has. Compiled without -mavx2 on purpose. */
#include "display/csc_priv.h"

orl_csc_rows_fn *orl_csc_choose_rows(void)
{
    return __builtin_cpu_supports("avx2") ? orl_csc_rows_avx2 : orl_csc_rows_portable;
}
