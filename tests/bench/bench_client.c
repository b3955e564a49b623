/* An RDP client without a screen: oriel-bench-client PORT USER PASSWORD WxH, then one of
 *   SECONDS KEYS RESTS X,Y,W,H   as bench_watch.h says
 *   blind                        decodes nothing, acknowledges everything; SIGUSR1 prints counts
 *   login                        prints when it began, saw a frame, saw red in the top left corner */
#include "base/clock.h"
#include "tests/bench/bench_watch.h"
#include <freerdp/channels/channels.h>
#include <freerdp/client.h>
#include <freerdp/client/channels.h>
#include <freerdp/client/rdpgfx.h>
#include <freerdp/freerdp.h>
#include <freerdp/gdi/gdi.h>
#include <freerdp/gdi/gfx.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 2
#define CODE_A 0x1E
#define CODE_F12 0x58

#define ARGS 9
#define ARGS_MODE 6
#define DESKTOP_COLOUR 0xFF0000 /* of the tiny guest's corner */
#define LOGIN_MAX_US (60 * ORL_US_PER_S)

struct bench {
    rdpClientContext common; /* first: FreeRDP allocates and casts */
    pcRdpgfxEndFrame end_frame;
    struct bench_watch watch;
    bool is_login, is_blind, is_done;
};
static volatile sig_atomic_t want_counts, want_end;

static void on_signal(int signum)
{
    if (signum == SIGUSR1) {
        want_counts = 1;
    } else {
        want_end = 1;
    }
}

static struct bench *bench_of(rdpContext *context)
{
    return (struct bench *)(void *)context;
}

static struct bench_picture picture_of(void *ctx)
{
    const struct bench *b = ctx;
    const rdpGdi *gdi = b->common.context.gdi;
    if (gdi == NULL || gdi->primary_buffer == NULL || b->is_blind) {
        return (struct bench_picture){.pixels = NULL};
    }
    return (struct bench_picture){.pixels = gdi->primary_buffer,
            .width_px = (uint32_t)gdi->width,
            .height_px = (uint32_t)gdi->height,
            .stride_bytes = gdi->stride};
}

static uint64_t bytes_of(void *ctx)
{
    struct bench *b = ctx;
    UINT64 in_bytes = 0;
    (void)freerdp_get_stats(b->common.context.rdp, &in_bytes, NULL, NULL, NULL);
    return in_bytes;
}

static void press(void *ctx, enum bench_key key)
{
    struct bench *b = ctx;
    const UINT32 code = key == BENCH_KEY_A ? CODE_A : CODE_F12;
    (void)freerdp_input_send_keyboard_event_ex(b->common.context.input, TRUE, FALSE, code);
    (void)freerdp_input_send_keyboard_event_ex(b->common.context.input, FALSE, FALSE, code);
}

static void print_time(const char *what, uint64_t now_us)
{
    (void)printf("%s us=%llu\n", what, (unsigned long long)now_us);
    (void)fflush(stdout);
}

static void see_login(struct bench *b, uint64_t now_us)
{
    const struct bench_picture picture = picture_of(b);
    if (b->watch.frames == 1) {
        print_time("frame", now_us);
    }
    if (bench_watch_corner(&picture) == DESKTOP_COLOUR) {
        print_time("desktop", now_us);
        b->is_done = true;
    }
}

/* In place of decoders. */
static UINT see_nothing(RdpgfxClientContext *gfx, const RDPGFX_SURFACE_COMMAND *command)
{
    (void)gfx;
    (void)command;
    return CHANNEL_RC_OK;
}

static UINT copy_nothing(RdpgfxClientContext *gfx, const RDPGFX_SURFACE_TO_SURFACE_PDU *pdu)
{
    (void)gfx;
    (void)pdu;
    return CHANNEL_RC_OK;
}

static UINT on_end_frame(RdpgfxClientContext *gfx, const RDPGFX_END_FRAME_PDU *pdu)
{
    rdpGdi *gdi = gfx->custom;
    struct bench *b = bench_of(gdi->context);
    UINT rc = b->is_blind ? CHANNEL_RC_OK : b->end_frame(gfx, pdu);
    bench_watch_frame(&b->watch, orl_clock_now_us());
    if (b->is_login && !b->is_done) {
        see_login(b, orl_clock_now_us());
    }
    return rc;
}

static void on_channel(void *arg, const ChannelConnectedEventArgs *e)
{
    rdpContext *context = arg;
    freerdp_client_OnChannelConnectedEventHandler(context, e);
    if (strcmp(e->name, RDPGFX_DVC_CHANNEL_NAME) == 0) {
        RdpgfxClientContext *gfx = e->pInterface;
        bench_of(context)->end_frame = gfx->EndFrame;
        gfx->EndFrame = on_end_frame;
        if (bench_of(context)->is_blind) {
            gfx->SurfaceCommand = see_nothing;
            gfx->SurfaceToSurface = copy_nothing;
        }
    }
}

static BOOL on_pre_connect(freerdp *instance)
{
    return PubSub_SubscribeChannelConnected(instance->context->pubSub, on_channel) >= 0;
}

static BOOL on_resize(rdpContext *context)
{
    return gdi_resize(context->gdi,
            freerdp_settings_get_uint32(context->settings, FreeRDP_DesktopWidth),
            freerdp_settings_get_uint32(context->settings, FreeRDP_DesktopHeight));
}

static BOOL on_post_connect(freerdp *instance)
{
    instance->context->update->DesktopResize = on_resize;
    return gdi_init(instance, PIXEL_FORMAT_BGRX32);
}

static BOOL on_new(freerdp *instance, rdpContext *context)
{
    (void)context;
    instance->PreConnect = on_pre_connect;
    instance->PostConnect = on_post_connect;
    instance->LoadChannels = freerdp_client_load_channels;
    return TRUE;
}

static bool set_up(rdpSettings *s, char **argv)
{
    unsigned width = 0;
    unsigned height = 0;
    return sscanf(argv[4], "%ux%u", &width, &height) == 2 &&
           freerdp_settings_set_string(s, FreeRDP_ServerHostname, "127.0.0.1") &&
           freerdp_settings_set_uint32(s, FreeRDP_ServerPort, (UINT32)strtoul(argv[1], NULL, 10)) &&
           freerdp_settings_set_string(s, FreeRDP_Username, argv[2]) &&
           freerdp_settings_set_string(s, FreeRDP_Password, argv[3]) &&
           freerdp_settings_set_uint32(s, FreeRDP_DesktopWidth, width) &&
           freerdp_settings_set_uint32(s, FreeRDP_DesktopHeight, height) &&
           freerdp_settings_set_uint32(s, FreeRDP_ColorDepth, 32) &&
           freerdp_settings_set_bool(s, FreeRDP_IgnoreCertificate, TRUE) &&
           freerdp_settings_set_bool(s, FreeRDP_SoftwareGdi, TRUE) &&
           freerdp_settings_set_bool(s, FreeRDP_NlaSecurity, FALSE) &&
           freerdp_settings_set_bool(s, FreeRDP_SupportGraphicsPipeline, TRUE) &&
           freerdp_settings_set_bool(s, FreeRDP_GfxH264, TRUE) &&
           /* Its callbacks come from this thread, not one of their own. */
           freerdp_settings_set_bool(s, FreeRDP_SynchronousDynamicChannels, TRUE) &&
           freerdp_settings_set_uint32(s, FreeRDP_ConnectionType, CONNECTION_TYPE_LAN);
}

static void run(struct bench *b)
{
    rdpContext *context = &b->common.context;
    const uint64_t login_end_us = orl_clock_now_us() + LOGIN_MAX_US;
    while (!b->is_done && want_end == 0 && !freerdp_shall_disconnect_context(context)) {
        HANDLE handles[64];
        DWORD count = freerdp_get_event_handles(context, handles, 64);
        if (count == 0 || WaitForMultipleObjects(count, handles, FALSE, TICK_MS) == WAIT_FAILED ||
                !freerdp_check_event_handles(context)) {
            break;
        }
        const uint64_t now_us = orl_clock_now_us();
        if (!b->is_login) {
            bench_watch_tick(&b->watch, now_us);
            b->is_done = b->watch.phase == BENCH_DONE;
        } else if (now_us > login_end_us) {
            break;
        }
        if (want_counts != 0) {
            want_counts = 0;
            bench_watch_print(&b->watch, "counts");
        }
    }
}

static bool take_mode(struct bench *b, int argc, char **argv)
{
    static const struct bench_watch_ops ops = {
            .picture = picture_of, .press = press, .bytes = bytes_of};
    static char zero[] = "0";
    static char nowhere[] = "0,0,0,0";
    char *words[] = {zero, zero, zero, nowhere};
    b->is_login = argc == ARGS_MODE && strcmp(argv[5], "login") == 0;
    b->is_blind = argc == ARGS_MODE && strcmp(argv[5], "blind") == 0;
    if (argc != ARGS && !b->is_login && !b->is_blind) {
        return false;
    }
    return bench_watch_init(&b->watch, &ops, b, argc == ARGS ? argv + 5 : words);
}

int main(int argc, char **argv)
{
    RDP_CLIENT_ENTRY_POINTS entry = {.Size = sizeof(entry),
            .Version = RDP_CLIENT_INTERFACE_VERSION,
            .ContextSize = sizeof(struct bench),
            .ClientNew = on_new};
    rdpContext *context = freerdp_client_context_new(&entry);
    if (context == NULL) {
        return 1;
    }
    struct bench *b = bench_of(context);
    if (!take_mode(b, argc, argv)) {
        (void)fprintf(stderr, "usage: see the head of bench_client.c\n");
        freerdp_client_context_free(context);
        return 64;
    }
    (void)signal(SIGUSR1, on_signal);
    (void)signal(SIGTERM, on_signal);
    if (b->is_login) {
        print_time("begin", orl_clock_now_us());
    }
    if (!set_up(context->settings, argv) || !freerdp_connect(context->instance)) {
        (void)fprintf(stderr, "oriel-bench-client: no connection\n");
        freerdp_client_context_free(context);
        return 1;
    }
    run(b);
    const bool is_good = b->is_done || b->is_blind;
    (void)freerdp_disconnect(context->instance);
    gdi_free(context->instance);
    bench_watch_fini(&b->watch);
    freerdp_client_context_free(context);
    return is_good ? 0 : 1;
}
