/* Where somebody installs a template (job template.build): a static pool of one desktop, the machine that vmpool makes for
 * it, which its person opens as any other desktop. It goes when the job has ended. */
#ifndef ORL_BROKER_BUILD_H
#define ORL_BROKER_BUILD_H
#include "broker/broker.h"

/* "build-TEMPLATE" */
void orl_build_pool_name(const char *template_name, char ret_name[ORL_NAME_MAX + 1]);
/* In the transaction that adds the job. user: who may open it; "": nobody yet. ORL_E_EXISTS: a pool has the name. */
ORL_NODISCARD int orl_build_add(struct orl_broker *broker, const char *job, const char *pool,
        const char *user, const char *actor, struct orl_err *err);
/* When the store has news. */
void orl_build_tidy(struct orl_broker *broker);

#endif
