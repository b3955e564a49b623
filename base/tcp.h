/* What the client's socket says about its line. */
#ifndef ORL_BASE_TCP_H
#define ORL_BASE_TCP_H
#include <stdbool.h>
#include <stdint.h>

/* TCP's round trip, smoothed and least. False: not known, or no TCP. */
bool orl_tcp_rtt(int fd, uint64_t *ret_rtt_us, uint64_t *ret_least_us);

#endif
