#include "vmpool/upload_sock.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/secret.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum {
    PEERS_MAX = 64, /* what they ask takes a moment; of pieces there is one a job */
    BACKLOG = 64,
    ACCEPT_PER_WAKE = 8,
    HEAD_S = 3,
    SILENT_MS = 30000,
    PIECE_S = 300, /* no longer, however slowly its bytes come: others wait */
    BITE = 256 * 1024,
    ANSWER_MAX = 400,
    DROPPED = 16384,
};

struct peer {
    struct orl_upload_sock *sock;
    struct orl_io *io;
    int fd; /* -1: a free place */
    uint64_t deadline_us;
    bool is_busy; /* a worker has it */
    bool is_answered; /* what still comes is dropped, until it hears us: a reset would lose the answer */
};
struct orl_upload_sock {
    struct orl_upload_sock_cfg cfg;
    struct orl_log_ctx log;
    int fd;
    struct orl_io *io;
    struct orl_timer *timer;
    struct peer peers[PEERS_MAX];
};
struct job {
    struct peer *peer;
    struct orl_upload_piece piece;
    int from, to;
    uint64_t written;
    int result;
};

static const char *take_word(const char *at, const char *end, char *ret, size_t size)
{
    size_t len = 0;
    while (at + len < end && at[len] != ' ') {
        len++;
    }
    if (len == 0 || len >= size) {
        return NULL;
    }
    memcpy(ret, at, len);
    ret[len] = '\0';
    return at + len < end ? at + len + 1 : end;
}

static bool parse_number(const char *text, uint64_t *ret)
{
    size_t len = strlen(text);
    if (len == 0 || len > 18 || strspn(text, "0123456789") != len) {
        return false;
    }
    *ret = strtoull(text, NULL, 10);
    return true;
}

bool orl_upload_head_parse(const char *line, size_t len, struct orl_upload_piece *ret_piece)
{
    struct orl_upload_piece piece = {.length = 0};
    const char *end = line + len;
    char verb[4];
    char offset[24];
    char length[24];
    const char *at =
            len > 0 && line[len - 1] != ' ' ? take_word(line, end, verb, sizeof verb) : NULL;
    at = at ? take_word(at, end, piece.job, sizeof piece.job) : NULL;
    at = at ? take_word(at, end, piece.ticket, sizeof piece.ticket) : NULL;
    at = at ? take_word(at, end, offset, sizeof offset) : NULL;
    at = at ? take_word(at, end, length, sizeof length) : NULL;
    bool is_good = at == end && strcmp(verb, "PUT") == 0 && orl_id_is_valid(piece.job) &&
                   strlen(piece.ticket) == ORL_UPLOAD_TICKET_LEN &&
                   parse_number(offset, &piece.offset) && parse_number(length, &piece.length) &&
                   piece.length <= ORL_UPLOAD_PIECE_MAX;
    if (is_good) {
        *ret_piece = piece;
    }
    orl_secret_wipe(&piece, sizeof piece);
    return is_good;
}

static void close_peer(struct peer *peer)
{
    orl_io_close(peer->io);
    peer->io = NULL;
    orl_close_fd(&peer->fd);
    peer->is_busy = false;
}

static void reply(struct peer *peer, const struct orl_upload_answer *answer)
{
    char line[ANSWER_MAX];
    int len = snprintf(line, sizeof line, "%u %s %" PRIu64 " %s\n", answer->status, answer->code,
            answer->offset, answer->text);
    if (len > 0 && (size_t)len < sizeof line) {
        (void)!send(peer->fd, line, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    (void)shutdown(peer->fd, SHUT_WR);
    peer->is_busy = false;
    peer->is_answered = true;
    peer->deadline_us = orl_clock_now_us() + HEAD_S * ORL_US_PER_S;
    orl_io_set(peer->io, ORL_IO_READ);
}

static int write_all(int fd, const char *data, size_t len, off_t at)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, at);
        if (n < 0 && errno != EINTR) {
            return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ORL_E_LIMIT : ORL_E_SYS;
        }
        if (n > 0) {
            data += n;
            len -= (size_t)n;
            at += n;
        }
    }
    return 0;
}

static int receive(struct job *job, char *bite)
{
    uint64_t deadline_us = orl_clock_now_us() + PIECE_S * ORL_US_PER_S;
    while (job->written < job->piece.length) {
        struct pollfd ready = {.fd = job->from, .events = POLLIN};
        if (orl_clock_now_us() >= deadline_us || poll(&ready, 1, SILENT_MS) == 0) {
            return ORL_E_TIMEOUT;
        }
        uint64_t left = job->piece.length - job->written;
        ssize_t n = recv(job->from, bite, left < BITE ? (size_t)left : BITE, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
            return ORL_E_CLOSED;
        }
        int r = n > 0 ? write_all(
                                job->to, bite, (size_t)n, (off_t)(job->piece.offset + job->written))
                      : 0;
        if (r < 0) {
            return r;
        }
        job->written += n > 0 ? (uint64_t)n : 0;
    }
    return 0;
}

static void run(void *job_)
{
    struct job *job = job_;
    char *bite = malloc(BITE);
    job->result = bite ? receive(job, bite) : ORL_E_NOMEM;
    free(bite);
}

static void done(void *job_, void *ctx)
{
    struct job *job = job_;
    struct orl_upload_sock *sock = ctx;
    struct orl_upload_answer answer = {.status = 200, .code = "ok"};
    orl_close_fd(&job->to);
    sock->cfg.end(sock->cfg.ctx, &job->piece, job->written, job->result, &answer);
    reply(job->peer, &answer);
    orl_secret_wipe(job, sizeof *job);
    free(job);
}

static void submit(struct peer *peer, const struct orl_upload_piece *piece, int to)
{
    struct orl_upload_sock *sock = peer->sock;
    struct orl_upload_answer answer = {
            .status = 503, .code = "busy", .offset = piece->offset, .text = "too many at once"};
    struct job *job = calloc(1, sizeof *job);
    orl_io_set(peer->io, 0);
    peer->is_busy = true;
    if (job) {
        *job = (struct job){.peer = peer, .piece = *piece, .from = peer->fd, .to = to};
    }
    if (!job || orl_work_submit(sock->cfg.work, run, done, job, sock) < 0) {
        close(to);
        free(job);
        sock->cfg.end(sock->cfg.ctx, piece, 0, ORL_E_AGAIN, &answer);
        reply(peer, &answer);
    }
}

static void on_head(struct peer *peer, const char *line, size_t len)
{
    struct orl_upload_sock *sock = peer->sock;
    struct orl_upload_piece piece;
    struct orl_upload_answer answer = {
            .status = 400, .code = "bad_request", .text = "not a piece of a file"};
    int to = -1;
    if (orl_upload_head_parse(line, len, &piece) &&
            sock->cfg.begin(sock->cfg.ctx, &piece, &to, &answer)) {
        submit(peer, &piece, to);
    } else {
        reply(peer, &answer);
    }
    orl_secret_wipe(&piece, sizeof piece);
}

static void drop(struct peer *peer)
{
    char bite[DROPPED];
    ssize_t n = recv(peer->fd, bite, sizeof bite, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close_peer(peer);
    }
}

/* What follows the head stays in the socket: it is the worker's. A head comes whole, as it was sent: half of one, looked at
 * again and again, would keep the loop busy. */
static void on_peer(void *ctx, unsigned events)
{
    struct peer *peer = ctx;
    char head[ORL_UPLOAD_HEAD_MAX];
    (void)events;
    if (peer->is_answered) {
        drop(peer);
        return;
    }
    ssize_t n = recv(peer->fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    const char *end = n > 0 ? memchr(head, '\n', (size_t)n) : NULL;
    size_t len = end ? (size_t)(end - head) : 0;
    if (!end || recv(peer->fd, head, len + 1, MSG_DONTWAIT) != (ssize_t)len + 1) {
        close_peer(peer);
    } else {
        on_head(peer, head, len);
    }
    orl_secret_wipe(head, sizeof head);
}

static void welcome(struct orl_upload_sock *sock, int fd)
{
    uid_t uid = (uid_t)-1;
    pid_t pid = 0;
    struct peer *peer = NULL;
    for (size_t i = 0; i < PEERS_MAX && !peer; i++) {
        peer = sock->peers[i].fd < 0 ? &sock->peers[i] : NULL;
    }
    bool is_known = orl_ipc_peer(fd, &uid, &pid, NULL) == 0;
    bool is_web = sock->cfg.web_uid != (uid_t)-1 && uid == sock->cfg.web_uid;
    if (!is_known || (uid != 0 && uid != geteuid() && !is_web)) {
        orl_log_warn(&sock->log, "peer refused", "uid", ORL_LOG_NUM(uid), "pid", ORL_LOG_NUM(pid));
        peer = NULL;
    }
    if (!peer || orl_io_open(sock->cfg.loop, fd, ORL_IO_READ, on_peer, peer, &peer->io, NULL) < 0) {
        close(fd);
        return;
    }
    peer->sock = sock;
    peer->fd = fd;
    peer->is_busy = false;
    peer->is_answered = false;
    peer->deadline_us = orl_clock_now_us() + HEAD_S * ORL_US_PER_S;
}

static void on_connect(void *ctx, unsigned events)
{
    struct orl_upload_sock *sock = ctx;
    (void)events;
    for (unsigned i = 0; i < ACCEPT_PER_WAKE; i++) {
        int fd = accept4(sock->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            return;
        }
        welcome(sock, fd);
    }
}

static void on_timer(void *ctx)
{
    struct orl_upload_sock *sock = ctx;
    uint64_t now_us = orl_clock_now_us();
    for (size_t i = 0; i < PEERS_MAX; i++) {
        struct peer *peer = &sock->peers[i];
        if (peer->fd >= 0 && !peer->is_busy && now_us >= peer->deadline_us) {
            close_peer(peer);
        }
    }
}

/* For the group of run_dir; welcome() looks at who it is. */
static int listen_at(const char *path, int *ret_fd, struct orl_err *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    ORL_AUTO(orl_close_auto)
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int len = snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
    if (len < 0 || (size_t)len >= sizeof addr.sun_path) {
        return orl_err_set(err, ORL_E_CONFIG, "%s: the path is too long", path);
    }
    (void)unlink(path);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&addr, sizeof addr) < 0 ||
            chmod(path, 0660) < 0 || listen(fd, BACKLOG) < 0) {
        return orl_err_sys(err, errno, "%s", path);
    }
    *ret_fd = orl_steal_fd(&fd);
    return 0;
}

int orl_upload_sock_new(const struct orl_upload_sock_cfg *cfg, struct orl_upload_sock **ret_sock,
        struct orl_err *err)
{
    static const struct orl_log_ctx root = {.name = "vmpool"};
    struct orl_upload_sock *sock = calloc(1, sizeof *sock);
    if (!sock) {
        return orl_err_set(err, ORL_E_NOMEM, "upload socket");
    }
    sock->cfg = *cfg;
    sock->log = (struct orl_log_ctx){.parent = &root, .name = "upload"};
    sock->fd = -1;
    for (size_t i = 0; i < PEERS_MAX; i++) {
        sock->peers[i].fd = -1;
    }
    int r = listen_at(cfg->path, &sock->fd, err);
    r = r < 0 ? r : orl_io_open(cfg->loop, sock->fd, ORL_IO_READ, on_connect, sock, &sock->io, err);
    r = r < 0 ? r : orl_timer_new(cfg->loop, on_timer, sock, &sock->timer, err);
    if (r < 0) {
        orl_upload_sock_free(sock);
        return r;
    }
    orl_timer_start(sock->timer, ORL_US_PER_S, ORL_US_PER_S);
    *ret_sock = sock;
    return 0;
}

void orl_upload_sock_stop(struct orl_upload_sock *sock)
{
    if (!sock) {
        return;
    }
    orl_io_close(sock->io);
    sock->io = NULL;
    for (size_t i = 0; i < PEERS_MAX; i++) {
        if (sock->peers[i].fd >= 0) {
            (void)shutdown(sock->peers[i].fd, SHUT_RDWR);
        }
    }
}

void orl_upload_sock_free(struct orl_upload_sock *sock)
{
    if (!sock) {
        return;
    }
    orl_io_close(sock->io);
    orl_timer_free(sock->timer);
    for (size_t i = 0; i < PEERS_MAX; i++) {
        close_peer(&sock->peers[i]);
    }
    orl_close_fd(&sock->fd);
    free(sock);
}
