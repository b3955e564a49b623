/* How much of a screen is painted, from the picture of it that the hypervisor took: PPM (P6) or PNG, read
 * as it comes, in bounded memory. Knows no display protocol; does no I/O.
 * Whoever broke out of a guest writes these bytes: every length in them is checked. */
#ifndef ORL_VMPOOL_PAINT_H
#define ORL_VMPOOL_PAINT_H
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>

struct orl_paint;
ORL_NODISCARD int orl_paint_new(struct orl_paint **ret_paint, struct orl_err *err);
void orl_paint_free(struct orl_paint *paint); /* NULL is fine */
/* The next bytes; what follows the picture is ignored. ORL_E_PROTO: neither format, or not one that
 * hypervisors write; ORL_E_NOMEM. After a failure the object is good for free only. */
ORL_NODISCARD int orl_paint_feed(struct orl_paint *paint, const void *data, size_t len);
bool orl_paint_is_done(const struct orl_paint *paint); /* the whole picture came */
/* 0 .. 100, rounded down: pixels that are not black, or nearly black. 0 before it is done. */
unsigned orl_paint_percent(const struct orl_paint *paint);

#endif
