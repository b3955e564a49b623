/* Turns damage into updates: keeps the picture as the client has it, compares tiles with it, chooses
 * lossless or H.264 for what is left, and makes exact again what H.264 touched once it is at rest.
 * Knows no protocol (display/viewer.h) and no pacing (display/pacer.h). */
#ifndef ORL_DISPLAY_PLANNER_H
#define ORL_DISPLAY_PLANNER_H
#include "base/err.h"
#include "display/csc.h"
#include "display/plan.h"

struct orl_planner;
struct orl_planner_opts {
    uint32_t width_px, height_px;
    bool has_h264; /* false: everything lossless, but for PHOTO */
    /* The client shows all of an h264's picture, not its regions alone: that is then the whole surface, exact again
     * when nothing moves; only where much moves, and not of an odd size. */
    bool h264_shows_all;
    bool has_photo;           /* where H264 is not sent, what moves is PHOTO */
    bool has_copy;            /* what only moved is sent as a copy */
    enum orl_colours colours; /* of H264 */
    unsigned threads;         /* for x264, 1 .. 4 */
    uint32_t max_kbit_s;      /* 0: no bound known yet */
    uint32_t frame_id;        /* of the last update before; 0: none */
};
ORL_NODISCARD int orl_planner_new(
        const struct orl_planner_opts *opts, struct orl_planner **ret_planner, struct orl_err *err);
/* Adds damage; cheap; the pixels are looked at by orl_planner_next(). */
void orl_planner_damage(
        struct orl_planner *planner, const struct orl_region *damage, uint64_t now_us);
/* Makes the next update from src (width_px x height_px, BGRX, may change while it is read).
 * Returns 1 and *ret_update (borrowed until the next call), 0 when there is nothing to send now,
 * negative ORL_E_*. An update that was not sent must be given back with orl_planner_unsent(). */
ORL_NODISCARD int orl_planner_next(struct orl_planner *planner, const uint8_t *src,
        size_t stride_bytes, uint64_t now_us, struct orl_update *ret_update, struct orl_err *err);
/* The viewer did not take the last update: its area counts as damaged again; next h264 is a key frame. */
void orl_planner_unsent(struct orl_planner *planner);
/* Forget what the client has: everything is damaged, next h264 is a key frame. */
void orl_planner_reset(struct orl_planner *planner, uint64_t now_us);
/* Nobody looks: closes the encoders, which the next motion opens again. */
void orl_planner_rest(struct orl_planner *planner);
/* What the line carries now, for all of H.264 together; may be called at any time. 0: unknown. */
void orl_planner_set_rate(struct orl_planner *planner, uint32_t max_kbit_s);
/* True: the next updates carry what is small and keep what moves, what is large and refinement for later, when it
 * is false again. */
void orl_planner_hold(struct orl_planner *planner, bool is_held);
/* Most pixels that one update sends lossless, and of those that it refines: the rest follows in the next ones.
 * INT64_MAX: no bound. */
void orl_planner_set_lossless(
        struct orl_planner *planner, int64_t lossless_max_px, int64_t refine_max_px);
/* When orl_planner_next() should be called though no damage arrives: refinement, or closing an encoder that
 * was not used for a minute. In the past: damage, or an update that was given back, waits until the pacer
 * lets a frame go; so ask the pacer first. 0: never. */
uint64_t orl_planner_due_us(const struct orl_planner *planner);
void orl_planner_free(struct orl_planner *planner);

#endif
