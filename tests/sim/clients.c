/* Gateways as the broker and vmpool see them, and the people at their clients. */
#include "sim.h"
#include "vmpool/console_grants.h"
#include "vmpool/console_sock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STATS_MS = 5000 };

const char *const sim_pool_names[SIM_POOLS] = {"floating", "instant", "dedicated", "static"};
const enum orl_pool_kind sim_pool_kinds[SIM_POOLS] = {
        ORL_POOL_FLOATING, ORL_POOL_FLOATING, ORL_POOL_DEDICATED, ORL_POOL_STATIC};

void sim_person_name(unsigned person, char ret_name[16])
{
    (void)snprintf(ret_name, 16, "u%u", person);
}

struct sim_conn *sim_conn_find(struct sim_gateway *gateway, uint32_t number)
{
    for (size_t i = 0; i < SIM_CONNS; i++) {
        struct sim_conn *conn = &gateway->conns[i];
        if (conn->state != SIM_CONN_FREE && conn->number == number) {
            return conn;
        }
    }
    return NULL;
}

static void say(struct sim_gateway *gateway, const struct sim_msg *msg)
{
    struct sim_queue *q = &gateway->to_broker;
    if (gateway->ipc && q->count < SIM_QUEUE) {
        q->items[(q->head + q->count++) % SIM_QUEUE] = *msg;
    }
}

static bool take(struct sim_queue *q, struct sim_msg *ret_msg)
{
    if (q->count == 0) {
        return false;
    }
    *ret_msg = q->items[q->head];
    q->head = (q->head + 1) % SIM_QUEUE;
    q->count--;
    return true;
}

static void hang_up(struct sim_conn *conn)
{
    for (int i = 0; i < 2 && conn->stream[0] > 0; i++) { /* as a gateway does when a console ends */
        (void)shutdown(conn->stream[i], SHUT_RDWR);
        close(conn->stream[i]);
    }
    memset(conn->stream, 0, sizeof conn->stream);
    conn->console[0] = '\0';
}

static void forget_conn(struct sim_conn *conn)
{
    hang_up(conn);
    *conn = (struct sim_conn){0};
}

/* The client is gone; the broker is told. */
void sim_drop_conn(
        struct sim *sim, struct sim_gateway *gateway, struct sim_conn *conn, enum orl_reason reason)
{
    struct sim_msg msg = {.type = ORL_MSG_CLOSE, .conn = conn->number, .reason = reason};
    memcpy(msg.session, conn->session, sizeof msg.session); /* for the checker alone */
    sim_note(sim, "u%u leaves %u (%s)", conn->person, conn->number, orl_reason_code(reason));
    say(gateway, &msg);
    forget_conn(conn);
}

/* What the broker tells a gateway. */
void sim_gateway_take(struct sim *sim, struct sim_gateway *gateway, const struct sim_msg *msg)
{
    struct sim_conn *conn = sim_conn_find(gateway, msg->conn);
    if (!conn) {
        return; /* crossed the client's end */
    }
    if (msg->type == ORL_MSG_PLAN) {
        sim_note(sim, "u%u %u: plan %s %.12s session %.12s", conn->person, conn->number,
                msg->is_ready ? "ready" : "waiting", msg->desktop, msg->session);
        conn->state = msg->is_ready ? SIM_CONN_LIVE : SIM_CONN_WAITING;
        conn->version = msg->version;
        memcpy(conn->session, msg->session, sizeof conn->session);
        memcpy(conn->desktop, msg->desktop, sizeof conn->desktop);
    } else if (msg->type == ORL_MSG_CLOSE) {
        enum orl_reason reason = orl_reason_from_u32(msg->reason);
        sim_note(sim, "u%u %u: closed, %s", conn->person, conn->number, orl_reason_code(reason));
        if (reason == ORL_REASON_NONE) {
            sim_fail(sim, "u%u's connection is closed without a reason", conn->person);
        }
        sim->refusals += conn->state != SIM_CONN_LIVE;
        sim->takeovers += reason == ORL_REASON_TAKEN_OVER;
        forget_conn(conn);
    }
}

static bool is_hung_up(const struct sim_conn *conn)
{
    char byte;
    return conn->stream[0] > 0 && recv(conn->stream[0], &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

/* Whoever is still connected to a static desktop when vmpool hands it out is cut off by that. */
static void cut_off(struct sim *sim)
{
    for (size_t g = 0; g < SIM_GATEWAYS; g++) {
        for (size_t i = 0; i < SIM_CONNS; i++) {
            if (is_hung_up(&sim->gateways[g].conns[i])) {
                hang_up(&sim->gateways[g].conns[i]);
            }
        }
    }
}

void sim_vmpool_is_gone(struct sim *sim)
{
    for (size_t g = 0; g < SIM_GATEWAYS; g++) {
        for (size_t i = 0; i < SIM_CONNS; i++) {
            hang_up(&sim->gateways[g].conns[i]);
        }
    }
}

static void open_static(struct sim *sim, struct sim_conn *conn, const char *desktop)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        abort();
    }
    if (!sim->ours.grants ||
            orl_console_grants_give(sim->ours.grants, desktop, conn->session, pair[0]) < 0) {
        close(pair[0]);
        close(pair[1]);
        return;
    }
    memcpy(conn->stream, pair, sizeof pair);
    orl_msg_text(conn->console, sizeof conn->console, desktop);
    cut_off(sim);
    sim_check_console(sim, conn);
}

/* The display of its desktop, if vmpool says that it is this session's. */
static void ask_console(struct sim *sim, struct sim_gateway *gateway, struct sim_conn *conn)
{
    struct orl_msg_console ask = {.version = conn->version};
    struct orl_desktop_row row;
    if (!sim->ours.reconcile || sim->processes[SIM_VMPOOL].is_running) {
        return;
    }
    orl_msg_text(ask.desktop, sizeof ask.desktop, conn->desktop);
    orl_msg_text(ask.session, sizeof ask.session, conn->session);
    enum sim_who before = sim_enter(sim, SIM_VMPOOL);
    int rc = orl_desktop_get(sim->processes[SIM_VMPOOL].store, ask.desktop, &row, NULL);
    struct orl_console_verdict verdict = {.reason = ORL_REASON_CONSOLE_LOST, .is_final = true};
    if (rc == 0) {
        verdict = orl_console_judge(&row, &ask, orl_reconcile_is_up(sim->ours.reconcile));
    }
    sim_leave(sim, before);
    if (rc < 0 && rc != ORL_E_NOTFOUND) {
        return; /* asked again */
    }
    char name[16];
    sim_person_name(conn->person, name);
    if (verdict.reason == ORL_REASON_NONE && strcmp(row.user, name) != 0) {
        sim_fail(sim, "u%u is shown desktop %.12s, which is %s's", conn->person, row.id, row.user);
    }
    if (verdict.reason == ORL_REASON_NONE && row.person == ORL_PERSON_WANTED &&
            row.lease == ORL_LEASE_IN_USE) {
        sim_fail(sim, "u%u is shown desktop %.12s before they are let in", conn->person, row.id);
    }
    const struct fake_vm *vm = rc == 0 ? fake_find(&sim->fake, row.uuid) : NULL;
    if (verdict.reason == ORL_REASON_NONE && row.kind == ORL_POOL_STATIC) {
        open_static(sim, conn, row.id);
    } else if (verdict.reason == ORL_REASON_NONE && vm && vm->vm.state == ORL_VM_RUNNING) {
        orl_msg_text(conn->console, sizeof conn->console, row.uuid);
        sim_check_console(sim, conn);
    } else if (verdict.reason != ORL_REASON_NONE && verdict.is_final) {
        sim_drop_conn(sim, gateway, conn, verdict.reason);
    }
}

static void conn_turn(struct sim *sim, struct sim_gateway *gateway, struct sim_conn *conn)
{
    const struct fake_vm *vm = conn->console[0] ? fake_find(&sim->fake, conn->console) : NULL;
    bool is_cut =
            conn->pool != SIM_STATIC && conn->console[0] && (!vm || vm->vm.state != ORL_VM_RUNNING);
    if (is_cut) {
        conn->console[0] = '\0';
    }
    if (conn->state == SIM_CONN_ASKING) {
        if (!gateway->ipc) {
            sim_drop_conn(sim, gateway, conn, ORL_REASON_BROKER_DOWN);
        }
        return;
    }
    if (conn->state == SIM_CONN_LIVE && !conn->console[0]) {
        ask_console(sim, gateway, conn);
    }
    if (conn->state != SIM_CONN_FREE && !conn->is_mute && gateway->ipc &&
            sim->now_ms >= conn->stats_ms + STATS_MS) {
        struct sim_msg msg = {.type = ORL_MSG_STATS, .conn = conn->number};
        memcpy(msg.session, conn->session, sizeof msg.session);
        conn->stats_ms = sim->now_ms;
        say(gateway, &msg);
    }
}

void sim_gateway_turn(struct sim *sim, struct sim_gateway *gateway)
{
    struct sim_msg msg;
    for (int i = 0; i < 4 && take(&gateway->to_gateway, &msg); i++) {
        sim_gateway_take(sim, gateway, &msg);
    }
    for (size_t i = 0; i < SIM_CONNS; i++) {
        if (gateway->conns[i].state != SIM_CONN_FREE) {
            conn_turn(sim, gateway, &gateway->conns[i]);
        }
    }
}

void sim_gateways_turn(struct sim *sim)
{
    sim_gateway_turn(sim, &sim->gateways[sim_pick(sim, SIM_GATEWAYS)]);
}

/* SIGKILL of a gateway: its clients with it. A new one has a new name. */
void sim_gateway_dies(struct sim *sim)
{
    struct sim_gateway *gateway = &sim->gateways[sim_pick(sim, SIM_GATEWAYS)];
    struct orl_ipc *ipc = gateway->ipc;
    sim_fault(sim, "gateway %u is killed", gateway->pid);
    if (ipc && !sim->processes[SIM_BROKER].is_running) {
        enum sim_who before = sim_enter(sim, SIM_BROKER);
        sim_ipc_hang_up(ipc);
        sim_leave(sim, before);
    }
    for (size_t i = 0; i < SIM_CONNS; i++) {
        forget_conn(&gateway->conns[i]);
    }
    *gateway = (struct sim_gateway){.pid = ++sim->next_pid};
}

static bool is_anothers_close(struct sim *sim, const struct sim_msg *msg, char *ret_session)
{
    struct orl_session_row row;
    if (msg->type != ORL_MSG_CLOSE) {
        return false;
    }
    for (size_t g = 0; g < SIM_GATEWAYS; g++) {
        for (size_t i = 0; i < SIM_CONNS; i++) {
            const struct sim_conn *conn = &sim->gateways[g].conns[i];
            if (conn->state == SIM_CONN_LIVE && conn->number != msg->conn &&
                    orl_session_get(sim->processes[SIM_CHECKER].store, conn->session, &row, NULL) ==
                            0 &&
                    row.conn == conn->number && row.state == ORL_SESSION_ACTIVE &&
                    strcmp(msg->session, row.id) == 0) {
                memcpy(ret_session, row.id, sizeof row.id);
                return true;
            }
        }
    }
    return false;
}

/* One message reaches the broker, then what it wakes. */
void sim_broker_hears(struct sim *sim)
{
    struct sim_gateway *gateway = &sim->gateways[sim_pick(sim, SIM_GATEWAYS)];
    struct sim_msg msg;
    char session[ORL_ID_LEN + 1];
    if (sim->processes[SIM_BROKER].is_running) {
        return;
    }
    if (sim->has_broker && gateway->ipc && take(&gateway->to_broker, &msg)) {
        bool is_late = is_anothers_close(sim, &msg, session);
        enum sim_who before = sim_enter(sim, SIM_BROKER);
        sim_ipc_deliver(gateway->ipc, &msg);
        sim_leave(sim, before);
        if (is_late) {
            sim_check_late_close(sim, session);
        }
    }
    sim_broker_turn(sim);
}

static void log_in(
        struct sim *sim, struct sim_gateway *gateway, unsigned person, enum sim_pool pool)
{
    struct sim_conn *conn = &gateway->conns[sim_pick(sim, SIM_CONNS)];
    struct sim_msg msg = {.type = ORL_MSG_LOGIN};
    if (!gateway->ipc || conn->state != SIM_CONN_FREE) {
        return;
    }
    *conn = (struct sim_conn){.state = SIM_CONN_ASKING,
            .number = ++gateway->next_number,
            .person = person,
            .pool = pool,
            .stats_ms = sim->now_ms};
    msg.conn = conn->number;
    sim_person_name(conn->person, msg.text);
    (void)snprintf(msg.pool, sizeof msg.pool, "%s", sim_pool_names[conn->pool]);
    sim_note(sim, "u%u logs in to %s, connection %u", conn->person, msg.pool, conn->number);
    sim->logins++;
    say(gateway, &msg);
}

void sim_logs_in(struct sim *sim)
{
    struct sim_gateway *gateway = &sim->gateways[sim_pick(sim, SIM_GATEWAYS)];
    unsigned person = sim_pick(sim, SIM_PEOPLE);
    unsigned pool = sim_pick(sim, SIM_POOLS + 1); /* most happens where people have homes */
    log_in(sim, gateway, person, pool == SIM_POOLS ? SIM_INSTANT : (enum sim_pool)pool);
}

/* At once: what they had is still being cleared away. */
void sim_logs_in_again(struct sim *sim, const char *user, const char *pool)
{
    struct sim_gateway *gateway = &sim->gateways[sim_pick(sim, SIM_GATEWAYS)];
    for (unsigned p = 0; p < SIM_POOLS; p++) {
        if (strcmp(sim_pool_names[p], pool) == 0) {
            log_in(sim, gateway, (unsigned)strtoul(user + 1, NULL, 10) % SIM_PEOPLE,
                    (enum sim_pool)p);
        }
    }
}

/* A client that there is; NULL: it was no good guess. */
static struct sim_conn *any_conn(struct sim *sim, struct sim_gateway **ret_gateway)
{
    struct sim_gateway *gateway = &sim->gateways[sim_pick(sim, SIM_GATEWAYS)];
    unsigned from = sim_pick(sim, SIM_CONNS);
    for (unsigned i = 0; i < SIM_CONNS; i++) {
        struct sim_conn *conn = &gateway->conns[(from + i) % SIM_CONNS];
        if (conn->state != SIM_CONN_FREE) {
            *ret_gateway = gateway;
            return conn;
        }
    }
    return NULL;
}

void sim_leaves(struct sim *sim)
{
    struct sim_gateway *gateway = NULL;
    struct sim_conn *conn = any_conn(sim, &gateway);
    if (conn && conn->state == SIM_CONN_LIVE) {
        sim_drop_conn(sim, gateway, conn,
                conn->is_mute ? ORL_REASON_CLIENT_STALLED : ORL_REASON_CLIENT_CLOSED);
    }
}

/* By the other gateway, before the end of the first connection is known. */
void sim_comes_back(struct sim *sim)
{
    struct sim_gateway *gateway = NULL;
    struct sim_conn *conn = any_conn(sim, &gateway);
    struct sim_gateway *other =
            gateway == &sim->gateways[0] ? &sim->gateways[1] : &sim->gateways[0];
    if (conn && conn->state == SIM_CONN_LIVE && other->ipc) {
        log_in(sim, other, conn->person, conn->pool);
        if (sim_pick(sim, 2) == 0) {
            sim_drop_conn(sim, gateway, conn, ORL_REASON_CLIENT_CLOSED);
        }
    }
}

void sim_vanishes(struct sim *sim)
{
    struct sim_gateway *gateway = NULL;
    struct sim_conn *conn = any_conn(sim, &gateway);
    if (conn && conn->state != SIM_CONN_ASKING && !conn->is_mute) {
        sim_fault(sim, "u%u vanishes from %u", conn->person, conn->number);
        conn->is_mute = true;
    }
}

/* What others left in a guest, wherever it is; then everything is this person's. */
static void search(struct sim *sim, const struct sim_conn *conn, struct fake_guest *guest)
{
    struct {
        const char *name;
        char *found;
    } places[] = {
            {"disk", guest->disk}, {"memory", guest->memory}, {"clipboard", guest->clipboard}};
    char marker[ORL_VM_USER_MAX + 1];
    char text[400] = "";
    bool is_floating = sim_pool_kinds[conn->pool] == ORL_POOL_FLOATING;
    (void)snprintf(marker, sizeof marker, "u%u%s%s", conn->person, is_floating ? " in " : "",
            is_floating ? conn->session : "");
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        size_t at = strlen(text);
        if (places[i].found[0] && strcmp(places[i].found, marker) != 0) {
            (void)snprintf(
                    text + at, sizeof text - at, "; %s: %s", places[i].name, places[i].found);
        }
        (void)snprintf(places[i].found, ORL_VM_USER_MAX + 1, "%s", marker);
    }
    if (text[0]) {
        sim_fail(sim, "%s finds in %s:%s", marker, conn->console, text + 1);
    }
}

/* Looks for what others left, and leaves something. */
void sim_use(struct sim *sim, struct sim_conn *conn)
{
    struct fake_vm *vm = fake_find(&sim->fake, conn->console);
    if (!vm || vm->vm.state != ORL_VM_RUNNING || vm->boot_left > 0) {
        return;
    }
    if (vm->is_nobody) {
        sim_fail(sim, "u%u is in %s, which is still who it was copied from", conn->person,
                vm->vm.name);
    }
    search(sim, conn, &vm->guest);
    sim_use_home(sim, vm, conn->person);
    sim->uses++;
}

void sim_uses(struct sim *sim)
{
    struct sim_gateway *gateway = &sim->gateways[sim_pick(sim, SIM_GATEWAYS)];
    unsigned from = sim_pick(sim, SIM_CONNS);
    for (unsigned i = 0; i < SIM_CONNS; i++) {
        struct sim_conn *conn = &gateway->conns[(from + i) % SIM_CONNS];
        if (conn->state == SIM_CONN_LIVE && !conn->is_mute && conn->console[0]) {
            sim_use(sim, conn);
            return;
        }
    }
}

/* In the guest: it switches itself off. */
void sim_powers_off(struct sim *sim)
{
    struct sim_gateway *gateway = NULL;
    struct sim_conn *conn = any_conn(sim, &gateway);
    struct fake_vm *vm = conn && conn->console[0] ? fake_find(&sim->fake, conn->console) : NULL;
    if (vm && vm->vm.state == ORL_VM_RUNNING) {
        sim_note(sim, "u%u powers %s off", conn->person, vm->vm.name);
        vm->vm.state = ORL_VM_OFF;
    }
}
