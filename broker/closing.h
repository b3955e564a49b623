/* What is to be told when sessions ended or were disconnected: their connections are closed, people's pages and vmpool
 * hear of it. Inside a transaction that waits for its commit; nothing of it happens when there is none. */
#ifndef ORL_BROKER_CLOSING_H
#define ORL_BROKER_CLOSING_H
#include "base/reason.h"
#include "broker/broker.h"

struct orl_closing;

/* The store has just written it, with an audit row. */
ORL_NODISCARD int orl_closing_add(struct orl_broker *broker, const char *session,
        enum orl_reason reason, bool is_end, struct orl_err *err);
/* The transaction was committed. */
void orl_closings_run(struct orl_broker *broker);
/* It was not. */
void orl_closings_drop(struct orl_broker *broker);
/* Those of a transaction that another thread has committed since: takes the list, and runs it. */
void orl_closings_run_late(struct orl_broker *broker, struct orl_closing *list);

#endif
