/* A real broker that is killed at random moments, three gateways that come and go, and a vmpool that
 * makes machines and loses them. What must hold holds after every death.
 *     test_broker_crash [SEED [STEPS]] */
#include "broker_fixture.h"

#include "base/clock.h"
#include "store/audit.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { GATEWAYS = 3, USERS = 10, POOLS = 2, CONNS = 64, STEPS = 3000, MAX_DESKTOPS = 6 };
enum stage { UNUSED = 0, ASKED, WAITING, LIVE };

static const char *const pools[POOLS] = {"demo", "desks"};
static uint64_t seed = 1;
static unsigned steps = STEPS;

struct conn {
    enum stage stage;
    uint32_t number;
    int gateway;
    int user, pool;
    char session[ORL_ID_LEN + 1];
};
struct world {
    struct broker b;
    int gateways[GATEWAYS];
    struct conn conns[CONNS];
    char session[USERS][POOLS][ORL_ID_LEN + 1]; /* the last that a plan named, and its desktop */
    char desktop[USERS][POOLS][ORL_ID_LEN + 1];
    unsigned plans, refusals, kills, resumed;
};
static struct world w;

static uint64_t next(void)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * UINT64_C(2685821657736338717);
}

static unsigned pick(unsigned below)
{
    return (unsigned)((next() >> 20) % below);
}

static void must(int rc, const struct orl_err *err)
{
    if (rc < 0) {
        fail_msg("%s", err->text);
    }
}

static struct conn *find_conn(uint32_t number)
{
    for (int i = 0; i < CONNS; i++) {
        if (w.conns[i].stage != UNUSED && w.conns[i].number == number) {
            return &w.conns[i];
        }
    }
    return NULL;
}

static struct conn *any_conn(enum stage stage)
{
    unsigned start = pick(CONNS);
    for (unsigned i = 0; i < CONNS; i++) {
        struct conn *conn = &w.conns[(start + i) % CONNS];
        if (conn->stage == stage) {
            return conn;
        }
    }
    return NULL;
}

/* Every refusal has its row, with the reason and the id that the person sees. */
static void see_close(struct conn *conn, const struct orl_msg_close *close_msg)
{
    struct orl_err err = {0};
    struct orl_audit_row row;
    if (conn->stage == ASKED) {
        must(orl_audit_get(w.b.store, close_msg->audit, &row, &err), &err);
        assert_string_equal(
                orl_reason_code(row.reason), orl_reason_code((enum orl_reason)close_msg->reason));
        w.refusals++;
    }
    conn->stage = UNUSED;
}

static enum orl_session_state state_of(const char *session)
{
    struct orl_session_row row;
    return orl_session_get(w.b.store, session, &row, NULL) < 0 ? ORL_SESSION_ENDED : row.state;
}

/* Who comes back gets the session they left, and with it the same desktop, as long as it lives. */
static void see_plan(struct conn *conn, const struct orl_msg_plan *plan)
{
    char *session = w.session[conn->user][conn->pool];
    char *desktop = w.desktop[conn->user][conn->pool];
    if (strcmp(session, plan->session) != 0 && session[0] != '\0' &&
            state_of(session) != ORL_SESSION_ENDED) {
        /* Said before what another gateway had to say, and heard after it. */
        assert_int_equal(state_of(plan->session), ORL_SESSION_ENDED);
        conn->stage = plan->is_ready != 0 ? LIVE : WAITING;
        memcpy(conn->session, plan->session, ORL_ID_LEN + 1);
        return;
    }
    if (strcmp(session, plan->session) != 0) {
        memcpy(session, plan->session, ORL_ID_LEN + 1);
        desktop[0] = '\0';
    } else if (conn->stage == ASKED) {
        w.resumed++;
    }
    if (plan->is_ready != 0 && desktop[0] != '\0') {
        assert_string_equal(plan->desktop, desktop);
    }
    if (plan->is_ready != 0) {
        memcpy(desktop, plan->desktop, ORL_ID_LEN + 1);
        w.plans++;
    }
    memcpy(conn->session, plan->session, ORL_ID_LEN + 1);
    conn->stage = plan->is_ready != 0 ? LIVE : WAITING;
}

static void pump(void)
{
    for (int g = 0; g < GATEWAYS; g++) {
        struct orl_msg msg;
        struct orl_ipc_fds fds;
        while (orl_ipc_recv(w.gateways[g], 0, &msg, &fds) == 0) {
            struct conn *conn = find_conn(msg.conn);
            if (conn == NULL) {
                continue; /* we closed it meanwhile */
            }
            if (msg.type == ORL_MSG_PLAN) {
                see_plan(conn, &msg.u.plan);
            } else if (msg.type == ORL_MSG_CLOSE) {
                see_close(conn, &msg.u.close);
            }
        }
    }
}

static void step_login(void)
{
    struct conn *conn = any_conn(UNUSED);
    char user[16], password[32], client[32];
    if (conn == NULL) {
        return;
    }
    *conn = (struct conn){.stage = ASKED,
            .gateway = (int)pick(GATEWAYS),
            .user = (int)pick(USERS),
            .pool = (int)pick(POOLS)};
    (void)snprintf(user, sizeof(user), "u%d", conn->user);
    (void)snprintf(password, sizeof(password), "password-u%d", conn->user);
    (void)snprintf(client, sizeof(client), "10.%u.%u.%u:1", pick(256), pick(256), 1 + pick(254));
    unsigned fault = pick(12);
    const char *pool = fault == 0 ? "nowhere" : pools[conn->pool];
    if (fault == 1) {
        (void)snprintf(user, sizeof(user), "nobody%u", pick(1000));
    }
    int gw = w.gateways[conn->gateway];
    if (pick(6) == 0 && fault > 1) {
        struct ticket ticket = make_ticket(&w.b, user, pool);
        ticket.password[0] = fault == 2 ? '!' : ticket.password[0];
        conn->number = send_proof(&w.b, gw, &ticket, client);
    } else {
        conn->number =
                send_login(&w.b, gw, user, fault == 2 ? "wrong-one" : password, pool, client);
    }
}

static void step_close(void)
{
    struct conn *conn = any_conn((enum stage)(ASKED + pick(3)));
    if (conn != NULL) {
        send_close(w.gateways[conn->gateway], conn->number, ORL_REASON_CLIENT_CLOSED);
        conn->stage = UNUSED;
    }
}

static void step_stats(void)
{
    for (int i = 0; i < CONNS; i++) {
        const struct conn *conn = &w.conns[i];
        if (conn->stage >= WAITING) {
            send_stats(w.gateways[conn->gateway], conn->number, conn->session);
        }
    }
}

/* A gateway dies with its connections, and comes back without them. */
static void step_gateway(void)
{
    int g = (int)pick(GATEWAYS);
    pump();
    close(w.gateways[g]);
    w.gateways[g] = gateway_connect(&w.b);
    for (int i = 0; i < CONNS; i++) {
        if (w.conns[i].gateway == g) {
            w.conns[i].stage = UNUSED;
        }
    }
}

static unsigned desktops_seen;
static struct orl_desktop_row rows[64];

static int keep(void *ctx, const struct orl_desktop_row *row)
{
    (void)ctx;
    if (desktops_seen < 64) {
        rows[desktops_seen++] = *row;
    }
    return 0;
}

static void observe(const struct orl_desktop_row *row, enum orl_power power)
{
    struct orl_desktop_seen seen = {
            .id = row->id, .power = power, .is_ready = power == ORL_POWER_RUNNING};
    (void)!orl_desktop_observe(w.b.store, &seen, orl_clock_wall_ms(), NULL);
}

static void work_on(const struct orl_desktop_row *row)
{
    static const enum orl_power down[ORL_POWER_COUNT] = {[ORL_POWER_CLONING] = ORL_POWER_STOPPED,
            [ORL_POWER_STARTING] = ORL_POWER_STOPPING,
            [ORL_POWER_RUNNING] = ORL_POWER_STOPPING,
            [ORL_POWER_STOPPING] = ORL_POWER_STOPPED,
            [ORL_POWER_FAILED] = ORL_POWER_STOPPED,
            [ORL_POWER_STOPPED] = ORL_POWER_ABSENT};
    static const enum orl_power up[ORL_POWER_COUNT] = {[ORL_POWER_ABSENT] = ORL_POWER_CLONING,
            [ORL_POWER_CLONING] = ORL_POWER_STARTING,
            [ORL_POWER_STARTING] = ORL_POWER_RUNNING};
    if (row->kind == ORL_POOL_STATIC) {
        return;
    }
    if (row->lease == ORL_LEASE_ENDING && row->power == ORL_POWER_ABSENT) {
        (void)!orl_desktop_remove(
                w.b.store, row->id, row->version, "vmpool", orl_clock_wall_ms(), NULL);
    } else if (row->lease == ORL_LEASE_ENDING) {
        observe(row, down[row->power]);
    } else if (up[row->power] != ORL_POWER_NONE) {
        observe(row, up[row->power]);
    } else if (row->power == ORL_POWER_RUNNING && pick(60) == 0) {
        observe(row, pick(2) == 0 ? ORL_POWER_FAILED : ORL_POWER_STOPPED);
    }
}

static void step_vmpool(void)
{
    struct orl_err err = {0};
    desktops_seen = 0;
    must(orl_desktop_list(w.b.store, NULL, keep, NULL, &err), &err);
    unsigned clones = 0;
    for (unsigned i = 0; i < desktops_seen; i++) {
        clones += rows[i].kind != ORL_POOL_STATIC;
        work_on(&rows[i]);
    }
    if (clones < MAX_DESKTOPS) {
        struct orl_desktop_row row = {.lease = ORL_LEASE_FREE, .power = ORL_POWER_ABSENT};
        orl_msg_text(row.pool, sizeof(row.pool), "demo");
        orl_msg_text(row.host, sizeof(row.host), "host1");
        must(orl_desktop_insert(w.b.store, &row, "vmpool", orl_clock_wall_ms(), NULL, &err), &err);
    }
    poke(w.gateways[0]);
}

static void check(void)
{
    struct orl_err err = {0};
    desktops_seen = 0;
    must(orl_store_check(w.b.store, &err), &err); /* also: no desktop in two sessions */
    must(orl_desktop_list(w.b.store, NULL, keep, NULL, &err), &err);
    for (unsigned i = 0; i < desktops_seen; i++) {
        bool is_clone = rows[i].kind != ORL_POOL_STATIC;
        assert_false(rows[i].lease == ORL_LEASE_FREE && is_clone && rows[i].is_tainted);
        assert_false(rows[i].lease == ORL_LEASE_FREE && rows[i].user[0] != '\0');
    }
}

/* The gateways live on: who had a plan is announced, whose question was lost is closed. */
static void step_kill(void)
{
    broker_kill(&w.b, SIGKILL);
    pump(); /* what it said before it died */
    check();
    for (int g = 0; g < GATEWAYS; g++) {
        close(w.gateways[g]);
    }
    broker_restart(&w.b);
    for (int g = 0; g < GATEWAYS; g++) {
        w.gateways[g] = gateway_connect(&w.b);
    }
    for (int i = 0; i < CONNS; i++) {
        if (w.conns[i].stage == ASKED) {
            w.conns[i].stage = UNUSED;
        }
    }
    step_stats();
    w.kills++;
}

static void step(unsigned i)
{
    unsigned dice = pick(100);
    if (dice < 35) {
        step_login();
    } else if (dice < 60) {
        step_close();
    } else if (dice < 85) {
        step_vmpool();
    } else if (dice < 95) {
        step_stats();
    } else if (dice < 98) {
        step_gateway();
    } else if (dice == 98 || i % 500 == 0) {
        step_kill();
    }
    pump();
    if (i % 50 == 0) {
        check();
    }
}

static int count_live(void *ctx, const struct orl_session_row *row)
{
    unsigned *count = ctx;
    *count += row->state == ORL_SESSION_WAITING || row->state == ORL_SESSION_ACTIVE;
    return 0;
}

/* Nobody is there any more: the leases run out, no session stays active for ever. */
static void leases_run_out(void)
{
    unsigned live = 1;
    for (int g = 0; g < GATEWAYS; g++) {
        close(w.gateways[g]);
    }
    for (int i = 0; i < 150 && live > 0; i++) {
        struct orl_err err = {0};
        struct orl_session_filter filter = {.is_live = true};
        live = 0;
        must(orl_session_list(w.b.store, &filter, count_live, &live, &err), &err);
        usleep(100000);
    }
    assert_int_equal(live, 0);
    check();
}

static void invariants_survive_every_death(void **state)
{
    static const char *const sets[] = {
            "lease_s=2", "wait_timeout_s=2", "vmpool_silent_s=3600", NULL};
    (void)state;
    (void)printf("seed %llu, %u steps\n", (unsigned long long)seed, steps);
    broker_start(&w.b, sets);
    add_floating_pool(&w.b, "demo", MAX_DESKTOPS, 1);
    add_static_pool(&w.b, "desks", 3);
    for (int i = 0; i < USERS; i++) {
        char name[16], body[80];
        (void)snprintf(name, sizeof(name), "u%d", i);
        add_user(&w.b, name, "demo");
        (void)snprintf(body, sizeof(body), "{\"user\":\"%s\",\"pool\":\"desks\"}", name);
        api_ok(&w.b, "POST", "/v1/entitlements", body, 201);
    }
    for (int g = 0; g < GATEWAYS; g++) {
        w.gateways[g] = gateway_connect(&w.b);
    }
    for (unsigned i = 1; i <= steps; i++) {
        step(i);
    }
    leases_run_out();
    (void)printf("%u plans, %u resumed, %u refusals, %u kills\n", w.plans, w.resumed, w.refusals,
            w.kills);
    assert_true(w.plans > 20 && w.resumed > 5 && w.refusals > 20 && w.kills > 5);
    broker_stop(&w.b);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(invariants_survive_every_death)};
    if (argc > 1) {
        seed = strtoull(argv[1], NULL, 0) | 1;
    }
    if (argc > 2) {
        steps = (unsigned)strtoul(argv[2], NULL, 0);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
