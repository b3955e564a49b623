#include "protocols/qemu/qemu_listener.h"
#include "protocols/qemu/qemu_wire.h"
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define QUESTION_MAX_BYTES 1024
#define ANSWER_MAX_BYTES 256
#define QUESTIONS_MAX 8 /* 10.0 has two */
#define LINE_MAX_BYTES 128
#define SEND_BUFFER_BYTES (16 << 20)
#define STALL_TICKS 10 /* nothing was read */
#define FULL_TICKS 30  /* read, but always too slowly: QEMU's memory grows */
#define CRUMBS 64      /* of what lies there, a part as small as that */
#define SOUND_UNREAD_BYTES                                                                         \
    32768 /* 160 ms; pieces come every 10 ms, so that one may lie there at every look */

/* D-Bus Specification, "Authentication Protocol". */
static const char auth[] = "\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";

/* Beyond the limit for all only with CAP_NET_ADMIN; without it frames take more turns. */
static void make_room(int fd)
{
    int bytes = SEND_BUFFER_BYTES;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    }
}

int orl_qemu_listener_open(struct orl_qemu_listener *listener, enum orl_qemu_listener_kind kind,
        int *ret_qemu_fd, struct orl_err *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
        return orl_err_sys(err, errno, "a listener's sockets");
    }
    *listener = (struct orl_qemu_listener){.fd = pair[0], .kind = kind};
    *ret_qemu_fd = pair[1];
    if (kind == ORL_QEMU_LISTENER_PICTURE) {
        make_room(pair[1]);
    }
    socklen_t size = sizeof(listener->room_bytes);
    (void)getsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &listener->room_bytes, &size);
    ssize_t n = send(pair[0], auth, sizeof(auth) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n == (ssize_t)sizeof(auth) - 1 ? ORL_OK
                                          : orl_err_sys(err, errno, "a listener's first bytes");
}

/* What is there, without taking it. */
static int peek(const struct orl_qemu_listener *l, void *data, size_t size, size_t *ret_len)
{
    ssize_t n = recv(l->fd, data, size, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return ORL_E_AGAIN;
    }
    *ret_len = n > 0 ? (size_t)n : 0;
    return n > 0 ? ORL_OK : ORL_E_CLOSED;
}

static int take(const struct orl_qemu_listener *l, void *data, size_t len)
{
    return recv(l->fd, data, len, MSG_DONTWAIT) == (ssize_t)len ? ORL_OK : ORL_E_CLOSED;
}

static int take_line(struct orl_qemu_listener *l, const char *line)
{
    if (l->state == ORL_QEMU_LISTENER_FDS) {
        l->takes_fds = strncmp(line, "AGREE_UNIX_FD\r\n", 15) == 0;
        l->state = ORL_QEMU_LISTENER_QUESTION;
        return l->takes_fds || strncmp(line, "ERROR", 5) == 0 ? ORL_OK : ORL_E_PROTO;
    }
    if (strncmp(line, "OK ", 3) == 0) {
        l->state = ORL_QEMU_LISTENER_FDS;
        return ORL_OK;
    }
    return strncmp(line, "DATA", 4) == 0 ? ORL_OK : ORL_E_PROTO;
}

static int read_line(struct orl_qemu_listener *l)
{
    char line[LINE_MAX_BYTES];
    size_t len = 0;
    int rc = peek(l, line, sizeof(line), &len);
    if (rc < 0) {
        return rc;
    }
    l->is_heard = true;
    const char *end = memmem(line, len, "\r\n", 2);
    if (end == NULL) {
        return len == sizeof(line) ? ORL_E_PROTO : ORL_E_AGAIN;
    }
    rc = take(l, line, (size_t)(end - line) + 2);
    return rc < 0 ? rc : take_line(l, line);
}

static int send_answer(struct orl_qemu_listener *l, const struct orl_qemu_header *question)
{
    struct orl_buf out;
    orl_buf_init(&out, ANSWER_MAX_BYTES);
    if (question->call == ORL_QEMU_GET_ALL) {
        orl_qemu_wire_put_properties(&out, ++l->serial, question->serial,
                l->takes_fds && l->kind == ORL_QEMU_LISTENER_PICTURE);
    } else {
        orl_qemu_wire_put_done(&out, ++l->serial, question->serial);
    }
    ssize_t n = out.is_failed ? -1 : send(l->fd, out.data, out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    int rc = n == (ssize_t)out.len ? ORL_OK : ORL_E_CLOSED;
    orl_buf_fini(&out);
    return rc;
}

/* The whole header of the message that comes next. */
static int peek_header(const struct orl_qemu_listener *l, struct orl_qemu_header *ret_header,
        size_t *ret_header_len, size_t *ret_len)
{
    uint8_t data[QUESTION_MAX_BYTES];
    int rc = peek(l, data, sizeof(data), ret_len);
    if (rc < 0 || *ret_len < ORL_QEMU_FIXED_BYTES) {
        return rc < 0 ? rc : ORL_E_AGAIN;
    }
    if (orl_qemu_wire_measure(data, ret_header_len) < 0 || *ret_header_len > sizeof(data)) {
        return ORL_E_PROTO;
    }
    return *ret_len < *ret_header_len ? ORL_E_AGAIN
                                      : orl_qemu_wire_header(data, *ret_header_len, ret_header);
}

/* Takes a question and answers it. ORL_E_PROTO: it is none. */
static int read_question(struct orl_qemu_listener *l, struct orl_qemu_header *ret_header)
{
    uint8_t data[QUESTION_MAX_BYTES];
    size_t header_len = 0;
    size_t len = 0;
    int rc = peek_header(l, ret_header, &header_len, &len);
    if (rc < 0) {
        return rc;
    }
    if (ret_header->call != ORL_QEMU_GET_ALL || !ret_header->wants_reply ||
            ret_header->body_len > sizeof(data) - header_len || l->serial == QUESTIONS_MAX) {
        return ORL_E_PROTO;
    }
    if (len < header_len + ret_header->body_len) {
        return ORL_E_AGAIN;
    }
    rc = take(l, data, header_len + ret_header->body_len);
    return rc < 0 ? rc : send_answer(l, ret_header);
}

/* QEMU had its first answer: what is no question is the console's to read and to judge. Of a first picture in shared
 * memory QEMU waits to hear that it has come, longer than a console may take to start: we say it as well. GDBus takes
 * no notice of a second answer. */
static int read_on(struct orl_qemu_listener *l)
{
    struct orl_qemu_header header = {.call = ORL_QEMU_OTHER};
    int rc = read_question(l, &header);
    if (rc == ORL_E_PROTO && header.call == ORL_QEMU_SCANOUT_MAP && header.wants_reply) {
        rc = send_answer(l, &header);
        l->is_over = true;
    } else if (rc == ORL_E_PROTO) {
        l->is_over = true;
    }
    return l->is_over ? ORL_OK : rc;
}

int orl_qemu_listener_step(struct orl_qemu_listener *listener)
{
    struct orl_qemu_header header;
    int rc = ORL_OK;
    while (rc == ORL_OK && listener->state < ORL_QEMU_LISTENER_QUESTION) {
        rc = read_line(listener);
    }
    if (rc == ORL_OK && listener->state == ORL_QEMU_LISTENER_QUESTION) {
        rc = read_question(listener, &header);
        listener->state = rc == ORL_OK ? ORL_QEMU_LISTENER_DONE : listener->state;
    }
    while (rc == ORL_OK && !listener->is_over) {
        rc = read_on(listener);
    }
    return rc;
}

bool orl_qemu_listener_is_recent(const struct orl_qemu_listener *listener)
{
    return listener->kind == ORL_QEMU_LISTENER_PICTURE && listener->serial > 1;
}

const char *orl_qemu_listener_stall(struct orl_qemu_listener *listener)
{
    static const char stopped[] = "the console stopped reading";
    int unread = 0;
    if (ioctl(listener->fd, FIONREAD, &unread) < 0) {
        unread = 0;
    }
    bool is_full = unread > listener->room_bytes / 2;
    if (listener->kind == ORL_QEMU_LISTENER_SOUND) {
        listener->stalled_ticks = unread > SOUND_UNREAD_BYTES ? listener->stalled_ticks + 1 : 0;
        return listener->stalled_ticks >= STALL_TICKS ? stopped : NULL;
    }
    /* Less than half is no sign of room: the kernel counts more for small messages than their bytes. There a
     * reader that takes crumbs does not read. */
    int crumbs = is_full ? 0 : listener->unread_bytes / CRUMBS;
    bool is_stalled = unread > 0 && unread >= listener->unread_bytes - crumbs;
    listener->stalled_ticks = is_stalled ? listener->stalled_ticks + 1 : 0;
    listener->full_ticks = is_full ? listener->full_ticks + 1 : 0;
    listener->unread_bytes = unread;
    if (listener->stalled_ticks >= STALL_TICKS) {
        return stopped;
    }
    return listener->full_ticks >= FULL_TICKS ? "the console reads too slowly" : NULL;
}
