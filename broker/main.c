/* oriel-broker: as root it makes its folders and becomes an ordinary user before it listens. */
#include "base/loop.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "broker/broker.h"
#include "broker/http.h"
#include "broker/plan_work.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER_US (UINT64_C(50) * 1000)
#define CLOSE_US (UINT64_C(300) * 1000)

enum { MAX_FILES = 8192 };

static const struct orl_log_ctx log_ctx = {.name = "broker"};

static int make_dir(const char *path, mode_t mode, const struct passwd *owner, struct orl_err *err)
{
    if (mkdir(path, 0750) < 0) {
        return errno == EEXIST ? 0 : orl_err_sys(err, errno, "%s: make the folder", path);
    }
    if (chmod(path, mode) < 0 || (owner != NULL && chown(path, owner->pw_uid, owner->pw_gid) < 0)) {
        return orl_err_sys(err, errno, "%s: change its owner", path);
    }
    return 0;
}

static int become(const struct passwd *user, struct orl_err *err)
{
    if (initgroups(user->pw_name, user->pw_gid) < 0 ||
            setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
            setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0) {
        return orl_err_sys(err, errno, "become user %s", user->pw_name);
    }
    return setuid(0) == 0 ? orl_err_set(err, ORL_E_DENIED, "root's rights did not go") : 0;
}

/* An ordinary user can't become another; an empty name is the wish not to. */
static int prepare(const struct orl_broker_cfg *cfg, struct orl_err *err)
{
    const struct passwd *user = NULL;
    if (geteuid() == 0 && cfg->user[0] != '\0') {
        user = getpwnam(cfg->user);
        if (user == NULL || user->pw_uid == 0) {
            return orl_err_set(err, ORL_E_CONFIG,
                    "user: there is no ordinary user '%s' (make one, or set user to '')",
                    cfg->user);
        }
    }
    /* Others put their sockets there and must reach ours, but nobody may take another's place. */
    int rc = make_dir(cfg->run_dir, 03775, user, err);
    if (rc == 0) {
        rc = make_dir(cfg->state_dir, 02770, user, err);
    }
    return rc == 0 && user != NULL ? become(user, err) : rc;
}

struct stopping {
    struct orl_broker *broker;
    struct orl_loop *loop;
    struct orl_timer *timer;
    bool is_begun;
};

/* First the last answers have left, then libwebsockets has closed, which it does on the loop. */
static void on_timer(void *ctx)
{
    struct stopping *stopping = ctx;
    if (orl_http_is_stopped(stopping->broker->http)) {
        orl_loop_stop(stopping->loop);
    } else {
        orl_broker_stop(stopping->broker);
        orl_timer_start(stopping->timer, CLOSE_US, 0);
    }
}

static void on_signal(void *ctx, int signum)
{
    struct stopping *stopping = ctx;
    (void)signum;
    if (stopping->is_begun) {
        return;
    }
    stopping->is_begun = true;
    orl_plan_work_stop(stopping->broker->plans);
    orl_log_info(&log_ctx, "stopping");
    orl_broker_stop_plans(stopping->broker);
    orl_timer_start(stopping->timer, ANSWER_US, 0);
}

/* A connection is a descriptor, and the usual limit is below what the settings allow. */
static void raise_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < MAX_FILES ? limit.rlim_max : MAX_FILES;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int serve(const struct orl_broker_cfg *cfg, struct orl_err *err)
{
    struct orl_broker broker = {0};
    struct stopping stopping = {.broker = &broker};
    int rc = orl_loop_new(&stopping.loop, err);
    if (rc < 0) {
        return rc;
    }
    rc = orl_broker_init(&broker, cfg, stopping.loop, err);
    if (rc == 0) {
        rc = orl_timer_new(stopping.loop, on_timer, &stopping, &stopping.timer, err);
    }
    if (rc == 0) {
        rc = orl_loop_on_signal(stopping.loop, SIGTERM, on_signal, &stopping, err);
    }
    if (rc == 0) {
        rc = orl_loop_on_signal(stopping.loop, SIGINT, on_signal, &stopping, err);
    }
    if (rc == 0) {
        rc = orl_broker_listen(&broker, err);
    }
    if (rc == 0) {
        orl_log_info(&log_ctx, "ready", "run_dir", cfg->run_dir);
        orl_loop_run(stopping.loop);
    }
    orl_timer_free(stopping.timer);
    orl_broker_fini(&broker);
    orl_loop_free(stopping.loop);
    return rc;
}

int main(int argc, char **argv)
{
    struct orl_broker_cfg cfg = {0};
    struct orl_err err = {0};
    enum orl_log_level level = ORL_LOG_INFO;
    orl_sandbox_harden();
    raise_files();
    json_set_alloc_funcs(malloc, orl_secret_free); /* passwords and tokens come in bodies */
    int rc = orl_cfg_args(argc, argv, "oriel-broker", "Users, logins, entitlements, sessions, API.",
            "/etc/oriel/broker.yaml", orl_broker_keys, &cfg, &err);
    if (rc == 0) {
        if (orl_log_level_parse(orl_broker_log_level(&cfg), &level)) {
            orl_log_set_level(level);
        }
        rc = prepare(&cfg, &err);
        if (rc == 0) {
            rc = serve(&cfg, &err);
        }
        orl_cfg_fini(orl_broker_keys, &cfg);
    }
    if (rc < 0) {
        orl_log_error(&log_ctx, "cannot go on", "error", err.text);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
