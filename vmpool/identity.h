/* What makes a copied machine somebody of its own: host name, machine id, random numbers, clock. Made here; set in
 * the guest through qemu-guest-agent by a shell, where no hook of ours answers. Pure. */
#ifndef ORL_VMPOOL_IDENTITY_H
#define ORL_VMPOOL_IDENTITY_H
#include "base/buf.h"
#include "vmpool/backend.h"

#define ORL_IDENTITY_COMMAND_MAX 8192

/* The machine's name as host name, the rest new. mac: as its card's XML says (vmpool/network_xml.h). */
void orl_identity_make(const struct orl_vm_spec *spec, struct orl_vm_identity *ret_identity);
/* Appends the agent's command, without a NUL. now_ms: wall clock. */
void orl_identity_command(
        const struct orl_vm_identity *identity, uint64_t now_ms, struct orl_buf *out);
/* A JSON string of our own text, for a command to the agent. */
void orl_agent_put_string(struct orl_buf *out, const char *text);
/* Of its answer: the process to ask for, or -1. */
long orl_identity_pid(const char *reply);
/* Of the answer about that process: ORL_E_AGAIN while it runs, 0 when all is set and was found so. */
ORL_NODISCARD int orl_identity_judge(const char *reply, struct orl_err *err);

/* Of its answer to guest-get-time, asked for and got then: within a second. */
bool orl_identity_is_on_time(const char *reply, uint64_t before_ms, uint64_t after_ms);

#endif
