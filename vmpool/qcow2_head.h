/* The header of a qcow2 file, read before any program opens the file: an image may name other files, and
 * QEMU opens those (CVE-2024-4467). QEMU's docs/interop/qcow2.txt. Pure. */
#ifndef ORL_VMPOOL_QCOW2_HEAD_H
#define ORL_VMPOOL_QCOW2_HEAD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_QCOW2_HEAD_LEN 112

/* Why it may not be opened, or NULL. len: bytes there are, at most ORL_QCOW2_HEAD_LEN are looked at. */
const char *orl_qcow2_fault(const uint8_t *head, size_t len, bool allows_backing);

#endif
