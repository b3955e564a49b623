/* PROXY protocol version 2 (HAProxy's proxy-protocol.txt 2.2): who a load balancer's client is. Parser only. */
#ifndef ORL_WEB_PROXY_V2_H
#define ORL_WEB_PROXY_V2_H
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ORL_PROXY_HEAD_BYTES 16
#define ORL_PROXY_MAX_BYTES 536 /* what a proxy can be sure that its peer takes */

struct orl_proxy {
    struct sockaddr_storage addr; /* of the client */
    socklen_t addr_len;           /* 0: the proxy speaks for itself (LOCAL), or says no address */
};
/* The length of all of it, by its first ORL_PROXY_HEAD_BYTES; negative: no such head, or too long. */
int orl_proxy_v2_len(const uint8_t head[ORL_PROXY_HEAD_BYTES]);
/* data: all of it. 0, or ORL_E_PROTO. */
int orl_proxy_v2_parse(const uint8_t *data, size_t len, struct orl_proxy *ret_proxy);

#endif
