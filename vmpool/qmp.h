/* QEMU's own commands, through libvirt, for what libvirt has none: a machine's state into and out of a pipe. QEMU
 * opens no file for it, so its sandbox and its labels need no exception. Blocks: on workers only. */
#ifndef ORL_VMPOOL_QMP_H
#define ORL_VMPOOL_QMP_H
#include "base/err.h"
#include <libvirt/libvirt.h>
#include <stdbool.h>
#include <stdint.h>

/* Memory that is a file others share stays out of the state. To be taken back before libvirt saves or migrates the
 * machine: what it wrote then would be without memory. */
ORL_NODISCARD int orl_qmp_ignore_shared(virDomainPtr domain, bool is_on, struct orl_err *err);
/* Writes the state of a suspended machine to fd (borrowed), max_bytes at most. */
ORL_NODISCARD int orl_qmp_state_save(
        virDomainPtr domain, int fd, uint64_t max_bytes, unsigned timeout_ms, struct orl_err *err);
/* The state from fd (borrowed) into a machine that waits for it (-incoming defer). It is suspended then. */
ORL_NODISCARD int orl_qmp_state_load(
        virDomainPtr domain, int fd, unsigned timeout_ms, struct orl_err *err);

/* What query-migrate answered; pure. */
enum orl_qmp_progress { ORL_QMP_UNDER_WAY = 0, ORL_QMP_COMPLETED, ORL_QMP_FAILED };
enum orl_qmp_progress orl_qmp_progress_of(const char *reply);

#endif
