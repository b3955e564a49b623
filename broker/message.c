#include "broker/message.h"

#include "base/clock.h"
#include "base/loop.h"
#include "broker/broker.h"

#include <stdlib.h>
#include <string.h>

enum { BITE = 256, BITE_US = 20000 };

uint64_t orl_message_wait_us(const struct orl_conn *conn)
{
    uint64_t age_us = orl_clock_now_us() - conn->message_us;
    return conn->message_us == 0 || age_us >= ORL_MESSAGE_EACH_US ? 0
                                                                  : ORL_MESSAGE_EACH_US - age_us;
}

void orl_message_send(struct orl_conn *conn, const char *text)
{
    conn->message_us = orl_clock_now_us();
    conn->is_message_due = false;
    orl_conn_send_message(conn, text);
}

struct orl_messages {
    struct orl_broker *broker;
    struct orl_timer *timer; /* of the next bite */
    char text[ORL_MESSAGE_MAX + 1];
};

struct mark {
    const char *pool;
    struct orl_message_sent sent;
};

static void mark_one(void *ctx, struct orl_conn *conn)
{
    struct mark *mark = ctx;
    if (conn->state != ORL_CONN_LIVE ||
            (mark->pool != NULL && strcmp(conn->pool, mark->pool) != 0)) {
        return;
    }
    if (orl_message_wait_us(conn) > 0) {
        if (mark->sent.skipped < ORL_MESSAGE_NAMES_MAX) {
            mark->sent.skipped_users[mark->sent.skipped] = conn->user;
        }
        mark->sent.skipped++;
        return;
    }
    conn->message_us = orl_clock_now_us();
    conn->is_message_due = true;
    mark->sent.shown++;
}

struct bite {
    const char *text;
    unsigned count;
    bool has_more;
};

static void send_due(void *ctx, struct orl_conn *conn)
{
    struct bite *bite = ctx;
    if (!conn->is_message_due || conn->state != ORL_CONN_LIVE) {
        return;
    }
    if (bite->count == BITE) {
        bite->has_more = true;
        return;
    }
    bite->count++;
    conn->is_message_due = false;
    orl_conn_send_message(conn, bite->text);
}

static void send_bite(void *ctx)
{
    struct orl_messages *messages = ctx;
    struct bite bite = {.text = messages->text};
    orl_conn_each(messages->broker->gateways, send_due, &bite);
    if (bite.has_more) {
        orl_timer_start(messages->timer, BITE_US, 0);
    }
}

int orl_messages_new(
        struct orl_broker *broker, struct orl_messages **ret_messages, struct orl_err *err)
{
    struct orl_messages *messages = calloc(1, sizeof(*messages));
    if (messages == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "messages: out of memory");
    }
    messages->broker = broker;
    int rc = orl_timer_new(broker->loop, send_bite, messages, &messages->timer, err);
    if (rc < 0) {
        free(messages);
        return rc;
    }
    *ret_messages = messages;
    return 0;
}

void orl_messages_free(struct orl_messages *messages)
{
    if (messages != NULL) {
        orl_timer_free(messages->timer);
        free(messages);
    }
}

struct orl_message_sent orl_messages_send(
        struct orl_messages *messages, const char *pool, const char *text)
{
    struct mark mark = {.pool = pool};
    orl_msg_text(messages->text, sizeof(messages->text), text);
    orl_conn_each(messages->broker->gateways, mark_one, &mark);
    send_bite(messages);
    return mark.sent;
}
