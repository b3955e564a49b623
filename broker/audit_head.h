/* Tells the log the head of the audit's chain now and then: kept elsewhere, it shows that nobody made the chain anew
 * (`oriel audit verify --head`). Floods whose minute is over are closed by the way. */
#ifndef ORL_BROKER_AUDIT_HEAD_H
#define ORL_BROKER_AUDIT_HEAD_H
#include "broker/broker.h"

struct orl_audit_teller;
ORL_NODISCARD int orl_audit_teller_new(
        struct orl_broker *broker, struct orl_audit_teller **ret_teller, struct orl_err *err);
void orl_audit_teller_free(struct orl_audit_teller *teller); /* NULL is fine */

#endif
