/* The virtio-serial port to the host. A host that goes and comes back finds it; a guest without one waits. */
#ifndef ORL_GUEST_HOOK_PORT_H
#define ORL_GUEST_HOOK_PORT_H
#include "base/hook_wire.h"
#include <stdbool.h>

struct orl_port {
    int fd;    /* -1: not open */
    int watch; /* epoll on fd, by edges; -1: none */
    bool has_host;
    size_t len;
    char buf[ORL_HOOK_BUF_MAX];
};

bool orl_port_open(struct orl_port *port);
/* For poll(). While nobody is at the other end the kernel would say POLLHUP of the port without end: then what tells
 * once that somebody came, or -1. */
int orl_port_poll_fd(const struct orl_port *port);
/* In how long it must be looked at, whatever poll() says of it; -1: it need not be. */
int orl_port_patience_ms(const struct orl_port *port);
/* Reads what is there, bounded. */
void orl_port_look(struct orl_port *port);
/* The next whole message of what was read. */
bool orl_port_next(struct orl_port *port, struct orl_hook_msg *ret_msg);
bool orl_port_send(struct orl_port *port, const struct orl_hook_msg *msg);

#endif
