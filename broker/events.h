/* Open portal pages: each hears by server-sent events how its person's desktops are, when that changes, and when its
 * login is over. Looked at in turn, a bounded number a second; nothing is queued for anybody. */
#ifndef ORL_BROKER_EVENTS_H
#define ORL_BROKER_EVENTS_H
#include "broker/http.h"

struct orl_events;
ORL_NODISCARD int orl_events_new(
        struct orl_broker *broker, struct orl_events **ret_events, struct orl_err *err);
void orl_events_free(struct orl_events *events); /* NULL is fine; streams end with broker.sock */
/* Something changed that this person (NULL: somebody) should see at once. */
void orl_events_poke(struct orl_events *events, const char *user);
/* Answers req, which is a USER's. */
void orl_events_open(struct orl_events *events, struct orl_http_req *req);
unsigned orl_events_count(const struct orl_events *events);

#endif
