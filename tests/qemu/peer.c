#include "peer.h"
#include "base/cleanup.h"
#include "frames.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define HELD 4
#define PIECE_BYTES 1920

struct peer {
    enum peer_manner manner;
    sd_bus *bus;
    int listener, speaker;
    bool is_speaker_new;
    int notes; /* what was called, as text */
    unsigned asked, dropped, refused;
    sd_bus_message *held[HELD];
    unsigned held_count;
};

static void note(const struct peer *peer, const char *text)
{
    ssize_t n = write(peer->notes, text, strlen(text));
    (void)n;
}

static void note_head(const struct peer *peer, sd_bus_message *m)
{
    char text[96];
    uint32_t width = 0;
    uint32_t height = 0;
    (void)sd_bus_message_skip(m, "qqii");
    (void)sd_bus_message_read(m, "uu", &width, &height);
    (void)snprintf(text, sizeof text, "%s %ux%u;", strrchr(sd_bus_message_get_path(m), '/') + 1,
            width, height);
    note(peer, text);
}

/* What of the bus lies unread and is input; the question whether QEMU is alive may come at any time. */
static bool is_input_unread(const struct peer *peer)
{
    char bytes[4096];
    static const char path[] = "org.qemu.Display1.";
    const ssize_t n = recv(sd_bus_get_fd(peer->bus), bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    const char *end = bytes + (n > 0 ? n : 0);
    const char *at = bytes;
    while ((at = memmem(at, (size_t)(end - at), path, strlen(path))) != NULL) {
        at += strlen(path);
        if (end - at >= 5 && (memcmp(at, "Keybo", 5) == 0 || memcmp(at, "Mouse", 5) == 0)) {
            return true;
        }
    }
    return false;
}

/* Looks whether calls come before the answer. The mouse's answers are held back until there are four. */
static int answer_late(struct peer *peer, sd_bus_message *m)
{
    peer->held[peer->held_count++] = sd_bus_message_ref(m);
    if (strstr(sd_bus_message_get_interface(m), "Mouse") != NULL && peer->held_count < HELD) {
        return 1;
    }
    (void)usleep(2000);
    note(peer, is_input_unread(peer) ? "too early;" : peer->held_count == HELD ? "answered;" : "");
    for (unsigned i = 0; i < peer->held_count; i++) {
        (void)sd_bus_reply_method_return(peer->held[i], "");
        (void)sd_bus_message_unref(peer->held[i]);
    }
    peer->held_count = 0;
    return 1;
}

static bool sounds(const struct peer *peer)
{
    return peer->manner >= SOUNDS;
}

/* One listener for sound at a time, as QEMU. */
static int take_speaker(struct peer *peer, sd_bus_message *m)
{
    int fd = -1;
    note(peer, "sound;");
    if (peer->manner == SOUNDS_OLD) {
        _exit(139);
    }
    if ((peer->manner == SOUNDS_SOON && peer->refused++ < 2) ||
            sd_bus_message_read(m, "h", &fd) < 0) {
        return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_FAILED, "`p2p` is already registered!");
    }
    orl_close_fd(&peer->speaker);
    peer->speaker = dup(fd);
    (void)fcntl(peer->speaker, F_SETFL, 0);
    peer->is_speaker_new = true;
    return sd_bus_reply_method_return(m, "");
}

static int on_call(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    struct peer *peer = ctx;
    char text[96];
    uint32_t value = 0;
    (void)error;
    const char *member = sd_bus_message_get_member(m);
    if (peer->manner == MUTE && peer->listener >= 0 && peer->asked > 2) {
        return 1;
    }
    if (strcmp(member, "Get") == 0) {
        return ++peer->asked == 1 && peer->manner == LATE
                       ? sd_bus_reply_method_errorf(m, SD_BUS_ERROR_UNKNOWN_METHOD, "not yet")
                       : sd_bus_reply_method_return(m, "v", "u", 1024);
    }
    if (strcmp(member, "GetAll") == 0) {
        return sounds(peer) ? sd_bus_reply_method_return(m, "a{sv}", 0)
                            : sd_bus_reply_method_errorf(m, SD_BUS_ERROR_UNKNOWN_OBJECT, "none");
    }
    if (strcmp(member, "RegisterOutListener") == 0) {
        return take_speaker(peer, m);
    }
    if (strcmp(member, "RegisterListener") == 0) {
        int fd = -1;
        if (peer->asked == 0 || (peer->asked == 1 && peer->manner == LATE)) {
            note(peer, "too early;");
        }
        if (peer->manner == REFUSES || sd_bus_message_read(m, "h", &fd) < 0) {
            return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_FAILED, "no");
        }
        peer->listener = dup(fd);
        (void)fcntl(peer->listener, F_SETFL, 0);
        return sd_bus_reply_method_return(m, "");
    }
    if (strcmp(member, "SetUIInfo") == 0) {
        note_head(peer, m);
        return sd_bus_reply_method_return(m, "");
    }
    (void)sd_bus_message_read(m, "u", &value);
    (void)snprintf(text, sizeof text, "%s %u;", member, value);
    note(peer, text);
    if (peer->manner == SLOW && sd_bus_message_get_expect_reply(m) > 0) {
        return answer_late(peer, m);
    }
    return sd_bus_reply_method_return(m, "");
}

/* False: it was shut down; QEMU drops such a listener and goes on. */
static bool put_all(int fd, const void *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = send(fd, (const char *)data + at, len - at, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        at += (size_t)n;
    }
    return true;
}

static void expect_text(int fd, const char *text)
{
    char byte = 0;
    for (const char *at = text; *at != '\0'; at += byte == *at ? 1 : 0) {
        if (recv(fd, &byte, 1, 0) != 1) {
            _exit(0);
        }
    }
}

static void ask(const struct peer *peer, int fd)
{
    struct orl_buf ask;
    orl_buf_init(&ask, 65536);
    frames_put_get_all(&ask);
    if (peer->manner == NO_QUESTION) {
        orl_buf_reset(&ask);
        frames_put_scanout(&ask, 16, 16, 1);
    }
    (void)put_all(fd, ask.data, ask.len);
    orl_buf_fini(&ask);
}

static void share(const struct peer *peer)
{
    static const struct frames_map map = {
            .width = 64, .height = 64, .stride = 256, .format = FRAMES_XRGB, .fds = 1};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct orl_buf out;
    memset(&control, 0, sizeof control);
    orl_buf_init(&out, 4096);
    frames_put_scanout_map(&out, &map);
    struct iovec iov = {out.data, out.len};
    struct msghdr hdr = {.msg_iov = &iov,
            .msg_iovlen = 1,
            .msg_control = control.bytes,
            .msg_controllen = sizeof control.bytes};
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&hdr);
    cmsg->cmsg_level = SOL_SOCKET;
    cmsg->cmsg_type = SCM_RIGHTS;
    cmsg->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(cmsg), &peer->notes, sizeof(int)); /* any fd: nobody looks at it here */
    (void)sendmsg(peer->listener, &hdr, MSG_NOSIGNAL);
    orl_buf_fini(&out);
}

static void expect_answer(const struct peer *peer, int fd)
{
    static const char map[] = "org.qemu.Display1.Listener.Unix.Map";
    uint8_t head[16];
    uint8_t rest[256];
    if (recv(fd, head, sizeof head, MSG_WAITALL) != sizeof head || head[1] != 2) {
        _exit(0);
    }
    size_t len = (size_t)head[4] + (size_t)((head[12] + 7) & ~7);
    if (len > sizeof rest || recv(fd, rest, len, MSG_WAITALL) != (ssize_t)len) {
        _exit(0);
    }
    bool has_map = memmem(rest, len, map, sizeof map) != NULL;
    note(peer, has_map ? "ready;" : head[4] == 0 ? "done;" : "ready without map;");
}

/* As QEMU: the server's part of the authentication. False: it stops half-way. */
static bool authenticate(const struct peer *peer, int fd, bool is_half)
{
    static const char ok[] = "DATA\r\nOK 0123456789abcdef0123456789abcdef\r\nAGREE_UNIX_FD\r\n";
    static const char no_fds[] = "DATA\r\nOK 0123456789abcdef0123456789abcdef\r\nERROR\r\n";
    expect_text(fd, "NEGOTIATE_UNIX_FD\r\nBEGIN\r\n");
    if (peer->manner == NO_FDS) {
        (void)put_all(fd, no_fds, sizeof no_fds - 1);
    } else {
        (void)put_all(fd, ok, is_half ? 9 : sizeof ok - 1);
    }
    return !is_half;
}

/* ... a question, and a wait for its answer. */
static void shake_hands(const struct peer *peer)
{
    bool asks_twice = peer->manner == ASKS_TWICE || peer->manner == SHARES ||
                      (sounds(peer) && peer->manner != SOUNDS_OLD);
    if (!authenticate(peer, peer->listener, peer->manner == HALF)) {
        return;
    }
    for (unsigned i = 0; i < (asks_twice ? 2U : 1U); i++) {
        ask(peer, peer->listener);
        expect_answer(peer, peer->listener);
    }
    if (peer->manner == SHARES) {
        share(peer);
        expect_answer(peer, peer->listener);
    }
}

/* Beside the calls, as QEMU's threads do. */
static void paint(const struct peer *peer)
{
    struct orl_buf out;
    if (peer->manner == FLOODS && fork() > 0) {
        return;
    }
    orl_buf_init(&out, 4U << 20);
    frames_put_scanout(&out, PEER_FRAME_PX, PEER_FRAME_PX, PEER_COLOUR);
    bool is_open = true;
    do {
        is_open = put_all(peer->listener, out.data, out.len);
    } while (is_open && peer->manner == FLOODS);
    orl_buf_fini(&out);
    if (peer->manner == FLOODS) {
        _exit(0);
    }
}

/* In a process of its own, until nobody listens. */
static void sound(struct peer *peer)
{
    static const struct frames_voice voice = {
            .id = 7, .bits = 16, .is_signed = true, .rate_hz = 48000, .channels = 2};
    uint8_t samples[PIECE_BYTES];
    struct orl_buf out;
    peer->is_speaker_new = false;
    if (!authenticate(peer, peer->speaker, peer->manner == SOUNDS_NOT)) {
        char byte = 0;
        (void)recv(peer->speaker, &byte, 1, 0); /* QEMU's main loop stands still */
        note(peer, "let go;");
        return;
    }
    ask(peer, peer->speaker);
    expect_answer(peer, peer->speaker);
    if (fork() > 0) {
        orl_close_fd(&peer->speaker);
        return;
    }
    memset(samples, PEER_SAMPLE, sizeof samples);
    orl_buf_init(&out, 65536);
    frames_put_voice_init(&out, &voice);
    frames_put_voice_enable(&out, voice.id, true);
    while (put_all(peer->speaker, out.data, out.len)) {
        orl_buf_reset(&out);
        frames_put_voice_write(&out, voice.id, samples, sizeof samples);
        (void)usleep(peer->manner == SOUNDS_FAST ? 0 : 10000);
    }
    note(peer, "quiet;");
    _exit(0);
}

void peer_play(int fd, enum peer_manner manner, int notes)
{
    struct peer peer = {.manner = manner, .listener = -1, .speaker = -1, .notes = notes};
    sd_id128_t id;
    bool is_shaken = false;
    if (manner == SILENT) {
        (void)pause();
    }
    (void)sd_id128_randomize(&id);
    if (sd_bus_new(&peer.bus) < 0 || sd_bus_set_fd(peer.bus, fd, fd) < 0 ||
            sd_bus_set_server(peer.bus, 1, id) < 0 || sd_bus_set_anonymous(peer.bus, 1) < 0 ||
            sd_bus_negotiate_fds(peer.bus, 1) < 0 || sd_bus_set_trusted(peer.bus, 1) < 0 ||
            sd_bus_add_filter(peer.bus, NULL, on_call, &peer) < 0 || sd_bus_start(peer.bus) < 0) {
        _exit(1);
    }
    for (;;) {
        int rc = sd_bus_process(peer.bus, NULL);
        if (rc < 0) {
            (void)wait(NULL); /* for whoever floods */
            _exit(0);
        }
        if (rc == 0 && peer.listener >= 0 && !is_shaken) {
            is_shaken = true;
            (void)sd_bus_flush(peer.bus);
            shake_hands(&peer);
            if (manner == DROPS_ALL || (manner == DROPS_ONE && peer.dropped == 0)) {
                peer.dropped++;
                orl_close_fd(&peer.listener);
                is_shaken = false;
            } else if (manner != HALF && manner != MUTE) {
                paint(&peer);
            }
        }
        if (rc == 0 && peer.is_speaker_new) {
            (void)sd_bus_flush(peer.bus);
            sound(&peer);
        }
        if (rc == 0 && sd_bus_wait(peer.bus, UINT64_MAX) < 0) {
            (void)wait(NULL);
            _exit(0);
        }
    }
}
