/* The clipboard channel's steps (protocols/rdp/rdp_clipboard.c) without a connection below. */
#include "protocols/rdp/rdp_clipboard_wire.h"
#include "protocols/rdp/rdp_priv.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { WHOLE = 3 /* CHANNEL_FLAG_FIRST | LAST */, CAP = 1000 };

struct rig {
    struct orl_loop *loop;
    struct orl_viewer viewer;
    unsigned offers;
    bool has_text; /* in the last one */
};

static void on_clipboard(void *ctx, const struct orl_clipboard *step)
{
    struct rig *rig = ctx;
    if (step->step == ORL_CLIPBOARD_OFFER) {
        rig->offers++;
        rig->has_text = step->has_text;
    }
}

static void on_due(void *ctx)
{
    (void)ctx;
}

static void begin(struct rig *rig, uint32_t directions)
{
    static const struct orl_viewer_events events = {.on_clipboard = on_clipboard};
    struct orl_viewer *v = &rig->viewer;
    memset(rig, 0, sizeof(*rig));
    assert_int_equal(orl_loop_new(&rig->loop, NULL), 0);
    v->loop = rig->loop;
    v->events = &events;
    v->ctx = rig;
    v->state = ORL_RDP_READY;
    v->is_on_stack = true; /* what is posted stays in its queue */
    v->permit = (struct orl_permit){.clipboard = directions, .clipboard_max_bytes = CAP};
    assert_int_equal(orl_timer_new(rig->loop, on_due, rig, &v->clipboard.timer, NULL), 0);
    v->clipboard.svc.id = 1;
    orl_buf_init(&v->clipboard.svc.in, orl_clip_response_max(CAP));
    orl_buf_init(&v->clipboard.svc.out, 64 * 1024);
}

static void finish(struct rig *rig)
{
    orl_rdp_clipboard_close(&rig->viewer);
    orl_loop_free(rig->loop);
}

static void client_lists(struct rig *rig, bool has_text)
{
    struct orl_buf msg;
    orl_buf_init(&msg, 1024);
    orl_clip_put_list(&msg, has_text, false);
    assert_int_equal(orl_rdp_clipboard_receive(&rig->viewer, msg.data, msg.len, WHOLE), 0);
    orl_buf_fini(&msg);
}

static void guest_offers(struct rig *rig, uint32_t serial)
{
    const struct orl_clipboard offer = {
            .step = ORL_CLIPBOARD_OFFER, .serial = serial, .has_text = true};
    orl_rdp_clipboard_step(&rig->viewer, &offer);
}

/* What a client lists right after the guest's offer may be an echo, and is fetched to see; but not from a client whose
 * text policy keeps from the guest. */
static void an_echo_is_looked_for_only_where_text_may_go_to_the_guest(void **state)
{
    (void)state;
    static const uint32_t directions[] = {ORL_CLIPBOARD_BOTH, ORL_CLIPBOARD_TO_CLIENT};
    for (unsigned i = 0; i < 2; i++) {
        static struct rig rig;
        const bool may_fetch = directions[i] == ORL_CLIPBOARD_BOTH;
        begin(&rig, directions[i]);
        client_lists(&rig, false);
        guest_offers(&rig, 1);
        client_lists(&rig, true);
        assert_int_equal(rig.viewer.clipboard.is_held, may_fetch);
        assert_int_equal(orl_timer_is_active(rig.viewer.clipboard.timer), may_fetch);
        assert_int_equal(rig.offers, may_fetch ? 0 : 1);
        finish(&rig);
    }
}

static void what_a_client_lists_later_is_told_at_once(void **state)
{
    (void)state;
    static struct rig rig;
    begin(&rig, ORL_CLIPBOARD_BOTH);
    client_lists(&rig, true);
    assert_int_equal(rig.offers, 1);
    assert_true(rig.has_text);
    client_lists(&rig, false);
    assert_int_equal(rig.offers, 2);
    assert_false(rig.has_text);
    assert_false(rig.viewer.clipboard.is_held);
    finish(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(an_echo_is_looked_for_only_where_text_may_go_to_the_guest),
            cmocka_unit_test(what_a_client_lists_later_is_told_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
