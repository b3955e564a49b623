/* Holds running sessions to what their pools allow now: warns, disconnects who is idle, ends what has lasted too long
 * or whose hours are over. A pool that was changed counts at the next look.
 * Not here: whether somebody may begin (broker/policy.h), what is due when (broker/session_end.h). */
#ifndef ORL_BROKER_SESSION_POLICY_H
#define ORL_BROKER_SESSION_POLICY_H
#include "broker/broker.h"

/* Each second. */
void orl_session_policy_look(struct orl_broker *broker);

#endif
