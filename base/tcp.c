/* What TCP knows of the line. In a file of its own: the kernel's header has fields that the C library's lacks, and
 * the two do not go together. */
#include "base/tcp.h"
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

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
