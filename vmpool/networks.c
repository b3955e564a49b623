/* The networks that pools ask for: looked at with each observation, given to their machines with an address. */
#include "store/lease_address.h"
#include "vmpool/guest_address.h"
#include "vmpool/network_xml.h"
#include "vmpool/reconcile_priv.h"
#include <stdio.h>
#include <string.h>

static struct orl_job_net *find(
        struct orl_job_net *nets, size_t count, enum orl_network_mode mode, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (nets[i].mode == mode && strcmp(nets[i].name, name) == 0) {
            return &nets[i];
        }
    }
    return NULL;
}

const struct orl_job_net *orl_networks_find(
        const struct orl_reconcile *r, enum orl_network_mode mode, const char *name)
{
    return find((struct orl_job_net *)r->nets, r->net_count, mode, name);
}

void orl_networks_want(struct orl_reconcile *r, const struct orl_rows *rows)
{
    struct orl_job_net next[ORL_JOB_NETS_MAX];
    size_t count = 1;
    next[0] = r->nets[0];
    for (size_t i = 0; i < rows->pool_count && count < ORL_JOB_NETS_MAX; i++) {
        const struct orl_pool_network *net = &rows->pools[i].net;
        enum orl_network_mode mode = (enum orl_network_mode)net->mode;
        if (rows->pools[i].kind == ORL_POOL_STATIC || find(next, count, mode, net->name)) {
            continue;
        }
        const struct orl_job_net *known = find(r->nets, r->net_count, mode, net->name);
        next[count] = known ? *known : (struct orl_job_net){.mode = mode};
        orl_msg_text(next[count].name, sizeof next[count].name, net->name);
        r->must_repeat = r->must_repeat || !known;
        count++;
    }
    memcpy(r->nets, next, count * sizeof next[0]);
    r->net_count = count;
}

void orl_networks_ask(const struct orl_reconcile *r, struct orl_job *job)
{
    memcpy(job->nets, r->nets, sizeof job->nets);
    job->net_count = r->net_count;
}

static void tell(struct orl_reconcile *r, const struct orl_job_net *net)
{
    const char *kind = net->network.name[0] ? net->network.name : net->name;
    if (net->fault[0]) {
        orl_log_warn(&r->log, "new guests get no network card", "network", kind, "why", net->fault);
    } else {
        orl_log_info(&r->log, "guests' network", "name", kind);
    }
}

void orl_networks_note(struct orl_reconcile *r, const struct orl_job *job)
{
    for (size_t i = 0; i < job->net_count; i++) {
        const struct orl_job_net *now = &job->nets[i];
        struct orl_job_net *known = find(r->nets, r->net_count, now->mode, now->name);
        if (!known) {
            continue; /* no pool asks for it any more */
        }
        bool is_new = !known->is_known || strcmp(known->fault, now->fault) != 0 ||
                      strcmp(known->network.name, now->network.name) != 0;
        *known = *now;
        if (is_new) {
            r->heartbeat_ms = 0;
            tell(r, now);
        }
    }
}

static int give_address(const struct orl_reconcile *r, struct orl_vm_spec *spec, uint64_t now_ms,
        struct orl_err *err)
{
    char mac[18];
    uint32_t slot = 0;
    orl_network_mac(mac, spec->meta.desktop, spec->meta.version);
    const struct orl_lease_address want = {.host = r->cfg.host,
            .network = spec->network.name,
            .mac = mac,
            .desktop = spec->meta.desktop,
            .slots = orl_guest_net_slots(&spec->network.v4)};
    int rc = orl_lease_address_take(r->cfg.store, &want, now_ms, &slot, err);
    if (rc == 0) {
        orl_guest_net_address(&spec->network.v4, slot, spec->address);
    }
    return rc;
}

int orl_networks_give(const struct orl_reconcile *r, const struct orl_pool_row *pool,
        struct orl_vm_spec *spec, uint64_t now_ms, struct orl_err *err)
{
    enum orl_network_mode mode = (enum orl_network_mode)pool->net.mode;
    const struct orl_job_net *net = orl_networks_find(r, mode, pool->net.name);
    bool is_default = net == &r->nets[0];
    if (!net) {
        return orl_err_set(err, ORL_E_LIMIT, "pools have more than %d networks", ORL_JOB_NETS_MAX);
    }
    if (!net->is_known) {
        return orl_err_set(err, ORL_E_AGAIN, "the network was not looked at yet");
    }
    if (net->fault[0] && !is_default) { /* isolated guests do without a card */
        return orl_err_set(err, ORL_E_BACKEND, "%s", net->fault);
    }
    spec->network = net->network;
    return spec->network.has_addresses ? give_address(r, spec, now_ms, err) : 0;
}
