/* The sessions that look at this console (display/link.h). What one of them does, also when it breaks the
 * protocol, changes nothing for the others.
 * Not here: where pixels come from and input goes (console/console.h). */
#ifndef ORL_CONSOLE_LINKS_H
#define ORL_CONSOLE_LINKS_H
#include "base/loop.h"
#include "base/reason.h"
#include "display/input.h"
#include "display/surface.h"

#define ORL_LINKS_MAX 8

struct orl_links;
struct orl_links_events {
    void (*on_input)(void *ctx, const struct orl_input *input); /* valid */
    void (*on_count)(void *ctx, unsigned count);                /* a link came or went */
};
ORL_NODISCARD int orl_links_new(struct orl_loop *loop, const struct orl_links_events *events,
        void *ctx, struct orl_links **ret_links, struct orl_err *err);
void orl_links_free(struct orl_links *links);
/* Takes fd, also on failure. ORL_E_LIMIT: ORL_LINKS_MAX are there. */
ORL_NODISCARD int orl_links_add(struct orl_links *links, int fd, struct orl_err *err);
/* Everybody gets the surface, also those that come later. Borrowed until the next one. */
void orl_links_set_surface(struct orl_links *links, const struct orl_surface *surface);
void orl_links_wake(struct orl_links *links); /* there is damage, or a cursor */
void orl_links_close_all(struct orl_links *links, enum orl_reason reason);
unsigned orl_links_count(const struct orl_links *links);

#endif
