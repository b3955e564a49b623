/* FreeRDP's client: settings, the server's certificate, which channels there are, why it ended. Everything that would
 * need a thread, a file, another connection or a codec with losses is off. */
#include "base/cleanup.h"
#include "base/secret.h"
#include "protocols/rdp/rdp_source_priv.h"
#include "protocols/rdp/rdp_viewer.h"
#include <ctype.h>
#include <freerdp/addin.h>
#include <freerdp/channels/channels.h>
#include <freerdp/channels/disp.h>
#include <freerdp/channels/rdpgfx.h>
#include <freerdp/channels/rdpsnd.h>
#include <freerdp/client/channels.h>
#include <freerdp/client/cmdline.h>
#include <freerdp/crypto/certificate.h>
#include <freerdp/error.h>
#include <freerdp/event.h>
#include <freerdp/gdi/gdi.h>
#include <freerdp/transport_io.h>
#include <stdio.h>
#include <string.h>

enum { ORDERS = 32 };

struct orl_source *orl_rdp_source_of(const rdpContext *context)
{
    return ((const struct orl_rdp_source_context *)(const void *)context)->source;
}

int orl_rdp_source_prepare(struct orl_err *err)
{
    int rc = orl_rdp_init(err);
    if (rc == ORL_OK && !orl_rdp_source_sound_register()) {
        rc = orl_err_set(err, ORL_E_BACKEND, "FreeRDP's channels do not register");
    }
    return rc;
}

static char next_digit(const char **at)
{
    while (**at == ':' || **at == ' ') {
        (*at)++;
    }
    return **at == '\0' ? '\0' : (char)tolower((unsigned char)*(*at)++);
}

bool orl_rdp_fingerprint_is_equal(const char *a, const char *b)
{
    unsigned digits = 0;
    char x = next_digit(&a);
    char y = next_digit(&b);
    while (x != '\0' && x == y && isxdigit((unsigned char)x)) {
        digits++;
        x = next_digit(&a);
        y = next_digit(&b);
    }
    return x == '\0' && y == '\0' && digits == 64;
}

/* The one who decides about a certificate. 1: it is the desktop's. */
static int on_certificate(
        freerdp *instance, const BYTE *pem, size_t len, const char *host, UINT16 port, DWORD flags)
{
    struct orl_source *s = orl_rdp_source_of(instance->context);
    (void)host;
    (void)port;
    (void)flags;
    ORL_AUTO(orl_free_auto) char *text = strndup((const char *)pem, len);
    rdpCertificate *cert = text != NULL ? freerdp_certificate_new_from_pem(text) : NULL;
    ORL_AUTO(orl_free_auto)
    char *has = cert != NULL ? freerdp_certificate_get_fingerprint_by_hash(cert, "sha256") : NULL;
    freerdp_certificate_free(cert);
    if (has != NULL && orl_rdp_fingerprint_is_equal(has, s->fingerprint)) {
        return 1;
    }
    char why[sizeof(s->text)];
    (void)snprintf(why, sizeof(why), "its certificate is SHA-256 %s", has != NULL ? has : "?");
    orl_rdp_source_give_up(s, ORL_REASON_CONSOLE_CERTIFICATE, why);
    return -1;
}

/* Another server's redirection begins with this one's end, and so does another try. */
static BOOL on_transport_disconnect(rdpTransport *transport)
{
    struct orl_source *s = orl_rdp_source_of(transport_get_context(transport));
    return s->is_freeing ? s->disconnect(transport) : FALSE;
}

static void on_channel(void *context, const ChannelConnectedEventArgs *e)
{
    struct orl_source *s = orl_rdp_source_of(context);
    if (strcmp(e->name, RDPGFX_DVC_CHANNEL_NAME) == 0) {
        orl_rdp_source_gfx(s, e->pInterface);
    } else if (strcmp(e->name, DISP_DVC_CHANNEL_NAME) == 0) {
        orl_rdp_source_size_setup(s, e->pInterface);
    }
}

static void on_channel_gone(void *context, const ChannelDisconnectedEventArgs *e)
{
    struct orl_source *s = orl_rdp_source_of(context);
    if (strcmp(e->name, RDPGFX_DVC_CHANNEL_NAME) == 0) {
        orl_rdp_source_gfx(s, NULL);
    } else if (strcmp(e->name, DISP_DVC_CHANNEL_NAME) == 0) {
        orl_rdp_source_size_setup(s, NULL);
    }
}

static BOOL on_pre_connect(freerdp *instance)
{
    rdpSettings *settings = instance->context->settings;
    wPubSub *events = instance->context->pubSub;
    /* Bitmaps and the graphics pipeline only: FreeRDP refuses orders that were not announced. */
    BYTE *orders = freerdp_settings_get_pointer_writable(settings, FreeRDP_OrderSupport);
    memset(orders, 0, ORDERS);
    return PubSub_SubscribeChannelConnected(events, on_channel) >= 0 &&
           PubSub_SubscribeChannelDisconnected(events, on_channel_gone) >= 0;
}

static bool load(rdpContext *context, const char *name, void *data)
{
    PVIRTUALCHANNELENTRY entry = freerdp_load_channel_addin_entry(
            name, NULL, NULL, FREERDP_ADDIN_CHANNEL_STATIC | FREERDP_ADDIN_CHANNEL_ENTRYEX);
    return entry != NULL && freerdp_channels_client_load_ex(context->channels, context->settings,
                                    (PVIRTUALCHANNELENTRYEX)(void (*)(void))entry, data) == 0;
}

static BOOL on_load_channels(freerdp *instance)
{
    rdpContext *context = instance->context;
    rdpSettings *settings = context->settings;
    static const char *const gfx[] = {RDPGFX_CHANNEL_NAME};
    static const char *const disp[] = {DISP_CHANNEL_NAME};
    static const char *const sound[] = ORL_RDP_SOURCE_SOUND_ARGS;
    if (!freerdp_client_add_dynamic_channel(settings, 1, gfx) ||
            !freerdp_client_add_dynamic_channel(settings, 1, disp) ||
            !freerdp_client_add_dynamic_channel(settings, 3, sound) ||
            !freerdp_client_add_static_channel(settings, 3, sound)) {
        return FALSE;
    }
    ADDIN_ARGV *args = freerdp_static_channel_collection_find(settings, RDPSND_CHANNEL_NAME);
    return args != NULL && load(context, RDPSND_CHANNEL_NAME, args) &&
           load(context, "drdynvc", settings) &&
           orl_rdp_source_clip_load(orl_rdp_source_of(context));
}

static bool set_features(rdpSettings *settings)
{
    static const struct {
        FreeRDP_Settings_Keys_Bool key;
        BOOL value;
    } bools[] = {{FreeRDP_RdpSecurity, FALSE}, {FreeRDP_TlsSecurity, TRUE},
            {FreeRDP_NlaSecurity, TRUE}, {FreeRDP_ExtSecurity, FALSE},
            {FreeRDP_RdstlsSecurity, FALSE}, {FreeRDP_AadSecurity, FALSE},
            {FreeRDP_UseRdpSecurityLayer, FALSE}, {FreeRDP_ExternalCertificateManagement, TRUE},
            {FreeRDP_IgnoreCertificate, FALSE}, {FreeRDP_AutoAcceptCertificate, FALSE},
            {FreeRDP_SoftwareGdi, TRUE}, {FreeRDP_SupportGraphicsPipeline, TRUE},
            {FreeRDP_GfxH264, FALSE}, {FreeRDP_GfxAVC444, FALSE}, {FreeRDP_GfxAVC444v2, FALSE},
            {FreeRDP_GfxSmallCache, TRUE}, {FreeRDP_RemoteFxCodec, FALSE}, {FreeRDP_NSCodec, FALSE},
            {FreeRDP_JpegCodec, FALSE}, {FreeRDP_SurfaceCommandsEnabled, FALSE},
            {FreeRDP_BitmapCacheEnabled, FALSE}, {FreeRDP_BitmapCachePersistEnabled, FALSE},
            {FreeRDP_CompressionEnabled, FALSE}, {FreeRDP_SupportDynamicChannels, TRUE},
            {FreeRDP_SynchronousDynamicChannels, TRUE}, {FreeRDP_SynchronousStaticChannels, TRUE},
            {FreeRDP_SupportDisplayControl, TRUE}, {FreeRDP_DesktopResize, TRUE},
            {FreeRDP_AudioPlayback, TRUE}, {FreeRDP_RemoteConsoleAudio, FALSE},
            {FreeRDP_AutoReconnectionEnabled, FALSE}, {FreeRDP_NetworkAutoDetect, FALSE},
            {FreeRDP_SupportHeartbeatPdu, TRUE /* FreeRDP's server fails without such a channel */},
            {FreeRDP_SupportMultitransport, FALSE}, {FreeRDP_UnicodeInput, TRUE},
            {FreeRDP_HasHorizontalWheel, TRUE}, {FreeRDP_HasExtendedMouseEvent, TRUE},
            {FreeRDP_SuppressOutput, TRUE}, {FreeRDP_RefreshRect, TRUE},
            {FreeRDP_SupportErrorInfoPdu, TRUE}, {FreeRDP_AllowFontSmoothing, TRUE},
            {FreeRDP_WaitForOutputBufferFlush, FALSE}};
    static const struct {
        FreeRDP_Settings_Keys_UInt32 key;
        UINT32 value;
    } numbers[] = {{FreeRDP_ColorDepth, 32}, {FreeRDP_ThreadingFlags, 1 /* none */},
            {FreeRDP_LargePointerFlag, LARGE_POINTER_FLAG_96x96}, {FreeRDP_PointerCacheSize, 20},
            {FreeRDP_GlyphSupportLevel, GLYPH_SUPPORT_NONE}, {FreeRDP_OffscreenSupportLevel, 0},
            {FreeRDP_DesktopWidth, 1280}, {FreeRDP_DesktopHeight, 800}};
    bool ok = freerdp_set_connection_type(settings, CONNECTION_TYPE_LAN) &&
              freerdp_settings_set_uint16(settings, FreeRDP_TLSMinVersion, 0x0303);
    for (size_t i = 0; i < sizeof(bools) / sizeof(bools[0]); i++) {
        ok = ok && freerdp_settings_set_bool(settings, bools[i].key, bools[i].value);
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        ok = ok && freerdp_settings_set_uint32(settings, numbers[i].key, numbers[i].value);
    }
    return ok;
}

static bool set_names(rdpSettings *settings, const struct orl_rdp_source_opts *opts)
{
    const struct {
        FreeRDP_Settings_Keys_String key;
        const char *value;
    } strings[] = {{FreeRDP_ServerHostname, "desktop"}, {FreeRDP_ClientHostname, "oriel"},
            {FreeRDP_ComputerName, "oriel"}, {FreeRDP_ConfigPath, "/nonexistent"},
            {FreeRDP_Username, opts->user}, {FreeRDP_Domain, opts->domain},
            /* Kerberos would read its configuration and ask the network. */
            {FreeRDP_AuthenticationPackageList, "ntlm,!kerberos,!u2u"}};
    bool ok = true;
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        ok = ok && freerdp_settings_set_string(settings, strings[i].key, strings[i].value);
    }
    return ok;
}

static bool set_callbacks(struct orl_source *s)
{
    freerdp *instance = s->instance;
    rdpTransportIo io = *freerdp_get_io_callbacks(instance->context);
    s->disconnect = io.TransportDisconnect;
    io.TransportDisconnect = on_transport_disconnect;
    io.ConnectLayer = orl_rdp_source_layer;
    instance->PreConnect = on_pre_connect;
    instance->PostConnect = orl_rdp_source_post_connect;
    instance->LoadChannels = on_load_channels;
    instance->VerifyX509Certificate = on_certificate;
    return freerdp_set_io_callbacks(instance->context, &io);
}

int orl_rdp_source_client_new(
        struct orl_source *s, const struct orl_rdp_source_opts *opts, struct orl_err *err)
{
    s->password = strdup(opts->password);
    (void)snprintf(s->fingerprint, sizeof(s->fingerprint), "%s", opts->fingerprint);
    s->instance = freerdp_new();
    if (s->password == NULL || s->instance == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "RDP client");
    }
    s->instance->ContextSize = sizeof(struct orl_rdp_source_context);
    if (!freerdp_context_new(s->instance)) {
        return orl_err_set(err, ORL_E_NOMEM, "RDP client");
    }
    ((struct orl_rdp_source_context *)s->instance->context)->source = s;
    rdpSettings *settings = s->instance->context->settings;
    if (!set_features(settings) || !set_names(settings, opts) || !set_callbacks(s)) {
        return orl_err_set(err, ORL_E_BACKEND, "FreeRDP does not take the settings");
    }
    return ORL_OK;
}

void orl_rdp_source_drop_password(struct orl_source *s)
{
    rdpSettings *settings = s->instance != NULL && s->instance->context != NULL
                                    ? s->instance->context->settings
                                    : NULL;
    char *lent = s->password == NULL && settings != NULL
                         ? freerdp_settings_get_string_writable(settings, FreeRDP_Password)
                         : NULL;
    if (lent != NULL) {
        orl_secret_wipe(lent, strlen(lent));
    }
    if (s->password != NULL) {
        orl_secret_wipe(s->password, strlen(s->password));
        free(s->password);
        s->password = NULL;
    }
}

void orl_rdp_source_client_free(struct orl_source *s)
{
    s->is_freeing = true;
    orl_rdp_source_drop_password(s);
    if (s->instance != NULL && s->instance->context != NULL) {
        (void)freerdp_disconnect(s->instance);
        gdi_free(s->instance);
        freerdp_context_free(s->instance);
    }
    freerdp_free(s->instance);
    s->instance = NULL;
}

static bool is_about_login(UINT32 error)
{
    static const UINT32 errors[] = {FREERDP_ERROR_AUTHENTICATION_FAILED,
            FREERDP_ERROR_INSUFFICIENT_PRIVILEGES, FREERDP_ERROR_SERVER_INSUFFICIENT_PRIVILEGES,
            FREERDP_ERROR_CONNECT_PASSWORD_EXPIRED,
            FREERDP_ERROR_CONNECT_PASSWORD_CERTAINLY_EXPIRED, FREERDP_ERROR_CONNECT_CLIENT_REVOKED,
            FREERDP_ERROR_CONNECT_ACCOUNT_DISABLED, FREERDP_ERROR_CONNECT_PASSWORD_MUST_CHANGE,
            FREERDP_ERROR_CONNECT_LOGON_FAILURE, FREERDP_ERROR_CONNECT_WRONG_PASSWORD,
            FREERDP_ERROR_CONNECT_ACCESS_DENIED, FREERDP_ERROR_CONNECT_ACCOUNT_RESTRICTION,
            FREERDP_ERROR_CONNECT_ACCOUNT_LOCKED_OUT, FREERDP_ERROR_CONNECT_ACCOUNT_EXPIRED,
            FREERDP_ERROR_CONNECT_LOGON_TYPE_NOT_GRANTED,
            FREERDP_ERROR_CONNECT_NO_OR_MISSING_CREDENTIALS, FREERDP_ERROR_SERVER_DENIED_CONNECTION,
            FREERDP_ERROR_SERVER_FRESH_CREDENTIALS_REQUIRED};
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i] == error) {
            return true;
        }
    }
    return false;
}

enum orl_reason orl_rdp_source_reason(const struct orl_source *s, const char **ret_text)
{
    const UINT32 error = freerdp_get_last_error(s->instance->context);
    const UINT32 info = freerdp_error_info(s->instance);
    if (s->reason != ORL_REASON_NONE) {
        *ret_text = s->text;
        return s->reason;
    }
    *ret_text = info != ERRINFO_SUCCESS ? freerdp_get_error_info_string(info)
                                        : freerdp_get_last_error_string(error);
    if (info == ERRINFO_LOGOFF_BY_USER || info == ERRINFO_RPC_INITIATED_LOGOFF ||
            info == ERRINFO_DISCONNECTED_BY_OTHER_CONNECTION) {
        return ORL_REASON_CONSOLE_ENDED;
    }
    if (is_about_login(error) || info == ERRINFO_SERVER_INSUFFICIENT_PRIVILEGES ||
            info == ERRINFO_SERVER_DENIED_CONNECTION) {
        return ORL_REASON_CONSOLE_AUTH;
    }
    if (error == FREERDP_ERROR_CONNECT_TRANSPORT_FAILED || error == FREERDP_ERROR_SUCCESS ||
            info != ERRINFO_SUCCESS) {
        return ORL_REASON_CONSOLE_LOST;
    }
    return ORL_REASON_CONSOLE_PROTOCOL;
}
