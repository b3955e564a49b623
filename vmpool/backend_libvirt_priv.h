/* The parts of the libvirt backend, for each other. Each function is one of vmpool/backend.h. */
#ifndef ORL_VMPOOL_BACKEND_LIBVIRT_PRIV_H
#define ORL_VMPOOL_BACKEND_LIBVIRT_PRIV_H
#include "vmpool/backend.h"
#include "vmpool/domain_xml.h"
#include "vmpool/libvirt_conn.h"

struct orl_backend_libvirt {
    struct orl_libvirt *lv;
    char images_dir[ORL_VM_PATH_MAX + 1];
    char installation[ORL_UUID_LEN + 1];
    enum orl_domain_xml_type xml_type;
    char network[ORL_VM_NAME_MAX + 1]; /* empty: none */
    bool is_own_network;
    bool wants_dbus_display;
};

int orl_bl_clone(void *self, const struct orl_vm_spec *spec, struct orl_err *err);
int orl_bl_start(void *self, const char *uuid, struct orl_err *err);
int orl_bl_stop(void *self, const char *uuid, enum orl_vm_stop how, struct orl_err *err);
int orl_bl_remove(void *self, const char *uuid, const char *overlay, struct orl_err *err);
int orl_bl_mark(void *self, const char *uuid, const char *user, struct orl_err *err);
int orl_bl_quarantine(void *self, const char *uuid, struct orl_err *err);
int orl_bl_list(void *self, struct orl_vm_list *ret_list, struct orl_err *err);
int orl_bl_host(void *self, struct orl_vm_host *ret_host, struct orl_err *err);
int orl_bl_network(void *self, struct orl_vm_network *ret_network, struct orl_err *err);
int orl_bl_look(void *self, const char *uuid, struct orl_vm_look *ret_look, struct orl_err *err);
int orl_bl_console(void *self, const char *uuid, int *ret_fd, struct orl_err *err);
int orl_bl_display(void *self, const char *uuid, int *ret_fd, struct orl_err *err);
int orl_bl_boot_test(void *self, const struct orl_vm_spec *spec, const char *marker,
        unsigned timeout_ms, struct orl_err *err);

/* From virDomainGetState(). */
enum orl_vm_state orl_bl_state(int state, int reason);
/* ORL_E_NOTFOUND: not a machine of ours (another's, or without metadata). */
ORL_NODISCARD int orl_bl_meta(virDomainPtr domain, struct orl_vm_meta *ret_meta);

#endif
