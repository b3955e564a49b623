#include "storm.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "broker/password.h"
#include "store/entitlement.h"
#include "store/user.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { QUIET_MS = 30000, PEOPLE_PER_TX = 100 };

/* Connections have the numbers 1 .. people. */
struct person {
    unsigned plans; /* that said: wait */
    unsigned place; /* in the order of coming; 0: has not come */
    unsigned got;   /* in the order of getting */
    char desktop[ORL_ID_LEN + 1];
};
struct storm {
    struct broker *b;
    const struct storm_opts *opts;
    struct storm_result *result;
    struct person *people;
    int gw;
    unsigned come, got, made;
};

static void must(int rc, const struct orl_err *err)
{
    if (rc < 0) {
        fail_msg("%s", err->text);
    }
}

/* All have the same password: that each check is a real one is what counts. */
static void add_people(struct storm *s, enum orl_password_cost cost)
{
    struct orl_err err = {0};
    struct orl_user_row row = {.role = ORL_ROLE_USER};
    assert_int_equal(orl_password_init(NULL), 0);
    assert_int_equal(orl_password_hash("the-password", cost, row.password_hash), 0);
    for (unsigned i = 0; i < s->opts->people;) {
        ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
        must(orl_store_tx_begin(s->b->store, &tx, &err), &err);
        for (unsigned n = 0; n < PEOPLE_PER_TX && i < s->opts->people; n++, i++) {
            (void)snprintf(row.name, sizeof(row.name), "person%u", i);
            must(orl_user_insert(s->b->store, &row, 1, &err), &err);
            must(orl_entitlement_insert(s->b->store, row.name, "storm", &err), &err);
        }
        must(orl_store_tx_commit(&tx, &err), &err);
    }
}

static void on_plan(struct storm *s, const struct orl_msg *msg)
{
    assert_in_range(msg->conn, 1, s->opts->people);
    struct person *person = &s->people[msg->conn - 1];
    const struct orl_msg_plan *plan = &msg->u.plan;
    if (person->place == 0) {
        person->place = ++s->come;
    }
    if (plan->is_ready == 0) {
        person->plans++;
        s->result->waited++;
        assert_int_equal(person->plans, 1);
        return;
    }
    assert_int_equal(person->got, 0); /* none double */
    person->got = ++s->got;
    memcpy(person->desktop, plan->desktop, sizeof(person->desktop));
}

static void read_some(struct storm *s, int timeout_ms)
{
    struct orl_msg msg;
    struct orl_ipc_fds fds;
    while (orl_ipc_recv(s->gw, timeout_ms, &msg, &fds) == 0) {
        timeout_ms = 0;
        if (msg.type == ORL_MSG_PLAN) {
            on_plan(s, &msg);
        } else if (msg.type == ORL_MSG_NOTICE) {
            s->result->noticed++;
        } else {
            fail_msg("%s %s: %s", orl_msg_name(msg.type),
                    orl_reason_code(orl_reason_from_u32(msg.u.close.reason)), msg.u.close.text);
        }
    }
}

static void make_some(struct storm *s)
{
    char id[ORL_ID_LEN + 1];
    for (unsigned i = 0; i < s->opts->at_once && s->made < s->opts->people; i++) {
        make_ready_desktop(s->b, "storm", id);
        s->made++;
    }
    poke(s->gw);
}

static void log_in_all(struct storm *s)
{
    for (unsigned i = 0; i < s->opts->people; i++) {
        char name[32];
        char client[40];
        unsigned network = i % s->opts->networks;
        (void)snprintf(name, sizeof(name), "person%u", i);
        (void)snprintf(client, sizeof(client), "10.%u.%u.1:%u", network / 250, network % 250,
                1024 + i % 60000);
        (void)send_login(s->b, s->gw, name, "the-password", "", client);
        read_some(s, 0);
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct person *)a)->desktop, ((const struct person *)b)->desktop);
}

static void check(struct storm *s)
{
    unsigned *by_place = calloc(s->opts->people + 1, sizeof(*by_place));
    assert_non_null(by_place);
    for (unsigned i = 0; i < s->opts->people; i++) {
        assert_in_range(s->people[i].got, 1, s->opts->people); /* none lost */
        by_place[s->people[i].place] = s->people[i].got;
    }
    for (unsigned i = 1; i <= s->opts->people; i++) { /* none overtaken */
        assert_int_equal(by_place[i], i);
    }
    free(by_place);
    qsort(s->people, s->opts->people, sizeof(*s->people), compare);
    for (unsigned i = 1; i < s->opts->people; i++) {
        assert_string_not_equal(s->people[i - 1].desktop, s->people[i].desktop);
    }
}

void storm_run(const struct storm_opts *opts, struct storm_result *ret_result)
{
    char cost[40];
    char threads[40];
    const char *const sets[] = {cost, threads, "wait_timeout_s=60", "password_queue=65536",
            "vmpool_silent_s=3600", NULL};
    struct broker b;
    struct storm s = {.b = &b, .opts = opts, .result = ret_result};
    (void)snprintf(cost, sizeof(cost), "password_cost=%s", opts->password_cost);
    (void)snprintf(threads, sizeof(threads), "password_threads=%u", opts->threads);
    *ret_result = (struct storm_result){.waited = 0};
    s.people = calloc(opts->people, sizeof(*s.people));
    assert_non_null(s.people);
    broker_start(&b, sets);
    add_floating_pool(&b, "storm", opts->people, 3600);
    add_people(&s, strcmp(opts->password_cost, "interactive") == 0 ? ORL_PASSWORD_INTERACTIVE
                                                                   : ORL_PASSWORD_MINIMAL);
    s.gw = gateway_connect(&b);
    uint64_t began_us = orl_clock_now_us();
    uint64_t heard_us = began_us;
    log_in_all(&s);
    while (s.got < opts->people) {
        unsigned before = s.got + s.come;
        /* Not before somebody was told their place: else a fast machine would leave nobody waiting. */
        if (ret_result->noticed > 0 && (s.come > s.made || s.come == opts->people)) {
            make_some(&s);
        }
        read_some(&s, 20);
        heard_us = s.got + s.come != before ? orl_clock_now_us() : heard_us;
        if (orl_clock_now_us() - heard_us > QUIET_MS * UINT64_C(1000)) {
            fail_msg("%u came, %u desktops, %u got one; see %s/log", s.come, s.made, s.got, b.dir);
        }
    }
    ret_result->seconds = (double)(orl_clock_now_us() - began_us) / 1e6;
    api_metrics(&b, ret_result->metrics, sizeof(ret_result->metrics));
    check(&s);
    close(s.gw);
    free(s.people);
    broker_stop(&b);
}

double storm_metric(const struct storm_result *result, const char *name)
{
    const char *at = strstr(result->metrics, name);
    return at != NULL ? strtod(at + strlen(name), NULL) : -1;
}
