/* FreeRDP's peer: settings, certificate, callbacks. */
#include "base/rd.h"
#include "protocols/rdp/rdp_priv.h"
#include <freerdp/channels/wtsvc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <winpr/wtsapi.h>

enum {
    NOTSENT_BYTES = 32 * 1024, /* without acks: how much may wait in the kernel */
    USER_TIMEOUT_MS = 40000,   /* more than our own limit for a client that stops reading */
};

static BOOL on_capabilities(freerdp_peer *peer)
{
    struct orl_viewer *v = orl_rdp_of(peer->context);
    rdpSettings *settings = peer->context->settings;
    if (!orl_rdp_auth_login(v)) {
        v->is_refused = true;
        return FALSE;
    }
    const uint32_t width = freerdp_settings_get_uint32(settings, FreeRDP_DesktopWidth);
    const uint32_t height = freerdp_settings_get_uint32(settings, FreeRDP_DesktopHeight);
    /* Bulk compression would mix secrets with what others can choose, and FreeRDP's is slow. */
    return freerdp_settings_set_bool(settings, FreeRDP_CompressionEnabled, FALSE) &&
           freerdp_settings_set_uint32(
                   settings, FreeRDP_DesktopWidth, orl_rdp_clamp_width(v, width)) &&
           freerdp_settings_set_uint32(
                   settings, FreeRDP_DesktopHeight, orl_rdp_clamp_height(v, height));
}

static BOOL on_post_connect(freerdp_peer *peer)
{
    (void)peer;
    return TRUE;
}

static BOOL on_activate(freerdp_peer *peer)
{
    struct orl_viewer *v = orl_rdp_of(peer->context);
    orl_rdp_activate(v);
    return TRUE;
}

static BOOL on_suppress(rdpContext *context, BYTE allow, const RECTANGLE_16 *area)
{
    struct orl_viewer *v = orl_rdp_of(context);
    (void)area;
    if (v->state == ORL_RDP_READY) {
        v->events->on_visible(v->ctx, allow != 0);
    }
    return TRUE;
}

static BOOL on_refresh(rdpContext *context, BYTE count, const RECTANGLE_16 *areas)
{
    struct orl_viewer *v = orl_rdp_of(context);
    struct orl_rect all = {0, 0, 0, 0};
    for (unsigned i = 0; i < count; i++) {
        /* TS_RECTANGLE16 is inclusive here (MS-RDPBCGR 2.2.11.1). */
        const struct orl_rect rect = {areas[i].left, areas[i].top,
                areas[i].right - areas[i].left + 1, areas[i].bottom - areas[i].top + 1};
        all = orl_rect_union(&all, &rect);
    }
    if (!orl_rect_is_empty(&all) && v->state == ORL_RDP_READY) {
        v->events->on_refresh(v->ctx, &all);
    }
    return TRUE;
}

static BOOL on_frame_ack(rdpContext *context, UINT32 frame_id)
{
    orl_rdp_flight_ack(orl_rdp_of(context), frame_id);
    return TRUE;
}

/* MS-RDPBCGR 2.2.2.1.1: the person closes the window; FreeRDP answers and fails without saying why. */
static bool is_shutdown_request(const uint8_t *data, size_t len)
{
    enum { PDU_DATA = 7, DATA_SHUTDOWN_REQUEST = 36, MCS_SEND_DATA = 0x64 };
    struct orl_rd rd;
    orl_rd_init(&rd, data, len);
    orl_rd_skip(&rd, 4 + 3); /* TPKT, X.224 */
    const uint8_t domain_pdu = orl_rd_u8(&rd);
    orl_rd_skip(&rd, 2 + 2 + 1); /* initiator, channel, priority */
    if ((orl_rd_u8(&rd) & 0x80) != 0) {
        orl_rd_skip(&rd, 1); /* a length of two bytes */
    }
    orl_rd_skip(&rd, 2);
    const uint16_t type = orl_rd_u16le(&rd);
    orl_rd_skip(&rd, 2 + 4 + 1 + 1 + 2); /* source, share, pad, stream, length */
    const uint8_t data_type = orl_rd_u8(&rd);
    return !rd.is_failed && data[0] == 3 && domain_pdu == MCS_SEND_DATA &&
           (type & 0xF) == PDU_DATA && data_type == DATA_SHUTDOWN_REQUEST;
}

/* rdesktop's Erect Domain Request has its two integers as 16 bits with one length byte missing, which
 * FreeRDP refuses; nobody uses their values (T.125 7, ErectDomainRequest). */
static int on_read_pdu(rdpTransport *transport, wStream *s)
{
    static const uint8_t odd[] = {0x04, 0x00, 0x01, 0x00, 0x01};
    static const uint8_t good[] = {0x04, 0x01, 0x00, 0x01, 0x00};
    enum { AT = 7, PDU_BYTES = 12 };
    rdpContext *context = transport_get_context(transport);
    struct orl_viewer *v = orl_rdp_of(context);
    const int got = v->read_pdu(transport, s);
    if (got == PDU_BYTES && freerdp_get_state(context) == CONNECTION_STATE_MCS_ERECT_DOMAIN &&
            memcmp(Stream_Buffer(s) + AT, odd, sizeof(odd)) == 0) {
        memcpy(Stream_Buffer(s) + AT, good, sizeof(good));
    }
    if (got > 0 && v->is_activated && is_shutdown_request(Stream_Buffer(s), (size_t)got)) {
        v->has_shutdown = true;
    }
    return got;
}

/* The settings own key and certificate from then on, which the analyzer cannot see. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
static int set_certificate(
        rdpSettings *settings, const struct orl_rdp_opts *opts, struct orl_err *err)
{
    rdpPrivateKey *key = freerdp_key_new_from_pem(opts->key_pem);
    rdpCertificate *cert = freerdp_certificate_new_from_pem(opts->cert_pem);
    if (key == NULL || cert == NULL) {
        freerdp_key_free(key);
        freerdp_certificate_free(cert);
        return orl_err_set(err, ORL_E_CONFIG, "certificate or key is not readable PEM");
    }
    if (!freerdp_settings_set_pointer_len(settings, FreeRDP_RdpServerRsaKey, key, 1)) {
        freerdp_key_free(key);
        freerdp_certificate_free(cert);
        return orl_err_set(err, ORL_E_BACKEND, "FreeRDP does not take the key");
    }
    if (!freerdp_settings_set_pointer_len(settings, FreeRDP_RdpServerCertificate, cert, 1)) {
        freerdp_certificate_free(cert);
        return orl_err_set(err, ORL_E_BACKEND, "FreeRDP does not take the certificate");
    }
    return 0;
}

#pragma GCC diagnostic pop

static int set_settings(struct orl_viewer *v, const struct orl_rdp_opts *opts, struct orl_err *err)
{
    static const struct {
        FreeRDP_Settings_Keys_Bool key;
        BOOL value;
    } bools[] = {{FreeRDP_RdpSecurity, FALSE}, {FreeRDP_TlsSecurity, FALSE},
            {FreeRDP_NlaSecurity, FALSE}, {FreeRDP_UseRdpSecurityLayer, FALSE},
            {FreeRDP_RdstlsSecurity, FALSE}, {FreeRDP_AadSecurity, FALSE},
            {FreeRDP_ExtSecurity, FALSE}, {FreeRDP_RemoteCredentialGuard, FALSE},
            {FreeRDP_Authentication, TRUE}, {FreeRDP_SupportGraphicsPipeline, TRUE},
            {FreeRDP_GfxH264, TRUE}, {FreeRDP_SuppressOutput, TRUE}, {FreeRDP_RefreshRect, TRUE},
            {FreeRDP_FrameMarkerCommandEnabled, TRUE}, {FreeRDP_SurfaceFrameMarkerEnabled, TRUE},
            {FreeRDP_UnicodeInput, TRUE}, {FreeRDP_HasExtendedMouseEvent, TRUE},
            {FreeRDP_HasHorizontalWheel, TRUE}, {FreeRDP_NetworkAutoDetect, TRUE},
            {FreeRDP_SupportErrorInfoPdu, TRUE}, {FreeRDP_SupportMonitorLayoutPdu, FALSE},
            {FreeRDP_RemoteFxCodec, FALSE}, {FreeRDP_NSCodec, FALSE},
            {FreeRDP_WaitForOutputBufferFlush, FALSE}, {FreeRDP_DesktopResize, TRUE}};
    static const struct {
        FreeRDP_Settings_Keys_UInt32 key;
        UINT32 value;
    } numbers[] = {{FreeRDP_ColorDepth, 32}, {FreeRDP_MultifragMaxRequestSize, 0xFFFFFF},
            {FreeRDP_LargePointerFlag, LARGE_POINTER_FLAG_96x96 | LARGE_POINTER_FLAG_384x384},
            {FreeRDP_PointerCacheSize, 20}};
    rdpSettings *settings = orl_rdp_settings(v);
    bool ok = freerdp_settings_set_uint16(settings, FreeRDP_TLSMinVersion, 0x0303);
    for (size_t i = 0; i < sizeof(bools) / sizeof(bools[0]); i++) {
        ok = ok && freerdp_settings_set_bool(settings, bools[i].key, bools[i].value);
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        ok = ok && freerdp_settings_set_uint32(settings, numbers[i].key, numbers[i].value);
    }
    if (!ok) {
        return orl_err_set(err, ORL_E_BACKEND, "FreeRDP does not take the settings");
    }
    return set_certificate(settings, opts, err);
}

static int set_callbacks(struct orl_viewer *v, struct orl_err *err)
{
    freerdp_peer *peer = v->peer;
    rdpContext *context = peer->context;
    rdpTransportIo io = *freerdp_get_io_callbacks(context);
    peer->Capabilities = on_capabilities;
    peer->PostConnect = on_post_connect;
    peer->Activate = on_activate;
    v->read_pdu = io.ReadPdu;
    io.ReadPdu = on_read_pdu;
    if (!freerdp_set_io_callbacks(context, &io) || !peer->Initialize(peer)) {
        return orl_err_set(err, ORL_E_BACKEND, "FreeRDP's peer does not initialise");
    }
    context->update->SuppressOutput = on_suppress;
    context->update->RefreshRect = on_refresh;
    context->update->SurfaceFrameAcknowledge = on_frame_ack;
    context->update->autoCalculateBitmapData = FALSE;
    orl_rdp_auth_setup(v);
    orl_rdp_autodetect_setup(v);
    orl_rdp_input_setup(v);
    return 0;
}

int orl_rdp_peer_new(struct orl_viewer *v, const struct orl_rdp_opts *opts, struct orl_err *err)
{
    const int lowat = NOTSENT_BYTES;
    (void)setsockopt(opts->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof(lowat));
    v->peer = freerdp_peer_new(opts->fd);
    if (v->peer == NULL) {
        (void)close(opts->fd);
        return orl_err_set(err, ORL_E_NOMEM, "no memory for a peer");
    }
    v->peer->ContextSize = sizeof(struct orl_rdp_context);
    if (!freerdp_peer_context_new(v->peer)) {
        return orl_err_set(err, ORL_E_BACKEND, "FreeRDP makes no context");
    }
    v->fd = opts->fd;
    /* FreeRDP has set 9 s, which would end a stopped client before our own check says why. */
    const unsigned timeout_ms = USER_TIMEOUT_MS;
    (void)setsockopt(v->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
    ((struct orl_rdp_context *)v->peer->context)->viewer = v;
    v->vcm = WTSOpenServerA((LPSTR)v->peer->context);
    if (v->vcm == NULL || v->vcm == INVALID_HANDLE_VALUE) {
        return orl_err_set(err, ORL_E_BACKEND, "FreeRDP makes no channel manager");
    }
    orl_rdp_dvc_guard(v);
    int code = set_settings(v, opts, err);
    if (code == 0) {
        code = set_callbacks(v, err);
    }
    return code;
}
