/* oriel-web: as root it opens its ports and reads a given certificate, then becomes an ordinary user; it accepts
 * nobody before the sandbox. */
#include "base/cleanup.h"
#include "base/listener.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "web/server/confine.h"
#include "web/server/web.h"
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define GOODBYE_US (UINT64_C(300) * 1000)
#define CLOSE_US (UINT64_C(150) * 1000)

static const struct orl_log_ctx log_ctx = {.name = "web"};

enum { SOCKET_PATH = 256, MAX_FDS = 65536 };
struct server {
    const struct orl_web_cfg *cfg;
    char *broker_path, *control_path, *gateway_path,
            *upload_path; /* SOCKET_PATH bytes each; named by confine() */
    struct orl_web *web;
    struct orl_loop *loop;
    struct orl_timer *timer;
    bool is_closing;
};

static void name_own_dir(const struct orl_web_cfg *cfg, char *ret_path, size_t size)
{
    (void)snprintf(ret_path, size, "%s/web", cfg->state_dir);
}

static int make_dir(const char *path, mode_t mode, const char *user, struct orl_err *err)
{
    const struct passwd *owner =
            geteuid() == 0 && user[0] != '\0' ? getpwnam(user) : NULL; /* absent: told later */
    if (mkdir(path, mode) < 0) {
        return errno == EEXIST ? ORL_OK : orl_err_sys(err, errno, "%s: make the folder", path);
    }
    if (chmod(path, mode) < 0 || (owner != NULL && chown(path, owner->pw_uid, owner->pw_gid) < 0)) {
        return orl_err_sys(err, errno, "%s: change its owner", path);
    }
    return ORL_OK;
}

static int make_own_dir(const struct orl_web_cfg *cfg, struct orl_err *err)
{
    char dir[300];
    name_own_dir(cfg, dir, sizeof(dir));
    int code = make_dir(cfg->state_dir, 0755, "", err);
    return code < 0 ? code : make_dir(dir, 0700, cfg->user, err);
}

/* As the ordinary user: in a folder of its own it could lead root by a link to any key on the machine. */
static int load_own(
        const struct orl_web_cfg *cfg, struct orl_shown_cert *shown, struct orl_err *err)
{
    char dir[300];
    name_own_dir(cfg, dir, sizeof(dir));
    return orl_shown_cert_own(shown, ORL_SERVICE_WEB, dir, "web", err);
}

static uid_t uid_of(const char *user)
{
    const struct passwd *found = getpwnam(user);
    return found != NULL ? found->pw_uid : geteuid();
}

/* libwebsockets makes a table of as many as there may be. */
static void set_fd_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < MAX_FDS ? limit.rlim_max : MAX_FDS;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void name_sockets(const struct server *server, const char *dir)
{
    (void)snprintf(server->broker_path, SOCKET_PATH, "%s/broker.sock", dir);
    (void)snprintf(server->control_path, SOCKET_PATH, "%s/gateway.sock", dir);
    (void)snprintf(server->gateway_path, SOCKET_PATH, "%s/web.sock", dir);
    (void)snprintf(server->upload_path, SOCKET_PATH, "%s/upload.sock", dir);
}

static void on_due(void *ctx)
{
    struct server *server = ctx;
    if (server->is_closing) {
        orl_loop_stop(server->loop);
        return;
    }
    server->is_closing = true;
    orl_web_close(server->web);
    orl_timer_start(server->timer, CLOSE_US, 0);
}

static void on_signal(void *ctx, int signum)
{
    struct server *server = ctx;
    (void)signum;
    orl_log_info(&log_ctx, "stopping");
    if (!server->is_closing) {
        orl_timer_start(server->timer, orl_web_stop(server->web) ? GOODBYE_US : 0, 0);
    }
}

/* The last step before the first browser. */
static int confine(const struct server *server, struct orl_err *err)
{
    struct orl_sandbox_report report = {0};
    bool is_rooted = false;
    int code = orl_confine_root(server->cfg->run_dir, &is_rooted, err);
    if (code == ORL_OK) {
        name_sockets(server, is_rooted ? "" : server->cfg->run_dir);
        code = orl_sandbox_enter(ORL_SANDBOX_WEB, &report, err);
    }
    if (code == ORL_OK) {
        orl_log_info(&log_ctx, "confined", "root", is_rooted ? server->cfg->run_dir : "/",
                "seccomp", report.has_seccomp ? "yes" : "no", "landlock",
                ORL_LOG_NUM(report.landlock_abi));
    }
    return code;
}

static int serve(struct server *server, struct orl_err *err)
{
    struct orl_loop *loop = server->loop;
    int code = orl_loop_on_signal(loop, SIGTERM, on_signal, server, err);
    if (code == ORL_OK) {
        code = orl_loop_on_signal(loop, SIGINT, on_signal, server, err);
    }
    if (code == ORL_OK) {
        code = confine(server, err);
    }
    if (code == ORL_OK) {
        code = orl_web_open(server->web, err);
    }
    if (code < 0) {
        orl_timer_start(server->timer, 0, 0);
    }
    orl_loop_run(loop);
    return code;
}

static int run_as_user(
        const struct orl_web_cfg *cfg, struct orl_web_opts *opts, struct orl_err *err)
{
    char broker[SOCKET_PATH] = "";
    char control[SOCKET_PATH] = "";
    char gateway[SOCKET_PATH] = "";
    char upload[SOCKET_PATH] = "";
    struct server server = {.cfg = cfg,
            .broker_path = broker,
            .control_path = control,
            .gateway_path = gateway,
            .upload_path = upload};
    int code = orl_loop_new(&server.loop, err);
    if (code < 0) {
        return code;
    }
    opts->broker_path = broker;
    opts->control_path = control;
    opts->gateway_path = gateway;
    opts->upload_path = upload;
    code = orl_timer_new(server.loop, on_due, &server, &server.timer, err);
    if (code == ORL_OK) {
        code = orl_web_new(server.loop, opts, &server.web, err);
    }
    if (code == ORL_OK) {
        code = serve(&server, err);
    }
    opts->broker_path = NULL;
    opts->control_path = NULL;
    opts->gateway_path = NULL;
    opts->upload_path = NULL;
    orl_timer_free(server.timer);
    orl_web_free(server.web);
    orl_loop_free(server.loop);
    return code;
}

static int run(const struct orl_web_cfg *cfg, struct orl_err *err)
{
    struct orl_shown_cert shown = {.slots = {.fd = {-1, -1}}};
    struct orl_web_opts opts = {.cfg = cfg,
            .https_fd = -1,
            .http_fd = -1,
            .broker_uid = uid_of(cfg->broker_user),
            .gateway_uid = uid_of(cfg->gateway_user),
            .vmpool_uid = uid_of(cfg->vmpool_user)};
    int code = orl_shown_cert_read(
            &shown, ORL_SERVICE_WEB, cfg->certificate, cfg->certificate_key, err);
    if (code == ORL_OK && !orl_shown_cert_has(&shown)) {
        code = make_own_dir(cfg, err);
    }
    if (code == ORL_OK) {
        code = orl_listener_bind(cfg->https_address, (uint16_t)cfg->https_port, &opts.https_fd,
                &opts.https_port, err);
    }
    if (code == ORL_OK && cfg->http_port != 0) {
        code = orl_listener_bind(
                cfg->https_address, (uint16_t)cfg->http_port, &opts.http_fd, &opts.http_port, err);
    }
    if (code == ORL_OK) {
        code = orl_confine_become(cfg->user, err);
    }
    if (code == ORL_OK && !orl_shown_cert_has(&shown)) {
        code = load_own(cfg, &shown, err);
    }
    if (code == ORL_OK) {
        orl_log_info(&log_ctx, "listening", "address", cfg->https_address, "port",
                ORL_LOG_NUM(opts.https_port));
        opts.shown = &shown;
        code = run_as_user(cfg, &opts, err);
    }
    orl_shown_cert_fini(&shown);
    return code;
}

int main(int argc, char **argv)
{
    struct orl_web_cfg cfg = {0};
    struct orl_err err = {0};
    enum orl_log_level level = ORL_LOG_INFO;
    orl_sandbox_harden();
    int code = orl_cfg_args(argc, argv, "oriel-web", "The portal, and desktops in a browser.",
            "/etc/oriel/web.yaml", orl_web_keys, &cfg, &err);
    if (code == 0) {
        (void)orl_log_level_parse(orl_web_log_level(&cfg), &level);
        orl_log_set_level(level);
        set_fd_limit();
        code = run(&cfg, &err);
    }
    orl_cfg_fini(orl_web_keys, &cfg);
    if (code < 0) {
        orl_log_error(&log_ctx, "can't run", "why", err.text);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
