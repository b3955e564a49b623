/* Which golden images this host's pools want, and why some want none. */
#include "vmpool/golden_want.h"
#include "base/sha256.h"
#include "vmpool/domain_xml.h"
#include <stdio.h>
#include <string.h>

const char *orl_golden_fault(const struct orl_pool_row *pool, const struct orl_template_row *t,
        const struct orl_vm_spec *spec)
{
    if (pool->clone_method == ORL_CLONE_COLD) {
        return "";
    }
    if (pool->kind != ORL_POOL_FLOATING) {
        return "a desktop that is kept boots by itself";
    }
    if (t->path[0] == '\0') {
        return "the template has no disk";
    }
    if (spec->is_windows) {
        return "no identity can be set in Windows";
    }
    if (spec->res.has_tpm || spec->res.has_uefi) {
        return "each desktop has a TPM or firmware settings of its own";
    }
    if (pool->clone_method == ORL_CLONE_INSTANT && spec->res.balloon_min_mib > 0) {
        return "with a balloon a guest could change memory that others share";
    }
    return NULL;
}

int orl_golden_devices(const struct orl_vm_spec *spec, char ret_hex[ORL_SHA256_HEX_LEN + 1])
{
    struct orl_vm_spec same = *spec;
    struct orl_buf xml;
    static const char id[] = "00000000000000000000000000000000";
    same.golden.role = ORL_VM_GOLDEN_MAKE;
    same.golden.ram[0] = '\0';
    same.network.name[0] = '\0';
    (void)snprintf(same.name, sizeof same.name, "oriel-000000000000-1");
    (void)snprintf(same.uuid, sizeof same.uuid, "%s", spec->meta.installation);
    (void)snprintf(same.machine, sizeof same.machine, "pc-q35-0.0");
    (void)snprintf(same.overlay, sizeof same.overlay, "/");
    memset(&same.meta, 0, sizeof same.meta);
    memcpy(same.meta.desktop, id, sizeof id);
    /* Which version of the template it is, is said elsewhere. */
    same.kernel[0] = same.initrd[0] = same.cmdline[0] = '\0';
    orl_buf_init(&xml, ORL_DOMAIN_XML_MAX);
    int r = orl_domain_xml_build(&same, ORL_DOMAIN_XML_QEMU, &xml, NULL);
    if (r == 0) {
        orl_sha256(xml.data, xml.len, ret_hex);
    }
    orl_buf_fini(&xml);
    return r;
}

bool orl_golden_want_of(const struct orl_pool_row *pool, const struct orl_template_row *t,
        const struct orl_vm_spec *spec, uint64_t qemu, bool is_shared,
        struct orl_golden_want *ret_want)
{
    struct orl_golden_want want = {.template_version = t->version,
            .qemu = qemu,
            .is_shared = is_shared,
            .memory_mib = spec->memory_mib,
            .vcpus = spec->vcpus};
    struct orl_vm_spec own = *spec;
    own.golden.is_shared = is_shared;
    bool is_other = pool->clone_method == ORL_CLONE_INSTANT   ? !is_shared
                    : pool->clone_method == ORL_CLONE_RESTORE ? is_shared
                                                              : false;
    if (is_other || (is_shared && spec->res.balloon_min_mib > 0) ||
            orl_golden_fault(pool, t, spec) || t->state != ORL_TEMPLATE_READY ||
            orl_golden_devices(&own, want.devices) < 0) {
        return false;
    }
    (void)snprintf(want.template_name, sizeof want.template_name, "%s", t->name);
    (void)snprintf(want.machine, sizeof want.machine, "%s", spec->machine);
    *ret_want = want;
    return true;
}
