/* Who looks: one interface for RDP and RFB. A viewer speaks to one client on one socket, reports what
 * the client is and does, and writes planned updates in the protocol's terms. Session loop thread only.
 * Life: new -> login (may block, see on_login) -> ready -> frames -> closed. */
#ifndef ORL_DISPLAY_VIEWER_H
#define ORL_DISPLAY_VIEWER_H
#include "base/ipc_msgs.h"
#include "base/loop.h"
#include "base/reason.h"
#include "display/clipboard.h"
#include "display/csc.h"
#include "display/cursor.h"
#include "display/input.h"
#include "display/layout.h"
#include "display/plan.h"
#include "display/sound.h"

struct orl_viewer;

struct orl_viewer_caps {
    bool has_h264; /* AVC420 */
    bool has_copy; /* copy within the picture */
    bool has_fill;
    bool has_acks;         /* frames are acknowledged; without: paced by the socket */
    bool has_resize;       /* the client follows a new size without reconnecting */
    bool has_h264_regions; /* paints only an h264's regions; false: all of its picture */
    bool has_photo;        /* without H.264: shows ORL_OP_PHOTO with loss, in far fewer bytes */
    enum orl_colours h264_colours;
    uint32_t width_px, height_px; /* the client's desktop now; 1 .. ORL_SURFACE_MAX_PX */
    struct orl_layout
            layout; /* its monitors: what it would like that desktop to be; count 0: no wish */
    bool has_clipboard, has_sound; /* the client can */
    uint32_t max_kbit_s;           /* what its person allows; 0: no bound */
    unsigned max_in_flight;        /* most frames unacknowledged, over a long line; 1 .. 8 */
};

/* The answer to a login. */
struct orl_viewer_login_answer {
    bool is_accepted;
    enum orl_reason reason; /* when not */
    char text[ORL_TEXT_MAX + 1];
    uint8_t ntowfv2[16]; /* for a proof */
};

struct orl_viewer_events {
    /* Before any pixel; these two may block until the answer or the gateway's deadline. */
    void (*on_login)(
            void *ctx, struct orl_msg_login *login, struct orl_viewer_login_answer *ret_answer);
    void (*on_proof)(
            void *ctx, struct orl_msg_proof *proof, struct orl_viewer_login_answer *ret_answer);
    void (*on_ready)(
            void *ctx, const struct orl_viewer_caps *caps); /* again when caps or size change */
    void (*on_input)(void *ctx, const struct orl_input *input);
    /* The client's monitors are others now, or its window has another size. Valid. */
    void (*on_layout)(void *ctx, const struct orl_layout *layout);
    void (*on_ack)(void *ctx, uint32_t frame_id); /* this one and all before it */
    /* All that bytes_out() counted up to there has reached the client, decoded or not. Not from every client. */
    void (*on_arrived)(void *ctx, uint64_t bytes_out);
    void (*on_writable)(void *ctx);                 /* without acks: the socket took everything */
    void (*on_visible)(void *ctx, bool is_visible); /* minimised or not */
    void (*on_refresh)(void *ctx, const struct orl_rect *r); /* the client wants it again */
    /* The client offers text, asks for the guest's, or answers. */
    void (*on_clipboard)(void *ctx, const struct orl_clipboard *step);
    void (*on_closed)(void *ctx, enum orl_reason reason, const char *text); /* once */
};

struct orl_viewer_ops {
    /* A new picture size: update the client's surface; the next update is a full one and its h264 a key
     * frame. ORL_E_UNSUPPORTED: the client keeps its size; the caller scales. */
    int (*set_size)(struct orl_viewer *viewer, uint32_t width_px, uint32_t height_px);
    /* ORL_E_AGAIN: not now (in flight or socket full): nothing was sent, on_ack or on_writable follows. */
    int (*send)(struct orl_viewer *viewer, const struct orl_update *update);
    /* False: send() would say AGAIN now, and the same follows; spares making the update. May be NULL. */
    bool (*can_send)(struct orl_viewer *viewer);
    /* The newest counts: it may be shown late, and one that comes before on_ready is shown then. */
    void (*set_cursor)(struct orl_viewer *viewer, const struct orl_cursor *cursor);
    /* The guest's lock keys: ORL_LOCK_*. NULL: the protocol has no word for them. */
    void (*set_locks)(struct orl_viewer *viewer, uint32_t locks);
    /* What the client's window may be called: "pool - Oriel". NULL: the protocol has no names. */
    void (*set_name)(struct orl_viewer *viewer, const char *name);
    void (*close)(struct orl_viewer *viewer, enum orl_reason reason,
            const char *text); /* says why, then closes */
    /* What policy lets pass beside pixels; nothing does before. NULL: neither clipboard nor sound. */
    void (*permit)(struct orl_viewer *viewer, const struct orl_permit *permit);
    /* The guest offers text, asks for the client's, or answers. NULL: no clipboard. */
    void (*clipboard)(struct orl_viewer *viewer, const struct orl_clipboard *step);
    /* Never waits: what the client cannot take in time is dropped. NULL: no sound. */
    void (*sound)(struct orl_viewer *viewer, const struct orl_sound *sound);
    /* What is written on the picture now, for people who do not see it; "": nothing. NULL: the client has no use for it. */
    void (*say)(struct orl_viewer *viewer, const char *text);
    uint64_t (*bytes_out)(const struct orl_viewer *viewer);
    /* Asks the client to say when it has all that was sent so far: on_arrived. Where it cannot, nothing comes. */
    void (*probe)(struct orl_viewer *viewer);
    /* The socket's round trip now and at least; false: not known. Ends at a proxy where there is one. NULL: never. */
    bool (*socket_rtt)(
            const struct orl_viewer *viewer, uint64_t *ret_rtt_us, uint64_t *ret_least_us);
    void (*free)(struct orl_viewer *viewer);
};
struct orl_viewer_handle {
    const struct orl_viewer_ops *ops;
    struct orl_viewer *viewer;
};

#endif
