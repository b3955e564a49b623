/* Times counted in fixed buckets: what it costs does not depend on how many there were, and two of
 * them can be added. The bounds are part of what Prometheus sees; changing them breaks its history. */
#ifndef ORL_BASE_HISTOGRAM_H
#define ORL_BASE_HISTOGRAM_H
#include <stdint.h>

#define ORL_HISTOGRAM_BOUNDS 13
#define ORL_HISTOGRAM_BUCKETS (ORL_HISTOGRAM_BOUNDS + 1) /* the last: longer than all bounds */

struct orl_histogram {
    uint64_t counts[ORL_HISTOGRAM_BUCKETS]; /* each for itself, not cumulative */
    uint64_t sum_us;
};
/* Upper bounds of the buckets, inclusive, rising. */
extern const uint32_t orl_histogram_bounds_us[ORL_HISTOGRAM_BOUNDS];

void orl_histogram_add(struct orl_histogram *histogram, uint64_t time_us);
/* Stops at the largest number instead of wrapping. */
void orl_histogram_merge(struct orl_histogram *histogram, const struct orl_histogram *more);
uint64_t orl_histogram_count(const struct orl_histogram *histogram);
/* The time that permille of all do not exceed, between the bounds by proportion; 0: there are none.
 * Beyond the last bound that bound is told. */
uint64_t orl_histogram_quantile_us(const struct orl_histogram *histogram, unsigned permille);

#endif
