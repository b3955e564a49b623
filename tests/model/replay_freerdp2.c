/* FreeRDP 2's graphics channel and decoders over what record.h recorded: every message is decoded, every picture at
 * rest is the same. A program of its own: FreeRDP 2 and 3 do not go into one process. */
#include <freerdp/addin.h>
#include <freerdp/channels/rdpgfx.h>
#include <freerdp/client/channels.h>
#include <freerdp/client/rdpgfx.h>
#include <freerdp/codecs.h>
#include <freerdp/dvc.h>
#include <freerdp/freerdp.h>
#include <freerdp/gdi/gdi.h>
#include <freerdp/gdi/gfx.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One client at a time. */
static struct {
    freerdp *instance;
    IWTSPlugin *plugin;
    IWTSListener listener;
    IWTSListenerCallback *on_connection;
    IWTSVirtualChannelCallback *callback;
    RdpgfxClientContext *gfx;
} client;
static unsigned messages, pictures;

static void require(bool holds, const char *what)
{
    if (!holds) {
        (void)printf("after message %u: %s\n", messages, what);
        abort();
    }
}

static UINT entry_register(IDRDYNVC_ENTRY_POINTS *points, const char *name, IWTSPlugin *plugin)
{
    (void)points;
    (void)name;
    client.plugin = plugin;
    return CHANNEL_RC_OK;
}

static IWTSPlugin *entry_plugin(IDRDYNVC_ENTRY_POINTS *points, const char *name)
{
    (void)points;
    (void)name;
    return client.plugin;
}

static void *entry_settings(IDRDYNVC_ENTRY_POINTS *points)
{
    (void)points;
    return client.instance->settings;
}

static UINT manager_listen(IWTSVirtualChannelManager *manager, const char *name, ULONG flags,
        IWTSListenerCallback *callback, IWTSListener **ret_listener)
{
    (void)manager;
    (void)name;
    (void)flags;
    client.on_connection = callback;
    *ret_listener = &client.listener;
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
    (void)channel;
    (void)len;
    (void)data;
    (void)reserved;
    return CHANNEL_RC_OK;
}

static UINT channel_close(IWTSVirtualChannel *channel)
{
    (void)channel;
    return CHANNEL_RC_OK;
}

static BOOL on_paint(rdpContext *context)
{
    (void)context;
    return TRUE;
}

static BOOL on_resize(rdpContext *context)
{
    return gdi_resize(
            context->gdi, context->settings->DesktopWidth, context->settings->DesktopHeight);
}

static void open_context(uint32_t width, uint32_t height)
{
    client.instance = freerdp_new();
    client.instance->ContextSize = sizeof(rdpContext);
    require(freerdp_context_new(client.instance), "no context");
    rdpSettings *settings = client.instance->settings;
    rdpContext *context = client.instance->context;
    settings->DesktopWidth = width;
    settings->DesktopHeight = height;
    settings->ColorDepth = 32;
    settings->SoftwareGdi = TRUE;
    settings->GfxH264 = TRUE;
    context->codecs = codecs_new(context);
    require(freerdp_client_codecs_prepare(context->codecs, FREERDP_CODEC_ALL, width, height) &&
                    gdi_init(client.instance, PIXEL_FORMAT_BGRX32),
            "no decoders");
    client.instance->update->DesktopResize = on_resize;
    client.instance->update->BeginPaint = on_paint;
    client.instance->update->EndPaint = on_paint;
}

static void open_client(uint32_t width, uint32_t height)
{
    static IDRDYNVC_ENTRY_POINTS points = {.RegisterPlugin = entry_register,
            .GetPlugin = entry_plugin,
            .GetRdpSettings = entry_settings};
    static IWTSVirtualChannelManager manager = {
            .CreateListener = manager_listen, .DestroyListener = manager_forget};
    static IWTSVirtualChannel channel = {channel_write, channel_close};
    BOOL is_accepted = TRUE;
    PDVC_PLUGIN_ENTRY start = NULL;
    open_context(width, height);
    PVIRTUALCHANNELENTRY found = freerdp_load_channel_addin_entry(
            "rdpgfx", NULL, NULL, FREERDP_ADDIN_CHANNEL_STATIC | FREERDP_ADDIN_CHANNEL_DYNAMIC);
    require(found != NULL, "no graphics channel");
    memcpy(&start, &found, sizeof(start)); /* FreeRDP returns every kind of entry as this one */
    require(start(&points) == CHANNEL_RC_OK &&
                    client.plugin->Initialize(client.plugin, &manager) == CHANNEL_RC_OK,
            "the graphics channel does not start");
    client.gfx = client.listener.pInterface;
    require(gdi_graphics_pipeline_init(client.instance->context->gdi, client.gfx), "no pipeline");
    require(client.on_connection->OnNewChannelConnection(client.on_connection, &channel, NULL,
                    &is_accepted, &client.callback) == CHANNEL_RC_OK &&
                    client.callback->OnOpen(client.callback) == CHANNEL_RC_OK,
            "the graphics channel does not open");
}

static void close_client(void)
{
    if (client.instance == NULL) {
        return;
    }
    rdpContext *context = client.instance->context;
    (void)client.callback->OnClose(client.callback);
    gdi_graphics_pipeline_uninit(context->gdi, client.gfx);
    (void)client.plugin->Terminated(client.plugin);
    gdi_free(client.instance);
    codecs_free(context->codecs);
    context->codecs = NULL;
    freerdp_context_free(client.instance);
    freerdp_free(client.instance);
    memset(&client, 0, sizeof(client));
}

static void take(FILE *file, void *ret_data, size_t len)
{
    require(fread(ret_data, 1, len, file) == len, "the record ends");
}

static void take_client(FILE *file)
{
    uint32_t size[2];
    take(file, size, sizeof(size));
    close_client();
    open_client(size[0], size[1]);
}

static void take_message(FILE *file)
{
    uint32_t len = 0;
    take(file, &len, sizeof(len));
    BYTE *data = malloc(len);
    require(data != NULL, "no memory");
    take(file, data, len);
    wStream *stream = Stream_New(data, len);
    messages++;
    require(client.callback->OnDataReceived(client.callback, stream) == CHANNEL_RC_OK,
            "it is not decoded");
    Stream_Free(stream, TRUE);
}

static void take_picture(FILE *file)
{
    uint32_t size[2];
    take(file, size, sizeof(size));
    const rdpGdi *gdi = client.instance->context->gdi;
    uint32_t *row = malloc((size_t)size[0] * 4);
    require(row != NULL && (uint32_t)gdi->width == size[0] && (uint32_t)gdi->height == size[1],
            "another size");
    for (uint32_t y = 0; y < size[1]; y++) {
        const uint8_t *shown = gdi->primary_buffer + (size_t)gdi->stride * y;
        take(file, row, (size_t)size[0] * 4);
        for (uint32_t x = 0; x < size[0]; x++) {
            uint32_t v;
            memcpy(&v, shown + (size_t)x * 4, sizeof(v));
            require(((v ^ row[x]) & 0xFFFFFF) == 0, "a pixel at rest differs");
        }
    }
    free(row);
    pictures++;
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "rbe") : NULL;
    if (file == NULL) {
        (void)fprintf(stderr, "oriel-test-replay2 FILE\n");
        return 64;
    }
    (void)freerdp_register_addin_provider(freerdp_channels_load_static_addin_entry, 0);
    for (int kind = fgetc(file); kind != EOF; kind = fgetc(file)) {
        require(kind == 'N' || kind == 'M' || kind == 'R', "no such record");
        if (kind == 'N') {
            take_client(file);
        } else if (kind == 'M') {
            take_message(file);
        } else {
            take_picture(file);
        }
    }
    close_client();
    (void)fclose(file);
    (void)printf("%u messages, %u pictures\n", messages, pictures);
    return pictures > 0 ? 0 : 1;
}
