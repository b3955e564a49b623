/* The virtio-serial port to the host. A host that goes and comes back finds it; a guest without one waits. */
#ifndef ORL_GUEST_HOOK_PORT_H
#define ORL_GUEST_HOOK_PORT_H
#include "base/hook_wire.h"
#include <stdbool.h>

struct orl_port {
    int fd; /* -1: not open */
    bool has_host;
    size_t len;
    char buf[ORL_HOOK_BUF_MAX];
};

bool orl_port_open(struct orl_port *port);
/* For poll(): -1 while nobody is at the other end, as the kernel would then say POLLHUP without end. */
int orl_port_poll_fd(const struct orl_port *port);
/* Must be looked at by the clock. */
bool orl_port_is_idle(const struct orl_port *port);
/* Reads what is there, bounded. */
void orl_port_look(struct orl_port *port);
/* The next whole message of what was read. */
bool orl_port_next(struct orl_port *port, struct orl_hook_msg *ret_msg);
bool orl_port_send(struct orl_port *port, const struct orl_hook_msg *msg);

#endif
