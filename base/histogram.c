#include "base/histogram.h"

const uint32_t orl_histogram_bounds_us[ORL_HISTOGRAM_BOUNDS] = {
        250, 500, 1000, 2000, 4000, 8000, 16000, 33000, 66000, 133000, 266000, 533000, 1000000};

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

void orl_histogram_add(struct orl_histogram *histogram, uint64_t time_us)
{
    unsigned i = 0;
    while (i < ORL_HISTOGRAM_BOUNDS && time_us > orl_histogram_bounds_us[i]) {
        i++;
    }
    histogram->counts[i] = sum(histogram->counts[i], 1);
    histogram->sum_us = sum(histogram->sum_us, time_us);
}

void orl_histogram_merge(struct orl_histogram *histogram, const struct orl_histogram *more)
{
    for (unsigned i = 0; i < ORL_HISTOGRAM_BUCKETS; i++) {
        histogram->counts[i] = sum(histogram->counts[i], more->counts[i]);
    }
    histogram->sum_us = sum(histogram->sum_us, more->sum_us);
}

uint64_t orl_histogram_count(const struct orl_histogram *histogram)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < ORL_HISTOGRAM_BUCKETS; i++) {
        count = sum(count, histogram->counts[i]);
    }
    return count;
}

uint64_t orl_histogram_quantile_us(const struct orl_histogram *histogram, unsigned permille)
{
    const double wanted = (double)orl_histogram_count(histogram) * permille / 1000;
    double below = 0;
    for (unsigned i = 0; i < ORL_HISTOGRAM_BOUNDS; i++) {
        const double here = (double)histogram->counts[i];
        if (here > 0 && below + here >= wanted) {
            const double low = i == 0 ? 0 : orl_histogram_bounds_us[i - 1];
            const double part = wanted > below ? (wanted - below) / here : 0;
            return (uint64_t)(low + (orl_histogram_bounds_us[i] - low) * part);
        }
        below += here;
    }
    return below < wanted || histogram->counts[ORL_HISTOGRAM_BOUNDS] > 0
                   ? orl_histogram_bounds_us[ORL_HISTOGRAM_BOUNDS - 1]
                   : 0;
}
