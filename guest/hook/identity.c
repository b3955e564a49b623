#include "guest/hook/identity.h"
#include "guest/hook/run.h"
#include "guest/hook/ssh_keys.h"
#include "guest/hook/text_file.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/random.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM "/etc/oriel/identity"
enum { SEED_MAX = 256, PROGRAM_MS = 5000 };

static bool is_hostname(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)name[i]) && (name[i] != '-' || i == 0 || i == len - 1)) {
            return false;
        }
    }
    return len > 0 && len <= 63;
}

/* The former name stays one of this machine's: a session that is older than its new name knows its own manager by it. */
static const char *set_hostname(const char *name)
{
    char former[HOST_NAME_MAX + 1] = "";
    if (name[0] == '\0') {
        return NULL;
    }
    if (!is_hostname(name)) {
        return "not a host name";
    }
    if (gethostname(former, sizeof(former) - 1) < 0 || !is_hostname(former) ||
            strcmp(former, "localhost") == 0) {
        former[0] = '\0';
    }
    if (strcmp(former, name) == 0) { /* last: the files have it */
        return NULL;
    }
    bool is_good = orl_text_put("/etc/hostname", 0644, "%s\n", name) &&
                   orl_text_put("/etc/hosts", 0644, "127.0.0.1 localhost %s %s\n::1 localhost\n",
                           name, former) &&
                   sethostname(name, strlen(name)) == 0;
    return is_good ? NULL : "the host name cannot be set";
}

static const char *set_machine_id(const char *id)
{
    struct stat st;
    if (id[0] == '\0') {
        return NULL;
    }
    if (strlen(id) != 32 || strspn(id, "0123456789abcdef") != 32) {
        return "not a machine id";
    }
    bool is_good = orl_text_put("/etc/machine-id", 0444, "%s\n", id);
    if (lstat("/var/lib/dbus/machine-id", &st) == 0 && S_ISREG(st.st_mode)) {
        is_good = orl_text_put("/var/lib/dbus/machine-id", 0444, "%s\n", id) && is_good;
    }
    return is_good ? NULL : "the machine id cannot be written";
}

/* Into the kernel's pool, as entropy, and at once. */
static const char *add_seed(const char *hex)
{
    int pool[2 + SEED_MAX / sizeof(int)] = {0}; /* struct rand_pool_info: bits, bytes, and those */
    unsigned char *bytes = (unsigned char *)&pool[2];
    size_t len = strlen(hex) / 2;
    if (len == 0) {
        return NULL;
    }
    if (len > SEED_MAX || strlen(hex) % 2 != 0 || strspn(hex, "0123456789abcdef") != 2 * len) {
        return "not a seed";
    }
    for (size_t i = 0; i < len; i++) {
        char byte[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (unsigned char)strtoul(byte, NULL, 16);
    }
    pool[0] = (int)len * CHAR_BIT;
    pool[1] = (int)len;
    int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
    bool is_good = fd >= 0 && ioctl(fd, RNDADDENTROPY, pool) == 0 && ioctl(fd, RNDRESEEDCRNG) == 0;
    explicit_bzero(pool, sizeof(pool));
    if (fd >= 0) {
        close(fd);
    }
    return is_good ? NULL : "the kernel does not take the seed";
}

static const char *set_clock(const struct orl_hook_msg *msg)
{
    uint64_t time_ms = 0;
    if (!orl_hook_msg_get_u64(msg, "time_ms", &time_ms)) {
        return NULL;
    }
    const struct timespec now = {
            .tv_sec = (time_t)(time_ms / 1000), .tv_nsec = (long)(time_ms % 1000) * 1000000};
    return clock_settime(CLOCK_REALTIME, &now) == 0 ? NULL : "the clock cannot be set";
}

/* Those who read an id once, at their start; nobody waits for them. A lease is asked for anew with it. A template may
 * know better: by a program of its own, or by an empty file, where nothing has to begin anew. */
static void tell_services(void)
{
    if (access(PROGRAM, X_OK) == 0) {
        orl_run_apart((char *[]){(char *)PROGRAM, NULL});
    } else if (access(PROGRAM, F_OK) < 0 && access("/run/systemd/system", F_OK) == 0) {
        (void)orl_run(
                (char *[]){(char *)"systemctl", (char *)"--no-block", (char *)"try-restart",
                        (char *)"systemd-journald.service", (char *)"systemd-networkd.service",
                        (char *)"NetworkManager.service", NULL},
                NULL, PROGRAM_MS);
    }
}

const char *orl_identity_set(const struct orl_hook_msg *msg)
{
    /* Random numbers first: whatever is made of them comes after. */
    const char *why = add_seed(orl_hook_msg_get(msg, "seed"));
    why = why != NULL ? why : set_clock(msg);
    why = why != NULL ? why : set_hostname(orl_hook_msg_get(msg, "hostname"));
    why = why != NULL ? why : set_machine_id(orl_hook_msg_get(msg, "machine_id"));
    if (why == NULL && !orl_ssh_keys_renew("/")) {
        why = "the SSH host keys cannot be removed";
    }
    if (why == NULL && orl_hook_msg_get(msg, "machine_id")[0] != '\0') {
        tell_services();
    }
    sync(); /* after a power cut it must not be the other one again */
    return why;
}
