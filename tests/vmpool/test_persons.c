/* Persons in desktops: a guest at the other end of a socket, a store in a file. */
#include "base/clock.h"
#include "store/alarm.h"
#include "store/home.h"
#include "store/person.h"
#include "store/pool.h"
#include "store/rdp_login.h"
#include "store/template.h"
#include "tests/store/store_fixture.h"
#include "vmpool/hook.h"
#include "vmpool/persons.h"
#include "vmpool/persons_priv.h"
#include "vmpool/reconcile_priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DAY_MS UINT64_C(86400000)

enum { TURNS = 5, HELLO_MS = 3000 };

struct world {
    struct fixture *f;
    struct orl_loop *loop;
    struct orl_timer *timer;
    struct orl_work *work;
    struct orl_backend_ops ops;
    struct orl_backend backend;
    struct orl_persons *persons;
    struct orl_seal_key key;
    struct orl_rows rows;
    char stuck[ORL_UUID_LEN + 1]; /* this machine answers no call before a byte comes */
    int gate[2];
    int guest; /* the hook's end; -1: nobody asked yet */
    unsigned changes;
    unsigned homes;
    struct orl_vm_home home; /* that was to be plugged in last */
    int home_result;
    char desktop[ORL_ID_LEN + 1];
    uint64_t version;
};

static int hook_open(void *self, const char *uuid, int *ret_fd, struct orl_err *err)
{
    struct world *w = self;
    int ends[2];
    char byte;
    if (strcmp(uuid, w->stuck) == 0) {
        (void)!read(w->gate[0], &byte, 1);
        return orl_err_set(err, ORL_E_BACKEND, "its QEMU was ended");
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) {
        return orl_err_set(err, ORL_E_BACKEND, "no socket");
    }
    if (w->guest >= 0) {
        close(w->guest);
    }
    w->guest = ends[1];
    *ret_fd = ends[0];
    return 0;
}

static int home_attach(
        void *self, const char *uuid, const struct orl_vm_home *home, struct orl_err *err)
{
    struct world *w = self;
    (void)uuid;
    w->home = *home;
    w->homes++;
    return w->home_result < 0 ? orl_err_set(err, w->home_result, "it is missing") : 0;
}

static void on_change(void *ctx)
{
    ((struct world *)ctx)->changes++;
}

static void kick(void *ctx)
{
    (void)ctx;
}

static void on_time(void *ctx)
{
    orl_loop_stop(((struct world *)ctx)->loop);
}

static void run_ms(struct world *w, uint64_t ms)
{
    orl_timer_start(w->timer, ms * ORL_US_PER_MS, 0);
    orl_loop_run(w->loop);
}

static void do_nothing(void *job)
{
    (void)job;
}

static void on_turn(void *job, void *ctx)
{
    (void)job;
    orl_loop_stop(((struct world *)ctx)->loop);
}

/* What the worker was asked is done, and what that led to, however slow this machine is. */
static void settle(struct world *w)
{
    for (unsigned turn = 0; turn < TURNS; turn++) {
        assert_int_equal(orl_work_submit(w->work, do_nothing, on_turn, w, w), 0);
        orl_loop_run(w->loop);
        run_ms(w, 10);
    }
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    void *fixture = NULL;
    if (w == NULL || fixture_set_up(&fixture) < 0) {
        free(w);
        return -1;
    }
    *state = w;
    w->f = fixture;
    w->guest = -1;
    w->ops.hook_open = hook_open;
    w->ops.home_attach = home_attach;
    w->backend = (struct orl_backend){.self = w, .ops = &w->ops};
    assert_ok(w->f, orl_loop_new(&w->loop, &w->f->err));
    assert_ok(w->f, orl_timer_new(w->loop, on_time, w, &w->timer, &w->f->err));
    assert_ok(w->f, orl_work_new(w->loop, 1, 8, &w->work, &w->f->err));
    const struct orl_persons_cfg cfg = {.loop = w->loop,
            .work = w->work,
            .store = w->f->store,
            .backend = &w->backend,
            .images_dir = "/images",
            .key = &w->key,
            .on_change = on_change,
            .kick = kick,
            .ctx = w,
            .hello_ms = HELLO_MS};
    assert_ok(w->f, orl_persons_new(&cfg, &w->persons, &w->f->err));
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    void *fixture = w->f;
    orl_work_free(w->work);
    orl_persons_free(w->persons);
    orl_timer_free(w->timer);
    orl_loop_free(w->loop);
    orl_rows_fini(&w->rows);
    if (w->guest >= 0) {
        close(w->guest);
    }
    free(w);
    return fixture_tear_down(&fixture);
}

static void set_pool(struct world *w, enum orl_home_kind home)
{
    struct orl_pool_row pool;
    assert_ok(w->f, orl_pool_get(w->f->store, "demo", &pool, &w->f->err));
    pool.person.home = home;
    pool.person.home_size_mib = 64;
    pool.person.hook_deadline_s = 600;
    assert_ok(w->f, orl_pool_update(w->f->store, &pool, &w->f->err));
}

/* A desktop that user has; what becomes of its guest is ours to say. */
static void give(struct world *w, const char *user)
{
    struct fixture *f = w->f;
    struct orl_id id = {{0}};
    struct orl_desktop_row row = {.pool = "demo",
            .lease = ORL_LEASE_FREE,
            .power = ORL_POWER_RUNNING,
            .is_ready = true,
            .template_name = "tiny",
            .template_version = 1};
    orl_uuid_new(row.uuid);
    assert_ok(f, orl_desktop_insert(f->store, &row, "test", ++f->now_ms, &id, &f->err));
    memcpy(w->desktop, id.text, sizeof w->desktop);
    row = fixture_desktop(f, id.text);
    struct orl_desktop_seen seen = {.id = id.text,
            .version = row.version,
            .power = ORL_POWER_RUNNING,
            .is_ready = true,
            .has_hook = true};
    assert_ok(f, orl_desktop_observe(f->store, &seen, ++f->now_ms, &f->err));
    struct orl_desktop_claim claim = {.pool = "demo", .user = user};
    assert_ok(f, orl_desktop_claim(f->store, &claim, ++f->now_ms, &row, &f->err));
    assert_string_equal(row.id, id.text);
    assert_int_equal(row.person, ORL_PERSON_WANTED);
    w->version = row.version;
}

static void look_at(struct world *w, uint64_t now_ms)
{
    assert_ok(w->f, orl_rows_read(w->f->store, "", &w->rows, &w->f->err));
    (void)orl_persons_look(w->persons, &w->rows, now_ms);
}

static void look(struct world *w)
{
    look_at(w, ++w->f->now_ms);
    settle(w);
}

static void say(struct world *w, const char *text)
{
    assert_int_equal(send(w->guest, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    settle(w);
}

static struct orl_desktop_row desktop(struct world *w)
{
    return fixture_desktop(w->f, w->desktop);
}

/* Their guest greets, and they are in. */
static void let_in(struct world *w, const char *user)
{
    give(w, user);
    look(w);
    say(w, "\x18hello 1\nversion 1\nstate logged_on\n.\n");
    assert_int_equal(desktop(w).person, ORL_PERSON_READY);
    assert_int_equal(desktop(w).guest_state, ORL_GUEST_LOGGED_ON);
}

static void log_off_that_was_not_written_is_written_later(void **state)
{
    struct world *w = *state;
    set_pool(w, ORL_HOME_NONE);
    let_in(w, "ann");
    assert_ok(w->f, orl_db_exec(w->f->store->db,
                            "CREATE TRIGGER broken BEFORE UPDATE OF guest_state ON desktop"
                            " BEGIN SELECT RAISE(ABORT, 'no space'); END",
                            &w->f->err));
    say(w, "event 1\nname logged_off\n.\n");
    look(w);
    assert_int_equal(desktop(w).guest_state, ORL_GUEST_LOGGED_ON);
    assert_ok(w->f, orl_db_exec(w->f->store->db, "DROP TRIGGER broken", &w->f->err));
    look(w);
    assert_int_equal(desktop(w).guest_state, ORL_GUEST_LOGGED_OFF);
}

static void guest_that_locks_and_unlocks_costs_one_write_a_look(void **state)
{
    struct world *w = *state;
    static const char audits[] = "SELECT COUNT(*) FROM audit WHERE action = 'guest.state'";
    set_pool(w, ORL_HOME_NONE);
    let_in(w, "ann");
    uint64_t audited = fixture_number(w->f, audits);
    unsigned changes = w->changes;
    for (int i = 0; i < 20; i++) {
        say(w, "event 1\nname locked\n.\nevent 2\nname unlocked\n.\n");
    }
    say(w, "event 3\nname locked\n.\n");
    assert_int_equal(w->changes, changes);
    look(w);
    assert_int_equal(w->changes, changes + 1);
    assert_int_equal(desktop(w).guest_state, ORL_GUEST_LOCKED);
    assert_true(fixture_number(w->f, audits) == audited);
}

static void clock_that_is_set_ends_no_deadline(void **state)
{
    struct world *w = *state;
    set_pool(w, ORL_HOME_NONE);
    give(w, "ann");
    look(w);
    look_at(w, w->f->now_ms + DAY_MS);
    assert_int_equal(desktop(w).person, ORL_PERSON_WANTED);
    say(w, "\x18hello 1\nversion 1\nstate logged_on\n.\n");
    assert_int_equal(desktop(w).person, ORL_PERSON_READY);
}

#define FINGERPRINT "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void show_by_rdp(struct world *w)
{
    struct orl_pool_row pool;
    set_pool(w, ORL_HOME_NONE);
    assert_ok(w->f, orl_pool_get(w->f->store, "demo", &pool, &w->f->err));
    pool.net.mode = ORL_NETWORK_NAT;
    pool.display = ORL_POOL_DISPLAY_RDP;
    assert_ok(w->f, orl_pool_update(w->f->store, &pool, &w->f->err));
}

/* What the guest was asked last. */
static struct orl_hook_msg heard(struct world *w)
{
    struct orl_hook_msg msg = {.verb = ""};
    char bytes[ORL_HOOK_BUF_MAX];
    ssize_t len = recv(w->guest, bytes, sizeof bytes, MSG_DONTWAIT);
    ssize_t at = 0;
    while (at < len) {
        at += bytes[at] == ORL_HOOK_RESET;
        int used = orl_hook_msg_decode(bytes + at, (size_t)(len - at), &msg);
        assert_true(used > 0);
        at += used;
    }
    return msg;
}

/* Nothing else would tell that the program behind a port has ended: then others are asked who is in (user_watch.h). */
static void hook_that_is_not_there_any_more_is_not_heard(void **state)
{
    struct world *w = *state;
    set_pool(w, ORL_HOME_NONE);
    let_in(w, "ann");
    assert_true(orl_persons_hears(w->persons, w->desktop));
    char answer[64];
    (void)heard(w);
    run_ms(w, HELLO_MS);
    look(w);
    struct orl_hook_msg ask = heard(w);
    assert_string_equal(ask.verb, "hello");
    (void)snprintf(
            answer, sizeof answer, "hello %u\nversion 1\nstate locked\n.\n", (unsigned)ask.serial);
    say(w, answer);
    run_ms(w, HELLO_MS);
    assert_true(orl_persons_hears(w->persons, w->desktop));
    look(w);
    assert_int_equal(desktop(w).guest_state, ORL_GUEST_LOCKED);
    for (unsigned i = 0; i < 600 && orl_persons_hears(w->persons, w->desktop); i++) {
        run_ms(w, 100);
    }
    assert_false(orl_persons_hears(w->persons, w->desktop));
    assert_int_equal(desktop(w).guest_state, ORL_GUEST_LOCKED); /* silence is no log-off */
    assert_int_equal(desktop(w).person, ORL_PERSON_READY);
}

/* Asked to let somebody in, the guest answers with more. */
static struct orl_hook_msg answer_assign(struct world *w, const char *more)
{
    char text[512];
    struct orl_hook_msg ask = heard(w);
    assert_string_equal(ask.verb, "assign");
    assert_string_equal(orl_hook_msg_get(&ask, "display"), "rdp");
    (void)snprintf(
            text, sizeof text, "done %u\nstate logged_on\n%s.\n", (unsigned)ask.serial, more);
    say(w, text);
    return ask;
}

static struct orl_rdp_login login_of(struct world *w)
{
    struct orl_rdp_login login;
    assert_ok(w->f, orl_rdp_login_get(w->f->store, w->desktop, &login, &w->f->err));
    return login;
}

static void by_rdp_the_guest_names_account_and_certificate(void **state)
{
    struct world *w = *state;
    char purpose[64];
    char secret[64];
    size_t len = 0;
    show_by_rdp(w);
    give(w, "ann");
    look(w);
    /* That she is in is no answer of this guest to us: who knows her secret? */
    say(w, "\x18hello 1\nversion 1\nstate logged_on\n.\n");
    assert_int_equal(desktop(w).person, ORL_PERSON_WANTED);
    struct orl_hook_msg ask =
            answer_assign(w, "user ann-1\nrdp_fingerprint " FINGERPRINT "\nrdp_port 3389\n");
    struct orl_desktop_row row = desktop(w);
    assert_int_equal(row.person, ORL_PERSON_READY);
    assert_string_equal(login_of(w).user, "ann-1");
    assert_string_equal(login_of(w).fingerprint, FINGERPRINT);
    (void)snprintf(purpose, sizeof purpose, "vnc:%s", w->desktop);
    assert_int_equal(
            orl_unseal(&w->key, purpose, row.vnc_password, secret, sizeof secret - 1, &len), 0);
    secret[len] = '\0';
    assert_string_equal(secret, orl_hook_msg_get(&ask, "secret"));
    /* The guest restarts: until it has her again nobody is sent there. */
    say(w, "\x18hello 0\nversion 1\nstate \n.\n");
    look(w);
    assert_string_equal(login_of(w).fingerprint, "");
    struct orl_hook_msg again =
            answer_assign(w, "user ann-1\nrdp_fingerprint " FINGERPRINT "\nrdp_port 3389\n");
    assert_string_equal(login_of(w).fingerprint, FINGERPRINT);
    assert_string_not_equal(orl_hook_msg_get(&again, "secret"), orl_hook_msg_get(&ask, "secret"));
}

static void expect_refused(struct world *w, const char *answer, const char *why)
{
    show_by_rdp(w);
    give(w, "ann");
    look(w);
    say(w, "\x18hello 1\nversion 1\nstate \n.\n");
    (void)answer_assign(w, answer);
    assert_int_equal(desktop(w).person, ORL_PERSON_FAILED);
    assert_non_null(strstr(desktop(w).reason_text, why));
    assert_string_equal(login_of(w).fingerprint, "");
    assert_string_equal(desktop(w).vnc_password, "");
}

static void by_rdp_without_a_certificate_nobody_is_let_in(void **state)
{
    expect_refused(*state, "user ann\nrdp_port 3389\n", "rdp_fingerprint");
}

static void by_rdp_at_another_port_nobody_is_let_in(void **state)
{
    expect_refused(*state, "user ann\nrdp_fingerprint " FINGERPRINT "\nrdp_port 22\n", "rdp_port");
}

/* The desktop and its machine are no more. */
static void take_away(struct world *w)
{
    struct orl_desktop_move end = {
            .id = w->desktop, .version = w->version, .lease = ORL_LEASE_ENDING};
    assert_ok(w->f, orl_desktop_move(w->f->store, &end, ++w->f->now_ms, NULL, &w->f->err));
    fixture_power(w->f, w->desktop, ORL_POWER_STOPPING);
    fixture_power(w->f, w->desktop, ORL_POWER_STOPPED);
    fixture_power(w->f, w->desktop, ORL_POWER_ABSENT);
    assert_ok(w->f, orl_desktop_remove(w->f->store, w->desktop, desktop(w).version, "test",
                            ++w->f->now_ms, &w->f->err));
    look(w);
}

static int read_home(void *ctx, const struct orl_home_row *row)
{
    *(struct orl_home_row *)ctx = *row;
    return 0;
}

static void home_that_was_in_a_guest_is_not_made_anew(void **state)
{
    struct world *w = *state;
    struct orl_home_row home = {.used_ms = 1};
    set_pool(w, ORL_HOME_VOLUME);
    w->home_result = ORL_E_BACKEND;
    give(w, "ann");
    look(w);
    say(w, "\x18hello 1\nversion 1\nstate \n.\n");
    assert_int_equal(w->homes, 1);
    assert_false(w->home.is_used);
    assert_int_equal(desktop(w).person, ORL_PERSON_FAILED);
    assert_ok(w->f, orl_home_list(w->f->store, &(struct orl_page){.user = "ann"}, read_home, &home,
                            &w->f->err));
    assert_true(home.used_ms == 0);

    w->home_result = 0;
    take_away(w);
    give(w, "ann");
    look(w);
    say(w, "\x18hello 1\nversion 1\nstate \n.\n");
    assert_int_equal(w->homes, 2);
    assert_false(w->home.is_used);
    assert_ok(w->f, orl_home_list(w->f->store, &(struct orl_page){.user = "ann"}, read_home, &home,
                            &w->f->err));
    assert_true(home.used_ms > 0);

    /* In the next desktop its file may not be missing. */
    w->home_result = ORL_E_NOTFOUND;
    take_away(w);
    give(w, "ann");
    look(w);
    say(w, "\x18hello 1\nversion 1\nstate \n.\n");
    assert_int_equal(w->homes, 3);
    assert_true(w->home.is_used);
    assert_int_equal(desktop(w).person, ORL_PERSON_FAILED);
    assert_int_equal(desktop(w).reason, ORL_REASON_HOME_UNAVAILABLE);
}

static void template_is_known_to_have_a_hook_by_its_hello(void **state)
{
    struct world *w = *state;
    struct orl_template_row t;
    set_pool(w, ORL_HOME_NONE);
    assert_ok(w->f, orl_template_get(w->f->store, "tiny", 1, &t, &w->f->err));
    assert_false(t.has_hook);
    let_in(w, "ann");
    assert_ok(w->f, orl_template_get(w->f->store, "tiny", 1, &t, &w->f->err));
    assert_true(t.has_hook);
}

/* Their lease is over while their guest is letting them in, and says so (or why not) only then. */
static void expect_seen_off_after(struct world *w, const char *verb, const char *more)
{
    char text[128];
    set_pool(w, ORL_HOME_NONE);
    give(w, "ann");
    look(w);
    say(w, "\x18hello 1\nversion 1\nstate \n.\n");
    struct orl_hook_msg ask = heard(w);
    assert_string_equal(ask.verb, "assign");
    struct orl_desktop_move end = {
            .id = w->desktop, .version = w->version, .lease = ORL_LEASE_ENDING};
    assert_ok(w->f, orl_desktop_move(w->f->store, &end, ++w->f->now_ms, NULL, &w->f->err));
    look(w);
    assert_string_equal(heard(w).verb, ""); /* one thing at a time */
    (void)snprintf(text, sizeof text, "%s %u\n%s.\n", verb, (unsigned)ask.serial, more);
    say(w, text);
    assert_true(orl_persons_holds(w->persons, w->desktop));
    ask = heard(w);
    assert_string_equal(ask.verb, "logoff");
    (void)snprintf(text, sizeof text, "done %u\nstate logged_off\n.\n", (unsigned)ask.serial);
    say(w, text);
    assert_false(orl_persons_holds(w->persons, w->desktop));
}

static void who_is_let_in_after_the_leases_end_is_seen_off(void **state)
{
    expect_seen_off_after(*state, "done", "state logged_on\n");
}

static void who_is_half_in_after_the_leases_end_is_seen_off(void **state)
{
    expect_seen_off_after(*state, "failed", "code session\ntext slow\n");
}

static int is_hung(void *ctx, const struct orl_alarm_row *row)
{
    return row->reason == ORL_REASON_HYPERVISOR_DOWN && strcmp(row->object, ctx) == 0;
}

static bool has_alarm(struct world *w, char *object)
{
    return orl_alarm_list(w->f->store, NULL, is_hung, object, NULL) == 1;
}

/* There is one worker, and it is at ann's machine. */
static void machine_that_is_frozen_holds_nobody_elses_hook(void **state)
{
    struct world *w = *state;
    char object[64];
    assert_int_equal(pipe(w->gate), 0);
    w->persons->calls.longest_ms = 50;
    set_pool(w, ORL_HOME_NONE);
    give(w, "ann");
    (void)snprintf(object, sizeof object, "desktop:%s", w->desktop);
    (void)snprintf(w->stuck, sizeof w->stuck, "%s", desktop(w).uuid);
    look_at(w, ++w->f->now_ms);
    run_ms(w, 10);
    give(w, "bob");
    for (unsigned i = 0; i < 1000 && w->guest < 0; i++) {
        look_at(w, ++w->f->now_ms);
        run_ms(w, 10);
    }
    assert_true(w->guest >= 0);
    assert_true(has_alarm(w, object));
    w->stuck[0] = '\0';
    assert_int_equal(write(w->gate[1], "g", 1), 1);
    for (unsigned i = 0; i < 1000 && has_alarm(w, object); i++) {
        look_at(w, ++w->f->now_ms);
        run_ms(w, 10);
    }
    assert_false(has_alarm(w, object));
    close(w->gate[0]);
    close(w->gate[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(
                    log_off_that_was_not_written_is_written_later, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    guest_that_locks_and_unlocks_costs_one_write_a_look, set_up, tear_down),
            cmocka_unit_test_setup_teardown(clock_that_is_set_ends_no_deadline, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    hook_that_is_not_there_any_more_is_not_heard, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    machine_that_is_frozen_holds_nobody_elses_hook, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    by_rdp_the_guest_names_account_and_certificate, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    by_rdp_without_a_certificate_nobody_is_let_in, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    by_rdp_at_another_port_nobody_is_let_in, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    home_that_was_in_a_guest_is_not_made_anew, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    template_is_known_to_have_a_hook_by_its_hello, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    who_is_let_in_after_the_leases_end_is_seen_off, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    who_is_half_in_after_the_leases_end_is_seen_off, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
