/* oriel-gateway: as root it opens the port, reads the configured certificate and starts the spawner,
 * then becomes an ordinary user before it accepts anybody. */
#include "base/cleanup.h"
#include "base/listener.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "gateway/gateway.h"
#include "gateway/spawner.h"
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const struct orl_log_ctx log_ctx = {.name = "gateway"};

struct user {
    uid_t uid; /* (uid_t)-1: as we are */
    gid_t gid;
};

/* An ordinary user can't become another; an empty name is the wish not to. */
static int find_user(const char *key, const char *name, struct user *ret_user, struct orl_err *err)
{
    *ret_user = (struct user){.uid = (uid_t)-1, .gid = (gid_t)-1};
    if (geteuid() != 0 || name[0] == '\0') {
        return ORL_OK;
    }
    const struct passwd *found = getpwnam(name);
    if (found == NULL || found->pw_uid == 0) {
        return orl_err_set(err, ORL_E_CONFIG,
                "%s: there is no ordinary user '%s' (make one, or set %s to '')", key, name, key);
    }
    *ret_user = (struct user){.uid = found->pw_uid, .gid = found->pw_gid};
    return ORL_OK;
}

static int become(const struct user *user, const char *name, struct orl_err *err)
{
    if (user->uid == (uid_t)-1) {
        return ORL_OK;
    }
    /* Its supplementary groups are how it reaches the broker's and the vmpool's sockets. */
    if (initgroups(name, user->gid) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
            setresuid(user->uid, user->uid, user->uid) < 0) {
        return orl_err_sys(err, errno, "become user %s", name);
    }
    return setuid(0) == 0 ? orl_err_set(err, ORL_E_DENIED, "root's rights did not go") : ORL_OK;
}

static int find_self(char *ret_path, size_t size, struct orl_err *err)
{
    ssize_t len = readlink("/proc/self/exe", ret_path, size - 1);
    if (len < 0) {
        return orl_err_sys(err, errno, "/proc/self/exe");
    }
    ret_path[len] = '\0';
    return ORL_OK;
}

/* libexec_dir, or beside this program, or where `cmake --install` puts them. */
static void find_program(const struct orl_gateway_cfg *cfg, const char *self, const char *name,
        char *ret_path, size_t size)
{
    if (cfg->libexec_dir[0] != '\0') {
        (void)snprintf(ret_path, size, "%s/%s", cfg->libexec_dir, name);
        return;
    }
    (void)snprintf(ret_path, size, "%.*s/%s", (int)(strrchr(self, '/') - self), self, name);
    if (access(ret_path, X_OK) < 0) {
        (void)snprintf(ret_path, size, "%s/%s", ORIEL_LIBEXEC_DIR, name);
    }
}

static int start_spawner(const struct orl_gateway_cfg *cfg, int *ret_fd, struct orl_err *err)
{
    char self[PATH_MAX];
    char session[PATH_MAX + 32];
    char console[PATH_MAX + 32];
    char console_rdp[PATH_MAX + 32];
    struct user user = {.uid = (uid_t)-1, .gid = (gid_t)-1};
    pid_t pid = 0;
    int code = find_self(self, sizeof(self), err);
    if (code == ORL_OK) {
        code = find_user("session_user", cfg->session_user, &user, err);
    }
    if (code < 0) {
        return code;
    }
    if (geteuid() == 0 && user.uid == (uid_t)-1) {
        orl_log_warn(&log_ctx, "sessions run as root: session_user is empty");
    }
    find_program(cfg, self, "oriel-session", session, sizeof(session));
    find_program(cfg, self, "oriel-console", console, sizeof(console));
    find_program(cfg, self, "oriel-console-rdp", console_rdp, sizeof(console_rdp));
    struct orl_spawner_opts opts = {.session_path = session,
            .console_path = console,
            .console_rdp_path = console_rdp,
            .uid = user.uid,
            .gid = user.gid,
            .log_level = orl_gateway_log_level(cfg)};
    return orl_spawner_start(self, &opts, ret_fd, &pid, err);
}

static int make_dir(const char *path, mode_t mode, const struct user *user, struct orl_err *err)
{
    if (mkdir(path, mode) == 0) {
        if (chmod(path, mode) < 0) { /* the umask is 077 */
            return orl_err_sys(err, errno, "%s: change its mode", path);
        }
        if (user->uid != (uid_t)-1 && chown(path, user->uid, user->gid) < 0) {
            return orl_err_sys(err, errno, "%s: change its owner", path);
        }
        return ORL_OK;
    }
    return errno == EEXIST ? ORL_OK : orl_err_sys(err, errno, "%s: make the folder", path);
}

static void name_own_dir(const struct orl_gateway_cfg *cfg, char *ret_path, size_t size)
{
    (void)snprintf(ret_path, size, "%s/gateway", cfg->state_dir);
}

static int make_own_dir(
        const struct orl_gateway_cfg *cfg, const struct user *user, struct orl_err *err)
{
    char dir[300];
    const struct user as_is = {.uid = (uid_t)-1, .gid = (gid_t)-1};
    name_own_dir(cfg, dir, sizeof(dir));
    int code = make_dir(cfg->state_dir, 0755, &as_is, err);
    return code < 0 ? code : make_dir(dir, 0700, user, err);
}

/* As the ordinary user: in a folder of its own it could lead root by a link to any key on the machine. */
static int load_own_certificate(
        const struct orl_gateway_cfg *cfg, struct orl_shown_cert *shown, struct orl_err *err)
{
    char dir[300];
    name_own_dir(cfg, dir, sizeof(dir));
    return orl_shown_cert_own(shown, ORL_SERVICE_RDP, dir, "rdp", err);
}

static void raise_fd_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void on_signal(void *ctx, int signum)
{
    (void)signum;
    orl_log_info(&log_ctx, "stopping");
    orl_gateway_stop(ctx);
}

static int serve(const struct orl_gateway_opts *opts, struct orl_err *err)
{
    struct orl_loop *loop = NULL;
    struct orl_gateway *gateway = NULL;
    int code = orl_loop_new(&loop, err);
    if (code < 0) {
        int vnc_fd = opts->vnc_listen_fd;
        orl_close_fd(&vnc_fd);
        close(opts->listen_fd);
        close(opts->spawner_fd);
        return code;
    }
    code = orl_gateway_new(loop, opts, &gateway, err);
    if (code == ORL_OK) {
        code = orl_loop_on_signal(loop, SIGTERM, on_signal, gateway, err);
    }
    if (code == ORL_OK) {
        code = orl_loop_on_signal(loop, SIGINT, on_signal, gateway, err);
    }
    if (code == ORL_OK) {
        orl_loop_run(loop);
        if (orl_gateway_has_failed(gateway)) {
            code = orl_err_set(err, ORL_E_CLOSED, "the spawner is gone");
        }
    }
    orl_gateway_free(gateway);
    orl_loop_free(loop);
    return code;
}

struct ports {
    int rdp_fd, vnc_fd; /* -1: not served */
    uint16_t rdp, vnc;
};

static int bind_ports(
        const struct orl_gateway_cfg *cfg, struct ports *ret_ports, struct orl_err *err)
{
    int code = orl_listener_bind(
            cfg->rdp_address, (uint16_t)cfg->rdp_port, &ret_ports->rdp_fd, &ret_ports->rdp, err);
    if (code < 0) {
        return orl_err_prefix(err, "rdp_address, rdp_port");
    }
    if (!cfg->vnc_enabled) {
        return ORL_OK;
    }
    code = orl_listener_bind(
            cfg->vnc_address, (uint16_t)cfg->vnc_port, &ret_ports->vnc_fd, &ret_ports->vnc, err);
    if (code == ORL_E_SYS) {
        /* libvirt gives 5900 to the first machine with a VNC display: RDP must not suffer from it. */
        orl_log_error(&log_ctx, "VNC is not served: choose another vnc_port, or vnc_enabled: false",
                "why", err->text);
        *err = (struct orl_err){0};
        return ORL_OK;
    }
    return code < 0 ? orl_err_prefix(err, "vnc_address") : ORL_OK;
}

static void log_ports(const struct orl_gateway_cfg *cfg, const struct ports *ports)
{
    orl_log_info(
            &log_ctx, "listening", "address", cfg->rdp_address, "port", ORL_LOG_NUM(ports->rdp));
    if (ports->vnc_fd >= 0) {
        orl_log_info(&log_ctx, "listening for VNC", "address", cfg->vnc_address, "port",
                ORL_LOG_NUM(ports->vnc));
    }
}

static int run(const struct orl_gateway_cfg *cfg, struct orl_err *err)
{
    struct user user = {.uid = (uid_t)-1, .gid = (gid_t)-1};
    struct ports ports = {.rdp_fd = -1, .vnc_fd = -1};
    struct orl_shown_cert shown = {.slots = {.fd = {-1, -1}}};
    ORL_AUTO(orl_close_auto) int spawner_fd = -1;
    int code = find_user("user", cfg->user, &user, err);
    if (code == ORL_OK) {
        code = orl_shown_cert_read(
                &shown, ORL_SERVICE_RDP, cfg->certificate, cfg->certificate_key, err);
    }
    if (code == ORL_OK && !orl_shown_cert_has(&shown)) {
        code = make_own_dir(cfg, &user, err);
    }
    if (code == ORL_OK) {
        code = bind_ports(cfg, &ports, err);
    }
    if (code == ORL_OK) {
        code = start_spawner(cfg, &spawner_fd, err);
    }
    if (code == ORL_OK) {
        code = become(&user, cfg->user, err);
    }
    if (code == ORL_OK && !orl_shown_cert_has(&shown)) {
        code = load_own_certificate(cfg, &shown, err);
    }
    if (code == ORL_OK) {
        log_ports(cfg, &ports);
        struct orl_gateway_opts opts = {.cfg = cfg,
                .shown = &shown,
                .rdp_port = ports.rdp,
                .vnc_port = ports.vnc_fd >= 0 ? ports.vnc : 0,
                .vnc_listen_fd = orl_steal_fd(&ports.vnc_fd),
                .listen_fd = orl_steal_fd(&ports.rdp_fd),
                .spawner_fd = orl_steal_fd(&spawner_fd)};
        code = serve(&opts, err);
    }
    orl_close_fd(&ports.rdp_fd);
    orl_close_fd(&ports.vnc_fd);
    orl_shown_cert_fini(&shown);
    return code;
}

int main(int argc, char **argv)
{
    struct orl_gateway_cfg cfg = {0};
    struct orl_err err = {0};
    enum orl_log_level level = ORL_LOG_INFO;
    if (argc > 1 && strcmp(argv[1], "--spawner") == 0) {
        return orl_spawner_main(argc, argv);
    }
    orl_sandbox_harden();
    int code = orl_cfg_args(argc, argv, "oriel-gateway",
            "Accepts RDP and VNC clients, and starts a sandboxed session for each.",
            "/etc/oriel/gateway.yaml", orl_gateway_keys, &cfg, &err);
    if (code == 0) {
        (void)orl_log_level_parse(orl_gateway_log_level(&cfg), &level);
        orl_log_set_level(level);
        raise_fd_limit();
        code = run(&cfg, &err);
    }
    orl_cfg_fini(orl_gateway_keys, &cfg);
    if (code < 0) {
        orl_log_error(&log_ctx, "can't run", "why", err.text);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
