/* A script in a guest that is nobody's, run by its agent: how a template's machine is looked at. */
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "vmpool/backend_libvirt_priv.h"
#include "vmpool/identity.h"
#include <libvirt/libvirt-qemu.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum { AGENT_TIMEOUT_S = 10, POLL_MS = 200, COMMAND_MAX = 16384 };

static const char windows_head[] = "{\"execute\":\"guest-exec\",\"arguments\":{\"path\":"
                                   "\"powershell.exe\",\"capture-output\":true,"
                                   "\"arg\":[\"-NoProfile\",\"-NonInteractive\",\"-Command\",";
static const char linux_head[] = "{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"/bin/sh\","
                                 "\"capture-output\":true,\"arg\":[\"-c\",";

static char *call(virDomainPtr domain, const char *command)
{
    return virDomainQemuAgentCommand(domain, command, AGENT_TIMEOUT_S, 0);
}

/* The text behind key, up to its quote. */
static const char *quoted(const char *reply, const char *key, size_t *ret_len)
{
    const char *at = strstr(reply, key);
    at = at ? at + strlen(key) : NULL;
    *ret_len = at ? strcspn(at, "\"") : 0;
    return at;
}

static void read_version(virDomainPtr domain, struct orl_vm_answer *answer)
{
    size_t len = 0;
    ORL_AUTO(orl_free_auto) char *reply = call(domain, "{\"execute\":\"guest-info\"}");
    const char *at = reply ? quoted(reply, "\"version\":\"", &len) : NULL;
    if (reply) {
        (void)snprintf(answer->agent, sizeof answer->agent, "%.*s",
                at && len < sizeof answer->agent ? (int)len : 1, at ? at : "?");
    }
}

static long begin(virDomainPtr domain, const char *script, bool is_windows)
{
    struct orl_buf command;
    orl_buf_init(&command, COMMAND_MAX);
    if (is_windows) {
        orl_buf_put(&command, windows_head, sizeof windows_head - 1);
    } else {
        orl_buf_put(&command, linux_head, sizeof linux_head - 1);
    }
    orl_agent_put_string(&command, script);
    orl_buf_put(&command, "]}}", 4);
    ORL_AUTO(orl_free_auto)
    char *reply = command.is_failed ? NULL : call(domain, (const char *)command.data);
    orl_buf_fini(&command);
    return reply ? orl_identity_pid(reply) : -1;
}

/* False: not yet. */
static bool take(virDomainPtr domain, const char *command, struct orl_vm_answer *answer)
{
    size_t len = 0;
    ORL_AUTO(orl_free_auto) char *reply = call(domain, command);
    if (reply && strstr(reply, "\"exited\":false")) {
        return false;
    }
    const char *data = reply ? quoted(reply, "\"out-data\":\"", &len) : NULL;
    long used = data ? orl_base64_decode(data, len, answer->text, sizeof answer->text - 1) : 0;
    answer->text[used > 0 ? used : 0] = '\0';
    return true;
}

int orl_bl_ask(void *self_, const char *uuid, const char *script, bool is_windows,
        unsigned timeout_ms, const atomic_bool *is_cancelled, struct orl_vm_answer *ret_answer,
        struct orl_err *err)
{
    const struct orl_backend_libvirt *self = self_;
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    ORL_AUTO(orl_libvirt_domain_auto) virDomainPtr domain = NULL;
    uint64_t deadline_us = orl_clock_now_us() + timeout_ms * ORL_US_PER_MS;
    char command[120];
    int r = orl_bl_find_ours(self, uuid, &conn, &domain, err);
    if (r < 0) {
        return r;
    }
    memset(ret_answer, 0, sizeof *ret_answer);
    read_version(domain, ret_answer);
    long pid = ret_answer->agent[0] ? begin(domain, script, is_windows) : -1;
    (void)snprintf(command, sizeof command,
            "{\"execute\":\"guest-exec-status\",\"arguments\":{\"pid\":%ld}}", pid);
    while (pid >= 0 && !take(domain, command, ret_answer)) {
        if (atomic_load(is_cancelled)) {
            return orl_err_set(err, ORL_E_CLOSED, "called off");
        }
        if (orl_clock_now_us() >= deadline_us) {
            return orl_err_set(err, ORL_E_TIMEOUT, "the guest's agent does not end a script");
        }
        (void)poll(NULL, 0, POLL_MS);
    }
    return 0;
}
