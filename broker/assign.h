/* Gives a person a desktop of a pool: back to the session they have (taking it over from another
 * connection), else a new session with a free desktop, else waiting in order until one is ready. */
#ifndef ORL_BROKER_ASSIGN_H
#define ORL_BROKER_ASSIGN_H
#include "broker/gateway_sock.h"
#include "store/pool.h"
#include "store/user.h"

struct orl_assign { /* borrowed */
    const struct orl_user_row *user;
    const struct orl_pool_row *pool;
    const struct orl_ticket_row *ticket; /* NULL: by password */
};
/* Answers conn with a plan (ready, or waiting: conn is then WAITING) or a refusal; frees conn when
 * it refuses. */
void orl_assign_start(
        struct orl_broker *broker, struct orl_conn *conn, const struct orl_assign *assign);
/* Looks again at a connection that waits: a second plan, a refusal, or nothing yet. */
void orl_assign_retry(struct orl_broker *broker, struct orl_conn *conn);
/* Gives free desktops to those who wait without one, longest waiting first. */
void orl_assign_waiting(struct orl_broker *broker);

#endif
