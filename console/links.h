/* The sessions that look at this console (display/link.h). What one of them does, also when it breaks the
 * protocol, changes nothing for the others.
 * Not here: where pixels come from and input goes (console/console.h). */
#ifndef ORL_CONSOLE_LINKS_H
#define ORL_CONSOLE_LINKS_H
#include "base/ipc_msgs.h"
#include "base/loop.h"
#include "base/reason.h"
#include "display/clipboard.h"
#include "display/input.h"
#include "display/layout.h"
#include "display/sound.h"
#include "display/surface.h"

#define ORL_LINKS_MAX 8

struct orl_links;
struct orl_links_events {
    void (*on_input)(void *ctx, const struct orl_input *input);    /* valid */
    void (*on_layout)(void *ctx, const struct orl_layout *layout); /* valid; the newest counts */
    void (*on_count)(void *ctx, unsigned count);                   /* a link came or went */
    /* What it takes beside pixels (ORL_WANT_*, within its permit); 0 also when it goes. */
    void (*on_want)(void *ctx, unsigned link, uint32_t wants);
    /* Text has passed its checks; the link wants the clipboard. */
    void (*on_clipboard)(void *ctx, unsigned link, const struct orl_clipboard *step);
};
ORL_NODISCARD int orl_links_new(struct orl_loop *loop, const struct orl_links_events *events,
        void *ctx, struct orl_links **ret_links, struct orl_err *err);
void orl_links_free(struct orl_links *links);
/* permit: what it may have beside pixels and input. Takes fd, also on failure. ORL_E_LIMIT: ORL_LINKS_MAX are there. */
ORL_NODISCARD int orl_links_add(
        struct orl_links *links, int fd, const struct orl_permit *permit, struct orl_err *err);
const struct orl_permit *orl_links_permit(const struct orl_links *links, unsigned link);
/* Everybody gets the surface, also those that come later. Borrowed until the next one. */
void orl_links_set_surface(struct orl_links *links, const struct orl_surface *surface);
void orl_links_wake(struct orl_links *links); /* there is damage, or a cursor */
/* To one of them; waits in a queue of one step of each kind. Text over its limit becomes "cannot be had". */
void orl_links_clipboard(struct orl_links *links, unsigned link, const struct orl_clipboard *step);
/* To all who want it; who does not read misses it. */
void orl_links_sound(struct orl_links *links, const struct orl_sound *sound);
void orl_links_locks(
        struct orl_links *links, uint32_t locks);        /* ORL_LOCK_*; new links hear it, too */
uint32_t orl_links_wants(const struct orl_links *links); /* of all together */
void orl_links_close_all(struct orl_links *links, enum orl_reason reason);
unsigned orl_links_count(const struct orl_links *links);

#endif
