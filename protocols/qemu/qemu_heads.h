/* The picture of a machine with two heads: the first head's surface as it is, or, while the second one has the size that
 * was asked for, one surface in which both lie as the layout says. Until the guest has followed, QEMU fills the second
 * with a text of its own, which nobody asked for. */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_HEADS_H
#define ORL_PROTOCOLS_QEMU_QEMU_HEADS_H
#include "display/layout.h"
#include "display/surface.h"

struct orl_qemu_heads;
struct orl_qemu_heads_events {
    /* The whole picture; the one before is freed after the call. */
    void (*on_surface)(void *ctx, struct orl_surface *surface);
    void (*on_damage)(void *ctx);
    void (*on_failed)(void *ctx); /* no memory for the whole */
};
ORL_NODISCARD int orl_qemu_heads_new(
        const struct orl_qemu_heads_events *events, void *ctx, struct orl_qemu_heads **ret_heads);
void orl_qemu_heads_free(struct orl_qemu_heads *heads);
void orl_qemu_heads_set_layout(struct orl_qemu_heads *heads, const struct orl_layout *layout);
/* A head's surface, borrowed until its next one; NULL: the head is gone or dark. */
void orl_qemu_heads_set_surface(
        struct orl_qemu_heads *heads, unsigned head, struct orl_surface *surface);
void orl_qemu_heads_damage(struct orl_qemu_heads *heads, unsigned head, const struct orl_rect *box);
void orl_qemu_heads_set_cursor(struct orl_qemu_heads *heads, const struct orl_cursor *cursor);
/* The whole picture. NULL before the first. */
struct orl_surface *orl_qemu_heads_surface(const struct orl_qemu_heads *heads);
/* A place in the whole picture as one on the first head. A guest's one tablet spans all its heads, of which the second is
 * right of the first, however the client's monitors stand; QEMU measures a place by the head that it is told of. */
void orl_qemu_heads_to_first(const struct orl_qemu_heads *heads, int32_t *x, int32_t *y);

#endif
