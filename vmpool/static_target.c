#include "vmpool/static_target.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/tcp.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum { ADDR_MAX_TRIES = 8, HOST_MAX = 255 };

struct range {
    int family;
    uint8_t bytes[16];
    unsigned bits;
};

static bool parse_number(const char *text, unsigned max, unsigned *ret)
{
    size_t len = strlen(text);
    if (len == 0 || len > 5 || strspn(text, "0123456789") != len) {
        return false;
    }
    unsigned long value = strtoul(text, NULL, 10);
    *ret = (unsigned)value;
    return value <= max;
}

static bool parse_range(const char *rule, struct range *ret)
{
    char text[64];
    size_t len = strcspn(rule, "/");
    if (len == 0 || len >= sizeof text) {
        return false;
    }
    memcpy(text, rule, len);
    text[len] = '\0';
    memset(ret, 0, sizeof *ret);
    if (inet_pton(AF_INET, text, ret->bytes) == 1) {
        ret->family = AF_INET;
        ret->bits = 32;
    } else if (inet_pton(AF_INET6, text, ret->bytes) == 1) {
        ret->family = AF_INET6;
        ret->bits = 128;
    } else {
        return false;
    }
    return rule[len] == '\0' || parse_number(rule + len + 1, ret->bits, &ret->bits);
}

static bool is_in_range(const struct range *range, int family, const uint8_t *bytes)
{
    if (family != range->family) {
        return false;
    }
    unsigned whole = range->bits / 8;
    unsigned rest = range->bits % 8;
    if (memcmp(bytes, range->bytes, whole) != 0) {
        return false;
    }
    return rest == 0 || ((bytes[whole] ^ range->bytes[whole]) >> (8 - rest)) == 0;
}

bool orl_static_rule_is_valid(const char *rule)
{
    struct range range;
    return strncmp(rule, "unix:/", 6) == 0 || strncmp(rule, "!unix:/", 7) == 0 ||
           parse_range(rule, &range);
}

bool orl_static_allows_addr(char *const *rules, const struct sockaddr *addr)
{
    int family = addr->sa_family;
    const uint8_t *bytes = NULL;
    if (family == AF_INET) {
        bytes = (const uint8_t *)&((const struct sockaddr_in *)(const void *)addr)->sin_addr;
    } else if (family == AF_INET6) {
        const struct in6_addr *in6 = &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr;
        bytes = in6->s6_addr;
        if (IN6_IS_ADDR_V4MAPPED(in6)) { /* else the rules for IPv4 could be walked around */
            bytes += 12;
            family = AF_INET;
        }
    } else {
        return false;
    }
    for (; *rules; rules++) {
        struct range range;
        if (parse_range(*rules, &range) && is_in_range(&range, family, bytes)) {
            return true;
        }
    }
    return false;
}

/* rule is "unix:/DIR": that folder and below. */
static bool covers(const char *rule, const char *path)
{
    if (strncmp(rule, "unix:/", 6) != 0) {
        return false;
    }
    const char *dir = rule + 5;
    size_t len = strlen(dir);
    while (len > 0 && dir[len - 1] == '/') {
        len--;
    }
    return strncmp(path, dir, len) == 0 && path[len] == '/';
}

bool orl_static_allows_path(char *const *rules, const char *path)
{
    bool is_allowed = false;
    if (path[0] != '/' || strstr(path, "/../") || strstr(path, "/./") || strstr(path, "//")) {
        return false;
    }
    for (; *rules; rules++) {
        if ((*rules)[0] == '!' && covers(*rules + 1, path)) {
            return false;
        }
        is_allowed = is_allowed || covers(*rules, path);
    }
    return is_allowed;
}

bool orl_static_parse(
        const char *target, char *ret_host, size_t host_size, char ret_port[8], bool *ret_is_unix)
{
    unsigned port = 0;
    *ret_is_unix = strncmp(target, "unix:", 5) == 0;
    ret_port[0] = '\0';
    if (*ret_is_unix) {
        struct sockaddr_un un;
        size_t len = strlen(target + 5);
        if (target[5] != '/' || len >= host_size || len >= sizeof un.sun_path) {
            return false;
        }
        memcpy(ret_host, target + 5, len + 1);
        return true;
    }
    const char *colon = strrchr(target, ':');
    if (!colon || !parse_number(colon + 1, 65535, &port) || port == 0) {
        return false;
    }
    size_t len = (size_t)(colon - target);
    if (len > 2 && target[0] == '[' && target[len - 1] == ']') {
        target++;
        len -= 2;
    } else if (strcspn(target, "[]:") < len) {
        return false;
    }
    if (len == 0 || len >= host_size) {
        return false;
    }
    memcpy(ret_host, target, len);
    ret_host[len] = '\0';
    memcpy(ret_port, colon + 1, strlen(colon + 1) + 1); /* at most five digits */
    return true;
}

/* 0, or an errno. */
static int connect_one(
        int family, const struct sockaddr *addr, socklen_t len, uint64_t deadline_us, int *ret_fd)
{
    ORL_AUTO(orl_close_auto) int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return errno;
    }
    int error = orl_tcp_connect(fd, addr, len, deadline_us);
    if (error != 0) {
        return error;
    }
    *ret_fd = orl_steal_fd(&fd);
    return 0;
}

static int connect_unix(char *const *rules, const char *path, uint64_t deadline_us, int *ret_fd,
        struct orl_err *err)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    /* What a link leads to is what counts. */
    ORL_AUTO(orl_free_auto) char *real = realpath(path, NULL);
    if (!orl_static_allows_path(rules, path) || (real && !orl_static_allows_path(rules, real))) {
        return orl_err_set(err, ORL_E_DENIED, "%s is not allowed by static_allow", path);
    }
    if (!real || strlen(real) >= sizeof un.sun_path) {
        return orl_err_sys(err, real ? ENAMETOOLONG : errno, "%s", path);
    }
    memcpy(un.sun_path, real, strlen(real) + 1);
    int error = connect_one(AF_UNIX, (const struct sockaddr *)&un, sizeof un, deadline_us, ret_fd);
    return error == 0 ? 0 : orl_err_sys(err, error, "%s", path);
}

static int connect_tcp(char *const *rules, const char *host, const char *port, uint64_t deadline_us,
        int *ret_fd, struct orl_err *err)
{
    struct addrinfo hints = {
            .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int r = getaddrinfo(host, port, &hints, &list);
    if (r != 0) {
        return orl_err_set(err, ORL_E_NOTFOUND, "%s: %s", host, gai_strerror(r));
    }
    unsigned tries = 0;
    int error = 0;
    bool is_denied = true;
    int fd = -1;
    for (const struct addrinfo *a = list; a && fd < 0 && tries < ADDR_MAX_TRIES; a = a->ai_next) {
        tries++;
        /* Each address by itself: a name may point inside and outside. */
        if (orl_static_allows_addr(rules, a->ai_addr)) {
            is_denied = false;
            error = connect_one(a->ai_family, a->ai_addr, a->ai_addrlen, deadline_us, &fd);
        }
    }
    freeaddrinfo(list);
    if (fd >= 0) {
        *ret_fd = fd;
        return 0;
    }
    return is_denied ? orl_err_set(err, ORL_E_DENIED, "%s is not allowed by static_allow", host)
                     : orl_err_sys(err, error, "%s port %s", host, port);
}

int orl_static_connect(char *const *rules, const char *target, unsigned timeout_ms, int *ret_fd,
        struct orl_err *err)
{
    char host[HOST_MAX + 1];
    char port[8];
    bool is_unix = false;
    uint64_t deadline_us = orl_clock_now_us() + timeout_ms * ORL_US_PER_MS;
    if (!orl_static_parse(target, host, sizeof host, port, &is_unix)) {
        return orl_err_set(err, ORL_E_INVAL, "'%s' is neither host:port nor unix:PATH", target);
    }
    return is_unix ? connect_unix(rules, host, deadline_us, ret_fd, err)
                   : connect_tcp(rules, host, port, deadline_us, ret_fd, err);
}

int orl_static_stays(int fd, unsigned linger_ms, struct orl_err *err)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char byte = 0;
    if (poll(&p, 1, (int)linger_ms) <= 0) {
        return 0;
    }
    ssize_t n = recv(fd, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);
    bool is_closed = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    return is_closed ? orl_err_set(err, ORL_E_CLOSED, "it closes the connection at once") : 0;
}

int orl_static_speaks_rdp(int fd, unsigned timeout_ms, struct orl_err *err)
{
    /* TPKT, X.224 Connection Request, RDP_NEG_REQ for TLS or NLA. */
    static const uint8_t request[] = {3, 0, 0, 19, 14, 0xE0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0};
    enum { CONFIRM_MIN = 11, CONFIRM_CODE_AT = 5, CONFIRM_CODE = 0xD0 };
    uint8_t answer[CONFIRM_MIN];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (send(fd, request, sizeof request, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)sizeof request ||
            poll(&p, 1, (int)timeout_ms) <= 0) {
        return orl_err_set(err, ORL_E_CLOSED, "no RDP server answers there");
    }
    ssize_t n = recv(fd, answer, sizeof answer, MSG_DONTWAIT);
    bool is_rdp =
            n == CONFIRM_MIN && answer[0] == 3 && (answer[CONFIRM_CODE_AT] & 0xF0) == CONFIRM_CODE;
    return is_rdp ? 0 : orl_err_set(err, ORL_E_PROTO, "what answers there is no RDP server");
}
