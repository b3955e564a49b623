#include "broker/queue_eta.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS UINT64_C(1000000000)

static struct orl_desktop_pace pace_of(unsigned making, uint64_t took_s, uint64_t step_s)
{
    struct orl_desktop_pace pace = {.making = making, .took = 3};
    for (unsigned i = 0; i < making; i++) {
        pace.making_since_ms[i] = NOW_MS - (making - i) * step_s * 1000;
    }
    pace.took_ms[0] = took_s * 500;
    pace.took_ms[1] = took_s * 1000;
    pace.took_ms[2] = took_s * 9000; /* one that was slow says nothing */
    return pace;
}

static void the_next_one_gets_the_oldest_in_the_making(void **state)
{
    (void)state;
    const struct orl_desktop_pace pace = pace_of(4, 100, 10); /* ages 40, 30, 20, 10 s */
    assert_int_equal(orl_queue_eta_s(&pace, 1, NOW_MS), 61);
    assert_int_equal(orl_queue_eta_s(&pace, 4, NOW_MS), 91);
    assert_int_equal(orl_queue_eta_s(&pace, 5, NOW_MS), 191); /* the next four */
    assert_int_equal(orl_queue_eta_s(&pace, 8, NOW_MS), 191);
    assert_int_equal(orl_queue_eta_s(&pace, 9, NOW_MS), 291);
}

static void one_that_is_late_is_still_expected(void **state)
{
    (void)state;
    const struct orl_desktop_pace pace = pace_of(2, 100, 300);
    assert_int_equal(orl_queue_eta_s(&pace, 1, NOW_MS), 26);
    assert_int_equal(orl_queue_eta_s(&pace, 2, NOW_MS), 26);
}

static void who_stands_further_back_never_waits_shorter(void **state)
{
    (void)state;
    for (unsigned making = 0; making <= ORL_PACE_MAKING_MAX; making++) {
        for (uint64_t step_s = 0; step_s < 200; step_s += 17) {
            const struct orl_desktop_pace pace = pace_of(making, 100, step_s);
            uint32_t last = 0;
            for (unsigned position = 1; position < 300; position++) {
                uint32_t eta_s = orl_queue_eta_s(&pace, position, NOW_MS);
                assert_true(eta_s >= 1 && eta_s >= last);
                last = eta_s;
            }
        }
    }
}

static void without_a_past_nothing_is_promised(void **state)
{
    (void)state;
    char text[80];
    struct orl_desktop_pace pace = pace_of(3, 100, 10);
    pace.took = 0;
    assert_int_equal(orl_queue_eta_s(&pace, 1, NOW_MS), 0);
    orl_queue_eta_text(0, text, sizeof(text));
    assert_string_equal(text, "");
    orl_queue_eta_text(10, text, sizeof(text));
    assert_string_equal(text, "Your desktop is expected in a few seconds.");
    orl_queue_eta_text(60, text, sizeof(text));
    assert_string_equal(text, "Your desktop is expected in less than a minute.");
    orl_queue_eta_text(61, text, sizeof(text));
    assert_string_equal(text, "Your desktop is expected in about 2 minutes.");
    orl_queue_eta_text(UINT32_MAX, text, sizeof(text));
    assert_string_equal(text, "Your desktop is expected in more than an hour.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_next_one_gets_the_oldest_in_the_making),
            cmocka_unit_test(one_that_is_late_is_still_expected),
            cmocka_unit_test(who_stands_further_back_never_waits_shorter),
            cmocka_unit_test(without_a_past_nothing_is_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
