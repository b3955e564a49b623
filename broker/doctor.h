/* What the broker, and through the store each vmpool, can tell of its state: each check good, worth a look or bad, and
 * what to do. Not here: what is seen without asking anybody (base/host_check.h). */
#ifndef ORL_BROKER_DOCTOR_H
#define ORL_BROKER_DOCTOR_H
#include "broker/broker.h"
#include <jansson.h>

/* [{area, object, state: "ok"|"warn"|"bad", text, remedy}] */
ORL_NODISCARD int orl_doctor(struct orl_broker *broker, json_t **ret_checks, struct orl_err *err);
/* The same for one host, and what can be seen on it where it is our own; at most five seconds old. ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_doctor_host(
        struct orl_broker *broker, const char *name, json_t **ret_checks, struct orl_err *err);
void orl_doctor_forget(struct orl_broker *broker);

#endif
