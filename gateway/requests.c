#include "gateway/requests.h"

#define ON(state) (1U << ORL_CONN_##state)

static const char *const state_names[ORL_CONN_STATE_COUNT] = {
        [ORL_CONN_NONE] = "none",
        [ORL_CONN_ACCEPTED] = "accepted",
        [ORL_CONN_HANDSHAKE] = "handshake",
        [ORL_CONN_LOGIN] = "login",
        [ORL_CONN_WAITING] = "waiting",
        [ORL_CONN_ATTACHING] = "attaching",
        [ORL_CONN_STREAMING] = "streaming",
        [ORL_CONN_CLOSING] = "closing",
};

/* Closing is final. From streaming back: the console died, or the broker gave another desktop. */
static const unsigned next_states[ORL_CONN_STATE_COUNT] = {
        [ORL_CONN_NONE] = ON(ACCEPTED),
        [ORL_CONN_ACCEPTED] = ON(HANDSHAKE) | ON(CLOSING),
        [ORL_CONN_HANDSHAKE] = ON(LOGIN) | ON(CLOSING),
        [ORL_CONN_LOGIN] = ON(WAITING) | ON(ATTACHING) | ON(CLOSING),
        [ORL_CONN_WAITING] = ON(ATTACHING) | ON(CLOSING),
        [ORL_CONN_ATTACHING] = ON(WAITING) | ON(STREAMING) | ON(CLOSING),
        [ORL_CONN_STREAMING] = ON(WAITING) | ON(ATTACHING) | ON(CLOSING),
};

static const unsigned permitted[ORL_MSG_TYPE_COUNT] = {
        [ORL_MSG_LOGIN] = ON(ACCEPTED) | ON(HANDSHAKE),
        [ORL_MSG_PROOF] = ON(ACCEPTED) | ON(HANDSHAKE),
        [ORL_MSG_STATS] = ON(WAITING) | ON(ATTACHING) | ON(STREAMING) | ON(CLOSING),
        [ORL_MSG_THUMB] = ON(WAITING) | ON(ATTACHING) | ON(STREAMING) | ON(CLOSING),
        [ORL_MSG_CONSENT] = ON(WAITING) | ON(ATTACHING) | ON(STREAMING) | ON(CLOSING),
        [ORL_MSG_CLOSE] = ON(ACCEPTED) | ON(HANDSHAKE) | ON(LOGIN) | ON(WAITING) | ON(ATTACHING) |
                          ON(STREAMING) | ON(CLOSING),
};

enum orl_reason orl_request_console_reason(uint32_t claimed)
{
    switch (orl_reason_from_u32(claimed)) {
    case ORL_REASON_CONSOLE_LOST:
    case ORL_REASON_CONSOLE_AUTH:
    case ORL_REASON_CONSOLE_PROTOCOL:
    case ORL_REASON_CONSOLE_CERTIFICATE:
    case ORL_REASON_CONSOLE_UNREACHABLE:
    case ORL_REASON_CONSOLE_ENDED:
    case ORL_REASON_INTERNAL: /* it could not begin */
        return orl_reason_from_u32(claimed);
    default:
        return ORL_REASON_CONSOLE_LOST;
    }
}

const char *orl_conn_state_name(enum orl_conn_state state)
{
    return state < ORL_CONN_STATE_COUNT ? state_names[state] : "?";
}

bool orl_conn_state_may_follow(enum orl_conn_state from, enum orl_conn_state to)
{
    return from < ORL_CONN_STATE_COUNT && to < ORL_CONN_STATE_COUNT &&
           (next_states[from] & (1U << to)) != 0;
}

bool orl_request_is_permitted(
        enum orl_conn_state state, unsigned msg_type, unsigned fd_count, bool has_asked)
{
    if (msg_type >= ORL_MSG_TYPE_COUNT || state >= ORL_CONN_STATE_COUNT || fd_count != 0) {
        return false;
    }
    if (has_asked && (msg_type == ORL_MSG_LOGIN || msg_type == ORL_MSG_PROOF)) {
        return false;
    }
    return (permitted[msg_type] & (1U << state)) != 0;
}

enum orl_reason orl_request_close_reason(uint32_t claimed)
{
    switch (orl_reason_from_u32(claimed)) {
    case ORL_REASON_CLIENT_CLOSED:
    case ORL_REASON_CLIENT_PROTOCOL:
    case ORL_REASON_CLIENT_STALLED:
    case ORL_REASON_CLIENT_UNSUPPORTED:
    case ORL_REASON_HANDSHAKE_TIMEOUT:
    case ORL_REASON_CONSOLE_PROTOCOL:
    case ORL_REASON_INTERNAL:
        return orl_reason_from_u32(claimed);
    default:
        return ORL_REASON_SESSION_CRASHED;
    }
}
