/* Existing machines of any libvirt as static desktops: which one, and what its XML says about its display. Pure.
 * Not here: asking libvirt (vmpool/backend_libvirt_static.c), connecting (vmpool/static_target.h). */
#ifndef ORL_VMPOOL_STATIC_DOMAIN_H
#define ORL_VMPOOL_STATIC_DOMAIN_H
#include "vmpool/backend.h"

#define ORL_STATIC_DOMAIN_MAX 127

/* "domain:NAME_OR_UUID", or "domain:NAME_OR_UUID@URI" on another libvirt than vmpool's own; what follows for RDP is left out. */
struct orl_static_domain {
    char name[ORL_STATIC_DOMAIN_MAX + 1];
    char uri[ORL_TEXT_MAX + 1]; /* empty: vmpool's own */
};
bool orl_static_domain_is(const char *target); /* of that form at all */
bool orl_static_domain_parse(const char *target, struct orl_static_domain *ret_domain);
/* Whose host name the URI has, or "" for this host. */
void orl_static_domain_host(const char *uri, char *ret_host, size_t size);

enum { ORL_STATIC_GRAPHICS_NONE = -1 };
struct orl_static_graphics {
    int vnc_index,
            dbus_index; /* as virDomainOpenGraphicsFD() counts; ORL_STATIC_GRAPHICS_NONE: none */
    char vnc[ORL_TEXT_MAX + 1]; /* "host:port" or "unix:PATH", where it listens; empty: nowhere */
};
/* xml: of a running machine. host: where that libvirt is, "" for this host. */
void orl_static_domain_graphics(
        const char *xml, const char *host, struct orl_static_graphics *ret_graphics);

#endif
