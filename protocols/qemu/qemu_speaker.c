#include "protocols/qemu/qemu_speaker.h"
#include "base/cleanup.h"
#include "protocols/qemu/qemu_voice.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define BYTES_PER_WAKE 65536U
/* 330 ms: we stood still. QEMU is late in bursts that are shorter, and sessions know how late they may be. */
#define LATE_BYTES 65536

struct orl_qemu_speaker {
    int fd;
    struct orl_io *io;
    const struct orl_qemu_speaker_events *events;
    void *ctx;
    struct orl_qemu_voice voice;
};

static int read_some(struct orl_qemu_speaker *s, size_t *done)
{
    size_t room = 0;
    uint8_t *to = orl_qemu_voice_room(&s->voice, &room);
    ssize_t n = recv(s->fd, to, room, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return ORL_E_AGAIN;
    }
    if (n <= 0) {
        return ORL_E_CLOSED;
    }
    *done += (size_t)n;
    return orl_qemu_voice_got(&s->voice, (size_t)n);
}

static void on_stream(void *ctx, unsigned events)
{
    struct orl_qemu_speaker *s = ctx;
    int unread = 0;
    int rc = ORL_OK;
    (void)events;
    s->voice.is_late = ioctl(s->fd, FIONREAD, &unread) == 0 && unread > LATE_BYTES;
    for (size_t done = 0; rc == ORL_OK && done < BYTES_PER_WAKE;) {
        rc = read_some(s, &done);
    }
    if (rc < 0 && rc != ORL_E_AGAIN) {
        orl_io_set(s->io, 0);
        orl_qemu_voice_stop(&s->voice);
        s->events->on_closed(s->ctx, rc != ORL_E_CLOSED);
    }
}

static void on_sound(void *ctx, const struct orl_sound *sound)
{
    const struct orl_qemu_speaker *s = ctx;
    s->events->on_sound(s->ctx, sound);
}

int orl_qemu_speaker_new(struct orl_loop *loop, int fd,
        const struct orl_qemu_speaker_events *events, void *ctx,
        struct orl_qemu_speaker **ret_speaker, struct orl_err *err)
{
    struct orl_qemu_speaker *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        orl_close_fd(&fd);
        return orl_err_set(err, ORL_E_NOMEM, "QEMU speaker");
    }
    s->fd = fd;
    s->events = events;
    s->ctx = ctx;
    orl_qemu_voice_init(&s->voice, on_sound, s);
    int rc = orl_io_open(loop, fd, ORL_IO_READ, on_stream, s, &s->io, err);
    if (rc < 0) {
        orl_qemu_speaker_free(s);
        return rc;
    }
    *ret_speaker = s;
    return ORL_OK;
}

void orl_qemu_speaker_free(struct orl_qemu_speaker *speaker)
{
    if (speaker != NULL) {
        orl_io_close(speaker->io);
        orl_close_fd(&speaker->fd);
        free(speaker);
    }
}
