/* A guest's virtio-serial channel as a socket: libvirt's stream on one side, one end of a socket pair on the other.
 * Runs on libvirt's event thread, holds at most one buffer each way, and ends when either side does. */
#ifndef ORL_VMPOOL_CHANNEL_PUMP_H
#define ORL_VMPOOL_CHANNEL_PUMP_H
#include "base/err.h"
#include <libvirt/libvirt.h>

/* Takes the channel from whoever had it. *ret_fd is the caller's: non-blocking; closing it ends all. */
ORL_NODISCARD int orl_channel_open(virConnectPtr conn, virDomainPtr domain, const char *channel,
        int *ret_fd, struct orl_err *err);

#endif
