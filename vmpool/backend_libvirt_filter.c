/* The filters at guests' cards: made anew when the host has other addresses than they were made for, or when
 * somebody changed them. libvirt then sets the rules of all running guests. */
#include "base/cleanup.h"
#include "vmpool/backend_libvirt_priv.h"
#include "vmpool/network_filter.h"
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char own_dir[] = "/proc/self/net";

/* From "...?socket=PATH", or where libvirtd has it; one of the modular daemons without it. */
static void socket_of(const char *uri, char *ret_path, size_t size)
{
    static const char *const usual[] = {"/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"};
    const char *given = strstr(uri, "socket=");
    if (given) {
        given += strlen("socket=");
        (void)snprintf(ret_path, size, "%.*s", (int)strcspn(given, "&"), given);
        return;
    }
    (void)snprintf(ret_path, size, "%s", access(usual[0], F_OK) == 0 ? usual[0] : usual[1]);
}

static int read_both(const char *dir, struct orl_host_nets *nets, struct orl_err *err)
{
    nets->address_count = 0;
    nets->subnet_count = 0;
    int r = orl_host_nets_read(own_dir, nets, err);
    return r < 0 ? r : orl_host_nets_read(dir, nets, err);
}

/* Those that we see, and those of libvirtd, which may be in a network namespace of its own. Asking who it is makes
 * a connection: its answer is kept until it is gone. */
static int read_host(struct orl_backend_libvirt *self, virConnectPtr conn,
        struct orl_host_nets *nets, struct orl_err *err)
{
    if (self->host_dir[0] && self->host_dir_of == conn &&
            read_both(self->host_dir, nets, NULL) == 0) {
        return 0;
    }
    char path[sizeof self->host_dir];
    socket_of(self->uri, path, sizeof path);
    int r = orl_host_nets_dir(path, self->host_dir, sizeof self->host_dir, err);
    r = r < 0 ? r : read_both(self->host_dir, nets, err);
    self->host_dir_of = conn;
    return r < 0 ? orl_err_prefix(err, "the host's addresses can't be read") : 0;
}

/* is_new: what is there is not what we made of the host as it is now. */
static int define(
        struct orl_bl_filter *kept, virConnectPtr conn, const char *xml, struct orl_err *err)
{
    virNWFilterPtr filter = virNWFilterDefineXML(conn, xml);
    char *theirs = filter ? virNWFilterGetXMLDesc(filter, 0) : NULL;
    if (filter) {
        (void)virNWFilterFree(filter);
    }
    if (!theirs) {
        return orl_libvirt_err(err, "making the network's filter");
    }
    free(kept->ours);
    free(kept->theirs);
    kept->ours = strdup(xml);
    kept->theirs = theirs;
    return kept->ours ? 0 : orl_err_set(err, ORL_E_NOMEM, "the network's filter");
}

static int put_filter(struct orl_backend_libvirt *self, virConnectPtr conn,
        const struct orl_network_plan *plan, const struct orl_network_block *block,
        const char *name, struct orl_err *err)
{
    struct orl_bl_filter *kept = &self->filters[plan->mode];
    char uuid[VIR_UUID_STRING_BUFLEN] = "";
    virNWFilterPtr there = virNWFilterLookupByName(conn, name);
    ORL_AUTO(orl_free_auto) char *theirs = there ? virNWFilterGetXMLDesc(there, 0) : NULL;
    if (there && virNWFilterGetUUIDString(there, uuid) < 0) {
        uuid[0] = '\0';
    }
    if (there) {
        (void)virNWFilterFree(there);
    }
    struct orl_buf xml;
    orl_buf_init(&xml, ORL_NETWORK_FILTER_MAX);
    orl_network_filter_xml(&xml, plan, block, self->installation, uuid);
    int r = 0;
    if (xml.is_failed) {
        r = orl_err_set(err, ORL_E_LIMIT, "the network's filter is too long");
    } else if (!theirs || !kept->ours || strcmp(theirs, kept->theirs) != 0 ||
               strcmp((const char *)xml.data, kept->ours) != 0) {
        r = define(kept, conn, (const char *)xml.data, err);
    }
    orl_buf_fini(&xml);
    return r;
}

int orl_bl_filter(struct orl_backend_libvirt *self, virConnectPtr conn,
        const struct orl_network_plan *plan, char ret_name[ORL_VM_NAME_MAX + 1],
        struct orl_err *err)
{
    ORL_AUTO(orl_free_auto) struct orl_host_nets *nets = calloc(1, sizeof *nets);
    ORL_AUTO(orl_free_auto) struct orl_network_block *block = calloc(1, sizeof *block);
    char name[ORL_VM_NAME_MAX + 1];
    if (!nets || !block) {
        return orl_err_set(err, ORL_E_NOMEM, "the network's filter");
    }
    orl_network_name(name, plan->mode, self->installation);
    int r = plan->mode == ORL_NETWORK_ISOLATED ? 0 : read_host(self, conn, nets, err);
    if (r == 0) {
        orl_network_block_make(plan, nets, self->guest_block, block);
        r = put_filter(self, conn, plan, block, name, err);
    }
    if (r == 0) {
        (void)snprintf(ret_name, ORL_VM_NAME_MAX + 1, "%s", name);
    }
    return r;
}
