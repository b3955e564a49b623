#include "vmpool/network_filter.h"
#include "vmpool/guest_address.h"
#include "vmpool/guest_rdp.h"
#include "vmpool/xml_text.h"
#include <stdio.h>
#include <string.h>

/* Rules are tried in the order of these, whatever their order in the text. */
enum { FIRST = -900, TALK = -800, BLOCK = -500, WORLD = 0, LAST = 900 };

#define MINE "srcipaddr='$ADDRESS'"
#define TO_ME "dstipaddr='$ADDRESS'"
#define MINE6 "srcipaddr='$ADDRESS6'"
#define TO_ME6 "dstipaddr='$ADDRESS6'"
#define LINK_LOCAL6 "srcipaddr='fe80::' srcipmask='10'"

struct filter {
    struct orl_buf *out;
    char gateway[ORL_GUEST_ADDRESS_MAX];
    char gateway6[ORL_GUEST_ADDRESS_MAX];
};

/* Nobody's, everybody's, and those of a machine for itself. */
static const char *const never[] = {
        "0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "::/96", "fe80::/10", "ff00::/8"};

bool orl_network_block_is_valid(const char *entry)
{
    struct orl_addr_net net;
    return strcmp(entry, ORL_NETWORK_BLOCK_HOST) == 0 || orl_addr_net_parse(entry, &net);
}

static void block(struct orl_network_block *list, const struct orl_addr_net *net)
{
    if (list->count < sizeof list->list / sizeof list->list[0]) {
        list->list[list->count++] = *net;
    }
}

static void block_text(struct orl_network_block *list, const char *text)
{
    struct orl_addr_net net;
    if (orl_addr_net_parse(text, &net)) {
        block(list, &net);
    }
}

void orl_network_block_make(const struct orl_network_plan *plan, const struct orl_host_nets *host,
        char *const *guest_block, struct orl_network_block *ret_block)
{
    bool is_bridged = plan->mode == ORL_NETWORK_BRIDGED;
    ret_block->count = 0;
    if (plan->mode == ORL_NETWORK_NAT || plan->mode == ORL_NETWORK_ROUTED) {
        block(ret_block, &plan->v4);
    }
    if (plan->has_v6) {
        block(ret_block, &plan->v6);
    }
    for (unsigned i = 0; i < host->address_count; i++) {
        block(ret_block, &host->addresses[i]);
    }
    for (unsigned i = 0; i < sizeof never / sizeof never[0]; i++) {
        block_text(ret_block, never[i]);
    }
    for (unsigned i = 0; guest_block[i] && i < ORL_ADDR_NETS_MAX; i++) {
        bool is_host = strcmp(guest_block[i], ORL_NETWORK_BLOCK_HOST) == 0;
        for (unsigned j = 0; is_host && !is_bridged && j < host->subnet_count; j++) {
            block(ret_block, &host->subnets[j]);
        }
        if (!is_host) {
            block_text(ret_block, guest_block[i]);
        }
    }
    ret_block->count = orl_addr_nets_reduce(ret_block->list, ret_block->count);
}

/* what: an element of ours, "<ip .../>". */
static void rule(const struct filter *f, const char *action, const char *direction, int priority,
        const char *what)
{
    orl_xml_putf(f->out, "  <rule action='%s' direction='%s' priority='%d'>%s</rule>\n", action,
            direction, priority, what);
}

static void put_block(const struct filter *f, const struct orl_network_block *list)
{
    char address[ORL_GUEST_ADDRESS_MAX];
    char what[160];
    for (unsigned i = 0; i < list->count; i++) {
        const struct orl_addr_net *net = &list->list[i];
        const char *kind = orl_addr_net_is_v4(net) ? "ip" : "ipv6";
        unsigned bits = orl_addr_net_bits(net);
        orl_addr_net_text(net, address, sizeof address);
        (void)snprintf(
                what, sizeof what, "<%s dstipaddr='%s' dstipmask='%u'/>", kind, address, bits);
        rule(f, "drop", "out", BLOCK, what);
        (void)snprintf(
                what, sizeof what, "<%s srcipaddr='%s' srcipmask='%u'/>", kind, address, bits);
        rule(f, "drop", "in", BLOCK, what);
    }
}

struct service { /* between guest and host, both ways */
    const char *kind, *protocol;
    const char *own, *to_own; /* the guest's address as source and destination */
    const char *gateway;
    unsigned guest_port;            /* 0: any */
    unsigned host_port, host_ports; /* that many from it on */
};

static void put_ports(char ret[64], const char *side, unsigned port, unsigned count)
{
    ret[0] = '\0';
    if (port > 0 && count > 1) {
        (void)snprintf(
                ret, 64, " %sportstart='%u' %sportend='%u'", side, port, side, port + count - 1);
    } else if (port > 0) {
        (void)snprintf(ret, 64, " %sportstart='%u'", side, port);
    }
}

static void put_service(const struct filter *f, const struct service *s)
{
    char what[320];
    char guest[64];
    char host[64];
    put_ports(guest, "src", s->guest_port, 1);
    put_ports(host, "dst", s->host_port, s->host_ports);
    (void)snprintf(what, sizeof what, "<%s %s dstipaddr='%s' protocol='%s'%s%s/>", s->kind, s->own,
            s->gateway, s->protocol, guest, host);
    rule(f, "accept", "out", TALK, what);
    put_ports(guest, "dst", s->guest_port, 1);
    put_ports(host, "src", s->host_port, s->host_ports);
    (void)snprintf(what, sizeof what, "<%s srcipaddr='%s' %s protocol='%s'%s%s/>", s->kind,
            s->gateway, s->to_own, s->protocol, host, guest);
    rule(f, "accept", "in", TALK, what);
}

/* Asking for the gateway, saying who one is, asking whether somebody else is; nobody else's business. */
static void put_arp(const struct filter *f)
{
    char what[320];
    (void)snprintf(what, sizeof what,
            "<arp arpsrcmacaddr='$MAC' arpsrcipaddr='$ADDRESS' arpdstipaddr='%s'/>", f->gateway);
    rule(f, "accept", "out", TALK, what);
    rule(f, "accept", "out", TALK,
            "<arp arpsrcmacaddr='$MAC' arpsrcipaddr='$ADDRESS' arpdstipaddr='$ADDRESS'/>");
    rule(f, "accept", "out", TALK,
            "<arp arpsrcmacaddr='$MAC' arpsrcipaddr='0.0.0.0' arpdstipaddr='$ADDRESS'/>");
    (void)snprintf(what, sizeof what, "<arp arpsrcipaddr='%s'/>", f->gateway);
    rule(f, "accept", "in", TALK, what);
}

static void put_v4(const struct filter *f)
{
    char what[320];
    const struct service services[] = {
            {"ip", "udp", MINE, TO_ME, f->gateway, 0, 53, 1},
            {"ip", "tcp", MINE, TO_ME, f->gateway, 0, 53, 1},
            {"ip", "udp", MINE, TO_ME, f->gateway, 68, 67, 1},
            {"ip", "tcp", MINE, TO_ME, f->gateway, ORL_GUEST_RDP_PORT, ORL_GUEST_RDP_FROM,
                    ORL_GUEST_RDP_FROM_COUNT},
    };
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        put_service(f, &services[i]);
    }
    rule(f, "accept", "out", TALK,
            "<ip srcipaddr='0.0.0.0' dstipaddr='255.255.255.255' protocol='udp' srcportstart='68' "
            "dstportstart='67'/>");
    (void)snprintf(what, sizeof what,
            "<ip srcipaddr='%s' protocol='udp' srcportstart='67' dstportstart='68'/>", f->gateway);
    rule(f, "accept", "in", TALK, what);
    /* The way to somewhere is too narrow, or there is none. */
    (void)snprintf(what, sizeof what, "<ip srcipaddr='%s' " TO_ME " protocol='icmp'/>", f->gateway);
    rule(f, "accept", "in", TALK, what);
    rule(f, "accept", "out", WORLD, "<ip " MINE "/>");
    rule(f, "accept", "in", WORLD, "<ip " TO_ME "/>");
}

/* Neighbours are asked for and told of; routers are only listened to: RFC 4861. */
static void put_v6(const struct filter *f)
{
    static const char *const talk[] = {
            "<ipv6 srcipaddr='::' protocol='icmpv6' type='135'/>",
            "<ipv6 " LINK_LOCAL6 " protocol='icmpv6' type='135' typeend='136'/>",
            "<ipv6 " MINE6 " protocol='icmpv6' type='135' typeend='136'/>",
            "<ipv6 srcipaddr='::' protocol='icmpv6' type='133'/>",
            "<ipv6 " LINK_LOCAL6 " protocol='icmpv6' type='133'/>",
    };
    char what[320];
    const struct service services[] = {
            {"ipv6", "udp", MINE6, TO_ME6, f->gateway6, 0, 53, 1},
            {"ipv6", "tcp", MINE6, TO_ME6, f->gateway6, 0, 53, 1},
    };
    for (size_t i = 0; i < sizeof talk / sizeof talk[0]; i++) {
        rule(f, "accept", "out", TALK, talk[i]);
    }
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        put_service(f, &services[i]);
    }
    rule(f, "accept", "in", TALK,
            "<ipv6 " LINK_LOCAL6 " protocol='icmpv6' type='134' typeend='136'/>");
    (void)snprintf(what, sizeof what,
            "<ipv6 srcipaddr='%s' protocol='icmpv6' type='135' typeend='136'/>", f->gateway6);
    rule(f, "accept", "in", TALK, what);
    (void)snprintf(what, sizeof what,
            "<ipv6 srcipaddr='%s' " TO_ME6 " protocol='icmpv6' type='1' typeend='4'/>",
            f->gateway6);
    rule(f, "accept", "in", TALK, what);
    rule(f, "accept", "out", WORLD, "<ipv6 " MINE6 "/>");
    rule(f, "accept", "in", WORLD, "<ipv6 " TO_ME6 "/>");
}

/* Who gives addresses on that network is not ours, so libvirt watches for what it gave: $IP. No one can watch in
 * IPv6: there a guest may have any address, but be no router and no DHCP server. Link-local addresses and groups,
 * which the host has and is in as well, are for finding neighbours (RFC 4861), groups (RFC 3810) and an address. */
static void put_bridged(const struct filter *f)
{
    static const char *const out[] = {
            "<arp arpsrcmacaddr='$MAC' arpsrcipaddr='$IP'/>",
            "<arp arpsrcmacaddr='$MAC' arpsrcipaddr='0.0.0.0'/>",
            "<ip srcipaddr='0.0.0.0' dstipaddr='255.255.255.255' protocol='udp' srcportstart='68' "
            "dstportstart='67'/>",
            "<ip srcipaddr='$IP' dstipaddr='255.255.255.255' protocol='udp' srcportstart='68' "
            "dstportstart='67'/>",
            "<ipv6 protocol='icmpv6' type='133'/>",
            "<ipv6 protocol='icmpv6' type='135' typeend='136'/>",
            "<ipv6 protocol='icmpv6' type='131' typeend='132'/>",
            "<ipv6 protocol='icmpv6' type='143'/>",
            "<ipv6 " LINK_LOCAL6 " dstipaddr='ff02::1:2' protocol='udp' srcportstart='546' "
            "dstportstart='547'/>",
    };
    static const char *const in[] = {
            "<arp/>",
            "<ipv6 srcipaddr='::' protocol='icmpv6' type='135'/>",
            "<ipv6 " LINK_LOCAL6 " protocol='icmpv6' type='130'/>",
            "<ipv6 " LINK_LOCAL6 " protocol='icmpv6' type='134' typeend='136'/>",
            "<ipv6 " LINK_LOCAL6 " protocol='udp' srcportstart='547' dstportstart='546'/>",
    };
    for (size_t i = 0; i < sizeof out / sizeof out[0]; i++) {
        rule(f, "accept", "out", TALK, out[i]);
    }
    for (size_t i = 0; i < sizeof in / sizeof in[0]; i++) {
        rule(f, "accept", "in", TALK, in[i]);
    }
    rule(f, "drop", "out", BLOCK, "<ip protocol='udp' srcportstart='67'/>");
    rule(f, "drop", "out", BLOCK, "<ipv6 protocol='udp' srcportstart='547'/>");
    rule(f, "drop", "out", BLOCK, "<ipv6 protocol='icmpv6' type='134'/>");
    rule(f, "drop", "out", BLOCK, "<ipv6 protocol='icmpv6' type='137'/>");
    rule(f, "accept", "out", WORLD, "<ip srcipaddr='$IP'/>");
    rule(f, "accept", "out", WORLD, "<ipv6/>");
    rule(f, "accept", "in", WORLD, "<ip/>");
    rule(f, "accept", "in", WORLD, "<ipv6/>");
}

void orl_network_filter_xml(struct orl_buf *out, const struct orl_network_plan *plan,
        const struct orl_network_block *list, const char *installation, const char *uuid)
{
    char name[ORL_VM_NAME_MAX + 1];
    struct filter f = {.out = out};
    orl_network_name(name, plan->mode, installation);
    orl_xml_putf(out, "<filter");
    orl_xml_attr(out, "name", name);
    orl_xml_putf(out, " chain='root'>\n");
    if (uuid[0]) {
        orl_xml_putf(out, "  ");
        orl_xml_element(out, "uuid", uuid);
        orl_xml_putf(out, "\n");
    }
    if (plan->mode != ORL_NETWORK_ISOLATED) {
        rule(&f, "drop", "out", FIRST, "<mac match='no' srcmacaddr='$MAC'/>");
    }
    if (plan->mode == ORL_NETWORK_BRIDGED) {
        put_bridged(&f);
        put_block(&f, list);
    } else if (plan->mode != ORL_NETWORK_ISOLATED) {
        orl_guest_net_gateway(&plan->v4, f.gateway);
        put_arp(&f);
        put_v4(&f);
        if (plan->has_v6) {
            orl_guest_net_gateway(&plan->v6, f.gateway6);
            put_v6(&f);
        }
        put_block(&f, list);
    }
    /* A rule without a protocol is one for every frame. */
    rule(&f, "drop", "inout", LAST, "");
    orl_xml_putf(out, "</filter>\n");
    orl_buf_put_u8(out, 0);
}

static void parameter(struct orl_buf *out, const char *name, const char *value)
{
    orl_xml_putf(out, "<parameter");
    orl_xml_attr(out, "name", name);
    orl_xml_attr(out, "value", value);
    orl_xml_putf(out, "/>");
}

void orl_network_filter_ref(struct orl_buf *out, const struct orl_vm_network *network,
        const char *mac, const char *address)
{
    char address6[ORL_GUEST_ADDRESS_MAX];
    orl_xml_putf(out, "      <filterref");
    orl_xml_attr(out, "filter", network->filter);
    if (network->mode == ORL_NETWORK_ISOLATED) {
        orl_xml_putf(out, "/>\n");
        return;
    }
    orl_xml_putf(out, ">");
    if (network->has_addresses) {
        parameter(out, "ADDRESS", address);
    }
    if (network->has_addresses && network->has_v6 &&
            orl_guest_net_address_v6(&network->v6, mac, address6)) {
        parameter(out, "ADDRESS6", address6);
    }
    if (network->mode == ORL_NETWORK_BRIDGED) {
        parameter(out, "CTRL_IP_LEARNING", "dhcp");
    }
    orl_xml_putf(out, "</filterref>\n");
}
