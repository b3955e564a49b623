/* A real client (libfreerdp) whose PDUs are damaged from a random one on, at any stage of the connection: the
 * viewer must end in one on_closed. Undamaged, the client must have the picture. */
#include "base/clock.h"
#include "tests/rdp/rdp_testbed.h"
#include <freerdp/channels/rdpgfx.h>
#include <freerdp/client.h>
#include <freerdp/client/channels.h>
#include <freerdp/client/cmdline.h>
#include <freerdp/client/rdpgfx.h>
#include <freerdp/event.h>
#include <freerdp/freerdp.h>
#include <freerdp/gdi/gdi.h>
#include <freerdp/gdi/gfx.h>
#include <freerdp/input.h>
#include <freerdp/pointer.h>
#include <freerdp/transport_io.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { HEALTHY_SEED = 0, PDUS_MAX = 60, SEEDS_DEFAULT = 40 };
static const uint64_t PLAY_US = 1500000;
static const uint64_t HEALTHY_MAX_US = 30000000; /* it leaves when it has what it came for */

struct chaos {
    rdpContext base; /* first: FreeRDP allocates it */
    struct testbed *bed;
    pTransportRWFkt write_pdu;
    unsigned written, damage_from;
    bool use_gfx;
};

static int on_tcp_connect(
        rdpContext *context, rdpSettings *settings, const char *host, int port, DWORD timeout)
{
    struct testbed *bed = ((struct chaos *)context)->bed;
    (void)settings;
    (void)host;
    (void)port;
    (void)timeout;
    const int fd = bed->client_fd;
    bed->client_fd = -1;
    return fd;
}

static void damage(struct chaos *chaos, uint8_t *data, size_t len)
{
    unsigned *seed = &chaos->bed->seed;
    if (*seed == HEALTHY_SEED || chaos->written < chaos->damage_from || len < 8) {
        return;
    }
    const unsigned count = 1 + testbed_random(seed) % 3;
    for (unsigned i = 0; i < count; i++) {
        /* Mostly beyond the TPKT header, so that the PDU arrives. */
        const size_t from = testbed_random(seed) % 16 == 0 ? 0 : 4;
        data[from + testbed_random(seed) % (len - from)] = (uint8_t)testbed_random(seed);
    }
}

static int on_write_pdu(rdpTransport *transport, wStream *s)
{
    struct chaos *chaos = (struct chaos *)transport_get_context(transport);
    damage(chaos, Stream_Buffer(s), Stream_GetPosition(s));
    chaos->written++;
    return chaos->write_pdu(transport, s);
}

static void on_channel(void *context, const ChannelConnectedEventArgs *e)
{
    rdpContext *base = context;
    if (strcmp(e->name, RDPGFX_DVC_CHANNEL_NAME) == 0) {
        (void)gdi_graphics_pipeline_init(base->gdi, (RdpgfxClientContext *)e->pInterface);
    }
}

static void on_channel_gone(void *context, const ChannelDisconnectedEventArgs *e)
{
    rdpContext *base = context;
    if (strcmp(e->name, RDPGFX_DVC_CHANNEL_NAME) == 0) {
        gdi_graphics_pipeline_uninit(base->gdi, (RdpgfxClientContext *)e->pInterface);
    }
}

static BOOL on_pre_connect(freerdp *instance)
{
    wPubSub *events = instance->context->pubSub;
    return PubSub_SubscribeChannelConnected(events, on_channel) >= 0 &&
           PubSub_SubscribeChannelDisconnected(events, on_channel_gone) >= 0;
}

static BOOL on_desktop_resize(rdpContext *context)
{
    const rdpSettings *settings = context->settings;
    return gdi_resize(context->gdi, freerdp_settings_get_uint32(settings, FreeRDP_DesktopWidth),
            freerdp_settings_get_uint32(settings, FreeRDP_DesktopHeight));
}

static BOOL on_pointer(rdpContext *context, const POINTER_NEW_UPDATE *update)
{
    const BYTE *px = update->colorPtrAttr.xorMaskData;
    ((struct chaos *)context)->bed->client_cursor = px[0] | (uint32_t)px[1] << 8;
    return TRUE;
}

static BOOL on_post_connect(freerdp *instance)
{
    instance->context->update->DesktopResize = on_desktop_resize;
    if (!gdi_init(instance, PIXEL_FORMAT_BGRX32)) {
        return FALSE;
    }
    instance->context->update->pointer->PointerNew = on_pointer;
    return TRUE;
}

static void on_post_disconnect(freerdp *instance)
{
    gdi_free(instance);
}

static BOOL on_load_channels(freerdp *instance)
{
    return freerdp_client_load_addins(instance->context->channels, instance->context->settings);
}

static DWORD on_verify(freerdp *instance, const char *host, UINT16 port, const char *name,
        const char *subject, const char *issuer, const char *fingerprint, DWORD flags)
{
    (void)instance;
    (void)host;
    (void)port;
    (void)name;
    (void)subject;
    (void)issuer;
    (void)fingerprint;
    (void)flags;
    return 2; /* for this session only */
}

static bool set_monitors(rdpSettings *settings)
{
    const rdpMonitor monitors[] = {
            {.width = TESTBED_WIDTH / 2, .height = TESTBED_HEIGHT, .is_primary = 1},
            {.x = TESTBED_WIDTH / 2, .width = TESTBED_WIDTH / 2, .height = TESTBED_HEIGHT}};
    return freerdp_settings_set_bool(settings, FreeRDP_UseMultimon, TRUE) &&
           freerdp_settings_set_uint32(settings, FreeRDP_MonitorCount, 2) &&
           freerdp_settings_set_pointer_array(settings, FreeRDP_MonitorDefArray, 0, &monitors[0]) &&
           freerdp_settings_set_pointer_array(settings, FreeRDP_MonitorDefArray, 1, &monitors[1]);
}

static void set_up(freerdp *instance, struct chaos *chaos)
{
    rdpSettings *settings = instance->context->settings;
    const char *const gfx[] = {"rdpgfx"};
    const char *const disp[] = {"disp"};
    bool ok =
            freerdp_settings_set_string(settings, FreeRDP_ServerHostname, "localhost") &&
            freerdp_settings_set_string(settings, FreeRDP_Username, "somebody") &&
            freerdp_settings_set_string(settings, FreeRDP_Password, "secret") &&
            freerdp_settings_set_bool(settings, FreeRDP_IgnoreCertificate, TRUE) &&
            freerdp_settings_set_bool(settings, FreeRDP_SoftwareGdi, TRUE) &&
            freerdp_settings_set_bool(settings, FreeRDP_NlaSecurity, FALSE) &&
            freerdp_settings_set_bool(settings, FreeRDP_SupportDynamicChannels, TRUE) &&
            freerdp_settings_set_bool(settings, FreeRDP_SupportGraphicsPipeline, chaos->use_gfx) &&
            freerdp_settings_set_bool(settings, FreeRDP_SupportDisplayControl, TRUE) &&
            freerdp_settings_set_bool(settings, FreeRDP_DesktopResize, TRUE) &&
            freerdp_settings_set_uint32(settings, FreeRDP_DesktopWidth, TESTBED_WIDTH) &&
            freerdp_settings_set_uint32(settings, FreeRDP_DesktopHeight, TESTBED_HEIGHT) &&
            freerdp_settings_set_uint32(settings, FreeRDP_ColorDepth, 32) &&
            freerdp_client_add_dynamic_channel(settings, 1, disp);
    if (chaos->use_gfx) {
        ok = ok && freerdp_client_add_dynamic_channel(settings, 1, gfx);
    }
    if (chaos->bed->has_two_monitors) {
        ok = ok && set_monitors(settings);
    }
    orl_assert(ok);
    instance->PreConnect = on_pre_connect;
    instance->PostConnect = on_post_connect;
    instance->PostDisconnect = on_post_disconnect;
    instance->LoadChannels = on_load_channels;
    instance->VerifyCertificateEx = on_verify;
    rdpTransportIo io = *freerdp_get_io_callbacks(instance->context);
    chaos->write_pdu = io.WritePdu;
    io.WritePdu = on_write_pdu;
    io.TCPConnect = on_tcp_connect;
    orl_assert(freerdp_set_io_callbacks(instance->context, &io));
}

static bool has_picture(const rdpContext *context, const struct testbed *bed)
{
    const rdpGdi *gdi = context->gdi;
    if (bed->seed != HEALTHY_SEED || gdi == NULL || gdi->primary_buffer == NULL ||
            gdi->width != TESTBED_WIDTH || gdi->height != TESTBED_HEIGHT) {
        return false;
    }
    for (size_t y = 0; y < TESTBED_HEIGHT; y++) {
        for (size_t x = 0; x < TESTBED_WIDTH; x++) {
            const uint8_t *a = gdi->primary_buffer + y * gdi->stride + x * 4;
            const uint8_t *b = bed->pixels + (y * TESTBED_WIDTH + x) * 4;
            if (memcmp(a, b, 3) != 0) {
                return false;
            }
        }
    }
    return true;
}

static void use_input(rdpInput *input, unsigned step)
{
    (void)freerdp_input_send_keyboard_event(input, step % 2 != 0 ? 0 : 0x8000, 0x1E);
    (void)freerdp_input_send_mouse_event(
            input, PTR_FLAGS_MOVE, (UINT16)(step * 7), (UINT16)(step * 5));
    (void)freerdp_input_send_synchronize_event(input, step & 7);
    (void)freerdp_input_send_unicode_keyboard_event(input, 0, (UINT16)(0x20 + step));
    (void)freerdp_input_send_extended_mouse_event(input, PTR_XFLAGS_DOWN | 1, 5, 5);
}

/* A healthy client leaves after the server heard of its probe: what lies behind that in a socket is not read. */
static void use_session(freerdp *instance, struct testbed *bed, bool is_healthy)
{
    const uint64_t end = orl_clock_now_us() + (is_healthy ? HEALTHY_MAX_US : PLAY_US);
    for (unsigned step = 0; orl_clock_now_us() < end; step++) {
        HANDLE handles[64];
        const DWORD count = freerdp_get_event_handles(instance->context, handles, 64);
        if (count == 0 || WaitForMultipleObjects(count, handles, FALSE, 20) == WAIT_FAILED ||
                !freerdp_check_event_handles(instance->context) ||
                freerdp_shall_disconnect_context(instance->context)) {
            return;
        }
        if (bed->matches == 0 && has_picture(instance->context, bed)) {
            bed->matches = 1;
        }
        if (bed->matches > 0 && (!is_healthy || bed->arrivals > 0)) {
            return;
        }
        use_input(instance->context->input, step);
    }
}

/* Reads nothing while the cursors are set, then what came of them. */
static void use_pointer(freerdp *instance, struct testbed *bed)
{
    static const RECTANGLE_16 areas[] = {{0, 0, 10, 10}, {20, 20, 30, 30}, {40, 0, 50, 9}};
    for (unsigned i = 0; i < 1000 && !bed->has_set_cursors; i++) {
        (void)usleep(10000);
    }
    (void)instance->context->update->RefreshRect(instance->context, 3, areas);
    const uint64_t end = orl_clock_now_us() + 4 * PLAY_US;
    while (orl_clock_now_us() < end &&
            (bed->client_cursor != bed->cursors || bed->refreshes == 0)) {
        HANDLE handles[64];
        const DWORD count = freerdp_get_event_handles(instance->context, handles, 64);
        if (count == 0 || WaitForMultipleObjects(count, handles, FALSE, 20) == WAIT_FAILED ||
                !freerdp_check_event_handles(instance->context)) {
            return;
        }
    }
}

static void play(struct testbed *bed, bool use_gfx)
{
    freerdp *instance = freerdp_new();
    orl_assert(instance != NULL);
    instance->ContextSize = sizeof(struct chaos);
    orl_assert(freerdp_context_new(instance));
    struct chaos *chaos = (struct chaos *)instance->context;
    chaos->bed = bed;
    chaos->use_gfx = use_gfx;
    chaos->damage_from = testbed_random(&bed->seed) % PDUS_MAX;
    const bool is_healthy = bed->has_timed_out;
    if (is_healthy) { /* HEALTHY_SEED: the generator must not leave it */
        bed->has_timed_out = false;
        bed->seed = HEALTHY_SEED;
    }
    set_up(instance, chaos);
    if (freerdp_connect(instance)) {
        if (bed->cursors > 0) {
            use_pointer(instance, bed);
        } else {
            use_session(instance, bed, is_healthy);
        }
    }
    (void)freerdp_disconnect(instance);
    freerdp_context_free(instance);
    freerdp_free(instance);
}

static void play_gfx(struct testbed *bed)
{
    play(bed, true);
}

static void play_bitmaps(struct testbed *bed)
{
    play(bed, false);
}

static void healthy(void (*client)(struct testbed *bed), bool is_gfx)
{
    static struct testbed bed;
    bed = (struct testbed){.accepts = true, .has_timed_out = true};
    testbed_run(&bed, client);
    assert_false(bed.has_timed_out);
    assert_int_equal(bed.logins, 1);
    assert_int_equal(bed.readies, 1);
    assert_int_equal(bed.closes, 1);
    assert_int_equal(bed.matches, 1);
    assert_int_equal(bed.caps.has_copy, is_gfx);
    assert_int_equal(bed.arrivals, 1); /* of the one probe, which went before the picture */
    assert_int_equal(bed.reason, ORL_REASON_CLIENT_CLOSED);
}

static void a_client_with_graphics_gets_the_picture(void **state)
{
    (void)state;
    healthy(play_gfx, true);
}

static void two_monitors_are_two_heads(void **state)
{
    (void)state;
    static struct testbed bed;
    bed = (struct testbed){.accepts = true, .has_timed_out = true, .has_two_monitors = true};
    testbed_run(&bed, play_gfx);
    assert_int_equal(bed.matches, 1);
    const struct orl_layout wanted = {.count = 2,
            .heads = {{0, 0, TESTBED_WIDTH / 2, TESTBED_HEIGHT},
                    {TESTBED_WIDTH / 2, 0, TESTBED_WIDTH / 2, TESTBED_HEIGHT}}};
    assert_true(orl_layout_is_equal(&bed.caps.layout, &wanted));
}

static void a_client_without_graphics_gets_the_picture(void **state)
{
    (void)state;
    healthy(play_bitmaps, false);
}

/* FreeRDP would keep what the socket does not take: 8 MB here. */
static void a_client_that_reads_nothing_is_owed_one_cursor(void **state)
{
    (void)state;
    static struct testbed bed;
    bed = (struct testbed){.accepts = true, .has_timed_out = true, .cursors = 2000};
    testbed_run(&bed, play_bitmaps);
    assert_false(bed.has_timed_out);
    assert_true(bed.cursor_bytes > 0 && bed.cursor_bytes < 1024 * 1024);
    assert_int_equal(bed.client_cursor, bed.cursors); /* and gets the newest when it reads */
    assert_int_equal(bed.refreshes, 1);               /* three areas in one request */
}

static void a_cursor_from_before_the_client_is_ready_reaches_it(void **state)
{
    (void)state;
    static struct testbed bed;
    bed = (struct testbed){
            .accepts = true, .has_timed_out = true, .cursors = 5, .sets_cursors_early = true};
    testbed_run(&bed, play_bitmaps);
    assert_int_equal(bed.client_cursor, bed.cursors);
}

static void a_refused_login_has_no_session(void **state)
{
    (void)state;
    static struct testbed bed;
    bed = (struct testbed){.has_timed_out = true};
    testbed_run(&bed, play_gfx);
    assert_int_equal(bed.logins, 1);
    assert_int_equal(bed.readies, 0);
    assert_int_equal(bed.closes, 1);
    assert_int_equal(bed.reason, ORL_REASON_AUTH_FAILED);
}

static void damaged_pdus_at_any_stage_end_in_one_close(void **state)
{
    (void)state;
    const char *text = getenv("ORIEL_CHAOS_SEEDS");
    const unsigned seeds = text != NULL ? (unsigned)strtoul(text, NULL, 10) : SEEDS_DEFAULT;
    for (unsigned i = 1; i <= seeds; i++) {
        static struct testbed bed;
        bed = (struct testbed){.seed = i * 7919, .accepts = true};
        print_message("seed %u\n", i);
        testbed_run(&bed, i % 4 == 0 ? play_bitmaps : play_gfx);
        assert_false(bed.has_timed_out);
        assert_int_equal(bed.closes, 1);
    }
}

static int setup(void **state)
{
    (void)state;
    testbed_init_once();
    (void)freerdp_register_addin_provider(freerdp_channels_load_static_addin_entry, 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_client_with_graphics_gets_the_picture),
            cmocka_unit_test(two_monitors_are_two_heads),
            cmocka_unit_test(a_client_without_graphics_gets_the_picture),
            cmocka_unit_test(a_client_that_reads_nothing_is_owed_one_cursor),
            cmocka_unit_test(a_cursor_from_before_the_client_is_ready_reaches_it),
            cmocka_unit_test(a_refused_login_has_no_session),
            cmocka_unit_test(damaged_pdus_at_any_stage_end_in_one_close),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
