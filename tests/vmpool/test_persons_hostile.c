/* Guests whose hook lies, floods or is silent: cut off, said, and over with the desktop. */
#include "bad_world.h"
#include "base/clock.h"
#include "base/hook_wire.h"
#include "base/log.h"
#include "vmpool/persons.h"
#include "vmpool/reconcile_priv.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS = 5000 };

struct house {
    struct world *w;
    struct orl_loop *loop;
    struct orl_work *work;
    struct orl_timer *end;
    struct orl_persons *persons;
    struct orl_rows rows;
    struct orl_desktop_row ann;
    unsigned opened; /* written by a worker, read when it is done */
    int guest;
};
static struct house house;

static int open_hook(void *self, const char *uuid, int *ret_fd, struct orl_err *err)
{
    struct house *h = self;
    int ends[2];
    (void)uuid;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) {
        return orl_err_set(err, ORL_E_SYS, "socketpair");
    }
    if (h->guest >= 0) {
        close(h->guest);
    }
    h->guest = ends[1];
    *ret_fd = ends[0];
    h->opened++;
    return 0;
}

static const struct orl_backend_ops ops = {.hook_open = open_hook};
static const struct orl_backend backend = {.ops = &ops, .self = &house};

static void stop(void *ctx)
{
    struct house *h = ctx;
    orl_loop_stop(h->loop);
}

static void run(struct house *h, uint64_t ms)
{
    orl_timer_start(h->end, ms * ORL_US_PER_MS, 0);
    orl_loop_run(h->loop);
}

static void look(struct house *h, uint64_t now_ms)
{
    assert_int_equal(orl_rows_read(h->w->store, "here", &h->rows, NULL), 0);
    (void)orl_persons_look(h->persons, &h->rows, now_ms);
}

static int enter(void **state)
{
    void *world = NULL;
    if (bad_open(&world) < 0) {
        return -1;
    }
    house = (struct house){.w = world, .guest = -1};
    struct house *h = &house;
    h->ann = bad_give(h->w, "floating", "ann");
    bad_edit(h->w, "UPDATE desktop SET person = 'wanted' WHERE lease = 'in_use'");
    assert_int_equal(orl_loop_new(&h->loop, NULL), 0);
    assert_int_equal(orl_work_new(h->loop, 1, 8, &h->work, NULL), 0);
    assert_int_equal(orl_timer_new(h->loop, stop, h, &h->end, NULL), 0);
    const struct orl_persons_cfg cfg = {.loop = h->loop,
            .work = h->work,
            .store = h->w->store,
            .backend = &backend,
            .images_dir = "/fake",
            .on_change = stop,
            .kick = stop,
            .ctx = h};
    assert_int_equal(orl_persons_new(&cfg, &h->persons, NULL), 0);
    for (unsigned i = 0; h->opened == 0 && i < 50; i++) {
        look(h, orl_clock_wall_ms());
        run(h, 20);
    }
    run(h, 20);
    *state = h;
    return h->guest >= 0 ? 0 : -1;
}

static int leave(void **state)
{
    struct house *h = *state;
    void *world = h->w;
    orl_work_free(h->work);
    orl_persons_free(h->persons);
    orl_timer_free(h->end);
    orl_loop_free(h->loop);
    orl_rows_fini(&h->rows);
    close(h->guest);
    return bad_close(&world);
}

static void say(const struct house *h, const char *text)
{
    assert_int_equal(send(h->guest, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Until the row says that she has no desktop with her in it. */
static void wait_until_failed(struct house *h)
{
    uint64_t until_ms = orl_clock_wall_ms() + WAIT_MS;
    while (bad_row(h->w, h->ann.id).person != ORL_PERSON_FAILED && orl_clock_wall_ms() < until_ms) {
        run(h, 50);
    }
    struct orl_desktop_row row = bad_row(h->w, h->ann.id);
    assert_int_equal(row.person, ORL_PERSON_FAILED);
    assert_int_equal(row.reason, ORL_REASON_PERSON_FAILED);
}

static void is_told_and_over_with_the_desktop(struct house *h)
{
    wait_until_failed(h);
    assert_true(bad_has_desktop_alarm(h->w, ORL_REASON_GUEST_HOOK_BROKEN, h->ann.id));
    unsigned opened = h->opened;
    for (unsigned i = 0; i < 5; i++) { /* not heard again at once */
        look(h, orl_clock_wall_ms());
        run(h, 20);
    }
    assert_int_equal(h->opened, opened);
    struct orl_session_row session;
    assert_int_equal(orl_session_find(h->w->store, "ann", "floating", &session, NULL), 0);
    assert_int_equal(orl_session_end(h->w->store, session.id, ORL_REASON_PERSON_FAILED, "test",
                             h->w->now_ms, NULL),
            0);
    look(h, orl_clock_wall_ms());
    assert_false(orl_persons_holds(h->persons, h->ann.id));
    assert_false(bad_has_desktop_alarm(h->w, ORL_REASON_GUEST_HOOK_BROKEN, h->ann.id));
}

static void a_hook_that_talks_nonsense_is_an_alarm_until_its_desktop_goes(void **state)
{
    struct house *h = *state;
    say(h, "\x01\x02 GET / HTTP/1.1\r\n\r\n");
    is_told_and_over_with_the_desktop(h);
}

static void a_line_without_end_is_one(void **state)
{
    struct house *h = *state;
    static char line[ORL_HOOK_BUF_MAX + 1];
    memset(line, 'a', ORL_HOOK_BUF_MAX);
    say(h, line);
    is_told_and_over_with_the_desktop(h);
}

static void thousands_of_events_are_one(void **state)
{
    struct house *h = *state;
    static const char event[] = "event 1\nname logged_off\n.\n";
    for (unsigned i = 0; i < 2000; i++) {
        if (send(h->guest, event, sizeof event - 1, MSG_NOSIGNAL) < 0) {
            run(h, 5);
        }
    }
    is_told_and_over_with_the_desktop(h);
    assert_int_equal(bad_row(h->w, h->ann.id).guest_state, ORL_GUEST_UNKNOWN);
}

/* An answer to what nobody asked is none: she is not in, and not logged off either. */
static void an_answer_with_another_serial_says_nothing(void **state)
{
    struct house *h = *state;
    say(h, "done 77\n.\nfailed 78\ncode home\n.\nevent 1\nname logged_off\n.\ndone "
           "18446744073709551615\n.\n");
    run(h, 100);
    struct orl_desktop_row row = bad_row(h->w, h->ann.id);
    assert_int_equal(row.person, ORL_PERSON_WANTED);
    assert_int_equal(row.guest_state, ORL_GUEST_UNKNOWN);
    assert_int_equal(bad_count_alarms(h->w), 0);
}

#define WITH_HOUSE(fn) cmocka_unit_test_setup_teardown(fn, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WITH_HOUSE(a_hook_that_talks_nonsense_is_an_alarm_until_its_desktop_goes),
            WITH_HOUSE(a_line_without_end_is_one),
            WITH_HOUSE(thousands_of_events_are_one),
            WITH_HOUSE(an_answer_with_another_serial_says_nothing),
    };
    orl_log_set_level(ORL_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
