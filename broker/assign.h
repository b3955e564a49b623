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
    uint32_t slot;                       /* which of the person's desktops there, from 1 */
    const struct orl_ticket_row *ticket; /* NULL: by password */
};
/* Answers conn with a plan (ready, or waiting: conn is then WAITING) or a refusal; frees conn when
 * it refuses. */
void orl_assign_start(
        struct orl_broker *broker, struct orl_conn *conn, const struct orl_assign *assign);
enum orl_assign_step {
    ORL_ASSIGN_NONE = 0, /* it waits on, without a desktop */
    ORL_ASSIGN_BOUND,    /* it has one that is not ready yet */
    ORL_ASSIGN_OVER,     /* it has one, or was refused; conn may be gone */
};
/* Looks again at a connection that waits. Whose turn it is, is the caller's to know: broker/queue.h. */
enum orl_assign_step orl_assign_retry(struct orl_broker *broker, struct orl_conn *conn);

#endif
