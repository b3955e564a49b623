/* A client's TCP socket: its options, and what it says about its line. */
#ifndef ORL_BASE_TCP_H
#define ORL_BASE_TCP_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* A client's socket: small writes leave at once, and a peer that vanished is noticed after 70 s. Other sockets are
 * left as they are. */
void orl_tcp_prepare(int fd);
/* Connects a non-blocking socket, of any family, by then (orl_clock_now_us()). 0, or an errno. Blocks: for workers. */
int orl_tcp_connect(int fd, const struct sockaddr *addr, socklen_t len, uint64_t deadline_us);
/* TCP's round trip, smoothed and least. False: not known, or no TCP. */
bool orl_tcp_rtt(int fd, uint64_t *ret_rtt_us, uint64_t *ret_least_us);

#endif
