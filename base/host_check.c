#include "base/host_check.h"

#include "base/cleanup.h"

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

enum { PATH_BYTES = 512, LOW_MIB = 512 };
enum state { OK = ORL_CHECK_OK, WARN = ORL_CHECK_WARN, BAD = ORL_CHECK_BAD };

struct look {
    const char *root;
    const char *run_dir;
    orl_check_fn say;
    void *ctx;
};

static void add(const struct look *look, enum state state, const char *area, const char *object,
        const char *remedy, const char *format, ...) __attribute__((format(printf, 6, 7)));

static void add(const struct look *look, enum state state, const char *area, const char *object,
        const char *remedy, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    const struct orl_check check = {.state = (enum orl_check_state)state,
            .area = area,
            .object = object,
            .text = text,
            .remedy = state == OK ? "" : remedy};
    look->say(look->ctx, &check);
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

static void check_tools(const struct look *look, bool is_confined)
{
    static const struct {
        const char *path;
        const char *remedy;
        enum state state;
    } files[] = {{"/usr/bin/qemu-system-x86_64", "install qemu-system-x86", BAD},
            {"/usr/bin/qemu-img", "install qemu-utils", BAD},
            {"/dev/kvm", "turn on VT-x or AMD-V in the firmware; modprobe kvm_intel or kvm_amd",
                    WARN}};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (is_confined && strncmp(files[i].path, "/dev/", 5) == 0) {
            continue;
        }
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
    if (state < 0 && errno == EPERM) {
        return; /* a service's own filter: systemd's ProtectClock */
    }
    bool is_kept = state >= 0 && (timex.status & STA_UNSYNC) == 0;
    add(look, is_kept ? OK : WARN, "clock", "this host",
            "run chrony or systemd-timesyncd: codes of second factors and log-ins go by it",
            is_kept ? "is kept by NTP" : "nobody keeps it right");
}

const char *orl_check_state_name(enum orl_check_state state)
{
    static const char *const names[] = {"ok", "warn", "bad"};
    return names[state];
}

void orl_host_check(const struct orl_host_check_opts *opts, orl_check_fn say, void *ctx)
{
    const struct look look = {.root = opts->root, .run_dir = opts->run_dir, .say = say, .ctx = ctx};
    check_users(&look);
    check_sockets(&look);
    check_tools(&look, opts->is_confined);
    check_sandbox(&look);
    check_memory(&look);
    check_clock(&look);
}
