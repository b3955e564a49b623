/* A broker and a vmpool in one, for tests: one user, one desktop that is a VNC server.
 *   fake_control --dir RUN [--user U] [--password P] [--vnc PORT|unix:PATH] [--vnc-password P]
 *                [--wait-ms N] [--close-after-ms N] [--close-reason CODE] [--desktops N]
 *                [--clipboard 0..3] [--clipboard-max BYTES] [--sound 0|1] [--rdp FINGERPRINT]
 * With --rdp the display is an RDP server with that certificate, where U logs in. With --desktops each connection has a desktop of its own, at unix:PATH.0 to PATH.N-1.
 * It prints every message it gets, and "broker up", on standard output. SIGUSR1 closes every
 * connection's session as a broker would; SIGUSR2 asks each for a thumbnail, which becomes RUN/thumb.jpg. */
#include "base/clock.h"
#include "base/ipc.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_CONNS = 256, MAX_QUEUED = 1024 };
#define PATH_BYTES 100
#define DESKTOP_FORMAT "d%031x" /* its number, from 1 */

struct conn {
    struct fake *fake;
    uint32_t number; /* 0: free */
    struct orl_timer *timer;
};
struct fake {
    struct orl_loop *loop;
    const char *dir, *user, *password, *vnc, *vnc_password, *rdp;
    uint64_t wait_ms, close_after_ms;
    unsigned desktops; /* 0: one for all */
    enum orl_reason close_reason;
    struct orl_permit permit;
    int listen_fds[2]; /* gateway.sock, console.sock */
    struct orl_ipc *gateway;
    struct orl_ipc *pool;
    struct conn conns[MAX_CONNS];
};

static void say(const char *what, uint32_t conn, const char *detail)
{
    (void)printf("%s conn=%u %s\n", what, (unsigned)conn, detail);
    (void)fflush(stdout);
}

static void post_close(struct fake *fake, uint32_t number, enum orl_reason reason)
{
    struct orl_msg msg = {.type = ORL_MSG_CLOSE, .conn = number};
    msg.u.close.reason = reason;
    orl_msg_text(msg.u.close.audit, sizeof(msg.u.close.audit), "00112233445566778899aabbccddeeff");
    orl_ipc_post(fake->gateway, &msg, NULL, 0);
}

/* From 1. */
static unsigned desktop_of(const struct fake *fake, uint32_t conn)
{
    unsigned i = 0;
    while (i < MAX_CONNS - 1 && fake->conns[i].number != conn) {
        i++;
    }
    return i % fake->desktops + 1;
}

static void post_plan(struct fake *fake, uint32_t number, bool is_ready)
{
    struct orl_msg msg = {.type = ORL_MSG_PLAN, .conn = number};
    struct orl_msg_plan *plan = &msg.u.plan;
    plan->is_ready = is_ready ? 1 : 0;
    orl_msg_text(plan->session, sizeof(plan->session), "a0000000000000000000000000000001");
    orl_msg_text(plan->user, sizeof(plan->user), fake->user);
    orl_msg_text(plan->pool, sizeof(plan->pool), "demo");
    plan->waiting_since_ms = orl_clock_wall_ms();
    plan->permit = fake->permit;
    if (is_ready) {
        (void)snprintf(plan->desktop, sizeof(plan->desktop), DESKTOP_FORMAT,
                fake->desktops > 0 ? desktop_of(fake, number) : 1);
        plan->version = 1;
    }
    orl_ipc_post(fake->gateway, &msg, NULL, 0);
}

static void on_close_due(void *ctx)
{
    struct conn *conn = ctx;
    if (conn->fake->gateway != NULL) {
        post_close(conn->fake, conn->number, conn->fake->close_reason);
    }
}

static void on_ready_due(void *ctx)
{
    struct conn *conn = ctx;
    struct fake *fake = conn->fake;
    if (fake->gateway != NULL) {
        post_plan(fake, conn->number, true);
    }
    orl_timer_free(conn->timer);
    conn->timer = NULL;
    if (fake->close_after_ms > 0 &&
            orl_timer_new(fake->loop, on_close_due, conn, &conn->timer, NULL) == 0) {
        orl_timer_start(conn->timer, fake->close_after_ms * ORL_US_PER_MS, 0);
    }
}

static void on_login(struct fake *fake, const struct orl_msg *msg)
{
    const struct orl_msg_login *login = &msg->u.login;
    if (strcmp(login->user, fake->user) != 0 || strcmp(login->password, fake->password) != 0) {
        post_close(fake, msg->conn, ORL_REASON_AUTH_FAILED);
        return;
    }
    struct conn *conn = NULL;
    for (unsigned i = 0; i < MAX_CONNS && conn == NULL; i++) {
        conn = fake->conns[i].number == 0 ? &fake->conns[i] : NULL;
    }
    if (conn == NULL || orl_timer_new(fake->loop, on_ready_due, conn, &conn->timer, NULL) < 0) {
        post_close(fake, msg->conn, ORL_REASON_POOL_FULL);
        return;
    }
    conn->fake = fake;
    conn->number = msg->conn;
    if (fake->wait_ms > 0) {
        post_plan(fake, msg->conn, false);
    }
    orl_timer_start(conn->timer, fake->wait_ms * ORL_US_PER_MS, 0);
}

static void on_conn_closed(struct fake *fake, uint32_t number)
{
    for (unsigned i = 0; i < MAX_CONNS; i++) {
        struct conn *conn = &fake->conns[i];
        if (conn->number == number) {
            orl_timer_free(conn->timer);
            *conn = (struct conn){0};
        }
    }
}

static void keep_thumb(const struct fake *fake, const struct orl_msg *msg)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/thumb.jpg", fake->dir);
    FILE *file = fopen(path, "wbe");
    if (file != NULL) {
        (void)fwrite(msg->u.thumb.data, 1, msg->u.thumb.data_len, file);
        (void)fclose(file);
    }
    say("thumb", msg->conn, msg->u.thumb.session);
}

static int on_gateway_msg(
        void *ctx, struct orl_ipc *ipc, struct orl_msg *msg, struct orl_ipc_fds *fds)
{
    struct fake *fake = ctx;
    (void)ipc;
    (void)fds;
    switch (msg->type) {
    case ORL_MSG_LOGIN:
        say("login", msg->conn, msg->u.login.user);
        on_login(fake, msg);
        break;
    case ORL_MSG_PROOF:
        say("proof", msg->conn, msg->u.proof.user);
        post_close(fake, msg->conn, ORL_REASON_TICKET_INVALID);
        break;
    case ORL_MSG_STATS:
        say("stats", msg->conn, msg->u.stats.session);
        break;
    case ORL_MSG_SERVICE:
        say("service", msg->u.service.service, msg->u.service.fingerprint);
        break;
    case ORL_MSG_THUMB:
        keep_thumb(fake, msg);
        break;
    case ORL_MSG_CLOSE:
        say("close", msg->conn, orl_reason_code(orl_reason_from_u32(msg->u.close.reason)));
        on_conn_closed(fake, msg->conn);
        break;
    default:
        say("unexpected", msg->conn, orl_msg_name(msg->type));
        break;
    }
    return 0;
}

static int connect_vnc(const char *target)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET};
    bool is_unix = strncmp(target, "unix:", 5) == 0;
    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", is_unix ? target + 5 : "");
    in.sin_port = htons((uint16_t)strtoul(target, NULL, 10));
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr *addr =
            is_unix ? (const struct sockaddr *)&un : (const struct sockaddr *)&in;
    if (fd >= 0 && connect(fd, addr, is_unix ? sizeof(un) : sizeof(in)) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int on_pool_msg(void *ctx, struct orl_ipc *ipc, struct orl_msg *msg, struct orl_ipc_fds *fds)
{
    struct fake *fake = ctx;
    (void)fds;
    if (msg->type != ORL_MSG_CONSOLE) {
        return 0;
    }
    say("console", 0, msg->u.console.desktop);
    struct orl_msg answer = {.type = ORL_MSG_CONSOLE};
    answer.u.console = msg->u.console;
    char target[PATH_BYTES];
    unsigned desktop = 1;
    (void)sscanf(answer.u.console.desktop, "d%x", &desktop);
    (void)snprintf(target, sizeof(target), fake->desktops > 0 ? "%s.%u" : "%s",
            fake->vnc != NULL ? fake->vnc : "", desktop - 1);
    int fd = fake->vnc != NULL ? connect_vnc(target) : -1;
    answer.u.console.source = fd < 0              ? ORL_SOURCE_NONE
                              : fake->rdp != NULL ? ORL_SOURCE_RDP
                                                  : ORL_SOURCE_VNC;
    answer.u.console.reason = fd >= 0 ? 0 : ORL_REASON_CONSOLE_UNREACHABLE;
    orl_msg_text(answer.u.console.password, sizeof(answer.u.console.password), fake->vnc_password);
    if (fake->rdp != NULL) {
        orl_msg_text(answer.u.console.user, sizeof(answer.u.console.user), fake->user);
        orl_msg_text(answer.u.console.fingerprint, sizeof(answer.u.console.fingerprint), fake->rdp);
    }
    orl_ipc_post(ipc, &answer, &fd, fd >= 0 ? 1 : 0);
    if (fd >= 0) {
        close(fd);
    }
    return 0;
}

static void on_closed(void *ctx, struct orl_ipc *ipc, int code)
{
    struct fake *fake = ctx;
    (void)code;
    if (fake->gateway == ipc) {
        fake->gateway = NULL;
    }
    if (fake->pool == ipc) {
        fake->pool = NULL;
    }
    orl_ipc_free(ipc);
}

static void accept_one(struct fake *fake, unsigned which)
{
    static const struct orl_ipc_events gateway_events = {
            .on_msg = on_gateway_msg, .on_closed = on_closed};
    static const struct orl_ipc_events pool_events = {
            .on_msg = on_pool_msg, .on_closed = on_closed};
    struct orl_ipc **place = which == 0 ? &fake->gateway : &fake->pool;
    int fd = accept4(fake->listen_fds[which], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return;
    }
    orl_ipc_free(*place);
    *place = NULL;
    if (orl_ipc_new(fake->loop, fd, MAX_QUEUED, which == 0 ? &gateway_events : &pool_events, fake,
                place, NULL) == 0 &&
            which == 0) {
        say("broker up", 0, "");
    }
}

static void on_gateway_accept(void *ctx, unsigned events)
{
    (void)events;
    accept_one(ctx, 0);
}

static void on_pool_accept(void *ctx, unsigned events)
{
    (void)events;
    accept_one(ctx, 1);
}

static void on_signal(void *ctx, int signum)
{
    struct fake *fake = ctx;
    if (signum != SIGUSR1 && signum != SIGUSR2) {
        orl_loop_stop(fake->loop);
        return;
    }
    for (unsigned i = 0; i < MAX_CONNS && fake->gateway != NULL; i++) {
        const struct orl_msg thumb = {.type = ORL_MSG_THUMB, .conn = fake->conns[i].number};
        if (thumb.conn != 0 && signum == SIGUSR2) {
            orl_ipc_post(fake->gateway, &thumb, NULL, 0);
        } else if (thumb.conn != 0) {
            post_close(fake, fake->conns[i].number, fake->close_reason);
        }
    }
}

static int parse(struct fake *fake, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *value = argv[i + 1];
        if (strcmp(argv[i], "--dir") == 0) {
            fake->dir = value;
        } else if (strcmp(argv[i], "--user") == 0) {
            fake->user = value;
        } else if (strcmp(argv[i], "--password") == 0) {
            fake->password = value;
        } else if (strcmp(argv[i], "--vnc") == 0) {
            fake->vnc = value;
        } else if (strcmp(argv[i], "--vnc-password") == 0) {
            fake->vnc_password = value;
        } else if (strcmp(argv[i], "--rdp") == 0) {
            fake->rdp = value;
        } else if (strcmp(argv[i], "--wait-ms") == 0) {
            fake->wait_ms = strtoull(value, NULL, 10);
        } else if (strcmp(argv[i], "--close-after-ms") == 0) {
            fake->close_after_ms = strtoull(value, NULL, 10);
        } else if (strcmp(argv[i], "--desktops") == 0) {
            fake->desktops = (unsigned)strtoul(value, NULL, 10);
        } else if (strcmp(argv[i], "--clipboard") == 0) {
            fake->permit.clipboard = (uint32_t)strtoul(value, NULL, 10);
        } else if (strcmp(argv[i], "--clipboard-max") == 0) {
            fake->permit.clipboard_max_bytes = (uint32_t)strtoul(value, NULL, 10);
        } else if (strcmp(argv[i], "--sound") == 0) {
            fake->permit.has_sound = (uint32_t)strtoul(value, NULL, 10);
        } else if (strcmp(argv[i], "--close-reason") != 0 ||
                   !orl_reason_parse(value, &fake->close_reason)) {
            return -1;
        }
    }
    return fake->dir == NULL || argc % 2 == 0 ? -1 : 0;
}

static int listen_all(struct fake *fake, struct orl_err *err)
{
    static const char *const names[] = {"gateway.sock", "console.sock"};
    static const orl_io_fn fns[] = {on_gateway_accept, on_pool_accept};
    for (unsigned i = 0; i < 2; i++) {
        char path[200];
        struct orl_io *io = NULL;
        (void)snprintf(path, sizeof(path), "%s/%s", fake->dir, names[i]);
        int code = orl_ipc_listen(path, 8, &fake->listen_fds[i], err);
        if (code == 0) {
            code = orl_io_open(
                    fake->loop, fake->listen_fds[i], ORL_IO_READ, fns[i], fake, &io, err);
        }
        if (code < 0) {
            return code;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct fake fake = {.user = "alice",
            .password = "secret",
            .vnc_password = "",
            .close_reason = ORL_REASON_CLOSED_BY_ADMIN,
            .permit = {.clipboard = ORL_CLIPBOARD_BOTH,
                    .clipboard_max_bytes = 1 << 20,
                    .has_sound = 1},
            .listen_fds = {-1, -1}};
    struct orl_err err = {0};
    if (parse(&fake, argc, argv) < 0) {
        (void)fprintf(stderr, "usage: see the head of fake_control.c\n");
        return EXIT_FAILURE;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    int code = orl_loop_new(&fake.loop, &err);
    static const int signals[] = {SIGTERM, SIGINT, SIGUSR1, SIGUSR2};
    for (unsigned i = 0; i < 4 && code == 0; i++) {
        code = orl_loop_on_signal(fake.loop, signals[i], on_signal, &fake, &err);
    }
    if (code == 0) {
        code = listen_all(&fake, &err);
    }
    if (code < 0) {
        (void)fprintf(stderr, "fake_control: %s\n", err.text);
        return EXIT_FAILURE;
    }
    orl_loop_run(fake.loop);
    orl_ipc_free(fake.gateway);
    orl_ipc_free(fake.pool);
    orl_loop_free(fake.loop);
    return EXIT_SUCCESS;
}
