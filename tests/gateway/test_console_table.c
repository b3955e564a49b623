/* The console table with a vmpool, processes and connections that only take notes. */
#include "base/clock.h"
#include "base/ipc.h"
#include "gateway/console_table.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define KEEP_US (30 * ORL_US_PER_S)
#define RETRY_US (60 * ORL_US_PER_S)

struct notes {
    struct orl_console_table *table;
    unsigned asks, starts, kills, links, posts, notices, finals;
    uint32_t process, killed, linked_conn, final_conn;
    enum orl_reason reason;
    struct orl_permit permit;
    uint64_t due_us;
    bool is_down, can_not_start;
};

static bool ask(void *ctx, const struct orl_msg *msg)
{
    struct notes *notes = ctx;
    assert_int_equal(msg->type, ORL_MSG_CONSOLE);
    notes->asks++;
    return !notes->is_down;
}

static int start(
        void *ctx, uint32_t process, const struct orl_msg *msg, const struct orl_ipc_fds *display)
{
    struct notes *notes = ctx;
    assert_int_equal(display->count, 1);
    assert_int_equal(msg->type, ORL_MSG_START);
    if (notes->can_not_start) {
        return ORL_E_SYS;
    }
    notes->starts++;
    notes->process = process;
    return 0;
}

static void post(void *ctx, uint32_t process, const struct orl_msg *msg, int fd)
{
    struct notes *notes = ctx;
    assert_int_equal(process, notes->process);
    assert_int_equal(msg->type, ORL_MSG_SURFACE);
    assert_true(fd >= 0);
    notes->permit = msg->u.surface.permit;
    notes->posts++;
}

static void kill_process(void *ctx, uint32_t process)
{
    struct notes *notes = ctx;
    notes->kills++;
    notes->killed = process;
}

static void arm(void *ctx, uint64_t due_us)
{
    ((struct notes *)ctx)->due_us = due_us;
}

static void on_link(void *ctx, uint32_t conn, uint32_t link, int fd)
{
    struct notes *notes = ctx;
    assert_true(link != 0 && fd >= 0);
    notes->links++;
    notes->linked_conn = conn;
}

static void on_notice(void *ctx, uint32_t conn, enum orl_reason reason, const char *text)
{
    struct notes *notes = ctx;
    (void)conn;
    (void)text;
    notes->notices++;
    notes->reason = reason;
}

static void on_final(void *ctx, uint32_t conn, enum orl_reason reason, const char *text)
{
    struct notes *notes = ctx;
    (void)text;
    notes->finals++;
    notes->final_conn = conn;
    notes->reason = reason;
    orl_console_table_drop(notes->table, conn, 0); /* as a closing connection does */
}

static const struct orl_console_ops ops = {.ask = ask,
        .start = start,
        .post = post,
        .kill = kill_process,
        .arm = arm,
        .on_link = on_link,
        .on_notice = on_notice,
        .on_final = on_final};

static void begin(struct notes *notes, unsigned max)
{
    const struct orl_console_limits limits = {
            .max_consoles = max, .keep_us = KEEP_US, .retry_us = RETRY_US};
    *notes = (struct notes){0};
    assert_int_equal(orl_console_table_new(&limits, &ops, notes, &notes->table), 0);
}

static struct orl_msg_plan plan_of(const char *desktop, uint64_t version)
{
    struct orl_msg_plan plan = {.is_ready = 1, .version = version};
    (void)snprintf(plan.desktop, sizeof(plan.desktop), "%s", desktop);
    return plan;
}

static void answer(struct notes *notes, const char *desktop, uint64_t version,
        enum orl_reason reason, bool is_final, uint64_t now_us)
{
    struct orl_msg_console msg = {.version = version, .reason = reason, .is_final = is_final};
    (void)snprintf(msg.desktop, sizeof(msg.desktop), "%s", desktop);
    msg.source = ORL_SOURCE_VNC;
    const struct orl_ipc_fds display = {.count = reason == 0 ? 1 : 0};
    orl_console_table_on_answer(notes->table, &msg, &display, now_us);
}

static void want(struct notes *notes, uint32_t conn, const char *desktop, uint64_t now_us)
{
    struct orl_msg_plan plan = plan_of(desktop, 1);
    orl_console_table_want(notes->table, conn, &plan, now_us);
}

static void one_console_serves_all_who_want_the_same_desktop(void **state)
{
    (void)state;
    struct notes notes;
    begin(&notes, 4);
    want(&notes, 1, "a", 0);
    want(&notes, 2, "a", 0);
    assert_int_equal(notes.asks, 1);
    answer(&notes, "a", 1, 0, false, 0);
    assert_int_equal(notes.starts, 1);
    assert_int_equal(notes.links, 2);
    want(&notes, 3, "a", 0);
    assert_int_equal(notes.links, 3);
    assert_int_equal(notes.linked_conn, 3);
    assert_int_equal(notes.posts, 3);
    assert_int_equal(notes.asks, 1);
    orl_console_table_free(notes.table);
}

static void each_link_brings_its_own_plans_permit(void **state)
{
    (void)state;
    struct notes notes;
    begin(&notes, 4);
    struct orl_msg_plan plan = plan_of("a", 1);
    plan.permit = (struct orl_permit){
            .clipboard = ORL_CLIPBOARD_TO_GUEST, .clipboard_max_bytes = 77, .has_sound = 1};
    orl_console_table_want(notes.table, 1, &plan, 0);
    answer(&notes, "a", 1, 0, false, 0);
    assert_memory_equal(&notes.permit, &plan.permit, sizeof(plan.permit));
    plan.permit = (struct orl_permit){.clipboard = ORL_CLIPBOARD_TO_CLIENT};
    orl_console_table_want(notes.table, 2, &plan, 0);
    assert_memory_equal(&notes.permit, &plan.permit, sizeof(plan.permit));
    /* Another try after a crash brings the same again, in the order of the connections. */
    orl_console_table_on_gone(notes.table, notes.process, ORL_REASON_CONSOLE_LOST, "", 0);
    orl_console_table_tick(notes.table, notes.due_us);
    answer(&notes, "a", 1, 0, false, notes.due_us);
    assert_int_equal(notes.posts, 4);
    assert_memory_equal(&notes.permit, &plan.permit, sizeof(plan.permit));
    orl_console_table_free(notes.table);
}

static void an_answer_for_another_version_is_nobodys(void **state)
{
    (void)state;
    struct notes notes;
    begin(&notes, 4);
    want(&notes, 1, "a", 0);
    answer(&notes, "a", 2, 0, false, 0);
    answer(&notes, "b", 1, 0, false, 0);
    assert_int_equal(notes.starts, 0);
    answer(&notes, "a", 1, 0, false, 0);
    answer(&notes, "a", 1, 0, false, 0); /* twice: once is enough */
    assert_int_equal(notes.starts, 1);
    orl_console_table_free(notes.table);
}

static void an_unseen_console_is_kept_and_then_ended(void **state)
{
    (void)state;
    struct notes notes;
    begin(&notes, 4);
    want(&notes, 1, "a", 0);
    answer(&notes, "a", 1, 0, false, 0);
    orl_console_table_drop(notes.table, 1, 100);
    assert_int_equal(notes.due_us, 100 + KEEP_US);
    orl_console_table_tick(notes.table, 100 + KEEP_US - 1);
    want(&notes, 2, "a", 100 + KEEP_US - 1);
    assert_int_equal(notes.links, 2);
    assert_int_equal(notes.starts, 1);
    assert_int_equal(notes.due_us, 0);
    orl_console_table_drop(notes.table, 2, 200);
    orl_console_table_tick(notes.table, 200 + KEEP_US);
    assert_int_equal(notes.kills, 1);
    assert_int_equal(notes.killed, notes.process);
    assert_int_equal(orl_console_table_count(notes.table), 0);
    orl_console_table_free(notes.table);
}

static void a_dead_console_is_tried_again_with_growing_pauses(void **state)
{
    (void)state;
    struct notes notes;
    const uint64_t pauses_ms[] = {500, 1000, 2000, 4000, 4000};
    uint64_t now_us = 1000;
    begin(&notes, 4);
    want(&notes, 1, "a", now_us);
    for (unsigned i = 0; i < 5; i++) {
        answer(&notes, "a", 1, 0, false, now_us);
        assert_int_equal(notes.links, i + 1);
        orl_console_table_on_gone(notes.table, notes.process, ORL_REASON_CONSOLE_LOST, "", now_us);
        assert_int_equal(notes.notices, i + 1);
        assert_int_equal(notes.due_us, now_us + pauses_ms[i] * ORL_US_PER_MS);
        now_us = notes.due_us;
        orl_console_table_tick(notes.table, now_us);
        assert_int_equal(notes.asks, i + 2);
    }
    /* Who lived long starts with the short pause again. */
    answer(&notes, "a", 1, 0, false, now_us);
    now_us += 60 * ORL_US_PER_S;
    orl_console_table_on_gone(notes.table, notes.process, ORL_REASON_CONSOLE_LOST, "", now_us);
    assert_int_equal(notes.due_us, now_us + 500 * ORL_US_PER_MS);
    orl_console_table_free(notes.table);
}

static void trying_ends_after_a_while_or_with_a_final_reason(void **state)
{
    (void)state;
    struct notes notes;
    uint64_t now_us = 1;
    begin(&notes, 4);
    want(&notes, 1, "a", now_us);
    unsigned tries = 0;
    while (notes.finals == 0) {
        answer(&notes, "a", 1, ORL_REASON_CONSOLE_UNREACHABLE, false, now_us);
        now_us = notes.due_us;
        orl_console_table_tick(notes.table, now_us);
        assert_true(++tries < 40);
    }
    assert_int_equal(notes.reason, ORL_REASON_CONSOLE_UNREACHABLE);
    assert_int_equal(orl_console_table_count(notes.table), 0);

    want(&notes, 2, "a", 0);
    answer(&notes, "a", 1, ORL_REASON_GUEST_DIED, true, 0);
    assert_int_equal(notes.final_conn, 2);
    assert_int_equal(notes.reason, ORL_REASON_GUEST_DIED);

    want(&notes, 3, "a", 0);
    answer(&notes, "a", 1, 0, false, 0);
    orl_console_table_on_gone(notes.table, notes.process, ORL_REASON_CONSOLE_AUTH, "", 0);
    assert_int_equal(notes.final_conn, 3);
    orl_console_table_free(notes.table);
}

static void a_vmpool_that_is_down_or_silent_is_asked_again(void **state)
{
    (void)state;
    struct notes notes;
    begin(&notes, 4);
    notes.is_down = true;
    want(&notes, 1, "a", 1);
    assert_int_equal(notes.notices, 1);
    assert_int_equal(notes.reason, ORL_REASON_VMPOOL_DOWN);
    notes.is_down = false;
    orl_console_table_tick(notes.table, notes.due_us);
    assert_int_equal(notes.asks, 2);
    orl_console_table_tick(notes.table, notes.due_us); /* no answer came */
    assert_int_equal(notes.notices, 2);
    orl_console_table_tick(notes.table, notes.due_us);
    assert_int_equal(notes.asks, 3);
    orl_console_table_free(notes.table);
}

static void a_full_table_gives_up_the_unseen_first(void **state)
{
    (void)state;
    struct notes notes;
    begin(&notes, 2);
    want(&notes, 1, "a", 0);
    answer(&notes, "a", 1, 0, false, 0);
    want(&notes, 2, "b", 0);
    want(&notes, 3, "c", 0);
    assert_int_equal(notes.final_conn, 3);
    orl_console_table_drop(notes.table, 1, 0);
    want(&notes, 4, "c", 1);
    assert_int_equal(notes.kills, 1);
    assert_int_equal(notes.finals, 1);
    assert_int_equal(orl_console_table_count(notes.table), 2);
    orl_console_table_free(notes.table);
}

static void too_many_on_one_desktop_are_refused(void **state)
{
    (void)state;
    struct notes notes;
    begin(&notes, 4);
    for (uint32_t conn = 1; conn <= ORL_CONSOLE_MAX_VIEWERS; conn++) {
        want(&notes, conn, "a", 0);
    }
    assert_int_equal(notes.finals, 0);
    want(&notes, 99, "a", 0);
    assert_int_equal(notes.final_conn, 99);
    orl_console_table_free(notes.table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(one_console_serves_all_who_want_the_same_desktop),
            cmocka_unit_test(each_link_brings_its_own_plans_permit),
            cmocka_unit_test(an_answer_for_another_version_is_nobodys),
            cmocka_unit_test(an_unseen_console_is_kept_and_then_ended),
            cmocka_unit_test(a_dead_console_is_tried_again_with_growing_pauses),
            cmocka_unit_test(trying_ends_after_a_while_or_with_a_final_reason),
            cmocka_unit_test(a_vmpool_that_is_down_or_silent_is_asked_again),
            cmocka_unit_test(a_full_table_gives_up_the_unseen_first),
            cmocka_unit_test(too_many_on_one_desktop_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
