/* Addresses of clients: their text, which of them count together, and networks in a configuration. */
#ifndef ORL_BASE_ADDR_H
#define ORL_BASE_ADDR_H
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* An IPv4 address (also when mapped into IPv6) or the first 64 bits of an IPv6 address. */
struct orl_prefix {
    uint8_t family; /* 4, 6; 0: another kind of socket */
    uint8_t bytes[8];
};
struct orl_prefix orl_prefix_of(const struct sockaddr *addr, socklen_t len);

/* "203.0.113.7:4711", "[2001:db8::1]:4711"; 54 bytes at most. */
void orl_addr_text(char *ret_text, size_t size, const struct sockaddr *addr, socklen_t len);
/* Exactly what orl_addr_text() writes; false: anything else. */
bool orl_addr_parse(const char *text, struct sockaddr_storage *ret_addr, socklen_t *ret_len);

struct orl_addr_net {
    uint8_t bytes[16]; /* IPv4 as mapped into IPv6 */
    unsigned bits;
};
/* "10.0.0.0/8", "2001:db8::/32", or one address. */
bool orl_addr_net_parse(const char *text, struct orl_addr_net *ret_net);
bool orl_addr_net_has(const struct orl_addr_net *net, const struct sockaddr *addr, socklen_t len);

enum { ORL_ADDR_NETS_MAX = 64 };
struct orl_addr_nets {
    struct orl_addr_net list[ORL_ADDR_NETS_MAX];
    unsigned count;
};
/* Networks by commas, spaces around them; an empty text is none, which is the caller's to mean "any".
 * ORL_E_INVAL: a part is none, or too many. */
ORL_NODISCARD int orl_addr_nets_parse(
        const char *text, struct orl_addr_nets *ret_nets, struct orl_err *err);
/* client: as orl_addr_text() writes it; false for anything else. */
bool orl_addr_nets_has(const struct orl_addr_nets *nets, const char *client);

#endif
