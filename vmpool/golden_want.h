/* Which golden image a pool's desktops would be copies of. Pure. */
#ifndef ORL_VMPOOL_GOLDEN_WANT_H
#define ORL_VMPOOL_GOLDEN_WANT_H
#include "base/sha256.h"
#include "store/pool.h"
#include "store/template.h"
#include "vmpool/golden_plan.h"

/* Why its desktops are no copies of one, or NULL; "": the pool says so. */
const char *orl_golden_fault(const struct orl_pool_row *pool, const struct orl_template_row *t,
        const struct orl_vm_spec *spec);
/* Of all that a machine and its copy must have alike, but for machine type, QEMU and template. */
ORL_NODISCARD int orl_golden_devices(
        const struct orl_vm_spec *spec, char ret_hex[ORL_SHA256_HEX_LEN + 1]);
/* false: the pool has no use for one with, or without, shared memory. */
bool orl_golden_want_of(const struct orl_pool_row *pool, const struct orl_template_row *t,
        const struct orl_vm_spec *spec, uint64_t qemu, bool is_shared,
        struct orl_golden_want *ret_want);

#endif
