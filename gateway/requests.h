/* What a session may send at which stage of its connection: the gateway's permission table, as in
 * OpenSSH's monitor. A session reads a hostile client; whatever is not listed here ends it. */
#ifndef ORL_GATEWAY_REQUESTS_H
#define ORL_GATEWAY_REQUESTS_H
#include "base/ipc_msgs.h"
#include <stdbool.h>

enum orl_conn_state {
    ORL_CONN_NONE = 0,
    ORL_CONN_ACCEPTED,  /* the session is being started */
    ORL_CONN_HANDSHAKE, /* it speaks with the client; nobody is logged in */
    ORL_CONN_LOGIN,     /* the broker was asked */
    ORL_CONN_WAITING,   /* logged in; the desktop is not ready */
    ORL_CONN_ATTACHING, /* the desktop is ready; its console is on the way */
    ORL_CONN_STREAMING, /* the session has a link to the console */
    ORL_CONN_CLOSING,   /* the session was told to go, or said that it goes */
    ORL_CONN_STATE_COUNT
};
const char *orl_conn_state_name(enum orl_conn_state state);
bool orl_conn_state_may_follow(enum orl_conn_state from, enum orl_conn_state to);

/* has_asked: this session has sent a login or proof before; one per life. */
bool orl_request_is_permitted(
        enum orl_conn_state state, unsigned msg_type, unsigned fd_count, bool has_asked);
/* What a session may claim about its end; anything else becomes ORL_REASON_SESSION_CRASHED. */
enum orl_reason orl_request_close_reason(uint32_t claimed);
/* The same for a console, which reads a hostile display; anything else is ORL_REASON_CONSOLE_LOST. */
enum orl_reason orl_request_console_reason(uint32_t claimed);

#endif
