#include "base/admission.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct orl_admission_limits limits = {.max_total = 6,
        .max_half_open = 4,
        .max_half_open_per_prefix = 2,
        .max_rate_per_prefix = 5};

static struct orl_prefix v4(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    assert_int_equal(inet_pton(AF_INET, text, &in.sin_addr), 1);
    return orl_prefix_of((const struct sockaddr *)&in, sizeof(in));
}

static struct orl_prefix v6(const char *text)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return orl_prefix_of((const struct sockaddr *)&in6, sizeof(in6));
}

static struct orl_admission *make(void)
{
    struct orl_admission *admission = NULL;
    assert_int_equal(orl_admission_new(&limits, &admission), 0);
    return admission;
}

static void assert_same(struct orl_prefix a, struct orl_prefix b, bool is_same)
{
    assert_int_equal(memcmp(&a, &b, sizeof(a)) == 0, is_same);
}

static void a_prefix_is_an_ipv4_address_or_half_an_ipv6_one(void **state)
{
    (void)state;
    assert_same(v4("203.0.113.7"), v6("::ffff:203.0.113.7"), true);
    assert_same(v4("203.0.113.7"), v4("203.0.113.8"), false);
    assert_same(v6("2001:db8:1:2::1"), v6("2001:db8:1:2:ffff::9"), true);
    assert_same(v6("2001:db8:1:2::1"), v6("2001:db8:1:3::1"), false);
}

static void the_greedy_leave_a_place_for_another(void **state)
{
    static const char *const greedy[] = {"203.0.113.1", "203.0.113.2", "203.0.113.3"};
    const struct orl_admission_limits shared = {.max_total = 100,
            .max_half_open = 100,
            .max_half_open_per_prefix = 60,
            .max_rate_per_prefix = 1000,
            .leaves_room = true};
    struct orl_admission *admission = NULL;
    (void)state;
    assert_int_equal(orl_admission_new(&shared, &admission), 0);
    for (unsigned i = 0; i < 300; i++) {
        struct orl_prefix prefix = v4(greedy[i % 3]);
        (void)orl_admission_enter(admission, &prefix, 0);
    }
    assert_in_range(orl_admission_half_open(admission), 50, 99);
    struct orl_prefix other = v4("203.0.113.9");
    assert_int_equal(orl_admission_enter(admission, &other, 0), ORL_ADMIT);
    orl_admission_free(admission);
}

static void half_open_connections_of_one_prefix_are_bounded(void **state)
{
    (void)state;
    struct orl_admission *admission = make();
    struct orl_prefix one = v4("203.0.113.7");
    struct orl_prefix other = v4("203.0.113.8");
    assert_int_equal(orl_admission_enter(admission, &one, 0), ORL_ADMIT);
    assert_int_equal(orl_admission_enter(admission, &one, 0), ORL_ADMIT);
    assert_int_equal(orl_admission_enter(admission, &one, 0), ORL_REFUSE_PREFIX);
    assert_int_equal(orl_admission_enter(admission, &other, 0), ORL_ADMIT);
    orl_admission_logged_in(admission, &one);
    assert_int_equal(orl_admission_enter(admission, &one, 0), ORL_ADMIT);
    orl_admission_free(admission);
}

static void totals_are_bounded(void **state)
{
    (void)state;
    struct orl_admission *admission = make();
    struct orl_prefix prefixes[7] = {v4("10.0.0.1"), v4("10.0.0.2"), v4("10.0.0.3"), v4("10.0.0.4"),
            v4("10.0.0.5"), v4("10.0.0.6"), v4("10.0.0.7")};
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(orl_admission_enter(admission, &prefixes[i], 0), ORL_ADMIT);
    }
    assert_int_equal(orl_admission_enter(admission, &prefixes[4], 0), ORL_REFUSE_HALF_OPEN);
    for (unsigned i = 0; i < 4; i++) {
        orl_admission_logged_in(admission, &prefixes[i]);
    }
    assert_int_equal(orl_admission_enter(admission, &prefixes[4], 0), ORL_ADMIT);
    assert_int_equal(orl_admission_enter(admission, &prefixes[5], 0), ORL_ADMIT);
    assert_int_equal(orl_admission_enter(admission, &prefixes[6], 0), ORL_REFUSE_TOTAL);
    orl_admission_leave(admission, &prefixes[0], false);
    assert_int_equal(orl_admission_enter(admission, &prefixes[6], 0), ORL_ADMIT);
    orl_admission_free(admission);
}

static void the_rate_counts_refused_ones_and_starts_anew_after_a_period(void **state)
{
    (void)state;
    struct orl_admission *admission = make();
    struct orl_prefix one = v4("203.0.113.7");
    for (unsigned i = 0; i < limits.max_rate_per_prefix; i++) {
        enum orl_admission_verdict verdict = orl_admission_enter(admission, &one, 0);
        assert_int_equal(verdict, i < 2 ? ORL_ADMIT : ORL_REFUSE_PREFIX);
    }
    assert_int_equal(orl_admission_enter(admission, &one, 0), ORL_REFUSE_RATE);
    orl_admission_leave(admission, &one, true);
    assert_int_equal(
            orl_admission_enter(admission, &one, ORL_ADMISSION_PERIOD_US - 1), ORL_REFUSE_RATE);
    assert_int_equal(orl_admission_enter(admission, &one, ORL_ADMISSION_PERIOD_US), ORL_ADMIT);
    orl_admission_free(admission);
}

static void many_prefixes_keep_no_new_one_out_and_forget_none_half_open(void **state)
{
    (void)state;
    struct orl_admission *admission = make();
    struct orl_prefix kept = v4("203.0.113.7");
    assert_int_equal(orl_admission_enter(admission, &kept, 0), ORL_ADMIT);
    unsigned refused = 0;
    for (uint32_t i = 0; i < 20000; i++) {
        struct orl_prefix prefix = {.family = 6};
        memcpy(prefix.bytes, &i, sizeof(i));
        enum orl_admission_verdict verdict = orl_admission_enter(admission, &prefix, 1);
        if (verdict == ORL_ADMIT) {
            orl_admission_leave(admission, &prefix, true);
        } else {
            refused++;
        }
    }
    assert_int_equal(refused, 0); /* a flood out of many prefixes keeps no new one out */
    struct orl_prefix late = v4("203.0.113.9");
    assert_int_equal(orl_admission_enter(admission, &late, 2 * ORL_ADMISSION_PERIOD_US), ORL_ADMIT);
    assert_int_equal(orl_admission_half_open(admission), 2);
    orl_admission_leave(admission, &kept, true);
    orl_admission_leave(admission, &late, true);
    assert_int_equal(orl_admission_total(admission), 0);
    orl_admission_free(admission);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_prefix_is_an_ipv4_address_or_half_an_ipv6_one),
            cmocka_unit_test(the_greedy_leave_a_place_for_another),
            cmocka_unit_test(half_open_connections_of_one_prefix_are_bounded),
            cmocka_unit_test(totals_are_bounded),
            cmocka_unit_test(the_rate_counts_refused_ones_and_starts_anew_after_a_period),
            cmocka_unit_test(many_prefixes_keep_no_new_one_out_and_forget_none_half_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
