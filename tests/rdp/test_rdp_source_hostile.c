/* RDP servers that lie, flood, stall or make monsters (FreeRDP's server on a thread): the source ends with a reason, or
 * goes on; it never takes more memory than its bounds. */
#include "base/clock.h"
#include "display/link.h"
#include "protocols/rdp/rdp_source.h"
#include "tests/rdp/rdp_testbed.h"
#include <freerdp/channels/wtsvc.h>
#include <freerdp/codec/region.h>
#include <freerdp/crypto/certificate.h>
#include <freerdp/crypto/privatekey.h>
#include <freerdp/freerdp.h>
#include <freerdp/peer.h>
#include <freerdp/server/rdpgfx.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <winpr/wtsapi.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { WAIT_MS = 30000, STEP_US = 2000, SIDE = 320, SURFACE = 1, SEEDS = 12, COMMANDS = 60 };

struct server {
    rdpContext base; /* first: FreeRDP allocates it */
    struct rig *rig;
    HANDLE vcm;
    RdpgfxServerContext *gfx;
    bool is_gfx_up;
};
struct rig {
    /* the server's, on its thread */
    int fd;
    pthread_t thread;
    void (*attack)(struct server *server); /* once the graphics are open */
    bool (*on_start)(freerdp_peer *peer);  /* before its capabilities; NULL: nothing */
    unsigned seed;
    atomic_bool is_over, has_attacked, is_endless;

    /* the source's, on the loop */
    struct orl_loop *loop;
    struct orl_timer *step;
    struct orl_source_handle source;
    uint64_t end_us;
    unsigned closes, surfaces;
    uint32_t width, height;
    enum orl_reason reason;
    char text[200];
};

static char fingerprint[65];

/* ---- the server ---- */

static BOOL on_context(freerdp_peer *peer, rdpContext *context)
{
    (void)peer;
    ((struct server *)context)->vcm = WTSOpenServerA((LPSTR)context);
    return ((struct server *)context)->vcm != NULL;
}

static void on_context_free(freerdp_peer *peer, rdpContext *context)
{
    struct server *server = (struct server *)context;
    (void)peer;
    if (server->gfx != NULL) {
        rdpgfx_server_context_free(server->gfx);
    }
    WTSCloseServer(server->vcm);
}

static UINT on_caps(RdpgfxServerContext *gfx, const RDPGFX_CAPS_ADVERTISE_PDU *caps)
{
    struct server *server = gfx->custom;
    const RDPGFX_CAPS_CONFIRM_PDU confirm = {.capsSet = &caps->capsSets[0]};
    const UINT rc = gfx->CapsConfirm(gfx, &confirm);
    server->is_gfx_up = true;
    return rc;
}

static UINT on_ack(RdpgfxServerContext *gfx, const RDPGFX_FRAME_ACKNOWLEDGE_PDU *ack)
{
    (void)gfx;
    (void)ack;
    return CHANNEL_RC_OK;
}

static void open_graphics(struct server *server)
{
    server->gfx = rdpgfx_server_context_new(server->vcm);
    orl_assert(server->gfx != NULL);
    server->gfx->rdpcontext = &server->base;
    server->gfx->custom = server;
    server->gfx->CapsAdvertise = on_caps;
    server->gfx->FrameAcknowledge = on_ack;
    orl_assert(server->gfx->Initialize(server->gfx, TRUE) && server->gfx->Open(server->gfx));
}

static BOOL on_capabilities(freerdp_peer *peer)
{
    const struct server *server = (struct server *)peer->context;
    return server->rig->on_start == NULL || server->rig->on_start(peer);
}

static BOOL on_yes(freerdp_peer *peer)
{
    (void)peer;
    return TRUE;
}

static void set_up(freerdp_peer *peer)
{
    rdpSettings *settings = peer->context->settings;
    rdpPrivateKey *key = freerdp_key_new_from_pem(testbed_key_pem());
    rdpCertificate *cert = freerdp_certificate_new_from_pem(testbed_cert_pem());
    bool ok = freerdp_settings_set_pointer_len(settings, FreeRDP_RdpServerRsaKey, key, 1) &&
              freerdp_settings_set_pointer_len(settings, FreeRDP_RdpServerCertificate, cert, 1) &&
              freerdp_settings_set_bool(settings, FreeRDP_RdpSecurity, FALSE) &&
              freerdp_settings_set_bool(settings, FreeRDP_NlaSecurity, FALSE) &&
              freerdp_settings_set_bool(settings, FreeRDP_TlsSecurity, TRUE) &&
              freerdp_settings_set_bool(settings, FreeRDP_SupportGraphicsPipeline, TRUE) &&
              freerdp_settings_set_uint32(settings, FreeRDP_ColorDepth, 32);
    orl_assert(ok);
    peer->Capabilities = on_capabilities;
    peer->PostConnect = on_yes;
    peer->Activate = on_yes;
    orl_assert(peer->Initialize(peer));
}

/* One turn; false: the connection is over. */
static bool serve_once(freerdp_peer *peer)
{
    struct server *server = (struct server *)peer->context;
    HANDLE handles[32];
    DWORD count = peer->GetEventHandles(peer, handles, 30);
    handles[count++] = WTSVirtualChannelManagerGetEventHandle(server->vcm);
    if (server->gfx != NULL) {
        handles[count++] = rdpgfx_server_get_event_handle(server->gfx);
    }
    (void)WaitForMultipleObjects(count, handles, FALSE, 5);
    if (!peer->CheckFileDescriptor(peer)) {
        return false;
    }
    /* Not before: a client's channels open with its activation. */
    if (peer->activated && !WTSVirtualChannelManagerCheckFileDescriptor(server->vcm)) {
        return false;
    }
    if (server->gfx == NULL && WTSVirtualChannelManagerIsChannelJoined(server->vcm, "drdynvc") &&
            WTSVirtualChannelManagerGetDrdynvcState(server->vcm) == DRDYNVC_STATE_READY) {
        open_graphics(server);
    }
    if (server->gfx != NULL &&
            WaitForSingleObject(rdpgfx_server_get_event_handle(server->gfx), 0) == WAIT_OBJECT_0) {
        (void)rdpgfx_server_handle_messages(server->gfx);
    }
    return true;
}

static void *server_main(void *arg)
{
    struct rig *rig = arg;
    freerdp_peer *peer = freerdp_peer_new(rig->fd);
    orl_assert(peer != NULL);
    peer->ContextSize = sizeof(struct server);
    peer->ContextNew = on_context;
    peer->ContextFree = on_context_free;
    orl_assert(freerdp_peer_context_new(peer));
    struct server *server = (struct server *)peer->context;
    server->rig = rig;
    set_up(peer);
    while (!rig->is_over && serve_once(peer)) {
        if (server->is_gfx_up && !rig->has_attacked && rig->attack != NULL) {
            rig->attack(server);
            rig->has_attacked = !rig->is_endless;
        }
    }
    peer->Disconnect(peer);
    freerdp_peer_context_free(peer);
    freerdp_peer_free(peer);
    return NULL;
}

/* ---- the source ---- */

static void on_surface(void *ctx, struct orl_surface *surface)
{
    struct rig *rig = ctx;
    rig->surfaces++;
    rig->width = orl_surface_width(surface);
    rig->height = orl_surface_height(surface);
}

static void on_damage(void *ctx)
{
    (void)ctx;
}

static void on_clipboard(void *ctx, const struct orl_clipboard *step)
{
    (void)ctx;
    (void)step;
}

static void on_sound(void *ctx, const struct orl_sound *sound)
{
    (void)ctx;
    (void)sound;
}

static void on_closed(void *ctx, enum orl_reason reason, const char *text)
{
    struct rig *rig = ctx;
    rig->closes++;
    rig->reason = reason;
    (void)snprintf(rig->text, sizeof(rig->text), "%s", text);
}

static void on_step(void *ctx)
{
    struct rig *rig = ctx;
    if (rig->closes > 0 || orl_clock_now_us() > rig->end_us) {
        orl_loop_stop(rig->loop);
    }
}

static void run_for(struct rig *rig, uint64_t us)
{
    rig->end_us = orl_clock_now_us() + us;
    orl_timer_start(rig->step, STEP_US, STEP_US);
    orl_loop_run(rig->loop);
    orl_timer_stop(rig->step);
}

static void start(struct rig *rig)
{
    static const struct orl_source_events events = {.on_surface = on_surface,
            .on_damage = on_damage,
            .on_clipboard = on_clipboard,
            .on_sound = on_sound,
            .on_closed = on_closed};
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    rig->fd = fds[0];
    assert_int_equal(orl_loop_new(&rig->loop, NULL), 0);
    assert_int_equal(orl_timer_new(rig->loop, on_step, rig, &rig->step, NULL), 0);
    const struct orl_rdp_source_opts opts = {
            .fd = fds[1], .user = "u", .domain = "", .password = "p", .fingerprint = fingerprint};
    assert_int_equal(orl_rdp_source_new(rig->loop, &opts, &events, rig, &rig->source, NULL), 0);
    const struct orl_layout layout = orl_layout_one(SIDE, SIDE);
    rig->source.ops->set_viewed(rig->source.source, true);
    rig->source.ops->set_layout(rig->source.source, &layout);
    assert_int_equal(pthread_create(&rig->thread, NULL, server_main, rig), 0);
}

static void stop(struct rig *rig)
{
    rig->source.ops->free(rig->source.source);
    rig->is_over = true;
    (void)pthread_join(rig->thread, NULL);
    orl_timer_free(rig->step);
    orl_loop_free(rig->loop);
}

static void ends_with(struct rig *rig, enum orl_reason reason, const char *text)
{
    start(rig);
    run_for(rig, WAIT_MS * ORL_US_PER_MS);
    print_message("%s: %s\n", orl_reason_code(rig->reason), rig->text);
    assert_int_equal(rig->closes, 1);
    assert_int_equal(rig->reason, reason);
    assert_non_null(strstr(rig->text, text));
    stop(rig);
}

/* ---- what they do ---- */

static void reset(struct server *server, uint32_t width, uint32_t height)
{
    MONITOR_DEF monitor = {.right = (INT32)width - 1, .bottom = (INT32)height - 1, .flags = 1};
    const RDPGFX_RESET_GRAPHICS_PDU pdu = {
            .width = width, .height = height, .monitorCount = 1, .monitorDefArray = &monitor};
    (void)server->gfx->ResetGraphics(server->gfx, &pdu);
}

static void make(struct server *server, uint16_t id, uint16_t width, uint16_t height)
{
    const RDPGFX_CREATE_SURFACE_PDU pdu = {.surfaceId = id,
            .width = width,
            .height = height,
            .pixelFormat = GFX_PIXEL_FORMAT_XRGB_8888};
    (void)server->gfx->CreateSurface(server->gfx, &pdu);
}

static void monster_desktop(struct server *server)
{
    reset(server, 20000, 20000);
}

/* Again at every turn: how many fall into one second is the machine's matter. */
static void many_sizes(struct server *server)
{
    server->rig->is_endless = true;
    for (uint32_t i = 0; i < 60; i++) {
        reset(server, SIDE + i, SIDE);
    }
}

static void monster_surface(struct server *server)
{
    make(server, SURFACE, 60000, 60000);
}

static void surfaces_without_end(struct server *server)
{
    for (uint16_t i = 1; i <= 100; i++) {
        make(server, i, 4000, 4000);
    }
}

static void cache_without_end(struct server *server)
{
    make(server, SURFACE, 2000, 2000);
    for (uint16_t slot = 1; slot < 100; slot++) {
        const RDPGFX_SURFACE_TO_CACHE_PDU pdu = {.surfaceId = SURFACE,
                .cacheKey = slot,
                .cacheSlot = slot,
                .rectSrc = {0, 0, 2000, 2000}};
        (void)server->gfx->SurfaceToCache(server->gfx, &pdu);
    }
}

static void scaled_output(struct server *server)
{
    const RDPGFX_MAP_SURFACE_TO_SCALED_OUTPUT_PDU pdu = {
            .surfaceId = SURFACE, .targetWidth = 0xFFFFFF, .targetHeight = 0xFFFFFF};
    make(server, SURFACE, 64, 64);
    (void)server->gfx->MapSurfaceToScaledOutput(server->gfx, &pdu);
}

static void paint(struct server *server, uint16_t codec, const uint8_t *data, uint32_t len,
        const RECTANGLE_16 *r)
{
    BYTE bytes[512];
    memcpy(bytes, data, len);
    RDPGFX_AVC420_BITMAP_STREAM stream = {.data = bytes, .length = len};
    RDPGFX_SURFACE_COMMAND command = {.surfaceId = SURFACE,
            .codecId = codec,
            .format = PIXEL_FORMAT_BGRX32,
            .left = r->left,
            .top = r->top,
            .right = r->right,
            .bottom = r->bottom,
            .width = (UINT32)(r->right - r->left),
            .height = (UINT32)(r->bottom - r->top),
            .length = len,
            .data = bytes,
            .extra = &stream};
    (void)server->gfx->SurfaceCommand(server->gfx, &command);
}

static void what_was_not_announced(struct server *server)
{
    static const uint8_t data[64] = {0};
    const RECTANGLE_16 r = {0, 0, 16, 16};
    make(server, SURFACE, 64, 64);
    paint(server, RDPGFX_CODECID_AVC420, data, sizeof(data), &r);
}

/* Anything in any codec, anywhere: what decodes it is FreeRDP's, what bounds it ours. */
static void noise(struct server *server)
{
    static const uint16_t codecs[] = {RDPGFX_CODECID_UNCOMPRESSED, RDPGFX_CODECID_CLEARCODEC,
            RDPGFX_CODECID_PLANAR, RDPGFX_CODECID_CAVIDEO, RDPGFX_CODECID_CAPROGRESSIVE,
            RDPGFX_CODECID_ALPHA};
    unsigned *seed = &server->rig->seed;
    reset(server, SIDE, SIDE);
    make(server, SURFACE, SIDE, SIDE);
    const RDPGFX_MAP_SURFACE_TO_OUTPUT_PDU map = {.surfaceId = SURFACE};
    (void)server->gfx->MapSurfaceToOutput(server->gfx, &map);
    for (unsigned i = 0; i < COMMANDS; i++) {
        uint8_t data[512];
        for (size_t k = 0; k < sizeof(data); k++) {
            data[k] = (uint8_t)testbed_random(seed);
        }
        const RDPGFX_START_FRAME_PDU frame = {.frameId = i + 1};
        const RDPGFX_END_FRAME_PDU end = {.frameId = i + 1};
        const uint16_t left = (uint16_t)(testbed_random(seed) % (SIDE + 20));
        const uint16_t top = (uint16_t)(testbed_random(seed) % (SIDE + 20));
        const RECTANGLE_16 r = {left, top, (uint16_t)(left + testbed_random(seed) % 80),
                (uint16_t)(top + testbed_random(seed) % 80)};
        (void)server->gfx->StartFrame(server->gfx, &frame);
        paint(server, codecs[testbed_random(seed) % 6], data, testbed_random(seed) % 512, &r);
        (void)server->gfx->EndFrame(server->gfx, &end);
    }
}

static bool announce_monster(freerdp_peer *peer)
{
    return freerdp_settings_set_uint32(peer->context->settings, FreeRDP_DesktopWidth, 30000) &&
           freerdp_settings_set_uint32(peer->context->settings, FreeRDP_DesktopHeight, 30000);
}

#define LIE(name, what, word)                                                                      \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        static struct rig rig;                                                                     \
        rig = (struct rig){.attack = (what)};                                                      \
        ends_with(&rig, ORL_REASON_CONSOLE_PROTOCOL, word);                                        \
    }
LIE(a_monster_desktop_ends_it, monster_desktop, "impossible size")
LIE(sizes_without_end_end_it, many_sizes, "without end")
LIE(a_monster_surface_ends_it, monster_surface, "impossible surfaces")
LIE(surfaces_without_end_end_it, surfaces_without_end, "impossible surfaces")
LIE(a_cache_without_end_ends_it, cache_without_end, "caches more")
LIE(a_scaled_picture_ends_it, scaled_output, "scales")
LIE(a_codec_that_was_not_announced_ends_it, what_was_not_announced, "not announced")

static void a_monster_in_the_capabilities_ends_it(void **state)
{
    (void)state;
    static struct rig rig;
    rig = (struct rig){.on_start = announce_monster};
    ends_with(&rig, ORL_REASON_CONSOLE_PROTOCOL, "impossible size");
    assert_int_equal(rig.surfaces, 0);
}

static void noise_in_any_codec_is_survived(void **state)
{
    (void)state;
    const char *text = getenv("ORIEL_CHAOS_SEEDS");
    const unsigned seeds = text != NULL ? (unsigned)strtoul(text, NULL, 10) : SEEDS;
    for (unsigned i = 1; i <= seeds; i++) {
        static struct rig rig;
        rig = (struct rig){.attack = noise, .seed = i * 104729};
        start(&rig);
        for (unsigned k = 0; k < 100 && !rig.has_attacked && rig.closes == 0; k++) {
            run_for(&rig, 100 * ORL_US_PER_MS);
        }
        run_for(&rig, 100 * ORL_US_PER_MS);
        print_message("seed %u: %s %s\n", i, orl_reason_code(rig.reason), rig.text);
        assert_true(rig.has_attacked || rig.closes == 1);
        assert_true(rig.width <= SIDE && rig.height <= SIDE);
        stop(&rig);
    }
}

static int setup(void **state)
{
    (void)state;
    uint8_t digest[32];
    unsigned len = sizeof(digest);
    testbed_init_once();
    orl_assert(orl_rdp_source_prepare(NULL) == 0);
    BIO *bio = BIO_new_mem_buf(testbed_cert_pem(), -1);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    orl_assert(cert != NULL && X509_digest(cert, EVP_sha256(), digest, &len) == 1);
    for (unsigned i = 0; i < sizeof(digest); i++) {
        (void)snprintf(fingerprint + (size_t)i * 2, 3, "%02x", digest[i]);
    }
    X509_free(cert);
    BIO_free(bio);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_monster_in_the_capabilities_ends_it),
            cmocka_unit_test(a_monster_desktop_ends_it),
            cmocka_unit_test(sizes_without_end_end_it),
            cmocka_unit_test(a_monster_surface_ends_it),
            cmocka_unit_test(surfaces_without_end_end_it),
            cmocka_unit_test(a_cache_without_end_ends_it),
            cmocka_unit_test(a_scaled_picture_ends_it),
            cmocka_unit_test(a_codec_that_was_not_announced_ends_it),
            cmocka_unit_test(noise_in_any_codec_is_survived),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
