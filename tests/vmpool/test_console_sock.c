/* console.sock end to end on a fake hypervisor: who gets an fd, who gets a reason. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/secret.h"
#include "fake_backend.h"
#include "store/person.h"
#include "store/pool.h"
#include "store/rdp_login.h"
#include "store/session.h"
#include "store/template.h"
#include "vmpool/console_sock.h"
#include "vmpool/guest_rdp.h"
#include "vmpool/proc.h"
#include "vmpool/static_target.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

enum { NOW_MS = 1000, LEASE_MS = 100000, TURNS = 2000, TURN_US = 5000 };

static char unix_rule[] = "unix:/tmp";
static char loopback_rule[] = "127.0.0.0/8";
static char *allow[] = {unix_rule, loopback_rule, NULL};

struct rig {
    char dir[64];
    char path[96];
    struct orl_loop *loop;
    struct orl_timer *timer;
    struct orl_work *work;
    struct orl_store *store;
    struct fake fake;
    struct orl_backend backend;
    struct orl_seal_key key;
    struct orl_console_sock *sock;
    unsigned pokes;
    bool is_up;
    bool is_by_rdp; /* its pool, before it gives */
    int display;    /* a listener that plays a static desktop */
    /* one exchange */
    int client;
    unsigned turns;
    bool is_answered;
    struct orl_msg reply;
    struct orl_ipc_fds fds;
    int result;
};

static void on_poke(void *ctx)
{
    ((struct rig *)ctx)->pokes++;
}

static bool is_up(void *ctx)
{
    return ((struct rig *)ctx)->is_up;
}

static void on_turn(void *ctx)
{
    struct rig *rig = ctx;
    rig->turns++;
    rig->result = orl_ipc_recv(rig->client, 0, &rig->reply, &rig->fds);
    rig->is_answered = rig->result != ORL_E_AGAIN && rig->result != ORL_E_TIMEOUT;
    if (rig->is_answered || rig->turns > TURNS) {
        orl_loop_stop(rig->loop);
    }
}

static void must(int r, const struct orl_err *err)
{
    if (r < 0) {
        print_message("%s\n", err->text);
    }
    assert_true(r >= 0);
}

static int rig_open(void **state)
{
    struct orl_err err = {0};
    struct rig *rig = calloc(1, sizeof *rig);
    char path[96];
    rig->is_up = true;
    rig->client = -1;
    rig->display = -1;
    (void)snprintf(rig->dir, sizeof rig->dir, "/tmp/oriel-console-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    (void)snprintf(path, sizeof path, "%s/oriel.db", rig->dir);
    (void)snprintf(rig->path, sizeof rig->path, "%s/console.sock", rig->dir);
    fake_init(&rig->fake, 1);
    rig->backend = fake_backend(&rig->fake);
    must(orl_loop_new(&rig->loop, &err), &err);
    must(orl_timer_new(rig->loop, on_turn, rig, &rig->timer, &err), &err);
    must(orl_work_new(rig->loop, 2, 16, &rig->work, &err), &err);
    must(orl_store_open(path, &rig->store, &err), &err);
    const struct orl_console_sock_cfg cfg = {.path = rig->path,
            .loop = rig->loop,
            .work = rig->work,
            .store = rig->store,
            .backend = &rig->backend,
            .key = &rig->key,
            .static_allow = allow,
            .gateway_uid = (uid_t)-1,
            .broker_uid = (uid_t)-1,
            .on_poke = on_poke,
            .is_up = is_up,
            .ctx = rig};
    must(orl_console_sock_new(&cfg, &rig->sock, &err), &err);
    must(orl_ipc_connect(rig->path, &rig->client, &err), &err);
    *state = rig;
    return 0;
}

static int rig_close(void **state)
{
    struct rig *rig = *state;
    const char *argv[] = {"rm", "-rf", "--", rig->dir, NULL};
    orl_ipc_fds_close(&rig->fds);
    orl_timer_free(rig->timer);
    orl_work_free(rig->work);
    orl_console_sock_free(rig->sock);
    orl_store_close(rig->store);
    orl_loop_free(rig->loop);
    orl_close_fd(&rig->client);
    orl_close_fd(&rig->display);
    int r = orl_proc_run(argv, 10000, NULL, NULL);
    free(rig);
    return r;
}

static void await_answer(struct rig *rig)
{
    orl_ipc_fds_close(&rig->fds);
    rig->turns = 0;
    rig->is_answered = false;
    orl_timer_start(rig->timer, TURN_US, TURN_US);
    orl_loop_run(rig->loop);
    orl_timer_stop(rig->timer);
}

static void exchange(struct rig *rig, const struct orl_msg *msg)
{
    assert_int_equal(orl_ipc_send(rig->client, msg, NULL, 0), 0);
    await_answer(rig);
}

static struct orl_msg ask_for(const char *desktop, uint64_t version, const char *session)
{
    struct orl_msg msg = {.type = ORL_MSG_CONSOLE, .conn = 9};
    orl_msg_text(msg.u.console.desktop, sizeof msg.u.console.desktop, desktop);
    orl_msg_text(msg.u.console.session, sizeof msg.u.console.session, session);
    msg.u.console.version = version;
    return msg;
}

/* A person on a ready desktop; returns its row and the session's id. */
static void show_by_rdp(struct rig *rig)
{
    struct orl_pool_row pool;
    assert_int_equal(orl_pool_get(rig->store, "p", &pool, NULL), 0);
    pool.display = ORL_POOL_DISPLAY_RDP;
    assert_int_equal(orl_pool_update(rig->store, &pool, NULL), ORL_E_INVAL); /* isolated */
    pool.net.mode = ORL_NETWORK_NAT;
    pool.person.mode = ORL_PERSON_OFF;
    assert_int_equal(orl_pool_update(rig->store, &pool, NULL), ORL_E_INVAL);
    pool.person.mode = ORL_PERSON_AUTO;
    assert_int_equal(orl_pool_update(rig->store, &pool, NULL), 0);
}

static void give(struct rig *rig, enum orl_pool_kind kind, const char *target, const char *password,
        struct orl_desktop_row *ret_row, struct orl_id *ret_session)
{
    struct orl_err err = {0};
    const struct orl_template_row t = {
            .name = "t", .kind = ORL_TEMPLATE_DISK, .path = "/t", .memory_mib = 64, .vcpus = 1};
    must(orl_template_insert(rig->store, &t, NOW_MS, &err), &err);
    struct orl_pool_row pool = {.name = "p", .kind = kind, .spares = 1, .max_desktops = 3};
    (void)snprintf(pool.template_name, sizeof pool.template_name, "%s",
            kind == ORL_POOL_STATIC ? "" : "t");
    must(orl_pool_insert(rig->store, &pool, NOW_MS, &err), &err);
    if (rig->is_by_rdp) {
        show_by_rdp(rig);
    }
    struct orl_desktop_row row = {.pool = "p",
            .lease = ORL_LEASE_FREE,
            .power = ORL_POWER_RUNNING,
            .want = ORL_WANT_RUN,
            .is_ready = true,
            .uuid = "6b1f0f3c-50a6-4e5a-9d0e-3f1f2a3b4c5d"};
    struct orl_id id;
    orl_id_new(&id);
    (void)snprintf(row.id, sizeof row.id, "%s", id.text);
    orl_msg_text(row.vnc_target, sizeof row.vnc_target, target);
    if (password) {
        char purpose[64];
        (void)snprintf(purpose, sizeof purpose, "vnc:%s", id.text);
        must(orl_seal(&rig->key, purpose, password, strlen(password), row.vnc_password,
                     sizeof row.vnc_password),
                &err);
    }
    must(orl_desktop_insert(rig->store, &row, "test", NOW_MS, NULL, &err), &err);
    const struct orl_desktop_seen seen = {
            .id = id.text, .power = ORL_POWER_RUNNING, .is_ready = true};
    must(orl_desktop_observe(rig->store, &seen, NOW_MS, &err), &err);
    const struct orl_session_row session = {.user = "ann", .pool = "p", .conn = 1};
    must(orl_session_insert(rig->store, &session, NOW_MS + LEASE_MS, NOW_MS, ret_session, &err),
            &err);
    must(orl_session_claim(rig->store, ret_session->text, NOW_MS, ret_row, &err), &err);
}

static void run_machine(struct rig *rig, const struct orl_desktop_row *row)
{
    const struct orl_vm_spec spec = {.uuid = "6b1f0f3c-50a6-4e5a-9d0e-3f1f2a3b4c5d"};
    assert_int_equal(rig->backend.ops->clone(&rig->fake, &spec, NULL), 0);
    assert_int_equal(rig->backend.ops->start(&rig->fake, row->uuid, NULL), 0);
}

static void expect_reason(const struct rig *rig, enum orl_reason reason, bool is_final)
{
    assert_true(rig->is_answered);
    assert_int_equal(rig->result, 0);
    assert_int_equal(rig->reply.type, ORL_MSG_CONSOLE);
    assert_int_equal(rig->reply.conn, 9);
    assert_int_equal(rig->fds.count, 0);
    assert_int_equal(rig->reply.u.console.reason, reason);
    assert_int_equal(rig->reply.u.console.is_final, is_final);
}

static void the_person_gets_the_display(void **state)
{
    struct rig *rig = *state;
    struct orl_desktop_row row;
    struct orl_id session;
    give(rig, ORL_POOL_FLOATING, "", NULL, &row, &session);
    run_machine(rig, &row);
    struct orl_msg ask = ask_for(row.id, row.version, session.text);
    exchange(rig, &ask);
    assert_int_equal(rig->result, 0);
    assert_int_equal(rig->fds.count, 1);
    assert_int_equal(rig->reply.u.console.source, ORL_SOURCE_VNC);
    assert_int_equal(rig->reply.u.console.reason, 0);
    assert_string_equal(rig->reply.u.console.desktop, row.id);
    char banner[3];
    assert_int_equal(recv(rig->fds.fd[0], banner, sizeof banner, 0), sizeof banner);
    assert_memory_equal(banner, "RFB", sizeof banner);
}

/* The others here have a machine without a D-Bus display, and get VNC too. */
static void a_dbus_display_that_does_not_open_gives_vnc(void **state)
{
    struct rig *rig = *state;
    struct orl_desktop_row row;
    struct orl_id session;
    give(rig, ORL_POOL_FLOATING, "", NULL, &row, &session);
    run_machine(rig, &row);
    rig->fake.has_display = true;
    struct orl_msg ask = ask_for(row.id, row.version, session.text);
    exchange(rig, &ask);
    assert_int_equal(rig->result, 0);
    assert_int_equal(rig->fds.count, 1);
    assert_int_equal(rig->reply.u.console.source, ORL_SOURCE_VNC);
    char banner[3];
    assert_int_equal(recv(rig->fds.fd[0], banner, sizeof banner, 0), sizeof banner);
    assert_memory_equal(banner, "RFB", sizeof banner);
}

static void a_pool_that_wants_vnc_gets_no_dbus_display(void **state)
{
    struct rig *rig = *state;
    struct orl_desktop_row row;
    struct orl_pool_row pool;
    struct orl_id session;
    give(rig, ORL_POOL_FLOATING, "", NULL, &row, &session);
    run_machine(rig, &row);
    rig->fake.has_display = true;
    assert_int_equal(orl_pool_get(rig->store, "p", &pool, NULL), 0);
    pool.display = ORL_POOL_DISPLAY_VNC;
    assert_int_equal(orl_pool_update(rig->store, &pool, NULL), 0);
    struct orl_msg ask = ask_for(row.id, row.version, session.text);
    exchange(rig, &ask);
    assert_int_equal(rig->fds.count, 1);
    assert_int_equal(rig->reply.u.console.source, ORL_SOURCE_VNC);
    assert_int_equal(rig->fake.displays_opened, 0);
}

static void a_clone_by_rdp_is_reached_at_its_own_address_only(void **state)
{
    static const struct orl_vm_card card = {.address = "127.0.33.89", .gateway = "127.0.33.1"};
    struct rig *rig = *state;
    struct orl_desktop_row row;
    struct orl_id session;
    struct orl_err err = {0};
    struct orl_pool_row pool;
    rig->is_by_rdp = true;
    give(rig, ORL_POOL_FLOATING, "", NULL, &row, &session);
    run_machine(rig, &row);
    /* Its secret is no VNC password. */
    must(orl_pool_get(rig->store, "p", &pool, &err), &err);
    pool.display = ORL_POOL_DISPLAY_VNC;
    assert_int_equal(orl_pool_update(rig->store, &pool, &err), ORL_E_CONFLICT);
    struct orl_msg ask = ask_for(row.id, row.version, session.text);
    exchange(rig, &ask); /* its guest has no hook */
    expect_reason(rig, ORL_REASON_PERSON_FAILED, true);
    must(orl_desktop_set_person(rig->store, row.id, row.version, ORL_PERSON_WANTED, ORL_REASON_NONE,
                 "", NOW_MS, &err),
            &err);
    exchange(rig, &ask); /* it has, and names no certificate */
    expect_reason(rig, ORL_REASON_CONSOLE_UNREACHABLE, false);
    const struct orl_rdp_login login = {.user = "ann", .fingerprint = "00ff"};
    char sealed[ORL_STORE_SEALED_MAX + 1];
    char purpose[64];
    (void)snprintf(purpose, sizeof purpose, "vnc:%s", row.id);
    must(orl_seal(&rig->key, purpose, "once", 4, sealed, sizeof sealed), &err);
    assert_int_equal(orl_rdp_login_give(rig->store, row.id, row.version + 1, &login, sealed, NULL),
            ORL_E_CONFLICT);
    exchange(rig, &ask); /* what somebody else's lease says is not ours */
    expect_reason(rig, ORL_REASON_CONSOLE_UNREACHABLE, false);
    must(orl_rdp_login_give(rig->store, row.id, row.version, &login, sealed, &err), &err);
    exchange(rig, &ask); /* the machine has no address */
    expect_reason(rig, ORL_REASON_CONSOLE_UNREACHABLE, false);
    rig->fake.card = card;
    exchange(rig, &ask); /* nothing listens there */
    expect_reason(rig, ORL_REASON_CONSOLE_UNREACHABLE, false);
    assert_string_equal(rig->reply.u.console.password, "");

    const int one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET,
            .sin_port = htons(ORL_GUEST_RDP_PORT),
            .sin_addr.s_addr = inet_addr(card.address)};
    rig->display = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(rig->display, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
    assert_int_equal(bind(rig->display, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(rig->display, 4), 0);
    exchange(rig, &ask);
    assert_int_equal(rig->result, 0);
    assert_int_equal(rig->fds.count, 1);
    assert_int_equal(rig->reply.u.console.source, ORL_SOURCE_RDP);
    assert_string_equal(rig->reply.u.console.user, "ann");
    assert_string_equal(rig->reply.u.console.password, "once");
    assert_string_equal(rig->reply.u.console.fingerprint, "00ff");
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    assert_int_equal(getsockname(rig->fds.fd[0], (struct sockaddr *)&from, &len), 0);
    assert_int_equal(from.sin_addr.s_addr, inet_addr(card.gateway));
    assert_in_range(ntohs(from.sin_port), ORL_GUEST_RDP_FROM,
            ORL_GUEST_RDP_FROM + ORL_GUEST_RDP_FROM_COUNT - 1);
    /* The same guest again, while that one is open. */
    int first = orl_ipc_fds_take(&rig->fds, 0);
    exchange(rig, &ask);
    assert_int_equal(rig->fds.count, 1);
    close(first);
}

static void a_dbus_display_that_fails_again_and_again_is_left_alone(void **state)
{
    struct rig *rig = *state;
    struct orl_desktop_row row;
    struct orl_id session;
    give(rig, ORL_POOL_FLOATING, "", NULL, &row, &session);
    run_machine(rig, &row);
    rig->fake.has_display = true;
    struct orl_msg ask = ask_for(row.id, row.version, session.text);
    for (unsigned i = 1; i <= 5; i++) {
        exchange(rig, &ask);
        assert_int_equal(rig->reply.u.console.source, ORL_SOURCE_VNC);
        assert_int_equal(rig->fake.displays_opened, i < 3 ? i : 3);
    }
}

static void a_machine_that_hangs_holds_one_worker_only(void **state)
{
    struct rig *rig = *state;
    struct orl_desktop_row row;
    struct orl_id session;
    int gate[2];
    give(rig, ORL_POOL_FLOATING, "", NULL, &row, &session);
    run_machine(rig, &row);
    assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
    rig->fake.display_gate = gate[0];
    struct orl_msg ask = ask_for(row.id, row.version, session.text);
    assert_int_equal(orl_ipc_send(rig->client, &ask, NULL, 0), 0);
    for (unsigned i = 0; i < 3; i++) { /* as a gateway does that has heard nothing */
        exchange(rig, &ask);
        bool is_refused = rig->is_answered && rig->reply.u.console.reason != ORL_REASON_NONE;
        if (!is_refused) {
            assert_int_equal(write(gate[1], "....", 4), 4); /* or the end of this test hangs, too */
        }
        assert_true(is_refused);
        expect_reason(rig, ORL_REASON_CONSOLE_UNREACHABLE, false);
    }
    assert_int_equal(write(gate[1], ".", 1), 1);
    await_answer(rig);
    assert_int_equal(rig->reply.u.console.reason, ORL_REASON_NONE);
    assert_int_equal(rig->fds.count, 1);
    rig->fake.display_gate = 0;
    exchange(rig, &ask);
    assert_int_equal(rig->fds.count, 1);
    close(gate[0]);
    close(gate[1]);
}

static void nobody_else_gets_it(void **state)
{
    struct rig *rig = *state;
    struct orl_desktop_row row;
    struct orl_id session;
    give(rig, ORL_POOL_FLOATING, "", NULL, &row, &session);
    run_machine(rig, &row);
    struct orl_msg asks[] = {ask_for(row.id, row.version + 1, session.text),
            ask_for(row.id, row.version - 1, session.text),
            ask_for(row.id, row.version, "00000000000000000000000000000000"),
            ask_for(row.id, row.version, ""),
            ask_for("00000000000000000000000000000000", row.version, session.text)};
    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
        exchange(rig, &asks[i]);
        expect_reason(rig, ORL_REASON_CONSOLE_LOST, true);
    }
    assert_string_equal(rig->fake.last_console, "");
}

static void what_is_not_there_now_may_be_asked_again(void **state)
{
    struct rig *rig = *state;
    struct orl_desktop_row row;
    struct orl_id session;
    give(rig, ORL_POOL_FLOATING, "", NULL, &row, &session);
    struct orl_msg ask = ask_for(row.id, row.version, session.text);
    exchange(rig, &ask);
    expect_reason(rig, ORL_REASON_CONSOLE_UNREACHABLE, false);
    rig->is_up = false;
    exchange(rig, &ask);
    expect_reason(rig, ORL_REASON_HYPERVISOR_DOWN, false);
}

static void an_ended_session_gets_nothing(void **state)
{
    struct rig *rig = *state;
    struct orl_desktop_row row;
    struct orl_id session;
    give(rig, ORL_POOL_FLOATING, "", NULL, &row, &session);
    run_machine(rig, &row);
    assert_int_equal(
            orl_session_end(rig->store, session.text, ORL_REASON_LOGGED_OFF, "test", NOW_MS, NULL),
            0);
    struct orl_msg ask = ask_for(row.id, row.version, session.text);
    exchange(rig, &ask);
    expect_reason(rig, ORL_REASON_CONSOLE_LOST, true);
}

static void a_static_desktop_is_connected_with_its_password(void **state)
{
    struct rig *rig = *state;
    struct orl_desktop_row row;
    struct orl_id session;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    char target[64];
    rig->display = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(rig->display, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(rig->display, 4), 0);
    assert_int_equal(getsockname(rig->display, (struct sockaddr *)&in, &len), 0);
    (void)snprintf(target, sizeof target, "127.0.0.1:%u", ntohs(in.sin_port));
    give(rig, ORL_POOL_STATIC, target, "geheim", &row, &session);
    rig->is_up = false; /* libvirt has no part in it */
    struct orl_msg ask = ask_for(row.id, row.version, session.text);
    exchange(rig, &ask);
    assert_int_equal(rig->result, 0);
    assert_int_equal(rig->fds.count, 1);
    assert_string_equal(rig->reply.u.console.password, "geheim");
}

static void a_desktop_by_rdp_comes_with_its_account_and_certificate(void **state)
{
    struct rig *rig = *state;
    struct orl_desktop_row row;
    struct orl_id session;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    char target[64];
    rig->display = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(rig->display, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(rig->display, 4), 0);
    assert_int_equal(getsockname(rig->display, (struct sockaddr *)&in, &len), 0);
    /* That libvirt knows its machine as well is of no matter here. */
    (void)snprintf(target, sizeof target, "domain:win 11 rdp:127.0.0.1:%u", ntohs(in.sin_port));
    give(rig, ORL_POOL_STATIC, target, "geheim", &row, &session);
    const struct orl_rdp_login login = {.user = "u", .domain = "D", .fingerprint = "ab:cd"};
    assert_int_equal(orl_rdp_login_set(rig->store, row.id, &login, NULL), 0);
    struct orl_msg ask = ask_for(row.id, row.version, session.text);
    exchange(rig, &ask);
    assert_int_equal(rig->result, 0);
    assert_int_equal(rig->fds.count, 1);
    assert_int_equal(rig->reply.u.console.source, ORL_SOURCE_RDP);
    assert_string_equal(rig->reply.u.console.password, "geheim");
    assert_string_equal(rig->reply.u.console.user, "u");
    assert_string_equal(rig->reply.u.console.domain, "D");
    assert_string_equal(rig->reply.u.console.fingerprint, "ab:cd");
}

static void only_an_rdp_server_answers_as_one(void **state)
{
    (void)state;
    static const uint8_t good[] = {3, 0, 0, 19, 14, 0xD0, 0, 0, 0, 0, 0, 2, 0, 8, 0, 1, 0, 0, 0};
    static const char bad[] = "RFB 003.008\nmore";
    int pair[2];
    char request[64];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(orl_static_speaks_rdp(pair[0], 10, NULL), ORL_E_CLOSED); /* says nothing */
    assert_int_equal(recv(pair[1], request, sizeof request, 0), 19);
    assert_int_equal(send(pair[1], good, sizeof good, 0), sizeof good);
    assert_int_equal(orl_static_speaks_rdp(pair[0], 1000, NULL), 0);
    assert_int_equal(send(pair[1], bad, sizeof bad, 0), sizeof bad);
    assert_int_equal(recv(pair[0], request, 8, 0), 8); /* the rest of the good one */
    assert_int_equal(orl_static_speaks_rdp(pair[0], 1000, NULL), ORL_E_PROTO);
    close(pair[1]);
    close(pair[0]);
}

static void a_static_desktop_outside_the_list_is_refused_for_good(void **state)
{
    struct rig *rig = *state;
    struct orl_desktop_row row;
    struct orl_id session;
    give(rig, ORL_POOL_STATIC, "203.0.113.7:5900", "geheim", &row, &session);
    struct orl_msg ask = ask_for(row.id, row.version, session.text);
    exchange(rig, &ask);
    expect_reason(rig, ORL_REASON_CONSOLE_UNREACHABLE, true);
    assert_string_equal(rig->reply.u.console.password, "");
}

static void a_password_sealed_for_another_desktop_is_not_sent(void **state)
{
    struct rig *rig = *state;
    struct orl_desktop_row row;
    struct orl_id session;
    give(rig, ORL_POOL_STATIC, "127.0.0.1:1", "geheim", &row, &session);
    rig->key.bytes[0] ^= 1;
    struct orl_msg ask = ask_for(row.id, row.version, session.text);
    exchange(rig, &ask);
    expect_reason(rig, ORL_REASON_CONSOLE_AUTH, true);
}

static void another_message_ends_the_connection(void **state)
{
    struct rig *rig = *state;
    const struct orl_msg login = {.type = ORL_MSG_LOGIN, .u.login = {.user = "ann"}};
    exchange(rig, &login);
    assert_true(rig->is_answered);
    assert_int_equal(rig->result, ORL_E_CLOSED);
}

static void a_poke_is_passed_on(void **state)
{
    struct rig *rig = *state;
    const struct orl_msg poke = {.type = ORL_MSG_POKE};
    assert_int_equal(orl_ipc_send(rig->client, &poke, NULL, 0), 0);
    struct orl_msg ask = ask_for("00000000000000000000000000000000", 1, "");
    exchange(rig, &ask);
    assert_int_equal(rig->pokes, 1);
}

static void targets_are_parsed_and_allowed_by_rules(void **state)
{
    (void)state;
    char host[256];
    char port[8];
    bool is_unix = false;
    static const char *const bad[] = {"", "host", "host:", ":5900", "host:0", "host:65536",
            "host:5900x", "::1:5900", "unix:", "unix:relative", "[]:1", "host:-1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(orl_static_parse(bad[i], host, sizeof host, port, &is_unix));
    }
    assert_true(orl_static_parse("[2001:db8::1]:5901", host, sizeof host, port, &is_unix));
    assert_string_equal(host, "2001:db8::1");
    assert_string_equal(port, "5901");
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6};
    char ten[] = "10.0.0.0/9";
    char *rules[] = {ten, unix_rule, NULL};
    inet_pton(AF_INET, "10.127.1.1", &in.sin_addr);
    assert_true(orl_static_allows_addr(rules, (struct sockaddr *)&in));
    inet_pton(AF_INET, "10.128.1.1", &in.sin_addr);
    assert_false(orl_static_allows_addr(rules, (struct sockaddr *)&in));
    inet_pton(AF_INET6, "::ffff:10.1.1.1", &mapped.sin6_addr);
    assert_true(orl_static_allows_addr(rules, (struct sockaddr *)&mapped));
    inet_pton(AF_INET6, "::ffff:11.1.1.1", &mapped.sin6_addr);
    assert_false(orl_static_allows_addr(rules, (struct sockaddr *)&mapped));
    assert_true(orl_static_allows_path(rules, "/tmp/x/vnc.sock"));
    assert_false(orl_static_allows_path(rules, "/tmpx/vnc.sock"));
    char run[] = "!unix:/run";
    char any[] = "unix:/";
    char var_run[] = "!unix:/var/run/";
    char *const holes[] = {run, any, var_run, NULL};
    assert_true(orl_static_allows_path(holes, "/tmp/vnc.sock"));
    assert_true(orl_static_allows_path(holes, "/running/vnc.sock"));
    assert_false(orl_static_allows_path(holes, "/run/libvirt/libvirt-sock"));
    assert_false(orl_static_allows_path(holes, "/var/run/docker.sock"));
    assert_false(orl_static_allows_path(holes, "//run/x"));
    assert_true(orl_static_rule_is_valid("!unix:/run"));
    assert_false(orl_static_rule_is_valid("!10.0.0.0/8"));
    assert_false(orl_static_allows_path(rules, "/tmp/../run/libvirt/libvirt-sock"));
    assert_false(orl_static_rule_is_valid("10.0.0.0/33"));
    assert_false(orl_static_rule_is_valid("unix:tmp"));
    assert_false(orl_static_rule_is_valid("example.org"));
}

#define WITH_RIG(fn) cmocka_unit_test_setup_teardown(fn, rig_open, rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WITH_RIG(the_person_gets_the_display),
            WITH_RIG(a_dbus_display_that_does_not_open_gives_vnc),
            WITH_RIG(a_pool_that_wants_vnc_gets_no_dbus_display),
            WITH_RIG(a_dbus_display_that_fails_again_and_again_is_left_alone),
            WITH_RIG(a_clone_by_rdp_is_reached_at_its_own_address_only),
            WITH_RIG(a_machine_that_hangs_holds_one_worker_only),
            WITH_RIG(nobody_else_gets_it),
            WITH_RIG(what_is_not_there_now_may_be_asked_again),
            WITH_RIG(an_ended_session_gets_nothing),
            WITH_RIG(a_static_desktop_is_connected_with_its_password),
            WITH_RIG(a_static_desktop_outside_the_list_is_refused_for_good),
            WITH_RIG(a_password_sealed_for_another_desktop_is_not_sent),
            WITH_RIG(another_message_ends_the_connection),
            WITH_RIG(a_poke_is_passed_on),
            WITH_RIG(a_desktop_by_rdp_comes_with_its_account_and_certificate),
            cmocka_unit_test(only_an_rdp_server_answers_as_one),
            cmocka_unit_test(targets_are_parsed_and_allowed_by_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
