/* A pool's settings from JSON and back, for who changes several things at once (broker/plan_write.c). */
#ifndef ORL_BROKER_API_POOLS_H
#define ORL_BROKER_API_POOLS_H
#include "store/pool.h"
#include <jansson.h>

void orl_api_pool_put_settings(json_t *object, const struct orl_pool_row *row);
/* is_new: {name, kind, ...} into *row, what is not said as in a new pool of that kind; else {...} over what *row has.
 * Checked as a whole. ORL_E_INVAL. */
ORL_NODISCARD int orl_api_pool_read(
        const json_t *object, bool is_new, struct orl_pool_row *row, struct orl_err *err);

#endif
