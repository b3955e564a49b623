/* Boots a machine of a template that is nobody's, looks at it from the outside and, by hook and agent, from the inside,
 * and removes it. Blocks for minutes: on a worker of its own. Not here: what is made of it (template_findings.h). */
#ifndef ORL_VMPOOL_TEMPLATE_INSPECT_H
#define ORL_VMPOOL_TEMPLATE_INSPECT_H
#include "vmpool/template_findings.h"
#include <stdatomic.h>

struct orl_template_inspect {
    const struct orl_backend *backend;
    struct orl_vm_spec spec;
    struct orl_template_wants wants;
    struct orl_template_seen seen; /* what was found */
    /* Read and written while it runs. */
    atomic_uint percent;
    atomic_bool is_cancelled;
};
/* ORL_E_CLOSED: cancelled. The machine is gone afterwards, or the sweep takes it. */
ORL_NODISCARD int orl_template_inspect(struct orl_template_inspect *inspect, struct orl_err *err);

#endif
