#include "base/cert.h"
#include "base/cert_look.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/doctor.h"
#include "cli/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

enum { PATH_BYTES = 512, SOON_DAYS = 30, LOW_MIB = 512 };
#define DAY_MS UINT64_C(86400000)
enum state { OK = 0, WARN, BAD };

struct look {
    const char *root;
    const char *run_dir;
    json_t *checks;
};

static void add(const struct look *look, enum state state, const char *area, const char *object,
        const char *remedy, const char *format, ...) __attribute__((format(printf, 6, 7)));

static void add(const struct look *look, enum state state, const char *area, const char *object,
        const char *remedy, const char *format, ...)
{
    static const char *const names[] = {"ok", "warn", "bad"};
    char text[300];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)json_array_append_new(look->checks,
            json_pack("{s:s, s:s, s:s, s:s, s:s}", "area", area, "object", object, "state",
                    names[state], "text", text, "remedy", state == OK ? "" : remedy));
}

/* At most 64 KiB; NULL: it can't be read. */
static char *read_file(const struct look *look, const char *path, size_t *ret_len)
{
    char full[PATH_BYTES];
    enum { MAX = 65536 };
    (void)snprintf(full, sizeof(full), "%s%s", look->root, path);
    ORL_AUTO(orl_close_auto) int fd = open(full, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    char *text = fd >= 0 ? calloc(1, MAX + 1) : NULL;
    size_t len = 0;
    ssize_t got = 1;
    while (text != NULL && got > 0 && len < MAX) {
        got = read(fd, text + len, MAX - len);
        len += got > 0 ? (size_t)got : 0;
    }
    *ret_len = len;
    return text;
}

static bool has_file(const struct look *look, const char *path)
{
    char full[PATH_BYTES];
    (void)snprintf(full, sizeof(full), "%s%s", look->root, path);
    return access(full, F_OK) == 0;
}

/* ---- users and sockets ---- */

static void check_users(const struct look *look)
{
    static const char *const users[] = {
            "oriel", "oriel-session", "oriel-broker", "oriel-vmpool", "oriel-web"};
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        bool is_there = getpwnam(users[i]) != NULL;
        add(look, is_there ? OK : WARN, "users", users[i],
                "systemd-sysusers; until then its program runs as the one who started it",
                is_there ? "is there" : "no such user");
    }
    const struct group *group = getgrnam("oriel-store");
    add(look, group != NULL ? OK : WARN, "users", "group oriel-store", "systemd-sysusers",
            group != NULL ? "is there" : "no such group");
}

static void check_sockets(const struct look *look)
{
    static const struct {
        const char *name;
        const char *program;
    } sockets[] = {{"broker.sock", "oriel-broker"}, {"gateway.sock", "oriel-broker"},
            {"console.sock", "oriel-vmpool"}, {"web.sock", "oriel-gateway"}};
    for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
        char path[PATH_BYTES];
        char remedy[80];
        struct stat st;
        (void)snprintf(path, sizeof(path), "%s%s/%s", look->root, look->run_dir, sockets[i].name);
        (void)snprintf(remedy, sizeof(remedy), "start %s", sockets[i].program);
        bool is_there = stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
        add(look, is_there ? OK : BAD, "sockets", path, remedy,
                is_there ? "is there" : "no socket");
    }
}

/* ---- ports ---- */

/* The kernel's table of sockets: local address and port in hex, state 0A is listening (proc(5)). */
static bool is_listening(const struct look *look, const char *table, unsigned port)
{
    size_t len = 0;
    char wanted[8];
    char *text = read_file(look, table, &len);
    bool is_found = false;
    (void)snprintf(wanted, sizeof(wanted), ":%04X ", port);
    char *rest = text;
    for (char *line = text != NULL ? strsep(&rest, "\n") : NULL; line != NULL;
            line = strsep(&rest, "\n")) {
        const char *local = strchr(line, ':'); /* after the number of the line */
        const char *at = local != NULL ? strstr(local + 1, wanted) : NULL;
        const char *state = at != NULL ? strchr(at + strlen(wanted), ' ') : NULL;
        is_found = is_found || (state != NULL && strncmp(state, " 0A", 3) == 0);
    }
    free(text);
    return is_found;
}

static void check_port(const struct look *look, const char *what, unsigned port, const char *remedy)
{
    char object[64];
    if (port == 0) {
        return; /* turned off */
    }
    bool is_open =
            is_listening(look, "/proc/net/tcp", port) || is_listening(look, "/proc/net/tcp6", port);
    (void)snprintf(object, sizeof(object), "%s, TCP %u", what, port);
    add(look, is_open ? OK : BAD, "ports", object, remedy,
            is_open ? "somebody listens" : "nobody listens");
}

/* ---- certificates ---- */

static void check_key_mode(const struct look *look, const char *path)
{
    char full[PATH_BYTES];
    struct stat st;
    (void)snprintf(full, sizeof(full), "%s%s", look->root, path);
    if (stat(full, &st) < 0) {
        add(look, BAD, "certificates", path, "put it where the setting says", "%s",
                strerror(errno));
        return;
    }
    bool is_open = (st.st_mode & 0037) != 0;
    add(look, is_open ? BAD : OK, "certificates", path,
            "chmod 0600, and have a new certificate made: others may have read the key",
            "mode %04o", (unsigned)(st.st_mode & 0777));
}

static void check_dates(
        const struct look *look, const char *path, const struct orl_cert_facts *facts)
{
    const uint64_t now_ms = orl_clock_wall_ms();
    const uint64_t days = facts->until_ms > now_ms ? (facts->until_ms - now_ms) / DAY_MS : 0;
    if (facts->until_ms <= now_ms || facts->from_ms > now_ms) {
        add(look, BAD, "certificates", path, "replace the files",
                facts->until_ms <= now_ms ? "has expired" : "is not good yet");
    } else {
        add(look, days < SOON_DAYS ? WARN : OK, "certificates", path, "replace the files",
                "good for %llu days", (unsigned long long)days);
    }
}

static void check_certificate(
        const struct look *look, const char *what, const char *cert_path, const char *key_path)
{
    size_t len = 0;
    size_t key_len = 0;
    struct orl_cert_facts facts;
    struct orl_err err = {0};
    char *pem = read_file(look, cert_path, &len);
    char *key = read_file(look, key_path, &key_len);
    if (pem == NULL || orl_cert_look(pem, len, &facts, &err) < 0) {
        add(look, BAD, "certificates", cert_path, "give this program a certificate, or start it",
                "%s: %s", what, pem == NULL ? "can't be read" : err.text);
    } else {
        check_dates(look, cert_path, &facts);
        add(look, facts.is_self_signed ? WARN : OK, "certificates", cert_path,
                "have one signed that people's programs know", "%s for %s",
                facts.is_self_signed ? "self-signed" : "signed", facts.names);
        check_key_mode(look, key_path);
        bool is_pair = key != NULL && orl_cert_is_pair(pem, len, key, key_len);
        add(look, is_pair ? OK : BAD, "certificates", key_path, "put the right key beside it",
                is_pair ? "is the certificate's" : "is not the certificate's key");
    }
    if (key != NULL) {
        explicit_bzero(key, key_len);
    }
    free(key);
    free(pem);
}

/* ---- settings ---- */

static json_t *read_settings(const struct look *look, const char *path)
{
    size_t len = 0;
    struct orl_err err = {0};
    json_t *settings = NULL;
    json_t *lines = NULL;
    char *text = read_file(look, path, &len);
    if (text != NULL && orl_cli_yaml_read(text, len, &settings, &lines, &err) < 0) {
        add(look, BAD, "settings", path, "correct the line", "%s", err.text);
    }
    json_decref(lines);
    free(text);
    return settings; /* NULL: all defaults */
}

static unsigned port_of(const json_t *settings, const char *key, unsigned otherwise)
{
    const json_t *value = json_object_get(settings, key);
    return json_is_integer(value) ? (unsigned)json_integer_value(value) : otherwise;
}

static void check_program(
        const struct look *look, const char *what, const char *settings_path, const char *own)
{
    char cert[PATH_BYTES];
    char key[PATH_BYTES];
    json_t *settings = read_settings(look, settings_path);
    const char *state = json_string_value(json_object_get(settings, "state_dir"));
    const char *cert_set = json_string_value(json_object_get(settings, "certificate"));
    const char *key_set = json_string_value(json_object_get(settings, "certificate_key"));
    state = state != NULL ? state : "/var/lib/oriel";
    (void)snprintf(cert, sizeof(cert), "%.300s/%s.crt", state, own);
    (void)snprintf(key, sizeof(key), "%.300s/%s.key", state, own);
    check_certificate(look, what, cert_set != NULL && cert_set[0] != '\0' ? cert_set : cert,
            key_set != NULL && key_set[0] != '\0' ? key_set : key);
    if (strcmp(what, "RDP and VNC") == 0) {
        check_port(look, "RDP", port_of(settings, "rdp_port", 3389), "start oriel-gateway");
        check_port(look, "VNC", port_of(settings, "vnc_port", 5900), "start oriel-gateway");
    } else {
        check_port(look, "portal", port_of(settings, "https_port", 443), "start oriel-web");
    }
    json_decref(settings);
}

/* ---- the machine ---- */

static void check_sandbox(const struct look *look)
{
    size_t len = 0;
    char *actions = read_file(look, "/proc/sys/kernel/seccomp/actions_avail", &len);
    bool has_seccomp = actions != NULL && strstr(actions, "kill_process") != NULL;
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1U /* its version */);
    add(look, has_seccomp ? OK : BAD, "sandbox", "seccomp",
            "a kernel with seccomp filters: sessions do not start without",
            has_seccomp ? "can kill" : "is missing");
    add(look, abi > 0 ? OK : WARN, "sandbox", "landlock",
            "a kernel from 5.13 on with landlock in lsm=",
            abi > 0 ? "version %ld" : "is missing (%ld)", abi);
    free(actions);
}

static void check_tools(const struct look *look)
{
    static const struct {
        const char *path;
        const char *remedy;
        enum state state;
    } files[] = {{"/usr/bin/qemu-system-x86_64", "install qemu-system-x86", BAD},
            {"/usr/bin/qemu-img", "install qemu-utils", BAD},
            {"/run/libvirt/libvirt-sock", "start libvirtd, or virtqemud with its socket", WARN},
            {"/dev/kvm", "turn on VT-x or AMD-V in the firmware; modprobe kvm_intel or kvm_amd",
                    WARN}};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        bool is_there = has_file(look, files[i].path);
        add(look, is_there ? OK : files[i].state, "virtualization", files[i].path, files[i].remedy,
                is_there ? "is there" : "is missing");
    }
}

static void check_memory(const struct look *look)
{
    size_t len = 0;
    char *text = read_file(look, "/proc/meminfo", &len);
    const char *line = text != NULL ? strstr(text, "MemAvailable:") : NULL;
    if (line != NULL) {
        unsigned long mib = strtoul(line + 13, NULL, 10) / 1024;
        add(look, mib < LOW_MIB ? WARN : OK, "memory", "this host", "fewer spares, or more memory",
                "%lu MiB available", mib);
    }
    free(text);
}

static void check_clock(const struct look *look)
{
    struct timex timex = {0};
    int state = adjtimex(&timex);
    bool is_kept = state >= 0 && (timex.status & STA_UNSYNC) == 0;
    add(look, is_kept ? OK : WARN, "clock", "this host",
            "run chrony or systemd-timesyncd: codes of second factors and log-ins go by it",
            is_kept ? "is kept by NTP" : "nobody keeps it right");
}

void orl_cli_doctor_host(const char *root, const char *run_dir, json_t *checks)
{
    const struct look look = {.root = root, .run_dir = run_dir, .checks = checks};
    check_users(&look);
    check_sockets(&look);
    check_program(&look, "RDP and VNC", "/etc/oriel/gateway.yaml", "gateway/rdp");
    check_program(&look, "portal", "/etc/oriel/web.yaml", "web/web");
    check_tools(&look);
    check_sandbox(&look);
    check_memory(&look);
    check_clock(&look);
}
