#include "broker/message.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <string.h>

/* C0, DEL, C1; LINE and PARAGRAPH SEPARATOR; marks, embeddings, overrides and isolates of direction (UAX #9). */
static bool is_shown(uint32_t c)
{
    bool is_control = c < 0x20 || (c >= 0x7F && c < 0xA0);
    bool is_break = c == 0x2028 || c == 0x2029;
    bool is_direction = (c >= 0x200E && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
                        (c >= 0x2066 && c <= 0x2069) || c == 0x61C;
    return !is_control && !is_break && !is_direction;
}

int orl_message_check(const char *text, struct orl_err *err)
{
    const size_t len = strlen(text);
    bool has_word = false;
    if (len > ORL_MESSAGE_MAX || !orl_utf8_is_valid(text, len)) {
        return orl_err_set(
                err, ORL_E_INVAL, "text: at most %d bytes of UTF-8 are shown", ORL_MESSAGE_MAX);
    }
    for (size_t at = 0; at < len;) {
        uint32_t c = 0;
        at += orl_utf8_next((const uint8_t *)text + at, len - at, &c);
        if (!is_shown(c)) {
            return orl_err_set(err, ORL_E_INVAL,
                    "text: the character U+%04X is not shown; it must be one line", (unsigned)c);
        }
        has_word = has_word || c != ' ';
    }
    return has_word ? 0 : orl_err_set(err, ORL_E_INVAL, "text: there is none");
}

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
