#include "base/histogram.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_time_falls_into_the_bucket_that_its_bound_closes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ORL_HISTOGRAM_BOUNDS; i++) {
        struct orl_histogram h = {0};
        orl_histogram_add(&h, orl_histogram_bounds_us[i]);
        assert_int_equal(h.counts[i], 1);
        orl_histogram_add(&h, (uint64_t)orl_histogram_bounds_us[i] + 1);
        assert_int_equal(h.counts[i + 1], 1);
        assert_int_equal(orl_histogram_count(&h), 2);
        assert_int_equal(h.sum_us, 2 * (uint64_t)orl_histogram_bounds_us[i] + 1);
        assert_true(i == 0 || orl_histogram_bounds_us[i] > orl_histogram_bounds_us[i - 1]);
    }
}

static void no_time_is_in_the_first_bucket_and_for_ever_in_the_last(void **state)
{
    (void)state;
    struct orl_histogram h = {0};
    orl_histogram_add(&h, 0);
    orl_histogram_add(&h, UINT64_MAX);
    assert_int_equal(h.counts[0], 1);
    assert_int_equal(h.counts[ORL_HISTOGRAM_BOUNDS], 1);
    assert_true(h.sum_us == UINT64_MAX);
}

static void adding_stops_at_the_largest_number(void **state)
{
    (void)state;
    struct orl_histogram h = {0};
    orl_histogram_add(&h, 10);
    struct orl_histogram full = {.sum_us = UINT64_MAX};
    for (unsigned i = 0; i < ORL_HISTOGRAM_BUCKETS; i++) {
        full.counts[i] = UINT64_MAX;
    }
    orl_histogram_merge(&h, &full);
    orl_histogram_merge(&h, &full);
    assert_true(h.counts[0] == UINT64_MAX);
    assert_true(h.sum_us == UINT64_MAX);
    assert_true(orl_histogram_count(&h) == UINT64_MAX);
    assert_true(orl_histogram_quantile_us(&h, 500) <= 1000000);
}

static void merging_is_the_same_as_counting_together(void **state)
{
    (void)state;
    struct orl_histogram a = {0};
    struct orl_histogram b = {0};
    struct orl_histogram both = {0};
    for (uint64_t us = 1; us < 3000000; us = us * 3 / 2 + 1) {
        orl_histogram_add((us & 1) != 0 ? &a : &b, us);
        orl_histogram_add(&both, us);
    }
    orl_histogram_merge(&a, &b);
    assert_memory_equal(&a, &both, sizeof(a));
}

static void quantiles_lie_in_their_bucket_and_never_fall(void **state)
{
    (void)state;
    struct orl_histogram h = {0};
    assert_int_equal(orl_histogram_quantile_us(&h, 500), 0);
    for (unsigned i = 0; i < 90; i++) {
        orl_histogram_add(&h, 3000);
    }
    for (unsigned i = 0; i < 10; i++) {
        orl_histogram_add(&h, 100000);
    }
    uint64_t p50 = orl_histogram_quantile_us(&h, 500);
    uint64_t p95 = orl_histogram_quantile_us(&h, 950);
    assert_in_range(p50, 2001, 4000);
    assert_in_range(p95, 66001, 133000);
    uint64_t last = 0;
    for (unsigned permille = 0; permille <= 1000; permille++) {
        uint64_t q = orl_histogram_quantile_us(&h, permille);
        assert_true(q >= last);
        last = q;
    }
    assert_int_equal(last, 133000);
}

static void what_is_beyond_the_last_bound_is_told_as_that_bound(void **state)
{
    (void)state;
    struct orl_histogram h = {0};
    orl_histogram_add(&h, UINT64_C(60000000));
    assert_int_equal(orl_histogram_quantile_us(&h, 500), 1000000);
    assert_int_equal(orl_histogram_quantile_us(&h, 0), 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_time_falls_into_the_bucket_that_its_bound_closes),
            cmocka_unit_test(no_time_is_in_the_first_bucket_and_for_ever_in_the_last),
            cmocka_unit_test(adding_stops_at_the_largest_number),
            cmocka_unit_test(merging_is_the_same_as_counting_together),
            cmocka_unit_test(quantiles_lie_in_their_bucket_and_never_fall),
            cmocka_unit_test(what_is_beyond_the_last_bound_is_told_as_that_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
