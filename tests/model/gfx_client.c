#include "tests/model/gfx_client.h"
#include "base/err.h"
#include <freerdp/addin.h>
#include <freerdp/channels/rdpgfx.h>
#include <freerdp/client/channels.h>
#include <freerdp/client/rdpgfx.h>
#include <freerdp/dvc.h>
#include <freerdp/gdi/gdi.h>
#include <freerdp/gdi/gfx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winpr/wlog.h>

struct client_context {
    rdpContext base; /* first: FreeRDP allocates it */
    struct gfx_client *client;
};
/* drdynvc's part of a channel. The interfaces are first in their structs: FreeRDP hands them back. */
struct entry {
    IDRDYNVC_ENTRY_POINTS iface;
    struct gfx_client *client;
};
struct manager {
    IWTSVirtualChannelManager iface;
    struct gfx_client *client;
};
struct channel {
    IWTSVirtualChannel iface;
    struct gfx_client *client;
};
struct gfx_client {
    freerdp *instance;
    struct entry entry;
    struct manager manager;
    struct channel channel;
    IWTSListener listener;
    IWTSPlugin *plugin;
    IWTSListenerCallback *on_connection;
    IWTSVirtualChannelCallback *callback;
    RdpgfxClientContext *gfx;
    pcRdpgfxStartFrame start_frame;
    pcRdpgfxEndFrame end_frame;
    gfx_client_write_fn write;
    void *ctx;
    uint8_t *before; /* what was shown when the frame began */
    bool is_in_frame, is_ending;
    struct gfx_client_seen seen;
};

static unsigned complaints;

static BOOL on_log(const wLogMessage *message)
{
    if (message->Level >= WLOG_WARN) {
        complaints++;
        (void)printf("client: %s\n", message->TextString);
    }
    return TRUE;
}

static BOOL on_log_data(const wLogMessage *message)
{
    (void)message;
    return TRUE;
}

void gfx_client_init_once(void)
{
    wLogCallbacks callbacks = {
            .data = on_log_data, .image = on_log_data, .message = on_log, .package = on_log_data};
    wLog *root = WLog_GetRoot();
    orl_assert(WLog_SetLogAppenderType(root, WLOG_APPENDER_CALLBACK) &&
               WLog_ConfigureAppender(WLog_GetLogAppender(root), "callbacks", &callbacks) &&
               WLog_SetLogLevel(root, WLOG_WARN));
    (void)freerdp_register_addin_provider(freerdp_channels_load_static_addin_entry, 0);
}

unsigned gfx_client_complaints(void)
{
    return complaints;
}

static struct gfx_client *of_context(const rdpContext *context)
{
    return ((const struct client_context *)context)->client;
}

static UINT entry_register(IDRDYNVC_ENTRY_POINTS *points, const char *name, IWTSPlugin *plugin)
{
    (void)name;
    ((struct entry *)points)->client->plugin = plugin;
    return CHANNEL_RC_OK;
}

static IWTSPlugin *entry_plugin(IDRDYNVC_ENTRY_POINTS *points, const char *name)
{
    (void)name;
    return ((struct entry *)points)->client->plugin;
}

static const ADDIN_ARGV *entry_data(IDRDYNVC_ENTRY_POINTS *points)
{
    (void)points;
    return NULL;
}

static rdpContext *entry_context(IDRDYNVC_ENTRY_POINTS *points)
{
    return ((struct entry *)points)->client->instance->context;
}

static rdpSettings *entry_settings(IDRDYNVC_ENTRY_POINTS *points)
{
    return entry_context(points)->settings;
}

static UINT manager_listen(IWTSVirtualChannelManager *manager, const char *name, ULONG flags,
        IWTSListenerCallback *callback, IWTSListener **ret_listener)
{
    struct gfx_client *client = ((struct manager *)manager)->client;
    (void)name;
    (void)flags;
    client->on_connection = callback;
    *ret_listener = &client->listener;
    return CHANNEL_RC_OK;
}

static UINT manager_forget(IWTSVirtualChannelManager *manager, IWTSListener *listener)
{
    (void)manager;
    (void)listener;
    return CHANNEL_RC_OK;
}

static UINT channel_write(IWTSVirtualChannel *channel, ULONG len, const BYTE *data, void *reserved)
{
    const struct gfx_client *client = ((const struct channel *)channel)->client;
    (void)reserved;
    client->write(client->ctx, data, len);
    return CHANNEL_RC_OK;
}

static UINT channel_close(IWTSVirtualChannel *channel)
{
    (void)channel;
    return CHANNEL_RC_OK;
}

static size_t shown_bytes(const rdpGdi *gdi)
{
    return (size_t)gdi->stride * (size_t)gdi->height;
}

static UINT on_start_frame(RdpgfxClientContext *gfx, const RDPGFX_START_FRAME_PDU *pdu)
{
    const rdpGdi *gdi = gfx->custom;
    struct gfx_client *client = of_context(gdi->context);
    client->seen.torn += client->is_in_frame;
    client->is_in_frame = true;
    client->seen.started++;
    free(client->before);
    client->before = malloc(shown_bytes(gdi));
    orl_assert(client->before != NULL);
    memcpy(client->before, gdi->primary_buffer, shown_bytes(gdi));
    return client->start_frame(gfx, pdu);
}

static UINT on_end_frame(RdpgfxClientContext *gfx, const RDPGFX_END_FRAME_PDU *pdu)
{
    const rdpGdi *gdi = gfx->custom;
    struct gfx_client *client = of_context(gdi->context);
    client->seen.torn += !client->is_in_frame || gdi->frameId != pdu->frameId ||
                         memcmp(client->before, gdi->primary_buffer, shown_bytes(gdi)) != 0;
    client->is_in_frame = false;
    client->seen.ended++;
    client->seen.frame_id = pdu->frameId;
    client->is_ending = true;
    const UINT rc = client->end_frame(gfx, pdu);
    client->is_ending = false;
    return rc;
}

/* Nothing is shown but by the end of a frame. */
static BOOL on_begin_paint(rdpContext *context)
{
    struct gfx_client *client = of_context(context);
    client->seen.torn += !client->is_ending;
    return TRUE;
}

static BOOL on_resize(rdpContext *context)
{
    return gdi_resize(context->gdi,
            freerdp_settings_get_uint32(context->settings, FreeRDP_DesktopWidth),
            freerdp_settings_get_uint32(context->settings, FreeRDP_DesktopHeight));
}

static void set_up_context(struct gfx_client *client, const struct gfx_client_opts *opts)
{
    client->instance = freerdp_new();
    orl_assert(client->instance != NULL);
    client->instance->ContextSize = sizeof(struct client_context);
    orl_assert(freerdp_context_new(client->instance));
    rdpContext *context = client->instance->context;
    ((struct client_context *)context)->client = client;
    rdpSettings *s = context->settings;
    orl_assert(freerdp_settings_set_uint32(s, FreeRDP_DesktopWidth, opts->width) &&
               freerdp_settings_set_uint32(s, FreeRDP_DesktopHeight, opts->height) &&
               freerdp_settings_set_uint32(s, FreeRDP_ColorDepth, 32) &&
               freerdp_settings_set_bool(s, FreeRDP_SoftwareGdi, TRUE) &&
               freerdp_settings_set_bool(s, FreeRDP_GfxH264, opts->has_h264) &&
               freerdp_settings_set_bool(s, FreeRDP_GfxAVC444, opts->has_h264 && opts->has_v10) &&
               freerdp_settings_set_bool(s, FreeRDP_GfxSuspendFrameAck, opts->suspends_acks));
    context->codecs = freerdp_client_codecs_new(0);
    orl_assert(context->codecs != NULL && gdi_init(client->instance, PIXEL_FORMAT_BGRX32));
    context->update->DesktopResize = on_resize;
    context->update->BeginPaint = on_begin_paint;
}

static void set_up_channel(struct gfx_client *client)
{
    client->entry = (struct entry){
            {entry_register, entry_plugin, entry_data, entry_settings, entry_context}, client};
    client->manager = (struct manager){
            {.CreateListener = manager_listen, .DestroyListener = manager_forget}, client};
    client->channel = (struct channel){{channel_write, channel_close}, client};
    PVIRTUALCHANNELENTRY found = freerdp_load_channel_addin_entry(
            "rdpgfx", NULL, NULL, FREERDP_ADDIN_CHANNEL_STATIC | FREERDP_ADDIN_CHANNEL_DYNAMIC);
    PDVC_PLUGIN_ENTRY start = NULL;
    orl_assert(found != NULL);
    memcpy(&start, &found, sizeof(start)); /* FreeRDP returns every kind of entry as this one */
    orl_assert(start(&client->entry.iface) == CHANNEL_RC_OK && client->plugin != NULL);
    orl_assert(client->plugin->Initialize(client->plugin, &client->manager.iface) == CHANNEL_RC_OK);
    client->gfx = client->listener.pInterface;
    rdpGdi *gdi = client->instance->context->gdi;
    orl_assert(gdi_graphics_pipeline_init(gdi, client->gfx));
    client->start_frame = client->gfx->StartFrame;
    client->gfx->StartFrame = on_start_frame;
    client->end_frame = client->gfx->EndFrame;
    client->gfx->EndFrame = on_end_frame;
}

struct gfx_client *gfx_client_new(
        const struct gfx_client_opts *opts, gfx_client_write_fn write, void *ctx)
{
    struct gfx_client *client = calloc(1, sizeof(*client));
    orl_assert(client != NULL);
    client->write = write;
    client->ctx = ctx;
    set_up_context(client, opts);
    set_up_channel(client);
    BOOL is_accepted = TRUE;
    orl_assert(client->on_connection->OnNewChannelConnection(client->on_connection,
                       &client->channel.iface, NULL, &is_accepted,
                       &client->callback) == CHANNEL_RC_OK);
    orl_assert(client->callback->OnOpen(client->callback) == CHANNEL_RC_OK);
    return client;
}

bool gfx_client_receive(struct gfx_client *client, const uint8_t *data, size_t len)
{
    wStream stream;
    return client->callback->OnDataReceived(
                   client->callback, Stream_StaticConstInit(&stream, data, len)) == CHANNEL_RC_OK;
}

const uint8_t *gfx_client_pixels(const struct gfx_client *client, size_t *ret_stride,
        uint32_t *ret_width, uint32_t *ret_height)
{
    const rdpGdi *gdi = client->instance->context->gdi;
    *ret_stride = gdi->stride;
    *ret_width = (uint32_t)gdi->width;
    *ret_height = (uint32_t)gdi->height;
    return gdi->primary_buffer;
}

struct gfx_client_seen gfx_client_seen(const struct gfx_client *client)
{
    return client->seen;
}

rdpContext *gfx_client_context(struct gfx_client *client)
{
    return client->instance->context;
}

void gfx_client_free(struct gfx_client *client)
{
    if (client == NULL) {
        return;
    }
    rdpGdi *gdi = client->instance->context->gdi;
    (void)client->callback->OnClose(client->callback);
    gdi_graphics_pipeline_uninit(gdi, client->gfx);
    (void)client->plugin->Terminated(client->plugin);
    gdi_free(client->instance);
    freerdp_context_free(client->instance);
    freerdp_free(client->instance);
    free(client->before);
    free(client);
}
