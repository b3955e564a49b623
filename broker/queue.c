#include "broker/queue.h"

#include "base/clock.h"
#include "broker/assign.h"
#include "broker/pool_outlook.h"
#include "broker/queue_eta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* tries: transactions of one look; the loop has others to serve, too. */
enum { TRIES_PER_LOOK = 64, STARTS_PER_LOOK = 64, MAX_TOLD_PER_LOOK = 512, FRONT = 20 };
#define LOOK_US (ORL_US_PER_S / 10)
#define SOON_US UINT64_C(1000) /* others first: there is more to do */
#define FRONT_TELL_US (2 * ORL_US_PER_S)
#define BACK_TELL_US (10 * ORL_US_PER_S)
#define STEPPED_MS UINT64_C(10000)

struct waiter {
    uint64_t serial; /* of its connection; 0: none here */
    unsigned pool;   /* index of the line's pools */
    bool is_served;  /* at this look: not in the line any more */
};
/* What the store says at one look. */
struct line {
    struct orl_broker *broker;
    struct waiter *waiters;
    unsigned count, room;
    char (*pools)[ORL_NAME_MAX + 1];
    unsigned pool_count, pool_room;
    unsigned tries; /* left */
    bool has_served;
};
struct orl_queue {
    struct orl_broker *broker;
    struct orl_timer *timer;
    uint64_t stamp_ms;
};

static void on_due(void *ctx);

int orl_queue_new(struct orl_broker *broker, struct orl_queue **ret_queue, struct orl_err *err)
{
    struct orl_queue *queue = calloc(1, sizeof(*queue));
    if (queue == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "queue: out of memory");
    }
    queue->broker = broker;
    int rc = orl_timer_new(broker->loop, on_due, queue, &queue->timer, err);
    if (rc < 0) {
        free(queue);
        return rc;
    }
    *ret_queue = queue;
    return 0;
}

void orl_queue_free(struct orl_queue *queue)
{
    if (queue != NULL) {
        orl_timer_free(queue->timer);
        free(queue);
    }
}

void orl_queue_poke(struct orl_queue *queue)
{
    if (!orl_timer_is_active(queue->timer)) {
        orl_timer_start(queue->timer, LOOK_US, 0);
    }
}

uint64_t orl_queue_stamp(struct orl_queue *queue, uint64_t now_ms)
{
    bool is_behind = now_ms <= queue->stamp_ms && queue->stamp_ms - now_ms < STEPPED_MS;
    queue->stamp_ms = is_behind ? queue->stamp_ms + 1 : now_ms;
    return queue->stamp_ms;
}

/* Room for one more; false: out of memory, and the old one stays. */
static bool grow(void **array, unsigned count, unsigned *room, size_t size)
{
    if (count < *room) {
        return true;
    }
    unsigned more = *room == 0 ? 64 : *room * 2;
    void *grown = reallocarray(*array, more, size);
    if (grown != NULL) {
        *array = grown;
        *room = more;
    }
    return grown != NULL;
}

static int add_waiter(void *ctx, const struct orl_session_waiter *row)
{
    struct line *line = ctx;
    bool is_new =
            line->pool_count == 0 || strcmp(line->pools[line->pool_count - 1], row->pool) != 0;
    if ((is_new && !grow((void **)&line->pools, line->pool_count, &line->pool_room,
                           sizeof(*line->pools))) ||
            !grow((void **)&line->waiters, line->count, &line->room, sizeof(*line->waiters))) {
        return ORL_E_NOMEM;
    }
    if (is_new) {
        memcpy(line->pools[line->pool_count++], row->pool, sizeof(row->pool));
    }
    const struct orl_conn *conn = orl_conn_find_session(line->broker->gateways, row->id);
    line->waiters[line->count++] = (struct waiter){
            .serial = conn != NULL && conn->state == ORL_CONN_WAITING ? conn->serial : 0,
            .pool = line->pool_count - 1};
    return 0;
}

/* Those of one pool: [from, to). In their order until one finds nothing; how many were served. */
static unsigned serve(struct line *line, unsigned from, unsigned to, bool is_refused)
{
    unsigned served = 0;
    for (unsigned i = from; i < to && line->tries > 0; i++) {
        struct waiter *waiter = &line->waiters[i];
        struct orl_conn *conn =
                waiter->serial != 0 ? orl_conn_find(line->broker->gateways, waiter->serial) : NULL;
        if (conn == NULL) {
            continue; /* its gateway is away: its lease runs out, or it comes back */
        }
        line->tries--;
        if (orl_assign_retry(line->broker, conn) == ORL_ASSIGN_NONE && !is_refused) {
            break;
        }
        waiter->is_served = true;
        served++;
    }
    return served;
}

static void text_of(const struct orl_conn *conn, const char *pool, char ret_text[ORL_TEXT_MAX + 1])
{
    char eta[80];
    orl_queue_eta_text(conn->wait.eta_s, eta, sizeof(eta));
    if (conn->wait.position == 1) {
        (void)snprintf(ret_text, ORL_TEXT_MAX + 1, "You are the next to get a desktop of %s.%s%s",
                pool, eta[0] != '\0' ? " " : "", eta);
    } else {
        (void)snprintf(ret_text, ORL_TEXT_MAX + 1,
                "You are number %u of %u who wait for a desktop of %s.%s%s", conn->wait.position,
                conn->wait.length, pool, eta[0] != '\0' ? " " : "", eta);
    }
}

static bool is_tell_due(const struct orl_conn *conn, uint64_t now_us)
{
    uint64_t pause_us = conn->wait.position <= FRONT ? FRONT_TELL_US : BACK_TELL_US;
    return conn->wait.told_us == 0 || now_us - conn->wait.told_us >= pause_us;
}

/* A queue that moves is no reason to give up. */
static void set_place(struct orl_broker *broker, struct orl_conn *conn, unsigned position,
        unsigned length, uint32_t eta_s)
{
    bool has_moved = conn->wait.position != 0 && position < conn->wait.position;
    if (has_moved) {
        conn->deadline_us = orl_loop_now_us(broker->loop) +
                            (uint64_t)broker->cfg->wait_timeout_s * ORL_US_PER_S;
    }
    conn->wait.position = position;
    conn->wait.length = length;
    conn->wait.eta_s = eta_s;
}

/* Everybody's place; left: how many texts may still be sent. */
static unsigned tell(struct line *line, unsigned from, unsigned to, unsigned served, unsigned left)
{
    struct orl_broker *broker = line->broker;
    const char *pool = line->pools[line->waiters[from].pool];
    struct orl_desktop_pace pace = {.making = 0};
    struct orl_err err = {0};
    uint64_t now_us = orl_loop_now_us(broker->loop);
    uint64_t now_ms = orl_clock_wall_ms();
    if (orl_desktop_pace(broker->store, pool, &pace, &err) < 0) {
        orl_broker_log_store(broker, "pace", &err);
    }
    unsigned position = 0;
    for (unsigned i = from; i < to; i++) {
        uint64_t serial = line->waiters[i].serial;
        struct orl_conn *conn = serial != 0 ? orl_conn_find(broker->gateways, serial) : NULL;
        position += line->waiters[i].is_served ? 0 : 1;
        if (conn == NULL || conn->state != ORL_CONN_WAITING || line->waiters[i].is_served) {
            continue;
        }
        set_place(broker, conn, position, to - from - served,
                orl_queue_eta_s(&pace, position, now_ms));
        char text[ORL_TEXT_MAX + 1];
        text_of(conn, pool, text);
        if (left > 0 && is_tell_due(conn, now_us) && strcmp(text, conn->wait.told) != 0) {
            left--;
            conn->wait.told_us = now_us;
            memcpy(conn->wait.told, text, sizeof(text));
            orl_conn_send_notice(conn, "Waiting for your desktop", text, conn->wait.since_ms);
        }
    }
    return left;
}

/* The end of the pool that begins at from. */
static unsigned end_of(const struct line *line, unsigned from)
{
    unsigned to = from;
    while (to < line->count && line->waiters[to].pool == line->waiters[from].pool) {
        to++;
    }
    return to;
}

/* Whether there is something to try for: a desktop, or a reason to say no. */
static bool is_worth_trying(struct line *line, unsigned from, bool *ret_is_refused)
{
    struct orl_outlook outlook;
    struct orl_err err = {0};
    const char *pool = line->pools[line->waiters[from].pool];
    if (orl_pool_outlook(line->broker, pool, orl_clock_wall_ms(), &outlook, &err) < 0) {
        orl_broker_log_store(line->broker, "outlook", &err);
        return false;
    }
    *ret_is_refused = outlook.reason != ORL_REASON_NONE && outlook.reason != ORL_REASON_POOL_FULL;
    return outlook.ready > 0 || *ret_is_refused;
}

static void look_at_line(struct line *line)
{
    unsigned left = MAX_TOLD_PER_LOOK;
    for (unsigned from = 0, to = 0; from < line->count; from = to) {
        to = end_of(line, from);
        bool is_refused = false;
        unsigned served =
                is_worth_trying(line, from, &is_refused) ? serve(line, from, to, is_refused) : 0;
        line->has_served = line->has_served || served > 0;
        left = tell(line, from, to, served, left);
    }
}

static int start_one(void *ctx, const struct orl_session_waiter *row)
{
    struct line *line = ctx;
    bool has_room = grow((void **)&line->waiters, line->count, &line->room, sizeof(*line->waiters));
    const struct orl_conn *conn = orl_conn_find_session(line->broker->gateways, row->id);
    if (has_room && conn != NULL && conn->state == ORL_CONN_WAITING) {
        line->waiters[line->count++] = (struct waiter){.serial = conn->serial};
    }
    return has_room ? 0 : ORL_E_NOMEM;
}

/* Theirs is there by now, or theirs again. */
static void start_bound(struct orl_broker *broker)
{
    struct orl_err err = {0};
    struct line line = {.broker = broker};
    if (orl_session_startable(broker->store, STARTS_PER_LOOK, start_one, &line, &err) < 0) {
        orl_broker_log_store(broker, "queue", &err);
    }
    for (unsigned i = 0; i < line.count; i++) {
        struct orl_conn *conn = orl_conn_find(broker->gateways, line.waiters[i].serial);
        if (conn != NULL) {
            (void)orl_assign_retry(broker, conn);
        }
    }
    free(line.waiters);
}

static void give_up_late(void *ctx, struct orl_conn *conn)
{
    struct orl_broker *broker = ctx;
    if (conn->state == ORL_CONN_WAITING && orl_loop_now_us(broker->loop) >= conn->deadline_us) {
        (void)orl_assign_retry(broker, conn);
    }
}

static void on_due(void *ctx)
{
    struct orl_queue *queue = ctx;
    struct orl_broker *broker = queue->broker;
    struct orl_err err = {0};
    struct line line = {.broker = broker, .tries = TRIES_PER_LOOK};
    if (orl_conn_count(broker->gateways, ORL_CONN_WAITING) == 0) {
        return;
    }
    start_bound(broker);
    if (orl_session_line(broker->store, add_waiter, &line, &err) < 0) {
        orl_broker_log_store(broker, "queue", &err);
    } else {
        look_at_line(&line);
    }
    orl_conn_each(broker->gateways, give_up_late, broker);
    free(line.waiters);
    free(line.pools);
    if (line.has_served) {
        orl_timer_start(queue->timer, line.tries == 0 ? SOON_US : LOOK_US, 0);
    }
}

static void tell_away(void *ctx, struct orl_conn *conn)
{
    static const char text[] = "The database does not answer. You keep your place.";
    struct orl_broker *broker = ctx;
    uint64_t now_us = orl_loop_now_us(broker->loop);
    if (conn->state == ORL_CONN_WAITING && is_tell_due(conn, now_us) &&
            strcmp(text, conn->wait.told) != 0) {
        conn->wait.told_us = now_us;
        memcpy(conn->wait.told, text, sizeof(text));
        orl_conn_send_notice(conn, "Waiting for your desktop", text, conn->wait.since_ms);
    }
}

void orl_queue_store_away(struct orl_queue *queue)
{
    orl_conn_each(queue->broker->gateways, tell_away, queue->broker);
}

static void give_time(void *ctx, struct orl_conn *conn)
{
    const uint64_t *gap_us = ctx;
    conn->deadline_us += conn->state == ORL_CONN_WAITING ? *gap_us : 0;
}

void orl_queue_store_back(struct orl_queue *queue, uint64_t gap_us)
{
    orl_conn_each(queue->broker->gateways, give_time, &gap_us);
}
