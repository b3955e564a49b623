/* In the place of oriel-session, for tests of the gateway: does what the client's first byte says and
 * tells the client, a line each, what the gateway answers.
 *   L login as alice  W login with a wrong password  T two logins  E says CLOSE and exits
 *   H hangs  C crashes  G garbage on the control socket  B bytes that are no message  X a message with an fd
 *   I tells what it was given: ids, fds, environment, limits
 *   p h k s u a n  a message that only others send: PLAN HASH CONSOLE STATS SURFACE START NOTICE */
#include "base/ipc.h"
#include <dirent.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONTROL = 3 };
extern char **environ;

static void tell(int client, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void tell(int client, const char *fmt, ...)
{
    char line[400];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    if (len > 0) {
        (void)send(client, line, (size_t)len, MSG_NOSIGNAL);
    }
}

static void send_login(const char *password)
{
    struct orl_msg msg = {.type = ORL_MSG_LOGIN};
    msg.u.login.protocol = ORL_PROTOCOL_RDP;
    orl_msg_text(msg.u.login.user, sizeof(msg.u.login.user), "alice");
    orl_msg_text(msg.u.login.password, sizeof(msg.u.login.password), password);
    (void)!orl_ipc_send(CONTROL, &msg, NULL, 0);
}

static void send_type(unsigned type, int fd)
{
    struct orl_msg msg = {.type = (uint16_t)type};
    if (type == ORL_MSG_CLOSE) {
        msg.u.close.reason = ORL_REASON_CLIENT_CLOSED;
    }
    (void)!orl_ipc_send(CONTROL, &msg, &fd, fd >= 0 ? 1 : 0);
}

static void tell_state(int client, unsigned start_fds)
{
    struct rlimit core = {0};
    char fds[200] = "";
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        size_t len = strlen(fds);
        if (entry->d_name[0] != '.' && strtol(entry->d_name, NULL, 10) != dirfd(dir)) {
            (void)snprintf(fds + len, sizeof(fds) - len, " %.8s", entry->d_name);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    (void)getrlimit(RLIMIT_CORE, &core);
    tell(client, "uid %d gid %d\n", (int)getuid(), (int)getgid());
    tell(client, "leader %d\n", getpgid(0) == getpid());
    tell(client, "no_new_privs %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    tell(client, "core %d\n", (int)core.rlim_max);
    tell(client, "start_fds %u\n", start_fds);
    tell(client, "fds%s\n", fds);
    for (char **at = environ; *at != NULL; at++) {
        tell(client, "env %s\n", *at);
    }
}

static void act(int client, char what, unsigned start_fds)
{
    static const char letters[] = "phksuan";
    static const unsigned types[] = {ORL_MSG_PLAN, ORL_MSG_HASH, ORL_MSG_CONSOLE, ORL_MSG_STATS,
            ORL_MSG_SURFACE, ORL_MSG_START, ORL_MSG_NOTICE};
    const char *at = strchr(letters, what);
    if (at != NULL && *at != '\0') {
        send_type(types[at - letters], -1);
        return;
    }
    switch (what) {
    case 'T':
        send_login("secret");
        send_login("secret");
        break;
    case 'L':
        send_login("secret");
        break;
    case 'W':
        send_login("wrong");
        break;
    case 'C':
        abort();
    case 'G': {
        unsigned char bytes[300];
        memset(bytes, 0xA5, sizeof(bytes));
        (void)send(CONTROL, bytes, sizeof(bytes), MSG_NOSIGNAL);
        break;
    }
    case 'B':
        (void)send(CONTROL, "x", 1, MSG_NOSIGNAL);
        break;
    case 'X':
        send_type(ORL_MSG_CLOSE, client);
        break;
    case 'E':
        send_type(ORL_MSG_CLOSE, -1);
        _exit(0);
    case 'I':
        tell_state(client, start_fds);
        break;
    default:
        break; /* H */
    }
}

/* Returns when the gateway has gone. */
static void listen_to_gateway(int client)
{
    struct orl_msg msg;
    struct orl_ipc_fds fds;
    while (orl_ipc_recv(CONTROL, 60000, &msg, &fds) == 0) {
        tell(client, "got %s fds %u\n", orl_msg_name(msg.type), fds.count);
        orl_ipc_fds_close(&fds);
        if (msg.type == ORL_MSG_PLAN) {
            send_type(ORL_MSG_STATS, -1);
        }
        if (msg.type == ORL_MSG_CLOSE) {
            tell(client, "reason %s\n", orl_reason_code(orl_reason_from_u32(msg.u.close.reason)));
            return;
        }
    }
}

int main(void)
{
    struct orl_msg start;
    struct orl_ipc_fds fds;
    char what = 0;
    if (orl_ipc_recv(CONTROL, 10000, &start, &fds) < 0 || start.type != ORL_MSG_START) {
        return EXIT_FAILURE;
    }
    unsigned start_fds = fds.count;
    int client = orl_ipc_fds_take(&fds, 0);
    struct pollfd ready = {.fd = client, .events = POLLIN};
    (void)poll(&ready, 1, -1);
    if (recv(client, &what, 1, 0) == 1) {
        act(client, what, start_fds);
    }
    listen_to_gateway(client);
    return EXIT_SUCCESS;
}
