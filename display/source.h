/* Where pixels come from: one interface for VNC, QEMU's D-Bus display, a guest's RDP.
 * A source works on an fd that somebody else connected, fills a shared surface and takes input.
 * It lives in a console; the session has its own small one for text screens (display/notice.h). */
#ifndef ORL_DISPLAY_SOURCE_H
#define ORL_DISPLAY_SOURCE_H
#include "base/loop.h"
#include "base/reason.h"
#include "display/clipboard.h"
#include "display/cursor.h"
#include "display/input.h"
#include "display/layout.h"
#include "display/sound.h"
#include "display/surface.h"

struct orl_source; /* the implementation's own */

/* Loop thread only. The surface is owned by the source and valid until it reports another one. */
struct orl_source_events {
    void (*on_surface)(void *ctx, struct orl_surface *surface); /* first size, or a new one */
    void (*on_damage)(void *ctx); /* the surface has new damage or a new cursor */
    /* The guest offers text, asks for the client's, or answers; text has passed its checks. */
    void (*on_clipboard)(void *ctx, const struct orl_clipboard *step);
    void (*on_sound)(void *ctx, const struct orl_sound *sound);
    /* The guest's lock keys: ORL_LOCK_*. Never from a source that does not know them. May be NULL. */
    void (*on_locks)(void *ctx, uint32_t locks);
    void (*on_closed)(void *ctx, enum orl_reason reason, const char *text); /* once, then free it */
};
struct orl_source_ops {
    /* input has passed orl_input_is_valid(). Unsupported kinds are ignored. Never blocks: a source whose
     * peer does not read drops pointer moves first, then closes. */
    void (*input)(struct orl_source *source, const struct orl_input *input);
    /* The heads that are wanted, and their sizes; a source with one head follows the first. Valid. */
    void (*set_layout)(struct orl_source *source, const struct orl_layout *layout);
    /* True: somebody looks. False: the source may stop asking its peer for pixels. */
    void (*set_viewed)(struct orl_source *source, bool is_viewed);
    /* The client offers text, asks for the guest's, or answers. NULL: this source carries none. */
    void (*clipboard)(struct orl_source *source, const struct orl_clipboard *step);
    /* ORL_WANT_* (display/link.h) of all who look. NULL: nothing to be wanted. */
    void (*set_wanted)(struct orl_source *source, uint32_t wants);
    void (*free)(struct orl_source *source); /* releases pressed keys at the peer where it can */
};
/* What every orl_x_source_new() gives. */
struct orl_source_handle {
    const struct orl_source_ops *ops;
    struct orl_source *source;
};

#endif
