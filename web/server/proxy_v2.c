#include "web/server/proxy_v2.h"
#include "base/err.h"
#include "base/rd.h"
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

static const uint8_t signature[12] = {
        0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
enum { LOCAL = 0x20, PROXY = 0x21, UNSPEC = 0x00, TCP4 = 0x11, TCP6 = 0x21 };

int orl_proxy_v2_len(const uint8_t head[ORL_PROXY_HEAD_BYTES])
{
    int len = ORL_PROXY_HEAD_BYTES + (head[14] << 8 | head[15]);
    bool is_ours = memcmp(head, signature, sizeof(signature)) == 0 &&
                   (head[12] == LOCAL || head[12] == PROXY);
    return is_ours && len <= ORL_PROXY_MAX_BYTES ? len : ORL_E_PROTO;
}

/* Both addresses, then both ports; the client's are the first of each. */
static void read_tcp4(struct orl_rd *rd, struct orl_proxy *proxy)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    const uint8_t *addrs = orl_rd_bytes(rd, 8);
    if (addrs != NULL) {
        memcpy(&in.sin_addr, addrs, 4);
    }
    in.sin_port = htons(orl_rd_u16be(rd));
    (void)orl_rd_u16be(rd);
    memcpy(&proxy->addr, &in, sizeof(in));
    proxy->addr_len = sizeof(in);
}

static void read_tcp6(struct orl_rd *rd, struct orl_proxy *proxy)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    const uint8_t *addrs = orl_rd_bytes(rd, 32);
    if (addrs != NULL) {
        memcpy(&in6.sin6_addr, addrs, 16);
    }
    in6.sin6_port = htons(orl_rd_u16be(rd));
    (void)orl_rd_u16be(rd);
    memcpy(&proxy->addr, &in6, sizeof(in6));
    proxy->addr_len = sizeof(in6);
}

int orl_proxy_v2_parse(const uint8_t *data, size_t len, struct orl_proxy *ret_proxy)
{
    struct orl_proxy proxy = {0};
    struct orl_rd rd;
    if (len < ORL_PROXY_HEAD_BYTES || orl_proxy_v2_len(data) != (int)len) {
        return ORL_E_PROTO;
    }
    orl_rd_init(&rd, data + ORL_PROXY_HEAD_BYTES, len - ORL_PROXY_HEAD_BYTES);
    if (data[12] == PROXY && data[13] == TCP4) {
        read_tcp4(&rd, &proxy);
    } else if (data[12] == PROXY && data[13] == TCP6) {
        read_tcp6(&rd, &proxy);
    } else if (data[12] == PROXY && data[13] != UNSPEC) {
        return ORL_E_PROTO; /* UDP, Unix sockets: not what a browser comes by */
    }
    if (rd.is_failed) {
        return ORL_E_PROTO;
    }
    *ret_proxy = proxy;
    return ORL_OK;
}
