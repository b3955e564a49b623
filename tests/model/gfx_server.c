#include "tests/model/gfx_server.h"
#include "tests/model/record.h"
#include <freerdp/channels/channels.h>
#include <freerdp/channels/rdpgfx.h>
#include <freerdp/channels/wtsvc.h>
#include <string.h>
#include <winpr/wtsapi.h>

enum { INBOX_MAX = 65536, OUT_MAX = 256 * 1024 * 1024, DATA_FIRST = 2, DATA = 3 };

static struct gfx_server *opened; /* the channel's only end */

static BOOL WINAPI wts_query_session(
        HANDLE server, DWORD session, WTS_INFO_CLASS what, LPSTR *ret_data, DWORD *ret_len)
{
    (void)server;
    (void)session;
    (void)what;
    *ret_data = calloc(1, sizeof(DWORD));
    *ret_len = sizeof(DWORD);
    return *ret_data != NULL;
}

static HANDLE WINAPI wts_open(DWORD session, LPSTR name, DWORD flags)
{
    (void)session;
    (void)flags;
    return strcmp(name, RDPGFX_DVC_CHANNEL_NAME) == 0 ? (HANDLE)opened : NULL;
}

static BOOL WINAPI wts_close(HANDLE channel)
{
    (void)channel;
    return TRUE;
}

static BOOL WINAPI wts_query(
        HANDLE channel, WTS_VIRTUAL_CLASS what, PVOID *ret_data, DWORD *ret_len)
{
    (void)channel;
    BOOL *is_ready = malloc(sizeof(*is_ready));
    if (what != WTSVirtualChannelReady || is_ready == NULL) {
        free(is_ready);
        return FALSE;
    }
    *is_ready = TRUE;
    *ret_data = is_ready;
    *ret_len = sizeof(*is_ready);
    return TRUE;
}

static VOID WINAPI wts_free(PVOID data)
{
    free(data);
}

/* Without a buffer: how long the next message is. */
static BOOL WINAPI wts_read(
        HANDLE channel, ULONG timeout, PCHAR buffer, ULONG size, PULONG ret_read)
{
    struct orl_buf *inbox = &((struct gfx_server *)channel)->inbox;
    uint32_t len = 0;
    (void)timeout;
    if (inbox->len < sizeof(len)) {
        return FALSE;
    }
    memcpy(&len, inbox->data, sizeof(len));
    *ret_read = len;
    if (buffer == NULL) {
        return TRUE;
    }
    if (size < len) {
        return FALSE;
    }
    memcpy(buffer, inbox->data + sizeof(len), len);
    orl_buf_consume(inbox, sizeof(len) + len);
    return TRUE;
}

static void receive(struct gfx_server *server, const uint8_t *data, size_t len)
{
    record_message(data, len);
    server->messages++;
    server->bytes += len;
    if (!gfx_client_receive(server->client, data, len)) {
        server->is_undecodable = true;
    }
}

/* PDUs of a dynamic channel (MS-RDPEDYC 2.2.3); a message of several is put together. */
static BOOL on_send(freerdp_peer *peer, UINT16 channel, const BYTE *data, size_t len)
{
    static const size_t bytes_of[] = {1, 2, 4};
    struct gfx_server *server = opened;
    (void)peer;
    (void)channel;
    orl_assert(len > 2 && (data[0] & 3) < 3 && (data[0] >> 2 & 3) < 3);
    size_t head = 1 + bytes_of[data[0] & 3];
    if (data[0] >> 4 == DATA_FIRST) {
        const size_t len_bytes = bytes_of[data[0] >> 2 & 3];
        orl_assert(server->out_total == 0 && len > head + len_bytes);
        for (size_t i = 0; i < len_bytes; i++) {
            server->out_total |= (size_t)data[head + i] << (8 * i);
        }
        head += len_bytes;
    } else {
        orl_assert(data[0] >> 4 == DATA);
    }
    if (server->out_total == 0) {
        receive(server, data + head, len - head);
        return TRUE;
    }
    orl_buf_put(&server->out, data + head, len - head);
    orl_assert(!server->out.is_failed && server->out.len <= server->out_total);
    if (server->out.len == server->out_total) {
        receive(server, server->out.data, server->out.len);
        orl_buf_reset(&server->out);
        server->out_total = 0;
    }
    return TRUE;
}

void gfx_server_init_once(void)
{
    static WtsApiFunctionTable table;
    table = *FreeRDP_InitWtsApi();
    table.pQuerySessionInformationA = wts_query_session;
    table.pVirtualChannelOpenEx = wts_open;
    table.pVirtualChannelClose = wts_close;
    table.pVirtualChannelRead = wts_read;
    table.pVirtualChannelQuery = wts_query;
    table.pFreeMemory = wts_free;
    orl_assert(WTSRegisterWtsApiFunctionTable(&table)); /* the first one stays */
}

static void on_client_write(void *ctx, const uint8_t *data, size_t len)
{
    struct gfx_server *server = ctx;
    orl_buf_put_u32le(&server->message, (uint32_t)len);
    orl_buf_put(&server->message, data, len);
}

static BOOL on_is_blocked(freerdp_peer *peer)
{
    (void)peer;
    return FALSE;
}

void gfx_server_open(struct gfx_server *server, const struct gfx_server_opts *opts,
        const struct gfx_client_opts *client_opts, struct orl_loop *loop,
        const struct orl_viewer_events *events, void *ctx)
{
    struct orl_viewer *v = &server->viewer;
    memset(server, 0, sizeof(*server));
    orl_buf_init(&server->inbox, INBOX_MAX);
    orl_buf_init(&server->message, INBOX_MAX);
    orl_buf_init(&server->out, OUT_MAX);
    record_client(client_opts->width, client_opts->height);
    server->client = gfx_client_new(client_opts, on_client_write, server);
    server->peer.context = gfx_client_context(server->client);
    server->peer.IsWriteBlocked = on_is_blocked;
    server->peer.SendChannelData = on_send;
    v->peer = &server->peer;
    v->loop = loop;
    v->events = events;
    v->ctx = ctx;
    v->fd = -1;
    v->use_gfx = true;
    v->has_acks = true;
    v->has_clear = opts->has_clear;
    v->has_bulk_compression = opts->has_bulk_compression;
    opened = server;
    orl_assert(orl_rdp_gfx_open(v));
    /* Its capabilities are all that a client says before the first picture. */
    orl_buf_put(&server->inbox, server->message.data, server->message.len);
    orl_buf_reset(&server->message);
    orl_assert(orl_rdp_gfx_run(v) == 0 && v->gfx.is_confirmed);
    v->state = ORL_RDP_READY;
}

bool gfx_server_deliver(struct gfx_server *server, const uint8_t *data, size_t len)
{
    orl_buf_put_u32le(&server->inbox, (uint32_t)len);
    orl_buf_put(&server->inbox, data, len);
    orl_assert(!server->inbox.is_failed);
    const bool ok = orl_rdp_gfx_run(&server->viewer) == 0;
    orl_rdp_flight_report(&server->viewer);
    return ok;
}

void gfx_server_close(struct gfx_server *server)
{
    orl_rdp_gfx_fini(&server->viewer);
    gfx_client_free(server->client);
    orl_buf_fini(&server->inbox);
    orl_buf_fini(&server->message);
    orl_buf_fini(&server->out);
    opened = NULL;
}
