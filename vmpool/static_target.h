/* Displays of machines that are not ours, "host:port", "[v6]:port" or "unix:PATH": resolved and
 * connected here, and only where the allow-list lets us. Blocks: on workers only. */
#ifndef ORL_VMPOOL_STATIC_TARGET_H
#define ORL_VMPOOL_STATIC_TARGET_H
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* "10.0.0.0/8", "fd00::/8", "203.0.113.7", "unix:/run/x" (that folder and below; "unix:/": any);
 * "!unix:/DIR" takes a folder out of what the others allow, wherever it stands. */
bool orl_static_rule_is_valid(const char *rule);
bool orl_static_allows_addr(char *const *rules, const struct sockaddr *addr);
bool orl_static_allows_path(char *const *rules, const char *path);
/* false: neither form, or a port out of range. ret_host is the path for "unix:". */
bool orl_static_parse(
        const char *target, char *ret_host, size_t host_size, char ret_port[8], bool *ret_is_unix);
/* A connected, non-blocking socket. ORL_E_DENIED: not allowed (its text says which setting). Each of
 * up to 8 addresses is tried within the one deadline. */
ORL_NODISCARD int orl_static_connect(char *const *rules, const char *target, unsigned timeout_ms,
        int *ret_fd, struct orl_err *err);
/* Whether the other end of fd (borrowed) keeps it open: until its first byte, or for linger_ms. A
 * forwarder without its machine takes connections and drops them. ORL_E_CLOSED. */
ORL_NODISCARD int orl_static_stays(int fd, unsigned linger_ms, struct orl_err *err);

/* Whether an RDP server answers there: the negotiation of MS-RDPBCGR 2.2.1.1, and no more. ORL_E_PROTO,
 * ORL_E_CLOSED. */
ORL_NODISCARD int orl_static_speaks_rdp(int fd, unsigned timeout_ms, struct orl_err *err);

#endif
