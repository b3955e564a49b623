#include "vmpool/guest_rdp.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/tcp.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

static bool parse(const char *address, unsigned port, struct sockaddr_in *ret)
{
    *ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return inet_pton(AF_INET, address, &ret->sin_addr) == 1;
}

/* 0, or an errno; EADDRNOTAVAIL, EADDRINUSE: another port may do. */
static int connect_from(const struct sockaddr_in *from, const struct sockaddr_in *to,
        uint64_t deadline_us, int *ret_fd)
{
    const int one = 1;
    ORL_AUTO(orl_close_auto)
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* A port of ours that leads to another guest is no hindrance. */
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
            bind(fd, (const struct sockaddr *)from, sizeof *from) < 0) {
        return errno;
    }
    int error = orl_tcp_connect(fd, (const struct sockaddr *)to, sizeof *to, deadline_us);
    if (error == 0) {
        *ret_fd = orl_steal_fd(&fd);
    }
    return error;
}

int orl_guest_rdp_connect(
        const struct orl_vm_card *card, unsigned timeout_ms, int *ret_fd, struct orl_err *err)
{
    struct sockaddr_in from;
    struct sockaddr_in to;
    uint64_t deadline_us = orl_clock_now_us() + timeout_ms * ORL_US_PER_MS;
    int error = EADDRINUSE;
    if (!parse(card->gateway, 0, &from) || !parse(card->address, ORL_GUEST_RDP_PORT, &to)) {
        return orl_err_set(err, ORL_E_INVAL, "the machine has no address that RDP can be had at");
    }
    for (unsigned i = 0; i < ORL_GUEST_RDP_FROM_COUNT; i++) {
        from.sin_port = htons((uint16_t)(ORL_GUEST_RDP_FROM + i));
        error = connect_from(&from, &to, deadline_us, ret_fd);
        if (error != EADDRINUSE && error != EADDRNOTAVAIL) {
            break;
        }
    }
    return error == 0 ? 0 : orl_err_sys(err, error, "RDP at %s", card->address);
}
