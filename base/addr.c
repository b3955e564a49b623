#include "base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped_head[12] = {[10] = 0xff, [11] = 0xff};

struct orl_prefix orl_prefix_of(const struct sockaddr *addr, socklen_t len)
{
    struct orl_prefix prefix = {0};
    if (addr->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in in;
        memcpy(&in, addr, sizeof(in));
        prefix.family = 4;
        memcpy(prefix.bytes, &in.sin_addr, 4);
    } else if (addr->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 in6;
        memcpy(&in6, addr, sizeof(in6));
        bool is_mapped = IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
        prefix.family = is_mapped ? 4 : 6;
        memcpy(prefix.bytes, in6.sin6_addr.s6_addr + (is_mapped ? 12 : 0), is_mapped ? 4 : 8);
    }
    return prefix;
}

void orl_addr_text(char *ret_text, size_t size, const struct sockaddr *addr, socklen_t len)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (addr->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 in6;
        memcpy(&in6, addr, sizeof(in6));
        bool is_mapped = IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
        (void)inet_ntop(is_mapped ? AF_INET : AF_INET6,
                in6.sin6_addr.s6_addr + (is_mapped ? 12 : 0), host, sizeof(host));
        (void)snprintf(ret_text, size, is_mapped ? "%s:%u" : "[%s]:%u", host,
                (unsigned)ntohs(in6.sin6_port));
    } else {
        struct sockaddr_in in = {0};
        memcpy(&in, addr, len < sizeof(in) ? len : sizeof(in));
        (void)inet_ntop(AF_INET, &in.sin_addr, host, sizeof(host));
        (void)snprintf(ret_text, size, "%s:%u", host, (unsigned)ntohs(in.sin_port));
    }
}

static bool parse_number(const char *text, unsigned max, unsigned *ret_number)
{
    size_t len = strlen(text);
    if (len == 0 || len > 5 || strspn(text, "0123456789") != len) {
        return false;
    }
    unsigned long number = strtoul(text, NULL, 10);
    *ret_number = (unsigned)number;
    return number <= max;
}

/* Cuts text at its last colon: "[host" or "host", and the port. */
static bool split_port(const char *text, char *ret_host, size_t size, unsigned *ret_port)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= size) {
        return false;
    }
    memcpy(ret_host, text, (size_t)(colon - text));
    ret_host[colon - text] = '\0';
    return parse_number(colon + 1, UINT16_MAX, ret_port);
}

bool orl_addr_parse(const char *text, struct sockaddr_storage *ret_addr, socklen_t *ret_len)
{
    char host[INET6_ADDRSTRLEN + 2];
    char again[64];
    unsigned port = 0;
    struct sockaddr_storage addr = {0};
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    socklen_t len = 0;
    if (!split_port(text, host, sizeof(host), &port)) {
        return false;
    }
    size_t host_len = strlen(host);
    if (host[0] == '[' && host[host_len - 1] == ']') {
        host[host_len - 1] = '\0';
        in6.sin6_port = htons((uint16_t)port);
        len = inet_pton(AF_INET6, host + 1, &in6.sin6_addr) == 1 ? sizeof(in6) : 0;
        memcpy(&addr, &in6, sizeof(in6));
    } else {
        in.sin_port = htons((uint16_t)port);
        len = inet_pton(AF_INET, host, &in.sin_addr) == 1 ? sizeof(in) : 0;
        memcpy(&addr, &in, sizeof(in));
    }
    if (len == 0) {
        return false;
    }
    orl_addr_text(again, sizeof(again), (const struct sockaddr *)&addr, len);
    if (strcmp(again, text) != 0) {
        return false;
    }
    *ret_addr = addr;
    *ret_len = len;
    return true;
}

bool orl_addr_net_parse(const char *text, struct orl_addr_net *ret_net)
{
    char host[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
    struct orl_addr_net net = {.bits = 128};
    if (len >= sizeof(host)) {
        return false;
    }
    memcpy(host, text, len);
    host[len] = '\0';
    bool is_v4 = inet_pton(AF_INET, host, net.bytes + sizeof(mapped_head)) == 1;
    if (is_v4) {
        memcpy(net.bytes, mapped_head, sizeof(mapped_head));
    } else if (inet_pton(AF_INET6, host, net.bytes) != 1) {
        return false;
    }
    if (slash != NULL) {
        unsigned max = is_v4 ? 32 : 128;
        unsigned bits = 0;
        if (!parse_number(slash + 1, max, &bits)) {
            return false;
        }
        net.bits = bits + 128 - max;
    }
    *ret_net = net;
    return true;
}

bool orl_addr_net_has(const struct orl_addr_net *net, const struct sockaddr *addr, socklen_t len)
{
    uint8_t bytes[16];
    if (addr->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 in6;
        memcpy(&in6, addr, sizeof(in6));
        memcpy(bytes, in6.sin6_addr.s6_addr, sizeof(bytes));
    } else if (addr->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in in;
        memcpy(&in, addr, sizeof(in));
        memcpy(bytes, mapped_head, sizeof(mapped_head));
        memcpy(bytes + sizeof(mapped_head), &in.sin_addr, 4);
    } else {
        return false;
    }
    unsigned whole = net->bits / 8;
    unsigned rest = net->bits % 8;
    return memcmp(bytes, net->bytes, whole) == 0 &&
           (rest == 0 || (bytes[whole] ^ net->bytes[whole]) >> (8 - rest) == 0);
}

int orl_addr_nets_parse(const char *text, struct orl_addr_nets *ret_nets, struct orl_err *err)
{
    struct orl_addr_nets nets = {.count = 0};
    const char *at = text + strspn(text, " ");
    while (*at != '\0') {
        char part[64] = "";
        size_t len = strcspn(at, ", ");
        const char *next = at + len + strspn(at + len, " ");
        if (len < sizeof(part)) {
            memcpy(part, at, len);
        }
        bool is_last = *next == '\0';
        if ((!is_last && *next != ',') || nets.count == ORL_ADDR_NETS_MAX ||
                !orl_addr_net_parse(part, &nets.list[nets.count])) {
            return orl_err_set(err, ORL_E_INVAL,
                    "addresses are written as \"10.0.0.0/8, 2001:db8::/32\", at most %d",
                    ORL_ADDR_NETS_MAX);
        }
        nets.count++;
        at = is_last ? next : next + 1 + strspn(next + 1, " ");
        if (!is_last && *at == '\0') {
            return orl_err_set(err, ORL_E_INVAL, "an address is missing after the last comma");
        }
    }
    *ret_nets = nets;
    return 0;
}

bool orl_addr_nets_has(const struct orl_addr_nets *nets, const char *client)
{
    struct sockaddr_storage addr;
    socklen_t len = 0;
    bool has = false;
    if (orl_addr_parse(client, &addr, &len)) {
        for (unsigned i = 0; i < nets->count && !has; i++) {
            has = orl_addr_net_has(&nets->list[i], (const struct sockaddr *)&addr, len);
        }
    }
    return has;
}
