/* The RFB viewer's inside, shared by its files. */
#ifndef ORL_VNC_RFB_PRIV_H
#define ORL_VNC_RFB_PRIV_H
#include "display/permit.h"
#include "display/surface.h"
#include "protocols/vnc/rfb_auth.h"
#include "protocols/vnc/rfb_aux.h"
#include "protocols/vnc/rfb_enc.h"
#include "protocols/vnc/rfb_put.h"
#include "protocols/vnc/rfb_stream.h"
#include "protocols/vnc/rfb_viewer.h"
#include "protocols/vnc/rfb_wire.h"

#define ORL_RFB_FLIGHT_MAX 8
#define ORL_RFB_PAGE_FLIGHT_MAX                                                                    \
    3 /* a page answers when it has painted: more would only wait in it */
#define ORL_RFB_ASIDE_WAITING_MAX ((size_t)16 << 20) /* bytes that wait; then no text goes */

enum orl_rfb_state {
    ORL_RFB_NEW = 0,
    ORL_RFB_TALKING, /* version, security, login */
    ORL_RFB_INIT,    /* ServerInit is out; it has asked for nothing yet */
    ORL_RFB_READY,   /* on_ready was called */
    ORL_RFB_CLOSING, /* what was to be said is on its way */
    ORL_RFB_CLOSED
};

/* What its SetEncodings named, beside what rfb_enc.c looks at. */
struct orl_rfb_extensions {
    bool has_desktop_size, has_ext_size, has_name, has_led;
    bool has_fence, has_continuous, has_ext_key, has_ext_buttons, has_ext_clipboard;
};

/* Pseudo-rectangles that are due: sent when the client may be sent an update. */
struct orl_rfb_owed {
    bool size, name, ext_key, ext_buttons, led, cursor;
    uint16_t size_reason, size_status;
};

/* Frames whose fence has not come back. */
struct orl_rfb_flight {
    uint32_t ids[ORL_RFB_FLIGHT_MAX];
    uint64_t sent_us[ORL_RFB_FLIGHT_MAX];
    unsigned count;
    bool has_acked; /* not reported yet */
    uint32_t acked;
    uint32_t rtt_us; /* of the last one; 0: none yet */
};

struct orl_rfb_input {
    uint32_t buttons; /* as RFB numbers them */
    int32_t x, y;
};

struct orl_rfb_clipboard {
    bool is_open;            /* policy lets something pass */
    bool has_said_caps;      /* the extended one was announced */
    struct orl_timer *timer; /* for the client's answer */
    /* The client's text. */
    uint32_t offer;      /* the newest; counts up from 1 */
    bool has_text;       /* it is of a text */
    bool has_kept;       /* which came unasked and lies here */
    struct orl_buf text; /* UTF-8 */
    uint32_t wanted;     /* the offer whose text the guest waits for; 0: none */
    /* The guest's text. */
    uint32_t guest_offer;
    bool guest_has_text;
    bool owes_notify; /* the client is to be told of it, when it reads */
    bool is_asked;    /* the client waits for it */
    bool has_given;
    uint64_t given_hash; /* of what the client got last */
};

/* Since the page was told last. */
struct orl_rfb_counts {
    uint64_t at_us, bytes_out;
    unsigned frames;
    bool has_h264, has_lossless;
    const char *codec;
};

struct orl_viewer {
    struct orl_loop *loop;
    const struct orl_viewer_events *events;
    void *ctx;
    const struct orl_tls_keys *keys;
    uint32_t max_width_px, max_height_px;
    bool is_web;

    struct orl_rfb_stream stream;
    struct orl_io *io;
    struct orl_rfb_aux *aux; /* NULL: not a browser */
    enum orl_aux_quality quality;
    struct orl_rfb_counts counts;
    struct orl_timer *timer;
    enum orl_rfb_state state;
    bool is_handshaking; /* TLS */
    bool is_on_stack;    /* a callback of ours runs */
    bool is_deferred;    /* on_deferred() will come */
    bool is_freed;       /* by the owner, while deferred */
    bool wants_close;
    bool wants_writable; /* on_writable is owed */
    bool is_drained;     /* closing: everything was written */
    enum orl_reason close_reason;
    char close_text[ORL_TEXT_MAX + 1];
    uint64_t progress_us; /* the client last took or acknowledged something */

    struct orl_rfb_auth auth;
    struct orl_rfb_wire wire;
    struct orl_rfb_enc *enc;
    struct orl_rfb_extensions ext;
    size_t skip_bytes;   /* of a cut text that is too long */
    size_t answer_bytes; /* put for the client's messages since `out` was last empty */

    uint32_t width_px, height_px;
    struct orl_layout layout; /* what the client wishes; count 0: nothing yet */
    struct orl_rfb_screen_rect screens[ORL_HEADS_MAX]; /* ids and flags, as it last said */
    bool is_size_asked;                                /* SetDesktopSize that was not answered */
    uint64_t size_asked_us;
    char name[ORL_TEXT_MAX + 1];

    bool has_said_fence, has_said_continuous;
    bool is_continuous;
    bool has_request;    /* an update may be sent without ContinuousUpdates */
    bool is_hidden;      /* it has not asked for a long time */
    uint64_t request_us; /* when has_request last changed */
    struct orl_rfb_owed owed;
    struct orl_rfb_flight flight;
    struct orl_rfb_input input;
    bool has_locks;
    uint32_t locks;            /* the guest's */
    struct orl_cursor *cursor; /* the last one; NULL before the first */
    struct orl_permit permit;
    struct orl_rfb_clipboard clipboard;
};

/* rfb_viewer.c */
void orl_rfb_close(
        struct orl_viewer *v, enum orl_reason reason, const char *text); /* from anywhere */
void orl_rfb_flush(struct orl_viewer *v);
bool orl_rfb_may_update(const struct orl_viewer *v); /* the client may be sent an update now */
void orl_rfb_report_caps(struct orl_viewer *v);
void orl_rfb_become_ready(struct orl_viewer *v);

/* rfb_messages.c */
void orl_rfb_on_msg(struct orl_viewer *v, const struct orl_rfb_msg *msg);

/* rfb_size.c */
void orl_rfb_on_desktop_size(struct orl_viewer *v, const struct orl_rfb_msg *msg);
void orl_rfb_size_set(struct orl_viewer *v, uint32_t width_px, uint32_t height_px);
void orl_rfb_size_overdue(struct orl_viewer *v); /* nobody followed the client's wish */
void orl_rfb_size_put(struct orl_viewer *v);     /* one rectangle */

/* rfb_flight.c */
void orl_rfb_flight_add(struct orl_viewer *v, uint32_t frame_id);
void orl_rfb_flight_ack(struct orl_viewer *v, uint32_t frame_id);
bool orl_rfb_flight_has_room(const struct orl_viewer *v);

/* rfb_clipboard.c */
void orl_rfb_clipboard_open(struct orl_viewer *v);     /* as policy lets it */
void orl_rfb_clipboard_announce(struct orl_viewer *v); /* again when the client names encodings */
void orl_rfb_clipboard_step(struct orl_viewer *v, const struct orl_clipboard *step);
void orl_rfb_clipboard_put(struct orl_viewer *v); /* what is owed */
void orl_rfb_on_cut_text(struct orl_viewer *v, const struct orl_rfb_msg *msg);
void orl_rfb_clipboard_skipped(struct orl_viewer *v); /* a text was longer than we take */
void orl_rfb_clipboard_fini(struct orl_viewer *v);

/* rfb_page.c */
ORL_NODISCARD int orl_rfb_page_open(
        struct orl_viewer *v, int fd, struct orl_err *err); /* takes fd */
void orl_rfb_page_count(struct orl_viewer *v, const struct orl_update *update);

/* rfb_input.c */
void orl_rfb_on_key(struct orl_viewer *v, const struct orl_rfb_msg *msg);
void orl_rfb_on_pointer(struct orl_viewer *v, const struct orl_rfb_msg *msg);

#endif
