#include "vmpool/network_xml.h"
#include "vmpool/guest_address.h"
#include "vmpool/host_nets.h"
#include "vmpool/xml_text.h"
#include <stdio.h>
#include <string.h>

enum { SHORT_LEN = 8, BRIDGE_MAX = 16 /* IFNAMSIZ */, LEASE_MINUTES = 10 };
#define FNV_OFFSET UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

static const char *mode_name(enum orl_network_mode mode)
{
    static const char *const names[] = {"isolated", "nat", "routed", "bridged", "none"};
    return (unsigned)mode < sizeof names / sizeof names[0] ? names[mode] : "none";
}

void orl_network_name(
        char ret_name[ORL_VM_NAME_MAX + 1], enum orl_network_mode mode, const char *installation)
{
    (void)snprintf(ret_name, ORL_VM_NAME_MAX + 1, "oriel-%s-%.*s", mode_name(mode), SHORT_LEN,
            installation);
}

static void bridge_name(
        char ret_name[BRIDGE_MAX], enum orl_network_mode mode, const char *installation)
{
    char letter = mode == ORL_NETWORK_NAT ? 'n' : mode == ORL_NETWORK_ROUTED ? 'r' : 'l';
    (void)snprintf(ret_name, BRIDGE_MAX, "or%c-%.*s", letter, SHORT_LEN, installation);
}

/* As libvirt prints it: what comes back is compared with it. */
static void put_ip(struct orl_buf *out, const struct orl_addr_net *net)
{
    char gateway[ORL_GUEST_ADDRESS_MAX];
    orl_guest_net_gateway(net, gateway);
    orl_xml_putf(out, "<ip%s", orl_addr_net_is_v4(net) ? "" : " family='ipv6'");
    orl_xml_attr(out, "address", gateway);
    orl_xml_putf(out, " prefix='%u'", orl_addr_net_bits(net));
}

/* isolated: no <forward>, no <ip>: libvirt then gives the bridge no address and starts no dnsmasq. */
void orl_network_xml(
        struct orl_buf *out, const struct orl_network_plan *plan, const char *installation)
{
    char name[ORL_VM_NAME_MAX + 1];
    char bridge[BRIDGE_MAX];
    orl_network_name(name, plan->mode, installation);
    bridge_name(bridge, plan->mode, installation);
    orl_xml_putf(out, "<network>\n  ");
    orl_xml_element(out, "name", name);
    if (plan->mode == ORL_NETWORK_NAT) {
        orl_xml_putf(out, "\n  <forward mode='nat'>%s</forward>",
                plan->has_v6 ? "<nat ipv6='yes'/>" : "");
    } else if (plan->mode == ORL_NETWORK_ROUTED) {
        orl_xml_putf(out, "\n  <forward mode='route'/>");
    }
    orl_xml_putf(out, "\n  <bridge");
    orl_xml_attr(out, "name", bridge);
    orl_xml_putf(out, " stp='off' delay='0'/>\n");
    if (plan->mode != ORL_NETWORK_ISOLATED) {
        orl_xml_putf(out, "  ");
        put_ip(out, &plan->v4);
        orl_xml_putf(out, "/>\n");
    }
    if (plan->mode != ORL_NETWORK_ISOLATED && plan->has_v6) {
        orl_xml_putf(out, "  ");
        put_ip(out, &plan->v6);
        orl_xml_putf(out, "/>\n");
    }
    orl_xml_putf(out, "</network>\n");
    orl_buf_put_u8(out, 0);
}

static unsigned count(const char *xml, const char *what)
{
    unsigned n = 0;
    for (const char *at = strstr(xml, what); at; at = strstr(at + 1, what)) {
        n++;
    }
    return n;
}

static bool has_ip(const char *xml, const struct orl_addr_net *net)
{
    struct orl_buf ip;
    orl_buf_init(&ip, 256);
    put_ip(&ip, net);
    orl_buf_put_u8(&ip, 0);
    bool has = !ip.is_failed && strstr(xml, (const char *)ip.data);
    orl_buf_fini(&ip);
    return has;
}

const char *orl_network_foreign_fault(const char *xml)
{
    if (strstr(xml, "<forward")) {
        return "it has a <forward>: guests could reach other networks";
    }
    return strstr(xml, "<ip ") || strstr(xml, " ipv6='yes'")
                   ? "it has an <ip> or ipv6='yes': guests could reach this host"
                   : NULL;
}

/* What libvirt prints has its text escaped: "<x" is an element. */
const char *orl_network_fault(
        const char *xml, const struct orl_network_plan *plan, const char *installation)
{
    char bridge[BRIDGE_MAX];
    char want[64];
    bridge_name(bridge, plan->mode, installation);
    (void)snprintf(want, sizeof want, "<bridge name='%s'", bridge);
    bool is_isolated = plan->mode == ORL_NETWORK_ISOLATED;
    const char *forward =
            plan->mode == ORL_NETWORK_NAT ? "<forward mode='nat'" : "<forward mode='route'";
    unsigned ips = is_isolated ? 0 : plan->has_v6 ? 2 : 1;
    if (is_isolated && strstr(xml, "<forward")) {
        return orl_network_foreign_fault(xml);
    }
    if (count(xml, "<forward ") != !is_isolated || (!is_isolated && !strstr(xml, forward))) {
        return "it has another <forward> than Oriel gave it";
    }
    if (count(xml, "<ip ") != ips || strstr(xml, "<route") ||
            (ips > 0 && !has_ip(xml, &plan->v4)) || (ips > 1 && !has_ip(xml, &plan->v6))) {
        return "it has an <ip> or a <route> that Oriel did not give it; if a network in "
               "vmpool.yaml was "
               "changed, destroy and undefine it while no guest uses it";
    }
    return strstr(xml, want) ? NULL : "it has another bridge";
}

void orl_network_host_xml(struct orl_buf *out, const char *mac, const char *address)
{
    orl_xml_putf(out, "<host");
    if (mac) {
        orl_xml_attr(out, "mac", mac);
    }
    if (address) {
        orl_xml_attr(out, "ip", address);
    }
    if (mac &&
            address) { /* short: dnsmasq does not give an address anew before the former card's time is over */
        orl_xml_putf(out, "><lease expiry='%d' unit='minutes'/></host>", LEASE_MINUTES);
    } else {
        orl_xml_putf(out, "/>");
    }
    orl_buf_put_u8(out, 0);
}

void orl_network_mac(char ret_mac[18], const char *desktop, uint64_t version)
{
    uint64_t hash = FNV_OFFSET;
    for (const char *at = desktop; *at; at++) {
        hash = (hash ^ (uint8_t)*at) * FNV_PRIME;
    }
    for (unsigned i = 0; i < sizeof version; i++) {
        hash = (hash ^ (uint8_t)(version >> (8 * i))) * FNV_PRIME;
    }
    (void)snprintf(ret_mac, 18, "02:%02x:%02x:%02x:%02x:%02x", (unsigned)(hash >> 56),
            (unsigned)(hash >> 48 & 0xff), (unsigned)(hash >> 40 & 0xff),
            (unsigned)(hash >> 32 & 0xff), (unsigned)(hash >> 24 & 0xff));
}
