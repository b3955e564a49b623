/* oriel-bench-floor WxH typing|scroll FRAMES: what the way of a picture costs when nobody looks at it. A desktop hands
 * a letter, or a frame that moved up by 16 rows, to a console by a socket; that one wakes a session, which sends one TLS
 * record to a client and reads its answer. With scroll the console reads into shared memory, and the session compares
 * each row with the one that it was and moves its own copy. One JSON object: CPU in ms for an update, of console and
 * session. No sandbox, no graphics protocol, no damage, no clocks. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    WARM_UP = 10, /* updates that are not counted */
    LETTER_BYTES = 4 + 12 + 8 * 16 * 4,
    LINE_ROWS = 16,
    WAKE_BYTES = 4,
    REQUEST_BYTES = 10,
    SENT_BYTES = 68, /* of a letter: 90 on the wire */
    ANSWER_BYTES = 45,
    BUFFER_BYTES = 16384
};

struct cost {
    double begin_ms, end_ms;
    unsigned updates;
};

struct floor {
    size_t row_bytes, rows, update_bytes;
    bool is_scroll;
    unsigned frames;
    int source[2], link[2]; /* desktop, console; console, session */
    int server, client;     /* TCP */
    uint8_t *surface;       /* shared */
    struct cost *costs;     /* shared: console, session */
};

static double cpu_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* After each update is done. */
static void count(struct cost *cost)
{
    cost->updates++;
    *(cost->updates <= WARM_UP ? &cost->begin_ms : &cost->end_ms) = cpu_ms();
}

static bool read_all(int fd, uint8_t *to, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        const ssize_t n = read(fd, to + at, bytes - at);
        if (n <= 0) {
            return false;
        }
        at += (size_t)n;
    }
    return true;
}

static bool write_all(int fd, const uint8_t *from, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        const ssize_t n = send(fd, from + at, bytes - at, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        at += (size_t)n;
    }
    return true;
}

static int watch(const int *fds, unsigned fd_count)
{
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < fd_count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fds[i]};
        (void)epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event);
    }
    return epoll;
}

static int wait_for(int epoll)
{
    struct epoll_event event = {.data.fd = -1};
    return epoll_wait(epoll, &event, 1, -1) == 1 ? event.data.fd : -1;
}

static void be_console(struct floor *f)
{
    const uint8_t wake[WAKE_BYTES] = {0};
    const uint8_t request[REQUEST_BYTES] = {0};
    const int epoll = watch(&f->source[1], 1);
    while (wait_for(epoll) >= 0 && read_all(f->source[1], f->surface, f->update_bytes) &&
            write_all(f->link[0], wake, sizeof(wake)) &&
            write_all(f->source[1], request, sizeof(request))) {
        count(&f->costs[0]);
    }
}

/* Anonymous: nothing here is a secret, and a handshake is not measured. */
static SSL *new_tls(int fd, bool is_server)
{
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    if (context == NULL ||
            SSL_CTX_set_cipher_list(context, "ADH-AES256-GCM-SHA384:@SECLEVEL=0") != 1 ||
            SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION) != 1 ||
            SSL_CTX_set_dh_auto(context, 1) != 1) {
        return NULL;
    }
    SSL *tls = SSL_new(context);
    if (tls == NULL || SSL_set_fd(tls, fd) != 1 ||
            (is_server ? SSL_accept(tls) : SSL_connect(tls)) != 1) {
        return NULL;
    }
    return tls;
}

/* True when the frame is what the copy was, moved up by a line; and it is moved. */
static bool is_moved(const struct floor *f, uint8_t *copy)
{
    const size_t move_bytes = LINE_ROWS * f->row_bytes;
    bool is_same = true;
    for (size_t y = 0; y + LINE_ROWS < f->rows; y++) {
        uint8_t *row = copy + y * f->row_bytes;
        is_same = is_same &&
                  memcmp(f->surface + y * f->row_bytes, row + move_bytes, f->row_bytes) == 0;
        memcpy(row, row + move_bytes, f->row_bytes);
    }
    const size_t from = is_same ? (f->rows - LINE_ROWS) * f->row_bytes : 0; /* the first time */
    memcpy(copy + from, f->surface + from, f->rows * f->row_bytes - from);
    return is_same;
}

static void be_session(struct floor *f)
{
    uint8_t buffer[BUFFER_BYTES] = {0};
    uint8_t *copy = calloc(f->rows, f->row_bytes);
    SSL *tls = new_tls(f->server, true);
    const int fds[] = {f->link[1], f->server};
    const int epoll = watch(fds, 2);
    unsigned moved = 0;
    for (int fd = wait_for(epoll); fd >= 0 && tls != NULL && copy != NULL; fd = wait_for(epoll)) {
        if (fd == f->server) {
            if (SSL_read(tls, buffer, sizeof(buffer)) <= 0) {
                break;
            }
            count(&f->costs[1]);
            continue;
        }
        if (read(fd, buffer, sizeof(buffer)) <= 0) {
            break;
        }
        moved += f->is_scroll && is_moved(f, copy) ? 1 : 0;
        if (SSL_write(tls, buffer, SENT_BYTES) <= 0) {
            break;
        }
    }
    if (f->is_scroll && moved + 2 < f->costs[1].updates) {
        f->costs[1].updates = 0; /* not what was to be measured */
    }
}

static void be_client(const struct floor *f)
{
    uint8_t buffer[BUFFER_BYTES] = {0};
    SSL *tls = new_tls(f->client, false);
    while (tls != NULL && SSL_read(tls, buffer, sizeof(buffer)) > 0 &&
            SSL_write(tls, buffer, ANSWER_BYTES) > 0) {
    }
}

/* A text that goes on and on: rows of noise, of which a frame shows a part. */
static bool be_desktop(const struct floor *f)
{
    const size_t text_rows = f->rows + (size_t)LINE_ROWS * (f->frames + WARM_UP);
    uint8_t *text = malloc(f->is_scroll ? text_rows * f->row_bytes : f->update_bytes);
    if (text == NULL) {
        return false;
    }
    uint32_t noise = 1;
    for (size_t i = 0; i < (f->is_scroll ? text_rows * f->row_bytes : f->update_bytes); i++) {
        noise = noise * 1664525 + 1013904223;
        text[i] = (uint8_t)(noise >> 24);
    }
    const struct timespec pause = {.tv_nsec = f->is_scroll ? 33333333 : 100000000};
    uint8_t request[REQUEST_BYTES];
    bool is_ok = true;
    for (unsigned i = 0; i < f->frames + WARM_UP && is_ok; i++) {
        (void)nanosleep(&pause, NULL);
        is_ok = write_all(f->source[0],
                        f->is_scroll ? text + (size_t)i * LINE_ROWS * f->row_bytes : text,
                        f->update_bytes) &&
                read_all(f->source[0], request, sizeof(request));
    }
    (void)nanosleep(&pause, NULL);
    free(text);
    return is_ok;
}

static bool connect_tcp(struct floor *f)
{
    const int one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    f->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&at, len) < 0 || listen(listener, 1) < 0 ||
            getsockname(listener, (struct sockaddr *)&at, &len) < 0 ||
            connect(f->client, (struct sockaddr *)&at, len) < 0) {
        return false;
    }
    f->server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    (void)close(listener);
    return f->server >= 0 &&
           setsockopt(f->server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0 &&
           setsockopt(f->client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0;
}

static void *share(size_t bytes)
{
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return map == MAP_FAILED ? NULL : map;
}

static bool open_floor(struct floor *f)
{
    f->surface = share(f->rows * f->row_bytes);
    f->costs = share(2 * sizeof(*f->costs));
    return f->surface != NULL && f->costs != NULL &&
           socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f->source) == 0 &&
           socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, f->link) == 0 && connect_tcp(f);
}

/* Each ends when the one before it has closed its socket. */
static bool run(struct floor *f)
{
    static const char roles[] = {'c', 's', 'v'};
    for (size_t i = 0; i < sizeof(roles); i++) {
        const pid_t pid = fork();
        if (pid < 0) {
            return false;
        }
        if (pid > 0) {
            continue;
        }
        (void)close(f->source[0]);
        (void)close(roles[i] == 'c' ? f->link[1] : f->link[0]);
        (void)close(roles[i] == 's' ? f->client : f->server);
        if (roles[i] == 'c') {
            be_console(f);
        } else if (roles[i] == 's') {
            be_session(f);
        } else {
            be_client(f);
        }
        _exit(0);
    }
    (void)close(f->source[1]);
    (void)close(f->link[0]);
    (void)close(f->link[1]);
    (void)close(f->server);
    (void)close(f->client);
    const bool is_ok = be_desktop(f);
    (void)close(f->source[0]);
    while (wait(NULL) > 0) {
    }
    return is_ok;
}

static double mean(const struct cost *cost)
{
    return (cost->end_ms - cost->begin_ms) / (cost->updates - WARM_UP);
}

int main(int argc, char **argv)
{
    size_t width = 0;
    size_t height = 0;
    if (argc != 4 || sscanf(argv[1], "%zux%zu", &width, &height) != 2 || height <= LINE_ROWS) {
        (void)fprintf(stderr, "usage: see the head of bench_floor.c\n");
        return 64;
    }
    struct floor f = {.row_bytes = width * 4,
            .rows = height,
            .is_scroll = strcmp(argv[2], "scroll") == 0,
            .frames = (unsigned)strtoul(argv[3], NULL, 10)};
    f.update_bytes = f.is_scroll ? f.row_bytes * f.rows : LETTER_BYTES;
    if (!open_floor(&f) || !run(&f) || f.costs[0].updates <= WARM_UP ||
            f.costs[1].updates <= WARM_UP) {
        (void)fprintf(stderr, "oriel-bench-floor: not measured\n");
        return 1;
    }
    (void)printf(
            "{\"console_ms\": %.4f, \"session_ms\": %.4f}\n", mean(&f.costs[0]), mean(&f.costs[1]));
    return 0;
}
