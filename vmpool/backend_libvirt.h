/* Machines by libvirt's QEMU driver, or by its test driver (`test:///default`) in component tests. */
#ifndef ORL_VMPOOL_BACKEND_LIBVIRT_H
#define ORL_VMPOOL_BACKEND_LIBVIRT_H
#include "vmpool/backend.h"

struct orl_backend_libvirt_cfg { /* borrowed for the call */
    const char *uri;
    const char *images_dir;
    const char *installation;
    const char *
            memory_dir; /* of golden images' memory; empty: /dev/shm, or beside the disks where that is none */
    const char *qemu_user; /* that libvirt runs machines as; empty, or unknown here: root */
    const char *network;   /* isolated; empty: one of our own; "none": guests get no card */
    const char *nat_subnet, *nat_subnet_v6; /* empty: by the installation; no IPv6. NULL is empty */
    const char *routed_subnet, *routed_subnet_v6;
    char *const *guest_block; /* borrowed for the object's life; NULL: nothing but the host's own */
    char *const *static_uris; /* the same; NULL: this libvirt alone */
    orl_backend_event_fn on_event; /* on another thread: wake a loop; NULL */
    bool wants_dbus_display;       /* beside VNC, where this QEMU has it */
    void *ctx;
};
/* Does not connect: that is what the first call does, and each after libvirt was away. */
ORL_NODISCARD int orl_backend_libvirt_new(const struct orl_backend_libvirt_cfg *cfg,
        struct orl_backend *ret_backend, struct orl_err *err);
/* No call may be under way. */
void orl_backend_libvirt_free(struct orl_backend *backend);

#endif
