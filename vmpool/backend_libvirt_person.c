/* What a person's stay needs of a running machine: the hook's port, the home's disk. */
#include "base/cleanup.h"
#include "base/hook_wire.h"
#include "vmpool/backend_libvirt_priv.h"
#include "vmpool/channel_pump.h"
#include "vmpool/home_disk.h"
#include "vmpool/overlay.h"
#include "vmpool/xml_text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DISK_XML_MAX = 4096, AGENT_TIMEOUT_S = 3, MIB = 1024 * 1024 };
#define TARGET "vdz"

static int find(const struct orl_backend_libvirt *self, const char *uuid, virConnectPtr *ret_conn,
        virDomainPtr *ret_domain, struct orl_err *err)
{
    int r = orl_libvirt_get(self->lv, ret_conn, err);
    return r < 0 ? r : orl_libvirt_find(*ret_conn, uuid, ret_domain, err);
}

struct orl_bl_ports orl_bl_ports(virDomainPtr domain)
{
    ORL_AUTO(orl_free_auto) char *xml = virDomainGetXMLDesc(domain, 0);
    return (struct orl_bl_ports){
            .has_hook = xml && strstr(xml, "name='" ORL_HOOK_PORT "' state='connected'"),
            .has_agent = xml && strstr(xml, "name='org.qemu.guest_agent.0' state='connected'")};
}

int orl_bl_hook_open(void *self, const char *uuid, int *ret_fd, struct orl_err *err)
{
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    ORL_AUTO(orl_libvirt_domain_auto) virDomainPtr domain = NULL;
    int r = find(self, uuid, &conn, &domain, err);
    return r < 0 ? r : orl_channel_open(conn, domain, ORL_HOOK_PORT, ret_fd, err);
}

static void put_disk(struct orl_buf *out, const struct orl_vm_home *home)
{
    orl_xml_putf(out,
            "<disk type='file' device='disk'>"
            "<driver name='qemu' type='qcow2' cache='%s' error_policy='stop'"
            " discard='unmap'/><source",
            home->is_buffered ? "writeback" : "none");
    orl_xml_attr(out, "file", home->path);
    orl_xml_putf(out,
            "/><target dev='" TARGET "' bus='virtio'/><serial>" ORL_HOME_SERIAL "</serial></disk>");
    orl_buf_put_u8(out, 0);
}

/* Never smaller; its file system follows in the guest. By QEMU, which may write to the file where we may not. A home
 * that does not grow is a home all the same. */
static void grow(virDomainPtr domain, const struct orl_vm_home *home)
{
    virDomainBlockInfo info = {0};
    unsigned long long wanted = home->size_mib * MIB;
    if (virDomainGetBlockInfo(domain, TARGET, &info, 0) == 0 && info.capacity < wanted) {
        (void)virDomainBlockResize(domain, TARGET, wanted, VIR_DOMAIN_BLOCK_RESIZE_BYTES);
    }
}

int orl_bl_home_attach(
        void *self, const char *uuid, const struct orl_vm_home *home, struct orl_err *err)
{
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    ORL_AUTO(orl_libvirt_domain_auto) virDomainPtr domain = NULL;
    struct orl_vm_home found = *home;
    int r = find(self, uuid, &conn, &domain, err);
    if (r < 0) {
        return r;
    }
    ORL_AUTO(orl_free_auto) char *xml = virDomainGetXMLDesc(domain, 0);
    if (!xml) {
        return orl_libvirt_err(err, "the machine's disks");
    }
    if (strstr(xml, "<serial>" ORL_HOME_SERIAL "</serial>")) {
        return strstr(xml, home->path)
                       ? 0
                       : orl_err_set(err, ORL_E_CONFLICT, "another home is attached");
    }
    r = orl_home_disk_make(home, err);
    if (r < 0) {
        return r;
    }
    found.is_buffered = !orl_overlay_has_direct(home->path);
    struct orl_buf disk;
    orl_buf_init(&disk, DISK_XML_MAX);
    put_disk(&disk, &found);
    if (disk.is_failed || virDomainAttachDeviceFlags(
                                  domain, (const char *)disk.data, VIR_DOMAIN_AFFECT_LIVE) < 0) {
        r = orl_libvirt_err(err, "attaching the home");
    } else {
        grow(domain, home);
    }
    orl_buf_fini(&disk);
    return r;
}

static uint64_t first_login_ms(const virTypedParameterPtr params, int count, unsigned users)
{
    uint64_t first_ms = UINT64_MAX;
    for (unsigned i = 0; i < users && i < (unsigned)count; i++) {
        char name[48];
        unsigned long long login_ms = UINT64_MAX;
        (void)snprintf(name, sizeof name, "user.%u.login-time", i);
        (void)virTypedParamsGetULLong(params, count, name, &login_ms);
        first_ms = login_ms < first_ms ? login_ms : first_ms;
    }
    return first_ms;
}

/* libvirt reads the agent's answer, and takes a bounded number of users. */
int orl_bl_users(void *self, const char *uuid, struct orl_vm_users *ret_users, struct orl_err *err)
{
    struct orl_vm_users users = {0};
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    ORL_AUTO(orl_libvirt_domain_auto) virDomainPtr domain = NULL;
    virTypedParameterPtr params = NULL;
    int count = 0;
    int r = find(self, uuid, &conn, &domain, err);
    if (r < 0) {
        return r;
    }
    if (virDomainAgentSetResponseTimeout(domain, AGENT_TIMEOUT_S, 0) < 0 ||
            virDomainGetGuestInfo(domain, VIR_DOMAIN_GUEST_INFO_USERS, &params, &count, 0) < 0) {
        return orl_libvirt_err(err, "the guest's users");
    }
    if (virTypedParamsGetUInt(params, count, "user.count", &users.count) != 1) {
        r = orl_err_set(err, ORL_E_BACKEND, "the guest's agent does not say who is in");
    } else {
        users.first_login_ms = first_login_ms(params, count, users.count);
        *ret_users = users;
    }
    virTypedParamsFree(params, count);
    return r;
}
