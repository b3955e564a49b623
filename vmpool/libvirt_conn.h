/* The connection to libvirt: opened when needed, dropped when dead, shared by all workers; and the one
 * thread that runs libvirt's event loop. Events say "look again"; only a guest's own reboot leaves no trace
 * to look at. */
#ifndef ORL_VMPOOL_LIBVIRT_CONN_H
#define ORL_VMPOOL_LIBVIRT_CONN_H
#include "base/err.h"
#include <libvirt/libvirt.h>

struct orl_libvirt;
/* On the event thread: wake a loop, nothing more. rebooted: UUID of a guest that restarted itself, else
 * NULL: something else happened to some machine. */
typedef void (*orl_libvirt_event_fn)(void *ctx, const char *rebooted);

/* Before any other use of libvirt in this process: registers its event loop. Does not connect. */
ORL_NODISCARD int orl_libvirt_new(const char *uri, orl_libvirt_event_fn fn, void *ctx,
        struct orl_libvirt **ret_lv, struct orl_err *err);
/* No call may be under way. NULL is fine. */
void orl_libvirt_free(struct orl_libvirt *lv);
/* A reference to the connection (virConnectClose() it), opened now if there is none. */
ORL_NODISCARD int orl_libvirt_get(
        struct orl_libvirt *lv, virConnectPtr *ret_conn, struct orl_err *err);
/* Fills err from libvirt's last error on this thread. */
int orl_libvirt_err(struct orl_err *err, const char *what);
/* Whether libvirt's last error on this thread says "no such domain". */
int orl_libvirt_is_absent(void);
void orl_libvirt_unref_auto(virConnectPtr *conn);
void orl_libvirt_domain_auto(virDomainPtr *domain);
/* The domain, or ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_libvirt_find(
        virConnectPtr conn, const char *uuid, virDomainPtr *ret_domain, struct orl_err *err);

#endif
