/* Reaching into running machines: display, agent, serial line. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "vmpool/backend_libvirt_priv.h"
#include "vmpool/paint.h"
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum {
    GRAPHICS_VNC = 0, /* indexes among the domain's <graphics>: domain_xml.c */
    GRAPHICS_DBUS = 1,
    SCREEN_FIRST = 0,
    AGENT_TIMEOUT_S = 2,
    MS_PER_S = 1000,
    NS_PER_MS = 1000000,
    PICTURE_TIMEOUT_MS = 5000,
    PICTURE_CHUNK = 65536,
    PICTURE_POLL_MS = 5,
    SERIAL_KEEP = 8192,
    SERIAL_POLL_MS = 50,
};

static int open_display(virDomainPtr domain, unsigned index, int *ret_fd, struct orl_err *err)
{
    int fd = virDomainOpenGraphicsFD(domain, index, VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH);
    if (fd < 0) {
        return orl_libvirt_err(err, "opening the display");
    }
    *ret_fd = fd;
    return 0;
}

static int find(const struct orl_backend_libvirt *self, const char *uuid, virConnectPtr *ret_conn,
        virDomainPtr *ret_domain, struct orl_err *err)
{
    int r = orl_libvirt_get(self->lv, ret_conn, err);
    return r < 0 ? r : orl_libvirt_find(*ret_conn, uuid, ret_domain, err);
}

static int open_graphics(const struct orl_backend_libvirt *self, const char *uuid, unsigned index,
        int *ret_fd, struct orl_err *err)
{
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    ORL_AUTO(orl_libvirt_domain_auto) virDomainPtr domain = NULL;
    int r = find(self, uuid, &conn, &domain, err);
    return r < 0 ? r : open_display(domain, index, ret_fd, err);
}

int orl_bl_console(void *self_, const char *uuid, int *ret_fd, struct orl_err *err)
{
    return open_graphics(self_, uuid, GRAPHICS_VNC, ret_fd, err);
}

int orl_bl_display(void *self_, const char *uuid, int *ret_fd, struct orl_err *err)
{
    return open_graphics(self_, uuid, GRAPHICS_DBUS, ret_fd, err);
}

/* The agent is root in the guest: this and the time are all that it is asked of a desktop that runs. */
bool orl_bl_agent_answers(virDomainPtr domain)
{
    ORL_AUTO(orl_free_auto)
    char *reply =
            virDomainQemuAgentCommand(domain, "{\"execute\":\"guest-ping\"}", AGENT_TIMEOUT_S, 0);
    return reply != NULL;
}

void orl_bl_set_clock(virDomainPtr domain)
{
    if (orl_bl_agent_answers(domain)) {
        uint64_t now_ms = orl_clock_wall_ms();
        (void)virDomainSetTime(domain, (long long)(now_ms / MS_PER_S),
                (unsigned)(now_ms % MS_PER_S) * NS_PER_MS, 0);
    }
}

/* Takes what the stream brings until the picture is whole. */
static int read_picture(virStreamPtr stream, struct orl_paint *paint, struct orl_err *err)
{
    uint64_t deadline_us = orl_clock_now_us() + PICTURE_TIMEOUT_MS * ORL_US_PER_MS;
    ORL_AUTO(orl_free_auto) char *chunk = malloc(PICTURE_CHUNK);
    int r = chunk ? 0 : ORL_E_NOMEM;
    while (r == 0 && !orl_paint_is_done(paint)) {
        int n = virStreamRecv(stream, chunk, PICTURE_CHUNK);
        if (orl_clock_now_us() >= deadline_us) {
            r = ORL_E_TIMEOUT;
        } else if (n == -2) {
            (void)poll(NULL, 0, PICTURE_POLL_MS);
        } else if (n <= 0) {
            return n < 0 ? orl_libvirt_err(err, "a picture of the screen")
                         : orl_err_set(err, ORL_E_PROTO, "a picture of the screen ends too early");
        } else {
            r = orl_paint_feed(paint, chunk, (size_t)n);
        }
    }
    return r < 0 ? orl_err_set(err, r, "a picture of the screen: %s", orl_err_name(r)) : 0;
}

static int take_picture(
        virConnectPtr conn, virDomainPtr domain, unsigned *ret_percent, struct orl_err *err)
{
    struct orl_paint *paint = NULL;
    int r = orl_paint_new(&paint, err);
    virStreamPtr stream = r < 0 ? NULL : virStreamNew(conn, VIR_STREAM_NONBLOCK);
    ORL_AUTO(orl_free_auto)
    char *mime = stream ? virDomainScreenshot(domain, stream, SCREEN_FIRST, 0) : NULL;
    if (r == 0 && !mime) {
        r = orl_libvirt_err(err, "a picture of the screen");
    } else if (r == 0) {
        r = read_picture(stream, paint, err);
        *ret_percent = r < 0 ? 0 : orl_paint_percent(paint);
    }
    if (stream) {
        (void)virStreamAbort(stream);
        (void)virStreamFree(stream);
    }
    orl_paint_free(paint);
    return r;
}

int orl_bl_look_at(const struct orl_backend_libvirt *self, virConnectPtr conn, virDomainPtr domain,
        bool is_agent_known, struct orl_vm_look *ret_look, struct orl_err *err)
{
    struct orl_vm_look look = {0};
    int state = 0;
    int reason = 0;
    int r = 0;
    virDomainInfo info;
    if (virDomainGetState(domain, &state, &reason, 0) < 0 || virDomainGetInfo(domain, &info) < 0) {
        return orl_libvirt_err(err, "a domain's state");
    }
    look.cpu_ms = info.cpuTime / NS_PER_MS;
    look.is_running = orl_bl_state(state, reason) == ORL_VM_RUNNING;
    if (look.is_running && self->xml_type == ORL_DOMAIN_XML_QEMU) {
        r = take_picture(conn, domain, &look.painted_percent, err);
        look.has_picture = r == 0;
        look.has_agent = look.has_picture && (is_agent_known || orl_bl_agent_answers(domain));
        look.has_hook = look.has_picture && orl_bl_ports(domain).has_hook;
    }
    if (r == 0) {
        *ret_look = look;
    }
    return r;
}

int orl_bl_look(void *self_, const char *uuid, struct orl_vm_look *ret_look, struct orl_err *err)
{
    const struct orl_backend_libvirt *self = self_;
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    ORL_AUTO(orl_libvirt_domain_auto) virDomainPtr domain = NULL;
    int r = find(self, uuid, &conn, &domain, err);
    return r < 0 ? r : orl_bl_look_at(self, conn, domain, false, ret_look, err);
}

/* Appends what came, keeps the end; true when marker is in it. */
static bool feed(char *kept, size_t *len, const char *data, size_t data_len, const char *marker)
{
    if (data_len >= SERIAL_KEEP / 2) {
        data += data_len - SERIAL_KEEP / 2;
        data_len = SERIAL_KEEP / 2;
    }
    if (*len + data_len >= SERIAL_KEEP) {
        size_t drop = *len + data_len - SERIAL_KEEP + 1;
        memmove(kept, kept + drop, *len - drop);
        *len -= drop;
    }
    memcpy(kept + *len, data, data_len);
    *len += data_len;
    return memmem(kept, *len, marker, strlen(marker)) != NULL;
}

static int await_marker(
        virStreamPtr stream, const char *marker, unsigned timeout_ms, struct orl_err *err)
{
    uint64_t deadline_us = orl_clock_now_us() + timeout_ms * ORL_US_PER_MS;
    char kept[SERIAL_KEEP];
    char chunk[1024];
    size_t len = 0;
    while (orl_clock_now_us() < deadline_us) {
        int n = virStreamRecv(stream, chunk, sizeof chunk);
        if (n == -2) {
            (void)poll(NULL, 0, SERIAL_POLL_MS);
        } else if (n <= 0) {
            return orl_err_set(
                    err, ORL_E_BACKEND, "the machine ended before it printed '%s'", marker);
        } else if (feed(kept, &len, chunk, (size_t)n, marker)) {
            return 0;
        }
    }
    return orl_err_set(err, ORL_E_TIMEOUT, "no '%s' within %u s", marker, timeout_ms / 1000);
}

int orl_bl_boot_test(void *self_, const struct orl_vm_spec *spec, const char *marker,
        unsigned timeout_ms, struct orl_err *err)
{
    const struct orl_backend_libvirt *self = self_;
    struct orl_buf xml;
    orl_buf_init(&xml, ORL_DOMAIN_XML_MAX);
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    ORL_AUTO(orl_libvirt_domain_auto) virDomainPtr domain = NULL;
    int r = orl_domain_xml_build(spec, self->xml_type, &xml, err);
    r = r < 0 ? r : orl_libvirt_get(self->lv, &conn, err);
    if (r == 0) {
        domain = virDomainCreateXML(conn, (const char *)xml.data, VIR_DOMAIN_START_AUTODESTROY);
        r = domain ? 0 : orl_libvirt_err(err, "booting the test machine");
    }
    orl_buf_fini(&xml);
    if (r < 0) {
        return r;
    }
    virStreamPtr stream = virStreamNew(conn, VIR_STREAM_NONBLOCK);
    if (!stream || virDomainOpenConsole(domain, NULL, stream, 0) < 0) {
        r = orl_libvirt_err(err, "the test machine's serial line");
    } else {
        r = await_marker(stream, marker, timeout_ms, err);
        (void)virStreamAbort(stream);
    }
    if (stream) {
        (void)virStreamFree(stream);
    }
    (void)virDomainDestroy(domain);
    return r;
}
