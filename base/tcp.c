/* What TCP knows of the line. In a file of its own: the kernel's header has fields that the C library's lacks, and
 * the two do not go together. */
#include "base/tcp.h"
#include "base/clock.h"
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
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

static int await_connect(int fd, uint64_t deadline_us)
{
    uint64_t now_us = orl_clock_now_us();
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int r = now_us < deadline_us ? poll(&p, 1, (int)((deadline_us - now_us) / ORL_US_PER_MS) + 1)
                                 : 0;
    if (r <= 0) {
        return ETIMEDOUT;
    }
    int error = 0;
    socklen_t len = sizeof(error);
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? errno : error;
}

int orl_tcp_connect(int fd, const struct sockaddr *addr, socklen_t len, uint64_t deadline_us)
{
    int one = 1;
    if (connect(fd, addr, len) < 0) {
        int error = errno == EINPROGRESS ? await_connect(fd, deadline_us) : errno;
        if (error != 0) {
            return error;
        }
    }
    if (addr->sa_family != AF_UNIX) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
    return 0;
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
