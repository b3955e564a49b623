/* An RDP client without a screen.
 * oriel-bench-client PORT USER PASSWORD WxH SECONDS KEYS prints
 *   up | begin frames=N bytes=N | end frames=N bytes=N       around SECONDS of watching
 *   key sent_us=T seen_us=T colour=RRGGBB                    for each of KEYS presses of the A key
 * oriel-test-vncd --echo answers a key with the next colour in the top left corner.
 * oriel-bench-client PORT USER PASSWORD WxH login prints when it began, saw a frame, saw red in that corner. */
#include "base/clock.h"
#include <freerdp/channels/channels.h>
#include <freerdp/client.h>
#include <freerdp/client/channels.h>
#include <freerdp/client/rdpgfx.h>
#include <freerdp/freerdp.h>
#include <freerdp/gdi/gdi.h>
#include <freerdp/gdi/gfx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WARM_UP_US (3 * ORL_US_PER_S)
#define KEY_PAUSE_US (150 * ORL_US_PER_MS)
#define KEY_MAX_US (5 * ORL_US_PER_S)
#define TICK_MS 2
#define CODE_A 0x1E

#define ARGS 7
#define ARGS_LOGIN 6
#define DESKTOP_COLOUR 0xFF0000 /* of the tiny guest's corner */
#define LOGIN_MAX_US (60 * ORL_US_PER_S)

enum phase {
    PHASE_CONNECTING,
    PHASE_WARM_UP,
    PHASE_WATCH,
    PHASE_PAUSE,
    PHASE_KEY,
    PHASE_LOGIN,
    PHASE_DONE
};

struct bench {
    rdpClientContext common; /* first: FreeRDP allocates and casts */
    pcRdpgfxEndFrame end_frame;
    enum phase phase;
    uint64_t since_us, seconds;
    uint64_t frames;
    unsigned keys_left, keys_sent;
    uint32_t colour_before;
};
static const uint32_t colours[] = {0xFF0000, 0x00FF00, 0x0000FF, 0xFFFF00, 0xFF00FF, 0x00FFFF};

static struct bench *bench_of(rdpContext *context)
{
    return (struct bench *)(void *)context;
}

/* To the nearest of the eight pure colours: a lossy picture is not exact. */
static uint32_t corner(const rdpGdi *gdi)
{
    if (gdi == NULL || gdi->primary_buffer == NULL) {
        return 0;
    }
    const uint8_t *p = gdi->primary_buffer + (size_t)gdi->stride * 8 + (size_t)8 * 4;
    return (p[2] > 127 ? 0xFF0000U : 0U) | (p[1] > 127 ? 0xFF00U : 0U) | (p[0] > 127 ? 0xFFU : 0U);
}

static void print_counts(struct bench *b, const char *what)
{
    UINT64 in_bytes = 0;
    UINT64 out_bytes = 0;
    UINT64 in_packets = 0;
    UINT64 out_packets = 0;
    rdpContext *context = &b->common.context;
    (void)freerdp_get_stats(context->rdp, &in_bytes, &out_bytes, &in_packets, &out_packets);
    (void)printf("%s frames=%llu bytes=%llu\n", what, (unsigned long long)b->frames,
            (unsigned long long)in_bytes);
    (void)fflush(stdout);
}

static void see_key(struct bench *b, uint64_t now_us)
{
    uint32_t expected = colours[(b->keys_sent - 1) % (sizeof(colours) / sizeof(colours[0]))];
    bool is_seen = corner(b->common.context.gdi) == expected;
    if (!is_seen && now_us - b->since_us < KEY_MAX_US) {
        return;
    }
    (void)printf("key sent_us=%llu seen_us=%llu colour=%06x\n", (unsigned long long)b->since_us,
            is_seen ? (unsigned long long)now_us : 0ULL, expected);
    (void)fflush(stdout);
    b->phase = b->keys_left > 0 ? PHASE_PAUSE : PHASE_DONE;
    b->since_us = now_us;
}

static void print_time(const char *what, uint64_t now_us)
{
    (void)printf("%s us=%llu\n", what, (unsigned long long)now_us);
    (void)fflush(stdout);
}

static void see_login(struct bench *b, uint64_t now_us)
{
    if (b->frames == 1) {
        print_time("frame", now_us);
    }
    if (corner(b->common.context.gdi) == DESKTOP_COLOUR) {
        print_time("desktop", now_us);
        b->phase = PHASE_DONE;
    }
}

static UINT on_end_frame(RdpgfxClientContext *gfx, const RDPGFX_END_FRAME_PDU *pdu)
{
    rdpGdi *gdi = gfx->custom;
    struct bench *b = bench_of(gdi->context);
    UINT rc = b->end_frame(gfx, pdu);
    b->frames++;
    if (b->phase == PHASE_KEY) {
        see_key(b, orl_clock_now_us());
    } else if (b->phase == PHASE_LOGIN) {
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

static void start_key(struct bench *b, uint64_t now_us)
{
    rdpInput *input = b->common.context.input;
    b->keys_left--;
    b->keys_sent++;
    b->since_us = now_us;
    b->phase = PHASE_KEY;
    (void)freerdp_input_send_keyboard_event_ex(input, TRUE, FALSE, CODE_A);
    (void)freerdp_input_send_keyboard_event_ex(input, FALSE, FALSE, CODE_A);
}

static void tick(struct bench *b)
{
    uint64_t now_us = orl_clock_now_us();
    uint64_t in_phase_us = now_us - b->since_us;
    switch (b->phase) {
    case PHASE_CONNECTING:
        if (b->frames > 0) {
            (void)puts("up");
            b->phase = PHASE_WARM_UP;
            b->since_us = now_us;
        }
        break;
    case PHASE_WARM_UP:
        if (in_phase_us > WARM_UP_US) {
            print_counts(b, "begin");
            b->phase = PHASE_WATCH;
            b->since_us = now_us;
        }
        break;
    case PHASE_WATCH:
        if (in_phase_us > b->seconds * ORL_US_PER_S) {
            print_counts(b, "end");
            b->phase = b->keys_left > 0 ? PHASE_PAUSE : PHASE_DONE;
            b->since_us = now_us;
        }
        break;
    case PHASE_PAUSE:
        if (in_phase_us > KEY_PAUSE_US) {
            start_key(b, now_us);
        }
        break;
    case PHASE_KEY:
        see_key(b, now_us);
        break;
    default:
        break;
    }
}

static void run(struct bench *b)
{
    rdpContext *context = &b->common.context;
    const uint64_t login_end_us = orl_clock_now_us() + LOGIN_MAX_US;
    while (b->phase != PHASE_DONE && !freerdp_shall_disconnect_context(context)) {
        HANDLE handles[64];
        DWORD count = freerdp_get_event_handles(context, handles, 64);
        if (count == 0 || WaitForMultipleObjects(count, handles, FALSE, TICK_MS) == WAIT_FAILED ||
                !freerdp_check_event_handles(context)) {
            break;
        }
        tick(b);
        if (b->phase == PHASE_LOGIN && orl_clock_now_us() > login_end_us) {
            break;
        }
    }
}

int main(int argc, char **argv)
{
    const bool is_login = argc == ARGS_LOGIN && strcmp(argv[5], "login") == 0;
    if (argc != ARGS && !is_login) {
        (void)fprintf(stderr, "oriel-bench-client PORT USER PASSWORD WxH SECONDS KEYS | login\n");
        return 64;
    }
    RDP_CLIENT_ENTRY_POINTS entry = {.Size = sizeof(entry),
            .Version = RDP_CLIENT_INTERFACE_VERSION,
            .ContextSize = sizeof(struct bench),
            .ClientNew = on_new};
    rdpContext *context = freerdp_client_context_new(&entry);
    if (context == NULL) {
        return 1;
    }
    struct bench *b = bench_of(context);
    if (is_login) {
        b->phase = PHASE_LOGIN;
        print_time("begin", orl_clock_now_us());
    } else {
        b->seconds = strtoull(argv[5], NULL, 10);
        b->keys_left = (unsigned)strtoul(argv[6], NULL, 10);
    }
    if (!set_up(context->settings, argv) || !freerdp_connect(context->instance)) {
        (void)fprintf(stderr, "oriel-bench-client: no connection\n");
        freerdp_client_context_free(context);
        return 1;
    }
    run(b);
    bool is_done = b->phase == PHASE_DONE;
    (void)freerdp_disconnect(context->instance);
    gdi_free(context->instance);
    freerdp_client_context_free(context);
    return is_done ? 0 : 1;
}
