/* What there is to see now, in the size that the client sees: a text screen, or the shared surface of
 * a console (as it is, or fitted into the client's size). Changes between them while it runs.
 * Not here: when a frame goes to the client (stream.h), keys and pointer (input.h). */
#ifndef ORL_SESSION_PICTURE_H
#define ORL_SESSION_PICTURE_H
#include "base/ipc_msgs.h"
#include "base/loop.h"
#include "display/cursor.h"
#include "display/link.h"
#include "display/scale.h"
#include "display/surface.h"

#define ORL_PICTURE_BAND_MAX 1023 /* bytes of a band's text */

struct orl_picture;
struct orl_picture_events {
    void (*on_damage)(void *ctx);
    void (*on_cursor)(void *ctx, const struct orl_cursor *cursor);
    /* The console has its first surface, or one of another size: decide with orl_picture_set_size(). */
    void (*on_source)(void *ctx, uint32_t width_px, uint32_t height_px);
    void (*on_lost)(
            void *ctx, enum orl_reason reason); /* the link is over; a text screen is shown */
    void (*on_broken)(void *ctx);               /* the console broke the link's rules */
    void (*on_writable)(void *ctx);             /* the link takes more again */
    /* CLIPBOARD or SOUND. Negative: the console broke the rules. */
    int (*on_aside)(void *ctx, const struct orl_link_msg *msg);
    void (*on_locks)(void *ctx, uint32_t locks); /* the guest's lock keys; may be NULL */
};
enum { ORL_PICTURE_INPUT = 1, ORL_PICTURE_ASIDE = 2 }; /* who waits for the link */
ORL_NODISCARD int orl_picture_new(struct orl_loop *loop, const struct orl_picture_events *events,
        void *ctx, struct orl_picture **ret_picture, struct orl_err *err);
/* Shows a text screen; since_ms 0: without elapsed time. Strings are copied; footer may be NULL. */
void orl_picture_notice(struct orl_picture *picture, const char *title, const char *text,
        const char *footer, uint64_t since_ms);
/* A band over the console's picture, which goes on below it; NULL or "" takes it away. The string is copied. */
void orl_picture_band(struct orl_picture *picture, const char *text);
/* Ends a text screen that covers a console which is still there; otherwise nothing. */
void orl_picture_resume(struct orl_picture *picture);
/* A new link to a console; replaces the old one. Takes fd. The text stays until its first surface. */
ORL_NODISCARD int orl_picture_attach(struct orl_picture *picture, int fd, struct orl_err *err);
/* As the client sees it. Everything is damaged after it. ORL_E_NOMEM: the old size stays. */
ORL_NODISCARD int orl_picture_set_size(
        struct orl_picture *picture, uint32_t width_px, uint32_t height_px);
/* True: the console's picture is shown, and input goes there. */
bool orl_picture_is_live(const struct orl_picture *picture);
/* False: there is no console's picture, also none below a text screen. */
bool orl_picture_source_size(
        const struct orl_picture *picture, uint32_t *ret_width_px, uint32_t *ret_height_px);
/* The console's own pixels, which may change while they are read; NULL: a text screen is shown. */
const uint8_t *orl_picture_live_pixels(const struct orl_picture *picture, size_t *ret_stride);
int orl_picture_link_fd(const struct orl_picture *picture); /* borrowed; -1: none */
void orl_picture_want_writable(struct orl_picture *picture, unsigned who, bool is_wanted);
void orl_picture_to_source(
        const struct orl_picture *picture, int32_t x, int32_t y, int32_t *ret_x, int32_t *ret_y);

/* Adds what changed since the last call, and makes the pixels of it ready. */
void orl_picture_take_damage(struct orl_picture *picture, struct orl_region *region);
const uint8_t *orl_picture_pixels(const struct orl_picture *picture, size_t *ret_stride);
uint32_t orl_picture_width(const struct orl_picture *picture); /* 0: no size yet */
uint32_t orl_picture_height(const struct orl_picture *picture);
void orl_picture_free(struct orl_picture *picture);

#endif
