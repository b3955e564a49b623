/* Whom a change touches: people at their desktops, desktops that wait for somebody, who loses access. */
#ifndef ORL_BROKER_PLAN_AFFECTS_H
#define ORL_BROKER_PLAN_AFFECTS_H
#include "broker/broker.h"
#include <jansson.h>

#define ORL_PLAN_NAMES_MAX 20

/* [{what: "sessions"|"spares"|"desktops"|"people", count, names: [at most ORL_PLAN_NAMES_MAX]}]; nobody: empty.
 * field "": the whole object. */
ORL_NODISCARD int orl_plan_affects(struct orl_broker *broker, const char *op, const char *kind,
        const char *name, const char *field, json_t **ret_affects, struct orl_err *err);

#endif
