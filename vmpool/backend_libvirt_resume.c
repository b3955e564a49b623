/* Starting a machine as a copy of a golden image, and making it somebody of its own. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "vmpool/backend_libvirt_priv.h"
#include "vmpool/channel_pump.h"
#include "vmpool/hook.h"
#include "vmpool/identity.h"
#include "vmpool/qmp.h"
#include <errno.h>
#include <fcntl.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    AGENT_TIMEOUT_S = 10,
    LOAD_TIMEOUT_MS = 60000,
    IDENTITY_TIMEOUT_MS = 60000,
    IDENTITY_POLL_MS = 20,
    HOOK_TIMEOUT_MS = 10000,
    CLOCK_TRIES = 3,
    ON_TIME_MS = 1000, /* as orl_identity_is_on_time() has it */
    HOOK_LOOKS = 10,
    HOOK_LOOK_MS = 5,
    CARD_MAX = 4096,
    MIB = 1024 * 1024,
};

/* A file that is missing QEMU would make anew, full of zeros. */
static int check_memory(const struct orl_vm_spec *spec, struct orl_err *err)
{
    struct stat st;
    if (!spec->golden.is_shared) {
        return 0;
    }
    if (stat(spec->golden.ram, &st) < 0) {
        return orl_err_sys(err, errno, "the golden image's memory");
    }
    return st.st_size == (off_t)spec->memory_mib * MIB
                   ? 0
                   : orl_err_set(err, ORL_E_INVAL, "the golden image's memory has another size");
}

static int load(
        const struct orl_vm_spec *spec, virDomainPtr domain, const char *state, struct orl_err *err)
{
    ORL_AUTO(orl_close_auto) int fd = open(state, O_RDONLY | O_CLOEXEC);
    int r = fd >= 0 ? 0 : orl_err_sys(err, errno, "opening %s", state);
    r = r < 0 || !spec->golden.is_shared ? r : orl_qmp_ignore_shared(domain, true, err);
    r = r < 0 ? r : orl_qmp_state_load(domain, fd, LOAD_TIMEOUT_MS, err);
    return r < 0 || !spec->golden.is_shared ? r : orl_qmp_ignore_shared(domain, false, err);
}

enum card { CARD_WHOLE, CARD_UNLINKED, CARD_LINKED };

/* Plugs it in, as a whole or without its link, or gives the one that is there its link. */
static int set_card(
        virDomainPtr domain, const struct orl_vm_spec *spec, enum card how, struct orl_err *err)
{
    struct orl_buf xml;
    int r = 0;
    orl_buf_init(&xml, CARD_MAX);
    orl_domain_xml_interface(&xml, spec, how != CARD_UNLINKED);
    bool has_card = xml.len > 0;
    orl_buf_put_u8(&xml, 0);
    const char *text = (const char *)xml.data;
    if (xml.is_failed) {
        r = orl_err_set(err, ORL_E_LIMIT, "the card's XML is too long");
    } else if (has_card) {
        int rc = how == CARD_LINKED
                         ? virDomainUpdateDeviceFlags(domain, text, VIR_DOMAIN_AFFECT_LIVE)
                         : virDomainAttachDeviceFlags(domain, text, VIR_DOMAIN_AFFECT_LIVE);
        r = rc < 0 ? orl_libvirt_err(err, "plugging its network card in") : 0;
    }
    orl_buf_fini(&xml);
    return r;
}

/* What takes its time while the hook is talked to. */
struct meanwhile {
    virDomainPtr domain;
    const struct orl_vm_spec *spec;
    pthread_t plugging, asking;
    bool is_plugging, is_asking;
    int result; /* of the card */
    struct orl_err err;
    bool has_agent;
};

static void *run_plugging(void *ctx)
{
    struct meanwhile *m = ctx;
    m->result = set_card(m->domain, m->spec, CARD_UNLINKED, &m->err);
    return NULL;
}

static void *run_asking(void *ctx)
{
    struct meanwhile *m = ctx;
    m->has_agent = orl_bl_agent_answers(m->domain);
    return NULL;
}

static void begin_meanwhile(struct meanwhile *m)
{
    m->is_plugging = pthread_create(&m->plugging, NULL, run_plugging, m) == 0;
    m->is_asking = pthread_create(&m->asking, NULL, run_asking, m) == 0;
}

static void await_meanwhile(struct meanwhile *m)
{
    if (m->is_plugging) {
        (void)pthread_join(m->plugging, NULL);
    }
    if (m->is_asking) {
        (void)pthread_join(m->asking, NULL);
    }
}

/* The port opens a moment after the machine goes on. */
static int ask_agent(virDomainPtr domain, const char *command, uint64_t deadline_us,
        char **ret_reply, struct orl_err *err)
{
    for (;;) {
        char *reply = virDomainQemuAgentCommand(domain, command, AGENT_TIMEOUT_S, 0);
        if (reply) {
            *ret_reply = reply;
            return 0;
        }
        if (virGetLastErrorCode() != VIR_ERR_AGENT_UNRESPONSIVE ||
                orl_clock_now_us() >= deadline_us) {
            return orl_libvirt_err(err, "the guest's agent");
        }
        (void)poll(NULL, 0, IDENTITY_POLL_MS);
    }
}

static int await_guest(virDomainPtr domain, long pid, uint64_t deadline_us, struct orl_err *err)
{
    char ask[120];
    (void)snprintf(ask, sizeof ask,
            "{\"execute\":\"guest-exec-status\",\"arguments\":{\"pid\":%ld}}", pid);
    while (orl_clock_now_us() < deadline_us) {
        ORL_AUTO(orl_free_auto) char *reply = NULL;
        int r = ask_agent(domain, ask, deadline_us, &reply, err);
        r = r < 0 ? r : orl_identity_judge(reply, err);
        if (r != ORL_E_AGAIN) {
            return r;
        }
        (void)poll(NULL, 0, IDENTITY_POLL_MS);
    }
    return orl_err_set(err, ORL_E_TIMEOUT, "the guest did not take its identity in time");
}

/* Once: the time that it is told is now's. */
static int tell_identity(virDomainPtr domain, const struct orl_vm_identity *identity,
        uint64_t deadline_us, struct orl_err *err)
{
    struct orl_buf command;
    ORL_AUTO(orl_free_auto) char *reply = NULL;
    orl_buf_init(&command, ORL_IDENTITY_COMMAND_MAX);
    orl_identity_command(identity, orl_clock_wall_ms(), &command);
    orl_buf_put_u8(&command, 0);
    int r = command.is_failed
                    ? orl_err_set(err, ORL_E_LIMIT, "the identity is too long")
                    : ask_agent(domain, (const char *)command.data, deadline_us, &reply, err);
    orl_buf_fini(&command);
    long pid = r < 0 ? -1 : orl_identity_pid(reply);
    if (r == 0 && pid < 0) {
        r = orl_err_set(err, ORL_E_BACKEND, "the guest's agent runs no programs");
    }
    return r < 0 ? r : await_guest(domain, pid, deadline_us, err);
}

static int call_hook(int fd, const struct orl_hook_msg *msg, struct orl_err *err)
{
    struct orl_hook_msg answer;
    return orl_hook_call(fd, msg, HOOK_TIMEOUT_MS, &answer, err);
}

/* The guest has set its clock before it answered: it is behind by no more than that took. */
static int say_identity(
        int fd, const struct orl_vm_identity *identity, bool *ret_is_on_time, struct orl_err *err)
{
    struct orl_hook_msg msg;
    uint64_t begin_us = orl_clock_now_us();
    orl_hook_msg_init(&msg, "identity", 2);
    orl_hook_msg_put(&msg, "hostname", identity->hostname);
    orl_hook_msg_put(&msg, "machine_id", identity->machine_id);
    orl_hook_msg_put(&msg, "seed", identity->seed);
    orl_hook_msg_put(&msg, "mac", identity->mac);
    orl_hook_msg_put_u64(&msg, "time_ms", orl_clock_wall_ms());
    int r = call_hook(fd, &msg, err);
    *ret_is_on_time = orl_clock_now_us() < begin_us + ON_TIME_MS * ORL_US_PER_MS;
    orl_hook_msg_wipe(&msg);
    return r;
}

static int ask_time(
        virDomainPtr domain, uint64_t deadline_us, bool *ret_is_on_time, struct orl_err *err)
{
    ORL_AUTO(orl_free_auto) char *reply = NULL;
    uint64_t before_ms = orl_clock_wall_ms();
    int r = ask_agent(domain, "{\"execute\":\"guest-get-time\"}", deadline_us, &reply, err);
    *ret_is_on_time = r == 0 && orl_identity_is_on_time(reply, before_ms, orl_clock_wall_ms());
    return r;
}

/* On a busy host the guest may set its clock long after it was told the time: then it is told again. Where that does
 * not help, it is as late as its host is. */
static int tell_hook(
        int fd, virDomainPtr domain, const struct orl_vm_identity *identity, struct orl_err *err)
{
    struct orl_hook_msg hello;
    bool is_on_time = false;
    orl_hook_msg_init(&hello, "hello", 1);
    int r = call_hook(fd, &hello, err);
    for (int i = 0; r == 0 && !is_on_time && i < CLOCK_TRIES; i++) {
        r = say_identity(fd, identity, &is_on_time, err);
        if (r == 0 && !is_on_time) { /* it may have been the rest that took so long */
            (void)ask_time(domain, orl_clock_now_us(), &is_on_time, NULL);
        }
    }
    return r;
}

/* Where there is no hook the agent starts a shell for it. */
static int tell_agent(virDomainPtr domain, const struct orl_vm_identity *identity,
        uint64_t deadline_us, struct orl_err *err)
{
    bool is_on_time = false;
    int r = ask_time(domain, deadline_us, &is_on_time, err); /* its port is open from here on */
    is_on_time = false;
    for (int i = 0; r == 0 && !is_on_time && i < CLOCK_TRIES; i++) {
        r = tell_identity(domain, identity, deadline_us, err);
        r = r < 0 ? r : ask_time(domain, deadline_us, &is_on_time, err);
    }
    return r;
}

/* Its port opens when the machine goes on, at the same time as the agent's: on a busy host that is not at once, and
 * there may be no agent. -1: there is no hook. */
static int open_hook(virConnectPtr conn, virDomainPtr domain, uint64_t deadline_us)
{
    int fd = -1;
    struct orl_bl_ports ports = orl_bl_ports(domain);
    for (int looks = 0; !ports.has_hook && looks < HOOK_LOOKS && orl_clock_now_us() < deadline_us;
            looks += ports.has_agent) {
        (void)poll(NULL, 0, HOOK_LOOK_MS);
        ports = orl_bl_ports(domain);
    }
    if (ports.has_hook && orl_channel_open(conn, domain, ORL_HOOK_PORT, &fd, NULL) < 0) {
        return -1;
    }
    return fd;
}

/* Its card is plugged in at the same time, as that takes as long, but has no link before: nobody on its network ever
 * sees it as who it was copied from. Only with the port open: libvirt opens none while it plugs. */
static int make_somebody(virConnectPtr conn, virDomainPtr domain, const struct orl_vm_spec *spec,
        const struct orl_vm_identity *identity, bool *ret_has_agent, struct orl_err *err)
{
    struct meanwhile meanwhile = {.domain = domain, .spec = spec};
    bool is_told = false;
    uint64_t deadline_us = orl_clock_now_us() + IDENTITY_TIMEOUT_MS * ORL_US_PER_MS;
    ORL_AUTO(orl_close_auto) int fd = open_hook(conn, domain, deadline_us);
    if (fd >= 0) {
        begin_meanwhile(&meanwhile);
        is_told = tell_hook(fd, domain, identity, err) == 0;
        orl_close_fd(&fd);
    }
    await_meanwhile(&meanwhile);
    *ret_has_agent = meanwhile.has_agent;
    int r = is_told ? 0 : tell_agent(domain, identity, deadline_us, err);
    if (r == 0 && meanwhile.result < 0) {
        *err = meanwhile.err;
        return meanwhile.result;
    }
    return r < 0 ? r
                 : set_card(domain, spec, meanwhile.is_plugging ? CARD_LINKED : CARD_WHOLE, err);
}

static int bring_up(struct orl_backend_libvirt *self, virConnectPtr conn,
        const struct orl_vm_spec *spec, const char *state, virDomainPtr *ret_domain,
        struct orl_err *err)
{
    int r = orl_bl_create(self, conn, spec, VIR_DOMAIN_START_PAUSED, ret_domain, err);
    r = r < 0 ? r : load(spec, *ret_domain, state, err);
    if (r == 0 && virDomainResume(*ret_domain) < 0) {
        r = orl_libvirt_err(err, "resuming a copy");
    }
    return r;
}

int orl_bl_resume(void *self_, const struct orl_vm_spec *spec,
        const struct orl_vm_identity *identity, struct orl_vm_look *ret_look, struct orl_err *err)
{
    struct orl_backend_libvirt *self = self_;
    struct orl_golden_paths paths;
    struct orl_vm_spec found = *spec;
    bool has_agent = false;
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    ORL_AUTO(orl_libvirt_domain_auto) virDomainPtr domain = NULL;
    int r = orl_golden_paths(&self->golden, spec->golden.id, &paths, err);
    if (r < 0) {
        return r;
    }
    found.golden.role = ORL_VM_GOLDEN_RESUME;
    (void)snprintf(found.golden.ram, sizeof found.golden.ram, "%s", paths.ram);
    r = check_memory(&found, err);
    r = r < 0 ? r : orl_libvirt_get(self->lv, &conn, err);
    /* One that an earlier try left half-way is worth nothing. */
    r = r < 0 ? r : orl_bl_stop(self, spec->uuid, ORL_VM_STOP_KILL, err);
    r = r < 0 ? r : bring_up(self, conn, &found, paths.state, &domain, err);
    r = r < 0 ? r : make_somebody(conn, domain, &found, identity, &has_agent, err);
    r = r < 0 ? r : orl_bl_look_at(self, conn, domain, has_agent, ret_look, err);
    if (r < 0 && domain) {
        (void)virDomainDestroy(domain);
    }
    return r;
}
