#include "vmpool/host_nets.h"
#include "base/cleanup.h"
#include "base/ipc.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { FILE_MAX = 1 << 20, V4_BITS = 32, ALL_BITS = 128, V6_BYTES = 16 };

bool orl_addr_net_is_v4(const struct orl_addr_net *net)
{
    static const uint8_t head[12] = {[10] = 0xff, [11] = 0xff};
    return net->bits >= ALL_BITS - V4_BITS && memcmp(net->bytes, head, sizeof head) == 0;
}

unsigned orl_addr_net_bits(const struct orl_addr_net *net)
{
    return orl_addr_net_is_v4(net) ? net->bits - (ALL_BITS - V4_BITS) : net->bits;
}

void orl_addr_net_text(const struct orl_addr_net *net, char *ret_text, size_t size)
{
    bool is_v4 = orl_addr_net_is_v4(net);
    if (!inet_ntop(is_v4 ? AF_INET : AF_INET6, net->bytes + (is_v4 ? 12 : 0), ret_text,
                (socklen_t)size)) {
        ret_text[0] = '\0';
    }
}

bool orl_addr_net_covers(const struct orl_addr_net *net, const struct orl_addr_net *part)
{
    unsigned whole = net->bits / 8;
    unsigned rest = net->bits % 8;
    return net->bits <= part->bits && memcmp(net->bytes, part->bytes, whole) == 0 &&
           (rest == 0 || (net->bytes[whole] ^ part->bytes[whole]) >> (8 - rest) == 0);
}

static int compare(const void *a_, const void *b_)
{
    const struct orl_addr_net *a = a_;
    const struct orl_addr_net *b = b_;
    int order = memcmp(a->bytes, b->bytes, sizeof a->bytes);
    return order != 0 ? order : (a->bits > b->bits) - (a->bits < b->bits);
}

/* Bits behind the network's own count for nothing. */
static void trim(struct orl_addr_net *net)
{
    for (unsigned bit = net->bits; bit < ALL_BITS; bit++) {
        net->bytes[bit / 8] = (uint8_t)(net->bytes[bit / 8] & ~(0x80U >> (bit % 8)));
    }
}

unsigned orl_addr_nets_reduce(struct orl_addr_net *list, unsigned count)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++) {
        trim(&list[i]);
    }
    qsort(list, count, sizeof *list, compare);
    for (unsigned i = 0; i < count; i++) { /* what covers another comes before it */
        bool is_covered = false;
        for (unsigned j = 0; j < kept && !is_covered; j++) {
            is_covered = orl_addr_net_covers(&list[j], &list[i]);
        }
        if (!is_covered) {
            list[kept++] = list[i];
        }
    }
    return kept;
}

static bool is_everybodys(const struct orl_addr_net *net)
{
    bool is_v4 = orl_addr_net_is_v4(net);
    struct in6_addr in6;
    memcpy(&in6, net->bytes, sizeof in6);
    return is_v4 ? net->bytes[12] == 127
                 : IN6_IS_ADDR_LOOPBACK(&in6) || IN6_IS_ADDR_LINKLOCAL(&in6);
}

static int add(struct orl_addr_net *list, unsigned *count, const struct orl_addr_net *net,
        struct orl_err *err)
{
    struct orl_addr_net copy = *net;
    if (is_everybodys(net)) {
        return 0;
    }
    trim(&copy);
    for (unsigned i = 0; i < *count; i++) {
        if (compare(&list[i], &copy) == 0) {
            return 0;
        }
    }
    if (*count == ORL_HOST_NETS_MAX) {
        return orl_err_set(
                err, ORL_E_LIMIT, "this host has more than %d addresses", ORL_HOST_NETS_MAX);
    }
    list[(*count)++] = copy;
    return 0;
}

static int read_file(const char *dir, const char *file, char *ret_text, struct orl_err *err)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", dir, file);
    ORL_AUTO(orl_close_auto) int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t n = fd < 0 ? -1 : 1;
    while (n > 0 && len < FILE_MAX) {
        n = read(fd, ret_text + len, FILE_MAX - len);
        len += n > 0 ? (size_t)n : 0;
    }
    if (n < 0) {
        return orl_err_sys(err, errno, "%s", path);
    }
    if (len == FILE_MAX) {
        return orl_err_set(err, ORL_E_LIMIT, "%s is too long", path);
    }
    ret_text[len] = '\0';
    return 0;
}

/* "|-- 10.0.2.0" and below it "/24 link UNICAST" for a network, "/32 host LOCAL" for an address, "/32 link BROADCAST". */
static int parse_trie(char *text, struct orl_host_nets *nets, struct orl_err *err)
{
    char *rest = NULL;
    char at[INET6_ADDRSTRLEN] = "";
    int r = 0;
    for (char *line = strtok_r(text, "\n", &rest); line && r == 0;
            line = strtok_r(NULL, "\n", &rest)) {
        char full[INET6_ADDRSTRLEN + 4];
        unsigned bits = 0;
        int end = 0;
        struct orl_addr_net net;
        const char *leaf = strstr(line, "|-- ");
        if (leaf) {
            (void)snprintf(at, sizeof at, "%s", leaf + 4);
            continue;
        }
        const char *slash = strchr(line, '/');
        if (!slash || at[0] == '\0' || sscanf(slash, "/%2u %n", &bits, &end) != 1 || end == 0) {
            continue;
        }
        const char *kind = slash + end;
        bool is_address =
                strncmp(kind, "host LOCAL", 10) == 0 || strncmp(kind, "link BROADCAST", 14) == 0;
        (void)snprintf(full, sizeof full, "%s/%u", at, bits);
        if (bits == 0) { /* a default route over a line between two is no network of the host's */
            continue;
        }
        if ((is_address || strncmp(kind, "link UNICAST", 12) == 0) &&
                orl_addr_net_parse(full, &net)) {
            r = is_address ? add(nets->addresses, &nets->address_count, &net, err)
                           : add(nets->subnets, &nets->subnet_count, &net, err);
        }
    }
    return r;
}

/* "fe80000000000000021122fffe334455 02 40 20 80     eth0" */
static int parse_inet6(char *text, struct orl_host_nets *nets, struct orl_err *err)
{
    char *rest = NULL;
    int r = 0;
    for (char *line = strtok_r(text, "\n", &rest); line && r == 0;
            line = strtok_r(NULL, "\n", &rest)) {
        struct orl_addr_net net = {.bits = ALL_BITS};
        unsigned bits = 0;
        bool is_whole = strspn(line, "0123456789abcdef") == (size_t)2 * V6_BYTES &&
                        sscanf(line + 2 * V6_BYTES, " %*x %2x", &bits) == 1 && bits <= ALL_BITS;
        for (unsigned i = 0; is_whole && i < V6_BYTES; i++) {
            unsigned byte = 0;
            is_whole = sscanf(line + (size_t)2 * i, "%2x", &byte) == 1;
            net.bytes[i] = (uint8_t)byte;
        }
        if (!is_whole) {
            return orl_err_set(err, ORL_E_PROTO, "if_inet6 has a line that is none");
        }
        r = add(nets->addresses, &nets->address_count, &net, err);
        net.bits = bits;
        r = r < 0 || bits == ALL_BITS ? r : add(nets->subnets, &nets->subnet_count, &net, err);
    }
    return r;
}

int orl_host_nets_read(const char *dir, struct orl_host_nets *nets, struct orl_err *err)
{
    ORL_AUTO(orl_free_auto) char *text = malloc(FILE_MAX + 1);
    if (!text) {
        return orl_err_set(err, ORL_E_NOMEM, "the host's addresses");
    }
    int r = read_file(dir, "fib_trie", text, err);
    r = r < 0 ? r : parse_trie(text, nets, err);
    if (r < 0) {
        return r;
    }
    struct orl_err none = {0};
    r = read_file(dir, "if_inet6", text, &none);
    if (r < 0 && none.sys_errno == ENOENT) { /* a kernel without IPv6 */
        return 0;
    }
    return r < 0 ? orl_err_set(err, r, "%s", none.text) : parse_inet6(text, nets, err);
}

/* Who made the listening socket: libvirtd itself, or the init that holds it for one. Both are where the bridges are. */
int orl_host_nets_dir(const char *socket_path, char *ret_dir, size_t size, struct orl_err *err)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    uid_t uid = 0;
    pid_t pid = 0;
    if (strlen(socket_path) >= sizeof un.sun_path) {
        return orl_err_set(err, ORL_E_INVAL, "%s is too long", socket_path);
    }
    memcpy(un.sun_path, socket_path, strlen(socket_path) + 1);
    ORL_AUTO(orl_close_auto)
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&un, sizeof un) < 0) {
        return orl_err_sys(err, errno, "%s", socket_path);
    }
    int r = orl_ipc_peer(fd, &uid, &pid, err);
    if (r == 0) {
        (void)snprintf(ret_dir, size, "/proc/%ld/net", (long)pid);
    }
    return r;
}
