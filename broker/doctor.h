/* What the broker, and through the store each vmpool, can tell of its state: each check good, worth a look or bad, and
 * what to do. Not here: what only root on the host sees (cli/doctor.h). */
#ifndef ORL_BROKER_DOCTOR_H
#define ORL_BROKER_DOCTOR_H
#include "broker/broker.h"
#include <jansson.h>

enum orl_doctor_state { ORL_DOCTOR_OK = 0, ORL_DOCTOR_WARN, ORL_DOCTOR_BAD };
/* [{area, object, state: "ok"|"warn"|"bad", text, remedy}] */
ORL_NODISCARD int orl_doctor(struct orl_broker *broker, json_t **ret_checks, struct orl_err *err);

#endif
