/* Which rows function: where there is no accelerated one. */
#include "display/csc_priv.h"

orl_csc_rows_fn *orl_csc_choose_rows(void)
{
    return orl_csc_rows_portable;
}
