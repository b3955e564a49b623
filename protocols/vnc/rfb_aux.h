/* A browser's second socket: sound and notices out, typed text in, quality and figures. Never waits: what the page does not take in
 * time is dropped. Knows no RFB.
 * Not here: its bytes (rfb_aux_wire.h). */
#ifndef ORL_VNC_RFB_AUX_H
#define ORL_VNC_RFB_AUX_H
#include "base/loop.h"
#include "display/input.h"
#include "display/sound.h"
#include "protocols/vnc/rfb_aux_wire.h"

struct orl_rfb_aux;
struct orl_rfb_aux_events {
    void (*on_input)(void *ctx, const struct orl_input *input); /* keysyms */
    void (*on_quality)(void *ctx, enum orl_aux_quality quality);
    void (*on_hello)(void *ctx); /* orl_rfb_aux_plays() may have changed */
    /* Each second while the page wants it: a JSON text for STATS. */
    void (*on_stats_due)(void *ctx, char *ret_json, size_t size);
    void (*on_broken)(void *ctx); /* the page broke the rules; the socket is not read any more */
};
/* Takes fd, also on failure. */
ORL_NODISCARD int orl_rfb_aux_new(struct orl_loop *loop, int fd,
        const struct orl_rfb_aux_events *events, void *ctx, struct orl_rfb_aux **ret_aux,
        struct orl_err *err);
bool orl_rfb_aux_plays(const struct orl_rfb_aux *aux); /* false also for NULL */
/* What is written on the picture, for who does not see it; "": nothing any more. Told again to a page that comes back. */
void orl_rfb_aux_say(struct orl_rfb_aux *aux, const char *text);
void orl_rfb_aux_sound(struct orl_rfb_aux *aux, const struct orl_sound *sound);
void orl_rfb_aux_free(struct orl_rfb_aux *aux); /* NULL is fine */

#endif
