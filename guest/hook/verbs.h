/* What the host asks for, one message after the other. */
#ifndef ORL_GUEST_HOOK_VERBS_H
#define ORL_GUEST_HOOK_VERBS_H
#include "base/hook_wire.h"
#include "guest/hook/session.h"

/* Does what msg asks and fills *ret_answer. */
void orl_verbs_do(struct orl_session *session, const struct orl_hook_msg *msg,
        struct orl_hook_msg *ret_answer);
/* What the guest says of itself, unasked after its start. */
void orl_verbs_hello(
        const struct orl_session *session, uint64_t serial, struct orl_hook_msg *ret_msg);

#endif
