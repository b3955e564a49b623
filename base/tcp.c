/* What TCP knows of the line. In a file of its own: the kernel's header has fields that the C library's lacks, and
 * the two do not go together. */
#include "base/tcp.h"
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { KEEPALIVE_IDLE_S = 30, KEEPALIVE_STEP_S = 10, KEEPALIVE_TRIES = 4 };

void orl_tcp_prepare(int fd)
{
    const struct {
        int level, name, value;
    } options[] = {
            {IPPROTO_TCP, TCP_NODELAY, 1},
            {SOL_SOCKET, SO_KEEPALIVE, 1},
            {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
            {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_STEP_S},
            {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_TRIES},
    };
    for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
    }
}

bool orl_tcp_rtt(int fd, uint64_t *ret_rtt_us, uint64_t *ret_least_us)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 || len < sizeof(info) ||
            info.tcpi_rtt == 0 || info.tcpi_min_rtt == 0 || info.tcpi_min_rtt == UINT32_MAX) {
        return false;
    }
    *ret_rtt_us = info.tcpi_rtt;
    *ret_least_us = info.tcpi_min_rtt;
    return true;
}
