/* A slow line between a client and a server on this computer (the kernel here has no netem).
 *   oriel-test-relay --to PORT [--port N] [--rate KBIT_S] [--delay MS] [--buffer MS]
 * prints "ready PORT" and takes commands on standard input, each answered by a line:
 *   rate KBIT_S [up|down]   0: no limit          delay MS [up|down]    one way
 *   buffer MS               queue before the line, as time at its rate
 *   stop | go               nothing moves        status                bytes queued now and at most, and total
 * "down" is to the client. TCP ends here on both sides; kernel buffers are kept small. Ends with its input. */
#include "base/clock.h"
#include "tests/fakes/relay_link.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_CONNS = 8,
    LINE_BYTES = 128,
    KERNEL_BYTES = 8192,         /* of a socket's receive buffer */
    UNLIMITED_BYTES = 256 * 1024 /* queue of a line without a rate */
};
enum { UP = 0, DOWN = 1 };

/* link[UP] is from socket 0 (the client's) to socket 1 (the server's), link[DOWN] the other way. */
struct conn {
    bool is_open;
    int fds[2];
    bool is_ended[2]; /* the side that a link reads from sent its end */
    bool is_shut[2];
    bool is_blocked[2];
    struct relay_link links[2];
};
struct relay {
    int listen_fd;
    uint16_t to_port;
    struct relay_line lines[2];
    uint64_t buffer_ms;
    size_t peak_bytes[2]; /* since the last look */
    struct conn conns[MAX_CONNS];
    char text[LINE_BYTES];
    size_t text_len;
    bool is_over;
};

static void set_buffers(struct relay *relay)
{
    for (int way = 0; way < 2; way++) {
        struct relay_line *line = &relay->lines[way];
        line->buffer_bytes = line->rate_kbit_s == 0
                                     ? UNLIMITED_BYTES
                                     : (size_t)(line->rate_kbit_s * relay->buffer_ms / 8) + 1;
        for (unsigned i = 0; i < MAX_CONNS; i++) {
            relay_link_set(&relay->conns[i].links[way], line, orl_clock_now_us());
        }
    }
}

static void note_peaks(struct relay *relay, const struct conn *conn)
{
    for (int way = 0; way < 2; way++) {
        if (conn->links[way].queued > relay->peak_bytes[way]) {
            relay->peak_bytes[way] = conn->links[way].queued;
        }
    }
}

static void say_status(const struct relay *relay)
{
    size_t queued[2] = {0, 0};
    const size_t *peak = relay->peak_bytes;
    uint64_t total[2] = {0, 0};
    for (unsigned i = 0; i < MAX_CONNS; i++) {
        for (int way = 0; way < 2; way++) {
            const struct relay_link *link = &relay->conns[i].links[way];
            queued[way] += link->queued;
            total[way] += link->total_bytes;
        }
    }
    (void)printf("up queued=%zu peak=%zu total=%llu down queued=%zu peak=%zu total=%llu\n",
            queued[UP], peak[UP], (unsigned long long)total[UP], queued[DOWN], peak[DOWN],
            (unsigned long long)total[DOWN]);
}

static void command(struct relay *relay, const char *text)
{
    char word[LINE_BYTES] = "";
    char side[LINE_BYTES] = "";
    unsigned long value = 0;
    const int parts = sscanf(text, "%15s %lu %15s", word, &value, side);
    for (int way = 0; way < 2; way++) {
        struct relay_line *line = &relay->lines[way];
        if (parts == 3 && strcmp(side, way == UP ? "up" : "down") != 0) {
            continue;
        }
        if (parts >= 2 && strcmp(word, "rate") == 0) {
            line->rate_kbit_s = (uint32_t)value;
        } else if (parts >= 2 && strcmp(word, "delay") == 0) {
            line->delay_us = value * ORL_US_PER_MS;
        } else if (strcmp(word, "stop") == 0 || strcmp(word, "go") == 0) {
            line->is_stopped = strcmp(word, "stop") == 0;
        }
    }
    if (parts >= 2 && strcmp(word, "buffer") == 0) {
        relay->buffer_ms = value;
    }
    set_buffers(relay);
    if (strcmp(word, "status") == 0) {
        say_status(relay);
        relay->peak_bytes[UP] = relay->peak_bytes[DOWN] = 0;
    } else {
        (void)printf("ok\n");
    }
    (void)fflush(stdout);
}

static void read_commands(struct relay *relay)
{
    const ssize_t got =
            read(STDIN_FILENO, relay->text + relay->text_len, LINE_BYTES - 1 - relay->text_len);
    relay->is_over = got <= 0;
    relay->text_len += got > 0 ? (size_t)got : 0;
    relay->text[relay->text_len] = '\0';
    for (char *end = strchr(relay->text, '\n'); end != NULL; end = strchr(relay->text, '\n')) {
        *end = '\0';
        command(relay, relay->text);
        relay->text_len -= (size_t)(end + 1 - relay->text);
        memmove(relay->text, end + 1, relay->text_len + 1);
    }
    if (relay->text_len == LINE_BYTES - 1) {
        relay->text_len = 0;
    }
}

/* Small segments and windows, so that what is queued is queued where it is counted. */
static int make_socket(void)
{
    const int bytes = KERNEL_BYTES;
    const int segment = RELAY_SEGMENT_BYTES;
    const int one = 1;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static void close_conn(struct conn *conn)
{
    for (int way = 0; way < 2; way++) {
        (void)close(conn->fds[way]);
        relay_link_fini(&conn->links[way]);
    }
    *conn = (struct conn){0};
}

static void accept_one(struct relay *relay)
{
    const int client = accept4(relay->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct conn *conn = NULL;
    for (unsigned i = 0; i < MAX_CONNS && conn == NULL; i++) {
        conn = relay->conns[i].is_open ? NULL : &relay->conns[i];
    }
    const struct sockaddr_in to = {.sin_family = AF_INET,
            .sin_port = htons(relay->to_port),
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int server = client < 0 || conn == NULL ? -1 : make_socket();
    if (server < 0 || connect(server, (const struct sockaddr *)&to, sizeof(to)) < 0) {
        (void)close(client);
        (void)close(server);
        return;
    }
    const int one = 1;
    (void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    *conn = (struct conn){.is_open = true, .fds = {client, server}};
    const bool is_up = relay_link_init(&conn->links[UP], &relay->lines[UP]);
    if (!relay_link_init(&conn->links[DOWN], &relay->lines[DOWN]) || !is_up) {
        close_conn(conn);
    }
}

/* False: the connection is over. */
static bool read_into(struct conn *conn, int way, uint64_t now_us)
{
    size_t room = 0;
    uint8_t *at = relay_link_room(&conn->links[way], &room);
    if (room == 0 || conn->is_ended[way]) {
        return true;
    }
    const ssize_t got = recv(conn->fds[way], at, room, MSG_DONTWAIT);
    if (got > 0) {
        relay_link_put(&conn->links[way], (size_t)got, now_us);
    }
    conn->is_ended[way] = got == 0;
    return got >= 0 || errno == EAGAIN || errno == EINTR;
}

static bool write_from(struct conn *conn, int way, uint64_t now_us)
{
    const int to = conn->fds[1 - way];
    size_t len = 0;
    conn->is_blocked[way] = false;
    for (;;) {
        const uint8_t *data = relay_link_due(&conn->links[way], now_us, &len);
        if (len == 0) {
            break;
        }
        const ssize_t put = send(to, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put < 0) {
            conn->is_blocked[way] = errno == EAGAIN;
            return errno == EAGAIN || errno == EINTR;
        }
        relay_link_take(&conn->links[way], (size_t)put);
    }
    if (conn->is_ended[way] && relay_link_is_empty(&conn->links[way]) && !conn->is_shut[way]) {
        conn->is_shut[way] = true;
        (void)shutdown(to, SHUT_WR);
    }
    return true;
}

static void move(struct conn *conn, uint64_t now_us)
{
    bool is_alive = true;
    for (int way = 0; way < 2 && is_alive; way++) {
        is_alive = read_into(conn, way, now_us) && write_from(conn, way, now_us);
    }
    if (!is_alive || (conn->is_shut[UP] && conn->is_shut[DOWN])) {
        close_conn(conn);
    }
}

/* poll() for a connection: fds to watch, and until when. */
static uint64_t watch(struct conn *conn, struct pollfd *fds, uint64_t due_us)
{
    fds[0] = (struct pollfd){.fd = -1};
    fds[1] = (struct pollfd){.fd = -1};
    for (int way = 0; way < 2 && conn->is_open; way++) {
        size_t room = 0;
        (void)relay_link_room(&conn->links[way], &room);
        if (room > 0 && !conn->is_ended[way]) {
            fds[way].fd = conn->fds[way];
            fds[way].events |= POLLIN;
        }
        if (conn->is_blocked[way]) {
            fds[1 - way].fd = conn->fds[1 - way];
            fds[1 - way].events |= POLLOUT;
            continue;
        }
        const uint64_t next_us = relay_link_next_us(&conn->links[way]);
        due_us = next_us != 0 && next_us < due_us ? next_us : due_us;
    }
    return due_us;
}

static void run(struct relay *relay)
{
    while (!relay->is_over) {
        uint64_t now_us = orl_clock_now_us();
        uint64_t due_us = now_us + ORL_US_PER_S;
        struct pollfd fds[2 + 2 * MAX_CONNS] = {
                {.fd = STDIN_FILENO, .events = POLLIN}, {.fd = relay->listen_fd, .events = POLLIN}};
        for (unsigned i = 0; i < MAX_CONNS; i++) {
            due_us = watch(&relay->conns[i], &fds[2 + 2 * i], due_us);
        }
        const uint64_t wait_us = due_us > now_us ? due_us - now_us : 0;
        const struct timespec wait = {.tv_sec = (time_t)(wait_us / ORL_US_PER_S),
                .tv_nsec = (long)(wait_us % ORL_US_PER_S) * 1000};
        (void)ppoll(fds, sizeof(fds) / sizeof(fds[0]), &wait, NULL);
        if (fds[0].revents != 0) {
            read_commands(relay);
        }
        if (fds[1].revents != 0) {
            accept_one(relay);
        }
        now_us = orl_clock_now_us();
        for (unsigned i = 0; i < MAX_CONNS; i++) {
            if (relay->conns[i].is_open) {
                move(&relay->conns[i], now_us);
                note_peaks(relay, &relay->conns[i]);
            }
        }
    }
}

static bool parse(struct relay *relay, int argc, char **argv, uint16_t *ret_port)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const unsigned long value = strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--to") == 0) {
            relay->to_port = (uint16_t)value;
        } else if (strcmp(argv[i], "--port") == 0) {
            *ret_port = (uint16_t)value;
        } else if (strcmp(argv[i], "--rate") == 0) {
            relay->lines[UP].rate_kbit_s = relay->lines[DOWN].rate_kbit_s = (uint32_t)value;
        } else if (strcmp(argv[i], "--delay") == 0) {
            relay->lines[UP].delay_us = relay->lines[DOWN].delay_us = value * ORL_US_PER_MS;
        } else if (strcmp(argv[i], "--buffer") == 0) {
            relay->buffer_ms = value;
        } else {
            return false;
        }
    }
    return relay->to_port != 0 && argc % 2 == 1;
}

int main(int argc, char **argv)
{
    static struct relay relay = {.buffer_ms = 100};
    uint16_t port = 0;
    if (!parse(&relay, argc, argv, &port)) {
        (void)fprintf(stderr, "usage: see the head of relay.c\n");
        return EXIT_FAILURE;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    set_buffers(&relay);
    struct sockaddr_in at = {.sin_family = AF_INET,
            .sin_port = htons(port),
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t at_len = sizeof(at);
    relay.listen_fd = make_socket();
    if (bind(relay.listen_fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
            listen(relay.listen_fd, MAX_CONNS) < 0 ||
            getsockname(relay.listen_fd, (struct sockaddr *)&at, &at_len) < 0) {
        (void)fprintf(stderr, "oriel-test-relay: cannot listen: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    (void)printf("ready %d\n", ntohs(at.sin_port));
    (void)fflush(stdout);
    run(&relay);
    for (unsigned i = 0; i < MAX_CONNS; i++) {
        if (relay.conns[i].is_open) {
            close_conn(&relay.conns[i]);
        }
    }
    (void)close(relay.listen_fd);
    return EXIT_SUCCESS;
}
