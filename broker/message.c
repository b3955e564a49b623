#include "broker/message.h"

#include "base/clock.h"

#include <string.h>

uint64_t orl_message_wait_us(const struct orl_conn *conn)
{
    uint64_t age_us = orl_clock_now_us() - conn->message_us;
    return conn->message_us == 0 || age_us >= ORL_MESSAGE_EACH_US ? 0
                                                                  : ORL_MESSAGE_EACH_US - age_us;
}

struct send {
    const char *pool;
    const char *session;
    const char *text;
    struct orl_message_sent sent;
};

static void send_one(void *ctx, struct orl_conn *conn)
{
    struct send *send = ctx;
    if (conn->state != ORL_CONN_LIVE ||
            (send->pool != NULL && strcmp(conn->pool, send->pool) != 0) ||
            (send->session != NULL && strcmp(conn->session, send->session) != 0)) {
        return;
    }
    if (orl_message_wait_us(conn) > 0) {
        send->sent.skipped++;
        return;
    }
    conn->message_us = orl_clock_now_us();
    orl_conn_send_message(conn, send->text);
    send->sent.shown++;
}

struct orl_message_sent orl_message_send(
        struct orl_gateways *gateways, const char *pool, const char *session, const char *text)
{
    struct send send = {.pool = pool, .session = session, .text = text};
    orl_conn_each(gateways, send_one, &send);
    return send.sent;
}
