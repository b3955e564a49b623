#include "vmpool/vm_meta.h"
#include "vmpool/xml_text.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {"floating", "dedicated", "probe", "golden"};
enum { KIND_COUNT = sizeof kind_names / sizeof kind_names[0], NAME_ID_LEN = 12 };

const char *orl_vm_kind_name(enum orl_vm_kind kind)
{
    return (unsigned)kind < KIND_COUNT ? kind_names[kind] : "floating";
}

void orl_vm_meta_put(struct orl_buf *out, const struct orl_vm_meta *meta, bool with_namespace)
{
    orl_xml_putf(
            out, with_namespace ? "<oriel:machine xmlns:oriel='" ORL_VM_META_URI "'" : "<machine");
    orl_xml_attr(out, "installation", meta->installation);
    orl_xml_attr(out, "pool", meta->pool);
    orl_xml_attr(out, "kind", orl_vm_kind_name(meta->kind));
    orl_xml_attr(out, "desktop", meta->desktop);
    orl_xml_putf(out, " version='%" PRIu64 "' stamp='%" PRIu64 "'", meta->version, meta->stamp_ms);
    if (meta->user[0]) {
        orl_xml_attr(out, "user", meta->user);
    }
    if (meta->is_quarantined) {
        orl_xml_putf(out, " quarantined='yes'");
    }
    orl_xml_putf(out, "/>");
}

/* Our values hold no quote and no entity: of what libvirt wrote back, the text between two quotes. */
static bool attr_of(const char *xml, const char *name, char *ret, size_t size)
{
    char needle[32];
    int len = snprintf(needle, sizeof needle, " %s=", name);
    const char *at = len > 0 && (size_t)len < sizeof needle ? strstr(xml, needle) : NULL;
    if (!at) {
        return false;
    }
    at += len;
    char quote = *at;
    const char *end = quote == '"' || quote == '\'' ? strchr(at + 1, quote) : NULL;
    if (!end || (size_t)(end - at - 1) >= size) {
        return false;
    }
    memcpy(ret, at + 1, (size_t)(end - at - 1));
    ret[end - at - 1] = '\0';
    return true;
}

static bool number_of(const char *xml, const char *name, uint64_t *ret)
{
    char text[24];
    if (!attr_of(xml, name, text, sizeof text) || text[0] < '0' || text[0] > '9') {
        return false;
    }
    char *end = NULL;
    unsigned long long value = strtoull(text, &end, 10);
    *ret = value;
    return end && *end == '\0' && value < UINT64_MAX;
}

int orl_vm_meta_parse(const char *xml, struct orl_vm_meta *ret_meta)
{
    struct orl_vm_meta meta = {0};
    char kind[16];
    char quarantined[8];
    if (!attr_of(xml, "installation", meta.installation, sizeof meta.installation) ||
            !attr_of(xml, "pool", meta.pool, sizeof meta.pool) ||
            !attr_of(xml, "kind", kind, sizeof kind) ||
            !attr_of(xml, "desktop", meta.desktop, sizeof meta.desktop) ||
            !number_of(xml, "version", &meta.version) || !number_of(xml, "stamp", &meta.stamp_ms) ||
            !orl_uuid_is_valid(meta.installation) || !orl_id_is_valid(meta.desktop)) {
        return ORL_E_PROTO;
    }
    /* A name that XML had to escape is not one that we can give a machine back to. */
    if (!attr_of(xml, "user", meta.user, sizeof meta.user) || strchr(meta.user, '&')) {
        meta.user[0] = '\0';
    }
    meta.is_quarantined = attr_of(xml, "quarantined", quarantined, sizeof quarantined);
    for (unsigned i = 0; i < KIND_COUNT; i++) {
        if (strcmp(kind, kind_names[i]) == 0) {
            meta.kind = (enum orl_vm_kind)i;
            *ret_meta = meta;
            return 0;
        }
    }
    return ORL_E_PROTO;
}

bool orl_vm_meta_is_of(const struct orl_vm_meta *meta, const char *installation)
{
    return strcmp(meta->installation, installation) == 0;
}

void orl_vm_name(char ret_name[ORL_VM_NAME_MAX + 1], const char *desktop, uint64_t version)
{
    (void)snprintf(
            ret_name, ORL_VM_NAME_MAX + 1, "oriel-%.*s-%" PRIu64, NAME_ID_LEN, desktop, version);
}

bool orl_vm_name_is_ours(const char *name)
{
    if (strncmp(name, "oriel-", 6) != 0 || strspn(name + 6, "0123456789abcdef") != NAME_ID_LEN) {
        return false;
    }
    const char *version = name + 6 + NAME_ID_LEN;
    size_t digits = *version == '-' ? strspn(version + 1, "0123456789") : 0;
    return digits > 0 && digits <= 20 && version[1 + digits] == '\0';
}
