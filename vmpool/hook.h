/* One question to the hook in a guest, and its answer (base/hook_wire.h). Blocks: for workers. What a guest says is
 * not believed: at most ORL_HOOK_CALL_MESSAGES messages are read for one answer.
 * Not here: watching a guest (vmpool/hook_link.h). */
#ifndef ORL_VMPOOL_HOOK_H
#define ORL_VMPOOL_HOOK_H
#include "base/err.h"
#include "base/hook_wire.h"

#define ORL_HOOK_CALL_MESSAGES 64

/* fd: non-blocking, of backend's hook_open(). ret_answer: "done", or "hello" to a hello. ORL_E_BACKEND: the hook
 * answered "failed", err says its code and text; ORL_E_TIMEOUT; ORL_E_CLOSED; ORL_E_PROTO: garbage or a flood. */
ORL_NODISCARD int orl_hook_call(int fd, const struct orl_hook_msg *msg, unsigned timeout_ms,
        struct orl_hook_msg *ret_answer, struct orl_err *err);
/* Whether answer is one to the question of that serial. */
bool orl_hook_is_answer(const struct orl_hook_msg *answer, uint64_t serial);
/* Fills err from a "failed": the guest's words, printable and short. Returns ORL_E_BACKEND. */
int orl_hook_failure(const struct orl_hook_msg *answer, struct orl_err *err);
/* The bytes of msg as they go out: a hello begins anew. -1: it is too large. buf: ORL_HOOK_MSG_MAX + 1. */
int orl_hook_bytes(const struct orl_hook_msg *msg, char *buf);

#endif
