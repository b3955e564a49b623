/* Who gets which text of the clipboard. */
#include "console/exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

enum { SOURCE = ORL_LINKS_MAX, SAID_MAX = 32 };

/* What was said to whom. */
struct said {
    unsigned to;
    enum orl_clipboard_step step;
    uint32_t serial;
    bool has_text;
};
struct rig {
    struct orl_exchange exchange;
    struct said said[SAID_MAX];
    unsigned count, checked;
};

static void say(struct rig *rig, unsigned to, const struct orl_clipboard *step)
{
    assert_in_range(rig->count, 0, SAID_MAX - 1);
    rig->said[rig->count++] = (struct said){to, step->step, step->serial, step->has_text};
}

static void to_source(void *ctx, const struct orl_clipboard *step)
{
    say(ctx, SOURCE, step);
}

static void to_link(void *ctx, unsigned link, const struct orl_clipboard *step)
{
    say(ctx, link, step);
}

static void open_rig(struct rig *rig)
{
    static const struct orl_exchange_events events = {.to_source = to_source, .to_link = to_link};
    memset(rig, 0, sizeof(*rig));
    orl_exchange_init(&rig->exchange, &events, rig);
}

static void expect(
        struct rig *rig, unsigned to, enum orl_clipboard_step step, uint32_t serial, bool has_text)
{
    assert_in_range(rig->checked, 0, rig->count - 1);
    const struct said *s = &rig->said[rig->checked++];
    assert_int_equal(s->to, to);
    assert_int_equal(s->step, step);
    assert_int_equal(s->serial, serial);
    assert_int_equal(s->has_text, has_text);
}

static void expect_no_more(const struct rig *rig)
{
    assert_int_equal(rig->checked, rig->count);
}

static void hear(struct rig *rig, unsigned from, enum orl_clipboard_step step, uint32_t serial,
        bool has_text)
{
    const struct orl_clipboard c = {.step = step,
            .serial = serial,
            .has_text = has_text,
            .text = "text",
            .len = step == ORL_CLIPBOARD_DATA && has_text ? 4 : 0};
    if (from == SOURCE) {
        orl_exchange_from_source(&rig->exchange, &c);
    } else {
        orl_exchange_from_link(&rig->exchange, from, &c);
    }
}

static void guests_offer_goes_to_all_and_its_text_to_who_asked(void **state)
{
    struct rig rig;
    (void)state;
    open_rig(&rig);
    orl_exchange_join(&rig.exchange, 0, true, true);
    hear(&rig, SOURCE, ORL_CLIPBOARD_OFFER, 5, true);
    expect(&rig, 0, ORL_CLIPBOARD_OFFER, 5, true);
    orl_exchange_join(&rig.exchange, 3, true, true); /* later: hears of it too */
    expect(&rig, 3, ORL_CLIPBOARD_OFFER, 5, true);
    hear(&rig, 3, ORL_CLIPBOARD_REQUEST, 5, false);
    expect(&rig, SOURCE, ORL_CLIPBOARD_REQUEST, 5, false);
    hear(&rig, 3, ORL_CLIPBOARD_REQUEST, 5, false); /* the guest is asked once */
    expect_no_more(&rig);
    hear(&rig, SOURCE, ORL_CLIPBOARD_DATA, 5, true);
    expect(&rig, 3, ORL_CLIPBOARD_DATA, 5, true);
    hear(&rig, SOURCE, ORL_CLIPBOARD_DATA, 5, true); /* nobody asked */
    expect_no_more(&rig);
}

static void newest_offer_wins_and_its_session_is_asked(void **state)
{
    struct rig rig;
    (void)state;
    open_rig(&rig);
    orl_exchange_join(&rig.exchange, 0, true, true);
    orl_exchange_join(&rig.exchange, 1, true, true);
    hear(&rig, 0, ORL_CLIPBOARD_OFFER, 70, true);
    expect(&rig, SOURCE, ORL_CLIPBOARD_OFFER, 1, true);
    hear(&rig, 1, ORL_CLIPBOARD_OFFER, 9, true);
    expect(&rig, SOURCE, ORL_CLIPBOARD_OFFER, 2, true);
    hear(&rig, SOURCE, ORL_CLIPBOARD_REQUEST, 1, false); /* of the offer before */
    expect(&rig, SOURCE, ORL_CLIPBOARD_DATA, 1, false);
    hear(&rig, SOURCE, ORL_CLIPBOARD_REQUEST, 2, false);
    expect(&rig, 1, ORL_CLIPBOARD_REQUEST, 9, false);
    hear(&rig, 0, ORL_CLIPBOARD_DATA, 9, true); /* not his to give */
    hear(&rig, 1, ORL_CLIPBOARD_DATA, 8, true);
    expect_no_more(&rig);
    hear(&rig, 1, ORL_CLIPBOARD_DATA, 9, true);
    expect(&rig, SOURCE, ORL_CLIPBOARD_DATA, 2, true);
    hear(&rig, 1, ORL_CLIPBOARD_DATA, 9, true); /* unasked */
    expect_no_more(&rig);
}

static void session_that_goes_takes_its_offer_along(void **state)
{
    struct rig rig;
    (void)state;
    open_rig(&rig);
    orl_exchange_join(&rig.exchange, 2, true, true);
    hear(&rig, 2, ORL_CLIPBOARD_OFFER, 1, true);
    hear(&rig, SOURCE, ORL_CLIPBOARD_REQUEST, 1, false);
    rig.checked = rig.count;
    orl_exchange_leave(&rig.exchange, 2);
    expect(&rig, SOURCE, ORL_CLIPBOARD_DATA, 1, false); /* whoever waits is told */
    expect(&rig, SOURCE, ORL_CLIPBOARD_OFFER, 2, false);
    hear(&rig, 2, ORL_CLIPBOARD_OFFER, 2, true);
    expect_no_more(&rig);
}

static void clients_offer_ends_the_guests(void **state)
{
    struct rig rig;
    (void)state;
    open_rig(&rig);
    orl_exchange_join(&rig.exchange, 0, true, true);
    orl_exchange_join(&rig.exchange, 1, true, true);
    hear(&rig, SOURCE, ORL_CLIPBOARD_OFFER, 1, true);
    hear(&rig, 0, ORL_CLIPBOARD_REQUEST, 1, false);
    rig.checked = rig.count;
    hear(&rig, 1, ORL_CLIPBOARD_OFFER, 1, true);
    expect(&rig, 0, ORL_CLIPBOARD_DATA, 1, false);
    expect(&rig, SOURCE, ORL_CLIPBOARD_OFFER, 1, true);
    hear(&rig, 0, ORL_CLIPBOARD_REQUEST, 1, false);
    expect(&rig, 0, ORL_CLIPBOARD_DATA, 1, false);
    expect_no_more(&rig);
}

static void rights_hold_in_each_direction(void **state)
{
    struct rig rig;
    (void)state;
    open_rig(&rig);
    orl_exchange_join(&rig.exchange, 0, false, true);
    orl_exchange_join(&rig.exchange, 1, true, false);
    hear(&rig, 0, ORL_CLIPBOARD_OFFER, 1, true);
    expect_no_more(&rig);
    hear(&rig, SOURCE, ORL_CLIPBOARD_OFFER, 4, true);
    expect(&rig, 0, ORL_CLIPBOARD_OFFER, 4, true);
    hear(&rig, 1, ORL_CLIPBOARD_REQUEST, 4, false);
    expect(&rig, 1, ORL_CLIPBOARD_DATA, 4, false);
    expect_no_more(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(guests_offer_goes_to_all_and_its_text_to_who_asked),
            cmocka_unit_test(newest_offer_wins_and_its_session_is_asked),
            cmocka_unit_test(session_that_goes_takes_its_offer_along),
            cmocka_unit_test(clients_offer_ends_the_guests),
            cmocka_unit_test(rights_hold_in_each_direction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
