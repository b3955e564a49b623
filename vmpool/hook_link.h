/* A guest's hook, listened to: one question at a time with a deadline, and what the guest says unasked. A guest that
 * talks nonsense or too much is cut off. Loop thread only; never blocks. Not here: what it means (vmpool/persons.h). */
#ifndef ORL_VMPOOL_HOOK_LINK_H
#define ORL_VMPOOL_HOOK_LINK_H
#include "base/hook_wire.h"
#include "base/loop.h"

#define ORL_HOOK_LINK_MESSAGES 200 /* that a guest may say in ORL_HOOK_LINK_PERIOD_MS */
#define ORL_HOOK_LINK_BYTES 65536  /* ... and in how many bytes, garbage included */
#define ORL_HOOK_LINK_PERIOD_MS 10000

struct orl_hook_link;
struct orl_hook_link_cfg {
    struct orl_loop *loop;
    int fd; /* taken, also where new() fails; non-blocking */
    /* An answer, a hello or an event. The link may be freed from here, and from the next one. */
    void (*on_message)(void *ctx, const struct orl_hook_msg *msg);
    /* The last that is heard of it. code: ORL_E_CLOSED, ORL_E_PROTO (cut off), ORL_E_TIMEOUT (no answer). */
    void (*on_end)(void *ctx, int code, const char *why);
    void *ctx;
};
ORL_NODISCARD int orl_hook_link_new(
        const struct orl_hook_link_cfg *cfg, struct orl_hook_link **ret_link, struct orl_err *err);
void orl_hook_link_free(struct orl_hook_link *link); /* NULL is fine */
/* Its answer has msg->serial, or on_end() comes: at once where the guest does not read, else after timeout_ms. */
void orl_hook_link_ask(
        struct orl_hook_link *link, const struct orl_hook_msg *msg, uint64_t timeout_ms);

#endif
