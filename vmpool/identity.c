#include "vmpool/identity.h"
#include "vmpool/network_xml.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MS_PER_S = 1000, NS_PER_MS = 1000000, BEFORE_NAME = 41, BEFORE_ID = 42 };

/* $1 host name, $2 machine id, $3 seed, $4 and $5 seconds and their fraction. Keys that tell this machine from
 * others are made anew; writing to /dev/urandom adds to what the kernel did when it saw the new generation id. */
static const char script[] =
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH\n"
        "printf %s \"$3\" >/dev/urandom\n"
        "date -u -s \"@$4.$5\" >/dev/null 2>&1 || date -u -s \"@$4\" >/dev/null 2>&1\n"
        "[ -d /etc ] || exit 40\n"
        "printf '%s\\n' \"$1\" >/etc/hostname\n"
        "hostname \"$1\"\n"
        "[ ! -w /etc/hosts ] || sed -i \"s/^127\\.0\\.1\\.1[[:space:]].*/127.0.1.1 $1/\" "
        "/etc/hosts\n"
        "rm -f /etc/machine-id\n"
        "printf '%s\\n' \"$2\" >/etc/machine-id\n"
        "chmod 444 /etc/machine-id\n"
        "[ ! -f /var/lib/dbus/machine-id ] || [ -L /var/lib/dbus/machine-id ] || "
        "cp /etc/machine-id /var/lib/dbus/machine-id\n"
        "if ls /etc/ssh/ssh_host_*_key >/dev/null 2>&1; then\n"
        "rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub\n"
        "(ssh-keygen -A && sync && systemctl try-restart ssh.service sshd.service) >/dev/null 2>&1 "
        "&\n"
        "fi\n"
        "[ \"$(hostname)\" = \"$1\" ] || exit 41\n"
        "[ \"$(cat /etc/machine-id)\" = \"$2\" ] || exit 42\n"
        "sync\n" /* after a power cut it must not be the other one again */
        "exit 0\n";

void orl_identity_make(const struct orl_vm_spec *spec, struct orl_vm_identity *ret_identity)
{
    struct orl_id parts[3];
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        orl_id_new(&parts[i]);
    }
    (void)snprintf(ret_identity->hostname, sizeof ret_identity->hostname, "%s", spec->name);
    (void)snprintf(ret_identity->machine_id, sizeof ret_identity->machine_id, "%s", parts[0].text);
    (void)snprintf(
            ret_identity->seed, sizeof ret_identity->seed, "%s%s", parts[1].text, parts[2].text);
    ret_identity->mac[0] = '\0';
    if (spec->network.name[0]) {
        orl_network_mac(ret_identity->mac, spec->meta.desktop, spec->meta.version);
    }
}

void orl_agent_put_string(struct orl_buf *out, const char *text)
{
    orl_buf_put_u8(out, '"');
    for (const char *at = text; *at; at++) {
        if (*at == '\n') {
            orl_buf_put(out, "\\n", 2);
        } else {
            if (*at == '"' || *at == '\\') {
                orl_buf_put_u8(out, '\\');
            }
            orl_buf_put_u8(out, (uint8_t)*at);
        }
    }
    orl_buf_put_u8(out, '"');
}

void orl_identity_command(
        const struct orl_vm_identity *identity, uint64_t now_ms, struct orl_buf *out)
{
    static const char head[] = "{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"/bin/sh\","
                               "\"arg\":[\"-c\",";
    char seconds[24];
    char fraction[8];
    (void)snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)(now_ms / MS_PER_S));
    (void)snprintf(fraction, sizeof fraction, "%03u", (unsigned)(now_ms % MS_PER_S));
    const char *const args[] = {
            "oriel", identity->hostname, identity->machine_id, identity->seed, seconds, fraction};
    orl_buf_put(out, head, sizeof head - 1);
    orl_agent_put_string(out, script);
    for (size_t i = 0; i < sizeof args / sizeof args[0]; i++) {
        orl_buf_put_u8(out, ',');
        orl_agent_put_string(out, args[i]);
    }
    orl_buf_put(out, "]}}", 4);
}

static long number_after(const char *reply, const char *key)
{
    const char *at = strstr(reply, key);
    at = at ? at + strlen(key) : NULL;
    at = at ? at + strspn(at, " ") : NULL;
    if (!at || *at < '0' || *at > '9') {
        return -1;
    }
    return strtol(at, NULL, 10);
}

long orl_identity_pid(const char *reply)
{
    return number_after(reply, "\"pid\":");
}

bool orl_identity_is_on_time(const char *reply, uint64_t before_ms, uint64_t after_ms)
{
    long ns = number_after(reply, "\"return\":");
    uint64_t ms = ns > 0 ? (uint64_t)ns / NS_PER_MS : 0;
    return ms + MS_PER_S >= before_ms && ms <= after_ms + MS_PER_S;
}

int orl_identity_judge(const char *reply, struct orl_err *err)
{
    if (strstr(reply, "\"exited\":false")) {
        return ORL_E_AGAIN;
    }
    long code = number_after(reply, "\"exitcode\":");
    if (code == 0) {
        return 0;
    }
    return orl_err_set(err, ORL_E_BACKEND, "the guest kept its %s (status %ld)",
            code == BEFORE_NAME ? "host name"
            : code == BEFORE_ID ? "machine id"
                                : "identity",
            code);
}
