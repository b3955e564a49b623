#include "display/link.h"
#include "display/permit.h"
#include "test_support.h"

static bool may(uint32_t directions, enum orl_clipboard_step step, bool is_to_guest)
{
    const struct orl_permit permit = {.clipboard = directions, .clipboard_max_bytes = 4};
    const struct orl_clipboard asked = {.step = step,
            .has_text = true,
            .text = "text",
            .len = step == ORL_CLIPBOARD_DATA ? 4 : 0};
    return orl_permit_clipboard(&permit, &asked, is_to_guest);
}

static void offers_and_texts_need_their_direction_and_requests_the_other(void **state)
{
    (void)state;
    for (unsigned to_guest = 0; to_guest < 2; to_guest++) {
        const uint32_t with = to_guest ? ORL_CLIPBOARD_TO_GUEST : ORL_CLIPBOARD_TO_CLIENT;
        const uint32_t against = ORL_CLIPBOARD_BOTH & ~with;
        assert_true(may(with, ORL_CLIPBOARD_OFFER, to_guest));
        assert_true(may(with, ORL_CLIPBOARD_DATA, to_guest));
        assert_true(may(against, ORL_CLIPBOARD_REQUEST, to_guest));
        assert_false(may(against, ORL_CLIPBOARD_OFFER, to_guest));
        assert_false(may(against, ORL_CLIPBOARD_DATA, to_guest));
        assert_false(may(with, ORL_CLIPBOARD_REQUEST, to_guest));
        for (unsigned step = ORL_CLIPBOARD_OFFER; step < ORL_CLIPBOARD_STEP_COUNT; step++) {
            assert_true(may(ORL_CLIPBOARD_BOTH, (enum orl_clipboard_step)step, to_guest));
            assert_false(may(0, (enum orl_clipboard_step)step, to_guest));
        }
    }
}

static void a_text_over_the_cap_does_not_pass(void **state)
{
    (void)state;
    const struct orl_permit permit = {.clipboard = ORL_CLIPBOARD_BOTH, .clipboard_max_bytes = 4};
    struct orl_clipboard data = {
            .step = ORL_CLIPBOARD_DATA, .has_text = true, .text = "12345", .len = 5};
    assert_false(orl_permit_clipboard(&permit, &data, true));
    data.len = 4;
    assert_true(orl_permit_clipboard(&permit, &data, true));
    data = (struct orl_clipboard){.step = ORL_CLIPBOARD_DATA};
    assert_true(orl_permit_clipboard(&permit, &data, true)); /* that it cannot be had may be said */
}

static void no_policy_allows_more_than_the_hard_cap(void **state)
{
    (void)state;
    const struct orl_permit permit = {.clipboard_max_bytes = UINT32_MAX};
    assert_int_equal(orl_permit_max_bytes(&permit), ORL_CLIPBOARD_MAX_BYTES);
}

static void nothing_is_wanted_that_is_not_permitted(void **state)
{
    (void)state;
    struct orl_permit permit = {.clipboard_max_bytes = 1};
    assert_int_equal(orl_permit_wants(&permit), 0);
    permit.clipboard = ORL_CLIPBOARD_TO_CLIENT;
    assert_int_equal(orl_permit_wants(&permit), ORL_WANT_CLIPBOARD);
    permit.has_sound = 1;
    assert_int_equal(orl_permit_wants(&permit), ORL_WANT_CLIPBOARD | ORL_WANT_SOUND);
    permit.clipboard = 0;
    assert_int_equal(orl_permit_wants(&permit), ORL_WANT_SOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(offers_and_texts_need_their_direction_and_requests_the_other),
            cmocka_unit_test(a_text_over_the_cap_does_not_pass),
            cmocka_unit_test(no_policy_allows_more_than_the_hard_cap),
            cmocka_unit_test(nothing_is_wanted_that_is_not_permitted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
