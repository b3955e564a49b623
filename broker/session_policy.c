#include "broker/session_policy.h"

#include "base/clock.h"
#include "base/hours.h"
#include "broker/gateway_sock.h"
#include "broker/session_end.h"
#include "broker/session_lease.h"

#include <stdlib.h>
#include <string.h>

enum { POOLS_FIRST = 64, MAX_ENDS = 64, WATCH_S = 30 };

/* A pool that has something to say about its sessions. */
struct rule {
    char pool[ORL_NAME_MAX + 1];
    struct orl_pool_policy policy;
    uint32_t hours_left_s;
};
struct end {
    char session[ORL_ID_LEN + 1];
    enum orl_reason reason;
};
struct rules {
    struct orl_broker *broker;
    uint64_t now_ms;
    struct rule *list; /* as many as there are: a rule that is left out is one that is not kept */
    size_t count, room;
    struct end ends[MAX_ENDS]; /* those beyond come at the next look */
    unsigned end_count;
};

static uint32_t hours_left_s(const struct orl_pool_row *row, uint64_t now_ms)
{
    struct orl_hours hours;
    uint32_t far_s = row->policy.warn_first_s + 60;
    if (row->policy.allowed_hours[0] == '\0' ||
            orl_hours_parse(row->policy.allowed_hours, &hours, NULL) < 0) {
        return ORL_END_NEVER;
    }
    uint32_t left = orl_hours_left_s(&hours, now_ms, far_s);
    return left >= far_s ? ORL_END_NEVER : left;
}

static bool has_room(struct rules *rules)
{
    if (rules->count < rules->room) {
        return true;
    }
    size_t room = rules->room > 0 ? 2 * rules->room : POOLS_FIRST;
    struct rule *grown = reallocarray(rules->list, room, sizeof(*grown));
    if (grown == NULL) {
        return false;
    }
    rules->list = grown;
    rules->room = room;
    return true;
}

static int add_rule(void *ctx, const struct orl_pool_row *row)
{
    struct rules *rules = ctx;
    const struct orl_pool_policy *policy = &row->policy;
    bool is_rule = policy->idle_timeout_s > 0 || policy->max_session_s > 0 ||
                   policy->allowed_hours[0] != '\0';
    if (is_rule && !has_room(rules)) {
        return ORL_E_NOMEM;
    }
    if (is_rule) {
        struct rule *rule = &rules->list[rules->count++];
        rule->policy = *policy;
        rule->hours_left_s = hours_left_s(row, rules->now_ms);
        memcpy(rule->pool, row->name, sizeof(rule->pool));
    }
    return 0;
}

static const struct rule *find_rule(const struct rules *rules, const char *pool)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (strcmp(rules->list[i].pool, pool) == 0) {
            return &rules->list[i];
        }
    }
    return NULL;
}

static void add_end(struct rules *rules, const char *session, enum orl_reason reason)
{
    if (rules->end_count < MAX_ENDS) {
        struct end *end = &rules->ends[rules->end_count++];
        orl_msg_text(end->session, sizeof(end->session), session);
        end->reason = reason;
    }
}

static void show(struct orl_conn *conn, const struct orl_session_end *end)
{
    char text[ORL_TEXT_MAX + 1];
    orl_session_end_text(end, text);
    if (strcmp(text, conn->warned) != 0) {
        memcpy(conn->warned, text, sizeof(conn->warned));
        orl_conn_send_band(conn, text, end->reason == ORL_REASON_IDLE_TIMEOUT);
    }
}

static void look_at(void *ctx, struct orl_conn *conn)
{
    struct rules *rules = ctx;
    static const struct orl_pool_policy none;
    const struct rule *rule = find_rule(rules, conn->pool);
    if (conn->state != ORL_CONN_LIVE) {
        return;
    }
    const struct orl_session_facts facts = {.now_ms = rules->now_ms,
            .started_ms = conn->started_ms,
            .last_input_ms = conn->input_ms,
            .hours_left_s = rule != NULL ? rule->hours_left_s : ORL_END_NEVER,
            .is_connected = true};
    const struct orl_session_end end =
            orl_session_end_next(rule != NULL ? &rule->policy : &none, &facts);
    if (end.stage == ORL_END_NOW) {
        add_end(rules, conn->session, end.reason);
        return;
    }
    if (end.reason == ORL_REASON_IDLE_TIMEOUT && end.left_s <= WATCH_S) {
        orl_conn_watch(conn); /* what was typed a moment ago counts */
    }
    show(conn, &end);
}

struct absent {
    struct rules *rules;
    const struct rule *rule;
};

static int look_at_absent(void *ctx, const struct orl_session_waiter *row)
{
    const struct absent *absent = ctx;
    enum orl_reason reason =
            absent->rule->hours_left_s == 0 ? ORL_REASON_OUTSIDE_HOURS : ORL_REASON_MAX_SESSION;
    add_end(absent->rules, row->id, reason);
    return 0;
}

/* Sessions that nobody is connected to have no end of their own. */
static void look_at_disconnected(struct rules *rules, const struct rule *rule)
{
    struct orl_err err = {0};
    struct absent absent = {.rules = rules, .rule = rule};
    uint64_t age_ms = (uint64_t)rule->policy.max_session_s * 1000;
    bool is_closed = rule->hours_left_s == 0;
    if (!is_closed && age_ms == 0) {
        return;
    }
    uint64_t before_ms =
            is_closed ? rules->now_ms
                      : rules->now_ms - (age_ms < rules->now_ms ? age_ms : rules->now_ms);
    if (orl_session_disconnected_of(rules->broker->store, rule->pool, before_ms, MAX_ENDS,
                look_at_absent, &absent, &err) < 0) {
        orl_broker_log_store(rules->broker, "policy", &err);
    }
}

static void end_one(struct orl_broker *broker, const struct end *end)
{
    struct orl_err err = {0};
    int rc = end->reason == ORL_REASON_IDLE_TIMEOUT
                     ? orl_leases_disconnect(broker, end->session, end->reason, &err)
                     : orl_leases_end(broker, end->session, end->reason, "policy", &err);
    if (rc < 0) {
        orl_broker_log_store(broker, "policy", &err);
    }
}

void orl_session_policy_look(struct orl_broker *broker)
{
    struct orl_err err = {0};
    struct rules *rules = calloc(1, sizeof(*rules));
    if (rules == NULL) {
        return; /* the next look */
    }
    rules->broker = broker;
    rules->now_ms = orl_clock_wall_ms();
    if (orl_pool_list(broker->store, NULL, add_rule, rules, &err) < 0) {
        orl_broker_log_store(broker, "policy", &err);
    } else {
        orl_conn_each(broker->gateways, look_at, rules);
        for (size_t i = 0; i < rules->count; i++) {
            look_at_disconnected(rules, &rules->list[i]);
        }
    }
    for (unsigned i = 0; i < rules->end_count; i++) {
        end_one(broker, &rules->ends[i]);
    }
    free(rules->list);
    free(rules);
}
