/* Characters without a key go in by a paste, in their order, and the clipboard is afterwards what it was. */
#include "console/exchange.h"
#include "console/typing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

enum { LOG_MAX = 512, CTRL = 0x1D, KEY_V = 0x2F, KEY_A = 0x1E, SHIFT = 0x2A, LINK = 0 };
#define E_ACUTE 0xE9U
#define EMOJI (0x01000000U + 0x1F600U)

/* A guest that reads the clipboard when it sees Ctrl+V, and what it had copied itself. */
struct rig {
    struct orl_loop *loop;
    struct orl_timer *limit;
    struct orl_exchange exchange;
    struct orl_typing typing;
    char log[LOG_MAX]; /* what the guest saw: keys, and pastes in brackets */
    uint32_t offer;    /* the newest for the guest */
    bool has_offer, is_ctrl, is_deaf;
    char client[32]; /* what a session offers */
    char own[32];    /* what the guest had copied */
    bool is_down[128];
};

static void add(struct rig *rig, const char *text, size_t len)
{
    size_t used = strlen(rig->log);
    assert_true(used + len < LOG_MAX);
    memcpy(rig->log + used, text, len);
    rig->log[used + len] = '\0';
}

static void guest_reads(struct rig *rig)
{
    const struct orl_clipboard ask = {.step = ORL_CLIPBOARD_REQUEST, .serial = rig->offer};
    if (rig->has_offer && !rig->is_deaf) {
        orl_exchange_from_source(&rig->exchange, &ask);
    }
}

static void to_source_input(void *ctx, const struct orl_input *input)
{
    struct rig *rig = ctx;
    if (input->kind == ORL_INPUT_KEYSYM && input->is_down != 0) {
        char c = (char)input->code;
        add(rig, &c, 1);
    } else if (input->kind == ORL_INPUT_KEY && input->code == CTRL) {
        rig->is_ctrl = input->is_down != 0;
    } else if (input->kind == ORL_INPUT_KEY && input->code == KEY_V && input->is_down != 0) {
        assert_true(rig->is_ctrl);
        guest_reads(rig);
    } else if (input->kind == ORL_INPUT_KEY && input->code != KEY_V) {
        rig->is_down[input->code] = input->is_down != 0;
        add(rig, input->is_down != 0 ? "+" : "-", 1);
    }
}

static void to_source(void *ctx, const struct orl_clipboard *step)
{
    struct rig *rig = ctx;
    struct orl_clipboard answer = {.step = ORL_CLIPBOARD_DATA, .serial = step->serial};
    if (step->step == ORL_CLIPBOARD_OFFER) {
        rig->offer = step->serial;
        rig->has_offer = step->has_text;
    } else if (step->step == ORL_CLIPBOARD_REQUEST) {
        answer.has_text = true;
        answer.text = rig->own;
        answer.len = strlen(rig->own);
        if (!rig->is_deaf) {
            orl_exchange_from_source(&rig->exchange, &answer);
        }
    } else if (step->has_text) {
        add(rig, "[", 1);
        add(rig, step->text, step->len);
        add(rig, "]", 1);
    }
}

static void to_link(void *ctx, unsigned link, const struct orl_clipboard *step)
{
    struct rig *rig = ctx;
    const struct orl_clipboard data = {.step = ORL_CLIPBOARD_DATA,
            .serial = step->serial,
            .has_text = true,
            .text = rig->client,
            .len = strlen(rig->client)};
    if (link == ORL_EXCHANGE_TYPING) {
        orl_typing_clipboard(&rig->typing, step);
    } else if (step->step == ORL_CLIPBOARD_REQUEST) {
        orl_exchange_from_link(&rig->exchange, link, &data);
    }
}

static void to_exchange(void *ctx, const struct orl_clipboard *step)
{
    struct rig *rig = ctx;
    orl_exchange_from_link(&rig->exchange, ORL_EXCHANGE_TYPING, step);
}

static void give_back(void *ctx)
{
    struct rig *rig = ctx;
    orl_exchange_give_back(&rig->exchange);
}

static bool is_ours(void *ctx)
{
    const struct rig *rig = ctx;
    return orl_exchange_owns(&rig->exchange, ORL_EXCHANGE_TYPING);
}

static void on_limit(void *ctx)
{
    struct rig *rig = ctx;
    if (rig->typing.state == ORL_TYPING_IDLE) {
        orl_loop_stop(rig->loop);
    }
}

static void open_rig(struct rig *rig)
{
    static const struct orl_exchange_events exchange_events = {
            .to_source = to_source, .to_link = to_link};
    static const struct orl_typing_events typing_events = {.to_source = to_source_input,
            .to_exchange = to_exchange,
            .give_back = give_back,
            .is_ours = is_ours};
    struct orl_err err;
    memset(rig, 0, sizeof(*rig));
    assert_int_equal(orl_loop_new(&rig->loop, &err), ORL_OK);
    assert_int_equal(orl_timer_new(rig->loop, on_limit, rig, &rig->limit, &err), ORL_OK);
    orl_exchange_init(&rig->exchange, &exchange_events, rig);
    orl_exchange_join(&rig->exchange, ORL_EXCHANGE_TYPING, true, true);
    orl_exchange_join(&rig->exchange, LINK, true, true);
    assert_int_equal(orl_typing_init(&rig->typing, rig->loop, &typing_events, rig, &err), ORL_OK);
    orl_typing_set_possible(&rig->typing, true);
}

static void close_rig(struct rig *rig)
{
    orl_typing_fini(&rig->typing);
    orl_timer_free(rig->limit);
    orl_loop_free(rig->loop);
}

static void run(struct rig *rig)
{
    orl_timer_start(rig->limit, 1000, 1000);
    orl_loop_run(rig->loop);
}

static void press(struct rig *rig, uint32_t kind, uint32_t code)
{
    struct orl_input input = {.kind = kind, .code = code, .is_down = 1};
    orl_typing_input(&rig->typing, &input);
    input.is_down = 0;
    orl_typing_input(&rig->typing, &input);
}

static void text_keeps_its_order_around_a_paste(void **state)
{
    struct rig rig;
    (void)state;
    open_rig(&rig);
    press(&rig, ORL_INPUT_KEYSYM, 'a');
    press(&rig, ORL_INPUT_KEYSYM, E_ACUTE);
    press(&rig, ORL_INPUT_KEYSYM, 'b');
    press(&rig, ORL_INPUT_KEYSYM, EMOJI);
    press(&rig, ORL_INPUT_KEY, KEY_A); /* ends the text, and waits */
    press(&rig, ORL_INPUT_KEYSYM, 'c');
    assert_string_equal(rig.log, "a");
    run(&rig);
    assert_string_equal(rig.log, "a[\xC3\xA9"
                                 "b\xF0\x9F\x98\x80]+-c");
    assert_false(rig.has_offer); /* nothing was there before */
    close_rig(&rig);
}

static void what_the_guest_had_copied_is_offered_again(void **state)
{
    struct rig rig;
    const struct orl_clipboard offer = {.step = ORL_CLIPBOARD_OFFER, .serial = 3, .has_text = true};
    (void)state;
    open_rig(&rig);
    memcpy(rig.own, "mine", 5);
    orl_exchange_from_source(&rig.exchange, &offer);
    press(&rig, ORL_INPUT_KEYSYM, E_ACUTE);
    run(&rig);
    press(&rig, ORL_INPUT_KEYSYM, EMOJI); /* twice: it is still the guest's own that is kept */
    run(&rig);
    guest_reads(&rig);
    assert_string_equal(rig.log, "[\xC3\xA9][\xF0\x9F\x98\x80][mine]");
    close_rig(&rig);
}

static void what_a_session_offers_is_offered_again(void **state)
{
    struct rig rig;
    const struct orl_clipboard offer = {.step = ORL_CLIPBOARD_OFFER, .serial = 9, .has_text = true};
    (void)state;
    open_rig(&rig);
    memcpy(rig.client, "client", 7);
    orl_exchange_from_link(&rig.exchange, LINK, &offer);
    press(&rig, ORL_INPUT_KEYSYM, E_ACUTE);
    run(&rig);
    guest_reads(&rig);
    assert_string_equal(rig.log, "[\xC3\xA9][client]");
    close_rig(&rig);
}

static void newer_offer_is_not_replaced_by_an_old_one(void **state)
{
    struct rig rig;
    const struct orl_clipboard own = {.step = ORL_CLIPBOARD_OFFER, .serial = 3, .has_text = true};
    const struct orl_clipboard offer = {.step = ORL_CLIPBOARD_OFFER, .serial = 9, .has_text = true};
    (void)state;
    open_rig(&rig);
    memcpy(rig.own, "old", 4);
    memcpy(rig.client, "new", 4);
    orl_exchange_from_source(&rig.exchange, &own);
    press(&rig, ORL_INPUT_KEYSYM, E_ACUTE);
    run(&rig);
    orl_exchange_from_link(&rig.exchange, LINK, &offer);
    press(&rig, ORL_INPUT_KEYSYM, E_ACUTE);
    run(&rig);
    guest_reads(&rig);
    assert_string_equal(rig.log, "[\xC3\xA9][\xC3\xA9][new]");
    close_rig(&rig);
}

static void keys_that_are_down_are_let_go_before_the_paste(void **state)
{
    struct rig rig;
    struct orl_input shift = {.kind = ORL_INPUT_KEY, .code = SHIFT, .is_down = 1};
    (void)state;
    open_rig(&rig);
    orl_typing_input(&rig.typing, &shift);
    press(&rig, ORL_INPUT_KEYSYM, E_ACUTE);
    run(&rig);
    assert_string_equal(rig.log, "+-[\xC3\xA9]");
    close_rig(&rig);
}

static void guest_that_reads_nothing_gets_its_keys_nevertheless(void **state)
{
    struct rig rig;
    (void)state;
    open_rig(&rig);
    rig.is_deaf = true;
    press(&rig, ORL_INPUT_KEYSYM, E_ACUTE);
    press(&rig, ORL_INPUT_KEY, KEY_A);
    run(&rig);
    assert_string_equal(rig.log, "+-");
    close_rig(&rig);
}

static void without_a_clipboard_nothing_is_held(void **state)
{
    struct rig rig;
    (void)state;
    open_rig(&rig);
    orl_typing_set_possible(&rig.typing, false);
    press(&rig, ORL_INPUT_KEYSYM, E_ACUTE);
    press(&rig, ORL_INPUT_KEYSYM, 'a');
    assert_int_equal(rig.typing.state, ORL_TYPING_IDLE);
    assert_string_equal(rig.log, "\xE9"
                                 "a"); /* the source does with it what it can */
    close_rig(&rig);
}

static void flood_is_bounded_and_loses_no_release(void **state)
{
    struct rig rig;
    (void)state;
    open_rig(&rig);
    press(&rig, ORL_INPUT_KEYSYM, E_ACUTE);
    for (unsigned i = 0; i < 4 * ORL_TYPING_MAX_BYTES; i++) {
        press(&rig, ORL_INPUT_KEYSYM, E_ACUTE);
    }
    assert_in_range(rig.typing.text.len, 1, ORL_TYPING_MAX_BYTES);
    rig.is_deaf = true;
    for (unsigned i = 0; i < ORL_TYPING_HELD_MAX; i++) {
        press(&rig, ORL_INPUT_KEY, 0x30 + i % 32);
    }
    assert_in_range(rig.typing.held_count, 1, ORL_TYPING_HELD_MAX);
    orl_typing_set_possible(&rig.typing, false); /* what is held is not pasted again */
    rig.log[0] = '\0';
    run(&rig);
    assert_int_not_equal(strlen(rig.log), 0);
    for (unsigned i = 0; i < 128; i++) {
        assert_false(rig.is_down[i]);
    }
    close_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(text_keeps_its_order_around_a_paste),
            cmocka_unit_test(what_the_guest_had_copied_is_offered_again),
            cmocka_unit_test(what_a_session_offers_is_offered_again),
            cmocka_unit_test(newer_offer_is_not_replaced_by_an_old_one),
            cmocka_unit_test(keys_that_are_down_are_let_go_before_the_paste),
            cmocka_unit_test(guest_that_reads_nothing_gets_its_keys_nevertheless),
            cmocka_unit_test(without_a_clipboard_nothing_is_held),
            cmocka_unit_test(flood_is_bounded_and_loses_no_release)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
