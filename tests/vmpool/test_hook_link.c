/* A guest that lies, floods or is silent, at the other end of the socket. */
#include "vmpool/hook.h"
#include "vmpool/hook_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct world {
    struct orl_loop *loop;
    struct orl_hook_link *link;
    struct orl_timer *end;
    int guest;
    unsigned messages;
    char last[64];
    int code; /* of on_end */
};

static void on_message(void *ctx, const struct orl_hook_msg *msg)
{
    struct world *w = ctx;
    w->messages++;
    (void)snprintf(w->last, sizeof w->last, "%s:%s", msg->verb, orl_hook_msg_get(msg, "name"));
}

static void on_end(void *ctx, int code, const char *why)
{
    struct world *w = ctx;
    assert_non_null(why);
    w->code = code;
    orl_loop_stop(w->loop);
}

static void on_time(void *ctx)
{
    struct world *w = ctx;
    orl_loop_stop(w->loop);
}

static void run_ms(struct world *w, uint64_t ms)
{
    orl_timer_start(w->end, ms * 1000, 0);
    orl_loop_run(w->loop);
}

static int setup(void **state)
{
    static struct world w;
    int ends[2];
    w = (struct world){0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(orl_loop_new(&w.loop, NULL), 0);
    assert_int_equal(orl_timer_new(w.loop, on_time, &w, &w.end, NULL), 0);
    w.guest = ends[1];
    const struct orl_hook_link_cfg cfg = {
            .loop = w.loop, .fd = ends[0], .on_message = on_message, .on_end = on_end, .ctx = &w};
    assert_int_equal(orl_hook_link_new(&cfg, &w.link, NULL), 0);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    orl_hook_link_free(w->link);
    orl_timer_free(w->end);
    orl_loop_free(w->loop);
    close(w->guest);
    return 0;
}

static void say(const struct world *w, const char *text)
{
    assert_int_equal(send(w->guest, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void ask(struct world *w, uint64_t serial, uint64_t timeout_ms)
{
    struct orl_hook_msg msg;
    orl_hook_msg_init(&msg, "hello", serial);
    orl_hook_link_ask(w->link, &msg, timeout_ms);
}

static void what_a_guest_says_arrives_in_order(void **state)
{
    struct world *w = *state;
    say(w, "half a mess\x18"
           "event 1\nname locked\n.\nevent 2\nna");
    run_ms(w, 50);
    assert_int_equal(w->messages, 1);
    say(w, "me unlocked\n.");
    run_ms(w, 50);
    assert_int_equal(w->messages, 1);
    say(w, "\n");
    run_ms(w, 50);
    assert_int_equal(w->messages, 2);
    assert_string_equal(w->last, "event:unlocked");
    assert_int_equal(w->code, 0);
}

static void nonsense_ends_it(void **state)
{
    struct world *w = *state;
    say(w, "GET / HTTP/1.1\r\n\r\n");
    run_ms(w, 5000);
    assert_int_equal(w->code, ORL_E_PROTO);
    assert_int_equal(w->messages, 0);
}

static void a_line_without_end_ends_it(void **state)
{
    struct world *w = *state;
    char large[ORL_HOOK_MSG_MAX + 1];
    memset(large, 'a', ORL_HOOK_MSG_MAX);
    large[ORL_HOOK_MSG_MAX] = '\0';
    say(w, large);
    run_ms(w, 5000);
    assert_int_equal(w->code, ORL_E_PROTO);
}

static void a_flood_ends_it_after_a_bounded_number(void **state)
{
    struct world *w = *state;
    static char flood[2 * ORL_HOOK_LINK_MESSAGES * 32];
    for (int i = 0; i < 2 * ORL_HOOK_LINK_MESSAGES; i++) {
        (void)strncat(flood, "event 1\nname logged_off\n.\n", 32);
    }
    say(w, flood);
    run_ms(w, 5000);
    assert_int_equal(w->code, ORL_E_PROTO);
    assert_int_equal(w->messages, ORL_HOOK_LINK_MESSAGES);
}

static void many_bytes_end_it_as_many_messages_do(void **state)
{
    struct world *w = *state;
    char large[1024];
    (void)snprintf(large, sizeof large, "event 1\nname %0999d\n.\n", 0);
    for (int i = 0; i < ORL_HOOK_LINK_MESSAGES / 2 && w->code == 0; i++) {
        say(w, large);
        run_ms(w, 5);
    }
    assert_int_equal(w->code, ORL_E_PROTO);
    assert_true(w->messages < ORL_HOOK_LINK_MESSAGES / 2);
}

static void silence_ends_a_question_and_chatter_is_no_answer(void **state)
{
    struct world *w = *state;
    ask(w, 7, 100);
    say(w, "event 1\nname locked\n.\ndone 6\n.\nhello 0\nversion 1\n.\n");
    run_ms(w, 5000);
    assert_int_equal(w->code, ORL_E_TIMEOUT);
    assert_int_equal(w->messages, 3);
}

static void an_answer_in_time_leaves_it_open(void **state)
{
    struct world *w = *state;
    ask(w, 7, 100);
    say(w, "hello 7\nversion 1\n.\n");
    run_ms(w, 300);
    assert_int_equal(w->code, 0);
    assert_int_equal(w->messages, 1);
}

static void a_guest_that_does_not_read_holds_nobody(void **state)
{
    struct world *w = *state;
    char large[2000];
    memset(large, 'a', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    for (int i = 1; i < 2000 && w->code == 0; i++) {
        struct orl_hook_msg msg;
        orl_hook_msg_init(&msg, "message", (uint64_t)i);
        orl_hook_msg_put(&msg, "text", large);
        orl_hook_link_ask(w->link, &msg, 60000);
    }
    run_ms(w, 5000);
    assert_int_equal(w->code, ORL_E_CLOSED);
}

static void a_call_takes_its_own_answer_only(void **state)
{
    struct world *w = *state;
    int ends[2];
    (void)w;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    static const char answers[] =
            "event 1\nname locked\n.\ndone 8\n.\ndone 9\nstate logged_on\n.\n";
    assert_int_equal(write(ends[1], answers, sizeof answers - 1), (ssize_t)sizeof answers - 1);
    struct orl_hook_msg msg, answer;
    struct orl_err err = {0};
    orl_hook_msg_init(&msg, "logoff", 9);
    assert_int_equal(orl_hook_call(ends[0], &msg, 5000, &answer, &err), 0);
    assert_string_equal(orl_hook_msg_get(&answer, "state"), "logged_on");
    static const char failed[] = "failed 10\ncode home\ntext it%0Ais%1B%5Bgone\n.\n";
    assert_int_equal(write(ends[1], failed, sizeof failed - 1), (ssize_t)sizeof failed - 1);
    orl_hook_msg_init(&msg, "logoff", 10);
    assert_int_equal(orl_hook_call(ends[0], &msg, 5000, &answer, &err), ORL_E_BACKEND);
    assert_string_equal(err.text, "the guest says: home: it?is?[gone");
    orl_hook_msg_init(&msg, "logoff", 11);
    assert_int_equal(orl_hook_call(ends[0], &msg, 50, &answer, &err), ORL_E_TIMEOUT);
    close(ends[1]);
    assert_int_equal(orl_hook_call(ends[0], &msg, 5000, &answer, &err), ORL_E_CLOSED);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(what_a_guest_says_arrives_in_order, setup, teardown),
            cmocka_unit_test_setup_teardown(nonsense_ends_it, setup, teardown),
            cmocka_unit_test_setup_teardown(a_line_without_end_ends_it, setup, teardown),
            cmocka_unit_test_setup_teardown(
                    a_flood_ends_it_after_a_bounded_number, setup, teardown),
            cmocka_unit_test_setup_teardown(many_bytes_end_it_as_many_messages_do, setup, teardown),
            cmocka_unit_test_setup_teardown(
                    silence_ends_a_question_and_chatter_is_no_answer, setup, teardown),
            cmocka_unit_test_setup_teardown(an_answer_in_time_leaves_it_open, setup, teardown),
            cmocka_unit_test_setup_teardown(
                    a_guest_that_does_not_read_holds_nobody, setup, teardown),
            cmocka_unit_test_setup_teardown(a_call_takes_its_own_answer_only, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
