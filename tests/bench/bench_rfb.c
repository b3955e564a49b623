/* A VNC client without a screen: oriel-bench-rfb PATH QUALITY SECONDS KEYS RESTS X,Y,W,H, as bench_watch.h
 * says; Tight with JPEG of that quality (0 .. 9; -1: exact). Bytes are the server's to count. */
#include "base/clock.h"
#include "tests/bench/bench_watch.h"
#include <rfb/rfbclient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGS 7
#define TICK_US 2000

struct bench {
    rfbClient *client;
    struct bench_watch watch;
};
static struct bench bench; /* libvncclient's hooks have no context of their own */

static struct bench_picture picture_of(void *ctx)
{
    const rfbClient *client = ((struct bench *)ctx)->client;
    return (struct bench_picture){.pixels = client->frameBuffer,
            .width_px = (uint32_t)client->width,
            .height_px = (uint32_t)client->height,
            .stride_bytes = (size_t)client->width * 4};
}

static void press(void *ctx, enum bench_key key)
{
    rfbClient *client = ((struct bench *)ctx)->client;
    const uint32_t sym = key == BENCH_KEY_A ? 'a' : XK_F12;
    (void)SendKeyEvent(client, sym, TRUE);
    (void)SendKeyEvent(client, sym, FALSE);
}

static uint64_t bytes_of(void *ctx)
{
    (void)ctx;
    return 0;
}

static void on_frame(rfbClient *client)
{
    (void)client;
    bench_watch_frame(&bench.watch, orl_clock_now_us());
}

static void quiet(const char *format, ...)
{
    (void)format;
}

static bool set_up(rfbClient *client, const char *path, int quality)
{
    client->serverHost = strdup(path);
    client->serverPort = 0; /* of a Unix socket */
    client->canHandleNewFBSize = TRUE;
    client->FinishedFrameBufferUpdate = on_frame;
    client->format.redShift = 16;
    client->format.greenShift = 8;
    client->format.blueShift = 0;
    client->appData.encodingsString = "tight copyrect";
    client->appData.compressLevel = 1;
    client->appData.qualityLevel = quality < 0 ? 9 : quality;
    client->appData.enableJPEG = quality >= 0;
    client->appData.useRemoteCursor = TRUE;
    return client->serverHost != NULL;
}

static bool run(void)
{
    while (bench.watch.phase != BENCH_DONE) {
        const int ready = WaitForMessage(bench.client, TICK_US);
        if (ready < 0 || (ready > 0 && !HandleRFBServerMessage(bench.client))) {
            return false;
        }
        bench_watch_tick(&bench.watch, orl_clock_now_us());
    }
    return true;
}

int main(int argc, char **argv)
{
    static const struct bench_watch_ops ops = {
            .picture = picture_of, .press = press, .bytes = bytes_of};
    if (argc != ARGS || !bench_watch_init(&bench.watch, &ops, &bench, argv + 3)) {
        (void)fprintf(stderr, "usage: see the head of bench_rfb.c\n");
        return 64;
    }
    rfbClientLog = quiet;
    bench.client = rfbGetClient(8, 3, 4);
    if (bench.client == NULL || !set_up(bench.client, argv[1], (int)strtol(argv[2], NULL, 10)) ||
            !rfbInitClient(bench.client, NULL, NULL)) {
        (void)fprintf(stderr, "oriel-bench-rfb: no connection\n");
        return 1; /* rfbInitClient() freed it */
    }
    const bool is_good = run();
    bench_watch_fini(&bench.watch);
    free(bench.client->frameBuffer);
    rfbClientCleanup(bench.client);
    return is_good ? 0 : 1;
}
