/* The RDP viewer's inside, shared by the files of this folder. */
#ifndef ORL_PROTOCOLS_RDP_RDP_PRIV_H
#define ORL_PROTOCOLS_RDP_RDP_PRIV_H
#include "base/buf.h"
#include "display/enc_opus.h"
#include "display/pcm.h"
#include "display/permit.h"
#include "display/surface.h"
#include "protocols/rdp/rdp_gfx_wire.h"
#include "protocols/rdp/rdp_pixels.h"
#include "protocols/rdp/rdp_planar.h"
#include "protocols/rdp/rdp_sound_wire.h"
#include "protocols/rdp/rdp_viewer.h"
#include "protocols/rdp/rdp_x224_wire.h"
#include "protocols/rdp/rdp_zgfx.h"
#include <freerdp/freerdp.h>
#include <freerdp/peer.h>
#include <freerdp/transport_io.h>

#define ORL_RDP_BITMAPS_IN_FLIGHT 2 /* without graphics: clients agree to few */
#define ORL_RDP_PROBES 16
#define ORL_RDP_FLIGHT_SLOTS 8

enum orl_rdp_state {
    ORL_RDP_NEW = 0,
    ORL_RDP_PEEK,    /* waits for the connection request */
    ORL_RDP_CONNECT, /* FreeRDP's states up to activation */
    ORL_RDP_ACTIVE,  /* activated; may still wait for the graphics channel */
    ORL_RDP_READY,   /* on_ready was called */
    ORL_RDP_CLOSING, /* what was to be said is said; waits for the client to go */
    ORL_RDP_CLOSED
};

/* A dynamic channel that we opened. */
struct orl_rdp_dvc {
    HANDLE channel; /* NULL: not open */
    uint32_t id;
    bool is_ready; /* the client accepted it */
};

/* Where H.264 of a part of the picture is decoded: a surface that is not shown, from which it is copied. */
struct orl_rdp_slot {
    uint16_t surface;             /* 0: none */
    uint32_t width_px, height_px; /* as coded */
};

/* A static channel that the client joined, in our own hands. */
struct orl_rdp_svc {
    uint16_t id;        /* 0: not open */
    uint32_t flags;     /* of every chunk */
    struct orl_buf in;  /* the message that arrives; is_failed: it is longer than we take */
    struct orl_buf out; /* messages that wait, each after its length */
    size_t sent;        /* bytes of the first one that went */
};

#define ORL_RDP_CLIP_WAITING 4

struct orl_rdp_clipboard {
    struct orl_rdp_svc svc;
    struct orl_timer *timer; /* for the client's answer */
    bool has_long_names;     /* of formats */
    bool is_ready;           /* its first format list came */
    /* The client's text. */
    uint32_t offer;  /* of its newest list; counts up from 1 */
    uint32_t format; /* in which it can be had; 0: there is none */
    bool is_offered; /* the session knows of a text */
    bool is_held;    /* not told yet: it may be an echo of the guest's */
    uint32_t wanted; /* the offer whose text the guest waits for; 0: none */
    uint32_t asked;  /* the offer that the client was asked for; 0: no answer is due */
    uint32_t asked_format;
    /* The guest's text. */
    uint32_t guest_offer;
    bool guest_has_text;
    bool is_listed; /* the client was told of a text */
    uint64_t listed_us;
    uint64_t given_hash;                    /* of what the client got of it; 0: nothing */
    uint32_t waiting[ORL_RDP_CLIP_WAITING]; /* formats that the client waits for */
    unsigned waiting_count;
};

struct orl_rdp_sound {
    struct orl_rdp_svc svc;
    bool is_ready; /* the client said its formats */
    bool has_wave2;
    int16_t numbers[ORL_SND_FORMAT_COUNT]; /* the client's, of each format; -1: it has not */
    enum orl_snd_format format;
    struct orl_pcm pcm; /* in_hz 0: not begun */
    struct orl_enc_opus *opus;
    bool is_playing;
    unsigned silent;                  /* blocks in a row */
    uint8_t next_block, oldest_block; /* to be sent; of those not confirmed */
    uint64_t sent_us[256];
    uint64_t trained_us; /* asked and not answered; 0: neither */
    bool has_base;
    uint64_t base_us, base_at_us; /* the shortest time to a confirmation, and when it was seen */
};

struct orl_rdp_gfx {
    struct orl_rdp_dvc dvc;
    bool is_confirmed; /* capabilities are agreed on */
    bool has_offered;  /* the client named its cache; it does so once */
    bool has_avc;
    bool has_surface;
    uint16_t surface;
    uint16_t last_surface;        /* the id given last */
    uint32_t width_px, height_px; /* of the surface */
    struct orl_rdp_slot slots[ORL_H264_SLOTS];
    struct orl_buf pdus; /* of the current message */
    struct orl_buf message;
    struct orl_rdp_pixels pixels;
    struct orl_zgfx *zgfx; /* NULL: messages are not compressed */
    bool has_video;        /* the current message has data that would not shrink */
};

/* Frames that the client has not acknowledged. */
struct orl_rdp_flight {
    uint32_t ids[ORL_RDP_FLIGHT_SLOTS];
    unsigned count;
    uint64_t progress_us; /* the client last took something */
    bool has_acked;       /* not reported yet */
    uint32_t acked;
};

/* Round trips that were asked for and not answered: sequence numbers first .. first + count - 1. */
struct orl_rdp_probes {
    uint16_t first;
    unsigned count;
    uint64_t bytes[ORL_RDP_PROBES]; /* sent up to that probe; by its number */
    bool has_arrived;               /* not reported yet */
    uint64_t arrived_bytes;
};

struct orl_rdp_input {
    uint32_t buttons;
    int32_t x, y;
    bool is_pause_down, is_pause_up; /* E1 1D was seen, 45 completes it */
    uint16_t high_surrogate;         /* 0: none */
};

struct orl_viewer {
    struct orl_loop *loop;
    const struct orl_viewer_events *events;
    void *ctx;
    enum orl_rdp_security security;
    uint32_t max_width_px, max_height_px; /* <= ORL_SURFACE_MAX_PX */
    struct orl_layout layout;             /* the client's monitors, as it last said */
    bool has_clear, has_bulk_compression;
    char planar_clients[ORL_TEXT_MAX + 1];
    char client[ORL_ADDR_MAX + 1];

    freerdp_peer *peer;
    HANDLE vcm;
    int fd; /* the peer's; valid until the peer is disconnected */
    struct orl_io *io;
    struct orl_timer *timer;
    enum orl_rdp_state state;
    bool is_on_stack;  /* FreeRDP or a callback of ours runs */
    bool is_deferred;  /* on_deferred() will come */
    bool is_freed;     /* by the owner, while deferred */
    bool is_activated; /* FreeRDP's Activate came, no reactivation runs */
    bool wants_close;
    bool wants_writable; /* on_writable is owed */
    bool is_drained;     /* closing: everything was written */
    bool is_refused;     /* Capabilities said so to the client, or it never came there */
    bool has_opened;     /* the dynamic channels were asked for */
    enum orl_reason close_reason;
    char close_text[ORL_TEXT_MAX + 1];

    struct orl_x224_request request;
    uint16_t dvc_carrier;                     /* the static channel under dynamic ones */
    psPeerReceiveChannelData receive_channel; /* FreeRDP's own */
    size_t channel_bytes;                     /* of the message that a client is sending */
    pTransportRWFkt read_pdu;                 /* FreeRDP's own */
    bool is_nla;
    bool is_authenticated;
    bool has_shutdown; /* the client asked to end the session */

    struct orl_rdp_gfx gfx;
    struct orl_rdp_dvc disp;
    struct orl_permit permit;
    struct orl_rdp_clipboard clipboard;
    struct orl_rdp_sound sound;
    bool use_gfx; /* decided before on_ready */
    bool has_acks;
    struct orl_rdp_flight flight;
    struct orl_rdp_probes probes;
    uint32_t bitmap_width_px, bitmap_height_px; /* without gfx: of the picture */
    struct orl_rdp_planar planar;               /* without gfx */
    struct orl_rdp_input input;
    struct orl_cursor *cursor; /* the last one; NULL before the first */
    bool owes_cursor;          /* the client has not got it */
};

struct orl_rdp_context {
    rdpContext base; /* first: FreeRDP allocates it */
    struct orl_viewer *viewer;
};

static inline struct orl_viewer *orl_rdp_of(const rdpContext *context)
{
    return ((const struct orl_rdp_context *)context)->viewer;
}
static inline rdpSettings *orl_rdp_settings(const struct orl_viewer *v)
{
    return v->peer->context->settings;
}

/* rdp_viewer.c */
void orl_rdp_close(
        struct orl_viewer *v, enum orl_reason reason, const char *text); /* from anywhere */
void orl_rdp_flush(
        struct orl_viewer *v); /* writes what FreeRDP queued; asks for write events if blocked */
bool orl_rdp_is_blocked(const struct orl_viewer *v);
uint64_t orl_rdp_bytes_out(
        const struct orl_viewer *v); /* given to FreeRDP so far, its headers with it */
uint32_t orl_rdp_clamp_width(const struct orl_viewer *v, uint32_t width_px);
uint32_t orl_rdp_clamp_height(const struct orl_viewer *v, uint32_t height_px);
void orl_rdp_report_caps(struct orl_viewer *v);
void orl_rdp_activate(struct orl_viewer *v);

/* rdp_peer.c: takes opts->fd, also on failure; v is then half-built. */
ORL_NODISCARD int orl_rdp_peer_new(
        struct orl_viewer *v, const struct orl_rdp_opts *opts, struct orl_err *err);

/* rdp_flight.c */
void orl_rdp_flight_add(struct orl_viewer *v, uint32_t frame_id);
void orl_rdp_flight_ack(struct orl_viewer *v, uint32_t frame_id);
/* What was answered since the last call. When all that came is read: whoever is told encodes a frame, and that
 * would make what was not yet read look late. */
void orl_rdp_flight_report(struct orl_viewer *v);
bool orl_rdp_flight_has_room(const struct orl_viewer *v);
unsigned orl_rdp_flight_max(const struct orl_viewer *v);

/* rdp_autodetect.c */
void orl_rdp_autodetect_setup(struct orl_viewer *v);
/* Asks for a round trip behind what was sent; on_arrived follows. */
void orl_rdp_autodetect_probe(struct orl_viewer *v);

/* rdp_auth.c */
void orl_rdp_auth_setup(struct orl_viewer *v);
bool orl_rdp_auth_login(
        struct orl_viewer *v); /* before Demand Active; false: refused and said so */
uint32_t orl_rdp_error_info(enum orl_reason reason);

/* rdp_dvc.c */
enum { ORL_RDP_CHANNEL_MAX_BYTES = 256 * 1024 }; /* of one message of the client */
void orl_rdp_dvc_guard(struct orl_viewer *v);    /* bounds what a client makes FreeRDP buffer */
bool orl_rdp_dvc_open(struct orl_viewer *v, struct orl_rdp_dvc *dvc, const char *name);
void orl_rdp_dvc_name(struct orl_viewer *v); /* when all are opened: their numbers, for writing */
bool orl_rdp_dvc_write(
        struct orl_viewer *v, const struct orl_rdp_dvc *dvc, const uint8_t *data, size_t len);
/* Returns 1 and a message in buf, 0: none, negative: broken. */
int orl_rdp_dvc_read(struct orl_rdp_dvc *dvc, struct orl_buf *buf);
void orl_rdp_dvc_close(struct orl_rdp_dvc *dvc);

/* rdp_svc.c */
bool orl_rdp_svc_is_joined(const struct orl_viewer *v, const char *name);
void orl_rdp_svc_open(struct orl_viewer *v, struct orl_rdp_svc *svc, const char *name,
        size_t max_in_bytes, size_t max_out_bytes);
/* A chunk of the client's. True: svc->in is a whole message. */
bool orl_rdp_svc_receive(struct orl_rdp_svc *svc, const uint8_t *data, size_t len, uint32_t flags);
/* Queues a message. False: it has no room, or failed before. */
bool orl_rdp_svc_put(struct orl_rdp_svc *svc, const struct orl_buf *msg);
/* Writes some of what waits, as far as the client reads. False: the connection is broken. */
bool orl_rdp_svc_flush(struct orl_viewer *v, struct orl_rdp_svc *svc);
bool orl_rdp_svc_has_more(const struct orl_rdp_svc *svc);
void orl_rdp_svc_close(struct orl_rdp_svc *svc); /* wiped */

/* rdp_clipboard.c */
void orl_rdp_clipboard_open(struct orl_viewer *v); /* if the client joined it and policy lets it */
void orl_rdp_clipboard_step(struct orl_viewer *v, const struct orl_clipboard *step);
/* Negative: the client broke the protocol. */
int orl_rdp_clipboard_receive(
        struct orl_viewer *v, const uint8_t *data, size_t len, uint32_t flags);
void orl_rdp_clipboard_close(struct orl_viewer *v);

/* rdp_sound.c: the same. */
void orl_rdp_sound_open(struct orl_viewer *v);
void orl_rdp_sound_play(struct orl_viewer *v, const struct orl_sound *played);
int orl_rdp_sound_receive(struct orl_viewer *v, const uint8_t *data, size_t len, uint32_t flags);
void orl_rdp_sound_close(struct orl_viewer *v);

/* rdp_gfx.c */
bool orl_rdp_gfx_open(struct orl_viewer *v);
int orl_rdp_gfx_run(
        struct orl_viewer *v); /* reads what came; negative: the client broke the protocol */
int orl_rdp_gfx_set_size(struct orl_viewer *v, uint32_t width_px, uint32_t height_px);
int orl_rdp_gfx_send(struct orl_viewer *v, const struct orl_update *update);
uint16_t orl_rdp_gfx_take_id(struct orl_viewer *v); /* of a new surface */
void orl_rdp_gfx_fini(struct orl_viewer *v);

/* rdp_video.c */
void orl_rdp_video_put(struct orl_viewer *v, const struct orl_op *op);
void orl_rdp_video_keep(struct orl_viewer *v, unsigned h264_slots); /* ends the others */

/* rdp_bitmap.c */
int orl_rdp_bitmap_set_size(struct orl_viewer *v, uint32_t width_px, uint32_t height_px);
int orl_rdp_bitmap_send(struct orl_viewer *v, const struct orl_update *update);
bool orl_rdp_bitmap_has_acks(const struct orl_viewer *v);

/* rdp_input.c */
void orl_rdp_input_setup(struct orl_viewer *v);

/* rdp_pointer.c */
void orl_rdp_pointer_send(struct orl_viewer *v, const struct orl_cursor *cursor);

/* rdp_disp.c */
void orl_rdp_login_monitors(struct orl_viewer *v); /* what it said while connecting */
/* The client's monitors if they make up a desktop of this size, else one monitor. */
struct orl_layout orl_rdp_monitors_of(
        const struct orl_viewer *v, uint32_t width_px, uint32_t height_px);
bool orl_rdp_disp_open(struct orl_viewer *v);
int orl_rdp_disp_run(struct orl_viewer *v);

#endif
