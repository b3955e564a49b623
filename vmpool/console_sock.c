#include "vmpool/console_sock.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "store/pool.h"
#include "store/rdp_login.h"
#include "vmpool/console_displays.h"
#include "vmpool/console_grants.h"
#include "vmpool/guest_rdp.h"
#include "vmpool/static_domain.h"
#include "vmpool/static_target.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    PEERS_MAX = 64,
    QUEUE_MAX = 256,
    BACKLOG = 64,
    ACCEPT_PER_WAKE = 16,
    CONNECT_MS = 5000,
    PURPOSE_MAX = 48
};

struct peer {
    struct orl_console_sock *sock;
    struct orl_ipc *ipc; /* NULL: a free place */
    uint64_t serial;     /* tells two peers in one place apart */
    bool may_open;
};
struct orl_console_sock {
    struct orl_console_sock_cfg cfg;
    struct orl_log_ctx log;
    int fd;
    struct orl_io *io;
    struct orl_console_displays *displays;
    struct orl_console_grants *grants;
    struct job *jobs; /* not answered yet */
    bool is_closing;
    uint64_t next_serial;
    struct peer peers[PEERS_MAX];
};
/* Copies only; find the peer again by its serial. */
struct job {
    struct job *next;
    const struct orl_backend *backend;
    char *const *static_allow;
    char uuid[ORL_UUID_LEN + 1];
    char target[ORL_TEXT_MAX + 1]; /* static */
    bool is_rdp;                   /* without a target: a clone's own server */
    enum orl_display_mode display;
    size_t peer;
    uint64_t serial;
    struct orl_msg reply;
    struct orl_ipc_fds fds;
    bool is_dbus; /* fds is a D-Bus display's socket, and for us */
    bool has_sound;
    int result;
    struct orl_err err;
};

static void refuse(struct orl_msg *reply, enum orl_reason reason, bool is_final, const char *text)
{
    reply->u.console.reason = reason;
    reply->u.console.is_final = is_final;
    reply->u.console.source = ORL_SOURCE_NONE;
    orl_msg_text(reply->u.console.text, sizeof reply->u.console.text, text);
}

static int open_machine(struct job *job, int *ret_fd)
{
    const struct orl_backend *backend = job->backend;
    int r = ORL_E_UNSUPPORTED;
    job->is_dbus = job->display != ORL_DISPLAY_VNC && backend->ops->display;
    if (job->is_dbus) {
        r = backend->ops->display(backend->self, job->uuid, ret_fd, &job->err);
    }
    if (!job->is_dbus || (r < 0 && job->display == ORL_DISPLAY_AUTO)) {
        job->is_dbus = false;
        r = backend->ops->console(backend->self, job->uuid, ret_fd, &job->err);
    }
    return r;
}

static int open_guest_rdp(struct job *job, int *ret_fd)
{
    const struct orl_backend *backend = job->backend;
    struct orl_vm_card card;
    int r = backend->ops->card
                    ? backend->ops->card(backend->self, job->uuid, &card, &job->err)
                    : orl_err_set(&job->err, ORL_E_UNSUPPORTED, "machines here have no address");
    return r < 0 ? r : orl_guest_rdp_connect(&card, CONNECT_MS, ret_fd, &job->err);
}

/* One that libvirt knows: through it, or where its display listens. */
static int open_domain(struct job *job, int *ret_fd)
{
    const struct orl_backend *backend = job->backend;
    const struct orl_vm_static want = {
            .target = job->target, .wants_dbus = job->display != ORL_DISPLAY_VNC};
    struct orl_vm_static_display found;
    int r = backend->ops->static_display
                    ? backend->ops->static_display(backend->self, &want, &found, &job->err)
                    : orl_err_set(&job->err, ORL_E_UNSUPPORTED, "no machines can be looked up");
    if (r < 0) {
        return r;
    }
    job->is_dbus = found.is_dbus;
    if (found.fd >= 0) {
        *ret_fd = found.fd;
        return 0;
    }
    return orl_static_connect(job->static_allow, found.target, CONNECT_MS, ret_fd, &job->err);
}

/* On a worker. */
static void run(void *job_)
{
    struct job *job = job_;
    int fd = -1;
    job->is_dbus = false;
    if (orl_static_domain_is(job->target)) {
        job->result = open_domain(job, &fd);
    } else if (job->target[0]) {
        job->result =
                orl_static_connect(job->static_allow, job->target, CONNECT_MS, &fd, &job->err);
    } else if (job->is_rdp) {
        job->result = open_guest_rdp(job, &fd);
    } else {
        job->result = open_machine(job, &fd);
    }
    if (job->result == 0) {
        job->fds.fd[job->fds.count++] = fd;
    }
}

/* A machine whose QEMU hangs holds the worker that asks for its display; by asking again it would hold all. */
static bool is_being_opened(const struct orl_console_sock *sock, const char *desktop)
{
    const struct job *job = sock->jobs;
    while (job && strcmp(job->reply.u.console.desktop, desktop) != 0) {
        job = job->next;
    }
    return job != NULL;
}

static void unlink_job(struct orl_console_sock *sock, const struct job *job)
{
    struct job **at = &sock->jobs;
    while (*at != job) {
        at = &(*at)->next;
    }
    *at = job->next;
}

static void finish(struct orl_console_sock *sock, struct job *job)
{
    unlink_job(sock, job);
    struct peer *peer = &sock->peers[job->peer];
    const char *desktop = job->reply.u.console.desktop;
    if (job->result == 0 && (job->target[0] || job->is_rdp)) {
        job->result = orl_console_grants_give(
                sock->grants, desktop, job->reply.u.console.session, job->fds.fd[0]);
    }
    if (job->result == 0) {
        bool is_qemu = job->fds.count == 2;
        job->reply.u.console.source = is_qemu       ? ORL_SOURCE_QEMU
                                      : job->is_rdp ? ORL_SOURCE_RDP
                                                    : ORL_SOURCE_VNC;
        orl_log_info(&sock->log, "console opened", "desktop", desktop, "display",
                is_qemu       ? "dbus"
                : job->is_rdp ? "rdp"
                              : "vnc",
                "sound", !is_qemu || job->has_sound ? "yes" : "no");
    } else {
        orl_log_warn(&sock->log, "console not opened", "desktop", desktop, "error", job->err.text);
        bool is_final = job->result == ORL_E_DENIED || job->result == ORL_E_INVAL;
        refuse(&job->reply, ORL_REASON_CONSOLE_UNREACHABLE, is_final, job->err.text);
        orl_secret_wipe(job->reply.u.console.password, sizeof job->reply.u.console.password);
    }
    if (peer->ipc && peer->serial == job->serial) {
        orl_ipc_post(peer->ipc, &job->reply, job->fds.fd, job->fds.count);
    }
    orl_ipc_fds_close(&job->fds);
    orl_msg_wipe(&job->reply);
    free(job);
}

static void done(void *job_, void *ctx)
{
    struct job *job = job_;
    struct orl_console_sock *sock = ctx;
    if (job->result == 0 && job->is_dbus) {
        orl_console_displays_open(sock->displays, job->uuid, orl_ipc_fds_take(&job->fds, 0), job);
    } else {
        finish(sock, job);
    }
}

static void on_display(
        void *ctx, void *job_, const struct orl_console_display_open *open, const char *why)
{
    struct orl_console_sock *sock = ctx;
    struct job *job = job_;
    job->fds.count = 0;
    if (open) {
        job->fds.fd[job->fds.count++] = open->stream_fd;
        job->fds.fd[job->fds.count++] = open->input_fd;
        job->has_sound = open->has_sound;
        finish(sock, job);
        return;
    }
    bool may_fall_back = job->display == ORL_DISPLAY_AUTO && !sock->is_closing;
    job->display = ORL_DISPLAY_VNC;
    if (may_fall_back && orl_work_submit(sock->cfg.work, run, done, job, sock) == 0) {
        orl_log_warn(&sock->log, "no D-Bus display", "desktop", job->reply.u.console.desktop, "why",
                why);
        return;
    }
    job->result = orl_err_set(&job->err, ORL_E_BACKEND, "%s", why);
    finish(sock, job);
}

static int unseal(const struct orl_console_sock *sock, const struct orl_desktop_row *row, char *ret,
        size_t size)
{
    char purpose[PURPOSE_MAX];
    size_t len = 0;
    ret[0] = '\0';
    if (row->vnc_password[0] == '\0') {
        return 0;
    }
    (void)snprintf(purpose, sizeof purpose, "vnc:%s", row->id);
    int r = orl_unseal(sock->cfg.key, purpose, row->vnc_password, ret, size - 1, &len);
    ret[r < 0 ? 0 : len] = '\0';
    return r;
}

/* Who logs in there, of a desktop by RDP. False: refused. */
static bool add_login(const struct orl_console_sock *sock, const struct orl_desktop_row *row,
        struct orl_msg *reply)
{
    struct orl_msg_console *ret = &reply->u.console;
    struct orl_rdp_login login = {.user = ""};
    if (orl_rdp_login_get(sock->cfg.store, row->id, &login, NULL) < 0) {
        refuse(reply, ORL_REASON_CONSOLE_UNREACHABLE, false, "the store does not answer");
        return false;
    }
    if (row->kind != ORL_POOL_STATIC && row->person == ORL_PERSON_NONE) {
        refuse(reply, ORL_REASON_PERSON_FAILED, true,
                "its pool shows by RDP, and its guest has no hook that could let anybody in");
        return false;
    }
    /* After a restart of the guest until its person is in again. */
    if (row->kind != ORL_POOL_STATIC && login.fingerprint[0] == '\0') {
        refuse(reply, ORL_REASON_CONSOLE_UNREACHABLE, false,
                "its guest has not said yet which certificate its RDP server has");
        return false;
    }
    memcpy(ret->user, login.user, sizeof ret->user);
    memcpy(ret->domain, login.domain, sizeof ret->domain);
    memcpy(ret->fingerprint, login.fingerprint, sizeof ret->fingerprint);
    return true;
}

/* How its pool wants it to be shown. False: refused, as what is kept for RDP is no password for VNC. */
static bool pool_display(const struct orl_console_sock *sock, const struct orl_desktop_row *row,
        enum orl_pool_display *ret_wanted, struct orl_msg *reply)
{
    struct orl_pool_row pool;
    if (orl_pool_get(sock->cfg.store, row->pool, &pool, NULL) < 0) {
        refuse(reply, ORL_REASON_CONSOLE_UNREACHABLE, false, "the store does not answer");
        return false;
    }
    *ret_wanted = pool.display;
    return true;
}

static enum orl_display_mode display_of(const struct orl_console_sock *sock,
        const struct orl_desktop_row *row, enum orl_pool_display wanted)
{
    const char *uuid = row->uuid[0] ? row->uuid : row->id;
    bool is_failing = sock->cfg.display == ORL_DISPLAY_AUTO &&
                      orl_console_displays_are_failing(sock->displays, uuid, orl_clock_now_us());
    return is_failing || wanted == ORL_POOL_DISPLAY_VNC ? ORL_DISPLAY_VNC : sock->cfg.display;
}

static struct job *new_job(const struct peer *peer, const struct orl_desktop_row *row, bool is_rdp,
        enum orl_pool_display wanted, const struct orl_msg *reply)
{
    const struct orl_console_sock *sock = peer->sock;
    const char *rdp_target = orl_rdp_target(row->vnc_target);
    struct job *job = calloc(1, sizeof *job);
    if (!job) {
        return NULL;
    }
    job->backend = sock->cfg.backend;
    job->static_allow = sock->cfg.static_allow;
    /* What its display is kept under. */
    (void)snprintf(job->uuid, sizeof job->uuid, "%s", row->uuid[0] ? row->uuid : row->id);
    job->is_rdp = is_rdp;
    (void)snprintf(job->target, sizeof job->target, "%s",
            row->kind != ORL_POOL_STATIC ? ""
            : rdp_target                 ? rdp_target
                                         : row->vnc_target);
    job->peer = (size_t)(peer - sock->peers);
    job->serial = peer->serial;
    job->reply = *reply;
    job->display = display_of(sock, row, wanted);
    return job;
}

/* Checks against the row, then opens on a worker. Fills reply when the answer is no. */
static bool begin(struct peer *peer, const struct orl_msg_console *ask, struct orl_msg *reply)
{
    struct orl_console_sock *sock = peer->sock;
    struct orl_desktop_row row;
    if (orl_desktop_get(sock->cfg.store, ask->desktop, &row, NULL) < 0) {
        refuse(reply, ORL_REASON_CONSOLE_LOST, true, "there is no such desktop");
        return false;
    }
    struct orl_console_verdict verdict =
            orl_console_judge(&row, ask, sock->cfg.is_up(sock->cfg.ctx));
    if (verdict.reason != ORL_REASON_NONE) {
        refuse(reply, verdict.reason, verdict.is_final, row.reason_text);
        return false;
    }
    if (is_being_opened(sock, row.id)) {
        refuse(reply, ORL_REASON_CONSOLE_UNREACHABLE, false,
                "its display is still being opened for somebody who asked before");
        return false;
    }
    enum orl_pool_display wanted = ORL_POOL_DISPLAY_AUTO;
    if (!pool_display(sock, &row, &wanted, reply)) {
        return false;
    }
    bool is_rdp = row.kind == ORL_POOL_STATIC ? orl_rdp_target(row.vnc_target) != NULL
                                              : wanted == ORL_POOL_DISPLAY_RDP;
    if (is_rdp && !add_login(sock, &row, reply)) {
        return false;
    }
    if (unseal(sock, &row, reply->u.console.password, sizeof reply->u.console.password) < 0) {
        refuse(reply, ORL_REASON_CONSOLE_AUTH, true, "its password can't be read: another key");
        return false;
    }
    struct job *job = new_job(peer, &row, is_rdp, wanted, reply);
    if (!job || orl_work_submit(sock->cfg.work, run, done, job, sock) < 0) {
        if (job) {
            orl_msg_wipe(&job->reply);
        }
        free(job);
        refuse(reply, ORL_REASON_CONSOLE_UNREACHABLE, false, "too many consoles are being opened");
        return false;
    }
    job->next = sock->jobs;
    sock->jobs = job;
    return true;
}

static int on_msg(void *ctx, struct orl_ipc *ipc, struct orl_msg *msg, struct orl_ipc_fds *fds)
{
    struct peer *peer = ctx;
    struct orl_console_sock *sock = peer->sock;
    if (fds->count > 0) {
        return ORL_E_PROTO;
    }
    if (msg->type == ORL_MSG_POKE) {
        sock->cfg.on_poke(sock->cfg.ctx);
        return 0;
    }
    if (msg->type != ORL_MSG_CONSOLE || !peer->may_open) {
        orl_log_warn(&sock->log, "peer sent what it may not", "message", orl_msg_name(msg->type));
        return ORL_E_DENIED;
    }
    struct orl_msg reply = {.type = ORL_MSG_CONSOLE, .conn = msg->conn};
    const struct orl_msg_console *ask = &msg->u.console;
    memcpy(reply.u.console.desktop, ask->desktop, sizeof ask->desktop);
    memcpy(reply.u.console.session, ask->session, sizeof ask->session);
    reply.u.console.version = ask->version;
    if (!begin(peer, ask, &reply)) {
        orl_log_info(&sock->log, "console refused", "desktop", ask->desktop, "reason",
                orl_reason_code(orl_reason_from_u32(reply.u.console.reason)));
        orl_ipc_post(ipc, &reply, NULL, 0);
    }
    orl_msg_wipe(&reply);
    return 0;
}

static void on_closed(void *ctx, struct orl_ipc *ipc, int code)
{
    (void)code;
    struct peer *peer = ctx;
    peer->ipc = NULL;
    orl_ipc_free(ipc);
}

static const struct orl_ipc_events peer_events = {.on_msg = on_msg, .on_closed = on_closed};

static struct peer *free_place(struct orl_console_sock *sock)
{
    for (size_t i = 0; i < PEERS_MAX; i++) {
        if (!sock->peers[i].ipc) {
            return &sock->peers[i];
        }
    }
    return NULL;
}

static void welcome(struct orl_console_sock *sock, int fd)
{
    uid_t uid = (uid_t)-1;
    pid_t pid = 0;
    struct orl_err err = {0};
    struct peer *peer = free_place(sock);
    if (!peer || orl_ipc_peer(fd, &uid, &pid, NULL) < 0) {
        close(fd);
        return;
    }
    bool is_own = uid == 0 || uid == geteuid();
    bool is_gateway = sock->cfg.gateway_uid != (uid_t)-1 && uid == sock->cfg.gateway_uid;
    bool is_broker = sock->cfg.broker_uid != (uid_t)-1 && uid == sock->cfg.broker_uid;
    if (!is_own && !is_gateway && !is_broker) {
        orl_log_warn(&sock->log, "peer refused", "uid", ORL_LOG_NUM(uid), "pid", ORL_LOG_NUM(pid));
        close(fd);
        return;
    }
    peer->sock = sock;
    peer->serial = ++sock->next_serial;
    peer->may_open = is_own || is_gateway;
    if (orl_ipc_new(sock->cfg.loop, fd, QUEUE_MAX, &peer_events, peer, &peer->ipc, &err) < 0) {
        orl_log_warn(&sock->log, "peer refused", "error", err.text);
        peer->ipc = NULL;
        close(fd);
    }
}

static void on_connect(void *ctx, unsigned events)
{
    struct orl_console_sock *sock = ctx;
    (void)events;
    for (unsigned i = 0; i < ACCEPT_PER_WAKE; i++) {
        int fd = accept4(sock->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            return;
        }
        welcome(sock, fd);
    }
}

int orl_console_sock_new(const struct orl_console_sock_cfg *cfg, struct orl_console_sock **ret_sock,
        struct orl_err *err)
{
    static const struct orl_log_ctx root = {.name = "vmpool"};
    struct orl_console_sock *sock = calloc(1, sizeof *sock);
    if (!sock) {
        return orl_err_set(err, ORL_E_NOMEM, "console socket");
    }
    sock->cfg = *cfg;
    sock->log = (struct orl_log_ctx){.parent = &root, .name = "console"};
    sock->fd = -1;
    int r = orl_ipc_listen(cfg->path, BACKLOG, &sock->fd, err);
    if (r == 0 && orl_console_displays_new(cfg->loop, on_display, sock, &sock->displays) < 0) {
        r = orl_err_set(err, ORL_E_NOMEM, "console socket");
    }
    r = r < 0 ? r : orl_console_grants_new(&sock->grants);
    r = r < 0 ? r : orl_io_open(cfg->loop, sock->fd, ORL_IO_READ, on_connect, sock, &sock->io, err);
    if (r < 0) {
        orl_console_sock_free(sock);
        return r;
    }
    *ret_sock = sock;
    return 0;
}

void orl_console_sock_free(struct orl_console_sock *sock)
{
    if (!sock) {
        return;
    }
    sock->is_closing = true;
    orl_io_close(sock->io);
    orl_console_displays_free(sock->displays);
    orl_console_grants_free(sock->grants);
    for (size_t i = 0; i < PEERS_MAX; i++) {
        orl_ipc_free(sock->peers[i].ipc);
    }
    orl_close_fd(&sock->fd);
    free(sock);
}
