/* The addresses and networks that a host has, from its /proc/PID/net: what guests must not reach.
 * Loopback and link-local IPv6 are left out: no guest may reach those of anybody. Broadcasts to its networks are heard
 * by it: they are addresses here. */
#ifndef ORL_VMPOOL_HOST_NETS_H
#define ORL_VMPOOL_HOST_NETS_H
#include "base/addr.h"

#define ORL_HOST_NETS_MAX 256

struct orl_host_nets {
    struct orl_addr_net addresses[ORL_HOST_NETS_MAX]; /* 128 bits each */
    unsigned address_count;
    struct orl_addr_net subnets[ORL_HOST_NETS_MAX]; /* that it has an address in */
    unsigned subnet_count;
};
/* Appends what is in dir ("/proc/self/net"). ORL_E_LIMIT: more than there is room for: nobody may go on with half. */
ORL_NODISCARD int orl_host_nets_read(
        const char *dir, struct orl_host_nets *nets, struct orl_err *err);
/* "/proc/PID/net" of who listens at a Unix socket: libvirtd may be in another network namespace than we are. */
ORL_NODISCARD int orl_host_nets_dir(
        const char *socket_path, char *ret_dir, size_t size, struct orl_err *err);
/* The networks of list that none of the others covers, in an order of their own: what is equal looks equal.
 * Returns how many are left. */
unsigned orl_addr_nets_reduce(struct orl_addr_net *list, unsigned count);
bool orl_addr_net_covers(const struct orl_addr_net *net, const struct orl_addr_net *part);
bool orl_addr_net_is_v4(const struct orl_addr_net *net);
/* "10.0.0.0" or "fd00::", without its bits; and those, of its own family. */
void orl_addr_net_text(const struct orl_addr_net *net, char *ret_text, size_t size);
unsigned orl_addr_net_bits(const struct orl_addr_net *net);

#endif
