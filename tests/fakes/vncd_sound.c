#include "tests/fakes/vncd.h"
#include <math.h>
#include <string.h>

enum { OP_ENABLE = 0, OP_DISABLE = 1, OP_FORMAT = 2, OP_END = 0, OP_BEGIN = 1, OP_DATA = 2 };
enum { FORMAT_S16 = 3, FRAMES_MAX = 4800, PIECE_US = 10000 };
#define PI 3.14159265358979323846

static struct {
    FILE *log;
    int sine_hz;
    rfbClientPtr client; /* the one that listens */
    unsigned channels, rate_hz;
    uint64_t started_us, sent_frames;
} sound;

void vncd_sound_open(FILE *log, int sine_hz)
{
    sound.log = log;
    sound.sine_hz = sine_hz;
    sound.channels = 2;
    sound.rate_hz = 44100;
}

bool vncd_sound_is_on(void)
{
    return sound.sine_hz > 0;
}

static void send_op(rfbClientPtr cl, uint8_t op)
{
    const uint8_t msg[] = {255, VNCD_SUB_AUDIO, 0, op};
    (void)rfbWriteExact(cl, (const char *)msg, sizeof(msg));
}

void vncd_sound_message(rfbClientPtr cl)
{
    uint8_t op[2];
    uint8_t format[6];
    if (rfbReadExact(cl, (char *)op, sizeof(op)) <= 0) {
        return;
    }
    if (op[1] == OP_FORMAT && rfbReadExact(cl, (char *)format, sizeof(format)) > 0) {
        sound.channels = format[1];
        sound.rate_hz = (unsigned)format[4] << 8 | format[5];
        (void)fprintf(sound.log, "sound format=%u channels=%u rate=%u\n", format[0], sound.channels,
                sound.rate_hz);
        if (format[0] != FORMAT_S16 || sound.channels < 1 || sound.channels > 2) {
            rfbCloseClient(cl);
        }
    } else if (op[1] == OP_ENABLE) {
        (void)fprintf(sound.log, "sound on\n");
        sound.client = cl;
        sound.started_us = 0;
        sound.sent_frames = 0;
        send_op(cl, OP_BEGIN);
    } else if (op[1] == OP_DISABLE && sound.client == cl) {
        (void)fprintf(sound.log, "sound off\n");
        sound.client = NULL;
        send_op(cl, OP_END);
    }
}

void vncd_sound_forget(rfbClientPtr cl)
{
    if (sound.client == cl) {
        sound.client = NULL;
    }
}

static void send_frames(unsigned count)
{
    static uint8_t msg[8 + FRAMES_MAX * 4];
    uint32_t bytes = count * sound.channels * 2;
    const uint8_t head[] = {255, VNCD_SUB_AUDIO, 0, OP_DATA, (uint8_t)(bytes >> 24),
            (uint8_t)(bytes >> 16), (uint8_t)(bytes >> 8), (uint8_t)bytes};
    memcpy(msg, head, sizeof(head));
    uint8_t *at = msg + sizeof(head);
    for (unsigned i = 0; i < count; i++) {
        double turn = (double)(sound.sent_frames + i) * sound.sine_hz / sound.rate_hz;
        int16_t v = (int16_t)lround(16383 * sin(2 * PI * turn));
        for (unsigned c = 0; c < sound.channels; c++) {
            *at++ = (uint8_t)v;
            *at++ = (uint8_t)((uint16_t)v >> 8);
        }
    }
    sound.sent_frames += count;
    (void)rfbWriteExact(sound.client, (const char *)msg, (int)(sizeof(head) + bytes));
}

void vncd_sound_step(uint64_t now_us)
{
    if (sound.client == NULL) {
        return;
    }
    if (sound.started_us == 0) {
        sound.started_us = now_us;
    }
    uint64_t due = (now_us - sound.started_us) * sound.rate_hz / 1000000;
    if ((due - sound.sent_frames) * 1000000 >= (uint64_t)PIECE_US * sound.rate_hz) {
        uint64_t count = due - sound.sent_frames;
        send_frames(count < FRAMES_MAX ? (unsigned)count : FRAMES_MAX);
    }
}
