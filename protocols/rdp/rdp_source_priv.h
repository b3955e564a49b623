/* What the parts of rdp_source share. While CONNECTING the source is its thread's, and no event is told; before and
 * after it is the loop's. */
#ifndef ORL_PROTOCOLS_RDP_RDP_SOURCE_PRIV_H
#define ORL_PROTOCOLS_RDP_RDP_SOURCE_PRIV_H
#include "base/buf.h"
#include "display/link.h"
#include "protocols/rdp/rdp_source.h"
#include <freerdp/client/disp.h>
#include <freerdp/client/rdpgfx.h>
#include <freerdp/freerdp.h>
#include <freerdp/svc.h>
#include <freerdp/transport_io.h>
#include <pthread.h>
#include <stdatomic.h>

#define ORL_RDP_SOURCE_HANDLES 8
#define ORL_RDP_SOURCE_SYMS 16
#define ORL_RDP_SOURCE_OUT_FULL 49152 /* no more input of ours beyond */

enum orl_rdp_source_state {
    ORL_RDP_SOURCE_WAITING = 0, /* for the first layout */
    ORL_RDP_SOURCE_CONNECTING,
    ORL_RDP_SOURCE_UP,
    ORL_RDP_SOURCE_CLOSED
};
/* The socket, under FreeRDP's TLS. What it does not take waits here. */
struct orl_rdp_source_wire {
    int fd;
    struct orl_buf out;
    uint64_t out_since_us; /* when the server stopped reading; 0: it reads */
};
struct orl_rdp_source_screen {
    struct orl_surface *surface;
    struct orl_cursor cursor;
    uint64_t storm_start_us;
    unsigned resizes;
    RdpgfxClientContext *gfx;
    uint64_t gfx_bytes, cache_bytes; /* of its surfaces, of its cache */
    pcRdpgfxCreateSurface create_surface;
    pcRdpgfxDeleteSurface delete_surface;
    pcRdpgfxSurfaceToCache surface_to_cache;
    pcRdpgfxEvictCacheEntry evict;
    pcRdpgfxSurfaceCommand command;
};
struct orl_rdp_source_size {
    DispClientContext *disp; /* NULL: the server changes no sizes */
    bool is_ready;           /* it said what it can */
    bool is_pending;         /* sent, and no new size since */
    uint32_t max_monitors;
    struct orl_layout wanted, sent; /* count 0: none */
};
struct orl_rdp_source_keys {
    bool is_down[ORL_SCANCODE_EXTENDED * 2];
    uint32_t syms[ORL_RDP_SOURCE_SYMS]; /* sent as characters and down; 0: free */
    uint32_t buttons;
    int32_t x, y;
    bool is_move_due; /* moved while the server did not read */
};
/* Clipboard (MS-RDPECLIP), the client's side, on a static channel of our own. */
struct orl_rdp_source_clip {
    CHANNEL_ENTRY_POINTS_FREERDP_EX points;
    void *init_handle;
    DWORD open_handle;
    bool is_open, is_ready, has_long_names;
    struct orl_buf in;
    uint32_t format; /* that the server offers, or ORL_CLIP_NO_FORMAT */
    uint32_t serial; /* of its offer */
    uint32_t asked;  /* the offer we asked the text of; 0: none */
    uint32_t asked_format;
    bool has_text; /* the client offers */
    uint32_t offer;
    bool is_server_waiting;
    uint32_t wanted_format;
};
struct orl_rdp_source_sound {
    bool is_wanted, is_playing;
    uint32_t rate_hz, channels;
};
struct orl_source {
    struct orl_loop *loop;
    const struct orl_source_events *events;
    void *ctx;
    enum orl_rdp_source_state state;
    freerdp *instance;
    char *password; /* wiped when FreeRDP has it */
    char fingerprint[96];
    pthread_t thread;
    bool has_thread, is_connected; /* is_connected: the thread's result */
    struct orl_wake *wake;         /* from the thread: it is done */
    struct orl_timer *watch, *begin;
    struct orl_io *socket_io;
    struct orl_io *ios[ORL_RDP_SOURCE_HANDLES];
    unsigned io_count;
    uint64_t started_us;
    bool is_viewed;
    bool is_late;            /* the handshake took too long: the loop's, as `later` */
    struct orl_layout later; /* wanted while CONNECTING */
    bool is_on_stack;        /* FreeRDP is: it is not entered again */
    bool is_freeing;
    pTransportFkt disconnect; /* FreeRDP's own */
    struct orl_rdp_source_wire wire;
    struct orl_rdp_source_screen screen;
    struct orl_rdp_source_size size;
    struct orl_rdp_source_keys keys;
    struct orl_rdp_source_clip clip;
    struct orl_rdp_source_sound sound;
    enum orl_reason reason; /* ours; NONE: FreeRDP's error says it */
    char text[160];
};
struct orl_rdp_source_context {
    rdpContext base; /* first: FreeRDP allocates it */
    struct orl_source *source;
};
struct orl_source *orl_rdp_source_of(const rdpContext *context);

/* The first reason stays. FreeRDP meets the end of the socket, and the source closes. */
void orl_rdp_source_give_up(struct orl_source *s, enum orl_reason reason, const char *text);
/* After whatever may have written: sends, watches. */
void orl_rdp_source_flush(struct orl_source *s);

/* rdp_source_client.c */
ORL_NODISCARD int orl_rdp_source_client_new(
        struct orl_source *s, const struct orl_rdp_source_opts *opts, struct orl_err *err);
void orl_rdp_source_client_free(struct orl_source *s);
/* Ours, when FreeRDP has it; FreeRDP's, when ours is gone. */
void orl_rdp_source_drop_password(struct orl_source *s);
/* Why it ended, of what FreeRDP knows. */
enum orl_reason orl_rdp_source_reason(const struct orl_source *s, const char **ret_text);

/* rdp_source_wire.c */
rdpTransportLayer *orl_rdp_source_layer(rdpTransport *transport, const char *host, int port,
        DWORD timeout);                              /* FreeRDP's ConnectLayer */
bool orl_rdp_source_wire_send(struct orl_source *s); /* false: broken */

/* rdp_source_screen.c */
BOOL orl_rdp_source_post_connect(freerdp *instance);
void orl_rdp_source_gfx(struct orl_source *s, RdpgfxClientContext *gfx); /* NULL: it is gone */

/* rdp_source_pointer.c */
bool orl_rdp_source_pointer_setup(rdpContext *context);

/* rdp_source_size.c */
void orl_rdp_source_size_setup(struct orl_source *s, DispClientContext *disp); /* NULL: gone */
/* Kept until the server takes sizes. */
void orl_rdp_source_size_want(struct orl_source *s, const struct orl_layout *layout);

/* rdp_source_input.c */
void orl_rdp_source_input(struct orl_source *s, const struct orl_input *input);
void orl_rdp_source_move_due(struct orl_source *s); /* the last move, once the server reads again */

/* rdp_source_clipboard.c */
bool orl_rdp_source_clip_load(struct orl_source *s);
void orl_rdp_source_clip_step(struct orl_source *s, const struct orl_clipboard *step);
void orl_rdp_source_clip_fini(struct orl_source *s);

/* rdp_source_sound.c */
bool orl_rdp_source_sound_register(void); /* once: our device among FreeRDP's */
#define ORL_RDP_SOURCE_SOUND_ARGS                                                                  \
    {                                                                                              \
        "rdpsnd", "sys:oriel", "format:1"                                                          \
    } /* format 1: PCM */

#endif
