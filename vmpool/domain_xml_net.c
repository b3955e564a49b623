/* A machine's network card; also by itself, for one that gets it while it runs. */
#include "vmpool/domain_xml.h"
#include "vmpool/network_filter.h"
#include "vmpool/network_xml.h"
#include "vmpool/xml_text.h"

void orl_domain_xml_interface(struct orl_buf *out, const struct orl_vm_spec *spec, bool has_link)
{
    char mac[18];
    const char *type = spec->network.is_bridge ? "bridge" : "network";
    if (!spec->network.name[0]) {
        return;
    }
    orl_network_mac(mac, spec->meta.desktop, spec->meta.version);
    orl_xml_putf(out, "    <interface type='%s'>\n      <mac", type);
    orl_xml_attr(out, "address", mac);
    orl_xml_putf(out, "/>\n      <source");
    orl_xml_attr(out, type, spec->network.name);
    orl_xml_putf(out, "/>\n      <model type='virtio'/>\n");
    if (spec->network.filter[0]) {
        orl_network_filter_ref(out, &spec->network, mac, spec->address);
    }
    if (!has_link) {
        orl_xml_putf(out, "      <link state='down'/>\n");
    }
    orl_xml_putf(out, "      <port isolated='yes'/>\n    </interface>\n");
}
