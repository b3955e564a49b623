/* The guest's lock keys, as QEMU says that they changed; told to the console by its link. */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_LOCKS_H
#define ORL_PROTOCOLS_QEMU_QEMU_LOCKS_H
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

struct orl_qemu_locks {
    sd_bus_slot *slot; /* NULL: not listening */
    int link_fd;       /* borrowed */
    uint32_t locks;    /* ORL_LOCK_* */
    bool is_owed;      /* the console did not take it yet */
};
/* Where QEMU's words can't be had, the lock keys are never known. */
void orl_qemu_locks_open(struct orl_qemu_locks *locks, sd_bus *bus, int link_fd);
void orl_qemu_locks_tick(struct orl_qemu_locks *locks);
void orl_qemu_locks_close(struct orl_qemu_locks *locks); /* before the bus; also when not open */

#endif
