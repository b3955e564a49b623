/* The service: store, libvirt, reconciler and console socket on one loop. */
#ifndef ORL_VMPOOL_VMPOOL_H
#define ORL_VMPOOL_VMPOOL_H
#include "base/loop.h"
#include "vmpool/config.h"
#include <sys/types.h>

struct orl_vmpool;
/* cfg is borrowed for the object's life. Does not wait for libvirt. */
ORL_NODISCARD int orl_vmpool_new(const struct orl_vmpool_cfg *cfg, struct orl_loop *loop,
        struct orl_vmpool **ret_vmpool, struct orl_err *err);
/* Waits for jobs under way. Machines go on running. NULL is fine. */
void orl_vmpool_free(struct orl_vmpool *vmpool);

#endif
