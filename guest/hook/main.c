/* oriel-hook: runs in the guest as root, does what the host asks over the port `oriel`, tells what becomes of the
 * person's session. `oriel-hook event NAME` says something through the running one. docs/guest.md */
#include "guest/hook/local.h"
#include "guest/hook/port.h"
#include "guest/hook/run.h"
#include "guest/hook/verbs.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EVENTS_MAX = 20, EVENTS_PERIOD_MS = 10000 };

struct hook {
    struct orl_port port;
    struct orl_session session;
    int local_fd;
    int signal_fd;
    uint64_t serial;
    uint64_t period_ms; /* when the current period of events began */
    unsigned events;    /* said in it */
    bool is_unsaid; /* something was not: the next period begins with a hello, which has it all */
};

static void say_hello(struct hook *h)
{
    struct orl_hook_msg msg;
    orl_verbs_hello(&h->session, 0, &msg);
    h->is_unsaid = !orl_port_send(&h->port, &msg);
}

static void begin_period(struct hook *h)
{
    uint64_t now_ms = orl_run_now_ms();
    if (now_ms - h->period_ms < EVENTS_PERIOD_MS) {
        return;
    }
    h->period_ms = now_ms;
    h->events = 0;
    if (h->is_unsaid && h->port.has_host) {
        say_hello(h);
    }
}

static void say_event(struct hook *h, const char *name)
{
    struct orl_hook_msg msg;
    orl_hook_msg_init(&msg, "event", ++h->serial);
    orl_hook_msg_put(&msg, "name", name);
    h->is_unsaid = !orl_port_send(&h->port, &msg) || h->is_unsaid;
}

/* Of what any process here may make us say: so often, and no more. */
static void say_limited(struct hook *h, const char *name)
{
    if (h->events < EVENTS_MAX) {
        h->events++;
        say_event(h, name);
    } else {
        h->is_unsaid = true;
    }
}

static void on_port(struct hook *h)
{
    struct orl_hook_msg msg;
    struct orl_hook_msg answer;
    while (orl_port_next(&h->port, &msg)) {
        bool was_on = h->session.pid > 0;
        orl_verbs_do(&h->session, &msg, &answer);
        orl_hook_msg_wipe(&msg);
        bool is_sent = orl_port_send(&h->port, &answer);
        if (orl_hook_msg_is(&answer, "hello")) {
            h->is_unsaid = !is_sent;
        }
        if (!was_on && h->session.pid > 0) {
            say_event(h, "logged_on");
        }
    }
}

static void on_local(struct hook *h)
{
    char name[32];
    bool is_root = false;
    if (!orl_local_receive(h->local_fd, name, sizeof(name), &is_root)) {
        return;
    }
    bool is_lock = strcmp(name, "locked") == 0;
    if ((is_lock || strcmp(name, "unlocked") == 0) && h->session.pid > 0) {
        h->session.is_locked = is_lock;
        say_limited(h, name);
    } else if (is_root && (strcmp(name, "rebooting") == 0 || strcmp(name, "shutdown") == 0)) {
        say_limited(h, name);
    }
}

/* False: the system wants us to end. Systemd says by its jobs why. */
static bool on_signal(struct hook *h)
{
    struct signalfd_siginfo info;
    if (read(h->signal_fd, &info, sizeof(info)) != sizeof(info) || info.ssi_signo == SIGCHLD) {
        return true;
    }
    if (access("/run/systemd/system", F_OK) == 0) {
        char script[] =
                "systemctl list-jobs --plain | grep -q -E '(reboot|kexec)\\.target' && exit 3; "
                "systemctl list-jobs --plain | grep -q -E '(poweroff|halt)\\.target' && exit 4";
        int status = orl_run((char *[]){(char *)"sh", (char *)"-c", script, NULL}, NULL, 2000);
        if (status == 3 || status == 4) {
            say_event(h, status == 3 ? "rebooting" : "shutdown");
        }
    }
    return false;
}

static void run(struct hook *h)
{
    bool is_running = true;
    while (is_running) {
        if (h->port.fd < 0 && orl_port_open(&h->port)) {
            say_hello(h);
        }
        begin_period(h);
        struct pollfd fds[] = {{.fd = orl_port_poll_fd(&h->port), .events = POLLIN},
                {.fd = h->local_fd, .events = POLLIN}, {.fd = h->signal_fd, .events = POLLIN},
                {.fd = h->session.pidfd, .events = POLLIN}};
        int wait_ms = orl_port_patience_ms(&h->port);
        (void)poll(fds, 4, wait_ms < 0 && h->is_unsaid ? EVENTS_PERIOD_MS : wait_ms);
        if ((fds[3].revents & POLLIN) != 0) {
            orl_session_finish(&h->session);
            say_event(h, "logged_off");
        }
        orl_port_look(&h->port);
        on_port(h);
        if ((fds[1].revents & POLLIN) != 0) {
            on_local(h);
        }
        if ((fds[2].revents & POLLIN) != 0) {
            is_running = on_signal(h);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "event") == 0) {
        return orl_local_send(argv[2]) ? 0 : 1;
    }
    if (argc != 1) {
        (void)fprintf(stderr,
                "usage: oriel-hook | oriel-hook event locked|unlocked|rebooting|shutdown\n");
        return 64;
    }
    struct hook h = {.port = {.fd = -1, .watch = -1}};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(022);
    (void)mkdir("/run", 0755);
    (void)mkdir(ORL_STATE_DIR, 0755);
    h.signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    h.local_fd = orl_local_open();
    orl_session_init(&h.session);
    orl_session_restore(&h.session);
    run(&h);
    return 0;
}
