#include "guest/hook/session.h"
#include "guest/hook/home.h"
#include "guest/hook/run.h"
#include "guest/hook/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATE_FILE ORL_STATE_DIR "/person"
enum { READY_FD = 3, END_MS = 5000, GRACE_MS = 3000, ENV_MAX = 16, ENV_BYTES = 512 };

void orl_session_init(struct orl_session *session)
{
    *session = (struct orl_session){.pidfd = -1};
}

/* Field 22 of /proc/PID/stat: when it started; 0: it is not there. */
static uint64_t ticks_of(pid_t pid)
{
    char path[64];
    char line[1024];
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (orl_text_read(path, line, sizeof(line)) <= 0) {
        return 0;
    }
    char *at = strrchr(line, ')');
    if (at == NULL || at[1] == '\0' || at[2] == 'Z') {
        return 0;
    }
    for (int field = 2; field < 22 && at != NULL; field++) {
        at = strchr(at + 1, ' ');
    }
    return at != NULL ? strtoull(at + 1, NULL, 10) : 0;
}

static void save(const struct orl_session *s)
{
    struct orl_hook_msg msg;
    char bytes[ORL_HOOK_MSG_MAX];
    orl_hook_msg_init(&msg, "person", (uint64_t)s->pid);
    orl_hook_msg_put(&msg, "name", s->account.name);
    orl_hook_msg_put(&msg, "home", s->account.home);
    orl_hook_msg_put_u64(&msg, "uid", s->account.uid);
    orl_hook_msg_put_u64(&msg, "number", s->account.number);
    orl_hook_msg_put_u64(&msg, "start", s->start_ticks);
    orl_hook_msg_put_u64(&msg, "has_ended", s->has_ended);
    orl_hook_msg_put_u64(&msg, "has_home", s->has_home);
    orl_hook_msg_put_u64(&msg, "deadline_s", s->deadline_s);
    orl_hook_msg_put(&msg, "on_logoff", s->on_logoff);
    orl_hook_msg_put(&msg, "rdp_fingerprint", s->rdp_fingerprint);
    orl_hook_msg_put_u64(&msg, "rdp_port", s->rdp_port);
    int len = orl_hook_msg_encode(&msg, bytes);
    if (len < 0 || !orl_text_write(STATE_FILE, bytes, (size_t)len, 0600)) {
        (void)fprintf(stderr, "oriel-hook: " STATE_FILE " cannot be written\n");
    }
}

static void watch(struct orl_session *s)
{
    s->pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
}

void orl_session_restore(struct orl_session *s)
{
    struct orl_hook_msg msg;
    char bytes[ORL_HOOK_MSG_MAX];
    uint64_t uid = 0, number = 0, start = 0, has_ended = 0, has_home = 0, deadline_s = 0,
             rdp_port = 0;
    ssize_t len = orl_text_read(STATE_FILE, bytes, sizeof(bytes));
    if (len <= 0 || orl_hook_msg_decode(bytes, (size_t)len, &msg) <= 0 ||
            !orl_hook_msg_get_u64(&msg, "uid", &uid) ||
            !orl_hook_msg_get_u64(&msg, "number", &number) ||
            !orl_hook_msg_get_u64(&msg, "start", &start) ||
            !orl_hook_msg_get_u64(&msg, "has_ended", &has_ended) ||
            !orl_hook_msg_get_u64(&msg, "has_home", &has_home) ||
            !orl_hook_msg_get_u64(&msg, "deadline_s", &deadline_s)) {
        return;
    }
    (void)snprintf(s->account.name, sizeof(s->account.name), "%s", orl_hook_msg_get(&msg, "name"));
    (void)snprintf(s->account.home, sizeof(s->account.home), "%s", orl_hook_msg_get(&msg, "home"));
    (void)snprintf(s->on_logoff, sizeof(s->on_logoff), "%s", orl_hook_msg_get(&msg, "on_logoff"));
    (void)snprintf(s->rdp_fingerprint, sizeof(s->rdp_fingerprint), "%s",
            orl_hook_msg_get(&msg, "rdp_fingerprint"));
    s->is_rdp = s->rdp_fingerprint[0] != '\0';
    s->rdp_port = orl_hook_msg_get_u64(&msg, "rdp_port", &rdp_port) ? (uint32_t)rdp_port : 0;
    s->account.uid = (uint32_t)uid;
    s->account.number = (uint32_t)number;
    s->deadline_s = (uint32_t)deadline_s;
    s->has_home = has_home != 0;
    s->has_ended = has_ended != 0;
    s->pid = has_ended ? 0 : (pid_t)msg.serial;
    s->start_ticks = start;
    if (s->pid > 0 && ticks_of(s->pid) == start) {
        watch(s);
    } else if (s->pid > 0) { /* it ended while nobody watched */
        s->pid = 0;
        orl_session_finish(s);
    }
}

char **orl_session_env(const struct orl_session *s, const struct orl_regional *regional)
{
    static char text[ENV_MAX][ENV_BYTES];
    static char *env[ENV_MAX + 1];
    const struct orl_regional none = {0};
    const struct orl_regional *r = regional != NULL ? regional : &none;
    const char *const pairs[][2] = {
            {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
            {"ORIEL_USER", s->account.name}, {"ORIEL_HOME", s->account.home},
            {"ORIEL_LOCALE", r->locale}, {"ORIEL_TIMEZONE", r->timezone},
            {"ORIEL_KEYBOARD", r->keyboard}, {"ORIEL_READY_FD", "3"},
            {"ORIEL_HOME_IS", s->home_is != NULL ? s->home_is : ""}};
    size_t used = 0;
    for (; used < sizeof(pairs) / sizeof(pairs[0]); used++) {
        (void)snprintf(text[used], ENV_BYTES, "%s=%s", pairs[used][0], pairs[used][1]);
        env[used] = text[used];
    }
    (void)snprintf(text[used], ENV_BYTES, "ORIEL_UID=%" PRIu32, s->account.uid);
    env[used] = text[used];
    used++;
    (void)snprintf(
            text[used], ENV_BYTES, "ORIEL_PREPARED=%.0d", (int)s->prepared); /* 0 is no digit */
    env[used] = text[used];
    env[used + 1] = NULL;
    return env;
}

static void run_child(char *program, char **env, int secret_fd, int ready_fd)
{
    sigset_t none;
    char *argv[] = {program, NULL};
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid();
    (void)dup2(secret_fd, STDIN_FILENO);
    if (ready_fd == READY_FD) {
        (void)fcntl(READY_FD, F_SETFD, 0);
    } else {
        (void)dup2(ready_fd, READY_FD);
    }
    (void)execve(program, argv, env);
    _exit(126);
}

/* Until it says so, ends, or the time is over: a slow desktop is a desktop. */
static const char *wait_ready(int fd, unsigned timeout_ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char byte;
    if (poll(&wait, 1, (int)timeout_ms) <= 0) {
        return NULL;
    }
    return read(fd, &byte, 1) == 1 ? NULL : "the session ended at once";
}

/* Its line: "FINGERPRINT PORT". */
static const char *wait_rdp(struct orl_session *s, int fd, unsigned timeout_ms)
{
    char line[96] = "";
    size_t len = 0;
    uint64_t end_ms = orl_run_now_ms() + timeout_ms;
    while (strchr(line, '\n') == NULL) {
        uint64_t now_ms = orl_run_now_ms();
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (now_ms >= end_ms || poll(&wait, 1, (int)(end_ms - now_ms)) <= 0) {
            return "the RDP server is not there in time";
        }
        ssize_t n = read(fd, line + len, sizeof(line) - 1 - len);
        if (n <= 0) {
            return "the RDP server did not start";
        }
        len += (size_t)n;
    }
    char *port = strchr(line, ' ');
    size_t digits = port != NULL ? (size_t)(port - line) : 0;
    if (digits != sizeof(s->rdp_fingerprint) - 1 || strspn(line, "0123456789abcdef") != digits) {
        return ORL_RDP_PROGRAM " names no certificate";
    }
    memcpy(s->rdp_fingerprint, line, digits);
    s->rdp_fingerprint[digits] = '\0';
    s->rdp_port = (uint32_t)strtoul(port + 1, NULL, 10);
    return NULL;
}

const char *orl_session_start(struct orl_session *s, const struct orl_regional *regional,
        const char *secret, unsigned timeout_ms)
{
    int in[2] = {-1, -1};
    int ready[2] = {-1, -1};
    char session[] = ORL_SESSION_PROGRAM;
    char rdp[] = ORL_RDP_PROGRAM;
    char *program = s->is_rdp ? rdp : session;
    if (access(program, X_OK) < 0) {
        return s->is_rdp ? "this template has no " ORL_RDP_PROGRAM
                         : "this template has no " ORL_SESSION_PROGRAM;
    }
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(ready, O_CLOEXEC) < 0) {
        return "no pipe";
    }
    char **env = orl_session_env(s, regional);
    pid_t pid = fork();
    if (pid == 0) {
        run_child(program, env, in[0], ready[1]);
    }
    (void)!write(in[1], secret, strlen(secret));
    close(in[0]);
    close(in[1]);
    close(ready[1]);
    const char *why = pid < 0     ? "no process"
                      : s->is_rdp ? wait_rdp(s, ready[0], timeout_ms)
                                  : wait_ready(ready[0], timeout_ms);
    close(ready[0]);
    s->pid = pid > 0 ? pid : 0;
    s->start_ticks = pid > 0 ? ticks_of(pid) : 0;
    s->has_ended = false;
    s->is_locked = false;
    if (why != NULL) {
        orl_session_finish(s);
        s->has_ended = false;
        (void)unlink(STATE_FILE);
        return why;
    }
    watch(s);
    save(s);
    return NULL;
}

static void end_program(struct orl_session *s)
{
    if (s->pid > 0 && ticks_of(s->pid) == s->start_ticks) {
        struct pollfd gone = {.fd = s->pidfd, .events = POLLIN};
        (void)kill(s->pid, SIGTERM);
        if (s->pidfd < 0 || poll(&gone, 1, END_MS) <= 0) {
            (void)kill(-s->pid, SIGKILL);
            (void)kill(s->pid, SIGKILL);
        }
    }
    if (s->pid > 0) {
        (void)waitpid(s->pid, NULL, s->pidfd >= 0 ? 0 : WNOHANG);
    }
    if (s->pidfd >= 0) {
        close(s->pidfd);
    }
    s->pidfd = -1;
    s->pid = 0;
}

void orl_session_finish(struct orl_session *s)
{
    if (s->account.number < ORL_UID_MIN || s->has_ended) {
        return;
    }
    if (s->is_rdp && !orl_account_set_secret("/etc", &s->account, NULL)) {
        (void)fprintf(stderr, "oriel-hook: the account keeps its password\n");
    }
    end_program(s);
    if (!orl_run_end_all(s->account.uid, GRACE_MS)) {
        (void)fprintf(
                stderr, "oriel-hook: a process of uid %" PRIu32 " does not end\n", s->account.uid);
    }
    sync(); /* before what may take its whole time */
    if (s->on_logoff[0] != '\0') {
        char *argv[] = {s->on_logoff, NULL};
        int status = orl_run(argv, orl_session_env(s, NULL), s->deadline_s * 1000);
        if (status != 0) {
            (void)fprintf(stderr, "oriel-hook: on_logoff ended with %d\n", status);
        }
    }
    if (s->has_home && !orl_home_unmount(&s->account)) {
        (void)fprintf(stderr, "oriel-hook: the home is still in use\n");
    } else if (!s->has_home) {
        sync();
    }
    s->has_ended = true;
    save(s);
}

const char *orl_session_state(const struct orl_session *s)
{
    if (s->pid > 0) {
        return s->is_locked ? "locked" : "logged_on";
    }
    return s->has_ended ? "logged_off" : "";
}
