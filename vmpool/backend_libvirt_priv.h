/* The parts of the libvirt backend, for each other. Each function is one of vmpool/backend.h. */
#ifndef ORL_VMPOOL_BACKEND_LIBVIRT_PRIV_H
#define ORL_VMPOOL_BACKEND_LIBVIRT_PRIV_H
#include "vmpool/backend.h"
#include "vmpool/domain_xml.h"
#include "vmpool/golden_files.h"
#include "vmpool/libvirt_conn.h"
#include "vmpool/network_xml.h"

struct orl_backend_libvirt {
    struct orl_libvirt *lv;
    char images_dir[ORL_VM_PATH_MAX + 1];
    char installation[ORL_UUID_LEN + 1];
    enum orl_domain_xml_type xml_type;
    char uri[ORL_VM_PATH_MAX + 1];
    char isolated[ORL_VM_NAME_MAX + 1]; /* the administrator's; empty: ours */
    bool has_no_isolated;
    struct orl_network_plan nat, routed;
    char *const *guest_block;
    char *const *static_uris;
    /* One call at a time, orl_bl_network(), uses the next three. */
    struct orl_bl_filter {
        char *ours, *theirs; /* as we said it, as libvirt said it then */
    } filters[ORL_NETWORK_NONE];
    char host_dir[ORL_VM_PATH_MAX + 1]; /* its addresses: vmpool/host_nets.h */
    virConnectPtr host_dir_of;          /* never followed */
    bool wants_dbus_display;
    struct orl_golden_dirs golden;
};

/* What of the guest holds its end of a port just now. */
struct orl_bl_ports {
    bool has_hook, has_agent;
};

int orl_bl_clone(void *self, const struct orl_vm_spec *spec, struct orl_err *err);
int orl_bl_start(void *self, const char *uuid, struct orl_err *err);
int orl_bl_stop(void *self, const char *uuid, enum orl_vm_stop how, struct orl_err *err);
int orl_bl_suspend(void *self, const char *uuid, struct orl_err *err);
int orl_bl_wake(void *self, const char *uuid, struct orl_err *err);
int orl_bl_remove(void *self, const char *uuid, const char *overlay, struct orl_err *err);
int orl_bl_mark(void *self, const char *uuid, const char *user, struct orl_err *err);
int orl_bl_quarantine(void *self, const char *uuid, struct orl_err *err);
int orl_bl_list(void *self, struct orl_vm_list *ret_list, struct orl_err *err);
int orl_bl_host(void *self, struct orl_vm_host *ret_host, struct orl_err *err);
int orl_bl_network(void *self, enum orl_network_mode mode, const char *name,
        struct orl_vm_network *ret_network, struct orl_err *err);
int orl_bl_look(void *self, const char *uuid, struct orl_vm_look *ret_look, struct orl_err *err);
int orl_bl_card(void *self, const char *uuid, struct orl_vm_card *ret_card, struct orl_err *err);
int orl_bl_ask(void *self, const char *uuid, const char *script, bool is_windows,
        unsigned timeout_ms, const atomic_bool *is_cancelled, struct orl_vm_answer *ret_answer,
        struct orl_err *err);
int orl_bl_hook_open(void *self, const char *uuid, int *ret_fd, struct orl_err *err);
int orl_bl_users(void *self, const char *uuid, struct orl_vm_users *ret_users, struct orl_err *err);
int orl_bl_home_attach(
        void *self, const char *uuid, const struct orl_vm_home *home, struct orl_err *err);
struct orl_bl_ports orl_bl_ports(virDomainPtr domain);
int orl_bl_console(void *self, const char *uuid, int *ret_fd, struct orl_err *err);
int orl_bl_display(void *self, const char *uuid, int *ret_fd, struct orl_err *err);
int orl_bl_static_display(void *self, const struct orl_vm_static *want,
        struct orl_vm_static_display *ret_display, struct orl_err *err);
int orl_bl_boot_test(void *self, const struct orl_vm_spec *spec, const char *marker,
        unsigned timeout_ms, struct orl_err *err);

int orl_bl_golden_boot(void *self, const struct orl_vm_spec *spec, struct orl_err *err);
int orl_bl_golden_freeze(void *self, const struct orl_vm_spec *spec, struct orl_err *err);
int orl_bl_golden_remove(void *self, const char *id, const char *uuid, struct orl_err *err);
int orl_bl_resume(void *self, const struct orl_vm_spec *spec,
        const struct orl_vm_identity *identity, struct orl_vm_look *ret_look, struct orl_err *err);

/* The domain of that UUID, if it carries our installation's. ORL_E_NOTFOUND, ORL_E_DENIED. */
ORL_NODISCARD int orl_bl_find_ours(const struct orl_backend_libvirt *self, const char *uuid,
        virConnectPtr *ret_conn, virDomainPtr *ret_domain, struct orl_err *err);
/* Ends it and its definition. Absent is success; another's is ORL_E_DENIED. */
ORL_NODISCARD int orl_bl_forget(
        const struct orl_backend_libvirt *self, const char *uuid, struct orl_err *err);
/* What of spec only this host can tell: displays, agents, the file system's ways. */
void orl_bl_complete(
        const struct orl_backend_libvirt *self, virConnectPtr conn, struct orl_vm_spec *spec);
/* Starts a machine from spec; a definition that it has under the same UUID stays as it is. flags: libvirt's. */
ORL_NODISCARD int orl_bl_create(const struct orl_backend_libvirt *self, virConnectPtr conn,
        const struct orl_vm_spec *spec, unsigned flags, virDomainPtr *ret_domain,
        struct orl_err *err);

/* Makes the filter of that network as the host is now. */
ORL_NODISCARD int orl_bl_filter(struct orl_backend_libvirt *self, virConnectPtr conn,
        const struct orl_network_plan *plan, char ret_name[ORL_VM_NAME_MAX + 1],
        struct orl_err *err);
/* The DHCP server's reservation for the machine's card, where its network has addresses: from its specification, or
 * as it is defined. */
ORL_NODISCARD int orl_bl_lease(
        virConnectPtr conn, const struct orl_vm_spec *spec, struct orl_err *err);
ORL_NODISCARD int orl_bl_lease_again(virConnectPtr conn, virDomainPtr domain, struct orl_err *err);
void orl_bl_lease_end(virConnectPtr conn, virDomainPtr domain);
/* Adds those of our networks to list, whoever has the cards. */
ORL_NODISCARD int orl_bl_reservations(
        const struct orl_backend_libvirt *self, struct orl_vm_list *list, struct orl_err *err);
int orl_bl_unreserve(void *self, const char *network, const char *mac, struct orl_err *err);

/* As orl_bl_look(). is_agent_known: its agent has answered just now, and is not asked once more. */
ORL_NODISCARD int orl_bl_look_at(const struct orl_backend_libvirt *self, virConnectPtr conn,
        virDomainPtr domain, bool is_agent_known, struct orl_vm_look *ret_look,
        struct orl_err *err);
bool orl_bl_agent_answers(virDomainPtr domain);
/* Where its agent answers; else it keeps what it has. */
void orl_bl_set_clock(virDomainPtr domain);
/* From virDomainGetState(). */
enum orl_vm_state orl_bl_state(int state, int reason);
/* ORL_E_NOTFOUND: not a machine of ours (another's, or without metadata). */
ORL_NODISCARD int orl_bl_meta(virDomainPtr domain, struct orl_vm_meta *ret_meta);

#endif
