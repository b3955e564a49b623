#include "vmpool/static_domain.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORT_MAX = 65535 };

static const char prefix[] = "domain:";
/* What follows where it is shown by RDP (store/rdp_login.h). */
static const char beside[] = " rdp:";

bool orl_static_domain_is(const char *target)
{
    return strncmp(target, prefix, sizeof prefix - 1) == 0;
}

bool orl_static_domain_parse(const char *target, struct orl_static_domain *ret_domain)
{
    if (!orl_static_domain_is(target)) {
        return false;
    }
    const char *name = target + sizeof prefix - 1;
    const char *rdp = strstr(name, beside);
    size_t all = rdp ? (size_t)(rdp - name) : strlen(name);
    size_t len = strcspn(name, "@");
    len = len < all ? len : all;
    const char *uri = len < all ? name + len + 1 : name + all;
    size_t uri_len = (size_t)(name + all - uri);
    if (len == 0 || len > ORL_STATIC_DOMAIN_MAX || strcspn(name, "/\n") < len ||
            uri_len > ORL_TEXT_MAX || (len < all && !memmem(uri, uri_len, "://", 3))) {
        return false;
    }
    memcpy(ret_domain->name, name, len);
    ret_domain->name[len] = '\0';
    memcpy(ret_domain->uri, uri, uri_len);
    ret_domain->uri[uri_len] = '\0';
    return true;
}

/* "qemu+ssh://user@host:22/system?..." */
void orl_static_domain_host(const char *uri, char *ret_host, size_t size)
{
    const char *at = strstr(uri, "://");
    at = at ? at + 3 : "";
    size_t len = strcspn(at, "/?");
    const char *user_end = memchr(at, '@', len);
    if (user_end) {
        len -= (size_t)(user_end + 1 - at);
        at = user_end + 1;
    }
    size_t host_len = at[0] == '[' ? strcspn(at, "]") + 1 : strcspn(at, ":/?");
    host_len = host_len < len ? host_len : len;
    (void)snprintf(ret_host, size, "%.*s", (int)host_len, at);
}

/* An attribute of the element that begins at xml; libvirt quotes with ' and escapes. */
static bool attribute(const char *xml, const char *name, char *ret, size_t size)
{
    char want[32];
    size_t end = strcspn(xml, ">");
    int want_len = snprintf(want, sizeof want, " %s='", name);
    const char *at = memmem(xml, end, want, (size_t)want_len);
    if (!at) {
        return false;
    }
    at += want_len;
    size_t len = strcspn(at, "'");
    if (len >= size || at + len > xml + end) {
        return false;
    }
    memcpy(ret, at, len);
    ret[len] = '\0';
    return true;
}

static bool is_anywhere(const char *address)
{
    return address[0] == '\0' || strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

/* One that listens on its host's loopback only is out of reach from another host: connecting says so. */
static void read_vnc(const char *xml, const char *host, char *ret, size_t size)
{
    char socket[ORL_TEXT_MAX - 8];
    char port[8];
    char listen[128] = "";
    ret[0] = '\0';
    if (attribute(xml, "socket", socket, sizeof socket)) {
        if (!host[0]) {
            (void)snprintf(ret, size, "unix:%s", socket);
        }
        return;
    }
    if (!attribute(xml, "port", port, sizeof port) || strspn(port, "0123456789") != strlen(port)) {
        return;
    }
    unsigned long number = strtoul(port, NULL, 10);
    if (number == 0 || number > PORT_MAX) {
        return;
    }
    (void)attribute(xml, "listen", listen, sizeof listen);
    const char *address = !is_anywhere(listen) ? listen : host[0] ? host : "127.0.0.1";
    bool is_v6 = strchr(address, ':') && address[0] != '[';
    (void)snprintf(ret, size, is_v6 ? "[%s]:%lu" : "%s:%lu", address, number);
}

void orl_static_domain_graphics(
        const char *xml, const char *host, struct orl_static_graphics *ret_graphics)
{
    int index = 0;
    char type[16];
    char p2p[8];
    *ret_graphics = (struct orl_static_graphics){
            .vnc_index = ORL_STATIC_GRAPHICS_NONE, .dbus_index = ORL_STATIC_GRAPHICS_NONE};
    for (const char *at = strstr(xml, "<graphics "); at;
            at = strstr(at + 1, "<graphics "), index++) {
        if (!attribute(at, "type", type, sizeof type)) {
            continue;
        }
        if (strcmp(type, "vnc") == 0 && ret_graphics->vnc_index < 0) {
            ret_graphics->vnc_index = index;
            read_vnc(at, host, ret_graphics->vnc, sizeof ret_graphics->vnc);
        } else if (strcmp(type, "dbus") == 0 && ret_graphics->dbus_index < 0 &&
                   attribute(at, "p2p", p2p, sizeof p2p) && strcmp(p2p, "yes") == 0) {
            ret_graphics->dbus_index = index;
        }
    }
}
