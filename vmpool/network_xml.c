#include "vmpool/network_xml.h"
#include "vmpool/xml_text.h"
#include <stdio.h>
#include <string.h>

enum { SHORT_LEN = 8 };
#define FNV_OFFSET UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

void orl_network_name(char ret_name[ORL_VM_NAME_MAX + 1], const char *installation)
{
    (void)snprintf(ret_name, ORL_VM_NAME_MAX + 1, "oriel-isolated-%.*s", SHORT_LEN, installation);
}

/* No <forward>, no <ip>: libvirt then gives the bridge no address and starts no dnsmasq. */
void orl_network_xml(struct orl_buf *out, const char *installation)
{
    char name[ORL_VM_NAME_MAX + 1];
    char bridge[16]; /* IFNAMSIZ */
    orl_network_name(name, installation);
    (void)snprintf(bridge, sizeof bridge, "orl-%.*s", SHORT_LEN, installation);
    orl_xml_putf(out, "<network>\n  ");
    orl_xml_element(out, "name", name);
    orl_xml_putf(out, "\n  <bridge");
    orl_xml_attr(out, "name", bridge);
    orl_xml_putf(out, " stp='off' delay='0'/>\n</network>\n");
    orl_buf_put_u8(out, 0);
}

/* A rule without a protocol is one for every frame. */
void orl_network_filter_xml(struct orl_buf *out, const char *installation)
{
    char name[ORL_VM_NAME_MAX + 1];
    orl_network_name(name, installation);
    orl_xml_putf(out, "<filter");
    orl_xml_attr(out, "name", name);
    orl_xml_putf(out, ">\n  <rule action='drop' direction='inout' priority='-1000'/>\n</filter>\n");
    orl_buf_put_u8(out, 0);
}

/* What libvirt prints has its text escaped: "<x" is an element. */
const char *orl_network_fault(const char *xml, bool is_ours)
{
    if (strstr(xml, "<forward")) {
        return "it has a <forward>: guests could reach other networks";
    }
    if (is_ours && (strstr(xml, "<ip ") || strstr(xml, "<route"))) {
        return "it has an <ip> or a <route> that Oriel did not give it";
    }
    return is_ours && !strstr(xml, "<bridge name='orl-") ? "it has another bridge" : NULL;
}

const char *orl_network_filter_fault(const char *xml)
{
    const char *first = strstr(xml, "<rule ");
    const char *drop = strstr(xml, "<rule action='drop' direction='inout'");
    bool is_alone = first && !strstr(first + 1, "<rule ") && !strstr(xml, "<filterref");
    return is_alone && drop == first ? NULL : "its filter is not the one that Oriel made";
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
