/* oriel-vmpool: as root it makes its folders and becomes an ordinary user of the group libvirt. */
#include "base/log.h"
#include "base/sandbox.h"
#include "vmpool/vmpool.h"
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STOP_S = 30 };
static const struct orl_log_ctx log_ctx = {.name = "vmpool"};

static int make_dir(const char *path, mode_t mode, const struct passwd *owner, struct orl_err *err)
{
    if (path[0] == '\0') {
        return 0;
    }
    if (mkdir(path, mode) < 0) {
        return errno == EEXIST ? 0 : orl_err_sys(err, errno, "%s: make the folder", path);
    }
    if (chmod(path, mode) < 0 ||
            (owner && chown(path, owner->pw_uid, owner->pw_gid) < 0)) { /* the umask is 077 */
        return orl_err_sys(err, errno, "%s: change its owner", path);
    }
    return 0;
}

/* Its supplementary groups are how it reaches libvirt, the store and the broker's folders. */
static int become(const struct passwd *user, struct orl_err *err)
{
    if (initgroups(user->pw_name, user->pw_gid) < 0 ||
            setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
            setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0) {
        return orl_err_sys(err, errno, "become user %s", user->pw_name);
    }
    return setuid(0) == 0 ? orl_err_set(err, ORL_E_DENIED, "root's rights did not go") : 0;
}

static int prepare(const struct orl_vmpool_cfg *cfg, struct orl_err *err)
{
    const struct passwd *user = NULL;
    if (geteuid() == 0 && cfg->user[0] != '\0') {
        user = getpwnam(cfg->user);
        if (!user || user->pw_uid == 0) {
            return orl_err_set(err, ORL_E_CONFIG,
                    "user: there is no ordinary user '%s' (make one, or set user to '')",
                    cfg->user);
        }
    }
    /* The broker's, when it comes first; both are shared by group. */
    int r = make_dir(cfg->run_dir, 02775, user, err);
    r = r < 0 ? r : make_dir(cfg->state_dir, 02775, user, err);
    r = r < 0 ? r : make_dir(cfg->images_dir, 0711, user, err);
    return r == 0 && user ? become(user, err) : r;
}

static void on_signal(void *ctx, int signum)
{
    (void)signum;
    orl_log_info(&log_ctx, "stopping");
    (void)alarm(STOP_S); /* a call that hangs in libvirt; all that was begun can be done again */
    orl_loop_stop(ctx);
}

static int serve(const struct orl_vmpool_cfg *cfg, struct orl_err *err)
{
    struct orl_loop *loop = NULL;
    struct orl_vmpool *vmpool = NULL;
    int r = orl_loop_new(&loop, err);
    r = r < 0 ? r : orl_loop_on_signal(loop, SIGTERM, on_signal, loop, err);
    r = r < 0 ? r : orl_loop_on_signal(loop, SIGINT, on_signal, loop, err);
    r = r < 0 ? r : orl_vmpool_new(cfg, loop, &vmpool, err);
    if (r == 0) {
        orl_log_info(&log_ctx, "ready", "libvirt", cfg->libvirt_uri, "run_dir", cfg->run_dir);
        orl_loop_run(loop);
    }
    orl_vmpool_free(vmpool);
    orl_loop_free(loop);
    return r;
}

int main(int argc, char **argv)
{
    struct orl_vmpool_cfg cfg = {0};
    struct orl_err err = {0};
    enum orl_log_level level = ORL_LOG_INFO;
    orl_sandbox_harden();
    int r = orl_cfg_args(argc, argv, "oriel-vmpool", "Makes libvirt have what the store wants.",
            "/etc/oriel/vmpool.yaml", orl_vmpool_keys, &cfg, &err);
    if (r == 0) {
        if (orl_log_level_parse(orl_vmpool_log_level(&cfg), &level)) {
            orl_log_set_level(level);
        }
        r = orl_vmpool_cfg_check(&cfg, &err);
        r = r < 0 ? r : prepare(&cfg, &err);
        r = r < 0 ? r : serve(&cfg, &err);
        orl_cfg_fini(orl_vmpool_keys, &cfg);
    }
    if (r < 0) {
        orl_log_error(&log_ctx, "cannot go on", "error", err.text);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
